"""Several logins on one host: one lock for its Docker engine, and one directory that deploys."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.interruption_case import other_tag
from tests.sandbox.interruption_lock import KIM, Holder
from tests.sandbox.support import Ran, containers, deploy, environment, inv, live_release, on_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.host.info import SandboxInfo

ENGINE = "/var/tmp/behindy-ops"

MAKE_ALICE = """
useradd --create-home --shell /bin/bash --groups docker --password '*' alice
mkdir -m 700 /home/alice/.ssh && cp ~ubuntu/.ssh/authorized_keys /home/alice/.ssh/
cp -a ~ubuntu/behindy-ops /home/alice/ && rm -rf /home/alice/behindy-ops/{state,data}
mkdir -m 700 /home/alice/behindy-ops/state
chown -R alice: /home/alice
"""


@pytest.fixture
def alice(live_services: None, sshd: Callable[..., None]) -> Iterator[dict[str, str]]:
    """A person with a login of her own, in the group docker, and what she has typed in."""
    on_host("bash", "-ec", MAKE_ALICE)
    sshd("AllowUsers alice")
    try:
        yield environment(BEHINDY_USER="alice")
    finally:
        if "alice" in on_host("docker", "inspect", "frontend"):
            deploy("frontend", live_release("frontend"), "--force").ok()
        on_host("userdel", "--remove", "--force", "alice", check=False)


def refused(ran: Ran) -> dict[str, str]:
    failed: dict[str, str] = ran.named("failed")[0]
    assert ran.code, ran.said
    return failed


def test_what_one_login_holds_is_held_for_all(sandbox: SandboxInfo, alice: dict[str, str]) -> None:
    deploying = ("deploy.frontend", "--tag", other_tag("frontend"), "--json")
    inv("lock.acquire", "--message", "by alice", env=alice).ok()
    try:
        assert "by alice" in refused(inv(*deploying))["what"]
        assert "by alice" in inv("lock.status").ok().out
    finally:
        assert "by alice" in inv("lock.release").ok().out
    assert inv("lock.status", env=alice).ok().out == "The host is free.\n"
    with contextlib.closing(Holder(sandbox.container)):
        ran = inv(*deploying, env=alice)
        assert (ran.code, KIM["who"] in ran.said) == (20, True), ran.said
        assert json.loads(inv("lock.status", "--json", env=alice).ok().out)["lease"]["who"] == KIM["who"]
    inv("ops.network", "--fix", env=alice).ok()
    assert on_host("stat", "-c", "%a %G", ENGINE) == "2770 docker"


def test_a_release_of_another_directory_stays_until_it_is_forced(
    alice: dict[str, str], release: Callable[..., str]
) -> None:
    before, tag = containers(), other_tag("frontend")
    words = ("deploy.frontend", "--tag", release("frontend", tag), "--watch", "0", "--json")
    live = live_release("frontend")
    failed = refused(inv(*words, env=alice))
    assert "/home/ubuntu/behindy-ops" in failed["what"]
    assert "BEHINDY_HOST_DIR=/home/ubuntu/behindy-ops," in failed["remedy"]
    assert "other directory" in inv("deploy.check", "frontend", "--json", env=alice).out
    assert (containers(), live_release("frontend")) == (before, live)
    up = inv("host.up", "--yes", env=alice)
    assert (up.code, "/home/ubuntu/behindy-ops" in up.said) == (30, True), up.said
    inv(*words, "--force", env=alice).ok()
    assert "/home/alice/behindy-ops" in refused(deploy("frontend", live))["what"]
