"""Errors: what happened, what state the host is in, what to type next, and an exit code.

What can go wrong is a table of kinds; each has an exit code of its own, so that a script can tell them apart. The codes
are grouped: 1x before the host was reached, 2x the lock, 3x the host is not ready, 4x the image, 5x the release, 8x
setting a host up. docs/reference/exit-codes.md lists them. A class stands here only where something catches it.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Self

CALLED = "BEHINDY_INV"
"""The variable with what the reader types for ``inv``, if it is something else; the script of that name sets it."""

UNCHANGED = "Nothing changed."

STILL_RUNNING = "Nothing changed; any previous release is still running."
"""The state of a host of which nothing but a look was taken, be it before its first deploy."""


class Kind(Enum):
    """What can go wrong: the exit code and the title that is shown, what it means, and what to do or type first.

    Calling one makes the error. The last two are for people who look a code up: docs/reference/exit-codes.md is made of
    them; an error itself says more exactly what happened.
    """

    UNEXPECTED = (
        1,
        "unexpected",
        "a bug in behindy-ops",
        "Run it again with BEHINDY_DEBUG=1, and report what it shows. If a deploy was running: inv deploy.status",
    )
    USAGE = (
        2,
        "wrong usage",
        "a task or option that does not exist; an option, tag or name that cannot be used",
        "The options of a task: inv --help TASK",
    )
    SETTINGS = (
        10,
        "settings",
        "settings are missing or wrong; all of them are listed",
        "Correct each where the message says it stands; .env.example explains every name",
    )
    HOST_UNREACHABLE = (
        11,
        "host unreachable",
        "no SSH server answered",
        "Does it run, and let this machine in? Check BEHINDY_HOST, BEHINDY_PORT and the firewall: ssh -v USER@HOST",
    )
    HOST_KEY_UNKNOWN = (
        12,
        "host key unknown",
        "the host's key is not pinned",
        "inv host.trust",
    )
    HOST_KEY_CHANGED = (
        13,
        "host key changed",
        "the host showed another key than the pinned one",
        "Was it reinstalled, or is somebody in between? In the first case: ssh-keygen -R HOST, then inv host.trust",
    )
    LOGIN_REFUSED = (
        14,
        "login refused",
        "the user or the key was refused, or the key cannot be read",
        "Check BEHINDY_USER and the key; its public half has to be in ~/.ssh/authorized_keys on the host",
    )
    CONNECTION_LOST = (
        15,
        "connection lost",
        "the SSH connection broke, for a deploy twice: it reconnects once",
        "inv deploy.status shows what was left; inv deploy.recover, or the same command once more, puts it right",
    )
    LOCK_HELD = (
        20,
        "host is locked",
        "somebody else is changing the host, or holds it for maintenance",
        "Who it is: inv lock.status. To queue: --wait 10m. To end a hold for maintenance: inv lock.release",
    )
    LEASE_LOST = (
        21,
        "lease lost",
        "the lock ended during the work, or somebody else deployed meanwhile; nothing changed after that",
        "inv deploy.status, then the same command once more",
    )
    HOST_NOT_READY = (
        30,
        "host not ready",
        "Docker, Compose or a tool is missing or refused",
        "inv host.check names what is missing, inv host.setup installs it",
    )
    NETWORK_MISSING = (
        31,
        "network missing",
        "the network of nginx and the services does not exist",
        "inv host.up",
    )
    NGINX_NOT_READY = (
        32,
        "nginx not ready",
        "the nginx container is missing, stopped, or not on the network",
        "See it: inv ops.nginx. Start it: inv host.up. Its log: inv ops.logs nginx",
    )
    ENVIRONMENT_FILE_MISSING = (
        33,
        "environment file missing",
        "the host has no .env, or a value the service needs is missing from it",
        "inv env.check names it; then inv env.set NAME, or inv env.push for the whole file",
    )
    FILES_MISSING = (
        34,
        "files missing",
        "compose/ or nginx/ is not on the host",
        "inv host.sync; BEHINDY_HOST_DIR names the directory",
    )
    COMPOSE_INVALID = (
        35,
        "compose file invalid",
        "the Compose file, here or on the host, is invalid",
        "Correct it here, where the message says, then: inv host.sync",
    )
    NOT_ENOUGH_MEMORY = (
        36,
        "not enough memory",
        "a second container of the service does not fit beside the first",
        "What uses it: inv ops.mem. With an announced downtime: inv deploy.SERVICE --tag TAG --strategy recreate",
    )
    DISK_FULL = (
        37,
        "disk full",
        "the new image does not fit onto the host's disk",
        "What takes it: inv ops.disk. To remove old images: inv ops.prune",
    )
    NO_QUORUM = (
        38,
        "no quorum",
        "half of the swarm's managers or more are away; what runs goes on",
        "Start them again, or their engines: more than half have to be there (docs/swarm.md)",
    )
    MANAGER_LOST = (
        39,
        "manager lost",
        "the swarm lost its leader in the middle of a deploy, and chose no other within 30 s",
        "inv deploy.status, then the same command once more",
    )
    IMAGE_NOT_FOUND = (
        40,
        "image not found",
        "the registry has no such image or tag; or this machine has not, or no Docker (--from-local)",
        "Check --tag, that the build has pushed it, and BEHINDY_IMAGE_PREFIX",
    )
    REGISTRY_REFUSED = (
        41,
        "registry refused",
        "the registry refused the login or the pull",
        "Check DOCKERHUB_USERNAME and DOCKERHUB_TOKEN, or that registry's login in pyproject.toml",
    )
    REGISTRY_UNREACHABLE = (
        42,
        "registry unreachable",
        "the registry did not answer",
        "Try again; if it stays so, look at the registry's own status and at the host's network",
    )
    RELEASE_REFUSED = (
        50,
        "release refused",
        "the release failed before the switch; no user saw it",
        "Its last log lines are shown: fix the release, or its values (inv ops.env SERVICE), and deploy again",
    )
    SWITCH_FAILED = (
        51,
        "switch failed",
        "the renames failed and were undone",
        "inv deploy.status, then the same command once more",
    )
    SWITCHED_BACK = (
        52,
        "switched back",
        "the release failed after the switch; the previous one serves again",
        "Its last log lines are shown: fix the release, and deploy again",
    )
    AFTER_FAILED = (
        53,
        "command after the switch failed",
        "the release is live and stays; its x-deploy.after did not end well",
        "Mend what it says, then run it: inv ops.run SERVICE -- COMMAND. To go back: inv deploy.rollback SERVICE",
    )
    REMOTE_COMMAND_FAILED = (
        60,
        "remote command failed",
        "a command on the host failed in a way that has no code of its own",
        "Its last lines are shown; what is wrong with the host: inv ops.doctor",
    )
    CONTAINER_MISSING = (
        61,
        "no such container",
        "the container to look at, or to run something in, is missing or not running",
        "What there is: inv ops.ps. What is live: inv deploy.status",
    )
    TROUBLE_FOUND = (
        65,
        "trouble found",
        "ops.doctor found something that affects users, or will",
        "Do what each finding has as its remedy; inv ops.doctor --fix applies the safe ones",
    )
    SANDBOX = (
        70,
        "sandbox",
        "the sandbox could not be created, found or used; in demo and bench also: a request was lost",
        "./inv sandbox.down, then ./inv sandbox.up",
    )
    SETUP_FAILED = (
        80,
        "host setup failed",
        "a step of host.setup failed; what was done before it stays done",
        "Mend what the step says, then: inv host.setup",
    )
    FILES_REFUSED = (
        81,
        "files refused",
        "nginx rejects the files, or they cannot be sent; they did not go live",
        "Correct the file that is named, then: inv host.sync. If nginx/ is not as declared: inv host.nginx --write",
    )
    NOT_HEALTHY = (
        82,
        "not healthy",
        "nginx, PostgreSQL or Redis did not become healthy after host.up",
        "Why: inv ops.logs NAME. Then: inv host.up",
    )
    CERTIFICATE_REFUSED = (
        83,
        "certificate refused",
        "certbot obtained no certificate; the previous one is still in use",
        "Does the domain lead to this host, and is port 80 open to everyone? Then: inv host.certs",
    )
    ENVIRONMENT_INVALID = (
        85,
        "environment invalid",
        "values for the containers are missing, or would not be read as intended; every mistake is listed by name",
        "inv env.set NAME for one; or correct host.env, then: inv env.push",
    )
    DATABASE_NOT_READY = (
        86,
        "database not ready",
        "the PostgreSQL container is missing, stopped, or not responding",
        "Start it: inv host.up. Its log: inv ops.logs postgres",
    )
    BACKUP_FAILED = (
        87,
        "backup failed",
        "a backup could not be completed; nothing is left that looks like one",
        "Is there room? inv ops.disk. Then: inv db.backup",
    )
    BACKUP_INVALID = (
        88,
        "backup invalid",
        "the backup cannot be restored: damaged, truncated, or from a newer PostgreSQL; the database was not touched",
        "Take another one: inv db.restore FILE, or NAME --from-host",
    )
    INTERRUPTED = (
        130,
        "interrupted",
        "stopped by SIGHUP (129), SIGINT (Ctrl-C, 130) or SIGTERM (143); 130 also by a no to a question",
        "inv deploy.status shows whether anything was left; the next deploy, or inv deploy.recover, puts it right",
    )

    def __init__(self, exit_code: int, title: str, meaning: str = "", advice: str = "") -> None:
        self.exit_code = exit_code
        self.title = title
        self.meaning = meaning
        self.advice = advice

    def __call__(self, what: str, *, state: str = "", remedy: str = "", lines: tuple[str, ...] = ()) -> BehindyError:
        """Return an error of this kind; the arguments are those of :class:`BehindyError`."""
        return BehindyError(what, state=state, remedy=remedy, lines=lines, kind=self)


class BehindyError(Exception):
    """What this package raises on purpose. Immutable once it is made; :meth:`but` gives a changed copy.

    Args:
        what: one sentence, what happened.
        state: what state the host is in now; empty where no host was involved.
        remedy: what to do or type next.
        lines: further evidence, such as the last log lines, shown below the sentences.
        kind: what it is; a subclass has its own.
    """

    kind: Kind = Kind.UNEXPECTED
    what: str
    state: str
    remedy: str
    lines: tuple[str, ...]

    def __init__(
        self, what: str, *, state: str = "", remedy: str = "", lines: tuple[str, ...] = (), kind: Kind | None = None
    ) -> None:
        super().__init__(what)
        self._fill(what=what, state=state, remedy=remedy, lines=tuple(lines), kind=kind or self.kind)

    def _fill(self, **fields: object) -> None:
        self.__dict__.update(fields)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("__"):  # those of an exception: its traceback, cause, context, notes
            raise AttributeError(f"an error is not changed once it is made; see but(), for {name}")
        super().__setattr__(name, value)

    @property
    def exit_code(self) -> int:
        return self.kind.exit_code

    @property
    def title(self) -> str:
        return self.kind.title

    def but(self, **fields: object) -> Self:
        """Return a copy with other fields, such as a state that only the caller knows. Raise it ``from`` this one."""
        other = type(self).__new__(type(self), *self.args)
        other._fill(**self.__dict__ | fields)  # noqa: SLF001 - a copy of this very class
        return other

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.state, self.remedy) if part)


class ConnectionLost(BehindyError):
    """The SSH connection broke while a command ran."""

    kind = Kind.CONNECTION_LOST


class LockHeld(BehindyError):
    """Someone else is changing this host; ``by_hand`` tells that a person holds it for maintenance."""

    kind = Kind.LOCK_HELD
    by_hand: bool

    def __init__(self, what: str, *, state: str = "", remedy: str = "", by_hand: bool = False) -> None:
        super().__init__(what, state=state, remedy=remedy)
        self._fill(by_hand=by_hand)


class LeaseLost(BehindyError):
    """Our lease on the host ended while we were working; nothing changed after that."""

    kind = Kind.LEASE_LOST


class SwarmFound(BehindyError):
    """The host manages a swarm, and the settings name no engine; nothing was run on it yet."""

    kind = Kind.HOST_NOT_READY


class SwitchedBack(BehindyError):
    """The new release failed after the switch; the previous one serves again."""

    kind = Kind.SWITCHED_BACK


class RemoteCommandFailed(BehindyError):
    """A command on the host failed in a way that has no kind of its own."""

    kind = Kind.REMOTE_COMMAND_FAILED


class ManagerLost(RemoteCommandFailed):
    """The swarm lost the manager that led it while a command ran, and had no other in time."""

    kind = Kind.MANAGER_LOST


class Interrupted(BehindyError):
    """A signal ended the run; ``signal_number`` says which."""

    kind = Kind.INTERRUPTED
    signal_number: int

    def __init__(self, what: str, *, signal_number: int, state: str = "", remedy: str = "") -> None:
        super().__init__(what, state=state, remedy=remedy)
        self._fill(signal_number=signal_number)

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as a shell has it."""
        return 128 + self.signal_number


class Stopped(BaseException):
    """A signal came that ends the process, where nothing is to be finished first. Only what ends it catches this.

    Attributes:
        number: the signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = signal.Signals(number)


def heeded(number: int) -> bool:
    """Return whether a signal is heeded: not SIGHUP where it is ignored, as ``nohup`` has it."""
    return number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN


@contextlib.contextmanager
def signals_raise(make: Callable[[int], BaseException], *numbers: int) -> Iterator[None]:
    """Have each of these signals raise in here, in the main thread; elsewhere nothing is changed.

    Args:
        make: returns what is raised for a signal's number.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        raise make(number)

    before = {number: signal.signal(number, stop) for number in numbers if heeded(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def signals_wait(*numbers: int) -> Iterator[None]:
    """Have those of these signals that have a handler wait for the end of the block, in the main thread."""
    came: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.getsignal(number) for number in numbers}
        before = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in before:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
