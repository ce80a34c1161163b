"""Whole deploys on a simulated host, from the command an operator types to what is left on the host."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.deploy import replace as replacing
from behindy_ops.errors import STILL_RUNNING, UNCHANGED, BehindyError, Interrupted, Kind, SwitchedBack
from behindy_ops.project.secret import Secret
from behindy_ops.project.services import Expect, HealthPolicy
from behindy_ops.report.events import Decision, DeployFinished, Logs, StepFailed, StepStarted, TakenBack, Warning_
from tests.kinds import raises
from tests.simulator.docker import Behaviour
from tests.simulator.faults import Fault, plan, plan_during
from tests.simulator.scripts import each_of, name_of
from tests.simulator.simulation import SERVICES, ClientKilled, Simulation
from tests.simulator.start import begin

if TYPE_CHECKING:
    from tests.simulator.docker import Box

DAY = 86_400.0

WHOLE = ["pull", "start_green", "assets", "look_inside", "look_outside", "swap", "look_outside", "watch"]


@pytest.fixture
def host() -> Simulation:
    """Three services, each deployed twice."""
    return begin()


def sent(simulation: Simulation, connection: int = -1) -> list[str]:
    """The scripts a client has sent."""
    commands = simulation.connections[connection].sent
    return [name_of(each) for command in commands for each in each_of(command)]


def steps(simulation: Simulation) -> list[str]:
    return [event.step for event in simulation.events if isinstance(event, StepStarted)]


def warnings(simulation: Simulation) -> list[str]:
    return [event.text for event in simulation.events if isinstance(event, Warning_)]


def decisions(simulation: Simulation) -> str:
    return "\n".join(event.text for event in simulation.events if isinstance(event, Decision))


def outcomes(simulation: Simulation) -> list[str]:
    return [event.outcome for event in simulation.events if isinstance(event, DeployFinished)]


def history(simulation: Simulation) -> list[dict[str, Any]]:
    return [json.loads(line) for line in simulation.world.history]


def ended(simulation: Simulation) -> list[dict[str, Any]]:
    return [entry for entry in history(simulation) if entry["event"] == "ended"]


def live(simulation: Simulation, service: str = "frontend") -> Box:
    found = simulation.world.live(service)
    assert found is not None
    return found


def tag(simulation: Simulation, service: str = "frontend") -> str:
    return live(simulation, service).labels["behindy.tag"]


def test_a_deploy_goes_step_by_step_and_sends_these_commands(host: Simulation) -> None:
    before = live(host)
    host.deploy("frontend", tag="mended")
    after = live(host)
    assert steps(host) == [
        "survey", "preflight", "pull", "start", "assets", "internal", "rehearsal", "switch", "external", "watch",
        "drain", "tidy", "verify",
    ]  # fmt: skip
    assert sent(host) == [*WHOLE, "leave", "tidy", "verify"]
    each = [part for command in host.connections[-1].sent for part in each_of(command)]
    swap = next(command for command in each if command.argv[3] == "deploy/swap")
    assert swap.argv[4:] == (
        *(before.id, "frontend-blue", "frontend", after.id, "frontend", "always"),
        *("nginx", "frontend"),
    )
    assert (outcomes(host), warnings(host), tag(host)) == (["live"], [], "mended")
    told = [
        getattr(event, "step", "") or getattr(event, "text", "")
        for event in host.events
        if not isinstance(event, StepStarted)
    ]
    proven = next(number for number, text in enumerate(told) if "is live and proven after" in text)
    assert told[proven - 1] == "external"
    assert told.index("watch") > proven
    assert host.rules.at_rest("frontend") == ""
    began, ended, drained = history(host)
    assert (began["event"], ended["event"], ended["outcome"]) == ("begun", "ended", "live")
    assert list(ended["seconds"]) == steps(host)[:-3]
    assert (drained["event"], drained["outcome"]) == ("drained", "removed")
    assert began["previous"] == before.labels["behindy.release"]


def test_every_command_that_changes_something_is_fenced_and_the_others_are_not(host: Simulation) -> None:
    host.deploy("frontend", tag="mended")
    sent_at_all = [each for command in host.connections[-1].sent for each in each_of(command)]
    changing = {name_of(command) for command in sent_at_all if command.changes}
    assert changing == {"start_green", "assets", "swap", "tidy", "leave", "verify"}


def test_the_image_is_the_digest_that_was_pulled_even_if_the_tag_moves_meanwhile(host: Simulation) -> None:
    host.world.checks.append(lambda: host.push("frontend", "mended") if "start_green" in running(host) else None)
    host.deploy("frontend", tag="mended")
    assert live(host).labels["behindy.digest"] == live(host).image.digest


def running(simulation: Simulation) -> set[str]:
    return {process.name for process in simulation.world.processes}


def test_a_first_deploy_has_nothing_to_drain_or_stop() -> None:
    simulation = begin(deployed=False)
    simulation.deploy("frontend", tag="first")
    before = ["pull", "start_green", "assets", "look_inside", "look_outside"]
    assert sent(simulation) == [*before, "swap", "look_outside", "watch", "verify"]
    assert "First deploy of frontend" in decisions(simulation)
    assert live(simulation).policy == "always"


def kept_files(simulation: Simulation) -> set[str]:
    """The releases of frontend whose static files nginx can serve."""
    return {release for service, release in simulation.world.static_files if service == "frontend"}


def test_static_files_are_kept_before_the_switch_and_stay_with_every_release_that_users_have_met(
    host: Simulation,
) -> None:
    host.world.static_files.clear()  # both were deployed by a version that kept none
    first = live(host).labels["behindy.release"]
    seen: list[set[str]] = []
    host.world.checks.append(lambda: seen.append(kept_files(host)) if "swap" in running(host) else None)
    host.deploy("frontend", tag="mended")
    second = live(host).labels["behindy.release"]
    assert (seen[0], kept_files(host)) == ({first, second}, {first, second})
    with raises(Kind.RELEASE_REFUSED):
        host.deploy("frontend", tag="bad-inside")
    assert kept_files(host) == {first, second}
    with pytest.raises(SwitchedBack):
        host.deploy("frontend", tag="bad-in-public")
    assert len(kept_files(host)) == 3
    host.roll_back("frontend")
    assert kept_files(host) >= {first, second, live(host).labels["behindy.release"]}
    assert warnings(host) == []


def test_a_service_that_is_reached_through_one_not_there_yet_is_checked_by_its_own_path() -> None:
    simulation = begin(deployed=False)
    simulation.deploy("llmserver", tag="first")
    assert "backend is not there yet: llmserver is checked through /llm/health" in decisions(simulation)
    simulation.forget()
    simulation.deploy("backend", tag="first")
    simulation.deploy("llmserver", tag="second")
    asked = [
        part.argv[-2:]
        for command in simulation.connections[-1].sent
        for part in each_of(command)
        if part.argv[3] == "deploy/look_outside"
    ]
    assert asked[-1] == ("https://behindy.me/api/ai-stories/health", "https://behindy.me/llm/health")


def test_what_is_live_with_the_same_configuration_is_not_deployed_again(host: Simulation) -> None:
    before = live(host)
    host.deploy("frontend", tag="second")
    assert (sent(host), outcomes(host)) == (["pull"], ["unchanged"])
    assert "nothing to do" in decisions(host)
    assert live(host) is before


@pytest.mark.parametrize("why", ["--force", "its configuration changed"])
def test_the_same_image_is_deployed_anew_for_a_reason(host: Simulation, why: str) -> None:
    before = live(host)
    if why != "--force":
        host.world.config["frontend"] = "changed"
    host.deploy("frontend", tag="second", force=why == "--force")
    assert f"Redeploying the same image: {why}" in decisions(host)
    assert live(host).id != before.id
    assert live(host).labels["behindy.config"] == host.world.config["frontend"]


@pytest.mark.parametrize(
    ("release", "words", "asked"),
    [
        ("exits", "it exited (exit code 3)", "look_inside"),
        ("bad-inside", "HTTP 500, 3 attempts in a row", "look_inside"),
        ("bad-through-nginx", "is fine from inside but not through https://behindy.me/: HTTP 500", "look_outside"),
    ],
)
def test_a_release_that_is_bad_before_the_switch_never_meets_a_user(
    host: Simulation, release: str, words: str, asked: str
) -> None:
    before = live(host)
    with raises(Kind.RELEASE_REFUSED) as caught:
        host.deploy("frontend", tag=release)
    assert words in caught.value.what
    assert caught.value.state == "The live release was never touched and is still running."
    assert (live(host), sent(host)[-3:]) == (before, [asked, "discard", "record"])
    assert host.rules.at_rest("frontend") == ""
    assert [event.title for event in host.events if isinstance(event, Logs)][-1] == "Last 1 log line of frontend-green"
    assert [kept.status for kept in host.world.dirs.values()][-1] == "failed"
    assert history(host)[-1]["outcome"] == "refused"


def test_fifteen_attempts_are_made_three_seconds_apart_in_no_time() -> None:
    host = begin()
    host.world.services["frontend"] = replace(SERVICES["frontend"], health=HealthPolicy(look=1.0))
    begun = host.world.now
    with raises(Kind.RELEASE_REFUSED, match="15 attempts in a row"):
        host.deploy("frontend", tag="bad-inside")
    assert sent(host).count("look_inside") == 15
    assert 45 <= host.world.now - begun < 52


def test_a_slow_release_is_waited_for(host: Simulation) -> None:
    host.deploy("frontend", tag="slow")
    assert tag(host) == "slow"


def test_without_a_rehearsal_token_the_check_after_the_switch_remains(host: Simulation) -> None:
    host = begin(rehearsals=False)
    with pytest.raises(SwitchedBack):
        host.deploy("frontend", tag="bad-through-nginx")
    assert "The host has no rehearsal token" in warnings(host)[0]
    assert tag(host) == "second"


@pytest.mark.parametrize(
    ("release", "words"),
    [("bad-in-public", "it fails from outside: HTTP 500"), ("dies-while-watched", "it was OOM-killed")],
)
def test_a_release_that_turns_bad_after_the_switch_is_taken_back(host: Simulation, release: str, words: str) -> None:
    before = live(host)
    with pytest.raises(SwitchedBack) as caught:
        host.deploy("frontend", tag=release)
    assert words in caught.value.what
    assert caught.value.state == "The previous release serves again, checked from outside."
    assert (live(host), sent(host)[-4:]) == (before, ["look_outside", "drain", "discard", "record"])
    assert host.rules.at_rest("frontend") == ""
    assert [kept.status for kept in host.world.dirs.values()][-1] == "failed"
    assert history(host)[-1]["outcome"] == "switched back"
    (back,) = (event for event in host.events if isinstance(event, TakenBack))
    assert (back.service, words in back.reason) == ("frontend", True)


def test_a_first_release_that_is_bad_in_public_is_removed_and_nothing_serves() -> None:
    simulation = begin(deployed=False)
    with pytest.raises(SwitchedBack, match="nothing serves it now"):
        simulation.deploy("frontend", tag="bad-in-public")
    assert list(simulation.world.engine.boxes.values()) == [simulation.world.engine.find("nginx")]


def test_a_live_container_that_refuses_connections_is_not_proven_by_blue_answering_for_it(host: Simulation) -> None:
    def close_the_port() -> None:
        box = host.world.live("frontend")
        if box is not None and box is not before:
            box.ready = math.inf

    before = live(host)
    host.world.checks.append(close_the_port)
    with pytest.raises(SwitchedBack, match="another container answered in its place; itself: connection refused"):
        host.deploy("frontend", tag="good")
    assert live(host) is before


def test_connections_that_stay_open_are_cut_at_the_deadline_and_said_so(host: Simulation) -> None:
    live(host).busy = host.world.now + 3600
    host.deploy("frontend", tag="mended", wait_drain=True)
    (said,) = warnings(host)
    assert said.startswith("1 connection(s) to the previous release were still open after 30 s")
    assert outcomes(host) == ["live"]


def test_a_long_request_is_waited_for(host: Simulation) -> None:
    live(host).busy = host.world.now + 20
    begun = host.world.now
    host.deploy("frontend", tag="mended", wait_drain=True)
    assert host.world.now - begun > 20
    assert warnings(host) == []


def test_a_blue_that_cannot_be_removed_is_reported_and_the_deploy_stands(host: Simulation) -> None:
    host.world.engine.stuck_until = host.world.now + 20
    host.deploy("frontend", tag="mended", wait_drain=True)
    assert "frontend-blue could not be removed; the next deploy will." in warnings(host)[0]
    assert "device is busy" in warnings(host)[0]
    assert (outcomes(host), tag(host)) == (["live"], "mended")
    host.world.pass_time(20)
    host.recover()
    assert host.rules.at_rest("frontend") == ""
    assert tag(host) == "mended"


def test_images_that_cannot_be_removed_are_reported_and_the_deploy_stands(host: Simulation) -> None:
    host.world.engine.kept.add("me/behindy-frontend:first")
    host.deploy("frontend", tag="mended")
    assert "Old images could not all be removed" in warnings(host)[0]
    assert (outcomes(host), tag(host)) == (["live"], "mended")


def test_the_images_of_the_live_release_and_of_the_one_before_it_stay(host: Simulation) -> None:
    previous = live(host).image
    host.deploy("frontend", tag="mended")
    tags = {name for image in host.world.engine.images.values() for name in image.tags if "frontend" in name}
    assert tags == {"me/behindy-frontend:mended", "me/behindy-frontend:second"}
    assert host.world.engine.stored("me/behindy-frontend:second") is previous
    host.push("frontend", "third")
    host.deploy("frontend", tag="third")
    host.deploy("frontend", tag="second")  # an older one again: what was live before it is the previous one
    tags = {name for image in host.world.engine.images.values() for name in image.tags if "frontend" in name}
    assert tags == {"me/behindy-frontend:second", "me/behindy-frontend:third"}
    host.roll_back("frontend")
    assert tag(host) == "third"
    assert "pull" not in sent(host)


def test_all_services_are_deployed_in_order_and_the_first_failure_ends_it(host: Simulation) -> None:
    host.push("backend", "third", host.world.engine.registry["me/behindy-backend:bad-inside"].behaviour)
    for service in ("llmserver", "frontend"):
        host.push(service, "third")
    with raises(Kind.RELEASE_REFUSED, match="backend-green is not healthy"):
        host.deploy(tag="third")
    assert [tag(host, service) for service in SERVICES] == ["third", "second", "second"]
    changing = [command for command in host.connections[-1].sent if command.changes]
    assert not any("frontend" in word for command in changing for word in command.argv[4:])


@pytest.mark.parametrize(
    ("problem", "error", "words"),
    [
        ("no image", Kind.IMAGE_NOT_FOUND, "There is no image me/behindy-frontend:nowhere."),
        ("refused", Kind.REGISTRY_REFUSED, "The registry refused the login."),
    ],
)
def test_an_image_that_cannot_be_had_ends_the_deploy_with_nothing_changed(
    host: Simulation, problem: str, error: Kind, words: str
) -> None:
    before = live(host)
    if problem == "refused":
        host.settings = replace(host.settings, registry_user="me", registry_token=Secret("x"))
        host.world.registry_refuses = True
    with raises(error) as caught:
        host.deploy("frontend", tag="nowhere")
    assert words in caught.value.what
    assert (live(host), sent(host), history(host)) == (before, ["pull"], [])


@pytest.mark.parametrize("tick", range(3, 12))
def test_a_daemon_that_restarts_in_the_middle_of_a_switch_leaves_no_doubt(host: Simulation, tick: int) -> None:
    plan_during(host, "swap", Fault.DOCKERD_LONG, tick=tick)
    failed = ""
    try:
        host.deploy("frontend", tag="mended")
    except BehindyError as error:
        failed = error.state
    assert (failed, tag(host)) in {("The names are as before.", "second"), ("", "mended")}
    host.world.pass_time(5)
    host.recover()
    assert host.rules.at_rest("frontend") == ""
    assert host.rules.status_of(live(host)) == "stands"


def test_while_docker_is_down_nothing_is_taken_for_steady(host: Simulation) -> None:
    host.world.engine.go_down(3)
    for run in (host.recover, host.deploy):
        with raises(Kind.HOST_NOT_READY, match="not responding"):
            run()
    host.world.pass_time(5)
    host.recover()


def test_a_candidate_that_was_live_a_moment_ago_is_drained_before_the_next_run_removes_it(host: Simulation) -> None:
    old = live(host)

    def kill_once_it_is_taken_back() -> None:
        green = host.world.engine.named("frontend-green")
        if host.clients and green is not None and green.named > float("-inf"):
            host.world.checks.remove(kill_once_it_is_taken_back)
            plan(host, 1, Fault.KILLED)

    plan_during(host, "watch", Fault.CRASH)
    host.world.checks.append(kill_once_it_is_taken_back)
    with pytest.raises(ClientKilled):
        host.deploy("frontend", tag="mended")
    host.world.pass_time(0.2)
    assert live(host) is old
    host.recover("frontend")
    assert (sent(host), live(host)) == (["drain", "stop_blue", "survey", "record"], old)


@pytest.mark.parametrize("tick", [1, 2, 3, 4])
@pytest.mark.parametrize("script", ["watch", "verify"])
def test_an_engine_that_is_away_for_25_seconds_is_no_verdict(host: Simulation, script: str, tick: int) -> None:
    plan_during(host, script, Fault.DOCKERD_AWAY, tick=tick)
    host.deploy("frontend", tag="mended")
    assert live(host).image.behaviour.good
    assert ended(host)[-1]["outcome"] == "live"


@pytest.mark.parametrize("tick", range(1, 7))
def test_an_engine_that_goes_away_during_the_switch_leaves_one_of_both_live(host: Simulation, tick: int) -> None:
    plan_during(host, "swap", Fault.DOCKERD_AWAY, tick=tick)
    try:
        host.deploy("frontend", tag="mended")
    except BehindyError as error:
        assert (error.kind, error.state) == (Kind.SWITCH_FAILED, "The names are as before.")  # noqa: PT017
    assert live(host).running


def test_an_engine_that_stays_away_takes_no_release_back(host: Simulation) -> None:
    def gone() -> None:
        if any(process.name == "watch" for process in host.world.processes):
            host.world.checks.remove(gone)
            host.world.engine.go_down(400)

    host.world.checks.append(gone)
    with raises(Kind.HOST_NOT_READY) as caught:
        host.deploy("frontend", tag="mended")
    assert "The new release has the name" in caught.value.state
    host.world.pass_time(400)
    host.recover("frontend")
    assert live(host).image.behaviour.good
    assert host.world.engine.named("frontend-blue") is None


def test_a_failed_step_is_told_as_failed(host: Simulation) -> None:
    with raises(Kind.RELEASE_REFUSED):
        host.deploy("frontend", tag="exits")
    assert [event.step for event in host.events if isinstance(event, StepFailed)] == ["internal"]


def test_a_rollback_goes_to_the_previous_release_with_the_configuration_it_had(host: Simulation) -> None:
    host.world.config["frontend"] = "changed"
    host.deploy("frontend", tag="mended")
    host.roll_back("frontend")
    assert (tag(host), live(host).labels["behindy.config"]) == ("second", "c0ffee")
    assert "pull" not in sent(host)
    assert host.world.dirs["frontend", live(host).labels["behindy.release"]].config == "c0ffee"
    assert history(host)[-1]["kind"] == "rollback"


@pytest.mark.parametrize("refused", [2, 5])
def test_after_refused_releases_a_rollback_still_has_its_image(host: Simulation, refused: int) -> None:
    for number in range(refused):
        host.push("frontend", f"bad-{number}", Behaviour(inside=500))
        with raises(Kind.RELEASE_REFUSED):
            host.deploy("frontend", tag=f"bad-{number}")
    host.restart("frontend")  # which removes old images
    prefix = "me/behindy-frontend:"
    there = {tag for stored in host.world.engine.images.values() for tag in stored.tags if tag.startswith(prefix)}
    assert there == {f"{prefix}first", f"{prefix}second"}
    host.roll_back("frontend")
    assert tag(host) == "first"
    assert "pull" not in sent(host)


def test_a_release_whose_page_names_a_file_it_does_not_have_is_found_by_the_rehearsal(host: Simulation) -> None:
    host.push("frontend", "without", Behaviour(lacks=("/_next/static/a.js",)))
    with raises(Kind.RELEASE_REFUSED, match="names /_next/static/a.js, and the answer to that is HTTP 404"):
        host.deploy("frontend", tag="without")
    assert tag(host) == "second"
    assert sent(host)[-4:] == ["look_outside", "look_outside", "discard", "record"]


@pytest.mark.parametrize(
    ("expect", "behaviour", "reason"),
    [
        (Expect((200, 401), "welcome"), Behaviour(says="welcome home"), ""),
        (Expect((200, 401)), Behaviour(403, 401, 401), "HTTP 403: the path needs a login"),
        (Expect(body="welcome"), Behaviour(says="we are sorry"), "does not contain 'welcome'"),
    ],
)
def test_what_counts_as_healthy_decides(host: Simulation, expect: Expect, behaviour: Behaviour, reason: str) -> None:
    frontend = host.world.services["frontend"]
    host.world.services["frontend"] = replace(frontend, expect=expect)
    host.push("frontend", "expected", behaviour)
    with raises(Kind.RELEASE_REFUSED, match=reason) if reason else contextlib.nullcontext():
        host.deploy("frontend", tag="expected")
    assert tag(host) == ("second" if reason else "expected")


def test_what_was_rolled_back_from_is_not_offered_as_the_previous_release(host: Simulation) -> None:
    host.roll_back("frontend")
    assert tag(host) == "first"
    with raises(Kind.USAGE, match="no previous release"):
        host.roll_back("frontend")
    host.roll_back("frontend", to="second")
    assert tag(host) == "second"


def test_a_rollback_goes_to_a_release_by_its_id_its_tag_or_its_digest(host: Simulation) -> None:
    first = next(release for service, release in host.world.dirs if service == "frontend")
    digest = host.world.engine.stored("me/behindy-frontend:first").digest
    for wanted in (first, "second", digest, "second", digest.removeprefix("sha256:")[-64:]):
        host.roll_back("frontend", to=wanted)
        assert tag(host) == ("second" if wanted == "second" else "first")


def test_an_image_that_is_gone_is_pulled_for_a_rollback(host: Simulation) -> None:
    host.deploy("frontend", tag="mended")
    host.roll_back("frontend", to="first")
    assert sent(host)[0] == "pull"
    assert tag(host) == "first"


def test_a_restart_puts_a_new_container_of_the_same_release_live_with_its_configuration(host: Simulation) -> None:
    before = live(host)
    host.world.config["frontend"] = "changed"
    host.restart("frontend")
    after = live(host)
    assert after is not before
    assert (tag(host), after.labels["behindy.config"], after.image) == ("second", "c0ffee", before.image)
    assert "pull" not in sent(host)
    assert history(host)[-1]["kind"] == "restart"
    host.roll_back("frontend")
    assert tag(host) == "first"


def test_a_service_that_is_not_deployed_cannot_be_restarted() -> None:
    with raises(Kind.USAGE, match="nothing to restart"):
        begin(deployed=False).restart("frontend")


@pytest.mark.parametrize("release", ["bad-inside", "bad-in-public"])
def test_a_release_that_failed_is_never_gone_back_to(host: Simulation, release: str) -> None:
    with pytest.raises(BehindyError):
        host.deploy("frontend", tag=release)
    with raises(Kind.USAGE, match="No earlier release"):
        host.roll_back("frontend", to=release)
    host.roll_back("frontend")
    assert tag(host) == "first"


def test_a_rollback_to_a_release_that_turned_bad_is_refused_like_any_other(host: Simulation) -> None:
    image = host.world.engine.stored("me/behindy-frontend:first")
    image.behaviour = replace(image.behaviour, inside=500)
    with raises(Kind.RELEASE_REFUSED):
        host.roll_back("frontend")
    assert tag(host) == "second"
    assert host.rules.at_rest("frontend") == ""


@pytest.fixture
def plain(host: Simulation) -> Simulation:
    """An nginx that resolved the frontend's name when it loaded."""
    host.world.stale["frontend"] = live(host)
    return host


def test_an_nginx_with_plain_upstreams_is_reloaded_after_the_renames(plain: Simulation) -> None:
    plain.deploy("frontend", tag="mended")
    assert sent(plain)[sent(plain).index("swap") + 1] == "follow"
    assert plain.world.stale["frontend"] is live(plain)
    assert "it is reloaded after the renames" in decisions(plain)
    assert plain.rules.at_rest("frontend") == ""


def test_it_is_reloaded_too_when_the_previous_release_gets_its_name_back(plain: Simulation) -> None:
    before = live(plain)
    with pytest.raises(SwitchedBack):
        plain.deploy("frontend", tag="bad-in-public")
    assert sent(plain).count("follow") == 2
    assert plain.world.stale["frontend"] is live(plain) is before


def test_a_release_that_nginx_cannot_be_told_of_is_taken_back(plain: Simulation) -> None:
    before = live(plain)
    plain.world.reload_fails = True
    with pytest.raises(SwitchedBack, match="nginx could not be reloaded"):
        plain.deploy("frontend", tag="mended")
    assert plain.world.stale["frontend"] is live(plain) is before
    assert "inv ops.nginx --reload" in warnings(plain)[-1]


def test_what_recovery_renames_is_told_to_it_too(plain: Simulation) -> None:
    plain.world.engine.epoch += 1  # the run that did it is gone
    plain.world.engine.rename("frontend", "frontend-blue")
    plain.recover()
    assert "follow" in sent(plain)
    assert plain.rules.at_rest("frontend") == ""


def test_a_first_deploy_that_is_stopped_says_nothing_of_a_previous_release() -> None:
    for title in ("pull", "start_green", "watch"):
        host = begin(deployed=False)
        plan_during(host, title, Fault.SIGNAL)
        with pytest.raises(Interrupted) as stopped:
            host.deploy("frontend", tag="first")
        assert "previous release" not in stopped.value.state
        assert "-blue" not in f"{stopped.value.state} {stopped.value.remedy} {history(host)[-1:]}"


@pytest.mark.parametrize(("deployed", "state"), [(True, STILL_RUNNING), (False, UNCHANGED)])
def test_an_interrupted_preflight_has_changed_nothing(
    deployed: bool, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object, **__: object) -> None:
        raise Interrupted("Interrupted in: ask the registry.", signal_number=2)

    monkeypatch.setattr(replacing, "require_ready", cut)
    with pytest.raises(Interrupted) as stopped:
        begin(deployed=deployed).deploy("frontend", tag="mended")
    assert stopped.value.state == state


@pytest.mark.parametrize(("deployed", "up"), [(True, True), (False, False)])
def test_an_interrupted_recovery_says_that_it_is_up_only_of_what_is(deployed: bool, up: bool) -> None:
    host = begin(deployed=deployed)
    host.world.engine.create("frontend-green", host.world.engine.pull("me/behindy-frontend:first"))
    plan_during(host, "stop_blue", Fault.SIGNAL)
    with pytest.raises(Interrupted) as stopped:
        host.recover()
    assert ("frontend is up" in stopped.value.state) is up
    assert "may still be there" in stopped.value.state


@pytest.mark.parametrize(
    ("release", "during", "outcome"),
    [
        ("mended", "look_inside", "interrupted"),
        ("bad-in-public", "swap", "switched back"),
        ("mended", "watch", "live"),
    ],
)
def test_a_signal_is_what_the_history_gives_as_the_reason(
    host: Simulation, release: str, during: str, outcome: str
) -> None:
    plan_during(host, during, Fault.SIGNAL)
    with pytest.raises(Interrupted) as stopped:
        host.deploy("frontend", tag=release)
    assert ended(host)[-1]["outcome"] == outcome
    assert ended(host)[-1]["reason"].startswith(stopped.value.what)
    assert "last requests" not in steps(host)
    if outcome == "live":  # what was proven need not wait for the next command
        assert stopped.value.state.endswith("the host drains and stops frontend-blue.")
        assert host.rules.at_rest("frontend") == ""


def test_a_silent_cut_is_waited_out_and_the_deploy_goes_on(host: Simulation) -> None:
    plan_during(host, "pull", Fault.CUT_SILENTLY)
    host.deploy("frontend", tag="mended")
    assert (tag(host), host.rules.at_rest("frontend")) == ("mended", "")


def test_each_service_is_recorded_with_its_own_seconds(host: Simulation) -> None:
    host.deploy("frontend", "backend", tag="mended")
    alone = begin()
    alone.deploy("backend", tag="mended")
    for step in ("pull", "start", "watch"):
        assert ended(host)[-1]["seconds"][step] == pytest.approx(ended(alone)[-1]["seconds"][step], abs=0.5)


@pytest.mark.parametrize(("own", "after"), [("no", "always"), ("unless-stopped", "unless-stopped")])
def test_a_candidate_that_recovery_puts_live_keeps_a_restart_policy_of_its_own(
    host: Simulation, own: str, after: str
) -> None:
    host.world.engine.epoch += 1  # the run that did it is gone
    before = live(host)
    host.world.engine.rename("frontend", "frontend-blue")
    green = host.world.engine.create("frontend-green", before.image, before.labels)
    host.world.engine.start(green.id)
    green.policy = own
    host.recover()
    assert (live(host), green.policy) == (green, after)


def test_the_order_of_releases_is_the_hosts_whatever_the_clients_clock_says(host: Simulation) -> None:
    for ahead, release in ((DAY, "good"), (0.0, "mended"), (-400 * DAY, "slow")):
        host.ahead = ahead
        host.deploy("frontend", tag=release)
    ids = [name for service, name in host.world.dirs if service == "frontend"]
    assert ids == sorted(ids)
    assert all(abs(datetime.fromisoformat(line["at"]).timestamp() - host.world.now) < 600 for line in history(host))
    host.ahead = 0.0
    host.roll_back("frontend")
    assert tag(host) == "mended"
    host.roll_back("frontend")
    assert tag(host) == "good"


def test_a_client_far_behind_makes_nothing_of_the_live_release_forgotten(host: Simulation) -> None:
    for number in range(10):
        host.push("frontend", f"n{number}")
        host.deploy("frontend", tag=f"n{number}")
    host.ahead = -400 * DAY
    host.deploy("frontend", tag="mended")
    live_release = live(host).labels["behindy.release"]
    assert {("frontend", live_release), ("frontend", live(host).labels["behindy.previous"])} <= host.world.dirs.keys()
    host.restart("frontend")
    host.roll_back("frontend")
    assert tag(host) == "n9"


def test_after_a_clock_that_was_ahead_releases_keep_their_order(host: Simulation) -> None:
    host.deploy("frontend", tag="good")
    kept = host.world.dirs["frontend", live(host).labels["behindy.release"]]
    ahead = "20260109-000000-aaaa"
    host.world.dirs["frontend", ahead] = replace(
        kept, description=json.dumps(json.loads(kept.description) | {"id": ahead, "image_id": "sha256:ahead"})
    )
    for release in ("slow", "mended"):
        host.deploy("frontend", tag=release)
        assert live(host).labels["behindy.release"] == max(name for _, name in host.world.dirs)
    host.roll_back("frontend")
    assert tag(host) == "slow"
