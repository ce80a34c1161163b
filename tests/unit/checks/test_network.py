"""Names on the network: whose they are, who answers to two, and who does not answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.checks.check import Check, Facts, Fix, FixKind, Level
from behindy_ops.checks.network import aliases, members, names
from behindy_ops.facts.container import Container
from behindy_ops.facts.survey import Survey
from tests.named import NETWORK
from tests.unit.ops_facts import BESIDE, SERVICES, container, everybody, spread, survey


def facts(*containers: Container, **changes: object) -> Facts:
    return Facts(survey=survey(*containers, **changes), services=SERVICES, beside=BESIDE)


def named(name: str, *also: str) -> Container:
    return container(name, aliases={NETWORK: also})


def told(checks: list[Check]) -> dict[str, str]:
    return {check.subject: check.problem.name for check in checks if check.problem}


def test_on_a_host_that_is_well_every_name_has_one_container() -> None:
    given = facts(*everybody())
    assert list(names(given)) == []
    assert list(members(given)) == []
    assert [check.level for check in aliases(given)] == [Level.OK, Level.OK]


@pytest.mark.parametrize(
    ("strange", "problem", "words"),
    [
        (named("other", "backend"), "name taken twice", "other answers to backend too"),
        (named("other", "frontend-green"), "name taken twice", "frontend-green"),
        (named("backend-blue", "backend-blue"), "name taken twice", "backend-blue answers to backend-blue too"),
        (named("postgres", "postgres"), "name not answered", "postgres does not answer to db"),
    ],
)
def test_a_name_that_is_taken_twice_or_not_answered_is_told(strange: Container, problem: str, words: str) -> None:
    given = facts(*(one for one in everybody() if one.name != strange.name), strange)
    (check,) = names(given)
    assert check.problem is not None
    assert (check.subject, check.problem.name) == (strange.name, problem)
    assert words in check.found
    assert strange.name in check.remedy


def test_the_first_digits_of_an_id_are_no_name() -> None:
    backend = everybody()[0]
    assert list(names(facts(replace(backend, aliases={NETWORK: (backend.id[:12],)})))) == []


@pytest.mark.parametrize(("own", "problem"), [("backend", "alias by Compose"), ("backend-green", "alias")])
def test_an_alias_of_the_live_container_is_the_business_of_one_rule(own: str, problem: str) -> None:
    given = facts(*everybody(backend=named("backend", own)))
    assert list(names(given)) == []
    assert told(list(aliases(given))) == {"backend": problem}


@pytest.mark.parametrize("stale", [(), ("backend",)])
def test_the_next_deploy_takes_over_what_has_no_name_of_its_candidates(stale: tuple[str, ...]) -> None:
    given = facts(*everybody(backend=named("backend", "backend")), stale=frozenset(stale))
    assert [check.level for check in aliases(given)] == [Level.WARNING, Level.OK]
    given = facts(*everybody(backend=named("backend", "backend-green")), stale=frozenset(stale))
    assert [check.level for check in aliases(given)] == [Level.REFUSAL, Level.OK]


def test_whoever_belongs_on_the_network_and_is_not_there_can_be_connected() -> None:
    given = facts(*everybody(redis=replace(container("redis"), addresses={})))
    (check,) = members(given)
    assert (check.subject, check.fix) == ("redis", Fix(FixKind.CONNECT, "redis"))
    assert list(members(Facts(survey=Survey(), services=SERVICES))) == []


def test_what_the_compose_file_puts_on_other_networks_is_not_missed_here() -> None:
    gone = [replace(each, addresses={}) if each.name == "postgres" else each for each in everybody()]
    assert [check.subject for check in members(facts(*gone))] == ["postgres"]
    given = facts(*gone)
    apart = replace(given, survey=replace(given.survey, names=replace(given.survey.names, apart=("db",))))
    assert list(members(apart)) == []


def test_a_worker_that_is_declared_on_other_networks_is_not_missed_and_a_service_with_a_port_is() -> None:
    gone = [replace(each, addresses={}) if each.name in ("backend", "frontend") else each for each in everybody()]
    given = facts(*gone)
    worker, frontend = replace(SERVICES[0], port=0), SERVICES[1]
    apart = replace(given.survey.names, apart=("backend", "frontend"))
    for names_, missed in ((given.survey.names, ["backend", "frontend"]), (apart, ["frontend"])):
        known = replace(given, services=(worker, frontend), survey=replace(given.survey, names=names_))
        assert [check.subject for check in members(known)] == missed


def test_who_is_off_the_network_of_all_nodes_is_told_with_its_name() -> None:
    given = facts(*everybody(backend=spread("backend")))
    found = [check for check in members(given) if check.problem]
    assert {check.subject for check in found} == {"nginx", "postgres", "redis"}
    assert f"is not on the network {NETWORK}-swarm" in found[0].found
    assert found[0].fix == Fix(FixKind.CONNECT, found[0].subject)
    assert not [check for check in members(facts(*everybody())) if check.problem]
