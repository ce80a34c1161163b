"""What nginx does while names move: rehearsals reach the candidate alone, and no request is lost between two renames.

Names are moved by hand here, so each moment of a switch can be held for as long as a test needs it.
"""

from __future__ import annotations

import hashlib
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.asking import Answer, Site, statuses
from tests.sandbox.support import on_host, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.host.info import SandboxInfo

pytestmark = pytest.mark.usefixtures("live_at_v1")

NETWORK = "behindy-ops_internal"
REMEMBERED_SECONDS = 2.2  # nginx may use an address for two
HEADER_FILE = "/home/ubuntu/behindy-ops/rehearsal/header"


@pytest.fixture(scope="module")
def site(sandbox: SandboxInfo) -> Site:
    return Site(sandbox)


@pytest.fixture
def token() -> str:
    return on_host("cat", HEADER_FILE).partition(": ")[2]


@contextmanager
def extra(name: str, release: str, *command: str, like: str = "frontend") -> Iterator[None]:
    """Another container under ``name``, of the image that ``like`` runs."""
    image = on_host("docker", "container", "inspect", "--format", "{{.Image}}", like)
    options = ["--network", NETWORK, "-m", "128m", "-e", f"SAMPLE_RELEASE={release}"]
    try:
        on_host("docker", "run", "-d", "--name", name, *options, image, *command)
        if not command:
            retry = ("--retry", "50", "--retry-connrefused", "--retry-delay", "1", "--retry-max-time", "20")
            on_host("docker", "exec", "nginx", "curl", "-sf", *retry, f"http://{name}:3000/")
        yield
    finally:
        on_host("docker", "rm", "-f", name)


@contextmanager
def renamed(new: str) -> Iterator[None]:
    """The live frontend under another name, long enough for nginx to have noticed."""
    on_host("docker", "rename", "frontend", new)
    try:
        time.sleep(REMEMBERED_SECONDS)
        yield
    finally:
        on_host("docker", "rename", new, "frontend")
        time.sleep(REMEMBERED_SECONDS)


def rehearse(site: Site, path: str, token: str) -> Answer:
    return site.ask(path, headers={"X-Behindy-Rehearsal": token})


# Rehearsals


def test_a_rehearsal_is_answered_by_the_candidate_and_says_so(site: Site, token: str) -> None:
    with extra("frontend-green", "candidate"):
        answer = rehearse(site, "/__echo", token)
        assert (answer.status, answer.one("X-Release")) == (200, "candidate")
        assert answer.one("X-Behindy-Candidate") == "-green"
        assert answer.passed_on("X-Behindy-Rehearsal") == []
        everyone = site.ask("/__echo")
        assert (everyone.one("X-Release"), everyone.one("X-Behindy-Candidate")) == ("v1", None)


@pytest.mark.parametrize("guess", ["wrong", "", "-green", "0" * 64])
def test_without_the_token_the_live_release_answers(site: Site, guess: str) -> None:
    with extra("frontend-green", "candidate"):
        answer = rehearse(site, "/__echo?header=X-Behindy-Candidate:-green", guess)
    assert (answer.status, answer.one("X-Release"), answer.one("X-Behindy-Candidate")) == (200, "v1", None)
    assert answer.passed_on("X-Behindy-Rehearsal") == []


def test_a_rehearsal_without_a_candidate_fails_and_never_falls_to_another_release(site: Site, token: str) -> None:
    with extra("frontend-blue", "previous"):
        answer = rehearse(site, "/__echo", token)
    assert (answer.status, answer.one("X-Release"), answer.one("X-Behindy-Candidate")) == (502, None, "-green")


@pytest.mark.parametrize("path", ["/api/auth/__echo", "/api/__echo", "/llm/health"])
def test_each_service_is_rehearsed_and_no_limit_counts_rehearsals(token: str, path: str) -> None:
    assert statuses(path, 40, "-H", f"X-Behindy-Rehearsal: {token}") == [502] * 40


# Static files that outlive their release


@contextmanager
def kept(path: str) -> Iterator[None]:
    """A static file that only an earlier release of the frontend had."""
    place = f"/home/ubuntu/behindy-ops/assets/frontend{path}"
    on_host("sh", "-c", f"mkdir -p $(dirname {place}) && echo kept >{place}", user="ubuntu")
    try:
        yield
    finally:
        on_host("rm", place)


OLD = "/_next/static/chunks/__old.js"


def test_a_static_file_is_asked_of_the_live_release_first_and_no_kept_one_answers_a_rehearsal(
    site: Site, token: str
) -> None:
    with kept(OLD), kept(OLD.replace("old", "echo")), extra("frontend-green", "candidate"):
        assert site.ask(OLD).body == b"kept\n"
        assert site.ask(OLD, "HEAD").status == 200
        assert site.ask(OLD.replace("old", "echo")).one("X-Release") == "v1"
        answer = rehearse(site, OLD, token)
        assert (answer.status, answer.one("X-Behindy-Candidate")) == (404, "-green")
    assert site.ask(OLD).status == 404
    # While nginx remembers the address of the one that is gone, nobody takes the connection: 504.
    wait_for(lambda: rehearse(site, OLD, token).status == 502, what="nginx to know that there is no candidate")


def test_what_else_the_live_release_says_of_a_static_file_is_passed_on_though_one_is_kept(site: Site) -> None:
    with kept(OLD.replace("old", "echo")):
        for status in (403, 410, 500, 503):
            answer = site.ask(f"{OLD.replace('old', 'echo')}?status={status}")
            assert (answer.status, answer.one("X-Release")) == (status, "v1")


def test_between_the_renames_and_without_any_release_kept_files_are_served(site: Site) -> None:
    with kept(OLD):
        with renamed("frontend-blue"):
            assert site.ask(OLD).body == b"kept\n"
            assert site.ask(OLD.replace("old", "echo")).one("X-Release") == "v1"
            assert site.ask(OLD.replace("old", "none")).status == 404
        with renamed("frontend-elsewhere"):
            assert site.ask(OLD).body == b"kept\n"
            assert site.ask(OLD.replace("old", "none")).status == 502


# Between the two renames


def test_between_the_renames_the_previous_release_answers(site: Site) -> None:
    body = random.randbytes(300_000)  # noqa: S311
    with renamed("frontend-blue"):
        for _ in range(20):
            answer = site.ask("/__echo?a=%20b", "POST", body=body)
            assert (answer.status, answer.one("X-Release")) == (200, "v1")
            assert answer.arrived["method"] == "POST"
            assert answer.arrived["path"] == "/__echo?a=%20b"
            assert answer.arrived["sha256"] == hashlib.sha256(body).hexdigest()
            assert site.ask("/_next/static/__echo.js").one("Cache-Control") == "public, max-age=31536000, immutable"


def test_a_live_container_on_which_nobody_listens_is_stood_in_for(site: Site) -> None:
    with renamed("frontend-blue"), extra("frontend", "dead", "sleep", "60", like="frontend-blue"):
        time.sleep(REMEMBERED_SECONDS)
        answer = site.ask("/__echo", "POST", body=b"once")
    assert (answer.status, answer.one("X-Release")) == (200, "v1")


def test_a_request_that_reached_an_application_is_never_sent_again(site: Site) -> None:
    with extra("frontend-blue", "previous"):
        answer = site.ask("/__echo?abort=v1", "POST", body=b"once")
    assert (answer.status, answer.one("X-Release")) == (502, None)


@pytest.mark.parametrize("status", [502, 504])
def test_what_an_application_says_is_passed_on_even_if_it_looks_like_our_own_failure(site: Site, status: int) -> None:
    with extra("frontend-blue", "previous"):
        answer = site.ask(f"/__echo?status={status}")
    assert (answer.status, answer.one("X-Release")) == (status, "v1")


@pytest.mark.serial
def test_with_the_service_really_down_the_user_is_told_at_once(site: Site) -> None:
    with renamed("frontend-elsewhere"):
        began = time.monotonic()
        answer = site.ask("/", "POST", body=b"x")
        took = time.monotonic() - began
    assert answer.status == 502
    assert answer.one("Strict-Transport-Security") is not None
    assert took < 1.0


def test_a_link_in_its_memory_leads_nginx_to_a_container_by_its_id_and_one_that_does_not_answer_costs_no_request(
    site: Site, token: str
) -> None:
    redis, live = (
        on_host(
            "docker", "inspect", "--format", "{{.Id}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name
        )
        for name in ("redis", "frontend")
    )
    identity, address = redis.split()
    link = f"mkdir -p /dev/shm/behindy/ids/{identity[:12]} && ln -sfn ids/{identity[:12]} /dev/shm/behindy/frontend"
    told = {"X-Behindy-Rehearsal": f"live {token}"}
    on_host("docker", "exec", "nginx", "sh", "-c", link)
    try:
        answer = site.ask("/", headers=told)
    finally:
        on_host("docker", "exec", "nginx", "rm", "-r", "/dev/shm/behindy")
    assert answer.status == 200
    (asked,) = answer.all("X-Behindy-Answered-By")
    assert asked.startswith(f"{address}:"), "the link leads to a container that does not listen"
    assert f"{live.split()[1]}:" in asked
    (asked,) = site.ask("/", headers=told).all("X-Behindy-Answered-By")
    assert asked.startswith(f"{live.split()[1]}:")
