"""Every kind of service, and every option of a deploy, on a swarm of three nodes: with the promises of one host."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.host import releases
from sandbox.host import swarm as nodes_swarm
from sandbox.host.swarm import nodes_ready, running, tasks, units
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.asking import Site
from tests.sandbox.interruption import FULL
from tests.sandbox.several import SUDO, several_nodes
from tests.sandbox.support import ROOT, Ran, deploy, on_host, wait_for
from tests.sandbox.swarm import Project, made
from tests.sandbox.test_ops_follow import followed

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

HOME = "/home/ubuntu/behindy-ops"
IMAGE = "${BEHINDY_IMAGE_PREFIX:-behindy}/behindy-llmserver:latest"
WORKS = "echo begun $$SAMPLE_RELEASE; trap 'sleep 3; echo ended $$SAMPLE_RELEASE; exit' TERM; sleep 9999 & wait"
DIES = "case $$SAMPLE_RELEASE in bad*) sleep 5; exit 3;; esac; "
ASKS = "getent hosts db redis nginx"
STANZAS: dict[str, dict[str, Any]] = {
    "worker": {
        "command": ["sh", "-c", DIES + WORKS],
        "x-deploy": {"replicas": 2, "stop": 20, "health": {"steady": 2}},
    },
    "alone": {
        "command": ["sh", "-c", WORKS],
        "x-deploy": {"overlap": "no", "stop": 20, "health": {"steady": 2}},
    },
    "job": {"command": ["sh", "-c", f"echo ran $$SAMPLE_RELEASE; {ASKS}"], "x-deploy": {"schedule": "0 3 * * *"}},
    "mounts": {
        "command": ["sleep", "9999"],
        "volumes": [{"type": "bind", "source": "./here", "target": "/x", "bind": {"create_host_path": False}}],
        "x-deploy": {"replicas": 3, "health": {"steady": 1, "seconds": 20}},
    },
}
"""Services beside the three of this project, with its image."""

pytestmark = pytest.mark.skipif(not FULL, reason="takes minutes: only with --full")


@dataclass(frozen=True)
class Kinds:
    """A project with services of every kind."""

    project: Project
    sandbox: SandboxInfo

    def declare(self, **of_frontend: Any) -> None:
        """Declare them all, and give frontend's x-deploy these keys beside its own."""
        text = (ROOT / "compose" / "docker-compose.yml").read_text(encoding="utf-8")
        keys = {"replicas": 2, **of_frontend}
        lines = "".join(f"      {key}: {json.dumps(value)}\n" for key, value in keys.items())
        text, found = re.subn(r"(\n  frontend:\n.*?    x-deploy:\n)", lambda at: at[1] + lines, text, flags=re.DOTALL)
        assert found == 1
        before, networks, after = text.partition("\nnetworks:\n")
        usual: dict[str, Any] = {"image": IMAGE, "profiles": ["apps"], "networks": ["internal"], "restart": "always"}
        limits: dict[str, Any] = {"mem_limit": "60m", "memswap_limit": "60m"}
        more = "".join(f"\n  {name}: {json.dumps(usual | limits | own)}\n" for name, own in STANZAS.items())
        (self.project.root / "compose" / "docker-compose.yml").write_text(f"{before}\n{more}{networks}{after}\n")

    def inv(self, *words: str) -> Ran:
        return self.project.inv(*words)

    def deploy(self, service: str, tag: str, *words: str, watch: str = "0") -> Ran:
        return self.project.deploy(service, tag, *words, watch=watch)

    def under_traffic(self, what: Callable[[], object], service: str = "frontend") -> None:
        """Do something that users of a service notice nothing of."""
        streams = [stream for stream in for_service(service) if stream.service == service]
        with Traffic(self.sandbox, streams, max_seconds=200) as traffic:
            traffic.wait_until_flowing()
            what()
            result = traffic.stop()
        assert (result.lost, result.ended_by, result.sent > 50) == (0, "stop", True), result.losses[:5]

    def next(self, service: str = "frontend") -> str:
        return "v1" if units()[service]["behindy.tag"] == "v2" else "v2"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kinds]:
    """Three nodes, of which the first served alone before they became a swarm: frontend is still its container."""
    with several_nodes("kinds") as sandbox:
        for service in ("frontend", "llmserver", "backend"):
            for tag in ("v1", "v2"):
                releases.release(service, tag)
        releases.release("llmserver", "bad")
        releases.release("frontend", "bad", "crash")
        on_host("sh", "-c", SUDO)  # a job's timer is root's
        deploy("frontend", "v1").ok()
        nodes_swarm.form(sandbox.nodes)
        found = Kinds(made(tmp_path_factory.mktemp("project")), sandbox)
        found.declare()
        found.inv("host.sync", "--yes").ok()
        on_host("mkdir", f"{HOME}/compose/here")
        yield found


@pytest.fixture
def kinds(three: Kinds) -> Kinds:
    """Frontend is live with two replicas, and declared like that."""
    wait_for(lambda: nodes_ready() == 3, 60, "that all nodes are Ready")
    three.declare()
    if "frontend" not in units() or running("frontend") != 2:
        three.deploy("frontend", "v1", "--force").ok()
    return three


def test_the_swarm_takes_a_service_over_though_its_release_is_live_and_with_another_number_too(three: Kinds) -> None:
    ran: list[Ran] = []
    three.under_traffic(lambda: ran.append(three.deploy("frontend", "v1").ok()))
    assert "is to be run by the swarm" in ran[0].said
    assert running("frontend") == 2
    three.declare(replicas=10)
    three.under_traffic(lambda: ran.append(three.deploy("frontend", "v1").ok()))
    assert "frontend has 2 tasks, not 10" in ran[1].said
    assert running("frontend") == 10
    assert len({task.node for task in tasks("frontend")}) == 3
    three.declare()
    assert three.deploy("frontend", "v1", "--dry-run").ok().named("plan")
    three.deploy("frontend", "v1").ok()
    assert (running("frontend"), "nothing to do" in three.deploy("frontend", "v1").ok().said) == (2, True)


def test_what_runs_before_a_release_refuses_it_and_reaches_what_a_task_reaches(kinds: Kinds) -> None:
    live = units()
    kinds.declare(before={"command": ["sh", "-c", f"{ASKS}; exit 3"]})

    def refused() -> None:
        ran = kinds.deploy("frontend", kinds.next())
        assert (ran.code, "x-deploy.before of frontend failed: exit code 3" in ran.said) == (50, True), ran.said
        assert re.search(r"10\.\S+ +nginx", ran.said)

    kinds.under_traffic(refused)
    assert units() == live
    kinds.declare(before={"command": ["sh", "-c", ASKS]}, after={"command": ["sh", "-c", "exit 4"]})
    ran = kinds.deploy("frontend", kinds.next())
    assert (ran.code, "x-deploy.after of frontend failed: exit code 4" in ran.said) == (53, True), ran.said
    assert set(units()) >= {"frontend"}
    assert not on_host("docker", "ps", "-aq", "--filter", "label=behindy.once")


def test_a_worker_is_replaced_once_all_its_tasks_run_and_a_bad_one_is_taken_back(kinds: Kinds) -> None:
    kinds.deploy("worker", "v1").ok()
    assert len({task.node for task in tasks("worker")}) == 2
    with followed("ops.logs", "worker", "--follow", cwd=kinds.project.root, env=kinds.project.env()) as log:
        wait_for(lambda: log.said.count("begun v1") == 2, what="what both of the first release say")
        kinds.deploy("worker", "v2").ok()
        wait_for(lambda: log.said.count("begun v2") == 2, 30, "what both of the next one say")
        log.stop()
    live = units()
    ran = kinds.deploy("worker", "bad", watch="10")
    assert (ran.code, "it failed on behindy-sandbox" in ran.named("failed")[0]["what"]) == (52, True), ran.said
    assert units() == live
    kinds.inv("deploy.rollback", "worker", "--to", "v1", "--watch", "0", "--yes").ok()
    assert units()["worker"]["behindy.tag"] == "v1"


def test_of_what_must_not_overlap_the_next_begins_when_the_one_before_has_ended(kinds: Kinds) -> None:
    kinds.deploy("alone", "v1").ok()
    with followed("ops.logs", "alone", "--follow", cwd=kinds.project.root, env=kinds.project.env()) as log:
        wait_for(lambda: "begun v1" in log.said, what="what the first one says")
        kinds.deploy("alone", "v2").ok()
        wait_for(lambda: "begun v2" in log.said, 30, "what the next one says")
        log.stop()
    said = log.said
    assert said.index("ended v1") < said.index("begun v2"), said


def test_a_job_is_the_first_hosts_and_reaches_the_database(kinds: Kinds) -> None:
    kinds.deploy("job", "v1").ok()
    assert "job" not in units()
    said = on_host("/usr/local/lib/behindy-ops/job-job", user="ubuntu")
    assert "ended well" in said
    assert re.search(r"ran v1\s.* db\s", on_host("docker", "logs", "job-run"), flags=re.DOTALL)
    (row,) = [row for row in json.loads(kinds.inv("ops.ps", "--json").ok().out)["containers"] if row["name"] == "job"]
    assert (row["state"], row["trouble"]) == ("scheduled", "")


def test_one_that_is_stopped_first_comes_back_when_its_successor_is_no_good(kinds: Kinds) -> None:
    live = units()["frontend"]
    ran = kinds.deploy("frontend", "bad", "--strategy", "recreate")
    assert (ran.code, "The previous release serves again" in ran.named("failed")[0]["state"]) == (50, True), ran.said
    assert (units()["frontend"], running("frontend")) == (live, 2)


def test_what_a_node_cannot_run_is_refused_by_that_name_with_what_to_type(kinds: Kinds) -> None:
    live = units()
    refused = kinds.inv("deploy.mounts", "--from-local", "v1", "--json")
    assert (refused.code, "Push it to a registry" in refused.said) == (2, True), refused.said
    (failed,) = kinds.deploy("mounts", "v1").named("failed")
    assert "rejects it (invalid mount" in failed["what"]
    assert "on every node that may run it" in failed["remedy"]
    with no_registry(3):
        kinds.declare(replicas=3)
        releases.release("frontend", "unseen")
        (failed,) = kinds.deploy("frontend", "unseen").named("failed")
    assert "behindy-sandbox-3 cannot pull its image" in failed["what"]
    assert re.search(r"docker pull \S+/behindy-frontend@sha256:", failed["remedy"]), failed["remedy"]
    assert units() == live


@contextlib.contextmanager
def no_registry(node: int) -> Iterator[None]:
    """A node does not reach the registry."""
    rule = ("OUTPUT", "-p", "tcp", "--dport", "5000", "-j", "REJECT")
    on_host("iptables", "-I", *rule, node=node)
    try:
        yield
    finally:
        on_host("iptables", "-D", *rule, node=node)


def test_one_of_two_tasks_is_told_by_the_doctor_with_the_reason(kinds: Kinds) -> None:
    service = on_host("docker", "service", "ls", "-q", "--filter", "label=behindy.name=frontend")
    on_host("docker", "service", "update", "--detach", "--reserve-memory", "1T", service)
    waiting = ("docker", "service", "ps", "--format", "{{.Error}}", service)
    wait_for(lambda: "no suitable node" in on_host(*waiting), 60, "that one has no place")
    found = {each["name"]: each for each in json.loads(kinds.inv("ops.doctor", "--json").out)["findings"]}
    assert "1 of 2 tasks run: no node of the swarm fits" in found["fewer tasks"]["cause"]
    assert "inv ops.ps" in found["fewer tasks"]["remedy"]


def test_an_open_page_has_its_static_files_whichever_node_runs_the_tasks(kinds: Kinds) -> None:
    site = Site(kinds.sandbox)
    kinds.declare(placement=["only=second"])
    node = kinds.sandbox.nodes[1].name
    on_host("docker", "node", "update", "--label-add", "only=second", node)
    pages = {}
    for tag in ("v1", "v2"):
        kinds.deploy("frontend", tag, "--force").ok()
        assert {task.node for task in tasks("frontend")} == {node}
        found = re.search(r'src="(/_next/static/[^"]+)"', site.ask("/").body.decode())
        assert found is not None
        pages[tag] = found[1]
    for tag, path in pages.items():
        answer = site.ask(path)
        assert (answer.status, tag.encode() in answer.body) == (200, True)


def test_a_release_that_is_still_asked_is_stopped_at_once_when_told_so(kinds: Kinds) -> None:
    with followed(
        "deploy.frontend", "--tag", kinds.next(), "--watch", "0", "--wait-drain", "--json",
        cwd=kinds.project.root, env=kinds.project.env(),
    ) as waiting:  # fmt: skip
        wait_for(lambda: "is changing it" in kinds.inv("lock.status").said, 30, "that it has the lock")
        refused = kinds.inv("deploy.frontend", "--tag", "v1")
        assert (refused.code, "is changing" in refused.said) == (20, True), refused.said
        wait_for(lambda: waiting.process.poll() is not None, 60, "that it has ended")
    assert waiting.process.returncode == 0
    kinds.deploy("frontend", kinds.next(), "--now").ok()


def test_values_and_backups_are_put_in_place_and_no_request_is_lost(kinds: Kinds, tmp_path: Path) -> None:
    for service in ("llmserver", "backend"):  # the second asks the first
        kinds.deploy(service, "v1").ok()
    file = tmp_path / "host.env"
    file.write_text(f"{on_host('cat', f'{HOME}/.env')}\nMETRO_DAILY_LIMIT=77\n")
    assert "METRO_DAILY_LIMIT" in kinds.inv("env.diff", str(file)).said
    kinds.inv("env.push", str(file), "--yes").ok()
    assert "its configuration changed" in kinds.deploy("backend", "v1").ok().said
    on_host(
        "docker", "exec", "postgres", "sh", "-c", 'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "create table t()"'
    )
    kinds.inv("db.backup", "--to", str(tmp_path / "backup.dump")).ok()
    restore = ("db.restore", str(tmp_path / "backup.dump"), "--yes")
    kinds.under_traffic(lambda: kinds.inv(*restore).ok(), "backend")
