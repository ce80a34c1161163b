"""The Docker engine of the simulated host: containers, images, names, and what a release answers."""

from __future__ import annotations

import gzip
import heapq
import io
import itertools
import json
import tarfile
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from behindy_ops.project.services import MOST_REPLICAS
from tests.archives import diff_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROUTED = frozenset(
    {
        *("frontend", "backend", "llmserver", "shop-backend"),
        *(f"frontend-{number}" for number in range(2, MOST_REPLICAS + 1)),
    }
)
"""The names nginx sends users to."""


class DockerError(Exception):
    """What the docker command would have written to standard error."""


@dataclass(frozen=True)
class Behaviour:
    """How a release behaves once it is started.

    Attributes:
        boot: seconds from its start until it answers.
        lacks: files that its page names and it does not have.
        says: what its answers contain.
        dies_after: seconds after its first start at which it is killed for memory; 0 for never.
        checked: what its own health check comes to, and after how many seconds; none for the empty string.
        once: seconds that a command takes which runs once in it, and its exit code.
    """

    inside: int = 200
    rehearsal: int = 200
    outside: int = 200
    boot: float = 1.0
    exits: bool = False
    lacks: tuple[str, ...] = ()
    says: str = ""
    dies_after: float = 0.0
    checked: tuple[str, float] = ("", 0.0)
    once: tuple[float, int] = (1.0, 0)

    @property
    def good(self) -> bool:
        alive = not self.exits and not self.dies_after and self.checked[0] != "unhealthy"
        return {self.inside, self.rehearsal, self.outside} == {200} and alive and not self.lacks


@dataclass
class Stored:
    """An image, on the host or in the registry; the layers of those that came from a registry do not matter."""

    id: str
    digest: str
    created: str
    behaviour: Behaviour
    tags: set[str] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)
    layers: tuple[str, ...] = ()


@dataclass
class Box:
    """A container.

    Attributes:
        ready: when it answers, in this life.
        proven: when it first answered, ever.
        named: the last moment at which it had the name nginx routes to.
        busy: until when a client keeps a connection to it open.
        life: how often it was started.
    """

    id: str
    name: str
    image: Stored
    labels: dict[str, str]
    policy: str
    aliases: frozenset[str]
    status: str = "created"
    connected: bool = True
    address: str = ""
    created: float = 0.0
    started: float = 0.0
    finished: float = -inf
    health: str = ""
    ready: float = inf
    proven: float = inf
    named: float = -inf
    busy: float = -inf
    life: int = 0
    restarts: int = 0
    exit_code: int = 0
    oom: bool = False
    by_hand: bool = False  # it was stopped so

    @property
    def running(self) -> bool:
        return self.status == "running"


class Clock:
    """Time that passes only when the simulation says so."""

    def __init__(self, now: float = 1_767_225_600.0) -> None:
        self.now = now
        self._order = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, moment: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), action))

    @property
    def next_event(self) -> float:
        return self._events[0][0] if self._events else inf

    def fire(self) -> None:
        """Do what is due."""
        while self.next_event <= self.now:
            heapq.heappop(self._events)[2]()


class Engine:
    """What dockerd does, one API call at a time.

    Attributes:
        epoch: counts its restarts; a call that was under way then gets no answer.
        built: id to behaviour of images that no registry has.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.boxes: dict[str, Box] = {}
        self.images: dict[str, Stored] = {}
        self.registry: dict[str, Stored] = {}
        self.built: dict[str, Behaviour] = {}
        self.up = True
        self.epoch = 0
        self.stuck_until = 0.0  # no container can be removed
        self.kept: set[str] = set()  # image references that cannot be removed
        self.before_stop: Callable[[Box], None] = lambda _: None
        self.before_rename: Callable[[Box, str], None] = lambda _, __: None
        self._names: dict[str, Box] = {}
        self._aliased: list[Box] = []
        self._numbers = itertools.count(1)
        self._addresses = itertools.count(2)

    def require_up(self) -> None:
        if not self.up:
            raise DockerError("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.")

    def named(self, name: str) -> Box | None:
        return self._names.get(name)

    def find(self, key: str) -> Box:
        box = self.boxes.get(key) or self.named(key)
        if box is None:
            raise DockerError(f"Error response from daemon: No such container: {key}")
        return box

    def resolve(self, name: str) -> list[Box]:
        """Whom Docker's name server gives for a name."""
        bearer = self._names.get(name)
        found = [bearer] if bearer is not None else []
        found += [box for box in self._aliased if name in box.aliases and box is not bearer]
        return [box for box in found if box.status == "running" and box.connected]

    def at(self, address: str) -> Box | None:
        """The container that has an address."""
        return next((box for box in self.boxes.values() if address and box.address == address), None)

    def create(
        self, name: str, image: Stored, labels: dict[str, str] | None = None, aliases: Iterable[str] = ()
    ) -> Box:
        if self.named(name) is not None:
            raise DockerError(f'Conflict. The container name "/{name}" is already in use by container')
        box = Box(f"{next(self._numbers):012x}" + 52 * "0", name, image, labels or {}, "always", frozenset(aliases))
        box.created = self.clock.now
        self.boxes[box.id] = self._names[name] = box
        self._aliased += [box] if box.aliases else []
        return box

    def rename(self, key: str, name: str) -> None:
        box = self.find(key)
        if self.named(name) is not None:
            raise DockerError(f'Conflict. The container name "/{name}" is already in use by container')
        self.before_rename(box, name)
        if box.name in ROUTED:
            box.named = self.clock.now
        del self._names[box.name]
        box.name = name
        self._names[name] = box

    def disconnect(self, key: str) -> None:
        self.find(key).connected = False

    def connect(self, key: str) -> None:
        """On the network again, and without the names Compose gave it there."""
        box = self.find(key)
        box.connected, box.aliases = True, frozenset()
        self._aliased = [other for other in self._aliased if other is not box]

    def update(self, key: str, policy: str) -> None:
        self.find(key).policy = policy

    def start(self, key: str) -> None:
        box = self.find(key)
        if not box.running:
            box.restarts = 0
            self._run(box)

    def _run(self, box: Box) -> None:
        behaviour, now = box.image.behaviour, self.clock.now
        box.life, box.status, box.started, box.by_hand = box.life + 1, "running", now, False
        box.address, box.exit_code, box.oom = f"10.0.0.{next(self._addresses)}", 0, False
        box.ready = inf if behaviour.exits else now + behaviour.boot
        box.proven = min(box.proven, box.ready)
        life = box.life
        verdict, after = behaviour.checked
        box.health = "starting" if verdict else ""
        if verdict:
            self.clock.at(now + after, lambda: self._check(box, life, verdict))
        if behaviour.exits:
            self.clock.at(now + 0.3, lambda: self._die(box, life, 3, oom=False))
        elif behaviour.dies_after and life == 1:
            self.clock.at(now + behaviour.dies_after, lambda: self._die(box, life, 137, oom=True))

    def _check(self, box: Box, life: int, verdict: str) -> None:
        if box.running and box.life == life:
            box.health = verdict

    def run_once(self, name: str, image: Stored, labels: dict[str, str], seconds: float, code: int) -> Box:
        """A command in a container that never answers anybody, and ends with this code."""
        box = self.create(name, image, labels)
        box.policy, box.life, box.status, box.started = "no", 1, "running", self.clock.now
        self.clock.at(self.clock.now + seconds, lambda: self._die(box, 1, code, oom=False))
        return box

    def kill(self, key: str) -> None:
        """The application in a container crashes."""
        box = self.find(key)
        self._die(box, box.life, 137, oom=False)

    def _die(self, box: Box, life: int, code: int, *, oom: bool) -> None:
        if not box.running or box.life != life:
            return
        self._halt(box, code)
        box.oom = oom
        if box.policy != "no":
            box.status, box.restarts = "restarting", box.restarts + 1
            pause = min(60.0, 0.1 * 2.0 ** min(box.restarts, 10))
            self.clock.at(self.clock.now + pause, lambda: self._restart(box))

    def _restart(self, box: Box) -> None:
        if box.id in self.boxes and box.status == "restarting" and self.up:
            self._run(box)

    def _halt(self, box: Box, code: int) -> None:
        box.status, box.exit_code, box.ready, box.busy, box.address = "exited", code, inf, -inf, ""
        box.finished = self.clock.now

    def stop(self, key: str) -> None:
        box = self.find(key)
        if box.status in ("running", "restarting"):
            self.before_stop(box)
            self._halt(box, 0)
            box.by_hand = True

    def remove(self, key: str) -> None:
        box = self.find(key)
        self.stop(key)
        if self.clock.now < self.stuck_until:
            raise DockerError("Error response from daemon: driver failed to remove root filesystem: device is busy")
        del self.boxes[box.id], self._names[box.name]
        self._aliased = [other for other in self._aliased if other is not box]

    def go_down(self, seconds: float) -> None:
        """The daemon ends, and all containers with it; it is back after so many seconds."""
        self.up = False
        self.epoch += 1
        for box in self.boxes.values():
            if box.status in ("running", "restarting"):
                if box.name in ROUTED:
                    box.named = self.clock.now
                self._halt(box, 255)
        epoch = self.epoch
        self.clock.at(self.clock.now + seconds, lambda: self._come_up(epoch))
        self.clock.fire()

    def _come_up(self, epoch: int) -> None:
        if epoch != self.epoch:
            return
        self.up = True
        for box in self.boxes.values():
            # "always" means also what was stopped by hand, but not what was never started (measured on Docker 20.10).
            if box.life and (box.policy == "always" or (box.policy == "unless-stopped" and not box.by_hand)):
                box.restarts = 0
                self._run(box)

    def push(self, reference: str, behaviour: Behaviour) -> Stored:
        """A build puts an image into the registry."""
        number = next(self._numbers)
        repository = reference.rpartition(":")[0]
        image = Stored(f"sha256:{number:064x}", f"sha256:{number:062x}dd", f"{number:012d}", behaviour)
        self.registry[reference] = self.registry[f"{repository}@{image.digest}"] = image
        return image

    def pull(self, reference: str) -> Stored:
        image = self.registry.get(reference)
        if image is None:
            raise DockerError("Error response from daemon: manifest unknown")
        self.images[image.id] = image
        if "@" not in reference:
            for other in self.images.values():
                other.tags.discard(reference)
            image.tags.add(reference)
            image.digests.add(f"{reference.rpartition(':')[0]}@{image.digest}")
        else:
            image.digests.add(reference)
        return image

    def load(self, archive: bytes) -> Stored:
        """``docker load``: all of it or nothing; it asks for the file of a layer it does not know by all below it."""
        try:
            with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as tar:
                files = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        except (EOFError, OSError, tarfile.TarError):
            raise DockerError("unexpected EOF") from None
        (manifest,) = json.loads(files["manifest.json"])
        config = files[manifest["Config"]]
        diff_ids = tuple(json.loads(config)["rootfs"]["diff_ids"])
        known = {image.layers[: number + 1] for image in self.images.values() for number in range(len(image.layers))}
        for number, name in enumerate(manifest["Layers"]):
            if diff_ids[: number + 1] not in known and diff_id(files.get(name, b"")) != diff_ids[number]:
                raise DockerError(f"open /var/lib/docker/tmp/docker-import-1/{name}: no such file or directory")
        identity = diff_id(config)
        image = self.images.get(identity) or Stored(
            identity, "", f"{next(self._numbers):012d}", self.built[identity], layers=diff_ids
        )
        self.images[identity] = image
        for tag in manifest["RepoTags"]:
            for other in self.images.values():
                other.tags.discard(tag)
            image.tags.add(tag)
        return image

    def stored(self, reference: str) -> Stored:
        """The image on the host a reference or an id names."""
        for image in self.images.values():
            if reference in image.tags or reference in image.digests or reference == image.id:
                return image
        raise DockerError(f"Error: No such image: {reference}")

    def untag(self, reference: str) -> None:
        """``docker rmi``: with the last tag in a repository its digests go too, and with the last name the image."""
        image = self.stored(reference)
        tags = image.tags - {reference}
        digests = image.digests - {reference}
        repository = reference.rpartition(":")[0]
        if reference in image.tags and not any(tag.rpartition(":")[0] == repository for tag in tags):
            digests = {digest for digest in digests if digest.partition("@")[0] != repository}
        gone = not tags and not digests
        if reference in self.kept or (gone and any(box.image is image for box in self.boxes.values())):
            raise DockerError(f"Error response from daemon: conflict: unable to remove {reference}")
        image.tags, image.digests = tags, digests
        if gone:
            del self.images[image.id]
