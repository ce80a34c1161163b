"""Which key is pinned, after a person or a script has named it."""

from __future__ import annotations

from dataclasses import replace

import paramiko

from behindy_ops.errors import Kind
from behindy_ops.host.known_hosts import fingerprint
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
