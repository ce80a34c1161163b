"""``host.*``: thin tasks that parse, call and print."""

from __future__ import annotations

import os
import sys

from invoke import Context, task

from behindy_ops.checkout import CHECKOUT
from behindy_ops.tasks._run import guarded


@task(help={"fingerprint": "SHA256:... the key must have; for scripts, instead of the question"})
@guarded
def trust(_: Context, fingerprint: str = "") -> None:
    """Show the host's key and pin it after a yes."""
    from behindy_ops import settings
    from behindy_ops.errors import UsageError
    from behindy_ops.remote import hostkeys
    from behindy_ops.remote import trust as trusting

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

    from behindy_ops import deploykey

    key = deploykey.make(Path(file).expanduser(), comment=comment, sources=from_)
    print(f"The private key is in {key.private_file} (0600), its public half in {key.public_file}:")
    print(f"\n{key.authorized}\n")
    print("1. On the host, as the deploy user, add that line to ~/.ssh/authorized_keys.")
    print(f"2. Keep the key as a secret:  gh secret set BEHINDY_SSH_KEY --env production < {key.private_file}")
    print(f"3. Remove it here:            rm {key.private_file}")
    print("It gets no terminal and no forwarding. But who may use Docker can become root: guard it like root's.")
