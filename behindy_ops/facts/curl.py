"""What curl's exit codes mean here. Pure."""

from __future__ import annotations

UNTRUSTED = 60
"""The certificate is not trusted."""

_REASONS = {
    5: "the proxy's name does not resolve",
    6: "the name does not resolve",
    7: "connection refused",
    28: "no answer in time",
    35: "TLS handshake failed",
    52: "empty answer",
    56: "connection reset",
    UNTRUSTED: "the certificate is not trusted",
    77: "the CA certificates cannot be read",
}


def needs_login(status: int) -> bool:
    """Return whether somebody who has not logged in gets this HTTP status."""
    return status in (401, 403)


def outcome(status: int, curl_exit: int, *, login: bool = True) -> str:
    """Return what a request came to: its HTTP status, or why there was no answer.

    Args:
        login: 401 and 403 are not what was expected, so they are explained.
    """
    if login and needs_login(status):
        return f"HTTP {status}: the path needs a login"
    return f"HTTP {status}" if status >= 100 else _REASONS.get(curl_exit, f"curl exit code {curl_exit}")
