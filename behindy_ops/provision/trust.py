"""``host.trust``: which of a host's keys is pinned, once a person or a script has named its fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.host import known_hosts as hostkeys
from behindy_ops.host.connection import CONNECT_TIMEOUT, close, open_gateways, pinned_for, route
from behindy_ops.host.dial import dial
from behindy_ops.project.settings import Settings

if TYPE_CHECKING:
    import paramiko


@dataclass(frozen=True, slots=True)
class Offer:
    """The keys of a host.

    Attributes:
        name: under which it stands in known_hosts.
        file: the known_hosts file in which a key of it is pinned.
        keys: those it showed, the preferred one first.
        pinned: fingerprints already pinned for it.
    """

    name: str
    file: Path
    keys: tuple[paramiko.PKey, ...]
    pinned: frozenset[str]

    @property
    def known(self) -> bool:
        """Whether a key it showed is pinned already."""
        return any(hostkeys.fingerprint(key) in self.pinned for key in self.keys)


def look_up(settings: Settings, fingerprint: str = "", *, tell: Callable[[str], None] = lambda _: None) -> Offer:
    """Ask the host for its keys, by one connection unless that key is not the one meant.

    A jump host before it must be trusted already.

    Args:
        fingerprint: of the key that is meant; empty if any is.
        tell: is told why it takes long, where it does.

    Raises:
        Kind.HOST_UNREACHABLE: it does not respond.
        Kind.HOST_KEY_UNKNOWN: a jump host's own key is not pinned.
    """
    *before, config = route(settings)
    names = hostkeys.names_of(config)
    known = pinned_for(settings, config).of(*names)
    fingerprints = frozenset(map(hostkeys.fingerprint, known))

    def enough(keys: list[paramiko.PKey]) -> bool:
        shown = set(map(hostkeys.fingerprint, keys))
        return fingerprint in shown | {""} and (not fingerprints or not shown.isdisjoint(fingerprints))

    gateway = open_gateways(settings, before, tell=tell)
    transport = gateway.transport if gateway is not None else None
    try:
        keys = hostkeys.scan(
            config.host,
            config.port,
            dial=partial(dial, config, transport, config.timeout or CONNECT_TIMEOUT),
            first=[key.get_name() for key in known],
            enough=enough,
            tell=tell,
        )
    finally:
        close(gateway)
    file = settings.known_hosts_file or next(iter(config.known_hosts), Path("~/.ssh/known_hosts").expanduser())
    return Offer(names[0], file, tuple(keys), fingerprints)


def choose(offer: Offer, fingerprint: str) -> paramiko.PKey:
    """Return the key to pin.

    Args:
        fingerprint: the ``SHA256:...`` that it must have; empty for the preferred one.

    Raises:
        Kind.HOST_KEY_CHANGED: another key is pinned for this host.
        Kind.HOST_KEY_UNKNOWN: none of its keys has this fingerprint.
    """
    if offer.pinned and not offer.known:
        raise Kind.HOST_KEY_CHANGED(
            f"{offer.name} now shows another key ({hostkeys.fingerprint(offer.keys[0])}) than the pinned one.",
            state="Nothing was pinned.",
            remedy="If the host was really rebuilt, remove its old line from the known_hosts file first.",
        )
    if not fingerprint:
        return offer.keys[0]
    for key in offer.keys:
        if hostkeys.fingerprint(key) == fingerprint:
            return key
    shown = ", ".join(f"{key.get_name()} {hostkeys.fingerprint(key)}" for key in offer.keys)
    raise Kind.HOST_KEY_UNKNOWN(
        f"{offer.name} has no key with the fingerprint {fingerprint}. It showed: {shown}.",
        state="Nothing was pinned.",
        remedy="Compare with the host's own: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on its console.",
    )
