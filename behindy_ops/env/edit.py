"""One value, or the whole file in an editor: nothing of it stays on this machine."""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.env import dialect
from behindy_ops.env.place import fetched, read_text
from behindy_ops.errors import BehindyError, Kind, LeaseLost
from behindy_ops.host.interrupts import ending_signals_raise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behindy_ops.env.dialect import EnvText
    from behindy_ops.env.place import Place, Proposal

__all__ = ["check_name", "edited", "read_value", "with_value"]

_UNCHANGED = "Nothing was changed."


def check_name(name: str) -> None:
    """:raises Kind.USAGE: it is no name, or looks like a whole assignment."""
    if "=" in name:
        raise Kind.USAGE(
            "A value has no place on the command line, where ps and the shell's history show it.",
            state=_UNCHANGED,
            remedy=f"The name alone, and the value when asked: inv env.set {name.partition('=')[0] or 'NAME'}",
        )
    if not dialect.NAME.fullmatch(name):
        raise Kind.USAGE("That is not a name; use letters, digits and _, no digit first.", state=_UNCHANGED)


def read_value(name: str) -> str:
    """The value, from standard input (without its last newline), or asked for on the terminal, not shown.

    :raises Kind.USAGE: it is empty, or no environment can hold it.
    """
    if sys.stdin.isatty():
        value = getpass.getpass(f"{name}: ")
        if value != getpass.getpass("The same again: "):
            raise Kind.USAGE("The two were not the same.", state=_UNCHANGED)
    else:
        value = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").removesuffix("\n")
    try:
        value.encode("utf-8")
        dialect.render(name, value)
    except ValueError:
        raise Kind.USAGE("The value is not UTF-8 text, or has a NUL character in it.", state=_UNCHANGED) from None
    if not value:
        raise Kind.USAGE(
            "There was no value to read.",
            state=_UNCHANGED,
            remedy=f"On standard input: inv env.set {name} <FILE. To leave it empty: inv env.edit",
        )
    return value


def with_value(place: Place, name: str, value: str) -> EnvText:
    """The host's file with one value put in."""
    _, body = fetched(place)
    return dialect.put(read_text(body, ".env"), name, value)


def edited(place: Place) -> Proposal | None:
    """The host's file after an editor, compared with it; None if it was left as it was.

    :raises BehindyError: no editor, it failed, or what it left has mistakes.
    """
    sha256, body = fetched(place)
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    text = body or place.project.example.encode("utf-8")
    with ending_signals_raise("Nothing was changed; the copy is gone."), _private_file(text) as file:
        _run_editor([*editor, str(file)])
        after = file.read_bytes()
    if after == body:
        return None
    proposal = place.propose(read_text(after, ".env"))
    if proposal.answer.sha256 != sha256:
        raise LeaseLost(
            f"{place.where} was changed by somebody else while it was edited.",
            state="Theirs is in place; nothing of yours was written.",
            remedy="Do it again: inv env.edit",
        )
    return proposal


def _run_editor(argv: list[str]) -> None:
    try:
        code = subprocess.run(argv, check=False).returncode
    except OSError as error:
        raise Kind.USAGE(
            f"The editor {argv[0]!r} cannot be started: {error.strerror}.", state=_UNCHANGED, remedy="Set EDITOR."
        ) from None
    if code:
        raise BehindyError(f"The editor ended with exit code {code}.", state=_UNCHANGED, remedy="Do it again.")


@contextlib.contextmanager
def _private_file(body: bytes) -> Iterator[Path]:
    """A file that only its owner can read, in memory where there is such a place; whatever happens, it is gone then.

    An editor may leave a backup or a swap file beside it, so the whole directory goes, and no signal ends that.
    """
    places = [Path("/dev/shm"), Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")]  # noqa: S108 - a tmpfs
    place = next((str(one) for one in places if os.access(one, os.W_OK | os.X_OK)), None)
    directory = tempfile.mkdtemp(prefix="behindy-edit-", dir=place)
    try:
        file = Path(directory) / "host.env"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(body)
        yield file
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # whoever handled them before gets them back right after
        shutil.rmtree(directory, ignore_errors=True)
