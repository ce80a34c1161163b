"""Who is told of an error that ends a task: people once, a program by one object."""

from __future__ import annotations

import json as json_
from typing import NoReturn

import pytest

from behindy_ops.errors import Kind
from behindy_ops.tasks.client import client
from behindy_ops.tasks.guard import guarded


@guarded
def body(json: bool = False) -> NoReturn:
    with client(services=False, json=json):
        raise Kind.DISK_FULL("Full.", remedy="Make room.")


@pytest.mark.parametrize("actions", ["", "true"])
@pytest.mark.parametrize("json", [False, True])
def test_an_error_is_told_once(
    json: bool, actions: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEHINDY_HOST", "host.example")
    monkeypatch.setenv("GITHUB_ACTIONS", actions)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    with pytest.raises(SystemExit) as ended:
        body(json=json)
    assert ended.value.code == Kind.DISK_FULL.exit_code
    said = capsys.readouterr()
    if json:
        (line,) = said.out.splitlines()
        assert json_.loads(line)["what"] == "Full."
        assert said.err.count("What  Full.") == 1
    else:
        assert (said.out + said.err).count("What  Full.") == 1
