"""Three managers lose one of them, or two, in each step of a deploy under traffic: what it costs, and what heals it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind
from sandbox.host import nodes, releases
from sandbox.host.swarm import nodes_ready, running, tasks, units
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.interruption import FULL, Client, Moment
from tests.sandbox.support import on_host, wait_for
from tests.sandbox.swarm import Project, swarm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.host.info import SandboxInfo
    from sandbox.traffic.model import TrafficResult
    from tests.sandbox.support import Ran

pytestmark = pytest.mark.skipif(not FULL, reason="takes long: only with --full")

TAGS = ("lost-1", "lost-2")
STREAMS = tuple(stream for stream in for_service("frontend") if stream.service == "frontend")
BEGUN = 2 * sum(stream.concurrency for stream in STREAMS)
"""Requests that a node may have begun when it loses its power, and that one does which is started in its place: a
service without a HEALTHCHECK has an address before it listens."""

STEPS = (
    *(Moment(step) for step in ("start", "internal", "rehearsal", "switch", "external")),
    Moment("watch", "started"),
    Moment("verify"),
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxInfo, Project]]:
    with swarm(tmp_path_factory.mktemp("project")) as (sandbox, project):
        on_host("docker", "node", "promote", *(node.name for node in sandbox.nodes[1:]))
        for tag in TAGS:
            releases.release("frontend", tag)
        project.deploy("frontend", TAGS[0]).ok()
        yield sandbox, project


@pytest.fixture(scope="module")
def sandbox_of(cluster: tuple[SandboxInfo, Project]) -> SandboxInfo:
    return cluster[0]


@pytest.fixture
def project(cluster: tuple[SandboxInfo, Project]) -> Iterator[Project]:
    """All nodes are there, and the frontend has both replicas; afterwards all nodes have their power again."""
    sandbox, project = cluster
    wait_for(lambda: nodes_ready() == len(sandbox.nodes), 90, "that all nodes are Ready")
    wait_for(lambda: running("frontend") == 2, 60, "that both replicas run")
    yield project
    for number in (1, 2, 3):
        nodes.start(number)


def manager(*status: str) -> list[str]:
    lines = on_host("docker", "node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}").splitlines()
    return [words[0] for words in map(str.split, lines) if words[1:] in [[each] for each in status]]


def number_of(sandbox: SandboxInfo, name: str) -> int:
    return [node.name for node in sandbox.nodes].index(name) + 1


def led_by_another(sandbox: SandboxInfo) -> int:
    """Have another node lead than the one that tasks talk to; return its number."""
    first = sandbox.nodes[0].name
    if manager("Leader") == [first]:
        on_host("docker", "node", "demote", first, node=2)
        wait_for(lambda: promoted(first), 60, "that it is a manager again")
    (leader,) = manager("Leader")
    assert leader != first
    return number_of(sandbox, leader)


def promoted(name: str) -> bool:
    """Whether this node is a manager, which it is made until it is: one that has just been demoted may refuse."""
    with contextlib.suppress(Exception):
        on_host("docker", "node", "promote", name, node=2)
        return bool(manager("Leader")) and len(manager("Leader", "Reachable")) == 3
    return False


def other() -> str:
    return next(tag for tag in TAGS if tag != units()["frontend"]["behindy.tag"])


def under_traffic(sandbox: SandboxInfo, what: Callable[[Traffic], object]) -> TrafficResult:
    with Traffic(sandbox, STREAMS, max_seconds=400) as traffic:
        traffic.wait_until_flowing()
        what(traffic)
        return traffic.stop()


def deployed(project: Project, tag: str, moment: Moment, strike: Callable[[], object]) -> Ran:
    """Deploy, and strike at that moment."""
    with Client(*project.words("frontend", tag), env=project.env(), cwd=project.root) as client:
        client.until(moment.reached, timeout=90)
        strike()
        return client.wait(300)


def healed(project: Project, tag: str) -> None:
    """See that the next plain command puts all in order."""
    project.deploy("frontend", tag).ok()
    assert set(units()) == {"frontend"}
    assert units()["frontend"]["behindy.tag"] == tag


@pytest.mark.parametrize("moment", STEPS, ids=str)
def test_a_deploy_bears_that_another_manager_dies_which_leads(
    sandbox_of: SandboxInfo, project: Project, moment: Moment
) -> None:
    leader, tag = led_by_another(sandbox_of), other()

    def killed(_: Traffic) -> None:
        deployed(project, tag, moment, lambda: nodes.kill(leader)).ok()
        healed(project, tag)

    result = under_traffic(sandbox_of, killed)
    assert result.lost <= BEGUN, result.losses


@pytest.mark.parametrize("moment", STEPS, ids=str)
def test_a_deploy_bears_that_a_node_dies_which_runs_a_replica(
    sandbox_of: SandboxInfo, project: Project, moment: Moment
) -> None:
    first, tag = sandbox_of.nodes[0].name, other()
    places = {task.node for task in tasks("frontend")} - {first, *manager("Leader")}
    number = min((number_of(sandbox_of, place) for place in places), default=3)

    def killed(_: Traffic) -> None:
        deployed(project, tag, moment, lambda: nodes.kill(number)).ok()
        wait_for(lambda: running("frontend") == 2, 60, "that its replicas run elsewhere")
        healed(project, tag)

    result = under_traffic(sandbox_of, killed)
    assert result.lost <= BEGUN, result.losses


@pytest.mark.parametrize("moment", STEPS, ids=str)
def test_where_the_host_itself_died_the_next_command_heals_and_after_that_nothing_is_lost(
    sandbox_of: SandboxInfo, project: Project, moment: Moment
) -> None:
    tag = other()

    def struck() -> None:
        nodes.kill(1)
        nodes.start(1)

    ran = deployed(project, tag, moment, struck)
    assert ran.code in (0, 11, 15), ran.said  # it may have ended, or have connected once more
    healed(project, tag)
    result = under_traffic(sandbox_of, lambda _: healed(project, other()))
    assert result.lost == 0, result.losses


@contextlib.contextmanager
def on_the_first(sandbox: SandboxInfo, project: Project) -> Iterator[None]:
    """Have the first node run a replica of each release, since one of the other two takes nothing new."""
    third = sandbox.nodes[2].name
    on_host("docker", "node", "update", "--availability", "pause", third)
    project.inv("ops.restart", "frontend", "--watch", "0", "--wait-drain").ok()
    assert sandbox.nodes[0].name in {task.node for task in tasks("frontend")}
    yield
    on_host("docker", "node", "update", "--availability", "active", third)


@pytest.mark.parametrize("moment", [Moment("start"), Moment("rehearsal"), Moment("watch", "started")], ids=str)
def test_without_a_quorum_a_deploy_ends_by_that_name_and_what_runs_goes_on(
    sandbox_of: SandboxInfo, project: Project, moment: Moment
) -> None:
    tag, others = other(), sandbox_of.nodes[1:]
    lost: list[int] = []

    def refused() -> str:
        ran = project.inv(*project.words("frontend", tag))
        (told,) = ran.named("failed") if ran.code == Kind.NO_QUORUM.exit_code else [{"what": "", "remedy": ""}]
        return f"{told['what']} {told['remedy']}"

    def others_die() -> None:
        for number in (2, 3):
            nodes.kill(number)

    def killed(traffic: Traffic) -> None:
        ran = deployed(project, tag, moment, others_die)
        assert ran.code in (0, Kind.MANAGER_LOST.exit_code), ran.said  # it may have needed nothing more
        wait_for(lambda: "no leader" in refused(), 90, "that there is no leader")
        lost.append(traffic.snapshot().lost)
        told = refused()
        assert all(node.address in told for node in others), told
        assert "docker swarm init --force-new-cluster" in told
        assert project.inv("deploy.rollback", "frontend", "--yes", "--json").code == Kind.NO_QUORUM.exit_code
        lost.append(traffic.snapshot().lost - lost[0])
        for number in (2, 3):
            nodes.start(number)
        wait_for(lambda: nodes_ready() == 3, 60, "that all are there again")
        healed(project, tag)

    with on_the_first(sandbox_of, project):
        result = under_traffic(sandbox_of, killed)
    assert lost[0] <= BEGUN, result.losses
    assert lost[1] == 0, result.losses
