"""The switch and what follows while both containers run: external check, watch, drain; or the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from behindy_ops.deploy import commands, stale
from behindy_ops.deploy.candidate import discard, judge, public_url
from behindy_ops.deploy.health import Look, Verdict, attempt_until
from behindy_ops.errors import Kind, SwitchedBack
from behindy_ops.facts.container import Container, parse_state
from behindy_ops.facts.release import released_as
from behindy_ops.facts.survey import NETWORK, answers_to
from behindy_ops.host.session import Step
from behindy_ops.report.events import Decision, Warning_

if TYPE_CHECKING:
    from concurrent.futures import Future

    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.command import Result
    from behindy_ops.host.session import Session
    from behindy_ops.project.services import Service

__all__ = ["Cutover"]

DEFINITE = 2
"""Attempts in a row with an error of the release itself before it is switched back: users meet them too."""


LAST_WORDS = 30.0
"""Seconds at most that a release which was taken back gets for the requests it has begun; its users went to it in good
faith, and it may be well but for one crash."""


SHORT_LOOK = 2.0
"""Seconds of one look at who is still connected to it."""


@dataclass
class Cutover:
    """Both containers of one service around the switch.

    :param green: the candidate; after :meth:`switch` it is live.
    :param blue: the container that was live, or None on a first deploy.
    :param paths: what is asked below the public URL, see :func:`outside_paths`.
    :param stale: nginx resolves the name only when it loads, so it is reloaded after each change of names.
    :ivar switched_ms: the host's clock right after the renames, in ms; 0 before them.
    :ivar switched_at: our own clock right after them, in seconds.
    :ivar torn: the renames failed and could not be undone; the next run looks how far they came.
    :ivar proven: the new release answered well from outside.
    :ivar holds: the new release has the name.
    :ivar hurried: the run was told to stop, so nothing is waited for.
    """

    session: Session
    service: Service
    green: Container
    blue: Container | None
    release: str
    paths: tuple[str, ...]
    stale: bool = False
    switched_ms: int = 0
    torn: bool = False
    proven: bool = False
    holds: bool = False
    hurried: bool = False
    switched_at: float = 0.0
    followed: bool = False

    def switch(self) -> None:
        """Give the name to green, in one remote command.

        :raises Kind.SWITCH_FAILED: it could not be done and was undone.
        """
        name = self.service.name
        with self.session.step("switch", "Switch the names"), self.session.interrupts.shielded():
            first = (self.blue.id, f"{name}-blue", name) if self.blue else None
            swap = commands.swap(first, (self.green.id, name), policy=self.green.restart_policy)
            result = self.session.host.run(swap)
            told = result.reply().values()
            if not result.ok or "switched" not in told:
                undone = "undone" in told
                self.torn = not undone
                raise Kind.SWITCH_FAILED(
                    f"The names could not be switched: {result.how()}.",
                    state="The names are as before." if undone else "The live name may be missing.",
                    remedy="Try again." if undone else "Put it in order now: inv deploy.recover",
                    lines=result.last_lines(),
                )
            self.switched_ms = int(told["switched"])
            self.holds, self.switched_at = True, self.session.clock()

    @property
    def settled_ms(self) -> int:
        """Host clock (ms) after which nginx no longer uses the old address."""
        return self.switched_ms + int(commands.CACHED * 1000)

    def settle(self, watch_seconds: float) -> None:
        """Check from outside, watch, and wait until blue is idle, all at once.

        :raises SwitchedBack: the new release failed; the previous one serves again.
        """
        self._follow()
        drained = self._begin_drain()
        watched = self._begin_watch(watch_seconds)
        look = self._check_outside()
        if look.verdict is not Verdict.HEALTHY:
            self.switch_back(f"it fails from outside: {look.reason}")
        self.proven = True
        if watched is not None:
            self._require_steady(watched, watch_seconds)
        if drained is not None:
            self._end_drain(drained)

    def hasten(self) -> None:
        """Go to a safe state at once, for a run that is told to stop: one attempt decides, nothing is waited for.

        :raises SwitchedBack: the new release did not answer well.
        """
        self.hurried = True
        with self.session.interrupts.shielded():
            self._follow()
            look = Look(Verdict.HEALTHY, "") if self.proven else self._check_outside(attempts=1)
            if look.verdict is not Verdict.HEALTHY:
                self.switch_back(f"it was not proven before the run was told to stop: {look.reason}")

    def _follow(self) -> None:
        """See that nginx sends users to the new release, where it would not find out by itself.

        :raises SwitchedBack: it could not be reloaded; it never left the previous release.
        """
        if not self.stale or self.followed:
            return
        moment, problem = stale.follow(self.session, self.service.name, self.green.id)
        if problem:
            self.switch_back(f"nginx could not be reloaded: {problem}")
        self.followed, self.switched_ms = True, moment

    def _asked_inside(self) -> Service | None:
        """The service whose name has to lead to one container; not while the old one keeps it as an alias."""
        return None if answers_to(self.blue, self.service.name) else self.service

    def _check_outside(self, attempts: int | None = None) -> Look:
        urls = [public_url(self.session, path) for path in self.paths]
        policy = replace(self.service.health, attempts=attempts or self.service.health.attempts)
        asked = self._asked_inside()
        address = self.green.addresses.get(NETWORK, "") if asked else ""
        command = commands.look_outside(urls, policy, settled_ms=self.settled_ms, live=asked)

        def attempt(_: int) -> Look:
            return judge(self.session.host.run(command), address=address)

        with self.session.step("external", f"Check {urls[0]} from outside") as step:
            look = attempt_until(
                policy, attempt, definite_limit=DEFINITE, clock=self.session.clock, sleep=self.session.sleep
            )
            step.detail = look.reason
            step.failed = "" if look.verdict is Verdict.HEALTHY else look.reason
        return look

    def _begin_watch(self, seconds: float) -> Future[Result] | None:
        if seconds <= 0:
            return None
        until = self.switched_ms + int(seconds * 1000)
        return self.session.host.begin(commands.watch(self.green.id, until_ms=until, seconds=seconds))

    def _require_steady(self, watched: Future[Result], seconds: float) -> None:
        trouble = ""
        with self.session.step("watch", f"Watch the new release for {seconds:g} s") as step:
            container = parse_state(self.session.host.end(watched).reply().values().get("state", ""))
            trouble = unsteady(container)
            step.detail, step.failed = "no restart, no exit, no OOM kill", trouble
        if trouble:
            self.switch_back(trouble)

    def _begin_drain(self) -> tuple[Future[Result], Step] | None:
        if self.blue is None or not self.blue.running:
            return None
        step_like = Step("drain", emit=self.session.emit)
        earliest = max(self.settled_ms, self.switched_ms + int(self.service.linger * 1000))
        command = commands.drain(
            self.blue.id,
            self.service.port,
            earliest_ms=earliest,
            limit=max(self.service.drain, self.service.linger, commands.CACHED + 1),
            on_line=lambda line: _still_open(step_like, line),
        )
        return self.session.host.begin(command), step_like

    def _end_drain(self, drained: tuple[Future[Result], Step]) -> None:
        with self.session.step("drain", f"Wait until {self.service.name}-blue is idle") as step:
            told = self.session.host.end(drained[0]).reply().values()
            step.detail = _drained(told)
        if "cut" in told:
            self.session.emit(
                Warning_(
                    f"{told['cut']} connection(s) to the previous release were still open after "
                    f"{self.service.drain:g} s (WebSockets or long requests); stopping it ends them."
                )
            )

    def switch_back(self, reason: str) -> None:
        """Give the name back to the previous release, see that it serves, and remove the failed one.

        :raises SwitchedBack: always; it tells what happened.
        """
        name = self.service.name
        with self.session.interrupts.shielded():
            self.session.emit(Decision(f"The new release is taken back: {reason}."))
            served = self._names_back(name)
            self.holds = False
            if not self.hurried:
                self._let_finish()
            discard(self.session, name, self.green.id, self.release, shown=f"{name}-green")
        raise SwitchedBack(
            f"The new release of {name} was switched back: {reason}.",
            state=served,
            remedy="Its last log lines are above. Mend it and deploy again.",
        )

    def _let_finish(self) -> None:
        """Give the release that was taken back the time to answer whom it has already heard, if it still can."""
        deadline = self.session.clock() + min(self.service.drain, LAST_WORDS)
        command = commands.drain(self.green.id, self.service.port, earliest_ms=0, limit=SHORT_LOOK)
        with self.session.step("last requests", f"Wait until {self.service.name}-green is idle") as step:
            while True:  # in short looks, so that a signal need not wait for all of them
                told = self.session.host.run(command).reply().values()
                over = self.session.interrupts.requested is not None or self.session.clock() >= deadline
                if over or "cut" not in told:
                    break
            step.detail = _drained(told)

    def _names_back(self, name: str) -> str:
        with self.session.step("switch back", "Put the names back") as step:
            if self.blue is None:
                self.session.host.run(commands.swap(None, (self.green.id, f"{name}-green"))).require()
                step.detail = "there was no previous release"
                return "There was no previous release, so nothing serves it now."
            if not self.blue.running:
                self.session.host.run(commands.start(self.blue.id)).require(
                    state=f"{name} still points at the new release."
                )
            back = (self.green.id, f"{name}-green", name)
            result = self.session.host.run(commands.swap(back, (self.blue.id, name))).require(
                state=f"{name} still points at the new release.", remedy="inv deploy.recover"
            )
            switched = int(result.reply().values()["switched"])
        if self.stale:
            moment, problem = stale.follow(self.session, name, self.blue.id)
            switched = max(switched, moment)
            if problem:
                self.session.emit(
                    Warning_(f"nginx could not be reloaded: {problem}. Reload it: inv ops.nginx --reload")
                )
        settled = switched + int(commands.CACHED * 1000)
        with self.session.step("external", "Check the previous release from outside") as step:
            url = public_url(self.session, self.paths[0])
            look = judge(
                self.session.host.run(
                    commands.look_outside([url], self.service.health, settled_ms=settled, live=self.service)
                ),
                address=self.blue.addresses.get(NETWORK, ""),
            )
            step.detail = look.reason
            step.failed = "" if look.verdict is Verdict.HEALTHY else look.reason
        if look.verdict is Verdict.HEALTHY:
            return "The previous release serves again, checked from outside."
        return f"The previous release has its name again, but from outside: {look.reason}. Look now: inv deploy.status"

    def stop_blue(self) -> bool:
        """Stop and remove the previous container; a failure is reported and the deploy stands."""
        if self.blue is None:
            return True
        with self.session.step("stop", f"Stop {self.service.name}-blue") as step:
            result = self.session.host.run(commands.stop_blue(self.blue.id, self.service.stop))
            step.detail, step.failed = "removed", "" if result.ok else result.how()
        if not result.ok:
            lines = " ".join(result.last_lines(2))
            self.session.emit(Warning_(f"{self.service.name}-blue could not be removed; the next deploy will. {lines}"))
        return result.ok


def outside_paths(service: Service, survey: Survey) -> tuple[str, ...]:
    """Return the paths that prove a service from outside: its public one, and the one that reaches it itself.

    A path through another service says nothing while that one is not there (the first deploys of all), or was left
    there by a run that died before it had proven it.
    """
    through = survey.trio(service.through).live if service.through else None
    statuses = {release.id: release.status for release in survey.released(service.through)}
    reachable = not service.through or (
        through is not None and through.running and statuses.get(released_as(through).id, "stands") != "candidate"
    )
    paths = (service.external if reachable else "", service.rehearsal or "")
    return tuple(dict.fromkeys(path for path in paths if path)) or (service.external,)


def _still_open(step: Step, line: str) -> None:
    word, _, count = line.partition(" ")
    if word == "open" and count != "0":
        step.progress(f"{count} open connection(s)")


def _drained(told: dict[str, str]) -> str:
    match told:
        case {"idle": milliseconds}:
            return f"idle after {int(milliseconds) / 1000:.1f} s"
        case {"cut": count}:
            return f"{count} still open at the deadline"
        case {"gone": _}:
            return "it was not running"
        case {"blind": _}:
            return "its connections cannot be seen from the host (hidepid?)"
    return "unknown"


def unsteady(container: Container | None) -> str:
    """Return why a container that was just made live cannot stay, or an empty string."""
    if container is None:
        return "its container has disappeared"
    if container.oom_killed:
        return "it was OOM-killed"
    if container.restarts or container.restarting:
        return "it restarted once" if container.restarts == 1 else f"it restarted {container.restarts} times"
    if not container.running:
        return f"it exited with code {container.exit_code}"
    return ""
