"""The machine below: its system, its updates, its login. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Problem, Risk, ok
from behindy_ops.facts.machine import MORE_SESSIONS, ONE_SESSION

REBOOT = Risk(
    "reboot pending",
    "an update waits for a reboot",
    "At a quiet moment (the site is down meanwhile), on the host: sudo reboot",
)
UNKNOWN_SYSTEM = Risk(
    "unknown system",
    "host.setup has no recipe for the distribution",
    "Install what is missing by hand; inv host.setup does the rest.",
    helps="",
)
TOO_FEW_SESSIONS = Problem(
    "one session",
    "sshd refuses a second channel on a connection (MaxSessions 1)",
    MORE_SESSIONS,
    "Every task that changes the host ends with that; those that only look still work.",
)
NO_UPDATES = Risk(
    "no security updates",
    "nothing installs security updates automatically",
    "Have them installed every night: inv host.setup",
)


def login(facts: Facts) -> Iterable[Check]:
    """Who we are there."""
    yield ok("login", f"{facts.machine.user}, {'may' if facts.machine.root else 'may not'} become root")


def sessions(facts: Facts) -> Iterable[Check]:
    """How many channels sshd accepts."""
    if facts.machine.sessions == 1:
        yield TOO_FEW_SESSIONS.check("sessions", ONE_SESSION)


def system(facts: Facts) -> Iterable[Check]:
    """The distribution."""
    machine = facts.machine
    if machine.reboot:
        yield REBOOT.check("system", f"{machine.name}: an update waits for a reboot.")
    elif facts.supported:
        yield UNKNOWN_SYSTEM.check("system", f"{machine.name}: host.setup knows {facts.supported}.")
    else:
        yield ok("system", f"{machine.name}, {machine.arch}")


def updates(facts: Facts) -> Iterable[Check]:
    """Security updates."""
    if facts.machine.updates:
        yield ok("updates", "security updates are installed automatically")
    else:
        yield NO_UPDATES.check("updates", "Security updates are not installed automatically.")
