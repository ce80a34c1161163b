"""Which steps replace a service, from facts and a goal, and which undo them. Pure: ``--dry-run`` prints these steps."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace

from behindy_ops.checks import memory
from behindy_ops.checks.check import Facts, Level
from behindy_ops.deploy.engines.choice import engine
from behindy_ops.deploy.state import Phase, State
from behindy_ops.deploy.steps.assets import KeepAssets
from behindy_ops.deploy.steps.drain import Drain, FinishRequests, LeaveToDrain
from behindy_ops.deploy.steps.external import CheckOutside, CheckPrevious, Rehearse
from behindy_ops.deploy.steps.internal import CheckInside
from behindy_ops.deploy.steps.once import AwaitAfter, AwaitBefore, StartAfter, StartBefore, StartBeforehand
from behindy_ops.deploy.steps.pull import Pull
from behindy_ops.deploy.steps.schedule import Schedule, Unschedule
from behindy_ops.deploy.steps.send import AskLayers, Send
from behindy_ops.deploy.steps.steady import CheckRunsAgain, CheckSteady
from behindy_ops.deploy.steps.step import Beside, FromHere, Item, Say, Step, Together, WithNext
from behindy_ops.deploy.steps.stop import Discard, StartAgain, StopLive, StopNew, StopPrevious
from behindy_ops.deploy.steps.switch import Follow, FollowBack, GiveName, PutAside, PutNamesBack, Switch
from behindy_ops.deploy.steps.tidy import Tidy
from behindy_ops.deploy.steps.verify import Verify, Watch
from behindy_ops.facts.release import is_job
from behindy_ops.host.command import Command, script_parts, without_comments
from behindy_ops.project.services import Service
from behindy_ops.report.events import Decision, Warning_


def steps(state: State) -> Iterator[Item]:
    """Yield the whole replacement of a service, in order, from what is known at its beginning."""
    yield from made(state)
    yield from checked(state)
    if state.service.asked and not state.stale:
        yield WithNext(Switch(), CheckOutside(along=True))
        yield from watched(state)
    else:
        yield Switch()
        yield from after_switch(state)
    yield from ended(state)


def made(state: State) -> Iterator[Item]:
    """Yield what makes the candidate."""
    service, goal, early = state.service, state.goal, False
    if service.replica == 1:
        yield from _image(state)
    if goal.recreate and state.live is None:
        yield Say(Decision("There is nothing to stop first: it is deployed as usual."))
    elif goal.recreate:
        if early := _fits_beside(state):
            yield from _before(state, StartBeforehand)
        yield Say(Warning_(_downtime(service)))
        yield PutAside()
        yield StopLive()
    if not early:
        yield from _before(state)
    yield engine(state.settings).start()
    if service.schedule:
        yield Schedule()
    if service.assets is not None:
        yield KeepAssets()  # while it boots


def checked(state: State) -> Iterator[Item]:
    """Yield what a candidate has to pass."""
    service = state.service
    if not service.asked:
        if not service.schedule:
            yield CheckSteady()
        return
    rehearsal = _rehearsal(state)
    if isinstance(rehearsal, Rehearse):
        yield WithNext(CheckInside(), rehearsal, well="ok")
    else:
        yield CheckInside()
        yield rehearsal
    paths = state.public_paths
    if service.external not in paths:
        yield Say(Decision(f"{service.through} is not there yet: {service.name} is checked through {paths[0]}."))


def _before(state: State, start: type[StartBefore] = StartBefore) -> Iterator[Item]:
    if state.before is not None:
        yield start(state.before)
        yield AwaitBefore(state.before)


def _fits_beside(state: State) -> bool:
    """Return whether what runs before a release can run while the live one, which is stopped first, still serves.

    It takes as much memory as the release. Of a service of which two must not run nobody knows what that is for.
    """
    room = memory.fits(Facts(survey=state.survey, services=(replace(state.service, replicas=1),)))
    return state.service.overlap and not any(check.level is Level.REFUSAL for check in room)


def ended(state: State) -> Iterator[Item]:
    """Yield what follows once the new release is proven and watched."""
    if not state.service.schedule and state.service.name in state.survey.jobs:
        yield Unschedule()  # not before: until then the release before, a job, may be gone back to
    tidy = () if Tidy().needless(state) or state.service.replica > 1 else (Tidy(),)
    if state.left_to_host:
        yield Beside(_from_here(state), (Together((LeaveToDrain(), *tidy, Verify())),))
        return
    yield Beside(tidy, (StopPrevious(),) if state.live else ())
    if state.after is not None:
        yield StartAfter(state.after)
        yield AwaitAfter(state.after)
    yield Verify()


def _image(state: State) -> Iterator[Step]:
    """Yield what brings the image to the host."""
    goal, release = state.goal, state.release
    if state.local is not None:
        yield AskLayers()
        yield Send()
    elif goal.target is None:
        yield Pull(f"{release.repository}:{goal.tag}")
    elif state.image is None:
        yield Pull(f"{release.repository}@{release.digest}")


def _downtime(service: Service) -> str:
    why = "--strategy recreate" if service.overlap else "overlap: no"
    hurts = f"Users of {service.name} get errors" if service.asked else "Nothing does its work"
    return (
        f"Downtime begins: {service.name} is stopped before its new release starts ({why}). "
        f"{hurts} until the new release, or this one again, is healthy."
    )


def _from_here(state: State) -> tuple[FromHere, ...]:
    return (FromHere(state.urls[0]),) if state.service.asked else ()


def _rehearsal(state: State) -> Rehearse | Say:
    if not state.service.rehearsal:
        return Say(Decision(f"{state.service.name} declares no rehearsal path: it is not rehearsed."))
    if state.stale:
        return Say(Decision("Not rehearsed: the nginx on the host has plain upstreams, so it cannot be."))
    if "rehearsal/header" not in state.survey.files:
        return Say(Decision("Not rehearsed: the host has no rehearsal token."))
    return Rehearse()


def followed(state: State, reload: Follow) -> Iterator[Item]:
    """Yield the reload of an nginx that would not find out by itself who has the name now."""
    if state.stale:
        told = (
            f"nginx resolves {state.service.name} only when it loads its configuration: it is reloaded after the "
            "renames. inv host.sync puts one there that needs no reload."
        )
        yield Say(Decision(told))
        yield reload


def after_switch(state: State) -> Iterator[Item]:
    """Yield what follows the renames while both containers run: the external check, then watch and drain at once."""
    if state.service.asked:
        yield from followed(state, Follow())
        yield CheckOutside()
    yield from watched(state)


def watched(state: State) -> Iterator[Item]:
    """Yield what the new release that answers its users has to pass, while the previous one ends its requests."""
    watch = (Watch(),) if state.watch > 0 else ()
    if not state.service.asked:  # it was proven before, and nobody is connected to the previous one
        yield from watch
        return
    drained = (Drain(),) if state.blue is not None and state.blue.running and not state.left_to_host else ()
    here = () if state.left_to_host else (FromHere(state.urls[0]),)  # beside what ends such a deploy
    yield Beside((*drained, *watch), here)


def way_back(state: State, *, hurried: bool) -> Iterator[Item]:
    """Yield what takes the new release back after the switch, which has the name.

    Args:
        hurried: the run was told to stop, so nothing is waited for.
    """
    blue = state.blue
    runs = blue is not None and not is_job(blue)
    if blue is not None and runs and not blue.running:
        if not state.service.overlap:
            yield StopNew()
        yield StartAgain(blue.id, "Start {service}-blue again", name="switch back", stuck=PutNamesBack.stuck)
    yield PutNamesBack()
    if blue is not None:
        if state.stale:
            yield FollowBack(blue.id)
        if runs:
            yield _check_previous(state, "The previous release has its name again")
    if not hurried and state.service.asked:
        yield FinishRequests()
    yield Discard()


def bring_back(state: State) -> Iterator[Item]:
    """Yield what starts a release again that was stopped first, and gives it its name back.

    In this order: should this run die in between, what is left is the previous container alone, which the next run
    knows to put in order.
    """
    if state.live is None:
        return
    runs = not is_job(state.live)
    if runs and state.phase >= Phase.STOPPED:
        title = "Start the previous release of {service} again"
        yield StartAgain(state.live.id, title, half_stopped=True, name="bring back")
    policy = "" if state.service.overlap else state.live.restart_policy
    yield GiveName(state.live.id, "Give {service} its name back", name="bring back", policy=policy)
    if runs:
        yield _check_previous(state, "The previous release was started again")


def _check_previous(state: State, began: str) -> Step:
    return CheckPrevious(began) if state.service.asked else CheckRunsAgain(began)


def commands(items: Iterable[Item], state: State) -> list[tuple[str, Command]]:
    """Return each step's name and what it sends; what only an earlier answer tells stands in angle brackets."""
    return [(step.name, step.command(state)) for step in _flat(items) if isinstance(step, Step)]


def _flat(items: Iterable[Item]) -> Iterator[Item]:
    for item in items:
        match item:
            case Beside(steps, inner):
                yield from _flat((*steps, *inner))
            case Together(steps):
                yield from steps
            case WithNext(step, following):
                yield from (step, following)
            case _:
                yield item


def as_lines(items: Iterable[Item], state: State) -> list[str]:
    """Return one line a step: its name and its command; scripts by their file name, see :func:`script_lines`."""
    lines = []
    for item in items:
        match item:
            case Say(event):
                lines.append(f"{'':<10}# {getattr(event, 'text', '')}")
            case FromHere(url):
                lines.append(f"{'outside':<10}# ask {url} from this machine too")
            case Beside(steps, inner):
                lines += [f"{line} &" for line in as_lines(steps, state)]
                lines += as_lines(inner, state)
                lines += [f"{step.name:<10}# wait for it" for step in reversed(steps) if isinstance(step, Step)]
            case Together(steps):
                lines += as_lines(steps, state)  # of which none waits for another
            case WithNext(step, following):
                lines += as_lines([step, following], state)  # in one command
            case Step():
                lines.append(f"{item.name:<10}{_short(item.command(state))}")
    return lines


def _short(command: Command) -> str:
    argv = command.argv
    if argv[:2] == ("bash", "-c"):
        shown = (word if len(word) < 120 and "{{" not in word else "<template>" for word in argv[4:])
        return shlex.join((f"{argv[3]}.sh", *shown))
    return shlex.join(argv)


def script_lines(items: Iterable[Item], state: State) -> dict[str, list[str]]:
    """Return the text of every script the steps use, and of what these share, by its file name."""
    argvs = [command.argv for _, command in commands(items, state)]
    names = dict.fromkeys(argv[3] for argv in argvs if argv[:2] == ("bash", "-c"))
    return {
        f"{part}.sh": without_comments(text)
        for name in names
        for part, text in script_parts(name, state.settings.scripts)
    }
