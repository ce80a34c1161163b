"""How a host is reached: what OpenSSH's client makes of its configuration, which ``ssh -G`` tells.

Why it is asked rather than read: docs/design.md, "SSH configuration".
"""

from __future__ import annotations

import contextlib
import getpass
import glob
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from behindy_ops.errors import UNCHANGED, BehindyError, Kind

NONE = "none"
"""In place of a configuration's path: none is read, not the system's either, as for ``ssh -F none``."""

TIMEOUT = 30
"""Seconds for ``ssh -G``, which resolves names that are to be canonical, and runs ``Match exec``."""

_DEFAULTS: Mapping[str, Sequence[str]] = {
    "identityfile": [f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk")],
    "userknownhostsfile": ["~/.ssh/known_hosts ~/.ssh/known_hosts2"],
    "globalknownhostsfile": ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"],
}

_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


@dataclass(frozen=True, slots=True)
class Local:
    """This machine and whoever uses it, as far as a configuration may name them."""

    home: str
    user: str
    uid: str = ""
    hostname: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Self:
        """Return those of this process; the home is that of the password file, as for OpenSSH, not ``HOME``."""
        home, uid = str(Path.home()), ""
        with contextlib.suppress(ImportError, KeyError):
            import pwd

            uid = str(os.getuid())
            home = pwd.getpwuid(os.getuid()).pw_dir
        return cls(home, getpass.getuser(), uid, socket.gethostname(), os.environ)


@dataclass(frozen=True, slots=True)
class Jump:
    """A host to go through; what is left open, its own configuration says."""

    host: str
    user: str = ""
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``[user@]host[:port]`` or ``ssh://[user@]host[:port]``; an IPv6 address with a port is in brackets."""
        user, _, rest = text.strip().removeprefix("ssh://").rstrip("/").rpartition("@")
        match = re.fullmatch(r"\[(?P<v6>[^\]]+)\](?::(?P<p>[0-9]+))?|(?P<name>[^:]+):(?P<q>[0-9]+)", rest)
        if match is None:
            return cls(rest, user)
        return cls(match["v6"] or match["name"], user, int(port) if (port := match["p"] or match["q"]) else None)


@dataclass(frozen=True, slots=True)
class SshConfig:
    """How one host is reached, with everything expanded.

    Attributes:
        name: what it was asked for as.
        host: the name or address that is connected to.
        agent: the path of the agent's socket; empty for no agent.
        known_hosts: the user's files, then the system's.
        proxy_command: for the user's shell; empty for none.
        jumps: the last of them is the one before this host; the others are before that one.
        timeout: seconds to connect in, where the configuration says so.
    """

    name: str
    host: str
    port: int
    user: str
    identity_files: tuple[Path, ...] = ()
    certificate_files: tuple[Path, ...] = ()
    identities_only: bool = False
    agent: str = ""
    host_key_alias: str = ""
    known_hosts: tuple[Path, ...] = ()
    revoked_keys: Path | None = None
    family: int = socket.AF_UNSPEC
    bind_address: str = ""
    proxy_command: str = ""
    jumps: tuple[str, ...] = ()
    timeout: int | None = None


def read(text: str, name: str, local: Local) -> SshConfig:
    """Read what ``ssh -G`` prints, ``option value`` a line.

    Args:
        name: the host it was asked about.

    Raises:
        Kind.SETTINGS: a value names what cannot be known here.
    """
    options: dict[str, list[str]] = {}
    for line in text.splitlines():
        option, _, value = line.strip().partition(" ")
        options.setdefault(option.lower(), []).append(value.strip())
    options = {**_DEFAULTS, **options}  # type: ignore[dict-item]

    def first(option: str) -> str:
        value = options.get(option, [""])[0]
        return "" if value.lower() == NONE else value

    host = first("hostname") or name
    port, user = int(first("port") or 22), first("user") or local.user
    tokens = {
        "%": "%", "h": host, "n": name, "p": str(port), "r": user, "u": local.user, "d": local.home, "i": local.uid,
        "k": first("hostkeyalias") or name, "L": local.hostname.split(".")[0], "l": local.hostname,
    }  # fmt: skip

    def paths(option: str, values: Sequence[str]) -> tuple[Path, ...]:
        return tuple(
            Path(_expanded(value, tokens, local, option)) for value in values if value and value.lower() != NONE
        )

    if first("proxyusefdpass") == "yes":
        raise _not_understood("ProxyUseFdpass", name)
    command = "" if first("proxyjump") else first("proxycommand")
    revoked = paths("revokedhostkeys", options.get("revokedhostkeys", []))
    return SshConfig(
        name=name,
        host=host,
        port=port,
        user=user,
        identity_files=paths("identityfile", options["identityfile"]),
        certificate_files=paths("certificatefile", options.get("certificatefile", [])),
        identities_only=first("identitiesonly") == "yes",
        agent=_agent(options.get("identityagent", ["SSH_AUTH_SOCK"])[0], tokens, local),
        host_key_alias=first("hostkeyalias"),
        known_hosts=paths("userknownhostsfile", _files(first("userknownhostsfile")))
        + paths("globalknownhostsfile", _files(first("globalknownhostsfile"))),
        revoked_keys=revoked[0] if revoked else None,
        family=_FAMILIES.get(first("addressfamily"), socket.AF_UNSPEC),
        bind_address=first("bindaddress"),
        proxy_command=_with_tokens(command, tokens, "proxycommand") if command else "",
        jumps=tuple(_with_tokens(first("proxyjump"), tokens, "proxyjump").split(",")) if first("proxyjump") else (),
        timeout=int(first("connecttimeout")) if first("connecttimeout").isdigit() else None,
    )


def _files(value: str) -> list[str]:
    """Take a list of paths apart: what begins like none is the rest of one that has a blank in it."""
    return re.split(r"\s+(?=[/~%$]|[A-Za-z]:)", value)


def _agent(value: str, tokens: Mapping[str, str], local: Local) -> str:
    if value.lower() == NONE:
        return ""
    if value == "SSH_AUTH_SOCK" or re.fullmatch(r"\$\w+", value):
        return local.environ.get(value.removeprefix("$"), "")
    return _expanded(value, tokens, local, "identityagent")


def _expanded(value: str, tokens: Mapping[str, str], local: Local, option: str) -> str:
    """Return a path with its home directory, tokens and variables put in."""
    if value == "~" or value.startswith("~/"):
        value = local.home.replace("%", "%%") + value[1:]
    elif value.startswith("~"):
        with contextlib.suppress(RuntimeError):  # an unknown ~user stays as it is
            value = str(Path(value).expanduser())

    def variable(match: re.Match[str]) -> str:
        if match[1] not in local.environ:
            raise _not_understood(f"the variable {match[0]}, which is not set, in {option}", tokens["n"])
        return local.environ[match[1]].replace("%", "%%")

    return _with_tokens(re.sub(r"\$\{(\w+)\}", variable, value), tokens, option)


def _with_tokens(value: str, tokens: Mapping[str, str], option: str) -> str:
    def token(match: re.Match[str]) -> str:
        if match[1] not in tokens:
            raise _not_understood(f"{match[0]} in {option}", tokens["n"])
        return tokens[match[1]]

    return re.sub("%(.)", token, value)


def look_up(name: str, *, user: str = "", port: int | None = None, jumps: str = "", file: str = "") -> SshConfig:
    """Ask how a host is reached; what is given here wins over the configuration.

    Args:
        jumps: the hosts to go through, separated by commas.
        file: the configuration, or ``none``; empty for the user's and the system's.

    Raises:
        Kind.SETTINGS: the configuration cannot be used.
    """
    if name.startswith("-"):
        raise Kind.SETTINGS(f"{name} is no name of a host.", state=UNCHANGED)
    local = Local.here()
    given = {"User": user, "Port": str(port or ""), "ProxyJump": jumps}
    wins = [f"{option} {value}" for option, value in given.items() if value]
    if file == NONE:
        text = ""
    elif shutil.which("ssh"):
        options = {"-F": file, "-l": user, "-p": str(port or ""), "-J": jumps}
        text = _asked([word for option, value in options.items() if value for word in (option, value)], name)
    else:
        text = without_ssh(name, Path(file or f"{local.home}/.ssh/config"), local, wins)
    return read("\n".join([*wins, text]), name, local)


def _asked(options: Sequence[str], name: str) -> str:
    try:
        ran = subprocess.run(
            ["ssh", "-G", "-T", *options, "--", name],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unusable(name, [f"ssh -G: {error}"]) from error
    if ran.returncode:
        raise _unusable(name, ran.stderr.decode("utf-8", "replace").split("\n"))
    return ran.stdout.decode("utf-8", "surrogateescape")


def without_ssh(name: str, file: Path, local: Local, wins: Sequence[str] = ()) -> str:
    """Return what can be told of a configuration where there is no ssh, in the form of ``ssh -G``.

    Args:
        wins: lines that come before those of the file.

    Raises:
        Kind.SETTINGS: it says what only ssh understands.
    """
    import paramiko
    from paramiko.ssh_exception import ConfigParseError, CouldNotCanonicalize

    if not file.is_file():
        return ""
    try:
        lines = [*wins, *_included(file, Path(local.home, ".ssh"), local, 0)]
        found: dict[str, Any] = {**paramiko.SSHConfig.from_text("\n".join(lines)).lookup(name)}
    except (OSError, ValueError, KeyError, ConfigParseError, CouldNotCanonicalize) as error:
        raise _unusable(name, [str(error)]) from error
    text = [f"hostname {found.pop('hostname', name)}"]
    for option, value in found.items():
        values = value if isinstance(value, list) else [value or NONE]
        text += [f"{option} {each.replace('%', '%%') if option in _EXPANDED else each}" for each in values]
    return "\n".join(text)


_EXPANDED = frozenset({"identityfile", "proxycommand", "proxyjump"})
"""Whose tokens paramiko has put in already."""

_ONLY_SSH = re.compile(
    r"match\s+(?:.*\s)?!?(?:exec|tagged|localnetwork|sessiontype|command|version)(?=[\s=]|$)", re.IGNORECASE
)
"""Criteria that paramiko does not know, and takes for met, or (``exec``) runs with other tokens than ssh."""


def _included(file: Path, folder: Path, local: Local, depth: int) -> Iterator[str]:
    """Yield the lines of a configuration with those of its ``Include`` in their places."""
    if depth > 16:  # OpenSSH's bound too
        raise ValueError(f"{file}: Include goes too deep")
    block = "Host *"
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        option, _, value = re.sub(r"\s*=\s*", " ", line.strip(), count=1).partition(" ")
        if _ONLY_SSH.match(line.strip()):
            raise ValueError(f"{file}, line {number}: {option} is understood only where there is an ssh command")
        if option.lower() in {"host", "match"}:
            block = line
        if option.lower() != "include":
            yield line
            continue
        for pattern in value.split():
            path = Path(_expanded(pattern.strip('"'), {"%": "%", "n": "Include"}, local, "include"))
            for part in sorted(glob.glob(str(folder / path))):  # noqa: PTH207 - an absolute pattern too
                lines = list(_included(Path(part), folder, local, depth + 1))
                if block != "Host *" and any(re.match(r"\s*(host|match)\b", each, re.IGNORECASE) for each in lines):
                    raise ValueError(
                        f"{file}, line {number}: Include of a file with Host or Match within a block is understood "
                        "only where there is an ssh command"
                    )
                yield from lines
        yield block


def _not_understood(what: str, name: str) -> BehindyError:
    return _unusable(name, [f"not understood: {what}"])


def _unusable(name: str, lines: Sequence[str]) -> BehindyError:
    return Kind.SETTINGS(
        f"The ssh configuration for {name} cannot be used.",
        state=UNCHANGED,
        lines=tuple(line.strip() for line in lines if line.strip())[:5],
        remedy=f"Try: ssh -G {name}. Correct it there, or name another file in BEHINDY_SSH_CONFIG (none for no file).",
    )
