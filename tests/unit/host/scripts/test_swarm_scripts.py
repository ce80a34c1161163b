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
from behindy_ops.host.exit_codes import Code
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

    def test_a_look_at_tasks_that_hung_is_no_answer_though_a_leader_is_there_now(self, scaled: FakeHost) -> None:
        self.managers(scaled)
        runs(scaled, NEW, TASK)
        told = json.dumps(TASK, separators=(",", ":"))
        scaled.on("docker", 'inspect --format {"id":*', Answer(code=124), f"{told}\n")
        done = scaled.run("deploy/watch", NEW, "0", CONTAINER_TEMPLATE, "0", engine="swarm")
        assert [task["id"] for task in json.loads(done.values["state"])["tasks"]] == ["t1"]


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


CONFIG: dict[str, Any] = {
    "configs": {"settings": {"name": "x_settings", "file": "SETTINGS"}, "inline": {"content": "x"}},
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
            "configs": [{"source": "settings", "target": "/etc/settings"}, {"source": "inline"}],
            "cpus": 0.5,
            "mem_limit": "419430400",
            "pids_limit": 100,
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
    settings = host.file("home/compose/settings", "others")
    config = json.dumps(CONFIG, indent=2).replace("FILE", str(mounted)).replace("SETTINGS", str(settings))
    keep = host.file("home/state/releases/web/r1/names.yml", "{}").parent
    host.file("home/state/releases/web/r1/.env", "A=1\n")
    (keep / "override.yml").write_text(json.dumps({"services": {"web": {"image": "me/web@sha256:2"}}}, indent=1))
    (keep / "docker-compose.yml").write_text("services: {web: {}}\n")
    host.on("docker", "compose *", config)
    host.on("docker", "secret ls *")
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
    names = {entry["target"]: entry["source"] for entry in web["configs"]}
    assert set(names) == {"/etc/file", "/etc/settings"}
    files = {"/etc/file": mounted, "/etc/settings": mounted.with_name("settings")}
    assert stack["configs"] == {
        names[target]: {"name": names[target], "file": str(path)} for target, path in files.items()
    }
    deploy = web["deploy"]
    assert (deploy["replicas"], deploy["endpoint_mode"]) == (2, "dnsrr")
    assert deploy["resources"] == {"limits": {"memory": "419430400", "cpus": "0.5", "pids": 100}}
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


@pytest.mark.parametrize(
    ("node", "status", "wanted"), [("node1", "Down", 3), ("node2", "Unknown", 3), ("node2", "Down", 1)]
)
def test_it_has_stopped_once_no_task_runs_any_more_on_a_node_that_answers(
    host: FakeHost, node: str, status: str, wanted: int
) -> None:
    """Of a node that is unknown, which all are to a new leader, nothing is known to have ended."""
    has_units(host, {})
    ends = {**TASK, "node": node, "wanted": "remove"}
    runs(host, NEW, ends)
    host.on("docker", "node ls *", NODES.replace('"two","status":"Ready"', f'"two","status":"{status}"'))
    host.on("docker", f"service scale --detach {NEW}=0")
    gone = {**ends, "state": "shutdown"}
    lines = [json.dumps(each, separators=(",", ":")) + "\n" for each in (ends, ends, gone)]
    host.on("docker", 'inspect --format {"id":*', *lines)
    done = host.run("deploy/stop", "5", NEW, engine="swarm")
    looks = sum(call.startswith('docker inspect --format {"id"') for call in done.calls)
    assert (done.code, looks) == (0, wanted), done.err


SECRETS = {"DB_PASS": {"environment": "DB_PASS"}, "cert": {"file": "MOUNTED"}, "other": {"file": "/nobody/asks"}}
PASSWORD = 's3cret $x "quoted" \\n 비밀'


def given_secrets(host: FakeHost, mounted: Path, value: str = PASSWORD) -> None:
    """Have Compose tell of a stanza with two secrets, and of their values when it is asked for those."""
    stanza = {
        **CONFIG["services"]["web"],
        "environment": {"DB_PASS_FILE": "/run/secrets/DB_PASS"},
        "secrets": [
            {"source": "DB_PASS", "target": "/run/secrets/DB_PASS"},
            {"source": "cert", "target": "/etc/cert", "mode": "0440"},
        ],
    }
    config = {"secrets": SECRETS, "services": {"web": stanza}}
    host.on("docker", "compose *", json.dumps(config, indent=2).replace("MOUNTED", str(mounted)))
    values = {"services": {"x": {"environment": {"DB_PASS": value.replace("$", "$$")}, "image": "x"}}}
    answer = json.dumps(values, indent=2, ensure_ascii=False).replace("'", "'\\''")
    told = f"grep -q DB_PASS && printf '%s\\n' '{answer}'"  # by name, on its standard input
    host.on("docker", "compose -p values *", Answer(run=told))
    keep = 'mkdir -p "$root/made"; for name; do last=$before before=$name; done; cat >"$root/made/$last"'
    host.on("docker", "secret create *", Answer(run=keep))


def start(host: FakeHost, project: str = "shop") -> Any:
    return host.run(
        "swarm/start", str(host.home), "web", "r1", "shop_internal", CONTAINER_TEMPLATE, "", project, "nginx",
        "shop_internal-swarm", "2", "", "25", stdin="begun\n{}\n{}\n", engine="swarm",
    )  # fmt: skip


def test_a_value_that_a_service_reads_from_a_file_is_a_secret_of_its_release_and_stands_nowhere_else(
    host: FakeHost, mounted: Path
) -> None:
    given_secrets(host, mounted)
    done = start(host)
    assert done.code == 0, done.err
    made = {each.name: each.read_text() for each in (host.root / "made").iterdir()}
    assert made == {"web-r1-DB_PASS": PASSWORD, "web-r1-cert": "content"}
    (call,) = [call for call in done.calls if "secret create" in call and "DB_PASS" in call]
    assert "--label behindy.project=shop --label behindy.service=web --label behindy.release=r1" in call
    text = (host.root / "stack").read_text()
    assert "s3cret" not in f"{done.calls}{done.out}{done.err}{text}"
    stack = yaml.safe_load(text)
    assert stack["services"]["web-r1"]["environment"] == {"DB_PASS_FILE": "/run/secrets/DB_PASS"}
    assert stack["services"]["web-r1"]["secrets"] == [
        {"source": "DB_PASS", "target": "/run/secrets/DB_PASS"},
        {"source": "cert", "target": "/etc/cert", "mode": 0o440},
    ]
    assert stack["secrets"] == {
        "DB_PASS": {"external": True, "name": "web-r1-DB_PASS"},
        "cert": {"external": True, "name": "web-r1-cert"},
    }


@pytest.mark.parametrize(("value", "said"), [("", "has 0 bytes"), ("x" * 512_000, "has 512000 bytes")])
def test_a_value_that_no_secret_can_have_ends_it_before_anything_is_made(
    host: FakeHost, mounted: Path, value: str, said: str
) -> None:
    given_secrets(host, mounted, value)
    done = start(host)
    assert (done.code, done.err) == (Code.NO_SECRET, f"the secret DB_PASS (DB_PASS) {said}\n")
    assert not [call for call in done.calls if "create" in call or "deploy" in call]


@pytest.mark.usefixtures("mounted")
def test_a_registrys_login_goes_with_the_service_and_stays_in_no_file(host: FakeHost) -> None:
    host.on(
        "docker",
        "login *",
        Answer(run='cat >"$root/token"; mkdir -p "$DOCKER_CONFIG"; : >"$DOCKER_CONFIG/config.json"'),
    )
    host.on(
        "docker",
        "stack deploy *",
        Answer(run='[ -e "$DOCKER_CONFIG/config.json" ] && echo "$DOCKER_CONFIG" >"$root/by"'),
    )
    words = (str(host.home), "web", "r1", "net", CONTAINER_TEMPLATE, "", "shop", "nginx", "net-swarm", "2", "", "25")
    done = host.run("swarm/start", *words, "reg.example", "me", stdin="t0ken\nbegun\n{}\n{}\n", engine="swarm")
    assert done.code == 0, done.err
    assert (host.root / "token").read_text() == "t0ken\n"
    assert "docker login --username me --password-stdin reg.example" in done.calls
    assert not Path((host.root / "by").read_text().strip()).exists()
    assert "t0ken" not in f"{done.calls}{done.out}{done.err}"


def test_a_secret_that_is_there_already_is_that_of_this_release(host: FakeHost, mounted: Path) -> None:
    given_secrets(host, mounted)
    taken = "Error response from daemon: rpc error: code = AlreadyExists desc = secret web-r1-DB_PASS already exists"
    host.on("docker", "secret create * web-r1-DB_PASS -", Answer(err=taken, code=1))
    assert start(host).code == 0
    host.on("docker", "secret create * web-r1-DB_PASS -", Answer(err="no leader", code=1))
    assert start(host).code == 1


def test_secrets_that_a_killed_run_has_left_go_and_those_of_releases_that_are_there_stay(
    host: FakeHost, mounted: Path
) -> None:
    given_secrets(host, mounted)
    listed = 'secret ls --filter label=behindy.project=shop --format {{.Name}} {{.Label "behindy.release"}}'
    host.on("docker", listed, "web-r0-DB_PASS r0\nweb-old-DB_PASS old\n")
    host.on("docker", "ps -a *", "c1 c0 0-1\n")
    host.on("docker", 'service inspect --format {{index .Spec.Labels "behindy.release"}} *', "old r0 0-2\n")
    host.on("curl", "*behindy.name%22*", of_engine(OLD))
    host.on("docker", "secret rm *")
    done = start(host)
    assert done.code == 0, done.err
    assert [call for call in done.calls if "secret rm" in call] == ["docker secret rm web-r0-DB_PASS"]


def test_a_secret_goes_with_its_service(host: FakeHost) -> None:
    has_units(host, {})
    names = 'service inspect --format {{index .Spec.Labels "behindy.names"}}* *'
    host.on("docker", names, f"{host.home}/assets/.names web-r1-DB_PASS web-r1-cert\n")
    host.on("docker", f"service rm {OLD}")
    host.on("curl", "*behindy.names=*", of_engine())
    host.on("docker", "secret rm *")
    host.on("docker", f"service scale --detach {OLD}=0")
    host.on("docker", f"service ps -q --no-trunc {OLD}")
    host.on("docker", "node ls *", NODES)
    done = host.run("deploy/stop_blue", OLD, "1", engine="swarm")
    assert done.code == 0, done.err
    removals = [call for call in done.calls if " rm " in call]
    assert removals == [f"docker service rm {OLD}", "docker secret rm web-r1-DB_PASS web-r1-cert"]


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
        host.on("docker", f'service inspect --format {{{{index .Spec.Labels "behindy.{name}"}}}}* {NEW}', f"{answer}\n")
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


def test_a_start_that_an_edge_does_not_follow_says_so_by_its_code(host: FakeHost, mounted: Path) -> None:
    assert mounted.exists()
    listed = [{"ID": each * 25, "Version": {}, "Status": {"State": "ready", "Addr": "10.0.0.2"}} for each in "ht"]
    host.on("curl", "*behindy.edge=true*", json.dumps(listed, separators=(",", ":")))
    host.on("docker", "info --format {{.Swarm.NodeID}}", "h" * 25)
    host.on("docker", 'service inspect --format *behindy.name"}} *behindy.dns*', "web-green web-r1 nginx\n")
    host.on("docker", "exec nginx curl *", Answer(code=7))
    host.moved["+ 8000"] = "+ 200"
    done = start(host)
    assert (done.code, "the edge 10.0.0.2 does not follow" in done.err) == (Code.EDGE_BEHIND, True), done.err


def test_what_a_manager_says_is_not_mistaken_for_how_the_asking_ended(host: FakeHost) -> None:
    has_units(host, {"web": NEW})
    host.on("docker", f"service update * {NEW}", Answer(err="24 of these are there", code=1))
    host.on("docker", f"service inspect --format /* {NEW}", "/web\n")
    host.on("docker", 'service inspect --format {{index .Spec.Labels "behindy.names"}}* *', "\n")
    done = host.run("deploy/swap", "", "", "", NEW, "web-blue", "", engine="swarm")
    assert sum("service update" in call for call in done.calls) == 1
