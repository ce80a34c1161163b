"""``ops.nginx``: its configuration, its errors, where each name leads from inside, what each service answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.facts.curl import UNTRUSTED, outcome
from behindy_ops.facts.survey import NETWORK, NGINX
from behindy_ops.facts.upstream import Answer, Upstream
from behindy_ops.report.layout import Column, heading, sentence, table
from behindy_ops.report.text import Line, Tone, printable
from behindy_ops.views.look import require_docker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behindy_ops.facts.container import Container
    from behindy_ops.project.services import Service
    from behindy_ops.views.look import Seen

__all__ = ["NginxView", "describe", "lines", "services_text"]


@dataclass(frozen=True, slots=True)
class NginxView:
    """All of it.

    :param state: docker's word for the nginx container, or ``missing``.
    :param config: ``valid``, ``invalid`` or ``not tested``; ``config_errors`` is what nginx says of it.
    :param errors: the last lines of its error log.
    """

    state: str
    health: str
    config: str
    config_errors: tuple[str, ...]
    upstreams: tuple[Upstream, ...]
    errors: tuple[str, ...]


def services_text(services: Sequence[Service]) -> str:
    """The services as the script takes them."""
    return "\n".join(f"{one.name} {one.port} {one.internal} {one.external}" for one in services)


def describe(seen: Seen, services: Sequence[Service], domain: str) -> NginxView:
    """Say how nginx is and what it reaches.

    :raises Kind.HOST_NOT_READY: Docker cannot be asked.
    """
    require_docker(seen)
    nginx = seen.survey.containers.get(NGINX)
    runs = nginx is not None and nginx.running
    problem = seen.survey.problems.get("nginx_", "")
    inside = {words[0]: words[1:] for words in seen.rows("inside")}
    outside = {words[0]: words[1:] for words in seen.rows("outside")}
    upstreams = tuple(
        _upstream(
            service,
            seen.survey.trio(service.name).live,
            inside.get(service.name, []),
            outside.get(service.name, []),
            f"https://{domain}{service.external}",
            nginx_runs=runs,
        )
        for service in services
    )
    return NginxView(
        state=nginx.status if nginx else "missing",
        health=nginx.health if nginx else "",
        config="not tested" if not runs else "invalid" if problem else "valid",
        config_errors=tuple(problem.splitlines()[-5:]) if runs else (),
        upstreams=upstreams,
        errors=tuple(seen.lines("errors")),
    )


def _answer(words: Sequence[str]) -> Answer:
    """Read ``<addresses> <curl's exit code> <status> <seconds>``."""
    if len(words) != 4:
        return Answer(problem="it was not asked")
    code, status = int(words[1]), int(words[2])
    problem = outcome(0, code) if code else ""
    if code == UNTRUSTED:
        problem += " (inv ops.certs)"
    return Answer(status, round(float(words[3].replace(",", ".")), 3), problem)


def _upstream(
    service: Service,
    live: Container | None,
    inside: Sequence[str],
    outside: Sequence[str],
    url: str,
    *,
    nginx_runs: bool,
) -> Upstream:
    resolves = tuple(address for address in (inside[0] if inside else "").split(",") if address not in ("", "-"))
    address = live.addresses.get(NETWORK, "") if live and live.running else ""
    direct, public = _answer(inside), _answer(outside)
    trouble = ""
    if nginx_runs:
        trouble = _inner_trouble(service.name, live, resolves, address, direct) or _outer_trouble(public)
    return Upstream(service.name, resolves, address, direct, public, url, trouble)


def _inner_trouble(name: str, live: Container | None, resolves: tuple[str, ...], address: str, direct: Answer) -> str:
    if live is None:
        return f"there is no container {name}: deploy it, or inv deploy.recover"
    if not live.running:
        return f"the container {name} does not run ({live.status}): inv ops.logs {name}"
    if not address:
        return f"{name} is not on the network {NETWORK}: inv ops.network --fix"
    if resolves != (address,):
        where = ", ".join(resolves) or "nowhere"
        return f"inside nginx the name {name} leads to {where}, but the live container is at {address}: inv ops.network"
    if not direct.good:
        return f"{name} itself does not answer nginx well ({direct.said}): inv ops.logs {name}"
    return ""


def _outer_trouble(public: Answer) -> str:
    if public.good:
        return ""
    if public.status in (502, 503, 504):
        return f"nginx answers {public.status} for it, though it is well itself: see the errors below"
    return f"the service is well, but not through the public URL ({public.said})"


def lines(view: NginxView) -> list[Line]:
    """The view in 80 columns."""
    runs = view.state == "running"
    told = [Line(f"nginx: {view.state}{f', {view.health}' if view.health else ''}", Tone.PLAIN if runs else Tone.BAD)]
    if not runs:
        told += sentence(
            "Make it: inv host.up"
            if view.state == "missing"
            else "Start it: inv ops.doctor --fix; its log says why it ended: inv ops.logs nginx",
            Tone.STRONG,
            "  ",
        )
    tone = {"valid": Tone.GOOD, "invalid": Tone.BAD}.get(view.config, Tone.PLAIN)
    told.append(Line(f"configuration on disk: {view.config}", tone))
    for text in view.config_errors:
        told += sentence(text, Tone.PLAIN, "  ")
    told += [Line(""), *_upstreams(view)]
    if view.errors:
        told += [Line(""), heading("last lines of its error log")]
        told += [Line(f"  {printable(text)}", exact=True) for text in view.errors]
    return told


def _upstreams(view: NginxView) -> list[Line]:
    columns = (
        Column("name", 20),
        Column("leads to", 31),
        Column("directly", 10, right=True),
        Column("through nginx", right=True),
    )
    rows = [
        (one.service, ", ".join(one.resolves) or "nowhere", _shown(one.direct), _shown(one.public))
        for one in view.upstreams
    ]
    told = table(columns, rows, [Tone.BAD if one.trouble else Tone.PLAIN for one in view.upstreams])
    troubles = [one for one in view.upstreams if one.trouble]
    for one in troubles:
        told += sentence(f"{one.service}: {one.trouble}", Tone.BAD)
    if not troubles and view.state == "running":
        told.append(Line("Every name leads to its live container, and each service answers.", Tone.GOOD))
    return told


def _shown(answer: Answer) -> str:
    return f"{answer.status}" if answer.status else "no answer"
