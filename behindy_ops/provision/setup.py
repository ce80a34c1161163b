"""``host.setup``: what a host lacks, and the steps that give it: shown, agreed to, carried out under the lock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from behindy_ops.checks.docker import (
    AUTHORITIES,
    NEEDED_TOOLS,
    daemon_file,
    ends_with_engine,
    loads_ipv6_rules,
    log_rotation,
    refuses_user,
    sets_ipv6_rules,
)
from behindy_ops.checks.files import unprepared
from behindy_ops.checks.memory import ENOUGH_SWAP, SWAP_MIB, SWAPPINESS
from behindy_ops.errors import UNCHANGED, Kind, RemoteCommandFailed
from behindy_ops.facts.figures import MB
from behindy_ops.facts.machine import HostFacts, parse
from behindy_ops.facts.timers import kept_up
from behindy_ops.host.change import Confirm, agree
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Connect, Session
from behindy_ops.provision import timers
from behindy_ops.provision.recipes import COMPOSE_VERSION, SUPPORTED, Recipe, recipe
from behindy_ops.report import events

SPARE_DISK = 2048 * MB
"""Bytes that must stay free on the disk beside the swap file."""


_RELOADING = "Reload nginx, which does not know the rehearsal token yet (kept-alive connections are closed once)"
_LOADING = {
    "missing": _RELOADING,
    "unloaded": _RELOADING,
    "unmounted": "Restart nginx, whose directory with the rehearsal token was replaced (the site is down for a moment)",
}
"""How nginx is given the token, by what keeps it from knowing it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        words: the arguments of ``host/setup.sh``, which root runs; empty for what the login user does.
        stdin: what the script reads.
        timeout: seconds.
    """

    name: str
    title: str
    words: tuple[str, ...] = ()
    stdin: str = ""
    timeout: float = 120


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in order; what is left alone, and why; and what makes it impossible."""

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    obstacle: str = ""

    @property
    def needs_root(self) -> bool:
        return any(step.words for step in self.steps)

    @classmethod
    def of(cls, facts: HostFacts, domain: str, *, ipv6: bool = False) -> Plan:
        """Return the plan for a host; one that is ready needs no steps.

        Args:
            domain: the public one.
            ipv6: visitors are to reach nginx by IPv6 as well.
        """
        system = recipe(facts.system, facts.version)
        settings = True if facts.logging is None else daemon_file(facts, ipv6=ipv6)
        said: list[Step | str] = []
        if facts.logging is None:
            said.append(f"/etc/docker/daemon.json cannot be read by {facts.user}, so it stays as it is.")
        if isinstance(settings, str):
            wanted = {
                _ROTATE: _rotates(facts),
                _OUTLIVE: ends_with_engine(facts),
                _IPV6: ipv6 and sets_ipv6_rules(facts),
            }
            title = f"{' and '.join(name for name, want in wanted.items() if want)} (/etc/docker/daemon.json)"
            said.append(Step("engine settings", title[0].upper() + title[1:], ("daemon",), settings))
        elif settings is None:
            said.append("/etc/docker/daemon.json is not JSON, so it stays as it is; set up log rotation yourself.")
        said += _packages(facts, system)
        said += _engine(facts, ipv6=ipv6)
        said += _memory(facts)
        if not facts.updates and system:
            title = "Install security updates automatically, every night"
            if facts.system == "amzn":
                title += " (follows the latest version of Amazon's repositories)"
            said.append(Step("updates", title, (f"updates-{system.manager}",)))
        elif not facts.updates:
            said.append("Security updates do not seem to be installed automatically; set that up on this system.")
        said += _directories(facts)
        said += _timers(facts, domain, installs_cron=system is not None)
        missing = [] if system else _missing(facts)
        return cls(
            tuple(step for step in said if isinstance(step, Step)),
            tuple(note for note in said if isinstance(note, str)),
            f"{facts.name} is not one of {SUPPORTED}, and lacks {', '.join(missing)}." if missing else "",
        )


def _directories(facts: HostFacts) -> Iterator[Step]:
    """Where nginx is another project's, so are the token that it has loaded, and the static files that it serves."""
    title = "Create the project's directories for this login alone"
    if shared := facts.names.shared:
        if unprepared(facts.files) or facts.token == "unmounted":  # noqa: S105 - what is wrong with it
            yield Step("directories", f"{title}; the rehearsal token and static files are in {shared}")
        return
    if unprepared(facts.files) or facts.token in ("missing", "unmounted"):
        yield Step("directories", f"{title}, and the rehearsal token")
    if facts.token in _LOADING:
        yield Step("token", _LOADING[facts.token])


def _missing(facts: HostFacts) -> list[str]:
    missing = [tool for tool in ("docker", *NEEDED_TOOLS, AUTHORITIES) if tool not in facts.tools]
    return missing + (["Compose v2"] if "docker" in facts.tools and not facts.compose else [])


def _packages(facts: HostFacts, system: Recipe | None) -> Iterator[Step]:
    if system is None:
        return
    names = [package for tool, package in system.tools if tool not in facts.tools]
    names += system.engine if "docker" not in facts.tools else ()
    if not facts.compose and system.compose and not system.compose_from:
        names.append(system.compose)
    if not facts.updates:
        names.append(system.updates)
    if not facts.systemd and not facts.cron:
        names.append(system.cron)
    if names:
        words = (f"packages-{system.manager}", *names)
        yield Step("packages", f"Install {', '.join(names)}", words, timeout=1200)
    if facts.compose:
        return
    if system.compose_from:
        title = (
            f"Install Compose v2: {system.compose} of {system.compose_from}, the next {facts.system.title()} release"
        )
        yield Step("compose", title, ("compose-from", system.compose_from, system.compose), timeout=600)
    if checksum := dict(system.download).get(facts.arch):
        title = f"Install Compose {COMPOSE_VERSION}: Docker's own binary, checked by its SHA-256"
        yield Step("compose", title, ("compose-download", COMPOSE_VERSION, checksum, facts.arch), timeout=600)


_ROTATE, _OUTLIVE = "rotate container logs", "let containers outlive the Docker engine"
_IPV6 = "have firewall rules for IPv6"


def _rotates(facts: HostFacts) -> bool:
    return facts.logging is not None and isinstance(log_rotation(facts.logging), str)


def _engine(facts: HostFacts, *, ipv6: bool) -> Iterator[Step | str]:
    refused = refuses_user(facts.docker_problem)
    loads = ipv6 and loads_ipv6_rules(facts)
    if not facts.docker and not refused:
        yield Step("engine", "Start the Docker engine, now and at every boot", ("engine",))
    elif (_rotates(facts) or loads) and facts.docker and not facts.running:
        yield Step("restart", "Restart the Docker engine (no container is running)", ("restart",))
    else:
        if ends_with_engine(facts):
            yield Step("reload", "Have the Docker engine load its settings (no container notices)", ("reload",))
        if loads and (facts.live_restore or ends_with_engine(facts)):
            title = "Restart the Docker engine, for IPv6 (containers outlive it; who comes meanwhile waits for seconds)"
            yield Step("restart", title, ("restart",))
        elif loads:
            yield "IPv6 takes effect when the Docker engine next starts, which ends containers: it is not restarted."
        elif _rotates(facts):
            yield "Log rotation takes effect when the Docker engine next starts; it is not restarted for that."
    if facts.user != "root" and "docker" not in facts.next_groups:
        title = f"Add {facts.user} to the group docker (its members can become root)"
        yield Step("group", title, ("group", facts.user))


def _memory(facts: HostFacts) -> Iterator[Step | str]:
    swap = facts.memory.get("SwapTotal", 0)
    free = facts.root_free
    if facts.container:
        if swap < ENOUGH_SWAP:
            yield "No swap can be added: this is a container, which gets its memory from its machine."
        return
    if not swap and free is not None and free < SWAP_MIB * MB + SPARE_DISK:
        yield f"No room for {SWAP_MIB // 1024} GB of swap: only {free // MB} MB are free on /."
        return
    if not swap:
        title = f"Add {SWAP_MIB // 1024} GB of swap (/swapfile), now and at every boot"
        yield Step("swap", title, ("swap", str(SWAP_MIB)), timeout=600)
    elif swap < ENOUGH_SWAP:
        yield f"Only {swap // MB} MB of swap; left as it is."
    if facts.swappiness > SWAPPINESS:
        title = f"Swap only when memory is short (vm.swappiness {SWAPPINESS}, was {facts.swappiness})"
        yield Step("swappiness", title, ("swappiness", str(SWAPPINESS)))


def _timers(facts: HostFacts, domain: str, *, installs_cron: bool) -> Iterator[Step | str]:
    done = kept_up(facts.names, domain)
    if done and not (facts.systemd or facts.cron or installs_cron):
        tasks = " and ".join({"backup": "inv db.backup", "certs": "inv host.certs"}[kind] for kind in done)
        yield f"Neither systemd nor cron is here, so run {tasks} regularly from elsewhere."
        return
    placed = timers.missing(facts, domain)
    if not placed and timers.are_on(facts, domain):
        return
    by = "systemd timers" if facts.systemd else "cron"
    words = {"backup": f"back the database up daily (the last {timers.KEPT} stay)", "certs": "renew certificates"}
    title = f"{' and '.join(words[kind] for kind in done)}, by {by} of the host itself"
    units = timers.units(facts.names, domain)
    yield Step("timers", title[0].upper() + title[1:], ("timers", *units), timers.as_stdin(placed))


def look(session: Session) -> HostFacts:
    """Inspect the machine, without the lock, by what needs nothing installed."""
    settings = session.settings
    words = (settings.host_dir, settings.domain, session.names.proxy.container, *timers.paths(session.names))
    return replace(parse(session.ask("host/facts", *words, title="inspect the host", timeout=90)), names=session.names)


def set_up(connect: Connect, confirm: Confirm, *, wait: float = 0.0) -> None:
    """Give the host what it lacks.

    Args:
        wait: seconds to queue for the lock.

    Raises:
        Kind.HOST_NOT_READY: this system, or this login, does not allow it.
        Kind.SETUP_FAILED: a step failed.
    """
    with connect() as session:
        facts = look(session)
        plan = Plan.of(facts, session.settings.domain, ipv6=session.settings.ipv6)
        if plan.steps:
            title = f"{facts.name}, login {facts.user}. To be done:"
            session.emit(events.Plan(title, tuple(step.title for step in plan.steps)))
        for note in plan.notes:
            session.emit(events.Note(note))
        _require_possible(plan, facts)
        if not plan.steps:
            session.emit(events.Decision(f"{facts.name} has everything a deploy needs; nothing to do."))
            return

        def prepared(question: str) -> bool:
            if not confirm(question):
                return False
            _make_host_directory(session, facts)
            return True

        if not agree(
            session,
            "host.setup",
            facts,
            lambda _: look(session),
            prepared,
            question="Do this on the host?",
            wait=wait,
            matters=lambda seen: Plan.of(seen, session.settings.domain, ipv6=session.settings.ipv6).steps,
        ):
            return
        for step in plan.steps:
            _carry_out(session, facts, step)
    _verify(connect)


def _require_possible(plan: Plan, facts: HostFacts) -> None:
    if plan.obstacle:
        raise Kind.HOST_NOT_READY(
            plan.obstacle,
            state=UNCHANGED,
            remedy="Install Docker Engine, Compose v2 and these tools yourself, then run inv host.setup again.",
        )
    if plan.needs_root and not facts.root:
        raise Kind.HOST_NOT_READY(
            f"This needs root, and {facts.user} may not use sudo on the host without a password (sudo -n).",
            state=UNCHANGED,
            remedy="Ask the host's administrator for the line below in /etc/sudoers.d/behindy while you set it up.",
            lines=(f"{facts.user} ALL=(ALL) NOPASSWD:ALL",),
        )


def as_root(facts: HostFacts, argv: tuple[str, ...]) -> tuple[str, ...]:
    return argv if facts.user == "root" else ("sudo", "-n", *argv)


def _make_host_directory(session: Session, facts: HostFacts) -> None:
    """Create the directory in which the lock lies; the one thing that is done before the lock is taken."""
    if "." in facts.files:
        return
    where = session.settings.host_dir
    made = session.host.run(Command(("mkdir", "-p", "-m", "750", where), title=f"create the directory {where}"))
    if not made.ok and facts.root:
        argv = as_root(facts, script("host/setup", "directory", where, facts.user))
        made = session.host.run(Command(argv, title=f"create the directory {where}"))
    made.require(state="Nothing else changed.", remedy="Check BEHINDY_HOST_DIR.")


def _carry_out(session: Session, facts: HostFacts, step: Step) -> None:
    if step.words:
        argv = as_root(facts, script("host/setup", *step.words))
    else:
        names = session.names
        where: tuple[str, ...] = (session.settings.host_dir, session.settings.domain, names.proxy.container)
        where += (names.shared,) if names.shared else ()
        scripts = {"directories": "host/directories", "token": "host/load_token"}
        argv = script(scripts[step.name], *where)
    stdin = step.stdin.encode("utf-8")
    with session.step(step.name, step.title) as running:
        command = Command(
            argv, title=step.title, timeout=step.timeout, stdin=stdin, changes=True, on_line=running.progress
        )
        try:
            session.host.run(command).require()
        except RemoteCommandFailed as error:
            raise Kind.SETUP_FAILED(
                error.what,
                state="The steps before it are done and stay done.",
                remedy="The lines below say why. Fix that, then run inv host.setup again: it continues from there.",
                lines=error.lines,
            ) from error


def _verify(connect: Connect) -> None:
    """Inspect the host over a new connection, since a login keeps the groups it began with."""
    with connect() as session, session.step("verify", "Check that the host is ready") as step:
        facts = look(session)
        left = Plan.of(facts, session.settings.domain, ipv6=session.settings.ipv6).steps
        if left or not facts.docker or not facts.compose:
            raise Kind.SETUP_FAILED(
                "The host is still not ready.",
                state="All steps were carried out; what ran before is still running.",
                remedy="See what is missing: inv host.check",
                lines=tuple(remaining.title for remaining in left) or (facts.docker_problem,),
            )
        step.detail = f"Docker {facts.docker}, Compose {facts.compose}"
