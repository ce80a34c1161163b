"""One host: each release is a container of its own, and a name changes hands by ``docker rename``."""

from __future__ import annotations

from dataclasses import replace

from behindy_ops.deploy.engines.engine import Engine
from behindy_ops.deploy.steps.start import Start

SINGLE = Engine("", Start, lambda service: service, lambda error, _: error, lambda _: False)

BACK = replace(SINGLE, name="single")
"""The way back from a swarm: a container of this host takes the name over from a service of the swarm. The scripts are
still the swarm's (``Settings.scripts``), which know of both."""
