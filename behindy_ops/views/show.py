"""What the tasks call: open a session, look once, describe, and hand back lines and data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from behindy_ops.checks import preflight
from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.facts.survey import NETWORK, NGINX
from behindy_ops.host.command import Command, script
from behindy_ops.report.text import Line, Tone
from behindy_ops.views import certs, disk, disk_view, env, memory_view, network, nginx, prune, stats
from behindy_ops.views import mem as memory
from behindy_ops.views import ps as containers
from behindy_ops.views.look import Shown, beside, look, look_twice, require_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from behindy_ops.host.session import Session
    from behindy_ops.project.services import Service
    from behindy_ops.views.look import Seen, beside

__all__ = [
    "fix_network",
    "prune_images",
    "reload_nginx",
    "show_certs",
    "show_disk",
    "show_env",
    "show_memory",
    "show_network",
    "show_nginx",
    "show_ps",
    "show_stats",
]

DISK = "containers releases machine"
"""Parts of the survey that say which images stay; the images themselves are in what Docker says it keeps."""

APART = 0.5
"""Seconds between the two readings that processor time is told from."""


def show_env(session: Session, name: str) -> Shown:
    """Where a service's environment comes from; no value of it."""
    seen = look(session, "env", session.settings.host_dir, name, survey_parts="containers environment configured")
    view = env.describe(seen, name)
    return Shown(env.lines(view), {"view": "env", **asdict(view)})


def show_certs(session: Session) -> Shown:
    """How long the certificates last."""
    domain = session.settings.domain
    seen = look(session, "certs", NGINX, domain)
    require_docker(seen, "address")
    view = certs.describe(seen, domain)
    return Shown(certs.lines(view), {"view": "certs", **asdict(view)})


def show_memory(session: Session) -> Shown:
    """Who holds the host's memory, and what still fits."""
    return _view("mem", "containers stanzas machine", memory.describe, memory_view.lines, session)


def show_network(session: Session) -> Shown:
    """Who is on the services' network, and who should be."""
    return _view("network", "containers networks", network.describe, network.lines, session, NETWORK)


def fix_network(session: Session, *, wait: float) -> Shown:
    """Connect who should be on the network and is not.

    :param wait: seconds to queue for the lock.
    :raises LockHeld: somebody else is changing the host.
    :raises RemoteCommandFailed: somebody could not be connected.
    """
    before = network.judge(
        session.lock("connecting containers (ops.network --fix)", wait=wait), session.services, beside(session)
    )
    command = network.command(before)
    if command is not None:
        session.host.run(command).require(
            state="Whoever could be connected is.", remedy="See who is missing: inv ops.network"
        )
    seen = look(session, "network", NETWORK, survey_parts="containers networks")
    view = network.describe(seen, session.services)
    connected = [one.name for one in before.absent if one.exists] if command else []
    told = [Line(f"connected  {name}", Tone.GOOD) for name in connected] or [Line("Nobody had to be connected.")]
    data = {"view": "network", **asdict(view), "connected": connected}
    return Shown([*told, Line(""), *network.lines(view)], data)


def show_nginx(session: Session) -> Shown:
    """How nginx is, and what it reaches."""
    return _nginx(session)


def reload_nginx(session: Session, *, wait: float) -> Shown:
    """Test nginx's configuration, reload it, and show how it is then.

    :param wait: seconds to queue for the lock.
    :raises Kind.NGINX_NOT_READY: it does not run, or its configuration is not valid; then it was not reloaded.
    """
    survey = session.lock("reloading nginx (ops.nginx --reload)", wait=wait)
    if problem := preflight.docker_problem(survey):
        raise problem
    command = Command(script("ops/reload", NGINX), title="reload nginx", timeout=60, changes=True)
    session.host.run(command).require()
    shown = _nginx(session)
    return Shown([Line("Reloaded.", Tone.GOOD), Line(""), *shown.lines], shown.data | {"reloaded": True})


def _nginx(session: Session) -> Shown:
    domain = session.settings.domain
    seen = look(
        session, "nginx", NGINX, domain, nginx.services_text(session.services), survey_parts="containers nginx_"
    )
    view = nginx.describe(seen, session.services, domain)
    return Shown(nginx.lines(view), {"view": "nginx", **asdict(view), "reloaded": False})


def show_disk(session: Session) -> Shown:
    """What takes the disk, which images stay and why."""
    seen = look(session, "disk", survey_parts=DISK)
    view = disk.describe(seen, session.services, session.settings.image_prefix)
    return Shown(disk_view.lines(view), {"view": "disk", **asdict(view)})


def prune_images(session: Session, *, dry_run: bool, wait: float) -> Shown:
    """Remove what no container has and no rollback needs, or tell what that is.

    :param wait: seconds to queue for the lock.
    :raises LockHeld: somebody else is changing the host.
    """
    if not dry_run:
        session.lock("removing old images (ops.prune)", wait=wait)
    plan, done = (_prune_plan(session), None) if dry_run else prune_now(session)
    if done is None:
        data = {"view": "prune", "dry_run": dry_run, "plan": asdict(plan), "done": None}
        return Shown(prune.plan_lines(plan), data)
    removed = {"view": "prune", "dry_run": False, "plan": asdict(plan), "done": asdict(done)}
    return Shown(prune.pruned_lines(done), removed, _not_all(done) if done.kept else None)


def prune_now(session: Session) -> tuple[prune.PrunePlan, prune.Pruned | None]:
    """Remove what no rollback needs; the lock is held. What was done is None if there was nothing to do."""
    plan = _prune_plan(session)
    if not (plan.references or plan.cache):
        return plan, None
    return plan, prune.pruned(session.host.run(prune.command(plan)).require().reply())


def _prune_plan(session: Session) -> prune.PrunePlan:
    seen = look(session, "disk", survey_parts=DISK)
    require_docker(seen)
    prefix = session.settings.image_prefix
    view = disk.describe(seen, session.services, prefix)
    return prune.plan(disk.with_images(seen.survey, disk.usage_of(seen)), session.services, prefix, view)


def _not_all(done: prune.Pruned) -> RemoteCommandFailed:
    return RemoteCommandFailed(
        f"Docker kept {len(done.kept)} that were to go.",
        state="What is listed as removed is gone; everything else is as it was.",
        remedy="Its reason stands behind each name. See again: inv ops.disk",
        lines=done.kept,
    )


def show_ps(session: Session) -> Shown:
    """How every container is."""
    return _view("ps", "containers machine", containers.describe, containers.lines, session)


def show_stats(session: Session) -> Shown:
    """What each container takes of the processors, memory, network and disk."""
    before, now = look_twice(session, "frames", "2", f"{APART:g}")
    require_docker(now, "containers")
    view = stats.describe(stats.frame(before), stats.frame(now))
    return Shown(stats.lines(view), {"view": "stats", **asdict(view)})


def _view(
    script: str,
    survey_parts: str,
    describe: Callable[[Seen, Sequence[Service]], Any],
    lines: Callable[[Any], list[Line]],
    session: Session,
    *arguments: str,
) -> Shown:
    seen = look(session, script, *arguments, survey_parts=survey_parts)
    view = describe(seen, session.services)
    return Shown(lines(view), {"view": script, **asdict(view)})
