"""A server of the benchmark's applications, what it takes of the processor, and a client that takes next to nothing.

The client sends bytes that were made before, and reads no more of an answer than where it ends: what a real client
takes for a request would speak for batching.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks import calls
from tests.benchmarks.applications import host
from tests.benchmarks.calls import Handler
from tests.servers.kinds import APPLICATION, GRANIAN, GUNICORN, UVICORN, Server
from tests.servers.running import DEADLINE, LOOPBACK, Running, running


def _ours(server: Server) -> Server:
    """`server` with the application of the benchmark."""
    return replace(
        server,
        arguments=lambda port: [
            "tests.benchmarks.served:application" if argument == APPLICATION else argument
            for argument in server.arguments(port)
        ],
    )


PATIENT = {"uvicorn": ("--timeout-keep-alive", "75"), "gunicorn": ("--keep-alive", "75")}
"""So that no connection is closed that a slow round leaves idle."""

CASES: tuple[tuple[Server, str], ...] = (
    (UVICORN, "starlette"),
    (UVICORN, "fastapi"),
    (GUNICORN, "flask"),
    (GUNICORN, "django-wsgi-usual"),
    (GRANIAN, "starlette"),
    (UVICORN, "bare-asgi"),
    (UVICORN, "litestar"),
    (UVICORN, "django-asgi-usual"),
    (GRANIAN, "fastapi"),
    (GUNICORN, "bare-wsgi"),
)
"""The first are those that a quick run has time for."""


def possible(server: Server, name: str) -> bool:
    """Whether all that it takes is installed."""
    return host(name).here and all(map(find_spec, (server.module, *server.needs)))


@contextmanager
def serving(server: Server, name: str) -> Iterator[Running]:
    with running(_ours(server), name, more=PATIENT.get(server.module, ())) as served:
        yield served


def request(handler: Handler) -> bytes:
    """The bytes of one direct request."""
    return _written(handler.method, handler.path, handler.body)


def batch_request(handler: Handler, count: int) -> bytes:
    return _written("POST", "/batch", calls.batch_body(handler, count))


def _written(method: str, path: str, body: bytes) -> bytes:
    fields = calls.sent(method, path, body).headers
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


class Connection:
    """A connection that is kept alive."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((LOOPBACK, port), DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""

    def send(self, request: bytes) -> None:
        self.socket.sendall(request)

    def read(self) -> bytes:
        """The body of the next answer; it must be a 200 with a `Content-Length`."""
        while (body := self.taken(b"")) is None:
            more = self.socket.recv(1 << 20)
            assert more, "the server closed the connection"
            self._left += more
        return body

    def taken(self, more: bytes) -> bytes | None:
        """The body of the next answer if it is complete with `more`."""
        self._left += more
        head, end, rest = self._left.partition(b"\r\n\r\n")
        if not end:
            return None
        assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")), head
        size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(rest) < size:
            return None
        self._left = rest[size:]
        return rest[:size]

    def close(self) -> None:
        self.socket.close()


@contextmanager
def connected(port: int, count: int) -> Iterator[list[Connection]]:
    with ExitStack() as stack:
        opened = [Connection(port) for _ in range(count)]
        for connection in opened:
            stack.callback(connection.close)
        yield opened


@dataclass(frozen=True)
class Processor:
    """What the processes of a server took of the processor, in seconds, to the nanosecond where the system tells it."""

    pids: tuple[int, ...]

    @classmethod
    def of(cls, served: Running) -> Processor:
        group = served.process.pid  # it was started as the leader of a group of its own
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        return cls(tuple(pid for pid in pids if _group(pid) == group))

    def seconds(self) -> float:
        return sum(map(_seconds, self.pids))


def _group(pid: int) -> int | None:
    with suppress(OSError):
        return os.getpgid(pid)
    return None


def _seconds(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3); /proc knows only hundredths
    except OSError:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
