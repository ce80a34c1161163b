"""What makes a swarm of hosts, by what is seen of them: the plans of host.setup --swarm, --leave and --no-swarm."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind
from behindy_ops.facts.replies import read
from behindy_ops.facts.swarm import Node, Seat, Swarm
from behindy_ops.host.nodes import Joining, joining_of
from behindy_ops.project.names import Names
from behindy_ops.project.settings import Settings
from behindy_ops.provision import swarm
from behindy_ops.provision.swarm import Beside, Ground, Plan
from tests.kinds import raises
from tests.scripted import Answer, scripted
from tests.unit.machines import READY

if TYPE_CHECKING:
    from tests.scripted import Scripted

NETWORK = "behindy-ops_internal"
SHARED = f"{NETWORK}-swarm"
BESIDE = (Beside("nginx", "nginx", (NETWORK,)), Beside("postgres", "db", (NETWORK,)))
ALONE = Ground(READY, Swarm(Seat.NONE), "one", "10.0.0.1", (IPv4Network("10.214.0.0/24"),), "", BESIDE)
ONE = Node("n1", "one", manager="leader", manager_address="10.0.0.1:2377")
TWO = Node("n2", "two", ssh="ops@two")
PLAIN = replace(READY, live_restore=False)
MANAGING = Ground(
    PLAIN,
    Swarm(Seat.MANAGER, "n1", (ONE, TWO)),
    "one",
    "10.0.0.1",
    overlay="yes",
    beside=tuple(replace(each, networks=(NETWORK, SHARED)) for each in BESIDE),
)
SECOND = Joining("ops@two", "ops", "two")
BARE = Ground(PLAIN, Swarm(Seat.NONE), "two", "10.0.0.2")


def named(plan: Plan) -> list[tuple[str, str]]:
    assert not plan.obstacle, plan.obstacle
    return [(step.name, step.at) for step in plan.steps]


def test_a_live_host_becomes_a_swarm_by_steps_that_restart_nothing() -> None:
    plan = Plan.of(Names(), ALONE)
    assert [step.name for step in plan.steps] == [
        *("engine settings", "reload", "init", "overlay", "connect", "connect", "label"),
    ]
    settings, reload, init, overlay, _, database, _ = plan.steps
    assert json.loads(settings.stdin)["live-restore"] is False
    assert (settings.root, reload.argv) == (True, ("host/setup", "reload", "false"))
    assert init.argv == ("host/swarm", "init", "10.0.0.1", "10.220.0.0/16")
    assert overlay.argv == ("host/swarm", "overlay", SHARED, "10.249.0.0/22")
    assert database.argv == ("host/swarm", "connect", SHARED, "postgres", "db", "postgres")
    assert "2377/tcp" in plan.notes[0]


def test_a_swarm_that_is_there_needs_nothing() -> None:
    there = Ground(PLAIN, Swarm(Seat.MANAGER, "n2"), "two")
    assert Plan.of(Names(), MANAGING, [(SECOND, there)]) == Plan(
        notes=Plan.of(Names(), MANAGING, [(SECOND, there)]).notes
    )
    assert Plan.of(Names(), MANAGING) == Plan()


def test_what_compose_has_made_again_is_connected_again() -> None:
    alone = replace(MANAGING, beside=(*MANAGING.beside[:1], BESIDE[1]))
    assert [step.argv[3] for step in Plan.of(Names(), alone).steps] == ["postgres"]


def test_networks_that_a_host_uses_are_left_out() -> None:
    taken = (IPv4Network("10.216.0.0/13"), IPv4Network("10.248.0.0/16"))
    joins = (SECOND, replace(BARE, taken=(IPv4Network("10.249.7.0/24"),)))
    plan = Plan.of(Names(), replace(ALONE, taken=taken), [joins])
    assert [step.argv[-1] for step in plan.steps if step.name in ("init", "overlay")] == [
        "10.224.0.0/16",
        "10.247.0.0/22",
    ]


def test_a_host_joins_as_what_is_asked_and_is_labelled_with_how_it_is_reached() -> None:
    joins = replace(BARE, facts=READY)
    plan = Plan.of(Names(), replace(MANAGING, swarm=Swarm(Seat.MANAGER, "n1", (ONE,))), [(SECOND, joins)])
    assert named(plan) == [(name, "ops@two") for name in ("engine settings", "reload", "join")] + [("label", "")]
    assert (plan.steps[2].joins, plan.steps[2].stdin) == ("worker", "")
    assert plan.steps[3].argv[3:] == ("behindy.apps=true", "behindy.ssh=ops@two")
    assert Plan.of(Names(), ALONE, [(SECOND, BARE)], managers=True).steps[-2].joins == "manager"


def test_a_node_that_is_a_worker_becomes_a_manager_where_that_is_asked_and_never_the_other_way() -> None:
    of_two = replace(MANAGING, swarm=Swarm(Seat.MANAGER, "n1", (ONE, TWO)))
    there = replace(BARE, swarm=Swarm(Seat.WORKER, TWO.id))
    (step,) = Plan.of(Names(), of_two, [(SECOND, there)], managers=True).steps
    assert (step.name, step.argv) == ("promote", ("host/swarm", "promote", TWO.id))
    manages = replace(of_two, swarm=Swarm(Seat.MANAGER, "n1", (ONE, replace(TWO, manager="reachable"))))
    for managers in (True, False):
        assert Plan.of(Names(), manages, [(SECOND, there)], managers=managers).steps == ()


@pytest.mark.parametrize(
    ("first", "joining", "said"),
    [
        (replace(ALONE, facts=replace(READY, docker="")), (), "Docker does not run on the host"),
        (replace(ALONE, swarm=Swarm(Seat.WORKER, "n9")), (), "worker of a swarm"),
        (replace(ALONE, swarm=Swarm(Seat.LEADERLESS)), (), "no leader"),
        (replace(ALONE, overlay="bridge false"), (), "of another kind"),
        (replace(ALONE, address=""), (), "not to be seen"),
        (replace(ALONE, address="fd00::1"), (), "not an IPv4 address"),
        (replace(ALONE, taken=(IPv4Network("10.0.0.0/8"),)), (), "use all networks"),
        (ALONE, ((SECOND, replace(BARE, facts=replace(READY, docker=""))),), "Docker does not run on ops@two"),
        (ALONE, ((SECOND, replace(BARE, swarm=Swarm(Seat.WORKER, "n9"))),), "belongs to another swarm"),
    ],
)
def test_what_is_in_the_way_is_said_before_anything_is_done(
    first: Ground, joining: tuple[tuple[Joining, Ground], ...], said: str
) -> None:
    plan = Plan.of(Names(), first, joining)
    assert (said in plan.obstacle, bool(plan.remedy), plan.steps) == (True, True, ())


def test_a_node_leaves_once_what_it_runs_is_elsewhere() -> None:
    there = Ground(replace(PLAIN, logging='{"live-restore": false}'), Swarm(Seat.WORKER, "n2"))
    plan = Plan.leaving(Names(), MANAGING, TWO, ("frontend",), "ops@two", there)
    assert named(plan) == [
        *((name, "") for name in ("pause", "respread", "drain", "idle")),
        *((name, "ops@two") for name in ("leave", "engine settings", "reload")),
        ("forget", ""),
    ]
    assert [step.argv for step in plan.needs_respread] == [("frontend",)]


def test_a_node_that_is_away_is_only_taken_off_the_list() -> None:
    away = replace(TWO, state="down", manager="unreachable")
    assert [name for name, _ in named(Plan.leaving(Names(), MANAGING, away, (), "", None))] == ["demote", "forget"]


def test_neither_the_host_of_the_settings_leaves_nor_the_last_that_could_run_a_release() -> None:
    assert "--no-swarm" in Plan.leaving(Names(), MANAGING, ONE, (), "", None).remedy
    full = replace(MANAGING, swarm=Swarm(Seat.MANAGER, "n1", (replace(ONE, availability="drain"), TWO)))
    assert "No other node" in Plan.leaving(Names(), full, TWO, ("frontend",), "", None).obstacle


def test_the_way_back_is_open_once_nothing_runs_in_the_swarm_and_nobody_else_is_in_it() -> None:
    running = replace(MANAGING, swarm=Swarm(Seat.MANAGER, "n1", (ONE,), ("frontend", "frontend-blue")))
    assert Plan.back(Names(), running).obstacle == "Releases still run in the swarm: frontend."
    assert "two" in Plan.back(Names(), MANAGING).obstacle
    facts = replace(PLAIN, logging=swarm.settings_of(PLAIN, live_restore=False))
    alone = replace(MANAGING, facts=facts, swarm=Swarm(Seat.MANAGER, "n1", (ONE,)))
    plan = Plan.back(Names(), alone)
    assert [step.name for step in plan.steps] == ["overlay", "leave", "engine settings", "reload"]
    assert json.loads(plan.steps[2].stdin)["live-restore"] is True
    assert Plan.back(Names(), replace(ALONE, facts=READY)) == Plan()


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("ops@two:2222", "ops", "two", 2222),
        ("10.0.0.2", "", "10.0.0.2", None),
        ("[fd00::2]:22", "", "fd00::2", 22),
    ],
)
def test_a_host_that_is_to_join_is_read(text: str, user: str, host: str, port: int | None) -> None:
    assert joining_of([text]) == (Joining(text, user, host, port),)


def test_several_may_stand_in_one_and_each_counts_once() -> None:
    assert [each.host for each in joining_of(["one,two", "two, three"])] == ["one", "two", "three"]


@pytest.mark.parametrize("text", ["a b", "two:0", "two:70000", "o'x@two", "http://two"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with raises(Kind.USAGE, match="--join"):
        joining_of([text])


def test_another_host_is_reached_by_the_same_key_and_is_of_no_environment() -> None:
    ours = Settings(host="one", port=2022, user="me", domain="shop.example", engine="swarm", environment="staging")
    assert Joining("two", host="two").settings(ours) == Settings(host="two", user="me")
    assert Joining("ops@one:23", "ops", "one", 23).settings(ours).port == 23
    assert Joining("two", host="two").named(ours) == "BEHINDY_HOST=two"
    assert Joining("ops@two:23", "ops", "two", 23).named(ours) == "BEHINDY_HOST=two BEHINDY_PORT=23 BEHINDY_USER=ops"


def test_a_look_is_read() -> None:
    text = f"""@@ swarm_
seat none
@@ nodes_
@@ route
address 10.0.0.1
name one
@@ taken
10.214.0.0/24
fd00::/64
route 0000D70A 0000FFFF
@@ overlay
overlay true
@@ beside
postgres  db {NETWORK} {SHARED}
@@ end
"""
    ground = swarm.parse(read(text, "@@"), READY)
    assert (ground.swarm.seat, ground.name, ground.address, ground.overlay) == (Seat.NONE, "one", "10.0.0.1", "yes")
    assert ground.taken == (IPv4Network("10.214.0.0/24"), IPv4Network("10.215.0.0/16"))
    assert ground.beside == (Beside("postgres", "db", (NETWORK, SHARED)),)


FACTS = Answer(
    "@ system\n@ login\nuser admin\nroot yes\n@ docker\nengine 26.1.5\nrunning 3\nlive {live}\n@ memory\n"
    "swappiness 10\n@ clock\nnow 1\n@ logging\n{{}}\n@ timers\n@ files\n@ certificate\n@ end\n"
)


def facts(live: str = "false") -> Answer:
    return Answer(FACTS.stdout.format(live=live))


def looked(seat: str, *more: str, overlay: str = "", node: str = "") -> Answer:
    lines = (
        "@ swarm_",
        f"seat {seat}",
        f"node {node}" if node else "",
        *more,
        "@ route",
        "address 10.0.0.1",
        "name one",
    )
    return Answer("\n".join((*lines, "@ taken", "@ overlay", overlay, "@ beside", "@ end", "")))


def node_line(name: str, **more: object) -> str:
    usual = {"availability": "active", "state": "ready", "address": "", "version": "26", "memory": 1, "manager": None}
    return json.dumps({"id": f"id-{name}", "name": name, "labels": {"behindy.apps": "true"}} | usual | more)


LEADER = node_line("one", manager={"Leader": True, "Addr": "10.0.0.1:2377"})
MADE = looked("manager", "@ nodes_", LEADER, overlay="overlay true", node="id-one")


def run(first: Scripted, *others: Scripted, join: str = "", answer: bool = True) -> None:
    left = list(others)
    swarm.set_up(
        lambda: nullcontext(first.session),
        lambda _: nullcontext(left.pop(0).session),
        lambda _: answer,
        joining_of([join] if join else []),
    )


def test_a_host_that_joins_is_asked_with_the_token_on_its_standard_input() -> None:
    steps = [Answer("SWMTKN-1-x\n"), Answer()]  # the token, the label
    first = scripted(host__facts=facts(), host__swarm_look=MADE, host__swarm=steps)
    other = scripted(host__facts=facts(), host__swarm_look=looked("none"), host__swarm=Answer("node n2\n"))
    run(first, other, join="ops@two")
    (join,) = [command for command in other.host.commands if command.argv[4:5] == ("join",)]
    asked = json.loads(join.stdin)
    assert (asked["JoinToken"], asked["RemoteAddrs"]) == ("SWMTKN-1-x", ["10.0.0.1:2377"])
    assert not any(
        "SWMTKN" in word for there in (first, other) for command in there.host.commands for word in command.argv
    )
    labelled = next(command.argv[4:] for command in first.host.commands if command.argv[4:5] == ("label",))
    assert labelled == ("label", "n2", "behindy.apps=true", "behindy.ssh=ops@two")


def test_a_second_run_says_that_there_is_nothing_to_do_and_takes_no_lock() -> None:
    first = scripted(host__facts=facts(), host__swarm_look=MADE)
    run(first)
    assert ("nothing to do" in first.told(), first.host.locked) == (True, [])


def test_a_no_changes_nothing() -> None:
    first = scripted(host__facts=facts(), host__swarm_look=looked("none"))
    run(first, answer=False)
    assert ("Make a swarm" in first.told(), first.host.locked) == (True, [])


def test_where_the_login_may_not_become_root_that_is_said() -> None:
    refused = Answer(facts("true").stdout.replace("root yes\n", ""))
    with raises(Kind.HOST_NOT_READY, match="may not use sudo"):
        run(scripted(host__facts=refused, host__swarm_look=looked("none")))


def test_a_step_that_fails_says_that_those_before_it_stay_done() -> None:
    first = scripted(host__facts=facts(), host__swarm_look=looked("none"), host__swarm=Answer("no route", 1))
    with raises(Kind.SETUP_FAILED, match="continues from there"):
        run(first)


SECOND_LINE = node_line("two", labels={"behindy.apps": "true", "behindy.ssh": "two"})  # an @ would be the mark
BOTH = looked("manager", "@ nodes_", LEADER, SECOND_LINE, overlay="overlay true", node="id-one")


def leave(first: Scripted, other: Scripted, name: str, respread: list[str]) -> None:
    swarm.leave(
        lambda: nullcontext(first.session),
        lambda _: nullcontext(other.session),
        lambda _: True,
        name,
        respread.append,
    )


def of_a_swarm(first: Scripted) -> Scripted:
    first.session.settings = replace(first.session.settings, engine="swarm")
    return first


def test_what_a_node_runs_is_deployed_again_between_two_locks() -> None:
    runs = Answer("frontend\nfrontend-blue\n")
    first = of_a_swarm(scripted(host__facts=facts(), host__swarm_look=BOTH, host__swarm=[runs, runs, Answer()]))
    other = scripted(host__facts=facts(), host__swarm_look=looked("worker", node="id-two"), host__swarm=Answer())
    respread: list[str] = []
    leave(first, other, "two", respread)
    task = "host.setup --swarm --leave two"
    assert (respread, first.host.locked) == (["frontend"], [task, "", task])
    done = [command.argv[4:] for command in first.host.commands if command.argv[3] == "host/swarm"]
    assert [words[0] for words in done] == ["runs", "runs", "availability", "availability", "idle", "forget"]
    assert [command.argv[4] for command in other.host.commands if command.argv[3] == "host/swarm"] == ["leave"]


def test_a_node_that_is_none_or_that_runs_releases_of_an_engine_not_set_stays() -> None:
    first = scripted(host__facts=facts(), host__swarm_look=BOTH, host__swarm=Answer("frontend\n"))
    other = scripted(host__facts=facts(), host__swarm_look=looked("worker", node="id-two"))
    with raises(Kind.USAGE, match="one, two"):
        leave(first, other, "three", [])
    with raises(Kind.SETTINGS, match="BEHINDY_ENGINE"):
        leave(first, other, "two", [])


def test_the_way_back_is_carried_out_or_refused() -> None:
    first = scripted(host__facts=facts(), host__swarm_look=MADE, host__swarm=Answer())
    swarm.dissolve(lambda: nullcontext(first.session), lambda _: True)
    assert [command.argv[4] for command in first.host.commands if command.argv[3] == "host/swarm"] == [
        "disband",
        "leave",
    ]
    with raises(Kind.HOST_NOT_READY, match="two"):
        swarm.dissolve(
            lambda: nullcontext(scripted(host__facts=facts(), host__swarm_look=BOTH).session), lambda _: True
        )
