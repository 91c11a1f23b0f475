"""The course of many batches against a model of a server, as a state machine: whatever comes in whatever order.

Nothing is done twice that isn't safe to do twice, the report is exact, every action gets one outcome, and its own.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from batchware.client import Action, Bounds, Broken, Course, NotSent, Outcome, Sending, State
from tests.client.model import PAUSE, READS, Server, error, later

METHODS = ("get", "head", "post", "put", "patch", "delete")
LOST = Broken("gone")


class CourseMachine(RuleBasedStateMachine):
    @initialize(
        parallel=st.integers(1, 4),
        attempts=st.integers(1, 5),
        mine=st.integers(1, 8),
        theirs=st.integers(1, 10),
        sizes=st.tuples(st.sampled_from([200, 1 << 20]), st.sampled_from([300, 1 << 20])),
        max_wait=st.sampled_from([0.0, 20.0, 1e9]),
        key=st.sampled_from([None, "run-7"]),
        style=st.sampled_from(["asana", "plain"]),
    )
    def depart(
        self, parallel: int, attempts: int, mine: int, theirs: int, sizes: tuple[int, int], max_wait: float,
        key: str | None, style: Any,
    ) -> None:  # fmt: skip
        self.bounds = Bounds(mine, sizes[0], parallel, attempts, max_wait, key, style)
        self.course, self.server = Course(self.bounds), Server(style, theirs, sizes[1])
        self.now, self.flying = 100.0, list[Sending]()
        self.actions, self.outcomes = list[Action](), dict[int, Outcome]()
        self.lost: set[str] = set()  # paths whose answer got lost at least once
        self.told_later: set[str] = set()
        self.sent_as: dict[str, set[tuple[str, int]]] = {}  # under which key and at which place a lost write was sent
        self.resumes_at = 0.0

    # --- what a driver does

    @rule(method=st.sampled_from(METHODS), bad=st.integers(0, 15))
    def add(self, method: str, bad: int) -> None:
        index = len(self.actions)
        action = Action(method, f"/{'bad' if bad == 0 else 'good'}/{index}")
        assert self.course.add(action) == index
        self.actions.append(action)
        self.collect()

    @rule(count=st.integers(1, 12))
    def add_many(self, count: int) -> None:
        for number in range(count):
            self.add(METHODS[number % len(METHODS)], 1)

    @rule()
    def send(self) -> None:
        wait = self.course.wait(self.now)
        sending = self.course.next(self.now)
        assert (sending is not None) == (wait == 0.0)
        if sending is None:
            return
        assert self.now >= self.resumes_at
        assert len(sending.entries) <= self.bounds.max_actions
        assert len(sending.body) <= self.bounds.max_bytes or len(sending.entries) == 1
        self.flying.append(sending)
        assert len(self.flying) == self.course.in_flight <= self.bounds.parallel
        for place, action in enumerate(sending.actions):
            assert self.actions.index(action) not in self.outcomes
            if action.path in self.lost and action.method not in READS:
                assert sending.key is not None
                assert (sending.key, place) in self.sent_as[action.path]

    def take(self, data: st.DataObject) -> Sending:
        sending = data.draw(st.sampled_from(self.flying), label="batch")
        self.flying.remove(sending)
        return sending

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        """The server runs it, or refuses it for what it is; hosts may refuse some of its actions."""
        sending = self.take(data)
        refusal = self.server.refusal(sending)
        if refusal is not None:
            self.course.answered(sending, refusal, self.now)
        else:
            places = range(len(sending.entries))
            busy = data.draw(st.sets(st.sampled_from(places)) if data.draw(st.booleans()) else st.just(set()))
            results = self.server.run(sending, but=busy)
            answered = later(results, dict.fromkeys(busy, 429), retry_after=str(PAUSE))
            self.told_later |= {sending.actions[place].path for place in busy}
            self.course.answered(sending, self.server.answer(answered), self.now)
        self.collect()

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), status=st.sampled_from([429, 503]), seconds=st.sampled_from([0, PAUSE, 30]))
    def refuse_for_now(self, data: st.DataObject, status: int, seconds: int) -> None:
        refusal = error(status, "Not now.", retry_after=str(seconds))
        self.course.answered(self.take(data), refusal, self.now)
        self.resumes_at = max(self.resumes_at, self.now + seconds)
        self.collect()

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), message=st.sampled_from(["Too many.", "It can never fit."]))
    def refuse_without_a_time(self, data: st.DataObject, message: str) -> None:
        self.course.answered(self.take(data), error(429, message), self.now)
        self.collect()

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def refuse_the_connection(self, data: st.DataObject) -> None:
        self.course.failed(self.take(data), NotSent("refused"), self.now, sent=False)
        self.collect()

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), how=st.sampled_from(["broken", "a proxy's 502", "a 503 without a time"]))
    def lose_the_answer(self, data: st.DataObject, how: str) -> None:
        """Some of it has run, or none, or all."""
        sending = self.take(data)
        self.lose(sending, data)
        if how == "broken":
            self.course.failed(sending, LOST, self.now, sent=True)
        else:
            self.course.answered(sending, error(503 if "503" in how else 502, "Bad gateway"), self.now)
        self.collect()

    def lose(self, sending: Sending, data: st.DataObject | None) -> None:
        places = st.sets(st.sampled_from(range(len(sending.entries))))
        if self.server.refusal(sending) is None:
            self.server.run(sending, but=data.draw(places, label="not run") if data else ())
        for place, action in enumerate(sending.actions):
            self.lost.add(action.path)
            self.sent_as.setdefault(action.path, set()).add((sending.key or "", place))

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), status=st.sampled_from([301, 401, 403, 404, 405]))
    def close_the_door(self, data: st.DataObject, status: int) -> None:
        self.course.answered(self.take(data), error(status, "No."), self.now)
        self.collect()

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), body=st.sampled_from(["[]", '{"data": []}', "<html>"]))
    def answer_with_nonsense(self, data: st.DataObject, body: str) -> None:
        sending = self.take(data)
        self.lose(sending, data)
        nonsense = self.server.answer([])
        self.course.answered(sending, type(nonsense)(200, nonsense.headers, body.encode()), self.now)
        self.collect()

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 60.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds

    @rule(often=st.integers(0, 6))
    def interrupt(self, often: int) -> None:
        if often:
            return
        for sending in self.flying:
            self.lose(sending, None)
        self.flying.clear()
        self.course.stop(KeyboardInterrupt())
        self.collect()
        assert len(self.outcomes) == len(self.actions)

    # --- what is promised

    def collect(self) -> None:
        for outcome in self.course.settled():
            assert outcome.index not in self.outcomes
            self.outcomes[outcome.index] = outcome
            self.check(outcome)

    def check(self, outcome: Outcome) -> None:
        action, path = outcome.action, self.actions[outcome.index].path
        assert action is self.actions[outcome.index]
        assert (outcome.result is None) == (outcome.state is not State.DONE) == (outcome.error is not None)
        if outcome.state is State.NOT_DONE:
            assert self.server.ran[path] == 0
        elif outcome.state is State.UNKNOWN:
            assert path in self.lost
        else:
            result = outcome.get()
            assert result.action is action
            if result.status == 200:
                assert result.body == {"data": path}
                assert self.server.ran[path]
            else:
                assert result.status == 429
                assert path in self.told_later

    @invariant()
    def no_write_runs_twice(self) -> None:
        if hasattr(self, "course"):
            writes = {action.path for action in self.actions if action.method not in READS}
            assert all(times == 1 for path, times in self.server.ran.items() if path in writes and times)
            keyed = {path: keys for path, keys in self.server.keys.items() if path in writes}
            assert all(len(keys) == 1 for keys in keyed.values()), keyed

    @invariant()
    def it_is_known_how_much_there_is(self) -> None:
        if hasattr(self, "course"):
            flying = sum(len(sending.entries) for sending in self.flying)
            assert self.course.total == len(self.actions) == len(self.outcomes) + flying + self.course.queued
            assert sum(self.course.counts.values()) == len(self.outcomes)
            assert self.course.waited <= self.bounds.max_wait
            attempts = max((entry.attempts for sending in self.flying for entry in sending.entries), default=0)
            assert attempts <= self.bounds.attempts + 10  # each time that a batch is made smaller is one more

    def teardown(self) -> None:
        """From here on the server answers, and then all comes to its end."""
        if not hasattr(self, "course"):
            return
        for _ in range(40 * (len(self.actions) + 5)):
            self.send()
            if self.flying:
                sending = self.flying.pop(0)
                refusal = self.server.refusal(sending)
                answer = refusal or self.server.answer(self.server.run(sending))
                self.course.answered(sending, answer, self.now)
                self.collect()
            self.now += self.course.wait(self.now) or 0.0
            if len(self.outcomes) == len(self.actions):
                break
        assert len(self.outcomes) == len(self.actions)
        assert self.course.wait(self.now) is None
        assert not self.course.in_flight
        self.no_write_runs_twice()


TestCourse = CourseMachine.TestCase
TestCourse.settings = settings(max_examples=settings().max_examples * 3)
