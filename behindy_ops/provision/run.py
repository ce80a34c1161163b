"""What the ``host`` tasks share: a session without services, a question before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.facts import machine as host_facts
from behindy_ops.host.command import Command, script
from behindy_ops.host.host import new_mark

if TYPE_CHECKING:
    from behindy_ops.facts.machine import HostFacts
    from behindy_ops.host.session import Session

__all__ = ["UNCHANGED", "Confirm", "look", "require_docker"]

UNCHANGED = "Nothing was changed; what ran before runs on."

Confirm = Callable[[str], bool]
"""Asks a person; False is a no. Where nobody can be asked it raises ``Kind.USAGE``."""


def look(session: Session) -> HostFacts:
    """Look at the host without the lock; one round trip."""
    mark, settings = new_mark(), session.settings
    argv = script("host/facts", mark, settings.host_dir, settings.domain)
    result = session.host.run(Command(argv, title="look at the host", timeout=90))
    return host_facts.parse(result.require().stdout, mark)


def require_docker(facts: HostFacts) -> None:
    """Raise unless Docker and Compose can be used.

    :raises Kind.HOST_NOT_READY: they cannot.
    """
    if facts.docker and facts.compose:
        return
    what = facts.docker_problem or ("Compose v2 is missing." if facts.docker else "Docker does not answer.")
    raise Kind.HOST_NOT_READY(
        "Docker and Compose v2 cannot be used on the host.",
        state=UNCHANGED,
        remedy="Set the host up: inv host.setup",
        lines=(what,),
    )
