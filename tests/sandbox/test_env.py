"""The host's ``.env``: values arrive exactly, none is shown, a bad file replaces nothing."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from behindy_ops.project.dotenv import render
from sandbox.host import shell as host
from sandbox.host.info import SandboxInfo
from tests.sandbox.support import ROOT, command_lines, deploy, environment, inv, on_host, put, wait_for

Release = Callable[..., str]
HOME = "/home/ubuntu/behindy-ops"
HOSTILE = "비하인디 $HOME ${X:-y} \"quoted\" it's #1\n\ttwo\\lines\\\\ 'end' $$ `id` \\"
PLAIN_SECRET = "n0t-to-be-seen"


def host_env() -> str:
    return host.run(["cat", f"{HOME}/.env"]).stdout.decode()


@pytest.fixture
def kept(sandbox: SandboxInfo) -> Iterator[None]:
    """The host's file and its backups, as they were, afterwards."""
    on_host("cp", "-a", f"{HOME}/.env", "/root/env.kept")
    try:
        yield
    finally:
        on_host("sh", "-c", f"cp -a /root/env.kept {HOME}/.env; rm -rf {HOME}/state/env /root/env.kept")


@pytest.fixture
def file(kept: None, tmp_path: Path) -> Path:
    """A candidate that says what the host's file says."""
    path = tmp_path / "host.env"
    path.write_text(host_env())
    return path


def as_compose_reads(text: str, names: list[str]) -> dict[str, str]:
    """What the host's own docker compose makes of a ``.env``."""
    stanza = {"image": "x", "environment": {name: f"${{{name}-}}" for name in names}}
    files = f"{json.dumps({'services': {'x': stanza}})}\n"
    host.run(["sh", "-c", "cat > /tmp/probe.yml"], stdin=files.encode())
    host.run(["sh", "-c", "cat > /tmp/probe.env"], stdin=text.encode())
    command = "docker compose -p probe --env-file /tmp/probe.env -f /tmp/probe.yml config --format json"
    read = json.loads(on_host("sh", "-c", f"{command}; rm -f /tmp/probe.env /tmp/probe.yml"))
    values = read["services"]["x"]["environment"]
    return {name: values[name].replace("$$", "$") for name in names}


def test_docker_compose_reads_every_value_as_it_was_meant(sandbox: SandboxInfo) -> None:
    alphabet = "'\"\\$#{} \t\n\r=`ab!;&한글😀:-"
    chosen = random.Random(6)  # noqa: S311 - the same values each time
    texts = ["".join(chosen.choices(alphabet, k=chosen.randint(0, 12))) for _ in range(600)] + [HOSTILE]
    values = {f"N{number}": text for number, text in enumerate(texts)}
    file = "".join(render(name, value) for name, value in values.items())
    assert as_compose_reads(file, list(values)) == values


def test_hostile_values_arrive_exactly_inside_the_container(kept: None, release: Release) -> None:
    put("NEXT_PUBLIC_APP_NAME", HOSTILE, "--yes").ok()
    deploy("frontend", release("frontend", "v1"), "--force").ok()
    seen = host.run(["docker", "exec", "frontend", "cat", "/proc/1/environ"]).stdout.decode().split("\0")
    assert f"NEXT_PUBLIC_APP_NAME={HOSTILE}" in seen
    said = inv("env.check").ok().said + inv("env.diff", "--json").said
    assert "비하인디" not in said


def test_a_push_shows_names_only_asks_and_keeps_the_last_five(file: Path) -> None:
    before = host_env()
    file.write_text(f"{before}NEXT_PUBLIC_APP_NAME='{PLAIN_SECRET}'\n")
    refused = inv("env.push", str(file))
    assert refused.code == 2, refused.said
    assert "+ NEXT_PUBLIC_APP_NAME" in refused.out
    assert "--yes" in refused.err
    assert host_env() == before
    pushed = inv("env.push", str(file), "--yes").ok()
    assert PLAIN_SECRET not in refused.said + pushed.said
    assert host_env() == file.read_text()
    for number in range(6):
        put("NEXT_PUBLIC_APP_NAME", f"{PLAIN_SECRET}{number}", "--yes").ok()
    listed = on_host("sh", "-c", f"stat -c '%a %U' {HOME}/.env {HOME}/state/env/*").splitlines()
    assert listed == ["600 ubuntu"] * 6
    assert "Nothing changed" in put("NEXT_PUBLIC_APP_NAME", f"{PLAIN_SECRET}5", "--yes").ok().out


def test_a_push_says_who_has_to_be_deployed_to_see_it(file: Path, release: Release) -> None:
    deploy("frontend", release("frontend", "v1")).ok()
    file.write_text(f"{host_env()}NEXT_PUBLIC_APP_NAME=x\nDB_NAME=other\n")
    found = json.loads(inv("env.diff", str(file), "--json").ok().out)
    assert found["added"] == ["DB_NAME", "NEXT_PUBLIC_APP_NAME"]
    assert found["removed"] == found["changed"] == []
    assert "frontend" in found["redeploy"]
    assert found["recreate"] == ["db"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("JWT_SECRET=", "JWT_SECRETS="), "JWT_SECRET: missing; needed by backend"),
        (lambda text: text + "OPENAI_API_KEY=changeme\n", "OPENAI_API_KEY: still the placeholder"),
        (lambda text: text + "DB_USER=a$b\n", "DB_USER: docker compose takes the $"),
        (lambda text: text + "BEHINDY_HTTP_PORT=n0t-to-be-seen\n", "[hidden]"),
        (lambda text: text + "BEHINDY_HOST=1.2.3.4\n", "settings of this machine"),
    ],
)
def test_a_file_the_services_cannot_be_started_with_replaces_nothing(
    file: Path, change: Callable[[str], str], said: str
) -> None:
    before = host_env()
    file.write_text(change(before))
    ran = inv("env.push", str(file), "--yes")
    assert ran.code == (2 if "BEHINDY_HOST=" in file.read_text() else 85), ran.said
    assert said in ran.err
    assert PLAIN_SECRET not in ran.said
    assert host_env() == before


def test_a_check_tells_what_is_wrong_on_the_host(kept: None) -> None:
    mend = f"sed -i 's/^JWT_SECRET=.*/JWT_SECRET=/; /^TABLE_KEY=/d' {HOME}/.env; chmod 644 {HOME}/.env"
    on_host("sh", "-c", f"{mend}; echo TYPO_NAME=1 >> {HOME}/.env")
    ran = inv("env.check", "--json")
    assert ran.code == 85
    found = json.loads(ran.out)
    assert (found["missing"], found["empty"], found["unknown"]) == (["TABLE_KEY"], ["JWT_SECRET"], ["TYPO_NAME"])
    assert found["mode"] == "644"
    assert found["needed_by"] == {"TABLE_KEY": ["backend"], "JWT_SECRET": ["backend"]}


def test_a_dollar_typed_by_hand_is_named_before_a_deploy(kept: None, release: Release) -> None:
    on_host("sh", "-c", f"sed -i '/^JWT_SECRET=/d' {HOME}/.env; echo 'JWT_SECRET=ab$cd9{PLAIN_SECRET}' >> {HOME}/.env")
    line = len(host_env().splitlines())
    release("frontend", "v1")
    told = f"line {line}: docker compose takes the $ in JWT_SECRET for a variable"
    for words in (("deploy.check", "frontend", "--tag", "v1"), ("deploy.frontend", "--tag", "v1", "--watch", "0")):
        ran = inv(*words)
        assert told in " ".join(ran.said.split()), ran.said
        assert "inv env.set JWT_SECRET" in " ".join(ran.said.split())
        assert "cd9" not in ran.said
    ran = inv("env.check", "--json")
    assert (ran.code, json.loads(ran.out)["dollar"]) == (85, ["JWT_SECRET"])
    put("JWT_SECRET", f"ab$cd9{PLAIN_SECRET}", "--yes").ok()
    assert json.loads(inv("env.check", "--json").ok().out)["dollar"] == []


def test_the_applications_get_every_name_they_read_whatever_ports_were_published_once(
    kept: None, live_services: None, release: Release
) -> None:
    on_host("sh", "-c", f"printf 'DB_PORT=15432\\nREDIS_PORT=16379\\n' >> {HOME}/.env")
    file = f"{HOME}/compose/docker-compose.yml"
    tag = release("backend", "v2")
    on_host("sh", "-c", f"cp -p {file} {file}.away && sed -i '/ SPRING_DATA_REDIS_HOST:/d' {file}")
    try:
        refused = deploy("backend", tag, "--force")
    finally:
        on_host("mv", f"{file}.away", file)
    assert refused.code == 50, refused.said
    assert "not in its environment: SPRING_DATA_REDIS_HOST" in refused.said
    deploy("backend", tag, "--force").ok()


def test_a_value_has_no_place_on_the_command_line(kept: None, sandbox: SandboxInfo) -> None:
    before, value = host_env(), "seen-by-n0b0dy"  # no other test's: the release of a deploy keeps the .env it had
    assert inv("env.set", f"DB_PASS={value}").code == 2
    assert host_env() == before
    with command_lines(sandbox.container) as seen:
        put("NEXT_PUBLIC_APP_NAME", value, "--yes").ok()
    processes = "".join(seen)
    assert "docker compose" in processes
    assert value not in processes
    assert on_host("sh", "-c", f"grep -rl {value} /tmp /dev/shm {HOME}/state", check=False) == ""


@contextlib.contextmanager
def an_editor(tmp_path: Path, body: str) -> Iterator[dict[str, str]]:
    script = tmp_path / "editor"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o700)
    yield environment(EDITOR=str(script), VISUAL="")


def test_an_edit_changes_what_was_edited_and_leaves_no_copy(kept: None, tmp_path: Path) -> None:
    body = f'stat -c "%a %n" "$1" > {tmp_path}/seen; echo "NEXT_PUBLIC_APP_NAME=\'a $ b\'" >> "$1"; cp "$1" "$1~"'
    with an_editor(tmp_path, body) as env:
        ran = inv("env.edit", "--yes", env=env).ok()
    assert "+ NEXT_PUBLIC_APP_NAME" in ran.out
    assert host_env().endswith("NEXT_PUBLIC_APP_NAME='a $ b'\n")
    mode, path = (tmp_path / "seen").read_text().split()
    assert mode == "600"
    assert not Path(path).parent.exists()


def test_an_interrupted_edit_leaves_no_copy_and_changes_nothing(kept: None, tmp_path: Path) -> None:
    before = host_env()
    body = f'echo X=1 >> "$1"; echo "$1" > {tmp_path}/seen.new; mv {tmp_path}/seen.new {tmp_path}/seen; exec sleep 60'
    with an_editor(tmp_path, body) as env:
        process = subprocess.Popen(
            [sys.executable, "-m", "invoke", "env.edit", "--yes"],
            cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        with process:
            wait_for((tmp_path / "seen").exists, what="the editor")
            copy = Path((tmp_path / "seen").read_text().strip())
            assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(timeout=20) == 143
    assert not copy.parent.exists()
    assert host_env() == before


def test_a_file_that_somebody_else_has_changed_meanwhile_is_not_overwritten(file: Path, tmp_path: Path) -> None:
    theirs = f"echo NEXT_PUBLIC_APP_VERSION=9 | docker exec -i {container()} tee -a {HOME}/.env >/dev/null"
    with an_editor(tmp_path, f'echo X=1 >> "$1"\n{theirs}') as env:
        ran = inv("env.edit", "--yes", env=env)
    assert ran.code == 21, ran.said
    assert "Somebody else" in ran.err
    assert host_env().endswith("NEXT_PUBLIC_APP_VERSION=9\n")


def container() -> str:
    from sandbox.host.checkout import here

    return here().container
