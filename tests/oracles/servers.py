"""Real servers in this process, on the loopback, for one application: what they put into a scope is the measure.

Each runs in a thread of its own on a socket that listens before it starts, so a client can connect at once and nobody
has to wait for a server to come up.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


@contextmanager
def uvicorn(app: Any, root_path: str = "") -> Iterator[int]:
    """The port at which uvicorn serves `app`."""
    from uvicorn import Config, Server

    config = Config(app, root_path=root_path, log_config=None, lifespan="off", ws="none", http="h11", loop="asyncio")
    server = Server(config)
    with _listening() as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="uvicorn")
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


@contextmanager
def hypercorn(app: Any, root_path: str = "") -> Iterator[int]:
    """The port at which hypercorn serves `app`."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    loop = asyncio.new_event_loop()
    over = asyncio.Event()
    config = Config()
    config.root_path = root_path
    config.graceful_timeout = 5.0
    with _listening() as listener:
        config.bind = [f"fd://{socket.dup(listener.fileno())}"]

        def run() -> None:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(serve(app, config, shutdown_trigger=over.wait))

        thread = threading.Thread(target=run, name="hypercorn")
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join(30)
            assert not thread.is_alive()
            loop.close()


SERVERS = {"uvicorn": uvicorn, "hypercorn": hypercorn}
