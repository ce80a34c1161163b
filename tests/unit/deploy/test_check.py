"""deploy.check and the preflight of a deploy: which rules apply, when the registry is asked, how it is told."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from behindy_ops.checks.check import Check, Level
from behindy_ops.deploy import check
from behindy_ops.deploy.check import require_ready
from behindy_ops.errors import STILL_RUNNING, UNCHANGED, Kind
from behindy_ops.facts.image import Image
from behindy_ops.facts.survey import Survey
from behindy_ops.host.command import Command, Result
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import Warning_
from tests.archives import image_of
from tests.kinds import kind_of, raises
from tests.unit.ready import BACKEND, MIB, SURVEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behindy_ops.facts.local_image import LocalImage
    from behindy_ops.host.session import Session
    from behindy_ops.report.events import Event

NO_SUCH = "manifest me/behindy-backend:v2\nended 1 no such manifest\n"
SMALL = (
    "arch amd64\nmanifest me/behindy-backend:v2\n"
    '{"SchemaV2Manifest": {"layers": [{"digest": "a", "size": 1048576, "mediaType": "x.tar"}]}}\n'
    "ended 0 \n"
)


class Desk:
    """A session whose host answers every question alike, and what was asked and told."""

    def __init__(self, survey: Survey, answer: str = "", code: int = 0) -> None:
        self.survey = survey
        self.answer, self.code = answer, code
        self.asked: list[Command] = []
        self.events: list[Event] = []
        self.detail = ""

    def session(self) -> Session:
        parts = SimpleNamespace(
            services=(BACKEND,),
            settings=Settings(host="h"),
            host=SimpleNamespace(run=self.run),
            look=lambda: self.survey,
            emit=self.events.append,
            step=self.step,
        )
        return cast("Session", parts)

    def run(self, command: Command) -> Result:
        self.asked.append(command)
        return Result(command, self.code, self.answer, "no route" if self.code else "", 0.1)

    @contextlib.contextmanager
    def step(self, *_: str) -> Iterator[SimpleNamespace]:
        step = SimpleNamespace(detail="")
        yield step
        self.detail = step.detail


def checks(desk: Desk) -> dict[str, Check]:
    (found,) = check.check_services(desk.session(), "v2")
    return {one.name: one for one in found.checks}


def test_the_registry_is_asked_and_what_it_says_counts() -> None:
    found = checks(Desk(SURVEY, SMALL))
    assert found["image"].found == "the registry has me/behindy-backend:v2"
    assert found["disk"].found.startswith("new layers of backend take about 1.0 MB")
    missing = checks(Desk(SURVEY, NO_SUCH))["image"]
    assert (missing.level, kind_of(missing.error())) == (Level.REFUSAL, Kind.IMAGE_NOT_FOUND)
    assert "no route" in checks(Desk(SURVEY, code=1))["image"].found


def test_the_registry_is_asked_too_about_the_images_of_this_service_that_the_host_has() -> None:
    images = (Image("i", (), ("me/behindy-backend@sha256:aa", "me/other@sha256:bb")),)
    checks(desk := Desk(replace(SURVEY, images=images), SMALL))
    assert desk.asked[0].argv[-2:] == ("me/behindy-backend:v2", "me/behindy-backend@sha256:aa")


def test_without_docker_nothing_else_is_looked_at_and_nobody_asked() -> None:
    desk = Desk(replace(SURVEY, docker=""))
    assert list(checks(desk)) == ["docker"]
    assert desk.asked == []


def test_what_an_interrupted_run_left_is_no_obstacle_to_a_deploy() -> None:
    blue = replace(SURVEY.containers["backend"], name="backend-blue")
    left = replace(SURVEY, containers={"nginx": SURVEY.containers["nginx"], "backend-blue": blue})
    (found,) = check.check_services(Desk(left, SMALL).session(), "v2")
    (leftover,) = (one for one in found.checks if one.name == "leftovers")
    assert (leftover.level, found.refusal) == (Level.WARNING, None)
    assert "inv deploy.recover backend" in leftover.remedy


def test_what_is_the_same_for_all_services_is_said_once_in_80_columns() -> None:
    (found,) = check.check_services(Desk(replace(SURVEY, network=False), NO_SUCH).session(), "v2")
    told = [line.text for line in check.as_lines([found, replace(found, service="other")], "h")]
    assert max(map(len, told)) <= 80
    assert [text for text in told if text.startswith("  NO network ")] != []
    assert told[-1] == "other: not ready"
    assert kind_of(check.problem([found])) is Kind.NETWORK_MISSING
    (service,) = json.loads(json.dumps(check.as_json([found])))["services"]
    assert (service["service"], service["ready"]) == ("backend", False)
    assert [one["problem"] for one in service["checks"] if one["level"] == "refusal"] == [
        "network missing",
        "image missing",
    ]


def ready(desk: Desk, image: str = "me/behindy-backend:v2", *, force: bool = False, alone: bool = False) -> None:
    require_ready(desk.session(), BACKEND, desk.survey, image, force=force, alone=alone)


def test_an_earlier_release_is_not_refused_for_what_the_files_on_the_host_let_it_ask_nginx() -> None:
    deaf = replace(
        SURVEY, stanzas={"backend": replace(SURVEY.stanzas["backend"], asks=(8000,))}, listening=frozenset({80})
    )
    with raises(Kind.NGINX_NOT_READY):
        ready(Desk(deaf))
    ready(Desk(deaf), "")


def test_a_deploy_asks_the_registry_only_where_a_whole_image_would_not_fit() -> None:
    desk = Desk(SURVEY)
    ready(desk)
    assert (desk.asked, desk.events, desk.detail) == ([], [], "17 checks, all ok")
    full = replace(SURVEY, disk=(8000 * MIB, 600 * MIB))
    ready(desk := Desk(full, SMALL))
    assert len(desk.asked) == 1
    with raises(Kind.DISK_FULL):
        ready(Desk(full, code=1))
    with raises(Kind.DISK_FULL):
        ready(Desk(full), "")


def test_warnings_are_told_and_force_makes_warnings_of_what_does_not_fit() -> None:
    tight = replace(SURVEY, memory={**SURVEY.memory, "MemAvailable": 100 * MIB, "SwapFree": 0})
    with raises(Kind.NOT_ENOUGH_MEMORY):
        ready(Desk(tight))
    ready(desk := Desk(tight), force=True)
    (warning,) = desk.events
    assert isinstance(warning, Warning_)
    assert "does not fit" in warning.text
    assert desk.detail == "17 checks, 1 warning"


def test_what_the_live_container_uses_counts_as_free_where_it_is_stopped_first() -> None:
    live = replace(SURVEY.containers["backend"], memory=SURVEY.stanza("backend").limit)
    tight = replace(
        SURVEY,
        containers={**SURVEY.containers, "backend": live},
        memory={**SURVEY.memory, "MemAvailable": 100 * MIB, "SwapFree": 0},
        usage={live.id: 90 * MIB},
    )
    with raises(Kind.NOT_ENOUGH_MEMORY):
        ready(Desk(tight))
    ready(Desk(tight), alone=True)


def test_before_a_first_deploy_nothing_is_said_to_be_still_running() -> None:
    running = replace(SURVEY, network=False)
    first = replace(running, containers={"nginx": SURVEY.containers["nginx"]})
    for survey, state in ((running, STILL_RUNNING), (first, UNCHANGED)):
        told = check.problem(check.check_services(Desk(survey, SMALL).session(), "v2"))
        assert told is not None
        assert told.state == state
        with raises(Kind.NETWORK_MISSING) as raised:
            ready(Desk(survey))
        assert raised.value.state == state


LOCAL = image_of(b"base" * MIB, b"top" * MIB, reference="shop:v2")
BASE = LOCAL.layers[0].diff_id


def with_image(desk: Desk, image: LocalImage = LOCAL) -> dict[str, Check]:
    (found,) = check.check_services(desk.session(), "v2", {"backend": image})
    return {one.name: one for one in found.checks}


def test_of_an_image_that_is_sent_this_machine_tells_and_the_host_which_layers_it_has() -> None:
    found = with_image(desk := Desk(SURVEY, f"layers {BASE} other \n"))
    assert [command.argv[3] for command in desk.asked] == ["deploy/layers"]
    assert found["image"].found == "this machine has me/behindy-backend:v2"
    assert found["disk"].found.startswith("new layers of backend take about 6.0 MB")
    foreign = with_image(Desk(replace(SURVEY, architecture="amd64")), replace(LOCAL, config=b'{"architecture": "arm"}'))
    assert foreign["image"].found == "me/behindy-backend:v2 is built for arm, and the host is amd64."
    assert foreign["image"].level is Level.REFUSAL


def test_a_deploy_of_such_an_image_asks_no_registry_and_the_host_only_where_a_whole_image_would_not_fit() -> None:
    def sent(desk: Desk) -> Desk:
        require_ready(desk.session(), BACKEND, desk.survey, "me/behindy-backend:v2", force=False, local=LOCAL)
        return desk

    assert sent(Desk(SURVEY)).asked == []
    full = replace(SURVEY, disk=(8000 * MIB, 600 * MIB))
    assert [command.argv[3] for command in sent(Desk(full, f"layers {BASE} \n")).asked] == ["deploy/layers"]
    with raises(Kind.DISK_FULL):
        sent(Desk(replace(full, disk=(8000 * MIB, 513 * MIB)), f"layers {BASE} \n"))
