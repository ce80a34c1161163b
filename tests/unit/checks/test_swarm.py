"""The rules about the swarm that a host manages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks import swarm
from behindy_ops.checks.check import Check, Facts, Level
from behindy_ops.facts.container import OVERLAY, Container, Task
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.swarm import Node, Seat, Swarm
from behindy_ops.project.names import Names
from behindy_ops.project.services import Service

ONE = Node("1", "one", version="26.1.5", memory=2 << 30, manager="leader")
TWO, THREE = (Node(number, name, version="26.1.5", memory=4 << 30) for number, name in (("2", "two"), ("3", "three")))
FRONTEND = Service("frontend", "reg.example/app")
TASKS = tuple(Task(str(slot), slot, "one", "running", "running", ready=True) for slot in (1, 2))
LIVE = Container("x", "frontend", image="reg.example/app:1", labels={"behindy.dns": "frontend-1"}, tasks=TASKS)


def facts(*nodes: Node, engine: str = "swarm", seat: Seat = Seat.MANAGER, **more: object) -> Facts:
    known = Swarm(seat, "1", nodes or (ONE, TWO, THREE), ("frontend", "other"))
    survey = replace(Survey(cluster=known), **more)  # type: ignore[arg-type]
    return Facts(survey=survey, services=(FRONTEND,), engine=engine)


def names(checks: object) -> list[str]:
    return [check.problem.name for check in checks if isinstance(check, Check) and check.problem]  # type: ignore[attr-defined]


def test_a_service_with_fewer_tasks_than_it_is_to_have_is_told_with_the_reason_unless_it_has_none() -> None:
    failed = replace(TASKS[1], wanted="shutdown", state="failed", since="2", error="task: non-zero exit (3)")
    half = replace(LIVE, tasks=(TASKS[0], failed), replicas=2, trouble="it failed on one (task: non-zero exit (3))")
    (check,) = swarm.fewer(facts(containers={"frontend": half}))
    assert check.found == "Of frontend, 1 of 2 tasks run: it failed on one (task: non-zero exit (3))."
    assert check.evidence == ("frontend.2 failed on one: task: non-zero exit (3)",)
    assert "inv ops.logs frontend" in check.remedy
    for well in (replace(LIVE, replicas=2), replace(half, tasks=(failed,)), replace(LIVE, tasks=())):
        assert names(swarm.fewer(facts(containers={"frontend": well}))) == []


@pytest.mark.parametrize(
    ("engine", "seat", "problems"),
    [
        ("", Seat.NONE, []),
        ("", Seat.UNKNOWN, []),
        ("", Seat.MANAGER, ["engine is a swarm's"]),
        ("", Seat.WORKER, ["engine is a swarm's"]),
        ("", Seat.LEADERLESS, ["swarm without a leader"]),
        ("swarm", Seat.MANAGER, []),
        ("swarm", Seat.NONE, ["engine is no swarm"]),
        ("swarm", Seat.WORKER, ["host is a worker"]),
        ("single", Seat.NONE, []),
        ("single", Seat.MANAGER, []),
    ],
)
def test_the_engine_has_to_be_what_the_settings_say(engine: str, seat: Seat, problems: list[str]) -> None:
    found = list(swarm.engine(facts(engine=engine, seat=seat)))
    assert names(found) == problems
    assert all(check.level is Level.REFUSAL for check in found if check.problem)


def test_what_runs_in_the_swarm_is_named_of_this_project_alone() -> None:
    (check,) = swarm.engine(facts(engine=""))
    assert check.found == "frontend runs in the host's swarm, and BEHINDY_ENGINE is not set."


def test_on_the_way_back_no_container_takes_a_name_over_from_a_container() -> None:
    here = {"frontend": Container("y", "frontend")}
    assert names(swarm.returns(facts(engine="single", containers=here))) == ["service is back already"]
    assert names(swarm.returns(facts(engine="single", containers={"frontend": LIVE}))) == []
    assert names(swarm.returns(facts(engine="single", seat=Seat.NONE, containers=here))) == []
    assert names(swarm.returns(facts(engine="swarm", containers=here))) == []


@pytest.mark.parametrize(
    ("node", "problem", "found"),
    [
        (replace(TWO, state="down"), "node away", "two does not answer (down)."),
        (replace(TWO, availability="drain"), "node takes nothing", "two is drained."),
        (replace(TWO, availability="pause"), "node takes nothing", "two takes nothing new."),
        (replace(TWO, apps=False), "node without label", "two has no label behindy.apps=true."),
        (replace(TWO, version="27.0.1"), "node's engine differs", "two has Docker 27.0.1; one has 26.1.5."),
    ],
)
def test_a_node_that_is_not_as_the_others_is_named(node: Node, problem: str, found: str) -> None:
    checks = list(swarm.nodes(facts(ONE, node, THREE)))
    assert names(checks) == [problem]
    assert (checks[0].found, checks[0].subject, checks[0].level) == (found, "two", Level.WARNING)


def test_nodes_that_are_well_are_told_with_their_memory() -> None:
    (check,) = swarm.nodes(facts())
    assert check.found.startswith("one (2048 MB), two (4096 MB), three (4096 MB)")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1: while it is away, what runs goes on, and nothing can be deployed"),
        (2, "2: none of them may be away; 1 would bear as much"),
        (3, "3: 1 of them may be away"),
        (4, "4: 1 of them may be away; 3 would bear as much"),
    ],
)
def test_how_many_managers_may_be_away_is_said_and_no_problem(count: int, said: str) -> None:
    managers, edge = swarm.managers(facts(*[replace(ONE, id=str(number)) for number in range(1, count + 1)]))
    assert (managers.found, managers.problem) == (said, None)
    assert "on one alone" in edge.found


EDGES = (replace(ONE, edge=True), replace(TWO, edge=True, manager="reachable"), THREE)


def test_of_several_edges_it_is_told_where_nginx_answers() -> None:
    assert [check.name for check in swarm.managers(facts(*EDGES))] == ["managers"]
    (check,) = swarm.edges(facts(*EDGES))
    assert (check.found, check.problem) == ("2: nginx answers on one, two", None)
    assert not list(swarm.edges(facts()))


@pytest.mark.parametrize(
    ("second", "silent", "problem"),
    [
        (EDGES[1], ("2",), "edge does not follow"),
        (replace(EDGES[1], manager=""), (), "edge is no manager"),
        (replace(EDGES[1], state="down"), (), ""),
    ],
)
def test_an_edge_that_does_not_do_its_part_is_named(second: Node, silent: tuple[str, ...], problem: str) -> None:
    known = facts(EDGES[0], second)
    cluster = replace(known.survey.cluster, silent=silent)
    *found, told = swarm.edges(replace(known, survey=replace(known.survey, cluster=cluster)))
    assert names(found) == [problem] * bool(problem)
    assert told.found == "2: nginx answers on one"


def test_another_host_that_is_the_first_is_not_deployed_past() -> None:
    known = facts()
    cluster = replace(known.survey.cluster, first="10.0.0.9")
    found = list(swarm.engine(replace(known, survey=replace(known.survey, cluster=cluster))))
    assert (names(found), found[0].level) == (["another host is the first"], Level.REFUSAL)
    assert "10.0.0.9" in found[0].found


def test_a_manager_that_is_away_is_one_of_those_that_may_be() -> None:
    every = [replace(ONE, id=str(number), name=f"m{number}") for number in range(1, 4)]
    every[2] = replace(every[2], manager="unreachable")
    told, _ = swarm.managers(facts(*every))
    assert told.found == "3: 1 of them may be away, as m3 is: no other may be"


def test_replicas_on_one_node_are_named_where_another_could_take_one() -> None:
    crowded = {"frontend": LIVE}
    assert names(swarm.spread(facts(containers=crowded))) == ["replicas on one node"]
    assert names(swarm.spread(facts(ONE, replace(TWO, availability="drain"), containers=crowded))) == []
    apart = replace(LIVE, tasks=(TASKS[0], replace(TASKS[1], node="two")))
    assert names(swarm.spread(facts(containers={"frontend": apart}))) == []


@pytest.mark.parametrize(
    ("image", "problems"),
    [
        ("localhost:5000/app:1", ["image not for every node"]),
        ("127.0.0.1:5000/app:1", ["image not for every node"]),
        ("10.0.0.1:5000/app:1", []),
        ("app:1", []),
    ],
)
def test_an_image_of_a_registry_on_the_loopback_is_none_for_other_nodes(image: str, problems: list[str]) -> None:
    assert names(swarm.images(facts(containers={"frontend": replace(LIVE, image=image)}))) == problems


def test_what_stays_on_the_first_host_has_to_be_on_the_network_of_all() -> None:
    shared = f"{Names().network}{OVERLAY}"
    there = {
        name: Container(name, name, addresses={shared: "10.249.0.2"} if name != "redis" else {"own": "10.0.0.1"})
        for name in ("nginx", "postgres", "redis")
    }
    (check,) = swarm.overlay(facts(containers=there))
    assert (check.subject, check.level, check.remedy) == (
        *("redis", Level.REFUSAL),
        "Connect it: inv host.setup --swarm",
    )
    assert not list(swarm.overlay(facts(containers=there, engine="single")))
    assert not list(swarm.overlay(facts(containers={"redis": replace(there["redis"], running=False)})))


def test_what_a_stanza_says_in_vain_is_told_once_for_all_services() -> None:
    backend = replace(FRONTEND, name="backend", one_host=("memswap_limit", "privileged"))
    both = (replace(FRONTEND, one_host=("memswap_limit", "privileged", "shm_size")), backend)
    job = replace(FRONTEND, name="report", schedule="* * * * *", one_host=("devices",))
    known = replace(facts(), services=(*both, job))
    swap, rest = swarm.stanzas(known)
    assert swap.problem is None
    assert swap.found.startswith("memswap_limit of frontend, backend: ")
    assert rest.found == "No effect in a swarm: privileged (frontend, backend); shm_size (frontend)."
    assert rest.level is Level.WARNING
    assert list(swarm.stanzas(replace(known, engine=""))) == []
    assert list(swarm.stanzas(facts())) == []
