"""``ops.stats``: processor time from two moments, and the history of what is watched."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from behindy_ops.errors import Kind
from behindy_ops.facts.replies import Reply
from behindy_ops.report.text import Line, Tone
from behindy_ops.views import stats
from tests.kinds import raises
from tests.unit.facts.test_readings import MB, reading
from tests.unit.views.test_mem import ID, MEMINFO


def moment(at: float, cpu: int, system: int, name: str = "backend") -> stats.Frame:
    listed = f"container {ID} {name}\n" + reading(ID, cpu=cpu, system=system)
    return stats.frame(Reply({"moment": [str(at)], "meminfo": MEMINFO.splitlines(), "containers": listed.splitlines()}))


def test_processor_time_is_told_of_one_processor_as_docker_stats_does() -> None:
    view = stats.describe(moment(10.0, 0, 0), moment(10.5, 250, 1000))
    (one,) = view.containers
    assert (one.name, one.cpu, one.limit, view.seconds) == ("backend", 50.0, 400 * MB, 0.5)
    assert all(cell_len(line.text) <= 80 for line in stats.lines(view))


def test_a_container_that_started_in_between_has_no_processor_time_yet() -> None:
    before = stats.frame(Reply({"moment": ["1"], "meminfo": MEMINFO.splitlines()}))
    (one,) = stats.describe(before, moment(2.0, 250, 1000)).containers
    assert one.cpu == 0.0


def test_a_watched_view_keeps_the_history_of_each_container() -> None:
    told: list[tuple[stats.StatsView, list[Line]]] = []
    watcher = stats.Watcher("cpu", lambda view, lines: told.append((view, lines)))
    take = stats.frames_of("@@m", watcher)
    for turn in range(stats.KEPT + 5):
        text = f"@@m moment\n{turn}\n@@m meminfo\n{MEMINFO}@@m containers\ncontainer {ID} backend\n"
        for line in f"{text}{reading(ID, cpu=turn * turn, system=turn * 1000)}@@m end".splitlines():
            take(line)
    assert len(told) == stats.KEPT + 4
    assert len(watcher._history["backend"]) == stats.KEPT
    row = next(line.text for line in told[-1][1] if line.text.startswith("backend"))
    assert row.endswith("▄" * 3)
    assert all(cell_len(line.text) <= 80 for line in told[-1][1])


def test_a_docker_that_does_not_answer_is_told() -> None:
    with raises(Kind.HOST_NOT_READY, match="not responding"):
        stats.frame(Reply({}, {"containers": "Cannot connect to the Docker daemon"}))


def test_the_busiest_comes_first_and_is_coloured_and_the_machines_memory_is_no_limit() -> None:
    def both(at: float, busy: int, idle: int) -> stats.Frame:
        other = ID[::-1]
        unlimited = reading(other, cpu=idle, system=int(at * 1000)).replace(str(400 * MB), str(4096 * MB))
        text = f"container {other} idle\ncontainer {ID} busy\n{reading(ID, cpu=busy, system=int(at * 1000))}{unlimited}"
        parts = {"moment": str(at), "meminfo": MEMINFO, "containers": text}
        return stats.frame(Reply({name: part.splitlines() for name, part in parts.items()}))

    view = stats.describe(both(1, 0, 0), both(2, 950, 10))
    assert [(one.name, one.limit) for one in view.containers] == [("busy", 400 * MB), ("idle", 0)]
    assert [line.tone for line in stats.lines(view)] == [Tone.STRONG, Tone.CAREFUL, Tone.PLAIN]


def pictured(width: int, what: str = "cpu") -> list[str]:
    told: list[list[Line]] = []
    watcher = stats.Watcher(what, lambda _, lines: told.append(lines), lambda: width, hint="  q to quit")
    first, second = moment(10.0, 0, 0), moment(12.0, 250, 1000)
    (before,) = first.readings.values()
    now = replace(before, cpu=250, system=1000, received=before.received + 4096, written=before.written + 2 * MB)
    watcher(first)
    watcher(replace(second, readings={ID: now}))
    return [line.text for line in told[-1]]


def test_a_watched_view_has_what_goes_through_network_and_disk_a_second() -> None:
    shown = "\n".join(pictured(120))
    assert "net in/out" in shown
    assert "2.0k/0" in shown
    assert "disk r/w" in shown
    assert "0/1.0M" in shown
    assert "net in/out" not in "\n".join(pictured(120, "memory"))
    assert all(word in "\n".join(pictured(80)) for word in ("net in/out", "disk r/w", "cpu, oldest first"))


@pytest.mark.parametrize("what", ["cpu", "memory"])
@pytest.mark.parametrize("width", [1, 8, 20, 30, 40, 60, 80, 100, 200])
def test_a_watched_view_fits_whatever_width_there_is(width: int, what: str) -> None:
    lines = pictured(width, what)
    assert all(cell_len(line) <= max(width, len("HH:MM:SS  q to quit")) for line in lines)
    assert ("oldest first" in "\n".join(lines)) is (width >= 60)
    if width >= 20:
        assert any(line.startswith("backend") for line in lines)


def test_a_wide_terminal_has_a_longer_history() -> None:
    view = stats.describe(moment(1.0, 0, 0), moment(2.0, 250, 1000))
    bars = [
        sum(line.text.count("▅") for line in stats.watched(view, {"backend": [50.0] * 200}, what="cpu", width=width))
        for width in (80, 120, 400)
    ]
    assert bars[0] < bars[1] < bars[2] == stats.KEPT


def test_nodes_whose_load_is_not_known_are_named() -> None:
    before, now = (replace(moment(at, cpu, 1000), others=("beta",)) for at, cpu in ((1.0, 0), (2.0, 250)))
    view = stats.describe(before, now)
    assert view.other_nodes == ("beta",)
    for told in (stats.lines(view), stats.watched(view, {}, what="cpu"), stats.lines(replace(view, containers=()))):
        assert told[-1].text == "The load of tasks on beta is not shown: only they know it."
