"""How the services answer: asked by nginx, and by the host through the public URL. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from behindy_ops.facts.curl import outcome


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: of HTTP; 0 without an answer, and ``problem`` says why.
        seconds: how long it took.
    """

    status: int = 0
    seconds: float = 0.0
    problem: str = ""

    @property
    def said(self) -> str:
        """``HTTP 500``, or why there was no answer."""
        return outcome(self.status, 0) if self.status else self.problem


@dataclass(frozen=True, slots=True)
class Upstream:
    """A service as nginx sees it.

    Attributes:
        resolves: addresses its name has inside the nginx container.
        address: that of the live container, empty if there is none.
        direct: its answer to nginx itself, on its internal path.
        public: the answer through the public URL, asked on the host.
        trouble: what is wrong, or empty.
    """

    service: str
    resolves: tuple[str, ...]
    address: str
    direct: Answer
    public: Answer
    url: str
    trouble: str = ""
