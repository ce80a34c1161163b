"""``deploy.*``: thin tasks that parse, call and print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection, Context, task

from behindy_ops.tasks.guard import guarded
from behindy_ops.tasks.options import OptionalService

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from invoke import Task

__all__ = ["collection"]

_WATCH = "how long to watch the new release after the switch (default: what the service declares)"
_WAIT = "how long to queue if the host is locked, such as 10m (default: not at all)"
_JSON = "print JSON instead of text"
_HELP = {
    "tag": "image tag to deploy; CI gives the commit SHA (default: latest)",
    "dry-run": "survey the host and print the exact plan and commands; change nothing",
    "force": "deploy even what is live, and though memory or disk seem too small",
    "strategy": "recreate: stop the live release first, where two do not fit (downtime)",
    "watch": _WATCH,
    "wait": _WAIT,
    "json": _JSON,
}


def _deploy_task(name: str) -> Task[Callable[..., None]]:
    @guarded
    def deploy(
        _: Context,
        tag: str = "latest",
        dry_run: bool = False,
        force: bool = False,
        strategy: str = "blue-green",
        watch: str = "",
        wait: str = "",
        json: bool = False,
    ) -> None:
        from behindy_ops.deploy.run import deploy_services

        deploy_services(
            [name], tag=tag, dry_run=dry_run, force=force, strategy=strategy, watch=watch, wait=wait, json=json
        )

    deploy.__doc__ = f"Replace {name} without losing a request."
    made: Task[Callable[..., None]] = task(name=name, help=_HELP)(deploy)
    return made


@task(name="all", help=_HELP)
@guarded
def deploy_all(
    _: Context,
    tag: str = "latest",
    dry_run: bool = False,
    force: bool = False,
    strategy: str = "blue-green",
    watch: str = "",
    wait: str = "",
    json: bool = False,
) -> None:
    """Replace every service in turn; stop at the first failure."""
    from behindy_ops.deploy.run import deploy_services

    deploy_services([], tag=tag, dry_run=dry_run, force=force, strategy=strategy, watch=watch, wait=wait, json=json)


@task(help={"json": _JSON})
@guarded
def status(_: Context, json: bool = False) -> None:
    """Show what is live, its health, and what was left behind."""
    from behindy_ops.views.releases import show_status

    print(show_status(json=json), end="")


@task(
    klass=OptionalService,
    positional=[],
    help={"service": "only this one", "tag": "image tag that would be deployed (default: latest)", "json": _JSON},
)
@guarded
def check(_: Context, service: str = "", tag: str = "latest", json: bool = False) -> None:
    """Say whether the host is ready for a deploy, and if not, why."""
    from behindy_ops import report
    from behindy_ops.deploy import check as checkup

    found, host = checkup.check_services([service] if service else [], tag=tag)
    if json:
        print(checkup.as_json(found), end="")
    else:
        report.show_lines(checkup.as_lines(found, host))
    if (problem := checkup.problem(found)) is not None:
        raise problem


@task(
    positional=["service"],
    help={"to": "release id, tag or digest (default: the previous one)", "service": "the service"}
    | {"watch": _WATCH, "wait": _WAIT, "json": _JSON},
)
@guarded
def rollback(_: Context, service: str, to: str = "", watch: str = "", wait: str = "", json: bool = False) -> None:
    """Go back to an earlier release and its configuration."""
    from behindy_ops.deploy.run import roll_back

    roll_back(service, to=to, watch=watch, wait=wait, json=json)


@task(positional=["service"], help={"service": "the service", "json": _JSON})
@guarded
def releases(_: Context, service: str, json: bool = False) -> None:
    """List the releases that can be rolled back to."""
    from behindy_ops.views.releases import show_releases

    print(show_releases(service, json=json), end="")


@task(klass=OptionalService, positional=[], help={"service": "only this one", "json": _JSON})
@guarded
def history(_: Context, service: str = "", json: bool = False) -> None:
    """Show who deployed what, when, and how it ended."""
    from behindy_ops.views.releases import show_history

    print(show_history(service, json=json), end="")


@task(klass=OptionalService, positional=[], help={"service": "only this one", "wait": _WAIT, "json": _JSON})
@guarded
def recover(_: Context, service: str = "", wait: str = "", json: bool = False) -> None:
    """Finish or undo what an interrupted run left."""
    from behindy_ops.deploy.run import recover_services

    recover_services([service] if service else [], wait=wait, json=json)


def collection(service_names: Sequence[str]) -> Collection:
    """Return the ``deploy`` collection: a task for each service, and the tasks about all of them."""
    made = Collection("deploy")
    for name in service_names:
        made.add_task(_deploy_task(name), name=name)
    for each in (deploy_all, status, check, rollback, releases, history, recover):
        made.add_task(each)
    return made
