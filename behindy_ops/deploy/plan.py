"""``--dry-run``: what a deploy would do, from a survey alone. Building it is pure; showing it sends events."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from behindy_ops.checks import preflight
from behindy_ops.deploy import commands
from behindy_ops.deploy.cutover import outside_paths
from behindy_ops.deploy.finish import plan_tidy
from behindy_ops.deploy.readiness import without_live
from behindy_ops.facts.container import Image
from behindy_ops.facts.leftovers import Recovery, decide
from behindy_ops.facts.release import Release, released_as
from behindy_ops.host.command import script_text
from behindy_ops.project.paths import HostPaths
from behindy_ops.project.services import repository
from behindy_ops.report.events import Decision, Plan, Warning_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.deploy.engine import Options
    from behindy_ops.facts.survey import Survey
    from behindy_ops.host.command import Command
    from behindy_ops.host.session import Session
    from behindy_ops.project.services import Service
    from behindy_ops.project.settings import Settings

__all__ = ["commands_of", "show"]


def commands_of(survey: Survey, service: Service, settings: Settings, options: Options) -> list[tuple[str, Command]]:
    """Return the steps of a deploy and the command of each, in order.

    What only the deploy itself can know stands in angle brackets: ``<digest>``, ``<green id>``, ``<switched>``.
    """
    paths = HostPaths(settings.host_dir)
    repo = repository(service, settings.image_prefix)
    live = survey.trio(service.name).live
    green = f"{service.name}-green"
    previous = released_as(live).id if live else ""
    release = Release("<release>", service.name, repo, options.tag, "<digest>", "<image>", previous=previous)
    token = b"<token>" if settings.registry_token else b""
    user = settings.registry_user if token else ""
    watch = service.watch if options.watch is None else options.watch
    urls = [f"https://{settings.domain}{path}" for path in outside_paths(service, survey)]
    steps = [
        ("pull", commands.pull(f"{repo}:{options.tag}", registry=settings.registry, user=user, token=token)),
        *_stop_first(service, live.id if live and options.recreate else ""),
        ("start", commands.start_green(paths, release, f"{repo}@<digest>", "<history line>")),
        ("internal", commands.look_inside(service, green, service.health)),
    ]
    if service.rehearsal and "rehearsal/header" in survey.files:
        url = f"https://{settings.domain}{service.rehearsal}"
        steps.append(("rehearsal", commands.look_outside([url], service.health, header=paths.rehearsal_header)))
    first = (live.id, f"{service.name}-blue", service.name) if live and not options.recreate else None
    steps.append(("switch", commands.swap(first, ("<green id>", service.name))))
    steps.append(("external", commands.look_outside(urls, service.health, live=service)))
    if watch:
        steps.append(("watch", commands.watch("<green id>", until_ms=0, seconds=watch)))
    if live and not options.recreate:
        steps.append(("drain", commands.drain(live.id, service.port, earliest_ms=0, limit=service.drain)))
    if live:
        steps.append(("stop", commands.stop_blue(live.id, service.stop)))
    wanted = f"{repo}:{options.tag}"
    there = (image for image in survey.images if wanted in image.tags)
    tidy = plan_tidy(survey, repo, next(there, Image("<new image>", (wanted,), (), "9999")), live)
    if tidy.remove:
        steps.append(("tidy", commands.tidy(tidy.remove)))
    steps.append(("verify", commands.verify(paths, service.name, release, "<history line>")))
    return steps


def _stop_first(service: Service, live: str) -> list[tuple[str, Command]]:
    """Return what ``--strategy recreate`` does to a live container, if there is one, before its successor starts."""
    if not live:
        return []
    return [
        ("aside", commands.swap(None, (live, f"{service.name}-blue"))),
        ("stop", commands.stop(live, service.stop)),
    ]


def as_lines(steps: Sequence[tuple[str, Command]]) -> list[str]:
    """Return one line a step: its name and its command; scripts by their file name, see :func:`script_lines`."""
    return [f"{name:<10}{_short(command)}" for name, command in steps]


def _short(command: Command) -> str:
    argv = command.argv
    if argv[:2] == ("bash", "-c"):
        shown = (word if len(word) < 120 and "{{" not in word else "<template>" for word in argv[4:])
        return shlex.join((f"{argv[3]}.sh", *shown))
    return shlex.join(argv)


def script_lines(steps: Sequence[tuple[str, Command]]) -> dict[str, list[str]]:
    """Return the text of every script the steps use, by its file name."""
    names = dict.fromkeys(command.argv[3] for _, command in steps if command.argv[:2] == ("bash", "-c"))
    return {f"{name}.sh": script_text(name).splitlines() for name in names}


def show(session: Session, services: Sequence[Service], options: Options) -> None:
    """Survey the host and report the plan; changes nothing.

    :raises BehindyError: the deploy itself would be refused, for the same reason.
    """
    survey = session.look()
    emit = session.emit
    used: list[tuple[str, Command]] = []
    for service in services:
        problem = preflight.find_problem(
            without_live(survey, service) if options.recreate else survey,
            service,
            session.settings,
            force=options.force,
        )
        if problem is not None:
            raise problem
        recovery = decide(survey.trio(service.name))
        if recovery is not Recovery.NOTHING:
            emit(Warning_(f"{service.name}: first, {recovery.value}."))
        steps = commands_of(survey, service, session.settings, options)
        used.extend(steps)
        emit(Plan(f"Plan for {service.name}:{options.tag} on {session.settings.host}", tuple(as_lines(steps))))
    for name, lines in script_lines(used).items():
        emit(Plan(name, tuple(lines)))
    emit(Decision("Dry run: nothing was changed."))
