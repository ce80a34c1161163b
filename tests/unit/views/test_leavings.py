"""What earlier versions left: only what is shown to be this tool's goes, and nothing that has a name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from behindy_ops.views import disk, leavings, prune
from behindy_ops.views.leavings import Leavings
from tests.unit.ops_facts import container, seen, survey
from tests.unit.views.test_disk import FILESYSTEMS, system_df

A, B, LIVE = "a" * 64, "b" * 64, "c" * 64
MADE = 1_800_000_000
PROJECT = "behindy-web-20270115-080000-ab12"


def volume(name: str, *, after: int = 1, uses: int = 0, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """A volume, as the engine tells it, made so many seconds after the release."""
    created = f"2027-01-15T08:00:{after:02d}Z"
    return {"Name": name, "CreatedAt": created, "Labels": labels, "UsageData": {"RefCount": uses, "Size": 7}}


def find(*volumes: dict[str, Any], mounts: int = 1, networks: tuple[tuple[str, str], ...] = ()) -> Leavings:
    labels = {"behindy.release": "20270116-080000-cd34", "behindy.service": "web"}
    mounted = [{"Type": "volume", "Name": f"{number:064x}"} for number in range(mounts)] + [{"Type": "bind"}]
    usage = {"Volumes": volumes, "Containers": [{"Names": ["/web"], "Labels": labels, "Mounts": mounted}]}
    return leavings.find(usage, [(str(MADE), "web", "20270115-080000-ab12")], networks)


def test_a_volume_that_was_made_with_a_release_goes() -> None:
    assert find(volume(A), volume(LIVE, after=0, uses=1)).volumes == {A: 7}
    assert find(volume(A, labels={"com.docker.volume.anonymous": ""})).volumes == {A: 7}
    assert find(volume(A), volume(B, after=5), mounts=2).volumes == {A: 7, B: 7}


@pytest.mark.parametrize(
    "volumes",
    [
        (volume("uploads"),),
        (volume(A, uses=1),),
        (volume(A, after=6),),
        (volume(A, labels={"com.docker.compose.project": "theirs"}),),
        (volume(A), volume(B)),  # one of the two is another's
    ],
    ids=["named", "in use", "of another time", "another's", "one more than a release has"],
)
def test_nothing_else_does(volumes: tuple[dict[str, Any], ...]) -> None:
    assert find(*volumes).volumes == {}
    assert find(volume(A), mounts=0).volumes == {}


def test_a_network_of_a_release_goes_unless_that_has_a_container_and_a_named_volume_is_told_and_stays() -> None:
    live = "behindy-web-20270116-080000-cd34"
    found = find(
        volume(f"{PROJECT}_uploads", labels={"com.docker.compose.project": PROJECT}),
        volume("behindy-ops_uploads", labels={"com.docker.compose.project": PROJECT}),
        networks=(
            (f"{PROJECT}_egress", PROJECT), ("behindy-ops_egress", PROJECT), (f"{live}_egress", live),
            ("behindy-web_default", "behindy-web"),
        ),
    )  # fmt: skip
    assert found == Leavings({}, (f"{PROJECT}_egress",), (f"{PROJECT}_uploads",))


def test_the_plan_names_them_and_sends_them_and_tells_what_stays() -> None:
    labels = {"com.docker.compose.project": PROJECT}
    df = json.loads(system_df())
    df |= {"Images": [], "BuildCache": [], "Volumes": [volume(f"{PROJECT}_uploads", labels=labels)]}
    facts = seen(
        survey(container("web")), filesystems=FILESYSTEMS, docker_=json.dumps(df), networks_=f"{PROJECT}_x {PROJECT}\n"
    )
    assert "1 network" in "\n".join(line.text for line in disk.lines(disk.describe(facts)))
    view = prune.describe(facts)
    assert prune.command("home", view.plan).stdin == f"network {PROJECT}_x\n".encode()
    text = " ".join(line.text.strip() for line in prune.lines(view))
    assert f"network {PROJECT}_x" in text
    assert f"docker volume rm {PROJECT}_uploads" in text
