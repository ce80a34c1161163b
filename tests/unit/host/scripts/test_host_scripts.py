"""The scripts that look at a host, set it up, and bring files and certificates to it, run by bash with fakes."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.facts import machine, survey
from behindy_ops.facts.replies import read
from behindy_ops.host.exit_codes import Code
from behindy_ops.provision import certs, sync, up
from sandbox.tasks.host_scripts import script_names
from tests.unit.facts.certificates import UNTIL, pem
from tests.unit.facts.containers import container_line
from tests.unit.host.scripts.fake_host import INSIDE, MARK, Answer

if TYPE_CHECKING:
    from tests.unit.host.scripts.fake_host import FakeHost, Ran

CONFIG: dict[str, Any] = {
    "name": "x",
    "services": {
        "db": {
            "container_name": "postgres",
            "image": "postgres:15",
            "environment": {"mem_limit": "s3cret", "image": "s3cret", "volumes": "s3cret", "source": "s3cret"},
            "volumes": [{"type": "bind", "source": "/a b", "target": "/data", "bind": {"create_host_path": True}}],
        },
        "web": {
            "command": ["image", 'mem_limit: s3cret\n      "mem_limit": "7"'],
            "image": "me/web:v1",
            "environment": {
                "AI": "http://nginx:8000", "LIST": "https://nginx:8443/x,http://nginx:3000,http://api:81/", "OF": "http://nginx/",
                "OPTION": "-Da='http://nginx:8080'", "JSON": '{"url":"http://nginx:9000"}',
                "NOT": "http://nginx:5555@db/ http://xnginx:1/ http://nginx:77x/", "image": "http://nginx:8000/s3cret",
            },
            "mem_limit": "419430400",
            "mem_reservation": "1048576",
            "ports": [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}],
        },
        "old": {"deploy": {"resources": {"limits": {"memory": "9"}, "reservations": {"memory": "8"}}}, "image": "old"},
    },
    "volumes": {"db": {"image": "s3cret"}, "v": {"name": "x_v"}},
}  # fmt: skip
"""As ``docker compose config --format json`` prints it: every value of ``.env`` in its place."""


def test_every_script_is_run_by_a_test_of_this_folder() -> None:
    texts = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    named = texts.replace(
        'f"ops/{name}"', " ".join(f'"ops/{name}"' for name in ("certs", "disk", "mem", "network", "nginx", "ps"))
    )
    assert [name for name in script_names() if f'"{name}"' not in named] == []


C1, C2, IMAGE = "c1" * 32, "c2" * 32, f"sha256:{'1' * 64}"
API = {
    "version": '{"Platform":{"Name":""},"Components":[{"Name":"Engine","Version":"26.1","Details":{"ApiVersion":"1.4"}'
    '},{"Name":"runc","Version":"1.1"}],"Version":"26.1","ApiVersion":"1.45","Os":"linux","Arch":"amd64","BuildTime":"x"}',
    "info": '{"ID":"X","Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"],["userxattr","false"]],'
    '"DockerRootDir":"/","HttpProxy":"","SecurityOptions":["name=seccomp,profile=builtin","name=userns"]}',
    "containers/json?all=true": f'[{{"Id":"{C1}","ImageID":"{IMAGE}","Labels":{{"Id":"My App"}}}},{{"Id":"{C2}"}}]\n',
    "images/json?filters=*reference%22:%5B%22me/web%22%5D*dangling*": f'[{{"Containers":-1,"Id":"{IMAGE}"}}]\n[]\n',
    "containers/json?filters=*name%22:%5B%22^/web(-green|-blue)?$%22%5D*": f'[{{"Id":"{C1}"}}]\n',
}
"""What the engine's own API says of the same host."""


@pytest.mark.parametrize("api", [True, False], ids=["by its API", "by docker"])
def test_the_survey_reads_all_that_a_decision_needs_and_no_value(  # noqa: PLR0915
    host: FakeHost, *, api: bool
) -> None:
    for name in ("compose/docker-compose.yml", "nginx/nginx.conf", "rehearsal/header"):
        host.file(f"home/{name}")
    host.file("home/.env", "A=s3cret\nexport B=\n# C=1\n")
    release = '{"id":"r1","service":"web","repository":"me/web","tag":"v1","digest":"","image_id":""}'
    host.file("home/state/releases/web/r1/release.json", release)
    host.file("home/state/releases/web/r2/status", "stands")
    for path, said in API.items() if api else ():
        host.on("curl", f"*http://docker/{path}", said)
    if not api:
        host.on("docker", "version *", '"26.1" "1.45" "amd64"\n')
        host.on("docker", "ps -aq --no-trunc", f"{C1}\n{C2}\n")
        host.on("docker", "images *", f"{IMAGE}\n")
        host.on("docker", "info *", "/ name=userns\n")
    host.on("docker", "compose version *", "2.26.1\n")
    host.on("docker", "compose *config --hash*", "web c0ffee\n")
    host.on("docker", "compose *config --format json", json.dumps(CONFIG, indent=2))
    host.on("docker", "container inspect *", Answer(container_line(), err="Error: No such container: c2\n", code=1))
    host.on("docker", "image inspect *", '{"id":"sha256:1","tags":null,"digests":null,"created":"2026","size":7}\n')
    host.on("docker", "network inspect *", Answer(err="no such network", code=1))
    host.on("docker", "exec -i -u 0 nginx sh -c *", INSIDE)
    conf = "upstream app { server web:3000; server kept:1 resolve; }\nproxy_pass http://app; proxy_pass http://api:80/;"
    missing = '[emerg] host not found in upstream "gone:80"'
    host.on("nginx", "-T -q", Answer(f"{conf} proxy_pass $x;", err=missing, code=1))
    reading = (
        f'{{"memory_stats":{{"usage":1000,"stats":{{"inactive_file":400}}}}}}\nhttp://docker/containers/{C1}/stats\n'
    )
    host.on("curl", "*/stats?*", reading)
    host.on("curl", "* https://a.org/health")
    with socket.create_server(("0.0.0.0", 0)) as public, socket.create_server(("127.0.0.1", 0)) as private:  # noqa: S104
        ports = {each.getsockname()[1] for each in (public, private)}
        ran = host.run(
            "host/survey",
            MARK,
            str(host.home),
            "a.org",
            "",
            "net",
            "nginx",
            "nginx",
            "{{json .}}",
            "{{json .}}",
            "web",
            "me/web",
        )
        found = survey.parse(ran.out, MARK)
        assert found.listening & ports == {public.getsockname()[1]}
    assert (found.docker, found.compose, found.config) == ("26.1", "2.26.1", {"web": "c0ffee"})
    assert ([*found.containers], len(found.images), found.network) == (["frontend"], 1, False)
    assert found.environment == {"A": True, "B": False}
    assert found.dollars == {}
    assert found.files.keys() == {"compose/docker-compose.yml", "nginx/nginx.conf", ".env", "rehearsal/header"}
    assert found.stanzas == {
        "db": survey.Stanza(container_name="postgres", image="postgres:15"),
        "web": survey.Stanza(419430400, 1048576, ("8080",), image="me/web:v1", asks=(3000, 8000, 8080, 8443, 9000)),
        "old": survey.Stanza(9, 8, image="old"),
    }
    assert (sorted(found.stale), found.usage) == (["api", "gone", "web"], {C1: 600} if api else {})
    assert (found.architecture, *found.engine) == ("amd64", survey.EngineKind.REMAPPED)
    assert [(kept.id, kept.status) for kept in found.releases] == [("r1", "candidate")]
    assert found.problems == {"networks": "no such network", "nginx_": missing}
    asked = [call for call in ran.calls if call.startswith("docker") and "compose" not in call]
    assert len(asked) == (4 if api else 9)
    assert (found.memory["MemTotal"] > 0, found.disk[0] > 0, found.now > 0) == (True, True, True)
    assert "s3cret" not in ran.out


HOLDER = '{"who": "kim@mac", "what": "deploy of web", "since": "2026-01-31", "token": "t0ken"}\n'
FROM_THEN_ON = Answer(
    run=f"""cd "$root/home/state"; cp "$root/holder" lock.json
flock -F lock sleep 60 >/dev/null 2>&1 & echo $! >"$root/pid"
while flock -n lock true; do sleep 0.01; done; echo {C1}"""
)
UNTIL_THEN = Answer(run=f'rm "$root/home/state/lock.json"; kill "$(cat "$root/pid")"; echo {C1}')


@pytest.mark.parametrize(
    ("begins", "listed", "told"),
    [
        (True, f"{C1}\n", "kim@mac"),
        (True, UNTIL_THEN, "kim@mac"),
        (False, FROM_THEN_ON, "kim@mac"),
        (False, f"{C1}\n", ""),
    ],
    ids=["all along", "until they are listed", "from then on", "nobody, of whom the file was left"],
)
def test_who_changes_the_host_is_told_where_that_is_before_or_after_the_containers_are_listed(
    host: FakeHost, begins: bool, listed: Answer | str, told: str
) -> None:
    host.file("holder", HOLDER)
    host.file("home/state/lock.json", HOLDER)
    lock, pid = host.file("home/state/lock"), host.file("pid")
    host.on("docker", "*")
    host.on("docker", "ps -aq --no-trunc", listed)
    host.on("docker", "container inspect *", container_line())
    host.on("curl", "*https://a.org/health")
    with contextlib.ExitStack() as stack:
        if begins:
            holder = stack.enter_context(subprocess.Popen(["flock", "-F", lock, "sleep", "60"]))
            pid.write_text(str(holder.pid))
            while subprocess.run(["flock", "-n", lock, "true"], check=False).returncode == 0:
                time.sleep(0.01)
        stack.callback(lambda: subprocess.run(["kill", *pid.read_text().split()], capture_output=True, check=False))
        ran = host.run("host/survey", MARK, str(host.home), "a.org", "", *NET, "", "", "web", "me/web")
    found = survey.parse(ran.out, MARK)
    assert [*found.containers] == ["frontend"]
    assert (found.changing.who if found.changing else "") == told
    assert "t0ken" not in ran.out


@pytest.mark.parametrize(
    "said",
    [
        Answer(f'[{{"Id":"{C1}"}},{{"Id":', code=18),
        Answer(f'[{{"Id":"{C1}"}}]\n{{"message":"no space left"}}\n', code=22),
    ],
    ids=["cut off", "the second list failed"],
)
def test_a_list_of_which_a_part_came_is_asked_for_again(host: FakeHost, said: Answer) -> None:
    host.on("curl", "*https://a.org/health")
    host.on("curl", "*http://docker/*", said)
    host.on("docker", "*")
    host.on("docker", "ps -aq --no-trunc", f"{C1}\n{C2}\n")
    host.on("docker", "images *", f"{IMAGE}\n")
    ran = host.run("host/survey", MARK, str(host.home), "a.org", "", *NET, "", "", "web", "me/web")
    described = [call for call in ran.calls if " inspect " in call]
    assert any(C2 in call for call in described)
    assert any(IMAGE in call for call in described)


def test_a_configuration_is_another_one_when_a_file_that_its_stanza_names_is(host: FakeHost) -> None:
    file = host.file("home/compose/key", "1\n")
    host.file("home/compose/docker-compose.yml", "services: {web: {env_file: web.env, secrets: [key]}}\n")
    resolved: dict[str, Any] = {
        "secrets": {"key": {"name": "x_key", "file": str(file)}},
        "services": {
            "db": {"image": "db"},
            "web": {"environment": {"A": "1"}, "image": "web", "secrets": [{"source": "key"}]},
        },
    }
    host.on("curl", "*")
    host.on("docker", "*")
    host.on("docker", "compose *config --hash*", "web c0ffee\ndb 0ff\n")

    def hashes() -> dict[str, str]:
        host.on("docker", "compose *config --format json", json.dumps(resolved, indent=2))
        return survey.parse(host.run("host/survey", MARK, str(host.home), "a.org", "", *NET, "", "").out, MARK).config

    first = hashes()
    assert hashes() == first
    file.write_text("2\n")
    second = hashes()
    resolved["services"]["web"]["environment"]["A"] = "2"
    third = hashes()
    assert len({first["web"], second["web"], third["web"]}) == 3
    assert first["db"] == second["db"] == third["db"]


def test_a_configuration_is_another_one_when_a_value_that_is_given_as_a_file_is(host: FakeHost) -> None:
    host.file("home/compose/docker-compose.yml", "services: {web: {secrets: [DB_PASS]}}\n")
    resolved = {
        "secrets": {"DB_PASS": {"environment": "DB_PASS"}},
        "services": {"web": {"image": "web", "secrets": [{"source": "DB_PASS"}]}},
    }
    host.on("curl", "*")
    host.on("docker", "*")
    host.on("docker", "compose *config --hash*", "web c0ffee\n")
    host.on("docker", "compose *config --format json", json.dumps(resolved, indent=2))
    seen = set()
    for text in ("A=1\nDB_PASS='one\ntwo'\n", "A=2\nDB_PASS='one\ntwo'\nB=1\n", "A=1\nDB_PASS='one\nother'\n"):
        host.file("home/.env", text)
        ran = host.run("host/survey", MARK, str(host.home), "a.org", "", *NET, "", "")
        seen.add(survey.parse(ran.out, MARK).config["web"])
    assert len(seen) == 2  # by its own lines, however many, and by no other name's


def test_what_is_kept_of_a_release_is_one_line_whatever_is_in_its_files(host: FakeHost) -> None:
    kept = {"id": "r1", "service": "web", "repository": "", "tag": "v1", "digest": "", "image_id": "i"}
    for place, text in {
        "r1": json.dumps(kept, indent=1),
        "r2": json.dumps(kept)[:30],
        "r3": "",
        "r4": "\u2028@@1 end\n\0\n@@1 end\n",
        "r5": "x" * 100_000,
        "my notes ä": "mine",
    }.items():
        host.file(f"home/state/releases/web/{place}/release.json", text)
        host.file(f"home/state/releases/web/{place}/status", "stands\nfailed\n@@1 end\n")
    host.file("home/state/releases/web/r6/release.json/odd")
    host.file("home/state/releases/web/r7/other")
    (host.home / "state/releases/web/r1/status").write_text("")
    host.on("curl", "*")
    host.on("docker", "*")
    found = survey.parse(
        host.run("host/survey", MARK, str(host.home), "a.org", "", *NET, "", "", "web", "me/web").out,
        MARK,
    )
    assert [(release.id, release.status) for release in found.releases] == [("r1", "candidate")]
    assert sorted(found.unread) == ["web/my?notes???", *(f"web/r{number}" for number in range(2, 8))]


@pytest.mark.parametrize(
    ("named", "past", "told"),
    [
        (["0"], "0", None),
        (["28", "0"], "0", None),
        (["28", "6"], "0", (6, ("203.0.113.9", "2001:db8::9"))),
        (["28", "6"], "28", None),
        (["7"], "7", None),
    ],
    ids=["well", "once", "no hairpin", "slow", "nginx is down"],
)
def test_a_public_name_the_host_does_not_reach_is_told_where_nginx_answers_past_it(
    host: FakeHost, named: list[str], past: str, told: tuple[int, tuple[str, ...]] | None
) -> None:
    host.on("docker", "*")
    host.on("getent", "ahosts a.org", "203.0.113.9 STREAM a.org\n203.0.113.9 DGRAM\n2001:db8::9 STREAM\n")
    host.on("curl", "*https://a.org/health", *(Answer(code=int(code)) for code in named))
    host.on("curl", "*--connect-to ::127.0.0.1: *https://a.org/health", Answer(code=int(past)))
    arguments = (*NET, "", "", "web", "me/web")
    assert survey.parse(host.run("host/survey", MARK, str(host.home), "a.org", "", *arguments).out, MARK).misled == told
    ran = host.run("host/survey", MARK, str(host.home), "a.org", "127.0.0.1", *arguments)
    assert survey.parse(ran.out, MARK).misled is None
    assert not [call for call in ran.calls if call.startswith("curl") and "--unix-socket" not in call]


def test_the_names_of_an_nginx_that_says_nothing_else_are_found(host: FakeHost) -> None:
    host.on("curl", "*https://a.org/health")
    host.on("docker", "*")
    host.on("docker", "exec -i -u 0 nginx *", INSIDE)
    host.on("nginx", "-T -q", "upstream app { server web:3000; } # server not:1;\n")
    host.moved["/proc/net/tcp /proc/net/tcp6"] = "/dev/null"
    ran = host.run("host/survey", MARK, str(host.home), "a.org", "", *NET, "", "", "web", "me/web")
    assert survey.parse(ran.out, MARK).stale == {"web"}


def test_an_nginx_that_cannot_be_looked_into_does_not_hold_up_the_survey(host: FakeHost) -> None:
    host.on("curl", "*https://a.org/health")
    host.on("docker", "*")
    host.on("docker", "exec -i -u 0 nginx *", Answer(run="exec sleep 9"))
    host.moved["timeout 30"] = "timeout 0.2"
    ran = host.run("host/survey", MARK, str(host.home), "a.org", "", *NET, "", "", "web", "me/web")
    assert survey.parse(ran.out, MARK).problems == {"nginx_": "nginx could not be looked into within 30 s\n"}


def test_images_that_docker_does_not_list_are_not_taken_for_none(host: FakeHost) -> None:
    host.on("curl", "*")
    host.on("docker", "*")
    host.on("docker", "images *", Answer(err="no answer", code=1))
    with pytest.raises(RemoteCommandFailed, match="did not list its images"):
        survey.parse(
            host.run("host/survey", MARK, str(host.home), "a.org", "", *NET, "", "", "web", "me/web").out,
            MARK,
        )


def test_a_bare_host_is_looked_at_with_next_to_nothing_on_it(host: FakeHost) -> None:
    host.file("etc/os-release", 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n')
    host.file("home/.env")
    host.file("home/compose/.env").unlink()
    (host.home / "compose/.env").symlink_to("../.env")
    for program in ("docker", "sudo", "systemd-detect-virt", "timedatectl", "apt-config", "systemctl", "getent"):
        host.on(program, "*", Answer(err=f"{program} says no\n", code=1))
    facts = machine.parse(read(host.run("host/facts", MARK, str(host.home), "a.org", "nginx").out, MARK))
    assert (facts.system, facts.version, facts.name) == ("debian", "12", "Debian 12")
    assert (facts.docker, facts.docker_problem, facts.compose, facts.running) == ("", "docker says no", "", 0)
    assert {"bash", "awk", "timeout"} <= facts.tools
    assert (facts.files[".env"], "." in facts.files, facts.files["compose/.env"]) == ("644", True, "link")
    assert facts.memory["MemTotal"] > 0


def test_a_host_that_is_set_up_says_so(host: FakeHost) -> None:
    host.file("etc/os-release", "ID=x\n")
    host.file("etc/docker/daemon.json", '{"log-driver":"local"}')
    host.file("etc/letsencrypt/live/a.org/fullchain.pem")
    host.on("docker", "version *", "engine 26.1.5\n")
    host.on("docker", "compose version *", "v2.26.1\n")
    host.on("docker", "ps -q", "a\nb\n")
    host.on("docker", "container inspect *", "false\n")
    host.on("docker", "info *", "/tmp name=seccomp,profile=builtin name=rootless extfs\n")
    host.on("docker", "info *LiveRestore*", "swarm inactive\nlive true\n")
    host.on("timedatectl", "*", "yes\n")
    host.on("apt-config", "*", "lists='1'\nupgrade='1'\n")
    for program in ("sudo", "unattended-upgrade"):
        host.on(program, "*", Answer(run='[ "$1" != -n ] || shift; [ "$1" != test ] || exec "$@"'))
    host.on("systemd-detect-virt", "*", Answer(code=1))
    host.on("getent", "--no-addrconfig ahosts a.org", Answer(code=64))
    host.on("getent", "ahosts a.org", "104.21.3.4 STREAM a.org\n104.21.3.4 DGRAM\n2606:4700::1 STREAM\n")
    host.on("docker", "container inspect *GlobalIPv6Address*", "")
    facts = machine.parse(read(host.run("host/facts", MARK, str(host.home), "a.org", "nginx").out, MARK))
    assert (facts.docker, facts.compose, facts.running) == ("26.1.5", "2.26.1", 2)
    assert facts.engine == {survey.EngineKind.ROOTLESS}
    assert facts.disk[0] > facts.disk[1] > 0
    assert (facts.swarm, facts.live_restore, facts.problems) == (False, True, {})
    assert (facts.synchronized, facts.updates, facts.certificate) == (True, True, True)
    assert facts.logging == '{"log-driver":"local"}'
    assert facts.visitors.leads == ("104.21.3.4", "2606:4700::1")


def a_host_with_a_token(host: FakeHost, *answers: Answer | str) -> None:
    host.on("docker", "container inspect --format {{.State.Running}} nginx", "true\n")
    host.on("docker", "exec -i -u 0 nginx sh -c *", INSIDE)
    host.on("docker", "exec -u 0 nginx sh -c *", INSIDE)
    (host.root / "etc/nginx").mkdir()
    (host.root / "etc/nginx/rehearsal").symlink_to(host.home / "rehearsal")
    host.on("curl", "*", *answers)
    host.run("host/directories", str(host.home))


KNOWN, UNKNOWN = "HTTP/1.1 200 OK\r\nX-Behindy-Candidate: -green\r\n", "HTTP/1.1 200 OK\r\n"


def test_nginx_is_asked_whether_it_knows_the_token_and_that_never_stands_on_a_command_line(host: FakeHost) -> None:
    a_host_with_a_token(host, Answer(run=f'cat >"$root/given"; printf "{KNOWN}"'))
    for program in ("sudo", "systemd-detect-virt", "timedatectl", "apt-config", "systemctl", "getent"):
        host.on(program, "*", Answer(code=1))
    host.on("docker", "container inspect *GlobalIPv6Address*", "")
    host.on("docker", "version *", "engine 26.1.5\n")
    host.on("docker", "compose version *", "v2.26.1\n")
    host.on("docker", "ps -q", "a\n")
    host.on("docker", "info *", "/\n")

    def token() -> str:
        ran = host.run("host/facts", MARK, str(host.home), "a.org", "nginx")
        assert given.split()[1] not in " ".join(ran.calls) + ran.out
        return machine.parse(ran.reply).token

    header = host.home / "rehearsal/header"
    given = header.read_text()
    assert (token(), (host.root / "given").read_text()) == ("loaded", given)
    host.on("curl", "*", UNKNOWN)
    assert token() == "unloaded"
    host.on("curl", "*", "HTTP/1.1 421 Misdirected Request\r\n")
    assert token() == ""
    host.on("curl", "*", Answer(code=7))
    assert token() == ""
    host.on("curl", "*", UNKNOWN)
    header.write_text("X-Behindy-Rehearsal: another\n")
    assert token() == "missing"
    host.on("docker", "ps -q", "")
    assert token() == ""
    assert host.run("host/directories", str(host.home)).code == 0
    assert "another" not in header.read_text()


def test_nginx_loads_a_token_by_a_reload_that_is_seen_to_have_worked(host: FakeHost) -> None:
    host.moved["end=$(($(now) + 10000))"] = "end=0"
    a_host_with_a_token(host, UNKNOWN, UNKNOWN, KNOWN)
    host.on("nginx", "*-t -q")
    host.on("nginx", "*-s reload", Answer(run=host.new_worker()))
    where = (str(host.home), "a.org", "nginx")
    ran = host.run("host/load_token", *where)
    assert (ran.code, [call for call in ran.calls if call.startswith("nginx")]) == (
        0,
        ["nginx -t -q", "nginx -s reload"],
    )
    assert not [call for call in host.run("host/load_token", *where).calls if call.startswith("nginx")]
    host.on("curl", "*", UNKNOWN)
    (host.root / "proc/9/cmdline").unlink()
    assert host.run("host/load_token", *where).code == Code.TOKEN_NOT_LOADED
    host.on("nginx", "*-t -q", Answer(code=1))
    assert host.run("host/load_token", *where).code == Code.NGINX_INVALID


def test_nginx_is_restarted_where_its_directory_was_replaced(host: FakeHost) -> None:
    a_host_with_a_token(host, UNKNOWN, UNKNOWN, UNKNOWN, KNOWN)
    (host.root / "etc/nginx/rehearsal").unlink()
    (host.root / "etc/nginx/rehearsal").mkdir()
    host.on("docker", "restart nginx")
    ran = host.run("host/load_token", str(host.home), "a.org", "nginx")
    assert (ran.code, [call for call in ran.calls if call.startswith("docker restart")]) == (
        0,
        ["docker restart nginx"],
    )


def test_the_host_directory_is_made_once_and_its_token_stays(host: FakeHost) -> None:
    where = str(host.home / "ops")
    host.file("home/ops/x").parent.chmod(0o777)
    assert [host.run("host/directories", where).code for _ in range(2)] == [0, 0]
    assert (host.home / "ops").stat().st_mode & 0o22 == 0
    token = (host.home / "ops/rehearsal/header").read_text()
    host.file("home/ops/.env").chmod(0o644)
    ran = host.run("host/directories", where)
    assert (host.home / "ops/rehearsal/header").read_text() == token
    assert token.split()[1] in (host.home / "ops/rehearsal/map.conf").read_text()
    assert (ran.out, ran.err) == ("", "")
    modes = {
        name: (host.home / "ops" / name).stat().st_mode & 0o777 for name in ("state", "rehearsal", "assets", ".env")
    }
    assert modes == {"state": 0o700, "rehearsal": 0o700, "assets": 0o755, ".env": 0o600}
    assert (host.home / "ops/compose/.env").readlink() == Path("../.env")


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        (("packages-apt", "curl"), ["update", "install --no-install-recommends curl"]),
        (("packages-dnf", "curl"), ["dnf -y -q install curl"]),
        (("group", "kim"), ["usermod -aG docker kim"]),
        (("engine",), ["docker version"]),
        (("restart",), ["docker version"]),
    ],
)
def test_a_step_of_the_setup_calls_what_it_is_about(host: FakeHost, words: tuple[str, ...], calls: list[str]) -> None:
    for program in ("apt-get", "dnf", "usermod", "docker", "systemctl", "service"):
        host.on(program, "*")
    ran = host.run("host/setup", *words)
    assert ran.code == 0
    told = [call.partition("Languages=none ")[2] or call for call in ran.calls]
    assert told[-len(calls) :] == calls


def test_a_configuration_is_put_in_its_place_whole(host: FakeHost) -> None:
    host.on("dockerd", "--help", "")
    assert host.run("host/setup", "daemon", stdin="{}").code == 0
    placed = host.root / "etc/docker/daemon.json"
    assert (placed.read_text(), placed.stat().st_mode & 0o777) == ("{}", 0o644)
    theirs = host.file("etc/apt/apt.conf.d/20auto-upgrades", 'APT::Periodic::AutocleanInterval "7";\n')
    assert host.run("host/setup", "updates-apt").code == 0
    assert "Unattended-Upgrade" in (host.root / "etc/apt/apt.conf.d/60behindy-upgrades").read_text()
    assert "Autoclean" in theirs.read_text()
    assert host.run("host/setup", "directory", str(host.root / "made"), "root").code == 0
    assert (host.root / "made").stat().st_mode & 0o777 == 0o750


def test_a_swarm_is_known_also_while_its_engine_does_not_answer(host: FakeHost) -> None:
    host.moved["/var/lib/docker"] = str(host.root)
    host.file("swarm/docker-state.json", "{}")
    for program in ("docker", "systemd-detect-virt", "timedatectl", "apt-config", "systemctl", "getent"):
        host.on(program, "*", Answer(code=1))
    host.on("sudo", "*", Answer(run='[ "$1" != -n ] || shift; exec "$@"'))
    assert machine.parse(host.run("host/facts", MARK, str(host.home), "a.org", "nginx").reply).swarm


def test_the_engine_loads_its_settings_or_the_step_fails(host: FakeHost) -> None:
    host.moved["/var/run/docker.pid"] = str(host.file("docker.pid", "1"))
    host.moved["/run/systemd/system"] = "/nowhere"
    host.moved["sleep 0.25"] = "true"
    host.moved['kill -HUP "$(cat'] = 'echo "$(cat'
    host.on("docker", "info *", "true\n")
    assert host.run("host/setup", "reload").code == 0
    host.on("docker", "info *", "false\n")
    ran = host.run("host/setup", "reload")
    assert (ran.code, "has not loaded" in ran.err) == (1, True)


def test_a_system_file_keeps_its_mode_and_a_copy_of_it_stays(host: FakeHost) -> None:
    host.on("dockerd", "--help", "  --validate\n")
    host.on("dockerd", "--validate *", "configuration OK\n")
    real = host.file("etc/elsewhere.json", '{"data-root": "/x"}')
    real.chmod(0o600)
    (host.root / "etc/docker").mkdir()
    (host.root / "etc/docker/daemon.json").symlink_to("../elsewhere.json")
    host.file("etc/docker/theirs", "theirs")
    ran = host.run("host/setup", "daemon", stdin='{"data-root": "/x", "log-driver": "json-file"}')
    assert (ran.code, ran.calls[-1]) == (0, f"dockerd --validate --config-file {real}.behindy-new")
    assert (host.root / "etc/docker/daemon.json").read_text() == '{"data-root": "/x", "log-driver": "json-file"}'
    assert (real.is_symlink(), real.stat().st_mode & 0o777) == (False, 0o600)
    (copy,) = (host.root / "etc").glob("elsewhere.json.behindy-*")
    assert (copy.read_text(), copy.stat().st_mode & 0o777) == ('{"data-root": "/x"}', 0o600)
    host.on("dockerd", "--validate *", Answer(err="unknown option\n", code=1))
    ran = host.run("host/setup", "daemon", stdin='{"logdriver": 1}')
    assert (ran.code, "stays as it is" in ran.err, "unknown option" in ran.err) == (1, True, True)
    assert "log-driver" in real.read_text()
    assert sorted(path.name for path in (host.root / "etc/docker").iterdir()) == ["daemon.json", "theirs"]


def test_no_copy_lies_where_every_file_is_read(host: FakeHost) -> None:
    for _ in range(2):
        assert host.run("host/setup", "updates-apt").code == 0
    assert [path.name for path in (host.root / "etc/apt/apt.conf.d").iterdir()] == ["60behindy-upgrades"]
    (copy,) = (host.root / "etc/apt").glob("apt.conf.d.60behindy-upgrades.behindy-*")
    assert "Unattended-Upgrade" in copy.read_text()


def a_host_for_swap(host: FakeHost) -> None:
    host.moved["/swapfile"] = f"{host.root}/swapfile"
    host.on("fallocate", "*", Answer(run='printf new >"$3"'))
    for program in ("mkswap", "swapon"):
        host.on(program, "*")
    host.on("findmnt", "--verify")


@pytest.mark.parametrize("before", ["", "UUID=1 / ext4 defaults 0 1\n", "UUID=1 / ext4 defaults 0 1"])
def test_swap_gets_a_line_of_its_own_in_fstab(host: FakeHost, before: str) -> None:
    a_host_for_swap(host)
    fstab = host.file("etc/fstab", before)
    host.on("findmnt", "--verify --tab-file *")
    assert host.run("host/setup", "swap", "1").code == 0
    assert fstab.read_text() == f"{before.strip()}\n".lstrip() + f"{host.root}/swapfile none swap sw 0 0\n"
    (copy,) = (host.root / "etc").glob("fstab.behindy-*")
    assert copy.read_text() == before
    assert (host.root / "swapfile").read_text() == "new"
    host.on("swaplabel", "*")
    assert host.run("host/setup", "swap", "1").code == 0
    assert fstab.read_text().count("swapfile") == 1


def test_an_fstab_that_would_not_be_valid_any_more_stays(host: FakeHost) -> None:
    a_host_for_swap(host)
    fstab = host.file("etc/fstab", "UUID=1 / ext4 defaults 0 1")
    host.on("findmnt", "--verify --tab-file *", Answer(err="[E] no\n", code=1))
    ran = host.run("host/setup", "swap", "1")
    assert (ran.code, "stays as it is" in ran.err) == (1, True)
    assert fstab.read_text() == "UUID=1 / ext4 defaults 0 1"
    assert [path.name for path in (host.root / "etc").iterdir()] == ["fstab"]


def test_a_file_that_only_has_the_name_of_swap_is_not_removed(host: FakeHost) -> None:
    a_host_for_swap(host)
    theirs = host.file("swapfile", "theirs")
    host.on("swaplabel", "*", Answer(code=1))
    ran = host.run("host/setup", "swap", "1")
    assert (ran.code, "stays as it is" in ran.err, theirs.read_text()) == (1, True, "theirs")
    assert "mkswap" not in " ".join(ran.calls)


def test_what_root_alone_may_read_is_read_by_root_or_unknown(host: FakeHost) -> None:
    host.file("etc/docker/daemon.json", '{"data-root": "/x"}')
    host.moved["{ cat "] = "{ false "  # as for a login that may not
    for program in ("docker", "systemd-detect-virt", "timedatectl", "apt-config", "systemctl", "getent"):
        host.on(program, "*", Answer(code=1))
    host.on("sudo", "*", Answer(run='[ "$1" != -n ] || shift; exec "$@"'))
    host.moved['[ "$(id -u)" = 0 ]'] = "false"
    look = ("host/facts", MARK, str(host.home), "a.org", "nginx")
    assert machine.parse(host.run(*look).reply).logging == '{"data-root": "/x"}'
    host.on("sudo", "*", Answer(code=1))
    assert machine.parse(host.run(*look).reply).logging is None
    (host.root / "etc/docker/daemon.json").unlink()
    assert machine.parse(host.run(*look).reply).logging == ""


def test_a_download_that_is_not_the_known_one_is_thrown_away(host: FakeHost) -> None:
    host.moved["/usr/local/lib"] = f"{host.root}/lib"
    host.on("curl", "*", Answer(run='while [ "$1" != -o ]; do shift; done; printf x >"$2"'))
    sha = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert host.run("host/setup", "compose-download", "2.26.1", "0" * 64, "x86_64").code == 1
    assert host.run("host/setup", "compose-download", "2.26.1", sha, "x86_64").code == 0
    assert [path.name for path in (host.root / "lib/docker/cli-plugins").iterdir()] == ["docker-compose"]


def files_there(host: FakeHost, *wanted: str) -> sync.OnHost:
    ran = host.run("host/files", MARK, str(host.home), "nginx", stdin="".join(f"{path}\n" for path in wanted))
    assert ran.code == 0
    return sync.parse(ran.reply)


def test_the_files_there_are_read_with_whether_nginx_has_loaded_them(host: FakeHost) -> None:
    host.file("home/nginx/versions/v1/nginx/a.conf", "a\n")
    host.file("home/compose/.env", "A=s3cret\n")
    host.file("home/compose/docker-compose.yml", "services: {}\n")
    (host.home / "nginx/live").symlink_to("versions/v1")
    (host.home / "nginx/a.conf").symlink_to("live/nginx/a.conf")
    host.on("docker", "container inspect *", "2020-01-01T00:00:00Z\n")
    found = files_there(host, "nginx/a.conf", "nginx/b.conf", "compose/docker-compose.yml")
    assert found.files == {"compose/docker-compose.yml": b"services: {}\n", "nginx/a.conf": b"a\n"}
    assert (found.live, found.loaded, found.others, found.taken) == ("v1", False, (), {})
    assert host.run("host/files", MARK, str(host.root / "none"), "nginx").code == Code.NO_DIRECTORY


def test_what_is_not_ours_is_named_and_never_read(host: FakeHost) -> None:
    host.file("home/nginx/versions/v1/files", "nginx/sub/deep/a.conf\n")
    host.file("home/nginx/versions/v1/nginx/sub/deep/a.conf", "a\n")
    host.file("home/nginx/versions/v1/nginx/theirs.conf", "s3cret\n")
    (host.home / "nginx/live").symlink_to("versions/v1")
    (host.home / "nginx/sub/deep").mkdir(parents=True)
    (host.home / "nginx/sub/deep/a.conf").symlink_to("../../live/nginx/sub/deep/a.conf")
    for name in ("compose/.env.old", "nginx/sub/ä b\n.conf", "nginx/ssl/privkey.pem", "nginx/sub/.hidden"):
        host.file(f"home/{name}", "s3cret\n")
    (host.home / "nginx/elsewhere.conf").symlink_to("live/nginx/sub/deep/a.conf")
    host.on("docker", "container inspect *", Answer(code=1))
    ran = host.run("host/files", MARK, str(host.home), "nginx", stdin="nginx/new.conf\n")
    found = sync.parse(ran.reply)
    assert found.files == {"nginx/sub/deep/a.conf": b"a\n"}
    assert found.others == (
        "compose/.env.old", "nginx/elsewhere.conf", "nginx/ssl", "nginx/sub/.hidden", "nginx/sub/ä b\n.conf",
    )  # fmt: skip
    assert base64.b64encode(b"s3cret\n").decode() not in ran.out


def test_a_place_that_is_taken_is_named(host: FakeHost) -> None:
    host.file("home/nginx/site.conf/inner", "x")
    host.file("home/nginx/sub", "x")
    host.file("home/compose/docker-compose.yml", "x")
    host.file("home/compose/fine", "x")
    (host.home / "compose/nowhere").symlink_to("/nowhere")
    host.on("docker", "container inspect *", Answer(code=1))
    host.moved['[ -r "$path" ]'] = '[ "$path" = compose/fine ]'  # root may read everything
    names = ("nginx/site.conf", "nginx/sub/a.conf", "compose/docker-compose.yml", "compose/nowhere", "compose/fine")
    assert files_there(host, *names).taken == {
        "nginx/site.conf": "occupied",
        "nginx/sub": "occupied",
        "compose/docker-compose.yml": "unreadable",
        "compose/nowhere": "occupied",
    }


def test_the_file_that_the_running_nginx_has_for_its_configuration_is_not_written_over(host: FakeHost) -> None:
    host.file("home/nginx/nginx.conf", "x")
    host.on("docker", "container inspect --format *Mounts* nginx", f"/etc/letsencrypt\n{host.home}/nginx/nginx.conf\n")
    host.on("docker", "container inspect --format *State* nginx", "")
    assert files_there(host, "nginx/nginx.conf", "nginx/site.conf").taken == {"nginx/nginx.conf": "mounted"}
    host.on("docker", "container inspect --format *Mounts* nginx", f"{host.home}/nginx\n")
    assert files_there(host, "nginx/nginx.conf", "nginx/site.conf").taken == {}


def stage(host: FakeHost, what: str = "keep", image: str = "nginx:1") -> Ran:
    content = base64.b64encode(b"x\n").decode()
    return host.run("host/sync_stage", str(host.home), "shop", "v1", what, "a.org", image, "nginx:/etc/nginx/behindy",
                    "data:/data", "assets:/var/www/a",
                    stdin=f"nginx/a.conf {content}\ncompose/docker-compose.yml {content}\n")  # fmt: skip


def test_files_are_tried_before_they_are_kept(host: FakeHost) -> None:
    for call in ("compose *", "image inspect *", "run *"):
        host.on("docker", call)
    assert stage(host, "try").code == 0
    assert not (host.home / "nginx/versions/v1").exists()
    ran = stage(host)
    assert (ran.code, (host.home / "nginx/versions/v1/nginx/a.conf").read_text()) == (0, "x\n")
    assert f"--volume {host.home}/nginx/versions/v1.new/nginx:" in ran.calls[-1]
    assert (host.home / "data").stat().st_mode & 0o77 == 0
    assert (host.home / "assets").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (host.home / "nginx/versions").iterdir()] == ["v1"]


@pytest.mark.parametrize(
    ("call", "code"),
    [("compose *", Code.COMPOSE_REFUSED), ("run *", Code.NGINX_REFUSED), ("pull *", Code.NO_IMAGE)],
)
def test_files_that_are_refused_leave_nothing(host: FakeHost, call: str, code: Code) -> None:
    for fine in ("compose *", "pull *", "run *"):
        host.on("docker", fine)
    host.on("docker", "image inspect *", Answer(code=1))
    host.on("docker", call, Answer(code=1))
    assert stage(host).code == code
    assert not [*(host.home / "nginx/versions").iterdir()]


def apply(host: FakeHost, version: str, what: str = "reload", keep: str = "3") -> Ran:
    return host.run("host/sync_apply", str(host.home), "nginx", version, keep, what)


def files_of(host: FakeHost) -> dict[str, str]:
    names = ("nginx/a.conf", "nginx/b.conf", "compose/docker-compose.yml", ".env")
    return {name: (host.home / name).read_text() for name in names if (host.home / name).exists()}


def version_of(host: FakeHost, version: str, *paths: str) -> None:
    for path in paths:
        host.file(f"home/nginx/versions/{version}/{path}", version)
    host.file(f"home/nginx/versions/{version}/files", "".join(f"{path}\n" for path in paths))


def an_nginx_that_reloads(host: FakeHost) -> None:
    host.on("docker", "container inspect *", f"{host.home}/nginx\n")
    host.on("docker", "exec -u 0 nginx sh -c *", INSIDE)
    host.on("nginx", "*-t -q")
    host.on("nginx", "*-s reload", Answer(run=host.new_worker()))


def test_a_version_goes_live_at_once_and_what_lay_there_by_hand_becomes_one(host: FakeHost) -> None:
    host.file("home/nginx/a.conf", "by hand")
    host.file("home/.env", "s")
    host.file("home/compose/docker-compose.yml", "by hand")
    version_of(host, "v1", "nginx/a.conf", "compose/docker-compose.yml")
    version_of(host, "v2", "nginx/b.conf", "compose/docker-compose.yml")
    an_nginx_that_reloads(host)
    ran = apply(host, "v1")
    assert (ran.code, ran.values) == (0, {"kept": "v1.before", "nginx": "reloaded"})
    assert files_of(host) == {"nginx/a.conf": "v1", "compose/docker-compose.yml": "v1", ".env": "s"}
    assert (host.home / "nginx/versions/v1.before/nginx/a.conf").read_text() == "by hand"
    host.on("nginx", "*-t -q", Answer(err="[emerg]", code=1))
    assert apply(host, "v2").code == Code.NGINX_REFUSED
    assert files_of(host)["nginx/a.conf"] == "v1"
    assert apply(host, "v2", "leave", keep="1").code == 0
    assert files_of(host) == {"nginx/b.conf": "v2", "compose/docker-compose.yml": "v2", ".env": "s"}
    assert sorted(path.name for path in (host.home / "nginx/versions").iterdir()) == ["loaded", "v1.before", "v2"]
    host.on("docker", "container inspect *", Answer(code=1))
    assert apply(host, "v2").values == {"nginx": "elsewhere"}


def test_what_is_not_ours_stays_where_it_is(host: FakeHost) -> None:
    host.on("docker", "container inspect *", Answer(code=1))
    names = (
        "nginx/sub/ä b\n.conf",
        "nginx/ssl/privkey.pem",
        "compose/uploads/a.txt",
        "compose/.link.new",
        "nginx/.env.local",
    )
    theirs = [host.file(f"home/{name}", "theirs") for name in names]
    inodes = [path.stat().st_ino for path in theirs]
    for number in range(1, 7):
        version_of(host, f"v{number}", "nginx/a.conf", *(("nginx/sub/deep/b.conf",) if number % 2 else ()))
        assert apply(host, f"v{number}").code == 0
        assert (host.home / "nginx/a.conf").read_text() == f"v{number}"
        assert (host.home / "nginx/sub/deep/b.conf").exists() == bool(number % 2)
    assert [path.stat().st_ino for path in theirs] == inodes
    assert {path.read_text() for path in theirs} == {"theirs"}
    assert sorted(path.name for path in (host.home / "nginx/versions").iterdir()) == ["loaded", "v4", "v5", "v6"]


def test_a_directory_that_an_earlier_release_of_this_tool_linked_becomes_one(host: FakeHost) -> None:
    host.on("docker", "container inspect *", Answer(code=1))
    host.file("home/nginx/versions/v0/nginx/sub/a.conf", "v0")
    host.file("home/nginx/versions/v0/nginx/sub/gone.conf", "v0")
    (host.home / "nginx/live").symlink_to("versions/v0")
    (host.home / "nginx/sub").symlink_to("live/nginx/sub")
    version_of(host, "v1", "nginx/sub/a.conf")
    assert apply(host, "v1", keep="1").code == 0
    assert not (host.home / "nginx/sub").is_symlink()
    assert [path.name for path in (host.home / "nginx/sub").iterdir()] == ["a.conf"]
    assert (host.home / "nginx/sub/a.conf").read_text() == "v1"
    # It has no list of what is ours, so it stays.
    assert (host.home / "nginx/versions/v0/nginx/sub/gone.conf").read_text() == "v0"


def test_a_version_that_somebody_put_a_file_into_is_not_removed(host: FakeHost) -> None:
    host.on("docker", "container inspect *", Answer(code=1))
    version_of(host, "v1", "nginx/a.conf")
    host.file("home/nginx/versions/v1/nginx/theirs.conf", "theirs")
    for number in (2, 3):
        version_of(host, f"v{number}", "nginx/a.conf")
        assert apply(host, f"v{number}", keep="1").code == 0
    assert sorted(path.name for path in (host.home / "nginx/versions").iterdir()) == ["loaded", "v1", "v3"]


NET = ("net", "nginx", "nginx")
NAMES = ("behindy-ops", "nginx", "behindy-ops_edge", "behindy-ops_internal", "nginx")
LINK_LOCAL = (
    "fe800000000000000042acfffe110002 02 40 20 80     eth0\nfd5a0001000200030000000000000001 03 40 00 80 br-1\n"
)
ADDRESSES = f"{LINK_LOCAL}20010db8005a00000000000000000001 02 40 00 80     eth0\n"


def infrastructure(host: FakeHost) -> None:
    host.file("home/compose/docker-compose.yml")
    host.file("home/.env")
    host.on("docker", "version")
    host.on("docker", "version --format *", "26.1.5+dfsg1\n")
    host.moved["/proc/net/if_inet6"] = str(host.file("if_inet6", ADDRESSES))
    host.moved["/proc/net/ipv6_route"] = str(host.file("ipv6_route"))


def test_what_compose_would_run_and_what_runs_is_told(host: FakeHost) -> None:
    infrastructure(host)
    host.on("docker", "compose config --hash *", "db h1\n")
    host.on("docker", "compose config --format json", json.dumps(CONFIG, indent=2))
    host.on("docker", "compose config --images", "postgres:15\nredis:7\n")
    host.on("docker", "image inspect *postgres:15", "sha256:7 postgres:15\n")
    host.on("docker", "image inspect *redis:7", Answer(code=1))
    host.on("docker", "network inspect *")
    host.on("docker", "ps -aq --no-trunc", "c1\n")
    host.on("docker", "container inspect --format {{json .}} c1", f"{container_line()}\n")
    host.on("docker", "container inspect --format {{.Name}} *", '/db [{"Type":"bind"}]\n')
    ran = host.run("host/infra_look", MARK, str(host.home), "shop", "shop_net", "{{json .}}")
    wanted, running, network = up.parse(ran.reply)
    assert wanted == [up.Wanted("db", "h1", "postgres:15", "sha256:7", "postgres", {"/data": "/a b"})]
    assert ([container.name for container in running], network) == (["frontend"], True)
    assert "s3cret" not in ran.out
    assert ran.reply.lines("mounts") == ['db type "bind"', 'db source "/a b"', 'db target "/data"', ': v "x_v"']
    assert ran.reply.lines("mounted") == ['/db [{"Type":"bind"}]']


def test_why_it_cannot_be_told_has_a_number_of_its_own(host: FakeHost) -> None:
    infrastructure(host)
    host.on("docker", "compose *", Answer(err="services.x: y", code=1))
    ran = host.run("host/infra_look", MARK, str(host.home), "shop", "shop_net", "")
    assert (ran.code, "services.x: y" in ran.err) == (Code.COMPOSE_REFUSED, True)
    host.on("docker", "version", Answer(code=1))
    assert host.run("host/infra_look", MARK, str(host.home), "shop", "shop_net", "").code == Code.NO_DOCKER
    (host.home / ".env").unlink()
    assert host.run("host/infra_look", MARK, str(host.home), "shop", "shop_net", "").code == Code.NO_ENV_FILE
    (host.home / "compose/docker-compose.yml").unlink()
    assert host.run("host/infra_look", MARK, str(host.home), "shop", "shop_net", "").code == Code.NO_COMPOSE_FILE
    assert host.run("host/infra_look", MARK, str(host.root / "none"), "shop", "shop_net", "").code == Code.NO_DIRECTORY


def test_infrastructure_is_started_and_waited_for(host: FakeHost) -> None:
    infrastructure(host)
    host.moved["sleep 0.5"] = "sleep 0.01"
    for call in ("pull *", "run *placeholder*", "compose *up -d *"):
        host.on("docker", call)
    host.on("docker", "run *", "placeholder certificate made\n")
    host.on("docker", "compose ps -aq *", "c1\n")
    host.on("docker", "container inspect *", "running starting\n", "running starting\n", "running healthy\n")
    host.on("docker", "exec c1 curl *", Answer(code=1), "")
    words = ("pull", "nginx:1", "placeholder", "nginx:1", "create", "nginx", "recreate", "db")
    ran = host.run("host/infra_up", str(host.home), "a.org", "5", *NAMES, *words)
    assert ran.code == 0
    assert "placeholder" in ran.values
    ups = [call for call in ran.calls if " up -d " in call]
    assert [up_.rpartition("--")[2] for up_ in ups] == ["no-recreate nginx", "force-recreate db"]


def of_a_login_with_sudo(host: FakeHost) -> None:
    infrastructure(host)
    host.moved['"$(id -u)"'] = "1000"
    host.on("sudo", "-n sh *", Answer(run='shift; exec "$@"'))


@pytest.mark.parametrize("may", [True, False])
def test_new_connections_wait_while_nginx_is_replaced(host: FakeHost, *, may: bool) -> None:
    infrastructure(host)
    host.moved['"$(id -u)"'] = "1000"
    host.on("sudo", "-n sh *", Answer(run='shift; exec "$@"') if may else Answer(code=1))
    for program in ("iptables", "ip6tables"):
        host.on(program, "*")
    host.on("docker", "compose *up -d *")
    host.on("docker", "compose ps -aq *", "c1\n")
    host.on("docker", "container inspect *", "running healthy\n")
    host.on("docker", "image inspect *")
    host.on("docker", "port nginx", "80/tcp -> 0.0.0.0:80\n80/tcp -> [::]:80\n443/tcp -> 0.0.0.0:443\n")
    host.on("docker", "exec nginx curl *", Answer(code=7), "")
    ran = host.run("host/infra_up", str(host.home), "a.org", "5", *NAMES, "recreate", "db", "recreate", "nginx")
    assert ran.code == 0, ran.err
    assert (int(ran.values["away"]) >= 0, "unheld" in ran.values) == (True, not may)
    (first, second) = (call for call in ran.calls if " up -d " in call)
    assert first.endswith("--force-recreate db")  # whose stanza says how long it may take to stop
    assert second.endswith("--force-recreate --timeout 3 nginx")
    rules = [call for call in ran.calls if call.startswith("iptables")]
    assert [("-I" in rule, "--dports 80,443 --syn -m time --datestop 20" in rule) for rule in rules] == [
        (True, True),
        (False, True),
    ] * may
    if may:
        assert rules[0].replace("-I", "-D").replace("-w 5 ", "-w 60 ") == rules[1]
        end = datetime.fromisoformat(f"{rules[0].split()[-3]}+00:00")
        assert 0 < (end - datetime.now(UTC)).total_seconds() <= 60
        assert ran.calls.index(rules[0]) < ran.calls.index(second) < ran.calls.index(rules[1])


def test_nothing_is_said_of_connections_to_an_nginx_that_was_stopped(host: FakeHost) -> None:
    infrastructure(host)
    host.moved['"$(id -u)"'] = "1000"
    host.on("docker", "compose *up -d *")
    host.on("docker", "compose ps -aq *", "c1\n")
    host.on("docker", "container inspect *", "running healthy\n")
    host.on("docker", "port nginx", "")
    host.on("docker", "exec nginx curl *", "")
    ran = host.run("host/infra_up", str(host.home), "a.org", "5", *NAMES, "recreate", "nginx")
    assert ran.code == 0, ran.err
    assert not {"away", "unheld", "holding"} & set(ran.values)
    assert any(call.endswith("--force-recreate --timeout 3 nginx") for call in ran.calls)


def test_a_kernel_that_cannot_end_a_rule_by_itself_holds_them_all_the_same(host: FakeHost) -> None:
    of_a_login_with_sudo(host)
    for program in ("iptables", "ip6tables"):
        host.on(program, "*")
        host.on(program, "*--datestop*", Answer(code=1))
    host.on("docker", "compose *up -d *")
    host.on("docker", "compose ps -aq *", "c1\n")
    host.on("docker", "container inspect *", "running healthy\n")
    host.on("docker", "port nginx", "80/tcp -> 0.0.0.0:80\n")
    host.on("docker", "exec nginx curl *", "")
    ran = host.run("host/infra_up", str(host.home), "a.org", "5", *NAMES, "recreate", "nginx")
    assert (ran.code, "unheld" in ran.values) == (0, False)
    rules = [call for call in ran.calls if call.startswith("iptables") and "--datestop" not in call]
    assert [(rule.split()[3], rule.endswith("--dports 80 --syn -j DROP")) for rule in rules] == [
        ("-I", True),
        ("-D", True),
    ]


def test_who_holds_connections_lets_them_in_when_the_script_is_killed(host: FakeHost) -> None:
    of_a_login_with_sudo(host)
    host.on("iptables", "*", "", Answer(run=': >"$root/let in"'))
    host.on("ip6tables", "*")
    host.on("docker", "compose ps -aq *", "c1\n")
    host.on("docker", "container inspect *", "")
    host.on("docker", "port nginx", "80/tcp -> 0.0.0.0:80\n")
    host.moved["replace --timeout"] = "kill -9 $$; replace --timeout"
    assert host.run("host/infra_up", str(host.home), "a.org", "5", *NAMES, "recreate", "nginx").code != 0
    end = time.monotonic() + 10
    while not (host.root / "let in").exists():
        assert time.monotonic() < end, "new connections are held for ever"
        time.sleep(0.02)


def test_it_does_so_too_where_the_script_is_killed_before_it_has_heard_that_they_are_held(host: FakeHost) -> None:
    of_a_login_with_sudo(host)
    host.on("iptables", "*", Answer(run='kill -9 "$(cat "$root/script")"'), Answer(run=': >"$root/let in"'))
    host.on("ip6tables", "*")
    host.on("docker", "compose ps -aq *", "c1\n")
    host.on("docker", "container inspect *", "")
    host.on("docker", "port nginx", Answer(run='echo "$PPID" >"$root/parent"; echo "80/tcp -> 0.0.0.0:80"'))
    host.moved["held_most=60"] = f"held_most=60; echo $$ >{host.root}/script"
    assert host.run("host/infra_up", str(host.home), "a.org", "5", *NAMES, "recreate", "nginx").code != 0
    end = time.monotonic() + 10
    while not (host.root / "let in").exists():
        assert time.monotonic() < end, "new connections are held for ever"
        time.sleep(0.02)


@pytest.mark.parametrize("there", [False, True])
def test_a_placeholder_never_takes_the_place_of_a_certificate(host: FakeHost, *, there: bool) -> None:
    infrastructure(host)
    if there:
        host.file("etc/letsencrypt/live/a.org/fullchain.pem", "real")
    host.on("docker", "run *", Answer(run='while [ "$1" != -c ]; do shift; done; exec sh "$@"'))
    host.on("openssl", "req *")
    ran = host.run("host/infra_up", str(host.home), "a.org", "5", *NAMES, "placeholder", "nginx:1")
    assert (ran.code, "placeholder" in ran.values, len(ran.calls)) == (0, not there, 1 if there else 2)


@pytest.mark.parametrize(("brings", "code"), [("16.3 (Debian)", Code.OTHER_MAJOR), ("15.9", Code.NOT_HEALTHY)])
def test_a_database_is_not_replaced_by_one_of_another_major_version(host: FakeHost, brings: str, code: Code) -> None:
    infrastructure(host)
    host.on("docker", "compose *")
    host.on("docker", "compose ps -aq db", "c1\n")
    host.on("docker", "compose config --images db", "postgres:next\n")
    host.on("docker", "container inspect *", "missing\n")
    host.on("docker", "image inspect *Config.Env*")
    host.on("docker", "container inspect --format *Config.Env*", "A=s3cret\nPGDATA=/data\n")
    host.on("docker", "cp c1:/data/PG_VERSION -", Answer(run='cd "$root"; echo 15 >PG_VERSION; exec tar -c PG_VERSION'))
    host.on("docker", "run *--entrypoint postgres postgres:next --version", f"postgres (PostgreSQL) {brings}\n")
    ran = host.run("host/infra_up", str(host.home), "a.org", "0", *NAMES, "recreate", "db")
    assert ran.code == code
    assert any(" up -d " in call for call in ran.calls) == (code is Code.NOT_HEALTHY)
    assert ("PostgreSQL 15; postgres:next brings 16" in ran.err) == (code is Code.OTHER_MAJOR)
    assert "s3cret" not in ran.out + ran.err


def test_what_does_not_become_healthy_is_told_with_its_log(host: FakeHost) -> None:
    infrastructure(host)
    host.on("docker", "compose *up -d *")
    host.on("docker", "compose ps *", "db: Up\n")
    host.on("docker", "compose logs *", "the reason\n")
    host.on("docker", "container inspect *", "restarting \n")
    host.on("docker", "image inspect *")
    ran = host.run("host/infra_up", str(host.home), "a.org", "0", *NAMES, "create", "db")
    assert (ran.code, ran.err) == (Code.NOT_HEALTHY, "db: Up\nthe reason\n")
    host.on("docker", "pull *", Answer(code=1))
    assert host.run("host/infra_up", str(host.home), "a.org", "0", *NAMES, "pull", "x").code == Code.NO_IMAGE


NEWER, OLDER = "touch -d '2 min ago' {0}/docker.pid", "touch -d '2 min ago' {0}/etc/docker/daemon.json"


@pytest.mark.parametrize(
    ("engine", "daemon", "begun", "lacks"),
    [
        ("26.1.5+dfsg1", "{}", OLDER, ["rules"]),
        ("26.1.5+dfsg1", '{"ip6tables" : false}', OLDER, ["rules"]),
        ("26.1.5+dfsg1", '{"experimental": true, "ip6tables":true}', OLDER, []),
        ("26.1.5+dfsg1", '{"experimental": true, "ip6tables":true}', NEWER, ["restart"]),
        ("27.0.3", "{}", OLDER, []),
        ("28.5.1-1~debian.13", '{"ip6tables": false}', OLDER, ["rules"]),
        ("28.5.1", '{"ip6tables": true}', NEWER, []),
        ("", "{}", OLDER, []),
    ],
)
def test_what_an_engine_lacks_for_visitors_by_ipv6(
    host: FakeHost, engine: str, daemon: str, begun: str, lacks: list[str]
) -> None:
    infrastructure(host)
    for call in ("compose *", "ps *", "network *"):
        host.on("docker", call)
    host.on("docker", "version --format *", f"{engine}\n")
    host.file("etc/docker/daemon.json", daemon)
    host.file("docker.pid")
    subprocess.run(["sh", "-c", begun.format(host.root)], check=True)
    host.moved["/var/run/docker.pid"] = f"{host.root}/docker.pid"
    host.file("home/nginx/listen_443.conf")
    ran = host.run("host/infra_look", MARK, str(host.home), "shop", "shop_net", "")
    assert ran.reply.lines("ipv6") == [f"lacks {word}" for word in lacks]


NONE = "0" * 32
ROUTES = f"{NONE} 00 {NONE} 00 fe80{NONE[4:]} 64 1 0 {{}} ens5\n{NONE} 00 {NONE} 00 {NONE} ffffffff 1 0 00200200 lo\n"


@pytest.mark.parametrize(
    ("flags", "accepts", "lacks"),
    [("00450003", "1", ["router"]), ("00450003", "2", []), ("00450003", "0", []), ("00000003", "1", [])],
)
def test_what_a_host_lacks_for_visitors_by_ipv6(host: FakeHost, flags: str, accepts: str, lacks: list[str]) -> None:
    """A kernel that learns its way out from announcements stops doing so once it forwards, unless accept_ra is 2."""
    infrastructure(host)
    for call in ("compose *", "ps *", "network *"):
        host.on("docker", call)
    host.on("docker", "version --format *", "27.0.0\n")
    host.file("ipv6_route", ROUTES.format(flags))
    host.file("if_inet6", LINK_LOCAL)
    host.file("ens5/accept_ra", f"{accepts}\n")
    host.moved["/proc/sys/net/ipv6/conf"] = str(host.root)
    found = [f"lacks {word}" for word in lacks]
    look = ("host/infra_look", MARK, str(host.home), "shop", "shop_net", "")
    assert host.run(*look).reply.lines("ipv6") == ["lacks files", "lacks address", *found]
    host.file("home/nginx/listen_443.conf")
    host.file("if_inet6", ADDRESSES)
    assert host.run(*look).reply.lines("ipv6") == found


PUBLISHED = "0.0.0.0:80\n[::]:80\n"


@pytest.mark.parametrize(
    ("published", "answers", "networks", "code", "changes"),
    [
        (PUBLISHED, True, "", 0, ["create", "connect"]),
        (PUBLISHED.replace("[::]", "::"), True, "", 0, ["create", "connect"]),
        (PUBLISHED, True, "behindy-ops_edge\n", 0, ["create"]),
        (PUBLISHED, False, "", 1, ["create", "connect", "disconnect"]),
        ("0.0.0.0:80\n", True, "", 1, ["create", "connect", "disconnect"]),
    ],
    ids=["well", "an older docker", "connected", "no answer", "not published"],
)
def test_nginx_is_connected_for_ipv6_and_not_left_so_if_that_does_not_work(
    host: FakeHost, published: str, answers: bool, networks: str, code: int, changes: list[str]
) -> None:
    infrastructure(host)
    host.on("docker", "network *")
    host.on("docker", "network inspect *", Answer(code=1))
    host.on("docker", "container inspect *", networks)
    host.on("docker", "port nginx 80/tcp", published)
    host.on("curl", "*http://0.0.0.0:80/health")
    host.on("curl", "*2001:0db8:005a:0000:0000:0000:0000:0001*:80/health", Answer(code=0 if answers else 7))
    ran = host.run("host/infra_up", str(host.home), "a.org", "5", *NAMES, "ipv6", "nginx")
    assert ran.code == code, ran.err
    calls = [call.split() for call in ran.calls if call.startswith("docker network") and "inspect" not in call]
    assert [words[2] for words in calls] == changes
    subnet = ipaddress.IPv6Network(calls[0][5])
    assert (subnet.prefixlen, subnet.subnet_of(ipaddress.IPv6Network("fd00::/8"))) == (64, True)


def test_the_certificate_is_read_as_nginx_sees_it(host: FakeHost) -> None:
    host.on("docker", "container inspect *", "true\n", "false\n")
    host.on("docker", "exec nginx sh -c *", pem("O=behindy-ops placeholder,CN=a.org", ("a.org",)))
    host.on("docker", "exec -u 0 nginx sh -c *")
    found = certs.parse(host.run("host/certs_look", "nginx", "a.org").reply_short)
    assert found
    assert (found.until, found.names) == (UNTIL.isoformat(), ("a.org",))
    assert certs.due(found, ("a.org",)) == "there is only the placeholder"
    assert host.run("host/certs_look", "nginx", "a.org").code == Code.NO_NGINX


@pytest.mark.parametrize(("served", "loaded"), [("serial=1\n", True), ("serial=2\n", False)])
def test_what_nginx_serves_is_compared_with_the_file(host: FakeHost, served: str, loaded: bool) -> None:
    host.on("docker", "container inspect *", "true\n")
    host.on("docker", "exec nginx sh -c *", "")
    host.on("docker", "exec -u 0 nginx sh -c *", INSIDE)
    host.on("openssl", "x509 *", Answer(run="case $* in *-in*) echo serial=1;; *) cat;; esac"))
    host.on("openssl", "s_client *", served)
    assert certs.loaded(host.run("host/certs_look", "nginx", "a.org").reply_short) is loaded


def test_a_certificate_is_obtained_loaded_and_seen_to_be_served(host: FakeHost) -> None:
    host.on("docker", "container inspect *Running*", "true\n")
    host.on("docker", "container inspect *Image*", "nginx:1\n")
    for call in ("image inspect *", "run *", "rm *"):
        host.on("docker", call)
    host.on("docker", "service inspect * shop-edge", Answer(code=1))
    host.on("docker", "exec *sh -c *", INSIDE)
    host.on("nginx", "*-t -q")
    host.on("nginx", "*-s reload", Answer(run=host.new_worker()))
    host.on("openssl", "x509 *", "serial=1\n")
    host.on("openssl", "s_client *", "a certificate\n")
    ran = host.run("host/certs_issue", "nginx", "a.org", "certbot:1", "", "shop", "a.org", "www.a.org")
    assert ran.code == 0
    (asked,) = (call for call in ran.calls if "certonly" in call)
    assert asked.endswith("--cert-name a.org -d a.org -d www.a.org")
    assert "--register-unsafely-without-email" in asked
    host.on("nginx", "*-t -q", Answer(code=1))
    assert (
        host.run("host/certs_issue", "nginx", "a.org", "certbot:1", "me@a.org", "shop", "a.org").code == Code.NOT_SERVED
    )
    host.on("docker", "run *certonly*", Answer(err="challenge failed", code=1))
    ran = host.run("host/certs_issue", "nginx", "a.org", "certbot:1", "", "shop", "a.org")
    assert (ran.code, ".placeholder" in ran.calls[-1]) == (Code.NO_CERTIFICATE, True)
    host.on("docker", "image inspect *", Answer(code=1))
    host.on("docker", "pull *", Answer(code=1))
    assert host.run("host/certs_issue", "nginx", "a.org", "certbot:1", "", "shop", "a.org").code == Code.NO_IMAGE
    host.on("docker", "container inspect *Running*", "false\n")
    assert host.run("host/certs_issue", "nginx", "a.org", "certbot:1", "", "shop", "a.org").code == Code.NO_NGINX


def test_aliases_are_taken_away_at_a_quiet_moment(host: FakeHost) -> None:
    host.moved["sleep 1"] = "true"
    host.on("docker", "container inspect *", "999999999\n")
    host.on("docker", "network *")
    host.on("docker", "exec -u 0 nginx sh -c *", INSIDE)
    host.on("nginx", "*-t -q")
    host.on("nginx", "*-s reload", Answer(run=host.new_worker()), Answer(code=1))
    arguments = ("nginx", "net", "web", "3000", "1")
    ran = host.run("host/unalias", *arguments)
    assert (ran.code, ran.values) == (0, {"cut": "0"})
    assert ran.calls[1:3] == ["docker network disconnect net web", "docker network connect net web"]
    assert host.run("host/unalias", *arguments).code == Code.NOT_RELOADED
    host.on("docker", "network connect *", Answer(code=1))
    assert host.run("host/unalias", *arguments).code == Code.NOT_CONNECTED


def share(host: FakeHost, text: str = "theirs\n", what: str = "keep") -> Ran:
    words = (str(host.root / "first"), "nginx", "shop.conf", "shop.example", what)
    return host.run("host/share", *words, stdin=text)


@pytest.fixture
def shared(host: FakeHost) -> FakeHost:
    """A host with an nginx of another project's, in which a file of this one and one of a third are."""
    here = f"{host.root}/etc/nginx/behindy"
    host.file("first/nginx/nginx.conf", f"include {here}/projects/*.conf;\n")
    host.file("first/nginx/site.conf", f"ssl_certificate {host.root}/etc/letsencrypt/live/behindy.me/fullchain.pem;\n")
    for name in ("shop", "third"):
        host.file(f"first/nginx/projects/{name}.conf", f"{name} before\n")
    host.on("docker", "container inspect --format {{.State.Running}} nginx", "true\n")
    host.on("docker", "container inspect *Mounts* nginx", f"{host.root}/first/nginx\n")
    host.on("docker", "exec nginx test -e *")
    host.on("docker", "exec -u 0 nginx sh -c *", INSIDE)
    host.on("nginx", "-t -c *", Answer(run='cat "$root"/first/nginx/projects/.try/* >"$root/tried"; exit 0'))
    host.on("nginx", "*-t -q")
    host.on("nginx", "*-s reload", Answer(run=host.new_worker()))
    return host


def projects(host: FakeHost) -> dict[str, str]:
    return {file.name: file.read_text() for file in (host.root / "first/nginx/projects").iterdir()}


def test_another_projects_nginx_tries_a_file_beside_all_others_and_loads_it(shared: FakeHost) -> None:
    ran = share(shared, what="try")
    assert (ran.code, projects(shared)) == (0, {"shop.conf": "shop before\n", "third.conf": "third before\n"})
    assert (shared.root / "tried").read_text() == (
        f"include {shared.root}/etc/nginx/behindy/projects/.try/*.conf;\ntheirs\nthird before\n"
    )
    assert "nginx -s reload" not in ran.calls
    ran = share(shared)
    assert (ran.code, projects(shared)) == (0, {"shop.conf": "theirs\n", "third.conf": "third before\n"})
    assert [call for call in ran.calls if call.startswith("nginx")][-1] == "nginx -s reload"


@pytest.mark.parametrize("refused", [Answer(err="[emerg] x in /.try/shop.conf:1", code=1), "conflicting server name"])
def test_a_file_that_is_refused_or_takes_a_name_never_gets_there(shared: FakeHost, refused: Answer | str) -> None:
    shared.on("nginx", "-t -c *", refused)
    ran = share(shared)
    assert (ran.code, ran.err != "", "/.try/" in ran.err) == (Code.NGINX_REFUSED, True, False)
    assert projects(shared) == {"shop.conf": "shop before\n", "third.conf": "third before\n"}


@pytest.mark.parametrize("before", [True, False])
def test_a_file_that_nginx_will_not_load_after_all_is_taken_back(shared: FakeHost, *, before: bool) -> None:
    if not before:
        (shared.root / "first/nginx/projects/shop.conf").unlink()
    shared.on("nginx", "-t -q", Answer(code=1))
    assert share(shared).code == Code.NGINX_REFUSED
    assert projects(shared) == {"third.conf": "third before\n"} | ({"shop.conf": "shop before\n"} if before else {})


def test_without_a_certificate_it_is_tried_with_nginxs_own_and_gets_a_placeholder(shared: FakeHost) -> None:
    live = f"{shared.root}/etc/letsencrypt/live"
    shared.on("docker", "exec nginx test -e *", Answer(code=1))
    shared.on("docker", "container inspect --format {{.Config.Image}} nginx", "nginx:1.28\n")
    shared.on("docker", "run *")
    ran = share(shared, f"ssl_certificate {live}/shop.example/fullchain.pem;\n", "try")
    assert (ran.code, [call for call in ran.calls if call.startswith("docker run")]) == (0, [])
    assert f"{live}/behindy.me/fullchain.pem" in (shared.root / "tried").read_text()
    ran = share(shared, f"ssl_certificate {live}/shop.example/fullchain.pem;\n")
    (made,) = [call for call in ran.calls if call.startswith("docker run")]
    assert "nginx:1.28" in made
    assert made.endswith("placeholder shop.example")
    assert projects(shared)["shop.conf"] == f"ssl_certificate {live}/shop.example/fullchain.pem;\n"


def test_an_nginx_that_does_not_read_such_files_is_left_alone(shared: FakeHost) -> None:
    shared.file("first/nginx/nginx.conf", "http {}\n")
    assert share(shared).code == Code.NGINX_NOT_SHARED
    shared.on("docker", "container inspect *Mounts* nginx", "/elsewhere/nginx\n")
    assert share(shared).code == Code.NGINX_NOT_SHARED
    shared.on("docker", "container inspect --format {{.State.Running}} nginx", "false\n")
    assert share(shared).code == Code.NO_NGINX
    assert projects(shared) == {"shop.conf": "shop before\n", "third.conf": "third before\n"}


def test_a_project_that_shares_an_nginx_has_its_token_and_its_place_for_static_files(host: FakeHost) -> None:
    first, shop = host.root / "first", host.root / "shop"
    words = (str(shop), "shop.example", "nginx", str(first))
    ran = host.run("host/directories", *words)
    assert (ran.code, "set that project up first" in ran.err) == (1, True)
    host.run("host/directories", str(first))
    token = (first / "rehearsal/header").read_text()
    assert [host.run("host/directories", *words).code for _ in range(2)] == [0, 0]
    assert {name: (shop / name).readlink() for name in ("rehearsal", "assets")} == {
        "rehearsal": first / "rehearsal",
        "assets": first / "assets",
    }
    assert (first / "rehearsal/header").read_text() == (shop / "rehearsal/header").read_text() == token
    (shop / "assets").unlink()
    host.file("shop/assets/web/kept.js")
    ran = host.run("host/directories", *words)
    assert (ran.code, "move it away" in ran.err) == (1, True)
    assert (shop / "assets/web/kept.js").exists()


def test_a_file_that_the_shared_nginx_lacks_is_not_loaded(host: FakeHost) -> None:
    host.file("home/nginx/versions/v1/nginx/projects/shop.conf", "a\n")
    (host.home / "nginx/live").symlink_to("versions/v1")
    host.on("docker", "container inspect *", "2199-01-01T00:00:00Z\n")
    there = host.file("first/nginx/projects/shop.conf", "a\n")
    words = (MARK, str(host.home), "nginx", str(host.root / "first"), "shop.conf")
    assert sync.parse(host.run("host/files", *words).reply).loaded
    there.write_text("b\n")
    assert not sync.parse(host.run("host/files", *words).reply).loaded
    there.unlink()
    assert not sync.parse(host.run("host/files", *words).reply).loaded
