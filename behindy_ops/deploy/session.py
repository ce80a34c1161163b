"""A session on the host under the lock: connect, take the lease, survey, reconcile, then do the work."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from behindy_ops.checks import preflight
from behindy_ops.deploy.context import Context
from behindy_ops.deploy.reconcile import Recovery
from behindy_ops.deploy.recover import record_recovery, recover_once
from behindy_ops.errors import Interrupted, LockHeld, RemoteCommandFailed
from behindy_ops.facts import survey as surveys
from behindy_ops.host.command import Command
from behindy_ops.host.host import Host, new_mark
from behindy_ops.host.interrupts import Interrupts
from behindy_ops.host.lease import Holder
from behindy_ops.project.services import repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from behindy_ops.deploy.context import Step
    from behindy_ops.facts.survey import Survey
    from behindy_ops.project.services import Service
    from behindy_ops.project.settings import Settings
    from behindy_ops.report.events import Event

__all__ = ["Session", "who_am_i"]

QUEUE_PAUSE = 2.0
"""Seconds between tries while queueing for the lock."""

ROUNDS = 5
"""Times a service is looked at and mended before a person is asked; the table needs three at most."""


def who_am_i(environ: Mapping[str, str]) -> str:
    """Return who runs this, for people: the GitHub actor and run, or the git user, or the login name and machine."""
    if environ.get("GITHUB_ACTIONS") == "true":
        run = "/".join(environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY"))
        return f"{environ.get('GITHUB_ACTOR', 'unknown')} ({run}/actions/runs/{environ.get('GITHUB_RUN_ID', '')})"
    name = ""
    try:
        answer = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, timeout=5, check=False)
        name = answer.stdout.strip()
    except OSError:
        pass
    try:
        login = getpass.getuser()
    except (KeyError, OSError):
        login = str(os.getuid())
    return f"{name or login}@{platform.node() or 'unknown'}"


class Session:
    """One connection on which services are surveyed and changed. Use it as a context manager.

    :param services: the services of interest; only their images and configurations are read.
    """

    def __init__(
        self,
        settings: Settings,
        services: Sequence[Service],
        emit: Callable[[Event], None],
        environ: Mapping[str, str],
    ) -> None:
        self.settings = settings
        self.services = services
        self.interrupts = Interrupts()
        self.host = Host(settings, check=self.interrupts.check)
        self.ctx = Context(self.host, settings, emit, who_am_i(environ), interrupts=self.interrupts)

    def __enter__(self) -> Self:
        self.interrupts.__enter__()
        try:
            with self.ctx.step("connect", f"Connect to {self.settings.host}"):
                self.host.__enter__()
        except BaseException:
            self.interrupts.__exit__()
            raise
        return self

    def __exit__(self, *details: object) -> None:
        self.host.__exit__(*details)
        self.interrupts.__exit__(*details)

    def _argv(self, mark: str) -> tuple[str, ...]:
        pairs = [(service.name, repository(service, self.settings.image_prefix)) for service in self.services]
        return surveys.survey_argv(mark, self.settings.host_dir, pairs)

    def look(self) -> Survey:
        """Survey the host without the lock; changes nothing."""
        mark = new_mark()
        result = self.host.run(Command(self._argv(mark), title="look at the host", timeout=60))
        return self.compared(surveys.parse(result.require().stdout, mark))

    def compared(self, survey: Survey) -> Survey:
        """The survey with the host's clock compared to ours, to within the time it took."""
        return replace(survey, skew=survey.now - self.ctx.now().timestamp())

    def lock(self, what: str, wait: float = 0.0) -> Survey:
        """Take the lock and survey the host under it, in one round trip.

        :param what: what it is taken for, for whoever meets it.
        :param wait: seconds to queue for it, saying who holds it; a person's hold is not waited for.
        :raises LockHeld: somebody else has it.
        """
        mark = new_mark()
        since = datetime.now(UTC).isoformat(timespec="seconds")
        holder = Holder(who=self.ctx.who, what=what, since=since)
        deadline = self.ctx.clock() + wait
        with self.ctx.step("survey", "Take the lock and look at the host") as step:
            try:
                while (text := self._try(holder, mark, deadline, step)) is None:
                    self._rest(QUEUE_PAUSE)
            except Interrupted as error:
                error.state = "Nothing was changed; what ran before runs on."
                raise
            survey = self.compared(surveys.parse(text, mark))
            step.detail = f"Docker {survey.docker}, {survey.memory.get('MemAvailable', 0) // 2**20} MB available"
        return survey

    def _try(self, holder: Holder, mark: str, deadline: float, step: Step) -> str | None:
        try:
            return self.host.take_lease(holder, self.ctx.paths.state, mark, self._argv(mark))
        except LockHeld as error:
            if error.by_hand or self.ctx.clock() >= deadline:
                raise
            step.progress(f"waiting: {error.what}")
            return None

    def _rest(self, seconds: float) -> None:
        end = self.ctx.clock() + seconds
        while self.ctx.clock() < end:
            self.interrupts.check()
            self.ctx.sleep(0.1)

    def reconcile(self, service: Service, survey: Survey) -> tuple[Survey, list[Recovery]]:
        """Finish or undo what an interrupted run left of one service.

        :returns: the survey as it is now, and what was done.
        :raises HostNotReady: Docker does not answer, so nothing is known.
        :raises RemoteCommandFailed: it does not settle.
        """
        done: list[Recovery] = []
        for _ in range(ROUNDS):
            if (problem := preflight.docker_problem(survey)) is not None:
                raise problem
            try:
                recovery = recover_once(self.ctx, service, survey)
                if recovery is Recovery.NOTHING:
                    record_recovery(self.ctx, service, survey, done)
                    return survey, done
                done.append(recovery)
                survey = self.look()
            except Interrupted as error:
                error.state = f"{service.name} serves; what an earlier run left of it may still be there."
                error.remedy = "The next deploy puts it in order; or now: inv deploy.recover"
                raise
        raise RemoteCommandFailed(
            f"{service.name} does not come to rest: {', '.join(recovery.name for recovery in done)}.",
            state="The live container was left as it is.",
            remedy="Look at it: inv deploy.status; docker ps -a on the host.",
        )
