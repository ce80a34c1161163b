"""The scripts of the lock, run by bash: who gets it, who is refused, and that nothing runs without it."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import subprocess
from typing import TYPE_CHECKING

from behindy_ops.host.command import Command, script, wire
from behindy_ops.host.exit_codes import Code
from tests.unit.host.scripts.fake_host import locked

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.host.scripts.fake_host import FakeHost

KIM = json.dumps({"who": "kim", "token": "t0ken"})


def state(host: FakeHost) -> str:
    return str(host.file("home/state/x").parent)


def test_a_lease_lasts_as_long_as_it_is_heard_and_answers_each_beat(host: FakeHost) -> None:
    where = state(host)
    ran = host.run("lock/lease", where, "5", "@@", KIM, "cat", f"{where}/lock.json", stdin="\n\n")
    assert ran.out == f"@@ lease\n{KIM}\n@@ ready\n\n\n"
    assert not (host.home / "state/lock.json").exists()


def test_a_lease_is_refused_while_another_or_a_person_holds_the_host(host: FakeHost) -> None:
    where = state(host)
    host.file("home/state/lock.json", KIM)
    with (host.home / "state/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = host.run("lock/lease", where, "5", "@@", "{}")
    assert (ran.code, ran.out) == (Code.LEASED, KIM)
    host.file("home/state/hold.json", KIM)
    ran = host.run("lock/lease", where, "5", "@@", "{}")
    assert (ran.code, ran.out) == (Code.HELD, KIM)


def test_a_lease_waits_for_what_an_interrupted_run_is_still_changing(host: FakeHost) -> None:
    where = state(host)
    host.moved["-w 90"] = "-w 0.1"
    with (host.home / "state/busy").open("w") as busy:
        fcntl.flock(busy, fcntl.LOCK_SH)
        ran = host.run("lock/lease", where, "5", "@@", "{}")
    assert (ran.code, ran.out) == (Code.BUSY, "")


def test_a_lease_ends_with_its_client_whatever_the_survey_has_left_running(host: FakeHost) -> None:
    where = state(host)
    host.run("lock/lease", where, "5", "@@", KIM, "sh", "-c", "sleep 3 <&- >&- 2>&- &")
    with (host.home / "state/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_lease_says_what_it_lacks(host: FakeHost) -> None:
    assert host.run("lock/lease", str(host.root / "no/state"), "5", "@@", "{}").code == Code.NO_DIRECTORY
    assert host.run("lock/lease", state(host), "5", "@@", "").code == Code.BAD_INPUT
    host.moved["command -v flock"] = "command -v no-such-program"
    assert host.run("lock/lease", state(host), "5", "@@", "{}").code == Code.NO_FLOCK
    host.file("file/state")
    assert host.run("lock/lease", f"{host.root}/file/state/below", "5", "@@", "{}").code == Code.NO_DIRECTORY


def test_a_hold_is_taken_shown_and_given_back(host: FakeHost) -> None:
    where = state(host)
    assert host.run("lock/hold", where, "status").out == "hold \n"
    assert host.run("lock/hold", where, "acquire", stdin=f"{KIM}\n").code == 0
    assert (host.home / "state/hold.json").stat().st_mode & 0o7 == 0
    assert host.run("lock/hold", where, "status").values == {"hold": KIM}
    ran = host.run("lock/hold", where, "acquire", stdin="{}\n")
    assert (ran.code, ran.out) == (Code.HELD, f"{KIM}\n")
    assert host.run("lock/hold", where, "release").out == f"{KIM}\n"
    assert host.run("lock/hold", str(host.root / "no/state"), "status").code == Code.NO_DIRECTORY
    host.file("home/state/lock.json", KIM)
    with (host.home / "state/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert host.run("lock/hold", where, "status").values == {"hold": "", "lease": KIM}
        assert host.run("lock/hold", where, "acquire", stdin="{}\n").code == Code.LEASED


def test_a_change_runs_only_while_its_own_lease_is_held(host: FakeHost) -> None:
    where = state(host)
    arguments = (where, "t0ken", "touch", f"{host.root}/changed")
    assert host.run("lock/fenced", *arguments).code == Code.LEASE_LOST
    host.file("home/state/lock.json", KIM)
    assert host.run("lock/fenced", *arguments).code == Code.LEASE_LOST  # nobody lives who holds it
    with (host.home / "state/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert host.run("lock/fenced", where, "other", "touch", f"{host.root}/changed").code == Code.LEASE_LOST
        host.moved["-w 10"] = "-w 0.1"
        with (host.home / "state/busy").open("w") as busy:  # whoever takes the lock next waits for changes to end
            fcntl.flock(busy, fcntl.LOCK_EX)
            assert host.run("lock/fenced", *arguments).code == Code.LEASE_LOST
        assert not (host.root / "changed").exists()
        assert host.run("lock/fenced", *arguments).code == 0
    assert (host.root / "changed").exists()


def test_a_fenced_script_is_the_one_that_was_meant_with_its_own_arguments(host: FakeHost) -> None:
    where = state(host)
    host.file("home/state/lock.json", KIM)
    line = wire(
        Command(script("deploy/record", f"{where}/a b'c", "9"), "x", changes=True),
        script("lock/fenced", where, "t0ken"),
    )
    with (host.home / "state/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["sh", "-c", line], input=b"line\n", check=True, timeout=10)
    assert (host.home / "state/a b'c").read_text() == "line\n"
    assert shlex.split(line)[:3] == ["timeout", "-k", "5"]


def test_a_lease_of_one_login_is_one_of_the_engine(host: FakeHost, engine: Path) -> None:
    where = state(host)
    ran = host.run("lock/lease", where, "5", "@@", KIM, "ls", str(engine))
    assert (ran.code, ran.out) == (0, "@@ lease\nbusy\nlock\nlock.json\n@@ ready\n")
    assert engine.stat().st_mode & 0o7777 == 0o2770
    assert not (engine / "lock.json").exists()
    assert not os.path.lexists(f"{where}/lock.json")
    (engine / "lock.json").write_text(KIM)
    with locked(engine / "lock"):
        for what in (("lock/lease", f"{host.root}/alice/state", "5", "@@", "{}"), ("lock/hold", where, "acquire")):
            ran = host.run(*what, stdin="{}\n")
            assert (ran.code, ran.out) == (Code.LEASED, KIM)
        assert host.run("lock/hold", f"{host.root}/alice/state", "status").values == {"hold": "", "lease": KIM}
    with locked(host.home / "state/lock"):  # by one that waits for the engine's, and has not written who it is
        assert host.run("lock/lease", where, "5", "@@", "{}").out == KIM
    host.moved["-w 60"] = "-w 0.1"
    with locked(engine / "busy"):
        assert host.run("lock/lease", where, "5", "@@", "{}").code == Code.BUSY


def test_a_hold_of_one_login_is_one_for_all(host: FakeHost, engine: Path) -> None:
    ours, theirs = state(host), f"{host.root}/alice/state"
    assert host.run("lock/hold", theirs, "acquire", stdin=f"{KIM}\n").code == 0
    assert host.run("lock/hold", ours, "status").values == {"hold": KIM}
    assert host.run("lock/lease", ours, "5", "@@", "{}").code == Code.HELD
    assert (host.root / "alice/state/hold.json").read_text() == f"{KIM}\n"  # an earlier version sees it, too
    assert host.run("lock/hold", ours, "release").out == f"{KIM}\n"
    assert host.run("lock/lease", theirs, "5", "@@", "{}").code == 0


def test_a_hold_and_a_lease_of_an_earlier_version_count(host: FakeHost, engine: Path) -> None:
    where = state(host)
    host.file("home/state/hold.json", KIM)
    assert host.run("lock/lease", where, "5", "@@", "{}").code == Code.HELD
    assert host.run("lock/hold", where, "release").out == KIM
    with locked(host.home / "state/lock"):
        assert host.run("lock/lease", where, "5", "@@", "{}").code == Code.LEASED
    assert host.run("lock/lease", where, "5", "@@", "{}").code == 0


def test_what_is_not_the_engines_own_is_never_used(host: FakeHost, engine: Path) -> None:
    where, other = state(host), host.file("other/lock", "theirs")
    engine.symlink_to(other.parent)
    assert host.run("lock/lease", where, "5", "@@", "{}").code == Code.NO_ENGINE_LOCK
    engine.unlink()
    engine.mkdir(mode=0o777)
    ran = host.run("lock/hold", where, "acquire", stdin="{}\n")
    assert (ran.code, str(engine) in ran.err) == (Code.NO_ENGINE_LOCK, True)
    (engine / "hold.json").write_text("{}")
    assert host.run("lock/hold", where, "status").out == "hold \n"
    assert other.read_text() == "theirs"


def test_a_change_goes_by_the_lock_of_the_engine(host: FakeHost, engine: Path) -> None:
    where = state(host)
    arguments = (where, "t0ken", "touch", f"{host.root}/changed")
    host.run("lock/lease", where, "5", "@@", stdin=f"{KIM}\n")
    (engine / "lock.json").write_text('{"token": "alice"}')
    (host.home / "state/lock.json").symlink_to(engine / "lock.json")
    host.moved["-w 10"] = "-w 0.1"
    with locked(host.home / "state/lock"):
        assert host.run("lock/fenced", *arguments).code == Code.LEASE_LOST
        (engine / "lock.json").write_text(KIM)
        with locked(engine / "busy"):
            assert host.run("lock/fenced", *arguments).code == Code.LEASE_LOST
        assert host.run("lock/fenced", *arguments).code == 0


def test_a_login_that_may_not_use_docker_has_its_own_lock_alone(host: FakeHost, engine: Path) -> None:
    host.moved["id -u"] = "echo 1000"
    host.moved["id -Gn"] = "echo users"
    assert host.run("lock/lease", state(host), "5", "@@", stdin=f"{KIM}\n").code == 0
    assert not engine.exists()
