"""``host.keygen``: a key pair for deploys alone; its public half with its limits in ``authorized_keys``."""

from __future__ import annotations

import os
import re
from pathlib import Path

from behindy_ops.errors import BehindyError, Kind

_COMMENT = re.compile(r"[\w@.+:/-]+", re.ASCII)
_PATTERNS = re.compile(r"[0-9A-Za-z*?!.:/,-]+")


def make(file: Path, *, comment: str, sources: str = "") -> str:
    """Create an Ed25519 key pair without a passphrase: ``file`` (0600) and ``file.pub``.

    Args:
        sources: addresses that may use it, as sshd's ``from=`` takes them; empty for any.

    Returns:
        The line for ``authorized_keys``, which ``file.pub`` holds too: commands, and nothing else that SSH can do.

    Raises:
        Kind.USAGE: a file exists already, or cannot be written, or an option is not usable.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    if not _COMMENT.fullmatch(comment):
        raise _unusable("comment", "only letters, digits and @ . + : / _ - are allowed")
    if sources and not _PATTERNS.fullmatch(sources):
        raise _unusable("from", "write addresses or networks separated by commas, such as 203.0.113.7,10.0.0.0/8")
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    options = f'restrict,from="{sources}"' if sources else "restrict"
    line = f"{options} {public} {comment}"
    public_file = file.with_name(f"{file.name}.pub")
    _create(public_file, line.encode("ascii") + b"\n", 0o644)
    try:
        _create(file, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()), 0o600)
    except BehindyError:
        public_file.unlink()
        raise
    return line


def _create(file: Path, content: bytes, mode: int) -> None:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except FileExistsError:
        raise Kind.USAGE(
            f"{file} exists already.", state="It was left as it is.", remedy="Name another one with --file."
        ) from None
    except OSError as error:
        raise Kind.USAGE(
            f"Could not create {file}: {error.strerror}.", remedy="Name another one with --file."
        ) from error
    with os.fdopen(handle, "wb") as out:
        os.fchmod(handle, mode)
        out.write(content)


def _unusable(option: str, why: str) -> BehindyError:
    return Kind.USAGE(f"--{option} cannot be used: {why}.", state="No key was created.")
