"""``ops.prune``: what is planned is what is sent, and what became of it is told by name."""

from __future__ import annotations

from behindy_ops.facts.replies import short
from behindy_ops.host.command import wire
from behindy_ops.views import prune
from tests.unit.ops_facts import container, release, seen, survey
from tests.unit.views.test_disk import FILESYSTEMS, REPO, system_df

LONGEST = 128 * 1024
"""Bytes of one argument on Linux (MAX_ARG_STRLEN); sshd gives the shell a command line as one."""

NOTHING = prune.Plan((), 0, 0, 0)


def test_the_plan_is_what_the_disk_view_says_may_go() -> None:
    found = survey(container("backend", image_id="sha256:3"), releases=(release("backend", 2, "2"),))
    facts = seen(found, filesystems=FILESYSTEMS, docker_=system_df())
    view = prune.describe(facts)
    assert view == prune.PruneView(True, prune.Plan((f"{REPO}:v1", "sha256:d"), images=2, cache=2, frees=75))


def test_a_plan_names_everything_and_nothing_else_is_sent() -> None:
    plan = prune.Plan((f"{REPO}:v1", "sha256:d"), images=2, cache=0, frees=35)
    text = "\n".join(line.text for line in prune.lines(prune.PruneView(True, plan)))
    assert f"  {REPO}:v1\n  sha256:d\n" in text
    command = prune.command("home", plan)
    assert command.changes
    assert command.argv[4:] == ("home", "no")
    assert command.stdin == f"image {REPO}:v1\nimage sha256:d\n".encode()
    assert "Nothing to remove" in prune.lines(prune.PruneView(True, NOTHING))[0].text


def test_static_files_are_named_and_sent_and_are_enough_to_do() -> None:
    plan = prune.Plan((), images=0, cache=0, frees=9, assets=("web r1", "web r2"))
    assert not plan.needless
    assert "  static files of web r1" in [line.text for line in prune.lines(prune.PruneView(True, plan))]
    assert prune.command("home", plan).stdin == b"assets web r1\nassets web r2\n"


def test_however_much_is_to_go_the_command_line_stays_short() -> None:
    plan = prune.Plan(tuple(f"{REPO}:v{number}" for number in range(5000)), images=5000, cache=0, frees=0)
    assert len(wire(prune.command("home", plan), ("fence",))) < LONGEST


def test_what_was_removed_and_what_docker_kept_is_told_by_name() -> None:
    reply = short(
        "room 100\nremoved a:1\nkept b:2 Error response from daemon: conflict\n"
        'cache {"CachesDeleted":["abc"],"SpaceReclaimed":5}\nroom 160\n'
    )
    done = prune.read(reply)
    assert done == prune.Pruned(("a:1",), ("b:2 Error response from daemon: conflict",), ("abc",), 60)
    assert "Freed 60 B." in [line.text for line in prune.lines(prune.PruneView(False, NOTHING, done))]


def test_a_disk_that_others_fill_meanwhile_or_that_df_does_not_tell_of_has_nothing_freed() -> None:
    assert prune.read(short("room 160\nremoved a:1\nroom 100\n")).freed == 0
    assert prune.read(short("room \nremoved a:1\nroom \n")).freed == 0


def test_what_stays_on_other_nodes_is_said_whatever_is_removed_here() -> None:
    for done in (None, prune.Pruned((), (), (), 0)):
        view = prune.PruneView(True, NOTHING, done, other_nodes=("beta",))
        assert "beta: their disks are not seen" in " ".join(line.text for line in prune.lines(view))
