"""``host.up``: nginx, PostgreSQL and Redis run as the host's compose file has them; a yes before one is replaced.

Compose replaces a container when its stanza hashes differently, or its image's name means another image, than when it
was created. The same is looked up here beforehand, so that nobody's database is replaced by surprise.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.facts.container import CONTAINER_TEMPLATE, Container, parse_container
from behindy_ops.facts.replies import Reply
from behindy_ops.facts.survey import Stanza, parse_stanzas, started_from
from behindy_ops.host.change import Confirm, agree
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.project.names import Names
from behindy_ops.project.validate import shown
from behindy_ops.report import events

_ANONYMOUS = re.compile("[0-9a-f]{64}")
"""The name of a volume that belongs to a container alone; Compose hands it on to the container's replacement."""

HEALTH_SECONDS = 120
"""A new database takes some 10 s to be created; on a slow disk, several times that."""


class Action(StrEnum):
    """What to do about a service's container."""

    CREATE = "create"
    START = "start"
    REPLACE = "replace"
    CONNECT = "connect"
    """To the network with IPv6; else it is as it should be."""


Mounts = dict[str, str]
"""What is mounted where: by its place in the container a directory of the host, or ``volume <name>``."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A service in the host's compose file.

    Attributes:
        image_id: empty when its image is not there yet.
        mounts: see :class:`Mounts`.
    """

    service: str
    config: str
    image: str
    image_id: str
    container: str
    mounts: Mounts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What to do about one service, and why, in words."""

    wanted: Wanted
    action: Action
    why: str = ""

    def sentence(self, names: Names) -> str:
        """Return the change for a person, with what users notice of it."""
        name = self.wanted.service
        if self.action is Action.CONNECT:
            return f"connect {name} to {names.edge}, for visitors by IPv6: its open connections are cut"
        if self.action is not Action.REPLACE:
            return f"{self.action} {name}"
        notices = (
            (names.database, "PostgreSQL is down for a few seconds; its data stays where it is"),
            (names.cache, "the cache is empty afterwards"),
            (names.proxy, "for some seconds new connections wait; a WebSocket, or a request of more than 3 s, is cut"),
        )
        notice = next((text for role, text in notices if role and role.stanza == name), "it is down for a moment")
        return f"replace {name}, since {self.why}: {notice}"


def parse(reply: Reply) -> tuple[list[Wanted], list[Container], bool]:
    """Read what ``host/infra_look.sh`` printed; the last says whether the containers' network exists."""
    mounts = _wanted_mounts(reply)
    stanzas = parse_stanzas(reply.rows("stanzas"))
    images = {name: identity for identity, name in reply.rows("images")}
    wanted = []
    for service, config in reply.rows("hashes"):
        stanza = stanzas.get(service, Stanza())
        image_id = images.get(stanza.image, "")
        wanted.append(Wanted(service, config, stanza.image, image_id, stanza.container_name, mounts.get(service, {})))
    return wanted, [parse_container(line) for line in reply.lines("containers")], "there" in reply.lines("network")


def _wanted_mounts(reply: Reply) -> dict[str, Mounts]:
    names = dict(line.split(" ", 1) for line in reply.every(":", "mounts"))
    mounts: dict[str, Mounts] = {}
    kind = source = ""
    for line in reply.lines("mounts"):
        service, key, value = line.split(" ", 2)
        if key == "type":
            kind, source = json.loads(value), ""
        elif key == "source":
            source = json.loads(value)
        elif key == "target" and kind in ("bind", "volume"):
            volume = json.loads(names.get(source, json.dumps(source)))
            mounts.setdefault(service, {})[json.loads(value)] = source if kind == "bind" else f"volume {volume}"
    return mounts


def parse_mounted(reply: Reply) -> dict[str, Mounts]:
    """Return by each container's name what it can write to that outlives it."""
    mounted = {}
    for line in reply.lines("mounted"):
        name, _, told = line.partition(" ")
        mounted[name.removeprefix("/")] = {
            mount["Destination"]: mount["Source"] if mount["Type"] == "bind" else f"volume {mount['Name']}"
            for mount in json.loads(told)
            if mount["RW"] and mount["Type"] in ("bind", "volume") and not _ANONYMOUS.fullmatch(mount.get("Name", ""))
        }
    return mounted


def moved(change: Change, mounted: Mapping[str, Mounts]) -> tuple[str, str] | None:
    """Return what a container's data is on and what its replacement would have there; None if that is the same."""
    if change.action is not Action.REPLACE:
        return None
    for target, source in mounted.get(change.wanted.container, {}).items():
        if (wanted := change.wanted.mounts.get(target, "nothing")) != source:
            return source, wanted
    return None


def _noted(container: Container, label: str) -> str:
    """What Compose noted on a container when it created it; empty for one that it did not create."""
    return container.labels.get(f"com.docker.compose.{label}", "")


def obstacles(names: Names, wanted: Sequence[Wanted], running: Sequence[Container]) -> list[str]:
    """Return the names that are taken by containers Compose did not create for these services."""
    owners = {container.name: (_noted(container, "project"), _noted(container, "service")) for container in running}
    return [
        service.container
        for service in wanted
        if owners.get(service.container, (names.project, service.service)) != (names.project, service.service)
    ]


def started_elsewhere(names: Names, container: Container, directory: Sequence[str]) -> bool:
    """Whether it is one of this project's own, but of another directory on the host: another login's, say."""
    where = started_from(container)
    return _noted(container, "project") == names.project and where.endswith("/compose") and where not in directory


def plan(
    names: Names, wanted: Sequence[Wanted], running: Sequence[Container], *, network: bool, ipv6: bool = False
) -> list[Change]:
    """Return the changes, in the compose file's order; nothing for a service that is as it should be.

    Args:
        network: whether the network exists; a container cannot be moved to another one of the same name.
        ipv6: nginx belongs on the network with IPv6 too.
    """
    ours = [container for container in running if _noted(container, "project") == names.project]
    own = {_noted(container, "service"): container for container in ours}
    changes = []
    for service in wanted:
        container = own.get(service.service)
        change = _change(service, container, gone="" if network else names.network)
        proxy = service.service == names.proxy.stanza
        if change is None and ipv6 and proxy and container and names.edge not in container.addresses:
            change = Change(service, Action.CONNECT)
        changes.append(change)
    return [change for change in changes if change is not None]


def _change(wanted: Wanted, container: Container | None, *, gone: str) -> Change | None:
    if container is None:
        return Change(wanted, Action.CREATE)
    if gone:
        return Change(wanted, Action.REPLACE, f"its network {gone} is gone")
    if _noted(container, "config-hash") != wanted.config:
        return Change(wanted, Action.REPLACE, "its configuration changed")
    if wanted.image_id and _noted(container, "image") not in ("", wanted.image_id):
        return Change(wanted, Action.REPLACE, f"{wanted.image} is another image now")
    if container.status != "running":
        return Change(wanted, Action.START, f"it is {container.status}")
    return None


def arguments(names: Names, changes: Sequence[Change], *, ipv6: bool = False) -> tuple[str, ...]:
    """Return the arguments of ``host/infra_up.sh``; ``ipv6`` as in :func:`plan`."""
    words: list[str] = []
    for change in changes:
        if not change.wanted.image_id:
            words += ("pull", change.wanted.image)
        if change.wanted.service == names.proxy.stanza:
            words += ("placeholder", change.wanted.image)
    for change in changes:
        if change.action is not Action.CONNECT:
            words += ("recreate" if change.action is Action.REPLACE else "create", change.wanted.service)
        if ipv6 and change.wanted.service == names.proxy.stanza:
            words += ("ipv6", change.wanted.container)
    return tuple(words)


def bring_up(session: Session, confirm: Confirm, *, only: str = "", wait: float = 0.0) -> None:
    """Start what is not running, replace what was created from another configuration, wait until all are healthy.

    Args:
        only: the service, by its key in the compose file, that is looked at alone; empty for all.
        wait: seconds to queue for the lock.

    Raises:
        Kind.USAGE: there is no such service.
        Kind.NOT_HEALTHY: one did not become healthy in time.
    """
    changes = _look(session, only)
    if not changes:
        text = "nginx, PostgreSQL and Redis are running as the compose file has them; nothing to do."
        if session.names.shared:
            text = "What this project has beside its services runs as the compose file has it; nothing to do."
        if only:
            text = f"{only} is running as the compose file has it; nothing to do."
        session.emit(events.Decision(text))
        return
    session.emit(events.Plan("To be done:", tuple(change.sentence(session.names) for change in changes)))
    replaced = [change.wanted.service for change in changes if change.action is Action.REPLACE]
    question = f"Replace {', '.join(replaced)}?" if replaced else ""
    if any(change.action is Action.CONNECT for change in changes):
        question = f"{question} Connect nginx to {session.names.edge}?".strip()
    task = f"host.up {only}".strip()
    if agree(session, task, changes, lambda _: _look(session, only), confirm, question=question, wait=wait):
        _carry_out(session, changes)


def _look(session: Session, only: str) -> list[Change]:
    names = session.names
    words = (session.settings.host_dir, names.project, names.network, CONTAINER_TEMPLATE)
    reply = session.ask("host/infra_look", *words, title="inspect what Compose runs", timeout=60)
    if first := reply.values("swarm_").get("first"):
        raise Kind.HOST_NOT_READY(
            f"This host is an edge of the swarm whose first host is {first}, which has the database and the cache.",
            state=UNCHANGED,
            remedy=f"What an edge has is brought by the first one: BEHINDY_HOST={first} inv host.setup --swarm --edge "
            f"{session.settings.host}",
        )
    wanted, running, network = parse(reply)
    wanted = _chosen(wanted, only)
    if taken := obstacles(names, wanted, running):
        raise _taken(names, next(each for each in running if each.name == taken[0]))
    ipv6 = session.settings.ipv6
    changes = plan(names, wanted, running, network=network, ipv6=ipv6)
    if any(change.wanted.service == names.proxy.stanza for change in changes):
        session.settings.required_domain("nginx needs a certificate for one")
        if ipv6:
            _require_ipv6(reply)
    _require_place(changes, reply)
    for container in running:
        if _noted(container, "service") in {service.service for service in wanted} and started_elsewhere(
            names, container, reply.lines("directory")
        ):
            raise _started_elsewhere(container)
    return changes


def _require_place(changes: Sequence[Change], reply: Reply) -> None:
    """Refuse to start a container where its data is not."""
    mounted = parse_mounted(reply)
    for change in changes:
        if places := moved(change, mounted):
            raise _data_elsewhere(change.wanted, *places)


def _taken(names: Names, container: Container) -> BehindyError:
    said, remedy = (
        "Compose did not create",
        "Remove it at a quiet moment (its volumes stay), then run inv host.up again.",
    )
    if project := _noted(container, "project"):
        said = f"For the project {project}, and not {names.project}, Compose created"
        remedy = f"If that is this one, the compose file says so: name: {project}; then inv host.sync. Else: {remedy}"
    return Kind.HOST_NOT_READY(
        f"{said} the container {container.name}, so it cannot start its own of that name.",
        state=UNCHANGED,
        remedy=remedy,
    )


def _chosen(wanted: Sequence[Wanted], only: str) -> list[Wanted]:
    chosen = [service for service in wanted if only in ("", service.service, service.container)]
    if only and not chosen:
        raise Kind.USAGE(
            f"{shown(only)} is not what host.up brings up.",
            remedy=f"Name one of: {', '.join(each.service for each in wanted)}. A service is brought by a deploy.",
        )
    return chosen


def _require_ipv6(reply: Reply) -> None:
    """Refuse to lead visitors where they would be refused, or hidden behind Docker's own address."""
    told = set(reply.lines("ipv6"))
    for word, (what, remedy) in _LACKS.items():
        if f"lacks {word}" in told:
            raise Kind.HOST_NOT_READY(what, state=UNCHANGED, remedy=remedy)


_IP6TABLES = "inv host.setup; then inv host.up. A setting ip6tables false in /etc/docker/daemon.json has to go by hand."
_ROUTER = (
    "The host would lose its way out by IPv6: its kernel learns the router from announcements (accept_ra is 1), and "
    "stops doing so once it forwards, which Docker has it do."
)
_LACKS = {
    "files": ("nginx does not listen on IPv6 yet.", "inv host.sync; then inv host.up"),
    "rules": ("The Docker engine has no firewall rules for IPv6.", _IP6TABLES),
    "restart": ("The Docker engine has not loaded its firewall rules for IPv6 yet.", _IP6TABLES),
    "address": ("The host has no public IPv6 address.", "Give it one, or take BEHINDY_IPV6 away here."),
    "router": (
        _ROUTER,
        "On the host, set net.ipv6.conf.INTERFACE.accept_ra to 2 in /etc/sysctl.d/: sudo sysctl --system; inv host.up",
    ),
}
"""What keeps visitors from coming by IPv6, and what to do about it, by what ``host/infra_look.sh`` calls it."""


def _started_elsewhere(container: Container) -> BehindyError:
    where = started_from(container).removesuffix("/compose")
    return Kind.HOST_NOT_READY(
        f"{container.name} was started from {where}, which has an .env and files of its own.",
        state="Nothing changed; it runs as before.",
        remedy=f"Work from there: BEHINDY_HOST_DIR={where}, with BEHINDY_USER the login it belongs to. If it is to be "
        f"this directory's from now on, at a quiet moment: docker rm --force {container.name}, then inv host.up",
    )


def _data_elsewhere(wanted: Wanted, there: str, would_be: str) -> BehindyError:
    remedy = "Have the compose file and the host's .env mount what it has now (BEHINDY_DB_DATA for db)."
    lines: tuple[str, ...] = ()
    if there.startswith("/") and would_be.startswith("/"):
        remedy += " Or move the data, with the site down meanwhile, by the lines below on the host; then inv host.up."
        old, new = shlex.quote(there), shlex.quote(would_be)
        lines = (f"docker rm --force {wanted.container}", f"sudo mkdir -p {new} && sudo cp -a {old}/. {new}/")
    return Kind.HOST_NOT_READY(
        f"The data of {wanted.service} is on {there}, but the compose file as it is now puts {would_be} in its place.",
        state="Nothing changed; it runs as before.",
        remedy=remedy,
        lines=lines,
    )


def _carry_out(session: Session, changes: Sequence[Change]) -> None:
    started = ", ".join(change.wanted.service for change in changes)
    settings, names = session.settings, session.names
    words = arguments(names, changes, ipv6=settings.ipv6)
    with session.step("up", f"Start {started}; wait until healthy") as step:
        argv = script(
            *("host/infra_up", settings.host_dir, settings.domain, str(HEALTH_SECONDS)),
            *(names.project, names.proxy.stanza, names.edge, names.network, names.proxy.container, *words),
        )
        command = Command(
            argv, title=f"start {started}", timeout=HEALTH_SECONDS + 900, changes=True, on_line=step.progress
        )
        result = session.host.run(command)
        result.require(
            state="What was started is still running.",
            remedy="Run inv host.up again: it continues from there.",
            image="an image",
            seconds=HEALTH_SECONDS,
            names=started,
        )
        told = result.reply().values()
        if away := told.get("away"):
            waited = "were refused meanwhile (no sudo or iptables)" if "unheld" in told else "waited meanwhile"
            step.detail = f"nginx was away for {int(away) / 1000:.1f} s; new connections {waited}"
        if "placeholder" in told:
            session.emit(events.Note("nginx uses a placeholder certificate that nobody trusts: inv host.certs"))
