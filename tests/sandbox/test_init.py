"""From a folder with a Dockerfile to a live service on a bare host, by the commands that docs/library.md gives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.host import images
from sandbox.host.images import Part
from tests.sandbox.bare import DOMAIN, Bare, bare, curl_from_here, fingerprint_of_its_key
from tests.sandbox.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(900)

GUIDE = ROOT / "docs" / "library.md"
SERVER = """\
import http.server

class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"the shop"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("", 5000), Answer).serve_forever()
"""


@dataclass(frozen=True)
class Shop:
    """The folder of a project of its own, the host it is for, and the image that its Dockerfile makes."""

    folder: Path
    host: Bare
    image: str

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        """Type a line in the folder."""
        inv = f"{sys.executable} -m behindy_ops.tasks.program"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BEHINDY_", "DOCKERHUB_"))}
        settings = {name: value for name, value in self.host.host.settings().items() if name != "BEHINDY_IMAGE_PREFIX"}
        return subprocess.run(
            ["bash", "-c", re.sub(r"^behindy-ops ", f"{inv} ", line)],
            cwd=self.folder, env={**kept, **settings, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=800, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("of") / "shop"
    folder.mkdir()
    built = images.ensure(print)
    (folder / "server.py").write_text(SERVER)
    (folder / "Dockerfile").write_text(
        f'FROM {built[Part.APP].name}\nCOPY server.py /\nCMD ["python3", "/server.py"]\n'
    )
    with bare("trixie", tmp_path_factory.mktemp("host")) as host:
        put = "mkdir -p /usr/local/share/ca-certificates && cat > /usr/local/share/ca-certificates/sandbox.crt"
        assert host.host.run("sh", "-c", put, stdin=host.ca[0]).returncode == 0  # the world believes Let's Encrypt
        image = f"shop-{os.getpid()}/web"
        try:
            yield Shop(folder, host, image)
        finally:
            subprocess.run(["docker", "image", "rm", "--force", f"{image}:v1"], capture_output=True, check=False)


def commands(shop: Shop) -> list[str]:
    """Those of the guide, for this host, this domain and an image that is only this run's."""
    text = GUIDE.read_text(encoding="utf-8")
    (block,) = re.findall(r"^<!-- five -->\n```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.partition("  #")[0].strip() for line in block.splitlines()]
    for old, new in (
        ("shop.example", DOMAIN),
        ("YOU@DOMAIN", "ops@behindy.me"),
        ("SHA256:...", fingerprint_of_its_key(shop.host)),
        ("web,port", f"web,image={shop.image},port"),
        ("shop/web", shop.image),
    ):
        assert any(old in line for line in lines), old
        lines = [line.replace(old, new) for line in lines]
    return lines


def test_five_commands_lead_from_a_dockerfile_to_a_live_service(shop: Shop) -> None:
    lines = commands(shop)
    assert len(lines) <= 5
    # Plain inv knows no task in a folder without a tasks.py, and is not there at all where a tool was installed.
    assert all(line.startswith(("behindy-ops ", "docker ")) for line in lines)
    for line in lines:
        done = shop.type(line)
        assert done.returncode == 0, (line, done.stdout[-3000:], done.stderr[-3000:])
    assert curl_from_here(shop.host, "/") == "the shop"
    assert shop.host.sh("ls ~ubuntu/shop/compose/docker-compose.yml")  # where .env says
    missing = shop.type("behindy-ops init --check")
    assert missing.returncode == 0, missing.stdout
    assert shop.type("behindy-ops host.nginx --check").returncode == 0
