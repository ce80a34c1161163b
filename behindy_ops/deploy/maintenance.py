"""``deploy.maintenance``: a service is closed to visitors, or opened again; no container is touched.

How nginx knows, without a reload: docs/design.md, "Maintenance".
"""

from __future__ import annotations

from pathlib import Path

from behindy_ops.checks.preflight import docker_problem
from behindy_ops.deploy import history
from behindy_ops.deploy.check import require_own
from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.facts.maintenance import Closed
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service
from behindy_ops.report.events import Decision

MOST = 256_000
"""Bytes that a page may have: it has to carry its style and pictures itself, since the service is closed."""

PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Under maintenance</title>
<body style="font: 1.1em/1.5 system-ui, sans-serif; max-width: 32em; margin: 15vh auto; padding: 0 1em">
<h1>Under maintenance</h1>
<p>We are working on this and will be back soon. Please try again in a few minutes.</p>
</body>
</html>
"""


def read_page(file: str) -> bytes:
    """Return a page for visitors, ours if no file is named.

    Raises:
        Kind.USAGE: it cannot be read, is empty, too large, or no text.
    """
    if not file:
        return PAGE
    wrong = ""
    try:
        with Path(file).expanduser().open("rb") as opened:
            page = opened.read(MOST + 1)
        page.decode("utf-8")
    except OSError as error:
        wrong = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        wrong = "it is not UTF-8 text"
    else:
        if len(page) > MOST:
            wrong = f"it has more than {MOST // 1000} kB"
        elif not page.strip():
            wrong = "it is empty"
    if wrong:
        raise Kind.USAGE(f"--page {file}: {wrong}.", state=UNCHANGED, remedy="Name an HTML file that needs no other.")
    return page


def close(session: Session, service: Service, page: bytes, *, wait: float = 0.0) -> None:
    """Have visitors of a service get the page with 503; if it is closed already, they get another page.

    Args:
        wait: seconds to queue for the lock.

    Raises:
        LockHeld: somebody else is changing the host.
        Kind.NGINX_NOT_READY: nginx does not run, or has loaded files that do not know of maintenance.
    """
    before = _locked(session, service, "on", wait)
    at = session.host_now()
    closed = Closed(before.since if before else at.isoformat(timespec="seconds"), session.who)
    _tell_nginx(session, service, "on", f"{closed.written()}\n".encode() + page)
    still, opened = "still " if before else "", f"Open it again: inv deploy.maintenance {service.name} --off"
    told = f"{service.name} is {still}in maintenance: visitors get 503, connections that are open go on. {opened}"
    session.emit(Decision(told))


def open_again(session: Session, service: Service, *, wait: float = 0.0) -> None:
    """Let visitors reach a service again; arguments and errors are those of :func:`close`."""
    before = _locked(session, service, "off", wait)
    if before is None:
        session.emit(Decision(f"{service.name} is not in maintenance; nothing to do."))
        return
    _tell_nginx(session, service, "off", b"")
    session.emit(Decision(f"{service.name} is open to visitors again; it was in maintenance {before.described()}."))


def _locked(session: Session, service: Service, wanted: str, wait: float) -> Closed | None:
    survey = session.lock(f"maintenance of {service.name} ({wanted})", wait=wait)
    if (problem := docker_problem(survey)) is not None:
        raise problem
    require_own(survey, service)
    return survey.maintenance.get(service.name)


def _tell_nginx(session: Session, service: Service, wanted: str, more: bytes) -> None:
    chosen, who = session.settings.environment, session.who
    line = history.maintained(service.name, wanted, at=session.host_now(), who=who, environment=chosen)
    nginx = session.names.proxy.container
    words = (session.settings.host_dir, service.name, wanted, nginx, session.paths.history, str(history.ROTATED_AT))
    title = f"{'close' if wanted == 'on' else 'open'} {service.name} {'to' if wanted == 'on' else 'for'} visitors"
    command = Command(
        script("deploy/maintenance", *words), title=title, timeout=120, stdin=f"{line}\n".encode() + more, changes=True
    )
    with session.step("maintenance", f"{title[0].upper()}{title[1:]}"):
        session.host.run(command).require(
            state="See how it is: inv deploy.status", remedy="Try again.", name=service.name
        )
