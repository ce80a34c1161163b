"""Who a visitor is to nginx, where a proxy that is trusted stands in front, and where somebody only says so."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from behindy_ops.project import proxies
from tests.sandbox.asking import new_client, statuses
from tests.sandbox.support import inv, on_host
from tests.sandbox.test_preflight import HOME

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("live_services", "trusting")

TRUSTED = "127.200.0.0/16"
PROXY, OTHER_PROXY, STRANGER = "127.200.0.7", "127.200.3.9", "127.7.7.7"
FILE = f"{HOME}/{proxies.FILE}"
LOGIN = "/api/auth/__echo"


def write(text: str) -> None:
    on_host("sh", "-c", 'printf %s "$1" >"$2"', "write", text, FILE, user="ubuntu")


@pytest.fixture(scope="module")
def trusting() -> Iterator[None]:
    """Have nginx trust some of the addresses that clients in its container can have; afterwards it trusts nobody."""
    write(proxies.real_ip((TRUSTED, "cloudflare")))
    inv("ops.nginx", "--reload").ok()
    try:
        yield
    finally:
        on_host("rm", FILE)
        inv("ops.nginx", "--reload").ok()


def visitor() -> str:
    return f"203.0.{random.randrange(256)}.{random.randrange(1, 255)}"  # noqa: S311


def said(*hops: str) -> tuple[str, str]:
    return "-H", f"X-Forwarded-For: {', '.join(hops)}"


@pytest.mark.parametrize(
    ("client", "hops", "address"),
    [
        (STRANGER, ("203.0.113.9",), STRANGER),
        (STRANGER, ("203.0.113.9", PROXY), STRANGER),
        (PROXY, ("203.0.113.9",), "203.0.113.9"),
        (PROXY, ("198.51.100.1", "203.0.113.9"), "203.0.113.9"),
        (PROXY, ("198.51.100.1", "203.0.113.9", OTHER_PROXY), "203.0.113.9"),
        (PROXY, ("2001:db8::7",), "2001:db8::7"),
        (PROXY, ("nonsense",), PROXY),
    ],
)
def test_a_visitor_is_who_a_trusted_proxy_says_and_nobody_else(
    client: str, hops: tuple[str, ...], address: str
) -> None:
    answer = new_client("/__echo", *said(*hops), client=client)
    assert answer.passed_on("X-Real-IP") == answer.passed_on("X-Forwarded-For") == [address]


def test_each_visitor_behind_a_proxy_has_limits_of_his_own_which_other_words_do_not_lift() -> None:
    first, second = visitor(), visitor()
    assert 429 in statuses(LOGIN, 6, *said(first), client=PROXY)
    assert statuses(LOGIN, 1, *said(first), client=OTHER_PROXY) == [429]
    assert statuses(LOGIN, 1, *said(visitor(), first), client=PROXY) == [429]
    assert statuses(LOGIN, 1, *said(second), client=PROXY) == [200]
    alone = f"127.7.{random.randrange(256)}.{random.randrange(1, 255)}"  # noqa: S311
    assert 429 in [statuses(LOGIN, 1, *said(visitor()), client=alone)[0] for _ in range(6)]


def test_whoever_has_a_network_of_ipv6_addresses_is_one_visitor() -> None:
    network = f"2001:db8:{random.randrange(1, 65536):x}"  # noqa: S311
    assert 429 in statuses(LOGIN, 6, *said(f"{network}:1::1"), client=PROXY)
    assert statuses(LOGIN, 1, *said(f"{network}:1:ffff:a:0:2"), client=PROXY) == [429]
    assert statuses(LOGIN, 1, *said(f"{network}:2::1"), client=PROXY) == [200]


def test_the_log_has_the_visitor() -> None:
    address = visitor()
    new_client(f"/__echo/{address}", *said(address), client=PROXY)
    assert f"{address} [" in on_host("docker", "logs", "--tail", "50", "nginx")
