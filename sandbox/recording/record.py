"""`inv record`: a deploy under traffic, a refusal and the doctor, as they are, in the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from sandbox.demo.deploys import deploy_argv, run_task, sandbox_environment
from sandbox.demo.progress import Progress
from sandbox.host import lifecycle, releases
from sandbox.host import shell as host
from sandbox.host.checkout import here
from sandbox.recording import traces
from sandbox.recording.picture import draw
from sandbox.recording.session import Session
from sandbox.traffic.generator import Traffic, demo

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo
    from sandbox.traffic.generator import TrafficResult

__all__ = ["FOLDER", "TITLES", "run_record"]

FOLDER = Path("docs", "recordings")
TITLES = {
    "deploy": "A deploy under traffic",
    "refusal": "A release that needs too much memory is refused",
    "doctor": "The doctor finds a container without its network, and connects it",
}
_SERVICES = ("llmserver", "backend", "frontend")
_REFUSED = 50
_LOST = "llmserver"
"""The container that loses its network for the doctor."""
_MAX_SECONDS, _MAX_REQUESTS = 300.0, 45_000


def run_record() -> None:
    """Bring up the sandbox, record the sessions, and write them to ``docs/recordings/``.

    Raises:
        Kind.SANDBOX: a command did not end as it should, a request was lost, or a recording tells of this machine.
    """
    with Progress() as progress:
        progress.say("Bringing up the sandbox")
        info = lifecycle.up(progress.say)
        lifecycle.reset(progress.say)
        recorder = _Recorder(info)
        progress.say("Building the releases, and deploying v1 of all three services")
        for service in _SERVICES:
            releases.release(service, "v1")
        releases.release("frontend", "v2")
        releases.release("frontend", "v3", "oom")
        recorder.prepare()
        for name, record in (("deploy", recorder.deploy), ("refusal", recorder.refusal), ("doctor", recorder.doctor)):
            progress.say(f"Recording: {TITLES[name]}")
            progress.say(f"Written to {recorder.written(name, record())}")


class _Recorder:
    def __init__(self, info: SandboxInfo) -> None:
        self._info = info
        self._root = here().root
        named = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
        self._own = traces.of_this_machine(self._root, named.stdout.strip(), info.container)
        self._environ = sandbox_environment(os.environ, TERM="xterm-256color", BEHINDY_INV="./inv")

    def prepare(self) -> None:
        """Have v1 of everything live."""
        run = run_task(deploy_argv("all", "v1", watch=0), checkout=self._root, environ=self._environ)
        if run.exit_code:
            raise Kind.SANDBOX(f"The first deploy failed. {run.error}", lines=run.evidence)

    def written(self, name: str, session: Session) -> Path:
        """Write a session as a picture, unless it tells of this machine."""
        picture = draw(TITLES[name], session.frames)
        traces.require_none(picture, self._own)
        path = FOLDER / f"{name}.svg"
        (self._root / FOLDER).mkdir(parents=True, exist_ok=True)
        (self._root / path).write_text(picture, encoding="utf-8")
        return path

    def deploy(self) -> Session:
        session, streams = self._session(), demo()
        rate = sum(stream.rate for stream in streams)
        with Traffic(self._info, streams, max_seconds=_MAX_SECONDS, max_requests=_MAX_REQUESTS) as traffic:
            traffic.wait_until_flowing()
            session.typed(f"# {rate:.0f} requests a second come in meanwhile")
            self._run(session, "deploy.frontend --tag v2")
            result = traffic.stop()
        _told(session, result)
        return session

    def refusal(self) -> Session:
        session = self._session()
        with Traffic(self._info, demo(), max_seconds=_MAX_SECONDS, max_requests=_MAX_REQUESTS) as traffic:
            traffic.wait_until_flowing()
            session.typed("# v3 needs more memory than its limit of 400 MB")
            self._run(session, "deploy.frontend --tag v3", _REFUSED)
            result = traffic.stop()
        session.typed("echo $?")
        session.said(f"{_REFUSED}\n")
        _told(session, result)
        return session

    def doctor(self) -> Session:
        session = self._session()
        host.run(["docker", "network", "disconnect", _network(_LOST), _LOST])
        self._run(session, "ops.doctor --fix --yes")
        return session

    def _session(self) -> Session:
        return Session(traces.cleaning(self._own))

    def _run(self, session: Session, words: str, expected: int = 0) -> None:
        words = f"{words} --env {here().settings_name}"
        session.typed(f"./inv {words}")
        argv = [sys.executable, "-m", "invoke", *words.split()]
        code = session.run(argv, self._environ, str(self._root))
        if code != expected:
            raise Kind.SANDBOX(f"{words} ended with exit code {code}, not {expected}.")


def _told(session: Session, result: TrafficResult) -> None:
    session.typed(f"# {result.sent:,} requests were sent in these {result.seconds:.0f} s, {result.lost} were lost")
    if result.lost or result.ended_by != "stop":
        raise Kind.SANDBOX(f"{result.lost} requests were lost; the traffic was ended by {result.ended_by}.")


def _network(container: str) -> str:
    form = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}"
    return host.run(["docker", "inspect", container, "--format", form]).stdout.decode().strip()
