"""The sandbox itself is a real host: limits, faults, restarts and its own registry do what they say."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.host import info, lifecycle
from sandbox.host import shell as host
from sandbox.host.docker_cli import docker
from sandbox.host.login import command
from tests.sandbox.support import ROOT, inv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.host.info import SandboxInfo
    from tests.sandbox.conftest import Release

NETWORK = "behindy-ops_internal"
TRIAL = "trial"
PUBLIC = "behindy.me"
PATIENCE = 60.0
"""Seconds for what happens within two on a machine that does nothing else."""


def shell(script: str, *, check: bool = True, timeout: float = 60) -> str:
    done = host.run(["bash", "-c", script], check=check, timeout=timeout)
    return (done.stdout + done.stderr).decode().strip()


def status(path: str = "/", host_header: str = PUBLIC) -> str:
    """The HTTP status that the trial container gives inside the network; 000 for none."""
    ask = f"curl -s -o /dev/null -m 3 -w '%{{http_code}}' -H 'Host: {host_header}' http://{TRIAL}:3000{path}"
    return shell(f"docker exec nginx {ask}", check=False)[-3:]


def answer() -> str:
    """The HTTP status of the trial container once it listens, and so has decided what SIGTERM means to it."""
    deadline = time.monotonic() + PATIENCE
    while (found := status()) == "000":
        assert time.monotonic() < deadline, "the trial container does not listen"
    return found


def until(what: str, found: str, *, seconds: float = PATIENCE) -> bool:
    """Whether the trial container's state, by a template of ``docker inspect``, became ``found`` in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if shell(f"docker inspect --format '{what}' {TRIAL}") == found:
            return True
        time.sleep(0.2)
    return False


@pytest.fixture
def trial(sandbox: SandboxInfo) -> Iterator[None]:
    """Whatever runs as the trial container is gone before and after; so is its image, for the tests of retention."""
    shell(f"docker rm --force {TRIAL}", check=False)
    yield
    shell(f"docker rm --force {TRIAL}; docker rmi $(docker images --quiet '*/*/behindy-frontend:trial-*')", check=False)


def start(release: Release, fault: str | None) -> None:
    tag = release("frontend", f"trial-{fault}", fault)
    image = f"localhost:5000/behindy/behindy-frontend:{tag}"
    shell(f"docker run --quiet --detach --init --name {TRIAL} --network {NETWORK} --memory 200m {image}")


def test_info_says_what_the_api_says(sandbox: SandboxInfo) -> None:
    printed = json.loads(inv("sandbox.info", "--json").ok().out)
    assert info.from_json(json.dumps(printed)) == sandbox == info.load()
    names = {"ssh", "http", "https", "ca_file", "domain", "registry", "image_prefix", "container"}
    assert set(printed) == {*names, "nodes"}
    assert printed["nodes"] == []
    assert set(printed["ssh"]) == {"host", "port", "user", "key_file", "known_hosts_file"}


@pytest.mark.serial
def test_up_again_changes_nothing_and_is_quick(sandbox: SandboxInfo) -> None:
    started = docker("inspect", "--format", "{{.State.StartedAt}}", sandbox.container)
    said: list[str] = []
    begun = time.monotonic()
    assert lifecycle.up(said.append) == sandbox
    assert time.monotonic() - begun < 10  # 0.3 s on an idle machine
    assert said == [f"The sandbox is up: {sandbox.container}"]
    assert docker("inspect", "--format", "{{.State.StartedAt}}", sandbox.container) == started


def test_every_port_is_bound_to_loopback_alone(sandbox: SandboxInfo) -> None:
    ports = docker("port", sandbox.container).splitlines()
    assert len(ports) == 4
    assert all(" 127.0.0.1:" in line for line in ports)


def test_the_login_user_is_not_root_and_uses_docker(sandbox: SandboxInfo) -> None:
    argv = command(sandbox, ["id -un; id -Gn; docker compose version --short; command -v python3 jq"])
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    user, groups, compose = done.stdout.split("\n")[:3]
    assert user == "ubuntu"
    assert "docker" in groups.split()
    assert compose.startswith("2.")
    assert "python3" not in done.stdout
    assert "jq" not in done.stdout


def test_files_and_secrets_have_the_modes_they_need(sandbox: SandboxInfo) -> None:
    shown = shell(
        "cd /home/ubuntu/behindy-ops && stat -c '%a %U %n' .env state rehearsal rehearsal/map.conf rehearsal/header"
    )
    assert shown.splitlines() == [
        "600 ubuntu .env",
        "700 ubuntu state",
        "700 ubuntu rehearsal",
        "600 ubuntu rehearsal/map.conf",
        "600 ubuntu rehearsal/header",
    ]
    assert (ROOT / ".sandbox").stat().st_mode & 0o777 == 0o700
    assert (ROOT / ".sandbox" / "id_ed25519").stat().st_mode & 0o777 == 0o600


def test_memory_is_that_of_a_small_host(sandbox: SandboxInfo) -> None:
    name, total, *_ = shell("free -m").splitlines()[1].split()
    assert (name, total) == ("Mem:", "2048")


def test_a_container_over_its_limit_is_killed_for_it(trial: None, release: Release) -> None:
    start(release, "oom")
    assert until("{{.State.Status}} {{.State.OOMKilled}} {{.State.ExitCode}}", "exited true 137")


def test_stats_count_each_container(trial: None, release: Release) -> None:
    start(release, None)
    assert answer() == "200"
    used, limit = shell(f"docker stats --no-stream --format '{{{{.MemUsage}}}}' {TRIAL}").split(" / ")
    assert limit == "200MiB"
    assert 5 < float(used.removesuffix("MiB")) < 60


def test_a_crash_exits_with_its_reason(trial: None, release: Release) -> None:
    start(release, "crash")
    assert until("{{.State.Status}} {{.State.ExitCode}}", "exited 3")
    assert "ERROR frontend trial-crash: cannot start" in shell(f"docker logs {TRIAL}")


def test_never_ready_accepts_nothing(trial: None, release: Release) -> None:
    start(release, "never-ready")
    time.sleep(1.5)
    assert status() == "000"
    assert until("{{.State.Status}}", "running")


@pytest.mark.parametrize(
    ("fault", "inside", "outside"), [(None, "200", "200"), ("http-500", "500", "500"), ("outside-only", "200", "500")]
)
def test_faults_by_who_asks(trial: None, release: Release, fault: str | None, inside: str, outside: str) -> None:
    start(release, fault)
    answer()
    assert (status(host_header="frontend:3000"), status()) == (inside, outside)


def test_outside_late_breaks_when_the_services_name_is_its_own(trial: None, release: Release) -> None:
    start(release, "outside-late")
    assert answer() == "200"
    shell(f"docker network disconnect {NETWORK} {TRIAL}; docker network connect --alias frontend {NETWORK} {TRIAL}")
    deadline = time.monotonic() + PATIENCE
    while status() in {"200", "000"}:
        assert time.monotonic() < deadline
    assert (status(host_header="frontend:3000"), status()) == ("200", "500")


def test_ignores_sigterm_until_it_is_killed(trial: None, release: Release) -> None:
    start(release, "ignores-sigterm")
    assert answer() == "200"
    shell(f"docker stop --time 2 {TRIAL}")
    assert until("{{.State.ExitCode}}", "137")


def test_a_good_release_dies_at_once_on_sigterm(trial: None, release: Release) -> None:
    start(release, None)
    assert answer() == "200"
    shell(f"docker stop --time 10 {TRIAL}")
    assert until("{{.State.ExitCode}}", "143")


def test_dies_later_is_healthy_first(trial: None, release: Release) -> None:
    start(release, "dies-later")
    assert answer() == "200"
    assert until("{{.State.Status}} {{.State.ExitCode}}", "exited 1")


def test_an_unknown_fault_is_refused_with_a_list(sandbox: SandboxInfo) -> None:
    ran = inv("sandbox.release", "frontend", "v1", "--fault", "nope")
    assert ran.code == 2
    assert "outside-late" in ran.said


def test_a_registry_with_a_login_asks_for_it(sandbox: SandboxInfo) -> None:
    try:
        host.run(["sandbox-registry-auth", "behindy"], stdin=b"a-token")
        refused = host.run(
            ["docker", "login", "-u", "behindy", "--password-stdin", "localhost:5001"], stdin=b"x", check=False
        )
        assert refused.returncode != 0
        host.run(["docker", "login", "-u", "behindy", "--password-stdin", "localhost:5001"], stdin=b"a-token")
    finally:
        shell("docker logout localhost:5001; sandbox-registry-auth --stop", check=False)


@pytest.mark.parametrize("how", [("restart",), ("restart", "--time", "0")])
def test_everything_comes_back_after_the_host_restarted(
    sandbox: SandboxInfo, release: Release, how: tuple[str, ...]
) -> None:
    tag = release("frontend", "trial-kept")
    docker(*how, sandbox.container, timeout=90)
    answers = "until curl -fs -o /dev/null --max-time 2 https://behindy.me/health; do sleep 0.2; done"
    shell(f"timeout 60 bash -c '{answers}'", timeout=70)
    shell("timeout 60 bash -c 'until docker exec postgres pg_isready -q -h localhost; do sleep 0.2; done'", timeout=70)
    assert set(shell("docker ps --format '{{.Names}}'").split()) >= {"nginx", "postgres", "redis"}
    image = f"localhost:5000/behindy/behindy-frontend:{tag}"
    shell(f"docker pull --quiet {image} && docker rmi {image}")
    assert shell("free -m").splitlines()[1].split()[1] == "2048"


PT_INTERP = 3


def test_the_program_that_the_engine_mounts_into_containers_needs_nothing_of_theirs(sandbox: SandboxInfo) -> None:
    """With ``init: true``, in an image whose C library is another than the host's."""
    name = shell("docker info --format '{{.InitBinary}}'")
    program = base64.b64decode(shell(f'base64 -w 0 "$(command -v {name})"'))
    assert program[:6] == b"\x7fELF\x02\x01", "a program of 64 bits, the least significant byte first"
    (table,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    kinds = {struct.unpack_from("<I", program, table + size * number)[0] for number in range(count)}
    assert PT_INTERP not in kinds, "it asks for a dynamic linker"
