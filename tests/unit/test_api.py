"""What a project's own tasks call; the examples of docs/library.md, run on a simulated host."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from invoke import MockContext, Result

import behindy_ops
from behindy_ops import Deployed
from behindy_ops.deploy import queue
from behindy_ops.deploy.goals import Goal
from behindy_ops.errors import Kind, RemoteCommandFailed, SwitchedBack
from behindy_ops.facts.survey import Survey
from behindy_ops.host import session as sessions
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service
from behindy_ops.report.events import DeployFinished, StepDone
from tests.kinds import raises
from tests.simulator import scripts
from tests.simulator import simulation as simulations
from tests.simulator.shop import deployed_once
from tests.simulator.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from behindy_ops.host.command import Command
    from behindy_ops.host.session import Connect
    from behindy_ops.project.project import Project
    from behindy_ops.project.settings import Settings
    from behindy_ops.report.events import Event
    from tests.simulator.world import Body, Process, World

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "library.md"
TWO_LINES, OWN_TASK, SURVEY, DEPLOY, CONNECT = re.findall(
    r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    """A host on which web was deployed once, at v1, and a project whose settings lead to it."""
    simulation = deployed_once(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BEHINDY_ENV", raising=False)

    @contextlib.contextmanager
    def open_session(
        project: Project, settings: Settings, services: list[Service], emit: Callable[[Event], None], _: object
    ) -> Iterator[Session]:
        assert settings.domain == "shop.example"
        assert [service.name for service in services] == ["web"]
        with simulation.connect() as session:
            session.project, session.emit = project, emit
            yield session

    monkeypatch.setattr(sessions, "open_session", open_session)
    return simulation


@pytest.fixture
def uptime(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host knows one program beside our scripts."""

    def body_of(world: World, me: Process, command: Command) -> Body:
        return answer(me) if command.argv[0] == "uptime" else scripts.body_of(world, me, command)

    def answer(me: Process) -> Body:
        me.echo("up 3 days")
        yield None
        return 0

    monkeypatch.setattr(simulations, "body_of", body_of)


def test_a_look_at_the_host_is_plain_data(host: Simulation) -> None:
    seen = behindy_ops.survey()
    assert (seen.host, [service.service for service in seen.services]) == ("simulated", ["web"])
    web = seen.service("web")
    assert (web.tag, web.state, web.previous) == ("v1", "running", "")
    assert 0 < seen.memory_available < seen.memory_total
    assert 0 < seen.disk_free <= seen.disk_size
    with pytest.raises(KeyError):
        seen.service("worker")
    assert replace(seen, stanzas={"site": "web"}).service("site") == web
    assert [command.changes for command in host.connections[-1].sent] == [False]


def test_a_host_whose_docker_does_not_answer_is_an_error(host: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "look", lambda _: Survey(problems={"versions": "Cannot connect to the Docker daemon"}))
    with raises(Kind.HOST_NOT_READY):
        behindy_ops.survey()


def test_a_deploy_says_how_it_ended_and_tells_what_happens(host: Simulation) -> None:
    before = behindy_ops.survey().service("web")
    events: list[Event] = []
    done = behindy_ops.deploy("web", "v2", tell=events.append)
    after = behindy_ops.survey().service("web")
    assert (after.tag, after.release, after.digest, after.previous) == ("v2", done.release, done.digest, before.release)
    assert done == Deployed("web", "v2", "live", done.seconds, done.release, done.digest, before.release)
    assert done.changed
    assert done.digest.startswith("sha256:")
    assert {"switch", "verify"} <= {event.step for event in events if isinstance(event, StepDone)}
    assert sum(isinstance(event, DeployFinished) for event in events) == 1


def test_a_deploy_of_what_is_live_changes_nothing(host: Simulation) -> None:
    live = behindy_ops.survey().service("web")
    done = behindy_ops.deploy("web", "v1")
    assert (done.outcome, done.changed, done.release, done.digest) == ("unchanged", False, live.release, live.digest)


def test_a_deploy_that_fails_is_an_error_that_says_in_what_state_the_host_is(host: Simulation) -> None:
    with pytest.raises(SwitchedBack) as raised:
        behindy_ops.deploy("web", "broken")
    assert raised.value.state
    assert behindy_ops.survey().service("web").tag == "v1"


def test_an_older_commit_changes_nothing(host: Simulation) -> None:
    assert behindy_ops.deploy("web", "v2", commit_time="1767690000").changed
    older = behindy_ops.deploy("web", "v1", commit_time="1767603600", if_newer=True)
    assert (older.outcome, older.changed) == ("older", False)
    assert behindy_ops.survey().service("web").tag == "v2"
    with raises(Kind.USAGE, match="--if-newer needs to know"):
        behindy_ops.deploy("web", "v1", if_newer=True)


def test_its_options_are_those_of_the_task(host: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    def deploy(connect: Connect, services: list[Service], goal: Goal, **options: object) -> None:
        given.extend([[service.name for service in services], goal, options])
        with connect() as session:
            session.emit(DeployFinished("web", "live", 1.0, {}))

    monkeypatch.setattr(queue, "deploy", deploy)
    behindy_ops.deploy("web", "v2", force=True, recreate=True, watch=3.0, wait=9.0, wait_drain=True, now=True)
    behindy_ops.deploy("web", "v3", if_newer=True, commit_time="2026-01-05T18:00:00+09:00")
    newer = Goal(tag="v3", if_newer=True, committed="2026-01-05T09:00:00+00:00")
    assert given[3:5] == [["web"], newer]
    del given[3:]
    goal = Goal(tag="v2", force=True, recreate=True, watch=3.0, wait_drain=True)
    options = given.pop()
    assert isinstance(options, dict)
    assert options.pop("hooks").folder.name == "hooks"
    assert (given, options) == ([["web"], goal], {"wait": 9.0, "now": True})


def test_a_deploy_logs_in_by_its_registrys_command_and_runs_the_hooks(host: Simulation, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.behindy-ops.registries."ghcr.io"]\nuser = "me"\nlogin_command = ["false"]\n'
    )
    with raises(Kind.REGISTRY_REFUSED, match="its login command here, gave none"):
        behindy_ops.deploy("web", tag="v2")
    (tmp_path / "pyproject.toml").unlink()
    hook = tmp_path / "hooks" / "pre-deploy"
    hook.parent.mkdir()
    hook.write_text('#!/bin/sh\necho "$BEHINDY_SERVICE $BEHINDY_TAG" >told\n')
    hook.chmod(0o755)
    behindy_ops.deploy("web", tag="v2")
    assert (tmp_path / "told").read_text() == "web v2\n"


def test_what_cannot_be_deployed_is_refused_before_the_host_is_asked(host: Simulation) -> None:
    before = len(host.connections)
    with raises(Kind.USAGE, match="no service 'worker'"):
        behindy_ops.deploy("worker", "v1")
    with raises(Kind.USAGE):
        behindy_ops.deploy("web", "not a tag")
    assert len(host.connections) == before


def test_another_project_may_be_named(host: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    with raises(Kind.COMPOSE_INVALID, match="BEHINDY_PROJECT"):
        behindy_ops.survey()
    assert behindy_ops.survey(project=tmp_path).service("web").tag == "v1"
    assert behindy_ops.survey(project="..").service("web").tag == "v1"
    monkeypatch.setenv("BEHINDY_PROJECT", "..")
    assert behindy_ops.survey().service("web").tag == "v1"


@pytest.mark.usefixtures("uptime")
def test_a_connection_runs_commands_of_the_projects_own(host: Simulation) -> None:
    with behindy_ops.connect() as connection:
        assert connection.run("uptime", "-p", stdin=b"x", timeout=5) == "up 3 days\n"
    (sent,) = host.connections[-1].sent
    assert (sent.argv, sent.stdin, sent.timeout, sent.changes) == (("uptime", "-p"), b"x", 5, False)


def test_a_command_that_fails_is_an_error(host: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    def body_of(*_: object) -> Body:
        yield None
        return 3

    monkeypatch.setattr(simulations, "body_of", body_of)
    with behindy_ops.connect() as connection, pytest.raises(RemoteCommandFailed, match="exit code 3"):
        connection.run("false", "x")


def test_the_package_is_light_until_it_is_asked_for_something() -> None:
    script = (
        "import sys, behindy_ops; behindy_ops.__version__; print(*sys.modules)\n"
        "import behindy_ops.deploy.queue; from behindy_ops import *\n"
        "print(callable(deploy), behindy_ops.deploy is deploy)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=GUIDE.parents[1], capture_output=True, text=True, check=True
    )
    modules, function = said.stdout.splitlines()
    assert {name for name in modules.split() if name.startswith(("behindy_ops", "invoke", "paramiko"))} == {
        "behindy_ops"
    }
    assert function == "True True"
    with pytest.raises(AttributeError, match="no attribute 'redeploy'"):
        getattr(behindy_ops, "redeploy")  # noqa: B009 - at run time


def test_the_two_lines_are_two_and_have_the_tasks(host: Simulation) -> None:
    assert len([line for line in TWO_LINES.splitlines() if line]) == 2
    assert "deploy.web" in listed(TWO_LINES)


def test_a_task_of_the_projects_own_stands_beside_ours(host: Simulation, capsys: pytest.CaptureFixture[str]) -> None:
    assert {"deploy.web", "ops.ps", "release"} <= listed(OWN_TASK)
    names: dict[str, object] = {}
    exec(OWN_TASK, names)  # noqa: S102 - the guide's
    names["release"](MockContext(run=Result()), "v2")  # type: ignore[operator]
    assert re.match(r"web v2: live after \d+ s, release \d{8}-\d{6}-\w+$", capsys.readouterr().out)


def listed(tasks: str) -> set[str]:
    """The tasks that plain Invoke offers with such a file in the working directory."""
    Path("tasks.py").write_text(tasks)
    said = subprocess.run(
        [sys.executable, "-m", "invoke", "--list", "--list-format=json"],
        env={"PYTHONPATH": str(GUIDE.parents[1]), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    tree = json.loads(said.stdout)
    groups = {f"{group['name']}.{task['name']}" for group in tree["collections"] for task in group["tasks"]}
    return groups | {task["name"] for task in tree["tasks"]}


def test_the_example_of_a_look_runs(host: Simulation, capsys: pytest.CaptureFixture[str]) -> None:
    exec(SURVEY, {})  # noqa: S102 - the guide's
    first, last = capsys.readouterr().out.splitlines()
    assert first == "web: running, v1, could go back to nothing"
    assert re.fullmatch(r"\d+ MB of memory available, \d+ GB of disk free", last)


@pytest.mark.parametrize(
    ("tag", "ending"), [("v2", "live: "), ("v1", "was live already: "), ("broken", "v2 is broken, and what was live")]
)
def test_the_example_of_a_deploy_runs(
    host: Simulation, tag: str, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(DEPLOY.replace('"v2"', f'"{tag}"'), {})  # noqa: S102 - the guide's
    *steps, last = capsys.readouterr().out.splitlines()
    assert all(re.fullmatch(r"  [a-z ]+: \d+\.\d s", line) for line in steps)
    assert steps
    assert last.startswith(ending)


@pytest.mark.usefixtures("uptime")
def test_the_example_of_a_connection_runs(host: Simulation, capsys: pytest.CaptureFixture[str]) -> None:
    exec(CONNECT, {})  # noqa: S102 - the guide's
    assert capsys.readouterr().out == "v1 up 3 days\n"
