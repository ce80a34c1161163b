"""Addresses of webhooks: which are taken, what reads which form, and that no message repeats any of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings, load
from behindy_ops.project.webhooks import Webhook, addresses, check_webhooks, webhook
from tests.kinds import raises

SLACK = "https://hooks.slack.com/services/T0000/B0000/leakmeleakme"
DISCORD = "https://discord.com/api/webhooks/123/leak-me_leak"


@pytest.mark.parametrize(
    "value",
    [
        SLACK,
        DISCORD,
        f"{SLACK} {DISCORD}",
        "none",
        "https://example.org",
        "https://example.org:8443/a?b=c,d",
        "http://127.0.0.1:8080/x",
        "http://localhost/x",
        "http://[::1]:80/x",
    ],
)
def test_an_address_by_https_or_on_this_machine_is_taken(value: str) -> None:
    assert check_webhooks(value) == ""


@pytest.mark.parametrize(
    "value",
    [
        "leakme",
        "ftp://example.org/leakme",
        "file:///leakme",
        "http://example.org/leakme",
        "http://127.0.0.1.example.org/leakme",
        "https://leakme@example.org/",
        "https://hooks.slack.com:leakme@example.org/",
        "https://example.org/leakme#x",
        "https://example.org:99999/leakme",
        "https:///leakme",
        "https://example.org/leakme\x00",
        f"{SLACK} leakme",
        f"{SLACK}\nhttp://example.org/leakme",
    ],
)
def test_any_other_is_refused_without_being_repeated(value: str, tmp_path: Path) -> None:
    assert check_webhooks(value)
    with raises(Kind.SETTINGS) as error:
        load({"BEHINDY_HOST": "h", "BEHINDY_NOTIFY_URL": value}, tmp_path)
    told = f"{error.value} {error.value.lines}"
    assert "BEHINDY_NOTIFY_URL" in told
    assert "leakme" not in told


def test_which_of_several_is_wrong_is_told() -> None:
    assert check_webhooks(f"{SLACK} x").startswith("address 2: ")


@pytest.mark.parametrize("between", [" ", "\n", "\r\n", ",", ", ", "  \n "])
def test_several_stand_with_blanks_ends_of_lines_or_commas_between(between: str) -> None:
    assert addresses(f"{SLACK}{between}{DISCORD}\n") == (SLACK, DISCORD)


def test_a_comma_in_an_address_divides_nothing() -> None:
    assert addresses("https://example.org/a,b") == ("https://example.org/a,b",)


@pytest.mark.parametrize(
    ("address", "otherwise", "kind"),
    [
        (SLACK, "", "slack"),
        ("https://HOOKS.slack.com/services/x", "json", "slack"),
        ("https://hooks.slack-gov.com/services/x", "", "slack"),
        (DISCORD, "slack", "discord"),
        ("https://discordapp.com/api/webhooks/1/x", "", "discord"),
        ("https://canary.discord.com/api/webhooks/1/x", "", "discord"),
        (f"{DISCORD}/slack", "", "slack"),
        ("https://example.org/hooks.slack.com", "", "json"),
        ("https://evildiscord.com/x", "", "json"),
        ("https://chat.example.org/hooks/x", "slack", "slack"),
    ],
)
def test_the_address_tells_what_reads_it_and_else_the_setting(address: str, otherwise: str, kind: str) -> None:
    assert webhook(Secret(address), otherwise).kind == kind


@pytest.mark.parametrize(("address", "here"), [("http://127.1.2.3/", True), ("https://[::1]/", True), (SLACK, False)])
def test_what_listens_on_this_machine_is_known(address: str, here: bool) -> None:
    assert webhook(Secret(address), "").here is here


def test_nobody_is_told_where_the_setting_says_so(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"BEHINDY_HOST=h\nBEHINDY_NOTIFY_URL={SLACK}\n")
    assert load({}, tmp_path).webhooks == (Webhook(Secret(SLACK), "slack"),)
    assert load({"BEHINDY_NOTIFY_URL": "none"}, tmp_path).webhooks == ()
    assert load({"BEHINDY_NOTIFY_URL": ""}, tmp_path).webhooks != ()


def test_an_environment_alarms_nobody_who_looks_after_another(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"BEHINDY_HOST=h\nBEHINDY_NOTIFY_URL={SLACK}\nBEHINDY_NOTIFY_KIND=discord\n")
    (tmp_path / ".env.staging").write_text("BEHINDY_HOST=s\nBEHINDY_DOMAIN=s.example\nBEHINDY_NOTIFY_ON=failures\n")
    staging = load({"BEHINDY_ENV": "staging"}, tmp_path)
    assert (staging.notify_urls, staging.notify_kind, staging.notify_on) == ((), "", "failures")


def test_an_address_is_no_part_of_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.behindy-ops]\nhost = 'h'\nnotify_url = {json.dumps(SLACK)}\n")
    with raises(Kind.SETTINGS) as error:
        load({}, tmp_path)
    assert "leakme" not in f"{error.value} {error.value.lines}"


def test_an_address_is_masked_where_a_runner_can_do_that_and_is_shown_nowhere(tmp_path: Path) -> None:
    settings = load({"BEHINDY_HOST": "h", "BEHINDY_NOTIFY_URL": f"{SLACK} {DISCORD}"}, tmp_path)
    assert settings.secrets == (Secret(SLACK), Secret(DISCORD))
    assert "leak" not in f"{settings!r} {settings.webhooks!r}"


def test_by_default_what_has_changed_something_is_told() -> None:
    assert Settings().notify_on == "changes"
