"""``ops.*``: thin tasks that parse, call and print."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, NoReturn

from invoke import Context, task

from behindy_ops.tasks.guard import guarded
from behindy_ops.tasks.options import OptionalService

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behindy_ops.report.text import Line
    from behindy_ops.views.look import Shown
    from behindy_ops.views.stats import StatsView

SHORTEST = 0.5
"""Seconds between two looks, at least."""

_JSON = "print JSON instead of text"
_WAIT = "how long to queue if the host is locked, such as 10m (default: not at all)"


def _show(shown: Shown, *, json: bool) -> None:
    import json as json_

    from behindy_ops import report
    from behindy_ops.views.layout import plain_for

    if json:
        print(json_.dumps(shown.data, indent=2))
    else:
        report.show_lines(plain_for(sys.stdout.encoding, shown.lines))
    if shown.problem is not None:
        raise shown.problem


def _seconds(option: str, text: str) -> float:
    from behindy_ops.deploy.run import duration_option

    return duration_option(option, text) or 0.0


_WATCH = "show it again and again, with the history of each container, until Ctrl-C"
_EVERY = "seconds between two looks of --watch (default 2)"


@task(help={"watch": _WATCH, "every": _EVERY, "json": _JSON})
@guarded
def mem(_: Context, watch: bool = False, every: str = "2", json: bool = False) -> None:
    """Show who holds the memory, OOM kills, and whether a deploy fits."""
    from behindy_ops.views.show import show_memory

    if watch:
        _watch("memory", every, json=json)
    _show(show_memory(), json=json)


@task(help={"json": _JSON})
@guarded
def disk(_: Context, json: bool = False) -> None:
    """Show what takes the disk, and which images stay and why."""
    from behindy_ops.views.show import show_disk

    _show(show_disk(), json=json)


@task(help={"dry-run": "show exactly what would go; change nothing", "wait": _WAIT, "json": _JSON})
@guarded
def prune(_: Context, dry_run: bool = False, wait: str = "", json: bool = False) -> None:
    """Remove images no rollback needs, and the build cache."""
    from behindy_ops.views.show import prune_images

    _show(prune_images(dry_run=dry_run, wait=_seconds("wait", wait)), json=json)


@task(help={"fix": "connect who should be there and is not", "wait": _WAIT, "json": _JSON})
@guarded
def network(_: Context, fix: bool = False, wait: str = "", json: bool = False) -> None:
    """Show who is on the services' network, and who should be."""
    from behindy_ops.views.show import fix_network, show_network

    _show(fix_network(wait=_seconds("wait", wait)) if fix else show_network(), json=json)


@task(help={"reload": "test the configuration and load it anew", "wait": _WAIT, "json": _JSON})
@guarded
def nginx(_: Context, reload: bool = False, wait: str = "", json: bool = False) -> None:
    """Show nginx's configuration, errors, names, and what answers."""
    from behindy_ops.views.show import reload_nginx, show_nginx

    _show(reload_nginx(wait=_seconds("wait", wait)) if reload else show_nginx(), json=json)


@task(positional=["service"], help={"service": "the service", "json": _JSON})
@guarded
def env(_: Context, service: str, json: bool = False) -> None:
    """Show a service's environment: names and origins, no values."""
    from behindy_ops.views.show import show_env

    _show(show_env(service), json=json)


@task(help={"json": _JSON})
@guarded
def certs(_: Context, json: bool = False) -> None:
    """Show the days left on the certificates."""
    from behindy_ops.views.show import show_certs

    _show(show_certs(), json=json)


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

    from behindy_ops.report.picture import write_output
    from behindy_ops.report.text import printable
    from behindy_ops.views.logs import log_query, log_record, read_logs

    query = log_query(tail, since, grep)
    complain = partial(print, file=sys.stderr, flush=True)

    def tell(container: str, line: str) -> None:
        record = log_record(container, line)
        if not json:
            write_output(sys.stdout, f"{printable(line)}\n")
        elif grep in record["text"]:
            write_output(sys.stdout, f"{json_.dumps(record)}\n")

    with _until_stopped():
        read_logs(service, query, follow=follow, stamps=json, tell=tell, complain=complain)


@task(name="exec", positional=["service"], help={"service": "a service, or nginx, postgres, redis"})
@guarded
def execute(_: Context, service: str) -> None:
    """Run what follows -- in the live container of a service."""
    from functools import partial

    from behindy_ops.report.picture import write_output
    from behindy_ops.views.logs import run_inside

    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    with _until_stopped():
        out, err = partial(write_output, sys.stdout), partial(write_output, sys.stderr)
        raise SystemExit(run_inside(service, words, out=out, err=err))


@task(help={"json": _JSON})
@guarded
def ps(_: Context, json: bool = False) -> None:
    """Show every container: state, health, release, ports, leftovers."""
    from behindy_ops.views.show import show_ps

    _show(show_ps(), json=json)


@task(
    positional=["service"],
    help={
        "service": "the service",
        "watch": "how long to watch the new container after the switch (default: what the service declares)",
        "wait": _WAIT,
        "json": _JSON,
    },
)
@guarded
def restart(_: Context, service: str, watch: str = "", wait: str = "", json: bool = False) -> None:
    """Put a new container of the same release live; no downtime."""
    from behindy_ops.deploy.run import restart_service

    restart_service(service, watch=watch, wait=wait, json=json)


@task(help={"watch": _WATCH, "every": _EVERY, "json": _JSON})
@guarded
def stats(_: Context, watch: bool = False, every: str = "2", json: bool = False) -> None:
    """Show the load of each container: CPU, memory, network, disk."""
    from behindy_ops.views.show import show_stats

    if watch:
        _watch("cpu", every, json=json)
    _show(show_stats(), json=json)


def _watch(what: str, every: str, *, json: bool) -> NoReturn:
    import json as json_
    import os
    from dataclasses import asdict

    from behindy_ops.report.picture import Picture
    from behindy_ops.views.layout import plain_for
    from behindy_ops.views.watch import watch

    with _until_stopped(), Picture(sys.stdout, {} if json else os.environ) as picture:

        def tell(view: StatsView, lines: list[Line]) -> None:
            if json:
                print(json_.dumps({"view": "stats", **asdict(view)}), flush=True)
            else:
                picture.show(plain_for(sys.stdout.encoding, lines))

        watch(what, interval=max(_seconds("every", every), SHORTEST), tell=tell)
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
        "wait": _WAIT,
        "json": _JSON,
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
    from behindy_ops.views.doctor_run import consult, cure

    only = [service] if service else []
    if not fix:
        _show(consult(only), json=json)
        return
    aside = sys.stderr if json else sys.stdout  # with --json standard output has the JSON alone
    shown = cure(
        only,
        ask=asker("ops.doctor --fix", yes),
        tell=lambda lines: report.show_lines(lines, aside),
        emit=report.choose(False, aside, os.environ),
        wait=_seconds("wait", wait),
    )
    _show(shown, json=json)
