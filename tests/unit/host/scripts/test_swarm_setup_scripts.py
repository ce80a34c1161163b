"""What makes a swarm of hosts, and what of it every look at a host tells."""

from __future__ import annotations

import json

import pytest

from behindy_ops.facts.replies import read
from behindy_ops.facts.swarm import Seat, Swarm
from tests.unit.host.scripts.fake_host import INSIDE, MARK, NO_API, Answer, FakeHost

INFO = (
    '{{"ID":"X","Swarm":{{"NodeID":"{node}","NodeAddr":"10.0.0.1",'
    '"LocalNodeState":"{state}","ControlAvailable":{control},"Error":""}}}}'
)
SERVICES = json.dumps(
    [
        {
            "ID": "s1",
            "Version": {"Index": 1},
            "Spec": {"Name": "a", "Labels": {"behindy.dns": "frontend-1", "behindy.name": "frontend", "x": "y"}},
            "PreviousSpec": {"Name": "a", "Labels": {"behindy.name": "frontend-green"}},
        }
    ],
    separators=(",", ":"),
)
NODE = (
    '{"id":"n1","name":"one","availability":"active","state":"ready","address":"10.0.0.1","version":"26.1.5",'
    '"memory":1,"labels":{"behindy.apps":"true"},"manager":null}'
)


def engine(host: FakeHost, state: str, *, control: bool = False, services: Answer | str = SERVICES) -> None:
    node = "" if state == "inactive" else "n1"
    said = INFO.format(node=node, state=state, control=str(control).lower())
    host.on("curl", "*http://docker/info", said)
    host.on("curl", "*http://docker/services?filters=*behindy.name*", services)
    host.on("curl", "*http://docker/nodes?filters=*behindy.first=true*", "[]")
    host.on("docker", "node ls -q", "n1\n")
    host.on("docker", "node inspect --format * n1", f"{NODE}\n")


def looked(host: FakeHost, *words: str) -> tuple[Swarm, dict[str, list[str]]]:
    host.on("ip", "-4 -o route get 192.0.2.1", "192.0.2.1 via 10.0.0.254 dev eth0 src 10.0.0.1 uid 1000 \\    cache\n")
    host.on("docker", "network ls -q", "b1\n")
    host.on("docker", "network inspect --format *Scope* b1", "10.214.0.0/24\n\n")
    host.on("hostname", "*", "one\n")
    ran = host.run("host/swarm_look", MARK, *(words or ("", "", "")))
    assert ran.code == 0, ran.err
    reply = read(ran.out, MARK)
    return Swarm.parse(reply), {name: reply.lines(name) for name in ("route", "taken", "overlay", "beside")}


@pytest.mark.parametrize(
    ("state", "control", "services", "seat"),
    [
        ("inactive", False, "", Seat.NONE),
        ("active", False, "", Seat.WORKER),
        ("active", True, SERVICES, Seat.MANAGER),
        ("active", True, Answer(code=22), Seat.LEADERLESS),
        ("locked", False, "", Seat.LEADERLESS),
    ],
)
def test_an_engine_tells_what_it_is_in_a_swarm(
    host: FakeHost, state: str, control: bool, services: Answer | str, seat: Seat
) -> None:
    engine(host, state, control=control, services=services)
    swarm, _ = looked(host)
    assert (swarm.seat, bool(swarm.nodes)) == (seat, seat is Seat.MANAGER)


def test_a_manager_tells_the_names_that_releases_have_now(host: FakeHost) -> None:
    engine(host, "active", control=True)
    swarm, _ = looked(host)
    assert (swarm.services, swarm.node, swarm.nodes[0].name) == (("frontend",), "n1", "one")


@pytest.mark.parametrize(
    ("identity", "state", "first"), [("o" * 25, "ready", "10.0.0.9"), ("o" * 25, "down", ""), ("n1", "ready", "")]
)
def test_a_manager_tells_of_another_host_that_is_the_first(
    host: FakeHost, identity: str, state: str, first: str
) -> None:
    engine(host, "active", control=True)
    node = {"ID": identity.ljust(25, "1"), "Version": {"Index": 1}, "Status": {"State": state, "Addr": "10.0.0.9"}}
    host.on("curl", "*http://docker/nodes?filters=*behindy.first=true*", json.dumps([node], separators=(",", ":")))
    host.on("curl", "*http://docker/info", INFO.format(node="n1".ljust(25, "1"), state="active", control="true"))
    assert looked(host)[0].first == first


def test_an_engine_that_cannot_be_asked_is_said_nothing_of(host: FakeHost) -> None:
    host.on("curl", "*http://docker/info", NO_API)
    assert looked(host)[0].seat is Seat.UNKNOWN


def test_a_look_tells_where_the_way_out_begins_and_what_is_taken(host: FakeHost) -> None:
    engine(host, "inactive")
    _, told = looked(host)
    assert told["route"] == ["address 10.0.0.1", "name one"]
    assert told["taken"][0] == "10.214.0.0/24"
    assert told["overlay"] == told["beside"] == []


BESIDE = (
    "/nginx shop nginx shop_internal \n"
    "/other-nginx other web shop_internal\n"
    "/postgres shop db shop_internal shop_internal-swarm\n\n"
)


def beside(host: FakeHost) -> None:
    host.on(
        "docker", "ps --format {{.Names}} --filter network=shop_internal", "nginx\nother-nginx\npostgres\nfrontend\n"
    )
    host.on("docker", "container inspect --format *behindy.release* nginx other-nginx postgres frontend", BESIDE)


def test_a_look_tells_what_is_beside_the_releases_and_on_which_networks(host: FakeHost) -> None:
    engine(host, "inactive")
    beside(host)
    host.on("docker", "network inspect --format {{.Driver}} {{.Attachable}} shop_internal-swarm", "overlay true\n")
    _, told = looked(host, "shop", "shop_internal", "nginx")
    assert told["overlay"] == ["overlay true"]
    assert [line.split() for line in told["beside"]] == [
        ["nginx", "nginx", "shop_internal"],
        ["postgres", "db", "shop_internal", "shop_internal-swarm"],
    ]


def test_the_nginx_of_another_project_is_beside_as_well(host: FakeHost) -> None:
    engine(host, "inactive")
    beside(host)
    host.on("docker", "network inspect --format {{.Driver}} {{.Attachable}} shop_internal-swarm", Answer(code=1))
    _, told = looked(host, "shop", "shop_internal", "other-nginx")
    assert [line.split()[0] for line in told["beside"]] == ["nginx", "other-nginx", "postgres"]


def infrastructure(host: FakeHost) -> tuple[str, ...]:
    """What host.up brings up of this: nothing; then the words it is told."""
    host.file("home/compose/docker-compose.yml")
    return (str(host.home), "a.org", "5", "shop", "nginx", "shop_edge", "shop_internal", "nginx", "create", "db")


@pytest.mark.parametrize("engine_", ["", "swarm"], ids=["one host", "swarm/lib/overlay"])
def test_what_compose_has_made_is_connected_to_the_network_of_all_again(host: FakeHost, engine_: str) -> None:
    beside(host)
    words = infrastructure(host)
    for call in ("compose *up -d *", "network connect *"):
        host.on("docker", call)
    host.on("docker", "info --format {{.Swarm.NodeID}}", "n1\n")
    host.on("docker", "compose *ps -aq *", "c1\n")
    host.on("docker", "container inspect --format *State.Status* c1", "running healthy\n")
    ran = host.run("host/infra_up", *words, engine=engine_)
    assert ran.code == 0, ran.err
    connected = [call for call in ran.calls if "network connect" in call]
    wanted = ["docker network connect --alias nginx --alias nginx --alias edge-n1 shop_internal-swarm nginx"]
    assert connected == (wanted if engine_ else [])


OF_256 = "--default-addr-pool-mask-length 24"


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        (
            ("init", "10.0.0.1", "10.220.0.0/16"),
            [f"swarm init --advertise-addr 10.0.0.1 --default-addr-pool 10.220.0.0/16 {OF_256}"],
        ),
        (
            ("overlay", "n-swarm", "10.249.0.0/22"),
            ["network create --driver overlay --attachable --subnet 10.249.0.0/22 n-swarm"],
        ),
        (("token", "worker"), ["swarm join-token --quiet worker"]),
        (("label", "n1", "a=b", "c=d"), ["node update --label-add=a=b --label-add=c=d n1"]),
        (("connect", "n-swarm", "postgres", "db"), ["network connect --alias=db n-swarm postgres"]),
        (("availability", "n1", "pause"), ["node update --availability pause n1"]),
        (("forget", "n1"), ["node rm --force n1"]),
    ],
)
def test_each_part_of_it_is_one_command_of_docker(host: FakeHost, words: tuple[str, ...], calls: list[str]) -> None:
    host.on("docker", "*")
    ran = host.run("host/swarm", *words)
    assert (ran.code, ran.calls) == (0, [f"docker {call}" for call in calls])


@pytest.mark.parametrize(
    ("what", "seen"), [("promote", ("", "unreachable\n", "reachable\n")), ("demote", ("{leader}\n", "<nil>\n"))]
)
def test_a_node_is_a_manager_or_none_once_the_others_see_it(host: FakeHost, what: str, seen: tuple[str, ...]) -> None:
    host.on("docker", f"node {what} n1")
    host.on("docker", "node inspect --format *", *seen)
    ran = host.run("host/swarm", what, "n1")
    assert ran.code == 0, ran.err
    assert len([call for call in ran.calls if "inspect" in call]) == len(seen)


def test_a_leader_that_is_demoted_leads_until_another_does(host: FakeHost) -> None:
    host.on("docker", "node demote n1", Answer(err="The swarm does not have a leader", code=1), "")
    host.on("docker", "node inspect --format *", "<nil>\n")
    assert host.run("host/swarm", "demote", "n1").code == 0


def test_the_token_to_join_by_stands_in_no_argument(host: FakeHost) -> None:
    host.on("curl", "*-d @- http://docker/swarm/join", Answer(run='cat >"$root/given"; printf "\n200"'))
    host.on("docker", "info --format node *", "node n2\n")
    ran = host.run("host/swarm", "join", stdin='{"JoinToken":"SWMTKN-1-x"}')
    assert (ran.code, ran.values, (host.root / "given").read_text()) == (
        0,
        {"node": "n2"},
        '{"JoinToken":"SWMTKN-1-x"}',
    )
    assert "SWMTKN" not in " ".join(ran.calls)


def test_an_engine_that_cannot_join_says_why(host: FakeHost) -> None:
    host.on("curl", "*http://docker/swarm/join", '{"message":"could not connect"}\n\n503')
    ran = host.run("host/swarm", "join", stdin="{}")
    assert (ran.code, ran.err.strip()) == (1, "could not connect")


def test_a_node_is_idle_once_nothing_runs_on_it_or_the_time_is_over(host: FakeHost) -> None:
    host.moved["sleep 0.3"] = "sleep 0.01"
    host.on("docker", "node ps --filter desired-state=running -q n1", "t1\n", "")
    host.on("docker", "node ps --format {{.CurrentState}} n1", "Running 2 seconds ago\n", "Shutdown 1 second ago\n")
    assert host.run("host/swarm", "idle", "n1", "5").code == 0
    host.on("docker", "node ps --format {{.CurrentState}} n1", "Running 2 seconds ago\n")
    host.on("docker", "node ps --format {{.Name}} {{.CurrentState}} n1", "app.1 Running\n")
    ran = host.run("host/swarm", "idle", "n1", "0")
    assert (ran.code, ran.err.strip()) == (1, "app.1 Running")


def test_what_a_node_runs_is_told_by_the_names_of_releases(host: FakeHost) -> None:
    host.on("docker", "node ps -q --no-trunc --filter desired-state=running n1", "t1\nt2\n")
    host.on("docker", "inspect --format {{.ServiceID}} t1 t2", "s1\ns1\n")
    host.on("docker", "service inspect --format *behindy.name* s1", "frontend\n\n")
    assert host.run("host/swarm", "runs", "n1").out == "frontend\n"


def leaving(host: FakeHost, name: str) -> None:
    for which in ("", "--filter label=behindy.release "):
        host.on("docker", f"ps --no-trunc {which}--format {{{{.ID}}}} {{{{.Names}}}}", f"{'c' * 64} db\n")
    host.on("docker", "info --format {{.Swarm.LocalNodeState}}", "active\n")
    host.on("docker", "swarm leave*")
    host.on("curl", "*-f -X POST *rename*")
    host.on("docker", "container inspect --format {{.Name}} *", f"/{name}\n")
    host.on("docker", "container inspect --format {{.Id}} *", "c\n")


def test_an_engine_that_leaves_is_told_the_names_of_its_containers_all_the_while(host: FakeHost) -> None:
    leaving(host, "db")
    host.on(
        "docker", "swarm leave*", Answer(run='until [ "$(grep -c rename "$root/calls")" -gt 2 ]; do sleep 0.01; done')
    )
    ran = host.run("host/swarm", "leave", "last")
    assert ran.code == 0, ran.err
    told = [call.split(" ", 1)[0] for call in ran.calls if "leave" in call or "rename" in call]
    assert "docker" in told[:-1]
    assert told[-1] == "curl"  # once more when it has left
    at = f"http://docker/containers/{'c' * 64}/rename?name="
    assert {call.endswith(f"{at}db-blue {at}db") for call in ran.calls if "rename" in call} == {True}


def test_that_an_engine_cannot_leave_is_told_and_its_containers_keep_their_names(host: FakeHost) -> None:
    leaving(host, "db")
    host.on("docker", "swarm leave*", Answer(err="not now", code=1))
    ran = host.run("host/swarm", "leave", "last")
    assert (ran.code, ran.err.strip()) == (1, "not now")
    assert "/rename?name=db" in next(call for call in reversed(ran.calls) if "rename" in call)


def test_a_manager_that_was_demoted_leaves_once_it_has_heard_of_that(host: FakeHost) -> None:
    leaving(host, "db")
    host.on("docker", "swarm leave*", Answer(err="a node that is participating as a manager", code=1), "")
    ran = host.run("host/swarm", "leave")
    assert ran.code == 0, ran.err
    assert ran.calls.count("docker swarm leave") == 2
    host.on("docker", "swarm leave*", Answer(err="no", code=1))
    assert (host.run("host/swarm", "leave").code, host.run("host/swarm", "leave").err) == (1, "no\n")


def test_a_container_that_was_left_with_another_name_gets_its_own_back(host: FakeHost) -> None:
    leaving(host, "db-blue")
    host.on("docker", "rename *")
    ran = host.run("host/swarm", "leave")
    assert (ran.code, ran.calls[-1]) == (0, f"docker rename {'c' * 64} db")
    assert "docker swarm leave" in ran.calls


def test_the_network_of_all_goes_only_while_nothing_runs_in_the_swarm(host: FakeHost) -> None:
    host.on("docker", "service ls *", "theirs\n")
    ran = host.run("host/swarm", "disband", "n-swarm")
    assert (ran.code, "theirs" in ran.err) == (1, True)
    host.on("docker", "service ls *", "")
    host.on("docker", "ps -aq --filter network=n-swarm", "c1\nc2\n")
    host.on("docker", "network *")
    ran = host.run("host/swarm", "disband", "n-swarm")
    assert (ran.code, ran.calls[-3:]) == (
        0,
        [
            "docker network disconnect n-swarm c1",
            "docker network disconnect n-swarm c2",
            "docker network rm n-swarm",
        ],
    )


def test_the_engine_can_be_told_to_end_with_its_containers(host: FakeHost) -> None:
    host.moved["/var/run/docker.pid"] = str(host.file("docker.pid", "1"))
    host.moved["/run/systemd/system"] = "/nowhere"
    host.moved["sleep 0.25"] = "true"
    host.moved['kill -HUP "$(cat'] = 'echo "$(cat'
    host.on("docker", "info *", "true\n", "false\n")
    assert host.run("host/setup", "reload", "false").code == 0
    host.on("docker", "info *", "true\n")
    assert host.run("host/setup", "reload", "false").code == 1


BLUE, GREEN = "b" * 25, "c" * 64
"""A service of the swarm, and a container that is to take its name over."""


def back(host: FakeHost, alias: str = "") -> None:
    """A host on the way back: the release of the swarm is live, and a container is its candidate."""
    host.on("curl", "*http://docker/services?filters=*", "[]")
    host.on("docker", f"service inspect --format * {BLUE}", f"{host.root}/names\n")
    for call in ("service update *", "network *", "rename *", "update *"):
        host.on("docker", call)
    host.on("curl", "*containers/*/update*", "200")
    host.on("docker", "container inspect --format *Aliases* *", f"{alias}\n")
    host.on("docker", "container inspect --format {{.Name}} *", "/frontend-green\n")
    host.on("docker", "container inspect --format *println $name* *", "shop_internal\n")


def test_a_container_that_takes_a_name_over_from_the_swarm_is_told_to_dns(host: FakeHost) -> None:
    back(host)
    words = (BLUE, "frontend-blue", "frontend", GREEN, "frontend", "always", "nginx", "frontend")
    ran = host.run("deploy/swap", *words, engine="swarm")
    assert (ran.code, "switched" in ran.values) == (0, True), ran.err
    done = [call for call in ran.calls if any(word in call for word in ("label-add", "network", "docker rename"))]
    assert done == [
        f"docker service update --quiet --detach --label-add behindy.name=frontend-blue {BLUE}",
        f"docker network disconnect shop_internal {GREEN}",
        f"docker rename {GREEN} frontend",
        f"docker network connect --alias name-of-frontend shop_internal {GREEN}",
    ]
    assert any(f"containers/{GREEN}/update" in call for call in ran.calls)


def test_a_container_that_dns_knows_by_that_name_already_is_only_renamed(host: FakeHost) -> None:
    back(host, alias="name-of-frontend")
    ran = host.run("deploy/swap", "", "", "", GREEN, "frontend", "", engine="swarm")
    assert (ran.code, [call for call in ran.calls if "network" in call and "inspect" not in call]) == (0, [])
    assert f"docker rename {GREEN} frontend" in ran.calls


@pytest.mark.parametrize(
    ("name", "alias", "before"),
    [
        ("frontend-blue", "", ["docker rename {} frontend"]),
        ("frontend-green", "", []),
        ("frontend-green", "name-of-frontend", ["docker rename {} frontend"]),
    ],
)
def test_a_container_that_ends_has_the_name_that_dns_has_of_it(
    host: FakeHost, name: str, alias: str, before: list[str]
) -> None:
    back(host, alias)
    host.on("docker", "container inspect --format {{.Name}} *", f"/{name}\n")
    host.on("docker", "container inspect --format *behindy.release* *", "")
    for call in ("stop *", "rm *"):
        host.on("docker", call)
    ran = host.run("deploy/stop_blue", GREEN, "10", engine="swarm")
    assert ran.code == 0, ran.err
    done = [call for call in ran.calls if call.startswith(("docker rename", "docker stop"))]
    stopped = f"docker stop -t 10 {GREEN}"
    assert done[: done.index(stopped) + 1] == [*(line.format(GREEN) for line in before), stopped]


def test_a_container_is_looked_at_by_its_name_and_its_own_health_check_is_waited_for(host: FakeHost) -> None:
    back(host)
    host.moved["sleep 0.2"] = "true"
    host.on("docker", "exec *", INSIDE)
    host.on("curl", "*http://frontend-green:3000/", "x\n200")
    seen = '{{"id":"c","status":"running","health":"{}"}}\n'
    host.on("docker", "container inspect --format T frontend-green", seen.format("starting"), seen.format("healthy"))
    words = ("nginx", "frontend-green", "http://frontend-green:3000/", "5", "0.1", "T")
    ran = host.run("deploy/look_inside", *words, engine="swarm")
    assert (ran.out.splitlines()[0], ran.out.splitlines()[-1], "healthy" in ran.out) == ("look 200 0", "ok", True)
