"""A deploy, a rollback, a doctor and a backup on hosts as they are met: each works, or is refused by name before it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import pytest

from sandbox.host import lifecycle
from tests.sandbox.host_variants import ALL, ALWAYS, USUAL, USUAL_ENGINE, Variant
from tests.sandbox.hosts_table import PROPERTY, HostRow
from tests.sandbox.small_disk import move
from tests.sandbox.support import Ran, containers, deploy, inv, live_release, on_host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"
"""Also the whole matrix, which takes a quarter of an hour."""

Arrange = Callable[[Variant], None]


@dataclass
class Went:
    """How each went on a host."""

    deploy: Ran
    rollback: Ran
    doctor: Ran
    backup: Ran
    wrong: list[str] = field(default_factory=list)


@pytest.fixture
def arrange(live_services: None, sshd: Callable[..., None]) -> Iterator[Arrange]:
    """Makes a host out of the usual one; that again afterwards."""
    arranged: list[Variant] = []

    def make(variant: Variant) -> None:
        arranged.append(variant)
        on_host("bash", "-c", variant.arrange, timeout=240)
        if variant.engine:
            move(variant.engine)
            if not variant.refused:
                lifecycle.up(lambda _: None)
        if variant.sshd:
            sshd(*variant.sshd)

    yield make
    on_host("bash", "-c", USUAL)
    if any(variant.engine for variant in arranged):
        move(USUAL_ENGINE)
        on_host("rm", "-rf", "/var/lib/docker/matrix")
        lifecycle.up(lambda _: None)


@pytest.mark.parametrize("variant", ALL if FULL else ALWAYS, ids=lambda variant: re.sub(r"[^\w=.]+", "-", variant.name))
def test_it_works_or_is_refused_by_name(
    arrange: Arrange,
    release: Callable[..., str],
    record_property: Callable[[str, object], None],
    tmp_path: Path,
    variant: Variant,
) -> None:
    one, other = release("frontend", "met"), release("frontend", "met-again")
    arrange(variant)
    before = containers()
    if variant.engine and not variant.refused:
        deploy("frontend", one).ok()
    tag = one if live_release("frontend") == other else other if "frontend" in before or variant.engine else one
    went = Went(deploy("frontend", tag), _rollback(), inv("ops.doctor"), inv("db.backup", "--to", str(tmp_path)))
    wrong = _refused(variant, went, before) if variant.refused else _works(went, tag, tmp_path)
    result = ", ".join(wrong) or (f"refused: {variant.refused}" if variant.refused else "works")
    cells = {name: _cell(getattr(went, name)) for name in ("deploy", "rollback", "doctor", "backup")}
    record_property(PROPERTY, asdict(HostRow(variant.name, **cells, result=result)))
    assert not wrong, (went.deploy.said, went.rollback.said, went.doctor.said, went.backup.said)


def _rollback() -> Ran:
    return inv("deploy.rollback", "frontend", "--watch", "0")


def _cell(ran: Ran) -> str:
    return f"{ran.seconds:.0f} s" if ran.code == 0 else f"exit {ran.code}"


def _works(went: Went, tag: str, folder: Path) -> list[str]:
    wrong = [name for name in ("deploy", "rollback", "doctor", "backup") if getattr(went, name).code]
    if not wrong and live_release("frontend") == tag:
        wrong.append("nothing was rolled back")
    if [file.read_bytes()[:5] for file in folder.iterdir()] != [b"PGDMP"]:
        wrong.append("no backup came")
    if "Welcome" in went.deploy.said or "noise" in went.deploy.said:
        wrong.append("what the login says is taken for an answer")
    return wrong


def _refused(variant: Variant, went: Went, before: dict[str, str]) -> list[str]:
    wrong = []
    if went.deploy.code == 0 or went.rollback.code == 0:
        wrong.append("not refused")
    checked = inv("host.check", "--json")
    found = [check["problem"] for check in _checks(checked)]
    if variant.refused not in found and variant.refused not in checked.said:
        wrong.append("host.check does not name it")
    if containers() != before:
        wrong.append("containers changed")
    return wrong


def _checks(ran: Ran) -> list[dict[str, str]]:
    try:
        checks: list[dict[str, str]] = json.loads(ran.out)["checks"]
    except (ValueError, KeyError):
        return []
    return checks
