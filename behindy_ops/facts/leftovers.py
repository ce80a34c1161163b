"""What an interrupted run left, and what to do about it: docs/design.md, "Reconcile", as a pure function.

No state file decides anything: the names, and whether what bears them runs and is healthy, do.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum

from behindy_ops.facts.container import Container
from behindy_ops.facts.release import Labels, released_as
from behindy_ops.facts.survey import Survey, Trio
from behindy_ops.project.services import Service, replicas


class Recovery(Enum):
    """What to do; the value says what was seen and what follows, for people."""

    NOTHING = "steady"
    END_BEFORE = "an earlier run stopped before the switch: its x-deploy.before is stopped and removed"
    END_AFTER = "an earlier run stopped after the switch: its x-deploy.after is stopped, removed, and not run again"
    REMOVE_GREEN = "an earlier run stopped before the switch: its candidate is removed"
    FINISH_SWITCH = (
        "an earlier run died between the two renames: if its candidate is healthy it gets the name, "
        "else the previous release gets it back"
    )
    FINISH_DRAIN = (
        "an earlier run died after the switch: if the new release is healthy the previous one is drained and removed, "
        "else it is switched back"
    )
    RESTORE_BLUE = "the live release is gone: the previous one gets its name back"
    SWITCH_BACK = "an earlier run put a bad release live: the previous one gets its name back"
    START_OVER = "a first deploy was not finished: its candidate is removed"


def surplus(survey: Survey, service: Service) -> tuple[Container, ...]:
    """Return the containers of a service that it no longer has, since it is declared with fewer."""
    own = {name for each in replicas(service) for name in survey.names.trio(each.name)}
    found = survey.containers.values()
    return tuple(one for one in found if one.labels.get(Labels.replica_of) == service.name and one.name not in own)


def incomplete(survey: Survey, service: Service) -> str:
    """Return what of a service's containers is not as it is declared, or not as its live one; empty if all is well."""
    first = survey.trio(service.name).live
    if first is not None and (other := _elsewhere(first, service)):
        return other
    wanted = released_as(first).id if first else ""
    for each in replicas(service)[1:]:
        live = survey.trio(each.name).live
        if live is None:
            return f"{each.name} is not there"
        if not live.running:
            return f"{each.name} does not run"
        if released_as(live).id != wanted:
            return f"{each.name} has another release"
    return "".join(f"{each.name} is one too many" for each in surplus(survey, service)[:1])


def _elsewhere(live: Container, service: Service) -> str:
    """Return in what other way a live release runs than its service would now: on one host, or with so many tasks."""
    if service.tasks and live.replicas is None:
        return f"{live.name} is a container of one host, and is to be run by the swarm"
    if live.replicas is not None and not service.tasks:
        return f"{live.name} is run by the swarm, and is to be a container of this host"
    if live.replicas not in (None, service.tasks):
        return f"{live.name} has {live.replicas} task{'' if live.replicas == 1 else 's'}, not {service.tasks}"
    return ""


def parted(survey: Survey, service: Service) -> str:
    """Return the name of a container of a service that has not come as far as its others; empty if none is behind.

    They are put live as one, so a run that died in the middle of that is undone for those that were.
    """
    if service.replicas == 1:
        return ""
    trios = {each.name: survey.trio(each.name) for each in replicas(service)}
    new = {released_as(found).id for trio in trios.values() if trio.blue and (found := trio.live or trio.green)}
    behind = (name for name, trio in trios.items() if _behind(trio, new))
    return next(behind, "") if new else ""


def _behind(trio: Trio, new: Collection[str]) -> bool:
    """Return whether a container has not come as far as those that have one of the new releases live, or nearly."""
    live, green, blue = trio
    if live is not None:
        return released_as(live).id not in new
    if green is not None and blue is not None:
        return stopped_first(green, blue)  # then it gets its name back
    return green is not None or blue is not None  # the candidate goes, or the previous one comes back


def stopped_first(successor: Container, blue: Container) -> bool:
    """Return whether it was stopped before its successor was made (``--strategy recreate``): that proves nothing."""
    return not blue.running and datetime.fromisoformat(blue.finished) < datetime.fromisoformat(successor.created)


def serves(container: Container | None) -> bool:
    """Return whether a container runs and does not say of itself that it is unhealthy."""
    return container is not None and container.running and not container.restarting and container.health != "unhealthy"


def leftover(survey: Survey, service: str) -> Recovery:
    """Return what an interrupted run left of a service, by what was seen: nothing, while somebody is at it."""
    if survey.changing:
        return Recovery.NOTHING
    if (once := survey.once(service)) is not None:
        return Recovery.END_BEFORE if once.name.endswith("-before") else Recovery.END_AFTER
    return decide(survey.trio(service), draining=service in survey.draining)


def decide(trio: Trio, *, draining: bool = False) -> Recovery:
    """Return what to do first; after it the host is looked at again, until there is nothing left to do.

    Args:
        draining: the host drains the previous container by itself, so that nobody else need finish that.
    """
    live, green, blue = trio.live, trio.green, trio.blue
    if live is not None:
        if green is not None:
            return Recovery.REMOVE_GREEN
        if blue is None:
            return Recovery.NOTHING
        if not serves(live) and serves(blue):
            return Recovery.SWITCH_BACK
        return Recovery.NOTHING if draining else Recovery.FINISH_DRAIN
    if blue is not None:
        return Recovery.FINISH_SWITCH if green is not None else Recovery.RESTORE_BLUE
    return Recovery.START_OVER if green is not None else Recovery.NOTHING
