"""What the workflow that services call says of a deploy, beside the deploy itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.github_runner import filled, load

ROOT = Path(__file__).parents[2]
DEPLOY = load(ROOT / ".github/workflows/deploy-service.yml")["jobs"]["deploy"]
(SITE,) = (step for step in DEPLOY["steps"] if step["name"] == "Name the site")

COMPOSE = """
name: shop
x-nginx: {domains: [shop.example, www.shop.example]}
services:
  web: {image: a/web, x-deploy: {port: 80, internal: /, external: /, route: /}}
  api: {image: a/api, x-deploy: {port: 80, internal: /, external: /, host: api.shop.example}}
  worker: {image: a/worker, x-deploy: {}}
"""


@pytest.mark.parametrize(
    ("service", "variable", "compose", "url"),
    [
        ("web", "", COMPOSE, "https://shop.example"),
        ("web", "other.example", COMPOSE, "https://other.example"),
        ("api", "", COMPOSE, "https://api.shop.example"),
        ("worker", "", COMPOSE, ""),
        ("none", "", COMPOSE, ""),
        ("web", "", COMPOSE.replace("x-nginx", "x-none"), ""),
    ],
    ids=["declared", "by the variable", "of its own", "a worker's", "of no service", "declared nowhere"],
)
def test_the_environments_url_is_that_of_the_service_and_never_anybody_elses(
    tmp_path: Path, service: str, variable: str, compose: str, url: str
) -> None:
    (tmp_path / "compose.yaml").write_text(compose)
    python, outputs = tmp_path / ".venv/bin/python", tmp_path / "outputs"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    contexts = {"inputs": {"service": service}, "vars": {"BEHINDY_HOST": "h", "BEHINDY_DOMAIN": variable}}
    given = {name: filled(value, contexts) for name, value in SITE["env"].items()}
    env = given | {"PATH": "/usr/bin:/bin", "GITHUB_OUTPUT": str(outputs), "HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", SITE["run"]],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert outputs.read_text() == f"url={url}\n"
    shown = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
    assert filled(DEPLOY["environment"]["url"], {"steps": {SITE["id"]: {"outputs": shown}}}) == url
