"""Services of other kinds: workers, with and without a health check of their own, and such as must not overlap."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.ops_support import HOME
from tests.sandbox.support import ROOT, Ran, all_drained, environment, inv, on_host

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

Release = Callable[..., str]

FILE = f"{HOME}/compose/docker-compose.yml"
WORK = "echo begun $SAMPLE_RELEASE >>/diary/log; trap 'echo ended $SAMPLE_RELEASE >>/diary/log; exit' TERM"
IMAGE = "${BEHINDY_IMAGE_PREFIX:-behindy}/behindy-llmserver:latest"


@dataclass(frozen=True)
class Worker:
    """A project whose compose file has one service more, here and on the host."""

    folder: Path

    def declare(self, x_deploy: dict[str, Any], command: str = f"{WORK}; sleep 9999 & wait", **more: Any) -> None:
        stanza = {
            "image": IMAGE,
            "profiles": ["apps"],
            "networks": ["internal"],
            "restart": "always",
            "command": ["sh", "-c", command.replace("$", "$$")],
            "volumes": ["diary:/diary"],
            "user": "root",
            "mem_limit": "60m",
            "memswap_limit": "60m",
            "x-deploy": x_deploy,
            **more,
        }
        text = (ROOT / "compose" / "docker-compose.yml").read_text(encoding="utf-8")
        before, networks, after = text.partition("\nnetworks:\n")
        after = after.replace("\nvolumes:\n", "\nvolumes:\n  diary: {}\n")
        text = f"{before}\n  worker: {json.dumps(stanza)}\n{networks}{after}"
        (self.folder / "compose" / "docker-compose.yml").write_text(text, encoding="utf-8")
        on_host("sh", "-c", f"cat >{FILE} <<'END'\n{text}\nEND")

    def inv(self, *words: str) -> Ran:
        return inv(*words, cwd=self.folder, env={**environment(), "PYTHONPATH": str(ROOT)})

    def deploy(self, tag: str, *words: str) -> Ran:
        ran = self.inv("deploy.worker", "--tag", tag, "--watch", "0", "--json", *words)
        all_drained()
        return ran

    def log(self) -> list[str]:
        told = on_host("sh", "-c", "cat $(docker volume inspect --format {{.Mountpoint}} behindy-ops_diary)/log")
        return told.splitlines()


@pytest.fixture
def worker(sandbox: SandboxInfo, live_services: None, release: Release, tmp_path: Path) -> Iterator[Worker]:
    for tag in ("v1", "v2"):
        release("llmserver", tag)
    folder = tmp_path / "project"
    (folder / "compose").mkdir(parents=True)
    for name in ("nginx", "tasks.py", "compose/.env.example", "compose/java.security", ".env.example"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, folder / name)
    for file in ROOT.glob(".env.*"):
        shutil.copy(file, folder / file.name)
    on_host("cp", "-p", FILE, f"{FILE}.away")
    try:
        yield Worker(folder)
    finally:
        on_host("mv", f"{FILE}.away", FILE)
        on_host("docker", "rm", "-f", "worker", "worker-green", "worker-blue", "worker-run", check=False)
        on_host("sh", "-c", "rm -f /etc/cron.d/behindy-job-worker /usr/local/lib/behindy-ops/job-worker")
        on_host("sh", "-c", f"rm -f {HOME}/state/timers/job-worker.*")
        on_host("docker", "volume", "rm", "behindy-ops_diary", check=False)
        on_host("rm", "-rf", f"{HOME}/state/releases/worker")


def live() -> str:
    """The tag of the worker that runs."""
    return on_host(
        "docker", "inspect", "--format", '{{index .Config.Labels "behindy.tag"}} {{.State.Status}}', "worker"
    )


def test_a_worker_is_replaced_beside_the_one_before_which_may_end_what_it_has_begun(worker: Worker) -> None:
    worker.declare({"stop": 20, "health": {"steady": 2}})
    worker.deploy("v1").ok()
    ran = worker.deploy("v2").ok()
    assert worker.log() == ["begun v1", "begun v2", "ended v1"]
    assert live() == "v2 running"
    steps = [event["step"] for event in ran.named("step_started")]
    assert "steady" in steps
    assert not {"internal", "rehearsal", "external", "outside"} & set(steps)
    worker.inv("deploy.rollback", "worker", "--watch", "0", "--json").ok()
    all_drained()
    assert live() == "v1 running"
    status = json.loads(worker.inv("deploy.status", "--json").ok().out)["services"]
    assert [one["state"] for one in status if one["service"] == "worker"] == ["running"]
    assert "worker" not in [one["service"] for one in json.loads(worker.inv("ops.nginx", "--json").out)["upstreams"]]
    found = json.loads(worker.inv("ops.doctor", "--service", "worker", "--json").out)["findings"]
    assert [one for one in found if one["subject"].startswith("worker")] == []


def test_those_that_must_not_overlap_come_one_after_the_other(worker: Worker) -> None:
    worker.declare({"stop": 20, "health": {"steady": 1}, "overlap": False})
    worker.deploy("v1").ok()
    worker.deploy("v2").ok()
    assert worker.log() == ["begun v1", "ended v1", "begun v2"]
    worker.declare({"stop": 20, "health": {"steady": 1}, "overlap": False}, "exit 3")
    assert worker.deploy("v1").code == 50
    assert worker.log() == ["begun v1", "ended v1", "begun v2", "ended v2", "begun v2"]
    assert live() == "v2 running"


def test_its_own_health_check_decides(worker: Worker) -> None:
    check = {"test": ["CMD", "test", "-e", "/diary/good"], "interval": "1s", "retries": 2}
    worker.declare({"health": {"steady": 1}}, healthcheck=check)
    ran = worker.deploy("v1")
    assert ran.code == 50
    assert "worker-green is not healthy: its own health check fails (Docker says: unhealthy)." in ran.said
    assert worker.log() == ["begun v1", "ended v1"]
    on_host("sh", "-c", "touch $(docker volume inspect --format {{.Mountpoint}} behindy-ops_diary)/good")
    worker.deploy("v1").ok()
    assert live() == "v1 running"


@pytest.fixture
def rooted(worker: Worker) -> Iterator[None]:
    """The login may put timers where they belong, as one that has sudo may."""
    places = "/etc/cron.d /usr/local/lib/behindy-ops"
    shim = "printf '%s\\n' '#!/bin/sh' shift 'exec \"$@\"' >/usr/local/bin/sudo && chmod 755 /usr/local/bin/sudo"
    on_host("sh", "-c", f"mkdir -p {places} && chown ubuntu {places} && {shim}")
    try:
        yield
    finally:
        on_host("sh", "-c", f"rm -f /usr/local/bin/sudo; chown root {places}")


def run_job(check: bool = True) -> str:
    """What the host's timer does."""
    return on_host("/usr/local/lib/behindy-ops/job-worker", user="ubuntu", check=check)


def status_of(worker: Worker) -> dict[str, Any]:
    found = json.loads(worker.inv("deploy.status", "--json").ok().out)["services"]
    return next(one for one in found if one["service"] == "worker")


@pytest.mark.usefixtures("rooted")
def test_a_job_is_run_by_the_host_by_the_release_that_is_scheduled(worker: Worker) -> None:
    secret = "leak-me-not-0123456789"
    command = "echo ran $SAMPLE_RELEASE $TOKEN | tee -a /diary/log; exit $(cat /diary/code 2>/dev/null || echo 0)"
    declared = {"schedule": "0 3 * * *", "timeout": 60, "stop": 1}
    worker.declare(declared, command, environment={"TOKEN": secret})
    worker.deploy("v1").ok()
    assert live() == "v1 created"
    assert "0 3 * * * ubuntu " in on_host("cat", "/etc/cron.d/behindy-job-worker")
    run_job()
    run_job()
    worker.deploy("v2").ok()
    said = run_job()
    assert "ended well after" in said
    assert secret not in said
    assert [line.split()[1] for line in worker.log()] == ["v1", "v1", "v2"]
    status = status_of(worker)
    assert (status["state"], status["schedule"]) == ("scheduled", "0 3 * * *")
    assert "well (" in status["run"]
    assert secret not in json.dumps(status)
    worker.inv("deploy.rollback", "worker", "--json").ok()
    on_host("sh", "-c", "echo 7 >$(docker volume inspect --format {{.Mountpoint}} behindy-ops_diary)/code")
    run_job(check=False)
    assert worker.log()[-1].startswith("ran v1")
    assert "exit code 7" in status_of(worker)["run"]
    found = json.loads(worker.inv("ops.doctor", "--service", "worker", "--json").out)["findings"]
    assert [one["name"] for one in found if one["subject"] == "worker"] == ["job failed"]


@pytest.mark.usefixtures("rooted")
def test_a_run_that_takes_too_long_is_ended(worker: Worker) -> None:
    worker.declare({"schedule": "0 3 * * *", "timeout": 2, "stop": 1}, "sleep 9999")
    worker.deploy("v1").ok()
    assert "ended by force after 2 s" in run_job(check=False)
    assert on_host("docker", "inspect", "--format", "{{.State.Running}}", "worker-run") == "false"
