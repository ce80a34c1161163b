"""Tells webhooks how a run ended: within seconds, and whatever comes of that, the run has ended as it has."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import behindy_ops
from behindy_ops.errors import Stopped, SwarmFound, signals_raise
from behindy_ops.project.settings import Settings
from behindy_ops.project.webhooks import Webhook
from behindy_ops.report import message
from behindy_ops.report.events import Event
from behindy_ops.report.message import Message, Notable

SECONDS = 5.0
"""For all webhooks together."""


@dataclass
class Telling:
    """What is to be told of a run that is under way.

    Attributes:
        events: that say how it ends.
        findings: of a doctor, as its JSON has them; None for any other run.
        sent: how many took the message; 0 if there was nothing to tell, None if one of them did not take it.
    """

    events: list[Event] = field(default_factory=list)
    findings: Sequence[Mapping[str, Any]] | None = None
    sent: int | None = 0

    def hear(self, event: Event) -> None:
        """Take an event, from any thread."""
        if isinstance(event, Notable):
            self.events.append(event)


@contextlib.contextmanager
def telling(
    task: str,
    settings: Settings,
    services: Sequence[str],
    *,
    who: Callable[[], str],
    complain: Callable[[str], None],
    tag: str = "",
    heard: Telling | None = None,
) -> Iterator[Telling]:
    """Tell the webhooks of the settings how the block ended, if that is to be told.

    Args:
        task: as :class:`behindy_ops.report.message.About` has it.
        who: returns who runs this; not asked where nobody is told.
        complain: is given a sentence for each that could not be told.
        heard: takes the events.
    """
    told = heard or Telling()
    if not settings.notify_urls:
        yield told
        return
    error: BaseException | None = None
    try:
        yield told
    except BaseException as problem:
        error = problem
        raise
    finally:
        try:
            about = message.about(task, settings, services, who(), tag)
            if (text := _message(about, told, error)) is not None:
                missed = send(settings.webhooks, text)
                told.sent = None if missed else len(settings.webhooks)
                for sentence in missed:
                    complain(sentence)
        except Exception as problem:  # noqa: BLE001 # the run has ended as it has
            complain(f"Nobody was told how this ended: a bug of behindy-ops ({type(problem).__name__}).")


def _message(about: message.About, told: Telling, error: BaseException | None) -> Message | None:
    if isinstance(error, SwarmFound):
        return None  # it has not ended: it is begun once more
    if about.task != "doctor":
        return message.ended(about, told.events, error)
    if error is not None:
        return message.unfinished(about, error, told.findings)
    return message.found(about, told.findings or ())


def send(webhooks: Sequence[Webhook], text: Message, *, seconds: float = SECONDS) -> list[str]:
    """Send a message to all at the same time; return a sentence for each that did not take it, without its address.

    Args:
        seconds: that it takes at most. Ctrl-C, SIGTERM and SIGHUP end it at once, and nothing else: the run has
            ended as it has, and so does the process.
    """
    at, end = datetime.now(UTC), time.monotonic() + seconds
    answers: dict[int, str] = {}

    def ask(number: int, webhook: Webhook) -> None:
        answers[number] = _ask(webhook, message.body(text, webhook.kind, at), seconds)

    threads = [threading.Thread(target=ask, args=pair, daemon=True) for pair in enumerate(webhooks)]
    for thread in threads:
        thread.start()
    late = _late(seconds)
    try:
        with signals_raise(Stopped, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for thread in threads:
                thread.join(max(0.0, end - time.monotonic()))
    except Stopped as stop:
        late = f"stopped by {'Ctrl-C' if stop.number == signal.SIGINT else stop.number.name}"
    missed = []
    for number, webhook in enumerate(webhooks):
        if why := answers.get(number, late):
            which = f"Webhook {number + 1} of {len(webhooks)}" if len(webhooks) > 1 else "The webhook"
            missed.append(f"{which} ({webhook.kind}) was not told how this ended: {why}.")
    return missed


def _late(seconds: float) -> str:
    return f"no answer within {seconds:g} s"


class _NotFollowed(urllib.request.HTTPRedirectHandler):
    """Whoever else a webhook names is not told."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _ask(webhook: Webhook, body: bytes, seconds: float) -> str:
    """Send it once; return why it was not taken, in words without the address, or an empty string."""
    headers = {"Content-Type": "application/json", "User-Agent": f"behindy-ops/{behindy_ops.__version__}"}
    handlers: list[urllib.request.BaseHandler] = [_NotFollowed()]
    if webhook.here:
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        url = webhook.url.reveal()  # https, or http on this machine, and nothing else: project/webhooks.py
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310
        with urllib.request.build_opener(*handlers).open(request, timeout=seconds):
            return ""
    except urllib.error.HTTPError as error:
        redirect = http.client.MULTIPLE_CHOICES <= error.code < http.client.BAD_REQUEST
        error.close()
        return f"it answered HTTP {error.code}{', a redirect, which is not followed' if redirect else ''}"
    except Exception as error:  # noqa: BLE001 # its text may hold the address
        return _why(error.reason if isinstance(error, urllib.error.URLError) else error, seconds)


def _why(error: object, seconds: float) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return "its certificate is not trusted"
        case ssl.SSLError():
            return "it does not speak TLS as it should"
        case socket.gaierror():
            return "its name leads nowhere"
        case ConnectionRefusedError():
            return "connection refused"
        case TimeoutError():
            return _late(seconds)
    return f"it could not be asked ({type(error).__name__})"
