"""What docker says of containers, as plain data, and the template that asks for it.

The template names environment variables, never their values: a value does not leave the host. ``.Id`` makes docker
fill it from the engine's own JSON (its Go type calls it ``ID``), where a container without a health check
has no ``Health``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "unknown"
"""What a script says after ``state`` when the engine did not answer for a minute: no verdict about the container."""

CONTAINER_TEMPLATE = (
    '{"id":{{json .Id}},"name":{{json .Name}},"created":{{json .Created}},"image_id":{{json .Image}},'
    '"image":{{json .Config.Image}},"labels":{{json .Config.Labels}},"status":{{json .State.Status}},'
    '"running":{{json .State.Running}},"restarting":{{json .State.Restarting}},"oom":{{json .State.OOMKilled}},'
    '"exit":{{json .State.ExitCode}},'
    '"started":{{json .State.StartedAt}},"finished":{{json .State.FinishedAt}},"restarts":{{json .RestartCount}},'
    '"health":{{with index .State "Health"}}{{json .Status}}{{else}}""{{end}},'
    '"memory":{{json .HostConfig.Memory}},"restart":{{json .HostConfig.RestartPolicy.Name}},'
    '"ports":{{json .HostConfig.PortBindings}},"networks":{{json .NetworkSettings.Networks}},'
    '"env":[{{range $i, $e := .Config.Env}}{{if $i}},{{end}}{{json (index (split $e "=") 0)}}{{end}}]}'
)


@dataclass(frozen=True, slots=True)
class Task:
    """One container of a release that a swarm runs, wherever that is.

    Attributes:
        wanted: the state that it is to have: ``running``, ``shutdown``.
        state: the one that it has, as its node said last.
        ready: its node answers, as far as is known: the leader of a swarm that has just been chosen calls all nodes
            unknown. What is said of a task on one that does not is old.
        error: what kept it from running, in the swarm's words.
        address: IPv4 on the overlay.
        container: the id of its container, on its node.
        here: it is on the node that was asked.
    """

    id: str
    slot: int
    node: str
    wanted: str
    state: str
    ready: bool
    error: str = ""
    exit_code: int = 0
    since: str = ""
    address: str = ""
    container: str = ""
    here: bool = False

    @property
    def serves(self) -> bool:
        return self.wanted == self.state == "running" and self.ready

    @property
    def failed(self) -> bool:
        return self.state in ("failed", "rejected")

    @property
    def unpulled(self) -> bool:
        """Whether its node has no image for it. Why not, only that node's engine knows."""
        return "No such image" in self.error or "pull" in self.error


@dataclass(frozen=True, slots=True)
class Container:
    """A container as ``docker inspect`` describes it.

    Attributes:
        memory: its memory limit in bytes, 0 for none.
        addresses: network name to IPv4 address (only while it runs).
        aliases: network name to the DNS names it answers to beside its own.
        trouble: why what it is to run elsewhere does not run, in the swarm's words; empty where all is well.
        tasks: what a swarm runs of it; none for a container.
        replicas: how many tasks it is to have; None for a container.
    """

    id: str
    name: str
    image_id: str = ""
    image: str = ""
    status: str = "running"
    running: bool = True
    restarting: bool = False
    oom_killed: bool = False
    exit_code: int = 0
    created: str = ""
    started: str = ""
    finished: str = ""
    restarts: int = 0
    health: str = ""
    memory: int = 0
    restart_policy: str = ""
    published: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    env_names: tuple[str, ...] = ()
    trouble: str = ""
    tasks: tuple[Task, ...] = ()
    replicas: int | None = None

    @property
    def elsewhere(self) -> bool:
        """Whether it stands for what a swarm runs, on any of its nodes and on its own network."""
        return self.replicas is not None or "behindy.dns" in self.labels

    @property
    def serving(self) -> tuple[Task, ...]:
        """Its tasks that serve, by their number."""
        return tuple(sorted((task for task in self.tasks if task.serves), key=lambda task: task.slot))

    @property
    def unpulled(self) -> bool:
        """Whether what failed last of it did so for want of its image."""
        last = max((task for task in self.tasks if task.failed), key=lambda task: task.since, default=None)
        return last is not None and last.unpulled

    @property
    def all_addresses(self) -> frozenset[str]:
        """Where it is reached: on every network, or by every task."""
        return frozenset((*self.addresses.values(), *(task.address for task in self.serving)))

    def joins(self, network: str) -> bool:
        """Whether it is where the services of the project meet: a swarm puts its tasks on the network of all nodes."""
        return self.elsewhere or network in self.addresses

    def address(self, network: str) -> str:
        """Return where it is reached, or one of these places; empty where it is not."""
        return self.addresses.get(network, "") or next((task.address for task in self.serving), "")


OVERLAY = "-swarm"
"""How the name of the network ends that all nodes share; without it, it is the one of the first host alone."""

OF_A_SERVICE = "com.docker.swarm.service.id"
"""The label by which the engine of a node tells whose task a container is."""

_AS_IT_IS = (
    *("id", "image_id", "image", "status", "running", "restarting"),
    *("created", "started", "finished", "restarts", "health", "memory"),
)
"""What the template calls as :class:`Container` does."""


def parse_container(line: str) -> Container:
    """Read one line printed with :data:`CONTAINER_TEMPLATE`.

    Raises:
        ValueError: it is not such a line; KeyError, if it lacks something.
    """
    data = json.loads(line)
    if "tasks" in data:
        return _of_a_swarm(data)
    networks: dict[str, Any] = data["networks"] or {}
    return Container(
        **{name: data[name] for name in _AS_IT_IS},
        name=data["name"].lstrip("/"),
        oom_killed=data["oom"],
        exit_code=data["exit"],
        restart_policy=data["restart"],
        published=tuple(sorted(data["ports"] or {})),
        labels=data["labels"] or {},
        addresses={name: value.get("IPAddress", "") for name, value in networks.items()},
        aliases={name: tuple(value.get("Aliases") or ()) for name, value in networks.items()},
        env_names=tuple(data["env"]),
    )


def _of_a_swarm(data: dict[str, Any]) -> Container:
    """Read what stands for a release that a swarm runs: it runs while one of its tasks does."""
    nodes = {node["id"]: node for node in data["nodes"]}
    tasks = tuple(_task(each, nodes) for each in data["tasks"])
    serving = [task for task in tasks if task.serves]
    failed = [task for task in tasks if task.failed]
    begun = [task for task in tasks if task.wanted == "running" and not task.serves and task.ready]
    last = max(failed, key=lambda task: task.since, default=None)
    return Container(
        data["id"],
        data["name"],
        image_id=(data["labels"] or {}).get("behindy.image", ""),
        image=data["image"].partition("@")[0],
        status="running" if serving else "starting" if begun else "exited",
        running=bool(serving or begun),
        exit_code=last.exit_code if last else 0,
        oom_killed=False,
        created=data["created"],
        started=min((task.since for task in serving), default=data["created"]),
        finished=max((task.since for task in tasks), default=data["updated"]),  # tasks that ended are forgotten soon
        restarts=len(failed),
        health="starting" if any(task.state == "starting" for task in begun) else "",
        memory=data["memory"],
        restart_policy="any",
        labels=data["labels"] or {},
        env_names=tuple(data["env"]),
        trouble=next((_trouble(task) for task in (*([last] if last else []), *begun) if task.error), ""),
        tasks=tasks,
        replicas=data["replicas"],
    )


def _trouble(task: Task) -> str:
    """Return in words what keeps a task from running, with what the swarm says of it."""
    if "no suitable node" in task.error:
        return f"no node of the swarm fits ({task.error})"
    if task.unpulled:
        return f"{task.node} cannot pull its image ({task.error})"
    if task.state == "rejected":
        return f"{task.node} rejects it ({task.error})"
    return f"it failed on {task.node} ({task.error})"


def _task(data: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> Task:
    node = nodes.get(data["node"], {})
    return Task(
        data["id"],
        data["slot"],
        node.get("name", data["node"]),
        data["wanted"],
        data["state"],
        ready=node.get("status", "Ready") in ("Ready", "Unknown"),
        error=data["error"],
        exit_code=data["exit"],
        since=data["since"],
        address=next((address.partition("/")[0] for address in data["addresses"]), ""),
        container=data.get("container", ""),
        here=bool(node.get("here", False)),
    )


def parse_state(text: str) -> Container | None:
    """Read what a script says after ``state``; None for one that is not there, or of which nothing is known."""
    return None if text in ("", "none", UNKNOWN) else parse_container(text)
