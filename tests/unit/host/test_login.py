"""Which keys are offered, in which order, and what comes of a key that cannot be used."""

from __future__ import annotations

import base64
import contextlib
import socket
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko
import pytest

from behindy_ops.host import login
from behindy_ops.host.login import Agent, Candidate, Login, candidates
from behindy_ops.host.ssh_config import SshConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def key(name: str) -> Candidate:
    return Candidate(name, name.encode(), paramiko.ECDSAKey.generate)


def held(name: str) -> Candidate:
    return Candidate(f"{name} (agent)", name.encode(), paramiko.ECDSAKey.generate)


@pytest.mark.parametrize(
    ("files", "agent", "only", "order"),
    [
        ("ab", "", False, ["a", "b"]),
        ("ab", "xb", False, ["b (agent)", "x (agent)", "a"]),
        ("ab", "xb", True, ["b (agent)", "a"]),
        ("ab", "ba", True, ["b (agent)", "a (agent)"]),  # in the agent's order
        ("", "xy", False, ["x (agent)", "y (agent)"]),
        ("", "xy", True, []),
    ],
)
def test_keys_are_offered_in_the_order_of_openssh(files: str, agent: str, only: bool, order: list[str]) -> None:
    chosen = candidates(map(key, files), [key("certificate")], map(held, agent), identities_only=only)
    assert [candidate.label for candidate in chosen] == ["certificate", *order]


def make(place: Path, kind: str, name: str = "key", word: str = "") -> Path:
    file = place / name
    bits = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *bits, "-N", word, "-f", str(file)], check=True)
    return file


def certify(file: Path) -> bytes:
    ca = make(file.parent, "ed25519", f"{file.name}-ca")
    subprocess.run(["ssh-keygen", "-q", "-s", str(ca), "-I", "x", "-n", "kim", f"{file}.pub"], check=True)
    return base64.b64decode(file.with_name(f"{file.name}-cert.pub").read_text().split()[1])


def blob_of(file: Path) -> bytes:
    return base64.b64decode(Path(f"{file}.pub").read_text().split()[1])


def sent_by(candidate: Candidate) -> bytes:
    """What is sent in place of the public key."""
    sent = candidate.load().public_blob
    assert sent
    return bytes(sent.key_blob)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_is_known_by_its_public_half_and_its_certificate(kind: str, tmp_path: Path) -> None:
    file = make(tmp_path, kind)
    certificate = certify(file)
    plain, certified = login.from_file(file, "")
    assert (plain.blob, certified.blob) == (blob_of(file), certificate)
    assert login.plain_key(certificate) == blob_of(file)
    assert login.fingerprint(certificate) == login.fingerprint(blob_of(file))
    assert plain.load().public_blob is None
    assert sent_by(certified) == certificate
    assert [candidate.label for candidate in login.from_file(file, "", implied=False)] == [str(file)]


def test_the_public_half_is_read_from_the_private_key_too_even_if_that_is_protected(tmp_path: Path) -> None:
    for word in ("", "correct horse"):
        file = make(tmp_path, "ed25519", f"key{len(word)}", word)
        blob = blob_of(file)
        Path(f"{file}.pub").unlink()
        assert [candidate.blob for candidate in login.from_file(file, "")] == [blob]
    with pytest.raises(Exception, match="protected"):
        login.from_file(file, "")[0].load()
    assert login.from_file(file, "correct horse")[0].load().asbytes() == blob


@pytest.mark.parametrize("text", ["", "x", "ssh-rsa !", "ssh-rsa AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----\nx"])
def test_what_is_no_key_is_offered_to_nobody(text: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    assert login.from_file(file, "") == []
    file.write_text(text)
    file.chmod(0o600)
    (candidate,) = login.from_file(file, "")
    with pytest.raises(Exception, match="not a private key"):
        candidate.load()
    assert login.from_certificate(file, []) == []


def test_a_certificate_counts_with_the_private_key_that_it_is_for(tmp_path: Path) -> None:
    file = make(tmp_path, "ed25519")
    certificate = certify(file)
    other = make(tmp_path, "ed25519", "other")
    named = Path(f"{file}-cert.pub").rename(tmp_path / "named")
    assert login.from_certificate(named, login.from_file(other, "")) == []
    config = SshConfig("it", "it", 22, "kim", identity_files=(other, file), certificate_files=(named, tmp_path / "no"))
    chosen = Login(config).choose([])
    assert [candidate.label for candidate in chosen] == [str(named), str(other), str(file)]
    assert sent_by(chosen[0]) == certificate
    assert login.plain_key(b"\0\0\0\1x") == b""


class Transport:
    """Says of each key in turn what it was prepared to say."""

    def __init__(self, *answers: object, hangs_up: bool = False) -> None:
        self._answers = list(answers)
        self._hangs_up = hangs_up
        self.asked: list[str] = []
        self.auth_timeout = 15

    def auth_publickey(self, user: str, key: paramiko.PKey) -> Any:
        self.asked.append(f"{user} {key.get_name()}")
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def auth_interactive_dumb(self, user: str) -> None:
        self.asked.append(f"{user} is asked")

    def is_active(self) -> bool:
        return not self._hangs_up


UNSIGNED: Any = b""
REFUSED = paramiko.AuthenticationException()


@pytest.fixture
def two(tmp_path: Path) -> Login:
    files = tuple(make(tmp_path, kind, kind) for kind in ("ed25519", "ecdsa"))
    return Login(SshConfig("it", "it", 22, "kim", identity_files=(tmp_path / "missing", *files)))


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([[]], ["kim ssh-ed25519"]),
        ([REFUSED, []], ["kim ssh-ed25519", "kim ecdsa-sha2-nistp256"]),
        ([["publickey"], []], ["kim ssh-ed25519", "kim ecdsa-sha2-nistp256"]),  # both are wanted
        ([["keyboard-interactive"]], ["kim ssh-ed25519", "kim is asked"]),
    ],
)
def test_keys_are_offered_until_the_server_has_enough(answers: list[object], asked: list[str], two: Login) -> None:
    transport = Transport(*answers)
    two.authenticate(transport)
    assert transport.asked == asked


@pytest.mark.parametrize(
    ("transport", "offered", "cut_off"),
    [
        (lambda: Transport(REFUSED, REFUSED), 2, False),
        (lambda: Transport(paramiko.SSHException("gone"), hangs_up=True), 1, True),
        (lambda: Transport(paramiko.BadAuthenticationType("no", ["password"])), 1, False),
    ],
)
def test_a_login_that_fails_knows_what_was_offered(
    transport: Callable[[], Transport], offered: int, cut_off: bool, two: Login
) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        two.authenticate(transport())
    assert (len(two.offered), two.cut_off) == (offered, cut_off)
    assert "SHA256:" in two.offered[0]


def test_a_key_that_cannot_be_read_is_named_and_passed_over(two: Login, tmp_path: Path) -> None:
    (tmp_path / "ed25519").chmod(0o640)
    transport = Transport([])
    two.authenticate(transport)
    assert transport.asked == ["kim ecdsa-sha2-nistp256"]
    assert "chmod 600" in two.skipped[0]
    half = make(tmp_path, "ed25519", "half")
    half.unlink()
    login = Login(SshConfig("it", "it", 22, "kim", identity_files=(half,)))
    with pytest.raises(paramiko.AuthenticationException):
        login.authenticate(Transport())
    assert "No such file" in login.skipped[0]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Callable[[bytes], Path]]:
    """Starts an agent that says one thing to all, whatever it is asked."""
    sockets: list[socket.socket] = []

    def start(answer: bytes) -> Path:
        path = tmp_path / f"agent{len(sockets)}"
        sockets.append(socket.socket(socket.AF_UNIX))
        sockets[-1].bind(str(path))
        sockets[-1].listen()
        threading.Thread(target=serve, args=(sockets[-1], answer), daemon=True).start()
        return path

    def serve(listening: socket.socket, answer: bytes) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                with client:
                    while client.recv(65536):
                        client.sendall(len(answer).to_bytes(4) + answer)

    yield start
    for listening in sockets:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def test_an_agent_that_will_not_sign_ends_no_connection(agent: Callable[[bytes], Path], tmp_path: Path) -> None:
    message = paramiko.Message()
    message.add_byte(b"\x0c")
    message.add_int(1)
    message.add_string(blob_of(make(tmp_path, "ed25519")))
    message.add_string(b"")
    with contextlib.closing(Agent(str(agent(message.asbytes())))) as held:
        (candidate,) = login.from_agent(held)
        assert candidate.label == "a key (agent)"
        assert candidate.load().sign_ssh_data(b"data") == UNSIGNED


def test_an_agent_that_cannot_be_used_is_named_and_done_without(agent: Callable[[bytes], Path], two: Login) -> None:
    for path in (agent(b"\x05"), Path("/no/such/agent")):
        login = Login(SshConfig("it", "it", 22, "kim", identity_files=two._config.identity_files, agent=str(path)))
        login.authenticate(Transport([]))
        assert login.skipped[0].startswith(f"the agent at {path}: ")


def test_a_login_is_given_longer_where_a_person_may_have_to_touch_a_key(tmp_path: Path) -> None:
    key = login._Held(Agent(""), blob_of(make(tmp_path, "ed25519")))
    transport = Transport([])
    Login(SshConfig("it", "it", 22, "kim"))._log_in(transport, [Candidate("held", key.blob, lambda: key)])
    assert transport.auth_timeout == login.TOUCH_TIMEOUT
