"""The life of the sandbox. Each step can be repeated, and goes on where an interrupted one stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.dotenv import read_env_file
from sandbox.host import container, engine, environment, host_files, images, inner, keys, nodes, seed
from sandbox.host import shell as host
from sandbox.host.checkout import Checkout, here
from sandbox.host.info import NodeInfo, SandboxInfo, SshInfo, to_json
from sandbox.host.locks import held, machine_lock
from sandbox.host.ports import Ports, asked_for, choose
from sandbox.host.releases import application_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from sandbox.host.images import Image, Part
    from sandbox.host.keys import Keys
    from sandbox.host.nodes import Node

__all__ = ["DOMAIN", "down", "prepare", "remove", "reset", "up"]

DOMAIN = "behindy.me"
IMAGE_PREFIX = "localhost:5000/behindy"
APPLIED = "/var/lib/sandbox/applied"
SERVICES = ("nginx", "postgres", "redis")


def up(say: Callable[[str], None], count: int = 1) -> SandboxInfo:
    """Start a host of this checkout, or bring the running one up to date; return how to reach it.

    Args:
        say: is told, line by line, what is being done.
        count: how many nodes it is to have, this one included. Further ones are started or removed as needed; this one
            goes on running.

    Raises:
        Kind.USAGE: there cannot be so many nodes.
        Kind.SANDBOX: it could not be started; everything that was begun is used or replaced by the next ``up``.
    """
    nodes.check_count(count)
    checkout = here()
    with _alone(checkout, say):
        built, seeded = prepare(say)
        with held(checkout.state / "shared.lock", say, "starting another host"):
            own_keys = keys.ensure(checkout.state, DOMAIN)
            ports = _ensure_container(checkout, seeded, say)
            all_nodes = nodes.ensure(checkout, count, seeded.name, ports.ssh, DOMAIN, say)
            info = _describe(checkout, ports, own_keys, all_nodes)
            environment_text = _host_environment(checkout, info.image_prefix)
        keys.write_private(Path(info.ssh.known_hosts_file), _known_hosts(own_keys, info))
        _furnish(checkout, built, own_keys, environment_text, say)
        if all_nodes:
            nodes.ready(all_nodes, own_keys, say)
        keys.write_private(checkout.environment_file, _client_settings(checkout, info).encode())
        keys.write_private(checkout.info_file, to_json(info).encode())
    say(f"The sandbox is up: {', '.join(node.container for node in info.nodes) or info.container}")
    return info


def prepare(say: Callable[[str], None]) -> tuple[Mapping[Part, Image], Image]:
    """Have an engine and all images; return those images, and that of a host with them in its registry.

    Raises:
        Kind.SANDBOX: there is no engine and none can be made, or an image cannot be built.
    """
    with held(machine_lock("images"), say, "making images"):
        engine.ensure(say)
        built = images.ensure(say)
        return built, seed.ensure(built, say)


def remove() -> None:
    """Remove the host that is meant, and leave the others of this checkout as they are."""
    checkout = here()
    with _alone(checkout, lambda _: None):
        container.remove(checkout.container)
        nodes.remove(checkout)
        _forget(checkout)


def down(say: Callable[[str], None]) -> None:
    """Remove all hosts of this checkout; its keys and ports and the built images stay for the next time."""
    checkout = Checkout(here().root)
    with _alone(checkout, say):
        if engine.look_around().answers:
            container.remove_all(checkout, say)
        for folder in checkout.state.glob("hosts/*"):
            _forget(replace(checkout, host=folder.name))
        _forget(checkout)
    say("The sandbox is down")


def _forget(checkout: Checkout) -> None:
    checkout.environment_file.unlink(missing_ok=True)
    checkout.info_file.unlink(missing_ok=True)


def reset(say: Callable[[str], None]) -> None:
    """Remove every application's containers and the deploys' records, so that the next deploy is a first one.

    Raises:
        Kind.SANDBOX: the sandbox is not up.
    """
    services = application_ports(here().compose_file)
    names = [f"{service}{suffix}" for service in services for suffix in ("", "-green", "-blue")]
    say("Removing the applications and the records of deploys")
    # A name that is not there is no failure.
    script = f'docker rm --force --volumes "$@" >/dev/null 2>&1; find {host_files.HOST_DIR}/state -mindepth 1 -delete'
    host.run(["bash", "-c", script, "reset", *names], user=host_files.USER)


def _alone(checkout: Checkout, say: Callable[[str], None]) -> AbstractContextManager[None]:
    checkout.state.mkdir(mode=0o700, exist_ok=True)
    checkout.state.chmod(0o700)
    checkout.host_state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return held(checkout.host_state / "lock", say, "changing this sandbox")


def _ensure_container(checkout: Checkout, image: Image, say: Callable[[str], None]) -> Ports:
    found = container.find(checkout.container)
    ports = choose(
        checkout.host_state / "ports.json", {} if checkout.host else asked_for(), in_use_by_us=found is not None
    )
    if found is not None and (found.image != image.name or found.published != frozenset(ports.published())):
        say("The sandbox was made otherwise: making it anew")
        container.remove(checkout.container)
        found = None
    if found is None:
        say(f"Starting the host {checkout.container}: 2 GB of memory, and up to 2 GB of swap if this machine has any")
        container.create(checkout, image.name, ports, DOMAIN)
    elif not found.running:
        say(f"Starting the host {checkout.container} again")
        container.start(checkout.container)
    return ports


def _furnish(
    checkout: Checkout,
    built: Mapping[Part, Image],
    own_keys: Keys,
    environment_text: str,
    say: Callable[[str], None],
) -> None:
    """Put the project's files and the images on the host and start its services, unless all is as it should be."""
    names = inner.compose_images(checkout.compose_file)
    archive, files_hash = host_files.archive(host_files.collect(checkout.root, environment_text, own_keys, DOMAIN))
    wanted = " ".join([files_hash, *(image.assets for image in built.values())])
    look = f"cat {APPLIED} 2>/dev/null || echo; docker ps --format '{{{{.Names}}}}'"
    applied, *running = host.run(["bash", "-c", look], check=False).stdout.decode().splitlines() or [""]
    if applied == wanted and set(SERVICES) <= set(running):
        return
    files_changed = applied.split()[:1] != [files_hash]
    if files_changed:
        say("Putting the project's files on the host")
        host.run(["sandbox-install"], stdin=archive)
    inner.wait_for_engine()
    say("The host's engine runs; it pulls images from its registry")
    inner.load(built, names)
    say("Starting nginx, Postgres and Redis with docker compose up -d")
    inner.start_services(reload_nginx=files_changed and bool(applied))
    inner.wait_for_services(DOMAIN)
    host.run(["tee", APPLIED], stdin=f"{wanted}\n".encode())


def _host_environment(checkout: Checkout, prefix: str) -> str:
    """The text of the host's ``.env``; its secrets are made once and kept, as the database keeps its password."""
    file = checkout.state / "host.env"
    kept = read_env_file(file).values
    names = environment.required_names(ComposeFile.read(checkout.compose_file))
    text = environment.render(environment.complete(kept, names, {"BEHINDY_IMAGE_PREFIX": prefix}))
    keys.write_private(file, text.encode())
    return text


def _known_hosts(own_keys: Keys, info: SandboxInfo) -> bytes:
    """The keys of all hosts: at their ports here, and at their addresses, which Linux reaches too."""
    places = [(node.ssh.host, node.ssh.port) for node in info.nodes] or [(info.ssh.host, info.ssh.port)]
    places += [(node.address, 22) for node in info.nodes]
    return b"".join(keys.known_hosts(own_keys, *place) for place in places)


def _describe(checkout: Checkout, ports: Ports, own_keys: Keys, all_nodes: tuple[Node, ...]) -> SandboxInfo:
    known_hosts = checkout.host_state / "known_hosts"
    ssh = SshInfo("127.0.0.1", ports.ssh, host_files.USER, str(own_keys.client_key), str(known_hosts))
    return SandboxInfo(
        ssh=ssh,
        http=f"http://127.0.0.1:{ports.http}",
        https=f"https://127.0.0.1:{ports.https}",
        ca_file=str(own_keys.ca),
        domain=DOMAIN,
        registry=f"127.0.0.1:{ports.registry}",
        image_prefix=f"{nodes.registry(all_nodes)}/behindy" if all_nodes else IMAGE_PREFIX,
        container=checkout.container,
        nodes=tuple(
            NodeInfo(node.name, node.container, node.address, replace(ssh, port=node.ssh)) for node in all_nodes
        ),
    )


def _client_settings(checkout: Checkout, info: SandboxInfo) -> str:
    values = {
        "BEHINDY_HOST": info.ssh.host,
        "BEHINDY_PORT": str(info.ssh.port),
        "BEHINDY_USER": info.ssh.user,
        "BEHINDY_SSH_CONFIG": "none",  # the user's may say something else about 127.0.0.1
        "BEHINDY_SSH_KEY_FILE": info.ssh.key_file,
        "BEHINDY_KNOWN_HOSTS_FILE": info.ssh.known_hosts_file,
        "BEHINDY_DOMAIN": info.domain,
        "BEHINDY_HOST_DIR": host_files.HOST_DIR,
        "BEHINDY_OUTSIDE_ADDRESS": info.https.removeprefix("https://"),
        "BEHINDY_OUTSIDE_CA_FILE": info.ca_file,
        "BEHINDY_IMAGE_PREFIX": info.image_prefix,
    }
    lines = [f"{name}='{value}'" for name, value in values.items()]
    use = f"# Made by sandbox.up, removed by sandbox.down. Use it with BEHINDY_ENV={checkout.settings_name}."
    return "\n".join([use, *lines, ""])
