"""What a project still lacks before it can be deployed: `inv init --check`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from behindy_ops.errors import BehindyError
from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.routes import declared, shared_nginx
from behindy_ops.scaffold.compose import candidates
from behindy_ops.scaffold.files import IGNORED, NGINX_FILE


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing: what is not there or wrong, and what to type or write. ``needed``: nothing works without it."""

    what: str
    remedy: str
    needed: bool = True


def missing(there: Mapping[str, str], compose_path: str, mistakes: Sequence[str]) -> list[Missing]:
    """Return what a project lacks, in the order in which it is best put right.

    Args:
        there: what is in the files that are there, by path.
        mistakes: what this machine's settings lack.
    """
    return [*_compose(there, compose_path), *_beside(there, compose_path), *_settings(mistakes)]


def _compose(there: Mapping[str, str], path: str) -> Iterator[Missing]:
    if path not in there:
        yield Missing(f"There is no compose file ({path}).", "Make one: inv init")
        return
    try:
        compose = ComposeFile.parse(there[path])
        declared(compose)
    except BehindyError as error:
        for line in error.lines or (error.what,):
            yield Missing(f"{path}: {line}", error.remedy or "Correct it.")
    else:
        for app in candidates(compose):
            yield Missing(
                f"services.{app.name} does not say how it is deployed (no x-deploy).",
                f"If it is to be: inv init --service {app.name}",
                needed=False,
            )


def _beside(there: Mapping[str, str], path: str) -> Iterator[Missing]:
    if NGINX_FILE not in there and not _shares_nginx(there.get(path, "")):
        yield Missing(f"nginx's files are not there ({NGINX_FILE}).", "Make them: inv init")
    if "tasks.py" not in there:
        yield Missing("There is no tasks.py, so plain inv finds no task (behindy-ops does).", "inv init", needed=False)
    for name, who in ((".gitignore", "git"), (".dockerignore", "docker build")):
        if not {*IGNORED[name]} <= {*there.get(name, "").splitlines()}:
            yield Missing(f"{who} may take files with secrets ({name}).", "inv init", needed=False)


def _shares_nginx(text: str) -> bool:
    try:
        return bool(shared_nginx(ComposeFile.parse(text))[0])
    except BehindyError:
        return False


def _settings(mistakes: Sequence[str]) -> Iterator[Missing]:
    for line in mistakes:
        yield Missing(line, "cp .env.example .env && nano .env")
