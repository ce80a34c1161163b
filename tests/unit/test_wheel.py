"""The wheel, installed in an empty environment, and used in another project: a ``web`` at shop.example."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

import behindy_ops
from tests.wheel import CHECKOUT, Installed, install

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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(tmp_path_factory.mktemp("wheel"))


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
