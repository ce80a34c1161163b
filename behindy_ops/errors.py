"""One hierarchy of errors: what happened, what state the host is in, what to type next, and an exit code.

Every class has an exit code of its own so that a script can tell them apart; the README lists them. The codes are
grouped: 1x before the host was reached, 2x the lock, 3x the host is not ready, 4x the image, 5x the release.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BackupFailed",
    "BackupInvalid",
    "BehindyError",
    "CertificateRefused",
    "ComposeInvalid",
    "ConnectionLost",
    "ContainerMissing",
    "DatabaseNotReady",
    "DiskFull",
    "EnvironmentFileMissing",
    "EnvironmentInvalid",
    "FilesMissing",
    "FilesRefused",
    "HostKeyChanged",
    "HostKeyUnknown",
    "HostNotReady",
    "HostUnreachable",
    "ImageNotFound",
    "Interrupted",
    "LeaseLost",
    "LockHeld",
    "LoginRefused",
    "NetworkMissing",
    "NginxNotReady",
    "NotEnoughMemory",
    "NotHealthy",
    "RegistryRefused",
    "RegistryUnreachable",
    "ReleaseRefused",
    "RemoteCommandFailed",
    "SandboxError",
    "SettingsInvalid",
    "SetupFailed",
    "SwitchFailed",
    "SwitchedBack",
    "TroubleFound",
    "UsageError",
]


class BehindyError(Exception):
    """Base of all errors this package raises on purpose.

    :param what: one sentence, what happened.
    :param state: what state the host is in now (empty where no host was involved).
    :param remedy: what to do or type next.
    :param lines: further evidence, such as the last log lines, shown below the sentences.
    :ivar shown: a renderer has shown it to people.
    """

    exit_code: ClassVar[int] = 1
    title: ClassVar[str] = "unexpected"

    def __init__(self, what: str, *, state: str = "", remedy: str = "", lines: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.state = state
        self.remedy = remedy
        self.lines = lines
        self.shown = False

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.state, self.remedy) if part)


class UsageError(BehindyError, ValueError):
    """An option, tag or name that cannot be used."""

    exit_code = 2
    title = "wrong usage"


class SettingsInvalid(BehindyError, ValueError):
    """One or more settings are missing or wrong; ``lines`` has one line a mistake."""

    exit_code = 10
    title = "settings"


class HostUnreachable(BehindyError, ConnectionError):
    """No SSH server answered: name, address, port, network or firewall."""

    exit_code = 11
    title = "host unreachable"


class HostKeyUnknown(BehindyError):
    """The host's key is not in known_hosts."""

    exit_code = 12
    title = "host key unknown"


class HostKeyChanged(BehindyError):
    """The host showed another key than the pinned one."""

    exit_code = 13
    title = "host key changed"


class LoginRefused(BehindyError, PermissionError):
    """The SSH server refused our key, or the key could not be read."""

    exit_code = 14
    title = "login refused"


class ConnectionLost(BehindyError, ConnectionError):
    """The SSH connection broke while a command ran."""

    exit_code = 15
    title = "connection lost"


class LockHeld(BehindyError):
    """Someone else is changing this host; ``by_hand`` tells that a person holds it for maintenance."""

    exit_code = 20
    title = "host is locked"

    def __init__(self, what: str, *, state: str = "", remedy: str = "", by_hand: bool = False) -> None:
        super().__init__(what, state=state, remedy=remedy)
        self.by_hand = by_hand


class LeaseLost(BehindyError):
    """Our lease on the host ended while we were working; nothing was changed after that."""

    exit_code = 21
    title = "lease lost"


class HostNotReady(BehindyError):
    """Docker, Compose or another tool is missing on the host, or the user may not use it."""

    exit_code = 30
    title = "host not ready"


class NetworkMissing(HostNotReady):
    """The Docker network the services share does not exist."""

    exit_code = 31
    title = "network missing"


class NginxNotReady(HostNotReady):
    """The nginx container is missing, stopped, or its configuration is invalid."""

    exit_code = 32
    title = "nginx not ready"


class EnvironmentFileMissing(HostNotReady):
    """The host has no ``.env``."""

    exit_code = 33
    title = "environment file missing"


class FilesMissing(HostNotReady):
    """The compose or nginx files are not on the host."""

    exit_code = 34
    title = "files missing"


class ComposeInvalid(HostNotReady):
    """The compose file cannot be read or does not declare what is asked for."""

    exit_code = 35
    title = "compose file invalid"


class NotEnoughMemory(HostNotReady):
    """A second container of the service does not fit into the host's memory."""

    exit_code = 36
    title = "not enough memory"


class DiskFull(HostNotReady):
    """The new image does not fit onto the host's disk."""

    exit_code = 37
    title = "disk full"


class ImageNotFound(BehindyError, LookupError):
    """The registry has no such image or tag."""

    exit_code = 40
    title = "image not found"


class RegistryRefused(BehindyError, PermissionError):
    """The registry refused the login or the pull."""

    exit_code = 41
    title = "registry refused"


class RegistryUnreachable(BehindyError, ConnectionError):
    """The registry did not answer."""

    exit_code = 42
    title = "registry unreachable"


class ReleaseRefused(BehindyError):
    """The new release failed before the switch; users never met it."""

    exit_code = 50
    title = "release refused"


class SwitchFailed(BehindyError):
    """The renames failed and were undone."""

    exit_code = 51
    title = "switch failed"


class SwitchedBack(BehindyError):
    """The new release failed after the switch; the previous one serves again."""

    exit_code = 52
    title = "switched back"


class RemoteCommandFailed(BehindyError):
    """A command on the host failed in a way that has no error of its own."""

    exit_code = 60
    title = "remote command failed"


class ContainerMissing(BehindyError, LookupError):
    """There is no container to look at or to run something in."""

    exit_code = 61
    title = "no such container"


class TroubleFound(BehindyError):
    """The doctor found something that hurts users, or will."""

    exit_code = 65
    title = "trouble found"


class SandboxError(BehindyError):
    """The sandbox could not be made, found or used."""

    exit_code = 70
    title = "sandbox"


class SetupFailed(BehindyError):
    """A step of ``host.setup`` failed; what was done before it stays done, and running it again goes on from there."""

    exit_code = 80
    title = "host setup failed"


class FilesRefused(BehindyError, ValueError):
    """``compose/`` or ``nginx/`` of this checkout would not work on the host; they did not go live."""

    exit_code = 81
    title = "files refused"


class NotHealthy(BehindyError):
    """nginx, PostgreSQL or Redis did not become healthy after ``host.up``."""

    exit_code = 82
    title = "not healthy"


class CertificateRefused(BehindyError):
    """No certificate could be had; the one before it is still in use."""

    exit_code = 83
    title = "certificate refused"


class EnvironmentInvalid(BehindyError, ValueError):
    """The containers' values lack something or cannot be read as they are meant; ``lines`` has one line a mistake."""

    exit_code = 85
    title = "environment invalid"


class DatabaseNotReady(HostNotReady):
    """Postgres's container is missing, stopped, or does not answer."""

    exit_code = 86
    title = "database not ready"


class BackupFailed(BehindyError):
    """A backup could not be written whole; nothing is left that looks like one."""

    exit_code = 87
    title = "backup failed"


class BackupInvalid(BehindyError, ValueError):
    """A backup that cannot be restored: no such file, cut short, damaged, or of a newer Postgres."""

    exit_code = 88
    title = "backup invalid"


class Interrupted(BehindyError):
    """A signal ended the run; ``signal_number`` says which (exit code 128 + number)."""

    title = "interrupted"

    def __init__(self, what: str, *, signal_number: int, state: str = "", remedy: str = "") -> None:
        super().__init__(what, state=state, remedy=remedy)
        self.signal_number = signal_number
