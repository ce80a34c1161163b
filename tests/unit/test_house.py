"""The house: who may import whom, that nothing goes round in a circle, and that pure rooms are pure."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import behindy_ops

PACKAGE = Path(behindy_ops.__file__).parent

ACTS = {"checks", "facts", "project", "host", "errors", "report.events", "report.layout", "report.page", "report.text"}
ROOMS = {
    "tasks": ACTS | {"deploy", "views", "provision", "scaffold", "env", "db", "report"},
    "api": ACTS | {"deploy", "views", "report.messenger"},
    "deploy": ACTS,
    "views": ACTS | {"deploy"},  # what is shown of releases, and the doctor's fixes, are a deploy's decisions and steps
    "provision": ACTS,
    "scaffold": {"provision", "project", "errors", "report.layout", "report.text"},
    "env": ACTS,
    "db": ACTS,
    "checks": {"facts", "project", "errors"},
    "host": {"facts", "project", "errors", "report.events"},
    "report": {"facts", "project", "errors"},
    "facts": {"project", "errors"},
    "project": {"errors"},
    "errors": set[str](),
}
"""Each room, and those it may import from; of report/ most may only see what is plain data."""

PURE = (
    *("project.", "facts.", "checks.", "deploy.plan.", "deploy.goals.", "deploy.steps."),
    *("report.events.", "report.layout.", "report.message.", "report.page.", "report.text."),
)
"""They may read files of this checkout, which is what project/ is for."""

IMPURE = {
    "asyncio", "concurrent", "getpass", "http", "multiprocessing", "os", "platform", "random", "secrets", "select",
    "shutil", "signal", "socket", "subprocess", "sys", "tempfile", "threading", "time", "urllib",
    "fabric", "invoke", "paramiko", "tenacity",
}  # fmt: skip
CLOCKS = {"now", "today", "utcnow", "fromtimestamp"}


def name_of(file: Path) -> str:
    return ".".join(("behindy_ops", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


TREES = {name_of(file): ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PACKAGE.rglob("*.py"))}


def imported(tree: ast.AST) -> set[str]:
    """Every module that is imported, within functions and under TYPE_CHECKING too."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "absolute imports only"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in TREES else str(node.module) for name in inner}
    return names


FRONT = "behindy_ops"
"""What a project imports; below it nobody does, but for the version."""

IMPORTS = {name: imported(tree) for name, tree in TREES.items()}


def inside(name: str) -> str:
    """The name below the package."""
    return name.partition(".")[2]


def wrong_arrows(name: str, targets: set[str]) -> list[str]:
    """The imports of a module that its room does not allow."""
    room = inside(name).partition(".")[0]
    below = [inside(target) for target in sorted(targets) if target.startswith("behindy_ops.")]
    allowed = ROOMS[room] | {room}
    return [
        f"{name} -> {target}" for target in below if target not in allowed and target.partition(".")[0] not in allowed
    ]


def impurities(tree: ast.AST) -> list[str]:
    """What a pure module may not do."""
    wrong = [name for name in imported(tree) if name.partition(".")[0] in IMPURE]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in {"open", "print", "input"} or (called.startswith("datetime.") and called[9:] in CLOCKS):
                wrong.append(called)
    return wrong


def bare_codes(tree: ast.AST) -> list[str]:
    """Comparisons of an exit code with a number other than 0."""
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            last_names = {ast.unparse(side).rpartition(".")[2] for side in sides}
            numbers = {
                inner.value
                for side in sides
                for inner in ast.walk(side)
                if isinstance(inner, ast.Constant) and isinstance(inner.value, int)
            }
            if last_names & {"code", "exit_code", "returncode"} and numbers - {0}:
                wrong.append(ast.unparse(node))
    return wrong


def circle(imports: dict[str, set[str]]) -> list[str]:
    """The modules of a cycle, or nothing. A package holds its modules, so that it is no arrow of its own."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_module_is_in_a_room() -> None:
    assert {inside(name).partition(".")[0] for name in TREES if inside(name)} == set(ROOMS)


@pytest.mark.parametrize("name", [name for name in TREES if inside(name)])
def test_imports_go_downwards(name: str) -> None:
    assert not wrong_arrows(name, IMPORTS[name])


def test_no_import_goes_round_in_a_circle() -> None:
    assert not circle({name: targets & set(TREES) - {FRONT} for name, targets in IMPORTS.items()})


def test_the_front_imports_nothing_until_it_is_asked_for_something() -> None:
    top = [node for node in TREES[FRONT].body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {name for node in top for name in imported(node)} == {"__future__", "sys", "types", "typing"}


def test_nobody_below_takes_more_of_the_front_than_the_version() -> None:
    taken = {
        ast.unparse(node)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if FRONT in IMPORTS[name] and isinstance(node, ast.Attribute) and ast.unparse(node.value) == FRONT
    }
    from_it = {
        alias.name
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == FRONT
        for alias in node.names
        if f"{FRONT}.{alias.name}" not in TREES
    }
    assert (taken, from_it) == ({f"{FRONT}.__version__"}, set())


@pytest.mark.parametrize("name", TREES)
def test_the_package_uses_neither_the_sandbox_nor_the_tests(name: str) -> None:
    assert not {target for target in IMPORTS[name] if target.partition(".")[0] in {"sandbox", "tests", "tasks"}}


@pytest.mark.parametrize("name", [name for name in TREES if f"{inside(name)}.".startswith(PURE)])
def test_pure_rooms_do_nothing_but_think(name: str) -> None:
    assert not impurities(TREES[name])


@pytest.mark.parametrize("name", TREES)
def test_an_exit_code_is_compared_by_its_name(name: str) -> None:
    assert not bare_codes(TREES[name])


MAY_ASK_THE_ENGINE = (
    "deploy.engines.",
    "checks.swarm",
    "provision.swarm",
    "provision.edges",
    "project.settings",
    "facts.machine",
)
"""Who may ask what runs the services: who supplies what differs with it, who makes a swarm or judges one, who reads the
setting, or what Docker says of itself."""


def asks_the_engine(tree: ast.Module) -> list[str]:
    """What decides by the engine that the settings name."""
    tests = (
        node.test if isinstance(node, (ast.If, ast.IfExp, ast.While)) else node
        for node in ast.walk(tree)
        if isinstance(node, (ast.If, ast.IfExp, ast.While, ast.BoolOp, ast.Compare))
    )
    return [text for text in map(ast.unparse, tests) if re.search(r"\bsettings\.engine\b|\bSWARM\b|'swarm'", text)]


@pytest.mark.parametrize("name", [name for name in TREES if not inside(name).startswith(MAY_ASK_THE_ENGINE)])
def test_nobody_else_asks_which_engine_it_is(name: str) -> None:
    assert not asks_the_engine(TREES[name])


def test_the_house_notices_what_it_forbids() -> None:
    assert asks_the_engine(ast.parse("x = 1 if session.settings.engine == SWARM.name else 2"))
    up = ast.parse("def f():\n    from behindy_ops.tasks import ops")
    assert wrong_arrows("behindy_ops.facts.machine", imported(up)) == ["behindy_ops.facts.machine -> tasks.ops"]
    assert wrong_arrows("behindy_ops.deploy.walk", {"behindy_ops.report.console"})
    assert wrong_arrows("behindy_ops.checks.disk", {"behindy_ops.host.session"})
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert impurities(ast.parse("import time")) == ["time"]
    assert impurities(ast.parse("when = datetime.now(UTC)")) == ["datetime.now"]
    assert bare_codes(ast.parse("if result.exit_code == 73: pass")) == ["result.exit_code == 73"]
    assert not bare_codes(ast.parse("if result.exit_code == 0 or result.exit_code == Code.HELD: pass"))
