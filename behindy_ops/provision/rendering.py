"""``host.nginx``: nginx's files are made from what the compose file declares, by templates that a project may replace.

A file begins with what made it and a hash of the rest, so that one that was changed by hand is known as that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.project.names import read_names
from behindy_ops.project.routes import EDGES, declared
from behindy_ops.provision.sync import PROJECTS, Files, difference

if TYPE_CHECKING:
    from behindy_ops.project.compose import ComposeFile
    from behindy_ops.project.project import Project
    from behindy_ops.report.text import Line

FOLDER = "nginx"

TEMPLATES = "templates"
"""Below ``nginx/``: a project's own templates. One of the name of ours replaces it, or extends ``behindy/<name>``."""

SHARED = "project.conf.j2"
"""The template of the only file of a project that shares another's nginx."""

_MADE = "# Made by `inv host.nginx --write` from {compose}; what is yours goes to nginx/custom/. {hash}\n"
_HEAD = re.compile(
    re.escape(_MADE).replace(re.escape("{compose}"), ".+").replace(re.escape("{hash}"), "([0-9a-f]{12})").encode()
)


class State(Enum):
    """How a file of the checkout is."""

    OURS = "ours"
    EDITED = "edited by hand"
    FOREIGN = "not made by this"


@dataclass(frozen=True, slots=True)
class Written:
    """What is to be written.

    Attributes:
        here: the files that are there now, of those that are made.
        made: what they are to be.
        kept: files that nobody may write over unasked, and why.
    """

    here: Files
    made: Files
    kept: Mapping[str, State]

    @property
    def stale(self) -> bool:
        return any(self.here.get(path) != content for path, content in self.made.items())

    def lines(self) -> list[Line]:
        """The difference, for people."""
        return difference(self.here, self.made, there="in the checkout", here="as declared")


def written(project: Project) -> Written:
    """Make the files, and compare them with those of the checkout; changes nothing.

    Raises:
        Kind.COMPOSE_INVALID: a mistake in what is declared.
        Kind.FILES_REFUSED: a template cannot be filled in.
    """
    made = {f"{FOLDER}/{name}": text.encode() for name, text in rendered(project.compose, project.root).items()}
    here = {path: (project.root / path).read_bytes() for path in made if (project.root / path).is_file()}
    states = {path: state(content) for path, content in here.items() if content != made[path]}
    return Written(here, made, {path: found for path, found in states.items() if found is not State.OURS})


def state(content: bytes) -> State:
    """Return who a file is of, by its first line."""
    head = _HEAD.match(content)
    if head is None:
        return State.FOREIGN
    return State.OURS if head[1].decode() == _hash(content[head.end() :]) else State.EDITED


def write(project: Project, found: Written, *, force: bool) -> list[str]:
    """Write the files that differ; return their names.

    Raises:
        Kind.FILES_REFUSED: one was edited by hand, or is not ours, and ``force`` is not set; then none is written.
    """
    if found.kept and not force:
        raise Kind.FILES_REFUSED(
            f"{len(found.kept)} of nginx's files would be written over that are not as they were made.",
            state=UNCHANGED,
            remedy="Move what is yours to nginx/custom/ or nginx/templates/ (docs/nginx.md); or write over it: --force",
            lines=tuple(f"{path}: {state.value}" for path, state in sorted(found.kept.items())),
        )
    changed = [path for path, content in found.made.items() if found.here.get(path) != content]
    for path in changed:
        (project.root / path).parent.mkdir(parents=True, exist_ok=True)
        (project.root / path).write_bytes(found.made[path])
    return changed


def rendered(compose: ComposeFile, root: Path) -> dict[str, str]:
    """Return nginx's files by name, as the templates make them of what a compose file declares.

    Raises:
        Kind.COMPOSE_INVALID: a mistake in what is declared.
        Kind.FILES_REFUSED: a template cannot be filled in.
    """
    from jinja2 import (
        ChoiceLoader,
        DictLoader,
        Environment,
        FileSystemLoader,
        PrefixLoader,
        StrictUndefined,
        TemplateError,
    )

    ours = DictLoader(dict(_templates()))
    theirs = FileSystemLoader(root / FOLDER / TEMPLATES)
    environment = Environment(
        loader=ChoiceLoader([theirs, ours, PrefixLoader({"behindy": ours})]),
        autoescape=False,  # noqa: S701 - nginx's files, not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    routes, source = declared(compose), compose.path
    source = source.relative_to(root) if source.is_relative_to(root) else source
    p = routes.prefix
    given: dict[str, Any] = {
        "services": routes.services, "sites": routes.sites, "names": routes.names, "limits": routes.limits,
        "body": routes.body, "cache": routes.cache, "longest": routes.longest, "compose": source.as_posix(),
        "project": routes.project, "p": p, "edges": EDGES,
        "nginx": "" if routes.project else read_names(compose).proxy.container,
        "replica": f"${p}replica" if routes.replicated else "",
        "other_replica": f"${p}other_replica" if routes.replicated else "",
    }  # fmt: skip
    if routes.project:
        environment.globals["part"] = lambda name: _within(environment.get_template(f"{name}.conf.j2").render(given))
    else:
        environment.globals["part"] = "include /etc/nginx/behindy/{}.conf;".format
    made: dict[str, str] = {}
    for name in sorted({*ours.mapping, *theirs.list_templates()}):
        if not name.endswith(".conf.j2") or (name == SHARED) != bool(routes.project):
            continue
        try:
            text = environment.get_template(name).render(given)
        except TemplateError as error:
            line = f", line {number}" if (number := getattr(error, "lineno", 0)) else ""
            raise Kind.FILES_REFUSED(
                f"The template {name}{line} cannot be filled in: {error.message}.",
                state=UNCHANGED,
                remedy=f"Correct it in {FOLDER}/{TEMPLATES}/; docs/nginx.md says what there is to fill in.",
            ) from None
        file = f"{PROJECTS}/{routes.project}.conf" if routes.project else name.removesuffix(".j2")
        made[file] = _MADE.format(compose=source.as_posix(), hash=_hash(text.encode())) + text
    return made


def _within(text: str) -> str:
    """Return what another file includes elsewhere as it stands in the only file of a project that shares an nginx."""
    return "\n".join(line for line in text.splitlines() if line and not line.startswith("#"))


def _templates() -> Iterator[tuple[str, str]]:
    for file in (files("behindy_ops") / "provision" / FOLDER).iterdir():
        if file.name.endswith(".j2"):
            yield file.name, file.read_text(encoding="utf-8")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
