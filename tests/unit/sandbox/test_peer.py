"""Beside Kamal: what it is told, how its commands are counted, what is said where it is missing, and the table.

The Kamal of these tests is a script that answers what a real one did (2.12.0).
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.errors import Kind
from sandbox.bench import kamal, peer, peer_report
from sandbox.bench.kamal import Application, Kamal, Programs, count_commands
from sandbox.bench.peer_report import Link, Peer, Turn
from sandbox.demo.deploys import Deploy, Run
from sandbox.demo.progress import Progress
from sandbox.host import releases
from sandbox.host.info import SandboxInfo, SshInfo
from sandbox.host.registry import Registry
from sandbox.traffic.record import Recorder
from tests.kinds import raises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sandbox.traffic.generator import Site, TrafficResult

INFO = SandboxInfo(
    SshInfo("127.0.0.1", 2222, "ubuntu", "/keys/id", "/keys/known hosts"),
    "http://127.0.0.1:8",
    "https://127.0.0.1:9",
    "/ca",
    "behindy.me",
    "127.0.0.1:5",
    "localhost:5000/behindy",
    "box",
)
APPLICATION = Application("behindy/behindy-frontend", 3000, "/", "behindy.me", "400m")

TOLD = """\
Pull app image...
  INFO [44c0a6b9] Running docker login 127.0.0.1:5000 -u [REDACTED] -p [REDACTED] on 127.0.0.1
 DEBUG [44c0a6b9] Command: docker login 127.0.0.1:5000 -u [REDACTED] -p [REDACTED]
 DEBUG [44c0a6b9] \tLogin Succeeded, as it is Running on 127.0.0.1
  INFO [44c0a6b9] Finished in 0.118 seconds with exit status 0 (successful).
 DEBUG [4325444e] Running /usr/bin/env mkdir .kamal/lock-peer && echo "TG9ja2VkIGJ5
dDIKTWVzc2FnZTog
" > .kamal/lock-peer/details on 127.0.0.1
 DEBUG [4325444e] Command: /usr/bin/env mkdir .kamal/lock-peer && echo "TG9ja2VkIGJ5
dDIKTWVzc2FnZTog
" > .kamal/lock-peer/details
 DEBUG Uploading .kamal/apps/peer/env/roles/web.env 0.0%
  INFO Uploading .kamal/apps/peer/env/roles/web.env 100.0%
 DEBUG Uploading .kamal/apps/peer/env/roles/web.env 100.0%
  INFO [0f0f0f0f] Running /usr/bin/env hooks/pre-deploy as me@localhost
 \x1b[0;34;49mINFO\x1b[0m [\x1b[0;32;49m7b7581d7\x1b[0m] Running docker ps as ubuntu@\x1b[0;34;49m127.0.0.1\x1b[0m
 DEBUG [7b7581d7] Command: docker ps
  Finished all in 4.2 seconds
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Writes a program onto an otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(name: str, text: str) -> Path:
        file = folder / name
        file.write_text(text)
        file.chmod(0o755)
        return file

    return write


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tags of the proxy's image that this machine's engine has."""
    tags: list[str] = []

    def answer(*argv: str) -> subprocess.CompletedProcess[bytes]:
        assert argv == ("image", "ls", "--format", "{{.Tag}}", "basecamp/kamal-proxy")
        return subprocess.CompletedProcess(argv, 0, "\n".join(tags).encode(), b"")

    monkeypatch.setattr(kamal, "try_docker", answer)
    return tags


KAMAL = "#!/bin/sh\necho 2.12.0\n"


@pytest.mark.usefixtures("program", "engine")
def test_without_kamal_its_user_is_told_to_install_it() -> None:
    with raises(Kind.SANDBOX, match="no kamal on PATH") as caught:
        kamal.find()
    assert "gem install kamal" in caught.value.remedy
    assert "this project never does" in caught.value.remedy


@pytest.mark.usefixtures("engine")
def test_without_its_proxy_both_ways_to_have_one_are_told(program: Callable[[str, str], Path]) -> None:
    program("kamal", KAMAL)
    with raises(Kind.SANDBOX, match="neither on PATH as kamal-proxy") as caught:
        kamal.find()
    assert "go build" in caught.value.remedy
    assert "docker pull basecamp/kamal-proxy:" in caught.value.remedy


def test_a_proxy_on_path_comes_before_an_image(program: Callable[[str, str], Path], engine: list[str]) -> None:
    found = program("kamal", KAMAL)
    engine += ["latest", "v0.9.2", "v0.8.0"]
    assert kamal.find() == Programs(str(found), "2.12.0", image="basecamp/kamal-proxy:v0.9.2")
    proxy = program("kamal-proxy", "\x7fELF and so on")
    assert kamal.find() == Programs(str(found), "2.12.0", proxy=proxy)


@pytest.mark.usefixtures("engine")
def test_a_proxy_that_no_host_can_run_is_refused(program: Callable[[str, str], Path]) -> None:
    program("kamal", KAMAL)
    program("kamal-proxy", "#!/bin/sh\n")
    with raises(Kind.SANDBOX, match="no program for Linux"):
        kamal.find()


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ("echo 2.9.0", "Kamal 2.9.0 is too old: 2.10 or newer"),
        ("echo 1.100.0", "Kamal 1.100.0 is too old"),
        ("echo hello", "does not tell a version"),
        ("echo no gems; exit 3", "`kamal version` failed with exit code 3"),
    ],
)
@pytest.mark.usefixtures("engine")
def test_a_kamal_that_will_not_do_is_refused(program: Callable[[str, str], Path], says: str, error: str) -> None:
    program("kamal", f"#!/bin/sh\n{says}\n")
    with raises(Kind.SANDBOX, match=error):
        kamal.find()


def test_kamal_is_led_to_the_sandbox_with_its_host_keys_and_a_secret_of_its_own(tmp_path: Path) -> None:
    kamal.write_folder(tmp_path, INFO, APPLICATION, "v0.9.2")
    written = json.loads((tmp_path / "config" / "deploy.yml").read_text())
    assert written == kamal.configuration(INFO, APPLICATION, "v0.9.2", tmp_path / "ssh_config")
    assert written["ssh"] == {
        "user": "ubuntu",
        "port": 2222,
        "keys": ["/keys/id"],
        "keys_only": True,
        "config": [str(tmp_path / "ssh_config")],
    }
    assert (tmp_path / "ssh_config").read_text() == (
        'Host *\n  UserKnownHostsFile "/keys/known hosts"\n  StrictHostKeyChecking yes\n'
    )
    kept = tmp_path / ".kamal" / "secrets"
    assert kept.stat().st_mode & 0o777 == 0o600
    name, _, value = kept.read_text().partition("=")
    assert written["registry"]["password"] == [name]
    assert value.strip() not in (tmp_path / "config" / "deploy.yml").read_text()


def test_its_proxy_leaves_nginx_its_ports_and_comes_from_the_same_registry_as_the_application() -> None:
    content = kamal.configuration(INFO, APPLICATION, "v0.9.2", Path("/f"))
    run = content["proxy"]["run"]
    assert not {80, 443} & {run["http_port"], run["https_port"]}
    assert f"{run['registry']}/{run['repository']}:{run['version']}" == "127.0.0.1:5000/behindy/kamal-proxy:v0.9.2"
    assert content["registry"]["server"] == run["registry"]
    assert not content["registry"]["server"].startswith("localhost")
    assert content["proxy"]["app_port"] == 3000


def test_remote_commands_and_uploads_are_counted_and_local_ones_are_not() -> None:
    assert count_commands(TOLD, "127.0.0.1") == 4
    assert count_commands("", "127.0.0.1") == 0


def test_kamal_deploys_what_the_registry_has_in_its_own_folder(
    program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    fake = program("kamal", f"#!/bin/sh\necho \"$PWD $*\" >>asked\n/bin/cat <<'END'\n{TOLD}END\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    it = Kamal(str(fake), folder, "127.0.0.1")
    assert 0 < it.deploy("redeploy", "v1") < 20
    assert it.commands("deploy", "v2") == 4
    assert (folder / "asked").read_text().splitlines() == [
        f"{folder} redeploy --skip-push --version v1",
        f"{folder} deploy --skip-push --version v2 --verbose",
    ]


def test_a_kamal_that_fails_is_quoted_without_its_colors(program: Callable[[str, str], Path], tmp_path: Path) -> None:
    fake = program("kamal", "#!/bin/sh\nprintf '  \\033[31mERROR: Deploy lock found\\033[0m\\n'; exit 1\n")
    with raises(Kind.SANDBOX, match="`kamal deploy` failed with exit code 1") as caught:
        Kamal(str(fake), tmp_path, "127.0.0.1").deploy("deploy", "v1")
    assert caught.value.lines == ("  ERROR: Deploy lock found",)


def test_a_proxy_from_path_becomes_an_image_whose_tag_kamal_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "kamal-proxy"
    program.write_bytes(b"\x7fELF")
    put: dict[str, Any] = {}

    def keep(_: Registry, name: str, tar: bytes, configured: Callable[[dict[str, Any], str], dict[str, Any]]) -> None:
        base = {
            "architecture": "arm64",
            "os": "linux",
            "config": {"Cmd": ["python3"], "Labels": {"a": "b"}},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:a"]},
        }
        put.update(name=name, tar=tar, image=configured(base, "sha256:b"))

    monkeypatch.setattr(kamal, "put_above", keep)
    assert kamal.offer_proxy(Registry("127.0.0.1:5"), Programs("kamal", "2.12.0", proxy=program)) == "v999"
    assert put["name"] == "behindy/kamal-proxy:v999"
    assert put["image"]["architecture"] == "arm64"
    assert put["image"]["config"]["Cmd"] == ["kamal-proxy", "run"]
    assert put["image"]["rootfs"]["diff_ids"] == ["sha256:a", "sha256:b"]
    with tarfile.open(fileobj=io.BytesIO(put["tar"])) as tar:
        (member,) = tar.getmembers()
    assert (member.name, member.mode) == ("usr/local/bin/kamal-proxy", 0o755)


def test_a_proxy_that_is_an_image_is_sent_under_the_sandboxs_name_and_the_name_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(kamal, "docker", lambda *argv, **_: asked.append(" ".join(argv)))
    programs = Programs("kamal", "2.12.0", image="basecamp/kamal-proxy:v0.9.2")
    assert kamal.offer_proxy(Registry("127.0.0.1:5"), programs) == "v0.9.2"
    assert asked == [
        "tag basecamp/kamal-proxy:v0.9.2 127.0.0.1:5/behindy/kamal-proxy:v0.9.2",
        "push --quiet 127.0.0.1:5/behindy/kamal-proxy:v0.9.2",
        "rmi 127.0.0.1:5/behindy/kamal-proxy:v0.9.2",
    ]


def test_a_release_bears_the_label_that_kamal_demands_and_keeps_those_of_its_base() -> None:
    base = {"config": {"Labels": {"a": "b"}}, "rootfs": {"diff_ids": []}}
    content = releases.Release("frontend", "v1", 3000, "", 1, "2026-01-02T03:04:05Z", kamal.SERVICE_LABEL)
    assert releases.configure(base, content, "sha256:b")["config"]["Labels"] == {"a": "b", "service": kamal.SERVICE}


def test_all_three_take_turns_each_under_traffic_at_its_own_proxy(
    program: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = program("kamal", "#!/bin/sh\n")
    events: list[str] = []
    phases: list[float] = []
    result = Recorder((), started=0.0).result(seconds=1, ended_by="stop")

    @contextmanager
    def under_traffic(site: Site, results: list[TrafficResult], before: float) -> Iterator[None]:
        events.append(site.https)
        phases.append(before)
        yield
        results.append(replace(result, sent=9))

    def ours(tag: str, environ: Mapping[str, str]) -> Run:
        events.append(f"{tag} {environ['BEHINDY_PORT']}")
        return Run((Deploy("frontend", tag, facts={"remote_commands": "11"}),), 0, 4.0)

    def release(_: str, tag: str, *, boot_seconds: float, labels: Mapping[str, str] | None = None) -> None:
        events.append(f"release {tag} {boot_seconds:g} {dict(labels or {})}")

    monkeypatch.setattr(peer, "under_traffic", under_traffic)
    monkeypatch.setattr(peer, "deploy", ours)
    monkeypatch.setattr(releases, "release", release)
    sides = peer.Sides(
        peer.Place("https://nginx", "/ca", "behindy.me"),
        peer.Place("http://kamal-proxy", "/ca", "behindy.me"),
        {"deploy": 31, "redeploy": 21},
    )
    with Progress(io.StringIO()) as progress:
        kamal_here = Kamal(str(fake), tmp_path, "127.0.0.1")
        link = peer.in_turns(progress, "far", 2, sides, kamal_here, {"BEHINDY_PORT": "7"})
    once = [
        *("release far-1 1 {}", "https://nginx", "far-1 7"),
        *("release far-1-deploy 1 {'service': 'peer'}", "http://kamal-proxy"),
        *("release far-1-redeploy 1 {'service': 'peer'}", "http://kamal-proxy"),
    ]
    assert events == [*once, *(event.replace("far-1", "far-2") for event in once)]
    assert [[turn.commands for turn in turns] for turns in link.sides] == [[11, 11], [31, 31], [21, 21]]
    assert [turn.seconds for turn in link.ours] == [4.0, 4.0]
    assert phases == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0], "one of nginx's 2 s each, the same for all"


def _turns(seconds: float, commands: int, *, lost: int = 0) -> tuple[Turn, ...]:
    spread = (-0.4, 0.0, 1.0)
    return tuple(Turn(seconds + more, commands, sent=500, lost=lost, p99=0.02 + more / 100) for more in spread)


def _link(ours: float = 4.0, *, lost: int = 0) -> Link:
    return Link(_turns(ours, 11, lost=lost), _turns(5.0, 31, lost=1), _turns(4.0, 21))


def _peer(near: Link | None = None) -> Peer:
    return Peer("2.12.0", near or _link(), _link(2.0))


def test_each_side_has_its_median_and_range_and_ours_its_share_of_theirs() -> None:
    near = {row.title.removeprefix("no delay: "): row for row in peer_report.rows(_peer())[:5]}
    assert near["whole deploy, median of 3 (least to most)"].figures == (
        "4.0 s (3.6 to 5.0)",
        "5.0 s (4.6 to 6.0)",
        "4.0 s (3.6 to 5.0)",
    )
    assert near["ours as a share of theirs"].figures == ("", "0.80", "1.00")
    assert near["remote commands"].figures == ("11", "31", "21")
    assert near["requests lost at 100/s"].figures == ("0 of 1500", "3 of 1500", "0 of 1500")
    assert near["latency, p99"].figures == ("20 ms", "20 ms", "20 ms")


@pytest.mark.parametrize(
    ("run", "missed"),
    [
        (_peer(), []),
        (_peer(_link(4.8)), ["no delay: ours as a share of theirs"]),
        (_peer(_link(lost=1)), ["no delay: requests lost at 100/s"]),
        (replace(_peer(), far=_link(2.3)), ["85 ms each way: ours as a share of theirs"]),
    ],
)
def test_a_missed_aim_is_marked_and_what_kamal_lost_is_not_ours(run: Peer, missed: list[str]) -> None:
    assert [row.title for row in peer_report.rows(run) if row.met is False] == missed
    assert peer_report.as_markdown(run).count("MISSED") == len(missed)
    assert "\n".join(peer_report.render(run)).count("MISSED") == len(missed)


def test_the_markdown_table_names_kamals_version_and_has_a_cell_for_everything() -> None:
    text = peer_report.as_markdown(_peer())
    assert "Kamal 2.12.0" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(peer_report.rows(_peer()))
    assert {line.count("|") for line in table} == {7}


def test_what_is_printed_fits_a_terminal() -> None:
    text = dedent("\n".join(peer_report.render(_peer(_link(4.8)))))
    assert max(map(len, text.splitlines())) <= 80
    assert "`" not in text
