"""The scripts of the views, run by bash on a host of fakes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

from behindy_ops.facts import timers, visitors
from behindy_ops.facts.readings import parse_readings
from behindy_ops.host.command import script
from behindy_ops.host.exit_codes import Code
from tests.leaks import forms, leaks
from tests.unit.host.scripts.fake_host import INSIDE, MARK, Answer

if TYPE_CHECKING:
    from tests.unit.host.scripts.fake_host import FakeHost

SURVEY = ("printf", "the survey\\n")
WEB = "web 80 /h /p"
STATS = '{"memory_stats":{"usage":9}}\nhttp://docker/containers/c1/stats?x=1\n'


def unwell(host: FakeHost) -> None:
    """An engine and logs of which nothing but refusals come."""
    for program in ("docker", "curl", "journalctl", "dmesg", "getent"):
        host.on(program, "*", Answer(err=f"{program} says no", code=1))
    host.on("getent", "ahosts a.org", Answer(code=2))
    host.on("ip", "-4 route get *", "192.0.2.1 via 10.0.0.1 dev eth0 src 10.0.0.7 uid 0\n")


@pytest.mark.parametrize(
    ("name", "arguments", "sections"),
    [
        ("certs", ("nginx", "a.org"), {"address", "served", "trust", "files", "now"}),
        ("disk", ("home", *SURVEY), {"filesystems", "docker_", "made", "networks_", "assets_", "others", "survey"}),
         ("doctor", ("nginx", "a.org", WEB, "", "home", "certs", *SURVEY), {"errors", "inside", "outside", "past",
         "rules", "events", "timers", "visitors",
         "kernel", "survey", "address", "served", "trust", "files", "now"}),
        ("env", ("home", "web", *SURVEY), {"live", "image", "compose", "changed", "survey"}),
        ("frames", ("1", "0"), {"moment", "meminfo", "containers", "others"}),
        ("mem", SURVEY, {"meminfo", "stats", "kills", "processes", "events", "kernel", "swarm_", "nodes_", "survey"}),
        ("network", ("net", *SURVEY), {"subnet", "survey"}),
        ("nginx", ("nginx", "a.org", WEB, "", *SURVEY), {"errors", "inside", "outside", "survey"}),
        ("ps", SURVEY, {"ports", "survey"}),
    ],
)  # fmt: skip
def test_a_view_comes_to_its_end_whatever_docker_says(
    host: FakeHost, name: str, arguments: tuple[str, ...], sections: set[str]
) -> None:
    unwell(host)
    reply = host.run(f"ops/{name}", MARK, *arguments).reply
    assert {section for section in reply.sections if not section.endswith(".err")} == sections | {"end"}
    if "survey" in sections:
        assert reply.lines("survey") == ["the survey"]
    assert not [*(host.root / "shm").iterdir()]


def test_the_doctor_asks_each_service_from_inside_and_from_outside(host: FakeHost) -> None:
    unwell(host)
    host.on("docker", "logs *", Answer("output\n", err="[notice] x\n[error] y\n"))
    host.on("docker", "exec nginx sh -c *", INSIDE)
    host.on("getent", "--no-addrconfig ahosts a.org", "198.51.100.7 STREAM a.org\n198.51.100.7 RAW\n::1 STREAM\n")
    host.on("docker", "container inspect *GlobalIPv6Address*", "ipv6 fd00::2\n")
    host.on("getent", "ahostsv4 web", "10.0.0.2 STREAM web\n10.0.0.2 RAW\n")
    host.on("getent", "ahostsv4 api", "10.0.0.3 STREAM api\n")
    host.on("curl", "*http://web:80/h", "200 0.01")
    host.moved["sleep 1"] = "true"
    host.on("curl", "*https://a.org/p", "502 0.02")
    host.on("curl", "*https://a.org/q", "502 0.02", "200 0.03")
    host.on("journalctl", "*-n 1", "a line\n")
    host.on("journalctl", "*constraint=*", "1.5 host kernel: oom-kill:constraint=x\n")
    words = ("nginx", "a.org", f"{WEB}\napi 80 /h /q", "", "home", "backup certs")
    reply = host.run("ops/doctor", MARK, *words, *SURVEY).reply
    assert reply.lines("errors") == ["[error] y"]
    assert visitors.parse(reply) == visitors.Visitors(("198.51.100.7",), ipv6=True)
    assert ["web", "10.0.0.2,", "0", "200", "0.01"] in reply.rows("inside")
    assert sorted(reply.rows("outside")) == [["api", "-", "0", "200", "0.03"], ["web", "-", "0", "502", "0.02"]]
    assert reply.lines("kernel") == ["readable", "1.5 host kernel: oom-kill:constraint=x"]


FROM = {"hosts": "0700000A", "gateways": "0100D60A", "a strangers": "09090909"}
RULES = (
    "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n-A DOCKER -p tcp -m tcp --dport 443 -j DNAT --to 10.0.0.4\n"
)


@pytest.mark.parametrize(
    ("seen_from", "nat", "told"),
    [
        (["hosts"], Answer(code=1), []),
        (["gateways", "hosts"], Answer(code=1), []),
        (["a strangers"], Answer(code=1), []),
        (["gateways"], Answer(code=1), ["passed"]),
        (["gateways"], "-P PREROUTING ACCEPT\n-N DOCKER\n", ["gone"]),
        (["gateways"], RULES, []),
    ],
    ids=["by the rules", "others by the proxy", "not ours", "rules not to be read", "flushed", "another's masquerade"],
)
def test_dockers_rules_are_missed_where_nginx_sees_its_gateway(
    host: FakeHost, seen_from: list[str], nat: Answer | str, told: list[str]
) -> None:
    unwell(host)
    host.moved |= {'exec 3<>"/dev/tcp/$1/443" || exit': "true", "/proc/$": f"{host.root}/proc/$", "sleep 1": "true"}
    host.on("docker", "container inspect *State.Pid*", "7 10.214.0.1 \n")
    for program in ("sudo", "iptables"):
        host.on(program, "*-t nat -S", nat)
    lines = [f"0: 0400D60A:01BB {FROM[who]}:D426 01" for who in seen_from]
    host.file("proc/7/net/tcp", "\n".join([*lines, "1: 0400D60A:01BB 0700000A:1111 06", ""]))
    host.file("proc/7/net/tcp6", "0: 00000000000000000000000000000000:0050 0000:0 0A\n")
    assert host.run("ops/doctor", MARK, "nginx", "a.org", WEB, "", "home", "", *SURVEY).reply.lines("rules") == told
    host.file("etc/docker/daemon.json", '{"iptables" : false}')
    assert host.run("ops/doctor", MARK, "nginx", "a.org", WEB, "", "home", "", *SURVEY).reply.lines("rules") == []


def test_of_a_container_names_are_told_and_no_values(host: FakeHost) -> None:
    host.file("home/compose/docker-compose.yml", "services: {}\n")
    host.file("home/.env", "A=new\nB=same\n")
    host.file("home/state/releases/web/r1/.env", "A=s3cret\nB=same\nC=gone\n")
    host.on("docker", "container inspect *Env*", "A set\n")
    host.on("docker", "container inspect *behindy.release*", "r1\n")
    host.on("docker", "container inspect --format {{.Image}} *", "sha256:1\n")
    host.on("docker", "image inspect *", "PATH set\n")
    ran = host.run("ops/env", MARK, str(host.home), "web-green", *SURVEY)
    assert (ran.reply.values("live"), ran.reply.values("image")) == ({"A": "set"}, {"PATH": "set"})
    assert ran.reply.lines("changed") == ["known", "A", "C"]
    assert "s3cret" not in ran.out


def test_the_engines_own_figures_come_with_the_container_they_are_of(host: FakeHost) -> None:
    host.on("docker", "ps --no-trunc --format *", "c1 web\n")
    host.on("curl", "*", STATS)
    ran = host.run("ops/frames", MARK, "2", "0.01")
    assert ran.out.count(f"{MARK} end\n") == 2
    assert parse_readings(ran.reply.lines("containers")).keys() == {"c1"}
    assert "c1/stats" in ran.calls[-1]


def test_what_is_followed_ends_with_its_client(host: FakeHost) -> None:
    host.on("docker", "*", Answer(code=1))
    host.run("ops/frames", MARK, "1", "0")  # writes the fakes
    argv = [*script("ops/frames", MARK, "0", "0.01")]
    environ = {"PATH": f"{host.root}/bin:/usr/bin:/bin", "TMPDIR": str(host.root)}
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as watching:
        assert watching.stdout is not None
        assert watching.stdin is not None
        assert watching.stdout.readline() == f"{MARK} moment\n".encode()
        watching.stdin.close()
        watching.stdout.read()
        assert watching.wait(5) is not None


def test_processes_outside_of_containers_are_summed_up_by_name(host: FakeHost) -> None:
    unwell(host)
    rows = host.run("ops/mem", MARK, *SURVEY).reply.rows("processes")
    assert rows
    assert all(int(kb) >= 0 and int(count) > 0 for kb, count, *_ in rows)


def with_environment(host: FakeHost, container: str, *assigned: str) -> None:
    """What docker says of a container's environment, and of its image's."""
    host.on("docker", f"container inspect --format {{{{.Id}}}} {container}", "c1\n")
    host.on("docker", f"container inspect --format {{{{.Image}}}} {container}", "sha256:1\n")
    lines = "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in ("PATH=/usr/bin", *assigned))
    whole = "{{range .Config.Env}}{{json .}}{{println}}{{end}}{{with .Config.Labels}}files *}}{{end}}"
    host.on("docker", f"container inspect --format {whole} {container}", lines)
    host.on("docker", "image inspect --format *Config.Env* sha256:1", '"PATH=/usr/bin"\n')


VALUES = {
    "PASSWORD": 'p@ss w"ord\\x$y',
    "LINES": "line one\nline two\tq",
    "KOREAN": "비밀번호 값이다😀",
    "LINK": "postgres://u:pä/ss@db:5432/x?y=1&z='",
    "SETTINGS": '{"a": "bcdef", "k": [1,2]}',
    "FAMILY": "👩\u200d👧 'é' \x1b[1m \u00a0\"x\"",
    "LONGEST": "a value and more",
    "SHORTER": "a value",
}


def test_a_value_is_replaced_in_whatever_form_it_is_printed(host: FakeHost) -> None:
    with_environment(
        host, "web", *(f"{name}={value}" for name, value in VALUES.items()), "A=1", "B=abc", "P=3000", "T=true"
    )
    lines = [form for name, value in VALUES.items() for form in forms(name, value)]
    host.on("docker", "logs *", "\n".join([*lines, "port 3000 true abc /usr/bin"]) + "\n")
    out = host.run("ops/logs", MARK, "web", "all", "", "", "").out
    assert leaks(out, VALUES) == []
    assert leaks("\n".join(lines), VALUES) == list(VALUES)
    # In base64 the longest shows the shorter, by whose name it may go.
    assert all(out.count(f"<{name}>") >= 15 for name in VALUES if name != "LONGEST")
    assert out.endswith("port 3000 true abc /usr/bin\n")


def test_a_value_that_is_given_as_a_file_is_replaced_too(host: FakeHost) -> None:
    with_environment(host, "web", "KEY=s3cret", "DB_PASS_FILE=/run/secrets/DB_PASS")
    lines = f'"KEY=s3cret"\nfiles web/r1 {host.home}/compose \n'
    host.on("docker", "container inspect --format *Config.Env* web", lines)
    declared = {"secrets": {"DB_PASS": {"environment": "DB_PASS"}, "cert": {"file": f"{host.home}/cert"}}}
    host.file("home/state/releases/web/r1/docker-compose.yml", json.dumps({"name": "x", **declared}, indent=2))
    host.file("home/state/releases/web/r1/.env", 'DB_PASS="an \\"odd\\" one"\nOTHER=a word\n')
    host.file("home/cert", "first line\nsecond line\n")
    host.on("docker", "logs *", 'an "odd" one, s3cret, second line, a word\n')
    ran = host.run("ops/logs", MARK, "web", "all", "", "", "")
    assert ran.out == "<DB_PASS>, <KEY>, <cert>, a word\n"


SPLIT = "A2b" * 40 + "비밀" + "C4d" * 9


@pytest.mark.parametrize("before", [0, 1, 2, 30, 55, 56, 57, 70])
@pytest.mark.parametrize("columns", [64, 76])
def test_base64_in_lines_is_replaced_wherever_a_line_ends(host: FakeHost, before: int, columns: int) -> None:
    with_environment(host, "web", f"LONG={SPLIT}", "BRIEF=s3cret-w0rd")
    for value in (SPLIT, "s3cret-w0rd"):
        text = base64.b64encode(b"=" * before + value.encode()).decode()
        lines = textwrap.wrap(text, columns)
        host.on("docker", "logs *", "\n".join([*lines, "and so on"]) + "\n")
        shown = host.run("ops/logs", MARK, "web", "all", "", "", "").out.splitlines()
        kept = "".join(line for line in shown if "<" not in line).removesuffix("and so on")
        # What is left is what came before it, and at most two letters that are half of them its own.
        assert text.startswith(kept), shown
        assert len(kept) <= (before + 2) * 4 // 3 + 3, shown
        assert shown[-1] == "and so on"


@pytest.mark.parametrize("asked", ["{{.Image}}", "*Config.Env*"])
def test_a_log_is_withheld_where_the_values_in_it_are_not_known(host: FakeHost, asked: str) -> None:
    with_environment(host, "web", "KEY=s3cret")
    host.on("docker", f"container inspect --format {asked} web", Answer(err="no such container", code=1))
    host.on("docker", "logs *", "one s3cret\ntwo x\n")
    ran = host.run("ops/logs", MARK, "web", "all", "", "", "")
    assert ran.out == "(not shown: the values that it may hold could not be looked up)\n"


def test_a_log_is_read_and_searched(host: FakeHost) -> None:
    with_environment(host, "web", "KEY=s3cret")
    host.on("docker", "logs *", Answer("one s3cret\ntwo x\n", err="three x\n"))
    ran = host.run("ops/logs", MARK, "web", "5", "1h", "", "yes")
    assert "docker logs --timestamps --since 1h --tail 5 web" in ran.calls
    assert ran.out == "one <KEY>\ntwo x\nthree x\n"
    assert host.run("ops/logs", MARK, "web", "1", "", "x", "").out == "three x\n"
    assert host.run("ops/logs", MARK, "web", "all", "", "x", "").out == "two x\nthree x\n"


def test_a_log_is_followed_into_the_container_that_takes_the_name(host: FakeHost) -> None:
    host.moved["sleep 0.5"] = "sleep 0.01"
    host.on("docker", "container inspect --format {{.Id}} web", "c1\n")
    host.on("docker", "container inspect *Running*", "\n", "c2\n", "\n")
    with_environment(host, "c1", "KEY=s3cret")
    with_environment(host, "c2", "KEY=another")
    host.on("docker", "logs --follow *c1", "old s3cret\n")
    host.on("docker", "logs --follow *c2", "new another\n")
    host.moved["{1..60}"] = "{1..3}"
    # Its standard input has to stay open, as a client's does.
    host.moved["cat <&3"] = "sleep 9"
    ran = host.run("ops/follow", MARK, "web", "5", "1h", "", "")
    assert (ran.code, ran.out) == (0, "old <KEY>\nnew <KEY>\n")
    assert "replaced" in ran.err
    assert "does not run any more" in ran.err
    assert "docker logs --follow --since 1h --tail 5 c1" in ran.calls


@pytest.mark.parametrize("name", ["exec", "logs", "follow", "run"])
def test_a_container_that_is_not_there_is_an_answer_of_its_own(host: FakeHost, name: str) -> None:
    host.on("docker", "container inspect *", Answer(err="No such\ncontainer", code=1))
    ran = host.run(f"ops/{name}", MARK, "web", "1", "", "", "")
    assert (ran.code, ran.err) == (Code.NO_CONTAINER, f"{MARK} No such container\n")


def test_a_command_in_a_container_ends_with_its_own_exit_code(host: FakeHost) -> None:
    host.moved["cat <&3"] = "sleep 9"
    host.on("docker", "container inspect *", "running\n", "exited\n")
    host.on("docker", "exec web *", Answer(run='shift 2; exec "$@"'))
    ran = host.run("ops/exec", MARK, "web", "sh", "-c", "echo 'a  b'; exit 7")
    assert (ran.code, ran.out) == (7, "a  b\n")
    assert host.run("ops/exec", MARK, "web", "true").code == Code.NO_CONTAINER


def test_a_command_in_a_container_is_ended_with_its_client(host: FakeHost) -> None:
    host.on("docker", "container inspect *", "running\n")
    host.on("docker", "exec web *", Answer(run="exec sleep 9"))
    begun = time.monotonic()
    assert host.run("ops/exec", MARK, "web", "sleep", "9").code == 143
    assert time.monotonic() - begun < 4


def test_nginx_is_reloaded_only_if_it_runs_and_is_well_configured(host: FakeHost) -> None:
    host.on("docker", "container inspect *", "false\n", "true\n")
    host.on("docker", "exec -u 0 nginx sh -c *", INSIDE)
    host.on("nginx", "*-t -q", Answer(code=1), "")
    host.on("nginx", "*-s reload", Answer(code=1), Answer(run=host.new_worker()))
    codes = [host.run("ops/reload", "nginx").code for _ in range(4)]
    assert codes == [Code.NO_NGINX, Code.NGINX_INVALID, Code.NOT_RELOADED, 0]


def test_containers_are_connected_with_their_aliases(host: FakeHost) -> None:
    host.on("docker", "network connect --alias db --alias x net a")
    host.on("docker", "network connect net b", Answer(err="endpoint with name b already exists in network net", code=1))
    host.on("docker", "network connect net c", Answer(err="no such container\nx", code=1))
    ran = host.run("ops/connect", "net", "a", "db,x", "b", "-", "c", "-")
    assert (ran.code, ran.out) == (1, "connected a\nconnected b\nfailed c no such container\n")


def test_when_earlier_versions_made_releases_is_told(host: FakeHost) -> None:
    unwell(host)
    old = host.file("home/state/releases/web/20270101-000000-ab/override.yml")
    os.utime(old, (1000, 1000))
    host.file("home/state/releases/web/20270102-000000-ab/override.yml")
    host.file("home/state/releases/web/20270102-000000-ab/names.yml")  # its volumes go with its container
    host.on("docker", "network ls *", "n p\n")
    reply = host.run("ops/disk", MARK, "home", *SURVEY).reply
    assert reply.lines("made") == ["1000 web 20270101-000000-ab"]
    assert reply.lines("networks_") == ["n p"]


def test_what_was_removed_and_what_was_kept_is_told(host: FakeHost) -> None:
    host.on("docker", "info *", f"{host.root}\n")
    host.on("docker", "rmi a")
    host.on("docker", "rmi b", Answer(err="No such image", code=1))
    host.on("docker", "rmi c", Answer(err="conflict\nx", code=1))
    host.on("curl", "*-X POST*prune*", '{"CachesDeleted":["x"]}')
    host.on("docker", "volume rm v")
    host.on("docker", "network rm n", Answer(err="has active endpoints", code=1))
    host.on("curl", "*-X DELETE*", Answer(code=7))
    given = "image a\nimage b\nimage c\nvolume v\nnetwork n\n"
    told = host.run("ops/prune", "home", "yes", stdin=given).reply_short
    assert (told.every("removed"), told.every("kept"), told.every("cache")) == (
        ["a", "b", "volume v"], ["c conflict", "network n has active endpoints"], ['{"CachesDeleted":["x"]}']
    )  # fmt: skip
    assert len(told.every("room")) == 2


@pytest.mark.parametrize(
    ("driver", "socket", "config", "places"),
    [
        ("extfs", True, "", ["/data"]),
        ("io.containerd.snapshotter.v1", False, "", ["/data"]),  # a containerd of the engine's own
        ("io.containerd.snapshotter.v1", True, "", ["/data", "/var/lib/containerd"]),
        ("io.containerd.snapshotter.v1", True, 'version = 3\nroot = "/srv/images"\n', ["/data", "/srv/images"]),
    ],
)
def test_room_is_looked_for_where_images_really_lie(
    host: FakeHost, driver: str, socket: bool, config: str, places: list[str]
) -> None:
    host.on("docker", "info *", f"/data name=seccomp,profile=builtin {driver}\n")
    if config:
        host.file("etc/containerd/config.toml", config)
    host.moved["/run/containerd/containerd.sock"] = str(host.file("sock") if socket else host.root / "none")
    fuller = 'echo head; for each in "${@:3}"; do echo "100 $((${#each} > 5 ? 3 : 50)) $each"; done; exit 0'
    host.on("df", "*", Answer(run=fuller))
    ran = host.run("ops/prune", str(host.home), "no")
    assert ran.reply_short.every("room") == ["3" if len(places) > 1 else "50"] * 2
    assert [call.split()[3:] for call in ran.calls if call.startswith("df")] == [places, places]


def test_a_torn_line_of_the_history_does_not_swallow_that_of_the_next_file(host: FakeHost) -> None:
    host.file("history.1", "first\nto")
    history = host.file("history", "second\nrn")
    assert host.run("ops/history", str(history), "9").out == "first\nto\nsecond\nrn\n"


def test_the_newest_lines_of_the_history_are_read_from_both_files(host: FakeHost) -> None:
    history = host.file("history", "c\nd\n")
    host.file("history.1", "a\nb\n")
    assert host.run("ops/history", str(history), "3").out == "b\nc\nd\n"
    assert host.run("ops/history", str(host.root / "none"), "3").out == ""


@pytest.fixture
def released(host: FakeHost) -> FakeHost:
    """A host with a live release, whose files it keeps."""
    for name in ("docker-compose.yml", "override.yml", "names.yml", ".env"):
        host.file(f"home/state/releases/web/r1/{name}")
    host.on("docker", "container inspect --format {{index*behindy.release* web", "r1\n")
    host.on("docker", "container inspect --format {{if index*", "-v")
    host.on("docker", "ps -a *")
    host.on("docker", "rm -f *")
    host.on("docker", "compose *run *")
    return host


def test_a_command_runs_in_a_container_of_the_live_release_which_goes_with_it(released: FakeHost) -> None:
    host = released
    host.moved["cat <&3"] = "sleep 9"
    host.on("docker", "ps -a *label=behindy.once=run*", "web-run-999999999\nweb-run-1\n")
    host.on("docker", "logs --follow web-run-*", Answer(out="said\n", err="complained\n"))
    host.on("docker", "wait web-run-*", "7\n")
    ran = host.run("ops/run", MARK, str(host.home), "web", "net", "sh", "-c", "exit 7")
    assert (ran.code, ran.out, ran.err) == (7, "said\n", "complained\n")
    (run,) = [call for call in ran.calls if " run " in call]
    name = run.split("--name ")[1].split()[0]
    assert run.endswith(f"--name {name} --label behindy.once=run web sh -c exit 7")
    removed = [call.split()[-1] for call in ran.calls if call.startswith("docker rm -f")]
    assert removed == ["web-run-999999999", name]  # the process of the other one is there


def test_what_cannot_be_started_is_removed_too_and_ends_with_its_code(released: FakeHost) -> None:
    released.on("docker", "compose *run *", Answer(err="exec: not found", code=127))
    ran = released.run("ops/run", MARK, str(released.home), "web", "net", "nope")
    assert (ran.code, ran.err) == (127, "exec: not found\n")
    assert any(call.startswith("docker rm -f") for call in ran.calls)


def test_a_signal_that_is_lost_on_the_way_is_sent_again(released: FakeHost) -> None:
    released.moved["cat <&3"] = "sleep 1"  # by then the trap is there
    deaf = "trap 'trap - TERM' TERM; while :; do sleep 0.1; done"
    released.on("docker", "logs --follow web-run-*", Answer(run=deaf))
    ran = released.run("ops/run", MARK, str(released.home), "web", "net", "sleep", "9")
    assert ran.code == 143
    assert any(call.startswith("docker rm -f") for call in ran.calls)


def test_a_client_that_goes_takes_it_along(released: FakeHost) -> None:
    released.on("docker", "logs --follow web-run-*", Answer(run="exec sleep 9"))
    ran = released.run("ops/run", MARK, str(released.home), "web", "net", "sleep", "9")
    assert ran.code == 143
    assert any(call.startswith("docker rm -f") for call in ran.calls)


def test_a_live_container_without_a_kept_release_is_told_apart(released: FakeHost) -> None:
    (released.home / "state/releases/web/r1/override.yml").unlink()
    ran = released.run("ops/run", MARK, str(released.home), "web", "net", "true")
    assert (ran.code, ran.err) == (Code.NO_CONTAINER, f"{MARK} unkept\n")
    released.on("docker", "container inspect --format {{index*behindy.release* web", "\n")
    assert released.run("ops/run", MARK, str(released.home), "web", "net", "true").code == Code.NO_CONTAINER


def test_what_cron_does_for_each_project_is_looked_up_by_its_own_file(host: FakeHost) -> None:
    unwell(host)
    host.moved |= {"/usr/local/lib/behindy-ops": f"{host.root}/lib", "/run/systemd": f"{host.root}/none"}
    for file in ("lib/certs", "lib/certs-shop", "etc/cron.d/behindy-ops-shop"):
        host.file(file)
    words = ("nginx", "a.org", WEB, "", "home", "certs certs-shop backup-shop")
    told = timers.parse(host.run("ops/doctor", MARK, *words, *SURVEY).reply.lines("timers"))
    assert [(timed.name, timed.on) for timed in told] == [
        ("certs", False),
        ("certs-shop", True),
        ("backup-shop", False),
    ]
