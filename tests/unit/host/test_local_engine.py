"""This machine's own Docker, played by a script: an image is read, or why not is said."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.host import local_engine
from behindy_ops.host.local_engine import saved
from behindy_ops.report.events import Event, StepDone, StepFailed, StepStarted
from tests.archives import classic, configured, diff_id

LAYERS = [b"base" * 100, b"top" * 100]
CONFIG = configured(LAYERS)
Docker = Callable[[str], None]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Puts a docker first on the path that runs this shell text; ``$archive`` is one."""
    (tmp_path / "archive.tar").write_bytes(classic(CONFIG, LAYERS))
    (tmp_path / "about.json").write_text(json.dumps({"Id": diff_id(CONFIG), "Size": 5000}))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def play(text: str) -> None:
        (tmp_path / "docker").write_text(f'#!/bin/sh\nhere={tmp_path}\necho "$@" >>$here/calls\n{text}\n')
        (tmp_path / "docker").chmod(0o755)

    play('case "$2" in inspect) cat $here/about.json ;; save) cat $here/archive.tar ;; esac')
    return play


def read() -> list[Event]:
    told: list[Event] = []
    with saved({"web": "me/web:v2"}, told.append) as images:
        layers = images["web"].layers
        assert [images["web"].read(layer.offset, layer.size) for layer in layers] == LAYERS
        assert images["web"].id == diff_id(CONFIG)
    return told


def refused() -> BehindyError:
    with pytest.raises(BehindyError) as caught, saved({"web": "me/web:v2"}, lambda _: None):
        pass
    return caught.value


@pytest.mark.usefixtures("docker")
def test_an_image_is_saved_by_its_id_and_told_as_a_step(tmp_path: Path) -> None:
    started, done = read()
    assert (tmp_path / "calls").read_text().splitlines() == [
        "image inspect --format {{json .}} me/web:v2",
        f"image save {diff_id(CONFIG)}",
    ]
    assert started == StepStarted("save", "Read me/web:v2 from this machine's Docker")
    assert isinstance(done, StepDone)
    assert done.detail == f"{diff_id(CONFIG)[:19]}, 2 layers"


@pytest.mark.usefixtures("docker")
def test_an_image_of_several_services_is_read_once(tmp_path: Path) -> None:
    with saved({"web": "me/shop:v2", "worker": "me/shop:v2"}, lambda _: None) as images:
        assert images["web"] is images["worker"]
    assert len((tmp_path / "calls").read_text().splitlines()) == 2


@pytest.mark.usefixtures("docker")
def test_nothing_is_left_on_this_machine_not_even_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setenv("TMPDIR", str(room))
    monkeypatch.setattr("tempfile.tempdir", None)
    with saved({"web": "me/web:v2"}, lambda _: None):
        assert [*room.iterdir()] == []


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("echo 'Error: No such image: me/web:v2' >&2; exit 1", Kind.IMAGE_NOT_FOUND, "There is no image me/web:v2 on"),
        (
            "echo 'Cannot connect to the Docker daemon at unix:///x.' >&2; exit 1",
            Kind.IMAGE_NOT_FOUND,
            "Docker on this machine does not answer, or not to you",
        ),
        (
            'case "$2" in inspect) cat $here/about.json ;; save) echo "no space left on device" >&2; exit 1 ;; esac',
            Kind.DISK_FULL,
            "the disk is full",
        ),
        (
            'case "$2" in inspect) cat $here/about.json ;; save) head -c 900 $here/archive.tar ;; esac',
            Kind.IMAGE_NOT_FOUND,
            "me/web:v2 cannot be sent: docker save gave no image",
        ),
    ],
)
def test_why_an_image_could_not_be_read_is_said(docker: Docker, text: str, kind: Kind, words: str) -> None:
    docker(text)
    error = refused()
    assert error.kind is kind
    assert words in error.what


def test_a_machine_without_docker_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused()
    assert (error.kind, error.what) == (
        Kind.IMAGE_NOT_FOUND, "me/web:v2 cannot be read: there is no docker command on this machine."
    )  # fmt: skip
    assert "--tag" in error.remedy


def test_a_docker_that_does_not_answer_is_not_waited_for(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_engine, "ANSWERS", 0.2)
    docker("exec sleep 30")
    assert "has not answered for 0.2 s" in refused().what


@pytest.mark.usefixtures("docker")
def test_a_disk_without_room_is_found_before_it_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=local_engine.SPARE + 4999))
    told: list[Event] = []
    with pytest.raises(BehindyError) as caught, saved({"web": "me/web:v2"}, told.append):
        pass
    assert caught.value.kind is Kind.DISK_FULL
    assert "save" not in (tmp_path / "calls").read_text()
    assert isinstance(told[-1], StepFailed)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=local_engine.SPARE + 5000))
    read()
