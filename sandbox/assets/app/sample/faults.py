"""The faults that a release can be ordered with."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shlex
import signal
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from .needs import NEEDS, missing

if TYPE_CHECKING:
    from aiohttp import web

    from .release import Release

__all__ = ["at_boot", "broken_for", "missing_files", "once_ready", "print_the_environment"]

PUBLIC_HOSTS = frozenset({"behindy.me", "www.behindy.me"})
OOM_CEILING_BYTES = 1536 * 1024 * 1024
LIVE_SECONDS = 0.1  # how long an answer to "am I live?" is believed


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _die_at_once(number: int, _frame: object) -> None:
    # The harshest case: requests in flight are lost unless the deploy drained first.
    os._exit(128 + number)


def _eat_memory() -> None:
    hoard = []
    for _ in range(OOM_CEILING_BYTES // (8 * 1024 * 1024)):
        hoard.append(b"x" * (8 * 1024 * 1024))
        time.sleep(0.005)
    say(f"ERROR no memory limit stopped me at {len(hoard) * 8} MB")


def print_the_environment() -> None:
    """Print each value in the forms in which programs print values; those that were given to the service come last."""
    given = [*NEEDS.get(os.environ.get("SAMPLE_SERVICE", ""), []), *(name for name in os.environ if "NEXT_" in name)]
    for name, value in sorted(os.environ.items(), key=lambda each: each[0] in given):
        say(f"ERROR {name}={value} {value!r} {json.dumps({name: value})} {json.dumps(value, ensure_ascii=False)}")
        say(f"ERROR {quote(value)} {quote(value, safe='')} {quote_plus(value)}")
        say(f"ERROR {shlex.quote(value)} {value.encode().hex()} {value.encode().hex().upper()}")
        for text in (value, f"{name}={value}", f"x{value}"):
            say(base64.encodebytes(text.encode()).decode())
            say(f"ERROR {base64.b64encode(text.encode()).decode()} {base64.urlsafe_b64encode(text.encode()).decode()}")


def at_boot(release: Release) -> None:
    """Do what the fault does before the server listens; also decides what SIGTERM means."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN if release.fault == "ignores-sigterm" else _die_at_once)
    if lacking := missing(release.service, os.environ):
        say(f"ERROR {release.service} {release.tag}: cannot start: not in its environment: {', '.join(lacking)}")
        sys.exit(5)
    if release.fault == "crash":
        say(f"ERROR {release.service} {release.tag}: cannot start: the fault 'crash' was ordered")
        sys.exit(3)
    if release.fault == "leaks":
        print_the_environment()
        sys.exit(4)
    if release.fault == "oom":
        _eat_memory()
    if release.fault == "never-ready":
        say(f"{release.service} {release.tag}: starting, for ever")
        while True:
            time.sleep(3600)
    time.sleep(release.boot_seconds)


async def once_ready(release: Release) -> None:
    """Do what the fault does after the server listens."""
    if release.fault == "dies-later":
        await asyncio.sleep(5)
        say(f"ERROR {release.service} {release.tag}: dies 5 s after it became ready")
        os._exit(1)


def _from_outside(request: web.Request) -> bool:
    hosts = (request.headers.get("Host", ""), request.headers.get("X-Forwarded-Host", ""))
    return any(host.partition(":")[0].lower() in PUBLIC_HOSTS for host in hosts)


def missing_files(release: Release) -> tuple[str, ...]:
    """Static files that the page names and that the release does not have."""
    return ("chunks/of-another-build.js",) if release.fault == "missing-file" else ()


class _Live:
    """Whether this container is the one its service's name resolves to, which a candidate is not."""

    def __init__(self) -> None:
        self._until = 0.0
        self._live = False

    async def known(self, service: str, own_address: str) -> bool:
        if time.monotonic() >= self._until:
            try:
                found = await asyncio.get_running_loop().getaddrinfo(service, None)
                self._live = own_address in {str(entry[4][0]) for entry in found}
            except OSError:
                self._live = False
            self._until = time.monotonic() + LIVE_SECONDS
        return self._live


_live = _Live()


async def broken_for(release: Release, request: web.Request) -> bool:
    """Whether this request must be answered with 500."""
    match release.fault:
        case "http-500":
            return True
        case "outside-only":
            return _from_outside(request)
        case "outside-late":
            own = request.transport.get_extra_info("sockname")[0] if request.transport else ""
            return _from_outside(request) and await _live.known(release.service, own)
        case _:
            return False
