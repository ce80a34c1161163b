"""The scripts of a deploy, run by bash on a host of fakes: what they send, print, and end with."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import behindy_ops.host
from behindy_ops.facts.manifest import parse as parse_manifests
from behindy_ops.facts.readings import parse_reading
from behindy_ops.host.exit_codes import Code
from tests.unit.host.scripts.fake_host import INSIDE, MARK, NO_API, Answer

if TYPE_CHECKING:
    from tests.unit.host.scripts.fake_host import FakeHost, Ran

GONE = Answer(err="Error response from daemon: No such container: x", code=1)
RESTARTING = Answer(err="Cannot connect to the Docker daemon", code=1)


def uptime() -> float:
    """What the host's waits are measured by, in seconds."""
    return float(Path("/proc/uptime").read_text().split()[0])


STATS = '{"memory_stats":{"usage":9,"stats":{"inactive_file":4}}}'


def test_no_step_of_a_deploy_waits_by_a_clock_that_can_be_set() -> None:
    scripts = Path(behindy_ops.host.__file__).parent / "scripts"
    waiting = [*scripts.glob("deploy/*.sh"), *(scripts / name for name in ("lib/engine.sh", "host/unalias.sh"))]
    told = r"\b(until|at)=\$\(date [^)]*\)"  # what a person is told
    assert [
        file.name for file in waiting if re.search(r"\bdate\b|EPOCH|SECONDS", re.sub(told, "", file.read_text()))
    ] == []


def test_a_pull_logs_in_for_itself_alone_and_leaves_no_token(host: FakeHost) -> None:
    host.on("docker", "login *", Answer(run='cat >"$root/token"; printf %s "$DOCKER_CONFIG" >"$root/where"; exit 0'))
    host.on("docker", "pull me/x:v1", "Pulling\n")
    host.on("docker", "image inspect *", '{"id":1}\n')
    ran = host.run("deploy/pull", "me/x:v1", "hub", "me", "{{json .}}", stdin="t0ken")
    assert (ran.code, ran.values["image"]) == (0, '{"id":1}')
    assert (host.root / "token").read_text() == "t0ken"
    assert (host.root / "where").read_text().startswith(f"{host.root}/shm/")
    assert not [*(host.root / "shm").iterdir()]
    assert ran.calls[0] == "docker login --username me --password-stdin hub"


def test_a_pull_that_fails_says_at_which_of_the_two_it_failed(host: FakeHost) -> None:
    host.on("docker", "login *", Answer(code=1))
    host.on("docker", "pull *", Answer(err="manifest unknown", code=1))
    assert host.run("deploy/pull", "me/x", "hub", "me", "").code == Code.REGISTRY_LOGIN
    ran = host.run("deploy/pull", "me/x", "", "", "")
    assert (ran.code, ran.err) == (Code.NO_IMAGE, "manifest unknown")


TERMINAL = r"""
id=0123456789ab
move() { printf '\e[1A\e[2K\r%s\r\e[1B' "$*"; }
printf 'v1: Pulling from me/x\r\n\r\n'
[ -t 1 ] || { echo "$id: Pull complete"; exit 0; }
move "$id: Pulling fs layer "
for n in 1 2 3 4 5 6 7 8 9; do move "$id: Downloading [=>  ]  ${n}00kB/1.2MB"; done
move "$id: Download complete "
move "$id: Extracting  1.2MB/1.2MB"
move "$id: Pull complete "
move "ba9876543210: Downloading  7.5MB"
printf 'Digest: sha256:dd\r\nme/x:v1\r\n'; echo "$DOCKER_CONFIG" >"$root/where"
exit 0"""


def test_a_pull_tells_of_bytes_once_a_second_where_docker_has_a_terminal(host: FakeHost) -> None:
    host.on("docker", "pull me/x:v1", Answer(run=TERMINAL))
    host.on("docker", "image inspect *", '{"id":1}\n')
    ran = host.run("deploy/pull", "me/x:v1", "", "", "{{json .}}")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    progress = [line for line in lines if line.startswith("progress ")]
    assert progress[0] == "progress 0123456789ab 100kB/1.2MB"
    assert len(progress) <= 3, "a line a second"
    assert [line for line in lines if line not in progress] == [
        "v1: Pulling from me/x",
        "0123456789ab: Pulling fs layer",
        "0123456789ab: Download complete",
        "0123456789ab: Pull complete",
        "Digest: sha256:dd",
        "me/x:v1",
        'image {"id":1}',
    ]


@pytest.mark.parametrize("script", [Answer(code=127), Answer(err="failed to create pseudo-terminal", code=1)])
def test_a_host_that_gives_no_terminal_pulls_without_one(host: FakeHost, script: Answer) -> None:
    host.on("script", "*", script)
    host.on("docker", "pull me/x:v1", Answer(run=TERMINAL))
    host.on("docker", "image inspect *", '{"id":1}\n')
    ran = host.run("deploy/pull", "me/x:v1", "", "", "{{json .}}")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-2:] == ["0123456789ab: Pull complete", 'image {"id":1}']


def test_a_pull_ends_when_nobody_listens_any_more(host: FakeHost) -> None:
    goes_on = 'for n in $(seq 80); do printf "layer $n\\r\\n"; sleep 0.1; done; touch "$root/went-on"; exit 0'
    host.on("docker", "pull *", Answer(run=goes_on))
    host.cut_off("deploy/pull", "me/x", "", "", "", after="layer 3")
    assert not (host.root / "went-on").exists()
    assert not [*(host.root / "shm").iterdir()]


def test_no_shell_reads_the_name_of_an_image(host: FakeHost) -> None:
    name = "me/x:$(touch $root/ran)';touch ran;'"
    host.on("docker", "pull *", Answer(run='printf %s "$2" >"$root/name"; exit 0'))
    host.on("docker", "image inspect *", "{}\n")
    assert host.run("deploy/pull", name, "", "", "").code == 0
    assert (host.root / "name").read_text() == name
    assert not (host.root / "ran").exists()


def test_manifests_are_asked_for_side_by_side_and_told_apart(host: FakeHost) -> None:
    manifest = {"SchemaV2Manifest": {"layers": [{"digest": "d", "size": 5, "mediaType": "tar"}]}}
    host.on("docker", "manifest inspect --verbose me/x:v1", json.dumps(manifest, indent=1))
    host.on("docker", "manifest inspect --verbose --insecure localhost:5000/y", Answer(err="no such\nmanifest", code=1))
    host.on("docker", "version *", "amd64\n")
    ran = host.run("deploy/manifests", "", "", "me/x:v1", "localhost:5000/y")
    told = parse_manifests(ran.out)
    assert (told.layers, told.refused) == ({"me/x:v1": {"d": 5}}, {"localhost:5000/y": "no such manifest"})


CONFIG = """{
  "name": "behindy-ops",
  "networks": {
    "default": {
      "name": "behindy-ops_default",
      "ipam": {}
    },
    "egress": {
      "name": "behindy-ops_egress",
      "ipam": {},
      "internal": true
    },
    "internal": {
      "name": "net",
      "ipam": {}
    },
    "theirs": {
      "name": "zzz",
      "ipam": {},
      "external": true
    }
  },
  "services": {
    "web": {
      "image": "web:latest",
      "volumes": [
        {
          "type": "volume",
          "source": "uploads",
          "target": "/data"
        }
      ]
    }
  },
  "volumes": {
    "uploads": {
      "name": "behindy-ops_uploads",
      "labels": {
        "name": "b\\"c"
      }
    }
  }
}
"""
"""As ``docker compose config --format json`` prints it."""

BY_NAME = {
    "x-way": 1,
    "networks": {
        "default": {"name": "behindy-ops_default"},
        "egress": {"name": "behindy-ops_egress"},
        "internal": {"name": "net", "external": True},
    },
    "volumes": {"uploads": {"name": "behindy-ops_uploads"}},
}
"""What is laid over a release's own files: none of it is called by the name of the release's Compose project."""


@pytest.fixture
def starting(host: FakeHost) -> FakeHost:
    """A host on which a candidate can be made, of a compose file with networks and a volume."""
    for name in ("compose/docker-compose.yml", ".env"):
        host.file(f"home/{name}", f"{name}\n")
    host.file("home/state/history.jsonl", "torn")
    host.file("home/state/releases/web/.new/.env", "of a run that was killed")
    for call in ("compose *", "network *", "update *", "start *", "volume *"):
        host.on("docker", call)
    host.on("curl", "* -d *", NO_API)
    host.on("docker", "compose *config --format json*", CONFIG)
    host.on("docker", "container inspect *", '{"id":"g"}\n')
    host.on("docker", "container inspect *RestartPolicy*", "always net behindy-ops_egress\n")
    host.on("docker", "container inspect *Mounts*", "behindy-ops_uploads\n")
    return host


def start(host: FakeHost, release: str = "r1", files_of: str = "") -> Ran:
    stdin = "begun\nrelease\nservices: {}\n"
    return host.run(
        "deploy/start_green",
        str(host.home),
        "web",
        release,
        "net",
        "{{json .}}",
        files_of,
        "shop",
        "nginx",
        stdin=stdin,
    )


def test_a_candidate_is_made_without_aliases_and_without_its_restart_policy(starting: FakeHost) -> None:
    host = starting
    ran = start(host)
    assert (ran.code, ran.values) == (0, {"policy": "always", "state": '{"id":"g"}'})
    kept = host.home / "state/releases/web/r1"
    files = {file.name: file.read_text() for file in kept.iterdir()}
    assert json.loads(files.pop("names.yml")) == BY_NAME
    assert files == {
        "override.yml": "services: {}\n", "docker-compose.yml": "compose/docker-compose.yml\n", ".env": ".env\n",
        "release.json": "release\n", "status": "candidate\n",
    }  # fmt: skip
    assert (kept / ".env").stat().st_mode & 0o77 == 0
    assert (host.home / "state/history.jsonl").read_text() == "torn\nbegun\n"
    assert [path.name for path in kept.parent.iterdir()] == ["r1"]
    assert [" ".join(call.split()[1:3]) for call in ran.calls if call.startswith("docker")] == [
        *("compose --project-directory", "container inspect", "compose --progress", "container inspect"),
        *(["network disconnect", "network connect"] * 2),
        *("update --restart", "start web-green", "container inspect"),
    ]
    ran = start(host, "r2", "web/r1")
    assert (host.home / "state/releases/web/r2/.env").read_text() == ".env\n"


def test_a_value_that_a_candidate_reads_from_a_file_is_there_before_it_starts(starting: FakeHost) -> None:
    host, value = starting, 'p@ss $x "q"'
    host.file("home/compose/docker-compose.yml", "secrets: {DB_PASS: {environment: DB_PASS}}\n")
    config = {
        "secrets": {"DB_PASS": {"environment": "DB_PASS"}},
        "services": {"web": {"secrets": [{"source": "DB_PASS"}]}},
    }
    host.on("docker", "compose *config --format json*", json.dumps(config, indent=2))
    values = {"services": {"x": {"environment": {"DB_PASS": value.replace("$", "$$")}}}}
    host.on("docker", "compose -p values *", json.dumps(values, indent=2))
    host.on("docker", "cp - web-green:/", Answer(run='cat >"$root/put.tar"'))
    ran = start(host)
    assert ran.code == 0, ran.err
    with tarfile.open(host.root / "put.tar") as archive:
        (file,) = archive.getmembers()
        assert (file.name, file.mode, file.uid, file.gid) == ("run/secrets/DB_PASS", 0o444, 0, 0)
        content = archive.extractfile(file)
        assert content is not None
        assert content.read().decode() == value
    assert "p@ss" not in f"{ran.calls}{ran.out}{ran.err}"
    calls = [" ".join(call.split()[1:3]) for call in ran.calls if call.startswith("docker")]
    assert calls.index("cp -") < calls.index("start web-green")


def test_compose_is_asked_for_the_stanza_that_the_release_lays_its_own_over(starting: FakeHost) -> None:
    override = json.dumps({"services": {"site": {"container_name": "web-green"}}}, indent=1)
    words = (str(starting.home), "web", "r1", "net", "{{json .}}", "", "shop", "nginx")
    ran = starting.run("deploy/start_green", *words, stdin=f"b\nr\n{override}\n")
    (made,) = [call for call in ran.calls if "--no-start" in call]
    assert ran.code == 0
    assert (made.split()[-1], "behindy-web-r1" in made) == ("site", True)


@pytest.mark.parametrize(
    ("settings", "itself"), [(None, True), ("{}", True), ('{"cliPluginsExtraDirs": ["/x"]}', False)]
)
def test_compose_is_started_by_itself_where_docker_would_find_it(
    starting: FakeHost, settings: str | None, *, itself: bool
) -> None:
    starting.moved["-w /var/run/docker.sock"] = f"-w {starting.file('docker.sock')}"
    if settings is not None:
        starting.file(".docker/config.json", settings)
    resolved, used = starting.file("resolved", CONFIG), starting.root / "used"
    plugin = starting.file(
        ".docker/cli-plugins/docker-compose",
        f'#!/bin/sh\necho "$@" >>{used}\ncase "$*" in *"config --format json") cat {resolved} ;; esac\n',
    )
    plugin.chmod(0o755)
    ran = start(starting)
    assert (ran.code, used.exists(), any(" compose " in call for call in ran.calls)) == (0, itself, not itself)
    assert json.loads((starting.home / "state/releases/web/r1/names.yml").read_text()) == BY_NAME


def test_what_a_job_leaves_is_made_and_not_started(starting: FakeHost) -> None:
    words = (str(starting.home), "web", "r1", "net", "", "", "shop", "nginx", "idle")
    ran = starting.run("deploy/start_green", *words, stdin="b\nr\no\n")
    assert ran.code == 0
    assert "policy" in ran.values
    assert not [call for call in ran.calls if call.startswith("docker start") or "/start" in call]


@pytest.mark.parametrize(
    ("changed", "text", "asked"),
    [
        ("", "", False),
        ("compose/docker-compose.yml", "another: file\n", True),
        (".env", "KEY=new\n", True),
        ("state/releases/web/r1/names.yml", '{"x-way": 0, "networks": {}}', True),
        ("state/releases/web/r1/names.yml", "", True),
    ],
    ids=["nothing", "a stanza", "a value", "found in another way", "torn"],
)
def test_a_release_with_the_stanzas_and_values_of_one_before_has_its_names(
    starting: FakeHost, changed: str, text: str, *, asked: bool
) -> None:
    assert start(starting).code == 0
    if changed:
        starting.file(f"home/{changed}", text)
    ran = start(starting, "r2")
    assert ran.code == 0
    assert any("config --format json" in call for call in ran.calls) is asked
    assert json.loads((starting.home / "state/releases/web/r2/names.yml").read_text()) == BY_NAME


def test_names_of_files_that_are_included_are_always_asked_for(starting: FakeHost) -> None:
    starting.file("home/compose/docker-compose.yml", "include:\n  - more.yml\n")
    for release in ("r1", "r2"):
        assert any("config --format json" in call for call in start(starting, release).calls)


def test_the_engine_itself_does_what_it_can_for_a_candidate(starting: FakeHost) -> None:
    starting.on("curl", "*--unix-socket *", "200")
    starting.on("curl", "*/start", "304")
    ran = start(starting)
    assert (ran.code, ran.values) == (0, {"policy": "always", "state": '{"id":"g"}'})
    asked = [call.partition(" -d ")[2] for call in ran.calls if call.startswith("curl")]
    green = '{"Container":"web-green"}'
    assert asked == [
        *(
            f"{green} http://docker/networks/{net}/{do}"
            for net in ("net", "behindy-ops_egress")
            for do in ("disconnect", "connect")
        ),
        '{"RestartPolicy":{"Name":"no"}} http://docker/containers/web-green/update',
        " http://docker/containers/web-green/start",
    ]
    assert not [call for call in ran.calls if call.split()[1] in ("network", "update", "start")]


NAMING = """{
  "configs": {
    "proxy": {
      "name": "x_proxy",
      "file": "/there/한 글&|.conf"
    },
    "page": {
      "name": "x_page",
      "file": "/there/directory"
    }
  },
  "secrets": {
    "key": {
      "name": "x_key",
      "file": "/there/key"
    }
  },
  "services": {
    "web": {
      "environment": {
        "FROM_A_FILE": "file"
      },
      "volumes": [
        {
          "source": "/there/key"
        }
      ]
    }
  }
}
"""
"""As ``docker compose config --format json`` prints it of a stanza with an env_file, a secret and two configs."""


def test_a_release_keeps_every_file_that_its_stanza_names_and_hands_it_on_to_a_rollback(starting: FakeHost) -> None:
    there = starting.root / "there"
    for name in ("한 글&|.conf", "key", "directory/x"):
        starting.file(f"there/{name}", f"{name}: {{}}\n")
    starting.file("home/compose/docker-compose.yml", "services: {web: {env_file: x.env}}\n")
    starting.on("docker", "compose *config --format json", NAMING.replace("/there/", f"{there}/"))
    ran = start(starting)
    assert ran.code == 0, ran.err
    assert ran.reply_short.every("unkept") == [f"{there}/directory"]
    shutil.rmtree(there)
    start(starting, "r2", "web/r1")
    for release in ("r1", "r2"):
        kept = starting.home / "state/releases/web" / release
        reads = json.loads((kept / "docker-compose.yml").read_text())
        paths = [Path(reads["configs"]["proxy"]["file"]), Path(reads["secrets"]["key"]["file"])]
        assert [path.read_text() for path in paths] == ["한 글&|.conf: {}\n", "key: {}\n"]
        assert {path.parent for path in paths} == {kept / "files"}
        assert reads["configs"]["page"]["file"] == f"{there}/directory"
        assert reads["services"]["web"]["environment"] == {"FROM_A_FILE": "file"}
        assert reads["services"]["web"]["volumes"] == [{"source": f"{there}/key"}]  # data, as it is on the host
        assert kept.stat().st_mode & 0o77 == 0


def test_a_further_container_is_made_of_the_files_of_the_first_ones_release(starting: FakeHost) -> None:
    there = starting.file("there/key", "key: {}\n").parent
    starting.file("home/compose/docker-compose.yml", "services: {web: {env_file: x.env}}\n")
    starting.on("docker", "compose *config --format json", NAMING.replace("/there/", f"{there}/"))
    start(starting)
    shutil.rmtree(there)
    starting.file("home/.env", "changed since\n")
    words = (str(starting.home), "web-2", "r1", "net", "", "web/r1", "shop", "nginx")
    ran = starting.run("deploy/start_green", *words, stdin='b\nr\n{"services": {\n "web": {}}}\n')
    assert ran.code == 0, ran.err
    kept = starting.home / "state/releases/web-2/r1"
    assert (kept / ".env").read_text() == (kept.parents[1] / "web/r1/.env").read_text() != "changed since\n"
    reads = json.loads((kept / "docker-compose.yml").read_text())
    assert reads["secrets"]["key"]["file"] == str(next(kept.glob("files/*")))
    (made,) = [call for call in ran.calls if "--no-start" in call]
    assert (made.split()[-1], "behindy-web-2-r1" in made) == ("web", True)


def test_a_network_that_is_not_the_projects_is_left_once_the_candidate_runs(starting: FakeHost) -> None:
    starting.on("docker", "container inspect *RestartPolicy*", f"always {'0f' * 32} net\n")
    ran = start(starting)
    order = [call for call in ran.calls if call.startswith(("docker network", "docker start"))]
    assert [call.split()[1:4] for call in order] == [
        ["network", "disconnect", "net"], ["network", "connect", "net"], ["start", "web-green"],
        ["network", "disconnect", "0f" * 32], ["network", "connect", "0f" * 32],
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["host", "none"])
def test_a_worker_without_a_network_of_its_own_is_taken_from_none(starting: FakeHost, mode: str) -> None:
    starting.on("docker", "container inspect *RestartPolicy*", f"always {mode}\n")
    ran = start(starting)
    assert (ran.code, [call for call in ran.calls if "network" in call and "inspect" not in call]) == (0, [])


def test_a_network_that_is_declared_further_is_laid_over_by_its_name_only(starting: FakeHost) -> None:
    declared = CONFIG.replace('"name": "net",', '"name": "net",\n      "enable_ipv6": true,')
    starting.on("docker", "compose *config --format json*", declared)
    start(starting)
    names = json.loads((starting.home / "state/releases/web/r1/names.yml").read_text())
    assert names["networks"]["internal"] == {"name": "net"}  # Compose refuses anything beside `external`


@pytest.mark.parametrize(
    "old", ["behindy-web-20260101-000000-ab_uploads", "uploads"], ids=["of a release", "of others"]
)
def test_a_volume_of_the_live_release_is_not_replaced_by_an_empty_one(starting: FakeHost, old: str) -> None:
    starting.on("docker", "container inspect *Mounts*", f"{old}\n{'0f' * 32}\n")
    starting.on("docker", "container inspect *Config.Image*", "nginx:1.28\n")
    starting.on("docker", "volume inspect *", Answer(code=1))
    ran = start(starting)
    assert ran.code == Code.OTHER_VOLUME
    assert f" -v {old}:/from:ro -v behindy-ops_uploads:/to nginx:1.28 " in ran.err
    assert not [call for call in ran.calls if " up " in call or " start " in call]
    starting.on("docker", "volume inspect *")
    ran = start(starting, "r2")
    assert (ran.code, ran.reply_short.every("left")) == (0, [f"{old} behindy-ops_uploads"])


def test_compose_sees_none_of_what_the_login_exports(host: FakeHost) -> None:
    host.on("docker", "compose *", Answer(run="env | cut -d= -f1 | sort | tr '\\n' ' ' >>\"$root/env\"; exit 1"))
    for name in ("compose/docker-compose.yml", ".env", "state/x"):
        host.file(f"home/{name}")
    ran = host.run("deploy/start_green", str(host.home), "web", "r1", "net", "", "", "shop", "nginx", stdin="b\nr\no\n")
    assert ran.code == 1
    names = set((host.root / "env").read_text().split())
    decided = {name for name in names if name.startswith("COMPOSE_")}
    assert names - decided <= {"PATH", "HOME", "PWD", "SHLVL", "_", "DOCKER_HOST"}
    assert {"COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"} <= decided


@pytest.mark.parametrize(
    ("complaint", "told"),
    [
        (
            'failed to read /x/.env: line 12: unterminated quoted value "leakme\nmore s3cret',
            "failed to read /x/.env: line 12",
        ),
        ('failed to read /x/.env: Invalid template: "${leakme"', "failed to read /x/.env"),
        ("Invalid hostPort: leakme", "Invalid hostPort: <PORT>"),
        ('line 3: unterminated quoted value "of no .env', "failed to read an env_file: line 3"),
        ("required variable X is missing a value: of no .env", "required variable X is missing a value"),
        ("services.web: a leakme\nand s3cret}", "services.web: a <PORT>\nand <KEY>}"),
        ("the end of it", "the end of it"),
    ],
)
def test_what_compose_complains_of_is_told_without_a_value(host: FakeHost, complaint: str, told: str) -> None:
    host.on("docker", "compose *", Answer(run=f"printf '%s\\n' {shlex.quote(complaint)} >&2; exit 1"))
    for name in ("compose/docker-compose.yml", "state/x"):
        host.file(f"home/{name}")
    host.file("home/.env", "PORT=leakme # the port\nKEY='s3cret'\nN=end\n")
    ran = host.run("deploy/start_green", str(host.home), "web", "r1", "net", "", "", "shop", "nginx", stdin="b\nr\no\n")
    assert (ran.code, ran.err) == (1, f"{told}\n")


def test_a_candidate_is_asked_from_inside_until_it_answers(host: FakeHost) -> None:
    host.on("docker", "wait *", Answer(run="sleep 5"))
    host.on("docker", "exec nginx timeout 5 sh -c *", Answer(run='shift 4; exec "$@"'))
    host.on("curl", "*", Answer("500"), Answer("204"))
    host.on("docker", "container inspect *", '{"id":"g"}\n')
    ran = host.run("deploy/look_inside", "nginx", "web-green", "http://web-green:80/", "5", "0.01", "")
    assert ran.out.splitlines() == ["look 500 0", "look 204 0", 'state {"id":"g"}', "ok"]


def test_of_a_candidate_that_answers_its_own_health_check_is_waited_for(host: FakeHost) -> None:
    host.on("docker", "wait *", Answer(run="sleep 5"))
    host.on("docker", "exec nginx *", "look 204 0\n")
    starting = Answer('{"health":"starting","memory":0}\n')
    host.on("docker", "container inspect *", starting, starting, '{"health":"healthy","memory":0}\n')
    ran = host.run("deploy/look_inside", "nginx", "web-green", "http://web-green:80/", "60", "0.01", "")
    assert ran.out.splitlines() == ["look 204 0", 'state {"health":"healthy","memory":0}', "ok"]
    ran = host.run("deploy/look_inside", "nginx", "web-green", "http://web-green:80/", "0.1", "0.01", "")
    assert ran.out.splitlines()[-2:] == ['state {"health":"healthy","memory":0}', "ok"]


@pytest.mark.parametrize(
    ("expected", "body", "looks"),
    [
        (" 200 401 ", "", ["look 204 0", "look 401 0"]),
        ("", "all well", ["look 204 0 lacking", "look 401 0", "look 200 0 lacking", "look 200 0"]),
        (" 401 ", "log in", ["look 204 0", "look 401 0"]),
        (" 200 ", "200", ["look 204 0", "look 401 0", "look 200 0 lacking", "look 200 0 lacking", "look 200 0"]),
    ],
)
def test_a_candidate_is_asked_until_it_answers_as_expected(
    host: FakeHost, expected: str, body: str, looks: list[str]
) -> None:
    host.on("docker", "wait *", Answer(run="sleep 5"))
    host.on("docker", "exec nginx timeout 5 sh -c *", Answer(run='shift 4; exec "$@"'))
    pages = [("", "204"), ("please log in", "401"), ("so\nso", "200"), ("all * is\nall well\n", "200"), ("200", "200")]
    host.on("curl", "*", *(f"{page}\n{code}" if body else code for page, code in pages))
    host.on("docker", "container inspect *", '{"id":"g"}\n')
    words = ("nginx", "web-green", "http://web-green:80/", "5", "0.01", "", expected, body)
    ran = host.run("deploy/look_inside", *words)
    assert ran.out.splitlines() == [*looks, 'state {"id":"g"}', "ok"]
    assert all("-o /dev/null" in call for call in ran.calls if call.startswith("curl")) is not bool(body)


def test_what_a_candidate_says_with_its_error_is_told_in_one_line_without_a_value(host: FakeHost) -> None:
    host.on("docker", "wait *", Answer(run="sleep 5"))
    host.on("docker", "exec nginx timeout * sh -c *", Answer("look 500 0\nlook 503 0\n", code=124))
    body = '{"status":"DOWN",\n\t"db":"s3cret\u2028look 200 0 \u8fde\u63a5"}\n'
    host.on("docker", "exec nginx curl *", Answer(body, code=22), Answer('{"status":"UP"}'))
    host.on("docker", "container inspect *", '{"id":"g"}\n')
    host.on("docker", "container inspect --format {{.Image}} *", "sha256:1\n")
    host.on("docker", "container inspect --format *Config.Env* *", '"KEY=s3cret"\n')
    host.on("docker", "image inspect *", "")
    said = [
        host.run("deploy/look_inside", "nginx", "web-green", "http://web-green:80/", "0.1", "0.01", "").out
        for _ in range(2)
    ]
    told = 'body {"status":"DOWN", "db":"<KEY> look 200 0 \u8fde\u63a5"} '
    assert said[0].splitlines() == ["look 500 0", "look 503 0", told, 'state {"id":"g"}']
    assert "body" not in said[1]  # it is well by now


def test_a_candidate_that_exits_ends_the_look(host: FakeHost) -> None:
    host.on("docker", "wait *", Answer(run="sleep 0.2"))
    host.on("docker", "exec *", Answer(run="exec sleep 8"))
    host.on("docker", "container inspect *", GONE)
    begun = time.monotonic()
    assert host.run("deploy/look_inside", "nginx", "web-green", "http://x/", "5", "0.1", "").values == {"state": "none"}
    assert time.monotonic() - begun < 6


def test_the_public_url_and_the_live_container_are_asked_from_outside(host: FakeHost) -> None:
    host.on("curl", "*https://a.org/", "X-Behindy-Candidate: -green\r\ncode 200\n")
    host.on("curl", "*http://web:80/*", "200")
    host.on("docker", "container inspect *", "10.0.0.2 \n")
    host.on("docker", "exec -i nginx sh -c *", INSIDE)
    host.on("getent", "ahosts web", "10.0.0.2 STREAM web\n10.0.0.2 DGRAM\n")
    arguments = ("/h", "5", "0.01", "0", "nginx", "web", "http://web:80/", "https://a.org/")
    ran = host.run("deploy/look_outside", *arguments)
    assert sorted(ran.out.splitlines()) == [
        "address 10.0.0.2 ", "inside 200 0", "look 200 0 -green", "names 10.0.0.2", "ok"
    ]  # fmt: skip
    assert any("-H @/h" in call for call in ran.calls)
    assert len([call for call in ran.calls if call.startswith("docker exec")]) == 1


SAVED = 'while [ "$#" -gt 1 ]; do [ "$1" != -o ] || page=$2; shift; done; '


def page(text: str, code: int = 200, kind: str = "text/html; charset=utf-8") -> Answer:
    """What curl does that was told to save a page."""
    told = f"X-Behindy-Candidate: -green\\r\\nContent-Type: {kind}\\r\\ncode {code}\\n"
    return Answer(run=f"{SAVED}cat >\"$page\" <<'PAGE'\n{text}\nPAGE\nprintf '{told}'")


@pytest.mark.parametrize(
    ("words", "looks"),
    [
        (("status= 200 401 ",), ["look 204 0 -green", "look 401 0 -green", "ok"]),
        (
            ("body=it's $well",),
            ["look 204 0 -green lacking", "look 401 0 -green", "look 200 0 -green lacking", "look 200 0 -green", "ok"],
        ),
        (("status= 401 ", "body=log in"), ["look 204 0 -green", "look 401 0 -green", "ok"]),
    ],
)
def test_the_public_url_is_asked_until_it_answers_as_expected(
    host: FakeHost, words: tuple[str, ...], looks: list[str]
) -> None:
    pages = (page("", 204), page("please log in", 401), page("so so"), page("<p>it's $well</p>"))
    host.on("curl", "*https://a.org/", *pages)
    ran = host.run("deploy/look_outside", "", "5", "0.01", "0", "nginx", "", "", *words, "https://a.org/")
    assert ran.out.splitlines() == looks


PAGE = """<!doctype html><!-- <script src="/commented.js"></script> -->
<link rel=preconnect href="/nothing.css"><link rel="canonical" href="/">
<LINK REL='stylesheet' HREF='/s.css?a=1&amp;b=2'>
<link rel="preload" as="fetch" href="/api/me">
<link href="chunks/[slug].css" data-src="/no.css" rel="alternate stylesheet"/>
<script>var late = "<script src='/in-a-script.js'>"</script>
<script
  src = "https://a.org/full.js#here" async></script><script src=//a.org/bare.js></script><script src="/s.js"></script>
<script src="http://a.org/plain.js"></script><script src="//evil.org/x.js"></script>
<script src="https://a.org.evil/x.js"></script><script src="https://a.org@evil.org/x.js"></script>
<script src="data:text/javascript,1"></script><script src="/a b.js"></script><script src="/$(reboot).js'"></script>
<script src="/s.js"></script>"""


def test_a_rehearsal_asks_for_the_static_files_that_the_page_names_in_one_request_after_it(host: FakeHost) -> None:
    host.on("curl", "*https://a.org/shop/?x=/y", page(PAGE))
    host.on("curl", "*-g -m 4 *", "200\n404\n200\n500\n404\n")
    ran = host.run("deploy/look_outside", "/h", "5", "0.01", "0", "nginx", "", "", "https://a.org/shop/?x=/y")
    assert ran.out.splitlines() == ["look 200 0 -green", "missing /shop/chunks/[slug].css", "missing /s.js", "ok"]
    asked = ran.calls[-1]
    assert re.findall(r"https://\S+", asked) == [
        "https://a.org/s.css?a=1&b=2", "https://a.org/shop/chunks/[slug].css", "https://a.org/full.js",
        "https://a.org/bare.js", "https://a.org/s.js",
    ]  # fmt: skip
    assert "-H @/h" in asked
    assert len([call for call in ran.calls if call.startswith("curl")]) == 2


ICONS = """<!doctype html><link rel="shortcut icon" href="/favicon.ico"><LINK REL=manifest href='app.webmanifest'>
<link rel="apple-touch-icon" sizes="180x180" href="https://a.org/touch.png"><link rel="icon" href="/favicon.ico">
<link rel="icon" href="https://cdn.org/other.png"><link rel="icon" href="data:image/svg+xml,1">
<link rel="preload" as="image" href="/touch.png"><link rel="iconic" href="/no.png"><script src="/s.js"></script>"""


def test_icons_and_the_manifest_are_asked_for_after_what_the_page_cannot_do_without(host: FakeHost) -> None:
    host.on("curl", "*https://a.org/shop/", page(ICONS))
    host.on("curl", "*-g -m 4 *", "200\n200\n404\n404\n")
    ran = host.run("deploy/look_outside", "/h", "5", "0.01", "0", "nginx", "", "", "https://a.org/shop/")
    assert ran.out.splitlines()[1:] == ["unfound /favicon.ico", "unfound /shop/app.webmanifest", "ok"]
    assert re.findall(r"https://\S+", ran.calls[-1]) == [
        "https://a.org/touch.png", "https://a.org/s.js", "https://a.org/favicon.ico",
        "https://a.org/shop/app.webmanifest",
    ]  # fmt: skip


@pytest.mark.parametrize("more", [(), ("mine=10.0.0.9",)], ids=["a rehearsal", "after the switch"])
def test_of_several_containers_the_one_is_asked_that_is_meant(host: FakeHost, more: tuple[str, ...]) -> None:
    header = str(host.file("header", "X-Behindy-Rehearsal: 0123\n"))
    answer = "HTTP/1.1 200 OK\r\nx-behindy-candidate: -green\r\nx-behindy-answered-by: 10.0.0.9:80\r\n\r\ncode 200\n"
    host.on("curl", "*https://a.org/", answer)
    words = (header, "5", "0.01", "0", "nginx", "", "", *more, "replica=3", "https://a.org/")
    ran = host.run("deploy/look_outside", *words)
    assert ran.out.splitlines()[-1] == "ok"
    asked = [call for call in ran.calls if "https://a.org/" in call]
    assert asked
    assert all("-H X-Behindy-Replica: 3" in call and "-H @" in call for call in asked)


def test_no_more_than_ten_files_are_asked_for(host: FakeHost) -> None:
    host.on(
        "curl",
        "*https://a.org/",
        page("<link rel=icon href=/i>" + "".join(f"<script src=/{n}.js></script>" for n in range(40))),
    )
    host.on("curl", "*-g -m 4 *", Answer("404\n" * 3, code=28))
    ran = host.run("deploy/look_outside", "/h", "5", "0.01", "0", "nginx", "", "", "https://a.org/")
    assert [line for line in ran.out.splitlines() if line.startswith("missing")] == [
        f"missing /{n}.js" for n in range(3)
    ]
    assert ran.calls[-1].count("https://") == 10


@pytest.mark.parametrize(
    ("header", "answered"),
    [("/h", page("no files here")), ("/h", page(PAGE, kind="text/plain")), ("", page(PAGE))],
    ids=["a page without any", "no page", "no rehearsal"],
)
def test_where_there_are_no_files_to_ask_for_nothing_more_is_asked(
    host: FakeHost, header: str, answered: Answer
) -> None:
    host.on("curl", "*https://a.org/", answered)
    ran = host.run("deploy/look_outside", header, "5", "0.01", "0", "nginx", "", "", "https://a.org/")
    assert ran.out.splitlines() == ["look 200 0 -green", "ok"]
    assert len([call for call in ran.calls if call.startswith("curl")]) == 1


def test_who_has_the_name_is_asked_when_nginx_has_to_know_it_and_not_before(host: FakeHost) -> None:
    settled = int(uptime() * 1000) + 800
    host.on("curl", "*https://a.org/", "code 200\n")
    host.on("curl", "*http://web:80/*", "200")
    host.on("docker", "container inspect *", "10.0.0.2 \n")
    host.on("docker", "exec -i nginx sh -c *", INSIDE)
    host.on("getent", "ahosts web", Answer(run='cut -d" " -f1 /proc/uptime >>"$root/asked"; echo 10.0.0.2 STREAM web'))
    arguments = ("", "5", "0.1", str(settled), "nginx", "web", "http://web:80/", "https://a.org/")
    assert "ok" in host.run("deploy/look_outside", *arguments).out.splitlines()
    assert [float(at) * 1000 >= settled for at in (host.root / "asked").read_text().split()] == [True]


@pytest.mark.parametrize("late", [False, True])
def test_what_was_seen_inside_beside_the_looks_counts_only_if_it_is_whole_and_new(
    host: FakeHost, *, late: bool
) -> None:
    """The engine may have been away then, and what is seen long before the public URL is well says nothing."""
    host.on("curl", "*https://a.org/", *([Answer("code 502\n", run="sleep 0.7")] if late else []), "code 200\n")
    host.on("docker", "container inspect *", "10.0.0.9 \n", "10.0.0.2 \n")
    host.on("docker", "exec -i nginx sh -c *", "inside 200 0\n" if late else Answer(code=1), "inside 204 0\n")
    ran = host.run("deploy/look_outside", "", "5", "0.01", "0", "nginx", "web", "http://web:80/", "https://a.org/")
    seen = sorted(line for line in ran.out.splitlines() if line[:3] in ("ins", "add"))
    assert seen == ["address 10.0.0.2 ", "inside 204 0"]


def test_a_good_answer_from_outside_has_to_stay_good_until_all_have_switched(host: FakeHost) -> None:
    host.on("curl", "*", "code 200\n", "code 502\n", "code 200\n")
    settled = int(uptime() * 1000) + 2000
    ran = host.run("deploy/look_outside", "", "5", "0.1", str(settled), "nginx", "", "", "https://a.org/")
    assert ran.out.splitlines()[:2] == ["look 200 0 none", "look 502 0 none"]
    assert (ran.out.splitlines()[-1], uptime() * 1000 >= settled) == ("ok", True)


def answers_by(host: FakeHost, *addresses: str, own: str = "10.0.0.2") -> tuple[Ran, float]:
    """What is seen of a release at 10.0.0.2 where nginx says that these answered, and after how many seconds."""
    host.file("home/rehearsal/header", "X-Behindy-Rehearsal: abc\n")
    told = [f"X-Behindy-Answered-By: {address}:80\r\ncode 200\n" if address else "code 200\n" for address in addresses]
    host.on("curl", "*https://a.org/", *told)
    host.on("curl", "*http://web:80/*", "200")
    host.on("docker", "container inspect *", f"{own} \n")
    host.on("docker", "exec -i nginx sh -c *", INSIDE)
    host.on("getent", "ahosts web", f"{own} STREAM web\n")
    begun = uptime()
    words = (str(host.home / "rehearsal/header"), "5", "0.01", str(int(begun * 1000) + 1500), "nginx", "web")
    ran = host.run("deploy/look_outside", *words, "http://web:80/", "mine=10.0.0.2 10.9.0.2", "https://a.org/")
    assert ran.out.splitlines()[-1] == "ok"
    return ran, uptime() - begun


def test_nginx_says_who_answered_and_that_it_was_the_new_release_settles_it(host: FakeHost) -> None:
    header = host.root / "sent"
    host.moved["status=$?\n"] = f'status=$?\ncp "$work/header" {header}\n'
    ran, seconds = answers_by(host, "10.0.0.1", "10.0.0.1, 10.0.0.2")
    assert seconds < 1.4
    assert len([line for line in ran.out.splitlines() if line.startswith("look")]) == 2
    assert header.read_text() == "X-Behindy-Rehearsal: live abc\n"
    assert not [call for call in ran.calls if "abc" in call], "the token is on a command line"


@pytest.mark.parametrize(
    ("addresses", "own"),
    [
        (("10.0.0.1",), "10.0.0.2"),
        (("",), "10.0.0.2"),
        (("10.0.0.2, 10.0.0.1",), "10.0.0.2"),
        (("10.0.0.20",), "10.0.0.2"),
        (("10.0.0.2",), "10.0.0.7"),
    ],
    ids=["another", "not told", "the new one refused", "a longer one", "an engine has given it to another"],
)
def test_where_it_was_another_the_time_decides(host: FakeHost, addresses: tuple[str, ...], own: str) -> None:
    _, seconds = answers_by(host, *addresses, own=own)
    assert seconds >= 1.4


def test_of_two_urls_the_first_may_have_met_the_previous_release_so_both_are_asked_again(host: FakeHost) -> None:
    host.file("home/rehearsal/header", "X-Behindy-Rehearsal: abc\n")
    host.on("curl", "*https://a.org/one", "X-Behindy-Answered-By: 10.9.9.9:80\r\ncode 200\n")
    host.on("curl", "*https://a.org/two", "X-Behindy-Answered-By: 10.0.0.2:80\r\ncode 200\n")
    words = (str(host.home / "rehearsal/header"), "5", "0.01", str(int(uptime() * 1000) + 3000), "nginx", "", "")
    ran = host.run("deploy/look_outside", *words, "mine=10.0.0.2", "https://a.org/one", "https://a.org/two")
    assert ran.out.splitlines() == ["look 200 0 none"] * 4 + ["ok"]


def test_without_a_token_the_time_decides(host: FakeHost) -> None:
    host.on("curl", "*https://a.org/", "X-Behindy-Answered-By: 10.0.0.2:80\r\ncode 200\n")
    settled = int(uptime() * 1000) + 700
    words = ("/no/header", "5", "0.01", str(settled), "nginx", "", "", "mine=10.0.0.2", "https://a.org/")
    assert host.run("deploy/look_outside", *words).out.splitlines()[-1] == "ok"
    assert uptime() * 1000 >= settled


def test_a_look_from_outside_ends_with_its_time(host: FakeHost) -> None:
    host.on("curl", "*", Answer("code 502\n", code=22))
    host.on("docker", "container inspect *", "n\n")
    ran = host.run("deploy/look_outside", "", "0", "0.01", "0", "nginx", "", "", "https://a.org/")
    assert set(ran.out.splitlines()) == {"look 502 22 none"}


def test_a_look_from_outside_waits_for_an_engine_that_is_away(host: FakeHost) -> None:
    host.moved |= {"sleep 0.2": "sleep 0.01", "-ge 3000": "-ge 10"}
    host.on("curl", "*", Answer("code 000\n", code=7), "code 200\n")
    host.on("docker", "container inspect *", RESTARTING, RESTARTING, "n\n")
    ran = host.run("deploy/look_outside", "", "0", "0.01", "0", "nginx", "", "", "https://a.org/")
    assert ran.out.splitlines() == ["look 000 7 none", "look 200 0 none", "ok"]
    host.moved["away=60000"] = "away=20"
    host.on("curl", "*", Answer("code 000\n", code=7))
    host.on("docker", "container inspect *", RESTARTING)
    ran = host.run("deploy/look_outside", "", "0", "0.01", "0", "nginx", "", "", "https://a.org/")
    assert ran.out.splitlines() == ["look 000 7 none", "unknown"]


NAMED = ("", "0", "0.01", "0", "nginx", "", "")
URL = "https://a.org/x"


def test_where_nobody_answers_at_the_public_name_nginx_is_asked_past_it(host: FakeHost) -> None:
    host.on("docker", "container inspect *", "n\n")
    host.on("getent", "ahosts a.org", "203.0.113.9 STREAM a.org\n203.0.113.9 DGRAM\n2001:db8::9 STREAM\n")
    host.on("curl", "*https://a.org/x", Answer("code 000\nmet \n", code=28))
    host.on("curl", "--noproxy * --connect-to ::127.0.0.1: *", "Server: nginx\r\ncode 200\nmet 127.0.0.1\n")
    ran = host.run("deploy/look_outside", *NAMED, URL)
    assert ran.out.splitlines()[-4:] == [
        "look 000 28 none", "met ", "leads 203.0.113.9 2001:db8::9", "near 200 0 none"
    ]  # fmt: skip
    host.on("curl", "*https://a.org/x", "Server: cdn\r\ncode 200\nmet 203.0.113.9\n")
    host.on("curl", "*--connect-to ::127.0.0.1: *", "X-Behindy-Candidate: -green\r\ncode 200\nmet 127.0.0.1\n")
    ran = host.run("deploy/look_outside", "/h", *NAMED[1:], URL)
    assert ran.out.splitlines()[1:] == [
        "met 203.0.113.9 cdn", "leads 203.0.113.9 2001:db8::9", "near 200 0 -green", "ok"
    ]  # fmt: skip


def test_a_name_with_an_address_of_its_own_is_asked_there_alone(host: FakeHost) -> None:
    host.on("docker", "container inspect *", "n\n")
    host.on("curl", "--noproxy * --connect-to ::[::1]: *", Answer("code 000\nmet \n", code=7))
    ran = host.run("deploy/look_outside", *NAMED, "at=[::1]", URL)
    assert set(ran.out.splitlines()) == {"look 000 7 none", "met "}


SWAP = ("b", "web-blue", "web", "g", "web", "")


def test_both_renames_go_in_one_call_and_the_hosts_clock_is_told(host: FakeHost) -> None:
    host.moved["-w /var/run/docker.sock"] = "-d /"
    host.on("docker", "update --restart always g")
    host.on("curl", "*")
    ran = host.run("deploy/swap", *SWAP[:5], "always")
    assert (ran.code, abs(int(ran.values["switched"]) / 1000 - uptime()) < 5) == (0, True)
    assert ran.calls[-1].endswith("/b/rename?name=web-blue http://docker/containers/g/rename?name=web")


LINKS = "behindy"
"""Where nginx looks, below its memory."""


def a_host_for_links(host: FakeHost) -> None:
    """A host whose nginx is this machine, and has its memory below the host's root; Docker cannot be asked by curl."""
    host.file("shm/x")
    host.moved |= {"/dev/shm": f"{host.root}/shm", "-w /var/run/docker.sock": "-f /nowhere"}
    host.on("docker", "rename *", "")
    host.on("docker", "exec -d -u 0 nginx sh -c *", INSIDE)
    host.on("getent", "ahosts *", "10.0.0.2 STREAM\n")


@pytest.mark.parametrize("before", ["", "ids/000000000000"])
def test_for_two_seconds_nginx_is_led_to_who_has_the_name_now(host: FakeHost, before: str) -> None:
    a_host_for_links(host)
    links = host.root / "shm" / LINKS
    if before:
        (links / before).mkdir(parents=True)
        (links / "web").symlink_to(before)
    host.on("sleep", "2", Answer(run='readlink "$root/shm/behindy/web" >"$root/seen"; [ -d "$root/shm/behindy/web" ]'))
    ran = host.run("deploy/swap", "b", "web-blue", "web", "0123456789abcdef", "web", "", "nginx", "web")
    assert (ran.code, [*ran.values]) == (0, ["switched"])
    assert (host.root / "seen").read_text() == "ids/0123456789ab\n"
    assert sorted(each.name for each in links.iterdir()) == ["ids"]
    assert not (links / "ids/0123456789ab").exists()


def test_a_link_that_another_switch_has_made_meanwhile_is_not_removed(host: FakeHost) -> None:
    a_host_for_links(host)
    host.on("sleep", "2", Answer(run='ln -sfn ids/other "$root/shm/behindy/web"'))
    host.run("deploy/swap", "b", "web-blue", "web", "0123456789abcdef", "web", "", "nginx", "web")
    assert (host.root / "shm/behindy/web").readlink() == Path("ids/other")


ONE, BOTH, NONE = "10.0.0.2 STREAM\n10.0.0.2 DGRAM\n", "10.0.0.2 STREAM\n10.0.0.9 STREAM\n", Answer(code=2)


@pytest.mark.parametrize(
    ("name", "own", "seconds"),
    [
        ((BOTH, BOTH, ONE), (ONE,), 2),
        ((BOTH,), (ONE, NONE), 3),
        ((BOTH, NONE, NONE, BOTH, ONE), (ONE,), 4),
        ((BOTH, BOTH, NONE, ONE), (ONE, ONE, NONE, NONE, ONE), 3),
    ],
    ids=["until one answers", "until it is gone itself", "past lookups that fail", "and of its own"],
)
def test_while_the_name_leads_to_the_previous_container_as_well_nginx_is_led_past_it(
    host: FakeHost, name: tuple[Answer | str, ...], own: tuple[Answer | str, ...], seconds: int
) -> None:
    """Compose has made that one, and given it the name as an alias."""
    a_host_for_links(host)
    host.on("sleep", "2")
    host.on("sleep", "1", Answer(run='readlink "$root/shm/behindy/web" >>"$root/seen"'))
    host.on("getent", "ahosts web", *name)
    host.on("getent", "ahosts 0123456789ab", *own)
    host.run("deploy/swap", "b", "web-blue", "web", "0123456789abcdef", "web", "", "nginx", "web")
    assert (host.root / "seen").read_text().splitlines() == ["ids/0123456789ab"] * seconds
    assert not os.path.lexists(host.root / "shm/behindy/web")


def test_nginx_is_led_to_no_container_whose_id_it_does_not_resolve(host: FakeHost) -> None:
    a_host_for_links(host)
    host.on("getent", "ahosts *", Answer(code=2))
    host.on("sleep", "2")
    ran = host.run("deploy/swap", "b", "web-blue", "web", "0123456789abcdef", "web", "", "nginx", "web")
    assert ([*ran.values], os.path.lexists(host.root / "shm/behindy/web")) == (["switched"], False)


def test_where_a_container_loses_its_name_to_none_nginx_is_not_led_to_it_any_more(host: FakeHost) -> None:
    a_host_for_links(host)
    (host.root / "shm/behindy").mkdir()
    (host.root / "shm/behindy/web").symlink_to("ids/0123456789ab")
    host.run("deploy/swap", "", "", "", "0123456789abcdef", "web-blue", "", "nginx", "web")
    assert not os.path.lexists(host.root / "shm/behindy/web")


def test_an_engine_that_curl_may_ask_has_nginx_led_by_two_requests_and_a_failure_is_none_of_the_switch(
    host: FakeHost,
) -> None:
    host.moved["-w /var/run/docker.sock"] = "-d /"
    host.on("curl", "*", "")
    host.on("curl", "*/containers/nginx/exec", json.dumps({"Id": "e" * 64}))
    ran = host.run("deploy/swap", *SWAP, "nginx", "web")
    assert (ran.code, [*ran.values]) == (0, ["switched"])
    made, begun = ran.calls[-2:]
    body = json.loads(made.partition(" -d ")[2].rpartition(" ")[0])
    assert (body["User"], body["Cmd"][:2], body["Cmd"][3:]) == ("0", ["sh", "-c"], ["link", "web", "g"])
    assert subprocess.run(["sh", "-n", "-c", body["Cmd"][2]], check=False).returncode == 0  # it is on one line there
    assert begun.endswith(f"http://docker/exec/{'e' * 64}/start")
    host.on("curl", "*/containers/nginx/exec", Answer(code=7))
    assert [*host.run("deploy/swap", *SWAP, "nginx", "web").values] == ["switched"]


@pytest.mark.parametrize(
    ("second", "first", "code", "said"),
    [
        ("/web\n", "/web-blue\n", 0, "switched"),
        ("/web-green\n", "/web\n", Code.SWITCH_UNDONE, "undone"),
        ("/web-green\n", "/web-blue\n", Code.SWITCH_UNDONE, "undone"),
        ("/web-green\n", GONE, Code.SWITCH_TORN, "stuck"),
        (RESTARTING, "/web\n", Code.SWITCH_TORN, "stuck"),
    ],
)
def test_only_the_engine_tells_how_far_a_failed_switch_came(
    host: FakeHost, second: Answer | str, first: Answer | str, code: int, said: str
) -> None:
    host.moved |= {"-w /var/run/docker.sock": "-f /nowhere", "away=60000": "away=20", "sleep 0.2": "sleep 0.01"}
    host.on("docker", "rename b web-blue", "")
    host.on("docker", "rename b web", "")
    host.on("docker", "rename g web", Answer(code=1))
    host.on("docker", "container inspect --format {{.Name}} g", second)
    host.on("docker", "container inspect --format {{.Name}} b", first)
    ran = host.run("deploy/swap", *SWAP)
    assert (ran.code, [*ran.values]) == (code, [said])
    assert ("docker rename b web" in ran.calls) == (second == "/web-green\n" and first == "/web-blue\n")


def test_a_policy_that_cannot_be_set_leaves_the_names(host: FakeHost) -> None:
    host.on("docker", "update *", Answer(code=1))
    host.on("curl", "* -d *", "500")
    assert host.run("deploy/swap", *SWAP[:5], "always").code == Code.SWITCH_UNDONE


def test_nginx_is_reloaded_with_the_file_it_was_started_with_and_told_where_the_name_leads(host: FakeHost) -> None:
    host.file("etc/hosts", "127.0.0.1 localhost\n10.0.0.1 web # behindy-ops\n")
    host.moved["/proc/1/cmdline"] = str(host.file("cmdline", "nginx\0-c\0/x.conf\0"))
    host.on("docker", "container inspect *", "10.0.0.2\n")
    host.on("docker", "exec -u 0 nginx sh -c *", INSIDE)
    host.on("nginx", "-c /x.conf -t -q", Answer(run='cp "$root/etc/hosts" "$root/seen"; exit 0'))
    host.on("nginx", "-c /x.conf -s reload", Answer(run=host.new_worker()))
    ran = host.run("deploy/follow", "nginx", "net", "web", "g")
    assert (ran.code, [*ran.values]) == (0, ["switched"])
    assert (host.root / "seen").read_text() == "127.0.0.1 localhost\n10.0.0.2 web # behindy-ops\n"
    assert (host.root / "etc/hosts").read_text() == "127.0.0.1 localhost\n"


def test_an_invalid_configuration_is_not_loaded(host: FakeHost) -> None:
    host.file("etc/hosts", "127.0.0.1 localhost\n")
    host.on("docker", "container inspect *", "10.0.0.2\n")
    host.on("docker", "exec *", INSIDE)
    host.on("nginx", "*-t -q", Answer(err="[emerg] unknown directive", code=1))
    host.new_worker()
    ran = host.run("deploy/follow", "nginx", "net", "web", "g")
    assert (ran.code, ran.err) == (Code.NGINX_INVALID, "[emerg] unknown directive")
    host.on("docker", "container inspect *", "\n")
    assert host.run("deploy/follow", "nginx", "net", "web", "g").code == Code.NOT_CONNECTED


def test_a_container_is_idle_once_nobody_is_connected_to_it(host: FakeHost) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    sleeper = subprocess.Popen(["sleep", "30"])
    try:
        host.on("docker", "container inspect *", f"{sleeper.pid}\n")
        port = str(listener.getsockname()[1])
        assert host.run("deploy/drain", "c", port, "0", "0", "2").values["cut"] == "1"
        server.close()
        client.close()
        earliest = int(uptime() * 1000) + 400
        ran = host.run("deploy/drain", "c", port, str(earliest), "5", "2")
        assert (ran.code, "idle" in ran.values, uptime() * 1000 >= earliest) == (0, True, True)
    finally:
        sleeper.kill()
        sleeper.wait()
        listener.close()


def test_a_container_that_is_gone_need_not_be_drained_but_an_engine_that_restarts_is_waited_for(host: FakeHost) -> None:
    host.moved["sleep 0.2"] = "sleep 0.01"
    host.on("docker", "container inspect *", RESTARTING, RESTARTING, GONE)
    ran = host.run("deploy/drain", "c", "80", "0", "5", "2")
    assert (ran.out, len(ran.calls)) == ("gone\n", 3)


def test_where_nothing_can_be_seen_it_gets_a_fixed_time(host: FakeHost) -> None:
    host.moved["10000"] = "10"
    host.on("docker", "container inspect *", "999999999\n")
    assert host.run("deploy/drain", "c", "80", "0", "5", "2").out == "blind\n"


def test_a_watch_ends_with_the_first_exit(host: FakeHost) -> None:
    host.on("docker", "wait c", "1\n")
    host.on("docker", "container inspect *", '{"id":"c"}\n', GONE)
    until = str(int(uptime() * 1000) + 5000)
    assert host.run("deploy/watch", "c", until, "", "5").values == {"state": '{"id":"c"}'}
    assert host.run("deploy/watch", "c", "0", "", "5").values == {"state": "none"}


@pytest.mark.parametrize(
    ("states", "steady", "most", "last", "least"),
    [
        (['true,"health":""'], "1", "60", 'true,"health":""', 1.0),
        (['true,"health":"starting"', 'true,"health":"healthy"'], "60", "60", 'true,"health":"healthy"', 0.3),
        (['true,"health":"starting"'], "60", "1", 'true,"health":"starting"', 1.0),
        (['true,"health":"unhealthy"'], "60", "60", 'true,"health":"unhealthy"', 0.0),
        (['false,"health":""'], "60", "60", 'false,"health":""', 0.0),
    ],
)
def test_a_container_that_nobody_asks_is_seen_to_run_or_its_own_health_check_is_waited_for(
    host: FakeHost, states: list[str], steady: str, most: str, last: str, least: float
) -> None:
    host.on("docker", "wait c", Answer(run="sleep 70"))
    host.on("docker", "container inspect *", *(f'{{"running":{text},"memory":0}}\n' for text in states))
    begun = time.monotonic()
    ran = host.run("deploy/look_running", "c", steady, most, "")
    assert ran.out == f'state {{"running":{last},"memory":0}}\n'
    assert least <= time.monotonic() - begun < 50


def test_that_such_a_container_ends_ends_the_look(host: FakeHost) -> None:
    host.on("docker", "wait c", "3\n")
    states = ('{"running":true,"health":"","memory":0}\n', '{"running":false,"health":"","memory":0}\n')
    host.on("docker", "container inspect *", *states)
    begun = time.monotonic()
    assert "false" in host.run("deploy/look_running", "c", "60", "60", "").out
    assert time.monotonic() - begun < 50


@pytest.mark.parametrize(("grace", "stopped"), [("30", ["docker stop -t 30 g"]), ("0", [])])
def test_a_worker_that_is_removed_may_end_what_it_has_begun(host: FakeHost, grace: str, stopped: list[str]) -> None:
    host.on("docker", "*", "")
    ran = host.run("deploy/discard", "g", "", "100", "", "no", grace)
    assert (ran.code, [call for call in ran.calls if "stop" in call]) == (0, stopped)


def test_a_watch_goes_on_when_the_engine_is_back(host: FakeHost) -> None:
    host.moved["sleep 0.2"] = "sleep 0.01"
    host.on("docker", "wait c", RESTARTING, "1\n")
    host.on("docker", "container inspect *", RESTARTING, RESTARTING, '{"id":"c"}\n')
    until = str(int(uptime() * 1000) + 5000)
    ran = host.run("deploy/watch", "c", until, "", "5")
    assert (ran.values, sum("wait" in call for call in ran.calls)) == ({"state": '{"id":"c"}'}, 2)


def test_of_an_engine_that_stays_away_nothing_is_known(host: FakeHost) -> None:
    host.moved |= {"away=60000": "away=20", "sleep 0.2": "sleep 0.01"}
    host.on("docker", "wait c", RESTARTING)
    host.on("docker", "container inspect *", RESTARTING)
    assert host.run("deploy/watch", "c", str(int(uptime() * 1000) + 5000), "", "5").values == {"state": "unknown"}


def test_a_moment_of_before_a_reboot_is_no_later_than_the_limit(host: FakeHost) -> None:
    host.on("docker", "wait c", Answer(run="exec sleep 8"))
    host.on("docker", "container inspect *", '{"id":"c"}\n')
    begun = time.monotonic()
    assert host.run("deploy/watch", "c", str(int(uptime() * 1000) + 10**9), "", "1").code == 0
    assert 0.9 < time.monotonic() - begun < 6


def test_what_is_gone_already_is_removed(host: FakeHost) -> None:
    host.on("docker", "stop -t 5 b", GONE)
    host.on("docker", "container inspect *", GONE)
    host.on("docker", "rm -f b", GONE, Answer(err="device or resource busy", code=1))
    assert host.run("deploy/stop_blue", "b", "5").code == 0
    ran = host.run("deploy/stop_blue", "b", "5")
    assert (ran.code, ran.err) == (1, "device or resource busy\n")


@pytest.mark.parametrize("fails", [False, True], ids=["", "not removed"])
def test_the_releases_of_a_container_too_many_go_with_it_and_only_with_it(host: FakeHost, *, fails: bool) -> None:
    kept = host.file("releases/web-3/r1/.env", "A=1\n").parents[1]
    other = host.file("releases/web-2/r1/.env", "A=1\n")
    for call in ("stop *", "container inspect *"):
        host.on("docker", call)
    host.on("docker", "rm *", Answer(err="device is busy\n", code=1) if fails else "")
    ran = host.run("deploy/stop_blue", "b", "5", f"{kept}/.")
    assert (ran.code != 0, kept.exists(), other.exists()) == (fails, fails, True)


@pytest.mark.parametrize("script", [("deploy/stop_blue", "b", "5"), ("deploy/discard", "b", "", "1", "", "no")])
def test_a_release_goes_with_its_anonymous_volumes_and_anothers_container_without(
    host: FakeHost, script: tuple[str, ...]
) -> None:
    for call in ("stop *", "logs *", "rm *", "container inspect *", "image inspect *"):
        host.on("docker", call)
    host.on("docker", "container inspect *behindy.release*}}-v{{end}} b", "-v\n", "\n")
    for removed in ("docker rm -f -v b", "docker rm -f b"):
        assert host.run(*script).calls[-1] == removed


@pytest.mark.parametrize(
    ("labels", "answer", "last"),
    [
        ('{"behindy.release":"r1"}', "204", "curl "),
        ('{"behindy.release":"r1"}', "404", "curl "),
        ('{"behindy.release":"r1"}', "409", "docker rm -f -v b"),
        (r'{"x":"\"behindy.release\":"}', "204", "docker rm -f -v b"),
        ('{"behindy.release":""}', "204", "docker rm -f -v b"),
    ],
)
def test_the_engine_itself_removes_a_release_and_no_other(host: FakeHost, labels: str, answer: str, last: str) -> None:
    for call in ("stop *", "rm *"):
        host.on("docker", call)
    host.on("docker", "container inspect *behindy.release*}}-v{{end}} b", "-v\n")
    host.on("curl", "*/containers/b/json", f'{{"Id":"b","Config":{{"Labels":{labels}}}}}')
    host.on("curl", "*-X DELETE http://docker/containers/b?force=1&v=1", answer)
    ran = host.run("deploy/stop_blue", "b", "5")
    assert (ran.code, ran.calls[-1].startswith(last)) == (0, True)


def test_a_failed_release_is_shown_marked_and_removed(host: FakeHost) -> None:
    release = host.file("release/status", "candidate").parent
    host.on("docker", "container inspect *", GONE)
    host.on("docker", "container inspect --format {{.Image}} g", "sha256:1\n")
    host.on("docker", "container inspect --format *behindy.release* g", "-v\n")
    host.on("docker", "container inspect --format *Config.Env* g", '"KEY=s3cret"\n')
    host.on("docker", "image inspect *", "")
    host.on("docker", "logs --tail 100 g", Answer("one s3cret\n", err="two\n"))
    host.on("docker", "rm -f -v g")
    ran = host.run("deploy/discard", "g", "", "100", str(release), "no")
    assert (ran.code, ran.out) == (0, "state none\nlog one <KEY>\nlog two\n")
    assert (release / "status").read_text() == "failed\n"


def test_images_in_use_stay_and_the_others_go(host: FakeHost) -> None:
    host.on("docker", "rmi a")
    host.on("docker", "rmi b", Answer(err="Error: No such image: b", code=1))
    host.on("docker", "rmi c", Answer(err="conflict: in use", code=1))
    host.on("curl", "*-X DELETE*", NO_API)
    ran = host.run("deploy/tidy", "a", "b", "c")
    assert (ran.code, ran.err, len(ran.calls)) == (1, "conflict: in use\n", 4)


def test_the_engine_itself_is_asked_to_remove_images_all_by_one_curl(host: FakeHost) -> None:
    place = "http://docker/images"
    codes = {"a:1": 200, "me/b@sha256:0": 404, "sha256:c": 409}
    said = "".join(f'{{"message":"x"}}\n{code} {place}/{image}\n' for image, code in codes.items())
    host.on("curl", "*-g -X DELETE*", Answer(run=f"cat >$root/asked; printf %s {shlex.quote(said)}; exit 0"))
    host.on("docker", "rmi sha256:c", Answer(err="conflict: in use", code=1))
    ran = host.run("deploy/tidy", "a:1", "me/b@sha256:0", "sha256:c")
    assert (ran.code, ran.err, len(ran.calls)) == (1, "conflict: in use\n", 2)
    assert (host.root / "asked").read_text().splitlines()[1] == 'url = "http://docker/images/me/b@sha256:0"'


def test_the_errors_in_a_log_are_counted_as_the_engine_itself_gives_it(host: FakeHost) -> None:
    host.file("releases/now/status", "candidate")
    host.on("docker", "container inspect *", '{"id":"c"}\n')
    host.on("curl", "*/stats?*", STATS)
    framed = r"\002\000\000\000\000\000\000\011an ERROR\n\001\000\000\000\000\000\000\010mirrors\n"
    host.on("curl", "*/containers/c/logs?stdout=1&stderr=1&tail=5000", Answer(run=f"printf '{framed}'; exit 0"))
    release, history = str(host.root / "releases/now"), str(host.root / "history")
    ran = host.run("deploy/verify", "c", "", release, history, "40", "", "", "now", stdin="line\n")
    assert (ran.code, ran.values["errors"]) == (0, "1")
    assert not [call for call in ran.calls if call.startswith("docker logs")]


def test_a_release_that_stands_is_recorded_and_old_ones_are_forgotten(host: FakeHost) -> None:
    statuses = {f"2026{number:02}": "stands" for number in range(10)} | {
        "20260a": "failed",
        "20260b": "fai",
        "20260c": "failed",
    }
    for name, status in (statuses | {"20260d": "failed", "now": "candidate"}).items():
        host.file(f"releases/{name}/status", status)
    host.file("releases/0theirs/keep", "not a release, so it is none of the oldest")
    url = "https://github.com/a/b/actions/runs/7"
    history = host.file("history", f'{{"release": "before", "who": "{url}"}}\n' + "x" * 50)
    host.on("docker", "container inspect *", '{"id":"c"}\n')
    host.on("curl", "*/stats?*", STATS)
    host.on("docker", "logs *", "an ERROR\nmirrors\nfatal: x\n")
    release, judged = host.root / "releases/now", host.root / "releases/202609"
    ran = host.run(
        "deploy/verify", "c", "", str(release), str(history), "40", str(judged), "before", "202600", stdin="line\n"
    )
    assert ran.code == 0
    assert (ran.values["errors"], ran.values["run"], ran.values["state"]) == ("2", url, '{"id":"c"}')
    reading = parse_reading(ran.values["stats"])
    assert reading is not None
    assert (reading.memory, ran.values["available"].isdigit()) == (5, True)
    assert (history.read_text(), (release / "status").read_text()) == ("line\n", "stands\n")
    assert (judged / "status").read_text() == "rolled-back\n"
    assert sorted(path.name for path in (host.root / "releases").iterdir()) == [
        "0theirs", "202600", *(f"2026{number:02}" for number in range(4, 10)), "20260b", "20260c", "20260d", "now"
    ]  # fmt: skip


def test_a_line_of_the_history_is_appended_and_the_file_rotated(host: FakeHost) -> None:
    history = host.file("history", "old\n")
    assert host.run("deploy/record", str(history), "100", stdin="new\n").code == 0
    assert host.run("deploy/record", str(history), "1", stdin="newest\n").code == 0
    assert (history.read_text(), (host.root / "history.1").read_text()) == ("newest\n", "old\nnew\n")


@pytest.mark.parametrize(("before", "after"), [("torn", "torn\nline\n"), ("", "line\n"), ("whole\n", "whole\nline\n")])
def test_a_line_after_a_torn_one_is_not_swallowed(host: FakeHost, before: str, after: str) -> None:
    history = host.file("history", before)
    assert host.run("deploy/record", str(history), "100", stdin="line\n").code == 0
    assert history.read_text() == after


def test_the_files_of_a_release_come_together_or_not_at_all(host: FakeHost) -> None:
    host.file("home/.env", "A=1\n")  # and no compose file: the copy fails half way
    host.file("home/state/x")
    ran = host.run("deploy/start_green", str(host.home), "web", "r1", "net", "", "", "shop", "nginx", stdin="b\nr\no\n")
    assert (ran.code, (host.home / "state/releases/web/r1").exists()) == (1, False)


@pytest.mark.parametrize("script", ["verify", "discard"])
def test_a_status_is_written_whole_or_stays_as_it_was(host: FakeHost, script: str) -> None:
    status = host.file("releases/r1/status", "candidate\n")
    for call in ("container *", "logs *", "image *", "rm *"):
        host.on("docker", call)
    host.on("curl", "*/stats?*", STATS)
    host.on("sync", "*status.new", Answer(err="No space left on device", code=1))
    release = str(status.parent)
    verify = ("c", "", release, str(host.root / "history"), "40", "", "")
    ran = host.run(
        f"deploy/{script}", *(verify if script == "verify" else ("c", "", "1", release, "no")), stdin="line\n"
    )
    assert (status.read_text(), "No space left" in ran.err) == ("candidate\n", True)
    assert script == "discard" or (ran.code, (host.root / "history").read_text()) == (1, "line\n")


def once(host: FakeHost, *words: str, release: str = "r1", what: str = "before", limit: str = "5") -> Ran:
    stdin = "begun\nrelease\nservices: {}\n"
    given = (str(host.home), "web", release, "net", "", "shop", "nginx", what, limit, "2")
    return host.run("deploy/once", *given, *words, stdin=stdin)


def test_a_command_runs_once_with_what_the_candidate_will_have(starting: FakeHost) -> None:
    host = starting
    host.on("docker", "container inspect --format {{.Id}} web-before", "c0ffee\n")
    host.on("docker", "wait c0ffee", "0\n")
    host.on("docker", "compose *run *", Answer(run='cat >"$root/laid-over"; exit 0'))
    ran = once(host, "manage", "migrate --all", "$HOME")
    assert (ran.code, ran.values) == (0, {"started": "c0ffee"})
    keep = host.home / "state/releases/web/r1"
    (run,) = [call for call in ran.calls if " run " in call]
    assert run.endswith(
        "run --detach --no-deps --no-TTY --name web-before --label behindy.once=before web manage migrate --all $HOME"
    )
    assert [word for word in run.split() if word.endswith(".yml")] == [
        str(keep / name) for name in ("docker-compose.yml", "override.yml", "names.yml")
    ]
    (laid_over,) = json.loads((host.root / "laid-over").read_text())["services"].values()
    assert laid_over == {"pull_policy": "never", "healthcheck": {"disable": True}}
    ran = start(host)  # its files are kept already, and not made twice
    assert ran.code == 0
    assert not [call for call in ran.calls if "config --format json" in call]
    assert (host.home / "state/history.jsonl").read_text() == "torn\nbegun\n"


def test_one_that_compose_cannot_start_is_a_failure(starting: FakeHost) -> None:
    starting.on("docker", "compose *run *", Answer(err="no such service: web", code=1))
    ran = once(starting, "migrate")
    assert (ran.code, ran.err) == (1, "no such service: web\n")


def test_the_host_itself_stops_it_when_its_time_is_up_whoever_has_gone(starting: FakeHost) -> None:
    starting.on("docker", "container inspect --format {{.Id}} web-before", "c0ffee\n")
    starting.on("docker", "wait c0ffee", Answer(run="exec sleep 9"))
    starting.on("docker", "stop -t 2 c0ffee", Answer(run='touch "$root/stopped"; exit 0'))
    assert once(starting, "migrate", limit="1").code == 0
    deadline = uptime() + 8
    while not (starting.root / "stopped").exists():
        assert uptime() < deadline
        time.sleep(0.05)


ENVIRONMENT = '"PASSWORD=correct horse"\n'


def attended(host: FakeHost, *, running: str = "false", code: str = "0", always: str = "") -> Ran:
    host.on("docker", "logs --follow c", "it is correct horse\n")
    host.on("docker", "wait c", code)
    host.on("docker", "container inspect --format {{.Image}} c", "i\n")
    host.on("docker", "container inspect --format {{range .Config.Env}}*", ENVIRONMENT)
    host.on("docker", "container inspect --format {{json .}} c", '{"id":"c"}\n')
    host.on("docker", "container inspect --format {{.State.Running}} {{.State.ExitCode}} c", f"{running} {code}\n")
    host.on("docker", "container inspect --format {{if index*", "-v")
    host.on("docker", "image inspect *", "\n")
    host.on("docker", "rm -f *")
    return host.run("deploy/attend", "c", "{{json .}}", always)


@pytest.mark.parametrize(
    ("code", "always", "removed"), [("0", "", True), ("3", "", False), ("3", "always", True), ("0", "always", True)]
)
def test_what_it_wrote_is_masked_and_it_is_removed_when_nobody_needs_its_log(
    host: FakeHost, code: str, always: str, *, removed: bool
) -> None:
    ran = attended(host, code=code, always=always)
    assert ran.out == 'log it is <PASSWORD>\nstate {"id":"c"}\n'
    assert any(call.startswith("docker rm -f") for call in ran.calls) is removed


def test_one_that_goes_on_while_the_engine_is_started_again_is_waited_for(host: FakeHost) -> None:
    host.on("docker", "container inspect --format {{.State.Running}} c", "true\n")
    attended_ = attended(host)
    assert attended_.code == 0
    host.on("docker", "wait c", RESTARTING, "0\n")
    host.on("docker", "container inspect --format {{.State.Running}} c", "true\n")
    ran = host.run("deploy/attend", "c", "{{json .}}", "")
    assert [call for call in ran.calls if call == "docker wait c"] == ["docker wait c"] * 2


def test_the_layers_of_images_that_begin_as_one_does_are_told_once_each(host: FakeHost) -> None:
    host.on("curl", "*http://docker/images/json", NO_API)
    host.on("docker", "images -q --no-trunc", "sha256:1\nsha256:2\nsha256:2\nsha256:3\n")
    host.on(
        "docker",
        "image inspect *sha256:1 sha256:2 sha256:3",
        Answer("d1 d2 | a:b \nd1 d2 | a:b \nd9 d1 | \n", "gone", code=1),
    )
    ran = host.run("deploy/layers", "d1")
    assert (ran.code, ran.out) == (0, "layers d1 d2 | a:b \n")


def test_an_engine_without_images_has_no_layers_and_one_that_is_away_tells_nothing(host: FakeHost) -> None:
    host.on("curl", "*http://docker/images/json", NO_API)
    host.on("docker", "images *", "")
    assert (host.run("deploy/layers", "d1").code, host.run("deploy/layers", "d1").out) == (0, "")
    host.on("docker", "images *", Answer(code=1))
    assert host.run("deploy/layers", "d1").code == Code.NO_DOCKER


def test_an_image_is_loaded_from_stdin_and_described_by_its_own_name(host: FakeHost) -> None:
    host.file("state/lock.json", "mine")
    host.on("docker", "load", Answer(run='cat >"$root/loaded"; echo "Loaded image: me/x:v1"; exit 0'))
    host.on("docker", "image inspect --format * me/x:local-1", '{"id":1}\n')
    ran = host.run("deploy/load", "state", "me/x:local-1", "{{json .}}", stdin="archive")
    assert (ran.code, ran.values) == (0, {"image": '{"id":1}'})
    assert (host.root / "loaded").read_text() == "archive"
    assert "--format {{json .}}" in ran.calls[1]


def test_an_image_that_docker_does_not_take_is_not_looked_for(host: FakeHost) -> None:
    host.file("state/lock.json", "mine")
    host.on("docker", "load", Answer(err="unexpected EOF", code=1))
    ran = host.run("deploy/load", "state", "me/x:local-1", "", stdin="arch")
    assert (ran.code, ran.err, len(ran.calls)) == (1, "unexpected EOF", 1)


def test_a_load_ends_with_the_lease_it_began_under(host: FakeHost) -> None:
    host.file("state/lock.json", "mine")
    host.on("docker", "load", Answer(run='echo theirs >"$root/state/lock.json"; exec sleep 30'))
    ran = host.run("deploy/load", "state", "me/x:local-1", "", stdin="arch")
    assert (ran.code, len(ran.calls)) == (1, 1)


def closing(host: FakeHost, *answers: str, wanted: str = "on") -> Ran:
    host.on("docker", "container inspect *", "true\n")
    host.on("docker", "exec nginx curl *http://127.0.0.1/.behindy/maintenance/web", *answers)
    words = (str(host.home), "web", wanted, "nginx", str(host.home / "history"), "100")
    return host.run("deploy/maintenance", *words, stdin='{"history": 1}\n{"who": "me"}\n<p>closed\n\n<p>')


def test_a_service_is_closed_by_its_page_and_opened_without_it(host: FakeHost) -> None:
    assert closing(host, "off", "on").code == 0
    place = host.home / "assets/.maintenance"
    assert (place / "web.html").read_text() == "<p>closed\n\n<p>"
    assert (place / "web.json").read_text() == '{"who": "me"}\n'
    assert [path.stat().st_mode & 0o777 for path in (place, place / "web.html")] == [0o755, 0o644]
    assert closing(host, "off", wanted="off").code == 0
    assert list(place.iterdir()) == []
    assert (host.home / "history").read_text() == '{"history": 1}\n' * 2


@pytest.mark.parametrize("answers", [("<html>301",), ("",), ("off", "off")], ids=["older", "silent", "not mounted"])
def test_an_nginx_that_does_not_close_it_leaves_nothing_behind(host: FakeHost, answers: tuple[str, ...]) -> None:
    assert closing(host, *answers).code == Code.NGINX_TOO_OLD
    assert not list(host.home.glob("assets/.maintenance/*"))
    assert not (host.home / "history").exists()


def test_without_an_nginx_it_can_be_opened_and_not_closed(host: FakeHost) -> None:
    words = (str(host.home), "web", "off", "nginx", str(host.home / "history"), "100")
    page = host.file("home/assets/.maintenance/web.html")
    assert host.run("deploy/maintenance", *words, stdin="{}\n").code == 0
    assert not page.exists()
    host.on("docker", "container inspect *", Answer(code=1))
    words = (*words[:2], "on", *words[3:])
    assert host.run("deploy/maintenance", *words, stdin="{}\n{}\n<p>").code == Code.NO_NGINX


CLOSED = "X-Behindy-Maintenance: on\r\ncode 503\n"


def asked_closed(host: FakeHost, *words: str) -> Ran:
    return host.run("deploy/look_outside", *words[:1], "0", "0.01", "0", "nginx", "", "", *words[1:], "https://a.org/")


def test_a_closed_service_is_asked_past_that_by_the_token(host: FakeHost) -> None:
    header = str(host.file("home/rehearsal/header", "X-Behindy-Rehearsal: abc\n"))
    host.on("curl", "*https://a.org/", CLOSED)
    host.on("curl", "*-H @*https://a.org/", "code 200\n")
    ran = asked_closed(host, "", f"token={header}")
    assert ran.out.splitlines() == ["look 200 0 none", "ok"]
    assert not [call for call in ran.calls if "abc" in call], "the token is on a command line"


def test_where_the_token_leads_nowhere_being_closed_is_an_answer_except_to_a_rehearsal(host: FakeHost) -> None:
    header = str(host.file("home/rehearsal/header", "X-Behindy-Rehearsal: abc\n"))
    host.on("curl", "*https://a.org/", CLOSED)
    host.on("docker", "container inspect *", "n\n")
    host.on("getent", "ahosts a.org", "127.0.0.1 STREAM\n")
    assert asked_closed(host, "", "token=/no/file").out.splitlines() == ["look 503 0 none", "closed", "ok"]
    assert "ok" not in asked_closed(host, header).out.splitlines()
    host.on("curl", "*https://a.org/", "code 503\n")
    assert "ok" not in asked_closed(host, "", f"token={header}").out.splitlines()


@pytest.mark.parametrize(
    ("name", "words", "call"),
    [
        ("deploy/start", ("c",), "docker start c"),
        ("deploy/stop", ("7", "c"), "docker stop -t 7 c"),
        ("deploy/restart", ("3", "c"), "docker restart -t 3 c"),
    ],
)
def test_a_container_is_started_stopped_and_both(host: FakeHost, name: str, words: tuple[str, ...], call: str) -> None:
    host.on("docker", call.removeprefix("docker "))
    done = host.run(name, *words)
    assert (done.code, done.calls) == (0, [call])


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Error response from daemon: No such container: c", 0),
        ("Error response from daemon: service c not found", 0),
        ('cannot stop container: exec: "containerd-shim": executable file not found in $PATH', 1),
    ],
)
def test_only_what_is_gone_counts_as_stopped(host: FakeHost, said: str, code: int) -> None:
    host.on("docker", "stop -t 7 c", Answer(err=said, code=1))
    host.on("docker", "container inspect *")
    host.on("docker", "rm -f c")
    assert host.run("deploy/stop_blue", "c", "7").code == code


def test_a_node_tells_of_the_images_of_some_repositories_and_which_of_them_are_used(host: FakeHost) -> None:
    host.on("docker", "images -q --no-trunc reg/web", "sha256:1\nsha256:2\nsha256:1\n")
    host.on("docker", "images -q --no-trunc reg/api")
    host.on("docker", "image inspect --format t sha256:1 sha256:2", "one\ntwo\n")
    host.on("docker", "ps -aq --no-trunc", "c1\n")
    host.on("docker", "container inspect --format {{.Image}} c1", "sha256:1\n")
    host.on("docker", "info *", f"{host.root}\n")
    done = host.run("deploy/images", MARK, "t", "reg/web", "reg/api")
    assert done.reply.lines("images") == ["one", "two"]
    assert done.reply.lines("used") == ["sha256:1"]
    assert int(done.reply.values("room")["size"]) > 0
    host.on("docker", "images -q --no-trunc reg/api", Answer(err="no engine", code=1))
    assert "images" in host.run("deploy/images", MARK, "t", "reg/web", "reg/api").reply.problems
