"""Whose word about a visitor's address is taken."""

from __future__ import annotations

import pytest

from behindy_ops.project.proxies import CLOUDFLARE_NETWORKS, check_trusted_proxies, of_cloudflare, real_ip, split


@pytest.mark.parametrize("value", ["cloudflare", "10.0.0.7", "10.0.0.0/24, 2001:db8::/32", "cloudflare 172.16.0.0/12"])
def test_addresses_networks_and_the_name_are_taken(value: str) -> None:
    assert check_trusted_proxies(value) == ""


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("0.0.0.0/0", "too wide"),
        ("10.0.0.7,::/0", "too wide"),
        ("64.0.0.0/2", "too wide"),
        ("2000::/3", "too wide"),
        ("10.0.0.1/24", "beyond the prefix"),
        ("proxy.example", "not an address"),
        ("Cloudflare", "not an address"),
        ("10.0.0.7; include /etc/passwd", "not an address"),
        ("fe80::1%eth0", "zone"),
        ("1", "not an address"),
    ],
)
def test_what_would_trust_everybody_or_is_no_address_is_refused(value: str, why: str) -> None:
    assert why in check_trusted_proxies(value)


def test_cloudflares_networks_are_taken_by_its_own_header() -> None:
    assert check_trusted_proxies(",".join(CLOUDFLARE_NETWORKS)) == ""
    lines = real_ip(("cloudflare",)).splitlines()
    assert lines[1:-2] == [f"set_real_ip_from {network};" for network in CLOUDFLARE_NETWORKS]
    assert lines[-2:] == ["real_ip_header CF-Connecting-IP;", "real_ip_recursive on;"]


def test_where_other_proxies_are_in_between_the_chain_counts() -> None:
    lines = real_ip(split("10.0.0.0/24, cloudflare, 10.0.0.0/24")).splitlines()
    assert lines[1] == "set_real_ip_from 10.0.0.0/24;"
    assert len(lines) == 1 + 1 + len(CLOUDFLARE_NETWORKS) + 2
    assert lines[-2] == "real_ip_header X-Forwarded-For;"


def test_an_address_of_cloudflares_is_known_as_one() -> None:
    assert of_cloudflare(["104.21.3.4", "198.51.100.1", "2606:4700::1", "2001:db8::1"]) == (
        "104.21.3.4",
        "2606:4700::1",
    )
