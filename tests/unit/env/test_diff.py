"""What a candidate changes, and who notices."""

from __future__ import annotations

from behindy_ops.env.diff import Diff, diff, lines
from tests.unit.env.declared import WANTED, comparison, name


def test_a_diff_names_what_changes_and_who_notices() -> None:
    found = diff(
        comparison(
            name("DB_PASS", "set", "set"),
            name("JWT", "absent", "empty"),
            name("URL", "empty", "absent"),
            name("PREFIX", "set", "set", same=True),
            old={"db": "1", "backend": "1"},
            new={"db": "2", "backend": "2"},
            live={"backend": "1"},
        ),
        WANTED,
        ["backend"],
    )
    assert found == Diff(("JWT",), ("URL",), ("DB_PASS",), ("backend",), ("db",))
    said = [line.text for line in lines(found)]
    assert said[:3] == ["+ JWT", "- URL", "~ DB_PASS"]
    assert "inv deploy.backend" in said[3]
    assert said[-1].startswith("Is there a database already? Then it needs the old DB_PASS:")


def test_values_that_belong_to_the_data_are_named_when_they_are_new() -> None:
    said = [line.text for line in lines(Diff(added=("FIELD_KEY", "URL"), changed=("JWT_SECRET",)))]
    assert "needs the old FIELD_KEY, JWT_SECRET:" in said[-1]
    assert not any("database already" in line.text for line in lines(Diff(added=("URL",), removed=("DB_PASS",))))


def test_a_service_that_runs_with_it_already_needs_no_deploy() -> None:
    same = comparison(new={"backend": "1"}, old={"backend": "1"}, live={"backend": "1"})
    assert diff(same, WANTED, ["backend"]) == Diff()
    assert [line.text for line in lines(Diff())] == ["No value differs."]


def test_a_service_gets_it_with_its_next_deploy_though_the_file_has_had_it_since() -> None:
    since = comparison(old={"backend": "2"}, new={"backend": "2"}, live={"backend": "1"})
    assert diff(since, WANTED, ["backend"]).redeploy == ("backend",)
