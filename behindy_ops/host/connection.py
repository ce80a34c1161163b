"""Opening the SSH connection: as OpenSSH's configuration has it; but unknown hosts are refused whatever it says."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.host import keys, ssh_config
from behindy_ops.host import known_hosts as hostkeys
from behindy_ops.host.dial import Proxied, dial
from behindy_ops.host.login import Login
from behindy_ops.host.patience import patiently
from behindy_ops.host.ssh_config import Jump, SshConfig
from behindy_ops.project.settings import Settings

if TYPE_CHECKING:
    from fabric import Connection

CONNECT_TIMEOUT = 15
"""Seconds to wait for the TCP connection and for the server's banner."""

KEEPALIVE = 5
"""Seconds between keepalives: docs/design.md, "Silent connections"."""

MOST_HOPS = 8
"""Hosts of one route; more are a configuration that leads round in a circle."""

UNACKNOWLEDGED = 20_000
"""Milliseconds the kernel lets sent bytes stay unacknowledged before it declares the connection dead."""


def route(settings: Settings) -> tuple[SshConfig, ...]:
    """Return how the host is reached: the hosts on the way in the order in which they are passed, then itself.

    What the settings leave open comes from the SSH configuration. A host before it has its own there.

    Raises:
        Kind.SETTINGS: the configuration cannot be used.
    """
    file = settings.ssh_config
    hops = [ssh_config.look_up(settings.host, user=settings.user, port=settings.port, file=file)]
    while hops[0].jumps:
        *before, last = hops[0].jumps
        jump = Jump.parse(last)
        hops.insert(0, ssh_config.look_up(jump.host, user=jump.user, port=jump.port, jumps=",".join(before), file=file))
        if hops[0] in hops[1:] or len(hops) > MOST_HOPS:
            raise Kind.SETTINGS(
                f"The ProxyJump of {hops[1].name} leads round in a circle, by {hops[0].name}.",
                state=UNCHANGED,
                remedy=f"In the SSH configuration, give {hops[0].name} a ProxyJump none of its own, before Host *.",
            )
    return tuple(hops)


def pinned_for(settings: Settings, config: SshConfig) -> hostkeys.Pinned:
    """Return the pinned keys that count for a host: of the file set, else of its configuration's; and the text set."""
    files = (settings.known_hosts_file,) if settings.known_hosts_file else config.known_hosts
    return hostkeys.pinned_in(files, settings.known_hosts_text, config.revoked_keys)


def build(settings: Settings, config: SshConfig, login: Login, trust: str = "inv host.trust") -> Connection:
    """Return a Fabric connection that is not open yet, with the host's key pinned and agent forwarding off.

    Args:
        login: what to log in with.
        trust: the command that pins its key, for people.

    Raises:
        Kind.SETTINGS: the pinned host keys cannot be read.
    """
    from fabric import Config, Connection

    hostkeys.hush()
    timeout = config.timeout or CONNECT_TIMEOUT
    connection = Connection(
        host=config.host,
        user=config.user,
        port=config.port,
        config=Config(ssh_config=paramiko.SSHConfig(), lazy=True),  # else Fabric reads the user's in its own way
        forward_agent=False,
        connect_timeout=timeout,
        connect_kwargs={
            "banner_timeout": timeout,
            "auth_timeout": CONNECT_TIMEOUT,
            "auth_strategy": login,
        },
    )
    hostkeys.pin(connection, pinned_for(settings, config), hostkeys.names_of(config), trust)
    return connection


def _login(settings: Settings, config: SshConfig) -> Login:
    passphrase = settings.key_passphrase.reveal() if settings.key_passphrase else ""
    # In CI the given key is the only one meant; anything else would only add failed attempts.
    key = keys.parse(settings.key_text.reveal(), passphrase) if settings.key_text else None
    return Login(config, key=key, file=settings.key_file, passphrase=passphrase)


def open_connection(
    settings: Settings, *, tell: Callable[[str], None] = lambda _: None, sleep: Callable[[float], None] = time.sleep
) -> Connection:
    """Connect and log in, at each host on the way. What it returns is ended by :func:`close`.

    Args:
        tell: is told why it takes long, where it does.
        sleep: waits so many seconds before the next try.

    Raises:
        Kind.SETTINGS: the SSH configuration cannot be used.
        Kind.HOST_UNREACHABLE: the name does not resolve, or nothing that speaks SSH answers.
        Kind.HOST_KEY_UNKNOWN: the host's key is not pinned.
        Kind.HOST_KEY_CHANGED: it showed another key than the pinned one.
        Kind.LOGIN_REFUSED: it refused the user or the key.
    """
    *before, config = route(settings)
    login = _login(settings, config)
    gateway = open_gateways(settings, before, tell=tell, sleep=sleep)
    try:
        return _open(settings, _Hop(config, login, jump=False), gateway, tell, sleep)
    except BaseException:
        close(gateway)
        raise


def open_gateways(
    settings: Settings,
    hops: Iterable[SshConfig],
    *,
    tell: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Connection | None:
    """Connect to hosts one after the other, each through the one before; return the last connection, if there is any.

    Raises:
        BehindyError: as :func:`open_connection`, with the host that it is about.
    """
    gateway: Connection | None = None
    for hop in hops:
        try:
            gateway = _open(settings, _Hop(hop, Login(hop)), gateway, tell, sleep)
        except BaseException:
            close(gateway)
            raise
    return gateway


def close(connection: Connection | None) -> None:
    """End a connection and those it runs through."""
    while connection is not None:
        connection.client.close()
        connection = connection.gateway


@dataclass(frozen=True, slots=True)
class _Hop:
    """One host of a route, and how one gets in there."""

    config: SshConfig
    login: Login
    jump: bool = True

    @property
    def where(self) -> str:
        return f"jump host {_where(self.config)}" if self.jump else _where(self.config)

    @property
    def trust(self) -> str:
        """The command that pins its key."""
        chosen = f"BEHINDY_HOST={self.config.name} BEHINDY_PORT={self.config.port} " if self.jump else ""
        return f"{chosen}inv host.trust"


def _open(
    settings: Settings,
    hop: _Hop,
    gateway: Connection | None,
    tell: Callable[[str], None],
    sleep: Callable[[float], None],
) -> Connection:
    connection = build(settings, hop.config, hop.login, hop.trust)
    transport = gateway.transport if gateway is not None else None

    def attempt() -> None:
        sock = connection.connect_kwargs["sock"] = dial(hop.config, transport, hop.config.timeout or CONNECT_TIMEOUT)
        try:
            connection.open()
        except BaseException as error:
            failure = sock.failure() if isinstance(sock, Proxied) and not isinstance(error, BehindyError) else ""
            connection.client.close()
            sock.close()
            if failure:
                raise ConnectionError(failure) from error
            raise

    try:
        patiently(attempt, hop.where, tell=tell, sleep=sleep)
    except (OSError, EOFError, UnicodeError, paramiko.SSHException) as error:
        raise _explained(error, settings, hop, gateway) from error
    connection.gateway = gateway  # so that it lives as long
    _notice_dead_peers(connection)
    return connection


def _where(config: SshConfig) -> str:
    return f"{config.user}@{hostkeys.known_hosts_name(config.host, config.port)}"


def _explained(error: Exception, settings: Settings, hop: _Hop, gateway: Connection | None) -> BehindyError:
    if isinstance(error, paramiko.BadHostKeyException):
        files = [settings.known_hosts_file] if settings.known_hosts_file else hop.config.known_hosts
        source = "BEHINDY_KNOWN_HOSTS" if settings.known_hosts_text else " or ".join(map(str, files))
        return hostkeys.changed(error, source, hop.trust)
    if isinstance(error, paramiko.AuthenticationException):
        return _refused(hop, error)
    reason = _reason(error, hop.config.timeout or CONNECT_TIMEOUT)
    remedy = "Check BEHINDY_HOST and BEHINDY_PORT, that the machine runs, and that its firewall lets you in."
    if isinstance(error, paramiko.ChannelException) and gateway is not None:
        jump = hostkeys.known_hosts_name(gateway.host, gateway.port)
        reason = f"the jump host {gateway.user}@{jump} could not connect to it ({error.text})"
        remedy = "Check ProxyJump in the SSH configuration, and that the jump host may reach this one."
    elif "ProxyCommand" in reason:
        remedy = "Try the ProxyCommand of the SSH configuration by hand."
    elif hop.jump:
        remedy = "Check ProxyJump in the SSH configuration, and the HostName and Port of that host."
    return Kind.HOST_UNREACHABLE(f"Cannot reach {hop.where}: {reason}.", state="Nothing changed.", remedy=remedy)


def _refused(hop: _Hop, error: paramiko.AuthenticationException) -> BehindyError:
    login = hop.login
    if login.unusable is not None and not login.offered:
        return login.unusable
    if isinstance(error, paramiko.BadAuthenticationType):
        why = f"it takes no public key, only {', '.join(error.allowed_types)}"
    elif login.cut_off:
        why = f"it hung up after {len(login.offered)} keys (MaxAuthTries); name the one that is meant"
    else:
        why = "no key that was offered is accepted" if login.offered else "there was no key to offer"
    lines = [f"offered: {key}" for key in login.offered] + [f"not offered: {key}" for key in login.skipped]
    return Kind.LOGIN_REFUSED(
        f"{hop.where} refused the login: {why}.",
        state="The host was reached and its key is the pinned one; nothing changed.",
        lines=tuple(lines),
        remedy="Check BEHINDY_USER and the key (BEHINDY_SSH_KEY_FILE, BEHINDY_SSH_KEY, or IdentityFile in the SSH "
        "configuration): its public half must be in that user's ~/.ssh/authorized_keys."
        if not hop.jump
        else "Check User and IdentityFile of that host in the SSH configuration: the settings are not for it.",
    )


def _reason(error: Exception, timeout: int) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):  # the latter for what can be no name at all
        return "the name does not resolve"
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return f"no answer within {timeout} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _notice_dead_peers(connection: Connection) -> None:
    transport = connection.transport
    transport.set_keepalive(KEEPALIVE)
    sock = transport.sock
    if isinstance(sock, socket.socket) and sock.family != getattr(socket, "AF_UNIX", None):  # that is a ProxyCommand's
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux only; elsewhere the lease's echo tells
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, UNACKNOWLEDGED)
