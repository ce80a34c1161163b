"""A service of three containers on one host, behind the real nginx, under traffic: put live and taken back as one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from sandbox.host.docker_cli import docker
from sandbox.host.images import Part, builder, named
from sandbox.host.releases import application_ports
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.support import ROOT, all_drained, environment, inv, on_host
from tests.sandbox.test_before import TASKS, OwnProject
from tests.sandbox.test_from_local import without_registry

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo
    from sandbox.traffic.model import TrafficResult

Release = Callable[..., str]

NAMES = ("frontend", "frontend-2", "frontend-3")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, all_live: None, release: Release) -> Iterator[OwnProject]:
    """All services live, frontend with three containers; afterwards with one, as this repository declares it."""
    folder = tmp_path_factory.mktemp("several")
    for name in ("compose", "nginx"):
        shutil.copytree(ROOT / name, folder / name)
    settings = f".env.{environment()['BEHINDY_ENV']}"
    shutil.copy(ROOT / settings, folder / settings)
    (folder / "tasks.py").write_text(TASKS)
    project = OwnProject(folder)
    try:
        declare(project, 3)
        project.deploy(release("frontend", "v1"), "--force").ok()
        yield project
    finally:
        inv("host.sync", "--yes").ok()
        inv("deploy.frontend", "--tag", "v1", "--watch", "0").ok()
        all_drained()
        on_host("sh", "-c", "rm -rf ~ubuntu/behindy-ops/state/releases/frontend-[2-9]")


def declare(project: OwnProject, count: int) -> None:
    """Declare so many, and bring that to the host: nginx asks as many."""
    project.declare(replicas=count)
    for words in (("host.nginx", "--write"), ("host.sync", "--yes")):
        inv(*words, cwd=project.root, env=project.env()).ok()


def live() -> dict[str, str]:
    """Each of the service's containers, and its tag."""
    told = on_host("docker", "ps", "--format", '{{.Names}} {{.Label "behindy.tag"}}', "--filter", "name=^frontend")
    return dict(line.split() for line in told.splitlines())


def under_traffic(sandbox: SandboxInfo, what: Callable[[], object]) -> TrafficResult:
    with Traffic(sandbox, for_service("frontend"), max_seconds=150) as traffic:
        traffic.wait_until_flowing()
        what()
        return traffic.stop()


def asked_of_each() -> dict[str, int]:
    """How many of the latest requests nginx sent to each container."""
    at = on_host(
        *("docker", "inspect", "--format", "{{.Name}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", *NAMES)
    )
    addresses = {address: name.lstrip("/") for name, address in (line.split() for line in at.splitlines())}
    log = on_host("sh", "-c", "docker logs --tail 300 nginx 2>/dev/null")
    counts = dict.fromkeys(addresses.values(), 0)
    for address in re.findall(r'upstream="([0-9.]+):', log):
        if address in addresses:
            counts[addresses[address]] += 1
    return counts


def test_a_deploy_of_all_three_loses_nothing_and_each_has_its_share(
    sandbox: SandboxInfo, release: Release, project: OwnProject
) -> None:
    tag = release("frontend", "v2")
    result = under_traffic(sandbox, lambda: project.deploy(tag).ok())
    assert (result.lost, result.sent > 100) == (0, True), result.losses[:3]
    assert live() == dict.fromkeys(NAMES, tag)
    result = under_traffic(sandbox, lambda: None)
    counts = asked_of_each()
    assert min(counts.values()) > 0.15 * sum(counts.values()) > 0, counts


def test_a_bad_release_leaves_all_three_as_they_were(
    sandbox: SandboxInfo, release: Release, project: OwnProject
) -> None:
    before, tag = live(), release("frontend", "bad", fault="http-500")
    result = under_traffic(sandbox, lambda: project.deploy(tag))
    assert (result.lost, live()) == (0, before), result.losses[:3]


def test_one_that_is_gone_costs_no_request(sandbox: SandboxInfo, project: OwnProject) -> None:
    try:
        on_host("docker", "stop", "frontend-3")
        result = under_traffic(sandbox, lambda: None)  # begins while nginx still remembers its address
        assert (result.lost, result.sent > 20) == (0, True), result.losses[:3]
        told = inv("ops.doctor", cwd=project.root, env=project.env())
        assert told.code != 0
        assert "frontend-3" in told.out
    finally:
        on_host("docker", "start", "frontend-3")


def test_they_are_rolled_back_as_one(sandbox: SandboxInfo, project: OwnProject) -> None:
    before = set(live().values())

    def back() -> None:
        inv("deploy.rollback", "frontend", "--watch", "0", "--yes", cwd=project.root, env=project.env()).ok()
        all_drained()

    result = under_traffic(sandbox, back)
    assert result.lost == 0, result.losses[:3]
    assert set(live()) == set(NAMES)
    assert len(set(live().values()) | before) == 2


@pytest.fixture
def built(sandbox: SandboxInfo) -> Iterator[tuple[str, str]]:
    """Two releases that only this machine's engine has; they share all layers but the last.

    Their names are of this file alone: hosts side by side share that engine, and who ends first removes its images.
    """
    port, tags = application_ports(ROOT / "compose/docker-compose.yml")["frontend"], ("three-one", "three-two")
    names = [f"{sandbox.image_prefix}/behindy-frontend:{tag}" for tag in tags]
    for tag, name in zip(tags, names, strict=True):
        text = f"FROM {named(Part.APP).name}\nENV SAMPLE_SERVICE=frontend PORT={port} SAMPLE_RELEASE={tag}\n"
        text += f"RUN head -c 300000 /dev/urandom >/opt/{tag}\n"
        docker("build", "--quiet", "--tag", name, "-", environment=builder(), stdin=text.encode(), timeout=120)
    yield tags
    docker("rmi", *names)


def test_an_image_of_this_machine_is_sent_once_for_all_three_and_gone_back_to_without_a_registry(
    sandbox: SandboxInfo, project: OwnProject, built: tuple[str, str]
) -> None:
    first, second = built
    facts: list[dict[str, str]] = []

    def deploys() -> None:
        for tag in (first, second):
            words = ("deploy.frontend", "--from-local", tag, "--watch", "0", "--json")
            facts.append(inv(*words, cwd=project.root, env=project.env()).ok().facts)
            all_drained()
            assert live() == dict.fromkeys(NAMES, tag)

    def back() -> None:
        inv("deploy.rollback", "frontend", "--watch", "0", "--yes", cwd=project.root, env=project.env()).ok()
        all_drained()

    with without_registry():
        result = under_traffic(sandbox, deploys)
        assert result.lost == 0, result.losses[:3]
        assert facts[1]["sent_layers"] == "1"
        assert 300_000 < int(facts[1]["sent_bytes"]) < 330_000  # once, and not for each container
        result = under_traffic(sandbox, back)
        assert result.lost == 0, result.losses[:3]
    assert live() == dict.fromkeys(NAMES, first)


def test_two_fewer_are_drained_and_gone(sandbox: SandboxInfo, release: Release, project: OwnProject) -> None:
    tag = release("frontend", "v1")

    declare(project, 1)  # nginx is reloaded, which closes kept-alive connections
    result = under_traffic(sandbox, lambda: project.deploy(tag, "--force").ok())
    assert result.lost == 0, result.losses[:3]
    assert live() == {"frontend": tag}
