"""On one host a service reads a value from a file as it does in a swarm, by the same compose file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.host.checkout import here
from sandbox.host.project import copy_project
from tests.leaks import leaks
from tests.sandbox.support import ROOT, all_drained, deploy, environment, inv, live_release, on_host
from tests.sandbox.values import FILE, NAME, reads_from_file, value_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_it_is_there_before_the_program_starts_and_no_description_holds_it(
    live_services: None, release: Callable[..., str], tmp_path: Path
) -> None:
    before, value = live_release("frontend"), value_of(NAME)
    folder = tmp_path / "project"
    copy_project(ROOT, folder, here().environment_file)
    reads_from_file(folder / "compose" / "docker-compose.yml")
    env = {**environment(), "PYTHONPATH": str(ROOT)}
    tag = release("frontend", "as-file").rpartition(":")[2]
    try:
        inv("host.sync", "--yes", cwd=folder, env=env).ok()
        ran = inv("deploy.frontend", "--tag", tag, "--watch", "0", "--json", cwd=folder, env=env).ok()
        assert on_host("docker", "exec", "frontend", "cat", FILE) == value
        assert on_host("docker", "exec", "frontend", "stat", "-c", "%a %u", FILE) == "444 0"
        assert leaks(ran.said + on_host("docker", "inspect", "frontend"), {NAME: value}) == []
    finally:
        inv("host.sync", "--yes").ok()
        all_drained()
        deploy("frontend", before, "--force").ok()
