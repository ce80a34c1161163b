"""Other hosts of a swarm: how one is written, and sessions on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from behindy_ops.errors import BehindyError, Interrupted, Kind
from behindy_ops.facts.swarm import Node
from behindy_ops.host.session import Session
from behindy_ops.project.settings import Settings
from behindy_ops.project.validate import check_host, check_user


@dataclass(frozen=True, slots=True)
class Joining:
    """A host that is to join, as it was written: ``user@host:port``."""

    text: str
    user: str = ""
    host: str = ""
    port: int | None = None

    def settings(self, ours: Settings) -> Settings:
        """Return the settings by which it is reached: the same key, and its host key pinned in the same place."""
        port = self.port or (None if self.host != ours.host else ours.port)
        user = self.user or ours.user
        return replace(ours, host=self.host, user=user, port=port, engine="", environment="", domain="")

    def named(self, ours: Settings) -> str:
        """Return what to put before a task so that it is about this host: what differs from the settings."""
        own = self.settings(ours)
        words = [f"BEHINDY_HOST={own.host}"]
        words += [f"BEHINDY_PORT={own.port}"] if own.port and own.port != ours.port else []
        return " ".join([*words, f"BEHINDY_USER={own.user}"] if own.user != ours.user else words)


def joining_of(texts: Iterable[str]) -> tuple[Joining, ...]:
    """Read ``--join``: ``user@host:port``, of which the host alone is needed; several may stand in one, by commas.

    Raises:
        Kind.USAGE: one is none.
    """
    found = []
    for text in dict.fromkeys(word.strip() for each in texts for word in each.split(",") if word.strip()):
        match = re.fullmatch(r"(?:([^@]+)@)?(\[[0-9a-fA-F:]+\]|[^@:]+)(?::([0-9]{1,5}))?", text)
        user, host, port = match.groups() if match else ("", "", None)
        host = host.strip("[]")
        if not match or check_host(host) or (user and check_user(user)) or not 0 < int(port or 22) < 65536:
            raise Kind.USAGE(
                f"--join {text} is no host.", remedy="Write user@host:port; user and port may be left out."
            )
        found.append(Joining(text, user or "", host, int(port) if port else None))
    return tuple(found)


def reached(session: Session, nodes: Iterable[Node]) -> Iterator[tuple[Node, Session | str]]:
    """Yield each node with a session on it, or with why there is none; each is closed before the next is opened.

    The node of the session itself is left out.
    """
    for node in nodes:
        if not node.ready:
            yield node, "it does not answer"
        elif not node.ssh or session.reach is None:
            yield node, "it has no label behindy.ssh"
        else:
            (host,) = joining_of([node.ssh])
            try:
                with session.reach(host.settings(session.settings)) as there:
                    yield node, there
            except Interrupted:
                raise
            except BehindyError as error:
                yield node, error.what
