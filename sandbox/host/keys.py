"""Keys and certificates of one sandbox: made once, kept in the state directory, worth nothing anywhere else."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["HOST_KEY_TYPES", "Keys", "ensure", "known_hosts", "make_authority", "write_private"]

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
HOST_KEY_TYPES: dict[str, Callable[[], PrivateKey]] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
}
VALID_FOR = datetime.timedelta(days=3650)
RENEW_BEFORE = datetime.timedelta(days=30)
LEAF_VALID_FOR = datetime.timedelta(days=365)


@dataclass(frozen=True)
class Keys:
    """Where the keys of a sandbox are. Private ones have mode 0600."""

    folder: Path

    @property
    def client_key(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def authorized_key(self) -> Path:
        return self.folder / "id_ed25519.pub"

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "tls.pem"

    @property
    def certificate_key(self) -> Path:
        return self.folder / "tls.key"

    def host_key(self, kind: str) -> Path:
        """The private host key of a kind in ``HOST_KEY_TYPES``; the public one has ``.pub`` after it."""
        return self.folder / f"ssh_host_{kind}_key"


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, never readable in between, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600, exist_ok=False)
    fresh.write_bytes(content)
    fresh.replace(path)


def ensure(folder: Path, domain: str) -> Keys:
    """Make what is missing in the folder: the client's key, the host's keys, a CA and a certificate for the domain."""
    keys = Keys(folder)
    _ensure_ssh_key(keys.client_key, HOST_KEY_TYPES["ed25519"], "behindy-sandbox")
    for kind, generate in HOST_KEY_TYPES.items():
        _ensure_ssh_key(keys.host_key(kind), generate, "behindy-sandbox-host")
    if not _certificate_is_good(keys):
        _make_certificates(keys, domain)
    return keys


def known_hosts(keys: Keys, address: str, port: int) -> bytes:
    """The lines of a known_hosts file for the sandbox's sshd, one for each of its keys."""
    name = address if port == 22 else f"[{address}]:{port}"
    public = [keys.host_key(kind).with_suffix(".pub").read_text().split()[:2] for kind in HOST_KEY_TYPES]
    return "".join(f"{name} {kind} {text}\n" for kind, text in public).encode()


def _ensure_ssh_key(path: Path, generate: Callable[[], PrivateKey], comment: str) -> None:
    public = path.with_name(f"{path.name}.pub")
    if path.is_file() and public.is_file():
        return
    key = generate()
    encoding, plain = serialization.Encoding, serialization.NoEncryption()
    openssh = key.public_key().public_bytes(encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    public.write_bytes(openssh + f" {comment}\n".encode())
    # The private half comes last, so that a run that was cut off is begun again.
    write_private(path, key.private_bytes(encoding.PEM, serialization.PrivateFormat.OpenSSH, plain))


def _certificate_is_good(keys: Keys) -> bool:
    if not all(path.is_file() for path in (keys.ca, keys.certificate, keys.certificate_key)):
        return False
    end = x509.load_pem_x509_certificate(keys.certificate.read_bytes()).not_valid_after_utc
    return end - _now() > RENEW_BEFORE


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def make_authority() -> tuple[bytes, bytes]:
    """Return a throwaway CA's certificate and its key, for what issues certificates itself."""
    ca, key = _make_ca()
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return ca.public_bytes(encoding), key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)


def _make_ca() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "behindy sandbox throwaway CA")])
    ca = (
        _builder(name, name, key, VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return ca, key


def _make_certificates(keys: Keys, domain: str) -> None:
    """A throwaway CA whose key is never written down, and one certificate by it."""
    ca, ca_key = _make_ca()
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in (domain, f"www.{domain}", "localhost")]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    leaf = (
        _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)]), ca.subject, leaf_key, LEAF_VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(leaf_key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    keys.ca.write_bytes(ca.public_bytes(pem))
    keys.certificate.write_bytes(leaf.public_bytes(pem))
    private = leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(keys.certificate_key, private)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid_for: datetime.timedelta
) -> x509.CertificateBuilder:
    yesterday = _now() - datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(yesterday)
        .not_valid_after(yesterday + valid_for)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
