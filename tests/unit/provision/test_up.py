"""What host.up does about containers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.facts.replies import read
from behindy_ops.provision.up import Action, Change, Running, Wanted, obstacles, parse, plan, words

WANTED = Wanted("db", "hash", "postgres:15", "sha256:1", "postgres")
RUNS = Running("postgres", "id", "db", "behindy-ops", "running", "healthy", "hash", "sha256:1")


@pytest.mark.parametrize(
    ("running", "action"),
    [
        ((), Action.CREATE),
        ((replace(RUNS, state="exited"),), Action.START),
        ((replace(RUNS, config="else"),), Action.REPLACE),
        ((replace(RUNS, image_id="sha256:2"),), Action.REPLACE),
    ],
)
def test_what_is_done_about_a_container(running: tuple[Running, ...], action: Action) -> None:
    (change,) = plan([WANTED], running, network=True)
    assert change.action is action
    assert ("PostgreSQL is down" in change.sentence) == (action is Action.REPLACE)


def test_a_container_that_is_as_it_should_be_is_left_alone() -> None:
    assert plan([WANTED], [RUNS], network=True) == []


def test_containers_whose_network_is_gone_are_replaced_since_they_cannot_be_moved_to_another() -> None:
    (change,) = plan([WANTED], [RUNS], network=False)
    assert change.action is Action.REPLACE
    assert "its network behindy-ops_internal is gone: PostgreSQL is down" in change.sentence
    assert plan([WANTED], [], network=False)[0].action is Action.CREATE


def test_a_name_that_compose_did_not_give_is_an_obstacle() -> None:
    assert obstacles([WANTED], [RUNS]) == []
    assert obstacles([WANTED], [Running("postgres", "id", "", "", "running", "", "", "")]) == ["postgres"]


def test_the_host_is_told_to_pull_first_and_to_replace_only_what_is_to_be_replaced() -> None:
    nginx = Wanted("nginx", "h", "nginx:1.28", "", "nginx")
    changes = [Change(WANTED, Action.REPLACE, "x"), Change(nginx, Action.CREATE)]
    told = ("pull", "nginx:1.28", "placeholder", "nginx:1.28", "recreate", "db", "create", "nginx")
    assert words(changes) == told
    assert words([]) == ()


def test_what_the_host_printed_about_its_containers_is_read() -> None:
    text = "@ services\ndb hash postgres:15 - postgres\n@ network\nthere\n"
    text += "@ containers\nredis id - - running - - -\n@ end\n"
    wanted, running, network = parse(read(text, "@"))
    assert network
    assert wanted == [Wanted("db", "hash", "postgres:15", "", "postgres")]
    assert running == [Running("redis", "id", "", "", "running", "", "", "")]
