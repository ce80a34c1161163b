"""Made-up measurements, for tests of what is made of such."""

from __future__ import annotations

from dataclasses import replace

from sandbox.bench.listing import Listing
from sandbox.bench.report import Bench, Plain, Sample, Series, Watched
from sandbox.demo.deploys import Deploy, Run, Step
from sandbox.demo.memory import Look, Memory
from sandbox.demo.report import Expected, Measured, Stage
from sandbox.traffic.model import Answers, Latency, Loss, Seen, StreamFigures, TrafficResult

START = 1_800_000_000.0
MB = 2**20


def traffic(seconds: float = 30.0, switch: float = 12.0, lost: tuple[Loss, ...] = ()) -> TrafficResult:
    """A second of 40 answers after the other, of v1 until a moment and of v2 from then on."""
    quarters = [quarter / 4 for quarter in range(int(seconds * 4))]
    answers = tuple(Answers("frontend", at, "v1" if at < switch else "v2", 10) for at in quarters)
    return TrafficResult(
        started=START,
        seconds=seconds,
        sent=int(seconds * 40),
        lost=len(lost),
        limited=0,
        p50=0.003,
        p99=0.02,
        longest=0.1,
        ended_by="stop",
        streams=(StreamFigures("frontend kept-alive", "frontend", 1200, 1200, len(lost), 0, 0, 0.003, 0.02, 0.1),),
        losses=lost,
        answers=answers,
        seen=(
            Seen("frontend", "v1", START, START + switch, 480),
            Seen("frontend", "v2", START + switch, START + seconds, 720),
        ),
        latencies=tuple(Latency(float(at), 40, 0.003, 0.02 if at != 7 else 0.1, 0.1) for at in range(int(seconds))),
    )


def run(began: float, exit_code: int = 0, tag: str = "v2") -> Run:
    steps = (
        Step("pull", "Pull the image", 2.0, "12 MB", began=began),
        Step("switch", "Switch", 1.0, began=began + 2, failed="HTTP 500" if exit_code else ""),
    )
    deploy = Deploy("frontend", tag, "live", 3.0, steps, {"remote_commands": "7", "tag": tag})
    return Run((deploy,), exit_code, 4.0, "It answers HTTP 500." if exit_code else "")


LOOKS = tuple(Look(START - 5 + at / 2, Memory((300 + at) * MB, 2048 * MB, MB, 2048 * MB)) for at in range(80))
MEASURED = Measured(
    stages=(
        Stage(Expected("frontend", "v2", 0, "v2"), run(START + 10), ended=START + 14),
        Stage(Expected("frontend", "v3", 50, "v2"), run(START + 20, 50, "v3"), ended=START + 24),
    ),
    traffic=traffic(),
    sockets=(replace(traffic(), sent=50),),
    memory=LOOKS[-1].memory,
    looks=LOOKS,
)


def watched() -> Watched:
    return Watched(run(START + 10, tag="v2"), START + 14, traffic())


def series(lost: int = 0) -> Series:
    samples = tuple(Sample(seconds, 3.0, 1.0, 7, (("pull", 2.0),)) for seconds in (4.0, 4.2))
    plain = (Plain(3.0, 400, 0), Plain(3.2, 400, 1))
    return Series(samples, 2400, lost, 0.002, 0.02, plain, (watched(), watched()))


def benchmark(lost: int = 0) -> Bench:
    return Bench(series(), series(lost), Listing(0.2, 0.1), LOOKS)
