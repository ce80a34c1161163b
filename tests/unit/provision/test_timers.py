"""What a host does by itself is composed of the same scripts that are sent, and systemd takes it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.facts.timers import PROGRAMS
from behindy_ops.host.command import script_text
from behindy_ops.project.names import Names, Role
from behindy_ops.provision import timers
from tests.unit.machines import BARE, DOMAIN

if TYPE_CHECKING:
    from pathlib import Path

PLACED = timers.files(BARE, DOMAIN)
NAMES = ("backup", "certs")


def test_all_that_is_placed_is_looked_for() -> None:
    assert {*PLACED, *timers.files(replace(BARE, systemd=False), DOMAIN)} == set(timers.paths(BARE.names))


def test_without_a_database_there_is_no_backup_and_the_proxy_may_be_called_anything() -> None:
    alone = replace(BARE, names=Names(proxy=Role("edge", "shop-edge-1"), database=None), timers=frozenset())
    placed = timers.files(alone, DOMAIN)
    assert not [path for path in placed if "backup" in path]
    assert f"state shop-edge-1 {DOMAIN}" in placed[f"{PROGRAMS}/certs"]
    assert timers.units(alone.names, DOMAIN) == ("behindy-certs.timer",)
    assert "backup" not in timers.files(replace(alone, systemd=False), DOMAIN)["/etc/cron.d/behindy-ops"]
    assert timers.are_on(replace(alone, timers=frozenset({"behindy-certs"})), DOMAIN)
    assert not timers.are_on(alone, DOMAIN)


@pytest.mark.parametrize("systemd", [True, False])
def test_without_a_domain_there_is_no_renewal_and_with_neither_nothing_at_all(*, systemd: bool) -> None:
    inside = replace(BARE, systemd=systemd)
    assert {path for path in timers.files(inside, "") if "certs" in path or "docker.service" in path} == set()
    assert f"{PROGRAMS}/backup" in timers.files(inside, "")
    assert "certs" not in "".join(text for path, text in timers.files(inside, "").items() if "cron" in path)
    assert timers.units(inside.names, "") == ("behindy-backup.timer",)
    alone = replace(inside, names=Names(database=None), timers=frozenset())
    assert (timers.files(alone, ""), timers.units(alone.names, ""), timers.are_on(alone, "")) == ({}, (), True)


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_composed_of_the_scripts_that_are_sent(name: str, tmp_path: Path) -> None:
    (tmp_path / "program").write_text(PLACED[f"{PROGRAMS}/{name}"])
    text = (tmp_path / "program").read_text().replace("exec bash", "printf '%s\\0' bash")
    words = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True).stdout.split("\0")
    parts = {"backup": ("timers/backup", "db/look", "db/dump"), "certs": ("timers/certs", "host/certs_issue")}[name]
    for part in ("timers/run", *parts):
        assert words[words.index(part) - 1] == script_text(part)
    assert words[4:7] == [f"{BARE.directory[0]}/state", name, f"{BARE.directory[0]}/.env"]


def test_it_runs_as_the_login_and_a_run_that_was_missed_is_made_up_for() -> None:
    for name in NAMES:
        assert "User=admin\n" in PLACED[f"/etc/systemd/system/behindy-{name}.service"]
        assert "Persistent=true\n" in PLACED[f"/etc/systemd/system/behindy-{name}.timer"]


def test_only_what_differs_is_missing() -> None:
    assert timers.missing(BARE, DOMAIN) == PLACED
    assert set(timers.missing(replace(BARE, directory=("/srv/x",)), DOMAIN)) == set(PLACED)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    units = [path for path in PLACED if path.endswith((".service", ".timer"))]
    for path in units:
        text = PLACED[path].replace(PROGRAMS, str(tmp_path)).replace("User=admin", "User=root")
        (tmp_path / path.rpartition("/")[2]).write_text(text)
    for name in NAMES:
        (tmp_path / name).touch(mode=0o755)
    (tmp_path / "docker.service").write_text("[Service]\nType=notify\nExecStart=/bin/true\n")
    (tmp_path / "docker.service.d").mkdir()
    drop_in = PLACED["/etc/systemd/system/docker.service.d/behindy.conf"].replace("/usr/sbin/iptables", "/bin/true")
    (tmp_path / "docker.service.d/behindy.conf").write_text(drop_in)
    files = [str(tmp_path / name) for name in ("docker.service", *(path.rpartition("/")[2] for path in units))]
    verified = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    assert (verified.returncode, str(tmp_path) in verified.stderr) == (0, False), verified.stderr


@pytest.mark.parametrize("systemd", [True, False])
def test_a_project_that_shares_an_nginx_has_timers_of_its_own(*, systemd: bool) -> None:
    shop = replace(BARE, systemd=systemd, names=Names(project="shop", shared="/home/ubuntu/behindy-ops"))
    placed, first = timers.files(shop, "shop.example"), timers.files(replace(BARE, systemd=systemd), DOMAIN)
    assert {path for path in placed if path in first} <= {"/etc/systemd/system/docker.service.d/behindy.conf"}
    assert set(placed) <= set(timers.paths(shop.names))
    assert f"state certs-shop {shop.directory[0]}" in placed[f"{PROGRAMS}/certs-shop"]
    assert timers.units(shop.names, "shop.example") == ("behindy-backup-shop.timer", "behindy-certs-shop.timer")
    text = placed["/etc/systemd/system/behindy-certs-shop.service" if systemd else "/etc/cron.d/behindy-ops-shop"]
    assert f"{PROGRAMS}/certs-shop" in text
