"""Attempts: the loop of 15 takes no time here, since the clock is given."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from behindy_ops.deploy.state import Phase
from behindy_ops.deploy.steps.drain import LeaveToDrain
from behindy_ops.deploy.steps.external import CheckOutside
from behindy_ops.deploy.steps.step import Attempts, Fault, FromHere, Look, Together, Verdict, WithNext
from behindy_ops.deploy.steps.switch import Switch
from behindy_ops.deploy.steps.tidy import Tidy
from behindy_ops.deploy.steps.verify import Verify
from behindy_ops.deploy.walk import Relapse, Walk
from behindy_ops.errors import BehindyError, Kind, ManagerLost
from behindy_ops.facts.outside import Failure, Sighting
from behindy_ops.host.command import Result
from behindy_ops.host.session import Session
from behindy_ops.project.services import HealthPolicy
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import Event, StepDone, StepStarted, Warning_
from tests.unit.deploy.states import LIVE, answer, state_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from behindy_ops.host.command import Command

AGAIN, GOOD = Look(Verdict.AGAIN, "HTTP 503"), Look(Verdict.HEALTHY, "HTTP 200")
DEFINITE = Look(Verdict.AGAIN, "HTTP 500", definite=True)


@dataclass
class Clock:
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Scripted(Attempts):
    """Attempts that come to what is given."""

    name = said = "scripted"

    def __init__(self, looks: Iterable[Look], policy: HealthPolicy, *, definite: int, yields: bool) -> None:
        self.looks, self.numbers = iter(looks), policy
        self.definite, self.yields = definite, yields  # type: ignore[misc]

    def policy(self, *_: object) -> HealthPolicy:
        return self.numbers

    def command(self, *_: object) -> Command:
        return answer().command

    def judge(self, *_: object) -> Look:
        return next(self.looks)


def run(
    looks: Iterable[Look],
    policy: HealthPolicy,
    *,
    takes: float = 3.0,
    definite_limit: int = 0,
    yields: bool = False,
    stopped: bool = False,
) -> tuple[Look, Clock, int]:
    clock, made = Clock(), []

    def ask(command: Command) -> Result:
        made.append(command)
        clock.now += takes
        return answer()

    session = SimpleNamespace(
        clock=clock,
        sleep=clock.sleep,
        interrupts=SimpleNamespace(requested=2 if stopped else None),
    )
    step = Scripted(looks, policy, definite=definite_limit, yields=yields)
    look = Walk(cast("Session", session), state_of())._attempt(step, answer().command, ask)
    return look, clock, len(made)


def from_here(sight: Sighting | None) -> list[Event]:
    told: list[Event] = []
    session = Session(
        cast("Any", None), cast("Any", None), Settings(), (), told.append, "me", sleep=lambda _: None,
        outside=(lambda _: iter([None, sight]).__next__) if sight else None,
    )  # fmt: skip
    assert Walk(session, state_of()).go([FromHere("https://b.me/")]) == ""
    return told


def test_what_this_machine_sees_is_told_and_ends_nothing() -> None:
    refused = Sighting("https://b.me/", ("192.0.2.1",), "192.0.2.1", failure=Failure.NO_CONNECTION, said="refused")
    began, done, warning = from_here(refused)
    assert isinstance(began, StepStarted)
    assert isinstance(done, StepDone)
    assert isinstance(warning, Warning_)
    assert "does not reach https://b.me/: refused at 192.0.2.1. Let ports 80 and 443 in" in warning.text
    _, done = from_here(Sighting("https://b.me/", met="192.0.2.1", status=200))
    assert isinstance(done, StepDone)
    assert done.detail == "HTTP 200 from 192.0.2.1"
    assert from_here(None) == []


def test_fifteen_attempts_three_seconds_apart_and_then_it_has_failed() -> None:
    look, clock, made = run([AGAIN] * 99, HealthPolicy())
    assert (look.verdict, made, clock.now) == (Verdict.FATAL, 15, 45.0)
    assert look.reason == "HTTP 503, 15 attempts in a row"


def test_an_attempt_that_ended_early_is_followed_by_the_rest_of_its_three_seconds() -> None:
    _, clock, _ = run([AGAIN, AGAIN, GOOD], HealthPolicy(), takes=0.5)
    assert clock.slept == [2.5, 2.5]


def test_an_attempt_that_took_its_time_is_followed_at_once() -> None:
    _, clock, _ = run([AGAIN, GOOD], HealthPolicy(), takes=3.4)
    assert clock.slept == [0.0]


def test_a_service_may_have_numbers_of_its_own() -> None:
    _, clock, made = run([AGAIN] * 99, HealthPolicy(attempts=4, interval=10), takes=1)
    assert (made, clock.slept) == (4, [9.0, 9.0, 9.0])


def test_the_first_success_ends_it() -> None:
    look, _, made = run([AGAIN, GOOD, AGAIN], HealthPolicy())
    assert (look, made) == (GOOD, 2)


def test_what_has_failed_for_good_is_not_tried_again() -> None:
    look, _, made = run([AGAIN, Look(Verdict.FATAL, "it exited")], HealthPolicy())
    assert (look.reason, made) == ("it exited", 2)


def test_errors_of_the_release_itself_in_a_row_end_it_early_where_asked() -> None:
    look, _, made = run([DEFINITE, AGAIN, DEFINITE, DEFINITE, GOOD], HealthPolicy(), definite_limit=2)
    assert (look.verdict, look.reason, made) == (Verdict.FATAL, "HTTP 500", 4)
    assert run([DEFINITE, DEFINITE, GOOD], HealthPolicy())[0] == GOOD


def test_a_single_attempt_says_nothing_of_a_row() -> None:
    look, _, made = run([AGAIN], HealthPolicy(attempts=1))
    assert (look, made) == (Look(Verdict.FATAL, "HTTP 503"), 1)


def test_a_signal_ends_at_once_what_yields_to_it_and_nothing_else() -> None:
    look, _, made = run([AGAIN] * 9, HealthPolicy(attempts=3), yields=True, stopped=True)
    assert (look, made) == (Look(Verdict.FATAL, "HTTP 503"), 1)
    assert run([AGAIN] * 9, HealthPolicy(attempts=3), stopped=True)[2] == 3
    assert run([AGAIN] * 9, HealthPolicy(attempts=3), yields=True)[2] == 3


def lost(engine: str, said: str) -> BehindyError:
    """What a switch ends with that failed, after a script had written this on standard error."""
    settings = Settings(engine=engine)

    def ask(command: Command) -> Result:
        return Result(command, 85, "stuck\n", said, 1.0)

    host = cast("Any", SimpleNamespace(run=ask))
    session = Session(host, cast("Any", None), settings, (), lambda _: None, "me", sleep=lambda _: None)
    with pytest.raises(BehindyError) as raised:
        Walk(session, state_of(settings=settings)).go([Switch()])
    return raised.value


def test_a_leader_that_was_lost_in_the_middle_has_a_name_of_its_own_with_the_state_of_the_step() -> None:
    said = "no leader\nThe swarm has no leader; unreached: 10.0.0.2 10.0.0.3\n"
    error = lost("swarm", said)
    assert isinstance(error, ManagerLost)
    assert error.exit_code == 39
    assert "10.0.0.2, 10.0.0.3 cannot be reached" in error.what
    assert error.state == "The live name may be missing."
    assert "docker swarm init --force-new-cluster" in error.remedy
    assert error.lines[0].startswith("The names could not be switched")
    assert lost("swarm", "no such service").kind is Kind.SWITCH_FAILED
    assert lost("", said).kind is Kind.SWITCH_FAILED


def test_an_engine_that_was_waited_for_in_vain_is_not_asked_again() -> None:
    asked, away = [], Look(Verdict.AGAIN, "Docker does not answer", Fault.ENGINE)

    def ask(command: Command) -> Result:
        asked.append(command)
        return Result(command, 0, "state unknown\n", "The swarm has no leader; unreached: 10.0.0.2\n", 1.0)

    host = cast("Any", SimpleNamespace(run=ask))
    for engine, times in (("swarm", 1), ("", 15)):
        settings = Settings(engine=engine)
        session = Session(host, cast("Any", None), settings, (), lambda _: None, "me", sleep=lambda _: None)
        walk = Walk(session, state_of(settings=settings))
        walk.go([Scripted([away] * 15, HealthPolicy(), definite=0, yields=False)])
        assert (len(asked), walk.healthy) == (times, False)
        asked.clear()


def together(said: str, *, code: int = 0) -> tuple[list[Event], list[Command]]:
    """Two steps that are sent as one, where the host answers this; ``@@`` stands for the mark."""
    told: list[Event] = []
    sent: list[Command] = []

    def ask(command: Command) -> Result:
        sent.append(command)
        return Result(command, code, said.replace("@@", command.argv[4]), "", 0.1)

    host = SimpleNamespace(run=ask)
    session = Session(cast("Any", host), cast("Any", None), Settings(), (), told.append, "me")
    live = replace(LIVE, running=True)
    assert Walk(session, state_of(live=live, switched=1000)).go([Together((LeaveToDrain(), Tidy(), Verify()))]) == ""
    return told, sent


def test_steps_that_need_nothing_of_one_another_go_in_one_round_trip_and_are_told_apart() -> None:
    verified = "@@ 0\nstate none\nerrors 3\n@@ errors\n\n"
    told, (command,) = together(f"@@ 0\nuntil 1800000000\nopen 2\n@@ errors\n\n{verified}")
    assert [command.argv[3], command.argv[9], command.changes] == ["host/together", "deploy/leave", True]
    assert [json.loads(line)["event"] for line in command.stdin.splitlines()] == ["drained", "ended"]
    done = {event.step: event.detail for event in told if isinstance(event, StepDone)}
    assert done["drain"] == "2 open connections, until 08:00:00 UTC at the latest"
    assert done["tidy"] == "kept 1, removed 0", "there was nothing to do, so it is not sent"


def test_what_one_of_them_says_in_vain_is_its_own() -> None:
    told, _ = together("@@ 77\n@@ errors\nNo space left\n\n@@ 0\nerrors 0\n@@ errors\n\n")
    warnings = [event.text for event in told if isinstance(event, Warning_)]
    assert "web-blue could not be left to the host; the next deploy stops it. No space left" in warnings
    assert not [text for text in warnings if "recorded" in text]


def test_an_answer_that_is_cut_short_is_none() -> None:
    told, _ = together("@@ 0\nuntil 1", code=-1)
    warnings = [event.text for event in told if isinstance(event, Warning_)]
    assert any("could not be left to the host" in text for text in warnings)
    assert any("could not be recorded" in text for text in warnings)


WELL = "look 200 0 none\naddress 10.0.0.2\ninside 200 0\nnames 10.0.0.2\nok\n"


def in_turn(*answers: str) -> tuple[Walk, list[Command], list[Event], BaseException | None]:
    """Switch, with the external check behind it, where the host answers this; ``@@`` stands for the mark."""
    told: list[Event] = []
    sent: list[Command] = []
    left = list(answers)

    def ask(command: Command) -> Result:
        sent.append(command)
        mark = command.argv[4] if command.argv[3] == "host/in_turn" else ""
        return Result(command, 0, left.pop(0).replace("@@", mark), "", 0.1)

    session = Session(
        cast("Any", SimpleNamespace(run=ask)),
        cast("Any", None),
        Settings(),
        (),
        told.append,
        "me",
        sleep=lambda _: None,
    )
    walk = Walk(session, state_of(live=replace(LIVE, running=True)))
    try:
        walk.go([WithNext(Switch(), CheckOutside(along=True))])
    except (BehindyError, Relapse) as error:
        return walk, sent, told, error
    return walk, sent, told, None


def done(told: list[Event]) -> list[str]:
    return [event.step for event in told if isinstance(event, StepDone)]


def test_the_next_steps_first_command_goes_along_and_its_answer_is_not_asked_for_again() -> None:
    walk, sent, told, error = in_turn(f"@@ 0\nswitched 1000\n@@ errors\n\n@@ 0\n{WELL}@@ errors\n\n")
    assert (error, [command.argv[3] for command in sent]) == (None, ["host/in_turn"])
    assert (done(told), walk.state.phase, walk.state.switched) == (["switch", "external"], Phase.PROVEN, 1000)
    assert "+2100" in sent[0].argv, "it is not known yet when the names were switched"


def test_a_second_attempt_of_the_next_step_goes_by_itself() -> None:
    ill = "look 502 0 none\n"
    walk, sent, _, error = in_turn(f"@@ 0\nswitched 1000\n@@ errors\n\n@@ 0\n{ill}@@ errors\n\n", WELL)
    assert (error, [command.argv[3] for command in sent]) == (None, ["host/in_turn", "deploy/look_outside"])
    assert (walk.state.phase, "3100" in sent[1].argv) == (Phase.PROVEN, True)


def test_where_the_first_failed_nothing_is_known_of_the_other() -> None:
    walk, sent, told, error = in_turn("@@ 84\nundone\n@@ errors\nConflict\n\n")
    assert isinstance(error, BehindyError)
    assert (error.kind, error.state) == (Kind.SWITCH_FAILED, "The names are as before.")
    assert (len(sent), done(told), walk.state.switched) == (1, [], None)


def test_an_answer_to_both_that_is_cut_short_is_one_to_neither() -> None:
    walk, _, _, error = in_turn("@@ 0\nswitched 10")
    assert isinstance(error, BehindyError)
    assert (error.kind, walk.state.phase) == (Kind.SWITCH_FAILED, Phase.TORN)
