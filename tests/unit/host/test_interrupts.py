"""Signals that would end Python without a word become exceptions, and only for as long as asked."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from behindy_ops.errors import Interrupted, Stopped, signals_raise, signals_wait
from behindy_ops.host.interrupts import Interrupts, ending_signals_raise


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_ending_signal_raises_and_the_handler_is_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=number.name) as caught, ending_signals_raise():
        signal.raise_signal(number)
    assert caught.value.signal_number == number
    assert signal.getsignal(number) is before


def test_a_signal_is_raised_once_at_a_known_place_and_the_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        interrupts.check()
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
        assert interrupts.requested == signal.SIGTERM
        with interrupts.shielded():
            interrupts.check()
        with pytest.raises(Interrupted, match="SIGTERM"):
            interrupts.check()
        interrupts.check()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_shield_holds_for_so_long_and_no_longer() -> None:
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        with interrupts.shielded(60), interrupts.shielded(0):
            interrupts.check()
        with interrupts.shielded(0), pytest.raises(Interrupted):
            interrupts.check()


@pytest.mark.parametrize(("number", "asked"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_it_is_told_once_and_at_once_even_while_it_is_put_off(number: signal.Signals, asked: str) -> None:
    told: list[tuple[str, bool]] = []
    with Interrupts() as interrupts:
        interrupts.tell = lambda name, put_off: told.append((name, put_off))
        interrupts.check()
        signal.raise_signal(number)
        with interrupts.shielded():
            interrupts.check()
            interrupts.check()
        assert told == [(asked, True)]
        with pytest.raises(Interrupted):
            interrupts.check()
    assert told == [(asked, True)]


def test_a_second_ctrl_c_leaves_at_once() -> None:
    text = """
import signal
import subprocess
import sys
import threading
from behindy_ops.host.interrupts import Interrupts
with Interrupts():
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
print("never")
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stdout) == (130, "")
    assert "inv deploy.recover" in done.stderr


def test_a_signal_in_the_middle_of_what_must_be_finished_raises_right_after_it() -> None:
    finished: list[str] = []

    def finish() -> None:
        with signals_wait(signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(signal.SIGTERM)
            finished.append("the block")
        finished.append("more")

    with pytest.raises(Stopped) as stopped, signals_raise(Stopped, signal.SIGTERM):
        finish()
    assert (finished, stopped.value.number) == (["the block"], signal.SIGTERM)


def test_in_a_thread_there_are_no_signals_to_collect() -> None:
    entered: list[object] = []

    def enter() -> None:
        with Interrupts() as interrupts:
            entered.append(interrupts.requested)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [None]


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_after_a_request_to_stop_says_how_to_go_on_and_leaves_with_130(
    first: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left: list[int] = []
    monkeypatch.setattr("behindy_ops.host.interrupts.os._exit", left.append)
    monkeypatch.setenv("BEHINDY_INV", "./inv")
    with Interrupts() as interrupts:
        signal.raise_signal(first)
        signal.raise_signal(signal.SIGTERM)
        assert (left, capsys.readouterr().err) == ([], "")
        signal.raise_signal(signal.SIGINT)
        assert interrupts.requested == first
    assert left == [130]
    assert capsys.readouterr().err.endswith("or now: ./inv deploy.recover\n")
