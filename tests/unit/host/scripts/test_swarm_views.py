"""The scripts of the views where a swarm runs the services: run by bash on a host of fakes, which is its manager."""

from __future__ import annotations

import base64
import json
import textwrap
from typing import TYPE_CHECKING

import pytest

from behindy_ops.host.exit_codes import Code
from tests.unit.host.scripts.fake_host import INSIDE, MARK, Answer

if TYPE_CHECKING:
    from tests.unit.host.scripts.fake_host import FakeHost, Ran

WEB, NEWER = "web0000000000000000000001", "web0000000000000000000002"
FIRST, SECOND = "task000000000000000000001", "task000000000000000000002"
HERE, THERE = "node000000000000000000001", "node000000000000000000002"
SURVEY = ("printf", "the survey\\n")
SECRET = "s3cret-w0rd"


def services(*ids: str) -> str:
    return json.dumps([{"ID": each, "Version": {"Index": 1}} for each in ids], separators=(",", ":"))


def run(host: FakeHost, name: str, *arguments: str, stdin: str = "") -> Ran:
    return host.run(name, *arguments, engine="swarm", stdin=stdin)


@pytest.fixture
def manager(host: FakeHost) -> FakeHost:
    """One service, web, with a task on this node and one on another."""
    host.on("curl", "*http://docker/services?filters=*", services())
    host.on("curl", "*services?filters=*behindy.name=web%22*", services(WEB))
    host.on("curl", "*services?filters=*behindy.name%22*", services(WEB))
    host.on("docker", f"service ps -q --no-trunc*{WEB}", f"{FIRST}\n{SECOND}\n")
    host.on("docker", "node ls -q", f"{HERE}\n{THERE}\n")
    nodes = [
        {"id": node, "name": name, "status": "Ready", "here": node == HERE}
        for node, name in ((HERE, "alpha"), (THERE, "beta"))
    ]
    lines = "".join(f"{json.dumps(node, separators=(',', ':'))}\n" for node in nodes)
    host.on("docker", "node ls --format {*", lines)
    host.on("docker", "node ls --format {{if not .Self*", "\nbeta\n")
    host.on("docker", "info --format {{.Swarm.NodeID}}", f"{HERE}\n")
    host.on("docker", f"node inspect --format *Hostname* {THERE}", "beta\n")
    host.on("docker", "inspect --format {{.ID}} {{.Slot}}*", f"{FIRST} 1 {HERE}\n{SECOND} 2 {THERE}\n")
    with_labels(host, release="r1", image="sha256:1", name="web", dns="web-r1", config="c0ffee", previous="r0")
    host.on("docker", f"service inspect --format {{{{.ID}}}} {WEB}", f"{WEB}\n")
    host.on("docker", "image inspect --format *", '"PATH=/usr/bin"\n')
    host.on("docker", f"service inspect --format *ContainerSpec.Env* {WEB}", f'"KEY={SECRET}"\n')
    return host


def with_labels(host: FakeHost, service: str = WEB, **labels: str) -> None:
    for name, value in labels.items():
        host.on(
            "docker", f'service inspect --format {{{{index .Spec.Labels "behindy.{name}"}}}} {service}', f"{value}\n"
        )


def at_work(host: FakeHost, *tasks: str) -> None:
    """Number, node and container of each task that runs."""
    host.on("docker", "inspect --format {{if eq .Status.State*", "".join(f"{task}\n" for task in tasks))


def written(host: FakeHost) -> None:
    """What each of the two has written, in turn."""
    host.on("docker", f"service logs *{FIRST}", f"2027-01-15T08:00:01.5Z one {SECRET}\n2027-01-15T08:00:04Z four x\n")
    host.on("docker", f"service logs *{SECOND}", "2027-01-15T08:00:02Z two x\n2027-01-15T08:00:03Z three\n")


def test_a_log_is_that_of_all_tasks_in_the_order_of_time_and_says_whose_each_line_is(manager: FakeHost) -> None:
    written(manager)
    ran = run(manager, "ops/logs", MARK, "web", "3", "1h", "", "")
    assert ran.out == "2@beta | two x\n2@beta | three\n1@alpha | four x\n"
    assert f"docker service logs --raw --timestamps --tail 3 --since 1h {FIRST}" in ran.calls
    assert run(manager, "ops/logs", MARK, "web", "all", "", "", "").out.startswith(
        "1@alpha | one <KEY>\n2@beta | two x\n"
    )
    assert run(manager, "ops/logs", MARK, "web", "all", "", "x", "").out == "2@beta | two x\n1@alpha | four x\n"
    marked = run(manager, "ops/logs", MARK, "web", "1", "", "", "yes").out
    assert marked == f"2027-01-15T08:00:04Z {MARK} 1@alpha four x\n"


def test_a_value_in_lines_of_base64_is_hidden_before_the_task_is_put_before_them(manager: FakeHost) -> None:
    long = "A2b" * 40
    manager.on("docker", f"service inspect --format *ContainerSpec.Env* {WEB}", f'"LONG={long}"\n')
    lines = textwrap.wrap(base64.b64encode(b"=" * 30 + long.encode()).decode(), 64)
    manager.on("docker", f"service logs *{FIRST}", "".join(f"2027-01-15T08:00:01Z {line}\n" for line in lines))
    manager.on("docker", f"service logs *{SECOND}")
    out = run(manager, "ops/logs", MARK, "web", "all", "", "", "").out
    assert out.endswith("1@alpha | <LONG>\n")
    assert not any(line in out for line in lines[1:])


def test_a_log_is_withheld_where_the_values_in_it_are_not_known(manager: FakeHost) -> None:
    written(manager)
    manager.on("docker", f"service inspect --format *ContainerSpec.Env* {WEB}", Answer(err="no such service", code=1))
    out = run(manager, "ops/logs", MARK, "web", "all", "", "", "").out
    assert SECRET not in out
    assert out.count("not shown") == 2


def test_a_task_on_a_node_that_does_not_answer_has_no_log_and_the_others_do(manager: FakeHost) -> None:
    written(manager)
    why = "warning: incomplete log stream. some logs could not be retrieved: node x is not available\n\n"
    manager.on("docker", f"service logs *{SECOND}", Answer(err=why, code=1))
    out = run(manager, "ops/logs", MARK, "web", "all", "", "", "").out
    assert "2@beta | (its node does not answer, so what it has written is not to be had)\n1@alpha | one <KEY>\n" in out


def test_a_log_is_followed_into_tasks_that_come_and_into_the_next_release(manager: FakeHost) -> None:
    manager.moved |= {"sleep 1": "sleep 0.02", "cat <&3": "sleep 9", "-gt 30": "-gt 2"}
    at = "*services?filters=*behindy.name=web%22*"
    manager.on("curl", at, *[services(WEB)] * 4, services(NEWER), services(NEWER), services())
    third = "task000000000000000000003"
    manager.on("docker", f"service ps -q --no-trunc*{WEB}", f"{FIRST}\n", f"{FIRST}\n{SECOND}\n")
    manager.on("docker", f"service ps -q --no-trunc*{NEWER}", f"{third}\n")
    for task, line in ((FIRST, f"{FIRST} 1 {HERE}"), (SECOND, f"{SECOND} 2 {THERE}"), (third, f"{third} 1 {THERE}")):
        manager.on("docker", f"inspect --format {{{{.ID}}}} {{{{.Slot}}}}*{task}", f"{line}\n")
        manager.on("docker", f"service logs *--follow*{task}", f"2027-01-15T08:00:01Z {task[-1]} says {SECRET}\n")
    with_labels(manager, NEWER, image="sha256:2")
    manager.on("docker", f"service inspect --format *ContainerSpec.Env* {NEWER}", f'"TOKEN={SECRET}"\n')
    ran = run(manager, "ops/follow", MARK, "web", "5", "", "", "")
    assert ran.code == 0
    assert sorted(ran.out.splitlines()) == [
        "1@alpha | 1 says <KEY>",
        "1@beta | 3 says <TOKEN>",
        "2@beta | 2 says <KEY>",
    ]
    assert "web was replaced" in ran.err
    assert "does not run any more" in ran.err


def test_a_command_runs_in_the_task_that_is_here(manager: FakeHost) -> None:
    manager.moved["cat <&3"] = "sleep 9"
    at_work(manager, f"1 {THERE} c1", f"2 {HERE} c2")
    manager.on("docker", "container inspect --format {{.State.Status}} c2", "running\n")
    manager.on("docker", "exec c2 *", Answer(run='shift 2; exec "$@"'))
    ran = run(manager, "ops/exec", MARK, "web", "sh", "-c", "echo 'a  b'; exit 7")
    assert (ran.code, ran.out) == (7, "a  b\n")


def test_tasks_that_are_elsewhere_are_named_with_their_nodes(manager: FakeHost) -> None:
    at_work(manager, f"1 {THERE} {'c1' * 32}")
    ran = run(manager, "ops/exec", MARK, "web", "true")
    assert (ran.code, ran.err) == (Code.NO_CONTAINER, f"{MARK} elsewhere beta c1c1c1c1c1c1\n")
    at_work(manager)
    assert run(manager, "ops/exec", MARK, "web", "true").err == f"{MARK} exited\n"


def test_nothing_is_taken_for_missing_where_no_manager_answers(manager: FakeHost) -> None:
    manager.on("curl", "*services?filters=*behindy.name=web%22*", Answer(code=22))
    ran = run(manager, "ops/logs", MARK, "web", "5", "", "", "")
    assert (ran.code, ran.err) == (Code.NO_CONTAINER, f"{MARK} No manager of the swarm answers.\n")


def test_a_command_that_runs_once_is_on_the_network_of_all_nodes_too(manager: FakeHost) -> None:
    manager.moved["cat <&3"] = "sleep 9"
    for name in ("docker-compose.yml", "override.yml", "names.yml", ".env"):
        manager.file(f"home/state/releases/web/r1/{name}")
    manager.on("docker", "ps -a *label=behindy.once=run*")
    manager.on("docker", "network inspect --format {{.Name}} net-swarm", "net-swarm\n", Answer(code=1))
    manager.on("docker", "compose *run *", Answer(run='cat >"$root/declared"'))
    manager.on("docker", "logs --follow web-run-*")
    manager.on("docker", "wait web-run-*", "0\n")
    manager.on("docker", "container inspect --format {{if index*", "-v")
    manager.on("docker", "rm -f *")
    manager.on("docker", "container inspect --format {{range .NetworkSettings.Networks}}{{range .Aliases}}*")
    manager.on("docker", "container inspect --format {{.Name}} web-run-*", "/web-run-1\n")
    declared = []
    for _ in range(2):
        assert run(manager, "ops/run", MARK, str(manager.home), "web", "net", "true").code == 0
        declared.append(json.loads((manager.root / "declared").read_text()))
    assert declared[0]["networks"] == {"further": {"external": True, "name": "net-swarm"}}
    assert declared[0]["services"]["web"]["networks"] == {"further": {}}
    assert "networks" not in declared[1]


def test_of_a_service_names_are_told_those_of_its_image_too_and_no_values(manager: FakeHost) -> None:
    manager.file("home/compose/docker-compose.yml", "services: {}\n")
    manager.file("home/.env", "A=new\n")
    manager.file("home/state/releases/web/r1/.env", "A=old\n")
    manager.on("docker", "image inspect --format *split* sha256:1", "PATH set\nA empty\n")
    manager.on("docker", f"service inspect --format *split* {WEB}", "A set\n")
    ran = run(manager, "ops/env", MARK, str(manager.home), "web", *SURVEY)
    assert ran.reply.values("live") == {"PATH": "set", "A": "set"}
    assert ran.reply.values("image") == {"PATH": "set", "A": "empty"}
    assert ran.reply.lines("changed") == ["known", "A"]


def test_a_task_is_shown_by_its_services_name_and_other_nodes_by_theirs(manager: FakeHost) -> None:
    manager.on("docker", f"service inspect --format {{{{.Spec.Name}}}}* {WEB}", "p_web-r1 web\n")
    manager.on("docker", "ps --no-trunc --format *", "c1 p_web-r1.2.abc\nc2 redis\nc3 a.b.c\n")
    manager.on("curl", "*containers/*/stats*", '{"memory_stats":{"usage":9}}\n')
    reply = run(manager, "ops/frames", MARK, "1", "0").reply
    assert sorted(reply.every("container", "containers")) == ["c1 web.2", "c2 redis", "c3 a.b.c"]
    assert reply.lines("others") == ["beta"]


def test_each_node_says_what_memory_it_has(manager: FakeHost) -> None:
    for program in ("journalctl", "dmesg"):
        manager.on(program, "*", Answer(code=1))
    for asked in ("ps -q *", "events *"):
        manager.on("docker", asked)
    info = f'"Swarm":{{"NodeID":"{HERE}","NodeAddr":"10.0.0.1","LocalNodeState":"active","ControlAvailable":true'
    manager.on("curl", "*http://docker/info", info)
    manager.on("curl", "*http://docker/nodes?filters=*behindy.first=true*", "[]")
    shape = '{{"id":"{}","name":"{}","state":"ready","memory":5}}\n'
    manager.on("docker", "node inspect --format {*", shape.format(HERE, "alpha") + shape.format(THERE, "beta"))
    reply = run(manager, "ops/mem", MARK, *SURVEY).reply
    assert [json.loads(line)["name"] for line in reply.lines("nodes_")] == ["alpha", "beta"]
    assert reply.values("swarm_")["node"] == HERE


def test_nginx_is_asked_for_every_task_until_one_is_not_well(manager: FakeHost) -> None:
    manager.on("docker", "logs *")
    manager.on("docker", "exec nginx sh -c *", INSIDE)
    manager.on("getent", "*", Answer(code=2))
    manager.on("getent", "ahostsv4 web-r1", "10.1.0.2 STREAM\n10.1.0.3 STREAM\n")
    manager.on("curl", "*https://*", "200 0.03")
    manager.on("curl", "*--resolve web-r1:80:10.1.0.2*http://web-r1:80/h", "200 0.01")
    manager.on("curl", "*--resolve web-r1:80:10.1.0.3*http://web-r1:80/h", "500 0.02")
    reply = run(manager, "ops/nginx", MARK, "nginx", "a.org", "web 80 /h /p", "", *SURVEY).reply
    assert reply.rows("inside") == [["web", "10.1.0.2,10.1.0.3,", "0", "500", "0.02"]]


def test_the_files_of_a_release_that_a_swarm_runs_are_needed(manager: FakeHost) -> None:
    for program in ("journalctl", "dmesg", "df"):
        manager.on(program, "*", Answer(code=1))
    manager.on("docker", "*", Answer(code=1))
    manager.on("docker", "node ls --format *", "beta\n")
    manager.on("docker", "ps -a --format *", "  0-abc\n")
    with_labels(manager, release="r2", previous="r1")
    shape = '{{index .Spec.Labels "behindy.release"}} {{index .Spec.Labels "behindy.previous"}} 0-{{.ID}}'
    manager.on("docker", f"service inspect --format {shape} {WEB}", f"r2 r1 0-{WEB}\n")
    for release in ("r0", "r1", "r2"):
        manager.file(f"home/state/assets/web/{release}", "a.js\0")
    manager.file("home/assets/web/a.js", "x")
    reply = run(manager, "ops/disk", MARK, str(manager.home), *SURVEY).reply
    assert [row[4:] for row in reply.rows("assets_")] == [["r0"]]


def test_the_configuration_of_what_is_live_is_that_of_its_service(manager: FakeHost) -> None:
    manager.on("docker", "compose *", "")
    manager.on("docker", "ps -a --format *", "redis \n")
    shape = '{{index .Spec.Labels "behindy.name"}} {{index .Spec.Labels "behindy.config"}}'
    manager.on("docker", f"service inspect --format {shape} {WEB}", "web c0ffee\n")
    ran = run(manager, "env/probe", MARK, str(manager.home), "look", "", "", "", stdin="0 0 0 0 0\n")
    assert "live web c0ffee" in ran.reply.lines("services")
