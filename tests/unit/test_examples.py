"""The projects in ``examples/``: complete but for what ``inv init`` makes, and without mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from invoke import Context

from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.names import read_names
from behindy_ops.project.project import Project
from behindy_ops.project.routes import declared
from behindy_ops.project.settings import load
from behindy_ops.provision.rendering import rendered
from behindy_ops.tasks.init import init

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in a repository of its own."""
    folder = tmp_path / "shop"
    shutil.copytree(SHOP, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".git").mkdir()
    monkeypatch.chdir(folder)
    for name, value in {"BEHINDY_HOST": "203.0.113.7", "BEHINDY_USER": "shop"}.items():
        monkeypatch.setenv(name, value)
    return folder


def test_init_adds_what_is_made_and_changes_nothing_that_is_there(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(shop)
    init(Context(), domain="shop.example", yes=True)
    after = contents(shop)
    assert before.items() <= after.items()
    made = {f"nginx/{name}" for name in rendered(Project(shop).compose, shop)}
    assert after.keys() - before.keys() == {"host.env", ".dockerignore", ".github/workflows/deploy.yml", *made}
    capsys.readouterr()
    init(Context(), check=True)
    assert capsys.readouterr().out.startswith("Nothing is missing.")


def test_its_compose_file_reads_without_a_mistake() -> None:
    compose = ComposeFile.read(SHOP / "compose.yaml")
    services = compose.services()
    assert {name: (service.port, service.schedule) for name, service in services.items()} == {
        "web": (5000, ""),
        "worker": (0, ""),
        "report": (0, "30 3 * * *"),
    }
    assert services["web"].before is not None
    assert declared(compose).names == ("shop.example", "www.shop.example", "api.shop.example")
    names = read_names(compose)
    assert (names.project, names.network, names.proxy.stanza) == ("shop", "shop_front", "nginx")
    assert names.database is not None
    assert names.database.stanza == "db"
    assert [name for name, given in compose.stanzas.items() if "front" in given["networks"]] == ["nginx", "web"]


def test_its_staging_names_a_host_of_its_own_or_there_is_none(shop: Path) -> None:
    (shop / ".env.staging").write_text("BEHINDY_HOST=203.0.113.8\n")
    own = load({"BEHINDY_ENV": "staging"}, shop)
    assert (own.host, own.domain) == ("203.0.113.8", "staging.shop.example")
