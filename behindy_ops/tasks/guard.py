"""What every task is wrapped in: errors become a message and an exit code, never a traceback nobody asked for."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
from itertools import takewhile
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

from invoke import Exit, Failure, ParseError

from behindy_ops.errors import BehindyError, Interrupted, Stopped, SwarmFound, signals_raise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

P = ParamSpec("P")
T = TypeVar("T")

DEBUG = "BEHINDY_DEBUG"
"""Set to 1 in the environment to see where an unexpected error came from."""

BROKEN_PIPE = 141


def guarded(function: Callable[P, T]) -> Callable[P, T]:
    """Wrap a task: whatever ends it ends the process as :func:`ending` has it."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        with ending(json=kwargs.get("json") is True):
            return _once_more(function, *args, **kwargs)

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


@contextlib.contextmanager
def ending(*, json: bool) -> Iterator[None]:
    """End the process with a message and an exit code, if what is done in here goes wrong.

    A :class:`BehindyError` is shown on standard error and ends it with its exit code, Ctrl-C with 130, a reader that
    went away (``| head``) with 141; anything else is a bug of ours, shown as such, with exit code 1.

    Signals that would end the process without a word are told as well; a session has them otherwise while it lasts.

    Args:
        json: standard output is read by a program, for which the error is its last object.
    """
    try:
        with signals_raise(Stopped, signal.SIGTERM, signal.SIGHUP):
            yield
    except BehindyError as error:
        fail(error, json=json)
    except (Exit, Failure, ParseError):  # Invoke knows what to do
        raise
    except (KeyboardInterrupt, Stopped) as end:
        number = end.number if isinstance(end, Stopped) else signal.SIGINT
        if json:
            tell_program(Interrupted(f"Stopped by {number.name}.", signal_number=number))
        print("\nStopped by Ctrl-C." if number == signal.SIGINT else f"\nStopped by {number.name}.", file=sys.stderr)
        raise SystemExit(128 + number) from None
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            raise SystemExit(BROKEN_PIPE) from None
        if os.environ.get(DEBUG) == "1":
            if json:
                tell_program(_unexpected(error))
            raise
        fail(_unexpected(error), json=json)


def wants_json(words: Sequence[str]) -> bool:
    """Return whether a command line asks for JSON, be it one that cannot be read: ``deploy.status --jsn --json``."""
    ours = list(takewhile(lambda word: word != "--", words))
    return "--json" in ours or "-j" in ours


def tell_program(error: BehindyError) -> None:
    """Tell a program of an error, as one object on standard output."""
    from behindy_ops import report

    report.choose(True, sys.stdout, os.environ, environment=os.environ.get("BEHINDY_ENV", "")).failure(error)
    sys.stdout.flush()


def fail(error: BehindyError, *, json: bool = False, told: bool = False) -> NoReturn:
    """Show an error on standard error, and end with its exit code.

    Args:
        json: tell it to programs, too, by the event ``failed`` on standard output.
        told: people have read it already, in what was shown.
    """
    from behindy_ops import report

    if json:
        tell_program(error)
    sys.stdout.flush()
    if not told:
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
