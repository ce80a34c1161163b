"""nginx, where one fact more makes another finding of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from behindy_ops.checks.check import Facts, Fix, FixKind, Level
from behindy_ops.checks.nginx import inside, nginx, static_names
from behindy_ops.facts.survey import Stanza
from behindy_ops.facts.upstream import Answer, Upstream
from behindy_ops.project.names import Names
from tests.unit.ops_facts import SERVICES, container, stopped, survey

GOOD, BAD = Answer(200, 0.1), Answer(502, 0.1)


def test_what_restarts_over_and_over_is_not_started_once_more() -> None:
    (check,) = nginx(Facts(survey=survey(container("nginx", status="restarting", restarting=True))))
    assert "restarts over and over" in check.found
    assert check.fix is None
    (check,) = nginx(Facts(survey=survey(stopped("nginx"))))
    assert check.fix == Fix(FixKind.START, "nginx")


@pytest.mark.parametrize(
    ("direct", "public", "hurts"), [(GOOD, BAD, True), (BAD, BAD, False), (GOOD, Answer(500, 0.1), False)]
)
def test_a_static_upstream_hurts_when_nginx_alone_does_not_reach_the_service(
    direct: Answer, public: Answer, hurts: bool
) -> None:
    upstream = Upstream("backend", ("10.0.0.2",), "10.0.0.2", direct, public, "https://b.me/")
    given = Facts(survey=survey(stale=frozenset({"backend"})), services=SERVICES, upstreams=(upstream,))
    (check,) = static_names(given)
    assert check.level is (Level.REFUSAL if hurts else Level.WARNING)
    assert check.fix == (Fix(FixKind.RELOAD) if hurts else None)


@pytest.mark.parametrize(
    ("asks", "listening", "said"),
    [
        ((8000,), {80, 443, 8000}, "ok: http://nginx:8000"),
        ((8000,), {80, 443}, "refusal: http://nginx:8000"),
        ((3000, 8000, 8443), {443, 8000}, "refusal: http://nginx:3000, http://nginx:8443"),
        ((), {80}, None),
        ((8000,), set(), None),
    ],
)
def test_who_asks_nginx_inside_the_network_needs_one_that_listens_there(
    asks: tuple[int, ...], listening: set[int], said: str | None
) -> None:
    stanzas = {"backend": Stanza(asks=asks)}
    checks = list(inside(Facts(survey=survey(stanzas=stanzas, listening=frozenset(listening)), services=SERVICES)))
    told = [(check, ", ".join(re.findall(r"http:\S+\d", check.found))) for check in checks]
    assert [f"{check.level.value}: {urls}" for check, urls in told] == ([said] if said else [])
    assert all("inv host.sync, then inv host.up" in check.remedy for check in checks if check.problem)


def test_another_projects_nginx_is_looked_at_and_not_started() -> None:
    theirs = Names(shared="/srv/first")
    for there in (survey(), survey(stopped("nginx"))):
        (check,) = nginx(Facts(survey=replace(there, names=theirs)))
        assert check.level is Level.REFUSAL
        assert check.found.endswith(" It is that of the project in /srv/first.")
        assert check.fix is None
