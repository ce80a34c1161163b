"""What is to be run on the host, as data, and the one place that turns it into a line for the remote shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from urllib.parse import quote

from behindy_ops.errors import BehindyError, RemoteCommandFailed
from behindy_ops.facts import replies
from behindy_ops.facts.replies import Reply
from behindy_ops.host import exit_codes

KILL_AFTER = 5
"""Seconds between the TERM and the KILL that ``timeout`` sends on the host."""

SHELL = ("bash", "-c")
"""How our scripts are run."""

LIBRARIES = "# lib: "
"""How a script's first line begins when it shares code with others."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command for the host; it costs one SSH channel.

    Attributes:
        argv: program and arguments; nothing in it is secret, since ``ps`` on the host shows it.
        title: what it does, in words, for messages ("pull the image").
        timeout: seconds after which the host itself ends it (docs/design.md, "Remote timeouts").
        stdin: bytes for its standard input; the only way for a secret (docs/design.md, "Secrets on standard input").
        public: nothing in ``stdin`` is secret, so that it goes with the command itself: a round trip less.
        changes: it changes something, so it runs only while our lease holds.
        on_line: called with each line of its standard output as it arrives.
        on_error_line: the same for its standard error.
        follow: it runs until somebody has seen enough: its standard input stays open as long as this client lives, so
            that the script can end with it, and what was told by lines is not kept.
        feed: pieces of what follows ``stdin``, sent as the host takes them: for what is too large to be held.
        sink: is given standard output piece by piece instead, for what is too large to be held; what it raises ends the
            wait.
        secret: its standard output holds secrets, so it is never taken for an explanation.
    """

    argv: tuple[str, ...]
    title: str
    timeout: float = 30.0
    stdin: bytes = field(default=b"", repr=False)
    public: bool = False
    changes: bool = False
    on_line: Callable[[str], None] | None = field(default=None, compare=False, repr=False)
    on_error_line: Callable[[str], None] | None = field(default=None, compare=False, repr=False)
    follow: bool = False
    feed: Iterable[bytes] | None = field(default=None, compare=False, repr=False)
    sink: Callable[[bytes], object] | None = field(default=None, compare=False, repr=False)
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended.

    Attributes:
        exit_code: its exit status; -1 when a signal ended it, which is a failure like any other (SSH then sends no
            status, and paramiko gives -1).
        seconds: from sending it to its end, as the client saw it.
    """

    command: Command
    exit_code: int
    stdout: str
    stderr: str
    seconds: float

    def reply(self, mark: str = "") -> Reply:
        """Return what it printed, taken apart: in sections under ``mark``, or a short answer without them.

        Raises:
            RemoteCommandFailed: an answer in sections is cut short.
        """
        return replies.read(self.stdout, mark) if mark else replies.short(self.stdout)

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    def how(self) -> str:
        """The end in words: ``exit code 3``, ``killed by a signal``, ``timed out after 30 s``."""
        if self.exit_code in exit_codes.TIMED_OUT and self.seconds >= self.command.timeout * 0.9:
            return f"timed out after {self.command.timeout:g} s"
        if self.exit_code in exit_codes.KILLED:
            return "killed by a signal"
        return f"exit code {self.exit_code}"

    def last_lines(self, count: int = 10) -> tuple[str, ...]:
        """The last lines it wrote, standard error first where there is any."""
        said = self.stderr.strip() or ("" if self.command.secret else self.stdout.strip())
        return tuple(said.splitlines()[-count:])

    def require(self, *, state: str = "", remedy: str = "", **names: object) -> Result:
        """Return itself, or raise :meth:`error`."""
        if self.ok:
            return self
        raise self.error(state=state, remedy=remedy, **names)

    def error(self, *, state: str = "", remedy: str = "", **names: object) -> BehindyError:
        """Return why it failed, with its last lines.

        Args:
            state: what state the host is in.
            remedy: what to type next where the exit code of a script does not tell.
            names: what the sentence of :mod:`behindy_ops.host.exit_codes` is filled in with.
        """
        lines = self.last_lines()
        if self.command.argv[:2] == SHELL and (told := exit_codes.error(self.exit_code, lines, state=state, **names)):
            return told
        return RemoteCommandFailed(
            f"Could not {self.command.title}: {self.how()}.", state=state, remedy=remedy, lines=lines
        )


@cache
def script_text(name: str, engine: str = "") -> str:
    """Return the shell text of ``host/scripts/<name>.sh``, after the parts of ``lib/`` that its first line asks for.

    Comment lines only cost bytes, so they are left out.

    Args:
        engine: as for :func:`script_parts`.
    """
    return "\n".join(line for _, part in script_parts(name, engine) for line in without_comments(part))


@cache
def as_told_to(engine: str) -> Mapping[str, str]:
    """Return the text of each script that is another with this engine, by the text that it has otherwise."""
    names = (name for name in script_names() if "lib/" not in name)
    pairs = {script_text(name): script_text(name, engine) for name in names} if engine else {}
    return {text: other for text, other in pairs.items() if text != other}


def script_names() -> tuple[str, ...]:
    """Return the names of all scripts, such as ``deploy/drain``."""
    root = files("behindy_ops.host").joinpath("scripts")
    found: list[str] = []
    left = [("", root)]
    while left:
        place, folder = left.pop()
        for each in folder.iterdir():
            if each.is_dir():
                left.append((f"{place}{each.name}/", each))
            elif each.name.endswith(".sh"):
                found.append(f"{place}{each.name.removesuffix('.sh')}")
    return tuple(sorted(found))


def without_comments(text: str) -> list[str]:
    """Return a script's lines without blank ones and comments."""
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def script_parts(name: str, engine: str = "") -> list[tuple[str, str]]:
    """Return what a script is put together from, in order: names and whole texts, itself last.

    A script asks for what it shares with others by its first line, such as ``# lib: sections engine``.

    Args:
        engine: a folder of scripts that stand in the place of those of the same name; what it has in its ``lib/``
            comes after what is common, and says otherwise.
    """
    own = f"{engine}/{name}" if engine and _there(f"{engine}/{name}") else name
    text = _read(own)
    first = text.partition("\n")[0]
    shared = first.removeprefix(LIBRARIES).split() if first.startswith(LIBRARIES) else []
    parts = [f"lib/{part}" for part in shared]
    if engine:
        theirs = (f"{engine}/lib/{part}" for part in shared)
        parts += filter(_there, theirs)
    return [*((part, _read(part)) for part in parts), (own, text)]


def _file(name: str) -> Traversable:
    return files("behindy_ops.host").joinpath("scripts", f"{name}.sh")


def _there(name: str) -> bool:
    return _file(name).is_file()


def _read(name: str) -> str:
    return _file(name).read_text(encoding="utf-8")


def script(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the argv that runs one of our scripts with bash.

    Args:
        name: its path below ``host/scripts/``, such as ``deploy/drain``.
        arguments: its ``$1``, ``$2``, ...
    """
    return (*SHELL, script_text(name), name, *arguments)


def together(mark: str, commands: Sequence[Command]) -> Command:
    """Return one command that runs these side by side; :func:`apart` takes its answer apart.

    Args:
        mark: what begins the lines between them; random.
        commands: none of which is heard of before it has ended; each reads one line at most.
    """
    words = [word for command in commands for word in (str(len(command.argv)), *command.argv)]
    lines = [command.stdin.strip(b"\n") + b"\n" for command in commands]
    return Command(
        script("host/together", mark, *words),
        title=" and ".join(command.title for command in commands),
        timeout=max(command.timeout for command in commands) + 10,
        stdin=b"".join(lines),
        public=all(command.public or not command.stdin for command in commands),
        changes=any(command.changes for command in commands),
    )


def in_turn(mark: str, well: str, first: Command, second: Command) -> Command:
    """Return one command that runs the first, and where that ended well the second; neither has an input.

    Args:
        mark: as for :func:`together`; :func:`of_those_that_ran` takes the answer apart.
        well: a line of the first's output that tells that it ended well; empty where its exit code does.
    """
    words = [word for command in (first, second) for word in (str(len(command.argv)), *command.argv)]
    return Command(
        script("host/in_turn", mark, well, *words),
        title=first.title,
        timeout=first.timeout + second.timeout,
        changes=first.changes or second.changes,
    )


def apart(mark: str, result: Result, commands: Sequence[Command]) -> list[Result]:
    """Return how each of these ended; one that is not told of ended as all of them did."""
    told = of_those_that_ran(mark, result, commands)
    ended = result.exit_code or -1
    return told + [Result(command, ended, "", result.stderr, result.seconds) for command in commands[len(told) :]]


def of_those_that_ran(mark: str, result: Result, commands: Sequence[Command]) -> list[Result]:
    """Return how the first of these ended, as many as are told of."""
    parts = re.split(rf"^{re.escape(mark)} (.*)\n", result.stdout, flags=re.MULTILINE)[1:]
    told = [(parts[at], parts[at + 1], parts[at + 3]) for at in range(0, len(parts) - 3, 4)]
    return [
        Result(command, int(code), out, err.strip(), result.seconds)
        for command, (code, out, err) in zip(commands, told, strict=False)
    ]


ENGINE = "unix:///var/run/docker.sock"
"""The engine that all is about, wherever a context of the login leads: the one whose lock is taken."""

_SAY = 'printf "%s\\n" "$0"; printf "%s\\n" "$0" >&2'
_RUN = f"""env -i PATH="$PATH" HOME="$HOME" LC_ALL=C SHLVL=5 DOCKER_HOST={ENGINE} \
  ${{http_proxy:+http_proxy="$http_proxy"}} ${{https_proxy:+https_proxy="$https_proxy"}} \
  ${{HTTPS_PROXY:+HTTPS_PROXY="$HTTPS_PROXY"}} ${{no_proxy:+no_proxy="$no_proxy"}} ${{NO_PROXY:+NO_PROXY="$NO_PROXY"}} \
  "$@\""""
"""Runs the command with an environment of ours: docs/design.md, "What a login says". Bash reads ``~/.bashrc`` where it
takes itself for the first shell of a login (``SHLVL``), as the one of our scripts would."""

_BEGIN = f"{_SAY}\nexec {_RUN}"
_BEGIN_TOLD = f'{_SAY}\ntold=$1\nshift\nprintf %s "$told" | {_RUN}'

_ENGINE = f"curl -gs -m 3 --unix-socket {ENGINE.removeprefix('unix://')} http://docker"


def _find(network: str) -> str:
    """Return what ends a command where the host manages a swarm with this network, as of ``host.setup --swarm``."""
    asked = f"{_ENGINE}/networks/{quote(network, safe='')}"
    return f"""case $({_ENGINE}/info) in *'"ControlAvailable":true'*)
  case $({asked}) in *'"Driver":"overlay"'*) exit {exit_codes.Code.OTHER_ENGINE:d} ;; esac
esac 2>/dev/null
"""


LONGEST_TOLD = 32_768
"""Bytes of standard input that go with a command; Linux takes 128 KiB for all of it."""


def quoted(argv: Iterable[str]) -> str:
    """Return a line that any login shell takes apart into these words; in fish, a backslash in quotes is no letter."""
    return " ".join(
        '"\\\\"'.join(shlex.quote(part) if part else "" for part in word.split("\\")) or "''" for word in argv
    )


def begun(line: str, mark: str, told: bytes = b"", *, find: str = "") -> str:
    """Return a line for the remote shell that says ``mark`` on both streams, and then runs.

    What a login shell says when it starts comes before that line: docs/design.md, "What a login says".

    Args:
        told: what comes on its standard input, if that is not to be sent after it (:func:`goes_along`).
        find: a network of a swarm: where the host manages one that has it, it ends with ``Code.OTHER_ENGINE`` instead,
            and has said nothing.
    """
    begin = _BEGIN_TOLD if told else _BEGIN
    begin = f"{_find(find)}{begin}" if find else begin
    return f"{quoted(('sh', '-c', begin, mark, *((told.decode(),) if told else ())))} {line}"


def goes_along(command: Command) -> bool:
    """Whether a command's standard input can go with it.

    OpenSSH takes input only once it has begun a command, which is another round trip.
    """
    whole = command.public and command.feed is None and not command.follow
    return whole and 0 < len(command.stdin) <= LONGEST_TOLD and b"\0" not in command.stdin


def wire(command: Command, fence: tuple[str, ...] = ()) -> str:
    """Return the line for the remote shell: quoted once, here, under the host's ``timeout``, and fenced if it changes.

    Args:
        fence: the argv that runs what follows it only while our lease is held.

    Raises:
        ValueError: a command that changes something came without a fence.
    """
    if command.changes and not fence:
        raise ValueError(f"to {command.title} needs the lock")
    argv = (*fence, *command.argv) if command.changes else command.argv
    return quoted(("timeout", "-k", str(KILL_AFTER), f"{command.timeout:g}", *argv))
