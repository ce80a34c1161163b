"""Telling webhooks: each once, whatever they answer, and never in a way that shows their address or fails the run."""

from __future__ import annotations

import signal
import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from behindy_ops.errors import Kind, SwarmFound
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import Settings
from behindy_ops.project.webhooks import Webhook, webhook
from behindy_ops.report import message
from behindy_ops.report.events import DeployFinished, DeployStarted, StepDone
from behindy_ops.report.message import Message, Mood
from behindy_ops.report.messenger import SECONDS, send, telling
from tests.kinds import raises
from tests.receiver import SECRET, Receiver, self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = Message(Mood.GOOD, "[production] frontend v2 is live", fields={"task": "deploy"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def hook(url: str, kind: str = "json") -> Webhook:
    return webhook(Secret(url), kind)


def whole(missed: list[str]) -> str:
    (sentence,) = missed
    assert SECRET not in sentence
    assert "127.0.0.1" not in sentence
    assert "leakme" not in sentence
    return sentence


@pytest.mark.parametrize("kind", ["slack", "discord", "json"])
def test_a_webhook_is_told_once_in_its_own_form(kind: str, receiver: Receiver) -> None:
    assert send([hook(receiver.url, kind)], TEXT) == []
    (told,) = receiver.told
    assert {"slack": "text", "discord": "content", "json": "task"}[kind] in told
    ((method, path, headers),) = receiver.asked
    assert (method, path, headers["Content-Type"]) == ("POST", f"/services/{SECRET}", "application/json")
    assert headers["User-Agent"].startswith("behindy-ops/")


def test_one_that_is_told_by_204_was_told() -> None:
    with Receiver(status=204) as receiver:
        assert send([hook(receiver.url)], TEXT) == []


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_one_that_refuses_is_named_by_its_answer_and_not_asked_again(status: int) -> None:
    with Receiver(status=status) as receiver:
        sentence = whole(send([hook(receiver.url)], TEXT))
        assert len(receiver.told) == 1
    assert sentence == f"The webhook (json) was not told how this ended: it answered HTTP {status}."


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    for status in (301, 302, 303, 307, 308):
        with Receiver(status=status, location=receiver.url) as first:
            assert f"HTTP {status}, a redirect" in whole(send([hook(first.url)], TEXT))
    assert receiver.asked == []


def test_one_that_does_not_answer_costs_no_more_than_the_time_there_is(receiver: Receiver) -> None:
    with Receiver(mute=True) as mute:
        begun = time.monotonic()
        missed = send([hook(mute.url), hook(receiver.url, "slack")], TEXT, seconds=0.5)
        assert time.monotonic() - begun < SECONDS
        assert len(mute.told) == 1
    assert missed == ["Webhook 1 of 2 (json) was not told how this ended: no answer within 0.5 s."]
    assert len(receiver.told) == 1


def test_three_that_do_not_answer_cost_no_more_than_one() -> None:
    with Receiver(mute=True) as mute:
        begun = time.monotonic()
        assert len(send([hook(mute.url)] * 3, TEXT, seconds=1.0)) == 3
        assert time.monotonic() - begun < 2.5


def test_where_one_of_two_was_not_told_it_is_not_said_that_they_were(receiver: Receiver) -> None:
    with (
        Receiver(status=500) as broken,
        telling("deploy", settings(receiver, broken), ["web"], who=lambda: "mona", complain=lambda _: None) as heard,
    ):
        heard.hear(DeployStarted("web", "v2", "h"))
        heard.hear(DeployFinished("web", "live", 1.0))
    assert (heard.sent, len(receiver.told)) == (None, 1)


def test_one_that_answers_without_an_end_costs_no_more_nor_holds_up_the_end_of_the_program() -> None:
    with Receiver(drips=True) as receiver:
        begun, before = time.monotonic(), set(threading.enumerate())
        assert "no answer within 0.5 s" in whole(send([hook(receiver.url)], TEXT, seconds=0.5))
        assert time.monotonic() - begun < SECONDS
        left = set(threading.enumerate()) - before
        assert [thread.daemon for thread in left if "ask" in thread.name] == [True]


def test_one_that_is_not_there_is_told_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "connection refused" in whole(send([hook(f"http://127.0.0.1:{port}/{SECRET}")], TEXT))


def test_a_certificate_that_is_not_trusted_is_told_nothing(tmp_path: Path) -> None:
    with Receiver(certificate=self_signed(tmp_path)) as receiver:
        assert "its certificate is not trusted" in whole(send([hook(receiver.url)], TEXT))
        assert receiver.told == []


def test_one_that_does_not_speak_tls_is_told_nothing(receiver: Receiver) -> None:
    assert "TLS" in whole(send([hook(receiver.url.replace("http:", "https:"))], TEXT))
    assert receiver.told == []


def test_a_proxy_is_not_asked_for_one_on_this_machine(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert send([hook(receiver.url)], TEXT) == []


@pytest.mark.parametrize(
    ("number", "asked"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")]
)
def test_a_signal_ends_the_telling_and_nothing_else(number: signal.Signals, asked: str) -> None:
    before = signal.getsignal(number)
    with Receiver(mute=True) as receiver:
        main = threading.main_thread().ident
        assert main is not None

        def stop() -> None:
            while not receiver.told:
                time.sleep(0.01)
            signal.pthread_kill(main, number)

        threading.Thread(target=stop, daemon=True).start()
        assert f"stopped by {asked}" in whole(send([hook(receiver.url)], TEXT))
    assert signal.getsignal(number) == before


def settings(*receivers: Receiver, kind: str = "") -> Settings:
    return Settings(host="h", notify_urls=tuple(Secret(each.url) for each in receivers), notify_kind=kind)


def told_of(error: BaseException | None, *receivers: Receiver, settings_: Settings | None = None) -> list[str]:
    """Deploy, in a way that ends so; return what was complained of."""
    complaints: list[str] = []
    with ExitStack() as stack:
        if error is not None:
            stack.enter_context(pytest.raises(type(error)))
        with telling(
            *("deploy", settings_ or settings(*receivers), ["web"]), who=lambda: "mona", complain=complaints.append
        ) as told:
            told.hear(DeployStarted("web", "v2", "h"))
            told.hear(StepDone("pull", 1.0))
            if error is not None:
                raise error
            told.hear(DeployFinished("web", "live", 4.0, {"release": "r2"}))
    return complaints


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "live"),
        (Kind.RELEASE_REFUSED("Crashed."), "failed"),
        (Kind.SWITCHED_BACK("Bad."), "switched back"),
        (Kind.INTERRUPTED("Stopped by SIGINT."), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (ValueError("leakme"), "failed"),
    ],
)
def test_every_end_is_told_once_and_goes_on_as_it_was(
    error: BaseException | None, outcome: str, receiver: Receiver
) -> None:
    assert told_of(error, receiver) == []
    (told,) = receiver.told
    assert (told["outcome"], told["who"]) == (outcome, "mona")
    assert "leakme" not in str(told)


@pytest.mark.parametrize("error", [None, Kind.RELEASE_REFUSED("Crashed.")])
def test_what_cannot_be_told_is_said_and_changes_nothing(error: BaseException | None) -> None:
    with Receiver(status=500) as receiver:
        (complaint,) = told_of(error, receiver)
    assert "HTTP 500" in complaint


@pytest.mark.parametrize("task", ["deploy", "doctor"])
def test_a_run_that_is_begun_once_more_has_not_ended(task: str, receiver: Receiver) -> None:
    with (
        pytest.raises(SwarmFound),
        telling(task, settings(receiver), ["web"], who=str, complain=pytest.fail),
    ):
        raise SwarmFound("The host manages a swarm.")
    assert receiver.told == []


def test_a_bug_in_the_telling_fails_nothing(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Message:
        raise LookupError(receiver.url)

    monkeypatch.setattr(message, "ended", broken)
    (complaint,) = told_of(None, receiver)
    assert complaint == "Nobody was told how this ended: a bug of behindy-ops (LookupError)."


def test_nobody_is_asked_who_it_is_where_nobody_is_told() -> None:
    def who() -> str:
        raise AssertionError

    with telling("deploy", Settings(host="h"), ["web"], who=who, complain=pytest.fail):
        pass


def unreachable(settings_: Settings) -> None:
    with telling("doctor", settings_, [], who=str, complain=pytest.fail):
        raise Kind.HOST_UNREACHABLE("h does not answer.")


def test_a_doctor_who_finds_nothing_tells_nothing_and_one_who_cannot_look_does(receiver: Receiver) -> None:
    with telling("doctor", settings(receiver), [], who=str, complain=pytest.fail) as told:
        told.findings = []
    assert (receiver.told, told.sent) == ([], 0)
    with raises(Kind.HOST_UNREACHABLE):
        unreachable(settings(receiver))
    (sent,) = receiver.told
    assert (sent["outcome"], sent["error"], sent["what"]) == ("failed", "host unreachable", "[host] does not answer.")
    with telling(
        "doctor", replace(settings(receiver), notify_on="everything"), [], who=str, complain=pytest.fail
    ) as told:
        told.findings = []
    assert (receiver.told[-1]["outcome"], told.sent) == ("well", 1)
