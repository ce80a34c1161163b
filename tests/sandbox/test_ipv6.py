"""Visitors by IPv6, where BEHINDY_IPV6 asks for it: nginx meets each under an address of his own, over a deploy too."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from behindy_ops.project import ipv6
from sandbox.host import inner
from tests.named import EDGE
from tests.sandbox.support import deploy, environment, inv, on_host, wait_for
from tests.sandbox.test_preflight import HOME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST, VISITOR = "2001:db8:5a::1", "2001:db8:5b::2"
FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"

DAEMON = "/etc/docker/daemon.json"
ENGINE = "cat /run/docker.pid"

CABLE = f"""
cp -p {DAEMON} {DAEMON}.away
sed -i '1s/{{/{{ "experimental": true, "ip6tables": true,/' {DAEMON}
cd /proc/sys/net/ipv6/conf
for each in all default eth0; do echo 0 >$each/disable_ipv6; done
ip addr add {HOST}/64 dev eth0 nodad
ip netns add visitor
ip link add visitor type veth peer name eth0 netns visitor
ip addr add 2001:db8:5b::1/64 dev visitor nodad
ip link set visitor up
ip netns exec visitor sh -c 'for each in all eth0; do echo 0 >/proc/sys/net/ipv6/conf/$each/disable_ipv6; done'
ip -n visitor addr add {VISITOR}/64 dev eth0 nodad
ip -n visitor link set eth0 up
ip -n visitor route add default via 2001:db8:5b::1
"""
"""The host gets a public address, its engine what an older one needs, and somebody lives elsewhere, behind a router."""

UNPLUG = f"""
ip netns del visitor
ip addr del {HOST}/64 dev eth0
cd /proc/sys/net/ipv6/conf
for each in all default eth0; do echo 1 >$each/disable_ipv6; done
mv {DAEMON}.away {DAEMON}
rm -f {" ".join(f"{HOME}/{path}" for path in ipv6.FILES)}
"""

LEAVE = f"""
docker network disconnect {EDGE} nginx
docker network rm {EDGE}
for table in nat filter; do ip6tables -t $table -F; ip6tables -t $table -X; done
ip6tables -P FORWARD ACCEPT
echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
"""
"""Once the engine, started again, knows of no IPv6: it publishes nginx's ports without it then, as before."""

COMES = f"ip netns exec visitor curl -sk -m 20 --resolve 'behindy.me:443:[{HOST}]' --resolve 'behindy.me:80:[{HOST}]'"


def shell(line: str) -> str:
    return on_host("bash", "-c", line)


def restart_the_engine() -> None:
    before = shell(ENGINE)
    shell(f"kill $({ENGINE})")
    wait_for(lambda: on_host("sh", "-c", ENGINE, check=False) not in ("", before), what="another engine")
    inner.wait_for_engine()


@contextmanager
def visits() -> Iterator[list[str]]:
    """One after the other, each over a connection of its own; what they got, complete when this has ended."""
    told: list[str] = []
    shell(
        f"cd /tmp; >told; (while [ -e told ]; do {COMES} -o /dev/null -w '%{{http_code}}\\n' https://behindy.me/; "
        "sleep 0.05; done >>told) >/dev/null 2>&1 &"
    )
    try:
        yield told
    finally:
        told += shell("cd /tmp; cp told all; rm told; cat all; rm all").split()


@pytest.fixture
def reachable(live_services: None) -> Iterator[None]:
    with_ipv6 = environment(BEHINDY_IPV6="yes")
    shell(f"set -e; {CABLE}")
    try:
        for path, text in ipv6.FILES.items():
            on_host("sh", "-c", 'printf %s "$1" >"$2"', "write", text, f"{HOME}/{path}", user="ubuntu")
        inv("ops.nginx", "--reload").ok()
        restart_the_engine()
        inv("host.up", "--yes", env=with_ipv6).ok()
        yield
    finally:
        shell(UNPLUG)
        restart_the_engine()
        shell(LEAVE)
        inv("ops.nginx", "--reload").ok()


@pytest.mark.skipif(not FULL, reason="starts the engine again twice, which takes a minute: only with --full")
@pytest.mark.usefixtures("reachable")
def test_a_visitor_by_ipv6_is_himself_and_a_deploy_costs_him_no_request(release: Callable[..., str]) -> None:
    echo = json.loads(shell(f"{COMES} https://behindy.me/__echo"))
    assert [value for name, value in echo["headers"] if name.lower() == "x-real-ip"] == [VISITOR]
    assert shell(f"{COMES} -o /dev/null -w '%{{http_code}}' http://behindy.me/") == "301"
    assert shell("docker logs --tail 1 nginx").startswith(f"{VISITOR} [")
    assert "nothing to do" in inv("host.up", env=environment(BEHINDY_IPV6="yes")).ok().out
    tag = release("frontend", "v-ipv6")
    with visits() as told:
        deploy("frontend", tag).ok()
    assert set(told) == {"200"}, told
    assert len(told) > 30
