"""Runs tasks in every output mode, and looks for values in all that is printed or left, on client and host."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import pty
import signal
import subprocess
import sys
import tarfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from behindy_ops.project.project import Project
from behindy_ops.tasks import root
from sandbox.host import docker_cli
from sandbox.host import shell as host
from tests.leaks import Search
from tests.sandbox.interruption import Client, Moment
from tests.sandbox.secret_values import TASKS
from tests.sandbox.support import ROOT, command_lines, environment, inv, on_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["HOME", "MODES", "Watch", "watching"]

HOME = "/home/ubuntu/behindy-ops"
MODES = ("terminal", "plain", "--json", "GitHub")
MAY_HOLD = (f"{HOME}/.env", f"{HOME}/state/env/*", f"{HOME}/state/releases/*/*/.env")
NOT_OURS = (
    *("/proc", "/sys", "/dev/pts", "/run/docker", "/run/containerd", "/var/lib/docker", f"{HOME}/data"),
    "/tmp/runc-process*",
)
"""The kernel's, and Docker's own: what a container is given, what it prints, and its file system."""

CHANGED = f"""
cd / && find / \\( {" -o ".join(f"-path '{place}'" for place in (*NOT_OURS, *MAY_HOLD))} \\) -prune -o \
  -type f -cnewer "$1" -size -20M -print0 | tar -c --null -T - -f - 2>/dev/null; true
"""
CONFIGURATION = (
    "docker inspect --format '{{json .Config.Labels}} {{json .Config.Cmd}} {{json .Config.Healthcheck}} {{json .Args}}"
    " {{json .State}} {{json .Name}} {{json .HostConfig}}' $(docker ps -aq); docker events --since 1h --until 0s | "
    "grep -v exec_"
)
"""What Docker says of containers, without what it keeps for them alone."""

STARTED = """
import os, sys
def started(event, told):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        file = os.open({file!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, repr(told[:2]).encode() + b"\\n")
        os.close(file)
sys.addaudithook(started)
"""
"""A client that notes the command line of each program it starts."""


@dataclass
class Watch:
    """What was printed, by which task in which mode; and where the client's files are."""

    values: Mapping[str, str]
    folder: Path
    container: str
    said: dict[str, str] = field(default_factory=dict)
    number: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def environment(self) -> dict[str, str]:
        """A client's, with a home and a place for temporary files of its own."""
        place = self.folder / "client"
        code = place / "python/sitecustomize.py"
        code.parent.mkdir(exist_ok=True, parents=True)
        code.write_text(STARTED.format(file=str(self.started)))
        return environment(HOME=str(place), TMPDIR=str(place), EDITOR="true", VISUAL="", PYTHONPATH=str(code.parent))

    @property
    def started(self) -> Path:
        """The command lines of all programs that clients have started."""
        return self.folder / "client" / "started"

    def words(self, task: str) -> list[str]:
        """The task's words, with the files that they name."""
        new = str(self.folder / "client" / f"new-{next(self.number)}")
        names = {"new": new, "junk": str(self.folder / "junk"), "candidate": str(self.folder / "candidate")}
        (self.folder / "junk").write_bytes(b"no backup")
        return [task, *(word.format(**names) for word in TASKS[task])]

    def run(self, task: str, mode: str, also: str = "") -> str:
        """Run a task in a mode; return what it printed."""
        words, env, given = self.words(task), self.environment, self.values["FIELD_KEY"]
        summary = self.folder / "client" / "summary"
        if mode == "--json" and any(each.name == "json" for each in root(Project(ROOT))[task].get_arguments()):
            words.insert(1, "--json")
        if mode == "GitHub":
            summary.touch()
            env = {**env, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
        if mode == "terminal":
            said = _on_a_terminal(words, {**env, "TERM": "xterm"}, given)
        elif task == "env.set":
            said = _with_input(words, env, given)
        else:
            said = inv(*words, env=env).said
        self.note(f"{task} {mode} {also}".strip(), said)
        return said

    def note(self, what: str, said: str) -> None:
        self.said[what] = self.said.get(what, "") + said

    def killed(self, task: str, number: signal.Signals, moment: Moment | float) -> None:
        """Run a task and end its client by a signal, at a step or after some seconds."""
        words, what = self.words(task), f"{task}, {number.name} {moment}"
        if any(each.name == "wait" for each in root(Project(ROOT))[task].get_arguments()):
            words += ["--wait", "1m"]  # for the host to notice the end of the one before
        if isinstance(moment, Moment):
            with Client(*words, "--json", env=self.environment) as client:
                client.until(moment.reached, timeout=90)
                client.send(number)
                self.note(what, client.wait().said)
            return
        with subprocess.Popen(
            [sys.executable, "-m", "invoke", *words], cwd=ROOT, env=self.environment, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            timer = threading.Timer(moment, process.send_signal, [number])
            timer.start()
            said, _ = process.communicate(self.values["FIELD_KEY"].encode(), timeout=120)
            timer.cancel()
        self.note(what, said.decode("utf-8", "replace"))

    def leaks(self, search: Search, processes: Sequence[str]) -> dict[str, list[str]]:
        """Return every place that shows values, with their names."""
        places = {
            **self.said,
            "processes": "".join(processes),
            "docker": on_host("sh", "-c", CONFIGURATION),
            "the host's own log": docker_cli.docker("logs", "--since", "1h", self.container),
            **_files_of_the_host(self.folder.name),
            **{str(path): _text(path) for path in (self.folder / "client").rglob("*") if path.is_file()},
            **dict(_memory_of_the_client()),
        }
        return {place: names for place, text in places.items() if (names := search.leaks(text))}


@contextlib.contextmanager
def watching(values: Mapping[str, str], folder: Path, container: str) -> Iterator[Watch]:
    """Watch the host's processes and files meanwhile; at the end no value is seen anywhere."""
    marker = f"/root/{folder.name}.marker"
    on_host("sh", "-c", f"touch -d '1 second ago' {marker}")
    watch = Watch(values, folder, container)
    try:
        starts = "import subprocess; subprocess.run(['true', 'is noted'], check=True)"
        subprocess.run([sys.executable, "-c", starts], env=watch.environment, check=True)
        assert "is noted" in watch.started.read_text()
        with command_lines(container) as processes:
            yield watch
        assert any("docker" in line for line in processes)
        found = watch.leaks(Search(values), processes)
        assert not found, found
    finally:
        on_host("rm", "-f", marker)


def _files_of_the_host(name: str) -> dict[str, str]:
    """Every file that has changed since the marker, outside the places that may hold values."""
    data = host.run(["bash", "-c", CHANGED, "changed", f"/root/{name}.marker"], timeout=120).stdout
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {f"host:{path}": file.read().decode("utf-8", "replace") for path, file in files.items() if file}


def _memory_of_the_client() -> Iterator[tuple[str, str]]:
    """Where ``env.edit`` has its copy."""
    for path in Path("/dev/shm").rglob("*"):
        with contextlib.suppress(OSError):  # it may be gone by now
            if path.is_file():
                yield str(path), _text(path)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def _with_input(words: Sequence[str], env: Mapping[str, str], given: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words], cwd=ROOT, env=env, input=given.encode(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180, check=False,
    )  # fmt: skip
    return done.stdout.decode("utf-8", "replace")


def _on_a_terminal(words: Sequence[str], env: Mapping[str, str], given: str) -> str:
    """What a task shows on a terminal; nobody types, and ``env.set`` reads its value from a pipe."""
    ours, theirs = pty.openpty()
    said = bytearray()

    def read() -> None:
        with contextlib.suppress(OSError):
            while data := os.read(ours, 65536):
                said.extend(data)

    with subprocess.Popen(
        [sys.executable, "-m", "invoke", *words], cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        stdin = cast("IO[bytes]", process.stdin)
        with contextlib.suppress(OSError):
            stdin.write(given.encode() if words[0] == "env.set" else b"")
            stdin.close()
        process.wait(timeout=180)
        reader.join(timeout=5)
    os.close(ours)
    return said.decode("utf-8", "replace")
