"""Kamal as its user installed it: found, told about the sandbox, run, and its remote commands counted.

https://kamal-deploy.org. It is never installed by us; nor is the image of its proxy, which it pulls onto the host.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import shutil
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behindy_ops.errors import Kind
from sandbox.host.docker_cli import docker, last_lines, try_docker
from sandbox.host.releases import put_above

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo
    from sandbox.host.registry import Registry

__all__ = [
    "HTTP_PORT",
    "SERVICE",
    "SERVICE_LABEL",
    "Application",
    "Kamal",
    "Programs",
    "configuration",
    "count_commands",
    "find",
    "offer_proxy",
    "write_folder",
]

SERVICE = "peer"
"""Kamal's name for what it deploys; not the service's own, or it would prune the images of our deploys."""
SERVICE_LABEL = {"service": SERVICE}
"""What an image has to bear, or Kamal refuses it."""
HTTP_PORT = 8080
_HTTPS_PORT = 8443
"""Where its proxy listens on the host: nginx has 80 and 443."""
_REGISTRY = "127.0.0.1:5000"
"""The host's registry. As `localhost` Kamal would take it for one that it is to start itself."""
_PROXY = "behindy/kamal-proxy"
_PROXY_IMAGE = "basecamp/kamal-proxy"
_BUILT_VERSION = "v999"
"""The tag of a proxy built by hand, which does not tell its version: Kamal refuses a tag below what it asks for."""
_OLDEST = (2, 10)
"""The first release that takes the proxy's ports and image from `proxy/run`."""
_PASSWORD = "KAMAL_REGISTRY_PASSWORD"  # noqa: S105 - its name; the value is made up
_SECONDS = 180.0
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_RECORD = re.compile(r"^(?=\s*(?:DEBUG|INFO|WARN|ERROR|FATAL) )", re.MULTILINE)
_RUNNING = re.compile(r"\s*[A-Z]+ \[\w+\] Running ")


@dataclass(frozen=True)
class Programs:
    """What its user has installed: ``kamal`` and its version, and its proxy as a program or as an image, or neither."""

    kamal: str
    version: str
    proxy: Path | None = None
    image: str = ""


@dataclass(frozen=True)
class Application:
    """What is deployed: the image without tag and registry, its port, what tells that it is healthy, its name."""

    image: str
    port: int
    path: str
    domain: str
    memory: str


def find() -> Programs:
    """Look for ``kamal`` and ``kamal-proxy`` on PATH, and for the proxy's image in this machine's engine.

    Raises:
        Kind.SANDBOX: one is missing or not to be used; says what to do.
    """
    kamal = shutil.which("kamal")
    if kamal is None:
        raise Kind.SANDBOX(
            "There is no kamal on PATH.",
            remedy="Install it yourself, such as with `gem install kamal`; this project never does.",
        )
    version = _version(kamal)
    proxy = shutil.which("kamal-proxy")
    if proxy is not None:
        with Path(proxy).open("rb") as content:
            if content.read(4) != b"\x7fELF":
                raise Kind.SANDBOX(f"{proxy} is no program for Linux.", remedy="Build it with GOOS=linux.")
        return Programs(kamal, version, proxy=Path(proxy))
    # An engine that does not answer yet has no image for us either.
    for tag in try_docker("image", "ls", "--format", "{{.Tag}}", _PROXY_IMAGE).stdout.decode().split():
        if re.fullmatch(r"v[0-9.]+", tag):
            return Programs(kamal, version, image=f"{_PROXY_IMAGE}:{tag}")
    raise Kind.SANDBOX(
        "Kamal's proxy is neither on PATH as kamal-proxy nor in this machine's engine as an image.",
        remedy=f"Build it (`CGO_ENABLED=0 go build ./cmd/kamal-proxy`), or `docker pull {_PROXY_IMAGE}:` and the"
        " version that your Kamal asks for.",
    )


def _version(kamal: str) -> str:
    said = _run([kamal, "version"], Path.cwd())
    found = re.match(r"(\d+)\.(\d+)\S*", said.strip())
    if not found:
        raise Kind.SANDBOX(f"`{kamal} version` does not tell a version.", lines=tuple(said.splitlines()[-5:]))
    if (int(found[1]), int(found[2])) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise Kind.SANDBOX(f"Kamal {found[0]} is too old: {oldest} or newer is needed.", remedy="Update it.")
    return found[0]


def offer_proxy(registry: Registry, programs: Programs) -> str:
    """Put the proxy into the sandbox's registry; return the tag it has there.

    Raises:
        Kind.SANDBOX: the registry refuses it, or the engine cannot send it.
    """
    if programs.proxy is None:
        tag = programs.image.rpartition(":")[2]
        name = f"{registry.address}/{_PROXY}:{tag}"
        docker("tag", programs.image, name)
        try:
            docker("push", "--quiet", name, timeout=120)
        finally:
            docker("rmi", name)
        return tag
    put_above(registry, f"{_PROXY}:{_BUILT_VERSION}", _proxy_layer(programs.proxy.read_bytes()), _proxy_image)
    return _BUILT_VERSION


def _proxy_layer(program: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("usr/local/bin/kamal-proxy")
        member.size, member.mode = len(program), 0o755
        tar.addfile(member, io.BytesIO(program))
    return buffer.getvalue()


def _proxy_image(base: dict[str, Any], diff_id: str) -> dict[str, Any]:
    """The image's configuration: the program runs, with the home that Kamal mounts a volume into."""
    kept = {name: base[name] for name in ("architecture", "os")}
    environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/home/kamal-proxy"]
    layers = {**base["rootfs"], "diff_ids": [*base["rootfs"]["diff_ids"], diff_id]}
    return {**kept, "config": {"Env": environment, "Cmd": ["kamal-proxy", "run"]}, "rootfs": layers}


def configuration(info: SandboxInfo, application: Application, proxy_tag: str, ssh_config: Path) -> dict[str, Any]:
    """The content of ``config/deploy.yml``: Kamal's defaults, but for where things are.

    Args:
        info: the way in, over whichever link.
        application: what is deployed.
        proxy_tag: of its proxy's image in the sandbox's registry.
        ssh_config: the file that names the host keys.
    """
    return {
        "service": SERVICE,
        "image": application.image,
        "servers": {"web": {"hosts": [info.ssh.host], "options": {"memory": application.memory}}},
        "registry": {"server": _REGISTRY, "username": "sandbox", "password": [_PASSWORD]},
        "builder": {"arch": "amd64"},  # has to be there; nothing is built
        "proxy": {
            "host": application.domain,
            "app_port": application.port,
            "healthcheck": {"path": application.path},
            "run": {
                "http_port": HTTP_PORT,
                "https_port": _HTTPS_PORT,
                "registry": _REGISTRY,
                "repository": _PROXY,
                "version": proxy_tag,
            },
        },
        "ssh": {
            "user": info.ssh.user,
            "port": info.ssh.port,
            "keys": [info.ssh.key_file],
            "keys_only": True,
            "config": [str(ssh_config)],
        },
    }


def write_folder(folder: Path, info: SandboxInfo, application: Application, proxy_tag: str) -> None:
    """Write what Kamal reads in its working directory: the configuration, host keys and a made-up secret."""
    ssh_config = folder / "ssh_config"
    ssh_config.write_text(
        f'Host *\n  UserKnownHostsFile "{info.ssh.known_hosts_file}"\n  StrictHostKeyChecking yes\n', encoding="utf-8"
    )
    (folder / "config").mkdir()
    content = configuration(info, application, proxy_tag, ssh_config)
    # JSON is YAML, too.
    (folder / "config" / "deploy.yml").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (folder / ".kamal").mkdir()
    kept = folder / ".kamal" / "secrets"
    kept.touch(mode=0o600)
    kept.write_text(f"{_PASSWORD}={secrets.token_hex(12)}\n", encoding="ascii")


@dataclass(frozen=True)
class Kamal:
    """Kamal in a folder that ``write_folder`` filled. Every method raises ``Kind.SANDBOX`` when it fails."""

    program: str
    folder: Path
    host: str

    def deploy(self, command: str, tag: str) -> float:
        """Run ``deploy`` or ``redeploy`` of a release that the registry has; return the seconds that took."""
        begun = time.monotonic()
        _run(self._argv(command, tag), self.folder)
        return time.monotonic() - begun

    def commands(self, command: str, tag: str) -> int:
        """Run ``deploy`` or ``redeploy`` so that it tells all it does; return how many remote commands that took."""
        return count_commands(_run([*self._argv(command, tag), "--verbose"], self.folder), self.host)

    def _argv(self, command: str, tag: str) -> list[str]:
        return [self.program, command, "--skip-push", "--version", tag]


def count_commands(output: str, host: str) -> int:
    """Count the remote commands in what Kamal says with ``--verbose``, and the files it uploads, a command each.

    Without ``--verbose`` it is silent about its lock and audit log. A command may have several lines; the next thing
    that is said after it is a record, too, so that one ends where the command does.
    """
    records = [record.rstrip() for record in _RECORD.split(_COLOR.sub("", output))]
    ends = (f" on {host}", f"@{host}")
    ran = sum(1 for record in records if _RUNNING.match(record) and record.endswith(ends))
    uploads = {found[1] for record in records if (found := re.search(r" Uploading (\S+) 100", record))}
    return ran + len(uploads)


def _run(argv: list[str], folder: Path) -> str:
    try:
        ran = subprocess.run(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
    except OSError as error:
        raise Kind.SANDBOX(f"{argv[0]} cannot be run: {error.strerror}.") from None
    except subprocess.TimeoutExpired:
        raise Kind.SANDBOX(f"`kamal {argv[1]}` took more than {_SECONDS:g} s.") from None
    if ran.returncode:
        raise Kind.SANDBOX(
            f"`kamal {argv[1]}` failed with exit code {ran.returncode}.",
            lines=tuple(_COLOR.sub("", line) for line in last_lines(ran.stdout)),
        )
    return ran.stdout.decode(errors="replace")
