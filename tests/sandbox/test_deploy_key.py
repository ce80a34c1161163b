"""A key for CI: with the line that host.keygen prints it can run commands, and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
import pytest

from sandbox.host.login import command
from tests.sandbox.support import environment, inv, live_release, on_host

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo

Release = Callable[..., str]
KEYS = "/home/ubuntu/.ssh/authorized_keys"


@pytest.fixture(params=["any address", "this address"])
def key(sandbox: SandboxInfo, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A key made by host.keygen and authorised with its line."""
    file = tmp_path / "deploy_key"
    sources = ("--from", "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12") if request.param == "this address" else ()
    made = inv("host.keygen", "--file", str(file), *sources).ok()
    line = file.with_suffix(".pub").read_text().strip()
    assert line in made.out.splitlines()
    assert "PRIVATE KEY" not in made.said
    assert (file.stat().st_mode & 0o777, line.partition(" ")[0].partition(",")[0]) == (0o600, "restrict")
    on_host("sh", "-c", f'cp -p {KEYS} {KEYS}.away; printf "%s\\n" "$1" >> {KEYS}', "sh", line)
    yield file
    on_host("mv", f"{KEYS}.away", KEYS)


def connected(sandbox: SandboxInfo, key: Path) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.load_host_keys(sandbox.ssh.known_hosts_file)
    client.connect(
        sandbox.ssh.host, sandbox.ssh.port, sandbox.ssh.user,
        key_filename=str(key), allow_agent=False, look_for_keys=False,
    )  # fmt: skip
    return client


def possible(sandbox: SandboxInfo, key: Path) -> set[str]:
    """What a key can do beside running commands."""
    tries: dict[str, Callable[[paramiko.Transport], object]] = {
        "terminal": lambda transport: transport.open_session().get_pty(),
        "forwarding": lambda transport: transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 0)),
        "forwarding back": lambda transport: transport.request_port_forward("127.0.0.1", 0),
        "X11": lambda transport: transport.open_session().request_x11(handler=lambda *_: None),
    }
    found = set()
    for name, attempt in tries.items():
        with connected(sandbox, key) as client:
            transport = client.get_transport()
            assert transport is not None
            try:
                attempt(transport)
            except paramiko.SSHException:
                continue
            found.add(name)
    return found


def agent_forwarded(sandbox: SandboxInfo, key: Path) -> bool:
    started = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    values = dict(part.split("=", 1) for part in started.replace("\n", "").split(";") if "=" in part)
    try:
        argv = command(sandbox, ["echo agent=$SSH_AUTH_SOCK"])
        argv[1:1] = ["-o", "ForwardAgent=yes", "-i", str(key)]
        argv = [word.replace(sandbox.ssh.key_file, str(key)) for word in argv]
        done = subprocess.run(
            argv, env={"SSH_AUTH_SOCK": values["SSH_AUTH_SOCK"], "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
    finally:
        subprocess.run(["kill", values["SSH_AGENT_PID"]], check=True)
    assert "agent=" in done.stdout
    return done.stdout.strip() != "agent="


def test_it_gets_no_terminal_no_forwarding_and_no_agent(sandbox: SandboxInfo, key: Path) -> None:
    ordinary = Path(sandbox.ssh.key_file)
    assert {"terminal", "forwarding", "forwarding back"} <= possible(sandbox, ordinary)
    assert agent_forwarded(sandbox, ordinary)
    assert possible(sandbox, key) == set()
    assert not agent_forwarded(sandbox, key)


@pytest.mark.usefixtures("live_at_v1")
@pytest.mark.parametrize("key", ["any address"], indirect=True)
def test_it_deploys_rolls_back_and_looks(sandbox: SandboxInfo, key: Path, release: Release) -> None:
    env = environment(BEHINDY_SSH_KEY_FILE=str(key), SSH_AUTH_SOCK="")
    inv("deploy.status", env=env).ok()
    inv("deploy.frontend", "--tag", release("frontend", "by-restricted-key"), "--watch", "0", env=env).ok()
    assert live_release("frontend") == "by-restricted-key"
    inv("deploy.rollback", "frontend", "--watch", "0", env=env).ok()
    assert live_release("frontend") == "v1"


def test_from_another_address_it_is_refused(sandbox: SandboxInfo, tmp_path: Path) -> None:
    file = tmp_path / "deploy_key"
    inv("host.keygen", "--file", str(file), "--from", "203.0.113.7").ok()
    line = file.with_suffix(".pub").read_text().strip()
    on_host("sh", "-c", f'cp -p {KEYS} {KEYS}.away; printf "%s\\n" "$1" >> {KEYS}', "sh", line)
    try:
        ran = inv("deploy.status", env=environment(BEHINDY_SSH_KEY_FILE=str(file), SSH_AUTH_SOCK=""))
    finally:
        on_host("mv", f"{KEYS}.away", KEYS)
    assert ran.code == 14, ran.said


def test_no_key_is_ever_replaced(tmp_path: Path) -> None:
    for there in ("deploy_key", "deploy_key.pub"):
        (tmp_path / there).write_text("mine")
        ran = inv("host.keygen", "--file", str(tmp_path / "deploy_key"))
        assert ran.code == 2, ran.said
        assert [file.name for file in tmp_path.iterdir()] == [there]
        assert (tmp_path / there).read_text() == "mine"
        (tmp_path / there).unlink()
