"""What stands in the place of a script, or of a part of one, where a swarm runs the services; run by bash."""

from __future__ import annotations

import base64
import json
import socket
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from behindy_ops.facts import survey
from behindy_ops.facts.container import CONTAINER_TEMPLATE, parse_container
from behindy_ops.facts.swarm import leaderless
from behindy_ops.host.command import as_told_to, script_names, script_text
from tests.unit.host.scripts.fake_host import INSIDE, MARK, Answer, FakeHost

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN = ("swarm/deploy/look_inside", "swarm/deploy/swap", "swarm/edge", "swarm/start")
"""The scripts that only a swarm has."""

NEW, OLD = "n" * 25, "o" * 25
TASK = {
    "id": "t1", "slot": 1, "node": "node1", "wanted": "running", "state": "running", "error": "", "since": "2026",
    "exit": 0, "addresses": ["10.221.0.5/24"],
}  # fmt: skip
NODES = '{"id":"node1","name":"one","status":"Ready"}\n{"id":"node2","name":"two","status":"Ready"}\n'
SPEC = {
    "id": NEW, "name": "web-green", "created": "2026", "updated": "2026", "labels": {"behindy.image": "sha256:1"},
    "image": "me/web@sha256:2", "memory": 1000, "replicas": 2, "env": ["DB_PASS"],
}  # fmt: skip


def of_engine(*ids: str) -> str:
    return json.dumps(
        [{"ID": each, "Version": {"Index": 1}, "Spec": {"Labels": {}}} for each in ids], separators=(",", ":")
    )


def has_units(host: FakeHost, names: Mapping[str, str]) -> None:
    """Have the swarm know services by these names, and nothing else."""
    host.on("curl", "*behindy.name=*", of_engine())
    host.on("curl", "*behindy.edge=true*", "[]")
    for name, identity in names.items():
        host.on("curl", f"*behindy.name={name}%22*", of_engine(identity))


def runs(host: FakeHost, identity: str, *tasks: dict[str, Any], check: str = "") -> None:
    spec = {**SPEC, "id": identity, "check": check}
    host.on(
        "docker", f'service inspect --format {{"id":* {identity}', json.dumps(spec, separators=(",", ":"))[:-1] + "\n"
    )
    host.on("docker", f"service ps -q --no-trunc {identity}", "".join(f"{task['id']}\n" for task in tasks))
    lines = "".join(f"{json.dumps(task, separators=(',', ':'))}\n" for task in tasks)
    host.on("docker", 'inspect --format {"id":*', lines)
    host.on("docker", "node ls *", NODES)


def test_there_is_no_script_of_a_swarm_that_nobody_knows() -> None:
    assert tuple(name for name in script_names() if name.startswith("swarm/") and "/lib/" not in name) == OWN


def test_a_command_is_told_in_the_words_of_the_engine_however_deep_it_is_packed() -> None:
    told = as_told_to("swarm")
    assert told[script_text("deploy/swap")] == script_text("swarm/deploy/swap", "swarm")
    assert "follow_names" in told[script_text("deploy/stop")]
    assert script_text("host/together") not in told
    assert as_told_to("") == {}


def test_the_survey_tells_of_a_service_of_the_swarm_as_of_a_container(host: FakeHost) -> None:
    has_units(host, {"web-green": NEW})
    failed = {
        **TASK,
        "id": "t0",
        "state": "failed",
        "wanted": "shutdown",
        "exit": 3,
        "error": "task: non-zero exit (3)",
    }
    runs(host, NEW, TASK, failed)
    done = host.run("deploy/watch", "web-green", "0", CONTAINER_TEMPLATE, "0", engine="swarm")
    found = parse_container(done.values["state"])
    assert (found.id, found.name, found.image_id, found.running, found.restarts) == (
        NEW,
        "web-green",
        "sha256:1",
        True,
        1,
    )
    assert found.trouble == "it failed on one (task: non-zero exit (3))"
    assert [task.serves for task in found.tasks] == [True, False]
    assert found.tasks[0].address == "10.221.0.5"


@pytest.mark.parametrize(
    ("status", "serves"), [("Ready", (True, "running")), ("Unknown", (True, "running")), ("Down", (False, "exited"))]
)
def test_a_task_on_a_node_that_is_away_does_not_serve(status: str, serves: tuple[bool, str]) -> None:
    """A leader that has just been chosen calls all nodes unknown until they have answered it."""
    data = {**SPEC, "tasks": [TASK], "nodes": [{"id": "node1", "name": "one", "status": status}]}
    found = parse_container(json.dumps(data))
    assert (found.running, found.status) == serves


@pytest.mark.parametrize(
    ("task", "trouble"),
    [
        (
            {"state": "pending", "node": "", "error": "no suitable node (x)"},
            "no node of the swarm fits (no suitable node (x))",
        ),
        ({"state": "rejected", "error": "No such image: a"}, "one cannot pull its image (No such image: a)"),
        ({"state": "rejected", "error": "invalid mount"}, "one rejects it (invalid mount)"),
    ],
)
def test_what_keeps_a_task_from_running_has_a_name(task: dict[str, str], trouble: str) -> None:
    data = {**SPEC, "tasks": [{**TASK, **task}], "nodes": [json.loads(line) for line in NODES.splitlines()]}
    assert parse_container(json.dumps(data)).trouble == trouble


class TestSwap:
    """Two labels, then the links."""

    @pytest.fixture
    def names(self, host: FakeHost) -> Path:
        names = host.home / "assets/.names"
        names.mkdir(parents=True)
        (names / "web").symlink_to("ids/web-old")
        (names / "gone").symlink_to("ids/gone")
        has_units(host, {})
        host.on("docker", 'service inspect --format {{index .Spec.Labels "behindy.names"}} *', f"{names}\n")
        host.on("docker", "service update *")
        host.on("curl", "*behindy.names=*", of_engine(NEW, OLD))
        host.on("docker", 'service inspect --format *behindy.name"}} *behindy.dns*', "web web-new\nweb-blue web-old\n")
        return names

    def swap(self, host: FakeHost, first: str = OLD) -> Any:
        return host.run("deploy/swap", first, "web-blue", "web", NEW, "web", "any", "nginx", "web", engine="swarm")

    def test_the_links_follow_and_what_nobody_is_called_goes(self, host: FakeHost, names: Path) -> None:
        done = self.swap(host)
        assert done.code == 0, done.err
        assert done.values["switched"].isdigit()
        updates = [call for call in done.calls if "service update" in call]
        assert [call.split("behindy.name=")[1] for call in updates] == [f"web-blue {OLD}", f"web {NEW}"]
        links = {each.name: str(each.readlink()) for each in names.iterdir() if each.is_symlink()}
        assert links == {"web": "ids/web-new", "web-blue": "ids/web-old"}

    def test_where_no_manager_answers_the_links_stay(self, host: FakeHost, names: Path) -> None:
        host.on("curl", "*behindy.names=*", Answer(code=22))
        host.on("docker", "service inspect --format /* *", "/web\n")
        assert self.swap(host).code == 85
        assert str((names / "web").readlink()) == "ids/web-old"

    @pytest.mark.usefixtures("names")
    def test_a_container_of_the_single_host_gives_its_name_too(self, host: FakeHost) -> None:
        host.on("docker", f"rename {'c' * 64} web-blue")
        done = self.swap(host, first="c" * 64)
        assert done.code == 0, done.err

    @pytest.mark.usefixtures("names")
    def test_the_first_label_goes_back_where_the_second_cannot_be_set(self, host: FakeHost) -> None:
        host.on("docker", f"service update * {NEW}", Answer(code=1))
        host.on("docker", f"service inspect --format /* {NEW}", "/web-green\n")
        host.on("docker", f"service inspect --format /* {OLD}", "/web-blue\n")
        done = self.swap(host)
        assert (done.code, done.out) == (84, "undone\n")
        assert [call for call in done.calls if "update" in call][-1].endswith(f"behindy.name=web {OLD}")


LEADERLESS = (
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are"
)


class TestLeaderDies:
    """Managers choose another one; until then what they are asked is asked again."""

    @pytest.fixture
    def scaled(self, host: FakeHost) -> FakeHost:
        """A service that is to be stopped, whose last task ends with that."""
        runs(host, NEW)
        host.moved |= {"election=30000": "election=1500", "alone=3000": "alone=1"}
        return host

    def managers(self, host: FakeHost, *addresses: str) -> None:
        told = [{"NodeID": address, "Addr": address} for address in addresses]
        info = {"Swarm": {"LocalNodeState": "active", "RemoteManagers": told}}
        host.on("curl", "*http://docker/info", json.dumps(info, separators=(",", ":")))

    def stop(self, host: FakeHost, *scales: Answer) -> Any:
        host.on("docker", f"service scale --detach {NEW}=0", *scales)
        return host.run("deploy/stop", "0", NEW, engine="swarm")

    @pytest.mark.parametrize(
        "refusal", [Answer(err=LEADERLESS, code=1), Answer(code=124), Answer(err="out of sequence", code=1)]
    )
    def test_what_was_asked_in_the_middle_of_that_is_asked_again(self, scaled: FakeHost, refusal: Answer) -> None:
        self.managers(scaled)
        done = self.stop(scaled, refusal, refusal, Answer())
        assert (done.code, done.err) == (0, "")
        assert len([call for call in done.calls if "service scale" in call]) == 3

    def test_while_most_managers_answer_it_is_waited_for(self, scaled: FakeHost) -> None:
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            heard = [f"127.0.0.1:{each.getsockname()[1]}" for each in (one, two)]
            self.managers(scaled, *heard, "127.0.0.7:1")
            done = self.stop(scaled, Answer(err=LEADERLESS, code=1))
        assert leaderless(done.err) == ("127.0.0.7",)
        assert done.code != 0
        assert len([call for call in done.calls if "service scale" in call]) > 1

    def test_where_most_do_not_answer_none_will_be_chosen(self, scaled: FakeHost) -> None:
        with socket.create_server(("127.0.0.1", 0)) as one:
            self.managers(scaled, f"127.0.0.1:{one.getsockname()[1]}", "127.0.0.6:1", "[::1]:1")
            done = self.stop(scaled, Answer(err=LEADERLESS, code=1))
        assert sorted(leaderless(done.err) or ()) == ["127.0.0.6", "[::1]"]
        assert LEADERLESS in done.err
        assert len([call for call in done.calls if "service scale" in call]) == 1

    def test_what_is_refused_for_another_reason_is_not_asked_again(self, scaled: FakeHost) -> None:
        done = self.stop(scaled, Answer(err="permission denied", code=1))
        assert (done.code, done.err) == (1, "permission denied\n")
        assert leaderless(done.err) is None

    def test_tasks_that_nobody_tells_of_have_not_ended(self, scaled: FakeHost) -> None:
        self.managers(scaled)
        scaled.on("docker", f"service ps -q --no-trunc {NEW}", Answer(err=LEADERLESS, code=1))
        done = scaled.run("deploy/watch", NEW, "0", CONTAINER_TEMPLATE, "0", engine="swarm")
        assert done.values["state"] == "unknown"


class TestLookInside:
    """Every replica is asked."""

    def look(self, host: FakeHost, *tasks: dict[str, Any]) -> Any:
        has_units(host, {"web-green": NEW})
        runs(host, NEW, *tasks)
        words = ("nginx", "web-green", "http://web-green:5000/health", "0", "0.1", CONTAINER_TEMPLATE)
        return host.run("deploy/look_inside", *words, engine="swarm")

    def test_all_of_them_have_to_answer(self, host: FakeHost) -> None:
        host.on("docker", "exec *", INSIDE)
        host.on("curl", "*http://10.221.0.5:5000/health", "x\n200")
        host.on("curl", "*http://10.221.0.6:5000/health", "x\n500")
        second = {**TASK, "id": "t2", "slot": 2, "addresses": ["10.221.0.6/24"]}
        done = self.look(host, TASK, second)
        assert "ok" not in done.out.splitlines()
        assert done.reply_short.every("look") == ["200 0", "500 0"]

    def test_fewer_than_there_are_to_be_are_not_asked(self, host: FakeHost) -> None:
        done = self.look(host, TASK)
        assert done.reply_short.every("look") == []
        assert "ok" not in done.out.splitlines()


CONFIG = {
    "services": {
        "web": {
            "profiles": ["apps"],
            "command": None,
            "container_name": "web-green",
            "environment": {"A": 'with "quotes" and $$1', "PATHS": "a,b{c}"},
            "healthcheck": {"test": ["CMD", "true"], "interval": "5s"},
            "image": "me/web@sha256:2",
            "init": True,
            "labels": {"behindy.release": "r1", "behindy.tag": "v1"},
            "mem_limit": "419430400",
            "memswap_limit": "419430400",
            "networks": {"internal": None},
            "restart": "always",
            "stop_grace_period": "5s",
            "volumes": [
                {"type": "bind", "source": "FILE", "target": "/etc/file", "read_only": True, "bind": {}},
                {"type": "volume", "source": "data", "target": "/data", "volume": {}},
            ],
        },
        "db": {"image": "postgres", "environment": {"B": "2"}},
    }
}  # fmt: skip


@pytest.fixture
def mounted(host: FakeHost) -> Path:
    """A release that is kept, which mounts this file, on a host whose swarm takes a stack file and keeps it."""
    mounted = host.file("home/compose/file", "content")
    config = json.dumps(CONFIG, indent=2).replace("FILE", str(mounted))
    keep = host.file("home/state/releases/web/r1/names.yml", "{}").parent
    host.file("home/state/releases/web/r1/.env", "A=1\n")
    (keep / "override.yml").write_text(json.dumps({"services": {"web": {"image": "me/web@sha256:2"}}}, indent=1))
    (keep / "docker-compose.yml").write_text("services: {web: {}}\n")
    host.on("docker", "compose *", config)
    host.on("docker", "image inspect *", "sha256:1 CMD\n")
    host.on("docker", "stack deploy *", Answer(run='cp "$8" "$root/stack"'))
    has_units(host, {"web-green": NEW})
    host.on("curl", "*behindy.names=*", of_engine(NEW))
    host.on("docker", 'service inspect --format *behindy.name"}} *behindy.dns*', "web-green web-r1\n")
    runs(host, NEW, TASK)
    return mounted


def test_a_stanza_becomes_a_service_of_the_swarm_with_what_that_knows(host: FakeHost, mounted: Path) -> None:
    done = host.run(
        "swarm/start", str(host.home), "web", "r1", "shop_internal", CONTAINER_TEMPLATE, "", "shop", "nginx",
        "shop_internal-swarm", "2", "node.labels.disk==ssd", "25", stdin="begun\n{}\n{}\n", engine="swarm",
    )  # fmt: skip
    assert done.code == 0, done.err
    stack = yaml.safe_load((host.root / "stack").read_text())
    ((key, web),) = stack["services"].items()
    assert key == "web-r1"
    assert web["environment"] == {"A": 'with "quotes" and $$1', "PATHS": "a,b{c}"}
    assert set(web) == {
        "environment",
        "healthcheck",
        "image",
        "init",
        "volumes",
        "stop_grace_period",
        "networks",
        "labels",
        "configs",
        "deploy",
    }
    assert web["stop_grace_period"] == "25s"  # as x-deploy.stop says, not the stanza
    assert [volume["target"] for volume in web["volumes"]] == ["/data"]
    (config_name,) = stack["configs"]
    assert web["configs"] == [{"source": config_name, "target": "/etc/file"}]
    assert stack["configs"][config_name] == {"name": config_name, "file": str(mounted)}
    deploy = web["deploy"]
    assert (deploy["replicas"], deploy["endpoint_mode"]) == (2, "dnsrr")
    assert deploy["resources"] == {"limits": {"memory": "419430400"}}
    assert deploy["placement"] == {"constraints": ["node.labels.disk==ssd"]}
    assert deploy["labels"]["behindy.name"] == "web-green"
    assert deploy["labels"]["behindy.dns"] == "web-r1"
    assert deploy["labels"]["behindy.tag"] == "v1"
    assert (deploy["labels"]["behindy.image"], deploy["labels"]["behindy.check"]) == ("sha256:1", "CMD")
    assert stack["networks"] == {"n": {"external": True, "name": "shop_internal-swarm"}}
    assert str((host.home / "assets/.names/web-green").readlink()) == "ids/web-r1"


@pytest.mark.parametrize(
    ("check", "tasks", "steady", "most", "least"),
    [
        ("", [{}, {"id": "t2", "slot": 2}], "1", "60", 1.0),
        ("NONE", [{}, {"id": "t2", "slot": 2}], "1", "60", 1.0),
        ("CMD", [{}, {"id": "t2", "slot": 2}], "60", "60", 0.0),
        ("", [{}, {"id": "t2", "slot": 2, "state": "starting"}], "60", "1", 1.0),
        ("", [{}, {"id": "t2", "slot": 2, "wanted": "shutdown", "state": "failed"}], "60", "60", 0.0),
    ],
)
def test_a_worker_is_seen_to_run_once_all_its_tasks_do(
    host: FakeHost, check: str, tasks: list[dict[str, Any]], steady: str, most: str, least: float
) -> None:
    has_units(host, {"web-green": NEW})
    runs(host, NEW, *({**TASK, **each} for each in tasks), check=check)
    host.on("docker", "service inspect --format {{.ID}} *", NEW)
    begun = time.monotonic()
    done = host.run("deploy/look_running", NEW, steady, most, CONTAINER_TEMPLATE, engine="swarm")
    assert least <= time.monotonic() - begun < 50
    assert json.loads(done.out.removeprefix("state "))["check"] == check


@pytest.mark.parametrize("node", ["node1", "node2"])
def test_it_has_stopped_once_no_task_runs_any_more_on_a_node_that_answers(host: FakeHost, node: str) -> None:
    has_units(host, {})
    ends = {**TASK, "node": node, "wanted": "remove"}
    runs(host, NEW, ends)
    host.on("docker", "node ls *", NODES.replace('"two","status":"Ready"', '"two","status":"Down"'))
    host.on("docker", f"service scale --detach {NEW}=0")
    gone = {**ends, "state": "shutdown"}
    lines = [json.dumps(each, separators=(",", ":")) + "\n" for each in (ends, ends, gone)]
    host.on("docker", 'inspect --format {"id":*', *lines)
    done = host.run("deploy/stop", "5", NEW, engine="swarm")
    looks = sum(call.startswith('docker inspect --format {"id"') for call in done.calls)
    assert (done.code, looks) == (0, 3 if node == "node1" else 1), done.err


def test_it_is_stopped_to_no_tasks_and_started_again_with_as_many_as_it_had(host: FakeHost) -> None:
    has_units(host, {})
    runs(host, NEW)
    host.on("docker", f"service scale --detach {NEW}=*")
    host.on("docker", 'service inspect --format {{index .Spec.Labels "behindy.replicas"}} *', "3\n")
    for name, words, count in (
        ("deploy/stop", ("5", NEW), 0),
        ("deploy/start", (NEW,), 3),
        ("deploy/restart", ("3", NEW), 3),
    ):
        done = host.run(name, *words, engine="swarm")
        assert done.code == 0, done.err
        assert f"docker service scale --detach {NEW}={count}" in done.calls


def test_the_last_words_of_tasks_follow_each_other_so_that_a_value_in_several_lines_is_known(host: FakeHost) -> None:
    value = "a value that is longer than what stands in one line of base64, as a key may be"
    first, second = textwrap.wrap(base64.b64encode(value.encode()).decode(), 76)
    assert len(second) >= 8
    cut = second[:5]
    has_units(host, {})
    runs(host, NEW, TASK)
    for name, answer in (("names", ""), ("image", "sha256:1")):
        host.on("docker", f'service inspect --format {{{{index .Spec.Labels "behindy.{name}"}}}} {NEW}', f"{answer}\n")
    host.on("docker", "image inspect *", "")
    host.on("docker", "service inspect --format *ContainerSpec.Env*", json.dumps(f"KEY={value}") + "\n")
    host.on("docker", f"service ps -q --no-trunc {NEW}", "t1\nt2\n")
    for each in ("t1", "t2"):
        host.on("docker", f"service logs --raw --tail 50 {each}", f"{first}\n{cut}\n{each} ends\n")
    host.on("docker", "service rm *")
    out = host.run("deploy/discard", NEW, CONTAINER_TEMPLATE, "100", "", "no", "0", engine="swarm").out
    said = [line.removeprefix("log ") for line in out.splitlines() if line.startswith("log ")]
    assert said == ["<KEY>", "<KEY>", "t1 ends", "<KEY>", "<KEY>", "t2 ends"]


@pytest.mark.parametrize("gone", [False, True])
def test_all_that_a_swarm_runs_is_asked_for_at_once_and_one_by_one_where_one_is_gone(
    host: FakeHost, *, gone: bool
) -> None:
    host.on("curl", "*")
    host.on("docker", "*")
    host.on("curl", "*services?filters=*behindy.name%22*", of_engine(OLD, NEW))
    lines = {
        each: json.dumps({**SPEC, "id": each, "name": each[:3]}, separators=(",", ":"))[:-1] + "\n"
        for each in (OLD, NEW)
    }
    both = Answer(lines[OLD], code=1) if gone else "".join(lines.values())
    host.on("docker", f'service inspect --format {{"id":*] {OLD} {NEW}', both)
    host.on("docker", f'service inspect --format {{"id":*] {NEW}', Answer(err="no such service", code=1))
    host.on("docker", f'service inspect --format {{"id":*] {OLD}', lines[OLD])
    told = json.dumps(TASK, separators=(",", ":"))
    host.on("docker", "service ps -q --no-trunc *", "t1\n")
    host.on("docker", "inspect --format {{.ServiceID}} *", f"{OLD} {told}\n")
    host.on("docker", 'inspect --format {"id":*', f"{told}\n")
    host.on("docker", "node ls *", NODES)
    host.on("docker", "ps -aq --no-trunc", "")
    words = (MARK, str(host.home), "a.org", "", "net", "nginx", "web", CONTAINER_TEMPLATE, "", "web", "me/web")
    found = survey.parse(host.run("host/survey", *words, engine="swarm").out, MARK).containers
    assert {name: len(each.tasks) for name, each in found.items()} == {"ooo": 1} | ({} if gone else {"nnn": 0})


def test_a_rehearsal_asks_each_task_by_its_address(host: FakeHost) -> None:
    has_units(host, {"web-green": NEW})
    second = {**TASK, "id": "t2", "slot": 2, "addresses": ["10.221.0.6/24"]}
    runs(host, NEW, TASK, second)
    header = host.file("home/rehearsal/header", "X-Behindy-Rehearsal: t")
    answer = "HTTP/2 200\nX-Behindy-Candidate: -green\n\ncode {}\nmet 127.0.0.1\n"
    host.on("curl", "*X-Behindy-Address: 10.221.0.5 *", answer.format(200))
    host.on("curl", "*X-Behindy-Address: 10.221.0.6 *", answer.format(500))
    host.on("docker", "container inspect --format {{.Id}} nginx", "n\n")
    words = (str(header), "0", "0.1", "0", "nginx", "", "", "of=web-green", "https://shop.example/")
    done = host.run("deploy/look_outside", *words, engine="swarm")
    assert done.reply_short.every("look")[:2] == ["200 0 -green", "500 0 -green"]
    assert "ok" not in done.out.splitlines()
