"""``[tool.behindy-ops]`` in pyproject.toml: its keys, their types, and that no secret stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from behindy_ops.project.pyproject import Declared, key_of, read_pyproject
from behindy_ops.project.settings import NAMES

SECRETS = {"BEHINDY_SSH_KEY", "BEHINDY_SSH_KEY_PASSPHRASE", "DOCKERHUB_TOKEN"}


def read(root: Path, text: str) -> Declared:
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    return read_pyproject(root, NAMES, SECRETS)


def test_no_file_and_a_file_without_the_table_declare_nothing(tmp_path: Path) -> None:
    assert read_pyproject(tmp_path, NAMES, SECRETS) == Declared()
    assert read(tmp_path, '[project]\nname = "x"\n[tool.ruff]\nline-length = 120\n') == Declared()


def test_values_have_the_settings_names_whatever_their_type(tmp_path: Path) -> None:
    declared = read(
        tmp_path,
        """
        [tool.behindy-ops]
        project = "deploy"
        dockerhub_username = "team"
        trusted_proxies = ["cloudflare", "10.0.0.0/24"]
        confirm = true
        [tool.behindy-ops.environments.staging]
        host = "stage"
        port = 2222
        ipv6 = false
        """,
    )
    assert declared.mistakes == []
    assert declared.common == {
        "DOCKERHUB_USERNAME": "team",
        "BEHINDY_TRUSTED_PROXIES": "cloudflare, 10.0.0.0/24",
        "BEHINDY_CONFIRM": "yes",
    }
    assert declared.own == {"staging": {"BEHINDY_HOST": "stage", "BEHINDY_PORT": "2222", "BEHINDY_IPV6": "no"}}


@pytest.mark.parametrize(
    ("line", "path", "said"),
    [
        ('domian = "x"', "domian", "did you mean domain?"),
        ('image-prefix = "x"', "image-prefix", "did you mean image_prefix?"),
        ('BEHINDY_DOMAIN = "x"', "BEHINDY_DOMAIN", "did you mean domain?"),
        ("enviroments = {}", "enviroments", "did you mean environments?"),
        ("zzz = 1", "zzz", "there is no such setting; see .env.example"),
        ("domain = 5", "domain", "a string is needed"),
        ("user = true", "user", "a string is needed"),
        ("port = true", "port", "a number, or a string is needed"),
        ("ipv6 = 1", "ipv6", "true or false, or a string is needed"),
        ("trusted_proxies = [1]", "trusted_proxies", "a list of strings, or a string is needed"),
        ("environments = 1", "environments", "a table for each environment is needed"),
        ("environments.staging = 1", "environments.staging", "a table is needed"),
        ('environments.staging.prot = "x"', "environments.staging.prot", "did you mean port?"),
        ('environments.staging.project = "x"', "environments.staging.project", "no such setting"),
    ],
)
def test_a_wrong_key_or_type_is_told_with_its_path(line: str, path: str, said: str, tmp_path: Path) -> None:
    (mistake,) = read(tmp_path, f"[tool.behindy-ops]\n{line}\n").mistakes
    assert mistake.startswith(f"tool.behindy-ops.{path} (pyproject.toml): ")
    assert said in mistake


@pytest.mark.parametrize("name", sorted(SECRETS))
@pytest.mark.parametrize("table", ["", "environments.staging."])
def test_a_secret_is_refused_and_not_shown(name: str, table: str, tmp_path: Path) -> None:
    declared = read(tmp_path, f'[tool.behindy-ops]\n{table}{key_of(name)} = "hunter2"\n')
    (mistake,) = declared.mistakes
    assert mistake.startswith(f"tool.behindy-ops.{table}{key_of(name)} (pyproject.toml): a secret")
    assert name in mistake
    assert "hunter2" not in repr(declared)


@pytest.mark.parametrize(
    "text", [b"[tool.behindy-ops", b"\xff[tool.behindy-ops]", b"tool = 1\n", b"[tool]\nbehindy-ops = 1\n"]
)
def test_a_file_that_cannot_be_read_is_a_mistake_not_a_crash(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(text)
    declared = read_pyproject(tmp_path, NAMES, SECRETS)
    assert (declared.common, declared.own) == ({}, {})
    assert all("pyproject.toml" in line for line in declared.mistakes)
    assert len(declared.mistakes) == (text != b"tool = 1\n")
