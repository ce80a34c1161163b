"""An environment by option and by variable, and that the host of another one is never taken."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from sandbox.host.checkout import here
from tests.sandbox.support import ROOT, environment, inv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

NAME = here(os.environ).settings_name

pytestmark = pytest.mark.usefixtures("all_live")


@pytest.fixture
def staging(sandbox: SandboxInfo) -> Iterator[Path]:
    """A file of settings for staging, which says what the test writes."""
    file = ROOT / f".env.staging-{os.getpid()}"
    yield file
    file.unlink(missing_ok=True)


def test_the_option_is_as_the_variable() -> None:
    by_variable = inv("deploy.status", "--json").ok()
    by_option = inv("deploy.status", "--json", "--env", NAME, env=environment(BEHINDY_ENV="")).ok()
    first, second = (json.loads(ran.out) for ran in (by_variable, by_option))
    assert first["environment"] == second["environment"] == NAME
    assert [each["release"] for each in first["services"]] == [each["release"] for each in second["services"]] != []


def test_the_name_is_in_the_headline_of_a_view_a_plan_and_every_event() -> None:
    host = f"{NAME} (127.0.0.1)"
    assert inv("ops.ps").ok().out.splitlines()[0] == host
    assert f"Plan for frontend:v1 on {host}" in inv("deploy.frontend", "v1", "--dry-run", "--force").ok().out
    events = inv("deploy.frontend", "--tag", "v1", "--json").ok().events
    assert {event["environment"] for event in events} == {NAME}
    assert [event["host"] for event in events if event["event"] == "deploy_started"] == ["127.0.0.1"]


@pytest.mark.parametrize("own", ["BEHINDY_DOMAIN=staging.example\n", "BEHINDY_HOST=127.0.0.1\n"])
def test_staging_without_a_host_or_a_domain_never_reaches_another_environments(own: str, staging: Path) -> None:
    staging.write_text(own)
    ran = inv("deploy.frontend", "--tag", "v1", "--env", staging.name.removeprefix(".env."))
    assert ran.code == 10, ran.said
    assert "of its own" in ran.said


def test_two_environments_are_two_hosts_in_one_command(staging: Path) -> None:
    staging.write_text("BEHINDY_HOST=127.0.0.1\nBEHINDY_PORT=1\nBEHINDY_DOMAIN=staging.example\n")
    other = staging.name.removeprefix(".env.")
    ran = inv("lock.status", "--env", NAME, "lock.status", "--env", other, env=environment(BEHINDY_ENV=""))
    assert ran.out == "The host is free.\n"
    assert ran.code == 11, ran.said
