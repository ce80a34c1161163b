"""``ops.exec`` and ``ops.run``: a command run in a container, or in one of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from behindy_ops.errors import Kind
from behindy_ops.host.command import Command, script
from behindy_ops.host.host import new_mark
from behindy_ops.host.session import Session
from behindy_ops.views.container import LONGEST, missing, told_apart

KILLED = 137
"""What is returned for a command that a signal ended on the host, so that it has no exit code."""


def words_after(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the command on a command line: all words behind the first ``--``.

    Raises:
        Kind.USAGE: there is none.
    """
    words = tuple(argv[argv.index("--") + 1 :]) if "--" in argv else ()
    if not words:
        task = "ops.run" if "ops.run" in argv else "ops.exec"
        raise Kind.USAGE("No command was given.", remedy=f"Write it after --, such as: inv {task} backend -- env")
    return words


def run(
    session: Session,
    container: str,
    words: Sequence[str],
    *,
    out: Callable[[str], None],
    err: Callable[[str], None],
) -> int:
    """Run a command in a container and return its exit code; what it writes is passed on as it comes.

    The words reach the program exactly as they are: no shell reads them, on neither side.

    Raises:
        Kind.CONTAINER_MISSING: the container is not there, or not running.
    """
    mark = new_mark()
    return _passed_on(session, container, script("ops/exec", mark, container, *words), mark, out, err)


def run_once(
    session: Session, service: str, words: Sequence[str], *, out: Callable[[str], None], err: Callable[[str], None]
) -> int:
    """Run a command once in a container of its own, of a service's live release; else as :func:`run`.

    Raises:
        Kind.CONTAINER_MISSING: there is no live release, or its files are not on the host.
    """
    mark = new_mark()
    argv = script("ops/run", mark, session.settings.host_dir, service, session.names.network, *words)
    return _passed_on(session, service, argv, mark, out, err)


def _passed_on(
    session: Session,
    container: str,
    argv: tuple[str, ...],
    mark: str,
    out: Callable[[str], None],
    err: Callable[[str], None],
) -> int:
    said = list[str]()
    command = Command(
        argv,
        title=f"run a command in {container}",
        timeout=LONGEST,
        on_line=lambda line: out(f"{line}\n"),
        on_error_line=told_apart(mark, said, lambda line: err(f"{line}\n")),
        follow=True,
    )
    result = session.host.run(command)
    if said:
        raise missing(container, " ".join(said))
    out(result.stdout)
    err(result.stderr)
    return result.exit_code if result.exit_code >= 0 else KILLED
