"""The host's ``.env`` is replaced after a yes, and only if it is still the one that was compared."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from behindy_ops.env.candidate import propose
from behindy_ops.env.push import push
from behindy_ops.errors import Kind
from behindy_ops.project.dotenv import parse
from tests.kinds import raises
from tests.scripted import Answer, Scripted, scripted
from tests.unit.env.declared import checkout, printed

TEXT = "DB_PASS=1\nJWT=2\n"
STATES = ("DB_PASS absent set differs yes - no", "JWT absent set differs yes - no")
COMPARED = Answer(printed(*STATES))


def replaced(how: str) -> Answer:
    return Answer(printed(*STATES, more=f"@ replaced\n{how}\n"))


def run(there: Scripted, answer: bool = True) -> bool:
    proposal = propose(there.session, parse(TEXT))
    return push(there.session, proposal, lambda _: answer, task="env.push") is not None


def test_after_a_yes_it_is_replaced_under_the_lock(tmp_path: Path) -> None:
    there = scripted(root=checkout(tmp_path), env__probe=[COMPARED, replaced("yes")])
    assert run(there)
    assert there.host.locked == ["env.push"]
    assert there.host.commands[-1].argv[-4:-2] == ("replace", "abc")


def test_after_a_no_it_stays(tmp_path: Path) -> None:
    there = scripted(root=checkout(tmp_path), env__probe=[COMPARED])
    assert not run(there, answer=False)
    assert there.host.locked == []


@pytest.mark.parametrize(
    ("how", "kind"),
    [("changed", Kind.LEASE_LOST), ("no", Kind.REMOTE_COMMAND_FAILED), ("", Kind.REMOTE_COMMAND_FAILED)],
)
def test_what_was_not_replaced_is_an_error(tmp_path: Path, how: str, kind: Kind) -> None:
    with raises(kind):
        run(scripted(root=checkout(tmp_path), env__probe=[COMPARED, replaced(how)]))


@pytest.mark.parametrize(("mode", "writes"), [("600", False), ("644", True)])
def test_the_same_text_is_written_again_only_if_others_may_read_it(tmp_path: Path, mode: str, writes: bool) -> None:
    sha = hashlib.sha256(TEXT.encode()).hexdigest()
    there = scripted(
        root=checkout(tmp_path), env__probe=[Answer(printed(*STATES, mode=mode, sha=sha)), replaced("yes")]
    )
    assert run(there) is writes
