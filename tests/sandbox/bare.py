"""A bare host on its way to three live services, by the commands a person types; each of them twice."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from behindy_ops.project.project import Project
from behindy_ops.provision.recipes import CERTBOT
from sandbox.host import authority, environment, images, releases
from sandbox.host.bare import bare_host
from sandbox.host.checkout import here
from sandbox.host.keys import make_authority
from sandbox.host.registry import Registry
from tests.sandbox.strangers import AROUND, Strangers
from tests.sandbox.support import ROOT, Ran, inv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.host.bare import BareHost

DOMAIN = "behindy.me"
HOME = "/home/ubuntu/behindy-ops"
ENVIRONMENT_FILE = "host.env"

# What a command that is run again may not touch: containers, images, packages, the system's files, nginx's workers,
# the project's files. The lock and the history are where commands leave their traces; cron backs up at night.
FINGERPRINT = f"""
docker ps -aq --no-trunc 2>/dev/null; docker images -q --no-trunc 2>/dev/null | sort; id ubuntu
dpkg-query -W | md5sum; find /etc -type f ! -path '/etc/letsencrypt/*' -exec md5sum {{}} + | sort | md5sum
find /etc/letsencrypt -printf '%p %l %s %T@\\n' 2>/dev/null | sort
nginx=$(docker inspect --format '{{{{.State.Pid}}}}' nginx 2>/dev/null || echo 0)
for each in $(cat /proc/$nginx/task/*/children 2>/dev/null)
do grep -qa 'nginx: cache' /proc/$each/cmdline || echo "child of nginx $each"; done
find {HOME} \\( -path {HOME}/state -o -path {HOME}/data -o -path {HOME}/backups \\) -prune \\
  -o -type d -printf '%p %m %u\\n' -o -printf '%p %m %u %s %T@ %l\\n' | sort
"""


@dataclass
class Bare:
    """A bare host, a copy of the checkout to change files in, and what the commands said.

    It is a ``Site`` for traffic, too.
    """

    host: BareHost
    project: Path
    ca_file: str
    domain: str = DOMAIN
    first: dict[str, Ran] = field(default_factory=dict)
    again: dict[str, Ran] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)
    ca: tuple[bytes, bytes] = (b"", b"")
    around: list[Strangers] = field(default_factory=list)

    @property
    def https(self) -> str:
        return f"https://127.0.0.1:{self.host.https}"

    def inv(self, *words: str, timeout: float = 300) -> Ran:
        """Type ``inv`` in the copy of the checkout, for this host."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BEHINDY_", "DOCKERHUB_"))}
        env = {**kept, "PYTHONUNBUFFERED": "1", **self.host.settings()}
        return inv(*words, cwd=self.project, env=env, timeout=timeout)

    def sh(self, line: str, *, user: str = "root", words: tuple[str, ...] = (), timeout: float = 60) -> str:
        """Run a shell line on the host past its sshd, with further words as its arguments; return what it printed."""
        done = self.host.run("bash", "-c", line, "bash", *words, user=user, timeout=timeout)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout.decode().strip()

    def fingerprint(self) -> str:
        return self.sh(f"{FINGERPRINT}true")

    def answers(self, path: str = "/health") -> str:
        """Ask the public URL on the host itself, as a deploy does; return the answer with its headers."""
        return self.sh(f"curl -sS -i -m 5 https://{DOMAIN}{path}")

    def certbot(self, *, days: int) -> None:
        """Have the stand-in for certbot issue certificates for so many days."""
        authority.put(Registry(self.host.registry), images.ensure(print), CERTBOT, *self.ca, days=days)
        self.host.run("docker", "image", "rm", "--force", CERTBOT)

    def twice(self, *words: str, code: int = 0) -> None:
        """Run a command, then again; keep what both said, and what the second changed on the host."""
        name = words[0]
        self.first[name] = self.inv(*words)
        assert self.first[name].code == code, (words, self.first[name].said)
        before = self.fingerprint()
        self.again[name] = self.inv(*words)
        after = self.fingerprint()
        lines = set(before.splitlines()) ^ set(after.splitlines())
        self.changed[name] = "\n".join(sorted(lines))


@contextmanager
def bare(suite: str, folder: Path, *, second: str = "", systemd: tuple[str, ...] | None = None) -> Iterator[Bare]:
    """Give a bare host with nothing done to it."""
    project = folder / "project"
    project.mkdir()
    for name in ("behindy_ops", "sandbox", "compose", "nginx"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__", ".env"))
    for name in ("tasks.py", ".env.example"):
        shutil.copy(ROOT / name, project / name)
    with bare_host(suite, DOMAIN, print, second=second, systemd=systemd) as host:
        ca = make_authority()
        (folder / "ca.pem").write_bytes(ca[0])
        made = Bare(host, project, str(folder / "ca.pem"), ca=ca)
        _publish(made)
        yield made


def _publish(made: Bare) -> None:
    """What the internet has: certbot's image, and a release of each service."""
    made.certbot(days=90)
    now = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    for service, port in releases.application_ports(here().compose_file).items():
        releases.push(Registry(made.host.registry), releases.Release(service, "v1", port, "", 0, now))


def host_environment(made: Bare) -> str:
    """The values of the containers, made up."""
    names = environment.required_names(Project(made.project).compose)
    return environment.render(environment.complete({}, names, {"BEHINDY_IMAGE_PREFIX": "behindy"}))


def fingerprint_of_its_key(made: Bare) -> str:
    """What a person reads on the host's console."""
    return made.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]


def believe_the_authority(made: Bare) -> None:
    """The world believes Let's Encrypt; this host believes the stand-in."""
    put = "cat > /usr/local/share/ca-certificates/sandbox.crt && update-ca-certificates >/dev/null 2>&1"
    made.sh("mkdir -p /usr/local/share/ca-certificates")
    assert made.host.run("sh", "-c", put, stdin=made.ca[0]).returncode == 0


def write_environment(made: Bare) -> None:
    """What a person fills in from ``compose/.env.example``."""
    file = made.project / ENVIRONMENT_FILE
    file.touch(mode=0o600)
    file.write_text(host_environment(made))


def from_nothing_to_three_services(made: Bare) -> None:
    """The whole way, as the README tells it."""
    made.twice("host.trust", "--fingerprint", fingerprint_of_its_key(made))
    made.first["bare"] = made.inv("host.check", "--json")
    for place in ("/etc/docker", "/etc/cron.d", "/etc/systemd/system", "/usr/local/lib/behindy-ops"):
        made.sh(f"mkdir -p {place}")
        made.around.append(Strangers(lambda text, *words: made.sh(text, words=words), place, AROUND))
    made.twice("host.setup", "--yes")
    believe_the_authority(made)
    write_environment(made)
    made.twice("env.push", "--yes")
    made.twice("host.sync", "--yes")
    made.twice("host.up", "--yes")
    made.twice("host.certs", "--yes", "--email", "ops@behindy.me")
    made.twice("deploy.all", "--tag", "v1", "--watch", "0")
    made.twice("host.check", "--json")


def curl_from_here(made: Bare, path: str) -> str:
    """What a user gets, certificate and all."""
    argv = [
        "curl",
        "-sS",
        "--noproxy",
        "*",
        "--cacert",
        made.ca_file,
        "--connect-to",
        f"{DOMAIN}:443:127.0.0.1:{made.host.https}",
    ]
    done = subprocess.run([*argv, f"https://{DOMAIN}{path}"], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout
