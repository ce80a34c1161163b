"""What a webhook is told of how a run ended: from what happened to the text, and to the form its reader takes. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from behindy_ops.errors import BehindyError, Interrupted, Kind, Stopped
from behindy_ops.facts.figures import took
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings
from behindy_ops.project.webhooks import EVERYTHING, FAILURES
from behindy_ops.report.events import DeployFinished, DeployStarted, Event, Recovered, TakenBack
from behindy_ops.report.text import ending, printable

Notable = DeployStarted | DeployFinished | TakenBack | Recovered
"""Events that say how a run ends."""

DISCORD_CHARACTERS = 2000
"""That a message of Discord's may have at most."""

_LINE = 600
"""Characters of a line that are told."""

_FINDINGS = 10
"""Problems that are told one by one."""

_SHORT = 8
"""Characters below which a line of a secret is not hidden: it tells nothing, and would hide ordinary words."""

_SUPPRESS_EMBEDS = 4


class Mood(Enum):
    """How it ended, for whoever glances at it; the value is the sign in front."""

    GOOD = "\u2705"
    RECOVERED = "\U0001fa79"
    BACK = "\u21a9\ufe0f"
    BAD = "\u274c"
    STOPPED = "\u23f9\ufe0f"
    RISK = "\u26a0\ufe0f"
    TROUBLE = "\U0001f6a8"


@dataclass(frozen=True, slots=True)
class About:
    """What a run was about, as it began.

    Attributes:
        task: ``deploy``, ``rollback``, ``restart``, ``recovery`` or ``doctor``.
        services: their names, in order.
        who: ran it, and ``run`` is the address of the job that did, if one did.
        hide: what must not be told.
        host: of the settings, which may be a secret of the workflow's.
        on: what is told, as ``BEHINDY_NOTIFY_ON`` has it.
    """

    task: str
    services: tuple[str, ...] = ()
    tag: str = ""
    environment: str = ""
    domain: str = ""
    who: str = ""
    run: str = ""
    hide: tuple[Secret, ...] = ()
    host: str = ""
    on: str = "changes"

    @property
    def place(self) -> str:
        return self.environment or "production"


def about(task: str, settings: Settings, services: Iterable[str], who: str, tag: str = "") -> About:
    """Return what a run is about.

    Args:
        who: as the lock and the history have it: a job's address stands behind the name.
    """
    name, run = who, ""
    if match := re.fullmatch(r"(.*) \((https?://\S+/actions/runs/\d*)\)", who):
        name, run = match[1], match[2]
    named = tuple(services)
    return About(
        *(task, named, tag, settings.environment, settings.domain, name, run),
        hide=settings.secrets,
        host="" if settings.host in named else settings.host,  # a service's name is told anyway
        on=settings.notify_on,
    )


@dataclass(frozen=True, slots=True)
class Message:
    """What is told.

    Attributes:
        headline: one sentence, behind the place.
        link: to the job.
        fields: of our own JSON.
    """

    mood: Mood
    headline: str
    lines: tuple[str, ...] = ()
    link: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole of it, for people."""
        return "\n".join((f"{self.mood.value} {self.headline}", *self.lines, *((self.link,) if self.link else ())))


@dataclass(frozen=True, slots=True)
class _Service:
    """How it went with one service.

    Attributes:
        outcome: that of its end, such as ``live`` or ``unchanged``; of one without: ``switched back``, ``failed``,
            ``interrupted`` or ``not begun``.
        ended: it had an end of its own.
    """

    service: str
    tag: str
    outcome: str
    seconds: float = 0.0
    release: str = ""
    previous: str = ""
    ended: bool = False


@dataclass(frozen=True, slots=True)
class _End:
    """How a run ended, as far as its events say.

    Attributes:
        outcome: of all of it: that of the service that ended it, or ``recovered``.
        back: the services of which a new release was taken back.
    """

    outcome: str
    services: tuple[_Service, ...]
    recovered: tuple[Recovered, ...]
    back: tuple[str, ...]

    def names(self, outcome: str) -> list[str]:
        return [each.service for each in self.services if each.outcome == outcome]


def ended(about: About, events: Sequence[Event], error: BaseException | None = None) -> Message | None:
    """Return what is told of a run that replaces or recovers services, or None if it is not told.

    Args:
        events: that were told while it was under way.
        error: what ended it, if something did.
    """
    told = _told_of(error)
    if told is not None and told.kind is Kind.USAGE and not any(isinstance(each, DeployStarted) for each in events):
        return None  # nothing was begun
    end = _end(about, events, told)
    if told is None and end.outcome == "unchanged" and about.on != EVERYTHING:
        return None
    if end.outcome == "live" and told is None and not end.recovered and about.on == FAILURES:
        return None
    lines = [*_services_lines(end), *_error_lines(told), *_way_back(about, end, told)]
    mood, headline = _headline(about, end, told)
    return _message(about, mood, headline, lines, end.outcome, told, _more(end))


def found(about: About, findings: Sequence[Mapping[str, object]]) -> Message | None:
    """Return what is told of what the doctor found, or None if it is not told.

    Args:
        findings: as ``ops.doctor --json`` has them.
    """
    troubles = [each for each in findings if each["severity"] == "trouble"]
    risks = [each for each in findings if each["severity"] != "trouble"]
    if not (troubles or (risks and about.on != FAILURES) or about.on == EVERYTHING):
        return None
    told = [*troubles, *risks]
    lines = [line for each in told[:_FINDINGS] for line in _finding_lines(each)]
    if len(told) > _FINDINGS:
        lines.append(f"and {len(told) - _FINDINGS} more: inv ops.doctor")
    counts = [_count(len(troubles), "trouble"), _count(len(risks), "risk")]
    headline = " and ".join(filter(None, counts)) or "nothing is wrong"
    mood = Mood.TROUBLE if troubles else Mood.RISK if risks else Mood.GOOD
    outcome = "trouble" if troubles else "risk" if risks else "well"
    error = Kind.TROUBLE_FOUND(f"{headline}.") if troubles else None
    return _message(about, mood, headline, lines, outcome, error, _findings(told))


def _findings(told: Sequence[Mapping[str, object]]) -> dict[str, object]:
    names = ("name", "subject", "severity", "symptom", "cause", "remedy")
    return {"findings": [{name: each[name] for name in names} for each in told]}


def unfinished(about: About, error: BaseException, findings: Sequence[Mapping[str, object]] | None) -> Message | None:
    """Return what is told of a doctor who could not look at the host, or did not finish a remedy; or None.

    Args:
        findings: what was found by then; None if nothing was looked at. Where its remedies could only not be asked for,
            that is what is told.
    """
    told = _told_of(error)
    if told is not None and told.kind is Kind.USAGE:
        return None if findings is None else found(about, findings)
    title = told.title if told else "unexpected"
    outcome = _failed(told, ()) if told else "failed"
    mood, headline = Mood.BAD, f"the doctor could not finish: {title}"
    if outcome == "interrupted":
        mood, headline = Mood.STOPPED, "the doctor was interrupted"
    return _message(about, mood, headline, _error_lines(told), outcome, told, _findings(findings or ()))


def body(message: Message, kind: str, at: datetime) -> bytes:
    """Return what is sent to a webhook of this kind.

    Args:
        at: when it ended; an aware time.
    """
    if kind == "slack":
        text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        # Nothing in it is read as formatting, nor can it call anybody.
        sent: Mapping[str, object] = {"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    elif kind == "discord":
        *lines, last = map(_unformatted, message.text.split("\n"))
        text = "\n".join((*_fitted(lines, DISCORD_CHARACTERS - len(last) - 1), last))
        sent = {"content": text, "allowed_mentions": {"parse": []}, "flags": _SUPPRESS_EMBEDS}
    else:
        sent = {"version": 1, "at": at.isoformat(timespec="seconds"), **message.fields}
    return json.dumps(sent).encode()


def _unformatted(line: str) -> str:
    """Return a line in which Discord reads nothing as formatting, and links stay links."""
    parts = re.split(r"(https?://[\w.:/~%?=&+-]+)", line)
    return "".join(
        part if number % 2 else re.sub(r"([\\*_~`|>#\[\]@])", r"\\\1", part) for number, part in enumerate(parts)
    )


def _fitted(lines: Sequence[str], most: int) -> list[str]:
    """Return the lines with the longest cut, all to one length, so that together they have so many characters."""
    longest = max(map(len, lines), default=0)
    while longest > 1 and sum(min(len(line), longest) + 1 for line in lines) > most + 1:
        longest -= 1
    return [line if len(line) <= longest else f"{line[: longest - 1].rstrip(chr(92))}\u2026" for line in lines]


def _told_of(error: BaseException | None) -> BehindyError | None:
    """Return the error as it is told; the text of one that nobody expected may hold anything."""
    if error is None or isinstance(error, BehindyError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Kind.INTERRUPTED("Stopped by Ctrl-C.")
    if isinstance(error, Stopped):
        return Interrupted(f"Stopped by {error.number.name}.", signal_number=error.number)
    return BehindyError(f"{type(error).__name__}, which nobody expected.", remedy="See: inv deploy.status")


def _end(about: About, events: Sequence[Event], error: BehindyError | None) -> _End:
    begun, finished, back = dict[str, DeployStarted](), dict[str, DeployFinished](), list[str]()
    for event in events:
        if isinstance(event, DeployStarted):
            begun[event.service] = event
            back.clear()  # that was what an earlier run had left
        elif isinstance(event, DeployFinished):
            finished[event.service] = event
        elif isinstance(event, TakenBack):
            back.append(event.service)
    recovered = tuple(event for event in events if isinstance(event, Recovered))
    own = back if begun or about.task == "recovery" else ()  # else an earlier run's, before this one has begun
    outcome = _failed(error, own) if error else ""
    services = tuple(_service(about, name, begun, finished, outcome) for name in about.services)
    if not outcome:
        outcomes = {each.outcome for each in services}
        outcome = "live" if "live" in outcomes else "recovered" if recovered else "unchanged"
        if about.task == "recovery" and back:
            outcome = "switched back"
    return _End(outcome, () if about.task == "recovery" else services, recovered, tuple(dict.fromkeys(back)))


def _failed(error: BehindyError, back: Sequence[str]) -> str:
    if error.kind is Kind.SWITCHED_BACK:
        return "switched back"
    if error.kind is Kind.INTERRUPTED:
        return "switched back" if back else "interrupted"
    return "failed"


def _service(
    about: About,
    name: str,
    begun: Mapping[str, DeployStarted],
    finished: Mapping[str, DeployFinished],
    outcome: str,
) -> _Service:
    tag = begun[name].tag if name in begun else about.tag
    if name in finished:
        facts, event = finished[name].facts, finished[name]
        tag = facts.get("tag") or tag
        told = (facts.get("release", ""), facts.get("previous", ""))
        return _Service(name, tag, event.outcome, round(event.seconds, 1), *told, ended=True)
    return _Service(name, tag, outcome if name in begun and outcome else "not begun")


def _headline(about: About, end: _End, error: BehindyError | None) -> tuple[Mood, str]:
    if error is not None:
        return _failure(about, end, error)
    if about.task == "recovery" or (end.recovered and end.outcome != "live"):
        return _recovery(about, end)
    live = [each for each in end.services if each.outcome == "live"]
    if not live:
        return Mood.GOOD, " and ".join(_as_ended(each) for each in end.services)
    words, are = _listed([each.service for each in live], live[-1].tag), "are" if len(live) > 1 else "is"
    ways = {"rollback": f"{are} live again", "restart": "was restarted"}
    return Mood.GOOD, f"{words} {ways.get(about.task, f'{are} live')}"


def _failure(about: About, end: _End, error: BehindyError) -> tuple[Mood, str]:
    ran = [each for each in end.services if each.outcome != "not begun"]
    subject = f"{ran[-1].service} {ran[-1].tag}".strip() if ran else _listed(about.services, about.tag)
    if end.outcome == "switched back":
        return Mood.BACK, f"{subject} was taken back"
    if end.outcome == "interrupted":
        return Mood.STOPPED, f"the {about.task} of {subject} was interrupted"
    if ran and ran[-1].outcome == "live":
        return Mood.BAD, f"{subject} is live, but: {error.title}"
    return Mood.BAD, f"the {about.task} of {subject} failed: {error.title}"


def _as_ended(service: _Service) -> str:
    return ending(DeployFinished(service.service, service.outcome, service.seconds), service.tag)[0]


def _recovery(about: About, end: _End) -> tuple[Mood, str]:
    if end.back:
        return Mood.BACK, f"a release of {_listed(end.back)} that an interrupted run had put live was taken back"
    if not end.recovered:
        return Mood.GOOD, f"{_listed(about.services)}: nothing was left to recover"
    names = _listed(dict.fromkeys(event.service for event in end.recovered))
    return Mood.RECOVERED, f"what an interrupted run had left of {names} was put in order"


def _services_lines(end: _End) -> list[str]:
    lines = []
    for event in end.recovered:
        now = f"{event.tag} is live now" if event.outcome == "live" else "nothing of it is live now"
        lines.append(f"{event.service}: {event.what}; {now}.")
    for each in end.services:
        if each.outcome == "live":
            before = f", previous {each.previous}" if each.previous else ""
            lines.append(f"{each.service}: release {each.release or each.tag}{before}, after {took(each.seconds)}")
        elif each.ended and end.outcome == "live":
            lines.append(_as_ended(each))
    if len(end.services) > 1 and (left := end.names("not begun")):
        lines.append(f"not begun: {_listed(left)}")
    return lines


def _error_lines(error: BehindyError | None) -> list[str]:
    if error is None:
        return []
    said = (("What", error.what), ("State", error.state), ("Next", error.remedy))
    return [*(f"{label}: {text}" for label, text in said if text), f"Exit code {error.exit_code}"]


def _way_back(about: About, end: _End, error: BehindyError | None) -> list[str]:
    if error is not None or about.task != "deploy":
        return []
    ways = (f"inv deploy.rollback {each.service}" for each in end.services if each.outcome == "live" and each.previous)
    return [f"To go back: {way}" for way in ways]


def _finding_lines(finding: Mapping[str, object]) -> list[str]:
    kind = str(finding["severity"]).upper()
    told = f"{kind} {finding['subject']}: {finding['name']}. {finding['cause']}"
    return [told, *([f"    Next: {finding['remedy']}"] if finding["remedy"] else [])]


def _more(end: _End) -> dict[str, object]:
    services = [
        {"service": each.service, "tag": each.tag, "outcome": each.outcome, "seconds": each.seconds}
        | {"release": each.release, "previous": each.previous}
        for each in end.services
    ]
    recovered = [
        {"service": event.service, "outcome": event.outcome, "tag": event.tag, "what": event.what}
        for event in end.recovered
    ]
    return {"services": services, "recovered": recovered, "taken_back": list(end.back)}


def _message(
    about: About,
    mood: Mood,
    headline: str,
    lines: Iterable[str],
    outcome: str,
    error: BehindyError | None,
    more: Mapping[str, object],
) -> Message:
    place = f"[{about.place}{f', {about.domain}' if about.domain else ''}]"
    headline = _clean(about, headline)
    by = [f"By {about.who}"] if about.who else []
    shown = tuple(_clean(about, line) for line in (*lines, *by))
    message = Message(mood, f"{place} {headline}", shown, about.run)
    said = {"what": error.what, "state": error.state, "remedy": error.remedy} if error else {}
    fields = {
        "task": about.task,
        "outcome": outcome,
        "well": error is None,
        "headline": headline,
        "text": message.text,
        "environment": about.place,
        "domain": about.domain,
        "who": _clean(about, about.who),
        "run": about.run,
        "error": error.title if error else "",
        **{name: _clean(about, said.get(name, "")) for name in ("what", "state", "remedy")},
        "exit_code": error.exit_code if error else 0,
        **{name: _all_clean(about, value) for name, value in more.items()},
    }
    return Message(mood, message.headline, shown, about.run, fields)


def _all_clean(about: About, value: object) -> object:
    """Return a value with every text in it as :func:`_clean` leaves it."""
    if isinstance(value, str):
        return _clean(about, value)
    if isinstance(value, Mapping):
        return {name: _all_clean(about, inner) for name, inner in value.items()}
    return [_all_clean(about, inner) for inner in value] if isinstance(value, list) else value


def _clean(about: About, text: str) -> str:
    """Return a text without secrets, and without the host, which may be one of a workflow's; on one line, and cut."""
    parts = {part.strip() for secret in about.hide for part in (secret.reveal(), *secret.reveal().splitlines())}
    for part in sorted(parts, key=len, reverse=True):  # of two that begin alike the longer one first
        if len(part) >= _SHORT:
            text = text.replace(part, "[hidden]")
    if about.host and about.host != about.domain:
        text = re.sub(rf"(?<![\w.-]){re.escape(about.host)}(?![\w-]|\.\w)", "[host]", text)
    text = " ".join(printable(text).split("\n"))
    return text if len(text) <= _LINE else f"{text[: _LINE - 1]}\u2026"


def _listed(names: Iterable[str], tag: str = "") -> str:
    *first, last = list(names) or [""]
    begun = f"{', '.join(first)} and " if first else ""
    return f"{begun}{last} {tag}".strip()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number > 1 else ''}" if number else ""
