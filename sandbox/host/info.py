"""How to reach the sandbox that is up."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from behindy_ops.errors import Kind
from sandbox.host.checkout import Checkout, here

__all__ = ["NodeInfo", "SandboxInfo", "SshInfo", "from_json", "load", "to_json", "to_text"]

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
class NodeInfo:
    """One host of several: its hostname, its outer container, its address in the network of the hosts, the way in."""

    name: str
    container: str
    address: str
    ssh: SshInfo


@dataclass(frozen=True)
class SandboxInfo:
    """The sandbox from this machine.

    ``http`` and ``https`` are base URLs, ``ca_file`` the CA to trust for ``domain``, ``registry`` the address this
    machine pushes to (``registry/behindy/behindy-<service>:<tag>``), ``image_prefix`` what the host pulls the same
    images under, ``container`` the outer container's name. ``nodes`` has every host, this one first, where there are
    several, and is empty where there is one.
    """

    ssh: SshInfo
    http: str
    https: str
    ca_file: str
    domain: str
    registry: str
    image_prefix: str
    container: str
    nodes: tuple[NodeInfo, ...] = ()


def to_json(info: SandboxInfo) -> str:
    return json.dumps(asdict(info), indent=2) + "\n"


def to_text(info: SandboxInfo) -> str:
    """The same for a person: one line a value."""
    lines = {
        "container": info.container,
        "ssh": f"{_way(info.ssh)}, key {info.ssh.key_file}",
        "known hosts": info.ssh.known_hosts_file,
        "http": info.http,
        "https": f"{info.https} for {info.domain}, CA {info.ca_file}",
        "registry": f"push to {info.registry}/behindy, the host pulls {info.image_prefix}",
        **{node.name: f"{node.address}, ssh {_way(node.ssh)}, container {node.container}" for node in info.nodes},
    }
    width = max(len(name) for name in ("known hosts ", *lines))
    return "".join(f"{name:<{width}} {value}\n" for name, value in lines.items())


def _way(ssh: SshInfo) -> str:
    return f"{ssh.user}@{ssh.host} port {ssh.port}"


def from_json(text: str) -> SandboxInfo:
    """Read what ``to_json`` wrote.

    Raises:
        ValueError: it is something else.
    """
    try:
        content = json.loads(text)
        nodes = (NodeInfo(**{**node, "ssh": SshInfo(**node["ssh"])}) for node in content.get("nodes", ()))
        return SandboxInfo(**{**content, "ssh": SshInfo(**content["ssh"]), "nodes": tuple(nodes)})
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
