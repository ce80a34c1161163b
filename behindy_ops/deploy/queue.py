"""What the deploy tasks call: services are replaced one after the other; a broken connection is made once more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from behindy_ops.checks import files, preflight
from behindy_ops.checks.check import first_refusal, forced
from behindy_ops.deploy import drains, elsewhere, plan
from behindy_ops.deploy.check import already_live, require_own, truthful, without_live
from behindy_ops.deploy.engines.choice import begun_before
from behindy_ops.deploy.goals import Goal, superseded
from behindy_ops.deploy.hooks import POST_DEPLOY, PRE_DEPLOY, Hooks
from behindy_ops.deploy.reconcile import reconcile, walk_of
from behindy_ops.deploy.replace import after_failed
from behindy_ops.deploy.replicas import end_surplus, planned, replacement
from behindy_ops.deploy.state import State, begin
from behindy_ops.deploy.steps.send import AskLayers, local
from behindy_ops.errors import BehindyError, ConnectionLost, LeaseLost
from behindy_ops.facts.leftovers import Recovery, incomplete, leftover, parted, surplus
from behindy_ops.facts.release import Release, released_as
from behindy_ops.facts.survey import Survey
from behindy_ops.host.session import Connect, Session
from behindy_ops.project.services import Service, replicas
from behindy_ops.report.events import Decision, DeployFinished, DeployStarted, Plan, Warning_

RECONNECT_WAIT = 75.0
"""Seconds to wait for our own lost lease: a silent one ends after 60."""


def show_plan(
    connect: Connect, services: Sequence[Service], goal: Goal, *, verbose: bool = False, hooks: Hooks | None = None
) -> None:
    """Report what a deploy would do; changes nothing.

    Args:
        verbose: show the text of the scripts, too.
        hooks: of the project.

    Raises:
        BehindyError: the deploy itself would be refused, for the same reason.
    """
    with connect() as session:
        survey = session.look()
        scripts: dict[str, list[str]] = {}
        for service in services:
            planned = _planned(session, service, survey, goal)
            if verbose and planned is not None:
                scripts |= plan.script_lines(list(plan.steps(planned)), planned)
        for decision in _told_of(hooks) if hooks else ():
            session.emit(decision)
        for text in elsewhere.told(survey):
            session.emit(Decision(text))
        for name, lines in scripts.items():
            session.emit(Plan(name, tuple(lines)))
        hint = "" if verbose else " The text of each script: --verbose"
        session.emit(Decision(f"Dry run: nothing changed.{hint}"))


def _planned(session: Session, service: Service, survey: Survey, goal: Goal) -> State | None:
    """Show the plan for one service, and return where it begins; None where nothing would change."""
    state = begin(service, goal, session.settings, survey)
    seen = without_live(survey, service) if state.goal.recreate else survey
    checks = preflight.examine(seen, service, session.settings)
    problem = first_refusal(forced(checks) if goal.force else checks)
    if (problem := truthful(problem, survey, service)) is not None:
        raise problem
    if survey.changing is not None:
        session.emit(Warning_(f"{survey.changing.described()}. The plan is for what is there now."))
    found = {each.name: leftover(survey, each.name) for each in replicas(service)}
    recovery = next((one for one in found.values() if one is not Recovery.NOTHING), Recovery.NOTHING)
    if (drain := survey.draining.get(service.name)) is not None:
        session.emit(Decision(f"{service.name}-blue is drained first: {drain.described()}."))
    for name, one in found.items():
        if one is not Recovery.NOTHING:
            back = f"; all of it goes back, as {behind} does" if (behind := parted(survey, service)) else ""
            session.emit(Warning_(f"{name}: first, {one.value}{back}."))
    image = f"{state.release.repository}:{goal.tag}"
    needless = recovery is Recovery.NOTHING and not goal.force and not incomplete(survey, service)
    if needless and (release := already_live(session, service, survey, image, state.local)):
        same = f"{service.name}:{goal.tag} is already live ({release}), with the same configuration"
        session.emit(Decision(f"{same}: nothing would change. To redeploy it: --force"))
        return None
    if newer := superseded(goal, service, session.settings, survey):
        session.emit(Decision(f"{_is_older(state.release, newer)} Nothing would change."))
        return None
    if state.local is not None:
        session.emit(Decision(f"To be sent: {_to_send(session, state)}."))
    title = f"Plan for {service.name}:{goal.tag} on {session.settings.target}"
    session.emit(Plan(title, tuple(line for known, items in planned(state) for line in plan.as_lines(items, known))))
    return state


def _is_older(release: Release, live: Release) -> str:
    return (
        f"{release.service}:{release.tag} is of a commit of {release.committed}, older than that of the live release "
        f"{live.id} ({live.tag}, {live.committed})."
    )


def _told_of(hooks: Hooks) -> Iterator[Decision]:
    for name, when in (
        (PRE_DEPLOY, "before any of it"),
        (POST_DEPLOY, "at the end, of each service that is live then"),
    ):
        if hooks.found(name) is not None:
            yield Decision(f"hooks/{name} is run on this machine {when}.")


def _to_send(session: Session, state: State) -> str:
    """Ask the host, as a deploy does first, and say which part of the image of this machine it would be sent."""
    asking = AskLayers()
    read = asking.read(state, session.host.run(asking.command(state)))
    if read.error is not None:
        raise read.error
    image = local(read.state)
    return f"{image.reference} ({image.id[:19]}), {image.described(read.state.held or 0)}"


def deploy(
    connect: Connect,
    services: Sequence[Service],
    goal: Goal,
    *,
    wait: float = 0.0,
    now: bool = False,
    hooks: Hooks | None = None,
) -> None:
    """Deploy services in the order given; stop at the first that fails.

    Nothing is repeated blindly: a new session reconciles first, and a release it then finds live is not made again.

    Args:
        wait: seconds to queue for the lock.
        now: have a release of theirs that the host still drains stopped, instead of waiting for it.
        hooks: of the project; run without the lock, before the host is asked for anything and at the end.

    Raises:
        BehindyError: it failed; nothing after that service was touched.
    """
    queue = _Queue(list(services), goal, now)
    if hooks is None:
        _deploy(connect, queue, wait)
        return
    for service in () if begun_before() else services:
        hooks.before(service, goal.tag)
    try:
        _deploy(connect, queue, wait)
    finally:
        for service, release in queue.made:
            hooks.after(service, goal.tag, release)


def _deploy(connect: Connect, queue: _Queue, wait: float) -> None:
    """Work the queue off; a broken connection is made once more."""
    try:
        with connect() as session:
            queue.work(session, wait=wait)
        return
    except ConnectionLost as error:
        if not queue.locked:
            raise
        session.emit(Warning_(f"{error.what} Connecting again to see where the host stands."))
    queue.locked = False
    try:
        with connect() as session:
            queue.work(session, wait=max(wait, RECONNECT_WAIT))
    except BehindyError as error:
        if queue.locked:
            raise
        under_way = f"The deploy of {queue.left[0].name} was under way; how far it came is not known."
        raise error.but(  # what it says of the host is true of this connection only
            state=f"{under_way} If the host is up, the site is too.",
            remedy=f"{error.remedy} Then: inv deploy.status; the next deploy puts the host in order.".strip(),
        ) from error


def return_to(
    choose: Callable[[Survey, Service], Goal],
    connect: Connect,
    service: Service,
    *,
    what: str,
    wait: float = 0.0,
    now: bool = False,
    enough: Collection[Recovery] = (),
) -> None:
    """Go back to an earlier release of one service, or make its live release once more in a new container.

    Args:
        what: what it is, for whoever meets the lock: ``rollback``.
        wait: seconds to queue for the lock.
        now: have a release of it that the host still drains stopped, instead of waiting for it.
        enough: what a recovery may do that is all that is wanted.

    Raises:
        BehindyError: it failed; the error says in what state the host is.
    """
    with connect() as session:
        began = session.clock()
        survey = session.lock(f"{what} of {service.name}", wait=wait)
        require_own(survey, service)
        survey = drains.ended(session, service, survey, what=f"{what} of {service.name}", wait=wait, now=now)
        survey, done = reconcile(session, service, survey)
        live = survey.trio(service.name).live
        if live is not None and not set(done).isdisjoint(enough):
            _tell_live(session, released_as(live), began)
        else:
            replacement(session, service, choose(survey, service), survey).run()


def recover(connect: Connect, services: Sequence[Service], *, wait: float = 0.0, now: bool = False) -> None:
    """Finish or undo what interrupted runs left, and record it.

    Args:
        wait: seconds to queue for the lock.
        now: have releases that the host still drains stopped.

    Raises:
        BehindyError: it failed; the error says in what state the host is.
    """
    with connect() as session:
        survey = session.lock("recovery", wait=wait)
        for service in services:
            require_own(survey, service)
            if now:
                survey = drains.ended(session, service, survey, what="recovery", wait=wait, now=True)
            survey, done = reconcile(session, service, survey)
            end_surplus(walk_of(session, service, survey), spare := surplus(survey, service))
            for check in preflight.examine(survey, service, session.settings, chosen=(files.releases,)):
                session.emit(Warning_(f"{check.found} {check.remedy}"))
            there = survey.trio(service.name).live is not None
            if there and not spare and (lacking := incomplete(survey, service)):
                told = f"{lacking[0].upper()}{lacking[1:]}: deploy what is live of {service.name} once more."
                session.emit(Warning_(told))
            elif not done and not spare:
                how = "steady" if there else "not deployed"
                if drain := survey.draining.get(service.name):
                    how = f"{how}; the host drains {service.name}-blue ({drain.described()})"
                session.emit(Decision(f"{service.name}: {how}; nothing to do."))


def _tell_live(session: Session, release: Release, began: float) -> None:
    session.emit(Decision(f"{release.service}: release {release.id} is live."))
    facts = {"release": release.id, "tag": release.tag, "digest": release.fixed, "previous": release.previous}
    session.emit(DeployFinished(release.service, "live", session.clock() - began, facts))


WENT_BACK = (Recovery.SWITCH_BACK, Recovery.RESTORE_BLUE)
"""Recoveries that are a rollback to the previous release."""


@dataclass
class _Queue:
    """The services still to be deployed, the release that was being made of the first, and what was live before it.

    Attributes:
        now: what the host still drains of them is stopped at once.
        locked: this connection held the lock, so something may have been changed.
        made: the services of which this run has put a release live, and its id.
    """

    left: list[Service]
    goal: Goal
    now: bool = False
    underway: str = ""
    before: str | None = None
    began: float = 0.0
    locked: bool = False
    made: list[tuple[Service, str]] = field(default_factory=list)

    def work(self, session: Session, *, wait: float) -> None:
        names = ", ".join(service.name for service in self.left)
        what = f"deploy of {names}:{self.goal.tag}"
        survey = session.lock(what, wait=wait)
        self.locked = True
        while self.left:
            service = self.left[0]
            require_own(survey, service)
            if self._underway_is_live(survey) is None:  # else what drains is what it has replaced itself
                survey = drains.ended(session, service, survey, what=what, wait=wait, now=self.now)
            survey, _ = reconcile(session, service, survey, underway=self.underway)
            if (release := self._underway_is_live(survey)) is not None:
                end_surplus(walk_of(session, service, survey), surplus(survey, service))
                self._finished(session, release)
                if service.after is not None and self.goal.kind == "deploy":
                    what = f"The connection was lost before x-deploy.after of {service.name} was known to have ended."
                    raise after_failed(service, what)
            else:
                self._deploy(session, service, survey)
            self.left.pop(0)
            self.underway, self.before = "", None
            if self.left:
                session.durations.clear()
                survey = session.look()
        if self.made:
            elsewhere.tidy(session, survey)

    def _underway_is_live(self, survey: Survey) -> Release | None:
        lives = [survey.trio(each.name).live for each in replicas(self.left[0])]
        releases = [released_as(live) for live in lives if live is not None and self.underway]
        all_live = len(releases) == len(lives) and all(release.id == self.underway for release in releases)
        return releases[0] if all_live else None

    def _finished(self, session: Session, release: Release) -> None:
        self.made.append((self.left[0], release.id))
        _tell_live(session, release, self.began)

    def _left_as_it_is(self, session: Session, service: Service, live: Release, survey: Survey) -> None:
        ours, settings = self.goal.release(service, session.settings, survey), session.settings
        session.emit(DeployStarted(service.name, ours.tag, settings.host, ours.repository, settings.environment))
        session.emit(Decision(f"{_is_older(ours, live)} It is not deployed. To deploy it all the same: --force"))
        facts = {"release": live.id, "digest": live.fixed, "live_tag": live.tag, "live_commit": live.committed}
        session.emit(DeployFinished(service.name, "older", session.clock() - self.began, facts))

    def _deploy(self, session: Session, service: Service, survey: Survey) -> None:
        live = survey.trio(service.name).live
        found = live.id if live else ""
        ours = live is not None and self.underway != "" and released_as(live).id == self.underway
        if self.before not in (None, found) and not ours:
            theirs = f"{released_as(live).tag} is live" if live else "There is none now"
            raise LeaseLost(
                f"While the connection was down somebody else changed {service.name}.",
                state=f"{theirs}; this run has changed nothing since.",
                remedy=f"See it: inv deploy.history {service.name}. Still wanted? Deploy yours again.",
            )
        self.before, self.began = found, session.clock()
        if newer := superseded(self.goal, service, session.settings, survey):
            self._left_as_it_is(session, service, newer, survey)
            return
        under_way = replacement(session, service, self.goal, survey)
        self.underway = under_way.walk.state.release.id
        try:
            under_way.run()
        finally:
            if under_way.made:
                self.made.append((service, self.underway))
