"""Health checks: one policy, one loop, and pure verdicts over what a look at a release saw."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from behindy_ops.facts.curl import outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from behindy_ops.facts.container import Container
    from behindy_ops.project.services import HealthPolicy

__all__ = ["Look", "Verdict", "attempt_until", "judge_inside", "judge_outside"]


class Verdict(Enum):
    """What one attempt came to."""

    HEALTHY = "healthy"
    AGAIN = "not yet"
    FATAL = "failed for good"


@dataclass(frozen=True, slots=True)
class Look:
    """One attempt's verdict and the reason in words.

    :param definite: the release itself answered, with an error: waiting longer seldom helps.
    """

    verdict: Verdict
    reason: str
    definite: bool = False


def judge_inside(looks: Sequence[tuple[int, int]], container: Container | None) -> Look:
    """Judge an internal attempt: the answers from inside nginx, and how the container is afterwards.

    A container that exited, restarts or was killed for memory fails at once, by that name.

    :param looks: (HTTP status or 0, curl's exit code) of each request.
    """
    if container is None:
        return Look(Verdict.FATAL, "the container has disappeared")
    if container.oom_killed:
        limit = f" of {container.memory // 2**20} MB" if container.memory else ""
        return Look(Verdict.FATAL, f"OOM-killed: it needs more memory than its limit{limit}")
    if container.restarting or container.restarts:
        return Look(Verdict.FATAL, f"it restarts (exit code {container.exit_code}, {container.restarts} restarts)")
    if not container.running:
        return Look(Verdict.FATAL, f"it exited (exit code {container.exit_code})")
    code, curl_exit = looks[-1] if looks else (0, 28)
    return Look(Verdict.HEALTHY if 200 <= code < 400 else Verdict.AGAIN, outcome(code, curl_exit))


def judge_outside(
    looks: Sequence[tuple[int, int, str]],
    *,
    done: bool,
    candidate: bool,
    resolved: Sequence[str],
    address: str,
    inside: tuple[int, int] | None = None,
) -> Look:
    """Judge an attempt from outside, through the public URL.

    :param looks: (HTTP status or 0, curl's exit code, the candidate nginx said it asked) of each request.
    :param done: the remote loop ended by success.
    :param candidate: it was a rehearsal, so nginx must have said that it asked the candidate.
    :param resolved: what the service's name resolves to inside nginx (empty in a rehearsal).
    :param address: the only address it may resolve to (empty for no such check).
    :param inside: what the live container answered when it was asked itself at the end: (HTTP status or 0, curl's exit
        code), or None if it was not asked. While it refuses connections, nginx lets the previous release answer.
    """
    if not looks:
        return Look(Verdict.AGAIN, "no answer")
    code, curl_exit, asked = looks[-1]
    if candidate and code >= 100 and asked != "-green":
        return Look(Verdict.FATAL, "nginx did not route the rehearsal to the candidate")
    if not done:
        # 429: our own looks met the rate limit. 502 to 504: nginx could not reach it, which may pass.
        definite = code >= 400 and code not in (429, 502, 503, 504)
        return Look(Verdict.AGAIN, outcome(code, curl_exit), definite=definite)
    if address and set(resolved) != {address}:
        return Look(
            Verdict.AGAIN, f"inside nginx the name resolves to {', '.join(resolved) or 'nothing'}, not {address}"
        )
    if inside is not None and not 200 <= inside[0] < 400:
        return Look(Verdict.AGAIN, f"another container answered in its place; itself: {outcome(*inside)}")
    return Look(Verdict.HEALTHY, outcome(code, curl_exit))


def attempt_until(
    policy: HealthPolicy,
    attempt: Callable[[int], Look],
    *,
    definite_limit: int = 0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Look:
    """Attempt until healthy, failed for good, or out of attempts (specification: 15 attempts, 3 s apart).

    :param attempt: makes attempt number n (from 1); looks for up to ``policy.interval`` seconds itself, so the pause
        after it is only what is left of that time.
    :param definite_limit: give up after so many attempts in a row that ended with an error of the release itself;
        0 for never. Used where users already meet the release: 45 s of errors would be no caution.
    :returns: the last look; its verdict is never AGAIN: out of attempts is FATAL.
    """
    from tenacity import Retrying, retry_if_result, stop_after_attempt

    begun = clock()
    number = in_a_row = 0

    def once() -> Look:
        nonlocal begun, number, in_a_row
        begun, number = clock(), number + 1
        look = attempt(number)
        in_a_row = in_a_row + 1 if look.definite else 0
        if definite_limit and in_a_row >= definite_limit and look.verdict is Verdict.AGAIN:
            return Look(Verdict.FATAL, look.reason)
        return look

    retrying = Retrying(
        stop=stop_after_attempt(policy.attempts),
        wait=lambda _: max(0.0, policy.interval - (clock() - begun)),
        sleep=sleep,
        retry=retry_if_result(lambda look: look.verdict is Verdict.AGAIN),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    look: Look = retrying(once)
    if look.verdict is Verdict.AGAIN:
        return Look(Verdict.FATAL, f"{look.reason}, {policy.attempts} attempts in a row")
    return look
