"""A secret shows itself only when asked."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = "hunter2-hunter2"


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        ascii,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!r:>40}",
        lambda secret: format(secret, "<40"),
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - logging does it this way
        lambda secret: repr([secret, {"token": secret}]),
        lambda secret: repr(Settings(registry_token=secret)),
        lambda secret: str(dataclasses.asdict(Settings(registry_token=secret))),
    ],
)
def test_a_secret_is_masked_however_it_is_shown(show: Callable[[Secret], str]) -> None:
    assert TEXT not in show(Secret(TEXT))


def test_a_secret_is_given_when_it_is_asked_for() -> None:
    assert Secret(TEXT).reveal() == TEXT


def test_a_secret_in_a_log_record_is_masked(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("token %s", Secret(TEXT))
    assert "[hidden]" in caplog.text
    assert TEXT not in caplog.text


@pytest.mark.parametrize("write", [pickle.dumps, json.dumps])
def test_a_secret_is_not_written_anywhere(write: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as refused:
        write(Secret(TEXT))
    assert TEXT not in str(refused.value)


def test_a_secret_cannot_slip_into_a_text_as_if_it_were_one() -> None:
    parts: list[Any] = ["token=", Secret(TEXT)]
    with pytest.raises(TypeError) as refused:
        "".join(parts)
    assert TEXT not in str(refused.value)


def test_secrets_are_equal_when_their_texts_are() -> None:
    assert Secret("a") == Secret("a") == copy.deepcopy(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert {Secret("a"), Secret("a")} == {Secret("a")}
    assert not Secret("")
