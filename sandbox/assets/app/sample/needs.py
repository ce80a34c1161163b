"""The names that the real images read: a container without one of them does not start, so that none is forgotten.

The frontend has none: its ``NEXT_PUBLIC_`` names are read when the image is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NEEDS", "missing"]

_NEEDS = {
    "backend": """
        SPRING_PROFILES_ACTIVE SPRING_DATASOURCE_URL SPRING_DATASOURCE_USERNAME SPRING_DATASOURCE_PASSWORD
        DB_URL DB_USER DB_PASS SPRING_DATA_REDIS_HOST SPRING_DATA_REDIS_PORT SPRING_DATA_REDIS_PASSWORD
        REDIS_HOST REDIS_PORT REDIS_PASSWORD JWT_SECRET JWT_ACCESS_VALIDITY JWT_REFRESH_VALIDITY
        COOKIE_SECURE COOKIE_SAME_SITE FIELD_KEY TABLE_KEY
        SEOUL_METRO_API_KEY SEOUL_METRO_API_BASE_URL SEOUL_METRO_API_ENABLED SEOUL_METRO_API_ENABLED_LINES
        SEOUL_METRO_API_TIMEOUT SEOUL_METRO_API_RETRY_COUNT SEOUL_METRO_API_UPDATE_INTERVAL SEOUL_METRO_CACHE_TTL
        SEOUL_METRO_MONITORING_DAILY_LIMIT METRO_API_ENABLED METRO_ENABLED_LINES METRO_UPDATE_INTERVAL METRO_DAILY_LIMIT
        AI_SERVER_URL AI_SERVER_TIMEOUT AI_SERVER_INTERNAL_API_KEY AI_SERVER_ENABLED
        AI_STORY_GENERATION_ENABLED AI_STORY_GENERATION_DELAY AI_STORY_BATCH_SIZE AI_STORY_TEST_INTERVAL
        AI_STORY_MIN_PER_STATION AI_STORY_AI_TIMEOUT AI_STORY_HEALTH_TIMEOUT AI_STORY_DAILY_LIMIT AI_STORY_RETRY_COUNT
        AI_STORY_CRON TZ
    """,
    "llmserver": """
        AI_PROVIDER OPENAI_API_KEY OPENAI_MODEL OPENAI_MAX_TOKENS CLAUDE_API_KEY CLAUDE_MODEL
        AI_SERVER_INTERNAL_API_KEY REQUEST_LIMIT_PER_HOUR REQUEST_LIMIT_PER_DAY USE_CACHE CACHE_TTL REDIS_URL
        LOG_LEVEL TZ
    """,
}
NEEDS = {service: names.split() for service, names in _NEEDS.items()}
MAY_BE_EMPTY = frozenset({"OPENAI_API_KEY", "CLAUDE_API_KEY"})
"""One of the two, by AI_PROVIDER."""


def missing(service: str, environment: Mapping[str, str]) -> list[str]:
    """Return what a service reads and does not have."""
    names = NEEDS.get(service, [])
    return [name for name in names if name not in environment or not (environment[name] or name in MAY_BE_EMPTY)]
