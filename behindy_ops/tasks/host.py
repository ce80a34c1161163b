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
