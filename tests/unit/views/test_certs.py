"""``ops.certs``: the verdict over what is served and what lies ready."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from behindy_ops.checks.certificates import LATE_DAYS
from behindy_ops.report.text import Tone
from behindy_ops.views import certs
from tests.unit.ops_facts import NOW, seen, survey, text_of


def pem(days: float) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "b.me")])
    until = dt.datetime.fromtimestamp(NOW + days * 86400, dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(until - dt.timedelta(days=90))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("b.me"), x509.DNSName("www.b.me")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def described(served: float | None, ready: float | None = None, trust: str = "code 0") -> certs.CertsView:
    shown = ""
    if served is not None:
        until = dt.datetime.fromtimestamp(NOW + served * 86400, dt.UTC)
        shown = f"*  subject: CN=b.me\n*  expire date: {until:%b %e %H:%M:%S %Y} GMT\n*  issuer: CN=Some CA"
    files = f"file /etc/letsencrypt/live/b.me/fullchain.pem\n{pem(ready)}" if ready is not None else ""
    state = "running 10.0.0.2" if served is not None else "exited"
    facts = seen(survey(), now=f"{NOW:.0f}", address=state, served=shown, trust=trust, files=files)
    return certs.describe(facts)


@pytest.mark.parametrize(
    ("served", "ready", "verdict"),
    [
        (60, 60, "ok"),
        (60, None, "ok"),
        (LATE_DAYS - 1, LATE_DAYS - 1, "renew soon"),
        (-2, -2, "expired"),
        (5, 89, "not loaded"),
        (-2, 89, "not loaded"),
        (None, 60, "unknown"),
    ],
)
def test_the_verdict(served: float | None, ready: float | None, verdict: str) -> None:
    view = described(served, ready)
    assert view.verdict == verdict
    assert bool(view.remedy) == (verdict != "ok")
    assert text_of(certs.lines(view))


def test_what_to_type() -> None:
    assert described(3).remedy == "Renew it: inv host.certs"
    assert described(5, 89).remedy == "inv ops.nginx --reload"


def test_a_certificate_the_host_does_not_trust() -> None:
    view = described(60, 60, "code 60\ncurl: (60) SSL: no alternative certificate subject name matches")
    assert view.verdict == "not trusted"
    assert "no alternative certificate subject name" in view.found


def test_names_and_days_of_a_file() -> None:
    (file,) = described(60, 60).files
    assert (file.names, file.days) == (("b.me", "www.b.me"), 60.0)


def test_the_way_gnutls_writes_a_date_and_a_file_that_is_none() -> None:
    facts = seen(
        survey(),
        now=f"{NOW:.0f}",
        address="running 10.0.0.2",
        served="*  expire date: Fri, 15 Jan 2027 08:00:00 GMT",
        trust="code 0",
        files="file /etc/letsencrypt/live/x/fullchain.pem\nnot a certificate",
    )
    view = certs.describe(facts)
    assert view.served is not None
    assert view.served.days == 0.0
    assert view.files == ()


def test_a_newer_certificate_of_another_domain_is_not_one_that_lies_ready() -> None:
    until = dt.datetime.fromtimestamp(NOW + 5 * 86400, dt.UTC)
    served = f"*  expire date: {until:%b %e %H:%M:%S %Y} GMT"
    files = f"file /etc/letsencrypt/live/other.me/fullchain.pem\n{pem(89)}"
    facts = seen(survey(), now=f"{NOW:.0f}", address="running x", served=served, trust="code 0", files=files)
    view = certs.describe(facts)
    assert view.verdict == "renew soon"
    assert [line.tone for line in certs.lines(view)[2:4]] == [Tone.CAREFUL, Tone.PLAIN]
