"""What the workflows type, and what is told of them: it is what the program takes, and what the files say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.complete import REQUIRED, skip_incomplete
from tests.github_runner import Expression
from tests.unit.pages import CHECKOUT, rows, tables, without_code
from tests.unit.test_documents import wrong
from tests.unit.test_workflows import SERVICE, WORKFLOWS, program, run

PAGES = ("docs/github-actions.md", "docs/ko/github-actions.md")
CALL = "./inv "
FILES = "\n".join((CHECKOUT / f".github/workflows/{name}.yml").read_text(encoding="utf-8") for name in WORKFLOWS)
KINDS = {"secret": "secrets", "variable": "vars"}


# What is typed


def declared(workflow: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The inputs of a workflow, however it is started."""
    return {
        name: one
        for how in ("workflow_call", "workflow_dispatch")
        for name, one in ((workflow["on"].get(how) or {}).get("inputs") or {}).items()
    }


def chosen(workflow: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Inputs of a run: as few as may be, all of them, and each choice of one that has several."""
    inputs = declared(workflow)
    samples = {"service": "frontend", "build-args": "A="}
    every = {name: True if one["type"] == "boolean" else samples.get(name, "x") for name, one in inputs.items()}
    every |= {name: one["options"][0] for name, one in inputs.items() if "options" in one}
    yield every
    yield {name: one.get("default", every[name]) for name, one in inputs.items()}
    for name, one in inputs.items():
        for option in one.get("options", ()):
            yield every | {name: option}


def contexts(workflow: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What a run is given, once with every variable and once with none."""
    names = set(re.findall(r"vars\.([A-Z_]+)", str(workflow)))
    built = {"build": {"outputs": {"tag": "abc", "committed": "2026-01-05T09:00:00Z"}}}
    for inputs in chosen(workflow):
        for variables, needs in ((dict.fromkeys(names, "x"), built), ({}, {})):
            yield {"inputs": inputs, "vars": variables, "needs": needs, "matrix": {"part": "1/4"}}


def takes_place(step: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    condition = re.sub(r"^\$\{\{(.*)\}\}$", r"\1", str(step.get("if", "true"))).strip()
    return bool(Expression(condition, given).value())


def typed(step: Mapping[str, Any], given: Mapping[str, Any], folder: Path) -> list[list[str]]:
    """The words that a step's script gives to each `./inv`, which only writes them down."""
    folder.mkdir()
    for place in (folder, folder / "ops"):
        program(place / "inv", r"""printf '%s\037' "$@" >> "$HOME/typed"; echo >> "$HOME/typed" """)
        program(place / ".venv/bin/python", "exit 0")
    ran = run(step, given, folder)
    assert ran.code == 0, ran.log
    return [line.split("\x1f")[:-1] for line in (folder / "typed").read_text().splitlines()]


TYPING = {
    f"{file}, {step['name']}": (workflow, step)
    for file, workflow in WORKFLOWS.items()
    for job in workflow["jobs"].values()
    for step in job["steps"]
    if CALL in step.get("run", "")
}


def test_the_steps_that_type_something_are_found() -> None:
    assert {"certs, Renew", "rollback, Roll back", "ops, Look", "ops, Recover", "deploy-service, Deploy"} <= set(TYPING)
    assert len(re.findall(r"\./inv\b", FILES)) == len(TYPING)


@pytest.mark.parametrize("name", list(TYPING))
def test_what_a_workflow_types_is_a_task_with_options_that_it_has(name: str, tmp_path: Path) -> None:
    workflow, step = TYPING[name]
    given = [one for one in contexts(workflow) if takes_place(step, one)]
    calls = [words for number, one in enumerate(given) for words in typed(step, one, tmp_path / str(number))]
    assert len(calls) >= len(given) > 0
    assert {" ".join(words): said for words in calls if (said := wrong(words))} == {}


def test_a_task_or_an_option_that_there_is_none_of_is_seen(tmp_path: Path) -> None:
    given = {"inputs": {"task": "status"}}
    step = {"run": 'exec ./inv "$NAME" --yes ${MORE:+--more "$MORE"}', "env": {"NAME": "host.cert", "MORE": ""}}
    (words,) = typed(step, given, tmp_path / "a")
    assert wrong(words)
    step["env"] = {"NAME": "host.certs", "MORE": "b c"}
    (words,) = typed(step, given, tmp_path / "b")
    assert words == ["host.certs", "--yes", "--more", "b c"]
    assert wrong(words)


# What is tried


@pytest.mark.parametrize(
    ("job", "step", "missing"), [("pure", "Unit tests", ["zsh", "fish"]), ("sandbox", "Sandbox tests", ["chromium"])]
)
def test_on_githubs_machines_no_test_is_skipped_for_a_program_that_is_missing(
    job: str, step: str, missing: list[str]
) -> None:
    steps = WORKFLOWS["ci"]["jobs"][job]["steps"]
    (at,) = (number for number, one in enumerate(steps) if one["name"] == step)
    assert steps[at]["env"][REQUIRED] == "1"
    installed = " ".join(line for one in steps[:at] for line in re.findall(r"apt-get install (.*)", one.get("run", "")))
    assert set(missing) <= set(installed.split())


def test_a_program_that_is_missing_is_a_failure_only_where_it_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no zsh"):
        skip_incomplete("no zsh")
    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="no zsh"):
        skip_incomplete("no zsh")


# What is told


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def headed(page: str, *first: str) -> list[list[str]]:
    """The rows of the table whose head begins with one of these."""
    (found,) = (table for table in tables(page) if table[0][0] in first)
    return found[1:]


@pytest.mark.parametrize("page", PAGES)
def test_every_workflow_has_its_row_and_that_of_ops_names_its_tasks(page: str) -> None:
    told = {names(row[0])[0]: row for row in headed(page, "workflow", "워크플로")}
    assert {name.removesuffix(".yml") for name in told} == set(WORKFLOWS)
    assert names(told["ops.yml"][-1]) == declared(WORKFLOWS["ops"])["task"]["options"]


@pytest.mark.parametrize("page", PAGES)
def test_the_inputs_and_their_defaults_are_those_of_the_workflow(page: str) -> None:
    inputs = declared(SERVICE)
    told = [(names(row[0]), names(row[1])) for row in headed(page, "input", "입력")]
    assert [name for these, _ in told for name in these] == list(inputs)
    for these, shown in told:
        defaults = {name: inputs[name].get("default", "") for name in these}
        written = [str(value).lower() if isinstance(value, bool) else value for value in defaults.values()]
        assert shown == list(dict.fromkeys(filter(None, written))), these


@pytest.mark.parametrize(("page", "begins"), [(PAGES[0], "Its outputs are"), (PAGES[1], "출력은")])
def test_the_outputs_are_those_of_the_workflow(page: str, begins: str) -> None:
    (sentence,) = re.findall(rf"^{begins} .*?(?:\n\n|\Z)", without_code(page), re.MULTILINE | re.DOTALL)
    outcomes = ["live", "unchanged", "older"]
    outputs = SERVICE["on"]["workflow_call"]["outputs"]
    assert [name for name in names(sentence) if name not in outcomes] == list(outputs)
    assert [word for word in outcomes if word in outputs["outcome"]["description"]] == outcomes


@pytest.mark.parametrize("page", PAGES)
def test_the_table_of_secrets_and_variables_has_what_the_workflows_read_and_no_more(page: str) -> None:
    read = {kind: set(re.findall(rf"\b{context}\.([A-Z_]+)", FILES)) for kind, context in KINDS.items()}
    table = [(re.findall(r"`([A-Z_]+)`", row[0]), row[1]) for row in headed(page, "name", "이름")]
    told = {kind: {name for these, said in table if kind in said for name in these} for kind in KINDS}
    assert told == read
    assert set(SERVICE["on"]["workflow_call"]["secrets"]) == told["secret"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["BEHINDY_USER", "BEHINDY_CERTS_ENVIRONMENT"])
def test_what_a_variable_is_else_is_what_the_workflows_say(page: str, name: str) -> None:
    (row,) = (row for row in rows(page) if names(row[0]) == [name])
    assert set(names(row[2])) == set(re.findall(rf"vars\.{name} \|\| '([^']+)'", FILES)) != set()
