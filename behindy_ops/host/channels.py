"""The channels of one connection: one is opened ahead, and no more are open at once than the server accepts.

What it accepts (``MaxSessions`` of sshd, 10 unless somebody set it) is found out when it refuses one.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import paramiko

POLL = 0.05
"""Seconds between looks at whether a command has ended while all channels are taken."""

REPEATS = (0.05, 0.1, 0.2, 0.4)
"""Seconds between tries to open one that the server refuses."""

PATIENCE = 180.0
"""Seconds to wait for one of them; the host itself ends what has them by then."""


class Channels:
    """Hands out channels; one that has ended, by its exit status, makes room for the next.

    Args:
        open_channel: opens one, which takes a round trip.

    Attributes:
        accepted: how many the server accepts at once; None as long as it has refused none.
    """

    def __init__(self, open_channel: Callable[[], paramiko.Channel]) -> None:
        self.accepted: int | None = None
        self._open_channel = open_channel
        self._changed = threading.Condition()
        self._beside = threading.Lock()
        self._out: list[paramiko.Channel] = []
        self._spare: paramiko.Channel | None = None
        self._opening = False
        self._ended = False
        self._error: Exception | None = None
        self.open_ahead()

    def open_ahead(self) -> None:
        """Open the next one in a thread: half the round trips of every command."""
        with self._changed:
            if self._spare is None and not self._opening and not self._full():
                self._opening = True
                threading.Thread(target=self._open, name="channel", daemon=True).start()

    def take(self, check: Callable[[], None] = lambda: None) -> paramiko.Channel:
        """Return the channel opened ahead, once there is one.

        Args:
            check: called while it is waited for; what it raises ends the wait.

        Raises:
            Exception: as opening one does; ``TimeoutError`` if all stay taken.
        """
        deadline = time.monotonic() + PATIENCE
        while (channel := self._next()) is None:
            check()
            if time.monotonic() > deadline:
                raise TimeoutError
        return channel

    def take_beside(self) -> paramiko.Channel | None:
        """Return a channel that leaves one for others; None if the server accepts no two more."""
        with self._beside:  # two at once would each take what the other needs
            while (channel := self._next()) is None:
                if self._taken():
                    return None
            while (other := self._next()) is None and not self._taken():
                pass
            self._give_back(channel if other is None else other)
            return channel if other is not None else None

    def limit(self) -> int | None:
        """Return :attr:`accepted`, once it is known whether the last one was refused."""
        with self._changed:
            self._changed.wait_for(lambda: not self._opening)
            return self.accepted

    def _taken(self) -> bool:
        """Whether as many are out as the server accepts."""
        with self._changed:
            self._changed.wait_for(lambda: not self._opening)
            return self._spare is None and self._full()

    def _next(self) -> paramiko.Channel | None:
        with self._changed:
            self.open_ahead()
            if self._spare is None and self._error is None:
                self._changed.wait(POLL)
            if self._error is not None:
                raise self._error
            channel, self._spare = self._spare, None
            if channel is not None:
                self._out.append(channel)
                self.open_ahead()
            return channel

    def _give_back(self, channel: paramiko.Channel) -> None:
        with self._changed:
            self._out.remove(channel)
            if self._spare is None:
                self._spare = channel
            else:
                channel.close()
            self._changed.notify_all()

    def _full(self) -> bool:
        live = [channel for channel in self._out if not (channel.closed or channel.exit_status_ready())]
        self._ended = self._ended or len(live) < len(self._out)
        self._out = live
        return self.accepted is not None and len(self._out) >= self.accepted

    def _tried(self) -> paramiko.Channel | None:
        """Return a new channel, or None if the server accepts no more than are out.

        One that has just ended may still count there, so that once any has, a refusal is believed when it is repeated.
        """
        for pause in (*REPEATS, 0.0):
            with self._changed:
                self._full()
                taken, certain = len(self._out), not self._ended
            try:
                return self._open_channel()
            except paramiko.ChannelException:
                if not pause and not taken:
                    raise
                if certain and taken:
                    break
            time.sleep(pause)
        if certain or taken > 1:  # else the lock alone would be taken for all that there is room for
            self.accepted = self.accepted or taken
        return None

    def _open(self) -> None:
        spare = None
        try:
            spare = self._tried()
        except Exception as error:  # noqa: BLE001 - handed to whoever needs a channel
            self._error = error
        with self._changed:
            self._opening = False
            if spare is not None and self._spare is not None:
                with contextlib.suppress(OSError, EOFError):
                    spare.close()
            self._spare = self._spare or spare
            self._changed.notify_all()
