"""Keep a release's static files, for pages that are still open when another release is live.

A failure is reported, and the deploy goes on: docs/design.md, "Static files outlive their release".
"""

from __future__ import annotations

from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.facts.container import Container
from behindy_ops.facts.figures import size
from behindy_ops.facts.release import released_as
from behindy_ops.host.command import Command, Result, script
from behindy_ops.report.events import Event, Warning_


class KeepAssets(Step):
    """Copy those of the candidate, and of the live release if its own deploy did not."""

    name = "assets"
    said = "Keep the static files of {service}"

    def command(self, state: State) -> Command:
        service, assets = state.service, state.service.assets
        if assets is None:
            raise ValueError(f"{service.name} has no static files to keep")
        releases = [state.candidate.id, state.release.id]
        if state.live is not None:
            releases += [state.live.id, kept_as(state.live)]
        given = (state.paths.root, service.name, assets.source, assets.at, str(assets.most))
        argv = script("deploy/assets", *given, *releases)
        return Command(argv, title=f"keep the static files of {service.name}", timeout=120, changes=True)

    def read(self, state: State, result: Result) -> Read:
        assets, reply = state.service.assets, result.reply()
        kept = {words[0]: words[1:] for words in map(str.split, reply.every("kept"))}
        events: list[Event] = []
        for word in ("large", "missing"):
            for told in reply.every(word):
                release, _, why = told.partition(" ")
                if word == "large":
                    why = f"they are larger than x-deploy.assets.max, {size(assets.most if assets else 0)}"
                events.append(_not_kept(release, why))
        if not result.ok:
            events.append(_not_kept(state.release.id, f"{result.how()} {' '.join(result.last_lines(2))}".strip()))
        own = kept.get(state.release.id, [])
        detail = "not kept"
        if len(own) == 2:
            detail = f"{own[0]} file{'s' if own[0] != '1' else ''}, {size(int(own[1]))}"
        return Read(state, detail, events=tuple(events))


def kept_as(container: Container) -> str:
    """Return the name under which a container's static files are kept; it sorts first if it is no release of ours."""
    return released_as(container).id or f"0-{container.id[:12]}"


def _not_kept(release: str, why: str) -> Warning_:
    return Warning_(
        f"The static files of release {release} are not kept: {why}. Pages of it that are open when another release "
        "goes live may miss some."
    )
