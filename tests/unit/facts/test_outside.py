"""The public name: what a look that did not meet nginx came to, and what was seen from here."""

from __future__ import annotations

import pytest

from behindy_ops.facts.outside import Failure, Sighting, misled


@pytest.mark.parametrize(
    ("told", "candidate", "words"),
    [
        (
            {"look": "000 28 none", "leads": "203.0.113.9", "near": "200 0 -green", "met": ""},
            True,
            "no answer in time: the name leads to 203.0.113.9 on the host, while nginx answers well at 127.0.0.1",
        ),
        (
            {"look": "000 6 none", "leads": "", "near": "404 0 -green", "met": ""},
            True,
            "the name does not resolve: the name leads to nothing on the host",
        ),
        (
            {"look": "200 0 none", "leads": "192.0.2.9 2001::9", "near": "200 0 -green", "met": "192.0.2.9 cdn\x1b"},
            True,
            "HTTP 200 by 192.0.2.9 (cdn), which is another server, or drops the rehearsal's header: the name leads",
        ),
        ({"look": "000 7 none", "leads": "10.0.0.1", "near": "302 0 none"}, False, "connection refused: the name"),
        ({"look": "000 28 none", "leads": "127.0.0.1 ::1", "near": "200 0 none"}, False, ""),
        ({"look": "000 7 none", "leads": "10.0.0.1", "near": "502 0 none"}, False, ""),
        ({"look": "000 7 none", "leads": "10.0.0.1", "near": "000 7 none"}, True, ""),
        ({"look": "200 0 none", "leads": "10.0.0.1", "near": "200 0 none"}, True, ""),
        ({"look": "200 0 none"}, True, ""),
    ],
    ids=["no hairpin", "no name", "another server", "a redirect", "slow", "bad", "nginx is down", "no token", "old"],
)  # fmt: skip
def test_a_name_that_does_not_lead_to_a_good_nginx_is_told_apart(
    told: dict[str, str], candidate: bool, words: str
) -> None:
    said = misled(told, candidate=candidate)
    assert words in said
    assert bool(said) == bool(words)


def test_what_was_seen_is_told_in_a_few_words() -> None:
    assert Sighting("u", met="192.0.2.1", status=200, server="nginx").told == "HTTP 200 from 192.0.2.1 (nginx)"
    refused = Sighting("u", met="192.0.2.1", failure=Failure.NO_CONNECTION, said="connection refused")
    assert refused.told == "connection refused at 192.0.2.1"
    assert Sighting("u", failure=Failure.NO_NAME).told == "the name does not resolve"
