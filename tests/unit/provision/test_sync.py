"""What host.sync sends, shows and tries."""

from __future__ import annotations

import base64
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from behindy_ops.errors import Kind
from behindy_ops.facts.replies import read
from behindy_ops.project.project import Project
from behindy_ops.project.settings import Settings
from behindy_ops.provision.sync import (
    OnHost,
    difference,
    files_for,
    local_files,
    nginx_trial,
    parse,
    sync,
    version,
    wire_lines,
)
from behindy_ops.report.events import Note
from behindy_ops.report.text import Line, Tone
from sandbox.tasks.quality import CHECKOUT
from tests.kinds import raises
from tests.scripted import Answer, Scripted, scripted


def compose(image: str = "nginx:1.28") -> dict[str, bytes]:
    text = f"services:\n  nginx:\n    image: {image}\n    volumes: ['../nginx:/etc/nginx/behindy:ro', 'named:/data']\n"
    return {"compose/docker-compose.yml": text.encode()}


def test_this_checkout_is_sent_whole_but_for_a_developers_own_values(tmp_path: Path) -> None:
    sent = local_files(Project(CHECKOUT))
    assert {"compose/docker-compose.yml", "compose/.env.example", "nginx/nginx.conf", "nginx/site.conf"} <= set(sent)
    (tmp_path / "compose").mkdir()
    for name in (".env", ".env.sandbox", "docker-compose.yml"):
        (tmp_path / "compose" / name).write_text("x")
    assert list(local_files(Project(tmp_path))) == ["compose/docker-compose.yml"]


def test_a_compose_file_in_the_projects_own_folder_is_sent_alone_to_where_the_host_has_it(tmp_path: Path) -> None:
    text = "services: {nginx: {image: 'nginx:1', volumes: ['./nginx:/etc/nginx/behindy:ro']}}\n"
    for name in ("compose.yaml", ".env", "README.md"):
        (tmp_path / name).write_text(text)
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "nginx.conf").write_text("x")
    sent = local_files(Project(tmp_path))
    assert sent == {
        "compose/docker-compose.yml": text.replace("'./nginx:", '"../nginx:').replace(":ro'", ':ro"').encode(),
        "nginx/nginx.conf": b"x",
    }
    assert nginx_trial(sent) == ("nginx:1", "nginx:/etc/nginx/behindy")


def test_a_project_without_nginx_files_is_told_where_its_compose_file_asks_for_them(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(compose()["compose/docker-compose.yml"].decode().replace("../", "./"))
    there = scripted(root=tmp_path)
    with raises(Kind.FILES_REFUSED, match=r"nginx mounts nginx/.* no such folder.*Nothing changed.*docs/library\.md"):
        run(there)
    assert there.host.ran() == []


def test_a_project_without_a_compose_file_is_told_which_it_may_have(tmp_path: Path) -> None:
    with raises(
        Kind.COMPOSE_INVALID,
        match=r"no compose file here \(compose/docker-compose\.yml, docker-compose\.yml, .*compose\.yaml",
    ):
        run(scripted(root=tmp_path))


def test_a_link_and_a_name_with_a_space_are_refused(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "link.conf").symlink_to("/etc/passwd")
    with raises(Kind.FILES_REFUSED, match=r"link\.conf"):
        local_files(Project(tmp_path))
    (tmp_path / "nginx" / "link.conf").unlink()
    (tmp_path / "nginx" / "a b.conf").write_text("x")
    with raises(Kind.FILES_REFUSED, match="a b"):
        local_files(Project(tmp_path))


def test_the_proxies_that_are_trusted_are_a_file_of_nginx(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "nginx.conf").write_text("x")
    assert list(files_for(Project(tmp_path), Settings())) == ["nginx/nginx.conf"]
    files = files_for(Project(tmp_path), Settings(trusted_proxies=("10.0.0.7",)))
    assert b"set_real_ip_from 10.0.0.7;" in files["nginx/real_ip.conf"]
    (tmp_path / "nginx" / "real_ip.conf").write_text("x")
    with raises(Kind.FILES_REFUSED, match="Keep one"):
        files_for(Project(tmp_path), Settings(trusted_proxies=("10.0.0.7",)))


def test_nginx_listens_on_ipv6_where_a_setting_asks_for_it(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    files = files_for(Project(tmp_path), Settings(ipv6=True, trusted_proxies=("10.0.0.7",)))
    assert sorted(files) == ["nginx/listen_443.conf", "nginx/listen_80.conf", "nginx/real_ip.conf"]
    assert b"\nlisten [::]:443 ssl;\n" in files["nginx/listen_443.conf"]
    (tmp_path / "nginx" / "listen_80.conf").write_text("x")
    with raises(Kind.FILES_REFUSED, match="BEHINDY_IPV6 is set"):
        files_for(Project(tmp_path), Settings(ipv6=True))


def test_an_environment_with_a_domain_of_its_own_has_nginx_serve_that(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for folder in ("compose", "nginx"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    (tmp_path / "nginx" / "custom" / "old.conf").write_text("# of www.behindy.me\n")
    plain = files_for(project, Settings(domain="behindy.me"))
    own = files_for(project, Settings(environment="staging", domain="staging.behindy.me"))
    assert plain == local_files(project)
    assert b" behindy.me www.behindy.me;" in plain["nginx/site.conf"]
    assert b"server_name staging.behindy.me www.staging.behindy.me;" in own["nginx/site.conf"]
    assert b"/live/behindy.me/" not in own["nginx/site.conf"]
    assert {path for path in plain if plain[path] != own[path]} == {"nginx/site.conf", "nginx/maps.conf"}


@pytest.mark.parametrize("connected", [False, True])
def test_visitors_by_ipv6_are_not_refused_because_a_checkout_lacks_the_setting(tmp_path: Path, connected: bool) -> None:
    files = files_for(Project(checkout(tmp_path)), Settings(ipv6=True))
    there = scripted(
        root=tmp_path,
        host__files=Answer(f"@ files\n{wire_lines(files).decode()}@ state\nlive 1\n@ end\n"),
        host__facts=Answer(
            MACHINE.stdout.replace("@ end", "@ visitors\nipv6 fd00::2\n@ end" if connected else "@ end")
        ),
        host__sync_stage=Answer(),
        host__sync_apply=Answer("live 2\n"),
    )
    if connected:
        with raises(Kind.FILES_REFUSED, match="they would be refused") as raised:
            run(there, answer=False)
        assert raised.value.lines == ("docker network disconnect compose_edge compose-nginx-1",)
    else:
        assert "-listen [::]:443 ssl;" in run(there, answer=False)


def test_data_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "data").write_bytes(b"x" * 1_000_001)
    with raises(Kind.FILES_REFUSED, match="larger than 1000 kB"):
        local_files(Project(tmp_path))


def test_what_is_sent_can_be_read_back() -> None:
    content = {"nginx/a.conf": b"\x00\xff\n", "compose/.env.example": b""}
    text = "@ files\n" + wire_lines(content).decode() + "@ state\nlive 1\nloaded no\n@ end\n"
    assert parse(read(text, "@")) == OnHost(content, "1", loaded=False)


def test_what_is_not_ours_is_told_by_name_and_is_no_difference(tmp_path: Path) -> None:
    names = ["compose/업로드", "nginx/a\nb", "nginx/\x1b[31mred", *(f"nginx/z{number}" for number in range(20))]
    others = "".join(f"{base64.b64encode(name.encode()).decode()}\n" for name in names) + "Yi//\n"  # b/\xff
    same = on_host(checkout(tmp_path), "new\n")
    there = scripted(root=tmp_path, host__files=Answer(same.stdout.replace("@ state", f"@ others\n{others}@ state")))
    assert run(there) == []
    assert there.host.commands[0].stdin == b"compose/docker-compose.yml\nnginx/site.conf\n"
    (note,) = [event.text for event in there.events if isinstance(event, Note)]
    assert note.startswith("Not ours, left alone: b/\ufffd, compose/업로드, nginx/red, nginx/a\\nb, nginx/z0")
    assert note.endswith(" and 4 more")


def test_what_lies_where_a_file_is_to_be_is_not_moved(tmp_path: Path) -> None:
    old = on_host(checkout(tmp_path), "old\n")
    taken = "@ taken\nnginx/site.conf occupied\ncompose/x unreadable\n@ state"
    there = scripted(root=tmp_path, host__files=Answer(old.stdout.replace("@ state", taken)))
    with raises(
        Kind.FILES_REFUSED, match=r"compose/x on the host cannot be read.*nginx/site.conf .* is something else"
    ):
        run(there)
    assert there.host.ran() == ["host/files"]


def test_the_files_of_a_host_that_is_to_be_taken_over_are_left_to_its_nginx(tmp_path: Path) -> None:
    old = on_host(checkout(tmp_path), "old\n")
    there = scripted(
        root=tmp_path, host__files=Answer(old.stdout.replace("@ state", "@ taken\nnginx/nginx.conf mounted\n@ state"))
    )
    with raises(Kind.FILES_REFUSED, match="would not start again") as refused:
        run(there)
    assert "BEHINDY_HOST_DIR" in refused.value.remedy


def test_a_difference_is_shown_with_its_sum() -> None:
    lines = difference(
        {"nginx/a": b"one\ntwo\n", "nginx/gone": b"x\n"}, {"nginx/a": b"one\nthree\n", "nginx/new": b"y\n"}
    )
    texts = [line.text for line in lines]
    assert "-two" in texts
    assert "+three" in texts
    assert "+++ not here: it is removed there" in texts
    assert texts[-1] == "3 files differ: +2 -2 lines."
    assert {line.tone for line in lines if line.text in {"-two", "-x"}} == {Tone.BAD}
    assert difference({"a": b"1"}, {"a": b"1"}) == []


def test_versions_sort_by_time_and_tell_contents_apart() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    assert version(early, {"a": b"1"}) < version(late, {"a": b"1"})
    assert version(early, {"a": b"1"}) != version(early, {"a": b"2"})


def test_nginx_is_tried_in_the_image_and_with_the_mounts_of_the_compose_file() -> None:
    assert nginx_trial(compose()) == ("nginx:1.28", "nginx:/etc/nginx/behindy")
    assert nginx_trial(local_files(Project(CHECKOUT)))[1:] == (
        "nginx:/etc/nginx/behindy",
        "rehearsal:/etc/nginx/rehearsal",
        "assets:/var/www/behindy-assets",
        "/etc/letsencrypt:/etc/letsencrypt",
        "/var/www/certbot:/var/www/certbot",
    )
    mounts = b"[./own.conf:/etc/own:ro, {source: ../nginx, target: /n}, {type: tmpfs, target: /t}, /alone]"
    others = b"services: {nginx: {image: x, volumes: " + mounts + b"}}"
    assert nginx_trial({"compose/docker-compose.yml": others}) == ("x", "compose/own.conf:/etc/own", "nginx:/n")
    assert nginx_trial({"compose/docker-compose.yml": b"services: {db: {image: x}}"}) == ("",)
    with raises(Kind.COMPOSE_INVALID, match="NGINX_TAG"):
        nginx_trial(compose("nginx:${NGINX_TAG}"))


MACHINE = Answer(
    "@ system\n@ login\n@ tools\ndocker\n@ docker\nengine 26.1\ncompose 2.26.1\n@ memory\n@ disk\n@ clock\nnow 0\n"
    "@ logging\n@ updates\n@ files\n@ certificate\n@ end\n"
)


def checkout(folder: Path) -> Path:
    (folder / "nginx").mkdir()
    (folder / "compose").mkdir()
    (folder / "nginx" / "site.conf").write_text("new\n")
    (folder / "compose" / "docker-compose.yml").write_bytes(compose()["compose/docker-compose.yml"])
    return folder


def on_host(root: Path, site: str, loaded: str = "") -> Answer:
    files = {**local_files(Project(root)), "nginx/site.conf": site.encode()}
    return Answer(f"@ files\n{wire_lines(files).decode()}@ state\nlive 1\n{loaded}@ end\n")


def run(there: Scripted, *, answer: bool = True, dry_run: bool = False) -> list[str]:
    shown: list[Line] = []
    sync(there.session, shown.extend, lambda _: answer, dry_run=dry_run)
    return [line.text for line in shown]


def test_files_that_are_there_already_are_left_alone(tmp_path: Path) -> None:
    there = scripted(root=checkout(tmp_path), host__files=on_host(tmp_path, "new\n"))
    assert run(there) == []
    assert "nothing to do" in there.told()


def test_after_a_yes_they_are_tried_and_then_go_live(tmp_path: Path) -> None:
    old = on_host(checkout(tmp_path), "old\n")
    ok = Answer("kept 1.before\nnginx reloaded\n")
    there = scripted(
        root=tmp_path, host__files=old, host__facts=MACHINE, host__sync_stage=Answer(), host__sync_apply=ok
    )
    assert "-old" in run(there)
    assert there.host.ran()[-3:] == ["host/files", "host/sync_stage", "host/sync_apply"]
    stage, apply = there.host.commands[-2:]
    assert stage.argv[-4:] == ("keep", "behindy.me", "nginx:1.28", "nginx:/etc/nginx/behindy")
    assert apply.argv[-1] == "reload"
    kept = "What lay there by hand is kept on the host, in nginx/versions/1.before"
    assert kept in [event.text for event in there.events if isinstance(event, Note)]


def test_to_a_host_that_has_none_they_are_named(tmp_path: Path) -> None:
    none = Answer("@ files\n@ state\nlive -\n@ end\n")
    there = scripted(root=checkout(tmp_path), host__files=none, host__facts=MACHINE, host__sync_stage=Answer())
    shown = run(there, dry_run=True)
    assert re.fullmatch(r"\d+ files, \d+ lines, of which the host has none yet: .*nginx/site\.conf", " ".join(shown))
    assert there.told().endswith("Nothing changed.")


def test_files_that_nginx_has_not_loaded_are_loaded_without_a_question(tmp_path: Path) -> None:
    there = scripted(
        root=checkout(tmp_path),
        host__files=on_host(tmp_path, "new\n", "loaded no\n"),
        host__facts=MACHINE,
        host__sync_apply=Answer("nginx elsewhere\n"),
    )
    run(there, answer=False)
    assert there.host.commands[-1].argv[-3:] == ("1", "3", "reload")
    assert any(isinstance(event, Note) and "inv host.up" in event.text for event in there.events)


def test_a_dry_run_only_tries_them(tmp_path: Path) -> None:
    old = on_host(checkout(tmp_path), "old\n")
    there = scripted(root=tmp_path, host__files=old, host__facts=MACHINE, host__sync_stage=Answer())
    run(there, dry_run=True)
    assert there.host.locked == ["host.sync --dry-run"]
    assert there.host.commands[-1].argv[-4] == "try"
    assert there.told().endswith("Nothing changed.")


def test_after_a_no_nothing_is_tried(tmp_path: Path) -> None:
    old = on_host(checkout(tmp_path), "old\n")
    there = scripted(root=tmp_path, host__files=old, host__facts=MACHINE)
    run(there, answer=False)
    assert there.host.locked == []


@pytest.mark.parametrize(
    ("stage", "apply", "kind", "said"),
    [
        (65, 0, Kind.COMPOSE_INVALID, "Nothing changed"),
        (66, 0, Kind.FILES_REFUSED, "Nothing changed"),
        (67, 0, Kind.HOST_NOT_READY, "nginx:1.28"),
        (1, 0, Kind.REMOTE_COMMAND_FAILED, "inv ops.disk"),
        (0, 66, Kind.FILES_REFUSED, "previous files are back"),
        (0, 1, Kind.REMOTE_COMMAND_FAILED, "inv host.sync again"),
    ],
)
def test_files_that_are_refused_do_not_go_live(tmp_path: Path, stage: int, apply: int, kind: Kind, said: str) -> None:
    old = on_host(checkout(tmp_path), "old\n")
    there = scripted(
        root=tmp_path,
        host__files=old,
        host__facts=MACHINE,
        host__sync_stage=Answer("", stage),
        host__sync_apply=Answer("", apply),
    )
    with raises(kind, match=said):
        run(there)


def test_files_that_somebody_else_changed_meanwhile_are_not_overwritten(tmp_path: Path) -> None:
    files = [on_host(checkout(tmp_path), "old\n"), on_host(tmp_path, "theirs\n")]
    with raises(Kind.FILES_REFUSED, match="Somebody else"):
        run(scripted(root=tmp_path, host__files=files, host__facts=MACHINE))


def test_a_host_without_its_directory_is_set_up_first(tmp_path: Path) -> None:
    with raises(Kind.FILES_MISSING, match="inv host.setup"):
        run(scripted(root=checkout(tmp_path), host__files=Answer("", 80)))


SHARED = """name: shop
x-nginx: {domains: shop.example, shared: {directory: /srv/first, container: edge}}
services:
  web: {image: acme/web, networks: [front], x-deploy: {port: 1, internal: /, external: /, route: /}}
networks: {front: {external: true, name: first_internal}}
"""


def sharing(folder: Path) -> Path:
    (folder / "nginx/projects").mkdir(parents=True)
    (folder / "compose.yaml").write_text(SHARED)
    (folder / "nginx/projects/shop.conf").write_text("server {}\n")
    return folder


def test_a_shared_nginx_tries_and_loads_the_projects_file_before_the_rest_goes_live(tmp_path: Path) -> None:
    there = scripted(
        root=sharing(tmp_path), host__files=Answer("@ state\nlive \n@ end\n"), host__facts=MACHINE,
        host__sync_stage=Answer(), host__share=Answer(), host__sync_apply=Answer("nginx elsewhere\n"),
    )  # fmt: skip
    run(there)
    assert there.host.ran()[-3:] == ["host/sync_stage", "host/share", "host/sync_apply"]
    read, share, apply = there.host.commands[0], *there.host.commands[-2:]
    assert read.argv[-2:] == ("/srv/first", "shop.conf")
    assert (share.argv[4:], share.stdin) == (
        ("/srv/first", "edge", "shop.conf", "behindy.me", "keep"),
        b"server {}\n",
    )
    assert apply.argv[-1] == "leave"
    assert not [event for event in there.events if isinstance(event, Note)]


def test_a_file_that_a_shared_nginx_refuses_leaves_all_as_it_was(tmp_path: Path) -> None:
    there = scripted(
        root=sharing(tmp_path), host__files=Answer("@ state\nlive \n@ end\n"), host__facts=MACHINE,
        host__sync_stage=Answer(), host__share=Answer("", 66, "[emerg]"),
    )  # fmt: skip
    with raises(Kind.FILES_REFUSED, match="nginx rejects the files") as error:
        run(there)
    assert error.value.lines == ("[emerg]",)
    (tmp_path / "nginx/projects/shop.conf").unlink()
    with raises(Kind.FILES_REFUSED, match=r"There is no nginx/projects/shop\.conf.*inv host\.nginx --write"):
        run(scripted(root=tmp_path))
