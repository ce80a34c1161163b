"""The host's nginx, asked from outside over TLS: every route, limit, header and cookie that users rely on.

The sample applications mirror a request at any path that contains ``__echo`` and say which service answered.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.sandbox.asking import Answer, Site, new_client, statuses, timed
from tests.sandbox.support import on_host

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo

pytestmark = pytest.mark.usefixtures("live_services")

TEN_MEGABYTES = 10 * 1024 * 1024
OURS = "https://behindy.me"
IMMUTABLE = "public, max-age=31536000, immutable"
SECURITY = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


@pytest.fixture(scope="module")
def site(sandbox: SandboxInfo) -> Site:
    return Site(sandbox)


def security(answer: Answer) -> dict[str, str | None]:
    return {name: answer.one(name) for name in SECURITY}


# Routes


@pytest.mark.parametrize(
    ("path", "service", "arrives_as"),
    [
        ("/__echo", "frontend", "/__echo"),
        ("/ko/stations/__echo?line=2&q=%ED%99%8D", "frontend", "/ko/stations/__echo?line=2&q=%ED%99%8D"),
        ("/api/stations/__echo?a=1", "backend", "/api/stations/__echo?a=1"),
        ("/api/actuator/__echo", "backend", "/api/actuator/__echo"),
        ("/swagger-ui/__echo.css", "backend", "/swagger-ui/__echo.css"),
        ("/swagger-ui.html?__echo", "backend", None),
        ("/v3/api-docs/__echo", "backend", "/v3/api-docs/__echo"),
        ("/ws/__echo", "backend", "/ws/__echo"),
        ("/wsx/__echo", "frontend", "/wsx/__echo"),
        ("/llm/__echo?x=1", "llmserver", "/__echo?x=1"),
        ("/ai/stories/__echo", "llmserver", "/stories/__echo"),
        ("/apix/__echo", "frontend", "/apix/__echo"),
    ],
)
def test_each_route_reaches_its_service_with_the_right_path(
    site: Site, path: str, service: str, arrives_as: str | None
) -> None:
    answer = site.ask(path)
    assert (answer.status, answer.one("X-Service")) == (200, service)
    if arrives_as:
        assert answer.arrived["path"] == arrives_as


@pytest.mark.parametrize("path", ["/api/auth/__echo", "/api/oauth/kakao/__echo"])
def test_the_login_routes_reach_the_backend(path: str) -> None:
    answer = new_client(path)
    assert (answer.one("X-Service"), answer.arrived["path"]) == ("backend", path)


def test_the_public_health_path_of_the_backend_is_its_actuator(site: Site) -> None:
    answer = site.ask("/api/actuator/health")
    assert answer.one("X-Service") == "backend"
    assert json.loads(answer.body)["components"] == {"db": "UP", "redis": "UP", "llmserver": "UP"}


def test_the_stories_health_goes_through_the_backend_to_llmserver(site: Site) -> None:
    answer = site.ask("/api/ai-stories/health")
    assert (answer.status, answer.one("X-Service")) == (200, "backend")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nginx_itself_answers_its_own_health(site: Site, scheme: str) -> None:
    answer = site.ask("/health", scheme=scheme)
    assert (answer.status, answer.body, answer.one("X-Service")) == (200, b"ok\n", None)


def test_robots_are_kept_from_the_api(site: Site) -> None:
    answer = site.ask("/robots.txt")
    assert answer.status == 200
    assert answer.body.splitlines() == [b"User-agent: *", b"Disallow: /api/"]


@pytest.mark.parametrize(
    ("host_name", "target"),
    [("behindy.me", OURS), ("www.behindy.me", "https://www.behindy.me"), ("evil.example", OURS)],
)
def test_port_80_sends_everyone_to_https_and_only_to_our_names(site: Site, host_name: str, target: str) -> None:
    answer = site.ask("/a%20b?c=1", scheme="http", headers={"Host": host_name})
    assert (answer.status, answer.one("Location")) == (301, f"{target}/a%20b?c=1")


def test_port_80_serves_what_certbot_puts_down(site: Site) -> None:
    file = "/var/www/certbot/.well-known/acme-challenge/test_nginx_routes"
    on_host("mkdir", "-p", file.rpartition("/")[0])
    on_host("sh", "-c", f"printf proof >{file}")
    try:
        assert site.ask("/.well-known/acme-challenge/test_nginx_routes", scheme="http").body == b"proof"
    finally:
        on_host("rm", "-f", file)


def test_http_2_is_spoken(site: Site) -> None:
    with site.connect("https", "h2", "http/1.1") as connection:
        assert isinstance(connection, ssl.SSLSocket)
        assert connection.selected_alpn_protocol() == "h2"


# What the application is told


def test_the_application_learns_who_asked_for_what(site: Site) -> None:
    spoofed = {"X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6", "Forwarded": "for=6.6.6.6"}
    answer = site.ask("/__echo", headers=spoofed)
    assert answer.passed_on("Host") == ["behindy.me"]
    assert answer.passed_on("X-Forwarded-Proto") == ["https"]
    assert answer.passed_on("X-Forwarded-Host") == ["behindy.me"]
    assert answer.passed_on("X-Forwarded-For") == answer.passed_on("X-Real-IP")
    assert len(answer.passed_on("X-Forwarded-For")) == 1
    assert b"6.6.6.6" not in answer.body


@pytest.mark.parametrize(("path", "upgrade"), [("/api/__echo", "websocket"), ("/ws/__echo", "h2c"), ("/__echo", "")])
def test_only_websockets_on_their_route_are_upgraded(site: Site, path: str, upgrade: str) -> None:
    headers = {"Upgrade": upgrade, "Connection": "upgrade"} if upgrade else {}
    answer = site.ask(path, headers=headers)
    assert answer.passed_on("Upgrade") == []
    assert answer.passed_on("Connection") == ["close"]


def test_a_websocket_is_passed_through(site: Site) -> None:
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    lines = ["GET /ws HTTP/1.1", "Host: behindy.me", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", ""]
    with site.connect() as connection:
        connection.sendall("\r\n".join(lines).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        connection.sendall(b"\x81\x82\x00\x00\x00\x00hi")
        assert connection.recv(16) == b"\x81\x02hi"


# Limits


@pytest.mark.serial
def test_the_api_takes_ten_requests_a_second_and_a_burst_of_twenty(site: Site) -> None:
    asked = timed("/api/__echo", 150)
    got = [status for status, _ in asked]
    refilled = sum(seconds for _, seconds in asked) * 10
    assert got[:21] == [200] * 21
    assert 20 + refilled * 0.5 <= got.count(200) <= 24 + refilled * 1.5
    assert got.count(200) + got.count(429) == 150
    assert site.ask("/api/__echo").status == 200, "another client's limit was used up"


@pytest.mark.serial
@pytest.mark.parametrize("path", ["/api/auth/__echo", "/api/oauth/__echo"])
def test_logging_in_is_limited_to_a_burst_of_three(path: str) -> None:
    assert statuses(path, 8) == [200] * 4 + [429] * 4


@pytest.mark.serial
def test_the_limit_on_logging_in_is_refilled_every_twelve_seconds() -> None:
    client = "127.77.0.77"
    statuses("/api/auth/__echo", 8, client=client)
    time.sleep(12.2)
    assert statuses("/api/auth/__echo", 2, client=client) == [200, 429]


@pytest.mark.serial
@pytest.mark.parametrize("path", ["/api/posts", "/api/posts/"])
def test_writing_posts_is_limited_to_a_burst_of_five(path: str) -> None:
    assert statuses(path, 12, "-X", "POST", "-d", "x") == [200] * 6 + [429] * 6


@pytest.mark.parametrize(("path", "method"), [("/api/posts", "GET"), ("/api/posts/7/comments", "POST")])
def test_the_limit_on_writing_posts_limits_nothing_else(path: str, method: str) -> None:
    assert statuses(path, 12, "-X", method) == [200] * 12


@pytest.mark.parametrize("path", ["/__echo", "/llm/__echo", "/v3/api-docs"])
def test_other_routes_have_no_limit(path: str) -> None:
    assert set(statuses(path, 60)) == {200}


def test_a_body_of_ten_megabytes_arrives_whole(site: Site) -> None:
    body = random.randbytes(TEN_MEGABYTES)  # noqa: S311
    answer = site.ask("/api/__echo", "POST", body=body)
    assert (answer.status, answer.arrived["sha256"]) == (200, hashlib.sha256(body).hexdigest())


def test_a_larger_body_is_refused(site: Site) -> None:
    answer = site.ask("/api/__echo", "POST", headers={"Content-Length": str(TEN_MEGABYTES + 1)})
    assert (answer.status, answer.one("X-Service")) == (413, None)


# Headers, cookies


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/__echo.js", 200),
        ("/api/__echo", 200),
        ("/llm/__echo", 200),
        ("/health", 200),
        ("/robots.txt", 200),
        ("/api/__echo?status=404", 404),
        ("/__echo?status=500", 500),
        # The application's own opinion does not make it two.
        ("/api/__echo?header=X-Frame-Options:x&header=X-Content-Type-Options:x&header=Referrer-Policy:x", 200),
        ("/api/__echo?header=Strict-Transport-Security:max-age%3D0", 200),
    ],
)
def test_every_answer_has_the_security_headers_once(site: Site, path: str, status: int) -> None:
    answer = site.ask(path)
    assert answer.status == status
    assert security(answer) == SECURITY
    assert answer.one("X-Behindy-Candidate") is None


def test_refusals_by_nginx_have_the_security_headers(site: Site) -> None:
    too_large = site.ask("/__echo", "POST", headers={"Content-Length": str(TEN_MEGABYTES + 1)})
    limited = new_client("/api/auth/__echo", *["-o", "/dev/null", "https://behindy.me/api/auth/__echo"] * 4)
    assert (too_large.status, limited.status) == (413, 429)
    assert security(too_large) == security(limited) == SECURITY


def test_nginx_does_not_tell_its_version(site: Site) -> None:
    assert site.ask("/health").one("Server") == "nginx"


def test_text_is_compressed_for_those_who_take_it(site: Site) -> None:
    headers = {"X-Padding": "x" * 2000}
    packed = site.ask("/__echo", headers={**headers, "Accept-Encoding": "gzip"})
    assert packed.one("Content-Encoding") == "gzip"
    assert b"X-Padding" in gzip.decompress(packed.body)
    assert site.ask("/__echo", headers=headers).one("Content-Encoding") is None


@pytest.mark.parametrize("name", ["a.js", "css/b.css", "media/c.woff2", "d"])
def test_hashed_build_files_of_the_frontend_are_cached_for_a_year(site: Site, name: str) -> None:
    answer = site.ask(f"/_next/static/__echo/{name}?header=Cache-Control:max-age%3D0")
    assert (answer.one("X-Service"), answer.one("Cache-Control")) == ("frontend", IMMUTABLE)


@pytest.mark.parametrize("said", ["private, no-store", "no-cache", "Private"])
@pytest.mark.parametrize("path", ["/_next/static/__echo.js", "/__echo.png"])
def test_what_an_application_keeps_from_caches_is_kept_from_them(site: Site, path: str, said: str) -> None:
    assert site.ask(f"{path}?header={quote('Cache-Control:' + said)}").one("Cache-Control") == said


@pytest.mark.parametrize(
    ("name", "said", "sent"),
    [
        ("X-Frame-Options", "DENY", "DENY"),
        ("X-Frame-Options", "ALLOWALL", "SAMEORIGIN"),
        ("Referrer-Policy", "no-referrer", "no-referrer"),
        ("Referrer-Policy", "unsafe-url", "strict-origin-when-cross-origin"),
    ],
)
def test_an_application_may_be_stricter_than_the_site_and_not_laxer(
    site: Site, name: str, said: str, sent: str
) -> None:
    answer = site.ask(f"/api/__echo?header={name}:{said}")
    assert security(answer) == {**SECURITY, name: sent}


@pytest.mark.parametrize("name", ["evil.example", "behindy.me.evil.example", "127.0.0.1", "frontend"])
def test_another_name_reaches_no_application(site: Site, name: str) -> None:
    answer = site.ask("/__echo", headers={"Host": name})
    assert (answer.status, answer.one("X-Service")) == (421, None)


@pytest.mark.parametrize(
    "path",
    [
        "/_next/static/__echo.js?status=404",
        "/_next/static/__echo?status=500",
        "/__echo.png",
        "/api/_next/static/__echo.js",
    ],
)
def test_nothing_else_is_cached_unless_the_application_says_so(site: Site, path: str) -> None:
    mark = "&" if "?" in path else "?"
    assert site.ask(path).one("Cache-Control") is None
    assert site.ask(f"{path}{mark}header=Cache-Control:private").one("Cache-Control") == "private"


@pytest.mark.parametrize("path", ["/api/__echo", "/api/auth/__echo", "/__echo"])
def test_cookies_get_the_flags_that_they_need(path: str) -> None:
    cookies = ("refreshToken=a; Path=/", "XSRF-TOKEN=b; Path=/; HttpOnly", "other=c; Path=/")
    answer = new_client(f"{path}?" + "&".join(f"header={quote('Set-Cookie:' + cookie)}" for cookie in cookies))
    flags = {}
    for cookie in answer.all("Set-Cookie"):
        first, *rest = cookie.split("; ")
        flags[first] = {attribute.lower() for attribute in rest} - {"path=/"}
    assert flags == {"refreshToken=a": {"secure", "httponly"}, "XSRF-TOKEN=b": {"secure"}, "other=c": set()}


# CORS


@pytest.mark.parametrize("path", ["/api/__echo", "/api/auth/__echo", "/llm/__echo"])
@pytest.mark.parametrize("origin", [OURS, "https://www.behindy.me"])
def test_our_two_sites_may_call_the_apis(path: str, origin: str) -> None:
    foreign = "header=Access-Control-Allow-Origin:*"  # what the application says must not make it two
    answer = new_client(f"{path}?{foreign}", "-H", f"Origin: {origin}")
    assert answer.one("Access-Control-Allow-Origin") == origin
    assert answer.one("Access-Control-Allow-Credentials") == "true"
    assert "Origin" in answer.all("Vary")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://behindy.me", "https://behindy.me.evil.example", "null", ""]
)
def test_no_other_site_may(site: Site, origin: str) -> None:
    headers = {"Origin": origin} if origin else {}
    preflight = site.ask("/api/__echo", "OPTIONS", headers={**headers, "Access-Control-Request-Method": "PUT"})
    for answer in (site.ask("/api/__echo", headers=headers), preflight):
        assert [name for name, _ in answer.headers if name.lower().startswith("access-control-")] == []


@pytest.mark.parametrize("path", ["/api/posts", "/api/auth/login", "/llm/stories"])
def test_a_preflight_is_answered_by_nginx_and_counts_for_no_limit(site: Site, path: str) -> None:
    headers = {
        "Origin": OURS,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization",
    }
    answers = [site.ask(path, "OPTIONS", headers=headers) for _ in range(8)]
    assert [answer.status for answer in answers] == [204] * 8
    answer = answers[0]
    assert answer.one("X-Service") is None
    assert answer.one("Access-Control-Allow-Origin") == OURS
    assert answer.one("Access-Control-Allow-Credentials") == "true"
    methods, allowed = answer.one("Access-Control-Allow-Methods"), answer.one("Access-Control-Allow-Headers")
    assert methods is not None
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(methods.split(", "))
    assert allowed is not None
    assert {"authorization", "content-type", "x-xsrf-token"} <= set(allowed.lower().split(", "))
    assert security(answer) == SECURITY


def test_options_that_are_no_preflight_reach_the_application(site: Site) -> None:
    assert site.ask("/api/__echo", "OPTIONS").one("X-Service") == "backend"
