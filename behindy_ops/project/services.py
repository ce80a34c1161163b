"""The services that can be deployed, as their ``x-deploy`` in the compose file declares them.

A service is a stanza there and no code here. A mistake is told by its path (``services.frontend.x-deploy.port: ...``),
and all of them at once.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from behindy_ops.errors import UNCHANGED, Kind
from behindy_ops.project import cron, validate
from behindy_ops.project.interpolation import fill_in
from behindy_ops.project.registries import familiar
from behindy_ops.project.swarm_keys import unknown_to_a_swarm

IMAGE_PREFIX = "BEHINDY_IMAGE_PREFIX"

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = _UNITS["h"] * 24
"""Seconds; a longer wait in a deploy is a typo."""

_LONGEST_RUN = _UNITS["h"] * 5
"""Seconds; host/scripts/timers/run.sh ends everything after six hours."""


@dataclass(frozen=True)
class HealthPolicy:
    """How long a release may take to become healthy.

    Attributes:
        attempts: how many intervals it has.
        interval: seconds of each.
        look: seconds between two looks within one.
        seconds: that a candidate may take to start, before any user meets it; 0 for no more than the attempts. A
            release that users do meet is judged by the attempts.
        steady: seconds that one without a port and without a health check of its own has to run, not restarting.
    """

    attempts: int = 15
    interval: float = 3.0
    look: float = 0.2
    seconds: float = 0.0
    steady: float = 10.0

    def at_start(self) -> HealthPolicy:
        """Return what a candidate is given."""
        return replace(self, attempts=math.ceil(self.seconds / self.interval)) if self.seconds else self


@dataclass(frozen=True)
class Assets:
    """Static files of releases that are kept for pages which are still open when another release is live.

    Attributes:
        source: the directory in the image.
        at: the URL's path below which nginx serves them.
        most: bytes of all releases of the service together.
    """

    source: str
    at: str
    most: int = 100 * 2**20


@dataclass(frozen=True)
class Expect:
    """What counts as healthy, of what a service answers to each of its paths.

    Attributes:
        status: of HTTP, any of these; none for 200 to 399.
        body: what its body has to contain, or empty.
    """

    status: tuple[int, ...] = ()
    body: str = ""

    def met(self, status: int) -> bool:
        """Return whether an answer's HTTP status is well; 0 is none."""
        return status in self.status if self.status else 200 <= status < 400


@dataclass(frozen=True)
class Once:
    """A command that runs once in each new release.

    Attributes:
        command: its words, as Docker gives them to the image: behind its entrypoint, where it has one.
        seconds: after which it is stopped.
    """

    command: tuple[str, ...]
    seconds: float = 600.0


@dataclass(frozen=True)
class Service:
    """One service, as its stanza declares it. All times are in seconds.

    Attributes:
        name: its live container's; also that of its label, its files on the host, and in all that is told.
        repository_template: the ``image`` field; :func:`repository` makes a repository of it.
        port: where it listens inside the network; 0 for one that nobody asks: a worker.
        internal: path asked inside the network, directly at the container.
        external: path below ``https://<domain>``, or below its own host, that proves it to users.
        rehearsal: path there that reaches the candidate itself, or None for no rehearsal.
        drain: maximum wait for open connections of the outgoing container.
        linger: minimum time the outgoing container is kept, for callers that cache its address.
        stop: between SIGTERM and SIGKILL.
        watch: how long the new release is watched after the switch.
        expect: what counts as healthy, inside the network and through the public URL.
        through: another service that ``external`` passes through, so that it says nothing while that is missing.
        assets: which static files outlive a release, or None.
        schedule: cron's five fields: it is a job, which the host runs then; empty for what runs all the time.
        timeout: seconds that a run of a job may take.
        overlap: two of its releases may run side by side; else the live one is stopped before the next one starts.
        before: what runs in a new release before its candidate starts, or None; ``after``: once it is live.
        required_env: names the stanza cannot be filled in without.
        host: the public name it has for itself; empty for one that is reached below the domain.
        stanza: its key in the compose file, which Compose and a person who types know it by; as a rule, the name.
        replicas: how many containers each of its releases has; to the host each is a service of its own name.
        replica: which of them this is, from 1 on.
        replica_of: the first one's name, if this is a further one.
        tasks: how many containers a release has that a swarm runs as one, on any of its nodes; 0 for one of which each
            container is this host's.
        placement: the labels that a node has to have to run it: ``disk=ssd``.
        one_host: the keys of its stanza that have no effect in a swarm.
    """

    name: str
    repository_template: str
    port: int = 0
    internal: str = ""
    external: str = ""
    rehearsal: str | None = None
    drain: float = 30.0
    linger: float = 0.0
    stop: float = 10.0
    watch: float = 10.0
    health: HealthPolicy = field(default_factory=HealthPolicy)
    expect: Expect = field(default_factory=Expect)
    through: str = ""
    assets: Assets | None = None
    overlap: bool = True
    schedule: str = ""
    timeout: float = 3600.0
    before: Once | None = None
    after: Once | None = None
    required_env: tuple[str, ...] = ()
    host: str = ""
    stanza: str = ""

    replicas: int = 1
    replica: int = 1
    replica_of: str = ""
    tasks: int = 0
    placement: tuple[str, ...] = ()
    one_host: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.stanza:
            object.__setattr__(self, "stanza", self.name)

    def url(self, path: str, domain: str) -> str:
        """Return the public URL of a path."""
        return f"https://{self.host or domain}{path}"

    @property
    def made_at_once(self) -> int:
        """How many containers a deploy of it starts on the host beside those that run; of a further one, itself."""
        if self.tasks:
            return 0
        return 1 if self.replica_of else self.replicas

    @property
    def asked(self) -> bool:
        """Whether it has a port, so that nginx and users ask it; a worker has none."""
        return self.port != 0


MOST_REPLICAS = 10
"""Containers of one service: nginx tells them by these numbers (provision/nginx/maps.conf.j2)."""


def replicas(service: Service) -> tuple[Service, ...]:
    """Return a service of several containers as one service for each: ``web``, ``web-2``, ``web-3``.

    What a release has once is the first one's: its commands that run once, its static files. It has all the limits.
    """
    further = (
        replace(
            service, name=f"{service.name}-{number}", replica=number, replica_of=service.name,
            before=None, after=None, assets=None,
        )
        for number in range(2, service.replicas + 1)
    )  # fmt: skip
    return (service, *further) if service.replica == 1 else (service,)


def repository(service: Service, image_prefix: str = "") -> str:
    """Return the repository of a service's images, as Docker lists it: its ``image`` without tag and digest.

    Args:
        image_prefix: the setting ``BEHINDY_IMAGE_PREFIX``; ``""`` leaves the compose file's own default.

    Raises:
        Kind.SETTINGS: there is no prefix, or with this one the result is not a valid name.
    """
    remedy = f"Correct services.{service.stanza}.image in the compose file."
    if IMAGE_PREFIX in service.repository_template:
        remedy = f"Set {IMAGE_PREFIX} to what stands before /behindy-{service.name} in the image's name."
    try:
        image = fill_in(service.repository_template, {IMAGE_PREFIX: image_prefix})
    except KeyError as error:
        raise Kind.SETTINGS(f"The image of {service.name} needs {error.args[0]}.", remedy=remedy) from None
    name = re.sub(r"(@[^/]*|:[^/:@]*)+\Z", "", image)
    if wrong := validate.check_repository(name):
        raise Kind.SETTINGS(f"The image of {service.name}: {wrong}.", remedy=remedy)
    return familiar(name)


def seconds(value: object) -> float:
    """Return the seconds, at most a day, that a number or a text such as ``10``, ``30s``, ``15m`` or ``1m30s`` says.

    Raises:
        ValueError: it is neither; the text says what to write.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        total = float(value)
    elif isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?|([0-9]+(\.[0-9]+)?(ms|s|m|h))+", value):
        parts = re.findall(r"([0-9.]+)(ms|s|m|h|\Z)", value)
        total = math.fsum(float(number) * _UNITS[unit or "s"] for number, unit in parts)
    else:
        raise ValueError("not a duration; write a number of seconds, or something like 30s or 15m")
    if not 0 <= total <= _LONGEST:
        raise ValueError("does not fit; write 0 seconds to 24h")
    return total


def validate_tag(tag: str) -> str:
    """Return the tag itself, if Docker accepts it.

    Raises:
        Kind.USAGE: it does not.
    """
    if wrong := validate.check_tag(tag):
        raise Kind.USAGE(f"--tag: {wrong}.", state=UNCHANGED, remedy="The tag of a CI build is the commit's SHA.")
    return tag


LATEST = "latest"
"""The tag where none is named."""


def local_reference(word: str, own: str) -> str:
    """Return what an image is called on this machine.

    Args:
        word: a tag of the repository ``own``, or a whole ``NAME:TAG``.

    Raises:
        Kind.USAGE: it is neither.
    """
    name, colon, tag = word.rpartition(":")
    wrong = validate.check_tag(tag) or (validate.check_repository(name) if colon else "")
    if wrong:
        remedy = "Give a tag alone, or a name with its tag, such as shop-web:v2"
        raise Kind.USAGE(f"--from-local: {wrong}.", state=UNCHANGED, remedy=remedy)
    return word if colon else f"{own}:{tag}"


def read_stanza(
    name: str, stanza: Mapping[str, Any], key: str, required_env: tuple[str, ...]
) -> tuple[Service, list[str]]:
    """Return a service, and one line for each mistake in its stanza; with a mistake the service is not to be used.

    Args:
        key: under which the stanza says how it is deployed.
    """
    path = f"services.{name}"
    mistakes = []
    if wrong := validate.check_service_name(name):
        mistakes.append(f"{path}: {wrong}")
    container, wrong = own_name(stanza, name)
    if wrong:
        mistakes.append(f"{path}.container_name: {wrong}")
    if wrong := _wrong_image(stanza.get("image")):
        mistakes.append(f"{path}.image: {wrong}")
    if stanza.get("ports"):
        mistakes.append(f"{path}.ports: a second container could not start beside the first; nginx publishes it")
    given = stanza[key] if isinstance(stanza[key], dict) else {}
    has_port = "schedule" not in given and any(
        word == "port" or (word not in KEYS and _meant(word) == "port") for word in given
    )
    values, wrong_values = read_keys(f"{path}.{key}", stanza[key], KEYS, _NEEDED if has_port else _NEEDED_INSIDE)
    values = {"port": 0, "internal": "", "external": "", "health": {}, "expect": {}, **values}
    mistakes += [f"{path}.{key}.{word}: {why}" for word, why in _senseless(given, has_port=has_port)]
    health, expect = HealthPolicy(**values.pop("health")), Expect(**values.pop("expect"))
    of_routes = {word: values.pop(word, None) for word in ("route", "host", "routes", "inside")}
    kept = values.pop("assets", {})
    assets = Assets(kept["from"], kept["at"], kept.get("max", Assets.most)) if {"from", "at"} <= kept.keys() else None
    mistakes += wrong_values
    if health.look > health.interval:
        mistakes.append(f"{path}.{key}.health.look: longer than the interval, so it would never look")
    service = Service(
        **{"rehearsal": values["external"] or None, **values},
        name=container,
        stanza=name,
        repository_template=str(stanza.get("image")),
        health=health,
        expect=expect,
        assets=assets,
        required_env=required_env,
        one_host=unknown_to_a_swarm(stanza),
        host=_own_host(of_routes["host"], of_routes["routes"]),
    )
    return service, mistakes


def own_name(stanza: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Return what a service's live container is called, and what is wrong with that, or an empty string.

    By Compose's own key ``container_name``, where it is given; else by the stanza's.
    """
    given = stanza.get("container_name")
    if given is None:
        return name, ""
    try:
        container = fill_in(str(given), {})
    except KeyError as error:
        return name, f"${{{error.args[0]}}} has no default, so the name is not known here"
    return container, "" if container == name else validate.check_service_name(container)


def _own_host(host: object, routes: object) -> str:
    """Return the host of a service that has no route below the domain; project/routes.py says what is wrong with it."""
    listed = [route.get("host") for route in routes if isinstance(route, dict)] if isinstance(routes, list) else []
    found = host or (listed[0] if listed and all(listed) else "")
    return "" if not found or validate.check_domain(str(found)) else str(found)


def _senseless(given: Mapping[str, Any], *, has_port: bool) -> Iterator[tuple[str, str]]:
    """Return the keys that say nothing of a service of this kind, and why."""
    if "schedule" in given:
        why = "a scheduled job has none: the host runs it at its times"
        has_none = ("port", *_OF_A_PORT, "watch", "overlap", "health", "replicas")
        yield from ((word, why) for word in has_none if word in given)
        return
    if "replicas" in given and given.get("overlap") in (False, "no"):
        yield "replicas", "overlap: no says that two of its containers must not run side by side"
    if "timeout" in given:
        yield "timeout", "only a scheduled job has this; add its schedule"
    if not has_port:
        yield from ((word, "only a service with a port has this; add its port") for word in _OF_A_PORT if word in given)
    elif isinstance(health := given.get("health"), dict) and "steady" in health:
        yield "health.steady", "only a service without a port has this; one with a port is asked"


def read_keys(
    path: str, given: object, keys: Mapping[str, Any], needed: Collection[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """Return the values of a mapping, read key by key, and what is wrong with them.

    Args:
        needed: keys whose absence is a mistake.
    """
    if not isinstance(given, dict):
        return {}, [f"{path}: not a mapping; its keys are {', '.join(keys)}"]
    values: dict[str, Any] = {}
    mistakes = []
    for key in given:
        if key not in keys:
            near = _meant(key, keys)
            hint = f"did you mean {near}?" if near else f"the keys are {', '.join(keys)}"
            mistakes.append(f"{path}.{key}: unknown key; {hint}")
    for key, read in keys.items():
        if isinstance(read, Mapping) and key in given:
            values[key], wrong = read_keys(f"{path}.{key}", given[key], read, needed)
            mistakes += wrong
        elif key in given or key in needed:
            if read is _once and isinstance(given[key], dict):
                inner, wrong = read_keys(f"{path}.{key}", given[key], _ONCE_KEYS, needed)
                values[key] = Once(**{"command": (), **inner})
                mistakes += wrong
                continue
            try:
                values[key] = read(given.get(key))
            except _Items as error:
                mistakes += [f"{path}.{key}{item}" for item in error.args]
            except ValueError as error:
                mistakes.append(f"{path}.{key}: {error}")
    return values, mistakes


def _meant(key: object, keys: Iterable[str] = ()) -> str:
    """Return the key that was misspelt, or an empty string."""
    return next(iter(difflib.get_close_matches(str(key), keys or KEYS, n=1)), "")


class _Items(ValueError):
    """What is wrong with items of a list; each begins with which, such as ``[0]: missing``."""


def _wrong_image(value: object) -> str:
    if not isinstance(value, str) or not value:
        return "missing; write the image, such as ghcr.io/acme/web:latest"
    try:
        fill_in(value, {IMAGE_PREFIX: "any"})
    except KeyError as error:
        return f"{error.args[0]} has no default; only {IMAGE_PREFIX} is filled in"
    return ""


def _path(value: object) -> str:
    if value is None:
        raise ValueError("missing; write a path such as /health")
    if wrong := validate.check_url_path(str(value)):
        raise ValueError(wrong)
    return str(value)


def _path_or_none(value: object) -> str | None:
    return None if value is None else _path(value)


def _directory(value: object) -> str:
    if value is None:
        raise ValueError("missing; write a path such as /app/.next/static (from) or /_next/static (at)")
    if wrong := validate.check_directory(str(value)):
        raise ValueError(wrong)
    return str(value).rstrip("/")


def _bytes(value: object) -> int:
    matched = re.fullmatch(r"([1-9][0-9]{0,8})([kmg]?)b?", str(value).lower())
    if matched is None:
        raise ValueError(f"{validate.shown(str(value))} is not a size; write one such as 100m")
    return int(matched[1]) << 10 * " kmg".index(matched[2] or " ")


def _other_service(value: object) -> str:
    if value is not None and (wrong := validate.check_service_name(str(value))):
        raise ValueError(wrong)
    return str(value or "")


def _whole(value: object, *, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    given = "missing" if value is None else f"{validate.shown(str(value))} does not fit"
    raise ValueError(f"{given}; write a whole number from 1 to {most}")


def _yes_or_no(value: object) -> bool:
    if isinstance(value, bool) or value in ("yes", "no"):  # YAML makes a truth value of a bare word
        return value in (True, "yes")
    raise ValueError(f"{validate.shown(str(value))} is neither yes nor no")


def _schedule(value: object) -> str:
    try:
        return cron.parse(value if isinstance(value, str) else "").text
    except ValueError as error:
        raise ValueError(f"{validate.shown(str(value))}: {error}") from None


def _timeout(value: object) -> float:
    given = _seconds(value, least=1.0)
    if given > _LONGEST_RUN:
        raise ValueError(f"{validate.shown(str(value))}: too long; write at most {_LONGEST_RUN / 3600:g}h")
    return given


def _statuses(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("not a list; write one such as [200] or [200, 401]")
    if wrong := [f"[{index}]: {_not_a_status(item)}" for index, item in enumerate(value) if _not_a_status(item)]:
        raise _Items(*wrong)
    return tuple(dict.fromkeys(value))


def _not_a_status(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 200 <= value <= 599:
        return ""
    return f"{validate.shown(str(value))} is not an HTTP status; write a number from 200 to 599"


def _text(value: object) -> str:
    if isinstance(value, str) and 1 <= len(value) <= 200 and value.isprintable() and "$" not in value:
        return value  # Compose on the host would take a $ for a variable
    raise ValueError(f"{validate.shown(str(value))} does not fit; write one line of at most 200 characters, without $")


def _unread(value: object) -> object:
    return value


def _seconds(value: object, *, least: float = 0.0) -> float:
    try:
        given = seconds(value)
    except ValueError as error:
        raise ValueError(f"{validate.shown(str(value))}: {error}") from None
    if given < least:
        raise ValueError(f"{validate.shown(str(value))}: too short; write at least {least:g} seconds")
    return given


def _words(value: object) -> tuple[str, ...]:
    """Read a command. Compose fills in the whole stanza, so what a shell in it is to see has ``$$``, as elsewhere."""
    if not isinstance(value, list) or not value:
        raise ValueError("not a list of words; write one such as [python, manage.py, migrate]")
    for word in value:
        if isinstance(word, bool) or not isinstance(word, (str, int, float)) or "\0" in str(word):
            raise ValueError(f"{validate.shown(str(word))} is not a word; write it in quotes")
        if "$" in str(word).replace("$$", ""):
            raise ValueError(
                f"{validate.shown(str(word))}: values are not filled in; for a $ of its own shell write $$"
            )
    if not str(value[0]):
        raise ValueError("its first word is empty")
    return tuple(str(word).replace("$$", "$") for word in value)


def _node_labels(value: object) -> tuple[str, ...]:
    """Read the labels that a node of a swarm has to have, as `disk=ssd`; a mapping says the same."""
    labels = [f"{name}={text}" for name, text in value.items()] if isinstance(value, dict) else value
    if not isinstance(labels, list) or not labels:
        raise ValueError("not a list of labels of nodes; write one such as [disk=ssd]")
    for label in labels:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*=[A-Za-z0-9][A-Za-z0-9._-]*", str(label)):
            raise ValueError(f"{validate.shown(str(label))} is not a label; write name=value, such as disk=ssd")
    return tuple(map(str, labels))


def _once(value: object) -> Once:
    return Once(_words(value))


_ONCE_KEYS: Mapping[str, Callable[[Any], Any]] = {"command": _words, "seconds": partial(_seconds, least=1.0)}
_HEALTH_KEYS: Mapping[str, Callable[[Any], Any]] = {
    "attempts": partial(_whole, most=1000),
    "interval": partial(_seconds, least=0.1),
    "look": partial(_seconds, least=0.05),
    "seconds": partial(_seconds, least=1.0),
    "steady": partial(_seconds, least=1.0),
}
_EXPECT_KEYS: Mapping[str, Callable[[Any], Any]] = {"status": _statuses, "body": _text}
_ASSETS_KEYS: Mapping[str, Callable[[Any], Any]] = {"from": _directory, "at": _directory, "max": _bytes}
KEYS: Mapping[str, Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]]] = {
    "port": partial(_whole, most=65535),
    "internal": _path,
    "external": _path,
    "through": _other_service,
    "rehearsal": _path_or_none,
    "drain": _seconds,
    "linger": _seconds,
    "stop": _seconds,
    "watch": _seconds,
    "health": _HEALTH_KEYS,
    "expect": _EXPECT_KEYS,
    "assets": _ASSETS_KEYS,
    "overlap": _yes_or_no,
    "replicas": partial(_whole, most=MOST_REPLICAS),
    "placement": _node_labels,
    "schedule": _schedule,
    "timeout": _timeout,
    "before": _once,
    "after": _once,
    # Read by project/routes.py, which knows of the other services:
    "route": _unread,
    "host": _unread,
    "routes": _unread,
    "inside": partial(_whole, most=65535),
}
"""What an ``x-deploy`` may say, and how each value is read; a table for what is a mapping of its own."""

_NEEDED_INSIDE = ("from", "at", "command")
_NEEDED = ("port", "internal", "external", *_NEEDED_INSIDE)
_OF_A_PORT = (
    *("internal", "external", "through", "rehearsal", "drain", "linger", "assets", "expect"),
    *("route", "host", "routes", "inside"),
)
