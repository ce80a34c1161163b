"""A host that serves becomes the first of a swarm, nodes come and go, and it is one host again: nobody notices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sandbox.host import releases
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.interruption import FULL
from tests.sandbox.several import SUDO, several_nodes
from tests.sandbox.support import all_drained, deploy, environment, inv, on_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.host.info import SandboxInfo
    from sandbox.traffic.model import TrafficResult

ALONE = "{{.Swarm.LocalNodeState}} {{.LiveRestoreEnabled}}"
INFRASTRUCTURE = ("nginx", "postgres", "redis")

pytestmark = pytest.mark.skipif(not FULL, reason="takes minutes: only with --full")


@pytest.fixture(scope="module")
def three() -> Iterator[SandboxInfo]:
    with several_nodes("setup") as sandbox:
        for number in (1, 2, 3):
            on_host("sh", "-c", SUDO, node=number)
        releases.release("frontend", "v1")
        deploy("frontend", "v1").ok()
        yield sandbox


@pytest.fixture(scope="module")
def untouched(three: SandboxInfo) -> Iterator[str]:
    """What runs beside the releases is from first to last the same: no other container, and never started again."""
    before = started()
    yield before
    assert started() == before


@pytest.fixture(scope="module")
def swarm(three: SandboxInfo, untouched: str) -> SandboxInfo:
    result = under_traffic(three, lambda: inv(*made_of(three)).ok())
    assert (result.lost, result.sent > 100) == (0, True), result.losses[:3]
    return three


def started() -> str:
    return on_host("docker", "inspect", "--format", "{{.Name}} {{.Id}} {{.State.StartedAt}}", *INFRASTRUCTURE)


def way(sandbox: SandboxInfo, number: int) -> str:
    ssh = sandbox.nodes[number - 1].ssh
    return f"{ssh.user}@{ssh.host}:{ssh.port}"


def made_of(sandbox: SandboxInfo, *numbers: int) -> tuple[str, ...]:
    joins = [word for number in numbers or (2, 3) for word in ("--join", way(sandbox, number))]
    return ("host.setup", "--swarm", "--advertise", sandbox.nodes[0].address, *joins, "--yes")


def under_traffic(sandbox: SandboxInfo, what: Callable[[], object]) -> TrafficResult:
    streams = [stream for stream in for_service("frontend") if stream.service == "frontend"]
    with Traffic(sandbox, streams, max_seconds=150) as traffic:
        traffic.wait_until_flowing()
        what()
        return traffic.stop()


def in_swarm(*words: str) -> None:
    inv(*words, env=environment(BEHINDY_ENGINE="swarm")).ok()


def states() -> dict[str, str]:
    """Each node as the manager sees it, with its labels of ours."""
    form = '{{.Description.Hostname}} {{.Status.State}}-{{.Spec.Availability}}-{{index .Spec.Labels "behindy.apps"}}'
    ids = on_host("docker", "node", "ls", "--quiet").split()
    return dict(line.split() for line in on_host("docker", "node", "inspect", "--format", form, *ids).splitlines())


def managers() -> list[str]:
    """What each manager is to the others."""
    return on_host("docker", "node", "ls", "--format", "{{.ManagerStatus}}").split()


def where() -> list[str]:
    """The nodes on which the live release runs."""
    live = on_host("docker", "service", "ls", "--quiet", "--filter", "label=behindy.name=frontend")
    form = ("--format", "{{.Node}}", "--filter", "desired-state=running")
    return on_host("docker", "service", "ps", *form, live).split()


def test_a_live_host_becomes_a_swarm_of_three_and_then_there_is_nothing_to_do(swarm: SandboxInfo) -> None:
    assert states() == {node.name: "ready-active-true" for node in swarm.nodes}
    networks = json.loads(on_host("docker", "inspect", "--format", "{{json .NetworkSettings.Networks}}", "postgres"))
    assert {"db", "postgres"} <= set(networks["behindy-ops_internal-swarm"]["Aliases"])
    assert "nothing to do" in inv(*made_of(swarm)).ok().said
    checked = inv("host.check", "--json", env=environment(BEHINDY_ENGINE="swarm"))
    looked_at = {check["subject"] for check in json.loads(checked.out)["checks"] if check["name"] == "clock"}
    assert looked_at == {"host", *(node.name for node in swarm.nodes[1:])}
    refused = inv("deploy.frontend", "--tag", "v1", "--force")
    assert refused.code == 10, refused.said
    assert "BEHINDY_ENGINE" in refused.said


def test_the_first_deploy_to_it_takes_over_from_the_container_of_one_host(swarm: SandboxInfo) -> None:
    result = under_traffic(swarm, lambda: deploy("frontend", "v1", BEHINDY_ENGINE="swarm").ok())
    assert (result.lost, result.sent > 100) == (0, True), result.losses[:3]
    assert len(where()) == 1
    assert not on_host("docker", "ps", "--all", "--quiet", "--filter", "name=^frontend")


def test_a_node_that_leaves_hands_over_what_it_runs_and_may_join_again(swarm: SandboxInfo) -> None:
    (busy,) = where()
    if busy == swarm.nodes[0].name:  # the manager's own; have it elsewhere
        on_host("docker", "node", "update", "--availability", "pause", busy)
        in_swarm("ops.restart", "frontend", "--watch", "0", "--wait-drain")
        on_host("docker", "node", "update", "--availability", "active", busy)
        (busy,) = where()
    number = [node.name for node in swarm.nodes].index(busy) + 1
    result = under_traffic(swarm, lambda: in_swarm("host.setup", "--swarm", "--leave", busy, "--yes"))
    assert (result.lost, result.sent > 100) == (0, True), result.losses[:3]
    assert busy not in {*states(), *where()}
    assert on_host("docker", "info", "--format", ALONE, node=number) == "inactive true"
    in_swarm(*made_of(swarm, number))
    assert states() == {node.name: "ready-active-true" for node in swarm.nodes}


def test_workers_become_managers_of_which_one_may_be_away_and_one_leaves_again(swarm: SandboxInfo) -> None:
    in_swarm(*made_of(swarm), "--managers")
    assert sorted(managers()) == ["Leader", "Reachable", "Reachable"]
    assert "nothing to do" in inv(*made_of(swarm), "--managers").ok().said
    checked = inv("host.check", "--json", env=environment(BEHINDY_ENGINE="swarm"))
    (told,) = (check["found"] for check in json.loads(checked.out)["checks"] if check["name"] == "managers")
    assert told == "3: 1 of them may be away"
    number = 3 if where() == [swarm.nodes[2].name] else 2
    name = swarm.nodes[number - 1].name
    result = under_traffic(swarm, lambda: in_swarm("host.setup", "--swarm", "--leave", name, "--yes"))
    assert (result.lost, result.sent > 100) == (0, True), result.losses[:3]
    assert sorted(managers()) == ["Leader", "Reachable"]
    in_swarm(*made_of(swarm, number), "--managers")
    assert sorted(managers()) == ["Leader", "Reachable", "Reachable"]
    assert states() == {node.name: "ready-active-true" for node in swarm.nodes}


def test_the_way_back_leads_to_one_host_on_which_deploys_go_on(swarm: SandboxInfo) -> None:
    refused = inv("host.setup", "--no-swarm", "--yes")
    assert (refused.code, "frontend" in refused.said) == (30, True), refused.said

    def back() -> None:
        inv("ops.restart", "frontend", "--watch", "0", "--wait-drain", env=environment(BEHINDY_ENGINE="single")).ok()
        for node in swarm.nodes[1:]:
            inv("host.setup", "--swarm", "--leave", node.name, "--yes").ok()

    result = under_traffic(swarm, back)
    assert (result.lost, result.sent > 100) == (0, True), result.losses[:3]
    inv("host.setup", "--no-swarm", "--yes").ok()  # the moment in which nginx may find no name
    result = under_traffic(swarm, lambda: deploy("frontend", "v1", "--force").ok())
    assert (result.lost, result.sent > 100) == (0, True), result.losses[:3]
    all_drained()
    assert on_host("docker", "info", "--format", ALONE) == "inactive true"
    for name in ("frontend", "db", "postgres", "redis"):
        assert on_host("docker", "exec", "nginx", "getent", "ahostsv4", name)
    assert "nothing to do" in inv("host.setup", "--no-swarm", "--yes").ok().said
