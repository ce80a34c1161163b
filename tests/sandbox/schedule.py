"""Which sandbox tests stay together on one host, which start first, and which part of a split run has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Case", "Unit", "parse_part", "parts", "units"]

TOGETHER = frozenset(
    {
        "test_demo",
        "test_disk_full",
        "test_edges",
        "test_from_local",
        "test_github_job",
        "test_host_setup",
        "test_names",
        "test_nodes",
        "test_replicas",
        "test_secrets",
        "test_shop",
        "test_swarm",
        "test_swarm_failures",
        "test_swarm_kinds",
        "test_swarm_nodes",
        "test_swarm_setup",
        "test_swarm_views",
        "test_systemd",
        "test_two_projects",
    }
)
"""Files with a fixture for all their tests that takes long, or changes the host: they share one, in their order."""

WHOLE_FILE_SECONDS = 30.0
"""A file whose tests take no longer than this together stays on one host."""

USUAL_SECONDS = 3.5
SECONDS = {
    "test_adopt": 30.0,
    "test_adopting": 130.0,
    "test_before": 25.0,
    "test_completion": 5.0,
    "test_connection": 1.0,
    "test_db": 5.0,
    "test_demo": 30.0,
    "test_deploy": 18.0,
    "test_disk_full": 25.0,
    "test_doctor": 9.0,
    "test_drains": 40.0,
    "test_edges": 35.0,
    "test_forked": 1.0,
    "test_from_local": 50.0,
    "test_github_job": 35.0,
    "test_host_setup": 6.0,
    "test_hosts": 20.0,
    "test_init": 150.0,
    "test_interruptions": 8.0,
    "test_json": 1.5,
    "test_kinds": 25.0,
    "test_library": 15.0,
    "test_logins": 12.0,
    "test_maintenance": 15.0,
    "test_names": 40.0,
    "test_nodes": 8.0,
    "test_nginx_cache": 2.0,
    "test_nginx_routes": 0.5,
    "test_notify": 18.0,
    "test_pages": 8.0,
    "test_replicas": 30.0,
    "test_rollback": 25.0,
    "test_secrets": 12.0,
    "test_shop": 40.0,
    "test_swarm": 25.0,
    "test_swarm_failures": 60.0,
    "test_swarm_kinds": 20.0,
    "test_swarm_nodes": 40.0,
    "test_swarm_setup": 25.0,
    "test_swarm_views": 8.0,
    "test_systemd": 12.0,
    "test_two_projects": 40.0,
    "test_value_as_file": 18.0,
}
"""About how many seconds a test of a file takes; it decides about order and balance alone."""


@dataclass(frozen=True)
class Case:
    """One test, by its node id; ``serial`` if it is bound to time."""

    name: str
    serial: bool = False

    @property
    def file(self) -> str:
        """The name of its file, without the ending."""
        return PurePosixPath(self.name.partition("::")[0]).stem

    @property
    def seconds(self) -> float:
        return SECONDS.get(self.file, USUAL_SECONDS)


@dataclass(frozen=True)
class Unit:
    """Tests that run one after another on one host, in the order in which they were collected."""

    name: str
    cases: tuple[Case, ...]

    @property
    def seconds(self) -> float:
        return sum(case.seconds for case in self.cases)


def units(cases: Iterable[Case]) -> list[Unit]:
    """The cases as units, those that take longest first. Tests that are bound to time are units of their own files."""
    files: dict[tuple[str, bool], list[Case]] = {}
    for case in cases:
        files.setdefault((case.file, case.serial), []).append(case)
    found: list[Unit] = []
    for (file, serial), own in files.items():
        whole = Unit(f"{file}-serial" if serial else file, tuple(own))
        if file in TOGETHER or serial or whole.seconds <= WHOLE_FILE_SECONDS:
            found.append(whole)
        else:
            found += [Unit(case.name, (case,)) for case in own]
    return sorted(found, key=lambda unit: -unit.seconds)


def parts(all_units: Sequence[Unit], count: int) -> list[list[Unit]]:
    """Spread units over so many parts that take about equally long: each goes to the part that has least so far.

    The tests that are bound to time are spread for themselves, as they also run for themselves.
    """
    found: list[list[Unit]] = [[] for _ in range(count)]
    for serial in (False, True):
        taken = [0.0] * count
        for unit in (each for each in all_units if each.cases[0].serial is serial):
            least = min(range(count), key=lambda number: taken[number])
            taken[least] += unit.seconds
            found[least].append(unit)
    return found


def parse_part(text: str) -> tuple[int, int]:
    """Read ``2/4``: the second of four parts.

    Raises:
        ValueError: it is not of that form.
    """
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise ValueError(f"{text!r} is not a part such as 2/4")
    return int(number), int(count)
