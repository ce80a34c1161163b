"""The summary of a job on GitHub Actions, in Markdown. Pure: from what happened to the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from behindy_ops.facts.figures import took
from behindy_ops.report import events
from behindy_ops.report.markdown import code, fence, folded, plain, table
from behindy_ops.report.text import ending, printable

HEALTH = {
    "internal": "from inside nginx",
    "steady": "by itself",
    "rehearsal": "rehearsal",
    "external": "from outside",
    "watch": "watched",
}
"""The steps that tell how healthy a release is."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where things are on GitHub.

    Attributes:
        repository: address of the repository whose job this is.
        ops: address of this project's repository, whose ``rollback.yml`` takes a release back.
    """

    repository: str = ""
    ops: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Links:
        """Read them from what the runner, and our workflows, set."""
        server, name = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
        return cls(f"{server}/{name}" if server and name else "", environ.get("BEHINDY_OPS_URL", "").rstrip("/"))

    def commit(self, tag: str) -> str:
        """Return the address of the commit an image's tag names, or nothing: not every tag is a commit of here."""
        named = self.repository and self.repository != self.ops and re.fullmatch(r"[0-9a-f]{40}", tag)
        return f"{self.repository}/commit/{tag}" if named else ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A step that was begun; ``seconds`` is None until it has ended, ``begun`` counts from the story's beginning."""

    name: str
    title: str
    begun: float
    seconds: float | None = None
    detail: str = ""
    failed: str = ""


@dataclass(slots=True)
class Story:
    """What is told of one deploy, or of a task that was none."""

    started: events.DeployStarted | None = None
    finished: events.DeployFinished | None = None
    failure: events.Failed | None = None
    stages: list[Stage] = field(default_factory=list)
    said: list[events.Remark | events.Block] = field(default_factory=list)

    def add(self, event: events.Event, now: float) -> None:
        """Add what is told ``now`` seconds after the story's beginning."""
        match event:
            case events.DeployStarted():
                self.started = event
            case events.DeployFinished():
                self.finished = event
            case events.Failed():
                self.failure = event
            case events.StepStarted(step, title):
                self.stages.append(Stage(step, title, now))
            case events.StepDone(step, seconds, detail):
                self._end(Stage(step, step, now - seconds, seconds, detail))
            case events.StepFailed(step, seconds, reason):
                self._end(Stage(step, step, now - seconds, seconds, failed=reason or "failed"))
            case events.Remark() | events.Block():
                self.said.append(event)

    def _end(self, ended: Stage) -> None:
        """Put a stage in the place of the last one of its name that still runs, whose title and beginning it takes."""
        for number, stage in reversed(list(enumerate(self.stages))):
            if stage.name == ended.name and stage.seconds is None:
                self.stages[number] = replace(ended, title=stage.title, begun=stage.begun)
                return
        self.stages.append(ended)


def render(story: Story, links: Links) -> str:
    """Return the summary of one story: its end first, then what led to it."""
    remarks = [told for told in story.said if isinstance(told, events.Remark)]
    parts = [
        _heading(story),
        _failure(story.failure),
        _facts(story, links),
        "".join(f"> \u26a0\ufe0f {plain(told.text)}\n>\n" for told in remarks if isinstance(told, events.Warning_)),
        _how_to_go_back(story, links),
        _steps(story),
        "".join(f"- {plain(told.text)}\n" for told in remarks if not isinstance(told, events.Warning_)),
        *(
            folded(told.title, fence(told.lines))
            for told in story.said
            if isinstance(told, events.Block) and told.lines
        ),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _heading(story: Story) -> str:
    if story.failure is not None:
        return f"### \u274c {_name(story)}{plain(story.failure.title)} (exit code {story.failure.exit_code})\n"
    if story.finished is not None:
        sentence, _ = ending(story.finished, _tag(story))
        return f"### \u2705 {plain(sentence)} ({took(story.finished.seconds)})\n"
    return f"### {_name(story)}{'not finished' if story.started else 'done'}\n"


def _name(story: Story) -> str:
    return f"{plain(story.started.service)} {plain(_tag(story))}: " if story.started else ""


def _tag(story: Story) -> str:
    return story.started.tag if story.started else ""


def _failure(failure: events.Failed | None) -> str:
    if failure is None:
        return ""
    said = (("What", failure.what), ("State", failure.state), ("Next", failure.remedy))
    text = "".join(f"- **{label}:** {plain(words)}\n" for label, words in said if words)
    return f"{text}\n{fence(failure.lines)}" if failure.lines else text


def _facts(story: Story, links: Links) -> str:
    started, facts = story.started, dict(story.finished.facts) if story.finished else {}
    if started is None:
        return ""
    tag = facts.get("tag") or started.tag
    rows = {
        "host": plain(started.target),
        "image": code(f"{started.release}:{tag}" if started.release else tag),
        "commit": _link(tag[:12], links.commit(tag)) if links.commit(tag) else "",
        "release": code(facts.get("release", "")),
        "digest": code(facts.get("digest", "")),
        "live and proven": plain(facts.get("live_and_proven", "")),
        "watched after that": plain(facts.get("watched_after_that", "")),
        "health": _health(story),
        "x-deploy.before": plain(facts.get("before", "")),
        "x-deploy.after": plain(facts.get("after", "")),
        "previous release drains": plain(facts.get("draining", "")),
        "previous release drained": plain(facts.get("drain", "")),
        "memory of the container": _change(facts.get("memory_before", ""), facts.get("memory", "")),
        "memory available on the host": _change(facts.get("available_before", ""), facts.get("available", "")),
        "errors in its log": plain(facts.get("log_errors", "")),
        "previous release": _previous(facts, links),
    }
    return table(["", ""], [(name, value) for name, value in rows.items() if value])


def _health(story: Story) -> str:
    found = [stage for stage in story.stages if stage.name in HEALTH and stage.seconds is not None]
    return "<br>".join(f"{HEALTH[stage.name]}: {plain(stage.failed or stage.detail or 'ok')}" for stage in found)


def _change(before: str, after: str) -> str:
    return plain(after) if not before else f"{plain(before)} \u2192 {plain(after)}" if after else ""


def _previous(facts: Mapping[str, str], links: Links) -> str:
    release, tag, run = (facts.get(name, "") for name in ("previous", "previous_tag", "previous_run"))
    if not release:
        return ""
    ways = [("the run that deployed it", run), ("its commit", links.commit(tag))]
    shown = [_link(words, address) for words, address in ways if address]
    return ", ".join([" ".join(part for part in (code(release), code(tag)) if part), *shown])


def _link(words: str, address: str) -> str:
    """A link; an address that could hold markup is shown instead."""
    return f"[{plain(words)}]({address})" if re.fullmatch(r"https?://[\w.:/~%-]+", address) else code(address)


def _how_to_go_back(story: Story, links: Links) -> str:
    finished = story.finished
    if finished is None or not finished.facts.get("previous") or story.failure is not None:
        return ""
    page = _link("rollback.yml", f"{links.ops}/actions/workflows/rollback.yml") if links.ops else ""
    ways = [f"run {page} with service {code(finished.service)}" if page else "", "from a checkout: "]
    ways[1] += code(f"./inv deploy.rollback {finished.service} --to {finished.facts['previous']}")
    return f"**To roll back**, {', or '.join(way for way in ways if way)}\n"


def _steps(story: Story) -> str:
    if not story.stages:
        return ""
    return f"{table(['step', 'time', 'result'], map(_row, story.stages))}\n{_gantt(story)}"


def _row(stage: Stage) -> tuple[str, str, str]:
    if stage.seconds is None:
        return plain(stage.title), "not ended", ""
    result = f"\u274c {plain(stage.failed)}" if stage.failed else plain(stage.detail)
    return plain(stage.title), took(stage.seconds), result


def _gantt(story: Story) -> str:
    lines = ["gantt", "    dateFormat x", "    axisFormat %s s"]
    for number, stage in enumerate(story.stages):
        words = re.sub(r"[^\w./ -]", "", printable(stage.title).replace("https://", "")).strip() or stage.name
        mark = "crit, " if stage.failed or stage.seconds is None else ""
        length = max(1, round((stage.seconds or 0) * 1000))
        lines.append(f"    {words} :{mark}s{number}, {max(0, round(stage.begun * 1000))}, {length}ms")
    return fence(lines, "mermaid")
