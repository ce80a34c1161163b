"""What the host's history has of a deploy."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from behindy_ops.deploy.history import begun, drained, ended
from tests.unit.deploy.states import SETTINGS, state_of


@pytest.mark.parametrize("line", [begun, drained, lambda state: ended(state, "live")])
@pytest.mark.parametrize("environment", ["staging", ""])
def test_each_line_names_the_environment_where_one_is_chosen(line: object, environment: str) -> None:
    assert callable(line)
    entry = json.loads(line(state_of(settings=replace(SETTINGS, environment=environment))))
    assert entry.get("environment", "") == environment
    assert ("environment" in entry) == bool(environment)
    assert (entry["service"], entry["kind"]) == ("web", "deploy")
