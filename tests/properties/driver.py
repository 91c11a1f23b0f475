"""The third driver: synchronous, without a clock and without a host. Whoever calls it decides what happens next.

It steers `contract.flow.batch` as the two doors do, but every choice that they leave to threads, to an event loop or
to time is asked of `choose`: which action starts, sends, ends or raises, and when the clock goes on. What has to be
true in every interleaving is asserted on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from batchware.contract.errors import BatchError, BodyTooLarge, HandlerFailed, Overloaded
from batchware.contract.flight import Flight, Record
from batchware.contract.flow import Admit, Authorize, Call, Effect, ReadBody, Replay
from batchware.contract.model import Outcome, Pieces, Reply

Choose = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class Plan:
    """What a handler is going to do: send `chunks`, and then end, raise, or never say anything more."""

    chunks: tuple[bytes, ...] = ()
    ending: Literal["complete", "raise", "never"] = "complete"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Airborne:
    """One action whose task or thread is running."""

    record: Record
    plan: Plan
    sent: list[bytes] = field(default_factory=list)
    over: bool = False

    @property
    def silent(self) -> bool:
        return self.plan.ending == "never" and len(self.sent) == len(self.plan.chunks)


class Driver:
    """Takes one batch from its request to its reply, and its actions to their ends."""

    def __init__(
        self,
        body: bytes,
        plans: Mapping[str, Plan],
        choose: Choose,
        *,
        places: int = 256,
        parallel: int | None = None,
    ) -> None:
        self.body = body
        self.places = places
        self.parallel = parallel
        self.refusal: BatchError | None = None
        """What `authorize` raises."""
        self.host = Outcome(404, [], b"")
        """What the host says to a `Call`."""
        self.effects: list[str] = []
        self.freed: dict[int, int] = {}
        self.order: list[int] = []
        """The actions in the order in which they were settled."""
        self._plans = plans
        self._choose = choose
        self._now = 0.0
        self._airborne: list[Airborne] = []
        self._settled: dict[int, tuple[Outcome | None, Pieces]] = {}

    def run(self, flow: Generator[Effect, Any, Reply]) -> Reply:
        try:
            effect = next(flow)
            while True:
                self.effects.append(type(effect).__name__)
                try:
                    answer = self._perform(effect)
                except BatchError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(answer)
        except StopIteration as stop:
            reply: Reply = stop.value
        return reply

    def land_the_rest(self) -> None:
        """What outlives the answer: it goes on to its end, and nothing of it counts any more."""
        while self._airborne:
            self._step(self._airborne[0])

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Authorize():
                if self.refusal is not None:
                    raise self.refusal
                return "somebody"
            case ReadBody(most):
                if len(self.body) > most:
                    raise BodyTooLarge(most)
                return self.body
            case Admit(count):
                if count > self.places:
                    raise Overloaded
                self.places -= count
                return None
            case Replay(flight):
                return self._fly(flight)
            case Call(flight, _):
                (record,) = flight.ready(self._now)
                flight.land(record, self.host)
                assert flight.done
                return None

    def _fly(self, flight: Flight) -> None:
        self._flight = flight
        self._check()
        for _ in range(1000):  # far more than any plan has steps
            if flight.done:
                return
            choice = self._choose(self._choices())
            if choice == "start":
                self._start()
            elif choice == "clock":
                self._now += 1.0
                for record in flight.overdue(self._now):
                    assert record.deadline <= self._now
            else:
                self._step(self._airborne[int(choice)])
            self._check()
        raise AssertionError("the flight never ends")

    def _choices(self) -> list[str]:
        choices = [str(at) for at, action in enumerate(self._airborne) if not action.silent or action.record.outcome]
        if self._flight.can_start:
            choices.append("start")
        if self._flight.timed:
            choices.append("clock")
        assert choices, "nothing can happen any more, and the flight is not done"
        return choices

    def _start(self) -> None:
        started = self._flight.ready(self._now)
        assert started, "can_start, and nothing starts"
        for record in started:
            assert all(other.record is not record for other in self._airborne)
            assert record.outcome is None
            self._airborne.append(Airborne(record, self._plans[record.action.path]))

    def _step(self, action: Airborne) -> None:
        """The next thing that a handler does; where nobody wants its response any more, its end."""
        flight, record, plan = self._flight, action.record, action.plan
        if record.outcome is not None:
            late = Outcome(299, [], b"too late")
            assert flight.land(record, late) is False
            assert flight.fail(record, HandlerFailed(), self._now) is False
            return self._end(action)
        if len(action.sent) < len(plan.chunks):
            chunk = plan.chunks[len(action.sent)]
            action.sent.append(chunk)
            if error := flight.grow(record, len(chunk)):
                assert flight.fail(record, error, self._now)
        elif plan.ending == "complete":
            outcome = Outcome(plan.status, plan.headers, b"".join(plan.chunks))
            if flight.land(record, outcome):
                self._free(record)
        else:
            assert flight.fail(record, HandlerFailed(), self._now)
        return None

    def _end(self, action: Airborne) -> None:
        self._airborne.remove(action)
        if self._flight.ended(action.record):
            self._free(action.record)
        assert self._flight.ended(action.record) is False

    def _free(self, record: Record) -> None:
        self.places += 1
        self.freed[record.action.index] = self.freed.get(record.action.index, 0) + 1

    def _check(self) -> None:
        flight = self._flight
        for record in flight.records:
            index = record.action.index
            if index in self._settled:
                outcome, result = self._settled[index]
                assert record.outcome is outcome, "settled twice"
                assert record.result == result
            elif record.outcome is not None:
                self._settled[index] = (record.outcome, record.result)
                self.order.append(index)
        unsettled = [action for action in self._airborne if action.record.outcome is None]
        assert len(unsettled) <= (self.parallel or len(flight.records))
        assert flight.done == (len(self._settled) == len(flight.records))
