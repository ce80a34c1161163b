"""Make the files that a project needs: asked for or given as options, shown as a diff, written after a yes."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from invoke import Context

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.tasks.ask import asker, line
from behindy_ops.tasks.options import task
from behindy_ops.tasks.show import present

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from behindy_ops.project.project import Project
    from behindy_ops.report.text import Line
    from behindy_ops.scaffold.answers import Answers, App
    from behindy_ops.scaffold.files import Written


@task(
    hostless=True,
    iterable=["service"],
    help={
        "domain": "where the public reaches it, such as shop.example",
        "service": "one to deploy, for each: NAME,image=IMAGE,port=PORT,health=PATH,route=PATH, with "
        "host=NAME instead of a route; without a port it is a worker",
        "database": "put a PostgreSQL beside them, in a new compose file",
        "cache": "put a Redis beside them, in a new compose file",
        "remove-ports": "take ports of the host out of the stanzas of services that are deployed; a terminal asks",
        "check": "say what is missing, and change nothing",
    },
)
def init(
    _: Context,
    domain: str = "",
    service: list[str] | None = None,
    database: bool = False,
    cache: bool = False,
    remove_ports: bool = False,
    yes: bool = False,
    check: bool = False,
    json: bool = False,
) -> None:
    """Write what a project needs to be deployed, or say what is missing.

    A compose file with nginx, or x-deploy and x-nginx in the one there is;
    nginx's files, tasks.py, .env.example, a workflow that deploys a tag;
    .gitignore and .dockerignore get what has secrets. Shows every difference
    first, asks, and never writes over a file of yours: docs/library.md.
    """
    from behindy_ops.report import show_lines
    from behindy_ops.report.layout import sentence
    from behindy_ops.report.text import Line, Tone
    from behindy_ops.scaffold.files import new_files
    from behindy_ops.tasks.client import here

    project = here()
    if check:
        _check(project, json=json)
        return
    there = _texts(project)
    answers = _answers(project, domain, service or (), database=database, cache=cache, json=json)
    taken_out = _unpublished(there.get(_relative(project), ""), answers, remove=remove_ports, yes=yes, json=json)
    files = new_files(answers, there, _relative(project), project.root, unpublished=taken_out)
    changed = [each for each in files if each.changes]
    kept = [each.path for each in files if not each.changes]
    left = [Line(f"Left as it is: {', '.join(kept)}", Tone.FAINT)] if kept else []
    show_lines([*_differences(changed), *left], sys.stderr if json else None)
    if changed:
        number = f"{len(changed)} file{'s' if len(changed) > 1 else ''}"
        if not asker("init", yes, json=json)(f"Write {number} below {project.root}?"):
            raise Kind.USAGE("Nothing was written.")
        _write(project.root, changed)
        done = [
            *sentence(f"Written: {', '.join(each.path for each in changed)}"),
            Line("Next: cp .env.example .env, fill it in, then: inv init --check"),
        ]
    else:
        done = [Line("Nothing is missing. See what else a deploy needs: inv init --check")]
    present(done, {"written": [each.path for each in changed], "kept": kept}, json=json)


def _differences(changed: Sequence[Written]) -> Iterator[Line]:
    """Yield what is to be written; of nginx's new files the names: whole, they would push all else off the screen."""
    from behindy_ops.provision.rendering import FOLDER
    from behindy_ops.report.layout import sentence
    from behindy_ops.report.text import Line, Tone
    from behindy_ops.scaffold.files import diff

    made = [each for each in changed if each.now is None and each.path.startswith(f"{FOLDER}/")]
    for each in changed:
        if each not in made:
            yield from (*diff(each), Line(""))
    if made:
        lines = sum(each.wanted.count("\n") for each in made)
        names = ", ".join(each.path for each in made)
        yield from (*sentence(f"Made from the compose file, {lines} lines: {names}", Tone.GOOD), Line(""))


def _unpublished(compose: str, answers: Answers, *, remove: bool, yes: bool, json: bool) -> list[str]:
    """Tell which services publish ports that they cannot have any more; return those whose ports are to be taken out.

    Raises:
        Kind.COMPOSE_INVALID: nobody wants that.
    """
    from behindy_ops.scaffold.compose import published
    from behindy_ops.tasks.ask import ask

    found = published(compose, answers.apps) if compose else {}
    if not found or remove:
        return list(found)
    told = [f"services.{name}.ports: {', '.join(ports)}" for name, ports in found.items()]
    why = "Two releases side by side cannot both have a port of the host; visitors come by nginx."
    if not yes and sys.stdin.isatty():
        print("\n".join([*told, why]), file=sys.stderr if json else None)
        if ask("Take these ports out of the compose file?", otherwise="", json=json):
            return list(found)
    raise Kind.COMPOSE_INVALID(
        f"Services that are to be deployed publish ports. {why}",
        state=UNCHANGED,
        remedy="Take them out, as the difference will show: inv init --remove-ports",
        lines=tuple(told),
    )


def _answers(
    project: Project, domain: str, services: Sequence[str], *, database: bool, cache: bool, json: bool
) -> Answers:
    """Return what was given as options, and ask on a terminal for what was not."""
    from behindy_ops.project import place, pyproject, validate
    from behindy_ops.scaffold.answers import Answers, parse_app, project_name, routed
    from behindy_ops.scaffold.compose import candidates

    name = project_name(project.root.name)
    exists = project.compose_file.is_file()
    found = {app.name: app for app in candidates(project.compose)} if exists else {}
    if not domain:
        domain = line("Domain", "--domain", json=json)
    if wrong := validate.check_domain(domain):
        raise Kind.USAGE(f"--domain {validate.shown(domain)}: {wrong}.", state=UNCHANGED)
    apps = [found.get(text) or parse_app(text, name) for text in services]
    if not apps and found:
        apps = list(found.values())
    elif not apps and not exists:
        apps = _asked_for(name, json=json)
    said = place.pyproject(project.root / pyproject.FILE).get("host_dir")
    return Answers(name, domain, routed(apps), database, cache, "" if said else name, _commit())


def _commit() -> str:
    """Return the commit that this tool was installed from, which PEP 610 has installers write down; empty if none."""
    from contextlib import suppress
    from importlib.metadata import PackageNotFoundError, distribution
    from json import loads

    with suppress(PackageNotFoundError, ValueError, KeyError, TypeError):
        told = loads(distribution("behindy-ops").read_text("direct_url.json") or "{}")
        commit = told["vcs_info"]["commit_id"]
        return commit if re.fullmatch(r"[0-9a-f]{40}", commit) else ""
    return ""


def _asked_for(project: str, *, json: bool) -> list[App]:
    from functools import partial

    from behindy_ops.scaffold.answers import parse_app

    typed = partial(line, option="--service", json=json)
    apps: list[App] = []
    while name := typed(f"Service {len(apps) + 1}, such as web (nothing to end)" if apps else "Service"):
        port = typed(f"Port of {name} (nothing for a worker)")
        health = typed(f"Path that says whether {name} is healthy") if port else ""
        image = typed(f"Image of {name} (nothing: {project}/{name})")
        given = {"port": port, "health": health, "image": image}
        apps.append(parse_app(",".join([name, *(f"{key}={value}" for key, value in given.items() if value)]), project))
    return apps


def _relative(project: Project) -> str:
    return project.compose_file.relative_to(project.root).as_posix()


def _texts(project: Project) -> dict[str, str]:
    """Return what is in the files that concern `inv init`, by their paths below the project."""
    from behindy_ops.scaffold.files import CONCERNED

    texts: dict[str, str] = {}
    for name in (_relative(project), *CONCERNED):
        file = project.root / name
        try:
            if file.is_file():
                texts[name] = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Kind.FILES_MISSING(f"{file} cannot be read: {error}.", state=UNCHANGED) from None
    return texts


def _write(root: Path, files: Sequence[Written]) -> None:
    for each in files:
        file = root / each.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(each.wanted, encoding="utf-8")


def _check(project: Project, *, json: bool) -> None:
    from dataclasses import asdict

    from behindy_ops.report.layout import sentence
    from behindy_ops.report.text import Line, Tone
    from behindy_ops.scaffold.missing import missing

    try:
        project.settings(os.environ)
        mistakes: Sequence[str] = ()
    except BehindyError as error:
        mistakes = error.lines or (error.what,)
    lacks = missing(_texts(project), _relative(project), mistakes)
    lines: list[Line] = []
    for each in lacks:
        lines += sentence(each.what, Tone.BAD if each.needed else Tone.CAREFUL)
        lines += sentence(each.remedy, Tone.STRONG, "  ")
    needed = sum(each.needed for each in lacks)
    problem = Kind.FILES_MISSING(f"{needed} thing{'s are' if needed > 1 else ' is'} missing.") if needed else None
    lines = lines or [Line("Nothing is missing. What the host lacks: inv host.check", Tone.GOOD)]
    present(lines, [asdict(each) for each in lacks], problem, json=json)
