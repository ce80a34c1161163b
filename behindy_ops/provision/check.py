"""Is a host fit for deploys, and what cures what is missing? Pure: facts in, findings out, lines or JSON from those."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from behindy_ops.provision.recipes import SUPPORTED, recipe
from behindy_ops.provision.setup import MIB, NEEDED_TOOLS, SWAPPINESS, with_log_rotation
from behindy_ops.report.text import ASCII, WIDTH, Line, Marks, Tone, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from behindy_ops.facts.machine import HostFacts

__all__ = ["Finding", "Verdict", "as_json", "as_lines", "findings"]

SETUP = "inv host.setup"
LITTLE_MEMORY = 1700 * MIB
"""A host of 2 GB shows some 1.9; less cannot hold what the compose file allows its containers."""

LITTLE_SWAP = 1024 * MIB
LITTLE_DISK = 3072 * MIB
"""Room for the images of one more release of each service."""

FULL_DISK = 1024 * MIB
CLOCK_OFF = 5.0
"""Seconds; certificates and tokens tolerate some, records and logs should not need more."""


class Verdict(StrEnum):
    """``missing`` stands in the way of a deploy; ``careful`` does not, and should be seen to."""

    GOOD = "good"
    CAREFUL = "careful"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``cure`` is what to type, empty when all is well."""

    name: str
    verdict: Verdict
    detail: str
    cure: str = ""


def findings(facts: HostFacts, *, client_clock: float, host_dir: str) -> list[Finding]:
    """Return all findings, in the order in which things depend on each other.

    :param client_clock: this machine's clock in the middle of the look, seconds since the epoch.
    """
    return [
        Finding("login", Verdict.GOOD, f"{facts.user}, {'may' if facts.root else 'may not'} become root"),
        _system(facts),
        _tools(facts),
        *_docker(facts),
        *_memory(facts),
        _disk(facts),
        _clock(facts, client_clock),
        _logging(facts),
        _updates(facts),
        *_files(facts, host_dir),
    ]


def _system(facts: HostFacts) -> Finding:
    if facts.reboot:
        return Finding("system", Verdict.CAREFUL, f"{facts.name}: an update waits for a reboot", "sudo reboot")
    if recipe(facts.system, facts.version) is None:
        return Finding("system", Verdict.CAREFUL, f"{facts.name}: host.setup knows {SUPPORTED}")
    return Finding("system", Verdict.GOOD, f"{facts.name}, {facts.arch}")


def _tools(facts: HostFacts) -> Finding:
    missing = [tool for tool in NEEDED_TOOLS if tool not in facts.tools]
    if missing:
        return Finding("tools", Verdict.MISSING, f"no {', '.join(missing)}", SETUP)
    return Finding("tools", Verdict.GOOD, ", ".join(NEEDED_TOOLS))


def _docker(facts: HostFacts) -> Iterator[Finding]:
    if "docker" not in facts.tools:
        yield Finding("docker", Verdict.MISSING, "not installed", SETUP)
        return
    if facts.docker:
        yield Finding("docker", Verdict.GOOD, f"Engine {facts.docker}")
    elif "permission denied" in facts.docker_problem.lower():
        yield Finding("docker", Verdict.MISSING, f"{facts.user} may not use it (not in group docker)", SETUP)
    else:
        yield Finding("docker", Verdict.MISSING, "the engine does not answer", SETUP)
    if facts.compose:
        yield Finding("compose", Verdict.GOOD, f"Compose {facts.compose}")
    else:
        yield Finding("compose", Verdict.MISSING, "Compose v2 is not installed", SETUP)


def _memory(facts: HostFacts) -> Iterator[Finding]:
    total, free = facts.memory.get("MemTotal", 0), facts.memory.get("MemAvailable", 0)
    detail = f"{total // MIB} MB, {free // MIB} MB available"
    if total < LITTLE_MEMORY:
        yield Finding("memory", Verdict.CAREFUL, f"{detail}; the services want 2 GB", "a larger instance")
    else:
        yield Finding("memory", Verdict.GOOD, detail)
    swap = facts.memory.get("SwapTotal", 0)
    if swap < LITTLE_SWAP:
        cure = "" if facts.container else SETUP
        why = " (a container: its machine's to give)" if facts.container else ""
        yield Finding("swap", Verdict.CAREFUL, f"{swap // MIB} MB{why}; two releases side by side want 2 GB", cure)
    elif facts.swappiness > SWAPPINESS and not facts.container:
        yield Finding("swap", Verdict.CAREFUL, f"{swap // MIB} MB, vm.swappiness {facts.swappiness}", SETUP)
    else:
        yield Finding("swap", Verdict.GOOD, f"{swap // MIB} MB")


def _disk(facts: HostFacts) -> Finding:
    disk = facts.disk("/var/lib/docker")
    if disk is None:
        return Finding("disk", Verdict.CAREFUL, "cannot be read", "df -h")
    detail = f"{disk.free // MIB} of {disk.size // MIB} MB free on {disk.mounted}"
    if disk.free < LITTLE_DISK:
        verdict = Verdict.MISSING if disk.free < FULL_DISK else Verdict.CAREFUL
        return Finding("disk", verdict, detail, "a larger disk, or on the host: docker image prune")
    return Finding("disk", Verdict.GOOD, detail)


def _clock(facts: HostFacts, client_clock: float) -> Finding:
    off = facts.now - client_clock
    if abs(off) > CLOCK_OFF:
        ahead = "ahead of" if off > 0 else "behind"
        return Finding(
            "clock", Verdict.CAREFUL, f"{abs(off):.0f} s {ahead} this machine's", "sudo timedatectl set-ntp true"
        )
    if facts.synchronized is False:
        return Finding("clock", Verdict.CAREFUL, "not synchronized by NTP", "sudo timedatectl set-ntp true")
    return Finding("clock", Verdict.GOOD, f"within {max(1.0, abs(off)):.0f} s of this machine's")


def _logging(facts: HostFacts) -> Finding:
    outcome = with_log_rotation(facts.logging)
    if outcome is None:
        return Finding("logs", Verdict.CAREFUL, "/etc/docker/daemon.json is not JSON", "correct it by hand")
    if outcome is True:
        return Finding("logs", Verdict.GOOD, "rotated")
    return Finding("logs", Verdict.CAREFUL, "containers outside the compose file log without limit", SETUP)


def _updates(facts: HostFacts) -> Finding:
    if facts.updates:
        return Finding("updates", Verdict.GOOD, "security updates install themselves")
    return Finding("updates", Verdict.CAREFUL, "security updates wait for a person", SETUP)


def _files(facts: HostFacts, host_dir: str) -> Iterator[Finding]:
    directories = [name for name in (".", "state", "rehearsal") if name not in facts.files]
    if directories:
        yield Finding("directories", Verdict.MISSING, f"{host_dir} is not prepared", SETUP)
    elif "rehearsal/header" not in facts.files:
        yield Finding("directories", Verdict.CAREFUL, "no rehearsal token", SETUP)
    else:
        yield Finding("directories", Verdict.GOOD, host_dir)
    environment = facts.files.get(".env")
    if environment is None:
        yield Finding(".env", Verdict.MISSING, "not there", "inv env.push")
    elif environment.mode != "600":
        yield Finding(".env", Verdict.CAREFUL, f"mode {environment.mode}: others may read it", SETUP)
    else:
        yield Finding(".env", Verdict.GOOD, "there, for this login alone")
    missing = [name for name in ("compose/docker-compose.yml", "nginx/nginx.conf") if name not in facts.files]
    if missing:
        yield Finding("files", Verdict.MISSING, f"no {', no '.join(missing)}", "inv host.sync")
    else:
        yield Finding("files", Verdict.GOOD, "compose/ and nginx/ are there")
    if facts.certificate:
        yield Finding("certificate", Verdict.GOOD, "there")
    elif facts.root:
        yield Finding("certificate", Verdict.CAREFUL, "none yet", "inv host.certs, after inv host.up")


def as_json(found: Sequence[Finding], host: str) -> str:
    """Return ``{"host", "ready", "findings": [{"name", "verdict", "detail", "cure"}]}``."""
    body = {"host": host, "ready": is_ready(found), "findings": [asdict(one) for one in found]}
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def is_ready(found: Sequence[Finding]) -> bool:
    return all(one.verdict is not Verdict.MISSING for one in found)


def as_lines(found: Sequence[Finding], host: str, marks: Marks = ASCII) -> list[Line]:
    """Return the findings for a person, each with its cure below it."""
    signs = {
        Verdict.GOOD: (marks.done, Tone.GOOD),
        Verdict.CAREFUL: (marks.warning, Tone.CAREFUL),
        Verdict.MISSING: (marks.failed, Tone.BAD),
    }
    column = max(len(one.name) for one in found) + 2
    lines = []
    for one in found:
        sign, tone = signs[one.verdict]
        indent = " " * (4 + column)
        text = textwrap.wrap(printable(one.detail), WIDTH - len(indent)) or [""]
        lines.append(Line(f"  {sign} {one.name:<{column}}{text[0]}", tone))
        lines += (Line(f"{indent}{more}", tone) for more in text[1:])
        if one.cure:
            lines.append(Line(f"{indent}cure: {one.cure}", Tone.STRONG, exact=True))
    missing = sum(one.verdict is Verdict.MISSING for one in found)
    careful = sum(one.verdict is Verdict.CAREFUL for one in found)
    ending = f"{missing} missing for a deploy" if missing else f"{host} is ready for a deploy"
    lines.append(Line(f"{ending}{f'; {careful} to see to' if careful else ''}.", Tone.BAD if missing else Tone.GOOD))
    return lines
