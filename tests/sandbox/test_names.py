"""A project whose compose file names nothing: containers and network as Compose calls them, nginx by its role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.bare import (
    Bare,
    bare,
    believe_the_authority,
    curl_from_here,
    fingerprint_of_its_key,
    write_environment,
)
from tests.sandbox.support import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(900)

BESIDE = {"shop-edge-1", "shop-db-1", "shop-redis-1"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    with bare("trixie", tmp_path_factory.mktemp("shop")) as made:
        rename(made.project / "compose" / "docker-compose.yml")
        made.inv("host.trust", "--fingerprint", fingerprint_of_its_key(made)).ok()
        made.inv("host.setup", "--yes", timeout=800).ok()
        believe_the_authority(made)
        write_environment(made)
        for words in (("env.push",), ("host.sync",), ("host.up",), ("host.certs", "--email", "ops@behindy.me")):
            made.inv(*words, "--yes").ok()
        made.inv("deploy.all", "--tag", "v1", "--watch", "0").ok()
        yield made


def rename(file: Path) -> None:
    """The project is another, nginx's service is called edge, and nothing else has a name of its own."""
    text = file.read_text()
    for old, new in (
        ("name: behindy-ops\n", "name: shop\n"),
        ("  nginx:\n", "  edge:\n    x-role: proxy\n"),
        ("    container_name: nginx\n", ""),
        ("    container_name: postgres\n", ""),
        ("    container_name: redis\n", ""),
        ("networks: [internal]", "networks: [back]"),
        ("networks:\n  internal:\n    name: behindy-ops_internal\n", "networks:\n  back:\n"),
        ("http://nginx:8000", "http://edge:8000"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text)


def test_what_runs_is_called_as_compose_calls_it(shop: Bare) -> None:
    names = set(shop.sh("docker ps --format '{{.Names}}'").split())
    assert {*SERVICES, *BESIDE} == {name for name in names if not name.endswith("-blue")}
    networks = shop.sh("docker network ls --format '{{.Name}}'").split()
    assert "shop_back" in networks
    assert not [name for name in networks if name.startswith("behindy-ops")]
    assert "frontend" in curl_from_here(shop, "/")


def test_a_deploy_loses_no_request(shop: Bare) -> None:
    with Traffic(shop, for_service("frontend"), max_seconds=300) as traffic:
        traffic.wait_until_flowing()
        shop.inv("deploy.frontend", "--tag", "v1", "--force", "--watch", "0").ok()
        result = traffic.stop()
    assert result.lost == 0, result.losses[:3]
    assert result.sent > 0


def test_the_views_know_who_is_who(shop: Bare) -> None:
    told = json.loads(shop.inv("ops.ps", "--json").ok().out)
    roles = {each["name"]: each["role"] for each in told["containers"]}
    assert {name for name, role in roles.items() if role == "infrastructure"} == BESIDE
    assert json.loads(shop.inv("ops.network", "--json").ok().out)["network"] == "shop_back"
    assert json.loads(shop.inv("ops.nginx", "--reload", "--json").ok().out)["reloaded"] is True
    checks = json.loads(shop.inv("deploy.check", "frontend", "--json").ok().out)
    assert checks


def test_the_database_is_backed_up_by_a_person_and_by_the_hosts_timer(shop: Bare) -> None:
    assert "on the host" in shop.inv("db.backup", "--keep-on-host").ok().out
    shop.sh("/usr/local/lib/behindy-ops/backup", user="ubuntu")
    said = json.loads(shop.sh("cat /home/ubuntu/behindy-ops/state/timers/backup.json"))
    assert said["ok"] is True, said
    certs = shop.sh("/usr/local/lib/behindy-ops/certs", user="ubuntu")
    assert "valid until" in certs
