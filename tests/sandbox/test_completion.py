"""What a shell is offered of a real host: its tags and releases, soon, without a word, and without a change."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.support import environment, inv_anew, live_release, on_host

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("live_services")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment(XDG_CACHE_HOME=str(tmp_path / "cache"))


def offered(env: dict[str, str], *words: str) -> tuple[dict[str, str], float]:
    """Return what is offered, with the line about each, and the seconds it took."""
    ran = inv_anew("completion", "words", "--", *words, env=env).ok()
    assert ran.err == ""
    pairs = (line.partition("\t") for line in ran.out.splitlines())
    return {value: about for value, _, about in pairs}, ran.seconds


def until_known(env: dict[str, str], *words: str) -> dict[str, str]:
    """Press TAB until the host has answered: a busy one does so behind the first."""
    end = time.monotonic() + 30
    while not (found := offered(env, *words)[0]):
        assert time.monotonic() < end
    return found


def test_tags_and_releases_of_the_host_are_offered(env: dict[str, str], tmp_path: Path) -> None:
    before = on_host("docker", "ps", "-aq", "--no-trunc")
    live = live_release("frontend")
    releases = until_known(env, "deploy.rollback", "frontend", "--to", "")
    tags, _ = offered(env, "deploy.frontend", "--tag", "")
    release = tags[live].removeprefix("release ")
    assert releases[release] == f"{live}, stands"
    assert on_host("docker", "ps", "-aq", "--no-trunc") == before
    (kept,) = (tmp_path / "cache" / "behindy-ops").iterdir()
    assert set(json.loads(kept.read_text())) == {"at", "services"}


def test_of_a_host_that_does_not_answer_what_is_here_is_offered(env: dict[str, str]) -> None:
    away = {**env, "BEHINDY_PORT": "1"}
    assert offered(away, "deploy.frontend", "--tag", "")[0] == {}
    quick, other = offered(away, "deploy.frontend", "--tag", ""), offered(away, "deploy.frontend", "--strategy", "")
    assert quick[0] == {}
    assert set(other[0]) == {"blue-green", "recreate"}
