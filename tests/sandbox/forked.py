"""Runs ``inv`` in copies of a Python that has imported it already: a third of a second of computing less each time.

A small server imports everything once and forks itself for each command. From the command line on, what runs is the
same: its own process, environment, output and exit code. It stands aside where a start from nothing matters.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["can_run", "run"]

ROOT = Path(__file__).resolve().parents[2]
AT_START = ("PYTHON", "LANG", "LC_", "LD_")
"""Variables that Python or the loader reads when it starts."""

END = b"\n"


def can_run(cwd: Path, env: Mapping[str, str]) -> bool:
    """Whether the place and the environment are such that a copy does what a new process would do."""
    names = {name for name in {*env, *os.environ} if env.get(name) != os.environ.get(name)}
    return cwd == ROOT and not any(name.startswith(AT_START) for name in names - {"PYTHONUNBUFFERED"})


def run(words: Sequence[str], env: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run ``inv`` with these words, without a terminal and with nothing to read.

    Args:
        words: what follows ``inv``.
        env: its whole environment.
        timeout: seconds after which it is killed.

    Raises:
        subprocess.TimeoutExpired: it was.
    """
    with socket.socket(socket.AF_UNIX) as server, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        server.connect(_address())
        request = json.dumps({"words": list(words), "env": dict(env)}).encode() + END
        socket.send_fds(server, [request[:1]], [out.fileno(), err.fileno()])
        server.sendall(request[1:])
        with server.makefile("r") as replies:
            pid = int(replies.readline())
            server.settimeout(timeout)
            try:
                code = int(replies.readline())
            except TimeoutError as error:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(["inv", *words], timeout) from error
        return subprocess.CompletedProcess(["inv", *words], code, _text(out), _text(err))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


@cache
def _address() -> str:
    """Start the server; it ends when this process does."""
    folder = tempfile.TemporaryDirectory(prefix="behindy-forked-")
    address = str(Path(folder.name, "socket"))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox.forked", str(listening.fileno())],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        pass_fds=[listening.fileno()],
    )
    listening.close()

    def end() -> None:
        cast("IO[bytes]", server.stdin).close()
        server.wait()
        folder.cleanup()

    atexit.register(end)
    return address


def _serve(listening: socket.socket) -> list[str]:
    """Answer requests until the tests have ended; return, in each copy, the words it has to run."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in ready:
            sys.exit()
        asking, _ = listening.accept()
        with asking:
            if os.fork():
                continue
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            request, output = _request(asking)
            pid = os.fork()
            if pid:
                asking.sendall(f"{pid}\n".encode())
                _, status = os.waitpid(pid, 0)
                with contextlib.suppress(OSError):  # whoever asked has given up on it
                    asking.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
                os._exit(0)
        return _become(request, output)


def _request(asking: socket.socket) -> tuple[dict[str, object], list[int]]:
    text, output, _, _ = socket.recv_fds(asking, 1, 2)
    while not text.endswith(END):
        text += asking.recv(1 << 16)
    request: dict[str, object] = json.loads(text)
    return request, output


def _become(request: dict[str, object], output: list[int]) -> list[str]:
    """Take over the environment, nothing to read, and the files to write to."""
    os.environ.clear()
    os.environ.update(cast("dict[str, str]", request["env"]))
    time.tzset()
    for number, file in enumerate([os.open(os.devnull, os.O_RDONLY), *output]):
        os.dup2(file, number)
        os.close(file)
    return cast("list[str]", request["words"])


def _main() -> None:
    import invoke.main

    import behindy_ops
    import sandbox.tasks

    for package in (behindy_ops, sandbox.tasks):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    gc.freeze()
    words = _serve(socket.socket(fileno=int(sys.argv[1])))
    sys.argv = [invoke.main.__file__, *words]
    invoke.main.program.run()


if __name__ == "__main__":
    _main()
