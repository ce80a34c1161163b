"""Deploy tasks as subprocesses: their events, their end, and what they are given."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.demo.deploys import Run, deploy_argv, gather, run_task, sandbox_environment

if TYPE_CHECKING:
    from pathlib import Path

_EVENTS: list[dict[str, Any]] = [
    {"event": "step_started", "step": "connect", "title": "Connect"},
    {"event": "step_done", "step": "connect", "seconds": 0.4, "detail": ""},
    {"event": "deploy_started", "service": "backend", "tag": "v2", "host": "h", "release": ""},
    {"event": "step_started", "step": "pull", "title": "Pull the image", "at": "1970-01-01T00:01:00.250+00:00"},
    {"event": "step_progress", "step": "pull", "text": "half"},
    {"event": "step_done", "step": "pull", "seconds": 1.5, "detail": "12 MB"},
    {
        "event": "deploy_finished",
        "service": "backend",
        "outcome": "live",
        "seconds": 4.5,
        "facts": {"remote_commands": "11"},
    },
    {"event": "deploy_started", "service": "frontend", "tag": "v2", "host": "h", "release": ""},
    {"event": "step_failed", "step": "rehearse", "seconds": 0.5, "reason": "HTTP 500"},
    {
        "event": "failed",
        "title": "release refused",
        "what": "It fails.",
        "state": "The live one serves.",
        "remedy": "Mend it.",
        "lines": ["log line"],
        "exit_code": 50,
    },
]


def test_events_become_deploys_with_their_steps_and_the_error() -> None:
    deploys, error, evidence = gather(_EVENTS)
    assert [(deploy.service, deploy.outcome, deploy.seconds) for deploy in deploys] == [
        ("backend", "live", 4.5),
        ("frontend", "", 0.0),
    ]
    assert [(step.name, step.title, step.seconds, step.detail) for step in deploys[0].steps] == [
        ("connect", "Connect", 0.4, ""),
        ("pull", "Pull the image", 1.5, "12 MB"),
    ]
    assert [step.began for step in deploys[0].steps] == [0.0, 60.25]
    assert [(step.name, step.failed) for step in deploys[1].steps] == [("rehearse", "HTTP 500")]
    assert deploys[0].facts == {"remote_commands": "11"}
    assert (error, evidence) == ("It fails. The live one serves.", ("log line",))


def test_no_events_are_no_deploys() -> None:
    assert gather([]) == ((), "", ())


def _run(script: str, tmp_path: Path, **changes: Any) -> Run:
    argv = [sys.executable, "-c", script, "deploy.frontend"]
    return run_task(argv, checkout=tmp_path, environ=dict(os.environ), **changes)


def test_a_task_is_run_to_its_end_and_its_events_are_passed_on(tmp_path: Path) -> None:
    script = f"import sys; sys.stdout.write({chr(10).join(map(json.dumps, _EVENTS))!r}); sys.exit(50)"
    seen: list[str] = []
    run = _run(script, tmp_path, on_event=lambda event: seen.append(event["event"]))
    assert run.exit_code == 50
    assert len(run.deploys) == 2
    assert seen == [event["event"] for event in _EVENTS]


def test_a_task_that_fails_without_a_word_shows_what_it_printed(tmp_path: Path) -> None:
    run = _run("print('some trace'); print('[1, 2]'); raise SystemExit(3)", tmp_path)
    assert run.exit_code == 3
    assert "exit code 3" in run.error
    assert run.evidence == ("some trace", "[1, 2]")


_PATIENT = """
import json, pathlib, signal, sys, time
def stop(number, frame):
    pathlib.Path("asked").write_text(str(number))
    sys.exit(0)
signal.signal(signal.SIGINT, stop)
print(json.dumps({"event": "note", "text": "ready"}), flush=True)
time.sleep(30)
"""


def test_an_interrupt_reaches_the_task_once_and_is_passed_on_after_its_end(tmp_path: Path) -> None:
    def interrupt(_: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        _run(_PATIENT, tmp_path, on_event=interrupt)
    assert (tmp_path / "asked").read_text() == str(int(signal.SIGINT))
    assert time.monotonic() - begin < 10


def test_a_terminal_interrupt_while_waiting_ends_the_task_too(tmp_path: Path) -> None:
    ready = threading.Event()

    def press() -> None:
        ready.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    pressed = threading.Thread(target=press)
    pressed.start()
    with pytest.raises(KeyboardInterrupt):
        _run(_PATIENT, tmp_path, on_event=lambda _: ready.set())
    pressed.join()
    assert (tmp_path / "asked").exists()


def test_settings_of_a_real_host_never_reach_the_sandbox_task() -> None:
    environ = {"PATH": "/bin", "BEHINDY_HOST": "behindy.me", "BEHINDY_ENV": "prod", "DOCKERHUB_TOKEN": "t"}
    given = sandbox_environment(environ, BEHINDY_PORT="2222")
    assert given == {"PATH": "/bin", "BEHINDY_ENV": "sandbox", "PYTHONUNBUFFERED": "1", "BEHINDY_PORT": "2222"}


def test_the_command_line_is_the_ordinary_task() -> None:
    assert deploy_argv("frontend", "v2")[1:] == ["-m", "invoke", "deploy.frontend", "--tag", "v2", "--json"]
    assert deploy_argv("frontend", "v2", watch=0)[-2:] == ["--watch", "0"]
