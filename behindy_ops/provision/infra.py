"""What ``host.up`` does about nginx, PostgreSQL and Redis. Pure: what Compose wants and what runs in, plan out.

Compose replaces a container when its stanza has another hash, or its image's name means another image, than when it was
made. The same is looked up here beforehand, so that nobody's database is replaced by surprise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from behindy_ops.facts.survey import NETWORK, NGINX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.facts.replies import Reply

__all__ = ["Action", "Change", "Running", "Wanted", "obstacles", "parse", "plan", "words"]

PROJECT = "behindy-ops"


class Action(StrEnum):
    """What is to be done about a service's container."""

    LEAVE = "leave"
    CREATE = "create"
    START = "start"
    RECREATE = "recreate"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A service as the host's compose file has it; ``image_id`` is empty when its image is not there yet."""

    service: str
    config: str
    image: str
    image_id: str
    container: str


@dataclass(frozen=True, slots=True)
class Running:
    """A container; ``service``, ``config`` and ``image_id`` are what Compose noted when it made it, or empty."""

    name: str
    id: str
    service: str
    project: str
    state: str
    health: str
    config: str
    image_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """What is done about one service, and why, in words."""

    wanted: Wanted
    action: Action
    why: str = ""

    @property
    def sentence(self) -> str:
        """The change for a person, with what users notice of it."""
        name = self.wanted.service
        if self.action is not Action.RECREATE:
            return f"{self.action} {name}" if self.action is not Action.LEAVE else f"{name} runs"
        notice = {
            "db": "PostgreSQL is away for some seconds; its data stays where it is",
            "redis": "the cache is empty afterwards",
            NGINX: "the site is away for a moment",
        }.get(name, "it is away for a moment")
        return f"replace {name}, since {self.why}: {notice}"


def parse(reply: Reply) -> tuple[list[Wanted], list[Running], bool]:
    """Read what ``host/infra_look.sh`` printed; the last says whether the containers' network exists."""
    blank = {"-": ""}
    wanted, running = (
        [[blank.get(word, word) for word in words] for words in reply.rows(name) if len(words) == count]
        for name, count in (("services", 5), ("containers", 8))
    )
    return (
        [Wanted(*words) for words in wanted],
        [Running(*words) for words in running],
        "there" in reply.lines("network"),
    )


def obstacles(wanted: Sequence[Wanted], running: Sequence[Running]) -> list[str]:
    """Return the names that are taken by containers Compose did not make for these services."""
    taken = {one.name: one for one in running}
    return [
        one.container
        for one in wanted
        if (found := taken.get(one.container)) and (found.project, found.service) != (PROJECT, one.service)
    ]


def plan(wanted: Sequence[Wanted], running: Sequence[Running], *, network: bool) -> list[Change]:
    """Return what is to be done about each service, in the compose file's order.

    :param network: whether the network exists; a container cannot be moved to another of the same name.
    """
    own = {one.service: one for one in running if one.project == PROJECT}
    return [_change(one, own.get(one.service), network=network) for one in wanted]


def _change(wanted: Wanted, found: Running | None, *, network: bool) -> Change:
    if found is None:
        return Change(wanted, Action.CREATE)
    if not network:
        return Change(wanted, Action.RECREATE, f"its network {NETWORK} is gone")
    if found.config != wanted.config:
        return Change(wanted, Action.RECREATE, "its configuration changed")
    if wanted.image_id and found.image_id and found.image_id != wanted.image_id:
        return Change(wanted, Action.RECREATE, f"another image is called {wanted.image} now")
    if found.state != "running":
        return Change(wanted, Action.START, f"it is {found.state}")
    return Change(wanted, Action.LEAVE)


def words(changes: Sequence[Change]) -> tuple[str, ...]:
    """Return what ``host/infra_up.sh`` is told."""
    told: list[str] = []
    for change in changes:
        if change.action is Action.LEAVE:
            continue
        if not change.wanted.image_id:
            told += ("pull", change.wanted.image)
        if change.wanted.service == NGINX:
            told += ("placeholder", change.wanted.image)
    for change in changes:
        if change.action is Action.RECREATE:
            told += ("recreate", change.wanted.service)
        elif change.action is not Action.LEAVE:
            told += ("create", change.wanted.service)
    return tuple(told)
