"""The views against the real host: their figures are the host's own, each trouble is really made and named."""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len

from behindy_ops.host.session import open_session
from behindy_ops.project.project import Project
from behindy_ops.views import certs, disk, env, mem, network, nginx, prune, ps, stats
from behindy_ops.views.view import View, show
from tests.sandbox.ops_support import HOME, VIEWS, broken, certificate, old_images, view
from tests.sandbox.support import ROOT, SERVICES, deploy, environment, inv, live_release, on_host, unwell, wait_for

Release = Callable[..., str]
MB = 2**20
NETWORK = "behindy-ops_internal"
(BACKEND,) = Project(ROOT).services(["backend"])
pytestmark = pytest.mark.usefixtures("live_services")


ONCE: dict[str, View[Any]] = {
    view.name: view
    for view in (mem.VIEW, ps.VIEW, disk.VIEW, network.VIEW, nginx.VIEW, certs.VIEW, env.view(BACKEND), prune.VIEW)
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_one_remote_command_and_eighty_columns_wide(name: str) -> None:
    project = Project(ROOT)
    with open_session(project, project.settings(environment()), project.services()) as session:
        shown = stats.show(session) if name == "stats" else show(session, ONCE[name])
    assert shown.data["view"] == name
    assert session.host.remote_commands == 1
    assert shown.lines
    assert not [line.text for line in shown.lines if cell_len(line.text) > 80 and not line.exact]


def test_without_a_terminal_a_view_is_plain_text() -> None:
    with broken("docker pause llmserver", "docker unpause llmserver"):
        said = inv("ops.ps").ok().out
    assert "llmserver  paused" in said
    assert "\x1b" not in said


class TestFigures:
    """``ops.mem`` against ``free``, ``docker stats`` and the cgroups, within what changes between two looks."""

    def test_the_host_is_as_free_says(self) -> None:
        told = view("mem")["host"]
        free = {line.split()[0]: [int(word) for word in line.split()[1:]] for line in free_lines()}
        assert told["total"] == free["Mem:"][0]
        assert told["used"] == pytest.approx(free["Mem:"][1], abs=60 * MB)
        assert told["available"] == pytest.approx(free["Mem:"][5], abs=60 * MB)
        assert told["swap_total"] == free["Swap:"][0]

    def test_containers_are_as_docker_stats_and_their_cgroups_say(self) -> None:
        told = {one["name"]: one for one in view("mem")["containers"]}
        listed = on_host("docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}").splitlines()
        stats = {line.split()[0]: line.split()[1::2] for line in listed}
        assert set(told) == set(stats) >= set(SERVICES)
        for name, (used, limit) in stats.items():
            assert told[name]["used"] == pytest.approx(in_bytes(used), rel=0.1, abs=2 * MB), name
            assert told[name]["limit"] == pytest.approx(in_bytes(limit), rel=0.01), name
            assert told[name]["used"] == pytest.approx(cgroup_bytes(name), rel=0.1, abs=2 * MB), name

    def test_the_verdict_has_the_figure_of_the_live_container(self) -> None:
        told = view("mem")
        used = {one["name"]: one["used"] for one in told["containers"]}
        for one in told["services"]:
            assert one["level"] == "ok"
            assert one["need"] == pytest.approx(used[one["service"]], rel=0.1)
            assert re.fullmatch(r"a deploy of \w+ needs about \d+ MB; \d+ MB available: fits", one["found"])

    def test_what_runs_outside_of_containers_is_named(self) -> None:
        names = {one["name"] for one in view("mem")["processes"]}
        assert "dockerd" in names
        assert not {"nginx", "postgres", "redis-server"} & names

    def test_a_busy_container_is_seen_by_its_processor_time(self) -> None:
        begin = "docker exec -d nginx timeout 20 sh -c 'while :; do :; done'"
        with broken(begin, "docker exec nginx pkill -x timeout || docker restart -t 1 nginx"):
            busy = {one["name"]: one["cpu"] for one in view("stats")["containers"]}
        assert busy["nginx"] == max(busy.values())
        assert busy["nginx"] > 4  # idle, it has less than 1; beside three other hosts, a loop gets little of two cores


def free_lines() -> list[str]:
    return [line for line in on_host("free", "-b", user="ubuntu").splitlines() if ":" in line]


def in_bytes(text: str) -> float:
    found = re.fullmatch(r"([0-9.]+)([kKMG]?i?B)", text)
    assert found, text
    return float(found[1]) * {"B": 1, "KiB": 1024, "kB": 1000, "MiB": MB, "GiB": 2**30}[found[2]]


def cgroup_bytes(name: str) -> int:
    """Usage less inactive file cache, read from the kernel's own files."""
    script = (
        'pid=$(docker inspect -f "{{.State.Pid}}" "$1"); '
        'own=$(grep -E "^(0:|[0-9]+:memory):" /proc/$pid/cgroup | cut -d: -f3 | grep -E "[0-9a-f]{64}" | head -n1); '
        'for dir in "/sys/fs/cgroup/memory$own" "/sys/fs/cgroup$own"; do '
        '[ -r "$dir/memory.stat" ] && cat $dir/memory.usage_in_bytes $dir/memory.current 2>/dev/null; '
        'sed -nE "s/^(total_)?inactive_file //p" $dir/memory.stat && break; done'
    )
    usage, *inactive = on_host("sh", "-c", script, "look", name).split()
    return int(usage) - int(inactive[-1])


def test_an_oom_kill_is_named_with_its_container_and_time(release: Release) -> None:
    tag = release("frontend", "ops-oom", "oom")
    before = dt.datetime.now(dt.UTC)
    assert deploy("frontend", tag).code == 50
    told = view("mem")
    kills = [kill for kill in told["oom_kills"] if kill["container"] == "frontend-green" and kill["at"]]
    assert kills, told["oom_kills"]
    at = dt.datetime.fromisoformat(kills[-1]["at"][:19] + "+00:00")
    assert before - dt.timedelta(seconds=5) < at < before + dt.timedelta(seconds=120)
    assert told["oom_kills_counted"] >= 1


def test_a_kill_within_a_container_that_runs_on_is_told_from_its_cgroup() -> None:
    start = (
        "docker run -d --name ops-hungry --memory 16m --memory-swap 16m --entrypoint sh redis:7-alpine "
        "-c 'tail /dev/zero; exec sleep 300'"
    )
    with broken(start, "docker rm -f ops-hungry"):
        wait_for(lambda: "sleep" in on_host("docker", "top", "ops-hungry", check=False), what="the kill")
        told = view("mem")
        said = inv("ops.mem").ok().out
    (hungry,) = [one for one in told["containers"] if one["name"] == "ops-hungry"]
    assert hungry["oom_kills"] == 1
    assert "ops-hungry" in [kill["container"] for kill in told["oom_kills"]]
    assert "ops-hungry" in said.partition("OOM kills since boot")[2]


class TestImages:
    OLD = tuple(f"localhost:5000/behindy/behindy-frontend:ops-old-{number}" for number in range(4))

    def test_prune_removes_what_no_rollback_needs_and_names_it(self, release: Release) -> None:
        deploy("frontend", release("frontend", "ops-next")).ok()
        deploy("frontend", "v1").ok()
        stranger = "other.example/thing:1"
        with old_images([*self.OLD, stranger]):
            before = images()
            planned = view("prune")
            disk = view("disk")
            said = inv("ops.prune", "--dry-run").ok().out
            assert images() == before
            assert set(self.OLD) <= set(planned["plan"]["references"])
            assert all(name in said for name in self.OLD)
            assert planned["plan"]["images"] == disk["prune"]["images"] >= 4
            why = reasons(disk, "frontend")
            assert "live frontend" in why["v1"]
            assert "rollback of frontend (ops-next)" in why["ops-next"]
            assert why["ops-old-0"] == []
            done = json.loads(inv("ops.prune", "--json").ok().out)["done"]
            assert set(self.OLD) <= set(done["removed"])
            left = images()
            assert not set(self.OLD) & left
            assert {stranger, f"{self.OLD[0].rpartition(':')[0]}:ops-next"} <= left
            assert before - left == set(done["removed"]) & before
        assert view("prune")["plan"]["references"] == []
        inv("deploy.rollback", "frontend", "--watch", "0").ok()
        assert live_release("frontend") == "ops-next"

    def test_prune_waits_for_nobody_who_changes_the_host(self) -> None:
        inv("lock.acquire", "--message", "a test").ok()
        try:
            ran = inv("ops.prune")
            assert ran.code == 20, ran.said
            inv("ops.prune", "--dry-run").ok()
        finally:
            inv("lock.release").ok()

    def test_build_cache_and_nameless_images_go_too(self) -> None:
        make = (
            "printf 'FROM redis:7-alpine\\nRUN touch /made\\n' | docker build -q -t ops-nameless - && docker tag %s %s"
        )
        on_host("sh", "-c", make % ("redis:7-alpine", "ops-nameless"))  # leaves the built one without a name
        try:
            (nameless,) = [one for one in view("disk")["repositories"] if not one["service"]]
            identities = [image["id"] for image in nameless["images"]]
            assert identities
            done = json.loads(inv("ops.prune", "--json").ok().out)["done"]
            assert set(identities) <= set(done["removed"])
            # Others without a tag may stay for a rollback: those whose tag has moved on.
            assert not {*identities} & {*on_host("docker", "images", "-q", "--no-trunc", "-f", "dangling=true").split()}
        finally:
            on_host("sh", "-c", "docker rmi ops-nameless; docker image prune -f", check=False)


def images() -> set[str]:
    return set(on_host("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split())


def reasons(disk: Any, service: str) -> dict[str, list[str]]:
    """Tag to why its image stays."""
    (found,) = [one for one in disk["repositories"] if one["service"] == service]
    return {
        name.rpartition(":")[2]: image["why"] for image in found["images"] for name in image["names"] if "@" not in name
    }


def test_the_disk_is_as_df_says() -> None:
    (docker,) = [one for one in view("disk")["filesystems"] if one["docker"]]
    size, available = map(int, on_host("df", "-B1", "--output=size,avail", docker["target"]).split()[-2:])
    assert docker["target"] == "/var/lib/docker"
    assert docker["size"] == size
    assert docker["available"] == pytest.approx(available, rel=0.05)


def no_trouble() -> None:
    """Wait until nginx reaches every service, and the world does; tell what does not."""
    told: list[Any] = []

    def reached() -> bool:
        told[:] = [one for one in view("nginx")["upstreams"] if one["trouble"]]
        return not told

    try:
        wait_for(reached)
    except AssertionError as error:
        raise AssertionError(f"{told}\n{unwell()}") from error


class TestNetwork:
    def test_a_container_off_the_network_is_named_and_connected(self) -> None:
        with broken(
            f"docker network disconnect {NETWORK} backend",
            f"docker network connect {NETWORK} backend 2>/dev/null || true",
        ):
            said = re.sub(r"\s+", " ", inv("ops.network").ok().out)
            assert "backend should be here: it is not connected. Connect it: inv ops.network --fix" in said
            (upstream,) = [one for one in view("nginx")["upstreams"] if one["service"] == "backend"]
            assert f"backend is not on the network {NETWORK}" in upstream["trouble"]
            assert json.loads(inv("ops.network", "--fix", "--json").ok().out)["connected"] == ["backend"]
            assert view("network")["absent"] == []
            no_trouble()
        assert "backend" not in aliases_of("backend")

    def test_the_database_gets_back_the_name_it_is_asked_for_by(self) -> None:
        with broken(
            f"docker network disconnect {NETWORK} postgres",
            f"docker network connect --alias db {NETWORK} postgres 2>/dev/null || true",
        ):
            inv("ops.network", "--fix").ok()
            assert on_host("docker", "exec", "nginx", "getent", "hosts", "db")
            assert not any(one["trouble"] for one in view("network")["members"])

    def test_a_name_that_is_taken_twice_is_told(self) -> None:
        start = f"docker run -d --name ops-stray --network {NETWORK} --network-alias frontend --entrypoint sleep"
        with broken(f"{start} redis:7-alpine 300", "docker rm -f ops-stray"):
            found = {one["name"]: one["trouble"] for one in view("network")["members"] if one["trouble"]}
            assert list(found) == ["ops-stray"]
            assert "answers to frontend too" in found["ops-stray"]
            (upstream,) = [one for one in view("nginx")["upstreams"] if one["service"] == "frontend"]
            assert len(upstream["resolves"]) == 2
            assert "the live container is at" in upstream["trouble"]
            (port,) = [one for one in view("ps")["containers"] if one["name"] == "ops-stray"]
            assert port["role"] == "other"


def aliases_of(name: str) -> str:
    return on_host(
        "docker", "inspect", "-f", f'{{{{json (index .NetworkSettings.Networks "{NETWORK}").Aliases}}}}', name
    )


class TestNginx:
    def test_stopped(self) -> None:
        with broken("docker kill nginx", "docker start nginx"):
            told = view("nginx")
            assert (told["state"], told["config"]) == ("exited", "not tested")
            assert "Start it: inv ops.doctor --fix" in re.sub(r"\s+", " ", inv("ops.nginx").ok().out)
            assert view("certs")["verdict"] == "unknown"
            (one,) = [one for one in view("ps")["containers"] if one["name"] == "nginx"]
            assert "it is not running (exited, exit code 137)" in one["trouble"]
            ran = inv("ops.nginx", "--reload")
            assert ran.code == 32, ran.said
            assert "nginx is not running on the host." in ran.err
        no_trouble()

    def test_a_configuration_that_is_not_valid_is_shown_and_not_loaded(self) -> None:
        file = f"{HOME}/nginx/site.conf"
        with broken(f"cp -p {file} /tmp/site.away; echo 'nonsense here;' >> {file}", f"cat /tmp/site.away > {file}"):
            told = view("nginx")
            assert told["config"] == "invalid"
            assert any("nonsense" in line for line in told["config_errors"])
            ran = inv("ops.nginx", "--reload")
            assert ran.code == 32, ran.said
            assert "nonsense" in ran.err
            assert "still serves with the configuration it had before" in ran.err
            assert not any(one["trouble"] for one in told["upstreams"])
        told = json.loads(inv("ops.nginx", "--reload", "--json").ok().out)
        assert (told["config"], told["reloaded"]) == ("valid", True)

    def test_a_service_that_died(self) -> None:
        with broken("docker kill llmserver", "docker start llmserver"):
            (upstream,) = [one for one in view("nginx")["upstreams"] if one["service"] == "llmserver"]
            assert "is not running (exit code 137)" in upstream["trouble"]
            assert upstream["direct"]["status"] == 0
        no_trouble()


class TestEnvironment:
    def test_no_value_ever_leaves_the_host(self) -> None:
        values = [line.partition("=")[2] for line in on_host("cat", f"{HOME}/.env").splitlines() if "=" in line]
        secret = [value for value in values if len(value) > 20]
        assert len(secret) > 3
        said = inv("ops.env", "backend").ok().said + inv("ops.env", "backend", "--json").ok().said
        assert "JWT_SECRET" in said
        assert not [value for value in secret if value in said]

    def test_a_line_that_is_gone_and_one_that_has_changed(self) -> None:
        with broken(
            f"cp -p {HOME}/.env {HOME}/env.away; "
            f"sed -i '/^FIELD_KEY=/d; s/^JWT_SECRET=.*/JWT_SECRET={secrets.token_hex(8)}/' {HOME}/.env",
            f"mv {HOME}/env.away {HOME}/.env",
        ):
            told = view("env")
        names = {one["name"]: one for one in told["names"]}
        assert names["FIELD_KEY"]["trouble"] == "it has no value in .env and no default"
        assert sorted(name for name, one in names.items() if one["changed"]) == ["FIELD_KEY", "JWT_SECRET"]
        assert told["outdated"]
        assert not any(one["trouble"] or one["changed"] for one in view("env")["names"])

    def test_origins(self) -> None:
        origins = {one["name"]: one["origin"] for one in view("env")["names"]}
        assert (origins["DB_PASS"], origins["TZ"], origins["PATH"]) == (".env", "compose literal", "image")
        assert origins["COOKIE_SECURE"] == "compose default"


def test_certificates_from_soon_over_to_renewed() -> None:
    assert view("certs")["verdict"] == "ok"
    with certificate(5):
        # What lies ready is older than what is served: nothing to load, and nothing is wrong yet.
        assert view("certs")["verdict"] == "ok"
        inv("ops.nginx", "--reload").ok()
        wait_for(lambda: bool(view("certs")["verdict"] == "renew soon"), what="the new certificate")
        told = view("certs")
        assert told["served"]["days"] == pytest.approx(5, abs=0.2)
        assert told["remedy"] == "Renew it: inv host.certs"
        assert not told["trusted"]
        with broken("cat /etc/letsencrypt/away/fullchain.pem > /etc/letsencrypt/live/behindy.me/fullchain.pem", "true"):
            told = view("certs")
            assert (told["verdict"], told["remedy"]) == ("not loaded", "inv ops.nginx --reload")
    wait_for(lambda: bool(view("certs")["verdict"] == "ok"), what="the old certificate")


class TestADockerThatCannotBeAsked:
    NEED = ("ps", "stats", "network", "nginx", "certs", "env", "prune")

    def answers(self, word: str) -> None:
        """Views of the host itself show what they can; the others say why not."""
        memory, disk = view("mem"), view("disk")
        assert memory["host"]["total"] > 0
        assert memory["processes"]
        assert word in memory["unknown"][0]
        assert disk["filesystems"]
        assert word in disk["unknown"][0]
        for name in self.NEED:
            ran = inv(f"ops.{name}", *VIEWS[name])
            assert ran.code == 30, f"{name}: {ran.said}"
            assert word in re.sub(r"\s+", " ", ran.err), f"{name}: {ran.said}"
        for words in (("logs", "nginx"), ("exec", "nginx", "--", "true")):
            ran = inv(f"ops.{words[0]}", *words[1:])
            assert ran.code == 30, ran.said

    def test_a_user_who_may_not(self) -> None:
        with broken("gpasswd -d ubuntu docker", "gpasswd -a ubuntu docker"):
            self.answers("may not use Docker")

    def test_an_engine_that_does_not_answer(self) -> None:
        with broken("mv /var/run/docker.sock /var/run/docker.away", "mv /var/run/docker.away /var/run/docker.sock"):
            self.answers("is not responding")


def test_a_service_that_was_never_deployed_is_told_by_every_view() -> None:
    with broken("docker rename llmserver ops-away", "docker rename ops-away llmserver"):
        (one,) = [one for one in view("ps")["containers"] if one["name"] == "llmserver"]
        assert (one["state"], one["trouble"]) == ("missing", "not deployed")
        (upstream,) = [one for one in view("nginx")["upstreams"] if one["service"] == "llmserver"]
        assert "There is no container llmserver" in upstream["trouble"]
        assert {one["live"] for one in view("env", "llmserver")["names"]} == {"no container"}
        assert [one["name"] for one in view("network")["absent"]] == ["llmserver"]
        ran = inv("ops.logs", "llmserver")
        assert ran.code == 61, ran.said
        assert inv("ops.exec", "llmserver", "--", "true").code == 61
