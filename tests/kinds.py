"""Errors by their kind, for tests."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import BehindyError, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["kind_of", "raises"]


@contextlib.contextmanager
def raises(*kinds: Kind, match: str = "") -> Iterator[pytest.ExceptionInfo[BehindyError]]:
    """Expect an error of one of these kinds, whose text has a match of ``match``."""
    with pytest.raises(BehindyError) as raised:
        yield raised
    assert raised.value.kind in kinds, raised.value
    assert re.search(match, str(raised.value)), raised.value


def kind_of(error: object) -> Kind | None:
    """Return an error's kind, or None if it is none of ours."""
    return error.kind if isinstance(error, BehindyError) else None
