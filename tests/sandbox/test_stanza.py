"""What a stanza may have beside its image: volumes and networks, which are the project's and no release's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.ops_support import HOME
from tests.sandbox.support import all_drained, deploy, inv, on_host

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo

Release = Callable[..., str]

FILE = f"{HOME}/compose/docker-compose.yml"
STANZA = '/^  frontend:/a\\    volumes: ["uploads:/data", /scratch]'
NETWORK = "/^  frontend:/a\\    networks: [internal, egress]"


@pytest.fixture
def further(live_services: None) -> Iterator[None]:
    """The host's compose file gives frontend a volume, an anonymous one, and a second network."""
    more = "-e '/^networks:/a\\  egress: {}' -e '/^volumes:/a\\  uploads: {}'"
    edit = f"sed -e '{STANZA}' -e '{NETWORK}' {more} {FILE}.away >{FILE}"
    on_host("sh", "-c", f"cp -p {FILE} {FILE}.away && {edit}")
    try:
        yield
    finally:
        on_host("mv", f"{FILE}.away", FILE)
        deploy("frontend", "v1", "--force").ok()
        on_host("docker", "volume", "rm", "behindy-ops_uploads", check=False)
        on_host("docker", "network", "rm", "behindy-ops_egress", check=False)


@pytest.fixture
def files(live_services: None) -> Iterator[None]:
    """The host's compose file gives frontend an env_file, and a configuration that is mounted."""
    stanza = "/^  frontend:/a\\    env_file: [further.env]\\n    configs: [{source: page, target: /page}]"
    config = "'configs: {page: {file: page.txt}}'"
    edit = f"sed -e '{stanza}' {FILE}.away >{FILE} && printf '%s\\n' {config} >>{FILE}"
    on_host("sh", "-c", f"cp -p {FILE} {FILE}.away && {edit}")
    write_files("1")
    try:
        yield
    finally:
        on_host("sh", "-c", f"mv {FILE}.away {FILE}; cd {HOME}/compose; rm further.env page.txt")
        deploy("frontend", "v1", "--force").ok()


def write_files(value: str) -> None:
    on_host(
        "sh", "-c", f"cd {HOME}/compose; echo FURTHER={value} >further.env; echo page {value} >page.txt; chmod a+r *"
    )


def test_a_rollback_brings_the_files_back_that_the_release_was_started_with(
    sandbox: SandboxInfo, release: Release, files: None
) -> None:
    def given() -> list[str]:
        told = on_host("docker", "exec", "frontend", "sh", "-c", "echo $FURTHER; cat /page")
        return told.splitlines()

    release("frontend", "v1")
    deploy("frontend", "v1", "--force").ok()
    assert given() == ["1", "page 1"]
    write_files("2")
    deploy("frontend", "v1").ok()  # the same image: its configuration is another
    assert given() == ["2", "page 2"]
    write_files("3")
    inv("deploy.rollback", "frontend", "--watch", "0", "--json").ok()
    assert given() == ["1", "page 1"]


def kept(kind: str) -> set[str]:
    return set(on_host("docker", kind, "ls", "--format", "{{.Name}}").split())


def test_its_volumes_and_networks_are_the_same_for_every_release_and_nothing_is_left(
    sandbox: SandboxInfo, release: Release, further: None
) -> None:
    networks, volumes = kept("network"), kept("volume")
    for tag in ("v1", "v2"):
        release("frontend", tag)
        deploy("frontend", tag, "--force").ok()
        on_host("docker", "exec", "frontend", "sh", "-c", f"echo {tag} >>/data/said")
    inv("deploy.rollback", "frontend", "--watch", "0", "--json").ok()
    all_drained()
    assert on_host("docker", "exec", "frontend", "cat", "/data/said").split() == ["v1", "v2"]
    assert kept("network") - networks == {"behindy-ops_egress"}
    named = {name for name in kept("volume") - volumes if len(name) < 64}
    assert (named, len(kept("volume") - volumes)) == (
        {"behindy-ops_uploads"},
        2,
    )  # the other one is of the live release
    told = json.loads(on_host("docker", "inspect", "--format", "{{json .NetworkSettings.Networks}}", "frontend"))
    assert set(told) == {"behindy-ops_internal", "behindy-ops_egress"}
    assert not any("frontend" in (network["Aliases"] or ()) for network in told.values())


@pytest.mark.usefixtures("further")
def test_prune_removes_what_a_release_of_an_earlier_version_left_and_nothing_with_a_name() -> None:
    old, project = "20260101-000000-aaaa", "behindy-frontend-20260101-000000-aaaa"
    where = f"{HOME}/state/releases/frontend/{old}"
    deploy("frontend", "v1", "--force").ok()  # the live release has an anonymous volume
    try:
        on_host("mkdir", "-p", where)
        anothers, theirs = (
            on_host("sh", "-c", f"touch -d '{ago} seconds ago' {where}/override.yml && docker volume create")
            for ago in (60, 1)
        )
        label = f"com.docker.compose.project={project}"
        on_host("docker", "network", "create", "--label", label, f"{project}_egress")
        on_host("docker", "volume", "create", "--label", label, f"{project}_uploads")
        plan = json.loads(inv("ops.prune", "--dry-run", "--json").ok().out)["plan"]
        assert (plan["volumes"], plan["named"]) == ([], [f"{project}_uploads"])  # two, and one of them may be another's
        on_host("docker", "volume", "rm", anothers)
        plan = json.loads(inv("ops.prune", "--dry-run", "--json").ok().out)["plan"]
        assert (plan["volumes"], plan["networks"]) == ([theirs], [f"{project}_egress"])
        inv("ops.prune").ok()
        assert not {theirs, f"{project}_egress"} & (kept("volume") | kept("network"))
        assert {f"{project}_uploads", "behindy-ops_uploads"} <= kept("volume")
    finally:
        on_host("rm", "-r", where)
        on_host("docker", "volume", "rm", f"{project}_uploads", check=False)
        on_host("docker", "network", "rm", f"{project}_egress", check=False)
