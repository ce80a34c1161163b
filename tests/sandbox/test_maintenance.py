"""A service is closed to visitors and opened again: who is answered what meanwhile, and that nothing else is lost."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from sandbox.traffic.generator import Traffic, for_service, websocket
from tests.sandbox.asking import Site, statuses
from tests.sandbox.support import containers, deploy, inv, live_tags, on_host, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

pytestmark = pytest.mark.usefixtures("live_services")

ROOT = "/home/ubuntu/behindy-ops"
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def site(sandbox: SandboxInfo) -> Site:
    return Site(sandbox)


@pytest.fixture(autouse=True)
def opened() -> Iterator[None]:
    yield
    on_host("rm", "-rf", f"{ROOT}/assets/.maintenance")


def maintenance(service: str, *words: str) -> str:
    return inv("deploy.maintenance", service, *words).ok().said


def workers() -> str:
    """Return when nginx itself and its worker began; who looks after its cache ends when it has looked."""
    look = (
        "for each in /proc/[0-9]*; do case $(tr '\\0' ' ' <$each/cmdline) in"
        " 'nginx: master'* | 'nginx: worker'*) awk '{ print $1, $22 }' $each/stat ;; esac; done"
    )
    return on_host("docker", "exec", "nginx", "sh", "-c", look)


def answered_503() -> int:
    log = on_host("docker", "logs", "nginx", timeout=120)
    return len(re.findall(r'" 503 [0-9]+ [0-9.]+s "[^"]*" upstream="-"', log))


def test_closing_and_opening_under_traffic_loses_nothing_but_what_is_answered_503(
    sandbox: SandboxInfo, site: Site
) -> None:
    before, running, worker = answered_503(), containers(), workers()
    with Traffic(sandbox, (*for_service("backend"), websocket()), max_seconds=170) as traffic:
        traffic.wait_until_flowing()
        maintenance("backend", "--on")
        assert site.ask("/api/__echo").status == 503
        assert site.ask("/__echo").status == 200
        maintenance("backend", "--off")
        lost = traffic.snapshot().lost
        assert lost > 0
        good = sum(stream.good for stream in traffic.snapshot().streams)
        wait_for(lambda: sum(stream.good for stream in traffic.snapshot().streams) > good + 100, what="answers again")
        result = traffic.stop()
    assert {loss.reason for loss in result.losses} == {"HTTP 503"}
    assert result.lost == answered_503() - before - 1  # our own
    assert next(stream for stream in result.streams if stream.name == "backend WebSocket").lost == 0
    assert (containers(), workers()) == (running, worker)


def test_visitors_get_the_page_and_programs_get_json(site: Site, tmp_path: Path) -> None:
    page = tmp_path / "closed.html"
    page.write_text("<!doctype html><p>잠시 후에 다시 오세요")
    maintenance("frontend", "--on", "--page", str(page))
    for method, body in (("GET", None), ("POST", b"a=b"), ("DELETE", None)):
        answer = site.ask("/ko/__echo", method, headers=HTML, body=body)
        assert (answer.status, answer.body.decode()) == (503, page.read_text())
        assert (answer.one("Retry-After"), answer.one("Cache-Control")) == ("120", "no-store")
        assert str(answer.one("Content-Type")).startswith("text/html")
        assert answer.one("Strict-Transport-Security") is not None
    answer = site.ask("/_next/static/chunks/__echo.js")
    assert (answer.status, json.loads(answer.body)) == (503, {"status": 503, "error": "Under maintenance"})


def test_what_has_to_pass_passes(site: Site) -> None:
    token = on_host("cat", f"{ROOT}/rehearsal/header").partition(": ")[2]
    proof = "/var/www/certbot/.well-known/acme-challenge/test_maintenance"
    on_host("sh", "-c", f"mkdir -p {proof.rpartition('/')[0]} && printf proof >{proof}")
    try:
        maintenance("backend", "--on")
        assert site.ask("/.well-known/acme-challenge/test_maintenance", scheme="http").body == b"proof"
    finally:
        on_host("rm", "-f", proof)
    assert site.ask("/health").status == site.ask("/health", scheme="http").status == 200
    live = site.ask("/api/__echo", headers={"X-Behindy-Rehearsal": f"live {token}"})
    assert (live.status, live.one("X-Service")) == (200, "backend")
    assert site.ask("/api/__echo", headers={"X-Behindy-Rehearsal": token}).status == 502  # there is no candidate
    assert site.ask("/api/__echo", headers={"X-Behindy-Rehearsal": "0" * 64}).status == 503
    asked = on_host("docker", "exec", "nginx", "curl", "-s", "-w", "%{http_code}", "http://127.0.0.1:8080/__echo")
    assert asked.endswith("200")


def test_it_is_shown_everywhere_and_a_deploy_meanwhile_succeeds(site: Site, release: Callable[[str, str], str]) -> None:
    maintenance("frontend", "--on")
    said = inv("deploy.status").ok().said
    assert "closed" in said
    assert "inv deploy.maintenance frontend --off" in " ".join(said.split())
    assert "frontend is in maintenance since" in " ".join(inv("ops.nginx").ok().said.split())
    found = json.loads(inv("ops.doctor", "frontend", "--json").out)
    assert [one["severity"] for one in found["findings"] if one["name"] == "in maintenance"] == ["risk"]
    other = "v2" if live_tags()["frontend"] == "v1" else "v1"
    release("frontend", other)
    done = deploy("frontend", other).ok()
    assert "frontend is in maintenance since" in done.said
    assert done.facts["tag"] == other
    assert site.ask("/__echo").status == 503
    maintenance("frontend", "--off")
    assert site.ask("/__echo").one("X-Release") == other
    history = inv("deploy.history", "frontend", "--json").ok().events
    assert [entry["outcome"] for entry in history if entry["event"] == "maintenance"][-2:] == ["on", "off"]


def test_an_nginx_that_does_not_know_of_it_is_told_apart_and_nothing_is_closed(site: Site) -> None:
    def know(word: str, instead: str) -> None:
        expression = rf"s|^    location ~ ^/\\.behindy/{instead}/|    location ~ ^/\\.behindy/{word}/|"
        on_host("sed", "-i", "--follow-symlinks", expression, f"{ROOT}/nginx/site.conf")
        inv("ops.nginx", "--reload").ok()

    know("unknown", "maintenance")
    try:
        refused = inv("deploy.maintenance", "frontend", "--on")
    finally:
        know("maintenance", "unknown")
    assert refused.code == 32
    assert "inv host.sync" in refused.said
    assert statuses("/__echo", 3) == [200] * 3


def test_without_an_application_nginx_says_so_in_words_of_ours(site: Site) -> None:
    on_host("docker", "stop", "--time", "1", "llmserver")
    try:
        wait_for(lambda: site.ask("/llm/health").status == 502, what="nginx to know that nobody is there")
        assert b"<h1>" in site.ask("/llm/health", headers=HTML).body
        assert json.loads(site.ask("/llm/health").body)["status"] == 502
        assert site.ask("/llm/health").one("X-Behindy-Maintenance") is None
    finally:
        on_host("docker", "start", "llmserver")
