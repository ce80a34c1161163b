"""The project's own compose file: what fits the small host, and what must never be open to the world."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.project.interpolation import fill_in
from behindy_ops.project.project import Project
from behindy_ops.project.routes import declared

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Project.find(Path(__file__).parent)
COMPOSE = PROJECT.compose
SERVICES = COMPOSE.stanzas
APPS = {name: SERVICES[name] for name in COMPOSE.deployable}


def megabytes(stanza: Mapping[str, Any]) -> int:
    limit = str(stanza["mem_limit"])
    assert limit.endswith("m")
    return int(limit[:-1])


def test_everything_once_and_any_service_twice_fits_two_gigabytes_of_memory_and_two_of_swap() -> None:
    once = sum(megabytes(stanza) for stanza in SERVICES.values())
    assert once <= 2048
    assert once + max(megabytes(stanza) for stanza in APPS.values()) <= 4096


@pytest.mark.parametrize("name", APPS)
def test_the_two_containers_of_a_service_hold_at_most_800_megabytes_together(name: str) -> None:
    assert 2 * megabytes(APPS[name]) <= 800


def test_the_frontend_makes_few_pictures_at_a_time_gives_their_memory_back_and_nginx_keeps_them() -> None:
    given = COMPOSE.environment("frontend") or {}
    names = ("UV_THREADPOOL_SIZE", "MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_")
    assert [given.get(name) for name in names] == ["2", "2", "131072"]
    (pictures,) = [route for site in declared(COMPOSE).sites for route in site.routes if route.cache]
    assert (pictures.service, pictures.location, pictures.timeout) == ("frontend", "/_next/image", 180)


def test_only_nginx_is_open_to_the_world() -> None:
    assert [name for name, stanza in SERVICES.items() if stanza.get("ports")] == ["nginx"]


def test_the_applications_wait_for_a_deploy_and_the_rest_starts_by_itself() -> None:
    assert list(APPS) == ["llmserver", "backend", "frontend"]
    for name, stanza in SERVICES.items():
        assert ("profiles" in stanza) is (name in APPS)
        assert stanza["restart"] == "always"
        assert not {"llmserver", "backend", "frontend"} & set(stanza.get("depends_on", ()))


def test_logs_are_kept_small() -> None:
    for stanza in SERVICES.values():
        assert stanza["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


OF_OLD = {
    "DB_NAME": "n", "DB_USER": "u", "DB_PASS": "p", "DB_PORT": "15432", "REDIS_PASSWORD": "r", "REDIS_PORT": "16379",
    "METRO_API_ENABLED": "false", "METRO_ENABLED_LINES": "7", "METRO_DAILY_LIMIT": "70",
    **dict.fromkeys(("JWT_SECRET", "FIELD_KEY", "TABLE_KEY", "SEOUL_METRO_API_KEY", "AI_SERVER_INTERNAL_API_KEY"), "k"),
}  # fmt: skip
"""A host's ``.env`` from before; its two ports are those that were published once, not those inside the network."""

READ = {
    "backend": {
        "SPRING_DATASOURCE_URL": "jdbc:postgresql://db:5432/n", "SPRING_DATASOURCE_USERNAME": "u",
        "SPRING_DATASOURCE_PASSWORD": "p", "SPRING_DATA_REDIS_HOST": "redis", "SPRING_DATA_REDIS_PORT": "6379",
        "SPRING_DATA_REDIS_PASSWORD": "r",
        "DB_URL": "db:5432/n", "DB_USER": "u", "DB_PASS": "p", "REDIS_HOST": "redis", "REDIS_PORT": "6379",
        "REDIS_PASSWORD": "r",
        "SEOUL_METRO_API_KEY": "k", "SEOUL_METRO_API_BASE_URL": "http://swopenapi.seoul.go.kr/api/subway",
        "SEOUL_METRO_API_ENABLED": "false", "SEOUL_METRO_API_ENABLED_LINES": "7", "SEOUL_METRO_API_TIMEOUT": "10000",
        "SEOUL_METRO_API_RETRY_COUNT": "3", "SEOUL_METRO_CACHE_TTL": "300",
        "SEOUL_METRO_API_UPDATE_INTERVAL": "180000", "SEOUL_METRO_MONITORING_DAILY_LIMIT": "70",
        "METRO_API_ENABLED": "false", "METRO_ENABLED_LINES": "7", "METRO_DAILY_LIMIT": "70",
        "METRO_UPDATE_INTERVAL": "180000",
        "AI_SERVER_URL": "http://nginx:8000", "AI_SERVER_TIMEOUT": "900000", "AI_SERVER_ENABLED": "true",
        "AI_SERVER_INTERNAL_API_KEY": "k",
        "AI_STORY_AI_TIMEOUT": "900000", "AI_STORY_DAILY_LIMIT": "10", "AI_STORY_CRON": "0 0 3 * * *",
        "AI_STORY_RETRY_COUNT": "3", "AI_STORY_GENERATION_DELAY": "5000", "AI_STORY_HEALTH_TIMEOUT": "30000",
        "AI_STORY_GENERATION_ENABLED": "true", "AI_STORY_BATCH_SIZE": "1", "AI_STORY_TEST_INTERVAL": "86400000",
        "AI_STORY_MIN_PER_STATION": "2",
        "JWT_SECRET": "k", "JWT_ACCESS_VALIDITY": "900000", "JWT_REFRESH_VALIDITY": "604800000", "FIELD_KEY": "k",
        "TABLE_KEY": "k", "COOKIE_SECURE": "true", "COOKIE_SAME_SITE": "Strict",
        "SPRING_PROFILES_ACTIVE": "development", "TZ": "Asia/Seoul",
    },
    "llmserver": {
        "AI_PROVIDER": "openai", "OPENAI_API_KEY": "", "OPENAI_MODEL": "gpt-4o-mini", "OPENAI_MAX_TOKENS": "2000",
        "CLAUDE_API_KEY": "", "CLAUDE_MODEL": "claude-3-haiku-20240307", "REQUEST_LIMIT_PER_HOUR": "50",
        "REQUEST_LIMIT_PER_DAY": "500", "USE_CACHE": "true", "CACHE_TTL": "7200", "LOG_LEVEL": "INFO",
        "REDIS_URL": "redis://:r@redis:6379/0", "AI_SERVER_INTERNAL_API_KEY": "k", "TZ": "Asia/Seoul",
    },
    "db": {
        "POSTGRES_USER": "u", "POSTGRES_PASSWORD": "p", "POSTGRES_DB": "n", "TZ": "Asia/Seoul", "PGTZ": "Asia/Seoul",
    },
    "redis": {"REDIS_PASSWORD": "r", "TZ": "Asia/Seoul"},
    "nginx": {"TZ": "Asia/Seoul"},
}  # fmt: skip
"""What the team's real images read, and what they were given. The frontend reads its names when it is built."""


@pytest.mark.parametrize("name", READ)
def test_every_container_gets_what_its_real_image_reads(name: str) -> None:
    given = {key: fill_in(text or "", OF_OLD) for key, text in (COMPOSE.environment(name) or {}).items()}
    assert {key: given.get(key) for key in READ[name]} == READ[name]


def test_infrastructure_listens_where_the_applications_ask_whatever_was_published_once() -> None:
    text = COMPOSE.text
    assert "${DB_PORT" not in text
    assert "${REDIS_PORT" not in text
    assert "PGPORT" not in text


def test_a_host_file_of_old_is_complete_and_holds_no_name_that_is_unknown() -> None:
    assert set(PROJECT.wanted.required) <= OF_OLD.keys()
    assert set(OF_OLD) <= PROJECT.wanted.known


SAMPLE = PROJECT.root / "sandbox" / "assets" / "app" / "sample"
NOT_ASKED_FOR = {"JAVA_TOOL_OPTIONS", "DB_NAME", "DB_PORT"}
"""Read by the JVM, and by no image: what is in the other names already."""


@pytest.mark.parametrize("name", ["backend", "llmserver"])
def test_the_sample_applications_read_what_their_stanzas_give(name: str) -> None:
    needs = runpy.run_path(str(SAMPLE / "needs.py"))["NEEDS"][name]
    assert set(needs) == set(COMPOSE.environment(name) or {}) - NOT_ASKED_FOR
    assert len(needs) == len(set(needs))


def test_what_the_sample_backend_asks_its_dependencies_with_are_names_that_the_real_one_reads() -> None:
    read = set(re.findall(r"os\.environ\[\"(\w+)\"\]", (SAMPLE / "dependencies.py").read_text(encoding="utf-8")))
    assert "SPRING_DATA_REDIS_HOST" in read
    assert read <= READ["backend"].keys()


@pytest.mark.parametrize("name", ["backend", "llmserver"])
def test_the_sample_applications_do_without_none_of_these_names(name: str) -> None:
    sample = runpy.run_path(str(SAMPLE / "needs.py"))
    assert set(sample["NEEDS"][name]) == READ[name].keys()
    assert sample["missing"](name, READ[name]) == []
    assert sample["missing"](name, {**READ[name], "AI_SERVER_INTERNAL_API_KEY": ""}) == ["AI_SERVER_INTERNAL_API_KEY"]
    without = {key: value for key, value in READ[name].items() if key != "TZ"}
    assert sample["missing"](name, without) == ["TZ"]
