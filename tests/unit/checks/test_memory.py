"""Whether one more container fits: the figures and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks import memory
from behindy_ops.checks.check import Check, Facts, Level, first_refusal, forced
from behindy_ops.errors import Kind
from behindy_ops.facts.container import Container
from behindy_ops.facts.draining import Draining
from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.survey import Stanza, Survey
from behindy_ops.project.services import Service
from tests.kinds import kind_of

MB = 2**20
BACKEND = Service("backend", "me/behindy-backend:latest", 8080, "/h", "/api/h", "/api/h")
LIVE = Container("c1", "backend", memory=400 * MB)


def host(available: int, swap: int = 0, used: int = 300, *, live: bool = True, stanza: Stanza | None = None) -> Survey:
    """A host; all figures in MB."""
    return Survey(
        memory={"MemAvailable": available * MB, "SwapFree": swap * MB},
        containers={"backend": LIVE} if live else {},
        usage={"c1": used * MB} if live else {},
        stanzas={"backend": stanza or Stanza(limit=400 * MB)},
    )


def unlimited(survey: Survey) -> Survey:
    """The same host, whose live container was given no limit."""
    return replace(survey, containers={"backend": replace(LIVE, memory=0)})


def fits(survey: Survey) -> Check:
    (check,) = memory.fits(Facts(survey=survey, services=(BACKEND,)))
    return check


def test_the_sentence_that_tells_need_and_room() -> None:
    check = fits(host(851))
    assert (check.level, check.found) == (
        Level.OK,
        "a deploy of backend needs about 300 MB; 851 MB available: fits",
    )


@pytest.mark.parametrize(
    ("survey", "need"),
    [
        (host(0, used=300), 300),
        (host(0, used=300, stanza=Stanza(limit=400 * MB, reservation=350 * MB)), 350),
        (host(0, used=500, stanza=Stanza(limit=400 * MB)), 400),
        (host(0, live=False), 400),
        (host(0, live=False, stanza=Stanza(limit=400 * MB, reservation=200 * MB)), 200),
        (host(0, live=False, stanza=Stanza()), 400),
        (host(0, used=90, stanza=Stanza()), 90),
        (host(0, used=300, stanza=Stanza(limit=600 * MB)), 450),  # the live one was given 400
        (host(0, used=400, stanza=Stanza(limit=800 * MB)), 800),  # it was at its limit, and wants more
        (host(0, used=300, stanza=Stanza(limit=600 * MB, reservation=500 * MB)), 500),
        (host(0, used=300, stanza=Stanza(limit=350 * MB)), 300),
        (host(0, used=300, stanza=Stanza(limit=250 * MB)), 250),
        (unlimited(host(0, used=90, stanza=Stanza(limit=400 * MB))), 90),
    ],
)
def test_a_candidate_needs_what_the_live_one_uses_or_its_stanza_promises_and_never_more_than_its_limit(
    survey: Survey, need: int
) -> None:
    assert memory.need(survey, BACKEND) == need * MB


@pytest.mark.parametrize(
    ("available", "swap", "level"),
    [(348, 0, Level.OK), (347, 0, Level.REFUSAL), (347, 2, Level.WARNING), (248, 200, Level.WARNING),
     (248, 198, Level.REFUSAL)],
)  # fmt: skip
def test_free_swap_counts_half_and_says_so(available: int, swap: int, level: Level) -> None:
    assert fits(host(available, swap)).level is level


def test_what_does_not_fit_offers_what_can_be_done() -> None:
    check = fits(host(100))
    for words in ("--strategy recreate", "--force", "inv ops.mem"):
        assert words in check.remedy
    assert kind_of(first_refusal([check])) is Kind.NOT_ENOUGH_MEMORY
    assert first_refusal(forced([check])) is None


def test_a_host_that_does_not_tell_its_memory_is_no_reason_to_refuse() -> None:
    assert fits(Survey()).level is Level.WARNING


@pytest.mark.parametrize(("limit", "level"), [(100, Level.OK), (101, Level.WARNING)])
def test_one_more_at_its_limit_is_added_to_all_limits(limit: int, level: Level) -> None:
    survey = Survey(
        memory={"MemTotal": 500 * MB}, containers={"backend": LIVE}, stanzas={"backend": Stanza(limit * MB)}
    )
    (check,) = memory.limits(Facts(survey=survey, services=(BACKEND,)))
    assert check.level is level


@pytest.mark.parametrize(
    ("used", "limit", "told"),
    [
        (320, 400, ["backend uses 320 MB of its limit of 400 MB (80 %)."]),
        (319, 400, []),
        (399, 400, ["backend uses 399 MB of its limit of 400 MB (99 %)."]),
        (320, 0, []),
        (0, 400, []),
    ],
)
def test_a_live_container_near_its_limit_is_told(used: int, limit: int, told: list[str]) -> None:
    survey = replace(host(900, used=used), containers={"backend": replace(LIVE, memory=limit * MB)})
    assert [check.found for check in memory.near_limit(Facts(survey=survey, services=(BACKEND,)))] == told
    candidate = replace(survey, containers={"backend-green": replace(LIVE, name="backend-green", memory=limit * MB)})
    assert not list(memory.near_limit(Facts(survey=candidate, services=(BACKEND,)))), "only what users meet"


def test_how_early_a_machine_swaps_is_not_a_containers_business() -> None:
    survey = Survey(memory={"SwapTotal": memory.ENOUGH_SWAP})
    (check,) = memory.swap(Facts(survey=survey, machine=HostFacts(swappiness=60, container=True)))
    assert check.level is Level.OK


def test_a_container_that_was_killed_and_runs_again_is_told_once_and_not_started() -> None:
    survey = Survey(containers={"backend": replace(LIVE, oom_killed=True)})
    (check,) = memory.oom(Facts(survey=survey, services=(BACKEND,), kills=(("backend", "2027-01-15T08:00:00Z"),)))
    assert (check.level, check.fix) == (Level.REFUSAL, None)


@pytest.mark.parametrize(
    ("blue", "usage", "words"),
    [
        (Container("b", "llm-blue", memory=350 * MB), {}, "which uses up to 350 MB until it is drained"),
        (Container("b", "llm-blue", memory=350 * MB), {"b": 90 * MB}, "which uses 90 MB until it is drained"),
        (Container("b", "llm-blue"), {}, "which uses some until it is drained"),
    ],
)
def test_what_the_host_still_drains_is_counted_and_named(blue: Container, usage: dict[str, int], words: str) -> None:
    drains = {"llm": Draining("b", "r1", 1_800_000_000.0)}
    crowded = host(100)
    crowded = replace(
        crowded, draining=drains, usage=crowded.usage | usage, containers=crowded.containers | {"llm-blue": blue}
    )
    check = fits(crowded)
    assert check.problem is memory.DOES_NOT_FIT
    assert f"100 MB available beside llm-blue, {words} (08:00:00 UTC at the latest)" in check.found
    gone = replace(crowded, containers=host(100).containers)
    assert "beside" not in fits(gone).found
