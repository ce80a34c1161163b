"""The public name, as the host and this machine see it, and a firewall whose rules were flushed."""

from __future__ import annotations

import os
import socket
from contextlib import AbstractContextManager

import pytest

from behindy_ops.errors import Kind
from sandbox.host import inner
from tests.sandbox.ops_support import broken
from tests.sandbox.support import environment, inv, live_release, on_host, unwell, wait_for
from tests.sandbox.test_doctor import Told, doctor, healthy

pytestmark = pytest.mark.usefixtures("live_services")


def names(told: Told) -> list[str]:
    return [finding["name"] for finding in told.data["findings"]]


RESTART = ("ops.restart", "frontend", "--watch", "0")


def no_hairpin() -> AbstractContextManager[None]:
    """The name leads to an address that this host does not reach; the world does."""
    refuse = "OUTPUT -d 192.0.2.1 -p tcp -j REJECT --reject-with tcp-reset"
    # Mounted, so it is written in place.
    lead = "cp /etc/hosts /tmp/hosts && sed -E 's/^[0-9.]+(\\s.*behindy.me.*)/192.0.2.1\\1/' /tmp/hosts >/etc/hosts"
    return broken(f"iptables -A {refuse}; {lead}", f"cat /tmp/hosts >/etc/hosts; iptables -D {refuse}")


def test_a_host_that_does_not_reach_its_own_name_is_told_soon_and_one_setting_helps() -> None:
    before = live_release("frontend")
    with no_hairpin():
        ran = inv(*RESTART)
        assert ran.code == Kind.HOST_NOT_READY.exit_code, ran.said
        said = " ".join(ran.said.split())
        assert "(connection refused): it leads to 192.0.2.1 there, while nginx answers well at 127.0.0.1" in said
        assert "BEHINDY_PUBLIC_ADDRESS=127.0.0.1" in said
        assert "Start frontend-green" not in said
        finding = doctor().finding("frontend", "public URL")
        assert "though nginx answers well at 127.0.0.1" in finding["cause"]
        helped = environment(BEHINDY_PUBLIC_ADDRESS="127.0.0.1")
        inv(*RESTART, env=helped).ok()
        assert "public URL" not in names(Told(inv("ops.doctor", "frontend", "--json", env=helped)))
    assert live_release("frontend") == before


def test_what_this_machine_sees_is_a_warning_and_never_the_end_of_a_deploy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = environment(BEHINDY_OUTSIDE_ADDRESS=f"127.0.0.1:{free.getsockname()[1]}")
    told = " ".join(inv(*RESTART, env=closed).ok().said.split())
    assert "This machine does not reach https://behindy.me/: connection refused at 127.0.0.1" in told
    assert "security group" in told
    finding = Told(inv("ops.doctor", "frontend", "--json", env=closed)).finding("host", "not reachable from outside")
    assert finding["severity"] == "risk"


def test_flushed_firewall_rules_are_seen() -> None:
    kept = "/tmp/nat"
    with broken(f"iptables-save -t nat >{kept} && iptables -t nat -F", f"iptables-restore <{kept}"):
        finding = doctor().finding("host", "firewall rules")
        assert finding["severity"] == "risk"  # the login is not root, and may not read them
        assert "systemctl restart docker" in finding["remedy"]
    assert "firewall rules" not in names(doctor())


@pytest.mark.skipif("BEHINDY_TEST_FULL" not in os.environ, reason="it takes a minute; BEHINDY_TEST_FULL=1 runs it")
def test_a_restart_of_docker_brings_flushed_firewall_rules_back() -> None:
    with broken("iptables -t nat -F", "true"):
        on_host("sh", "-c", "kill -TERM $(cat /var/run/docker.pid)")
        inner.wait_for_engine()
        wait_for(healthy, 60, "that all containers are healthy")
        wait_for(lambda: not unwell(), 30, "that all services answer")
    assert "firewall rules" not in names(doctor())
    assert "DNAT" in on_host("iptables", "-t", "nat", "-S", "DOCKER")
