"""When host.certs obtains a certificate, and for which names."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind
from behindy_ops.facts.replies import short
from behindy_ops.project.project import Project
from behindy_ops.provision.certs import certify, due, names_served, parse
from behindy_ops.provision.sync import local_files
from sandbox.tasks.quality import CHECKOUT
from tests.kinds import raises
from tests.scripted import Answer, Scripted, scripted
from tests.unit.facts.certificates import UNTIL, pem

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ("behindy.me", "www.behindy.me")


def test_a_certificate_is_asked_for_the_names_that_nginx_serves() -> None:
    assert names_served(local_files(Project(CHECKOUT)), "behindy.me") == NAMES
    assert names_served({"nginx/a": b"server_name *.a.org b.a.org evil.org;"}, "a.org") == ("a.org", "b.a.org")


def looked(days: float, names: Sequence[str] = NAMES, issuer: str = "CN=ca") -> str:
    """What the host prints so many days before the certificate expires."""
    content = base64.b64encode(pem(issuer, names).encode()).decode()
    return f"now {UNTIL.timestamp() - days * 86400:.0f}\ncertificate {content}\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("now 0\ncertificate \n", "none exists yet"),
        (looked(7, issuer="O=behindy-ops placeholder"), "there is only the placeholder"),
        (looked(90, NAMES[:1]), "the one in use lacks www.behindy.me"),
        (looked(29), "the one in use has 29 days left"),
        (looked(-5), "the one in use has 0 days left"),
        (looked(30), ""),
    ],
)
def test_when_a_certificate_is_due(text: str, why: str) -> None:
    assert due(parse(short(text)), NAMES) == why


OLD = Answer(looked(5))
NEW = Answer(looked(90))


def run(there: Scripted, *, answer: bool = True, dry_run: bool = False) -> None:
    certify(there.session, lambda _: answer, email="me@example.org", dry_run=dry_run)


def test_without_a_domain_there_is_nothing_to_ask_for() -> None:
    there = scripted(host__certs_look=NEW)
    there.session.settings = replace(there.session.settings, domain="")
    with raises(Kind.SETTINGS, match=r"certificates are for one.*BEHINDY_DOMAIN"):
        run(there)
    assert not there.host.ran()


def test_a_certificate_that_is_valid_long_enough_is_left_alone() -> None:
    there = scripted(host__certs_look=NEW)
    run(there)
    assert "valid until 2026-05-01 (90 days left); nothing to do" in there.told()


def test_one_that_nginx_has_not_loaded_is_loaded_by_a_reload() -> None:
    unloaded = Answer(f"{looked(90)}loaded no\n")
    there = scripted(host__certs_look=unloaded, ops__reload=Answer())
    run(there, dry_run=True)
    assert there.told().endswith("Nothing changed.")
    run(there)
    assert there.host.ran() == ["host/certs_look"] * 3 + ["ops/reload"]
    assert there.host.locked == ["host.certs"]
    assert there.told().endswith("(90 days left).")


def test_one_that_expires_soon_is_renewed_under_the_lock() -> None:
    there = scripted(host__certs_look=[OLD, OLD, NEW], host__certs_issue=Answer())
    run(there)
    assert there.host.locked == ["host.certs"]
    assert there.host.ran() == ["host/certs_look", "host/certs_look", "host/certs_issue", "host/certs_look"]
    assert there.host.commands[2].argv[-4:] == ("me@example.org", "behindy-ops", *NAMES)
    assert "A new certificate is needed: the one in use has 5 days left." in there.told()
    assert "--email me@example.org" in there.told()
    assert there.told().endswith("valid until 2026-05-01 (90 days left).")


def test_in_an_environment_with_a_domain_of_its_own_no_name_of_production_is_asked_for() -> None:
    there = scripted(host__certs_look=[OLD, OLD, NEW], host__certs_issue=Answer())
    there.session.settings = replace(there.session.settings, environment="staging", domain="staging.behindy.me")
    run(there)
    argv = there.host.commands[2].argv
    assert argv[-4:] == ("me@example.org", "behindy-ops", "staging.behindy.me", "www.staging.behindy.me")


@pytest.mark.parametrize(("answer", "dry_run"), [(False, False), (True, True)])
def test_without_a_yes_it_is_only_said(answer: bool, dry_run: bool) -> None:
    there = scripted(host__certs_look=OLD)
    run(there, answer=answer, dry_run=dry_run)
    assert there.host.locked == []
    assert there.told().endswith("Nothing changed.")


@pytest.mark.parametrize(
    ("look", "issue", "kind"),
    [
        ([Answer("", 69)], 0, Kind.NGINX_NOT_READY),
        ([OLD, NEW], 0, Kind.HOST_NOT_READY),
        ([OLD], 67, Kind.HOST_NOT_READY),
        ([OLD], 70, Kind.CERTIFICATE_REFUSED),
        ([OLD], 71, Kind.CERTIFICATE_REFUSED),
    ],
)
def test_what_keeps_a_certificate_from_being_obtained(look: list[Answer], issue: int, kind: Kind) -> None:
    with raises(kind):
        run(scripted(host__certs_look=look, host__certs_issue=Answer("", issue)))
