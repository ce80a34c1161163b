"""What was seen of one interrupted deploy, and what of it is not as promised. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.facts.leftovers import Recovery
from tests.sandbox.interruption import Kind, Moment
from tests.sandbox.interruption_table import Row
from tests.sandbox.support import SERVICES, Ran

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.traffic.generator import TrafficResult

STOP_SECONDS = 7.0
FREED_SECONDS = 2.0


@dataclass(frozen=True)
class Case:
    """Which deploy is interrupted, how and when."""

    service: str
    kind: Kind
    moment: Moment

    def __str__(self) -> str:
        return f"{self.service}-{self.kind.name}-{self.moment}".replace(" ", "_")


@dataclass(frozen=True)
class Outage:
    """What users met while the host or its engine was down: ``seconds`` until the last loss, all without our doing."""

    lost: int
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """Everything that was seen.

    Attributes:
        seconds: from the interruption to the client's end.
        freed: seconds from the interruption until the lock was free; only looked at where the client was killed.
        left: the containers of the service beside the live one when the client had ended.
        after: the plain deploy that followed, of ``tag`` like the interrupted one.
    """

    tag: str
    client: Ran
    seconds: float
    freed: float
    left: tuple[str, ...]
    outage: Outage
    after: Ran
    containers: dict[str, str]
    live: str
    status: str
    traffic: TrafficResult

    @property
    def lost(self) -> int:
        """Requests lost outside of the outage."""
        return self.traffic.lost - self.outage.lost


def problems(case: Case, outcome: Outcome) -> list[str]:
    """Return what is not as promised. Pure."""
    checks: tuple[Callable[[Case, Outcome], str], ...] = (_losses, _exit, _words, _speed, _recovery, _rest, _meant)
    return [problem for check in checks if (problem := check(case, outcome))]


def _losses(_: Case, outcome: Outcome) -> str:
    return f"{outcome.lost} requests lost: {outcome.traffic.losses[:3]}" if outcome.lost else ""


def allowed_codes(case: Case) -> set[int]:
    """The exit codes a client may end with. It may also have been done already, after the last step."""
    done = {0} if case.moment.step in {"verify", "tidy", "drain"} else set()  # the first takes less than 0.1 s
    match case.kind:
        case Kind.KILL:
            return {-9}
        case Kind.TERM | Kind.INT | Kind.HUP | Kind.TWICE:
            number = {Kind.TERM: 143, Kind.HUP: 129}.get(case.kind, 130)
            return {number, 128 - number} | done if done else {number}
        case Kind.CUT:  # before the lock is held nothing was begun that could be gone on with
            return {15} if case.moment in (Moment("connect"), Moment("survey", "started")) else {0}
    return {0, 11, 15, 21, 30, 32, 40, 41, 42, 50, 51, 52, 60}


def _exit(case: Case, outcome: Outcome) -> str:
    code = outcome.client.code
    return "" if code in allowed_codes(case) else f"the client ended with {code}: {outcome.client.said[-1500:]}"


def _words(case: Case, outcome: Outcome) -> str:
    ran = outcome.client
    if case.kind is Kind.KILL or ran.named("deploy_finished"):  # killed, or done before it came to that
        return ""
    if case.kind is Kind.TWICE:
        return "" if "Left at once" in ran.err else f"no word of leaving at once: {ran.err}"
    failed = ran.named("failed")
    if len(failed) != 1 or not failed[0]["what"] or not failed[0]["state"]:
        return f"it does not say in what state the host is: {failed}"
    wrapped = " ".join(ran.err.split())
    return "" if failed[0]["what"] in wrapped and "Traceback" not in wrapped else f"standard error: {ran.err}"


def _speed(case: Case, outcome: Outcome) -> str:
    if case.kind in (Kind.TERM, Kind.INT, Kind.HUP, Kind.TWICE) and outcome.seconds > STOP_SECONDS:
        return f"it took {outcome.seconds:.1f} s to stop"
    return f"the lock was held {outcome.freed:.1f} s longer" if outcome.freed > FREED_SECONDS else ""


def _recovery(_: Case, outcome: Outcome) -> str:
    return f"the next deploy failed: {outcome.after.said[-1500:]}" if outcome.after.code else ""


def _rest(case: Case, outcome: Outcome) -> str:
    if outcome.containers != dict.fromkeys(SERVICES, "running"):
        return f"containers: {outcome.containers}"
    if outcome.live != outcome.tag:
        return f"{outcome.live} is live, not {outcome.tag}"
    shown = json.loads(outcome.status)["services"]
    unclean = [one for one in shown if one["leftover"] or one["state"] != "running" or one["health"]]
    served = outcome.traffic.first_answer(case.service, outcome.tag) is not None
    return f"status: {unclean}" if unclean else "" if served else f"no user was served by {outcome.tag}"


def _meant(_: Case, outcome: Outcome) -> str:
    """Traffic that had ended before, or was no traffic, would have lost nothing either."""
    traffic = outcome.traffic
    enough = traffic.ended_by == "stop" and traffic.sent > 30 * traffic.seconds
    return "" if enough else f"traffic: {traffic.sent} in {traffic.seconds:.0f} s, ended by {traffic.ended_by}"


def row(case: Case, outcome: Outcome) -> Row:
    """Return the line of the table."""
    lost = str(outcome.lost)
    if case.kind.downs_host:
        lost += f" (+{outcome.outage.lost} in {outcome.outage.seconds:.1f} s outage)"
    found = problems(case, outcome)
    return Row(
        case.service,
        case.kind.value,
        str(case.moment),
        lost,
        f"{outcome.client.code} in {outcome.seconds:.1f} s",
        recovered_by(outcome),
        "; ".join(problem.splitlines()[0][:60] for problem in found) or "ok",
    )


def recovered_by(outcome: Outcome) -> str:
    """Return who put the host in order, in words."""
    reconnected = any("Connecting again" in event["text"] for event in outcome.client.named("warning"))
    if reconnected and outcome.client.code == 0:
        return "itself, reconnecting"
    texts = [event["text"] for event in outcome.after.named("decision")]
    done = [recovery.name.lower() for text in texts for recovery in Recovery if recovery.value in text]
    if done:
        return f"next deploy: {', '.join(done).replace('_', ' ')}"
    if outcome.left:
        return "the command under way"
    return "the client itself" if outcome.client.code >= 0 else "nothing to mend"
