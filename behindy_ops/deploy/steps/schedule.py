"""Have the host run a job at its times: a timer of systemd's, or a line for cron where there is none.

What it runs is the release that has the service's name then, so a switch of names is all that a rollback needs.
"""

from __future__ import annotations

import base64
import shlex

from behindy_ops.deploy.state import State, unknown
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.facts.timers import PROGRAMS
from behindy_ops.host.command import Command, Result, script
from behindy_ops.project import cron
from behindy_ops.project.services import Service
from behindy_ops.report.events import Warning_

_HEAD = "# Written by a deploy with behindy-ops, which writes it again where it differs.\n"


class Schedule(Step):
    """Put the timer there, or as it is to be now; that it is so already needs no root."""

    name = "schedule"
    said = "Schedule {service}: {state.service.schedule}"

    def command(self, state: State) -> Command:
        return _command(state, files(state.service, _directory(state)))

    def read(self, state: State, result: Result) -> Read:
        if result.ok:
            return Read(state, "its timer is on" if "placed" in result.reply().values() else "as it is already")
        return Read(state, error=self.failure(state, result))

    def failure(self, state: State, result: Result) -> BehindyError:
        return Kind.HOST_NOT_READY(
            f"The host's timer for {state.service.name} could not be put there: {result.how()}.",
            remedy="It needs root, once for each new schedule: deploy it once with a login that may use sudo.",
            lines=result.last_lines(),
        )


class Unschedule(Step):
    """Take away the timer of what is no job any more. One that stays runs nothing, so that ends no deploy."""

    name = "schedule"
    said = "Take away the timer of {service}"

    def command(self, state: State) -> Command:
        return _command(state, {})

    def read(self, state: State, result: Result) -> Read:
        if result.ok:
            return Read(state, "gone")
        told = (
            f"The host's timer for {state.service.name}, which is no job any more, is still there; it runs nothing. "
            "Taking it away needs root: deploy once with a login that may use sudo."
        )
        return Read(state, failed=result.how(), events=(Warning_(told),))


def scheduled_as(service: Service) -> str:
    """Return what a job's container notes of its times: the schedule, and the seconds that a run may take."""
    return f"{service.schedule} {service.timeout:g}" if service.schedule else ""


def _directory(state: State) -> str:
    return state.survey.directory[0] if state.survey.directory else unknown("directory")


def _command(state: State, placed: dict[str, str]) -> Command:
    name = state.service.name
    lines = (f"{path} {base64.b64encode(text.encode()).decode()}\n" for path, text in placed.items())
    argv = script("deploy/schedule", f"job-{name}", PROGRAMS)
    return Command(argv, title=f"schedule {name}", timeout=90, stdin="".join(lines).encode(), changes=True)


def files(service: Service, directory: str) -> dict[str, str]:
    """Return what is to be on the host, by path; ``@user@`` is filled in there.

    Args:
        directory: the project's on the host, from the root on.
    """
    name = f"job-{service.name}"
    program = f"{PROGRAMS}/{name}"
    job = script("timers/job", directory, service.name, f"{service.timeout:.0f}", f"{service.stop:.0f}")
    run = script("timers/run", f"{directory}/state", name, f"{directory}/.env")
    when = "".join(f"OnCalendar={line}\n" for line in cron.parse(service.schedule).calendar())
    title = f"Scheduled job {service.name} (behindy-ops)"
    unit = f"/etc/systemd/system/behindy-{name}"
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        program: f"#!/bin/bash\n{_HEAD}exec {shlex.join((*run, *job))}\n",
        f"{unit}.service": (
            f"{_HEAD}[Unit]\nDescription={title}\nAfter=docker.service\n\n"
            f"[Service]\nType=oneshot\nUser=@user@\nExecStart={program}\n"
        ),
        f"{unit}.timer": (
            f"{_HEAD}[Unit]\nDescription={title}\n\n"
            f"[Timer]\n{when}AccuracySec=1s\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
        ),
        f"/etc/cron.d/behindy-{name}": f"{_HEAD}{path}\n{service.schedule} @user@ {program} >/dev/null 2>&1\n",
    }
