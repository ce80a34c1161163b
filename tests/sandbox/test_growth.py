"""The parts of `inv bench --growth` on a host, each as small as can be; its figures are in tests/unit/sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sandbox.bench import ballast
from sandbox.bench.crowd import application_image, ask_while
from sandbox.bench.growth import remote_commands
from tests.sandbox.support import ROOT, deploy, environment, inv, on_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.host.info import SandboxInfo

pytestmark = pytest.mark.usefixtures("live_services")
IMAGES = ("registry.example/growth:1", "registry.example/growth:2")


@pytest.fixture
def crowded(sandbox: SandboxInfo) -> Iterator[None]:
    """Ten of other people's containers, of which one runs, and two of their images."""
    try:
        ballast.containers(range(1, 11), application_image(sandbox))
        ballast.images(IMAGES)
        yield
    finally:
        # What the fixture did not come to make is not there, which must not hide why.
        on_host("sh", "-c", "docker ps -aq --filter name=other-00 | xargs -r docker rm -f")
        on_host("docker", "rmi", *IMAGES, check=False)


@pytest.mark.usefixtures("crowded")
def test_what_others_have_is_there_and_is_counted_by_the_views() -> None:
    seen = {each["name"]: each for each in json.loads(inv("ops.ps", "--json").ok().out)["containers"]}
    others = {name: each["state"] for name, each in seen.items() if name.startswith("other-")}
    assert others == {f"other-{number:04d}": "created" if number < 10 else "running" for number in range(1, 11)}
    assert json.loads(inv("ops.disk", "--json").ok().out)["others"]["count"] >= len(IMAGES)


def test_a_task_says_how_many_remote_commands_it_took() -> None:
    argv = [sys.executable, "-m", "sandbox.bench.counted", "deploy.status"]
    done = subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True, timeout=60)
    assert remote_commands(done.stderr) == 1
    assert "frontend: running" in done.stdout


def replaced(tag: str) -> None:
    deploy("frontend", tag).ok()


def test_many_requests_pass_nginx_in_a_switch(sandbox: SandboxInfo, release: Callable[..., str]) -> None:
    tag = release("frontend", "growth")
    crowd = ask_while(sandbox, 50.0, 1, lambda _: replaced(tag))
    assert (crowd.losses, crowd.skipped) == (0, 0), crowd
    assert crowd.good == crowd.sent > 100
