"""The checks through the public URL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from behindy_ops.deploy.state import Phase
from behindy_ops.deploy.steps.external import CheckLive, CheckOutside, CheckPrevious, Rehearse
from behindy_ops.deploy.steps.step import Look, Verdict
from behindy_ops.errors import Kind
from behindy_ops.facts.maintenance import Closed
from behindy_ops.project.services import Expect
from behindy_ops.project.settings import Settings
from tests.named import NETWORK
from tests.unit.deploy.states import GREEN, LIVE, SERVICE, answer, state_of

WELL = "look 200 0 none\nnames 10.0.0.2\ninside 200 0\nok\n"
AT = replace(GREEN, addresses={NETWORK: "10.0.0.2"})


def test_the_new_release_is_asked_until_nginx_has_forgotten_the_old_address() -> None:
    command = CheckOutside().command(state_of(switched=5000))
    header = "behindy-ops/rehearsal/header"
    assert command.argv[4:11] == (header, "3", "0.1", "7100", "nginx", "web", "http://web:3000/")
    assert command.argv[11:] == ("mine=<address>", "https://behindy.me/")
    assert CheckOutside().command(state_of(switched=5000, green=AT)).argv[11] == "mine=10.0.0.2"


def test_an_nginx_that_is_not_ours_is_never_sent_the_token() -> None:
    state = state_of(switched=5000, green=AT)
    stale = replace(state, survey=replace(state.survey, stale=frozenset({"web"})))
    sent = CheckOutside().command(stale).argv
    assert sent[4:11] == ("", "3", "0.2", "7100", "nginx", "web", "http://web:3000/")
    assert not [word for word in sent[4:] if "rehearsal" in word or "mine=" in word]


def test_an_answer_from_the_right_place_proves_it() -> None:
    state = state_of(switched=5000, phase=Phase.SWITCHED, green=AT)
    read = CheckOutside().read(state, answer(WELL))
    assert read.state.phase is Phase.PROVEN
    assert not read.relapse


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        ("names 10.0.0.6", "resolves to 10.0.0.6, not 10.0.0.2"),
        ("names 10.0.0.2 10.0.0.6", "resolves to 10.0.0.2, 10.0.0.6, not 10.0.0.2"),
        ("names", "resolves to nothing, not 10.0.0.2"),
        ("names 10.0.0.2\naddress 10.0.0.9", "resolves to 10.0.0.2, not 10.0.0.9"),
        ("names 10.0.0.2 fd00::6\naddress 10.0.0.2 fd00::2", "resolves to 10.0.0.2, fd00::6, not 10.0.0.2 or fd00::2"),
        ("names\naddress 10.0.0.2 fd00::2", "resolves to nothing, not 10.0.0.2 or fd00::2"),
    ],
    ids=["another", "two", "none", "a new one after a restart of the engine", "another by IPv6", "none of either"],
)
def test_an_answer_from_elsewhere_takes_it_back(names: str, meant: str) -> None:
    state = state_of(switched=5000, phase=Phase.SWITCHED, green=AT)
    read = CheckOutside().read(state, answer(f"look 200 0 none\n{names}\ninside 200 0\nok\n"))
    assert meant in read.relapse
    assert read.state.phase is Phase.SWITCHED


def test_a_container_may_be_on_further_networks_which_nginx_sees_or_not() -> None:
    on_two = replace(GREEN, addresses={NETWORK: "10.0.0.2", "egress": "10.0.1.2"})
    for names in ("10.0.0.2", "10.0.1.2 10.0.0.2"):
        for address in ("", "address 10.0.0.2 10.0.1.2\n"):
            said = WELL.replace("names 10.0.0.2", f"names {names}") + address
            assert CheckOutside().judge(state_of(green=on_two), answer(said)).verdict is Verdict.HEALTHY
    said = WELL.replace("names 10.0.0.2", "names 10.0.0.2 10.0.0.6")
    assert "not 10.0.0.2 or 10.0.1.2" in CheckOutside().judge(state_of(green=on_two), answer(said)).reason


@pytest.mark.parametrize(
    "told",
    [
        "names 10.0.0.2 fd00::2\naddress 10.0.0.2 fd00::2",
        "names 10.0.0.2\naddress 10.0.0.2 fd00::2",
        "names 10.0.0.2\naddress 10.9.0.7 10.0.0.2",
        "names 10.0.0.2 fd00::2",
    ],
    ids=["both families", "nginx without IPv6", "one of two networks", "an address told by the survey alone"],
)
def test_every_address_of_the_new_release_is_the_right_place(told: str) -> None:
    state = state_of(switched=5000, phase=Phase.SWITCHED, green=AT)
    read = CheckOutside().read(state, answer(f"look 200 0 none\n{told}\ninside 200 0\nok\n"))
    assert (read.relapse, read.state.phase) == ("", Phase.PROVEN)


def test_one_that_lets_another_answer_in_its_place_is_not_proven() -> None:
    look = CheckOutside().judge(state_of(green=AT), answer(WELL.replace("inside 200 0", "inside 000 7")))
    assert look == Look(Verdict.AGAIN, "another container answered in its place; itself: connection refused")


@pytest.mark.parametrize(
    ("code", "definite"), [(500, True), (404, True), (429, False), (502, False), (503, False), (504, False), (0, False)]
)
def test_only_an_error_of_the_release_itself_is_definite(code: int, definite: bool) -> None:
    look = CheckOutside().judge(state_of(), answer(f"look 200 0 none\nlook {code:03} 7 none\n"))
    assert (look.verdict, look.definite) == (Verdict.AGAIN, definite)
    assert look.reason == (f"HTTP {code}" if code else "connection refused")


def test_no_answer_is_no_success() -> None:
    assert CheckOutside().judge(state_of(), answer("ok\n")) == Look(Verdict.AGAIN, "no answer")


def test_a_name_that_two_answer_to_is_not_looked_up() -> None:
    shared = replace(LIVE, aliases={NETWORK: ("web",)})
    step, state = CheckOutside(), state_of(live=shared, switched=5000)
    assert step.command(state).argv[9:11] == ("", "")
    assert step.judge(state, answer("look 200 0 none\nok\n")).verdict is Verdict.HEALTHY


def test_a_hurried_run_attempts_once() -> None:
    assert CheckOutside(attempts=1).policy(state_of()).attempts == 1


def test_a_rehearsal_that_did_not_reach_the_candidate_is_refused() -> None:
    step, state = Rehearse(), state_of()
    assert step.command(state).argv[4] == "behindy-ops/rehearsal/header"
    error = step.read(state, answer("look 200 0 none\nok\n")).error
    assert error is not None
    assert error.kind is Kind.NGINX_NOT_READY
    assert "not by web-green" in error.what
    assert error.remedy.startswith("This is about the host, not the release.")
    assert step.read(state, answer("look 200 0 -green\nok\n")).error is None


def test_a_public_path_that_needs_a_login_is_told_as_one() -> None:
    error = Rehearse().read(state_of(), answer("look 403 0 -green\n")).error
    assert error is not None
    assert "HTTP 403: the path needs a login" in error.what
    assert "services.web.x-deploy" in error.remedy


@pytest.mark.parametrize("code", [401, 403])
def test_after_the_switch_too_a_path_that_needs_a_login_is_told_as_one(code: int) -> None:
    state = state_of(switched=5000, phase=Phase.SWITCHED, green=AT)
    read = CheckOutside().read(state, answer(f"look {code} 0 none\n"))
    assert read.relapse == f"it fails from outside: HTTP {code}: the path needs a login"
    expecting = replace(state, service=replace(SERVICE, expect=Expect((200, code))))
    well = WELL.replace("look 200", f"look {code}").replace("inside 200", f"inside {code}")
    read = CheckOutside().read(expecting, answer(well))
    assert (read.relapse, read.detail, read.state.phase) == ("", f"HTTP {code}", Phase.PROVEN)
    look = Rehearse().judge(expecting, answer(f"look {code} 0 -green\nok\n"))
    assert look == Look(Verdict.HEALTHY, f"HTTP {code}")


def test_what_counts_as_healthy_goes_along_with_every_look() -> None:
    state = state_of(service=replace(SERVICE, expect=Expect((200, 401), "a b")), switched=5000, green=AT)
    for step in (Rehearse(), CheckOutside(), CheckLive(), CheckPrevious("")):
        argv = [word for word in step.command(state).argv if not word.startswith("of=")]
        assert argv[-3:] == ["status= 200 401 ", "body=a b", "https://behindy.me/"]


def test_a_body_that_is_not_as_expected_is_definite_and_says_what_is_missing() -> None:
    state = state_of(service=replace(SERVICE, expect=Expect(body="welcome")))
    for step, asked in ((Rehearse(), "-green"), (CheckOutside(), "none")):
        look = step.judge(state, answer(f"look 200 0 {asked} lacking\n"))
        assert (look.verdict, look.definite) == (Verdict.AGAIN, True)
        assert look.reason == "HTTP 200, but its body does not contain 'welcome' (x-deploy.expect.body)"
    look = CheckOutside().judge(replace(state, service=replace(SERVICE, expect=Expect((204,)))), answer(WELL))
    assert (look.verdict, look.definite) == (Verdict.AGAIN, False), "nobody says that it answers itself"
    assert look.reason == "another container answered in its place; itself: HTTP 200"


def test_a_rehearsal_refuses_a_release_whose_page_names_a_file_that_is_not_there() -> None:
    told = answer("look 200 0 -green\nmissing /_next/static/a.js\nmissing /b.css\nok\n")
    look = Rehearse().judge(state_of(), told)
    assert (look.verdict, look.definite) == (Verdict.AGAIN, True)
    error = Rehearse().read(state_of(), told).error
    assert error is not None
    assert error.kind is Kind.RELEASE_REFUSED
    assert "its page names /_next/static/a.js, /b.css, and the answer to that is HTTP 404" in error.what


def test_an_icon_that_is_not_there_is_told_and_refuses_nothing() -> None:
    read = Rehearse().read(state_of(), answer("look 200 0 -green\nunfound /favicon.ico\nok\n"))
    assert read.error is None
    assert read.detail == "HTTP 200; its page names /favicon.ico, which is HTTP 404"


def test_a_host_that_cannot_reach_its_own_public_name_is_told_soon_with_the_setting_that_helps() -> None:
    step, state = Rehearse(), state_of()
    told = answer("look 000 28 none\nmet \nleads 203.0.113.9\nnear 200 0 -green\n")
    look = step.judge(state, told)
    assert (look.verdict, look.definite, step.definite) == (Verdict.AGAIN, True, 2)
    error = step.read(state, told).error
    assert error is not None
    assert error.kind is Kind.HOST_NOT_READY
    assert "the name leads to 203.0.113.9 on the host" in error.what
    assert "BEHINDY_PUBLIC_ADDRESS=127.0.0.1" in error.remedy
    cdn = answer("look 200 0 none\nmet 203.0.113.9 cdn\nleads 203.0.113.9\nnear 200 0 -green\nok\n")
    assert "by 203.0.113.9 (cdn), which is another server" in step.judge(state, cdn).reason


def test_a_name_that_fails_after_the_switch_is_waited_for() -> None:
    told = answer("look 000 6 none\nmet \nleads\nnear 200 0 none\n")
    for step in (CheckOutside(), CheckLive(), CheckPrevious("")):
        look = step.judge(state_of(), told)
        assert (look.verdict, look.definite) == (Verdict.AGAIN, False)
        assert "the name leads to nothing on the host" in look.reason


def test_every_look_on_the_host_goes_to_the_address_that_is_set() -> None:
    state = state_of(settings=Settings(domain="behindy.me", public_address="127.0.0.1"))
    for step in (Rehearse(), CheckOutside(), CheckLive(), CheckPrevious("")):
        sent = step.command(state).argv
        assert (sent[11], sent[-1]) == ("at=127.0.0.1", "https://behindy.me/")


def test_the_previous_release_says_in_a_sentence_whether_it_serves() -> None:
    step = CheckPrevious("It was started again")
    well = replace(LIVE, addresses={NETWORK: "10.0.0.2"})
    read = step.read(state_of(live=well, switched=1), answer(WELL))
    assert read.state.serving == "The previous release serves again, checked from outside."
    read = step.read(state_of(live=well), answer("look 502 0 none\n"))
    assert read.state.serving.startswith("It was started again, but from outside: HTTP 502.")
    assert read.failed == "HTTP 502"


def test_the_previous_release_is_asked_through_its_public_url_until_nginx_has_forgotten_the_new_one() -> None:
    service = replace(SERVICE, rehearsal="/r")
    after, before = (CheckPrevious("").command(state_of(service=service, switched=at)).argv for at in (5000, None))
    assert (after[7], before[7]) == ("7100", "0")
    assert after[11:] == before[11:] == ("https://behindy.me/",)


def test_the_token_leads_past_a_closed_service_where_nginx_is_ours() -> None:
    state = state_of(switched=5000)
    closed = replace(state, survey=replace(state.survey, maintenance={"web": Closed()}))
    token = "token=behindy-ops/rehearsal/header"
    for step in (CheckPrevious(""), CheckLive()):
        assert step.command(closed).argv[11:] == (token, "https://behindy.me/")
        stale = replace(closed, survey=replace(closed.survey, stale=frozenset({"web"})))
        assert token not in step.command(stale).argv
    assert token not in Rehearse().command(closed).argv


def test_being_closed_is_well_where_it_answers_inside() -> None:
    state = state_of(switched=5000, phase=Phase.SWITCHED, green=AT)
    told = "look 503 0 none\nclosed\nnames 10.0.0.2\ninside {} 0\nok\n"
    assert CheckOutside().read(state, answer(told.format(200))).detail == "closed for maintenance; it answers inside"
    assert "itself: HTTP 500" in CheckOutside().read(state, answer(told.format(500))).relapse


def test_what_is_live_is_asked_once_without_waiting() -> None:
    step = CheckLive()
    assert step.policy(state_of()).attempts == 1
    assert step.command(state_of()).argv[7] == "0"
    assert step.judge(state_of(), answer(WELL)).verdict is Verdict.HEALTHY


def test_a_rehearsal_has_to_be_met_by_the_candidate_at_each_edge() -> None:
    state = state_of()
    at_each = "look 200 0 -green at=10.0.0.2\nlook 200 0 {} at=10.0.0.3\nlook 200 0 -green at=\nok\n"
    assert Rehearse().judge(state, answer(at_each.format("-green"))).verdict is Verdict.HEALTHY
    look = Rehearse().judge(state, answer(at_each.format("none")))
    assert look.verdict is Verdict.FATAL
    error = Rehearse().conclude(state, look).error
    assert error is not None
    assert "answered, at the edge 10.0.0.3, but not by web-green" in error.what
    assert error.remedy == "Bring it the host's: inv host.setup --swarm --edge user@host:port"


def test_what_fails_at_one_edge_says_at_which() -> None:
    state = state_of(switched=5000, phase=Phase.SWITCHED, green=AT)
    read = CheckOutside().read(state, answer("look 500 0 none at=10.0.0.3\n"))
    assert read.relapse.endswith("HTTP 500, at the edge 10.0.0.3")
