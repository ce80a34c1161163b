"""What runs once in a release, before its candidate starts and once it is live; hooks; and ``ops.run``."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.ops_support import HOME
from tests.sandbox.support import (
    ROOT,
    SERVICES,
    Ran,
    all_drained,
    containers,
    environment,
    inv,
    inv_anew,
    live_release,
    on_host,
    wait_for,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

Release = Callable[..., str]

TASKS = "from behindy_ops.tasks import root\n\nnamespace = root()\n"
SHOWS = "echo migrating; echo $$NEXT_PUBLIC_API_URL; hostname; cat /proc/1/environ | tr '\\0' ' '"
ENDLESS = "echo began; sleep 600"


@dataclass(frozen=True)
class OwnProject:
    """A project of its own, whose compose file declares the sandbox's services."""

    root: Path

    def env(self) -> dict[str, str]:
        return {**environment(), "PYTHONPATH": str(ROOT)}

    def declare(self, **keys: Any) -> None:
        """Give frontend's x-deploy these keys beside its own."""
        text = (ROOT / "compose" / "docker-compose.yml").read_text()
        lines = "".join(f"      {key}: {json.dumps(value)}\n" for key, value in keys.items())
        own, found = re.subn(r"(\n  frontend:\n.*?    x-deploy:\n)", rf"\1{_escaped(lines)}", text, flags=re.DOTALL)
        assert found == 1
        (self.root / "compose" / "docker-compose.yml").write_text(own)

    def hook(self, name: str, text: str) -> None:
        file = self.root / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def deploy(self, tag: str, *words: str) -> Ran:
        ran = inv_anew(*self.words(tag), *words, cwd=self.root, env=self.env())
        all_drained()
        return ran

    def words(self, tag: str) -> tuple[str, ...]:
        return ("deploy.frontend", "--tag", tag, "--watch", "0", "--json")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


@pytest.fixture
def project(tmp_path: Path, live_services: None) -> OwnProject:
    for name in ("compose", "nginx"):
        shutil.copytree(ROOT / name, tmp_path / name)
    settings = f".env.{environment()['BEHINDY_ENV']}"
    shutil.copy(ROOT / settings, tmp_path / settings)
    (tmp_path / "tasks.py").write_text(TASKS)
    return OwnProject(tmp_path)


@pytest.fixture
def other(release: Release, live_services: None) -> str:
    """A good release of frontend that is not live."""
    return release("frontend", "v2" if live_release("frontend") == "v1" else "v1")


def history() -> list[dict[str, Any]]:
    return [json.loads(line) for line in on_host("tail", "-n", "5", f"{HOME}/state/history.jsonl").splitlines()]


def ended() -> dict[str, Any]:
    return next(entry for entry in reversed(history()) if entry["event"] == "ended")


def live_id() -> str:
    return on_host("docker", "inspect", "--format", "{{.Id}}", "frontend")


def test_with_a_downtime_it_runs_while_the_old_release_still_serves(project: OwnProject, other: str) -> None:
    live = live_id()
    project.declare(before=["sh", "-c", "sleep 1; exit 3"])
    ran = project.deploy(other, "--strategy", "recreate")
    assert (ran.code, live_id()) == (50, live)
    assert "The live release was never touched" in ran.named("failed")[0]["state"]
    project.declare(before=["sh", "-c", "sleep 1"])
    ran = project.deploy(other, "--strategy", "recreate").ok()
    begun = [event["step"] for event in ran.named("step_started")]
    assert begun.index("before") < begun.index("stop") < begun.index("start")
    assert live_release("frontend") == other


def test_before_runs_in_the_new_image_with_the_releases_environment_under_traffic(
    sandbox: SandboxInfo, project: OwnProject, other: str
) -> None:
    secret = on_host("docker", "exec", "frontend", "printenv", "NEXT_PUBLIC_API_URL")
    project.declare(before=["sh", "-c", f"{SHOWS}; sleep 1"])
    with Traffic(sandbox, for_service("frontend"), max_seconds=170) as traffic:
        traffic.wait_until_flowing()
        ran = project.deploy(other).ok()
        result = traffic.stop()
    assert result.lost == 0, result.losses
    (logs,) = [event for event in ran.named("logs") if "frontend-before" in event["title"]]
    assert logs["lines"][:2] == ["migrating", "<NEXT_PUBLIC_API_URL>"]
    assert f"RELEASE_TAG={other}" in logs["lines"][-1] or other in logs["lines"][-1]  # the image's own, so no secret
    assert len(secret) > 4
    assert secret not in ran.said
    steps = [event["step"] for event in ran.named("step_done")]
    assert steps[steps.index("pull") :][:4] == ["pull", "before", "before", "start"]
    assert ran.facts["before"].startswith("exit code 0")
    assert ended()["seconds"]["before"] > 1
    assert (live_release("frontend"), containers()) == (other, dict.fromkeys(SERVICES, "running"))
    inv_anew("deploy.rollback", "frontend", "--watch", "0", "--json", cwd=project.root, env=project.env()).ok()
    assert "before" not in ended()["seconds"]


def test_a_before_that_fails_refuses_the_release_and_the_live_one_serves(
    sandbox: SandboxInfo, project: OwnProject, other: str
) -> None:
    before, secret = live_id(), on_host("docker", "exec", "frontend", "printenv", "NEXT_PUBLIC_API_URL")
    project.declare(before=["sh", "-c", f"{SHOWS}; exit 3"])
    with Traffic(sandbox, for_service("frontend"), max_seconds=170) as traffic:
        traffic.wait_until_flowing()
        ran = project.deploy(other)
        result = traffic.stop()
    assert (ran.code, result.lost) == (50, 0), ran.said
    (failed,) = ran.named("failed")
    assert failed["what"] == "x-deploy.before of frontend failed: exit code 3."
    assert failed["state"].startswith("The live release was never touched and is still running.")
    assert failed["lines"][:2] == ["migrating", "<NEXT_PUBLIC_API_URL>"]
    assert secret not in ran.said
    assert (ended()["outcome"], live_id()) == ("refused", before)
    assert containers() == dict.fromkeys(SERVICES, "running")


def test_one_that_takes_longer_than_its_time_is_stopped_by_the_host(project: OwnProject, other: str) -> None:
    project.declare(before={"command": ["sh", "-c", ENDLESS], "seconds": 2})
    ran = project.deploy(other)
    assert ran.code == 50, ran.said
    assert ran.named("failed")[0]["what"].endswith("it took longer than its 2 s and was stopped.")
    assert containers() == dict.fromkeys(SERVICES, "running")
    project.declare(before=["no-such-program"])
    ran = project.deploy(other)
    assert ran.code == 50, ran.said
    assert containers() == dict.fromkeys(SERVICES, "running")


def test_a_client_that_is_killed_meanwhile_is_healed_by_a_plain_deploy(
    sandbox: SandboxInfo, project: OwnProject, other: str
) -> None:
    project.declare(before=["sh", "-c", ENDLESS])
    argv = [sys.executable, "-m", "invoke", *project.words(other)]
    client = subprocess.Popen(
        argv, cwd=project.root, env=project.env(), stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(lambda: containers().get("frontend-before") == "running", 60, "that it runs")
    finally:
        os.killpg(client.pid, signal.SIGKILL)
        client.wait()
    left = on_host("docker", "inspect", "--format", "{{.Id}}", "frontend-before")
    status = json.loads(inv("deploy.status", "--json").ok().out)
    assert "its x-deploy.before is stopped" in next(
        each["leftover"] for each in status["services"] if each["service"] == "frontend"
    )
    project.declare(before=["sh", "-c", "echo second"])
    with Traffic(sandbox, for_service("frontend"), max_seconds=170) as traffic:
        traffic.wait_until_flowing()
        ran = project.deploy(other, "--wait", "2m").ok()
        result = traffic.stop()
    assert result.lost == 0, result.losses
    assert "an earlier run stopped before the switch" in ran.out
    assert left not in on_host("docker", "ps", "-aq", "--no-trunc")
    assert (live_release("frontend"), containers()) == (other, dict.fromkeys(SERVICES, "running"))


def test_after_runs_once_the_release_is_live_and_its_failure_leaves_it_live(project: OwnProject, other: str) -> None:
    project.declare(after=["sh", "-c", "echo warming; exit 4"])
    project.hook("post-deploy", "echo $BEHINDY_SERVICE $BEHINDY_TAG $BEHINDY_RELEASE $BEHINDY_HOST >told")
    ran = project.deploy(other)
    assert ran.code == 53, ran.said
    (failed,) = ran.named("failed")
    assert failed["what"] == "x-deploy.after of frontend failed: exit code 4."
    assert (ended()["outcome"], ended()["reason"]) == ("live", failed["what"])
    assert ran.facts["after"] == "exit code 4"
    assert (live_release("frontend"), containers()) == (other, dict.fromkeys(SERVICES, "running"))
    release = on_host("docker", "inspect", "--format", '{{index .Config.Labels "behindy.release"}}', "frontend")
    assert (project.root / "told").read_text().split()[:3] == ["frontend", other, release]
    project.declare(after=["sh", "-c", "echo warming"])
    ran = project.deploy(other, "--force").ok()
    assert ran.facts["after"].startswith("exit code 0")
    assert "reason" not in ended()


def test_a_pre_deploy_that_fails_touches_nothing(project: OwnProject, other: str) -> None:
    project.hook("pre-deploy", "echo not on fridays; exit 1")
    before = (live_id(), history())
    ran = project.deploy(other)
    assert ran.code == 50, ran.said
    assert ran.named("failed")[0]["lines"] == ["not on fridays"]
    assert not [event for event in ran.named("step_started") if event["step"] == "connect"]
    assert (live_id(), history()) == before


@pytest.mark.usefixtures("live_services")
def test_a_one_off_runs_in_a_container_of_the_live_release_and_hands_its_exit_code_on() -> None:
    own = on_host("docker", "exec", "frontend", "hostname")
    address = on_host("docker", "exec", "frontend", "printenv", "NEXT_PUBLIC_API_URL")
    ran = inv("ops.run", "frontend", "--", "sh", "-c", "hostname; printenv NEXT_PUBLIC_API_URL; echo oh >&2; exit 7")
    assert (ran.code, ran.out.splitlines()[1:], ran.err.strip()) == (7, [address], "oh"), ran.said
    assert ran.out.splitlines()[0] != own
    assert not ones()
    assert inv("ops.run", "frontend", "--", "no-such-program").code == 127
    assert not ones()


@pytest.mark.usefixtures("live_services")
def test_a_one_off_goes_with_its_client() -> None:
    argv = [sys.executable, "-m", "invoke", "ops.run", "frontend", "--", "sleep", "600"]
    client = subprocess.Popen(argv, cwd=ROOT, env=environment(), start_new_session=True)
    try:
        wait_for(lambda: bool(ones()), 60, "that it runs")
    finally:
        os.killpg(client.pid, signal.SIGKILL)
        client.wait()
    wait_for(lambda: not ones(), 30, "that it is removed")


def ones() -> str:
    return on_host("docker", "ps", "-aq", "--filter", "label=behindy.once")
