"""Opening the SSH connection: ``~/.ssh/config``, the agent and keys are honoured; unknown hosts are not."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import paramiko

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.host import keys
from behindy_ops.host import known_hosts as hostkeys
from behindy_ops.host.patience import patiently
from behindy_ops.project.settings import Settings

if TYPE_CHECKING:
    from fabric import Connection

CONNECT_TIMEOUT = 15
"""Seconds to wait for the TCP connection and for the server's banner."""

KEEPALIVE = 5
"""Seconds between keepalives: docs/design.md, "Silent connections"."""

UNACKNOWLEDGED = 20_000
"""Milliseconds the kernel lets sent bytes stay unacknowledged before it declares the connection dead."""


def build(settings: Settings) -> Connection:
    """Return a Fabric connection that is not open yet, with the host's key pinned and agent forwarding off.

    What the settings leave open (user, port, key, ProxyJump) comes from ``~/.ssh/config``.

    Raises:
        Kind.LOGIN_REFUSED: the key text cannot be read.
        Kind.SETTINGS: the pinned host keys cannot be read.
    """
    from fabric import Connection

    # Paramiko's thread logs a traceback for every connection that fails; the error itself reaches us anyway.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    connection = Connection(
        host=settings.host,
        user=settings.user or None,
        port=settings.port or None,
        forward_agent=False,
        connect_timeout=CONNECT_TIMEOUT,
        connect_kwargs=_credentials(settings),
    )
    hostkeys.pin(connection, hostkeys.pinned_in(settings.known_hosts_file, settings.known_hosts_text))
    return connection


def _credentials(settings: Settings) -> dict[str, Any]:
    common: dict[str, Any] = {"banner_timeout": CONNECT_TIMEOUT, "auth_timeout": CONNECT_TIMEOUT}
    passphrase = settings.key_passphrase.reveal() if settings.key_passphrase else ""
    if settings.key_text:
        key = keys.parse(settings.key_text.reveal(), passphrase)
        # In CI the given key is the only one meant; anything else would only add failed attempts.
        return common | {"pkey": key, "allow_agent": False, "look_for_keys": False}
    if settings.key_file:
        common |= {"allow_agent": True, "look_for_keys": False}
        text = settings.key_file.read_text(encoding="utf-8", errors="replace")
        try:
            return common | {"pkey": keys.parse(text, passphrase, source=str(settings.key_file))}
        except BehindyError:
            # Protected by a passphrase we do not have: the agent may hold it.
            if passphrase or not _agent_has_keys():
                raise
            return common
    return common | ({"passphrase": passphrase} if passphrase else {})


def _agent_has_keys() -> bool:
    try:
        return bool(paramiko.Agent().get_keys())
    except (paramiko.SSHException, OSError):
        return False


def open_connection(
    settings: Settings, *, tell: Callable[[str], None] = lambda _: None, sleep: Callable[[float], None] = time.sleep
) -> Connection:
    """Connect and log in.

    Args:
        tell: is told why it takes long, where it does.
        sleep: waits so many seconds before the next try.

    Raises:
        Kind.HOST_UNREACHABLE: the name does not resolve, or nothing that speaks SSH answers.
        Kind.HOST_KEY_UNKNOWN: the host's key is not pinned.
        Kind.HOST_KEY_CHANGED: it showed another key than the pinned one.
        Kind.LOGIN_REFUSED: it refused the user or the key.
    """
    connection = build(settings)
    where = f"{connection.user}@{hostkeys.known_hosts_name(connection.host, connection.port)}"
    try:
        patiently(connection.open, where, tell=tell, sleep=sleep)
    except paramiko.BadHostKeyException as error:
        source = "BEHINDY_KNOWN_HOSTS" if settings.known_hosts_text else str(settings.known_hosts_file)
        raise hostkeys.changed(error, source) from error
    except paramiko.AuthenticationException as error:
        raise Kind.LOGIN_REFUSED(
            f"{where} refused the login: no key that was offered is accepted.",
            state="The host was reached and its key is the pinned one; nothing changed.",
            remedy="Check BEHINDY_USER and the key (BEHINDY_SSH_KEY_FILE or BEHINDY_SSH_KEY): its public half must be "
            "in that user's ~/.ssh/authorized_keys.",
        ) from error
    except (OSError, EOFError, UnicodeError, paramiko.SSHException) as error:
        raise _unreachable(where, error) from error
    _notice_dead_peers(connection)
    return connection


def _unreachable(where: str, error: Exception) -> BehindyError:
    if isinstance(error, socket.gaierror | UnicodeError):  # the latter for what can be no name at all
        reason = "the name does not resolve"
    elif isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        reason = f"no answer within {CONNECT_TIMEOUT} s"
    elif isinstance(error, paramiko.ssh_exception.NoValidConnectionsError):
        reason = "connection refused"
    else:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Kind.HOST_UNREACHABLE(
        f"Cannot reach {where}: {reason}.",
        state="Nothing changed.",
        remedy="Check BEHINDY_HOST and BEHINDY_PORT, that the machine runs, and that its firewall lets you in.",
    )


def _notice_dead_peers(connection: Connection) -> None:
    transport = connection.transport
    transport.set_keepalive(KEEPALIVE)
    sock = transport.sock
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux only; elsewhere the lease's echo tells
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, UNACKNOWLEDGED)
