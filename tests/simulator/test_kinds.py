"""Services of other kinds on a simulated host: with health checks of their own, workers, and none beside another."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import BehindyError, Interrupted, Kind
from behindy_ops.project.services import HealthPolicy, Service
from tests.kinds import raises
from tests.simulator.faults import Fault, heal, plan, plan_during
from tests.simulator.simulation import SERVICES, Behaviour, ClientKilled, Simulation
from tests.simulator.start import begin
from tests.simulator.test_deploys import decisions, history, live, outcomes, sent, steps, tag, warnings

if TYPE_CHECKING:
    from tests.simulator.docker import Box

FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"

WORKER = Service("worker", "me/worker:latest", watch=5, health=HealthPolicy(attempts=3))

RELEASES = {
    "first": Behaviour(),
    "second": Behaviour(),
    "mended": Behaviour(),
    "exits": Behaviour(exits=True),
    "unhealthy": Behaviour(checked=("unhealthy", 5.0)),
    "never-checked": Behaviour(checked=("healthy", 60.0)),
    "dies-while-watched": Behaviour(dies_after=12.0),
}


@pytest.fixture
def host() -> Simulation:
    """Three services with a port, each deployed twice."""
    return begin()


def test_a_release_whose_own_health_check_passes_late_is_waited_for(host: Simulation) -> None:
    host.push("frontend", "checked", Behaviour(checked=("healthy", 7.0)))
    before = host.world.now
    host.deploy("frontend", tag="checked")
    assert (tag(host), live(host).health) == ("checked", "healthy")
    assert host.world.now - before > 7
    assert host.rules.at_rest("frontend") == ""


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        (("unhealthy", 5.0), "its own health check fails (Docker says: unhealthy)"),
        (("healthy", 60.0), "its own health check has not passed yet (Docker says: starting), 3 attempts in a row"),
    ],
)
def test_a_release_that_answers_and_whose_own_health_check_does_not_pass_never_meets_a_user(
    host: Simulation, verdict: tuple[str, float], why: str
) -> None:
    host.push("frontend", "checked", Behaviour(checked=verdict))
    with raises(Kind.RELEASE_REFUSED) as caught:
        host.deploy("frontend", tag="checked")
    assert caught.value.what == f"frontend-green is not healthy: {why}."
    assert (tag(host), history(host)[-1]["outcome"]) == ("second", "refused")
    assert host.rules.at_rest("frontend") == ""


def with_worker(*, overlap: bool = True) -> Simulation:
    """A worker, deployed twice; nginx is stopped, since nothing may ask it."""
    simulation = Simulation({"worker": replace(WORKER, overlap=overlap)})
    if not overlap:
        simulation.rules.announced.add("worker")
        simulation.world.checks.append(lambda: one_runs(simulation))
    for name, behaviour in RELEASES.items():
        simulation.push("worker", name, behaviour)
    for name in ("first", "second"):
        simulation.deploy("worker", tag=name)
    simulation.forget()
    nginx = simulation.world.engine.named("nginx")
    assert nginx is not None
    nginx.policy = "no"
    simulation.world.engine.stop("nginx")
    return simulation


def running(simulation: Simulation) -> list[Box]:
    boxes = simulation.world.engine.boxes.values()
    return [box for box in boxes if box.labels.get("behindy.service") == "worker" and box.running]


def one_runs(simulation: Simulation) -> None:
    assert len(running(simulation)) < 2, "two releases run side by side"


@pytest.fixture
def worker() -> Simulation:
    return with_worker()


def at_rest(simulation: Simulation) -> None:
    assert simulation.rules.at_rest("worker") == ""
    assert len(running(simulation)) == 1


def test_a_worker_is_deployed_beside_the_one_before_and_nothing_asks_nginx(worker: Simulation) -> None:
    before = live(worker, "worker")
    worker.deploy("worker", tag="mended")
    assert [each for each in sent(worker) if each != "tidy"] == [
        "pull", "start_green", "look_running", "swap", "watch", "leave", "verify",
    ]  # fmt: skip
    asked = [command for command in worker.connections[-1].sent if not command.title.startswith("start ")]
    assert not any("nginx" in word for command in asked for word in command.argv[4:])
    assert (tag(worker, "worker"), outcomes(worker)) == ("mended", ["live"])
    assert before.id not in worker.world.engine.boxes
    assert "The new release of worker is live and proven after" in decisions(worker)
    assert "nginx" not in decisions(worker) + "".join(warnings(worker))
    at_rest(worker)


def test_whoever_waits_for_the_previous_one_has_it_stopped_in_the_deploy(worker: Simulation) -> None:
    worker.deploy("worker", tag="mended", wait_drain=True)
    assert "stop_blue" in sent(worker)
    assert not {"drain", "leave"} & set(sent(worker))
    at_rest(worker)


@pytest.mark.parametrize(
    ("release", "why"),
    [
        ("exits", "it exited (exit code 3)"),
        ("unhealthy", "its own health check fails (Docker says: unhealthy)"),
        ("never-checked", "its own health check has not passed yet (Docker says: starting)"),
    ],
)
def test_a_bad_worker_is_refused_and_the_one_before_runs_on(worker: Simulation, release: str, why: str) -> None:
    before = live(worker, "worker")
    with raises(Kind.RELEASE_REFUSED) as caught:
        worker.deploy("worker", tag=release)
    assert caught.value.what == f"worker-green is not healthy: {why}."
    assert caught.value.state == "The live release was never touched and is still running."
    assert live(worker, "worker") is before
    assert history(worker)[-1]["outcome"] == "refused"
    at_rest(worker)


def test_a_worker_that_dies_while_it_is_watched_is_switched_back(worker: Simulation) -> None:
    before = live(worker, "worker")
    with raises(Kind.SWITCHED_BACK) as caught:
        worker.deploy("worker", tag="dies-while-watched")
    assert caught.value.state == "The previous release runs again."
    assert live(worker, "worker") is before
    at_rest(worker)


def test_a_worker_is_rolled_back_restarted_and_recovered(worker: Simulation) -> None:
    worker.roll_back("worker")
    assert tag(worker, "worker") == "first"
    worker.restart("worker")
    assert tag(worker, "worker") == "first"
    worker.recover("worker")
    assert "worker: steady; nothing to do." in decisions(worker)
    at_rest(worker)


def test_a_signal_after_the_switch_leaves_the_previous_worker_to_the_host(worker: Simulation) -> None:
    plan_during(worker, "watch", Fault.SIGNAL)
    with pytest.raises(Interrupted) as caught:
        worker.deploy("worker", tag="mended")
    assert "the host drains and stops worker-blue" in caught.value.state
    assert tag(worker, "worker") == "mended"
    at_rest(worker)


def test_deploy_all_comes_to_a_worker_in_its_turn() -> None:
    services = {"worker": WORKER, **SERVICES}
    simulation = Simulation(services)
    for name in services:
        simulation.push(name, "first")
    simulation.deploy(tag="first")
    assert outcomes(simulation) == ["live"] * 4


@pytest.mark.parametrize("release", ["mended", "exits", "unhealthy", "dies-while-watched"])
def test_releases_that_must_not_overlap_never_run_side_by_side(release: str) -> None:
    host = with_worker(overlap=False)
    with contextlib.suppress(BehindyError):
        host.deploy("worker", tag=release)
    assert tag(host, "worker") == ("mended" if release == "mended" else "second")
    (told,) = [text for text in warnings(host) if text.startswith("Downtime begins")]
    assert told == (
        "Downtime begins: worker is stopped before its new release starts (overlap: no). Nothing does its work until "
        "the new release, or this one again, is healthy."
    )
    assert "aside" in steps(host)
    at_rest(host)


def test_how_long_it_was_down_leaves_out_the_watch() -> None:
    host = with_worker(overlap=False)
    host.deploy("worker", tag="mended", watch=60)
    (seconds,) = re.findall(r"worker was down for at most (\d+) s", decisions(host))
    assert int(seconds) < 60


def test_a_rollback_of_one_that_must_not_overlap_stops_it_first_too() -> None:
    host = with_worker(overlap=False)
    host.roll_back("worker")
    assert tag(host, "worker") == "first"
    at_rest(host)


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.CUT, Fault.SIGNAL])
@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("release", ["mended", "dies-while-watched"])
def test_a_fault_at_any_moment_heals(fault: Fault, release: str, *, overlap: bool) -> None:
    for after in range(1, 70, 1 if FULL else 9):
        host = with_worker(overlap=overlap)
        plan(host, after, fault)
        with contextlib.suppress(BehindyError, ClientKilled):
            host.deploy("worker", tag=release)
        heal(host)
        assert host.rules.at_rest("worker") == "", f"{fault} {after} ticks into {release}"


@pytest.mark.parametrize("overlap", [True, False])
def test_the_engine_or_the_host_may_go_away_at_any_moment(*, overlap: bool) -> None:
    for fault in (Fault.REBOOT, Fault.DOCKERD_LONG):
        for after in range(1, 70, 1 if FULL else 16):
            host = with_worker(overlap=overlap)
            plan(host, after, fault)
            with contextlib.suppress(BehindyError, ClientKilled):
                host.deploy("worker", tag="mended")
            heal(host)
            assert host.rules.at_rest("worker") == "", f"{fault} {after} ticks into it"


JOB = Service("report", "me/report:latest", schedule="0 3 * * *")


def with_job() -> Simulation:
    """A job, deployed twice; it never runs here."""
    simulation = Simulation({"report": JOB})
    simulation.rules.announced.add("report")
    for name in ("first", "second", "mended"):
        simulation.push("report", name)
    for name in ("first", "second"):
        simulation.deploy("report", tag=name)
    simulation.forget()
    return simulation


def alone(simulation: Simulation, name: str) -> None:
    """The job is there by itself, as this release, and is not running."""
    boxes = [box for box in simulation.world.engine.boxes.values() if box.name != "nginx"]
    assert [(box.name, box.status, box.labels["behindy.tag"]) for box in boxes] == [("report", "created", name)]
    assert boxes[0].life == 0
    assert set(simulation.world.timers["job-report"]) == {
        "/usr/local/lib/behindy-ops/job-report",
        "/etc/systemd/system/behindy-job-report.service",
        "/etc/systemd/system/behindy-job-report.timer",
        "/etc/cron.d/behindy-job-report",
    }


def test_a_job_is_put_there_and_not_run() -> None:
    host = with_job()
    host.deploy("report", tag="mended")
    assert [each for each in sent(host) if each != "tidy"] == [
        "pull", "start_green", "schedule", "swap", "stop_blue", "verify",
    ]  # fmt: skip
    alone(host, "mended")
    assert host.world.dirs["report", live(host, "report").labels["behindy.release"]].status == "stands"
    host.forget()
    host.deploy("report", tag="mended")
    assert outcomes(host) == ["unchanged"]


def test_a_schedule_that_changed_is_reason_enough() -> None:
    host = with_job()
    host.world.services["report"] = replace(JOB, schedule="0 4 * * *")
    host.deploy("report", tag="second")
    assert outcomes(host) == ["live"]
    assert "0 4 * * * @user@" in host.world.timers["job-report"]["/etc/cron.d/behindy-job-report"]


def test_a_rollback_schedules_the_release_before() -> None:
    host = with_job()
    host.roll_back("report")
    alone(host, "first")
    host.restart("report")
    alone(host, "first")


def test_a_login_without_root_can_deploy_what_is_scheduled_already_and_nothing_else() -> None:
    host = with_job()
    host.world.no_root = True
    host.deploy("report", tag="mended")
    alone(host, "mended")
    host.world.services["report"] = replace(JOB, schedule="0 4 * * *")
    with raises(Kind.HOST_NOT_READY, match="timer for report could not be put there"):
        host.deploy("report", tag="first")
    alone(host, "mended")


def test_the_timer_of_what_is_no_job_any_more_is_taken_away() -> None:
    host = with_job()
    host.world.services["report"] = replace(JOB, schedule="")
    host.deploy("report", tag="mended")
    assert host.world.timers["job-report"] == {}
    assert live(host, "report").running
    assert sent(host).index("swap") < sent(host).index("schedule")


@pytest.mark.parametrize("release", ["exits", "dies-while-watched"])
def test_a_job_that_is_gone_back_to_has_its_timer_still(release: str) -> None:
    host = with_job()
    host.push("report", release, RELEASES[release])
    host.world.services["report"] = replace(JOB, schedule="", watch=5, health=HealthPolicy(attempts=3))
    with contextlib.suppress(BehindyError):
        host.deploy("report", tag=release)
    alone(host, "second")


def test_without_root_the_timer_of_what_is_no_job_any_more_stays_and_that_is_told() -> None:
    host = with_job()
    host.world.no_root = True
    host.world.services["report"] = replace(JOB, schedule="")
    host.deploy("report", tag="mended")
    assert (outcomes(host), live(host, "report").running) == (["live"], True)
    assert any("is no job any more, is still there" in text for text in warnings(host))
    assert host.world.timers["job-report"] != {}
    host.world.no_root = False
    host.deploy("report", tag="first")
    assert host.world.timers["job-report"] == {}


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.SIGNAL, Fault.REBOOT])
def test_a_job_heals_from_a_fault_at_any_moment_and_is_not_run_by_that(fault: Fault) -> None:
    for after in range(1, 50, 1 if FULL else 6):
        host = with_job()
        plan(host, after, fault)
        with contextlib.suppress(BehindyError, ClientKilled):
            host.deploy("report", tag="mended")
        host.world.plan.clear()
        host.world.pass_time(90)
        host.recover()
        alone(host, tag(host, "report"))
        status = host.world.dirs["report", live(host, "report").labels["behindy.release"]].status
        assert status == "stands", f"{fault} {after} ticks into it"
