"""``--from-local``: which images of this machine a task sends, and as what."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from behindy_ops.errors import Kind
from behindy_ops.host import local_engine
from behindy_ops.project.services import Service
from behindy_ops.tasks.local import images
from tests.kinds import raises

if TYPE_CHECKING:
    from behindy_ops.tasks.client import Client


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives for an image what it is called."""

    @contextlib.contextmanager
    def saved(references: Mapping[str, str], _: object) -> Iterator[Mapping[str, str]]:
        yield references

    monkeypatch.setattr(local_engine, "saved", saved)


def of(*names: str, image: str = "") -> Client:
    """Services by name; of one image, or each of its own."""
    services = [
        Service(name, f"${{BEHINDY_IMAGE_PREFIX}}/{image or name}:latest", 80, "/", "/", None) for name in names
    ]
    parts = SimpleNamespace(services=services, settings=SimpleNamespace(image_prefix="me"), emit=lambda _: None)
    return cast("Client", parts)


def chosen(client: Client, from_local: str, tag: str = "latest") -> tuple[Any, str]:
    with images(client, from_local, tag) as found:
        return found


def test_a_tag_names_the_image_of_each_service_and_a_whole_name_that_of_one() -> None:
    assert chosen(of("web", "api"), "v2") == ({"web": "me/web:v2", "api": "me/api:v2"}, "v2")
    assert chosen(of("web"), "shop-web:v3") == ({"web": "shop-web:v3"}, "v3")


def test_services_of_one_image_are_sent_that() -> None:
    same = of("web", "worker", image="shop")
    assert chosen(same, "v2") == ({"web": "me/shop:v2", "worker": "me/shop:v2"}, "v2")
    assert chosen(same, "mine:v3") == ({"web": "mine:v3", "worker": "mine:v3"}, "v3")


def test_without_it_an_image_is_pulled_by_its_tag() -> None:
    assert chosen(of("web"), "", "v1") == ({}, "v1")


def test_one_image_for_several_services_and_a_tag_beside_it_are_refused() -> None:
    with raises(Kind.USAGE, match="is one image, and there are 2 services"):
        chosen(of("web", "api"), "shop-web:v3")
    with raises(Kind.USAGE, match="--tag names an image to pull"):
        chosen(of("web"), "v2", "v1")


def test_what_any_node_of_a_swarm_may_run_is_not_sent_to_one_host() -> None:
    client = of("job", "web")
    client.services[1] = replace(client.services[1], tasks=2)
    with raises(Kind.USAGE, match=r"web may run on any node.*inv deploy\.web --tag TAG"):
        chosen(client, "v2")
