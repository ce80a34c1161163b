"""The timer of a job."""

from __future__ import annotations

from dataclasses import replace

from behindy_ops.deploy.steps.schedule import Schedule, Unschedule, files, scheduled_as
from behindy_ops.deploy.steps.start import Start
from behindy_ops.errors import Kind
from behindy_ops.project.services import Service
from behindy_ops.report.events import Warning_
from tests.unit.deploy.states import answer, state_of

JOB = Service("web", "me/web:latest", schedule="30 4 1 * 5", timeout=90, stop=7)


def test_both_kinds_of_timer_are_sent_and_start_the_same_program() -> None:
    placed = files(JOB, "/home/u/app")
    program = "/usr/local/lib/behindy-ops/job-web"
    assert placed["/etc/cron.d/behindy-job-web"].splitlines()[-1] == f"30 4 1 * 5 @user@ {program} >/dev/null 2>&1"
    unit = placed["/etc/systemd/system/behindy-job-web.timer"]
    assert "OnCalendar=*-*-1 4:30:00\nOnCalendar=Fri *-*-* 4:30:00\n" in unit
    assert "RandomizedDelaySec" not in unit
    assert f"User=@user@\nExecStart={program}\n" in placed["/etc/systemd/system/behindy-job-web.service"]
    assert placed[program].startswith("#!/bin/bash\n")
    assert placed[program].endswith(" /home/u/app web 90 7\n")


def test_it_is_said_whether_something_was_placed_and_why_it_was_not() -> None:
    state = state_of(service=JOB)
    assert Schedule().title(state) == "Schedule web: 30 4 1 * 5"
    assert Schedule().read(state, answer("placed\n")).detail == "its timer is on"
    assert Schedule().read(state, answer("")).detail == "as it is already"
    error = Schedule().read(state, answer(code=1, err="sudo: a password is required")).error
    assert error is not None
    assert (error.kind, error.lines) == (Kind.HOST_NOT_READY, ("sudo: a password is required",))


def test_nothing_is_sent_for_what_is_no_job_any_more() -> None:
    assert Unschedule().command(state_of()).stdin == b""
    assert Unschedule().read(state_of(), answer("placed\n")).detail == "gone"


def test_a_timer_that_cannot_be_taken_away_ends_no_deploy() -> None:
    read = Unschedule().read(state_of(), answer(code=1, err="sudo: a password is required"))
    assert (read.error, read.failed) == (None, "exit code 1")
    (event,) = read.events
    assert isinstance(event, Warning_)
    assert "web, which is no job any more, is still there; it runs nothing" in event.text
    assert Schedule().command(state_of(service=JOB)).stdin.count(b"\n") == 4


def test_the_container_of_a_job_is_not_started_and_notes_its_times() -> None:
    command = Start().command(state_of(service=JOB))
    assert command.argv[-1] == "idle"
    assert scheduled_as(JOB).encode() in command.stdin
    assert b'"restart": "no"' in command.stdin
    usual = Start().command(state_of())
    assert "idle" not in usual.argv
    assert b"restart" not in usual.stdin
    assert scheduled_as(replace(JOB, schedule="")) == ""
