"""The domain's certificate. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Problem, Risk, ok

RENEW_DAYS = 30
"""Let's Encrypt's certificates are valid for 90 days; renewing in the last 30 leaves time for what goes wrong."""

LATE_DAYS = 21
"""By then the host's own timer has tried in vain for nine days."""

NO_CERTIFICATE = Risk(
    "certificate missing",
    "there is none for the domain, or nginx serves none",
    "Get one: inv host.certs (after inv host.up)",
    "Browsers refuse the site.",
    users=True,
)
EXPIRED = Problem(
    "certificate expired", "its last day is over", "Get one: inv host.certs", "Browsers refuse the site.", users=True
)
EXPIRES_SOON = Risk(
    "certificate expires soon",
    f"less than {LATE_DAYS} days left (the host renews it from {RENEW_DAYS} on)",
    "Renew it: inv host.certs",
    "None yet.",
)
NOT_LOADED = Risk(
    "certificate not loaded",
    "a file of the domain is valid more than a day longer than what nginx serves",
    "inv ops.nginx --reload",
    "Browsers refuse the site once the old one has expired.",
)
NOT_TRUSTED = Problem(
    "certificate not trusted",
    "the host itself does not trust what nginx serves",
    "See its issuer: inv ops.certs. Get one that is trusted: inv host.certs",
    "Browsers refuse the site.",
    users=True,
    helps="inv host.certs",
)


def installed(facts: Facts) -> Iterable[Check]:
    """Whether the domain has a certificate at all, as far as the login may look."""
    if not facts.domain:
        return
    if facts.machine.certificate:
        yield ok("certificate", "there")
    elif facts.machine.root:
        yield NO_CERTIFICATE.check("certificate", "There is none yet.")


def served(facts: Facts) -> Iterable[Check]:
    """The one that nginx serves."""
    found = facts.certificate
    if found is None:
        return
    if found.days is None:
        yield NO_CERTIFICATE.check("certificate", "nginx serves no certificate.", subject=facts.nginx)
        return
    days = f"{abs(found.days):.0f} day{'' if 0.5 < abs(found.days) < 1.5 else 's'}"
    left = f"expired {days} ago" if found.days < 0 else f"has {days} left"
    says = f"The certificate nginx serves {left}"
    if found.ready is not None and found.ready - found.days > 1:
        ready = f"{says}; a newer one lies ready ({found.ready:.0f} days left)."
        yield NOT_LOADED.check("certificate", ready, subject=facts.nginx)
    elif found.days < 0:
        yield EXPIRED.check("certificate", f"{says}: browsers refuse the site.", subject=facts.nginx)
    elif found.days < LATE_DAYS:
        yield EXPIRES_SOON.check("certificate", f"{says}: it is time to renew it.", subject=facts.nginx)
    elif found.distrust:
        text = f"The host does not trust the certificate nginx serves: {found.distrust}"
        yield NOT_TRUSTED.check("certificate", text, subject=facts.nginx)
    else:
        yield ok("certificate", f"{says}.", facts.nginx)
