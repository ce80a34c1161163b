"""Whether nginx can tell visitors apart, as far as a host knows: where the domain leads, and nginx's own addresses."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from behindy_ops.facts.replies import Reply


@dataclass(frozen=True, slots=True)
class Visitors:
    """What decides it.

    Attributes:
        leads: addresses that the domain leads to, as the host finds them; without those of the host's own loopback,
            which stand in a file there and say nothing of what the world sees.
        ipv6: nginx's container has a global IPv6 address, so that who comes by IPv6 reaches it as himself.
        lacks: what the engine lacks for that: firewall ``rules`` for IPv6; or a ``restart``, to load the setting.
    """

    leads: tuple[str, ...] = ()
    ipv6: bool = False
    lacks: str = ""

    @property
    def leads_by_ipv6(self) -> tuple[str, ...]:
        return tuple(address for address in self.leads if ":" in address)


def parse(reply: Reply) -> Visitors:
    """Read what ``lib/visitors.sh`` printed."""
    leads = [address for address in reply.every("leads", "visitors") if not ip_address(address).is_loopback]
    lacks = "".join(reply.every("lacks", "visitors"))
    return Visitors(tuple(leads), ipv6=bool(reply.every("ipv6", "visitors")), lacks=lacks)
