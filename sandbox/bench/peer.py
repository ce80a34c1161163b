"""Deploys beside those of Kamal: the same application, registry, host and links, in turns, each under its own traffic.

Requests reach either proxy over a relay without delay, since the sandbox publishes no port for Kamal's.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.project.compose import ComposeFile
from sandbox.bench.bench import BOOT_SECONDS, deploy, far_link, phase, under_traffic
from sandbox.bench.kamal import HTTP_PORT, SERVICE, SERVICE_LABEL, Application, Kamal, find, offer_proxy, write_folder
from sandbox.bench.peer_report import RESULTS, Link, Peer, Turn, as_markdown, render
from sandbox.demo.progress import Progress
from sandbox.host import lifecycle, releases
from sandbox.host import shell as host
from sandbox.host.checkout import here
from sandbox.host.docker_cli import docker
from sandbox.host.host_files import USER
from sandbox.host.registry import Registry
from sandbox.pages.files import PEER, written
from sandbox.pages.peer import page as peer_page
from sandbox.traffic.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.bench.kamal import Programs
    from sandbox.host.info import SandboxInfo
    from sandbox.traffic.generator import TrafficResult

__all__ = ["Place", "Sides", "in_turns", "run_peer"]

_SERVICE = "frontend"
_MEMORY = "400m"
_COMMANDS = ("deploy", "redeploy")
# What is not there is no failure.
_REMOVE = r"""
service=$1
docker rm --force --volumes kamal-proxy $(docker ps --all --quiet --filter "label=service=$service")
docker rmi --force $(docker images --quiet --filter "label=service=$service") $(docker images --quiet '*/*/kamal-proxy')
docker network rm kamal
docker volume rm kamal-proxy-config
docker logout 127.0.0.1:5000
rm -rf "$HOME/.kamal"
true
"""


@dataclass(frozen=True)
class Place:
    """Where traffic goes; see ``sandbox.traffic.generator.Site``."""

    https: str
    ca_file: str
    domain: str


@dataclass(frozen=True)
class Sides:
    """The two proxies, and how many remote commands each of Kamal's commands takes."""

    ours: Place
    theirs: Place
    commands: Mapping[str, int]


def run_peer(count: int = 5) -> None:
    """Measure ``count`` deploys near and far beside Kamal's, print the table, write ``benchmarks/peer.md`` and a page.

    Raises:
        Kind.SANDBOX: Kamal or its proxy is missing, a deploy failed, or we lost a request.
    """
    programs = find()
    with Progress() as progress:
        progress.say(f"Bringing up the sandbox; beside Kamal {programs.version}")
        info = lifecycle.up(progress.say)
        lifecycle.reset(progress.say)
        _remove()
        try:
            peer = _measure(progress, info, programs, count)
        finally:
            _remove()
        Path(here().root, RESULTS).write_text(as_markdown(peer), encoding="utf-8")
        page = written(peer_page(peer), PEER)
        for line in ("", *render(peer), "", f"Written to {RESULTS}; as a page to look at: {page}"):
            progress.show(line)
        lost = sum(turn.lost for link in (peer.near, peer.far) for turn in link.ours)
        if lost:
            raise Kind.SANDBOX(f"We lost {lost} requests.", remedy="The sandbox is still up; look at it.")


def _measure(progress: Progress, info: SandboxInfo, programs: Programs, count: int) -> Peer:
    service = ComposeFile.read(here().compose_file).services()[_SERVICE]
    application = Application(f"behindy/behindy-{_SERVICE}", service.port, service.internal, info.domain, _MEMORY)
    proxy_tag = offer_proxy(Registry(info.registry), programs)
    with ExitStack() as until:

        def relayed(port: int, scheme: str) -> Place:
            relay = until.enter_context(Relay(_address(info), port, delay=0.0))
            return Place(f"{scheme}://127.0.0.1:{relay.port}", info.ca_file, info.domain)

        def kamal_over(link: SandboxInfo) -> Kamal:
            folder = Path(until.enter_context(tempfile.TemporaryDirectory(prefix="behindy-peer-")))
            write_folder(folder, link, application, proxy_tag)
            return Kamal(programs.kamal, folder, link.ssh.host)

        kamal = kamal_over(info)
        sides = Sides(relayed(443, "https"), relayed(HTTP_PORT, "http"), _first_deploys(progress, kamal))
        near = in_turns(progress, "near", count, sides, kamal, {})
        environ = until.enter_context(far_link(info))
        port, known = int(environ["BEHINDY_PORT"]), environ["BEHINDY_KNOWN_HOSTS_FILE"]
        kamal = kamal_over(replace(info, ssh=replace(info.ssh, port=port, known_hosts_file=known)))
        far = in_turns(progress, "far", count, sides, kamal, environ)
    return Peer(programs.version, near, far)


def _first_deploys(progress: Progress, kamal: Kamal) -> Mapping[str, int]:
    """Give both something to replace; return how many remote commands each of Kamal's commands takes from then on."""
    progress.say("Deploying by each once, which is not measured, and counting what Kamal does")
    releases.release(_SERVICE, "first", boot_seconds=BOOT_SECONDS)
    deploy("first", {})
    for tag in ("first-theirs", *_COMMANDS):
        releases.release(_SERVICE, tag, boot_seconds=BOOT_SECONDS, labels=SERVICE_LABEL)
    kamal.deploy("deploy", "first-theirs")
    return {command: kamal.commands(command, command) for command in _COMMANDS}


def in_turns(progress: Progress, name: str, count: int, sides: Sides, kamal: Kamal, environ: Mapping[str, str]) -> Link:
    """Deploy by us and by each of Kamal's commands, ``count`` times in turns."""
    turns: dict[str, list[Turn]] = {side: [] for side in ("ours", *_COMMANDS)}
    for number in range(1, count + 1):
        tag, before = f"{name}-{number}", phase(number, count)
        releases.release(_SERVICE, tag, boot_seconds=BOOT_SECONDS)
        turns["ours"].append(_turn(sides.ours, partial(_ours, tag, environ), before))
        for command in _COMMANDS:
            theirs = f"{tag}-{command}"
            releases.release(_SERVICE, theirs, boot_seconds=BOOT_SECONDS, labels=SERVICE_LABEL)
            act = partial(_theirs, kamal, command, theirs, sides.commands)
            turns[command].append(_turn(sides.theirs, act, before))
        times = ", ".join(f"{side} {measured[-1].seconds:.1f} s" for side, measured in turns.items())
        progress.say(f"{name}, round {number} of {count}: {times}")
    return Link(**{side: tuple(measured) for side, measured in turns.items()})


def _turn(site: Place, act: Callable[[], tuple[float, int]], before: float) -> Turn:
    results: list[TrafficResult] = []
    with under_traffic(site, results, before):
        seconds, commands = act()
    return Turn(seconds, commands, sent=results[0].sent, lost=results[0].lost, p99=results[0].p99)


def _ours(tag: str, environ: Mapping[str, str]) -> tuple[float, int]:
    run = deploy(tag, environ)
    return run.seconds, int(run.deploys[0].facts["remote_commands"])


def _theirs(kamal: Kamal, command: str, tag: str, commands: Mapping[str, int]) -> tuple[float, int]:
    return kamal.deploy(command, tag), commands[command]


def _address(info: SandboxInfo) -> str:
    """The host's own address, where what it publishes itself is to be found."""
    return docker(
        "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", info.container
    ).split()[0]


def _remove() -> None:
    """Remove whatever Kamal left on the host, also that of a run that was killed."""
    host.run(["bash", "-c", f"{{ {_REMOVE} }} >/dev/null 2>&1", "remove", SERVICE], user=USER)
