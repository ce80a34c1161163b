"""Why an image could not be had, from the words of Docker and of registries, as they were recorded."""

from __future__ import annotations

import pytest

from behindy_ops.errors import Kind
from behindy_ops.facts.pull import cause, runs_on
from behindy_ops.host.exit_codes import Code, error

DAEMON = "Error response from daemon: "


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", Kind.DISK_FULL, "disk is full"),
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            Kind.IMAGE_NOT_FOUND,
            "for the host's architecture",
        ),
        (
            "image with reference r/x was found but does not match the specified platform: wanted linux/arm64",
            Kind.IMAGE_NOT_FOUND,
            "for the host's architecture",
        ),
        (
            "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/x",
            Kind.REGISTRY_REFUSED,
            "limit on pulls is used up",
        ),
        ("error pulling image configuration: 429 Too Many Requests", Kind.REGISTRY_REFUSED, "limit on pulls"),
        (
            'error getting credentials - err: exec: "docker-credential-ecr-login": executable file not found in $PATH',
            Kind.HOST_NOT_READY,
            "credential helper",
        ),
        (
            'Get "https://r:5000/v2/": http: server gave HTTP response to HTTPS client',
            Kind.REGISTRY_UNREACHABLE,
            "without TLS",
        ),
        (
            'Get "https://r/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
            Kind.REGISTRY_UNREACHABLE,
            "does not trust the certificate",
        ),
        (
            "pull access denied for me/x, repository does not exist or may require 'docker login': denied: requested",
            Kind.REGISTRY_REFUSED,
            "refused to give me/x:1",
        ),
        ('Head "https://ghcr.io/v2/x/manifests/1": unauthorized', Kind.REGISTRY_REFUSED, "refused to give"),
        (
            'Get "https://r.example/v2/": dial tcp: lookup r.example on 127.0.0.53:53: no such host',
            Kind.REGISTRY_UNREACHABLE,
            "cannot resolve the name",
        ),
        ("manifest for me/x:1 not found: manifest unknown: manifest unknown", Kind.IMAGE_NOT_FOUND, "no image me/x:1"),
        (
            'Get "https://r.example/v2/": dial tcp 192.0.2.1:443: connect: connection refused',
            Kind.REGISTRY_UNREACHABLE,
            "does not answer the host",
        ),
        (
            'Get "https://r.example/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
            Kind.REGISTRY_UNREACHABLE,
            "does not answer the host",
        ),
        ("received unexpected HTTP status: 503 Service Unavailable", Kind.REGISTRY_UNREACHABLE, "in trouble itself"),
        ("error parsing HTTP 504 response body: 504 Gateway Timeout", Kind.REGISTRY_UNREACHABLE, "in trouble itself"),
    ],
)
def test_each_cause_has_its_own_name(said: str, kind: Kind, words: str) -> None:
    found = cause(DAEMON + said, "me/x:1")
    assert found is not None
    assert found.kind is kind
    assert words in found.what
    assert found.remedy
    assert "{" not in found.what + found.remedy


def test_what_is_not_known_is_not_guessed() -> None:
    assert cause("something new", "me/x:1") is None


def test_the_advice_fits_whether_there_is_a_login() -> None:
    limited = [cause("toomanyrequests", "x", logged_in=known) for known in (False, True)]
    assert ["DOCKERHUB_TOKEN" in found.remedy for found in limited if found] == [True, False]


def test_every_task_that_pulls_names_the_cause() -> None:
    found = error(Code.NO_IMAGE, ("toomanyrequests: limit",), image="nginx:1")
    assert found is not None
    assert (found.kind, "nginx:1" in found.what) == (Kind.REGISTRY_REFUSED, True)
    found = error(Code.NO_IMAGE, ("something new",), image="nginx:1")
    assert found is not None
    assert found.kind is Kind.HOST_NOT_READY


@pytest.mark.parametrize(
    ("built_for", "host", "runs"),
    [
        ("amd64", "amd64", True), ("arm64", "amd64", False), ("amd64", "arm64", False), ("386", "amd64", True),
        ("arm", "arm64", True), ("arm64", "arm", False), ("", "amd64", True), ("amd64", "", True),
    ],
)  # fmt: skip
def test_an_image_runs_on_its_own_architecture_and_its_predecessor(built_for: str, host: str, runs: bool) -> None:
    assert runs_on(built_for, host) is runs
