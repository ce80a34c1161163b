"""What an engine supplies: the steps that differ with it, and how it has several containers of one service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from behindy_ops.deploy.steps.step import Step
from behindy_ops.errors import BehindyError
from behindy_ops.project.services import Service


@dataclass(frozen=True, slots=True)
class Engine:
    """One way of running services. All else of it is scripts: ``host/scripts/<name>/``.

    Attributes:
        name: the setting's, and that of its scripts.
        start: makes the step that starts a candidate.
        shaped: a service as this engine has it.
        explained: the error of a step, by its own name where what a script wrote on standard error tells that.
        gone: whether that says that the engine was waited for in vain, so that asking again is pointless.
    """

    name: str
    start: Callable[[], Step]
    shaped: Callable[[Service], Service]
    explained: Callable[[BehindyError, str], BehindyError]
    gone: Callable[[str], bool]
