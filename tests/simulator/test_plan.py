"""What is shown is what is run: the commands a deploy sends are exactly those of its plan.

What only an earlier step's answer tells stands in the plan by its name, in angle brackets; the same name always means
the same thing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from behindy_ops.deploy import goals, plan, queue
from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.state import begin as begin_state
from behindy_ops.deploy.state import unknown
from behindy_ops.errors import Kind
from behindy_ops.facts.release import Labels
from behindy_ops.report.events import Plan
from tests.kinds import raises
from tests.simulator.scripts import each_of
from tests.simulator.start import begin
from tests.unit.deploy.states import SERVICE, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.command import Command
    from behindy_ops.project.services import Service
    from tests.simulator.simulation import Simulation

IMAGES = unknown("images no rollback needs")


def bind(planned: Command, sent: Command, known: dict[str, str]) -> bool:
    """Whether a command is the planned one; what its placeholders stand for is added to ``known``."""
    if (planned.title, planned.changes) != (sent.title, sent.changes):
        return False
    if planned.argv[-1] == IMAGES:
        return planned.argv[:-1] == sent.argv[: len(planned.argv) - 1] and len(sent.argv) >= len(planned.argv)
    words = [*planned.argv, planned.stdin.decode()], [*sent.argv, sent.stdin.decode()]
    return len(words[0]) == len(words[1]) and all(
        _bind_word(want, got, known) for want, got in zip(*words, strict=True)
    )


def _bind_word(planned: str, sent: str, known: dict[str, str]) -> bool:
    names = re.findall(r"<([a-z +0-9]+)>", planned)
    parts = re.split(r"(<[a-z +0-9]+>)", planned)
    pattern = "".join(r"([^\n]+?)" if part.startswith("<") else re.escape(part) for part in parts)
    matched = re.fullmatch(pattern, sent)
    if matched is None:
        return False
    for name, value in zip(names, matched.groups(), strict=True):
        if name == "history line":  # each is another, with the moment in it
            continue
        base, plus, milliseconds = name.partition("+")
        meant = str(int(value) - int(milliseconds)) if plus else value
        if known.setdefault(base, meant) != meant:
            return False
    return True


def assert_as_planned(planned: Sequence[Command], sent: Sequence[Command]) -> dict[str, str]:
    """Compare; a health check that is attempted again is the same command, and images may turn out to be none."""
    known: dict[str, str] = {}
    left = [command for command, _ in groupby(sent)]
    for command in planned:
        if left and bind(command, left[0], known):
            left.pop(0)
        else:
            assert command.argv[-1] == IMAGES, (command.title, [each.title for each in left])
    assert not left, [command.title for command in left]
    return known


def planned_of(host: Simulation, survey: Survey, service: Service, goal: Goal) -> list[Command]:
    state = begin_state(service, goal, host.settings, survey)
    return [command for _, command in plan.commands(plan.steps(state), state)]


def plan_then_run(
    host: Simulation, service: str, choose: Callable[[Survey, Service], Goal], run: Callable[[], None]
) -> dict[str, str]:
    with host.connect() as session:
        survey = session.look()
    planned = planned_of(host, survey, host.world.services[service], choose(survey, host.world.services[service]))
    run()
    sent = [each for command in host.connections[-1].sent for each in each_of(command)]
    known = assert_as_planned(planned, sent)
    live = host.world.live(service)
    assert live is not None
    assert known["release"] == live.labels[Labels.release]
    assert known["candidate"] == live.id
    return known


DEPLOYS: dict[str, Goal] = {
    "ordinary": Goal(tag="mended"),
    "forced": Goal(tag="second", force=True),
    "without a watch": Goal(tag="mended", watch=0),
    "recreate": Goal(tag="mended", recreate=True),
}


@pytest.mark.parametrize("goal", DEPLOYS.values(), ids=DEPLOYS.keys())
@pytest.mark.parametrize("service", ["frontend", "backend", "llmserver"])
@pytest.mark.parametrize("deployed", [True, False], ids=["", "the first ever"])
def test_a_deploy_sends_what_its_plan_shows(goal: Goal, service: str, deployed: bool) -> None:
    host = begin(deployed=deployed)
    if goal.recreate:
        host.rules.announced.add(service)
    strategy = "recreate" if goal.recreate else ""

    def run() -> None:
        host.deploy(service, tag=goal.tag, force=goal.force, watch=goal.watch, strategy=strategy)

    known = plan_then_run(host, service, lambda *_: goal, run)
    assert known["digest"].startswith("sha256:")
    # The external check goes with the switch; who watches or drains after it is told when that was.
    assert ("switched" in known) == (deployed or goal.watch != 0)


def test_a_rollback_sends_what_its_plan_shows() -> None:
    host = begin()
    plan_then_run(host, "frontend", goals.rollback, lambda: host.roll_back("frontend"))


def test_a_rollback_whose_image_is_gone_plans_to_pull_it() -> None:
    host = begin()
    gone = next(image for image in host.world.engine.images.values() if "frontend:first" in str(image.tags))
    del host.world.engine.images[gone.id]
    plan_then_run(host, "frontend", goals.rollback, lambda: host.roll_back("frontend"))
    assert host.connections[-1].sent[0].title.startswith("pull me/behindy-frontend@sha256:")


def test_a_restart_sends_what_its_plan_shows() -> None:
    host = begin()
    plan_then_run(host, "backend", goals.restart, lambda: host.restart("backend"))


def test_behind_static_upstreams_the_plan_has_the_reload_and_no_rehearsal() -> None:
    host = begin()
    live = host.world.live("frontend")
    assert live is not None
    host.world.stale["frontend"] = live
    plan_then_run(host, "frontend", lambda *_: Goal(tag="mended"), lambda: host.deploy("frontend", tag="mended"))
    titles = [command.title for command in host.connections[-1].sent]
    assert "reload nginx" in titles
    assert sum(title == "ask https://behindy.me/" for title in titles) == 1


def test_without_a_rehearsal_token_the_plan_says_that_it_is_not_rehearsed() -> None:
    host = begin(rehearsals=False)
    plan_then_run(host, "frontend", lambda *_: Goal(tag="mended"), lambda: host.deploy("frontend", tag="mended"))


def test_a_plan_that_differs_in_one_word_is_noticed() -> None:
    host = begin()
    with host.connect() as session:
        survey = session.look()
    planned = planned_of(host, survey, host.world.services["frontend"], Goal(tag="mended", watch=1))
    host.deploy("frontend", tag="mended", watch=2)
    with pytest.raises(AssertionError):
        assert_as_planned(planned, host.connections[-1].sent)


def test_what_goes_on_beside_others_is_waited_for() -> None:
    host = begin()
    with host.connect() as session:
        survey = session.look()
    for service in host.world.services.values():
        for goal, beside, back in (
            (Goal(), ["watch", "outside"], ["watch"]),
            (Goal(wait_drain=True), ["drain", "watch", "tidy"], ["watch", "drain", "tidy"]),
        ):
            state = begin_state(service, goal, host.settings, survey)
            lines = plan.as_lines(plan.steps(state), state)
            assert [line.split()[0] for line in lines if line.endswith(" &")] == beside
            assert [line.split()[0] for line in lines if line.endswith("# wait for it")] == back


def test_a_plan_is_shown_a_line_a_step_with_what_is_begun_beside_others() -> None:
    host = begin()
    with host.connect() as session:
        survey = session.look()
    state = begin_state(host.world.services["llmserver"], Goal(tag="v2"), host.settings, survey)
    lines = plan.as_lines(plan.steps(state), state)
    assert lines[0].startswith("pull      deploy/pull.sh me/behindy-llmserver:v2")
    drained = next(line for line in lines if line.startswith("drain"))
    assert "'<switched+5000>' '<switched+20000>' 20 4 10" in drained
    assert [line.split()[0] for line in lines][-4:] == ["outside", "drain", "tidy", "verify"]
    waiting = replace(state, goal=Goal(tag="v2", wait_drain=True))
    lines = plan.as_lines(plan.steps(waiting), waiting)
    assert next(line for line in lines if line.startswith("drain")).endswith("'<switched+5000>' 20 4 &")
    assert [line.split()[0] for line in lines][-4:] == ["tidy", "stop", "tidy", "verify"]


def test_a_dry_run_shows_the_plan_and_its_scripts_and_changes_nothing() -> None:
    host = begin()
    before = host.world.live("frontend")
    goal = Goal(tag="mended")
    queue.show_plan(host.connect, [host.world.services["frontend"]], goal, verbose=True)
    assert host.world.live("frontend") is before
    plans = [event for event in host.events if isinstance(event, Plan)]
    assert plans[0].title == "Plan for frontend:mended on simulated"
    assert {event.title for event in plans[1:]} >= {"deploy/pull.sh", "deploy/swap.sh"}
    assert [command.title for command in host.connections[-1].sent] == ["look at the host", "ask the registry"]
    assert not any(command.changes for command in host.connections[-1].sent)


def test_a_dry_run_shows_the_text_of_the_scripts_only_when_asked_to() -> None:
    host = begin()
    queue.show_plan(host.connect, [host.world.services["frontend"]], Goal(tag="mended"))
    (only,) = [event for event in host.events if isinstance(event, Plan)]
    assert "deploy/swap.sh" in "\n".join(only.lines)
    assert any("--verbose" in str(event) for event in host.events)


@pytest.mark.parametrize(
    ("goal", "planned"),
    [(Goal(tag="second"), False), (Goal(tag="second", force=True), True), (Goal(tag="first"), True)],
)
def test_a_dry_run_says_when_nothing_would_change(goal: Goal, planned: bool) -> None:
    host = begin()
    queue.show_plan(host.connect, [host.world.services["frontend"]], goal)
    assert any(isinstance(event, Plan) for event in host.events) is planned
    assert any("nothing would change" in str(event) for event in host.events) is not planned


@pytest.mark.parametrize("change", ["tag", "config"])
def test_a_dry_run_is_of_what_the_deploy_would_find(change: str) -> None:
    host = begin()
    if change == "tag":
        host.push("frontend", "second")
    else:
        host.world.config["frontend"] = "other"
    queue.show_plan(host.connect, [host.world.services["frontend"]], Goal(tag="second"))
    assert any(isinstance(event, Plan) for event in host.events)


def test_a_dry_run_says_what_would_be_put_in_order_first() -> None:
    host = begin()
    live = host.world.live("frontend")
    assert live is not None
    host.world.engine.create("frontend-green", live.image)
    queue.show_plan(host.connect, [host.world.services["frontend"]], Goal(tag="mended"))
    assert any("its candidate is removed" in str(event) for event in host.events)


def test_a_dry_run_is_refused_for_the_reason_the_deploy_would_be() -> None:
    host = begin()
    host.world.available, host.world.used = 0, 400 * 2**20
    with raises(Kind.NOT_ENOUGH_MEMORY):
        queue.show_plan(host.connect, [host.world.services["frontend"]], Goal(tag="mended"))
    queue.show_plan(host.connect, [host.world.services["frontend"]], Goal(tag="mended", force=True))


def test_a_plan_with_downtime_announces_it_and_shows_how_it_is_stopped() -> None:
    state = state_of(Goal(tag="v2", recreate=True))
    lines = plan.as_lines(plan.steps(state), state)
    assert "# Downtime begins: web is stopped" in lines[1]
    assert [line.split()[0] for line in lines][2:4] == ["aside", "stop"]
    assert lines[3] == "stop      deploy/stop.sh 10 old"


def test_a_service_without_a_rehearsal_path_is_planned_without_a_rehearsal_and_says_so() -> None:
    state = state_of(service=replace(SERVICE, rehearsal=None))
    lines = plan.as_lines(plan.steps(state), state)
    assert f"{'':<10}# web declares no rehearsal path: it is not rehearsed." in lines
    assert not any(line.startswith("rehearsal") for line in lines)
