"""One deploy of one service, from the survey under the lock to the line in the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.deploy import candidate, commands, finish, history
from behindy_ops.deploy.cutover import Cutover, outside_paths
from behindy_ops.deploy.readiness import require_ready
from behindy_ops.deploy.release import new_id
from behindy_ops.errors import BehindyError, ConnectionLost, Interrupted, LeaseLost, RemoteCommandFailed, SwitchedBack
from behindy_ops.facts.release import Release, released_as
from behindy_ops.project.services import repository
from behindy_ops.report.events import Decision, DeployFinished, DeployStarted, Warning_

if TYPE_CHECKING:
    from behindy_ops.facts.container import Container, Image
    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.session import Session
    from behindy_ops.project.services import Service

__all__ = ["Deployment", "Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator asked for.

    :param force: redeploy what is already live.
    :param watch: seconds to watch after the switch; None for what the service declares.
    :param recreate: stop the live release before its successor starts.
    """

    tag: str = "latest"
    force: bool = False
    watch: float | None = None
    recreate: bool = False


class Deployment:
    """Replaces one service by a release. The host is surveyed, locked and reconciled before."""

    kind = "deploy"

    def __init__(self, session: Session, service: Service, options: Options, survey: Survey) -> None:
        self.session = session
        self.service = service
        self.options = options
        self.survey = survey
        self.repository = repository(service, session.settings.image_prefix)
        self.live = survey.trio(service.name).live
        self.judged = ""  # the release that a rollback leaves, which is then no longer offered
        self.release = Release("", service.name, self.repository, options.tag, "", "")
        self.cutover: Cutover | None = None

    def run(self) -> str:
        """Deploy; return the outcome: ``live`` or ``unchanged``.

        :raises BehindyError: it failed; the error says in what state the host is.
        """
        begun = self.session.clock()
        self.session.emit(
            DeployStarted(self.service.name, self.options.tag, self.session.settings.host, self.repository)
        )
        wanted = f"{self.repository}:{self.options.tag}"
        self._require_ready(wanted)
        image = self._pull()
        if self.live is not None and self._is_live(image) and not self.options.force:
            return self._unchanged(self.live, begun)
        self.release = self._new_release(image)
        return self._replace(image, begun)

    def _require_ready(self, image: str) -> None:
        require_ready(self.session, self.service, self.survey, image, force=self.options.force)

    def _pull(self) -> Image:
        try:
            return candidate.pull(self.session, f"{self.repository}:{self.options.tag}")
        except Interrupted as error:
            raise error.but(state="Nothing was changed; what ran before runs on.") from error

    def _is_live(self, image: Image) -> bool:
        live = self.live
        if live is None or not live.running or live.image_id != image.id:
            return False
        return released_as(live).config == self.survey.config.get(self.service.name)

    def _unchanged(self, live: Container, begun: float) -> str:
        release = released_as(live)
        self.session.emit(
            Decision(
                f"{self.service.name}:{self.options.tag} is already live ({release.id or live.id[:12]}), with the "
                "same configuration: nothing to do. To deploy it anew: --force"
            )
        )
        self._finished("unchanged", begun, {"release": release.id, "digest": release.digest})
        return "unchanged"

    def _new_release(self, image: Image) -> Release:
        now = self.session.now()
        return Release(
            id=new_id(now, self.session.randomness(4)),
            service=self.service.name,
            repository=self.repository,
            tag=self.options.tag,
            digest=image.digest(self.repository),
            image_id=image.id,
            config=self.survey.config.get(self.service.name, ""),
            previous=released_as(self.live).id if self.live else "",
            created=now.isoformat(timespec="seconds"),
        )

    def _replace(self, image: Image, begun: float) -> str:
        self._say_what_follows(image)
        green = self._prove(image)
        paths = outside_paths(self.service, self.survey)
        if self.service.external not in paths:
            self.session.emit(
                Decision(f"{self.service.through} is not there yet: {self.service.name} is checked through {paths[0]}.")
            )
        self.cutover = cutover = self._cutover(green, paths)
        try:
            cutover.switch()
        except (ConnectionLost, LeaseLost):
            raise
        except BehindyError as error:
            if cutover.torn:
                raise
            raise self._given_up(error) from error
        try:
            watch = self.service.watch if self.options.watch is None else self.options.watch
            cutover.settle(watch)
            facts = finish.finish(self.session, self, cutover, image)
        except SwitchedBack as error:
            self._record("switched back", error.what)
            raise
        except Interrupted as error:
            raise self._stopped_after_switch(cutover, error) from error
        self._finished("live", begun, facts)
        return "live"

    def _cutover(self, green: Container, paths: tuple[str, ...]) -> Cutover:
        return Cutover(self.session, self.service, green, self.live, self.release.id, paths, self._stale)

    @property
    def _stale(self) -> bool:
        return self.service.name in self.survey.stale

    def _say_what_follows(self, image: Image) -> None:
        if self.live is None:
            self.session.emit(Decision(f"First deploy of {self.service.name}: there is nothing to replace."))
        elif self.live.image_id == image.id:
            reason = "--force" if self._is_live(image) else "its configuration has changed"
            self.session.emit(Decision(f"The image is the one that is live; it is deployed anew because of {reason}."))

    def _prove(self, image: Image) -> Container:
        """Start green and check it from inside and outside; whatever fails, green is gone afterwards."""
        digest = self.release.digest
        pinned = f"{self.repository}@{digest}" if digest else image.id
        begun = history.line("begun", self.kind, self.release, at=self.session.now(), who=self.session.who)
        try:
            green = self._start(pinned, begun)
            candidate.require_inside(self.session, self.service, green.name)
            self._rehearse()
        except (ConnectionLost, LeaseLost):
            raise
        except BehindyError as error:
            raise self._given_up(error) from error
        return green

    def _start(self, pinned: str, begun: str) -> Container:
        return candidate.start_green(self.session, self.release, pinned, begun)

    def _rehearse(self) -> None:
        if not self.service.rehearsal:
            self.session.emit(Decision(f"{self.service.name} declares no rehearsal path: it is not rehearsed."))
        elif self._stale:
            self.session.emit(Decision("Not rehearsed: the nginx on the host has plain upstreams, so it cannot be."))
        elif "rehearsal/header" in self.survey.files:  # the preflight has warned of one without a token
            candidate.rehearse(self.session, self.service)

    def _given_up(self, error: BehindyError) -> BehindyError:
        """Remove green after a failure before the switch and record it; return the error with the state it leaves."""
        name = f"{self.service.name}-green"
        with self.session.interrupts.shielded():
            try:
                with self.session.step("remove", f"Remove {name}"):
                    candidate.discard(self.session, self.service.name, name, self.release.id, shown=name)
            except RemoteCommandFailed as failure:  # the host is in trouble; what that did first is what to tell
                self.session.emit(Warning_(f"{failure.what} {failure.state} {failure.remedy}"))
            self._record("interrupted" if isinstance(error, Interrupted) else "refused", error.what)
        return error.but(state=error.state or "The live release was never touched and serves on.")

    def _stopped_after_switch(self, cutover: Cutover, error: Interrupted) -> Interrupted:
        """Told to stop with the new release live: it stays if it is proven, else it is switched back."""
        name = self.service.name
        try:
            cutover.hasten()
        except SwitchedBack as back:
            self._record("switched back", error.what)
            return error.but(state=f"{back.what} {back.state}")
        with self.session.interrupts.shielded():
            self._record("live", f"{error.what} {name}-blue was left to the next run")
        return error.but(
            state=f"The new release of {name} is live and serves; {name}-blue may still be there.",
            remedy=f"The next deploy of {name} removes it; or now: inv deploy.recover {name}",
        )

    def _record(self, outcome: str, reason: str) -> None:
        line = self.history_line(outcome, reason)
        result = self.session.host.run(commands.record(self.session.paths, line))
        if not result.ok:
            self.session.emit(Warning_(f"The host's history could not be written: {result.how()}."))

    def history_line(self, outcome: str, reason: str = "") -> str:
        """Return the line that records the end."""
        return history.line(
            "ended",
            self.kind,
            self.release,
            at=self.session.now(),
            who=self.session.who,
            durations=self.session.durations,
            outcome=outcome,
            reason=reason,
        )

    def _finished(self, outcome: str, begun: float, facts: dict[str, str]) -> None:
        sent = self.session.host.remote_commands - self.session.counted
        self.session.counted = self.session.host.remote_commands
        facts = facts | {"remote_commands": str(sent)}
        self.session.emit(DeployFinished(self.service.name, outcome, self.session.clock() - begun, facts))
