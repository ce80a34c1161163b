"""Who has the host's lock, as it is told."""

from __future__ import annotations

import pytest

from behindy_ops.facts.changing import Changing, parse_changing

KIM = '{"who": "kim@mac", "what": "deploy of web", "since": "2026-01-31T09:30:00+00:00"}'


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([KIM], "kim@mac is changing this host: deploy of web, since 2026-01-31T09:30:00+00:00"),
        (["{}"], "somebody is changing this host: unknown, since unknown"),
        (["torn {"], "somebody is changing this host: unknown, since unknown"),
        (['{"who": "\\u001b[2Jx"}'], "[2Jx is changing this host: unknown, since unknown"),
    ],
)
def test_who_is_at_it_is_said_in_words(lines: list[str], told: str) -> None:
    found = parse_changing(lines)
    assert found is not None
    assert found.described() == told


def test_nobody_is() -> None:
    assert parse_changing([]) is None
    assert parse_changing([KIM]) == Changing("kim@mac", "deploy of web", "2026-01-31T09:30:00+00:00")
