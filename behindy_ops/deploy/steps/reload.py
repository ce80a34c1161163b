"""Reload an nginx that resolves names only when it loads its configuration, until host.sync has brought ours.

It is told where the name leads (``follow.sh``): docs/design.md, "Plain upstreams".
"""

from __future__ import annotations

from dataclasses import dataclass

from behindy_ops.deploy.state import Phase, State
from behindy_ops.deploy.steps.step import Read
from behindy_ops.deploy.steps.switch import Redirect
from behindy_ops.facts.survey import NETWORK, NGINX
from behindy_ops.host.command import Command, Result, script
from behindy_ops.report.events import Warning_


class Follow(Redirect):
    """Make users meet the new release."""

    name = "reload"
    said = "Reload nginx"

    def leads_to(self, state: State) -> str:
        """Return the id of the container that the name leads to."""
        return state.candidate.id

    def command(self, state: State) -> Command:
        argv = script("deploy/follow", NGINX, NETWORK, state.service.name, self.leads_to(state))
        return Command(argv, title="reload nginx", timeout=60, changes=True)

    def done(self, state: State) -> Read:
        return Read(state.at(Phase.SWITCHED))

    def failed(self, state: State, result: Result) -> Read:
        problem = _problem(result)
        return Read(state, failed=problem, relapse=f"nginx could not be reloaded: {problem}")


@dataclass(frozen=True, slots=True)
class FollowBack(Follow):
    """Make users meet a container again, after the names went back or were put in order.

    Attributes:
        container: its id.
    """

    container: str
    done = Redirect.done

    def leads_to(self, state: State) -> str:
        return self.container

    def failed(self, state: State, result: Result) -> Read:
        problem = _problem(result)
        told = Warning_(f"nginx could not be reloaded: {problem}. Reload it: inv ops.nginx --reload")
        return Read(state, failed=problem, events=(told,))


def _problem(result: Result) -> str:
    return f"{result.how()} {' '.join(result.last_lines(2))}".strip()
