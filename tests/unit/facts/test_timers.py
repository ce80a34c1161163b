"""What the host did by itself is read, whatever is in its files."""

from __future__ import annotations

import pytest

from behindy_ops.facts.timers import Timed, parse


def test_a_run_is_read() -> None:
    line = 'backup on 1000 {"at": 2000, "ok": false, "good": 1500, "said": "no room"}'
    assert parse([line]) == (Timed("backup", on=True, placed=1000, at=2000, ok=False, good=1500, said="no room"),)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": "x", "good": null}'])
def test_what_cannot_be_read_is_no_run(text: str) -> None:
    assert parse([f"certs off 0 {text}"]) == (Timed("certs", on=False, placed=0),)
