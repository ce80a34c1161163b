"""What every step is."""

from __future__ import annotations

import importlib
import pkgutil

import behindy_ops.deploy.steps as room
from behindy_ops.deploy.steps.step import Attempts, Step


def all_steps() -> list[type[Step]]:
    found = []
    for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
        members = vars(importlib.import_module(module.name)).values()
        found += [member for member in members if isinstance(member, type) and issubclass(member, Step)]
    return [step for step in dict.fromkeys(found) if step not in (Step, Attempts)]


def test_every_step_has_a_name_a_title_a_command_and_reads_its_answer() -> None:
    steps = all_steps()
    assert len(steps) > 15
    for step in steps:
        assert hasattr(step, "name"), step
        assert step.title is not Step.title, step
        assert step.command is not Step.command, step
        read = step.judge is not Attempts.judge if issubclass(step, Attempts) else step.read is not Step.read
        assert read, step
