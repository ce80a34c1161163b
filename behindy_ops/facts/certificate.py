"""Certificates: the one that nginx serves, as curl tells of it, and files in PEM. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate.

    Attributes:
        where: ``served``, or a file.
        until: when it expires (RFC 3339); ``days`` are left until then, negative once it is over.
    """

    where: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    until: str
    days: float


def read_served(lines: Iterable[str], now: float) -> Certificate | None:
    """Read what ``curl --verbose`` says of the certificate it was shown.

    Args:
        lines: such as ``*  expire date: Jan 15 08:00:00 2027 GMT``.
        now: the host's clock, seconds since the epoch.
    """
    told = dict(line.lstrip("* ").split(": ", 1) for line in lines if ": " in line)
    try:  # OpenSSL puts the day behind the month, GnuTLS before it
        until = parsedate_to_datetime(told.get("expire date", ""))
    except ValueError:
        return None
    return _certificate("served", told.get("subject", ""), told.get("issuer", ""), (), until, now)


def _certificate(
    where: str, subject: str, issuer: str, names: Sequence[str], until: datetime, now: float
) -> Certificate:
    days = round((until.timestamp() - now) / 86400, 1)
    return Certificate(where, subject, issuer, tuple(names), until.isoformat(), days)


def read_files(lines: Sequence[str], now: float) -> Iterable[Certificate]:
    """Read the first certificate of each file; one that cannot be read is left out.

    Args:
        lines: of all files, each after a line ``file <path>``.
        now: the host's clock, seconds since the epoch.
    """
    _, *parts = re.split("^file (.*)\n", "\n".join(lines), flags=re.MULTILINE)
    for path, text in zip(parts[::2], parts[1::2], strict=True):
        if certificate := _parsed(path, text, now):
            yield certificate


def _parsed(path: str, text: str, now: float) -> Certificate | None:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(text.encode("ascii", "replace"))
    except ValueError:
        return None
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = names.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        dns = []
    subject, issuer = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
    return _certificate(path, subject, issuer, dns, certificate.not_valid_after_utc, now)
