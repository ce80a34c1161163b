"""Proxies in front of nginx: whose word about a visitor's address is taken, and how nginx is told. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Final

from behindy_ops.project.validate import shown

CLOUDFLARE: Final = "cloudflare"
"""The name that stands for all of :data:`CLOUDFLARE_NETWORKS`."""

CLOUDFLARE_NETWORKS: Final = (
    "173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18", "108.162.192.0/18",
    "190.93.240.0/20", "188.114.96.0/20", "197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13",
    "104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22",
    "2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32", "2405:8100::/32", "2a06:98c0::/29",
    "2c0f:f248::/32",
)  # fmt: skip
"""What Cloudflare publishes at https://www.cloudflare.com/ips-v4 and /ips-v6 (it seldom changes): to refresh it, write
here what these say, then ``inv host.sync``."""

FILE: Final = "nginx/real_ip.conf"
"""Where nginx finds it on the host; ``host.sync`` writes it, and nginx does without it."""

_WIDEST: Final = {4: 8, 6: 16}
"""The shortest prefix of a network that may be a proxy's; one that holds all addresses would trust everybody."""


def split(value: str) -> tuple[str, ...]:
    """Return the words of the setting."""
    return tuple(re.findall(r"[^\s,]+", value))


def check_trusted_proxies(value: str) -> str:
    """Return what is wrong with the setting, or ``""``: addresses, networks and names, between commas or spaces."""
    for word in split(value):
        if word == CLOUDFLARE:
            continue
        try:
            network = ipaddress.ip_network(word)
        except ValueError as error:
            bits = " (its address has bits beyond the prefix)" if "host bits" in str(error) else ""
            return f"{shown(word)} is not an address or network{bits}; write one such as 10.0.0.0/24, or {CLOUDFLARE}"
        if "%" in word:
            return f"{shown(word)} has a zone; write the address alone"
        if network.prefixlen < _WIDEST[network.version]:
            return f"{shown(word)} is too wide to be a proxy's: everybody in it could pretend to be any visitor"
    return ""


def real_ip(proxies: Sequence[str]) -> str:
    """Return nginx's configuration that takes the visitor's address from what these proxies say, and from no others."""
    networks = [network for word in proxies for network in (CLOUDFLARE_NETWORKS if word == CLOUDFLARE else (word,))]
    header = "CF-Connecting-IP" if set(proxies) == {CLOUDFLARE} else "X-Forwarded-For"
    trusted = "".join(f"set_real_ip_from {network};\n" for network in dict.fromkeys(networks))
    return (
        "# Written by inv host.sync from BEHINDY_TRUSTED_PROXIES: whose word about a visitor's address is taken.\n"
        f"{trusted}real_ip_header {header};\nreal_ip_recursive on;\n"
    )


def of_cloudflare(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return those of the addresses that are Cloudflare's."""
    networks = [ipaddress.ip_network(network) for network in CLOUDFLARE_NETWORKS]
    return tuple(
        address for address in addresses if any(ipaddress.ip_address(address) in network for network in networks)
    )
