"""A project with one service, and a simulated host on which that was deployed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behindy_ops.project.services import HealthPolicy, Service
from tests.simulator.simulation import Behaviour, Simulation

if TYPE_CHECKING:
    from pathlib import Path

WEB = Service("web", "ghcr.io/acme/web", 5000, "/up", "/up", "/up", watch=1, health=HealthPolicy(3, 3.0, look=1.0))
COMPOSE = """\
name: behindy-ops
services:
  nginx: {image: "nginx:1.28", container_name: nginx, networks: [internal]}
  web:
    image: ghcr.io/acme/web
    networks: [internal]
    x-deploy: {port: 5000, internal: /up, external: /up}
networks:
  internal: {}
"""


def deployed_once(folder: Path) -> Simulation:
    """Return a host on which web is live at v1, beside images v2 and broken; the folder becomes its project."""
    simulation = Simulation({"web": WEB})
    simulation.push("web", "v1")
    simulation.push("web", "v2")
    simulation.push("web", "broken", Behaviour(outside=500))
    simulation.deploy("web", tag="v1")
    (folder / ".git").mkdir()
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / ".env").write_text("BEHINDY_HOST=simulated\nBEHINDY_DOMAIN=shop.example\n")
    return simulation
