"""``ops.certs``: days left on the certificate nginx serves, and on those that lie ready for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from behindy_ops.report.layout import Column, sentence, table
from behindy_ops.report.text import Line, Tone, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from behindy_ops.views.look import Seen

__all__ = ["SOON", "Certificate", "CertsView", "describe", "lines"]

SOON = 21
"""Days left from which it is time: certbot renews at 30, so by then it has failed for more than a week."""

_FORMATS = ("%b %d %H:%M:%S %Y %Z", "%a, %d %b %Y %H:%M:%S %Z")
"""How curl writes a date: with OpenSSL, with GnuTLS."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate.

    :param where: ``served``, or a file.
    :param until: when it expires (RFC 3339); ``days`` are left until then, negative once it is over.
    """

    where: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    until: str
    days: float


@dataclass(frozen=True, slots=True)
class CertsView:
    """All of it.

    :param served: the certificate nginx serves; None if it serves none.
    :param believed: whether the host believes it; ``doubt`` is why not.
    :param verdict: ``ok``, ``renew soon``, ``expired``, ``not loaded`` (a newer one lies ready), ``not believed`` or
        ``unknown``.
    :param found: the verdict with its figure; ``remedy`` is what to type.
    """

    domain: str
    served: Certificate | None
    believed: bool
    doubt: str
    files: tuple[Certificate, ...]
    verdict: str
    found: str
    remedy: str


def describe(seen: Seen, domain: str) -> CertsView:
    """Say how long the certificates last."""
    now = float((seen.lines("now") or ["0"])[0])
    served = _served(seen.lines("served"), now)
    trust = seen.lines("trust") or ["code 1"]
    believed = trust[0] == "code 0"
    doubt = "" if believed else printable(trust[1] if len(trust) > 1 else trust[0])
    files = tuple(_files(seen.lines("files"), now))
    state = (seen.lines("address") or ["missing"])[0].split()[0]
    verdict, found, remedy = _judge(domain, served, files, doubt, state)
    return CertsView(domain, served, believed, doubt, files, verdict, found, remedy)


def _served(lines: Iterable[str], now: float) -> Certificate | None:
    told = dict(line.lstrip("* ").split(": ", 1) for line in lines if ": " in line)
    until = _date(told.get("expire date", ""))
    if until is None:
        return None
    return _certificate("served", told.get("subject", ""), told.get("issuer", ""), (), until, now)


def _date(text: str) -> datetime | None:
    for form in _FORMATS:
        try:
            return datetime.strptime(" ".join(text.split()), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _certificate(
    where: str, subject: str, issuer: str, names: Sequence[str], until: datetime, now: float
) -> Certificate:
    days = round((until.timestamp() - now) / 86400, 1)
    return Certificate(where, printable(subject), printable(issuer), tuple(names), until.isoformat(), days)


def _files(lines: Sequence[str], now: float) -> Iterable[Certificate]:
    """The first certificate of each file; one that cannot be read is passed over."""
    path, text = "", ""
    for line in [*lines, "file "]:
        if not line.startswith("file "):
            text += f"{line}\n"
            continue
        if path and (found := _parsed(path, text, now)):
            yield found
        path, text = line.removeprefix("file "), ""


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


def _judge(
    domain: str, served: Certificate | None, files: Sequence[Certificate], doubt: str, state: str
) -> tuple[str, str, str]:
    renew = "On the host: sudo certbot renew --webroot -w /var/www/certbot; then: inv ops.nginx --reload"
    if served is None:
        why = f"nginx is {state}" if state != "running" else f"nginx shows no certificate ({doubt or 'no TLS on 443'})"
        return "unknown", f"{why}, so what it would serve was not seen.", "inv ops.nginx"
    left = _left(served.days)
    own = [one for one in files if f"/live/{domain}/" in one.where]
    if any(one.days - served.days > 1 for one in own):
        ready = f"a newer one lies ready ({_left(max(one.days for one in own))})"
        return "not loaded", f"nginx serves a certificate with {left}; {ready}.", "inv ops.nginx --reload"
    if served.days < 0:
        return "expired", f"The certificate nginx serves {left}: browsers refuse the site.", renew
    if served.days < SOON:
        return "renew soon", f"The certificate nginx serves has {left}; it should have been renewed.", renew
    if doubt:
        return (
            "not believed",
            f"The host does not believe the certificate: {doubt}",
            "inv ops.nginx; see its issuer above",
        )
    return "ok", f"The certificate nginx serves has {left}.", ""


def _left(days: float) -> str:
    return f"expired {-days:.0f} days ago" if days < 0 else f"{days:.0f} days left"


_TONES = {"ok": Tone.GOOD, "renew soon": Tone.CAREFUL, "not loaded": Tone.CAREFUL, "unknown": Tone.CAREFUL}


def lines(view: CertsView) -> list[Line]:
    """The view in 80 columns."""
    everything = [*([view.served] if view.served else []), *view.files]
    columns = (Column("certificate", 48), Column("until", 10), Column("days left", right=True))
    rows = [(one.where, one.until[:10], f"{one.days:.0f}") for one in everything]
    tones = [Tone.BAD if one.days < 0 else Tone.CAREFUL if one.days < SOON else Tone.PLAIN for one in everything]
    told = [Line(view.domain, Tone.STRONG), *(table(columns, rows, tones) if rows else [])]
    if view.served:
        told += sentence(f"issued by {view.served.issuer}", Tone.FAINT)
    if not view.files:
        told += sentence("No file under /etc/letsencrypt could be read (nginx reads them as root).", Tone.FAINT)
    told += [Line(""), *sentence(view.found, _TONES.get(view.verdict, Tone.BAD))]
    return [*told, *sentence(view.remedy, Tone.STRONG, "  ")] if view.remedy else told
