"""``env.push``: a candidate takes the place of the host's ``.env``, if that is still the one it was compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from behindy_ops.env import probe
from behindy_ops.env.candidate import Proposal, require_good
from behindy_ops.env.check import where
from behindy_ops.errors import UNCHANGED, Kind, RemoteCommandFailed
from behindy_ops.facts.environment import private
from behindy_ops.host.change import Confirm, agree, changed_meanwhile
from behindy_ops.host.session import Session


def push(
    session: Session,
    proposal: Proposal,
    confirm: Confirm,
    *,
    task: str,
    wait: float = 0.0,
    show: Callable[[Proposal], None] = lambda _: None,
) -> Proposal | None:
    """Replace the host's file, after a yes.

    Args:
        task: what to type to see again what would change.
        wait: seconds to queue for the lock.
        show: shows what would change, once it is known to be good.

    Returns:
        The comparison under the lock, or None if nothing was replaced.

    Raises:
        Kind.ENVIRONMENT_INVALID: the services cannot be started with it.
        Kind.LEASE_LOST: somebody else has changed the file in the meantime.
    """
    require_good(session, proposal)
    show(proposal)
    if not _needs_writing(proposal):
        return None
    # That nobody else was faster is seen by the command that replaces it, in one go.
    if not agree(
        session, task, proposal, lambda _: proposal, confirm, question=f"Replace {where(session)}?", wait=wait
    ):
        return None
    with session.interrupts.shielded(5):
        comparison = probe.replace(session, proposal.candidate, expected=proposal.comparison.sha256)
    if comparison.replaced == "changed":
        raise changed_meanwhile(task, Kind.LEASE_LOST)
    if comparison.replaced != "yes":
        raise RemoteCommandFailed(
            f"Could not replace {where(session)}.",
            state=UNCHANGED,
            remedy="Is the host's disk full? inv ops.disk. May this login write there? inv host.check",
        )
    return Proposal(proposal.candidate, proposal.wanted, comparison)


def _needs_writing(proposal: Proposal) -> bool:
    """Whether the host's file is another text than the candidate's, if only in a comment, or others may read it."""
    text = proposal.candidate.text.encode("utf-8")
    return proposal.comparison.sha256 != hashlib.sha256(text).hexdigest() or not private(proposal.comparison.mode)
