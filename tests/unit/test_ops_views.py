"""``ops.ps``, ``ops.network``, ``ops.nginx``, ``ops.env`` and ``ops.certs``: from facts to verdicts, in 80 columns."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from rich.cells import cell_len

from behindy_ops.errors import Kind
from behindy_ops.facts.container import Container
from behindy_ops.facts.survey import NETWORK
from behindy_ops.report.text import Line
from behindy_ops.views import certs, env, network, nginx
from behindy_ops.views import ps as containers
from behindy_ops.views.look import docker_problem, require_docker
from tests.kinds import raises
from tests.unit.ops_facts import NOW, SERVICES, container, everybody, seen, stopped, survey


def text_of(lines: list[Line]) -> str:
    assert all(cell_len(line.text) <= 80 for line in lines if not line.exact)
    return re.sub(r"\s+", " ", " ".join(line.text for line in lines))


class TestPs:
    def test_services_come_first_then_infrastructure_leftovers_and_others(self) -> None:
        found = survey(*everybody(), stopped("backend-blue"), container("by-hand"))
        view = containers.describe(seen(found), SERVICES)
        assert [(one.name, one.role) for one in view.containers] == [
            ("backend", "service"),
            ("frontend", "service"),
            ("nginx", "infrastructure"),
            ("postgres", "infrastructure"),
            ("redis", "infrastructure"),
            ("backend-blue", "leftover"),
            ("by-hand", "other"),
        ]
        assert list(view.leftovers) == ["backend"]
        assert "inv deploy.recover" in text_of(containers.lines(view))

    def test_what_is_not_there_is_named(self) -> None:
        view = containers.describe(seen(survey(container("backend"))), SERVICES)
        missing = {one.name: one.trouble for one in view.containers if one.state == "missing"}
        assert missing == {
            "frontend": "not deployed",
            "nginx": "it is not there",
            "postgres": "it is not there",
            "redis": "it is not there",
        }
        assert containers.lines(view)

    def test_a_port_open_to_the_world_is_a_trouble_but_for_nginx(self) -> None:
        found = survey(*everybody())
        ids = {name: one.id for name, one in found.containers.items()}
        ports = (
            f"{ids['postgres']} 0.0.0.0:5432->5432/tcp, [::]:5432->5432/tcp\n"
            f"{ids['nginx']} 0.0.0.0:443->443/tcp, 80/tcp\n{ids['redis']} 127.0.0.1:6379->6379/tcp\n"
        )
        view = containers.describe(seen(found, ports=ports), SERVICES)
        troubles = {one.name: one.trouble for one in view.containers if one.trouble}
        assert troubles == {"postgres": "it is open to the world: 0.0.0.0:5432->5432/tcp"}

    def test_a_crash_and_a_failing_health_check_are_troubles(self) -> None:
        found = survey(
            *everybody(
                backend=stopped("backend", exit_code=137, oom_killed=True),
                frontend=container("frontend", health="unhealthy"),
                nginx=container("nginx", restarting=True, exit_code=1),
            )
        )
        said = text_of(containers.lines(containers.describe(seen(found), SERVICES)))
        assert "backend: it does not run (exited, exit code 137, killed for want of memory)" in said
        assert "frontend: its health check fails" in said
        assert "nginx: it restarts again and again (exit code 1)" in said

    def test_a_host_without_any_container_and_one_with_an_odd_name(self) -> None:
        assert "not deployed" in text_of(containers.lines(containers.describe(seen(survey()), SERVICES)))
        odd = survey(container("한국어" * 20, image="x" * 200))
        assert text_of(containers.lines(containers.describe(seen(odd), SERVICES)))


class TestDockerThatCannotBeAsked:
    @pytest.mark.parametrize(
        ("said", "word"),
        [
            ("permission denied while trying to connect to the Docker daemon socket", "may not use Docker"),
            ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "not responding"),
            ("bash: line 1: docker: command not found", "not installed"),
        ],
    )
    def test_its_reason_is_told(self, said: str, word: str) -> None:
        problem = docker_problem(said)
        assert problem is not None
        assert word in problem.what
        with raises(Kind.HOST_NOT_READY, match=word):
            require_docker(seen(survey(), {"containers": said}), "containers")

    def test_another_error_of_docker_is_not_one(self) -> None:
        assert docker_problem("Error: No such container: nginx") is None
        require_docker(seen(survey(), {"address": "Error: No such container: nginx"}), "address")


class TestNetwork:
    def test_everyone_is_there(self) -> None:
        view = network.describe(seen(survey(*everybody()), network_="10.0.0.0/24 bridge"), SERVICES)
        assert (view.subnet, view.absent) == ("10.0.0.0/24", ())
        assert "Everyone who should be here is" in text_of(network.lines(view))
        assert network.command(view) is None

    def test_who_is_missing_is_connected_with_the_name_others_ask_for(self) -> None:
        found = survey(
            *everybody(backend=container("backend", addresses={}), postgres=container("postgres", addresses={}))
        )
        view = network.describe(seen(found), SERVICES)
        assert [(one.name, one.exists, one.aliases) for one in view.absent] == [
            ("postgres", True, ("db",)),
            ("backend", True, ()),
        ]
        command = network.command(view)
        assert command is not None
        assert command.changes
        assert command.argv[-5:] == (NETWORK, "postgres", "db", "backend", "-")
        assert "inv ops.network --fix" in text_of(network.lines(view))

    def test_a_container_that_does_not_exist_cannot_be_connected(self) -> None:
        view = network.describe(seen(survey(*everybody()[:2])), SERVICES)
        assert {one.name for one in view.absent} == {"nginx", "postgres", "redis"}
        assert network.command(view) is None

    def test_an_alias_that_outlives_a_rename_would_break_a_switch(self) -> None:
        bad = container("backend", aliases={NETWORK: ("backend", "abc")})
        view = network.describe(seen(survey(*everybody(backend=bad))), SERVICES)
        (member,) = [one for one in view.members if one.trouble]
        assert "its name is an alias too" in member.trouble
        assert "docker rm -f backend" in text_of(network.lines(view))

    def test_a_stranger_that_answers_to_a_service_or_to_the_database_is_told(self) -> None:
        stranger = container("by-hand", aliases={NETWORK: ("backend-green", "db")})
        view = network.describe(seen(survey(*everybody(), stranger)), SERVICES)
        assert {one.name: one.trouble for one in view.members if one.trouble} == {
            "by-hand": "it answers to backend-green, db too: whoever asks for that gets one container or the other",
            "postgres": "it answers to db too: whoever asks for that gets one container or the other",
        }

    def test_a_database_that_lost_its_alias_is_told_with_what_to_type(self) -> None:
        view = network.describe(seen(survey(*everybody(postgres=container("postgres")))), SERVICES)
        assert f"docker network connect --alias db {NETWORK} postgres" in text_of(network.lines(view))

    def test_dockers_own_alias_is_no_name(self) -> None:
        own = container("backend")
        own = container("backend", aliases={NETWORK: (own.id[:12],)})
        view = network.describe(seen(survey(*everybody(backend=own))), SERVICES)
        assert next(one.aliases for one in view.members if one.name == "backend") == ()

    def test_no_network_at_all(self) -> None:
        view = network.describe(seen(survey(*everybody(), network=False)), SERVICES)
        assert "inv host.up" in text_of(network.lines(view))
        assert network.command(view) is None


class TestNginx:
    GOOD = "backend 10.0.0.2, 0 200 0.010\nfrontend 10.0.0.3, 0 200 0.020\n"
    OUTSIDE = "backend - 0 200 0.1\nfrontend - 0 200 0,2\n"

    def described(
        self, inside: str = GOOD, outside: str = OUTSIDE, problem: str = "", **changes: Container
    ) -> nginx.NginxView:
        found = survey(*everybody(**changes), problems={"nginx_": problem} if problem else {})
        return nginx.describe(seen(found, inside=inside, outside=outside, errors="oh\x1b[31m no"), SERVICES, "b.me")

    def test_all_is_well(self) -> None:
        view = self.described()
        assert (view.config, [one.trouble for one in view.upstreams]) == ("valid", ["", ""])
        assert view.upstreams[1].public.seconds == 0.2
        said = text_of(nginx.lines(view))
        assert "Every name leads to its live container" in said
        assert "\x1b" not in said

    def test_a_name_that_leads_elsewhere(self) -> None:
        view = self.described("backend 10.0.0.9, 0 200 0.01\nfrontend -, 6 000 0.01\n")
        assert view.upstreams[0].trouble.startswith("inside nginx the name backend leads to 10.0.0.9, but the live")
        assert "leads to nowhere" in view.upstreams[1].trouble

    def test_two_containers_under_one_name(self) -> None:
        view = self.described("backend 10.0.0.2,10.0.0.9, 0 200 0.01\nfrontend 10.0.0.3, 0 200 0.01")
        assert "leads to 10.0.0.2, 10.0.0.9" in view.upstreams[0].trouble

    def test_a_service_that_does_not_answer_nginx(self) -> None:
        view = self.described("backend 10.0.0.2, 7 000 0.01\nfrontend 10.0.0.3, 0 500 0.01")
        assert "(connection refused)" in view.upstreams[0].trouble
        assert "(HTTP 500)" in view.upstreams[1].trouble

    def test_a_service_that_only_the_world_cannot_reach(self) -> None:
        view = self.described(self.GOOD, "backend - 0 502 0.1\nfrontend - 60 000 0.1")
        assert view.upstreams[0].trouble.startswith("nginx answers 502 for it")
        assert "inv ops.certs" in view.upstreams[1].trouble

    def test_a_service_off_the_network_stopped_or_never_deployed(self) -> None:
        assert (
            "inv ops.network --fix" in self.described(backend=container("backend", addresses={})).upstreams[0].trouble
        )
        assert "does not run" in self.described(backend=stopped("backend")).upstreams[0].trouble
        view = nginx.describe(seen(survey(container("nginx"))), SERVICES, "b.me")
        assert "there is no container backend" in view.upstreams[0].trouble

    def test_a_configuration_that_is_not_valid(self) -> None:
        view = self.described(problem='nginx: [emerg] unknown directive "foo" in /etc/nginx/x.conf:3')
        assert view.config == "invalid"
        assert "unknown directive" in text_of(nginx.lines(view))

    def test_no_nginx(self) -> None:
        view = nginx.describe(seen(survey(stopped("nginx"), problems={"nginx_": "is not running"})), SERVICES, "b.me")
        assert (view.state, view.config) == ("exited", "not tested")
        assert "inv ops.doctor --fix" in text_of(nginx.lines(view))
        view = nginx.describe(seen(survey()), SERVICES, "b.me")
        assert view.state == "missing"
        assert "inv host.up" in text_of(nginx.lines(view))


COMPOSE = """
services:
  backend:
    image: x
    environment:
      TZ: Asia/Seoul
      NOTHING: ""
      DB_USER: ${DB_USER:-behindy}
      DB_PASS: ${DB_PASS}
      URL: ${URL:-jdbc://db:${DB_PORT:-5432}/${DB_NAME:-x}}
      BOTH: ${DB_USER:-a}-${DB_PASS}
      FIELD_KEY: ${FIELD_KEY}
  listed:
    environment: [A=1, "B=${DB_PASS}", DB_PASS]
"""


class TestEnv:
    def described(self, **parts: str) -> env.EnvView:
        live = "TZ set\nNOTHING empty\nDB_USER set\nDB_PASS set\nURL set\nBOTH set\nFIELD_KEY set\nPATH set\nSTRAY set"
        found = survey(
            container("backend", labels={"behindy.release": "r1", "behindy.config": "old"}),
            environment={"DB_PASS": True, "DB_NAME": True, "DB_USER": False},
            config={"backend": "new"},
        )
        usual = {"live": live, "image": "PATH set", "compose": COMPOSE, "changed": "known\nDB_NAME\nFIELD_KEY"}
        return env.describe(seen(found, **usual | parts), "backend")

    def test_where_each_name_comes_from(self) -> None:
        origins = {one.name: (one.origin, one.names, one.would) for one in self.described().names}
        assert origins == {
            "TZ": ("compose literal", (), "set"),
            "NOTHING": ("compose literal", (), "empty"),
            "DB_USER": ("compose default", (), "set"),
            "DB_PASS": (".env", ("DB_PASS",), "set"),
            "URL": ("compose default", ("DB_NAME",), "set"),
            "BOTH": (".env", ("DB_PASS",), "set"),
            "FIELD_KEY": ("nothing", (), "empty"),
            "PATH": ("image", (), "set"),
            "STRAY": ("unknown", (), "absent"),
        }

    def test_what_has_changed_since_and_what_is_wrong(self) -> None:
        view = self.described()
        assert [one.name for one in view.names if one.changed] == ["URL", "FIELD_KEY"]
        assert view.outdated
        said = text_of(env.lines(view))
        assert "FIELD_KEY: it has no value in .env and no default" in said
        assert "STRAY: only the live container has it" in said
        assert "inv deploy.backend" in said

    def test_the_live_container_lacks_a_name(self) -> None:
        names = {one.name: one for one in self.described(live="TZ set").names}
        assert names["DB_PASS"].trouble == "the live container has it not; the next deploy gives it"

    def test_a_service_that_is_not_deployed(self) -> None:
        view = env.describe(seen(survey(environment={"DB_PASS": True}), compose=COMPOSE), "backend")
        assert {one.live for one in view.names} == {"no container"}
        assert "not deployed" in text_of(env.lines(view))

    def test_the_other_form_of_a_list(self) -> None:
        view = env.describe(seen(survey(environment={"DB_PASS": True}), compose=COMPOSE), "listed")
        assert [(one.name, one.origin) for one in view.names] == [
            ("A", "compose literal"),
            ("B", ".env"),
            ("DB_PASS", ".env"),
        ]

    def test_a_compose_file_without_the_service(self) -> None:
        with raises(Kind.COMPOSE_INVALID, match="does not declare"):
            env.describe(seen(survey(), compose="services: {}"), "backend")


def pem(days: float) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "b.me")])
    until = dt.datetime.fromtimestamp(NOW + days * 86400, dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(until - dt.timedelta(days=90))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("b.me"), x509.DNSName("www.b.me")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


class TestCerts:
    def described(self, served: float | None, ready: float | None = None, trust: str = "code 0") -> certs.CertsView:
        shown = ""
        if served is not None:
            until = dt.datetime.fromtimestamp(NOW + served * 86400, dt.UTC)
            shown = f"*  subject: CN=b.me\n*  expire date: {until:%b %e %H:%M:%S %Y} GMT\n*  issuer: CN=Some CA"
        files = f"file /etc/letsencrypt/live/b.me/fullchain.pem\n{pem(ready)}" if ready is not None else ""
        state = "running 10.0.0.2" if served is not None else "exited"
        facts = seen(survey(), now=f"{NOW:.0f}", address=state, served=shown, trust=trust, files=files)
        return certs.describe(facts, "b.me")

    @pytest.mark.parametrize(
        ("served", "ready", "verdict"),
        [
            (60, 60, "ok"),
            (60, None, "ok"),
            (certs.SOON - 1, certs.SOON - 1, "renew soon"),
            (-2, -2, "expired"),
            (5, 89, "not loaded"),
            (-2, 89, "not loaded"),
            (None, 60, "unknown"),
        ],
    )
    def test_the_verdict(self, served: float | None, ready: float | None, verdict: str) -> None:
        view = self.described(served, ready)
        assert view.verdict == verdict
        assert bool(view.remedy) == (verdict != "ok")
        assert text_of(certs.lines(view))

    def test_what_to_type(self) -> None:
        assert "sudo certbot renew" in self.described(3).remedy
        assert self.described(5, 89).remedy == "inv ops.nginx --reload"

    def test_a_certificate_the_host_does_not_believe(self) -> None:
        view = self.described(60, 60, "code 60\ncurl: (60) SSL: no alternative certificate subject name matches")
        assert view.verdict == "not believed"
        assert "no alternative certificate subject name" in view.found

    def test_names_and_days_of_a_file(self) -> None:
        (file,) = self.described(60, 60).files
        assert (file.names, file.days) == (("b.me", "www.b.me"), 60.0)

    def test_the_way_gnutls_writes_a_date_and_a_file_that_is_none(self) -> None:
        facts = seen(
            survey(),
            now=f"{NOW:.0f}",
            address="running 10.0.0.2",
            served="*  expire date: Fri, 15 Jan 2027 08:00:00 GMT",
            trust="code 0",
            files="file /etc/letsencrypt/live/x/fullchain.pem\nnot a certificate",
        )
        view = certs.describe(facts, "b.me")
        assert view.served is not None
        assert view.served.days == 0.0
        assert view.files == ()
