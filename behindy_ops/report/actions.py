"""For GitHub Actions: a group per step, annotations, masked secrets, and the summary of the job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from behindy_ops.errors import BehindyError
from behindy_ops.project.secret import Secret
from behindy_ops.report import events
from behindy_ops.report.plain import Plain
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.summary import Links, Story, render
from behindy_ops.report.text import error_lines, printable
from behindy_ops.report.workflow import command, inert, masks, quoted

SUMMARY_BYTES = 1_000_000
"""Bytes written to a step's summary at most: docs/design.md, "Job summaries"."""


def failure_lines(event: events.Failed) -> list[str]:
    """Return an error as an annotation, and as text with its evidence."""
    said = [event.what, event.state and f"State: {event.state}", event.remedy and f"Next: {event.remedy}"]
    note = "\n".join(printable(words) for words in said if words)
    title = f"{event.title} (exit code {event.exit_code})"
    return [command("error", note, title=title), *quoted([line.text for line in error_lines(event)])]


class Actions(Plain):
    """Shows events as the log of a job, and writes the job's summary.

    Args:
        hide: values the runner is told to mask, before anything else is printed.
        environ: what the runner has set; without ``GITHUB_STEP_SUMMARY`` there is no summary, and without
            ``GITHUB_OUTPUT`` the step has no outputs.
    """

    def __init__(self, stream: SafeStream, environ: Mapping[str, str], hide: Sequence[Secret] = ()) -> None:
        super().__init__(stream)
        self._summary = Path(path) if (path := environ.get("GITHUB_STEP_SUMMARY", "")) else None
        self._outputs = Path(path) if (path := environ.get("GITHUB_OUTPUT", "")) else None
        self._links = Links.of(environ)
        self._group = ""
        self._story = Story()
        self._since = self._clock()
        for line in masks(hide):
            stream.write(line + "\n")
        stream.flush()

    def failure(self, error: BehindyError) -> bool:
        self(events.failed(error))
        return True

    def show(self, event: events.Event) -> None:
        super().show(event)
        self._story.add(event, self._clock() - self._since)
        if isinstance(event, events.DeployFinished):
            self._put_out(event)
        if isinstance(event, events.DeployFinished | events.Failed):
            self._end_story()

    def close(self) -> None:
        with self._lock:
            if self._story != Story():
                self._end_story()
            super().close()

    def _lines(self, event: events.Event) -> Iterator[str]:
        match event:
            case events.StepStarted(step):
                list(super()._lines(event))  # it keeps the title
                self._group = step
                yield command("group", self._title(step))
            case events.Warning_(text):
                about = printable(self._story.started.service) if self._story.started else ""
                yield command("warning", printable(text), title=about)
            case events.Block(title, lines):
                yield from self._end_group(self._group)
                yield command("group", printable(title))
                yield from quoted(lines)
                yield command("endgroup")
            case events.Failed():
                yield from self._end_group(self._group)
                yield from failure_lines(event)
            case _:
                if isinstance(event, events.StepDone | events.StepFailed):
                    yield from self._end_group(event.step)
                yield from (inert(part) for line in super()._lines(event) for part in line.split("\n"))

    def _end_group(self, step: str) -> Iterator[str]:
        """Groups do not nest: one that another step's has ended is not ended twice."""
        if step and self._group == step:
            self._group = ""
            yield command("endgroup")

    def _put_out(self, event: events.DeployFinished) -> None:
        """Give the step its outputs: how the deploy ended, and the release that is live; of several, the last one."""
        if self._outputs is None:
            return
        told = {"outcome": event.outcome, **{name: event.facts.get(name, "") for name in ("release", "digest")}}
        with self._outputs.open("a", encoding="utf-8") as out:
            out.writelines(f"{name}={' '.join(printable(value).split())}\n" for name, value in told.items())

    def _end_story(self) -> None:
        story, self._story = self._story, Story()
        self._since = self._clock()
        if self._summary is None:
            return
        text = render(story, self._links)
        with self._summary.open("a", encoding="utf-8", errors="replace") as out:
            if out.tell() + len(text.encode("utf-8", "replace")) <= SUMMARY_BYTES:
                out.write(text + "\n")
