"""The deploy job of the workflow, run: its steps from the YAML, on a clean machine, against the sandbox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from behindy_ops.errors import Kind
from behindy_ops.provision.recipes import CERTBOT
from sandbox.host import shell as host
from sandbox.host.images import ASSETS
from sandbox.host.info import SandboxInfo
from sandbox.host.keys import make_authority
from tests.github_runner import Repository, Runner, StepRun, called, load
from tests.sandbox.support import ROOT, all_drained, containers, inv, live_release, on_host

pytestmark = pytest.mark.timeout(600)  # it makes .venv as a new machine does

Release = Callable[..., str]

TOKEN = "t0ken \"of\" 'quotes', $HOME $(id) 비밀%0A"
PASSPHRASE = "p@ss \"quoted\" '$PATH' 비밀번호 %25"
FIRST, SECOND, THIRD, BAD = ("1" * 39 + end for end in "abcd")
"""Commit SHAs, as the build job pushes them."""

OWN = "https://github.com/team/behindy-frontend"
SERVICE = load(ROOT / ".github/workflows/deploy-service.yml")
DEPLOY = SERVICE["jobs"]["deploy"]
CALLER = load(ROOT / "docs/callers/frontend.yml")["jobs"]["frontend"]
MONDAY, TUESDAY = "2026-01-05T09:00:00+09:00", "2026-01-06T09:00:00+09:00"
ROLLBACK = load(ROOT / ".github/workflows/rollback.yml")["jobs"]["rollback"]
OPS = load(ROOT / ".github/workflows/ops.yml")["jobs"]["ops"]
CERTS = load(ROOT / ".github/workflows/certs.yml")["jobs"]["certs"]


def put_checkout(place: Path) -> None:
    """The files of this checkout that git knows or would know, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)


def base() -> dict[str, str]:
    """What the runner sets; and this machine's own way to the package index, if it has one."""
    way = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT"))}
    return way | {
        "PATH": f"{Path(sys.executable).resolve().parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": "kim",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "team/behindy-frontend",
        "GITHUB_RUN_ID": "4711",
    }


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(tmp_path_factory.mktemp("runner"), base(), put_checkout)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def secrets(sandbox: SandboxInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A restricted key with a passphrase, and a registry that asks for a login, both with values hard to quote."""
    file = tmp_path_factory.mktemp("key") / "deploy_key"
    inv("host.keygen", "--file", str(file)).ok()
    line = file.with_suffix(".pub").read_text().strip()
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", str(file)], check=True)
    keys = "/home/ubuntu/.ssh/authorized_keys"
    on_host("sh", "-c", f'cp -p {keys} {keys}.away; printf "%s\\n" "$1" >> {keys}', "sh", line)
    host.run(["sandbox-registry-auth", "me"], stdin=TOKEN.encode())
    yield {
        "BEHINDY_SSH_KEY": file.read_text(),
        "BEHINDY_SSH_KEY_PASSPHRASE": PASSPHRASE,
        "DOCKERHUB_PULL_TOKEN": TOKEN,
    }
    on_host("sandbox-registry-auth", "--stop")
    on_host("mv", f"{keys}.away", keys)


@pytest.fixture
def repository(sandbox: SandboxInfo, secrets: dict[str, str]) -> Repository:
    """What docs/github-actions.md has people set: all that leads to the host in the environment, also its address."""
    own = secrets | {
        "BEHINDY_HOST": "127.0.0.1",
        "BEHINDY_KNOWN_HOSTS": Path(sandbox.ssh.known_hosts_file).read_text(),
    }
    return Repository(
        secrets={"DOCKERHUB_USERNAME": "me", "DOCKERHUB_TOKEN": "may-push-and-is-not-for-the-host"},
        variables={"BEHINDY_IMAGE_PREFIX": "localhost:5001/behindy", "BEHINDY_REGISTRY": "localhost:5001"},
        environments={"production": (own, {"BEHINDY_PORT": str(sandbox.ssh.port)})},
    )


def given(repository: Repository, caller: dict[str, Any] = CALLER) -> dict[str, Any]:
    """What the deploy job of the called workflow is given."""
    github = {"server_url": "https://github.com", "repository": "team/behindy-frontend", "event_name": "push"}
    return {
        **called(caller, SERVICE, repository, github)("deploy"),
        "needs": {"build": {"outputs": {"tag": FIRST, "committed": ""}}},
        "job": {"workflow_repository": "team/behindy-ops", "workflow_sha": "f" * 40},
    }


@pytest.fixture
def contexts(repository: Repository) -> dict[str, Any]:
    return given(repository)


def of_ops(repository: Repository, **inputs: str) -> dict[str, Any]:
    """What a job of a workflow in this repository is given, which nobody calls."""
    github = {"server_url": "https://github.com", "repository": "team/behindy-ops"}
    return {**repository.of_job("production"), "inputs": inputs | {"environment": "production"}, "github": github}


def tagged(contexts: dict[str, Any], tag: str, committed: str = "") -> dict[str, Any]:
    return contexts | {"needs": {"build": {"outputs": {"tag": tag, "committed": committed}}}}


def said(runs: list[StepRun]) -> str:
    return "\n".join(f"--- {run.name}: {run.code}\n{run.raw}" for run in runs)


def pieces(secrets: dict[str, str]) -> set[str]:
    """Every secret, and every line of one with several; the marks around a key are none."""
    key = [line for line in secrets["BEHINDY_SSH_KEY"].splitlines() if not line.startswith("-----")]
    return {line for line in key if len(line) >= 8} | {
        secrets["BEHINDY_SSH_KEY_PASSPHRASE"],
        TOKEN,
    }


def require_no_secret(run: StepRun, secrets: dict[str, str], *, masked: bool = True) -> None:
    """Nothing shows a secret, not even without the runner's masking; and the runner was told to mask each."""
    for secret in pieces(secrets):
        for text in ("\n".join(run.log.bare), run.summary, run.outputs):
            assert secret not in text
        assert not masked or secret in run.log.masks


def files_with(secrets: dict[str, str], folder: Path) -> list[Path]:
    """The files on the runner that hold a secret, whole or one line of it."""
    wanted = [secret.encode() for secret in pieces(secrets)]
    files = (
        file for file in folder.rglob("*") if file.is_file() and not file.is_symlink() and ".venv" not in file.parts
    )
    return [file for file in files if any(secret in file.read_bytes() for secret in wanted)]


@pytest.mark.usefixtures("live_services")
@pytest.mark.timeout(900)  # it installs the tool first, as a runner does
class TestTheDeployJob:
    def test_it_deploys_and_sums_up(
        self, runner: Runner, contexts: dict[str, Any], secrets: dict[str, str], release: Release
    ) -> None:
        for tag, committed in ((FIRST, MONDAY), (SECOND, TUESDAY)):
            release("frontend", tag)
            runs = runner.job(DEPLOY, tagged(contexts, tag, committed))
            assert [run.code for run in runs] == [0, 0, 0, 0], said(runs)
            assert runs[2].outputs.splitlines() == ["url=https://behindy.me"]  # as the compose file here declares
            assert live_release("frontend") == tag
            outputs = dict(line.split("=", 1) for line in runs[3].outputs.splitlines())
            assert outputs["outcome"] == "live"
            assert outputs["digest"].startswith("sha256:")
            assert f"| release | `{outputs['release']}` |" in runs[3].summary
        assert not list((runner.folder / "home").glob(".ssh/*"))
        assert files_with(secrets, runner.folder) == []
        run = runs[-1]
        require_no_secret(run, secrets)
        assert not run.log.named("notice")
        titles = [message for _, message in run.log.named("group")]
        assert "Start frontend-green" in titles
        assert "Switch the names" in titles
        summary = run.summary
        assert f"frontend {SECOND} is live" in summary
        for words in ("| digest | `sha256:", "| release | `2", "from inside nginx: ", "rehearsal: ", "from outside: "):
            assert words in summary, summary
        assert "```mermaid\ngantt\n" in summary
        assert " MB \u2192 " in summary
        assert f"[the run that deployed it]({OWN}/actions/runs/4711)" in summary
        assert f"[its commit]({OWN}/commit/{FIRST})" in summary
        assert "https://github.com/team/behindy-ops/actions/workflows/rollback.yml" in summary
        assert "./inv deploy.rollback frontend --to 2" in summary

    def test_the_run_of_an_old_commit_started_again_leaves_the_newer_one(
        self, runner: Runner, contexts: dict[str, Any], secrets: dict[str, str], release: Release
    ) -> None:
        for tag, committed in ((FIRST, MONDAY), (SECOND, TUESDAY)):
            release("frontend", tag)
            when = ("--commit-time", committed, "--watch", "0")
            inv("deploy.frontend", "--tag", tag, *when).ok()
        *_, run = runner.job(DEPLOY, tagged(contexts, FIRST, MONDAY))
        assert run.code == 0, run.raw
        assert live_release("frontend") == SECOND
        assert "outcome=older" in run.outputs.splitlines()
        assert f"frontend {FIRST} is older than what is live; nothing changed" in run.summary
        require_no_secret(run, secrets)

    def test_the_host_is_not_given_the_token_that_may_push(
        self, runner: Runner, repository: Repository, release: Release
    ) -> None:
        release("frontend", BAD, "crash")
        before = live_release("frontend")
        less = {name: value for name, value in CALLER["secrets"].items() if name != "DOCKERHUB_PULL_TOKEN"}
        *_, run = runner.job(DEPLOY, tagged(given(repository, CALLER | {"secrets": less}), BAD))
        assert run.code == Kind.REGISTRY_REFUSED.exit_code, run.raw
        assert "The host pulls without a login" in str(run.log.named("notice"))
        assert live_release("frontend") == before

    def test_a_release_that_fails_is_explained(
        self, runner: Runner, contexts: dict[str, Any], secrets: dict[str, str], release: Release
    ) -> None:
        release("frontend", BAD, "crash")
        before = live_release("frontend")
        *_, run = runner.job(DEPLOY, tagged(contexts, BAD))
        assert run.code == 50, run.raw
        require_no_secret(run, secrets)
        ((properties, message),) = run.log.named("error")
        assert "release refused" in properties
        assert "frontend-green is not healthy" in message
        assert "State: " in message
        assert run.summary.startswith("### \u274c frontend")
        assert "cannot start: the fault 'crash' was ordered" in run.summary
        assert live_release("frontend") == before

    @pytest.mark.parametrize(
        ("moment", "stays"),
        [("::group::Pull ", False), ("::group::Check health from inside", False), ("::group::Check https", True)],
        ids=["before green starts", "before the switch", "after the switch"],
    )
    def test_cancelled_it_leaves_the_host_in_order(
        self,
        moment: str,
        stays: bool,
        runner: Runner,
        contexts: dict[str, Any],
        secrets: dict[str, str],
        release: Release,
    ) -> None:
        tag = release("frontend", THIRD if stays else BAD[:-1] + "e", boot_seconds=0.0 if stays else 4.0)
        before = live_release("frontend")
        *_, run = runner.job(DEPLOY, tagged(contexts, tag), cancel=("Deploy", moment))
        assert run.code == 130, run.raw
        require_no_secret(run, secrets)
        left = {name: state for name, state in containers().items() if name.startswith("frontend")}
        assert left.pop("frontend") == "running"
        assert set(left) <= ({"frontend-blue"} if stays else set())
        assert live_release("frontend") == (tag if stays else before)
        assert "interrupted" in run.log.named("error")[0][0]
        assert "interrupted" in run.summary
        lock = json.loads(inv("lock.status", "--json").ok().out)
        assert lock == {"hold": None, "lease": None}
        after = inv("deploy.frontend", "--tag", tag, "--watch", "0").ok()
        all_drained()
        assert containers()["frontend"] == "running", after.said
        assert "frontend-blue" not in containers()

    def test_rollback_and_a_look_at_the_host(
        self, runner: Runner, repository: Repository, secrets: dict[str, str], release: Release
    ) -> None:
        for tag in (FIRST, SECOND):
            inv("deploy.frontend", "--tag", release("frontend", tag), "--watch", "0").ok()
        runs = runner.job(ROLLBACK, of_ops(repository, service="frontend", to=""))
        assert runs[-1].code == 0, said(runs)
        assert live_release("frontend") == FIRST
        require_no_secret(runs[-1], secrets, masked=False)
        assert PASSPHRASE in runs[-1].log.masks
        assert f"frontend {FIRST} is live" in runs[-1].summary
        for task in ("status", "mem", "doctor", "recover"):
            runs = runner.job(OPS, of_ops(repository, task=task))
            # The doctor may find something to say of a sandbox on a busy machine.
            assert runs[-1].code in ((0, Kind.TROUBLE_FOUND.exit_code) if task == "doctor" else (0,)), said(runs)
            require_no_secret(runs[-1], secrets, masked=False)
            assert runs[-1].summary


LETS, KEPT = "/etc/letsencrypt", "/root/letsencrypt.kept"

ISSUING = f"""set -eu
docker rm --force certbot-made >/dev/null 2>&1 || :
docker create --name certbot-made "$(docker inspect --format '{{{{.Config.Image}}}}' nginx)" >/dev/null
tar -c -C "$1" usr opt | docker cp - certbot-made:/
docker commit --change 'ENTRYPOINT ["certbot"]' --change 'CMD []' certbot-made {CERTBOT} >/dev/null
docker rm certbot-made >/dev/null
cp -a {LETS} {KEPT}
rm -rf {LETS}/renewal {LETS}/live/behindy.me
"""
AS_BEFORE = f"""
rm -rf {LETS}/*; cp -a {KEPT}/. {LETS}/; rm -rf {KEPT} "$1"
docker rmi --force {CERTBOT} >/dev/null
docker exec nginx nginx -c /etc/nginx/behindy/nginx.conf -s reload
"""


@pytest.fixture
def no_certificate(live_services: None) -> Iterator[None]:
    """A host whose certificate is gone, and a stand-in for certbot and its authority; afterwards all is as before."""
    ca, key = make_authority()
    script = (ASSETS / "certbot" / "certbot.sh").read_bytes()
    at = on_host("mktemp", "-d")
    on_host("mkdir", "-p", f"{at}/usr/local/bin", f"{at}/opt")
    for path, content in (("usr/local/bin/certbot", script), ("opt/ca.pem", ca), ("opt/ca.key", key)):
        host.run(["sh", "-c", 'cat > "$1" && chmod 755 "$1"', "sh", f"{at}/{path}"], stdin=content)
    try:
        on_host("sh", "-c", ISSUING, "sh", at)
        yield
    finally:
        on_host("sh", "-c", AS_BEFORE, "sh", at)


@pytest.mark.usefixtures("no_certificate")
@pytest.mark.timeout(900)
def test_the_schedule_has_the_certificate_renewed_and_leaves_a_good_one(
    runner: Runner, repository: Repository, secrets: dict[str, str]
) -> None:
    contexts = of_ops(repository)
    contexts["vars"]["BEHINDY_CERTS_EMAIL"] = "kim@example.com"
    for said_of_it in ("none exists yet", "nothing to do"):
        runs = runner.job(CERTS, contexts | {"inputs": {}})  # a schedule has none
        assert runs[-1].name == "Renew"
        assert runs[-1].code == 0, said(runs)
        assert said_of_it in runs[-1].raw
        require_no_secret(runs[-1], secrets, masked=False)
        assert PASSPHRASE in runs[-1].log.masks
    assert on_host("test", "-L", f"{LETS}/live/behindy.me/fullchain.pem") == ""


def test_what_the_caller_does_not_pass_is_named_before_anything_is_done(runner: Runner, repository: Repository) -> None:
    less = {name: value for name, value in CALLER["secrets"].items() if name.startswith("DOCKERHUB")}
    (run,) = runner.job(DEPLOY, given(repository, CALLER | {"secrets": less}))
    assert run.code == 1
    ((_, message),) = run.log.named("error")
    assert "Missing or empty: BEHINDY_HOST BEHINDY_KNOWN_HOSTS BEHINDY_SSH_KEY." in message
    assert "The calling workflow has to pass each secret on by its name" in message


def test_a_secret_of_several_lines_where_one_is_meant_is_named_and_not_shown(
    runner: Runner, contexts: dict[str, Any], secrets: dict[str, str]
) -> None:
    several = {"DOCKERHUB_PULL_TOKEN": "first 비밀 line\nsecond line"}
    runs = runner.job(DEPLOY, contexts | {"secrets": contexts["secrets"] | several})
    assert runs[-1].code == 10, said(runs)
    assert "DOCKERHUB_TOKEN" in runs[-1].raw
    for line in ("first 비밀 line", "second line"):
        assert line not in runs[-1].raw + runs[-1].summary
