"""``host.certs``: a certificate by certbot, through the nginx that runs; the first one and each renewal alike."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.host.command import Command, script
from behindy_ops.provision import certs, files
from behindy_ops.provision.run import UNCHANGED, Confirm
from behindy_ops.report import events

if TYPE_CHECKING:
    from behindy_ops.errors import BehindyError
    from behindy_ops.host.command import Result
    from behindy_ops.host.session import Session

__all__ = ["certify"]


def certify(
    session: Session,
    confirm: Confirm,
    *,
    email: str,
    dry_run: bool,
    wait: float = 0.0,
) -> None:
    """See to it that nginx serves a certificate that holds for at least 30 days.

    :param email: for the account at Let's Encrypt; empty for none.
    :param wait: seconds to queue for the lock.
    :raises Kind.CERTIFICATE_REFUSED: certbot got none; the one before it is still in use.
    """
    domain = session.settings.domain
    names = certs.names_served(files.local(session.project.root), domain)
    why = _due(session, domain, names)
    if not why:
        return
    session.emit(
        events.Plan(f"A certificate is to be had, since {why}:", (shlex.join(_certbot(domain, email, names)),))
    )
    if dry_run:
        session.emit(events.Decision("Only planned; nothing was changed."))
        return
    if not confirm("Ask Let's Encrypt for it, and agree to its terms of service?"):
        session.emit(events.Decision("Nothing was changed."))
        return
    session.lock("host.certs", wait=wait)
    with session.step("certify", f"Get a certificate for {', '.join(names)}") as step:
        argv = script("host/certs_issue", domain, certs.CERTBOT, email, *names)
        command = Command(argv, title="get a certificate", timeout=600, changes=True, on_line=step.progress)
        result = session.host.run(command)
        if not result.ok:
            raise _refusal(result)
    _due(session, domain, names)


def _due(session: Session, domain: str, names: tuple[str, ...]) -> str:
    result = session.host.run(Command(script("host/certs_look", domain), title="look at the certificate"))
    if result.exit_code == 69:
        raise Kind.NGINX_NOT_READY(
            "No nginx runs on the host, and the certificate is had through it.",
            state=UNCHANGED,
            remedy="Start it (with a placeholder certificate, if need be): inv host.up",
        )
    found = certs.parse(result.require().reply())
    why = certs.due(found, names)
    if not why:
        until = f"{datetime.fromtimestamp(found.until, UTC):%Y-%m-%d}"
        session.emit(
            events.Decision(f"The certificate of {domain} holds until {until} ({found.days} days); nothing to do.")
        )
    return why


def _certbot(domain: str, email: str, names: tuple[str, ...]) -> list[str]:
    account = ["--email", email] if email else ["--register-unsafely-without-email"]
    asked = [word for name in names for word in ("-d", name)]
    return ["certbot", "certonly", "--webroot", "-w", "/var/www/certbot", *account, "--cert-name", domain, *asked]


def _refusal(result: Result) -> BehindyError:
    lines = result.last_lines(15)
    if result.exit_code == 67:
        return Kind.HOST_NOT_READY(
            f"The host cannot pull {certs.CERTBOT}.", state=UNCHANGED, remedy="Look at its network.", lines=lines
        )
    if result.exit_code == 71:
        return Kind.CERTIFICATE_REFUSED(
            "The certificate was had, but nginx does not serve it.",
            state="It is in /etc/letsencrypt; nginx serves with the one it had.",
            remedy="On the host: docker logs nginx --tail 50; then run inv host.certs again.",
            lines=lines,
        )
    return Kind.CERTIFICATE_REFUSED(
        f"certbot got no certificate: {result.how()}.",
        state="The certificate before it is still in use.",
        remedy="Does the domain point to this host, and is port 80 open to the world? Then run inv host.certs again.",
        lines=lines,
    )
