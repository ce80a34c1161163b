"""A helper process of the sandbox, asked line by line: a command in, one line of JSON out.

The load generator and the relay run in processes of their own so that the interpreter lock of a test or of the demo
never distorts a measurement. The child ends when its stdin does, so it cannot outlive whoever started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from behindy_ops.errors import BehindyError, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

__all__ = ["Child", "commands", "first_line", "reply"]

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_END_SECONDS = 3.0


class Child:
    """One ``python -m module`` that was given ``spec`` as its first line.

    Args:
        module: dotted name of a module of this package that follows the protocol (see ``first_line``, ``reply``).
        spec: what the child needs to know, as JSON.
    """

    def __init__(self, module: str, spec: Mapping[str, Any]) -> None:
        self._module = module
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._rest = b""
        self._asking = threading.Lock()
        path = os.pathsep.join(filter(None, (str(_PACKAGE_ROOT), os.environ.get("PYTHONPATH", ""))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, "PYTHONPATH": path},
            # Ctrl-C in a terminal reaches the parent alone: it decides when the child stops and reads its result.
            start_new_session=True,
        )
        self._stdin = cast("IO[bytes]", self._process.stdin)
        self._stdout = cast("IO[bytes]", self._process.stdout)
        self._write(json.dumps(spec))

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, command: str, *, timeout: float) -> Any:
        """Send ``command`` and return its JSON answer, waiting ``timeout`` seconds at most; from any thread.

        Raises:
            Kind.SANDBOX: the child has ended or does not answer in time.
        """
        with self._asking:
            self._write(command)
            return json.loads(self._line(timeout))

    def close(self) -> None:
        """End the child: by closing its stdin, and if that is not enough, by killing it. Harmless when repeated."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
        self._stderr.close()

    def _write(self, line: str) -> None:
        try:
            self._stdin.write(line.encode() + b"\n")
            self._stdin.flush()
        except (OSError, ValueError):
            raise self._gone() from None

    def _line(self, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._stdout], [], [], left)[0]:
                raise Kind.SANDBOX(f"{self._module} did not answer within {timeout:g} s.")
            part = os.read(self._stdout.fileno(), 1 << 16)
            if not part:
                raise self._gone()
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _gone(self) -> BehindyError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        lines: list[str] = []
        if not self._stderr.closed:
            self._stderr.seek(0)
            lines = self._stderr.read().decode(errors="replace").splitlines()[-10:]
        return Kind.SANDBOX(f"{self._module} ended early ({self._process.returncode}).", lines=tuple(lines))


async def commands() -> AsyncIterator[str]:
    """In the child: the lines of stdin, until the parent closes it or dies."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().rstrip("\n")


async def first_line(lines: AsyncIterator[str]) -> Any:
    """In the child: the JSON that ``Child`` was given as ``spec``; exits when there is none."""
    async for line in lines:
        return json.loads(line)
    raise SystemExit(0)


def reply(answer: Any) -> None:
    """In the child: answer one command."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
