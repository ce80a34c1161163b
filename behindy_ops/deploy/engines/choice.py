"""Which engine a host has, by its settings."""

from __future__ import annotations

from behindy_ops.deploy.engines.engine import Engine
from behindy_ops.deploy.engines.single import BACK, SINGLE
from behindy_ops.deploy.engines.swarm import SWARM
from behindy_ops.project.settings import Settings

ENGINES = {engine.name: engine for engine in (SINGLE, SWARM, BACK)}


def engine(settings: Settings) -> Engine:
    """Return the one that ``BEHINDY_ENGINE`` names."""
    return ENGINES[settings.engine]
