"""The ports of a sandbox on this machine: free ones, chosen once and kept, or those the environment asks for."""

from __future__ import annotations

import json
import os
import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Ports", "asked_for", "choose", "choose_ssh"]


@dataclass(frozen=True)
class Ports:
    """Ports on 127.0.0.1 of this machine."""

    ssh: int
    http: int
    https: int
    registry: int

    def published(self) -> tuple[str, ...]:
        """What ``docker run --publish`` takes."""
        inside = {"ssh": 22, "http": 80, "https": 443, "registry": 5000}
        return tuple(f"127.0.0.1:{port}:{inside[name]}" for name, port in asdict(self).items())


NAMES = tuple(field.name for field in fields(Ports))


def asked_for(environment: Mapping[str, str] = os.environ) -> dict[str, int]:
    """Read ``BEHINDY_SANDBOX_SSH_PORT``, ``_HTTP_PORT``, ``_HTTPS_PORT`` and ``_REGISTRY_PORT``.

    Raises:
        Kind.SANDBOX: one is no port.
    """
    found: dict[str, int] = {}
    for name in NAMES:
        variable = f"BEHINDY_SANDBOX_{name.upper()}_PORT"
        text = environment.get(variable, "").strip()
        if not text:
            continue
        if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
            raise Kind.SANDBOX(f"{variable} is no port.", remedy="Write a number from 1 to 65535, or unset it.")
        found[name] = int(text)
    return found


def choose(file: Path, wanted: Mapping[str, int], *, in_use_by_us: bool) -> Ports:
    """Return the ports, and keep them in ``file``.

    Args:
        file: where the last choice was kept, if there was one.
        wanted: what the environment asks for; it wins.
        in_use_by_us: the sandbox exists and holds the kept ports, so that they are not free and still right.
    """
    return Ports(**_choose(file, NAMES, wanted, in_use_by_us=in_use_by_us))


def choose_ssh(file: Path, *, in_use_by_us: bool) -> int:
    """As ``choose``, for a host that publishes its sshd alone."""
    return _choose(file, ("ssh",), {}, in_use_by_us=in_use_by_us)["ssh"]


def _choose(file: Path, names: Sequence[str], wanted: Mapping[str, int], *, in_use_by_us: bool) -> dict[str, int]:
    kept = _kept(file, names)
    usable = kept if in_use_by_us else {name: port for name, port in kept.items() if _free(port)}
    missing = [name for name in names if name not in wanted and name not in usable]
    chosen = {**usable, **dict(zip(missing, _free_ports(len(missing)), strict=True)), **wanted}
    file.write_text(json.dumps({name: chosen[name] for name in names}, indent=2) + "\n")
    return chosen


def _kept(file: Path, names: Sequence[str]) -> dict[str, int]:
    try:
        content = json.loads(file.read_text())
        return {name: int(content[name]) for name in names}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
