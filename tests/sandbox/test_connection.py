"""Getting in, and every way of not getting in: each with its own error, exit code, and nothing changed."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from dotenv import dotenv_values

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.host import connection, keys
from behindy_ops.host import known_hosts as hostkeys
from behindy_ops.project.settings import Settings
from tests.kinds import raises
from tests.sandbox.support import ROOT, Ran, containers, deploy, environment, inv, live_release, on_host, wait_for

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo

FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"
"""Also with numbers of sessions between the least that works and what sshd is shipped with."""

SECRET = "correct horse battery staple"


def status(**changes: str) -> Ran:
    return inv("deploy.status", env=environment(**changes), timeout=60)


def other_key() -> paramiko.PKey:
    key: paramiko.PKey = paramiko.ECDSAKey.generate()
    return key


def known_line(sandbox: SandboxInfo, key: paramiko.PKey) -> str:
    return f"[127.0.0.1]:{sandbox.ssh.port} {key.get_name()} {key.get_base64()}\n"


def test_an_unknown_host_key_is_refused_and_named(sandbox: SandboxInfo, tmp_path: Path) -> None:
    ran = status(BEHINDY_KNOWN_HOSTS_FILE=str(tmp_path / "none"))
    assert ran.code == 12, ran.said
    assert "SHA256:" in ran.err
    assert "inv host.trust" in ran.err
    assert not (tmp_path / "none").exists()


def test_a_changed_host_key_is_refused_and_nothing_is_sent(sandbox: SandboxInfo, tmp_path: Path) -> None:
    other = tmp_path / "known_hosts"
    other.write_text(known_line(sandbox, other_key()))
    ran = status(BEHINDY_KNOWN_HOSTS_FILE=str(other))
    assert ran.code == 13, ran.said
    assert "another host key" in ran.err


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_one_pinned_key_of_any_kind_is_enough(sandbox: SandboxInfo, kind: str, tmp_path: Path) -> None:
    lines = Path(sandbox.ssh.known_hosts_file).read_text().splitlines()
    pinned = next(line for line in lines if kind in line)
    known = tmp_path / "known_hosts"
    known.write_text("")
    assert status(BEHINDY_KNOWN_HOSTS_FILE=str(known), BEHINDY_KNOWN_HOSTS=pinned).code == 0


def test_a_wrong_key_is_refused_by_its_own_name(sandbox: SandboxInfo, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(wrong)], check=True)
    ran = status(BEHINDY_SSH_KEY_FILE=str(wrong), SSH_AUTH_SOCK="")
    assert ran.code == 14, ran.said
    assert "authorized_keys" in ran.err


def test_an_unreachable_host_and_a_name_that_does_not_exist(sandbox: SandboxInfo) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ran = status(BEHINDY_PORT=port)
    assert (ran.code, "connection refused" in ran.err) == (11, True), ran.said
    ran = status(BEHINDY_HOST="no-such-host.invalid", BEHINDY_PORT="22")
    assert (ran.code, "does not resolve" in ran.err) == (11, True), ran.said


def explicit(sandbox: SandboxInfo, home: Path, **changes: str) -> dict[str, str]:
    """As a CI runner has it: no agent, no configuration, no settings file, all in the environment."""
    base = {name: value for name, value in environment().items() if name not in ("BEHINDY_ENV", "SSH_AUTH_SOCK")}
    return base | {
        "HOME": str(home),
        "BEHINDY_SSH_CONFIG": "none",
        "BEHINDY_HOST": "127.0.0.1",
        "BEHINDY_PORT": str(sandbox.ssh.port),
        "BEHINDY_USER": "ubuntu",
        "BEHINDY_KNOWN_HOSTS": Path(sandbox.ssh.known_hosts_file).read_text(),
        "BEHINDY_IMAGE_PREFIX": sandbox.image_prefix,
        **changes,
    }


def authorize(public: str) -> None:
    on_host("sh", "-c", 'printf "%s\\n" "$1" >> /home/ubuntu/.ssh/authorized_keys', "sh", public.strip())


KINDS = {"ed25519": ("-t", "ed25519"), "ecdsa": ("-t", "ecdsa", "-b", "384"), "rsa": ("-t", "rsa", "-b", "2048")}
DELIVERIES: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "without a last newline": lambda text: text.rstrip("\n"),
    "with CRLF": lambda text: text.replace("\n", "\r\n"),
    "with blank lines around": lambda text: f"\n\n{text}\n\n",
}


@pytest.mark.parametrize("kind", KINDS)
def test_key_text_logs_in_as_secrets_deliver_it(sandbox: SandboxInfo, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", *KINDS[kind], "-N", SECRET, "-f", str(file)], check=True)
    authorize(file.with_suffix(".pub").read_text())
    deliver = dict(zip(KINDS, list(DELIVERIES.values())[1:], strict=True))[kind]
    ran = inv(
        "deploy.status",
        env=explicit(sandbox, tmp_path, BEHINDY_SSH_KEY=deliver(file.read_text()), BEHINDY_SSH_KEY_PASSPHRASE=SECRET),
    )
    assert ran.code == 0, ran.said


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key_is_read_in_every_delivery(kind: str, delivery: str, tmp_path: Path) -> None:
    for passphrase in ("", SECRET):
        file = tmp_path / f"key{len(passphrase)}"
        subprocess.run(["ssh-keygen", "-q", *KINDS[kind], "-N", passphrase, "-f", str(file)], check=True)
        key = keys.parse(DELIVERIES[delivery](file.read_text()), passphrase)
        public = file.with_suffix(".pub").read_text().split()
        assert (key.get_name(), key.get_base64()) == (public[0], public[1])


def test_a_missing_or_wrong_passphrase_is_told_apart_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", SECRET, "-f", str(file)], check=True)
    with raises(Kind.LOGIN_REFUSED, match="protected by a passphrase"):
        keys.parse(file.read_text())
    with raises(Kind.LOGIN_REFUSED, match="cannot be opened") as caught:
        keys.parse(file.read_text(), "wrong horse")
    assert "wrong horse" not in str(caught.value)
    with raises(Kind.LOGIN_REFUSED, match="not a private key"):
        keys.parse("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----")


def configured(config: Path, **changes: str) -> dict[str, str]:
    """As somebody has it who keeps everything in an SSH configuration: no settings file, no agent."""
    base = {name: value for name, value in environment().items() if name != "BEHINDY_ENV"}
    return base | {"BEHINDY_SSH_CONFIG": str(config), "SSH_AUTH_SOCK": "", "BEHINDY_IMAGE_PREFIX": "x", **changes}


def test_ssh_config_gives_name_user_port_key_and_jump(sandbox: SandboxInfo, tmp_path: Path) -> None:
    config, known = tmp_path / "config", tmp_path / "known_hosts"
    common = f"User ubuntu\n IdentityFile {sandbox.ssh.key_file}\n UserKnownHostsFile {known}\n"
    config.write_text(
        f"Host gate\n HostName 127.0.0.1\n Port {sandbox.ssh.port}\n {common}"
        f"Host behind\n HostName localhost\n Port 22\n ProxyJump gate\n {common}"
    )
    pinned = Path(sandbox.ssh.known_hosts_file).read_text()
    inner = pinned.replace(f"[127.0.0.1]:{sandbox.ssh.port}", "localhost")
    known.write_text(pinned)
    assert inv("deploy.status", env=configured(config, BEHINDY_HOST="gate")).code == 0
    through = inv("deploy.status", env=configured(config, BEHINDY_HOST="behind"))
    assert through.code == 12, through.said  # the gate is trusted, the host behind it is not yet
    known.write_text(pinned + inner)
    assert inv("deploy.status", env=configured(config, BEHINDY_HOST="behind")).code == 0
    known.write_text(inner)
    stranger = inv("deploy.status", env=configured(config, BEHINDY_HOST="behind"))
    assert (stranger.code, "BEHINDY_HOST=gate" in stranger.err) == (12, True), stranger.said


AWS = """#!{python}
import os, socket, sys, threading
wanted = "ssm start-session --target i-0123456789abcdef0 --document-name AWS-StartSSHSession --parameters portNumber=22"
if " ".join(sys.argv[1:]) != wanted or os.path.exists("{expired}"):
    sys.exit("An error occurred (ExpiredTokenException) when calling the StartSession operation")
far = socket.create_connection(("127.0.0.1", {port}))

def forth():
    while data := os.read(0, 65536):
        far.sendall(data)
    far.shutdown(socket.SHUT_WR)

threading.Thread(target=forth, daemon=True).start()
while data := far.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
"""
"""In the place of AWS's own command: it leads to sshd, unless its credentials have expired."""


def test_with_port_22_closed_the_documented_command_leads_there_and_says_why_it_does_not(
    sandbox: SandboxInfo, tmp_path: Path, release: Callable[..., str], live_services: None
) -> None:
    document = (ROOT / "docs/access.md").read_text()
    (block,) = re.findall(r"^```\n(Host behindy\n.*?)^```", document, re.MULTILINE | re.DOTALL)
    config, known, expired, aws = (tmp_path / name for name in ("config", "known_hosts", "expired", "aws"))
    asked = block.replace("ProxyCommand aws", f"ProxyCommand {aws}")
    config.write_text(f"{asked}  IdentityFile {sandbox.ssh.key_file}\n  UserKnownHostsFile {known}\n")
    aws.write_text(AWS.format(python=sys.executable, expired=expired, port=sandbox.ssh.port))
    aws.chmod(0o755)
    there = {name: value or "" for name, value in dotenv_values(ROOT / ".env.sandbox").items()}
    theirs = {name: value for name, value in there.items() if not re.search("HOST$|PORT$|USER$|SSH_|KNOWN", name)}
    env = configured(config, **theirs, BEHINDY_HOST="behindy")
    first = inv("deploy.status", env=env)
    assert first.code == 12, first.said  # that host is not known by this name yet
    pinned = Path(sandbox.ssh.known_hosts_file).read_text().splitlines()[0]
    shown = subprocess.run(["ssh-keygen", "-lf", "-"], input=pinned, capture_output=True, text=True, check=True).stdout
    inv("host.trust", "--fingerprint", shown.split()[1], env=env).ok()
    assert known.read_text().startswith("i-0123456789abcdef0 ")
    inv("deploy.frontend", "--tag", release("frontend", "by-ssm"), "--watch", "0", env=env).ok()
    assert live_release("frontend") == "by-ssm"
    expired.touch()
    ran = inv("deploy.status", env=env)
    assert (ran.code, "ExpiredTokenException" in ran.err) == (11, True), ran.said


def test_a_running_agent_is_used_and_never_forwarded(sandbox: SandboxInfo, tmp_path: Path) -> None:
    with agent(tmp_path / "agent", Path(sandbox.ssh.key_file)):
        config = tmp_path / "config"
        config.write_text(
            f"Host it\n HostName 127.0.0.1\n Port {sandbox.ssh.port}\n User ubuntu\n ForwardAgent yes\n"
            f"UserKnownHostsFile {sandbox.ssh.known_hosts_file}\n"
        )
        ran = inv("deploy.status", env=configured(config, SSH_AUTH_SOCK=str(tmp_path / "agent"), BEHINDY_HOST="it"))
        assert ran.code == 0, ran.said


@contextlib.contextmanager
def agent(path: Path, *files: Path) -> Iterator[None]:
    """An agent that holds keys, and the certificates beside them."""
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    try:
        wait_for(path.exists)
        environ = {**os.environ, "SSH_AUTH_SOCK": str(path)}
        subprocess.run(["ssh-add", "-q", *map(str, files)], env=environ, check=True)
        yield
    finally:
        process.terminate()
        process.wait()


class SecurityKey:
    """An agent that has a security key: what it signs says that somebody touched it (OpenSSH's PROTOCOL.u2f)."""

    KIND = b"sk-ssh-ed25519@openssh.com"

    def __init__(self, path: Path) -> None:
        self._key = ed25519.Ed25519PrivateKey.generate()
        message = paramiko.Message()
        for part in (self.KIND, self._key.public_key().public_bytes_raw(), b"ssh:"):
            message.add_string(part)
        self.blob = message.asbytes()
        self.line = f"{self.KIND.decode()} {base64.b64encode(self.blob).decode()}"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                with client, client.makefile("rb") as asked:
                    while size := asked.read(4):
                        answer = self._answer(paramiko.Message(asked.read(int.from_bytes(size))))
                        client.sendall(len(answer).to_bytes(4) + answer)

    def _answer(self, asked: paramiko.Message) -> bytes:
        answer, kind = paramiko.Message(), asked.get_byte()
        if kind == b"\x0b":  # which keys are there
            answer.add_byte(b"\x0c")
            answer.add_int(1)
            answer.add_string(self.blob)
            answer.add_string(b"a security key")
        elif kind == b"\x0d" and asked.get_binary() == self.blob:  # sign
            touched = b"\x01" + (7).to_bytes(4)
            told = hashlib.sha256(b"ssh:").digest() + touched + hashlib.sha256(asked.get_binary()).digest()
            signature = paramiko.Message()
            signature.add_string(self.KIND)
            signature.add_string(self._key.sign(told))
            answer.add_byte(b"\x0e")
            answer.add_string(signature.asbytes() + touched)
        else:
            answer.add_byte(b"\x05")
        return answer.asbytes()


@pytest.fixture
def authorized() -> Iterator[Callable[[str], None]]:
    """Lets keys in until the test is over."""
    file = "/home/ubuntu/.ssh/authorized_keys"
    on_host("cp", "-p", file, f"{file}.before")
    yield authorize
    on_host("mv", f"{file}.before", file)


def gets_in(sandbox: SandboxInfo, place: Path, config: str) -> bool:
    """Whether one gets in with a configuration, which is the same for ssh and here."""
    file = place / "config"
    file.write_text(
        f"Host it\n{config}HostName 127.0.0.1\nPort {sandbox.ssh.port}\nUser ubuntu\nIdentitiesOnly yes\n"
        f"UserKnownHostsFile {sandbox.ssh.known_hosts_file}\nIdentityAgent none\n"
    )
    theirs = subprocess.run(
        ["ssh", "-F", str(file), "-oBatchMode=yes", "it", "true"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    why = None
    try:
        connection.close(connection.open_connection(Settings(host="it", ssh_config=str(file))))
    except BehindyError as error:
        why = error
    assert why is None or why.kind is Kind.LOGIN_REFUSED, why
    assert (why is None) == (theirs.returncode == 0), (why and why.lines, theirs.stderr)
    return why is None


def test_certificates_and_security_keys_get_in_as_with_ssh(
    sandbox: SandboxInfo, tmp_path: Path, authorized: Callable[[str], None]
) -> None:
    for name, kind in (("ca", "ed25519"), ("key", "ed25519"), ("rsa", "rsa"), ("bare", "ecdsa")):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(tmp_path / name)], check=True)
    for name in ("key", "rsa", "bare"):
        sign = ["ssh-keygen", "-q", "-s", str(tmp_path / "ca"), "-I", name, "-n", "ubuntu"]
        subprocess.run([*sign, str(tmp_path / f"{name}.pub")], check=True)
    (tmp_path / "bare-cert.pub").rename(tmp_path / "elsewhere.pub")
    sock = tmp_path / "agent"
    by_agent = f"IdentityAgent {sock}\nIdentitiesOnly no\nIdentityFile none\n"
    assert not gets_in(sandbox, tmp_path, f"IdentityFile {tmp_path}/key\n")
    authorized("cert-authority " + (tmp_path / "ca.pub").read_text())
    assert gets_in(sandbox, tmp_path, f"IdentityFile {tmp_path}/key\n")  # with the certificate beside it
    assert gets_in(sandbox, tmp_path, f"IdentityFile {tmp_path}/rsa\n")
    assert not gets_in(sandbox, tmp_path, f"IdentityFile {tmp_path}/bare\n")
    assert gets_in(sandbox, tmp_path, f"IdentityFile {tmp_path}/bare\nCertificateFile {tmp_path}/elsewhere.pub\n")
    with agent(sock, *(tmp_path / name for name in ("key", "bare"))):
        assert gets_in(sandbox, tmp_path, by_agent)  # it holds a certificate
    with agent(sock, tmp_path / "rsa"):
        assert gets_in(sandbox, tmp_path, by_agent)
    with agent(sock, tmp_path / "bare"):
        assert not gets_in(sandbox, tmp_path, by_agent)
        assert gets_in(sandbox, tmp_path, f"CertificateFile {tmp_path}/elsewhere.pub\n{by_agent}")
    key = SecurityKey(tmp_path / "security")
    touch = f"IdentityAgent {tmp_path}/security\nIdentitiesOnly no\nIdentityFile none\n"
    assert not gets_in(sandbox, tmp_path, touch)
    authorized(key.line)
    assert gets_in(sandbox, tmp_path, touch)
    (tmp_path / "security.pub").write_text(f"{key.line}\n")
    assert gets_in(sandbox, tmp_path, f"IdentityAgent {tmp_path}/security\nIdentityFile {tmp_path}/security\n")
    key.close()


def test_host_trust_pins_only_what_was_named(sandbox: SandboxInfo, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    env = environment(BEHINDY_KNOWN_HOSTS_FILE=str(known))
    asked = inv("host.trust", env=env)
    assert (asked.code, known.exists()) == (2, False), asked.said
    wrong = inv("host.trust", "--fingerprint", "SHA256:" + "A" * 43, env=env)
    assert (wrong.code, known.exists()) == (12, False), wrong.said
    shown = next(word for word in asked.out.split() if word.startswith("SHA256:"))
    inv("host.trust", "--fingerprint", shown, env=env).ok()
    assert known.stat().st_mode & 0o777 == 0o600
    assert inv("deploy.status", env=env).code == 0
    again = inv("host.trust", "--fingerprint", shown, env=env).ok()
    assert "already pinned" in again.out
    assert known.read_text().count("\n") == 1


def test_host_trust_does_not_replace_another_pinned_key(sandbox: SandboxInfo, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(known_line(sandbox, other_key()))
    before = known.read_text()
    shown = hostkeys.fingerprint(hostkeys.scan("127.0.0.1", sandbox.ssh.port)[0])
    ran = inv("host.trust", "--fingerprint", shown, env=environment(BEHINDY_KNOWN_HOSTS_FILE=str(known)))
    assert (ran.code, known.read_text()) == (13, before), ran.said


def test_all_wrong_settings_are_told_at_once(sandbox: SandboxInfo) -> None:
    ran = status(BEHINDY_HOST="bad host;", BEHINDY_PORT="99999", BEHINDY_DOMAIN="no_domain!")
    assert ran.code == 10
    for name in ("BEHINDY_HOST", "BEHINDY_PORT", "BEHINDY_DOMAIN"):
        assert name in ran.err


def test_a_hostile_tag_is_refused_before_anything_is_done(sandbox: SandboxInfo) -> None:
    ran = inv("deploy.frontend", "--tag", "x; touch /tmp/pwned")
    assert ran.code == 2
    assert "tag" in ran.err
    assert on_host("ls", "/tmp/pwned", check=False) == ""


@pytest.fixture
def noisy(sandbox: SandboxInfo) -> Iterator[None]:
    """A login that greets on both streams before any command runs, and exports what collides with ours."""
    greeting = "echo Welcome; printf '{1}'; echo noise >&2; export LANG=ko_KR.UTF-8 COMPOSE_PROFILES=apps"
    on_host("sh", "-c", f'cp -a ~ubuntu/.bashrc /root/kept.bashrc; sed -i "1i {greeting}" ~ubuntu/.bashrc')
    try:
        yield
    finally:
        on_host("sh", "-c", "mv /root/kept.bashrc ~ubuntu/.bashrc")


def test_a_login_that_greets_is_no_trouble(
    noisy: None, live_services: None, release: Callable[..., str], tmp_path: Path
) -> None:
    assert {service["service"] for service in json.loads(inv("deploy.status", "--json").ok().out)["services"]}
    deploy("frontend", release("frontend", "greeted")).ok()
    inv("deploy.rollback", "frontend", "--watch", "0").ok()
    assert "Welcome" not in inv("ops.exec", "frontend", "--", "echo", "here").ok().out
    inv("db.backup", "--to", str(tmp_path)).ok()
    assert [file.read_bytes()[:5] for file in tmp_path.iterdir()] == [b"PGDMP"]
    inv("lock.acquire", "--message", "looking").ok()
    assert "looking" in inv("deploy.frontend", "--tag", "v1").err
    inv("lock.release").ok()
    assert inv("ops.doctor").code == 0


@pytest.mark.parametrize("most", [2, 3, 4] if FULL else [2])
def test_few_sessions_on_a_connection_are_enough_for_a_deploy(
    most: int, live_services: None, release: Callable[..., str], sshd: Callable[..., None]
) -> None:
    """A good one, and one that is taken back after the switch; both watched while the previous release drains."""
    good, bad = release("frontend", f"sessions{most}"), release("frontend", "unwell", "dies-later")
    sshd(f"MaxSessions {most}")
    deploy("frontend", good, watch="3").ok()
    assert set(containers()) == {"llmserver", "backend", "frontend"}
    taken_back = deploy("frontend", bad, watch="10")
    assert taken_back.code == Kind.SWITCHED_BACK.exit_code, taken_back.said
    assert (live_release("frontend"), set(containers())) == (good, {"llmserver", "backend", "frontend"})


def test_one_session_on_a_connection_is_named(live_services: None, sshd: Callable[..., None]) -> None:
    sshd("MaxSessions 1")
    status().ok()
    checked = json.loads(inv("host.check", "--json").out)
    found = [check for check in checked["checks"] if check["name"] == "sessions"]
    assert [(check["level"], check["problem"]) for check in found] == [("refusal", "one session")]
    before = containers()
    refused = deploy("frontend", live_release("frontend"), "--force")
    assert refused.code == Kind.HOST_NOT_READY.exit_code, refused.said
    assert "MaxSessions 10" in refused.said
    assert containers() == before


def test_a_server_that_takes_no_more_connections_for_now_is_asked_again(
    sandbox: SandboxInfo, sshd: Callable[..., None]
) -> None:
    sshd("MaxStartups 1:100:1", "PerSourcePenalties no")
    wait_for(lambda: not on_host("pgrep", "-f", "sshd.*\\[preauth\\]", check=False), 5, "that nobody else logs in")
    with socket.create_connection(("127.0.0.1", sandbox.ssh.port)) as other:  # it never logs in
        assert other.recv(4) == b"SSH-"
        threading.Timer(1.5, other.shutdown, [socket.SHUT_RDWR]).start()
        ran = status()
    assert ran.code == 0, ran.said
    assert ran.seconds > 1


def test_host_trust_and_a_task_after_it_get_in_where_an_address_is_penalized(
    sandbox: SandboxInfo, sshd: Callable[..., None], tmp_path: Path
) -> None:
    env = environment(BEHINDY_KNOWN_HOSTS_FILE=str(tmp_path / "known_hosts"))
    shown = hostkeys.fingerprint(hostkeys.scan("127.0.0.1", sandbox.ssh.port)[0])
    sshd("PerSourcePenalties noauth:3s min:2s")
    inv("host.trust", "--fingerprint", shown, env=env).ok()
    inv("deploy.status", env=env).ok()
