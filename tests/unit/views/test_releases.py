"""``deploy.releases``: what can be rolled back to."""

from __future__ import annotations

from behindy_ops.views import releases
from tests.simulator.start import begin
from tests.simulator.world import ReleaseDir
from tests.unit.ops_facts import container, image, release, survey, text_of


def test_each_release_says_what_it_is_and_where_its_image_is() -> None:
    live = container("backend", image_id="sha256:3", labels={"behindy.release": "20270103-000000-aaaa"})
    remembered = (
        release("backend", 1, "1"),
        release("backend", 2, "2", status="failed"),
        release("backend", 3, "3", tag="t" * 30),
        release("frontend", 4, "4"),
    )
    listed = releases.listed(survey(live, releases=remembered, images=(image("3"),)), "backend")
    assert [(each["id"][:8], each["live"], each["previous"], each["on_disk"]) for each in listed] == [
        ("20270103", True, False, True),
        ("20270102", False, False, False),
        ("20270101", False, True, False),
    ]
    said = text_of(releases.lines("backend", listed))
    assert f"20270103-000000-aaaa {'t' * 19}… live on disk" in said
    assert "v2 failed, not offered not on disk" in said
    assert "v1 previous not on disk" in said
    assert "inv deploy.rollback backend" in said


def test_an_image_that_is_gone_and_came_from_no_registry_is_told_with_what_to_do() -> None:
    listed = releases.listed(survey(releases=(release("backend", 1, "1", digest=""),)), "backend")
    said = text_of(releases.lines("backend", listed))
    assert "v1 previous gone" in said
    assert "gone: it came from no registry. Send it again: inv deploy.backend --from-local TAG" in said
    assert "no registry" not in text_of(releases.lines("backend", [each | {"on_disk": True} for each in listed]))


def test_one_that_cannot_be_read_is_named_with_its_path() -> None:
    host = begin()
    for service in ("backend", "frontend"):
        host.world.dirs[service, f"r-of-{service}"] = ReleaseDir("{", "stands", "")
    with host.connect() as session:
        shown = text_of(releases.show(session, "backend").lines)
    assert "state/releases/backend/r-of-backend/release.json cannot be read" in shown
    assert "r-of-frontend" not in shown


def test_a_host_that_remembers_none() -> None:
    assert text_of(releases.lines("backend", [])) == "No release of backend is remembered on the host."
