"""What ``up`` puts on the sandbox's host, as one tar archive: the project's files, keys, certificates, ``.env``."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behindy_ops.facts.machine import HostFacts
from behindy_ops.facts.timers import PROGRAMS
from behindy_ops.provision import timers
from sandbox.host.keys import HOST_KEY_TYPES, Keys

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HOST_DIR", "USER", "Entry", "archive", "collect", "login"]

USER = "ubuntu"
HOST_DIR = "behindy-ops"
HOME = f"home/{USER}"


@dataclass(frozen=True)
class Entry:
    """One file, folder (no content) or symbolic link (``link``) on the host, its path relative to ``/``."""

    path: str
    content: bytes | None = None
    link: str = ""
    mode: int = 0o644
    owner: str = "root"


def collect(root: Path, environment: str, keys: Keys, domain: str) -> list[Entry]:
    """Gather everything: from the checkout at ``root``, the text of ``.env``, and the keys."""
    return [*_project(root, environment), *login(keys), *_certificates(keys, domain), *_timers(domain)]


def archive(entries: list[Entry]) -> tuple[bytes, str]:
    """Return the archive and the hash of its contents; equal entries give equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            member = tarfile.TarInfo(entry.path)
            member.mode, member.uname, member.gname = entry.mode, entry.owner, entry.owner
            member.uid = member.gid = 0 if entry.owner == "root" else 1000
            if entry.link:
                member.type, member.linkname = tarfile.SYMTYPE, entry.link
            elif entry.content is None:
                member.type = tarfile.DIRTYPE
            else:
                member.size = len(entry.content)
            tar.addfile(member, io.BytesIO(entry.content or b""))
    content = buffer.getvalue()
    return content, hashlib.sha256(content).hexdigest()


def _project(root: Path, environment: str) -> list[Entry]:
    base = f"{HOME}/{HOST_DIR}"
    folders = [
        Entry(path, mode=mode, owner=USER)
        for path, mode in (
            (base, 0o755),
            (f"{base}/state", 0o700),
            (f"{base}/rehearsal", 0o700),
            (f"{base}/assets", 0o755),
            (f"{base}/compose", 0o755),
            (f"{base}/nginx", 0o755),
        )
    ]
    entries = [
        *folders,
        Entry(f"{base}/.env", environment.encode(), mode=0o600, owner=USER),
        Entry(f"{base}/compose/.env", link="../.env", owner=USER),
    ]
    for folder in ("compose", "nginx"):
        for file in sorted((root / folder).rglob("*")):
            # A developer's own .env stays at home; the host has one of its own.
            if file.is_file() and file.name != ".env" and not file.name.startswith(".env."):
                path = f"{base}/{file.relative_to(root).as_posix()}"
                entries.append(Entry(path, file.read_bytes(), owner=USER))
            elif file.is_dir():
                entries.append(Entry(f"{base}/{file.relative_to(root).as_posix()}", mode=0o755, owner=USER))
    return entries


def login(keys: Keys) -> list[Entry]:
    """Gather what lets the client in, and what sshd proves itself with."""
    ssh = f"{HOME}/.ssh"
    entries = [
        Entry(ssh, mode=0o700, owner=USER),
        Entry(f"{ssh}/authorized_keys", keys.authorized_key.read_bytes(), mode=0o600, owner=USER),
    ]
    # sshd waits for the Ed25519 key: it comes last.
    for kind in reversed(HOST_KEY_TYPES):
        key = keys.host_key(kind)
        entries.append(Entry(f"etc/ssh/{key.name}.pub", key.with_suffix(".pub").read_bytes()))
        entries.append(Entry(f"etc/ssh/{key.name}", key.read_bytes(), mode=0o600))
    return entries


def _timers(domain: str) -> list[Entry]:
    """As host.setup places them where there is no systemd; cron does not run here, so nothing happens unasked."""
    placed = timers.files(HostFacts(directory=(f"/{HOME}/{HOST_DIR}",), user=USER), domain)
    folders = [Entry(folder, mode=0o755) for folder in sorted({path.rpartition("/")[0][1:] for path in placed})]
    files = [
        Entry(path[1:], text.encode(), mode=0o755 if path.startswith(PROGRAMS) else 0o644)
        for path, text in placed.items()
    ]
    return [*folders, *files]


def _certificates(keys: Keys, domain: str) -> list[Entry]:
    """As certbot lays them out: the files in ``archive``, links to them in ``live``."""
    lets, certificate, ca = "etc/letsencrypt", keys.certificate.read_bytes(), keys.ca.read_bytes()
    files = {
        "cert": certificate,
        "chain": ca,
        "fullchain": certificate + ca,
        "privkey": keys.certificate_key.read_bytes(),
    }
    entries = [
        Entry(path, mode=mode)
        for path, mode in (
            (lets, 0o755),
            (f"{lets}/archive", 0o700),
            (f"{lets}/archive/{domain}", 0o755),
            (f"{lets}/live", 0o700),
            (f"{lets}/live/{domain}", 0o755),
            ("var/www", 0o755),
            ("var/www/certbot", 0o755),
        )
    ]
    for name, content in files.items():
        mode = 0o600 if name == "privkey" else 0o644
        entries.append(Entry(f"{lets}/archive/{domain}/{name}1.pem", content, mode=mode))
        entries.append(Entry(f"{lets}/live/{domain}/{name}.pem", link=f"../../archive/{domain}/{name}1.pem"))
    entries.append(Entry("usr/local/share/ca-certificates/behindy-sandbox.crt", ca))
    return entries
