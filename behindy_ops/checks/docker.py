"""Docker, Compose, and the tools that the scripts on the host need. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from behindy_ops.checks.check import Check, Facts, Problem, Risk, ok
from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.survey import EngineKind

NEEDED_TOOLS = ("curl", "flock", "timeout", "awk")

AUTHORITIES = "ca-certificates"
"""What host.setup calls a bundle of certificate authorities; a survey does not look for one."""

ROTATION = {"max-size": "10m", "max-file": "3"}
"""At most 30 MB of logs for each container: docs/design.md, "Logs and swap"."""

_OLDEST_DOCKER = "20.10"
"""Its ``docker inspect`` has all that the survey asks for."""

_OLDEST_COMPOSE = "2.19"
"""The first with ``--progress``, which keeps its drawing out of our logs."""

_SETUP = "Set the host up: inv host.setup"

DOCKER_MISSING = Problem("docker missing", "there is no program docker", _SETUP)
DOCKER_FORBIDDEN = Problem(
    "docker forbidden",
    "the engine refuses the login user",
    "Add the login user to the group docker: inv host.setup",
)
DOCKER_SILENT = Problem(
    "docker not responding",
    "the engine does not answer",
    "Start it: inv host.setup. Its log, on the host: sudo journalctl -u docker -n 50",
    users=True,
)
DOCKER_OLD = Problem("docker too old", f"older than {_OLDEST_DOCKER}", "Update Docker on the host.")
ROOTLESS = Problem(
    "docker rootless",
    "the login has a rootless engine of its own, or /var/run/docker.sock is one's",
    "It can neither take the ports 80 and 443 nor read certificates. Use the system's engine: systemctl --user disable "
    "--now docker; inv host.setup",
)
REMAPPED = Problem(
    "docker remaps users",
    "the engine runs containers with other users than the host's (userns-remap)",
    "In containers, root may read neither certificates nor the rehearsal's token. Take userns-remap out of "
    "/etc/docker/daemon.json on the host and restart the engine (it has containers and images of its own then).",
)
SNAP = Problem(
    "docker from snap",
    "the program docker is a snap's",
    "A snap sees no files outside of home directories. Take a backup (inv db.backup), then, on the host: sudo snap "
    "remove docker; inv host.setup",
)
COMPOSE_MISSING = Problem("compose missing", "docker compose version does not answer", _SETUP)
COMPOSE_OLD = Problem("compose too old", f"older than {_OLDEST_COMPOSE}", "Update the Compose plugin on the host.")
TOOL_MISSING = Problem("tool missing", f"one of {', '.join(NEEDED_TOOLS)} is missing", _SETUP)
NO_AUTHORITIES = Problem(
    "no certificate authorities", "there is no bundle of them, so curl trusts no public URL", _SETUP
)
LOGS_GROW = Risk(
    "logs grow without limit",
    "the engine's json-file logs have no max-size or no max-file",
    "Rotate them: inv host.setup",
    symptom="Logs of containers outside the compose file fill the disk.",
)
ENDS_WITH_ENGINE = Risk(
    "containers end with the engine",
    "the engine runs without live-restore, and is no swarm's",
    "Let them outlive it: inv host.setup",
    symptom="An update or a crash of dockerd takes the site down for seconds.",
)
DAEMON_FILE_BROKEN = Risk(
    "daemon.json broken",
    "/etc/docker/daemon.json is not a JSON object",
    "Correct /etc/docker/daemon.json on the host.",
    symptom="The Docker engine does not start again.",
)


def engine(facts: Facts) -> Iterable[Check]:
    """Docker itself. Until it can be asked, that nothing was seen says nothing."""
    survey = facts.survey
    said = survey.docker_problem
    if "docker" not in survey.tools:
        yield DOCKER_MISSING.check("docker", "Docker is not installed on the host.")
    elif refuses_user(said):
        yield DOCKER_FORBIDDEN.check("docker", "The login user may not use Docker.", evidence=said.splitlines()[-3:])
    elif not survey.docker and EngineKind.ROOTLESS in survey.engine:
        yield ROOTLESS.check("docker", "This login has an engine of its own, which is rootless, and no other.")
    elif not survey.docker:
        found = "The Docker engine on the host is not responding."
        yield DOCKER_SILENT.check("docker", found, evidence=said.splitlines()[-5:])
    elif version(survey.docker) < version(_OLDEST_DOCKER):
        found = f"Docker {survey.docker} is too old; {_OLDEST_DOCKER} is the oldest that works."
        yield DOCKER_OLD.check("docker", found)
    else:
        yield ok("docker", f"Docker {survey.docker}")


def kind(facts: Facts) -> Iterable[Check]:
    """Engines that only half of it would work with."""
    there = facts.survey.engine
    if EngineKind.ROOTLESS in there and facts.survey.docker:
        yield ROOTLESS.check("engine", "The Docker engine on the host is rootless.")
    if EngineKind.REMAPPED in there:
        yield REMAPPED.check("engine", "The Docker engine on the host gives containers other users (userns-remap).")
    if EngineKind.SNAP in there:
        yield SNAP.check("engine", "Docker on the host is a snap.")


def refuses_user(said: str) -> bool:
    """Whether what docker wrote is that this user may not use it."""
    return "permission denied" in said.lower()


def version(text: str) -> tuple[int, ...]:
    """Return the first two numbers of a version; one that cannot be read counts as new."""
    numbers = [int(part) for part in text.lstrip("v").split("+")[0].split("-")[0].split(".")[:2] if part.isdigit()]
    return tuple(numbers) if len(numbers) == 2 else (999, 0)


def compose(facts: Facts) -> Iterable[Check]:
    """The Compose plugin."""
    survey = facts.survey
    if not survey.compose:
        evidence = survey.docker_problem.splitlines()[-3:]
        yield COMPOSE_MISSING.check("compose", "Docker Compose v2 is not installed on the host.", evidence=evidence)
    elif version(survey.compose) < version(_OLDEST_COMPOSE):
        found = f"Docker Compose {survey.compose} is too old; {_OLDEST_COMPOSE} is the oldest that works."
        yield COMPOSE_OLD.check("compose", found)
    else:
        yield ok("compose", f"Compose {survey.compose}")


def tools(facts: Facts) -> Iterable[Check]:
    """The programs that our scripts run."""
    missing = [tool for tool in NEEDED_TOOLS if tool not in facts.survey.tools]
    if missing:
        yield TOOL_MISSING.check("tools", f"The host lacks {', '.join(missing)}.")
    else:
        yield ok("tools", ", ".join(NEEDED_TOOLS))


def authorities(facts: Facts) -> Iterable[Check]:
    """Whom curl on the host trusts: a release is checked through its public URL."""
    if AUTHORITIES in facts.survey.tools:
        yield ok("authorities", AUTHORITIES)
    else:
        yield NO_AUTHORITIES.check("authorities", f"The host lacks {AUTHORITIES}.")


def logs(facts: Facts) -> Iterable[Check]:
    """The engine's own rotation of logs, for containers that do not ask for theirs."""
    if facts.machine.logging is None:
        yield ok("logs", "unknown: the login may not read /etc/docker/daemon.json")
        return
    rotated = log_rotation(facts.machine.logging)
    if rotated is None:
        yield DAEMON_FILE_BROKEN.check("logs", "/etc/docker/daemon.json is not JSON.")
    elif rotated is True:
        yield ok("logs", "rotated")
    else:
        yield LOGS_GROW.check("logs", "Containers outside the compose file log without limit.")


def live_restore(facts: Facts) -> Iterable[Check]:
    """Whether containers outlive the engine."""
    machine = facts.machine
    if machine.live_restore:
        yield ok("live-restore", "containers outlive the engine")
    elif machine.docker and ends_with_engine(machine):
        yield ENDS_WITH_ENGINE.check("live-restore", "Containers end whenever the Docker engine does.")


def ends_with_engine(machine: HostFacts) -> bool:
    """Whether live-restore is to be set: it is off, and neither a swarm nor an administrator is against it."""
    content = _daemon_file(machine.logging or "")
    if machine.logging is None or content is None or content.get("live-restore", True) is not True:
        return False
    return not machine.swarm and not machine.live_restore


def loads_ipv6_rules(machine: HostFacts) -> bool:
    """Whether the engine, asked for firewall rules for IPv6, has to start again to have them."""
    seen, content = machine.visitors, _daemon_file(machine.logging or "")
    if machine.logging is None or content is None or content.get("ip6tables", True) is not True:
        return False  # an administrator is against it, or the file would not be read
    return seen.lacks == "rules" or (seen.lacks == "restart" and not seen.ipv6)


def sets_ipv6_rules(machine: HostFacts) -> bool:
    """Whether they are to be asked for; of an engine that is not there yet too, since it may become an older one."""
    return "ip6tables" not in (_daemon_file(machine.logging or "") or {}) and (
        machine.visitors.lacks == "rules" or not machine.docker
    )


def daemon_file(machine: HostFacts, *, ipv6: bool = False) -> str | bool | None:
    """Return ``daemon.json`` with what host.setup wants in it; True if it needs no change, None if it is no object."""
    rotated = log_rotation(machine.logging or "")
    content = _daemon_file(rotated if isinstance(rotated, str) else machine.logging or "")
    if content is None:
        return None
    added: dict[str, Any] = {}
    if ends_with_engine(machine) and "live-restore" not in content:
        added |= {"live-restore": True}
    if ipv6 and sets_ipv6_rules(machine):
        added |= {"experimental": True, "ip6tables": True}  # without the first one, an older engine does not start
    return _written(content | added) if added else rotated


def log_rotation(text: str) -> str | bool | None:
    """Return ``daemon.json`` with log rotation added; True if it needs no change, None if it is not a JSON object.

    What an administrator has set stays: another log driver means another idea of logs.
    """
    content = _daemon_file(text)
    if content is None:
        return None
    options = content.get("log-opts", {})
    if content.get("log-driver", "json-file") != "json-file" or not isinstance(options, dict):
        return True
    merged = content | {"log-driver": "json-file", "log-opts": ROTATION | options}
    return True if merged == content else _written(merged)


def _daemon_file(text: str) -> dict[str, Any] | None:
    try:
        content: Any = json.loads(text or "{}")
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _written(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
