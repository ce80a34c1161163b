"""Tokens that a command of this machine prints."""

from __future__ import annotations

import sys

import pytest

from behindy_ops.errors import Kind
from behindy_ops.host import tokens
from behindy_ops.host.tokens import with_tokens
from behindy_ops.project.registries import Login
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings
from tests.kinds import raises


def printing(code: str) -> Settings:
    logins = (Login("ecr.example", "AWS", command=(sys.executable, "-c", code)), Login("ghcr.io", "me", Secret("x")))
    return Settings(registries=logins)


def test_the_command_is_run_for_an_image_of_its_registry_and_its_output_is_the_token() -> None:
    settings = with_tokens(printing("print('t0ken')"), ["ecr.example/web", "me/web"])
    login = settings.login("ecr.example/web")
    assert login is not None
    assert login.token == Secret("t0ken")
    assert Secret("t0ken") in settings.secrets
    assert "t0ken" not in repr([login.token for login in settings.registries])


def test_it_is_not_run_for_images_of_other_registries() -> None:
    settings = printing("raise SystemExit(1)")
    assert with_tokens(settings, ["ghcr.io/me/web", "me/web"]) == settings


@pytest.mark.parametrize(
    ("code", "why", "lines"),
    [
        ("print('s3cret'); import sys; sys.exit('s3cret: Unable to locate credentials\\nlog in')", "ended with 1",
         ("log in",)),
        ("pass", "it printed nothing", ()),
        ("print('s3cret and more')", "it printed more than one word", ()),
        ("import time; time.sleep(60)", "it took longer than 0.5 s", ()),
        ("input()", "ended with 1", None),
    ],
)  # fmt: skip
def test_a_command_that_gives_none_is_told_without_what_it_printed(
    code: str, why: str, lines: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sleep" in code:
        monkeypatch.setattr(tokens, "SECONDS", 0.5)
    with raises(Kind.REGISTRY_REFUSED, match=why) as error:
        with_tokens(printing(code), ["ecr.example/web"])
    assert lines is None or error.value.lines == lines
    assert "s3cret" not in repr((str(error.value), error.value.lines))


def test_a_command_that_is_not_there_is_told_as_that() -> None:
    settings = Settings(registries=(Login("ecr.example", "AWS", command=("no-such-program",)),))
    with raises(Kind.REGISTRY_REFUSED, match="no-such-program, its login command here, gave none; no such file"):
        with_tokens(settings, ["ecr.example/web"])
