"""Set a host up and keep it up to date."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.tasks.ask import ask
from behindy_ops.tasks.client import Client, client, here
from behindy_ops.tasks.options import task, waiting
from behindy_ops.tasks.show import present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.project.services import Service


@task(help={"fingerprint": "SHA256:... the key must have; for scripts, instead of the question"})
def trust(_: Context, fingerprint: str = "") -> None:
    """Show the host's key and pin it after a yes.

    No other task adds a key.
    """
    from behindy_ops.host.known_hosts import fingerprint as fingerprint_of
    from behindy_ops.host.known_hosts import pin_to_file
    from behindy_ops.provision import trust as trusting

    settings = here().settings(os.environ)
    offer = trusting.look_up(settings, fingerprint.strip(), tell=lambda text: print(text, file=sys.stderr))
    key = trusting.choose(offer, fingerprint.strip())
    of = f" of {settings.environment}" if settings.environment else ""
    print(f"The host{of}, {offer.name}, shows this key:\n  {key.get_name()} {fingerprint_of(key)}")
    if offer.known:
        print(f"It is already pinned in {offer.file}.")
        return
    if not fingerprint:
        print("Compare it with the host's own: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on its console.")
        if not ask("Is it the same?", otherwise="Compare it, then: inv host.trust --fingerprint SHA256:..."):
            print(UNCHANGED)
            return
    pin_to_file(offer.file, offer.name, [key])
    print(f"Pinned in {offer.file}.")


@task()
def check(_: Context, json: bool = False) -> None:
    """Show whether the host is ready, and how to fix what is missing.

    Login, system, Docker, memory, swap, disk, clock, files. Exit code 30 when
    something a deploy needs is missing.
    """
    from behindy_ops.provision import check as checkup
    from behindy_ops.report.text import marks_for

    with client(services=False, quiet=True) as this, this.connect() as session:
        checks = checkup.check_host(session, this.reach, _declared(this))
    lines = checkup.as_lines(checks, this.settings.host, marks_for(sys.stdout.encoding))
    data, problem = checkup.as_json(checks, this.settings.host), checkup.problem(checks, this.settings.host)
    present(lines, data, problem, json=json, settings=this.settings, told=True)


def _declared(this: Client) -> list[Service]:
    """Return the services that the compose file declares; none where it cannot be read, which is no host's fault."""
    try:
        return this.project.services()
    except BehindyError:
        return []


@task(
    iterable=["join", "edge"],
    help={
        "swarm": "make it the first host of a swarm, or see to the one that it manages",
        "join": "with --swarm: a host that is to join, as user@host:port; may be repeated",
        "managers": "those that join become managers",
        "edge": "with --swarm: a node on which nginx is to answer too, as user@host:port; may be repeated",
        "advertise": "the host's address for the other nodes (default: where its way out begins)",
        "leave": "with --swarm: a node that is to leave, once what it runs is elsewhere",
        "no-swarm": "go back to one host",
    },
)
def setup(
    _: Context,
    swarm: bool = False,
    join: list[str] | None = None,
    managers: bool = False,
    edge: list[str] | None = None,
    advertise: str = "",
    leave: str = "",
    no_swarm: bool = False,
    yes: bool = False,
    wait: str = "",
) -> None:
    """Give the host what it lacks, such as Docker and swap; asks first.

    Docker Engine (whose containers outlive it), Compose, swap, log rotation,
    group, directories, security updates, a daily backup and the renewal of
    certificates: docs/host.md. With --swarm it makes the host the first of
    several, while it serves: docs/swarm.md.
    """
    from behindy_ops.provision.setup import set_up

    seconds = waiting(wait)
    modes = (swarm and not leave, swarm and bool(leave), no_swarm)
    if sum(modes) > 1 or ((join or managers or advertise or edge) and not modes[0]) or (leave and not swarm):
        raise Kind.USAGE(
            "These options of host.setup do not go together.",
            remedy="--swarm [--join HOST] [--managers] [--edge HOST] [--advertise ADDRESS], --swarm --leave NODE, or "
            "--no-swarm",
        )
    if leave:
        _leave(leave, yes=yes, seconds=seconds)
    elif swarm:
        _swarm(join or (), advertise, managers=managers, yes=yes, seconds=seconds)
        if edge:
            _edges(edge, yes=yes, seconds=seconds)
    if swarm:
        return
    if no_swarm:
        from behindy_ops.provision.swarm import dissolve

        with client(services=False) as this:
            dissolve(this.connect, this.asker("host.setup --no-swarm", yes), wait=seconds)
        return
    with client(services=False) as this:
        set_up(this.connect, this.asker("host.setup", yes), wait=seconds)


def _swarm(join: Sequence[str], advertise: str, *, managers: bool, yes: bool, seconds: float) -> None:
    from behindy_ops.host.nodes import joining_of
    from behindy_ops.provision.swarm import set_up

    joining = joining_of(join)
    with client(services=False) as this:
        asker = this.asker("host.setup --swarm", yes)
        set_up(this.connect, this.reach, asker, joining, advertise=advertise, managers=managers, wait=seconds)


def _edges(hosts: Sequence[str], *, yes: bool, seconds: float) -> None:
    from behindy_ops.host.nodes import joining_of
    from behindy_ops.provision import edges

    with client(services=False) as this:
        asker = this.asker("host.setup --swarm --edge", yes)
        edges.set_up(this.connect, this.reach, asker, joining_of(hosts), wait=seconds)


def _leave(node: str, *, yes: bool, seconds: float) -> None:
    from functools import partial

    from behindy_ops.deploy import goals
    from behindy_ops.deploy.queue import return_to
    from behindy_ops.provision.swarm import leave

    with client() as this:

        def respread(name: str) -> None:
            (service,) = (each for each in this.services if each.name == name)
            choose = partial(goals.restart, wait_drain=True)
            return_to(choose, this.connect, service, what="restart", wait=seconds)

        asker = this.asker("host.setup --swarm --leave", yes)
        leave(this.connect, this.reach, asker, node, respread, wait=seconds)


@task(help={"dry-run": "show the difference and try the files; change nothing"})
def sync(_: Context, yes: bool = False, dry_run: bool = False, wait: str = "") -> None:
    """Put compose/ and nginx/ on the host, shown and tried before.

    Shows the difference (to a host that has none, the names), tries the files
    there, asks, and switches with one rename; 3 versions are kept.
    """
    from behindy_ops import report
    from behindy_ops.provision import edges
    from behindy_ops.provision.sync import sync as synchronize

    seconds = waiting(wait)
    with client(services=False) as this:
        with this.connect() as session:
            synchronize(session, report.show_lines, this.asker("host.sync", yes), dry_run=dry_run, wait=seconds)
        if not dry_run:
            edges.refresh(this.connect, this.reach, wait=seconds)


@task(
    help={
        "write": "write the files; without it they are shown",
        "check": "end with 81 if they are not as declared",
        "force": "write over what was edited by hand, too",
    }
)
def nginx(_: Context, write: bool = False, check: bool = False, force: bool = False) -> None:
    """Make nginx/ from the routes in the compose file; shown first.

    Without --write it shows the difference and changes nothing: docs/nginx.md.
    """
    from behindy_ops import report
    from behindy_ops.provision import rendering

    project = here()
    found = rendering.written(project)
    if not found.stale:
        print("nginx/ is as the compose file declares; nothing to do.")
        return
    report.show_lines(found.lines())
    if check:
        raise Kind.FILES_REFUSED("nginx/ is not as the compose file declares.", remedy="inv host.nginx --write")
    if not write:
        print(f"{UNCHANGED} To write them: inv host.nginx --write")
        return
    changed = rendering.write(project, found, force=force)
    print(f"Written: {', '.join(changed)}. To put them on the host: inv host.sync")


@task(
    help={"service": "only this one of the compose file, such as nginx"}
    | {"yes": "do not ask before replacing a container; for scripts"}
)
def up(_: Context, service: str = "", yes: bool = False, wait: str = "") -> None:
    """Run nginx, PostgreSQL and Redis as the compose file has them.

    Or one of them. Waits until they are healthy, and asks before it replaces one,
    which is a moment of downtime.
    """
    from behindy_ops.provision.up import bring_up

    seconds = waiting(wait)
    with client(services=False) as this:
        this.confirm("Bring up what is not as the compose file has it", yes=yes)
        with this.connect() as session:
            bring_up(session, this.asker(f"host.up {service}".strip(), yes), only=service, wait=seconds)


@task(
    help={"email": "for the account at Let's Encrypt, which warns of expiring certificates"}
    | {"dry-run": "say what would be done, and why; change nothing"}
)
def certs(_: Context, email: str = "", yes: bool = False, dry_run: bool = False, wait: str = "") -> None:
    """Obtain or renew the Let's Encrypt certificate (no-op if valid).

    It renews one with fewer than 30 days left, and has nginx load it.
    """
    from behindy_ops.project.validate import check_email
    from behindy_ops.provision.certs import certify

    if email and (wrong := check_email(email)):
        raise Kind.USAGE(f"--email: {wrong}.")
    seconds = waiting(wait)
    with client(services=False) as this, this.connect() as session:
        certify(session, this.asker("host.certs", yes), email=email, dry_run=dry_run, wait=seconds)


@task(
    hostless=True,
    help={
        "file": "where the private key goes; its public half beside it, with .pub (default: deploy_key)",
        "comment": "what the key is called in authorized_keys (default: behindy-deploy)",
        "from": "addresses it may be used from, for authorized_keys (default: any)",
    },
)
def keygen(_: Context, file: str = "deploy_key", comment: str = "behindy-deploy", from_: str = "") -> None:
    """Create a key for CI that can run commands, and nothing else.

    No terminal and no forwarding. Prints its line for authorized_keys on the
    host.
    """
    from behindy_ops.provision.keygen import make

    private = Path(file).expanduser()
    line = make(private, comment=comment, sources=from_)
    print(f"The private key is in {private} (0600), its public half in {private}.pub:")
    print(f"\n{line}\n")
    print("1. On the host, as the deploy user, add that line to ~/.ssh/authorized_keys.")
    print(f"2. Keep the key as a secret:  gh secret set BEHINDY_SSH_KEY --env production < {private}")
    print(f"3. Remove it here:            rm {private}")
    print("It allows no terminal and no forwarding. But whoever may use Docker can become root: guard it like root's.")


@task(help={"yes": "do not ask, where it needs a moment of downtime"})
def adopt(_: Context, service: str = "", yes: bool = False, wait: str = "", json: bool = False) -> None:
    """Show what was started another way, and take it over.

    How each running service was started (Compose, docker run, this tool), its
    aliases, ports, restart policy, limit and networks: docs/adopting.md. With
    --json it changes something only with --yes.
    """
    from behindy_ops.provision import adopt as adopting
    from behindy_ops.report import show_lines

    seconds = waiting(wait)
    with client(service, json=json, quiet=json) as this, this.connect() as session:
        adoptees = adopting.describe(session.look(), session.services)
        if not json:
            show_lines(adopting.lines(adoptees))
        if yes or not json:
            command = f"host.adopt {service}".strip()
            adopting.adopt(session, adoptees, this.asker(command, yes), task=command, wait=seconds)
    if json:
        present([], adopting.as_json(adoptees), json=json, settings=this.settings)
