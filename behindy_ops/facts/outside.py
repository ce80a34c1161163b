"""The public name, seen by this machine, and on the host, where nginx is asked past the name as well. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from behindy_ops.facts.curl import outcome

NGINX_IS_WELL = "nginx answers well at 127.0.0.1"

REACH_IT = (
    "Lead the name to this host in DNS or in /etc/hosts on the host, or have the host ask itself: "
    "BEHINDY_PUBLIC_ADDRESS=127.0.0.1 (.env.example)."
)
"""What helps where the host cannot reach its own public name, or a proxy before it drops headers."""


def plain_text(text: str) -> str:
    """Return the beginning of what a stranger says of itself, without control characters."""
    return "".join(letter for letter in text if letter.isprintable())[:80]


class Failure(Enum):
    """Why there was no answer."""

    NOT_ASKED = "not asked"
    NO_NAME = "the name does not resolve"
    NO_CONNECTION = "no connection"
    NOT_TRUSTED = "the certificate is not trusted"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What this machine saw at the public URL.

    Attributes:
        leads: the addresses it asked, one or more: those the name has here.
        met: the one that answered, or was asked last.
        status: of HTTP, 0 without an answer; then ``failure`` is why, and ``said`` that in words.
        server: what it calls itself.
        closed: our nginx says that the service is closed for maintenance.
        until: when the certificate that was shown expires (RFC 3339), and who issued it; empty where none was.
    """

    url: str
    leads: tuple[str, ...] = ()
    met: str = ""
    status: int = 0
    server: str = ""
    until: str = ""
    issuer: str = ""
    failure: Failure | None = None
    said: str = ""
    closed: bool = False

    @property
    def told(self) -> str:
        """``HTTP 200 from 203.0.113.9 (nginx)``, or why there was no answer."""
        if self.failure is not None:
            return f"{self.said or self.failure.value}{f' at {self.met}' if self.met else ''}"
        return f"{outcome(self.status, 0)} from {self.met}{f' ({self.server})' if self.server else ''}"


def elsewhere(leads: Sequence[str]) -> bool:
    """Return whether a name leads past this host's loopback, or nowhere; else it is only slow to answer."""
    return not leads or not all(address == "::1" or address.startswith("127.") for address in leads)


@dataclass(frozen=True, slots=True)
class Past:
    """What the host saw of its public name.

    Attributes:
        leads: the addresses that the name has there.
        status: what nginx answers at 127.0.0.1 under that name; 0 for nothing.
    """

    leads: tuple[str, ...] = ()
    status: int = 0

    @property
    def misled(self) -> bool:
        """Whether nginx is well past a name that leads elsewhere."""
        return 200 <= self.status < 400 and elsewhere(self.leads)


def misled(told: Mapping[str, str], *, candidate: bool) -> str:
    """Return how the public name fails on a host whose nginx does well past it; empty if that is not so, or not known.

    Args:
        told: what ``deploy/look_outside.sh`` says of a look that did not meet nginx: ``met``, ``leads`` and ``near``.
        candidate: it was a rehearsal, so to do well is to ask the candidate.
    """
    status, _, asked = (told.get("near", "").split() or ["0", "", ""])[:3]
    if not asked.endswith("-green") if candidate else not 200 <= int(status) < 400:
        return ""
    if not elsewhere(told.get("leads", "").split()):
        return ""
    code, curl = told["look"].split()[:2]
    answer = outcome(int(code), int(curl))
    leads = f"the name leads to {', '.join(told.get('leads', '').split()) or 'nothing'} on the host"
    address, _, server = told.get("met", "").partition(" ")
    if not answer.startswith("HTTP"):
        return f"{answer}: {leads}, while {NGINX_IS_WELL}"
    who = f"{address}{f' ({plain_text(server)})' if server else ''}"
    return (
        f"{answer} by {who}, which is another server, or drops the rehearsal's header: {leads}, while {NGINX_IS_WELL}"
    )
