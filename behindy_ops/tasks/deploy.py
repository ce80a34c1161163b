"""Deploy a service, go back, see what is live and what was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from invoke import Collection, Context

from behindy_ops.tasks.client import client
from behindy_ops.tasks.options import duration, task, waiting
from behindy_ops.tasks.show import present, show, show_by

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from invoke import Task

    from behindy_ops.host.session import Session

_HELP = {
    "tag": "image tag to deploy, which may also stand bare: deploy.web v2; CI gives the commit SHA (default: latest)",
    "from-local": "send this machine's image of that tag, or NAME:TAG, over SSH instead of pulling it from a registry: "
    "only the layers the host lacks",
    "dry-run": "survey the host and print the exact plan, or that nothing would change; change nothing",
    "verbose": "with --dry-run: print the text of each script, too",
    "force": "deploy even if it is live already, memory or disk seem too small, or the live release came from another "
    "directory",
    "if-newer": "leave what is live if its recorded commit is newer: nothing changes then, and the exit code is 0",
    "commit-time": "when the image's commit was made, which is recorded (git log -1 --format=%cI)",
    "strategy": "recreate: stop the live release first, where two do not fit: an announced downtime "
    "(default: blue-green)",
}

_ONE = "Does nothing if that release is already live with the same configuration.\nThe steps: docs/design.md#steps."
_ALL = "In the order of the compose file; those that are already live with the same\nconfiguration are left alone."
_PAGE = "deploy-history.html"
"""The file of ``--html``."""


def _deploy_task(name: str, help_: str, *services: str, aliases: tuple[str, ...] = ()) -> Task[Callable[..., None]]:
    """Return the task that deploys these services, or all of them."""

    def deploy(
        _: Context,
        tag: str = "latest",
        dry_run: bool = False,
        verbose: bool = False,
        force: bool = False,
        strategy: str = "blue-green",
        watch: str = "",
        wait: str = "",
        wait_drain: bool = False,
        now: bool = False,
        from_local: str = "",
        if_newer: bool = False,
        commit_time: str = "",
        yes: bool = False,
        json: bool = False,
    ) -> None:
        from behindy_ops.deploy import goals, queue
        from behindy_ops.deploy.hooks import Hooks
        from behindy_ops.errors import Kind
        from behindy_ops.project.services import validate_tag
        from behindy_ops.tasks.local import images

        if strategy not in ("", "blue-green", "recreate"):
            raise Kind.USAGE(
                f"There is no strategy {strategy!r}.", remedy="Choose one of: blue-green (the default), recreate."
            )
        watching = duration("watch", watch)
        goal = goals.Goal(
            tag=validate_tag(tag), force=force, watch=watching, recreate=strategy == "recreate", wait_drain=wait_drain
        )
        goal = replace(goal, committed=goals.commit_time(commit_time, needed=if_newer), if_newer=if_newer)
        seconds = waiting(wait)
        pulls = not from_local
        with client(*services, pulls=pulls, json=json) as this, images(this, from_local, tag) as (local, its_tag):
            goal = replace(goal, images=local, tag=its_tag)
            hooks = Hooks(this.project.root / "hooks", this.settings, this.emit)
            if dry_run:
                queue.show_plan(this.connect, this.services, goal, verbose=verbose, hooks=hooks)
            else:
                this.confirm(f"Deploy {', '.join(service.name for service in this.services)}:{goal.tag}", yes=yes)
                with this.telling("deploy", goal.tag):
                    queue.deploy(this.connect, this.services, goal, wait=seconds, now=now, hooks=hooks)

    deploy.__doc__ = help_
    return task(name=name, aliases=aliases, help=_HELP)(deploy)


@task()
def status(_: Context, json: bool = False) -> None:
    """Show what is live, its health, and what was left behind.

    Since when, its memory, what a rollback would return to, what is in
    maintenance, what an interrupted run left, and who is changing the host
    right now.
    """
    from behindy_ops.views.status import VIEW

    show(VIEW, json=json)


@task(help={"tag": "image tag that would be deployed (default: latest)", "from-local": _HELP["from-local"]})
def check(_: Context, service: str = "", tag: str = "latest", from_local: str = "", json: bool = False) -> None:
    """Say whether the host is ready for a deploy, or why not.

    Memory, disk, nginx, .env, limits, the image and more, each with its figure
    and its remedy. Every deploy starts with it. The checks, and the exit code
    of each refusal: docs/operations.md#deploycheck.
    """
    from behindy_ops.deploy import check as checkup
    from behindy_ops.project.services import validate_tag
    from behindy_ops.tasks.local import images

    validate_tag(tag)
    with (
        client(service, pulls=not from_local, quiet=True) as this,
        images(this, from_local, tag) as (local, its_tag),
        this.connect() as session,
    ):
        found = checkup.check_services(session, its_tag, local)
    lines, data = checkup.as_lines(found, this.settings.host), checkup.as_json(found)
    present(lines, data, checkup.problem(found), json=json, settings=this.settings)


@task(help={"to": "release id, tag or digest (default: the previous one)"})
def rollback(
    _: Context,
    service: str,
    to: str = "",
    watch: str = "",
    wait: str = "",
    wait_drain: bool = False,
    now: bool = False,
    yes: bool = False,
    json: bool = False,
) -> None:
    """Go back to an earlier release and its configuration.

    It goes through the same steps as a deploy: checks, switch, drain. A release
    that failed is not offered as the previous one.
    """
    from functools import partial

    from behindy_ops.deploy import goals
    from behindy_ops.deploy.queue import WENT_BACK, return_to

    watching, seconds = duration("watch", watch), waiting(wait)
    with client(service, pulls=True, json=json) as this:
        choose = partial(goals.rollback, to=to, watch=watching, wait_drain=wait_drain)
        enough = () if to else WENT_BACK
        this.confirm(f"Roll {service} back to {to or 'its previous release'}", yes=yes)
        with this.telling("rollback", to):
            return_to(choose, this.connect, this.services[0], what="rollback", wait=seconds, now=now, enough=enough)


@task()
def releases(_: Context, service: str, json: bool = False) -> None:
    """List the releases that can be rolled back to.

    Those that the host remembers: which is live, which would be gone back to,
    and whether its image is still there.
    """
    from behindy_ops.views.releases import show as list_releases

    show_by(lambda session: list_releases(session, session.services[0].name), service, json=json)


@task(
    optional=["html"],
    help={"html": f"write it to this file instead, as a page to look at (default: {_PAGE})"},
)
def history(_: Context, service: str = "", html: str | bool | None = None, json: bool = False) -> None:
    """Show who deployed what, when, and how it ended.

    From the host's own record of deploys, rollbacks and recoveries: the steps
    with their times, and why one was refused.
    """
    from behindy_ops.errors import Kind
    from behindy_ops.views.history import show as read_history

    if not html:
        show_by(lambda session: read_history(session, _name(session, service)), service, json=json)
        return
    if json:
        raise Kind.USAGE("--json and --html are two forms of the same.", remedy="Leave one of them out.")
    from pathlib import Path

    if isinstance(html, str) and not Path(html).suffix:  # such as a service's name behind it
        raise Kind.USAGE(f"--html {html}: that is no name of a page.", remedy=f"For example: --html {html}.html")
    from behindy_ops.report.html import save
    from behindy_ops.views.history_page import page

    with client(service, quiet=True) as this, this.connect() as session:
        found = read_history(session, _name(session, service)).data
    file = Path(html if isinstance(html, str) else _PAGE)
    save(page(found, this.settings.target, service), file)
    print(f"Written to {file}")


def _name(session: Session, service: str) -> str:
    """Return what a service that was named is called on the host; nothing where none was."""
    return session.services[0].name if service else ""


@task()
def recover(
    _: Context, service: str = "", wait: str = "", now: bool = False, yes: bool = False, json: bool = False
) -> None:
    """Finish or undo what an interrupted run left.

    Every deploy starts with it. What Docker says decides, no file of state:
    docs/design.md#reconcile.
    """
    from behindy_ops.deploy import queue

    seconds = waiting(wait)
    with client(service, json=json) as this:
        this.confirm("Recover what an interrupted run left", yes=yes)
        with this.telling("recovery"):
            queue.recover(this.connect, this.services, wait=seconds, now=now)


@task(
    help={
        "on": "close it: visitors get 503 with a page",
        "off": "open it again",
        "page": "HTML file for visitors, which needs no other file (default: a short one of ours)",
    }
)
def maintenance(
    _: Context,
    service: str,
    on: bool = False,
    off: bool = False,
    page: str = "",
    wait: str = "",
    yes: bool = False,
    json: bool = False,
) -> None:
    """Close a service to visitors, or open it again.

    Visitors get 503, Retry-After and a page, programs get JSON. No container is
    touched and nginx is not reloaded; deploys and rehearsals go on.
    """
    from behindy_ops.deploy import maintenance as closing
    from behindy_ops.errors import Kind

    if on == off:
        raise Kind.USAGE("Say which: --on or --off.", remedy=f"For example: inv deploy.maintenance {service} --on")
    if off and page:
        raise Kind.USAGE("--page is what visitors see with --on.", remedy="Leave it out.")
    seconds = waiting(wait)
    content = closing.read_page(page)
    with client(service, json=json) as this:
        this.confirm(f"Close {service} to visitors" if on else f"Open {service} to visitors again", yes=yes)
        with this.connect() as session:
            if on:
                closing.close(session, this.services[0], content, wait=seconds)
            else:
                closing.open_again(session, this.services[0], wait=seconds)


def collection(service_names: Mapping[str, str]) -> Collection:
    """Return the ``deploy`` collection: a task for each service, and the tasks about all of them.

    Args:
        service_names: each one's key in the compose file, to its container's name, which it is known by as well.
    """
    made = Collection("deploy")
    made.__doc__ = __doc__
    for name, container in service_names.items():
        aliases = () if container == name else (container,)
        made.add_task(_deploy_task(name, f"Replace {name} without losing a request.\n\n{_ONE}", name, aliases=aliases))
    made.add_task(_deploy_task("all", f"Replace every service in turn; stop at the first failure.\n\n{_ALL}"))
    for each in (status, check, rollback, releases, history, recover, maintenance):
        made.add_task(each)
    return made
