"""What every task is wrapped in: errors become a message and an exit code, never a traceback nobody asked for."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

from invoke import Exit, Failure, ParseError

from behindy_ops.errors import BehindyError, Kind, SwarmFound

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

DEBUG = "BEHINDY_DEBUG"
"""Set to 1 in the environment to see where an unexpected error came from."""

BROKEN_PIPE = 141


def guarded(function: Callable[P, T]) -> Callable[P, T]:
    """Wrap what a person or a program runs.

    A :class:`BehindyError` is shown on standard error and ends the process with its exit code, Ctrl-C with 130, a
    reader that went away (``| head``) with 141; anything else is a bug of ours, shown as such, with exit code 1. With
    ``--json`` an error is an object on standard output too, since a program reads nothing else.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return _once_more(function, *args, **kwargs)
        except BehindyError as error:
            fail(error, json=kwargs.get("json") is True)
        except (Exit, Failure, ParseError):  # Invoke knows what to do
            raise
        except KeyboardInterrupt:
            print("\nStopped by Ctrl-C.", file=sys.stderr)
            raise SystemExit(Kind.INTERRUPTED.exit_code) from None
        except Exception as error:
            if isinstance(error, BrokenPipeError) and _nobody_reads():
                raise SystemExit(BROKEN_PIPE) from None
            if os.environ.get(DEBUG) == "1":
                raise
            fail(_unexpected(error), json=kwargs.get("json") is True)

    return wrapper


def _once_more(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it, and again where the host turns out to manage a swarm, which the settings did not say."""
    try:
        return function(*args, **kwargs)
    except SwarmFound:
        from behindy_ops.deploy.engines.choice import once_more

        print("The host manages a swarm: this is done as with BEHINDY_ENGINE=swarm.", file=sys.stderr)
        with once_more():
            return function(*args, **kwargs)


def fail(error: BehindyError, *, json: bool = False) -> NoReturn:
    """Show an error on standard error, and end with its exit code.

    Args:
        json: tell it to programs, too, by the event ``failed`` on standard output.
    """
    from behindy_ops import report

    if json:
        report.choose(json, sys.stdout, os.environ).failure(error)
    sys.stdout.flush()
    report.show_error(error)
    raise SystemExit(error.exit_code)


def _unexpected(error: Exception) -> BehindyError:
    return BehindyError(
        f"{type(error).__name__}: {error}",
        state="This is a bug in behindy-ops, not something you did. If a deploy was running, see: inv deploy.status",
        remedy=f"Run it again with {DEBUG}=1 to see where it comes from, and report that.",
    )


def _nobody_reads() -> bool:
    """Whether it is standard output that broke; then Python's last flush at exit goes nowhere, else it fails again."""
    import select

    try:
        output = sys.stdout.fileno()
        watch = select.poll()
        watch.register(output, 0)
        broken = any(state & (select.POLLERR | select.POLLHUP) for _, state in watch.poll(0))
    except (OSError, ValueError, AttributeError):
        return False
    if broken:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return broken
