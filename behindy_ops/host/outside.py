"""The public URL, asked by this machine itself: what the world sees, which may be something else than the host does."""

from __future__ import annotations

import contextlib
import errno
import http.client
import ipaddress
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from behindy_ops.facts.outside import Failure, Sighting, plain_text
from behindy_ops.project.settings import Settings
from behindy_ops.project.validate import endpoint

SECONDS = 5.0
"""For all of it; whoever waits for the answer waits no longer."""


_LIMITED, _BROKEN = 429, 500
"""Of HTTP: too many requests, and errors of a server from here on."""


def begin(url: str, settings: Settings) -> Callable[[], Sighting | None]:
    """Begin to ask; return what gives the answer, or None until there is one. It never raises and holds nobody up."""
    found: list[Sighting] = []
    end = time.monotonic() + SECONDS
    overdue = Sighting(url, failure=Failure.NO_ANSWER, said=f"no answer within {SECONDS:g} s")
    threading.Thread(target=lambda: found.append(look(url, settings, end)), daemon=True).start()
    return lambda: found[0] if found else overdue if time.monotonic() > end + 0.5 else None


def look(url: str, settings: Settings, end: float) -> Sighting:
    """Ask once, without following redirects, until ``end`` of the monotonic clock."""
    nothing = Sighting(url)
    try:
        if reason := _not_asked(url, settings):
            return replace(nothing, failure=Failure.NOT_ASKED, said=reason)
        sight = _asked(nothing, settings, end)
        failed = sight.status == _LIMITED or sight.status >= _BROKEN
        if failed and not sight.closed:  # as the host does: one that has passed is none
            time.sleep(1)
            sight = _asked(nothing, settings, end)
        return sight
    except Exception as error:  # noqa: BLE001 # a look that is no part of what was asked for fails nothing
        return replace(nothing, failure=Failure.NOT_ASKED, said=f"it could not be asked ({type(error).__name__})")


def _not_asked(url: str, settings: Settings) -> str:
    """Return why this machine is not outside, or does not ask; empty if it does."""
    if settings.outside_address == "none":
        return "BEHINDY_OUTSIDE_ADDRESS is none"
    to = endpoint(settings.outside_address)
    # A sandbox is reached by a port of this machine; its domain is somebody's real one.
    if _is_here(settings.host) and not (to and _is_here(to[0])):
        return "the host is reached through this machine itself"
    name = urlsplit(url).hostname or ""
    if not to and "https" in urllib.request.getproxies() and not urllib.request.proxy_bypass(name):
        return "this machine goes through a proxy (HTTPS_PROXY)"
    return ""


def _is_here(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.rstrip(".").lower() in ("localhost", "localhost.localdomain")


_NO_WAY = (errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def _asked(seen: Sighting, settings: Settings, end: float) -> Sighting:
    name = urlsplit(seen.url).hostname or ""
    to = endpoint(settings.outside_address)
    try:
        found = [] if to else socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:  # that is about this machine, and not about the name
            return replace(seen, failure=Failure.NOT_ASKED, said="no name server answers this machine")
        return replace(seen, failure=Failure.NO_NAME)
    places = [to] if to else list(dict.fromkeys((str(info[4][0]), 443) for info in found))
    seen, errors = replace(seen, leads=tuple(address for address, _ in places)), list[OSError]()
    for number, place in enumerate(places):
        try:
            left = (end - time.monotonic()) / (len(places) - number)
            with socket.create_connection(place, timeout=max(0.1, left)) as plain:
                return _answered(replace(seen, met=place[0]), place, plain, settings)
        except OSError as error:
            errors.append(error)
    if all(error.errno in _NO_WAY for error in errors):
        return replace(seen, failure=Failure.NOT_ASKED, said="this machine has no route to it")
    refused = any(isinstance(error, ConnectionRefusedError) for error in errors)
    said = "connection refused" if refused else "no connection in time"
    return replace(seen, met=places[-1][0], failure=Failure.NO_CONNECTION, said=said)


def _answered(seen: Sighting, place: tuple[str, int], plain: socket.socket, settings: Settings) -> Sighting:
    """Speak TLS and HTTP on a connection; what fails from here on is told, and not raised."""
    context = ssl.create_default_context()
    if settings.outside_ca_file:
        context.load_verify_locations(settings.outside_ca_file)
    parts = urlsplit(seen.url)
    name = parts.hostname or ""
    try:
        with context.wrap_socket(plain, server_hostname=name) as secured:
            seen = _shown(seen, secured)
            connection = http.client.HTTPConnection(name)
            connection.sock = secured
            path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
            connection.request("GET", path, headers={"User-Agent": "behindy-ops", "Connection": "close"})
            answer = connection.getresponse()
            closed, server = answer.getheader("X-Behindy-Maintenance") == "on", answer.getheader("Server") or ""
            return replace(seen, status=answer.status, server=plain_text(server), closed=closed)
    except ssl.SSLCertVerificationError as error:
        said = f"the certificate is not trusted ({error.verify_message})"
        return replace(_untrusted(seen, place, name), failure=Failure.NOT_TRUSTED, said=said)
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "reason", "") or type(error).__name__
        said = "no answer in time" if isinstance(error, TimeoutError) else f"no answer ({why})"
        return replace(seen, failure=Failure.NO_ANSWER, said=said)


def _shown(seen: Sighting, secured: ssl.SSLSocket) -> Sighting:
    """Add when the certificate that was shown expires, and who issued it."""
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    until = certificate.not_valid_after_utc.isoformat()
    return replace(seen, until=until, issuer=plain_text(certificate.issuer.rfc4514_string()))


def _untrusted(seen: Sighting, place: tuple[str, int], name: str) -> Sighting:
    """Look at a certificate that is not trusted, to say whose it is: nothing is sent."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        contextlib.suppress(OSError, ValueError),
        socket.create_connection(place, timeout=1) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        return _shown(seen, secured)
    return seen
