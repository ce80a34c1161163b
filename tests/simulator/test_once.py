"""What runs once in each new release, before its candidate starts and once it is live, on a simulated host."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from behindy_ops.deploy import plan as plans
from behindy_ops.deploy import queue
from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.hooks import Hooks
from behindy_ops.deploy.state import begin as begin_state
from behindy_ops.errors import BehindyError, Interrupted, Kind
from behindy_ops.facts.leftovers import Recovery
from behindy_ops.project.services import Once
from behindy_ops.report.events import Logs
from tests.kinds import raises
from tests.simulator.faults import Fault, plan, plan_during
from tests.simulator.scripts import each_of
from tests.simulator.simulation import SERVICES, Behaviour, ClientKilled, Simulation
from tests.simulator.test_deploys import decisions, ended, history, sent, steps, tag, warnings
from tests.simulator.test_plan import assert_as_planned, planned_of

FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"

BEFORE, AFTER = Once(("manage", "migrate"), 30.0), Once(("manage", "warm"), 30.0)
STAYS = "What x-deploy.before of frontend has done, such as to the database, stays."


def begin(*, before: Once | None = BEFORE, after: Once | None = None) -> Simulation:
    """Have frontend live at ``second``, deployed twice; it runs these once in each release."""
    simulation = Simulation({"frontend": replace(SERVICES["frontend"], before=before, after=after)})
    for name, behaviour in {
        "first": Behaviour(),
        "second": Behaviour(),
        "mended": Behaviour(),
        "fails": Behaviour(once=(1.0, 3)),
        "takes-long": Behaviour(once=(1000.0, 0)),
        "bad-inside": Behaviour(inside=500),
        "bad-in-public": Behaviour(outside=500),
    }.items():
        simulation.push("frontend", name, behaviour)
    simulation.deploy("frontend", tag="first")
    simulation.deploy("frontend", tag="second")
    simulation.forget()
    return simulation


def at_rest(simulation: Simulation) -> tuple[str, str]:
    return tag(simulation), simulation.rules.at_rest("frontend")


def status(simulation: Simulation) -> str:
    """Of the release that was made last."""
    return simulation.world.dirs[max(simulation.world.dirs)].status


def test_before_runs_once_behind_the_pull_and_before_the_candidate() -> None:
    host = begin()
    host.deploy("frontend", tag="mended")
    assert sent(host)[:4] == ["pull", "once", "attend", "start_green"]
    assert steps(host)[2:6] == ["pull", "before", "before", "start"]
    (once,) = [command for command in host.connections[-1].sent if command.argv[3] == "deploy/once"]
    assert once.argv[-2:] == ("manage", "migrate")
    (logs,) = [event for event in host.events if isinstance(event, Logs)]
    assert (logs.title, logs.lines) == ("Last 1 line of frontend-before", ("migrating",))
    assert at_rest(host) == ("mended", "")
    assert [entry["event"] for entry in history(host)] == ["begun", "ended", "drained"]
    assert ended(host)[-1]["seconds"]["before"] > 1


def test_the_plan_shows_both_and_they_are_what_is_sent() -> None:
    host = begin(after=AFTER)
    service = host.world.services["frontend"]
    with host.connect() as session:
        survey = session.look()
    planned = planned_of(host, survey, service, Goal(tag="mended"))
    host.deploy("frontend", tag="mended")
    known = assert_as_planned(planned, [each for command in host.connections[-1].sent for each in each_of(command)])
    assert {"before", "after"} <= known.keys()
    lines = plans.as_lines(plans.steps(state := begin_state(service, Goal(), host.settings, survey)), state)
    assert [line.split()[0] for line in lines if line.startswith(("before", "after"))] == ["before"] * 2 + ["after"] * 2


@pytest.mark.parametrize(
    ("release", "why"),
    [("fails", "exit code 3"), ("takes-long", "it took longer than its 30 s and was stopped")],
)
def test_a_before_that_fails_refuses_the_release_and_says_that_what_it_did_stays(release: str, why: str) -> None:
    host = begin()
    before = host.world.live("frontend")
    with raises(Kind.RELEASE_REFUSED) as caught:
        host.deploy("frontend", tag=release)
    assert caught.value.what == f"x-deploy.before of frontend failed: {why}."
    assert caught.value.state == f"The live release was never touched and is still running. {STAYS}"
    assert caught.value.lines == ("migrating",)
    assert "start_green" not in sent(host)
    assert (host.world.live("frontend"), host.rules.at_rest("frontend")) == (before, "")
    assert (status(host), ended(host)[-1]["outcome"]) == ("failed", "refused")
    host.deploy("frontend", tag="mended")
    assert at_rest(host) == ("mended", "")


def test_a_release_that_fails_later_says_it_too() -> None:
    for release, error in (("bad-inside", Kind.RELEASE_REFUSED), ("bad-in-public", Kind.SWITCHED_BACK)):
        with raises(error) as caught:
            begin().deploy("frontend", tag=release)
        assert caught.value.state.endswith(STAYS)


def test_a_release_that_is_made_once_more_runs_neither() -> None:
    host = begin(after=AFTER)
    host.roll_back("frontend")
    host.restart("frontend")
    assert not {"once", "attend"} & {name for number in (-1, -2) for name in sent(host, number)}
    assert at_rest(host) == ("first", "")


def test_with_a_downtime_it_runs_while_the_old_release_still_serves_and_its_failure_stops_nothing() -> None:
    host = begin()
    host.recreate("frontend", tag="mended")
    assert sent(host)[:5] == ["pull", "once", "attend", "swap", "stop"]
    assert at_rest(host) == ("mended", "")
    host.forget()
    live = host.world.live("frontend")
    with raises(Kind.RELEASE_REFUSED) as caught:
        host.recreate("frontend", tag="fails")
    assert caught.value.state == f"The live release was never touched and is still running. {STAYS}"
    assert sent(host)[:5] == ["pull", "once", "attend", "discard", "record"]
    assert warnings(host) == [], "no downtime is announced"
    assert (status(host), ended(host)[-1]["outcome"]) == ("failed", "refused")
    assert (host.world.live("frontend"), host.rules.at_rest("frontend")) == (live, "")


def test_a_release_that_fails_after_it_brings_the_old_one_back_and_says_what_stays() -> None:
    host = begin()
    with raises(Kind.RELEASE_REFUSED) as caught:
        host.recreate("frontend", tag="bad-inside")
    assert caught.value.state == f"The previous release serves again, checked from outside. {STAYS}"
    assert at_rest(host) == ("second", "")


def test_a_signal_between_it_and_the_candidate_brings_the_old_one_back_and_is_recorded() -> None:
    host = begin()
    plan_during(host, "stop", Fault.SIGNAL)
    with pytest.raises(Interrupted) as stopped:
        host.recreate("frontend", tag="mended")
    assert STAYS in stopped.value.state
    assert (at_rest(host), ended(host)[-1]["outcome"]) == (("second", ""), "interrupted")


@pytest.mark.parametrize("overlap", [True, False])
def test_where_it_would_not_fit_or_two_must_not_run_it_runs_while_the_old_release_is_stopped(*, overlap: bool) -> None:
    host = begin()
    if overlap:
        host.world.available, host.world.used = 100 * 2**20, 300 * 2**20
    else:
        host.world.services["frontend"] = replace(host.world.services["frontend"], overlap=False)
    host.recreate("frontend", tag="mended")
    assert sent(host)[:5] == ["pull", "swap", "stop", "once", "attend"]
    with raises(Kind.RELEASE_REFUSED) as caught:
        host.recreate("frontend", tag="fails")
    assert caught.value.state == f"The previous release serves again, checked from outside. {STAYS}"
    assert at_rest(host) == ("mended", "")


@pytest.mark.parametrize("fault", [*Fault])
def test_a_fault_at_any_moment_of_a_downtime_heals(fault: Fault) -> None:
    for after in range(1, 160, 1 if FULL else 31):
        host = begin()
        plan(host, after, fault)
        with contextlib.suppress(BehindyError, ClientKilled):
            host.recreate("frontend", tag="mended")
        host.world.plan.clear()
        host.world.pass_time(90)
        with contextlib.suppress(BehindyError):
            host.recover()
        host.world.pass_time(20)
        host.deploy("frontend", tag="first")
        assert at_rest(host) == ("first", ""), f"{fault} {after} ticks into it"


def test_after_runs_when_the_release_is_live_and_the_previous_one_gone() -> None:
    host = begin(before=None, after=AFTER)
    seen: list[bool] = []
    host.world.checks.append(
        lambda: (
            seen.append(host.world.engine.named("frontend-blue") is None)
            if any(process.name == "once" for process in host.world.processes)
            else None
        )
    )
    host.deploy("frontend", tag="mended")
    assert sent(host)[-3:] == ["once", "attend", "verify"]
    assert seen
    assert all(seen)
    assert (at_rest(host), status(host), warnings(host)) == (("mended", ""), "stands", [])


def test_an_after_that_fails_leaves_the_release_live_and_is_told_in_the_end_and_in_the_history() -> None:
    host = begin(before=None, after=AFTER)
    with raises(Kind.AFTER_FAILED) as caught:
        host.deploy("frontend", tag="fails")
    assert caught.value.what == "x-deploy.after of frontend failed: exit code 3."
    assert caught.value.state == "The new release of frontend is live and stays."
    assert (at_rest(host), status(host)) == (("fails", ""), "stands")
    assert warnings(host) == ["x-deploy.after of frontend failed: exit code 3. The release is live and stays."]
    assert (ended(host)[-1]["outcome"], ended(host)[-1]["reason"]) == ("live", caught.value.what)


def test_one_that_a_dead_client_left_running_is_stopped_before_another_runs() -> None:
    host = begin()
    plan_during(host, "attend", Fault.KILLED)
    with pytest.raises(ClientKilled):
        host.deploy("frontend", tag="takes-long")
    left = host.world.engine.named("frontend-before")
    assert left is not None
    assert left.status == "running"
    host.forget()
    host.deploy("frontend", tag="mended")
    assert f"frontend: {Recovery.END_BEFORE.value}." in decisions(host)
    assert left.id not in host.world.engine.boxes
    assert sent(host)[:4] == ["stop_blue", "survey", "record", "pull"]
    assert at_rest(host) == ("mended", "")


def test_an_after_that_was_cut_off_is_stopped_and_told() -> None:
    host = begin(before=None, after=AFTER)
    plan_during(host, "attend", Fault.CUT)
    with raises(Kind.AFTER_FAILED) as caught:
        host.deploy("frontend", tag="takes-long")
    assert "The connection was lost before x-deploy.after of frontend was known to have ended." in caught.value.what
    assert f"frontend: {Recovery.END_AFTER.value}." in decisions(host)
    assert caught.value.remedy.endswith("inv ops.run frontend -- manage warm")
    assert not [text for text in warnings(host) if "not run again" in text], "the error says it"
    assert at_rest(host) == ("takes-long", "")


UNKNOWN = "If the run that died was a deploy, x-deploy.after of frontend may not have run to its end."
AGAIN = "It is not run again; to run it: inv ops.run frontend -- manage warm"


@pytest.mark.parametrize(
    ("release", "struck", "told"),
    [
        ("takes-long", "attend", [f"x-deploy.after of frontend was cut off. {AGAIN}"]),
        ("mended", "drain", [f"{UNKNOWN} {AGAIN}"]),
        ("mended", "look_inside", []),
    ],
)
@pytest.mark.parametrize("next_", ["recover", "deploy"])
def test_the_next_command_tells_of_an_after_that_a_dead_client_may_not_have_run(
    release: str, struck: str, told: list[str], next_: str
) -> None:
    host = begin(before=None, after=AFTER)
    plan_during(host, struck, Fault.KILLED)
    with pytest.raises(ClientKilled):
        host.deploy("frontend", tag=release)
    host.forget()
    if next_ == "recover":
        host.recover()
    else:
        host.deploy("frontend", tag="first")
    assert [text for text in warnings(host) if "x-deploy.after" in text] == told
    host.forget()
    host.recover()
    assert not warnings(host), "once"


def test_a_signal_ends_it_and_leaves_nothing() -> None:
    host = begin()
    plan_during(host, "attend", Fault.SIGNAL)
    with pytest.raises(Interrupted) as stopped:
        host.deploy("frontend", tag="takes-long")
    assert STAYS in stopped.value.state
    assert (at_rest(host), status(host), ended(host)[-1]["outcome"]) == (("second", ""), "failed", "interrupted")
    host = begin(before=None, after=AFTER)
    plan_during(host, "attend", Fault.SIGNAL)
    with pytest.raises(Interrupted) as stopped:
        host.deploy("frontend", tag="takes-long")
    assert "x-deploy.after of frontend was stopped, or not begun." in stopped.value.state
    host.recover()
    assert at_rest(host) == ("takes-long", "")


@pytest.mark.parametrize("fault", [*Fault])
@pytest.mark.parametrize("release", ["mended", "fails"])
def test_a_fault_at_any_moment_heals(fault: Fault, release: str) -> None:
    for after in range(1, 160, 1 if FULL else 29):
        host = begin(after=AFTER)
        plan(host, after, fault)
        with contextlib.suppress(BehindyError, ClientKilled):
            host.deploy("frontend", tag=release)
        host.world.plan.clear()
        host.world.pass_time(90)
        with contextlib.suppress(BehindyError):
            host.recover()
        host.world.pass_time(20)
        host.deploy("frontend", tag="first")
        assert at_rest(host) == ("first", ""), f"{fault} {after} ticks into the deploy of {release}"


@pytest.fixture
def hooks(tmp_path: Path) -> tuple[Simulation, Hooks]:
    host = begin(before=None)
    (tmp_path / "hooks").mkdir()
    for name in ("pre-deploy", "post-deploy"):
        file = tmp_path / "hooks" / name
        file.write_text(f'#!/bin/sh\necho {name} $BEHINDY_SERVICE $BEHINDY_TAG "$BEHINDY_RELEASE" >>told\n')
        file.chmod(0o755)
    return host, Hooks(tmp_path / "hooks", host.settings, host.events.append)


def deploy(host: Simulation, hooks: Hooks, release: str) -> None:
    queue.deploy(host.connect, [host.world.services["frontend"]], Goal(tag=release), hooks=hooks)


def told(hooks: Hooks) -> list[str]:
    return (hooks.folder.parent / "told").read_text().splitlines()


def test_the_hooks_run_around_a_deploy_and_the_second_knows_the_release(hooks: tuple[Simulation, Hooks]) -> None:
    host, of_project = hooks
    deploy(host, of_project, "mended")
    live = host.world.live("frontend")
    assert live is not None
    assert told(of_project) == [
        "pre-deploy frontend mended ",
        f"post-deploy frontend mended {live.labels['behindy.release']}",
    ]
    deploy(host, of_project, "mended")  # it is live already
    assert [line.split()[0] for line in told(of_project)] == ["pre-deploy", "post-deploy", "pre-deploy"]


def test_a_pre_deploy_that_fails_refuses_before_the_host_is_even_asked(hooks: tuple[Simulation, Hooks]) -> None:
    host, of_project = hooks
    (of_project.folder / "pre-deploy").write_text("#!/bin/sh\necho not today\nexit 3\n")
    with raises(Kind.RELEASE_REFUSED) as caught:
        deploy(host, of_project, "mended")
    assert caught.value.what == "hooks/pre-deploy failed for frontend: exit code 3."
    assert caught.value.lines == ("not today",)
    assert host.connections == []


def test_a_refused_release_has_no_post_deploy_and_a_failing_one_is_a_warning(hooks: tuple[Simulation, Hooks]) -> None:
    host, of_project = hooks
    with raises(Kind.RELEASE_REFUSED):
        deploy(host, of_project, "bad-inside")
    assert [line.split()[0] for line in told(of_project)] == ["pre-deploy"]
    (of_project.folder / "post-deploy").write_text("#!/bin/sh\nexit 3\n")
    deploy(host, of_project, "mended")
    assert warnings(host) == [
        "hooks/post-deploy failed for frontend: exit code 3. The release of frontend is live and stays."
    ]


def test_a_dry_run_tells_of_the_hooks_and_runs_none(hooks: tuple[Simulation, Hooks]) -> None:
    host, of_project = hooks
    queue.show_plan(host.connect, [host.world.services["frontend"]], Goal(tag="mended"), hooks=of_project)
    assert "hooks/pre-deploy is run on this machine before any of it." in decisions(host)
    assert not (of_project.folder.parent / "told").exists()
