"""The socket a connection runs on: TCP, the user's ``ProxyCommand``, or a channel of the host before."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading

import paramiko

from behindy_ops.host.ssh_config import SshConfig

GRACE = 1
"""Seconds a ``ProxyCommand`` may take to end once its connection has."""


class Proxied(socket.socket):
    """The near end of a command that is the connection, as OpenSSH runs it: by the user's shell, in its place."""

    def __init__(self, command: str) -> None:
        near, far = socket.socketpair()
        self._failure = ""
        self._lock = threading.Lock()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe would have to be read meanwhile
        with near, far:
            self._process = subprocess.Popen(
                [os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {command}"],
                stdin=far.fileno(), stdout=far.fileno(), stderr=self._said.fileno(),
                start_new_session=True,  # a Ctrl-C is ours: what it begins still needs the connection
            )  # fmt: skip
            super().__init__(fileno=near.detach())

    def failure(self) -> str:
        """End it, and tell how the command failed; empty if it did not, or had not ended by itself."""
        self.close()
        return self._failure

    def close(self) -> None:
        super().close()
        with self._lock:  # paramiko closes it too, in a thread of its own
            if not self._said.closed:
                self._end()

    def _end(self) -> None:
        try:
            code = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            code = 0
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        with self._said:
            self._said.seek(0)
            said = " ".join(self._said.read()[-2000:].decode("utf-8", "replace").split())[-300:]
        if code:
            how = f"exited with {code}" if code > 0 else f"was ended by signal {-code}"
            self._failure = f"its ProxyCommand {how}: {said or 'it said nothing'}"


def dial(config: SshConfig, gateway: paramiko.Transport | None, timeout: float) -> socket.socket | paramiko.Channel:
    """Return a socket to a host.

    Args:
        gateway: the connection to the host before it, if it has one.

    Raises:
        OSError: why the first of its addresses cannot be reached.
        paramiko.SSHException: the gateway cannot reach it.
    """
    if gateway is not None:
        return gateway.open_channel("direct-tcpip", (config.host, config.port), ("", 0), timeout=timeout)
    if config.proxy_command:
        return Proxied(config.proxy_command)
    errors: list[OSError] = []
    for family, kind, protocol, _, address in socket.getaddrinfo(
        config.host, config.port, config.family, socket.SOCK_STREAM
    ):
        try:
            made = socket.socket(family, kind, protocol)
        except OSError as error:
            errors.append(error)
            continue
        try:
            made.settimeout(timeout)
            if config.bind_address:
                made.bind((config.bind_address, 0))
            made.connect(address)
        except OSError as error:
            made.close()
            errors.append(error)
        else:
            return made
    raise errors[0]
