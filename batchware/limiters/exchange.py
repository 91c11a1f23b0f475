"""What both Redis limiters do, without the calling: `Exchange`, as generators of the calls to make.

An admission whose answer does not arrive may have been made all the same. The request is answered as if there had been
none, so it is undone with the next call that gets through, and a slot that could not be freed is freed then. If no
call ever gets through, slots are free when their lease ends, and what was charged is forgotten as its window passes.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from typing import Any

from redis.exceptions import RedisClusterException, RedisError, ResponseError

from ..contract.limiter import Charge, Decision, LimiterUnavailable, Slot
from . import scripts
from .breaker import Breaker
from .scripts import Call, Keys

OWED_MOST = 1000  # admissions to undo, and slots to free, that are remembered while the store is away
SETTLED_AT_ONCE = 20  # admissions undone with one call: the request that pays for it must not be late

# Whatever Redis says that is no answer: not there, too late, out of memory, only a replica, loading, no such slot. A
# server that can't run the script can't decide, so there is no error of it that should become a 500.
_AWAY = (RedisError, RedisClusterException, OSError, TimeoutError)


class Exchange:
    """The base of both limiters: the caller sends each `Call` to Redis, and its answer or its error back in."""

    def __init__(self, prefix: str, breaker: Breaker | None) -> None:
        self._keys = Keys(prefix)
        self._breaker = breaker or Breaker()
        self._lock = threading.Lock()
        self._unknown: list[Call] = []
        self._unfreed: list[Slot] = []

    def _admission(self, charges: Sequence[Charge], permit: str) -> Generator[Call, Any, Decision]:
        if not charges:
            return Decision(True, 0.0, ())
        call = scripts.admission(self._keys, charges, permit)
        self._ask()
        yield from self._settlement()
        try:
            reply = yield call
        except ResponseError as error:  # an answer: the server has not made the admission
            raise self._away(error) from error
        except _AWAY as error:
            self._owe([call], [])
            raise self._away(error) from error
        except BaseException:
            self._owe([call], [])
            raise
        self._breaker.succeeded()
        return scripts.decision(reply, charges)

    def _giving_back(self, slots: Sequence[Slot]) -> Generator[Call, Any, None]:
        if not slots and not self._unfreed and not self._unknown:
            return
        try:
            self._ask()
            yield from self._settlement()
            if slots:
                yield scripts.release(self._keys, slots)
        except _AWAY as error:
            self._owe([], slots)
            raise self._away(error) from error
        except BaseException:
            self._owe([], slots)
            raise
        self._breaker.succeeded()

    def _renewal(self, slots: Sequence[Slot]) -> Generator[Call, Any, Sequence[Slot]]:
        if not slots:
            return ()
        call, ordered = scripts.renewal(self._keys, slots)
        self._ask()
        yield from self._settlement()
        try:
            reply = yield call
        except _AWAY as error:
            raise self._away(error) from error
        self._breaker.succeeded()
        return scripts.lost(reply, ordered)

    def _settlement(self) -> Generator[Call, Any, None]:
        """Undo and free what is owed, before anything new is asked: then the counters are right."""
        if not self._unknown and not self._unfreed:
            return
        with self._lock:
            unknown, self._unknown = self._unknown[:SETTLED_AT_ONCE], self._unknown[SETTLED_AT_ONCE:]
            unfreed, self._unfreed = self._unfreed, []
        try:
            while unknown:
                yield scripts.refund(unknown[-1])
                unknown.pop()
            if unfreed:
                yield scripts.release(self._keys, unfreed)
        except _AWAY as error:
            self._owe(unknown, unfreed)
            raise self._away(error) from error
        except BaseException:
            self._owe(unknown, unfreed)
            raise

    def _owe(self, unknown: Sequence[Call], unfreed: Sequence[Slot]) -> None:
        with self._lock:
            self._unknown = [*self._unknown, *unknown][-OWED_MOST:]
            self._unfreed = [*self._unfreed, *unfreed][-OWED_MOST:]

    def _ask(self) -> None:
        if not self._breaker.may_try():
            raise LimiterUnavailable("Redis did not answer lately, and is left alone for a moment")

    def _away(self, error: Exception) -> LimiterUnavailable:
        self._breaker.failed()
        return LimiterUnavailable(f"{type(error).__name__}: {error}")
