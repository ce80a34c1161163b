"""What host.sync sends, shows and tries."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from behindy_ops.errors import Kind
from behindy_ops.facts.replies import read
from behindy_ops.provision.sync import (
    NginxTrial,
    OnHost,
    difference,
    local_files,
    nginx_trial,
    parse,
    version,
    wire_lines,
)
from behindy_ops.report.text import Tone
from sandbox.tasks.quality import CHECKOUT
from tests.kinds import raises


def compose(image: str = "nginx:1.28") -> dict[str, bytes]:
    text = f"services:\n  nginx:\n    image: {image}\n    volumes: ['../nginx:/etc/nginx/behindy:ro', 'named:/data']\n"
    return {"compose/docker-compose.yml": text.encode()}


def test_this_checkout_is_sent_whole_but_for_a_developers_own_values(tmp_path: Path) -> None:
    sent = local_files(CHECKOUT)
    assert {"compose/docker-compose.yml", "compose/.env.example", "nginx/nginx.conf", "nginx/site.conf"} <= set(sent)
    (tmp_path / "compose").mkdir()
    for name in (".env", ".env.sandbox", "docker-compose.yml"):
        (tmp_path / "compose" / name).write_text("x")
    assert list(local_files(tmp_path)) == ["compose/docker-compose.yml"]


def test_a_link_and_a_name_with_a_space_are_refused(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "link.conf").symlink_to("/etc/passwd")
    with raises(Kind.FILES_REFUSED, match=r"link\.conf"):
        local_files(tmp_path)
    (tmp_path / "nginx" / "link.conf").unlink()
    (tmp_path / "nginx" / "a b.conf").write_text("x")
    with raises(Kind.FILES_REFUSED, match="a b"):
        local_files(tmp_path)


def test_what_is_sent_can_be_read_back() -> None:
    content = {"nginx/a.conf": b"\x00\xff\n", "compose/.env.example": b""}
    text = "@ files\n" + wire_lines(content).decode() + "@ state\nlive 1\nloaded no\n@ end\n"
    assert parse(read(text, "@")) == OnHost(content, "1", loaded=False)


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
    assert nginx_trial(compose()) == NginxTrial("nginx:1.28", ("nginx:/etc/nginx/behindy",))
    own = nginx_trial(local_files(CHECKOUT))
    assert own.mounts == (
        "nginx:/etc/nginx/behindy",
        "rehearsal:/etc/nginx/rehearsal",
        "/etc/letsencrypt:/etc/letsencrypt",
        "/var/www/certbot:/var/www/certbot",
    )
    assert nginx_trial({"compose/docker-compose.yml": b"services: {db: {image: x}}"}) == NginxTrial()
    with raises(Kind.COMPOSE_INVALID, match="NGINX_TAG"):
        nginx_trial(compose("nginx:${NGINX_TAG}"))
