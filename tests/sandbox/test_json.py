"""``--json`` on a real host: all that is on standard output is as the task's schema in docs/ says."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.project.project import Project
from behindy_ops.tasks import root
from sandbox.host import shell as host
from tests import schemas
from tests.sandbox.interruption import FULL
from tests.sandbox.secret_values import TASKS
from tests.sandbox.support import ROOT, SERVICES, environment, inv

pytestmark = pytest.mark.usefixtures("live_services")

WORDS = {
    **{f"deploy.{service}": ("--tag", "v1", "--watch", "0") for service in SERVICES},
    "deploy.releases": ("frontend",),
    "env.push": ("{candidate}", "--yes"),
    "host.adopt": ("frontend",),
    "init": ("--check",),
    "ops.doctor": ("frontend",),
    "ops.logs": ("backend", "--tail", "20"),
    "ops.stats": (),
    "sandbox.info": (),
}
"""Words of a task where they are to be others than where values are looked for."""

ALWAYS = (
    *("db.backup", "deploy.check", "deploy.history", "deploy.releases", "env.diff", "host.adopt", "host.check"),
    *("lock.status", "ops.disk", "ops.doctor", "ops.logs", "ops.mem", "ops.nginx", "ops.ps", "ops.stats"),
)
"""Tasks whose output comes from the host as it is, which no simulation has."""


@pytest.fixture(scope="module")
def candidate(sandbox: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the host's file says, in a file of the client."""
    file = tmp_path_factory.mktemp("json") / "candidate"
    file.write_bytes(host.run(["cat", "/home/ubuntu/behindy-ops/.env"]).stdout)
    return file


def with_json() -> list[str]:
    tree = root(Project(ROOT))
    return [name for name in TASKS if any(each.name == "json" for each in tree[name].get_arguments())]


@pytest.mark.parametrize("task", with_json() if FULL else ALWAYS)
def test_all_that_is_on_standard_output_is_as_the_schema_says(task: str, candidate: Path, tmp_path: Path) -> None:
    names = {"new": str(tmp_path / "new"), "junk": str(tmp_path / "junk"), "candidate": str(candidate)}
    (tmp_path / "junk").write_bytes(b"no backup")
    if task == "db.fetch":
        inv("db.backup", "--keep-on-host").ok()  # there is one to fetch
    words = [word.format(**names) for word in WORDS.get(task, TASKS[task])]
    ran = inv(task, *words, "--json")
    told = schemas.check_output(task, ran.out, ran.code, SERVICES)
    assert told or task == "deploy.recover"
    assert ran.code == 0 or task in {"deploy.check", "db.restore", "env.check", "ops.doctor", "deploy.rollback"}


def test_a_host_that_cannot_be_reached_is_told_as_json() -> None:
    ran = inv("ops.ps", "--json", env={**environment(), "BEHINDY_PORT": "1"})
    (told,) = schemas.check_output("ops.ps", ran.out, ran.code)
    assert (told["error"], told["exit_code"]) == ("host_unreachable", 11)
