"""A previous release is drained by the host itself: nobody waits, nothing is lost, and whatever strikes is healed."""

from __future__ import annotations

import json
import threading
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.host import docker_cli, inner
from sandbox.host.checkout import here
from sandbox.host.releases import application_ports
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.asking import Site
from tests.sandbox.interruption import Client
from tests.sandbox.interruption_case import ensure_steady, other_tag
from tests.sandbox.support import (
    SERVICES,
    all_drained,
    containers,
    deploy,
    deploy_alone,
    inv,
    live_release,
    on_host,
    unwell,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.host.info import SandboxInfo

LONG = 28
"""Seconds that a request takes which the previous release of frontend still has to answer; its ``drain`` is 30."""

ENDLESS = 600
"""Those of one that ends when it is told to; llmserver may drain for 15 minutes."""

PORTS = application_ports(here().compose_file)
PATHS = {"frontend": "/", "llmserver": "/llm/story"}

STREAMS = for_service("frontend")


@pytest.fixture(autouse=True)
def steady(release: Callable[[str, str], str]) -> Iterator[None]:
    ensure_steady(release)
    yield
    all_drained()


class LongRequest:
    """A request to what is live now that takes long, from outside; the status and the release that answered."""

    def __init__(self, sandbox: SandboxInfo, seconds: int, service: str = "frontend") -> None:
        self.said = ""
        self._service = service
        self._thread = threading.Thread(target=self._ask, args=(Site(sandbox), seconds), daemon=True)
        self._thread.start()
        wait_for(lambda: connections(service) > 0, 10, "that the request is under way")

    def _ask(self, site: Site, seconds: int) -> None:
        try:
            answer = site.ask(f"{PATHS[self._service]}?sleep={seconds}")
            self.said = f"{answer.status} {answer.one('X-Release')}"
        except (OSError, HTTPException) as error:
            self.said = type(error).__name__

    @property
    def open(self) -> bool:
        return self._thread.is_alive()

    def hasten(self) -> None:
        """Have the previous release answer now."""
        on_host("docker", "kill", "--signal", "USR1", f"{self._service}-blue")

    def answer(self) -> str:
        self._thread.join(60)
        return self.said


def connections(service: str) -> int:
    """Of nginx to the live container, by the kernel."""
    port = f":{PORTS[service]:04X}"
    look = f"cat /proc/$(docker inspect -f '{{{{.State.Pid}}}}' {service})/net/tcp*"
    lines = map(str.split, on_host("sh", "-c", look).splitlines())
    return sum(1 for words in lines if words[3] == "01" and words[1].endswith(port))


def status(service: str = "frontend") -> dict[str, Any]:
    services = json.loads(inv("deploy.status", "--json").ok().out)["services"]
    found: dict[str, Any] = next(each for each in services if each["service"] == service)
    return found


def drained(service: str = "frontend") -> list[dict[str, Any]]:
    """The host's own lines in the history."""
    entries = map(json.loads, inv("deploy.history", service, "--json").ok().out.splitlines())
    return [entry for entry in entries if entry["event"] == "drained"]


def drainers() -> str:
    return on_host("pgrep", "-u", "ubuntu", "-f", "deploy/leave .* apart", check=False)


def test_a_deploy_ends_before_the_previous_release_is_idle(sandbox: SandboxInfo) -> None:
    service = "llmserver"
    before, tag = live_release(service), other_tag(service)
    asking = LongRequest(sandbox, ENDLESS, service)
    with Traffic(sandbox, for_service(service)[:4], max_seconds=240) as traffic:  # no WebSocket: backend is deployed
        traffic.wait_until_flowing()
        ran = deploy_alone(service, tag).ok()
        assert asking.open, "the request ended before the deploy"
        assert "drain" in [event["step"] for event in ran.named("step_done")]
        assert f"{service}-blue: " in ran.facts["draining"]
        assert containers()[f"{service}-blue"] == "running"
        assert "at the latest" in status(service)["draining"]
        assert not status(service)["leftover"]
        assert f"{service}-blue is drained by the host" in inv("ops.ps").ok().out
        other = deploy_alone("backend", other_tag("backend")).ok()
        assert asking.open, "the request ended before the other service's deploy"
        assert other.facts["tag"] == live_release("backend")
        asking.hasten()
        assert asking.answer() == f"200 {before}"
        all_drained()
        assert containers() == dict.fromkeys(SERVICES, "running")
        result = traffic.stop()
    assert result.lost == 0, result.losses
    assert drained(service)[-1]["outcome"] == "removed"
    assert drained(service)[-1]["reason"] == "it was idle"
    assert not drainers(), "something of it stays"


@pytest.mark.parametrize("hurried", [False, True])
def test_the_same_service_waits_for_it_or_has_it_end(sandbox: SandboxInfo, *, hurried: bool) -> None:
    service = "llmserver"
    before, tag = live_release(service), other_tag(service)
    asking = LongRequest(sandbox, ENDLESS, service)
    # What is under way when it is stopped, and takes longer than it has left, is what --now cuts.
    streams = [each for each in for_service(service) if not hurried or "slow" not in each.name]
    with Traffic(sandbox, streams, max_seconds=240) as traffic:
        traffic.wait_until_flowing()
        deploy_alone(service, tag).ok()
        words = (f"deploy.{service}", "--tag", before, "--watch", "0", "--json", *(["--now"] if hurried else []))
        with Client(*words) as client:
            if not hurried:
                client.until(lambda event: f"still drains {service}-blue" in str(event))
                assert asking.open, "the request ended by itself"
                asking.hasten()
            second = client.wait(240).ok()
        assert not asking.open, "it did not wait"
        said = asking.answer()
        all_drained()
        result = traffic.stop()
    assert (said == f"200 {before}") is not hurried, said
    assert (result.lost, live_release(service)) == (0, before), result.losses
    assert (f"still drains {service}-blue" in second.said) is not hurried
    assert containers() == dict.fromkeys(SERVICES, "running")


def test_with_wait_drain_a_deploy_waits(sandbox: SandboxInfo) -> None:
    before = live_release("frontend")
    asking = LongRequest(sandbox, LONG)
    ran = deploy("frontend", other_tag("frontend"), "--wait-drain").ok()
    assert containers() == dict.fromkeys(SERVICES, "running")
    assert asking.answer() == f"200 {before}"
    assert ran.facts["drain"].startswith("idle after ")
    assert not drained() or drained()[-1]["release"] != ran.facts["release"]


def _kill_it(_: SandboxInfo) -> None:
    on_host("pkill", "-9", "-u", "ubuntu", "-f", "deploy/leave .* apart")


def _kill_the_engine(_: SandboxInfo) -> None:
    on_host("sh", "-c", "kill -9 $(cat /var/run/docker.pid)")
    inner.wait_for_engine()


def _restart_the_host(sandbox: SandboxInfo) -> None:
    docker_cli.docker("restart", sandbox.container, timeout=120)
    inner.wait_for_engine()
    wait_for(lambda: not unwell(), 60, "that the site is back")


@pytest.mark.parametrize("strike", [_kill_it, _kill_the_engine, _restart_the_host])
def test_whatever_strikes_meanwhile_the_next_command_heals_it(
    sandbox: SandboxInfo, strike: Callable[[SandboxInfo], None]
) -> None:
    before, tag = live_release("frontend"), other_tag("frontend")
    asking = LongRequest(sandbox, LONG)
    deploy_alone("frontend", tag).ok()
    assert drainers()
    strike(sandbox)
    if strike is not _restart_the_host:
        assert containers()["frontend-blue"] == "running"
    with Traffic(sandbox, STREAMS, max_seconds=120) as traffic:
        traffic.wait_until_flowing()
        inv("deploy.recover", "frontend", "--wait", "1m").ok()
        all_drained()
        assert containers() == dict.fromkeys(SERVICES, "running")
        result = traffic.stop()
    if strike is not _restart_the_host:
        assert asking.answer() == f"200 {before}"
    assert (result.lost, live_release("frontend")) == (0, tag), result.losses
    assert not status()["leftover"]
