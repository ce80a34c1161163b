"""A throwaway host in a container, to try, test and measure on."""

from __future__ import annotations

import sys

from invoke import Context, task

from behindy_ops.tasks.guard import guarded


def _say(line: str) -> None:
    print(line, flush=True)


@task(help={"nodes": "how many hosts; the further ones are for a swarm, on a network with the first (default: 1)"})
@guarded
def up(_: Context, nodes: int = 1) -> None:
    """Start a throwaway host in a container to deploy to.

    Writes .env.sandbox, so that BEHINDY_ENV=sandbox points any task at it.
    """
    from sandbox.host import lifecycle
    from sandbox.host.checkout import here

    info = lifecycle.up(_say, nodes)
    _say(f"Deploy to it with BEHINDY_ENV={here().settings_name}; look at it at {info.https} as {info.domain}")


@task
@guarded
def down(_: Context) -> None:
    """Remove the throwaway host and all that is on it."""
    from sandbox.host import lifecycle

    lifecycle.down(_say)


@task
@guarded
def reset(_: Context) -> None:
    """Remove the applications from the throwaway host.

    The next deploy is a first one then.
    """
    from sandbox.host import lifecycle

    lifecycle.reset(_say)


@task(help={"json": "print JSON instead of text"})
@guarded
def info(_: Context, json: bool = False) -> None:
    """Show how to reach the throwaway host.

    By SSH, HTTP and HTTPS, and its registry.
    """
    from sandbox.host import info as sandbox_info

    found = sandbox_info.load()
    print(sandbox_info.to_json(found) if json else sandbox_info.to_text(found), end="")


@task(
    positional=["service", "tag"],
    help={
        "service": "frontend, backend or llmserver",
        "tag": "the image's tag, and what its answers say in X-Release",
        "fault": "what is wrong with it: crash, never-ready, http-500, slow-boot, oom, outside-only, outside-late, "
        "missing-file, ignores-sigterm, dies-later or leaks (prints its environment and exits)",
        "boot-seconds": "how long it sleeps before it listens",
    },
)
@guarded
def release(_: Context, service: str, tag: str, fault: str = "", boot_seconds: float = 0.0) -> None:
    """Push a release of the sample app, with a fault if you like."""
    from sandbox.host import releases

    print(releases.release(service, tag, fault or None, boot_seconds=boot_seconds))


@task(help={"node": "which of several hosts, counted from 1"})
@guarded
def ssh(_: Context, node: int = 1) -> None:
    """Log in to the throwaway host, or run what follows --.

    Such as: ./inv sandbox.ssh -- docker ps
    """
    from sandbox.host import login

    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    login.replace_process(words, node)
