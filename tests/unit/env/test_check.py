"""Each thing that is wrong with a ``.env`` is told by its name, never by its value."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.env.check import as_json, check, lines
from behindy_ops.errors import Kind
from tests.kinds import raises
from tests.scripted import Answer, scripted
from tests.unit.env.declared import checkout, printed

GOOD = ("DB_PASS set absent differs - no -", "JWT set absent differs - no -")
NO_COMPOSE = Answer("@ end\n")
COMPOSE = Answer('@ versions\n"26.1" "1.45" "amd64"\n2.26.1\n@ end\n')


def test_a_complete_file_is_said_to_be_complete(tmp_path: Path) -> None:
    verdict = check(scripted(root=checkout(tmp_path), env__probe=Answer(printed(*GOOD))).session)
    assert verdict.complete
    assert [line.text for line in lines(verdict, "it")] == ["it has everything the services need."]
    assert as_json(verdict)["complete"]


def test_each_thing_that_is_wrong_is_told_by_its_name(tmp_path: Path) -> None:
    states = ("DB_PASS empty", "URL set", "TYPO set")
    text = printed(*(f"{state} absent differs - no -" for state in states), mode="644", more="@ weak\nhost URL\n")
    verdict = check(scripted(root=checkout(tmp_path), env__probe=Answer(text)).session)
    assert not verdict.complete
    assert as_json(verdict) == {
        "missing": ["JWT"], "empty": ["DB_PASS"], "placeholder": ["URL"], "dollar": [], "unknown": ["TYPO"],
        "mode": "644", "present": True, "complete": False,
        "needed_by": {"JWT": ["backend"], "DB_PASS": ["db", "backend"]},
    }  # fmt: skip
    said = "\n".join(line.text for line in lines(verdict, "it"))
    for part in ("JWT: missing; needed by backend", "DB_PASS: empty; needed by db, backend", "mode 644", "inv env.set"):
        assert part in said


def test_an_unknown_name_alone_does_no_harm(tmp_path: Path) -> None:
    text = printed(*GOOD, "TYPO set absent differs - no -")
    verdict = check(scripted(root=checkout(tmp_path), env__probe=Answer(text)).session)
    assert verdict.complete
    assert as_json(verdict)["unknown"] == ["TYPO"]


def test_a_host_without_the_file_is_told_how_to_get_one(tmp_path: Path) -> None:
    verdict = check(scripted(root=checkout(tmp_path), env__probe=Answer(printed(mode="", sha="none"))).session)
    assert not verdict.complete
    assert "inv env.push" in lines(verdict, "it")[-1].text
    assert as_json(verdict)["present"] is False


@pytest.mark.parametrize(
    ("problem", "survey", "kind"),
    [
        ("line 3", NO_COMPOSE, Kind.ENVIRONMENT_INVALID),
        ("", NO_COMPOSE, Kind.HOST_NOT_READY),
        ("", COMPOSE, Kind.ENVIRONMENT_INVALID),
    ],
)
def test_a_file_that_cannot_be_read_is_told_apart_from_a_missing_compose(
    tmp_path: Path, problem: str, survey: Answer, kind: Kind
) -> None:
    text = printed(more=f"@ old! 1\n@ old.err\n{problem}\n")
    with raises(kind):
        check(scripted(root=checkout(tmp_path), env__probe=Answer(text), host__survey=survey).session)


@pytest.mark.parametrize(("code", "kind"), [(80, Kind.FILES_MISSING), (77, Kind.HOST_NOT_READY)])
def test_what_keeps_the_host_from_looking(tmp_path: Path, code: int, kind: Kind) -> None:
    with raises(kind):
        check(scripted(root=checkout(tmp_path), env__probe=Answer("", code)).session)
