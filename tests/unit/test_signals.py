"""Signals that would end Python without a word become exceptions, and only for as long as asked."""

from __future__ import annotations

import signal

import pytest

from behindy_ops.errors import Interrupted
from behindy_ops.host.interrupts import ending_signals_raise


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_ending_signal_raises_and_the_handler_is_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=number.name) as caught, ending_signals_raise():
        signal.raise_signal(number)
    assert caught.value.signal_number == number
    assert signal.getsignal(number) is before
