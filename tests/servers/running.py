"""A server in a process of its own on 127.0.0.1: started, waited for, talked to, and ended, whatever happens.

The port is one that was free a moment ago; should somebody have been faster, the next is tried. Ready is a server
whose `/census` shows the token of this start, so nobody else's server is taken for it. It runs in a process group of
its own, so what it started ends with it. Its log is a file; `Running.log()` is for a test that fails.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.servers.kinds import Server

ROOT = Path(__file__).parents[2]
LOOPBACK = "127.0.0.1"
DEADLINE = 20.0
"""Seconds until a test gives up waiting; nothing takes nearly as long."""

HELPER = "batchware-helper"

T = TypeVar("T")
JSON = {"Content-Type": "application/json"}


def wait_for(what: str, look: Callable[[], T | None], seconds: float = DEADLINE) -> T:
    """The first true value that `look` gives; an `AssertionError` that says `what` did not come in time."""
    end = time.monotonic() + seconds
    while not (value := look()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}; last seen: {value!r}"
        time.sleep(0.02)
    return value


@dataclass
class Response:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def read(connection: http.client.HTTPConnection) -> Response:
    answer = connection.getresponse()
    return Response(answer.status, answer.headers, answer.read())


def envelope(*actions: Mapping[str, Any]) -> bytes:
    return json.dumps({"data": {"actions": actions}}).encode()


def get(path: str) -> dict[str, Any]:
    """An action that gets `path`."""
    return {"method": "get", "relative_path": path}


@dataclass
class Running:
    """A server that answers."""

    server: Server
    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    prefix: str = ""

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(LOOPBACK, self.port, timeout=DEADLINE)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """One request on a connection of its own, which is closed after it."""
        connection = self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, self.prefix + path, body, {"Connection": "close", **named})
            return read(connection)
        finally:
            connection.close()

    def batch(self, *actions: Mapping[str, Any]) -> Response:
        return self.request("POST", "/batch", envelope(*actions), **JSON)

    def census(self) -> dict[str, Any]:
        census: dict[str, Any] = self.request("GET", "/census").json
        return census

    def settled(self, **wanted: Any) -> dict[str, Any]:
        """The census, as soon as it shows what is `wanted`."""

        def look() -> dict[str, Any] | None:
            census = self.census()
            return census if wanted.items() <= census.items() else None

        try:
            return wait_for(f"{wanted}", look, 10.0)
        except AssertionError as error:
            raise AssertionError(f"{error}; the census is {self.census()}") from None

    def at_rest(self, *, but: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The census when no action is in the air, no helper is left, and nothing is held that was not `but` before."""

        def look() -> dict[str, Any] | None:
            first, census = but or self.census(), self.census()
            as_before = census["threads"] == first["threads"] and all(
                census[kind] <= first[kind] for kind in ("descriptors", "tasks")
            )
            return census if as_before and not census["places"] and HELPER not in census["threads"] else None

        try:
            return wait_for("a process at rest", look, 10.0)
        except AssertionError as error:
            raise AssertionError(f"{error}; the census is {self.census()}, not {but}") from None

    def hold(self) -> None:
        """Let `/held` wait from now on."""
        for name in ("held", "release"):
            (self.folder / name).unlink(missing_ok=True)

    def held(self) -> None:
        """Returns when somebody waits in `/held`."""
        wait_for("a handler in /held", (self.folder / "held").exists)

    def release(self) -> None:
        """Let go whoever waits in `/held`."""
        (self.folder / "release").touch()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """Ends the process and all that it started."""
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        with suppress(ProcessLookupError):  # its group is its own, and may outlive it
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def _start(
    server: Server, host: str, options: Mapping[str, Any], folder: Path, mount: str, more: tuple[str, ...],
    environment: Mapping[str, str],
) -> Running | None:  # fmt: skip
    """The server once it is ready; None if its port was taken."""
    port, token = free_port(), secrets.token_hex(8)
    serves = {
        "host": host,
        "options": dict(options),
        "token": token,
        "folder": str(folder),
        "prefix": mount,
    }
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    env = {**os.environ, "BATCHWARE_SERVES": json.dumps(serves), "PYTHONPATH": paths, **environment}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            server.command(port, *more), cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    running = Running(server, port, process, folder, mount or environment.get("SCRIPT_NAME", ""))

    def ready() -> bool:
        if process.poll() is not None:
            return True
        with suppress(OSError, http.client.HTTPException, ValueError):
            return bool(running.census()["token"] == token)
        return False

    try:
        wait_for(f"{server.id} ready", ready)
        if process.poll() is None:
            return running
        if "in use" in running.log():
            running.stop()
            return None
        raise AssertionError(f"{server.id} ended with {process.returncode} before it was ready")
    except BaseException:
        running.stop()
        sys.stderr.write(running.log())
        raise


@contextmanager
def running(
    server: Server,
    host: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    mount: str = "",
    more: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """`host` (by default the bare one) behind batchware with `options` on `server`, until the block ends.

    `mount` is a prefix that a framework puts in front, `more` are further arguments of the server.
    """
    with tempfile.TemporaryDirectory(prefix="batchware-") as folder:
        start = (server, host or server.door, options or {}, Path(folder), mount, more, environment or {})
        served = next(filter(None, (_start(*start) for _ in range(5))), None)
        assert served is not None, "five ports in a row were taken"
        try:
            yield served
        except BaseException:
            sys.stderr.write(served.log())
            raise
        finally:
            served.stop()
