"""Another project, with a Compose file in its own folder, and a program of its own that uses the Python API."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.host.checkout import here
from tests.sandbox.support import ROOT, environment, inv, live_images

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = """\
import json, sys
from dataclasses import asdict
import behindy_ops

tag = sys.argv[1]
before = behindy_ops.survey()
done = behindy_ops.deploy("frontend", tag, watch=0, wait_drain=True)
again = behindy_ops.deploy("frontend", tag, watch=0)
with behindy_ops.connect() as host:
    after, name = host.survey(), host.run("docker", "container", "inspect", "--format", "{{.Config.Image}}", "frontend")
print(json.dumps([asdict(before), asdict(done), again.outcome, asdict(after), name.strip()]))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with this one's services, whose Compose file is in its own folder."""
    (tmp_path / ".git").mkdir()
    text = (ROOT / "compose" / "docker-compose.yml").read_text()
    text = text.replace("../", "./").replace("./java.security", "./nginx/java.security")
    (tmp_path / "compose.yaml").write_text(text)
    (tmp_path / "tasks.py").write_text('from behindy_ops import namespace\n__all__ = ["namespace"]\n')
    shutil.copytree(ROOT / "nginx", tmp_path / "nginx")
    shutil.copy(ROOT / "compose" / "java.security", tmp_path / "nginx")
    settings = here().environment_file
    shutil.copy(settings, tmp_path / settings.name)
    (tmp_path / "src").mkdir()
    return tmp_path


def program(project: Path, *words: str) -> list[Any]:
    """What such a program prints that is run in a folder of the project."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=project / "src",
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    told: list[Any] = json.loads(done.stdout)
    return told


@pytest.mark.usefixtures("live_at_v1")
def test_a_program_looks_deploys_and_looks_again(release: Callable[..., str], project: Path) -> None:
    release("frontend", "v2")
    before, done, again, after, image = program(project, "v2")
    was, now = before["services"][-1], after["services"][-1]
    assert (was["service"], was["tag"], was["state"], now["tag"], now["state"]) == (
        *("frontend", "v1", "running"),
        *("v2", "running"),
    )
    assert (done["outcome"], again) == ("live", "unchanged")
    assert (now["release"], now["digest"], now["previous"]) == (done["release"], done["digest"], was["release"])
    assert live_images()["frontend"].endswith("behindy-frontend:v2")
    assert done["digest"] in image or image.endswith(":v2")
    assert 0 < after["memory_available"] < after["memory_total"]


@pytest.mark.usefixtures("live_services")
def test_its_compose_file_is_one_that_the_host_can_run(project: Path) -> None:
    ran = inv("host.sync", "--dry-run", cwd=project / "src", env=environment(PYTHONPATH=str(ROOT)))
    said = ran.ok().said
    assert "../nginx:/etc/nginx/behindy:ro" in said
    assert "The files are valid." in said
