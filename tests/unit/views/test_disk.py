"""``ops.disk``: which images stay and why; nothing a rollback needs ever goes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.checks.check import Facts
from behindy_ops.checks.images import rollback_image
from behindy_ops.facts.rollback import previous_release
from behindy_ops.facts.survey import Survey
from behindy_ops.report.text import Tone
from behindy_ops.views import disk
from tests.unit.ops_facts import SERVICES, container, image, release, seen, stopped, survey, text_of

REPO = "me/behindy-backend"
FILESYSTEMS = """docker /var/lib/docker
ext4 1000 500 400 100 99 /
ext4 5000 100 4900 - - /var/lib/docker
ext4 5000 100 4900 - - /var/lib/docker
"""


def backend_host(count: int, **changes: Any) -> Survey:
    """A host with so many images of backend, the newest live, the one before it released before."""
    images = tuple(
        image(str(number), f"{REPO}:v{number}", f"{REPO}@sha256:{number:064d}", created=f"2027-01-0{number}T00:00:00Z")
        for number in range(1, count + 1)
    )
    live = container("backend", image_id=f"sha256:{count}", labels={"behindy.release": f"2027010{count}-000000-aaaa"})
    releases = tuple(release("backend", number, str(number)) for number in range(1, count + 1))
    return survey(live, **{"images": images, "releases": releases} | changes)


def why(found: Survey) -> dict[str, tuple[str, ...]]:
    judged = disk.judge(found, SERVICES, "me", {})
    return {image.id.removeprefix("sha256:"): image.why for repository in judged for image in repository.images}


def going(found: Survey) -> set[str]:
    """Names of the images that may go, and ids of those without a name."""
    judged = disk.judge(found, SERVICES, "me", {})
    images = [image for repository in judged for image in repository.images if not image.why]
    return {name for image in images for name in image.names or (image.id,)}


def test_each_image_says_why_it_stays() -> None:
    reasons = why(backend_host(4))
    assert reasons == {
        "4": ("live backend",),
        "3": ("rollback of backend (v3)",),
        "2": (),
        "1": (),
    }


def test_blue_green_and_whoever_else_uses_an_image_keep_it() -> None:
    found = backend_host(5)
    more = [
        stopped("backend-blue", image_id="sha256:1"),
        stopped("by-hand", image_id="sha256:2"),
    ]
    kept = why(survey(*found.containers.values(), *more, images=found.images, releases=found.releases))
    assert (kept["1"], kept["2"], kept["3"]) == (("backend-blue",), ("in use by by-hand",), ())


def test_an_old_rollback_target_stays_though_newer_images_are_there() -> None:
    # 4 stood, and 5 was made when 1 was live again.
    last = release("backend", 5, "5", previous="20270101-000000-aaaa")
    found = backend_host(5, releases=(release("backend", 1, "1"), release("backend", 4, "4"), last))
    found.containers["backend"].labels["behindy.previous"] = last.previous
    assert why(found)["1"] == ("rollback of backend (v1)",)
    assert {name for name in going(found) if ":v" in name} == {f"{REPO}:v{number}" for number in (2, 3, 4)}


def test_where_only_the_configuration_changed_since_the_image_before_it_stays_too() -> None:
    earlier = (release("backend", 1, "1"), release("backend", 3, "3", config="before"))
    found = backend_host(3, releases=(*earlier, release("backend", 4, "3", config="now")))
    found.containers["backend"].labels.update({"behindy.config": "now", "behindy.release": found.releases[-1].id})
    assert why(found) == {
        "3": ("live backend", "rollback of backend (v3)"),
        "2": (),
        "1": ("previous image of backend (v1)",),
    }


def test_what_a_service_that_is_declared_no_more_needs_is_kept_as_deploys_keep_it() -> None:
    found = backend_host(4, releases=(release("retired", 1, "1"), *backend_host(4).releases))
    assert why(found)["1"] == ("rollback of retired (v1)",)


def test_an_image_of_another_repository_loses_only_our_name_and_one_without_any_name_goes() -> None:
    both = image("1", f"{REPO}:old", "other/thing:1", created="2020-01-01T00:00:00Z")
    nameless, theirs = image("d"), image("o", "postgres:15")
    found = backend_host(3)
    found = survey(*found.containers.values(), images=(*found.images, both, nameless, theirs), releases=found.releases)
    removed = going(found)
    assert f"{REPO}:old" in removed
    assert "sha256:d" in removed
    assert not any(name.startswith(("other/", "postgres")) for name in removed)


@given(
    st.lists(st.sampled_from(["live", "blue", "stands", "failed", "no-digest", "none"]), min_size=1, max_size=9),
    st.randoms(use_true_random=False),
)
def test_whatever_the_host_holds_what_is_used_and_the_two_that_are_needed_stay_and_nothing_else(
    kinds: list[str], random: Any
) -> None:
    order = list(range(1, len(kinds) + 1))
    random.shuffle(order)
    containers, releases, images = [], [], []
    for number, kind in zip(order, kinds, strict=True):
        images.append(image(str(number), f"{REPO}:v{number}", created=f"2027-01-0{number}T00:00:00Z"))
        if kind in ("live", "blue"):
            name = "backend" if kind == "live" else "backend-blue"
            containers.append(container(name, image_id=f"sha256:{number}"))
        if kind in ("stands", "failed", "no-digest"):
            status = "failed" if kind == "failed" else "stands"
            digest = "" if kind == "no-digest" else f"sha256:{number:064d}"
            releases.append(release("backend", number, str(number), status=status, digest=digest))
    found = survey(*containers, images=tuple(images), releases=tuple(releases))
    used = {one.image_id.removeprefix("sha256:") for one in found.containers.values()}
    good = sorted(int(one.image_id.removeprefix("sha256:")) for one in releases if one.status == "stands")[::-1]
    needed = {str(number) for number in good[: 1 if "backend" in found.containers else 2]}
    target = previous_release(found, "backend")
    assert target is None or target.image_id.removeprefix("sha256:") in needed
    assert {name.rpartition(":v")[2] for name in going(found)} == {str(number) for number in order} - used - needed


def test_refused_releases_do_not_take_the_place_of_a_good_one() -> None:
    refused = [release("backend", number, str(number), status="failed") for number in (3, 4, 5, 6)]
    left = release("backend", 7, "7", status="rolled-back")
    good = (release("backend", 1, "1"), release("backend", 2, "2"))
    live = container("backend", image_id="sha256:2", labels={"behindy.release": good[1].id})
    found = survey(live, images=backend_host(7).images, releases=(*good, *refused, left))
    assert {number for number, reasons in why(found).items() if reasons} == {"1", "2"}
    there = rollback_image(Facts(survey=found, services=SERVICES))
    assert not list(there), "what ops.prune keeps is what the check looks for"
    without = replace(found, images=tuple(image for image in found.images if image.id != "sha256:1"))
    assert [check.subject for check in rollback_image(Facts(survey=without, services=SERVICES))] == ["backend"]


def test_refused_ones_go_also_where_nothing_better_is_there() -> None:
    refused = tuple(release("backend", number, str(number), status="failed") for number in (1, 2, 3))
    found = survey(images=backend_host(3).images, releases=refused)
    assert set(why(found).values()) == {()}


def one_image(identity: str, tags: list[str], size: int, *, containers: int = 0, shared: int = 60) -> dict[str, Any]:
    created = int(identity) if identity.isdigit() else 0
    figures = {"Created": created, "Size": size, "SharedSize": shared, "Containers": containers}
    return {"Id": f"sha256:{identity}", "RepoTags": tags, "RepoDigests": ["<none>@<none>"], **figures}


def system_df(**changes: Any) -> str:
    images = [
        one_image("3", [f"{REPO}:v3"], 100, containers=1),
        one_image("2", [f"{REPO}:v2"], 100),
        one_image("1", [f"{REPO}:v1"], 90),
        one_image("d", ["<none>:<none>"], 5, shared=0),
        one_image("p", ["postgres:15"], 70, containers=1),
    ]
    found = {
        "LayersSize": 200,
        "Images": images,
        "Containers": [{"State": "running", "SizeRw": 7}, {"State": "exited", "SizeRw": 3}],
        "Volumes": [{"UsageData": {"Size": 11, "RefCount": 0}}, {"UsageData": {"Size": 2, "RefCount": 1}}],
        "BuildCache": [
            {"Size": 40, "InUse": False, "Shared": False},
            {"Size": 4, "InUse": False, "Shared": True},
            {"Size": 5, "InUse": True, "Shared": False},
        ],
    }
    return json.dumps(found | changes)


def described(**parts: str) -> disk.DiskView:
    live = container("backend", image_id="sha256:3", labels={"behindy.release": "20270103-000000-aaaa"})
    found = survey(live, disk=(10**10, 10**10), releases=(release("backend", 2, "2"), release("backend", 3, "3")))
    return disk.describe(seen(found, filesystems=FILESYSTEMS, **parts))


def test_file_systems_are_those_of_df_and_the_one_docker_fills_is_marked() -> None:
    root, docker = described(docker_=system_df()).filesystems
    assert (root.target, root.share, root.inodes, root.docker) == ("/", 0.5556, 0.99, False)
    assert (docker.target, docker.share, docker.inodes, docker.docker) == ("/var/lib/docker", 0.02, 0.0, True)


def test_dockers_share_is_its_own_count_and_what_prune_frees_follows_from_it() -> None:
    view = described(docker_=system_df())
    assert [(one.kind, one.count, one.size, one.unused) for one in view.docker] == [
        ("images", 5, 200, 40 + 30 + 5),
        ("containers", 2, 10, 3),
        ("volumes", 2, 13, 11),
        ("build cache", 3, 45, 40),
    ]
    assert view.prune == disk.Prune(images=2, cache=2, cache_size=40, frees=30 + 5 + 40)
    assert (view.others.count, view.others.unused) == (1, 0)


def test_the_view_names_images_and_fits_eighty_columns() -> None:
    view = described(docker_=system_df())
    lines = [line.text for line in disk.lines(view)]
    assert "  v3  100 B  stays: live backend" in lines
    assert "  v1  90 B  ops.prune removes it" in lines
    assert any("images without a name" in line for line in lines)
    assert text_of(disk.lines(view))


def test_static_files_are_shown_and_those_that_nothing_needs_are_for_prune_to_remove() -> None:
    view = described(docker_=system_df(), assets_="web 5000 0 2\nfrontend 9000000 4000000 3 r1 r2\n")
    assert view.assets == (
        disk.StaticFiles("web", 5000, 0, 2),
        disk.StaticFiles("frontend", 9_000_000, 4_000_000, 3, ("r1", "r2")),
    )
    assert (view.prune.assets, view.prune.frees) == (("frontend r1", "frontend r2"), 75 + 4_000_000)
    lines = [line.text for line in disk.lines(view)]
    assert "  frontend: of 3 releases  8.6 MB" in lines
    assert "  r1  ops.prune removes them" in lines
    assert "the static files of 2 releases" in " ".join(line.strip() for line in lines)
    assert text_of(disk.lines(view))


def test_without_docker_the_file_systems_are_still_shown() -> None:
    found = survey(docker="", problems={"versions": "permission denied while trying to connect"})
    view = disk.describe(seen(found, filesystems=FILESYSTEMS))
    assert len(view.filesystems) == 2
    assert "may not use Docker" in view.unknown[0]
    assert disk.lines(view)


def test_a_docker_that_does_not_tell_what_it_keeps_gives_no_plan() -> None:
    view = described(docker_='{"message": "no"}')
    assert "docker system df" in view.unknown[0]
    assert view.prune == disk.Prune()


def test_a_file_system_is_red_when_its_space_or_its_inodes_run_out_and_yellow_before() -> None:
    text = "ext4 100 96 4 100 1 /a\next4 100 1 99 100 86 /b\next4 100 1 99 100 1 /c\n"
    drawn = disk.lines(disk.describe(seen(survey(docker=""), filesystems=text)))
    assert [line.tone for line in drawn[1:4]] == [Tone.BAD, Tone.CAREFUL, Tone.PLAIN]


def test_many_images_that_go_are_counted_after_the_first_twelve() -> None:
    images = [one_image(str(number), [f"{REPO}:v{number}"], 100) for number in range(1, 17)]
    lines = [line.text for line in disk.lines(described(docker_=system_df(Images=images)))]
    assert sum(line.endswith("ops.prune removes it") for line in lines) == 12
    assert "  and 2 more that ops.prune removes" in lines


def test_what_stays_on_other_nodes_is_said_with_what_to_type_there() -> None:
    view = disk.describe(seen(survey(), others="gamma\nbeta"))
    assert view.other_nodes == ("beta", "gamma")
    assert "beta, gamma: their disks are not seen from here" in text_of(disk.lines(view))
    assert disk.describe(seen(survey())).other_nodes == ()
