"""What a file must be to become the host's ``.env``."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.env.candidate import propose, read_file, require_good
from behindy_ops.errors import Kind
from behindy_ops.project.dotenv import parse
from behindy_ops.project.project import Project
from tests.kinds import raises
from tests.scripted import Answer, scripted
from tests.unit.env.declared import checkout, printed

GOOD = ("DB_PASS absent set differs yes - no", "JWT absent set differs yes - no")


def test_a_file_of_this_machines_own_settings_is_not_for_the_host(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("BEHINDY_HOST=h\n")
    project = Project(checkout(tmp_path))
    with raises(Kind.USAGE, match="BEHINDY_HOST"):
        read_file(tmp_path / "a.env", project)
    with raises(Kind.USAGE, match="env.push FILE"):
        read_file(tmp_path / "b.env", project)


@pytest.mark.parametrize(
    ("compose", "example", "text", "begun", "explained"),
    [
        ("compose/docker-compose.yml", "compose/.env.example", "DB_PASS=\n", "cp compose/.env.example host.env", True),
        ("compose.yaml", ".env.example", "DB_PASS=\n", "cp .env.example host.env", True),
        ("compose.yaml", ".env.example", "BEHINDY_HOST=\n", "one a line, into host.env, for DB_PASS", False),
        ("compose.yaml", ".env.example", "BEHINDY_HOST=\nDB_PASS=\n", "one a line, into host.env, for DB_PASS", True),
        ("compose.yaml", "compose/.env.example", "DB_PASS=\n", "one a line, into host.env, for DB_PASS", False),
    ],
)
def test_a_file_is_begun_from_the_example_that_the_project_has(
    tmp_path: Path, compose: str, example: str, text: str, begun: str, explained: bool
) -> None:
    for name, content in (
        (compose, "services: {web: {image: '${DB_PASS}'}}\n"),
        (example, text),
        ("a.env", "BEHINDY_HOST=h\n"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    for name in ("a.env", "missing.env"):
        with raises(Kind.USAGE) as raised:
            read_file(tmp_path / name, Project(tmp_path))
        assert raised.value.remedy.endswith(begun)
    there = scripted(root=tmp_path, env__probe=Answer(printed("DB_PASS absent absent - - - -")))
    with raises(Kind.ENVIRONMENT_INVALID) as refused:
        require_good(there.session, propose(there.session, parse("")))
    assert refused.value.remedy == f"Correct it and run again{f'; {example} explains the names' if explained else ''}."


@pytest.mark.parametrize(("body", "said"), [(b"A=\xff", "not UTF-8"), (b"A=s3cret$x\n", "line 1: A")])
def test_a_mistake_is_told_without_its_value(tmp_path: Path, body: bytes, said: str) -> None:
    (tmp_path / "a.env").write_bytes(body)
    with raises(Kind.ENVIRONMENT_INVALID) as raised:
        read_file(tmp_path / "a.env", Project(tmp_path))
    assert said in raised.value.lines[0]
    assert "s3cret" not in str(raised.value) + "".join(raised.value.lines)


def mistakes(root: Path, *states: str, more: str = "") -> tuple[str, ...]:
    there = scripted(
        root=checkout(root),
        env__probe=Answer(printed(*states, more=more)),
        host__survey=Answer('@ versions\n"26.1"\n2.26.1\n@ end\n'),
    )
    proposal = propose(there.session, parse("DB_PASS=s3cret\n"))
    with raises(Kind.ENVIRONMENT_INVALID, match="cannot be started") as raised:
        require_good(there.session, proposal)
    return raised.value.lines


@pytest.mark.parametrize(
    ("states", "more", "said"),
    [
        (("DB_PASS absent set differs yes - no",), "", ("JWT: missing; needed by backend",)),
        ((GOOD[0], "JWT set set differs yes - yes"), "", ("JWT: still the placeholder",)),
        ((*GOOD, "URL set set differs no - no"), "", ("URL: docker compose on the host reads it differently",)),
        (GOOD, "@ new! 1\n@ new.err\nline 2\n", ("docker compose on the host cannot read it (line 2)",)),
        (GOOD, "@ config! 1\n@ config.err\nbad s3cret here\n", ("bad [hidden] here",)),
    ],
)
def test_what_the_services_cannot_be_started_with(
    tmp_path: Path, states: tuple[str, ...], more: str, said: tuple[str, ...]
) -> None:
    told = mistakes(tmp_path, *states, more=more)
    assert len(told) == len(said)
    assert all(line.startswith(start) for line, start in zip(told, said, strict=True)), told


def test_a_value_that_begins_with_another_is_hidden_whole(tmp_path: Path) -> None:
    said = printed(*GOOD, more="@ config! 1\n@ config.err\nbad s3cret-and-more here\n")
    there = scripted(root=checkout(tmp_path), env__probe=Answer(said))
    with raises(Kind.ENVIRONMENT_INVALID) as raised:
        require_good(there.session, propose(there.session, parse("DB_PASS=s3cret\nJWT=s3cret-and-more\n")))
    assert raised.value.lines == ("bad [hidden] here",)
