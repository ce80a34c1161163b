"""What the nodes of a swarm are given, and what they keep of it: secrets, images by a login, and no old ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import bcrypt
import pytest

from sandbox.host import releases
from sandbox.host.swarm import running, units
from tests.leaks import leaks
from tests.sandbox.interruption import FULL
from tests.sandbox.support import Ran, all_drained, command_lines, inv, on_host, wait_for
from tests.sandbox.swarm import Project, swarm
from tests.sandbox.values import FILE, HOME, NAME, reads_from_file, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

pytestmark = pytest.mark.skipif(not FULL, reason="takes minutes: only with --full")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxInfo, Project]]:
    """Of the services, the frontend alone is deployed; it reads one value from a file."""
    with swarm(tmp_path_factory.mktemp("project")) as (sandbox, project):
        reads_from_file(project.root / "compose" / "docker-compose.yml")
        for tag in ("v1", "v2", "v3", "v4"):
            releases.release("frontend", f"nodes-{tag}")
        project.inv("host.sync", "--yes").ok()
        yield sandbox, project


@pytest.fixture
def project(cluster: tuple[SandboxInfo, Project]) -> Project:
    return cluster[1]


def number(node: str) -> int:
    """Which node of the sandbox has this name."""
    return int(node.partition("-sandbox-")[2] or 1)


def tasks_of(project: Project) -> list[dict[str, Any]]:
    """The frontend's tasks, each with its node and container."""
    every = json.loads(project.inv("deploy.status", "--json").ok().out)["services"]
    (status,) = [each for each in every if each["service"] == "frontend"]
    return list(status["tasks"])


def read_in_tasks(project: Project) -> dict[str, str]:
    """What the file says in each task, by its node."""
    return {
        task["node"]: on_host("docker", "exec", task["container"], "cat", FILE, node=number(task["node"]))
        for task in tasks_of(project)
    }


def secrets_there() -> list[str]:
    return on_host("docker", "secret", "ls", "--format", "{{.Name}}").splitlines()


def described() -> str:
    """All that a manager tells of the services it runs, and of their secrets."""
    services = on_host("sh", "-c", "docker service ls -q | xargs docker service inspect")
    return services + on_host("sh", "-c", "docker secret ls -q | xargs docker secret inspect")


def test_a_value_is_read_from_a_file_on_every_node_and_no_description_holds_it(
    cluster: tuple[SandboxInfo, Project],
) -> None:
    sandbox, project = cluster
    secrets = {NAME: value_of(NAME)}
    with command_lines(sandbox.container) as lines:
        first = project.deploy("frontend", "nodes-v1").ok()
    assert leaks("\n".join(lines) + first.said + described(), secrets) == []
    there = read_in_tasks(project)
    assert list(there.values()) == [secrets[NAME]] * 2
    assert {number(node) for node in there} - {1}, "a task is on another node"
    (name,) = secrets_there()
    assert (name.startswith("frontend-"), name.endswith(f"-{NAME}")) == (True, True)
    shown = {each["name"]: each for each in json.loads(project.inv("ops.env", "frontend", "--json").ok().out)["names"]}
    assert (shown[NAME]["origin"], shown[NAME]["live"]) == ("secret, .env", "set")

    task = tasks_of(project)[0]
    says = f'echo "given $(cat {FILE})" >/proc/1/fd/1'
    on_host("docker", "exec", task["container"], "sh", "-c", says, node=number(task["node"]))
    log = ("ops.logs", "frontend", "--tail", "all")
    wait_for(lambda: f"given <{NAME}>" in project.inv(*log).ok().out, what="what it has said")
    assert leaks(project.inv(*log).ok().out, secrets) == []


def test_another_value_is_another_release_and_a_rollback_has_the_old_one(project: Project, tmp_path: Path) -> None:
    old, before = value_of(NAME), secrets_there()
    file = tmp_path / "host.env"
    file.write_text(on_host("cat", f"{HOME}/.env").replace(f"{NAME}=", f"{NAME}=new"))
    project.inv("env.push", str(file), "--yes").ok()
    assert json.loads(project.inv("ops.env", "frontend", "--json").ok().out)["outdated"]
    project.deploy("frontend", "nodes-v1").ok()
    assert list(read_in_tasks(project).values()) == [f"new{old}"] * 2
    assert (len(secrets_there()), secrets_there() == before) == (1, False)  # that of the release before is gone with it

    project.inv("deploy.rollback", "frontend", "--watch", "1", "--yes", "--json").ok()
    wait_for(lambda: len(secrets_there()) == 1 and running("frontend") == 2, 60, "that the one before is gone")
    assert list(read_in_tasks(project).values()) == [old] * 2


def data_of(project: Project, *words: str) -> Any:
    return json.loads(project.inv(*words, "--json").ok().out)


def labelled(sandbox: SandboxInfo, number: int, port: int | None = None) -> None:
    """Have a node be reached by SSH as if it had been joined, or at a port where nobody listens."""
    ssh = sandbox.nodes[number - 1].ssh
    label = f"behindy.ssh={ssh.user}@{ssh.host}:{port or ssh.port}"
    on_host("docker", "node", "update", "--label-add", label, f"behindy-sandbox-{number}")


def images(sandbox: SandboxInfo, node: int) -> int:
    """How many images of the frontend a node has."""
    name = f"{sandbox.image_prefix}/behindy-frontend"
    return len(set(on_host("docker", "images", "--quiet", "--no-trunc", name, node=node).split()))


def test_after_four_deploys_no_node_has_more_than_two_images_and_one_out_of_reach_is_told(
    cluster: tuple[SandboxInfo, Project],
) -> None:
    sandbox, project = cluster
    on_host("docker", "node", "update", "--availability", "pause", "behindy-sandbox")  # so that two and three run each
    labelled(sandbox, 2)
    labelled(sandbox, 3, port=1)
    try:
        for tag in ("nodes-v2", "nodes-v3", "nodes-v4"):
            ran = project.deploy("frontend", tag).ok()
            assert "behindy-sandbox-3: images of earlier releases stay there" in ran.said
    finally:
        on_host("docker", "node", "update", "--availability", "active", "behindy-sandbox")
    assert (images(sandbox, 1), images(sandbox, 2)) == (2, 2)
    there = images(sandbox, 3)
    assert there > 2

    labelled(sandbox, 3)
    planned = {
        each["node"]: each for each in json.loads(project.inv("ops.prune", "--dry-run", "--json").ok().out)["nodes"]
    }
    assert len(planned["behindy-sandbox-3"]["going"]) == there - 2
    assert planned["behindy-sandbox-2"].get("going", []) == []
    assert images(sandbox, 3) == there
    project.inv("ops.prune", "--yes").ok()
    assert images(sandbox, 3) == 2
    seen = data_of(project, "ops.disk")
    assert [each["images"] for each in seen["nodes"]] == [2, 2]
    assert all(0 < each["free"] < each["size"] for each in seen["nodes"])
    assert "other_nodes" not in seen
    project.inv("deploy.rollback", "frontend", "--watch", "1", "--yes", "--json").ok()  # to one that is there


PRIVATE = """
sed 's/:5000/:5001/' /etc/docker/registry/config.yml >/etc/docker/registry/private.yml
printf 'auth: {htpasswd: {realm: x, path: /etc/docker/registry/htpasswd}}\\n' >>/etc/docker/registry/private.yml
printf '%s\\n' "$1" >/etc/docker/registry/htpasswd
setsid docker-registry serve /etc/docker/registry/private.yml >/var/log/private-registry 2>&1 </dev/null &
until curl -s -o /dev/null http://localhost:5001/v2/; do sleep 0.1; done
"""
"""The sandbox's registry at another port, where it wants a login."""

TOKEN = "t0ken-that-is-nowhere"


@pytest.fixture(scope="module")
def private(cluster: tuple[SandboxInfo, Project]) -> dict[str, str]:
    """The settings of a project whose images are where a login is needed; no node has one."""
    hashed = bcrypt.hashpw(TOKEN.encode(), bcrypt.gensalt(5)).decode()
    on_host("sh", "-c", PRIVATE, "private", f"me:{hashed}")
    registry = f"{cluster[0].nodes[0].address}:5001"
    return {"BEHINDY_IMAGE_PREFIX": f"{registry}/behindy", "BEHINDY_REGISTRY": registry, "DOCKERHUB_USERNAME": "me"}


def deploy(project: Project, tag: str, settings: dict[str, str]) -> Ran:
    ran = inv(*project.words("frontend", tag), cwd=project.root, env=project.env(**settings), timeout=180)
    all_drained()
    return ran


def test_the_nodes_pull_by_the_login_of_the_settings_and_have_none_of_their_own(
    cluster: tuple[SandboxInfo, Project], private: dict[str, str]
) -> None:
    sandbox, project = cluster
    all_drained()
    before = units()
    assert deploy(project, "nodes-v2", private).code == 41
    with_login = {**private, "DOCKERHUB_TOKEN": TOKEN}
    refuse = ("iptables", "--insert", "OUTPUT", "--protocol", "tcp", "--dport", "5001", "--jump", "REJECT")
    allow = (refuse[0], "--delete", *refuse[2:])
    for node in (2, 3):
        on_host(*refuse, node=node)
    try:
        ran = deploy(project, "nodes-v2", with_login)
    finally:
        for node in (2, 3):
            on_host(*allow, node=node)
    assert (ran.code, "cannot pull its image" in ran.named("failed")[0]["what"]) == (40, True), ran.said
    assert units() == before

    with command_lines(sandbox.container) as lines:
        ran = deploy(project, "nodes-v2", with_login).ok()
    assert units()["frontend"]["behindy.tag"] == "nodes-v2"
    assert leaks("\n".join(lines) + ran.said + described(), {"token": TOKEN}) == []
    for node in (1, 2, 3):
        assert TOKEN not in on_host("sh", "-c", "cat /root/.docker/*.json ~ubuntu/.docker/*.json 2>&1 || :", node=node)
