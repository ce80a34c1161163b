"""What the world meets: this machine at the public URL, Docker's firewall rules. Pure.

Never more than a warning where this machine may be the one that is cut off.
"""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Level, Problem, Risk, ok
from behindy_ops.facts.curl import outcome
from behindy_ops.facts.outside import NGINX_IS_WELL, REACH_IT, Failure, Sighting

_RULES = "sudo systemctl restart docker"
"""What puts Docker's rules back. Measured: docs/design.md, "Docker's firewall rules"."""

FIREWALL_RULES = Problem(
    "firewall rules",
    "a connection to the host's own address reaches nginx through Docker's proxy: the rules that lead to containers "
    "are gone (a warning where the login may not read them)",
    f"On the host: {_RULES} (the site is down for some 5 s, 2 s with live-restore); likewise after each reload of a "
    "firewall that flushes them.",
    "All users share one address, and with it the limits for one; containers cannot reach the internet; with "
    "`userland-proxy: false` nobody reaches the host.",
    users=True,
)
MISLED = Problem(
    "public name",
    "the host gets no answer at the public URL, twice, while nginx answers well at 127.0.0.1 under the same name",
    REACH_IT,
    "None for users, perhaps: no release can be checked through the public URL.",
)
NOT_REACHED = Risk(
    "not reachable from outside",
    "the host answers itself well at the public URL, and this machine gets no connection",
    "Let ports 80 and 443 in: the provider's firewall (security group), then ufw or firewalld on the host. After a "
    f"flushed firewall, on the host: {_RULES}. If the addresses are not the host's: correct them in DNS.",
    "Users may not reach the site.",
    users=True,
)
NO_NAME = Risk(
    "no public name",
    "the public name does not resolve on this machine",
    "Enter the name in DNS; what the host's /etc/hosts says holds there only.",
    "Users do not find the site.",
    users=True,
)
DISTRUSTED = Risk(
    "not trusted from outside",
    "this machine does not trust the certificate it is shown at the public URL",
    "If nginx shows it: its file has to have the whole chain (fullchain.pem; inv ops.certs, inv host.certs). If not: "
    "it is of a proxy before the host or before this machine, or DNS leads to another server.",
    "Browsers may refuse the site.",
    users=True,
)
OTHERWISE = Risk(
    "answers otherwise from outside",
    "the host answers itself well at the public URL, and this machine gets an error or no answer",
    "See who answers: DNS may lead to another server, and a CDN or firewall before the host may refuse requests.",
    "Users may get that, too.",
    users=True,
)
ELSEWHERE = Risk(
    "public name leads elsewhere",
    "an nginx answers this machine at an address that the name does not have on the host, with a certificate that "
    "expires at another time",
    "If the host has moved: correct its address in DNS.",
    "Users get another server.",
    users=True,
)


def seen(facts: Facts) -> Iterable[Check]:
    """What this machine saw, against what the host saw of itself, which other rules judge."""
    sight = facts.outside
    if sight is None:
        return
    own = next((one for one in facts.upstreams if one.url == sight.url), None)
    expected = {
        status
        for one in facts.services
        if one.asked and sight.url.endswith(one.external)
        for status in one.expect.status
    }
    failed = sight.failure is not None or (sight.status >= 400 and sight.status not in expected)
    if sight.failure is Failure.NOT_ASKED:
        yield ok(_NAME, f"not asked from here: {sight.said}")
    elif sight.closed:
        yield ok(_NAME, f"closed for maintenance: {sight.told}")
    elif own is not None and not facts.well(own.service, own.public) and failed:
        yield ok(_NAME, f"as on the host: {sight.told}")
    elif failed:
        yield _failed(facts, sight)
    elif _another(facts, sight):
        yield ELSEWHERE.check(_NAME, f"Another server answers here: {sight.told}.", evidence=_evidence(facts, sight))
    else:
        yield ok(_NAME, sight.told)


def public_name(facts: Facts) -> Iterable[Check]:
    """Whether the host reaches its own public name, without which no release is ever proven."""
    if facts.survey.misled is not None:
        curl, leads = facts.survey.misled
        found = (
            f"The host does not reach its own public name ({outcome(0, curl)}): it leads to "
            f"{', '.join(leads) or 'nothing'} there, while {NGINX_IS_WELL}."
        )
        yield MISLED.check("public name", found)


_NAME = "seen from outside"


def _failed(facts: Facts, sight: Sighting) -> Check:
    problem, found = {
        Failure.NO_CONNECTION: (NOT_REACHED, f"This machine does not reach {sight.url}: {sight.told}."),
        Failure.NO_NAME: (NO_NAME, f"This machine does not reach {sight.url}: {sight.told}."),
        Failure.NOT_TRUSTED: (DISTRUSTED, f"This machine asks {sight.url}: {sight.told}."),
    }.get(sight.failure or Failure.NO_ANSWER, (OTHERWISE, f"This machine asks {sight.url} and gets {sight.told}."))
    return problem.check(_NAME, found, evidence=_evidence(facts, sight))


def _evidence(facts: Facts, sight: Sighting) -> Iterable[str]:
    if sight.leads:
        yield f"asked here: {', '.join(sight.leads)}"
    if facts.past is not None:
        yield f"on the host the name leads to {', '.join(facts.past.leads) or 'nothing'}"
    if sight.until:
        shown = "" if facts.certificate is None else (" (nginx's own)" if _same(facts, sight) else " (not nginx's own)")
        yield f"certificate shown here: by {sight.issuer}, until {sight.until[:10]}{shown}"


def _same(facts: Facts, sight: Sighting) -> bool:
    return facts.certificate is not None and facts.certificate.until == sight.until


def _another(facts: Facts, sight: Sighting) -> bool:
    """A CDN answers with a certificate of its own as well, and is meant to; it seldom calls itself nginx."""
    if facts.past is None or facts.certificate is None or not sight.until or sight.met in facts.past.leads:
        return False
    return bool(facts.certificate.until) and not _same(facts, sight) and sight.server.startswith("nginx")


def firewall(facts: Facts) -> Iterable[Check]:
    """Docker's rules, as a connection on the host shows them."""
    if facts.rules == "gone":
        yield FIREWALL_RULES.check("firewall", "Docker's rules are gone: a firewall was flushed or reloaded after it.")
    elif facts.rules == "passed":
        found = "Connections reach nginx through Docker's proxy only: its firewall rules seem to have been flushed."
        yield FIREWALL_RULES.check("firewall", found, level=Level.WARNING)
