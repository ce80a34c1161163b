"""The demo's verdict and report, from made-up measurements."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.demo.deploys import Deploy, Run, Step
from sandbox.demo.memory import Memory, parse
from sandbox.demo.report import Expected, Measured, PowerCut, Stage, problems, render
from sandbox.traffic.generator import Answers, Loss, Seen, StreamFigures, TrafficResult

_LIVE = Expected("frontend", "v2", 0, "v2")
_REFUSED = Expected("frontend", "v3", 50, "v2")
_PLAN = (_LIVE, _REFUSED)


def _traffic(**changes: object) -> TrafficResult:
    result = TrafficResult(
        started=1000.0,
        seconds=30.0,
        sent=3000,
        lost=0,
        limited=0,
        p50=0.003,
        p99=0.02,
        longest=0.1,
        ended_by="stop",
        streams=(StreamFigures("frontend kept-alive", "frontend", 3000, 3000, 0, 0, 0, 0.003, 0.02, 0.1),),
        losses=(),
        answers=(Answers("frontend", 0.0, "v1", 1500), Answers("frontend", 15.0, "v2", 1500)),
        seen=(
            Seen("frontend", "v1", first=1000.0, last=1015.0, count=1500),
            Seen("frontend", "v2", first=1015.0, last=1030.0, count=1500),
        ),
    )
    return replace(result, **changes)  # type: ignore[arg-type]


def _run(exit_code: int = 0, error: str = "") -> Run:
    steps = tuple(Step(f"step{number}", "A step", 0.5) for number in range(12))
    deploy = Deploy("frontend", "v2", "live", 6.0, steps, {"remote_commands": "11"})
    return Run((deploy,), exit_code, 6.5, error)


_GOOD = Measured(
    stages=(
        Stage(_LIVE, _run(), ended=1020.0),
        Stage(_REFUSED, _run(50, "It answers HTTP 500 to everybody. " * 4), ended=1029.0),
    ),
    traffic=_traffic(),
    sockets=(_traffic(sent=50),),
    memory=Memory(used=800 << 20, total=2048 << 20, swap_used=5 << 20, swap_total=2048 << 20),
)


def test_nothing_is_wrong_when_all_is_well() -> None:
    assert problems(_GOOD, _PLAN) == []


def _with(stage: int, **changes: object) -> Measured:
    stages = list(_GOOD.stages)
    stages[stage] = replace(stages[stage], **changes)  # type: ignore[arg-type]
    return replace(_GOOD, stages=tuple(stages))


_CUT = PowerCut(
    "behindy-sandbox-2", held=3, replicas=6, lost_before=0, allowed=57, last_lost=6.9, missed=3.1, repaired=7.25
)  # fmt: skip
_WITH_CUT = replace(_GOOD, traffic=_traffic(lost=26), cut=_CUT)


_V3 = Seen("frontend", "v3", first=1025.0, last=1026.0, count=3)


@pytest.mark.parametrize(
    ("measured", "problem"),
    [
        (replace(_GOOD, traffic=_traffic(lost=1)), "1 of 3050 requests were lost"),
        (replace(_GOOD, sockets=(_traffic(lost=2, sent=50),)), "2 of 3050 requests were lost"),
        (replace(_GOOD, traffic=_traffic(ended_by="max_seconds")), "Traffic ended by itself (max_seconds)"),
        (_with(0, run=_run(52, "Switched back.")), "v2 should go live, but ended with exit code 52. Switched back."),
        (_with(1, run=_run(0)), "v3 should be refused (exit code 50), but ended with exit code 0."),
        (_with(1, ended=1031.0), "frontend v2 did not answer any more"),
        (replace(_GOOD, traffic=_traffic(seen=(*_GOOD.traffic.seen, _V3))), "v3 was refused, but it answered users"),
        (replace(_WITH_CUT, traffic=_traffic(lost=58)), "58 requests were lost with the host, more than 57."),
        (replace(_WITH_CUT, cut=replace(_CUT, repaired=None)), "its replicas did not come to run on another host"),
        (replace(_WITH_CUT, cut=replace(_CUT, lost_before=1)), "1 of 3050 requests were lost."),
        (replace(_WITH_CUT, sockets=(_traffic(lost=2, sent=50),)), "2 of 3050 requests were lost."),
        (replace(_GOOD, stages=_GOOD.stages[:1]), "Not deployed after that: frontend v3"),
    ],
)
def test_what_went_wrong_is_named(measured: Measured, problem: str) -> None:
    assert len(problems(measured, _PLAN)) == 1
    assert problem in problems(measured, _PLAN)[0]


def test_what_a_host_takes_along_is_no_loss_of_a_deploy() -> None:
    assert problems(_WITH_CUT, _PLAN) == []
    lines = render(_WITH_CUT)
    assert all(len(line) <= 80 for line in lines)
    assert "  behindy-sandbox-2, with 3 of 6 replicas: 26 requests lost, until 6.9 after" in lines
    assert "      called Down after 3.1, all 6 replicas ran again after 7.2" in lines
    assert any(line.startswith("Memory of the first host") for line in lines)
    never = render(replace(_WITH_CUT, cut=replace(_CUT, repaired=None)))
    assert "      called Down after 3.1, its replicas did not run again" in never
    assert not any("lost its power" in line for line in render(_GOOD))


def test_the_report_shows_deploys_requests_plot_and_memory_within_80_columns() -> None:
    lines = render(_GOOD)
    text = "\n".join(lines)
    assert "frontend v2: live in 6.5, 11 remote commands" in text
    assert "step0 0.5, step1 0.5" in text
    assert "frontend v3: refused, exit code 50 in 6.5" in text
    assert "Requests: 3050 sent, 0 lost" in text
    assert "█" in text
    assert "Memory of the host at the peak: 800 MB of 2048 MB, swap 5.0 MB of 2048 MB" in text
    assert max(map(len, lines)) <= 80


def test_the_report_lists_what_was_lost_and_survives_ascii() -> None:
    lost = replace(_GOOD, traffic=_traffic(lost=1, losses=(Loss(15.2, "frontend POST", "HTTP 502"),)), memory=None)
    text = "\n".join(render(lost, encoding="ascii"))
    assert "15.2 s  frontend POST: HTTP 502" in text
    assert "could not be read" in text
    assert text.isascii()


def test_memory_is_what_could_not_be_had_without_swapping() -> None:
    text = "MemTotal: 2000 kB\nMemFree: 100 kB\nMemAvailable: 1500 kB\nSwapTotal: 800 kB\nSwapFree: 700 kB\n"
    assert parse(text) == Memory(500 * 1024, 2000 * 1024, 100 * 1024, 800 * 1024)
    assert parse("MemTotal: 2000 kB\n") is None
