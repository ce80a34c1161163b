"""What names that come from outside may look like.

Each ``check_*`` function takes a value and returns what is wrong with it and what to write instead, or ``""`` when it
is fine. They are strict on purpose: what passes needs no thought about quoting, options or path tricks later.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
_SSH_ALIAS: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_HOST_DIR: Final = re.compile(r"[A-Za-z0-9._/][A-Za-z0-9._/-]*")
_REGISTRY: Final = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")
# https://github.com/distribution/reference: what Docker itself accepts in a repository's path; check_tag has its tags.
_IMAGE_PATH_PART: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_SERVICE: Final = re.compile(r"[a-z][a-z0-9-]*")
_KEY_TYPE: Final = re.compile(r"(?:ssh-|ecdsa-sha2-|sk-)[a-z0-9@.-]+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")

_RESERVED_SERVICE_NAMES: Final = frozenset(
    {"all", "check", "history", "maintenance", "recover", "releases", "rollback", "status"}
)
"""Names of other tasks beside ``deploy.<service>``."""


def shown(value: str) -> str:
    """The value in quotes for a message: control characters escaped, shortened to some 40 characters."""
    return ascii(value if len(value) <= 40 else value[:37] + "...")


def _form(pattern: str, otherwise: str, also: Callable[[str], bool] = bool) -> Callable[[str], str]:
    """Return a check that says ``otherwise`` of a value without the pattern's form, or for which ``also`` is false."""

    def check(value: str) -> str:
        return "" if re.fullmatch(pattern, value) and also(value) else f"{shown(value)} {otherwise}"

    return check


check_user = _form(r"[A-Za-z_][A-Za-z0-9._-]{0,63}\$?", "is not a login name; write one such as ubuntu or ec2-user")
check_yes_or_no = _form(r"yes|no", "is neither yes nor no")
check_engine = _form(r"single|swarm", "is neither single nor swarm")
check_notify_kind = _form(r"slack|discord|json", "is none of slack, discord, json")
check_notify_on = _form(r"failures|changes|everything", "is none of failures, changes, everything")
check_login = _form(r"(?!-)[!-~]+", "is not a user name; write the one you log in to the registry with")
"""A user of an image registry."""
check_tag = _form(
    r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}",
    "is not a tag; use at most 128 letters, digits, and _ . -, not starting with . or -, such as latest",
)
check_project = _form(
    r"[a-z0-9][a-z0-9_-]{0,62}", "is not a name for a Compose project; use a-z, 0-9, _ and -, a letter or digit first"
)
check_url_path = _form(r"/[A-Za-z0-9._~/?=&%+,:;@-]*", "is not a path; write one that starts with /, such as /health")
"""A path below a host, with a query if need be."""
check_directory = _form(
    r"(/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~@+-]+)+/?",
    "is not a plain absolute path below /; write one such as /app/.next/static",
)
"""A directory in an image, or a URL's path to one."""
check_port = _form(
    r"[1-9][0-9]{0,4}", "is not a port; write a number from 1 to 65535", lambda value: int(value) <= 65535
)
check_email = _form(
    r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9.-]{1,250}",
    "is not an e-mail address",
    lambda value: not check_domain(value.partition("@")[2]),
)
"""As plain as those are that certificate authorities accept."""


def check_host(value: str) -> str:
    """A host name, an IP address or an alias from ssh_config."""
    if "://" in value:
        return f"{shown(value)} is a URL; write the host's name or address alone"
    if "@" in value:
        return f"{shown(value)} has a user in it; write the user as BEHINDY_USER and the host alone here"
    if _is_ip(value) or _SSH_ALIAS.fullmatch(value):
        return ""
    if re.fullmatch(r"[^:]+:[0-9]+", value):
        return f"{shown(value)} has a port in it; write the port as BEHINDY_PORT and the host alone here"
    return f"{shown(value)} is not a host; write a name, an IP address or an alias from ~/.ssh/config"


def check_one_line(value: str) -> str:
    """A secret of one line. No message repeats any of it."""
    return "it has several lines; a secret of this kind has one" if len(value.splitlines()) > 1 else ""


def check_domain(value: str) -> str:
    """A public domain, without scheme, port or path."""
    if "://" in value or "/" in value:
        return f"{shown(value)} is a URL; write the domain alone, such as behindy.me"
    if "." in value and _HOSTNAME.fullmatch(value):
        return ""
    return f"{shown(value)} is not a domain; write one such as behindy.me (an international one in its xn-- form)"


def check_address(value: str) -> str:
    """An IP address."""
    return "" if _is_ip(value) else f"{shown(value)} is not an IP address; write one such as 127.0.0.1"


def check_outside(value: str) -> str:
    """Where this machine asks for the public name: an IP address, with a port or not; ``none``: it does not ask."""
    if value == "none" or endpoint(value) is not None:
        return ""
    return f"{shown(value)} is neither none nor an IP address, perhaps with a port; write one such as 127.0.0.1:8443"


def endpoint(value: str, port: int = 443) -> tuple[str, int] | None:
    """Return the address and port of ``127.0.0.1``, ``127.0.0.1:8443``, ``::1`` or ``[::1]:8443``, or None."""
    if _is_ip(value):
        return value, port
    match = re.fullmatch(r"(?:\[(.+)\]|([^:]+))(?::([0-9]+))?", value)
    if match is None or not _is_ip(match[1] or match[2]) or (match[3] and check_port(match[3])):
        return None
    return match[1] or match[2], int(match[3] or port)


def check_host_dir(value: str) -> str:
    """A directory on the host, absolute or below the login user's home."""
    if value.startswith("~"):
        return f"{shown(value)}: leave ~ out; a relative path is below the login user's home already"
    if not _HOST_DIR.fullmatch(value):
        return f"{shown(value)} is not a plain path; use letters, digits, and . _ - / only"
    if ".." in PurePosixPath(value).parts:
        return f"{shown(value)} must not contain '..'"
    if not PurePosixPath(value).name:
        return f"{shown(value)} is a directory of others; name one of its own, such as behindy-ops"
    return ""


def check_registry(value: str) -> str:
    """The address of an image registry: host, or host:port."""
    if "/" in value:
        return f"{shown(value)}: write the registry's host (and :port) alone, without https:// or a path"
    if _REGISTRY.fullmatch(value):
        return ""
    return f"{shown(value)} is not a registry; write host or host:port"


def check_image_prefix(value: str) -> str:
    """What stands before ``/behindy-frontend`` in an image's name: a user or organisation, perhaps after a registry."""
    first, *rest = value.split("/")
    path = rest if rest and ("." in first or ":" in first or first == "localhost") else [first, *rest]
    if path is rest and not _REGISTRY.fullmatch(first):
        return f"{shown(value)}: {shown(first)} is not a registry; write host or host:port before the first /"
    if all(_IMAGE_PATH_PART.fullmatch(part) for part in path) and len(value) <= 200:
        return ""
    if value != value.lower():
        return f"{shown(value)} has capital letters, which no image name has; write it in lower case"
    return f"{shown(value)} is not an image prefix; write what is before /behindy-frontend, such as a Docker Hub user"


def check_repository(value: str) -> str:
    """A whole repository: an image's name without its tag."""
    return "" if not check_image_prefix(value) else f"{shown(value)} is not an image name Docker accepts"


def check_service_name(value: str) -> str:
    """The name of a service, which is also its container's, its host name's and its task's."""
    if value in _RESERVED_SERVICE_NAMES:
        return f"the name {shown(value)} is taken by the task deploy.{value}; choose another"
    if value.endswith(("-green", "-blue")):
        return f"{shown(value)} ends like the candidate or the outgoing container of a service; choose another name"
    if _SERVICE.fullmatch(value) and len(value) <= 50:
        return ""
    return f"{shown(value)} is not a service name; use a-z, 0-9 and -, a letter first, at most 50"


def check_private_key(value: str) -> str:
    """The text of a private key. The value is secret: no message repeats any of it."""
    if value.startswith(("ssh-", "ecdsa-", "sk-")):
        return "this is the public half of a key; give the private one (the file without .pub)"
    if value.startswith("PuTTY-User-Key-File"):
        return "this is a PuTTY key; export it as an OpenSSH key with puttygen"
    if not re.match(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----", value):
        return "this is not a private key; a private key starts with -----BEGIN ... PRIVATE KEY-----"
    if not re.search(r"-----END [A-Z0-9 ]*PRIVATE KEY-----\s*\Z", value):
        return "the key is cut off; its last line is -----END ... PRIVATE KEY-----"
    if "\n" not in value.strip():
        return "the key has lost its line breaks; paste the file as it is"
    return ""


def check_known_hosts(value: str) -> str:
    """The text of a known_hosts file: at least one key, and nothing that is no key."""
    lines = [line.split() for line in value.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        return "no host key in it; paste the host's line from ~/.ssh/known_hosts"
    for number, fields in enumerate(lines, 1):
        key = fields[1:] if fields[0].startswith("@") else fields
        if len(key) < 3 or not _KEY_TYPE.fullmatch(key[1]) or not _BASE64.fullmatch(key[2]):
            return f"host key {number} is not of the form 'host type key'; paste whole lines from ~/.ssh/known_hosts"
    return ""


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return "%" not in value
