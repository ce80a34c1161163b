"""``deploy.status``: how each service is, as data and as text. Pure."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from behindy_ops.facts.container import parse_time
from behindy_ops.facts.leftovers import Recovery, decide
from behindy_ops.facts.release import previous_release, released_as

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service

__all__ = ["ServiceStatus", "as_json", "as_text", "describe"]


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service.

    :param state: ``running``, ``missing``, or what docker calls it.
    :param since: when the live container started (RFC 3339), or empty.
    :param age: seconds since then.
    :param memory_limit: bytes, 0 for none.
    :param previous: the release a rollback would go to, or empty; ``previous_on_disk`` tells if its image is there.
    :param leftover: what an interrupted run left, in words, or empty.
    """

    service: str
    state: str
    health: str = ""
    release: str = ""
    tag: str = ""
    digest: str = ""
    since: str = ""
    age: float = 0.0
    restarts: int = 0
    memory_used: int = 0
    memory_limit: int = 0
    previous: str = ""
    previous_tag: str = ""
    previous_on_disk: bool = False
    leftover: str = ""


def describe(survey: Survey, service: Service) -> ServiceStatus:
    """Say how one service is."""
    trio = survey.trio(service.name)
    recovery = decide(trio)
    leftover = "" if recovery is Recovery.NOTHING else recovery.value
    previous = previous_release(survey, service.name)
    on_disk = previous is not None and any(image.id == previous.image_id for image in survey.images)
    before = {
        "previous": previous.id if previous else "",
        "previous_tag": previous.tag if previous else "",
        "previous_on_disk": on_disk,
        "leftover": leftover,
    }
    live = trio.live
    if live is None:
        return ServiceStatus(service.name, "missing", **before)  # type: ignore[arg-type]
    release = released_as(live)
    return ServiceStatus(
        service=service.name,
        state=live.status,
        health=live.health or ("restarting" if live.restarting else ""),
        release=release.id,
        tag=release.tag,
        digest=release.digest,
        since=live.started if live.running else "",
        age=survey.now - parse_time(live.started).timestamp() if live.running else 0.0,
        restarts=live.restarts,
        memory_used=survey.usage.get(live.id, 0),
        memory_limit=live.memory,
        **before,  # type: ignore[arg-type]
    )


def as_json(found: Sequence[ServiceStatus]) -> str:
    """Return one JSON object: ``{"services": [...]}``, each with the fields of :class:`ServiceStatus`."""
    return json.dumps({"services": [asdict(one) for one in found]}, ensure_ascii=False, indent=2) + "\n"


def as_text(found: Sequence[ServiceStatus], host: str) -> str:
    """Return the view for people; fits 80 columns."""
    lines = [f"Services on {host}"]
    for one in found:
        lines.append("")
        lines.append(f"{one.service}: {_state(one)}")
        for label, text in _rows(one):
            lines.extend(textwrap.wrap(text, 79, initial_indent=f"  {label:<9}", subsequent_indent=" " * 11))
    return "\n".join(lines) + "\n"


def _state(one: ServiceStatus) -> str:
    if one.state == "missing":
        return "not there (no container of this name)"
    health = f", {one.health}" if one.health else ""
    restarts = f", {one.restarts} restarts" if one.restarts else ""
    return f"{one.state}{health}{restarts}"


def _rows(one: ServiceStatus) -> list[tuple[str, str]]:
    memory = ""
    if one.memory_used or one.memory_limit:
        limit = f" of {one.memory_limit // 2**20}" if one.memory_limit else " (no limit)"
        memory = f"{one.memory_used // 2**20}{limit} MB"
    previous = ""
    if one.previous:
        where = "image on disk" if one.previous_on_disk else "image not on disk"
        previous = f"{one.previous} ({one.previous_tag}), {where}"
    return [
        ("release", f"{one.release or 'not deployed by this tool'} ({one.tag})" if one.state != "missing" else ""),
        ("digest", one.digest[:19]),
        ("since", f"{one.since[:19]}Z, {duration(one.age)} ago" if one.since else ""),
        ("memory", memory),
        ("previous", previous),
        ("left", one.leftover and f"{one.leftover} (the next deploy or inv deploy.recover does it)"),
    ]


def duration(seconds: float) -> str:
    """Return a time span in its two largest units: ``3 d 4 h``, ``12 min``, ``40 s``."""
    minutes, rest = divmod(int(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{rest} s"
