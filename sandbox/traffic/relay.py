"""A long link on one machine: a TCP relay that delays each direction, and can be cut or fall silent.

Bandwidth is not limited and order is kept: every piece travels with the time at which it is due. Runs in a process of
its own (``python -m sandbox.traffic.relay``), because a busy test would otherwise add its own delays.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from sandbox.traffic.child import Child, commands, first_line, reply

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Relay"]

_ANSWER_SECONDS = 10.0
_PIECE_BYTES = 1 << 16
# 32 MiB under way in each direction: at 85 ms that is 370 MB/s, more than SSH encrypts on such machines.
_PIECES_UNDER_WAY = 512
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Relay:
    """Forwards 127.0.0.1:``port`` to ``host``:``target_port`` from ``with`` on.

    Args:
        delay: seconds each direction takes. Opening a connection takes as long as it would over such a link, too: what
            the client sends first arrives after three delays (its SYN, the answer, the data).
    """

    def __init__(self, host: str, target_port: int, *, delay: float = 0.085) -> None:
        self._spec = {"host": host, "port": target_port, "delay": delay}
        self._child: Child | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._child = Child("sandbox.traffic.relay", self._spec)
        self.port = int(self._ask("port"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.close()

    def cut(self) -> int:
        """Reset every connection, to both sides, and return how many there were. New ones are served."""
        return int(self._ask("cut"))

    def freeze(self) -> None:
        """From now on nothing passes, connections stay open and new ones are accepted: a link gone silent."""
        self._ask("freeze")

    def thaw(self) -> None:
        """Let pass what waited, and everything after it."""
        self._ask("thaw")

    def _ask(self, command: str) -> Any:
        if self._child is None:
            raise RuntimeError("a Relay works in a with statement")
        return self._child.ask(command, timeout=_ANSWER_SECONDS)


# What is on its way: when each piece is due, on the loop's clock, and the piece; an empty one is the end.
_Pieces: TypeAlias = "asyncio.Queue[tuple[float, bytes]]"


class _Link:
    """The relaying itself, in the child."""

    def __init__(self, host: str, port: int, delay: float) -> None:
        self._target = (host, port)
        self._delay = delay
        self._passing = asyncio.Event()
        self._passing.set()
        self._open: dict[asyncio.StreamWriter, asyncio.StreamWriter | None] = {}

    async def serve(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        """One connection, until both directions have ended."""
        accepted = asyncio.get_running_loop().time()
        self._open[near_out] = None
        try:
            await self._due(accepted + self._delay)
            far_in, far_out = await asyncio.open_connection(*self._target)
            self._open[near_out] = far_out
            async with asyncio.TaskGroup() as tasks:
                for source, sink, delays in ((near_in, far_out, 3), (far_in, near_out, 2)):
                    under_way: _Pieces = asyncio.Queue(_PIECES_UNDER_WAY)
                    tasks.create_task(self._collect(source, under_way, not_before=accepted + delays * self._delay))
                    tasks.create_task(self._deliver(under_way, sink))
        except* OSError:
            _reset(near_out)
            _reset(self._open[near_out])
        finally:
            far = self._open.pop(near_out, None)
            for writer in filter(None, (near_out, far)):
                writer.close()

    async def _collect(self, source: asyncio.StreamReader, under_way: _Pieces, *, not_before: float) -> None:
        piece = b"-"
        while piece:
            piece = await source.read(_PIECE_BYTES)
            await under_way.put((max(asyncio.get_running_loop().time() + self._delay, not_before), piece))

    async def _deliver(self, under_way: _Pieces, sink: asyncio.StreamWriter) -> None:
        while True:
            due, piece = await under_way.get()
            await self._due(due)
            if not piece:
                sink.write_eof()
                return
            sink.write(piece)
            await sink.drain()

    async def _due(self, due: float) -> None:
        left = due - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)
        await self._passing.wait()

    def obey(self, command: str) -> int:
        if command == "cut":
            ends = list(self._open.items())
            for near, far in ends:
                _reset(near)
                _reset(far)
            return len(ends)
        if command == "freeze":
            self._passing.clear()
        elif command == "thaw":
            self._passing.set()
        return 0


def _reset(writer: asyncio.StreamWriter | None) -> None:
    """Close so that the peer sees a reset, as after a broken link, not an orderly end."""
    if writer is None or writer.transport.is_closing():
        return
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


async def _main() -> None:
    lines = commands()
    link = _Link(**await first_line(lines))
    server = await asyncio.start_server(link.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async for command in lines:
        reply(port if command == "port" else link.obey(command))


if __name__ == "__main__":
    asyncio.run(_main())
