"""Commands on the sandbox's host, past its sshd: for setting it up, and for tests that break it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.host.checkout import here
from sandbox.host.docker_cli import last_lines, try_docker

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

__all__ = ["run"]


def run(
    argv: Sequence[str],
    *,
    user: str = "root",
    stdin: bytes | None = None,
    check: bool = True,
    timeout: float = 60,
    node: int = 1,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in the outer container of this checkout, or in that of a further node.

    Args:
        argv: the command; nothing is read by a shell unless it starts one.
        user: who runs it, ``root`` or ``ubuntu``; it starts in that user's home.
        stdin: what it reads.
        check: whether an exit code other than 0 raises.
        timeout: seconds after which we stop waiting; the command itself may go on.
        node: on which one, counted from 1.

    Raises:
        Kind.SANDBOX: it failed, or the sandbox is not up.
    """
    home = "/root" if user == "root" else f"/home/{user}"
    place = ["exec", *(["--interactive"] if stdin is not None else []), "--user", user, "--workdir", home]
    done = try_docker(*place, "--env", f"HOME={home}", here().node(node), *argv, stdin=stdin, timeout=timeout)
    if check and done.returncode != 0:
        raise Kind.SANDBOX(
            f"`{' '.join(argv)[:80]}` failed in the sandbox with exit code {done.returncode}.",
            remedy="The lines below say why; ./inv sandbox.up repairs what can be repaired.",
            lines=last_lines(done.stdout + b"\n" + done.stderr),
        )
    return done
