"""The same ten reads in three ways: as one batch, as ten requests one after the other, and as ten at once.

All connections are kept alive and have been used before the clock starts; the three ways take turns, so that a slow
moment of the machine meets all of them; the figure is the median.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from .client import Client

ROUNDS = 15
WARM_UP = 3

REQUESTS = 30 * (ROUNDS + WARM_UP)
"""What the race counts as: ten reads in three ways, each round."""

Way = Callable[[], None]


class WrongAnswer(Exception):
    """A read did not end with 200, so its time means nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """One way, and its median in seconds."""

    title: str
    seconds: float


def race(port: int, token: str, tasks: Sequence[str], progress: Callable[[], None]) -> list[Result]:
    """Times the three ways. `progress` is called after every round."""
    with _ways(port, token, [f"/tasks/{gid}" for gid in tasks]) as ways:
        times: dict[str, list[float]] = {title: [] for title in ways}
        for turn in range(WARM_UP + ROUNDS):
            for title, way in ways.items():
                started = perf_counter()
                way()
                if turn >= WARM_UP:
                    times[title].append(perf_counter() - started)
            progress()
    return [Result(title, median(seconds)) for title, seconds in times.items()]


@contextmanager
def _ways(port: int, token: str, paths: Sequence[str]) -> Iterator[dict[str, Way]]:
    with ExitStack() as stack:
        one = stack.enter_context(Client(port, token))
        many = [stack.enter_context(Client(port, token)) for _ in paths]
        threads = stack.enter_context(ThreadPoolExecutor(len(paths)))
        actions = [{"method": "get", "relative_path": path} for path in paths]

        def batch() -> None:
            reply = one.batch(actions)
            _check(reply.status, *(result["status_code"] for result in reply.body.get("data", ())))

        def in_turn() -> None:
            _check(*(one.get(path).status for path in paths))

        def at_once() -> None:
            _check(*(reply.status for reply in threads.map(Client.get, many, paths)))

        yield {
            "one batch of ten": batch,
            "ten requests, one after the other": in_turn,
            "ten requests in parallel": at_once,
        }


def _check(*statuses: int) -> None:
    if set(statuses) != {200}:
        raise WrongAnswer(f"expected 200 from every read, got {', '.join(map(str, statuses))}")
