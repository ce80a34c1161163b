"""The package as it is installed: no sandbox and no test in it, and every module imports without the checkout."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))

IMPORT_ALL = """
import importlib, json, pkgutil, sys
import behindy_ops
for name in [*(module.name for module in pkgutil.walk_packages(behindy_ops.__path__, "behindy_ops.")), *sys.argv[1:]]:
    importlib.import_module(name)
from behindy_ops.tasks import root
from behindy_ops.host.command import script
print(json.dumps({
    "from": behindy_ops.__file__,
    "modules": sorted(sys.modules),
    "tasks": sorted(root().task_names),
    "script": script("deploy/drain")[2],
}))
"""


def packages(folder: Path) -> Iterator[Path]:
    """The packages in a folder and in these, as setuptools finds them: it does not enter what is no package."""
    for inner in folder.iterdir():
        if (inner / "__init__.py").is_file():
            yield inner
            yield from packages(inner)


@cache
def shipped() -> list[Path]:
    """The files of the wheel, relative to the checkout: by the rules of setuptools that pyproject.toml uses."""
    chosen = PYPROJECT["tool"]["setuptools"]
    (included,) = chosen["packages"]["find"]["include"]
    chosen_packages = [
        folder for folder in packages(CHECKOUT) if fnmatch(".".join(folder.relative_to(CHECKOUT).parts), included)
    ]
    code = {file for folder in chosen_packages for file in folder.glob("*.py")}
    data = {
        file
        for package, patterns in chosen["package-data"].items()
        for pattern in patterns
        for file in (CHECKOUT / package).glob(pattern)
    }
    return [file.relative_to(CHECKOUT) for file in sorted(code | data)]


@cache
def imported() -> list[str]:
    """Every module that the package imports, if only in a function that few call."""
    names: set[str] = set()
    for file in shipped():
        if file.suffix == ".py":
            for node in ast.walk(ast.parse((CHECKOUT / file).read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names.add(node.module)
    return sorted(names)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a Python says that has the shipped files, what they depend on, and a project of its own."""
    folder = tmp_path_factory.mktemp("installed")
    for file in shipped():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / file, folder / file)
    shutil.copytree(CHECKOUT / "compose", folder / "project" / "compose")
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALL, *imported()],
        cwd=folder / "project",
        env={"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said.returncode == 0, said.stderr
    told: dict[str, object] = json.loads(said.stdout)
    assert told["from"] == str(folder / "behindy_ops" / "__init__.py")
    return told


def test_it_holds_the_package_alone_and_the_whole_of_it() -> None:
    files = shipped()
    assert {file.parts[0] for file in files} == {"behindy_ops"}
    assert {file.suffix for file in files} == {".py", ".sh", ".j2", ".typed"}
    everything = (file for file in (CHECKOUT / "behindy_ops").rglob("*") if file.is_file())
    assert set(files) == {file.relative_to(CHECKOUT) for file in everything if file.suffix != ".pyc"}


def test_every_module_imports_without_the_checkout(installed: dict[str, object]) -> None:
    loaded = installed["modules"]
    assert isinstance(loaded, list)
    files = (file for file in shipped() if file.suffix == ".py")
    names = {".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files}
    assert names | set(imported()) <= set(loaded)
    assert not {name for name in loaded if name.partition(".")[0] in {"sandbox", "tests", "pytest"}}


def test_it_depends_on_what_it_imports_and_on_nothing_else() -> None:
    foreign = {name.partition(".")[0] for name in imported()} - sys.stdlib_module_names - {"behindy_ops"}
    distributions = {"dotenv": "python-dotenv", "yaml": "PyYAML"}
    declared = {re.split(r"[<>=]", line)[0] for line in PYPROJECT["project"]["dependencies"]}
    assert {distributions.get(name, name) for name in foreign} == declared


def test_its_tasks_and_scripts_are_there(installed: dict[str, object]) -> None:
    tasks = installed["tasks"]
    assert isinstance(tasks, list)
    assert {"deploy.frontend", "ops.mem", "host.sync", "env.push", "db.restore", "lock.status"} <= set(tasks)
    assert installed["script"]
