"""Simulated hosts to begin with, and releases of every kind in their registry."""

from __future__ import annotations

import copy
import functools

from tests.simulator.simulation import SERVICES, Behaviour, Simulation

__all__ = ["RELEASES", "begin"]

RELEASES = {
    "good": Behaviour(),
    "slow": Behaviour(boot=8.0),
    "exits": Behaviour(exits=True),
    "bad-inside": Behaviour(inside=500, rehearsal=500, outside=500),
    "bad-through-nginx": Behaviour(rehearsal=500, outside=500),
    "bad-in-public": Behaviour(outside=500),
    "dies-while-watched": Behaviour(dies_after=4.0),
}
"""Tag to behaviour; the good ``first``, ``second`` and ``mended`` are there as well."""


@functools.cache
def _seed(*, deployed: bool, rehearsals: bool) -> Simulation:
    simulation = Simulation(rehearsals=rehearsals)
    for service in SERVICES:
        for tag in ("first", "second", "mended"):
            simulation.push(service, tag)
        for tag, behaviour in RELEASES.items():
            simulation.push(service, tag, behaviour)
    if deployed:
        simulation.deploy(tag="first")
        simulation.deploy(tag="second")
    simulation.forget()
    return simulation


def begin(*, deployed: bool = True, rehearsals: bool = True) -> Simulation:
    """Return a host on which all services were deployed twice, or never."""
    return copy.deepcopy(_seed(deployed=deployed, rehearsals=rehearsals))
