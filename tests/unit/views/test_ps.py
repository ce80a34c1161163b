"""``ops.ps``: what each container is here, and how."""

from __future__ import annotations

from behindy_ops.facts.changing import Changing
from behindy_ops.facts.draining import Draining
from behindy_ops.views import ps
from behindy_ops.views.view import as_json
from tests.unit.ops_facts import NEVER, NOW, STARTED, container, everybody, seen, spread, stopped, survey, task, text_of


def test_services_come_first_then_infrastructure_leftovers_and_others() -> None:
    found = survey(*everybody(), stopped("backend-blue"), container("by-hand"))
    view = ps.describe(seen(found))
    assert [(one.name, one.role) for one in view.containers] == [
        ("backend", "service"),
        ("frontend", "service"),
        ("nginx", "infrastructure"),
        ("postgres", "infrastructure"),
        ("redis", "infrastructure"),
        ("backend-blue", "leftover"),
        ("by-hand", "other"),
    ]
    assert list(view.leftovers) == ["backend"]
    assert "inv deploy.recover" in text_of(ps.lines(view))


def test_what_is_beside_the_live_one_while_somebody_changes_the_host_is_his() -> None:
    found = survey(
        *everybody(),
        stopped("backend-blue"),
        container("frontend-green"),
        changing=Changing("kim@mac", "deploy", "now"),
    )
    view = ps.describe(seen(found))
    roles = {one.name: (one.role, one.trouble) for one in view.containers}
    assert (roles["backend-blue"], roles["frontend-green"]) == (("changing", ""), ("changing", ""))
    assert {one.name for one in view.containers} == {*found.containers}
    assert view.leftovers == {}
    assert "kim@mac is changing this host: deploy, since now." in text_of(ps.lines(view))


def test_what_is_not_there_is_named() -> None:
    view = ps.describe(seen(survey(container("backend"))))
    missing = {one.name: one.trouble for one in view.containers if one.state == "missing"}
    assert missing == {
        "frontend": "not deployed",
        "nginx": "missing",
        "postgres": "missing",
        "redis": "missing",
    }
    assert ps.lines(view)


def test_a_port_open_to_the_world_is_a_trouble_but_for_nginx() -> None:
    found = survey(*everybody())
    ids = {name: one.id for name, one in found.containers.items()}
    ports = (
        f"{ids['postgres']} 0.0.0.0:5432->5432/tcp, [::]:5432->5432/tcp\n"
        f"{ids['nginx']} 0.0.0.0:443->443/tcp, 80/tcp\n{ids['redis']} 127.0.0.1:6379->6379/tcp\n"
    )
    view = ps.describe(seen(found, ports=ports))
    troubles = {one.name: one.trouble for one in view.containers if one.trouble}
    assert troubles == {"postgres": "it is open to the world: 0.0.0.0:5432->5432/tcp"}


def test_a_crash_and_a_failing_health_check_are_troubles() -> None:
    found = survey(
        *everybody(
            backend=stopped("backend", exit_code=137, oom_killed=True),
            frontend=container("frontend", health="unhealthy"),
            nginx=container("nginx", restarting=True, exit_code=1),
        )
    )
    said = text_of(ps.lines(ps.describe(seen(found))))
    assert "backend: it is not running (exited, exit code 137, OOM-killed)" in said
    assert "frontend: its health check fails" in said
    assert "nginx: it keeps restarting (exit code 1)" in said


def test_a_host_without_any_container_and_one_with_an_odd_name() -> None:
    assert "not deployed" in text_of(ps.lines(ps.describe(seen(survey()))))
    odd = survey(container("한국어" * 20, image="x" * 200))
    assert text_of(ps.lines(ps.describe(seen(odd))))


def test_an_age_counts_from_the_start_of_what_runs_and_the_end_of_what_does_not() -> None:
    found = survey(container("backend"), stopped("frontend", started=NEVER), container("new", started=NEVER))
    ages = {one.name: (one.since, one.seconds) for one in ps.describe(seen(found)).containers if one.state != "missing"}
    assert ages == {"backend": (STARTED, 3599.9), "frontend": (STARTED, 3599.9), "new": ("", 0.0)}


def test_what_the_host_drains_by_itself_is_no_trouble_and_told() -> None:
    found = survey(*everybody(), container("backend-blue"), draining={"backend": Draining("b", "r1", NOW + 60, 2)})
    view = ps.describe(seen(found))
    (blue,) = [one for one in view.containers if one.name == "backend-blue"]
    assert (blue.role, blue.trouble, view.leftovers) == ("draining", "", {})
    assert view.draining == {"backend-blue": "2 open connections, until 08:01:00 UTC at the latest"}
    said = text_of(ps.lines(view))
    assert "backend-blue is drained by the host: 2 open connections" in said
    assert "recover" not in said


def test_a_service_of_a_swarm_has_one_row_and_each_task_its_node() -> None:
    died = task(2, "beta", wanted="shutdown", state="failed", error="task: non-zero exit (1)")
    web = spread("backend", task(1, "beta"), died, trouble="it failed on beta")
    view = ps.describe(seen(survey(*everybody(backend=web))))
    backend = view.containers[0]
    assert (backend.role, backend.replicas, backend.trouble) == ("service", 2, "1 of 2 tasks run: it failed on beta")
    assert [(one.task, one.node, one.state) for one in backend.tasks] == [
        ("backend.1", "beta", "running"),
        ("backend.2", "beta", "failed"),
    ]
    said = text_of(ps.lines(view))
    assert "backend running 1/2" in said
    assert "backend.2 failed on beta" in said
    assert "backend: 1 of 2 tasks run: it failed on beta. Look: inv ops.logs backend" in said


def test_only_where_there_are_tasks_the_json_has_fields_for_them() -> None:
    alone, several = (
        as_json("ps", ps.describe(seen(survey(*everybody(backend=one)))))["containers"][0]
        for one in (container("backend"), spread("backend"))
    )
    assert not {"tasks", "replicas"} & alone.keys()
    assert (several["replicas"], several["tasks"][1]["node"]) == (2, "gamma")
