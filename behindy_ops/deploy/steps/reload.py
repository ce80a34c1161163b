"""Reload an nginx that resolves names only when it loads its configuration, until host.sync has brought ours.

It is told where the name leads (``follow.sh``): docs/design.md, "Plain upstreams".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from behindy_ops.deploy.state import Phase, State
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.deploy.steps.switch import switched_at
from behindy_ops.facts.survey import NETWORK, NGINX
from behindy_ops.host.command import Command, Result, script
from behindy_ops.report.events import Warning_


def says_that_it_reloads(service: str) -> str:
    """Return what is told before nginx is reloaded."""
    return (
        f"nginx resolves {service} only when it loads its configuration: it is reloaded after the renames. inv "
        "host.sync puts one there that needs no reload."
    )


class Follow(Step):
    """Make users meet the new release."""

    name = "reload"
    said = "Reload nginx"

    def leads_to(self, state: State) -> str:
        """Return the id of the container that the name leads to."""
        return state.candidate.id

    def command(self, state: State) -> Command:
        argv = script("deploy/follow", NGINX, NETWORK, state.service.name, self.leads_to(state))
        return Command(argv, title="reload nginx", timeout=60, changes=True)

    def read(self, state: State, result: Result) -> Read:
        moment = switched_at(result)
        if moment is not None:
            return self.done(replace(state, switched=moment))
        return self.failed(state, f"{result.how()} {' '.join(result.last_lines(2))}".strip())

    def done(self, state: State) -> Read:
        return Read(state.at(Phase.SWITCHED))

    def failed(self, state: State, problem: str) -> Read:
        return Read(state, failed=problem, relapse=f"nginx could not be reloaded: {problem}")


@dataclass(frozen=True, slots=True)
class FollowBack(Follow):
    """Make users meet a container again, after the names went back or were put in order.

    Attributes:
        container: its id.
    """

    container: str

    def leads_to(self, state: State) -> str:
        return self.container

    def done(self, state: State) -> Read:
        return Read(state)

    def failed(self, state: State, problem: str) -> Read:
        told = Warning_(f"nginx could not be reloaded: {problem}. Reload it: inv ops.nginx --reload")
        return Read(state, failed=problem, events=(told,))
