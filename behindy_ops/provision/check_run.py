"""``host.check``: one look, shown."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from behindy_ops import report
from behindy_ops.provision.check import as_json, as_lines, findings, is_ready
from behindy_ops.provision.machine import look
from behindy_ops.report.text import marks_for

if TYPE_CHECKING:
    from behindy_ops.host.session import Session

__all__ = ["check_host"]


def check_host(session: Session, *, json: bool) -> bool:
    """Show how the host is; return whether it is ready for a deploy. One round trip after the login."""
    settings = session.settings
    before = time.time()
    facts = look(session)
    after = time.time()
    # The host reads its clock near the end of the look.
    clock = min(max(facts.now, before), after)
    found = findings(facts, client_clock=clock, host_dir=settings.host_dir)
    if json:
        sys.stdout.write(as_json(found, settings.host))
    else:
        report.show_lines(as_lines(found, settings.host, marks_for(sys.stdout.encoding)))
    return is_ready(found)
