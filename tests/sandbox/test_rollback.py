"""Going back, what can be gone back to, and what the host remembers of it all."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sandbox.host.info import SandboxInfo
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.support import SERVICES, all_drained, containers, deploy, environment, inv, live_release, on_host

Release = Callable[..., str]
HISTORY = "/home/ubuntu/behindy-ops/state/history.jsonl"


def rollback(*words: str) -> str:
    inv("deploy.rollback", "frontend", "--watch", "0", *words).ok()
    return live_release("frontend")


def releases() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(inv("deploy.releases", "frontend", "--json").ok().out)["releases"]
    return found


@pytest.mark.usefixtures("live_services")
def test_a_rollback_goes_back_under_traffic_without_a_pull_and_loses_nothing(
    sandbox: SandboxInfo, release: Release
) -> None:
    deploy("frontend", release("frontend", "good")).ok()
    deploy("frontend", release("frontend", "worse")).ok()
    with Traffic(sandbox, for_service("frontend"), max_seconds=60) as traffic:
        traffic.wait_until_flowing()
        ran = inv("deploy.rollback", "frontend", "--watch", "0", "--json").ok()
        all_drained()
        result = traffic.stop()
    assert result.lost == 0, result.losses
    assert live_release("frontend") == "good"
    assert "pull" not in {event["step"] for event in ran.named("step_done")}
    assert {"internal", "rehearsal", "switch", "external", "drain"} <= {
        event["step"] for event in ran.named("step_done")
    }
    assert containers() == dict.fromkeys(SERVICES, "running")


@pytest.mark.usefixtures("live_services")
def test_a_release_that_failed_or_was_left_is_not_offered_and_one_can_be_chosen(release: Release) -> None:
    deploy("frontend", release("frontend", "one")).ok()
    deploy("frontend", release("frontend", "two")).ok()
    assert deploy("frontend", release("frontend", "bad-crash", "crash")).code == 50
    listed = {str(one["tag"]): one for one in reversed(releases())}
    assert listed["bad-crash"]["status"] == "failed"
    assert listed["two"]["live"]
    assert listed["one"]["previous"]
    assert rollback() == "one"
    assert next(one for one in releases() if one["tag"] == "two")["status"] == "rolled-back"
    assert rollback("--to", "two") == "two"
    digest = str(listed["one"]["digest"])
    assert rollback("--to", digest) == "one"
    refused = inv("deploy.rollback", "frontend", "--to", "bad-crash")
    assert (refused.code, live_release("frontend")) == (2, "one")


@pytest.mark.usefixtures("live_services")
def test_refused_releases_do_not_push_out_the_image_that_a_rollback_needs(release: Release) -> None:
    deploy("frontend", release("frontend", "kept-1")).ok()
    deploy("frontend", release("frontend", "kept-2")).ok()
    for tag in ("refused-3", "refused-4"):
        assert deploy("frontend", release("frontend", tag, "crash")).code == 50
    deploy("frontend", "kept-2", "--force").ok()  # which removes old images
    images = on_host("docker", "images", "--format", "{{.Tag}}", "localhost:5000/behindy/behindy-frontend").splitlines()
    assert {"kept-1", "kept-2"} <= set(images)
    assert not {"refused-3", "refused-4"} & set(images)
    removable = json.loads(inv("ops.prune", "--dry-run", "--json").ok().out)["plan"]["references"]
    assert not [reference for reference in removable if "frontend" in reference]  # other tests leave others' images
    ran = inv("deploy.rollback", "frontend", "--watch", "0", "--json").ok()
    assert live_release("frontend") == "kept-1"
    assert "pull" not in {event["step"] for event in ran.named("step_done")}


@pytest.mark.usefixtures("live_services")
def test_a_rollback_brings_back_the_environment_the_release_had(release: Release) -> None:
    env_file = "/home/ubuntu/behindy-ops/.env"
    look = ("docker", "exec", "frontend", "printenv", "NEXT_PUBLIC_APP_NAME")
    deploy("frontend", release("frontend", "old-env")).ok()
    before = on_host(*look)
    on_host("sh", "-c", f"cp -p {env_file} {env_file}.away; echo NEXT_PUBLIC_APP_NAME=Changed >> {env_file}")
    try:
        changed = deploy("frontend", "old-env").ok()
        assert any("configuration changed" in event["text"] for event in changed.named("decision"))
        assert on_host(*look) == "Changed"
        rollback()
        assert on_host(*look) == before
    finally:
        on_host("mv", f"{env_file}.away", env_file)


@pytest.mark.usefixtures("live_services")
def test_every_end_is_one_line_of_history_and_private(release: Release) -> None:
    on_host("rm", "-f", HISTORY)
    runner = {
        "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "mona", "GITHUB_SERVER_URL": "https://example.test",
        "GITHUB_REPOSITORY": "me/frontend", "GITHUB_RUN_ID": "42",
    }  # fmt: skip
    deploy("frontend", release("frontend", "noted"), **runner).ok()
    assert deploy("frontend", release("frontend", "bad-crash", "crash")).code == 50
    rollback()
    all_drained()
    written = [json.loads(line) for line in on_host("cat", HISTORY).splitlines()]
    by_host = [line for line in written if line["event"] == "drained"]
    assert [(line["kind"], line["outcome"]) for line in by_host] == [("deploy", "removed"), ("rollback", "removed")]
    lines = [line for line in written if line not in by_host]
    assert [(line["event"], line["kind"], line.get("outcome")) for line in lines] == [
        ("begun", "deploy", None),
        ("ended", "deploy", "live"),
        ("begun", "deploy", None),
        ("ended", "deploy", "refused"),
        ("begun", "rollback", None),
        ("ended", "rollback", "live"),
    ]
    assert lines[0]["who"] == "mona (https://example.test/me/frontend/actions/runs/42)"
    assert lines[1]["seconds"]["switch"] > 0
    assert lines[1]["digest"].startswith("sha256:")
    assert lines[1]["previous"]
    assert "restart" in lines[3]["reason"] or "exited" in lines[3]["reason"]
    assert on_host("stat", "-c", "%a", HISTORY) == "600"
    shown = inv("deploy.history", "frontend").ok().out
    assert "deploy of frontend:noted" in shown
    assert "mona" in shown
    assert inv("deploy.history", "backend", "--json").ok().out == ""


@pytest.mark.usefixtures("live_services")
def test_a_history_of_five_megabytes_is_rotated_and_still_read(release: Release) -> None:
    on_host(
        "sh", "-c", f"head -c 5000001 /dev/zero | tr '\\0' ' ' > {HISTORY}; chown ubuntu {HISTORY}; chmod 600 {HISTORY}"
    )
    deploy("frontend", release("frontend", "rotated")).ok()
    assert int(on_host("stat", "-c", "%s", HISTORY)) < 10_000
    assert int(on_host("stat", "-c", "%s", f"{HISTORY}.1")) > 5_000_000
    assert "frontend:rotated" in inv("deploy.history").ok().out
    on_host("rm", "-f", f"{HISTORY}.1")


@pytest.mark.usefixtures("live_services")
def test_recovering_a_steady_host_changes_nothing_and_says_so() -> None:
    before = on_host("docker", "ps", "-aq", "--no-trunc")
    ran = inv("deploy.recover", env=environment()).ok()
    assert ran.out.count("steady; nothing to do") == len(SERVICES)
    assert on_host("docker", "ps", "-aq", "--no-trunc") == before


def test_what_is_cut_short_below_state_stops_nothing_and_is_named(release: Release) -> None:
    kept = "/home/ubuntu/behindy-ops/state/releases/frontend"
    deploy("frontend", release("frontend", "whole")).ok()
    spoil = f"mkdir -p {kept}/20990101-000000-torn {kept}/20990101-000001-list; cd {kept}; "
    spoil += (
        """printf '{"id": "2099' >20990101-000000-torn/release.json; echo '[]' >20990101-000001-list/release.json;"""
    )
    spoil += f" printf '{{\"at\": ' >>{HISTORY}"
    on_host("sh", "-c", spoil, user="ubuntu")
    try:
        ran = inv("deploy.recover", "frontend").ok()
        for name in ("20990101-000000-torn", "20990101-000001-list"):
            assert ran.said.count(f"state/releases/frontend/{name}/release.json") == 1
        deploy("frontend", release("frontend", "after")).ok()
        assert "frontend:after" in inv("deploy.history", "frontend").ok().out
        assert rollback() == "whole"
    finally:
        on_host("sh", "-c", f"rm -rf {kept}/2099*")
