"""What a host does by itself, so that nobody has to remember: a daily backup, the renewal of certificates. Pure.

Nothing stays resident: systemd, or cron where there is none, starts a program, which is composed of the same scripts
that ``db.backup`` and ``host.certs`` send. It runs as the login user.
"""

from __future__ import annotations

import base64
import shlex
from hashlib import sha256

from behindy_ops.checks.certificates import RENEW_DAYS
from behindy_ops.facts.database import CONTAINER
from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.timers import PROGRAMS
from behindy_ops.host.command import script
from behindy_ops.provision.recipes import CERTBOT

KEPT = 7
"""Backups that stay."""

_UNITS = "/etc/systemd/system"
_CRON = "/etc/cron.d/behindy-ops"
_ENGINE = f"{_UNITS}/docker.service.d/behindy.conf"
_BACKUP, _CERTS = (f"{_UNITS}/behindy-{name}" for name in ("backup", "certs"))
PATHS = (
    *(f"{PROGRAMS}/{name}" for name in ("backup", "certs")),
    *(f"{unit}.{kind}" for unit in (_BACKUP, _CERTS) for kind in ("service", "timer")),
    _ENGINE,
    _CRON,
)
"""All that may be placed on a host."""

_HEAD = "# Written by inv host.setup of behindy-ops, which writes it again where it differs.\n"

_NEW_CONNECTIONS = "INPUT -p tcp -m multiport --dports 80,443 --syn -j DROP"


def files(facts: HostFacts, domain: str) -> dict[str, str]:
    """Return what is to be on the host, by path."""
    placed = dict(_programs(facts.directory[0] if facts.directory else "", domain))
    if facts.systemd:
        placed |= {
            f"{_BACKUP}.service": _service("Daily backup of the database", "backup", facts.user),
            f"{_BACKUP}.timer": _timer("Daily backup of the database", "*-*-* 03:00:00"),
            f"{_CERTS}.service": _service("Renewal of the certificate", "certs", facts.user),
            f"{_CERTS}.timer": _timer("Renewal of the certificate", "*-*-* 05,17:00:00"),
            _ENGINE: _engine(),
        }
    else:
        placed[_CRON] = (
            f"{_HEAD}PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
            f"23 3 * * * {facts.user} {PROGRAMS}/backup >/dev/null 2>&1\n"
            f"41 5,17 * * * {facts.user} {PROGRAMS}/certs >/dev/null 2>&1\n"
        )
    return placed


def missing(facts: HostFacts, domain: str) -> dict[str, str]:
    """Return of that what is not on the host as it should be."""
    wanted = files(facts, domain)
    return {path: text for path, text in wanted.items() if facts.placed.get(path) != sha256(text.encode()).hexdigest()}


def are_on(facts: HostFacts) -> bool:
    """Whether what starts them does: cron needs no more than its file."""
    return not facts.systemd or facts.timers >= {"behindy-backup", "behindy-certs"}


def as_stdin(placed: dict[str, str]) -> str:
    """Return files as ``host/setup.sh timers`` reads them."""
    lines = (
        f"{'755' if path.startswith(PROGRAMS) else '644'} {path} {base64.b64encode(text.encode()).decode()}\n"
        for path, text in placed.items()
    )
    return "".join(lines)


def _programs(directory: str, domain: str) -> list[tuple[str, str]]:
    state = f"{directory}/state"
    backup = script("timers/backup", state, CONTAINER, str(KEPT), *script("db/look"), *script("db/dump"))
    issue = script("host/certs_issue", domain, CERTBOT, "")
    certs = script("timers/certs", state, domain, str(RENEW_DAYS), *issue)
    return [
        (f"{PROGRAMS}/{name}", _program(*script("timers/run", state, name, f"{directory}/.env"), *argv))
        for name, argv in (("backup", backup), ("certs", certs))
    ]


def _program(*argv: str) -> str:
    return f"#!/bin/bash\n{_HEAD}exec {shlex.join(argv)}\n"


def _service(title: str, name: str, user: str) -> str:
    return (
        f"{_HEAD}[Unit]\nDescription={title} (behindy-ops)\nAfter=docker.service\n\n"
        f"[Service]\nType=oneshot\nUser={user}\nExecStart={PROGRAMS}/{name}\nNice=10\nIOSchedulingClass=idle\n"
    )


def _timer(title: str, when: str) -> str:
    return (
        f"{_HEAD}[Unit]\nDescription={title} (behindy-ops)\n\n"
        f"[Timer]\nOnCalendar={when}\nRandomizedDelaySec=1h\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
    )


def _engine() -> str:
    """While the engine starts, its rules are away for some 0.3 s: docs/design.md, "A restarting engine"."""
    lines = (
        f"{when}=-/usr/sbin/iptables -w 5 {what} {_NEW_CONNECTIONS}\n"
        for when, what in (("ExecStartPre", "-I"), ("ExecStartPost", "-D"), ("ExecStopPost", "-D"))
    )
    return f"{_HEAD}# New connections wait while the engine starts, and are not refused.\n[Service]\n{''.join(lines)}"
