"""A host that is not ready, an image that cannot be had: each has its own error and exit code, and changes nothing."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from sandbox.host import shell as host
from sandbox.host.info import SandboxInfo
from tests.sandbox.ops_support import image_archive
from tests.sandbox.support import (
    ROOT,
    SERVICES,
    Ran,
    command_lines,
    deploy,
    environment,
    inv,
    live_release,
    on_host,
    wait_for,
)

Release = Callable[..., str]
HOME = "/home/ubuntu/behindy-ops"


@contextlib.contextmanager
def broken(breaks: str, mends: str) -> Iterator[None]:
    """Break the host by a shell line, and mend it whatever happens."""
    on_host("sh", "-c", breaks)
    try:
        yield
    finally:
        on_host("sh", "-c", mends)


def identities() -> str:
    return on_host("sh", "-c", "docker ps -aq --no-trunc | sort", check=False)


def refused(code: int, *said: str, service: str = "frontend", tag: str = "other", **changes: str) -> Ran:
    """A deploy that is refused with this exit code, says these words and the state, and leaves no new container."""
    before = identities()
    ran = deploy(service, tag, **changes)
    assert ran.code == code, ran.said
    error = ran.named("failed")[0]
    for words in said:
        assert words in f"{error['what']} {error['remedy']}", ran.said
    assert error["state"]
    assert error["remedy"]
    assert identities() == before
    return ran


COMPOSE = f"cd {HOME}/compose && su ubuntu -c"


@pytest.mark.usefixtures("live_services")
class TestAHostThatIsNotReady:
    def test_nginx_stopped(self) -> None:
        with broken("docker kill nginx", "docker start nginx"):
            refused(32, "not running")

    def test_nginx_missing(self) -> None:
        with broken("docker rename nginx nginx-away", "docker rename nginx-away nginx"):
            refused(32, "no nginx container")

    @pytest.mark.parametrize(
        "breaks",
        [
            "sed -i 's/[0-9a-f]\\{64\\}/another/' rehearsal/header rehearsal/map.conf",
            "sed -i 's/ .*/ another/' rehearsal/header",
        ],
        ids=["nginx has not loaded it", "its two files differ"],
    )
    def test_a_rehearsal_token_that_nginx_does_not_know(self, breaks: str) -> None:
        mends = f"cp -p {HOME}/token.away/* {HOME}/rehearsal/; rm -r {HOME}/token.away"
        with broken(f"cd {HOME} && cp -rp rehearsal token.away && {breaks}", mends):
            refused(32, "nginx does not know the host's rehearsal token", "inv host.setup")

    def test_no_env_file(self) -> None:
        with broken(f"mv {HOME}/.env {HOME}/env.away", f"mv {HOME}/env.away {HOME}/.env"):
            refused(33, ".env", "inv env.push")

    def test_a_name_missing_in_the_env_file(self) -> None:
        with broken(
            f"cp -p {HOME}/.env {HOME}/env.away; sed -i '/^JWT_SECRET=/d' {HOME}/.env",
            f"mv {HOME}/env.away {HOME}/.env",
        ):
            refused(33, "JWT_SECRET", service="backend")

    def test_a_host_directory_that_is_not_there_is_not_made(self) -> None:
        refused(34, "BEHINDY_HOST_DIR", BEHINDY_HOST_DIR="nowhere")
        assert on_host("ls", "/home/ubuntu/nowhere", check=False) == ""

    def test_a_compose_file_that_is_not_valid(self) -> None:
        file = f"{HOME}/compose/docker-compose.yml"
        with broken(f"cp -p {file} {file}.away; echo ' bad: [' >> {file}", f"mv {file}.away {file}"):
            refused(35, "compose file")

    def test_an_nginx_that_does_not_listen_where_the_backend_is_to_ask_it(self) -> None:
        conf, reload = f"{HOME}/nginx/nginx.conf", "docker exec nginx nginx -c /etc/nginx/behindy/nginx.conf -s reload"
        with broken(
            f"cp -p {conf} {conf}.away; sed /internal.conf/d {conf}.away >{conf}; {reload}",
            f"cp {conf}.away {conf}; rm {conf}.away; {reload}",
        ):
            asking = "until ! docker exec nginx curl -so /dev/null http://nginx:8000/; do sleep 0.1; done"
            on_host("sh", "-c", asking)
            refused(32, "backend is to ask http://nginx:8000", "inv host.sync, then inv host.up", service="backend")
            findings = json.loads(inv("ops.doctor", "--json").out)["findings"]
            assert [one["subject"] for one in findings if one["name"] == "nginx inside"] == ["backend"]

    def test_a_user_who_may_not_use_docker(self) -> None:
        with broken("gpasswd -d ubuntu docker", "gpasswd -a ubuntu docker"):
            refused(30, "may not use Docker", "inv host.setup")

    def test_an_engine_that_does_not_answer(self) -> None:
        with broken("mv /var/run/docker.sock /var/run/docker.away", "mv /var/run/docker.away /var/run/docker.sock"):
            ran = deploy("frontend", "other")
        assert ran.code == 30, ran.said
        assert "not responding" in ran.err

    def test_no_compose_plugin(self) -> None:
        plugin = "/usr/libexec/docker/cli-plugins/docker-compose"
        with broken(f"mv {plugin} {plugin}.away", f"mv {plugin}.away {plugin}"):
            refused(30, "Compose v2 is not installed")


@contextlib.contextmanager
def scarce_memory() -> Iterator[None]:
    """The live frontend holds 300 MB more, and something else on the host takes all but some 270 MB of the rest."""
    before = memory("MemAvailable")
    on_host("docker", "exec", "-d", "frontend", "sh", "-c", "(head -c 300m /dev/zero; sleep 300) | tail >/dev/null")
    try:
        wait_for(lambda: memory("MemAvailable") < before - 250, 30, "that frontend holds 300 MB")
        size = memory("MemAvailable") - 270
        with balloon(size):
            yield
    finally:
        on_host("docker", "restart", "-t", "2", "frontend")


@contextlib.contextmanager
def balloon(megabytes: int) -> Iterator[None]:
    """Something on the host holds so much memory."""
    before = memory("MemAvailable")
    script = f"echo $$ > /run/balloon.pid; (head -c {megabytes}m /dev/zero; exec sleep 300) | exec tail > /dev/null"
    on_host("setsid", "-f", "bash", "-c", script)
    try:
        wait_for(lambda: memory("MemAvailable") < before - megabytes + 40, 60, f"that the balloon holds {megabytes} MB")
        yield
    finally:
        on_host("bash", "-c", 'kill -- "-$(cat /run/balloon.pid)"')
        wait_for(lambda: memory("MemAvailable") > before - 100, 30, "that the balloon is gone")


def memory(name: str) -> int:
    """A figure of the host's /proc/meminfo, in megabytes."""
    return int(on_host("awk", f'$1 == "{name}:" {{print $2}}', "/proc/meminfo")) // 1024


@pytest.mark.usefixtures("live_at_v1")
def test_a_candidate_that_does_not_fit_beside_the_live_one_is_refused_and_can_take_its_place(release: Release) -> None:
    for tag in ("v1", "v2"):
        release("frontend", tag)
    with scarce_memory():
        ran = refused(36, "does not fit", "--strategy recreate", tag="v2")
        assert "a deploy of frontend needs about 3" in ran.named("failed")[0]["what"]
        checked = inv("deploy.check", "frontend", "--tag", "v2", "--json")
        assert checked.code == 36, checked.said
        memory_check = next(
            each for each in json.loads(checked.out)["services"][0]["checks"] if each["name"] == "memory"
        )
        assert (checked.code, memory_check["level"]) == (36, "refusal")
        recreated = deploy("frontend", "v2", "--strategy", "recreate").ok()
        assert "Downtime begins" in recreated.out
        assert live_release("frontend") == "v2"
    deploy("frontend", "v1").ok()


@pytest.mark.usefixtures("live_services")
def test_a_published_port_and_broken_nginx_files_are_refused() -> None:
    compose, site = f"{HOME}/compose/docker-compose.yml", f"{HOME}/nginx/site.conf"
    port = '/^  frontend:/a\\    ports: ["3000:3000"]'
    with broken(f"cp -p {compose} {compose}.away; sed -i '{port}' {compose}", f"mv {compose}.away {compose}"):
        refused(35, "publishes port 3000")
    with broken(f"cp -p {site} {site}.away; echo 'nonsense on;' >> {site}", f"mv {site}.away {site}"):
        refused(32, "not valid")


@pytest.mark.usefixtures("live_services")
def test_a_host_that_is_ready_says_so_with_the_figures(release: Release) -> None:
    tag = release("frontend", "v1")
    ran = inv("deploy.check", "frontend", "--tag", tag).ok()
    assert "MB available: fits" in " ".join(ran.out.split())
    assert "frontend: ready" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert inv("deploy.check", "frontend", "--tag", "no-such-tag").code == 40


@pytest.mark.usefixtures("live_services")
def test_an_image_that_does_not_exist() -> None:
    refused(40, "There is no image", "--tag", tag="no-such-tag")


@pytest.mark.usefixtures("live_services")
def test_an_image_for_another_architecture_is_refused_before_anything_is_started() -> None:
    name = "localhost:5000/behindy/behindy-frontend:arm"
    mine = on_host("docker", "version", "--format", "{{.Server.Arch}}")
    other = "amd64" if mine == "arm64" else "arm64"
    host.run(["docker", "load"], stdin=image_archive([name], other))
    on_host("sh", "-c", f"docker push -q {name}; docker rmi {name}")
    refused(40, f"is built for {other}, and the host is {mine}", tag="arm")
    checked = inv("deploy.check", "frontend", "--tag", "arm")
    assert checked.code == 40, checked.said
    assert f"built for {other}" in " ".join(checked.out.split())


@pytest.mark.usefixtures("live_services")
def test_a_registry_that_does_not_answer() -> None:
    refused(42, "does not answer the host", BEHINDY_IMAGE_PREFIX="localhost:5999/behindy")


TOKEN = "t0ken-$with 'quotes\" and ümlaut"


@pytest.fixture
def private_registry(sandbox: SandboxInfo, release: Release) -> Iterator[str]:
    """A registry beside the usual one that asks for a login; it has frontend:private."""
    release("frontend", "private")
    host.run(["sandbox-registry-auth", "me"], stdin=TOKEN.encode())
    yield "localhost:5001/behindy"
    host.run(["sandbox-registry-auth", "--stop"])


@pytest.mark.usefixtures("live_services")
def test_a_registry_that_refuses_and_a_login_that_leaves_nothing_behind(
    private_registry: str, sandbox: SandboxInfo
) -> None:
    ran = refused(41, "refused to give", tag="private", BEHINDY_IMAGE_PREFIX=private_registry)
    assert "DOCKERHUB_TOKEN" in ran.err
    login = {
        "BEHINDY_IMAGE_PREFIX": private_registry,
        "BEHINDY_REGISTRY": "localhost:5001",
        "DOCKERHUB_USERNAME": "me",
    }
    refused(41, "refused the login", tag="private", DOCKERHUB_TOKEN="wrong", **login)
    with command_lines(sandbox.container) as seen:
        ran = deploy("frontend", "private", DOCKERHUB_TOKEN=TOKEN, **login)
    processes = "".join(seen)
    ran.ok()
    assert "docker login" in processes
    for text in (processes, ran.said):
        assert TOKEN not in text
        assert "t0ken" not in text
    assert "5001" not in on_host("cat", "/home/ubuntu/.docker/config.json", user="ubuntu", check=False)
    assert live_release("frontend") == "private"


@pytest.mark.usefixtures("live_services")
def test_a_dry_run_is_refused_for_the_same_reasons() -> None:
    with broken("docker kill nginx", "docker start nginx"):
        ran = inv("deploy.frontend", "--tag", "other", "--dry-run")
    assert ran.code == 32, ran.said


@pytest.mark.usefixtures("live_services")
def test_without_a_terminal_and_with_no_color_there_is_no_escape_sequence(release: Release) -> None:
    tag = live_release("frontend")
    plain = subprocess.run(
        [sys.executable, "-m", "invoke", "deploy.frontend", "--tag", tag],
        cwd=ROOT, env=environment(NO_COLOR="1"), stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert b"\x1b" not in plain.stdout + plain.stderr
    assert b"already live" in plain.stdout


@pytest.mark.usefixtures("live_services")
def test_the_status_as_json_has_its_documented_shape() -> None:
    services = json.loads(inv("deploy.status", "--json").ok().out)["services"]
    assert [one["service"] for one in services] == list(SERVICES)
    assert {
        "state",
        "health",
        "release",
        "tag",
        "digest",
        "since",
        "memory_used",
        "memory_limit",
        "previous",
        "leftover",
    } <= set(services[0])


@pytest.mark.usefixtures("live_services")
def test_a_network_that_is_missing() -> None:
    apps = "frontend backend llmserver"  # docker cannot put them on a network of the same name made anew
    with broken(
        f"docker rm -f {apps}; {COMPOSE} 'docker compose down' >/dev/null 2>&1;"
        " ! docker network inspect behindy-ops_internal",
        f"{COMPOSE} 'docker compose up -d --wait' 2>&1",
    ):
        refused(31, "behindy-ops_internal", "inv host.up")
