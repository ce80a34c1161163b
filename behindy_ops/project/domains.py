"""An environment with a domain of its own: there, the site's names are those below that domain.

``nginx/`` is made of the names that the compose file declares, which are production's. For staging.shop.example the
first of them, shop.example, is that; api.shop.example is api.staging.shop.example. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from behindy_ops.project.compose import X_NGINX
from behindy_ops.project.project import Project
from behindy_ops.project.routes import declared
from behindy_ops.project.settings import Settings


@dataclass(frozen=True, slots=True)
class Move:
    """From the first of the names that are declared to an environment's domain."""

    first: str
    domain: str

    def text(self, text: str) -> str:
        """Return a text in which that name, and each that ends with it, is the environment's."""
        return re.sub(rf"(?<![\w-]){re.escape(self.first)}(?![\w-]|\.\w)", self.domain, text)

    def names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those that the environment has: names of other domains are production's alone."""
        ours = (name for name in names if name == self.first or name.endswith(f".{self.first}"))
        return tuple(dict.fromkeys(map(self.text, ours)))


def move(project: Project, settings: Settings) -> Move | None:
    """Return how names are moved; None where the environment has those that are declared.

    Raises:
        Kind.COMPOSE_INVALID: there is a mistake in what is declared.
    """
    if not (settings.environment and settings.domain) or X_NGINX not in project.compose.top:
        return None
    names = declared(project.compose).names
    return None if settings.domain in names else Move(names[0], settings.domain)
