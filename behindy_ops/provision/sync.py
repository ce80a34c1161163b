"""``host.sync``: this checkout's ``compose/`` and ``nginx/`` go live on the host all at once, tried beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.errors import BehindyError, Kind, RemoteCommandFailed
from behindy_ops.host.command import Command, Result, script
from behindy_ops.host.host import new_mark
from behindy_ops.provision import files
from behindy_ops.provision.run import UNCHANGED, Confirm, look, require_docker
from behindy_ops.report import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from behindy_ops.host.session import Session
    from behindy_ops.report.text import Line

__all__ = ["Sync"]

STAGE_SECONDS = 300.0
_NO_DIRECTORY, _COMPOSE, _NGINX, _NO_IMAGE = 80, 65, 66, 67


@dataclass
class Sync:
    """One run.

    :param show: shows the difference.
    :param wait: seconds to queue for the lock.
    """

    session: Session
    show: Callable[[list[Line]], None]
    confirm: Confirm
    wait: float = 0.0

    def run(self, *, dry_run: bool) -> None:
        """Bring the host's files to what is here.

        :param dry_run: show the difference, try the files on the host, and leave it as it is.
        :raises Kind.COMPOSE_INVALID: Compose refuses the compose file.
        :raises Kind.FILES_REFUSED: nginx refuses its files.
        """
        session = self.session
        here = files.local(session.project.root)
        nginx = files.nginx_stage(here)
        there = self._read(session)
        different = files.difference(there.files, here)
        if not different and there.loaded:
            self.session.emit(events.Decision("The host has these files already; nothing to do."))
            return
        self.show(different)
        require_docker(look(session))
        if dry_run:
            session.lock("host.sync --dry-run", wait=self.wait)
            self._try(session, here, nginx, keep=False)
            self.session.emit(events.Decision("The files are good; nothing was changed."))
            return
        if different and not self.confirm("Put these files on the host?"):
            self.session.emit(events.Decision("Nothing was changed."))
            return
        session.lock("host.sync", wait=self.wait)
        if self._read(session) != there:
            raise Kind.FILES_REFUSED(
                "The host's files were changed by somebody else meanwhile.",
                state="Nothing was changed by this run.",
                remedy="Look at the difference anew: inv host.sync",
            )
        version = self._try(session, here, nginx, keep=True) if different else there.live
        self._apply(session, version, reload=_of_nginx(here) != _of_nginx(there.files) or not there.loaded)

    def _read(self, session: Session) -> files.OnHost:
        mark = new_mark()
        result = session.host.run(
            Command(script("host/files", mark, self.session.settings.host_dir), title="read the files on the host")
        )
        if result.exit_code == _NO_DIRECTORY:
            raise Kind.FILES_MISSING(
                f"The host has no directory {self.session.settings.host_dir}.",
                state="Nothing was changed.",
                remedy="Set the host up first: inv host.setup (or check BEHINDY_HOST_DIR).",
            )
        return files.parse(result.require().reply(mark))

    def _try(self, session: Session, here: files.Files, nginx: files.NginxStage | None, *, keep: bool) -> str:
        version = files.version(session.now(), here)
        image, mounts = (nginx.image, nginx.mounts) if nginx else ("", ())
        words = (
            self.session.settings.host_dir,
            version,
            "keep" if keep else "try",
            self.session.settings.domain,
            image,
            *mounts,
        )
        with session.step("try", "Try the files: docker compose config, nginx -t in a throwaway container"):
            command = Command(
                script("host/sync_stage", *words),
                title="try the files on the host",
                timeout=STAGE_SECONDS,
                stdin=files.wire_lines(here),
                changes=True,
            )
            result = session.host.run(command)
            if not result.ok:
                raise _refusal(result, image)
        return version

    def _apply(self, session: Session, version: str, *, reload: bool) -> None:
        words = (self.session.settings.host_dir, version, str(files.KEPT), "reload" if reload else "leave")
        with session.step("switch", "Switch to the new files by one rename") as step:
            command = Command(script("host/sync_apply", *words), title="switch to the files", timeout=60, changes=True)
            result = session.host.run(command)
            if result.exit_code == _NGINX:
                raise Kind.FILES_REFUSED(
                    "The nginx that runs refuses the files.",
                    state="The files before them are back, and nginx serves with what it had loaded.",
                    remedy="Correct them by the lines below, then run inv host.sync again.",
                    lines=result.last_lines(),
                )
            result.require(
                state="The site goes on serving; which files are live, says a look: inv host.sync --dry-run",
                remedy="Run inv host.sync again: it goes on from there.",
            )
            nginx = result.reply().values().get("nginx", "")
            step.detail = f"{version}{', nginx reloaded' if nginx == 'reloaded' else ''}"
        if nginx == "elsewhere":
            self.session.emit(events.Note("nginx does not run with these files yet: inv host.up"))


def _of_nginx(all_files: files.Files) -> files.Files:
    return {name: content for name, content in all_files.items() if name.startswith("nginx/")}


def _refusal(result: Result, image: str) -> BehindyError:
    lines = result.last_lines()
    if result.exit_code == _COMPOSE:
        return Kind.COMPOSE_INVALID(
            "Compose refuses compose/docker-compose.yml.",
            state=UNCHANGED,
            remedy="Correct it by the lines below, then run inv host.sync again.",
            lines=lines,
        )
    if result.exit_code == _NGINX:
        return Kind.FILES_REFUSED(
            "nginx refuses the files in nginx/.",
            state=UNCHANGED,
            remedy="Correct them by the lines below (/etc/nginx/behindy/ is nginx/ here), then sync again.",
            lines=lines,
        )
    if result.exit_code == _NO_IMAGE:
        return Kind.HOST_NOT_READY(
            f"The host cannot pull {image}, in which the files are tried.",
            state=UNCHANGED,
            remedy="Look at its network and the registry, then run inv host.sync again.",
            lines=lines,
        )
    return RemoteCommandFailed(
        f"The files could not be tried: {result.how()}.",
        state=UNCHANGED,
        remedy="Try again; if it stays so, look at the host's disk (df -h).",
        lines=lines,
    )
