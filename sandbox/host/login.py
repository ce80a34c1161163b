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


def command(info: SandboxInfo, words: Sequence[str] = (), node: int = 1) -> list[str]:
    """The ssh command for a shell, or for ``words``, which the host's shell reads as ssh always has it.

    Raises:
        Kind.USAGE: there is no such node, counted from 1.
    """
    ways = [each.ssh for each in info.nodes] or [info.ssh]
    if not 1 <= node <= len(ways):
        raise Kind.USAGE(f"The sandbox has no node {node}.", remedy=f"It has {len(ways)}: ./inv sandbox.info")
    way = ways[node - 1]
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


def replace_process(words: Sequence[str] = (), node: int = 1) -> None:
    """Become that ssh; return never.

    Raises:
        Kind.USAGE: there is no such node.
        Kind.SANDBOX: there is no ssh command, or the sandbox is not up.
    """
    argv = command(load(), words, node)
    if shutil.which(argv[0]) is None:
        raise Kind.SANDBOX("There is no ssh command on this machine.", remedy="Install the OpenSSH client.")
    sys.stdout.flush()
    os.execvp(argv[0], argv)  # noqa: S606 -- a terminal of its own, without us in between
