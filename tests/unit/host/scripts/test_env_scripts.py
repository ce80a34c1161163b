"""The scripts that compare and replace the host's ``.env``, run by bash with a Compose that hashes what it is given."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.env import probe
from behindy_ops.errors import Kind
from behindy_ops.host.command import Result
from behindy_ops.host.exit_codes import Code
from behindy_ops.host.session import Session
from behindy_ops.project.dotenv import parse as parse_env
from behindy_ops.project.project import Project
from behindy_ops.project.settings import Settings
from tests.kinds import raises
from tests.unit.host.scripts.fake_host import MARK, Answer

if TYPE_CHECKING:
    from behindy_ops.host.command import Command
    from tests.unit.host.scripts.fake_host import FakeHost

# The hash of a service of the probe is told by its variable in the .env it is given; others' by the whole file.
COMPOSE = Answer(
    run=r"""file= env= last=
for word in "$@"; do
  case $last in --env-file) env=$word ;; -f) file=$word ;; esac
  last=$word
done
if [ -z "$file" ]; then echo "web $(cksum <"$env" | tr -d ' ')"; exit 0; fi
grep -oE '"[A-Za-z0-9_]+":\{"image' "$file" | cut -d'"' -f2 | while read -r name; do
  if [ "$name" = 0empty ]; then echo "$name h-"; continue; fi
  value=$(sed -n "s/^$name=//p" "$env" 2>/dev/null)
  if grep -q "^$name=" "$env" 2>/dev/null; then echo "$name h-$value"; else echo "$name absent"; fi
done
exit 0"""
)
COMPOSE_TEXT = "services: {web: {image: x, environment: {A: '${A}', B: '${B:-}', D: '${D:-}'}}}\n"


@dataclass
class OnFakes:
    """A host as a session knows it, whose scripts run with fakes; ``said`` is all that they printed."""

    host: FakeHost
    said: str = ""

    def run(self, command: Command) -> Result:
        ran = self.host.run(command.argv[3], *command.argv[4:], stdin=command.stdin.decode())
        self.said += ran.out + ran.err
        return Result(command, ran.code, ran.out, ran.err, 0.1)


@pytest.fixture
def session(host: FakeHost) -> Session:
    host.file("checkout/compose/docker-compose.yml", COMPOSE_TEXT)
    host.file("checkout/compose/.env.example", "A=\n")
    settings = replace(Settings(), host="fake", host_dir=str(host.home))
    return Session(OnFakes(host), Project(host.root / "checkout"), settings, (), lambda _: None, "kim")  # type: ignore[arg-type]


def test_the_hosts_file_is_compared_without_a_value_being_told(host: FakeHost, session: Session) -> None:
    host.on("docker", "compose *", COMPOSE)
    host.on("docker", "ps *", "web c0ffee\n")
    env = host.file("home/.env", "A=s3cret\nB=\nC=changeme\n")
    env.chmod(0o640)
    found = probe.compare(session, parse_env("A=s3cret\nD=t0ken\n"))
    states = {name.name: (name.host, name.candidate, name.same) for name in found.names}
    assert states["A"] == ("set", "set", True)
    assert states["B"][0] == "empty"
    assert states["D"][:2] == ("absent", "set")
    assert (found.mode, found.sha256) == ("640", hashlib.sha256(env.read_bytes()).hexdigest())
    assert (found.placeholders[0], found.live) == (frozenset({"C"}), {"web": "c0ffee"})
    assert found.old.keys() == found.new.keys() == {"web"}
    assert isinstance(session.host, OnFakes)
    assert not re.search("s3cret|t0ken|changeme", session.host.said)
    assert not [*(host.root / "shm").iterdir()]


@pytest.mark.parametrize(
    "text",
    [
        "A=ab$cd9\n", "A=ab$$cd\n", "A='ab$cd9'\n", 'A="ab$cd9"\n', 'A="ab\\$cd9"\n', "A=ab\\$cd9\n", "A=x # $y\n",
        "A=${B}\n", "B=1\nA=${B}x\n", "B=1\nA=$B\n", "A='one\nX=$y\nthree'\nB=$z\n", "export A = x$y\nC=$A\n",
        "A='it\\'s\nX=$q'\n", "# A=$x\n\nB=1\n", "A=https://u:p$w@x/\nB=$A$C\n", "A=비밀$x\n",
    ],
)  # fmt: skip
def test_a_dollar_that_compose_takes_for_a_variable_is_found_as_the_reader_here_finds_it(
    host: FakeHost, session: Session, text: str
) -> None:
    host.on("docker", "compose *", COMPOSE)
    host.on("docker", "ps *", "")
    host.file("home/.env", text)
    wrong = [mistake for mistake in parse_env(text).mistakes if "takes the $" in mistake]
    expected = {words[2].rstrip(":"): int(words[1].rstrip(":")) for words in map(str.split, wrong)}
    assert probe.compare(session).dollars == expected


def test_a_file_that_compose_cannot_read_is_told_by_its_line_alone(host: FakeHost, session: Session) -> None:
    host.on("docker", "compose *", Answer(err="failed to read .env: line 3: unexpected s3cret", code=1))
    host.on("docker", "ps *")
    host.file("home/.env", "A=1\n")
    assert probe.compare(session).problems["old"] == "line 3"
    assert isinstance(session.host, OnFakes)
    assert "s3cret" not in session.host.said


def test_the_file_is_replaced_only_if_it_is_the_one_that_was_seen(host: FakeHost, session: Session) -> None:
    host.on("docker", "compose *", COMPOSE)
    host.on("docker", "ps *")
    env = host.file("home/.env", "A=1\n")
    host.file("home/compose/docker-compose.yml")
    for number in range(6):
        host.file(f"home/state/env/20250101-00000{number}-000000.env")
    theirs = [host.file(f"home/state/env/{name}", "theirs") for name in ("mine.env", "20250101.env")]
    candidate = parse_env("A=2\n")
    assert (probe.replace(session, candidate, expected="none").replaced, env.read_text()) == ("changed", "A=1\n")
    sha = hashlib.sha256(b"A=1\n").hexdigest()
    assert (probe.replace(session, candidate, expected=sha).replaced, env.read_text()) == ("yes", "A=2\n")
    assert env.stat().st_mode & 0o777 == 0o600
    assert [file.read_text() for file in theirs] == ["theirs"] * 2
    kept = sorted({*(host.home / "state/env").iterdir()} - {*theirs})
    assert (len(kept), kept[-1].read_text()) == (5, "A=1\n")


def test_the_file_is_fetched_for_an_editor(host: FakeHost, session: Session) -> None:
    assert probe.fetch(session) == ("none", b"")
    host.file("home/.env", "A='é\n\n")
    assert probe.fetch(session) == (hashlib.sha256("A='é\n\n".encode()).hexdigest(), "A='é\n\n".encode())
    session.settings = replace(session.settings, host_dir=str(host.root / "none"))
    with raises(Kind.FILES_MISSING):
        probe.fetch(session)
    assert host.run("env/fetch", str(host.home)).calls == []


def test_what_is_no_question_is_refused(host: FakeHost) -> None:
    assert host.run("env/probe", MARK, str(host.home), "look", "", "", "", stdin="1 2\n").code == Code.BAD_INPUT
    assert host.run("env/probe", MARK, str(host.root / "none"), "look", "", "", "").code == Code.NO_DIRECTORY
