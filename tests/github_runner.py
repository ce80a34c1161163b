"""As much of GitHub's runner as the tests need: it evaluates expressions, runs a job's steps, and reads their log.

What it does with the lines of a log is what the runner does (actions/runner: ActionCommand, ActionCommandManager).
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMMANDS = {
    *("add-mask", "error", "warning", "notice", "group", "endgroup", "debug", "set-output", "set-env", "save-state"),
    *("add-path", "echo", "add-matcher", "remove-matcher", "stop-commands"),
}
_TOKEN = re.compile(r"\s*(\|\||&&|==|!=|!|\(|\)|,|'(?:[^']|'')*'|[A-Za-z_][\w.-]*|\d+)")


def load(path: Path) -> dict[str, Any]:
    """Read a workflow; YAML takes the key ``on`` for a truth value."""
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in loaded.items()}


class Expression:
    """One ``${{ ... }}``, evaluated in contexts such as ``secrets``; a name that is not there is empty."""

    def __init__(self, text: str, contexts: Mapping[str, Any]) -> None:
        self._words = _TOKEN.findall(text)
        assert "".join(self._words) == re.sub(r"\s+(?=(?:[^']*'[^']*')*[^']*$)", "", text), f"not understood: {text}"
        self._contexts = contexts

    def value(self) -> Any:
        value = self._either()
        assert not self._words, f"left over: {self._words}"
        return value

    def _either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._take("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Any:
        value = self._one()
        if self._take("=="):
            return _alike(value, self._one())
        return not _alike(value, self._one()) if self._take("!=") else value

    def _one(self) -> Any:
        if self._take("!"):
            return not self._one()
        if self._take("("):
            value = self._either()
            assert self._take(")")
            return value
        word = self._words.pop(0)
        if word in {"true", "false"} or word.isdecimal():
            return word == "true" if not word.isdecimal() else int(word)
        if word.startswith("'"):
            return word[1:-1].replace("''", "'")
        if self._take("("):
            return self._called(word)
        found: Any = self._contexts
        for name in word.split("."):
            found = found.get(name, "") if isinstance(found, dict) else ""
        return found

    def _called(self, name: str) -> Any:
        arguments = []
        while not self._take(")"):
            arguments.append(self._either())
            self._take(",")
        if name == "format":
            return re.sub(r"\{(\d+)\}", lambda match: str(arguments[int(match[1]) + 1]), arguments[0])
        if name == "startsWith":
            return str(arguments[0]).lower().startswith(str(arguments[1]).lower())
        if name == "fromJSON":
            # GitHub evaluates only what the result depends on, and this what is left of && as well.
            with contextlib.suppress(ValueError):
                return json.loads(arguments[0])
            return None
        assert name in {"always", "cancelled", "failure"}, name
        return name == "always"

    def _take(self, word: str) -> bool:
        if self._words[:1] == [word]:
            self._words.pop(0)
            return True
        return False


def _alike(one: Any, other: Any) -> bool:
    """Two strings are compared without regard to case; values of two kinds are numbers, of which no text is 0."""
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return bool(type(one) is type(other) and one == other) or _number(one) == _number(other)


def _number(value: Any) -> float:
    if isinstance(value, str):
        return float(value) if re.fullmatch(r"-?[\d.]+", value) else 0.0 if not value else math.nan
    return float(value)


@dataclass(frozen=True)
class Repository:
    """What is set in a repository on GitHub.

    Attributes:
        secrets: of the repository itself and of its organization; ``variables`` likewise.
        environments: name to the secrets and the variables of each.
    """

    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = field(default_factory=dict)

    def of_job(self, environment: str = "") -> dict[str, dict[str, str]]:
        """The secrets and variables of a job of a workflow that nobody calls."""
        secrets, variables = self.environments.get(environment, ({}, {}))
        return {"secrets": {**self.secrets, **secrets}, "vars": {**self.variables, **variables}}


class NotAllowed(Exception):
    """GitHub would not start a run of this."""


def called(
    caller: Mapping[str, Any], workflow: Mapping[str, Any], repository: Repository, github: Mapping[str, Any]
) -> Callable[[str], dict[str, Any]]:
    """What a job of a called workflow is given, by GitHub's rules; the job is named by its key.

    A secret arrives under a name that the caller passes (or under any, with ``inherit``), if the called workflow knows
    the name. The caller's job has no environment, so what it passes on is the repository's. A job that names an
    environment has that one's value in its place, but under no name that was not passed: actions/runner#1490 and #4453.
    Variables are the repository's and the environment's, whatever is passed.
    """
    declared = workflow["on"]["workflow_call"]
    passed, given = caller.get("secrets", {}), caller.get("with", {})
    outside = {**repository.of_job(), "inputs": github.get("inputs", {}), "github": github}
    for kind, names in (("secrets", passed if passed != "inherit" else {}), ("inputs", given)):
        if unknown := names.keys() - declared[kind].keys():
            raise NotAllowed(f"Unknown {kind}: {sorted(unknown)}")
    inputs = {name: one.get("default", "") for name, one in declared["inputs"].items()}
    for name, value in given.items():
        found = _value_of(value, outside)
        if not isinstance(found, {"boolean": bool, "string": str}[declared["inputs"][name]["type"]]):
            raise NotAllowed(f"The input {name} is {found!r}.")
        inputs[name] = found
    if missing := [name for name, one in declared["inputs"].items() if one.get("required") and not inputs[name]]:
        raise NotAllowed(f"Not given: {missing}")
    for job in workflow["jobs"].values():
        if more := job.get("permissions", {}).items() - caller.get("permissions", {}).items():
            raise NotAllowed(f"A job asks for {sorted(more)}, which its caller has not.")

    def contexts(key: str) -> dict[str, Any]:
        chosen = workflow["jobs"][key].get("environment", "")
        named = chosen["name"] if isinstance(chosen, dict) else chosen
        environment = filled(named, {"inputs": inputs})
        own, everything = repository.environments.get(environment, ({}, {}))[0], repository.of_job(environment)
        from_caller = {**everything["secrets"]}
        if passed != "inherit":
            from_caller = {name: _value_of(value, outside) for name, value in passed.items()}
        secrets = {name: own.get(name, value) for name, value in from_caller.items()}
        return {"secrets": secrets, "vars": everything["vars"], "inputs": inputs, "github": github}

    return contexts


def _value_of(value: Any, contexts: Mapping[str, Any]) -> Any:
    """The value of an entry: of one that is an expression and nothing else, whatever kind that has."""
    if not isinstance(value, str):
        return value
    alone = re.fullmatch(r"\$\{\{((?:(?!\}\}).)*)\}\}", value.strip(), re.DOTALL)
    return Expression(alone[1].strip(), contexts).value() if alone else filled(value, contexts)


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """The text with its expressions replaced by their values."""

    def shown(match: re.Match[str]) -> str:
        value = Expression(match[1].strip(), contexts).value()
        return str(value).lower() if isinstance(value, bool) else str(value)

    return re.sub(r"\$\{\{(.*?)\}\}", shown, text, flags=re.DOTALL)


@dataclass
class Log:
    """What the runner makes of what a step prints.

    Attributes:
        shown: the lines a person sees, secrets masked.
        bare: the same, not masked; what would be seen if masking failed.
        obeyed: (command, properties, message) of every command, in order.
    """

    shown: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    masks: set[str] = field(default_factory=set)
    obeyed: list[tuple[str, str, str]] = field(default_factory=list)

    def named(self, command: str) -> list[tuple[str, str]]:
        return [(properties, message) for name, properties, message in self.obeyed if name == command]

    @property
    def text(self) -> str:
        return "\n".join(self.shown)


def read_log(text: str) -> Log:
    """Read a log as the runner does, line by line."""
    log, known, token = Log(), set(COMMANDS), ""
    for line in re.split(r"\r?\n", text):
        found = _parsed(line, known)
        if found is None or (token and found[0].lower() != token.lower()):
            _show(log, line)
            continue
        name, properties, message = found
        log.obeyed.append((name, properties, message))
        if token:
            known.discard(token)
            token = ""
        elif name == "stop-commands":
            assert message
            assert message not in known
            token = message
            known.add(token)
        elif name == "add-mask":
            assert message.strip(), "the runner warns of an empty mask"
            log.masks |= {message, *(part.strip() for part in message.splitlines() if part.strip())}
        else:
            _show(log, message)
    return log


def _show(log: Log, line: str) -> None:
    log.bare.append(line)
    for mask in sorted(log.masks, key=len, reverse=True):
        line = line.replace(mask, "***")
    log.shown.append(line)


def _parsed(line: str, known: set[str]) -> tuple[str, str, str] | None:
    newer = re.match(r"\s*::([^ ]*?)(?: (.*?))?::(.*)", line)
    if newer and newer[1] in known:
        return newer[1], _unescaped(newer[2] or ""), _unescaped(newer[3])
    older = re.search(r"##\[(\S*?)(?: (.*?))?\](.*)", line)
    return (older[1], older[2] or "", older[3]) if older and older[1] in known else None


def _unescaped(text: str) -> str:
    for code in ("0D", "0A", "3A", "2C", "25"):
        text = text.replace(f"%{code}", chr(int(code, 16)))
    return text


@dataclass(frozen=True)
class StepRun:
    """A step that has ended; ``outputs`` and ``summary`` are what it wrote to the runner's files."""

    name: str
    code: int
    raw: str
    seconds: float
    summary: str
    outputs: str

    @property
    def log(self) -> Log:
        return read_log(self.raw)


class Runner:
    """A clean machine: a new home, no agent, nothing pinned, and of the environment only what is given.

    Args:
        base: what every step's environment has.
        checkout: makes the folder that an ``actions/checkout`` step asks for.
    """

    def __init__(self, folder: Path, base: Mapping[str, str], checkout: Callable[[Path], None]) -> None:
        self.folder, self.workspace = folder, folder / "work"
        self._base, self._checkout = dict(base), checkout
        for made in ("home", "temp", "work"):
            (folder / made).mkdir(parents=True, exist_ok=True)

    def job(
        self, job: Mapping[str, Any], contexts: Mapping[str, Any], cancel: tuple[str, str] | None = None
    ) -> list[StepRun]:
        """Run the steps of a job until one fails; of third-party actions, only checkout is imitated.

        ``cancel`` is a step's name and a text in its log; when that is printed, the job is cancelled.
        """
        ran: list[StepRun] = []
        for step in job["steps"]:
            if "if" in step and not Expression(step["if"], contexts).value():
                continue
            if "uses" in step:
                place = self.workspace / step.get("with", {}).get("path", ".")
                if step["uses"].startswith("actions/checkout@") and not (place / "inv").exists():
                    self._checkout(place)
                continue
            ran.append(self._run(step, contexts, cancel[1] if cancel and cancel[0] == step["name"] else ""))
            if ran[-1].code:
                break
        return ran

    def _run(self, step: Mapping[str, Any], contexts: Mapping[str, Any], cancel_at: str) -> StepRun:
        script = self.folder / "temp" / "step.sh"
        script.write_text(filled(step["run"], contexts), encoding="utf-8")
        files = {name: self.folder / "temp" / name for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
        for file in files.values():
            file.write_text("")
        env = {
            **self._base,
            "HOME": str(self.folder / "home"),
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_WORKSPACE": str(self.workspace),
            **{name: str(file) for name, file in files.items()},
            **{name: filled(str(value), contexts) for name, value in step.get("env", {}).items()},
        }
        begun = time.monotonic()
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.workspace / step.get("working-directory", "."),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        with process:
            raw = self._followed(process, cancel_at)
        script.unlink()
        written = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
        return StepRun(
            step["name"], process.returncode, raw, time.monotonic() - begun, *(written[name] for name in files)
        )

    def _followed(self, process: subprocess.Popen[str], cancel_at: str) -> str:
        lines: list[str] = []
        for line in cast("IO[str]", process.stdout):
            lines.append(line)
            if cancel_at and cancel_at in line:
                cancel_at = ""
                threading.Thread(target=cancelled, args=(process,), daemon=True).start()
        process.wait(timeout=60)
        return "".join(lines)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def cancelled(process: subprocess.Popen[str]) -> None:
    """Cancel a step as the runner does: its entry process alone gets SIGINT, then SIGTERM, then a kill."""
    for number, seconds in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5)):
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
