"""``inv init`` on a compose file that is there: ports that a service should not publish."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from invoke import Context

from behindy_ops.errors import Kind
from behindy_ops.scaffold.files import WORKFLOW
from behindy_ops.tasks.init import init
from tests.unit.tasks.test_ask import Terminal

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
services:
  web:
    image: acme/web
    ports:
      - "8080:5000"
"""


@pytest.fixture
def compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "compose.yaml"
    file.write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return file


@pytest.mark.parametrize(
    ("typed", "options"),
    [("yes\nyes\n", {}), ("yes\n", {"remove_ports": True}), ("", {"yes": True, "remove_ports": True})],
)
def test_ports_are_taken_out_after_a_yes_or_by_the_option(
    compose: Path, typed: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    init(Context(), domain="shop.example", **options)
    assert "8080" not in compose.read_text()
    assert "    x-deploy:\n      port: 5000\n" in compose.read_text()
    said = capsys.readouterr().out
    assert '-      - "8080:5000"\n' in said, "the difference shows what goes"
    assert ("services.web.ports: 8080:5000\n" in said) is (not options)
    assert "nginx/site.conf" in said, "what is made from it is named"
    assert "server_name" not in said


@pytest.mark.parametrize(("typed", "options"), [("no\n", {}), ("", {"yes": True})])
def test_without_that_nothing_is_written_and_what_to_type_is_told(
    compose: Path, typed: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    with pytest.raises(SystemExit) as ended:
        init(Context(), domain="shop.example", **options)
    assert ended.value.code == Kind.COMPOSE_INVALID.exit_code
    assert compose.read_text() == TEXT
    said = " ".join(capsys.readouterr().err.split())
    assert "inv init --remove-ports services.web.ports: 8080:5000" in said


@pytest.mark.parametrize(("declared", "named"), [("", True), ('[tool.behindy-ops]\nhost_dir = "there"\n', False)])
def test_the_directory_on_the_host_is_named_unless_the_projects_settings_name_it(
    compose: Path, declared: str, named: bool
) -> None:
    compose.write_text(
        "services: {web: {image: acme/web, x-deploy: {port: 5000, internal: /, external: /, route: /}}}\n"
    )
    (compose.parent / "pyproject.toml").write_text(declared)
    init(Context(), domain="shop.example", yes=True)
    assert ("\nBEHINDY_HOST_DIR=" in (compose.parent / ".env.example").read_text()) is named


@pytest.mark.parametrize(
    ("told", "commit"),
    [
        (
            '{"url": "https://git.example/ops.git", "vcs_info": {"vcs": "git", "commit_id": "%s"}}' % ("c" * 40),
            "c" * 40,
        ),
        ('{"url": "https://git.example/ops.git", "vcs_info": {"vcs": "hg", "commit_id": "tip; true"}}', ""),
        ('{"url": "file:///here", "dir_info": {"editable": true}}', ""),
        ("", ""),
        ("{", ""),
    ],
)
def test_the_workflow_is_pinned_to_the_commit_that_this_was_installed_from(
    compose: Path, told: str, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        def read_text(self, name: str) -> str:
            return told if name == "direct_url.json" else ""

    monkeypatch.setattr(metadata, "distribution", lambda _: Installed())
    init(Context(), domain="shop.example", yes=True, remove_ports=True)
    (line,) = re.findall(r"pipx install .*behindy-ops\.git(.*)$", (compose.parent / WORKFLOW).read_text(), re.MULTILINE)
    assert line == (f"@{commit}" if commit else "")


def test_where_nothing_is_published_nothing_is_asked(
    compose: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compose.write_text(TEXT.replace('ports:\n      - "8080:5000"', 'expose: ["5000"]'))
    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))
    init(Context(), domain="shop.example")
    assert "Two releases" not in capsys.readouterr().out
