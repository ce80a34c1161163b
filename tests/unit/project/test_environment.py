"""Which names a complete ``.env`` has, by the compose file and the example beside it."""

from __future__ import annotations

from tests.unit.env.declared import WANTED


def test_the_names_are_those_the_stanzas_use() -> None:
    assert WANTED.used == {"db": ("DB_PASS", "DB_NAME"), "backend": ("PREFIX", "DB_PASS", "JWT", "URL", "CACHE_PASS")}
    assert WANTED.required == {"DB_PASS": ("db", "backend"), "JWT": ("backend",)}
    assert WANTED.known == {"DB_PASS", "DB_NAME", "PREFIX", "JWT", "URL", "CACHE_PASS", "OPTIONAL"}
    assert WANTED.examples == {"JWT": "change-it"}
