"""Ask the public URL from the host: the candidate in a rehearsal, the new release, or the previous one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from behindy_ops.deploy.state import CACHED, Phase, State, unknown
from behindy_ops.deploy.steps.step import (
    ENGINE_AWAY,
    LOGGED,
    Attempts,
    Fault,
    Look,
    Read,
    Verdict,
    expected,
    patience,
    unexpected,
    unjudged,
)
from behindy_ops.errors import Kind
from behindy_ops.facts.container import UNKNOWN
from behindy_ops.facts.curl import needs_login, outcome
from behindy_ops.facts.outside import REACH_IT, misled
from behindy_ops.host.command import Command, Result, script
from behindy_ops.project.services import Expect, HealthPolicy, Service

_EDGE = ", at the edge "
"""How it is said where a look was made, if that was at one of several edges."""

_OFTEN = 0.1
"""Seconds between looks for the moment at which nginx asks the new release; its rate limit counts them."""


def _ask(
    state: State,
    urls: Sequence[str],
    policy: HealthPolicy,
    *,
    header: str = "",
    settled: str = "0",
    live: Service | None = None,
    mine: Iterable[str] = (),
) -> Command:
    """Return one attempt through the public URLs, all of which have to answer well.

    Args:
        header: file on the host with the rehearsal's header.
        settled: the host's uptime, in ms, before which success does not count.
        live: the service that has to have the name alone, and to answer itself too: while it refuses connections,
            nginx lets the previous release answer.
        mine: its addresses; that nginx says it asked one of those, which it tells whoever has the header, settles it
            sooner.
    """
    name = live.name if live else ""
    inside = f"http://{name}:{live.port}{live.internal}" if live else ""
    timing = (f"{policy.interval:g}", f"{policy.look:g}", settled)
    at = [f"at={address}"] if (address := state.settings.public_address) else []
    if own := " ".join(mine):
        at.append(f"mine={own}")
    statuses, body = expected(state.service.expect)
    at += [f"status={statuses}"] if statuses else []
    at += [f"body={body}"] if body else []
    if state.service.replicas > 1 and header:
        at.append(f"replica={state.service.replica}")
    if header and not live:
        at.append(f"of={state.service.name}-green")
    if state.survey.maintenance and not header and not state.stale:  # an nginx that is not ours would pass the token on
        at.append(f"token={state.paths.rehearsal_header}")
    argv = script("deploy/look_outside", header, *timing, state.names.proxy.container, name, inside, *at, *urls)
    return Command(argv, title=f"ask {urls[0]}", timeout=policy.interval * (1 + len(urls)) + 120)


def _judge(result: Result, expect: Expect, *, candidate: str = "", address: str = "") -> Look:
    """Judge what ``look_outside.sh`` printed.

    Args:
        expect: what counts as healthy.
        candidate: how the name ends of whom nginx must have said that it asked, if it was a rehearsal.
        address: where the service's name may lead, one or more, unless the host has told its container's itself.
    """
    reply = result.reply()
    told, looks = reply.values(), reply.every("look")
    if UNKNOWN in told or not looks:
        return Look(Verdict.FATAL, ENGINE_AWAY, Fault.ENGINE) if UNKNOWN in told else Look(Verdict.AGAIN, "no answer")
    for code, _, asked, *more in _last_at_each(looks) if candidate else ():
        if int(code) >= 100 and asked != candidate:
            return Look(Verdict.FATAL, f"nginx did not route the rehearsal to the candidate{_edge(more)}", Fault.ROUTE)
    code, curl, _, *more = looks[-1].split()
    lacking, where = "lacking" in more, _edge(more)
    status, answer = int(code), outcome(int(code), int(curl), login=False)
    if "ok" not in told:
        # 429: our own looks met the rate limit. 502 to 504: nginx could not reach it, which may pass.
        definite = lacking or (status >= 200 and status not in (429, 502, 503, 504) and not expect.met(status))
        reason = unexpected(expect, status, int(curl), lacking=lacking) + where
        return Look(Verdict.AGAIN, reason, Fault.LOGIN if needs_login(status) else Fault.RELEASE, definite)
    resolved = told.get("names", "").split()
    own = told.get("address", "").split()  # of both families, on every network of the container
    if not own and address:  # IPv4, as a survey tells it: no other family is compared with it
        own, resolved = address.split(), [name for name in resolved if ":" not in name]
    if own and not (resolved and set(resolved) <= set(own)):
        names = ", ".join(resolved) or "nothing"
        return Look(Verdict.AGAIN, f"inside nginx the name resolves to {names}, not {' or '.join(own)}")
    code, _, curl = told.get("inside", "").partition(" ")
    if code and not expect.met(int(code)):
        itself = outcome(int(code), int(curl))
        return Look(Verdict.AGAIN, f"another container answered in its place; itself: {itself}")
    return Look(Verdict.HEALTHY, "closed for maintenance; it answers inside" if "closed" in told else answer)


def _last_at_each(looks: Iterable[str]) -> list[list[str]]:
    """Return the words of the last look at each edge."""
    return list({"".join(words[3:]).removeprefix("lacking"): words for words in map(str.split, looks)}.values())


def _edge(words: Iterable[str]) -> str:
    """Return where a look was made, if that was at one of several edges."""
    return next(
        (f"{_EDGE}{word.removeprefix('at=')}" for word in words if word.startswith("at=") and word != "at="), ""
    )


def _told_apart(result: Result, look: Look, *, candidate: bool = False) -> Look:
    """Return a look that did not meet nginx as one that says so; waiting longer helps a rehearsal no more."""
    reason = misled(result.reply().values(), candidate=candidate)
    return Look(Verdict.AGAIN, reason, Fault.NAME, definite=candidate) if reason else look


class Rehearse(Attempts):
    """Ask with the secret header that makes nginx route this one request to the candidate."""

    name = "rehearsal"
    definite = 2

    def title(self, state: State) -> str:
        return f"Rehearse through {self._url(state)}"

    def _url(self, state: State) -> str:
        return state.url(state.service.rehearsal or "")

    def command(self, state: State) -> Command:
        return _ask(state, [self._url(state)], self.policy(state), header=state.paths.rehearsal_header)

    def judge(self, state: State, result: Result) -> Look:
        service, missing = state.service, result.reply().every("missing")
        asked = f"-{service.replica}-green" if service.replica_of else "-green"
        look = _judge(result, service.expect, candidate=asked)
        if look.verdict is Verdict.HEALTHY and missing:
            reason = f"its page names {', '.join(missing)}, and the answer to that is HTTP 404"
            look = Look(Verdict.AGAIN, reason, definite=True)
        elif look.verdict is Verdict.HEALTHY and (without := result.reply().every("unfound")):
            # An icon or a manifest, without which the site works.
            look = replace(look, reason=f"{look.reason}; its page names {', '.join(without)}, which is HTTP 404")
        return _told_apart(result, look, candidate=True)

    def unhealthy(self, state: State, reason: str, fault: Fault) -> Read:
        if fault is Fault.ROUTE:
            where = "".join(reason.partition(_EDGE)[1:])
            remedy = "This is about the host, not the release. See which of the two: inv ops.doctor"
            if where:
                remedy = "Bring it the host's: inv host.setup --swarm --edge user@host:port"
            error = Kind.NGINX_NOT_READY(
                f"{self._url(state)} answered{where}, but not by {state.service.name}-green: nginx does not know the "
                "host's rehearsal token, or something in front of nginx does not pass its header on.",
                remedy=remedy,
            )
            return Read(state, error=error)
        remedy = f"{LOGGED} Compare how it answers with the public Host header."
        if fault is Fault.LOGIN:
            remedy = (
                f"Name a path that answers without one in services.{state.service.stanza}.x-deploy; if it counts as "
                "healthy, say so: expect.status."
            )
        kind = Kind.RELEASE_REFUSED
        if fault is Fault.NAME:
            kind, remedy = Kind.HOST_NOT_READY, REACH_IT
        error = kind(
            f"{state.service.name}-green is fine from inside but not through {self._url(state)}: {reason}.",
            remedy=remedy,
        )
        return Read(state, error=error)


@dataclass(frozen=True, slots=True)
class CheckOutside(Attempts):
    """Ask for the new release; two attempts in a row with an error of its own are enough, since users meet them too.

    Attributes:
        along: it is sent with the switch, before it is known when that was.
    """

    attempts: int = 0  # type: ignore[misc]
    along: bool = False
    name = "external"
    said = "Check {state.urls[0]} from outside"
    definite = 2

    def command(self, state: State) -> Command:
        settled = f"+{CACHED * 1000:.0f}" if self.along and state.switched is None else state.after_switch(CACHED)
        if state.name_is_shared:
            return _ask(state, state.urls, self.policy(state), settled=settled)
        if state.stale:  # an nginx that is not ours would pass the token on
            return _ask(state, state.urls, self.policy(state), settled=settled, live=state.service)
        known = state.candidate.addresses.values() or [unknown("address")]
        header = state.paths.rehearsal_header
        policy = replace(self.policy(state), look=min(self.policy(state).look, _OFTEN))
        return _ask(state, state.urls, policy, header=header, settled=settled, live=state.service, mine=known)

    def judge(self, state: State, result: Result) -> Look:
        address = "" if state.name_is_shared else " ".join(state.candidate.addresses.values())
        return _told_apart(result, _judge(result, state.service.expect, address=address))

    def conclude(self, state: State, look: Look) -> Read:
        if look.verdict is Verdict.HEALTHY:
            return Read(state.at(Phase.PROVEN), look.reason)
        if look.fault is Fault.ENGINE:
            return unjudged(state)
        return Read(state, failed=look.reason, relapse=f"it fails from outside: {look.reason}", fault=look.fault)


class CheckLive(Attempts):
    """Ask whether what is live answers, of which nothing else is known: once, or as long as it may still be booting."""

    name = "external"
    said = "Check {state.urls[0]} from outside"
    attempts = 1

    def policy(self, state: State) -> HealthPolicy:
        return patience(state, state.live, at_least=1) if state.live else super().policy(state)

    def command(self, state: State) -> Command:
        return _ask(state, state.urls, self.policy(state), live=state.service)

    def judge(self, state: State, result: Result) -> Look:
        return _told_apart(result, _judge(result, state.service.expect))


@dataclass(frozen=True, slots=True)
class CheckPrevious(CheckLive):
    """Ask once whether the previous release serves again.

    Attributes:
        began: how the state begins when it does not: what was done.
    """

    began: str
    said = "Check the previous release from outside"
    policy = Attempts.policy

    def command(self, state: State) -> Command:
        settled = "0" if state.switched is None else state.after_switch(CACHED)
        return _ask(state, state.urls[:1], self.policy(state), settled=settled, live=state.service)

    def judge(self, state: State, result: Result) -> Look:
        address = " ".join(state.live.addresses.values()) if state.live else ""
        return _told_apart(result, _judge(result, state.service.expect, address=address))

    def conclude(self, state: State, look: Look) -> Read:
        if look.verdict is Verdict.HEALTHY:
            return Read(replace(state, serving="The previous release serves again, checked from outside."), look.reason)
        serving = f"{self.began}, but from outside: {look.reason}. Look now: inv deploy.status"
        return Read(replace(state, serving=serving), failed=look.reason)
