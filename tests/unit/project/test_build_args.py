"""Build arguments that are empty, and what stands in for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.project.build_args import completed
from behindy_ops.project.compose import ComposeFile

COMPOSE = ComposeFile.parse("""
name: shop
services:
  web:
    image: a/web
    environment:
      PUBLIC_URL: ${PUBLIC_URL:-https://shop.example}
      PUBLIC_API: ${PUBLIC_API:-${PUBLIC_URL:-https://shop.example}/api}
      SECRET: ${SECRET}
      PASSED:
  api:
    image: a/api
    build: {context: ., args: [MODE=fast, BARE]}
  own: {image: a/own, container_name: deployed-as, environment: [MODE=live]}
  job: {image: a/job, build: {context: ., args: {MODE: slow, BARE: }}}
""")


@pytest.mark.parametrize(
    ("service", "given", "expected"),
    [
        ("web", "PUBLIC_URL=\n", "PUBLIC_URL=https://shop.example\n"),
        ("web", "PUBLIC_URL=  ", "PUBLIC_URL=https://shop.example\n"),
        ("web", "PUBLIC_URL=https://a.example/?b=c", "PUBLIC_URL=https://a.example/?b=c\n"),
        ("web", "PUBLIC_API=\nPUBLIC_URL=https://a", "PUBLIC_API=https://a/api\nPUBLIC_URL=https://a\n"),
        ("web", "\n# a comment\n  UNKNOWN=\nPUBLIC_URL=x\n", "PUBLIC_URL=x\n"),
        ("web", "SECRET=\nPASSED=\n", ""),
        ("web", "", ""),
        ("api", "MODE=\nBARE=\n", "MODE=fast\n"),
        ("job", "MODE=\nBARE=\n", "MODE=slow\n"),
        ("deployed-as", "MODE=\nPORT=1", "MODE=live\nPORT=1\n"),
        ("none", "MODE=\nA=b", "A=b\n"),
    ],
)
def test_an_empty_one_is_what_the_compose_file_says_and_else_left_to_the_dockerfile(
    service: str, given: str, expected: str
) -> None:
    assert completed(given, COMPOSE, service) == expected


def test_those_of_the_frontend_here_are_those_it_has_on_the_host() -> None:
    compose = ComposeFile.read(Path(__file__).parents[3] / "compose/docker-compose.yml")
    given = "NEXT_PUBLIC_API_URL=\nNEXT_PUBLIC_TOKEN_KEY=\nNEXT_PUBLIC_APP_NAME=Ours\n"
    assert completed(given, compose, "frontend").splitlines() == [
        "NEXT_PUBLIC_API_URL=https://behindy.me/api",
        "NEXT_PUBLIC_TOKEN_KEY=behindy_access_token",
        "NEXT_PUBLIC_APP_NAME=Ours",
    ]
