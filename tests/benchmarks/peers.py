"""The same batch of ten by those who do it too, beside batchware with everything on, on the same handlers.

In each round everybody makes the batch once, and ten direct calls are made. A peer is an in-process HTTP client in an
endpoint written by hand (`hand_written`), or a published package (`packages`). None of them checks paths, keeps a
deny-list, authorizes or counts. What a peer needs and is not installed stands in the table as the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.benchmarks import calls, hand_written, packages
from tests.benchmarks.applications import Host, host
from tests.benchmarks.calls import ECHO, SMALL, Door, Handler
from tests.benchmarks.hand_written import Peer
from tests.benchmarks.rounds import Effort, Spread, Timed, effort, ratios, seconds, take_turns, undisturbed

ACTIONS = 10

TITLE = f"Beside the peers: a batch of {ACTIONS} against {ACTIONS} direct calls, in the same rounds"

HEAD = [
    "application",
    "handler",
    "who",
    "batch, µs",
    "ratio",
    "p10",
    "p90",
    "fastest",
    "batchware faster",
    "p10",
    "p90",
]

OURSELVES = "batchware, all on"


@dataclass(frozen=True)
class Field:
    """An application, and those who run on it."""

    host: Host
    peers: tuple[Peer, ...]


FIELDS = (
    Field(host("starlette"), hand_written.ASYNCHRONOUS),
    Field(host("fastapi"), hand_written.ASYNCHRONOUS),
    Field(host("flask"), (hand_written.WERKZEUG, hand_written.FLASK)),
    Field(host("bare-wsgi"), (hand_written.WERKZEUG,)),
    Field(host("django-wsgi"), (hand_written.WERKZEUG, hand_written.DJANGO)),
    Field(packages.REST_FRAMEWORK, (packages.DRF_BATCH_REQUESTS,)),
    Field(packages.PYRAMID, (packages.KINTO,)),
)


@contextmanager
def _entered(field: Field, peers: list[Peer], handler: Handler) -> Iterator[list[Timed]]:
    """The sides: ten direct calls, ourselves, and each of `peers`."""
    app: Any = field.host.make()
    with ExitStack() as stack:
        door: Door = stack.enter_context(calls.door_of(field.host))
        full = stack.enter_context(calls.batching(field.host, app, calls.everything()))
        sides = [calls.direct_side(door, app, handler, ACTIONS), calls.batch_side(door, full, handler, ACTIONS)]
        yield [*sides, *(stack.enter_context(peer.entered(door, app, handler, ACTIONS)) for peer in peers)]


def _rows(field: Field, handler: Handler, effort: Effort) -> Iterator[list[str]]:
    peers = [peer for peer in field.peers if not peer.missing]
    if field.host.here and peers:
        with _entered(field, peers, handler) as sides:
            rounds = take_turns(sides, effort)
        for at, who in enumerate([OURSELVES, *(peer.label for peer in peers)], 1):
            faster = Spread.of([taken[at] / taken[1] for taken in rounds])
            yield [
                field.host.label, handler.label, who, f"{seconds(rounds, at) * 1e6:.0f}",
                *ratios(rounds, at).cells(".2f"), f"{undisturbed(rounds, at):.2f}",
                *(faster.cells(".2f") if at > 1 else ["-"] * 3),
            ]  # fmt: skip
    for peer in field.peers:
        missing = peer.missing or ("" if field.host.here else field.host.needs)
        if missing:
            yield [field.host.label, handler.label, peer.label, f"not measured: {missing}", *["-"] * 7]


def rows(quick: bool) -> Iterator[list[str]]:
    yield HEAD
    for field in FIELDS:
        for handler in (SMALL,) if quick else (SMALL, ECHO):
            yield from _rows(field, handler, effort(quick).times(2))
