"""A project's own programs, which run on this machine: ``hooks/pre-deploy`` and ``hooks/post-deploy``."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from behindy_ops.errors import STILL_RUNNING, BehindyError, Kind, signals_wait
from behindy_ops.project.services import Service
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import Event, Logs, StepDone, StepFailed, StepProgress, StepStarted, Warning_

PRE_DEPLOY = "pre-deploy"
POST_DEPLOY = "post-deploy"

LIMIT = 300.0
"""Seconds that one may take."""

_SHOWN = 100
"""Lines of its output that are shown when it has ended."""

_LAST = 10
"""Lines of it that an error has."""


@dataclass(frozen=True)
class Hooks:
    """The hooks of a project.

    Attributes:
        folder: where they are.
        emit: is told what happens, and what they write.
        environ: what they are given, beside what this is about; no setting of ours is added to it.
        limit: seconds that each may take.
    """

    folder: Path
    settings: Settings
    emit: Callable[[Event], None]
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    limit: float = LIMIT

    def found(self, name: str) -> Path | None:
        """Return the file of a hook, or None if the project has no such one.

        Raises:
            Kind.USAGE: it is not executable, so that it would never run.
        """
        file = self.folder / name
        if not file.exists():
            return None
        if not (file.is_file() and os.access(file, os.X_OK)):
            remedy = f"Make it so: chmod +x {file}; or take it away."
            raise Kind.USAGE(f"hooks/{name} is not executable.", state=STILL_RUNNING, remedy=remedy)
        return file

    def before(self, service: Service, tag: str) -> None:
        """Run ``pre-deploy``, before the host is asked for anything.

        Raises:
            Kind.RELEASE_REFUSED: it failed, or took too long.
        """
        if (why := self._run(PRE_DEPLOY, service, tag)) is not None:
            raise why

    def after(self, service: Service, tag: str, release: str) -> None:
        """Run ``post-deploy``, of a release that is live; its failure is a warning."""
        try:
            why = self._run(POST_DEPLOY, service, tag, release)
        except BehindyError as error:  # somebody took its executable bit away meanwhile
            why = error
        if why is not None:
            self.emit(Warning_(f"{why.what} The release of {service.name} is live and stays."))

    def _run(self, name: str, service: Service, tag: str, release: str = "") -> BehindyError | None:
        file = self.found(name)
        if file is None:
            return None
        told = {
            "BEHINDY_SERVICE": service.name,
            "BEHINDY_TAG": tag,
            "BEHINDY_RELEASE": release,
            "BEHINDY_ENV": self.environ.get("BEHINDY_ENV", ""),
            "BEHINDY_HOST": self.settings.host,
        }
        began = time.monotonic()
        self.emit(StepStarted(name, f"Run hooks/{name} for {service.name} on this machine"))
        why, said = self._ended(file, {**self.environ, **told}, name)
        seconds = time.monotonic() - began
        if not why:
            self.emit(StepDone(name, seconds))
            if said:
                self.emit(Logs(f"hooks/{name} wrote", tuple(said[-_SHOWN:])))
            return None
        self.emit(StepFailed(name, seconds, why))
        return Kind.RELEASE_REFUSED(
            f"hooks/{name} failed for {service.name}: {why}.",
            state=STILL_RUNNING,
            remedy=f"Its last lines are below. Correct the cause, or {file}.",
            lines=tuple(said[-_LAST:]),
        )

    def _ended(self, file: Path, environ: Mapping[str, str], name: str) -> tuple[str, list[str]]:
        """Run it in the project's folder; return why it did not end well, or an empty string, and what it wrote."""
        said: list[str] = []
        process: subprocess.Popen[str] | None = None
        reader: threading.Thread | None = None
        try:
            with signals_wait(signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # so that what was started is known
                process = subprocess.Popen(
                    [file],
                    cwd=self.folder.parent,
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    start_new_session=True,  # so that all it has started can be ended
                )
            reader = threading.Thread(target=self._tell, args=(process.stdout, name, said), daemon=True)
            reader.start()
            code = process.wait(self.limit)
        except OSError as error:
            return f"it cannot be started ({error.strerror})", said
        except subprocess.TimeoutExpired:
            return f"it took longer than {self.limit:g} s and was ended", said
        finally:
            if process is not None:
                _end(process)
            if reader is not None:
                reader.join(1)  # what it has left running may hold the pipe
        return (f"exit code {code}" if code > 0 else "killed by a signal") if code else "", said

    def _tell(self, output: IO[str], name: str, said: list[str]) -> None:
        with output:
            for line in output:
                said.append(line.rstrip("\n"))
                self.emit(StepProgress(name, said[-1]))


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
