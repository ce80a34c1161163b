"""Several hosts of one sandbox: the network between them, and the further ones, which pull from the first's registry.

A further node has an engine, sshd and nothing else: no nginx, Postgres, Redis, registry or files of the project. Its
address in the network is fixed, so that a node that was killed and is started again has it.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.host import container, host_files, inner
from sandbox.host import shell as host
from sandbox.host.checkout import Checkout, here
from sandbox.host.docker_cli import docker, failure, try_docker
from sandbox.host.ports import choose_ssh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.host.keys import Keys

__all__ = [
    "MOST",
    "POOL",
    "Node",
    "address",
    "check_count",
    "ensure",
    "free_subnets",
    "kill",
    "node_arguments",
    "ready",
    "registry",
    "remove",
    "routes",
    "start",
]

MOST = 9
FIRST_HOSTNAME = "behindy-sandbox"
POOL = IPv4Network("10.216.0.0/16")
"""The hosts' engines ask a registry at such an address without TLS (``assets/host/daemon.json``); Docker gives no
network of its own choice one of these."""
NODE_OF = "behindy-ops.node-of"
FIRST_ADDRESS = 11
REGISTRY_PORT = 5000
DEFAULT_ROUTE = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True)
class Node:
    """A host of several, counted from 1; ``ssh`` is its sshd's port on 127.0.0.1."""

    number: int
    container: str
    address: str
    ssh: int

    @property
    def name(self) -> str:
        """Its hostname, which is also what its engine calls itself."""
        return FIRST_HOSTNAME if self.number == 1 else f"{FIRST_HOSTNAME}-{self.number}"


def check_count(count: int) -> None:
    """Refuse a number of nodes that cannot be.

    Raises:
        Kind.USAGE: it is not from 1 to ``MOST``.
    """
    if not 1 <= count <= MOST:
        raise Kind.USAGE("--nodes is not a number of hosts.", remedy=f"Write a number from 1 to {MOST}.")


def address(subnet: IPv4Network, number: int) -> str:
    """A node's address in the network of its sandbox."""
    return str(subnet.network_address + FIRST_ADDRESS + number - 1)


def registry(nodes: Iterable[Node]) -> str:
    """Where all nodes find the registry of the first."""
    return f"{next(iter(nodes)).address}:{REGISTRY_PORT}"


def free_subnets(name: str, networks: Iterable[IPv4Network], routed: Iterable[IPv4Network]) -> list[IPv4Network]:
    """The subnets a network may have, the best one first; sandboxes of different names begin at different ones.

    Args:
        name: of the network.
        networks: subnets of other networks; none of these is given.
        routed: where this machine has a route to; such a one comes last, as a wide route need not be in use there.
    """
    all_subnets = list(POOL.subnets(new_prefix=24))
    first = int.from_bytes(sha256(name.encode()).digest()[:4]) % len(all_subnets)
    others, ways = list(networks), list(routed)
    free = [
        subnet
        for subnet in (*all_subnets[first:], *all_subnets[:first])
        if not any(subnet.overlaps(other) for other in others)
    ]
    return sorted(free, key=lambda subnet: any(subnet.overlaps(way) for way in ways))


def routes(text: str) -> list[IPv4Network]:
    """Read Linux's ``/proc/net/route``, the default route left out."""
    found = []
    for line in text.splitlines()[1:]:
        words = line.split()
        target, mask = (IPv4Address(bytes.fromhex(words[column])[::-1]) for column in (1, 7))
        found.append(IPv4Network(f"{target}/{mask}", strict=False))
    return [network for network in found if network != DEFAULT_ROUTE]


def node_arguments(checkout: Checkout, node: Node, first: str, domain: str) -> tuple[str, ...]:
    """The arguments of ``docker run`` for a further node, without the rights and the image.

    Args:
        checkout: whose node it is; its network is there.
        node: which.
        first: the first node's address, which the domain leads to.
        domain: the site's.
    """
    return (
        *container.host_arguments(checkout, node.number, node.name, {domain: first}),
        *("--label", f"{NODE_OF}={checkout.container}", "--env", "SANDBOX_FURTHER_NODE=1"),
        *("--network", checkout.container, "--ip", node.address, "--publish", f"127.0.0.1:{node.ssh}:22"),
    )


def ensure(
    checkout: Checkout, count: int, image: str, first_ssh: int, domain: str, say: Callable[[str], None]
) -> tuple[Node, ...]:
    """Have so many nodes, the first of which runs already; return them all, or nothing where there is but that one.

    Raises:
        Kind.SANDBOX: the engine refused, or the machine has no subnet to spare.
    """
    _remove_further(checkout, above=count, say=say)
    if count == 1:
        _leave(checkout)
        return ()
    subnet = _network(checkout)
    first = Node(1, checkout.container, address(subnet, 1), first_ssh)
    _join(checkout, first)
    further = (_ensure_node(checkout, subnet, number, image, domain, say) for number in range(2, count + 1))
    return (first, *further)


def ready(nodes: Iterable[Node], own_keys: Keys, say: Callable[[str], None]) -> None:
    """Let the client in to the further nodes, and return when their engines answer and reach the registry.

    Raises:
        Kind.SANDBOX: that took more than a minute.
    """
    first, *further = nodes
    archive, _ = host_files.archive(host_files.login(own_keys))
    for node in further:
        host.run(["sandbox-install"], stdin=archive, node=node.number)
    for node in further:
        inner.wait_for_engine(node=node.number, registry=registry([first]))
        say(f"The engine of {node.name} runs; it pulls images from {registry([first])}")


def kill(number: int) -> None:
    """Take the power from a node."""
    docker("kill", here().node(number))


def start(number: int) -> None:
    """Give a node that was killed its power back; return when its engine answers.

    Raises:
        Kind.SANDBOX: its engine did not start.
    """
    checkout = here()
    container.start(checkout.node(number))
    if number == 1:
        inner.wait_for_engine()
    else:
        inner.wait_for_engine(node=number, registry=f"{address(_network(checkout), 1)}:{REGISTRY_PORT}")


def remove(checkout: Checkout) -> None:
    """Remove the further nodes and the network; the first node may be gone already."""
    _remove_further(checkout, above=1, say=lambda _: None)
    _leave(checkout)


def _remove_further(checkout: Checkout, *, above: int, say: Callable[[str], None]) -> None:
    own = ("--filter", f"label={NODE_OF}={checkout.container}")
    names = set(docker("ps", "--all", "--format", "{{.Names}}", *own).split())
    for name in sorted(names - {checkout.node(number) for number in range(1, above + 1)}):
        say(f"Removing {name}")
        container.remove(name)


def _ensure_node(
    checkout: Checkout, subnet: IPv4Network, number: int, image: str, domain: str, say: Callable[[str], None]
) -> Node:
    name = checkout.node(number)
    found = container.find(name)
    ssh = choose_ssh(checkout.host_state / f"ports-{number}.json", in_use_by_us=found is not None)
    node = Node(number, name, address(subnet, number), ssh)
    wanted = (image, frozenset([f"127.0.0.1:{ssh}:22"]), node.address)
    if found is not None and (found.image, found.published, found.fixed.get(checkout.container)) != wanted:
        say(f"The host {name} was made otherwise: making it again")
        container.remove(name)
        found = None
    if found is None:
        say(f"Starting the host {name} at {node.address}")
        arguments = node_arguments(checkout, node, address(subnet, 1), domain)
        container.create_with_rights(arguments, image, name)
    elif not found.running:
        say(f"Starting the host {name} again")
        container.start(name)
    return node


def _subnets_of(*names: str) -> list[IPv4Network]:
    """The IPv4 subnets of networks; one that has just been removed has none."""
    done = try_docker("network", "inspect", *names)
    configs = [config for each in json.loads(done.stdout or b"[]") for config in each["IPAM"]["Config"] or ()]
    return [IPv4Network(config["Subnet"]) for config in configs if ":" not in config.get("Subnet", ":")]


def _network(checkout: Checkout) -> IPv4Network:
    """The subnet of the sandbox's network, which is made where there is none."""
    name = checkout.container
    if own := _subnets_of(name):
        return own[0]
    others = _subnets_of(*docker("network", "ls", "--quiet", "--filter", "driver=bridge").split())
    ways = []
    with contextlib.suppress(OSError):  # no Linux: then the engine's machine is another one anyway
        ways = routes(Path("/proc/net/route").read_text())
    done = None
    # Another sandbox may take the same one at this moment; Docker refuses one of the two.
    for subnet in free_subnets(name, others, ways)[:5]:
        argv = ("network", "create", "--label", checkout.label, "--subnet", str(subnet), name)
        done = try_docker(*argv)
        if done.returncode == 0:
            return subnet
    if done is None:
        raise Kind.SANDBOX(f"Docker's networks have taken all of {POOL}.", remedy="Remove one: docker network ls")
    raise failure(("network", "create"), done)


def _join(checkout: Checkout, first: Node) -> None:
    """Give the first node its address in the network; it goes on running."""
    found = container.find(first.container)
    has = found.fixed.get(checkout.container) if found else None
    if has == first.address:
        return
    if has is not None:
        docker("network", "disconnect", checkout.container, first.container)
    docker("network", "connect", "--ip", first.address, checkout.container, first.container)


def _leave(checkout: Checkout) -> None:
    """Remove the network, and take the first node out of it before."""
    if try_docker("network", "inspect", checkout.container).returncode == 0:
        try_docker("network", "disconnect", "--force", checkout.container, checkout.container)
        docker("network", "rm", checkout.container)
