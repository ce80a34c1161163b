"""docs/at-night.md, typed on the host as it stands there: it works, and this tool goes on from what it left."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.interruption import Client, Moment
from tests.sandbox.support import (
    ROOT,
    all_drained,
    containers,
    deploy,
    inv,
    lame,
    live_release,
    on_host,
    unwell,
    wait_for,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

Release = Callable[..., str]
FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"

PAGE = (ROOT / "docs" / "at-night.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.usefixtures("live_services")


def block(title: str, number: int) -> str:
    """A block of a recipe; the page says which of them are not asked for here (tests/unit/test_at_night.py)."""
    part = PAGE.partition(f"\n### {title}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
    found: list[str] = re.findall(r"^```sh\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    return found[number - 1]


def without_sudo(text: str) -> str:
    """A block but for what the sandbox's host has no ``sudo`` for."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("sudo "))


BEGIN = block("Begin", 2)


def typed(*blocks: str) -> str:
    """Type blocks one after the other, as the login user in a shell of their own; return what was shown."""
    return on_host("bash", "-c", f"exec 2>&1\n{BEGIN}\n{''.join(blocks)}", user="ubuntu", timeout=90)


def answer() -> str:
    """What a browser is shown."""
    asked = ("--resolve", "behindy.me:443:127.0.0.1", "-H", "Accept: text/html", "https://behindy.me/")
    return on_host("curl", "-sk", *asked, check=False)


def serves(tag: str) -> None:
    wait_for(lambda: f"frontend {tag} " in answer(), 15, f"that users meet frontend {tag}")


def another(release: Release) -> str:
    return release("frontend", "v2" if live_release("frontend") == "v1" else "v1")


@pytest.fixture
def two_releases(release: Release) -> tuple[str, str]:
    """A release of the frontend that was live, and the one that is."""
    before = live_release("frontend")
    deploy("frontend", another(release)).ok()
    return before, live_release("frontend")


def left_well() -> None:
    """Nothing is left of what was done by hand, and nothing is wrong."""
    seen = json.loads(inv("ops.doctor", "--json").out)
    assert [found for found in seen["findings"] if found["severity"] == "trouble"] == []
    assert [found["name"] for found in seen["findings"] if found["name"] == "leftover"] == []
    assert unwell() == {}


def test_a_hold_keeps_deploys_away_until_it_is_done(sandbox: SandboxInfo) -> None:
    typed(block("Begin", 3))
    refused = deploy("frontend", "v1")
    assert refused.code == 20, refused.said
    assert "repair by hand" in refused.said
    assert "repair by hand" in typed(block("The lock", 1))
    typed(block("The lock", 3))
    assert "The host is free." in inv("lock.status").ok().out
    typed(block("Begin", 3))
    typed(block("When you are done", 1))
    assert "The host is free." in inv("lock.status").ok().out


def test_the_look_shows_what_there_is(sandbox: SandboxInfo) -> None:
    seen = typed(block("Look", 1))
    assert len(re.findall(r"^200$", seen, re.MULTILINE)) == 2
    assert "exit code 0, OOM-killed false, restarts 0" in seen
    assert re.search(rf"^frontend +Up .* {live_release('frontend')} ", seen, re.MULTILINE)
    assert "STREAM frontend" in seen
    assert '"event": "ended"' in seen


def test_a_running_deploy_is_ended_by_its_lock_and_switched_back(sandbox: SandboxInfo, release: Release) -> None:
    before = live_release("frontend")
    with Client("deploy.frontend", "--tag", another(release), "--watch", "60", "--json") as client:
        client.until(Moment("watch", "started").reached)
        assert "held" in typed(block("The lock", 1))
        typed(block("The lock", 2))
        assert client.wait().code == 21
    assert "frontend-blue" in containers()
    typed(block("Switch back", 1))
    serves(before)
    assert "frontend-green" in typed(block("Switch back", 2))
    assert [name for name in containers() if name.startswith("frontend")] == ["frontend"]
    left_well()


def test_an_earlier_release_is_put_live_and_the_tool_goes_on_from_it(
    sandbox: SandboxInfo, two_releases: tuple[str, str]
) -> None:
    before, after = two_releases
    typed(
        block("Go back to an earlier release", 1),
        block("Go back to an earlier release", 2),
        block("Go back to an earlier release", 3),
    )
    serves(before)
    assert containers()["frontend-blue"] == "running"
    typed(block("End a drain", 1))
    assert "frontend-blue" not in containers()
    left_well()
    deploy("frontend", after).ok()
    inv("deploy.rollback", "frontend", "--watch", "0", "--wait-drain").ok()
    assert live_release("frontend") == before


def test_a_name_is_given_back_to_blue_or_to_a_healthy_candidate(sandbox: SandboxInfo) -> None:
    tag = live_release("frontend")
    on_host("docker", "rename", "frontend", "frontend-blue")
    on_host("docker", "stop", "frontend-blue")
    typed(block("Give the name back", 1))
    serves(tag)
    on_host("sh", "-c", "docker update --restart no frontend && docker rename frontend frontend-green")
    typed(block("Give the name back", 2))
    serves(tag)
    policy = on_host("docker", "inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", "frontend")
    assert policy == "always"
    left_well()


def test_a_candidate_is_removed(sandbox: SandboxInfo, two_releases: tuple[str, str]) -> None:
    typed(block("Go back to an earlier release", 1), block("Go back to an earlier release", 2))
    assert "frontend-green" in containers()
    typed(block("Remove a candidate", 1))
    assert "frontend-green" not in containers()
    left_well()


def test_the_console_shows_the_fingerprint_that_is_meant(sandbox: SandboxInfo) -> None:
    (shown,) = re.findall(r"SHA256:\S+", inv("host.trust").ok().out)
    assert shown in typed(block("The login", 1))


def test_a_login_that_is_refused_for_the_mode_of_its_file_is_let_in_again(sandbox: SandboxInfo) -> None:
    file = "/home/ubuntu/.ssh/authorized_keys"
    on_host("chmod", "o+w", file)
    try:
        refused = inv("lock.status")
        assert refused.code == 14, refused.said
        assert re.search(rf"^-rw-----w-.* {file}$", typed(block("The login", 2)), re.MULTILINE)
        inv("lock.status").ok()
    finally:
        on_host("chmod", "600", file)


def test_nginx_is_tested_and_loaded(sandbox: SandboxInfo) -> None:
    assert "test is successful" in typed(block("nginx", 1))
    left_well()


@pytest.mark.skipif(not FULL, reason="half a minute, until nginx has looked whether it is well")
def test_nginx_is_started_and_nothing_is_replaced(sandbox: SandboxInfo) -> None:
    ids = on_host("docker", "inspect", "--format", "{{.Id}}", "nginx", "postgres", "redis")
    on_host("docker", "stop", "nginx")
    typed(block("nginx", 2))
    wait_for(lambda: not lame(), 60, "that nginx is healthy")
    assert on_host("docker", "inspect", "--format", "{{.Id}}", "nginx", "postgres", "redis") == ids
    left_well()


def test_the_certificate_that_visitors_get_is_shown(sandbox: SandboxInfo) -> None:
    seen = typed(block("Certificates", 1))
    assert re.search(r"^notAfter=\w+ +\d+ [\d:]+ \d{4} GMT$", seen, re.MULTILINE), seen
    assert re.search("^issuer=", seen, re.MULTILINE), seen


def test_the_values_of_an_earlier_push_come_back(sandbox: SandboxInfo, tmp_path: Path) -> None:
    place = "/home/ubuntu/behindy-ops/.env"
    before = on_host("cat", place)
    file = tmp_path / "candidate"
    file.write_text(f"{before}\nBY_HAND=1\n", encoding="utf-8")
    inv("env.push", str(file), "--yes").ok()
    assert "BY_HAND" in on_host("cat", place)
    look, back = block("Values", 1).splitlines(keepends=True)
    newest = re.findall(r"^(\S+)\.env$", typed(look), re.MULTILINE)[-1]
    typed(back.replace("TIME", newest))
    assert (on_host("cat", place), on_host("stat", "-c", "%a", place)) == (before, "600")
    left_well()


def test_who_is_off_the_network_is_connected(sandbox: SandboxInfo) -> None:
    for name in ("frontend", "postgres", "redis"):
        on_host("docker", "network", "disconnect", "behindy-ops_internal", name)
    look = block("The network", 1)
    assert "frontend" not in typed(look)
    typed(block("The network", 2))
    typed(block("The network", 3))
    assert "frontend" in typed(look)
    wait_for(lambda: not unwell(), 30, "that all services answer")
    left_well()


def test_a_limit_is_raised_at_once(sandbox: SandboxInfo) -> None:
    assert "frontend" in typed(block("Memory and swap", 1))
    typed(block("Memory and swap", 2))
    assert on_host("docker", "inspect", "--format", "{{.HostConfig.Memory}}", "frontend") == str(500 << 20)
    on_host("docker", "update", "--memory", "400m", "--memory-swap", "400m", "frontend")


def test_images_go_one_by_one_and_none_that_is_in_use(sandbox: SandboxInfo, two_releases: tuple[str, str]) -> None:
    assert re.search("^Build Cache", typed(without_sudo(block("A full disk", 1))), re.MULTILINE)
    typed(without_sudo(block("A full disk", 2)))
    images = block("A full disk", 3)
    seen = typed(images)
    needed = re.findall(r'"image_id": "sha256:([0-9a-f]{12})', seen)
    names = dict(re.findall(r"^(\S+behindy-frontend:\S+) +([0-9a-f]{12}) ", seen, re.MULTILINE))
    assert set(needed) <= set(names.values())
    used = on_host("docker", "inspect", "--format", "{{.Image}}", "frontend")[7:19]
    (name,) = (name for name, image in names.items() if image == used)
    on_host("docker", "tag", "redis:7-alpine", "by-hand:old")
    typed(block("A full disk", 4).replace("REPOSITORY:TAG", "by-hand:old"))
    digest = on_host("docker", "inspect", "--format", "{{index .RepoDigests 0}}", used)
    assert "conflict" in typed(f"docker rmi {used} || true\n")
    assert digest in on_host("docker", "inspect", "--format", "{{.RepoDigests}}", used)
    assert name in typed(images)


def test_a_service_is_closed_and_opened(sandbox: SandboxInfo) -> None:
    try:
        typed(block("Close a service to visitors", 1))
        assert "<h1>Back soon</h1>" in answer()
        assert "deploy.maintenance frontend --off" in inv("deploy.status").ok().out
    finally:
        typed(block("Close a service to visitors", 2))
    serves(live_release("frontend"))


def test_the_files_of_an_earlier_sync_come_back(sandbox: SandboxInfo) -> None:
    inv("host.sync", "--yes").ok()
    live = on_host("readlink", "/home/ubuntu/behindy-ops/nginx/live")
    on_host("cp", "-a", f"/home/ubuntu/behindy-ops/nginx/{live}", "/home/ubuntu/behindy-ops/nginx/versions/earlier")
    try:
        assert live in typed(block("Files", 1))
        assert "test is successful" in typed(block("Files", 2).replace("V=VERSION", "V=earlier"))
        assert on_host("readlink", "/home/ubuntu/behindy-ops/nginx/live") != live
        left_well()
    finally:
        on_host("ln", "-sfnT", live, "/home/ubuntu/behindy-ops/nginx/live")
        on_host("rm", "-rf", "/home/ubuntu/behindy-ops/nginx/versions/earlier")


def test_a_backup_is_made_and_restored(sandbox: SandboxInfo) -> None:
    def ask(sql: str) -> str:
        return on_host(
            "docker", "exec", "postgres", "sh", "-c", f'psql -qAtU "$POSTGRES_USER" "$POSTGRES_DB" -c "{sql}"'
        )

    ask("drop table if exists by_hand; create table by_hand (n int); insert into by_hand values (7)")
    assert "it can be read" in typed(block("The database", 1))
    ask("delete from by_hand")
    typed(block("The database", 2))
    swap = block("The database", 3)
    for _ in range(5):  # "if a new connection slips in, type it again"
        if "COMMIT" in typed(f"{swap.rstrip()}\ntrue\n"):
            break
    assert ask("select n from by_hand") == "7"
    kept = ask("select datname from pg_database where datname like '%_before_%' order by 1 desc limit 1")
    assert re.fullmatch(r"behindy_before_\d{8}_\d{6}", kept)
    on_host("docker", "exec", "postgres", "sh", "-c", f'dropdb -U "$POSTGRES_USER" {kept}')
    ask("drop table by_hand")
    on_host("rm", "/home/ubuntu/behindy-ops/backups/by-hand.dump")
    all_drained()
    wait_for(lambda: not unwell(), 30, "that all services answer")
