"""Who closed a service, as the host keeps it."""

from __future__ import annotations

import pytest

from behindy_ops.facts.maintenance import Closed, parse_maintenance

CLOSED = Closed("2026-01-31T09:30:00+00:00", "앨리스@laptop")


def test_what_is_written_is_read_and_told() -> None:
    (read,) = parse_maintenance({"frontend": CLOSED.written()}).values()
    assert read == CLOSED
    assert read.described() == "since 2026-01-31 09:30:00 UTC by 앨리스@laptop"


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"who": null}'])
def test_a_page_that_somebody_put_there_closes_a_service_too(text: str) -> None:
    assert parse_maintenance({"web": text})["web"].described() == "since an unknown time by somebody"


def test_what_a_name_holds_of_control_characters_is_not_told() -> None:
    assert parse_maintenance({"web": Closed("", "a\x1b[2Jb" * 100).written()})["web"].who == ("a[2Jb" * 100)[:200]
