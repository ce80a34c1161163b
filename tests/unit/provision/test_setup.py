"""What a host lacks, by its facts: the plan of host.setup."""

from __future__ import annotations

import contextlib
import json
import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.checks.docker import AUTHORITIES, NEEDED_TOOLS
from behindy_ops.errors import Kind
from behindy_ops.facts.machine import HostFacts, parse
from behindy_ops.facts.replies import read
from behindy_ops.facts.timers import PROGRAMS
from behindy_ops.facts.visitors import Visitors
from behindy_ops.host.command import script_text
from behindy_ops.project.names import Names
from behindy_ops.provision import timers
from behindy_ops.provision.recipes import COMPOSE_SHA256, recipe
from behindy_ops.provision.setup import Plan, set_up
from tests.kinds import raises
from tests.scripted import Answer, Scripted, script_of, scripted
from tests.unit.machines import BARE, DOMAIN, MIB, READY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behindy_ops.host.session import Session


def plan_of(facts: HostFacts) -> Plan:
    return Plan.of(facts, DOMAIN)


def steps(facts: HostFacts) -> dict[str, tuple[str, ...]]:
    return {step.name: step.words for step in plan_of(facts).steps}


def test_a_bare_debian_13_gets_everything_in_the_order_of_dependence() -> None:
    assert steps(BARE) == {
        "engine settings": ("daemon",),
        "packages": (
            *("packages-apt", "ca-certificates", "curl", "docker.io", "docker-cli", "docker-compose"),
            "unattended-upgrades",
        ),
        "engine": ("engine",),
        "group": ("group", "admin"),
        "swap": ("swap", "2048"),
        "swappiness": ("swappiness", "10"),
        "updates": ("updates-apt",),
        "directories": (),
        "timers": ("timers", "behindy-backup.timer", "behindy-certs.timer"),
    }


def test_a_host_that_is_ready_gets_nothing() -> None:
    assert plan_of(READY) == Plan()


@pytest.mark.parametrize(
    ("token", "planned", "does"),
    [
        ("loaded", [], ""),
        ("unloaded", ["token"], "Reload nginx"),
        ("missing", ["directories", "token"], "Reload nginx"),
        ("unmounted", ["directories", "token"], "Restart nginx"),
    ],
)
def test_a_token_that_nginx_does_not_know_is_made_and_loaded(token: str, planned: list[str], does: str) -> None:
    plan = plan_of(replace(READY, token=token))
    assert [step.name for step in plan.steps] == planned
    assert not plan.needs_root
    if does:
        assert plan.steps[-1].title.startswith(does)


@pytest.mark.parametrize(
    ("system", "version", "expected"),
    [
        ("debian", "12", {"compose": ("compose-from", "trixie", "docker-compose")}),
        ("ubuntu", "22.04", {}),
        ("ubuntu", "24.04", {}),
        ("amzn", "2023", {"compose": ("compose-download", "2.29.2", COMPOSE_SHA256["x86_64"], "x86_64")}),
    ],
)
def test_where_compose_comes_from(system: str, version: str, expected: dict[str, tuple[str, ...]]) -> None:
    planned = steps(replace(BARE, system=system, version=version))
    assert {name: words for name, words in planned.items() if name == "compose"} == expected
    assert ("docker-compose-v2" in planned["packages"]) == (system == "ubuntu")


def test_amazon_linux_is_unbound_from_the_version_it_was_launched_with() -> None:
    """Else the repositories never show an update (its manual, "deterministic upgrades")."""
    titles = {step.name: step.title for step in plan_of(replace(BARE, system="amzn", version="2023")).steps}
    assert "latest version of Amazon's repositories" in titles["updates"]
    assert steps(replace(BARE, system="amzn", version="2023"))["updates"] == ("updates-dnf",)


@pytest.mark.parametrize(
    ("identity", "releasever", "expected"),
    [
        ('ID="amzn"', None, False),
        ('ID="amzn"', "2023.5.20240730", False),
        ('ID="amzn"', "latest", True),
        ("ID=fedora", None, True),
    ],
)
def test_updates_of_dnf_are_made_and_seen(
    tmp_path: Path, identity: str, releasever: str | None, expected: bool
) -> None:
    """The scripts' own lines below another root: first what is seen, then what the setup makes of it."""
    (tmp_path / "bin").mkdir()
    for name in ("systemctl", "timedatectl"):
        (tmp_path / "bin" / name).write_text('#!/bin/sh\n[ "$1" != is-enabled ] || echo enabled\n')
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "etc" / "dnf" / "vars").mkdir(parents=True)
    (tmp_path / "etc" / "os-release").write_text(f"NAME=x\n{identity}\nVERSION_ID=1\n")
    automatic = tmp_path / "etc" / "dnf" / "automatic.conf"
    automatic.write_text("[commands]\nupgrade_type = default\napply_updates = yes\n")
    if releasever:
        (tmp_path / "etc" / "dnf" / "vars" / "releasever").write_text(f"{releasever}\n")

    def run(name: str, *words: str) -> str:
        text = script_text(name).replace("/etc/", f"{tmp_path}/etc/").replace("has apt-config", "false")
        text = text.replace("PATH=$PATH:", f"PATH={tmp_path}/bin:$PATH:")
        return subprocess.run(["bash", "-c", text, name, *words], capture_output=True, text=True, check=True).stdout

    assert parse(read(run("host/facts", "@@", "x", "behindy.me"), "@@")).updates is expected
    automatic.write_text("[commands]\n  upgrade_type=default\napply_updates = no\n")
    run("host/setup", "updates-dnf")
    assert automatic.read_text() == "[commands]\nupgrade_type = security\napply_updates = yes\n"
    assert parse(read(run("host/facts", "@@", "x", "behindy.me"), "@@")).updates


@pytest.mark.parametrize(("system", "version"), [("debian", "11"), ("alpine", "3.20"), ("ubuntu", "20.04")])
def test_an_unknown_system_is_named_with_what_it_lacks(system: str, version: str) -> None:
    assert recipe(system, version) is None
    assert "lacks docker, curl, ca-certificates" in plan_of(replace(BARE, system=system, version=version)).obstacle
    assert not plan_of(replace(READY, system=system, version=version)).obstacle


def test_in_a_container_no_swap_is_made_and_that_is_said() -> None:
    plan = plan_of(replace(BARE, container=True))
    assert not {"swap", "swappiness"} & {step.name for step in plan.steps}
    assert "this is a container" in " ".join(plan.notes)


def test_swap_is_not_made_where_the_disk_would_be_full() -> None:
    plan = plan_of(replace(BARE, root_free=4_000 * MIB))
    assert "swap" not in {step.name for step in plan.steps}
    assert "No room for 2 GB of swap" in " ".join(plan.notes)


def test_a_file_of_dockers_that_the_login_may_not_read_stays() -> None:
    plan = plan_of(replace(READY, logging=None))
    assert (plan.steps, "stays as it is" in " ".join(plan.notes)) == ((), True)


def test_a_running_engine_is_not_restarted_under_containers() -> None:
    changed = replace(READY, logging="")
    assert set(steps(changed)) == {"engine settings", "restart"}
    assert set(steps(replace(changed, running=3))) == {"engine settings"}
    assert "it is not restarted for that" in " ".join(plan_of(replace(changed, running=3)).notes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"engine settings", "reload"}),
        ({"running": 3}, {"engine settings", "reload"}),
        ({"logging": str(READY.logging).replace("{", '{"live-restore": true, ', 1)}, {"reload"}),
        ({"logging": str(READY.logging).replace("{", '{"live-restore": false, ', 1)}, set()),
        ({"logging": ""}, {"engine settings", "restart"}),
        ({"logging": "", "running": 3}, {"engine settings", "reload"}),
        ({"docker": ""}, {"engine settings", "engine"}),
        ({"docker": "", "problems": {"versions": "permission denied"}}, {"engine settings", "reload"}),
        ({"swarm": True}, set()),
        ({"logging": None}, set()),
        ({"logging": "{"}, set()),
    ],
)
def test_containers_come_to_outlive_the_engine_without_its_restart(changes: dict[str, Any], expected: set[str]) -> None:
    """Not where an administrator has decided otherwise, nor in a swarm, whose engine refuses it."""
    facts = replace(READY, live_restore=False, **changes)
    plan = plan_of(facts)
    assert {step.name for step in plan.steps} == expected
    for step in plan.steps:
        if step.name == "engine settings":
            assert json.loads(step.stdin)["live-restore"] is True
            assert ("ogs" in step.title) == (facts.logging == "")


IPV6 = "experimental", "ip6tables"
ASKED = str(READY.logging).replace("{", '{"experimental": true, "ip6tables": true, ', 1)
REFUSED = str(READY.logging).replace("{", '{"ip6tables": false, ', 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"visitors": Visitors()}, set()),
        ({"visitors": Visitors(lacks="rules"), "running": 3}, {"engine settings", "restart"}),
        ({"visitors": Visitors(lacks="rules")}, {"engine settings", "restart"}),
        (
            {"visitors": Visitors(lacks="rules"), "running": 3, "live_restore": False},
            {"engine settings", "reload", "restart"},
        ),
        (
            {"visitors": Visitors(lacks="rules"), "running": 3, "live_restore": False, "swarm": True},
            {"engine settings"},
        ),
        ({"visitors": Visitors(lacks="restart"), "running": 3, "logging": ASKED}, {"restart"}),
        ({"visitors": Visitors(lacks="restart", ipv6=True), "running": 3, "logging": ASKED}, set()),
        ({"visitors": Visitors(lacks="rules"), "running": 3, "logging": REFUSED}, set()),
        ({"visitors": Visitors(lacks="rules"), "running": 3, "logging": None}, set()),
        ({"visitors": Visitors(lacks="rules"), "running": 3, "logging": "{"}, set()),
        ({"docker": ""}, {"engine settings", "engine"}),
    ],
)
def test_an_older_engine_gets_firewall_rules_for_ipv6_where_a_setting_asks_for_them(
    changes: dict[str, Any], expected: set[str]
) -> None:
    facts = replace(READY, **changes)
    plan = Plan.of(facts, DOMAIN, ipv6=True)
    assert {step.name for step in plan.steps} == expected
    for step in plan.steps:
        if step.name == "engine settings":
            assert [json.loads(step.stdin)[name] for name in IPV6] == [True, True]
            assert json.loads(step.stdin)["log-opts"] == json.loads(READY.logging or "")["log-opts"]
            assert "irewall rules for IPv6" in step.title
    names = {step.name: step.stdin for step in plan_of(facts).steps}
    assert "restart" not in names
    assert "ip6tables" not in names.get("engine settings", "")


def test_an_engine_without_live_restore_is_not_restarted_under_containers_for_ipv6_either() -> None:
    facts = replace(READY, visitors=Visitors(lacks="rules"), running=3, live_restore=False, swarm=True)
    assert "it is not restarted" in " ".join(Plan.of(facts, DOMAIN, ipv6=True).notes)


def test_where_there_is_no_systemd_cron_does_it() -> None:
    bare = replace(READY, systemd=False, placed={}, timers=frozenset())
    assert steps(bare)["packages"] == ("packages-apt", "cron")
    assert steps(replace(bare, system="amzn", version="2023"))["packages"] == ("packages-dnf", "cronie")
    (step,) = plan_of(replace(bare, cron=True)).steps
    assert "by cron of the host itself" in step.title
    paths = [line.split()[1] for line in step.stdin.splitlines()]
    assert paths == [f"{PROGRAMS}/backup", f"{PROGRAMS}/certs", "/etc/cron.d/behindy-ops"]
    neither = plan_of(replace(bare, system="alpine"))
    assert (neither.steps, "Neither systemd nor cron" in neither.notes[0]) == ((), True)


def test_the_host_renews_nothing_for_a_project_without_a_domain() -> None:
    bare = replace(READY, placed={}, timers=frozenset())
    (step,) = Plan.of(bare, "").steps
    assert step.title == "Back the database up daily (the last 7 stay), by systemd timers of the host itself"
    assert step.words == ("timers", "behindy-backup.timer")
    (note,) = Plan.of(replace(bare, systemd=False, system="alpine"), "").notes
    assert note.endswith("so run inv db.backup regularly from elsewhere.")
    neither = replace(bare, names=Names(database=None))
    assert Plan.of(neither, "") == Plan()
    assert Plan.of(replace(neither, systemd=False, system="alpine"), "") == Plan()


def test_only_what_is_not_as_it_should_be_is_placed() -> None:
    path = "/etc/systemd/system/behindy-backup.timer"
    (step,) = plan_of(replace(READY, placed={**READY.placed, path: "0" * 64})).steps
    assert [line.split()[:2] for line in step.stdin.splitlines()] == [["644", path]]
    (step,) = plan_of(replace(READY, timers=frozenset({"behindy-certs"}))).steps
    assert (step.name, step.words, step.stdin) == (
        "timers",
        ("timers", "behindy-backup.timer", "behindy-certs.timer"),
        "",
    )


def test_what_a_person_has_to_see_to_is_noted() -> None:
    broken = plan_of(replace(READY, logging="{"))
    assert (broken.steps, len(broken.notes)) == ((), 1)
    assert "is not JSON, so it stays as it is" in broken.notes[0]
    unknown = plan_of(replace(READY, system="alpine", updates=False))
    assert (unknown.steps, len(unknown.notes)) == ((), 1)
    assert "set that up on this system" in unknown.notes[0]


def test_an_open_directory_is_narrowed() -> None:
    opened = {**READY.files, "state": "755"}
    assert set(steps(replace(READY, files=opened))) == {"directories"}


def test_the_look_is_read_from_what_this_machine_prints(tmp_path: Path) -> None:
    argv = ["bash", "-c", script_text("host/facts"), "host_facts", "@@", str(tmp_path), "behindy.me"]
    text = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    facts = parse(read(text, "@@"))
    assert facts.memory["MemTotal"] > 0
    assert {"bash", "timeout"} <= facts.tools
    assert facts.disk[0] > 0
    assert set(facts.files["."]) <= set("01234567")


def test_the_swap_file_is_made_once_and_noted_once(tmp_path: Path) -> None:
    """The script's own lines below another root; its programs only note what they are asked: nothing is swapped to."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, body in {
        "swapon": f'echo "swapon $*" >> {tmp_path}/asked',
        "mkswap": f'echo "mkswap $*" >> {tmp_path}/asked; echo made > {tmp_path}/is-swap',
        "swaplabel": f"test -e {tmp_path}/is-swap",
        "fallocate": 'head -c 1000 /dev/zero > "$3"',
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    (tmp_path / "etc").mkdir()
    text = (
        script_text("host/setup")
        .replace("/swapfile", f"{tmp_path}/swapfile")
        .replace("/etc/fstab", f"{tmp_path}/etc/fstab")
    )
    text = text.replace("PATH=$PATH:", f"PATH={programs}:$PATH:")
    for _ in range(2):
        subprocess.run(["bash", "-c", text, "host_setup", "swap", "2048"], check=True, timeout=20)
    asked = (tmp_path / "asked").read_text().splitlines()
    swapfile = f"{tmp_path}/swapfile"
    assert asked == [f"mkswap {swapfile}.behindy-new", f"swapon {swapfile}", f"swapon {swapfile}"]
    assert (tmp_path / "etc" / "fstab").read_text().splitlines() == [f"{swapfile} none swap sw 0 0"]
    assert (tmp_path / "swapfile").stat().st_mode & 0o777 == 0o600


def printed(
    *, root: bool = True, docker: bool = True, prepared: bool = True, updates: bool = True, system: str = "debian"
) -> Answer:
    """What ``host/facts.sh`` prints of a host that lacks what is False."""
    paths = ("state 700", "rehearsal 700", "rehearsal/header 600", "rehearsal/map.conf 600", "compose 755", "nginx 755")
    files = "\n".join((". 750", *paths, "compose/.env link", "")) if prepared else ""
    tools = "\n".join((*NEEDED_TOOLS, AUTHORITIES, "docker" if docker else ""))
    engine = "engine 26.1.5\ncompose 2.26.1\nrunning 0\nswarm inactive\nlive true\n" if docker else ""
    logging = '{"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}'
    on = f"@ timers\ndirectory {READY.directory[0]}\nsystemd yes\n"
    on += "".join(f"on {timer}\n" for timer in sorted(READY.timers))
    on += "".join(f"placed {digest}  {path}\n" for path, digest in READY.placed.items())
    return Answer(
        f'@ system\nID={system}\nVERSION_ID="13"\nPRETTY_NAME="A system"\n@ login\nuser admin\nlisted docker\n'
        f"{'root yes' if root else ''}\n@ tools\n{tools}\n@ docker\n{engine}@ memory\nMemTotal 1900000\n"
        f"SwapTotal 2097152\nswappiness 10\n@ disk\n20000000000 15000000000 /\n@ clock\nnow 1\n@ logging\n{logging}\n"
        f"@ updates\n{'automatic' if updates else ''}\n{on}@ files\n{files}@ certificate\n@ end\n"
    )


def run(there: Scripted, *, answer: bool = True) -> None:
    @contextlib.contextmanager
    def connect() -> Iterator[Session]:
        yield there.session

    set_up(connect, lambda _: answer)


def test_a_ready_host_is_left_alone() -> None:
    there = scripted(host__facts=printed())
    run(there)
    assert "nothing to do" in there.told()
    assert there.host.ran() == ["host/facts"]


def test_after_a_yes_the_steps_are_carried_out_under_the_lock() -> None:
    bare = printed(prepared=False, updates=False)
    ok = Answer()
    there = scripted(host__facts=[bare, bare, printed()], host__setup=ok, host__directories=ok, mkdir=ok)
    run(there)
    steps = ["host/setup", "host/setup", "host/directories"]
    assert there.host.ran() == ["host/facts", "mkdir", "host/facts", *steps, "host/facts"]
    assert there.host.commands[3].argv[:3] == ("sudo", "-n", "bash")
    assert there.host.locked == ["host.setup"]


def test_nginx_is_given_a_token_by_the_login_itself() -> None:
    unknown = Answer(printed().stdout.replace("@ memory", "@ token\ntoken missing\n@ memory"))
    there = scripted(host__facts=[unknown, unknown, printed()], host__directories=Answer(), host__load_token=Answer())
    run(there)
    assert there.host.ran() == ["host/facts"] * 2 + ["host/directories", "host/load_token", "host/facts"]
    assert there.host.commands[3].argv[4:] == ("behindy-ops", "behindy.me", "nginx")


def test_a_token_that_nginx_will_not_know_is_told_as_that() -> None:
    unknown = Answer(printed().stdout.replace("@ memory", "@ token\ntoken unloaded\n@ memory"))
    with raises(Kind.NGINX_NOT_READY, match="nginx/maps.conf"):
        run(scripted(host__facts=unknown, host__load_token=Answer("", 94)))


def test_after_a_no_not_even_the_directory_is_created() -> None:
    there = scripted(host__facts=printed(prepared=False))
    run(there, answer=False)
    assert there.host.ran() == ["host/facts"]
    assert there.told().endswith("Nothing changed.")


@pytest.mark.parametrize(
    ("facts", "setup", "kind", "said"),
    [
        ([printed(root=False, updates=False)], 0, Kind.HOST_NOT_READY, "may not use sudo"),
        ([printed(docker=False, system="alpine")], 0, Kind.HOST_NOT_READY, "lacks docker"),
        ([printed(updates=False)], 100, Kind.SETUP_FAILED, "continues from there"),
        ([printed(updates=False)] * 3, 0, Kind.SETUP_FAILED, "inv host.check"),
        ([printed(updates=False), printed()], 0, Kind.HOST_NOT_READY, "Somebody else"),
    ],
)
def test_what_keeps_a_host_from_being_set_up(facts: list[Answer], setup: int, kind: Kind, said: str) -> None:
    with raises(kind, match=said):
        run(scripted(host__facts=facts, host__setup=Answer("", setup)))


def test_where_the_login_may_not_create_the_directory_root_does() -> None:
    refused, ok = Answer("", 1), Answer()
    bare = printed(prepared=False)
    there = scripted(host__facts=[bare, bare, printed()], mkdir=refused, host__setup=ok, host__directories=ok)
    run(there)
    made = there.host.commands[2]
    assert (made.argv[:2], made.argv[-3:]) == (("sudo", "-n"), ("directory", "behindy-ops", "admin"))


def test_a_directory_that_nobody_here_may_create_is_an_error_of_its_setting() -> None:
    bare = printed(prepared=False, root=False)
    with raises(Kind.REMOTE_COMMAND_FAILED, match="Check BEHINDY_HOST_DIR"):
        run(scripted(host__facts=bare, mkdir=Answer("", 1)))


@pytest.mark.parametrize(
    ("token", "planned"), [("loaded", []), ("unloaded", []), ("missing", []), ("unmounted", ["directories"])]
)
def test_the_token_of_a_shared_nginx_is_its_own_projects_business(token: str, planned: list[str]) -> None:
    names = Names(project="shop", shared="/srv/first")
    wanted = timers.files(replace(READY, names=names), DOMAIN)
    placed = {path: sha256(text.encode()).hexdigest() for path, text in wanted.items()}
    on = frozenset({"behindy-backup-shop", "behindy-certs-shop"})
    plan = plan_of(replace(READY, names=names, token=token, placed=placed, timers=on))
    assert [step.name for step in plan.steps] == planned
    assert all(step.title.endswith("the rehearsal token and static files are in /srv/first") for step in plan.steps)


def test_the_directories_of_a_project_that_shares_an_nginx_lead_to_that_ones(tmp_path: Path) -> None:
    shared = "name: shop\nx-nginx: {shared: {directory: /srv/first, container: edge}}\nservices:\n  web:\n"
    more = "    networks: [front]\n    x-deploy: {}\nnetworks: {front: {external: true}}\n"
    (tmp_path / "compose.yaml").write_text(shared + more)
    facts, done = [printed(prepared=False)] * 2 + [printed()], Answer()
    there = scripted(root=tmp_path, host__facts=facts, host__directories=done, host__setup=done, mkdir=done)
    with raises(Kind.SETUP_FAILED, match="still not ready"):  # the facts have another project's timers
        run(there)
    (made,) = [command for command in there.host.commands if script_of(command) == "host/directories"]
    assert made.argv[4:] == ("behindy-ops", "behindy.me", "edge", "/srv/first")
