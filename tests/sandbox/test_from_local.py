"""Images without a registry: this machine's own Docker has them, and the host is sent the layers it lacks."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sandbox.host.docker_cli import docker
from sandbox.host.images import Part, builder, named
from sandbox.host.releases import application_ports
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.support import ROOT, all_drained, containers, environment, inv, live_release, on_host, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.host.info import SandboxInfo
    from tests.sandbox.support import Ran

KEPT_LAYER, CHANGED_LAYER = 5_000_000, 1_000_000
"""Bytes of noise, which nothing compresses."""


@pytest.fixture(scope="module")
def build(sandbox: SandboxInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Builds a release of the frontend with this machine's engine; all share their layers but the last."""
    context = tmp_path_factory.mktemp("context")
    (context / "kept").write_bytes(os.urandom(KEPT_LAYER))
    port = application_ports(ROOT / "compose/docker-compose.yml")["frontend"]
    names: list[str] = []

    def built(tag: str, changed: int = CHANGED_LAYER) -> str:
        (context / "changed").write_bytes(os.urandom(changed))
        (context / "Dockerfile").write_text(
            f"FROM {named(Part.APP).name}\nENV SAMPLE_SERVICE=frontend PORT={port} BOOT_SECONDS=0\n"
            f"COPY kept /opt/kept\nCOPY changed /opt/changed\nENV SAMPLE_RELEASE={tag}\n"
        )
        names.append(f"{sandbox.image_prefix}/behindy-frontend:{tag}")
        docker("build", "--quiet", "--tag", names[-1], str(context), environment=builder(), timeout=120)
        return tag

    yield built
    docker("rmi", *names)


@contextlib.contextmanager
def without_registry() -> Iterator[None]:
    """The host's registry answers nobody."""
    on_host("pkill", "-STOP", "-x", "docker-registry")
    try:
        yield
    finally:
        on_host("pkill", "-CONT", "-x", "docker-registry")


def images() -> list[str]:
    """Docker lists those that were made in the same second in any order."""
    return sorted(on_host("docker", "images", "-aq", "--no-trunc").split())


def words(tag: str) -> list[str]:
    return ["deploy.frontend", "--from-local", tag, "--watch", "0", "--json"]


def deploy(tag: str) -> Ran:
    ran = inv(*words(tag)).ok()
    all_drained()
    assert live_release("frontend") == tag
    return ran


def received() -> int:
    """Bytes that have come to the host by now, over all connections."""
    return int(on_host("cat", "/sys/class/net/eth0/statistics/rx_bytes"))


@pytest.mark.usefixtures("live_services")
def test_a_second_deploy_sends_the_changed_layer_and_little_more(
    sandbox: SandboxInfo, build: Callable[[str], str]
) -> None:
    with without_registry():
        first = deploy(build("local-one"))
        build("local-two")
        planned = inv(*words("local-two"), "--dry-run").ok()
        assert any("), 1 of 7 layers, " in event["text"] for event in planned.named("decision"))
        before = received()
        second = inv(*words("local-two")).ok()
        came = received() - before
    all_drained()
    sent = int(first.facts["sent_bytes"]), int(second.facts["sent_bytes"])
    assert KEPT_LAYER + CHANGED_LAYER < sent[0] < KEPT_LAYER + CHANGED_LAYER + 30_000
    assert CHANGED_LAYER < sent[1] < CHANGED_LAYER + 30_000
    assert CHANGED_LAYER < came < CHANGED_LAYER + 300_000  # with all that a deploy says and hears
    image = docker("image", "inspect", "--format", "{{.Id}}", f"{sandbox.image_prefix}/behindy-frontend:local-two")
    assert on_host("docker", "inspect", "--format", "{{.Image}}", "frontend") == image
    assert (second.facts["digest"], second.facts["sent_layers"]) == (image, "1")


@pytest.mark.usefixtures("live_services")
def test_a_deploy_and_a_rollback_need_no_registry_and_lose_nothing(
    sandbox: SandboxInfo, build: Callable[[str], str]
) -> None:
    deploy(build("local-three"))
    build("local-four")
    with without_registry(), Traffic(sandbox, for_service("frontend"), max_seconds=120) as traffic:
        traffic.wait_until_flowing()
        deploy("local-four")
        ran = inv("deploy.rollback", "frontend", "--watch", "0", "--json").ok()
        result = traffic.stop()
    assert result.lost == 0, result.losses
    assert live_release("frontend") == "local-three"
    assert not {"pull", "send"} & {event["step"] for event in ran.named("step_done")}


@pytest.mark.usefixtures("live_services")
def test_a_client_that_is_killed_in_the_middle_leaves_nothing_half_made_and_the_next_deploy_goes_on(
    build: Callable[..., str],
) -> None:
    before = containers(), live_release("frontend"), images()
    argv = [sys.executable, "-m", "invoke", *words(build("local-large", 60_000_000))]
    with subprocess.Popen(argv, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            event = json.loads(line)
            if event["event"] == "step_progress" and event["step"] == "send":
                running.kill()
    wait_for(lambda: not on_host("pgrep", "-f", "docker load", check=False), 30, "that the host loads no more")
    wait_for(
        lambda: not on_host("find", "/var/lib/docker/tmp", "-name", "docker-import-*"),
        10,
        "that Docker has thrown away what came",
    )
    assert (containers(), live_release("frontend"), images()) == before
    deploy("local-large")
