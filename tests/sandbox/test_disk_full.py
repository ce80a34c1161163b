"""A disk that is really full: refused in time, named, and cured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.sandbox.small_disk import filled, free, small_disk
from tests.sandbox.support import deploy, inv, live_tags, on_host
from tests.sandbox.test_preflight import refused


@pytest.fixture(scope="module")
def full(sandbox: object, release: Callable[..., str]) -> Iterator[None]:
    """A small disk with frontend's v1 and v2 on it, v2 live."""
    with small_disk():
        for tag in ("v1", "v2", "v3"):
            release("frontend", tag)
        deploy("frontend", "v1", "--force").ok()
        deploy("frontend", "v2", "--force").ok()
        yield


@pytest.mark.usefixtures("full")
def test_an_image_that_does_not_fit_is_refused_before_anything_is_changed_and_force_tries() -> None:
    with filled(leave=100):
        ran = refused(37, "does not fit", "inv ops.prune", tag="v3")
        assert "new layers of frontend" in ran.named("failed")[0]["what"]  # the registry was asked, and told
        assert inv("deploy.check", "frontend", "--tag", "v3").code == 37
        deploy("frontend", "v3", "--force").ok()
    assert live_tags()["frontend"] == "v3"


@pytest.mark.usefixtures("full")
def test_the_doctor_names_a_full_disk_and_frees_what_no_rollback_needs() -> None:
    repository = "localhost:5000/behindy/behindy-backend"
    for number in range(4):  # backend is not deployed: none is needed
        build = f"printf 'FROM nginx:1.28\\nLABEL n={number}' | docker build -q -t {repository}:{number} -; sleep 1.1"
        on_host("bash", "-c", build, timeout=120)
    with filled(leave=100):
        told = json.loads(inv("ops.doctor", "--json").out)
        finding = next(one for one in told["findings"] if one["name"] == "disk full")
        assert finding["fix"]["kind"] == "prune"
        fixed = inv("ops.doctor", "--fix", "--yes", "--json")
        assert "prune" in {fix["kind"] for fix in json.loads(fixed.out)["fixed"]}, fixed.said
    images = on_host("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    assert not {f"{repository}:{number}" for number in range(4)} & set(images)
    assert "localhost:5000/behindy/behindy-frontend:v3" in images  # live
    assert free() > 100
