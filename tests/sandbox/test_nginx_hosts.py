"""nginx with files of another project: several domains, a service with a host of its own, one certificate for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behindy_ops.project.project import Project
from behindy_ops.provision.rendering import rendered
from sandbox.host import shell
from tests.sandbox.support import on_host, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("all_live")

PLACE = "/tmp/behindy-hosts"
NAMES = ("shop.example", "www.shop.example", "shop.org", "api.shop.example")
COMPOSE = """
x-nginx:
  domains: [shop.example, www.shop.example, shop.org]
  limits:
    slow: {rate: 1r/m}
    writes: {rate: 1r/m, only: "^POST /"}
services:
  frontend:
    image: acme/web:1
    x-deploy:
      {port: 3000, internal: /, external: /, routes: [{path: /}, {exact: /short, to: /__echo, body: 1k, timeout: 2m}]}
  backend:
    image: acme/api:1
    x-deploy:
      port: 8080
      internal: /
      external: /
      inside: 81
      routes:
        - {path: /, host: api.shop.example, limit: {writes: 1}}
        - {match: "^/v([0-9])(/.*)$$", to: /api/v$$1$$2, host: api.shop.example, limit: {slow: 1}}
        - {path: /ws, host: api.shop.example, websocket: true}
"""


@pytest.fixture(scope="module", autouse=True)
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Another nginx on the host, beside the one that serves, with the files of that project."""
    root: Path = tmp_path_factory.mktemp("shop")
    (root / "compose").mkdir()
    (root / "compose/docker-compose.yml").write_text(COMPOSE)
    files = rendered(Project(root).compose, root)
    on_host("rm", "-rf", PLACE)
    on_host("mkdir", "-p", f"{PLACE}/nginx/custom", f"{PLACE}/live/shop.example", f"{PLACE}/rehearsal")
    files["custom/mine.conf"] = 'location = /mine { return 200 "mine\\n"; }\n'
    for name, text in files.items():
        shell.run(["tee", f"{PLACE}/nginx/{name}"], stdin=text.encode())
    alternatives = ",".join(f"DNS:{name}" for name in NAMES)
    on_host(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=shop.example"),
        *("-addext", f"subjectAltName={alternatives}", "-keyout", f"{PLACE}/live/shop.example/privkey.pem"),
        *("-out", f"{PLACE}/live/shop.example/fullchain.pem"),
    )
    image = on_host("docker", "container", "inspect", "--format", "{{.Config.Image}}", "nginx")
    mounts = (f"{PLACE}/nginx:/etc/nginx/behindy", f"{PLACE}/live:/etc/letsencrypt/live")
    try:
        on_host(
            *("docker", "run", "-d", "--name", "hosts-nginx", "--network", "behindy-ops_internal", "-m", "128m"),
            *(word for mount in mounts for word in ("--volume", f"{mount}:ro")),
            *("--volume", f"{PLACE}/rehearsal:/etc/nginx/rehearsal:ro", "--tmpfs", "/var/cache/nginx/bodies"),
            *(image, "nginx", "-c", "/etc/nginx/behindy/nginx.conf", "-g", "daemon off;"),
        )
        wait_for(lambda: "ok" in inside("http://127.0.0.1/health"), what="nginx with the other project's files")
        yield
    finally:
        on_host("docker", "rm", "-f", "hosts-nginx", check=False)
        on_host("rm", "-rf", PLACE)


def inside(*options: str) -> str:
    return on_host("docker", "exec", "hosts-nginx", "curl", "-s", "-D", "-", *options, check=False)


def ask(name: str, path: str, *options: str) -> str:
    certificate = ("--cacert", "/etc/letsencrypt/live/shop.example/fullchain.pem")
    return inside(*certificate, "--resolve", f"{name}:443:127.0.0.1", *options, f"https://{name}{path}").lower()


@pytest.mark.parametrize(
    ("name", "service"), [*((name, "frontend") for name in NAMES[:3]), ("api.shop.example", "backend")]
)
def test_each_name_leads_to_its_service_under_a_certificate_that_has_it(name: str, service: str) -> None:
    answer = ask(name, "/__echo")
    assert "http/2 200" in answer
    assert f"x-service: {service}" in answer


def test_a_path_of_one_host_is_none_of_another() -> None:
    assert "x-service: frontend" in ask("shop.example", "/v1/__echo")
    answer = ask("api.shop.example", "/v1/__echo?a=1")
    assert "x-service: backend" in answer
    assert '"/api/v1/__echo?a=1"' in answer


def test_limits_hold_where_they_are_declared() -> None:
    codes = [ask("api.shop.example", "/v2/__echo").split()[1] for _ in range(4)]
    assert codes[-1] == "429"
    assert {ask("api.shop.example", "/__echo").split()[1] for _ in range(4)} == {"200"}
    assert [ask("api.shop.example", "/__echo", "-d", "x").split()[1] for _ in range(4)][-1] == "429"


def test_what_else_a_route_says_holds() -> None:
    assert '"/__echo"' in ask("shop.example", "/short")
    assert "http/2 413" in ask("shop.example", "/short", "-d", "x" * 2000)
    assert "http/2 200" in ask("shop.example", "/__echo", "-d", "x" * 2000)
    asked = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    headers = [word for line in (*asked, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==") for word in ("-H", line)]
    assert "101 switching" in ask("api.shop.example", "/ws", "--http1.1", "-m", "3", *headers)


def test_port_80_leads_each_name_to_itself_and_a_stranger_to_the_first() -> None:
    for name, target in (*((name, name) for name in NAMES), ("evil.example", "shop.example")):
        assert f"location: https://{target}/a" in inside("-H", f"Host: {name}", "http://127.0.0.1/a").lower()
    assert "http/2 421" in inside("-k", "--resolve", "evil.example:443:127.0.0.1", "https://evil.example/").lower()


def test_own_snippets_hold_on_every_site_and_services_are_answered_for_inside() -> None:
    assert all("mine" in ask(name, "/mine") for name in NAMES)
    assert "x-service: backend" in inside("http://127.0.0.1:81/__echo").lower()
