"""What makes several edges of a swarm one site: the waiting for them, what keeps one in step, and how it gets there."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from behindy_ops.host.command import script_text
from tests.unit.host.scripts.fake_host import Answer, FakeHost
from tests.unit.host.scripts.test_swarm_scripts import LEADERLESS, NEW, OLD, has_units, of_engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE, THERE = "h" * 25, "t" * 25
LED = "web web-new nginx\nweb-blue web-old nginx\n"
IN_STEP = "serial 1\nname web web-new\nname web-blue web-old\nend\n"
BEHIND = "serial 1\nname web web-old\nname web-green web-new\nend\n"


def node(identity: str, address: str, state: str = "ready") -> dict[str, object]:
    return {"ID": identity, "Version": {"Index": 1}, "Spec": {}, "Status": {"State": state, "Addr": address}}


def two_edges(host: FakeHost, state: str = "ready") -> None:
    listed = json.dumps([node(HERE, "10.0.0.1"), node(THERE, "10.0.0.2", state)], separators=(",", ":"))
    host.on("curl", "*behindy.edge=true*", listed)
    host.on("docker", "info --format {{.Swarm.NodeID}}", HERE)
    host.moved["+ 8000"] = "+ 1200"


@pytest.fixture
def names(host: FakeHost) -> Path:
    names = host.home / "assets/.names"
    names.mkdir(parents=True)
    has_units(host, {})
    host.on("docker", 'service inspect --format {{index .Spec.Labels "behindy.names"}} *', f"{names}\n")
    host.on("docker", "service update *")
    host.on("curl", "*behindy.names=*", of_engine(NEW, OLD))
    host.on("docker", 'service inspect --format *behindy.name"}} *behindy.dns*', LED)
    for identity, name in ((NEW, "web"), (OLD, "web-blue")):
        host.on("docker", f"service inspect --format /* {identity}", f"/{name}\n")
    return names


def labels(calls: list[str]) -> list[str]:
    return [call.split("behindy.name=")[1].split()[0] for call in calls if "service update" in call]


@pytest.mark.usefixtures("names")
class TestSwitch:
    """Two names change hands only where every edge follows."""

    def swap(self, host: FakeHost, *words: str) -> tuple[int, list[str], str]:
        done = host.run("deploy/swap", *(words or (OLD, "web-blue", "web", NEW, "web", "any")), engine="swarm")
        return done.code, labels(done.calls), done.err

    def test_it_is_made_once_the_other_edge_says_the_same(self, host: FakeHost) -> None:
        two_edges(host)
        host.on("docker", f"exec nginx curl *http://edge-{THERE}:8404/names", BEHIND, IN_STEP)
        assert self.swap(host)[:2] == (0, ["web-blue", "web"])

    def test_it_is_undone_where_that_one_does_not_follow(self, host: FakeHost) -> None:
        two_edges(host)
        host.on("docker", "exec nginx curl *", BEHIND)
        code, given, said = self.swap(host)
        assert (code, given) == (84, ["web-blue", "web", "web-green", "web"])
        assert "nginx on the edge 10.0.0.2 does not follow" in said

    def test_the_way_back_is_kept_all_the_same(self, host: FakeHost) -> None:
        two_edges(host)
        host.on("docker", "exec nginx curl *", Answer(code=7))
        host.on("docker", f"service inspect --format /* {NEW}", "/web-green\n")
        host.on("docker", f"service inspect --format /* {OLD}", "/web\n")
        assert self.swap(host, NEW, "web-green", "web", OLD, "web", "")[:2] == (0, ["web-green", "web"])

    def test_one_that_is_away_is_not_waited_for(self, host: FakeHost) -> None:
        two_edges(host, "down")
        assert self.swap(host)[:2] == (0, ["web-blue", "web"])

    @pytest.mark.parametrize("addresses", [{"Addr": "10.0.0.2"}, {}])
    def test_nor_is_one_of_which_a_leader_has_never_heard(self, host: FakeHost, addresses: dict[str, str]) -> None:
        two_edges(host)
        said = 'heartbeat failure for node in "unknown" state'  # of a host that died with the leader before
        gone = node(THERE, "") | {"Status": {"State": "down", "Message": said, **addresses}}
        host.on("curl", "*behindy.edge=true*", json.dumps([gone, node(HERE, "10.0.0.1")], separators=(",", ":")))
        assert self.swap(host)[:2] == (0, ["web-blue", "web"])

    def test_one_that_goes_away_meanwhile_is_not_waited_for_either(self, host: FakeHost) -> None:
        two_edges(host)
        ready, down = (json.dumps([node(HERE, "10.0.0.1"), node(THERE, "10.0.0.2", state)], separators=(",", ":"))
                       for state in ("ready", "down"))  # fmt: skip
        host.on("curl", "*behindy.edge=true*", ready, down)
        host.on("docker", "exec nginx curl *", Answer(code=7))
        assert self.swap(host)[0] == 0

    @pytest.mark.parametrize("known", [0, 1], ids=["at first", "later"])
    def test_where_nobody_tells_which_edges_there_are_it_is_undone(self, host: FakeHost, known: int) -> None:
        two_edges(host)
        host.moved |= {"election=30000": "election=1", "alone=3000": "alone=1"}
        listed = json.dumps([node(HERE, "10.0.0.1"), node(THERE, "10.0.0.2")], separators=(",", ":"))
        host.on("curl", "*http://docker/info", "{}")
        host.on("curl", "*behindy.edge=true*", *[listed] * known, Answer(code=28))
        host.on("docker", "exec nginx curl *", BEHIND)
        code, given, said = self.swap(host)
        assert (code, given) == (84, ["web-blue", "web", "web-green", "web"])
        assert "no leader" in said


class TestRehearsal:
    """A candidate is asked through each edge."""

    def looks(self, host: FakeHost) -> list[str]:
        header = host.file("home/rehearsal/header", "X-Behindy-Rehearsal: t")
        host.on("curl", "*https://a.org/", "HTTP/2 200\nX-Behindy-Candidate: -green\n\ncode 200\nmet 127.0.0.1\n")
        host.on("docker", "container inspect --format {{.Id}} nginx", "n\n")
        words = (str(header), "0", "0.1", "0", "nginx", "", "", "https://a.org/")
        return host.run("deploy/look_outside", *words, engine="swarm").out.splitlines()

    def test_each_is_asked(self, host: FakeHost) -> None:
        two_edges(host)
        asked = [f"look 200 0 -green at={at}" for at in ("10.0.0.2", "127.0.0.1", "")]
        assert self.looks(host) == [*asked, "ok"]

    def test_one_that_leads_the_swarm_is_asked_where_the_others_reach_it(self, host: FakeHost) -> None:
        """Of a leader that has joined, Docker tells where it listens: asked there, this host would answer."""
        two_edges(host)
        leads = {"Leader": True, "Reachability": "reachable", "Addr": "10.0.0.2:2377"}
        there = node(THERE, "0.0.0.0") | {"ManagerStatus": leads}  # noqa: S104 - as Docker tells it
        host.on("curl", "*behindy.edge=true*", json.dumps([there, node(HERE, "10.0.0.1")], separators=(",", ":")))
        assert self.looks(host)[0] == "look 200 0 -green at=10.0.0.2"

    def test_where_nobody_tells_which_there_are_it_has_not_been_rehearsed(self, host: FakeHost) -> None:
        two_edges(host)
        host.moved |= {"election=30000": "election=1", "alone=3000": "alone=1"}
        host.on("curl", "*http://docker/info", "{}")
        host.on("curl", "*behindy.edge=true*", Answer(code=28))
        assert self.looks(host) == ["unknown"]


class TestDrain:
    """A release is idle when no edge has a connection to it."""

    def drained(self, host: FakeHost, *said: str | Answer) -> str:
        two_edges(host)
        host.on("docker", "service inspect --format *behindy.nginx* *", "nginx\n")
        host.on("docker", "container inspect --format {{.State.Pid}} nginx", f"{os.getpid()}\n")
        host.on("docker", "service ps *", "t1\n")
        task = '{"id":"t1","slot":1,"wanted":"running","state":"running","addresses":["10.9.0.5/24"]}\n'
        host.on("docker", 'inspect --format {"id":*', task)
        host.on("docker", "ps -q --no-trunc", "c1\n")
        host.on("docker", "inspect --format {{.State.Pid}} {{.Name}} c1", f"{os.getpid()} /nginx\n")
        host.on("docker", "exec nginx curl *", *said)
        done = host.run("deploy/drain", OLD, "3000", "0", "1", "1", engine="swarm")
        assert done.code == 0, done.err
        return done.out.splitlines()[-1].split()[0]

    def test_a_connection_at_the_other_edge_keeps_it_busy(self, host: FakeHost) -> None:
        said = [f"serial {serial}\nopen 0500090A:0BB8\nend\n" for serial in range(200)]
        assert self.drained(host, *said) == "cut"

    def test_others_do_not(self, host: FakeHost) -> None:
        said = [f"serial {serial}\nopen 0500090A:0050\nopen 0600090A:0BB8\nend\n" for serial in range(200)]
        assert self.drained(host, *said) == "idle"

    @pytest.mark.parametrize("said", ["serial 1\nend\n", "serial 1\nblind\nend\n", Answer(code=7)],
                             ids=["says nothing new", "blind", "silent"])  # fmt: skip
    def test_an_edge_that_cannot_tell_is_waited_for(self, host: FakeHost, said: str | Answer) -> None:
        assert self.drained(host, said) == "cut"


class TestMaintenance:
    """A service is closed once it is at each edge, or not at all."""

    def ran(
        self, host: FakeHost, wanted: str, *said: str | Answer, state: str = "ready"
    ) -> tuple[int, list[str], bool]:
        two_edges(host, state)
        (host.home / "assets/.names").mkdir(parents=True, exist_ok=True)
        host.on("docker", "container inspect *Running*", "true\n")
        host.on("docker", "exec nginx curl *maintenance/web", "off", "on")
        host.on("docker", f"exec nginx curl *edge-{THERE}*", *said)
        for call in ("config rm *", "config create *", "config inspect *"):
            host.on("docker", call)
        if state == "unknown":
            host.moved |= {"election=30000": "election=1", "alone=3000": "alone=1"}
            host.on("curl", "*http://docker/info", "{}")
            host.on("curl", "*behindy.edge=true*", Answer(code=28))
            host.on("docker", "config inspect *", Answer(err=LEADERLESS, code=1))
        stdin = '{"history": 1}\n{"who": "me"}\n<p>closed' if wanted == "on" else '{"history": 1}\n'
        words = (str(host.home), "web", wanted, "nginx", str(host.home / "history"), "1000")
        done = host.run("deploy/maintenance", *words, stdin=stdin, engine="swarm")
        configs = [call.split()[2] for call in done.calls if call.startswith("docker config")]
        return done.code, configs, (host.home / "assets/.maintenance/web.html").exists()

    def test_it_is_closed_there_before_that_counts_and_opened_there_first(self, host: FakeHost) -> None:
        assert self.ran(host, "on", "serial 1\nend\n", "serial 2\nclosed web\nend\n") == (0, ["rm", "create"], True)
        assert self.ran(host, "off", "serial 3\nclosed web\nend\n", "serial 4\nend\n") == (0, ["inspect", "rm"], False)

    def test_where_one_does_not_close_it_it_is_open_everywhere(self, host: FakeHost) -> None:
        code, configs, page = self.ran(host, "on", "serial 1\nend\n")
        assert (code, configs, page) == (1, ["rm", "create", "inspect", "rm"], False)

    def test_one_that_is_down_is_to_find_it_closed_once_it_is_back(self, host: FakeHost) -> None:
        assert self.ran(host, "on", Answer(code=7), state="down") == (0, ["rm", "create"], True)

    def test_where_no_manager_tells_it_stays_as_it_is(self, host: FakeHost) -> None:
        host.file("home/assets/.names/.edge", "serial 1\nend\n")
        assert self.ran(host, "on", state="unknown")[::2] == (1, False)
        host.file("home/assets/.maintenance/web.html", "closed")
        assert self.ran(host, "off", state="unknown")[::2] == (1, True)

    def test_where_no_manager_tells_one_that_never_had_others_is_closed_and_opened(self, host: FakeHost) -> None:
        assert self.ran(host, "on", state="unknown")[::2] == (0, True)
        assert self.ran(host, "off", state="unknown")[::2] == (0, False)


class Keeper:
    """``swarm/edge.sh`` as it runs in its container, with that's places in a folder, and an engine that answers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.assets = root / "assets"
        (root / "bin").mkdir()
        self.assets.mkdir()
        (root / "letsencrypt").mkdir()
        (root / "secrets").mkdir()
        curl = root / "bin/curl"
        curl.write_text(
            '#!/bin/sh\nfor each; do url=$each; done\necho "$*" >>"$ROOT/asked"\n'
            'case $* in *events*) exec sleep 60 ;; *start*) cat "$ROOT/tcp" ;; *exec*) cat "$ROOT/exec" ;; '
            '*services*) cat "$ROOT/services" ;; *configs*) cat "$ROOT/configs" ;; esac\n'
        )
        curl.chmod(0o755)
        (root / "exec").write_text(f'{{"Id":"{"e" * 64}"}}')
        (root / "tcp").write_text(
            "  sl\n   0: 0100007F:1F90 0500090A:0BB8 01 x\n   1: 0100007F:1F90 00000000:0000 0A x\n"
        )
        (root / "configs").write_text("[]")

    def names(self, **led: str) -> None:
        stale = {"Name": "web", "Labels": {"behindy.dns": "stale", "behindy.name": "stale"}}
        labels = [{"behindy.dns": dns, "behindy.name": name.replace("_", "-")} for name, dns in led.items()]
        services = [{"ID": "s", "Spec": {"Name": "web", "Labels": each}, "PreviousSpec": stale} for each in labels]
        (self.root / "services").write_text(json.dumps(services, separators=(",", ":")))

    def until(self, condition: Callable[[], bool]) -> None:
        text = script_text("swarm/edge")
        for place in ("/assets", "/letsencrypt"):
            text = text.replace(f"{place} ", f"{self.root}{place} ").replace(f"{place}/", f"{self.root}{place}/")
        text = text.replace("/run/secrets/", f"{self.root}/secrets/").replace("/tmp/events", f"{self.root}/events")
        env = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "ROOT": str(self.root)}
        argv = ["setsid", "sh", "-c", text, "edge", "/there/assets/.names", "nginx"]
        with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
            try:
                end = time.monotonic() + 10
                while not condition():
                    assert time.monotonic() < end, sorted(self.root.rglob("*"))
                    time.sleep(0.02)
            finally:
                os.killpg(running.pid, 9)

    def said(self) -> list[str]:
        file = self.assets / ".names/.edge"
        return file.read_text().splitlines()[1:] if file.exists() else []

    def links(self) -> dict[str, str]:
        return {each.name: str(each.readlink()) for each in (self.assets / ".names").glob("*") if each.is_symlink()}


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path)


def test_links_follow_the_labels_and_what_is_done_is_told(keeper: Keeper) -> None:
    (keeper.assets / ".names/ids/gone").mkdir(parents=True)
    (keeper.assets / ".names/gone").symlink_to("ids/gone")
    keeper.names(web="web-new", web_blue="web-old")
    keeper.until(lambda: keeper.said()[-1:] == ["end"])
    assert keeper.links() == {"web": "ids/web-new", "web-blue": "ids/web-old"}
    assert not (keeper.assets / ".names/ids/gone").exists()
    assert keeper.said() == ["name web web-new", "name web-blue web-old", "open 0500090A:0BB8", "end"]
    assert "behindy.names=/there/assets/.names" in (keeper.root / "asked").read_text()


def test_between_the_two_labels_of_a_switch_the_live_link_stays(keeper: Keeper) -> None:
    (keeper.assets / ".names/ids/web-old").mkdir(parents=True)
    (keeper.assets / ".names/web").symlink_to("ids/web-old")
    keeper.names(web_blue="web-old", web_green="web-new")
    keeper.until(lambda: keeper.said()[-1:] == ["end"])
    assert keeper.links() == dict.fromkeys(("web", "web-blue"), "ids/web-old") | {"web-green": "ids/web-new"}


def test_an_nginx_that_cannot_be_looked_into_is_told(keeper: Keeper) -> None:
    keeper.names(web="web-new", web_blue="web-old")
    (keeper.root / "exec").unlink()
    keeper.until(lambda: keeper.said()[-1:] == ["end"])
    assert "blind" in keeper.said()


def test_what_is_closed_has_its_page_and_one_of_somebody_else_stays(keeper: Keeper) -> None:
    keeper.names(web="web-new")
    pages = keeper.assets / ".maintenance"
    pages.mkdir()
    (pages / "other.html").write_text("by hand")
    (pages / "gone.html").write_text("was here")
    (pages / "gone.edge").touch()
    spec = {
        "Name": "n",
        "Labels": {"behindy.page": "p", "behindy.service": "web"},
        "Data": base64.b64encode(b"closed").decode(),
    }
    (keeper.root / "configs").write_text(json.dumps([{"ID": "c", "Spec": spec}], separators=(",", ":")))
    keeper.until(lambda: "closed web" in keeper.said())
    assert {each.name: each.read_text() for each in pages.glob("*.html")} == {
        "web.html": "closed",
        "other.html": "by hand",
    }


@pytest.mark.parametrize("own", [False, True], ids=["none", "certbot's own"])
def test_certificates_come_from_the_swarm_where_certbot_has_none(keeper: Keeper, own: bool) -> None:
    keeper.names(web="web-new")
    made = keeper.root / "made/live/a.org"
    made.mkdir(parents=True)
    for name in ("fullchain.pem", "privkey.pem"):
        (made / name).write_text(f"new {name}")
    subprocess.run(
        ["tar", "-C", str(keeper.root / "made"), "-cf", str(keeper.root / "secrets/certificates"), "live"], check=True
    )
    place = keeper.root / "letsencrypt/live/a.org"
    if own:
        place.mkdir(parents=True)
        (keeper.root / "archive.pem").write_text("certbot's")
        (place / "fullchain.pem").symlink_to(keeper.root / "archive.pem")
    keeper.until(lambda: "certificates" in keeper.said())
    assert (place / "fullchain.pem").read_text() == ("certbot's" if own else "new fullchain.pem")
    assert own or (place / "privkey.pem").stat().st_mode & 0o77 == 0
    assert ("signal=HUP" in (keeper.root / "asked").read_text()) != own
    assert not (keeper.root / "letsencrypt/.edge").exists()


def test_certificates_that_cannot_be_read_are_not_said_to_be_there(keeper: Keeper) -> None:
    keeper.names(web="web-new")
    (keeper.root / "secrets/certificates").write_text("no archive")
    keeper.until(lambda: keeper.said()[-1:] == ["end"])
    assert "certificates" not in keeper.said()


def test_an_edge_gets_what_the_first_host_has_and_nothing_of_it_more(host: FakeHost) -> None:
    for name in ("compose/docker-compose.yml", "nginx/nginx.conf", "nginx/custom/a.conf", "rehearsal/header", ".env"):
        host.file(f"home/{name}", f"of {name}\n")
    host.file("home/nginx/versions/1/old.conf", "old\n")
    host.file("home/state/history.jsonl", "secret\n")
    packed = host.run("host/edge", "pack", str(host.home)).out
    there = host.root / "there"
    (there / "nginx").mkdir(parents=True)
    (there / "nginx/gone.conf").write_text("gone\n")
    (there / "nginx/nginx.conf").write_text("before\n")
    host.on("docker", "container inspect *Running*", "false\n")
    assert host.run("host/edge", "unpack", str(there), "nginx", stdin=packed).code == 0
    got = sorted(str(each.relative_to(there)) for each in there.rglob("*") if each.is_file())
    assert got == [".env", "compose/docker-compose.yml", "nginx/custom/a.conf", "nginx/nginx.conf", "rehearsal/header"]
    assert (there / "nginx/nginx.conf").read_text() == "of nginx/nginx.conf\n"
    assert (there / "assets/.names/ids").is_dir()
    look = ("nginx", "shop", "shop_internal-swarm")
    host.on("docker", "container inspect *", Answer(code=1))
    host.on("docker", "service inspect *", Answer(code=1))
    files = {host.run("host/edge", "look", str(place), *look).values["files"] for place in (host.home, there)}
    assert len(files) == 1
    (there / ".env").write_text("another\n")
    assert host.run("host/edge", "look", str(there), *look).values["files"] not in files


def test_what_keeps_edges_in_step_gets_the_certificates_and_replaces_an_earlier_one(host: FakeHost) -> None:
    for call in ("config inspect *", "secret inspect *"):
        host.on("docker", call, Answer(code=1))
    for call in ("config create *", "service rm *", "service create *", "config ls *"):
        host.on("docker", call)
    host.on("docker", "exec -u 0 nginx sh -c cat *", "certificate")
    host.on("docker", "secret create *", Answer(run="cat >secret"))
    host.on("docker", "exec -u 0 nginx sh -c *tar*", "a key")
    done = host.run("host/edge", "keeper", "shop", str(host.home), "nginx", "nginx:1", "v1", stdin="the script")
    assert done.code == 0, done.err
    assert (host.root / "secret").read_text() == "a key"
    (made,) = (call for call in done.calls if "service create" in call)
    assert "--config source=shop-edge-v1,target=/edge.sh" in made
    assert "--secret source=shop-certificates-" in made
    assert made.endswith(f"--entrypoint sh nginx:1 /edge.sh {host.home}/assets/.names nginx")
    assert "a key" not in " ".join(done.calls)


@pytest.mark.parametrize(("has", "said"), [("certificate", []), ("another", ["certificates others"])])
def test_edges_that_have_other_certificates_than_the_first_host_are_told(
    host: FakeHost, has: str, said: list[str]
) -> None:
    known = hashlib.sha256(b"certificate\n").hexdigest()[:16]
    host.on("docker", "service inspect *", Answer(code=1))
    host.on("docker", "service inspect --format *SecretName* shop-edge", f"shop-certificates-{known}\n")
    host.on("docker", "container inspect *", Answer(code=1))
    host.on("docker", "exec -u 0 nginx sh -c cat *", has)
    told = host.run("host/edge", "look", str(host.home), "nginx", "shop", "shop_internal-swarm").out.splitlines()
    assert [line for line in told if line.startswith("certificates")] == said


@pytest.mark.parametrize("answer", [Answer(""), Answer("some", code=1)])
def test_certificates_that_cannot_be_read_become_no_secret(host: FakeHost, answer: Answer) -> None:
    host.on("docker", "service inspect --format *SecretName* shop-edge", "shop-certificates-old\n")
    host.on("docker", "exec -u 0 nginx sh -c cat *", answer)
    done = host.run("host/edge", "certificates", "shop", "nginx")
    assert done.code == 1
    assert "could not be read" in done.err
    assert not any("secret create" in call or "service update" in call for call in done.calls)


def test_a_new_certificate_reaches_the_edges_and_the_one_before_goes(host: FakeHost) -> None:
    host.on("docker", "service inspect --format *SecretName* shop-edge", "shop-certificates-old\n")
    host.on("docker", "exec -u 0 nginx sh -c cat *", "certificate")
    host.on("docker", "secret inspect *")
    host.on("docker", "service update *")
    host.on("docker", "secret ls *", "shop-certificates-old\n")
    host.on("docker", "secret rm shop-certificates-old")
    done = host.run("host/edge", "certificates", "shop", "nginx")
    (update,) = (call for call in done.calls if "service update" in call)
    assert "--secret-rm shop-certificates-old --secret-add source=shop-certificates-" in update
    assert done.calls[-1] == "docker secret rm shop-certificates-old"
    host.on("docker", "service inspect --format *SecretName* shop-edge", Answer(code=1))
    assert host.run("host/edge", "certificates", "shop", "nginx").code == 0, "a host alone has no edges"


def test_nginx_of_an_edge_that_leaves_ends_what_it_has_begun(host: FakeHost) -> None:
    for call in ("update --restart no nginx", "kill --signal QUIT nginx", "wait nginx", "rm -f nginx"):
        host.on("docker", call)
    done = host.run("host/edge", "end", "nginx")
    assert (done.code, [call.split()[1] for call in done.calls]) == (0, ["update", "kill", "wait", "rm"])
