"""What somebody may write wrongly in a compose file: a mistake is told by the path of its key, and none is a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.project.project import Project
from behindy_ops.project.routes import declared
from behindy_ops.project.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
x-nginx:
  domains: [shop.example, www.shop.example]
  limits: {slow: {rate: 1r/s}}
services:
  web:
    image: ghcr.io/acme/web:latest
    x-deploy: {port: 5000, internal: /health, external: /, route: /}
  worker:
    image: ghcr.io/acme/worker:latest
    x-deploy: {stop: 30}
  report:
    image: ghcr.io/acme/worker:latest
    x-deploy: {schedule: "0 3 * * *"}
  db:
    image: postgres:15
"""

WEB, WORKER, JOB = "{port: 5000, internal: /health, external: /, route: /}", "{stop: 30}", '{schedule: "0 3 * * *"}'
OF_WEB, OF_WORKER, OF_JOB = (f"services.{name}.x-deploy" for name in ("web", "worker", "report"))

WRONG: list[tuple[str, str, str]] = [
    # instead of this, that; and what the line about it begins with
    ("port: 5000", "port: 99999", f"{OF_WEB}.port: "),
    ("port: 5000", "port: '5000'", f"{OF_WEB}.port: "),
    ("port: 5000", "port: yes", f"{OF_WEB}.port: "),
    ("port: 5000", "port: [5000]", f"{OF_WEB}.port: "),
    ("port: 5000", "prot: 5000", f"{OF_WEB}.prot: unknown key; did you mean port?"),
    ("port: 5000, ", "", f"{OF_WEB}.internal: "),
    ("internal: /health", "internal: health", f"{OF_WEB}.internal: "),
    ("internal: /health, ", "", f"{OF_WEB}.internal: missing"),
    ("external: /", "external: https://shop.example/", f"{OF_WEB}.external: "),
    ("external: /", "external: /a b", f"{OF_WEB}.external: "),
    ("route: /", "route: shop", f"{OF_WEB}.route: "),
    ("route: /", "route: /, host: shop.example/x", f"{OF_WEB}.host: "),
    ("route: /", "routes: /", f"{OF_WEB}.routes: "),
    ("route: /", "routes: [{path: /, speed: fast}]", f"{OF_WEB}.routes[0].speed: unknown key"),
    ("route: /", "routes: [{path: /, limit: {fast: 1}}]", f"{OF_WEB}.routes[0].limit.fast: "),
    ("route: /", "routes: [{path: /}, {path: /}]", f"{OF_WEB}.routes"),
    ("route: /", "route: /, drain: soon", f"{OF_WEB}.drain: "),
    ("route: /", "route: /, drain: -1", f"{OF_WEB}.drain: "),
    ("route: /", "route: /, watch: 900h", f"{OF_WEB}.watch: "),
    ("route: /", "route: /, replicas: 12", f"{OF_WEB}.replicas: "),
    ("route: /", "route: /, replicas: two", f"{OF_WEB}.replicas: "),
    ("route: /", "route: /, replicas: 2, overlap: no", f"{OF_WEB}.replicas: "),
    ("route: /", "route: /, overlap: perhaps", f"{OF_WEB}.overlap: "),
    ("route: /", "route: /, before: python manage.py migrate", f"{OF_WEB}.before: "),
    ("route: /", "route: /, before: []", f"{OF_WEB}.before: "),
    ("route: /", 'route: /, before: [sh, -c, "$SECRET"]', f"{OF_WEB}.before: "),
    ("route: /", "route: /, after: {seconds: 5}", f"{OF_WEB}.after.command: "),
    ("route: /", "route: /, expect: 200", f"{OF_WEB}.expect: "),
    ("route: /", "route: /, expect: {status: [99]}", f"{OF_WEB}.expect.status[0]: "),
    ("route: /", "route: /, expect: {body: [ok]}", f"{OF_WEB}.expect.body: "),
    ("route: /", "route: /, health: {attempts: many}", f"{OF_WEB}.health.attempts: "),
    ("route: /", "route: /, health: fast", f"{OF_WEB}.health: "),
    ("route: /", "route: /, assets: {from: app/static}", f"{OF_WEB}.assets.from: "),
    ("route: /", "route: /, assets: [/app]", f"{OF_WEB}.assets: "),
    ("route: /", "route: /, through: Web Service", f"{OF_WEB}.through: "),
    ("route: /", "route: /, timeout: 5", f"{OF_WEB}.timeout: "),
    ("route: /", "route: /, health: {steady: 5}", f"{OF_WEB}.health.steady: "),
    (WEB, "[5000]", f"{OF_WEB}: not a mapping"),
    (WEB, "yes", f"{OF_WEB}: not a mapping"),
    (WORKER, "{stop: 30, route: /}", f"{OF_WORKER}.route: "),
    (WORKER, "{stop: 30, drain: 5}", f"{OF_WORKER}.drain: "),
    (WORKER, "{stop: {seconds: 5}}", f"{OF_WORKER}.stop: "),
    (JOB, '{schedule: "every night"}', f"{OF_JOB}.schedule: "),
    (JOB, '{schedule: "61 3 * * *"}', f"{OF_JOB}.schedule: "),
    (JOB, "{schedule: 3}", f"{OF_JOB}.schedule: "),
    (JOB, '{schedule: "0 3 * * *", port: 80}', f"{OF_JOB}.port: "),
    (JOB, '{schedule: "0 3 * * *", timeout: 9h}', f"{OF_JOB}.timeout: "),
    ("image: ghcr.io/acme/web:latest", "build: .", "services.web.image: missing"),
    ("image: ghcr.io/acme/web:latest", "image: '${REGISTRY}/web'", "services.web.image: "),
    ("image: ghcr.io/acme/web:latest", "image: [web]", "services.web.image: "),
    ("image: ghcr.io/acme/web:latest", "image: acme/web\n    ports: ['80:5000']", "services.web.ports: "),
    ("  web:\n", "  web-green:\n", "services.web-green: "),
    ("  web:\n", "  Web Server:\n", "services.Web Server: "),
    ("[shop.example, www.shop.example]", "https://shop.example", "x-nginx.domains"),
    ("[shop.example, www.shop.example]", "[shop.example, 'two words']", "x-nginx.domains"),
    ("[shop.example, www.shop.example]", "{shop: example}", "x-nginx.domains"),
    ("domains: [shop.example, www.shop.example]", "domain: shop.example", "x-nginx.domain: unknown key"),
    ("{slow: {rate: 1r/s}}", "{slow: {rate: fast}}", "x-nginx.limits.slow.rate: "),
    ("{slow: {rate: 1r/s}}", "[slow]", "x-nginx.limits: "),
    ("{slow: {rate: 1r/s}}", "{slow: {rate: 1r/s}}\n  body: huge", "x-nginx.body: "),
    ("{slow: {rate: 1r/s}}", "{slow: {rate: 1r/s}}\n  shared: nginx", "x-nginx.shared: "),
    ("{slow: {rate: 1r/s}}", "{slow: {rate: 1r/s}}\n  shared: {directory: shop}", "x-nginx.shared.directory: "),
]

NOT_READ = {
    "empty": b"",
    "not YAML": b"services: [unclosed\n",
    "a list": b"- web\n",
    "a text": b"web\n",
    "not UTF-8": b"services:\n  web: {image: \xff\xfe}\n",
    "no services": b"x-nginx: {domains: [a.example]}\n",
    "services as a list": b"services: [web]\n",
    "a service as a text": b"services: {web: nginx}\n",
    "nothing to deploy": b"services: {db: {image: 'postgres:15'}}\n",
    "a service of nothing": b"services: {web: }\n",
    "an unknown anchor": b"services: {web: *base}\n",
    "a control character": b"services: {web: {image: 'a\x07'}}\n",
}


def read(folder: Path, content: bytes) -> None:
    """Read all that a deploy and nginx's files need of it."""
    (folder / "compose.yaml").write_bytes(content)
    project = Project(folder)
    project.services()
    project.names(Settings())
    declared(project.compose)


def test_what_is_good_is_read(tmp_path: Path) -> None:
    read(tmp_path, GOOD.encode())


@pytest.mark.parametrize(("instead", "written", "begins"), WRONG, ids=[written[:60] for _, written, _ in WRONG])
def test_a_mistake_is_told_by_the_path_of_its_key(tmp_path: Path, instead: str, written: str, begins: str) -> None:
    assert GOOD.count(instead) == 1
    with pytest.raises(BehindyError) as caught:
        read(tmp_path, GOOD.replace(instead, written).encode())
    assert caught.value.kind is Kind.COMPOSE_INVALID
    assert any(line.startswith(begins) for line in caught.value.lines), caught.value.lines
    assert str(tmp_path / "compose.yaml") in caught.value.remedy


@pytest.mark.parametrize("content", NOT_READ.values(), ids=NOT_READ.keys())
def test_a_file_that_cannot_be_read_as_one_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BehindyError) as caught:
        read(tmp_path, content)
    assert caught.value.kind is Kind.COMPOSE_INVALID
    assert "compose.yaml" in f"{caught.value.what} {caught.value.remedy}"
