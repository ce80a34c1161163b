"""The workflows: what they are given by GitHub's rules, and what their steps do with it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.tasks import release
from tests.fake_github import Api, serving
from tests.github_runner import Expression, NotAllowed, Repository, called, filled, load, read_log

ROOT = Path(__file__).parents[2]
WORKFLOWS = {file.stem: load(file) for file in sorted((ROOT / ".github/workflows").glob("*.yml"))}
SERVICE = WORKFLOWS["deploy-service"]
BUILD, DEPLOY, LATEST = (SERVICE["jobs"][name] for name in ("build", "deploy", "latest"))
ENVIRONMENT = "Find the environment"

PUSH = {"event_name": "push", "run_attempt": "1", "ref": "refs/heads/main", "run_id": "1"}
AGAIN = PUSH | {"run_attempt": "2"}
BY_HAND = PUSH | {"event_name": "workflow_dispatch", "run_id": "9"}


def step(job: Mapping[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in job["steps"] if each["name"] == name)
    return dict(found)


@dataclass(frozen=True)
class Ran:
    code: int
    log: str
    outputs: str


def run(a_step: Mapping[str, Any], contexts: Mapping[str, Any], folder: Path) -> Ran:
    """Run a step's script as the runner does, in a folder, with what is in its ``bin`` found first."""
    given = {name: filled(str(value), contexts) for name, value in a_step.get("env", {}).items()}
    outputs = folder / "outputs"
    outputs.write_text("")
    script = folder / "step.sh"  # for the last command of a file, bash does not step aside by itself
    script.write_text(a_step["run"])
    env = given | {
        "PATH": f"{folder}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(outputs),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "no_proxy": "127.0.0.1",
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, outputs.read_text())


def program(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/usr/bin/env bash\n{text}\n")
    file.chmod(0o755)


def errors(ran: Ran) -> str:
    return "\n".join(message for _, message in read_log(ran.log).named("error"))


# What a called workflow is given


def callers() -> dict[str, dict[str, Any]]:
    """The job of each caller that is documented: the files, and what the documents show."""
    found = {file.name: load(file) for file in (ROOT / "docs/callers").glob("*.yml")}
    for file in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for block in re.findall(r"^```yaml\n(.*?)^```", file.read_text(), re.MULTILINE | re.DOTALL):
            if "deploy-service.yml@" in block:
                found[str(file.relative_to(ROOT))] = yaml.safe_load(block)
    return {
        name: job
        for name, workflow in found.items()
        for job in workflow["jobs"].values()
        if "deploy-service.yml@" in job.get("uses", "")
    }


CALLERS = callers()

REPOSITORY = Repository(
    secrets={"DOCKERHUB_USERNAME": "me", "DOCKERHUB_TOKEN": "may push", "BEHINDY_SSH_KEY": "of the repository"},
    variables={"BEHINDY_REGISTRY": "r.example", "BEHINDY_USER": "of the repository"},
    environments={
        "production": (
            {
                "BEHINDY_SSH_KEY": "key",
                "BEHINDY_SSH_KEY_PASSPHRASE": "passphrase",
                "BEHINDY_HOST": "h.example",
                "BEHINDY_KNOWN_HOSTS": "h.example ssh-ed25519 A",
                "BEHINDY_NOTIFY_URL": "https://hook.example",
                "DOCKERHUB_PULL_TOKEN": "may pull",
            },
            {"BEHINDY_USER": "kim"},
        )
    },
)


def given_to(job: str, caller: Mapping[str, Any], github: Mapping[str, Any] = PUSH) -> dict[str, Any]:
    return called(caller, SERVICE, REPOSITORY, github)(job)


def settings_of(caller: Mapping[str, Any]) -> dict[str, str]:
    contexts = given_to("deploy", caller) | {"needs": {"build": {"outputs": {"tag": "abc", "committed": ""}}}}
    return {name: filled(str(value), contexts) for name, value in step(DEPLOY, "Deploy")["env"].items()}


def test_there_are_callers_of_every_kind() -> None:
    assert len(CALLERS) >= 4


@pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS.keys())
def test_what_is_kept_in_the_environment_reaches_the_deploy_whoever_calls(caller: dict[str, Any]) -> None:
    assert set(caller["secrets"]) == set(SERVICE["on"]["workflow_call"]["secrets"])
    settings = settings_of(caller)
    secrets, _ = REPOSITORY.environments["production"]
    assert {name: settings[name] for name in secrets if name.startswith("BEHINDY")} == {
        name: value for name, value in secrets.items() if name.startswith("BEHINDY")
    }
    assert (settings["BEHINDY_USER"], settings["BEHINDY_REGISTRY"]) == ("kim", "r.example")


@pytest.mark.parametrize("name", ["BEHINDY_SSH_KEY_PASSPHRASE", "BEHINDY_HOST", "BEHINDY_KNOWN_HOSTS"])
def test_a_secret_of_the_environment_that_is_not_passed_on_does_not_arrive(name: str) -> None:
    caller = CALLERS["frontend.yml"]
    less = {key: value for key, value in caller["secrets"].items() if key != name}
    assert settings_of(caller | {"secrets": less})[name] == ""
    assert settings_of(caller | {"secrets": "inherit"})[name] != ""


def test_the_build_has_no_environment_so_its_secrets_are_the_repositorys() -> None:
    secrets = given_to("build", CALLERS["frontend.yml"])["secrets"]
    assert (secrets["DOCKERHUB_TOKEN"], secrets["BEHINDY_HOST"], secrets["DOCKERHUB_PULL_TOKEN"]) == (
        "may push",
        "",
        "",
    )


def test_the_token_that_may_push_is_not_for_the_job_that_talks_to_the_host() -> None:
    caller = CALLERS["frontend.yml"]
    assert "secrets.DOCKERHUB_TOKEN" not in json.dumps(DEPLOY)
    assert settings_of(caller)["DOCKERHUB_TOKEN"] == "may pull"
    no_pull = {key: value for key, value in caller["secrets"].items() if key != "DOCKERHUB_PULL_TOKEN"}
    assert settings_of(caller | {"secrets": no_pull})["DOCKERHUB_TOKEN"] == ""
    for name in ("rollback", "ops", "certs"):
        assert "secrets.DOCKERHUB_TOKEN" not in json.dumps(WORKFLOWS[name], default=str)


@pytest.mark.parametrize(
    "wrong",
    [
        {"secrets": {"BEHINDY_KEY": "x"}},
        {"with": {"service": "web", "tags": "v1"}},
        {"with": {"service": "web", "force": "true"}},
        {"with": {}},
        {"permissions": {"contents": "read"}},
    ],
    ids=["another secret", "another input", "a text for a truth value", "no service", "too few permissions"],
)
def test_a_caller_that_github_would_not_start_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed):
        given_to("deploy", CALLERS["backend.yml"] | wrong)


# Who may deploy


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as made:
        yield made


def of_api(api: Api) -> dict[str, Any]:
    github = {"api_url": api.url, "repository": "team/web", "server_url": "https://github.com", "token": "t0ken"}
    return {"github": github | {"run_id": "4711"}, "inputs": {"environment": "production"}, "vars": {}}


WITH_ENVIRONMENT = {
    (name, key): job
    for name, workflow in WORKFLOWS.items()
    for key, job in workflow["jobs"].items()
    if "environment" in job
}


@pytest.mark.parametrize(("workflow", "key"), WITH_ENVIRONMENT)
def test_a_job_with_an_environment_waits_until_it_is_known_to_be_there(workflow: str, key: str) -> None:
    jobs = WORKFLOWS[workflow]["jobs"]
    needs = jobs[key]["needs"]
    assert "environment" in ([needs] if isinstance(needs, str) else needs)
    assert "environment" not in jobs["environment"]
    assert jobs["environment"]["permissions"] == {"actions": "read"}
    named = jobs[key]["environment"]
    asked = step(jobs["environment"], ENVIRONMENT)["env"]["ENVIRONMENT"]
    assert asked == (named["name"] if isinstance(named, dict) else named)
    assert step(jobs["environment"], ENVIRONMENT)["run"] == step(SERVICE["jobs"]["environment"], ENVIRONMENT)["run"]


def test_there_is_no_deploy_without_the_environment() -> None:
    for environment, result in (("success", True), ("failure", False), ("skipped", False)):
        needs = {"environment": {"result": environment}, "build": {"result": "skipped"}}
        assert Expression(DEPLOY["if"][3:-2].strip(), {"needs": needs}).value() is result


@pytest.mark.parametrize("name", ["production", "staging/eu west", "운영"])
def test_an_environment_that_is_there_is_found_by_its_name(api: Api, tmp_path: Path, name: str) -> None:
    quoted = {"staging/eu west": "staging%2Feu%20west", "운영": "%EC%9A%B4%EC%98%81"}.get(name, name)
    api.answers[f"GET /repos/team/web/environments/{quoted}"] = (200, {"name": name})
    ran = run(
        step(SERVICE["jobs"]["environment"], ENVIRONMENT), of_api(api) | {"inputs": {"environment": name}}, tmp_path
    )
    assert (ran.code, ran.log) == (0, "")
    assert [authorized for _, _, authorized, _ in api.asked] == ["Bearer t0ken"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "There is no environment 'production' here. Make it first"),
        (403, "has to grant the permission 'actions: read'"),
        (410, "GitHub did not say whether there is an environment 'production' (HTTP 410)"),
    ],
)
def test_one_that_is_not_there_is_an_error_and_nothing_is_made(
    api: Api, tmp_path: Path, status: int, words: str
) -> None:
    api.answers["GET /repos/team/web/environments/production"] = (status, {})
    ran = run(step(SERVICE["jobs"]["environment"], ENVIRONMENT), of_api(api), tmp_path)
    assert ran.code == 1
    assert words in errors(ran)
    assert "Nothing changed on the host." in errors(ran)
    assert "t0ken" not in ran.log
    assert [method for method, *_ in api.asked] == ["GET"]


def test_no_name_is_not_the_list_of_all_and_a_name_is_no_command(api: Api, tmp_path: Path) -> None:
    api.answers["GET /repos/team/web/environments/"] = (200, {})
    a_step = step(SERVICE["jobs"]["environment"], ENVIRONMENT)
    ran = run(a_step, of_api(api) | {"inputs": {"environment": ""}}, tmp_path)
    assert (ran.code, "No environment is named" in errors(ran), api.asked) == (1, True, [])
    ran = run(a_step, of_api(api) | {"inputs": {"environment": "a\n::add-mask::b"}}, tmp_path)
    assert ran.code == 1
    assert [name for name, _, _ in read_log(ran.log).obeyed] == ["error"]


def test_an_api_that_is_not_there_is_no_yes(api: Api, tmp_path: Path) -> None:
    contexts = of_api(api)
    contexts["github"]["api_url"] = "http://127.0.0.1:1"
    ran = run(step(SERVICE["jobs"]["environment"], ENVIRONMENT), contexts, tmp_path)
    assert ran.code == 1
    assert "GitHub did not say" in errors(ran)


# Which run wins


def group(job: Mapping[str, Any], github: Mapping[str, Any], service: str = "web") -> str:
    return filled(job["concurrency"]["group"], {"github": github, "inputs": {"service": service, "environment": "p"}})


@pytest.mark.parametrize("job", [BUILD, DEPLOY], ids=["build", "deploy"])
def test_a_push_meets_the_push_before_it_and_nothing_else(job: dict[str, Any]) -> None:
    newer = PUSH | {"run_id": "2"}
    assert group(job, PUSH) == group(job, newer)
    others = [
        group(job, AGAIN), group(job, BY_HAND), group(job, BY_HAND | {"run_id": "10"}), group(job, PUSH, "api"),
        group(job, PUSH | {"ref": "refs/heads/other"}),
    ]  # fmt: skip
    assert group(job, PUSH) not in others
    assert len(set(others)) == len(others)


def test_a_newer_push_ends_a_build_and_never_a_deploy() -> None:
    assert BUILD["concurrency"]["cancel-in-progress"] is True
    assert DEPLOY["concurrency"] == DEPLOY["concurrency"] | {"cancel-in-progress": False}
    assert DEPLOY["concurrency"].get("queue", "single") == "single"  # of those that wait, the newest is left
    assert group(BUILD, PUSH) != group(DEPLOY, PUSH)


def test_no_caller_has_a_group_of_its_own_in_which_a_run_by_hand_could_be_replaced() -> None:
    for file in (ROOT / "docs/callers").glob("*.yml"):
        assert "concurrency" not in load(file)
    assert not [name for name, job in CALLERS.items() if "concurrency" in job]


@pytest.mark.parametrize(
    ("workflow", "key"), [("rollback", "rollback"), ("ops", "ops"), ("certs", "certs"), ("deploy-service", "latest")]
)
def test_whoever_waits_for_a_rollback_is_not_replaced(workflow: str, key: str) -> None:
    concurrency = WORKFLOWS[workflow]["jobs"][key]["concurrency"]
    assert (concurrency["cancel-in-progress"], concurrency["queue"]) == (False, "max")


def test_what_changes_the_host_by_hand_meets_in_one_group_and_the_certificate_keeps_nobody_waiting() -> None:
    inputs = {"environment": "production", "service": "web"}
    asked = {"rollback": inputs, **{name: inputs | {"task": name} for name in ("recover", "status")}, "certs": inputs}
    keys = {"recover": "ops", "status": "ops"}
    groups = {
        name: filled(
            WORKFLOWS[keys.get(name, name)]["jobs"][keys.get(name, name)]["concurrency"]["group"],
            {"github": BY_HAND, "inputs": given, "vars": {}},
        )
        for name, given in asked.items()
    }
    assert groups["rollback"] == groups["recover"]
    assert len(set(groups.values())) == 3, groups


def test_two_services_in_one_run_do_not_replace_each_others_jobs() -> None:
    for job in SERVICE["jobs"].values():
        assert "concurrency" not in job or group(job, BY_HAND) != group(job, BY_HAND, "api")


# What is built


def test_an_empty_build_argument_is_what_the_compose_file_says(tmp_path: Path) -> None:
    program(tmp_path / "ops/inv", "exit 0")
    program(tmp_path / "ops/.venv/bin/python", f'PYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"')
    (tmp_path / "ops/compose.yaml").write_text(
        "name: a\nservices:\n  web: {image: a, environment: {API: '${API:-https://a.example/api}', B: '1'}}\n"
    )
    contexts = {"inputs": {"service": "web", "build-args": "API=\nNAME=a b\nOTHER=\n"}}
    ran = run(step(BUILD, "Complete the build arguments"), contexts, tmp_path)
    assert (ran.code, ran.log) == (0, "")
    first, *lines, last = ran.outputs.splitlines()
    assert first == f"complete<<{last}"
    assert lines == ["API=https://a.example/api", "NAME=a b"]
    assert not (tmp_path / "ops").exists()  # it would be in the image


def test_where_none_is_empty_nothing_is_installed(tmp_path: Path) -> None:
    program(tmp_path / "ops/inv", "exit 1")
    contexts = {"inputs": {"service": "web", "build-args": "A=1\nB=c=d"}}
    ran = run(step(BUILD, "Complete the build arguments"), contexts, tmp_path)
    assert ran.code == 0
    assert ran.outputs.splitlines()[1:-1] == ["A=1", "B=c=d"]


def test_the_caller_of_the_frontend_passes_every_name_that_it_reads_when_built() -> None:
    given = CALLERS["frontend.yml"]["with"]["build-args"]
    compose = load(ROOT / "compose/docker-compose.yml")["services"]["frontend"]["environment"]
    names = [name for name in compose if name.startswith("NEXT_PUBLIC_")]
    assert [line.partition("=")[0] for line in given.split("\n") if line] == names


def test_no_layer_of_a_build_goes_to_the_registry_but_the_images_own_and_a_cache_that_fails_fails_alone() -> None:
    pushed = step(BUILD, "Build and push")["with"]
    assert "type=registry" not in pushed["cache-from"] + pushed["cache-to"]
    assert "ignore-error=true" in pushed["cache-to"].split(",")
    assert pushed["tags"] == "${{ env.IMAGE }}:${{ steps.commit.outputs.sha }}"


@pytest.mark.parametrize(("chosen", "provenance", "sbom"), [(False, "false", "false"), (True, "mode=min", "true")])
def test_what_an_image_is_made_of_is_attached_if_wanted(chosen: bool, provenance: str, sbom: str) -> None:
    pushed = step(BUILD, "Build and push")["with"]
    contexts = {"inputs": {"provenance": chosen, "sbom": chosen}}
    assert (filled(pushed["provenance"], contexts), filled(pushed["sbom"], contexts)) == (provenance, sbom)


@pytest.mark.parametrize(
    ("text", "machine"),
    [("ubuntu-24.04-arm", "ubuntu-24.04-arm"), ('["self-hosted", "seoul"]', ["self-hosted", "seoul"])],
)
def test_the_machines_are_chosen_one_by_one(text: str, machine: str | list[str]) -> None:
    for job, name in ((BUILD, "runs-on"), (DEPLOY, "deploy-runs-on")):
        assert Expression(job["runs-on"][3:-2].strip(), {"inputs": {name: text}}).value() == machine
        assert SERVICE["on"]["workflow_call"]["inputs"][name]["default"] == "ubuntu-24.04"


@pytest.mark.parametrize(("variables", "machine"), [({}, "ubuntu-24.04"), ({"BEHINDY_RUNS_ON": "inside"}, "inside")])
@pytest.mark.parametrize("name", ["certs", "ops", "rollback"])
def test_what_else_reaches_the_host_may_run_where_port_22_is_open(
    name: str, variables: dict[str, str], machine: str
) -> None:
    runs_on = WORKFLOWS[name]["jobs"][name]["runs-on"]
    assert Expression(runs_on[3:-2].strip(), {"vars": variables}).value() == machine


def test_the_commit_is_named_with_its_time(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=k", "-c", "user.email=k@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    ran = run(step(BUILD, "Name the commit"), {}, tmp_path)
    assert re.fullmatch(r"sha=[0-9a-f]{40}\ncommitted=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)\n", ran.outputs)


# What is deployed


@pytest.mark.parametrize(
    ("inputs", "committed", "options"),
    [
        ({}, "2026-01-05T09:00:00Z", "--strategy blue-green --commit-time 2026-01-05T09:00:00Z --if-newer"),
        ({"if-newer": False}, "2026-01-05T09:00:00Z", "--strategy blue-green --commit-time 2026-01-05T09:00:00Z"),
        ({"tag": "abc"}, "", "--strategy blue-green"),
        (
            {"force": True, "strategy": "recreate", "watch": "1m"}, "2026-01-05T09:00:00Z",
            "--watch 1m --strategy recreate --force --commit-time 2026-01-05T09:00:00Z --if-newer",
        ),
    ],
    ids=["a push", "older ones too", "a tag", "all by hand"],
)  # fmt: skip
def test_the_inputs_are_options_of_the_deploy(
    tmp_path: Path, inputs: dict[str, Any], committed: str, options: str
) -> None:
    program(tmp_path / "inv", 'echo "$*"; echo "outcome=live" >> "$GITHUB_OUTPUT"')
    contexts = given_to("deploy", CALLERS["backend.yml"] | {"with": {"service": "backend", **inputs}})
    contexts["needs"] = {"build": {"outputs": {"tag": "abc", "committed": committed}}}
    ran = run(step(DEPLOY, "Deploy"), contexts, tmp_path)
    assert ran.log == f"deploy.backend --tag abc --wait 10m {options}\n"
    assert ran.outputs == "outcome=live\n"


@pytest.mark.parametrize("event", ["push", "workflow_dispatch"])
def test_what_is_chosen_by_hand_reaches_the_workflow(event: str) -> None:
    chosen = {"tag": "v1", "strategy": "recreate", "force": True} if event == "workflow_dispatch" else {}
    for name in ("backend.yml", "frontend.yml", "llmserver.yml"):
        inputs = given_to("deploy", CALLERS[name], PUSH | {"event_name": event, "inputs": chosen})["inputs"]
        expected = ("v1", "recreate", True) if chosen else ("", "blue-green", False)
        assert (inputs["tag"], inputs["strategy"], inputs["force"]) == expected


@pytest.mark.parametrize(
    ("built", "outcome", "moved"),
    [
        ("success", "live", True), ("success", "unchanged", True), ("success", "older", False), ("success", "", False),
        ("skipped", "live", False),
    ],
)  # fmt: skip
def test_latest_is_what_was_built_and_is_live(built: str, outcome: str, moved: bool) -> None:
    needs = {"build": {"result": built}, "deploy": {"outputs": {"outcome": outcome}}}
    assert Expression(LATEST["if"][3:-2].strip(), {"needs": needs}).value() is moved


def test_every_output_of_the_workflow_is_one_of_a_step_that_is_there() -> None:
    for output in SERVICE["on"]["workflow_call"]["outputs"].values():
        (job, name) = re.fullmatch(r"\$\{\{ jobs\.(\w+)\.outputs\.(\w+) \}\}", output["value"]).groups()  # type: ignore[union-attr]
        (made_by,) = re.findall(r"steps\.(\w+)\.outputs", SERVICE["jobs"][job]["outputs"][name])
        assert made_by in [each.get("id") for each in SERVICE["jobs"][job]["steps"]]


(SITE,) = (each for each in DEPLOY["steps"] if each["name"] == "Name the site")

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
    program(tmp_path / ".venv/bin/python", f'PYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"')
    contexts = {"inputs": {"service": service}, "vars": {"BEHINDY_HOST": "h", "BEHINDY_DOMAIN": variable}}
    ran = run(SITE, contexts, tmp_path)
    assert (ran.code, ran.log) == (0, "")
    assert ran.outputs == f"url={url}\n"
    shown = dict(line.split("=", 1) for line in ran.outputs.splitlines())
    assert filled(DEPLOY["environment"]["url"], {"steps": {SITE["id"]: {"outputs": shown}}}) == url


# Certificates


CERTS = WORKFLOWS["certs"]


def test_the_schedule_has_an_environment_though_nobody_chooses_one() -> None:
    assert CERTS["on"]["schedule"]
    for variables, named in (({}, "production"), ({"BEHINDY_CERTS_ENVIRONMENT": "certificates"}, "certificates")):
        assert filled(CERTS["jobs"]["certs"]["environment"], {"inputs": {}, "vars": variables}) == named


@pytest.mark.parametrize(("email", "more"), [("", ""), ("kim@example.com", " --email kim@example.com")])
def test_it_renews_without_a_question(tmp_path: Path, email: str, more: str) -> None:
    program(tmp_path / "inv", 'echo "$*"')
    contexts = {"vars": {"BEHINDY_CERTS_EMAIL": email}, "secrets": {}, "github": {}}
    ran = run(step(CERTS["jobs"]["certs"], "Renew"), contexts, tmp_path)
    assert ran.log == f"host.certs --yes --wait 30m{more}\n"


@pytest.mark.parametrize(
    ("there", "asked"),
    [([], "/issues"), ([{"title": "Another", "number": 3}], "/issues"), (["ours"], "/issues/7/comments")],
    ids=["none yet", "another", "there already"],
)
def test_a_failure_is_told_where_everybody_sees_it(api: Api, tmp_path: Path, there: list[Any], asked: str) -> None:
    ours = {"title": "The certificate of production could not be renewed", "number": 7}
    at, query = "/repos/team/web/issues", "?state=open&creator=github-actions%5Bbot%5D&per_page=100"
    api.answers = {
        f"GET {at}{query}": (200, [ours if each == "ours" else each for each in there]),
        f"POST {at}": (201, {}),
        f"POST {at}/7/comments": (201, {}),
    }
    job = CERTS["jobs"]["tell"]
    # A job that has timed out is cancelled.
    for result, told in (("success", False), ("failure", True), ("cancelled", True), ("skipped", True)):
        needs = {"environment": {"result": "success"}, "certs": {"result": result}}
        assert bool(Expression(job["if"][3:-2].strip(), {"needs": needs}).value()) is told
    ran = run(step(job, "Open an issue"), of_api(api), tmp_path)
    assert ran.code == 0, ran.log
    (_, path, authorized, body) = api.asked[-1]
    assert (path, authorized) == (f"/repos/team/web{asked}", "Bearer t0ken")
    assert json.loads(body)["title"] == ours["title"]
    assert "https://github.com/team/web/actions/runs/4711" in json.loads(body)["body"]


# Releases of this repository


CHANGELOG = (
    "# Changelog\n\n## [Unreleased]\n{}\n## [0.2.0] - 2026-02-01\n\n- New.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n"
)


def test_a_version_is_released_once_nothing_waits() -> None:
    assert release.notes(CHANGELOG.format(""), "0.2.0") == "- New."
    assert release.notes(CHANGELOG.format("\n- Later.\n"), "0.2.0") == ""
    assert release.notes(CHANGELOG.replace("## [Unreleased]\n{}\n", ""), "0.2.0") == "- New."
    for version in ("0.1.0", "0.3.0"):
        with pytest.raises(ValueError, match=r"has 0\.2\.0 on top"):
            release.notes(CHANGELOG.format(""), version)


def test_the_version_here_is_the_one_on_top_of_the_changelog(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main([str(tmp_path / "notes")]) == 0
    assert re.fullmatch(r"version=\S+\nready=(true|false)\n", capsys.readouterr().out)


@pytest.mark.parametrize(("status", "code", "made"), [(404, 0, True), (200, 0, False), (403, 1, False)])
def test_a_release_is_made_once(api: Api, tmp_path: Path, status: int, code: int, made: bool) -> None:
    api.answers["GET /repos/team/web/git/ref/tags/v0.2.0"] = (status, {})
    program(tmp_path / "bin/gh", 'echo "gh $*"')
    program(tmp_path / ".venv/bin/python", 'mkdir -p "$RUNNER_TEMP/wheel"; : > "$RUNNER_TEMP/wheel/a.whl"')
    contexts = of_api(api) | {"steps": {"version": {"outputs": {"version": "0.2.0"}}}}
    contexts["github"]["sha"] = "f" * 40
    job = WORKFLOWS["ci"]["jobs"]["release"]
    ran = run(step(job, "Release it"), contexts, tmp_path)
    assert ran.code == code, ran.log
    assert (f"gh release create v0.2.0 --target {'f' * 40} --title 0.2.0" in ran.log) is made
    assert set(job["needs"]) == set(WORKFLOWS["ci"]["jobs"]) - {"release"}


def test_dependabot_sees_to_what_is_pinned() -> None:
    updates = load(ROOT / ".github/dependabot.yml")["updates"]
    assert {each["package-ecosystem"] for each in updates} == {"github-actions", "pip"}
    assert (ROOT / "requirements.txt").is_file()  # a name that Dependabot looks for
