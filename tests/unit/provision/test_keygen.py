"""A key that can run commands, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.errors import Kind
from behindy_ops.host.keys import parse
from behindy_ops.provision.keygen import make
from tests.kinds import raises


def test_a_key_pair_is_created_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    line = make(file, comment="ci", sources="203.0.113.7")
    assert file.stat().st_mode & 0o777 == 0o600
    public = parse(file.read_text())
    assert line == f'restrict,from="203.0.113.7" ssh-ed25519 {public.get_base64()} ci'
    assert (tmp_path / "key.pub").read_text() == f"{line}\n"
    assert make(tmp_path / "other", comment="ci").startswith("restrict ssh-ed25519 ")


@pytest.mark.parametrize("existing", ["key", "key.pub"])
def test_a_file_that_exists_is_left_as_it_was(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("mine")
    with raises(Kind.USAGE, match="exists already"):
        make(tmp_path / "key", comment="ci")
    assert [file.name for file in tmp_path.iterdir()] == [existing]
    with raises(Kind.USAGE, match="Could not create"):
        make(tmp_path / "nowhere" / "key", comment="ci")


@pytest.mark.parametrize(("comment", "sources"), [("two words", ""), ("ci", 'x",command="y')])
def test_nothing_else_can_be_put_into_authorized_keys(tmp_path: Path, comment: str, sources: str) -> None:
    with raises(Kind.USAGE, match="cannot be used"):
        make(tmp_path / "key", comment=comment, sources=sources)
    assert list(tmp_path.iterdir()) == []
