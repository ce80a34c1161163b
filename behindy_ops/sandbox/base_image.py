"""The Debian image under all others: pulled where an image registry can be reached, else made from packages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from behindy_ops.errors import SandboxError
from behindy_ops.sandbox.docker_cli import docker, last_lines, try_docker
from behindy_ops.sandbox.engine import Machine, apt_install, look_around

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BASE", "bootstrap_command", "ensure", "made_here"]

BASE = "debian:trixie-slim"
PULL_SECONDS = 60.0
# What the official slim image leaves out too; packages that are installed later leave it out as well.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")


def made_here(machine: Machine) -> tuple[str, str]:
    """Which release to make and under which name: trixie on Debian; on Ubuntu its own, whose keys it trusts."""
    if "ubuntu" in machine.like and machine.codename:
        return machine.codename, f"behindy-sandbox-base:{machine.codename}"
    return "trixie", BASE


def bootstrap_command(machine: Machine, target: Path) -> list[str]:
    """The command that makes the file system of a minimal system as a tar file."""
    suite, _ = made_here(machine)
    components = ["--components=main,universe"] if suite != "trixie" else []
    left_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--dpkgopt=force-unsafe-io",
        *left_out,
        *components,
        suite,
        str(target),
    ]


def ensure(say: Callable[[str], None]) -> str:
    """Return the name of a base image that this engine has.

    Raises:
        SandboxError: it cannot be pulled and not be made on this machine.
    """
    machine = look_around()
    suite, made_name = made_here(machine)
    for name in dict.fromkeys((BASE, made_name)):
        if try_docker("image", "inspect", name).returncode == 0:
            return name
    say(f"Pulling {BASE}")
    pulled = _pull()
    if pulled is None:
        return BASE
    if not machine.root or not machine.has_apt:
        raise SandboxError(
            f"The image {BASE} could not be pulled, and cannot be made here.",
            remedy="Pull it where a registry can be reached, then `docker save` it there and `docker load` it here.",
            lines=pulled,
        )
    say(f"No image registry within reach: making {made_name} from {suite}'s packages with mmdebstrap")
    _make(machine, made_name)
    return made_name


def _pull() -> tuple[str, ...] | None:
    try:
        done = try_docker("pull", "--quiet", BASE, timeout=PULL_SECONDS)
    except SandboxError as error:
        return (str(error),)
    return None if done.returncode == 0 else last_lines(done.stderr)


def _make(machine: Machine, name: str) -> None:
    if shutil.which("mmdebstrap") is None:
        apt_install(["mmdebstrap"])
    with TemporaryDirectory(prefix="behindy-base-") as folder:
        archive = Path(folder, "base.tar")
        command = bootstrap_command(machine, archive)
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False)
        except subprocess.TimeoutExpired as error:
            raise SandboxError("mmdebstrap did not end within 600 s.", remedy="Look at the network.") from error
        if done.returncode != 0:
            raise SandboxError(
                f"mmdebstrap failed with exit code {done.returncode}.",
                remedy="The lines below say why.",
                lines=last_lines(done.stderr),
            )
        docker("import", "--change", 'CMD ["bash"]', str(archive), name, timeout=300)
