"""Pinned host keys: a host is trusted only when it shows the key we have for it, at every hop of a ``ProxyJump``.

Why Fabric's own way will not do: docs/design.md, "Host keys".
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import hashlib
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.host.patience import cut_off, patiently

if TYPE_CHECKING:
    from fabric import Connection


def fingerprint(key: paramiko.PKey) -> str:
    """Return the key's fingerprint as OpenSSH prints it: ``SHA256:`` and base64 without padding."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def known_hosts_name(host: str, port: int) -> str:
    """Return the name a host has in known_hosts: bare on port 22, else ``[host]:port``."""
    return host if port == 22 else f"[{host}]:{port}"


def changed(error: paramiko.BadHostKeyException, where: str) -> BehindyError:
    """Turn paramiko's complaint into ours.

    Args:
        where: the file or setting in which the pinned key stands.
    """
    return Kind.HOST_KEY_CHANGED(
        f"{error.hostname} showed another host key than the pinned one: {error.key.get_name()} "
        f"{fingerprint(error.key)}, pinned is {fingerprint(error.expected_key)}.",
        state="Nothing was sent to it; nothing changed.",
        remedy=f"If the host really was reinstalled, remove its old line from {where} and run: inv host.trust. "
        "If not, somebody may be listening in: do not connect.",
    )


@dataclass(frozen=True, slots=True)
class Pinned:
    """The keys in files and settings in known_hosts format, read line by line as OpenSSH does.

    A line that is none of ours to judge (a certificate authority, an unknown marker) or that cannot be read counts for
    nothing, and spoils no other line. Nothing pinned for one name counts for another.

    Attributes:
        entries: names or patterns, and the key; ``revoked`` likewise.
    """

    entries: tuple[tuple[tuple[str, ...], paramiko.PKey], ...] = ()
    revoked: tuple[tuple[tuple[str, ...], paramiko.PKey], ...] = ()

    @classmethod
    def read(cls, text: str) -> Self:
        """Read lines in known_hosts format."""
        found: dict[str, list[tuple[tuple[str, ...], paramiko.PKey]]] = {"": [], "@revoked": []}
        for line in text.splitlines():
            words = line.split()
            marker = words.pop(0) if words and words[0].startswith("@") else ""
            if marker not in found or len(words) < 3 or words[0].startswith("#"):
                continue
            with contextlib.suppress(paramiko.SSHException, InvalidHostKey, ValueError):
                if entry := HostKeyEntry.from_line(" ".join(words)):
                    found[marker].append((tuple(entry.hostnames), entry.key))
        return cls(tuple(found[""]), tuple(found["@revoked"]))

    def of(self, name: str) -> list[paramiko.PKey]:
        """Return the keys that a host may show, by its name in known_hosts."""
        return [key for names, key in self.entries if _matches(name, names)]

    def require(self, name: str, key: paramiko.PKey) -> None:
        """Check the key that a host shows.

        Raises:
            paramiko.BadHostKeyException: others are pinned for it, or this one is revoked.
            Kind.HOST_KEY_UNKNOWN: none is pinned.
        """
        pinned = self.of(name)
        if any(_matches(name, names) and revoked == key for names, revoked in self.revoked):
            raise paramiko.BadHostKeyException(name, key, pinned[0] if pinned else key)
        if key in pinned:
            return
        if pinned:
            raise paramiko.BadHostKeyException(name, key, pinned[0])
        raise Kind.HOST_KEY_UNKNOWN(
            f"The key of {name} is not pinned, so it cannot be told from an impostor's. "
            f"It showed {key.get_name()} {fingerprint(key)}.",
            state="Nothing was sent to it; nothing changed.",
            remedy="Compare that fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub "
            "on its console), then: inv host.trust",
        )


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a host's name is meant: as it is, hashed, or by ``*`` and ``?``; ``!`` before a pattern excludes it."""
    meant = False
    for pattern in patterns:
        plain = pattern.removeprefix("!")
        if plain.startswith("|1|"):
            fits = paramiko.HostKeys.hash_host(name, plain) == plain
        else:
            fits = fnmatch.fnmatchcase(name.lower(), plain.lower().replace("[", "[[]"))
        if fits and pattern.startswith("!"):
            return False
        meant = meant or fits
    return meant


class _OnlyPinned(paramiko.MissingHostKeyPolicy):
    """Asked for each host, as the client itself is given no key to compare with."""

    def __init__(self, pinned: Pinned) -> None:
        self._pinned = pinned

    def missing_host_key(self, _client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        self._pinned.require(hostname, key)


def pinned_in(file: Path | None, text: str) -> Pinned:
    """Read what is pinned.

    Args:
        file: a known_hosts file; one that does not exist pins nothing.
        text: lines in known_hosts format (from a secret), used beside the file.

    Raises:
        Kind.SETTINGS: the file cannot be read, or no line of the text is in known_hosts format.
    """
    try:
        from_file = file.read_bytes().decode("utf-8", "replace") if file is not None and file.is_file() else ""
    except OSError as error:
        raise _unreadable(str(error)) from error
    if text.strip() and not (given := Pinned.read(text)).entries and not given.revoked:
        raise _unreadable("BEHINDY_KNOWN_HOSTS has no line in known_hosts format (host key-type base64)")
    return Pinned.read(f"{from_file}\n{text}")


def pin(connection: Connection, pinned: Pinned) -> None:
    """Make a connection, and every gateway before it, refuse all host keys but the pinned ones.

    Must be called before it is opened.
    """
    from fabric import Connection as FabricConnection

    connection.client.set_missing_host_key_policy(_OnlyPinned(pinned))
    first = [key.get_name() for key in pinned.of(known_hosts_name(connection.host, connection.port))]

    def transport(*given: Any, **options: Any) -> paramiko.Transport:
        """One that asks the host for a key of a type that is pinned, if it has one of several."""
        made = paramiko.Transport(*given, **options)
        security = made.get_security_options()
        security.key_types = tuple(_preferred(security.key_types, first))
        return made

    connection.connect_kwargs["transport_factory"] = transport
    if isinstance(connection.gateway, FabricConnection):
        pin(connection.gateway, pinned)


def _preferred(kinds: Iterable[str], first: Collection[str]) -> list[str]:
    return sorted(kinds, key=lambda kind: _TYPES.get(kind, kind) not in first)


_TYPES = {"rsa-sha2-256": "ssh-rsa", "rsa-sha2-512": "ssh-rsa"}
"""Signatures by the type of the key that makes them, where the two differ."""


def _unreadable(why: str) -> BehindyError:
    return Kind.SETTINGS("The pinned host keys cannot be read.", lines=(why,), remedy="Pin them again: inv host.trust")


def scan(
    host: str,
    port: int,
    *,
    dial: Callable[[], Any] | None = None,
    first: Iterable[str] = (),
    enough: Callable[[list[paramiko.PKey]], bool] = bool,
    tell: Callable[[str], None] = lambda _: None,
    timeout: float = 10.0,
) -> list[paramiko.PKey]:
    """Ask a host for its keys without logging in.

    A connection shows one key, and a server that limits connections counts each of them: so a further type is asked for
    only until it is enough.

    Args:
        dial: opens a socket-like object to it (a gateway's channel).
        first: the types to ask for first.
        enough: whether the keys seen so far are.
        tell: is told why it takes long, where it does.

    Returns:
        the keys it showed, one at least.

    Raises:
        Kind.HOST_UNREACHABLE: no SSH server answered.
    """
    name = known_hosts_name(host, port)
    dial = dial or partial(socket.create_connection, (host, port), timeout=timeout)
    found: list[paramiko.PKey] = []
    while not found or not enough(found):
        seen = {key.get_name() for key in found}
        key = patiently(partial(_offered, name, dial, list(first), seen, timeout), name, tell=tell)
        if key is None:
            break
        found.append(key)
    if not found:
        raise Kind.HOST_UNREACHABLE(
            f"{name} offered no host key.",
            remedy="Check BEHINDY_HOST and BEHINDY_PORT, and that an SSH server runs there.",
        )
    return found


def _offered(
    name: str, dial: Callable[[], Any], first: Collection[str], seen: Collection[str], timeout: float
) -> paramiko.PKey | None:
    """Return a key of a type that was not seen yet; None if it has none."""
    try:
        transport = paramiko.Transport(dial())
    except OSError as error:
        raise Kind.HOST_UNREACHABLE(
            f"{name} did not answer: {error.strerror or error}.",
            remedy="Check BEHINDY_HOST and BEHINDY_PORT, the network, and the firewall (port open to your address?).",
        ) from error
    try:
        security = transport.get_security_options()
        left = [kind for kind in security.key_types if _TYPES.get(kind, kind) not in seen]
        if not left:
            return None
        security.key_types = tuple(_preferred(left, first))
        transport.start_client(timeout=timeout)
        return transport.get_remote_server_key()
    except (paramiko.SSHException, EOFError, OSError) as error:
        if cut_off(error):
            raise
        return None
    finally:
        transport.close()


def pin_to_file(file: Path, host: str, port: int, keys: Iterable[paramiko.PKey]) -> None:
    """Append keys to a known_hosts file (made with mode 0600 if it is not there); written whole, then renamed."""
    file = file.resolve()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = file.read_bytes() if file.exists() else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    name = known_hosts_name(host, port)
    lines = [f"{name} {key.get_name()} {key.get_base64()}".encode() for key in keys]
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "wb") as out:
        out.write(before + b"".join(line + b"\n" for line in lines if line not in before.splitlines()))
    if file.exists():
        shutil.copymode(file, temporary)
    Path(temporary).replace(file)
