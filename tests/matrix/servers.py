"""The servers that the matrix adds to those of `tests.servers`, and how each is told of a prefix.

What was found out about them, with direct requests as with batches:

- uWSGI at SIGTERM reloads, or with `--die-on-term` drops what is in flight. As a service manager wants it, it answers
  first and then ends: `--hook-master-start "unix_signal:15 gracefully_kill_them_all"`. Without `--enable-threads` the
  actions of a batch run at once as well, since threads run while the request that started them does.
- hypercorn keeps a connection of HTTP/2 whose client went away with a request open, until the graceful time-out ends.
- Daphne knows no lifespan, and at SIGTERM closes its connections without their answers.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import gettempdir

from tests.servers.kinds import APPLICATION, HYPERCORN, WAITRESS, Server

PREFIX = "/outer"
"""Where something in front, or the server itself, places the application."""


@dataclass(frozen=True)
class Program(Server):
    """A server that is a program beside Python, not a module that Python runs."""

    def command(self, port: int, *more: str) -> list[str]:
        return [str(Path(sys.executable).with_name("uwsgi")), *self.arguments(port), *more]


def _daphne(port: int) -> list[str]:
    return ["-b", "127.0.0.1", "-p", str(port), "-v", "0", APPLICATION]


def _hypercorn_trio(port: int) -> list[str]:
    return ["--worker-class", "trio", *HYPERCORN.arguments(port)]


def uwsgi_socket(port: int) -> str:
    """Where the uWSGI on `port` is spoken to in its own protocol."""
    return f"{gettempdir()}/batchware-{port}.uwsgi"


def _uwsgi(*application: str, own: bool = False) -> Program:
    def arguments(port: int) -> list[str]:
        return [
            *("--http-socket", f"127.0.0.1:{port}", "--master", "--enable-threads", "--threads", "8", "--need-app"),
            *("--disable-logging", "--hook-master-start", "unix_signal:15 gracefully_kill_them_all"),
            *(["--socket", uwsgi_socket(port), "--vacuum"] if own else []),
            *application,
        ]

    return Program("uwsgi", "wsgi", "pyuwsgi", arguments)


DAPHNE = Server("daphne", "asgi", "daphne", _daphne, drains=False)
HYPERCORN_H2 = Server("hypercorn-h2", "asgi", "hypercorn", HYPERCORN.arguments, ("h2",))
HYPERCORN_TRIO = Server("hypercorn-trio", "asgi", "hypercorn", _hypercorn_trio, ("trio",))
WAITRESS_PREFIXED = replace(WAITRESS, arguments=lambda port: [f"--url-prefix={PREFIX}", *WAITRESS.arguments(port)])
UWSGI = _uwsgi("--module", APPLICATION)
UWSGI_MOUNTED = _uwsgi("--manage-script-name", "--mount", f"{PREFIX}={APPLICATION}")
UWSGI_SOCKET = _uwsgi("--manage-script-name", "--mount", f"{PREFIX}={APPLICATION}", own=True)

HTTP2 = (HYPERCORN_H2.id,)
"""Servers that are spoken to in HTTP/2 from the first byte."""

LINGER = (HYPERCORN_H2.id,)
"""Servers that don't end at once when a client has gone away before."""
