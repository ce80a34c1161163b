"""A service is closed to visitors and opened again, on a simulated host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from behindy_ops.deploy import maintenance
from behindy_ops.errors import Kind
from behindy_ops.report.events import Decision, Warning_
from tests.kinds import raises
from tests.simulator.start import begin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator.simulation import Simulation


def close(host: Simulation, page: bytes = maintenance.PAGE) -> None:
    with host.connect() as session:
        maintenance.close(session, host.world.services["frontend"], page)


def open_again(host: Simulation) -> None:
    with host.connect() as session:
        maintenance.open_again(session, host.world.services["frontend"])


def decisions(host: Simulation) -> list[str]:
    return [event.text for event in host.events if isinstance(event, Decision)]


def test_it_is_closed_and_opened_and_both_are_in_the_history() -> None:
    host = begin()
    close(host)
    assert json.loads(host.world.maintenance["frontend"])["who"] == "somebody@somewhere"
    assert "Open it again: inv deploy.maintenance frontend --off" in decisions(host)[-1]
    open_again(host)
    assert not host.world.maintenance
    entries = [json.loads(line) for line in host.world.history[-2:]]
    assert [(entry["event"], entry["service"], entry["outcome"]) for entry in entries] == [
        ("maintenance", "frontend", "on"), ("maintenance", "frontend", "off")
    ]  # fmt: skip


def test_the_page_is_sent_behind_two_lines_and_not_on_a_command_line() -> None:
    host = begin()
    close(host, b"<p>secret\n\xf0\x9f\x94\xa7")
    (sent,) = [command for command in host.connections[-1].sent if command.argv[3:4] == ("deploy/maintenance",)]
    assert sent.stdin.split(b"\n", 2)[2] == b"<p>secret\n\xf0\x9f\x94\xa7"
    assert sent.changes
    assert not [word for word in sent.argv[4:] if "secret" in word]


def test_another_page_does_not_make_it_closed_for_a_shorter_time() -> None:
    host = begin()
    close(host)
    since = json.loads(host.world.maintenance["frontend"])["since"]
    host.world.pass_time(3600)
    close(host)
    assert json.loads(host.world.maintenance["frontend"])["since"] == since
    assert "is still in maintenance" in decisions(host)[-1]


def test_what_is_open_is_left_alone() -> None:
    host = begin()
    before = list(host.world.history)
    open_again(host)
    assert decisions(host)[-1] == "frontend is not in maintenance; nothing to do."
    assert host.world.history == before


def test_a_deploy_meanwhile_says_so_and_succeeds() -> None:
    host = begin()
    close(host)
    host.deploy("frontend", tag="good")
    (warning,) = [event.text for event in host.events if isinstance(event, Warning_)]
    assert warning.startswith("frontend is in maintenance since ")
    assert "inv deploy.maintenance frontend --off" in warning
    assert host.world.live("frontend").labels["behindy.tag"] == "good"  # type: ignore[union-attr]


def test_a_page_is_read_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_bytes("<p>점검".encode())
    assert maintenance.read_page(str(page)) == "<p>점검".encode()
    assert maintenance.read_page("") == maintenance.PAGE


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b" \n", "it is empty"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * (maintenance.MOST + 1), "more than 256 kB"),
    ],
)
def test_what_is_no_page_is_refused(tmp_path: Path, content: bytes | None, why: str) -> None:
    page = tmp_path / "page.html"
    if content is not None:
        page.write_bytes(content)
    with raises(Kind.USAGE, match=why):
        maintenance.read_page(str(page))
