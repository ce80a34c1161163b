"""``deploy.releases``: the releases of a service that can be rolled back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from behindy_ops.facts.rollback import Offered, offered
from behindy_ops.host.session import Session
from behindy_ops.report.layout import Column, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.view import Shown


def show(session: Session, service: str) -> Shown:
    """Return the releases of a service, newest first."""
    releases = offered(session.look(), service)
    flat = [
        asdict(each.release) | {"live": each.live, "previous": each.previous, "on_disk": each.on_disk}
        for each in releases
    ]
    return Shown(lines(service, releases), {"service": service, "releases": flat})


def lines(service: str, releases: Sequence[Offered]) -> list[Line]:
    """Lay the releases out in 80 columns."""
    if not releases:
        return [Line(f"No release of {service} is remembered on the host.", Tone.CAREFUL)]
    columns = (Column("release", 21), Column("tag", 20), Column("what it is", 22), Column("image"))
    rows = [
        (each.release.id, each.release.tag, _what(each), "on disk" if each.on_disk else "not on disk")
        for each in releases
    ]
    return [
        *table(columns, rows),
        Line(f"Back to the previous release: inv deploy.rollback {service}"),
        Line("Back to another one: add --to RELEASE, TAG or DIGEST"),
    ]


def _what(release: Offered) -> str:
    if release.live:
        return "live"
    if release.previous:
        return "previous"
    return {"failed": "failed, not offered", "candidate": "never proven", "stands": "stood"}.get(
        release.release.status, "rolled back from"
    )
