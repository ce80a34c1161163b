"""The unit tests and the simulator stay under ten seconds in all: fewer examples for each property, and no deadline on a busy machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("quick", max_examples=40, deadline=None)
settings.load_profile("quick")
