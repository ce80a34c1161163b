"""Which key is pinned, after a person or a script has named it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import paramiko
import pytest

from behindy_ops.errors import Kind
from behindy_ops.host.known_hosts import fingerprint
from behindy_ops.project.settings import Settings
from behindy_ops.provision import trust
from behindy_ops.provision.trust import Offer, choose
from tests.kinds import raises

KEYS = (paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate())
OFFER = Offer("host.example", 2222, KEYS, frozenset())


def test_the_preferred_key_or_the_one_that_is_named_is_chosen() -> None:
    assert choose(OFFER, "") is KEYS[0]
    assert choose(OFFER, fingerprint(KEYS[1])) is KEYS[1]


def test_a_fingerprint_the_host_did_not_show_is_refused() -> None:
    with raises(Kind.HOST_KEY_UNKNOWN, match="has no key with the fingerprint"):
        choose(OFFER, "SHA256:other")


def test_a_host_with_another_key_than_the_pinned_one_is_refused() -> None:
    with raises(Kind.HOST_KEY_CHANGED, match="really rebuilt"):
        choose(replace(OFFER, pinned=frozenset({"SHA256:other"})), "")
    known = replace(OFFER, pinned=frozenset({fingerprint(KEYS[1])}))
    assert known.known
    assert choose(known, "") is KEYS[0]


@pytest.mark.parametrize("gateway", [None, "gateway"])
def test_a_host_behind_a_gateway_is_asked_through_it(gateway: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int, object]] = []

    def scan(host: str, port: int, *, sock: object) -> list[paramiko.PKey]:
        asked.append((host, port, sock))
        return [KEYS[0]]

    text = f"[host.example]:2222 {KEYS[1].get_name()} {KEYS[1].get_base64()}"
    connection = SimpleNamespace(
        host="host.example",
        port=2222,
        gateway=gateway,
        open_gateway=lambda: "a channel",
    )
    monkeypatch.setattr(trust, "build", lambda _: connection)
    monkeypatch.setattr("behindy_ops.host.known_hosts.scan", scan)
    offer = trust.look_up(Settings(known_hosts_text=text, known_hosts_file=Path("none")))
    assert asked == [("host.example", 2222, "a channel" if gateway else None)]
    assert (offer.pinned, offer.known) == (frozenset({fingerprint(KEYS[1])}), False)
