"""What makes nodes of a swarm edges, by what is seen of them: the plan of host.setup --swarm --edge."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from behindy_ops.facts.swarm import Node, Seat, Swarm
from behindy_ops.host.nodes import Joining
from behindy_ops.project.names import Names
from behindy_ops.provision import edges
from behindy_ops.provision.edges import Edge, plan, version
from behindy_ops.provision.swarm import Ground, Plan
from behindy_ops.report.events import Warning_
from tests.scripted import Answer, scripted
from tests.unit.provision.test_swarm import MANAGING, ONE, PLAIN, facts, looked, node_line

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from behindy_ops.host.session import Session
    from behindy_ops.project.settings import Settings

NAMES = Names()
TWO = Node("n2", "two")
SECOND = Joining("ops@two", "ops", "two")
FIRST = Edge(Swarm(Seat.MANAGER, "n1", (ONE, TWO)), "n1", "/home/ops/behindy-ops", "f1", "running", "nginx:1.28")
BARE = Edge(Swarm(Seat.WORKER, "n2"), "n2", "/home/ops/behindy-ops", "none", "none")
MADE = replace(BARE, files="f1", nginx="running", aliases=("edge-n2",))
EDGES = Swarm(
    Seat.MANAGER, "n1", (replace(ONE, edge=True), replace(TWO, edge=True, manager="reachable", ssh="ops@two"))
)


def planned(first: Edge = FIRST, edge: Edge = BARE) -> Plan:
    return plan(NAMES, first, "behindy-ops", "a.org", [(SECOND, edge)])


def test_a_worker_gets_all_that_an_edge_has_and_nginx_last() -> None:
    found = planned()
    assert [(step.name, step.at) for step in found.steps] == [
        ("promote", ""), ("image", "ops@two"), ("files", "ops@two"), ("label", ""), ("label", ""), ("keeper", ""),
        ("certificates", ""), ("kept", "ops@two"), ("nginx", "ops@two"), ("connect", "ops@two"), ("follows", ""),
    ]  # fmt: skip
    labels = [step.argv[2:] for step in found.steps if step.name == "label"]
    assert labels == [
        ("n2", "behindy.edge=true", "behindy.ssh=ops@two"),
        ("n1", "behindy.edge=true", "behindy.first=true"),
    ]
    assert found.steps[5].argv[-2:] == ("nginx:1.28", version())
    assert not any(step.root for step in found.steps)


def test_what_is_there_already_needs_nothing() -> None:
    assert planned(replace(FIRST, swarm=EDGES, keeper=version()), MADE) == Plan()


def test_files_that_changed_are_brought_and_certificates_shared() -> None:
    found = planned(replace(FIRST, swarm=EDGES, keeper=version(), files="f2"), MADE)
    assert [step.name for step in found.steps] == ["files", "certificates"]


def test_certificates_that_the_edges_have_not_are_shared() -> None:
    found = planned(replace(FIRST, swarm=EDGES, keeper=version(), others=True), MADE)
    assert [step.name for step in found.steps] == ["certificates"]


def test_what_cannot_be_is_said_before_anything_is_done() -> None:
    stranger = replace(BARE, node="n9")
    for first, edge, why in (
        (FIRST, stranger, "ops@two is no node of the host's swarm."),
        (
            FIRST,
            replace(BARE, directory="/srv/x"),
            "/srv/x on ops@two is not the directory of the host, /home/ops/behindy-ops.",
        ),
        (FIRST, replace(BARE, node="n1"), "ops@two is the host of the settings, which is an edge anyway."),
        (replace(FIRST, nginx="exited"), BARE, "nginx does not run on the host."),
        (
            replace(FIRST, swarm=replace(FIRST.swarm, first="10.0.0.9")),
            BARE,
            "The first host of the swarm is 10.0.0.9.",
        ),
    ):
        found = planned(first, edge)
        assert (found.obstacle, found.steps) == (why, ())
        assert found.remedy
    assert "No domain" in plan(NAMES, FIRST, "behindy-ops", "", [(SECOND, BARE)]).obstacle


def test_an_edge_that_leaves_ends_its_nginx_before_it_is_drained() -> None:
    first = replace(MANAGING, swarm=EDGES)
    node = EDGES.nodes[1]
    steps = Plan.leaving(NAMES, first, node, ["frontend"], "ops@two", Ground(PLAIN, Swarm(Seat.WORKER, "n2"))).steps
    assert [step.name for step in steps][:6] == ["pause", "respread", "edge", "nginx", "keeper", "drain"]
    third = replace(EDGES, nodes=(*EDGES.nodes, Node("n3", "three", edge=True)))
    steps = Plan.leaving(NAMES, replace(first, swarm=third), replace(node, state="down"), [], "", None).steps
    assert [step.name for step in steps] == ["edge", "demote", "forget"], "two edges are left"


def told(files: str, nginx: str = "running", more: str = "") -> Answer:
    return Answer(f"directory /home/ops/behindy-ops\nfiles {files}\nnginx {nginx}\nimage nginx:1.28\n{more}")


def test_files_go_from_host_to_host_on_standard_input_and_are_shown_nowhere() -> None:
    second = node_line("two", labels={"behindy.edge": "true", "behindy.ssh": "two"}, manager={"Leader": False})
    own = node_line("one", labels={"behindy.edge": "true"}, manager={"Leader": True})
    of_first = looked("manager", "@ nodes_", own, second, node="id-one")
    kept = told("f2", more=f"keeper {version()}\n")
    first = scripted(
        host__facts=facts(), host__swarm_look=of_first, host__edge=[kept, kept, *[Answer("c2VjcmV0\n")] * 2, kept]
    )
    there = told("f1", more="aliases edge-id-two\n")
    other = scripted(
        host__facts=facts(), host__swarm_look=looked("manager", node="id-two"), host__edge=[there, there, Answer()]
    )
    edges.set_up(lambda: nullcontext(first.session), lambda _: nullcontext(other.session), lambda _: True, [SECOND])
    unpack = other.host.commands[-1]
    assert (unpack.argv[4:], unpack.stdin) == (("unpack", "behindy-ops", "nginx"), b"c2VjcmV0\n")
    (pack,) = (command for command in first.host.commands if command.argv[4:5] == ("pack",))
    assert pack.secret
    assert "c2VjcmV0" not in first.told() + other.told()
    assert "nginx answers on 2 nodes" in first.told()


def test_a_sync_brings_what_it_changed_to_each_further_edge_that_is_there() -> None:
    second = node_line("two", labels={"behindy.edge": "true", "behindy.ssh": "two"}, manager={"Leader": False})
    third = node_line("three", labels={"behindy.edge": "true", "behindy.ssh": "three"}, state="down")
    own = node_line("one", labels={"behindy.edge": "true"}, manager={"Leader": True})
    of_first = looked("manager", "@ nodes_", own, second, third, node="id-one")
    kept = told("f1", more=f"keeper {version()}\n")
    first = scripted(host__facts=facts(), host__swarm_look=of_first, host__edge=kept)
    other = scripted(
        host__swarm_look=looked("manager", node="id-two"), host__edge=told("f1", more="aliases edge-id-two\n")
    )
    reached: list[str] = []

    def reach(settings: Settings) -> AbstractContextManager[Session]:
        reached.append(settings.host)
        return nullcontext(other.session)

    edges.refresh(lambda: nullcontext(first.session), reach)
    assert (reached, first.host.ran()) == ([], []), "one host has none"
    first.session.settings = replace(first.session.settings, engine="swarm")
    edges.refresh(lambda: nullcontext(first.session), reach)
    assert reached == ["two"]
    assert "nothing to do" in first.told()
    (left_out,) = (event.text for event in first.events if isinstance(event, Warning_))
    assert left_out.startswith("The edge three has the files of before (it does not answer).")
    assert left_out.endswith("inv host.setup --swarm --edge three")


def test_a_sync_that_cannot_see_which_edges_there_are_says_so() -> None:
    first = scripted(host__facts=facts(), host__swarm_look=looked("leaderless", node="id-one"))
    first.session.settings = replace(first.session.settings, engine="swarm")
    edges.refresh(lambda: nullcontext(first.session), lambda _: nullcontext(first.session))
    (left_out,) = (event.text for event in first.events if isinstance(event, Warning_))
    assert left_out.startswith("The swarm has no leader: other edges have the files of before.")


def test_visitors_by_ipv6_come_to_each_edge() -> None:
    steps = plan(NAMES, FIRST, "behindy-ops", "a.org", [(SECOND, BARE)], ipv6=True).steps
    assert next(step for step in steps if step.name == "nginx").argv[-2:] == ("ipv6", "nginx")
