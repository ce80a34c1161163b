"""What each script of ``behindy_ops/host/scripts`` does, retold in small steps; nothing else is prepared."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from behindy_ops.facts.release import Labels
from tests.simulator.docker import Box, DockerError
from tests.simulator.survey import container_line, image_line, stats_line, survey
from tests.simulator.world import Body, Drain, Process, ReleaseDir, Wait, World

if TYPE_CHECKING:
    from behindy_ops.host.command import Command

__all__ = ["body_of", "each_of", "fenced", "lease", "name_of"]

T = TypeVar("T")

PROJECTS = ("behindy-ops", "shop")
"""Compose's names of those that share the host."""


def call(world: World, operation: Callable[[], T]) -> Generator[Wait | None, None, T]:
    """One call to dockerd: it may be done, and yet the answer may never come."""
    yield None
    world.engine.require_up()
    epoch = world.engine.epoch
    result = operation()
    yield None
    if world.engine.epoch != epoch:
        raise DockerError("error during connect: EOF")
    return result


def ask(world: World, operation: Callable[[], T]) -> Generator[Wait | None, None, T]:
    """A question to dockerd, which changes nothing."""
    yield None
    world.engine.require_up()
    return operation()


def lasting(world: World, seconds: float) -> Wait:
    return Wait(world.now + seconds)


def _milliseconds(world: World) -> int:
    return int(world.uptime * 1000)


def _moment(world: World, uptime: str, limit: float) -> float:
    """When the host's uptime, in ms, will be that; at most so many seconds from now."""
    if uptime.startswith("+"):
        return min(world.now + int(uptime) / 1000, world.now + limit)
    return min(world.booted + int(uptime) / 1000, world.now + limit)


def _engine_back(world: World) -> Wait:
    return Wait(world.now + 60, lambda: world.engine.up)


def pull(world: World, me: Process, image: str, registry: str, user: str, template: str) -> Body:
    assert "{{json .RepoDigests}}" in template
    if user and (world.registry_refuses or not me.stdin):
        me.err.append(f"Error response from daemon: Get {registry}: unauthorized")
        return 41
    yield lasting(world, 1.0)
    try:
        stored = yield from call(world, partial(world.engine.pull, image))
    except DockerError as error:
        me.err.append(str(error))
        return 67
    me.echo("Status: Downloaded newer image")
    me.echo(f"image {image_line(stored)}")
    return 0


def manifests(world: World, me: Process, registry: str, user: str, *references: str) -> Body:
    assert registry or not user
    for reference in references:
        stored = world.engine.registry.get(reference)
        me.echo(f"manifest {reference}")
        if stored is not None:
            me.echo(json.dumps({"OCIManifest": {"config": {"digest": stored.id}, "layers": []}}))
        me.echo(f"ended {int(stored is None)} {'' if stored else 'manifest unknown'}")
    yield lasting(world, 0.3)
    me.echo("arch amd64")
    return 0


def layers(world: World, me: Process, first: str) -> Body:
    yield lasting(world, 0.1)
    try:
        images = yield from ask(world, lambda: list(world.engine.images.values()))
    except DockerError as error:
        me.err.append(str(error))
        return 82
    for image in images:
        if image.layers[:1] == (first,):
            me.echo(f"layers {' '.join(image.layers)} | {' '.join(image.tags)} ")
    return 0


def load(world: World, me: Process, state: str, reference: str, template: str) -> Body:
    """What its client does not send any more ends it, or else the lease's end."""
    assert state == "behindy-ops/state"
    assert "{{json .RepoDigests}}" in template
    held = world.lock_json
    for _ in range(4):
        yield lasting(world, 0.3)
        if me.fed() == "stalled":
            yield Wait(condition=lambda: me.fed() != "stalled" or world.lock_json != held)
        if me.fed() == "cut" or world.lock_json != held:
            me.err.append("unexpected EOF")
            return 1
    try:
        yield from call(world, partial(world.engine.load, me.feed))
        stored = yield from ask(world, partial(world.engine.stored, reference))
    except DockerError as error:
        me.err.append(str(error))
        return 1
    me.echo(f"image {image_line(stored)}")
    return 0


def _keep_release(
    world: World, me: Process, service: str, release: str, files_of: str
) -> Generator[Wait | None, None, dict[str, Any]]:
    begun, description, override = me.stdin.split("\n", 2)
    services: dict[str, dict[str, Any]] = json.loads(override)["services"]
    ((key, stanza),) = services.items()
    yield None
    if (service, release) in world.dirs:
        return stanza
    owner, _, earlier = files_of.partition("/")
    config = world.dirs[owner, earlier].config if files_of else world.config[key]
    world.dirs[service, release] = ReleaseDir(description, "candidate", config)  # they get their name together
    yield None
    world.history.append(begun)
    yield None
    return stanza


def once(
    world: World, me: Process, root: str, service: str, release: str, network: str, files_of: str,
    project: str, nginx: str, what: str,
    limit: str, grace: str, *words: str,
) -> Body:  # fmt: skip
    assert (root, network, files_of) == ("behindy-ops", "behindy-ops_internal", "")
    assert (project in PROJECTS, nginx) == (True, "nginx")
    assert grace.isdigit()
    assert words
    stanza = yield from _keep_release(world, me, service, release, files_of)
    engine = world.engine
    try:
        image = yield from ask(world, partial(engine.stored, stanza["image"]))
        yield lasting(world, 0.5)
        labels = stanza["labels"] | {Labels.once: what}
        seconds, code = image.behaviour.once
        box = yield from call(
            world, partial(engine.run_once, f"{service}-{what}", image, labels, min(seconds, int(limit)), code)
        )
    except DockerError as error:
        me.err.append(str(error))
        return 1
    me.echo(f"started {box.id}")
    return 0


def attend(world: World, me: Process, container: str, template: str, always: str) -> Body:
    assert "{{json .State.FinishedAt}}" in template
    try:
        box = yield from ask(world, partial(world.engine.find, container))
        me.echo("log migrating")
        yield Wait(condition=lambda: not box.running)
    except DockerError:
        pass  # no verdict
    yield from _show_state(world, me, container)
    try:
        box = yield from ask(world, partial(world.engine.find, container))
        if not box.running and (box.exit_code == 0 or always):
            yield from call(world, partial(world.engine.remove, container))
    except DockerError as error:
        me.err.append(str(error))
    return 0


def start_green(
    world: World,
    me: Process,
    root: str,
    service: str,
    release: str,
    network: str,
    template: str,
    files_of: str,
    project: str,
    nginx: str,
    idle: str = "",
) -> Body:
    assert (root, network, project in PROJECTS, nginx) == ("behindy-ops", "behindy-ops_internal", True, "nginx")
    assert "Aliases" not in template
    stanza = yield from _keep_release(world, me, service, release, files_of)
    engine, green = world.engine, f"{service}-green"
    try:
        image = yield from ask(world, partial(engine.stored, stanza["image"]))
        yield lasting(world, 0.5)
        aliases = {service, green}
        yield from call(world, partial(engine.create, stanza["container_name"], image, stanza["labels"], aliases))
        yield from call(world, partial(engine.disconnect, green))
        yield from call(world, partial(engine.connect, green))
        policy = (yield from ask(world, partial(engine.find, green))).policy
        yield from call(world, partial(engine.update, green, "no"))
        if not idle:
            yield from call(world, partial(engine.start, green))
        box = yield from ask(world, partial(engine.find, green))
    except DockerError as error:
        me.err.append(str(error))
        return 1
    me.echo(f"policy {policy}")
    me.echo(f"state {container_line(box)}")
    return 0


def schedule(world: World, me: Process, name: str, programs: str) -> Body:
    assert programs == "/usr/local/lib/behindy-ops"
    yield lasting(world, 0.2)
    wanted = {line.split()[0]: base64.b64decode(line.split()[1]).decode() for line in me.stdin.splitlines()}
    if world.timers.get(name, {}) != wanted:
        if world.no_root:
            me.err.append("sudo: a password is required")
            return 1
        world.timers[name] = wanted
        me.echo("placed")
    return 0


def assets(
    world: World, me: Process, root: str, service: str, source: str, at: str, most: str, *releases: str
) -> Body:  # fmt: skip
    declared = world.services[service].assets
    assert declared is not None
    assert (root, source, at, int(most)) == ("behindy-ops", declared.source, declared.at, declared.most)
    for container, release in zip(releases[::2], releases[1::2], strict=True):
        if (service, release) in world.static_files:
            continue
        try:
            yield from ask(world, partial(world.engine.find, container))
        except DockerError as error:
            me.echo(f"missing {release} {error}")
            continue
        yield lasting(world, 0.3)
        world.static_files.add((service, release))
        me.echo(f"kept {release} 3 4096")
    return 0


def _write_status(keep: ReleaseDir, status: str) -> Generator[Wait | None, None, None]:
    yield None
    keep.status = status
    yield None


def _show_state(world: World, me: Process, key: str) -> Generator[Wait | None, None, None]:
    yield _engine_back(world)
    try:
        line = container_line((yield from ask(world, partial(world.engine.find, key))))
    except DockerError as error:
        line = "none" if "No such container" in str(error) else "unknown"
    me.echo(f"state {line}")


def look_inside(
    world: World, me: Process, nginx: str, green: str, url: str, window: str, pause: str, template: str,
    expected: str = "", body: str = "",
) -> Body:  # fmt: skip
    assert (nginx, url.split("/")[2].partition(":")[0]) == ("nginx", green)
    assert template
    box = world.engine.named(green)
    end, epoch = world.now + float(window), world.engine.epoch
    code, lacking = 0, ""
    while box is not None and box.running and epoch == world.engine.epoch:
        code, curl = world.ask_inside(box)
        lacking = _lacking(box, code, expected, body)
        me.echo(f"look {code:03d} {curl}{lacking}")
        soon = world.now + float(pause)
        if (_well(code, expected) and not lacking) or soon > end:
            break
        # To look every 0.2 s at what cannot have changed would only take the test's time.
        later = min(end, box.ready) if world.now < box.ready else end
        yield Wait(max(soon, later), partial(_stopped, box))
    yield Wait(end if box is not None and box.health == "starting" else world.now, partial(_checked, box))
    yield from _show_state(world, me, green)
    if box is not None and box.running and _well(code, expected) and not lacking:
        me.echo("ok")
    return 0


def look_running(world: World, me: Process, container: str, steady: str, most: str, template: str) -> Body:
    assert template
    box = world.engine.boxes.get(container)
    epoch, health = world.engine.epoch, box.health if box is not None else ""
    until = world.now + (float(most) if health == "starting" else 0.0 if health else float(steady))

    def over() -> bool:
        return box is None or _stopped(box) or epoch != world.engine.epoch or box.health != health

    yield Wait(until, over)
    yield from _show_state(world, me, container)
    return 0


def _well(code: int, expected: str) -> bool:
    return f" {code} " in expected if expected else 200 <= code < 400


def _lacking(box: Box | None, code: int, expected: str, body: str) -> str:
    """What a look says behind an answer that is well but for its body."""
    there = box is not None and body in box.image.behaviour.says
    return "" if there or not body or not _well(code, expected) else " lacking"


def _time_after_engine(world: World, me: Process) -> Generator[Wait | None, None, float]:
    """What a look from outside gets, in seconds, once an engine that was away is back."""
    if world.engine.up:
        return 0.0
    begun = world.now
    yield _engine_back(world)
    if world.now - begun < 60:
        return 30.0
    me.echo("unknown")
    return 0.0


def _given(words: tuple[str, ...]) -> dict[str, str]:
    """What stands before the URLs."""
    given = dict(word.partition("=")[::2] for word in words if not word.startswith("https:"))
    assert given.keys() <= {"mine", "status", "body", "token", "replica", "of"}
    assert given.get("of", "x-green").endswith("-green")
    return given


def look_outside(
    world: World, me: Process, header: str, window: str, pause: str, settled: str, nginx: str, name: str, inside: str,
    *urls: str,
) -> Body:  # fmt: skip
    assert nginx == "nginx"
    given = _given(urls)
    mine, urls = given.get("mine", "").split(), tuple(word for word in urls if word.startswith("https:"))
    expect, replica = (given.get("status", ""), given.get("body", "")), given.get("replica", "") if header else ""
    if "token" in given:
        assert given["token"] == "behindy-ops/rehearsal/header"
        assert not header
    rehearsal = bool(header) and not mine
    assert header in ("", "behindy-ops/rehearsal/header")
    assert world.rehearsals or not rehearsal
    settled_at = _moment(world, settled, float(window))
    end = world.now + float(window)
    if end < settled_at:
        end = settled_at + 1
    waited = False
    while True:
        good = yield from _looks(world, me, urls, mine, expect, rehearsal=rehearsal, replica=replica)
        if good and (good == "met" or world.now >= settled_at):
            if name:
                assert inside.startswith(f"http://{name}:")
                yield from _whose(world, me, name)
            candidate = world.engine.at(world.answered_by) if rehearsal else None
            for file in candidate.image.behaviour.lacks if candidate else ():
                me.echo(f"missing {file}")
            me.echo("ok")
            return 0
        if world.now >= end:
            more = 0.0 if waited else (yield from _time_after_engine(world, me))
            if not more:
                return 0
            waited, end = True, world.now + more
        yield lasting(world, max(float(pause), 0.5))


def _looks(
    world: World,
    me: Process,
    urls: tuple[str, ...],
    mine: list[str],
    expect: tuple[str, str],
    *,
    rehearsal: bool,
    replica: str,
) -> Generator[Wait | None, None, str]:
    """Ask every URL: empty if one is not well, ``met`` if nginx says that one of ``mine`` answered."""
    found = "well"
    for url in urls:
        yield None
        code, curl, asked = world.ask_outside("/" + url.split("/", 3)[3], rehearsal=rehearsal, replica=replica)
        lacking = _lacking(world.engine.at(world.answered_by), code, *expect)
        me.echo(f"look {code:03d} {curl} {asked}{lacking}")
        if world.rehearsals and world.answered_by in mine:
            found = "met"
        if lacking or not _well(code, expect[0]):
            return ""
    return found


def _whose(world: World, me: Process, name: str) -> Generator[Wait | None, None, None]:
    me.echo(f"address {getattr(world.engine.named(name), 'address', '')}")
    yield None
    live = next(iter(world.engine.resolve(name)), None)
    code, curl = world.ask_inside(live) if live is not None else (0, 6)
    me.echo(f"inside {code:03d} {curl}")
    me.echo("names " + " ".join(sorted(box.address for box in world.engine.resolve(name))))


def swap(
    world: World, me: Process, first: str, first_new: str, first_old: str, second: str, second_new: str, policy: str,
    nginx: str, name: str,
) -> Body:  # fmt: skip
    engine = world.engine
    if policy:
        try:
            yield from call(world, partial(engine.update, second, policy))
        except DockerError as error:
            me.err.append(str(error))
            me.echo("undone")
            return 84
    try:
        if first:
            yield from call(world, partial(engine.rename, first, first_new))
        yield from call(world, partial(engine.rename, second, second_new))
    except DockerError as error:
        me.err.append(str(error))
        return (yield from _undo_swap(world, me, first, first_new, first_old, second, second_new))
    moment = _milliseconds(world)
    if nginx:
        yield lasting(world, 0.05)
        with suppress(DockerError):
            world.lead(name, engine.find(second) if second_new == name else None)
    me.echo(f"switched {moment}")
    return 0


def _undo_swap(
    world: World, me: Process, first: str, first_new: str, first_old: str, second: str, second_new: str
) -> Body:
    engine = world.engine
    try:
        yield _engine_back(world)
        if (yield from ask(world, partial(engine.find, second))).name == second_new:
            me.echo(f"switched {_milliseconds(world)}")
            return 0
        if first and (yield from ask(world, partial(engine.find, first))).name == first_new:
            yield from call(world, partial(engine.rename, first, first_old))
    except DockerError as error:
        me.err.append(str(error))
        me.echo("stuck")
        return 85
    me.echo("undone")
    return 84


def follow(world: World, me: Process, nginx: str, network: str, name: str, container: str) -> Body:
    assert (nginx, network) == ("nginx", "behindy-ops_internal")
    yield lasting(world, 0.2)
    if world.reload_fails:
        me.err.append("nginx: [emerg] host not found")
        return 63
    try:
        world.stale[name] = yield from ask(world, partial(world.engine.find, container))
    except DockerError as error:
        me.err.append(str(error))
        return 1
    me.echo(f"switched {_milliseconds(world)}")
    return 0


def drain(world: World, me: Process, container: str, port: str, earliest: str, limit: str, looks: str) -> Body:
    assert port.isdigit()
    try:
        yield _engine_back(world)
        box = yield from ask(world, partial(world.engine.find, container))
    except DockerError as error:
        if "No such container" not in str(error):
            return 1
        me.echo("gone")
        return 0
    if not box.running:
        me.echo("gone")
        return 0
    begun = world.now
    if box.busy > begun:
        me.echo("open 1")
    no_sooner = _moment(world, earliest, float(limit))
    idle = max(no_sooner, max(begun, box.busy) + 0.1 * int(looks))
    cut = max(no_sooner, begun + int(limit))
    life = box.life

    def ended() -> bool:
        return not box.running or box.life != life

    yield Wait(min(idle, cut), ended)
    over = ended()  # what it looks at is gone; that is idle too, and not before its time
    yield Wait(max(world.now, no_sooner))
    if over or idle <= cut:
        me.echo(f"idle {int((world.now - begun) * 1000)}")
    else:
        me.echo("cut 1")
    return 0


def leave(
    world: World, me: Process, state: str, service: str, container: str, port: str, earliest: str, latest: str,
    limit: str, looks: str, grace: str, release: str, history: str, apart: str,
) -> Body:  # fmt: skip
    assert (state, history, apart) == ("behindy-ops/state", "behindy-ops/state/history.jsonl", "")
    if (known := world.draining.get(service)) is not None:
        assert known.container == container
        me.echo(f"until {known.until:.0f}")
        me.echo("open 0")
        return 0
    yield None
    ends = _moment(world, latest, float(limit))
    drainer = Process("drainer", stdin=me.stdin)
    world.draining[service] = Drain(container, release, ends)
    world.spawn(drainer, _drained(world, drainer, service, container, _moment(world, earliest, float(limit)), looks))
    me.echo(f"until {ends:.0f}")
    me.echo(f"open {world.connected(service)}")
    return 0


def _drained(world: World, me: Process, service: str, container: str, earliest: float, looks: str) -> Body:
    """What ``leave.sh`` leaves behind: no client's, under nobody's lease."""
    mine = world.draining[service]
    outcome, reason = "left", "Docker did not answer"
    try:
        yield _engine_back(world)
        box = yield from ask(world, partial(world.engine.find, container))
        idle = max(earliest, world.now, box.busy) + 0.1 * int(looks)
        yield Wait(max(earliest, min(idle, mine.until)), lambda: mine.word != "" and world.now >= earliest)
        yield Wait(world.now + 1, lambda: mine.word == "leave")
        reason = _left(world, mine, service, box)
        if not reason and (yield from stop_blue(world, me, container, "10")):
            reason = "Docker could not stop it"
        outcome = "left" if reason else "removed"
    except DockerError as error:
        if "No such container" in str(error):
            outcome, reason = "removed", "it was gone already"
    finally:
        if world.draining.get(service) is mine:
            del world.draining[service]
    line = me.stdin.strip().replace("@at@", datetime.fromtimestamp(world.now, UTC).isoformat())
    line = line.replace("@outcome@", outcome).replace("@reason@", reason or "it was idle")
    world.history.append(line.replace('"@seconds@"', "1.000"))
    return 0


def _left(world: World, mine: Drain, service: str, box: Box) -> str:
    """Why it is not stopped, or an empty string."""
    live = world.engine.named(service)
    if mine.word == "leave":
        return "a command has taken it over"
    if box.name != f"{service}-blue":
        return "it has another name"
    return "" if live is not None and live.status == "running" else "its successor does not run"


def await_(world: World, me: Process, state: str, service: str, word: str, limit: str) -> Body:
    assert state == "behindy-ops/state"
    yield None
    if (drain := world.draining.get(service)) is not None:
        drain.word = word or drain.word
        yield Wait(world.now + int(limit), lambda: service not in world.draining)
    return int(service in world.draining)


def together(world: World, me: Process, mark: str, *words: str) -> Body:
    """Each as a process of its own, which ends with this one's lease or not at all."""
    lines, begun = iter(me.stdin.splitlines()), []
    while words:
        argv, words = words[1 : 1 + int(words[0])], words[1 + int(words[0]) :]
        each = Process(argv[3].rpartition("/")[2], me.deadline, me.token, next(lines), changing=True)
        begun.append(each)
        world.spawn(each, SCRIPTS[each.name](world, each, *argv[4:]))
    yield Wait(condition=lambda: all(each.code is not None for each in begun))
    for each in begun:
        me.out += [f"{mark} {each.code}", *each.out, f"{mark} errors", *each.err]
    return 0


def in_turn(world: World, me: Process, mark: str, well: str, *words: str) -> Body:
    """One after the other, each as a process of its own, the second where the first ended well."""
    while words:
        argv, words = words[1 : 1 + int(words[0])], words[1 + int(words[0]) :]
        each = Process(argv[3].rpartition("/")[2], me.deadline, me.token, "", changing=me.changing)
        world.spawn(each, SCRIPTS[each.name](world, each, *argv[4:]))
        yield Wait(condition=partial(_ended, each))
        me.out += [f"{mark} {each.code}", *each.out, f"{mark} errors", *each.err]
        if each.code or (well and well not in each.out):
            break
        well = ""
    return 0


def watch(world: World, me: Process, container: str, until: str, template: str, limit: str) -> Body:
    assert template
    end = _moment(world, until, float(limit))
    try:
        box = yield from ask(world, partial(world.engine.find, container))
        life = box.life
        yield Wait(end, lambda: not box.running or box.life != life)
    except DockerError:
        pass  # no verdict
    yield from _show_state(world, me, container)
    return 0


def stop_blue(world: World, me: Process, container: str, grace: str, kept: str = "") -> Body:
    assert grace.isdigit()
    assert kept in ("", *(f"behindy-ops/state/releases/frontend-{number}/." for number in range(2, 10)))
    for operation in (world.engine.stop, world.engine.remove):
        try:
            yield from call(world, partial(operation, container))
            yield lasting(world, 0.2)
        except DockerError as error:
            if "No such container" not in str(error):
                me.err.append(str(error))
                return 1
    if kept:
        service = kept.split("/")[-2]
        world.dirs = {place: known for place, known in world.dirs.items() if place[0] != service}
    return 0


def _of_docker(operation: str, world: World, me: Process, *words: str) -> Body:
    """``docker start``, ``stop`` and ``restart``."""
    container = words[-1]
    engine = world.engine
    try:
        if operation != "start":
            yield from call(world, partial(engine.stop, container))
            yield lasting(world, 0.3)
        if operation != "stop":
            yield from call(world, partial(engine.start, container))
    except DockerError as error:
        me.err.append(str(error))
        return 1
    return 0


def discard(
    world: World, me: Process, container: str, template: str, lines: str, release: str, seen: str, grace: str = "0"
) -> Body:
    assert template
    assert lines == "100"
    yield from _show_state(world, me, container)
    me.echo("log the last words")
    keep = world.dirs.get(_release_key(release))
    if keep is not None:
        yield from _write_status(keep, "failed")
    if seen == "no":
        world.static_files.discard(_release_key(release))
    try:
        if grace != "0":
            yield lasting(world, 0.5)
            yield from call(world, partial(world.engine.stop, container))
        yield from call(world, partial(world.engine.remove, container))
    except DockerError as error:
        if "No such container" not in str(error):
            me.err.append(str(error))
            return 1
    return 0


def _release_key(path: str) -> tuple[str, str]:
    """``.../state/releases/<service>/<release>`` as a key."""
    parts = path.split("/")
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", "")


def tidy(world: World, me: Process, *references: str) -> Body:
    code = 0
    for reference in references:
        try:
            yield from call(world, partial(world.engine.untag, reference))
        except DockerError as error:
            if "No such image" not in str(error):
                me.err.append(str(error))
                code = 1
    return code


def verify(
    world: World, me: Process, container: str, template: str, release: str, history: str, rotate: str, judged: str,
    previous: str, back: str, most: str, replaced: str,
) -> Body:  # fmt: skip
    assert template
    assert (history, rotate) == ("behindy-ops/state/history.jsonl", "5000000")
    yield from _show_state(world, me, container)
    me.echo(f"stats {stats_line(104857600, 20971520)}")
    me.echo("errors 0")
    me.echo("available 819200")
    me.echo("run " + (f"https://github.com/team/{_release_key(release)[0]}/actions/runs/1" if previous else ""))
    yield from _write_status(world.dirs[_release_key(release)], "stands")
    if judged and _release_key(judged) in world.dirs:
        yield from _write_status(world.dirs[_release_key(judged)], "rolled-back")
    world.history.append(me.stdin.rstrip("\n"))
    yield None
    service = _release_key(release)[0]
    for statuses, keep in (("stands|rolled-back", 8), ("failed|candidate", 3)):
        found = sorted(
            (
                key
                for key, kept in world.dirs.items()
                if key[0] == service and re.fullmatch(statuses, kept.status or "")
            ),
            key=lambda key: (key[1] in (_release_key(release)[1], previous, back), key[1]),
            reverse=True,
        )
        for key in found[keep:]:
            if key[1] in (previous, back):
                continue
            del world.dirs[key]
            yield None
    for key in [key for key in world.static_files if most and key[0] == service]:
        kept = world.dirs[key].status if key in world.dirs else None
        if kept in (None, "candidate") and key[1] not in (_release_key(release)[1], previous, replaced):
            world.static_files.discard(key)
    return 0


def maintenance(
    world: World, me: Process, root: str, service: str, wanted: str, nginx: str, history: str, rotate: str
) -> Body:
    assert (root, nginx, history, rotate) == ("behindy-ops", "nginx", "behindy-ops/state/history.jsonl", "5000000")
    line, _, more = me.stdin.partition("\n")
    yield None
    if wanted == "on":
        world.maintenance[service] = more.partition("\n")[0]
    else:
        world.maintenance.pop(service, None)
    yield None
    world.history.append(line)
    return 0


def record(world: World, me: Process, history: str, rotate: str) -> Body:
    assert (history, rotate) == ("behindy-ops/state/history.jsonl", "5000000")
    yield None
    world.history.append(me.stdin.rstrip("\n"))
    return 0


def lease(world: World, me: Process, hears: Callable[[], float], argv: tuple[str, ...]) -> Body:
    """``lease.sh``.

    ``hears`` gives the moment at which the process will have heard nothing for too long, or now if its input has ended.
    """
    state, silence, mark, holder, *looking = argv
    assert (state, silence) == ("behindy-ops/state", "60")
    yield None
    if world.locked is not None:
        me.echo(world.lock_json)
        return 73
    world.locked = me
    try:
        yield None
        world.lock_json = holder
        yield Wait(world.now + 90, lambda: not world.busy)
        if world.busy:
            return 76
        world.leased = json.loads(world.lock_json)["token"]
        me.echo(f"{mark} lease")
        yield from survey(world, me, *looking[4:])
        me.echo(f"{mark} ready")
        while hears() > world.now:
            yield Wait(hears(), lambda: hears() <= world.now)
    finally:
        world.lock_json = world.leased = ""
        world.locked = None
    return 0


def fenced(world: World, me: Process, body: Body) -> Body:
    """``fenced.sh`` around what changes something."""
    yield None
    world.busy.add(me)
    try:
        yield None
        if me.token not in world.lock_json or not me.token or world.locked is None:
            return 75
        me.changing = True
        return (yield from body)
    finally:
        world.busy.discard(me)


SCRIPTS: dict[str, Callable[..., Body]] = {
    function.__name__: function
    for function in (
        manifests, pull, layers, load, once, attend, start_green, look_inside, look_running, look_outside, swap, follow,
        drain, watch, stop_blue, discard, tidy, verify, record, survey, assets, leave, together, in_turn,
        maintenance, schedule,
    )
} | {"await": await_} | {name: partial(_of_docker, name) for name in ("start", "stop", "restart")}  # fmt: skip


def _ended(process: Process) -> bool:
    return process.code is not None


def _stopped(box: Box) -> bool:
    return not box.running


def _checked(box: Box | None) -> bool:
    return box is None or not box.running or box.health != "starting"


def name_of(command: Command) -> str:
    """``drain`` of ``deploy/drain.sh``, or what docker is to do."""
    return command.argv[3].rpartition("/")[2] if command.argv[0] == "bash" else command.argv[1]


def each_of(command: Command) -> list[Command]:
    """Itself, or those that it sends together or in turn."""
    name = name_of(command)
    if name not in ("together", "in_turn"):
        return [command]
    words, lines = command.argv[5 if name == "together" else 6 :], command.stdin.splitlines(keepends=True)
    found: list[Command] = []
    while words:
        argv, words = words[1 : 1 + int(words[0])], words[1 + int(words[0]) :]
        told = lines[len(found)] if lines else b""
        changes = command.changes and not argv[3].startswith("deploy/look_")
        found.append(replace(command, argv=argv, stdin=told, title=_title(argv, command.title), changes=changes))
    return found


def _title(argv: tuple[str, ...], title: str) -> str:
    name = argv[3].rpartition("/")[2]
    of = {
        "tidy": "remove old images",
        "verify": "verify and record",
        "leave": f"leave {argv[5]}-blue to the host",
        "look_outside": f"ask {next((word for word in argv if word.startswith('https:')), '')}",
    }
    return of.get(name, title)


def body_of(world: World, me: Process, command: Command) -> Body:
    """The process a command starts; refuses one that nobody has prepared."""
    assert command.argv[:2] == ("bash", "-c"), f"nobody has prepared {command.argv}"
    name, arguments_ = name_of(command), list(command.argv[4:])
    assert name in SCRIPTS, f"nobody has prepared {command.argv[3]}"
    return SCRIPTS[name](world, me, *arguments_)
