"""Can nginx tell visitors apart? Where it cannot, all of them share one visitor's limits. Pure.

Where the domain leads elsewhere than to the host says nothing by itself: a host behind NAT does not know its own public
address. So only what is certain is told.
"""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Risk, ok
from behindy_ops.project import proxies

BEHIND_A_CDN = Risk(
    "visitors hidden by a CDN",
    f"the domain leads to Cloudflare, and {proxies.FILE} is not on the host",
    f"Set BEHINDY_TRUSTED_PROXIES={proxies.CLOUDFLARE} here, then: inv host.sync",
    "All visitors count as one: they share 5 logins a minute (429).",
    helps="",
)
BY_IPV6 = Risk(
    "visitors hidden by IPv6",
    "the domain has an IPv6 address (AAAA record); nginx's container has none, or the engine no firewall rules for it",
    "Set BEHINDY_IPV6=yes here, then run inv host.setup, inv host.sync, inv host.up. Or take the AAAA record away",
    "All who come by IPv6 count as one: they share 5 logins a minute (429).",
    helps="",
)


def visitors(facts: Facts) -> Iterable[Check]:
    """Whether each visitor reaches nginx with an address of his own."""
    seen = facts.visitors
    if not seen.leads or facts.names.shared:  # another project's nginx is told of its visitors there
        return
    if behind := proxies.of_cloudflare(seen.leads):
        if proxies.FILE in facts.survey.files:
            yield ok("visitors", "come through a CDN, which nginx trusts", facts.nginx)
        else:
            found = f"The domain leads to Cloudflare ({behind[0]}), so nginx takes all visitors for Cloudflare."
            yield BEHIND_A_CDN.check("visitors", found, subject=facts.nginx)
    elif seen.leads_by_ipv6 and (not seen.ipv6 or seen.lacks == "rules"):
        address = seen.leads_by_ipv6[0]
        found = f"The domain leads to {address}, too, and Docker hands IPv6 visitors to nginx under its own address."
        yield BY_IPV6.check("visitors", found, subject=facts.nginx)
    else:
        yield ok("visitors", "reach nginx with addresses of their own", facts.nginx)
