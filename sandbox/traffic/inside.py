"""Who asks from inside the network: a process in a throwaway container there, given one question after the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.host.images import Part, named
from sandbox.host.seed import REPOSITORY, tag_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SCRIPT", "Inside", "argv"]

SCRIPT = Path(__file__).with_name("ask.py").read_text(encoding="utf-8")
NAME = "behindy-traffic"
_END_SECONDS = 10.0
_LINE_BYTES = 1 << 20


def argv(container: str, prefix: str) -> list[str]:
    """The command that starts it on the sandbox's host.

    It is no container of a service, so it stays where it is while those are replaced; its image is the sample
    application's own, which no deploy tidies away. Both are gone once its stdin ends.

    Args:
        container: the sandbox's outer container.
        prefix: what the host pulls images under (``SandboxInfo.image_prefix``).
    """
    image = f"{prefix.partition('/')[0]}/{REPOSITORY}:{tag_of(Part.APP, named(Part.APP))}"
    run = f"docker run -i --rm --name {NAME} -m 128m --network behindy-ops_internal"
    line = f'docker rm -f {NAME} >&2; {run} {image} python3 -c "$1"; docker rmi {image} >&2'
    return ["docker", "exec", "-i", container, "sh", "-c", line, "inside", SCRIPT]


class Inside:
    """The process, from ``start`` to ``close``; shared by all who ask through it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, stderr=nothing, limit=_LINE_BYTES
        )
        self._reading = asyncio.create_task(self._read(self._process))

    async def ask(self, url: str, seconds: float) -> dict[str, Any]:
        """Return the answer: ``status``, ``headers`` and ``body``, or ``lost`` with the reason.

        Raises:
            ConnectionError: the process has ended.
        """
        if self._process is None or self._process.stdin is None or self._process.returncode is not None:
            raise ConnectionError("the process inside the network has ended")
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        line = json.dumps({"id": number, "url": url, "seconds": seconds})
        try:
            self._process.stdin.write(line.encode() + b"\n")
            await self._process.stdin.drain()
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """End it by closing its stdin, and see that it has ended."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _END_SECONDS)
        if self._process.returncode is None:
            self._process.kill()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        while process.stdout and (line := await process.stdout.readline()):
            said = json.loads(line)
            if (waiting := self._waiting.get(said["id"])) and not waiting.done():
                waiting.set_result(said)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the process inside the network has ended"))
