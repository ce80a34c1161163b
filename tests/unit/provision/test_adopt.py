"""What host.adopt makes of a container that was started in another way, and what the preflight says of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from behindy_ops.checks.check import Level
from behindy_ops.checks.preflight import examine
from behindy_ops.errors import Kind
from behindy_ops.facts.container import Container
from behindy_ops.facts.release import Labels
from behindy_ops.facts.survey import Survey
from behindy_ops.facts.swarm import Seat, Swarm
from behindy_ops.host.session import Session
from behindy_ops.project.settings import Settings
from behindy_ops.provision.adopt import adopt, as_json, describe, lines
from behindy_ops.report.events import StepDone
from tests.kinds import raises
from tests.named import NETWORK
from tests.scripted import Answer, Scripted, scripted
from tests.simulator.simulation import SERVICES

FRONTEND = SERVICES["frontend"]
RUN = Container("c1", "frontend", restart_policy="always", published=("3000/tcp",), addresses={NETWORK: "10.0.0.2"})
COMPOSE = replace(RUN, labels={"com.docker.compose.project": "old"}, aliases={NETWORK: ("frontend", "c1")})
OURS = replace(RUN, labels={"com.docker.compose.project": "behindy-x", Labels.release: "r1"}, published=())
ALIASED = replace(OURS, aliases={NETWORK: ("frontend",)})
MANAGER = Swarm(Seat.MANAGER)
GREEN = replace(COMPOSE, aliases={NETWORK: ("frontend", "frontend-green")})


def host(live: Container | None, *stale: str) -> Survey:
    containers = {"frontend": live} if live else {}
    return Survey(docker="26.1", tools=frozenset({"docker"}), containers=containers, stale=frozenset(stale))


@pytest.mark.parametrize(
    ("live", "stale", "started", "method"),
    [
        (None, (), "not there", "none"),
        (RUN, (), "docker run", "deploy"),
        (RUN, ("frontend",), "docker run", "deploy"),
        (COMPOSE, (), "Compose (project old)", "deploy"),
        (COMPOSE, ("frontend",), "Compose (project old)", "deploy"),
        (GREEN, (), "Compose (project old)", "moment"),
        (GREEN, ("frontend",), "Compose (project old)", "moment"),
        (replace(GREEN, running=False), (), "Compose (project old)", "deploy"),
        (OURS, (), "this tool", "none"),
        (ALIASED, (), "this tool", "none"),
    ],
)
def test_how_it_was_started_decides_what_takes_it_over(
    live: Container | None, stale: tuple[str, ...], started: str, method: str
) -> None:
    (found,) = describe(host(live, *stale), [FRONTEND])
    assert (found.started, found.method) == (started, method)


def test_a_swarm_cannot_leave_a_name_to_what_compose_has_named() -> None:
    (found,) = describe(replace(host(COMPOSE), cluster=MANAGER), [FRONTEND])
    assert found.method == "moment"
    (found,) = describe(replace(host(COMPOSE, "frontend"), cluster=MANAGER), [FRONTEND])
    assert found.method == "deploy"


def test_the_view_names_everything_in_80_columns() -> None:
    found = describe(host(GREEN), [FRONTEND])
    told = [line.text for line in lines(found)]
    assert max(map(len, told)) <= 80
    text = " ".join(" ".join(told).split())
    for words in ("Compose (project old)", "3000/tcp", "always", "memory limit: none", NETWORK, "moment of downtime"):
        assert words in text
    assert as_json(found)["services"]


@pytest.mark.parametrize(
    ("live", "cluster", "level", "remedy"),
    [
        (COMPOSE, Swarm(), Level.WARNING, "inv deploy.frontend"),
        (GREEN, Swarm(), Level.REFUSAL, "inv host.adopt frontend"),
        (COMPOSE, MANAGER, Level.REFUSAL, "inv host.adopt frontend"),
    ],
)
def test_an_alias_is_an_obstacle_only_where_nginx_cannot_be_led_past_it(
    live: Container, cluster: Swarm, level: Level, remedy: str
) -> None:
    checks = examine(replace(host(live), cluster=cluster), FRONTEND, Settings(host="h"))
    (found,) = (check for check in checks if check.name == "aliases")
    assert found.level is level
    assert remedy in found.remedy


def test_a_container_answers_to_its_aliases_on_the_services_network_only() -> None:
    assert Survey().answers_to(COMPOSE, "frontend")
    assert not Survey().answers_to(replace(COMPOSE, aliases={"other": ("frontend",)}), "frontend")
    assert not Survey().answers_to(None, "frontend")


@dataclass
class Surveyed(Session):
    """A session that finds the live container as it is given."""

    found: Survey = field(default_factory=Survey)

    def lock(self, what: str, wait: float = 0.0) -> Survey:
        super().lock(what, wait)
        return self.found


def run(shown: Container, found: Container, *, answer: bool = True, unalias: Answer | None = None) -> Scripted:
    there = scripted([FRONTEND], host__unalias=unalias or Answer("cut 0\n"))
    settings, events = there.session.settings, there.events
    session = Surveyed(
        there.host, there.session.project, settings, [FRONTEND], events.append, "tester", found=host(found)
    )
    adopt(session, describe(host(shown), [FRONTEND]), lambda _: answer, task="host.adopt frontend")
    return there


def test_after_a_yes_the_aliases_are_taken_away() -> None:
    there = run(GREEN, GREEN)
    assert there.host.locked == ["host.adopt frontend"]
    assert there.host.ran() == ["host/unalias"]
    assert [event.detail for event in there.events if isinstance(event, StepDone)][-1] == "at a quiet moment"


def test_what_needs_no_downtime_is_left_to_the_next_deploy_and_a_no_is_a_no() -> None:
    assert run(RUN, RUN).host.locked == []
    assert run(COMPOSE, COMPOSE).host.locked == []
    assert run(GREEN, GREEN, answer=False).host.locked == []


def test_a_container_that_was_replaced_meanwhile_is_left_alone() -> None:
    with raises(Kind.HOST_NOT_READY, match="inv host.adopt frontend"):
        run(GREEN, OURS)


def test_aliases_that_could_not_be_taken_away_leave_a_way_out() -> None:
    with raises(Kind.REMOTE_COMMAND_FAILED, match="inv ops.network --fix"):
        run(GREEN, GREEN, unalias=Answer("", 1))


def test_what_a_deploy_takes_over_is_told_with_the_ports_that_close() -> None:
    told = " ".join(line.text.strip() for line in lines(describe(host(RUN), [FRONTEND])))
    assert "inv deploy.frontend" in told
    assert "closes its published ports (3000/tcp)" in told
    assert [line.text for line in lines(describe(host(None), [FRONTEND]))] == ["frontend: not there"]
