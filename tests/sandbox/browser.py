"""A headless Chromium that is asked over its debugging protocol: what a page asked for, said, and looks like."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--no-first-run", "--disable-extensions", "--disable-component-update", "--disable-background-networking"),
    *("--remote-debugging-port=0", "about:blank"),
)
_SECONDS = 60.0

_LOOK = r"""
(() => {
  const luminance = (colour) => {
    const [r, g, b] = colour.map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faint = [], beyond = [];
  for (const element of document.querySelectorAll("body *")) {
    const box = element.getBoundingClientRect();
    if (!box.width || getComputedStyle(element).visibility === "hidden") continue;
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.localName === "title") continue;
    const style = getComputedStyle(element);
    const colour = parse(element.ownerSVGElement ? style.fill : style.color);
    const [a, b] = [luminance(colour.slice(0, 3)), luminance(behind(element))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) faint.push(element.localName + "." + element.className + " " + contrast.toFixed(2));
    if (!element.closest(".scroll") && (box.left < -1 || box.right > innerWidth + 1)) beyond.push(element.textContent);
  }
  return {
    width: innerWidth, scrolls: document.scrollingElement.scrollWidth, background: behind(document.body).join(" "),
    height: document.scrollingElement.scrollHeight, faint, beyond, text: document.body.innerText,
    scripts: document.scripts.length, pictures: document.querySelectorAll("figure").length,
    tables: document.querySelectorAll("figure table").length,
  };
})()
"""


@dataclass
class Look:
    """One look at a page.

    Attributes:
        asked: what the page asked the network for, besides itself.
        said: what went to the console, errors and refusals by the page's own policy among it.
        found: what the page says of itself: widths, background, texts of too little contrast, or beyond an edge.
        picture: a screenshot of the whole page, PNG.
    """

    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    picture: bytes = b""


def chromium() -> str:
    """Return the path of a Chromium, or nothing."""
    return next((path for path in map(shutil.which, NAMES) if path), "")


@dataclass(frozen=True)
class View:
    """How a page is looked at.

    Attributes:
        width: in pixels.
        scheme: ``light`` or ``dark``.
        opened: all that can be opened is open.
        still: less motion is asked for.
    """

    width: int
    scheme: str
    opened: bool = False
    still: bool = False


def looks(program: str, page: Path, views: Sequence[View], script: str = _LOOK) -> list[Look]:
    """Open a page in each of these views, in one browser.

    Args:
        program: a Chromium.
        page: a file.
        views: one look for each.
        script: what is asked of the page, whose value is ``found``.
    """
    return asyncio.run(_looks(program, page, views, script))


async def _looks(program: str, page: Path, views: Sequence[View], script: str) -> list[Look]:
    async with _started(program) as address, aiohttp.ClientSession() as session:
        return [await _look(session, address, page, view, script) for view in views]


@contextlib.asynccontextmanager
async def _started(program: str) -> AsyncIterator[str]:
    """Start it, give the address of its protocol, and end it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--user-data-dir={home}",
            *_FLAGS,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"},
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(_SECONDS):
                async for line in process.stderr:
                    if address := re.search(rb"DevTools listening on (ws://\S+)", line):
                        break
                else:
                    raise AssertionError(f"{program} did not start")
            rest = asyncio.create_task(process.stderr.read())  # what nobody reads would hold it up in the end
            yield address[1].decode()
            rest.cancel()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


class _Tab:
    """One tab: commands and their answers, and the events between."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._number, self.session = socket, 0, ""
        self.events: list[dict[str, Any]] = []

    async def ask(self, method: str, **given: Any) -> dict[str, Any]:
        self._number += 1
        about = {"sessionId": self.session} if self.session else {}
        await self._socket.send_json({"id": self._number, "method": method, "params": given, **about})
        async with asyncio.timeout(_SECONDS):
            while True:
                said = await self._socket.receive_json()
                if said.get("id") == self._number:
                    assert "error" not in said, (method, said)
                    return dict(said["result"])
                self.events.append(said)

    async def until(self, method: str) -> None:
        async with asyncio.timeout(_SECONDS):
            while not any(event["method"] == method for event in self.events):
                self.events.append(await self._socket.receive_json())


async def _look(session: aiohttp.ClientSession, address: str, page: Path, view: View, script: str) -> Look:
    async with session.ws_connect(address, max_msg_size=0) as socket:
        tab = _Tab(socket)
        target = await tab.ask("Target.createTarget", url="about:blank")
        attached = await tab.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab.session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            await tab.ask(f"{domain}.enable")
        await tab.ask(
            "Emulation.setDeviceMetricsOverride", width=view.width, height=900, deviceScaleFactor=1, mobile=False
        )
        wanted = {
            "prefers-color-scheme": view.scheme,
            "prefers-reduced-motion": "reduce" if view.still else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        await tab.ask("Emulation.setEmulatedMedia", features=features)
        tab.events.clear()
        await tab.ask("Page.navigate", url=page.as_uri())
        await tab.until("Page.loadEventFired")
        look = Look()
        if view.opened:
            await _value(tab, "document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        look.found = dict(await _value(tab, script))
        shot = await tab.ask("Page.captureScreenshot", captureBeyondViewport=True)
        look.picture = base64.b64decode(shot["data"])
        look.asked, look.said = _asked(tab.events, page.as_uri()), _said(tab.events)
        tab.session = ""
        await tab.ask("Target.closeTarget", targetId=target["targetId"])
        return look


async def _value(tab: _Tab, script: str) -> Any:
    said = await tab.ask("Runtime.evaluate", expression=script, returnByValue=True)
    assert "exceptionDetails" not in said, said
    return said["result"].get("value")


def _asked(events: Sequence[dict[str, Any]], own: str) -> list[str]:
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if url != own]


def _said(events: Sequence[dict[str, Any]]) -> list[str]:
    entries = [str(e["params"]["entry"]["text"]) for e in events if e["method"] == "Log.entryAdded"]
    calls = [str(e["params"]["args"]) for e in events if e["method"] == "Runtime.consoleAPICalled"]
    raised = [str(e["params"]["exceptionDetails"]) for e in events if e["method"] == "Runtime.exceptionThrown"]
    return [*entries, *calls, *raised]
