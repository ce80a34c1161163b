"""What host.up does about containers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from behindy_ops.errors import Kind
from behindy_ops.facts.container import Container, parse_container
from behindy_ops.facts.replies import read
from behindy_ops.project.names import Names
from behindy_ops.provision.up import (
    Action,
    Change,
    Wanted,
    arguments,
    bring_up,
    moved,
    obstacles,
    parse,
    parse_mounted,
    plan,
    started_elsewhere,
)
from behindy_ops.report.events import Note, StepDone
from tests.kinds import raises
from tests.named import EDGE
from tests.scripted import Answer, Scripted, scripted
from tests.unit.facts.containers import container_line


def container(name: str, service: str, config: str, image_id: str = "sha256:1", project: str = "behindy-ops") -> str:
    labels = {"service": service, "project": project, "config-hash": config, "image": image_id}
    given = {f"com.docker.compose.{label}": value for label, value in labels.items() if value}
    return f"{container_line(name=f'/{name}', image='x', labels=given)}\n"


WANTED = Wanted("db", "hash", "postgres:15", "sha256:1", "postgres")
RUNS = parse_container(container("postgres", "db", "hash"))
NOT_OURS = parse_container(container("postgres", "", "", "", project=""))


@pytest.mark.parametrize(
    ("running", "action"),
    [
        ((), Action.CREATE),
        ((replace(RUNS, status="exited"),), Action.START),
        ((parse_container(container("postgres", "db", "else")),), Action.REPLACE),
        ((parse_container(container("postgres", "db", "hash", "sha256:2")),), Action.REPLACE),
    ],
)
def test_what_is_done_about_a_container(running: tuple[Container, ...], action: Action) -> None:
    (change,) = plan(Names(), [WANTED], running, network=True)
    assert change.action is action
    assert ("PostgreSQL is down" in change.sentence(Names())) == (action is Action.REPLACE)


def test_a_container_that_is_as_it_should_be_is_left_alone() -> None:
    assert plan(Names(), [WANTED], [RUNS], network=True) == []
    by_an_older_compose = parse_container(container("postgres", "db", "hash", image_id=""))
    assert plan(Names(), [WANTED], [by_an_older_compose], network=True) == []


def test_containers_whose_network_is_gone_are_replaced_since_they_cannot_be_moved_to_another() -> None:
    (change,) = plan(Names(), [WANTED], [RUNS], network=False)
    assert change.action is Action.REPLACE
    assert "its network behindy-ops_internal is gone: PostgreSQL is down" in change.sentence(Names())
    assert plan(Names(), [WANTED], [], network=False)[0].action is Action.CREATE


def test_a_name_that_compose_did_not_give_is_an_obstacle() -> None:
    assert obstacles(Names(), [WANTED], [RUNS]) == []
    assert obstacles(Names(), [WANTED], [NOT_OURS]) == ["postgres"]


@pytest.mark.parametrize(
    ("where", "elsewhere"),
    [("/home/ubuntu/behindy-ops", True), ("/srv/ops", False), ("/home/alice/ops", False)],
)
def test_a_container_of_another_directory_is_not_replaced(where: str, elsewhere: bool) -> None:
    line = json.loads(container("nginx", "nginx", "other"))
    line["labels"]["com.docker.compose.project.working_dir"] = f"{where}/compose"
    nginx = json.dumps(line)
    names = ["/srv/ops/compose", "/home/alice/ops/compose"]
    assert started_elsewhere(Names(), parse_container(nginx), names) is elsewhere
    assert not started_elsewhere(Names(), NOT_OURS, names)
    there = "".join(f"{name}\n" for name in names)
    text = f"@ directory\n{there}@ hashes\nnginx new\n@ stanzas\nnginx container_name nginx\n@ network\nthere\n"
    look = scripted(host__infra_look=Answer(f"{text}@ containers\n{nginx}\n@ end\n"))
    if elsewhere:
        with raises(Kind.HOST_NOT_READY, match=f"started from {where}"):
            run(look)
    else:
        assert run(look, answer=False) == ["Replace nginx?"]


def test_the_host_is_told_to_pull_first_and_to_replace_only_what_is_to_be_replaced() -> None:
    nginx = Wanted("nginx", "h", "nginx:1.28", "", "nginx")
    changes = [Change(WANTED, Action.REPLACE, "x"), Change(nginx, Action.CREATE)]
    told = ("pull", "nginx:1.28", "placeholder", "nginx:1.28", "recreate", "db", "create", "nginx")
    assert arguments(Names(), changes) == told
    assert arguments(Names(), []) == ()


MOUNTS = """@ mounts
db type "volume"
db source "data"
db target "/var/lib/postgresql/data"
db type "bind"
db source "/home/a b/x"
db target "/etc/x"
db type "tmpfs"
db target "/tmp"
: data "behindy-ops_data"
@ mounted
"""


def mounted(*mounts: tuple[str, str, str, bool]) -> str:
    told = [
        {"Type": kind, "Source": source, "Name": source, "Destination": target, "RW": writable}
        for kind, source, target, writable in mounts
    ]
    return f"/postgres {json.dumps(told)}\n"


DATA = "/var/lib/postgresql/data"


@pytest.mark.parametrize(
    ("there", "places"),
    [
        (("volume", "behindy-ops_data", DATA, True), None),
        (("bind", "/home/a b/x", "/etc/x", True), None),
        (("volume", "f" * 64, "/cache", True), None),
        (("bind", "/elsewhere", "/etc/x", False), None),
        (("bind", "/srv/data", DATA, True), ("/srv/data", "volume behindy-ops_data")),
        (("volume", "other", DATA, True), ("volume other", "volume behindy-ops_data")),
        (("bind", "/srv/data", "/data", True), ("/srv/data", "nothing")),
    ],
)
def test_data_stays_where_it_is_or_the_container_does(
    there: tuple[str, str, str, bool], places: tuple[str, str] | None
) -> None:
    hashes = "@ hashes\ndb new\n@ stanzas\ndb container_name postgres\n"
    text = f"{hashes}{MOUNTS}{mounted(there)}@ network\nthere\n@ containers\n{DB}@ end\n"
    reply = read(text, "@")
    wanted, running, network = parse(reply)
    (change,) = plan(Names(), wanted, running, network=network)
    assert moved(change, parse_mounted(reply)) == places
    look = scripted(host__infra_look=Answer(text))
    if places is None:
        assert run(look, answer=False) == ["Replace db?"]
    else:
        with raises(Kind.HOST_NOT_READY, match=f"The data of db is on {places[0]}.*it runs as before"):
            run(look)


def test_how_data_is_moved_is_told_for_directories() -> None:
    places = mounted(("bind", "/srv/old data", DATA, True)).replace("volume", "bind")
    mounts = MOUNTS.replace('type "volume"', 'type "bind"').replace('"data"', '"/srv/new"')
    hashes = "@ hashes\ndb new\n@ stanzas\ndb container_name postgres\n"
    there = Answer(f"{hashes}{mounts}{places}@ network\nthere\n@ containers\n{DB}@ end\n")
    with raises(Kind.HOST_NOT_READY, match="the lines below on the host") as raised:
        run(scripted(host__infra_look=there))
    assert raised.value.lines[0] == "docker rm --force postgres"
    assert raised.value.lines[1] == "sudo mkdir -p /srv/new && sudo cp -a '/srv/old data'/. /srv/new/"


DB = container("postgres", "db", "hash")
OLD_DB = container("postgres", "db", "old")
WEB = container("nginx", "nginx", "nhash", "sha256:2")
FOREIGN = container("postgres", "", "", "", project="")


def test_what_the_host_printed_about_its_containers_is_read() -> None:
    text = "@ hashes\ndb hash\nredis h\n@ stanzas\ndb is there\ndb image postgres:15\ndb container_name postgres\n"
    text += f"redis image redis:7\n@ images\nsha256:7 redis:7\n@ network\nthere\n@ containers\n{FOREIGN}@ end\n"
    wanted, running, network = parse(read(text, "@"))
    assert network
    assert wanted == [
        Wanted("db", "hash", "postgres:15", "", "postgres"),
        Wanted("redis", "h", "redis:7", "sha256:7", ""),
    ]
    assert running == [NOT_OURS]


def looked(*containers: str) -> Answer:
    stanzas = "db image postgres:15\ndb container_name postgres\nnginx image nginx:1.28\nnginx container_name nginx\n"
    text = f"@ hashes\ndb hash\nnginx nhash\n@ stanzas\n{stanzas}@ images\nsha256:1 postgres:15\n@ network\nthere\n"
    return Answer(f"{text}@ containers\n{''.join(containers)}@ end\n")


def run(there: Scripted, answer: bool = True) -> list[str]:
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return answer

    bring_up(there.session, confirm)
    return asked


def test_what_runs_as_it_should_is_left_alone() -> None:
    there = scripted(host__infra_look=looked(DB, WEB))
    assert run(there) == []
    assert "nothing to do" in there.told()
    assert there.host.locked == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("holding new connections\naway 4500\n", "nginx was away for 4.5 s; new connections waited meanwhile"),
        (
            "unheld\naway 4500\n",
            "nginx was away for 4.5 s; new connections were refused meanwhile (no sudo or iptables)",
        ),
        ("", ""),  # it was stopped before
    ],
)
def test_what_became_of_those_who_connected_meanwhile_is_said(said: str, told: str) -> None:
    there = scripted(host__infra_look=looked(DB), host__infra_up=Answer(said))
    run(there)
    done = [event for event in there.events if isinstance(event, StepDone)]
    assert done[-1].detail == told


def test_of_several_that_would_be_replaced_one_alone_is() -> None:
    there = scripted(host__infra_look=looked(OLD_DB), host__infra_up=Answer("holding new connections\naway 4500\n"))
    bring_up(there.session, lambda _: True, only="nginx")
    assert there.host.locked == ["host.up nginx"]
    assert there.host.commands[-1].argv[-4:] == ("placeholder", "nginx:1.28", "create", "nginx")
    done = [event for event in there.events if isinstance(event, StepDone)]
    assert done[-1].detail == "nginx was away for 4.5 s; new connections waited meanwhile"


def test_what_another_project_of_compose_has_named_is_no_obstacle_to_the_others() -> None:
    with raises(Kind.HOST_NOT_READY, match="postgres"):
        run(scripted(host__infra_look=looked(FOREIGN, WEB)))
    there = scripted(host__infra_look=looked(FOREIGN, WEB))
    bring_up(there.session, lambda _: True, only="nginx")
    assert "nginx is running as the compose file has it; nothing to do." in there.told()


def test_what_is_brought_up_alone_is_one_of_those() -> None:
    with raises(Kind.USAGE, match="db, nginx"):
        bring_up(scripted(host__infra_look=looked(DB, WEB)).session, lambda _: True, only="frontend")


def test_what_is_missing_is_started_without_a_question() -> None:
    there = scripted(host__infra_look=looked(DB), host__infra_up=Answer("placeholder made\n"))
    assert run(there, answer=False) == []
    assert there.host.commands[-1].argv[-6:] == ("pull", "nginx:1.28", "placeholder", "nginx:1.28", "create", "nginx")
    assert any(isinstance(event, Note) and "inv host.certs" in event.text for event in there.events)


def test_nginx_is_not_started_without_a_domain_to_have_a_certificate_for() -> None:
    there = scripted(host__infra_look=looked(DB))
    there.session.settings = replace(there.session.settings, domain="")
    with raises(Kind.SETTINGS, match="nginx needs a certificate"):
        run(there)
    there = scripted(host__infra_look=looked(DB, WEB))
    there.session.settings = replace(there.session.settings, domain="")
    assert run(there) == []


ON_EDGE = WEB.replace('"networks": {', f'"networks": {{"{EDGE}": {{"IPAddress": "10.0.1.2"}}, ')


def with_ipv6(there: Scripted) -> Scripted:
    there.session.settings = replace(there.session.settings, ipv6=True)
    return there


def test_nginx_is_connected_for_ipv6_where_a_setting_asks_for_it_and_after_a_yes() -> None:
    look, up = looked(DB, WEB), Answer()
    assert run(scripted(host__infra_look=look)) == []
    there = with_ipv6(scripted(host__infra_look=look, host__infra_up=up))
    assert run(there) == [f"Connect nginx to {EDGE}?"]
    assert there.host.commands[-1].argv[-4:] == ("placeholder", "nginx:1.28", "ipv6", "nginx")
    assert "its open connections are cut" in there.told()
    assert run(with_ipv6(scripted(host__infra_look=looked(DB, ON_EDGE)))) == []


def test_an_nginx_that_is_created_or_replaced_is_connected_as_well() -> None:
    nginx = Wanted("nginx", "h", "nginx:1.28", "sha256:1", "nginx")
    for action, word in ((Action.CREATE, "create"), (Action.REPLACE, "recreate"), (Action.START, "create")):
        changes = [Change(WANTED, action), Change(nginx, action)]
        told = ("placeholder", "nginx:1.28", word, "db", word, "nginx")
        assert arguments(Names(), changes, ipv6=True) == (*told, "ipv6", "nginx")
        assert arguments(Names(), changes) == told


@pytest.mark.parametrize("lack", ["files", "rules", "restart", "address", "router"])
@pytest.mark.parametrize("there", [(DB, WEB), (DB,)], ids=["connect", "create"])
def test_what_would_refuse_or_hide_visitors_by_ipv6_refuses_first(lack: str, there: tuple[str, ...]) -> None:
    look = looked(*there)
    look = Answer(look.stdout.replace("@ containers", f"@ ipv6\nlacks {lack}\n@ containers"))
    assert run(scripted(host__infra_look=look, host__infra_up=Answer()), answer=True) == []
    with raises(Kind.HOST_NOT_READY, match="IPv6"):
        run(with_ipv6(scripted(host__infra_look=look)))
    for changed in (looked(DB, ON_EDGE), looked(OLD_DB, ON_EDGE)):  # of no concern to it
        again = Answer(changed.stdout.replace("@ containers", f"@ ipv6\nlacks {lack}\n@ containers"))
        run(with_ipv6(scripted(host__infra_look=again)), answer=False)


def test_a_database_is_replaced_only_after_a_yes() -> None:
    there = scripted(host__infra_look=looked(OLD_DB, WEB))
    assert run(there, answer=False) == ["Replace db?"]
    assert there.host.locked == []


def test_a_host_that_somebody_else_changed_meanwhile_is_left_alone() -> None:
    with raises(Kind.HOST_NOT_READY, match="inv host.up"):
        run(scripted(host__infra_look=[looked(OLD_DB, WEB), looked(DB, WEB)]))


@pytest.mark.parametrize(
    ("look", "up", "kind"),
    [
        (looked(FOREIGN), Answer(), Kind.HOST_NOT_READY),
        (Answer("", 80), Answer(), Kind.FILES_MISSING),
        (Answer("", 81), Answer(), Kind.FILES_MISSING),
        (Answer("", 82), Answer(), Kind.HOST_NOT_READY),
        (Answer("", 83), Answer(), Kind.ENVIRONMENT_FILE_MISSING),
        (Answer("", 65), Answer(), Kind.COMPOSE_INVALID),
        (Answer("", 1), Answer(), Kind.REMOTE_COMMAND_FAILED),
        (looked(DB), Answer("", 67), Kind.HOST_NOT_READY),
        (looked(DB), Answer("", 68), Kind.NOT_HEALTHY),
        (looked(DB), Answer("", 1), Kind.REMOTE_COMMAND_FAILED),
    ],
)
def test_what_keeps_the_infrastructure_from_running(look: Answer, up: Answer, kind: Kind) -> None:
    with raises(kind):
        run(scripted(host__infra_look=look, host__infra_up=up))


def test_on_an_edge_of_a_swarm_nothing_is_started_beside_what_the_first_host_has() -> None:
    text = looked(DB).stdout.replace("@ end", "@ swarm_\nseat manager\nfirst 10.0.0.9\n@ end")
    with raises(Kind.HOST_NOT_READY, match="BEHINDY_HOST=10.0.0.9 inv host.setup --swarm --edge"):
        run(scripted(host__infra_look=Answer(text)))
