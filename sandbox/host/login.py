"""A login on the sandbox's host by the ssh command of this machine."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.host.info import SandboxInfo, load

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["command", "replace_process"]


def command(info: SandboxInfo, words: Sequence[str] = ()) -> list[str]:
    """The ssh command for a shell, or for ``words``, which the host's shell reads as ssh always has it."""
    way = info.ssh
    options = {
        "IdentitiesOnly": "yes",
        "IdentityFile": way.key_file,
        "UserKnownHostsFile": way.known_hosts_file,
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "ForwardAgent": "no",
        "ConnectTimeout": "10",
    }
    given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    # Not the user's own configuration: it may say something else about 127.0.0.1.
    return ["ssh", "-F", "none", *given, "-p", str(way.port), f"{way.user}@{way.host}", *words]


def replace_process(words: Sequence[str] = ()) -> None:
    """Become that ssh; return never.

    Raises:
        Kind.SANDBOX: there is no ssh command, or the sandbox is not up.
    """
    argv = command(load(), words)
    if shutil.which(argv[0]) is None:
        raise Kind.SANDBOX("There is no ssh command on this machine.", remedy="Install the OpenSSH client.")
    sys.stdout.flush()
    os.execvp(argv[0], argv)  # noqa: S606 -- a terminal of its own, without us in between
