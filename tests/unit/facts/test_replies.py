"""The one format in which a host answers: lines of a word and its value, and sections under a mark nobody can guess."""

from __future__ import annotations

import pytest

from behindy_ops.errors import RemoteCommandFailed
from behindy_ops.facts.replies import Reply, parse_json, read, short

LONG = """\
@@1 tools
docker

@@2 end
curl
@@1 images
one
@@1 images! 3
@@1 images.err
no such
image
@@1 network! 1
@@1 end
"""


def test_an_answer_in_sections_is_taken_apart_and_says_what_failed_and_why() -> None:
    reply = read(LONG, "@@1")
    assert reply.lines("tools") == ["docker", "@@2 end", "curl"]
    assert reply.text("images") == "one"
    assert reply.problems == {"images": "no such\nimage", "network": "failed"}
    assert reply.lines("never printed") == []


@pytest.mark.parametrize("text", ["", "@@1 tools\ndocker\n", LONG.replace("@@1 end", "@@2 end")])
def test_an_answer_that_is_cut_short_is_an_error_with_its_last_lines(text: str) -> None:
    with pytest.raises(RemoteCommandFailed, match="ended early") as caught:
        read(text, "@@1")
    assert caught.value.lines == tuple(text.splitlines()[-10:])


def test_a_short_answer_is_read_by_the_first_word_of_each_line() -> None:
    reply = short("state running\nlook 200 0\nlook 500 0 \n\nok\n")
    assert reply.values() == {"state": "running", "look": "500 0", "ok": ""}
    assert reply.every("look") == ["200 0", "500 0 "]
    assert reply.rows() == [["state", "running"], ["look", "200", "0"], ["look", "500", "0"], ["ok"]]
    assert Reply().values() == {}


def test_what_is_no_json_is_nothing() -> None:
    assert parse_json('{"a": [1]}') == {"a": [1]}
    assert parse_json("Error response from daemon") is None
