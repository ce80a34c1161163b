"""Two projects on one host with one nginx: each deploys, fails and is looked at without touching the other."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from sandbox.host import releases
from sandbox.host.registry import Registry
from sandbox.traffic.generator import Stream, StreamKind, Traffic, for_service
from tests.sandbox.bare import (
    Bare,
    bare,
    believe_the_authority,
    fingerprint_of_its_key,
    write_environment,
)
from tests.sandbox.support import ROOT, SERVICES, Ran, inv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(1200)

DIRECTORY = "/home/ubuntu/behindy-ops"
OF_THE_SHOP = {"shop-web", "shop-web-2", "shop-backend", "shop-db-1"}
HOSTS = ("shop.example", "www.shop.example", "api.shop.example")
COMPOSE = f"""
name: shop
x-nginx:
  domains: [shop.example, www.shop.example]
  shared: {{directory: {DIRECTORY}, container: nginx}}

x-common: &common
  profiles: [apps]
  restart: always
  mem_limit: 80m
  memswap_limit: 80m
x-deployed: &deployed {{internal: /, external: /, drain: 5, watch: 1, health: {{attempts: 4}}}}

services:
  web:
    <<: *common
    image: behindy/behindy-web:latest
    container_name: shop-web
    networks: [front]
    x-deploy:
      port: 5000
      replicas: 2
      routes: [{{path: /}}, {{path: /_next/image, cache: true}}]
      <<: *deployed

  backend:
    <<: *common
    image: behindy/behindy-api:latest
    container_name: shop-backend
    networks: [front, back]
    environment: {{DATABASE_URL: "postgres://shop:${{SHOP_DB_PASS}}@db/shop"}}
    x-deploy: {{port: 8080, host: api.shop.example, <<: *deployed}}

  db:
    image: postgres:15
    restart: always
    networks: [back]
    environment: {{POSTGRES_USER: shop, POSTGRES_PASSWORD: "${{SHOP_DB_PASS}}"}}
    volumes: [db:/var/lib/postgresql/data]
    mem_limit: 128m
    memswap_limit: 128m

networks:
  back:
  front: {{external: true, name: behindy-ops_internal}}

volumes:
  db:
"""


@dataclass(frozen=True)
class Two:
    """The host and the first project, and the folder of the second.

    Attributes:
        nginx: its container, and since when it runs, before there was a second project.
    """

    first: Bare
    folder: Path
    nginx: str

    def shop(self, *words: str, timeout: float = 300) -> Ran:
        """Type ``inv`` in the second project."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BEHINDY_", "DOCKERHUB_"))}
        own = {"BEHINDY_HOST_DIR": "shop", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        return inv(*words, cwd=self.folder, env={**kept, **self.first.host.settings(), **own}, timeout=timeout)

    def push(self, service: str, tag: str, port: int, fault: str = "") -> None:
        now = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
        releases.push(Registry(self.first.host.registry), releases.Release(service, tag, port, fault, 0, now))

    def drained(self) -> None:
        """Wait until the host drains nothing any more."""
        self.first.sh("for lock in /var/tmp/behindy-ops/drain-*.lock; do flock -s $lock true; done", user="ubuntu")

    def ids(self) -> dict[str, str]:
        return dict(line.split() for line in self.first.sh("docker ps -a --format '{{.Names}} {{.ID}}'").splitlines())

    def at(self, domain: str) -> Bare:
        """The host as visitors of another domain see it."""
        return replace(self.first, domain=domain)

    def asked(self, domain: str) -> str:
        """The headers of an answer, certificate and all."""
        return self.first.sh(f"curl -sS -o /dev/null -D - -m 5 https://{domain}/").lower()

    def picture(self, name: str) -> str:
        """The release that has made what a visitor of the shop is given on a route with `cache`."""
        told = urlencode({"status": 200, "url": name, "header": "Cache-Control:public, max-age=600, must-revalidate"})
        url = f"https://{HOSTS[0]}/_next/image/__echo?{told}"
        return self.first.sh(f"curl -sS -o /dev/null -D - -m 5 '{url}' | tr -d '\\r' | sed -n 's/^x-release: //ip'")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with bare("trixie", tmp_path_factory.mktemp("two")) as first:
        first.inv("host.trust", "--fingerprint", fingerprint_of_its_key(first)).ok()
        first.inv("host.setup", "--yes", timeout=800).ok()
        believe_the_authority(first)
        write_environment(first)
        for words in (("env.push",), ("host.sync",), ("host.up",), ("host.certs", "--email", "ops@behindy.me")):
            first.inv(*words, "--yes").ok()
        first.inv("deploy.all", "--tag", "v1", "--watch", "0").ok()
        first.sh(f"echo 127.0.0.1 {' '.join(HOSTS)} >>/etc/hosts")
        found = Two(first, tmp_path_factory.mktemp("shop"), started(first))
        begin(found)
        yield found


def started(first: Bare) -> str:
    return first.sh("docker inspect --format '{{.Id}} {{.State.StartedAt}}' nginx")


def begin(two: Two) -> None:
    """The second project's way to its first release, beside the first one's, which serves."""
    (two.folder / "tasks.py").write_text("from behindy_ops import namespace\n")
    (two.folder / "compose.yaml").write_text(COMPOSE)
    (two.folder / "host.env").write_text("SHOP_DB_PASS=s3cret-of-the-shop\n")
    (two.folder / "host.env").chmod(0o600)
    for service, port in (("web", 5000), ("api", 8080)):
        two.push(service, "v1", port)
        two.push(service, "v2", port)
        two.push(service, "bad", port, fault="http-500")
    new = [stream for stream in streams("frontend") if stream.kind is StreamKind.NEW_CONNECTION]
    with Traffic(two.first, new, max_seconds=600) as traffic:  # host.sync and host.certs reload nginx
        traffic.wait_until_flowing()
        two.shop("host.nginx", "--write").ok()
        for words in (("host.setup",), ("env.push",), ("host.sync",), ("host.up",), ("host.certs",)):
            two.shop(*words, "--yes").ok()
        two.shop("deploy.all", "--tag", "v1").ok()
        result = traffic.stop()
    assert result.lost == 0, result.losses[:3]


def streams(service: str) -> list[Stream]:
    return [
        Stream(f"{service} kept", service, "/", rate=30, concurrency=3),
        Stream(f"{service} new", service, "/", rate=10, concurrency=2, kind=StreamKind.NEW_CONNECTION),
    ]


def both(*tasks: Callable[[], Ran]) -> list[Ran]:
    """Run tasks at the same time."""
    done: dict[int, Ran] = {}
    threads = [threading.Thread(target=lambda n=n, task=task: done.update({n: task()})) for n, task in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [done[number] for number in range(len(tasks))]


def test_their_containers_have_names_of_their_own_and_nginx_is_the_first_ones_and_was_never_stopped(two: Two) -> None:
    assert set(two.ids()) == {*SERVICES, "nginx", "postgres", "redis", *OF_THE_SHOP}
    assert started(two.first) == two.nginx
    for domain, service in zip((*HOSTS, "behindy.me"), ("web", "web", "api", "frontend"), strict=True):
        assert f"x-service: {service}" in two.asked(domain)
    assert "location: https://www.shop.example/a" in two.first.sh("curl -sSI http://www.shop.example/a").lower()


def test_both_deploy_at_the_same_time_and_neither_loses_a_request(two: Two) -> None:
    before = two.ids()
    assert two.picture("old") == "v1"
    words = ("--tag", "v1", "--force", "--watch", "0", "--wait", "5m")
    with (
        Traffic(two.first, for_service("frontend"), max_seconds=600) as theirs,
        Traffic(two.at("shop.example"), streams("web"), max_seconds=600) as web,
        Traffic(two.at("api.shop.example"), streams("api"), max_seconds=600) as api,
    ):
        for traffic in (theirs, web, api):
            traffic.wait_until_flowing()
        for ran in both(
            lambda: two.first.inv("deploy.frontend", *words),
            lambda: two.shop("deploy.web", "--tag", "v2", *words[2:]),
            lambda: two.shop("deploy.shop-backend", "--tag", "v2", *words[2:]),
        ):
            ran.ok()
        results = [traffic.stop() for traffic in (theirs, web, api)]
    assert [(result.lost, result.losses[:3]) for result in results] == [(0, ())] * 3
    assert min(result.sent for result in results) > 100
    after = two.ids()
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    deployed = {"frontend", "shop-web", "shop-web-2", "shop-backend"}
    assert changed - {f"{name}-blue" for name in deployed} == deployed
    assert [two.picture(name) for name in ("old", "new")] == ["v1", "v2"]  # nginx keeps what v1 made
    assert "x-release: v2" in two.asked("shop.example")


def test_a_bad_release_of_one_leaves_both_as_they_were(two: Two) -> None:
    two.push("frontend", "bad", 3000, fault="http-500")
    two.drained()
    before = two.ids()
    for ran in both(
        lambda: two.first.inv("deploy.frontend", "--tag", "bad", "--wait", "5m"),
        lambda: two.shop("deploy.web", "--tag", "bad", "--wait", "5m"),
        lambda: two.shop("deploy.backend", "--tag", "bad", "--wait", "5m"),
    ):
        assert ran.code != 0
        assert "HTTP 500" in ran.said
    assert two.ids() == before
    with Traffic(two.at("shop.example"), streams("web"), max_seconds=300) as traffic:
        traffic.wait_until_flowing()
        two.shop("deploy.rollback", "web").ok()
        result = traffic.stop()
    assert (result.lost, result.losses[:3], {seen.release for seen in result.seen}) == (0, (), {"v1", "v2"})
    assert "x-release: v1" in two.asked("shop.example")
    assert [two.picture(name) for name in ("old", "new", "newer")] == ["v1", "v2", "v1"]
    assert {name: two.ids()[name] for name in SERVICES} == {name: before[name] for name in SERVICES}


def test_a_name_that_the_other_project_has_is_refused_before_anything_changes(two: Two) -> None:
    two.drained()
    before, file = two.ids(), two.folder / "compose.yaml"
    try:
        file.write_text(COMPOSE.replace("container_name: shop-web", "container_name: frontend"))
        for words in (("deploy.web", "--tag", "v1", "--force"), ("deploy.rollback", "web"), ("ops.restart", "web")):
            ran = two.shop(*words)
            assert ran.code != 0
            assert "The container frontend is one of the project behindy-ops" in ran.said
    finally:
        file.write_text(COMPOSE)
    assert two.ids() == before


def test_what_nginx_refuses_is_never_where_it_would_read_it(two: Two) -> None:
    served = two.first.sh(f"md5sum {DIRECTORY}/nginx/projects/*")
    made = two.folder / "nginx/projects/shop.conf"
    good = made.read_text()
    for broken in (good.replace("listen 443 ssl;", "listen 443 sll;"), good.replace("www.shop.example", "behindy.me")):
        made.write_text(broken)
        for words in (("--dry-run",), ("--yes",)):
            ran = two.shop("host.sync", *words)
            assert ran.code != 0
            assert "nginx rejects the files" in ran.said
        assert two.first.sh(f"md5sum {DIRECTORY}/nginx/projects/*") == served
        assert two.first.sh(f"ls -A {DIRECTORY}/nginx/projects") == "shop.conf"
    made.write_text(good)
    assert "nothing to do" in two.shop("host.sync", "--yes").ok().said
    two.first.inv("ops.nginx", "--reload").ok()
    assert "x-service: web" in two.asked("shop.example")


def test_the_first_projects_files_change_and_the_seconds_stay(two: Two) -> None:
    custom = two.first.project / "nginx/custom/mine.conf"
    custom.write_text("location = /mine { return 204; }\n")
    ran = two.first.inv("host.sync", "--yes").ok()
    assert "left alone: nginx/projects" in ran.said
    assert " 204" in two.first.sh("curl -sSI https://behindy.me/mine").splitlines()[0]
    assert " 204" not in two.first.sh("curl -sSI https://shop.example/mine").splitlines()[0]
    assert "x-service: web" in two.asked("shop.example")


def test_maintenance_of_one_is_not_the_others(two: Two) -> None:
    two.shop("deploy.maintenance", "web", "--on").ok()
    try:
        assert " 503" in two.asked("shop.example").splitlines()[0]
        assert " 200" in two.asked("api.shop.example").splitlines()[0]
        assert " 200" in two.asked("behindy.me").splitlines()[0]
        two.shop("deploy.web", "--tag", "v2").ok()  # the token of the first project's nginx tells
    finally:
        two.shop("deploy.maintenance", "web", "--off").ok()
    assert "x-release: v2" in two.asked("shop.example")


def test_neither_takes_what_the_other_has_for_a_leftover_or_a_stranger(two: Two) -> None:
    two.drained()
    for run, others in ((two.first.inv, OF_THE_SHOP), (two.shop, {*SERVICES, "nginx", "postgres", "redis"})):
        found = json.loads(run("ops.ps", "--json").ok().out)
        assert {each["name"] for each in found["containers"] if each["role"] == "other"} == others
        ran = run("ops.doctor", "--json")
        assert ran.code == 0, ran.said
        checks = json.loads(run("host.check", "--json").ok().out)["checks"]
        assert not [check for check in checks if check["name"] in ("timers", "certificate") and check["problem"]]
        assert json.loads(run("deploy.check", "--json").ok().out)
    before = two.ids(), two.first.sh("docker volume ls -q; docker network ls -q; ls -A /home/ubuntu/shop/assets/")
    two.first.inv("ops.prune", "--yes").ok()
    two.shop("ops.prune", "--yes").ok()
    after = two.ids(), two.first.sh("docker volume ls -q; docker network ls -q; ls -A /home/ubuntu/shop/assets/")
    assert after == before
    two.first.inv("deploy.recover").ok()
    two.shop("deploy.recover").ok()
    assert two.ids() == before[0]


def test_the_host_renews_and_backs_up_for_each(two: Two) -> None:
    for name, home in (("", DIRECTORY), ("-shop", "/home/ubuntu/shop")):
        for program in ("certs", "backup"):
            two.first.sh(f"/usr/local/lib/behindy-ops/{program}{name}", user="ubuntu")
            said = json.loads(two.first.sh(f"cat {home}/state/timers/{program}{name}.json"))
            assert said["ok"] is True, said
        assert two.first.sh(f"ls {home}/backups")
    assert {"behindy-ops", "behindy-ops-shop"} <= set(two.first.sh("ls /etc/cron.d").split())
