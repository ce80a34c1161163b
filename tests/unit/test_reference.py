"""docs/reference/ and docs/ko/reference/: all that the code has, as it is now, and the same in both languages."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml

from behindy_ops.checks.check import Fix, FixKind, Problem, ok
from behindy_ops.deploy import check as deploy_check
from behindy_ops.deploy.history import begun, drained, ended, maintained
from behindy_ops.env import check as env_check
from behindy_ops.errors import Kind
from behindy_ops.facts.container import Container
from behindy_ops.facts.survey import Survey
from behindy_ops.host.exit_codes import Code
from behindy_ops.project import settings
from behindy_ops.project.compose import deployable_names
from behindy_ops.provision import adopt
from behindy_ops.provision import check as host_check
from behindy_ops.report import events
from behindy_ops.tasks import root
from behindy_ops.tasks.options import ENV
from behindy_ops.views import certs, disk, doctor, logs, mem, network, nginx, prune, ps, releases, status
from sandbox.reference import exit_codes, json_fields, korean, markdown, outputs, pages
from sandbox.reference.settings import parse
from sandbox.reference.tasks import SERVICE, entries
from sandbox.tasks import add_to
from sandbox.tasks.quality import CHECKOUT, lint_commands
from tests.kinds import raises
from tests.scripted import Answer, scripted
from tests.simulator.simulation import SERVICES as SIMULATED
from tests.unit.deploy.states import SETTINGS, state_of
from tests.unit.env.declared import checkout, printed
from tests.unit.ops_facts import container, image, release, survey

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = (pages.FOLDER, pages.KOREAN_FOLDER)
NAMES = ("tasks", "settings", "exit-codes", "json")
PATHS = [f"{folder}/{name}.md" for folder in FOLDERS for name in NAMES]
SERVICES = deployable_names(CHECKOUT / "compose" / "docker-compose.yml")
TASKS = sorted(add_to(root()).task_names)
both = pytest.mark.parametrize("folder", FOLDERS)


def shown_as(name: str) -> str:
    return SERVICE if name.removeprefix("deploy.") in SERVICES else name


@cache
def text_of(path: str) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of every row of a table, but for the lines below the heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]


def section(folder: str, page: str, heading: str) -> str:
    """What stands under a heading, up to the next."""
    parts = re.split(r"^#+ (.+)\n", text_of(f"{folder}/{page}.md"), flags=re.MULTILINE)
    (found,) = (body for title, body in zip(parts[1::2], parts[2::2], strict=True) if title == heading)
    return found


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def test_the_pages_are_as_the_code_has_them() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "docs", "--check"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint_looks_at_them() -> None:
    assert [sys.executable, "-m", "invoke", "docs", "--check"] in lint_commands(CHECKOUT).values()


@both
@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_there_with_all_its_options(folder: str, name: str) -> None:
    told = section(folder, "tasks", shown_as(name))
    assert f"`inv {shown_as(name)}" in told
    for argument in add_to(root())[name].get_arguments():
        names = [each.replace("_", "-") for each in argument.names]
        options = [f"--{each}" if len(each) > 1 else f"-{each}" for each in names if ENV not in names]
        assert all(re.search(rf"`{option}[ `]", told) for option in options), options


@both
def test_no_task_is_made_up(folder: str) -> None:
    text = text_of(f"{folder}/tasks.md")
    known = {*map(shown_as, TASKS)}
    groups = {name.partition(".")[0] for name in known if "." in name}
    assert {title for title in headings(text) if title.isascii() and title not in groups} - known <= {
        "Tasks",
        "This repository's own",
    }
    assert set(re.findall(r"^`inv (\S+)", text.replace("`\n", " \n"), re.MULTILINE)) == known


@both
def test_no_option_or_task_is_without_words(folder: str) -> None:
    assert not [cells for cells in rows(text_of(f"{folder}/tasks.md")) if not cells[-1]]
    for found in entries(add_to(root()), SERVICES).values():
        assert not [entry.name for entry in found if not entry.does]


@both
def test_every_setting_has_its_row(folder: str) -> None:
    told = [cells[0] for cells in rows(text_of(f"{folder}/settings.md")) if cells[0].startswith("`")]
    named = [f"`{name}`" for name in (*settings.NAMES, "BEHINDY_ENV", "BEHINDY_PROJECT")]
    assert set(named) <= set(told)
    assert len(told) == len(set(told))
    assert all(cells[2] for cells in rows(text_of(f"{folder}/settings.md")))


def test_defaults_are_those_of_the_code() -> None:
    told = {each.name: each.default for each in parse((CHECKOUT / ".env.example").read_text(encoding="utf-8"))}
    defaults = settings.Settings()
    assert told["BEHINDY_HOST_DIR"] == f"`{defaults.host_dir}`"
    assert told["BEHINDY_REGISTRY"] == f"`{defaults.registry}`"
    assert (told["BEHINDY_CONFIRM"], defaults.confirm) == ("`no`", False)


def test_a_comment_is_of_the_names_below_it() -> None:
    example = (
        "# Of all.\n# --- The host: one of these ------\n\n# What it is.\n# Default: ~/x, else y. And more.\nA=\nB=\n\n"
        "# Nobody's.\n\n# Of C.\nC=\n# --- Else ---\nD=\n"
    )
    assert [(each.name, each.part, each.meaning, each.default) for each in parse(example)] == [
        ("A", "The host: one of these", "What it is. And more.", "~/x, else y"),
        ("B", "The host: one of these", "What it is. And more.", "~/x, else y"),
        ("C", "The host: one of these", "Of C.", ""),
        ("D", "Else", "", ""),
    ]


@both
@pytest.mark.parametrize("kind", Kind)
def test_every_exit_code_has_its_row(folder: str, kind: Kind) -> None:
    (found,) = (cells for cells in rows(text_of(f"{folder}/exit-codes.md")) if cells[0] == exit_codes.number(kind))
    assert found[1] == kind.title
    assert all(found[2:])


@both
def test_no_exit_code_is_made_up(folder: str) -> None:
    told = [cells[0] for cells in rows(text_of(f"{folder}/exit-codes.md")) if cells[0][:1].isdigit()]
    assert told == [exit_codes.number(kind) for kind in Kind]


@both
def test_what_scripts_report_leads_to_its_exit_code(folder: str) -> None:
    text = text_of(f"{folder}/exit-codes.md")
    for code in Code:
        if code.kind is not None:
            assert f"| {code.kind.exit_code} |" in text.partition("\n## ")[2]


def test_every_task_with_json_says_what_it_prints() -> None:
    tree = add_to(root())
    with_json = {shown_as(name) for name in TASKS if "json" in [each.name for each in tree[name].get_arguments()]}
    assert with_json == set(outputs.OUTPUTS)


def test_every_event_is_told() -> None:
    def below(kind: type) -> Iterator[type]:
        inner: type
        for inner in kind.__subclasses__():
            yield from below(inner)
        if not kind.__subclasses__():
            yield kind

    ours = {kind for kind in below(events.Event) if kind.__module__ == events.__name__}
    assert set(outputs.EVENTS) == ours


def test_every_field_has_a_meaning_and_every_meaning_a_field() -> None:
    assert json_fields.problems() == []


@both
@pytest.mark.parametrize("task", [task for task, output in outputs.OUTPUTS.items() if output.kind])
def test_every_field_has_its_row(folder: str, task: str) -> None:
    output = outputs.OUTPUTS[task]
    told = [cells[0].strip("`") for cells in rows(section(folder, "json", task))[1:]]
    wanted = [field.path for field in json_fields.fields(cast("type", output.kind))]
    assert told == (["view"] if output.view else []) + wanted


TROUBLE = Problem("dependency stopped", "it is not running", "Start {subject}", "No answer.").check(
    "dependencies", "It is not running.", subject="redis", evidence=("exited",), fix=Fix(FixKind.START, "redis")
)
QUERY = logs.query("all", "", "", json=True)
STATE = state_of(settings=dataclasses.replace(SETTINGS, environment="staging"))


def logged() -> Any:
    return json.loads(logs.shown(QUERY, "web", f"2027-01-15T08:00:01Z {QUERY.mark} 2@beta two") or "")


def listed() -> Any:
    live = container("backend", image_id="sha256:1", labels={"behindy.release": "20270101-000000-aaaa"})
    found = releases.listed(survey(live, releases=(release("backend", 1, "1"),), images=(image("1"),)), "backend")
    return {"service": "backend", "releases": found}


def adopted() -> Any:
    known = Survey(docker="26.1", tools=frozenset({"docker"}), containers={"frontend": Container("c1", "frontend")})
    return adopt.as_json(adopt.describe(known, [SIMULATED["frontend"]]))


def is_written_as(wanted: str, value: object) -> bool:
    """Whether a value of JSON is of a type in words, such as ``array of string or null``."""
    for each in wanted.split(" or "):
        plain, _, inner = each.partition(" of ")
        kinds = {
            "string": str,
            "integer": int,
            "number": int | float,
            "boolean": bool,
            "null": type(None),
            "array": list,
            "object": dict,
        }
        if not isinstance(value, kinds[plain]) or (plain == "integer" and isinstance(value, bool)):
            continue
        held = value if isinstance(value, list) else value.values() if isinstance(value, dict) else []
        if not inner or all(is_written_as(inner, one) for one in held):
            return True
    return False


def differences(kind: type, data: Any, path: str = "") -> Iterator[str]:
    """What of an object of JSON is not as its class says."""
    of_it = {each.path: each for each in json_fields.fields(kind) if not re.search(r"[.\[]", each.path)}
    yield from (f"{path}{name}: only in one of them" for name in sorted(of_it.keys() ^ data.keys()))
    for name in of_it.keys() & data.keys():
        if not is_written_as(of_it[name].type, data[name]):
            yield f"{path}{name}: {data[name]!r} is no {of_it[name].type}"
    inner = {
        name: hint
        for name, hint in json_fields.inner(kind).items()
        if data.get(name) not in (None, [], {}) and name in data
    }
    for name, of in inner.items():
        for one in data[name] if isinstance(data[name], list) else [data[name]]:
            yield from differences(of, one, f"{path}{name}.")


REAL: dict[str, Any] = {
    "ops.doctor": lambda: {
        key: value for key, value in doctor.shown([TROUBLE], ["web"], [Fix(FixKind.START, "redis")]).data.items()
        if key != "view"
    },
    "ops.logs": logged,
    "deploy.releases": listed,
    "deploy.check": lambda: deploy_check.as_json([deploy_check.ServiceChecks("web", (TROUBLE, ok("a", "b")), None)]),
    "host.check": lambda: host_check.as_json([TROUBLE, ok("a", "b")], "h"),
    "host.adopt": adopted,
}  # fmt: skip
"""What is really printed, where it is no dataclass of the package: it has to have the form of those of outputs.py."""


@pytest.mark.parametrize("task", REAL)
def test_what_is_printed_has_the_fields_that_are_told(task: str) -> None:
    data = REAL[task]()
    plain = json.loads(data if isinstance(data, str) else json.dumps(data))
    assert not list(differences(cast("type", outputs.OUTPUTS[task].kind), plain))


def test_a_field_that_is_not_told_or_of_another_type_is_a_difference() -> None:
    good = {"who": "a", "message": "b", "since": "c"}
    assert not list(differences(outputs.Held, good))
    assert list(differences(outputs.Held, {**good, "more": 1})) == ["more: only in one of them"]
    assert list(differences(outputs.Lock, {"hold": {**good, "who": 1}, "lease": None})) == [
        "hold.who: 1 is no string"
    ]  # fmt: skip


def test_a_check_of_the_environment_has_the_fields_that_are_told(tmp_path: Path) -> None:
    answer = Answer(printed("DB_PASS empty absent differs - no -"))
    verdict = env_check.check(scripted(root=checkout(tmp_path), env__probe=answer).session)
    assert not list(differences(outputs.EnvCheck, json.loads(json.dumps(env_check.as_json(verdict)))))


def test_the_history_has_the_fields_that_are_told() -> None:
    written = [begun(STATE), ended(STATE, "refused", "why"), drained(STATE)]
    on = maintained("web", "on", at=cast("Any", STATE.now), who="me", environment="staging")
    entries = [json.loads(line) for line in (*written, on)]
    assert {name for entry in entries for name in entry} == {
        field.path for field in json_fields.fields(outputs.HistoryEntry)
    }


def test_a_lock_has_the_fields_that_are_told() -> None:
    from behindy_ops.host.lease import Holder

    told = {field.path for field in json_fields.fields(outputs.Leased)}
    assert told == {field.name for field in dataclasses.fields(Holder)} - {"token"}


def test_views_are_called_as_they_are_told() -> None:
    views = {
        "deploy.status": status, "ops.ps": ps, "ops.mem": mem, "ops.disk": disk, "ops.prune": prune,
        "ops.network": network, "ops.nginx": nginx, "ops.certs": certs,
    }  # fmt: skip
    assert {task: outputs.OUTPUTS[task].view for task in views} == {
        task: view.VIEW.name for task, view in views.items()
    }


def test_an_event_has_the_fields_that_are_told() -> None:
    finished = events.DeployFinished("web", "live", 1.5, {"release": "r"})
    assert not list(differences(events.DeployFinished, json.loads(json.dumps(asdict(finished)))))
    assert json_fields.event_name(events.DeployFinished) == "deploy_finished"
    assert json_fields.event_name(events.Warning_) == "warning"


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_sections_and_rows(name: str) -> None:
    english, other = (text_of(f"{folder}/{name}.md") for folder in FOLDERS)

    def outline(text: str) -> list[int]:
        return [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]

    assert outline(other) == outline(english)
    assert len(rows(other)) == len(rows(english))
    for ours, theirs in zip(rows(other), rows(english), strict=True):
        assert len(ours) == len(theirs)
        assert [not cell for cell in ours] == [not cell for cell in theirs]
        if theirs[0].startswith("`") or theirs[0].isdigit():
            assert ours[0] == theirs[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_korean_page_is_korean(name: str) -> None:
    left = [
        line
        for line in text_of(f"{pages.KOREAN_FOLDER}/{name}.md").splitlines()
        if len(re.findall(r"[A-Za-z]{2,}", re.sub(r"`[^`]*`|\([^)]*\)", "", line))) > 6
        and not re.search("[가-힣]", line)
    ]
    assert left == []


def test_a_text_that_changes_has_no_korean_until_somebody_has_looked() -> None:
    words = korean.Korean({"Show what is live.": "가", "Gone for good, whatever it was.": "나", "Kept.": "다"})
    assert [words(text) for text in ("Show what is live now.", "Kept.", "New!")] == [
        "Show what is live now.",
        "다",
        "New!",
    ]
    assert words.problems() == [
        "The English has changed; look at the Korean.\n  was: Show what is live.\n  now: Show what is live now.",
        "No Korean for: New!",
        "Nothing has this English text any more; remove it: Gone for good, whatever it was.",
    ]


def test_a_text_has_one_korean(tmp_path: Path) -> None:
    entry = {"en": "Once,\n and wrapped.", "ko": "한\n 번"}
    (tmp_path / "a.yml").write_text(yaml.safe_dump([entry], allow_unicode=True), encoding="utf-8")
    assert korean.load(tmp_path)("Once, and wrapped.") == "한 번"
    (tmp_path / "b.yml").write_text(yaml.safe_dump([entry], allow_unicode=True), encoding="utf-8")
    with pytest.raises(ValueError, match=r"b\.yml has the Korean of this a second time: Once, and wrapped\."):
        korean.load(tmp_path)


def test_a_page_that_differs_is_stale_until_it_is_written(tmp_path: Path) -> None:
    found = pages.Found({"docs/reference/a.md": "# A\nnew\n", "docs/ko/reference/a.md": "# 가\n"}, ())
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    (tmp_path / "docs" / "reference" / "a.md").write_text("# A\nold\n", encoding="utf-8")
    (tmp_path / "docs" / "reference" / "gone.md").write_text("", encoding="utf-8")
    lines = pages.stale(tmp_path, found)
    assert {"-old", "+new", "+# 가", "docs/reference/gone.md is of nothing that the code has: remove it"} <= set(lines)
    assert pages.write(tmp_path, found) == ["docs/reference/a.md", "docs/ko/reference/a.md"]
    (tmp_path / "docs" / "reference" / "gone.md").unlink()
    assert pages.stale(tmp_path, found) == []
    assert pages.write(tmp_path, found) == []


def test_what_is_stale_is_refused_with_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "make", lambda _: pages.Found({"docs/reference/a.md": "new\n"}, ()))
    with raises(Kind.FILES_REFUSED) as stale:
        pages.check(tmp_path)
    assert stale.value.remedy == "./inv docs"
    assert "+new" in stale.value.lines
    monkeypatch.setattr(pages, "make", lambda _: pages.Found({}, ("No Korean for: x",)))
    with raises(Kind.FILES_REFUSED, match="sandbox/reference/ko/") as lacking:
        pages.check(tmp_path)
    assert lacking.value.lines == ("No Korean for: x",)


@pytest.mark.parametrize(
    ("plain", "marked"),
    [
        ("with --dry-run: print it", "with `--dry-run`: print it"),
        ("To queue: --wait 10m.", "To queue: `--wait 10m`."),
        ("--write로 씁니다", "`--write`로 씁니다"),
        ("Then inv ops.run SERVICE -- COMMAND.", "Then `inv ops.run SERVICE -- COMMAND`."),
        ("inv ops.logs nginx; the log", "`inv ops.logs nginx`; the log"),
        ("a deploy.status and status", "a `deploy.status` and status"),
        ("see BEHINDY_ENV=staging or .env.NAME", "see `BEHINDY_ENV=staging` or `.env.NAME`"),
        ("`--as it is` and --so", "`--as it is` and `--so`"),
        ("compose/ or nginx/ is", "`compose/` or `nginx/` is"),
        ("~/.ssh/config, else ~/.ssh/known_hosts", "`~/.ssh/config`, else `~/.ssh/known_hosts`"),
        ("See docs/host.md.", "See [docs/host.md](../host.md)."),
        ("See docs/design.md#reconcile.", "See [docs/design.md](../design.md#reconcile)."),
        ("A test, and lint.", "A test, and lint."),
    ],
)
def test_what_is_typed_is_code_and_documents_are_links(plain: str, marked: str) -> None:
    tasks = frozenset({"ops.run", "ops.logs", "deploy.status", "test", "lint"})
    assert markdown.Page(CHECKOUT, pages.FOLDER, str, tasks).marked(plain) == marked


def test_a_korean_page_leads_to_korean_ones_where_there_are_some(tmp_path: Path) -> None:
    for name, heading in (("docs/a.md", "One thing"), ("docs/ko/a.md", "한 가지"), ("docs/b.md", "Other")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# X\n\n## {heading}\n", encoding="utf-8")
    link = partial(markdown.Page(tmp_path, pages.KOREAN_FOLDER, str, korean=True).link)
    assert link("docs/a.md#one-thing") == "[docs/a.md](../a.md#한-가지)"
    assert link("docs/b.md#other") == "[docs/b.md](../../b.md#other)"
    assert link("docs/reference/json.md") == "[docs/reference/json.md](json.md)"


def test_a_paragraph_has_120_columns_and_code_stays_whole() -> None:
    lines = markdown.paragraph("가" * 50 + " " + "나" * 9 + " `inv docs --check` 끝")
    assert lines == ["가" * 50 + " " + "나" * 9, "`inv docs --check` 끝"]


@pytest.mark.parametrize("path", PATHS)
def test_links_lead_somewhere(path: str) -> None:
    found = re.findall(r"\]\(([^)]+)\)", text_of(path))
    for target in found:
        file, _, fragment = target.partition("#")
        there = (CHECKOUT / path).parent / file if file else CHECKOUT / path
        assert there.is_file(), target
        assert not fragment or fragment in map(markdown.anchor_of, markdown.headings(there)), target


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_nothing_of_the_machine_that_made_it(path: str) -> None:
    assert str(CHECKOUT) not in text_of(path)
    assert "<function" not in text_of(path)
    assert ":class:" not in text_of(path)


SCHEMAS = sorted(file.stem for file in (CHECKOUT / "docs" / "schema").glob("*.json") if file.stem in outputs.OUTPUTS)
OF_AN_END = {"environment", "view", "error", "what", "state", "remedy", "exit_code"}
"""Fields of every object, or of one with which a task ends badly."""


def names_in(schema: Any) -> Iterator[str]:
    """The names of all properties of a schema, and of those in it."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for inner in schema.values():
            yield from names_in(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from names_in(inner)


def test_there_are_schemas() -> None:
    assert len(SCHEMAS) > 15


@pytest.mark.parametrize("task", SCHEMAS)
def test_no_schema_has_a_field_that_is_not_told(task: str) -> None:
    schema = json.loads((CHECKOUT / "docs" / "schema" / f"{task}.json").read_text(encoding="utf-8"))
    paths = [field.path for field in json_fields.fields(cast("type", outputs.OUTPUTS[task].kind))]
    told = {re.split(r"[.\]]+", path)[-1] for path in paths}
    assert set(names_in(schema["$defs"])) - OF_AN_END <= told
