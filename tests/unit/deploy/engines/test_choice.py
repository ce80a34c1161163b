"""What runs the services: by the settings, or found out from the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.deploy.engines import choice
from behindy_ops.project.project import Project
from behindy_ops.project.settings import Settings

OURS = Project(Path(__file__).resolve().parents[4])


@pytest.mark.parametrize(
    ("engine", "project", "network"),
    [
        ("", OURS, "behindy-ops_internal-swarm"),
        ("", Project(Path("/nowhere")), ""),
        ("swarm", OURS, ""),
        ("single", OURS, ""),
    ],
)
def test_a_host_is_asked_by_the_network_of_the_swarm_unless_the_settings_say(
    engine: str, project: Project, network: str
) -> None:
    assert choice.network(Settings(host="h", engine=engine), project.names) == network


def test_what_was_found_out_holds_for_that_host_and_for_settings_that_do_not_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "_found", set())
    choice.found(Settings(host="one"))
    engines = [
        choice.settled(Settings(host=host, engine=engine)).engine
        for host, engine in [("one", ""), ("one", "single"), ("two", "")]
    ]
    assert engines == ["swarm", "single", ""]
