"""The machines of a swarm, as the one that is asked knows them."""

from __future__ import annotations

import json

from behindy_ops.facts.member import Member, parse_members


def test_the_one_that_was_asked_comes_first() -> None:
    usual = {"status": "ready", "availability": "active", "memory": 7}
    lines = [json.dumps({"id": name, "name": name, **usual}) for name in ("gamma", "alpha")]
    lines.append(json.dumps({"id": "b", "name": "beta", "here": True, **usual}))
    assert [member.name for member in parse_members(lines)] == ["beta", "alpha", "gamma"]
    assert parse_members(lines)[0] == Member("beta", "ready", "active", 7, here=True)
    assert parse_members([]) == ()
