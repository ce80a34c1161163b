"""What a release is called, what is kept of it on the host, and the Compose override that makes it green."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from behindy_ops.facts.release import Labels, Release
from behindy_ops.facts.survey import NETWORK


def new_id(now: datetime, randomness: str) -> str:
    """Return a release id that sorts by time: ``20260131-093000-1f2e`` (UTC).

    Args:
        randomness: a few hexadecimal digits, so that two in one second differ.
    """
    return f"{now:%Y%m%d-%H%M%S}-{randomness}"


def override(release: Release, image: str) -> str:
    """Return the Compose file laid over the project's own, as JSON (which is YAML): only what makes it this release.

    Args:
        image: the image by its digest or id, so that a tag that moves meanwhile changes nothing.
    """
    labels = {
        Labels.service: release.service,
        Labels.release: release.id,
        Labels.repository: release.repository,
        Labels.tag: release.tag,
        Labels.digest: release.digest,
        Labels.config: release.config,
        Labels.previous: release.previous,
    }
    stanza = {"container_name": f"{release.service}-green", "image": image, "labels": labels}
    return json.dumps(
        {"services": {release.service: stanza}, "networks": {"internal": {"name": NETWORK, "external": True}}},
        indent=1,
    )


def description(release: Release) -> str:
    """Return the one line that is kept beside the release's files."""
    return json.dumps({key: value for key, value in asdict(release).items() if key != "status"}, ensure_ascii=False)
