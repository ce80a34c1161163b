"""A service of several containers on a simulated host: put live, taken back and healed as one."""

from __future__ import annotations

import contextlib
import copy
import functools
import itertools
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.deploy import queue, replicas
from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.plan import commands
from behindy_ops.deploy.state import begin as begin_state
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.facts.release import Labels
from behindy_ops.project.services import Once
from behindy_ops.project.services import replicas as replicas_of
from behindy_ops.report.events import Plan
from tests.kinds import raises
from tests.simulator.faults import Fault, heal, plan, plan_during
from tests.simulator.scripts import each_of
from tests.simulator.simulation import SERVICES, Behaviour, ClientKilled, Simulation
from tests.simulator.start import RELEASES
from tests.simulator.test_deploys import decisions, history, live, outcomes, sent, tag, warnings

if TYPE_CHECKING:
    from behindy_ops.host.command import Command

FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"

NAMES = ("frontend", "frontend-2", "frontend-3")
WEB = replace(SERVICES["frontend"], replicas=3)


@functools.cache
def _seed() -> Simulation:
    simulation = Simulation({"frontend": WEB})
    simulation.world.available *= 2
    for name, behaviour in {"first": Behaviour(), "second": Behaviour(), "mended": Behaviour(), **RELEASES}.items():
        simulation.push("frontend", name, behaviour)
    simulation.deploy(tag="first")
    simulation.deploy(tag="second")
    simulation.forget()
    return simulation


@pytest.fixture
def host() -> Simulation:
    """A service of three containers, deployed twice."""
    return copy.deepcopy(_seed())


def as_one(simulation: Simulation) -> str:
    """The tag of all containers, which have the same release and nothing beside them."""
    assert [simulation.rules.at_rest(name) for name in NAMES] == ["", "", ""]
    found = {(live(simulation, name).labels[Labels.release], tag(simulation, name)) for name in NAMES}
    assert len(found) == 1, found
    return found.pop()[1]


def test_all_are_healthy_before_any_gets_its_name_and_the_previous_ones_are_drained_together(host: Simulation) -> None:
    before = [live(host, name) for name in NAMES]
    host.deploy(tag="mended")
    scripts = sent(host)
    order = [name for name, _ in itertools.groupby(each for each in scripts if each != "tidy")]
    assert order == [
        "pull", "start_green", "assets", "start_green",
        *("look_inside", "look_outside") * 3,
        "swap",
        *("look_outside", "watch") * 3,
        *("leave", "verify") * 3,
    ]  # fmt: skip
    assert scripts.count("swap") == scripts.count("leave") == scripts.count("start_green") == 3
    assert as_one(host) == "mended"
    assert outcomes(host) == ["live"]
    assert not [box for box in before if box.id in host.world.engine.boxes]
    assert live(host, "frontend-2").labels[Labels.replica_of] == "frontend"
    assert Labels.replica_of not in live(host).labels


def test_a_host_that_has_no_room_for_all_candidates_at_once_refuses_all(host: Simulation) -> None:
    host.world.available = 1000 * 2**20
    with raises(Kind.NOT_ENOUGH_MEMORY) as caught:
        host.deploy(tag="mended")
    assert "needs about 1200 MB for 3 containers; 1000 MB available" in caught.value.what
    assert as_one(host) == "second"


def test_the_same_release_again_changes_nothing_unless_one_of_them_is_missing(host: Simulation) -> None:
    host.deploy(tag="second")
    assert outcomes(host) == ["unchanged"]
    host.rules.announced.add("frontend-3")
    host.world.engine.rename(live(host, "frontend-3").id, "frontend-3-elsewhere")
    host.deploy(tag="second")
    assert outcomes(host) == ["unchanged", "live"]
    assert "Redeploying the same image: frontend-3 is not there." in decisions(host)
    assert as_one(host) == "second"
    assert host.world.engine.named("frontend-3-elsewhere") is None
    assert ("frontend-3", live(host, "frontend-3").labels[Labels.release]) in host.world.dirs


@pytest.mark.parametrize(
    ("release", "kind"),
    [
        ("exits", Kind.RELEASE_REFUSED),
        ("bad-inside", Kind.RELEASE_REFUSED),
        ("bad-through-nginx", Kind.RELEASE_REFUSED),
        ("bad-in-public", Kind.SWITCHED_BACK),
        ("dies-while-watched", Kind.SWITCHED_BACK),
    ],
)
def test_a_bad_release_is_taken_back_everywhere(host: Simulation, release: str, kind: Kind) -> None:
    with raises(kind):
        host.deploy(tag=release)
    assert as_one(host) == "second"


@pytest.mark.parametrize("victim", NAMES)
@pytest.mark.parametrize(
    ("script", "kind"), [("look_inside", Kind.RELEASE_REFUSED), ("watch", Kind.SWITCHED_BACK)], ids=["before", "after"]
)
def test_where_one_of_them_fails_none_stays(host: Simulation, victim: str, script: str, kind: Kind) -> None:
    done: list[str] = []

    def strike() -> None:
        box = host.world.engine.named(victim if script == "watch" else f"{victim}-green")
        under_way = any(process.name == script for process in host.world.processes)
        new = box is not None and box.labels[Labels.tag] == "mended" and box.running
        if box is not None and new and under_way and not done:
            done.append(victim)
            host.world.engine.kill(box.id)

    host.world.checks.append(strike)
    host.rules.announced |= (
        set(NAMES) if script == "watch" else set()
    )  # who asks a container that crashed gets an error
    with raises(kind):
        host.deploy(tag="mended")
    assert done
    assert as_one(host) == "second"
    assert {entry["outcome"] for entry in history(host) if entry["event"] == "ended"} <= {"refused", "switched back"}


def test_they_are_rolled_back_and_restarted_as_one(host: Simulation) -> None:
    host.roll_back("frontend")
    assert as_one(host) == "first"
    before = {live(host, name).id for name in NAMES}
    host.restart("frontend")
    assert as_one(host) == "first"
    assert not before & {live(host, name).id for name in NAMES}
    host.recover("frontend")
    assert "frontend: steady; nothing to do." in decisions(host)


def declare(simulation: Simulation, count: int) -> None:
    known = Simulation({"frontend": replace(WEB, replicas=count)}).world.services
    simulation.rules.stood -= simulation.world.services.keys() - known.keys()
    simulation.world.services.clear()
    simulation.world.services.update(known)


def test_one_more_is_started_and_one_too_many_is_drained(host: Simulation) -> None:
    declare(host, 4)
    host.deploy(tag="second")
    assert tag(host, "frontend-4") == "second"
    assert as_one(host) == "second"
    declare(host, 3)
    spare = live(host, "frontend-4")
    spare.busy = host.world.now + 8
    host.deploy(tag="second")
    assert "frontend-4 is no longer declared (x-deploy.replicas): it is drained and removed." in decisions(host)
    assert spare.id not in host.world.engine.boxes
    assert host.world.now >= spare.busy
    assert as_one(host) == "second"


def test_from_three_to_one_and_back(host: Simulation) -> None:
    declare(host, 1)
    host.deploy(tag="mended")
    assert [box.name for box in host.world.engine.boxes.values()] == ["nginx", "frontend"]
    declare(host, 3)
    host.deploy(tag="mended")
    assert as_one(host) == "mended"


def test_a_rollback_to_before_there_were_several_makes_all_of_that_release(host: Simulation) -> None:
    declare(host, 1)
    host.deploy(tag="first")
    declare(host, 3)
    host.deploy(tag="mended")
    host.roll_back("frontend")
    assert as_one(host) == "first"


def sent_by(simulation: Simulation) -> list[Command]:
    return [each for command in simulation.connections[-1].sent for each in each_of(command)]


def test_a_deploy_sends_what_its_plan_shows_for_each_of_them(host: Simulation) -> None:
    with host.connect() as session:
        survey = session.look()
    state = begin_state(WEB, Goal(tag="mended"), host.settings, survey)
    planned = [command for known, items in replicas.planned(state) for _, command in commands(items, known)]
    host.deploy(tag="mended")
    assert [each.title for each in planned if each.title != "remove old images"] == [
        each.title for each in sent_by(host) if each.title != "remove old images"
    ]
    queue.show_plan(host.connect, [WEB], Goal(tag="first"))
    (shown,) = (event for event in host.events if isinstance(event, Plan))
    assert sum(line.startswith("switch ") for line in shown.lines) == 3


AT_ONCE = (Fault.KILLED, Fault.VANISHED, Fault.CUT, Fault.ASLEEP, Fault.SIGNAL, Fault.SIGNAL_LATE, Fault.REBOOT,
           Fault.DOCKERD_LONG, Fault.SECOND)  # fmt: skip


@pytest.mark.parametrize("fault", AT_ONCE, ids=lambda fault: fault.name)
@pytest.mark.parametrize("tick", range(1, 340, 1 if FULL else 23))
def test_whatever_strikes_they_come_to_rest_as_one(host: Simulation, fault: Fault, tick: int) -> None:
    plan(host, tick, fault)
    with contextlib.suppress(BehindyError, ClientKilled):
        host.deploy(tag="mended")
    heal(host)
    assert as_one(host) in ("second", "mended")


@pytest.mark.parametrize("which", [1, 2, 3])
@pytest.mark.parametrize("tick", [1, 2, 3])
@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.REBOOT, Fault.SIGNAL], ids=lambda fault: fault.name)
def test_what_strikes_between_two_switches_leaves_them_as_one(
    host: Simulation, fault: Fault, tick: int, which: int
) -> None:
    """At the beginning of the ``which``-th renames."""
    seen = strike_at(host, which, fault, tick=tick)
    with contextlib.suppress(BehindyError, ClientKilled):
        host.deploy(tag="mended")
    heal(host)
    assert len(seen) >= which
    undone = fault is Fault.KILLED and which < 3  # a client that lives on begins again, or goes on to the end
    assert as_one(host) in (("second",) if undone else ("second", "mended"))


def strike_at(host: Simulation, which: int, fault: Fault, *, tick: int = 1) -> list[object]:
    """Let it strike so many ticks into the ``which``-th renames; all that there were are in the list in the end."""
    seen: list[object] = []

    def look() -> None:
        for process in host.world.processes:
            if process.name == "swap" and process not in seen:
                seen.append(process)
                if len(seen) == which:
                    plan(host, tick, fault)

    host.world.checks.append(look)
    return seen


def with_after() -> Simulation:
    """What runs once a release is live is declared now."""
    host = copy.deepcopy(_seed())
    web = replace(WEB, after=Once(("tell",), 5.0))
    host.world.services.update({each.name: each for each in replicas_of(web)})
    return host


def test_what_runs_once_a_release_is_live_runs_when_nothing_of_the_previous_one_serves() -> None:
    host = with_after()
    beside: set[str] = set()
    seen: list[str] = []
    for name in NAMES:
        live(host, name).busy = host.world.now + 9

    def look() -> None:
        if (after := host.world.engine.named("frontend-after")) is not None:
            seen.append(after.id)
            beside.update(name for name in NAMES if host.world.engine.named(f"{name}-blue") is not None)

    host.world.checks.append(look)
    host.deploy(tag="mended")
    assert len(set(seen)) == 1
    assert beside == set()
    assert as_one(host) == "mended"


@pytest.mark.parametrize("which", [1, 2, 3])
def test_a_run_with_downtime_that_dies_between_two_switches_is_undone(host: Simulation, which: int) -> None:
    host.rules.announced |= set(NAMES)
    seen = strike_at(host, len(NAMES) + which, Fault.KILLED, tick=1)
    with contextlib.suppress(BehindyError, ClientKilled):
        host.deploy(tag="mended", strategy="recreate")
    heal(host)
    assert len(seen) > len(NAMES)
    as_one(host)


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.REBOOT, Fault.KILLED, Fault.SIGNAL], ids=lambda fault: fault.name)
@pytest.mark.parametrize("script", ["swap", "watch", "leave", "verify", "drain", "stop_blue"])
def test_one_too_many_goes_whatever_strikes(host: Simulation, script: str, fault: Fault) -> None:
    declare(host, 2)
    plan_during(host, script, fault)
    with contextlib.suppress(BehindyError, ClientKilled):
        host.deploy(tag="mended")
    heal(host)
    names = {box.name for box in host.world.engine.boxes.values()}
    assert names == {"nginx", "frontend", "frontend-2"}
    assert tag(host) == tag(host, "frontend-2")


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.REBOOT, Fault.CUT], ids=lambda fault: fault.name)
@pytest.mark.parametrize("which", [1, 2, 3, 4])
def test_with_one_more_they_are_put_live_and_taken_back_as_one(host: Simulation, which: int, fault: Fault) -> None:
    declare(host, 4)
    seen = strike_at(host, which, fault)
    with contextlib.suppress(ClientKilled):
        host.deploy(tag="mended")
    heal(host)
    assert len(seen) >= which
    assert as_one(host) in ("second", "mended")
    if (further := host.world.live("frontend-4")) is not None:
        assert further.labels[Labels.tag] == tag(host)


def test_a_spare_that_cannot_be_removed_fails_nothing_and_is_told(host: Simulation) -> None:
    declare(host, 2)
    plan_during(host, "stop_blue", Fault.STUCK)
    host.deploy(tag="mended")
    assert outcomes(host) == ["live"]
    assert "frontend-3 could not be removed; the next deploy will." in "".join(warnings(host))
    host.world.pass_time(60)
    host.recover()
    assert {box.name for box in host.world.engine.boxes.values()} == {"nginx", "frontend", "frontend-2"}
    assert not [place for place in host.world.dirs if place[0] == "frontend-3"]


def test_a_further_one_that_is_new_and_fails_leaves_the_others_as_they_were_and_says_so(host: Simulation) -> None:
    host.rules.announced.add("frontend-2")
    host.world.engine.rename(live(host, "frontend-2").id, "gone")
    host.world.engine.remove("gone")
    done: list[str] = []

    def strike() -> None:
        box = host.world.engine.named("frontend-2")
        if box is not None and not done and any(process.name == "watch" for process in host.world.processes):
            done.append(box.id)
            host.world.engine.kill(box.id)

    host.world.checks.append(strike)
    with raises(Kind.SWITCHED_BACK) as caught:
        host.deploy(tag="mended")
    assert "nothing serves it" not in caught.value.state
    assert (tag(host), tag(host, "frontend-3"), host.world.live("frontend-2")) == ("second", "second", None)
    host.recover()
    assert "Frontend-2 is not there: deploy what is live of frontend once more." in warnings(host)


def test_an_nginx_that_does_not_know_of_several_refuses_the_further_ones(host: Simulation) -> None:
    host.world.knows_replicas = False
    with raises(Kind.NGINX_NOT_READY):
        host.deploy(tag="mended")
    assert as_one(host) == "second"


def test_two_images_stay_however_many_containers_there_are(host: Simulation) -> None:
    for name in ("mended", "first", "slow"):
        host.deploy(tag=name)
        held = {image.id for image in host.world.engine.images.values() if any("frontend" in tag for tag in image.tags)}
        assert len(held) == 2, name


def test_what_would_be_put_in_order_first_is_told_of_each(host: Simulation) -> None:
    plan_during(host, "swap", Fault.KILLED)
    with contextlib.suppress(ClientKilled):
        host.deploy(tag="mended")
    host.world.pass_time(90)
    queue.show_plan(host.connect, [WEB], Goal(tag="mended"))
    told = [line for line in warnings(host) if ": first, " in line]
    assert {line.partition(":")[0] for line in told} == set(NAMES)


def test_a_strategy_with_downtime_needs_no_more_memory_than_it_frees(host: Simulation) -> None:
    host.world.available, host.world.used = 600 * 2**20, 350 * 2**20
    with raises(Kind.NOT_ENOUGH_MEMORY):
        host.deploy(tag="mended")
    host.rules.announced |= set(NAMES)
    host.deploy(tag="mended", strategy="recreate")
    assert as_one(host) == "mended"
