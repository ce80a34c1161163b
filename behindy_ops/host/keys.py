"""Private keys as they are delivered: from a file, or as text in a secret."""

from __future__ import annotations

import contextlib
from io import StringIO

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from behindy_ops.errors import BehindyError, Kind

_CLASSES: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


def parse(text: str, passphrase: str = "", *, source: str = "BEHINDY_SSH_KEY") -> paramiko.PKey:
    r"""Read a private key from text as secrets deliver it.

    Accepted: Ed25519, ECDSA and RSA, in OpenSSH, PEM or PKCS#8 form; with or without a last newline, with CRLF line
    ends, with blank lines around, and with its line breaks written as the two characters ``\n``.

    Args:
        source: the setting's name, for messages.

    Raises:
        Kind.LOGIN_REFUSED: it is no key, its kind is not known, or the passphrase is missing or wrong. The message
            never has any of the text.
    """
    data = _normalised(text).encode("utf-8")
    password = passphrase.encode("utf-8") or None
    try:
        load = load_ssh_private_key if b"BEGIN OPENSSH" in data else load_pem_private_key
        key = load(data, password=password)
    except TypeError as error:
        if password is not None:  # a passphrase for a key that has none does no harm
            return parse(text, source=source)
        raise _refused(f"{source} is protected by a passphrase.", "Set BEHINDY_SSH_KEY_PASSPHRASE.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if password is not None:
            raise _refused(f"{source} cannot be opened with this passphrase.", _AGAIN) from error
        raise _refused(f"{source} is not a private key that can be read.", _AGAIN) from error
    for kind in _CLASSES:
        with contextlib.suppress(paramiko.SSHException, ValueError, TypeError):
            plain = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")
            return kind.from_private_key(StringIO(plain))
    raise _refused(f"{source} is a key of a kind SSH does not use here.", "Use Ed25519, ECDSA or RSA.")


_AGAIN = "Paste the whole file, from the BEGIN line to the END line, and check BEHINDY_SSH_KEY_PASSPHRASE."


def _normalised(text: str) -> str:
    if "\\n" in text and "\n" not in text.strip():
        text = text.replace("\\n", "\n")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
    return "\n".join(line.strip() for line in lines) + "\n"


def _refused(what: str, remedy: str) -> BehindyError:
    return Kind.LOGIN_REFUSED(what, state="Nothing changed.", remedy=remedy)
