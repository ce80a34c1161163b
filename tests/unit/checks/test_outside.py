"""What this machine saw, and what that says; Docker's firewall rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from behindy_ops.checks.check import Check, Facts, Level, Served
from behindy_ops.checks.outside import firewall, public_name, seen
from behindy_ops.facts.outside import Failure, Past, Sighting
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.upstream import Answer, Upstream

URL = "https://b.me/"
GOOD = Sighting(URL, ("203.0.113.9",), "203.0.113.9", 200, "nginx", "2027-01-01T00:00:00+00:00", "CN=R3")
PAST = Past(("203.0.113.9",), 200)
OWN = Served(60.0, until=GOOD.until)
MOVED = replace(GOOD, leads=("198.51.100.7",), met="198.51.100.7", until="2026-12-01T00:00:00+00:00")


def failed(failure: Failure, said: str = "why", **changes: Any) -> Sighting:
    return replace(GOOD, status=0, server="", failure=failure, said=said, **changes)


def look(sight: Sighting, host: Answer | None = None, **changes: Any) -> Check:
    upstreams = (Upstream("web", (), "", Answer(200), host or Answer(200), URL),)
    known: dict[str, Any] = {"past": PAST, "certificate": OWN, "upstreams": upstreams, **changes}
    (check,) = seen(Facts(survey=Survey(), outside=sight, **known))
    return check


@pytest.mark.parametrize(
    ("sight", "problem", "words"),
    [
        (
            failed(Failure.NO_CONNECTION, "no connection in time"),
            "not reachable from outside",
            "in time at 203.0.113.9",
        ),
        (failed(Failure.NO_NAME, "", met=""), "no public name", "the name does not resolve"),
        (failed(Failure.NOT_TRUSTED, "unable to get local issuer"), "not trusted from outside", "local issuer"),
        (failed(Failure.NO_ANSWER, "no answer (EOF)"), "answers otherwise from outside", "gets no answer (EOF)"),
        (replace(GOOD, status=403, server="cdn"), "answers otherwise from outside", "HTTP 403"),
        (replace(GOOD, status=502), "answers otherwise from outside", "HTTP 502 from 203.0.113.9 (nginx)"),
        (MOVED, "public name leads elsewhere", "Another server"),
    ],
    ids=["firewall", "DNS", "chain", "cut", "CDN refuses", "another nginx is unwell", "moved"],
)
def test_what_the_host_does_not_see_is_a_warning_at_most(sight: Sighting, problem: str, words: str) -> None:
    check = look(sight)
    assert check.problem is not None
    assert (check.problem.name, check.level) == (problem, Level.WARNING)
    assert words in check.found
    assert check.remedy
    assert "on the host the name leads to 203.0.113.9" in check.evidence


@pytest.mark.parametrize(
    ("sight", "host"),
    [
        (GOOD, None),
        (replace(MOVED, server="cloudflare"), None),
        (replace(MOVED, met="203.0.113.9"), None),
        (failed(Failure.NOT_ASKED, "this machine has no route to it"), None),
        (replace(GOOD, status=502), Answer(502)),
        (failed(Failure.NO_CONNECTION), Answer(problem="connection refused")),
        (replace(GOOD, status=503, closed=True), None),
    ],
    ids=[
        "well",
        "a CDN",
        "TLS is opened on the way",
        "this machine is cut off",
        "as on the host",
        "down",
        "maintenance",
    ],
)
def test_what_is_meant_or_told_by_other_rules_or_about_this_machine_is_no_problem(
    sight: Sighting, host: Answer | None
) -> None:
    assert look(sight, host).level is Level.OK


def test_whose_certificate_it_is_is_told() -> None:
    assert look(failed(Failure.NOT_TRUSTED)).evidence[-1].endswith("by CN=R3, until 2027-01-01 (nginx's own)")
    other = failed(Failure.NOT_TRUSTED, until="2026-01-01T00:00:00+00:00")
    assert look(other).evidence[-1].endswith("until 2026-01-01 (not nginx's own)")


def test_a_deploy_knows_less_and_says_what_it_knows() -> None:
    (check,) = seen(Facts(survey=Survey(), outside=failed(Failure.NO_CONNECTION)))
    assert check.evidence[0] == "asked here: 203.0.113.9"
    assert [*seen(Facts(survey=Survey()))] == []


def test_a_host_that_does_not_reach_its_own_name_is_not_ready_for_a_deploy() -> None:
    assert [*public_name(Facts(survey=Survey()))] == []
    (check,) = public_name(Facts(survey=Survey(misled=(28, ("203.0.113.9",)))))
    assert (check.level, check.name) == (Level.REFUSAL, "public name")
    assert "(no answer in time): it leads to 203.0.113.9 there" in check.found
    assert "BEHINDY_PUBLIC_ADDRESS=127.0.0.1" in check.remedy


@pytest.mark.parametrize(("rules", "levels"), [("", []), ("gone", [Level.REFUSAL]), ("passed", [Level.WARNING])])
def test_dockers_rules_are_missed_for_sure_only_where_they_may_be_read(rules: str, levels: list[Level]) -> None:
    checks = list(firewall(Facts(survey=Survey(), rules=rules)))
    assert [check.level for check in checks] == levels
    assert all("systemctl restart docker" in check.remedy for check in checks)
