"""Ordinary deploy tasks, run as anybody runs them, with their JSON events read as they come."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sandbox.host.checkout import HOST_VARIABLE, here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Deploy", "Run", "Step", "deploy_argv", "gather", "run_task", "sandbox_environment"]

_INTERRUPT_SECONDS = 60.0
_TERMINATE_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_STDERR_LINES = 15


@dataclass(frozen=True)
class Step:
    """One step of a deploy and the seconds it took; ``failed`` is why, or empty.

    ``began`` is in seconds since the epoch, by the clock of the task that told of it; 0 if it did not tell.
    """

    name: str
    title: str
    seconds: float
    detail: str = ""
    failed: str = ""
    began: float = 0.0


@dataclass(frozen=True)
class Deploy:
    """One deploy of one service. ``outcome`` is empty when it did not finish."""

    service: str
    tag: str
    outcome: str = ""
    seconds: float = 0.0
    steps: tuple[Step, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One task that has ended: ``seconds`` from its start to its exit, ``error`` in its own words, or empty."""

    deploys: tuple[Deploy, ...]
    exit_code: int
    seconds: float
    error: str = ""
    evidence: tuple[str, ...] = ()


def deploy_argv(service: str, tag: str, *, watch: float | None = None) -> list[str]:
    """The command line of ``deploy.<service>`` with this interpreter; ``watch`` in seconds, None for the default."""
    argv = [sys.executable, "-m", "invoke", f"deploy.{service}", "--tag", tag, "--json"]
    return argv if watch is None else [*argv, "--watch", f"{watch:g}"]


def sandbox_environment(environ: Mapping[str, str], **changes: str) -> dict[str, str]:
    """``environ`` for a task on the sandbox's host that it names, by default the usual one.

    Settings of a real host that happen to be exported would win over the sandbox's file, so they are left out; and the
    task is no step of a job of its own, even if we are in one.
    """
    kept = {
        name: value for name, value in environ.items() if not name.startswith(("BEHINDY_", "DOCKERHUB_", "GITHUB_"))
    }
    checkout = here(environ)
    named = {HOST_VARIABLE: checkout.host} if checkout.host else {}
    return {**kept, **named, "BEHINDY_ENV": checkout.settings_name, "PYTHONUNBUFFERED": "1", **changes}


def run_task(
    argv: Sequence[str],
    *,
    checkout: Path,
    environ: Mapping[str, str],
    on_event: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Run:
    """Run a deploy task to its end and return what it reported.

    An exception in here, such as an interrupt, is passed on only once the task has ended too: it is asked by SIGINT,
    then by SIGTERM, then killed. ``on_event`` is called with each event as it comes.
    """
    begin = time.monotonic()
    # A session of its own: Ctrl-C in a terminal reaches us alone, and the task hears of it once; twice is "at once".
    process = subprocess.Popen(
        argv,
        cwd=checkout,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    events: list[dict[str, Any]] = []
    others: list[str] = []
    with process:
        try:
            for line in _lines(process):
                event = _event(line)
                if event is None:
                    others.append(line.decode(errors="replace").rstrip())
                else:
                    events.append(event)
                    on_event(event)
            exit_code = process.wait()
        except BaseException:
            _end(process)
            raise
    deploys, error, evidence = gather(events)
    if exit_code and not error:
        error, evidence = f"{argv[2]} {argv[3]} ended with exit code {exit_code}.", tuple(others[-_STDERR_LINES:])
    return Run(deploys, exit_code, time.monotonic() - begin, error, evidence)


def _lines(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What the process prints, without newlines, until it closes its output.

    Not by a blocking read: a signal that comes just before one would be heard only when it returns.
    """
    assert process.stdout is not None  # noqa: S101 - for the type checker: it was asked for
    rest = b""
    while True:
        if not select.select([process.stdout], [], [], _LOOK_SECONDS)[0]:
            continue
        part = os.read(process.stdout.fileno(), 1 << 16)
        if not part:
            break
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _event(line: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        value = json.loads(line)
        if isinstance(value, dict) and "event" in value:
            return value
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, seconds in ((signal.SIGINT, _INTERRUPT_SECONDS), (signal.SIGTERM, _TERMINATE_SECONDS)):
        with contextlib.suppress(OSError):
            os.kill(process.pid, number)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            continue
        except BaseException:
            process.kill()
            raise
        return
    process.kill()


def gather(events: Iterable[Mapping[str, Any]]) -> tuple[tuple[Deploy, ...], str, tuple[str, ...]]:
    """The deploys that ``events`` tell of, the error they ended with (or empty), and the evidence for it.

    Steps before the first ``deploy_started`` (connect, survey) belong to the first deploy.
    """
    deploys: list[dict[str, Any]] = []
    steps: list[Step] = []
    titles: dict[str, str] = {}
    begins: dict[str, float] = {}
    error, evidence = "", ()
    for event in events:
        match event["event"]:
            case "step_started":
                titles[event["step"]] = event["title"]
                begins[event["step"]] = _moment(event)
            case "step_done" | "step_failed":
                name = event["step"]
                details = {"detail": event.get("detail", ""), "failed": event.get("reason", "")}
                began = begins.get(name, 0.0)
                steps.append(Step(name, titles.get(name, name), event["seconds"], **details, began=began))
            case "deploy_started":
                steps = steps if not deploys else []
                deploys.append({"service": event["service"], "tag": event["tag"], "steps": steps})
            case "deploy_finished" if deploys:
                deploys[-1] |= {key: event[key] for key in ("outcome", "seconds", "facts")}
            case "failed":
                error = " ".join(filter(None, (event["what"], event["state"])))
                evidence = tuple(event["lines"])
    return tuple(Deploy(**{**deploy, "steps": tuple(deploy["steps"])}) for deploy in deploys), error, evidence


def _moment(event: Mapping[str, Any]) -> float:
    """When it was told, in seconds since the epoch; 0 if it does not say."""
    return datetime.fromisoformat(event["at"]).timestamp() if "at" in event else 0.0
