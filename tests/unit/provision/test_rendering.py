"""nginx's files as they are made: this project's, of several hosts, by own templates; what is not written over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project.project import Project
from behindy_ops.provision import rendering
from behindy_ops.provision.certs import names_served
from behindy_ops.provision.rendering import State
from sandbox.tasks.quality import CHECKOUT
from tests.kinds import raises

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
x-nginx:
  domains: [shop.example, www.shop.example]
services:
  web:
    image: acme/web:1
    x-deploy: {port: 5000, internal: /, external: /, route: /}
  api:
    image: acme/api:1
    x-deploy: {port: 5001, internal: /, external: /, host: api.shop.org}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose/docker-compose.yml").write_text(SHOP)
    return Project(tmp_path)


def servers(text: str) -> list[str]:
    return re.split(r"^server \{$", text, flags=re.MULTILINE)[1:]


def test_the_files_of_this_project_are_as_its_compose_file_declares() -> None:
    assert rendering.written(Project(CHECKOUT)).lines() == []


def test_each_host_has_a_site_with_its_routes_alone_and_one_certificate_has_all_names(shop: Project) -> None:
    made = rendering.rendered(shop.compose, shop.root)
    site, api = servers(made["site.conf"])[2:]
    assert ("server_name shop.example www.shop.example;" in site, "set $service web;" in site) == (True, True)
    assert ("server_name api.shop.org;" in api, "set $service web;" in api) == (True, False)
    assert set(re.findall(r"/live/([^/]+)/", made["site.conf"])) == {"shop.example"}
    assert names_served({"nginx/site.conf": made["site.conf"].encode()}, "shop.example") == (
        "shop.example",
        "www.shop.example",
    )
    assert "    https://api.shop.org $http_origin;" in made["maps.conf"]
    assert "behindy.me" not in "".join(made.values())


@pytest.mark.parametrize("name", ["docker-compose.yml", "compose.yaml"])
def test_each_file_begins_with_the_compose_file_that_it_is_made_of(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SHOP)
    found = rendering.written(Project(tmp_path))
    rendering.write(Project(tmp_path), found, force=False)
    for path, content in found.made.items():
        assert content.startswith(f"# Made by `inv host.nginx --write` from {name}; ".encode()), path
        assert b"compose/docker-compose.yml" not in content, path
    (tmp_path / name).rename(tmp_path / "compose.yml")
    moved = rendering.written(Project(tmp_path))
    assert (moved.stale, dict(moved.kept)) == (True, {}), "known as ours, whatever they were made of"


def test_of_several_containers_each_gets_its_share_and_who_knows_the_token_names_one(shop: Project) -> None:
    without = rendering.rendered(shop.compose, shop.root)
    (shop.root / "compose/docker-compose.yml").write_text(SHOP.replace("{port: 5000,", "{replicas: 3, port: 5000,"))
    made = rendering.rendered(Project(shop.root).compose, shop.root)
    maps = made["maps.conf"]
    (split,) = re.findall(r"split_clients \$request_id \$replica_of_1 \{\n(.*?)\}", maps, flags=re.DOTALL)
    assert re.sub(r" +", " ", split) == ' 33.33% -2;\n 33.33% -3;\n * "";\n'
    assert "    web $replica_of_1;" in maps
    assert '    "|web" -2;' in maps
    assert "api $replica" not in maps
    assert made["site.conf"].count("proxy_pass http://$container:$port;") == 2
    assert "default $service$replica$candidate;" in made["maps.conf"]
    assert "root /dev/shm/behindy/$service$replica;" in made["switched.conf"]
    assert re.findall(r"proxy_pass (.*);", made["resend.conf"]) == [
        *["http://$once_more:$port"] * 6, "http://$previous:$port",
    ]  # fmt: skip
    assert [line for line in maps.splitlines() if line.startswith('    "" $service$')] == [
        '    "" $service$replica-blue;', '    "" $service$other_replica;',
    ]  # fmt: skip
    assert not any("replica" in text for text in without.values())


def test_the_tenth_container_gets_its_share_and_is_named_as_the_others_are(shop: Project) -> None:
    (shop.root / "compose/docker-compose.yml").write_text(SHOP.replace("{port: 5000,", "{replicas: 10, port: 5000,"))
    maps = rendering.rendered(Project(shop.root).compose, shop.root)["maps.conf"]
    assert re.sub(r" +", " ", maps).count(" 10.00% -10;") == 1
    (by_token,) = re.findall(r'"~(\^\[\^\|\]\+.*)" "-\$http_x_behindy_replica"', maps)
    (of_asked,) = re.findall(r"~(\^-\S+) \$replica_asked", maps)
    for number, known in (("2", True), ("10", True), ("1", False), ("11", False), ("20", False), ("100", False)):
        assert bool(re.search(by_token, f"-green|{number}")) == known
        assert bool(re.search(of_asked, f"-{number}")) == known


def test_another_address_is_asked_only_where_no_answer_could_time_out_by_then(shop: Project) -> None:
    routes = "[{path: /, timeout: 6s}, {path: /at-once, timeout: 5s}]"
    text = re.sub(
        r"x-deploy: \{port: 5000.*", f"x-deploy: {{port: 5000, internal: /, external: /, routes: {routes}}}", SHOP
    )
    (shop.root / "compose/docker-compose.yml").write_text(text)
    made = rendering.rendered(Project(shop.root).compose, shop.root)
    locations = dict(re.findall(r"location (\S+) \{\n(.*?)\n    \}", made["site.conf"], flags=re.DOTALL))
    assert [path for path, text in locations.items() if "proxy_next_upstream off;" in text] == ["/at-once"]
    for name in ("proxy.conf", "internal.conf"):
        (limit,) = re.findall(r"proxy_next_upstream_timeout (\d+)s;", made[name])
        answers = [int(seconds) for seconds in re.findall(r"proxy_(?:read|send)_timeout (\d+)s;", made[name])]
        assert min(answers) > int(limit) > 3, "three addresses that nobody answers at take 3 s"
        assert "proxy_next_upstream timeout;" in made[name], "an error may be of a request that was sent"


def test_no_path_is_passed_on_decoded_where_it_could_lead_elsewhere_or_hold_a_second_request(shop: Project) -> None:
    """``$uri`` has ``%252e%252e%2f`` as ``%2e%2e/``, which leads up once more, and ``%0d%0a`` as the end of a line."""
    passed = re.findall(r"proxy_pass ([^;]+);", "".join(rendering.rendered(shop.compose, shop.root).values()))
    assert "http://$edges:8404" in passed
    assert [each for each in passed if re.search(r"\$(document_)?uri\b", each)] == []


def test_what_a_route_keeps_is_configured_there_and_nowhere_without_one(shop: Project) -> None:
    without = rendering.rendered(shop.compose, shop.root)
    assert not re.findall(r"proxy_\w*cache\w*|cached\.conf", "".join(without.values()))
    kept = "x-deploy: {port: 5000, internal: /, external: /, routes: [{path: /}, {path: /small, cache: true}]}"
    text = re.sub(r"x-deploy: \{port: 5000.*", kept, SHOP).replace("x-nginx:", "x-nginx:\n  cache: 30m")
    (shop.root / "compose/docker-compose.yml").write_text(text)
    made = rendering.rendered(Project(shop.root).compose, shop.root)
    locations = dict(re.findall(r"location (\S+) \{\n(.*?)\n    \}", made["site.conf"], flags=re.DOTALL))
    including = [path for path, text in locations.items() if "include /etc/nginx/behindy/cached.conf;" in text]
    assert including == ["/small"]
    (zone,) = re.findall(r"proxy_cache_path .* keys_zone=(\w+):1m max_size=30m", made["nginx.conf"])
    assert f"proxy_cache {zone};" in made["cached.conf"]
    for name in re.findall(r"proxy_(?:no_cache|cache_bypass) (.*);", made["cached.conf"]):
        assert all(f'" {variable} {{' in made["maps.conf"] for variable in name.split())


def test_no_file_of_another_project_sends_visitors_to_what_nginx_ships(shop: Project) -> None:
    (shop.root / "compose/docker-compose.yml").write_text(SHOP.replace("route: /", "route: /shop/"))
    text = rendering.rendered(Project(shop.root).compose, shop.root)["site.conf"]
    assert "location / {\n        return 404;" in servers(text)[2]


def test_where_no_domain_is_set_it_is_the_first_that_is_declared(shop: Project) -> None:
    assert shop.settings({"BEHINDY_HOST": "h"}).domain == "shop.example"
    assert shop.settings({"BEHINDY_HOST": "h", "BEHINDY_DOMAIN": "other.example"}).domain == "other.example"


def test_what_was_made_is_made_again_and_what_was_edited_is_not_written_over(shop: Project) -> None:
    first = rendering.written(shop)
    assert "nginx/site.conf" in rendering.write(shop, first, force=False)
    assert not rendering.written(shop).stale
    (shop.root / "compose/docker-compose.yml").write_text(SHOP.replace("shop.org", "shop.net"))
    again = Project(shop.root)
    assert sorted(rendering.write(again, rendering.written(again), force=False)) == [
        "nginx/maps.conf",
        "nginx/site.conf",
    ]
    site = shop.root / "nginx/site.conf"
    site.write_text(site.read_text() + "# mine\n")
    (shop.root / "nginx/maps.conf").write_text("# theirs\n")
    found = rendering.written(again)
    assert found.kept == {"nginx/site.conf": State.EDITED, "nginx/maps.conf": State.FOREIGN}
    with raises(Kind.FILES_REFUSED) as caught:
        rendering.write(again, found, force=False)
    assert caught.value.lines == ("nginx/maps.conf: not made by this", "nginx/site.conf: edited by hand")
    assert site.read_text().endswith("# mine\n")
    assert len(rendering.write(again, found, force=True)) == 2


def test_a_template_of_the_projects_extends_ours_replaces_it_or_makes_a_file_more(shop: Project) -> None:
    own = shop.root / "nginx/templates"
    own.mkdir(parents=True)
    extended = '{% extends "behindy/site.conf.j2" %}{% block routes %}    # before\n{{ super() }}{% endblock %}'
    (own / "site.conf.j2").write_text(extended)
    (own / "kept.conf.j2").write_text("# {{ names[0] }}\n")
    (own / "more.conf.j2").write_text("# {{ services | length }}\n")
    made = rendering.rendered(shop.compose, shop.root)
    assert made["site.conf"].count("# before") == 2
    assert "location / {" in made["site.conf"]
    assert made["kept.conf"].endswith("# shop.example\n")
    assert made["more.conf"].endswith("# 2\n")


@pytest.mark.parametrize(("text", "why"), [("{% if %}", "line 1"), ("\n{{ nothing }}", "'nothing' is undefined")])
def test_a_template_that_cannot_be_filled_in_is_named(shop: Project, text: str, why: str) -> None:
    own = shop.root / "nginx/templates"
    own.mkdir(parents=True)
    (own / "kept.conf.j2").write_text(text)
    with raises(Kind.FILES_REFUSED, match="kept.conf.j2") as caught:
        rendering.rendered(shop.compose, shop.root)
    assert why in caught.value.what


def test_a_project_that_shares_an_nginx_has_one_file_of_servers_with_names_of_its_own(tmp_path: Path) -> None:
    text = SHOP.replace("x-nginx:\n", "name: shop\nx-nginx:\n  shared: {directory: /srv/first, container: nginx}\n")
    kept = text.replace(
        "route: /}", "routes: [{path: /}, {path: /small, cache: true}], replicas: 2, assets: {from: /a, at: /_next}}"
    )
    (tmp_path / "compose.yaml").write_text(kept)
    project = Project(tmp_path)
    (path, made), *others = rendering.rendered(project.compose, tmp_path).items()
    assert (path, others) == ("projects/shop.conf", [])
    assert "default_server" not in made
    redirect, site, api = servers(made)
    assert "server_name shop.example www.shop.example api.shop.org;" in redirect
    assert "return 301 https://$host$request_uri;" in redirect
    assert ("set $service web;" in site, "set $service api;" in api) == (True, True)
    own = {
        *re.findall(r"^(?:map|split_clients) \S.* \$(\w+) \{", made, re.MULTILINE),
        *re.findall(r"(?:zone=|proxy_cache )(\w+)", made),
    }
    assert own
    assert {name for name in own if not name.startswith("of_shop_")} == set()
    used = set(re.findall(r"\$\{?(\w+)", re.sub("#.*", "", made)))
    first = rendering.rendered(Project(CHECKOUT).compose, CHECKOUT)
    theirs = set(re.findall(r"^map \S.* \$(\w+) \{", "".join(first.values()), re.MULTILINE))
    assert used & theirs == set()
    included = set(re.findall(r"include (/etc/nginx/\S+);", made))
    assert included == {"/etc/nginx/rehearsal/*.conf", "/etc/nginx/mime.types"} | {
        f"/etc/nginx/behindy/listen_{port}*.conf" for port in (80, 443)
    }
    assert names_served({path: made.encode()}, "shop.example") == ("shop.example",)
    written = rendering.written(project)
    rendering.write(project, written, force=False)
    assert (tmp_path / "nginx/projects/shop.conf").read_text() == made


def test_the_first_projects_nginx_reads_the_files_of_others() -> None:
    made = rendering.rendered(Project(CHECKOUT).compose, CHECKOUT)
    assert "include /etc/nginx/behindy/projects/*.conf;" in made["nginx.conf"]
    assert "project.conf" not in made
    assert "of_" not in "".join(made.values())
