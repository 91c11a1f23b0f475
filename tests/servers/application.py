"""The application that the servers serve: a host, batchware around it, and around both what a test wants to know.

It is made when a server's process imports this module, out of `BATCHWARE_SERVES` in the environment. Below batchware
stand further routes beside those of the host: `/held` makes the file `held` and waits until there is a file `release`,
on ASGI `/until-gone` waits for `http.disconnect`, `/record` writes to a database by a connection of its own, and
`/large` is more than a connection takes in before its client has read of it.
Outside of it stands `/census`, which tells what the process holds: a test compares it before and after.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import batchware
from tests.hosts import probe
from tests.hosts.gates import DEADLINE
from tests.matrix.hosts import host_named

SERVES: dict[str, Any] = json.loads(os.environ["BATCHWARE_SERVES"])
FOLDER = Path(SERVES["folder"])
PREFIX: str = SERVES["prefix"]
"""Where a framework mounts the host, or nothing."""

# Threads that hosts and servers keep for themselves, as many as they like: they are no leak of a batch.
POOLS = ("asyncio_", "uvloop_", "ThreadPoolExecutor", "AnyIO worker", "waitress", "Dummy")

LARGE = json.dumps({"large": "x" * (3 << 20)}).encode()
KEPT = 1_000  # handlers that ran and are still known one by one

counted = {"gone": 0, "waiting": 0, "finished": 0, "connections": 0, "seen": 0}
reached: set[str] = set()


def census(places: int, tasks: int) -> bytes:
    names = [thread.name for thread in threading.enumerate()]
    seen = len(probe.seen)
    reached.update(f"{method} {template}" for template, method, _ in probe.seen[:seen])
    if seen > KEPT:  # what this process holds is to be flat, what its handlers note too
        del probe.seen[:seen]
        counted["seen"] += seen
    shown = {
        "token": SERVES["token"],
        "pid": os.getpid(),
        # "(join)" is how the event loop waits for an executor that ends, and gone with it.
        "threads": sorted(name for name in names if not name.startswith(POOLS) and not name.endswith("(join)")),
        "tasks": tasks,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "places": places,
        "blocks": sys.getallocatedblocks(),
        "reached": sorted(reached),
        **counted,
        "seen": counted["seen"] + len(probe.seen),
    }
    return json.dumps(shown).encode()


def _holding() -> Iterator[None]:
    """Until there is a file `release`, or somebody has forgotten to make one."""
    (FOLDER / "held").touch()
    deadline = time.monotonic() + DEADLINE
    counted["waiting"] += 1
    try:
        while not (FOLDER / "release").exists() and time.monotonic() < deadline:
            yield
        counted["finished"] += 1
    finally:
        counted["waiting"] -= 1


def _record() -> bytes:
    """One row more, by a connection that is opened and closed for it."""
    counted["connections"] += 1
    database = sqlite3.connect(FOLDER / "records.sqlite3", timeout=DEADLINE)
    try:
        with database:
            database.execute("CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY)")
            row = database.execute("INSERT INTO records DEFAULT VALUES").lastrowid
            database.execute("DELETE FROM records WHERE id < ?", (row - 100,))
    finally:
        database.close()
        counted["connections"] -= 1
    return json.dumps({"record": row > 0}).encode()


async def _say(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _held(send: Any) -> None:
    for _ in _holding():
        await asyncio.sleep(0.01)
    await _say(send, b'{"held":true}')


async def _until_gone(receive: Any, send: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    counted["gone"] += 1
    await _say(send, b'{"gone":true}')


def _below_asgi(host: Any) -> Any:
    async def below(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path.endswith("/held"):
            await _held(send)
        elif path.endswith("/until-gone"):
            await _until_gone(receive, send)
        elif path.endswith("/large"):
            await _say(send, LARGE)
        elif path.endswith("/record"):
            await _say(send, await asyncio.to_thread(_record))
        else:
            await host(scope, receive, send)

    return below


def _below_wsgi(host: Any) -> Any:
    def below(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] in ("/record", "/large"):
            body = _record() if environ["PATH_INFO"] == "/record" else LARGE
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return [body]
        if environ["PATH_INFO"] != "/held":
            return host(environ, start_response)
        for _ in _holding():
            time.sleep(0.01)
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "13")])
        return [b'{"held":true}']

    return below


def _options() -> dict[str, Any]:
    """Those of `BATCHWARE_SERVES`; a limit is a list of its kind, its name, its size and its further arguments."""
    options: dict[str, Any] = dict(SERVES["options"])
    limits = [
        {"quota": batchware.Quota, "concurrency": batchware.Concurrency}[kind](name, size, **more)
        for kind, name, size, more in options.pop("limits", ())
    ]
    return {**options, "limits": limits} if limits else options


def _mounted_asgi(batched: Any) -> Any:
    if not PREFIX:
        return batched
    from starlette.applications import Starlette
    from starlette.routing import Mount

    return Starlette(routes=[Mount(PREFIX, app=batched)])


def _mounted_wsgi(batched: Any) -> Any:
    if not PREFIX:
        return batched
    from werkzeug.exceptions import NotFound
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    return DispatcherMiddleware(NotFound(), {PREFIX: batched})


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # another library than asyncio runs the application
        return 0


def _asgi(host: Any) -> Any:
    batched = import_module("batchware.asgi").BatchMiddleware(_below_asgi(host), **_options())
    mounted = _mounted_asgi(batched)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/census"):
            await _say(send, census(batched._ledger.places.taken, _tasks()))
        else:
            await mounted(scope, receive, send)

    return application


def _wsgi(host: Any) -> Any:
    batched = import_module("batchware.wsgi").BatchMiddleware(_below_wsgi(host), **_options())
    mounted = _mounted_wsgi(batched)

    def application(environ: Any, start_response: Any) -> Any:
        if not environ["PATH_INFO"].endswith("/census"):
            return mounted(environ, start_response)
        body = census(batched._ledger.places.taken, 0)
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return application


def make() -> Any:
    probe.let_go.set()  # work in the background has nobody here to wait for
    host = host_named(SERVES["host"])
    app = host.make()
    if os.environ.get("BATCHWARE_OBEDIENT"):
        obedience = import_module("tests.contract.obedience")
        app = (obedience.obedient_asgi if host.door == "asgi" else obedience.obedient_wsgi)(app)
    return (_asgi if host.door == "asgi" else _wsgi)(app)


application = make()
