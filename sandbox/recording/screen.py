"""What a terminal shows of what is written to it: as much of one as our own output needs. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rich.cells import cell_len

__all__ = ["COLUMNS", "ROWS", "Part", "Row", "Screen", "Style"]

COLUMNS, ROWS = 80, 64

_SEQUENCE = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|\x1b(.?)")
_BEGUN = re.compile(r"\x1b(?:\[\??[\d;]*)?\Z")
"""A sequence whose end is in what is written next."""
_COLOURS = {31: "red", 32: "green", 33: "yellow", 36: "cyan"}


@dataclass(frozen=True)
class Style:
    """How a character looks; an empty colour is that of the text."""

    colour: str = ""
    bold: bool = False
    dim: bool = False


@dataclass(frozen=True)
class Part:
    """Characters of one style, from a column on."""

    column: int
    text: str
    style: Style


Row = tuple[Part, ...]


class Screen:
    """Give it what was written; ask it what there is to see.

    Raises:
        ValueError: (:meth:`feed`) a sequence that is not known, or more than fits: it would be drawn wrong.
    """

    def __init__(self) -> None:
        self._cells: list[dict[int, tuple[str, Style]]] = [{}]
        self._row = self._column = 0
        self._style = Style()
        self._rest = ""

    def feed(self, text: str) -> None:
        text = self._rest + text
        begun = _BEGUN.search(text)
        text, self._rest = (text[: begun.start()], begun[0]) if begun else (text, "")
        at = 0
        for match in _SEQUENCE.finditer(text):
            self._write(text[at : match.start()])
            at = match.end()
            if match[3] is None:
                raise ValueError(f"an escape sequence that is not known: {match[0]!r}")
            self._obey(match[1], [int(number or 0) for number in match[2].split(";")], match[3])
        self._write(text[at:])

    def rows(self) -> tuple[Row, ...]:
        """What is seen, row by row; what is blank at the end of one is left out, and so are blank rows at the end."""
        rows = [_parts(cells) for cells in self._cells]
        while rows and not rows[-1]:
            rows.pop()
        return tuple(rows)

    def _write(self, text: str) -> None:
        for character in text:
            match character:
                case "\n":
                    self._row += 1
                    while len(self._cells) <= self._row:
                        self._cells.append({})
                    if self._row >= ROWS:
                        raise ValueError(f"more than {ROWS} rows")
                case "\r":
                    self._column = 0
                case "\a":
                    pass
                case _ if cell_len(character) != 1:
                    raise ValueError(f"a character that does not take one cell: {character!r}")
                case _:
                    if self._column >= COLUMNS:
                        self._column = 0
                        self._write("\n")
                    self._cells[self._row][self._column] = (character, self._style)
                    self._column += 1

    def _obey(self, private: str, numbers: list[int], what: str) -> None:
        if private and what in "hl":
            return  # the cursor is hidden, or shown: there is none in a picture
        count = numbers[0] or 1
        match what:
            case "m":
                for number in numbers:
                    self._style = _styled(self._style, number)
            case "A":
                self._row = max(0, self._row - count)
            case "K":
                cells = self._cells[self._row]
                kept = {} if numbers[0] == 2 else {at: cell for at, cell in cells.items() if at < self._column}
                self._cells[self._row] = kept
            case _:
                raise ValueError(f"an escape sequence that is not known: {what!r} {numbers}")


def _styled(style: Style, number: int) -> Style:
    match number:
        case 0:
            return Style()
        case 1:
            return replace(style, bold=True)
        case 2:
            return replace(style, dim=True)
        case 39:
            return replace(style, colour="")
        case _ if number in _COLOURS:
            return replace(style, colour=_COLOURS[number])
        case _:
            raise ValueError(f"a style that is not known: {number}")


def _parts(cells: dict[int, tuple[str, Style]]) -> Row:
    """The cells as parts, each without blanks at its ends."""
    parts: list[Part] = []
    for column in sorted(cells):
        character, style = cells[column]
        last = parts[-1] if parts else None
        if last and last.style == style and last.column + len(last.text) == column:
            parts[-1] = replace(last, text=last.text + character)
        else:
            parts.append(Part(column, character, style))
    trimmed = (
        replace(part, column=part.column + len(part.text) - len(part.text.lstrip(" ")), text=part.text.strip(" "))
        for part in parts
    )
    return tuple(part for part in trimmed if part.text)
