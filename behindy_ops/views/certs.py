"""``ops.certs``: days left on the certificate nginx serves, and on those that lie ready for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from behindy_ops.checks import certificates
from behindy_ops.checks.check import Served
from behindy_ops.facts.certificate import Certificate, read_files, read_served
from behindy_ops.report.layout import Column, figures, sentence, table
from behindy_ops.report.text import Line, Tone, printable
from behindy_ops.views.view import Seen, View, as_survey, require_docker


@dataclass(frozen=True, slots=True)
class CertsView:
    """All of it."""

    domain: str
    served: Certificate | None
    trusted: bool
    trust_error: str
    files: tuple[Certificate, ...]
    verdict: str
    found: str
    remedy: str


def describe(seen: Seen) -> CertsView:
    """Say how long the certificates last.

    Raises:
        Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    require_docker(as_survey(seen.problems.get("address", "")))
    found, shown, files = judged(seen)
    return CertsView(seen.domain, shown, not found.distrust, found.distrust, files, *_verdict(seen, found))


def judged(seen: Seen) -> tuple[Served, Certificate | None, tuple[Certificate, ...]]:
    """Return what matters of the certificate that nginx serves, the certificate, and those that lie ready."""
    now = float(seen.text("now") or 0)
    shown, files = read_served(seen.lines("served"), now), tuple(read_files(seen.lines("files"), now))
    own = [file.days for file in files if f"/live/{seen.domain}/" in file.where]
    code, *said = seen.lines("trust") or ["code 1"]
    distrust = "" if code == "code 0" else printable((*said, code)[0])
    return (
        Served(shown.days if shown else None, max(own, default=None), distrust, shown.until if shown else ""),
        shown,
        files,
    )


_VERDICTS = {
    certificates.EXPIRED.name: "expired",
    certificates.EXPIRES_SOON.name: "renew soon",
    certificates.NOT_LOADED.name: "not loaded",
    certificates.NOT_TRUSTED.name: "not trusted",
}


def _verdict(seen: Seen, found: Served) -> tuple[str, str, str]:
    """Return the verdict, its sentence, and what to type."""
    if found.days is None:
        state = (seen.lines("address") or ["missing"])[0].split()[0]
        shows = f"nginx shows no certificate ({found.distrust or 'no TLS on 443'})"
        why = shows if state == "running" else f"nginx is {state}"
        return "unknown", f"{why}, so what it would serve was not seen.", "inv ops.nginx"
    (check,) = certificates.served(replace(seen.facts, certificate=found))
    return _VERDICTS[check.problem.name] if check.problem else "ok", check.found, check.remedy


_TONES = {"ok": Tone.GOOD, "renew soon": Tone.CAREFUL, "not loaded": Tone.CAREFUL, "unknown": Tone.CAREFUL}


def lines(view: CertsView) -> list[Line]:
    """Lay the view out in 80 columns."""
    everything = [each for each in (view.served, *view.files) if each]
    columns = [Column("certificate", 48), Column("until", 10), *figures("days left")]
    rows = [(each.where, each.until[:10], f"{each.days:.0f}") for each in everything]
    tones = [
        Tone.BAD if each.days < 0 else Tone.CAREFUL if each.days < certificates.LATE_DAYS else Tone.PLAIN
        for each in everything
    ]
    told = [Line(view.domain, Tone.STRONG), *(table(columns, rows, tones) if rows else [])]
    if view.served:
        told += sentence(f"issued by {view.served.issuer}", Tone.FAINT)
    if not view.files:
        told += sentence("No file under /etc/letsencrypt could be read (nginx reads them as root).", Tone.FAINT)
    told += [Line(""), *sentence(view.found, _TONES.get(view.verdict, Tone.BAD))]
    return [*told, *sentence(view.remedy, Tone.STRONG, "  ")]


VIEW = View(
    "certs",
    describe,
    lines,
    script="ops/certs",
    asks=lambda session: (session.names.proxy.container, session.settings.required_domain("certificates are for one")),
    needs_docker=False,
)
