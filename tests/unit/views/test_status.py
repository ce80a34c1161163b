"""``deploy.status``: what is live, what a rollback goes to, and what was left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from behindy_ops.facts.changing import Changing
from behindy_ops.facts.draining import Draining
from behindy_ops.facts.maintenance import Closed
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.timers import Timed
from behindy_ops.project.services import Service
from behindy_ops.report.text import Tone
from behindy_ops.views import status
from tests.unit.ops_facts import NOW, container, image, release, seen, spread, stopped, survey, task, text_of

MB = 2**20
LABELS = {"behindy.release": "20270102-000000-aaaa", "behindy.tag": "v2", "behindy.digest": "sha256:" + "d" * 64}


def described(*more: Any, **changes: Any) -> status.StatusView:
    live = container("backend", labels=LABELS, image_id="sha256:2", memory=400 * MB, health="healthy", restarts=1)
    usual: dict[str, Any] = {
        "usage": {live.id: 123 * MB},
        "images": (image("1"),),
        "releases": (release("backend", 1, "1"), release("backend", 2, "2")),
    }
    found: Survey = survey(live, *more, **usual | changes)
    return status.describe(seen(found))


def test_what_is_live_and_what_was_before() -> None:
    view = described()
    backend, frontend = view.services
    assert (backend.tag, backend.previous_tag, backend.previous_on_disk) == ("v2", "v1", True)
    assert (frontend.state, frontend.age) == ("missing", 0.0)
    said = text_of(status.lines(view))
    assert "Services on ubuntu@b.me" in said
    assert "backend: running, healthy, 1 restarts" in said
    assert "memory 123 MB of 400 MB" in said
    assert "since 2027-01-15T07:00:00Z, 60 min ago" in said
    assert "previous 20270101-000000-aaaa (v1), image on disk" in said
    assert "frontend: not there (no container of this name)" in said


def test_while_somebody_changes_the_host_that_is_told_and_nothing_counts_as_left() -> None:
    view = described(stopped("backend-blue"), changing=Changing("kim@mac", "deploy of backend", "2026-01-31"))
    assert [service.leftover for service in view.services] == ["", ""]
    said = text_of(status.lines(view))
    assert "Services on ubuntu@b.me kim@mac is changing this host: deploy of backend, since 2026-01-31." in said
    assert "left" not in said


def test_what_was_left_is_told_with_what_ends_it() -> None:
    view = described(stopped("backend-blue"))
    assert view.services[0].leftover
    assert "inv deploy.recover" in text_of(status.lines(view))


def test_a_container_that_this_tool_did_not_start_says_so() -> None:
    view = status.describe(seen(survey(container("backend", image="me/behindy-backend:v9"))))
    assert "release not deployed by this tool (v9)" in text_of(status.lines(view))


def test_a_closed_service_says_since_when_by_whom_and_how_to_open_it() -> None:
    said = text_of(status.lines(described(maintenance={"backend": Closed("2027-01-15T07:30:00+00:00", "eve@ci")})))
    assert "closed since 2027-01-15 07:30:00 UTC by eve@ci; open it again: inv deploy.maintenance backend" in said


@pytest.mark.parametrize(
    ("changes", "tone"),
    [
        ({"health": "unhealthy"}, Tone.CAREFUL),
        ({"status": "exited", "running": False}, Tone.CAREFUL),
        ({"health": ""}, Tone.PLAIN),
        ({"health": "healthy"}, Tone.PLAIN),
    ],
)
def test_a_service_is_coloured_unless_it_runs_and_is_not_unhealthy(changes: dict[str, Any], tone: Tone) -> None:
    told = status.lines(status.describe(seen(survey(container("backend", **changes)))))
    assert [line.tone for line in told if line.text.startswith("backend: ")] == [tone]


def test_what_the_host_drains_by_itself_is_told_and_is_nothing_left() -> None:
    drains = {"backend": Draining("b", "r1", 1_800_000_060.0, 1)}
    view = described(container("backend-blue"), draining=drains)
    assert (view.services[0].leftover, view.services[1].draining) == ("", "")
    said = text_of(status.lines(view))
    assert "draining backend-blue: 1 open connection, until 08:01:00 UTC at the latest" in said
    assert "deploy.recover" not in said


JOB = Service("report", "me/report", schedule="0 3 * * *")
RAN = Timed("report", on=True, placed=1.0, at=NOW - 3600, ok=True, said="ended well", seconds=4)


@pytest.mark.parametrize(
    ("timed", "running", "said"),
    [
        (RAN, False, "2027-01-15T07:00:00Z, 60 min ago, 4 s: well (ended well)"),
        (replace(RAN, ok=False, code=3, said="no"), False, "2027-01-15T07:00:00Z, 60 min ago, 4 s: exit code 3 (no)"),
        (replace(RAN, at=0.0), False, "none yet"),
        (replace(RAN, at=0.0), True, "under way; before that, none yet"),
        (replace(RAN, on=False), False, "its timer is missing or off: inv ops.doctor"),
        (None, False, "its timer is missing or off: inv ops.doctor"),
    ],
)
def test_of_a_job_its_schedule_and_its_last_run_are_told(timed: Timed | None, running: bool, said: str) -> None:
    made = container("report", status="created", running=False, labels=LABELS)
    runs = (container("report-run"),) if running else ()
    found = seen(survey(made, *runs, jobs={"report": timed} if timed else {}))
    view = status.describe(replace(found, facts=replace(found.facts, services=(JOB,))))
    (job,) = view.services
    assert (job.state, job.schedule, job.run) == ("scheduled", "0 3 * * *", said)
    assert "report: scheduled" in text_of(status.lines(view))


def test_of_tasks_it_says_how_many_run_and_where_and_no_memory_that_nobody_knows() -> None:
    died = task(2, "gamma", wanted="shutdown", state="failed", error="task: non-zero exit (1)")
    live = spread("backend", task(1, "beta"), died, labels=LABELS, memory=400 * MB, restarts=1)
    view = status.describe(seen(survey(live)))
    assert (view.services[0].replicas, len(view.services[0].tasks)) == (2, 2)
    told = status.lines(view)
    said = text_of(told)
    assert "backend: running, 1 of 2 tasks, 1 failed" in said
    assert "tasks backend.1 on beta" in said
    assert "failed backend.2 failed on gamma 60 min ago: task: non-zero exit (1)" in said
    assert "memory 400 MB a task at most" in said
    assert " 0 B" not in said
    assert told[2].tone is Tone.CAREFUL
