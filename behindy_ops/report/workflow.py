"""GitHub's workflow commands, as text; see GitHub's documentation, "Workflow commands for GitHub Actions".

The runner reads every line a step prints and obeys those that are commands: ``::name key=value::message`` at the start
of a line (white space before it does not count), and the older ``##[name key=value]message`` anywhere in one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence

from behindy_ops.project.secret import Secret
from behindy_ops.report.text import printable

SHORT = 8
"""Characters below which a line of a private key is not masked: it tells nothing, and would hide ordinary words."""


def on_actions(environ: Mapping[str, str]) -> bool:
    """Return whether this is a step of a GitHub Actions job."""
    return environ.get("GITHUB_ACTIONS") == "true"


def command(name: str, message: str = "", **properties: str) -> str:
    """Return a command as one line; what is in its values cannot end it or begin another."""
    given = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items() if value)
    return f"::{name}{' ' if given else ''}{given}::{_escaped(message)}"


def _escaped(text: str, further: str = "") -> str:
    for character in f"%\r\n{further}":  # the percent sign first, or it would be escaped again
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def masks(values: Iterable[Secret]) -> list[str]:
    """Return the commands that make the runner hide these values, one for each line of a value with several."""
    hidden: dict[str, None] = {}
    for secret in values:
        lines = secret.reveal().replace("\\n", "\n").splitlines()
        if len(lines) > 1:
            lines = [line.strip() for line in lines if len(line.strip()) >= SHORT and not line.startswith("-----")]
        else:
            lines = [secret.reveal()]
        hidden.update(dict.fromkeys(line for line in lines if line.strip()))
    return [command("add-mask", line) for line in hidden]


def inert(line: str) -> str:
    """Return the line so that the runner does not take it for a command, whoever wrote it."""
    line = line.replace("##[", "## [")
    return f"| {line}" if re.match(r"\W*?::", line) else line


def quoted(lines: Sequence[str]) -> list[str]:
    """Return lines that somebody else wrote, between two that turn the runner's obedience off and on again.

    What turns it on again is random, so that none of the lines can.
    """
    token = secrets.token_hex(16)
    said = [part for line in lines for part in printable(line).split("\n")]
    return [command("stop-commands", token), *map(inert, said), command(token)]
