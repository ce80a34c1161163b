"""How to reach the sandbox that is up."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from behindy_ops.errors import Kind
from sandbox.host.checkout import Checkout, here

__all__ = ["SandboxInfo", "SshInfo", "from_json", "load", "to_json", "to_text"]

REMEDY = "Start it with ./inv sandbox.up"


@dataclass(frozen=True)
class SshInfo:
    """The way in: files are absolute paths on this machine."""

    host: str
    port: int
    user: str
    key_file: str
    known_hosts_file: str


@dataclass(frozen=True)
class SandboxInfo:
    """The sandbox from this machine.

    ``http`` and ``https`` are base URLs, ``ca_file`` the CA to trust for ``domain``, ``registry`` the address this
    machine pushes to (``registry/behindy/behindy-<service>:<tag>``), ``image_prefix`` what the host pulls the same
    images under, ``container`` the outer container's name.
    """

    ssh: SshInfo
    http: str
    https: str
    ca_file: str
    domain: str
    registry: str
    image_prefix: str
    container: str


def to_json(info: SandboxInfo) -> str:
    return json.dumps(asdict(info), indent=2) + "\n"


def to_text(info: SandboxInfo) -> str:
    """The same for a person: one line a value."""
    ssh = f"{info.ssh.user}@{info.ssh.host} port {info.ssh.port}, key {info.ssh.key_file}"
    lines = {
        "container": info.container,
        "ssh": ssh,
        "known hosts": info.ssh.known_hosts_file,
        "http": info.http,
        "https": f"{info.https} for {info.domain}, CA {info.ca_file}",
        "registry": f"push to {info.registry}/behindy, the host pulls {info.image_prefix}",
    }
    return "".join(f"{name:<12} {value}\n" for name, value in lines.items())


def from_json(text: str) -> SandboxInfo:
    """Read what ``to_json`` wrote.

    Raises:
        ValueError: it is something else.
    """
    try:
        content = json.loads(text)
        return SandboxInfo(**{**content, "ssh": SshInfo(**content["ssh"])})
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def load(checkout: Checkout | None = None) -> SandboxInfo:
    """Return the sandbox of this checkout.

    Raises:
        Kind.SANDBOX: it is not up, as far as ``up`` and ``down`` know; the container is not looked at.
    """
    try:
        return from_json((checkout or here()).info_file.read_text())
    except FileNotFoundError as error:
        raise Kind.SANDBOX("The sandbox is not up.", remedy=REMEDY) from error
    except ValueError as error:
        raise Kind.SANDBOX(f"The sandbox's info.json cannot be read: {error}.", remedy=REMEDY) from error
