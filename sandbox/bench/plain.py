"""The plain script beside which a deploy is measured: what it would take without a lock, a rehearsal or a way back.

One SSH connection; it pulls, runs, asks until the release is healthy, renames twice, gives nginx the 2 s it needs to
notice, stops and removes.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from behindy_ops.errors import Kind
from behindy_ops.project.names import Names
from sandbox.bench.report import PLAIN_WAIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.host.info import SshInfo

__all__ = ["plain_deploy"]

_TIMEOUT = 60.0
_SCRIPT = r"""
set -e
umask 077
service=$1 image=$2 port=$3 path=$4 network=$5 kept=$(mktemp -d -p /dev/shm)
trap 'rm -r "$kept"' EXIT
docker pull --quiet "$image"
names='{{range .Config.Env}}{{println .}}{{end}}'
labels='{{range $key, $value := .Config.Labels}}{{printf "%s=%s\n" $key $value}}{{end}}'
docker inspect --format "$names" "$(docker inspect --format '{{.Image}}' "$service")" >"$kept/image"
docker inspect --format "$names" "$service" | grep -vxFf "$kept/image" >"$kept/env"
docker inspect --format "$labels" "$service" >"$kept/labels"
docker run --detach --name "$service-green" --network "$network" --env-file "$kept/env" --label-file "$kept/labels" \
  --memory 400m --restart unless-stopped "$image"
docker exec nginx timeout 30 sh -c 'until curl -fso /dev/null "$1"; do sleep 0.1; done' ask "http://$service-green:$port$path"
docker rename "$service" "$service-blue"
docker rename "$service-green" "$service"
sleep $6
docker stop "$service-blue"
docker rm "$service-blue"
"""


def plain_deploy(ssh: SshInfo, service: str, image: str, *, port: int, path: str, environ: Mapping[str, str]) -> float:
    """Replace a service of the sandbox by a plain script; return the seconds that took.

    Args:
        ssh: the way in.
        image: as the host pulls it.
        port: where the service listens, and ``path`` what tells that it is healthy.
        environ: settings that lead over another link: ``BEHINDY_PORT`` and ``BEHINDY_KNOWN_HOSTS_FILE``.

    Raises:
        Kind.SANDBOX: it failed, or there is no ``ssh``.
    """
    if not shutil.which("ssh"):
        raise Kind.SANDBOX(
            "A plain script needs ssh, which is not on this machine.", remedy="Install OpenSSH's client."
        )
    known = environ.get("BEHINDY_KNOWN_HOSTS_FILE", ssh.known_hosts_file)
    options = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}")
    argv = [
        *("ssh", "-F", "none", "-i", ssh.key_file, "-p", environ.get("BEHINDY_PORT", str(ssh.port))),
        *(word for option in options for word in ("-o", option)),
        *(
            f"{ssh.user}@{ssh.host}",
            "bash",
            "-s",
            "--",
            service,
            image,
            str(port),
            path,
            Names().network,
            f"{PLAIN_WAIT:g}",
        ),
    ]
    begun = time.monotonic()
    try:
        ran = subprocess.run(argv, input=_SCRIPT, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise Kind.SANDBOX(f"The plain script took more than {_TIMEOUT:g} s.") from None
    if ran.returncode:
        raise Kind.SANDBOX(
            f"The plain script failed: exit code {ran.returncode}.", lines=tuple(ran.stderr.splitlines()[-5:])
        )
    return time.monotonic() - begun
