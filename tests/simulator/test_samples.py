"""What the documents show of a deploy is what a deploy shows: its steps, in order, and how a refusal reads."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from behindy_ops.errors import BehindyError
from behindy_ops.project.services import Once
from behindy_ops.report.events import StepDone, StepStarted
from tests.simulator.simulation import SERVICES, Simulation
from tests.simulator.start import begin
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
