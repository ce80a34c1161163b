"""Is a release healthy? Verdicts over what one look at it saw: docs/design.md, "Health budget". Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from behindy_ops.facts.container import Container
from behindy_ops.facts.curl import outcome


class Verdict(Enum):
    """What one attempt came to."""

    HEALTHY = "healthy"
    AGAIN = "not yet"
    FATAL = "failed for good"


@dataclass(frozen=True, slots=True)
class Look:
    """One attempt's verdict and the reason in words.

    Attributes:
        definite: the release itself answered, with an error: waiting longer seldom helps.
    """

    verdict: Verdict
    reason: str
    definite: bool = False


def judge_inside(looks: Sequence[tuple[int, int]], container: Container | None) -> Look:
    """Judge an internal attempt: the answers from inside nginx, and how the container is afterwards.

    A container that exited, restarts or was OOM-killed fails at once, by that name.

    Args:
        looks: HTTP status (or 0) and curl's exit code of each request.
        container: how it is; None if it is gone.
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
    status, curl_exit = looks[-1] if looks else (0, 28)
    return Look(Verdict.HEALTHY if 200 <= status < 400 else Verdict.AGAIN, outcome(status, curl_exit))


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

    Args:
        looks: HTTP status (or 0), curl's exit code, and the candidate nginx said it asked, of each request.
        done: the remote loop ended by success.
        candidate: it was a rehearsal, so nginx must have said that it asked the candidate.
        resolved: what the service's name resolves to inside nginx; empty in a rehearsal.
        address: the only address it may resolve to; empty for no such check.
        inside: HTTP status (or 0) and curl's exit code of the live container when it was asked itself at the end; None
            if it was not. While it refuses connections, nginx lets the previous release answer.
    """
    if not looks:
        return Look(Verdict.AGAIN, "no answer")
    status, curl_exit, asked = looks[-1]
    if candidate and status >= 100 and asked != "-green":
        return Look(Verdict.FATAL, "nginx did not route the rehearsal to the candidate")
    if not done:
        # 429: our own looks met the rate limit. 502 to 504: nginx could not reach it, which may pass.
        definite = status >= 400 and status not in (429, 502, 503, 504)
        return Look(Verdict.AGAIN, outcome(status, curl_exit), definite=definite)
    if address and set(resolved) != {address}:
        return Look(
            Verdict.AGAIN, f"inside nginx the name resolves to {', '.join(resolved) or 'nothing'}, not {address}"
        )
    if inside is not None and not 200 <= inside[0] < 400:
        return Look(Verdict.AGAIN, f"another container answered in its place; itself: {outcome(*inside)}")
    return Look(Verdict.HEALTHY, outcome(status, curl_exit))
