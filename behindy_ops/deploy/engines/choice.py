"""Which engine a host has: by its settings, or found out from the host itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import replace

from behindy_ops.deploy.engines.engine import Engine
from behindy_ops.deploy.engines.single import BACK, SINGLE
from behindy_ops.deploy.engines.swarm import SWARM
from behindy_ops.errors import BehindyError
from behindy_ops.facts.container import OVERLAY
from behindy_ops.project.names import Names
from behindy_ops.project.settings import Settings

ENGINES = {engine.name: engine for engine in (SINGLE, SWARM, BACK)}

_found: set[str] = set()
_begun_before = ContextVar("_begun_before", default=False)


def found(settings: Settings) -> None:
    """Remember for this run that the host of these settings manages a swarm, which they do not say."""
    _found.add(settings.target)


def settled(settings: Settings) -> Settings:
    """Return the settings with the engine that was found out for their host, if they name none."""
    return replace(settings, engine=SWARM.name) if not settings.engine and settings.target in _found else settings


def network(settings: Settings, names: Callable[[Settings], Names]) -> str:
    """Return the network by which a host tells that it manages the project's swarm; empty where that is not asked.

    Args:
        names: gives what the project calls its things.
    """
    if settings.engine:
        return ""
    with contextlib.suppress(BehindyError):  # a task that needs the compose file says what is wrong with it
        return f"{names(settings).network}{OVERLAY}"
    return ""


@contextlib.contextmanager
def once_more() -> Iterator[None]:
    """Around a task that is begun once more, since what runs the services was found out."""
    token = _begun_before.set(True)
    try:
        yield
    finally:
        _begun_before.reset(token)


def begun_before() -> bool:
    """Whether this task is, so that what it does before it asks the host was done."""
    return _begun_before.get()


def engine(settings: Settings) -> Engine:
    """Return the one that ``BEHINDY_ENGINE`` names."""
    return ENGINES[settings.engine]
