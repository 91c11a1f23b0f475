"""A server that has one thing happen to each request after the other, as a script says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers.running import LOOPBACK

ANSWERS, CLOSES, CUTS, HANGS, REDIRECTS, LATER = "answers", "closes", "cuts off", "hangs", "redirects", "later"


class Mishaps(ThreadingHTTPServer):
    """`received` are the batches that came, `script` is what happens to them; the last step goes on for ever."""

    daemon_threads = True

    def __init__(self, script: Sequence[str]) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.script, self.received, self.ended = list(script), list[Any](), threading.Event()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}/batch"

    def next_step(self, actions: list[Any]) -> str:
        with self.lock:
            self.received.append(actions)
            return self.script[min(len(self.received), len(self.script)) - 1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Mishaps

    def do_POST(self) -> None:
        actions = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["data"]["actions"]
        step = self.server.next_step(actions)
        results = [{"status_code": 200, "headers": {}, "body": action["relative_path"]} for action in actions]
        body = json.dumps({"data": results}).encode()
        if step == HANGS:
            self.server.ended.wait()
        if step in (HANGS, CLOSES):
            self.close_connection = True
            return
        self.send_response({REDIRECTS: 302, LATER: 429}.get(step, 200))
        if step == REDIRECTS:
            self.send_header("Location", "/elsewhere")
        if step == LATER:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:9] if step == CUTS else body)
        self.close_connection = step == CUTS

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def mishaps(*script: str) -> Iterator[Mishaps]:
    with Mishaps(script) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
