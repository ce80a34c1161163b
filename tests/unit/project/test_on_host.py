"""A compose file in the project's own folder, as the host has it in compose/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from behindy_ops.errors import Kind
from behindy_ops.project.on_host import for_host
from behindy_ops.project.project import Project
from tests.kinds import raises

if TYPE_CHECKING:
    from pathlib import Path

HERE = """\
# The shop. Comments stay.
x-common: &common
  env_file: .env        # the host's
  restart: unless-stopped
services:
  nginx:
    image: nginx:1.28
    volumes:
      - ./nginx:/etc/nginx/behindy:ro
      - "./nginx/extra:/extra"
      - /etc/letsencrypt:/etc/letsencrypt:ro
      - cache:/var/cache
  web:
    <<: *common
    image: ghcr.io/acme/web   # pulled there
    build: .
    x-deploy: {port: 5000, internal: /up, external: /up}
    volumes: [{type: bind, source: data/web, target: /data}, {type: volume, source: media, target: /media}]
  worker:
    <<: *common
    image: ghcr.io/acme/web
    env_file: [./.env, {path: nginx/worker.env, required: false}]
    volumes: [".:/all", "${DATA_DIR:-/srv/data}:/srv", "${LOGS:-./logs}/web:/logs"]
secrets:
  token: {file: ./nginx/token}
"""
THERE = (
    HERE.replace("env_file: .env ", 'env_file: "../.env" ')
    .replace("./nginx:/etc/nginx/behindy:ro", '"../nginx:/etc/nginx/behindy:ro"')
    .replace('"./nginx/extra:/extra"', '"../nginx/extra:/extra"')
    .replace("source: data/web", 'source: "../data/web"')
    .replace("[./.env, {path: nginx/worker.env", '["../.env", {path: "../nginx/worker.env"')
    .replace('".:/all"', '"..:/all"')
    .replace("${LOGS:-./logs}", "${LOGS:-../logs}")
    .replace("file: ./nginx/token", 'file: "../nginx/token"')
)


def test_every_relative_path_is_as_it_reads_from_compose_and_nothing_else_changes(tmp_path: Path) -> None:
    assert for_host(HERE, tmp_path) == THERE
    assert yaml.safe_load(THERE)["services"]["web"]["env_file"] == "../.env"


def test_what_needs_no_change_stays_as_it_is(tmp_path: Path) -> None:
    text = "services: {web: {image: a, volumes: ['named:/x', '/abs:/y', '~/home:/z']}}\n"
    assert for_host(text, tmp_path) == text
    assert for_host("", tmp_path) == ""


def test_only_of_a_compose_file_in_the_projects_own_folder(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(HERE)
    assert Project(tmp_path).compose_on_host == THERE
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "docker-compose.yml").write_text(HERE)
    assert Project(tmp_path).compose_on_host == HERE


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("web: {volumes: ['../other:/x']}", "services.web.volumes[0]: ../other is outside the project's folder"),
        ("web: {volumes: [a:/a, './x/../../b:/x']}", "services.web.volumes[1]: ./x/../../b is outside"),
        ("web: {volumes: ['./redis.conf:/x']}", "services.web.volumes[0]: ./redis.conf is a file that is not put on"),
        ("web: {env_file: web.env}", "services.web.env_file: web.env is a file that is not put on the host"),
        ("web: {volumes: ['${D:-../data}:/x']}", "services.web.volumes[0]: ../data is outside the project's folder"),
        ("web: {volumes: ['${D-./redis.conf}:/x']}", "services.web.volumes[0]: ./redis.conf is a file that is not put"),
        (
            "web: {volumes: ['${D:-${E:-./data}}:/x']}",
            "services.web.volumes[0]: a relative path as a variable's default",
        ),
        ("web: {extends: {file: base.yml, service: web}}", "services.web.extends.file: a file beside this one"),
        ("web: {}\ninclude: [other.yml]", "include: a file beside this one"),
        ("web: {}\nconfigs: {c: {file: web.env}}", "configs.c.file: web.env is a file that is not put on the host"),
    ],
)
def test_what_the_host_would_not_have_is_refused_by_its_key(tmp_path: Path, text: str, mistake: str) -> None:
    for name in ("redis.conf", "web.env"):
        (tmp_path / name).write_text("x")
    with raises(Kind.COMPOSE_INVALID, match="what is not put on the host") as raised:
        for_host(f"services:\n  {text}\n", tmp_path)
    (line,) = raised.value.lines
    assert line.startswith(mistake)


def test_what_compose_merges_is_overridden_as_compose_does_it(tmp_path: Path) -> None:
    text = "x: &x {env_file: ../y}\nservices:\n  web: {env_file: .env, <<: *x}\n"
    assert for_host(text, tmp_path) == text.replace(": .env", ': "../.env"')
