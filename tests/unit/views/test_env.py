"""``ops.env``: where each name of a service's environment comes from."""

from __future__ import annotations

from dataclasses import replace

from behindy_ops.errors import Kind
from behindy_ops.views import env
from tests.kinds import raises
from tests.unit.ops_facts import SERVICES, container, seen, survey, text_of

BACKEND = next(service for service in SERVICES if service.name == "backend")

COMPOSE = """
services:
  backend:
    image: x
    environment:
      TZ: Asia/Seoul
      NOTHING: ""
      DB_USER: ${DB_USER:-behindy}
      DB_PASS: ${DB_PASS}
      URL: ${URL:-jdbc://db:${DB_PORT:-5432}/${DB_NAME:-x}}
      BOTH: ${DB_USER:-a}-${DB_PASS}
      FIELD_KEY: ${FIELD_KEY}
  listed:
    environment: [A=1, "B=${DB_PASS}", DB_PASS]
"""


def described(**parts: str) -> env.EnvView:
    live = "TZ set\nNOTHING empty\nDB_USER set\nDB_PASS set\nURL set\nBOTH set\nFIELD_KEY set\nPATH set\nSTRAY set"
    found = survey(
        container("backend", labels={"behindy.release": "r1", "behindy.config": "old"}),
        environment={"DB_PASS": True, "DB_NAME": True, "DB_USER": False},
        config={"backend": "new"},
    )
    usual = {"live": live, "image": "PATH set", "compose": COMPOSE, "changed": "known\nDB_NAME\nFIELD_KEY"}
    return env.describe(BACKEND, seen(found, **usual | parts))


def test_where_each_name_comes_from() -> None:
    origins = {one.name: (one.origin, one.names, one.next) for one in described().names}
    assert origins == {
        "TZ": ("compose literal", (), "set"),
        "NOTHING": ("compose literal", (), "empty"),
        "DB_USER": ("compose default", (), "set"),
        "DB_PASS": (".env", ("DB_PASS",), "set"),
        "URL": ("compose default", ("DB_NAME",), "set"),
        "BOTH": (".env", ("DB_PASS",), "set"),
        "FIELD_KEY": ("nothing", (), "empty"),
        "PATH": ("image", (), "set"),
        "STRAY": ("unknown", (), "absent"),
    }


def test_what_has_changed_since_and_what_is_wrong() -> None:
    view = described()
    assert [one.name for one in view.names if one.changed] == ["URL", "FIELD_KEY"]
    assert view.outdated
    said = text_of(env.lines(view))
    assert "FIELD_KEY: it has no value in .env and no default" in said
    assert "STRAY: only the live container has it" in said
    assert "inv deploy.backend" in said


def test_the_live_container_lacks_a_name() -> None:
    names = {one.name: one for one in described(live="TZ set").names}
    assert names["DB_PASS"].trouble == "not set in the live container; the next deploy sets it"


def test_a_service_that_is_not_deployed() -> None:
    view = env.describe(BACKEND, seen(survey(environment={"DB_PASS": True}), compose=COMPOSE))
    assert {one.live for one in view.names} == {"no container"}
    assert "not deployed" in text_of(env.lines(view))


def test_the_other_form_of_a_list() -> None:
    view = env.describe(
        replace(BACKEND, name="listed", stanza="listed"), seen(survey(environment={"DB_PASS": True}), compose=COMPOSE)
    )
    assert [(one.name, one.origin) for one in view.names] == [
        ("A", "compose literal"),
        ("B", ".env"),
        ("DB_PASS", ".env"),
    ]


def test_a_compose_file_without_the_service() -> None:
    with raises(Kind.COMPOSE_INVALID, match="does not declare"):
        env.describe(BACKEND, seen(survey(), compose="services: {}"))


def test_a_release_without_a_copy_of_its_env_says_that_nothing_was_compared() -> None:
    assert "could not be compared" in text_of(env.lines(described(changed="")))
    assert "could not be compared" not in text_of(env.lines(described()))


def test_the_compose_file_is_asked_by_its_own_key_and_docker_by_the_containers_name() -> None:
    shop = replace(BACKEND, name="shop-backend", stanza="backend")
    live = container("shop-backend", labels={"behindy.release": "r1", "behindy.config": "old"})
    found = seen(survey(live, config={"shop-backend": "new"}), live="TZ set", compose=COMPOSE)
    view = env.describe(shop, found)
    assert (view.service, view.release, view.outdated) == ("shop-backend", "r1", True)
    assert next(one.live for one in view.names if one.name == "TZ") == "set"
