"""``ops.nginx``: its configuration, its errors, where each name leads from inside, what each service answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from behindy_ops.checks import services as rules
from behindy_ops.checks.check import examine
from behindy_ops.checks.network import members
from behindy_ops.facts.curl import UNTRUSTED, outcome
from behindy_ops.facts.upstream import Answer, Upstream
from behindy_ops.host.command import Command, script
from behindy_ops.host.session import Session
from behindy_ops.project.services import Service
from behindy_ops.report.layout import Column, figures, heading, sentence, table
from behindy_ops.report.text import Line, Tone, printable
from behindy_ops.views.view import Seen, Shown, View, described, locked, shown


@dataclass(frozen=True, slots=True)
class NginxView:
    """All of it; ``config_errors``: what nginx says of its files, ``errors``: the last of its error log.

    ``maintenance``: services that are closed to visitors, and since when and by whom.
    """

    state: str
    health: str
    config: str
    config_errors: tuple[str, ...]
    upstreams: tuple[Upstream, ...]
    errors: tuple[str, ...]
    reloaded: bool = False
    maintenance: Mapping[str, str] = field(default_factory=dict)


def describe(seen: Seen) -> NginxView:
    """Say how nginx is and what it reaches."""
    nginx = seen.survey.containers.get(seen.survey.names.proxy.container)
    runs = nginx is not None and nginx.running
    problem, errors = seen.survey.problems.get("nginx_", ""), tuple(seen.lines("errors"))
    upstreams = [_upstream(seen, service) for service in seen.services if service.asked]
    return NginxView(
        state=nginx.status if nginx else "missing",
        health=nginx.health if nginx else "",
        config="not tested" if not runs else "invalid" if problem else "valid",
        config_errors=tuple(problem.splitlines()[-5:]) if runs else (),
        upstreams=tuple(_judged(seen, upstreams, errors) if runs else upstreams),
        errors=errors,
        maintenance={service: closed.described() for service, closed in seen.survey.maintenance.items()},
    )


def _upstream(seen: Seen, service: Service) -> Upstream:
    inside = seen.values("inside").get(service.name, "")
    live = seen.survey.trio(service.name).live
    direct, public = _answer(inside), _answer(seen.values("outside").get(service.name, ""))
    addresses = inside.partition(" ")[0].split(",")
    return Upstream(
        service.name,
        resolves=tuple(address for address in addresses if address not in ("", "-")),
        address=live.address(seen.survey.names.network) if live and live.running else "",
        direct=direct,
        public=public,
        url=service.url(service.external, seen.domain),
    )


def _answer(text: str) -> Answer:
    """Read ``<addresses> <curl's exit code> <status> <seconds>``."""
    words = text.split()
    if len(words) != 4:
        return Answer(problem="it was not asked")
    code, status = int(words[1]), int(words[2])
    problem = outcome(0, code) if code else ""
    if code == UNTRUSTED:
        problem += " (inv ops.certs)"
    return Answer(status, round(float(words[3].replace(",", ".")), 3), problem)


def _judged(seen: Seen, upstreams: Sequence[Upstream], errors: Sequence[str]) -> Iterable[Upstream]:
    """Say of each what is wrong with it, first what is nearest to it."""
    facts = replace(seen.facts, upstreams=tuple(upstreams), nginx_errors=tuple(errors))
    checks = [check for check in examine((rules.stopped, members, rules.answers), facts) if check.problem]
    for upstream in upstreams:
        name = upstream.service
        if name not in seen.survey.containers:
            yield replace(upstream, trouble=f"There is no container {name}: deploy it, or inv deploy.recover")
        else:
            told = (f"{check.found} {check.remedy}" for check in checks if check.subject == name)
            yield replace(upstream, trouble=next(told, ""))


def reloaded(session: Session) -> Command:
    """Return what tests the configuration and reloads nginx; one that is not valid is not loaded."""
    return Command(script("ops/reload", session.names.proxy.container), title="reload nginx", timeout=60, changes=True)


def reload(session: Session, *, wait: float) -> Shown:
    """Test nginx's configuration, reload it, and show how it is then; queue ``wait`` seconds for the lock.

    Raises:
        Kind.NGINX_NOT_READY: it is not running, or its configuration is not valid; then it was not reloaded.
    """
    locked(session, "reloading nginx (ops.nginx --reload)", wait=wait)
    session.host.run(reloaded(session)).require()
    return shown(VIEW, replace(described(session, VIEW), reloaded=True))


_ROOM = 31
"""Cells for the addresses that a name leads to."""


def lines(view: NginxView) -> list[Line]:
    """Lay the view out in 80 columns."""
    runs = view.state == "running"
    told = [Line("Reloaded.", Tone.GOOD), Line("")] if view.reloaded else []
    health = f", {view.health}" if view.health else ""
    told.append(Line(f"nginx: {view.state}{health}", Tone.PLAIN if runs else Tone.BAD))
    if not runs:
        start = "Start it: inv ops.doctor --fix; its log says why it ended: inv ops.logs nginx"
        told += sentence("Make it: inv host.up" if view.state == "missing" else start, Tone.STRONG, "  ")
    tone = {"valid": Tone.GOOD, "invalid": Tone.BAD}.get(view.config, Tone.PLAIN)
    told.append(Line(f"configuration on disk: {view.config}", tone))
    for text in view.config_errors:
        told += sentence(text, Tone.PLAIN, "  ")
    columns = [Column("name", 20), Column("leads to", _ROOM), *figures("directly", "through nginx")]
    rows = [
        (each.service, _leads(each.resolves), _status(each.direct), _status(each.public)) for each in view.upstreams
    ]
    told += [Line(""), *table(columns, rows, [Tone.BAD if each.trouble else Tone.PLAIN for each in view.upstreams])]
    for service, closed in view.maintenance.items():
        opened = f"It is opened by: inv deploy.maintenance {service} --off"
        told += sentence(f"{service} is in maintenance {closed}: visitors get 503. {opened}", Tone.CAREFUL)
    troubles = [each for each in view.upstreams if each.trouble]
    for each in troubles:
        told += sentence(each.trouble, Tone.BAD)
    if not troubles and runs:
        told.append(Line("Every name leads to its live container, and each service answers.", Tone.GOOD))
    if view.errors:
        told += [Line(""), heading("last lines of its error log")]
        told += [Line(f"  {printable(text)}", exact=True) for text in view.errors]
    return told


def _leads(addresses: Sequence[str]) -> str:
    """Say where a name leads, in one column: of several addresses that have no room, the first."""
    said = ", ".join(addresses) or "nowhere"
    return said if len(said) <= _ROOM else f"{addresses[0]} and {len(addresses) - 1} more"


def _status(answer: Answer) -> str:
    return str(answer.status) if answer.status else "no answer"


def _asks(session: Session) -> tuple[str, str, str, str]:
    ports = (each for each in session.services if each.asked)
    asked = ((each, each.url(each.external, "") if each.host else each.external) for each in ports)
    services = (f"{each.name} {each.port} {each.internal} {external}" for each, external in asked)
    nginx = session.names.proxy.container
    return nginx, session.settings.domain, "\n".join(services), session.settings.public_address


VIEW = View("nginx", describe, lines, survey="containers nginx_ maintenance", script="ops/nginx", asks=_asks)
