"""What the documents show of a deploy is what a deploy shows: its steps, in order, and how a refusal reads."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from behindy_ops.checks.diagnosis import diagnose
from behindy_ops.errors import BehindyError
from behindy_ops.project.services import Once
from behindy_ops.report.events import StepDone, StepStarted
from behindy_ops.views import doctor, history, releases
from tests.simulator.simulation import SERVICES, Simulation
from tests.simulator.start import begin
from tests.unit.checks.test_diagnosis import TROUBLES
from tests.unit.pages import blocks, in_korean, rows

BY_THE_TASK = ("Connect to ", "Ask ", "…")
"""What a task does around the deploy itself, and what a sample leaves out."""


def languages(page: str) -> list[str]:
    return [page, in_korean(page)]


def sample(page: str, containing: str) -> str:
    (block,) = (text for language, text in blocks(page) if not language and containing in text)
    return block


def steps_of(text: str) -> list[str]:
    """The titles of the steps in a sample, without what differs from host to host."""
    titles = re.findall(r"^  [✓✗] (.+?) {2,}\d", text, re.MULTILINE)
    return [anyhow(title) for title in titles if not title.startswith(BY_THE_TASK)]


def anyhow(title: str) -> str:
    return re.sub(r"Pull \S+/", "Pull ", re.sub(r"up to \d+ s", "up to a while", title))


def shown_by(host: Simulation) -> list[str]:
    return [anyhow(event.title) for event in host.events if isinstance(event, StepStarted)]


@pytest.mark.parametrize("page", languages("docs/deploys.md"))
def test_the_sample_of_a_deploy_has_its_steps(page: str) -> None:
    host = begin()
    host.push("frontend", "v5")
    host.deploy("frontend", tag="v5", watch=3)
    assert steps_of(sample(page, "frontend v5 is live")) == shown_by(host)


@pytest.mark.parametrize("page", languages("docs/troubleshooting.md"))
def test_the_sample_of_a_refusal_has_its_steps_and_its_words(page: str) -> None:
    host = begin()
    with pytest.raises(BehindyError) as refused:
        host.deploy("frontend", tag="exits")
    text = sample(page, "release refused")
    steps = steps_of(text)
    assert steps == shown_by(host)[-len(steps) :]
    error = refused.value
    assert f"{error.kind.title} (exit code {error.exit_code})" in text
    assert f"State {error.state}" in text
    assert re.sub(r"\d", "N", error.what) in re.sub(r"\d", "N", text)
    assert error.remedy in " ".join(text.split())


@pytest.mark.parametrize("page", languages("docs/deploys.md"))
def test_every_step_has_its_row(page: str) -> None:
    once = Once(("migrate",), 60)
    services = {**SERVICES, "frontend": replace(SERVICES["frontend"], before=once, after=once)}
    host = Simulation(services)
    for tag in ("first", "second"):
        host.push("frontend", tag)
        host.deploy("frontend", tag=tag)
    done = {event.step for event in host.events if isinstance(event, StepDone)}
    assert {"pull", "before", "switch", "drain"} <= done
    below_the_table = {"after", "stop"}
    assert done - below_the_table <= {row[0] for row in rows(page)}


@pytest.mark.parametrize("page", languages("docs/deploys.md"))
def test_the_sample_of_the_releases_reads_as_they_are_shown(page: str) -> None:
    host = begin()
    with pytest.raises(BehindyError):
        host.deploy("frontend", tag="exits")
    with host.connect() as session:
        head, *shown, back, another = (line.text for line in releases.show(session, "frontend").lines)
    command, first, *sampled, last_but_one, last = sample(page, "inv deploy.releases").splitlines()
    assert (command, first.split(), last_but_one, last) == (
        "$ inv deploy.releases frontend",
        head.split(),
        back,
        another,
    )
    assert list(map(told_of_it, sampled)) == list(map(told_of_it, shown))


def told_of_it(line: str) -> list[str]:
    """What a row says of a release whose identity and tag are its own."""
    identity, _, *what = re.split(r" {2,}", line)
    assert re.fullmatch(r"\d{8}-\d{6}-\w{4}", identity)
    return what


@pytest.mark.parametrize("page", languages("docs/deploys.md"))
def test_the_sample_of_the_history_reads_as_it_is_shown(page: str) -> None:
    host = begin()
    with pytest.raises(BehindyError):
        host.deploy("frontend", tag="exits")
    shown = [line.text for line in history.lines(history.entries(host.world.history[-1:], "frontend"))]
    forms = (r"\d{4}-\d\d-\d\dT[\d:]{8}Z  deploy of frontend:\w+", r"    refused in [\d.]+ s, by \S+@\S+")
    for told in (shown, sample(page, "  deploy of frontend").splitlines()):
        assert [bool(re.fullmatch(*pair)) for pair in zip(forms, told[:2], strict=True)] == [True, True], told
        assert told[2].startswith("    frontend-green is not healthy: ")


@pytest.mark.parametrize("page", languages("docs/troubleshooting.md"))
def test_the_sample_of_the_doctor_reads_as_it_is_shown(page: str) -> None:
    found = diagnose(TROUBLES["a service is off the network"][0])
    text = "\n".join(line.text for line in doctor.shown(found, ["backend"]).lines)
    assert sample(page, "TROUBLE backend") in f"{text}\n"
