"""``ops.nginx``: where names lead, what answers, and what is in the way."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from behindy_ops.facts.container import Container
from behindy_ops.facts.maintenance import Closed
from behindy_ops.project.names import Names
from behindy_ops.project.services import Service
from behindy_ops.views import nginx
from tests.unit.ops_facts import SERVICES, container, everybody, seen, spread, stopped, survey, task, text_of

GOOD = "backend 10.0.0.2, 0 200 0.010\nfrontend 10.0.0.3, 0 200 0.020\n"
OUTSIDE = "backend - 0 200 0.1\nfrontend - 0 200 0,2\n"


def described(inside: str = GOOD, outside: str = OUTSIDE, problem: str = "", **changes: Container) -> nginx.NginxView:
    found = survey(*everybody(**changes), problems={"nginx_": problem} if problem else {})
    return nginx.describe(seen(found, inside=inside, outside=outside, errors="oh\x1b[31m no"))


def test_the_host_is_asked_for_each_path_from_its_own_side() -> None:
    session = SimpleNamespace(
        settings=SimpleNamespace(domain="x.example", public_address="127.0.0.1"),
        services=(*SERVICES, Service("worker", "me/worker")),
        names=Names(),
    )
    name, domain, text, address = nginx.VIEW.asks(session)  # type: ignore[arg-type]
    assert (name, domain, address) == ("nginx", "x.example", "127.0.0.1")
    assert text == "backend 8080 /health /api/health\nfrontend 3000 / /"


def test_a_service_with_a_host_of_its_own_is_asked_there() -> None:
    own = (replace(SERVICES[0], host="api.x.example"),)
    session = SimpleNamespace(
        settings=SimpleNamespace(domain="x.example", public_address=""), services=own, names=Names()
    )
    assert nginx.VIEW.asks(session)[2] == "backend 8080 /health https://api.x.example/api/health"  # type: ignore[arg-type]


def test_what_is_closed_is_told_and_its_503_is_no_trouble() -> None:
    outside = OUTSIDE.replace("backend - 0 200", "backend - 0 503")
    found = survey(*everybody(), maintenance={"backend": Closed("2027-01-15T07:30:00+00:00", "eve")})
    view = nginx.describe(seen(found, inside=GOOD, outside=outside))
    assert (view.upstreams[0].public.status, view.upstreams[0].trouble) == (503, "")
    assert "backend is in maintenance since 2027-01-15 07:30:00 UTC by eve" in text_of(nginx.lines(view))
    assert described(outside=outside).upstreams[0].trouble


def test_all_is_well() -> None:
    view = described()
    assert (view.config, [one.trouble for one in view.upstreams]) == ("valid", ["", ""])
    assert view.upstreams[1].public.seconds == 0.2
    said = text_of(nginx.lines(view))
    assert "Every name leads to its live container" in said
    assert "\x1b" not in said


def test_a_name_that_leads_elsewhere() -> None:
    view = described("backend 10.0.0.9, 0 200 0.01\nfrontend -, 6 000 0.01\n")
    assert view.upstreams[0].trouble.startswith("Inside nginx the name backend leads to 10.0.0.9, but the live")
    assert "leads to nowhere" in view.upstreams[1].trouble


def test_two_containers_under_one_name() -> None:
    view = described("backend 10.0.0.2,10.0.0.9, 0 200 0.01\nfrontend 10.0.0.3, 0 200 0.01")
    assert "leads to 10.0.0.2, 10.0.0.9" in view.upstreams[0].trouble


def test_a_service_that_does_not_answer_nginx() -> None:
    view = described("backend 10.0.0.2, 7 000 0.01\nfrontend 10.0.0.3, 0 500 0.01")
    assert "(connection refused)" in view.upstreams[0].trouble
    assert "(HTTP 500)" in view.upstreams[1].trouble


def test_a_service_that_answers_badly_because_the_database_is_stopped_says_so() -> None:
    view = described("backend 10.0.0.2, 0 500 0.01\nfrontend 10.0.0.3, 0 200 0.01", postgres=stopped("postgres"))
    assert "What it depends on is not running: postgres." in view.upstreams[0].trouble


def test_a_service_that_only_the_world_cannot_reach() -> None:
    view = described(GOOD, "backend - 0 502 0.1\nfrontend - 60 000 0.1")
    assert view.upstreams[0].trouble.startswith("nginx answers 502 for backend, which is well")
    assert "inv ops.certs" in view.upstreams[1].trouble


def test_a_service_off_the_network_stopped_or_never_deployed() -> None:
    assert "inv ops.network --fix" in described(backend=container("backend", addresses={})).upstreams[0].trouble
    assert "is not running" in described(backend=stopped("backend")).upstreams[0].trouble
    view = nginx.describe(seen(survey(container("nginx"))))
    assert "There is no container backend" in view.upstreams[0].trouble


def test_a_configuration_that_is_not_valid() -> None:
    view = described(problem='nginx: [emerg] unknown directive "foo" in /etc/nginx/x.conf:3')
    assert view.config == "invalid"
    assert "unknown directive" in text_of(nginx.lines(view))


def test_no_nginx() -> None:
    view = nginx.describe(seen(survey(stopped("nginx"), problems={"nginx_": "is not running"})))
    assert (view.state, view.config) == ("exited", "not tested")
    assert "inv ops.doctor --fix" in text_of(nginx.lines(view))
    view = nginx.describe(seen(survey()))
    assert view.state == "missing"
    assert "inv host.up" in text_of(nginx.lines(view))


def test_what_nginx_says_of_its_files_is_shown_at_its_end() -> None:
    assert described(problem="\n".join(map(str, range(9)))).config_errors == ("4", "5", "6", "7", "8")


def test_a_certificate_that_is_not_trusted_leads_to_the_view_of_certificates() -> None:
    public = [one.public for one in described(GOOD, "backend - 60 000 0.1\nfrontend - 7 000 0.1").upstreams]
    assert [one.problem for one in public] == [
        "the certificate is not trusted (inv ops.certs)",
        "connection refused",
    ]


def test_a_name_leads_to_every_task_and_to_nobody_else() -> None:
    web = spread("backend", *(task(slot, "beta") for slot in (1, 2, 3, 4)), replicas=4)
    everywhere = GOOD.replace("10.0.0.2,", "10.1.0.1,10.1.0.2,10.1.0.3,10.1.0.4,")
    view = described(everywhere, backend=web)
    assert [one.trouble for one in view.upstreams] == ["", ""]
    assert "backend 10.1.0.1 and 3 more 200 200" in text_of(nginx.lines(view))
    strange = described(everywhere.replace("10.1.0.3", "10.1.0.7"), backend=web)
    assert "leads to 10.1.0.1, 10.1.0.2, 10.1.0.7, 10.1.0.4" in strange.upstreams[0].trouble
