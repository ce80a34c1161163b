"""Which steps replace a service, from facts and a goal, and which undo them. Pure: ``--dry-run`` prints these steps."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from behindy_ops.deploy.goals import Goal
from behindy_ops.deploy.state import Phase, State, begin, public_paths, unknown
from behindy_ops.deploy.steps.drain import Drain, FinishRequests
from behindy_ops.deploy.steps.external import CheckOutside, CheckPrevious, Rehearse
from behindy_ops.deploy.steps.internal import CheckInside
from behindy_ops.deploy.steps.pull import Pull
from behindy_ops.deploy.steps.start import Start
from behindy_ops.deploy.steps.step import Say, Step
from behindy_ops.deploy.steps.stop import Discard, StartAgain, StopLive, StopPrevious
from behindy_ops.deploy.steps.switch import Follow, FollowBack, GiveName, PutAside, PutNamesBack, Switch
from behindy_ops.deploy.steps.tidy import Tidy
from behindy_ops.deploy.steps.verify import Verify, Watch
from behindy_ops.facts.survey import Survey
from behindy_ops.host.command import Command, script_parts, without_comments
from behindy_ops.project.services import Service
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import Decision, Warning_


class When(Enum):
    """When a step's answer is waited for."""

    NOW = "now"
    BEGIN = "begin"
    """It is sent, and goes on beside what follows."""
    END = "end"
    """What was begun is waited for."""


@dataclass(frozen=True, slots=True)
class Item:
    """One place in a plan."""

    step: Step | Say
    when: When = When.NOW


def planned(service: Service, goal: Goal, settings: Settings, survey: Survey) -> State:
    """Return what is known before anything was sent; the release's id stands in angle brackets."""
    return begin(service, goal, settings, survey, release_id=unknown("release"), created=unknown("time"))


def steps(state: State) -> list[Item]:
    """Return the whole replacement of a service, in order.

    Args:
        state: what is known at its beginning.
    """
    items = [step if isinstance(step, Item) else Item(step) for step in _steps(state)]
    return [item for item in items if isinstance(item.step, Say) or not item.step.needless(state)]


def _steps(state: State) -> Iterator[Item | Step | Say]:
    service, goal, release = state.service, state.goal, state.release
    if goal.target is None:
        yield Pull(f"{release.repository}:{goal.tag}")
    elif state.image is None:
        yield Pull(f"{release.repository}@{release.digest}")
    if goal.recreate and state.live is None:
        yield Say(Decision("There is nothing to stop first: it is deployed as usual."))
    elif goal.recreate:
        yield Say(
            Warning_(
                f"Downtime begins: {service.name} is stopped before its new release starts (--strategy recreate). "
                f"Users of {service.name} get errors until the new release, or this one again, is healthy."
            )
        )
        yield PutAside()
        yield StopLive()
    yield Start()
    yield CheckInside()
    yield _rehearsal(state)
    paths = public_paths(service, state.survey)
    if service.external not in paths:
        yield Say(Decision(f"{service.through} is not there yet: {service.name} is checked through {paths[0]}."))
    yield Switch()
    yield from after_switch(state)
    yield Item(Tidy(), When.BEGIN)
    if state.live is not None:
        yield StopPrevious()
    yield Item(Tidy(), When.END)
    yield Verify()


def _rehearsal(state: State) -> Step | Say:
    if state.rehearsed:
        return Rehearse()
    if not state.service.rehearsal:
        return Say(Decision(f"{state.service.name} declares no rehearsal path: it is not rehearsed."))
    if state.stale:
        return Say(Decision("Not rehearsed: the nginx on the host has plain upstreams, so it cannot be."))
    return Say(Decision("Not rehearsed: the host has no rehearsal token."))


def followed(state: State, reload: Follow) -> Iterator[Item]:
    """Yield the reload of an nginx that would not find out by itself who has the name now."""
    if state.stale:
        told = (
            f"nginx resolves {state.service.name} only when it loads its configuration: it is reloaded after the "
            "renames. inv host.sync puts one there that needs no reload."
        )
        yield Item(Say(Decision(told)))
        yield Item(reload)


def after_switch(state: State) -> Iterator[Item]:
    """Yield what follows the renames while both containers run: external check, watch, drain, all at once."""
    yield from followed(state, Follow())
    drained = state.blue is not None and state.blue.running
    if drained:
        yield Item(Drain(), When.BEGIN)
    if state.watch > 0:
        yield Item(Watch(), When.BEGIN)
    yield Item(CheckOutside())
    if state.watch > 0:
        yield Item(Watch(), When.END)
    if drained:
        yield Item(Drain(), When.END)


def way_back(state: State, *, hurried: bool) -> Iterator[Item]:
    """Yield what takes the new release back after the switch.

    Args:
        state: what is known; the new release has the name.
        hurried: the run was told to stop, so nothing is waited for.
    """
    name, blue = state.service.name, state.blue
    if blue is not None and not blue.running:
        pointing = "{service} still points at the new release."
        yield Item(StartAgain(blue.id, f"Start {name}-blue again", name="switch back", stuck=pointing))
    yield Item(PutNamesBack())
    if blue is not None:
        if state.stale:
            yield Item(FollowBack(blue.id))
        yield Item(CheckPrevious("The previous release has its name again"))
    if not hurried:
        yield Item(FinishRequests())
    yield Item(Discard())


def bring_back(state: State) -> Iterator[Item]:
    """Yield what starts a release again that was stopped first, and gives it its name back.

    In this order: should this run die in between, what is left is the previous container alone, which the next run
    knows to put in order.
    """
    if state.live is None:
        return
    title = f"Start the previous release of {state.service.name} again"
    if state.phase >= Phase.STOPPED:
        yield Item(StartAgain(state.live.id, title, half_stopped=True, name="bring back"))
    yield Item(GiveName(state.live.id, f"Give {state.service.name} its name back", name="bring back"))
    yield Item(CheckPrevious("The previous release was started again"))


def commands(items: Sequence[Item], state: State) -> list[tuple[str, Command]]:
    """Return each step's name and what it sends; what only an earlier answer tells stands in angle brackets."""
    return [
        (item.step.name, item.step.command(state))
        for item in items
        if isinstance(item.step, Step) and item.when is not When.END
    ]


def as_lines(items: Sequence[Item], state: State) -> list[str]:
    """Return one line a step: its name and its command; scripts by their file name, see :func:`script_lines`."""
    lines = []
    for item in items:
        if isinstance(item.step, Say):
            lines.append(f"{'':<10}# {getattr(item.step.event, 'text', '')}")
        elif item.when is When.END:
            lines.append(f"{item.step.name:<10}# wait for it")
        else:
            beside = " &" if item.when is When.BEGIN else ""
            lines.append(f"{item.step.name:<10}{_short(item.step.command(state))}{beside}")
    return lines


def _short(command: Command) -> str:
    argv = command.argv
    if argv[:2] == ("bash", "-c"):
        shown = (word if len(word) < 120 and "{{" not in word else "<template>" for word in argv[4:])
        return shlex.join((f"{argv[3]}.sh", *shown))
    return shlex.join(argv)


def script_lines(items: Sequence[Item], state: State) -> dict[str, list[str]]:
    """Return the text of every script the steps use, and of what these share, by its file name."""
    argvs = [command.argv for _, command in commands(items, state)]
    names = dict.fromkeys(argv[3] for argv in argvs if argv[:2] == ("bash", "-c"))
    return {f"{part}.sh": without_comments(text) for name in names for part, text in script_parts(name)}
