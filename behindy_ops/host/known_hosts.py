"""Pinned host keys: a host is trusted only when it shows the key we have for it, at every hop of a ``ProxyJump``.

Why Fabric's own way will not do: docs/design.md, "Host keys".
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from behindy_ops.errors import BehindyError, Kind

if TYPE_CHECKING:
    from fabric import Connection


def fingerprint(key: paramiko.PKey) -> str:
    """Return the key's fingerprint as OpenSSH prints it: ``SHA256:`` and base64 without padding."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def known_hosts_name(host: str, port: int) -> str:
    """Return the name a host has in known_hosts: bare on port 22, else ``[host]:port``."""
    return host if port == 22 else f"[{host}]:{port}"


class _RejectUnknown(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, _client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise Kind.HOST_KEY_UNKNOWN(
            f"The key of {hostname} is not pinned, so it cannot be told from an impostor's. "
            f"It showed {key.get_name()} {fingerprint(key)}.",
            state="Nothing was sent to it; nothing changed.",
            remedy="Compare that fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub "
            "on its console), then: inv host.trust",
        )


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


def pin(connection: Connection, *, file: Path | None, text: str) -> None:
    """Make a connection, and every gateway before it, refuse all host keys but the pinned ones.

    Must be called before it is opened.

    Args:
        file: a known_hosts file; one that does not exist pins nothing.
        text: lines in known_hosts format (from a secret), used beside the file.

    Raises:
        Kind.SETTINGS: the text or file is not in known_hosts format.
    """
    from fabric import Connection as FabricConnection

    client = connection.client
    client.set_missing_host_key_policy(_RejectUnknown())
    try:
        if file is not None and file.is_file():
            client.load_host_keys(str(file))
        if text:
            _load_text(client, text)
    except (OSError, ValueError, paramiko.SSHException, InvalidHostKey) as error:
        raise Kind.SETTINGS(
            "The pinned host keys cannot be read.", lines=(str(error),), remedy="Pin them again: inv host.trust"
        ) from error
    if isinstance(connection.gateway, FabricConnection):
        pin(connection.gateway, file=file, text=text)


def _load_text(client: paramiko.SSHClient, text: str) -> None:
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    entries = [*filter(None, map(HostKeyEntry.from_line, lines))]
    if not entries:
        raise paramiko.SSHException("BEHINDY_KNOWN_HOSTS has no line in known_hosts format (host key-type base64)")
    for entry in entries:
        for name in entry.hostnames:
            client.get_host_keys().add(name, entry.key.get_name(), entry.key)


def scan(host: str, port: int, *, sock: object | None = None, timeout: float = 10.0) -> list[paramiko.PKey]:
    """Ask a host for its keys without logging in, one short connection a key type.

    Args:
        sock: an open socket-like object to use for the first connection instead (a gateway's channel).

    Returns:
        the keys it has, Ed25519 first.

    Raises:
        Kind.HOST_UNREACHABLE: no SSH server answered.
    """
    kinds = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512") if sock is None else ("",)
    found = [key for kind in kinds if (key := _offered(host, port, kind, sock, timeout))]
    if not found:
        raise Kind.HOST_UNREACHABLE(
            f"{known_hosts_name(host, port)} offered no host key.",
            remedy="Check BEHINDY_HOST and BEHINDY_PORT, and that an SSH server runs there.",
        )
    return found


def _offered(host: str, port: int, kind: str, sock: object | None, timeout: float) -> paramiko.PKey | None:
    try:
        transport = paramiko.Transport(sock or socket.create_connection((host, port), timeout=timeout))  # type: ignore[arg-type]
    except OSError as error:
        raise Kind.HOST_UNREACHABLE(
            f"{known_hosts_name(host, port)} did not answer: {error.strerror or error}.",
            remedy="Check BEHINDY_HOST and BEHINDY_PORT, the network, and the firewall (port open to your address?).",
        ) from error
    try:
        if kind:
            transport.get_security_options().key_types = (kind,)
        transport.start_client(timeout=timeout)
        return transport.get_remote_server_key()
    except (paramiko.SSHException, EOFError, OSError):
        return None
    finally:
        transport.close()


def pin_to_file(file: Path, host: str, port: int, keys: Iterable[paramiko.PKey]) -> None:
    """Append keys to a known_hosts file (made with mode 0600 if it is not there); written whole, then renamed."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    name = known_hosts_name(host, port)
    lines = [f"{name} {key.get_name()} {key.get_base64()}" for key in keys]
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(before + "".join(f"{line}\n" for line in lines if line not in before.splitlines()))
    Path(temporary).replace(file)
