"""A host whose disk is small: Docker keeps its data on a file system of 900 MB in memory while a test lasts."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sandbox.host import lifecycle
from tests.sandbox.support import on_host

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["filled", "free", "move", "small_disk"]

DATA = "/var/lib/docker"
STATE = "/home/ubuntu/behindy-ops/state"
FILLER = f"{DATA}/filler"

# The entrypoint starts dockerd again as soon as it has ended; what it finds at its place then is another disk.
MOVE = """
docker stop -t 2 $(docker ps -q) >/dev/null
$1
old=$(pgrep -x dockerd) && kill "$old"
for _ in $(seq 300); do
    new=$(pgrep -x dockerd) && [ "$new" != "$old" ] && docker info >/dev/null 2>&1 && break
    sleep 0.1
done
rm -f /var/lib/sandbox/applied
"""


@contextlib.contextmanager
def small_disk() -> Iterator[None]:
    """Give the host's engine a small disk of its own, with nginx, Postgres and Redis on it; afterwards its old one."""
    on_host("bash", "-c", f"rm -rf {STATE}.away && cp -a {STATE} {STATE}.away")
    move(f"mount -t tmpfs -o size=900m,mode=710 tmpfs {DATA}")
    try:
        lifecycle.up(lambda _: None)
        yield
    finally:
        move(f"umount -l {DATA}")
        on_host("bash", "-c", f"rm -rf {STATE} && mv {STATE}.away {STATE}")
        lifecycle.up(lambda _: None)


def move(how: str) -> None:
    """Stop the containers, do this, and have the engine start again."""
    on_host("bash", "-c", MOVE.replace("$1", how), timeout=120)


def free() -> int:
    """Return the megabytes that are left on it."""
    return int(on_host("df", "-m", "--output=avail", DATA).splitlines()[-1])


@contextlib.contextmanager
def filled(leave: int) -> Iterator[None]:
    """Fill it until so many megabytes are left."""
    on_host("fallocate", "-l", f"{max(free() - leave, 1)}M", FILLER)
    try:
        yield
    finally:
        on_host("rm", "-f", FILLER)
