"""The docker command of this machine. Output is kept and shown only when a command fails."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from behindy_ops.errors import BehindyError, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["docker", "last_lines", "try_docker"]


def last_lines(output: bytes, count: int = 15) -> tuple[str, ...]:
    """The last lines that are not empty."""
    lines = [line.rstrip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return tuple(lines[-count:])


def try_docker(
    *argv: str, stdin: bytes | None = None, timeout: float = 60, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run ``docker argv``, with both outputs kept; ``timeout`` is in seconds. A failure is the caller's to read.

    Raises:
        Kind.SANDBOX: there is no docker command, or it took longer than ``timeout``.
    """
    source: Mapping[str, object] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    try:
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            ["docker", *argv],
            **source,
            capture_output=True,
            timeout=timeout,
            check=False,
            env={**os.environ, **(environment or {})},
        )
    except FileNotFoundError as error:
        raise Kind.SANDBOX("There is no docker command on this machine.", remedy="Install Docker.") from error
    except subprocess.TimeoutExpired as error:
        raise Kind.SANDBOX(
            f"`docker {' '.join(argv[:2])}` did not end within {timeout:.0f} s.",
            remedy="Look at the engine with `docker info`.",
        ) from error


def docker(
    *argv: str, stdin: bytes | None = None, timeout: float = 60, environment: Mapping[str, str] | None = None
) -> str:
    """As ``try_docker``; return what it printed, without white space at the ends.

    Raises:
        Kind.SANDBOX: it failed; the error's lines are the last ones it wrote.
    """
    done = try_docker(*argv, stdin=stdin, timeout=timeout, environment=environment)
    if done.returncode != 0:
        raise failure(argv, done)
    return done.stdout.decode(errors="replace").strip()


def failure(argv: Sequence[str], done: subprocess.CompletedProcess[bytes]) -> BehindyError:
    """The error for a docker command that failed."""
    return Kind.SANDBOX(
        f"`docker {' '.join(argv[:2])}` failed with exit code {done.returncode}.",
        remedy="The lines below say why.",
        lines=last_lines(done.stdout + b"\n" + done.stderr),
    )
