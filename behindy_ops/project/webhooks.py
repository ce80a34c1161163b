"""Who is told how a deploy ended: webhooks, whose addresses are secrets, since whoever has one can write there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from behindy_ops.project.secret import Secret
from behindy_ops.project.validate import check_port

NONE: Final = "none"
"""Nobody is told."""

FAILURES: Final = "failures"
"""Told is what went wrong, or was left by a run that could not tell."""
CHANGES: Final = "changes"
"""Also what went well and has changed something."""
EVERYTHING: Final = "everything"
"""Also what has changed nothing."""

_ADDRESS: Final = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]+))?(/[!-~]*)?")
_SLACK: Final = ("hooks.slack.com", "hooks.slack-gov.com")
_DISCORD: Final = ("discord.com", "discordapp.com")


@dataclass(frozen=True, slots=True)
class Webhook:
    """One that is told.

    Attributes:
        kind: what it reads: ``slack``, ``discord``, or ``json`` for our own.
        here: it listens on this machine.
    """

    url: Secret
    kind: str
    here: bool = False


def addresses(value: str) -> tuple[str, ...]:
    """Return the addresses of a setting, between which are blanks, ends of lines, or commas."""
    found = (part.rstrip(",") for part in re.split(r"\s+|,\s*(?=https?://)", value.strip()))
    return tuple(part for part in found if part and value.strip() != NONE)


def check_webhooks(value: str) -> str:
    """Addresses of webhooks, or ``none``. They are secret: no message repeats any of them."""
    for number, address in enumerate(found := addresses(value), 1):
        if wrong := _wrong(address):
            return f"{f'address {number}: ' if len(found) > 1 else ''}{wrong}"
    return ""


def _wrong(address: str) -> str:
    match = _ADDRESS.fullmatch(address)
    if match is None or "#" in address or (match[3] and check_port(match[3])):
        return "this is not the address of a webhook; paste it as it is given, such as https://hooks.slack.com/services/..."
    if match[1] == "http" and not _is_here(match[2]):
        return "it starts with http://, by which anybody on the way could read it; use https://"
    return ""


def webhook(url: Secret, otherwise: str) -> Webhook:
    """Return what an address leads to.

    Args:
        otherwise: its kind, where the address does not tell.
    """
    match = _ADDRESS.fullmatch(url.reveal())
    host, path = (match[2].lower(), match[4] or "") if match else ("", "")
    return Webhook(url, _kind(host, path) or otherwise or "json", _is_here(host))


def _kind(host: str, path: str) -> str:
    if host in _SLACK:
        return "slack"
    if host.endswith(tuple(f".{name}" for name in _DISCORD)) or host in _DISCORD:
        return "slack" if path.rstrip("/").endswith("/slack") else "discord"  # Discord reads Slack's form there
    return ""


def _is_here(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
