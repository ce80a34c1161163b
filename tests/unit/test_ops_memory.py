"""``ops.mem`` and ``ops.stats``: figures as docker counts them, kills by container, and what still fits."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from behindy_ops.facts.readings import parse_readings
from behindy_ops.facts.survey import Stanza
from behindy_ops.report.text import Line
from behindy_ops.views import mem as memory
from behindy_ops.views import memory_view, stats
from behindy_ops.views.look import Seen
from behindy_ops.views.mem import OomKill
from behindy_ops.views.watch import KEPT, Watcher, _frames
from tests.unit.ops_facts import SERVICES, container, everybody, seen, stopped, survey

MB = 2**20
MEMINFO = """MemTotal:        2097152 kB
MemFree:          102400 kB
MemAvailable:     871424 kB
Buffers:            1024 kB
Cached:            10240 kB
SReclaimable:       1024 kB
SwapTotal:       2097152 kB
SwapFree:        1878016 kB
oom_kill 1
btime 1700000000
"""


def reading(identity: str, *, usage: int = 100 * MB, version: int = 2, cpu: int = 0, system: int = 0) -> str:
    files = {"total_inactive_file": 10 * MB, "inactive_file": 1} if version == 1 else {"inactive_file": 10 * MB}
    data = {
        "memory_stats": {"usage": usage, "stats": files, "limit": 400 * MB},
        "cpu_stats": {"cpu_usage": {"total_usage": cpu}, "system_cpu_usage": system, "online_cpus": 2},
        "networks": {"eth0": {"rx_bytes": 5, "tx_bytes": 7}, "eth1": {"rx_bytes": 1, "tx_bytes": 1}},
        "blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 3}, {"op": "write", "value": 4}]},
        "pids_stats": {"current": 9},
    }
    return f"{json.dumps(data)}\nhttp://docker/containers/{identity}/stats?stream=false&one-shot=true\n"


def mem(*, problems: dict[str, str] | None = None, **parts: str) -> Seen:
    found = survey(
        *everybody(backend=container("backend", memory=400 * MB)),
        memory={"MemAvailable": 851 * MB, "SwapTotal": 2048 * MB, "SwapFree": 1834 * MB},
        stanzas={"backend": Stanza(limit=400 * MB)},
    )
    return seen(found, problems, **{"meminfo": MEMINFO} | parts)


@pytest.mark.parametrize("version", [1, 2])
def test_memory_is_counted_as_docker_does_without_inactive_files(version: int) -> None:
    found = parse_readings(reading("ab12", version=version).splitlines())["ab12"]
    assert found.memory == 90 * MB
    assert (found.received, found.sent, found.read, found.written, found.processes) == (6, 8, 3, 4, 9)


def test_a_container_that_has_just_ended_or_is_not_known_has_no_reading() -> None:
    ended = '{"memory_stats":{}}\nhttp://docker/containers/ab12/stats\n{"message":"No such container"}\n'
    assert parse_readings(f"{ended}http://docker/containers/cd34/stats\nnot json\n".splitlines()) == {}


def test_the_host_is_counted_as_free_does() -> None:
    host = memory.host_memory(MEMINFO.splitlines())
    assert (host.total, host.available, host.used) == (2048 * MB, 851 * MB, 1197 * MB)
    assert (host.swap_total, host.swap_used) == (2048 * MB, 214 * MB)


def test_each_container_against_its_limit_and_what_a_deploy_needs() -> None:
    backend = container("backend").id
    view = memory.describe(
        mem(stats=reading(backend, usage=310 * MB), kills=f"/x/docker/{backend}/memory.oom_control:oom_kill 2"),
        SERVICES,
    )
    (one,) = view.containers
    assert (one.name, one.used, one.limit, one.share, one.oom_kills) == ("backend", 300 * MB, 400 * MB, 0.75, 2)
    assert view.services[0].found.startswith("a deploy of backend needs about 300 MB; 851 MB available: fits")
    assert view.services[0].need == 300 * MB


def test_what_does_not_fit_says_what_to_do() -> None:
    view = memory.describe(seen(survey(memory={"MemAvailable": 60 * MB, "SwapFree": 0}), meminfo=MEMINFO), SERVICES)
    assert {one.level for one in view.services} == {"refusal"}
    assert "--strategy recreate" in view.services[0].remedy
    assert "does not fit" in "".join(line.text for line in memory_view.lines(view))


ID = "0123456789abcdef" * 4


def test_kills_are_named_by_container_and_each_only_once() -> None:
    killed = stopped("frontend", id=ID, oom_killed=True, finished="2026-11-24T06:50:33.1Z")
    view = memory.describe(
        seen(
            survey(killed),
            meminfo=MEMINFO,
            events=f"1795503033500000000 {ID} frontend\n1795503000000000000 {'f' * 64} backend-green",
            kernel=(
                "readable\n1795503034.5 host kernel: oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/docker/"
                f"{ID},task_memcg=/docker/{ID},task=node,pid=1,uid=0\n"
                "2026-11-24T07:00:00,5+00:00 oom-kill:constraint=CONSTRAINT_NONE,task_memcg=/system.slice,task=mysqld"
            ),
        ),
        SERVICES,
    )
    assert [(kill.container, kill.source) for kill in view.oom_kills] == [
        ("backend-green", "docker events"),
        ("frontend", "kernel log"),
        ("", "kernel log"),
    ]
    assert view.unknown == ()


def test_a_kill_in_a_container_that_runs_on_has_no_time_but_a_name() -> None:
    running = container("backend", oom_killed=True)
    view = memory.describe(seen(survey(running), meminfo=MEMINFO), SERVICES)
    assert view.oom_kills == (OomKill("backend", "", "docker inspect"),)
    counted = memory.describe(
        seen(
            survey(container("redis", id=ID)), meminfo=MEMINFO, kills=f"/a/docker-{ID}.scope/memory.events:oom_kill 3"
        ),
        SERVICES,
    )
    assert counted.oom_kills == (OomKill("redis", "", "its cgroup's counter"),)


def test_a_kill_before_the_last_boot_is_not_told() -> None:
    old = stopped("frontend", oom_killed=True, finished="2020-01-01T00:00:00Z")
    assert memory.describe(seen(survey(old), meminfo=MEMINFO), SERVICES).oom_kills == ()


def test_what_cannot_be_known_is_said() -> None:
    unknown = " ".join(memory.describe(mem(), SERVICES).unknown)
    assert "sudo dmesg" in unknown
    assert "has counted 1 OOM kills since boot; of 1 the container is not known" in unknown


def test_without_docker_the_host_itself_is_still_shown() -> None:
    found = survey(docker="", compose="", problems={"versions": "Cannot connect to the Docker daemon"})
    view = memory.describe(seen(found, meminfo=MEMINFO, processes="2048 3 some name"), SERVICES)
    assert view.host.total == 2048 * MB
    assert (view.processes[0].name, view.processes[0].used, view.processes[0].count) == ("some name", 2 * MB, 3)
    assert "not responding" in view.unknown[0]
    assert view.services == ()


def test_the_view_fits_eighty_columns_with_any_name() -> None:
    names = ["한국어-이름-" * 8, "x" * 90]
    found = survey(*(container(name, id=ID[:-1] + str(index)) for index, name in enumerate(names)))
    text = "".join(reading(ID[:-1] + str(index)) for index in range(2))
    view = memory.describe(seen(found, meminfo=MEMINFO, stats=text, processes=f"99999 1 {names[0]}"), SERVICES)
    assert len(view.containers) == 2
    assert all(cell_len(line.text) <= 80 for line in memory_view.lines(view))


def moment(at: float, cpu: int, system: int, name: str = "backend") -> Seen:
    listed = f"container {ID} {name}\n" + reading(ID, cpu=cpu, system=system)
    return Seen({"moment": [str(at)], "meminfo": MEMINFO.splitlines(), "containers": listed.splitlines()}, {}, survey())


def test_processor_time_is_told_of_one_processor_as_docker_stats_does() -> None:
    view = stats.describe(stats.frame(moment(10.0, 0, 0)), stats.frame(moment(10.5, 250, 1000)))
    (one,) = view.containers
    assert (one.name, one.cpu, one.limit, view.seconds) == ("backend", 50.0, 400 * MB, 0.5)
    assert all(cell_len(line.text) <= 80 for line in stats.lines(view))


def test_a_container_that_started_in_between_has_no_processor_time_yet() -> None:
    before = stats.frame(Seen({"moment": ["1"], "meminfo": MEMINFO.splitlines()}, {}, survey()))
    (one,) = stats.describe(before, stats.frame(moment(2.0, 250, 1000))).containers
    assert one.cpu == 0.0


def test_a_watched_view_keeps_the_history_of_each_container() -> None:
    told: list[tuple[stats.StatsView, list[Line]]] = []
    watcher = Watcher("cpu", lambda view, lines: told.append((view, lines)))
    take = _frames("@@m", watcher)
    for turn in range(KEPT + 5):
        text = f"@@m moment\n{turn}\n@@m meminfo\n{MEMINFO}@@m containers\ncontainer {ID} backend\n"
        for line in f"{text}{reading(ID, cpu=turn * turn, system=turn * 1000)}@@m end".splitlines():
            take(line)
    assert len(told) == KEPT + 4
    assert len(watcher._history["backend"]) == KEPT
    row = next(line.text for line in told[-1][1] if line.text.startswith("backend"))
    assert row.endswith("▄" * 3)
    assert all(cell_len(line.text) <= 80 for line in told[-1][1])
