"""A page that stays open over deploys: its static files, which only its own release has, are still served."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sandbox.host.info import SandboxInfo
from tests.sandbox.asking import Answer, Site
from tests.sandbox.support import deploy, inv, live_release, on_host

Release = Callable[..., str]
HOME = "/home/ubuntu/behindy-ops"
IMMUTABLE = "public, max-age=31536000, immutable"
SECRET = "a secret of the host"
CHUNKS = "/_next/static/chunks"
NOWHERE = f"{CHUNKS}/never.js"

FORGOTTEN = f"""set -e
cd {HOME}
mkdir -p assets/frontend{CHUNKS} state/assets/frontend
for name in forgotten mine; do echo $name >assets/frontend{CHUNKS}/$name.js; done
printf '{CHUNKS[1:]}/forgotten.js\\0' >state/assets/frontend/20250101-000000-aaaa
"""
"""A static file of a release that is gone, and one that is somebody's own."""

LINKS = """set -e
image=$1 secret=$2
docker run --name links --network none "$image:$3" sh -ec '
cd /app/.next/static
echo fine >chunks/plain.js
ln chunks/plain.js chunks/hard.js
ln -s "$1" chunks/absolute.js
ln -s "../../../../../../..$1" chunks/upwards.js
ln -s /etc/letsencrypt/live/behindy.me folder
ln -s ../../../../../../state state
mkfifo chunks/pipe.js
mkdir locked
echo fine >locked/deep.js
chmod 4600 locked/deep.js
chmod 500 locked' links "$secret"
docker commit --change 'CMD ["python3", "-m", "sample"]' links "$image:links"
docker rm links
docker push -q "$image:links"
docker rmi "$image:links"
"""
"""Pushes an image with every kind of file in its static directory."""


@pytest.fixture(scope="module")
def site(sandbox: SandboxInfo) -> Site:
    return Site(sandbox)


def script(site: Site) -> str:
    """The path of the script that the page loads now."""
    found = re.search(r'src="(/_next/static/[^"]+)"', site.ask("/").body.decode())
    assert found is not None
    return found[1]


@contextmanager
def open_page(site: Site, *paths: str) -> Iterator[list[Answer]]:
    """Ask for a page's static files again and again, as long as this lasts; collect the answers."""
    answers: list[Answer] = []
    over = threading.Event()

    def asking() -> None:
        while not over.wait(0.01):
            answers.extend(site.ask(path) for path in paths)

    reader = threading.Thread(target=asking)
    reader.start()
    try:
        yield answers
    finally:
        over.set()
        reader.join(30)


@pytest.mark.usefixtures("live_services")
def test_an_open_page_has_its_static_files_over_deploys_and_a_rollback(site: Site, release: Release) -> None:
    deploy("frontend", release("frontend", "static-1")).ok()
    first = script(site)
    with open_page(site, first) as answers:
        deploy("frontend", release("frontend", "static-2")).ok()
        second = script(site)
        assert second != first
        inv("deploy.rollback", "frontend", "--watch", "0").ok()
    assert live_release("frontend") == "static-1"
    assert len(answers) > 20
    assert {(answer.status, answer.one("Cache-Control")) for answer in answers} == {(200, IMMUTABLE)}
    assert all(b"static-1" in answer.body for answer in answers)
    kept = site.ask(second)
    assert (kept.status, kept.one("X-Release"), kept.one("Cache-Control")) == (200, None, IMMUTABLE)
    assert b"static-2" in kept.body
    assert kept.one("Content-Type") == "application/javascript; charset=utf-8"
    assert kept.one("X-Content-Type-Options") == "nosniff"
    assert kept.one("Strict-Transport-Security") is not None
    assert (site.ask(NOWHERE).status, site.ask(f"{NOWHERE}/../../x").status) == (404, 404)


@pytest.mark.usefixtures("live_services")
def test_static_files_of_a_release_that_is_not_kept_any_more_are_shown_and_go_with_a_prune(site: Site) -> None:
    on_host("bash", "-c", FORGOTTEN, user="ubuntu")
    assert site.ask(f"{CHUNKS}/forgotten.js").body == b"forgotten\n"
    assert "  20250101-000000-aaaa  ops.prune removes them" in inv("ops.disk").ok().out
    assert "  static files of frontend 20250101-000000-aaaa" in inv("ops.prune", "--dry-run").ok().out
    assert "removed  static files of frontend 20250101-000000-aaaa" in inv("ops.prune").ok().out
    assert site.ask(f"{CHUNKS}/forgotten.js").status == 404
    assert site.ask(f"{CHUNKS}/mine.js").body == b"mine\n"
    on_host("rm", f"{HOME}/assets/frontend{CHUNKS}/mine.js")


@pytest.mark.usefixtures("live_services")
def test_an_image_cannot_make_nginx_serve_a_file_of_the_host(
    sandbox: SandboxInfo, site: Site, release: Release
) -> None:
    on_host("sh", "-c", f"echo '{SECRET}' >/etc/letsencrypt/secret.txt; chmod 644 /etc/letsencrypt/secret.txt")
    image = f"{sandbox.image_prefix}/behindy-frontend"
    deploy("frontend", release("frontend", "static-1")).ok()
    on_host("bash", "-c", LINKS, "links", image, "/etc/letsencrypt/secret.txt", "static-1")
    ran = deploy("frontend", "links").ok()
    assert "not kept" not in ran.said
    deploy("frontend", release("frontend", "static-2")).ok()
    for name in ("chunks/plain.js", "chunks/hard.js", "locked/deep.js"):
        assert (site.ask(f"/_next/static/{name}").status, name) == (200, name)
    for name in (
        *("chunks/absolute.js", "chunks/upwards.js", "chunks/pipe.js", "folder/privkey.pem", "folder/fullchain.pem"),
        *("state/history.jsonl", "folder", "locked", "../../../etc/letsencrypt/secret.txt"),
    ):
        answer = site.ask(f"/_next/static/{name}")
        assert (answer.status in (400, 404), SECRET.encode() in answer.body, name) == (True, False, name)
    kinds = on_host("find", f"{HOME}/assets", "-printf", "%y %M\\n").splitlines()
    assert set(kinds) == {"d drwxr-xr-x", "f -rw-r--r--"}
    on_host("rm", "/etc/letsencrypt/secret.txt")
