"""What is shipped for services that ask each other: through nginx, and without a memory for failed lookups."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.dotenv import parse
from behindy_ops.project.interpolation import fill_in
from behindy_ops.project.names import Role, read_names
from behindy_ops.project.routes import EDGES
from tests.named import NGINX

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ComposeFile.read(ROOT / "compose" / "docker-compose.yml")
BACKEND = COMPOSE.environment("backend") or {}


def default(name: str) -> str:
    """The value that the backend gets where ``.env`` says nothing."""
    return fill_in(BACKEND[name] or "", {})


def test_backend_asks_llmserver_through_nginx() -> None:
    url = urlsplit(default("AI_SERVER_URL"))
    assert (url.hostname, url.port) == (NGINX, COMPOSE.services()["llmserver"].port)
    assert read_names(COMPOSE).proxy == Role("nginx", NGINX)


def test_nginx_listens_inside_on_the_port_of_each_service_and_leads_to_it() -> None:
    conf = (ROOT / "nginx" / "internal.conf").read_text(encoding="utf-8")
    ports = {name: service.port for name, service in COMPOSE.services().items()}
    assert {name: int(port) for port, name in re.findall(r"^ +(\d+) (\w+);", conf, re.MULTILINE)} == ports
    assert sorted(map(int, re.findall(r"listen (\d+);", conf))) == sorted([*ports.values(), EDGES])


def test_the_backends_jvm_remembers_no_failed_lookup() -> None:
    """By a file: the JDK's own java.security wins over a system property (docs/design.md, "JVM address cache")."""
    (read,) = re.findall(r"-Djava\.security\.properties=(\S+)", default("JAVA_TOOL_OPTIONS"))
    (mount,) = COMPOSE.stanzas["backend"]["volumes"]
    assert (mount["target"], mount["read_only"]) == (read, True)
    text = (ROOT / "compose" / mount["source"]).read_text(encoding="ascii")
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == [
        "networkaddress.cache.negative.ttl=0"
    ]


def test_the_example_explains_the_defaults_as_they_are() -> None:
    example = (ROOT / "compose" / ".env.example").read_text(encoding="utf-8")
    told = parse("\n".join(line.lstrip("#") for line in example.splitlines() if re.match("#?[A-Z_]+=", line)))
    said = {entry.name: entry.value for entry in told.entries}
    for name in ("AI_SERVER_URL", "JAVA_TOOL_OPTIONS"):
        assert said[name] == default(name)
