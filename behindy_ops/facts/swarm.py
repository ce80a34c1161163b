"""What a host's engine says of the swarm it belongs to, as plain data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

from behindy_ops.facts.replies import Reply

APPS = "behindy.apps"
"""The label of a node that may run releases."""

SSH = "behindy.ssh"
"""The label that says how the node is reached by SSH: ``user@host:port``, as it was given to ``--join``."""

EDGE = "behindy.edge"
"""The label of a node on which nginx answers for the site, where there are several."""

FIRST = "behindy.first"
"""The label of the host that has the lock and the history, where another could be taken for it."""


class Seat(Enum):
    """What an engine is in a swarm.

    A leaderless one is a manager that cannot act: more than half of the managers are away, or it is still starting.
    """

    UNKNOWN = ""
    NONE = "none"
    WORKER = "worker"
    MANAGER = "manager"
    LEADERLESS = "leaderless"


@dataclass(frozen=True, slots=True)
class Node:
    """One host of a swarm, as its managers see it.

    Attributes:
        availability: ``active``, ``pause`` (takes nothing new) or ``drain`` (runs nothing).
        state: ``ready``, ``down`` or ``unknown``.
        memory: bytes of the machine.
        manager: ``leader``, ``reachable`` or ``unreachable``; empty for a worker.
        address: at which the others reach it.
        ssh: as :data:`SSH`.
        apps: it has the label :data:`APPS`.
        edge: it has the label :data:`EDGE`.
    """

    id: str
    name: str
    availability: str = "active"
    state: str = "ready"
    address: str = ""
    version: str = ""
    memory: int = 0
    manager: str = ""
    manager_address: str = ""
    ssh: str = ""
    apps: bool = True
    edge: bool = False

    @property
    def ready(self) -> bool:
        return self.state == "ready"

    @property
    def takes(self) -> bool:
        """Whether a task may be placed on it."""
        return self.ready and self.availability == "active"


@dataclass(frozen=True, slots=True)
class Swarm:
    """The swarm as one engine tells of it.

    Attributes:
        node: the id of the engine's own node.
        nodes: of all nodes; none unless a manager was asked for them.
        services: the names that releases bear which run in it, of every project.
        first: the address of the host that has the label :data:`FIRST`, if it is there and another than this one.
        silent: the ids of nodes that are edges and do not tell what nginx does there; only a manager was asked.
        unreached: the addresses of managers that do not answer, where there is no leader.
    """

    seat: Seat = Seat.UNKNOWN
    node: str = ""
    nodes: tuple[Node, ...] = ()
    services: tuple[str, ...] = ()
    first: str = ""
    silent: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()

    @classmethod
    def parse(cls, reply: Reply) -> Self:
        """Read the section ``swarm_``, and ``nodes_`` and ``edges_`` if they are there."""
        values = reply.values("swarm_")
        return cls(
            Seat(values.get("seat", "")),
            values.get("node", ""),
            tuple(map(parse_node, reply.lines("nodes_"))),
            tuple(reply.every("service", "swarm_")),
            values.get("first", ""),
            tuple(reply.every("silent", "edges_")),
            tuple(values.get("unreached", "").split()),
        )

    @property
    def own(self) -> Node | None:
        return next((node for node in self.nodes if node.id == self.node), None)

    @property
    def managers(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.manager)

    @property
    def edges(self) -> tuple[Node, ...]:
        """The nodes on which nginx answers for the site, where there are several; else none."""
        return tuple(node for node in self.nodes if node.edge)

    def named(self, name: str) -> Node | None:
        """Return the node of a name, an id or an address, or with that way in by SSH."""
        return next((node for node in self.nodes if name in (node.name, node.id, node.address, node.ssh)), None)

    def runs(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of the names that a release in it bears."""
        wanted = set(names)
        return tuple(sorted(wanted.intersection(self.services)))


_LEADERLESS = re.compile(r"^.*The swarm has no leader; unreached:(.*)$", re.MULTILINE)
"""What swarm/lib/engine.sh says when managers have chosen no other leader in time."""


def leaderless(text: str) -> tuple[str, ...] | None:
    """Return which managers do not answer, where a script says that none leads; None where it says nothing of that."""
    found = _LEADERLESS.search(text)
    return tuple(found[1].split()) if found else None


def who_is_unreached(addresses: Sequence[str]) -> str:
    """Return in words which managers do not answer."""
    return f"of its managers, {', '.join(addresses)} cannot be reached" if addresses else "its managers chose none"


QUORUM = (
    "Start them again, or their engines: more than half of the managers have to be there. If they are gone for good, "
    "on the host: docker swarm init --force-new-cluster (docs/swarm.md)."
)
"""What to do where no manager leads."""


def parse_node(line: str) -> Node:
    """Read one line that lib/swarm.sh prints of a node."""
    data: dict[str, Any] = json.loads(line)
    labels: dict[str, str] = data["labels"] or {}
    manager: dict[str, Any] = data["manager"] or {}
    return Node(
        data["id"],
        data["name"],
        data["availability"],
        data["state"],
        data["address"],
        data["version"],
        data["memory"],
        ("leader" if manager.get("Leader") else manager.get("Reachability", "unknown")) if manager else "",
        manager.get("Addr", ""),
        labels.get(SSH, ""),
        apps=labels.get(APPS) == "true",
        edge=labels.get(EDGE) == "true",
    )
