"""``host.sync``: the project's compose file and ``nginx/`` are tried on the host, then go live all at once.

How one rename switches all of them: docs/design.md, "Files switched by one rename".
"""

from __future__ import annotations

import base64
import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.facts.replies import Reply
from behindy_ops.host.change import Confirm, agree
from behindy_ops.host.command import Command, script
from behindy_ops.host.exit_codes import Code
from behindy_ops.host.session import Session
from behindy_ops.project import ipv6, proxies
from behindy_ops.project.compose import COMPOSE_FILE, ComposeFile
from behindy_ops.project.domains import Move, move
from behindy_ops.project.names import Names
from behindy_ops.project.project import Project
from behindy_ops.project.settings import Settings
from behindy_ops.provision.check import require_docker
from behindy_ops.provision.setup import look
from behindy_ops.report import events
from behindy_ops.report.layout import sentence
from behindy_ops.report.text import Line, Tone, printable

KEPT = 3
"""Versions kept on the host, the live one included."""

NAMED = 20
"""How many of the names that are not ours are told."""

LIMIT = 1_000_000
"""Bytes all files may have together: configuration, not data."""

TRIAL_SECONDS = 300.0
"""For pulling nginx's image and trying the files in it."""

PROJECTS = "projects"
"""Below another project's ``nginx/``: the files of those that share its nginx, one each."""

_PATH = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")

_OWN = re.compile(rf"nginx/({PROJECTS}/)?[^/]+\.conf")

Files = dict[str, bytes]
"""Contents by path, such as ``nginx/site.conf``."""


@dataclass(frozen=True, slots=True)
class OnHost:
    """What the host has.

    Attributes:
        files: what ``host.sync`` put there, and what lies where it would put a file.
        live: the version, empty when the files were put there by hand.
        loaded: whether the running nginx has loaded them.
        taken: paths where a file cannot be put, each with the reason: ``occupied`` or ``unreadable``.
        others: names of what is not ours; a directory without a file of ours is one of them.
    """

    files: Files = field(default_factory=dict)
    live: str = ""
    loaded: bool = True
    taken: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = field(default=(), compare=False)


def local_files(project: Project) -> Files:
    """Return the files of the project, as the host is to have them; a developer's own ``.env`` stays at home.

    They are those in ``compose/`` and ``nginx/``; of a compose file that is not in ``compose/``, that file alone, which
    is there on the host.

    Raises:
        Kind.COMPOSE_INVALID: the compose file names what the host does not have.
        Kind.FILES_REFUSED: a name that cannot be sent, a link, or too much.
    """
    root, files = project.root, Files()
    beside = project.compose_file.parent
    if beside == root:
        files[str(COMPOSE_FILE)] = project.compose_on_host.encode()
    for folder in (beside,) * (beside != root) + (root / "nginx",):
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(root).as_posix()
            if file.name == ".env" or (file.name.startswith(".env.") and file.name != ".env.example"):
                continue
            if file.is_symlink() or not _PATH.fullmatch(name):
                raise Kind.FILES_REFUSED(
                    f"{name!a} cannot be put on the host.", remedy="Use plain files with plain names only."
                )
            if file.is_file():
                files[name] = file.read_bytes()
    if sum(map(len, files.values())) > LIMIT:
        raise Kind.FILES_REFUSED(
            f"What is put on the host is larger than {LIMIT // 1000} kB.",
            remedy="Keep data out of compose/ and nginx/.",
        )
    return files


def files_for(project: Project, settings: Settings) -> Files:
    """Return the files of the project, and what the settings make of them: whose proxies nginx trusts, IPv6, its names.

    Raises:
        BehindyError: as :func:`local_files`; or the project has a file in such a place.
    """
    files = local_files(project)
    made: dict[str, tuple[str, str]] = {}
    if settings.trusted_proxies:
        made[proxies.FILE] = "BEHINDY_TRUSTED_PROXIES", proxies.real_ip(settings.trusted_proxies)
    if settings.ipv6:
        made |= {path: ("BEHINDY_IPV6", text) for path, text in ipv6.FILES.items()}
    for path, (setting, _) in made.items():
        if path in files:
            raise Kind.FILES_REFUSED(f"{path} is there, and {setting} is set as well.", remedy="Keep one of the two.")
    moved = _moved(files, move(project, settings))
    return moved | {path: text.encode() for path, (_, text) in made.items()}


def _moved(files: Files, move: Move | None) -> Files:
    """Return the files with an environment's own names in what is made of nginx's files; custom/ stays as it is."""
    if move is None:
        return files
    ours = {path: content for path, content in files.items() if _OWN.fullmatch(path)}
    return files | {path: move.text(content.decode("latin-1")).encode("latin-1") for path, content in ours.items()}


def wire_lines(files: Mapping[str, bytes]) -> bytes:
    """Return the files as the host's scripts read them: one line each, path and base64."""
    lines = (f"{name} {base64.b64encode(content).decode('ascii')}\n" for name, content in files.items())
    return "".join(lines).encode("ascii")


def parse(reply: Reply) -> OnHost:
    """Read what ``host/files.sh`` printed."""
    state = reply.values("state")
    files = {name: base64.b64decode(content) for name, content in reply.values("files").items()}
    others = tuple(sorted(base64.b64decode(name).decode("utf-8", "replace") for name in reply.lines("others")))
    loaded = state.get("loaded") != "no"
    return OnHost(files, state.get("live", ""), loaded=loaded, taken=reply.values("taken"), others=others)


def version(now: datetime, files: Mapping[str, bytes]) -> str:
    """Return a version's name, which sorts by time: ``20260131-093000-1f2e3d4c`` (UTC)."""
    return f"{now:%Y%m%d-%H%M%S}-{sha256(wire_lines(files)).hexdigest()[:8]}"


def difference(
    old: Mapping[str, bytes], new: Mapping[str, bytes], *, there: str = "on the host", here: str = "here"
) -> list[Line]:
    """Return unified diffs of the files that differ, and a summary; nothing when none does."""
    changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    if not changed:
        return []
    lines = [line for name in changed for line in _diff(name, old.get(name), new.get(name), (there, here))]
    added, removed = (sum(line.tone is tone for line in lines) for tone in (Tone.GOOD, Tone.BAD))
    summary = f"{len(changed)} {'file differs' if len(changed) == 1 else 'files differ'}: +{added} -{removed} lines."
    return [*lines, Line(summary, Tone.STRONG)]


def _named(files: Files) -> list[Line]:
    """Return the names of files of which the host has none: there is nothing yet that they would differ from."""
    lines = sum(content.count(b"\n") for content in files.values())
    text = f"{len(files)} files, {lines} lines, of which the host has none yet: {', '.join(sorted(files))}"
    return sentence(text, Tone.GOOD) if files else []


def _diff(name: str, old: bytes | None, new: bytes | None, places: tuple[str, str]) -> Iterator[Line]:
    there, here = places
    before = f"{there}: {name}" if old is not None else f"not {there}"
    after = f"{f'{here}:':<{len(there) + 1}} {name}" if new is not None else f"not {here}: it is removed there"
    left, right = ((content or b"").decode("utf-8", "replace").splitlines() for content in (old, new))
    for number, line in enumerate(difflib.unified_diff(left, right, before, after, lineterm="")):
        tone = {"+": Tone.GOOD, "-": Tone.BAD, "@": Tone.FAINT}.get(line[:1], Tone.PLAIN)
        yield Line(printable(line), Tone.STRONG if number < 2 else tone, exact=True)


def nginx_trial(files: Mapping[str, bytes], nginx: str = "nginx") -> tuple[str, ...]:
    """Return in what nginx is tried with these files, by its stanza in the compose file among them.

    Returns:
        Its image, empty without an nginx there, and its mounts as ``source:target`` (see ``host/sync_stage.sh``).

    Raises:
        Kind.COMPOSE_INVALID: it is not YAML, or its image depends on the host's ``.env``.
    """
    compose = ComposeFile.parse(files[str(COMPOSE_FILE)].decode("utf-8", "replace"))
    if nginx not in compose.stanzas:
        return ("",)
    try:
        image = compose.image(nginx)
    except KeyError as error:
        raise Kind.COMPOSE_INVALID(
            f"services.{nginx}.image depends on {error.args[0]}, which has no default.", remedy="Name the image there."
        ) from error
    volumes = compose.stanzas[nginx].get("volumes", [])
    mounts = tuple(filter(None, (_mount(volume) for volume in volumes if isinstance(volume, str | dict))))
    return (image, *mounts)


def require_nginx_files(files: Files, trial: Sequence[str]) -> None:
    """Raise if nginx is to read the files of ``nginx/``, and there are none.

    Args:
        trial: in what nginx is tried, see :func:`nginx_trial`.

    Raises:
        Kind.FILES_REFUSED: they are missing.
    """
    if any(mount.startswith("nginx:") for mount in trial) and not _of_nginx(files):
        raise Kind.FILES_REFUSED(
            "In the compose file nginx mounts nginx/, and this project has no such folder.",
            state=UNCHANGED,
            remedy="Put nginx's configuration in nginx/, in the project's folder: see docs/library.md of behindy-ops.",
        )


def _mount(volume: str | Mapping[str, Any]) -> str:
    """A bind mount as ``source:target``, its source below the host directory or absolute; empty for anything else."""
    if isinstance(volume, str):
        source, _, rest = volume.partition(":")
        target = rest.split(":")[0]
    else:
        source, target = str(volume.get("source", "")), str(volume.get("target", ""))
    if source.startswith("../"):
        source = source.removeprefix("../")
    elif source.startswith("./"):
        source = f"compose/{source.removeprefix('./')}"
    elif not source.startswith("/"):
        return ""
    return f"{source}:{target}" if target else ""


def sync(
    session: Session, show: Callable[[list[Line]], None], confirm: Confirm, *, dry_run: bool, wait: float = 0.0
) -> None:
    """Bring the host's files to what is here.

    Args:
        show: shows the difference.
        dry_run: show the difference, try the files on the host, and leave the host as it is.
        wait: seconds to queue for the lock.

    Raises:
        Kind.COMPOSE_INVALID: Compose rejects the compose file.
        Kind.FILES_REFUSED: nginx rejects its files.
    """
    whole = session.settings
    own = Settings(environment=whole.environment, domain=whole.domain)  # another's nginx is told the rest by its own
    here = files_for(session.project, own if session.names.shared else whole)
    trial = nginx_trial(here, session.names.proxy.stanza)
    require_nginx_files(here, trial)
    shared = shared_file(here, session.names)
    there = _read(session, here)
    if there.taken:
        raise _taken(there.taken)
    if there.others:
        session.emit(events.Note(f"Not ours, left alone: {_some(there.others)}"))
    changes = difference(there.files, here) if there.files else _named(here)
    if not changes and there.loaded:
        session.emit(events.Decision("The host has these files already; nothing to do."))
        return
    show(changes)
    facts = look(session)
    require_docker(facts)
    if facts.visitors.ipv6 and any(path in there.files and path not in here for path in ipv6.FILES):
        raise _deaf_to_ipv6(session.names)
    if dry_run:
        session.lock("host.sync --dry-run", wait=wait)
        _try(session, here, trial, keep=False)
        _share(session, shared, keep=False)
        session.emit(events.Decision(f"The files are valid. {UNCHANGED}"))
        return
    question = "Put these files on the host?" if changes else ""
    if not agree(
        session,
        "host.sync",
        there,
        lambda _: _read(session, here),
        confirm,
        question=question,
        wait=wait,
        kind=Kind.FILES_REFUSED,
    ):
        return
    target = _try(session, here, trial, keep=True) if changes else there.live
    _share(session, shared, keep=True)
    _apply(session, target, reload=not shared and (_of_nginx(here) != _of_nginx(there.files) or not there.loaded))


def shared_file(files: Files, names: Names) -> Files:
    """Return the file of a project that shares another's nginx, which that is to have; nothing where nginx is its own.

    Raises:
        Kind.FILES_REFUSED: it is missing.
    """
    path = f"nginx/{PROJECTS}/{names.project}.conf"
    if names.shared and path not in files:
        raise Kind.FILES_REFUSED(
            f"There is no {path}, which tells the shared nginx of this project's domains.",
            state=UNCHANGED,
            remedy="Make it: inv host.nginx --write",
        )
    return {path: files[path]} if names.shared else {}


def _read(session: Session, here: Files) -> OnHost:
    paths = "".join(f"{path}\n" for path in here).encode("ascii")
    names = session.names
    words: tuple[str, ...] = (session.settings.host_dir, names.proxy.container)
    if names.shared:
        words += (names.shared, f"{names.project}.conf")
    reply = session.ask("host/files", *words, title="read the files on the host", stdin=paths)
    return parse(reply)


def _taken(taken: Mapping[str, str]) -> BehindyError:
    why = {
        "occupied": "is something else than a file",
        "unreadable": "cannot be read by the login",
        "mounted": "is the configuration of the running nginx, which would not start again with another in its place",
    }
    remedy = "host.sync did not put it there: move it away on the host, then try again."
    if "mounted" in taken.values():
        remedy = (
            "Leave that directory as it is, and give this tool one of its own (BEHINDY_HOST_DIR=behindy): see "
            "docs/adopting.md of behindy-ops."
        )
    return Kind.FILES_REFUSED(
        "; ".join(f"{path} on the host {why[reason]}" for path, reason in sorted(taken.items())) + ".",
        state=UNCHANGED,
        remedy=remedy,
    )


def _deaf_to_ipv6(names: Names) -> BehindyError:
    return Kind.FILES_REFUSED(
        "BEHINDY_IPV6 is not set here, and visitors reach nginx by IPv6: they would be refused.",
        state=UNCHANGED,
        remedy="Set BEHINDY_IPV6=yes. To give IPv6 up, run the line below on the host first (connections are cut).",
        lines=(f"docker network disconnect {names.edge} {names.proxy.container}",),
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name.replace("\n", "\\n")) for name in names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown


def _try(session: Session, files: Files, trial: tuple[str, ...], *, keep: bool) -> str:
    target, settings = version(session.host_now(), files), session.settings
    words = (settings.host_dir, session.names.project, target, "keep" if keep else "try", settings.domain, *trial)
    with session.step("try", "Try the files: docker compose config, nginx -t in a throwaway container"):
        command = Command(
            script("host/sync_stage", *words),
            title="try the files on the host",
            timeout=TRIAL_SECONDS,
            stdin=wire_lines(files),
            changes=True,
        )
        session.host.run(command).require(
            state=UNCHANGED,
            remedy="Try again; if it fails again, check the host's disk: inv ops.disk",
            image=f"{trial[0]}, in which the files are tried",
        )
    return target


def _share(session: Session, file: Files, *, keep: bool) -> None:
    """Have another project's nginx read this project's file; where it refuses that, it goes on as it was."""
    names = session.names
    for path, content in file.items():
        words = (names.shared, names.proxy.container, path.rpartition("/")[2], session.settings.domain)
        title = "have the shared nginx load it" if keep else "try it with the shared nginx"
        with session.step(
            "share", f"Try {path} beside all that {names.proxy.container} has{', and load it' if keep else ''}"
        ):
            command = Command(
                script("host/share", *words, "keep" if keep else "try"),
                title=title,
                timeout=120,
                stdin=content,
                changes=True,
            )
            session.host.run(command).require(
                state="The shared nginx serves with what it had loaded.",
                remedy="Run inv host.sync again: it continues from there.",
            )


def _apply(session: Session, target: str, *, reload: bool) -> None:
    proxy = session.names.proxy.container
    words = (session.settings.host_dir, proxy, target, str(KEPT), "reload" if reload else "leave")
    with session.step("switch", "Switch to the new files by one rename") as step:
        command = Command(script("host/sync_apply", *words), title="switch to the files", timeout=60, changes=True)
        result = session.host.run(command)
        if result.exit_code == Code.NGINX_REFUSED:
            raise result.error(state="The previous files are back, and nginx still serves with what it had loaded.")
        result.require(
            state="The site is still being served; see which files are live: inv host.sync --dry-run",
            remedy="Run inv host.sync again: it continues from there.",
        )
        told = result.reply().values()
        nginx, kept = told.get("nginx"), told.get("kept")
        step.detail = f"{target}, nginx reloaded" if nginx == "reloaded" else target
    if kept:
        session.emit(events.Note(f"What lay there by hand is kept on the host, in nginx/versions/{kept}"))
    if nginx == "elsewhere" and not session.names.shared:
        session.emit(events.Note("nginx does not run with these files yet: inv host.up"))


def _of_nginx(files: Files) -> Files:
    return {name: content for name, content in files.items() if name.startswith("nginx/")}
