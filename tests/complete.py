"""What a test does where a program that it needs is missing: skip, or fail where there has to be one."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

REQUIRED = "BEHINDY_TEST_COMPLETE"
"""Set to 1 where every program was installed before, as in ci.yml: a test that is skipped there would never run."""


def skip_incomplete(reason: str) -> NoReturn:
    """Skip the test, or fail it where everything has to be there."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason}; {REQUIRED} says that it has to be there")
    pytest.skip(reason)
