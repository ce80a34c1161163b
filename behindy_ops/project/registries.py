"""Logins to image registries: those that ``pyproject.toml`` names, and which one an image needs. Pure.

::

    [tool.behindy-ops.registries."ghcr.io"]
    user = "acme"
    token = "GHCR_TOKEN"            # the name of a variable; its value is looked for as a setting's is

    [tool.behindy-ops.registries."123456789012.dkr.ecr.eu-west-1.amazonaws.com"]
    login_command = ["aws", "ecr", "get-login-password", "--region", "eu-west-1"]
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from behindy_ops.project import validate
from behindy_ops.project.secret import Secret

DOCKER_HUB = "docker.io"

TABLE = "tool.behindy-ops.registries"

_KEYS = ("user", "token", "login_command")
_HUBS = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})
_USERS = {
    r"[0-9]+\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?": "AWS",
    r"[a-z0-9-]+-docker\.pkg\.dev|([a-z]+\.)?gcr\.io": "oauth2accesstoken",
}
"""Registries whose users are all called alike."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login to a registry.

    Attributes:
        token: None until ``command``, which is run on this machine, has printed it.
    """

    registry: str
    user: str
    token: Secret | None = None
    command: tuple[str, ...] = ()


def canonical(registry: str) -> str:
    """Return a registry's name; Docker Hub has several."""
    return DOCKER_HUB if registry in _HUBS else registry


def registry_of(image: str) -> str:
    """Return the registry of an image, by Docker's own rule: without a dot, a colon or localhost, it is Docker Hub."""
    first, slash, _ = image.partition("/")
    return canonical(first) if slash and ("." in first or ":" in first or first == "localhost") else DOCKER_HUB


def familiar(repository: str) -> str:
    """Return a repository as Docker lists it: one of Docker Hub without that name."""
    first, _, rest = repository.partition("/")
    return rest.removeprefix("library/") if first in _HUBS and rest else repository


def read_logins(given: object, find: Callable[[str], Secret | None]) -> tuple[tuple[Login, ...], list[str]]:
    """Read the table of registries.

    Args:
        find: gives the value of a variable; None where it has none, and then nobody logs in.

    Returns:
        The logins, and one line for each mistake, by the path of its key; no value of a token is in any.
    """
    if not isinstance(given, Mapping):
        return (), [f'{TABLE}: not a table; write [{TABLE}."ghcr.io"]']
    mistakes: list[str] = []
    logins = [_login(str(name), entry, f'{TABLE}."{name}"', find, mistakes) for name, entry in given.items()]
    return tuple(login for login in logins if login is not None), mistakes


def _login(
    name: str, entry: object, path: str, find: Callable[[str], Secret | None], mistakes: list[str]
) -> Login | None:
    wrong = list(_mistakes(name, entry, path))
    mistakes += wrong
    if wrong or not isinstance(entry, Mapping):
        return None
    user = str(entry.get("user") or _usual_user(name))
    if "login_command" in entry:
        return Login(canonical(name), user, command=tuple(entry["login_command"]))
    token = find(entry["token"])
    return Login(canonical(name), user, token) if token else None


def _mistakes(name: str, entry: object, path: str) -> Iterator[str]:
    if wrong := validate.check_registry(name):
        yield f"{path}: {wrong}"
    if not isinstance(entry, Mapping):
        yield f"{path}: not a table; its keys are {', '.join(_KEYS)}"
        return
    for key in entry:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(_KEYS)}"
            yield f"{path}.{key}: unknown key; {hint}"
    user = entry.get("user", "")
    if not user and not _usual_user(name):
        yield f"{path}.user: missing; write the one you log in with"
    elif user and (wrong := validate.check_login(str(user))):
        yield f"{path}.user: {wrong}"
    if ("token" in entry) == ("login_command" in entry):
        yield f"{path}: write one of token and login_command"
    if "token" in entry and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", str(entry["token"]), re.ASCII):
        yield f"{path}.token: not the name of a variable; a token itself does not belong in this file"
    command = entry.get("login_command", ["x"])
    if not (isinstance(command, list) and command and all(isinstance(word, str) and word for word in command)):
        yield f'{path}.login_command: not a list of words; write one such as ["aws", "ecr", "get-login-password"]'


def _usual_user(registry: str) -> str:
    return next((user for pattern, user in _USERS.items() if re.fullmatch(pattern, registry)), "")
