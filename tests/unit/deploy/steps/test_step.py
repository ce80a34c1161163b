"""What every step is."""

from __future__ import annotations

import importlib
import pkgutil

from behindy_ops.deploy import steps as room
from behindy_ops.deploy.steps.step import Attempts, Step
from behindy_ops.deploy.steps.stop import Remove
from behindy_ops.deploy.steps.switch import Redirect
from behindy_ops.deploy.steps.verify import Watch
from behindy_ops.errors import RemoteCommandFailed
from tests.unit.deploy.states import GREEN, answer, state_of


def all_steps() -> list[type[Step]]:
    found = []
    for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
        members = vars(importlib.import_module(module.name)).values()
        found += [member for member in members if isinstance(member, type) and issubclass(member, Step)]
    return [step for step in dict.fromkeys(found) if step not in (Step, Attempts, Redirect)]


def test_every_step_has_a_name_a_title_and_a_command() -> None:
    steps = all_steps()
    assert len(steps) > 15
    for step in steps:
        assert hasattr(step, "name"), step
        assert hasattr(step, "said") or step.title is not Step.title, step
        assert step.command is not Step.command, step
        assert not issubclass(step, Attempts) or step.judge is not Attempts.judge, step


def test_a_title_is_filled_in_from_the_step_and_what_is_known() -> None:
    assert Watch().title(state_of()) == "Watch the new release for 10 s"
    assert Remove(GREEN).title(state_of()) == "Remove web-green"


def test_a_command_that_has_nothing_to_tell_is_done_or_failed() -> None:
    step = Remove(GREEN)
    assert step.read(state_of(), answer()).error is None
    assert isinstance(step.read(state_of(), answer(code=1)).error, RemoteCommandFailed)
