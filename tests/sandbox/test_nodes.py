"""Three nodes: each pulls from the first one's registry, Docker makes a swarm of them, and one may lose its power."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from sandbox.host import info, lifecycle, nodes, releases
from sandbox.host.docker_cli import docker
from sandbox.host.login import command
from tests.sandbox.several import left, several_nodes
from tests.sandbox.support import on_host, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.host.info import SandboxInfo

POOL = ("--default-addr-pool", "10.220.0.0/16", "--default-addr-pool-mask-length", "24")
QUICK = ("--dispatcher-heartbeat", "1s")
"""A node is called Down after three of these; usually each is 5 s."""
OVERLAY = "between"
WITHOUT_LIVE_RESTORE = """
sed -i 's/"live-restore": true/"live-restore": false/' /etc/docker/daemon.json
kill -HUP "$(cat /run/docker.pid)"
"""
"""A node of a swarm cannot have it; the engine reads this without a restart."""


@pytest.fixture(scope="module")
def three() -> Iterator[SandboxInfo]:
    """A sandbox of its own, beside that of the other tests."""
    with several_nodes("nodes") as found:
        yield found


@pytest.fixture(scope="module")
def image(three: SandboxInfo) -> str:
    return releases.release("frontend", "nodes")


@pytest.fixture(scope="module")
def swarm(three: SandboxInfo) -> list[str]:
    """The names of its nodes; the first is the manager."""
    for number in (1, 2, 3):
        on_host("sh", "-c", WITHOUT_LIVE_RESTORE, node=number)
        wait_for(lambda at=number: info_of(at, "{{.LiveRestoreEnabled}}") == "false", what="that the engine has read")  # type: ignore[misc]
    manager, *workers = three.nodes
    on_host("docker", "swarm", "init", "--advertise-addr", manager.address, *POOL, *QUICK)
    token = on_host("docker", "swarm", "join-token", "--quiet", "worker")
    for number, worker in enumerate(workers, 2):
        joining = ("--advertise-addr", worker.address, "--token", token, f"{manager.address}:2377")
        on_host("docker", "swarm", "join", *joining, node=number)
    on_host("docker", "network", "create", "--driver", "overlay", "--attachable", OVERLAY)
    return [node.name for node in three.nodes]


def by_ssh(sandbox: SandboxInfo, number: int, line: str) -> str:
    argv = command(sandbox, (line,), number)
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=30).stdout


def info_of(number: int, what: str) -> str:
    return on_host("docker", "info", "--format", what, node=number)


def states() -> dict[str, str]:
    """Each node of the swarm as the manager sees it."""
    lines = on_host("docker", "node", "ls", "--format", "{{.Hostname}} {{.Status}}").splitlines()
    return dict(line.split() for line in lines)


def test_each_is_reached_by_ssh_at_its_pinned_key(three: SandboxInfo) -> None:
    assert info.load() == three
    assert [node.name for node in three.nodes] == ["behindy-sandbox", "behindy-sandbox-2", "behindy-sandbox-3"]
    for number, node in enumerate(three.nodes, 1):
        found = by_ssh(three, number, "hostname; hostname -I; docker ps --format '{{.Names}}'")
        name, addresses, *containers = found.splitlines()
        assert name == node.name
        assert node.address in addresses.split()
        assert sorted(containers) == (["nginx", "postgres", "redis"] if node == three.nodes[0] else [])


def test_a_further_node_pulls_from_the_first_ones_registry_and_has_none(three: SandboxInfo, image: str) -> None:
    assert image.startswith(f"{three.nodes[0].address}:5000/behindy/")
    for number in (1, 2):
        on_host("docker", "pull", "--quiet", image, node=number, timeout=120)
    ids = [on_host("docker", "image", "inspect", "--format", "{{.Id}}", image, node=number) for number in (1, 2)]
    assert ids[0] == ids[1]
    assert not on_host("pgrep", "-x", "docker-registry", node=2, check=False)


def test_a_container_reaches_one_on_another_node_by_its_name(swarm: list[str], image: str) -> None:
    assert states() == dict.fromkeys(swarm, "Ready")
    on_host("docker", "run", "--quiet", "--detach", "--name", "there", "--network", OVERLAY, image)
    ask = "import urllib.request as ask; print(ask.urlopen('http://there:3000/', timeout=2).headers['X-Release'])"
    asking = ("docker", "run", "--quiet", "--rm", "--network", OVERLAY, "--entrypoint", "python3", image, "-c", ask)
    on_host("docker", "pull", "--quiet", image, node=3, timeout=120)
    wait_for(lambda: on_host(*asking, node=3, check=False) == "nodes", what="an answer over the overlay")


def test_a_node_that_was_killed_comes_back_to_its_address_and_its_swarm(three: SandboxInfo, swarm: list[str]) -> None:
    second = three.nodes[1]
    nodes.kill(2)
    wait_for(lambda: states()[second.name] == "Down", 60, "that the manager misses it")
    nodes.start(2)
    wait_for(lambda: states() == dict.fromkeys(swarm, "Ready"), 60, "that it is ready again")
    assert on_host("docker", "node", "inspect", "--format", "{{.Status.Addr}}", second.name) == second.address
    assert by_ssh(three, 2, "hostname").strip() == second.name


def test_a_node_joins_and_leaves_while_the_first_runs_on(three: SandboxInfo) -> None:
    def started() -> str:
        return docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", three.container)

    before, own = started(), [node.container for node in three.nodes]
    four = lifecycle.up(print, 4)
    assert four.nodes[:3] == three.nodes
    assert info_of(4, "{{.Name}}") == four.nodes[3].name
    one = lifecycle.up(print)
    assert (one.nodes, one.image_prefix, one.ssh) == ((), "localhost:5000/behindy", three.ssh)
    assert left(three.container) == [own[0]] * 2  # the container and its volume
    assert started() == before
