"""What the host says of its ``.env``, read."""

from __future__ import annotations

import pytest

from behindy_ops.facts.environment import Comparison, NameState, parse
from behindy_ops.facts.environment import private as is_private
from behindy_ops.facts.replies import read

PRINTED = """@ host
mode 640
sha f00
@ states
A set empty differs no - yes
@ old! 1
@ old.err
line 3
@ weak
host B
@ services
old db 1
live db
@ replaced
yes
@ end
"""


def test_what_the_host_prints_is_read() -> None:
    state = NameState("A", "set", "empty", same=False, misread=True)
    assert parse(read(PRINTED, "@")) == Comparison(
        "640",
        "f00",
        (state,),
        (frozenset({"B"}), frozenset({"A"})),
        {"db": "1"},
        problems={"old": "line 3"},
        replaced="yes",
    )


@pytest.mark.parametrize(
    ("mode", "private"), [("600", True), ("400", True), ("", True), ("640", False), ("644", False)]
)
def test_a_file_is_private_if_nobody_but_its_owner_may_read_it(mode: str, private: bool) -> None:
    assert is_private(mode) is private
