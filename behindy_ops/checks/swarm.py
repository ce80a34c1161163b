"""The swarm that a host manages, and whether the settings mean it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Problem, Risk, ok
from behindy_ops.errors import Kind
from behindy_ops.facts.container import OVERLAY, Container
from behindy_ops.facts.figures import MB
from behindy_ops.facts.swarm import APPS, QUORUM, Node, Seat, who_is_unreached
from behindy_ops.project.registries import registry_of

_LOOPBACK = ("localhost", "127.", "[::1]")

NO_SWARM = Problem(
    "engine is no swarm",
    "BEHINDY_ENGINE is swarm, and the host's engine belongs to none",
    "Make it one: inv host.setup --swarm. Or take BEHINDY_ENGINE out of the settings.",
)
IN_SWARM = Problem(
    "engine is a swarm's",
    "the host belongs to a swarm, where names are not those of containers, and BEHINDY_ENGINE is not set",
    "Set BEHINDY_ENGINE=swarm. To go back to one host: BEHINDY_ENGINE=single and inv ops.restart SERVICE for each that "
    "runs in the swarm; then inv host.setup --no-swarm",
    symptom="Deploys and views do not see what serves users.",
    kind=Kind.SETTINGS,
    helps="",
)
BACK_ALREADY = Problem(
    "service is back already",
    "BEHINDY_ENGINE is single, the service runs in a container, and the host still belongs to a swarm",
    "Once all services are back: inv host.setup --no-swarm; then take BEHINDY_ENGINE out of the settings.",
    kind=Kind.SETTINGS,
    helps="",
)
WORKER = Problem(
    "host is a worker",
    "the host belongs to a swarm that another one manages",
    "Name a manager as BEHINDY_HOST; on the host, docker info names them (Manager Addresses).",
)
NOT_FIRST = Problem(
    "another host is the first",
    "the swarm's first host, which has the lock and the history, is another one, and it is there",
    "Name that one as BEHINDY_HOST. Another edge may be deployed through only while it is away.",
    kind=Kind.SETTINGS,
)
LEADERLESS = Problem(
    "swarm without a leader",
    "the swarm's manager cannot act: half of the managers or more are away, or it is locked or starting",
    QUORUM,
    symptom="What runs goes on, but nothing can be deployed, and what fails is not replaced.",
    kind=Kind.NO_QUORUM,
)
NODE_AWAY = Risk(
    "node away",
    "a node does not answer",
    "Start it, or its engine. If it is gone for good: inv host.setup --swarm --leave {subject}",
    symptom="What it ran runs elsewhere; the other nodes carry more.",
    helps="",
)
NODE_SHUT = Risk(
    "node takes nothing",
    "a node is drained or paused",
    "Take it back, on the host: docker node update --availability active {subject}. For good: inv host.setup --swarm "
    "--leave {subject}",
    symptom="The other nodes carry more.",
    helps="",
)
UNREACHED = Risk(
    "node not reached",
    "a node is not reached by SSH as its label behindy.ssh says",
    "Is its key pinned (inv host.trust)? With another way in: inv host.setup --swarm --join user@host:port",
)
UNLABELLED = Risk(
    "node without label",
    f"a node has no label {APPS}=true",
    f"If it is to run releases, on the host: docker node update --label-add {APPS}=true {{subject}}",
)
VERSIONS_DIFFER = Risk(
    "node's engine differs",
    "a node has another version of Docker than the host",
    "Update Docker on the older one, one node at a time.",
)
FEWER = Risk(
    "fewer tasks",
    "a live release has fewer tasks that run than it is to have",
    "Why each ended: inv ops.ps, inv ops.logs {subject}. Nodes that are away or take nothing: inv host.check. What a "
    "node cannot pull, docker pull says there. The release before it: inv deploy.rollback {subject}",
    symptom="None while the others serve, which carry more.",
)
ON_ONE_NODE = Risk(
    "replicas on one node",
    "all replicas of a service are on one node, and another could take one",
    "Spread them: inv ops.restart {subject}",
    symptom="With that node, the whole service would be away for seconds.",
)
IMAGE_HERE_ALONE = Risk(
    "image not for every node",
    "a live release's image is named by a registry on the loopback, which is another one on each node",
    "Push it to a registry that all nodes reach (BEHINDY_IMAGE_PREFIX), then deploy it from there.",
    symptom="A node that does not have it yet cannot start it.",
)
EDGE_SILENT = Risk(
    "edge does not follow",
    "nginx on an edge, or the swarm's task that keeps it in step, does not tell what it does",
    "inv host.setup --swarm --edge {subject}, with its user@host:port; on it, see docker ps and docker service ps",
    symptom="Deploys are refused until it does, or is down.",
)
EDGE_NO_MANAGER = Risk(
    "edge is no manager",
    "a node is an edge, and no manager: nobody tells it where names lead",
    "On the host: docker node promote {subject}",
    symptom="After a deploy it leads to a release that is gone.",
)
OFF_OVERLAY = Problem(
    "not on the swarm's network",
    "nginx, the database or the cache is not connected to the network that all nodes share",
    "Connect it: inv host.setup --swarm",
    symptom="Releases on other nodes do not reach it.",
    users=True,
)


NO_EFFECT = Risk(
    "key a swarm does not know",
    "a stanza says what has an effect on one host alone",
    "Take it out of the compose file. What stands for it in a swarm: docs/swarm.md, under What a stanza may say",
    symptom="The service runs without it.",
)


def engine(facts: Facts) -> Iterable[Check]:
    """Whether the host is what BEHINDY_ENGINE says; else names would be looked for in the wrong place."""
    seat, name = facts.survey.cluster.seat, facts.engine
    ours = facts.survey.cluster.runs(word for each in facts.services for word in facts.names.trio(each.name))
    if seat is Seat.NONE and name == "swarm":
        yield NO_SWARM.check("swarm", "The host belongs to no swarm, though BEHINDY_ENGINE is swarm.")
    elif seat is Seat.WORKER and name:
        yield WORKER.check("swarm", "The host is a worker of a swarm, and no manager.")
    elif seat is Seat.LEADERLESS:
        found = f"The host's swarm has no leader: {who_is_unreached(facts.survey.cluster.unreached)}."
        yield LEADERLESS.check("swarm", found)
    elif seat in (Seat.MANAGER, Seat.WORKER) and not name:
        what = f"{', '.join(ours)} runs in the host's swarm" if ours else "The host belongs to a swarm"
        yield IN_SWARM.check("swarm", f"{what}, and BEHINDY_ENGINE is not set.")
    elif seat is Seat.MANAGER and facts.survey.cluster.first:
        yield NOT_FIRST.check("swarm", f"The first host of the swarm is {facts.survey.cluster.first}, and it is there.")
    elif seat is Seat.MANAGER:
        yield ok("swarm", "the host manages it")


def returns(facts: Facts) -> Iterable[Check]:
    """On the way back, a name is taken over from the swarm; not from a container, which would keep it in DNS."""
    if facts.engine != "single" or facts.survey.cluster.seat is not Seat.MANAGER:
        return
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        if live is not None and not live.elsewhere:
            yield BACK_ALREADY.check("swarm", f"{service.name} runs on this host already.", subject=service.name)


def nodes(facts: Facts) -> Iterable[Check]:
    """Each node, as far as a manager knows it."""
    swarm = facts.survey.cluster
    own, well = swarm.own, []
    for node in swarm.nodes:
        found = list(_node(node, own))
        yield from found
        well += [] if found else [f"{node.name} ({node.memory // MB} MB)"]
    if well and len(swarm.nodes) > 1:
        yield ok("nodes", f"{', '.join(well)}")


def _node(node: Node, own: Node | None) -> Iterable[Check]:
    if not node.ready:
        yield NODE_AWAY.check("nodes", f"{node.name} does not answer ({node.state}).", subject=node.name)
    elif node.availability != "active":
        word = {"drain": "is drained", "pause": "takes nothing new"}.get(node.availability, node.availability)
        yield NODE_SHUT.check("nodes", f"{node.name} {word}.", subject=node.name)
    if not node.apps:
        yield UNLABELLED.check("nodes", f"{node.name} has no label {APPS}=true.", subject=node.name)
    if own is not None and node.version != own.version:
        found = f"{node.name} has Docker {node.version}; {own.name} has {own.version}."
        yield VERSIONS_DIFFER.check("nodes", found, subject=node.name)


def managers(facts: Facts) -> Iterable[Check]:
    """How many managers may be lost. One, or an even number, is nobody's mistake: it is said."""
    every = facts.survey.cluster.managers
    count, away = len(every), [node.name for node in every if node.manager not in ("leader", "reachable")]
    if count == 1:
        yield ok("managers", "1: while it is away, what runs goes on, and nothing can be deployed")
    elif count:
        spare = (count - 1) // 2
        even = f"; {count - 1} would bear as much" if count % 2 == 0 else ""
        now = f", as {' and '.join(away)} is: no other may be" if away and len(away) == spare else ""
        yield ok("managers", f"{count}: {spare or 'none'} of them may be away{now or even}")
    if count and len(facts.survey.cluster.edges) < 2:
        own = facts.survey.cluster.own
        yield ok("edge", f"1: nginx and the ports of the site are on {own.name if own else 'the host'} alone")


def edges(facts: Facts) -> Iterable[Check]:
    """Each node on which nginx answers, where there are several."""
    swarm = facts.survey.cluster
    if len(swarm.edges) < 2:
        return
    for node in swarm.edges:
        if node.id in swarm.silent:
            yield EDGE_SILENT.check("edge", f"nginx on {node.name} does not tell what it does.", subject=node.name)
        if not node.manager:
            yield EDGE_NO_MANAGER.check("edge", f"{node.name} is an edge, and no manager.", subject=node.name)
    well = [node.name for node in swarm.edges if node.ready and node.manager and node.id not in swarm.silent]
    yield ok("edge", f"{len(swarm.edges)}: nginx answers on {', '.join(well) or 'none'}")


def fewer(facts: Facts) -> Iterable[Check]:
    """That a service has as many tasks as it is to have; of one that has none, `services.stopped` tells."""
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        if live is not None and live.serving and live.lacking:
            found = f"Of {service.name}, {live.lacking}."
            yield FEWER.check("tasks", found, subject=service.name, evidence=_unwell(live))


def _unwell(live: Container) -> Iterable[str]:
    """The newest tasks that did not run, and why."""
    newest = sorted((task for task in live.tasks if task.error), key=lambda task: task.since, reverse=True)[:3]
    return dict.fromkeys(f"{live.name}.{task.slot} {task.state} on {task.node}: {task.error}" for task in newest)


def spread(facts: Facts) -> Iterable[Check]:
    """That the replicas of a service do not all go with one node."""
    swarm = facts.survey.cluster
    takers = {node.name for node in swarm.nodes if node.takes}
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        where = Counter(task.node for task in live.tasks if task.serves) if live else Counter[str]()
        if len(where) == 1 and where.total() > 1 and takers - set(where):
            found = f"All {where.total()} replicas of {service.name} are on {next(iter(where))}."
            yield ON_ONE_NODE.check("replicas", found, subject=service.name)


def images(facts: Facts) -> Iterable[Check]:
    """That a node which does not have an image can get it."""
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        if live and live.tasks and registry_of(live.image).startswith(_LOOPBACK):
            found = f"{service.name} runs {live.image}, which each node looks for on itself."
            yield IMAGE_HERE_ALONE.check("image", found, subject=service.name)


def overlay(facts: Facts) -> Iterable[Check]:
    """That what stays on the first host is reached from all."""
    names = facts.names
    if facts.engine != "swarm" or facts.survey.cluster.seat is not Seat.MANAGER:
        return
    network = f"{names.network}{OVERLAY}"
    for role in (names.proxy, *names.dependencies):
        container = facts.survey.containers.get(role.container)
        if container is not None and container.running and not _is_on(container, network):
            found = f"{role.container} is not connected to {network}."
            yield OFF_OVERLAY.check("network", found, subject=role.container)


def _is_on(container: Container, network: str) -> bool:
    return network in container.addresses


def stanzas(facts: Facts) -> Iterable[Check]:
    """What the services say in vain; of swap, which has no remedy, that it is so."""
    if facts.engine != "swarm":
        return
    who: dict[str, list[str]] = {}
    for service in facts.services:
        if not service.schedule:  # a job is a container of the manager
            for key in service.one_host:
                who.setdefault(key, []).append(service.name)
    if swap := who.pop("memswap_limit", None):
        found = f"memswap_limit of {', '.join(swap)}: a task may use as much swap besides as it may use memory"
        yield ok("swap of tasks", found)
    if who:
        found = "; ".join(f"{key} ({', '.join(dict.fromkeys(names))})" for key, names in who.items())
        yield NO_EFFECT.check("stanzas", f"No effect in a swarm: {found}.")
