"""What a deploy knows while it is under way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.deploy.state import Phase
from behindy_ops.facts.container import Container
from behindy_ops.facts.release import Release
from tests.unit.deploy.states import LIVE, SERVICE, state_of


def test_a_phase_is_never_gone_back_from() -> None:
    assert state_of(phase=Phase.STARTED).at(Phase.SWITCHED).phase is Phase.SWITCHED
    assert state_of(phase=Phase.PROVEN).at(Phase.SWITCHED).phase is Phase.PROVEN


@pytest.mark.parametrize(
    ("front", "status", "paths"),
    [
        (LIVE, "stands", ("/", "/r")),
        (LIVE, "candidate", ("/r",)),
        (replace(LIVE, running=False), "stands", ("/r",)),
        (None, "stands", ("/r",)),
    ],
    ids=["there", "never proven", "stopped", "not there"],
)
def test_a_path_through_another_service_proves_nothing_while_that_one_is_not_proven(
    front: Container | None, status: str, paths: tuple[str, ...]
) -> None:
    state = state_of(service=replace(SERVICE, through="front", rehearsal="/r"))
    known = (Release("r1", "front", "me/front", "v1", "", "sha256:1", status=status),)
    survey = replace(state.survey, containers={"front": front} if front else {}, releases=known)
    assert replace(state, survey=survey).public_paths == paths
