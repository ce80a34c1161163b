"""A Docker engine on this machine: the running one, else one that we install and start, saying so first."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.host.docker_cli import last_lines, try_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Machine", "Step", "apt_install", "ensure", "look_around", "next_step"]

LOG = Path("/var/log/behindy-dockerd.log")
SYSTEMD = Path("/run/systemd/system")
START_SECONDS = 60.0


@dataclass(frozen=True)
class Machine:
    """What decides how an engine can be had.

    Attributes:
        like: the distribution's id and the ones it is like.
        elsewhere: where the docker command is told to look for an engine (``DOCKER_HOST``); one made here would not be
            asked.
    """

    answers: bool
    docker_installed: bool
    root: bool
    like: frozenset[str]
    codename: str = ""
    elsewhere: str = ""

    @property
    def has_apt(self) -> bool:
        return bool(self.like & {"debian", "ubuntu"})


class Step(Enum):
    """What to do about the engine."""

    USE = auto()
    START = auto()
    INSTALL = auto()
    REFUSE = auto()


def next_step(machine: Machine) -> Step:
    """Decide; only root on Debian, Ubuntu and their kin gets an engine made."""
    if machine.answers:
        return Step.USE
    if machine.elsewhere or not machine.root or not machine.has_apt:
        return Step.REFUSE
    return Step.START if machine.docker_installed else Step.INSTALL


def look_around() -> Machine:
    """Read the facts about this machine."""
    release: dict[str, str] = {}
    if platform.system() == "Linux":
        try:
            release = platform.freedesktop_os_release()
        except OSError:
            release = {}
    return Machine(
        answers=_answers(),
        docker_installed=bool(shutil.which("docker") and shutil.which("dockerd")),
        root=hasattr(os, "geteuid") and os.geteuid() == 0,
        like=frozenset([release.get("ID", ""), *release.get("ID_LIKE", "").split()]),
        codename=release.get("VERSION_CODENAME", ""),
        elsewhere=os.environ.get("DOCKER_HOST", ""),
    )


def ensure(say: Callable[[str], None]) -> None:
    """Return when a Docker engine answers.

    Raises:
        Kind.SANDBOX: there is no engine and none can be made here, or it did not start.
    """
    machine = look_around()
    match next_step(machine):
        case Step.USE:
            return
        case Step.REFUSE:
            raise Kind.SANDBOX("No Docker engine answers on this machine.", remedy=_remedy(machine))
        case Step.INSTALL:
            say("No Docker engine here: installing the package docker.io with apt-get (this machine keeps it)")
            apt_install(["docker.io"], optional=["docker-cli"])
        case Step.START:
            pass
    if SYSTEMD.is_dir() and not _answers():
        say("Starting the service docker with systemctl")
        subprocess.run(["systemctl", "start", "docker"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if not _answers():
        say(f"Starting dockerd in the background; it keeps running, its log is {LOG}")
        _start()


def apt_install(packages: Sequence[str], *, optional: Sequence[str] = ()) -> None:
    """Install Debian packages without questions; the ``optional`` ones where they exist. Needs root.

    Raises:
        Kind.SANDBOX: apt-get failed.
    """
    _apt("update", "-qq", timeout=300)
    known = [name for name in optional if _package_exists(name)]
    _apt("install", "-y", "-qq", "--no-install-recommends", *packages, *known, timeout=600)


def _apt(*argv: str, timeout: float) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=5", *argv]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise Kind.SANDBOX(
            f"`apt-get {argv[0]}` did not end within {timeout:.0f} s.", remedy="Look at the network, then try again."
        ) from error
    if done.returncode != 0:
        raise Kind.SANDBOX(
            f"`apt-get {argv[0]}` failed with exit code {done.returncode}.",
            remedy="Install Docker yourself, then try again; the lines below say why apt-get could not.",
            lines=last_lines(done.stdout + b"\n" + done.stderr),
        )


def _package_exists(name: str) -> bool:
    command = ["apt-cache", "show", name]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def _answers() -> bool:
    return (
        shutil.which("docker") is not None
        and try_docker("version", "--format", "{{.Server.Version}}", timeout=30).returncode == 0
    )


def _start() -> None:
    LOG.parent.mkdir(parents=True, exist_ok=True)
    pid = detach(["dockerd"], LOG)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if _answers():
            return
        # Another dockerd, such as the package's service, may have been faster; then ours ends and that one answers.
        if not Path(f"/proc/{pid}").exists() and time.monotonic() > deadline - START_SECONDS + 15:
            break
        time.sleep(0.2)
    raise Kind.SANDBOX(
        "dockerd was started and does not answer.",
        remedy=f"Read {LOG}; in a container it needs more rights than it has by default.",
        lines=last_lines(LOG.read_bytes()),
    )


def detach(argv: Sequence[str], log: Path) -> int:
    """Start a program that outlives us and our terminal, in a session of its own; return its process id.

    It is no child of ours: nobody here has to wait for it, and nothing complains that nobody did.

    Args:
        log: file its output is appended to.
    """
    # The inner shell's process becomes the program, so the number it prints first is the program's own.
    script = 'log=$1; shift; setsid sh -c \'echo $$; exec "$@" >>"$0" 2>&1\' "$log" "$@" </dev/null &'
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(log), *argv], stdout=subprocess.PIPE, text=True, check=True, cwd="/", timeout=10
    )
    return int(done.stdout)


def _remedy(machine: Machine) -> str:
    if machine.elsewhere:
        return f"DOCKER_HOST is {machine.elsewhere}: start the engine there, or unset it, then try again."
    if platform.system() in {"Darwin", "Windows"}:
        return "Start Docker Desktop (or install it), then try again."
    if machine.docker_installed:
        return "Start it (`sudo systemctl start docker`), see that you are in the group docker, then try again."
    if machine.has_apt:
        return "Install it (`sudo apt-get install docker.io`) and join the group docker, or run this as root."
    return "Install Docker Engine and start it, then try again."
