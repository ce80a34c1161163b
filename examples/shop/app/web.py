"""The shop's pages: GET says which release answers, POST /orders takes an order."""

from __future__ import annotations

import asyncio
import http.server
import os
from http import HTTPStatus

from app import database

RELEASE = os.environ["RELEASE"]


async def ask(query: str, *values: object) -> None:
    connection = await database.connect()
    try:
        await connection.fetchval(query, *values)
    finally:
        connection.terminate()


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            asyncio.run(ask("SELECT 1 FROM orders LIMIT 1"))  # without the database, it hangs up: not healthy
        self.answer(f"the shop, {RELEASE}\n")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path != "/orders":
            self.answer("there is nothing to send to\n", HTTPStatus.NOT_FOUND)
            return
        asyncio.run(ask("INSERT INTO orders (bytes) VALUES ($1)", len(body)))
        self.answer(f"an order of {len(body)} bytes\n")

    def answer(self, text: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Release", RELEASE)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nginx writes a line for each."""


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", 5000), Pages).serve_forever()
