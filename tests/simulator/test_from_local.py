"""Images of the client's own machine, which no registry has, on a simulated host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.deploy import queue
from behindy_ops.deploy.goals import Goal
from behindy_ops.errors import BehindyError, Kind
from behindy_ops.facts.local_image import LocalImage
from behindy_ops.report.events import Decision, DeployFinished, Plan
from tests.archives import image_of
from tests.kinds import raises
from tests.simulator.docker import Behaviour
from tests.simulator.faults import Fault, plan_during
from tests.simulator.scripts import each_of, name_of
from tests.simulator.simulation import SERVICES, ClientKilled, Simulation
from tests.simulator.start import begin


@pytest.fixture
def host() -> Simulation:
    return begin()


def send(host: Simulation, tag: str, **options: object) -> LocalImage:
    image = host.build("frontend", tag)
    host.deploy("frontend", tag=tag, images={"frontend": image}, **options)  # type: ignore[arg-type]
    return image


def live_image(host: Simulation) -> str:
    live = host.world.live("frontend")
    assert live is not None
    return live.image.id


def sent_layers(host: Simulation) -> list[str]:
    return [event.facts["sent_layers"] for event in host.events if isinstance(event, DeployFinished)]


def test_an_image_of_this_machine_is_deployed_without_the_registry_and_then_only_what_changed(host: Simulation) -> None:
    host.world.engine.registry.clear()
    first, second = send(host, "one"), send(host, "two")
    assert sent_layers(host) == ["3", "1"]
    assert live_image(host) == second.id
    sent = [name_of(each) for command in host.connections[-1].sent for each in each_of(command)]
    assert sent[:3] == ["layers", "load", "start_green"]
    assert host.world.engine.images[first.id].tags == {
        "me/behindy-frontend:one", f"me/behindy-frontend:local-{first.id[7:19]}"
    }  # fmt: skip
    assert host.rules.at_rest("frontend") == ""


def test_a_rollback_and_a_restart_run_what_was_sent_with_no_registry_even_if_its_tag_has_moved_on(
    host: Simulation,
) -> None:
    host.world.engine.registry.clear()
    first = send(host, "v")
    second = host.build("frontend", "v", b"base", b"frontend needs", b"changed")
    host.deploy("frontend", tag="v", images={"frontend": second})
    assert live_image(host) == second.id
    host.roll_back("frontend")
    assert live_image(host) == first.id
    host.roll_back("frontend", to=second.id[7:21])
    assert live_image(host) == second.id
    host.restart("frontend")
    assert live_image(host) == second.id


def test_for_several_containers_it_is_sent_once() -> None:
    host = Simulation({"frontend": replace(SERVICES["frontend"], replicas=3)})
    host.world.available *= 2
    first, second = send(host, "one"), send(host, "two")
    names = ("frontend", "frontend-2", "frontend-3")
    assert {live.image.id for name in names if (live := host.world.live(name))} == {second.id}
    assert sent_layers(host) == ["3", "1"]
    sent = [name_of(each) for command in host.connections[-1].sent for each in each_of(command)]
    assert (sent.count("load"), sent.count("start_green")) == (1, 3)
    host.roll_back("frontend")
    assert [live.image.id for name in names if (live := host.world.live(name))] == [first.id] * 3
    assert [host.rules.at_rest(name) for name in names] == [""] * 3


def test_what_a_rollback_left_goes_with_the_next_deploy_and_is_no_longer_offered(host: Simulation) -> None:
    host.world.engine.registry.clear()
    send(host, "one")
    left = send(host, "two")
    host.roll_back("frontend")
    host.restart("frontend")  # which removes old images
    assert left.id not in host.world.engine.images
    with raises(Kind.IMAGE_NOT_FOUND, match="no longer on the host"):
        host.roll_back("frontend", to="two")


def test_what_a_rollback_needs_is_kept_and_what_nobody_needs_goes(host: Simulation) -> None:
    first, second, third = (send(host, tag) for tag in ("one", "two", "three"))
    host.deploy("backend", tag="mended")
    assert host.world.engine.images.keys() & {first.id, second.id, third.id} == {second.id, third.id}


def test_what_is_live_already_is_not_made_again(host: Simulation) -> None:
    send(host, "one")
    send(host, "one")
    assert [event.outcome for event in host.events if isinstance(event, DeployFinished)] == ["live", "unchanged"]
    assert sent_layers(host) == ["3", "0"]


def test_a_bad_image_is_refused_as_one_that_was_pulled(host: Simulation) -> None:
    before = live_image(host)
    image = host.build("frontend", "bad", behaviour=Behaviour(inside=500, rehearsal=500, outside=500))
    with raises(Kind.RELEASE_REFUSED):
        host.deploy("frontend", tag="bad", images={"frontend": image})
    assert live_image(host) == before


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.CUT_SILENTLY])
def test_a_connection_that_breaks_while_it_is_sent_leaves_nothing_and_the_same_run_goes_on(
    host: Simulation, fault: Fault
) -> None:
    plan_during(host, "load", fault)
    image = send(host, "one")
    assert live_image(host) == image.id
    assert [name_of(command) for command in host.connections[0].sent] == ["layers", "load"]
    assert sent_layers(host) == ["3"]  # all of it once more, since nothing half-made stays


def test_a_client_that_is_killed_while_it_sends_leaves_nothing_and_the_next_run_goes_on(host: Simulation) -> None:
    before = live_image(host)
    plan_during(host, "load", Fault.VANISHED)
    with pytest.raises(ClientKilled):
        send(host, "one")
    host.world.pass_time(70)  # in which the host ends the lease, and the load with it
    assert not host.world.busy
    assert live_image(host) == before
    assert send(host, "one").id == live_image(host)


def test_an_image_that_lost_a_layer_meanwhile_changes_nothing(host: Simulation) -> None:
    send(host, "one")
    before = live_image(host)

    def forget() -> None:
        if any(process.name == "load" for process in host.world.processes):
            for image in host.world.engine.images.values():
                image.layers = ()

    host.world.checks.append(forget)
    with pytest.raises(BehindyError, match="could not be loaded"):
        send(host, "two")
    assert live_image(host) == before


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(host: Simulation) -> None:
    send(host, "one")
    image = host.build("frontend", "two")
    goal = Goal(tag="two", images={"frontend": image})
    queue.show_plan(host.connect, [host.world.services["frontend"]], goal)
    told = [event.text for event in host.events if isinstance(event, Decision)]
    assert f"To be sent: frontend:two ({image.id[:19]}), 1 of 3 layers, 12 B before compression." in told
    (shown,) = (event for event in host.events if isinstance(event, Plan) and event.title.startswith("Plan for"))
    assert [line.split()[0] for line in shown.lines][:3] == ["layers", "send", "start"]
    assert [name_of(command) for command in host.connections[-1].sent] == ["survey", "layers"]


@pytest.mark.parametrize("dry", [True, False])
def test_an_image_of_another_architecture_is_refused_before_it_is_sent(host: Simulation, *, dry: bool) -> None:
    image = replace(image_of(b"base", reference="frontend:arm", architecture="arm64"))
    goal, services = Goal(tag="arm", images={"frontend": image}), [host.world.services["frontend"]]
    with pytest.raises(BehindyError, match="frontend:arm is built for arm64, and the host is amd64"):
        queue.show_plan(host.connect, services, goal) if dry else queue.deploy(host.connect, services, goal)
    assert "load" not in [name_of(command) for command in host.connections[-1].sent]
