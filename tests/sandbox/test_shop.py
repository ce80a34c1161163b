"""The application of ``examples/shop`` from ``inv init`` on, by an installed wheel, on two hosts of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from behindy_ops.provision.recipes import CERTBOT
from sandbox.host import authority, images
from sandbox.host.bare import bare_host
from sandbox.host.docker_cli import docker
from sandbox.host.images import Part, builder
from sandbox.host.keys import make_authority
from sandbox.host.registry import Registry
from sandbox.traffic.generator import Stream, StreamKind, Traffic
from tests.sandbox.support import ROOT, Ran
from tests.wheel import Installed, install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.host.bare import BareHost

pytestmark = pytest.mark.timeout(1500)

EXAMPLE = ROOT / "examples" / "shop"
IMAGE = f"shop-{os.getpid()}/shop"
"""Of this run alone, for the engine of this machine is everybody's."""
DOMAIN, STAGING = "shop.example", "staging.shop.example"
BELOW = ("", "www.", "api.")
DEPLOYS = 10
BUYERS = (
    Stream("kept-alive", "web", "/", rate=20, concurrency=4),
    Stream("new connections", "web", "/", rate=5, concurrency=2, kind=StreamKind.NEW_CONNECTION),
    Stream("POST", "web", "/orders", rate=4, concurrency=2, kind=StreamKind.POST),
)


@dataclass(frozen=True)
class Place:
    """One of the shop's hosts; it is a ``Site`` for traffic."""

    host: BareHost
    ca_file: str
    domain: str

    @property
    def names(self) -> list[str]:
        return [f"{below}{self.domain}" for below in BELOW]

    @property
    def https(self) -> str:
        return f"https://127.0.0.1:{self.host.https}"

    def sh(self, line: str, user: str = "root") -> str:
        done = self.host.run("bash", "-c", line, user=user)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout.decode().strip()

    def ask(self, name: str = "") -> tuple[str, str]:
        """What a visitor of a name gets: the status with the headers, and the body."""
        name = name or self.domain
        argv = ["curl", "-sSi", "--noproxy", "*", "--cacert", self.ca_file, "-m", "20"]
        where = ["--connect-to", f"{name}:443:127.0.0.1:{self.host.https}", f"https://{name}/"]
        done = subprocess.run([*argv, *where], capture_output=True, text=True, timeout=30, check=True)
        head, _, body = done.stdout.replace("\r", "").partition("\n\n")
        return head, body

    def query(self, text: str) -> str:
        return self.sh(f"docker exec shop-db-1 psql -U shop -d shop -Atc '{text}'")


@dataclass(frozen=True)
class Shop:
    """The shop's folder, what is installed to deploy it, and its two hosts."""

    folder: Path
    installed: Installed
    production: Place
    staging: Place

    def inv(self, *words: str, timeout: float = 300) -> Ran:
        ran = self.installed.run("inv", *words, cwd=self.folder, timeout=timeout)
        return Ran(ran.code, ran.out, ran.err, 0.0)

    def deploy(self, service: str, tag: str, *words: str) -> Ran:
        return self.inv(f"deploy.{service}", "--from-local", tag, "--watch", "0", "--json", *words)

    def history(self, *words: str) -> list[dict[str, Any]]:
        return self.inv("deploy.history", "--json", *words).ok().events


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("of") / "shop"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    compose = folder / "compose.yaml"
    compose.write_text(compose.read_text().replace("ghcr.io/acme/shop", IMAGE))
    installed = install(tmp_path_factory.mktemp("wheel"))
    with ExitStack() as stack:
        build(folder)
        stack.callback(docker, "rmi", "--force", *(f"{IMAGE}:{tag}" for tag in ("v1", "v2", "broken")))
        hosts = [stack.enter_context(bare_host("trixie", each, print, second=each)) for each in (DOMAIN, STAGING)]
        production, staging = (furnished(*each, folder.parent) for each in zip(hosts, (DOMAIN, STAGING), strict=True))
        made = Shop(folder, installed, production, staging)
        write_settings(made)
        made.inv("init", "--domain", DOMAIN, "--yes").ok()
        (folder / "host.env").write_text("DB_PASS=0123456789abcdef\n")
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(set_up, made, *each) for each in ((production, ""), (staging, "staging"))]:
                done.result()
        yield made


def build(folder: Path) -> None:
    """Two releases, and one whose migration fails; what they are made of is in this machine's engine."""
    base = images.ensure(print)[Part.APP].name
    for tag in ("v1", "v2", "broken"):
        if tag == "broken":
            (folder / "migrations" / "003_broken.sql").write_text("ALTER TABLE nowhere ADD COLUMN name text;\n")
        words = ("--quiet", "--build-arg", f"BASE={base}", "--build-arg", f"RELEASE={tag}", "--tag", f"{IMAGE}:{tag}")
        docker("build", *words, str(folder), environment=builder(), timeout=300)
    (folder / "migrations" / "003_broken.sql").unlink()


def furnished(host: BareHost, domain: str, folder: Path) -> Place:
    """What the world has: the names lead to the host, and an authority that it believes signs for them."""
    ca, key = make_authority()
    file = folder / f"{domain}.pem"
    file.write_bytes(ca)
    place = Place(host, str(file), domain)
    place.sh(f"echo 127.0.0.1 {' '.join(place.names)} >>/etc/hosts; mkdir -p /usr/local/share/ca-certificates")
    assert host.run("tee", "/usr/local/share/ca-certificates/world.crt", stdin=ca).returncode == 0
    authority.put(Registry(host.registry), images.ensure(print), CERTBOT, ca, key)
    return place


def write_settings(shop: Shop) -> None:
    """The hosts; what their domains are, the project says."""
    for name, place in ((".env", shop.production), (".env.staging", shop.staging)):
        settings = place.host.settings()
        del settings["BEHINDY_IMAGE_PREFIX"]
        (shop.folder / name).write_text("".join(f"{key}={value}\n" for key, value in settings.items()))


def set_up(shop: Shop, place: Place, environment: str) -> None:
    """The commands of the README, and the first deploy."""
    chosen = ("--env", environment) if environment else ()
    key = place.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    shop.inv("host.trust", "--fingerprint", key, *chosen).ok()
    for words in (
        ("host.setup", "--yes"),
        ("env.push", "--yes"),
        ("host.sync", "--yes"),
        ("host.up", "--yes"),
        ("host.certs", "--yes", "--email", "ops@shop.example"),
    ):
        shop.inv(*words, *chosen, timeout=900).ok()
    shop.deploy("all", "v1", *chosen).ok()


def live(shop: Shop, *words: str) -> dict[str, tuple[str, str]]:
    """Tag and state of each service."""
    told = json.loads(shop.inv("deploy.status", "--json", *words).ok().out)
    return {each["service"]: (each["tag"], each["state"]) for each in told["services"]}


def on(shop: Shop, container: str) -> set[str]:
    """The networks of a container in production."""
    told = shop.production.sh(f"docker inspect -f '{{{{json .NetworkSettings.Networks}}}}' {container}")
    return set(json.loads(told))


def test_the_first_deploy_has_every_kind_of_service_run_at_every_name_of_either_host(shop: Shop) -> None:
    assert live(shop) == {"web": ("v1", "running"), "worker": ("v1", "running"), "report": ("v1", "scheduled")}
    for place in (shop.production, shop.staging):
        assert [place.ask(name)[1] for name in place.names] == ["the shop, v1\n"] * 3
    assert shop.inv("init", "--check").ok().out.startswith("Nothing is missing.")
    assert "web v1 running" in shop.inv("live").ok().out
    shared = shop.production.sh("docker network inspect shop_data --format '{{range .Containers}}{{.Name}} {{end}}'")
    assert "nginx" not in shared
    assert "shop-db-1" in shared
    assert "shop_orders" in shop.production.sh("docker volume ls -q").split()
    assert [on(shop, name) for name in ("worker", "report")] == [{"shop_data"}] * 2
    assert on(shop, "web") == {"shop_front", "shop_data"}
    shop.inv("ops.doctor").ok()  # a database that nginx cannot reach is no trouble


def test_a_one_off_of_a_worker_finds_what_the_worker_finds(shop: Shop) -> None:
    shop.inv("ops.run", "worker", "--", "getent", "hosts", "db").ok()
    assert shop.inv("ops.run", "worker", "--", "getent", "hosts", "shop-nginx-1").code == 2  # there is no such name
    shop.inv("ops.run", "web", "--", "getent", "hosts", "shop-nginx-1").ok()


def test_ten_deploys_under_traffic_lose_no_request_and_no_order(shop: Shop) -> None:
    before = int(shop.production.query("SELECT count(*) FROM orders"))
    with Traffic(shop.production, BUYERS, max_seconds=1200, max_requests=60_000) as traffic:
        traffic.wait_until_flowing()
        for number in range(DEPLOYS):
            shop.deploy("web", "v1" if number % 2 else "v2").ok()
        result = traffic.stop()
    assert result.lost == 0, result.losses[:3]
    posted = next(stream.good for stream in result.streams if stream.name == "POST")
    print(f"{result.sent} requests in {result.seconds:.0f} s, {posted} orders, {result.lost} lost")  # noqa: T201
    assert {seen.release for seen in result.seen} == {"v1", "v2"}
    assert int(shop.production.query("SELECT count(*) FROM orders")) - before == posted > 0
    shop.deploy("worker", "v2").ok()
    said = shop.production.sh("/usr/local/lib/behindy-ops/job-report", user="ubuntu")
    assert "ended well after" in said
    assert on(shop, "report-run") == on(shop, "worker") == {"shop_data"}
    assert f"{before + posted} orders, 0 of them wait" in shop.inv("ops.logs", "report-run").ok().out


def test_a_release_whose_migration_fails_is_refused_and_the_live_one_serves(shop: Shop) -> None:
    tag = live(shop)["web"][0]
    with Traffic(shop.production, BUYERS, max_seconds=300) as traffic:
        traffic.wait_until_flowing()
        ran = shop.deploy("web", "broken")
        result = traffic.stop()
    assert (ran.code, result.lost) == (50, 0), ran.said
    (failed,) = ran.named("failed")
    assert failed["what"] == "x-deploy.before of web failed: exit code 1."
    assert any('relation "nowhere" does not exist' in line for line in failed["lines"])
    assert live(shop)["web"] == (tag, "running")
    assert shop.production.query("SELECT name FROM migrations ORDER BY name").split() == [
        "001_orders.sql",
        "002_dealt_with.sql",
    ]


def test_a_rollback_leads_to_the_release_before(shop: Shop) -> None:
    tag = live(shop)["web"][0]
    other = "v2" if tag == "v1" else "v1"
    with Traffic(shop.production, BUYERS, max_seconds=300) as traffic:
        traffic.wait_until_flowing()
        shop.inv("deploy.rollback", "web", "--watch", "0", "--json").ok()
        result = traffic.stop()
    assert result.lost == 0, result.losses[:3]
    assert shop.production.ask()[1] == f"the shop, {other}\n"


def test_maintenance_closes_the_shop_at_each_of_its_names_and_opens_it_again(shop: Shop) -> None:
    shop.inv("deploy.maintenance", "web", "--on").ok()
    try:
        for name in shop.production.names:
            head, _ = shop.production.ask(name)
            assert head.split()[1] == "503"
            assert "\nretry-after: 120" in head.lower()
        assert live(shop)["web"][1] == "running"
    finally:
        shop.inv("deploy.maintenance", "web", "--off").ok()
    assert shop.production.ask()[0].split()[1] == "200"


def test_staging_is_another_host_and_nothing_of_it_reaches_production(shop: Shop) -> None:
    before, tags = shop.history(), live(shop)
    assert {entry["tag"] for entry in shop.history("--env", "staging")} == {"v1"}
    shop.deploy("web", "v2", "--env", "staging").ok()
    assert live(shop, "--env", "staging")["web"] == ("v2", "running")
    assert shop.staging.ask()[1] == "the shop, v2\n"
    assert (shop.history(), live(shop)) == (before, tags)
    certificate = shop.staging.sh(f"cat /etc/letsencrypt/live/{STAGING}/cert.pem").encode()
    extension = x509.load_pem_x509_certificate(certificate).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert extension.value.get_values_for_type(x509.DNSName) == shop.staging.names
    assert {entry.get("environment") for entry in before} == {None}
    assert {entry["environment"] for entry in shop.history("--env", "staging")} == {"staging"}


def test_an_environment_without_a_host_of_its_own_is_refused(shop: Shop) -> None:
    file = shop.folder / ".env.staging"
    kept = file.read_text()
    file.write_text("".join(line for line in kept.splitlines(True) if not line.startswith("BEHINDY_HOST=")))
    try:
        ran = shop.deploy("web", "v1", "--env", "staging")
    finally:
        file.write_text(kept)
    assert ran.code == 10, ran.said
    assert "BEHINDY_HOST: staging names no host of its own" in ran.said
