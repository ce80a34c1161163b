"""A host whose programs are fakes: bash runs a script as it is sent, and what it calls answers from a table.

A call that nobody has prepared is refused, and fails the test.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.facts.replies import Reply, read, short
from behindy_ops.host.command import SHELL, Command, script_text, wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["INSIDE", "MARK", "NO_API", "Answer", "FakeHost", "Ran", "locked"]

MARK = "@@1"

PROGRAMS = (
    "docker", "curl", "nginx", "psql", "pg_dump", "pg_restore", "openssl", "sudo", "apt-get", "apt-config", "dnf",
    "systemctl", "service", "timedatectl", "journalctl", "dmesg", "dpkg", "usermod", "mkswap", "swapon", "getent",
    "unattended-upgrade", "systemd-detect-virt", "iptables", "ip6tables",
)  # fmt: skip
"""Those that a test must never really call."""


@dataclass(frozen=True)
class Answer:
    """What a program does.

    Attributes:
        run: shell text it runs instead; its arguments are ``$@``.
    """

    out: str = ""
    err: str = ""
    code: int = 0
    run: str = ""


NO_API = Answer(code=7)
"""The engine's own API, where its socket cannot be used."""

INSIDE = Answer(run='while [ "$1" != sh ]; do shift; done; exec "$@"')
"""``docker exec`` that runs its ``sh -c`` here, with the fakes."""


@dataclass(frozen=True)
class Ran:
    """How a script ended.

    Attributes:
        calls: what it called, in order.
    """

    code: int
    out: str
    err: str
    calls: list[str]

    @property
    def values(self) -> dict[str, str]:
        return self.reply_short.values()

    @property
    def reply_short(self) -> Reply:
        return short(self.out)

    @property
    def reply(self) -> Reply:
        return read(self.out, MARK)


class FakeHost:
    """One host below a directory; ``/etc`` and the like are there, and ``home`` is the host directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.moved: dict[str, str] = {}
        # The engine's own API tells nothing, unless a test says so: then docker is asked.
        asked = (
            "version",
            "info",
            "containers/json?*",
            "images/json?*",
            "networks/*",
            "containers/*/json",
            "containers/*/logs?*",
        )
        silent = [(f"*-sS -m 20 --unix-socket /var/run/docker.sock *http://docker/{path}", [NO_API]) for path in asked]
        self._answers: dict[str, list[tuple[str, list[Answer]]]] = {"curl": silent}
        for name in ("bin", "home", "etc", "shm"):
            (root / name).mkdir()

    def file(self, name: str, text: str = "") -> Path:
        """Put a file below the root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def on(self, program: str, pattern: str, *answers: Answer | str) -> None:
        """Prepare answers to calls whose arguments match a pattern of the shell; the last one is given again."""
        given = [Answer(answer) if isinstance(answer, str) else answer for answer in answers or ("",)]
        self._answers.setdefault(program, []).insert(0, (pattern, given))

    def new_worker(self) -> str:
        """Return what a reload of nginx does, as :attr:`Answer.run`; workers are seen below the root from now on."""
        self.moved["/proc/[0-9]*"] = f"{self.root}/proc/[0-9]*"
        self.file("proc/7/cmdline", "nginx: worker process is shutting down")
        self.file("proc/8/cmdline", "nginx: worker process")
        return 'mkdir -p "$root/proc/9"; printf "nginx: worker process" >"$root/proc/9/cmdline"; exit 0'

    def run(self, name: str, *arguments: str, stdin: str = "", engine: str = "") -> Ran:
        """Run a script as it is sent to a host with this engine.

        Raises:
            AssertionError: it called something that nobody has prepared.
        """
        argv, env = self._prepared(name, arguments, engine)
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, check=False, timeout=15, cwd=self.root, env=env
        )
        calls, refused = (self._lines(name) for name in ("calls", "refused"))
        assert not refused, f"nobody has prepared: {refused}\n{done.stderr}"
        return Ran(done.returncode, done.stdout, done.stderr, calls)

    def cut_off(self, name: str, *arguments: str, after: str) -> None:
        """Run a script, listen until a line has some words, and wait until it ends though nobody listens any more."""
        argv, env = self._prepared(name, arguments)
        pipe, none = subprocess.PIPE, subprocess.DEVNULL
        with subprocess.Popen(argv, stdin=none, stdout=pipe, stderr=none, text=True, cwd=self.root, env=env) as running:
            assert running.stdout is not None
            assert any(after in line for line in running.stdout), f"it never said {after}"
            running.stdout.close()
            running.wait(15)

    def _prepared(self, name: str, arguments: tuple[str, ...], engine: str = "") -> tuple[list[str], dict[str, str]]:
        for program in {*PROGRAMS, *self._answers}:
            self._write(program)
        argv = (*SHELL, script_text(name, engine), name, *arguments)
        text = argv[2].replace("/etc/", f"{self.root}/etc/").replace("/dev/shm", f"{self.root}/shm")
        text = text.replace("/var/tmp/", f"{self.root}/").replace("{lib,libexec}/docker", "no-plugins")
        for real, moved in self.moved.items():
            text = text.replace(real, moved)
        env = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "HOME": str(self.root), "FAKE": str(self.root)}
        return ["sh", "-c", wire(Command((*argv[:2], text, *argv[3:]), name, timeout=10))], env

    def _lines(self, name: str) -> list[str]:
        path = self.root / name
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def _write(self, program: str) -> None:
        lines = ["#!/bin/bash", f"root={shlex.quote(str(self.root))}"]
        lines += [f'words="{program} $*"', 'printf "%s\\n" "${words//$\'\\n\'/;}" >>"$root/calls"', 'case "$*" in']
        for number, (pattern, answers) in enumerate(self._answers.get(program, ())):
            lines.append(f"{_glob(pattern)})")
            counter = f'"$root/{program}.{number}"'
            if len(answers) > 1:
                lines.append(f"turn=$(cat {counter} 2>/dev/null || echo 0); echo $((turn + 1)) >{counter}")
            for turn, answer in enumerate(answers[:-1]):
                lines.append(f'if [ "$turn" = {turn} ]; then {_act(answer)}; fi')
            lines.append(f"{_act(answers[-1])};;")
        lines += ["esac", 'printf "%s\\n" "${words//$\'\\n\'/;}" >>"$root/refused"', "exit 99"]
        path = self.root / "bin" / program
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o755)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock that a script wants."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _glob(pattern: str) -> str:
    return "*".join(shlex.quote(part) if part else "" for part in pattern.split("*"))


def _act(answer: Answer) -> str:
    if answer.run:
        return f"{answer.run}\nexit"
    said = [f"printf %s {shlex.quote(answer.out)}"] if answer.out else []
    said += [f"printf %s {shlex.quote(answer.err)} >&2"] if answer.err else []
    return "; ".join([*said, f"exit {answer.code}"])
