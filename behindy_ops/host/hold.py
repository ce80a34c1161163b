"""A person's hold on the host: taken, shown and released without a process that would have to live as long."""

from __future__ import annotations

import json
from dataclasses import dataclass

from behindy_ops.facts.replies import parse_json
from behindy_ops.host.command import Command, Result, script
from behindy_ops.host.lease import refusal
from behindy_ops.host.session import HostLike


@dataclass(frozen=True, slots=True)
class LockStatus:
    """Who holds what; both empty when the host is free.

    Attributes:
        hold: a person's hold: ``who``, ``message``, ``since``.
        lease: a running client's lease: ``who``, ``what``, ``since``.
    """

    hold: dict[str, str]
    lease: dict[str, str]


def _read(text: str) -> dict[str, str]:
    found = parse_json(text)
    if found is None:
        return {"who": "unknown"} if text.strip() else {}
    return {key: str(value) for key, value in found.items() if key != "token"}


def _run(host: HostLike, state_dir: str, what: str, stdin: bytes = b"") -> Result:
    result = host.run(Command(script("lock/hold", state_dir, what), title=f"{what} the lock", stdin=stdin))
    if held := refusal(result.exit_code, result.stdout):
        raise held
    return result.require()


def status(host: HostLike, state_dir: str) -> LockStatus:
    """Return who holds the host."""
    found = _run(host, state_dir, "status").reply().values()
    return LockStatus(_read(found.get("hold", "")), _read(found["lease"] or "?") if "lease" in found else {})


def acquire(host: HostLike, state_dir: str, *, who: str, message: str, since: str) -> None:
    """Hold the host for maintenance until :func:`release`.

    Raises:
        LockHeld: somebody else holds it.
    """
    line = json.dumps({"who": who, "message": message, "since": since}, ensure_ascii=False) + "\n"
    _run(host, state_dir, "acquire", line.encode("utf-8"))


def release(host: HostLike, state_dir: str) -> dict[str, str]:
    """End a person's hold; return what it was, empty if there was none."""
    return _read(_run(host, state_dir, "release").stdout)
