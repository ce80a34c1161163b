"""Which key is pinned, after a person or a script has named it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest

from behindy_ops.errors import Kind
from behindy_ops.host.known_hosts import fingerprint
from behindy_ops.host.ssh_config import SshConfig
from behindy_ops.project.settings import Settings
from behindy_ops.provision import trust
from behindy_ops.provision.trust import Offer, choose
from tests.kinds import raises

KEYS = (paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate())
OFFER = Offer("[host.example]:2222", Path("known"), KEYS, frozenset())


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


ROUTE = (
    SshConfig("jump", "jump.example", 22, "kim"),
    SshConfig("it", "host.example", 2222, "kim", host_key_alias="alias", known_hosts=(Path("first"), Path("second"))),
)


@pytest.mark.parametrize("hops", [1, 2])
def test_a_host_behind_another_is_asked_through_it(hops: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []
    gateway = SimpleNamespace(transport="its transport", client=SimpleNamespace(close=lambda: None), gateway=None)

    def scan(host: str, port: int, **how: Any) -> list[paramiko.PKey]:
        asked.append((host, port, how["dial"](), list(how["first"])))
        return [KEYS[0]]

    monkeypatch.setattr(trust, "route", lambda _: ROUTE[-hops:])
    monkeypatch.setattr(trust, "open_gateways", lambda _, before, **__: gateway if before else None)
    monkeypatch.setattr(trust, "dial", lambda config, transport, _: (config.name, transport))
    monkeypatch.setattr("behindy_ops.host.known_hosts.scan", scan)
    text = f"alias {KEYS[1].get_name()} {KEYS[1].get_base64()}"
    offer = trust.look_up(Settings(known_hosts_text=text))
    assert asked == [("host.example", 2222, ("it", "its transport" if hops == 2 else None), [KEYS[1].get_name()])]
    assert (offer.pinned, offer.known) == (frozenset({fingerprint(KEYS[1])}), False)
    assert (offer.name, offer.file) == ("alias", Path("first"))
    assert trust.look_up(Settings(known_hosts_text=text, known_hosts_file=Path("set"))).file == Path("set")


@pytest.mark.parametrize(
    ("pinned", "meant", "shown", "enough"),
    [
        ("", "", "0", True),
        ("", "0", "0", True),
        ("", "1", "0", False),
        ("", "1", "01", True),
        ("1", "", "0", False),
        ("1", "", "01", True),
        ("0", "1", "0", False),
    ],
)
def test_a_further_key_is_asked_for_only_where_another_one_is_meant_or_pinned(
    pinned: str, meant: str, shown: str, enough: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[paramiko.PKey] = [KEYS[int(number)] for number in shown]

    def scan(*_: object, **how: Any) -> list[paramiko.PKey]:
        assert how["enough"](seen) is enough
        return seen

    known = (KEYS[int(number)] for number in pinned)
    text = "".join(f"host.example {key.get_name()} {key.get_base64()}\n" for key in known)
    monkeypatch.setattr(trust, "route", lambda _: (SshConfig("host", "host.example", 22, "kim"),))
    monkeypatch.setattr("behindy_ops.host.known_hosts.scan", scan)
    settings = Settings(known_hosts_text=text, known_hosts_file=Path("none"))
    assert trust.look_up(settings, fingerprint(KEYS[int(meant)]) if meant else "").keys == tuple(seen)
