"""What nginx keeps of a route with `cache`, over a switch and its own restart; and what it never keeps."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.sandbox.asking import Answer, Site
from tests.sandbox.support import deploy, live_release, on_host, wait_for

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo

Release = Callable[..., str]
FOR_ALL = "Cache-Control:public, max-age=600, must-revalidate"
BY_ACCEPT = "Vary:Accept"
numbers = itertools.count()


@pytest.fixture(scope="module")
def site(sandbox: SandboxInfo) -> Site:
    return Site(sandbox)


class Picture:
    """A picture of its own, which the sample application answers with the headers it is told to, and what arrived."""

    def __init__(self, site: Site, *said: str, status: int = 200) -> None:
        told = [("header", header) for header in said]
        number = f"{on_host('cat', '/proc/sys/kernel/random/uuid').strip()}-{next(numbers)}"
        self._path = f"/_next/image/__echo?{urlencode([('status', status), ('url', number), *told])}"
        self._site = site

    def ask(self, method: str = "GET", **headers: str) -> tuple[Answer, bool]:
        """Ask once; return the answer, and whether the application was asked for it."""
        nonce = str(next(numbers))
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._site.ask(self._path, method, headers={"X-Nonce": nonce, **sent})
        return answer, answer.passed_on("X-Nonce") == [nonce]

    def asked(self, method: str = "GET", **headers: str) -> bool:
        """Whether the application is asked when a visitor asks."""
        return self.ask(method, **headers)[1]


@pytest.mark.usefixtures("live_services")
def test_what_one_release_made_is_there_after_a_switch_and_after_a_restart_of_nginx(
    site: Site, release: Release
) -> None:
    deploy("frontend", release("frontend", "cache-1")).ok()
    picture = Picture(site, FOR_ALL, BY_ACCEPT)
    assert picture.asked(Accept="image/webp")
    deploy("frontend", release("frontend", "cache-2")).ok()
    answer, asked = picture.ask(Accept="image/webp")
    assert (live_release("frontend"), asked) == ("cache-2", False)
    assert (answer.status, answer.one("X-Release"), answer.one("Cache-Control")) == (
        200, "cache-1", FOR_ALL.partition(":")[2],
    )  # fmt: skip
    assert answer.one("X-Content-Type-Options") == "nosniff"
    other, asked = picture.ask(Accept="image/avif")
    assert (other.one("X-Release"), asked) == ("cache-2", True)
    on_host("docker", "restart", "nginx")
    health = ("docker", "exec", "nginx", "curl", "-s", "http://127.0.0.1/health")
    wait_for(lambda: on_host(*health, check=False) == "ok", what="nginx after its restart")
    assert (picture.asked(Accept="image/webp"), picture.asked(Accept="image/avif")) == (False, False)


@pytest.mark.usefixtures("live_services")
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ((), 200),
        (("Cache-Control:max-age=600",), 200),
        (("Cache-Control:public",), 200),
        (("Cache-Control:public, max-age=0, must-revalidate",), 200),
        (("Cache-Control:private, max-age=600",), 200),
        (("Cache-Control:public, no-store, max-age=600",), 200),
        ((FOR_ALL, "Set-Cookie:refreshToken=secret"), 200),
        ((FOR_ALL, "Vary:*"), 200),
        ((FOR_ALL, "Vary:Cookie"), 200),
        ((FOR_ALL,), 404),
        ((FOR_ALL,), 500),
    ],
)
def test_an_answer_that_is_not_for_all_is_never_kept(site: Site, said: tuple[str, ...], status: int) -> None:
    picture = Picture(site, *said, status=status)
    assert [picture.asked(Cookie=f"refreshToken={visitor}") for visitor in range(3)] == [True] * 3


@pytest.mark.usefixtures("live_services")
def test_who_is_logged_in_by_a_header_or_knows_the_token_gets_an_answer_of_the_application(site: Site) -> None:
    token = on_host("sh", "-c", "cat /home/ubuntu/behindy-ops/rehearsal/*.conf").split('"')[1]
    picture = Picture(site, FOR_ALL)
    for headers in ({"Authorization": "Bearer me"}, {"X_Behindy_Rehearsal": f"live {token}"}):
        assert [picture.asked(**headers), picture.asked(**headers)] == [True, True]
    assert (picture.asked(), picture.asked()) == (True, False)
    for headers in ({"Authorization": "Bearer me"}, {"X_Behindy_Rehearsal": f"live {token}"}):
        assert picture.asked(**headers)
    assert picture.asked("POST")


@pytest.mark.usefixtures("live_services")
def test_other_routes_keep_nothing(site: Site) -> None:
    path = f"/ko/__echo?{urlencode({'header': FOR_ALL})}"
    nonces = [site.ask(path, headers={"X-Nonce": nonce}).passed_on("X-Nonce") for nonce in ("1", "2")]
    assert nonces == [["1"], ["2"]]
