"""Wording and layout that all renderers for people share: pure functions from data to lines."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from enum import Enum

from behindy_ops.report.events import Decision, DeployFinished, Failed, Note, Remark, Warning_

WIDTH = 80

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # window titles, links
    r"|\x1b[@-Z\\-_]?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_DRAWN = str.maketrans("▁▂▃▄▅▆▇█░…", "_.:-=+*#-~")
"""What bars and cut-off texts are drawn with, and what stands for it in ASCII."""


class Tone(Enum):
    """How a line is meant; renderers choose the colour."""

    PLAIN = ""
    GOOD = "green"
    BAD = "bold red"
    CAREFUL = "yellow"
    FAINT = "dim"
    STRONG = "bold"


LEVEL_TONES = {"ok": Tone.GOOD, "warning": Tone.CAREFUL, "refusal": Tone.BAD}
"""The tone of a check, by its level."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line to show, without its newline. An ``exact`` one is never wrapped: it may be copied."""

    text: str
    tone: Tone = Tone.PLAIN
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs in front of lines."""

    done: str = "\u2713"
    failed: str = "\u2717"
    arrow: str = "\u2192"
    note: str = "\u00b7"
    warning: str = "!"
    bar: str = "\u2502"
    running: str = "\u280b\u2819\u2839\u2838\u283c\u2834\u2826\u2827\u2807\u280f"


ASCII = Marks(done="+", failed="x", arrow=">", note="-", warning="!", bar="|", running="-\\|/")


def marks_for(encoding: str | None) -> Marks:
    """Return the signs a stream's encoding can show."""
    return Marks() if _has("".join(astuple(Marks())), encoding) else ASCII


def sign(remark: Remark, marks: Marks) -> tuple[str, Tone]:
    """Return what stands in front of a remark, and its tone."""
    return {
        Decision: (marks.arrow, Tone.PLAIN),
        Note: (marks.note, Tone.FAINT),
        Warning_: (marks.warning, Tone.CAREFUL),
    }[type(remark)]


def shown_with(encoding: str | None, lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines as a stream can show them: drawn with ASCII where its encoding lacks block characters."""
    if _has("".join(map(chr, _DRAWN)), encoding):
        return lines
    return [replace(line, text=line.text.translate(_DRAWN)) for line in lines]


def _has(characters: str, encoding: str | None) -> bool:
    try:
        characters.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def printable(text: str) -> str:
    """Return the text without anything that would move the cursor, colour, or hide: safe to show, whoever wrote it."""
    return _CONTROL.sub("\ufffd", _ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n")).expandtabs(4))


def error_lines(error: Failed, mark: str = "", *, width: int = WIDTH) -> list[Line]:
    """Return an error as every task shows it: its title, what happened, the host's state, what to do, evidence.

    Args:
        mark: what stands in front of the title.
    """
    lines = [Line(f"{mark}{error.title} (exit code {error.exit_code})", Tone.BAD)]
    for head, text, tone in (
        ("  What  ", error.what, Tone.PLAIN),
        ("  State ", error.state, Tone.PLAIN),
        ("  Next  ", error.remedy, Tone.STRONG),
    ):
        lines += _beside(head, text, tone, width)
    evidence = [Line(f"    {printable(line)}", exact=True) for line in error.lines]
    return [*lines, Line(""), *evidence] if evidence else lines


def entry(head: str, text: str, tone: Tone, *, remedy: str = "", evidence: Iterable[str] = ()) -> list[Line]:
    """An entry of a list: its head, the text wrapped beside it; below it what to type, and the evidence."""
    told = _beside(head, text, tone) or [Line(head, tone)]
    told += _beside("     -> ", remedy, Tone.STRONG)
    return told + [Line(f"        {printable(line)}", exact=True) for line in evidence]


def ending(event: DeployFinished, tag: str) -> tuple[str, Tone]:
    """Return one sentence on how a deploy ended, and its tone."""
    name = f"{event.service} {tag}".strip()
    return {
        "live": (f"{name} is live", Tone.GOOD),
        "unchanged": (f"{name} is live already; nothing changed", Tone.GOOD),
        "older": (f"{name} is older than what is live; nothing changed", Tone.GOOD),
        "planned": (f"{name} was only planned; nothing changed", Tone.GOOD),
        "refused": (f"{name} was refused; it never took traffic", Tone.BAD),
        "switched back": (f"{name} was taken back; the previous release serves again", Tone.BAD),
    }.get(event.outcome, (f"{name}: {event.outcome}", Tone.PLAIN))


def facts(event: DeployFinished) -> dict[str, str]:
    """Return the facts that say something."""
    return {name.replace("_", " "): printable(value) for name, value in event.facts.items() if value}


def fact_lines(event: DeployFinished) -> list[str]:
    """Return the facts that say something, names in one column."""
    told = facts(event)
    column = max(map(len, told), default=0) + 2
    return [f"{name:<{column}}{value}" for name, value in told.items()]


def _beside(head: str, text: str, tone: Tone, width: int = WIDTH - 1) -> list[Line]:
    """Return the text beside its head, its later lines below its first; commands and paths are not broken."""
    wrapped = [
        line
        for paragraph in printable(text).splitlines()
        for line in textwrap.wrap(paragraph, width - len(head), break_long_words=False, break_on_hyphens=False)
    ]
    return [Line(f"{' ' * len(head) if number else head}{line}", tone) for number, line in enumerate(wrapped)]
