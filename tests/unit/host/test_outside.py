"""This machine asks a public URL: a server of the test's own on a loopback address, and nothing else."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from behindy_ops.facts.outside import Failure, Sighting
from behindy_ops.host import outside
from behindy_ops.project.settings import Settings
from tests.unit.facts.certificates import UNTIL

URL = "https://b.example/a?b=c"
ANSWER = b"HTTP/1.1 302 Found\r\nServer: nginx\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"
Serve = Callable[[ssl.SSLSocket], None]


@pytest.fixture(autouse=True)
def no_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def local(host: str, *rest: Any, **more: Any) -> Any:
        assert host.startswith(("127.", "::1"))
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", local)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for b.example that is its own authority, and its key."""
    from datetime import UTC, datetime, timedelta

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=b.example")
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime.now(UTC) + timedelta(days=900))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("b.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    ).sign(key, hashes.SHA256())  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    (folder / "c.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "k.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "c.pem", folder / "k.pem"


def answer(connection: ssl.SSLSocket) -> None:
    asked = connection.recv(4096)
    if asked.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: b.example\r\n"):
        connection.sendall(ANSWER)


@pytest.fixture
def server(certificate: tuple[Path, Path]) -> Iterator[Callable[[Serve], int]]:
    """Serve one kind of answer; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def loop(serve: Serve) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as secured:
                    serve(secured)
            except OSError:
                plain.close()

    def start(serve: Serve) -> int:
        threading.Thread(target=loop, args=(serve,), daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    with contextlib.suppress(OSError):  # a connection that was ended early may be in its way
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def look(port: int | str, **changes: Any) -> Sighting:
    settings = Settings(**{"host": "h", "outside_address": f"127.0.0.1:{port}", **changes})
    return outside.look(URL, settings, time.monotonic() + 2)


def test_an_answer_is_told_with_who_gave_it_and_no_redirect_is_followed(
    server: Callable[[Serve], int], certificate: tuple[Path, Path]
) -> None:
    sight = look(server(answer), outside_ca_file=certificate[0])
    assert (sight.status, sight.server, sight.met, sight.failure) == (302, "nginx", "127.0.0.1", None)
    assert (sight.issuer, sight.until > UNTIL.isoformat()) == ("CN=b.example", True)


def test_a_closed_service_is_known_by_what_nginx_says_and_asked_once(
    server: Callable[[Serve], int], certificate: tuple[Path, Path]
) -> None:
    asked: list[bytes] = []

    def closed(connection: ssl.SSLSocket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 503 x\r\nX-Behindy-Maintenance: on\r\nContent-Length: 0\r\n\r\n")

    sight = look(server(closed), outside_ca_file=certificate[0])
    assert (sight.status, sight.closed, len(asked)) == (503, True, 1)


def test_a_certificate_that_is_not_trusted_is_told_with_its_issuer(server: Callable[[Serve], int]) -> None:
    sight = look(server(answer))
    assert (sight.failure, sight.issuer, sight.status) == (Failure.NOT_TRUSTED, "CN=b.example", 0)
    assert "self-signed" in sight.said.replace("self signed", "self-signed")


def test_a_server_that_says_nothing_or_nonsense_is_no_answer(
    server: Callable[[Serve], int], certificate: tuple[Path, Path]
) -> None:
    sight = look(server(lambda connection: connection.sendall(b"hello\r\n\r\n")), outside_ca_file=certificate[0])
    assert sight.failure is Failure.NO_ANSWER


def test_a_closed_port_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sight = look(port)
    assert (sight.failure, sight.told) == (Failure.NO_CONNECTION, "connection refused at 127.0.0.1")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(host="127.0.0.1"), "through this machine itself"),
        (Settings(host="localhost"), "through this machine itself"),
        (Settings(host="::1", outside_address="192.0.2.1"), "through this machine itself"),
        (Settings(host="h", outside_address="none"), "BEHINDY_OUTSIDE_ADDRESS is none"),
    ],
    ids=["an address", "a name", "with a port elsewhere", "not wanted"],
)
def test_nobody_is_asked_where_this_machine_is_not_outside(
    settings: Settings, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("somebody was asked"))
    sight = outside.look(URL, settings, time.monotonic() + 2)
    assert (sight.failure, sight.leads) == (Failure.NOT_ASKED, ())
    assert words in sight.said


def test_a_proxy_or_the_want_of_a_name_server_or_a_route_says_nothing_of_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(error: OSError) -> Any:
        def raising(*_: Any, **__: Any) -> Any:
            raise error

        return raising

    def asked(settings: Settings) -> tuple[Failure | None, str]:
        sight = outside.look(URL, settings, time.monotonic() + 2)
        return sight.failure, sight.said

    monkeypatch.setattr(socket, "getaddrinfo", fails(socket.gaierror(socket.EAI_AGAIN, "again")))
    assert asked(Settings(host="h")) == (Failure.NOT_ASKED, "no name server answers this machine")
    monkeypatch.setattr(socket, "getaddrinfo", fails(socket.gaierror(socket.EAI_NONAME, "none")))
    assert asked(Settings(host="h")) == (Failure.NO_NAME, "")
    monkeypatch.setattr(socket, "create_connection", fails(OSError(101, "unreachable")))
    assert asked(Settings(host="h", outside_address="192.0.2.1"))[1] == "this machine has no route to it"
    monkeypatch.setattr(socket, "create_connection", fails(ValueError("a bug")))  # type: ignore[arg-type]
    assert asked(Settings(host="h", outside_address="192.0.2.1"))[1] == "it could not be asked (ValueError)"
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert "a proxy" in asked(Settings(host="h"))[1]


def test_nobody_waits_for_longer_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(outside, "look", lambda *_: release.wait(10))
    monkeypatch.setattr(outside, "SECONDS", -0.6)
    sight = outside.begin(URL, Settings())()
    release.set()
    assert sight is not None
    assert sight.failure is Failure.NO_ANSWER
