"""An nginx that resolves names only when it loads its configuration, until host.sync has brought ours.

After each change of names it is reloaded, and told where the name leads (``follow.sh``): an alias that Compose gave
survives a rename, so that old and new both answer to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.facts.survey import NETWORK, NGINX
from behindy_ops.host.command import Command, script
from behindy_ops.report.events import Decision

if TYPE_CHECKING:
    from behindy_ops.host.session import Session

__all__ = ["command", "follow"]


def command(service: str, container: str) -> Command:
    """Reload nginx so that a service's name leads to this container, by its id."""
    argv = script("deploy/follow", NGINX, NETWORK, service, container)
    return Command(argv, title="reload nginx", timeout=60, changes=True)


def follow(session: Session, service: str, container: str) -> tuple[int, str]:
    """Reload nginx after a change of names.

    :returns: the host's clock (ms) when its new workers were there, and why it could not be done (else empty).
    """
    session.emit(
        Decision(
            f"nginx resolves {service} only when it loads its configuration: it is reloaded after the renames. inv "
            "host.sync puts one there that needs no reload."
        )
    )
    with session.step("reload", "Reload nginx") as step:
        result = session.host.run(command(service, container))
        moment = result.reply().values().get("switched", "") if result.ok else ""
        step.failed = "" if moment else f"{result.how()} {' '.join(result.last_lines(2))}".strip()
    return int(moment or 0), step.failed
