"""The pure parts of the sandbox: what is decided before an engine is asked for anything."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import tarfile
from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path

import pytest

from behindy_ops.errors import Kind
from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.dotenv import EnvFile, read_env_file
from sandbox.host import (
    base_image,
    container,
    engine,
    environment,
    host_files,
    images,
    info,
    inner,
    keys,
    lifecycle,
    nodes,
    releases,
)
from sandbox.host.checkout import HOST_VARIABLE, Checkout, here
from sandbox.host.engine import Machine, Step
from sandbox.host.host_files import Entry
from sandbox.host.images import Part
from sandbox.host.login import command
from sandbox.host.nodes import Node
from sandbox.host.ports import Ports, asked_for, choose, choose_ssh
from sandbox.host.releases import Fault, Release
from tests.kinds import raises

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose" / "docker-compose.yml"
DEBIAN, UBUNTU, MAC = frozenset({"debian"}), frozenset({"ubuntu", "debian"}), frozenset[str]()


@pytest.mark.parametrize(
    ("answers", "installed", "root", "like", "step"),
    [
        (True, True, False, MAC, Step.USE),
        (False, False, True, DEBIAN, Step.INSTALL),
        (False, True, True, UBUNTU, Step.START),
        (False, True, False, DEBIAN, Step.REFUSE),
        (False, False, False, DEBIAN, Step.REFUSE),
        (False, False, True, frozenset({"fedora"}), Step.REFUSE),
        (False, True, False, MAC, Step.REFUSE),
    ],
)
def test_only_root_on_debian_or_ubuntu_gets_an_engine_made(
    answers: bool, installed: bool, root: bool, like: frozenset[str], step: Step
) -> None:
    assert engine.next_step(Machine(answers, installed, root, like)) is step


@pytest.mark.parametrize(("answers", "step"), [(True, Step.USE), (False, Step.REFUSE)])
def test_where_docker_is_told_to_look_elsewhere_no_engine_is_made_here(answers: bool, step: Step) -> None:
    machine = Machine(answers, False, True, DEBIAN, elsewhere="tcp://there:2375")
    assert engine.next_step(machine) is step


def test_an_engine_that_was_started_is_no_child_of_ours(tmp_path: Path) -> None:
    # A child that nobody waits for makes Python complain later, in whatever test runs then.
    log, ready = tmp_path / "log", tmp_path / "ready"
    os.mkfifo(ready)
    pid = engine.detach(["sh", "-c", 'echo "$1"; echo up >"$2"; exec sleep 60', "sh", "a b", str(ready)], log)
    assert ready.read_text() == "up\n"
    try:
        assert log.read_text() == "a b\n"
        assert os.getsid(pid) == pid
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_debian_gets_trixie_and_ubuntu_its_own_release_as_a_last_resort(tmp_path: Path) -> None:
    sources = tmp_path / "ubuntu.sources"
    sources.touch()
    files = (str(tmp_path / "absent"), str(sources))
    assert [r.suite for r in base_image.recipes(Machine(True, True, True, DEBIAN, "bookworm"))] == ["trixie"]
    first, last = base_image.recipes(Machine(True, True, True, UBUNTU, "noble"), sources=files)
    assert (first.suite, first.image) == ("trixie", "debian:trixie-slim")
    assert (last.suite, last.image) == ("noble", "behindy-sandbox-base:noble")
    assert base_image.bootstrap_command(last, Path("/tmp/x.tar"))[-3:] == ["noble", "/tmp/x.tar", str(sources)]


def test_two_hosts_of_a_checkout_share_its_keys_and_no_name() -> None:
    usual, other = Checkout(Path("/a")), Checkout(Path("/a"), "two")
    assert usual.label == other.label
    assert usual.state == other.state
    assert (usual.settings_name, other.settings_name) == ("sandbox", "sandbox-two")
    for name in ("container", "host_state", "info_file", "environment_file"):
        assert getattr(usual, name) != getattr(other, name)
    assert other.container == f"{usual.container}-two"


@pytest.mark.parametrize("name", ["..", "a/b", "A", "-a", "a-", "a" * 21])
def test_a_host_has_a_plain_name(name: str) -> None:
    with raises(Kind.SANDBOX, match="not a name"):
        here({HOST_VARIABLE: name})
    assert here({HOST_VARIABLE: "gw-1"}).host == "gw-1"
    assert here({}).host == ""


def test_two_checkouts_share_no_name() -> None:
    one, other = Checkout(Path("/a")), Checkout(Path("/b"))
    assert one.container != other.container
    assert one.label != other.label
    assert one.container == f"behindy-sandbox-{one.identity}"


def test_the_container_is_limited_labelled_and_bound_to_loopback() -> None:
    checkout = Checkout(Path("/a"))
    words = container.run_arguments(checkout, Ports(1022, 1080, 1443, 1500), "behindy.me")
    pairs = list(pairwise(words))
    assert ("--memory", "2g") in pairs
    assert ("--memory-swap", "4g") in pairs
    assert ("--label", f"behindy-ops.checkout={checkout.identity}") in pairs
    assert [after for word, after in pairs if word == "--publish"] == [
        "127.0.0.1:1022:22",
        "127.0.0.1:1080:80",
        "127.0.0.1:1443:443",
        "127.0.0.1:1500:5000",
    ]


def test_a_further_node_has_a_fixed_address_and_its_sshd_on_loopback() -> None:
    checkout = Checkout(Path("/a"), "two")
    node = Node(3, checkout.node(3), "10.216.7.13", 1022)
    words = nodes.node_arguments(checkout, node, "10.216.7.11", "behindy.me")
    pairs = list(pairwise(words))
    assert ("--name", f"{checkout.container}.3") in pairs
    assert ("--hostname", "behindy-sandbox-3") in pairs
    assert ("--network", checkout.container) in pairs
    assert ("--ip", "10.216.7.13") in pairs
    assert ("--memory", "2g") in pairs
    assert ("--label", checkout.label) in pairs  # so that sandbox.down finds it
    assert f"type=volume,src={checkout.container}.3," in " ".join(words)
    assert [after for word, after in pairs if word == "--publish"] == ["127.0.0.1:1022:22"]
    known = [after for word, after in pairs if word == "--add-host"]
    assert known == ["behindy.me:10.216.7.11", "www.behindy.me:10.216.7.11"]


def test_a_nodes_container_is_never_that_of_another_host() -> None:
    usual = Checkout(Path("/a"))
    assert usual.node(1) == usual.container
    assert usual.node(2) != Checkout(Path("/a"), "2").container
    assert Node(1, "c", "10.216.7.11", 22).name == "behindy-sandbox"


def test_a_subnet_is_free_the_same_each_time_and_another_ones_for_another_sandbox() -> None:
    first, *others = nodes.free_subnets("one", [], [])
    assert nodes.free_subnets("one", [], [])[0] == first
    assert nodes.free_subnets("two", [], [])[0] != first
    assert len(others) == 255
    assert all(subnet.subnet_of(nodes.POOL) for subnet in (first, *others))
    assert nodes.address(first, 1) == str(first[11])
    assert nodes.address(first, nodes.MOST) == str(first[19])


def test_a_subnet_of_another_network_is_never_taken_and_a_routed_one_only_when_there_is_no_other() -> None:
    first, second, *_ = nodes.free_subnets("one", [], [])
    assert nodes.free_subnets("one", [first], [])[0] == second
    assert first not in nodes.free_subnets("one", [IPv4Network(f"{first[0]}/20", strict=False)], [])
    behind = nodes.free_subnets("one", [], [first])
    assert (behind[0], behind[-1]) == (second, first)
    assert nodes.free_subnets("one", [], [IPv4Network("10.0.0.0/8")])[0] == first
    assert nodes.free_subnets("one", [nodes.POOL], []) == []


def test_routes_are_read_without_the_default_one() -> None:
    text = (
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
        "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    assert [str(route) for route in nodes.routes(text)] == ["172.17.0.0/16", "192.0.2.0/24"]


def test_the_hosts_engine_asks_every_registry_of_the_subnets_without_tls() -> None:
    settings = json.loads((images.ASSETS / "host/daemon.json").read_text())
    assert settings["insecure-registries"] == [str(nodes.POOL)]
    inside = [settings["bip"], *(pool["base"] for pool in settings["default-address-pools"])]
    assert not any(IPv4Network(each, strict=False).overlaps(nodes.POOL) for each in inside)


@pytest.mark.parametrize("count", [0, -1, 10])
def test_a_number_of_nodes_that_cannot_be_is_refused_before_anything_is_done(count: int) -> None:
    with raises(Kind.USAGE, match="--nodes"):
        lifecycle.up(pytest.fail, count)


def test_every_name_without_a_default_gets_a_value() -> None:
    text = "services:\n  a: {image: '${NEEDED}', command: '${WITH:-default}'}\n  # ${COMMENT}\n"
    text += "  b: {image: '${INSIST:?say it}', command: ['$${NOT_OURS}', '${OUTER:-x${INNER}y}', '${NEEDED}']}\n"
    assert environment.required_names(ComposeFile.parse(text)) == ("NEEDED", "INSIST")


def test_values_are_kept_and_new_names_get_new_ones(tmp_path: Path) -> None:
    values = environment.complete({"OLD": "kept"}, ("OLD", "NEW", "DB_USER"), {"FIXED": "f"}, lambda: "made up")
    assert values == {"OLD": "kept", "NEW": "made up", "DB_USER": "behindy", "FIXED": "f"}
    file = tmp_path / "host.env"
    file.write_text(environment.render(values))
    assert read_env_file(file) == EnvFile(values)


def test_our_own_compose_file_is_understood() -> None:
    assert set(inner.compose_images(COMPOSE)) == {Part.NGINX, Part.POSTGRES, Part.REDIS}
    assert releases.application_ports(COMPOSE) == {"llmserver": 8000, "backend": 8080, "frontend": 3000}
    assert "DB_PASS" in environment.required_names(ComposeFile.read(COMPOSE))


def test_a_compose_file_without_a_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("services: {nginx: {image: nginx}}\n")
    with raises(Kind.SANDBOX, match="db"):
        inner.compose_images(file)


def test_ports_from_the_environment_win_and_the_rest_is_free_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    wanted = asked_for({"BEHINDY_SANDBOX_HTTP_PORT": "18080", "BEHINDY_SANDBOX_SSH_PORT": ""})
    assert wanted == {"http": 18080}
    first = choose(file, wanted, in_use_by_us=False)
    assert first.http == 18080
    assert choose(file, {}, in_use_by_us=True) == first


def test_the_port_of_a_further_node_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "ports-2.json"
    first = choose_ssh(file, in_use_by_us=False)
    assert choose_ssh(file, in_use_by_us=True) == first
    assert json.loads(file.read_text()) == {"ssh": first}


def test_a_kept_port_that_someone_took_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = choose(file, {}, in_use_by_us=False)
    with socket.socket() as someone:
        someone.bind(("127.0.0.1", first.https))
        someone.listen()
        assert choose(file, {}, in_use_by_us=False).https != first.https


@pytest.mark.parametrize("text", ["0", "65536", "ssh", "-1", "²"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with raises(Kind.SANDBOX, match="BEHINDY_SANDBOX_SSH_PORT"):
        asked_for({"BEHINDY_SANDBOX_SSH_PORT": text})


def test_the_archive_keeps_modes_owners_and_links_and_is_always_the_same() -> None:
    entries = [
        Entry("home/ubuntu/.env", b"A=1\n", mode=0o600, owner="ubuntu"),
        Entry("home/ubuntu/link", link="../x"),
        Entry("home/ubuntu/state", mode=0o700, owner="ubuntu"),
    ]
    content, digest = host_files.archive(entries)
    assert host_files.archive(entries) == (content, digest)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        file, link, folder = tar.getmembers()
    assert (file.mode, file.uname, file.uid) == (0o600, "ubuntu", 1000)
    assert (link.issym(), link.linkname) == (True, "../x")
    assert (folder.isdir(), folder.mode) == (True, 0o700)


def test_keys_are_made_once_and_known_hosts_has_them_all(tmp_path: Path) -> None:
    made = keys.ensure(tmp_path, "behindy.me")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert keys.ensure(tmp_path, "behindy.me") == made
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert made.client_key.stat().st_mode & 0o777 == 0o600
    lines = keys.known_hosts(made, "127.0.0.1", 2222).decode().splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["[127.0.0.1]:2222", "ssh-ed25519"],
        ["[127.0.0.1]:2222", "ecdsa-sha2-nistp256"],
        ["[127.0.0.1]:2222", "ssh-rsa"],
    ]
    assert keys.known_hosts(made, "127.0.0.1", 22).startswith(b"127.0.0.1 ssh-ed25519 ")


def test_no_developers_env_file_goes_to_the_host(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    made = keys.ensure(tmp_path / "keys", "behindy.me")
    for name in ("compose/docker-compose.yml", "compose/.env", "compose/.env.prod", "nginx/nginx.conf"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("secret" if ".env" in name else "fine")
    entries = host_files.collect(tmp_path, "A=made up\n", made, "behindy.me")
    assert not any(entry.content == b"secret" for entry in entries)
    assert {entry.path for entry in entries} >= {
        "home/ubuntu/behindy-ops/nginx/nginx.conf",
        "home/ubuntu/behindy-ops/.env",
    }


def test_info_survives_json() -> None:
    ssh = info.SshInfo("127.0.0.1", 2222, "ubuntu", "/k", "/h")
    found = info.SandboxInfo(
        ssh, "http://x", "https://x", "/ca", "behindy.me", "127.0.0.1:5", "localhost:5000/behindy", "c"
    )
    assert info.from_json(info.to_json(found)) == found
    with pytest.raises(ValueError, match="ssh"):
        info.from_json("{}")
    assert command(found, ["docker", "ps"])[-4:] == ["2222", "ubuntu@127.0.0.1", "docker", "ps"]
    text = info.to_text(found)
    assert "registry     push to 127.0.0.1:5/behindy, the host pulls localhost:5000/behindy\n" in text
    assert "10.216" not in text


def test_info_of_several_nodes_survives_json_and_tells_a_person_where_they_are() -> None:
    first, second = (info.SshInfo("127.0.0.1", port, "ubuntu", "/k", "/h") for port in (2222, 2223))
    both = (
        info.NodeInfo("behindy-sandbox", "c", "10.216.7.11", first),
        info.NodeInfo("behindy-sandbox-2", "c.2", "10.216.7.12", second),
    )
    found = info.SandboxInfo(
        first, "http://x", "https://x", "/ca", "behindy.me", "127.0.0.1:5", "10.216.7.11:5000/behindy", "c", both
    )
    assert info.from_json(info.to_json(found)) == found
    assert [command(found, node=number)[-2:] for number in (1, 2)] == [
        ["2222", "ubuntu@127.0.0.1"],
        ["2223", "ubuntu@127.0.0.1"],
    ]
    with raises(Kind.USAGE, match="no node 3"):
        command(found, node=3)
    assert "behindy-sandbox-2 10.216.7.12, ssh ubuntu@127.0.0.1 port 2223, container c.2\n" in info.to_text(found)


def test_a_sandbox_that_was_made_before_there_were_nodes_has_none() -> None:
    ssh = info.SshInfo("127.0.0.1", 2222, "ubuntu", "/k", "/h")
    found = info.SandboxInfo(ssh, "http://x", "https://x", "/ca", "behindy.me", "127.0.0.1:5", "p", "c")
    content = json.loads(info.to_json(found))
    del content["nodes"]
    assert info.from_json(json.dumps(content)) == found


def test_no_sandbox_is_an_error_that_says_how_to_start_one(tmp_path: Path) -> None:
    with raises(Kind.SANDBOX) as caught:
        info.load(Checkout(tmp_path))
    assert "./inv sandbox.up" in caught.value.remedy


def test_a_release_adds_its_layer_and_environment_and_leaves_the_base_alone() -> None:
    base = {"config": {"Env": ["PATH=/bin", "SAMPLE_FAULT=old"]}, "rootfs": {"diff_ids": ["sha256:a"]}, "history": []}
    before = json.dumps(base)
    content = Release("backend", "v2", 8080, "oom", 1.5, "2026-01-02T03:04:05Z")
    made = releases.configure(base, content, "sha256:b")
    assert json.dumps(base) == before
    assert made["rootfs"]["diff_ids"] == ["sha256:a", "sha256:b"]
    assert made["created"] == "2026-01-02T03:04:05Z"
    assert made["config"]["Env"] == [
        "PATH=/bin",
        "SAMPLE_SERVICE=backend",
        "SAMPLE_RELEASE=v2",
        "SAMPLE_FAULT=oom",
        "BOOT_SECONDS=1.5",
        "PORT=8080",
    ]


def test_the_same_release_built_twice_is_two_images() -> None:
    first = Release("backend", "v2", 8080, "", 0, "2026-01-02T03:04:05Z")
    again = Release("backend", "v2", 8080, "", 0, "2026-01-02T03:04:06Z")
    assert releases.layer(first) != releases.layer(again)


def test_each_build_of_the_frontend_has_a_script_of_its_own_and_no_other_service_has_one() -> None:
    def files(service: str, built: str) -> set[str]:
        content = releases.layer(Release(service, "v2", 3000, "", 0, built))
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return {name for name in tar.getnames() if name.startswith("app/.next/static/chunks/app-")}

    scripts = [files("frontend", f"2026-01-02T03:04:0{second}Z") for second in (5, 6)]
    assert [len(names) for names in scripts] == [1, 1]
    assert scripts[0] != scripts[1]
    assert files("backend", "2026-01-02T03:04:05Z") == set()


def test_faults_by_name() -> None:
    assert releases.fault_named(None) == ""
    assert releases.fault_named("outside-late") == Fault.OUTSIDE_LATE
    with raises(Kind.USAGE, match="crash, never-ready, http-500"):
        releases.fault_named("bogus")


def test_an_images_name_follows_its_assets(tmp_path: Path) -> None:
    for folder in ("common", "app"):
        (tmp_path / folder).mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM a")
    first = images.fingerprint(Part.APP, tmp_path)
    (tmp_path / "app" / "__pycache__").mkdir()
    (tmp_path / "app" / "__pycache__" / "x.pyc").touch()
    assert images.fingerprint(Part.APP, tmp_path) == first
    (tmp_path / "common" / "shared.sh").touch()
    assert images.fingerprint(Part.APP, tmp_path) != first
