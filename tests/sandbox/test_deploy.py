"""Deploys on the sandbox: what goes well, under traffic, and every way it can go wrong."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.traffic.generator import Traffic, every_kind, for_service
from sandbox.traffic.inside import argv as asking_inside
from tests.sandbox.support import ROOT, SERVICES, Ran, containers, deploy, environment, inv, live_release, on_host

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo

Release = Callable[..., str]
FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"


@pytest.mark.timeout(1800 if FULL else 300)
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.usefixtures("live_services")
def test_a_deploy_loses_no_request_of_any_kind(sandbox: SandboxInfo, release: Release, service: str) -> None:
    release(service, "v2")
    before = live_release(service)
    tag = "v2" if before == "v1" else release(service, "v1")
    tags = [tag, before] * 10 if FULL else [tag]
    if FULL:
        release(service, before)
    streams = (*every_kind(), *for_service(service)[4:])
    inside = asking_inside(sandbox.container, sandbox.image_prefix)
    with Traffic(sandbox, streams, max_seconds=2400, max_requests=400_000, inside=inside) as traffic:
        traffic.wait_until_flowing()
        for tag in tags:
            ran = deploy(service, tag).ok()
            assert ran.facts["tag"] == tag
            assert int(ran.facts["remote_commands"]) <= (13 if service == "frontend" else 12)  # which has static files
            assert traffic.snapshot().first_answer(service, tag) is not None
        result = traffic.stop()
    assert result.lost == 0, result.losses
    assert result.ended_by == "stop"
    assert containers() == dict.fromkeys(SERVICES, "running")
    assert live_release(service) == tags[-1]


@pytest.mark.usefixtures("live_services")
def test_a_release_that_is_live_is_a_no_op_that_says_so_unless_forced(sandbox: SandboxInfo) -> None:
    before = on_host("docker", "inspect", "--format", "{{.Id}}", "frontend")
    tag = live_release("frontend")
    ran = deploy("frontend", tag).ok()
    assert "already live" in ran.out
    assert on_host("docker", "inspect", "--format", "{{.Id}}", "frontend") == before
    deploy("frontend", tag, "--force").ok()
    assert on_host("docker", "inspect", "--format", "{{.Id}}", "frontend") != before


def test_the_first_deploys_need_nothing_to_be_there(empty_host: None, release: Release) -> None:
    for service in SERVICES:
        release(service, "v1")
    ran = inv("deploy.all", "--tag", "v1", "--watch", "0", "--json").ok()
    assert [event["service"] for event in ran.named("deploy_finished")] == list(SERVICES)
    assert containers() == dict.fromkeys(SERVICES, "running")


REFUSED = {
    "crash": "restarts|exited",
    "never-ready": "15 attempts",
    "http-500": "HTTP 500, 15 attempts in a row; it says: ",
    "oom": "OOM-killed",
    "outside-only": "fine from inside but not through https://behindy.me/",
    "missing-file": r"its page names /_next/static/chunks/of-another-build\.js, and the answer to that is HTTP 404",
}


@pytest.mark.parametrize("fault", REFUSED)
@pytest.mark.usefixtures("live_services")
def test_a_bad_release_is_refused_and_no_user_meets_it(sandbox: SandboxInfo, release: Release, fault: str) -> None:
    before = live_release("frontend")
    tag = release("frontend", f"bad-{fault}", fault)
    with Traffic(sandbox, for_service("frontend"), max_seconds=170) as traffic:
        traffic.wait_until_flowing()
        ran = deploy("frontend", tag)
        result = traffic.stop()
    assert ran.code == 50, ran.said
    assert re.search(REFUSED[fault], ran.named("failed")[0]["what"]), ran.said
    assert (result.lost, result.first_answer("frontend", tag)) == (0, None), result.losses
    assert live_release("frontend") == before
    assert containers() == dict.fromkeys(SERVICES, "running")
    shown = "\n".join(line for event in ran.named("logs") for line in event["lines"])
    assert "exit code" in shown
    assert "NEXT_PUBLIC_API_URL" in shown
    assert "https://behindy.me/api" not in shown


def deploy_expecting(project: Path, expect: str, tag: str) -> Ran:
    """Deploy frontend from a checkout in which its stanza says what counts as healthy."""
    for name in ("behindy_ops", "sandbox", ".sandbox", "tasks.py", "nginx", f".env.{environment()['BEHINDY_ENV']}"):
        if not (project / name).exists():
            (project / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "compose", project / "compose", dirs_exist_ok=True)
    file = project / "compose/docker-compose.yml"
    file.write_text(file.read_text().replace("      port: 3000\n", f"      port: 3000\n      expect: {expect}\n"))
    return inv("deploy.frontend", "--tag", tag, "--watch", "0", "--wait-drain", "--json", cwd=project)


@pytest.mark.usefixtures("live_services")
def test_what_a_stanza_expects_decides(release: Release, tmp_path: Path) -> None:
    before, tag = live_release("frontend"), release("frontend", "expected")
    for expect, told in (
        ("{status: [201, 204]}", "HTTP 200, not 201 or 204 (x-deploy.expect.status)"),
        ("{body: 'frontend another GET'}", "its body does not contain 'frontend another GET'"),
    ):
        ran = deploy_expecting(tmp_path, expect, tag)
        assert (ran.code, live_release("frontend")) == (50, before), ran.said
        assert told in ran.named("failed")[0]["what"]
    deploy_expecting(tmp_path, "{status: [200, 401], body: 'frontend expected GET'}", tag).ok()
    assert live_release("frontend") == tag


@pytest.mark.usefixtures("live_services")
def test_a_release_that_turns_bad_once_it_is_live_is_switched_back(sandbox: SandboxInfo, release: Release) -> None:
    before = live_release("frontend")
    tag = release("frontend", "bad-late", "outside-late")
    ran = deploy("frontend", tag)
    assert ran.code == 52, ran.said
    assert "HTTP 500" in ran.named("failed")[0]["what"]
    assert "serves again" in ran.named("failed")[0]["state"]
    assert live_release("frontend") == before
    assert containers() == dict.fromkeys(SERVICES, "running")


@pytest.mark.usefixtures("live_services")
def test_a_release_that_dies_while_it_is_watched_is_switched_back(sandbox: SandboxInfo, release: Release) -> None:
    before = live_release("frontend")
    tag = release("frontend", "bad-dies", "dies-later")
    ran = deploy("frontend", tag, watch="10")
    assert ran.code == 52, ran.said
    assert live_release("frontend") == before
    assert containers() == dict.fromkeys(SERVICES, "running")


@pytest.mark.usefixtures("live_services")
def test_a_slow_start_and_an_app_that_ignores_sigterm_are_no_trouble(release: Release) -> None:
    deploy("frontend", release("frontend", "slow", "slow-boot")).ok()
    deploy("frontend", release("frontend", "deaf", "ignores-sigterm")).ok()
    ran = deploy("frontend", release("frontend", "v2")).ok()
    # Where the machine has no swap, the host's limits are more than it has, and every deploy says so.
    assert not [event for event in ran.named("warning") if "all limits" not in event["text"]]
    assert containers() == dict.fromkeys(SERVICES, "running")


@pytest.mark.usefixtures("live_services")
def test_a_green_left_over_is_removed_first(release: Release) -> None:
    on_host("docker", "create", "--name", "frontend-green", "--network", "behindy-ops_internal", "nginx:1.28")
    tag = "v2" if live_release("frontend") == "v1" else "v1"
    ran = deploy("frontend", release("frontend", tag)).ok()
    assert any("stopped before the switch" in event["text"] for event in ran.named("decision"))
    assert containers() == dict.fromkeys(SERVICES, "running")


@pytest.mark.usefixtures("live_services")
def test_a_dry_run_prints_every_command_and_changes_nothing(release: Release) -> None:
    tag = "v2" if live_release("frontend") == "v1" else "v1"
    release("frontend", tag)
    what_is_there = (
        "docker ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.State}}'; "
        "docker images --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort; "
        "ls -R /home/ubuntu/behindy-ops/state"
    )
    before = on_host("sh", "-c", what_is_there)
    ran = inv("deploy.frontend", "--tag", tag, "--dry-run", "--verbose").ok()
    assert on_host("sh", "-c", what_is_there) == before
    for word in ("pull.sh", "start_green.sh", "look_inside.sh", "swap.sh", "leave.sh", "verify.sh"):
        assert word in ran.out
    assert "docker pull" in ran.out
    assert "nothing changed" in ran.out


@pytest.mark.usefixtures("live_services")
def test_the_images_of_live_and_of_the_one_before_it_stay_and_others_are_not_touched(release: Release) -> None:
    on_host("docker", "tag", "localhost:5000/behindy/behindy-backend:v1", "localhost:5000/other/thing:old")
    for number in range(4):
        deploy("frontend", release("frontend", f"new-{number}")).ok()
    kept = on_host("docker", "images", "--format", "{{.Tag}}", "localhost:5000/behindy/behindy-frontend").split()
    assert sorted(kept) == ["new-2", "new-3"]
    deploy("frontend", "new-1").ok()
    kept = on_host("docker", "images", "--format", "{{.Tag}}", "localhost:5000/behindy/behindy-frontend").split()
    assert sorted(kept) == ["new-1", "new-3"]
    assert on_host("docker", "images", "-q", "localhost:5000/other/thing:old")
    assert on_host("docker", "images", "-q", "localhost:5000/behindy/behindy-backend")
    on_host("docker", "rmi", "localhost:5000/other/thing:old")


@pytest.mark.usefixtures("live_at_v1")
def test_a_moving_tag_keeps_the_image_that_was_just_replaced(release: Release) -> None:
    for _ in range(3):
        release("frontend", "v1")
    deploy("frontend", release("frontend", "v2"))
    ids = on_host("docker", "images", "-q", "--no-trunc", "localhost:5000/behindy/behindy-frontend").split()
    assert on_host("docker", "inspect", "--format", "{{.Image}}", "frontend") in ids
    assert len(set(ids)) >= 2


@pytest.mark.usefixtures("live_services")
def test_the_status_tells_what_is_live_and_what_was_before(release: Release) -> None:
    tag = "v2" if live_release("frontend") == "v1" else "v1"
    deploy("frontend", release("frontend", tag)).ok()
    ran = inv("deploy.status").ok()
    assert f"({tag})" in ran.out
    assert re.search(r"memory\s+\d+ MB of 400 MB", ran.out)
    assert "image on disk" in ran.out
    assert max(len(line) for line in ran.out.splitlines()) <= 80 + len("sha256:")


@pytest.mark.usefixtures("live_services")
def test_no_container_has_an_alias_that_could_answer_for_another(sandbox: SandboxInfo) -> None:
    for service in SERVICES:
        names = on_host("docker", "exec", "nginx", "getent", "ahosts", service).split("\n")
        own = on_host(
            "docker",
            "inspect",
            "--format",
            '{{(index .NetworkSettings.Networks "behindy-ops_internal").IPAddress}}',
            service,
        )
        assert {line.split()[0] for line in names} == {own}
