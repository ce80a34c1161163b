"""What one round trip reads, and what is made of it."""

from __future__ import annotations

import pytest

from behindy_ops.errors import BehindyError, Kind, RemoteCommandFailed
from behindy_ops.facts.container import CONTAINER_TEMPLATE, parse_container
from behindy_ops.facts.image import Image, parse_image
from behindy_ops.facts.survey import EngineKind, engine_kind, parse
from behindy_ops.project.names import Names
from tests.unit.facts.containers import container_line
from tests.unit.facts.test_container import service, told

MARK = "@@0123"


def printed(**sections: str) -> str:
    """What survey.sh prints; the given sections replace the usual ones."""
    usual = {
        "versions": '"26.1.5" "1.45" "arm64"\n2.26.1',
        "tools": "docker\ncurl\nflock\ntimeout\nawk",
        "containers": container_line(),
        "images": '{"id":"sha256:1","tags":["me/x:v1"],"digests":null,"created":"2026","size":7}',
        "networks": "",
        "files_": "600 1700000000 12 .env\n644 1 2 compose/docker-compose.yml",
        "environment": "DB_PASS set\nJWT_SECRET empty",
        "configured": "frontend cafe",
        "machine": "now 1700000000.5\nMemTotal 2097152\n"
        "MemAvailable 1048576\nSwapTotal 2097152\nSwapFree 1\ndisk 100 40 /",
        "usage": '{"memory_stats":{"usage":1000,"stats":{"inactive_file":400}}}\nhttp://docker/containers/c1/stats?x=1',
        "releases": 'frontend/20260101-000000-aaaa stands {"id":"20260101-000000-aaaa","service":"frontend",'
        '"repository":"me/x","tag":"v1",'
        '"digest":"sha256:d","image_id":"sha256:1","later":"field"}',
    }
    return "".join(f"{MARK} {name}\n{body}\n" for name, body in (usual | sections).items()) + f"{MARK} end\n"


def test_everything_a_decision_needs_is_read() -> None:
    survey = parse(printed(), MARK)
    assert (survey.docker, survey.compose, survey.architecture) == ("26.1.5", "2.26.1", "arm64")
    assert survey.trio("frontend").live == parse_container(container_line())
    assert survey.trio("frontend").green is None
    assert survey.images == (Image("sha256:1", ("me/x:v1",), (), "2026", 7),)
    assert survey.files[".env"] == "600"
    assert survey.environment == {"DB_PASS": True, "JWT_SECRET": False}
    assert survey.config == {"frontend": "cafe"}
    assert survey.memory["MemAvailable"] == 2**30
    assert (survey.disk, survey.now, survey.usage, survey.network) == ((100, 40), 1700000000.5, {"c1": 600}, True)
    assert [release.status for release in survey.released("frontend")] == ["stands"]


@pytest.mark.parametrize(
    ("seat", "kind", "what"),
    [
        ("seat leaderless\nunreached 10.0.0.2 10.0.0.3", Kind.NO_QUORUM, "10.0.0.2, 10.0.0.3 cannot be reached"),
        ("seat leaderless\nunreached", Kind.NO_QUORUM, "its managers chose none"),
        ("seat worker", Kind.HOST_NOT_READY, "is a worker"),
    ],
)
def test_a_host_that_cannot_ask_its_swarm_is_refused_by_the_reason(seat: str, kind: Kind, what: str) -> None:
    told = printed(swarm_=seat, containers=f"{MARK} containers! 2\n{MARK} containers.err\nno leader")
    with pytest.raises(BehindyError, match=what) as caught:
        parse(told, MARK)
    assert caught.value.kind is kind
    assert caught.value.state == "Nothing changed; what runs goes on."


def test_what_compose_tells_by_its_own_keys_is_told_by_the_services_names() -> None:
    names = Names(containers={"web": "shop-web", "db": "shop-db-1"}, deployed=("web",))
    told = printed(configured="web cafe\ndb beef", stanzas="web mem_limit 7\ndb mem_limit 8")
    survey = parse(told, MARK, names)
    assert survey.config == {"shop-web": "cafe", "db": "beef"}
    assert (survey.stanza("shop-web").limit, survey.stanza("db").limit) == (7, 8)


def test_a_survey_that_was_cut_short_is_never_taken_for_an_empty_host() -> None:
    text = printed()
    with pytest.raises(RemoteCommandFailed, match="ended early"):
        parse(text[: text.rindex(MARK)], MARK)


@pytest.mark.parametrize("part", ["containers", "images"])
def test_a_list_docker_did_not_give_is_never_taken_for_an_empty_one(part: str) -> None:
    broken = {part: f"{MARK} {part}! 1\n{MARK} {part}.err\ncannot connect"}
    with pytest.raises(RemoteCommandFailed, match=f"did not list its {part}") as caught:
        parse(printed(**broken), MARK)
    assert caught.value.lines == ("cannot connect",)


def test_where_docker_cannot_be_asked_at_all_that_is_what_is_told() -> None:
    failed = {part: f"{MARK} {part}! 1\n{MARK} {part}.err\ncannot connect" for part in ("versions", "containers")}
    assert parse(printed(**failed), MARK).docker_problem == "cannot connect"


def test_an_engine_and_a_docker_that_do_not_understand_each_other_are_told_so() -> None:
    said = "Error response from daemon: client version 1.52 is too new. Maximum supported API version is 1.43"
    survey = parse(printed(containers=f"{MARK} containers! 1\n{MARK} containers.err\n{said}"), MARK)
    assert (survey.docker, survey.docker_problem) == ("", said)


KEPT = '{"id":"a","service":"web","repository":"","tag":"v1","digest":"","image_id":"i"}'


@pytest.mark.parametrize("status", ["stan", "roll", "retired"])
def test_a_release_whose_status_is_torn_or_unknown_is_a_candidate(status: str) -> None:
    survey = parse(printed(releases=f"web/a {status} {KEPT}"), MARK)
    assert [release.status for release in survey.releases] == ["candidate"]


@pytest.mark.parametrize(
    "description",
    [
        KEPT[:-20], "", "  ", "[1, 2]", "null", "7", "garbage", '{"version": 2, "release": {"id": "a"}}', "[" * 100_000,
        KEPT.replace('"i"', '{"sha256": "i"}'), KEPT.replace('"a"', '"b"'), KEPT.replace("web", "other"),
        KEPT.replace("}", ', "created": 5}'),
    ],
)  # fmt: skip
def test_a_release_that_cannot_be_read_is_skipped_and_named(description: str) -> None:
    good = KEPT.replace('"a"', '"c"')
    survey = parse(printed(releases=f"web/a stands {description}\nweb/c stands {good}"), MARK)
    assert (survey.unread, [release.id for release in survey.releases]) == (("web/a",), ["c"])


def test_a_problem_is_kept_under_the_name_of_its_part() -> None:
    survey = parse(printed(networks=f"{MARK} networks! 1\n{MARK} networks.err\nno such network"), MARK)
    assert not survey.network
    assert survey.problems == {"networks": "no such network"}


def test_what_cannot_be_read_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(RemoteCommandFailed, match="cannot be read"):
        parse(printed(containers='{"id":"c1"}'), MARK)


def test_the_boundary_is_the_callers_so_no_output_can_forge_it() -> None:
    assert parse(printed(tools="docker\n@@9999 end"), MARK).tools == {"docker", "@@9999 end"}


def test_no_template_asks_for_the_value_of_an_environment_variable() -> None:
    container = parse_container(container_line())
    assert container.env_names == ("PATH", "TZ")
    assert '(index (split $e "=") 0)' in CONTAINER_TEMPLATE
    assert CONTAINER_TEMPLATE.count(".Config.Env") == 1


def test_an_images_names_in_a_repository_are_its_own_only() -> None:
    image = parse_image('{"id":"i","tags":["me/x:v1","me/xy:v1"],"digests":["me/x@sha256:d"],"created":"c","size":1}')
    assert image.references("me/x") == ("me/x:v1", "me/x@sha256:d")
    assert image.digest("me/x") == "sha256:d"
    assert image.digest("me/xy") == ""


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("/var/lib/docker name=seccomp,profile=builtin name=cgroupns extfs true /usr/bin/docker", set()),
        ("/home/kim/.local/share/docker name=rootless /usr/bin/docker", {EngineKind.ROOTLESS}),
        ("/ own-socket /usr/bin/docker", {EngineKind.ROOTLESS}),  # the system's does not answer
        ("/var/lib/docker extfs own-socket /usr/bin/docker", set()),
        ("/var/lib/docker/100000.100000 name=userns xfs /usr/bin/docker", {EngineKind.REMAPPED}),
        ("/var/snap/docker/common/var-lib-docker name=apparmor extfs /snap/bin/docker", {EngineKind.SNAP}),
        ("/var/lib/docker io.containerd.snapshotter.v1 /usr/bin/docker", {EngineKind.CONTAINERD}),
        ("/ ", set()),
        ("", set()),
    ],
)
def test_what_is_unusual_about_an_engine_is_read(said: str, kinds: set[EngineKind]) -> None:
    assert engine_kind(said) == kinds


def test_a_disk_that_may_not_be_looked_at_is_not_known() -> None:
    machine = "now 1700000000.5\nengine /var/lib/docker/100000.100000 name=userns /usr/bin/docker\ndisk "
    survey = parse(printed(machine=machine), MARK)
    assert survey.disk == (0, 0)
    assert survey.engine == {EngineKind.REMAPPED}


def test_a_task_on_this_node_is_part_of_its_service_and_no_container_of_its_own() -> None:
    ours = {"behindy.release": "r1"}
    own = container_line(name="/p_web.1.t1", labels={"com.docker.swarm.service.id": "w1"} | ours)
    gone = container_line(name="/p_web.1.t0", labels={"com.docker.swarm.service.id": "w0"} | ours)
    other = container_line(name="/stranger.1.t2", labels={"com.docker.swarm.service.id": "w2"})
    survey = parse(printed(containers=f"{own}\n{gone}\n{other}\n{service(told(1, 'n1'))}"), MARK)
    assert sorted(survey.containers) == ["stranger.1.t2", "web"]
