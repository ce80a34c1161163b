"""Services: what the compose file declares, and every mistake in it by its path."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.errors import Kind
from behindy_ops.project import services
from behindy_ops.project.compose import COMPOSE_FILE, ComposeFile
from behindy_ops.project.services import (
    Assets,
    Expect,
    HealthPolicy,
    Once,
    Service,
    local_reference,
    replicas,
    repository,
    seconds,
    validate_tag,
)
from tests.kinds import raises

OURS = Path(services.__file__).parents[2] / COMPOSE_FILE


def load(text: str) -> dict[str, Service]:
    return ComposeFile.parse(textwrap.dedent(text)).services()


def stanza(x_deploy: str, **more: str) -> str:
    """A compose file with one service, ``web``, with the given flow-style ``x-deploy``."""
    fields = {"image": "team/web:latest", "x-deploy": x_deploy} | {
        key.replace("_", "-"): text for key, text in more.items()
    }
    return "services:\n  web:\n" + "".join(f"    {key}: {text}\n" for key, text in fields.items())


def mistakes(text: str) -> list[str]:
    with raises(Kind.COMPOSE_INVALID) as error:
        load(text)
    return list(error.value.lines)


def test_our_own_file_declares_the_three_services_in_the_order_of_deploy_all() -> None:
    found = ComposeFile.read(OURS).services()
    assert list(found) == ["llmserver", "backend", "frontend"]
    assert [(service.port, service.internal, service.external) for service in found.values()] == [
        (8000, "/health", "/api/ai-stories/health"),
        (8080, "/actuator/health", "/api/actuator/health"),
        (3000, "/", "/"),
    ]
    assert {service.health.at_start().attempts * 3 for service in found.values()} == {45, 150}
    assert found["backend"].health == HealthPolicy(attempts=15, interval=3, seconds=150)


def test_a_stanza_needs_only_a_port_and_two_paths() -> None:
    found = load(stanza("{port: 80, internal: /in, external: /out}"))
    assert found == {
        "web": Service(
            name="web",
            repository_template="team/web:latest",
            port=80,
            internal="/in",
            external="/out",
            rehearsal="/out",
            drain=30,
            linger=0,
            stop=10,
            watch=10,
        )
    }


def test_what_counts_as_healthy_can_be_said() -> None:
    found = load(
        stanza('{port: 80, internal: /in, external: /out, expect: {status: [200, 401, 200], body: "it works"}}')
    )
    assert found["web"].expect == Expect((200, 401), "it works")
    assert [found["web"].expect.met(status) for status in (0, 200, 204, 401)] == [False, True, False, True]
    usual = load(stanza("{port: 80, internal: /in, external: /out, expect: {body: x}}"))["web"].expect
    assert [usual.met(status) for status in (0, 199, 200, 399, 400, 401)] == [False, False, True, True, False, False]


@pytest.mark.parametrize(
    ("expect", "lines"),
    [
        ("{status: 200}", [".status: not a list; write one such as [200] or [200, 401]"]),
        ("{status: []}", [".status: not a list; write one such as [200] or [200, 401]"]),
        (
            "{status: [99, 200, ok, true]}",
            [
                f".status[{index}]: {value} is not an HTTP status; write a number from 200 to 599"
                for index, value in ((0, "'99'"), (2, "'ok'"), (3, "'True'"))
            ],
        ),
        ("{body: ''}", [".body: '' does not fit; write one line of at most 200 characters, without $"]),
        ('{body: "a\\nb"}', [".body: 'a\\nb' does not fit; write one line of at most 200 characters, without $"]),
        ("{body: [up]}", [""".body: "['up']" does not fit; write one line of at most 200 characters, without $"""]),
        ("{body: a$b}", [".body: 'a$b' does not fit; write one line of at most 200 characters, without $"]),
        ("{code: 200}", [".code: unknown key; the keys are status, body"]),
        ("200", [": not a mapping; its keys are status, body"]),
    ],
)
def test_a_mistake_in_what_is_expected_is_told_by_its_path(expect: str, lines: list[str]) -> None:
    told = mistakes(stanza(f"{{port: 80, internal: /in, external: /out, expect: {expect}}}"))
    assert told == [f"services.web.x-deploy.expect{line}" for line in lines]


def test_everything_a_stanza_says_arrives() -> None:
    text = """\
        x-usual: &usual {restart: always}
        services:
          db: {image: postgres:15}
          web:
            <<: *usual
            image: ${BEHINDY_IMAGE_PREFIX:-behindy}/web:latest
            environment:
              TOKEN: ${TOKEN}
              LEVEL: ${LEVEL:-info}
              PRICE: "$$5"
            command: [serve, "${MODE:?say which}"]
            x-deploy:
              port: 80
              internal: /in
              external: /out
              rehearsal: /try
              drain: 15m
              linger: 1m30s
              stop: 0.5
              watch: 500ms
              health: {attempts: 40, interval: 5, look: 0.5, seconds: 5m}
              assets: {from: /app/.next/static/, at: /_next/static, max: 20m}
        """
    assert load(text)["web"] == Service(
        name="web",
        repository_template="${BEHINDY_IMAGE_PREFIX:-behindy}/web:latest",
        port=80,
        internal="/in",
        external="/out",
        rehearsal="/try",
        drain=900,
        linger=90,
        stop=0.5,
        watch=0.5,
        health=HealthPolicy(attempts=40, interval=5, look=0.5, seconds=300),
        assets=Assets("/app/.next/static", "/_next/static", 20 * 2**20),
        required_env=("TOKEN", "MODE"),
    )


def test_no_rehearsal_is_said_by_null() -> None:
    text = stanza("{port: 80, internal: /, external: /, rehearsal: null}")
    assert load(text)["web"].rehearsal is None


def test_a_service_without_a_port_is_a_worker() -> None:
    (worker,) = load(stanza("{stop: 5m, overlap: no, health: {steady: 1m, attempts: 40}}")).values()
    assert worker == Service(
        "web", "team/web:latest", stop=300, overlap=False, health=HealthPolicy(attempts=40, steady=60)
    )
    assert not worker.asked
    assert load(stanza("{}"))["web"].health.steady == 10


@pytest.mark.parametrize(
    "key",
    ["internal: /", "external: /", "rehearsal: /", "rehearsal: null", "through: api", "drain: 5", "linger: 5",
     "assets: {from: /a, at: /s}"],
)  # fmt: skip
def test_what_only_a_port_has_is_a_mistake_of_a_worker(key: str) -> None:
    (told,) = mistakes(stanza(f"{{{key}}}"))
    name = key.partition(":")[0]
    assert told == f"services.web.x-deploy.{name}: only a service with a port has this; add its port"


def test_what_only_a_worker_has_is_a_mistake_of_a_service_with_a_port() -> None:
    (told,) = mistakes(stanza("{port: 80, internal: /, external: /, health: {steady: 5}}"))
    assert told.startswith("services.web.x-deploy.health.steady: only a service without a port has this")


@pytest.mark.parametrize(("text", "may"), [("no", False), ("false", False), ('"no"', False), ("yes", True)])
def test_whether_two_releases_may_overlap_is_yes_or_no(text: str, *, may: bool) -> None:
    assert load(stanza(f"{{port: 80, internal: /, external: /, overlap: {text}}}"))["web"].overlap is may


def test_a_service_with_a_schedule_is_a_job() -> None:
    (job,) = load(stanza('{schedule: "0  3 * * *", timeout: 30m, stop: 20}')).values()
    assert job == Service("web", "team/web:latest", schedule="0 3 * * *", timeout=1800, stop=20)
    assert load(stanza('{schedule: "0 3 * * *"}'))["web"].timeout == 3600


@pytest.mark.parametrize(
    "key",
    ["port: 80", "internal: /", "external: /", "rehearsal: /", "watch: 5", "overlap: no", "health: {steady: 1}",
     "drain: 5"],
)  # fmt: skip
def test_what_a_job_does_not_have_is_a_mistake(key: str) -> None:
    (told,) = mistakes(stanza(f'{{schedule: "0 3 * * *", {key}}}'))
    assert told.startswith(f"services.web.x-deploy.{key.partition(':')[0]}: a scheduled job has none")


def test_a_service_is_not_called_like_the_run_of_a_job() -> None:
    (told,) = mistakes(stanza('{schedule: "0 3 * * *"}') + "  web-run: {image: team/other}\n")
    assert told.startswith("services.web-run: that is what a run of the job web is called")


@pytest.mark.parametrize(
    ("given", "path"),
    [("schedule: daily", "schedule"), ("schedule: 3", "schedule"), ('schedule: "0 3 31 2 *"', "schedule"),
     ("timeout: 5", "timeout"), ('schedule: "0 3 * * *", timeout: 6h', "timeout")],
)  # fmt: skip
def test_a_mistake_in_a_job_is_told_by_its_path(given: str, path: str) -> None:
    (told,) = mistakes(stanza(f"{{{given}}}"))
    assert told.startswith(f"services.web.x-deploy.{path}: ")


@pytest.mark.parametrize("text", ["maybe", "0", "1", "null", "[no]"])
def test_anything_else_is_a_mistake(text: str) -> None:
    (told,) = mistakes(stanza(f"{{overlap: {text}}}"))
    assert told.startswith("services.web.x-deploy.overlap: ")


def test_several_containers_of_a_service_are_services_of_their_own_to_the_host() -> None:
    web = load(stanza("{port: 80, internal: /, external: /, replicas: 3, before: [migrate], after: [tell]}"))["web"]
    first, *others = replicas(web)
    assert first is web
    assert (web.before, web.made_at_once) == (Once(("migrate",)), 3)
    assert [(each.name, each.stanza, each.replica, each.replica_of) for each in others] == [
        ("web-2", "web", 2, "web"), ("web-3", "web", 3, "web"),
    ]  # fmt: skip
    assert {(each.before, each.after, each.assets, each.made_at_once) for each in others} == {(None, None, None, 1)}
    assert replicas(others[0]) == (others[0],)
    assert load(stanza("{replicas: 1}")) == load(stanza("{}"))


@pytest.mark.parametrize("count", ["0", "11", "-1", "1.5", "two", "true", "[2]"])
def test_how_many_containers_is_a_number_from_one_to_ten(count: str) -> None:
    (told,) = mistakes(stanza(f"{{replicas: {count}}}"))
    assert told.startswith("services.web.x-deploy.replicas: ")
    assert told.endswith("write a whole number from 1 to 10")


def test_what_may_not_run_twice_or_runs_at_times_has_no_replicas() -> None:
    (told,) = mistakes(stanza("{replicas: 2, overlap: no}"))
    assert told.startswith("services.web.x-deploy.replicas: overlap: no says")
    (told,) = mistakes(stanza('{replicas: 2, schedule: "* * * * *"}'))
    assert told.startswith("services.web.x-deploy.replicas: a scheduled job has none")


def test_another_service_may_not_be_called_as_a_further_container() -> None:
    other = "  web-2: {image: team/other, x-deploy: {}}\n"
    (told,) = mistakes(stanza("{replicas: 2}") + other)
    assert told.startswith("services.web.x-deploy.replicas: its container 2 is web-2, as another service here")
    assert set(load(stanza("{}") + other)) == {"web", "web-2"}


@pytest.mark.parametrize(
    ("assets", "wrong"),
    [
        ("{from: /app/../etc, at: /s}", ["from"]),
        ("{from: /app/., at: /s}", ["from"]),
        ("{from: app/static, at: /s}", ["from"]),
        ("{from: /, at: /s}", ["from"]),
        ('{from: "/a b", at: /s}', ["from"]),
        ('{from: "/a\\n/b", at: /s}', ["from"]),
        ("{from: /a, at: /../secret}", ["at"]),
        ('{from: /a, at: "/s%2e%2e"}', ["at"]),
        ("{from: /a, at: /}", ["at"]),
        ("{from: /a}", ["at"]),
        ("{}", ["from", "at"]),
        ("{from: /a, at: /s, max: lots}", ["max"]),
        ("{from: /a, at: /s, max: 0}", ["max"]),
        ("{from: /a, at: /s, max: 1.5g}", ["max"]),
        ("{from: /a, at: /s, most: 1g}", ["most"]),
    ],
)
def test_static_files_come_from_a_plain_directory_and_go_to_a_plain_path(assets: str, wrong: list[str]) -> None:
    told = mistakes(stanza(f"{{port: 80, internal: /, external: /, assets: {assets}}}"))
    assert [line.split(": ")[0] for line in told] == [f"services.web.x-deploy.assets.{key}" for key in wrong]


@pytest.mark.parametrize(("text", "most"), [("7", 7), ("12k", 12 * 2**10), ("100M", 100 * 2**20), ("2gb", 2 * 2**30)])
def test_sizes_are_written_as_in_a_compose_file(text: str, most: int) -> None:
    found = load(stanza(f"{{port: 80, internal: /, external: /, assets: {{from: /a, at: /s, max: {text}}}}}"))
    assert found["web"].assets == Assets("/a", "/s", most)


def test_a_stanza_of_static_files_that_is_no_mapping_is_a_mistake() -> None:
    assert "not a mapping" in mistakes(stanza("{port: 80, internal: /, external: /, assets: /a}"))[0]


def test_our_own_frontend_keeps_what_nextjs_builds() -> None:
    found = ComposeFile.read(OURS).services()
    assert found["frontend"].assets == Assets("/app/.next/static", "/_next/static")
    assert (found["backend"].assets, found["llmserver"].assets) == (None, None)


def test_all_mistakes_are_told_at_once_by_their_paths() -> None:
    text = """\
        services:
          web-green:
            image: a
            x-deploy: {port: 80, internal: /, external: /}
          web:
            image: ${OTHER}/web
            ports: ["80:80"]
            x-deploy:
              prot: 80
              internal: health
              drain: soon
              linger: -1
              stop: 2d
              health: {attempts: 0, interval: 1, look: 2, tries: 3}
          api:
            x-deploy: 80
        """
    paths = [line.split(": ")[0] for line in mistakes(text)]
    assert paths == [
        "services.web-green",
        "services.web.image",
        "services.web.ports",
        "services.web.x-deploy.prot",
        "services.web.x-deploy.port",
        "services.web.x-deploy.internal",
        "services.web.x-deploy.external",
        "services.web.x-deploy.drain",
        "services.web.x-deploy.linger",
        "services.web.x-deploy.stop",
        "services.web.x-deploy.health.tries",
        "services.web.x-deploy.health.attempts",
        "services.web.x-deploy.health.look",
        "services.api.image",
        "services.api.x-deploy",
    ]


def test_an_unknown_key_comes_with_the_nearest_known_one() -> None:
    (mistake,) = mistakes(stanza("{port: 80, internal: /, external: /, rehersal: /x}"))
    assert mistake == "services.web.x-deploy.rehersal: unknown key; did you mean rehearsal?"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "80.5", "'80'", "true", "[80]"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    (mistake,) = mistakes(stanza(f"{{port: {port}, internal: /, external: /}}"))
    assert mistake.startswith("services.web.x-deploy.port: ")


@pytest.mark.parametrize(
    "text", ["", "[]", "a: 1", "services: []", "services: {web: {image: a}}", "services:\n  web:\n"]
)
def test_a_file_that_declares_nothing_to_deploy_is_refused(text: str) -> None:
    assert mistakes(text)


@pytest.mark.parametrize("text", ["a: [", "a: !reset x", "a:\n\tb: 1", "a: 1\na: *b"])
def test_a_file_that_cannot_be_parsed_is_told_with_its_line(text: str) -> None:
    with raises(Kind.COMPOSE_INVALID, match=r"line [12]: "):
        load(text)


@pytest.mark.parametrize(
    ("image", "prefix", "expected"),
    [
        ("${BEHINDY_IMAGE_PREFIX:-behindy}/web:latest", "team", "team/web"),
        ("${BEHINDY_IMAGE_PREFIX:-behindy}/web:latest", "", "behindy/web"),
        ("${BEHINDY_IMAGE_PREFIX:-behindy}/web:latest", "127.0.0.1:5000/team", "127.0.0.1:5000/team/web"),
        ("${BEHINDY_IMAGE_PREFIX}/web:${TAG:-latest}", "team", "team/web"),
        ("localhost:5000/web", "", "localhost:5000/web"),
        ("localhost:5000/web:v1@sha256:0f0f", "", "localhost:5000/web"),
        ("web", "", "web"),
    ],
)
def test_a_repository_is_the_image_with_its_prefix_and_without_its_tag(image: str, prefix: str, expected: str) -> None:
    assert repository(_with_image(image), prefix) == expected


@pytest.mark.parametrize(
    ("image", "prefix"), [("${BEHINDY_IMAGE_PREFIX}/web", ""), ("${BEHINDY_IMAGE_PREFIX}/W;b", "a")]
)
def test_a_repository_that_would_be_none_is_refused(image: str, prefix: str) -> None:
    with raises(Kind.SETTINGS, match="BEHINDY_IMAGE_PREFIX"):
        repository(_with_image(image), prefix)


def _with_image(image: str) -> Service:
    return Service("web", image, port=80, internal="/", external="/", rehearsal="/")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (30, 30), (0.5, 0.5), ("30", 30), ("30s", 30), ("15m", 900), ("1h", 3600), ("1m30s", 90), ("250ms", 0.25)],
)
def test_a_duration_is_a_number_of_seconds_or_says_its_units(value: object, expected: float) -> None:
    assert seconds(value) == pytest.approx(expected)


@pytest.mark.parametrize(
    "value", ["", "soon", "-1", "1 m", "s", "1d", "25h", -1, 86401, True, None, [], float("nan"), float("inf"), "٣s"]
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="write"):
        seconds(value)


@given(minutes=st.integers(0, 59), rest=st.integers(0, 59))
def test_units_add_up(minutes: int, rest: int) -> None:
    assert seconds(f"{minutes}m{rest}s") == minutes * 60 + rest


def test_a_tag_is_given_back_or_refused() -> None:
    assert validate_tag("3f2a-rc.1") == "3f2a-rc.1"
    with raises(Kind.USAGE, match="is not a tag"):
        validate_tag("x; touch /tmp/pwned")


WELL = "port: 80, internal: /in, external: /out"


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        ("[python, manage.py, migrate]", Once(("python", "manage.py", "migrate"))),
        ("[head, -n, 3]", Once(("head", "-n", "3"))),
        ("[sh, -c, 'echo $$HOME $$$$']", Once(("sh", "-c", "echo $HOME $$"))),
        ("{command: [migrate], seconds: 2m}", Once(("migrate",), 120.0)),
    ],
)
def test_a_command_that_runs_once_is_a_list_of_words_and_may_say_how_long_it_may_take(given_: str, read: Once) -> None:
    web = load(stanza(f"{{{WELL}, before: {given_}}}"))["web"]
    assert (web.before, web.after) == (read, None)
    web = load(stanza(f"{{{WELL}, after: {given_}}}"))["web"]
    assert (web.before, web.after) == (None, read)


@pytest.mark.parametrize(
    ("given_", "path", "told"),
    [
        ("python manage.py migrate", "", "not a list of words"),
        ("[]", "", "not a list of words"),
        ("", "", "not a list of words"),
        ("[sh, [a]]", "", "is not a word"),
        ("[yes]", "", "is not a word"),
        ("['']", "", "its first word is empty"),
        ("[sh, -c, 'echo $HOME']", "", "values are not filled in; for a $ of its own shell write $$"),
        ("{seconds: 3}", ".command", "not a list of words"),
        ("{command: x}", ".command", "not a list of words"),
        ("{command: [x], seconds: soon}", ".seconds", "not a duration"),
        ("{command: [x], seconds: 0}", ".seconds", "too short; write at least 1 seconds"),
        ("{command: [x], limit: 3}", ".limit", "unknown key; the keys are command, seconds"),
    ],
)
def test_a_mistake_in_it_is_told_by_its_path(given_: str, path: str, told: str) -> None:
    (line,) = mistakes(stanza(f"{{{WELL}, before: {given_}}}"))
    assert line.startswith(f"services.web.x-deploy.before{path}: ")
    assert told in line


def test_an_image_of_this_machine_is_named_by_a_tag_or_as_a_whole() -> None:
    assert local_reference("v2", "me/web") == "me/web:v2"
    assert local_reference("r.example:5000/shop/web:v2", "me/web") == "r.example:5000/shop/web:v2"


@pytest.mark.parametrize("word", ["", "-v2", "shop web:v2", "web:", ":v2", "--help:v2", "me/web", "a@sha256:b;c"])
def test_what_is_neither_a_tag_nor_an_image_with_its_tag_is_refused(word: str) -> None:
    with raises(Kind.USAGE, match="--from-local: "):
        local_reference(word, "me/web")


NAMED = """
services:
  web:
    image: team/web
    container_name: ${NAME:-shop-web}
    x-deploy: {port: 1, internal: /, external: /, through: api}
  api:
    image: team/api
    container_name: shop-api
    x-deploy: {port: 2, internal: /, external: /, through: elsewhere}
  worker:
    image: team/worker
    container_name: worker
    x-deploy: {}
"""


def test_a_service_is_called_as_its_container_and_known_by_its_key_as_well() -> None:
    found = load(NAMED)
    assert {key: (one.name, one.stanza) for key, one in found.items()} == {
        "web": ("shop-web", "web"),
        "api": ("shop-api", "api"),
        "worker": ("worker", "worker"),
    }
    assert (found["web"].through, found["api"].through) == ("shop-api", "elsewhere")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("shop-api", "services.api.container_name: web is called shop-api already; choose another name"),
        ("worker", "services.web.container_name: another service here is worker; choose another name"),
        ("shop-green", "services.web.container_name: 'shop-green' ends like the candidate"),
        ("shop_web", "services.web.container_name: 'shop_web' is not a service name; use a-z"),
        ("all", "services.web.container_name: the name 'all' is taken by the task deploy.all; choose another"),
        ("${X}", "services.web.container_name: ${X} has no default, so the name is not known here"),
    ],
)
def test_a_container_name_that_cannot_be_is_told_by_its_path(given: str, said: str) -> None:
    assert any(line.startswith(said) for line in mistakes(NAMED.replace("${NAME:-shop-web}", given)))
