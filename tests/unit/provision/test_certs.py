"""When host.certs obtains a certificate, and for which names."""

from __future__ import annotations

import pytest

from behindy_ops.facts.replies import short
from behindy_ops.provision.certs import due, names_served, parse
from behindy_ops.provision.sync import local_files
from sandbox.tasks.quality import CHECKOUT

NAMES = ("behindy.me", "www.behindy.me")


def test_a_certificate_is_asked_for_the_names_that_nginx_serves() -> None:
    assert names_served(local_files(CHECKOUT), "behindy.me") == NAMES
    assert names_served({"nginx/a": b"server_name *.a.org b.a.org evil.org;"}, "a.org") == ("a.org", "b.a.org")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("now 0\nnone\n", "none exists yet"),
        (f"now 0\nuntil {7 * 86400}\nplaceholder\nname behindy.me\n", "there is only the placeholder"),
        (f"now 0\nuntil {90 * 86400}\nname behindy.me\n", "the one in use lacks www.behindy.me"),
        (f"now 0\nuntil {29 * 86400}\nname behindy.me\nname www.behindy.me\n", "the one in use has 29 days left"),
        ("now 99\nuntil 0\nname behindy.me\n", "none exists yet"),
        (f"now {5 * 86400}\nuntil {86400}\nname behindy.me\nname www.behindy.me\n", "the one in use has 0 days left"),
        (f"now 0\nuntil {30 * 86400}\nname behindy.me\nname www.behindy.me\n", ""),
    ],
)
def test_when_a_certificate_is_due(text: str, why: str) -> None:
    assert due(parse(short(text)), NAMES) == why
