"""A Redis of our own on 127.0.0.1: started, watched and ended by its process id; alone, or three as a cluster."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis

from tests.servers.running import wait_for

PROGRAM = "redis-server"


def require() -> None:
    """Skips where there is no Redis, except in CI, where everything has to be."""
    if shutil.which(PROGRAM) is None:
        assert os.environ.get("CI") != "true", f"{PROGRAM} is missing"
        pytest.skip(f"{PROGRAM} is not installed")


def free_port(*, bus: bool = False) -> int:
    """A port that is free now; with `bus` one whose cluster bus, 10,000 above, is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            if not bus:
                return port
            with suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 10000))
                return port


class Server:
    """One `redis-server` that keeps nothing on disk. `stop`, `start`, `freeze` and `thaw` are what befalls it."""

    def __init__(self, folder: Path, *options: str, bus: bool = False) -> None:
        self.port = free_port(bus=bus)
        self.folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def admin(self) -> redis.Redis:
        """A patient client to look inside with; close it."""
        return redis.Redis(port=self.port, host="127.0.0.1", decode_responses=True, socket_timeout=10)

    def start(self) -> None:
        own = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        command = [PROGRAM, *own, "--dir", str(self.folder), "--logfile", f"{self.port}.log", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for("redis-server answers", self._answers)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / f"{self.port}.log").read_text()
        with self.admin() as client, suppress(redis.ConnectionError):
            return bool(client.ping())
        return False

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def serving(*options: str) -> Iterator[Server]:
    """One server in a folder of its own."""
    require()
    with tempfile.TemporaryDirectory(prefix="batchware-redis-") as folder:
        server = Server(Path(folder), *options)
        try:
            server.start()
            yield server
        finally:
            server.kill()


@contextmanager
def cluster(nodes: int = 3) -> Iterator[list[Server]]:
    """Primaries without replicas that share all slots."""
    require()
    with tempfile.TemporaryDirectory(prefix="batchware-cluster-") as folder:
        servers: list[Server] = []
        try:
            for number in range(nodes):
                own = ("--cluster-enabled", "yes", "--cluster-config-file", f"nodes-{number}.conf")
                server = Server(Path(folder), *own, bus=True)
                servers.append(server)
                server.start()
            addresses = [f"127.0.0.1:{server.port}" for server in servers]
            command = ["redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "0", "--cluster-yes"]
            subprocess.run(command, check=True, capture_output=True, timeout=60)
            for server in servers:
                wait_for("the cluster is one", _sees_the_cluster(server))
            yield servers
        finally:
            for server in servers:
                server.kill()


def _sees_the_cluster(server: Server) -> Callable[[], bool]:
    def look() -> bool:
        with server.admin() as client:
            state = client.execute_command("CLUSTER INFO")
            return isinstance(state, dict) and state["cluster_state"] == "ok"

    return look
