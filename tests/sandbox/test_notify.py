"""A webhook is told once how each run ended; what it answers, or that it does not, changes nothing."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.receiver import SECRET, Receiver
from tests.sandbox.interruption import Client, Moment
from tests.sandbox.support import (
    Ran,
    all_drained,
    deploy,
    environment,
    inv,
    live_release,
    on_host,
    wait_for,
)
from tests.sandbox.test_doctor import healthy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("live_services")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def to(receiver: Receiver, **changes: str) -> dict[str, str]:
    return {"BEHINDY_NOTIFY_URL": receiver.url, **changes}


def only(receiver: Receiver, ran: Ran) -> dict[str, Any]:
    """What it was told since it was last asked for, which is one message; nothing of its address is anywhere."""
    assert len(receiver.told) == 1, ran.said
    assert SECRET not in ran.said
    assert receiver.url not in ran.said
    return receiver.told.pop()


def test_a_deploy_a_switch_back_and_a_rollback_are_told_once_each(
    release: Callable[..., str], receiver: Receiver
) -> None:
    before = live_release("frontend")
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "mona", "GITHUB_SERVER_URL": "https://example.test"}
    job = {**actions, "GITHUB_REPOSITORY": "me/frontend", "GITHUB_RUN_ID": "42"}
    ran = deploy("frontend", release("frontend", "told"), **to(receiver, **job)).ok()
    told = only(receiver, ran)
    assert (told["task"], told["outcome"], told["well"]) == ("deploy", "live", True)
    assert (told["who"], told["run"]) == ("mona", "https://example.test/me/frontend/actions/runs/42")
    (service,) = told["services"]
    assert (service["service"], service["tag"], service["release"]) == ("frontend", "told", ran.facts["release"])

    deploy("frontend", "told", **to(receiver)).ok()
    deploy("frontend", "told", "--force", "--dry-run", **to(receiver)).ok()
    assert receiver.told == []

    ran = deploy("frontend", release("frontend", "told-late", "outside-late"), watch="4", **to(receiver))
    assert (ran.code, live_release("frontend")) == (52, "told"), ran.said
    told = only(receiver, ran)
    assert (told["outcome"], told["error"], told["exit_code"]) == ("switched back", "switched back", 52)
    assert "frontend told-late was taken back" in told["headline"]
    assert ran.named("taken_back")

    ran = inv(
        "deploy.rollback", "frontend", "--watch", "0", env=environment(**to(receiver, BEHINDY_NOTIFY_KIND="slack"))
    )
    told = only(receiver, ran.ok())
    assert f"frontend {live_release('frontend')} is live again" in told["text"]
    assert live_release("frontend") == before
    assert SECRET not in on_host("cat", "/home/ubuntu/behindy-ops/state/history.jsonl")
    all_drained()


def test_a_run_that_was_stopped_is_told_and_what_a_killed_one_left_by_the_one_that_recovers_it(
    release: Callable[..., str], receiver: Receiver
) -> None:
    tag = release("frontend", "told-cut", boot_seconds=6.0)
    words = ("deploy.frontend", "--tag", tag, "--watch", "0", "--json")
    with Client(*words, env=environment(**to(receiver))) as client:
        client.until(Moment("start").reached)
        client.send(signal.SIGINT)
        ran = client.wait()
    told = only(receiver, ran)
    assert (ran.code, told["outcome"], told["exit_code"]) == (130, "interrupted", 130)
    assert told["state"]

    with Client(*words, env=environment(**to(receiver))) as client:
        client.until(Moment("start").reached)
        client.send(signal.SIGKILL)
        client.wait()
    assert receiver.told == []
    ran = inv("deploy.recover", "frontend", "--wait", "90s", "--json", env=environment(**to(receiver))).ok()
    told = only(receiver, ran)
    assert (told["task"], told["outcome"], told["well"]) == ("recovery", "recovered", True)
    assert [each["service"] for each in told["recovered"]] == ["frontend"]
    inv("deploy.recover", "frontend", "--wait", "90s", env=environment(**to(receiver))).ok()
    assert receiver.told == []


def test_a_webhook_that_does_not_answer_fails_no_deploy(release: Callable[..., str]) -> None:
    release("frontend", "untold")
    with Receiver(mute=True) as receiver:
        ran = inv("deploy.frontend", "--tag", "untold", "--watch", "0", env=environment(**to(receiver))).ok()
        only(receiver, ran)
    assert ran.out.count("The webhook (json) was not told how this ended: no answer within 5 s.") == 1
    with Receiver(status=500) as receiver:
        ran = inv("deploy.frontend", "--tag", "untold-nobody", env=environment(**to(receiver)))
        assert (ran.code, only(receiver, ran)["exit_code"]) == (40, 40)
    assert "HTTP 500" in ran.out
    all_drained()


def test_the_doctor_tells_what_is_wrong_and_nothing_of_a_host_that_is_well(receiver: Receiver) -> None:
    wait_for(healthy, 60, "that all containers are healthy")
    ran = inv("ops.doctor", "--notify", env=environment(**to(receiver, BEHINDY_NOTIFY_ON="failures"))).ok()
    assert receiver.told == []
    assert "nothing to tell" in ran.out
    on_host("docker", "stop", "redis")
    try:
        ran = inv("ops.doctor", "--notify", "--json", env=environment(**to(receiver)))
        told = only(receiver, ran)
        assert (ran.code, told["task"], told["outcome"], told["exit_code"]) == (65, "doctor", "trouble", 65)
        assert "redis" in [each["subject"] for each in told["findings"]]
        assert "TROUBLE redis" in told["text"]
        ran = inv("ops.doctor", "--notify", "--fix", env=environment(**to(receiver)))  # nobody is there to say yes
        assert (ran.code, only(receiver, ran)["outcome"]) == (2, "trouble")
        ran = inv("ops.doctor", "--notify", env=environment(**to(receiver)))
        assert (only(receiver, ran)["outcome"], "The webhooks were told." in ran.out) == ("trouble", True)
    finally:
        on_host("docker", "start", "redis")
        wait_for(healthy, 60, "that all containers are healthy")
    away = environment(**to(receiver, BEHINDY_HOST="127.0.0.1", BEHINDY_PORT="1"))
    ran = inv("ops.doctor", "--notify", env=away)
    assert (ran.code, only(receiver, ran)["error"]) == (11, "host unreachable")
