"""Tokens for image registries that a command of this machine prints, such as ``aws ecr get-login-password``."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import replace

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.project.registries import Login, registry_of
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings

SECONDS = 60
"""A login command that asks for something, or hangs, is ended then."""


def with_tokens(settings: Settings, images: Iterable[str]) -> Settings:
    """Return the settings with the tokens that these images need; only the commands of their registries are run.

    Raises:
        Kind.REGISTRY_REFUSED: a command gave none.
    """
    needed = {registry_of(image) for image in images}
    logins = (
        replace(login, token=_printed_by(login)) if login.command and login.registry in needed else login
        for login in settings.registries
    )
    return replace(settings, registries=tuple(logins))


def _printed_by(login: Login) -> Secret:
    try:
        ran = subprocess.run(login.command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise _no_token(login, f"it took longer than {SECONDS} s") from None
    except OSError as error:
        raise _no_token(login, (error.strerror or "it cannot be run").lower()) from None
    token = ran.stdout.decode("utf-8", "replace").strip()
    if ran.returncode:
        said = ran.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        said = [line for line in said if not token or token not in line]
        raise _no_token(login, f"it ended with {ran.returncode}", *said)
    if len(token.split()) != 1:
        raise _no_token(login, "it printed nothing" if not token else "it printed more than one word")
    return Secret(token)


def _no_token(login: Login, why: str, *lines: str) -> BehindyError:
    return Kind.REGISTRY_REFUSED(
        f"No token for {login.registry}: {login.command[0]}, its login command here, gave none; {why}.",
        state=UNCHANGED,
        remedy="Run it yourself; it stands in pyproject.toml as login_command, below [tool.behindy-ops.registries].",
        lines=lines,
    )
