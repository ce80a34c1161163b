"""``deploy.*``: thin tasks that parse, call and print."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoke import Collection, Context, task

from behindy_ops.tasks._run import guarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke import Task

__all__ = ["collection"]

_HELP = {
    "tag": "image tag to deploy; CI gives the commit SHA (default: latest)",
    "dry-run": "survey the host and print the exact plan and commands; change nothing",
    "force": "deploy even what is already live",
    "watch": "seconds to watch the new release after the switch (default: what the service declares)",
    "json": "print one JSON object a line instead of text",
}


def _deploy_task(name: str) -> Task[..., None]:
    @task(name=name, help=_HELP)
    @guarded
    def deploy(
        _: Context, tag: str = "latest", dry_run: bool = False, force: bool = False, watch: str = "", json: bool = False
    ) -> None:
        from behindy_ops.deploy.run import deploy_services

        deploy_services([name], tag=tag, dry_run=dry_run, force=force, watch=watch, json=json)

    deploy.__doc__ = f"Replace {name} by a release, without losing a request."
    return deploy


@task(name="all", help=_HELP)
@guarded
def deploy_all(
    _: Context, tag: str = "latest", dry_run: bool = False, force: bool = False, watch: str = "", json: bool = False
) -> None:
    """Replace every service, one after the other; stops at the first that fails."""
    from behindy_ops.deploy.run import deploy_services

    deploy_services([], tag=tag, dry_run=dry_run, force=force, watch=watch, json=json)


@task(help={"json": "print one JSON object"})
@guarded
def status(_: Context, json: bool = False) -> None:
    """Show per service: live release, since when, health, memory, previous release, leftovers."""
    from behindy_ops.deploy.run import show_status

    show_status(sys.stdout, json=json)


def collection(service_names: Sequence[str]) -> Collection:
    """Return the ``deploy`` collection: a task for each service, and the tasks about all of them."""
    made = Collection("deploy")
    for name in service_names:
        made.add_task(_deploy_task(name), name=name)
    made.add_task(deploy_all)
    made.add_task(status)
    return made
