"""Many requests a second at nginx while the service behind it is switched: how many arrive, how many are lost."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import Kind
from behindy_ops.project.names import Names
from sandbox.bench.growth_report import Crowd
from sandbox.host import shell as host
from sandbox.host.docker_cli import last_lines
from sandbox.host.images import Part, named
from sandbox.host.seed import REPOSITORY, tag_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.host.info import SandboxInfo

__all__ = ["application_image", "ask_while"]

SCRIPT = Path(__file__).with_name("load.py").read_text(encoding="utf-8")
NAME = "behindy-load"
CONNECTIONS = 128
MOST_SECONDS = 300.0
QUIET_SECONDS = 5.0
"""Before the first switch: what a request takes without one."""
_START, _AFTER, _END = 1.0, 1.0, 30.0


def application_image(info: SandboxInfo) -> str:
    """The sample application's own image, as the host has it: with Python, and with ``sleep``."""
    return f"{info.image_prefix.partition('/')[0]}/{REPOSITORY}:{tag_of(Part.APP, named(Part.APP))}"


def ask_while(info: SandboxInfo, rate: float, switches: int, switch: Callable[[int], None]) -> Crowd:
    """Ask for the site's first page, inside the sandbox's network, while ``switch`` is called so many times.

    Args:
        rate: requests a second, over :data:`CONNECTIONS` kept-alive connections with TLS.
        switch: is given the number of the switch, from 0 on.

    Raises:
        Kind.SANDBOX: the generator failed.
    """
    run = ["docker", "run", "-i", "--rm", "--name", NAME, "--memory", "256m", "--network", Names().network]
    argv = ["docker", "exec", "-i", info.container, *run, application_image(info), "python3", "-c", SCRIPT]
    spec = {
        "host": Names().proxy.container,
        "port": 443,
        "name": info.domain,
        "path": "/",
        "ca": Path(info.ca_file).read_text(encoding="ascii"),
        "rate": rate,
        "connections": CONNECTIONS,
        "seconds": MOST_SECONDS,
        "quiet": QUIET_SECONDS,
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as process:
        try:
            assert process.stdin is not None  # noqa: S101 - for the type checker: it was asked for
            process.stdin.write(json.dumps(spec).encode() + b"\n")
            process.stdin.flush()
            time.sleep(_START + QUIET_SECONDS)
            for number in range(switches):
                switch(number)
            time.sleep(_AFTER)
            out, err = process.communicate(timeout=_END)
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(Exception):  # what went wrong before is what matters
                host.run(["docker", "rm", "--force", NAME], check=False)
    try:
        return _crowd(json.loads(out), rate, switches)
    except (ValueError, KeyError):
        raise Kind.SANDBOX("The requests could not be counted.", lines=last_lines(err)) from None


def _crowd(told: dict[str, Any], rate: float, switches: int) -> Crowd:
    lost = tuple(sorted(told["lost"].items()))
    figures = {
        name: told[name] for name in ("seconds", "sent", "good", "skipped", "p99_before", "p50", "p99", "longest")
    }
    return Crowd(asked=rate, switches=switches, lost=lost, **figures)
