"""Connecting again where an SSH server hangs up before it has greeted, as one does that limits new connections.

OpenSSH's MaxStartups drops some of many that log in at once, its PerSourcePenalties refuse an address for some seconds;
both close the connection before the banner. Nothing was sent by then, so that trying again is safe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import paramiko
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_chain, wait_fixed

from behindy_ops.errors import UNCHANGED, Kind

PAUSES = (1, 2, 4, 8, 15)
"""Seconds between the tries: half a minute in all, twice the least that PerSourcePenalties refuse an address for."""

T = TypeVar("T")


def patiently(
    connect: Callable[[], T],
    where: str,
    *,
    tell: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return what ``connect`` returns, called again for as long as the server cuts it off before the banner.

    Args:
        where: whom it connects to, for people.
        tell: is told before each pause why nothing happens.

    Raises:
        Kind.HOST_UNREACHABLE: it was cut off at every try.
    """

    def before_sleep(tried: RetryCallState) -> None:
        tell(f"the server hung up before its greeting; try {tried.attempt_number + 1} of {len(PAUSES) + 1} follows")

    def give_up(tried: RetryCallState) -> T:
        raise Kind.HOST_UNREACHABLE(
            f"Cannot reach {where}: the server hung up before its greeting, {tried.attempt_number} times in "
            f"{sum(PAUSES)} s.",
            state=UNCHANGED,
            remedy="It limits new connections (MaxStartups or PerSourcePenalties in its sshd_config, fail2ban), or is "
            "no SSH server: check BEHINDY_PORT, wait some minutes, then try again.",
        ) from (tried.outcome.exception() if tried.outcome else None)

    return Retrying(
        retry=retry_if_exception(cut_off),
        stop=stop_after_attempt(len(PAUSES) + 1),
        wait=wait_chain(*map(wait_fixed, PAUSES)),
        sleep=sleep,
        before_sleep=before_sleep,
        retry_error_callback=give_up,
    )(connect)


def cut_off(error: BaseException) -> bool:
    """Whether the connection ended while its banner was read; paramiko tells that from silence by the context alone."""
    banner = isinstance(error, paramiko.SSHException) and "protocol banner" in str(error)
    return banner and isinstance(error.__context__, EOFError | ConnectionError)
