"""The project's files and directories on the host. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from behindy_ops.checks.check import Check, Facts, Fix, FixKind, Problem, Risk, ok
from behindy_ops.errors import Kind
from behindy_ops.facts.container import Container
from behindy_ops.facts.release import Labels
from behindy_ops.facts.survey import RUN_ONCE, started_from
from behindy_ops.project.services import Service, replicas

TOKEN = "rehearsal/header"  # noqa: S105 - a path

_FILES = ("compose/docker-compose.yml", "nginx/nginx.conf")
_RELOAD = "it was made after nginx had loaded its configuration"
_NOT_LOADED = {
    "unloaded": _RELOAD,
    "missing": "rehearsal/map.conf has another one",
    "unmounted": "rehearsal/ was replaced while nginx was running",
}
_PRIVATE = {"state": "700", "rehearsal": "700", TOKEN: "600", "rehearsal/map.conf": "600"}

NO_DIRECTORIES = Problem(
    "directories not prepared",
    "the host directory, state/ or rehearsal/ is missing",
    "Make them: inv host.setup",
    kind=Kind.FILES_MISSING,
)
NO_FILES = Problem(
    "files missing",
    f"{' or '.join(_FILES)} is not on the host",
    "Put this project's compose/ and nginx/ there: inv host.sync (or check BEHINDY_HOST_DIR)",
    symptom="Deploys are refused.",
    kind=Kind.FILES_MISSING,
)
ELSEWHERE = Problem(
    "other directory",
    "a live release was deployed from another directory on the host than this one, with an .env of its own",
    "Deploy from there: BEHINDY_HOST_DIR={directory}, with BEHINDY_USER the login it belongs to. To have this "
    "directory and its .env take over, for good: inv deploy.{subject} --tag TAG --force",
    symptom="Deploys from here are refused: they would bring other values, and know no release to go back to.",
    kind=Kind.RELEASE_REFUSED,
    forcible=True,
    helps="",
)
OTHER_PROJECT = Problem(
    "name of another project",
    "a container of the service's name is one of another project's, which shares the host",
    "Give this project's container a name of its own: container_name: {project}-{stanza} in the compose file; then inv "
    "host.sync",
    symptom="Deploys are refused: they would take the other project's service away.",
    kind=Kind.RELEASE_REFUSED,
    helps="",
)
OTHER_CONTAINER = Problem(
    "other container",
    "a container that is none of the service has the name of one of its further containers",
    "Rename or remove {container}, or declare fewer of them (x-deploy.replicas).",
    symptom="Deploys are refused: they would take its name, and stop it.",
    kind=Kind.RELEASE_REFUSED,
)
NGINX_ELSEWHERE = Risk(
    "nginx of another directory",
    "nginx was started from another directory on the host than this one",
    "If that is the project's: BEHINDY_HOST_DIR={directory}, with BEHINDY_USER the login it belongs to.",
    symptom="What host.sync puts here is not what nginx has, and no release can be rehearsed.",
)
BAD_COMPOSE_FILE = Problem(
    "compose file invalid",
    "Compose cannot read it, or it does not declare the service",
    "Put this project's compose/ there again: inv host.sync (it says what is wrong with it)",
    symptom="Deploys are refused.",
    kind=Kind.COMPOSE_INVALID,
)
NO_TOKEN = Risk(
    "no rehearsal token",
    f"{TOKEN} is not on the host",
    "Make it: inv host.setup",
    symptom="A release that is broken in public is found only after the switch.",
)
TOKEN_NOT_LOADED = Problem(
    "rehearsal token not loaded",
    "what nginx has loaded does not know the host's rehearsal token, so no rehearsal reaches its candidate",
    "Have nginx load it: inv host.setup",
    symptom="Deploys are refused.",
    kind=Kind.NGINX_NOT_READY,
)
UNREADABLE = Risk(
    "unreadable release",
    "what state/ keeps of a release is cut short, or was written by a later version",
    "If no later behindy-ops wrote it, remove its directory.",
    symptom="It is not offered for a rollback; nothing else depends on it.",
)


def directories(facts: Facts) -> Iterable[Check]:
    """The directories that host.setup makes."""
    missing = [name for name in (".", "state", "rehearsal") if name not in facts.survey.files]
    if missing:
        lacks = "does not exist" if "." in missing else f"lacks {' and '.join(missing)}"
        yield NO_DIRECTORIES.check("directories", f"The directory {facts.host_dir} on the host {lacks}.")
    else:
        yield ok("directories", facts.host_dir)


def unprepared(modes: Mapping[str, str]) -> bool:
    """Whether host.setup has to make something below the host directory, or to close it to others.

    Args:
        modes: of what is there, in octal digits, by path below the host directory.
    """
    needed = (".", "compose", "nginx", *_PRIVATE, "compose/.env")
    too_open = any(modes.get(path, mode) != mode for path, mode in (_PRIVATE | {".env": "600"}).items())
    return too_open or any(path not in modes for path in needed) or bool(int(modes.get(".", "0")[-2:], 8) & 0o22)


def files(facts: Facts) -> Iterable[Check]:
    """The compose and nginx files."""
    missing = [file for file in _needed(facts) if file not in facts.survey.files]
    if missing:
        found = f"The host has no {' and no '.join(f'{facts.host_dir}/{file}' for file in missing)}."
        yield NO_FILES.check("files", found)
    else:
        yield ok("files", f"{facts.host_dir}/compose, {facts.host_dir}/nginx")


def _needed(known: Facts) -> tuple[str, ...]:
    """The files without which nothing is deployed; an nginx of another project's has its own elsewhere."""
    return _FILES[:1] if known.names.shared else _FILES


def project(facts: Facts) -> Iterable[Check]:
    """Two projects share a host, each with names of its own."""
    for service in facts.services:
        own = [name for each in replicas(service) for name in facts.names.trio(each.name)]
        names = (*own, *(f"{service.name}-{what}" for what in (*RUN_ONCE, "run")))
        found = filter(None, map(facts.survey.containers.get, names))
        other = next((one for one in found if _is_of_another(facts, one)), None)
        if other is None and (taken := _taken(facts, service)) is not None:
            yield OTHER_CONTAINER.check(
                "project",
                f"The container {taken.name} is none of {service.name}, and has the name of one (x-deploy.replicas).",
                subject=service.name,
                container=taken.name,
            )
        if other is not None:
            yield OTHER_PROJECT.check(
                "project",
                f"The container {other.name} is one of the project {other.labels[Labels.project]}, in "
                f"{_above(started_from(other))}, not of {facts.names.project}.",
                subject=service.name,
                project=facts.names.project,
                stanza=service.stanza,
            )


def _taken(facts: Facts, service: Service) -> Container | None:
    """Return a container that has the name of a further one of a service and is something else."""
    names = [name for each in replicas(service)[1:] for name in facts.names.trio(each.name)]
    found = filter(None, map(facts.survey.containers.get, names))
    return next((one for one in found if one.labels.get(Labels.replica_of) != service.name), None)


def _is_of_another(facts: Facts, container: Container) -> bool:
    """Whether another project has made it. In the same directory it is this one, which had another name then."""
    theirs = container.labels.get(Labels.project, facts.names.project)
    ours = {f"{name}/compose" for name in facts.survey.directory}
    return theirs != facts.names.project and bool(ours) and started_from(container) not in ours


def directory(facts: Facts) -> Iterable[Check]:
    """Two logins have two directories, each with its own ``.env`` and releases; of those, one deploys."""
    ours = {f"{name}/compose" for name in facts.survey.directory}
    if not ours:
        return
    for service in facts.services:
        trio = facts.survey.trio(service.name)
        live = trio.live or trio.blue
        where = started_from(live) if live and Labels.release in live.labels else ""
        if where and where not in ours:
            yield ELSEWHERE.check(
                "directory",
                f"The live {service.name} was deployed from {_above(where)}, not from {facts.survey.directory[0]}.",
                subject=service.name,
                directory=_above(where),
            )
        else:
            yield ok("directory", facts.survey.directory[0], service.name)
    nginx = facts.survey.containers.get(facts.nginx)
    if facts.names.shared:
        ours = {f"{facts.names.shared}/compose"}
    if nginx and (where := started_from(nginx)) and where not in ours:
        found = f"nginx was started from {_above(where)}, not from {facts.names.shared or facts.survey.directory[0]}."
        yield NGINX_ELSEWHERE.check("directory", found, subject=facts.nginx, directory=_above(where))


def _above(compose: str) -> str:
    return compose.removesuffix("/compose")


def compose_file(facts: Facts) -> Iterable[Check]:
    """Whether Compose on the host can read the compose file there."""
    if any(file not in facts.survey.files for file in _needed(facts)):
        return
    for service in facts.services:
        if service.replica_of:
            continue  # declared with its first container
        if service.name in facts.survey.config:
            yield ok("compose file", f"valid, declares {service.name}", service.name)
        else:
            yield BAD_COMPOSE_FILE.check(
                "compose file",
                f"The compose file on the host is not valid, or does not declare {service.name}.",
                subject=service.name,
                evidence=facts.survey.problems.get("configured", "").splitlines()[-5:],
            )


def rehearsal(facts: Facts) -> Iterable[Check]:
    """Without the token no release is tried through the public URL before users meet it."""
    wanted = not facts.services or any(service.rehearsal for service in facts.services)
    if not wanted:
        yield ok("rehearsal", f"{', '.join(service.name for service in facts.services)} declares none")
    elif TOKEN in facts.survey.files and (why := _NOT_LOADED.get(facts.survey.token)) and not facts.survey.stale:
        fix = Fix(FixKind.RELOAD) if why == _RELOAD else None
        found = f"nginx does not know the host's rehearsal token: {why}."
        yield TOKEN_NOT_LOADED.check("rehearsal", found, fix=fix)
    elif TOKEN in facts.survey.files:
        yield ok("rehearsal", "the host has its token")
    else:
        yield NO_TOKEN.check(
            "rehearsal",
            "The host has no rehearsal token, so a release is tried through the public URL only after the switch.",
        )


def releases(facts: Facts) -> Iterable[Check]:
    """What the host keeps of earlier releases."""
    for service in facts.services:
        for place in facts.survey.unread:
            if place.partition("/")[0] == service.name:
                yield UNREADABLE.check(
                    "releases",
                    f"{facts.host_dir}/state/releases/{place}/release.json cannot be read: that release is skipped.",
                    subject=service.name,
                )
