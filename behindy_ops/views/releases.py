"""``deploy.releases``: the releases of a service that can be rolled back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from behindy_ops.checks import files
from behindy_ops.checks.check import Facts
from behindy_ops.facts.release import released_as
from behindy_ops.facts.rollback import previous_release
from behindy_ops.facts.survey import Survey
from behindy_ops.host.session import Session
from behindy_ops.report.layout import Column, sentence, table
from behindy_ops.report.text import Line, Tone
from behindy_ops.views.view import Shown

GONE = "gone"
"""Said of an image that is not on the host and cannot be pulled."""


def show(session: Session, service: str) -> Shown:
    """Return the releases of a service, newest first."""
    survey = session.look()
    facts = Facts(survey=survey, services=tuple(session.services), host_dir=session.settings.host_dir)
    found, unread = listed(survey, service), [check for check in files.releases(facts) if check.subject == service]
    told = [line for check in unread for line in sentence(check.found, Tone.CAREFUL)]
    return Shown([*lines(service, found), *told], {"service": service, "releases": found})


def listed(survey: Survey, service: str) -> list[dict[str, Any]]:
    """Return each release, whether it is live, a plain rollback goes to it, and its image is on the host."""
    live, images = survey.trio(service).live, {image.id for image in survey.images}
    current, previous = released_as(live).id if live else "", previous_release(survey, service)
    return [
        asdict(release)
        | {
            "live": release.id == current,
            "previous": release == previous,
            "on_disk": release.image_id in images,
        }
        for release in survey.released(service)
    ]


def lines(service: str, releases: Sequence[dict[str, Any]]) -> list[Line]:
    """Lay the releases out in 80 columns."""
    if not releases:
        return [Line(f"No release of {service} is remembered on the host.", Tone.CAREFUL)]
    columns = (Column("release", 21), Column("tag", 20), Column("what it is", 22), Column("image"))
    rows = [(each["id"], each["tag"], _what(each), _image(each)) for each in releases]
    sent = sentence(f"{GONE}: it came from no registry. Send it again: inv deploy.{service} --from-local TAG")
    return [
        *table(columns, rows),
        *(sent if any(row[-1] == GONE for row in rows) else ()),
        Line(f"Back to the previous release: inv deploy.rollback {service}"),
        Line("Back to another one: add --to RELEASE, TAG or DIGEST"),
    ]


def _image(release: dict[str, Any]) -> str:
    if release["on_disk"]:
        return "on disk"
    return "not on disk" if release["digest"] else GONE


def _what(release: dict[str, Any]) -> str:
    if release["live"] or release["previous"]:
        return "live" if release["live"] else "previous"
    words = {"failed": "failed, not offered", "candidate": "never proven", "stands": "stood"}
    return words.get(release["status"], "rolled back from")
