"""An SSH server on the loopback, of paramiko's own server side: what it is told to run, a shell here runs."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import threading
import time
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_FAILED_CONNECT_FAILED, OPEN_SUCCEEDED

from behindy_ops.host.known_hosts import fingerprint
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SshServer"]


class _Login(paramiko.ServerInterface):
    def __init__(
        self,
        server: SshServer,
        transport: paramiko.Transport,
        run: Callable[[paramiko.Channel, str], None],
        full: Callable[[], bool],
    ) -> None:
        self._server = server
        self._transport = transport
        self._run = run
        self._full = full
        self._key = ""

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        good = username in self._server.users and key in (self._server.client_key, *self._server.further_client_keys)
        self._key = fingerprint(key)
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def check_channel_direct_tcpip_request(
        self, chanid: int, _origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        self._logged_in()
        try:
            there = socket.create_connection(destination)
        except OSError:
            return OPEN_FAILED_CONNECT_FAILED
        threading.Thread(target=_forward, args=(self._transport, chanid, there), daemon=True).start()
        return OPEN_SUCCEEDED

    def _logged_in(self) -> None:
        """Note who is in, once he uses it: with a key that is only asked about, a login may end as well."""
        if self._key:
            self._server.logins.append((time.monotonic(), self._transport.get_username() or "", self._key))
            self._key = ""

    def get_allowed_auths(self, _: str) -> str:
        return "publickey"

    def check_channel_request(self, _kind: str, _chanid: int) -> int:
        self._logged_in()
        return OPEN_FAILED_CONNECT_FAILED if self._full() else OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._run, args=(channel, command.decode()), daemon=True).start()
        return True


class SshServer:
    """Listens until it is left.

    Attributes:
        home: where commands run.
        transports: those of its clients.
        greeting: what a login does before the command: shell text.
        most: how many channels a connection may have, of those whose command has not ended.
        further_key: a host key of another type, if it has one.
        users: who may log in, with any of the keys it knows.
        logins: when who did, and with which key.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.host_key = paramiko.ECDSAKey.generate()
        self.client_key: paramiko.PKey = paramiko.ECDSAKey.generate()
        self.transports: list[paramiko.Transport] = []
        self.greeting = ""
        self.most = 10
        self._lingering = 0
        self._ended: list[paramiko.Channel] = []
        self.further_key: paramiko.PKey | None = None
        self.users = {"kim"}
        self.further_client_keys: list[paramiko.PKey] = []
        self.logins: list[tuple[float, str, str]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._processes: list[subprocess.Popen[bytes]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.host_key.get_name()} {self.host_key.get_base64()}\n"

    def settings(self, **changes: object) -> Settings:
        """Return settings with which one gets in."""
        file = self.home / "key"
        self.client_key.write_private_key_file(str(file))
        known: dict[str, object] = {
            "host": "127.0.0.1", "port": self.port, "user": "kim", "key_text": Secret(file.read_text()),
            "known_hosts_text": self.known_hosts, "known_hosts_file": self.home / "none", "host_dir": str(self.home),
            "ssh_config": "none",
        }  # fmt: skip
        return Settings(**known | changes)  # type: ignore[arg-type]

    def hang_up(self) -> None:
        """Close every connection."""
        for transport in self.transports:
            transport.close()

    def end(self, script: str) -> None:
        """Kill what runs this script."""
        for process in self._processes:
            if script in str(process.args):
                _kill(process)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # so that it accepts no one more
        self._socket.close()
        self.hang_up()
        for process in self._processes:
            _kill(process)
            process.wait()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError as error:
                if error.errno == errno.ECONNABORTED:  # one client that was gone before
                    continue
                return
            transport = paramiko.Transport(client)
            transport.add_server_key(self.host_key)
            if self.further_key is not None:
                transport.add_server_key(self.further_key)
            self.transports.append(transport)
            login = _Login(self, transport, self._run, partial(self._full, transport))
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(event=threading.Event(), server=login)  # others need not wait for this one

    def _full(self, transport: paramiko.Transport) -> bool:
        channels = transport._channels.values()  # type: ignore[attr-defined]
        count = len([channel for channel in channels if channel not in self._ended])
        return count + self._lingering >= self.most

    def _run(self, channel: paramiko.Channel, command: str) -> None:
        process = subprocess.Popen(
            ["sh", "-c", f"{self.greeting}\n{command}".replace("/var/tmp/", f"{self.home}/")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=self.home, start_new_session=True, bufsize=0,
        )  # fmt: skip
        self._processes.append(process)
        assert process.stdin
        assert process.stdout
        assert process.stderr
        threading.Thread(target=_feed, args=(channel, process.stdin), daemon=True).start()
        said = [
            threading.Thread(target=_pass_on, args=(process.stdout, channel.sendall), daemon=True),
            threading.Thread(target=_pass_on, args=(process.stderr, channel.sendall_stderr), daemon=True),
        ]
        for thread in said:
            thread.start()
        for thread in said:
            thread.join()
        code = process.wait()
        self._lingering += 1
        self._ended.append(channel)
        with contextlib.suppress(OSError, EOFError):
            if code >= 0:
                channel.send_exit_status(code)
            channel.close()
        time.sleep(0.1)  # as sshd counts a session for a moment after its end
        self._lingering -= 1


def _forward(transport: paramiko.Transport, number: int, there: socket.socket) -> None:
    """Connect a channel, once it is open, with where it is to lead."""
    while (channel := transport._channels.get(number)) is None:  # type: ignore[attr-defined]
        time.sleep(0.001)
    for source, sink in ((channel, there), (there, channel)):
        threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: paramiko.Channel | socket.socket, sink: paramiko.Channel | socket.socket) -> None:
    with contextlib.suppress(OSError, EOFError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError, EOFError):
        sink.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill it and all it has begun."""
    for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == process.pid:
                os.kill(pid, signal.SIGKILL)


def _feed(channel: paramiko.Channel, stream: IO[bytes]) -> None:
    with contextlib.suppress(OSError):
        while data := channel.recv(65536):
            stream.write(data)
    with contextlib.suppress(OSError):
        stream.close()


def _pass_on(stream: IO[bytes], send: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError), stream:
        while data := stream.read(65536):
            send(data)
