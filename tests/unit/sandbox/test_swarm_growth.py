"""How a swarm grows: what is made of the figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.project.services import MOST_REPLICAS
from sandbox.bench.growth_report import TIMES
from sandbox.bench.swarm import HOSTS, REPLICAS
from sandbox.bench.swarm_report import Cell, Swarm, as_markdown, too_fast, with_hosts, with_replicas
from sandbox.host.nodes import MOST


def cell(hosts: int, replicas: int, seconds: float, *, commands: int = 8, lost: int = 0) -> Cell:
    steps = (("connect", 0.05), ("internal", seconds / 2))
    return Cell(hosts, replicas, (0.9 * seconds, seconds, 99.0), commands, 1000, lost, steps)


def swarm(*cells: Cell) -> Swarm:
    return Swarm(cells, 3, processors=2, load=6.5, docker="26.1.5")


GOOD = swarm(
    cell(1, 2, 4.0), cell(1, 4, 4.4), cell(1, 9, 5.2),
    cell(3, 2, 4.4), cell(3, 4, 4.8), cell(3, 9, 6.0),
)  # fmt: skip


def steady(measured: Swarm) -> Swarm:
    """The same with times that do not differ, so that no noise is allowed for but the least."""
    return replace(measured, cells=tuple(replace(each, times=(each.seconds, each.seconds)) for each in measured.cells))


def test_each_number_of_hosts_and_of_replicas_has_a_curve_of_its_own() -> None:
    by_hosts, by_replicas = with_replicas(GOOD), with_hosts(GOOD)
    assert list(by_hosts) == [1, 3]
    assert by_hosts[1].sizes == (2, 4, 9)
    assert by_hosts[1].ratios == pytest.approx((1.0, 1.1, 1.3))
    assert list(by_replicas) == [2, 4, 9]
    assert (by_replicas[9].sizes, by_replicas[9].seconds) == ((1, 3), (5.2, 6.0))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (cell(3, 9, 5.5), []),
        (cell(3, 9, 22.0), ["a deploy with replicas on 3 hosts", "a deploy of 9 replicas with hosts"]),
        (cell(3, 2, 13.0), ["a deploy of 2 replicas with hosts"]),
        (cell(3, 9, 6.0, commands=36), ["a deploy of 9 replicas with hosts"]),
        (cell(3, 9, 6.0, commands=37), ["a deploy with replicas on 3 hosts", "a deploy of 9 replicas with hosts"]),
    ],
)
def test_what_grows_faster_than_replicas_or_hosts_is_named(changed: Cell, told: list[str]) -> None:
    cells = [each for each in GOOD.cells if (each.hosts, each.replicas) != (changed.hosts, changed.replicas)]
    order = sorted([*cells, changed], key=lambda each: (each.hosts, each.replicas))
    assert too_fast(steady(swarm(*order))) == told


def test_as_many_times_as_long_is_not_too_fast() -> None:
    assert too_fast(steady(swarm(cell(3, 2, 4.0), cell(3, 4, 8.0), cell(3, 9, 18.0)))) == []


def test_the_report_says_by_figure_that_nothing_grows_faster_than_replicas() -> None:
    text = as_markdown(steady(GOOD))
    assert (
        "Nothing grows faster than the number of replicas: 4.5 times as many take 1.36 times as long at most.\n"
        "0 of 6000 requests were lost." in text
    )
    assert f"| hosts | 2 replicas | 4 replicas | 9 replicas | replicas {TIMES} | time {TIMES} |" in text
    assert "| 1 | 4.00 s | 4.40 s | 5.20 s | 4.5 | 1.30 | 15 % | 0.17 | 8 | 0 of 3000 | met |" in text
    assert f"| replicas | 1 host | 3 hosts | hosts {TIMES} |" in text
    assert "| internal | 2.00 s | 2.60 s | 3.00 s |" in text
    assert "connect" not in text
    assert "2 processors and a load of 6.5 on average" in text


def test_what_grows_too_fast_and_what_is_lost_stand_in_the_first_sentence() -> None:
    text = as_markdown(steady(swarm(cell(1, 2, 4.0), cell(1, 9, 30.0, lost=2))))
    assert "Too fast grows: a deploy with replicas on 1 host.\n2 of 2000 requests were lost." in text
    assert "| FASTER |" in text


def test_the_sizes_are_as_far_as_the_sandbox_and_a_service_go() -> None:
    assert HOSTS == (1, 3, 5)
    assert HOSTS[-1] <= MOST
    assert REPLICAS == (2, 4, MOST_REPLICAS)
