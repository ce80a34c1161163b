"""Pinned host keys: a host, and each jump host before it, is trusted only when it shows the key we have for it.

Why Fabric's own way will not do: docs/design.md, "Host keys".
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import hashlib
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.host.dial import Proxied
from behindy_ops.host.patience import cut_off, patiently
from behindy_ops.host.ssh_config import SshConfig

if TYPE_CHECKING:
    from fabric import Connection


def fingerprint(key: paramiko.PKey) -> str:
    """Return the key's fingerprint as OpenSSH prints it: ``SHA256:`` and base64 without padding."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def known_hosts_name(host: str, port: int) -> str:
    """Return the name a host has in known_hosts: bare on port 22, else ``[host]:port``."""
    return host if port == 22 else f"[{host}]:{port}"


def names_of(config: SshConfig) -> tuple[str, ...]:
    """Return the names under which a host's key may be pinned, the one to pin it under first.

    As for OpenSSH, that is its ``HostKeyAlias`` alone, if it has one; a key that is pinned for a name without a port
    counts on every port.
    """
    if config.host_key_alias:
        return (config.host_key_alias,)
    return tuple(dict.fromkeys((known_hosts_name(config.host, config.port), config.host)))


def changed(error: paramiko.BadHostKeyException, where: str, trust: str = "inv host.trust") -> BehindyError:
    """Turn paramiko's complaint into ours.

    Args:
        where: the file or setting in which the pinned key stands.
        trust: the command that pins it.
    """
    return Kind.HOST_KEY_CHANGED(
        f"{error.hostname} showed another host key than the pinned one: {error.key.get_name()} "
        f"{fingerprint(error.key)}, pinned is {fingerprint(error.expected_key)}.",
        state="Nothing was sent to it; nothing changed.",
        remedy=f"If the host really was reinstalled, remove its old line from {where} and run: {trust}. "
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

    def of(self, *names: str) -> list[paramiko.PKey]:
        """Return the keys that a host may show, by its names in known_hosts.

        One that is pinned for the first name leaves the further ones without meaning.
        """
        for name in names:
            if pinned := [key for patterns, key in self.entries if _matches(name, patterns)]:
                return pinned
        return []

    def require(self, names: Sequence[str], key: paramiko.PKey, trust: str = "inv host.trust") -> None:
        """Check the key that a host shows.

        Args:
            names: those it has in known_hosts. What is pinned for a further one can only be a reason to trust it.
            trust: the command that pins it, for people.

        Raises:
            paramiko.BadHostKeyException: others are pinned for it, or this one is revoked.
            Kind.HOST_KEY_UNKNOWN: none is pinned.
        """
        name, pinned = names[0], self.of(names[0])
        if any(
            revoked == key and any(_matches(name, patterns) for name in names) for patterns, revoked in self.revoked
        ):
            raise paramiko.BadHostKeyException(name, key, pinned[0] if pinned else key)
        if key in (pinned or self.of(*names)):
            return
        if pinned:
            raise paramiko.BadHostKeyException(name, key, pinned[0])
        raise Kind.HOST_KEY_UNKNOWN(
            f"The key of {name} is not pinned, so it cannot be told from an impostor's. "
            f"It showed {key.get_name()} {fingerprint(key)}.",
            state="Nothing was sent to it; nothing changed.",
            remedy="Compare that fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub "
            f"on its console), then: {trust}",
        )


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a host's name is meant: as it is, hashed, or by ``*`` and ``?``; ``!`` before a pattern excludes it."""
    meant = False
    for pattern in patterns:
        plain = pattern.removeprefix("!")
        if plain.startswith("|1|"):
            fits = paramiko.HostKeys.hash_host(name.lower(), plain) == plain
        else:
            fits = fnmatch.fnmatchcase(name.lower(), plain.lower().replace("[", "[[]"))
        if fits and pattern.startswith("!"):
            return False
        meant = meant or fits
    return meant


class _OnlyPinned(paramiko.MissingHostKeyPolicy):
    """Asked for each host, as the client itself is given no key to compare with."""

    def __init__(self, pinned: Pinned, names: Sequence[str], trust: str) -> None:
        self._pinned = pinned
        self._names = names
        self._trust = trust

    def missing_host_key(self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey) -> None:
        self._pinned.require(self._names, key, self._trust)


def pinned_in(files: Iterable[Path], text: str, revoked: Path | None = None) -> Pinned:
    """Read what is pinned.

    Args:
        files: known_hosts files; one that does not exist pins nothing.
        text: lines in known_hosts format (from a secret), used beside the files.
        revoked: a file of public keys that no host may show (``RevokedHostKeys``).

    Raises:
        Kind.SETTINGS: a file cannot be read, or no line of the text is in known_hosts format.
    """
    try:
        lines = [file.read_bytes().decode("utf-8", "replace") for file in files if file.is_file()]
        if revoked is not None:
            keys = revoked.read_bytes()
            if keys.startswith(b"SSHKRL"):
                raise _unreadable(f"{revoked} (RevokedHostKeys) is a KRL; only a list of public keys is understood")
            lines += [f"@revoked * {line}" for line in keys.decode("utf-8", "replace").splitlines()]
    except OSError as error:
        raise _unreadable(str(error)) from error
    if text.strip() and not (given := Pinned.read(text)).entries and not given.revoked:
        raise _unreadable("BEHINDY_KNOWN_HOSTS has no line in known_hosts format (host key-type base64)")
    return Pinned.read("\n".join([*lines, text]))


def pin(connection: Connection, pinned: Pinned, names: Sequence[str], trust: str = "inv host.trust") -> None:
    """Make a connection refuse all host keys but those that are pinned for one of these names.

    Must be called before it is opened.
    """
    connection.client.set_missing_host_key_policy(_OnlyPinned(pinned, names, trust))
    first = [key.get_name() for key in pinned.of(*names)]

    def transport(*given: Any, **options: Any) -> paramiko.Transport:
        """One that asks the host for a key of a type that is pinned, if it has one of several."""
        made = paramiko.Transport(*given, **options)
        security = made.get_security_options()
        security.key_types = tuple(_preferred(security.key_types, first))
        return made

    connection.connect_kwargs["transport_factory"] = transport


def _preferred(kinds: Iterable[str], first: Collection[str]) -> list[str]:
    return sorted(kinds, key=lambda kind: _TYPES.get(kind, kind) not in first)


_TYPES = {"rsa-sha2-256": "ssh-rsa", "rsa-sha2-512": "ssh-rsa"}
"""Signatures by the type of the key that makes them, where the two differ."""


def _unreadable(why: str) -> BehindyError:
    return Kind.SETTINGS("The pinned host keys cannot be read.", lines=(why,), remedy="Pin them again: inv host.trust")


def hush() -> None:
    """Keep Paramiko's thread from logging a traceback for every connection that fails; the error reaches us anyway."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)


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
    hush()
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
        sock = dial()
        transport = paramiko.Transport(sock)
    except (OSError, paramiko.ChannelException) as error:
        raise Kind.HOST_UNREACHABLE(
            f"{name} did not answer: {getattr(error, 'strerror', None) or error}.",
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
        if isinstance(sock, Proxied) and (failure := sock.failure()):
            raise Kind.HOST_UNREACHABLE(
                f"{name} did not answer: {failure}.", remedy="Try the ProxyCommand of the SSH configuration by hand."
            ) from error
        if cut_off(error):
            raise
        return None
    finally:
        transport.close()


def pin_to_file(file: Path, name: str, keys: Iterable[paramiko.PKey]) -> None:
    """Append keys to a known_hosts file (made with mode 0600 if it is not there); written whole, then renamed.

    Raises:
        Kind.SETTINGS: it is no file, such as /dev/null.
    """
    file = file.resolve()
    if file.exists() and not file.is_file():
        raise Kind.SETTINGS(
            f"{file} is no file that keeps a host key.",
            state="Nothing was pinned.",
            remedy="Name one in BEHINDY_KNOWN_HOSTS_FILE, or in UserKnownHostsFile of the SSH configuration.",
        )
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = file.read_bytes() if file.exists() else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    lines = [f"{name} {key.get_name()} {key.get_base64()}".encode() for key in keys]
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "wb") as out:
        out.write(before + b"".join(line + b"\n" for line in lines if line not in before.splitlines()))
    if file.exists():
        shutil.copymode(file, temporary)
    Path(temporary).replace(file)
