"""The containers a person may name: services, their candidates, and what stands beside them, by either of its names."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from behindy_ops.checks import preflight
from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.project.names import Names
from behindy_ops.views.view import as_survey

LONGEST = 24 * 3600.0
"""Seconds after which the host ends what is followed, watched or run."""


ELSEWHERE = "elsewhere "
"""What the host says first of a service whose tasks are on other nodes; node and container of each follow in turn."""

UNKEPT = "unkept"
"""What the host says of a container whose release it has no files of."""


def named(name: str, services: Iterable[str], names: Names) -> str:
    """Return the container's name for what a person wrote.

    Services are those that are deployed.

    Raises:
        Kind.USAGE: nothing here is called that.
    """
    services = tuple(services)
    beside, stanzas = names.beside, {stanza: names.service(stanza) for stanza in names.deployed}
    ours = [name for service in services for name in (*names.trio(service), f"{service}-run")]  # the last: of a job
    roles = {"nginx": names.proxy, "postgres": names.database, "redis": names.cache}
    there = {*beside.values(), *((names.proxy.container,) if names.shared else ())}
    usual = {word: role.container for word, role in roles.items() if role and role.container in there}
    known_as = stanzas | usual | {name: name for name in (*ours, *beside.values())} | beside
    if name in known_as:
        return known_as[name]
    known = [*services, *dict.fromkeys(beside.values())]
    raise Kind.USAGE(f"There is no service or container called {name!r}.", remedy=f"Choose one of: {', '.join(known)}.")


def told_apart(mark: str, said: list[str], other: Callable[[str], None]) -> Callable[[str], None]:
    """Return a taker of error lines: what the script says of the container is kept, and the rest passed on."""
    return lambda line: said.append(line.removeprefix(mark)) if line.startswith(mark) else other(line)


def missing(container: str, said: str) -> BehindyError:
    """Return the error for a container that cannot be used, from what the host said: docker's words or its state."""
    if (problem := preflight.docker_problem(as_survey(said))) is not None:
        return problem
    if "No such" in said:
        what, remedy = f"There is no container {container} on the host.", "See what there is: inv ops.ps"
    elif said.strip() == UNKEPT:
        what = f"{container} was not started by this tool, or the files of its release are not on the host any more."
        remedy = f"Deploy it: inv deploy.{container} --tag TAG --force. To run something within it: inv ops.exec"
    elif said.strip().startswith(ELSEWHERE):
        words = said.strip().removeprefix(ELSEWHERE).split()
        places = [f"{node} ({task})" for node, task in zip(words[::2], words[1::2], strict=True)]
        what = f"No task of {container} is on the node that was asked; there are some on {', '.join(places)}."
        remedy = f"Log in to {words[0]} and type: docker exec {words[1]} COMMAND. Or, in a container of its own: "
        remedy += f"inv ops.run {container} -- COMMAND"
    else:
        what = f"The container {container} is not running ({said.strip()})."
        remedy = f"See why: inv ops.logs {container}; inv ops.ps"
    return Kind.CONTAINER_MISSING(what, state=UNCHANGED, remedy=remedy)
