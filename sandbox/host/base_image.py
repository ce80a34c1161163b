"""The Debian image under all others: pulled where an image registry can be reached, else made from packages."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from behindy_ops.errors import BehindyError, Kind
from sandbox.host.docker_cli import docker, last_lines, try_docker
from sandbox.host.engine import Machine, apt_install, look_around

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BASE", "Recipe", "bootstrap_command", "ensure", "ensure_debian", "recipes"]

BASE = "debian:trixie-slim"
PULL_SECONDS = 60.0
DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
OWN_COMPONENTS = ("--components=main,universe",)
SOURCES = ("/etc/apt/sources.list.d/ubuntu.sources", "/etc/apt/sources.list")
# What the official slim image leaves out too; packages that are installed later leave it out as well.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")


@dataclass(frozen=True)
class Recipe:
    """A release that mmdebstrap can make on a machine: options, mirrors if not the usual ones, the image's name."""

    suite: str
    image: str
    options: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()


def recipes(machine: Machine, *, sources: tuple[str, ...] = SOURCES) -> tuple[Recipe, ...]:
    """What to try on a machine, best first.

    Trixie everywhere. On Ubuntu, which may reach no Debian mirror, then its own release, from where the machine itself
    has its packages (the first of the files ``sources`` that is there).
    """
    if "ubuntu" not in machine.like or not machine.codename:
        return (Recipe("trixie", BASE),)
    mirrors = tuple(file for file in sources if Path(file).is_file())[:1]
    return (
        Recipe("trixie", BASE, (f"--keyring={DEBIAN_KEYS}",)),
        Recipe(machine.codename, f"behindy-sandbox-base:{machine.codename}", OWN_COMPONENTS, mirrors),
    )


def bootstrap_command(recipe: Recipe, target: Path) -> list[str]:
    """The command that makes the file system of a minimal system as a tar file."""
    left_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    # apt is named because Ubuntu's minimal variant has none.
    wanted = ["--variant=minbase", "--include=apt", "--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Retries "5"']
    return ["mmdebstrap", "--quiet", *wanted, *left_out, *recipe.options, recipe.suite, str(target), *recipe.mirrors]


def ensure(say: Callable[[str], None]) -> str:
    """Return the name of a base image that this engine has.

    Raises:
        Kind.SANDBOX: it cannot be pulled and not be made on this machine.
    """
    machine = look_around()
    return _ensure(recipes(machine), machine, say)


def ensure_debian(suite: str, say: Callable[[str], None]) -> str:
    """Return the name of the slim image of one release of Debian, by its code name.

    Raises:
        Kind.SANDBOX: it cannot be pulled and not be made on this machine.
    """
    machine = look_around()
    keys = (f"--keyring={DEBIAN_KEYS}",) if "ubuntu" in machine.like else ()
    # Its lists are signed for a week, and a mirror may be older than that.
    old = ('--aptopt=Acquire::Check-Valid-Until "false"',) if suite == "sid" else ()
    return _ensure((Recipe(suite, f"debian:{suite}-slim", (*keys, *old)),), machine, say)


def _ensure(known: tuple[Recipe, ...], machine: Machine, say: Callable[[str], None]) -> str:
    wanted = known[0].image
    for recipe in known:
        if try_docker("image", "inspect", recipe.image).returncode == 0:
            return recipe.image
    say(f"Pulling {wanted}")
    refusal = _pull(wanted)
    if refusal is None:
        return wanted
    if not machine.root or not machine.has_apt:
        raise Kind.SANDBOX(
            f"The image {wanted} could not be pulled, and cannot be made here.",
            remedy="Pull it where a registry can be reached, then `docker save` it there and `docker load` it here.",
            lines=refusal,
        )
    if shutil.which("mmdebstrap") is None:
        apt_install(["mmdebstrap"], optional=["debian-archive-keyring"])
    return _make_first(known, say)


def _make_first(known: tuple[Recipe, ...], say: Callable[[str], None]) -> str:
    *others, last = known
    for recipe in others:
        try:
            return _make(recipe, say)
        except BehindyError as error:
            say(f"That failed: {' '.join(error.lines[-3:]) or error.what}")
    return _make(last, say)


def _pull(image: str) -> tuple[str, ...] | None:
    try:
        done = try_docker("pull", "--quiet", image, timeout=PULL_SECONDS)
    except BehindyError as error:
        return (str(error),)
    return None if done.returncode == 0 else last_lines(done.stderr)


def _make(recipe: Recipe, say: Callable[[str], None]) -> str:
    say(f"No image registry within reach: making {recipe.image} from {recipe.suite}'s packages with mmdebstrap")
    with TemporaryDirectory(prefix="behindy-base-") as folder:
        archive = Path(folder, "base.tar")
        command = bootstrap_command(recipe, archive)
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False)
        except subprocess.TimeoutExpired as error:
            raise Kind.SANDBOX("mmdebstrap did not end within 600 s.", remedy="Look at the network.") from error
        if done.returncode != 0:
            raise Kind.SANDBOX(
                f"mmdebstrap failed with exit code {done.returncode}.",
                remedy="The lines below say why.",
                lines=last_lines(done.stderr),
            )
        docker("import", "--change", 'CMD ["bash"]', str(archive), recipe.image, timeout=300)
    return recipe.image
