"""The certificate that nginx serves: what is wrong with it, and from how many days on."""

from __future__ import annotations

import pytest

from behindy_ops.checks import certificates
from behindy_ops.checks.certificates import LATE_DAYS
from behindy_ops.checks.check import Check, Facts, Served
from behindy_ops.facts.survey import Survey


def examine(served: Served) -> Check:
    (check,) = certificates.served(Facts(survey=Survey(), certificate=served))
    return check


@pytest.mark.parametrize(
    ("served", "problem", "words", "remedy"),
    [
        (Served(LATE_DAYS), None, "has 21 days left", ""),
        (Served(LATE_DAYS - 0.1), "certificate expires soon", "has 21 days left: it is time", "inv host.certs"),
        (Served(-2.0), "certificate expired", "expired 2 days ago", "inv host.certs"),
        (Served(10.0, ready=11.5), "certificate not loaded", "(12 days left)", "inv ops.nginx --reload"),
        (Served(80.0, ready=81.0), None, "has 80 days left", ""),
        (Served(-1.0, ready=89.0), "certificate not loaded", "expired 1 day ago", "inv ops.nginx --reload"),
        (Served(1.4, ready=2.4), "certificate expires soon", "has 1 day left", "inv host.certs"),
        (Served(80.0, distrust="self-signed"), "certificate not trusted", "self-signed", "inv host.certs"),
        (Served(None), "certificate missing", "serves no certificate", "inv host.certs"),
    ],
)
def test_each_problem_has_its_name_and_what_to_type(
    served: Served, problem: str | None, words: str, remedy: str
) -> None:
    check = examine(served)
    assert (check.problem and check.problem.name) == problem
    assert words in check.found
    assert remedy in check.remedy


def test_a_certificate_nobody_looked_at_is_not_judged() -> None:
    assert list(certificates.served(Facts(survey=Survey()))) == []
