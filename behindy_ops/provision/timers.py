"""What a host does by itself, so that nobody has to remember: a daily backup, the renewal of certificates. Pure.

Nothing stays resident: systemd, or cron where there is none, starts a program, which is composed of the same scripts
that ``db.backup`` and ``host.certs`` send. It runs as the login user.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator
from hashlib import sha256

from behindy_ops.checks.certificates import RENEW_DAYS
from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.timers import PROGRAMS, called, kept_up
from behindy_ops.host.command import script
from behindy_ops.project.names import Names
from behindy_ops.provision.recipes import CERTBOT

KEPT = 7
"""Backups that stay."""

_UNITS = "/etc/systemd/system"
_CRON = "/etc/cron.d/behindy-ops"
_ENGINE = f"{_UNITS}/docker.service.d/behindy.conf"
_TIMES = {
    "backup": ("Daily backup of the database", "*-*-* 03:00:00"),
    "certs": ("Renewal of the certificate", "*-*-* 05,17:00:00"),
}
_CRON_TIMES = {"backup": "23 3 * * *", "certs": "41 5,17 * * *"}

_HEAD = "# Written by inv host.setup of behindy-ops, which writes it again where it differs.\n"

_NEW_CONNECTIONS = "INPUT -p tcp -m multiport --dports 80,443 --syn -j DROP"


def paths(names: Names) -> tuple[str, ...]:
    """Return all that may be placed on a host for a project."""
    own = [called(names, name) for name in _TIMES]
    return (
        *(f"{PROGRAMS}/{name}" for name in own),
        *(f"{_UNITS}/behindy-{name}.{kind}" for name in own for kind in ("service", "timer")),
        _ENGINE,
        called(names, _CRON),
    )


def files(facts: HostFacts, domain: str) -> dict[str, str]:
    """Return what is to be on the host, by path.

    Args:
        domain: the public one, or ``""``: then there are no visitors, and no certificate to be renewed.
    """
    directory = facts.directory[0] if facts.directory else ""
    placed = {f"{PROGRAMS}/{name}": text for name, text in _programs(directory, domain, facts.names)}
    own_names = {name: called(facts.names, name) for name in kept_up(facts.names, domain)}
    if facts.systemd:
        for name, own in own_names.items():
            title, when = _TIMES[name]
            placed[f"{_UNITS}/behindy-{own}.service"] = _service(title, own, facts.user)
            placed[f"{_UNITS}/behindy-{own}.timer"] = _timer(title, when)
        if domain:
            placed[_ENGINE] = _engine()
    elif own_names:
        cron = called(facts.names, _CRON)
        placed[cron] = f"{_HEAD}PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n" + "".join(
            f"{_CRON_TIMES[name]} {facts.user} {PROGRAMS}/{own} >/dev/null 2>&1\n" for name, own in own_names.items()
        )
    return placed


def units(names: Names, domain: str) -> tuple[str, ...]:
    """Return the timers of systemd that are to be on."""
    return tuple(f"behindy-{called(names, name)}.timer" for name in kept_up(names, domain))


def missing(facts: HostFacts, domain: str) -> dict[str, str]:
    """Return of that what is not on the host as it should be."""
    wanted = files(facts, domain)
    return {path: text for path, text in wanted.items() if facts.placed.get(path) != sha256(text.encode()).hexdigest()}


def are_on(facts: HostFacts, domain: str) -> bool:
    """Whether what starts them does: cron needs no more than its file."""
    return not facts.systemd or facts.timers >= {unit.removesuffix(".timer") for unit in units(facts.names, domain)}


def as_stdin(placed: dict[str, str]) -> str:
    """Return files as ``host/setup.sh timers`` reads them."""
    lines = (
        f"{'755' if path.startswith(PROGRAMS) else '644'} {path} {base64.b64encode(text.encode()).decode()}\n"
        for path, text in placed.items()
    )
    return "".join(lines)


def _programs(directory: str, domain: str, names: Names) -> Iterator[tuple[str, str]]:
    state, nginx = f"{directory}/state", names.proxy.container
    issue = script("host/certs_issue", nginx, domain, CERTBOT, "", names.project)
    commands = {"certs": script("timers/certs", state, nginx, domain, str(RENEW_DAYS), *issue)}
    if names.database:
        looked = (*script("db/look"), *script("db/dump"))
        commands["backup"] = script("timers/backup", state, names.database.container, str(KEPT), *looked)
    for name in kept_up(names, domain):
        own = called(names, name)
        yield own, _program(*script("timers/run", state, own, f"{directory}/.env"), *commands[name])


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
