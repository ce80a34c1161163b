"""A bare Debian with sshd becomes a host with three live services; then its files are changed, well and badly."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from behindy_ops.facts.timers import PROGRAMS
from sandbox.host.bare import DAEMON
from sandbox.traffic.generator import Traffic, for_service
from tests.sandbox.bare import DOMAIN, HOME, Bare, bare, curl_from_here, from_nothing_to_three_services
from tests.sandbox.strangers import MARK
from tests.sandbox.support import ROOT, SERVICES, inv, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.host.info import SandboxInfo

pytestmark = pytest.mark.timeout(600)
TWICE = ("host.trust", "host.setup", "env.push", "host.sync", "host.up", "host.certs", "deploy.all", "host.check")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    with bare("trixie", tmp_path_factory.mktemp("bare")) as host:
        from_nothing_to_three_services(host)
        yield host


@pytest.fixture
def edited(drafted: Path, made: Bare) -> Iterator[Path]:
    """The same, for changes that reach the host; afterwards it is as it was, too."""
    yield drafted
    restore(made.project)
    made.inv("host.sync", "--yes").ok()
    made.inv("host.up", "--yes").ok()


@pytest.fixture
def drafted(made: Bare) -> Iterator[Path]:
    """The copy of the checkout, to be changed; afterwards it is as it was."""
    yield made.project
    restore(made.project)


def restore(project: Path) -> None:
    for folder in ("compose", "nginx"):
        for file in (project / folder).rglob("*"):
            if not (ROOT / file.relative_to(project)).exists():
                file.unlink()
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and file.name != ".env":
                (project / file.relative_to(ROOT)).write_bytes(file.read_bytes())


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, old
    file.write_text(text.replace(old, new))


class TestFromNothing:
    def test_three_services_are_live_and_answer_with_a_certificate_that_is_believed(self, made: Bare) -> None:
        assert set(SERVICES) <= set(made.sh("docker ps --format '{{.Names}}'").split())
        assert "frontend" in curl_from_here(made, "/")

    @pytest.mark.parametrize("name", TWICE)
    def test_a_command_that_is_run_again_ends_well_and_changes_nothing(self, made: Bare, name: str) -> None:
        assert made.again[name].code == 0, made.again[name].said
        assert made.changed[name] == ""

    @pytest.mark.parametrize("name", ["host.setup", "host.sync", "host.up", "host.certs"])
    def test_it_says_that_there_is_nothing_to_do(self, made: Bare, name: str) -> None:
        assert "nothing to do" in made.again[name].out

    def test_the_check_of_a_bare_host_names_what_is_missing_and_its_cure(self, made: Bare) -> None:
        ran = made.first["bare"]
        assert ran.code == 30
        told = json.loads(ran.out)
        assert told["ready"] is False
        missing = {one["problem"]: one["remedy"] for one in told["checks"] if one["level"] == "refusal"}
        remedies = {
            "tool missing": "inv host.setup",
            "no certificate authorities": "inv host.setup",
            "docker missing": "inv host.setup",
            "compose missing": "inv host.setup",
            "directories not prepared": "inv host.setup",
            "no environment file": "inv env.push",
            "files missing": "inv host.sync",
        }
        assert missing.keys() == remedies.keys()
        assert all(command in missing[problem] for problem, command in remedies.items())
        assert json.loads(made.first["host.check"].out)["ready"] is True

    def test_what_the_administrator_had_set_for_docker_is_still_there(self, made: Bare) -> None:
        there = json.loads(made.sh("cat /etc/docker/daemon.json"))
        log = {"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}
        assert there == {**DAEMON, **log, "live-restore": True}
        assert made.sh("stat -c '%a %U' /etc/docker/daemon.json") == "600 root"
        assert json.loads(made.sh("cat /etc/docker/daemon.json.behindy-*")) == DAEMON

    def test_the_directories_are_for_the_login_alone(self, made: Bare) -> None:
        names = ("", "/state", "/rehearsal", "/rehearsal/header", "/.env")
        modes = made.sh(f"stat -c %a {' '.join(HOME + name for name in names)}").split()
        assert modes == ["750", "700", "700", "600", "600"]
        assert made.sh(f"readlink {HOME}/compose/.env") == "../.env"

    def test_the_rehearsal_token_was_made_on_the_host_and_is_never_shown(self, made: Bare) -> None:
        token = made.sh(f"cat {HOME}/rehearsal/header").removeprefix("X-Behindy-Rehearsal: ")
        assert len(token) == 64
        assert not any(token in ran.said for ran in (*made.first.values(), *made.again.values()))

    def test_what_lies_where_the_setup_writes_is_as_before_and_was_not_shown(self, made: Bare) -> None:
        assert [len(strangers.planted) > 4 for strangers in made.around] == [True] * 4
        assert [strangers.missing() for strangers in made.around] == [[]] * 4
        assert not any(MARK in ran.said for ran in (*made.first.values(), *made.again.values()))

    def test_security_updates_install_themselves(self, made: Bare) -> None:
        assert made.sh("apt-config dump APT::Periodic::Unattended-Upgrade") == 'APT::Periodic::Unattended-Upgrade "1";'


class TestFilesThatAreBad:
    """They are refused while users go on being served, and nothing on the host is another than before."""

    def refused(self, made: Bare, code: int) -> str:
        before = made.fingerprint()
        with Traffic(made, for_service("frontend"), max_seconds=60) as traffic:
            traffic.wait_until_flowing()
            ran = made.inv("host.sync", "--yes")
            seen = traffic.snapshot().sent
            result = traffic.stop()
        assert ran.code == code, ran.said
        assert result.lost == 0, result.losses[:3]
        assert result.sent >= seen > 50
        assert made.fingerprint() == before
        return ran.err

    def test_a_broken_nginx_file(self, made: Bare, drafted: Path) -> None:
        replace(drafted / "nginx" / "site.conf", "http2 on;\n    server_name", "http2 maybe;\n    server_name")
        said = self.refused(made, 81)
        lines = (drafted / "nginx" / "site.conf").read_text().splitlines()
        assert f"/etc/nginx/behindy/site.conf:{lines.index('    http2 maybe;') + 1}" in said
        assert "Nothing changed" in said

    def test_an_nginx_file_that_names_a_service_when_it_loads(self, made: Bare, drafted: Path) -> None:
        """It would start only while that service runs, and keep its address for ever."""
        with (drafted / "nginx" / "maps.conf").open("a") as file:
            file.write("upstream old { server frontend:3000; }\n")
        assert "host not found in upstream" in self.refused(made, 81)

    def test_a_compose_file_that_compose_refuses(self, made: Bare, drafted: Path) -> None:
        replace(drafted / "compose" / "docker-compose.yml", "container_name: postgres", "container_nam: postgres")
        assert "container_nam" in self.refused(made, 35)

    def test_a_compose_file_that_is_no_yaml(self, made: Bare, drafted: Path) -> None:
        with (drafted / "compose" / "docker-compose.yml").open("a") as file:
            file.write(" bad: [\n")
        assert made.inv("host.sync", "--yes").code == 35


class TestFilesThatAreGood:
    def test_a_dry_run_shows_the_difference_tries_the_files_and_changes_nothing(
        self, made: Bare, drafted: Path
    ) -> None:
        replace(drafted / "nginx" / "custom" / "robots.conf", "Disallow: /api/", "Disallow: /")
        before = made.fingerprint()
        ran = made.inv("host.sync", "--dry-run").ok()
        assert '-    return 200 "User-agent: *\\nDisallow: /api/\\n";' in ran.out.splitlines()
        assert '+    return 200 "User-agent: *\\nDisallow: /\\n";' in ran.out.splitlines()
        assert "1 file differs: +1 -1 lines." in ran.out
        assert "The files are valid. Nothing changed." in ran.out
        assert made.fingerprint() == before

    def test_a_directory_that_nginx_wants_and_is_not_there_is_made_by_the_login(self, made: Bare, edited: Path) -> None:
        """Docker would make it as root, and then host.setup could not narrow it."""
        replace(edited / "nginx" / "custom" / "robots.conf", "Disallow: /api/", "Disallow: /")
        made.sh(f"mv {HOME}/rehearsal {HOME}/aside")
        try:
            made.inv("host.sync", "--dry-run").ok()
            assert made.sh(f"stat -c '%a %U' {HOME}/rehearsal") == "700 ubuntu"
        finally:
            made.sh(f"rmdir {HOME}/rehearsal; mv {HOME}/aside {HOME}/rehearsal")

    def test_without_a_yes_and_without_a_terminal_nothing_is_changed(self, made: Bare, drafted: Path) -> None:
        replace(drafted / "nginx" / "custom" / "robots.conf", "Disallow: /api/", "Disallow: /")
        before = made.fingerprint()
        assert made.inv("host.sync").code == 2
        assert made.fingerprint() == before

    def test_a_changed_nginx_file_is_served_at_once_by_the_same_container(self, made: Bare, edited: Path) -> None:
        container = made.sh("docker inspect --format '{{.Id}} {{.State.StartedAt}}' nginx")
        replace(edited / "nginx" / "custom" / "robots.conf", "Disallow: /api/", "Disallow: /changed/")
        (edited / "nginx" / "more.conf").write_text("# one more file\n")
        ran = made.inv("host.sync", "--yes").ok()
        assert "nginx reloaded" in ran.out
        assert "/changed/" in made.answers("/robots.txt")
        assert made.sh("docker inspect --format '{{.Id}} {{.State.StartedAt}}' nginx") == container
        assert made.sh("docker exec nginx cat /etc/nginx/behindy/more.conf") == "# one more file"
        (edited / "nginx" / "more.conf").unlink()
        made.inv("host.sync", "--yes").ok()
        assert made.sh(f"ls {HOME}/nginx") == made.sh(
            f"ls {HOME}/nginx/live/nginx | cat - <(echo live; echo versions) | sort"
        )

    def test_nginx_is_left_alone_when_only_the_compose_file_changed(self, made: Bare, edited: Path) -> None:
        workers = "cat /proc/$(docker inspect --format '{{.State.Pid}}' nginx)/task/*/children"
        before = made.sh(workers)
        with (edited / "compose" / "docker-compose.yml").open("a") as file:
            file.write("# a remark\n")
        ran = made.inv("host.sync", "--yes").ok()
        assert "reloaded" not in ran.out
        assert made.sh(workers) == before
        assert made.sh(f"tail -n 1 {HOME}/compose/docker-compose.yml") == "# a remark"
        assert "nothing to do" in made.inv("host.up").ok().out

    def test_three_versions_are_kept(self, made: Bare, edited: Path) -> None:
        old = " ".join(f"2020010{day}-000000-00000000" for day in range(1, 6))
        made.sh(f"cd {HOME}/nginx/versions && mkdir -p {old} && for old in {old}; do :>$old/files; done", user="ubuntu")
        with (edited / "compose" / "docker-compose.yml").open("a") as file:
            file.write("# newer\n")
        live = made.sh(f"basename $(readlink {HOME}/nginx/live)")
        made.inv("host.sync", "--yes").ok()
        versions = made.sh(f"cd {HOME}/nginx/versions && ls -d */").replace("/", "").split()
        assert len(versions) == 3
        assert live in versions
        assert made.sh(f"readlink {HOME}/nginx/live") == f"versions/{max(versions)}"

    def test_files_put_there_by_hand_are_taken_over_without_touching_nginx(self, made: Bare, edited: Path) -> None:
        """As rsync left them on a host that was set up before there was host.sync."""
        container = made.sh("docker inspect --format '{{.Id}} {{.State.StartedAt}}' nginx")
        by_hand = (
            f"set -e; cd {HOME}; copy=$(mktemp -d); cp -aL nginx/live/compose nginx/live/nginx $copy/; rm -rf nginx/*;"
            " rm compose/docker-compose.yml compose/.env.example compose/java.security;"
            " cp -a $copy/compose $copy/nginx .; rm -rf $copy;"
            " echo '# by hand' > nginx/extra.conf"
        )
        made.sh(by_hand, user="ubuntu")
        replace(edited / "nginx" / "custom" / "robots.conf", "Disallow: /api/", "Disallow: /taken-over/")
        with Traffic(made, for_service("frontend"), max_seconds=60) as traffic:
            traffic.wait_until_flowing()
            ran = made.inv("host.sync", "--yes").ok()
            new_connections = next(one for one in traffic.stop().streams if "new" in one.name)
        assert "Not ours, left alone: nginx/extra.conf" in ran.out
        assert "/taken-over/" in made.answers("/robots.txt")
        assert new_connections.good > 0
        assert made.sh("docker inspect --format '{{.Id}} {{.State.StartedAt}}' nginx") == container
        assert "/api/" in made.sh(f"cat {HOME}/nginx/versions/*.before/nginx/site.conf")
        assert made.sh(f"cat {HOME}/nginx/extra.conf; rm {HOME}/nginx/extra.conf") == "# by hand"

    def test_what_others_have_there_is_never_shown_moved_or_removed(self, made: Bare, edited: Path) -> None:
        """A key, uploads of a container that runs, and a name that is not ASCII."""
        theirs = "nginx/ssl compose/uploads compose/ä.txt"
        look = f"cd {HOME} && find {theirs} -printf '%p %i %m %u %T@\\n' -type f -exec cat {{}} +"
        made.sh(
            f"cd {HOME} && mkdir -p nginx/ssl compose/uploads && chmod 700 nginx/ssl && echo a > compose/ä.txt"
            " && tee nginx/ssl/privkey.pem compose/uploads/a.txt <<<s3cret"
            f" && docker run -d --name uploads -v {HOME}/compose/uploads:/uploads $(docker images -q nginx | head -n 1)"
        )
        try:
            before = made.sh(look)
            ran = [made.inv("host.sync", "--dry-run").ok()]
            for number in range(5):
                with (edited / "nginx" / "limits.conf").open("a") as file:
                    file.write(f"# {number}\n")
                ran.append(made.inv("host.sync", "--yes").ok())
            assert made.sh(look) == before
            assert made.sh("docker exec uploads cat /uploads/a.txt") == "s3cret"
        finally:
            made.sh(f"docker rm -f uploads; cd {HOME} && rm -r {theirs}")
        assert all("left alone: compose/uploads, compose/ä.txt, nginx/ssl" in one.out for one in ran)
        assert not any("s3cret" in one.said for one in ran)

    def test_what_an_interrupted_run_left_unloaded_is_loaded(self, made: Bare) -> None:
        made.sh(f"rm {HOME}/nginx/versions/loaded; touch -h -d '+2 seconds' {HOME}/nginx/live", user="ubuntu")
        assert "nginx reloaded" in made.inv("host.sync").ok().out
        assert "nothing to do" in made.inv("host.sync").ok().out

    def test_it_is_refused_while_somebody_holds_the_host(self, made: Bare, drafted: Path) -> None:
        replace(drafted / "nginx" / "custom" / "robots.conf", "Disallow: /api/", "Disallow: /")
        before = made.fingerprint()
        made.inv("lock.acquire", "--message", "looking").ok()
        try:
            assert made.inv("host.sync", "--yes").code == 20
        finally:
            made.inv("lock.release").ok()
        assert made.fingerprint() == before


class TestContainersOfCompose:
    def test_the_database_is_replaced_only_after_a_yes_and_keeps_its_data(self, made: Bare, edited: Path) -> None:
        query = 'docker exec postgres psql -qtA -U behindy behindy -c "{}"'
        made.sh(query.format("create table kept as select 42 as answer"))
        database = made.sh("docker inspect --format '{{.Id}}' postgres")
        replace(edited / "compose" / "docker-compose.yml", "max_connections=60", "max_connections=61")
        made.inv("host.sync", "--yes").ok()
        refused = made.inv("host.up")
        assert refused.code == 2
        assert "replace db, since its configuration changed: PostgreSQL is down for a few seconds" in refused.out
        assert made.sh("docker inspect --format '{{.Id}}' postgres") == database
        made.inv("host.up", "--yes").ok()
        assert made.sh("docker inspect --format '{{.Id}}' postgres") != database
        assert made.sh(query.format("select answer from kept")) == "42"
        assert "nothing to do" in made.inv("host.up").ok().out

    @pytest.mark.parametrize("place", ["../data/other", "pgdata"])
    def test_the_database_is_never_put_on_another_place(self, made: Bare, edited: Path, place: str) -> None:
        """It would start on an empty one, report healthy, and users would write into it."""
        query = 'docker exec postgres psql -qtA -U behindy behindy -c "{}"'
        made.sh(query.format("create table if not exists rows as select 7 as answer"))
        database = made.sh("docker inspect --format '{{.Id}}' postgres")
        compose = edited / "compose" / "docker-compose.yml"
        compose.write_text(compose.read_text().replace("\nvolumes:\n", "\nvolumes:\n  pgdata: {}\n"))
        made.inv("host.sync", "--yes").ok()
        made.sh(f"cp -p {HOME}/.env /tmp/kept.env && echo BEHINDY_DB_DATA={place} >> {HOME}/.env", user="ubuntu")
        try:
            ran = made.inv("host.up", "--yes")
            assert made.sh("docker inspect --format '{{.Id}}' postgres") == database
            assert made.sh(query.format("select answer from rows")) == "7"
        finally:
            made.sh(f"cp -p /tmp/kept.env {HOME}/.env", user="ubuntu")
        assert ran.code == 30
        assert f"The data of db is on {HOME}/data/postgres" in ran.err
        assert "BEHINDY_DB_DATA" in ran.err
        assert ("sudo cp -a" in ran.err) == place.startswith("..")

    def test_the_database_is_never_replaced_by_another_major_version(self, made: Bare, edited: Path) -> None:
        database = made.sh("docker inspect --format '{{.Id}}' postgres")
        replace(edited / "compose" / "docker-compose.yml", "max_connections=60", "max_connections=62")
        made.inv("host.sync", "--yes").ok()
        version = f"{HOME}/data/postgres/PG_VERSION"
        real = made.sh(f"cat {version}; echo 9 > {version}")
        try:
            ran = made.inv("host.up", "--yes")
        finally:
            made.sh(f"echo {real} > {version}")
        assert ran.code == 30, ran.said
        assert f"The data is of PostgreSQL 9; postgres:15 brings {real}" in ran.err
        assert made.sh("docker inspect --format '{{.Id}}' postgres") == database

    def test_nothing_in_the_hosts_environment_changes_which_services_are_meant(self, made: Bare) -> None:
        before = made.fingerprint()
        names = made.sh("docker ps --format '{{.Names}}' | sort")
        meant = {
            "COMPOSE_PROFILES": "apps",
            "COMPOSE_PROJECT_NAME": "other",
            "COMPOSE_FILE": "/nonexistent.yml",
            "COMPOSE_REMOVE_ORPHANS": "1",
            "COMPOSE_DISABLE_ENV_FILE": "1",
        }
        lines = "".join(f"{name}={value}\\n" for name, value in meant.items())
        made.sh(f"cp -p {HOME}/.env /tmp/kept.env && printf '{lines}' >> {HOME}/.env", user="ubuntu")
        try:
            assert "nothing to do" in made.inv("host.up").ok().out
            made.inv("deploy.check").ok()
            made.inv("host.sync", "--dry-run").ok()
        finally:
            made.sh(f"cp -p /tmp/kept.env {HOME}/.env", user="ubuntu")
        assert made.sh("docker ps --format '{{.Names}}' | sort") == names
        assert made.fingerprint() == before

    def test_a_container_that_stopped_is_started_and_the_others_stay(self, made: Bare) -> None:
        others = made.sh("docker inspect --format '{{.State.StartedAt}}' postgres nginx")
        made.sh("docker stop -t 1 redis")
        made.inv("host.up").ok()
        assert made.sh("docker inspect --format '{{.State.Health.Status}}' redis") == "healthy"
        assert made.sh("docker inspect --format '{{.State.StartedAt}}' postgres nginx") == others

    def test_a_name_that_another_container_has_is_refused(self, made: Bare) -> None:
        made.sh("docker rename redis away && docker create --name redis redis:7-alpine")
        try:
            ran = made.inv("host.up", "--yes")
        finally:
            made.sh("docker rm redis && docker rename away redis")
        assert ran.code == 30
        assert "Compose did not create the container redis" in ran.err


class TestTheRehearsalToken:
    """nginx keeps what it has loaded: a token that is made is known to it only once it is told."""

    @pytest.mark.parametrize(
        ("breaks", "does"),
        [
            ("rm rehearsal/header", "Reload nginx"),
            (f"sed -i 's/[0-9a-f]\\{{64\\}}/{'5' * 64}/' rehearsal/header rehearsal/map.conf", "Reload nginx"),
            ("rm -r rehearsal", "Restart nginx"),
        ],
        ids=["a file is missing", "changed and never loaded", "the directory was replaced"],
    )
    def test_setup_has_nginx_load_one_that_it_does_not_know(self, made: Bare, breaks: str, does: str) -> None:
        made.sh(f"cd {HOME} && {breaks}", user="ubuntu")
        cured = made.inv("host.setup", "--yes").ok()
        assert does in cured.out
        answer = made.sh(f"curl -sk -o /dev/null -D - -H @{HOME}/rehearsal/header https://{DOMAIN}/health")
        assert "x-behindy-candidate: -green" in answer.lower()
        assert "nothing to do" in made.inv("host.setup").ok().out


class TestCertificates:
    def test_one_that_ends_soon_is_renewed_and_a_failed_renewal_leaves_it_in_use(self, made: Bare) -> None:
        served = (
            f"docker exec nginx sh -c 'openssl s_client -connect localhost:443 -servername {DOMAIN} </dev/null 2>&1'"
        )
        served += " | openssl x509 -noout -serial"
        container = made.sh("docker inspect --format '{{.Id}} {{.State.StartedAt}}' nginx")
        made.certbot(days=20)
        made.sh("rm -r /etc/letsencrypt/renewal /etc/letsencrypt/live")
        made.inv("host.certs", "--yes").ok()
        short = made.sh(served)
        assert "the one in use has 20 days left" in made.inv("host.certs", "--dry-run").ok().out
        assert made.inv("host.certs").code == 2
        made.sh("chmod 700 /var/www/certbot")
        refused = made.inv("host.certs", "--yes")
        made.sh("chmod 755 /var/www/certbot")
        assert refused.code == 83, refused.said
        assert "Challenge failed" in refused.err
        assert made.sh(served) == short
        made.certbot(days=90)
        made.inv("host.certs", "--yes").ok()
        assert made.sh(served) != short
        assert "nothing to do" in made.inv("host.certs").ok().out
        renewed = made.sh(served)
        live = f"/etc/letsencrypt/live/{DOMAIN}"  # as if something else had obtained one, and told nginx nothing
        for kind in ("fullchain", "privkey"):
            made.sh(f"ln -sfn ../../archive/{DOMAIN}/{kind}1.pem {live}/{kind}.pem")
        assert made.sh(served) == renewed
        assert "Reload nginx" in made.inv("host.certs", "--yes").ok().out
        assert made.sh(served) != renewed
        assert made.sh("docker inspect --format '{{.Id}} {{.State.StartedAt}}' nginx") == container


class TestByItself:
    """What cron starts on this host, which has no systemd; the programs are the same."""

    def ran(self, made: Bare, name: str) -> dict[str, Any]:
        """Run what the timer runs, as it does; return what it noted."""
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        made.sh(f"env -i {path} setsid {PROGRAMS}/{name} </dev/null >/dev/null 2>&1; true", user="ubuntu")
        noted: dict[str, Any] = json.loads(made.sh(f"cat {HOME}/state/timers/{name}.json"))
        return noted

    def found(self, made: Bare) -> list[str]:
        """What the doctor has against it."""
        told = json.loads(made.inv("ops.doctor", "--json").out)
        return [one["cause"] for one in told["findings"] if one["name"].startswith(("scheduled", "not scheduled"))]

    def test_a_backup_is_made_found_fetched_and_restored(self, made: Bare, tmp_path: Path) -> None:
        query = 'docker exec postgres psql -qtA -U behindy behindy -c "{}"'
        made.sh(query.format("create table if not exists noted as select 3 as answer"))
        noted = self.ran(made, "backup")
        assert (noted["ok"], noted["good"]) == (True, noted["at"]), noted
        name = noted["said"].partition(",")[0]
        made.inv("db.fetch", "--to", str(tmp_path)).ok()
        assert (tmp_path / name).read_bytes()[:5] == b"PGDMP"
        made.sh(query.format("drop table noted"))
        made.inv("db.restore", name, "--from-host", "--yes").ok()
        assert made.sh(query.format("select answer from noted")) == "3"
        assert self.found(made) == []

    def test_a_run_that_fails_is_told_with_its_reason_and_no_secret(self, made: Bare) -> None:
        self.ran(made, "backup")
        made.sh("docker stop -t 1 postgres")
        try:
            noted = self.ran(made, "backup")
            (found,) = self.found(made)
        finally:
            made.sh("docker start postgres")
        assert (noted["ok"], noted["good"] > 0) == (False, True)
        assert "Postgres does not respond; its container is exited" in found
        made.sh(f"rm -r {HOME}/state/timers")

    def test_a_certificate_is_renewed_in_time_but_not_into_a_deploy(self, made: Bare) -> None:
        assert "valid until" in self.ran(made, "certs")["said"]
        made.certbot(days=20)
        made.sh("rm -r /etc/letsencrypt/renewal /etc/letsencrypt/live")
        made.inv("host.certs", "--yes").ok()
        made.certbot(days=90)
        serial = "openssl x509 -noout -serial -in /etc/letsencrypt/live/behindy.me/fullchain.pem"
        short = made.sh(serial)
        with Traffic(made, for_service("frontend"), max_seconds=100) as traffic:
            traffic.wait_until_flowing()
            made.sh(f"nohup {PROGRAMS}/certs >/dev/null 2>&1 & disown; sleep 0.1", user="ubuntu")
            ran = made.inv("deploy.frontend", "--tag", "v1", "--force", "--watch", "0", "--wait", "1m").ok()
            wait_for(lambda: made.sh(serial) != short, 60, "a new certificate")
            result = traffic.stop()
        assert ran.code == 0
        assert result.ended_by == "stop"
        wait_for(lambda: "renewed for behindy.me www.behindy.me" in made.sh(f"cat {HOME}/state/timers/certs.json"), 30)
        assert "has 90 days left" in made.inv("ops.certs").out

    def test_what_somebody_has_changed_or_removed_is_put_back(self, made: Bare) -> None:
        look = f"cat {PROGRAMS}/* /etc/cron.d/behindy-ops | sha256sum"
        before = made.sh(look)
        made.sh(f"echo >> {PROGRAMS}/backup; rm /etc/cron.d/behindy-ops")
        assert "not scheduled" in made.inv("host.check", "--json").out
        assert "daily backup is not scheduled" in " ".join(self.found(made))
        made.inv("host.setup", "--yes").ok()
        made.sh(f"rm {PROGRAMS}/backup.behindy-*")
        assert made.sh(look) == before
        assert "nothing to do" in made.inv("host.setup", "--yes").ok().out

    @pytest.mark.skipif(os.environ.get("BEHINDY_TEST_FULL") != "1", reason="cron looks once a minute; --full runs it")
    def test_cron_itself_starts_it(self, made: Bare) -> None:
        made.sh(f"rm -rf {HOME}/state/timers; sed -i 's/^23 3 /* * /' /etc/cron.d/behindy-ops")
        try:
            wait_for(lambda: made.sh(f"ls {HOME}/state/timers 2>/dev/null; true").find("backup.json") >= 0, 130)
        finally:
            made.inv("host.setup", "--yes").ok()
        assert json.loads(made.sh(f"cat {HOME}/state/timers/backup.json"))["ok"] is True


@pytest.mark.skipif(os.environ.get("BEHINDY_TEST_FULL") != "1", reason="a second release of Debian; --full runs it")
def test_debian_12_with_its_older_docker_gets_there_too(tmp_path: Path) -> None:
    with bare("bookworm", tmp_path) as host:
        from_nothing_to_three_services(host)
        assert host.changed == dict.fromkeys(TWICE, "")
        assert "frontend" in curl_from_here(host, "/")
        assert host.sh("docker version --format '{{.Server.Version}}'").startswith("20.10")


def test_a_login_that_may_not_become_root_is_told_what_to_ask_for(sandbox: SandboxInfo) -> None:
    ran = inv("host.setup", "--yes")
    assert ran.code == 30, ran.said
    assert "ubuntu ALL=(ALL) NOPASSWD:ALL" in ran.err
    assert "Nothing changed." in ran.err
