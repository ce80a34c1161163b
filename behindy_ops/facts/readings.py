"""The engine's own figures of running containers, as ``docker stats`` shows them: docs/design.md, "Memory figures"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from behindy_ops.facts.replies import parse_json


@dataclass(frozen=True, slots=True)
class Reading:
    """Figures of one container at one moment.

    Attributes:
        memory: bytes in use, without inactive file cache (as ``docker stats``).
        limit: bytes it may use; that of the machine without a limit of its own.
        cpu: nanoseconds of processor time since it started; ``system`` those of the whole host, all processors.
        received: bytes over all its networks since it started; ``sent`` likewise.
        read: bytes from block devices since it started; ``written`` likewise.
    """

    memory: int
    limit: int
    cpu: int
    system: int
    processors: int
    received: int
    sent: int
    read: int
    written: int
    processes: int


def parse_readings(lines: Iterable[str]) -> dict[str, Reading]:
    """Read what ``readings`` in lib/engine.sh printed, by container id; one that had just ended is left out."""
    found = {}
    reading: Reading | None = None
    for line in lines:
        url = re.match(r"http://docker/containers/([0-9a-f]+)/", line)
        if url and reading:
            found[url[1]] = reading
        reading = None if url else parse_reading(line)
    return found


def parse_reading(line: str) -> Reading | None:
    """Read the JSON of one container; None if it does not run."""
    data = parse_json(line)
    if not isinstance(data, dict) or "usage" not in (data.get("memory_stats") or {}):
        return None
    memory, cpu = data["memory_stats"], data.get("cpu_stats", {})
    stats = memory.get("stats", {})  # version 1 of the cgroups has a total, version 2 only the plain figure
    idle = stats.get("total_inactive_file", stats.get("inactive_file", 0))
    networks = (data.get("networks") or {}).values()
    return Reading(
        memory=memory["usage"] - (idle if idle < memory["usage"] else 0),
        limit=memory.get("limit", 0),
        cpu=cpu.get("cpu_usage", {}).get("total_usage", 0),
        system=cpu.get("system_cpu_usage", 0),
        processors=cpu.get("online_cpus", 0) or 1,
        received=sum(network.get("rx_bytes", 0) for network in networks),
        sent=sum(network.get("tx_bytes", 0) for network in networks),
        read=_block_bytes(data, "read"),
        written=_block_bytes(data, "write"),
        processes=data.get("pids_stats", {}).get("current", 0),
    )


def _block_bytes(data: dict[str, Any], what: str) -> int:
    entries = data.get("blkio_stats", {}).get("io_service_bytes_recursive") or ()
    return sum(entry["value"] for entry in entries if entry["op"].lower() == what)
