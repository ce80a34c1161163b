"""Each view of a swarm of three nodes, as text and as data: it shows what runs, and says what it does not know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.project.dotenv import parse
from sandbox.host import releases
from sandbox.host.swarm import tasks, units
from tests.leaks import leaks
from tests.sandbox.interruption import FULL
from tests.sandbox.support import SERVICES, on_host, wait_for
from tests.sandbox.swarm import Project, swarm
from tests.sandbox.test_ops_follow import followed

if TYPE_CHECKING:
    from collections.abc import Callable

OVERLAY = "behindy-ops_internal-swarm"
HOME = "/home/ubuntu/behindy-ops"

pytestmark = pytest.mark.skipif(not FULL, reason="takes minutes: only with --full")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """All three live, with two replicas each."""
    with swarm(tmp_path_factory.mktemp("project")) as (_, made):
        for service in SERVICES:
            releases.release(service, "v1")
            made.deploy(service, "v1", watch="0").ok()
        yield made


@pytest.fixture(scope="module")
def shown(project: Project) -> Callable[..., Any]:
    """The data of a task, which has to be shown as text too."""

    def show(*words: str) -> Any:
        text = project.inv(*words).ok().out
        assert text.strip()
        assert "Traceback" not in text
        return json.loads(project.inv(*words, "--json").ok().out)

    return show


def nodes_of(service: str) -> list[str]:
    return sorted(task.node for task in tasks(service))


def test_a_row_of_a_service_has_its_replicas_and_each_task_its_node(
    project: Project, shown: Callable[..., Any]
) -> None:
    rows = {row["name"]: row for row in shown("ops.ps")["containers"]}
    for service in SERVICES:
        row = rows.pop(service)
        assert (row["role"], row["state"], row["replicas"], row["trouble"]) == ("service", "running", 2, "")
        assert row["tag"] == "v1"
        assert sorted(task["node"] for task in row["tasks"]) == nodes_of(service)
        assert {task["state"] for task in row["tasks"]} == {"running"}
    assert sorted(rows) == ["nginx", "postgres", "redis"]  # and no task of this node as a container of its own
    assert not any("tasks" in row or "replicas" in row for row in rows.values())
    assert "frontend   running 2/2" in project.inv("ops.ps").ok().out


def test_the_status_says_how_many_run_and_where(project: Project, shown: Callable[..., Any]) -> None:
    for status in shown("deploy.status")["services"]:
        assert (status["state"], status["replicas"], len(status["tasks"])) == ("running", 2, 2)
        assert status["leftover"] == ""
    text = project.inv("deploy.status").ok().out
    assert text.count("running, 2 of 2 tasks") == len(SERVICES)
    assert " 0 B" not in text


def test_memory_and_load_are_those_of_this_node_and_the_others_are_named(
    project: Project, shown: Callable[..., Any]
) -> None:
    here = {f"{name}." for name in SERVICES for task in tasks(name) if task.node == "behindy-sandbox"}
    for view, others in (("ops.mem", "nodes"), ("ops.stats", "other_nodes")):
        data = shown(view)
        names = {each["name"] for each in data["containers"]}
        assert {"nginx", "postgres", "redis"} <= names
        assert {name.partition(".")[0] + "." for name in names if "." in name} == here
        assert len(data[others]) == (3 if view == "ops.mem" else 2)
    nodes = shown("ops.mem")["nodes"]
    assert sum(node["running"] for node in nodes) == 2 * len(SERVICES)
    assert all(node["total"] > 0 for node in nodes)
    assert "only they know" in project.inv("ops.mem").ok().out.replace("\n  ", " ")


def test_a_disk_is_that_of_this_node_and_images_of_others_are_said_to_stay(
    project: Project, shown: Callable[..., Any]
) -> None:
    data = shown("ops.disk")
    assert data["other_nodes"] == ["behindy-sandbox-2", "behindy-sandbox-3"]
    kept = {each["service"]: each["images"] for each in data["repositories"]}
    assert kept["frontend"][0]["why"] == ["live frontend"]
    (files,) = [each for each in data["assets"] if each["service"] == "frontend"]
    assert files["going"] == []
    assert shown("ops.prune", "--dry-run")["other_nodes"] == data["other_nodes"]
    assert "docker image prune --all" in project.inv("ops.prune", "--dry-run").ok().out.replace("\n  ", " ")


def test_names_lead_to_every_task_on_the_network_of_all_nodes(shown: Callable[..., Any]) -> None:
    network = shown("ops.network")
    assert network["absent"] == network["overlay"]["absent"] == []
    placed = {each["name"]: each for each in network["overlay"]["members"]}
    assert {f"{name}.{slot}" for name in SERVICES for slot in (1, 2)} <= placed.keys()
    for upstream in shown("ops.nginx")["upstreams"]:
        own = {placed[f"{upstream['service']}.{slot}"]["address"] for slot in (1, 2)}
        assert (set(upstream["resolves"]), upstream["trouble"]) == (own, "")
        assert upstream["direct"]["status"] == 200


def test_the_doctor_finds_no_trouble_in_a_swarm_that_is_well(shown: Callable[..., Any]) -> None:
    found = shown("ops.doctor")
    assert found["healthy"], found["findings"]
    assert {each["subject"] for each in found["findings"]} <= {"host"}


def test_who_lost_the_network_of_all_nodes_is_found_and_connected_again(project: Project) -> None:
    on_host("docker", "network", "disconnect", OVERLAY, "redis")
    found = json.loads(project.inv("ops.doctor", "--json").out)["findings"]
    assert ("redis", "off the network") in {(each["subject"], each["name"]) for each in found}
    assert json.loads(project.inv("ops.network", "--fix", "--yes", "--json").ok().out)["connected"] == ["redis"]
    assert json.loads(project.inv("ops.doctor", "--json").ok().out)["healthy"]


def secrets() -> dict[str, str]:
    entries = parse(on_host("cat", f"{HOME}/.env")).entries
    return {each.name: each.value for each in entries if each.value and each.name.endswith(("SECRET", "KEY", "PASS"))}


def test_a_log_is_that_of_every_task_without_a_value(project: Project) -> None:
    status = status_of(project, "backend")
    for task in status["tasks"]:
        says = 'echo "given $JWT_SECRET" >/proc/1/fd/1'
        on_host("docker", "exec", task["container"], "sh", "-c", says, node=number(task["node"]))
    words = ("ops.logs", "backend", "--tail", "all")
    wait_for(lambda: project.inv(*words).ok().out.count("given <JWT_SECRET>") == 2, what="what both have said")
    assert leaks(project.inv(*words).ok().out, secrets()) == []
    data = [json.loads(line) for line in project.inv(*words, "--json").ok().out.splitlines()]
    assert {(each["task"], each["node"]) for each in data} == {(each["task"], each["node"]) for each in status["tasks"]}
    assert [each["at"] for each in data] == sorted(each["at"] for each in data)
    assert len(project.inv("ops.logs", "frontend", "--grep", "listens on").ok().out.splitlines()) == 2


def test_the_last_words_of_a_release_that_is_refused_hold_no_value_either(project: Project) -> None:
    releases.release("backend", "leaks", "leaks")
    ran = project.deploy("backend", "leaks")
    assert ran.code == 50
    assert re.search(r"ERROR .*<[A-Z_]{6,}>", ran.said), ran.said
    assert leaks(ran.said, secrets()) == []


def number(node: str) -> int:
    """Which node of the sandbox has this name."""
    return int(node.partition("-sandbox-")[2] or 1)


def status_of(project: Project, service: str) -> Any:
    every = json.loads(project.inv("deploy.status", "--json").ok().out)["services"]
    return next(each for each in every if each["service"] == service)


def test_a_command_runs_in_a_task_that_is_here_and_elsewhere_is_said_where(project: Project) -> None:
    codes = set()
    for service in SERVICES:
        ran = project.inv("ops.exec", service, "--", "sh", "-c", "exit 7")
        here = "behindy-sandbox" in nodes_of(service)
        assert ran.code == (7 if here else 61), ran.said
        assert here or all(node in ran.said.replace("\n        ", " ") for node in nodes_of(service))
        codes.add(ran.code)
    assert codes


def test_a_command_that_runs_once_has_the_release_and_reaches_its_tasks(project: Project) -> None:
    name = units()["llmserver"]["behindy.dns"]
    ask = f"import urllib.request as r; print(r.urlopen('http://{name}:8000/health', timeout=3).status)"
    assert project.inv("ops.run", "backend", "--", "python3", "-c", ask).ok().out == "200\n"
    resolve = "import socket; print(sorted({socket.gethostbyname(n) != '' for n in ('db', 'redis', 'nginx')}))"
    assert project.inv("ops.run", "backend", "--", "python3", "-c", resolve).ok().out == "[True]\n"
    assert on_host("docker", "ps", "-aq", "--filter", "label=behindy.once") == ""


def test_names_of_an_environment_are_those_that_the_tasks_have(
    project: Project, shown: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    described = shown("ops.env", "backend")
    assert (described["outdated"], described["compared"]) == (False, True)
    assert {each["name"] for each in described["names"]} >= {"JWT_SECRET", "PATH"}
    assert not [each for each in described["names"] if each["trouble"]]
    shown("env.check")
    file = tmp_path_factory.mktemp("env") / "host.env"
    file.write_text(on_host("cat", f"{HOME}/.env").replace("JWT_SECRET=", "JWT_SECRET=new"))
    text = project.inv("env.diff", str(file)).ok().out
    assert "JWT_SECRET" in text
    assert "backend" in text
    project.inv("env.push", str(file), "--yes").ok()
    after = shown("ops.env", "backend")
    assert (after["outdated"], [each["name"] for each in after["names"] if each["changed"]]) == (True, ["JWT_SECRET"])


def test_history_releases_locks_and_maintenance_are_as_on_one_host(project: Project, shown: Callable[..., Any]) -> None:
    assert project.inv("deploy.history", "--json").ok().out.count('"frontend"') >= 1
    assert project.inv("deploy.releases", "frontend").ok().out.count("live") == 1
    assert "nothing to do" in project.inv("deploy.recover").ok().out
    project.inv("lock.acquire", "--message", "a look").ok()
    assert "a look" in project.inv("lock.status").ok().out
    project.inv("lock.release").ok()
    project.inv("deploy.maintenance", "frontend", "--on").ok()
    try:
        (closed,) = [one for one in shown("ops.nginx")["upstreams"] if one["service"] == "frontend"]
        assert (closed["public"]["status"], closed["direct"]["status"], closed["trouble"]) == (503, 200, "")
    finally:
        project.inv("deploy.maintenance", "frontend", "--off").ok()


def test_a_log_is_followed_into_a_task_that_takes_anothers_place_and_its_end_is_told(project: Project) -> None:
    words = ("ops.logs", "llmserver", "--follow", "--tail", "1")
    with followed(*words, cwd=project.root, env=project.env()) as log:
        wait_for(lambda: log.said.count("listens on") == 2, what="both tasks' lines")
        service = on_host("docker", "service", "ls", "-q", "--filter", "label=behindy.name=llmserver")
        on_host("docker", "service", "scale", "--detach", f"{service}=3")
        wait_for(lambda: "3@" in log.said, 60, "the line of a task that came")
        assert log.stop() == 130
    on_host("docker", "service", "scale", "--detach", f"{service}=2")
    wait_for(lambda: len(tasks("llmserver")) == 2, 60, "that there are two again")
    left = "ps -eo args | grep '[d]ocker service logs'"
    wait_for(lambda: on_host("sh", "-c", left, check=False) == "", what="that nobody follows any more")
    killed = on_host("docker", "service", "ps", "-q", "--filter", "desired-state=running", service).split()[0]
    container = on_host("docker", "inspect", "--format", "{{.Status.ContainerStatus.ContainerID}}", killed)
    node = on_host("docker", "inspect", "--format", "{{.NodeID}}", killed)
    address = on_host("docker", "node", "inspect", "--format", "{{.Description.Hostname}}", node)
    on_host("docker", "kill", container, node=number(address))
    wait_for(lambda: "137" in project.inv("ops.ps").ok().out, 60, "that its end is told")
