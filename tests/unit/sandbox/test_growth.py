"""How it grows: what is put on a host, what is made of the figures, and the picture of them."""

from __future__ import annotations

import io
import json
import re
import tarfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project.compose import ComposeFile
from behindy_ops.views.history import entries
from sandbox.bench import ballast, enlarged
from sandbox.bench.counted import MARK
from sandbox.bench.curve import picture
from sandbox.bench.growth import AXES, PLAN, narrowed, remote_commands
from sandbox.bench.growth_report import TIMES, Crowd, Curve, Growth, Point, as_markdown, curves, exponent, faster
from tests.kinds import raises

ROOT = Path(__file__).parents[3]
SVG = "{http://www.w3.org/2000/svg}"


def points(axis: str, task: str, seconds: dict[int, float], *, commands: int = 1) -> list[Point]:
    """What was measured, each beside 1 s at the smallest size."""
    return [Point(axis, size, task, (0.1, took, 99.0), (0.9, 1.0, 1.1), commands, 1) for size, took in seconds.items()]


def curve(*ratios: float, sizes: tuple[int, ...] = (30, 300, 3000), commands: int = 1) -> Curve:
    return Curve("images", "t", sizes, (1.0, *ratios), (1.0, *ratios), (1, *[commands] * len(ratios)))


CROWD = Crowd(
    1000.0, 20.0, 3, sent=20_000, good=19_998, skipped=5, lost=(("HTTP 502", 2),),
    p99_before=0.01, p50=0.002, p99=0.04, longest=1.5,
)  # fmt: skip
GROWTH = Growth(
    (("services", 3), ("images", 30)),
    (
        *points("services", "ops.ps", {10: 1.1, 30: 1.3}),
        *points("services", "deploy", {10: 1.0, 30: 1.0}),
        *points("images", "ops.ps", {300: 1.02, 3000: 8.0}),
    ),
    (CROWD,),
    3,
)


def test_a_ratio_is_that_of_medians_to_the_smallest_case_of_the_same_turns() -> None:
    first, second, third = curves(GROWTH)
    assert (first.axis, first.task, first.sizes, first.ratios) == ("services", "ops.ps", (3, 10, 30), (1.0, 1.1, 1.3))
    assert second.ratios == (1.0, 1.0, 1.0)
    assert third.seconds == (1.0, 1.02, 8.0)


@pytest.mark.parametrize(("ratios", "power"), [((1.0, 1.0), 0.0), ((10.0, 100.0), 1.0), ((100.0, 10_000.0), 2.0)])
def test_the_exponent_is_that_of_the_power(ratios: tuple[float, ...], power: float) -> None:
    assert exponent(curve(*ratios)) == pytest.approx(power)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (curve(1.0, 1.0), False),
        (curve(0.9, 1.1), False),  # noise
        (curve(10.0, 100.0), False),  # keeps pace
        (curve(1.09, 1.99), False),  # a line behind a second that does not grow
        (curve(1.1, 11.0), True),  # a square behind it
        (curve(3.3, 10.0, sizes=(3, 10, 30)), False),
        (curve(3.0, 9.9, sizes=(3, 10, 30)), True),  # ever steeper
        (curve(12.0, 20.0, sizes=(3, 10, 30)), True),  # faster on the way
        (curve(100.0, 10_000.0), True),
        (curve(1.0, 1.0, commands=2), True),
        (curve(9.0, sizes=(40, 400)), False),
        (curve(12.0, sizes=(40, 400)), True),
    ],
)
def test_a_line_keeps_pace_and_a_square_does_not(found: Curve, verdict: bool) -> None:
    assert faster(found) is verdict


def test_as_much_is_allowed_for_noise_as_the_smallest_case_itself_shows() -> None:
    square = points("images", "t", {300: 1.1, 3000: 3.5})
    apart = [square[0], replace(square[1], smallest=(1.4, 1.4, 1.4), times=(4.9, 4.9, 4.9))]
    restless = [replace(point, smallest=(0.8, 1.0, 1.6)) for point in square]
    found = [curve for each in (square, apart, restless) for curve in curves(replace(GROWTH, points=tuple(each)))]
    assert [each.noise for each in found] == pytest.approx([0.15, 0.4, 0.4])
    assert all(each.ratios == pytest.approx((1.0, 1.1, 3.5)) for each in found)
    told = [faster(replace(each, ratios=(1.0, 1.0, 3.5))) for each in found]
    assert told == [True, False, False]


def test_the_table_has_every_row_with_its_verdict_and_the_whole_one_comes_first() -> None:
    text = as_markdown(GROWTH)
    assert "Faster than what they look at grow: ops.ps with images. 2 of 20000 requests to nginx were lost." in text
    assert f"| ops.ps | 1.00 s | 1.10{TIMES} | 1.30{TIMES} | 15 % | 0.11 | 1 | met |" in text
    assert text.count("| FASTER |") == 1
    assert "| 1,000/s | 1,000/s | 20000 | 5 | 2 | 10 ms | 2 ms | 40 ms | 1.5 s | MISSED |" in text
    assert f"- at 1,000/s: 2{TIMES} HTTP 502" in text


def test_a_rate_that_the_machine_cannot_reach_is_told_as_such() -> None:
    well, short = (replace(CROWD, lost=(), good=good) for good in (19_500, 15_000))
    assert "| met |" in as_markdown(replace(GROWTH, points=(), crowds=(well,)))
    assert "| NOT REACHED |" in as_markdown(replace(GROWTH, points=(), crowds=(short,)))


def test_where_all_keep_pace_and_nothing_is_lost_it_says_so() -> None:
    well = replace(GROWTH, points=GROWTH.points[:4], crowds=(replace(CROWD, lost=()),))
    text = as_markdown(well)
    assert "Nothing grows faster than what it looks at. 0 of 20000 requests to nginx were lost." in text
    assert "## Images" not in text
    assert "nginx" not in as_markdown(replace(well, crowds=()))


def test_the_picture_stands_alone_in_light_and_dark_with_every_curve_inside_it() -> None:
    text = picture(curves(GROWTH))
    drawing = ET.fromstring(text)  # noqa: S314 - our own
    width, height = (float(word) for word in drawing.attrib["viewBox"].split()[2:])
    assert "prefers-color-scheme: dark" in text
    assert "href" not in text
    assert "url(" not in text
    heads = [each.text for each in drawing.iter(f"{SVG}text") if each.get("class") == "head"]
    assert heads == ["services", "images"]
    lines = list(drawing.iter(f"{SVG}polyline"))
    assert len([line for line in lines if line.get("class") == "pace"]) == 2
    assert len(lines) == 2 + len(curves(GROWTH))
    for line in lines:
        for x, y in (map(float, pair.split(",")) for pair in line.attrib["points"].split()):
            assert 0 <= x <= width
            assert 0 <= y <= height
    assert {"ops.ps", "deploy", "as fast as what it looks at"} <= {each.text for each in drawing.iter(f"{SVG}text")}


def test_images_are_all_different_and_each_has_its_name() -> None:
    names = [f"registry.example/a:{number}" for number in range(5)]
    with tarfile.open(fileobj=io.BytesIO(ballast.image_archive(names))) as archive:
        (told,) = (archive.extractfile(member) for member in archive if member.name == "manifest.json")
        assert told is not None
        manifest = json.load(told)
        assert [image["RepoTags"] for image in manifest] == [[name] for name in names]
        assert len({image["Config"] for image in manifest}) == 5
        assert {layer for image in manifest for layer in image["Layers"]} <= set(archive.getnames())


def test_a_history_reads_like_one_and_what_it_cannot_be_told_from_is_there() -> None:
    lines = ballast.history_lines(100, ("frontend", "backend"))
    found = entries(lines, "")
    assert len(found) == 100
    assert {entry["event"] for entry in found} == {"begun", "ended"}
    assert {entry["outcome"] for entry in found if entry["event"] == "ended"} == {"live", "refused"}
    assert len({entry["release"] for entry in found}) == 50
    assert len(entries(lines, "backend")) == 50


def test_one_curl_posts_all_that_is_asked_of_the_engine() -> None:
    text = ballast.requests([("containers/create?name=a", {"Env": ['A="b\\c"']}), ("containers/a/start", None)])
    first, second = text.split("\nnext\n")
    data = re.search(r'^data = "(.*)"$', first, re.MULTILINE)
    assert data is not None
    assert json.loads(data[1].replace('\\"', '"').replace("\\\\", "\\")) == {"Env": ['A="b\\c"']}
    assert 'url = "http://docker/containers/a/start"' in second
    assert "data" not in second


def test_more_services_are_declared_as_the_project_declares_its_own() -> None:
    names = enlarged.more_services(27)
    text = (ROOT / "compose/docker-compose.yml").read_text(encoding="utf-8")
    services = ComposeFile.parse(enlarged.compose_with(text, names)).services()
    assert len(services) == 30
    assert (services["extra27"].port, services["extra27"].external) == (enlarged.PORT, "/extra27/")
    assert "    extra01 3000;\n" in enlarged.maps_with((ROOT / "nginx/maps.conf").read_text(encoding="utf-8"), names)
    assert "set $service extra27;" in enlarged.site_with((ROOT / "nginx/site.conf").read_text(encoding="utf-8"), names)
    with pytest.raises(ValueError, match="there is no 'networks:'"):
        enlarged.compose_with("services:\n", names)


def test_parts_are_named_by_their_first_word() -> None:
    assert narrowed(PLAN, "") == PLAN
    plan = narrowed(PLAN, "images, lines")
    assert [axis.name for axis in plan.axes] == ["lines of history", "images"]
    assert plan.rates == ()
    assert narrowed(PLAN, "nginx") == replace(PLAN, axes=())
    with raises(Kind.USAGE, match="There is no part 'volumes'"):
        narrowed(PLAN, "volumes")


def test_the_sizes_are_those_that_were_asked_for() -> None:
    assert {axis.name: (axis.sizes[0], axis.sizes[-1]) for axis in AXES} == {
        "lines of history": (100, 10_000), "services": (3, 30), "containers": (40, 400), "images": (30, 3000)
    }  # fmt: skip
    assert PLAN.rates == (100.0, 1000.0, 5000.0)


def test_the_remote_commands_of_all_sessions_are_added() -> None:
    assert remote_commands(f"warning\n{MARK}3\n{MARK}8\n") == 11
