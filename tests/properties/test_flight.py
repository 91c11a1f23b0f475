"""C18, C26, C27 and C42: a `Flight` against a model of it, as a state machine.

The machine does what a driver may do, in any order: start, grow, land, fail, let time pass, end; also what comes too
late. The model knows of each action only whether it was started, what settled it first, and whether its place is free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from batchware.contract.errors import BatchError, HandlerFailed, Refused
from batchware.contract.flight import HEADERS_ROOM, Flight, Record
from batchware.contract.model import Action, Outcome, Parent, Pieces

Write: TypeAlias = Callable[[Action, Outcome], bytes]

_PARENT = Parent("POST", "/batch", "", "http", [], None, {})


def write(action: Action, outcome: Outcome) -> bytes:
    return b"%d:%d:" % (action.index, outcome.status) + outcome.body


def in_pieces(write: Write) -> Callable[[Action, Outcome], Pieces]:
    """What `write` gives, in two pieces."""
    return lambda action, outcome: (write(action, outcome)[:3], write(action, outcome)[3:])


def failure(error: BatchError) -> Outcome:
    return Outcome(error.status, [], b"error", error)


class FlightMachine(RuleBasedStateMachine):
    @initialize(
        refused=st.lists(st.booleans(), min_size=1, max_size=6),
        parallel=st.none() | st.integers(1, 4),
        timeout=st.none() | st.integers(1, 4),
        most=st.integers(1, 40),
        whole=st.integers(20, 120),
    )
    def take_off(self, refused: list[bool], parallel: int | None, timeout: int | None, most: int, whole: int) -> None:
        refusal = Refused("no")
        self.records = [Record(Action(index), refusal if no else None) for index, no in enumerate(refused)]
        self.parallel, self.timeout, self.most, self.whole = parallel or len(refused), timeout, most, whole
        self.flight = Flight(
            self.records, _PARENT, parallel=parallel, timeout=timeout, max_result_bytes=most, max_answer_bytes=whole,
            write=in_pieces(write), failure=failure,
        )  # fmt: skip
        self.now = 0
        self.waiting = [index for index, no in enumerate(refused) if not no]
        self.due: dict[int, int] = {}  # of those in the air
        self.size: dict[int, int] = {}
        self.running: set[int] = set()  # their task or thread has not ended
        self.freed: dict[int, int] = {}
        self.settled = {index: failure(refusal) for index, no in enumerate(refused) if no}

    def draw_running(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.running)), label="action")

    def result_bytes(self) -> int:
        return sum(len(write(self.records[index].action, outcome)) for index, outcome in self.settled.items())

    def settle(self, index: int, outcome: Outcome) -> None:
        self.settled[index] = outcome
        self.due.pop(index)
        self.size.pop(index)

    def free(self, index: int) -> None:
        self.freed[index] = self.freed.get(index, 0) + 1

    @rule()
    def start(self) -> None:
        room = self.parallel - len(self.due)
        assert self.flight.can_start == bool(self.waiting and room)
        started = [record.action.index for record in self.flight.ready(float(self.now))]
        assert started == self.waiting[:room]
        del self.waiting[:room]
        for index in started:
            self.due[index] = self.now + (self.timeout or 0)
            self.size[index] = 0
            self.running.add(index)

    @precondition(lambda self: self.size)
    @rule(data=st.data(), size=st.integers(1, 25))
    def grow(self, data: st.DataObject, size: int) -> None:
        index = data.draw(st.sampled_from(sorted(self.size)), label="action")
        error = self.flight.grow(self.records[index], size)
        self.size[index] += size
        in_all = self.result_bytes() + sum(self.size.values())
        assert (error is not None) == (self.size[index] > self.most or in_all > self.whole)
        if error is not None:
            assert error.status == 502
            assert self.flight.fail(self.records[index], error, float(self.now))
            self.settle(index, failure(error))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), longer=st.integers(0, 30))
    def land(self, data: st.DataObject, longer: int) -> None:
        """A complete response; in the answer it is longer than it was (base64, escapes)."""
        index = self.draw_running(data)
        record = self.records[index]
        outcome = Outcome(200, [], b"x" * (self.size.get(index, 0) + longer))
        late = index in self.settled
        freed = self.flight.land(record, outcome)
        assert freed == (not late)
        if late:
            return
        self.free(index)
        written = len(write(record.action, outcome))
        others = sum(self.size.values()) - self.size[index]
        fits = self.result_bytes() + others + written <= self.whole
        assert record.outcome is not None
        assert record.outcome.status == (200 if fits else 502)
        self.settle(index, outcome if fits else failure(record.outcome.error or HandlerFailed()))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        index = self.draw_running(data)
        settles = self.flight.fail(self.records[index], HandlerFailed(), float(self.now))
        assert settles == (index not in self.settled)
        if settles:
            self.settle(index, failure(HandlerFailed()))

    @rule(seconds=st.integers(0, 3))
    def let_time_pass(self, seconds: int) -> None:
        self.now += seconds
        late = {record.action.index for record in self.flight.overdue(float(self.now))}
        expected = {index for index, due in self.due.items() if due <= self.now} if self.timeout else set()
        assert late == expected
        for index in late:
            outcome = self.records[index].outcome
            assert outcome is not None
            assert outcome.error is not None
            assert outcome.status == 504
            self.settle(index, failure(outcome.error))

    @precondition(lambda self: self.running & set(self.settled))
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        index = data.draw(st.sampled_from(sorted(self.running & set(self.settled))), label="action")
        if self.flight.ended(self.records[index]):
            self.free(index)
        self.running.discard(index)

    @invariant()
    def the_air_is_not_too_full(self) -> None:
        if hasattr(self, "flight"):
            assert len(self.due) <= self.parallel
            assert self.flight.done == (len(self.settled) == len(self.records))
            due = min(self.due.values()) if self.due and self.timeout else None
            assert self.flight.due == due

    @invariant()
    def what_is_settled_stays(self) -> None:
        if hasattr(self, "flight"):
            for record in self.records:
                index = record.action.index
                expected = self.settled.get(index)
                assert (record.outcome is None) == (expected is None)
                if expected is not None and record.outcome is not None:
                    assert record.outcome.status == expected.status
                    assert b"".join(record.result) == write(record.action, expected)
                    assert (record.outcome.error is None) == (expected.error is None)

    @invariant()
    def the_answer_is_not_too_long(self) -> None:
        if hasattr(self, "flight"):
            kept = [index for index, outcome in self.settled.items() if outcome.error is None]
            assert sum(len(b"".join(self.records[index].result)) for index in kept) <= self.whole

    @invariant()
    def no_place_is_freed_twice(self) -> None:
        if hasattr(self, "flight"):
            assert set(self.freed.values()) <= {1}
            held = {index for index in self.running if index not in self.freed}
            assert all(self.records[index].holds for index in held)

    def teardown(self) -> None:
        """Whatever is left comes to its end, and then all is as it was promised."""
        if not hasattr(self, "flight"):
            return
        for _ in self.records:
            self.flight.ready(float(self.now))
            for record in self.records:
                if record.outcome is None and record.holds:
                    self.flight.fail(record, HandlerFailed(), float(self.now))
        assert self.flight.done
        for record in self.records:
            if self.flight.ended(record):
                self.free(record.action.index)
        flown = [record.action.index for record in self.records if record.refusal is None]
        assert self.freed == dict.fromkeys(flown, 1)
        starts = [int(b"".join(result).split(b":")[0]) for result in self.flight.results()]
        assert starts == list(range(len(self.records)))
        assert len(self.flight.outcomes()) == len(self.records)


TestFlight = FlightMachine.TestCase
TestFlight.settings = settings(max_examples=settings().max_examples * 3)


def airborne(
    count: int, *, timeout: float | None = None, most: int = 10**6, whole: int = 10**6, write: Write = write
) -> Flight:
    flight = Flight(
        [Record(Action(index)) for index in range(count)], _PARENT, parallel=None, timeout=timeout,
        max_result_bytes=most, max_answer_bytes=whole, write=in_pieces(write), failure=failure,
    )  # fmt: skip
    assert len(flight.ready(0.0)) == count
    return flight


@given(
    sizes=st.lists(st.integers(0, 50), min_size=1, max_size=6),
    given_up=st.lists(st.integers(1, 50), max_size=3),
    room=st.sampled_from([0, -1]),
)
def test_c26_an_answer_is_full_at_its_last_byte(sizes: list[int], given_up: list[int], room: int) -> None:
    """What was given up takes no room any more, and what has landed takes as much as stands in the answer."""
    bodies = [Outcome(200, [], b"x" * size) for size in sizes]
    errors = len(given_up) * len(write(Action(0), failure(HandlerFailed())))
    landed = sum(len(write(Action(index), outcome)) for index, outcome in enumerate(bodies))
    flight = airborne(len(sizes) + len(given_up), whole=max(landed + errors + room, 1))
    for at, size in enumerate(given_up, len(sizes)):
        flight.grow(flight.records[at], size)
        flight.fail(flight.records[at], HandlerFailed(), 0.0)
    for at, outcome in enumerate(bodies):
        flight.grow(flight.records[at], len(outcome.body))
        flight.land(flight.records[at], outcome)
    statuses = [record.outcome.status for record in flight.records[: len(sizes)] if record.outcome is not None]
    assert statuses == [200] * (len(sizes) - 1) + [200 if room == 0 else 502]


@given(most=st.integers(1, 50), parts=st.lists(st.integers(1, 50), min_size=1, max_size=4))
def test_c26_a_response_is_full_at_its_last_byte(most: int, parts: list[int]) -> None:
    flight = airborne(1, most=most)
    so_far = 0
    for part in parts:
        so_far += part
        assert (flight.grow(flight.records[0], part) is not None) == (so_far > most)


@given(timeout=st.integers(1, 9))
def test_c26_an_action_is_late_at_its_deadline(timeout: int) -> None:
    flight = airborne(2, timeout=timeout)
    assert flight.due == timeout
    assert flight.overdue(timeout - 0.5) == []
    assert flight.overdue(timeout) == list(flight.records)
    assert flight.done


@given(sizes=st.lists(st.integers(10, 50), min_size=1, max_size=5), at=st.integers(0, 5), by=st.integers(1, 1000))
def test_c26_what_does_not_fit_takes_the_room_of_its_error_and_no_more(sizes: list[int], at: int, by: int) -> None:
    outcomes = [Outcome(200, [], b"x" * size) for size in sizes]
    error = len(write(Action(0), failure(HandlerFailed())))
    whole = error + sum(len(write(Action(0), outcome)) for outcome in outcomes)
    outcomes.insert(at, Outcome(200, [], b"x" * (whole + by)))
    flight = airborne(len(outcomes), whole=whole)
    for record, outcome in zip(flight.records, outcomes, strict=True):
        flight.land(record, outcome)
    statuses = [outcome.status for outcome in flight.outcomes()]
    assert statuses == [200 if len(outcome.body) <= whole else 502 for outcome in outcomes]


@given(
    headers=st.lists(st.integers(0, 3 * HEADERS_ROOM), min_size=1, max_size=8),
    errors=st.sets(st.integers(0, 7)),
    room=st.sampled_from([0, -1]),
)
def test_c26_an_answer_is_full_at_its_last_byte_however_late_it_is_written(
    headers: list[int], errors: set[int], room: int
) -> None:
    """Small bodies are written when all have landed; what makes the answer too large then is left out all the same."""
    outcomes = [Outcome(200, [("x", "y" * size)], b"x") for size in headers]
    written = [len(_with_headers(Action(at), failure(HandlerFailed()) if at in errors else outcome))
               for at, outcome in enumerate(outcomes)]  # fmt: skip
    flight = airborne(len(outcomes), whole=max(1, sum(written) + room), write=_with_headers)
    for record, outcome in zip(flight.records, outcomes, strict=True):
        if record.action.index in errors:
            flight.fail(record, HandlerFailed(), 0.0)
        else:
            flight.grow(record, 1)
            flight.land(record, outcome)
    entries = [b"".join(entry) for entry in flight.results()]
    statuses = [outcome.status for outcome in flight.outcomes()]
    assert [int(entry.split(b":")[1]) for entry in entries] == statuses
    assert [at for at, status in enumerate(statuses) if status == 502] == (
        [len(headers) - 1] if room < 0 and len(headers) - 1 not in errors else []
    )


def _with_headers(action: Action, outcome: Outcome) -> bytes:
    return write(action, outcome) + b"".join(value.encode() for _, value in outcome.headers)
