"""Whether nginx can tell visitors apart."""

from __future__ import annotations

import pytest

from behindy_ops.checks.check import Facts
from behindy_ops.checks.visitors import visitors
from behindy_ops.facts.replies import Reply
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.visitors import Visitors, parse
from behindy_ops.project.names import Names

OWN, OWN6, CDN, CDN6 = "198.51.100.7", "2001:db8::7", "104.21.3.4", "2606:4700:3030::6815:1"


def problem(found: Visitors, *files: str) -> str | None:
    checks = list(visitors(Facts(survey=Survey(files=dict.fromkeys(files, "644")), visitors=found)))
    assert all(check.level.value != "refusal" for check in checks)
    return checks[0].problem.name if checks and checks[0].problem else "ok" if checks else None


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Visitors(), None),
        (Visitors((OWN,)), "ok"),
        (Visitors((OWN, OWN6)), "visitors hidden by IPv6"),
        (Visitors((OWN6,)), "visitors hidden by IPv6"),
        (Visitors((OWN, OWN6), ipv6=True), "ok"),
        (Visitors((OWN, OWN6), ipv6=True, lacks="restart"), "ok"),
        (Visitors((OWN, OWN6), ipv6=True, lacks="rules"), "visitors hidden by IPv6"),
        (Visitors((CDN,)), "visitors hidden by a CDN"),
        (Visitors((CDN, CDN6)), "visitors hidden by a CDN"),
        (Visitors((CDN6,), ipv6=True), "visitors hidden by a CDN"),
    ],
)
def test_what_hides_visitors_is_told_and_nothing_that_is_uncertain(found: Visitors, said: str | None) -> None:
    assert problem(found) == said


def test_a_cdn_that_nginx_trusts_hides_nobody() -> None:
    assert problem(Visitors((CDN, CDN6)), "nginx/real_ip.conf") == "ok"


def test_a_name_that_the_host_itself_leads_to_loopback_says_nothing() -> None:
    lines = ["leads 127.0.0.1", "leads ::1", f"leads {OWN}", "ipv6 fd00::2"]
    assert parse(Reply({"visitors": lines})) == Visitors((OWN,), ipv6=True)
    assert parse(Reply({"visitors": [*lines, "lacks rules"]})) == Visitors((OWN,), ipv6=True, lacks="rules")
    assert parse(Reply()) == Visitors()


def test_another_projects_nginx_is_told_of_its_visitors_there() -> None:
    survey = Survey(names=Names(shared="/srv/first"))
    assert list(visitors(Facts(survey=survey, visitors=Visitors((CDN,))))) == []
