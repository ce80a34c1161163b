"""What the tests of the views share: a view's JSON, and a host made crowded with images and containers."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.host import shell as host
from tests.sandbox.support import inv, on_host

HOME = "/home/ubuntu/behindy-ops"
VIEWS: dict[str, tuple[str, ...]] = {
    "mem": (),
    "stats": (),
    "ps": (),
    "disk": (),
    "network": (),
    "nginx": (),
    "certs": (),
    "env": ("backend",),
    "prune": ("--dry-run",),
}
"""Every view that shows once, with the words it needs."""


def view(name: str, *words: str) -> Any:
    """The data of a view, as a program gets it."""
    return json.loads(inv(f"ops.{name}", *(words or VIEWS.get(name, ())), "--json").ok().out)


@contextlib.contextmanager
def broken(breaks: str, mends: str) -> Iterator[None]:
    """Break the host by a shell line, and mend it whatever happens."""
    on_host("sh", "-c", breaks)
    try:
        yield
    finally:
        on_host("sh", "-c", mends)


@contextlib.contextmanager
def certificate(days: float) -> Iterator[None]:
    """Nginx's certificate file replaced by one that lasts so long, self-signed; afterwards it serves its own again."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "behindy.me")])
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=days, hours=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - dt.timedelta(days=90))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    live, away = "/etc/letsencrypt/live/behindy.me", "/etc/letsencrypt/away"
    on_host("sh", "-c", f"rm -rf {away} && cp -aL {live} {away}")
    try:
        host.run(["sh", "-c", f"cat > {live}/fullchain.pem"], stdin=pem)
        host.run(["sh", "-c", f"cat > {live}/privkey.pem"], stdin=secret)
        yield
    finally:
        for file in ("fullchain.pem", "privkey.pem"):
            on_host("sh", "-c", f"cat {away}/{file} > {live}/{file}")
        on_host("rm", "-rf", away)
        on_host("docker", "exec", "nginx", "nginx", "-c", "/etc/nginx/behindy/nginx.conf", "-s", "reload")


def image_archive(names: Sequence[str], architecture: str = "amd64") -> bytes:
    """What ``docker load`` takes: small images that share their only layer, each older than any real one."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as layer:
        _add(layer, "x", b"abc")
    diff = "sha256:" + hashlib.sha256(inner.getvalue()).hexdigest()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        _add(archive, "layer.tar", inner.getvalue())
        manifest = []
        for number, name in enumerate(names):
            created = f"2020-01-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
            config = {
                "architecture": architecture,
                "os": "linux",
                "created": created,
                "config": {"Labels": {"number": str(number)}},
                "rootfs": {"type": "layers", "diff_ids": [diff]},
                "history": [{"created": created}],
            }
            _add(archive, f"{number}.json", json.dumps(config).encode())
            manifest.append({"Config": f"{number}.json", "RepoTags": [name], "Layers": ["layer.tar"]})
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    return out.getvalue()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


@contextlib.contextmanager
def old_images(names: Sequence[str]) -> Iterator[None]:
    """These images on the host, older than any real one; gone afterwards."""
    host.run(["docker", "load", "-q"], stdin=image_archive(names), timeout=120)
    try:
        yield
    finally:
        remove_images(names)


def remove_images(names: Iterable[str]) -> None:
    on_host("sh", "-c", 'docker rmi "$@" >/dev/null 2>&1 || true', "rmi", *names, timeout=120)
