"""This machine's own Docker, asked by its command line: an image that is to be sent to the host, read once."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import IO

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.facts.figures import MB, size
from behindy_ops.facts.local_image import LocalImage, contents
from behindy_ops.facts.replies import parse_json
from behindy_ops.report.events import Event, StepDone, StepFailed, StepStarted

ANSWERS = 30.0
"""Seconds in which Docker tells of an image."""

SAVES = 1800.0
"""Seconds in which it has written one."""

SPARE = 64 * MB
"""Bytes that stay free where it is written."""


@contextlib.contextmanager
def saved(references: Mapping[str, str], emit: Callable[[Event], None]) -> Iterator[dict[str, LocalImage]]:
    """Read images of this machine, and keep them for as long as this lasts, as files without a name on its disk.

    Args:
        references: service to what its image is called here.
        emit: is told what happens.

    Returns:
        service to its image.

    Raises:
        Kind.IMAGE_NOT_FOUND: there is no Docker here, it does not answer, or it has no such image.
        Kind.DISK_FULL: there is no room for it.
    """
    with contextlib.ExitStack() as stack:
        found = {name: stack.enter_context(_saved(name, emit)) for name in dict.fromkeys(references.values())}
        yield {service: found[name] for service, name in references.items()}


@contextlib.contextmanager
def _saved(reference: str, emit: Callable[[Event], None]) -> Iterator[LocalImage]:
    with contextlib.ExitStack() as stack:
        with _told(f"Read {reference} from this machine's Docker", emit) as done:
            known = parse_json(_docker("image", "inspect", "--format", "{{json .}}", reference, about=reference)) or {}
            # A file without a name: whatever ends us, nothing is left of it.
            file = stack.enter_context(tempfile.TemporaryFile(dir=_room(int(known.get("Size") or 0))))
            _docker("image", "save", str(known.get("Id")), about=reference, out=file)  # its tag may move meanwhile
            file.seek(0)
            try:
                config, layers = contents(file)
            except ValueError as error:
                raise Kind.IMAGE_NOT_FOUND(f"{reference} cannot be sent: {error}.", state=UNCHANGED) from error
            number = file.fileno()
            image = LocalImage(reference, config, layers, lambda offset, count: os.pread(number, count, offset))
            done.append(f"{image.id[:19]}, {len(layers)} layers")
        yield image


@contextlib.contextmanager
def _told(title: str, emit: Callable[[Event], None]) -> Iterator[list[str]]:
    """Tell a step, as a session does, before there is one; what is put into the list is shown when it is done."""
    begun, detail = time.monotonic(), list[str]()
    emit(StepStarted("save", title))
    try:
        yield detail
    except BaseException as error:
        failed = error.what if isinstance(error, BehindyError) else type(error).__name__
        emit(StepFailed("save", time.monotonic() - begun, failed))
        raise
    emit(StepDone("save", time.monotonic() - begun, "".join(detail)))


def _docker(*words: str, about: str, out: IO[bytes] | None = None) -> str:
    """Run docker; return what it printed, unless that goes to a file.

    Raises:
        Kind.IMAGE_NOT_FOUND: it did not do it, for whatever reason.
        Kind.DISK_FULL: what it wrote filled the disk.
    """
    try:
        done = subprocess.run(
            ["docker", *words],
            stdin=subprocess.DEVNULL,
            stdout=out or subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=SAVES if out else ANSWERS,
            check=False,
        )
    except OSError as error:
        raise _none(about, "there is no docker command on this machine", ()) from error
    except subprocess.TimeoutExpired as error:
        raise _none(about, f"Docker on this machine has not answered for {error.timeout:g} s", ()) from error
    if done.returncode == 0:
        return "" if out else done.stdout.decode("utf-8", "replace")
    lines = tuple(done.stderr.decode("utf-8", "replace").strip().splitlines()[-3:])
    said = " ".join(lines).lower()
    if "no such image" in said or "no such object" in said:
        raise Kind.IMAGE_NOT_FOUND(
            f"There is no image {about} on this machine.",
            state=UNCHANGED,
            remedy=f"See which there are: docker images. Build it: docker build --tag {about} FOLDER",
        )
    if "no space left" in said:
        raise _full("the disk is full")
    raise _none(about, "Docker on this machine does not answer, or not to you", lines)


def _none(about: str, why: str, lines: tuple[str, ...]) -> BehindyError:
    return Kind.IMAGE_NOT_FOUND(
        f"{about} cannot be read: {why}.",
        state=UNCHANGED,
        remedy="Start Docker and see that you may use it: docker info. Without one, push the image, and use --tag.",
        lines=lines,
    )


def _room(needed: int) -> str:
    """Return a directory on a disk with room for so many bytes."""
    on_disk = "/var/tmp"  # noqa: S108 - the file in it has no name, and /tmp is often in memory
    usual = "TMPDIR" in os.environ or not os.access(on_disk, os.W_OK)
    chosen = tempfile.gettempdir() if usual else on_disk
    free = shutil.disk_usage(chosen).free
    if free < needed + SPARE:
        raise _full(f"the image takes up to {size(needed)}, and {size(free)} are free in {chosen}")
    return chosen


def _full(why: str) -> BehindyError:
    return Kind.DISK_FULL(
        f"There is no room on this machine to read the image: {why}.",
        state=UNCHANGED,
        remedy="Free some, or name a directory on another disk: TMPDIR=/path",
    )
