"""The three faces on real servers, each in a thread of this process, on the loopback interface.

Starlette and Django run on uvicorn, Flask on waitress. The listening socket is made by the caller, so a taken port
shows before anything has started, and a request that comes early waits in the socket's queue.
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from .api import Board
from .latency import distant_asgi, distant_wsgi

LOOPBACK = "127.0.0.1"

SERVERS: Mapping[str, str] = {
    "starlette": "Starlette on uvicorn",
    "flask": "Flask on waitress",
    "django": "Django on uvicorn",
}

# Ten requests at once should find ten threads, and the batch beside them one more.
WAITRESS_THREADS = 16


def listen(port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises `OSError`, for one if the port is taken."""
    # With the protocol named: asyncio turns Nagle's algorithm off only on sockets that say they are TCP, and with it
    # an answer that is sent in two pieces takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # Elsewhere this would let two programs share the port; here it lets a restart have it at once.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


@contextmanager
def serving(host: str, board: Board, listener: socket.socket, **options: Any) -> Iterator[None]:
    """Serves a face until the block ends, and does not leave before its threads have ended."""
    face = importlib.import_module(f"{__package__}.{host}_app")
    run, stop = _SERVE[host](face.create_app(board, **options), listener)
    # A server that fails to start must not leave the queue open, or clients would wait in it for ever.
    thread = threading.Thread(target=_closing(listener, run), name=f"taskboard-{host}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()


Server = tuple[Callable[[], None], Callable[[], None]]


def _closing(listener: socket.socket, run: Callable[[], None]) -> Callable[[], None]:
    def closing() -> None:
        with listener:
            run()

    return closing


def _uvicorn(app: Any, listener: socket.socket) -> Server:
    import uvicorn  # noqa: PLC0415  # only the server that is asked for has to be installed

    app = distant_asgi(app)
    config = uvicorn.Config(app, access_log=False, log_config=None, ws="none", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    return lambda: server.run(sockets=[listener]), stop


def _waitress(app: Any, listener: socket.socket) -> Server:
    from waitress import wasyncore  # type: ignore[import-untyped]  # noqa: PLC0415  # if chosen
    from waitress.server import create_server  # type: ignore[import-untyped]  # noqa: PLC0415  # if chosen

    # A request that finds all threads busy waits its turn, which is no news for whoever reads the demo.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    channels: dict[int, Any] = {}
    server = create_server(
        distant_wsgi(app),
        map=channels,
        sockets=[listener],
        threads=WAITRESS_THREADS,
        clear_untrusted_proxy_headers=True,
    )
    ended = threading.Event()

    def run() -> None:
        # Waitress' own `run` ends only by an exception in its thread; this loop can be told to end.
        while not ended.is_set():
            wasyncore.loop(timeout=1, map=channels, count=1)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(channels)
        app.wsgi_app.close()

    def stop() -> None:
        ended.set()
        with suppress(OSError):  # the loop has looked by itself meanwhile, and closed it
            server.pull_trigger()

    return run, stop


_SERVE: Mapping[str, Callable[[Any, socket.socket], Server]] = {
    "starlette": _uvicorn,
    "flask": _waitress,
    "django": _uvicorn,
}
