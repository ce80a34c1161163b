"""The page about taking over a host, typed from top to bottom on a host with the old layout, under traffic."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from sandbox.traffic.generator import Traffic, demo, websocket
from tests.sandbox import old_layout as old
from tests.sandbox.bare import DOMAIN, Bare, bare, believe_the_authority, curl_from_here, fingerprint_of_its_key
from tests.sandbox.support import ROOT, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.traffic.model import TrafficResult

pytestmark = pytest.mark.timeout(600)

PAGE = ROOT / "docs" / "adopting.md"
FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"
full = pytest.mark.skipif(not FULL, reason="takes long; --full runs it")
ASK = {"host.setup", "host.sync", "host.up", "host.certs"}
"""What asks, and is answered with a yes."""

PLACES = {"a named volume": "pgdata", "a directory": "./pgdata"}
"""The page's two choices, by its remark behind the line that is typed."""

MOST = 60
"""Requests that the one moment may cost: kept-alive connections on which one was just arriving, and the WebSocket."""

MOST_BACK = 900
"""Those that the way back may cost, on which no connection waits."""

EACH = 8
"""More requests than a stream has connections."""

WAIT = 16.0
"""Seconds that a new connection may have to wait in the moment: its first packet is sent again after 1, 3, 7 and 15."""


@dataclass(frozen=True)
class Block:
    """Commands of the page that stand together, and where they are typed."""

    where: str
    text: str


def blocks() -> dict[str, list[Block]]:
    """Return the page's commands, by the heading below which they stand."""
    found: dict[str, list[Block]] = {}
    for part in PAGE.read_text().split("\n## ")[1:]:
        typed = re.findall(r"^```sh\n# on (your machine|the host)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
        found[part.partition("\n")[0]] = [Block(where, text) for where, text in typed]
    return found


@dataclass
class Takeover:
    """A person with the page, and what visitors notice of what is typed."""

    made: Bare
    place: str
    traffic: Traffic

    def type(self, block: Block) -> None:
        """Type a block, of the choices the one for this database."""
        lines = block.text.splitlines()
        lines = [line for line in lines if not any(f"# {other}" in line for other in PLACES if other != self.place)]
        if block.where == "the host":
            self.made.sh("\n".join(["set -e", *lines]), user="ubuntu", timeout=200)
            return
        for line in lines:
            program, task, *words = shlex.split(line, comments=True)
            assert program == "./inv", line
            more = {"host.trust": ("--fingerprint", fingerprint_of_its_key(self.made)), "deploy.all": ("--watch", "0")}
            answer = ("--yes",) if task in ASK else more.get(task, ())
            ran = self.made.inv(task, *words, *answer)
            expected = {"host.check": (0, 30), "ops.doctor": (0, 65)}.get(task, (0,))
            assert ran.code in expected, (line, ran.said)


def served(made: Bare) -> str:
    """Of the certificate that visitors get."""
    ask = f"openssl s_client -connect 127.0.0.1:443 -servername {DOMAIN} </dev/null 2>/dev/null"
    return made.sh(f"{ask} | openssl x509 -noout -serial")


def on_disk(made: Bare, number: int) -> str:
    return made.sh(f"openssl x509 -noout -serial -in /etc/letsencrypt/archive/{DOMAIN}/cert{number}.pem")


def started_from(made: Bare, name: str) -> str:
    label = '{{index .Config.Labels "com.docker.compose.project.working_dir"}}'
    return made.sh(f"docker inspect --format '{label}' {name}")


def how(made: Bare) -> list[dict[str, str]]:
    services: list[dict[str, str]] = json.loads(made.inv("host.adopt", "--json").ok().out)["services"]
    return services


def files_of_old(made: Bare) -> str:
    return made.sh(f"find {old.OLD} -type f -not -path '*/pgdata/*' | sort | xargs md5sum")


def told(title: str, result: TrafficResult) -> None:
    longest = max(stream.longest for stream in result.streams if "new connections" in stream.name)
    reasons = Counter(loss.reason for loss in result.losses)
    print(f"\n{title}: {result.sent} requests, {result.lost} lost; a new connection took {longest:.1f} s", reasons)  # noqa: T201


def settled(traffic: Traffic) -> TrafficResult:
    """Wait until no connection is left that was closed and not used since; return the figures."""
    before = {stream.name: stream.sent for stream in traffic.snapshot().streams}

    def used() -> bool:
        return all(stream.sent > before[stream.name] + EACH for stream in traffic.snapshot().streams)

    wait_for(used, 60, "that each connection is used again")
    return traffic.snapshot()


def go_forward(person: Takeover) -> None:
    """Steps 1 to 7, of which one costs something."""
    made, typed = person.made, blocks()["The commands"]
    moment = next(block for block in typed if "host.up nginx" in block.text)
    at = typed.index(moment)
    for block in typed[:at]:
        person.type(block)
    assert person.traffic.snapshot().lost == 0
    up, certs = moment.text.splitlines()
    person.type(replace(moment, text=up))
    assert served(made) == on_disk(made, 1)  # what certbot on the host had obtained
    cost = person.traffic.snapshot()
    assert cost.lost <= MOST, cost.losses
    assert not [loss for loss in cost.losses if "Cannot connect" in loss.reason], cost.losses
    assert max(stream.longest for stream in cost.streams if "new connections" in stream.name) < WAIT
    person.type(replace(moment, text=certs))
    assert served(made) == on_disk(made, 2)  # it had 20 days left, and nginx was reloaded
    renewed = settled(person.traffic)
    for block in typed[at + 1 : -1]:
        person.type(block)
    result = person.traffic.stop()
    told("taken over", cost)
    told(f"with a renewal and three deploys, the latter with {result.sent - renewed.sent}", result)
    assert result.lost == renewed.lost, result.losses


@pytest.mark.parametrize("place", ["a named volume", pytest.param("a directory", marks=full)])
def test_the_page_leads_from_the_old_layout_to_three_services_and_back(tmp_path: Path, place: str) -> None:
    with bare("trixie", tmp_path, second="adopting", systemd=old.PRESENT) as made:
        old.prepare(made)
        believe_the_authority(made)
        old.start(made, data=PLACES[place], days=20)
        old.publish(made, "new")
        files, database = files_of_old(made), old.kept(made)
        made.inv("host.trust", "--fingerprint", fingerprint_of_its_key(made)).ok()
        refused = made.inv("host.sync", "--yes")  # into the old directory
        assert (refused.code, "BEHINDY_HOST_DIR=behindy" in refused.err, files_of_old(made)) == (81, True, files)
        (made.project / ".env").write_text("BEHINDY_HOST_DIR=behindy\n")
        with Traffic(made, (*demo(), websocket()), max_seconds=400) as traffic:
            traffic.wait_until_flowing()
            go_forward(Takeover(made, place, traffic))
        assert (old.kept(made), files_of_old(made)) == (database, files)
        assert "new" in curl_from_here(made, "/")
        assert {each["started"] for each in how(made)} == {"this tool"}
        assert made.sh("systemctl is-enabled certbot.timer behindy-certs.timer; true").split() == [
            "disabled",
            "enabled",
        ]
        assert "valid until" in made.sh("/usr/local/lib/behindy-ops/certs", user="ubuntu")
        result, grown = go_back(made, place)
        assert (grown.mounts, grown.rows) == (database.mounts, database.rows)
        assert grown.container != database.container
        assert result.lost <= MOST_BACK, result.losses
        assert {started_from(made, name) for name in (*old.SERVICES, "nginx", "postgres", "redis")} == {old.OLD}
        assert (old.kept(made).rows, files_of_old(made)) == (database.rows, files)


def go_back(made: Bare, place: str) -> tuple[TrafficResult, old.Kept]:
    """What the page has for later, and then the way back; return that one's cost, and the database between the two."""
    with Traffic(made, (*demo(), websocket()), max_seconds=200) as traffic:
        traffic.wait_until_flowing()
        Takeover(made, place, traffic).type(blocks()["The commands"][-1])
        result = traffic.stop()
    told("later", result)
    assert result.lost == 0, result.losses
    grown = old.kept(made)
    (back,) = blocks()["The way back"]
    with Traffic(made, (*demo(), websocket()), max_seconds=200) as traffic:
        traffic.wait_until_flowing()
        Takeover(made, place, traffic).type(back)
        result = settled(traffic)
    told("and back", result)
    return result, grown
