"""A text that hides itself wherever it is shown."""

from __future__ import annotations

from typing import NoReturn, final

_MASK = "[hidden]"


@final
class Secret:
    """A secret: ``str``, ``repr``, ``format`` and ``%s`` all give ``[hidden]``; ``reveal()`` gives the text.

    It is no ``str`` on purpose: joining, encoding or dumping it without ``reveal()`` is an error, not a leak.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __str__(self) -> str:
        return _MASK

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")
