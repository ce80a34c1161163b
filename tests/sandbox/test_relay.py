"""The relay delays, keeps order, carries a lot, and breaks on demand."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.traffic.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.serial

_DELAY = 0.05


class _Echo(threading.Thread):
    """Greets like an SSH server, then echoes each connection until it ends."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def run(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _serve(connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(b"hi")
                while data := connection.recv(1 << 16):
                    connection.sendall(data)
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture(name="relay", scope="module")
def _relay() -> Iterator[Relay]:
    echo = _Echo()
    echo.start()
    with Relay("127.0.0.1", echo.port, delay=_DELAY) as relay:
        yield relay
    echo.close()


def _connect(relay: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port), timeout=5)


def _receive(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(1 << 16)
        if not piece:
            break
        data += piece
    return data


def test_each_direction_takes_the_delay(relay: Relay) -> None:
    begin = time.monotonic()
    with _connect(relay) as connection:
        assert _receive(connection, 2) == b"hi"
        greeted = time.monotonic() - begin
        connection.sendall(b"ping")
        assert _receive(connection, 4) == b"ping"
        answered = time.monotonic() - begin - greeted
    assert 2 * _DELAY <= greeted < 2 * _DELAY + 0.5
    assert 2 * _DELAY <= answered < 2 * _DELAY + 0.5


def test_much_data_passes_in_order_without_waiting_for_each_piece(relay: Relay) -> None:
    sent = b"".join(number.to_bytes(4, "big") for number in range(1_000_000))
    with _connect(relay) as connection:
        _receive(connection, 2)
        begin = time.monotonic()
        threading.Thread(target=connection.sendall, args=(sent,), daemon=True).start()
        assert _receive(connection, len(sent)) == sent
        took = time.monotonic() - begin
    # 4 MB in pieces of 64 KiB at most would take 6 s if each waited for the one before it to arrive
    assert took < 2


def test_an_end_of_one_side_reaches_the_other_after_what_was_sent_before_it(relay: Relay) -> None:
    with _connect(relay) as connection:
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)
        assert _receive(connection, 1000) == b"hilast words"


def test_a_cut_resets_the_connections_and_new_ones_are_served(relay: Relay) -> None:
    with _connect(relay) as connection:
        _receive(connection, 2)
        assert relay.cut() == 1
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with _connect(relay) as connection:
        assert _receive(connection, 2) == b"hi"


def test_frozen_is_silent_not_closed_and_a_thaw_delivers_what_waited(relay: Relay) -> None:
    with _connect(relay) as connection:
        _receive(connection, 2)
        relay.freeze()
        connection.sendall(b"late")
        connection.settimeout(4 * _DELAY)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        relay.thaw()
        connection.settimeout(5)
        assert _receive(connection, 4) == b"late"


def test_a_cut_while_frozen_still_resets(relay: Relay) -> None:
    with _connect(relay) as connection:
        _receive(connection, 2)
        relay.freeze()
        try:
            relay.cut()
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        finally:
            relay.thaw()


def test_a_target_that_refuses_looks_like_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Relay("127.0.0.1", port, delay=0.01) as relay, _connect(relay) as connection:
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
        assert relay.cut() == 0
