"""Deploys on a swarm of three nodes, two replicas of each service, under traffic: with the promises of one host."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sandbox.demo.power import lose_power
from sandbox.host import nodes, releases
from sandbox.host.swarm import nodes_ready, running, tasks, units
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.interruption import FULL, STEPS, STEPS_AFTER_SWITCH, Client, Moment
from tests.sandbox.support import SERVICES, all_drained, wait_for
from tests.sandbox.swarm import Project, linked, settled, swarm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.host.info import SandboxInfo
    from sandbox.traffic.generator import TrafficResult

IN_FLIGHT = 60
"""Requests at most that a node takes along when it loses its power: what it had begun, and what a name in DNS
still leads there in the seconds until the swarm has missed it."""


full = pytest.mark.skipif(not FULL, reason="takes long; --full runs it")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxInfo, Project]]:
    with swarm(tmp_path_factory.mktemp("project")) as (sandbox, project):
        for service in SERVICES:
            for tag in ("v1", "v2"):
                releases.release(service, tag)
            project.deploy(service, "v1").ok()
        yield sandbox, project


@pytest.fixture(scope="module")
def sandbox_of(cluster: tuple[SandboxInfo, Project]) -> SandboxInfo:
    return cluster[0]


@pytest.fixture
def project(cluster: tuple[SandboxInfo, Project]) -> Project:
    """All three live on all nodes, and nothing left over, whatever an earlier test has done."""
    return settled(cluster[1])


def other(service: str) -> str:
    return "v1" if units()[service]["behindy.tag"] == "v2" else "v2"


def under_traffic(sandbox: SandboxInfo, service: str, what: Callable[[], object]) -> TrafficResult:
    with Traffic(sandbox, for_service(service), max_seconds=200) as traffic:
        traffic.wait_until_flowing()
        what()
        return traffic.stop()


@pytest.mark.parametrize("service", SERVICES)
def test_a_deploy_and_a_rollback_lose_nothing_and_both_replicas_are_on_nodes_of_their_own(
    sandbox_of: SandboxInfo, project: Project, service: str
) -> None:
    before, tag = units()[service], other(service)

    def both() -> None:
        project.deploy(service, tag, watch="2").ok()
        assert units()[service]["behindy.tag"] == tag
        assert max(Counter(task.node for task in tasks(service)).values()) == 1
        back = ("deploy.rollback", service, "--watch", "1", "--yes", "--json")
        project.inv(*back, BEHINDY_ENGINE="").ok()  # it is found out that the host manages a swarm
        all_drained()

    result = under_traffic(sandbox_of, service, both)
    assert (result.lost, result.ended_by) == (0, "stop"), result.losses[:5]
    after = units()
    assert set(after) == set(SERVICES)
    assert after[service]["behindy.digest"] == before["behindy.digest"]
    assert linked() == {name: f"ids/{labels['behindy.dns']}" for name, labels in after.items()}


@pytest.mark.parametrize("step", STEPS + STEPS_AFTER_SWITCH if FULL else ["internal", "switch"])
def test_a_killed_client_loses_nothing_and_the_next_command_puts_all_in_order(
    sandbox_of: SandboxInfo, project: Project, step: str
) -> None:
    tag = other("frontend")

    def killed() -> None:
        with Client(*project.words("frontend", tag), env=project.env(), cwd=project.root) as client:
            client.until(Moment(step).reached, timeout=90)
            client.send(9)
            assert client.wait().code == -9
        project.deploy("frontend", tag).ok()

    result = under_traffic(sandbox_of, "frontend", killed)
    assert result.lost == 0, result.losses[:5]
    assert set(units()) == set(SERVICES)
    assert units()["frontend"]["behindy.tag"] == tag


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        pytest.param("crash", 50, "it failed on behindy-sandbox", marks=full),
        ("outside-only", 50, "is fine from inside but not through"),
        pytest.param("dies-later", 52, "was switched back", marks=full),
    ],
)
def test_a_bad_release_is_refused_or_taken_back(
    sandbox_of: SandboxInfo, project: Project, fault: str, code: int, says: str
) -> None:
    releases.release("frontend", f"bad-{fault}", fault)
    before = units()

    def refused() -> None:
        ran = project.deploy("frontend", f"bad-{fault}", watch="6")
        assert ran.code == code, ran.said
        assert says in ran.named("failed")[0]["what"], ran.said

    result = under_traffic(sandbox_of, "frontend", refused)
    assert result.lost <= (IN_FLIGHT if code == 52 else 0), result.losses[:5]  # what dies has begun some
    assert units() == before


def test_a_release_that_no_node_may_run_is_refused_by_that_name(project: Project) -> None:
    file = project.root / "compose" / "docker-compose.yml"
    text, before = file.read_text(), units()
    wanted = "placement: [disk=ssd]\n      health: {seconds: 6}\n      port: 3000"
    file.write_text(text.replace("port: 3000", wanted, 1))
    try:
        ran = project.deploy("frontend", other("frontend"))
    finally:
        file.write_text(text)
    assert ran.code == 50, ran.said
    assert "no node of the swarm fits" in ran.named("failed")[0]["what"], ran.said
    assert units() == before


def test_a_node_that_loses_its_power_takes_along_what_it_had_begun_and_no_more(
    sandbox_of: SandboxInfo, project: Project
) -> None:
    seen = []

    def killed() -> None:
        nodes.kill(2)
        wait_for(lambda: nodes_ready() == 2, 60, "that the node is missed")
        wait_for(lambda: running("frontend") == 2, 60, "that its replica runs elsewhere")
        seen.append({task.node for task in tasks("frontend")})
        project.deploy("frontend", other("frontend")).ok()  # with one node away
        nodes.start(2)

    result = under_traffic(sandbox_of, "frontend", killed)
    assert "behindy-sandbox-2" not in seen[0]
    assert result.lost <= IN_FLIGHT, result.losses[:5]


@full
def test_the_demo_tells_what_a_host_without_power_costs(sandbox_of: SandboxInfo, project: Project) -> None:
    with Traffic(sandbox_of, for_service("frontend"), max_seconds=200) as traffic:
        traffic.wait_until_flowing()
        cut = lose_power(sandbox_of, SERVICES, traffic, 57, print)
        result = traffic.stop()
    assert cut.held >= 1
    assert cut.missed is not None
    assert cut.repaired is not None
    assert cut.missed < cut.repaired
    assert result.lost - cut.lost_before <= cut.allowed, result.losses
    assert running(*SERVICES) == cut.replicas
