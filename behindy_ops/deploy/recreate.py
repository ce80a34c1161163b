"""``--strategy recreate``: the live release is stopped first, where two do not fit. An announced downtime.

The checks are those of every deploy. Whatever fails, the previous release is started again: its container is kept,
stopped, under the name ``<service>-blue`` until the new one is proven.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.deploy import commands
from behindy_ops.deploy.candidate import judge, public_url
from behindy_ops.deploy.cutover import Cutover
from behindy_ops.deploy.engine import Deployment
from behindy_ops.deploy.health import Verdict
from behindy_ops.deploy.readiness import require_ready
from behindy_ops.errors import BehindyError, ConnectionLost, LeaseLost
from behindy_ops.report.events import Decision, Warning_

if TYPE_CHECKING:
    from behindy_ops.facts.container import Container, Image

__all__ = ["Recreation"]

STOP_SHIELD = 4.0
"""Seconds a signal waits while the live container is being stopped; a cancelled GitHub job leaves 7.5 in all."""


@dataclass
class _ColdCutover(Cutover):
    """The switch to a container that has the host to itself; ``stopped`` is the one it replaces."""

    stopped: Container | None = None

    def stop_blue(self) -> bool:
        self.blue = self.stopped
        return super().stop_blue()


class Recreation(Deployment):
    """Replaces a service by stopping it first."""

    stopped: Container | None = None

    def _require_ready(self, image: str) -> None:
        require_ready(self.session, self.service, self.survey, image, force=self.options.force, alone=True)

    def _replace(self, image: Image, begun: float) -> str:
        old = self.live
        if old is None:
            self.session.emit(Decision("There is nothing to stop first: it is deployed as usual."))
            return super()._replace(image, begun)
        name = self.service.name
        self.session.emit(
            Warning_(
                f"Downtime begins: {name} is stopped before its new release starts (--strategy recreate). Users of "
                f"{name} get errors until the new release, or this one again, is healthy."
            )
        )
        stopping = False
        since = self.session.clock()
        try:
            self._put_aside(old)
            stopping = True
            self._stop(old)
            self.stopped, self.live = old, None  # from here on the deploy is like a first one
            return super()._replace(image, begun)
        except (ConnectionLost, LeaseLost):
            raise
        except BehindyError as error:
            taken = self.cutover is not None and (self.cutover.holds or self.cutover.torn)
            if taken:  # the new release has the name, or the next run has to look who has it
                raise
            raise error.but(state=self._bring_back(old, stopping=stopping)) from error
        finally:
            self._say_how_long(since)

    def _say_how_long(self, since: float) -> None:
        end = self.cutover.switched_at if self.cutover is not None and self.cutover.holds else self.session.clock()
        self.session.emit(Decision(f"{self.service.name} was not served for {end - since:.0f} s at most."))

    def _put_aside(self, old: Container) -> None:
        name = self.service.name
        with self.session.step("aside", f"Take the name from {name}"), self.session.interrupts.shielded():
            self.session.host.run(commands.swap(None, (old.id, f"{name}-blue"))).require(
                state=f"{name} serves as before."
            )

    def _stop(self, old: Container) -> None:
        """Stop it, with its own time to finish what it has begun; it stays on the host.

        It is not drained: while it runs, nginx lets it answer for the missing live one, so it would never be idle.
        """
        service = self.service
        with self.session.step("stop", f"Stop {service.name}-blue"), self.session.interrupts.shielded(STOP_SHIELD):
            self.session.host.run(commands.stop(old.id, service.stop)).require()

    def _cutover(self, green: Container, paths: tuple[str, ...]) -> Cutover:
        return _ColdCutover(
            self.session, self.service, green, None, self.release.id, paths, self._stale, stopped=self.stopped
        )

    def _say_what_follows(self, image: Image) -> None:
        """Nothing more to say: that it is stopped first was said."""

    def _bring_back(self, old: Container, *, stopping: bool) -> str:
        """Start the previous release again and give it its name back; return what state that leaves.

        In this order: should this run die in between, what is left is blue alone, which the next run knows to mend.
        """
        name = self.service.name
        with self.session.interrupts.shielded():
            with self.session.step("bring back", f"Start the previous release of {name} again"):
                if stopping:  # it may be half-way down: a start alone would find it running
                    self.session.host.run(commands.restart(old.id)).require(remedy="inv deploy.recover")
                self.session.host.run(commands.swap(None, (old.id, name))).require(remedy="inv deploy.recover")
            with self.session.step("external", "Check the previous release from outside") as step:
                urls = [public_url(self.session, self.service.external)]
                look = judge(self.session.host.run(commands.look_outside(urls, self.service.health, live=self.service)))
                step.detail = look.reason
                step.failed = "" if look.verdict is Verdict.HEALTHY else look.reason
        if look.verdict is Verdict.HEALTHY:
            return "The previous release serves again, checked from outside."
        return f"The previous release was started again, but from outside: {look.reason}. Look: inv deploy.status"
