"""Which files `inv init` writes, and what is in them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from importlib.resources import files
from pathlib import Path

from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.routes import declared
from behindy_ops.provision.rendering import FOLDER, rendered
from behindy_ops.report.text import Line, Tone
from behindy_ops.scaffold.answers import Answers
from behindy_ops.scaffold.compose import completed, site, stanza, without_ports

WORKFLOW = ".github/workflows/deploy.yml"
NGINX_FILE = f"{FOLDER}/nginx.conf"
HOST_EXAMPLE = "compose/.env.example"
_TEMPLATES = {
    "tasks.py": "tasks.py",
    ".env.example": "env.example",
    HOST_EXAMPLE: "host.env",
    "host.env": "host.env",
    WORKFLOW: "deploy.yml",
}

IGNORED = {
    ".gitignore": (".env", ".env.*", "!.env.example", "host.env"),
    ".dockerignore": (".env", "host.env"),
}
"""What git must not have, nor an image whose Dockerfile copies the whole folder; the files get the lines they lack."""

CONCERNED = (*_TEMPLATES, *IGNORED, NGINX_FILE)
"""Files beside the compose file that are made, or that tell what is there."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file: what is in it now (None if it is not there) and what is to be."""

    path: str
    now: str | None
    wanted: str

    @property
    def changes(self) -> bool:
        return self.now != self.wanted


def new_files(
    answers: Answers, there: Mapping[str, str], compose_path: str, root: Path, *, unpublished: Collection[str] = ()
) -> list[Written]:
    """Return the files of a project in their order; one that is there stays as it is, but for what is put into it.

    Args:
        there: what is in the files that are there, by path.
        compose_path: of the compose file, which gets each service's ``x-deploy`` if it is there.
        root: the project's folder, which may have templates of nginx's files.
        unpublished: services whose ``ports`` are taken out of the compose file that is there.

    Raises:
        Kind.COMPOSE_INVALID: nothing can be put into the compose file, or something in it is wrong.
    """
    compose = _compose(answers, there, compose_path, unpublished)
    made = {path: _rendered(f"{template}.j2", answers) for path, template in _TEMPLATES.items()}
    if not compose_path.startswith("compose/"):
        del made[HOST_EXAMPLE]
    written = [compose, *(Written(path, there.get(path), there.get(path, text)) for path, text in made.items())]
    written += [_ignoring(path, there.get(path)) for path in IGNORED]
    if NGINX_FILE not in there:
        wanted = ComposeFile.parse(compose.wanted, Path(compose_path))
        files_ = {} if declared(wanted).project else rendered(wanted, root)  # of one that shares an nginx: host.nginx
        written += [Written(f"{FOLDER}/{name}", None, text) for name, text in files_.items()]
    return written


def _compose(answers: Answers, there: Mapping[str, str], path: str, unpublished: Collection[str]) -> Written:
    if path not in there:
        return Written(path, None, _rendered("compose.yml.j2", answers))
    deployable = ComposeFile.parse(there[path]).deployable
    missing = {app.name: app for app in answers.apps if app.name not in deployable}
    text = completed(there[path], missing, answers.domain)
    return Written(path, there[path], without_ports(text, unpublished))


def _ignoring(path: str, now: str | None) -> Written:
    lines = (now or "").splitlines()
    missing = [line for line in IGNORED[path] if line not in lines]
    return Written(path, now, "".join(f"{line}\n" for line in [*lines, *missing]) if missing else now or "")


def _rendered(template: str, answers: Answers) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 -- no HTML
    text = (files("behindy_ops.scaffold") / "templates" / template).read_text(encoding="utf-8")
    names = {field: getattr(answers, field) for field in answers.__slots__}
    return environment.from_string(text).render(**names, stanza=stanza, site=site, workflow=WORKFLOW)


def diff(written: Written) -> list[Line]:
    """Return what changes in a file, as ``diff -u`` shows it."""
    before = "/dev/null" if written.now is None else written.path
    texts = ((written.now or "").splitlines(), written.wanted.splitlines())
    lines = unified_diff(*texts, before, written.path, lineterm="")
    tones = {"+": Tone.GOOD, "-": Tone.BAD, "@": Tone.FAINT}
    return [Line(line, tones.get(line[:1], Tone.PLAIN), exact=True) for line in lines]
