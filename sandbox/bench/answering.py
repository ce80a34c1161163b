"""A release that is nothing but nginx: it answers everything at once, so that what is measured is what is before it."""

from __future__ import annotations

import copy
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from sandbox.host import seed
from sandbox.host.images import Part, named
from sandbox.host.registry import CONFIG_TYPE, PLAIN_LAYER_TYPE, Registry

if TYPE_CHECKING:
    from sandbox.host.info import SandboxInfo

__all__ = ["push"]

_PLACE = "opt/answer.conf"
_CONF = """worker_processes 1;
error_log /dev/stderr;
pid /tmp/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type text/plain;
    server {{
        listen {port} backlog=4096;
        add_header X-Service {service};
        add_header X-Release {tag};
        location / {{ return 200 "{service} {tag}\\n"; }}
    }}
}}
"""


def push(info: SandboxInfo, service: str, tag: str, port: int) -> None:
    """Put such a release into the sandbox's registry, as the image of this service."""
    registry, repository = Registry(info.registry), f"behindy/behindy-{service}"
    manifest = registry.manifest(seed.REPOSITORY, seed.tag_of(Part.NGINX, named(Part.NGINX)))
    config = copy.deepcopy(json.loads(registry.blob(seed.REPOSITORY, manifest["config"]["digest"])))
    for below in manifest["layers"]:
        registry.mount(repository, below["digest"], seed.REPOSITORY)
    added = registry.put_blob(repository, io.BytesIO(_layer(_CONF.format(service=service, tag=tag, port=port))))
    config["config"] |= {"Cmd": ["nginx", "-c", f"/{_PLACE}", "-g", "daemon off;"], "ExposedPorts": {}}
    config["rootfs"]["diff_ids"].append(added["digest"])
    config.setdefault("history", []).append({"created_by": "sandbox bench"})
    changed = registry.put_blob(repository, io.BytesIO(json.dumps(config).encode()))
    layers: list[dict[str, Any]] = [*manifest["layers"], {**added, "mediaType": PLAIN_LAYER_TYPE}]
    registry.put_image(repository, tag, {**changed, "mediaType": CONFIG_TYPE}, layers)


def _layer(text: str) -> bytes:
    buffer, content = io.BytesIO(), text.encode()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo(_PLACE)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
