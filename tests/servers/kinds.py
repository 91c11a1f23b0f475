"""The servers that the tests know: how each is started, and where it differs from the others, directly too."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import pytest

APPLICATION = "tests.servers.application:application"


@dataclass(frozen=True)
class Server:
    """`arguments(port)` is what stands behind `python -m module`."""

    id: str
    door: Literal["asgi", "wsgi"]
    module: str
    arguments: Callable[[int], list[str]]
    needs: tuple[str, ...] = ()
    """Modules beside its own without which it doesn't start as it should."""
    pipelines: bool = True
    """Whether it answers a direct request that came in one piece with the one before."""
    single: bool = False
    """Whether it serves one connection at a time."""
    sees_cuts: bool = True
    """Whether it tells a chunked body that is cut off from one that has ended."""
    drains: bool = True
    """Whether it completes direct requests after SIGTERM."""

    def command(self, port: int, *more: str) -> list[str]:
        return [sys.executable, "-m", self.module, *self.arguments(port), *more]


def _uvicorn(http: str, loop: str) -> Callable[[int], list[str]]:
    return lambda port: [
        *("--host", "127.0.0.1", "--port", str(port), "--http", http, "--loop", loop),
        *("--ws", "none", "--no-access-log", APPLICATION),
    ]


def _hypercorn(port: int) -> list[str]:
    return ["--bind", f"127.0.0.1:{port}", "--graceful-timeout", "10", "--keep-alive", "2", APPLICATION]


def _granian(interface: str) -> Callable[[int], list[str]]:
    return lambda port: [
        *("--host", "127.0.0.1", "--port", str(port), "--interface", interface, "--no-ws"),
        *(["--blocking-threads", "8"] if interface == "wsgi" else []),
        APPLICATION,
    ]


def _waitress(port: int) -> list[str]:
    return [f"--listen=127.0.0.1:{port}", "--threads=8", APPLICATION]


def _gunicorn(*worker: str) -> Callable[[int], list[str]]:
    return lambda port: [
        *("--bind", f"127.0.0.1:{port}", "--no-control-socket", "--workers", "1", "--worker-class", *worker),
        APPLICATION,
    ]


UVICORN = Server("uvicorn-httptools", "asgi", "uvicorn", _uvicorn("httptools", "uvloop"), ("httptools", "uvloop"))
UVICORN_H11 = Server("uvicorn-h11", "asgi", "uvicorn", _uvicorn("h11", "asyncio"), ("h11",))
HYPERCORN = Server("hypercorn", "asgi", "hypercorn", _hypercorn)
GRANIAN = Server("granian-asgi", "asgi", "granian", _granian("asgi"))
GRANIAN_WSGI = Server("granian-wsgi", "wsgi", "granian", _granian("wsgi"), sees_cuts=False)
WAITRESS = Server("waitress", "wsgi", "waitress", _waitress, drains=False)
GUNICORN = Server("gunicorn-gthread", "wsgi", "gunicorn", _gunicorn("gthread", "--threads", "8"))
GUNICORN_SYNC = Server("gunicorn-sync", "wsgi", "gunicorn", _gunicorn("sync"), pipelines=False, single=True)
GUNICORN_GEVENT = Server(
    "gunicorn-gevent", "wsgi", "gunicorn", _gunicorn("gevent", "--worker-connections", "64"), ("gevent",)
)

SERVERS = (UVICORN, UVICORN_H11, HYPERCORN, GRANIAN, WAITRESS, GUNICORN, GUNICORN_SYNC, GUNICORN_GEVENT, GRANIAN_WSGI)

ONE_OF_EACH = (UVICORN, HYPERCORN, GRANIAN, GUNICORN_SYNC, GUNICORN, GUNICORN_GEVENT, WAITRESS)
"""Each server once, by its usual door, for what takes long."""


def require(server: Server) -> None:
    """Skips where `server` is not installed, except in CI, where everything has to be."""
    missing = [name for name in (server.module, *server.needs) if find_spec(name) is None]
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"{server.id} needs {', '.join(missing)}, which is not installed")
    assert not missing, f"{server.id} needs {', '.join(missing)}"


def params(*servers: Server) -> list[Any]:
    """For `pytest.mark.parametrize("server", params(*SERVERS))`."""
    return [pytest.param(server, id=server.id) for server in servers]
