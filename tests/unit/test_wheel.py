"""The wheel, installed in an empty environment, and used in another project: a ``web`` at shop.example."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import behindy_ops

CHECKOUT = Path(__file__).resolve().parents[2]

COMPOSE = """\
services:
  web:
    image: ghcr.io/acme/web:latest
    x-deploy: {port: 5000, internal: /up, external: /up}
"""

TASKS = """\
from behindy_ops import namespace
__all__ = ["namespace"]
"""

OWN_TASKS = """\
from invoke import task

from behindy_ops import namespace

@task
def seed(c):
    '''Fill the shop with goods.'''
    print("seeded")
"""

ELSEWHERE = {"lint", "test", "demo", "bench", "sandbox."}
"""What this repository alone offers."""


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it, and nothing of this checkout."""

    bin: Path
    wheel: Path

    def run(self, *argv: str, cwd: Path, **environ: str) -> Ran:
        done = subprocess.run(
            [self.bin / argv[0], *argv[1:]],
            cwd=cwd,
            env={"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(cwd), "BEHINDY_SSH_CONFIG": "none"} | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def listed(self, cwd: Path, program: str = "inv", **environ: str) -> set[str]:
        """Every task that is offered."""
        ran = self.run(program, "--list", "--list-format=flat", cwd=cwd, **environ)
        assert (ran.code, ran.err) == (0, ""), ran
        return {line.split()[0] for line in ran.out.splitlines() if line.startswith("  ") and line[2:3].strip()}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel from a copy, since setuptools writes beside its sources, and install it with the lock's packages.

    setuptools comes from the package index, where pip installs everything else from, too; what the wheel depends on is
    that of the environment of the tests.
    """
    folder = tmp_path_factory.mktemp("wheel")
    source, environment = folder / "source", folder / "venv"
    leave = shutil.ignore_patterns("__pycache__")
    for name in ("behindy_ops", "sandbox", "tests", "compose", "nginx", "docs"):
        shutil.copytree(CHECKOUT / name, source / name, ignore=leave)
    for name in ("pyproject.toml", "README.md", "LICENSE", "tasks.py"):
        shutil.copy(CHECKOUT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]
    quietly({}, *pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source))
    (wheel,) = folder.glob("*.whl")
    quietly({}, sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / "bin" / "python"
    quietly({}, *pip, "--python", str(python), "install", "--no-deps", str(wheel))
    own = next((environment / "lib").glob("python*")) / "site-packages"
    (own / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    for name in ("inv", "invoke"):  # as the installation of Invoke makes them
        script = environment / "bin" / name
        script.write_text(f"#!{python}\nimport sys\nfrom invoke.main import program\nsys.exit(program.run())\n")
        script.chmod(0o755)
    return Installed(environment / "bin", wheel)


def quietly(environ: dict[str, str], *argv: str) -> None:
    done = subprocess.run(argv, env=os.environ | environ, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Another project, with its compose file in its own folder, which is a repository."""
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    (folder / "src" / "web").mkdir(parents=True)
    (folder / "docker-compose.yml").write_text(COMPOSE)
    return folder


def test_it_holds_the_package_its_scripts_and_its_types_and_nothing_else(installed: Installed) -> None:
    assert installed.wheel.name == f"behindy_ops-{behindy_ops.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = {Path(name) for name in wheel.namelist() if ".dist-info/" not in name}
    package = CHECKOUT / "behindy_ops"
    here = {file.relative_to(CHECKOUT) for file in package.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert names == here
    assert {Path("behindy_ops/py.typed"), Path("behindy_ops/host/scripts/deploy/swap.sh")} <= names


def test_it_says_its_version_wherever_it_is_called(installed: Installed, tmp_path: Path) -> None:
    ran = installed.run("behindy-ops", "--version", cwd=tmp_path)
    assert ran.out.startswith(f"behindy-ops {behindy_ops.__version__} (Invoke ")
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("below", [".", "src/web"])
@pytest.mark.parametrize(
    ("program", "tasks"), [("inv", TASKS), ("inv", OWN_TASKS), ("behindy-ops", ""), ("behindy-ops", OWN_TASKS)]
)
def test_another_project_has_our_tasks_and_its_own(
    installed: Installed, shop: Path, program: str, tasks: str, below: str
) -> None:
    if tasks:
        (shop / "tasks.py").write_text(tasks)
    listed = installed.listed(shop / below, program)
    assert {"deploy.web", "deploy.all", "deploy.status", "ops.doctor", "host.sync", "lock.status"} <= listed
    assert not {name for name in listed if name.startswith(tuple(ELSEWHERE))}
    assert "deploy.frontend" not in listed
    assert ("seed" in listed) is (tasks == OWN_TASKS)
    if tasks == OWN_TASKS:
        assert installed.run(program, "seed", cwd=shop / below).out == "seeded\n"


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"])
def test_a_deploy_gets_as_far_as_the_settings_it_lacks(installed: Installed, shop: Path, name: str) -> None:
    (shop / "docker-compose.yml").rename(shop / name)
    ran = installed.run("behindy-ops", "deploy.web", "--dry-run", cwd=shop / "src")
    assert ran.code == 10
    assert "BEHINDY_HOST: not set" in ran.err + ran.out
    assert "sandbox" not in ran.err + ran.out


def test_a_deploy_gets_as_far_as_a_host_that_does_not_answer(installed: Installed, shop: Path) -> None:
    (shop / "tasks.py").write_text(TASKS)
    (shop / ".env").write_text(
        "BEHINDY_HOST=127.0.0.1\nBEHINDY_PORT=9\nBEHINDY_USER=shop\nBEHINDY_DOMAIN=shop.example\n"
    )
    ran = installed.run("inv", "deploy.web", "--dry-run", cwd=shop / "src")
    assert ran.code == 11, ran
    assert "Cannot reach shop@[127.0.0.1]:9: connection refused" in ran.err


def test_the_project_may_be_elsewhere(installed: Installed, shop: Path, tmp_path: Path) -> None:
    other = tmp_path / "app"
    (other / ".git").mkdir(parents=True)
    assert "deploy.web" not in installed.run("behindy-ops", "--list", cwd=other).out
    assert "deploy.web" in installed.listed(other, "behindy-ops", BEHINDY_PROJECT="../shop")
    (other / "pyproject.toml").write_text('[tool.behindy-ops]\nproject = "../shop"\n')
    (other / "inner").mkdir()
    assert "deploy.web" in installed.listed(other / "inner", "behindy-ops")
    ran = installed.run("behindy-ops", "--list", cwd=other, BEHINDY_PROJECT="nowhere")
    assert (ran.code, "BEHINDY_PROJECT: 'nowhere' is not a folder" in ran.err) == (10, True)


def test_outside_every_project_it_says_what_a_project_is(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    ran = installed.run("behindy-ops", "deploy.status", cwd=tmp_path)
    assert ran.code == 35
    assert "BEHINDY_PROJECT=FOLDER" in " ".join(ran.err.split())


def test_a_tasks_file_that_cannot_be_loaded_is_named(installed: Installed, shop: Path) -> None:
    (shop / "tasks.py").write_text("from behindy_ops import namespace\nimport shop_tools\n")
    ran = installed.run("behindy-ops", "--list", cwd=shop)
    assert ran.code == 2
    assert "ModuleNotFoundError: No module named 'shop_tools'" in " ".join(ran.err.split())
