"""Send an image of this machine to the host, instead of pulling it there: only the layers the host has not.

How: docs/design.md, "Images without a registry".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from behindy_ops.deploy.state import State
from behindy_ops.deploy.steps.pull import compared, foreign
from behindy_ops.deploy.steps.step import Read, Step
from behindy_ops.errors import BehindyError, Kind, RemoteCommandFailed
from behindy_ops.facts import local_image
from behindy_ops.facts.figures import size
from behindy_ops.facts.image import IMAGE_TEMPLATE, parse_image
from behindy_ops.facts.local_image import OWN_TAG, PACKED_TAG, LocalImage, Parcel
from behindy_ops.facts.pull import cause
from behindy_ops.facts.survey import EngineKind, Survey
from behindy_ops.host.command import Command, Result, script

LONGEST = 3600.0
"""Seconds an image may take to arrive: 1 GB at 3 Mbit/s, and to be unpacked."""


class AskLayers(Step):
    """Learn which layers the host has, so that it need not be sent those."""

    name = "layers"
    said = "See which layers of {state.local.reference} the host has"

    def command(self, state: State) -> Command:
        return layers_command(local(state))

    def read(self, state: State, result: Result) -> Read:
        if not result.ok:
            return Read(state, error=self.failure(state, result))
        image = local(state)
        error = foreign(image.architecture, image.reference, state.survey.architecture, "deploy it once more")
        if error is not None and not state.goal.force:
            return Read(state, error=error)
        held = held_by(image, result, state.survey)
        return Read(replace(state, held=held), f"to send: {image.described(held)}")


class Send(Step):
    """Send what the host lacks, and load it there; from here the image is known by its id."""

    name = "send"
    said = "Send {state.local.reference} from this machine"

    def command(self, state: State) -> Command:
        _, own = local(state).names(_reference(state))
        argv = script("deploy/load", state.paths.state, own, IMAGE_TEMPLATE)
        return Command(argv, title=f"load {_reference(state)}", timeout=LONGEST, changes=True)

    def feed(self, state: State, tell: Callable[[str], None]) -> Iterable[bytes]:
        return Parcel(local(state), local(state).names(_reference(state)), state.held or 0, tell)

    def read(self, state: State, result: Result) -> Read:
        if not result.ok:
            return Read(state, error=_load_error(_reference(state), result))
        told, sent = result.reply().values(), local(state)
        image = parse_image(told["image"])
        contained = EngineKind.CONTAINERD in state.survey.engine  # which has ids of its own
        if image.id != (sent.manifest_digest if contained else sent.id):
            return Read(state, error=RemoteCommandFailed("What arrived is not what was sent.", remedy="Try again."))
        digest = "" if contained else image.digest(state.release.repository)
        state = replace(state, image=image, release=replace(state.release, image_id=image.id, digest=digest))
        parcel = result.command.feed
        count = parcel.sent if isinstance(parcel, Parcel) else 0
        missing = len(sent.missing(state.held or 0))
        read = compared(state, image, f"{image.id[:19]}, {missing} of {len(sent.layers)} layers, {size(count)} sent")
        return replace(read, facts={**read.facts, "sent_layers": str(missing), "sent_bytes": str(count)})


def layers_command(image: LocalImage) -> Command:
    """Return what asks the host which layers it has."""
    argv = script("deploy/layers", image.layers[0].diff_id if image.layers else "sha256:")
    return Command(argv, title="see which layers the host has", timeout=60)


def held_by(image: LocalImage, result: Result, survey: Survey) -> int:
    """Return how many of an image's layers, from the bottom, the host has by its answer.

    An engine whose images containerd keeps wants the very blobs, so it has those of images that were sent, plain.
    """
    images = [line.partition("|") for line in result.reply().every("layers")]
    if EngineKind.CONTAINERD in survey.engine:
        if any(layer.packed for layer in image.layers):
            return 0
        images = [each for each in images if any(map(_sent_plain, each[2].split()))]
    return local_image.held(image.layers, (layers.split() for layers, _, _ in images))


def _sent_plain(reference: str) -> bool:
    tag = reference.rpartition(":")[2]
    return tag.startswith(OWN_TAG) and not tag.endswith(PACKED_TAG)


def local(state: State) -> LocalImage:
    """Return the image that is to be sent.

    Raises:
        ValueError: there is none; the plan has no such step then.
    """
    if state.local is None:
        raise ValueError("no image of this machine is to be sent")
    return state.local


def _reference(state: State) -> str:
    return f"{state.release.repository}:{state.goal.tag}"


def _load_error(image: str, result: Result) -> BehindyError:
    lines = result.last_lines(5)
    found = cause("\n".join(lines), image)
    if found is not None and found.kind is Kind.DISK_FULL:
        return found.kind(found.what, remedy=found.remedy, lines=lines)
    return RemoteCommandFailed(
        f"{image} could not be loaded on the host: {result.how()}.",
        remedy="Docker keeps nothing of an image that did not arrive whole. Try again.",
        lines=lines,
    )
