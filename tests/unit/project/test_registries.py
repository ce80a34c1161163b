"""Logins to image registries, and which of them an image needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project.registries import Login, familiar, read_logins, registry_of
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings, load
from tests.kinds import raises

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
TABLE = f"""
[tool.other]
[tool.behindy-ops.registries."ghcr.io"]
user = "acme"
token = "GHCR_TOKEN"
[tool.behindy-ops.registries."{ECR}"]
login_command = ["aws", "ecr", "get-login-password"]
[tool.behindy-ops.registries."europe-docker.pkg.dev"]
login_command = ["gcloud", "auth", "print-access-token"]
"""


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("web", "docker.io"),
        ("acme/web:v1", "docker.io"),
        ("index.docker.io/acme/web", "docker.io"),
        ("ghcr.io/acme/web@sha256:0", "ghcr.io"),
        ("localhost/web", "localhost"),
        ("registry:5000/a/b/web:latest", "registry:5000"),
    ],
)
def test_an_images_registry_is_the_one_docker_would_ask(image: str, registry: str) -> None:
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("repository", "listed"),
    [
        ("docker.io/acme/web", "acme/web"),
        ("docker.io/library/nginx", "nginx"),
        ("ghcr.io/acme/web", "ghcr.io/acme/web"),
        ("acme/web", "acme/web"),
        ("web", "web"),
    ],
)
def test_a_repository_of_docker_hub_is_listed_without_its_registry(repository: str, listed: str) -> None:
    assert familiar(repository) == listed


def loaded(tmp_path: Path, text: str, **environ: str) -> Settings:
    (tmp_path / "pyproject.toml").write_text(text)
    return load({"BEHINDY_HOST": "h", **environ}, tmp_path)


def test_each_image_is_pulled_with_the_login_of_its_registry(tmp_path: Path) -> None:
    hub = {"DOCKERHUB_USERNAME": "me", "DOCKERHUB_TOKEN": "hub"}
    settings = loaded(tmp_path, TABLE, GHCR_TOKEN="ghp_x\n", **hub)
    assert settings.login("ghcr.io/acme/web") == Login("ghcr.io", "acme", Secret("ghp_x"))
    assert settings.login("me/web") == Login("docker.io", "me", Secret("hub"))
    assert settings.login(f"{ECR}/web") == Login(ECR, "AWS", None, ("aws", "ecr", "get-login-password"))
    google = settings.login("europe-docker.pkg.dev/shop/images/web")
    assert google is not None
    assert google.user == "oauth2accesstoken"
    assert settings.login("quay.io/acme/web") is None
    assert set(settings.secrets) == {Secret("hub"), Secret("ghp_x")}


def test_the_login_of_the_settings_is_for_its_own_registry_alone(tmp_path: Path) -> None:
    own = {"BEHINDY_REGISTRY": "ghcr.io", "DOCKERHUB_USERNAME": "me", "DOCKERHUB_TOKEN": "x"}
    settings = loaded(tmp_path, "", **own)
    assert settings.login("ghcr.io/me/web") == Login("ghcr.io", "me", Secret("x"))
    assert settings.login("me/web") is None


def test_a_token_is_found_in_the_files_of_settings_too_and_without_one_nobody_logs_in(tmp_path: Path) -> None:
    assert loaded(tmp_path, TABLE).login("ghcr.io/acme/web") is None
    (tmp_path / ".env").write_text("GHCR_TOKEN=ghp_y\n")
    found = loaded(tmp_path, TABLE).login("ghcr.io/acme/web")
    assert found is not None
    assert found.token == Secret("ghp_y")


@pytest.mark.parametrize(
    ("name", "entry", "mistake"),
    [
        ("ghcr.io", {"user": "a", "tokn": "X"}, '."ghcr.io".tokn: unknown key; did you mean token?'),
        ("ghcr.io", {"token": "X"}, '."ghcr.io".user: missing; write the one you log in with'),
        ("ghcr.io", {"user": "-u", "token": "X"}, '."ghcr.io".user: '),
        ("ghcr.io", {"user": "a"}, '."ghcr.io": write one of token and login_command'),
        (ECR, {"token": "X", "login_command": ["x"]}, f'."{ECR}": write one of token and login_command'),
        (ECR, {"login_command": "aws ecr"}, f'."{ECR}".login_command: not a list of words'),
        (ECR, {"login_command": []}, f'."{ECR}".login_command: not a list of words'),
        ("https://ghcr.io", {"user": "a", "token": "X"}, '."https://ghcr.io": '),
        ("ghcr.io", "acme", '."ghcr.io": not a table; its keys are user, token, login_command'),
    ],
)
def test_a_mistake_is_told_by_the_path_of_its_key(name: str, entry: Any, mistake: str) -> None:
    logins, mistakes = read_logins({name: entry}, lambda _: Secret("t0ken"))
    assert logins == ()
    assert any(said.startswith(f"tool.behindy-ops.registries{mistake}") for said in mistakes), mistakes


def test_a_token_that_stands_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = '[tool.behindy-ops.registries."ghcr.io"]\nuser = "a"\ntoken = "ghp-s3cret"\n'
    with raises(Kind.SETTINGS) as error:
        loaded(tmp_path, text)
    (line,) = error.value.lines
    assert line.startswith('pyproject.toml: tool.behindy-ops.registries."ghcr.io".token: not the name of a variable')
    assert "s3cret" not in repr(error.value.lines)


@pytest.mark.parametrize("text", ["[tool.behindy-ops", 'x = 1\n[tool]\nbehindy-ops.registries = "ghcr.io"\n'])
def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path, text: str) -> None:
    with raises(Kind.SETTINGS) as error:
        loaded(tmp_path, text)
    assert "pyproject.toml" in error.value.lines[0]
