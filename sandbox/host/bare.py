"""A bare host: Debian with sshd and nothing else, and beside it a registry that stands in for Docker Hub.

What it pulls as ``nginx:1.28`` or ``behindy/behindy-frontend:v1`` comes from that registry, which its Docker engine is
told to ask first (``registry-mirrors``). It is for the tests of what makes a host out of a bare machine.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sandbox.host import base_image, container, images, inner, keys, lifecycle, seed
from sandbox.host.checkout import here
from sandbox.host.docker_cli import docker, try_docker
from sandbox.host.images import ASSETS
from sandbox.host.locks import held, machine_lock
from sandbox.host.registry import CONFIG_TYPE, Registry

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping

    from sandbox.host.checkout import Checkout
    from sandbox.host.images import Image, Part

__all__ = ["USER", "BareHost", "bare_host"]

USER = "ubuntu"
BUILD_SECONDS = 600.0
START_SECONDS = 30.0
DAEMON = {
    "bip": "10.213.0.1/24",
    "default-address-pools": [{"base": "10.214.0.0/16", "size": 24}],
    "registry-mirrors": ["http://registry:5000"],
    "insecure-registries": ["registry:5000"],
}
"""What its administrator has in ``/etc/docker/daemon.json`` already; it has to survive the setup."""


@dataclass(frozen=True)
class BareHost:
    """A running one. Ports are on 127.0.0.1; ``registry`` is where this machine pushes to."""

    container: str
    ssh: int
    http: int
    https: int
    registry: str
    key_file: Path
    folder: Path

    def settings(self) -> dict[str, str]:
        """Return the client's settings, as environment variables; no host key is pinned yet."""
        return {
            "BEHINDY_HOST": "127.0.0.1",
            "BEHINDY_PORT": str(self.ssh),
            "BEHINDY_USER": USER,
            "BEHINDY_SSH_CONFIG": "none",
            "BEHINDY_SSH_KEY_FILE": str(self.key_file),
            "BEHINDY_KNOWN_HOSTS_FILE": str(self.folder / "known_hosts"),
            "BEHINDY_IMAGE_PREFIX": "behindy",
        }

    def run(
        self, *argv: str, user: str = "root", stdin: bytes | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command on it past its sshd; a failure is the caller's to read."""
        interactive = [] if stdin is None else ["--interactive"]
        home = "/root" if user == "root" else f"/home/{user}"
        place = ["exec", *interactive, "--user", user, "--workdir", home, "--env", f"HOME={home}", self.container]
        return try_docker(*place, *argv, stdin=stdin, timeout=timeout)


@contextmanager
def bare_host(
    suite: str, domain: str, say: Callable[[str], None], *, second: str = "", systemd: tuple[str, ...] | None = None
) -> Iterator[BareHost]:
    """Give a bare host of a release of Debian (by code name); remove it and all that is on it at the end.

    Args:
        second: what tells one from another of the same release that is there meanwhile.
        systemd: its first process is systemd and not a script of ours; the packages that it has besides.

    Raises:
        Kind.SANDBOX: it could not be made.
    """
    checkout = here()
    words = (checkout.container.replace("sandbox", "bare", 1), suite, *((second,) if second else ()))
    name = "-".join(words)  # several hosts may be at it side by side
    checkout.state.mkdir(mode=0o700, exist_ok=True)
    built, seeded = lifecycle.prepare(say)
    with held(machine_lock(f"bare-{suite}"), say, "making the image of a bare host"):
        image = _image(suite, say)
        if systemd is not None:
            image = _with_systemd(image, systemd, say)
    with TemporaryDirectory(prefix="behindy-bare-") as folder:
        own_keys = keys.ensure(Path(folder), domain)
        _remove(name)
        try:
            registry = _start_registry(checkout, name, seeded)
            _fill(Registry(registry), built, inner.compose_images(checkout.compose_file))
            _start_host(checkout, name, image, domain)
            ssh, http, https = (_port(name, inside) for inside in (22, 80, 443))
            host = BareHost(name, ssh, http, https, registry, own_keys.client_key, Path(folder))
            _let_in(host, own_keys.authorized_key.read_bytes())
            yield host
        finally:
            _remove(name)


def _image(suite: str, say: Callable[[str], None]) -> str:
    name = f"behindy-sandbox-bare:{suite}-{_digest('common', 'bare', 'host')}"
    if not _is_built(name):
        base = base_image.ensure_debian(suite, say)
        say(f"Building the image of a bare host with {suite}")
        _build("bare", base, name)
    return name


def _with_systemd(bare: str, packages: tuple[str, ...], say: Callable[[str], None]) -> str:
    more = " ".join(packages)
    name = f"{bare}-systemd-{_digest('systemd')}-{sha256(more.encode()).hexdigest()[:6]}"
    if not _is_built(name):
        say("Building the image of a bare host with systemd")
        _build("systemd", bare, name, "--build-arg", f"PACKAGES={more}")
    return name


def _digest(*folders: str) -> str:
    digest = sha256()
    for folder in folders:
        for file in sorted((ASSETS / folder).rglob("*")):
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _is_built(name: str) -> bool:
    return try_docker("image", "inspect", name).returncode == 0


def _build(folder: str, base: str, name: str, *more: str) -> None:
    options = ("--build-arg", f"BASE={base}", "--file", str(ASSETS / folder / "Dockerfile"), "--tag", name)
    docker("build", *options, *more, str(ASSETS), timeout=BUILD_SECONDS, environment=images.builder())


def _start_registry(checkout: Checkout, name: str, seeded: Image) -> str:
    docker("network", "create", "--label", checkout.label, name)
    options = ("--detach", "--name", f"{name}-registry", "--label", checkout.label, "--network", name)
    way_in = ("--network-alias", "registry", "--publish", "127.0.0.1::5000", "--entrypoint", "docker-registry")
    docker("run", *options, *way_in, seeded.name, "serve", "/etc/docker/registry/config.yml")
    address = docker("port", f"{name}-registry", "5000/tcp").splitlines()[0]
    Registry(address).wait(START_SECONDS)
    return address


def _fill(registry: Registry, built: Mapping[Part, Image], names: Mapping[Part, str]) -> None:
    """Give the images the names they have on Docker Hub, where they have no user before the slash."""
    for part, name in names.items():
        short, _, tag = name.partition(":")
        repository = short if "/" in short else f"library/{short}"
        manifest = registry.manifest(seed.REPOSITORY, seed.tag_of(part, built[part]))
        for blob in (manifest["config"], *manifest["layers"]):
            registry.mount(repository, blob["digest"], seed.REPOSITORY)
        config = {**manifest["config"], "mediaType": CONFIG_TYPE}
        registry.put_image(repository, tag or "latest", config, manifest["layers"])


def _start_host(checkout: Checkout, name: str, image: str, domain: str) -> None:
    hosts = tuple(word for each in (domain, f"www.{domain}") for word in ("--add-host", f"{each}:127.0.0.1"))
    publish = tuple(word for port in (22, 80, 443) for word in ("--publish", f"127.0.0.1::{port}"))
    container.create_with_rights(
        (
            *("--detach", "--name", name, "--hostname", "bare", "--label", checkout.label, "--network", name),
            *("--stop-timeout", "5", "--cgroupns", "private", *container.MEMORY, "--tmpfs", "/run:rw,exec,mode=755"),
            *("--mount", f"type=volume,src={name},dst=/var/lib/docker,volume-label={checkout.label}"),
            *hosts,
            *publish,
        ),
        image,
        name,
    )


def _port(name: str, inside: int) -> int:
    return int(docker("port", name, f"{inside}/tcp").splitlines()[0].rpartition(":")[2])


def _let_in(host: BareHost, authorized_key: bytes) -> None:
    put = 'umask 077; cat > "$1"'
    host.run("sh", "-c", put, "put", ".ssh/authorized_keys", user=USER, stdin=authorized_key)
    text = json.dumps(DAEMON, indent=2).encode()
    host.run("sh", "-c", "mkdir -p /etc/docker && umask 077 && cat > /etc/docker/daemon.json", stdin=text)


def _remove(name: str) -> None:
    try_docker("rm", "--force", "--volumes", name, f"{name}-registry", timeout=120)
    try_docker("volume", "rm", name)
    try_docker("network", "rm", name)
