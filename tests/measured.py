"""Made-up measurements, for tests of what is made of such."""

from __future__ import annotations

from dataclasses import replace

from sandbox.bench.growth_report import Crowd, Growth, Point
from sandbox.bench.listing import Listing
from sandbox.bench.peer_report import Link, Peer, Turn
from sandbox.bench.report import Bench, Plain, Sample, Series, Watched
from sandbox.bench.swarm_report import Cell, Swarm
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


def growth(most: float = 1.5, lost: tuple[tuple[str, int], ...] = ()) -> Growth:
    """Three tasks, of which `ops.ps` takes ``most`` times as long with 100 times the images, and 1.2 with 10 times."""
    tasks = {"deploy": (3.0, 3.3, 2.7), "deploy.status": (1.0, 1.1, 1.2), "ops.ps": (1.0, 1.2, most)}
    points = tuple(
        Point(axis, size, task, (times[number],) * 3, (times[0],) * 3, 9, 9)
        for axis, sizes in (("lines of history", (1000, 10_000)), ("images", (300, 3000)))
        for number, size in enumerate(sizes, 1)
        for task, times in tasks.items()
    )
    count = sum(each for _, each in lost)
    crowd = Crowd(
        1000.0, 20.0, 3, sent=20_000, good=20_000 - count, skipped=5, lost=lost,
        p99_before=0.01, p50=0.002, p99=0.04, longest=1.5,
    )  # fmt: skip
    return Growth((("lines of history", 100), ("images", 30)), points, (crowd,), 3)


def swarm(most: float = 12.0, lost: int = 0) -> Swarm:
    """One and three hosts with two and ten replicas; ``most`` seconds, and ``lost`` requests, with the most of both."""

    def cell(hosts: int, replicas: int, seconds: float, lost: int = 0) -> Cell:
        steps = ("survey", "pull", "start", "assets", "internal", "switch", "drain")
        times = tuple((name, seconds * number / 100) for number, name in enumerate(steps, 1))
        return Cell(hosts, replicas, (seconds,) * 3, 7, 1000, lost, (("connect", 0.05), *times))

    cells = (cell(1, 2, 6.0), cell(1, 10, 15.0), cell(3, 2, 6.6), cell(3, 10, most, lost))
    return Swarm(cells, 3, processors=2, load=6.5, docker="26.1.5")


def peer(lost: int = 0, version: str = "2.12.0") -> Peer:
    """Kamal takes 5 s and loses a request in each first round; we take 4 s near and 2 s far."""

    def turns(seconds: float, commands: int, lost: int) -> tuple[Turn, ...]:
        return tuple(Turn(seconds + more, commands, 500, 0 if more else lost, 0.02) for more in (0.0, 0.5))

    near, far = (Link(turns(ours, 7, lost), turns(5.0, 31, 1), turns(4.5, 21, 0)) for ours in (4.0, 2.0))
    return Peer(version, near, far)
