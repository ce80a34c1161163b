"""Look at the host and its containers; mend what can be mended."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from invoke import Context

from behindy_ops.tasks.client import client, here
from behindy_ops.tasks.guard import tell_program
from behindy_ops.tasks.options import duration, task, waiting
from behindy_ops.tasks.show import present, show, show_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behindy_ops.report.messenger import Telling
    from behindy_ops.report.text import Line
    from behindy_ops.views.stats import StatsView
    from behindy_ops.views.view import Shown

SHORTEST = 0.5
"""Seconds between two looks, at least."""

_AGAIN = "show it again and again, with the history of each container, until q or Ctrl-C"
_EVERY = "seconds between two looks of --watch (default: 2)"
_CONTAINER = "a service, or nginx, postgres, redis"


@task(help={"watch": _AGAIN, "every": _EVERY})
def mem(_: Context, watch: bool = False, every: str = "2", json: bool = False) -> None:
    """Show who holds the memory, OOM kills, and whether a deploy fits.

    Each against its limit, OOM kills since boot, and for each service whether a
    deploy of it fits. How to read it: docs/operations.md#opsmem.
    """
    if watch:
        _watch("memory", every, json=json)
    from behindy_ops.views.mem import VIEW

    show(VIEW, json=json)


@task()
def disk(_: Context, json: bool = False) -> None:
    """Show what takes the disk, and which images stay and why.

    File systems, Docker's share, and what ops.prune would free.
    """
    from behindy_ops.views.disk import see

    show_by(see, json=json)


@task(help={"dry-run": "show exactly what would be removed; change nothing"})
def prune(_: Context, dry_run: bool = False, wait: str = "", yes: bool = False, json: bool = False) -> None:
    """Remove images no rollback needs, and the build cache.

    Of the services' own repositories, those that no container has; also static
    files of releases that are not kept any more, and networks and anonymous
    volumes that releases of earlier versions left. Other repositories, named
    volumes and containers are never touched.
    """
    from behindy_ops.views.prune import prune, see

    seconds = waiting(wait)
    if dry_run:
        show_by(see, json=json)
    else:
        show_by(lambda session: prune(session, wait=seconds), json=json, change="Prune images", yes=yes)


@task(help={"fix": "connect who should be there and is not"})
def network(_: Context, fix: bool = False, wait: str = "", yes: bool = False, json: bool = False) -> None:
    """Show who is on the services' network, and who should be.

    With addresses and aliases. A name that is missing here is a 502 from nginx.
    """
    from behindy_ops.views.network import VIEW
    from behindy_ops.views.network import fix as connect

    seconds = waiting(wait)
    if fix:
        show_by(lambda session: connect(session, wait=seconds), json=json, change="Connect containers", yes=yes)
    else:
        show(VIEW, json=json)


@task(help={"reload": "test the configuration, then have nginx load it"})
def nginx(_: Context, reload: bool = False, wait: str = "", yes: bool = False, json: bool = False) -> None:
    """Show nginx's configuration, errors, names, and what answers.

    Where each name leads from inside, and how each service answers directly and
    through nginx.
    """
    from behindy_ops.views.nginx import VIEW
    from behindy_ops.views.nginx import reload as test_and_reload

    seconds = waiting(wait)
    if reload:
        show_by(lambda session: test_and_reload(session, wait=seconds), json=json, change="Reload nginx", yes=yes)
    else:
        show(VIEW, json=json)


@task()
def env(_: Context, service: str, json: bool = False) -> None:
    """Show a service's environment: names and origins, no values.

    Where each comes from, what is missing, and what has changed since the live
    release was started.
    """
    from behindy_ops.views.env import view

    show(view(here().services([service])[0]), json=json)


@task()
def certs(_: Context, json: bool = False) -> None:
    """Show the days left on the certificates.

    What nginx serves, whether the host trusts it, and the files it could load.
    """
    from behindy_ops.views.certs import VIEW

    show(VIEW, json=json)


@task(
    help={
        "service": _CONTAINER,
        "follow": "go on with what comes, until Ctrl-C",
        "tail": "how many lines, or all (default: 100)",
        "since": "only later ones: a span such as 10m, or a time such as 2026-01-31T09:30:00",
        "grep": "only lines with this text; it is not a pattern",
        "json": "print one JSON object a line",
    }
)
def logs(
    _: Context,
    service: str,
    follow: bool = False,
    tail: str = "100",
    since: str = "",
    grep: str = "",
    json: bool = False,
) -> None:
    """Show what a service, nginx, postgres or redis writes.

    The candidate and the previous container as well: SERVICE-green,
    SERVICE-blue. With -f it goes on with the new container when a deploy
    replaces the one it follows.
    """
    from functools import partial

    from behindy_ops.report.stream import write_output
    from behindy_ops.views.logs import query, read, shown

    asked = query(tail, since, grep, follow=follow, json=json)
    container = _container(service)

    def tell(line: str) -> None:
        if (text := shown(asked, container, line)) is not None:
            write_output(sys.stdout, f"{text}\n")

    with _until_stopped(json=json), client(quiet=True) as this, this.connect() as session:
        read(session, container, asked, tell=tell, complain=partial(print, file=sys.stderr, flush=True))


@task(name="exec", help={"service": _CONTAINER})
def execute(_: Context, service: str, yes: bool = False) -> None:
    """Run what follows -- in the live container of a service.

    Each word exactly as typed; it ends with the command's own exit code. Such
    as: inv ops.exec backend -- env
    """
    from functools import partial

    from behindy_ops.report.stream import write_output
    from behindy_ops.views.exec import run, words_after

    words, container = words_after(sys.argv), _container(service)
    out, err = partial(write_output, sys.stdout), partial(write_output, sys.stderr)
    with _until_stopped(), client(quiet=True) as this:
        this.confirm(f"Run a command in {container}", yes=yes)
        with this.connect() as session:
            code = run(session, container, words, out=out, err=err)
    raise SystemExit(code)


@task(name="run")
def run_once(_: Context, service: str, yes: bool = False) -> None:
    """Run what follows -- once, in a new container of the live release.

    The container is removed afterwards, and the task ends with the command's
    own exit code: docs/migrations.md#one-off-commands.
    """
    from functools import partial

    from behindy_ops.project.project import Project
    from behindy_ops.report.stream import write_output
    from behindy_ops.views.exec import run_once, words_after

    words = words_after(sys.argv)
    name = Project.find().services([service])[0].name
    out, err = partial(write_output, sys.stdout), partial(write_output, sys.stderr)
    with _until_stopped(), client(quiet=True) as this:
        this.confirm(f"Run a command once in a new container of {service}", yes=yes)
        with this.connect() as session:
            code = run_once(session, name, words, out=out, err=err)
    raise SystemExit(code)


def _container(name: str) -> str:
    from behindy_ops.errors import BehindyError
    from behindy_ops.project.services import replicas
    from behindy_ops.project.settings import Settings
    from behindy_ops.views.container import named

    project, settings = here(), Settings()
    with contextlib.suppress(BehindyError):  # what is wrong with them is told once they are needed
        settings = project.settings(os.environ)
    names = [each.name for service in project.services() for each in replicas(service)]
    return named(name, names, project.names(settings))


@task()
def ps(_: Context, json: bool = False) -> None:
    """Show every container: state, health, release, ports, leftovers.

    Since when each is as it is; also what should be there and is not, and what
    an interrupted run left.
    """
    from behindy_ops.views.ps import VIEW

    show(VIEW, json=json)


@task()
def restart(
    _: Context,
    service: str,
    watch: str = "",
    wait: str = "",
    wait_drain: bool = False,
    now: bool = False,
    yes: bool = False,
    json: bool = False,
) -> None:
    """Put a new container of the same release live; no downtime.

    As a deploy does, with the Compose file and .env that the release was
    started with. For a process that has gone bad.
    """
    from functools import partial

    from behindy_ops.deploy import goals
    from behindy_ops.deploy.queue import return_to

    watching, seconds = duration("watch", watch), waiting(wait)
    with client(service, json=json) as this:
        choose = partial(goals.restart, watch=watching, wait_drain=wait_drain)
        this.confirm(f"Restart {service}", yes=yes)
        with this.telling("restart"):
            return_to(choose, this.connect, this.services[0], what="restart", wait=seconds, now=now)


@task(help={"watch": _AGAIN, "every": _EVERY})
def stats(_: Context, watch: bool = False, every: str = "2", json: bool = False) -> None:
    """Show the load of each container: CPU, memory, network, disk.

    100 % is one processor. Watched, network and disk are bytes a second; else
    since the container's start.
    """
    if watch:
        _watch("cpu", every, json=json)
    from behindy_ops.views.stats import show as look_twice

    show_by(look_twice, json=json)


def _watch(what: str, every: str, *, json: bool) -> NoReturn:
    """Watch until somebody has seen enough, which is a good end; another signal than Ctrl-C's is told as ever."""
    import os
    import signal
    from functools import partial
    from json import dumps

    from behindy_ops.errors import Interrupted
    from behindy_ops.report.layout import heading
    from behindy_ops.report.picture import Picture
    from behindy_ops.tasks.keys import hidden_keys
    from behindy_ops.views.stats import Watcher, watch
    from behindy_ops.views.view import as_json

    interval = max(duration("every", every) or 0.0, SHORTEST)
    picture = Picture(sys.stdout, {} if json else os.environ)
    with _until_stopped(json=json), client(quiet=True) as this:
        above = [heading(this.settings.target)] if this.settings.environment else []

        def tell(view: StatsView, lines: list[Line]) -> None:
            print(dumps(as_json("stats", view)), flush=True) if json else picture.show([*above, *lines])

        try:
            with hidden_keys(sys.stdin, partial(os.kill, os.getpid(), signal.SIGINT)) as keys:
                watcher = Watcher(what, tell, lambda: picture.width, hint="  q to quit" if keys else "")
                with this.connect() as session, picture:
                    watch(session, watcher, interval=interval)
        except KeyboardInterrupt:  # before there was anything to interrupt
            pass
        except Interrupted as error:
            if error.signal_number != signal.SIGINT:
                raise
    raise SystemExit(0)


@contextlib.contextmanager
def _until_stopped(*, json: bool = False) -> Iterator[None]:
    """A signal is how a person ends what is followed: no message, but the exit code a shell expects.

    Args:
        json: a program is told, as of any end that has an exit code.
    """
    from behindy_ops.errors import Interrupted

    try:
        yield
    except Interrupted as error:
        if json:
            tell_program(error)
        raise SystemExit(128 + error.signal_number) from None


@task(
    help={
        "service": "only this one, and what it depends on",
        "fix": "apply the safe remedies, after a yes",
        "yes": "apply them without the question, for scripts",
        "notify": "tell the webhooks of BEHINDY_NOTIFY_URL what was found, or is left after --fix",
    },
)
def doctor(
    _: Context,
    service: str = "",
    fix: bool = False,
    yes: bool = False,
    wait: str = "",
    notify: bool = False,
    json: bool = False,
) -> None:
    """Name what is wrong, why, and what to do about it.

    With the evidence and the remedy. Exit code 65 if it affects users, or will;
    a risk alone is none. What it recognises: docs/operations.md#checks.
    """
    import os
    from dataclasses import replace

    from behindy_ops import report
    from behindy_ops.report.text import Line, Tone
    from behindy_ops.views.doctor import consult, cure

    only = [service] if service else []
    seconds = waiting(wait)
    aside = sys.stderr if json else sys.stdout  # with --json standard output has the JSON alone
    with client(quiet=True, json=json) as this, contextlib.ExitStack() as stack:
        told: Telling | None = None

        def tell(found: Shown) -> None:
            report.show_lines(found.lines, aside)
            if told is not None:
                told.findings = found.data["findings"]

        if notify:
            this.require_webhooks()
            this.project.services(only)  # one that is not there is nobody's trouble but ours
            told = stack.enter_context(this.telling("doctor"))
        with this.connect() as session:
            if not fix:
                shown = consult(session, only)
            else:
                shown = cure(
                    session,
                    only,
                    ask=this.asker("ops.doctor --fix", yes),
                    tell=tell,
                    emit=report.choose(False, aside, os.environ),
                    wait=seconds,
                )
        if told is not None:
            told.findings = shown.data["findings"]
    if told is not None and told.sent is not None:
        note = "The webhooks were told." if told.sent else "There was nothing to tell the webhooks."
        shown = replace(shown, lines=[Line(note, Tone.FAINT), Line(""), *shown.lines])
    present(shown.lines, shown.data, shown.problem, json=json, settings=this.settings)
