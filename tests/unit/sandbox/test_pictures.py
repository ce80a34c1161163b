"""The picture of the architecture: what is committed is what is drawn, and it can be read in both colour schemes."""

from __future__ import annotations

from dataclasses import astuple
from xml.etree import ElementTree

import pytest

from sandbox.pictures.architecture import DARK, ENGLISH, KOREAN, LIGHT, Scheme, architecture, pictures
from sandbox.tasks.quality import CHECKOUT

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("path", pictures())
def test_what_is_committed_is_what_is_drawn(path: str) -> None:
    assert (CHECKOUT / path).read_text(encoding="utf-8") == pictures()[path], "python -m sandbox.pictures"


@pytest.mark.parametrize("words", [ENGLISH, KOREAN])
def test_every_word_is_in_it_and_nothing_is_fetched(words: dict[str, str]) -> None:
    picture = ElementTree.fromstring(architecture(words, LIGHT))  # noqa: S314
    told = {element.text for element in picture.iter() if element.tag in {f"{SVG}text", f"{SVG}title"}}
    assert set(words.values()) <= told
    assert not [name for element in picture.iter() for name in element.attrib if name.endswith("href")]


def test_both_languages_say_the_same() -> None:
    assert ENGLISH.keys() == KOREAN.keys()


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_texts_can_be_read(scheme: Scheme) -> None:
    page, box, _, *texts = astuple(scheme)
    assert [text for text in texts if min(contrast(text, page), contrast(text, box)) < 4.5] == []


def test_a_contrast_is_measured() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") < 4.5


def contrast(colour: str, other: str) -> float:
    """As WCAG 2 defines it, from 1 to 21."""
    light, dark = sorted((luminance(colour), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
