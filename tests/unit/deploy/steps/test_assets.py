"""Keeping a release's static files: a failure is told, and the deploy goes on."""

from __future__ import annotations

from dataclasses import replace

from behindy_ops.deploy import plan
from behindy_ops.deploy.steps.assets import KeepAssets, kept_as
from behindy_ops.deploy.steps.verify import Verify
from behindy_ops.project.services import Assets
from behindy_ops.report.events import Decision, Warning_
from tests.unit.deploy.states import LIVE, SERVICE, answer, described, state_of

KEEPING = replace(SERVICE, assets=Assets("/app/static", "/_next/static", 20 * 2**20))
STRANGER = replace(LIVE, id="0123456789abcdef", labels={})


def test_those_of_the_candidate_and_of_the_live_release_are_copied() -> None:
    command = KeepAssets().command(state_of(service=KEEPING))
    assert command.changes
    assert command.argv[4:9] == ("behindy-ops", "web", "/app/static", "/_next/static", "20971520")
    assert command.argv[9:] == ("new", "r2", "old", "r1")
    assert KeepAssets().command(state_of(service=KEEPING, live=None)).argv[9:] == ("new", "r2")


def test_a_live_container_that_is_no_release_of_ours_is_called_by_its_id_and_sorts_before_all_releases() -> None:
    assert KeepAssets().command(state_of(service=KEEPING, live=STRANGER)).argv[-1] == "0-0123456789ab"
    assert Verify().command(state_of(service=KEEPING, live=STRANGER)).argv[-2:] == ("20971520", "0-0123456789ab")
    assert kept_as(STRANGER) < "20260131-093000-ab12"


def test_it_is_in_the_plan_of_a_service_that_declares_them_right_after_its_start_and_in_no_other() -> None:
    state = state_of(service=KEEPING)
    names = [line.split()[0] for line in plan.as_lines(plan.steps(state), state)]
    assert names[names.index("start") + 1] == "assets"
    state = state_of()
    assert "assets" not in [line.split()[0] for line in plan.as_lines(plan.steps(state), state)]


def test_how_many_files_are_kept_is_told() -> None:
    read = KeepAssets().read(state_of(service=KEEPING), answer("kept r2 312 4404019\nkept r1 2 7\n"))
    assert (read.detail, read.failed, read.error, read.events) == ("312 files, 4.2 MB", "", None, ())
    assert KeepAssets().read(state_of(service=KEEPING), answer("kept r2 1 55\n")).detail == "1 file, 55 B"


def test_whatever_goes_wrong_the_deploy_goes_on_and_says_whose_are_not_kept_and_why() -> None:
    state = state_of(service=KEEPING)
    read = KeepAssets().read(state, answer("large r2\nmissing r1 tar: x: No space left on device\n"))
    assert (read.detail, read.failed, read.error) == ("not kept", "", None)
    large, full = map(str, read.events)
    assert "release r2 are not kept: they are larger than x-deploy.assets.max, 20 MB" in large
    assert "release r1 are not kept: tar: x: No space left on device" in full
    read = KeepAssets().read(state, answer(code=80, err="cd: behindy-ops: No such file"))
    assert (read.error, [type(event) for event in read.events]) == (None, [Warning_])


def test_older_ones_that_had_to_go_are_told_and_those_of_the_previous_release_are_warned_of() -> None:
    state, said = state_of(service=KEEPING), f"state {described()}\n"
    assert Verify().read(state, answer(said)).events == ()
    (older,) = Verify().read(state, answer(f"{said}dropped r0\n")).events
    assert isinstance(older, Decision)
    assert "r0 were removed: those of web may take 20 MB" in older.text
    (both,) = Verify().read(state, answer(f"{said}dropped r0\ndropped r1\n")).events
    assert isinstance(both, Warning_)
    assert "r0, r1" in both.text
