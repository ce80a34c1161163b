"""Logging in as OpenSSH's client does: the same keys, in the same order, from the agent and from files."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import paramiko
from paramiko.agent import AgentKey, AgentSSH

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.host import keys
from behindy_ops.host.ssh_config import SshConfig

AGENT_TIMEOUT = 10
"""Seconds for an agent to say which keys it has."""

TOUCH_TIMEOUT = 60
"""Seconds for a login with a key of the agent, which may ask a person to confirm, or to touch a security key."""

_CERTIFICATE = "-cert-v01@openssh.com"

_FIELDS = {"ssh-ed25519": 1, "ssh-rsa": 2, "sk-ssh-ed25519": 2, "ecdsa-sha2": 2, "sk-ecdsa-sha2": 3}
"""How many fields a public key has after its type, by how that begins; in a certificate they follow its nonce."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key that may be offered.

    Attributes:
        label: what it is to people.
        blob: the public key or certificate, as it is sent; empty where only the private key tells.
        load: returns what signs; raises a BehindyError where that cannot be had.
    """

    label: str
    blob: bytes
    load: Callable[[], paramiko.PKey]


class Agent(AgentSSH):
    """An agent by its socket; paramiko's own knows ``SSH_AUTH_SOCK`` alone."""

    def __init__(self, path: str) -> None:
        super().__init__()
        if not path:
            return
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(AGENT_TIMEOUT)
        try:
            connection.connect(path)
            self._connect(connection)  # type: ignore[attr-defined]
        except BaseException:
            connection.close()
            raise
        connection.settimeout(TOUCH_TIMEOUT)

    def close(self) -> None:
        """Leave it."""
        self._close()  # type: ignore[attr-defined]


class _Held(AgentKey):
    """A key the agent holds, of any type: certificates and security keys are named to it as it named them."""

    def asbytes(self) -> bytes:
        return bytes(self.blob)

    def sign_ssh_data(self, data: Any, algorithm: Any = None) -> Any:
        """Sign; where the agent refuses, with what no server takes: an error would end the whole connection."""
        try:
            return super().sign_ssh_data(data, algorithm)
        except (paramiko.SSHException, OSError):
            return b""


def candidates(
    files: Iterable[Candidate], certificates: Iterable[Candidate], agent: Iterable[Candidate], *, identities_only: bool
) -> list[Candidate]:
    """Return the keys in the order in which OpenSSH offers them.

    That is: ``CertificateFile``, the agent's keys that a file names, its other keys, and the files whose key it lacks.

    Args:
        files: those of ``IdentityFile``.
        agent: the keys it holds.
        identities_only: whether only those of the agent count that a file names.
    """
    left = list(files)
    named, other = [], []
    for held in agent:
        if match := next((file for file in left if file.blob == held.blob), None):
            left.remove(match)
            named.append(held)
        elif not identities_only:
            other.append(held)
    return [*certificates, *named, *other, *left]


def from_agent(agent: Agent) -> list[Candidate]:
    """Return the keys an agent holds."""
    held = [(key.comment, _Held(agent, key.blob)) for key in agent.get_keys()]
    return [Candidate(f"{comment or 'a key'} (agent)", key.asbytes(), partial(_itself, key)) for comment, key in held]


def _itself(key: paramiko.PKey) -> paramiko.PKey:
    return key


def from_file(path: Path, passphrase: str, *, strict: bool = True, implied: bool = True) -> list[Candidate]:
    """Return the key of an ``IdentityFile``, and the certificate that lies beside it; none if there is no such file.

    Args:
        strict: leave out a private key that others may read, as OpenSSH does.
        implied: whether ``<path>-cert.pub`` is looked for.
    """
    load = partial(_load, path, passphrase, strict)
    blob = _public(path) or _public(path.with_name(f"{path.name}.pub")) or _public_half(path)
    found = [Candidate(str(path), blob, load)] if blob or path.is_file() else []
    certificate = _public(path.with_name(f"{path.name}-cert.pub")) if implied else b""
    if _CERTIFICATE in _type(certificate):
        found.append(Candidate(f"{path}-cert.pub", certificate, partial(_certified, load, certificate)))
    return found


def from_certificate(path: Path, others: Sequence[Candidate]) -> list[Candidate]:
    """Return the certificate of a ``CertificateFile`` with whatever has its private key; none if it is none."""
    blob = _public(path)
    if _CERTIFICATE not in _type(blob):
        return []
    plain = plain_key(blob)
    for other in others:
        if other.blob == plain:
            return [Candidate(str(path), blob, partial(_certified, other.load, blob))]
    return []


def plain_key(certificate: bytes) -> bytes:
    """Return the public key in a certificate; empty if its type is not known."""
    message = paramiko.Message(certificate)
    kind = message.get_text()
    count = next((count for start, count in _FIELDS.items() if kind.startswith(start)), 0)
    message.get_binary()  # the nonce
    plain = paramiko.Message()
    plain.add_string(kind.replace(_CERTIFICATE, "@openssh.com" if kind.startswith("sk-") else ""))
    for _ in range(count):
        plain.add_string(message.get_binary())
    return plain.asbytes() if count else b""


def _certified(load: Callable[[], paramiko.PKey], certificate: bytes) -> paramiko.PKey:
    key = load()
    if isinstance(key, _Held):
        key = _Held(key.agent, key.blob)  # it is offered without the certificate too
    key.public_blob = paramiko.pkey.PublicBlob(_type(certificate), certificate)
    return key


def _load(path: Path, passphrase: str, strict: bool) -> paramiko.PKey:
    try:
        status = path.stat()
        if strict and os.name == "posix" and status.st_uid == os.getuid() and status.st_mode & 0o077:
            raise Kind.LOGIN_REFUSED(f"others may read it: chmod 600 {path}")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Kind.LOGIN_REFUSED(error.strerror or str(error)) from error
    return keys.parse(text, passphrase, source=str(path))


def _public(path: Path) -> bytes:
    """Return what a public key's or certificate's file holds; empty if it is none."""
    with contextlib.suppress(OSError, binascii.Error, ValueError):
        kind, text, *_ = path.read_text(encoding="ascii").split(maxsplit=2)
        blob = base64.b64decode(text, validate=True)
        if _type(blob) == kind:
            return blob
    return b""


def _type(blob: bytes) -> str:
    with contextlib.suppress(UnicodeDecodeError):
        return str(paramiko.Message(blob).get_text())
    return ""


def _public_half(path: Path) -> bytes:
    """Return the public key within a private key's file; in OpenSSH's form it is readable without the passphrase."""
    with contextlib.suppress(OSError, binascii.Error, ValueError, BehindyError):
        text = path.read_text(encoding="ascii")
        if "BEGIN OPENSSH PRIVATE KEY" not in text:
            return keys.parse(text).asbytes()
        message = paramiko.Message(base64.b64decode("".join(text.split("-----")[2].split())))
        message.get_bytes(len(b"openssh-key-v1\0"))
        for _ in ("cipher", "key derivation", "its options"):
            message.get_binary()
        message.get_int()
        return bytes(message.get_binary())
    return b""


def fingerprint(blob: bytes) -> str:
    """Return ``SHA256:…`` of a public key, of a certificate's that of the key in it, as OpenSSH prints it."""
    if _CERTIFICATE in _type(blob):
        blob = plain_key(blob)
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


class Login:
    """What paramiko asks to log in with: an ``auth_strategy``.

    Args:
        key: the only key to offer.
        file: a key to offer before all others.
        passphrase: of any private key's file.

    Attributes:
        offered: the keys the server was shown, for people.
        skipped: those that could not be used, with the reason.
        unusable: why the file of the settings could not be used, if so.
        cut_off: whether the server hung up before all keys were offered.
    """

    def __init__(
        self, config: SshConfig, *, key: paramiko.PKey | None = None, file: Path | None = None, passphrase: str = ""
    ) -> None:
        self._config = config
        self._key = key
        self._file = file
        self._passphrase = passphrase
        self.offered: list[str] = []
        self.skipped: list[str] = []
        self.unusable: BehindyError | None = None
        self.cut_off = False

    def authenticate(self, transport: Any) -> None:
        """Log in.

        Raises:
            paramiko.AuthenticationException: no key was accepted.
        """
        with contextlib.closing(self._agent()) as agent:
            self._log_in(transport, self.choose(from_agent(agent)))

    def choose(self, agent: Sequence[Candidate]) -> list[Candidate]:
        """Return what to offer, in order.

        Args:
            agent: what the agent holds.
        """
        if self._key is not None:
            return [Candidate("BEHINDY_SSH_KEY", self._key.asbytes(), partial(_itself, self._key))]
        config, implied = self._config, not self._config.certificate_files
        if self._file is not None:
            files = from_file(self._file, self._passphrase, strict=False, implied=implied)
        else:
            files = [
                file
                for path in dict.fromkeys(config.identity_files)
                for file in from_file(path, self._passphrase, implied=implied)
            ]
        chosen = candidates(files, (), agent, identities_only=config.identities_only)
        certificates = [one for path in config.certificate_files for one in from_certificate(path, chosen)]
        if self._file is not None:  # it is what is meant, so it comes before what else the agent has
            named = {file.blob for file in files}
            chosen.sort(key=lambda candidate: candidate.blob not in named)
        return [*certificates, *chosen]

    def _agent(self) -> Agent:
        if self._key is not None:
            return Agent("")
        try:
            return Agent(self._config.agent)
        except (paramiko.SSHException, OSError) as error:
            self.skipped.append(f"the agent at {self._config.agent}: {getattr(error, 'strerror', None) or error}")
            return Agent("")

    def _log_in(self, transport: Any, chosen: Iterable[Candidate]) -> None:
        for candidate in chosen:
            try:
                key = candidate.load()
            except BehindyError as error:
                self.skipped.append(f"{candidate.label}: {error.what}")
                if self._file is not None and candidate.label == str(self._file):
                    self.unusable = error
                continue
            self.offered.append(f"{candidate.label} {fingerprint(candidate.blob or key.asbytes())}")
            if isinstance(key, _Held):
                transport.auth_timeout = TOUCH_TIMEOUT
            try:
                further = transport.auth_publickey(self._config.user, key)
            except paramiko.BadAuthenticationType:
                raise
            except paramiko.SSHException as error:
                if transport.is_active():
                    continue
                self.cut_off = True
                raise paramiko.AuthenticationException(str(error)) from error
            if not further:
                return
            if "publickey" not in further:
                transport.auth_interactive_dumb(self._config.user)
                return
        raise paramiko.AuthenticationException("no key was accepted")
