"""The names of a site in an environment that has a domain of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.project.domains import Move, move
from behindy_ops.project.project import Project
from behindy_ops.project.settings import Settings

SERVICES = "services: {web: {image: acme/web, x-deploy: {port: 5000, internal: /up, external: /, route: /}}}\n"
STAGING = Move("shop.example", "staging.shop.example")


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("server_name shop.example www.shop.example;", "server_name staging.shop.example www.staging.shop.example;"),
        ("/etc/letsencrypt/live/shop.example/privkey.pem", "/etc/letsencrypt/live/staging.shop.example/privkey.pem"),
        ("https://api.shop.example:443", "https://api.staging.shop.example:443"),
        ("It is shop.example.", "It is staging.shop.example."),
        ("myshop.example shop.example.org shop.example-2 shopxexample", None),
    ],
)
def test_each_name_below_the_first_is_moved_and_no_other(text: str, moved: str | None) -> None:
    assert STAGING.text(text) == (moved or text)


def test_names_of_other_domains_are_productions_alone() -> None:
    names = ("shop.example", "www.shop.example", "shop.org", "api.shop.example", "myshop.example")
    assert STAGING.names(names) == ("staging.shop.example", "www.staging.shop.example", "api.staging.shop.example")


@pytest.mark.parametrize(
    ("environment", "domain", "expected"),
    [
        ("staging", "staging.shop.example", STAGING),
        ("staging", "shop-staging.example", Move("shop.example", "shop-staging.example")),
        ("staging", "shop.example", None),
        ("staging", "www.shop.example", None),
        ("staging", "", None),
        ("", "staging.shop.example", None),
    ],
)
def test_an_environment_has_a_domain_of_its_own_where_none_is_declared(
    tmp_path: Path, environment: str, domain: str, expected: Move | None
) -> None:
    (tmp_path / "compose.yaml").write_text("x-nginx: {domains: [shop.example, www.shop.example]}\n" + SERVICES)
    assert move(Project(tmp_path), Settings(environment=environment, domain=domain)) == expected


def test_a_project_that_declares_no_names_has_its_files_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(SERVICES)
    assert move(Project(tmp_path), Settings(environment="staging", domain="staging.shop.example")) is None
