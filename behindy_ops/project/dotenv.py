r"""Files of ``NAME=value`` lines: this machine's settings, and the containers' values.

The settings are read by python-dotenv (:func:`read_env_file`); what it would skip is a mistake. The containers' values
are read, and written, as docker compose reads them (:func:`parse`, :func:`render`), because it is docker compose
that hands them over: docs/design.md, "Compose's .env dialect". Within single quotes only ``\'`` means something else (a
quote); within double quotes ``\\``, ``\"``, ``\$``, ``\n`` and the like do; outside of both, `` #`` begins a comment. A
``$`` outside single quotes is a variable: one that no earlier line defines is empty, silently. Here that is a mistake.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
_EMPTY = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
_QUOTED = {"'": re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL), '"': re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)}
_ESCAPE = re.compile(r"\\(?:([abfnrtv$\"\\])|(0[0-7]{0,3}))")
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_DOLLAR = re.compile(r"(?:\\.)|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)[^}]*\})?", re.ASCII | re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=~^-]*")
_SINGLE = re.compile(r"(?:[^\\\r]|\\(?![\\']|\Z))*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a file says: its values, and one line for each mistake in it."""

    values: dict[str, str]
    mistakes: tuple[str, ...] = ()


def read_env_file(path: Path) -> EnvFile:
    """Read one file as python-dotenv does, without interpolation (a ``$`` in a password is a ``$``).

    A file that is not there says nothing. A line that python-dotenv would skip with a warning is a mistake here. No
    mistake repeats a line, because any line may hold a secret.
    """
    from dotenv.parser import parse_stream

    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return EnvFile({})
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return EnvFile({}, (f"{path.name}: cannot be read: {reason}",))
    values: dict[str, str] = {}
    mistakes: list[str] = []
    for binding in parse_stream(StringIO(text)):
        whole = binding.original.string  # with the blank lines before it
        line = binding.original.line + whole[: len(whole) - len(whole.lstrip())].count("\n")
        if binding.error or (binding.key is not None and binding.value is None):
            mistakes.append(f"{path.name}, line {line}: not of the form NAME=value")
        elif binding.key is not None:
            values[binding.key] = binding.value or ""
    return EnvFile(values, tuple(mistakes))


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment.

    Attributes:
        value: None when it refers to a name that an earlier line defines; docker compose fills that in.
        line: the number of its first line.
        span: where it is in the text, its line's end included.
    """

    name: str
    value: str | None
    line: int
    span: tuple[int, int]

    def __repr__(self) -> str:
        return f"Entry({self.name!r}, line {self.line})"


@dataclass(frozen=True, slots=True)
class EnvText:
    """A whole file: its text with plain line ends, the assignments, and one line for each mistake (without values)."""

    text: str
    entries: tuple[Entry, ...] = ()
    mistakes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"EnvText({len(self.entries)} names)"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.entries)


def parse(text: str) -> EnvText:
    """Read a text. What docker compose would read otherwise than it looks is a mistake; no mistake repeats a value."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if text and not text.endswith("\n"):
        text += "\n"
    entries: list[Entry] = []
    mistakes: list[str] = []
    at = 0
    while at < len(text):
        if empty := _EMPTY.match(text, at):
            at = empty.end()
            continue
        line = text.count("\n", 0, at) + 1
        entry, wrong = _entry(text, at, line, {entry.name: entry.line for entry in entries})
        if wrong:
            mistakes.append(f"line {line}: {wrong}")
        if entry is not None:
            entries.append(entry)
        at = entry.span[1] if entry is not None else _end(_LINE, text, at)
    if "\0" in text:
        mistakes.append("it has a NUL character, which no environment can hold")
    return EnvText(text, tuple(entries), tuple(mistakes))


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else len(text)


def _entry(text: str, at: int, line: int, known: dict[str, int]) -> tuple[Entry | None, str]:
    """The assignment that begins here, and what is wrong with it."""
    start = _ASSIGNMENT.match(text, at)
    if start is None:
        return None, "not of the form NAME=value"
    name, quote = start[1], text[start.end() : start.end() + 1]
    wrong = f"{name} is given a second time (line {known[name]})" if name in known else ""
    if quote in _QUOTED:
        quoted = _QUOTED[quote].match(text, start.end())
        rest = _EMPTY.match(text, quoted.end()) if quoted else None
        if quoted is None or rest is None:
            return None, f"{name}: {'something follows the closing quote' if quoted else f'no closing {quote}'}"
        raw, end = quoted[1], rest.end()
    else:
        end = _end(_LINE, text, start.end())
        raw = text[start.end() : end]
        if re.search(r"[^\S ]#", raw):
            wrong = wrong or f"{name}: a # after a tab; put the value in 'single quotes', or a space before the comment"
        raw = raw.partition(" #")[0].strip()
    value, doubt = _value(raw, quote, known)
    return Entry(name, value, line, (at, end)), wrong or (f"{name}: {doubt}" if doubt else "")


def _value(raw: str, quote: str, known: dict[str, int]) -> tuple[str | None, str]:
    """What docker compose makes of it, None for a reference, and what is doubtful."""
    if quote == "'":
        return raw.replace("\\'", "'"), ""
    refers = False
    for match in _DOLLAR.finditer(raw):
        if not match[0].startswith("$"):
            continue
        if (match[1] or match[2]) not in known:
            return "", "docker compose takes the $ in it for a variable; put the value in 'single quotes'"
        refers = True
    if refers:
        return None, ""
    return (_ESCAPE.sub(_unescaped, raw) if quote == '"' else raw), ""


def _unescaped(match: re.Match[str]) -> str:
    if match[2]:
        return chr(int(match[2], 8))
    return _LETTERS.get(match[1], match[1])


def render(name: str, value: str) -> str:
    """Return the line that docker compose reads as exactly this value.

    Raises:
        ValueError: no environment can hold it.
    """
    if "\0" in value:
        raise ValueError("it has a NUL character, which no environment can hold")
    if _PLAIN.fullmatch(value):
        return f"{name}={value}\n"
    if _SINGLE.fullmatch(value):
        quoted = value.replace("'", "\\'")
        return f"{name}='{quoted}'\n"
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\r", "\\r")):
        value = value.replace(plain, escaped)
    return f'{name}="{value}"\n'


def put(file: EnvText, name: str, value: str) -> EnvText:
    """Return the file with this value for this name: in its place, or behind the last line; all else stays as it is."""
    line = render(name, value)
    for entry in file.entries:
        if entry.name == name:
            return parse(file.text[: entry.span[0]] + line + file.text[entry.span[1] :])
    return parse(file.text + line)
