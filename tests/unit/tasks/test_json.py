"""``--json``: standard output is JSON in every end of every task that has it, and as its schema in docs/ says."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from behindy_ops.errors import Interrupted, Kind
from behindy_ops.host import session as sessions
from behindy_ops.project.compose import deployable_names
from behindy_ops.project.services import Service
from behindy_ops.report import events
from behindy_ops.tasks import program, root
from behindy_ops.tasks.ask import ask, line
from behindy_ops.tasks.guard import wants_json
from behindy_ops.views import view
from sandbox.tasks import add_to
from sandbox.tasks.quality import CHECKOUT
from tests import schemas
from tests.receiver import Receiver
from tests.sandbox.secret_values import TASKS
from tests.simulator.shop import COMPOSE, deployed_once
from tests.simulator.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from behindy_ops.host.session import Session
    from behindy_ops.project.project import Project
    from behindy_ops.project.settings import Settings
    from behindy_ops.report.events import Event

SERVICES = tuple(deployable_names(CHECKOUT / "compose" / "docker-compose.yml"))
TREE = add_to(root())
WITH_JSON = sorted(
    name for name in TREE.task_names if any(argument.name == "json" for argument in TREE[name].get_arguments())
)
OF_A_HOST = [name for name in WITH_JSON if name not in {"init", "sandbox.info"}]


def words_of(task: str, folder: Path) -> list[str]:
    """What is typed for a task, with files that there are."""
    for name in ("junk", "candidate"):
        (folder / name).write_text("LOG_LEVEL=info\n")
    named = {"new": str(folder / "new"), "junk": str(folder / "junk"), "candidate": str(folder / "candidate")}
    words = ("frontend",) if task == "deploy.releases" else TASKS.get(task, ())
    return [task, *(word.format(**named) for word in words), "--json"]


def run(*words: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command line in this process, as the program does, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["inv", *words])
    try:
        program.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


@pytest.fixture
def unreached(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """A host of which nothing but how opening a session on it fails is known."""
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setenv("BEHINDY_HOST", "nowhere.example")
    monkeypatch.setenv("BEHINDY_DOMAIN", "behindy.example")
    monkeypatch.delenv("BEHINDY_ENV", raising=False)

    def fail(error: BaseException) -> None:
        def open_session(*_: object, **__: object) -> NoReturn:
            raise error

        monkeypatch.setattr(sessions, "open_session", open_session)

    return fail


SILENT = Kind.HOST_UNREACHABLE("No answer.", state="Nothing changed.", remedy="Is it on?")
OF_EACH_KIND = ("deploy.frontend", "ops.ps", "ops.logs", "ops.stats", "env.push", "db.backup", "host.check")


@pytest.mark.parametrize(
    ("task", "error", "name", "code"),
    [
        *((task, SILENT, "host_unreachable", 11) for task in OF_A_HOST),
        *((task, KeyError("x"), "unexpected", 1) for task in OF_A_HOST),
        *((task, KeyboardInterrupt(), "interrupted", 130) for task in OF_EACH_KIND),
        *((task, Kind.LOCK_HELD("Somebody is at it."), "lock_held", 20) for task in OF_EACH_KIND),
        *((task, Interrupted("Stopped.", signal_number=15), "interrupted", 143) for task in OF_EACH_KIND),
    ],
)
def test_an_end_before_anything_was_done_is_one_object(
    task: str,
    error: BaseException,
    name: str,
    code: int,
    unreached: Callable[[BaseException], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unreached(error)
    ended = run(*words_of(task, tmp_path), monkeypatch=monkeypatch)
    said = capsys.readouterr()
    told = schemas.check_output(task, said.out, ended, SERVICES)
    assert (ended, told[-1]["error"]) == (code, name)
    assert len(told) == 1
    assert said.err or task == "ops.logs"  # which a person has ended, and sees it


@pytest.mark.parametrize("task", OF_A_HOST)
def test_settings_that_lack_the_host_are_one_object(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setenv("BEHINDY_HOST", "")
    ended = run(*words_of(task, tmp_path), monkeypatch=monkeypatch)
    (told,) = schemas.check_output(task, capsys.readouterr().out, ended, SERVICES)
    assert (ended, told["error"], told["title"]) == (10, "settings", "settings")


@pytest.mark.parametrize("task", WITH_JSON)
def test_a_wrong_option_is_one_object(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CHECKOUT)
    ended = run(*words_of(task, tmp_path), "--nonesuch", monkeypatch=monkeypatch)
    said = capsys.readouterr()
    (told,) = schemas.check_output(task, said.out, ended, SERVICES)
    assert (ended, told["error"]) == (2, "usage")
    assert "--nonesuch" in told["what"]
    assert "--help" in told["remedy"]
    assert told["what"] in " ".join(said.err.split())


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("deploy.check nobody --json", "usage"),
        ("deploy.check --service nobody --json", "usage"),
        ("ops.env nobody --json", "usage"),
        ("ops.logs nobody --json", "usage"),
        ("deploy.fronted --json", "usage"),
        ("deploy.frontend --tag --json", "usage"),
        ("deploy.frontend --tag=-bad --json", "usage"),
        ("deploy.frontend --watch soon --json", "usage"),
        ("ops.stats --watch --every never --json", "usage"),
        ("db.backup --keep 0 --json", "usage"),
        ("deploy.maintenance frontend --json", "usage"),
        ("--dry deploy.status --json", "usage"),
        ("deploy.status --env no/name --json", "settings"),
        ("env.diff /nonesuch/file --json", "usage"),
    ],
)
def test_a_wrong_word_is_one_object(
    words: str,
    error: str,
    unreached: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unreached(Kind.HOST_UNREACHABLE("nobody is to ask it"))
    ended = run(*words.split(), monkeypatch=monkeypatch)
    (told,) = schemas.documents(capsys.readouterr().out)
    schemas.held("error.json", told)
    assert told["error"] == error
    assert told["exit_code"] == ended == Kind[error.upper()].exit_code


def test_the_end_of_a_task_with_an_environment_names_it(
    unreached: Callable[[BaseException], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unreached(Kind.HOST_UNREACHABLE("No answer."))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".env.staging").write_text("BEHINDY_HOST=h.example\nBEHINDY_DOMAIN=d.example\n")
    assert run("ops.ps", "--env", "staging", "--json", monkeypatch=monkeypatch) == 11
    (told,) = schemas.check_output("ops.ps", capsys.readouterr().out, 11)
    assert told["environment"] == "staging"


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ("ops.mem --json", True),
        ("ops.mem -j", True),
        ("ops.mem", False),
        ("ops.exec backend -- cat --json", False),
        ("deploy.history --service backend --json", True),
    ],
)
def test_a_command_line_asks_for_json_before_what_is_handed_on(words: str, asks: bool) -> None:
    assert wants_json(words.split()) is asks


class Terminal:
    """Standard input of a person, and an answer."""

    def isatty(self) -> bool:
        return True


def test_a_question_goes_to_standard_error_even_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: (sys.stdout.write(prompt) and "yes") or "yes")
    assert ask("Do it?", otherwise="", json=True)
    assert line("Domain", "--domain", json=True) == "yes"
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Do it? [yes/no] Domain: ")
    assert ask("Do it?", otherwise="")
    assert capsys.readouterr().out == "Do it? [yes/no] "


BOOTING = """
import os, sys, time
from behindy_ops.host import session
def open_session(*_, **__):
    print("here", file=sys.stderr, flush=True)
    time.sleep(60)
session.open_session = open_session
from behindy_ops.tasks import program
program.main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_before_there_is_a_session_is_one_object(number: signal.Signals, code: int) -> None:
    environ = {**os.environ, "BEHINDY_HOST": "nowhere.example", "BEHINDY_DOMAIN": "behindy.example"}
    argv = [sys.executable, "-c", BOOTING, "ops.ps", "--json"]
    with subprocess.Popen(
        argv, cwd=CHECKOUT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        while "here" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    (told,) = schemas.check_output("ops.ps", out, process.returncode)
    assert (process.returncode, told["error"]) == (code, "interrupted")


@pytest.mark.parametrize("words", [["--json"], []], ids=["JSON", "words"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_a_hook_runs_ends_the_hook_and_is_told_to_the_webhook_as_what_it_is(
    words: list[str], number: signal.Signals, code: int, tmp_path: Path
) -> None:
    deployed_once(tmp_path)
    hook = tmp_path / "hooks" / "pre-deploy"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho $$ >running\nexec sleep 60\n")
    hook.chmod(0o755)
    argv = [sys.executable, "-m", "behindy_ops.tasks.program", "deploy.web", "--tag", "v2", *words]
    with Receiver() as receiver:
        environ = {**os.environ, "PYTHONPATH": str(CHECKOUT), "BEHINDY_NOTIFY_URL": receiver.url}
        with subprocess.Popen(
            argv, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            while not (tmp_path / "running").exists() or not (tmp_path / "running").read_text():
                assert process.poll() is None, process.communicate()
                time.sleep(0.02)
            process.send_signal(number)
            process.communicate(timeout=60)
    assert process.returncode == code
    assert not Path(f"/proc/{(tmp_path / 'running').read_text().strip()}").exists()
    (told,) = receiver.told
    assert (told["outcome"], told["exit_code"]) == ("interrupted", code)


def test_a_hangup_that_is_ignored_ends_nothing() -> None:
    """As ``nohup`` has it."""
    text = """
import signal
from behindy_ops.errors import Stopped, signals_raise
from behindy_ops.host.interrupts import Interrupts
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with signals_raise(Stopped, signal.SIGHUP, signal.SIGTERM), Interrupts() as interrupts:
    signal.raise_signal(signal.SIGHUP)
    interrupts.check()
print("went on", signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)
"""
    done = subprocess.run([sys.executable, "-c", text], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.stdout == "went on True\n", done.stderr


@pytest.fixture
def simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    """A host on which web was deployed once, at v1, and a project whose settings lead to it."""
    simulation = deployed_once(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BEHINDY_ENV", raising=False)

    @contextlib.contextmanager
    def open_session(
        project: Project, _: Settings, __: list[Service], emit: Callable[[Event], None], ___: object, **____: object
    ) -> Iterator[Session]:
        with simulation.connect() as session:
            session.project, session.emit = project, emit
            yield session

    monkeypatch.setattr(sessions, "open_session", open_session)
    return simulation


@pytest.mark.parametrize(
    ("words", "code", "last"),
    [
        ("deploy.web --tag v2", 0, "deploy_finished"),
        ("deploy.web --tag v1", 0, "deploy_finished"),
        ("deploy.all --tag v2", 0, "deploy_finished"),
        ("deploy.web --tag v2 --dry-run", 0, ""),
        ("deploy.web --tag broken", 52, "failed"),
        ("deploy.web --tag nonesuch", 40, "failed"),
        ("deploy.rollback web", 2, "failed"),
        ("ops.restart web", 0, "deploy_finished"),
        ("deploy.recover", 0, ""),
        ("deploy.status", 0, ""),
        ("deploy.releases web", 0, ""),
        ("deploy.check web --tag v2", 0, ""),
    ],
)
def test_what_a_host_answers_is_as_the_schema_says(
    words: str,
    code: int,
    last: str,
    simulated: Simulation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run(*words.split(), "--json", monkeypatch=monkeypatch)
    said = capsys.readouterr()
    told = schemas.check_output(words.split(maxsplit=1)[0], said.out, ended, ["web"])
    assert ended == code, said.err
    assert told
    assert told[-1].get("event", "") == last or not last


@pytest.mark.parametrize("words", [["--check"], ["--domain", "shop.example", "--service", "web", "--yes"]])
def test_init_tells_programs_what_it_wrote_or_misses(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    ended = run("init", *words, "--json", monkeypatch=monkeypatch)
    told = schemas.check_output("init", capsys.readouterr().out, ended)
    if "--check" in words:
        assert (ended, told[0]["needed"], told[-1]["error"]) == (34, True, "files_missing")
    else:
        assert ended == 0
        assert all((tmp_path / name).is_file() for name in told[0]["written"])
        assert told[0]["written"]


@pytest.mark.parametrize("task", schemas.VIEWS)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_view_may_say_is_as_its_schema_says(task: str, data: st.DataObject) -> None:
    name, kind = schemas.VIEWS[task]
    st.register_type_strategy(Mapping, st.dictionaries(st.text(), st.text()))
    shown = data.draw(st.from_type(kind))
    schemas.held(f"{task}.json", json.loads(json.dumps(view.as_json(name, shown))))


def test_the_schemas_are_those_of_the_code() -> None:
    written = {file.name: file.read_text(encoding="utf-8") for file in schemas.FOLDER.glob("*.json")}
    assert written == {name: schemas.as_text(schema) for name, schema in schemas.written().items()}, (
        "write them: python -m tests.schemas"
    )


@pytest.mark.parametrize("name", sorted(file.name for file in schemas.FOLDER.glob("*.json")))
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(json.loads((schemas.FOLDER / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("task", WITH_JSON)
def test_every_task_with_json_has_a_schema(task: str) -> None:
    assert (schemas.FOLDER / schemas.schema_of(task, SERVICES)).is_file()


def test_a_schema_refuses_what_it_does_not_say() -> None:
    good: dict[str, Any] = {"written": ["a"], "kept": []}
    schemas.held("init.json", good)
    for bad in ({}, {"written": "a", "kept": []}, {**good, "more": 1}, {"error": "usage", "what": "x"}):
        with pytest.raises(AssertionError):
            schemas.held("init.json", bad)
    with pytest.raises(AssertionError):
        schemas.check_output("init", "Written: a\n", 0)
    with pytest.raises(AssertionError):
        schemas.check_output("init", json.dumps(good), 2)


@pytest.mark.parametrize("document", ["docs/json.md", "docs/ko/json.md"])
def test_the_document_says_what_each_task_prints_and_where_its_schema_is(document: str) -> None:
    rows = re.findall(
        r"^\| (`.*?) \| .* \| \[([\w.]+)\]\(", (CHECKOUT / document).read_text(encoding="utf-8"), re.MULTILINE
    )
    told = {task: file for tasks, file in rows for task in re.findall(r"`([\w.]+)`", tasks)}
    wanted = {task: schemas.schema_of(task, SERVICES) for task in WITH_JSON}
    services = {f"deploy.{service}" for service in SERVICES}
    assert told == {task: file for task, file in wanted.items() if task not in services} | {
        "deploy.SERVICE": "events.json"
    }


@pytest.mark.parametrize("document", ["docs/json.md", "docs/ko/json.md"])
def test_the_sample_of_an_error_is_one(document: str) -> None:
    (sample,) = re.findall(
        r"^```json\n(.*?)^```", (CHECKOUT / document).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    told = json.loads(sample)
    schemas.held("error.json", told)
    assert list(told)[2:] == [field.name for field in dataclasses.fields(events.Failed)]
    assert Kind[told["error"].upper()].exit_code == told["exit_code"]
