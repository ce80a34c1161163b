"""A project knows its folder, and reads what is declared in it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project.compose import COMPOSE_FILE
from behindy_ops.project.project import Project
from tests.kinds import raises
from tests.unit.env.declared import WANTED

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
services:
  web: {image: a/web, x-deploy: {port: 80, internal: /, external: /}}
  api: {image: a/api, x-deploy: {port: 81, internal: /, external: /}}
  db: {image: postgres}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    file = tmp_path / COMPOSE_FILE
    file.parent.mkdir()
    file.write_text(TEXT)
    return Project(tmp_path)


def test_it_is_found_from_any_folder_below(project: Project, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert Project.find(tmp_path / "a" / "b") == project
    assert Project.find(project.root) == project


def test_a_folder_without_one_is_a_project_that_says_what_is_missing(tmp_path: Path) -> None:
    with raises(Kind.COMPOSE_INVALID, match="There is no compose file here .compose.docker-compose.yml, "):
        Project.find(tmp_path).services()


def test_services_are_given_by_name_or_all_of_them(project: Project) -> None:
    assert [service.name for service in project.services()] == ["web", "api"]
    assert [service.name for service in project.services(["api"])] == ["api"]
    with raises(Kind.USAGE, match=r"no service 'db'.*Choose one of: web, api"):
        project.services(["db"])


def test_the_compose_file_is_read_once(project: Project) -> None:
    compose = project.compose
    project.compose_file.unlink()
    assert project.compose is compose
    assert len(project.services()) == 2


def test_a_domain_is_named_where_a_service_is_public(project: Project) -> None:
    with raises(Kind.SETTINGS, match=r"No public domain .* web is asked there.*x-nginx: .*or set BEHINDY_DOMAIN"):
        project.settings({"BEHINDY_HOST": "h"})
    assert project.settings({"BEHINDY_HOST": "h", "BEHINDY_DOMAIN": "shop.example"}).domain == "shop.example"


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        (f"x-nginx: {{domains: [shop.example, b.example]}}\n{TEXT}", "shop.example"),
        (f"x-nginx: {{domains: behindy.org}}\n{TEXT}", "behindy.org"),
        ("services:\n  worker: {image: a/worker, x-deploy: {}}\n  db: {image: postgres}\n", ""),
        ("services:\n  job: {image: a/job, x-deploy: {schedule: '0 3 * * *'}}\n", ""),
        ("services: [", ""),  # those who need the file say what is wrong with it
    ],
)
def test_the_domain_is_the_first_in_the_compose_file_and_workers_and_jobs_need_none(
    tmp_path: Path, text: str, domain: str
) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    assert Project(tmp_path).settings({"BEHINDY_HOST": "h"}).domain == domain


def test_an_environment_names_a_domain_of_its_own_only_where_a_service_is_public(project: Project) -> None:
    (project.root / ".env.staging").write_text("BEHINDY_HOST=stage\n")
    with raises(Kind.SETTINGS, match="setting is missing") as caught:
        project.settings({"BEHINDY_ENV": "staging"})
    assert caught.value.lines[0].startswith("BEHINDY_DOMAIN: staging names no domain of its own")
    project.compose_file.write_text("services:\n  worker: {image: a/worker, x-deploy: {}}\n")
    assert Project(project.root).settings({"BEHINDY_ENV": "staging"}).host == "stage"


def test_a_domain_that_is_set_is_taken_also_if_it_was_once_the_default(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(f"x-nginx: {{domains: [shop.example]}}\n{TEXT}")
    settings = Project(tmp_path).settings({"BEHINDY_HOST": "h", "BEHINDY_DOMAIN": "behindy.me"})
    assert settings.domain == "behindy.me"


def test_a_complete_env_file_has_the_names_the_stanzas_use() -> None:
    assert WANTED.used == {"db": ("DB_PASS", "DB_NAME"), "backend": ("PREFIX", "DB_PASS", "JWT", "URL", "CACHE_PASS")}
    assert WANTED.required == {"DB_PASS": ("db", "backend"), "JWT": ("backend",)}
    assert WANTED.known == {"DB_PASS", "DB_NAME", "PREFIX", "JWT", "URL", "CACHE_PASS", "OPTIONAL"}
    assert WANTED.examples == {"JWT": "change-it"}


def test_a_service_is_found_by_its_key_and_by_its_containers_name(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(TEXT.replace("image: a/api", "image: a/api, container_name: shop-api"))
    named = Project(tmp_path)
    assert [(service.name, service.stanza) for service in named.services()] == [("web", "web"), ("shop-api", "api")]
    assert named.services(["api"]) == named.services(["shop-api"]) == named.services()[1:]
    with raises(Kind.USAGE, match=r"Choose one of: web, api\."):
        named.services(["db"])
