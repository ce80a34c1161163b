"""What a host's timers start: each run is noted, a backup falls into no restore, a renewal into no deploy."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.db.backup import name_for
from behindy_ops.facts import machine
from behindy_ops.host.command import script
from tests.unit.host.scripts.fake_host import INSIDE, MARK, Answer, locked

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.host.scripts.fake_host import FakeHost, Ran

CERT = "docker", "exec nginx sh -c *"


@pytest.fixture
def state(host: FakeHost) -> str:
    host.file("home/state/x")
    host.file("home/.env", "PASSWORD=s3cret-value\n")
    return str(host.home / "state")


def noted(host: FakeHost, *command: str) -> tuple[int, dict[str, Any]]:
    ran = host.run("timers/run", str(host.home / "state"), "backup", str(host.home / ".env"), *command)
    file = host.home / "state/timers/backup.json"
    assert file.stat().st_mode & 0o777 == 0o600
    said: dict[str, Any] = json.loads(file.read_text())
    return ran.code, said


@pytest.mark.usefixtures("state")
def test_a_run_is_noted_with_its_reason_and_without_secrets(host: FakeHost) -> None:
    good = "s3cret-value-1.dump, 5 bytes"  # a database is called by a value of .env
    code, first = noted(host, "echo", good)
    assert (code, first["ok"], first["said"], first["good"]) == (0, True, good, first["at"])
    bad = 'printf "one\\n\\ntwo\\nthree \\"quoted\\" back\\\\\\\\slash\\n한 s3cret-value\\nAsk for help or search\\n"'
    code, second = noted(host, "bash", "-c", f"{bad}; exit 4")
    assert (code, second["ok"], second["good"]) == (4, False, first["good"])
    assert (first["code"], second["code"], second["seconds"] < 30) == (0, 4, True)
    assert second["said"] == "two three quoted backslash ??? <PASSWORD>"


@pytest.mark.usefixtures("state")
def test_what_says_itself_that_it_took_too_long_is_told_as_it_says_it(host: FakeHost) -> None:
    code, told = noted(host, "bash", "-c", "echo after 2 s; exit 124")
    assert (code, told["said"], told["code"]) == (124, "after 2 s", 124)


@pytest.mark.usefixtures("state")
def test_a_run_that_is_still_at_it_is_left_alone(host: FakeHost) -> None:
    with host.file("home/state/timers/backup.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = host.run("timers/run", str(host.home / "state"), "backup", "none", "false")
    assert ran.code == 0
    assert not (host.home / "state/timers/backup.json").exists()


def backup(host: FakeHost, size: int = 1000, kept: int = 2) -> Ran:
    seen = f"printf 'state running\\navail 1000\\ndatabase 150004 {size} 3 2 my db/é\\n'"
    dump = 'mkdir -p "$2"; echo "$@" >>"$2/../asked"; ! rm "$2/../fails" 2>/dev/null || exit 1'
    dump += '; echo x >"$2/$3"; echo sum 1 2 >&2'
    scripts = ("bash", "-c", seen, "db/look", "bash", "-c", dump, "db/dump")
    return host.run("timers/backup", str(host.home / "state"), "postgres", str(kept), *scripts)


def test_a_backup_is_named_and_kept_as_db_backup_does(host: FakeHost, state: str) -> None:
    ran = backup(host)
    name, _, size = ran.out.partition(", ")
    assert (ran.code, size) == (0, "2 bytes\n")
    moment = datetime.strptime(name[-20:-5], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    assert name == name_for("my db/é", moment)
    assert (host.home / "asked").read_text() == f"postgres {host.home}/backups {name} 2\n"
    assert state


def test_a_backup_that_met_the_end_of_a_restore_is_made_once_more(host: FakeHost) -> None:
    host.file("home/fails")
    assert backup(host).code == 0
    assert len((host.home / "asked").read_text().splitlines()) == 2


@pytest.mark.parametrize("lock", ["home/state/lock", "behindy-ops/lock"])
def test_a_backup_waits_for_whoever_changes_the_database(host: FakeHost, state: str, engine: Path, lock: str) -> None:
    """Whatever their login: a restore has the lock of the engine."""
    assert host.run("lock/lease", state, "5", MARK, stdin="{}\n").code == 0
    host.moved['flock -w 3600 "$each/lock" true'] = 'flock -w 0.1 "$each/lock" true || echo "would wait for $each/lock"'
    with locked(host.root / lock):
        ran = backup(host)
    assert (ran.code, ran.out.splitlines()[0]) == (0, f"would wait for {host.root / lock}")
    assert "would wait" not in backup(host).out


def test_without_room_or_postgres_nothing_is_dumped(host: FakeHost) -> None:
    ran = backup(host, size=1001)
    assert (ran.code, "not enough room: 1000 bytes free" in ran.out) == (1, True)
    for state, ends in (("none", "true"), ("exited", "echo no such process >&2; exit 1")):
        none = ("bash", "-c", f"echo state {state}; {ends}", "db/look", *script("db/dump")[:4])
        ran = host.run("timers/backup", str(host.home / "state"), "postgres", "7", *none)
        assert (ran.code, f"its container is {state}" in ran.out) == (1, True)
    assert "no such process" in ran.out
    assert not (host.home / "backups").exists()


def test_two_that_dump_at_once_take_turns(host: FakeHost) -> None:
    backups = host.file("home/backups/x").parent
    host.moved["flock -w 7200"] = "flock -w 0.2"
    host.on("docker", "exec *", INSIDE)
    folder = os.open(backups, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        assert host.run("db/dump", "postgres", str(backups), "a.dump", "7").code == 77
    finally:
        os.close(folder)


def certs(host: FakeHost, issue: str = "exit 0") -> Ran:
    issue = f'cat "{host.home}/state/lock.json" >"{host.home}/seen"; echo "$@" >>"{host.home}/asked"; {issue}'
    issuing = ("bash", "-c", issue, "host/certs_issue", "nginx", "a.org", "image", "", "shop")
    return host.run("timers/certs", str(host.home / "state"), "nginx", "a.org", "30", *issuing)


def test_a_certificate_is_renewed_under_the_lock_for_the_names_it_has(host: FakeHost, state: str, engine: Path) -> None:
    host.on("docker", "container inspect *", "true\n")
    host.on(*CERT, "DNS:a.org\nDNS:www.a.org\n")
    ran = certs(host)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "renewed for a.org www.a.org")
    assert (host.home / "asked").read_text() == "nginx a.org image  shop a.org www.a.org\n"
    assert json.loads((host.home / "seen").read_text())["what"] == "renewal of the certificate"
    assert not os.path.lexists(f"{state}/lock.json")
    assert certs(host, f"cp {engine}/lock.json {host.home}; exit 70").code == 70
    assert json.loads((host.home / "lock.json").read_text())["who"] == "behindy-certs on this host"
    assert not (engine / "lock.json").exists()


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ("placeholder\n", 0, "inv host.certs"),
        ("notAfter=Jan 1 00:00:00 2030 GMT\n", 0, "valid until Jan 1"),
        (Answer(err="Could not open file\n", code=1), 1, "no certificate of a.org can be read"),
    ],
)
def test_a_certificate_that_is_not_due_is_left_alone(host: FakeHost, said: Answer | str, code: int, words: str) -> None:
    host.on("docker", "container inspect *", "true\n")
    host.on(*CERT, said)
    host.on("docker", "service inspect *", Answer(err="not a swarm manager", code=1))
    ran = certs(host)
    assert (ran.code, words in ran.out) == (code, True)
    assert not (host.home / "asked").exists()


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("refused", [False, True])
def test_edges_that_did_not_get_a_certificate_when_it_was_renewed_get_it_the_next_time(
    host: FakeHost, refused: bool
) -> None:
    host.on("docker", "container inspect *", "true\n")
    host.on(*CERT, "notAfter=Jan 1 00:00:00 2030 GMT\n")
    host.on("docker", "service inspect --format *SecretName* shop-edge", "shop-certificates-old\n")
    host.on("docker", "exec -u 0 nginx sh -c cat *", "certificate")
    for call in ("secret inspect *", "secret ls *"):
        host.on("docker", call)
    host.on("docker", "service update *", Answer(err="no leader\n", code=1) if refused else "")
    ran = certs(host)
    assert (ran.code, "valid until" in ran.out, "no leader" in ran.out) == (int(refused), not refused, refused)
    assert any("--secret-rm shop-certificates-old --secret-add" in call for call in ran.calls)


def test_it_waits_for_whoever_changes_the_host_and_not_for_ever(host: FakeHost, state: str, engine: Path) -> None:
    host.on("docker", "container inspect *", "true\n")
    host.on(*CERT, "DNS:a.org\n")
    assert host.run("lock/lease", state, "5", MARK, stdin="{}\n").code == 0
    for lock in ("home/state/lock", "behindy-ops/lock"):
        host.moved["flock -w 3600"] = "flock -w 0.2"
        with locked(host.root / lock):
            ran = certs(host)
        assert (ran.code, "for an hour" in ran.out) == (73, True), lock
        del host.moved["flock -w 3600"]
        holder = ["flock", str(host.root / lock), "sh", "-c", "echo; exec sleep 0.3"]
        with subprocess.Popen(holder, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            assert certs(host).code == 0
        (host.home / "asked").unlink()
    host.file("home/state/hold.json", "{}")
    ran = certs(host)
    assert (ran.code, "inv lock.status" in ran.out) == (74, True)
    assert not (host.home / "asked").exists()
    host.on("docker", "container inspect *", "false\n")
    assert certs(host).code == 69


def test_a_backup_is_printed_with_its_sum(host: FakeHost) -> None:
    host.file("home/backups/a.dump", "dumped")
    ran = host.run("db/fetch", str(host.home), "a.dump")
    assert (ran.code, ran.out, ran.err.split()[0::2]) == (0, "dumped", ["sum", "6"])
    assert host.run("db/fetch", str(host.home), "b.dump").code == 86


def test_what_is_placed_is_put_there_whole_and_switched_on(host: FakeHost) -> None:
    host.moved["/run/systemd/system"] = str(host.root)
    host.on("systemctl", "*")
    where = host.root / "lib/behindy/backup"
    units = ("behindy-backup.timer", "behindy-certs.timer")
    ran = host.run("host/setup", "timers", *units, stdin=f"755 {where} aGVsbG8K\n644 {host.root}/x.timer eAo=\n")
    assert (ran.code, where.read_text(), where.stat().st_mode & 0o777) == (0, "hello\n", 0o755)
    assert ran.calls == ["systemctl daemon-reload", "systemctl enable --now behindy-backup.timer behindy-certs.timer"]


def test_the_look_tells_what_is_placed_and_on(host: FakeHost) -> None:
    placed = host.file("behindy-backup-shop.timer", "x\n")
    off = host.root / "behindy-certs-shop.timer"
    for program in ("docker", "sudo", "systemd-detect-virt", "timedatectl", "apt-config", "getent"):
        host.on(program, "*", Answer(code=1))
    host.moved["/run/systemd/system"] = str(host.root)
    host.on("systemctl", "*", Answer(run='case "$*" in *certs*) exit 1 ;; esac'))
    facts = machine.parse(
        host.run("host/facts", MARK, "home", "a.org", "nginx", str(placed), str(off), str(host.root / "no")).reply
    )
    assert (facts.systemd, facts.timers) == (True, frozenset({"behindy-backup-shop"}))
    assert facts.directory == (str(host.home),)
    assert facts.placed.keys() == {str(placed)}


def scheduled(host: FakeHost, *files: str, text: str = "as @user@\n") -> Ran:
    """Run ``deploy/schedule`` for these paths below the root."""
    lines = "".join(f"{host.root / file} {base64.b64encode(text.encode()).decode()}\n" for file in files)
    host.moved["no/etc/"] = f"no{host.root}/etc/"
    host.moved["yes/etc/"] = f"yes{host.root}/etc/"
    host.on("sudo", "-n install *", Answer(run='shift; exec "$@"'))
    host.on("sudo", "-n rm *", Answer(run='shift; exec "$@"'))
    return host.run("deploy/schedule", "job-report", str(host.root / "programs"), stdin=lines)


FILES = ("programs/job-report", "etc/cron.d/behindy-job-report", "etc/systemd/system/behindy-job-report.timer")


@pytest.mark.skipif(os.getuid() != 0, reason="install is run as root")
def test_a_jobs_timer_is_put_there_once_and_taken_away_again(host: FakeHost) -> None:
    host.moved["/run/systemd/system"] = str(host.root / "none")
    assert scheduled(host, *FILES).out == "placed\n"
    program, line, unit = (host.root / file for file in FILES)
    assert (program.stat().st_mode & 0o777, line.stat().st_mode & 0o777, unit.exists()) == (0o755, 0o644, False)
    assert line.read_text() == "as root\n"
    assert scheduled(host, *FILES).out == ""
    assert scheduled(host, *FILES, text="another\n").out == "placed\n"
    assert scheduled(host).out == "placed\n"
    assert not program.exists()
    assert not line.exists()


STAMP = "var/timers/stamp-behindy-job-report.timer"
STOPPED, LOADED, ON = (f"systemctl {words}" for words in (
    "stop behindy-job-report.timer", "daemon-reload", "enable --now behindy-job-report.timer"
))  # fmt: skip


def with_systemd(host: FakeHost, *, enabled: bool = True, active: bool = True, stale: str = "no") -> None:
    """It has a timer that is as told; ``stale``: whether its file is another than the one that was loaded."""
    host.moved |= {"/run/systemd/system": str(host.root), "/var/lib/systemd": f"{host.root}/var"}
    host.file(STAMP, "")
    host.on("systemctl", "*", "")
    host.on("systemctl", "-q is-enabled *", Answer(code=0 if enabled else 1))
    host.on("systemctl", "-q is-active *", Answer(code=0 if active else 3))
    host.on("systemctl", "show *NeedDaemonReload*", f"{stale}\n")


def done_to_systemd(ran: Ran) -> list[str]:
    """What was changed of it."""
    looks = ("systemctl -q", "systemctl show")
    return [call for call in ran.calls if call.startswith("systemctl") and not call.startswith(looks)]


@pytest.mark.skipif(os.getuid() != 0, reason="install is run as root")
def test_with_systemd_a_timer_of_its_own_is_switched_on(host: FakeHost) -> None:
    with_systemd(host, enabled=False, active=False)
    ran = scheduled(host, *FILES)
    assert (ran.out, done_to_systemd(ran)) == ("placed\n", [LOADED, ON])
    assert not (host.root / FILES[1]).exists()
    assert (host.root / FILES[2]).exists()
    with_systemd(host)
    again = scheduled(host, *FILES)
    assert (again.out, done_to_systemd(again)) == ("", [])
    assert (host.root / STAMP).exists()


@pytest.mark.skipif(os.getuid() != 0, reason="install is run as root")
@pytest.mark.parametrize(
    ("was", "done"),
    [
        ({"enabled": False}, [STOPPED, LOADED, ON]),
        ({"active": False}, [LOADED, ON]),
        ({"stale": "yes"}, [STOPPED, LOADED, ON]),
    ],
    ids=["switched off at the next boot", "stopped", "its file was written, and then came a power cut"],
)
def test_a_timer_that_is_not_on_is_switched_on_and_makes_up_for_nothing(
    host: FakeHost, was: dict[str, Any], done: list[str]
) -> None:
    with_systemd(host)
    scheduled(host, *FILES)
    with_systemd(host, **was)
    ran = scheduled(host, *FILES)
    assert (ran.out, done_to_systemd(ran)) == ("placed\n", done)
    assert not (host.root / STAMP).exists()


@pytest.mark.skipif(os.getuid() != 0, reason="install is run as root")
def test_another_program_leaves_the_timer_as_it_is(host: FakeHost) -> None:
    with_systemd(host)
    ran = scheduled(host, *FILES)
    assert (ran.out, done_to_systemd(ran)) == ("placed\n", [LOADED, ON])
    assert (host.root / STAMP).exists()


@pytest.mark.skipif(os.getuid() != 0, reason="install is run as root")
def test_a_timer_of_systemd_goes_with_all_that_it_has_left(host: FakeHost) -> None:
    with_systemd(host)
    scheduled(host, *FILES)
    host.on("systemctl", "reset-failed *", Answer(code=1, err="Unit behindy-job-report.service not loaded."))
    ran = scheduled(host)
    assert (ran.code, ran.out, ran.err) == (0, "placed\n", "")
    assert done_to_systemd(ran) == [
        "systemctl disable --now behindy-job-report.timer",
        LOADED,
        "systemctl reset-failed behindy-job-report.service",
    ]
    assert not [file for file in (*FILES, STAMP) if (host.root / file).exists()]


def ran_job(host: FakeHost, *, code: str = "0 false", runs: str = "false", limit: str = "60") -> Ran:
    keep = "home/state/releases/report/r1"
    for name in ("names.yml", ".env", "docker-compose.yml"):
        host.file(f"{keep}/{name}", "")
    host.on("docker", "*", "")
    host.on("docker", "compose *", "7f\n")
    host.on("docker", "container inspect --format *behindy.schedule* report", "r1 0 3 * * * 3600\n")
    host.on(
        "docker", "container inspect --format {{.State.Running}} report-run", *(f"{each}\n" for each in runs.split())
    )
    host.on("docker", "container inspect --format {{.State.ExitCode}}* report-run", f"{code}\n")
    host.on("docker", "container inspect --format {{.Image}} *", "sha256:1\n")
    host.on("docker", "container inspect --format *Config.Env* *", '"KEY=s3cret"\n')
    host.on("docker", "logs *", "working with s3cret\n")
    host.on("docker", "wait report-run", Answer(run="exec sleep 3") if "true" in runs else "0\n")
    return host.run("timers/job", str(host.home), "report", limit, "5")


@pytest.mark.parametrize(
    ("ended", "code", "last"),
    [
        ("0 false", 0, "release r1 ended well after"),
        ("3 false", 3, "ended with exit code 3 after"),
        ("137 true", 137, "OOM-killed after"),
    ],
)
def test_a_run_of_a_job_is_a_container_of_the_release_and_ends_as_that_did(
    host: FakeHost, ended: str, code: int, last: str
) -> None:
    ran = ran_job(host, code=ended)
    first, said = ran.out.splitlines()
    assert (ran.code, first) == (code, "working with <KEY>")
    assert said.startswith(last)
    (made,) = [call for call in ran.calls if call.startswith("docker compose")]
    assert made.endswith("run --detach --no-deps --name report-run report")
    assert f"{host.home}/state/releases/report/r1/names.yml" in made
    host.file("home/state/releases/report/r1/override.yml", json.dumps({"services": {"nightly": {}}}, indent=1))
    made = [call for call in ran_job(host, code=ended).calls if call.startswith("docker compose")][-1]
    assert made.endswith("run --detach --no-deps --name report-run nightly")


def test_a_run_that_takes_too_long_is_stopped(host: FakeHost) -> None:
    ran = ran_job(host, runs="false true", limit="1")
    assert (ran.code, ran.out.splitlines()[-1]) == (1, "ended by force after 1 s (x-deploy.timeout)")
    assert "docker stop -t 5 report-run" in ran.calls


def test_a_run_that_nobody_ended_is_stopped_before_the_next(host: FakeHost) -> None:
    ran = ran_job(host, runs="true false")
    calls = [call for call in ran.calls if "stop" in call or "compose" in call]
    assert calls[0] == "docker stop -t 5 report-run"
    assert "compose" in calls[1]


def test_a_job_that_is_not_deployed_or_is_none_any_more_is_not_run(host: FakeHost) -> None:
    host.on("docker", "container inspect *", Answer(err="No such container: report", code=1))
    ran = host.run("timers/job", str(host.home), "report", "60", "5")
    assert (ran.code, ran.out) == (0, "report is not deployed\n")
    host.on("docker", "container inspect --format *behindy.schedule* report", "r1 \n")
    ran = host.run("timers/job", str(host.home), "report", "60", "5")
    assert (ran.code, ran.out) == (0, "report is no scheduled job any more\n")
