"""The recordings in the documents: whole, without a script, of commands that exist, and of nobody's machine."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from behindy_ops.deploy.steps.step import LOGGED
from behindy_ops.tasks import root
from sandbox.recording.record import FOLDER, TITLES
from sandbox.recording.traces import left
from sandbox.tasks import add_to

CHECKOUT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"
ENDS = {
    "deploy": r"frontend v2 is live",
    "refusal": rf"{re.escape(LOGGED)}[\s\S]+echo \$\?\n50\n",
    "doctor": r"TROUBLE llmserver: off the network[\s\S]+What helps most: [\s\S]+Connect llmserver +\d",
}


def picture(name: str) -> str:
    return (CHECKOUT / FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def said(name: str) -> str:
    return ET.fromstring(picture(name)).findtext(f"{SVG}desc") or ""  # noqa: S314 - ours


def test_there_is_one_of_each_and_no_other() -> None:
    assert {file.stem for file in (CHECKOUT / FOLDER).glob("*.svg")} == set(TITLES)


@pytest.mark.parametrize("name", TITLES)
def test_it_is_words_and_shapes_and_asks_for_nothing(name: str) -> None:
    tags = {each.tag.removeprefix(SVG) for each in ET.fromstring(picture(name)).iter()}  # noqa: S314 - ours
    assert tags <= {"svg", "title", "desc", "style", "rect", "path", "g", "text", "tspan"}
    assert not re.search(r"url\(|@import|href|https?://(?!www\.w3\.org/2000/svg|behindy\.me)", picture(name))


@pytest.mark.parametrize("name", TITLES)
def test_it_has_both_colour_schemes_and_heeds_who_wants_no_motion(name: str) -> None:
    for wanted in ("prefers-color-scheme: dark", "prefers-reduced-motion: reduce"):
        assert f"@media ({wanted})" in picture(name)


@pytest.mark.parametrize("name", TITLES)
def test_it_tells_of_no_machine(name: str) -> None:
    assert left(picture(name)) == []


@pytest.mark.parametrize("name", TITLES)
def test_it_shows_what_it_is_about(name: str) -> None:
    assert re.search(ENDS[name], said(name))
    if name != "doctor":
        assert re.search(r"[\d,]+ requests were sent in these \d+ s, 0 were lost", said(name))


@pytest.mark.parametrize("name", TITLES)
def test_what_is_typed_exists(name: str) -> None:
    tree = add_to(root())
    typed = [line.split()[2:] for line in said(name).splitlines() if line.startswith("$ ./inv ")]
    assert typed
    for task, *words in typed:
        options = {flag for argument in tree[task].get_arguments() for flag in argument.names}
        assert {word.removeprefix("--") for word in words if word.startswith("--")} <= options
