"""A host that was brought up the old way is taken over under traffic; every test says how many requests that lost."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.host import shell as host
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.support import all_drained, containers, deploy, deploy_alone, inv, live_tags, on_host, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("live_services")

HOME = "/home/ubuntu/behindy-ops"
NETWORK = "behindy-ops_internal"
RELOAD = """workers() { docker top nginx -eo pid,args | sed -n 's/^ *\\([0-9]*\\) .*worker process$/\\1/p'; }
old=$(workers)
docker exec nginx nginx -c /etc/nginx/behindy/nginx.conf -s reload
for _ in $(seq 100); do
  fresh=$(workers); again=
  for one in $old; do case " $(echo $fresh) " in *" $one "*) again=1 ;; esac; done
  [ -z "$fresh" ] || [ -n "$again" ] || exit 0
  sleep 0.1
done
exit 1"""
"""nginx reloads once it has answered: this waits until every earlier worker has closed its idle connections."""

CLOSED = {"the server closed a kept-alive connection unannounced", "ServerDisconnectedError: Server disconnected"}
"""The same, as the load generator has it before a request and during one that cannot be sent twice."""

PLAIN = """events {}
http {
    map $http_upgrade $connection_header { default upgrade; "" close; }
    upstream frontend { server frontend:3000; }
    upstream backend_servers { server backend:8080; }
    server { listen 80; location = /health { return 200 "ok"; } }
    server {
        listen 443 ssl;
        ssl_certificate     /etc/letsencrypt/live/behindy.me/fullchain.pem;
        ssl_certificate_key /etc/letsencrypt/live/behindy.me/privkey.pem;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_header;
        location = /health { return 200 "ok"; }
        location / { proxy_pass http://frontend; }
        location ~ ^/(ws|v3/api-docs) { proxy_pass http://backend_servers; }
        location = /api/actuator/health { proxy_pass http://backend_servers/actuator/health; }
        location /api/ { proxy_pass http://backend_servers; }
        location /llm/ { proxy_pass http://llmserver:8000/; }
    }
}
"""

STARTED = {
    "compose": """cd /tmp && cat >old.yml <<END
services:
  frontend:
    image: localhost:5000/behindy/behindy-frontend:v1
    container_name: frontend
    restart: unless-stopped
    ports: ["3000:3000"]
    networks: [internal]
networks: {internal: {external: true, name: behindy-ops_internal}}
END
docker compose -p old -f old.yml up -d --quiet-pull && rm old.yml""",
    "docker run": "docker run -d --name frontend --restart always -p 3000:3000 --network behindy-ops_internal "
    "localhost:5000/behindy/behindy-frontend:v1",
}


@contextlib.contextmanager
def old_host(started: str, *, plain: bool) -> Iterator[None]:
    """The frontend started as it was before this tool, with or without the nginx of that time; undone afterwards."""
    conf = f"{HOME}/nginx/nginx.conf"
    on_host("sh", "-c", f"docker rm -f frontend >/dev/null; {STARTED[started]}", timeout=120)
    try:
        if plain:
            on_host("cp", "-p", conf, f"{conf}.away")
            host.run(["sh", "-c", f"cat > {conf}"], stdin=PLAIN.encode())
        on_host(
            "sh",
            "-c",
            f"until docker exec nginx curl -sf -o /dev/null http://frontend:3000/; do sleep 0.2; done\n{RELOAD}",
        )
        yield
    finally:
        on_host("sh", "-c", f"[ ! -e {conf}.away ] || cat {conf}.away > {conf}; rm -f {conf}.away\n{RELOAD}")
        if live_tags().get("frontend", "") == "":
            on_host("docker", "rm", "-f", "frontend", check=False)


def how() -> dict[str, Any]:
    ran = inv("host.adopt", "--json").ok()
    found: dict[str, Any] = {one["service"]: one for one in json.loads(ran.out)["services"]}
    return found


@pytest.mark.parametrize("started", STARTED)
def test_behind_plain_upstreams_the_next_deploy_takes_it_over_and_only_the_reload_is_noticed(
    release: Callable[..., str], sandbox: Any, started: str
) -> None:
    release("frontend", "v2")
    with old_host(started, plain=True), Traffic(sandbox, for_service("frontend"), max_seconds=120) as traffic:
        traffic.wait_until_flowing()
        ran = deploy("frontend", "v2").ok()
        again = deploy("frontend", "v1").ok()
        result = traffic.stop()
    print(f"\ntaken over from {started}: {result.sent} requests, {result.lost} lost")  # noqa: T201
    # nginx before 1.27.4 closes kept-alive connections when it is reloaded; nothing else may be lost, and no answer.
    assert {loss.reason for loss in result.losses} <= CLOSED, result.losses
    assert result.lost <= 20, result.losses
    assert [event["step"] for event in ran.named("step_done")].count("reload") == 1, ran.out
    assert "is reloaded" in again.out
    assert {name: state for name, state in containers().items() if "frontend" in name} == {"frontend": "running"}


def test_behind_our_nginx_the_next_deploy_takes_it_over_and_nobody_notices(
    release: Callable[..., str], sandbox: Any
) -> None:
    release("frontend", "v2")
    with old_host("compose", plain=False), Traffic(sandbox, for_service("frontend"), max_seconds=120) as traffic:
        traffic.wait_until_flowing()
        found = how()["frontend"]
        assert (found["started"], found["method"], found["published"]) == (
            "Compose (project old)",
            "deploy",
            ["3000/tcp"],
        )
        on_host("docker", "exec", "-d", "nginx", "curl", "-s", "http://frontend:3000/?sleep=20")  # so that blue stays
        ran = deploy_alone("frontend", "v2").ok()
        both = on_host("docker", "exec", "nginx", "getent", "ahostsv4", "frontend").count("STREAM")
        led = on_host("docker", "exec", "nginx", "readlink", "/dev/shm/behindy/frontend", check=False)
        ask = "for _ in $(seq 40); do curl -skI https://behindy.me/; done | grep -ci 'x-release: v2'"
        asked = on_host("sh", "-c", ask)
        all_drained()
        result = traffic.stop()
    print(f"\ntaken over behind our nginx: {result.sent} requests, {result.lost} lost")  # noqa: T201
    assert result.lost == 0, result.losses
    assert [event["step"] for event in ran.named("step_done")].count("rehearsal") == 1, ran.out
    assert (both, led.startswith("ids/"), asked) == (2, True, "40")
    wait_for(lambda: not on_host("docker", "exec", "nginx", "ls", "/dev/shm/behindy/ids"), 15, "that the link goes")
    assert how()["frontend"]["method"] == "none"
    assert how()["backend"]["started"] == "this tool"


def test_an_alias_that_is_the_candidates_name_is_taken_away_in_a_moment_that_is_asked_for(
    release: Callable[..., str],
) -> None:
    release("frontend", "v2")
    with old_host("compose", plain=False):
        on_host("docker", "network", "disconnect", NETWORK, "frontend")
        on_host("docker", "network", "connect", "--alias", "frontend-green", NETWORK, "frontend")
        refused = deploy("frontend", "v2")
        assert (refused.code, "inv host.adopt frontend" in refused.said) == (30, True), refused.said
        assert how()["frontend"]["method"] == "moment"
        assert inv("host.adopt", "frontend").code == 2
        inv("host.adopt", "frontend", "--yes").ok()
        assert how()["frontend"]["method"] == "deploy"
        deploy("frontend", "v2").ok()
