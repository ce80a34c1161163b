"""Somebody else who holds the lock of the sandbox's host."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from typing import IO, cast

from behindy_ops.host.command import script

KIM = {"who": "Kim@laptop", "what": "deploy of backend:v9", "since": "2026-01-31T09:30:00+00:00", "token": "0" * 32}


class Holder:
    """Somebody else who holds the lock: the very script of the lease, spoken to as a client does.

    Args:
        silence: seconds without a heartbeat after which it ends.
        beats: whether it sends one a second.
    """

    def __init__(self, container: str, *, silence: int = 60, beats: bool = True) -> None:
        place = ["docker", "exec", "--interactive", "--user", "ubuntu", "--workdir", "/home/ubuntu", container]
        self._process = subprocess.Popen(
            [*place, *script("lock/lease", "behindy-ops/state", str(silence), "@@", json.dumps(KIM))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = [cast("IO[str]", self._process.stdout).readline() for _ in range(2)]
        assert lines == ["@@ lease\n", "@@ ready\n"]
        self._ended = threading.Event()
        self._beating = threading.Thread(target=self._beat if beats else lambda: None, daemon=True)
        self._beating.start()

    def close(self) -> None:
        """Let go of it; may be repeated."""
        self._ended.set()
        self._beating.join()
        with contextlib.suppress(OSError, ValueError):
            cast("IO[str]", self._process.stdin).close()
        self._process.wait(20)
        cast("IO[str]", self._process.stdout).close()

    def _say(self, line: str) -> None:
        stdin = cast("IO[str]", self._process.stdin)
        stdin.write(line + "\n")
        stdin.flush()

    def _beat(self) -> None:
        while not self._ended.wait(1):
            self._say("")
