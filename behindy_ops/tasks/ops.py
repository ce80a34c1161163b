"""``ops.*``: thin tasks that parse, call and print."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, NoReturn

from invoke import Context, task

from behindy_ops.tasks.client import client
from behindy_ops.tasks.guard import guarded
from behindy_ops.tasks.options import JSON, WAIT, WATCH, OptionalService, duration, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behindy_ops.host.session import Session
    from behindy_ops.report.text import Line
    from behindy_ops.views.look import Shown
    from behindy_ops.views.stats import StatsView

SHORTEST = 0.5
"""Seconds between two looks, at least."""


def _show(shown: Shown, *, json: bool) -> None:
    import json as json_

    from behindy_ops import report

    if json:
        print(json_.dumps(shown.data, indent=2))
    else:
        report.show_lines(shown.lines)
    if shown.problem is not None:
        raise shown.problem


@contextlib.contextmanager
def _session(*names: str) -> Iterator[Session]:
    with client(*names, quiet=True) as this, this.connect() as session:
        yield session


_AGAIN = "show it again and again, with the history of each container, until Ctrl-C"
_EVERY = "seconds between two looks of --watch (default 2)"


@task(help={"watch": _AGAIN, "every": _EVERY, "json": JSON})
@guarded
def mem(_: Context, watch: bool = False, every: str = "2", json: bool = False) -> None:
    """Show who holds the memory, OOM kills, and whether a deploy fits."""
    from behindy_ops.views.show import show_memory

    if watch:
        _watch("memory", every, json=json)
    with _session() as session:
        shown = show_memory(session)
    _show(shown, json=json)


@task(help={"json": JSON})
@guarded
def disk(_: Context, json: bool = False) -> None:
    """Show what takes the disk, and which images stay and why."""
    from behindy_ops.views.show import show_disk

    with _session() as session:
        shown = show_disk(session)
    _show(shown, json=json)


@task(help={"dry-run": "show exactly what would go; change nothing", "wait": WAIT, "json": JSON})
@guarded
def prune(_: Context, dry_run: bool = False, wait: str = "", json: bool = False) -> None:
    """Remove images no rollback needs, and the build cache."""
    from behindy_ops.views.show import prune_images

    seconds = waiting(wait)
    with _session() as session:
        shown = prune_images(session, dry_run=dry_run, wait=seconds)
    _show(shown, json=json)


@task(help={"fix": "connect who should be there and is not", "wait": WAIT, "json": JSON})
@guarded
def network(_: Context, fix: bool = False, wait: str = "", json: bool = False) -> None:
    """Show who is on the services' network, and who should be."""
    from behindy_ops.views.show import fix_network, show_network

    seconds = waiting(wait)
    with _session() as session:
        shown = fix_network(session, wait=seconds) if fix else show_network(session)
    _show(shown, json=json)


@task(help={"reload": "test the configuration and load it anew", "wait": WAIT, "json": JSON})
@guarded
def nginx(_: Context, reload: bool = False, wait: str = "", json: bool = False) -> None:
    """Show nginx's configuration, errors, names, and what answers."""
    from behindy_ops.views.show import reload_nginx, show_nginx

    seconds = waiting(wait)
    with _session() as session:
        shown = reload_nginx(session, wait=seconds) if reload else show_nginx(session)
    _show(shown, json=json)


@task(positional=["service"], help={"service": "the service", "json": JSON})
@guarded
def env(_: Context, service: str, json: bool = False) -> None:
    """Show a service's environment: names and origins, no values."""
    from behindy_ops.views.show import show_env

    with client(quiet=True) as this:
        this.project.services([service])
        with this.connect() as session:
            shown = show_env(session, service)
    _show(shown, json=json)


@task(help={"json": JSON})
@guarded
def certs(_: Context, json: bool = False) -> None:
    """Show the days left on the certificates."""
    from behindy_ops.views.show import show_certs

    with _session() as session:
        shown = show_certs(session)
    _show(shown, json=json)


@task(
    positional=["service"],
    help={
        "service": "a service, or nginx, postgres, redis",
        "follow": "go on with what comes, until Ctrl-C",
        "tail": "how many lines, or all (default 100)",
        "since": "only later ones: a span such as 10m, or a time such as 2026-01-31T09:30:00",
        "grep": "only lines with this text; it is no pattern",
        "json": "print one JSON object a line",
    },
)
@guarded
def logs(
    _: Context,
    service: str,
    follow: bool = False,
    tail: str = "100",
    since: str = "",
    grep: str = "",
    json: bool = False,
) -> None:
    """Show what a service, nginx, postgres or redis writes."""
    import json as json_
    from functools import partial

    from behindy_ops.report.stream import write_output
    from behindy_ops.report.text import printable
    from behindy_ops.views.logs import log_query, log_record, read_logs
    from behindy_ops.views.names import container_of

    query = log_query(tail, since, grep)
    complain = partial(print, file=sys.stderr, flush=True)

    def tell(container: str, line: str) -> None:
        record = log_record(container, line)
        if not json:
            write_output(sys.stdout, f"{printable(line)}\n")
        elif grep in record["text"]:
            write_output(sys.stdout, f"{json_.dumps(record)}\n")

    with _until_stopped(), client(quiet=True) as this:
        container = container_of(this.project, service)
        with this.connect() as session:
            read_logs(session, container, query, follow=follow, stamps=json, tell=tell, complain=complain)


@task(name="exec", positional=["service"], help={"service": "a service, or nginx, postgres, redis"})
@guarded
def execute(_: Context, service: str) -> None:
    """Run what follows -- in the live container of a service."""
    from functools import partial

    from behindy_ops.report.stream import write_output
    from behindy_ops.views.logs import run_inside
    from behindy_ops.views.names import container_of

    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    out, err = partial(write_output, sys.stdout), partial(write_output, sys.stderr)
    with _until_stopped(), client(quiet=True) as this:
        container = container_of(this.project, service)
        with this.connect() as session:
            code = run_inside(session, container, words, out=out, err=err)
    raise SystemExit(code)


@task(help={"json": JSON})
@guarded
def ps(_: Context, json: bool = False) -> None:
    """Show every container: state, health, release, ports, leftovers."""
    from behindy_ops.views.show import show_ps

    with _session() as session:
        shown = show_ps(session)
    _show(shown, json=json)


@task(
    positional=["service"],
    help={
        "service": "the service",
        "watch": WATCH,
        "wait": WAIT,
        "json": JSON,
    },
)
@guarded
def restart(_: Context, service: str, watch: str = "", wait: str = "", json: bool = False) -> None:
    """Put a new container of the same release live; no downtime."""
    from functools import partial

    from behindy_ops.deploy import goals
    from behindy_ops.deploy.queue import return_to

    watching, seconds = duration("watch", watch), waiting(wait)
    with client(service, json=json) as this:
        choose = partial(goals.restart, watch=watching)
        return_to(choose, this.connect, this.services[0], what="restart", wait=seconds)


@task(help={"watch": _AGAIN, "every": _EVERY, "json": JSON})
@guarded
def stats(_: Context, watch: bool = False, every: str = "2", json: bool = False) -> None:
    """Show the load of each container: CPU, memory, network, disk."""
    from behindy_ops.views.show import show_stats

    if watch:
        _watch("cpu", every, json=json)
    with _session() as session:
        shown = show_stats(session)
    _show(shown, json=json)


def _watch(what: str, every: str, *, json: bool) -> NoReturn:
    import json as json_
    import os
    from dataclasses import asdict

    from behindy_ops.report.picture import Picture
    from behindy_ops.views.watch import watch

    interval = max(duration("every", every) or 0.0, SHORTEST)
    with _until_stopped(), _session() as session, Picture(sys.stdout, {} if json else os.environ) as picture:

        def tell(view: StatsView, lines: list[Line]) -> None:
            if json:
                print(json_.dumps({"view": "stats", **asdict(view)}), flush=True)
            else:
                picture.show(lines)

        watch(session, what, interval=interval, tell=tell)
    raise SystemExit(0)


@contextlib.contextmanager
def _until_stopped() -> Iterator[None]:
    """A signal is how a person ends what is followed: no message, but the exit code a shell expects."""
    from behindy_ops.errors import Interrupted

    try:
        yield
    except Interrupted as error:
        raise SystemExit(128 + error.signal_number) from None


@task(
    klass=OptionalService,
    positional=[],
    help={
        "service": "only this one, and what it depends on",
        "fix": "apply the safe remedies, after a yes",
        "yes": "apply them without the question, for scripts",
        "wait": WAIT,
        "json": JSON,
    },
)
@guarded
def doctor(
    _: Context, service: str = "", fix: bool = False, yes: bool = False, wait: str = "", json: bool = False
) -> None:
    """Name what is wrong, why, and what to do about it."""
    import os

    from behindy_ops import report
    from behindy_ops.tasks.ask import asker
    from behindy_ops.views.doctor import consult, cure

    only = [service] if service else []
    if not fix:
        with _session() as session:
            shown = consult(session, only)
        _show(shown, json=json)
        return
    seconds = waiting(wait)
    aside = sys.stderr if json else sys.stdout  # with --json standard output has the JSON alone
    with _session() as session:
        shown = cure(
            session,
            only,
            ask=asker("ops.doctor --fix", yes),
            tell=lambda lines: report.show_lines(lines, aside),
            emit=report.choose(False, aside, os.environ),
            wait=seconds,
        )
    _show(shown, json=json)
