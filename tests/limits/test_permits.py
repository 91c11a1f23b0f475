"""The permits of requests: no two are the same, and for how long `MemoryLimiter` knows one again."""

from __future__ import annotations

import os

import pytest

from batchware.contract.charges import new_permit
from batchware.contract.limiter import Charge
from batchware.contract.limits import Quota
from batchware.limiters.memory import PERMIT_SECONDS, MemoryLimiter

QUOTA = Quota("quota", 1_000, per=1e9)


class _Limiter:
    def __init__(self, most: int = 100_000) -> None:
        self.now = 5.0
        self._limiter = MemoryLimiter(max_subjects=most, clock=lambda: self.now)

    def left(self, permit: str) -> int:
        """What is left after a charge of 1."""
        return self._limiter.acquire([Charge(QUOTA, "ann", 1)], permit=permit).levels[0].remaining


@pytest.mark.parametrize("first", [5.0, 5.0 + PERMIT_SECONDS - 1])
def test_a_permit_charges_once_within_a_minute(first: float) -> None:
    limiter = _Limiter()
    limiter.left("a")
    limiter.now = first
    assert limiter.left("b") == 998
    limiter.now = first + PERMIT_SECONDS
    assert limiter.left("b") == 998


@pytest.mark.parametrize("between", [0, 1], ids=["idle", "used"])
def test_a_permit_is_forgotten_after_two_minutes(between: int) -> None:
    limiter = _Limiter()
    limiter.left("a")
    for _ in range(between):
        limiter.now += PERMIT_SECONDS
        limiter.left("b")
    limiter.now = 5.0 + 2 * PERMIT_SECONDS
    assert limiter.left("a") == 998 - between, "charged anew"


def test_the_oldest_permits_are_forgotten_first_where_there_are_too_many() -> None:
    limiter = _Limiter(most=10)
    for number in range(30):
        limiter.left(str(number))
    assert limiter.left("29") == 970, "known"
    assert limiter.left("5") == 969, "charged anew"


def test_no_two_requests_have_one_permit() -> None:
    permits = [new_permit() for _ in range(1_000)]
    assert len({*permits}) == 1_000
    assert len({*map(len, permits)}) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_permits_of_its_own() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, new_permit().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 1_000).decode()
    os.close(reading)
    os.close(writing)
    assert theirs[:24] != new_permit()[:24]
