"""Getting in: only to a host whose key is pinned, with a key that is meant, and a reason when it fails."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from dataclasses import replace
from functools import partial
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

from behindy_ops.errors import BehindyError, Interrupted, Kind
from behindy_ops.host import connection, keys, known_hosts, patience
from behindy_ops.host.command import Command
from behindy_ops.host.host import Host
from behindy_ops.host.login import Candidate, Login
from behindy_ops.project.secret import Secret
from tests.kinds import raises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_mock import MockerFixture

    from behindy_ops.project.settings import Settings
    from tests.unit.host.ssh_server import SshServer


OF_THE_AGENT = Candidate("of the agent", b"another", paramiko.ECDSAKey.generate)


def here(server: SshServer) -> str:
    return f"[127.0.0.1]:{server.port}"


def login(server: SshServer, **changes: object) -> bool:
    with Host(server.settings(**changes)) as host:
        return host.run(Command(("true",), "try it")).ok


def test_a_key_from_a_file_or_a_secret_gets_in(server: SshServer) -> None:
    assert login(server)
    assert login(server, key_text=None, key_file=server.home / "key")


def test_no_key_but_the_given_one_is_offered_and_none_is_lent_to_the_host(server: SshServer) -> None:
    settings = server.settings()
    (config,) = connection.route(settings)
    key = keys.parse(settings.key_text.reveal()) if settings.key_text else None
    login = Login(replace(config, identity_files=(server.home / "key",)), key=key)
    assert [candidate.label for candidate in login.choose([OF_THE_AGENT])] == ["BEHINDY_SSH_KEY"]
    assert not connection.build(settings, config, login).forward_agent


def test_a_connection_notices_that_the_other_end_is_gone(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(paramiko.Transport, "set_keepalive", lambda _, seconds: asked.append(seconds))
    with connection.open_connection(server.settings()) as opened:
        sent = opened.transport.sock
        assert sent.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sent.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == connection.UNACKNOWLEDGED
    assert asked == [connection.KEEPALIVE]


def test_pinned_keys_are_read_from_a_file_as_well(server: SshServer) -> None:
    file = server.home / "known_hosts"
    known_hosts.pin_to_file(file, here(server), [server.host_key])
    known_hosts.pin_to_file(file, here(server), [server.host_key])
    assert file.read_text() == server.known_hosts
    assert login(server, known_hosts_text="", known_hosts_file=file)
    file.write_text("other ssh-rsa x")
    known_hosts.pin_to_file(file, here(server), [server.host_key])
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
    for text in ("what is this", "host ssh-rsa x", "# a remark"):
        with raises(Kind.SETTINGS, match="cannot be read"):
            login(server, known_hosts_text=text)
    assert login(server, known_hosts_text=f"# a remark\r\n\r\n{server.known_hosts.rstrip()}\r\n")


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


def test_what_answers_but_does_not_speak_ssh(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", (0,))
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.listen()
        port = other.getsockname()[1]

        def answer() -> None:
            for _ in range(2):
                client, _ = other.accept()
                client.sendall(b"HTTP/1.1 400 no\r\n\r\n")
                client.close()

        threading.Thread(target=answer, daemon=True).start()
        with raises(Kind.HOST_UNREACHABLE, match="or is no SSH server: check BEHINDY_PORT"):
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


@pytest.mark.parametrize("trusted", [True, False])
def test_every_host_on_the_way_is_held_to_its_pinned_key(server: SshServer, tmp_path: Path, trusted: bool) -> None:
    settings = server.settings()
    configuration = tmp_path / "config"
    port = f"HostName 127.0.0.1\nPort {server.port}\nUser kim\nIdentityFile {tmp_path}/key\n"
    known = f"it {server.host_key.get_name()} {server.host_key.get_base64()}\n"
    configuration.write_text(f"Host gate\n{port}Host it\n{port}HostKeyAlias it\nProxyJump gate\n")
    settings = replace(
        settings, host="it", port=None, user="", ssh_config=str(configuration),
        known_hosts_text=known + (server.known_hosts if trusted else ""),
    )  # fmt: skip
    if trusted:
        connection.close(connection.open_connection(settings))
        return
    with raises(Kind.HOST_KEY_UNKNOWN) as caught:
        connection.open_connection(settings)
    assert f"BEHINDY_HOST=gate BEHINDY_PORT={server.port} inv host.trust" in caught.value.remedy


def test_a_hosts_keys_are_seen_without_a_login(server: SshServer, tmp_path: Path) -> None:
    assert known_hosts.scan("127.0.0.1", server.port) == [server.host_key]
    assert known_hosts.fingerprint(server.host_key).startswith("SHA256:")
    dial = partial(socket.create_connection, ("127.0.0.1", server.port))
    assert known_hosts.scan("::1", 22, dial=dial) == [server.host_key]
    server.close()
    with raises(Kind.HOST_UNREACHABLE, match="did not answer"):
        known_hosts.scan("127.0.0.1", server.port)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Exception, match="no host key"):
        known_hosts.scan("127.0.0.1", silent.getsockname()[1], timeout=0.05)


def test_a_protected_key_may_be_held_by_the_agent(server: SshServer) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    quick = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(1).build(b"secret")
    file = server.home / "held"
    file.write_text(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, quick).decode())
    settings = server.settings(key_text=None, key_file=file)
    held = Candidate("held (agent)", keys.parse(file.read_text(), "secret").asbytes(), OF_THE_AGENT.load)
    (config,) = connection.route(settings)
    labels = [candidate.label for candidate in Login(config, file=file).choose([OF_THE_AGENT, held])]
    assert labels == ["held (agent)", "of the agent"]  # the one that is meant comes first
    for agent in ("", "/no/such/agent"):
        login = Login(replace(config, agent=agent), file=file)
        with pytest.raises(paramiko.AuthenticationException):
            login.authenticate(None)
        assert login.unusable is not None
    with raises(Kind.LOGIN_REFUSED, match="protected by a passphrase"):
        connection.open_connection(settings)


def test_a_host_that_stays_silent_is_told_with_how_long_it_was_waited_for(
    server: SshServer, mocker: MockerFixture
) -> None:
    mocker.patch.object(Connection, "open", side_effect=TimeoutError)
    with raises(Kind.HOST_UNREACHABLE, match=f"no answer within {connection.CONNECT_TIMEOUT} s"):
        connection.open_connection(server.settings())


@pytest.mark.parametrize("through", ["a gateway", "a ProxyCommand", "a socket of another system"])
def test_where_the_system_cannot_tell_that_a_peer_is_dead_ssh_still_does(
    through: str, mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = mocker.Mock()
    if through == "a gateway":  # its channel stands for the socket
        opened.transport.sock = object()
    elif through == "a ProxyCommand":
        opened.transport.sock = mocker.Mock(spec=socket.socket, family=socket.AF_UNIX)
    else:
        monkeypatch.delattr(socket, "TCP_USER_TIMEOUT")
        opened.transport.sock = mocker.Mock(spec=socket.socket, family=socket.AF_INET)
    connection._notice_dead_peers(opened)
    opened.transport.set_keepalive.assert_called_once_with(connection.KEEPALIVE)
    if through == "a ProxyCommand":
        opened.transport.sock.setsockopt.assert_not_called()
    elif through != "a gateway":
        opened.transport.sock.setsockopt.assert_called_once_with(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def line_for(server: SshServer, key: paramiko.PKey | None = None, *, name: str = "", marker: str = "") -> str:
    shown = key or server.host_key
    return f"{marker}{name or f'[127.0.0.1]:{server.port}'} {shown.get_name()} {shown.get_base64()}\n"


OTHER = paramiko.ECDSAKey.generate()


@pytest.mark.parametrize(
    "before",
    [
        b"@cert-authority *.example.org ssh-ed25519 AAAA\n",
        b"@cert-authority * not a key\n",
        b"@unknown x y z\n",
        b"two  blanks   ssh-rsa\n",
        b"# \xff\xfe\n\xff ssh-rsa AAAA\n",
        b"host ssh-rsa x\n",
        b"one-word\n\n   \n",
    ],
)
def test_a_line_that_cannot_be_read_spoils_no_other(server: SshServer, before: bytes) -> None:
    file = server.home / "known_hosts"
    file.write_bytes(before + line_for(server).replace(" ", "   ").encode())
    assert login(server, known_hosts_text="", known_hosts_file=file)
    known_hosts.pin_to_file(file, here(server), [OTHER])
    assert file.read_bytes().startswith(before)
    assert login(server, known_hosts_text="", known_hosts_file=file)


def test_a_host_may_show_any_of_the_keys_that_are_pinned_for_it(server: SshServer) -> None:
    assert login(server, known_hosts_text=line_for(server, OTHER) + line_for(server))
    assert login(server, known_hosts_text=line_for(server) + line_for(server, OTHER))


def test_a_revoked_key_is_refused_whatever_else_is_pinned(server: SshServer) -> None:
    for text in (line_for(server) + line_for(server, marker="@revoked "), line_for(server, marker="@revoked ")):
        with raises(Kind.HOST_KEY_CHANGED):
            login(server, known_hosts_text=text)
    assert login(server, known_hosts_text=line_for(server) + line_for(server, OTHER, marker="@revoked "))


def test_what_is_pinned_for_one_name_counts_for_no_other(server: SshServer) -> None:
    file = server.home / "known_hosts"
    file.write_text(line_for(server, OTHER, name=f"gateway,{here(server)}"))
    pinned = known_hosts.Pinned.read(file.read_text() + line_for(server))
    assert pinned.of(here(server)) == [OTHER, server.host_key]
    assert pinned.of("gateway") == [OTHER]
    with raises(Kind.HOST_KEY_UNKNOWN):
        login(server, known_hosts_text=line_for(server, name="elsewhere"))


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        ("*.example.org", True),
        ("*.example.org,!prod.example.org", False),
        ("PROD.example.org", True),
        ("pro?.example.org", True),
        ("prod.example.orgx", False),
        ("hashed: prod.example.org", True),
        ("hashed: other.example.org", False),
        ("[prod.example.org]:22", False),
    ],
)
def test_names_are_matched_as_openssh_matches_them(server: SshServer, names: str, meant: bool) -> None:
    if names.startswith("hashed: "):
        names = paramiko.HostKeys.hash_host(names.removeprefix("hashed: "))
    pinned = known_hosts.Pinned.read(line_for(server, name=names))
    assert bool(pinned.of("prod.example.org")) is meant


def test_a_file_of_pinned_keys_keeps_its_mode_and_its_place(server: SshServer, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("# mine\n")
    (tmp_path / "real").chmod(0o640)
    link = tmp_path / "known_hosts"
    link.symlink_to("real")
    known_hosts.pin_to_file(link, here(server), [server.host_key])
    assert (link.is_symlink(), (tmp_path / "real").stat().st_mode & 0o777) == (True, 0o640)
    assert login(server, known_hosts_text="", known_hosts_file=link)


def test_without_a_key_in_the_settings_those_of_the_configuration_are_tried_with_the_passphrase(
    server: SshServer,
) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    quick = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(1).build(b"word")
    file = server.home / "protected"
    file.write_text(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, quick).decode())
    file.chmod(0o600)
    server.further_client_keys = [keys.parse(file.read_text(), "word")]
    configuration = server.home / "config"
    configuration.write_text(f"IdentityFile {file}\nIdentityAgent none\n")
    settings = server.settings(key_text=None, ssh_config=str(configuration))
    connection.close(connection.open_connection(replace(settings, key_passphrase=Secret("word"))))
    with raises(Kind.LOGIN_REFUSED, match="there was no key to offer") as caught:
        connection.open_connection(settings)
    assert caught.value.lines == (f"not offered: {file}: {file} is protected by a passphrase.",)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError("timed out"), "no answer within 15 s"),
        (OSError(113, "No route to host"), "No route to host"),
        (paramiko.SSHException("Incompatible version"), "Incompatible version"),
        (EOFError(), "EOFError"),
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
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


class Limits:
    """Hangs up on so many connections before its greeting, then hands them to a server, as sshd does that limits them.

    Attributes:
        seen: how many connections there were.
    """

    def __init__(self, server: SshServer, refused: int, said: bytes = b"") -> None:
        self._server = server
        self._refused = refused
        self._said = said
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.seen = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def settings(self, **changes: object) -> Settings:
        return self._server.settings(
            port=self.port,
            known_hosts_text=self._server.known_hosts.replace(str(self._server.port), str(self.port)),
            **changes,
        )

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                self.seen += 1
                if self.seen <= self._refused:
                    client.sendall(self._said)
                    client.close()
                    continue
                to = socket.create_connection(("127.0.0.1", self._server.port))
                for ends in ((client, to), (to, client)):
                    threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError), source:
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def limits(server: SshServer) -> Iterator[Callable[..., Limits]]:
    made: list[Limits] = []

    def limit(refused: int, said: bytes = b"") -> Limits:
        made.append(Limits(server, refused, said))
        return made[-1]

    yield limit
    for limited in made:
        limited.close()


@pytest.mark.parametrize("said", [b"", b"Exceeded MaxStartups\r\n", b"Not allowed at this time\r\n"])
def test_a_server_that_limits_connections_is_asked_again(said: bytes, limits: Callable[..., Limits]) -> None:
    there, told, slept = limits(3, said), list[str](), list[float]()
    with connection.open_connection(there.settings(), tell=told.append, sleep=slept.append) as opened:
        assert opened.transport.is_active()
    assert (there.seen, slept) == (4, [1, 2, 4])
    assert told[0] == "the server hung up before its greeting; try 2 of 6 follows"


def test_a_server_that_goes_on_hanging_up_is_named_after_half_a_minute(limits: Callable[..., Limits]) -> None:
    there, slept = limits(99), list[float]()
    with raises(Kind.HOST_UNREACHABLE, match="hung up before its greeting, 6 times in 30 s") as caught:
        connection.open_connection(there.settings(), sleep=slept.append)
    assert (there.seen, sum(slept)) == (6, 30)
    assert "MaxStartups" in caught.value.remedy
    assert "BEHINDY_PORT" in caught.value.remedy


def test_the_pause_between_two_tries_is_told_and_ends_with_a_signal(limits: Callable[..., Limits]) -> None:
    there, told = limits(99), list[str]()

    def check() -> None:
        if told:
            raise Interrupted("Stopped.", signal_number=15)

    with pytest.raises(Interrupted), Host(there.settings(), check=check, tell=told.append):
        pass
    assert (there.seen, len(told)) == (1, 1)


@pytest.mark.parametrize("error", [paramiko.AuthenticationException(), TimeoutError(), ConnectionRefusedError()])
def test_nothing_else_is_tried_again(error: Exception, server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[bool] = []

    def fail(_: Connection) -> None:
        tried.append(True)
        raise error

    monkeypatch.setattr(Connection, "open", fail)
    with pytest.raises(BehindyError):
        connection.open_connection(server.settings())
    assert tried == [True]


def test_a_server_that_is_silent_is_waited_for_once(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, raises(Kind.HOST_UNREACHABLE, match="no answer within"):
        login(server, port=silent.getsockname()[1])


def test_a_host_is_asked_for_one_key_by_one_connection_and_for_others_only_where_that_is_not_enough(
    server: SshServer, limits: Callable[..., Limits], mocker: MockerFixture, caplog: pytest.LogCaptureFixture
) -> None:
    other = paramiko.RSAKey.generate(2048)
    server.further_key = other
    there = limits(0)
    assert known_hosts.scan("127.0.0.1", there.port) == [server.host_key]
    assert there.seen == 1
    assert known_hosts.scan("127.0.0.1", there.port, first=["ssh-rsa"]) == [other]
    assert there.seen == 2
    assert known_hosts.scan("127.0.0.1", there.port, enough=lambda keys: other in keys) == [server.host_key, other]
    assert there.seen == 4
    logging.getLogger("paramiko").setLevel(logging.NOTSET)
    assert len(known_hosts.scan("127.0.0.1", there.port, enough=lambda _: False)) == 2
    assert not caplog.records  # of Paramiko, which would show a traceback for a type that the host has not
    limited = limits(1)
    mocker.patch("time.sleep")
    assert known_hosts.scan("127.0.0.1", limited.port) == [server.host_key]
