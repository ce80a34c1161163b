"""Which images stay on the other nodes of a swarm."""

from __future__ import annotations

import json
from dataclasses import replace

from behindy_ops.facts.container import Container
from behindy_ops.facts.image import Image
from behindy_ops.facts.release import Release
from behindy_ops.facts.replies import read
from behindy_ops.facts.retention import NodeImages
from behindy_ops.facts.survey import Survey

REPO = "reg/web"


def image(number: int) -> Image:
    return Image(f"sha256:{number}", digests=(f"{REPO}@sha256:d{number}",))


def release(number: int, status: str = "stands") -> Release:
    return Release(f"r{number}", "web", REPO, f"v{number}", f"sha256:d{number}", f"sha256:{number}", status=status)


LIVE = Container("x", "web", image_id="sha256:4", labels={"behindy.release": "r4", "behindy.digest": "sha256:d4"})
SURVEY = Survey(containers={"web": LIVE}, releases=tuple(release(number) for number in (4, 3, 2, 1)))
ALL = tuple(image(number) for number in (1, 2, 3, 4))


def test_the_live_ones_and_that_of_the_good_one_before_stay_and_the_others_go() -> None:
    assert NodeImages(ALL).going(SURVEY, [REPO]) == (f"{REPO}@sha256:d1", f"{REPO}@sha256:d2")
    refused = replace(SURVEY, releases=(release(4), release(3, "failed"), release(2), release(1)))
    assert NodeImages(ALL).going(refused, [REPO]) == (f"{REPO}@sha256:d1", f"{REPO}@sha256:d3")


def test_an_image_is_known_by_its_digest_where_the_engine_has_it_by_another_id() -> None:
    others = tuple(replace(each, id=f"sha256:other-{each.id}") for each in ALL)
    assert NodeImages(others).going(SURVEY, [REPO]) == (f"{REPO}@sha256:d1", f"{REPO}@sha256:d2")


def test_what_a_container_has_or_other_repositories_have_or_what_has_no_name_stays() -> None:
    others = (Image("sha256:8", ("other/web:v1",)), Image("sha256:9"))
    used = NodeImages((*ALL, *others), frozenset({"sha256:1"}))
    assert used.going(SURVEY, [REPO]) == (f"{REPO}@sha256:d2",)


def test_an_answer_is_read() -> None:
    line = json.dumps({"id": "sha256:1", "tags": [], "digests": [f"{REPO}@sha256:d1"], "created": "", "size": 5})
    text = f"@ images\n{line}\n@ used\nsha256:1\n@ room\nsize 10\nfree 4\n@ end\n"
    found = NodeImages.parse(read(text, "@"))
    assert (found.images[0].digests, found.used, found.size, found.free) == (
        (f"{REPO}@sha256:d1",), frozenset({"sha256:1"}), 10, 4,
    )  # fmt: skip
