"""Fewer examples for each property, so that all of them take seconds; no deadline on a busy machine.

And what failed, as soon as it has: of a run that is cut off, nothing else tells. And a file that says how it ended, for
whoever started several.
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


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_AtOnce(terminal))


class _AtOnce:
    """Names each test that fails when it does."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._terminal.write_line(f"\nfailed: {report.nodeid} ({report.when}, {report.duration:.0f} s)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write down how many tests passed, failed (an error is a failure) and were skipped."""
    if COUNTS in os.environ:
        count = {name: len(terminalreporter.getreports(name)) for name in ("passed", "failed", "error", "skipped")}
        count["failed"] += count.pop("error")
        Path(os.environ[COUNTS]).write_text(json.dumps(count), encoding="utf-8")
