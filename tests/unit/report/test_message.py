"""What a webhook is told: each end in its own words, in the form its reader takes, and without anything secret."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.errors import Interrupted, Kind, Stopped, SwitchedBack
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings
from behindy_ops.report.events import DeployFinished, DeployStarted, Event, Recovered, TakenBack
from behindy_ops.report.message import (
    DISCORD_CHARACTERS,
    About,
    Message,
    Mood,
    about,
    body,
    ended,
    found,
    unfinished,
)
from tests.unit.report.told import AT, HOSTILE

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT = Path(__file__).resolve().parents[3]

RUN = "https://github.com/team/frontend/actions/runs/42"
DEPLOY = About("deploy", ("frontend",), "v2", "", "shop.example", "mona", RUN, host="203.0.113.7")
BEGUN = DeployStarted("frontend", "v2", "203.0.113.7")
LIVE = DeployFinished("frontend", "live", 41.26, {"release": "r2", "previous": "r1"})
UNCHANGED = DeployFinished("frontend", "unchanged", 2.0)
RECOVERED = Recovered("frontend", "live", "v1", "an earlier run stopped before the switch: its candidate is removed")
REFUSED = Kind.RELEASE_REFUSED(
    "frontend-green exited with code 1.",
    state="The live release was never touched and is still running.",
    remedy="Fix it and deploy again.",
    lines=("its password is leakme",),
)
BACK = SwitchedBack("The new release of frontend was switched back: it answers 502.", state="v1 serves again.")
STOPPED = Interrupted("Stopped by SIGINT.", signal_number=2, state="The live release was never touched.")


def told(about_: About, events: Sequence[Event] = (), error: BaseException | None = None) -> Message:
    message = ended(about_, events, error)
    assert message is not None
    return message


def fields(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(body(message, "json", AT))
    return sent


def test_a_deploy_that_is_live_is_told_with_its_release_and_the_way_back() -> None:
    message = told(DEPLOY, [BEGUN, LIVE])
    assert message.text.splitlines() == [
        "\u2705 [production, shop.example] frontend v2 is live",
        "frontend: release r2, previous r1, after 41.3 s",
        "To go back: inv deploy.rollback frontend",
        "By mona",
        RUN,
    ]
    assert fields(message) == {
        "version": 1,
        "at": "2025-11-10T12:30:00+00:00",
        "task": "deploy",
        "outcome": "live",
        "well": True,
        "headline": "frontend v2 is live",
        "text": message.text,
        "environment": "production",
        "domain": "shop.example",
        "who": "mona",
        "run": RUN,
        "error": "",
        "what": "",
        "state": "",
        "remedy": "",
        "exit_code": 0,
        "services": [
            {"service": "frontend", "tag": "v2", "outcome": "live", "seconds": 41.3, "release": "r2", "previous": "r1"}
        ],
        "recovered": [],
        "taken_back": [],
    }


def test_a_refusal_is_told_with_why_the_state_and_what_to_type() -> None:
    message = told(DEPLOY, [BEGUN], REFUSED)
    assert message.text.splitlines()[:5] == [
        "\u274c [production, shop.example] the deploy of frontend v2 failed: release refused",
        "What: frontend-green exited with code 1.",
        "State: The live release was never touched and is still running.",
        "Next: Fix it and deploy again.",
        "Exit code 50",
    ]
    sent = fields(message)
    assert (sent["outcome"], sent["well"], sent["error"], sent["exit_code"]) == ("failed", False, "release refused", 50)
    assert sent["services"][0]["outcome"] == "failed"


def test_log_lines_are_not_told() -> None:
    assert b"leakme" not in body(told(DEPLOY, [BEGUN], REFUSED), "json", AT)


@pytest.mark.parametrize(
    ("about_", "events", "error", "mood", "headline", "outcome"),
    [
        (
            replace(DEPLOY, task="rollback", tag=""),
            [replace(BEGUN, tag="v1"), LIVE],
            None,
            Mood.GOOD,
            "frontend v1 is live again",
            "live",
        ),
        (
            replace(DEPLOY, task="rollback"),
            [],
            Kind.HOST_NOT_READY("None."),
            Mood.BAD,
            "the rollback of frontend v2 failed: host not ready",
            "failed",
        ),
        (replace(DEPLOY, task="restart"), [BEGUN, LIVE], None, Mood.GOOD, "frontend v2 was restarted", "live"),
        (DEPLOY, [BEGUN], BACK, Mood.BACK, "frontend v2 was taken back", "switched back"),
        (
            DEPLOY,
            [BEGUN, TakenBack("frontend", "x")],
            STOPPED,
            Mood.BACK,
            "frontend v2 was taken back",
            "switched back",
        ),
        (
            DEPLOY,
            [TakenBack("frontend", "x"), BEGUN],
            STOPPED,
            Mood.STOPPED,
            "the deploy of frontend v2 was interrupted",
            "interrupted",
        ),
        (DEPLOY, [], KeyboardInterrupt(), Mood.STOPPED, "the deploy of frontend v2 was interrupted", "interrupted"),
        (DEPLOY, [], Kind.LOCK_HELD("Held."), Mood.BAD, "the deploy of frontend v2 failed: host is locked", "failed"),
        (
            DEPLOY,
            [BEGUN, LIVE],
            Kind.AFTER_FAILED("x."),
            Mood.BAD,
            "frontend v2 is live, but: command after the switch failed",
            "failed",
        ),
        (
            DEPLOY,
            [RECOVERED, BEGUN, UNCHANGED],
            None,
            Mood.RECOVERED,
            "what an interrupted run had left of frontend was put in order",
            "recovered",
        ),
        (
            replace(DEPLOY, task="recovery"),
            [RECOVERED],
            None,
            Mood.RECOVERED,
            "what an interrupted run had left of frontend was put in order",
            "recovered",
        ),
        (
            replace(DEPLOY, task="recovery"),
            [TakenBack("frontend", "x"), RECOVERED],
            None,
            Mood.BACK,
            "a release of frontend that an interrupted run had put live was taken back",
            "switched back",
        ),
        (
            replace(DEPLOY, task="recovery", tag=""),
            [],
            Kind.HOST_NOT_READY("x."),
            Mood.BAD,
            "the recovery of frontend failed: host not ready",
            "failed",
        ),
        (DEPLOY, [BEGUN], ValueError("leakme"), Mood.BAD, "the deploy of frontend v2 failed: unexpected", "failed"),
    ],
)
def test_each_end_has_its_own_words(
    about_: About, events: list[Event], error: BaseException | None, mood: Mood, headline: str, outcome: str
) -> None:
    message = told(about_, events, error)
    assert (message.mood, message.headline) == (mood, f"[production, shop.example] {headline}")
    assert fields(message)["outcome"] == outcome
    assert "leakme" not in message.text


def test_a_recovery_before_a_deploy_is_told_with_it() -> None:
    message = told(DEPLOY, [RECOVERED, BEGUN, LIVE])
    assert f"frontend: {RECOVERED.what}; v1 is live now." in message.lines
    assert fields(message)["recovered"] == [
        {"service": "frontend", "outcome": "live", "tag": "v1", "what": RECOVERED.what}
    ]


ALL = replace(DEPLOY, services=("llmserver", "backend", "frontend"), run="", who="")


def all_live() -> list[Event]:
    return [
        event
        for name in ALL.services
        for event in (DeployStarted(name, "v2", "h"), DeployFinished(name, "live", 3.0, {"release": f"{name}-r"}))
    ]


def test_several_services_are_one_message() -> None:
    message = told(ALL, all_live())
    assert message.headline == "[production, shop.example] llmserver, backend and frontend v2 are live"
    assert len(message.lines) == 3


def test_of_several_services_those_that_changed_are_named_and_the_others_told() -> None:
    events = [*all_live()[:2], *(DeployFinished(name, "unchanged", 1.0) for name in ALL.services[1:])]
    message = told(replace(ALL, tag="v2"), events)
    assert message.headline.endswith("] llmserver v2 is live")
    assert message.lines[1:] == (
        "backend v2 is live already; nothing changed",
        "frontend v2 is live already; nothing changed",
    )


def test_where_nothing_changed_that_is_told_as_the_task_does() -> None:
    message = told(replace(DEPLOY, on="everything"), [BEGUN, UNCHANGED])
    assert (message.mood, message.headline) == (
        Mood.GOOD,
        "[production, shop.example] frontend v2 is live already; nothing changed",
    )


def test_of_several_services_the_one_that_failed_is_named_and_what_was_not_begun() -> None:
    events = [*all_live()[:2], DeployStarted("backend", "v2", "h")]
    message = told(ALL, events, REFUSED)
    assert message.headline.endswith("the deploy of backend v2 failed: release refused")
    assert {each["service"]: each["outcome"] for each in fields(message)["services"]} == {
        "llmserver": "live",
        "backend": "failed",
        "frontend": "not begun",
    }
    assert "not begun: frontend" in message.lines
    assert message.lines[0].startswith("llmserver: release llmserver-r")


ENDS: list[tuple[str, list[Event], BaseException | None, set[str]]] = [
    ("live", [BEGUN, LIVE], None, {"changes", "everything"}),
    ("unchanged", [BEGUN, UNCHANGED], None, {"everything"}),
    ("recovered", [RECOVERED, BEGUN, LIVE], None, {"failures", "changes", "everything"}),
    ("failed", [BEGUN], REFUSED, {"failures", "changes", "everything"}),
]


@pytest.mark.parametrize(("name", "events", "error", "by"), ENDS)
@pytest.mark.parametrize("on", ["failures", "changes", "everything"])
def test_the_setting_says_which_ends_are_told(
    name: str, events: list[Event], error: BaseException | None, by: set[str], on: str
) -> None:
    assert (ended(replace(DEPLOY, on=on), events, error) is not None) is (on in by), name


def test_a_recovery_that_had_nothing_to_do_is_not_told_unless_everything_is() -> None:
    assert ended(replace(DEPLOY, task="recovery"), []) is None
    everything = told(replace(DEPLOY, task="recovery", on="everything"), [])
    assert everything.headline.endswith("frontend: nothing was left to recover")


def finding(severity: str = "trouble", name: str = "stopped") -> dict[str, object]:
    return {
        "name": name, "subject": "frontend", "severity": severity, "symptom": "It does not answer.",
        "cause": "the live container is not running", "remedy": "Start it: inv ops.doctor --fix", "fix": None,
        "evidence": ["leakme"],
    }  # fmt: skip


def test_what_the_doctor_found_is_told_troubles_first() -> None:
    message = found(replace(DEPLOY, task="doctor"), [finding("risk", "near its limit"), finding()])
    assert message is not None
    assert message.text.splitlines()[:5] == [
        "\U0001f6a8 [production, shop.example] 1 trouble and 1 risk",
        "TROUBLE frontend: stopped. the live container is not running",
        "    Next: Start it: inv ops.doctor --fix",
        "RISK frontend: near its limit. the live container is not running",
        "    Next: Start it: inv ops.doctor --fix",
    ]
    sent = fields(message)
    assert (sent["outcome"], sent["well"], sent["exit_code"]) == ("trouble", False, 65)
    assert [each["severity"] for each in sent["findings"]] == ["trouble", "risk"]
    assert "leakme" not in json.dumps(sent)


@pytest.mark.parametrize(
    ("findings", "by"),
    [
        ([], {"everything"}),
        ([finding("risk")], {"changes", "everything"}),
        ([finding("risk"), finding()], {"failures", "changes", "everything"}),
    ],
)
@pytest.mark.parametrize("on", ["failures", "changes", "everything"])
def test_the_setting_says_what_of_the_doctors_is_told(findings: list[dict[str, object]], by: set[str], on: str) -> None:
    assert (found(replace(DEPLOY, task="doctor", on=on), findings) is not None) is (on in by)


def test_of_very_many_problems_some_are_told_and_the_others_counted() -> None:
    message = found(replace(DEPLOY, task="doctor"), [finding()] * 12)
    assert message is not None
    assert "and 2 more: inv ops.doctor" in message.lines
    assert len(fields(message)["findings"]) == 12


def test_a_doctor_who_cannot_look_says_why() -> None:
    message = unfinished(replace(DEPLOY, task="doctor"), Kind.HOST_UNREACHABLE("203.0.113.7 does not answer."), None)
    assert message is not None
    assert message.headline == "[production, shop.example] the doctor could not finish: host unreachable"
    assert message.lines[:2] == ("What: [host] does not answer.", "Exit code 11")
    assert (message.text[0], fields(message)["outcome"]) == ("\u274c", "failed")


STOPS = [(KeyboardInterrupt(), 130), (Interrupted("Stopped.", signal_number=15), 143), (Stopped(signal.SIGTERM), 143)]


@pytest.mark.parametrize(("error", "code"), STOPS)
def test_a_doctor_who_is_stopped_has_not_failed(error: BaseException, code: int) -> None:
    message = unfinished(replace(DEPLOY, task="doctor"), error, [finding()])
    assert message is not None
    assert (fields(message)["exit_code"], len(fields(message)["findings"])) == (code, 1)
    assert message.headline == "[production, shop.example] the doctor was interrupted"
    assert (message.text[0], fields(message)["outcome"]) == ("\u23f9", "interrupted")


def test_where_remedies_could_not_be_asked_for_what_was_found_is_told() -> None:
    asked = Kind.USAGE("There is no terminal to ask on.")
    message = unfinished(replace(DEPLOY, task="doctor"), asked, [finding()])
    assert message is not None
    assert (fields(message)["outcome"], "1 trouble" in message.headline) == ("trouble", True)
    assert unfinished(replace(DEPLOY, task="doctor"), asked, None) is None


@pytest.mark.parametrize(("error", "code"), STOPS)
def test_a_signal_is_told_as_what_it_is(error: BaseException, code: int) -> None:
    message = told(DEPLOY, [BEGUN], error)
    assert (fields(message)["outcome"], fields(message)["exit_code"]) == ("interrupted", code)


def test_a_wrong_option_is_not_told_unless_something_was_begun() -> None:
    wrong = Kind.USAGE("There is no release nope.")
    assert ended(replace(DEPLOY, task="rollback"), [], wrong) is None
    assert told(DEPLOY, [BEGUN], wrong).headline.endswith("the deploy of frontend v2 failed: wrong usage")


def test_what_an_earlier_run_had_put_live_and_was_taken_back_is_not_this_ones() -> None:
    earlier = [TakenBack("frontend", ""), RECOVERED]
    stopped = Kind.INTERRUPTED("Stopped by SIGINT.")
    assert fields(told(DEPLOY, earlier, stopped))["outcome"] == "interrupted"
    assert fields(told(replace(DEPLOY, task="recovery"), earlier, stopped))["outcome"] == "switched back"


def test_of_two_secrets_that_begin_alike_no_rest_is_left() -> None:
    hide = (Secret("abcdefgh"), Secret("abcdefghijklmnop"))
    message = told(replace(DEPLOY, hide=hide), [BEGUN], Kind.RELEASE_REFUSED("it says abcdefghijklmnop"))
    assert "What: it says [hidden]" in message.lines


def test_what_is_too_short_to_be_a_secret_does_not_eat_up_the_message() -> None:
    message = told(replace(DEPLOY, hide=(Secret("v2"),)), [BEGUN, LIVE])
    assert message.headline.endswith("frontend v2 is live")


def test_the_public_domain_is_told_though_it_leads_to_the_host() -> None:
    message = told(replace(DEPLOY, host="shop.example"), [BEGUN], Kind.RELEASE_REFUSED("shop.example answered 502."))
    assert "What: shop.example answered 502." in message.lines


def test_only_a_deploy_names_the_way_back() -> None:
    events = [BEGUN, LIVE]
    assert "To go back: inv deploy.rollback frontend" in told(DEPLOY, events).lines
    assert not [line for line in told(replace(DEPLOY, task="rollback"), events).lines if "To go back" in line]


def test_of_one_service_it_is_not_said_again_that_it_was_not_begun() -> None:
    stopped = Kind.INTERRUPTED("Stopped by SIGINT.")
    both = replace(DEPLOY, services=("frontend", "backend"))
    assert "not begun: backend" in told(both, [BEGUN], stopped).lines
    assert not [line for line in told(DEPLOY, [], stopped).lines if "not begun" in line]


def test_a_host_that_is_called_as_a_service_hides_none_of_its_names() -> None:
    made = about("deploy", Settings(host="web"), ["web"], "mona")
    message = told(made, [DeployStarted("web", "v2", "web"), DeployFinished("web", "live", 1.0)])
    assert ("web v2 is live" in message.headline, fields(message)["services"][0]["service"]) == (True, "web")


def test_of_a_message_that_is_too_long_for_discord_the_longest_lines_are_cut_and_the_link_is_whole() -> None:
    refused = Kind.RELEASE_REFUSED("_" * 690, state="*" * 690, remedy="See: inv ops.logs web_api")
    sent = json.loads(body(told(DEPLOY, [BEGUN], refused), "discord", AT))["content"]
    *lines, link = sent.splitlines()
    assert (link, DISCORD_CHARACTERS - 20 < len(sent) <= DISCORD_CHARACTERS) == (RUN, True)
    assert ("Next: See: inv ops.logs web\\_api" in lines, "By mona" in lines) == (True, True)
    assert [line[-1] for line in lines if line.startswith(("What", "State"))] == ["\u2026"] * 2
    assert "\\\u2026" not in sent


def test_a_link_in_a_message_to_discord_stays_one() -> None:
    wrong = Kind.RELEASE_REFUSED("https://behindy.me/a_b_c does not answer; a_b_c does")
    assert (
        "https://behindy.me/a_b_c does not answer; a\\_b\\_c does"
        in json.loads(body(told(DEPLOY, [BEGUN], wrong), "discord", AT))["content"]
    )


@pytest.mark.parametrize(
    ("who", "name", "run"), [(f"mona ({RUN})", "mona", RUN), ("mona@laptop", "mona@laptop", ""), ("a (b)", "a (b)", "")]
)
def test_the_link_to_the_job_is_taken_from_who_ran_it(who: str, name: str, run: str) -> None:
    made = about("deploy", Settings(host="h"), ["web"], who)
    assert (made.who, made.run) == (name, run)


def test_nothing_secret_is_told_nor_the_host_which_may_be() -> None:
    secrets = (Secret("dckr_pat_leakme"), Secret("-----BEGIN KEY-----\nleakmeleakme\n-----END KEY-----\n"))
    asked = replace(DEPLOY, hide=secrets, who="dckr_pat_leakme")
    error = Kind.HOST_UNREACHABLE(
        "203.0.113.7:22 does not answer, nor 203.0.113.7.",
        state="leakmeleakme",
        remedy="ssh 203.0.113.7 dckr_pat_leakme",
    )
    message = told(asked, [BEGUN, replace(RECOVERED, what="dckr_pat_leakme")], error)
    for kind in ("slack", "discord", "json"):
        sent = body(message, kind, AT).decode()
        assert "leakme" not in sent
        assert "203.0.113.7" not in sent
    assert fields(message)["what"] == "[host]:22 does not answer, nor [host]."


def test_a_name_that_begins_like_the_host_is_told() -> None:
    error = Kind.RELEASE_REFUSED("web-frontend and web.example are not web.")
    message = told(replace(DEPLOY, host="web"), [BEGUN], error)
    assert fields(message)["what"] == "web-frontend and web.example are not [host]."


TRICKY = replace(DEPLOY, who="<!channel> @everyone *b* _i_ [x](https://evil.example) & `c`", run="")


def test_slack_calls_nobody_and_formats_nothing() -> None:
    sent = json.loads(body(told(TRICKY, [BEGUN, LIVE]), "slack", AT))
    assert set(sent) == {"text", "mrkdwn", "unfurl_links", "unfurl_media"}
    assert sent["mrkdwn"] is False
    assert "By &lt;!channel&gt; @everyone *b* _i_ [x](https://evil.example) &amp; `c`" in sent["text"]


def test_discord_calls_nobody_and_formats_nothing_but_links() -> None:
    sent = json.loads(body(told(replace(TRICKY, run=RUN), [BEGUN, LIVE]), "discord", AT))
    assert sent["allowed_mentions"] == {"parse": []}
    assert r"By <!channel\> \@everyone \*b\* \_i\_ \[x\](https://evil.example) & \`c\`" in sent["content"]
    assert sent["content"].endswith(RUN)


@given(text=st.text(max_size=3000))
def test_whatever_is_told_is_whole_json_and_no_longer_than_its_reader_takes(text: str) -> None:
    message = told(DEPLOY, [BEGUN], Kind.RELEASE_REFUSED(text, state=text, remedy=text, lines=(text,)))
    assert len(json.loads(body(message, "discord", AT))["content"]) <= DISCORD_CHARACTERS
    assert len(json.loads(body(message, "slack", AT))["text"]) < 40_000
    assert all(isinstance(json.loads(body(message, kind, AT)), dict) for kind in ("slack", "discord", "json"))


def test_nothing_in_it_moves_a_cursor_or_begins_a_line_of_its_own() -> None:
    message = told(DEPLOY, [BEGUN], Kind.RELEASE_REFUSED(HOSTILE))
    assert "\x1b" not in message.text
    assert len(message.lines) == 3


PAGES = ("docs/notify.md", "docs/ko/notify.md")
SHOWN_LIVE = told(
    replace(DEPLOY, hide=()),
    [BEGUN, replace(LIVE, facts={"release": "20261127-143000-3f2a", "previous": "20261126-090000-77b1"})],
)
SHOWN_BACK = told(
    replace(DEPLOY, tag="v3", run=RUN.replace("42", "43")),
    [replace(BEGUN, tag="v3"), TakenBack("frontend", "")],
    SwitchedBack(
        "The new release of frontend was switched back: it answered 502.",
        state="The previous release serves again, checked from outside.",
        remedy="What it logged last is above. Fix it and deploy again.",
    ),
)


def blocks(page: str, language: str) -> list[str]:
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_shows_what_is_told(page: str) -> None:
    assert blocks(page, "text")[:2] == [f"{SHOWN_LIVE.text}\n", f"{SHOWN_BACK.text}\n"]
    (sample,) = blocks(page, "json")
    shown, sent = json.loads(sample), fields(SHOWN_BACK)
    assert shown | {"text": sent["text"]} == sent
    assert list(shown) == list(sent)
    assert sent["text"].startswith(shown["text"].removesuffix("..."))


@pytest.mark.parametrize("page", PAGES)
def test_the_page_names_every_field_and_outcome(page: str) -> None:
    doctors = found(replace(DEPLOY, task="doctor"), [finding()])
    assert doctors is not None
    sent = fields(told(DEPLOY, [RECOVERED, BEGUN, LIVE])) | fields(doctors)
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    inner = {name for part in ("services", "recovered", "findings") for name in sent[part][0]}
    assert not {name for name in {*sent, *inner} if f"`{name}`" not in text}


def test_both_pages_have_the_same_blocks_and_tables() -> None:
    english, korean = ((CHECKOUT / page).read_text(encoding="utf-8") for page in PAGES)
    for shape in (r"^#+ ", r"^\|", r"^ *```\w*$"):
        assert len(re.findall(shape, english, re.MULTILINE)) == len(re.findall(shape, korean, re.MULTILINE))
    for language in ("text", "json", "sh"):
        assert blocks(PAGES[0], language) == blocks(PAGES[1], language)
