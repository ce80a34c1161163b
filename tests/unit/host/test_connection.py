"""Getting in: only to a host whose key is pinned, with a key that is meant, and a reason when it fails."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from fabric import Connection

from behindy_ops.errors import Kind
from behindy_ops.host import connection, keys, known_hosts
from behindy_ops.host.command import Command
from behindy_ops.host.host import Host
from behindy_ops.project.secret import Secret
from tests.kinds import raises

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.host.ssh_server import SshServer


def login(server: SshServer, **changes: object) -> bool:
    with Host(server.settings(**changes)) as host:
        return host.run(Command(("true",), "try it")).ok


def test_a_key_from_a_file_or_a_secret_gets_in(server: SshServer) -> None:
    assert login(server)
    assert login(server, key_text=None, key_file=server.home / "key")


def test_pinned_keys_are_read_from_a_file_as_well(server: SshServer) -> None:
    file = server.home / "known_hosts"
    known_hosts.pin_to_file(file, "127.0.0.1", server.port, [server.host_key])
    known_hosts.pin_to_file(file, "127.0.0.1", server.port, [server.host_key])
    assert file.read_text() == server.known_hosts
    assert login(server, known_hosts_text="", known_hosts_file=file)
    file.write_text("other ssh-rsa x")
    known_hosts.pin_to_file(file, "127.0.0.1", server.port, [server.host_key])
    assert file.read_text() == f"other ssh-rsa x\n{server.known_hosts}"


def test_an_unknown_host_is_refused_with_its_fingerprint(server: SshServer) -> None:
    with raises(Kind.HOST_KEY_UNKNOWN, match="not pinned"):
        login(server, known_hosts_text="")


def test_a_changed_host_key_is_refused(server: SshServer) -> None:
    other = paramiko.ECDSAKey.generate()
    text = server.known_hosts.replace(server.host_key.get_base64(), other.get_base64())
    with raises(Kind.HOST_KEY_CHANGED, match="BEHINDY_KNOWN_HOSTS|pinned"):
        login(server, known_hosts_text=text)


def test_pinned_keys_that_cannot_be_read_are_a_mistake_in_the_settings(server: SshServer) -> None:
    with raises(Kind.SETTINGS, match="cannot be read"):
        login(server, known_hosts_text="what is this")


def test_a_login_that_is_refused_names_who_was_refused(server: SshServer) -> None:
    with raises(Kind.LOGIN_REFUSED, match="lee@"):
        login(server, user="lee")


def test_a_host_that_does_not_answer_is_told_why(server: SshServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with raises(Kind.HOST_UNREACHABLE, match="connection refused"):
            login(server, port=taken.getsockname()[1])
    with raises(Kind.HOST_UNREACHABLE, match="does not resolve"):
        login(server, host="a..b")


def test_what_answers_but_does_not_speak_ssh(server: SshServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.listen()
        port = other.getsockname()[1]

        def answer() -> None:
            client, _ = other.accept()
            client.sendall(b"HTTP/1.1 400 no\r\n\r\n")
            client.close()

        threading.Thread(target=answer, daemon=True).start()
        with raises(Kind.HOST_UNREACHABLE):
            login(server, port=port)


def test_a_protected_key_without_its_passphrase_is_refused(server: SshServer) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    quick = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(1).build(b"secret")
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, quick).decode()
    file = server.home / "protected"
    file.write_text(text)
    with raises(Kind.LOGIN_REFUSED, match="passphrase"):
        login(server, key_text=Secret(text))
    with raises(Kind.LOGIN_REFUSED):
        login(server, key_text=None, key_file=file, key_passphrase=Secret("wrong"))
    assert keys.parse(text, "secret").get_name() == "ssh-ed25519"


def test_keys_are_read_as_secrets_deliver_them() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    for form in (text, text.rstrip("\n"), text.replace("\n", "\r\n"), text.replace("\n", "\\n"), f"\n\n{text}"):
        assert keys.parse(form, "a passphrase it has not").get_name() == "ssh-ed25519"
    with raises(Kind.LOGIN_REFUSED, match="not a private key"):
        keys.parse("x")
    odd = ed448.Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with raises(Kind.LOGIN_REFUSED, match="of a kind"):
        keys.parse(odd)


def test_every_host_on_the_way_is_held_to_its_pinned_key() -> None:
    gateway = Connection("gateway")
    known_hosts.pin(Connection("host", gateway=gateway), file=None, text="")
    with raises(Kind.HOST_KEY_UNKNOWN):
        gateway.client._policy.missing_host_key(gateway.client, "gateway", paramiko.ECDSAKey.generate())


def test_a_hosts_keys_are_seen_without_a_login(server: SshServer, tmp_path: Path) -> None:
    assert known_hosts.scan("127.0.0.1", server.port) == [server.host_key]
    assert known_hosts.fingerprint(server.host_key).startswith("SHA256:")
    connected = socket.create_connection(("127.0.0.1", server.port))
    assert known_hosts.scan("127.0.0.1", server.port, sock=connected) == [server.host_key]
    server.close()
    with raises(Kind.HOST_UNREACHABLE, match="did not answer"):
        known_hosts.scan("127.0.0.1", server.port)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Exception, match="no host key"):
        known_hosts.scan("127.0.0.1", silent.getsockname()[1], timeout=0.05)


def test_without_a_key_in_the_settings_those_of_the_user_are_tried_with_the_passphrase(server: SshServer) -> None:
    offered = connection.build(server.settings(key_text=None, key_passphrase=Secret("word"))).connect_kwargs
    assert offered["passphrase"] == "word"
    assert offered.keys().isdisjoint({"pkey", "allow_agent", "look_for_keys"})
    assert "passphrase" not in connection.build(server.settings(key_text=None)).connect_kwargs


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError("timed out"), "no answer within 15 s"),
        (OSError(113, "No route to host"), "No route to host"),
        (paramiko.SSHException("Incompatible version"), "Incompatible version"),
        (EOFError(), "EOFError"),
    ],
)
def test_why_a_host_cannot_be_reached_is_told(
    error: Exception, reason: str, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Connection) -> None:
        raise error

    monkeypatch.setattr(Connection, "open", fail)
    with raises(Kind.HOST_UNREACHABLE) as caught:
        connection.open_connection(server.settings())
    assert caught.value.what == f"Cannot reach kim@[127.0.0.1]:{server.port}: {reason}."
