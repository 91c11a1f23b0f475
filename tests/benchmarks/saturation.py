"""How many actions a second a server answers when it has all that it can do: batched, and as direct requests.

The load is made by `wrk` where it is installed, else by a loop of our own, which takes more of the machine away from
the server. Both kinds take turns. `CPU` is what one action costs the server's processes, and the ratio of that does not
mind who else uses the machine.
"""

from __future__ import annotations

import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.applications import host
from tests.benchmarks.calls import ECHO, SMALL, Handler
from tests.benchmarks.rounds import Spread
from tests.benchmarks.serving import CASES, Processor, batch_request, connected, possible, request, serving
from tests.servers.kinds import Server
from tests.servers.running import LOOPBACK, Running

ACTIONS = 10
CONNECTIONS = 16

TITLE = f"At saturation: actions a second in batches of {ACTIONS} against direct (2.5, FastAPI and Flask 1.5 wanted)"

SATURATED = tuple(case for case in CASES if case[1] in ("starlette", "fastapi", "flask"))


def _by_wrk(port: int, message: bytes, seconds: int) -> float:
    """Requests a second. The script is the very bytes of the request."""
    with TemporaryDirectory(prefix="batchware-") as folder:
        script = Path(folder) / "request.lua"
        quoted = "".join(f"\\{byte:03d}" for byte in message)
        script.write_text(f'local message = "{quoted}"\nrequest = function() return message end\n')
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://{LOOPBACK}:{port}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    assert found, said
    return float(found[1])


def _by_hand(port: int, message: bytes, seconds: int) -> float:
    """The same, by one thread that answers each answer with the next request."""
    with connected(port, CONNECTIONS) as opened:
        waiting = {connection.socket.fileno(): connection for connection in opened}
        poll, count = select.poll(), 0
        for number, connection in waiting.items():
            poll.register(number, select.POLLIN)
            connection.send(message)
        start = time.perf_counter()
        while time.perf_counter() < start + seconds:
            for number, _ in poll.poll(100):
                connection = waiting[number]
                more = connection.socket.recv(1 << 20)
                assert more, "the server closed the connection"
                if connection.taken(more) is not None:
                    count += 1
                    connection.send(message)
        return count / (time.perf_counter() - start)


load = _by_wrk if shutil.which("wrk") else _by_hand


def _row(served: Running, server: Server, name: str, handler: Handler, rounds: int, seconds: int) -> list[str]:
    processor = Processor.of(served)
    messages = ((request(handler), 1), (batch_request(handler, ACTIONS), ACTIONS))
    rates: tuple[list[float], list[float]] = ([], [])
    costs: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for kind in (0, 1) if number % 2 else (1, 0):
            message, actions = messages[kind]
            before = processor.seconds()
            rate = load(served.port, message, seconds) * actions
            rates[kind].append(rate)
            costs[kind].append((processor.seconds() - before) / (rate * seconds))
    times = Spread.of([batched / direct for direct, batched in zip(*rates, strict=True)]) if rounds > 1 else None
    ratio = times.cells(".2f") if times else [f"{rates[1][0] / rates[0][0]:.2f}", "-", "-"]
    direct, batched = (median(cost) for cost in costs)
    return [
        server.id, host(name).label, handler.label, *(f"{median(rate):.0f}" for rate in rates), *ratio,
        f"{direct * 1e6:.1f}", f"{batched * 1e6:.1f}", f"{direct / batched:.2f}",
    ]  # fmt: skip


def rows(quick: bool) -> Iterator[list[str]]:
    yield [
        "server", "application", "handler", "direct, 1/s", "batched, 1/s", "times", "p10", "p90", "CPU: direct, µs",
        "batched, µs", "times",
    ]  # fmt: skip
    for server, name in SATURATED[:3] if quick else SATURATED:
        if possible(server, name):
            with serving(server, name) as served:
                for handler in (SMALL,) if quick else (SMALL, ECHO):
                    yield _row(served, server, name, handler, *((1, 1) if quick else (5, 2)))
