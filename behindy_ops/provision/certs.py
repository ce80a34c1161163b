"""``host.certs``: a certificate by certbot, through the nginx that is running; the first one and each renewal alike.

Why nginx starts with a placeholder: docs/design.md, "Certificates".
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Mapping

from behindy_ops.checks.certificates import RENEW_DAYS
from behindy_ops.errors import UNCHANGED
from behindy_ops.facts.certificate import Certificate, read_files
from behindy_ops.facts.replies import Reply
from behindy_ops.host.change import Confirm, agree
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.project.compose import X_NGINX
from behindy_ops.project.domains import move
from behindy_ops.project.routes import declared
from behindy_ops.provision.recipes import CERTBOT
from behindy_ops.provision.sync import files_for
from behindy_ops.report import events

PLACEHOLDER = "behindy-ops placeholder"
"""What issued the certificate that ``host.up`` creates."""

_SERVER_NAME = re.compile(r"^\s*server_name\s+([^;]+);", re.MULTILINE)


def parse(reply: Reply) -> Certificate | None:
    """Read the domain's certificate as nginx finds it, from what ``host/certs_look.sh`` printed."""
    values = reply.values()
    lines = base64.b64decode(values["certificate"]).decode("ascii", "replace").splitlines()
    return next(iter(read_files(["file it", *lines], float(values["now"]))), None)


def loaded(reply: Reply) -> bool:
    """Return whether nginx serves the certificate that it finds; as far as ``host/certs_look.sh`` could tell."""
    return reply.values().get("loaded") != "no"


def names_served(files: Mapping[str, bytes], domain: str) -> tuple[str, ...]:
    """Return the names of a domain that nginx's files serve, the domain itself first."""
    names = {domain: None}
    for path, content in sorted(files.items()):
        if path.startswith("nginx/"):
            for group in _SERVER_NAME.findall(content.decode("utf-8", "replace")):
                names |= {word: None for word in group.split() if word.endswith(f".{domain}") and "*" not in word}
    return tuple(names)


def due(certificate: Certificate | None, names: tuple[str, ...]) -> str:
    """Return why a new certificate is needed now, or ``""`` if the one in use will do."""
    if certificate is None:
        return "none exists yet"
    if PLACEHOLDER in certificate.issuer:
        return "there is only the placeholder"
    if missing := [name for name in names if name not in certificate.names]:
        return f"the one in use lacks {', '.join(missing)}"
    if certificate.days < RENEW_DAYS:
        return f"the one in use has {max(int(certificate.days), 0)} days left"
    return ""


def certify(session: Session, confirm: Confirm, *, email: str, dry_run: bool, wait: float = 0.0) -> None:
    """Make sure that nginx serves a certificate with at least 30 days left.

    Args:
        email: for the account at Let's Encrypt; empty for none.
        dry_run: say why one is needed, and how it would be obtained.
        wait: seconds to queue for the lock.

    Raises:
        Kind.CERTIFICATE_REFUSED: certbot got none; the previous one is still in use.
    """
    domain = session.settings.required_domain("certificates are for one")
    served = names_served(files_for(session.project, session.settings), domain)
    names = tuple(dict.fromkeys((*served, *_declared(session))))
    seen = _look(session)
    current = parse(seen)
    reason = due(current, names)
    if current and not reason:
        if loaded(seen):
            _tell(session, current, "; nothing to do")
        elif _load(session, confirm, dry_run=dry_run, wait=wait):
            _tell(session, current)
        return
    title = f"A new certificate is needed: {reason}."
    session.emit(events.Plan(title, (shlex.join(_certbot(domain, email, names)),)))
    if dry_run:
        session.emit(events.Decision(UNCHANGED))
        return
    question = "Request it from Let's Encrypt, and agree to its terms of service?"
    if not agree(
        session,
        "host.certs",
        reason,
        lambda _: due(parse(_look(session)), names),
        confirm,
        question=question,
        wait=wait,
    ):
        return
    with session.step("certify", f"Obtain a certificate for {', '.join(names)}") as step:
        argv = script(
            "host/certs_issue", session.names.proxy.container, domain, CERTBOT, email, session.names.project, *names
        )
        command = Command(argv, title="obtain a certificate", timeout=600, changes=True, on_line=step.progress)
        session.host.run(command).require(image=CERTBOT)
    if current := parse(_look(session)):
        _tell(session, current)


def _declared(session: Session) -> tuple[str, ...]:
    """Every public name in the compose file, if it declares any, as it is called in this environment."""
    compose = session.project.compose
    if X_NGINX not in compose.top:
        return ()
    names, moved = declared(compose).names, move(session.project, session.settings)
    return moved.names(names) if moved else names


def _load(session: Session, confirm: Confirm, *, dry_run: bool, wait: float) -> bool:
    """Have nginx load the certificate that it finds, after a yes; return whether it was done."""
    title = "Reload nginx, which still serves an earlier certificate (kept-alive connections are closed once)"
    session.emit(events.Plan("A valid certificate is on the host, but nginx has not loaded it.", (title,)))
    if dry_run:
        session.emit(events.Decision(UNCHANGED))
        return False
    asked = agree(
        session,
        "host.certs",
        False,
        lambda _: loaded(_look(session)),
        confirm,
        question="Reload nginx?",
        wait=wait,
    )
    if asked is None:
        return False
    with session.step("load", "Reload nginx"):
        argv = script("ops/reload", session.names.proxy.container)
        session.host.run(Command(argv, title="reload nginx", timeout=60, changes=True)).require()
    return True


def _look(session: Session) -> Reply:
    argv = script("host/certs_look", session.names.proxy.container, session.settings.domain)
    return session.host.run(Command(argv, title="inspect the certificate")).require().reply()


def _tell(session: Session, certificate: Certificate, then: str = "") -> None:
    until, days = certificate.until[:10], int(certificate.days)
    text = f"The certificate of {session.settings.domain} is valid until {until} ({days} days left){then}."
    session.emit(events.Decision(text))


def _certbot(domain: str, email: str, names: tuple[str, ...]) -> list[str]:
    account = ["--email", email] if email else ["--register-unsafely-without-email"]
    asked = [word for name in names for word in ("-d", name)]
    return ["certbot", "certonly", "--webroot", "-w", "/var/www/certbot", *account, "--cert-name", domain, *asked]
