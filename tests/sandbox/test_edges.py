"""Several edges: nginx answers on two of three managers, and the loss of any one host is survived."""

from __future__ import annotations

import contextlib
import json
import ssl
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.host import nodes, releases
from sandbox.host import shell as host
from sandbox.host import swarm as nodes_swarm
from sandbox.host.swarm import nodes_ready, running, units
from sandbox.traffic.generator import Traffic, for_service
from sandbox.traffic.relay import Relay
from tests.sandbox.interruption import FULL, Client, Moment
from tests.sandbox.ops_support import certificate
from tests.sandbox.several import SUDO
from tests.sandbox.support import SERVICES, all_drained, on_host, wait_for
from tests.sandbox.swarm import Project, linked, settled, swarm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.host.info import NodeInfo, SandboxInfo
    from sandbox.traffic.generator import TrafficResult

IN_FLIGHT = 60
"""Requests at most that a host takes along which loses its power, as in test_swarm."""

full = pytest.mark.skipif(not FULL, reason="takes long; --full runs it")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxInfo, Project]]:
    with swarm(tmp_path_factory.mktemp("project")) as (sandbox, project):
        nodes_swarm.promote(sandbox.nodes[1:])
        nodes_swarm.have_nginx(2, sandbox.nodes[0])
        for service in SERVICES:
            releases.release(service, "e1")
        project.inv("deploy.all", "--tag", "e1", "--watch", "1", "--json").ok()
        all_drained()
        releases.release("frontend", "e2")
        project.inv("host.setup", "--swarm", "--edge", way_in(sandbox.nodes[1]), "--yes").ok()
        yield sandbox, project


def way_in(node: NodeInfo) -> str:
    return f"{node.ssh.user}@{node.ssh.host}:{node.ssh.port}"


@pytest.fixture
def sandbox_of(cluster: tuple[SandboxInfo, Project]) -> SandboxInfo:
    return cluster[0]


@pytest.fixture
def project(cluster: tuple[SandboxInfo, Project]) -> Project:
    return settled(cluster[1])


def other() -> str:
    return "e1" if units()["frontend"]["behindy.tag"] == "e2" else "e2"


@contextlib.contextmanager
def visitors(sandbox: SandboxInfo, *numbers: int, of: str = "frontend") -> Iterator[list[Traffic]]:
    """Traffic to a service at the edges of these nodes, each by itself."""
    with contextlib.ExitStack() as stack:
        begun = []
        for number in numbers:
            relay = stack.enter_context(Relay(sandbox.nodes[number - 1].address, 443, delay=0.0))
            site = replace(sandbox, https=f"https://127.0.0.1:{relay.port}")
            begun.append(stack.enter_context(Traffic(site, for_service(of), max_seconds=280)))
        for traffic in begun:
            traffic.wait_until_flowing()
        yield begun


def under_traffic(
    sandbox: SandboxInfo, what: Callable[[], object], *numbers: int, of: str = "frontend"
) -> list[TrafficResult]:
    with visitors(sandbox, *(numbers or (1, 2)), of=of) as begun:
        what()
        return [traffic.stop() for traffic in begun]


def lost(results: list[TrafficResult]) -> list[int]:
    assert all(result.ended_by == "stop" and result.sent > 100 for result in results)
    return [result.lost for result in results]


def in_step() -> bool:
    wanted = {name: f"ids/{labels['behindy.dns']}" for name, labels in units().items()}
    return linked(1) == linked(2) == wanted


def test_a_deploy_and_a_rollback_lose_nothing_at_either_edge(sandbox_of: SandboxInfo, project: Project) -> None:
    tag = other()

    def both() -> None:
        project.deploy("frontend", tag, watch="2").ok()
        assert in_step()
        project.inv("deploy.rollback", "frontend", "--watch", "1", "--yes", "--json").ok()
        all_drained()

    results = under_traffic(sandbox_of, both)
    assert lost(results) == [0, 0], [result.losses[:5] for result in results]
    wait_for(in_step, 10, "that both edges are in step")


def test_an_edge_whose_nginx_does_not_run_keeps_a_release_from_going_live_by_name(
    sandbox_of: SandboxInfo, project: Project
) -> None:
    before = units()
    on_host("docker", "stop", "nginx", node=2)
    try:
        results = under_traffic(sandbox_of, lambda: refused(project), 1)
        found = project.inv("host.check", "--json").out
    finally:
        on_host("docker", "start", "nginx", node=2)
    assert lost(results) == [0], results[0].losses[:5]
    assert units() == before
    assert "edge does not follow" in found
    wait_for(lambda: follows(project), 30, "that the edge answers again")


def follows(project: Project) -> bool:
    return "edge does not follow" not in project.inv("host.check", "--json").out


def refused(project: Project) -> None:
    ran = project.deploy("frontend", other())
    assert ran.code != 0, ran.said
    assert "does not follow" in ran.said, ran.said


@full
def test_a_rehearsal_that_one_edge_does_not_know_is_refused_and_says_which(
    sandbox_of: SandboxInfo, project: Project
) -> None:
    map_file = "/home/ubuntu/behindy-ops/rehearsal/map.conf"
    on_host(
        "sh", "-c", f"cp -p {map_file} /root/map && sed -i 's/\"./\"0/' {map_file} && docker kill -s HUP nginx", node=2
    )
    try:
        ran = project.deploy("frontend", other())
    finally:
        on_host("sh", "-c", f"cp -p /root/map {map_file} && docker kill -s HUP nginx", node=2)
    assert ran.code != 0, ran.said
    assert sandbox_of.nodes[1].address in ran.said, ran.said


@full
def test_an_edge_that_loses_its_power_is_deployed_past_and_comes_back_in_step(
    sandbox_of: SandboxInfo, project: Project
) -> None:
    def killed() -> None:
        nodes.kill(2)
        wait_for(lambda: nodes_ready() == 2, 60, "that the node is missed")
        wait_for(lambda: running("frontend") == 2, 60, "that its replica runs elsewhere")
        project.deploy("frontend", other()).ok()
        nodes.start(2)
        wait_for(in_step, 60, "that the edge is in step")

    results = under_traffic(sandbox_of, killed, 1)
    assert results[0].lost <= IN_FLIGHT, results[0].losses[:5]
    with visitors(sandbox_of, 2) as (traffic,):
        assert traffic.stop().lost == 0


@full
def test_the_first_host_may_lose_its_power_too_and_the_other_edge_serves_on(
    sandbox_of: SandboxInfo, project: Project
) -> None:
    through_it = through(sandbox_of.nodes[1])

    def killed() -> None:
        nodes.kill(1)
        try:
            wait_for(lambda: replicas_told(project, through_it) == 2, 90, "that its replica runs elsewhere")
        finally:
            nodes.start(1)

    results = under_traffic(sandbox_of, killed, 2)
    assert results[0].lost <= IN_FLIGHT, results[0].losses[:5]
    wait_for(lambda: nodes_ready() == 3, 90, "that all nodes are Ready")
    wait_for(in_step, 60, "that the first host is in step")
    with visitors(sandbox_of, 1) as (traffic,):
        assert traffic.stop().lost == 0


@full
def test_while_the_first_host_is_away_a_deploy_through_the_other_edge_goes_live(
    sandbox_of: SandboxInfo, project: Project
) -> None:
    tag = other()
    with registry_that_stays(sandbox_of) as take_over:
        nodes.kill(1)
        try:
            take_over()
            trusted_by(2, sandbox_of)
            through_it = through(sandbox_of.nodes[1])
            wait_for(lambda: replicas_told(project, through_it) == 2, 90, "that its replica runs elsewhere")
            with visitors(sandbox_of, 2) as (traffic,):
                project.inv(*project.words("frontend", tag), **through_it).ok()
                result = traffic.stop()
            assert result.lost == 0, result.losses[:5]
        finally:
            on_host("ip", "address", "del", f"{sandbox_of.nodes[0].address}/24", "dev", "eth0", node=3, check=False)
            nodes.start(1)
    wait_for(lambda: nodes_ready() == 3, 90, "that all nodes are Ready")
    wait_for(in_step, 60, "that the first host is in step")
    assert units()["frontend"]["behindy.tag"] == tag
    refused = project.inv(*project.words("frontend", other()), **through_it)
    assert refused.code != 0, refused.said
    assert "first host" in refused.said, refused.said


@contextlib.contextmanager
def registry_that_stays(sandbox: SandboxInfo) -> Iterator[Callable[[], None]]:
    """A copy of the first host's registry on the third, which is given its address: one of the world would stay."""
    held = host.run(["tar", "-C", "/var/lib", "-cf", "-", "sandbox-registry"]).stdout
    host.run(["tar", "-C", "/var/lib", "-xf", "-"], stdin=held, node=3)
    serve = "setsid docker-registry serve /etc/docker/registry/config.yml >/run/registry.log 2>&1 </dev/null & echo $!"
    pid = on_host("sh", "-c", serve, node=3).strip()

    def take_over() -> None:
        on_host("ip", "address", "add", f"{sandbox.nodes[0].address}/24", "dev", "eth0", node=3)
        on_host("ip", "neighbour", "flush", "all", node=2)  # who had that address before is forgotten

    try:
        yield take_over
    finally:
        on_host("kill", pid, node=3)


@full
@pytest.mark.parametrize("step", ["rehearsal", "switch"])
def test_an_edge_that_loses_its_power_in_the_middle_of_a_deploy_takes_no_more_than_it_had_begun(
    sandbox_of: SandboxInfo, project: Project, step: str
) -> None:
    tag = other()

    def killed() -> None:
        with Client(*project.words("frontend", tag), env=project.env(), cwd=project.root) as client:
            client.until(Moment(step).reached, timeout=90)
            nodes.kill(2)
            ended = client.wait()
        if ended.code != 0:
            project.deploy("frontend", tag).ok()
        nodes.start(2)
        wait_for(in_step, 60, "that the edge is in step")

    results = under_traffic(sandbox_of, killed, 1)
    assert results[0].lost <= IN_FLIGHT, results[0].losses[:5]
    assert units()["frontend"]["behindy.tag"] == tag


@full
def test_a_certificate_that_the_first_host_has_got_is_served_by_each_edge(
    sandbox_of: SandboxInfo, project: Project
) -> None:
    share = ("host.setup", "--swarm", "--edge", way_in(sandbox_of.nodes[1]), "--yes")
    before = served(sandbox_of)
    with certificate(80):
        on_host("docker", "kill", "--signal", "HUP", "nginx")
        project.inv(*share).ok()
        wait_for(lambda: len(now := served(sandbox_of)) == 1 and now != before, 30, "that each edge has it")
    project.inv(*share).ok()
    wait_for(lambda: served(sandbox_of) == before, 30, "that each edge has the one before again")


def served(sandbox: SandboxInfo) -> set[str]:
    """The certificates that the edges serve."""
    return {ssl.get_server_certificate((node.address, 443)) for node in sandbox.nodes[:2]}


def trusted_by(node: int, sandbox: SandboxInfo) -> None:
    """Have a node trust the sandbox's certificates, as the world's are trusted everywhere."""
    place = "/usr/local/share/ca-certificates/behindy-sandbox.crt"
    put = ["sh", "-c", f"cat >{place} && update-ca-certificates >/dev/null 2>&1"]
    host.run(put, stdin=Path(sandbox.ca_file).read_bytes(), node=node)


def through(node: NodeInfo) -> dict[str, Any]:
    """The settings by which another manager than the first host is asked. The site's name leads to that one."""
    asked = {"BEHINDY_HOST": node.ssh.host, "BEHINDY_PORT": str(node.ssh.port)}
    return {**asked, "BEHINDY_PUBLIC_ADDRESS": node.address}


def replicas_told(project: Project, through_it: dict[str, Any]) -> int:
    """How many tasks of frontend run on hosts that are there, as the other edge tells once there is a leader again."""
    ran = project.inv("deploy.status", "--json", **through_it)
    if ran.code != 0:
        return 0
    (status,) = (each for each in json.loads(ran.out)["services"] if each["service"] == "frontend")
    return sum(task["state"] == "running" for task in status.get("tasks", ()))


@full
def test_what_is_closed_for_maintenance_is_closed_at_each_edge(sandbox_of: SandboxInfo, project: Project) -> None:
    project.inv("deploy.maintenance", "frontend", "--on", "--yes").ok()
    try:
        assert answers(sandbox_of) == ["503", "503"]
    finally:
        project.inv("deploy.maintenance", "frontend", "--off", "--yes").ok()
    assert answers(sandbox_of) == ["200", "200"]


def answers(sandbox: SandboxInfo, path: str = "/", scheme: str = "https") -> list[str]:
    """The status of each edge's answer, as a visitor of the site meets it."""
    asked = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}")
    return [
        on_host(*asked, "--connect-to", f"::{node.address}:", f"{scheme}://{sandbox.domain}{path}").strip()
        for node in sandbox.nodes[:2]
    ]


@full
def test_a_file_that_one_edge_alone_has_is_found_by_the_other(sandbox_of: SandboxInfo, project: Project) -> None:
    put = "install -D -m 644 /dev/stdin"
    challenge, kept = "/.well-known/acme-challenge/edge", "/_next/static/old-edge.js"
    on_host("sh", "-c", f"echo token | {put} /var/www/certbot{challenge}")
    on_host("sh", "-c", f"echo kept | {put} /home/ubuntu/behindy-ops/assets/frontend{kept}")
    assert answers(sandbox_of, challenge, "http") == ["200", "200"]
    assert answers(sandbox_of, kept) == ["200", "200"]
    assert answers(sandbox_of, "/_next/static/none.js") == ["404", "404"]
    assert answers(sandbox_of, "/.well-known/acme-challenge/none", "http") == ["404", "404"]


@full
@pytest.mark.timeout(900)
def test_an_edge_leaves_and_deploys_go_on(sandbox_of: SandboxInfo, project: Project) -> None:
    def leaves() -> None:
        project.inv("host.setup", "--swarm", "--leave", sandbox_of.nodes[1].name, "--yes", timeout=400).ok()
        project.deploy("frontend", other()).ok()

    on_host("sh", "-c", SUDO, node=2)
    results = under_traffic(sandbox_of, leaves, 1, of="backend")  # all are replaced, which ends WebSockets
    assert lost(results) == [0], results[0].losses[:5]
    assert on_host("docker", "ps", "-q", "--filter", "name=nginx", node=2).strip() == ""
    assert on_host("docker", "service", "ls", "--filter", "name=behindy-ops-edge", "-q").strip() == ""
