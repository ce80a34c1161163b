"""What a page tells people to type, compared with the tasks and options that there are."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from behindy_ops.project.compose import deployable_names
from behindy_ops.tasks import root
from behindy_ops.tasks.options import ENV
from sandbox.tasks import add_to
from sandbox.tasks.quality import CHECKOUT

_SHORT = {"-f": "--follow"}


@cache
def options() -> dict[str, set[str]]:
    """Each task by name with its options, as they are typed; ``deploy.SERVICE`` is any of the services'."""
    tasks = add_to(root())
    found = {
        name: {f"--{max(argument.names, key=len).replace('_', '-')}" for argument in tasks[name].get_arguments()}
        for name in tasks.task_names
    }
    service = next(iter(deployable_names(CHECKOUT / "compose" / "docker-compose.yml")))
    return found | {"deploy.SERVICE": found[f"deploy.{service}"], "--help": set()}


def page(name: str) -> str:
    return Path(CHECKOUT, name).read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def unknown(text: str) -> list[str]:
    """The ``inv`` commands of a page that nobody could type: no such task, or not with that option."""
    typed: list[str] = re.findall(r"`([^`]+)`", without_code(text))
    typed += (line for block in blocks(text) for line in block.splitlines())
    wrong = []
    for line in typed:
        for command in re.findall(r"\binv\s+([^;&|#]+)", line):
            name, *words = command.split(" -- ")[0].split()
            used = {_SHORT.get(word, word).partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            if name not in options() or used - options()[name] - {f"--{ENV}"}:
                wrong.append(" ".join(line.split()))
    return wrong


def headings(text: str) -> list[tuple[int, str]]:
    """The level and the words of each heading."""
    return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.+)$", without_code(text), re.MULTILINE)]


def anchors(text: str) -> set[str]:
    return {re.sub(r"[^\w -]", "", words.lower()).replace(" ", "-") for _, words in headings(text)}


def rows(text: str) -> list[list[str]]:
    """The cells of every table row; an escaped bar is part of its cell."""
    lines = (line for line in text.splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]


def blocks(text: str) -> list[str]:
    """What is to be typed, without the remarks behind it, which are in the page's language."""
    found = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return ["\n".join(re.split(r" +# ", line)[0] for line in block.splitlines()) for block in found]
