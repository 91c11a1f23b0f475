"""Rounds in which two or more sides take turns, in one process and at one moment, and what is read out of them.

A figure of one side alone says more about the machine than about the code, so sides are compared round by round, where
whatever else the machine does falls on all of them, and the median of those ratios is what counts. The order turns with
each round: nobody always finds the caches that the other left.

The garbage collector stays on, since what makes garbage should pay for it; but all that was there before the rounds is
frozen, so a pass does not walk through modules and caches that happen to be loaded.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TypeAlias

Timed: TypeAlias = Callable[[], float]
"""Does its work once, and returns the seconds that it took; what is to be prepared for it is not in them."""

LEAST = 3
"""Rounds, however slow."""

_clock = time.perf_counter


def now() -> float:
    """The time by which sides are measured."""
    return _clock()


def use_processor_time() -> None:
    """From now on: what the threads of this process took of the processor, for a machine that is not one's own."""
    global _clock  # noqa: PLW0603  # one run, one clock
    _clock = time.process_time


@dataclass(frozen=True)
class Effort:
    """How long a case is measured."""

    seconds: float
    least: int = LEAST

    def times(self, factor: float) -> Effort:
        return Effort(self.seconds * factor, self.least)


FULL, QUICK = Effort(2.0, 20), Effort(0.1)


def effort(quick: bool, full: Effort = FULL) -> Effort:
    return QUICK if quick else full


def take_turns(sides: Sequence[Timed], effort: Effort) -> list[tuple[float, ...]]:
    """The seconds of each side, round by round. A tenth of the time goes before, and is not measured."""
    warm = time.perf_counter() + effort.seconds / 10
    while True:
        for side in sides:
            side()
        if time.perf_counter() > warm:
            break
    gc.collect()
    gc.freeze()
    try:
        rounds: list[tuple[float, ...]] = []
        end = time.perf_counter() + effort.seconds
        while len(rounds) < effort.least or time.perf_counter() < end:
            taken = [0.0] * len(sides)
            order = range(len(sides)) if len(rounds) % 2 else reversed(range(len(sides)))
            for at in order:
                taken[at] = sides[at]()
            rounds.append(tuple(taken))
        return rounds
    finally:
        gc.unfreeze()


@dataclass(frozen=True)
class Spread:
    """The median of some figures, and where the lowest and the highest tenth of them begin."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        tenths = quantiles(figures, n=10, method="inclusive")
        return cls(median(figures), tenths[0], tenths[8])

    def cells(self, form: str) -> list[str]:
        return [format(figure, form) for figure in (self.middle, self.low, self.high)]


def ratios(rounds: Sequence[tuple[float, ...]], side: int, against: int = 0) -> Spread:
    """How many times as long `side` took as `against`."""
    return Spread.of([taken[side] / taken[against] for taken in rounds])


def differences(rounds: Sequence[tuple[float, ...]], side: int, against: int = 0) -> Spread:
    """How many seconds more."""
    return Spread.of([taken[side] - taken[against] for taken in rounds])


def seconds(rounds: Sequence[tuple[float, ...]], side: int) -> float:
    return median(taken[side] for taken in rounds)


def undisturbed(rounds: Sequence[tuple[float, ...]], side: int, against: int = 0) -> float:
    """The ratio of the fastest tenths: what is left of a median where the machine is not one's own."""

    def fastest(at: int) -> float:
        return quantiles([taken[at] for taken in rounds], n=10, method="inclusive")[0]

    return fastest(side) / fastest(against)
