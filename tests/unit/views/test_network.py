"""``ops.network``: who is on it, who is missing, and names that lead to two."""

from __future__ import annotations

import pytest

from behindy_ops.views import network
from behindy_ops.views.view import as_json
from tests.named import NETWORK
from tests.unit.ops_facts import container, everybody, seen, spread, survey, text_of


def test_everyone_is_there() -> None:
    view = network.describe(seen(survey(*everybody()), subnet="10.0.0.0/24 "))
    assert (view.subnet, view.absent) == ("10.0.0.0/24", ())
    assert {one.needed for one in view.members} == {""}
    assert "Everyone who should be here is" in text_of(network.lines(view))
    assert network.connect(view) is None


def test_who_is_missing_is_connected_with_the_name_others_ask_for() -> None:
    found = survey(*everybody(backend=container("backend", addresses={}), postgres=container("postgres", addresses={})))
    view = network.describe(seen(found))
    assert [(one.name, one.exists, one.aliases) for one in view.absent] == [
        ("postgres", True, ("db",)),
        ("backend", True, ()),
    ]
    command = network.connect(view)
    assert command is not None
    assert command.changes
    assert command.argv[-5:] == (NETWORK, "postgres", "db", "backend", "-")
    alone = network.connect(view, "backend")
    assert alone is not None
    assert alone.argv[-3:] == (NETWORK, "backend", "-")
    assert network.connect(view, "redis") is None
    assert "inv ops.network --fix" in text_of(network.lines(view))


def test_a_container_that_does_not_exist_cannot_be_connected() -> None:
    view = network.describe(seen(survey(*everybody()[:2])))
    assert {one.name for one in view.absent} == {"nginx", "postgres", "redis"}
    assert network.connect(view) is None


@pytest.mark.parametrize(
    ("name", "remedy"), [("backend", "inv deploy.backend"), ("backend-green", "inv host.adopt backend")]
)
def test_an_alias_that_outlives_a_rename_is_told_with_what_to_type(name: str, remedy: str) -> None:
    bad = container("backend", aliases={NETWORK: (name, "abc")})
    view = network.describe(seen(survey(*everybody(backend=bad))))
    (member,) = [one for one in view.members if one.trouble]
    assert "keeps its name as a DNS alias" in member.trouble
    assert remedy in text_of(network.lines(view))


def test_a_stranger_that_answers_to_a_service_or_to_the_database_is_told_and_not_its_owner() -> None:
    stranger = container("by-hand", aliases={NETWORK: ("backend-green", "db")})
    view = network.describe(seen(survey(*everybody(), stranger)))
    assert {one.name: one.trouble for one in view.members if one.trouble} == {
        "by-hand": "by-hand answers to backend-green, db too: whoever asks for that gets one or the other.",
    }


def test_a_database_that_lost_its_alias_is_told_with_what_to_type() -> None:
    view = network.describe(seen(survey(*everybody(postgres=container("postgres")))))
    assert {one.name: one.needed for one in view.members if one.needed} == {"postgres": "db"}
    assert f"docker network connect --alias db {NETWORK} postgres" in text_of(network.lines(view))


def test_dockers_own_alias_is_no_name() -> None:
    own = container("backend")
    own = container("backend", aliases={NETWORK: (own.id[:12],)})
    view = network.describe(seen(survey(*everybody(backend=own))))
    assert next(one.aliases for one in view.members if one.name == "backend") == ()


def test_no_network_at_all() -> None:
    view = network.describe(seen(survey(*everybody(), network=False)))
    assert "inv host.up" in text_of(network.lines(view))
    assert network.connect(view) is None


def test_who_of_the_first_host_is_not_on_the_network_of_all_nodes_is_connected_to_that() -> None:
    both = {NETWORK: "10.0.0.2", f"{NETWORK}-swarm": "10.1.0.9"}
    view = network.describe(
        seen(survey(*everybody(backend=spread("backend"), nginx=container("nginx", addresses=both))))
    )
    assert view.absent == ()
    assert view.overlay is not None
    assert [(one.name, one.address, one.node) for one in view.overlay.members] == [
        ("backend.1", "10.1.0.1", "beta"),
        ("backend.2", "10.1.0.2", "gamma"),
        ("nginx", "10.1.0.9", ""),
    ]
    (command,) = network.commands(view)
    assert command.argv[-5:] == (f"{NETWORK}-swarm", "postgres", "db", "redis", "-")
    assert [one.argv[-3:] for one in network.commands(view, "postgres")] == [(f"{NETWORK}-swarm", "postgres", "db")]
    said = text_of(network.lines(view))
    assert "backend.2 10.1.0.2 gamma" in said
    assert f"redis should be on {NETWORK}-swarm too: it is not connected" in said


def test_without_a_swarm_there_is_one_network() -> None:
    view = network.describe(seen(survey(*everybody())))
    assert view.overlay is None
    assert "overlay" not in as_json("network", view)
