"""Several nodes for a test: a sandbox of its own, beside that which the other tests of its worker use."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from sandbox.host import lifecycle
from sandbox.host.checkout import HOST_VARIABLE, here
from sandbox.host.docker_cli import docker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.host.info import SandboxInfo

__all__ = ["SUDO", "left", "several_nodes"]

SUDO = """
cp /bin/bash /usr/local/bin/as-root && chmod 4755 /usr/local/bin/as-root
printf '#!/usr/local/bin/as-root -p\\nshift\\n' >/usr/local/bin/sudo
echo 'exec setpriv --reuid=0 --regid=0 --clear-groups "$@"' >>/usr/local/bin/sudo
chmod 755 /usr/local/bin/sudo
"""
"""A sandbox has none, and daemon.json is root's."""


@contextlib.contextmanager
def several_nodes(name: str, count: int = 3) -> Iterator[SandboxInfo]:
    """Give a sandbox of so many nodes; while it lasts, ``inv``, ``on_host`` and ``releases.release`` mean that one.

    A test that has it must not use the fixture ``sandbox``, nor one that does, as that is another host.

    Args:
        name: tells it from others of this worker; at most 14 letters.
        count: how many nodes.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOST_VARIABLE, f"{name}-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}")
        try:
            yield lifecycle.up(print, count)
        finally:
            lifecycle.remove()
        assert not left(here().container)


def left(name: str) -> list[str]:
    """The containers, volumes and networks of this machine's engine that have such a name or one that goes on."""
    own = ("--filter", f"name={name}")
    containers = docker("ps", "--all", "--format", "{{.Names}}", *own).split()
    volumes = docker("volume", "ls", "--quiet", *own).split()
    return [*containers, *volumes, *docker("network", "ls", "--format", "{{.Name}}", *own).split()]
