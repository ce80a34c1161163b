"""What an SSH configuration says of a host, as ``ssh -G`` tells it, and where there is no ssh to ask."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind
from behindy_ops.host import ssh_config
from behindy_ops.host.ssh_config import Jump, Local, SshConfig, look_up, read, without_ssh
from tests.kinds import raises

if TYPE_CHECKING:
    from pytest_mock import MockerFixture

LOCAL = Local("/home/kim", "kim", "1000", "laptop.example", {"SSH_AUTH_SOCK": "/agent", "MINE": "/mine", "A": "%h"})


def test_without_a_configuration_the_defaults_hold() -> None:
    config = read("", "host.example", LOCAL)
    assert (config.host, config.port, config.user, config.agent) == ("host.example", 22, "kim", "/agent")
    assert config.identity_files[0] == Path("/home/kim/.ssh/id_rsa")
    assert config.known_hosts[0] == Path("/home/kim/.ssh/known_hosts")
    assert config.known_hosts[-1] == Path("/etc/ssh/ssh_known_hosts2")
    assert (config.proxy_command, config.jumps, config.family) == ("", (), socket.AF_UNSPEC)


def test_everything_that_is_understood_is_read() -> None:
    text = """host it
user lee
hostname host.example
port 2222
addressfamily inet6
bindaddress 192.0.2.1
identitiesonly yes
hostkeyalias alias
identityagent ~/agent-%r
identityfile ~/.ssh/%h
identityfile none
identityfile ${MINE}/a b
certificatefile %d/%u-%i-%L-%l-%k-cert.pub
globalknownhostsfile none
userknownhostsfile /k n/own hosts ~/other
revokedhostkeys /revoked
connecttimeout 3
proxycommand nc %h %p %r %n %% ${MINE}
an unknown line
"""
    assert read(text, "it", LOCAL) == SshConfig(
        name="it", host="host.example", port=2222, user="lee",
        identity_files=(Path("/home/kim/.ssh/host.example"), Path("/mine/a b")),
        certificate_files=(Path("/home/kim/kim-1000-laptop-laptop.example-alias-cert.pub"),),
        identities_only=True, agent="/home/kim/agent-lee", host_key_alias="alias",
        known_hosts=(Path("/k n/own hosts"), Path("/home/kim/other")), revoked_keys=Path("/revoked"),
        family=socket.AF_INET6, bind_address="192.0.2.1",
        proxy_command="nc host.example 2222 lee it % ${MINE}", timeout=3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "agent"),
    [
        *(("none", ""), ("SSH_AUTH_SOCK", "/agent"), ("$MINE", "/mine"), ("$NOT_SET", "")),
        *(("${MINE}/x", "/mine/x"), ("/a", "/a")),
    ],
)
def test_which_agent_is_meant(value: str, agent: str) -> None:
    assert read(f"identityagent {value}", "it", LOCAL).agent == agent


def test_a_variables_value_and_a_home_are_taken_as_they_are() -> None:
    assert read("identityfile ${A}/%%", "it", LOCAL).identity_files == (Path("%h/%"),)
    assert read("identityfile ~/x", "it", Local("/h%h", "kim")).identity_files == (Path("/h%h/x"),)
    assert read("identityfile ~no-such-user-here/x", "it", LOCAL).identity_files == (Path("~no-such-user-here/x"),)


def test_jump_hosts_win_over_a_command_and_have_their_tokens_put_in() -> None:
    config = read("hostname h.example\nproxyjump a,%r@%h-gate:%p\nproxycommand nc", "it", LOCAL)
    assert (config.jumps, config.proxy_command) == (("a", "kim@h.example-gate:22"), "")
    assert read("proxyjump none\nproxycommand none", "it", LOCAL) == read("", "it", LOCAL)


@pytest.mark.parametrize(
    ("text", "jump"),
    [
        ("gate", Jump("gate")),
        ("kim@gate:2222", Jump("gate", "kim", 2222)),
        ("ssh://kim@gate:22", Jump("gate", "kim", 22)),
        ("ssh://gate/", Jump("gate")),
        ("kim@corp@gate", Jump("gate", "kim@corp")),
        ("[2001:db8::1]:22", Jump("2001:db8::1", port=22)),
        ("kim@[2001:db8::1]", Jump("2001:db8::1", "kim")),
        ("2001:db8::1", Jump("2001:db8::1")),
    ],
)
def test_a_jump_host_is_read_as_ssh_reads_it(text: str, jump: Jump) -> None:
    assert Jump.parse(text) == jump


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("identityfile ~/%z", "%z in identityfile"),
        ("certificatefile ${NOT_SET}/x", "${NOT_SET}, which is not set"),
        ("proxycommand nc %C", "%C in proxycommand"),
        ("proxyusefdpass yes", "ProxyUseFdpass"),
    ],
)
def test_what_is_not_understood_is_named(text: str, named: str) -> None:
    with raises(Kind.SETTINGS) as caught:
        read(text, "it", LOCAL)
    assert named in caught.value.lines[0]


def test_what_is_given_wins_and_reaches_ssh_too(mocker: MockerFixture) -> None:
    mocker.patch("shutil.which", return_value="/usr/bin/ssh")
    run = mocker.patch("subprocess.run", return_value=subprocess.CompletedProcess([], 0, b"user lee\nport 1\n", b""))
    config = look_up("it", user="kim", port=2222, jumps="a,b", file="/config")
    assert run.call_args.args[0] == [
        "ssh", "-G", "-T", "-F", "/config", "-l", "kim", "-p", "2222", "-J", "a,b", "--", "it",
    ]  # fmt: skip
    assert (config.user, config.port, config.jumps) == ("kim", 2222, ("a", "b"))
    assert look_up("it").user == "lee"
    assert run.call_args.args[0] == ["ssh", "-G", "-T", "--", "it"]


def test_a_configuration_that_ssh_refuses_is_shown_with_its_line(mocker: MockerFixture) -> None:
    mocker.patch("shutil.which", return_value="/usr/bin/ssh")
    said = b"/config: line 3: Bad configuration option: foo\r\n/config: terminating\r\n"
    mocker.patch("subprocess.run", return_value=subprocess.CompletedProcess([], 255, b"", said))
    with raises(Kind.SETTINGS) as caught:
        look_up("it")
    assert caught.value.lines == ("/config: line 3: Bad configuration option: foo", "/config: terminating")
    for error in (OSError("no such thing"), subprocess.TimeoutExpired("ssh", 30)):
        mocker.patch("subprocess.run", side_effect=error)
        with raises(Kind.SETTINGS, match="cannot be used"):
            look_up("it")


def test_a_name_that_would_be_an_option_is_refused_before_ssh_sees_it(mocker: MockerFixture) -> None:
    run = mocker.patch("subprocess.run")
    with raises(Kind.SETTINGS, match="no name of a host"):
        look_up("-oProxyCommand=touch x")
    run.assert_not_called()


def test_no_configuration_is_read_where_none_is_wanted(mocker: MockerFixture) -> None:
    run = mocker.patch("subprocess.run")
    config = look_up("it", user="kim", port=1, jumps="a", file="none")
    assert (config.host, config.user, config.port, config.jumps) == ("it", "kim", 1, ("a",))
    run.assert_not_called()


# --- where there is no ssh -----------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".ssh" / "config.d").mkdir(parents=True)
    return tmp_path


def found(home: Path, text: str, name: str = "it") -> SshConfig:
    local = Local(str(home), "kim")
    file = home / ".ssh" / "config"
    file.write_text(text)
    return read(without_ssh(name, file, local), name, local)


def test_a_configuration_is_read_without_ssh_too(home: Path) -> None:
    config = found(
        home,
        "Host it\n HostName host.example\n User lee\n Port 2222\n IdentityFile ~/a\n IdentityFile ~/50%%\n"
        "IdentitiesOnly yes\n HostKeyAlias alias\n UserKnownHostsFile ~/k /l\n ProxyJump one,two\n",
    )
    assert (config.host, config.user, config.port, config.host_key_alias) == ("host.example", "lee", 2222, "alias")
    assert config.identity_files[0].name == "a"
    assert config.identities_only
    assert (config.known_hosts[:2], config.jumps) == ((home / "k", Path("/l")), ("one", "two"))
    assert found(home, "Host it\nProxyCommand nc %h %p\n").proxy_command == "nc it 22"
    assert found(home, "Host it\nProxyCommand none\n").proxy_command == ""
    assert read(without_ssh("it", home / "none", LOCAL), "it", LOCAL) == read("", "it", LOCAL)


def test_what_is_included_counts_in_its_place(home: Path) -> None:
    (home / ".ssh" / "config.d" / "20").write_text("User lee\n")
    (home / ".ssh" / "config.d" / "10").write_text("Host other\nUser other\nHost it\nPort 1\nInclude deeper\n")
    (home / ".ssh" / "deeper").write_text("HostName deep.example\n")
    config = found(home, "Include config.d/*\nUser kim\nPort 2\n")
    assert (config.host, config.port, config.user) == ("deep.example", 1, "lee")
    (home / ".ssh" / "config.d" / "10").unlink()
    config = found(home, f"Host other\nPort 3\nHost it\nInclude={home}/.ssh/config.d/*\nPort 4\n")
    assert (config.user, config.port) == ("lee", 4)
    assert found(home, "Host other\nInclude config.d/*\nHost *\nPort 4\n").user == "kim"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Match exec true\nUser lee\n", "line 1: Match is understood only where there is an ssh command"),
        ("\nMatch tagged x\n", "line 2: Match"),
        ("Host it\nInclude blocks\n", "line 2: Include of a file with Host or Match within a block"),
        ("Include circle\n", "too deep"),
        ("Host 'it\n", "Unparsable"),
        ("CanonicalizeHostname yes\n", "canonicaldomains"),
    ],
)
def test_what_only_ssh_understands_is_named_and_not_passed_over(home: Path, text: str, named: str) -> None:
    (home / ".ssh" / "blocks").write_text("Host it\nUser lee\n")
    (home / ".ssh" / "circle").write_text("Include circle\n")
    with raises(Kind.SETTINGS) as caught:
        found(home, text)
    assert named in caught.value.lines[0]


def test_the_fallback_is_taken_where_there_is_no_ssh(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    file = home / "other"
    file.write_text("Host it\nHostName host.example\nProxyJump gate\nMatch host my-exec.example\nPort 1\n")
    config = look_up("it", user="lee", port=5, file=str(file))
    assert (config.host, config.user, config.port, config.jumps) == ("host.example", "lee", 5, ("gate",))
    file.write_text("Match user lee\nProxyCommand nc %h %p %r\nMatch all\nUser kim\nPort 1\n")
    assert look_up("it", user="lee", port=5, file=str(file)).proxy_command == "nc it 5 lee"
    monkeypatch.setattr(ssh_config.Local, "here", lambda: Local(str(home), "kim"))
    (home / ".ssh" / "config").write_text("User lee\n")
    assert look_up("it").user == "lee"
