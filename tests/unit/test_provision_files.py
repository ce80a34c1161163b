"""What host.sync sends, shows and tries; what host.up does about containers; when host.certs renews."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from behindy_ops.errors import Kind
from behindy_ops.facts.replies import read, short
from behindy_ops.provision import certs, files, infra
from behindy_ops.report.text import Tone
from sandbox.tasks.quality import CHECKOUT
from tests.kinds import raises


def compose(image: str = "nginx:1.28") -> dict[str, bytes]:
    text = f"services:\n  nginx:\n    image: {image}\n    volumes: ['../nginx:/etc/nginx/behindy:ro', 'named:/data']\n"
    return {"compose/docker-compose.yml": text.encode()}


def test_this_checkout_is_sent_whole_but_for_a_developers_own_values(tmp_path: Path) -> None:
    sent = files.local(CHECKOUT)
    assert {"compose/docker-compose.yml", "compose/.env.example", "nginx/nginx.conf", "nginx/site.conf"} <= set(sent)
    (tmp_path / "compose").mkdir()
    for name in (".env", ".env.sandbox", "docker-compose.yml"):
        (tmp_path / "compose" / name).write_text("x")
    assert list(files.local(tmp_path)) == ["compose/docker-compose.yml"]


def test_a_link_and_a_name_with_a_space_are_refused(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "link.conf").symlink_to("/etc/passwd")
    with raises(Kind.FILES_REFUSED, match=r"link\.conf"):
        files.local(tmp_path)
    (tmp_path / "nginx" / "link.conf").unlink()
    (tmp_path / "nginx" / "a b.conf").write_text("x")
    with raises(Kind.FILES_REFUSED, match="a b"):
        files.local(tmp_path)


def test_what_is_sent_can_be_read_back() -> None:
    content = {"nginx/a.conf": b"\x00\xff\n", "compose/.env.example": b""}
    text = "@ files\n" + files.wire_lines(content).decode() + "@ state\nlive 1\nloaded no\n@ end\n"
    assert files.parse(read(text, "@")) == files.OnHost(content, "1", loaded=False)


def test_a_difference_is_shown_with_its_sum() -> None:
    lines = files.difference(
        {"nginx/a": b"one\ntwo\n", "nginx/gone": b"x\n"}, {"nginx/a": b"one\nthree\n", "nginx/new": b"y\n"}
    )
    texts = [line.text for line in lines]
    assert "-two" in texts
    assert "+three" in texts
    assert "+++ not here: it is removed there" in texts
    assert texts[-1] == "3 files differ: +2 -2 lines."
    assert {line.tone for line in lines if line.text in {"-two", "-x"}} == {Tone.BAD}
    assert files.difference({"a": b"1"}, {"a": b"1"}) == []


def test_versions_sort_by_time_and_tell_contents_apart() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    assert files.version(early, {"a": b"1"}) < files.version(late, {"a": b"1"})
    assert files.version(early, {"a": b"1"}) != files.version(early, {"a": b"2"})


def test_nginx_is_tried_in_the_image_and_with_the_mounts_of_the_compose_file() -> None:
    assert files.nginx_stage(compose()) == files.NginxStage("nginx:1.28", ("nginx:/etc/nginx/behindy",))
    own = files.nginx_stage(files.local(CHECKOUT))
    assert own is not None
    assert own.mounts == (
        "nginx:/etc/nginx/behindy",
        "rehearsal:/etc/nginx/rehearsal",
        "/etc/letsencrypt:/etc/letsencrypt",
        "/var/www/certbot:/var/www/certbot",
    )
    assert files.nginx_stage({"compose/docker-compose.yml": b"services: {db: {image: x}}"}) is None
    with raises(Kind.COMPOSE_INVALID, match="NGINX_TAG"):
        files.nginx_stage(compose("nginx:${NGINX_TAG}"))


WANTED = infra.Wanted("db", "hash", "postgres:15", "sha256:1", "postgres")
RUNS = infra.Running("postgres", "id", "db", "behindy-ops", "running", "healthy", "hash", "sha256:1")


@pytest.mark.parametrize(
    ("running", "action"),
    [
        ((), infra.Action.CREATE),
        ((RUNS,), infra.Action.LEAVE),
        ((infra.Running("postgres", "id", "db", "behindy-ops", "exited", "", "hash", "sha256:1"),), infra.Action.START),
        (
            (infra.Running("postgres", "id", "db", "behindy-ops", "running", "", "else", "sha256:1"),),
            infra.Action.RECREATE,
        ),
        (
            (infra.Running("postgres", "id", "db", "behindy-ops", "running", "", "hash", "sha256:2"),),
            infra.Action.RECREATE,
        ),
    ],
)
def test_what_is_done_about_a_container(running: tuple[infra.Running, ...], action: infra.Action) -> None:
    (change,) = infra.plan([WANTED], running, network=True)
    assert change.action is action
    assert ("PostgreSQL is away" in change.sentence) == (action is infra.Action.RECREATE)


def test_containers_whose_network_is_gone_are_replaced_since_they_cannot_be_moved_to_another() -> None:
    (change,) = infra.plan([WANTED], [RUNS], network=False)
    assert change.action is infra.Action.RECREATE
    assert "its network behindy-ops_internal is gone: PostgreSQL is away" in change.sentence
    assert infra.plan([WANTED], [], network=False)[0].action is infra.Action.CREATE


def test_a_name_that_compose_did_not_give_is_an_obstacle() -> None:
    assert infra.obstacles([WANTED], [RUNS]) == []
    assert infra.obstacles([WANTED], [infra.Running("postgres", "id", "", "", "running", "", "", "")]) == ["postgres"]


def test_the_host_is_told_to_pull_first_and_to_replace_only_what_is_to_be_replaced() -> None:
    nginx = infra.Wanted("nginx", "h", "nginx:1.28", "", "nginx")
    changes = [infra.Change(WANTED, infra.Action.RECREATE, "x"), infra.Change(nginx, infra.Action.CREATE)]
    told = ("pull", "nginx:1.28", "placeholder", "nginx:1.28", "recreate", "db", "create", "nginx")
    assert infra.words(changes) == told
    assert infra.words([infra.Change(WANTED, infra.Action.LEAVE)]) == ()


def test_what_the_host_printed_about_its_containers_is_read() -> None:
    text = "@ services\ndb hash postgres:15 - postgres\n@ network\nthere\n"
    text += "@ containers\nredis id - - running - - -\n@ end\n"
    wanted, running, network = infra.parse(read(text, "@"))
    assert network
    assert wanted == [infra.Wanted("db", "hash", "postgres:15", "", "postgres")]
    assert running == [infra.Running("redis", "id", "", "", "running", "", "", "")]


NAMES = ("behindy.me", "www.behindy.me")


def test_a_certificate_is_asked_for_the_names_that_nginx_serves() -> None:
    assert certs.names_served(files.local(CHECKOUT), "behindy.me") == NAMES
    assert certs.names_served({"nginx/a": b"server_name *.a.org b.a.org evil.org;"}, "a.org") == ("a.org", "b.a.org")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("now 0\nnone\n", "there is none yet"),
        (f"now 0\nuntil {7 * 86400}\nplaceholder\nname behindy.me\n", "there is only the placeholder"),
        (f"now 0\nuntil {90 * 86400}\nname behindy.me\n", "the one there lacks www.behindy.me"),
        (f"now 0\nuntil {29 * 86400}\nname behindy.me\nname www.behindy.me\n", "it holds 29 more days"),
        ("now 99\nuntil 0\nname behindy.me\n", "there is none yet"),
        (f"now {5 * 86400}\nuntil {86400}\nname behindy.me\nname www.behindy.me\n", "it holds 0 more days"),
        (f"now 0\nuntil {30 * 86400}\nname behindy.me\nname www.behindy.me\n", ""),
    ],
)
def test_when_a_certificate_is_due(text: str, why: str) -> None:
    assert certs.due(certs.parse(short(text)), NAMES) == why
