"""Applications that call each other by nginx's name lose nothing while what they call is switched."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

from sandbox.host.checkout import here
from tests.sandbox.support import deploy

FULL = os.environ.get("BEHINDY_TEST_FULL") == "1"
ASK = """
import asyncio, json, socket, sys, time, aiohttp
url, name = sys.argv[1:]
async def main():
    loop, lost, sent = asyncio.get_running_loop(), [], 0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        async def ask():
            nonlocal sent
            sent += 1
            try:
                socket.getaddrinfo(name, None)
                async with session.get(url) as answer:
                    if answer.status != 200: lost.append(answer.status)
                    await answer.read()
            except Exception as error:
                lost.append(f"{type(error).__name__}: {error}")
        end = loop.run_in_executor(None, sys.stdin.read)
        print("asking", flush=True)
        while not end.done():
            await asyncio.gather(*(ask() for _ in range(3)))
            await asyncio.sleep(0.01)
    print(json.dumps({"sent": sent, "lost": lost}))
asyncio.run(main())
"""


def test_no_lookup_and_no_request_from_inside_is_lost_while_llmserver_is_deployed(
    live_services: None, release: Callable[..., str]
) -> None:
    tags = [release("llmserver", tag) for tag in (("v2", "v1") * 10 if FULL else ("v2",))]
    inside = ["docker", "exec", "-i", "backend", "python3", "-c", ASK, "http://nginx:8000/health", "nginx"]
    argv = ["docker", "exec", "-i", here().container, *inside]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "asking\n"
        for tag in tags:
            deploy("llmserver", tag).ok()
        out, _ = asking.communicate(timeout=30)
    said: dict[str, Any] = json.loads(out)
    print(f"\nfrom inside: {said['sent']} asked, {len(said['lost'])} lost")  # noqa: T201
    assert said["sent"] > 500
    assert said["lost"] == []
