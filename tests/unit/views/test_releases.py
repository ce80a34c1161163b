"""``deploy.releases``: what can be rolled back to."""

from __future__ import annotations

from behindy_ops.facts.rollback import Offered
from behindy_ops.views import releases
from tests.unit.ops_facts import release, text_of


def test_each_release_says_what_it_is_and_where_its_image_is() -> None:
    offered = [
        Offered(release("backend", 3, "3", tag="t" * 30), live=True, previous=False, on_disk=True),
        Offered(release("backend", 2, "2", status="failed"), live=False, previous=False, on_disk=False),
        Offered(release("backend", 1, "1"), live=False, previous=True, on_disk=False),
    ]
    said = text_of(releases.lines("backend", offered))
    assert f"20270103-000000-aaaa {'t' * 19}… live on disk" in said
    assert "v2 failed, not offered not on disk" in said
    assert "v1 previous not on disk" in said
    assert "inv deploy.rollback backend" in said


def test_a_host_that_remembers_none() -> None:
    assert text_of(releases.lines("backend", [])) == "No release of backend is remembered on the host."
