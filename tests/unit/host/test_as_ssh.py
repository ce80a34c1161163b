"""Client configurations beside what ``ssh`` itself does with each: who gets in where, with which key, or nobody.

Both are given the same file, the same agents and the same servers.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
import pytest

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.host.command import Command
from behindy_ops.host.connection import route
from behindy_ops.host.host import Host
from behindy_ops.host.keys import parse
from behindy_ops.host.known_hosts import fingerprint, pin_to_file
from behindy_ops.project.settings import Settings
from behindy_ops.provision import trust
from tests.kinds import raises
from tests.unit.host.ssh_server import SshServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh to compare with")

Logins = list[tuple[str, str, str]]
"""At which server who logged in with which key, in the order of time."""

Outcome = tuple[bool, Logins]
"""Whether a command was run, and what the servers saw."""


@dataclass
class World:
    """Three servers, five keys, two agents; a configuration names them in ``<angle brackets>``."""

    place: Path
    servers: dict[str, SshServer] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    keys: dict[str, paramiko.PKey] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        return re.sub(r"<(\w+)>", lambda match: self.values[match[1]], text)

    def file(self, name: str, text: str, mode: int = 0o600) -> Path:
        file = self.place / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(self.fill(text))
        file.chmod(mode)
        return file

    def known(self, *names: str, key: str = "") -> str:
        """Lines of known_hosts for these servers."""
        return "".join(
            self.servers[name].known_hosts
            if not key
            else self.servers[name].known_hosts.replace(
                self.servers[name].host_key.get_base64(), self.servers[key].host_key.get_base64()
            )
            for name in names
        )

    def compare(self, config: str, host: str = "it", **settings: object) -> tuple[Outcome, BehindyError | None]:
        """Let both connect, see that they do the same, and return what that is, and our error."""
        file = self.file("config", config)
        words = [f"-{letter}{settings[name]}" for name, letter in (("user", "l"), ("port", "p")) if name in settings]
        ran = subprocess.run(
            ["ssh", "-F", str(file), "-oBatchMode=yes", *words, host, "true"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        theirs = (ran.returncode == 0, self.seen())
        error = None
        try:
            with Host(Settings(host=host, ssh_config=str(file), **settings)) as opened:  # type: ignore[arg-type]
                ours = (opened.run(Command(("true",), "try it")).ok, self.seen())
        except BehindyError as caught:
            error, ours = caught, (False, self.seen())
        assert ours == theirs, (ran.stderr, error, error and error.lines)
        return ours, error

    def seen(self) -> Logins:
        """What the servers saw since it was last asked for."""
        logins = sorted((*login, name) for name, server in self.servers.items() for login in server.logins)
        for server in self.servers.values():
            server.logins.clear()
        return [(name, user, key) for _, user, key, name in logins]

    def login(self, server: str = "one", key: str = "a", user: str = "kim") -> Logins:
        return [(server, user, fingerprint(self.keys[key]))]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The servers, the keys and the agents, which no test changes."""
    world = World(tmp_path_factory.mktemp("ssh"))
    for name, kind in (("a", "ed25519"), ("b", "ecdsa"), ("c", "rsa"), ("other", "ed25519"), ("locked", "ed25519")):
        word = "correct horse" if name == "locked" else ""
        keygen = ["ssh-keygen", "-q", "-t", kind, "-N", word, "-C", name, "-f", str(world.place / name)]
        subprocess.run([*keygen, *(["-b", "2048"] if kind == "rsa" else [])], check=True)
        world.values[name] = str(world.place / name)
        world.keys[name] = parse((world.place / name).read_text(), word)
    agents = []
    for agent, held in (("agent", ("a", "other")), ("second", ("locked", "b"))):
        path = world.place / agent
        agents.append(subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL))
        while not path.exists():
            time.sleep(0.01)
        world.values[agent] = str(path)
        askpass = world.place / "askpass"
        askpass.write_text("#!/bin/sh\necho correct horse\n")
        askpass.chmod(0o700)
        environ = {
            **os.environ,
            "SSH_AUTH_SOCK": str(path),
            "SSH_ASKPASS": str(askpass),
            "SSH_ASKPASS_REQUIRE": "force",
        }
        files = [world.values[name] for name in held]
        subprocess.run(["ssh-add", "-q", *files], env=environ, check=True, stdin=subprocess.DEVNULL)
    for name in ("one", "two", "three"):
        server = world.servers[name] = SshServer(world.place)
        server.users |= {"lee", "root", "local"}
        server.client_key = world.keys["a"]
        server.further_client_keys = [world.keys["b"], world.keys["c"], world.keys["locked"]]
        world.values[name] = str(server.port)
    yield world
    for server in world.servers.values():
        server.close()
    for process in agents:
        process.terminate()
        process.wait()


@pytest.fixture(autouse=True)
def hangups_end_what_they_are_sent_to() -> Iterator[None]:
    """As ``ssh`` ends its own proxies and then waits for them; below ``nohup``, all that is started ignores it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def world(shared: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path, shared.servers, dict(shared.values), shared.keys)
    world.values |= {
        "here": str(tmp_path), "python": sys.executable,
        "known": str(world.file("known_hosts", world.known("one", "two", "three"))),
    }  # fmt: skip
    monkeypatch.setenv("SSH_AUTH_SOCK", "")
    monkeypatch.setenv("HERE", str(shared.place))
    world.seen()
    return world


AT_ONE = "HostName 127.0.0.1\nPort <one>\nUser kim\nUserKnownHostsFile <known>\nGlobalKnownHostsFile /dev/null\n"
WITH_A = "IdentityFile <a>\n"
REST = AT_ONE + WITH_A
JUMPS = (
    "Host one two three it\n HostName 127.0.0.1\n User kim\n IdentityFile <a>\n UserKnownHostsFile <known>\n"
    "Host one it\n Port <one>\nHost two\n Port <two>\nHost three\n Port <three>\n"
)
OTHERS = f"Host 127.0.0.1\n{WITH_A}UserKnownHostsFile <known>\n"

GETS_IN = {
    "HostName, User, Port, IdentityFile": (f"Host it\n{REST}", "a", "kim"),
    "another kind of key": (f"Host it\n{AT_ONE}IdentityFile <c>\n", "c", "kim"),
    "a missing IdentityFile": (f"Host it\n{AT_ONE}IdentityFile <here>/missing\nIdentityFile <b>\n", "b", "kim"),
    "one that is refused, then one that is not": (
        f"{AT_ONE}IdentityFile <other>\nIdentityFile <c>\n{WITH_A}", "c", "kim"),
    "one that is protected, then one that is not": (f"{AT_ONE}IdentityFile <locked>\n{WITH_A}", "a", "kim"),
    "tokens and variables in a path": (f"{AT_ONE}IdentityFile ${{HERE}}/%h%%\nIdentityFile ${{HERE}}/a\n", "a", "kim"),
    "Match by the name that was typed": (f"Match originalhost it\nUser lee\nMatch all\n{REST}", "a", "lee"),
    "Match by another option": (f"Host it\n{AT_ONE}Match host 127.0.0.1 user kim\n{WITH_A}", "a", "kim"),
    "Match by a command": (f'Match exec "test %n = it"\nUser lee\nMatch all\n{REST}', "a", "lee"),
    "Match in the last pass": (f"Match final host 127.0.0.1\nIdentityFile <b>\nHost it\n{AT_ONE}", "b", "kim"),
    "the first value counts": (f"Host i*\nUser lee\nHost *\n{REST}", "a", "lee"),
    "a block that is not for it": (f"Host * !it\nUser lee\nHost it\n{REST}", "a", "kim"),
    "= and quotes": (f'{AT_ONE}IdentityFile = "<b>"\n', "b", "kim"),
    "a name that is to be canonical": (
        f"CanonicalizeHostname yes\nCanonicalDomains invalid\nMatch canonical\nIdentityFile <b>\nMatch all\n{AT_ONE}",
        "b", "kim",
    ),
    "AddressFamily": (f"AddressFamily inet\nHostName localhost\nHostKeyAlias [127.0.0.1]:<one>\n{REST}", "a", "kim"),
    "BindAddress": (f"BindAddress 127.0.0.1\n{REST}", "a", "kim"),
    "an agent": (f"IdentityAgent <agent>\nIdentityFile none\n{AT_ONE}", "a", "kim"),
    "an agent in a variable": (f"IdentityAgent $AGENT\nIdentityFile none\n{AT_ONE}", "a", "kim"),
    "an agent in the usual variable": (f"IdentityFile none\n{AT_ONE}", "a", "kim"),
    "an agent's key that a file names": (f"IdentityAgent <second>\nIdentityFile <b>\n{AT_ONE}", "b", "kim"),
    "an agent holds the protected one": (f"IdentityAgent <second>\nIdentityFile <locked>\n{AT_ONE}", "locked", "kim"),
    "the named one before the agent's others": (
        f"IdentityAgent <agent>\nIdentitiesOnly yes\nIdentityFile <c>\n{AT_ONE}", "c", "kim"),
    "an agent's key, by its public half": (
        f"IdentityAgent <second>\nIdentitiesOnly yes\nIdentityFile <here>/half\n{AT_ONE}", "b", "kim"),
    "an agent's key, by its public half's own name": (
        f"IdentityAgent <second>\nIdentitiesOnly yes\nIdentityFile <b>.pub\n{AT_ONE}", "b", "kim"),
    "an agent that is not there": (f"IdentityAgent <here>/nobody\n{REST}", "a", "kim"),
    "ProxyJump none": (f"Host it\nProxyJump none\nHost *\nProxyJump nowhere\n{REST}", "a", "kim"),
    "ProxyCommand none": (f"Host it\nProxyCommand none\nHost *\nProxyCommand false\n{REST}", "a", "kim"),
    "ProxyCommand": (f"ProxyCommand <python> <here>/relay %h %p\n{REST}", "a", "kim"),
    "ProxyCommand with the shell's and its own signs": (
        f"ProxyCommand sh -c 'test $1 = it-kim-%% && exec <python> <here>/relay %h %p' sh %n-%r-%%\n{REST}",
        "a", "kim",
    ),
    "HostKeyAlias": (f"HostKeyAlias Alias\nUserKnownHostsFile <here>/alias\n{REST}", "a", "kim"),
    "several known_hosts": (f"UserKnownHostsFile <here>/no <here>/alias <known>\n{REST}", "a", "kim"),
    "a known_hosts with a blank in its path": (f'UserKnownHostsFile "<here>/k h" /dev/null\n{REST}', "a", "kim"),
    "the system's known_hosts": (
        f"UserKnownHostsFile /dev/null\nGlobalKnownHostsFile <here>/no <known>\n{REST}", "a", "kim"),
    "hashed names": (f"UserKnownHostsFile <here>/hashed\n{REST}", "a", "kim"),
    "a name without a port": (f"UserKnownHostsFile <here>/bare\n{REST}", "a", "kim"),
    "others were revoked": (f"RevokedHostKeys <here>/others\n{REST}", "a", "kim"),
}  # fmt: skip

REFUSED = {
    "no key that is accepted": (f"{AT_ONE}IdentityFile <other>\n", Kind.LOGIN_REFUSED),
    "no key at all": (f"{AT_ONE}IdentityFile <here>/missing\n", Kind.LOGIN_REFUSED),
    "a user who is not known": (f"User nobody\n{REST}", Kind.LOGIN_REFUSED),
    "IdentitiesOnly": (
        f"IdentityAgent <agent>\nIdentitiesOnly yes\nIdentityFile <other>\n{AT_ONE}", Kind.LOGIN_REFUSED),
    "IdentityAgent none": (f"IdentityAgent none\nIdentityFile none\n{AT_ONE}", Kind.LOGIN_REFUSED),
    "a protected key": (f"{AT_ONE}IdentityFile <locked>\n", Kind.LOGIN_REFUSED),
    "a key that others may read": (f"{AT_ONE}IdentityFile <here>/open\n", Kind.LOGIN_REFUSED),
    "a family the host does not have": (f"AddressFamily inet6\n{REST}", Kind.HOST_UNREACHABLE),
    "an unknown host": (f"UserKnownHostsFile /dev/null\n{REST}", Kind.HOST_KEY_UNKNOWN),
    "known by a name that is not its alias": (f"HostKeyAlias another\n{REST}", Kind.HOST_KEY_UNKNOWN),
    "another key": (f"UserKnownHostsFile <here>/changed\n{REST}", Kind.HOST_KEY_CHANGED),
    "another key, and the right one without a port": (
        f"UserKnownHostsFile <here>/changed <here>/bare\n{REST}", Kind.HOST_KEY_CHANGED),
    "a revoked key": (f"RevokedHostKeys <here>/mine\n{REST}", Kind.HOST_KEY_CHANGED),
    "a revoked key, by known_hosts": (f"UserKnownHostsFile <known> <here>/revoked\n{REST}", Kind.HOST_KEY_CHANGED),
    "a ProxyCommand that fails": (f"ProxyCommand sh -c 'echo no way >&2; exit 7'\n{REST}", Kind.HOST_UNREACHABLE),
    "an option that does not exist": (f"Hostnamme x\n{REST}", Kind.SETTINGS),
    "a jump host that is not known": (
        f"Host two\nHostKeyAlias stranger\nHost it\nProxyJump two\n{JUMPS}", Kind.HOST_KEY_UNKNOWN),
    "a jump host that refuses the login": (
        f"Host two\nUser nobody\nHost it\nProxyJump two\n{JUMPS}", Kind.LOGIN_REFUSED),
    "a jump host that cannot reach it": (f"Host it\nPort 1\nProxyJump two\n{JUMPS}", Kind.HOST_UNREACHABLE),
}  # fmt: skip

THROUGH = {
    "ProxyJump": (f"Host it\nProxyJump two\n{JUMPS}", ["two", "one"]),
    "a chain": (f"Host it\nProxyJump two,three\n{JUMPS}", ["two", "three", "one"]),
    "a chain the other way round": (f"Host it\nProxyJump three,two\n{JUMPS}", ["three", "two", "one"]),
    "as a URI, and with user and port": (
        f"Host it\nProxyJump ssh://kim@127.0.0.1:<two>,lee@127.0.0.1:<three>\n{OTHERS}{JUMPS}",
        ["two", "three", "one"]),
    "a jump host with one of its own": (
        f"Host it\nProxyJump two\nHost two\nProxyJump three\n{JUMPS}", ["three", "two", "one"]),
    "a jump host with a ProxyCommand": (
        f"Host it\nProxyJump two\nHost two\nProxyCommand <python> <here>/relay %h %p\n{JUMPS}", ["two", "one"]),
    "tokens": (f"Host it\nProxyJump %r@127.0.0.1:<two>\n{OTHERS}{JUMPS}", ["two", "one"]),
    "ssh -W": (f"Host it\nProxyCommand ssh -F <here>/config -oBatchMode=yes -W [%h]:%p two\n{JUMPS}", ["two", "one"]),
}  # fmt: skip


def prepare(world: World) -> None:
    """The files that configurations name."""
    one = world.servers["one"].host_key
    world.file("alias", f"alias {one.get_name()} {one.get_base64()}\n")
    world.file("bare", f"127.0.0.1 {one.get_name()} {one.get_base64()}\n")
    world.file("k h", world.known("one"))
    hashed = paramiko.HostKeys.hash_host(f"[127.0.0.1]:{world.servers['one'].port}")
    world.file("hashed", f"{hashed} {one.get_name()} {one.get_base64()}\n")
    world.file("changed", world.known("one", key="two"))
    world.file("revoked", f"@revoked * {one.get_name()} {one.get_base64()}\n")
    world.file("mine", f"{one.get_name()} {one.get_base64()}\n")
    two = world.servers["two"].host_key
    world.file("others", f"# those of two\n{two.get_name()} {two.get_base64()}\n")
    world.file("half.pub", Path(world.values["b"] + ".pub").read_text())
    world.file("open", Path(world.values["a"]).read_text(), mode=0o644)
    world.file("relay", RELAY)


RELAY = """
import os, select, socket, sys
there = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while True:
    ready, _, _ = select.select([0, there], [], [])
    for source in ready:
        data = os.read(0, 65536) if source == 0 else there.recv(65536)
        if not data:
            sys.exit()
        there.sendall(data) if source == 0 else os.write(1, data)
"""


@pytest.mark.parametrize("case", GETS_IN)
def test_the_same_user_gets_in_with_the_same_key(case: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(world)
    config, key, user = GETS_IN[case]
    monkeypatch.setenv("AGENT", world.values["agent"])
    if case == "an agent in the usual variable":
        monkeypatch.setenv("SSH_AUTH_SOCK", world.values["agent"])
    assert world.compare(config)[0] == (True, world.login("one", key, user))


@pytest.mark.parametrize("case", REFUSED)
def test_what_ssh_refuses_is_refused_here(case: str, world: World) -> None:
    prepare(world)
    config, kind = REFUSED[case]
    (ok, _), error = world.compare(config)
    assert not ok
    assert error is not None
    assert error.kind is kind, error


@pytest.mark.parametrize("case", THROUGH)
def test_the_way_leads_through_the_same_hosts_in_the_same_order(case: str, world: World) -> None:
    prepare(world)
    config, hosts = THROUGH[case]
    (ok, logins), error = world.compare(config)
    assert (ok, [name for name, _, _ in logins]) == (True, hosts), error


def test_files_that_are_included_count(world: World) -> None:
    world.file("config.d/10-user", "User lee\n")
    world.file("config.d/20-rest", f"Host nowhere\nUser nobody\nHost it\n{REST}")
    included = f"Include {world.place}/config.d/*\nUser kim\n"
    assert world.compare(included)[0] == (True, world.login(user="lee"))
    assert world.compare(f"Host it\n{included}Host *\nUser kim\n")[0] == (True, world.login(user="lee"))


def test_settings_win_over_the_configuration(world: World) -> None:
    config = f"Match user lee\n{WITH_A}Host it\n{AT_ONE.replace('<one>', '1')}"
    port = world.servers["two"].port
    assert world.compare(config, user="lee", port=port)[0] == (True, world.login("two", user="lee"))


def test_errors_name_the_cause_and_the_host_it_is_about(world: World) -> None:
    prepare(world)

    def told(case: str) -> str:
        error = world.compare(REFUSED[case][0])[1]
        assert error is not None
        return f"{error}\n{error.remedy}\n{error.lines}"

    assert "its ProxyCommand exited with 7: no way" in told("a ProxyCommand that fails")
    assert "line 1: Bad configuration option: hostnamme" in told("an option that does not exist")
    two = f"jump host kim@[127.0.0.1]:{world.values['two']}"
    assert f"{two} could not connect to it" in told("a jump host that cannot reach it")
    assert f"jump host nobody@[127.0.0.1]:{world.values['two']} refused" in told("a jump host that refuses the login")
    assert "others may read it: chmod 600" in told("a key that others may read")
    assert "protected by a passphrase" in told("a protected key")
    unknown = told("a jump host that is not known")
    assert "The key of stranger is not pinned" in unknown
    assert f"BEHINDY_HOST=two BEHINDY_PORT={world.values['two']} inv host.trust" in unknown


def test_a_host_nobody_knows_is_refused_even_where_ssh_would_not_ask(world: World) -> None:
    for answer in ("no", "accept-new"):
        file = world.file("config", f"StrictHostKeyChecking {answer}\nUserKnownHostsFile <here>/fresh\n{REST}")
        with raises(Kind.HOST_KEY_UNKNOWN), Host(Settings(host="it", ssh_config=str(file))):
            pass
        assert not (world.place / "fresh").exists()


def test_jump_hosts_that_lead_round_in_a_circle_are_refused_where_ssh_would_go_on_for_ever(world: World) -> None:
    for jumps in ("Host *\nProxyJump two\n", "Host it three\nProxyJump two\nHost two\nProxyJump three\n"):
        file = world.file("config", f"{JUMPS}{jumps}")
        with raises(Kind.SETTINGS, match="leads round in a circle"):
            route(Settings(host="it", ssh_config=str(file)))


def test_a_hosts_key_is_asked_for_on_the_same_way_as_a_connection(world: World) -> None:
    prepare(world)
    for config, _ in [THROUGH["a chain"], THROUGH["a jump host with a ProxyCommand"]]:
        offer = trust.look_up(Settings(host="it", ssh_config=str(world.file("config", config))))
        assert (offer.known, offer.keys) == (True, (world.servers["one"].host_key,))
    file = world.file("config", f"UserKnownHostsFile <here>/fresh\n{GETS_IN['HostKeyAlias'][0]}")
    offer = trust.look_up(Settings(host="it", ssh_config=str(file)))
    assert (offer.known, offer.name, offer.file) == (False, "alias", world.place / "fresh")
    pin_to_file(offer.file, offer.name, offer.keys)
    assert trust.look_up(Settings(host="it", ssh_config=str(file))).known
    file = world.file("config", REFUSED["a ProxyCommand that fails"][0])
    with raises(Kind.HOST_UNREACHABLE, match="exited with 7: no way"):
        trust.look_up(Settings(host="it", ssh_config=str(file)))


def test_a_key_is_pinned_in_nothing_that_is_no_file(world: World) -> None:
    with raises(Kind.SETTINGS, match="is no file"):  # as /dev/null, which many a configuration names
        pin_to_file(world.place, "it", [])
