"""What the ``host`` tasks share: a session without services, a question before anything is changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from behindy_ops.deploy.session import Session
from behindy_ops.errors import HostNotReady
from behindy_ops.facts import machine as host_facts
from behindy_ops.host.host import new_mark
from behindy_ops.project import settings
from behindy_ops.project.paths import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from behindy_ops.facts.machine import HostFacts
    from behindy_ops.project.settings import Settings
    from behindy_ops.report.events import Event

__all__ = ["UNCHANGED", "Confirm", "look", "open_session", "require_docker"]

UNCHANGED = "Nothing was changed; what ran before runs on."

Confirm = Callable[[str], bool]
"""Asks a person; False is a no. Where nobody can be asked it raises ``UsageError``."""


def load_settings(root: Path | None = None) -> Settings:
    """Return the settings of this checkout; a host must be named."""
    return settings.load(os.environ, root or CHECKOUT, need_host=True)


def open_session(chosen: Settings, emit: Callable[[Event], None]) -> Session:
    """Return a session on the host as such; its survey looks at no service."""
    return Session(chosen, [], emit, os.environ)


def look(session: Session) -> HostFacts:
    """Look at the host without the lock; one round trip."""
    chosen = session.settings
    return host_facts.read(session.host, new_mark(), chosen.host_dir, chosen.domain)


def require_docker(facts: HostFacts) -> None:
    """Raise unless Docker and Compose can be used.

    :raises HostNotReady: they cannot.
    """
    if facts.docker and facts.compose:
        return
    what = facts.docker_problem or ("Compose v2 is missing." if facts.docker else "Docker does not answer.")
    raise HostNotReady(
        "Docker and Compose v2 cannot be used on the host.",
        state=UNCHANGED,
        remedy="Set the host up: inv host.setup",
        lines=(what,),
    )
