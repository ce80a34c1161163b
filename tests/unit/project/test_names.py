"""What a project calls its things, as Compose's own rules and the roles of its services have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from behindy_ops.errors import Kind
from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.names import Names, Role, read_names
from behindy_ops.project.services import Service
from tests.kinds import raises

ROOT = Path(__file__).parents[3]

WEB = {"image": "ghcr.io/acme/web", "x-deploy": {"port": 5000}}

SHOP: dict[str, Any] = {
    "services": {
        "edge": {"image": "nginx:1.28"},
        "web": WEB,
        "pg": {"image": "ghcr.io/acme/mirror/postgis:16-3.4@sha256:0"},
        "cache": {"image": "valkey/valkey:8"},
        "mail": {"image": "axllent/mailpit"},
    }
}


def names(top: dict[str, Any], *, folder: str = "Shop.Example", chosen: str = "") -> Names:
    return read_names(ComposeFile.parse(yaml.safe_dump(top), Path("/work", folder, "compose.yaml")), chosen=chosen)


def shop(**stanzas: dict[str, Any] | None) -> dict[str, Any]:
    """The shop with keys of its stanzas changed; None for a stanza that it does not have."""
    services = {name: {**stanza, **(stanzas.get(name, {}) or {})} for name, stanza in SHOP["services"].items()}
    services |= {name: stanza for name, stanza in stanzas.items() if name not in services and stanza is not None}
    return {"services": {name: stanza for name, stanza in services.items() if stanzas.get(name, {}) is not None}}


def test_behindys_own_names_are_the_defaults() -> None:
    compose = ComposeFile.read(ROOT / "compose" / "docker-compose.yml")
    own = read_names(compose, chosen="something-else")
    services = {"llmserver": "llmserver", "backend": "backend", "frontend": "frontend"}
    beside = {"nginx": "nginx", "db": "postgres", "redis": "redis"}
    assert own.containers == beside | services
    assert own == Names(containers=own.containers, deployed=tuple(services))
    assert own.beside == beside
    assert (own.project, own.network, own.edge) == ("behindy-ops", "behindy-ops_internal", "behindy-ops_edge")
    assert own.trio("frontend") == ("frontend", "frontend-green", "frontend-blue")


def test_a_plain_compose_file_has_composes_own_names_and_roles_by_image() -> None:
    found = names(SHOP)
    assert (found.project, found.network, found.network_key) == ("shopexample", "shopexample_default", "default")
    assert found.proxy == Role("edge", "shopexample-edge-1")
    assert found.dependencies == (Role("pg", "shopexample-pg-1"), Role("cache", "shopexample-cache-1"))
    assert found.containers["web"] == "web"
    assert found.containers["mail"] == "shopexample-mail-1"


@pytest.mark.parametrize(
    ("top", "chosen", "project"),
    [({}, "", "shopexample"), ({}, "staging", "staging"), ({"name": "shop"}, "staging", "shop")],
)
def test_the_project_is_called_as_the_file_says_or_as_was_chosen_or_as_its_folder(
    top: dict[str, Any], chosen: str, project: str
) -> None:
    assert names({**SHOP, **top}, chosen=chosen).project == project


def test_a_project_may_have_no_database_no_cache_and_another_projects_nginx() -> None:
    found = names(shop(edge=None, pg=None, cache=None))
    assert (found.proxy, found.database, found.cache) == (Role("nginx", "nginx"), None, None)


def test_what_a_stanza_says_of_its_role_wins_over_the_images() -> None:
    found = names(shop(pg={"x-role": "none"}, mail={"x-role": "database", "container_name": "${NAME:-data}"}))
    assert found.database == Role("mail", "data")
    two = {"image": "redis:7"}
    assert names(shop(queue={**two, "x-role": "none"})).cache == Role("cache", "shopexample-cache-1")
    assert names(shop(queue={**two, "x-role": "cache"})).cache == Role("queue", "shopexample-queue-1")


def test_a_service_that_is_deployed_is_nobody_beside_it_unless_it_says_so() -> None:
    found = names(shop(edge=None, front={"image": "nginx", "x-deploy": {}}))
    assert found.proxy == Role("nginx", "nginx")


@pytest.mark.parametrize(
    ("networks", "top", "network", "key"),
    [
        (["front", "back"], {"back": {"name": "shared"}}, "shared", "back"),
        ({"back": {"aliases": ["x"]}}, {"back": None}, "shop_back", "back"),
        (["back"], {"back": {"external": True}}, "back", "back"),
        (["back"], {"back": {"external": True, "name": "edge_net"}}, "edge_net", "back"),
        (["back"], {"back": {"name": "${NET:-net}"}}, "net", "back"),
    ],
)
def test_the_network_is_the_one_that_nginx_shares_with_the_services(
    networks: Any, top: dict[str, Any], network: str, key: str
) -> None:
    declared = shop(edge={"networks": networks}, web={"networks": ["other", "back"]})
    found = names({"name": "shop", "networks": top, **declared})
    assert (found.network, found.network_key) == (network, key)


def test_of_two_networks_the_one_with_more_services_is_it() -> None:
    both, worker = {"networks": ["jobs", "back"]}, {**WEB, "networks": ["back"]}
    found = names({"name": "shop", **shop(edge=both, web=both, worker=worker)})
    assert found.network == "shop_back"


@pytest.mark.parametrize(
    ("declared", "port", "meets"),
    [
        ({"networks": ["jobs"]}, 0, False),
        ({"networks": {"jobs": {"aliases": ["x"]}}}, 0, False),
        ({"networks": ["jobs", "back"]}, 0, True),
        ({"network_mode": "none"}, 0, False),
        ({}, 0, True),
        ({"networks": ["jobs"]}, 80, True),
    ],
)
def test_a_worker_is_on_the_networks_it_declares_and_what_nginx_asks_is_on_nginxs(
    declared: dict[str, Any], port: int, meets: bool
) -> None:
    stanza = {"image": "me/worker", "x-deploy": {}, **declared}
    back = {"networks": ["back"]}
    found = names({"name": "shop", **shop(edge=back, web=back, worker=stanza)})
    assert found.network_key == "back"
    assert found.meets_nginx(Service("worker-2", "me/worker", port, stanza="worker")) is meets


@pytest.mark.parametrize(
    ("top", "line"),
    [
        (shop(edge={"networks": ["front"]}), "services.edge.networks: nginx shares no network with web"),
        (
            shop(second={"image": "postgres"}),
            "services.pg, services.second: each may be the database; write x-role: database in one of them",
        ),
        (
            shop(mail={"x-role": "mailer"}),
            "services.mail.x-role: 'mailer' is no role; write one of proxy, database, cache, none",
        ),
        (
            shop(mail={"container_name": "${MAIL}"}),
            "services.mail.container_name: ${MAIL} has no default, so the name is not known here",
        ),
        (shop(mail={"container_name": "-v"}), "services.mail.container_name: '-v' is not a name"),
        ({**SHOP, "name": "a b"}, "name: 'a b' is not a name"),
        ({**SHOP, "networks": {"default": {"name": "$(x)"}}}, "networks.default.name: '$(x)' is not a name"),
    ],
)
def test_what_cannot_be_told_is_refused_by_its_path(top: dict[str, Any], line: str) -> None:
    with raises(Kind.COMPOSE_INVALID) as error:
        names(top)
    (said,) = error.value.lines
    assert said.startswith(line)


FIRST = {"directory": "/home/ubuntu/behindy-ops/", "container": "nginx"}


def second(shared: object = FIRST, **stanzas: dict[str, Any] | None) -> dict[str, Any]:
    """A project without an nginx of its own, on the network of another one's."""
    own = {"networks": ["front", "back"]}
    declared = shop(**{"edge": None, "web": own, "pg": {"networks": ["back"]}, "mail": None, "cache": None} | stanzas)
    networks = {"back": {}, "front": {"external": True, "name": "first_internal"}}
    return {"name": "shop", "x-nginx": {"shared": shared}, "networks": networks, **declared}


def test_a_project_that_shares_an_nginx_is_on_the_network_of_that() -> None:
    found = names(second(web={"networks": ["back", "front"]}))
    assert (found.proxy, found.shared) == (Role("", "nginx"), "/home/ubuntu/behindy-ops")
    assert (found.network, found.network_key, found.apart) == ("first_internal", "front", ("pg",))


@pytest.mark.parametrize(
    ("top", "line"),
    [
        (second({"container": "nginx"}), "x-nginx.shared.directory: write the other project's directory on the host"),
        (second({**FIRST, "directory": "behindy-ops"}), "x-nginx.shared.directory: write the other project's"),
        (second({**FIRST, "container": "a b"}), "x-nginx.shared.container: write the name of the other project's"),
        (second({**FIRST, "port": 1}), "x-nginx.shared.port: unknown key; the keys are directory, container"),
        (second("nginx"), "x-nginx.shared: not a mapping; its keys are directory, container"),
        (second(edge={"networks": ["front"]}), "x-nginx.shared: services.edge is an nginx, too; take it away"),
        (second(web={"networks": ["back"]}), "networks: no service is on nginx's network; declare that with external"),
        ({k: v for k, v in second().items() if k != "name"}, "name: missing; by it nginx's files tell this project"),
    ],
)
def test_a_mistake_in_how_an_nginx_is_shared_is_told_by_its_path(top: dict[str, Any], line: str) -> None:
    with raises(Kind.COMPOSE_INVALID) as error:
        names(top)
    assert any(said.startswith(line) for said in error.value.lines), error.value.lines
