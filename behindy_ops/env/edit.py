"""``env.set`` and ``env.edit``: one value, or the whole file in an editor; we leave nothing of it on this machine."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from behindy_ops.env import probe
from behindy_ops.env.candidate import read_text
from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.host.interrupts import ending_signals_raise
from behindy_ops.host.session import Session
from behindy_ops.project import dotenv
from behindy_ops.project.dotenv import EnvText


def check_name(name: str) -> None:
    """Check what is to be set.

    Raises:
        Kind.USAGE: it is no name, or looks like a whole assignment.
    """
    if "=" in name:
        raise Kind.USAGE(
            "A value does not belong on the command line, where ps and the shell's history show it.",
            state=UNCHANGED,
            remedy=f"Give the name alone, and the value when asked: inv env.set {name.partition('=')[0] or 'NAME'}",
        )
    if not dotenv.NAME.fullmatch(name):
        raise Kind.USAGE("That is not a name; use letters, digits and _, no digit first.", state=UNCHANGED)


def read_value(name: str) -> str:
    """Return the value from standard input (without its last newline), or ask for it on the terminal, not shown.

    Raises:
        Kind.USAGE: it is empty, or no environment can hold it.
    """
    if sys.stdin.isatty():
        value = getpass.getpass(f"{name}: ")
        if value != getpass.getpass("The same again: "):
            raise Kind.USAGE("The two values differ.", state=UNCHANGED)
    else:
        value = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").removesuffix("\n")
    try:
        value.encode("utf-8")
        dotenv.render(name, value)
    except ValueError:
        raise Kind.USAGE("The value is not UTF-8 text, or has a NUL character in it.", state=UNCHANGED) from None
    if not value:
        raise Kind.USAGE(
            "There was no value to read.",
            state=UNCHANGED,
            remedy=f"On standard input: inv env.set {name} <FILE. To leave it empty: inv env.edit",
        )
    return value


def with_value(session: Session, name: str, value: str) -> EnvText:
    """Return the host's file with one value put in."""
    _, body = probe.fetch(session)
    return read_text(body, ".env", lambda file: dotenv.put(file, name, value))


VIM = ("-n", "-i", "NONE", "-c", "set nobackup nowritebackup noundofile noswapfile")
"""Without its swap, history, backup and undo files, whatever its own settings say."""

EMACS = ("--eval", "(setq make-backup-files nil auto-save-default nil create-lockfiles nil)")


def without_traces(argv: Sequence[str]) -> list[str] | None:
    """Return an editor's command line so that it keeps no copy of what it edits; None if we know no way.

    Args:
        argv: as ``EDITOR`` has it; a ``vi`` may be a link to another editor.
    """
    names = {Path(argv[0]).name, Path(shutil.which(argv[0]) or argv[0]).resolve().name}
    if any(re.fullmatch(r"n?vim(\..*)?", name) for name in names):
        return [*argv, *VIM]
    if any(re.fullmatch(r"nano(\..*)?", name) for name in names):
        return [*argv, "--ignorercfiles"]  # its backups and history are off unless its settings say otherwise
    if any(re.fullmatch(r"emacs(-.*|[0-9.]*)?", name) for name in names):
        return [*argv, *EMACS]
    return None


def edited(body: bytes, template: bytes, say: Callable[[str], None]) -> EnvText | None:
    """Return the file after an editor, or None if it was left as it was.

    Args:
        template: what to begin with if there is nothing yet.
        say: is told, before it starts, that an editor may keep copies.

    Raises:
        BehindyError: there is no editor, it failed, or what it left has mistakes.
    """
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    quiet = without_traces(editor)
    if quiet is None:
        say(f"{editor[0]} may keep copies of what it edits (backups, local history) that we cannot remove.")
    with ending_signals_raise(f"{UNCHANGED[:-1]}; the copy is gone."), _private_file(body or template) as file:
        _run_editor([*(quiet or editor), str(file)])
        after = file.read_bytes()
    return None if after == body else read_text(after, ".env")


def _run_editor(argv: list[str]) -> None:
    try:
        code = subprocess.run(argv, check=False).returncode
    except OSError as error:
        raise Kind.USAGE(
            f"Could not start the editor {argv[0]!r}: {error.strerror}.", state=UNCHANGED, remedy="Set EDITOR."
        ) from None
    if code:
        raise BehindyError(f"The editor ended with exit code {code}.", state=UNCHANGED, remedy="Try again.")


@contextlib.contextmanager
def _private_file(body: bytes) -> Iterator[Path]:
    """A file that only its owner can read, in memory where there is such a place; whatever happens, it is gone then.

    An editor may leave a backup or a swap file beside it, so the whole directory goes, and no signal stops that.
    """
    candidates = [Path("/dev/shm"), Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")]  # noqa: S108 - a tmpfs
    memory = next((str(path) for path in candidates if os.access(path, os.W_OK | os.X_OK)), None)
    directory = tempfile.mkdtemp(prefix="behindy-edit-", dir=memory)
    try:
        file = Path(directory) / "host.env"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(body)
        yield file
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # whoever handled them before gets them back right after
        shutil.rmtree(directory, ignore_errors=True)
