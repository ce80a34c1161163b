"""The tasks as a whole: what is listed, how an error ends, what `test` and `lint` run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from invoke import Context
from invoke.exceptions import Exit
from invoke.parser import Parser

from behindy_ops.errors import Interrupted, Kind
from behindy_ops.project.project import Project
from behindy_ops.tasks import root
from behindy_ops.tasks.guard import guarded
from behindy_ops.tasks.options import named_behind
from sandbox.tasks import add_to, host_scripts, quality

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(quality.__file__).resolve().parents[2]

HEAVY = {
    "fabric",
    "paramiko",
    "rich",
    "aiohttp",
    "tenacity",
    "dotenv",
    "yaml.constructor_",
    "cryptography",
    "hypothesis",
}


def test_the_tasks_are_those_the_readme_lists() -> None:
    listed = set(add_to(root()).task_names)
    assert {"demo", "bench", "test", "lint", "deploy.all", "deploy.status", "host.trust"} <= listed
    assert {"deploy.llmserver", "deploy.backend", "deploy.frontend"} <= listed


def test_every_task_has_one_line_of_help() -> None:
    tree = add_to(root())
    for name in tree.task_names:
        lines = (tree[name].__doc__ or "").strip().splitlines()
        assert lines, f"{name} has no help"
        assert lines[0].endswith("."), f"{name}: {lines[0]}"


def test_listing_the_tasks_imports_nothing_heavy() -> None:
    script = "import sys, tasks; print(*{name.partition('.')[0] for name in sys.modules})"
    said = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert "invoke" in said.stdout.split()
    assert not HEAVY & set(said.stdout.split())


def test_a_broken_compose_file_takes_away_only_the_tasks_it_declares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = set(add_to(root(Project(tmp_path))).task_names)
    assert {"test", "deploy.all"} <= listed
    assert "deploy.frontend" not in listed
    assert "cannot be read" in capsys.readouterr().err


def test_a_strategy_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SystemExit) as ended:
        add_to(root())["deploy.frontend"](Context(), strategy="canary")
    assert ended.value.code == Kind.USAGE.exit_code


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("deploy.history frontend", True),
        ("deploy.history frontend --json", True),
        ("-e deploy.history frontend lock.status", True),
        ("deploy.history", False),
        ("deploy.history --json", False),
        ("deploy.history --service frontend", False),
        ("deploy.history lock.status", False),
        ("deploy.recover frontend", False),
    ],
)
def test_a_service_may_be_named_right_behind_a_task_that_needs_none(words: str, named: bool) -> None:
    assert named_behind("history", words.split()) is named


def test_such_a_service_is_what_the_task_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in ("deploy.history frontend --json", "deploy.history --json", "deploy.history -j --service frontend"):
        monkeypatch.setattr(sys, "argv", ["inv", *words.split()])
        (parsed,) = Parser(contexts=add_to(root()).to_contexts()).parse_argv(words.split())
        given = "frontend" if "frontend" in words else ""
        assert parsed.as_kwargs == {"service": given, "json": True}


def raising(error: BaseException) -> Callable[[], None]:
    @guarded
    def body() -> NoReturn:
        raise error

    return body


def ended(body: Callable[[], object]) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        body()
    return end.value.code


def test_an_error_of_ours_is_a_message_and_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(Kind.HOST_UNREACHABLE("No answer.", remedy="Is it on?"))) == 11
    said = capsys.readouterr()
    assert re.sub(r"^\W*", "", said.err) == "host unreachable (exit code 11)\n  What  No answer.\n  Next  Is it on?\n"
    assert said.out == ""


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "\nStopped by Ctrl-C.\n"


def test_a_signal_that_ended_the_run_is_in_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(Interrupted("Stopped.", signal_number=15))) == 143
    assert "Stopped." in capsys.readouterr().err


def test_a_mistake_of_ours_names_its_type_and_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(ZeroDivisionError("division by zero"))) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in said
    assert "BEHINDY_DEBUG=1" in said
    assert "Traceback" not in said


def test_a_mistake_of_ours_shows_where_it_is_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHINDY_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError())()


def test_what_invoke_itself_raises_is_left_to_it() -> None:
    with pytest.raises(Exit):
        raising(Exit(code=3))()


def test_a_lost_connection_is_not_taken_for_a_reader_that_went_away(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(BrokenPipeError(32, "Broken pipe"))) == 1
    assert "BrokenPipeError" in capsys.readouterr().err


def test_a_reader_that_went_away_ends_a_task_in_silence() -> None:
    script = (
        "from behindy_ops.tasks.guard import guarded\n"
        "@guarded\n"
        "def body():\n"
        "    for _ in range(100000): print('x' * 100)\n"
        "body()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_guarded_task_keeps_its_name_help_and_options() -> None:
    @guarded
    def body(tag: str = "latest") -> str:
        """Say the tag."""
        return tag

    assert (body.__name__, body.__doc__, body("v2")) == ("body", "Say the tag.", "v2")


def test_lint_looks_at_every_shell_script_of_the_checkout(tmp_path: Path) -> None:
    for name in ("a/b.sh", "c.sh", ".venv/d.sh", "a/.e/f.sh", "g.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert quality.shell_files(tmp_path) == [Path("inv"), Path(".ci/run"), Path("a/b.sh"), Path("c.sh")]


def test_a_mistake_in_a_hosts_script_is_told_by_its_file_and_line() -> None:
    said = host_scripts.problems([("lib/part", "\nsay() { echo $1; }\n"), ("ops/x", "word=$1\nsay $word\n")])
    assert "scripts/lib/part.sh:2:14: note: Double quote" in said
    assert "scripts/ops/x.sh:2:5: note: Double quote" in said
    assert not host_scripts.problems([("lib/part", 'say() { echo "$word"; }\n'), ("ops/x", 'echo "$1"\n')])


def test_every_script_of_the_hosts_is_looked_at() -> None:
    assert {"deploy/drain", "host/survey", "lock/fenced"} <= {*host_scripts.script_names()}


def test_the_exit_code_of_a_program_comes_through() -> None:
    assert quality.run(["sh", "-c", "exit 7"], os.environ) == 7
    assert quality.run(["sh", "-c", "kill -TERM $$"], os.environ) == 143


def test_a_termination_reaches_the_program_that_runs() -> None:
    parent = os.getpid()
    script = f"trap 'exit 9' TERM; kill -TERM {parent}; while :; do sleep 0.01; done"
    assert quality.run(["sh", "-c", script], os.environ) == 9
