"""A host as it is before anything is set up, read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from behindy_ops.facts.machine import HostFacts, parse
from behindy_ops.facts.replies import read

PRINTED = """@ system
ID=debian
PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
@ login
arch x86_64
listed admin docker
root yes
@ docker
permission denied while
compose 2.26.1
running 2
@ memory
MemTotal 2097152
swappiness{swappiness}
@ disk
90 30 /var/lib
100 40 /
80 20 /var/lib/dock
@ clock
now 1000.5
synchronized no
@ files
. 750
compose/.env link
@ end
"""


def parsed(swappiness: str = " 60") -> HostFacts:
    return parse(read(PRINTED.format(swappiness=swappiness), "@"))


def test_what_the_host_prints_is_read() -> None:
    facts = parsed()
    assert (facts.system, facts.name, facts.arch) == ("debian", "Debian GNU/Linux 13 (trixie)", "x86_64")
    assert (facts.root, facts.container, facts.next_groups) == (True, False, frozenset({"admin", "docker"}))
    assert (facts.docker, facts.docker_problem) == ("", "permission denied while")
    assert (facts.compose, facts.running, facts.synchronized) == ("2.26.1", 2, False)
    assert (facts.memory, facts.swappiness) == ({"MemTotal": 2**31}, 60)
    assert facts.files == {".": "750", "compose/.env": "link"}
    assert parsed(swappiness="").swappiness == -1


@pytest.mark.parametrize(
    ("told", "swarm"),
    [
        ("", False),
        ("swarm \nlive false\n", False),  # docker 28, of an engine that is off
        ("swarm inactive\n", False),
        ("swarm active\n", True),
        ("swarm pending\n", True),
        ("swarm \nlive false\nswarm active\n", True),  # by its file
    ],
)
def test_an_engine_that_is_off_is_in_no_swarm_that_nobody_knows_of(told: str, swarm: bool) -> None:
    assert parse(read(f"@ docker\n{told}@ end\n", "@")).swarm is swarm


def test_the_disk_that_counts_is_the_one_that_holds_dockers_data() -> None:
    assert (parsed().disk, parsed().root_free) == ((90, 30), 40)


def test_a_clock_that_fits_between_two_moments_of_ours_has_no_skew() -> None:
    at = [datetime.fromtimestamp(seconds, UTC) for seconds in (990, 1000, 1001, 1010)]
    assert [parsed().compared(*pair).skew for pair in ((at[1], at[2]), (at[0], at[1]), (at[2], at[3]))] == [
        0,
        0.5,
        -0.5,
    ]
