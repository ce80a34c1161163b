"""`inv init`: what it makes of answers, of a compose file that is there, and what it finds missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from behindy_ops.errors import Kind
from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.routes import declared
from behindy_ops.scaffold.answers import Answers, App, parse_app, project_name, routed
from behindy_ops.scaffold.compose import candidates, completed, published, without_ports
from behindy_ops.scaffold.files import WORKFLOW, diff, new_files
from behindy_ops.scaffold.missing import missing
from sandbox.tasks.run_steps import problems, run_steps
from tests.kinds import raises
from tests.unit.pages import rows
from tests.unit.test_documents import wrong
from tests.unit.test_workflows import WORKFLOWS, errors, program, run, step

HERE = "compose/docker-compose.yml"
WEB = App("web", "ghcr.io/acme/web", 5000, "/health", "/")
THEIRS = """\
# ours
services:
  web:   # the shop
    image: ghcr.io/acme/web:1
    expose: [5000]
    healthcheck:
      test: curl -f http://localhost:5000/up

    # still of web
  # of the database
  db:
    image: registry.example:5000/library/postgres:15@sha256:abc
  mailer:
    image: acme/mailer
    command: |
      send
      all"""


def answers(*apps: App, database: bool = False, cache: bool = False) -> Answers:
    return Answers("shop", "shop.example", apps or (WEB,), database, cache)


def made(given: Answers, tmp_path: Path, **there: str) -> dict[str, str]:
    return {each.path: each.wanted for each in new_files(given, there, HERE, tmp_path)}


@pytest.mark.parametrize(
    ("text", "app"),
    [
        ("web", App("web", "shop/web")),
        ("web,port=5000", App("web", "shop/web", 5000)),
        (
            "web, image=ghcr.io/acme/web, port=5000, health=/up, host=api.shop.example",
            App("web", "ghcr.io/acme/web", 5000, "/up", host="api.shop.example"),
        ),
    ],
)
def test_a_service_is_named_with_what_is_known_of_it(text: str, app: App) -> None:
    assert parse_app(text, "shop") == app


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "--service"),
        ("We b", "--service"),
        ("web,port=0", "port '0' is not a whole number from 1 to 65535"),
        ("web,port=a", "port 'a' is not"),
        ("web,port=70000", "port '70000' is not"),
        ("web,health=/up", "health needs a port"),
        ("web,host=shop.example", "host needs a port"),
        ("web,port=1,health=up", "health"),
        ("web,ports=1", "'ports' is none of image, port, health, route, host"),
        ("web,image=A b", "--service"),
        ("web,port=1,host=no domain", "no domain"),
    ],
)
def test_a_service_that_is_not_understood_is_refused(text: str, told: str) -> None:
    with raises(Kind.USAGE, match=told):
        parse_app(text, "shop")


def test_a_project_is_called_as_compose_calls_it() -> None:
    assert [project_name(name) for name in ("My Shop", "_shop.2", "가게")] == ["myshop", "shop2", "project"]


def test_the_first_service_gets_the_site_and_others_a_path_of_their_own() -> None:
    given = (App("job", "j"), App("web", "w", 1), App("api", "a", 2), App("adm", "d", 3, host="adm.example"))
    assert [(app.route, app.host) for app in routed(given)] == [("", ""), ("/", ""), ("/api/", ""), ("", "adm.example")]
    own = (App("api", "a", 2, route="/"), App("web", "w", 1))
    assert [app.route for app in routed(own)] == ["/", "/web/"]


@pytest.mark.parametrize(("database", "cache"), [(False, False), (True, False), (True, True)])
def test_from_nothing_a_project_is_made_that_can_be_deployed(tmp_path: Path, *, database: bool, cache: bool) -> None:
    apps = (WEB, App("api", "shop/api", 8000, "/", "/api/"))
    files = made(answers(*apps, database=database, cache=cache), tmp_path)
    compose = ComposeFile.parse(files[HERE])
    services = compose.services()
    assert {name: (one.port, one.internal, one.external) for name, one in services.items()} == {
        "web": (5000, "/health", "/"),
        "api": (8000, "/", "/api/"),
    }
    assert list(compose.stanzas) == ["nginx", *["db"] * database, *["redis"] * cache, "web", "api"]
    assert declared(compose).names == ("shop.example",)
    assert "shop.example" in files["nginx/site.conf"]
    assert ("DB_PASS=" in files["host.env"]) is database
    assert set(compose.required("web")) == ({"DB_PASS"} if database else set())
    compile(files["tasks.py"], "tasks.py", "exec")
    assert not missing(files, HERE, ())


@pytest.mark.parametrize(("host_dir", "times"), [("shop-2", 1), ("", 0)])
def test_the_directory_on_the_host_is_the_same_from_here_and_from_the_workflow(
    tmp_path: Path, host_dir: str, times: int
) -> None:
    files = made(replace(answers(), host_dir=host_dir), tmp_path)
    assert files[".env.example"].count(f"BEHINDY_HOST_DIR={host_dir}\n") == times
    assert step(yaml.safe_load(files[WORKFLOW])["jobs"]["deploy"], "Deploy")["env"].get("BEHINDY_HOST_DIR", "") == (
        host_dir
    )


@pytest.mark.parametrize("commit", ["a" * 40, ""])
def test_the_workflow_installs_what_made_it(tmp_path: Path, commit: str) -> None:
    text = made(replace(answers(), commit=commit), tmp_path)[WORKFLOW]
    installed = step(yaml.safe_load(text)["jobs"]["deploy"], "Install behindy-ops")["run"]
    assert installed.endswith(f"/behindy-ops.git@{commit}" if commit else "/behindy-ops.git")
    assert ("The newest there is." in text) is (not commit)


@pytest.fixture
def jobs(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """The jobs of the workflow that is made."""
    return dict(yaml.safe_load(made(answers(), tmp_path)[WORKFLOW])["jobs"])


@pytest.mark.parametrize("answer", ["exit 0", "echo 'gh: Not Found (HTTP 404)' >&2; exit 1"])
def test_no_job_names_the_environment_before_it_is_known_to_be_there(
    jobs: dict[str, dict[str, Any]], answer: str, tmp_path: Path
) -> None:
    assert (jobs["deploy"]["needs"], jobs["deploy"]["environment"]) == ("environment", "production")
    assert "environment" not in jobs["environment"]
    assert jobs["environment"]["permissions"] == {"actions": "read"}
    program(tmp_path / "bin/gh", f'echo "$GH_TOKEN: $*"; {answer}')
    given = {"github": {"token": "t0ken", "repository": "acme/shop"}}
    ran = run(step(jobs["environment"], "Find the environment"), given, tmp_path)
    assert ran.log.splitlines()[0] == "t0ken: api --silent repos/acme/shop/environments/production"
    assert ran.code == (0 if answer == "exit 0" else 1)
    assert ("no environment production" in errors(ran)) is (ran.code == 1)


GIVEN = ("BEHINDY_SSH_KEY", "BEHINDY_SSH_KEY_PASSPHRASE", "BEHINDY_NOTIFY_URL", "DOCKERHUB_USERNAME")


def test_the_host_is_given_what_is_set_and_the_signals_reach_the_deploy(
    jobs: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    deploy = step(jobs["deploy"], "Deploy")
    program(tmp_path / "bin/behindy-ops", 'echo "$PPID $*"; env')
    secrets = {name: f"the {name}" for name in re.findall(r"secrets\.(\w+)", str(deploy))}
    ran = run(deploy, {"inputs": {"tag": "v 2"}, "vars": {"BEHINDY_PORT": "2222"}, "secrets": secrets}, tmp_path)
    parent, *words = ran.log.splitlines()[0].split(" ", 3)
    assert (words, parent) == (["deploy.all", "--tag", "v 2"], str(os.getpid())), "a shell stands between"
    assert not wrong(words)
    environment = dict(line.split("=", 1) for line in ran.log.splitlines() if "=" in line)
    expected = {name: f"the {name}" for name in GIVEN} | {"DOCKERHUB_TOKEN": "the DOCKERHUB_PULL_TOKEN"}
    expected |= {"BEHINDY_PORT": "2222", "BEHINDY_USER": "ubuntu", "BEHINDY_HOST": ""}
    assert {name: environment[name] for name in expected} == expected


@pytest.mark.parametrize("page", ["docs/library.md", "docs/ko/library.md"])
def test_what_the_workflow_reads_is_what_the_page_has_people_set(jobs: dict[str, dict[str, Any]], page: str) -> None:
    read = re.findall(r"\b(vars|secrets)\.(\w+)", str(jobs["deploy"]))
    kinds = {"variable": "vars", "secret": "secrets"}
    told = [
        (kinds[row[1]], name)
        for row in rows(page)
        if len(row) == 3 and row[1] in kinds
        for name in re.findall(r"`(\w+)`", row[0])
    ]
    assert sorted(told) == sorted(read)


def test_the_workflow_is_as_good_as_those_here(jobs: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """It passes what `inv lint` has them pass, and its actions are the commits that they are pinned to."""
    here = {each.get("uses") for workflow in WORKFLOWS.values() for job in workflow["jobs"].values()
            for each in job.get("steps", ())}  # fmt: skip
    assert {each["uses"] for job in jobs.values() for each in job["steps"] if "uses" in each} <= here
    assert {job["runs-on"] for job in jobs.values()} == {"ubuntu-24.04"}
    assert [found for title, script in run_steps({"jobs": jobs}) if (found := problems(title, script))] == []
    file = tmp_path / WORKFLOW
    file.parent.mkdir(parents=True)
    file.write_text(made(answers(), tmp_path)[WORKFLOW])
    tools = Path(sys.executable).parent
    for argv in (
        ("check-jsonschema", "--quiet", "--builtin-schema", "vendor.github-workflows"),
        ("zizmor", "--offline", "--quiet", "--persona=pedantic"),
    ):
        done = subprocess.run([tools / argv[0], *argv[1:], file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_compose_file_that_is_there_keeps_every_line(tmp_path: Path) -> None:
    found = candidates(ComposeFile.parse(THEIRS))
    assert found == [App("web", "ghcr.io/acme/web:1", 5000, "/up"), App("mailer", "acme/mailer")]
    (web, _) = routed(found)
    text = made(answers(web), tmp_path, **{HERE: THEIRS})[HERE]
    before, after = THEIRS.splitlines(), text.splitlines()
    assert after[-3] == ""
    assert [line for line in after[:-3] if line in before] == before
    at = after.index("    # still of web") + 1
    assert after[at : at + 5] == [
        "    x-deploy:", "      port: 5000", "      internal: /up", "      external: /up", "      route: /",
    ]  # fmt: skip
    assert after[-2:] == ["x-nginx:", "  domains: [shop.example]"]
    assert ComposeFile.parse(text).services()["web"].internal == "/up"
    again = made(answers(web), tmp_path, **{HERE: text})
    assert again[HERE] == text, "nothing is put there twice"


def test_a_stanza_to_which_nothing_can_be_put_is_named() -> None:
    with raises(Kind.COMPOSE_INVALID, match="services.web: not a stanza in YAML's block style"):
        completed("services:\n  web: {image: a}\n", {"web": WEB}, "shop.example")


def test_a_service_that_the_compose_file_has_not_is_told_as_such() -> None:
    with raises(Kind.COMPOSE_INVALID, match=r"has no service web\..*There are: api, db\."):
        completed("services:\n  api:\n    image: a\n  db:\n    image: b\n", {"web": WEB}, "shop.example")


PUBLISHED = """\
services:
  web:
    # for trials
    ports:
      - "8080:5000"   # http
      # and by TLS
      - {published: 8443, target: 5001}

    # what it runs
    image: acme/web
  api:
    image: acme/api
    ports: ["127.0.0.1:9000:8000",
            "9001:8001"]
    environment: {A: b}
  job: {image: acme/job, ports: ["1:1"]}
  db:
    image: postgres:15
    ports:
    - "5432:5432"
  flow: {image: acme/flow, ports: ["2:2"], x-deploy: {port: 2, internal: /, external: /}}
  last:
    image: acme/last
    ports:
    - 7000:7000"""
APPS = (App("web", "acme/web", 5000), App("api", "acme/api", 8000), App("job", "acme/job"), App("last", "l", 7000))


def test_ports_of_the_host_are_found_at_services_that_are_deployed() -> None:
    assert published(PUBLISHED, APPS) == {
        "web": ("8080:5000", "8443:5001"),
        "api": ("127.0.0.1:9000:8000", "9001:8001"),
        "job": ("1:1",),
        "flow": ("2:2",),
        "last": ("7000:7000",),
    }
    assert published(PUBLISHED, ()) == {"flow": ("2:2",)}


def test_ports_are_taken_out_and_every_other_line_is_as_it_was() -> None:
    kept = without_ports(PUBLISHED, ["web", "api", "last"])
    assert (
        kept
        == """\
services:
  web:
    # for trials

    # what it runs
    image: acme/web
  api:
    image: acme/api
    environment: {A: b}
  job: {image: acme/job, ports: ["1:1"]}
  db:
    image: postgres:15
    ports:
    - "5432:5432"
  flow: {image: acme/flow, ports: ["2:2"], x-deploy: {port: 2, internal: /, external: /}}
  last:
    image: acme/last
"""
    )
    services = ComposeFile.parse(kept).stanzas
    assert {name: given.get("ports") for name, given in services.items() if given.get("ports")} == {
        "job": ["1:1"], "db": ["5432:5432"], "flow": ["2:2"],
    }  # fmt: skip
    assert without_ports(PUBLISHED, []) == PUBLISHED


def test_ports_that_are_on_no_lines_of_their_own_are_named() -> None:
    with raises(Kind.COMPOSE_INVALID, match=r"services.flow.ports: not on lines of their own"):
        without_ports(PUBLISHED, ["flow"])


def test_files_that_are_there_stay_and_gitignore_gets_what_it_lacks(tmp_path: Path) -> None:
    there = {"tasks.py": "mine = 1\n", ".gitignore": "dist\n.env\n", "nginx/nginx.conf": "theirs"}
    files = new_files(answers(), there, HERE, tmp_path)
    kept = {each.path for each in files if not each.changes}
    assert "tasks.py" in kept
    assert not [each for each in files if each.path.startswith("nginx/")]
    (ignored,) = (each for each in files if each.path == ".gitignore")
    assert ignored.wanted == "dist\n.env\n.env.*\n!.env.example\nhost.env\n"
    assert [line.text for line in diff(ignored)][-3:] == ["+.env.*", "+!.env.example", "+host.env"]
    (beside,) = (each for each in files if each.path == ".dockerignore")
    assert (beside.now, beside.wanted) == (None, ".env\nhost.env\n")


def test_what_is_missing_is_said_with_its_remedy() -> None:
    told = missing({}, HERE, ("BEHINDY_HOST: not set",))
    assert [each.what for each in told] == [
        f"There is no compose file ({HERE}).",
        "nginx's files are not there (nginx/nginx.conf).",
        "There is no tasks.py, so plain inv finds no task (behindy-ops does).",
        "git may take files with secrets (.gitignore).",
        "docker build may take files with secrets (.dockerignore).",
        "BEHINDY_HOST: not set",
    ]
    assert [each.needed for each in told] == [True, True, False, False, False, True]


def test_a_mistake_in_the_compose_file_is_missing_by_its_path() -> None:
    text = THEIRS.replace("  mailer:", "    x-deploy: {port: 0}\n  mailer:")
    told = [each.what for each in missing({HERE: text, "nginx/nginx.conf": ""}, HERE, ())]
    assert any(line.startswith(f"{HERE}: services.db.x-deploy.port: ") for line in told)
    undeclared = missing({HERE: completed(THEIRS, {"web": WEB}, "shop.example")}, HERE, ())
    assert "services.mailer does not say how it is deployed (no x-deploy)." in [each.what for each in undeclared]


def test_a_project_that_shares_an_nginx_lacks_no_files_of_one_and_is_made_none(tmp_path: Path) -> None:
    text = (
        "name: shop\nx-nginx: {domains: shop.example, shared: {directory: /srv/first, container: nginx}}\n"
        "services:\n  web:\n    image: acme/web\n    x-deploy: {port: 1, internal: /, external: /, route: /}\n"
    )
    assert not [each for each in missing({HERE: text}, HERE, ()) if "nginx" in each.what]
    shared = answers(App("web", "acme/web", 1, "/"))
    assert not [path for path in made(shared, tmp_path, **{HERE: text}) if path.startswith("nginx/")]
