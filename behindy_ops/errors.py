"""Errors: what happened, what state the host is in, what to type next, and an exit code.

What can go wrong is a table of kinds; each has an exit code of its own, so that a script can tell them apart. The codes
are grouped: 1x before the host was reached, 2x the lock, 3x the host is not ready, 4x the image, 5x the release, 8x
setting a host up. The README lists them. A class stands here only where something catches it.
"""

from __future__ import annotations

from enum import Enum
from typing import Self

CALLED = "BEHINDY_INV"
"""The variable with what the reader types for ``inv``, if it is something else; the script of that name sets it."""

UNCHANGED = "Nothing changed."

STILL_RUNNING = "Nothing changed; any previous release is still running."
"""The state of a host of which nothing but a look was taken, be it before its first deploy."""


class Kind(Enum):
    """What can go wrong: the exit code and the title that is shown. Calling one makes the error."""

    UNEXPECTED = 1, "unexpected"
    USAGE = 2, "wrong usage"
    SETTINGS = 10, "settings"
    HOST_UNREACHABLE = 11, "host unreachable"
    HOST_KEY_UNKNOWN = 12, "host key unknown"
    HOST_KEY_CHANGED = 13, "host key changed"
    LOGIN_REFUSED = 14, "login refused"
    CONNECTION_LOST = 15, "connection lost"
    LOCK_HELD = 20, "host is locked"
    LEASE_LOST = 21, "lease lost"
    HOST_NOT_READY = 30, "host not ready"
    NETWORK_MISSING = 31, "network missing"
    NGINX_NOT_READY = 32, "nginx not ready"
    ENVIRONMENT_FILE_MISSING = 33, "environment file missing"
    FILES_MISSING = 34, "files missing"
    COMPOSE_INVALID = 35, "compose file invalid"
    NOT_ENOUGH_MEMORY = 36, "not enough memory"
    DISK_FULL = 37, "disk full"
    NO_QUORUM = 38, "no quorum"
    MANAGER_LOST = 39, "manager lost"
    IMAGE_NOT_FOUND = 40, "image not found"
    REGISTRY_REFUSED = 41, "registry refused"
    REGISTRY_UNREACHABLE = 42, "registry unreachable"
    RELEASE_REFUSED = 50, "release refused"
    SWITCH_FAILED = 51, "switch failed"
    SWITCHED_BACK = 52, "switched back"
    AFTER_FAILED = 53, "command after the switch failed"
    REMOTE_COMMAND_FAILED = 60, "remote command failed"
    CONTAINER_MISSING = 61, "no such container"
    TROUBLE_FOUND = 65, "trouble found"
    SANDBOX = 70, "sandbox"
    SETUP_FAILED = 80, "host setup failed"
    FILES_REFUSED = 81, "files refused"
    NOT_HEALTHY = 82, "not healthy"
    CERTIFICATE_REFUSED = 83, "certificate refused"
    ENVIRONMENT_INVALID = 85, "environment invalid"
    DATABASE_NOT_READY = 86, "database not ready"
    BACKUP_FAILED = 87, "backup failed"
    BACKUP_INVALID = 88, "backup invalid"
    INTERRUPTED = 130, "interrupted"

    def __init__(self, exit_code: int, title: str) -> None:
        self.exit_code = exit_code
        self.title = title

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
