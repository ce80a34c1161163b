"""Events in a log."""

from __future__ import annotations

import io

from behindy_ops.report import events
from behindy_ops.report.plain import Plain
from behindy_ops.report.stream import SafeStream
from tests.unit.report.told import ONE_OF_EACH, Clock, as_plain


def test_a_log_reads_as_it_was_written() -> None:
    assert as_plain(*ONE_OF_EACH).splitlines() == [
        "frontend v2 -> ubuntu@behindy.me (team/frontend)",
        "  ... Pull the image",
        "  ok  Pull the image (1.2 s): sha256:1f2e",
        "  ... Ask from inside",
        "  FAILED  Ask from inside (45.1 s): exited with code 1",
        "  >   A green left over was removed.",
        "  -   Good to know.",
        "  !   Warning: Little memory is left.",
        "  Last log lines",
        "    | one",
        "    | [red]two[/red]",
        "  Plan",
        "    | pull  docker pull team/frontend:v2",
        "",
        "release refused (exit code 50)",
        "  What  frontend-green exited with code 1 and never answered on port 3000,",
        "        however long we waited for it.",
        "  State frontend v1 serves on; nothing changed.",
        "  Next  Mend the release, then:",
        "        inv deploy.frontend --tag v4",
        "",
        "    Error: Cannot find module 'next'",
        "frontend v2 is live (8.4 s)",
        "      digest      sha256:1f2e",
        "      log errors  0",
    ]


def test_a_log_has_progress_at_most_every_five_seconds_of_a_step() -> None:
    clock = Clock()
    stream = io.StringIO()
    show = Plain(SafeStream(stream), clock=clock)
    show(events.StepStarted("pull", "Pull"))
    for number in range(12):
        clock.now = float(number)
        show(events.StepProgress("pull", f"at {number}"))
    assert stream.getvalue().splitlines() == ["  ... Pull", "  ... Pull: at 5", "  ... Pull: at 10"]
