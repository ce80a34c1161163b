"""``python -m sandbox.bench.counted TASK``: as ``python -m invoke TASK``, and says at its end what it cost the host."""

from __future__ import annotations

import sys
from typing import Any

from behindy_ops.host.host import Host

__all__ = ["MARK"]

MARK = "remote commands: "
"""Stands before the number, on standard error."""


def _main() -> None:
    from invoke.main import program

    leave = Host.__exit__

    def tell(host: Host, *error: Any) -> None:
        leave(host, *error)
        sys.stderr.write(f"{MARK}{host.remote_commands}\n")

    Host.__exit__ = tell  # type: ignore[method-assign]
    program.run(["invoke", *sys.argv[1:]])


if __name__ == "__main__":
    _main()
