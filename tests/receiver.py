"""A webhook on this machine: it keeps what it is told, and answers as a test wants."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "T00/B00/leakmeleakmeleakme"
"""Of its address."""


@dataclass
class Receiver:
    """It listens on loopback while it is entered.

    Attributes:
        status: that it answers with.
        location: where it sends whoever asks.
        mute: it takes what it is told, and does not answer until it is left.
        drips: its answer comes byte by byte, and has no end until then.
        certificate: a file with one and its key, to be asked by TLS.
    """

    status: int = 200
    location: str = ""
    mute: bool = False
    drips: bool = False
    certificate: Path | None = None
    told: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        receiver = self
        self._over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.asked.append((self.command, self.path, dict(self.headers)))
                receiver.told.append(json.loads(text))
                if receiver.drips:
                    self._drip()
                    return
                if receiver.mute:
                    receiver._over.wait(60)
                    return
                self.send_response(receiver.status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _drip(self) -> None:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
                with contextlib.suppress(OSError):
                    while not receiver._over.wait(0.1):
                        self.wfile.write(b"x")

            do_GET = do_POST  # noqa: N815 # which a redirect would be followed by

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://127.0.0.1:{self._server.server_port}/services/{SECRET}"


def self_signed(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 that nobody trusts, and return the file with it and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    signed = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    file = folder / "webhook.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file
