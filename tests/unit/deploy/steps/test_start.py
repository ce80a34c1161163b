"""Starting the candidate."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.state import Phase
from behindy_ops.deploy.steps.once import StartBefore
from behindy_ops.deploy.steps.start import Start
from behindy_ops.deploy.steps.step import Step
from behindy_ops.errors import Kind
from behindy_ops.facts.release import Release
from behindy_ops.host.exit_codes import Code
from behindy_ops.project.services import Once
from tests.unit.deploy.states import answer, described, state_of


def test_it_is_told_the_history_line_the_release_and_the_override_on_stdin() -> None:
    begun, description, override = Start().command(state_of()).stdin.decode().split("\n", 2)
    assert json.loads(begun)["event"] == "begun"
    assert json.loads(description)["id"] == "r2"
    stanza = json.loads(override)["services"]["web"]
    assert stanza["container_name"] == "web-green"
    assert stanza["labels"]["behindy.previous"] == "r1"
    assert stanza["networks"] == {"internal": {"priority": 1000}}


@pytest.mark.parametrize(
    ("what", "port", "networks"),
    [
        (Start(), 0, None),
        (Start(), 3000, {"internal": {"priority": 1000}}),
        (StartBefore(Once(("migrate",))), 0, None),
        (StartBefore(Once(("migrate",))), 3000, {"internal": {"priority": 1000}}),
    ],
)
def test_what_nobody_asks_and_is_declared_on_other_networks_stays_off_nginxs(
    what: Step, port: int, networks: object
) -> None:
    state = state_of()
    survey = replace(state.survey, names=replace(state.names, apart=("web",)))
    apart = replace(state, service=replace(state.service, port=port), survey=survey)
    _, _, override = what.command(apart).stdin.decode().split("\n", 2)
    assert json.loads(override)["services"]["web"].get("networks") == networks


def test_compose_is_told_the_key_of_the_stanza_and_the_containers_own_name_and_project() -> None:
    state = state_of()
    named = replace(state, service=replace(state.service, stanza="site"))
    _, _, override = Start().command(named).stdin.decode().split("\n", 2)
    (key,) = services = json.loads(override)["services"]
    assert (key, services[key]["container_name"]) == ("site", "web-green")
    assert services[key]["labels"]["behindy.project"] == "behindy-ops"
    assert services[key]["labels"]["behindy.service"] == "web"


def test_an_earlier_releases_files_are_used_for_a_rollback() -> None:
    target = Release("r0", "web", "me/web", "v0", "sha256:aa", "sha256:0")
    assert Start().command(state_of(Goal("rollback", target=target))).argv[-3:] == ("web/r0", "behindy-ops", "nginx")
    assert Start().command(state_of()).argv[-3] == ""


def test_the_candidate_comes_with_the_restart_policy_it_gets_at_the_switch() -> None:
    read = Start().read(state_of(green=None), answer(f"policy always\nstate {described()}\n"))
    assert read.state.candidate.restart_policy == "always"
    assert read.state.candidate.id == "new"


def test_a_failure_refuses_the_release_with_what_was_said() -> None:
    error = Start().read(state_of(green=None), answer(code=1, err="no such image")).error
    assert error is not None
    assert (error.kind, error.lines) == (Kind.RELEASE_REFUSED, ("no such image",))
    assert Start.enters is Phase.STARTED


def test_a_volume_that_the_live_release_keeps_is_told_and_an_empty_one_in_its_place_refused() -> None:
    read = Start().read(state_of(green=None), answer(f"left old_u ours_u\npolicy no\nstate {described()}\n"))
    assert [str(event) for event in read.events if "old_u" in str(event) and "ours_u" in str(event)]
    result = replace(answer(code=Code.OTHER_VOLUME, err="docker run -v a:/from"), command=Start().command(state_of()))
    error = Start().read(state_of(green=None), result).error
    assert error is not None
    assert (error.kind, error.lines) == (Kind.RELEASE_REFUSED, ("docker run -v a:/from",))
    assert "docker volume create" in error.remedy


def test_a_file_that_the_release_does_not_keep_is_told_by_its_whole_path() -> None:
    said = f"policy no\nunkept /srv/my files/key\nstate {described()}\n"
    (event,) = Start().read(state_of(green=None), answer(said)).events
    assert str(event).count("/srv/my files/key is not kept with this release") == 1


def test_an_edge_that_does_not_follow_is_no_fault_of_the_release() -> None:
    said = "nginx on the edge 10.0.0.2 does not follow"
    result = replace(answer(code=Code.EDGE_BEHIND, err=said), command=Start().command(state_of()))
    error = Start().read(state_of(green=None), result).error
    assert error is not None
    assert (error.kind, error.lines) == (Kind.NGINX_NOT_READY, (said,))
    assert "host.setup --swarm --edge" in error.remedy
