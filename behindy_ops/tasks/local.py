"""``--from-local``: the images of this machine that a task is to send to the host."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from behindy_ops.errors import UNCHANGED, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behindy_ops.facts.local_image import LocalImage
    from behindy_ops.tasks.client import Client


@contextlib.contextmanager
def images(client: Client, from_local: str, tag: str) -> Iterator[tuple[dict[str, LocalImage], str]]:
    """Read what the option names, and give service to image, and the tag to deploy it as.

    Args:
        from_local: a tag of each service's own repository, or a whole ``NAME:TAG`` for one service; empty for none.
        tag: what ``--tag`` says, which goes without it.

    Raises:
        Kind.USAGE: it is neither, or there is a tag beside it; or nodes are to run it that get it from a registry.
    """
    if not from_local:
        yield {}, tag
        return
    from behindy_ops.host.local_engine import saved
    from behindy_ops.project.services import LATEST, local_reference, repository

    if tag != LATEST:
        raise Kind.USAGE(
            "--tag names an image to pull, and --from-local one to send.", state=UNCHANGED, remedy="Give one of them."
        )
    if spread := next((each.name for each in client.services if each.tasks), ""):
        raise Kind.USAGE(
            f"--from-local sends an image to one host, and {spread} may run on any node of the swarm.",
            state=UNCHANGED,
            remedy=f"Push it to a registry that every node reaches, then: inv deploy.{spread} --tag TAG",
        )
    repositories = {each.name: repository(each, client.settings.image_prefix) for each in client.services}
    references = {name: local_reference(from_local, own) for name, own in repositories.items()}
    if len(set(references.values())) < len(set(repositories.values())):
        raise Kind.USAGE(
            f"--from-local {from_local} is one image, and there are {len(references)} services.",
            state=UNCHANGED,
            remedy="Name one service; or give a tag alone, which each service's own repository has.",
        )
    with saved(references, client.emit) as found:
        yield found, from_local.rpartition(":")[2]
