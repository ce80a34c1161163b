"""Every problem the doctor knows, made for real: it is named, and --fix cures it where it says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.support import ROOT, Ran, inv, live_tags, on_host, wait_for
from tests.sandbox.test_preflight import HOME, broken

pytestmark = pytest.mark.usefixtures("live_services")

NETWORK = "behindy-ops_internal"


class Told:
    """What the doctor said."""

    def __init__(self, ran: Ran) -> None:
        self.ran = ran
        self.data: dict[str, Any] = json.loads(ran.out)

    def finding(self, subject: str, name: str) -> dict[str, Any]:
        found = [one for one in self.data["findings"] if (one["subject"], one["name"]) == (subject, name)]
        assert len(found) == 1, self.ran.said
        one: dict[str, Any] = found[0]
        return one

    @property
    def troubles(self) -> list[str]:
        return [f"{one['subject']}: {one['name']}" for one in self.data["findings"] if one["severity"] == "trouble"]


def doctor(*words: str) -> Told:
    return Told(inv("ops.doctor", *words, "--json"))


def cured(*words: str) -> None:
    """--fix --yes ends with nothing wrong, and so says the next look."""
    fixed = doctor(*words, "--fix", "--yes")
    assert (fixed.ran.code, fixed.troubles) == (0, []), fixed.ran.said
    assert fixed.data["fixed"]
    assert doctor().troubles == []


def healthy() -> bool:
    """nginx, the database, the cache and all services run and answer, by their own health checks."""
    states = on_host("docker", "ps", "--format", "{{.Names}} {{.Status}}")
    return "starting" not in states and "unhealthy" not in states


@pytest.fixture(autouse=True)
def well() -> None:
    wait_for(healthy, 60, "that all containers are healthy")


def test_a_host_that_is_well_has_nothing_to_cure() -> None:
    told = doctor()
    assert (told.ran.code, told.troubles, told.data["healthy"]) == (0, [], True), told.ran.said
    ran = inv("ops.doctor", "--fix")
    assert ran.code == 0, ran.said


def test_a_container_that_uses_nearly_all_of_its_limit_is_named() -> None:
    used = {one["name"]: one["used"] for one in json.loads(inv("ops.mem", "--json").ok().out)["containers"]}["frontend"]
    before = on_host("docker", "inspect", "--format", "{{.HostConfig.Memory}}", "frontend")
    try:
        on_host(*limit(str(used * 10 // 9)))
        risk = doctor().finding("frontend", "near its limit")
        assert (risk["severity"], risk["fix"]) == ("risk", None)
    finally:
        on_host(*limit(before))
    assert "near its limit" not in doctor().ran.out


def limit(size: str) -> tuple[str, ...]:
    return ("docker", "update", "--memory", size, "--memory-swap", size, "frontend")


NEW_TOKEN = rf"""cd {HOME}/rehearsal; token=$(od -An -N 32 -tx1 /dev/urandom | tr -d ' \n')
sed -i "s/[0-9a-f]\{{64\}}/$token/" header map.conf"""

CURABLE: dict[str, tuple[str, str, str, str]] = {
    "off the network": (f"docker network disconnect {NETWORK} backend", "backend", "off the network", "not connected"),
    "its name is missing": (
        "docker rename frontend frontend-blue",
        "frontend",
        "name missing",
        "frontend-blue: running",
    ),
    "nginx has not loaded the rehearsal token": (
        NEW_TOKEN,
        "host",
        "rehearsal token not loaded",
        "",
    ),
    "nginx stopped": ("docker stop -t 2 nginx", "nginx", "nginx stopped", "exited"),
    "the live container stopped": ("docker stop -t 2 frontend", "frontend", "stopped", "exited"),
    "the cache stopped": ("docker stop -t 2 redis", "redis", "dependency stopped", "exited"),
}
MENDS = (
    f"docker network connect {NETWORK} backend; docker rename frontend-blue frontend;"
    " docker start nginx frontend redis; true"
)


@pytest.mark.parametrize(("breaks", "subject", "name", "evidence"), CURABLE.values(), ids=CURABLE.keys())
def test_what_can_be_cured_safely_is_named_and_cured(breaks: str, subject: str, name: str, evidence: str) -> None:
    with broken(breaks, MENDS):
        told = doctor()
        assert told.ran.code == 65, told.ran.said
        finding = told.finding(subject, name)
        assert evidence in " ".join(finding["evidence"])
        assert finding["fix"]
        cured()


def test_without_a_yes_nothing_is_cured() -> None:
    with broken("docker stop -t 2 redis", "docker start redis"):
        ran = inv("ops.doctor", "--fix")
        assert ran.code == 2, ran.said
        assert "Start the container redis" in ran.out
        assert on_host("docker", "inspect", "--format", "{{.State.Running}}", "redis") == "false"


def test_a_dependency_that_is_down_is_named_as_the_cause_of_a_failed_health_check() -> None:
    with broken("docker stop -t 2 redis", "docker start redis"):
        finding = doctor("backend").finding("backend", "health check failed")
        assert "redis" in finding["cause"]
        assert "HTTP 503" in " ".join(finding["evidence"])


EDITS = {
    "a value is missing": (".env", "/^JWT_SECRET=/d", "backend", "value missing", "JWT_SECRET: missing"),
    "a port is published": (
        "compose/docker-compose.yml", '/^  backend:/a\\    ports: ["8080:8080"]', "backend", "published port", "8080",
    ),
    "nginx's files are broken": (
        "nginx/site.conf", "$a nonsense on;", "nginx", "nginx configuration", 'unknown directive "nonsense"',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("file", "edit", "subject", "name", "evidence"), EDITS.values(), ids=EDITS.keys())
def test_what_a_person_has_to_mend_is_named_with_its_remedy(
    file: str, edit: str, subject: str, name: str, evidence: str
) -> None:
    path = f"{HOME}/{file}"
    with broken(f"cp -p {path} {path}.away; sed -i '{edit}' {path}", f"mv {path}.away {path}"):
        finding = doctor().finding(subject, name)
    assert evidence in " ".join(finding["evidence"])
    assert finding["remedy"]
    assert finding["fix"] is None


HIDDEN = {
    "a CDN": ("2606:4700::6815:1", "visitors hidden by a CDN"),
    "IPv6": ("2001:db8::7", "visitors hidden by IPv6"),
}


@pytest.mark.parametrize(("address", "name"), HIDDEN.values(), ids=HIDDEN.keys())
def test_what_makes_all_visitors_one_is_told_by_the_doctor_and_host_check(address: str, name: str) -> None:
    known = "cp /etc/hosts /root/hosts.away; echo"
    with broken(f"{known} '{address} behindy.me' >>/etc/hosts", "cat /root/hosts.away >/etc/hosts"):
        finding = doctor().finding("nginx", name)
        assert (address in finding["cause"], finding["severity"], finding["fix"]) == (True, "risk", None)
        (check,) = (one for one in json.loads(inv("host.check", "--json").out)["checks"] if one["name"] == "visitors")
        assert (check["problem"], check["remedy"]) == (name, finding["remedy"])
    assert "visitors" not in " ".join(one["name"] for one in doctor().data["findings"])


HOG = "head -c 600m /dev/zero | tail"


def test_an_oom_kill_is_named_by_its_container_and_its_limit() -> None:
    with broken(f"docker exec frontend sh -c '{HOG}' >/dev/null 2>&1; true", "docker restart -t 2 frontend"):
        finding = doctor().finding("frontend", "OOM")
    assert "limit of 400 MB" in finding["cause"]
    wait_for(healthy, 60, "that all containers are healthy")


def test_the_view_for_people_fits_80_columns_and_has_no_colour_without_a_terminal() -> None:
    with broken("docker stop -t 2 redis", "docker start redis"):
        ran = inv("ops.doctor")
    assert ran.code == 65
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "\x1b" not in ran.said
    assert "TROUBLE redis: dependency stopped" in ran.out


@pytest.mark.usefixtures("live_at_v1")
def test_a_restart_puts_a_new_container_live_and_loses_nothing(release: Callable[..., str], sandbox: Any) -> None:
    from sandbox.traffic.generator import Traffic, for_service

    before = on_host("docker", "inspect", "--format", "{{.Id}} {{.Image}}", "frontend").split()
    with Traffic(sandbox, for_service("frontend"), max_seconds=120) as traffic:
        traffic.wait_until_flowing()
        inv("ops.restart", "frontend", "--watch", "0").ok()
        result = traffic.stop()
    after = on_host("docker", "inspect", "--format", "{{.Id}} {{.Image}}", "frontend").split()
    assert (after[0] != before[0], after[1]) == (True, before[1])
    assert (result.lost, live_tags()["frontend"]) == (0, "v1"), result.losses


def test_a_service_nobody_knows_is_refused() -> None:
    ran = inv("ops.doctor", "nonesuch", cwd=ROOT)
    assert ran.code == 2, ran.said
