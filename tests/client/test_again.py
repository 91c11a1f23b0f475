"""What is sent again, when, and as what: one case each of what the course decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from batchware.client import Action, Answer, Bounds, Broken, Course, NotSent, Outcome, Sending, State
from tests.client.model import Server, answer, error, later

READ, WRITE = Action("get", "/read"), Action("post", "/write", {"a": 1})
BOTH = (READ, WRITE)

Play = Callable[[Server, Sending], Answer | Exception]


class Played:
    """A course played to its end: each step answers one batch, the last one all that follow."""

    def __init__(self, actions: Sequence[Action], *steps: Play | Answer | Exception, **bounds: Any) -> None:
        self.server, self.course = Server(), Course(Bounds(**bounds))
        self.sent: list[Sending] = []
        self.times: list[float] = []
        for action in actions:
            self.course.add(action)
        now = 0.0
        while (wait := self.course.wait(now)) is not None:
            now += wait
            sending = self.course.next(now)
            assert sending is not None
            self.sent.append(sending)
            self.times.append(now)
            step = steps[min(len(self.sent), len(steps)) - 1]
            came = step(self.server, sending) if callable(step) else step
            if isinstance(came, Answer):
                self.course.answered(sending, came, now)
            else:
                self.course.failed(sending, came, now, sent=isinstance(came, Broken))
        outcomes = sorted(self.course.settled(), key=lambda outcome: outcome.index)
        assert [outcome.action for outcome in outcomes] == list(actions)
        self.outcomes: list[Outcome] = outcomes

    @property
    def states(self) -> str:
        letters = {State.DONE: "d", State.NOT_DONE: "n", State.UNKNOWN: "u"}
        return "".join(letters[outcome.state] for outcome in self.outcomes)

    @property
    def sizes(self) -> list[int]:
        return [len(sending.entries) for sending in self.sent]

    @property
    def keys(self) -> list[str | None]:
        return [sending.headers.get("Idempotency-Key") for sending in self.sent]


def runs(server: Server, sending: Sending) -> Answer:
    return server.refusal(sending) or server.answer(server.run(sending))


def runs_and_breaks(server: Server, sending: Sending) -> Exception:
    server.run(sending)
    return Broken("reset")


def says_later(*places: int, status: int = 429, **headers: str) -> Play:
    def play(server: Server, sending: Sending) -> Answer:
        results = server.run(sending, but=places)
        return server.answer(later(results, dict.fromkeys(places, status), **headers))

    return play


def reads(count: int) -> list[Action]:
    return [Action("get", f"/{number}") for number in range(count)]


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(error(429, "later", retry_after="3"), id="429"),
        pytest.param(error(503, "later", retry_after="3"), id="503"),
        pytest.param(
            answer(429, None, date="Tue, 24 Nov 2026 12:00:00 GMT", retry_after="Tue, 24 Nov 2026 12:00:03 GMT"),
            id="date",
        ),
    ],
)
def test_a_refused_batch_is_sent_again_after_the_time_that_it_was_told(refusal: Answer) -> None:
    played = Played(BOTH, refusal, runs)
    assert (played.states, played.sizes, played.times) == ("dd", [2, 2], [0.0, 3.0])
    assert played.course.waited == 3.0


def test_nothing_is_sent_while_the_server_has_told_to_wait_and_what_is_in_the_air_lands() -> None:
    course, server = Course(Bounds(max_actions=1)), Server()
    for action in reads(4):
        course.add(action)
    first, second = course.next(0.0), course.next(0.0)
    assert first
    assert second
    course.answered(first, error(429, "later", retry_after="9"), 0.0)
    assert course.next(8.9) is None
    assert course.wait(8.0) == 1.0
    course.answered(second, runs(server, second), 8.0)
    assert [outcome.state for outcome in course.settled()] == [State.DONE]
    assert course.next(9.0) is first


@pytest.mark.parametrize(("most", "states"), [(math.inf, "dd"), (60.0, "dd"), (59.9, "nn")])
def test_no_more_is_waited_in_all_than_is_allowed(most: float, states: str) -> None:
    refusal = error(429, "later", retry_after="30")
    assert Played(BOTH, refusal, refusal, runs, max_wait=most).states == states


@pytest.mark.parametrize(("attempts", "states"), [(3, "dd"), (2, "nn")])
@pytest.mark.parametrize("came", [error(429, "later", retry_after="1"), error(429, "later"), NotSent("refused")])
def test_nothing_is_sent_more_often_than_is_allowed(came: Answer | Exception, attempts: int, states: str) -> None:
    assert Played([WRITE], came, came, runs, attempts=attempts).states == states[:1]


def test_a_server_that_is_not_there_ends_it_all() -> None:
    played = Played(reads(500), NotSent("refused"), parallel=4)
    assert played.states == "n" * 500
    assert len(played.sent) < 50
    assert played.times[-1] < 60


def test_a_server_that_breaks_each_connection_gets_no_more_writes() -> None:
    writes = [Action("post", f"/{number}", {}) for number in range(500)]
    played = Played(writes, Broken("reset"), max_actions=1)
    assert played.states == "u" * 10 + "n" * 490


@pytest.mark.parametrize("lost", [Broken("reset"), error(502, "bad gateway"), error(500, "?"), error(503, "no time")])
def test_a_lost_answer_lets_only_reads_be_sent_again(lost: Answer | Exception) -> None:
    played = Played(BOTH, lost, runs)
    assert (played.states, played.sizes, played.keys) == ("du", [2, 1], [None, None])


@pytest.mark.parametrize("headers", [{"retry_after": "1"}, {}])
def test_a_lost_answer_lets_the_very_same_batch_be_sent_again_under_its_key(headers: dict[str, str]) -> None:
    played = Played((*BOTH, READ), runs_and_breaks, error(429, "later", **headers), runs, idempotency_key="k")
    assert (played.states, played.sizes) == ("ddd", [3, 3, 3])
    assert played.keys == ['"k-1"'] * 3
    assert {sending.body for sending in played.sent} == {played.sent[0].body}
    assert played.server.ran[WRITE.path] == 1


def test_a_read_that_got_lost_before_does_not_bind_the_batch_that_it_goes_with() -> None:
    """Alone it had no key, so the batch in which it goes then may be taken apart."""
    course = Course(Bounds(idempotency_key="k"))
    course.add(READ)
    alone = course.next(0.0)
    assert alone
    course.failed(alone, Broken("reset"), 0.0, sent=True)
    course.add(WRITE)
    together = course.next(9.0)
    assert together
    assert (together.actions, together.key) == ([READ, WRITE], "k-1")
    course.answered(together, error(413, "too large"), 9.0)
    parts = [course.next(9.0), course.next(9.0)]
    assert [part.actions for part in parts if part] == [[READ], [WRITE]]


def test_what_is_in_the_air_when_it_is_stopped_is_unknown_and_what_waits_is_not_done() -> None:
    course = Course(Bounds(max_actions=2))
    for action in reads(6):
        course.add(action)
    assert course.next(0.0)
    course.stop(KeyboardInterrupt())
    assert course.add(WRITE) == 6
    outcomes = sorted(course.settled(), key=lambda outcome: outcome.index)
    assert [outcome.state.value for outcome in outcomes] == ["unknown"] * 2 + ["not done"] * 5
    assert (course.next(0.0), course.wait(0.0), course.in_flight, course.queued) == (None, None, 0, 0)


def test_only_batches_with_a_write_have_a_key_and_each_its_own() -> None:
    played = Played([READ, WRITE, WRITE], runs, idempotency_key="k", max_actions=1)
    assert played.keys == [None, '"k-1"', '"k-2"']


@pytest.mark.parametrize("refusal", [error(413, ""), error(400, "A batch holds 1 to 2 actions"), error(400, "?")])
def test_what_may_have_run_under_its_key_is_never_put_into_another_batch(refusal: Answer) -> None:
    played = Played((WRITE, *BOTH), runs_and_breaks, refusal, runs, idempotency_key="k")
    assert (played.states, played.sizes, played.keys[2]) == ("udu", [3, 3, 1], None)


def test_an_action_that_may_have_run_under_its_key_and_is_told_to_come_later_stays_unknown() -> None:
    played = Played(BOTH, runs_and_breaks, says_later(0, 1, retry_after="2"), runs, idempotency_key="k")
    assert (played.states, played.sizes) == ("du", [2, 2, 1])


def test_a_batch_of_another_process_is_sent_again_under_its_key() -> None:
    course, server = Course(), Server()
    assert course.add_batch(BOTH, "theirs-3") == [0, 1]
    sending = course.next(0.0)
    assert sending
    assert sending.headers["Idempotency-Key"] == '"theirs-3"'
    course.failed(sending, NotSent("refused"), 0.0, sent=False)
    again = course.next(1.0)
    assert again is sending
    course.answered(again, runs(server, again), 1.0)
    assert [outcome.state for outcome in course.settled()] == [State.DONE, State.DONE]


def test_an_action_that_its_host_tells_to_come_later_comes_later_alone() -> None:
    played = Played(BOTH, says_later(0, 1, retry_after="2"), runs)
    assert (played.states, played.times) == ("dd", [0.0, 2.0])
    assert [outcome.get().status for outcome in played.outcomes] == [200, 200]


@pytest.mark.parametrize(
    ("play", "why"),
    [
        (says_later(0), "no time"),
        (says_later(0, retry_after="99999"), "longer than may be waited"),
        (says_later(0, status=503, retry_after="1"), "a write that may have begun"),
        (says_later(0, status=500, retry_after="1"), "no status that says so"),
    ],
)
def test_a_result_that_is_no_reason_to_come_again_stays(play: Play, why: str) -> None:
    played = Played([WRITE], play, runs)
    assert (played.states, len(played.sent)) == ("d", 1), why
    assert not played.outcomes[0].get().ok


def test_an_action_that_is_told_to_come_later_too_often_keeps_the_last_result() -> None:
    played = Played([WRITE], says_later(0, retry_after="1"), attempts=3)
    assert (played.states, len(played.sent), played.outcomes[0].get().status) == ("d", 3, 429)


def test_a_server_that_takes_fewer_actions_is_believed() -> None:
    played = Played(reads(20), error(400, "A batch holds 1 to 4 actions; this one has 10."), runs)
    assert (played.states, played.sizes) == ("d" * 20, [10, 4, 4, 4, 4, 4])


@pytest.mark.parametrize(
    ("message", "sizes"), [("", [10, 5, 5]), ("The body of a batch is at most 200 bytes.", [10, 4, 4, 2])]
)
def test_a_body_that_is_too_large_is_sent_in_parts(message: str, sizes: list[int]) -> None:
    assert Played(reads(10), error(413, message), runs).sizes == sizes


@pytest.mark.parametrize("refusal", [error(413, "too large"), error(429, "It can never fit")])
def test_an_action_that_is_too_much_alone_is_not_done_and_its_neighbours_are(refusal: Answer) -> None:
    def play(server: Server, sending: Sending) -> Answer:
        return refusal if any(action.path == "/3" for action in sending.actions) else runs(server, sending)

    played = Played(reads(10), play)
    assert played.states == "dddndddddd"
    assert str(played.outcomes[3].error) == f"GET /3: not done: the batch got {refusal.status}: " + (
        "too large" if refusal.status == 413 else "It can never fit"
    )


def test_an_action_for_which_its_batch_is_refused_costs_its_neighbours_nothing() -> None:
    actions = [Action("post", f"/{'bad' if number in (3, 14) else 'good'}/{number}") for number in range(20)]
    played = Played(actions, runs)
    assert played.states == "dddnddddddddddnddddd"
    assert set(played.server.ran.values()) == {1}


@pytest.mark.parametrize("status", [301, 401, 403, 404, 405, 415])
def test_a_refusal_that_would_meet_all_batches_ends_it_all(status: int) -> None:
    played = Played(reads(50), error(status, "No."), parallel=1)
    assert (played.states, len(played.sent)) == ("n" * 50, 1)


def test_a_server_that_takes_no_batch_at_all_is_not_asked_for_every_action() -> None:
    played = Played(reads(500), error(400, "Unknown member."))
    assert played.states == "n" * 500
    assert len(played.sent) < 120


@pytest.mark.parametrize("content", [b"<html>", b'{"data":[]}', b'{"results":[]}', b""])
def test_an_answer_that_is_none_ends_it_all_and_leaves_its_batch_unknown(content: bytes) -> None:
    assert Played(reads(30), Answer.of(200, {}, content)).states == "u" * 10 + "n" * 20


def test_fewer_batches_are_in_the_air_after_a_refusal_and_more_again_later() -> None:
    course, server = Course(Bounds(max_actions=1)), Server()
    for action in reads(200):
        course.add(action)
    now, most = 0.0, []
    flying: list[Sending] = []
    for round in range(100):
        while (sending := course.next(now)) is not None:
            flying.append(sending)
        most.append(len(flying))
        for number, sending in enumerate(flying):
            refused = round == 3 and number == 0
            course.answered(sending, error(429, "", retry_after="1") if refused else runs(server, sending), now)
        flying.clear()
        now += course.wait(now) or 0.0
    assert (most[3], most[4], max(most[30:])) == (4, 2, 4)
