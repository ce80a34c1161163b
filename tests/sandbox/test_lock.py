"""The lock on the sandbox: it frees itself, it says who has it, and nobody who has lost it changes anything."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.host.command import Command
from behindy_ops.host.host import Host
from behindy_ops.project import settings
from tests.sandbox.interruption import CUT, FULL, Armed, Client, Moment
from tests.sandbox.interruption_case import FREED, LOCK, STATE, ensure_steady, other_tag
from tests.sandbox.interruption_lock import KIM, Holder
from tests.sandbox.support import ROOT, SERVICES, Ran, containers, deploy, environment, inv, live_release, on_host

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo

Release = Callable[..., str]


@pytest.fixture(autouse=True)
def steady(release: Release) -> None:
    ensure_steady(release)


@contextlib.contextmanager
def holding(sandbox: SandboxInfo, *, silence: int = 60, beats: bool = True) -> Iterator[Holder]:
    with contextlib.closing(Holder(sandbox.container, silence=silence, beats=beats)) as holder:
        yield holder


def is_held() -> bool:
    return on_host("bash", "-c", f"flock -n {LOCK} true && echo free || echo held") == "held"


def ids() -> dict[str, str]:
    """The container that bears each service's name."""
    return {name: on_host("docker", "inspect", "--format", "{{.Id}}", name) for name in SERVICES}


@contextlib.contextmanager
def deploying(tag: str, step: str, *words: str) -> Iterator[Client]:
    """A deploy of the frontend that has just done a step."""
    with Client("deploy.frontend", "--tag", tag, "--watch", "0", "--json", *words) as client:
        client.until(Moment(step).reached)
        yield client


def refused(ran: Ran) -> str:
    """What a deploy says that was refused the lock."""
    assert ran.code == 20, ran.said
    failed = ran.named("failed")[0]
    assert failed["state"] == "Nothing changed."
    assert not ran.named("deploy_started")
    return f"{failed['what']} {failed['remedy']}"


@pytest.mark.serial
def test_it_is_free_two_seconds_after_its_client_was_killed(sandbox: SandboxInfo, release: Release) -> None:
    with (
        contextlib.closing(Armed(sandbox.container, FREED)) as freeing,
        deploying(other_tag("frontend"), "survey") as client,
    ):
        assert is_held()
        killed = time.time()
        client.send(signal.SIGKILL)
        freeing.fire()
        assert client.wait().code == -signal.SIGKILL
        assert float(freeing.output()) - killed < 2
    assert not on_host("bash", "-c", f"cat {STATE}/lock.json 2>/dev/null || true")


@pytest.mark.serial
def test_it_ends_when_its_client_falls_silent_and_not_before(sandbox: SandboxInfo) -> None:
    with holding(sandbox, silence=3):
        time.sleep(6)
        assert is_held()
    assert not is_held()
    with contextlib.closing(Armed(sandbox.container, FREED)) as freeing:
        begun = time.time()
        with holding(sandbox, silence=3, beats=False):
            assert is_held()
            freeing.fire()
            assert 2.5 < float(freeing.output()) - begun < 6


@pytest.mark.skipif(not FULL, reason="takes a minute: only with --full")
def test_a_client_that_is_stopped_loses_it_within_a_minute(sandbox: SandboxInfo, release: Release) -> None:
    tag = other_tag("frontend")
    with contextlib.closing(Armed(sandbox.container, FREED)) as freeing, deploying(tag, "internal") as client:
        client.send(signal.SIGSTOP)
        stopped = time.time()
        freeing.fire()
        freed = float(freeing.output(90)) - stopped
        before = ids()
        client.send(signal.SIGCONT)
        ran = client.wait()
    assert 50 < freed < 65
    _has_changed_nothing(ran, before)


def _has_changed_nothing(ran: Ran, before: dict[str, str]) -> None:
    assert ran.code == 21, ran.said
    failed = ran.named("failed")[0]
    assert failed["state"]
    assert failed["remedy"]
    assert ids() == before


TAKE_AWAY = f"""
for file in /proc/[0-9]*/fd/9; do
  [ "$(readlink "$file")" != {LOCK} ] || {{ pid=${{file#/proc/}}; kill -9 "${{pid%%/*}}"; }}
done
"""
"""Ends the process that holds the lease, as its own minute of silence would."""


def test_a_client_that_slept_through_its_lease_changes_nothing_of_what_the_next_one_did(
    sandbox: SandboxInfo, release: Release
) -> None:
    tag = other_tag("frontend")
    with contextlib.closing(Armed(sandbox.container, TAKE_AWAY)) as taking, deploying(tag, "internal") as client:
        client.send(signal.SIGSTOP)
        assert is_held()
        taking.fire()
        taking.output()
        assert not is_held()
        deploy("frontend", release("frontend", "theirs")).ok()
        before = ids()
        client.send(signal.SIGCONT)
        ran = client.wait()
    _has_changed_nothing(ran, before)
    assert live_release("frontend") == "theirs"
    assert containers() == dict.fromkeys(SERVICES, "running")


def test_a_client_that_slept_and_lost_its_connection_does_not_deploy_over_the_next_one(
    sandbox: SandboxInfo, release: Release
) -> None:
    tag = other_tag("frontend")
    with contextlib.closing(Armed(sandbox.container, CUT)) as cutting, deploying(tag, "internal") as client:
        client.send(signal.SIGSTOP)
        cutting.fire()
        cutting.output()
        deploy("frontend", release("frontend", "theirs-too")).ok()
        before = ids()
        client.send(signal.SIGCONT)
        ran = client.wait()
    _has_changed_nothing(ran, before)
    assert "somebody else" in ran.named("failed")[0]["what"]
    assert containers() == dict.fromkeys(SERVICES, "running")


@pytest.mark.parametrize("service", ["frontend", "backend"])
def test_a_refusal_says_who_what_and_since_when(sandbox: SandboxInfo, release: Release, service: str) -> None:
    before = ids()
    with holding(sandbox):
        said = refused(deploy(service, other_tag(service)))
        shown = inv("lock.status").ok().out
        data = json.loads(inv("lock.status", "--json").ok().out)
    for text in (said, shown):
        assert all(KIM[key] in text for key in ("who", "what", "since")), text
    assert data == {"hold": None, "lease": {key: KIM[key] for key in ("who", "what", "since")}}
    assert "--wait" in said
    assert ids() == before
    assert inv("lock.status").ok().out == "The host is free.\n"


def _deploy_client(tag: str, *words: str) -> Client:
    return Client("deploy.frontend", "--tag", tag, "--watch", "0", "--json", *words)


def _waiting(event: dict[str, Any]) -> bool:
    return event["event"] == "step_progress" and all(KIM[key] in event["text"] for key in ("who", "what", "since"))


def test_with_wait_it_queues_and_shows_who_holds_it(sandbox: SandboxInfo) -> None:
    before, tag = live_release("frontend"), other_tag("frontend")
    with holding(sandbox) as holder, _deploy_client(tag, "--wait", "1m") as client:
        client.until(_waiting)
        time.sleep(3)
        assert live_release("frontend") == before
        holder.close()
        client.wait().ok()
    assert live_release("frontend") == tag


def test_a_wait_that_is_over_ends_in_a_refusal_and_one_that_is_interrupted_in_130(sandbox: SandboxInfo) -> None:
    before = ids()
    with holding(sandbox), _deploy_client("v1", "--wait", "1m") as interrupted:
        over = deploy("frontend", "v2", "--wait", "3s")
        assert KIM["who"] in refused(over)
        assert over.seconds > 3
        interrupted.until(_waiting)
        interrupted.send(signal.SIGINT)
        ran = interrupted.wait(7)
    assert ran.code == 130
    assert "Nothing changed" in ran.named("failed")[0]["state"]
    assert ids() == before


@pytest.fixture
def held_by_a_person(steady: None) -> Iterator[str]:
    message = "replacing the disk"
    inv("lock.acquire", "--message", message).ok()
    yield message
    inv("lock.release").ok()


def test_a_persons_hold_is_never_waited_for_and_says_how_it_ends(held_by_a_person: str) -> None:
    before = ids()
    for words in ((), ("--wait", "1m")):
        ran = deploy("frontend", "v1", "--force", *words)
        said = refused(ran)
        assert held_by_a_person in said
        assert "inv lock.release" in said
        assert ran.seconds < 20
    for task in (("deploy.recover",), ("deploy.rollback", "frontend")):
        assert refused(inv(*task, "--wait", "1m", "--json"))
    assert ids() == before


def test_a_persons_hold_is_shown_and_taken_and_ended_once(held_by_a_person: str) -> None:
    shown = inv("lock.status").ok().out
    assert held_by_a_person in shown
    assert re.search(r"since \d{4}-\d\d-\d\dT", shown)
    assert json.loads(inv("lock.status", "--json").ok().out)["hold"]["message"] == held_by_a_person
    again = inv("lock.acquire", "--message", "me too")
    assert again.code == 20
    assert held_by_a_person in " ".join(again.err.split())
    assert held_by_a_person in inv("lock.release").ok().out
    assert inv("lock.release").ok().out == "Nobody held it.\n"
    assert inv("lock.status").ok().out == "The host is free.\n"
    deploy("frontend", other_tag("frontend")).ok()


def test_a_person_cannot_take_what_a_deploy_holds(sandbox: SandboxInfo) -> None:
    with holding(sandbox):
        ran = inv("lock.acquire", "--message", "let me in")
    assert ran.code == 20
    assert KIM["who"] in " ".join(ran.err.split())
    assert json.loads(inv("lock.status", "--json").ok().out) == {"hold": None, "lease": None}


def test_a_hold_that_is_taken_while_a_deploy_queues_ends_its_waiting(sandbox: SandboxInfo) -> None:
    hold = json.dumps({"who": "Lee@desk", "message": "at work", "since": KIM["since"]})
    try:
        with holding(sandbox) as holder, _deploy_client("v1", "--wait", "1m") as client:
            client.until(_waiting)
            on_host("bash", "-c", f"cat > {STATE}/hold.json <<< '{hold}'", user="ubuntu")
            holder.close()
            said = refused(client.wait(30))
    finally:
        inv("lock.release").ok()
    assert "Lee@desk" in said


def test_a_host_without_flock_is_named_as_such() -> None:
    before = ids()
    on_host("mv", "/usr/bin/flock", "/usr/bin/flock.away")
    try:
        ran = deploy("frontend", "v1", "--force")
    finally:
        on_host("mv", "/usr/bin/flock.away", "/usr/bin/flock")
    failed = ran.named("failed")[0]
    assert ran.code == 30, ran.said
    assert "no `flock`" in failed["what"]
    assert "util-linux" in failed["remedy"]
    assert failed["state"] == "Nothing changed."
    assert ids() == before


ENDED_BY_A_SIGNAL = {
    "itself": 'kill -KILL "$$"',
    "all of it, so that SSH gives no status": 'kill -KILL "$PPID" "$$"',
    "a polite signal": 'kill -TERM "$$"',
}


@pytest.mark.parametrize("text", ENDED_BY_A_SIGNAL.values(), ids=ENDED_BY_A_SIGNAL.keys())
def test_a_command_that_a_signal_ended_has_failed(sandbox: SandboxInfo, text: str) -> None:
    chosen = settings.load(environment(), ROOT)
    with Host(chosen) as connected:
        ended = connected.run(Command(("bash", "-c", text), title="end by a signal"))
        fine = connected.run(Command(("bash", "-c", "exit 0"), title="end well"))
    assert not ended.ok
    assert ended.how() == "killed by a signal"
    with pytest.raises(RemoteCommandFailed):
        ended.require()
    assert fine.ok
