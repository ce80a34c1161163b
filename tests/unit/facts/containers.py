"""What docker prints of a container with our template, for tests."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["container_line"]


def container_line(**changes: Any) -> str:
    """One line as the container template prints it."""
    data: dict[str, Any] = {
        "id": "c1", "name": "/frontend", "created": "2026-01-01T00:00:00Z", "image_id": "sha256:1",
        "image": "me/behindy-frontend@sha256:aa", "labels": {"behindy.tag": "v1"}, "status": "running", "running": True,
        "restarting": False, "oom": False, "exit": 0,
        "started": "2026-01-01T00:00:01.123456789Z",
        "finished": "0001-01-01T00:00:00Z", "restarts": 0, "health": "", "memory": 419430400, "restart": "always",
        "ports": None, "networks": {"net": {"IPAddress": "10.0.0.2", "Aliases": None}}, "env": ["PATH", "TZ"],
    }  # fmt: skip
    return json.dumps(data | changes)
