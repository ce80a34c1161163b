"""What names from outside may look like."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.project import validate as grammar

if TYPE_CHECKING:
    from collections.abc import Callable

NASTY = [
    "",
    " ",
    "-oProxyCommand=x",
    "a b",
    "a\nb",
    "a;b",
    "$(a)",
    "`a`",
    "a\x00",
    "a'b",
    'a"b',
    "a|b",
    "a&b",
    "a>b",
    "한글",
]

GOOD: dict[Callable[[str], str], list[str]] = {
    grammar.check_host: ["behindy.me", "10.0.0.1", "::1", "fe80::1", "prod", "my_host-1", "ec2-1-2-3-4.example.com"],
    grammar.check_user: ["ubuntu", "ec2-user", "_svc", "a.b"],
    grammar.check_domain: ["behindy.me", "www.behindy.me", "xn--9n2bp8q.xn--3e0b707e"],
    grammar.check_address: ["127.0.0.1", "::1", "2001:db8::9"],
    grammar.check_outside: ["none", "127.0.0.1", "127.0.0.1:8443", "::1", "[::1]", "[::1]:443"],
    grammar.check_host_dir: ["behindy-ops", "/srv/behindy", "a/b", ".behindy", "./ops", "ops/"],
    grammar.check_image_prefix: ["behindy", "127.0.0.1:5000/behindy", "ghcr.io/team/app", "localhost/a", "a_b", "a--b"],
    grammar.check_registry: ["docker.io", "ghcr.io", "127.0.0.1:5000", "localhost:5000", "registry"],
    grammar.check_tag: ["latest", "v2", "3f2a" * 10, "1.2.3-rc_1", "_", "a" * 128],
    grammar.check_service_name: ["frontend", "a", "llm-server2"],
    grammar.check_url_path: ["/", "/health", "/a/b?c=d&e=%20"],
    grammar.check_email: ["ops@behindy.me", "a.b+c@mail.example.com"],
}

BAD: dict[Callable[[str], str], list[str]] = {
    grammar.check_host: ["user@host", "host:22", "https://host", "host/", ".host", "[::1]", "fe80::1%eth0", "a" * 254],
    grammar.check_user: ["1st", "a@b", "a/b", "a" * 65],
    grammar.check_domain: ["behindy", "https://behindy.me", "behindy.me/x", "behindy.me:443", "-a.me", "a..me", ".me"],
    grammar.check_address: ["localhost", "127.0.0.1:443", "[::1]", "127.0.0", "fe80::1%eth0"],
    grammar.check_outside: ["localhost", "127.0.0.1:", "127.0.0.1:99999", "[::1", "[::1]x", "::1]:4", "a.b:443"],
    grammar.check_host_dir: ["../x", "a/../b", "~/ops", "~", "/", ".", "./", "//", "a/.."],
    grammar.check_image_prefix: ["Behindy", "a/", "/a", "a//b", "a:b", "a___b", "-a", "a" * 201, "host:port/a"],
    grammar.check_registry: ["https://ghcr.io", "ghcr.io/team", "ghcr.io:", "ghcr.io:123456"],
    grammar.check_tag: [".a", "-a", "a:b", "a/b", "a@b", "a" * 129, "x; touch /tmp/pwned", "latest\n"],
    grammar.check_service_name: ["Frontend", "1a", "front_end", "a-green", "b-blue", "all", "status", "a" * 51],
    grammar.check_url_path: ["health", "https://a/", "/a#b", "/a\\b", "/a{b}"],
    grammar.check_email: ["ops", "@behindy.me", "-a@behindy.me", "a@b@c.me", "ops@behindy", "ops@a..me"],
}

ALL_CHECKS = [*GOOD]


@pytest.mark.parametrize(("check", "value"), [(check, value) for check, values in GOOD.items() for value in values])
def test_ordinary_names_pass(check: Callable[[str], str], value: str) -> None:
    assert check(value) == ""


@pytest.mark.parametrize(("check", "value"), [(check, value) for check, values in BAD.items() for value in values])
def test_names_of_another_form_are_refused_with_a_reason(check: Callable[[str], str], value: str) -> None:
    assert check(value)


@pytest.mark.parametrize("check", ALL_CHECKS)
@pytest.mark.parametrize("value", NASTY)
def test_nothing_that_a_shell_or_an_option_parser_could_read_passes(check: Callable[[str], str], value: str) -> None:
    assert check(value)


@pytest.mark.parametrize("check", [check for check in ALL_CHECKS if check is not grammar.check_url_path])
@given(value=st.text(max_size=30) | st.from_regex(r"[-a-zA-Z0-9._/:@$;]{1,20}", fullmatch=True))
def test_what_passes_needs_no_quoting_and_is_no_option(check: Callable[[str], str], value: str) -> None:
    if not check(value):
        assert shlex.quote(value) == value or value.startswith("~") or value.endswith("$")
        assert not value.startswith("-")
        assert ".." not in value.split("/")


@given(value=st.text())
def test_a_message_never_repeats_control_characters_and_stays_short(value: str) -> None:
    shown = grammar.shown(value)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(value) <= 40 or shown.endswith(("...'", '..."'))


@given(value=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True))
def test_every_tag_of_dockers_grammar_passes(value: str) -> None:
    assert grammar.check_tag(value) == ""


@pytest.mark.parametrize("value", ["me", "me@example.com", "robot$team+ci", "a-b"])
def test_a_registry_may_have_any_user_of_visible_ascii(value: str) -> None:
    assert grammar.check_login(value) == ""


@pytest.mark.parametrize("value", ["", "-u", "--password=x", "a b", "a\nb", "a\n", "a\x00", "한글"])
def test_a_registry_user_is_no_option_and_one_word(value: str) -> None:
    assert "not a user name" in grammar.check_login(value)


def test_a_mistaken_host_says_where_its_parts_belong() -> None:
    assert "BEHINDY_USER" in grammar.check_host("ubuntu@behindy.me")
    assert "BEHINDY_PORT" in grammar.check_host("behindy.me:2222")
    assert "lower case" in grammar.check_image_prefix("Behindy")


KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize("text", [KEY, KEY + "\n", KEY.replace("\n", "\r\n"), KEY.replace("OPENSSH ", "RSA ")])
def test_a_private_key_passes_as_secrets_deliver_it(text: str) -> None:
    assert grammar.check_private_key(text) == ""


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ssh-ed25519 c2VjcmV0 me@laptop", "public half"),
        ("PuTTY-User-Key-File-3: c2VjcmV0", "puttygen"),
        ("c2VjcmV0", "not a private key"),
        (KEY.rpartition("\n")[0], "cut off"),
        (KEY.replace("\n", " "), "line breaks"),
        (KEY.replace("\n", "\\n"), "line breaks"),
    ],
)
def test_a_spoilt_key_is_named_but_never_repeated(text: str, hint: str) -> None:
    wrong = grammar.check_private_key(text)
    assert hint in wrong
    assert "c2VjcmV0" not in wrong


HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0000000000000000000000000000000000000000"


@pytest.mark.parametrize(
    "text",
    [f"behindy.me {HOST_KEY}", f"# ours\n\n[behindy.me]:2222 {HOST_KEY} note\n", f"@cert-authority *.me {HOST_KEY}"],
)
def test_known_hosts_lines_pass(text: str) -> None:
    assert grammar.check_known_hosts(text) == ""


@pytest.mark.parametrize("text", ["", "# only a remark", HOST_KEY, "behindy.me", "behindy.me ssh-rsa not*base64"])
def test_a_text_without_whole_known_hosts_lines_is_refused(text: str) -> None:
    assert re.search("host key", grammar.check_known_hosts(text))
