"""Blue/green deploys of Docker services on one small host, over plain SSH.

What a project uses, documented in docs/library.md:

* :data:`namespace`: the tasks, for a project's ``tasks.py``.
* :func:`connect`, :func:`survey`, :func:`deploy`: for tasks of its own.

Each is made when it is first asked for, so that this import alone costs nothing.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from behindy_ops.api import Connection, Deployed, HostSurvey, connect, deploy, survey
    from behindy_ops.errors import BehindyError
    from behindy_ops.tasks import namespace

__all__ = [
    "BehindyError",
    "Connection",
    "Deployed",
    "HostSurvey",
    "__version__",
    "connect",
    "deploy",
    "namespace",
    "survey",
]

__version__ = "0.1.0"

_ROOMS = {"BehindyError": "errors", "namespace": "tasks"}
"""Where each name is, if not in ``api``."""


def _named(name: str) -> object:
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_ROOMS.get(name, 'api')}"), name)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = _named(name)
    if name != "namespace":  # whose that is depends on the project around the working directory
        globals()[name] = value
    return value


class _Front(ModuleType):
    """This module. It has a package ``deploy`` too, and importing that would put it in the place of the function."""

    @property
    def deploy(self) -> object:
        return _named("deploy")

    @deploy.setter
    def deploy(self, package: ModuleType) -> None:
        """Leave the package where imports look for it, in ``sys.modules``."""


sys.modules[__name__].__class__ = _Front
