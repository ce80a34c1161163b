"""Ask, lock, look again: what was agreed to is what is changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from behindy_ops.errors import Kind
from behindy_ops.facts.survey import Survey
from behindy_ops.host.change import agree
from behindy_ops.host.session import Session
from behindy_ops.report.events import Decision, Event
from tests.kinds import raises

SURVEY = Survey(docker="26.1")


@dataclass
class Locked:
    """Notes what happens to a session, in order."""

    happened: list[object] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.happened.append(event)

    def lock(self, task: str, wait: float = 0.0) -> Survey:
        self.happened.append((task, wait))
        return SURVEY

    def asked(self, question: str) -> bool:
        self.happened.append(question)
        return "yes" in question


def decide(
    question: str, shown: object, there: object, *, kind: Kind = Kind.HOST_NOT_READY
) -> tuple[object, list[object]]:
    session = Locked()

    def look(survey: Survey) -> object:
        session.happened.append(survey)
        return there

    agreed = agree(
        cast("Session", session), "host.up", shown, look, session.asked, question=question, wait=5, kind=kind
    )
    return agreed, session.happened


def test_after_a_yes_the_host_is_looked_at_again_under_the_lock() -> None:
    assert decide("yes?", "a", "a") == ("a", ["yes?", ("host.up", 5), SURVEY])


def test_after_a_no_nothing_is_locked() -> None:
    assert decide("no?", "a", "a") == (None, ["no?", Decision("Nothing changed.")])


def test_without_a_question_nobody_is_asked() -> None:
    assert decide("", "a", "a") == ("a", [("host.up", 5), SURVEY])


def test_what_somebody_else_changed_meanwhile_ends_it() -> None:
    for kind in (Kind.HOST_NOT_READY, Kind.FILES_REFUSED):
        with raises(kind, match="Somebody else") as raised:
            decide("yes?", "a", "b", kind=kind)
        assert "inv host.up" in raised.value.remedy


def test_only_what_matters_has_to_be_the_same() -> None:
    session = Locked()
    seen = agree(cast("Session", session), "x", (1, "a"), lambda _: (2, "a"), session.asked, matters=lambda it: it[1])
    assert seen == (2, "a")
