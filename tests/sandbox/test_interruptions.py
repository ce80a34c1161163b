"""A deploy can be interrupted anywhere: no request is lost, and the next plain deploy puts everything in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from sandbox.traffic.generator import Seen, Traffic, TrafficResult, for_service
from tests.sandbox import interruption_case
from tests.sandbox.interruption import FULL, STEPS, STEPS_AFTER_SWITCH, Client, Kind, Moment
from tests.sandbox.interruption_case import other_tag
from tests.sandbox.interruption_table import PROPERTY, Row, render
from tests.sandbox.interruption_verdict import Case, Outage, Outcome, problems
from tests.sandbox.interruption_verdict import row as row_of
from tests.sandbox.support import SERVICES, Ran, all_drained, containers, deploy, live_release

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from sandbox.host.info import SandboxInfo

Release = Callable[..., str]

OF_THE_CLIENT = (Kind.KILL, Kind.TERM, Kind.INT, Kind.CUT)
OF_THE_HOST = (Kind.ENGINE, Kind.REBOOT)
IN_THE_MIDDLE = (
    Moment("start", "started", 0.2),
    Moment("switch", "started"),
    Moment("watch", "started", 0.5),
    Moment("verify", "started", 0.1),
)

REPRESENTATIVE = [
    Case("frontend", Kind.KILL, Moment("start")),
    Case("frontend", Kind.KILL, Moment("switch", "started")),
    Case("frontend", Kind.TERM, Moment("start", "started", 0.2)),
    Case("frontend", Kind.CUT, Moment("external")),
    Case("backend", Kind.INT, Moment("switch")),
    Case("llmserver", Kind.KILL, Moment("switch")),
    Case("frontend", Kind.ENGINE, Moment("switch")),
    Case("frontend", Kind.REBOOT, Moment("rehearsal")),
]


def full_matrix() -> list[Case]:
    """Every service, each of its steps, each way to interrupt it; failures of the host before and after the switch."""
    moments = [*map(Moment, STEPS + STEPS_AFTER_SWITCH)]
    cases = [Case(service, kind, at) for service in SERVICES for at in moments for kind in OF_THE_CLIENT]
    cases += [Case("frontend", kind, at) for at in IN_THE_MIDDLE for kind in OF_THE_CLIENT]
    cases += [
        Case("frontend", kind, at) for at in (Moment("internal"), Moment("switch")) for kind in (Kind.HUP, Kind.TWICE)
    ]
    around_the_switch = (Moment("rehearsal"), Moment("switch"))
    cases += [Case(service, kind, at) for service in SERVICES for kind in OF_THE_HOST for at in around_the_switch]
    cases += [Case("frontend", Kind.POWER, at) for at in around_the_switch]
    return cases


def marked(case: Case) -> ParameterSet:
    """A client that is told to stop has seconds for it, and a busy machine takes some of them."""
    timed = case.kind in {Kind.TERM, Kind.INT}
    return pytest.param(case, id=str(case), marks=[pytest.mark.serial] if timed else [])


@pytest.fixture
def steady(release: Release) -> None:
    interruption_case.ensure_steady(release)


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("case", [marked(case) for case in (full_matrix() if FULL else REPRESENTATIVE)])
def test_an_interrupted_deploy_loses_nothing_and_the_next_one_mends_it(
    sandbox: SandboxInfo, record_property: Callable[[str, object], None], case: Case
) -> None:
    outcome = interruption_case.run(case, sandbox, other_tag(case.service))
    record_property(PROPERTY, asdict(row_of(case, outcome)))
    assert not problems(case, outcome), outcome.client.said + outcome.after.said


@pytest.mark.serial  # the second has to come while the first is at it
@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("service", SERVICES if FULL else ["frontend"])
def test_of_two_deploys_at_once_the_second_is_refused_or_queues(
    sandbox: SandboxInfo, record_property: Callable[[str, object], None], service: str
) -> None:
    other = "backend" if service == "frontend" else "frontend"
    tags = {name: other_tag(name) for name in (service, other)}
    streams = (*for_service(service)[:4], *for_service(other)[:2])  # a WebSocket would hold up the other's drain
    with Traffic(sandbox, streams, max_seconds=280) as traffic:
        traffic.wait_until_flowing()
        with _client(service, tags[service]) as first:
            first.until(Moment("survey").reached)
            refused = {name: deploy(name, tags[name]) for name in (service, other)}
            with _client(other, tags[other], "--wait", "3m") as queued:
                queued.until(lambda event: "deploy of " + service in event.get("text", ""))
                ended = first.wait().ok()
                second = queued.wait().ok()
        after = deploy(service, tags[service]).ok()
        result = traffic.stop()
    said = {
        f"second deploy, of {service}": (refused[service], "refused"),
        f"second deploy, of {other}": (refused[other], "refused"),
        f"second deploy, of {other} with --wait": (second, "queued"),
    }
    for what, (ran, how) in said.items():
        row = Row(service, what, "survey", str(result.lost), f"{ran.code} in {ran.seconds:.1f} s", how, "ok")
        record_property(PROPERTY, asdict(row))
    for ran in refused.values():
        assert ran.code == 20, ran.said
        assert f"deploy of {service}:{tags[service]}, since 20" in ran.named("failed")[0]["what"]
    assert (result.lost, result.ended_by) == (0, "stop"), result.losses
    assert {name: live_release(name) for name in tags} == tags
    assert containers() == dict.fromkeys(SERVICES, "running")
    assert after.named("deploy_finished")[0]["outcome"] == "unchanged"
    assert second.named("deploy_started")[0]["at"] > ended.named("deploy_finished")[0]["at"]


def _client(service: str, tag: str, *words: str) -> Client:
    return Client(f"deploy.{service}", "--tag", tag, "--watch", interruption_case.WATCH, "--json", *words)


@pytest.mark.usefixtures("steady")
def test_of_two_deploys_started_in_the_same_moment_one_goes_on(release: Release) -> None:
    for tag in ("one", "two"):
        release("frontend", tag)
    with _client("frontend", "one") as one, _client("frontend", "two") as two:
        ended = {"one": one.wait(), "two": two.wait()}
    assert sorted(ran.code for ran in ended.values()) == [0, 20], [ran.said for ran in ended.values()]
    assert ended[live_release("frontend")].code == 0
    all_drained()
    assert containers() == dict.fromkeys(SERVICES, "running")


# What the judgement of a case makes of an outcome is pure: whatever is not as promised must show.

CASE = Case("frontend", Kind.TERM, Moment("switch"))
TOLD = json.dumps({"event": "failed", "what": "Stopped by SIGTERM.", "state": "It serves."})
STATUS = json.dumps({"services": [{"leftover": "", "state": "running", "health": ""} for _ in SERVICES]})
TRAFFIC = TrafficResult(0.0, 10.0, 570, 0, 0, 0.0, 0.0, 0.0, "stop", (), (), (), (Seen("frontend", "v2", 1.0, 2.0, 9),))
GOOD = Outcome(
    tag="v2",
    client=Ran(143, TOLD, "Stopped by SIGTERM.", 3.0),
    seconds=1.0,
    freed=0.0,
    left=("frontend-blue",),
    outage=Outage(0, 0.0),
    after=Ran(0, "", "", 5.0),
    containers=dict.fromkeys(SERVICES, "running"),
    live="v2",
    status=STATUS,
    traffic=TRAFFIC,
)
BAD = {
    "requests lost": replace(GOOD, traffic=replace(TRAFFIC, lost=1)),
    "ended with 0": replace(GOOD, client=replace(GOOD.client, code=0)),
    "ended with 1": replace(GOOD, client=replace(GOOD.client, code=1)),
    "in what state": replace(GOOD, client=replace(GOOD.client, out=TOLD.replace("It serves.", ""))),
    "standard error": replace(GOOD, client=replace(GOOD.client, err="Traceback")),
    "to stop": replace(GOOD, seconds=7.1),
    "held": replace(GOOD, freed=2.1),
    "next deploy failed": replace(GOOD, after=replace(GOOD.after, code=20)),
    "containers": replace(GOOD, containers={**GOOD.containers, "frontend-blue": "running"}),
    "v1 is live": replace(GOOD, live="v1"),
    "status": replace(GOOD, status=STATUS.replace('"leftover": ""', '"leftover": "a candidate"')),
    "no user": replace(GOOD, traffic=replace(TRAFFIC, seen=())),
    "traffic: 570": replace(GOOD, traffic=replace(TRAFFIC, ended_by="max_seconds")),
    "traffic: 5 in": replace(GOOD, traffic=replace(TRAFFIC, sent=5)),
}


def test_an_outcome_as_promised_has_no_problem() -> None:
    assert not problems(CASE, GOOD)
    in_an_outage = replace(GOOD, traffic=replace(TRAFFIC, lost=9), outage=Outage(9, 3.0))
    assert not problems(CASE, in_an_outage)


@pytest.mark.parametrize(("word", "outcome"), BAD.items(), ids=BAD.keys())
def test_an_outcome_that_is_not_as_promised_is_named(word: str, outcome: Outcome) -> None:
    found = problems(CASE, outcome)
    assert len(found) == 1
    assert word in found[0]
    assert row_of(CASE, outcome).result != "ok"


def test_the_table_shows_each_row_in_columns_and_counts_those_that_failed() -> None:
    lines = render([row_of(CASE, outcome) for outcome in (GOOD, BAD["requests lost"])])
    assert lines[0].split() == [
        *("service", "interruption", "after", "step", "lost", "client", "ended", "recovered", "by", "result")
    ]
    assert "SIGTERM of the client" in lines[2]
    assert lines[2].index("switch") == lines[3].index("switch") == lines[0].index("after step")
    assert lines[-1] == "1 of 2 as promised"
    assert not render([])
