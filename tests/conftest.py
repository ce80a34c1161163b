"""Fewer examples for each property, so that all of them take seconds; no deadline on a busy machine.

And a file that says how a run ended, for whoever started several.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import settings

from sandbox.tasks.suite import COUNTS

os.environ.pop("BEHINDY_INV", None)  # the tests show commands as `inv`, whoever started them

settings.register_profile("quick", max_examples=40, deadline=None)
settings.load_profile("quick")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write down how many tests passed, failed (an error is a failure) and were skipped."""
    if COUNTS in os.environ:
        count = {name: len(terminalreporter.getreports(name)) for name in ("passed", "failed", "error", "skipped")}
        count["failed"] += count.pop("error")
        Path(os.environ[COUNTS]).write_text(json.dumps(count), encoding="utf-8")
