"""What the sandbox tests share: running tasks as a person would, and looking at the host from behind."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from sandbox.demo.deploys import sandbox_environment
from sandbox.host import shell as host
from tests.sandbox import forked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """A task that has ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def named(self, name: str) -> list[dict[str, Any]]:
        """The events of one name."""
        return [event for event in self.events if event["event"] == name]

    @property
    def facts(self) -> dict[str, str]:
        facts: dict[str, str] = self.named("deploy_finished")[-1]["facts"]
        return facts

    @property
    def said(self) -> str:
        return self.out + self.err

    def ok(self) -> Ran:
        assert self.code == 0, self.said
        return self


def environment(**changes: str) -> dict[str, str]:
    return sandbox_environment(os.environ, **changes)


def inv(*words: str, timeout: float = 180, cwd: Path = ROOT, env: dict[str, str] | None = None) -> Ran:
    """Run ``inv`` with these words against the sandbox, without a terminal and with nothing to read."""
    chosen = env or environment()
    if not forked.can_run(cwd, chosen):
        return inv_anew(*words, timeout=timeout, cwd=cwd, env=chosen)
    begun = time.monotonic()
    done = forked.run(words, chosen, timeout)
    return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)


def inv_anew(*words: str, timeout: float = 180, cwd: Path = ROOT, env: dict[str, str] | None = None) -> Ran:
    """As ``inv``, by a Python that has to start for it, as a person's does: where the seconds of that count."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=cwd,
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)


def deploy(service: str, tag: str, *words: str, watch: str = "0", **changes: str) -> Ran:
    """Deploy with JSON events, by default without the seconds of watching, and wait until the host has drained, too."""
    ran = deploy_alone(service, tag, *words, watch=watch, **changes)
    if ran.code == 0:
        all_drained()
    return ran


def deploy_alone(service: str, tag: str, *words: str, watch: str = "0", **changes: str) -> Ran:
    """As ``deploy``, but no longer than the task itself takes."""
    return inv(f"deploy.{service}", "--tag", tag, "--watch", watch, "--json", *words, env=environment(**changes))


def all_drained(timeout: float = 60) -> None:
    """Wait until the host drains nothing any more."""
    each = 'for lock in /var/tmp/behindy-ops/drain-*.lock; do [ ! -e "$lock" ] || flock -s "$lock" true; done'
    on_host("bash", "-c", each, user="ubuntu", timeout=timeout)


def put(name: str, value: str, *words: str) -> Ran:
    """``env.set`` with the value on standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "env.set", name, *words],
        cwd=ROOT, env=environment(), input=value.encode(), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode(), 0.0)


def on_host(*argv: str, user: str = "root", check: bool = True, timeout: float = 60, node: int = 1) -> str:
    """Run a command on the sandbox's host, or on a further node, past its sshd; return what it printed."""
    return host.run(argv, user=user, check=check, timeout=timeout, node=node).stdout.decode("utf-8", "replace").strip()


@contextlib.contextmanager
def command_lines(container: str) -> Iterator[list[str]]:
    """Look at what runs on the host, again and again while this lasts; then the list holds all that was seen."""
    look = "while :; do ps -eo args; read -rt 0.02; (($? > 128)) || exit 0; done | awk '!seen[$0]++'"
    argv = ["docker", "exec", "--interactive", container, "bash", "-c", look]
    seen: list[str] = []
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as looking:
        reader = threading.Thread(target=lambda: seen.extend(cast("IO[str]", looking.stdout)))
        reader.start()
        try:
            yield seen
        finally:
            cast("IO[str]", looking.stdin).close()
            reader.join(30)


def containers() -> dict[str, str]:
    """The containers of the three services by name, with their docker status word."""
    listed = on_host("docker", "ps", "-a", "--format", "{{.Names}} {{.State}}")
    found = dict(line.split() for line in listed.splitlines())
    return {name: state for name, state in found.items() if name.partition("-")[0] in SERVICES}


def live_tags() -> dict[str, str]:
    """Every container by name, with the tag its label tells (empty for others), by one docker command."""
    listed = on_host(
        "docker", "ps", "-a", "--format", '{{.Names}}={{if eq .State "running"}}{{.Label "behindy.tag"}}{{end}}'
    )
    return dict(line.split("=", 1) for line in listed.splitlines())


def live_images() -> dict[str, str]:
    """Every container by name, with the repository and tag its labels tell (a colon alone for others)."""
    labels = '{{.Label "behindy.repository"}}:{{.Label "behindy.tag"}}'
    listed = on_host(
        "docker", "ps", "-a", "--format", f'{{{{.Names}}}}={{{{if eq .State "running"}}}}{labels}{{{{end}}}}'
    )
    return dict(line.split("=", 1) for line in listed.splitlines())


def live_addresses() -> dict[str, str]:
    """Where each live container is; empty for one that runs on no network."""
    template = "{{.Name}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    found = on_host("sh", "-c", f"docker inspect -f '{template}' {' '.join(SERVICES)} 2>/dev/null; true")
    return {line.split()[0].strip("/"): line.partition(" ")[2] for line in found.splitlines()}


SERVICES = ("llmserver", "backend", "frontend")
PUBLIC = {"llmserver": "/api/ai-stories/health", "backend": "/api/actuator/health", "frontend": "/"}
"""Where the world asks each service."""


def unwell() -> dict[str, str]:
    """The services that do not answer well through the public URL, with what the host got instead."""
    asks = " & ".join(
        f"(echo {service} $(curl -sk -m 8 -w ' %{{http_code}}' https://behindy.me{path} | tail -c 300))"
        for service, path in PUBLIC.items()
    )
    said = dict(line.split(" ", 1) for line in on_host("sh", "-c", f"{asks} & wait").splitlines())
    return {service: answer for service, answer in said.items() if answer.split()[-1] != "200"}


INFRASTRUCTURE = ("nginx", "postgres", "redis")


def lame() -> list[str]:
    """What of nginx, the database and the cache does not run well, or is on no network."""
    template = (
        "{{.Name}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{end}} "
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    )
    found = on_host("sh", "-c", f"docker inspect -f '{template}' {' '.join(INFRASTRUCTURE)} 2>&1; true")
    words = {line.split()[0].strip("/"): line.split()[1:] for line in found.splitlines() if line.startswith("/")}
    return [
        f"{name}: {' '.join(words.get(name, ['missing']))}"
        for name in INFRASTRUCTURE
        if words.get(name, [])[:2] != ["running", "healthy"] or len(words[name]) < 3
    ]


def ensure_infrastructure() -> None:
    """Have nginx, the database and the cache as they should be, whatever an earlier test has left.

    An engine that went down hard may start a container again without its network (seen with Docker 26.1.5), and a
    backend without its database is waited for, for minutes.
    """
    with contextlib.suppress(AssertionError):
        wait_for(lambda: not lame(), 30, "that nginx, the database and the cache run")
    if found := lame():
        print(f"made again, for what an earlier test has left: {'; '.join(found)}")  # noqa: T201
        remake_infrastructure()


def remake_infrastructure() -> None:
    for words in ("down", "up -d --wait"):
        line = f"cd behindy-ops/compose && docker compose {words} 2>&1"
        on_host("su", "-", "ubuntu", "-c", line, check=words != "down", timeout=120)


def live_release(service: str) -> str:
    """The tag of the live release, by the container's own label."""
    return on_host("docker", "inspect", "--format", '{{index .Config.Labels "behindy.tag"}}', service)


def wait_for(condition: Callable[[], bool], timeout: float = 30, what: str = "the condition") -> None:
    """Wait until a condition holds, looking ten times a second."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout:g} s"
        time.sleep(0.1)
