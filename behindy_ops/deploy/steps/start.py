"""Start the candidate: Compose creates it from the host's files, its aliases are taken away, then it is started."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from behindy_ops.deploy import history
from behindy_ops.deploy.state import Phase, State
from behindy_ops.deploy.steps.schedule import scheduled_as
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.errors import Kind
from behindy_ops.facts.container import CONTAINER_TEMPLATE, parse_container
from behindy_ops.facts.release import Labels, Release
from behindy_ops.host.command import Command, Result, script
from behindy_ops.host.exit_codes import Code
from behindy_ops.project.names import Names
from behindy_ops.project.services import Service
from behindy_ops.report.events import Event, Warning_


class Start(Step):
    """Make the candidate and start it, with no restart policy until the switch.

    A signal waits for Compose, which takes about a second: what it makes a moment later nobody would remove until the
    next run. A cancelled GitHub job leaves 7.5 s in all.
    """

    name = "start"
    said = "Start {service}-green"
    enters = Phase.STARTED
    shield = 4.0  # docs/design.md, "Compose and signals"

    def command(self, state: State) -> Command:
        release, target = state.release, state.goal.target
        service, names = state.service, state.names
        files_of = f"{release.service}/{target.id}" if target else ""
        if service.replica_of:  # those that the first one has just been made of
            files_of = f"{service.replica_of}/{release.id}"
        argv = script(
            *("deploy/start_green", state.paths.root, release.service, release.id, names.network, CONTAINER_TEMPLATE),
            *(files_of, names.project, names.proxy.container, *(("idle",) if service.schedule else ())),
        )
        return Command(
            argv, title=f"start {release.service}-green", timeout=120, stdin=described(state), public=True, changes=True
        )

    def read(self, state: State, result: Result) -> Read:
        if result.exit_code in (Code.OTHER_VOLUME, Code.NO_SECRET, Code.REGISTRY_LOGIN, Code.EDGE_BEHIND):
            return Read(state, error=result.error())
        if not result.ok:
            error = Kind.RELEASE_REFUSED(
                f"{state.service.name}-green could not be started: {result.how()}.",
                remedy="The lines below say why. Check the compose file and .env on the host.",
                lines=result.last_lines(),
            )
            return Read(state, error=error)
        told = result.reply().values()
        green = replace(parse_container(told["state"]), restart_policy=told["policy"])
        return Read(replace(state, green=green), green.id[:12], events=remarks(result))


def described(state: State) -> bytes:
    """Return what a script that keeps a release is told: a line of the history, one of the release, its override."""
    release = state.release
    kept = json.dumps({key: value for key, value in asdict(release).items() if key != "status"}, ensure_ascii=False)
    override = _override(release, state.pinned, state.service, state.names)
    return ("\n".join((history.begun(state), kept, override)) + "\n").encode("utf-8")


def remarks(result: Result) -> tuple[Event, ...]:
    """Return what such a script found beside."""
    reply = result.reply()
    return (*(_left(*line.split()) for line in reply.every("left")), *map(_unkept, reply.every("unkept")))


def _left(old: str, new: str) -> Warning_:
    return Warning_(
        f"The volume {old} of the live release stays on the host as it is; the new one has {new}, as declared."
    )


def _unkept(path: str) -> Warning_:
    return Warning_(
        f"{path} is not kept with this release: the compose file names it, but it cannot be copied. A rollback reads "
        "it as it is then."
    )


def _override(release: Release, image: str, service: Service, names: Names) -> str:
    """Return the Compose file laid over the project's own, as JSON (which is YAML): only what makes it this release."""
    labels = {
        Labels.project: names.project,
        Labels.service: release.service,
        Labels.release: release.id,
        Labels.repository: release.repository,
        Labels.tag: release.tag,
        Labels.digest: release.digest,
        Labels.config: release.config,
        Labels.previous: release.previous,
    }
    stanza: dict[str, object] = {
        "container_name": f"{release.service}-green",
        "image": image,
        "labels": labels,
    }
    if names.meets_nginx(service):  # Docker has the first network by its name, and can disconnect that.
        stanza |= {"networks": {names.network_key: {"priority": 1000}}}
    if release.committed:
        labels |= {Labels.committed: release.committed}
    if service.replica_of:
        labels |= {Labels.replica_of: service.replica_of}
    if service.schedule:
        labels |= {Labels.schedule: scheduled_as(service)}
        stanza |= {"restart": "no"}
    return json.dumps({"services": {service.stanza: stanza}}, indent=1)
