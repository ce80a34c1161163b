"""What a request came to, in words."""

from __future__ import annotations

from behindy_ops.facts.curl import outcome


def test_an_answer_is_its_status_whatever_curl_exited_with() -> None:
    assert outcome(503, 22) == "HTTP 503"
    assert outcome(401, 0) == "HTTP 401: the path needs a login"


def test_no_answer_has_its_reason() -> None:
    assert outcome(0, 28) == "no answer in time"
    assert outcome(0, 99) == "curl exit code 99"
