"""A swarm: each release is a service of it, with as many tasks as replicas: docs/design.md, "Names in a swarm"."""

from __future__ import annotations

from dataclasses import replace

from behindy_ops.deploy.engines.engine import Engine
from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.pull import registry_login
from behindy_ops.deploy.steps.start import Start, described
from behindy_ops.errors import BehindyError, ManagerLost
from behindy_ops.facts.container import CONTAINER_TEMPLATE, OVERLAY
from behindy_ops.facts.swarm import QUORUM, leaderless, who_is_unreached
from behindy_ops.host.command import Command, script
from behindy_ops.project.services import Service


class StartTasks(Start):
    """Make the candidate a service of the swarm; its tasks start on whichever nodes its placement allows.

    These pull its image themselves, by the login that this host has pulled it with.
    """

    def command(self, state: State) -> Command:
        service, names, release = state.service, state.names, state.release
        if service.schedule:
            return super().command(state)
        target = state.goal.target
        registry, user, token = registry_login(state.settings, state.pinned)
        argv = script(
            *("swarm/start", state.paths.root, release.service, release.id, names.network, CONTAINER_TEMPLATE),
            *(f"{release.service}/{target.id}" if target else "", names.project, names.proxy.container),
            *(f"{names.network}{OVERLAY}", str(service.tasks), "\n".join(map(_constraint, service.placement))),
            f"{service.stop:.0f}",
            *((registry, user) if user else ()),
        )
        told = (token + b"\n" if user else b"") + described(state)
        return Command(
            argv, title=f"start {release.service}-green", timeout=120, stdin=told, public=not user, changes=True
        )


def _constraint(label: str) -> str:
    name, _, value = label.partition("=")
    return f"node.labels.{name}=={value}"


def _shaped(service: Service) -> Service:
    """A job is a container of the host that has the timers; all else runs on any node."""
    return service if service.schedule else replace(service, replicas=1, tasks=service.replicas)


def _explained(error: BehindyError, said: str) -> BehindyError:
    unreached = leaderless(said)
    if unreached is None:
        return error
    who = who_is_unreached(unreached)
    what = f"The swarm lost its leader in the middle of the deploy, and has had none since: {who}."
    remedy = f"{QUORUM} Then the same again, which puts in order what this run left."
    return ManagerLost(what, state=error.state, remedy=remedy, lines=(error.what, *error.lines))


SWARM = Engine("swarm", StartTasks, _shaped, _explained, lambda said: leaderless(said) is not None)
