"""Old images of the other nodes: looked for, removed, and told; never in a deploy's way."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.deploy import elsewhere
from behindy_ops.errors import Interrupted, Kind
from behindy_ops.facts.swarm import Node, Seat, Swarm
from behindy_ops.project.services import Service
from behindy_ops.report.events import Note
from tests.scripted import Answer, Scripted, scripted
from tests.unit.facts.test_retention import ALL, REPO, SURVEY

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from behindy_ops.host.session import Session
    from behindy_ops.project.settings import Settings

WEB = Service("web", f"{REPO}:latest")
NODES = (
    Node("n1", "one", manager="leader"),
    Node("n2", "two", ssh="two:2222"),
    Node("n3", "three", ssh="three", state="down"),
    Node("n4", "four"),
)
KNOWN = replace(SURVEY, cluster=Swarm(Seat.MANAGER, "n1", NODES))
LINES = "".join(
    json.dumps({"id": each.id, "tags": [], "digests": each.digests, "created": "", "size": 5}) + "\n" for each in ALL
)
LINES = LINES.replace("@", "\\u0040")  # a line's first one would be taken for the boundary
TOLD = f"@ images\n{LINES}@ used\n@ room\nsize 10\nfree 4\n@ end\n"
OLD = (f"{REPO}@sha256:d1", f"{REPO}@sha256:d2")


@pytest.fixture
def two() -> Scripted:
    removed = f"room 4\nremoved {OLD[0]}\nkept {OLD[1]} in use\nroom 6\n"
    return scripted(deploy__images=Answer(TOLD), ops__prune=Answer(removed))


@pytest.fixture
def first(two: Scripted) -> Scripted:
    asked: list[tuple[str, int | None]] = []

    def reach(settings: Settings) -> AbstractContextManager[Session]:
        asked.append((settings.host, settings.port))
        assert asked == [("two", 2222)]
        return nullcontext(two.session)

    first = scripted((WEB,))
    first.session.reach = reach
    return first


def test_each_node_is_asked_by_its_label_and_one_that_is_not_reached_is_named(first: Scripted, two: Scripted) -> None:
    second, third, fourth = elsewhere.views(first.session, KNOWN)
    assert (second.node, second.images, second.going, second.free) == ("two", 4, OLD, 4)
    assert (third.trouble, fourth.trouble) == ("it does not answer", "it has no label behindy.ssh")
    assert two.host.ran() == ["deploy/images"]
    assert REPO in two.host.commands[0].argv


def test_old_images_are_removed_by_name_and_what_docker_keeps_is_told(first: Scripted, two: Scripted) -> None:
    second, *_ = elsewhere.views(first.session, KNOWN, remove=True)
    assert (second.removed, second.kept) == ((OLD[0],), (f"{OLD[1]} in use",))
    assert two.host.commands[-1].stdin.decode().splitlines() == [f"image {name}" for name in OLD]
    assert list(elsewhere.as_lines([second])) == [f"two: removed 1 old image; kept 1: {OLD[1]} in use."]


def test_where_the_host_did_not_say_what_stays_nothing_goes(first: Scripted, two: Scripted) -> None:
    second, *_ = elsewhere.views(first.session, replace(KNOWN, problems={"releases": "no disk"}), remove=True)
    assert (second.going, two.host.ran()) == ((), ["deploy/images"])


def notes(of: Scripted) -> list[str]:
    return [event.text for event in of.events if isinstance(event, Note)]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Kind.LOGIN_REFUSED("It refused the key."), "images of earlier releases stay there (It refused the key.)"),
        (Interrupted("Stopped by SIGTERM.", signal_number=15), "Stopped before the other nodes were asked"),
    ],
)
def test_whatever_goes_wrong_is_no_error_of_the_deploy(
    first: Scripted, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def refused(_: Settings) -> AbstractContextManager[Session]:
        raise error

    first.session.reach = refused
    monkeypatch.setattr(elsewhere, "after", lambda _: KNOWN)
    elsewhere.tidy(first.session, KNOWN)
    assert told in notes(first)[0]


def test_without_a_swarm_nobody_is_asked(first: Scripted) -> None:
    elsewhere.tidy(first.session, SURVEY)
    assert (first.host.ran(), first.events, elsewhere.told(SURVEY)) == ([], [], ())
    assert elsewhere.told(KNOWN) != ()
