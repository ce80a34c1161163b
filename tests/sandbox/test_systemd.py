"""A host whose first process is systemd: what host.setup and deploys place there is on, runs by itself, and goes."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.facts.timers import PROGRAMS
from behindy_ops.project.cron import parse
from sandbox.host.docker_cli import docker
from tests.sandbox.asking import visitors
from tests.sandbox.bare import (
    HOME,
    Bare,
    bare,
    believe_the_authority,
    fingerprint_of_its_key,
    from_nothing_to_three_services,
    write_environment,
)
from tests.sandbox.support import Ran, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

PRESENT = ("ca-certificates", "curl", "docker.io", "docker-cli|", "docker-compose", "unattended-upgrades")
"""What many a provider's image has already; that host.setup installs it is shown elsewhere, and takes the longest."""

STANZA = {
    "image": "${BEHINDY_IMAGE_PREFIX:-behindy}/behindy-llmserver:latest",
    "profiles": ["apps"],
    "init": True,
    "networks": ["internal"],
    "volumes": ["diary:/diary"],
    "command": [
        *("sh", "-c"),
        "echo the report of $$SAMPLE_RELEASE; while test -e /diary/stay; do sleep 1; done; test ! -e /diary/fail",
    ],
    "mem_limit": "60m",
    "memswap_limit": "60m",
}
DIARY = "$(docker volume inspect --format '{{.Mountpoint}}' behindy-ops_diary)"
JOB = "behindy-job-report"
LEFT = f"ls {PROGRAMS}/job-report /etc/systemd/system/{JOB}.* /etc/systemd/system/timers.target.wants/{JOB}.timer"
EACH_MINUTE = {"schedule": "* * * * *", "timeout": 60, "stop": 1}
OFTEN = "*/15 8-18 * * 1-5"
full = pytest.mark.skipif(os.environ.get("BEHINDY_TEST_FULL") != "1", reason="takes long; --full runs it")
ODD = (
    "0 3 * * *", "* * * * *", OFTEN, "5 0 * * 7", "30 4 1,15 * *", "30 4 1 * 5", "0 0 29 2 *", "10-50/20 0 * 1-12/6 *",
    "59 23 31 12 *", "0 0 31 * *", "0-59 0-23 1-31 1-12 0-7", "*/59 */23 */31 */12 *", "7/9 * * * *", "0 12 */2 * 1",
    "0 12 1-31/2 * 1", "0 12 * * 0-7/3", "0,0,30 1,1 * * 6,7", "0 0 30 2,4 1-5", "00 05 08 09 *", "0 0 13 * 5",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """A host with one job, whose timer has been on since before its certificate was there."""
    with bare("trixie", tmp_path_factory.mktemp("systemd"), second="systemd", systemd=PRESENT) as host:
        host.twice("host.trust", "--fingerprint", fingerprint_of_its_key(host))
        host.twice("host.setup", "--yes")
        believe_the_authority(host)
        write_environment(host)
        declare(host, EACH_MINUTE)
        for words in (("env.push",), ("host.sync",), ("host.up",)):
            host.inv(*words, "--yes").ok()
        deploy(host).ok()
        host.inv("host.certs", "--yes", "--email", "ops@behindy.me").ok()
        yield host


def declare(made: Bare, x_deploy: dict[str, Any]) -> None:
    """Have the project, on this side, say when the report runs."""
    stanza = {**STANZA, "x-deploy": x_deploy}
    file = made.project / "compose" / "docker-compose.yml"
    services, networks, rest = file.read_text().partition("\nnetworks:\n")
    services, declared, _ = services.partition("\n  report: ")
    rest = rest if declared else rest.replace("\nvolumes:\n", "\nvolumes:\n  diary: {}\n")
    file.write_text(f"{services}\n  report: {json.dumps(stanza)}\n{networks}{rest}")


def deploy(made: Bare, *words: str) -> Ran:
    return made.inv("deploy.report", "--tag", "v1", "--watch", "0", "--json", *words)


def shown(made: Bare, unit: str, *properties: str) -> str:
    """What systemd says of a unit, a property a line, in its order."""
    words = (f"--property={name}" for name in properties)
    return made.sh(f"systemctl show {' '.join(words)} --value {unit}")


def is_on(made: Bare, timer: str) -> bool:
    return made.sh(f"systemctl is-enabled {timer}; systemctl is-active {timer}; true").split() == ["enabled", "active"]


def status(made: Bare) -> dict[str, Any]:
    told = json.loads(made.inv("deploy.status", "--json").ok().out)["services"]
    return next(each for each in told if each["service"] == "report")


def found(made: Bare) -> dict[str, str]:
    """What the doctor has against the report and the host's timers, by name, with the cure."""
    told = json.loads(made.inv("ops.doctor", "--service", "report", "--json").out)["findings"]
    names = ("job ", "scheduled", "not scheduled")
    return {each["name"]: each["remedy"] for each in told if each["name"].startswith(names)}


def noted(made: Bare, name: str) -> dict[str, Any]:
    """What a timer's last run noted; nothing if there was none."""
    told: dict[str, Any] = json.loads(made.sh(f"cat {HOME}/state/timers/{name}.json 2>/dev/null || echo '{{}}'"))
    return told


def test_what_the_setup_places_is_on_and_a_second_setup_has_nothing_to_do(made: Bare) -> None:
    assert made.sh("ps -o comm= -p 1") == "systemd"
    assert "by systemd timers of the host itself" in made.first["host.setup"].out
    assert "nothing to do" in made.again["host.setup"].out
    assert made.changed["host.setup"] == ""
    for name in ("behindy-backup", "behindy-certs"):
        assert is_on(made, f"{name}.timer")
        assert shown(made, f"{name}.service", "User") == "ubuntu"
    assert "/docker.service.d/behindy.conf" in shown(made, "docker.service", "DropInPaths")
    assert made.sh("ls /etc/cron.d 2>/dev/null; true").count("behindy") == 0
    timers = [each for each in json.loads(made.inv("host.check", "--json").out)["checks"] if each["name"] == "timers"]
    assert [each["level"] for each in timers] == ["ok"]


def test_what_the_hosts_own_timers_start_ends_well(made: Bare) -> None:
    for name, said in (("backup", "behindy-"), ("certs", "valid until")):
        made.sh(f"systemctl start behindy-{name}.service")
        assert sorted(shown(made, f"behindy-{name}.service", "ExecMainStatus", "Result").split()) == ["0", "success"]
        assert noted(made, name)["said"].startswith(said)
        assert noted(made, name)["ok"] is True


@full
def test_a_timer_that_was_changed_or_switched_off_is_put_back_and_comes_when_it_should(made: Bare) -> None:
    unit = "behindy-backup.timer"
    later = f"sed -i 's/ 03:/ 15:/' /etc/systemd/system/{unit}; systemctl daemon-reload"
    made.sh(f"{later}; systemctl disable --now {unit}")
    assert "not scheduled" in made.inv("host.check", "--json").out
    made.inv("host.setup", "--yes").ok()
    assert is_on(made, unit)
    assert re.search(r" 0[34]:", shown(made, unit, "NextElapseUSecRealtime"))
    made.sh(later)
    made.inv("host.setup", "--yes").ok()
    assert re.search(r" 0[34]:", shown(made, unit, "NextElapseUSecRealtime"))
    assert "nothing to do" in made.inv("host.setup", "--yes").ok().out


def test_systemd_comes_at_the_moments_that_cron_would(made: Bare) -> None:
    base = datetime(2026, 11, 26, 21, 30, tzinfo=UTC)
    look = f'systemd-analyze calendar --base-time="{base:%F %T}" --iterations=6 "$each"'
    specs = [line for text in ODD for line in parse(text).calendar()]
    told = made.sh(f"for each; do {look} || exit; echo; done", words=tuple(specs))
    blocks = iter(re.split(r"\n\s*\n", told))
    for text in ODD:
        cron = parse(text)
        lines = [next(blocks) for _ in cron.calendar()]
        all_moments = [[_moment(each) for each in re.findall(r"(?:elapse|#\d+): \w+ ([-\d]+ [:\d]+) UTC", line)]
                       for line in lines]  # fmt: skip
        assert all(all_moments), (text, lines)
        moments = sorted({each for part in all_moments for each in part})[:5]
        assert [cron.last(each) for each in moments] == moments, text
        before = [cron.last(each - timedelta(minutes=1)) for each in moments]
        assert before[1:] == moments[:-1], text
        assert before[0] is None or before[0] <= base, text


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


class TestJob:
    def test_its_timer_runs_it_and_nobody_else_has_to(self, made: Bare) -> None:
        assert is_on(made, f"{JOB}.timer")
        wait_for(lambda: "at" in noted(made, "job-report"), 75, "a run by the timer alone")
        run = noted(made, "job-report")
        assert (run["ok"], run["code"]) == (True, 0), run
        assert run["said"].startswith("the report of v1 release")
        told = status(made)
        assert (told["state"], told["schedule"]) == ("scheduled", "* * * * *")
        assert "well (" in told["run"]
        assert "the report of v1" in made.sh(f"journalctl --no-pager --unit {JOB}.service")
        assert found(made) == {}

    @full
    def test_new_times_run_nothing_though_it_was_due_by_them_since_the_last_run(self, made: Bare) -> None:
        """A timer makes up for what was missed, and would take that for missed."""
        declare(made, {**EACH_MINUTE, "schedule": "0 0 1 1 *"})
        deploy(made).ok()
        wait_for(lambda: shown(made, f"{JOB}.service", "ActiveState") == "inactive", 60, "the end of a last run")
        begun = shown(made, f"{JOB}.service", "ExecMainStartTimestampMonotonic")
        made.sh(f"touch -d '-2 hours' /var/lib/systemd/timers/stamp-{JOB}.timer")
        ago = datetime.now(UTC) - timedelta(minutes=30)
        declare(made, {**EACH_MINUTE, "schedule": f"{ago.minute} {ago.hour} * * *"})
        deploy(made).ok()
        assert is_on(made, f"{JOB}.timer")
        tomorrow = f"{ago + timedelta(days=1):%a %F %H:%M}"
        assert shown(made, f"{JOB}.timer", "NextElapseUSecRealtime").startswith(tomorrow)
        assert shown(made, f"{JOB}.service", "ExecMainStartTimestampMonotonic") == begun

    @full
    def test_a_timer_that_was_switched_off_is_on_again_by_what_the_doctor_says(self, made: Bare) -> None:
        made.sh(f"systemctl disable {JOB}.timer")
        assert found(made) == {"job not scheduled": "Put it there again: inv deploy.report --tag TAG --force"}
        deploy(made, "--force").ok()
        assert is_on(made, f"{JOB}.timer")
        assert found(made) == {}

    def test_a_run_that_fails_is_a_unit_that_failed_and_the_doctor_tells(self, made: Bare) -> None:
        made.sh(f"touch {DIARY}/fail; ! systemctl start {JOB}.service")
        assert sorted(shown(made, f"{JOB}.service", "ExecMainStatus", "Result").split()) == ["1", "exit-code"]
        assert list(found(made)) == ["job failed"]
        assert "exit code 1" in status(made)["run"]

    def test_what_is_refused_leaves_the_timer_and_what_is_no_job_any_more_has_none(self, made: Bare) -> None:
        declare(made, {"stop": 1, "health": {"steady": 1}})
        assert deploy(made).code == 50
        assert is_on(made, f"{JOB}.timer")
        assert made.sh("systemctl --failed --plain --no-legend") != ""
        made.sh(f"rm {DIARY}/fail; touch {DIARY}/stay")
        deploy(made).ok()
        assert made.sh(f"{LEFT} 2>/dev/null; ls /var/lib/systemd/timers | grep {JOB}; true") == ""
        assert made.sh(f"systemctl --failed --plain --no-legend; systemctl list-timers --all | grep {JOB}; true") == ""
        assert status(made)["state"] == "running"


def test_an_engine_that_systemd_starts_again_has_new_visitors_wait(made: Bare) -> None:
    look = "docker inspect --format '{{.Name}} {{.State.StartedAt}}' $(docker ps -q) | sort"
    before, engine = made.sh(look), shown(made, "docker.service", "MainPID")
    with visitors(f"http://127.0.0.1:{made.host.http}") as told:
        wait_for(lambda: len(told) > 5)
        made.sh("systemctl restart docker.service")
        back = len(told)
        wait_for(lambda: len(told) > back + 10)
    assert shown(made, "docker.service", "MainPID") != engine
    assert set(told) == {"200"}, [each for each in told if each != "200"][:5]
    assert made.sh("iptables --list-rules INPUT").count("--dports 80,443") == 0
    assert made.sh(look) == before


@full
def test_what_is_on_is_on_after_a_boot(made: Bare) -> None:
    """The last test of this host: its ports are others then."""
    docker("restart", "--time", "60", made.host.container, timeout=120)
    look = "docker inspect --format '{{.State.Running}}' nginx postgres 2>/dev/null; true"
    wait_for(lambda: made.sh(look).split() == ["true", "true"], 90, "nginx and the database run again")
    assert is_on(made, "behindy-backup.timer")
    assert is_on(made, "behindy-certs.timer")
    assert made.sh("iptables --list-rules INPUT").count("--dports 80,443") == 0
    made.sh("systemctl start behindy-certs.service")
    database = made.sh("docker logs postgres 2>&1")
    assert "database system was shut down at" in database
    assert "not properly shut down" not in database


@full
def test_debian_12_with_systemd_gets_from_nothing_to_three_services(tmp_path: Path) -> None:
    with bare("bookworm", tmp_path, second="systemd", systemd=()) as host:
        from_nothing_to_three_services(host)
        assert set(host.changed.values()) == {""}, host.changed
        assert is_on(host, "behindy-backup.timer")
        assert is_on(host, "behindy-certs.timer")
        for name in ("backup", "certs"):
            host.sh(f"systemctl start behindy-{name}.service")
        assert host.sh("systemctl --failed --plain --no-legend") == ""
