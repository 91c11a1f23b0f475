"""C26: what a `Flight` tells of an action when it has landed or failed stays true until the answer is written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from batchware.contract.errors import HandlerFailed
from batchware.contract.flight import HEADERS_ROOM
from batchware.contract.model import Action, Outcome
from tests.properties.test_flight import airborne


@given(spare=st.integers(0, 2000), shares=st.lists(st.integers(0, 250), min_size=1, max_size=8))
def test_c26_what_has_landed_stays_as_it_was_told_while_headers_have_their_room(spare: int, shares: list[int]) -> None:
    """JSON makes six bytes of one, and headers take what is set apart for them; hooks are told before it is written."""
    sizes = [min(share, spare // 8) for share in shares]
    flight = airborne(len(sizes), whole=HEADERS_ROOM * len(sizes) + spare, write=_at_its_longest)
    told = []
    for record, size in zip(flight.records, sizes, strict=True):
        flight.grow(record, size)
        flight.land(record, Outcome(200, [], b"x" * size))
        assert record.outcome is not None
        told.append(record.outcome.status)
    flight.results()
    assert [outcome.status for outcome in flight.outcomes()] == told


def _at_its_longest(action: Action, outcome: Outcome) -> bytes:
    return b"y" * (HEADERS_ROOM + 6 * len(outcome.body) if outcome.error is None else 1)


@given(started=st.integers(0, 9), seconds=st.integers(0, 9))
def test_c26_what_failed_has_taken_its_time(started: int, seconds: int) -> None:
    flight = airborne(2)
    (failed, earlier) = flight.records
    failed.started, earlier.started = float(started), started + seconds + 1.0
    for record in flight.records:
        flight.fail(record, HandlerFailed(), float(started + seconds))
    assert [outcome.seconds for outcome in flight.outcomes()] == [seconds, 0.0]
