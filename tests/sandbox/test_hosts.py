"""A deploy, a rollback, a doctor and a backup on hosts as they are met: each works, or is refused by name before it."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind
from sandbox.host import lifecycle, releases
from sandbox.host.checkout import here
from sandbox.host.registry import Registry
from tests.sandbox.bare import Bare, bare, believe_the_authority, fingerprint_of_its_key, write_environment
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
    for usual in (one, other) if variant.refused else ():  # so that there is one to go back to
        deploy("frontend", usual).ok()
    arrange(variant)
    before = containers()
    if variant.engine and not variant.refused:
        deploy("frontend", one).ok()
    live = live_release("frontend") if "frontend" in containers() else ""
    tag = one if live == other else other
    went = Went(deploy("frontend", tag), _rollback(), _doctor(inv), inv("db.backup", "--to", str(tmp_path)))
    wrong = _refused(variant, went, before) if variant.refused else _works(went, tag, tmp_path)
    result = ", ".join(wrong) or (f"refused: {variant.refused}" if variant.refused else "works")
    cells = {name: _cell(getattr(went, name)) for name in ("deploy", "rollback", "doctor", "backup")}
    record_property(PROPERTY, asdict(HostRow(variant.name, **cells, result=result)))
    assert not wrong, (went.deploy.said, went.rollback.said, went.doctor.said, went.backup.said)


def _rollback() -> Ran:
    return inv("deploy.rollback", "frontend", "--watch", "0")


def _doctor(run: Callable[..., Ran]) -> Ran:
    """On a machine that has a lot to do, a service may be slow for a moment; one that is ill stays so."""
    ran = run("ops.doctor")
    return ran if ran.code == 0 else run("ops.doctor")


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
    by_name = {Kind.LOGIN_REFUSED.exit_code, Kind.HOST_NOT_READY.exit_code}
    if not {went.deploy.code, went.rollback.code} <= by_name:
        wrong.append("not refused by name")
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


INSTALL = """
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
install="apt-get install -y -qq --no-install-recommends"
$install docker.io docker-cli docker-compose curl ca-certificates iptables >/dev/null
sed 's,exec /usr/sbin/service,exec /usr/sbin/service.real,' /usr/local/sbin/service >/tmp/service
mv /usr/sbin/service /usr/sbin/service.real; install -m 755 /tmp/service /usr/sbin/service
"""
ENGINES = {
    "bookworm": ("bookworm", ""),  # what host.setup installs there
    "trixie": ("trixie", ""),
    "sid": ("sid", INSTALL),  # the newest there is; host.setup has no recipe for it
    "sid, images kept by containerd": (
        "sid",
        INSTALL + """sed -i '1a "features": {"containerd-snapshotter": true},' /etc/docker/daemon.json""",
    ),
}


@pytest.mark.skipif(not FULL, reason="takes minutes: only with --full")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ENGINES)
def test_the_engines_and_compose_of_debian(
    name: str, record_property: Callable[[str, object], None], tmp_path: Path
) -> None:
    suite, arrange = ENGINES[name]
    with bare(suite, tmp_path) as made:
        assert made.host.run("bash", "-ec", arrange, timeout=400).returncode == 0
        made.inv("host.trust", "--fingerprint", fingerprint_of_its_key(made)).ok()
        made.inv("host.setup", "--yes").ok()
        believe_the_authority(made)
        write_environment(made)
        for words in (("env.push",), ("host.sync",), ("host.up",), ("host.certs", "--email", "ops@behindy.me")):
            made.inv(*words, "--yes").ok()
        made.inv("deploy.all", "--tag", "v1", "--watch", "0").ok()
        _move_latest(made)
        made.inv("deploy.frontend", "--watch", "0").ok()
        first = made.sh(DIGEST)
        _move_latest(made)
        went = Went(
            made.inv("deploy.frontend", "--watch", "0"),
            made.inv("deploy.rollback", "frontend", "--watch", "0"),
            _doctor(made.inv),
            made.inv("db.backup", "--to", str(tmp_path / "backups")),
        )
        seen = json.loads(made.inv("deploy.status", "--json").ok().out)
        versions = made.sh("docker version --format '{{.Server.Version}}' && docker compose version --short")
        wrong = [] if made.sh(DIGEST) == first else ["another release is live after the rollback"]
        wrong += [each for each in ("deploy", "rollback", "doctor", "backup") if getattr(went, each).code]
        cells = {each: _cell(getattr(went, each)) for each in ("deploy", "rollback", "doctor", "backup")}
        docker, compose = versions.split()
        row = HostRow(f"{name}: Docker {docker}, Compose {compose}", **cells, result=", ".join(wrong) or "works")
        record_property(PROPERTY, asdict(row))
        assert not wrong, (seen, went)


DIGEST = "docker inspect --format '{{index .Config.Labels \"behindy.digest\"}}' frontend"


def _move_latest(made: Bare) -> None:
    """Push another image as ``latest``."""
    now = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    port = releases.application_ports(here().compose_file)["frontend"]
    releases.push(Registry(made.host.registry), releases.Release("frontend", "latest", port, "", 0, now))
