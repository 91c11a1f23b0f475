"""One batch of ten over HTTP on loopback, against ten requests one after the other, and against ten in parallel.

Connections are kept alive: one for the batch and for those that come one after the other, ten for those in parallel.
The time is the client's, from the first byte sent to the last read; the processor's time is that of all processes of
the server. Batches run with everything on, direct requests as if batchware were not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

from tests.benchmarks.applications import host
from tests.benchmarks.calls import ECHO, SMALL, Handler
from tests.benchmarks.rounds import Effort, effort, ratios, seconds, take_turns
from tests.benchmarks.serving import CASES, Connection, Processor, batch_request, connected, possible, request, serving
from tests.benchmarks.waiting import ASYNC, SYNC
from tests.servers.kinds import Server
from tests.servers.running import Running

ACTIONS = 10

TITLE = f"Over HTTP: one batch of {ACTIONS}, {ACTIONS} requests one after the other, {ACTIONS} in parallel (all on)"

HEAD = [
    "server", "application", "handler", "serial, ms", "parallel, ms", "batch, ms", "to serial", "p10", "p90",
    "to parallel",
    "CPU: serial, ms", "batch, ms", "to serial", "to parallel",
]  # fmt: skip


class _Side:
    """One way of making ten requests; keeps what it took of the server's processor beside the time that it gives."""

    def __init__(self, processor: Processor, exchange: Callable[[], None]) -> None:
        self._processor = processor
        self._exchange = exchange
        self.taken: list[float] = []

    def __call__(self) -> float:
        before, start = self._processor.seconds(), perf_counter()
        self._exchange()
        end = perf_counter()
        self.taken.append(self._processor.seconds() - before)
        return end - start


def _serial(connection: Connection, message: bytes, count: int) -> Callable[[], None]:
    def exchange() -> None:
        for _ in range(count):
            connection.send(message)
            connection.read()

    return exchange


def _parallel(connections: list[Connection], message: bytes) -> Callable[[], None]:
    def exchange() -> None:
        for connection in connections:
            connection.send(message)
        for connection in connections:
            connection.read()

    return exchange


def _batch(connection: Connection, message: bytes) -> Callable[[], None]:
    def exchange() -> None:
        connection.send(message)
        answer = connection.read()
        assert answer.count(b'"status_code":200') == ACTIONS, answer[:500]

    return exchange


def _row(served: Running, server: Server, name: str, handler: Handler, effort: Effort) -> list[str]:
    processor = Processor.of(served)
    with connected(served.port, 1 + ACTIONS) as (one, *ten):
        sides = [
            _Side(processor, _serial(one, request(handler), ACTIONS)),
            _Side(processor, _parallel(ten, request(handler))),
            _Side(processor, _batch(one, batch_request(handler, ACTIONS))),
        ]
        rounds = take_turns(sides, effort)
    shown = [f"{seconds(rounds, side) * 1e3:.2f}" for side in range(3)]
    serial, parallel, batch = (median(side.taken[-len(rounds) :]) for side in sides)
    return [
        server.id, host(name).label, handler.label, *shown, *ratios(rounds, 2).cells(".2f"),
        f"{ratios(rounds, 2, 1).middle:.2f}", f"{serial * 1e3:.2f}", f"{batch * 1e3:.2f}", f"{batch / serial:.2f}",
        f"{batch / parallel:.2f}",
    ]  # fmt: skip


def rows(quick: bool) -> Iterator[list[str]]:
    yield HEAD
    for server, name in CASES[:5] if quick else CASES:
        if not possible(server, name):
            continue
        waits = (ASYNC,) if host(name).door == "asgi" else (SYNC,)
        with serving(server, name) as served:
            for handler in (SMALL, ECHO):
                yield _row(served, server, name, handler, effort(quick, Effort(4.0, 30)))
            for handler in () if quick else waits:
                yield _row(served, server, name, handler, Effort(4.0, 5))
