"""``host.*``: thin tasks that parse, call and print."""

from __future__ import annotations

import os
import sys

from invoke import Context, task

from behindy_ops.project.paths import CHECKOUT
from behindy_ops.tasks.ask import asker
from behindy_ops.tasks.guard import guarded
from behindy_ops.tasks.options import OptionalService

_YES = "do not ask; for scripts"
_WAIT = "how long to queue if the host is locked, such as 10m (default: not at all)"


@task(help={"fingerprint": "SHA256:... the key must have; for scripts, instead of the question"})
@guarded
def trust(_: Context, fingerprint: str = "") -> None:
    """Show the host's key and pin it after a yes."""
    from behindy_ops.errors import UsageError
    from behindy_ops.host import known_hosts as hostkeys
    from behindy_ops.project import settings
    from behindy_ops.provision import trust as trusting

    chosen = settings.load(os.environ, CHECKOUT, need_host=True)
    offer = trusting.look_up(chosen)
    key = trusting.choose(offer, fingerprint.strip())
    print(f"{offer.name} shows this key:\n  {key.get_name()} {hostkeys.fingerprint(key)}")
    if offer.known:
        print(f"It is pinned already in {chosen.known_hosts_file}.")
        return
    if not fingerprint:
        if not sys.stdin.isatty():
            raise UsageError(
                "There is no terminal to ask on.",
                state="Nothing was pinned.",
                remedy="Compare the fingerprint with the host's own, then: inv host.trust --fingerprint SHA256:...",
            )
        print("Compare it with the host's own: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on its console.")
        if input("Is it the same? [yes/no] ").strip().lower() != "yes":
            print("Nothing was pinned.")
            return
    trusting.pin(chosen, offer, key)
    print(f"Pinned in {chosen.known_hosts_file}.")


@task(help={"json": "print JSON instead of text"})
@guarded
def check(_: Context, json: bool = False) -> None:
    """Show whether the host is fit for deploys, and what cures what is missing."""
    from behindy_ops.provision.check_run import check_host

    if not check_host(json=json):
        from behindy_ops.errors import HostNotReady

        raise SystemExit(HostNotReady.exit_code)


@task(help={"yes": _YES, "wait": _WAIT})
@guarded
def setup(_: Context, yes: bool = False, wait: str = "") -> None:
    """Give the host what it lacks: Docker, swap, directories; asks first."""
    from behindy_ops import report
    from behindy_ops.deploy.run import duration_option
    from behindy_ops.provision.run import load_settings
    from behindy_ops.provision.setup_run import set_up

    emit = report.choose(False, sys.stdout, os.environ)
    set_up(load_settings(), emit, asker("host.setup", yes), wait=duration_option("wait", wait) or 0.0)


@task(help={"yes": _YES, "wait": _WAIT, "dry-run": "show the difference and try the files; change nothing"})
@guarded
def sync(_: Context, yes: bool = False, dry_run: bool = False, wait: str = "") -> None:
    """Put compose/ and nginx/ on the host: shown, tried, then all at once."""
    from behindy_ops import report
    from behindy_ops.deploy.run import duration_option
    from behindy_ops.provision.run import load_settings
    from behindy_ops.provision.sync import Sync

    emit = report.choose(False, sys.stdout, os.environ)
    waiting = duration_option("wait", wait) or 0.0
    run = Sync(load_settings(), CHECKOUT, emit, report.show_lines, asker("host.sync", yes), waiting)
    run.run(dry_run=dry_run)


@task(help={"yes": "do not ask before a container is replaced; for scripts", "wait": _WAIT})
@guarded
def up(_: Context, yes: bool = False, wait: str = "") -> None:
    """Run nginx, PostgreSQL and Redis as the host's compose file has them."""
    from behindy_ops import report
    from behindy_ops.deploy.run import duration_option
    from behindy_ops.provision.run import load_settings
    from behindy_ops.provision.up import bring_up

    emit = report.choose(False, sys.stdout, os.environ)
    bring_up(load_settings(), emit, asker("host.up", yes), wait=duration_option("wait", wait) or 0.0)


@task(
    help={"email": "for the account at Let's Encrypt, which warns of certificates that end", "yes": _YES, "wait": _WAIT}
    | {"dry-run": "say what would be done, and why; change nothing"}
)
@guarded
def certs(_: Context, email: str = "", yes: bool = False, dry_run: bool = False, wait: str = "") -> None:
    """Have a certificate by Let's Encrypt, or renew it; nothing if it is good."""
    from behindy_ops import report
    from behindy_ops.deploy.run import duration_option
    from behindy_ops.project.validate import check_email
    from behindy_ops.provision.certs_run import certify
    from behindy_ops.provision.run import load_settings

    if email and (wrong := check_email(email)):
        from behindy_ops.errors import UsageError

        raise UsageError(f"--email: {wrong}.")
    emit = report.choose(False, sys.stdout, os.environ)
    waiting = duration_option("wait", wait) or 0.0
    ask = asker("host.certs", yes)
    certify(load_settings(), CHECKOUT, emit, ask, email=email, dry_run=dry_run, wait=waiting)


@task(
    help={
        "file": "where the private key goes; its public half beside it, with .pub (default: deploy_key)",
        "comment": "what the key is called in authorized_keys (default: behindy-deploy)",
        "from": "addresses it may be used from, for authorized_keys (default: any)",
    }
)
@guarded
def keygen(_: Context, file: str = "deploy_key", comment: str = "behindy-deploy", from_: str = "") -> None:
    """Make a key for CI that can run commands, and nothing else."""
    from pathlib import Path

    from behindy_ops.provision import keygen as deploykey

    key = deploykey.make(Path(file).expanduser(), comment=comment, sources=from_)
    print(f"The private key is in {key.private_file} (0600), its public half in {key.public_file}:")
    print(f"\n{key.authorized}\n")
    print("1. On the host, as the deploy user, add that line to ~/.ssh/authorized_keys.")
    print(f"2. Keep the key as a secret:  gh secret set BEHINDY_SSH_KEY --env production < {key.private_file}")
    print(f"3. Remove it here:            rm {key.private_file}")
    print("It gets no terminal and no forwarding. But who may use Docker can become root: guard it like root's.")


@task(
    klass=OptionalService,
    positional=[],
    help={
        "service": "only this one",
        "yes": "do not ask, where it needs a moment of downtime",
        "wait": _WAIT,
        "json": "print JSON instead of text",
    },
)
@guarded
def adopt(_: Context, service: str = "", yes: bool = False, wait: str = "", json: bool = False) -> None:
    """Name what was started in another way, and take it over."""
    import json as json_

    from behindy_ops import report
    from behindy_ops.deploy.run import chosen_services, duration_option
    from behindy_ops.deploy.session import Session
    from behindy_ops.project import settings
    from behindy_ops.provision import adopt as adopting

    waiting = duration_option("wait", wait) or 0.0
    chosen = chosen_services(CHECKOUT, [service] if service else [])
    emit = (lambda _: None) if json else report.choose(False, sys.stdout, os.environ)
    with Session(settings.load(os.environ, CHECKOUT, need_host=True), chosen, emit, os.environ) as session:
        found = adopting.describe(session.look(), chosen)
        if json:
            print(json_.dumps(adopting.as_json(found), indent=2))
        else:
            report.show_lines(adopting.lines(found))
        if yes or not json:
            adopting.adopt(session, waiting, asker(f"host.adopt {service}".strip(), yes), found)
