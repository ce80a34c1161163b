"""Files that are not this tool's: whatever is done below the host directory, all are as before and none was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.host import shell as host
from tests.sandbox.strangers import MARK, Strangers
from tests.sandbox.support import inv, on_host, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOME = "/home/ubuntu/behindy-ops"


def sh(text: str, *arguments: str) -> str:
    return host.run(["bash", "-c", text, "bash", *arguments]).stdout.decode("utf-8", "surrogateescape")


@pytest.fixture
def strangers(live_at_v1: None) -> Iterator[Strangers]:
    """They, below the host directory; taken away afterwards, and the rest as it was."""
    on_host("cp", "-a", f"{HOME}/.env", "/root/env.kept")
    planted = Strangers(sh, HOME)
    try:
        yield planted
    finally:
        planted.remove()
        on_host("sh", "-c", f"cat /root/env.kept > {HOME}/.env; rm -rf {HOME}/state/env /root/env.kept")
        inv("host.sync", "--yes").ok()


TASKS = (
    ("host.sync", "--dry-run"), ("host.sync", "--yes"), ("host.up", "--yes"),
    ("deploy.frontend", "--tag", "v2", "--watch", "0", "--force"), ("deploy.rollback", "frontend", "--watch", "0"),
    ("deploy.recover",), ("db.backup", "--keep-on-host", "--keep", "1"), ("ops.prune",), ("ops.doctor",),
)  # fmt: skip
SETS = 6
"""More than the host keeps copies of its ``.env``."""


def test_forty_files_that_are_not_ours_stay_as_they_are_and_are_not_shown(
    strangers: Strangers, release: Callable[..., str]
) -> None:
    release("frontend", "v2")
    assert len(strangers.planted) >= 40
    said = ""
    for turn in range(2):
        on_host("sh", "-c", f"echo '# {turn}' >> {HOME}/nginx/limits.conf")  # so that host.sync has something to do
        for words in TASKS:
            ran = inv(*words)
            assert ran.code in (0, 65), (words, ran.said)
            said += ran.said
            assert strangers.missing() == [], words
        for number in range(SETS):
            put("NEXT_PUBLIC_APP_NAME", f"{turn}-{number}", "--yes").ok()
        assert strangers.missing() == []
    assert MARK not in said
