"""What the compose file declares of domains, routes and limits, and each mistake in it by its path."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from behindy_ops.errors import Kind
from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.routes import BODY, CACHE, declared
from tests.kinds import raises

SITE: dict[str, Any] = {"domains": ["shop.example", "www.shop.example"], "limits": {"api": {"rate": "10r/s"}}}


def compose(site: object = SITE, **services: dict[str, Any]) -> ComposeFile:
    stanzas = {
        name: {
            "image": f"acme/{name}:latest",
            "x-deploy": {"port": 5000 + number, "internal": "/", "external": "/", **keys},
        }
        for number, (name, keys) in enumerate(services.items())
    }
    return ComposeFile.parse(yaml.safe_dump({"x-nginx": site, "services": stanzas}, sort_keys=False))


def test_the_short_form_is_the_whole_site() -> None:
    routes = declared(compose(web={"route": "/"}))
    (site,) = routes.sites
    assert (site.names, [route.location for route in site.routes]) == (("shop.example", "www.shop.example"), ["/"])
    assert (routes.body, routes.longest, routes.names[0]) == (BODY, 60, "shop.example")


def test_a_host_is_a_site_of_its_own_and_all_names_are_one_list() -> None:
    api = {"host": "api.shop.org"}
    admin = {"routes": [{"path": "/admin/", "host": "www.shop.example"}, {"path": "/", "host": "admin.shop.example"}]}
    routes = declared(compose(web={"route": "/"}, api=api, admin=admin))
    assert [(site.names[0], [route.service for route in site.routes]) for site in routes.sites] == [
        ("shop.example", ["web", "admin"]), ("api.shop.org", ["api"]), ("admin.shop.example", ["admin"]),
    ]  # fmt: skip
    assert routes.names == ("shop.example", "www.shop.example", "api.shop.org", "admin.shop.example")


@pytest.mark.parametrize(
    ("keys", "url"),
    [
        ({"host": "api.shop.example"}, "https://api.shop.example/x"),
        ({"routes": [{"path": "/", "host": "api.shop.example"}]}, "https://api.shop.example/x"),
        ({"routes": [{"path": "/", "host": "api.shop.example"}, {"path": "/a"}]}, "https://shop.example/x"),
        ({"route": "/"}, "https://shop.example/x"),
        ({}, "https://shop.example/x"),
    ],
)
def test_a_service_is_checked_where_it_is_reached(keys: dict[str, Any], url: str) -> None:
    service = compose(web=keys).services()["web"]
    assert service.url("/x", "shop.example") == url


def test_a_route_says_all_that_nginx_needs() -> None:
    keys = {"match": "^/v1(/.*)$$", "to": "$$1", "timeout": "15m", "body": "50m", "limit": {"api": 20}}
    routes = declared(compose(web={"routes": [keys]}))
    (route,) = routes.sites[0].routes
    assert (route.location, route.matching, route.to) == ("~ ^/v1(/.*)$", "^/v1(/.*)$", "$1")
    assert (route.timeout, route.body, route.limit, routes.longest) == (900, "50m", {"api": 20}, 900)


@pytest.mark.parametrize(
    ("site", "route", "size"),
    [
        ({}, {}, ""),
        ({}, {"cache": False}, ""),
        ({}, {"cache": True}, CACHE),
        ({"cache": "2g"}, {"cache": True}, "2g"),
        ({"cache": "2g"}, {}, ""),
    ],
)
def test_answers_are_kept_only_where_a_route_says_so(site: dict[str, Any], route: dict[str, Any], size: str) -> None:
    routes = declared(compose({**SITE, **site}, web={"routes": [{"path": "/pictures", **route}, {"path": "/"}]}))
    assert (routes.cache, [route.cache for route in routes.sites[0].routes]) == (size, [bool(size), False])


def test_static_files_are_kept_where_their_service_is_reached() -> None:
    assets = {"from": "/app/static", "at": "/static"}
    routes = declared(compose(web={"route": "/"}, shop={"host": "s.shop.example", "assets": assets}))
    assert [[one.name for one in site.assets] for site in routes.sites] == [[], ["shop"]]


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ({"routes": [{}]}, "services.web.x-deploy.routes[0]: write one of path, exact and match"),
        ({"routes": [{"path": "/", "exact": "/"}]}, "services.web.x-deploy.routes[0]: write one of"),
        ({"routes": {"path": "/"}}, "services.web.x-deploy.routes: not a list"),
        ({"routes": ["/"]}, "services.web.x-deploy.routes[0]: not a mapping"),
        ({"routes": [{"path": "/"}], "route": "/"}, "services.web.x-deploy.routes: there is a route or host as well"),
        ({"routes": [{"path": "/", "pth": 1}]}, "services.web.x-deploy.routes[0].pth: unknown key; did you mean path?"),
        ({"route": "api"}, "services.web.x-deploy.route: 'api' is not a path"),
        ({"route": "/; deny all"}, "services.web.x-deploy.route: "),
        ({"host": "a b"}, "services.web.x-deploy.host: 'a b' is not a domain"),
        ({"routes": [{"match": "^/a{2}"}]}, "services.web.x-deploy.routes[0].match: '^/a{2}' has a blank"),
        ({"routes": [{"match": "^/a ;"}]}, "services.web.x-deploy.routes[0].match: "),
        ({"routes": [{"match": "^/(a"}]}, "services.web.x-deploy.routes[0].match: '^/(a' is no pattern"),
        ({"routes": [{"match": "^/a$"}]}, "services.web.x-deploy.routes[0].match: '^/a$': write $$ for $"),
        ({"routes": [{"match": "^/$$service"}]}, "services.web.x-deploy.routes[0].match: "),
        ({"routes": [{"exact": "/a", "to": "/b;"}]}, "services.web.x-deploy.routes[0].to: '/b;' is not a path"),
        ({"routes": [{"path": "/a", "to": "/b"}]}, "services.web.x-deploy.routes[0].to: of a path it is not known"),
        ({"routes": [{"path": "/a", "body": "10 MB"}]}, "services.web.x-deploy.routes[0].body: '10 MB' does not fit"),
        ({"routes": [{"path": "/a", "timeout": "x"}]}, "services.web.x-deploy.routes[0].timeout: 'x'"),
        ({"routes": [{"path": "/a", "websocket": "yes"}]}, "services.web.x-deploy.routes[0].websocket: write true"),
        ({"routes": [{"path": "/a", "cache": "100m"}]}, "services.web.x-deploy.routes[0].cache: write true or false"),
        (
            {"routes": [{"path": "/a", "cache": True, "websocket": True}]},
            "services.web.x-deploy.routes[0].cache: a connection that is upgraded",
        ),
        ({"routes": [{"path": "/a", "limit": {"x": 1}}]}, "services.web.x-deploy.routes[0].limit.x: not in x-nginx"),
        ({"routes": [{"path": "/a", "limit": 3}]}, "services.web.x-deploy.routes[0].limit: not a mapping"),
        ({"routes": [{"path": "/a"}] * 2}, "services.web.x-deploy.routes: /a leads to web already"),
    ],
)
def test_a_mistake_in_a_route_is_told_by_its_path(keys: dict[str, Any], mistake: str) -> None:
    with raises(Kind.COMPOSE_INVALID) as caught:
        declared(compose(web=keys))
    (line,) = caught.value.lines
    assert line.startswith(mistake)


@pytest.mark.parametrize(
    ("site", "mistake"),
    [
        ({}, "x-nginx.domains: missing"),
        ({"domains": ["shop.example", "x;y"]}, "x-nginx.domains: 'x;y' is not a domain"),
        ({"domains": "shop.example", "limits": {"A b": {"rate": "1r/s"}}}, "x-nginx.limits.A b: not a name"),
        ({"domains": "shop.example", "limits": {"a": {}}}, "x-nginx.limits.a.rate: missing"),
        ({"domains": "shop.example", "limits": {"a": {"rate": "fast"}}}, "x-nginx.limits.a.rate: 'fast' does not fit"),
        ({"domains": "shop.example", "limits": {"a": {"rate": "1r/s", "only": '"x'}}}, "x-nginx.limits.a.only: "),
        ({"domains": "shop.example", "cache": "100 MB"}, "x-nginx.cache: '100 MB' does not fit; write it as in 100m"),
        ({"domains": "shop.example", "port": 1}, "x-nginx.port: unknown key"),
    ],
)
def test_a_mistake_of_the_site_is_told_by_its_path(site: dict[str, Any], mistake: str) -> None:
    with raises(Kind.COMPOSE_INVALID) as caught:
        declared(compose(site, web={"route": "/"}))
    assert any(line.startswith(mistake) for line in caught.value.lines), caught.value.lines


def test_two_services_at_one_port_are_told_apart_inside() -> None:
    with raises(Kind.COMPOSE_INVALID) as caught:
        declared(compose(web={"port": 80}, shop={"port": 80}))
    assert caught.value.lines == ("services.shop.x-deploy.inside: nginx answers at 80 for web; write another port",)
    with raises(Kind.COMPOSE_INVALID) as caught:
        declared(compose(web={"port": 8404}))
    assert caught.value.lines[0].endswith("nginx answers at 8404 for other edges of a swarm; write another port")
    known = declared(compose(web={"port": 80}, shop={"port": 80, "inside": 81})).services
    assert [(one.name, one.port, one.inside) for one in known] == [("web", 80, 80), ("shop", 80, 81)]


def test_nginx_asks_each_service_by_its_containers_name() -> None:
    file = compose(web={"route": "/"}, api={"route": "/api/"})
    named = {**file.top, "services": {k: {**v, "container_name": f"shop-{k}"} for k, v in file.stanzas.items()}}
    routes = declared(ComposeFile.parse(yaml.safe_dump(named, sort_keys=False)))
    assert [route.service for route in routes.sites[0].routes] == ["shop-web", "shop-api"]
    assert [one.name for one in routes.services] == ["shop-web", "shop-api"]


def test_another_projects_nginx_answers_inside_for_its_own_services_alone() -> None:
    site = SITE | {"shared": {"directory": "/srv/first", "container": "nginx"}}
    file = compose(site, web={"port": 80}, shop={"port": 80})
    named = ComposeFile.parse(yaml.safe_dump({**file.top, "name": "shop"}))
    assert (declared(named).project, declared(named).prefix) == ("shop", "of_shop_")
    assert declared(compose(web={})).prefix == ""
    long = ComposeFile.parse(yaml.safe_dump({**file.top, "name": "a-shop-with-a-long-name"}))
    assert (len(declared(long).prefix), declared(long).prefix.isidentifier()) == (10, True)
    with raises(Kind.COMPOSE_INVALID) as caught:
        declared(compose(site, web={"inside": 81}))
    assert caught.value.lines == (
        "services.web.x-deploy.inside: nginx is another project's, and answers its own containers alone",
        "name: write it, of a-z, 0-9, - and _; the shared nginx knows this project by it",
    )
    for name in ("../../site", "${NAME}", ""):
        with raises(Kind.COMPOSE_INVALID) as caught:
            declared(ComposeFile.parse(yaml.safe_dump({**file.top, "name": name})))
        assert caught.value.lines[-1].endswith("knows this project by it")
