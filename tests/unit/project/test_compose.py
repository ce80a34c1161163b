"""The compose file: what is read from it, and that the cheap list of names is the one a parser gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project import compose
from behindy_ops.project.compose import COMPOSE_FILE, ComposeFile, deployable_names
from tests.kinds import raises

OURS = Path(compose.__file__).parents[2] / COMPOSE_FILE


@pytest.mark.parametrize("given", ["{A: 1, B: '${B}', C: }", "[A=1, 'B=${B}', C]"])
def test_an_environment_has_two_forms(given: str) -> None:
    file = ComposeFile.parse(f"services: {{web: {{environment: {given}}}}}")
    assert file.environment("web") == {"A": "1", "B": "${B}", "C": None}
    assert file.environment("other") is None


def test_the_names_a_service_uses_and_those_it_needs() -> None:
    file = ComposeFile.parse(
        "services: {web: {image: '${P:-p}/w', environment: ['U=${URL:-redis://${PASS}}', 'N=${NEED}', '$$NOT'], "
        "x-deploy: {internal: '/${NEITHER}'}}}"
    )
    assert file.used("web") == ("P", "URL", "PASS", "NEED")
    assert file.required("web") == ("NEED",)
    assert file.image("web") == "p/w"


def test_an_image_without_a_default_says_what_it_needs() -> None:
    with pytest.raises(KeyError, match="TAG"):
        ComposeFile.parse("services: {web: {image: 'w:${TAG}'}}").image("web")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for read in (ComposeFile.read, deployable_names):
        with raises(Kind.COMPOSE_INVALID, match="There is no compose file here .compose.docker-compose.yml, "):
            read(tmp_path / "docker-compose.yml")


BLOCK = """\
# services:
x-a:
    x-deploy: no
services: # ours
    # a remark
    "web":
        image: a
        labels:
            x-deploy: no
        x-deploy:
            port: 1

    db:
        image: b
    api:
      x-deploy: {port: 1}
volumes:
    x-deploy:
        x: 1
"""


@pytest.mark.parametrize(
    "text",
    [
        OURS.read_text(encoding="utf-8"),
        BLOCK,
        BLOCK.replace("    ", " "),
        "services: {web: {x-deploy: {}}, db: {}}",
        "x: &a {x-deploy: {}}\nservices:\n  web:\n    <<: *a\n",
        "services:\n  web: {image: a, x-deploy: {}}\n  api:\n    x-deploy: {}\n",
        'services:\n  web:\n    "x-deploy": {}\n',
        "services:\n  web:\n    # x-deploy: {}\n    image: a\n",
        "services:\n  web:\n    command: |\n      a\n      x-deploy: 1\n    image: a\n",
        "services:\n- web\n",
        "",
    ],
)
def test_the_cheap_list_of_names_is_the_one_a_parser_gives(text: str, tmp_path: Path) -> None:
    file = tmp_path / "docker-compose.yml"
    file.write_text(text, encoding="utf-8")
    assert deployable_names(file) == {name: name for name in ComposeFile.parse(text).deployable}


@pytest.mark.parametrize(
    ("given", "container"),
    [
        ("container_name: shop-web", "shop-web"),
        ('container_name: "shop-web"  # ours', "shop-web"),
        ("container_name: ${NAME:-shop-web}", "shop-web"),
        ("deploy:\n      container_name: other", "web"),
    ],
)
def test_the_cheap_list_tells_what_each_container_is_called(given: str, container: str, tmp_path: Path) -> None:
    file = tmp_path / "docker-compose.yml"
    text = f"services:\n  web:\n    {given}\n    x-deploy: {{}}\n  db:\n    container_name: shop-db\n"
    file.write_text(text, encoding="utf-8")
    assert deployable_names(file) == {"web": container}
