"""What a host still lacks, and the steps that give it. Pure: facts in, plan out; a host that is ready gives none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from behindy_ops.checks.preflight import NEEDED_TOOLS as DEPLOY_TOOLS
from behindy_ops.provision.recipes import COMPOSE_VERSION, SUPPORTED, Recipe, recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behindy_ops.facts.machine import HostFacts

__all__ = ["MIB", "NEEDED_TOOLS", "SWAPPINESS", "SWAP_MIB", "Plan", "Step", "with_log_rotation"]

MIB = 2**20

NEEDED_TOOLS = (*DEPLOY_TOOLS, "ca-certificates")
"""What a deploy asks for; and the public URL cannot be checked where no certificate authority is believed."""

SWAP_MIB = 2048
"""The swap a host of 2 GB gets (specification, section 1)."""

SWAPPINESS = 10
"""``vm.swappiness``: swap is for the minute in which two releases run side by side, not for every day."""

ENOUGH_SWAP = 1024 * MIB
SPARE_DISK = 2048 * MIB
"""Bytes that must stay free on the disk beside the swap file."""

ROTATION = {"max-size": "10m", "max-file": "3"}
"""Logs of a container: 30 MB at most (specification, disk)."""

_PRIVATE = {"state": "700", "rehearsal": "700", "rehearsal/header": "600", "rehearsal/map.conf": "600"}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be done.

    :param words: what ``host/setup.sh`` gets, run as root; empty for what the login user does itself.
    :param stdin: what it reads.
    """

    name: str
    title: str
    words: tuple[str, ...] = ()
    stdin: str = ""
    timeout: float = 120


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in order; what is left alone and why; and what stands in the way."""

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    obstacle: str = ""

    @property
    def needs_root(self) -> bool:
        return any(step.words for step in self.steps)

    @classmethod
    def of(cls, facts: HostFacts) -> Plan:
        """Return the plan for a host."""
        found = recipe(facts.system, facts.version)
        steps: list[Step] = []
        notes: list[str] = []
        logging = with_log_rotation(facts.logging)
        if isinstance(logging, str):
            steps.append(Step("logging", "Rotate container logs (/etc/docker/daemon.json)", ("logging",), logging))
        elif logging is None:
            notes.append("/etc/docker/daemon.json is not JSON; left as it is, so log rotation is yours to set.")
        steps += _packages(facts, found)
        steps += _engine(facts, changed=isinstance(logging, str), notes=notes)
        steps += _memory(facts, notes)
        if not facts.updates and found:
            title = "Install security updates by themselves, every night"
            if facts.system == "amzn":
                title += " (follows the latest version of Amazon's repositories)"
            steps.append(Step("updates", title, (f"updates-{found.manager}",)))
        steps += _directories(facts)
        lacking = [] if found else _lacking(facts)
        obstacle = f"{facts.name}: not one of {SUPPORTED}; {', '.join(lacking)} missing." if lacking else ""
        if not found and not facts.updates:
            notes.append("Security updates are not known to be installed by themselves; see to it on this system.")
        return cls(tuple(steps), tuple(notes), obstacle)


def with_log_rotation(text: str) -> str | bool | None:
    """Return ``daemon.json`` with log rotation added; True when it needs no change, None when it is no JSON object.

    What an administrator has set stays: another log driver means another idea of logs.
    """
    try:
        content: Any = json.loads(text or "{}")
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    options = content.get("log-opts", {})
    if content.get("log-driver", "json-file") != "json-file" or not isinstance(options, dict):
        return True
    merged = content | {"log-driver": "json-file", "log-opts": ROTATION | options}
    return True if merged == content else json.dumps(merged, indent=2, ensure_ascii=False) + "\n"


def _lacking(facts: HostFacts) -> list[str]:
    missing = [tool for tool in ("docker", *NEEDED_TOOLS) if tool not in facts.tools]
    return missing + (["Compose v2"] if "docker" in facts.tools and not facts.compose else [])


def _packages(facts: HostFacts, found: Recipe | None) -> Iterator[Step]:
    if found is None:
        return
    names = [package for tool, package in found.tools if tool not in facts.tools]
    names += found.engine if "docker" not in facts.tools else ()
    if not facts.compose and found.compose and not found.compose_from:
        names.append(found.compose)
    if not facts.updates:
        names.append(found.updates)
    if names:
        words = (f"packages-{found.manager}", *names)
        yield Step("packages", f"Install {', '.join(names)}", words, timeout=1200)
    if facts.compose:
        return
    if found.compose_from:
        title = (
            f"Install Compose v2: {found.compose} of {found.compose_from}, the next release of {facts.system.title()}"
        )
        yield Step("compose", title, ("compose-from", found.compose_from, found.compose), timeout=600)
    checksum = dict(found.download).get(facts.arch)
    if checksum:
        title = f"Install Compose {COMPOSE_VERSION}: Docker's own binary, checked by its SHA-256"
        yield Step("compose", title, ("compose-download", COMPOSE_VERSION, checksum, facts.arch), timeout=600)


def _engine(facts: HostFacts, *, changed: bool, notes: list[str]) -> Iterator[Step]:
    refused = "permission denied" in facts.docker_problem.lower()
    if not facts.docker and not refused:
        yield Step("engine", "Start the Docker engine, now and at every boot", ("engine",))
    elif changed and facts.docker and not facts.running:
        yield Step("restart", "Restart the Docker engine (no container runs)", ("restart",))
    elif changed:
        notes.append(
            "Log rotation holds once the Docker engine is restarted, which would stop containers; not done now."
        )
    if facts.user != "root" and "docker" not in facts.next_groups:
        yield Step(
            "group", f"Put {facts.user} in the group docker (who is in it can become root)", ("group", facts.user)
        )


def _memory(facts: HostFacts, notes: list[str]) -> Iterator[Step]:
    swap = facts.memory.get("SwapTotal", 0)
    disk = facts.disk("/")
    if facts.container:
        if swap < ENOUGH_SWAP:
            notes.append("Swap cannot be made here: this is a container, and its memory is the machine's to give.")
        return
    if not swap and disk and disk.free < SWAP_MIB * MIB + SPARE_DISK:
        notes.append(
            f"No room for {SWAP_MIB // 1024} GB of swap: only {disk.free // MIB} MB are free on {disk.mounted}."
        )
        return
    if not swap:
        title = f"Make {SWAP_MIB // 1024} GB of swap (/swapfile), now and at every boot"
        yield Step("swap", title, ("swap", str(SWAP_MIB)), timeout=600)
    elif swap < ENOUGH_SWAP:
        notes.append(f"There are {swap // MIB} MB of swap, which is little; left as it is.")
    if facts.swappiness > SWAPPINESS:
        title = f"Swap only under need (vm.swappiness {SWAPPINESS}, was {facts.swappiness})"
        yield Step("swappiness", title, ("swappiness", str(SWAPPINESS)))


def _directories(facts: HostFacts) -> Iterator[Step]:
    wanted = (".", "compose", "nginx", *_PRIVATE, "compose/.env")
    missing = [path for path in wanted if path not in facts.files]
    private = _PRIVATE | ({".env": "600"} if ".env" in facts.files else {})
    open_ = [path for path, mode in private.items() if path in facts.files and facts.files[path].mode != mode]
    root = facts.files.get(".")
    if root and int(root.mode[-2:], 8) & 0o22:
        open_.append(".")
    if missing or open_:
        yield Step("directories", "Make the project's directories for this login alone, and the rehearsal token")
