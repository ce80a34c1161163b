"""``ops.mem``: figures as free and docker count them, kills by container, and what still fits."""

from __future__ import annotations

import json
from dataclasses import replace

from behindy_ops.facts.replies import Reply
from behindy_ops.facts.survey import Stanza
from behindy_ops.views import mem
from behindy_ops.views.view import Seen
from tests.unit.facts.test_readings import reading
from tests.unit.ops_facts import SERVICES, container, everybody, seen, spread, stopped, survey, task, text_of

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


def facts(*, problems: dict[str, str] | None = None, **parts: str) -> Seen:
    found = survey(
        *everybody(backend=container("backend", memory=400 * MB)),
        memory={"MemAvailable": 851 * MB, "SwapTotal": 2048 * MB, "SwapFree": 1834 * MB},
        stanzas={"backend": Stanza(limit=400 * MB)},
    )
    return seen(found, problems, **{"meminfo": MEMINFO} | parts)


def test_the_host_is_counted_as_free_does() -> None:
    host = mem.host_memory(Reply({"meminfo": MEMINFO.splitlines()}))
    assert (host.total, host.available, host.used) == (2048 * MB, 851 * MB, 1197 * MB)
    assert (host.swap_total, host.swap_used) == (2048 * MB, 214 * MB)


def test_each_container_against_its_limit_and_what_a_deploy_needs() -> None:
    backend = container("backend").id
    view = mem.describe(
        facts(stats=reading(backend, usage=310 * MB), kills=f"/x/docker/{backend}/mem.oom_control:oom_kill 2")
    )
    (one,) = view.containers
    assert (one.name, one.used, one.limit, one.share, one.oom_kills) == ("backend", 300 * MB, 400 * MB, 0.75, 2)
    assert view.services[0].found.startswith("a deploy of backend needs about 300 MB; 851 MB available: fits")
    assert view.services[0].need == 300 * MB


def test_what_does_not_fit_says_what_to_do() -> None:
    view = mem.describe(seen(survey(memory={"MemAvailable": 60 * MB, "SwapFree": 0}), meminfo=MEMINFO))
    assert {one.level for one in view.services} == {"refusal"}
    assert "--strategy recreate" in view.services[0].remedy
    assert "does not fit" in "".join(line.text for line in mem.lines(view))


ID = "0123456789abcdef" * 4


def test_kills_are_named_by_container_and_each_only_once() -> None:
    killed = stopped("frontend", id=ID, oom_killed=True, finished="2026-11-24T06:50:33.1Z")
    view = mem.describe(
        seen(
            survey(killed),
            meminfo=MEMINFO,
            events=f"1795503033500000000 {ID} frontend\n1795503000000000000 {'f' * 64} backend-green",
            kernel=(
                "readable\n1795503034.5 host kernel: oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/docker/"
                f"{ID},task_memcg=/docker/{ID},task=node,pid=1,uid=0\n"
                "2026-11-24T07:00:00,5+00:00 oom-kill:constraint=CONSTRAINT_NONE,task_memcg=/system.slice,task=mysqld"
            ),
        )
    )
    assert [(kill.container, kill.source) for kill in view.oom_kills] == [
        ("backend-green", "docker events"),
        ("frontend", "kernel log"),
        ("", "kernel log"),
    ]
    assert view.unknown == ()


def test_kills_of_one_container_are_two_when_more_than_five_seconds_lie_between_them() -> None:
    def told(nanoseconds: int) -> int:
        events = f"1795503033000000000 {ID} frontend\n{1795503033000000000 + nanoseconds} {ID} frontend"
        return len(mem.describe(seen(survey(), meminfo=MEMINFO, events=events)).oom_kills)

    assert (told(4_000_000_000), told(6_000_000_000)) == (1, 2)


def test_a_kill_in_a_container_that_runs_on_has_no_time_but_a_name() -> None:
    running = container("backend", oom_killed=True)
    view = mem.describe(seen(survey(running), meminfo=MEMINFO))
    assert view.oom_kills == (mem.OomKill("backend", "", "docker inspect"),)
    counted = mem.describe(
        seen(survey(container("redis", id=ID)), meminfo=MEMINFO, kills=f"/a/docker-{ID}.scope/mem.events:oom_kill 3")
    )
    assert counted.oom_kills == (mem.OomKill("redis", "", "its cgroup's counter"),)


def test_a_kill_before_the_last_boot_is_not_told() -> None:
    old = stopped("frontend", oom_killed=True, finished="2020-01-01T00:00:00Z")
    assert mem.describe(seen(survey(old), meminfo=MEMINFO)).oom_kills == ()


def test_what_cannot_be_known_is_said() -> None:
    view = mem.describe(facts())
    assert "sudo dmesg" in " ".join(view.unknown)
    assert "has counted 1 OOM kill since boot; the container is not known." in " ".join(view.unknown)
    assert "none known" not in text_of(mem.lines(view))
    killed = stopped("backend", oom_killed=True)
    some = mem.describe(seen(survey(killed), meminfo=MEMINFO.replace("oom_kill 1", "oom_kill 3")))
    assert "3 OOM kills since boot; of 2 of them the container is not known." in " ".join(some.unknown)


def test_without_docker_the_host_itself_is_still_shown() -> None:
    found = survey(docker="", compose="", problems={"versions": "Cannot connect to the Docker daemon"})
    view = mem.describe(seen(found, meminfo=MEMINFO, processes="2048 3 some name"))
    assert view.host.total == 2048 * MB
    assert (view.processes[0].name, view.processes[0].used, view.processes[0].count) == ("some name", 2 * MB, 3)
    assert "not responding" in view.unknown[0]
    assert view.services == ()


def test_the_view_fits_eighty_columns_with_any_name() -> None:
    names = ["한국어-이름-" * 8, "x" * 90]
    found = survey(*(container(name, id=ID[:-1] + str(index)) for index, name in enumerate(names)))
    text = "".join(reading(ID[:-1] + str(index)) for index in range(2))
    view = mem.describe(seen(found, meminfo=MEMINFO, stats=text, processes=f"99999 1 {names[0]}"))
    assert len(view.containers) == 2
    assert text_of(mem.lines(view))


def test_a_small_process_is_data_and_no_line() -> None:
    view = mem.describe(facts(processes="5119 1 small\n5120 1 listed"))
    assert [process.name for process in view.processes] == ["small", "listed"]
    assert "small" not in text_of(mem.lines(view))
    assert "listed" in text_of(mem.lines(view))


def node(name: str, state: str = "ready") -> str:
    """A line of lib/swarm.sh; the id is the name."""
    usual: dict[str, object] = {"availability": "active", "address": "", "version": "", "labels": {}, "manager": None}
    return json.dumps({"id": name, "name": name, "state": state, "memory": 2048 * MB, **usual})


def test_of_other_nodes_it_tells_what_their_tasks_may_use_and_that_no_more_is_known() -> None:
    here, there = task(1, "alpha"), task(2, "beta")
    spreads = (spread("backend", here, there, memory=400 * MB), spread("frontend", task(3, "beta"), memory=0))
    found = survey(*spreads, memory={"MemAvailable": 851 * MB})
    services = tuple(replace(service, tasks=2) for service in SERVICES)
    given = seen(
        found,
        meminfo=MEMINFO,
        stats=reading(here.container, usage=310 * MB),
        kills=f"/x/docker/{here.container}/mem.oom_control:oom_kill 1",
        swarm_="seat manager\nnode alpha",
        nodes_=f"{node('beta')}\n{node('gamma', 'down')}\n{node('alpha')}",
    )
    view = mem.describe(replace(given, facts=replace(given.facts, services=services)))
    (container,) = view.containers
    assert (container.name, container.used, container.oom_kills) == ("backend.1", 300 * MB, 1)
    assert view.oom_kills[0].container == "backend.1"
    assert [(node.node, node.running, node.limits, node.unlimited) for node in view.nodes] == [
        ("alpha", 1, 400 * MB, 0),
        ("beta", 2, 400 * MB, 1),
        ("gamma", 0, 0, 0),
    ]
    assert view.services == ()
    said = text_of(mem.lines(view))
    assert "alpha 2048 MB 400 MB 1 this host" in said
    assert "beta 2048 MB 400 MB +? 2" in said
    assert "gamma 2048 MB 0 B 0 down" in said
    assert "What is in use on the others, and who was killed there, only they know." in said
    assert "what still fits" not in said
