"""What a GitHub runner makes of our log: masks, groups, annotations; and nothing that somebody else wrote is obeyed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops import report
from behindy_ops.errors import Kind
from behindy_ops.project.secret import Secret
from behindy_ops.report import events
from behindy_ops.report.actions import Actions
from behindy_ops.report.stream import SafeStream
from behindy_ops.report.summary import Links, Story, render
from tests.github_runner import Log, read_log

HOSTILE = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "::error::x",
            " \t::add-mask::a",
            "##[error]x",
            "a ##[group]b",
            "::stop-commands::T",
            "::T::",
            "\n::warning::x",
            "\u2003::error::x",
            "::endgroup::",
            "%0A::error::x",
            "x\r::error::y",
        ]
    ),
)


KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\nabc=\n-----END OPENSSH PRIVATE KEY-----\n".format("QUJD" * 12)


def shown(
    sent: list[events.Event],
    summary: Path | None = None,
    hide: tuple[Secret, ...] = (),
    outputs: Path | None = None,
) -> Log:
    stream = io.StringIO()
    environ = {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "team/behindy-frontend",
        "BEHINDY_OPS_URL": "https://github.com/team/behindy-ops",
    }
    if summary:
        environ["GITHUB_STEP_SUMMARY"] = str(summary)
    if outputs:
        environ["GITHUB_OUTPUT"] = str(outputs)
    renderer = Actions(SafeStream(stream), environ, hide)
    for event in sent:
        renderer(event)
    renderer.close()
    return read_log(stream.getvalue())


def names(log: Log) -> list[str]:
    """The commands that were obeyed; the random token that turns obedience on again has no name."""
    return [name if len(name) != 32 else "resumed" for name, _, _ in log.obeyed]


@given(HOSTILE, HOSTILE, st.lists(HOSTILE))
def test_nothing_that_somebody_else_wrote_is_obeyed(one: str, other: str, lines: list[str]) -> None:
    log = shown(
        [
            events.StepStarted("pull", one),
            events.StepProgress("pull", other),
            events.StepDone("pull", 1, other),
            events.Decision(one),
            events.Note(other),
            events.Warning_(one),
            events.Logs(one, tuple(lines)),
            events.StepFailed("x", 1, one),
            events.DeployStarted(one, other, one, other),
            events.DeployFinished(one, other, 1, {"release": one, other: one}),
            events.Failed(one, other, one, other, tuple(lines)),
        ]
    )
    assert names(log) == [
        *("group", "endgroup", "warning", "group", "stop-commands", "resumed", "endgroup"),
        *("error", "stop-commands", "resumed"),
    ]  # fmt: skip


@given(HOSTILE)
def test_a_line_of_a_view_is_not_obeyed(text: str) -> None:
    stream = io.StringIO()
    report.show_lines([report.text.Line(text)], stream, {"GITHUB_ACTIONS": "true"})
    assert not read_log(stream.getvalue()).obeyed


def test_every_secret_and_every_line_of_one_is_masked_before_anything_else() -> None:
    token = "a \"b\" 'c' $d %0A 비밀"
    log = shown([events.Note(f"{token} {'QUJD' * 12}")], hide=(Secret(KEY), Secret(token)))
    assert log.masks >= {token, "QUJD" * 12}
    assert "-----BEGIN OPENSSH PRIVATE KEY-----" not in log.masks
    assert token in "\n".join(log.bare)
    assert token not in log.text
    assert "QUJD" not in log.text
    assert names(log)[:2] == ["add-mask", "add-mask"]


def test_an_error_is_one_annotation_and_is_not_told_twice(capsys: pytest.CaptureFixture[str]) -> None:
    error = Kind.RELEASE_REFUSED("It failed: 100%.", state="v1 serves.", remedy="Mend it.", lines=("::error::forged",))
    environ = {"GITHUB_ACTIONS": "true"}
    renderer = report.choose(False, io.StringIO(), environ)
    assert isinstance(renderer, Actions)
    assert renderer.failure(error)  # so that the task does not show it again
    report.show_error(error, environ=environ)
    log = read_log(capsys.readouterr().err)
    assert log.named("error") == [
        ("title=release refused (exit code 50)", "It failed: 100%.\nState: v1 serves.\nNext: Mend it.")
    ]


def test_json_is_json_on_a_runner_too() -> None:
    stream = io.StringIO()
    report.choose(True, stream, {"GITHUB_ACTIONS": "true"}, [Secret("s3cret")])(events.Note("x"))
    assert stream.getvalue().startswith("{")
    assert "s3cret" not in stream.getvalue()


def test_a_summary_has_what_the_next_person_asks_for(tmp_path: Path) -> None:
    sha, old = "a" * 40, "b" * 40
    facts = {
        "release": "r2", "tag": sha, "digest": "sha256:12", "previous": "r1", "previous_tag": old,
        "previous_run": "https://github.com/team/x/actions/runs/7", "memory_before": "380 of 400 MB",
        "memory": "84 of 400 MB", "available_before": "851 MB", "available": "840 MB", "log_errors": "0",
    }  # fmt: skip
    file = tmp_path / "summary"
    shown(
        [
            events.DeployStarted("frontend", sha, "host", "team/behindy-frontend"),
            events.StepStarted("internal", "Check health: inside; #1"),
            events.StepDone("internal", 1.5, "HTTP 200 | <b>"),
            events.Warning_("Little *memory*."),
            events.DeployFinished("frontend", "live", 12.34, facts),
        ],
        file,
    )
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"### \u2705 frontend {sha} is live (12.3 s)"
    for line in (
        "| release | `r2` |",
        "| digest | `sha256:12` |",
        "| health | from inside nginx: HTTP 200 \\| \\<b\\> |",
        "| memory of the container | 380 of 400 MB \u2192 84 of 400 MB |",
        "| memory available on the host | 851 MB \u2192 840 MB |",
        (
            "| previous release | "
            f"`r1` `{old}`, [the run that deployed it](https://github.com/team/x/actions/runs/7), "
            f"[its commit](https://github.com/team/behindy-frontend/commit/{old}) |"
        ),
        "> \u26a0\ufe0f Little \\*memory\\*.",
        "```mermaid",
    ):
        assert line in lines, file.read_text()
    assert any(line.startswith("    Check health inside 1 :s0, ") and line.endswith(", 1500ms") for line in lines)
    assert "(https://github.com/team/behindy-ops/actions/workflows/rollback.yml)" in file.read_text()
    assert "`./inv deploy.rollback frontend --to r1`" in file.read_text()


def test_a_summary_tells_steps_of_one_name_apart_and_a_warning_once(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    told = [
        events.StepStarted("pull", "Pull web"),
        events.StepDone("pull", 1.0, "first"),
        events.StepStarted("pull", "Pull api"),
        events.StepFailed("pull", 2.0, ""),
        events.StepDone("odd", 3.0),
        events.StepDone("odd", 4.0),
        events.Decision("Left over, removed."),
        events.Note("Noted."),
        events.Warning_("Little memory."),
        events.StepStarted("last", "Never ended"),
    ]
    shown(told, file)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "### done"
    assert [line for line in lines if line.startswith("| ")][2:] == [
        "| Pull web | 1.0 s | first |",
        "| Pull api | 2.0 s | \u274c failed |",
        "| odd | 3.0 s |  |",
        "| odd | 4.0 s |  |",
        "| Never ended | not ended |  |",
    ]
    assert [line for line in lines if line.startswith(("- ", "> "))] == [
        "> \u26a0\ufe0f Little memory.",
        "- Left over, removed.",
        "- Noted.",
    ]


def test_a_step_stands_in_the_chart_where_it_began() -> None:
    story = Story()
    story.add(events.StepStarted("pull", "Pull"), 2.0)
    story.add(events.StepDone("pull", 1.5), 9.0)
    story.add(events.StepDone("odd", 0.5), 10.0)
    assert "    Pull :s0, 2000, 1500ms\n    odd :s1, 9500, 500ms" in render(story, Links())


def test_a_failure_s_summary_cannot_be_taken_over_by_a_log(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    log = ("```", "</details>", "# big", "<script>", "![x](https://example.org/x.png)")
    shown([events.Logs("Last log lines", log), events.Failed("refused", "a <b> @kim", "s", "n", log, 50)], file)
    text = file.read_text(encoding="utf-8")
    assert text.startswith("### \u274c refused (exit code 50)")
    assert "a \\<b\\> \\@kim" in text
    outside, inside = [], False
    for line in text.splitlines():
        if line.startswith("````"):
            inside = not inside
        elif not inside:
            outside.append(line)
    assert not {"```", "# big", "<script>"} & set(outside)
    assert outside.count("</details>") == 1


def test_a_summary_never_grows_past_what_the_runner_takes(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    for _ in range(40):
        shown([events.Logs("big", ("x" * 200,) * 500), events.Failed("t", "w")], file)
    assert 900_000 < file.stat().st_size <= 1_000_100


def test_a_step_has_how_the_deploy_ended_as_outputs_and_no_line_of_somebody_elses(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    outputs.write_text("before=1\n")
    facts = {"release": "r2", "digest": "sha256:ab\nother=1", "tag": "v2"}
    shown([events.DeployStarted("web", "v2", "h", "me/web"), events.DeployFinished("web", "live", 1.0, facts)])
    assert outputs.read_text() == "before=1\n"
    shown([events.DeployFinished("web", "live", 1.0, facts | {"digest": "sha256:ab"})], outputs=outputs)
    assert outputs.read_text() == "before=1\noutcome=live\nrelease=r2\ndigest=sha256:ab\n"
    shown([events.DeployFinished("web", "older", 1.0, facts)], outputs=outputs)
    assert not [line for line in outputs.read_text().splitlines() if line.startswith("other=")]
