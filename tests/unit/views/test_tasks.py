"""What a view says of tasks: where they run, how many serve, and why one does not."""

from __future__ import annotations

from behindy_ops.views import tasks
from tests.unit.ops_facts import NOW, container, spread, task, text_of


def test_what_is_to_run_and_what_failed_is_told_by_number_the_newest_first() -> None:
    told = tasks.tasks_of(
        spread(
            "web",
            task(2, "gamma"),
            task(1, "beta", wanted="shutdown", state="failed", since="2027-01-15T07:10:00Z", error="exit (3)"),
            task(1, "beta", since="2027-01-15T07:20:00Z"),
            task(1, "beta", wanted="shutdown", state="shutdown"),
        ),
        NOW,
    )
    assert [(one.task, one.node, one.state) for one in told] == [
        ("web.1", "beta", "running"),
        ("web.1", "beta", "failed"),
        ("web.2", "gamma", "running"),
    ]
    said = text_of(tasks.lines(told))
    assert "web.2 gamma running" in said
    assert "web.1 failed on beta 50 min ago: exit (3)" in said
    assert tasks.tasks_of(container("web"), NOW) == ()


def test_a_task_on_a_node_that_does_not_answer_is_in_no_known_state() -> None:
    away = spread("web", task(1, "beta"), task(2, "gamma", ready=False))
    assert [one.state for one in tasks.tasks_of(away, NOW)] == ["running", "unknown"]
    assert tasks.share(away) == "1/2"
    assert away.lacking == "1 of 2 tasks run: no answer from gamma"


def test_why_one_waits_is_told_beside_it() -> None:
    waits = spread("web", task(1, "", state="pending", error="no suitable node"), trouble="no node fits", replicas=1)
    assert waits.lacking == "0 of 1 tasks run: no node fits"
    assert "web.1 pending on no node" in text_of(tasks.lines(tasks.tasks_of(waits, NOW)))


def test_of_a_container_and_of_what_is_whole_nothing_is_lacking() -> None:
    assert container("web").lacking == spread("web").lacking == ""
    assert (tasks.share(container("web")), tasks.share(spread("web"))) == ("", "2/2")


def test_nodes_that_are_not_seen_are_named_where_there_are_some() -> None:
    assert text_of(tasks.unseen("The load", ("b", "c"))) == "The load on b, c is not shown: only they know it."
    assert tasks.unseen("The load", ()) == []
