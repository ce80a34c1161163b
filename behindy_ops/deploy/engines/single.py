"""One host: each release is a container of its own, and a name changes hands by ``docker rename``."""

from __future__ import annotations

from behindy_ops.deploy.engines.engine import Engine
from behindy_ops.deploy.steps.start import Start

SINGLE = Engine("", Start, lambda service: service)
