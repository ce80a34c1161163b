"""The services and what they need: where one fact more makes another finding of it, or none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from behindy_ops.checks.check import Check, Facts, Level
from behindy_ops.checks.services import answers, dependencies, leftovers, maintenance, ports, several
from behindy_ops.checks.services import stopped as not_well
from behindy_ops.facts.changing import Changing
from behindy_ops.facts.container import Container
from behindy_ops.facts.maintenance import Closed
from behindy_ops.facts.upstream import Answer, Upstream
from tests.unit.ops_facts import SERVICES, container, everybody, spread, stopped, survey, task

BACKEND = SERVICES[:1]
GOOD, BAD = Answer(200, 0.1), Answer(problem="no answer in time")


def facts(*containers: Container, upstream: Upstream | None = None, **beside: str) -> Facts:
    upstreams = (upstream,) if upstream else ()
    return Facts(survey=survey(*containers), services=BACKEND, upstreams=upstreams, beside=beside)


def told(checks: Iterable[Check]) -> list[tuple[str, Level]]:
    return [(check.problem.name, check.level) for check in checks if check.problem]


def test_a_port_that_the_next_deploy_closes_is_no_obstacle_to_it() -> None:
    (check,) = ports(facts(container("backend", published=("8080/tcp",))))
    assert told([check]) == [("published port", Level.WARNING)]
    assert "until its next deploy" in check.found


def test_only_the_database_and_the_cache_have_to_be_closed_to_the_world() -> None:
    given = [container(name, published=("9000/tcp",)) for name in ("redis", "dashboard")]
    checks = list(dependencies(facts(*given, redis="redis", dashboard="dashboard")))
    assert [check.subject for check in checks] == ["redis"]


def test_a_leftover_beside_a_live_container_that_does_not_serve_hurts() -> None:
    assert told(leftovers(facts(container("backend"), container("backend-green")))) == [("leftover", Level.WARNING)]
    assert told(leftovers(facts(stopped("backend"), container("backend-green")))) == [("leftover", Level.REFUSAL)]


def test_what_somebody_is_at_is_neither_left_nor_incomplete() -> None:
    known = facts(container("backend"), container("backend-green"))
    twice = replace(known, services=(replace(SERVICES[0], replicas=2),))
    assert told(several(twice)) == [("replicas", Level.WARNING)]
    busy = replace(twice, survey=replace(known.survey, changing=Changing("kim@mac", "deploy of backend", "now")))
    (check,) = leftovers(busy)
    assert (check.problem, "kim@mac is changing this host" in check.found) == (None, True)
    assert told(several(busy)) == []


def test_a_live_container_whose_own_health_check_fails_is_told_though_it_runs() -> None:
    assert told(not_well(facts(container("backend", health="unhealthy")))) == [
        ("own health check failed", Level.REFUSAL)
    ]
    for health in ("healthy", "starting", ""):
        assert told(not_well(facts(container("backend", health=health)))) == []


def test_a_name_that_leads_nowhere_is_told_once_and_of_a_container_off_the_network_not_at_all() -> None:
    nowhere = Upstream("backend", (), "10.0.0.2", BAD, BAD, "https://b.me/")
    assert told(answers(facts(*everybody(), upstream=nowhere))) == [("name leads elsewhere", Level.REFUSAL)]
    assert told(answers(facts(*everybody(), upstream=replace(nowhere, address="")))) == []


def test_a_closed_service_is_told_once_and_its_503_is_no_fault_of_nginx() -> None:
    upstream = Upstream("backend", ("10.0.0.2",), "10.0.0.2", GOOD, Answer(503, 0.1), "https://b.me/")
    given = facts(*everybody(), upstream=upstream)
    assert told(answers(given)) == [("bad gateway", Level.REFUSAL)]
    closed = replace(given, survey=replace(given.survey, maintenance={"backend": Closed()}))
    assert told(answers(closed)) == []
    assert told(maintenance(closed)) == [("in maintenance", Level.WARNING)]
    for other in (replace(upstream, public=Answer(502, 0.1)), replace(upstream, direct=BAD)):
        assert told(answers(replace(closed, upstreams=(other,)))) != []


def test_a_service_that_is_asked_through_a_closed_one_is_not_at_fault_either() -> None:
    upstream = Upstream("backend", ("10.0.0.2",), "10.0.0.2", GOOD, Answer(503, 0.1), "https://b.me/")
    given = facts(*everybody(), upstream=upstream)
    closed = replace(given.survey, maintenance={"gate": Closed()})
    assert told(answers(replace(given, survey=closed))) == [("bad gateway", Level.REFUSAL)]
    through = (replace(BACKEND[0], through="gate"),)
    assert told(answers(replace(given, survey=closed, services=through))) == []


def test_a_container_on_further_networks_has_as_many_addresses() -> None:
    on_two = [replace(one, addresses={**one.addresses, "egress": "10.0.1.2"}) for one in everybody()]
    both = Upstream("backend", ("10.0.0.2", "10.0.1.2"), "10.0.0.2", GOOD, GOOD, "https://b.me/")
    assert told(answers(facts(*on_two, upstream=both))) == []
    assert told(answers(facts(*on_two, upstream=replace(both, resolves=("10.0.0.9",))))) != []


def test_one_of_which_no_task_runs_is_nothing_that_docker_could_start() -> None:
    died = task(1, "beta", wanted="shutdown", state="failed", error="exit (3)")
    web = spread("backend", died, running=False, status="exited", trouble="it failed on beta (exit (3))")
    (check,) = not_well(facts(web))
    assert (check.problem is not None and check.problem.name, check.fix) == ("no task runs", None)
    assert "it failed on beta (exit (3))" in check.evidence
