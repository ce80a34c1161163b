"""When a certificate is had or renewed. Pure: how it is, and for which names, in; what to do out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from behindy_ops.facts.replies import Reply

__all__ = ["CERTBOT", "RENEW_DAYS", "Certificate", "due", "names_served", "parse"]

CERTBOT = "certbot/certbot:v2.11.0"
RENEW_DAYS = 30
"""Let's Encrypt's certificates hold 90 days; renewing in the last 30 leaves time for what goes wrong."""

DAY = 86400
_SERVER_NAME = re.compile(r"^\s*server_name\s+([^;]+);", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The domain's certificate as nginx finds it; times in seconds since the epoch.

    :param until: when it ends; 0 without one.
    :param placeholder: the one ``host.up`` made, which nobody trusts.
    """

    now: float
    until: float = 0.0
    placeholder: bool = False
    names: frozenset[str] = frozenset()

    @property
    def days(self) -> int:
        """Whole days it still holds."""
        return int((self.until - self.now) // DAY)


def parse(reply: Reply) -> Certificate:
    """Read what ``host/certs_look.sh`` printed."""
    told = reply.values()
    now, until = (float(told.get(word) or 0) for word in ("now", "until"))
    return Certificate(now, until, "placeholder" in told, frozenset(reply.every("name")))


def names_served(files: Mapping[str, bytes], domain: str) -> tuple[str, ...]:
    """Return the names of a domain that nginx's files serve, the domain itself first."""
    found = {domain: None}
    for name, content in sorted(files.items()):
        if name.startswith("nginx/"):
            for group in _SERVER_NAME.findall(content.decode("utf-8", "replace")):
                found |= {word: None for word in group.split() if word.endswith(f".{domain}") and "*" not in word}
    return tuple(found)


def due(certificate: Certificate, names: tuple[str, ...]) -> str:
    """Return why a certificate is to be had now, or ``""`` when the one that is there will do."""
    if not certificate.until:
        return "there is none yet"
    if certificate.placeholder:
        return "there is only the placeholder"
    if missing := [name for name in names if name not in certificate.names]:
        return f"the one there lacks {', '.join(missing)}"
    if certificate.days < RENEW_DAYS:
        return f"it holds {max(certificate.days, 0)} more days"
    return ""
