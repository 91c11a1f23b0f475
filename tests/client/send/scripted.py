"""A batch route that answers as it is told, and remembers what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """`body` is bytes, or a value to be written as JSON. `breaks` ends the connection after so many bytes of it."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    breaks: int | None = None
    closes: bool = False
    """Ends the connection once the whole answer is sent, without having said so."""


@dataclass(frozen=True)
class Posted:
    """One request."""

    connection: int
    headers: dict[str, str]
    body: bytes

    @property
    def actions(self) -> list[Any]:
        value = json.loads(self.body)
        actions: list[Any] = (value.get("data") or value)["actions"]
        return actions

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def names(self) -> list[str]:
        return [action["relative_path"] for action in self.actions]


Script = Callable[[Posted], Answer | None]
"""What to answer; None for what a batch route answers where all is fine."""


def fine(posted: Posted, style: str = "asana") -> Answer:
    results = [
        {"status_code": 200, "headers": {}, "body": {"path": action["relative_path"]}} for action in posted.actions
    ]
    return Answer(body={"results" if style == "plain" else "data": results})


def errors(message: str) -> Any:
    return {"errors": [{"message": message}]}


@dataclass
class Server:
    url: str
    posted: list[Posted]

    @property
    def batches(self) -> list[list[str]]:
        return [each.names for each in self.posted]


@contextmanager
def scripted(*answers: Answer | Script | None) -> Iterator[Server]:
    """Gives these answers, one after the other; after the last all is fine."""
    waiting = list(answers)
    lock = threading.Lock()
    posted: list[Posted] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                each = Posted(self.client_address[1], headers, body)
                posted.append(each)
                answer = waiting.pop(0) if waiting else None
            if callable(answer):
                answer = answer(each)
            self.write(answer or fine(each))

        def write(self, answer: Answer) -> None:
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            if answer.breaks == 0:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"content-length": str(len(body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: answer.breaks])
            self.close_connection = answer.breaks is not None or answer.closes

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}/api/batch", posted)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
