"""What each kind of answer, or none, means for the lines of a batch."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.client.send.scripted import Answer, Posted, errors, fine, scripted
from tests.client.send.sending import Folder, read, write

MIXED = [read("/r1"), write("/w2"), read("/r3"), write("/w4")]
NAMES = ["/r1", "/w2", "/r3", "/w4"]
ALL_FINE = dict.fromkeys(range(1, 5), 200)
AT_ONCE = {"retry-after": "0"}
NO_ANSWERS = [
    pytest.param(Answer(breaks=0), id="no answer"),
    pytest.param(Answer(body=b"x" * 100, breaks=10), id="half an answer"),
    pytest.param(Answer(500, errors("It broke.")), id="500"),
    pytest.param(Answer(502, b"<html>"), id="502"),
    pytest.param(Answer(503, b"<html>"), id="503 that does not say when"),
    pytest.param(Answer(504, b"<html>"), id="504"),
]
NO_RESULTS = [
    pytest.param(Answer(200, b"<html>"), id="a page"),
    pytest.param(Answer(200, {"data": []}), id="too few results"),
    pytest.param(Answer(200, {"data": [{"body": 1}] * 4}), id="results without a status"),
    pytest.param(Answer(200, b'{"data": [{"status_code": 200}, {"sta'), id="JSON that ends early"),
    pytest.param(Answer(204, b""), id="204"),
]
NOT_RUN = [
    pytest.param(Answer(429, errors("Later."), AT_ONCE), id="429"),
    pytest.param(Answer(503, errors("Later."), AT_ONCE), id="503"),
    pytest.param(Answer(429, errors("Later."), {"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}), id="429 with a date"),
    pytest.param(Answer(429, b"<html>"), id="429 of something in front"),
    pytest.param(Answer(408, b""), id="408"),
]


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_without_an_answer_writes_are_unknown_and_reads_are_read_again(folder: Folder, answer: Answer) -> None:
    folder.write(MIXED)
    with scripted(answer) as server:
        assert folder.send(server.url) == 4
    assert server.batches == [NAMES, ["/r1", "/r3"]]
    assert folder.outcomes == {1: 200, 2: "unknown", 3: 200, 4: "unknown"}
    assert server.posted[0].key != server.posted[1].key


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_without_an_answer_the_same_batch_goes_again_where_keys_are_kept(folder: Folder, answer: Answer) -> None:
    folder.write(MIXED)
    with scripted(answer, answer) as server:
        assert folder.send(server.url, "--idempotent") == 0
    assert folder.outcomes == ALL_FINE
    assert {(posted.key, posted.body) for posted in server.posted} == {(server.posted[0].key, server.posted[0].body)}
    assert len(server.posted) == 3


@pytest.mark.parametrize("answer", NO_RESULTS)
def test_what_is_no_answer_of_a_batch_route_ends_the_run_with_the_batch_in_doubt(
    folder: Folder, answer: Answer
) -> None:
    folder.write([*MIXED, write("/w5")])
    with scripted(answer) as server:
        assert folder.send(server.url, "--idempotent", "--max-actions", "4") == 3
        assert (server.batches, folder.outcomes) == ([NAMES], {})
        assert folder.send(server.url, "--resume", "--idempotent") == 0
    assert server.posted[1].body == server.posted[0].body
    assert folder.outcomes == ALL_FINE | {5: 200}


@pytest.mark.parametrize("answer", NOT_RUN)
def test_what_did_not_run_goes_again_even_if_keys_are_not_kept(folder: Folder, answer: Answer) -> None:
    folder.write(MIXED)
    with scripted(answer, answer) as server:
        assert folder.send(server.url) == 0
    assert server.batches == [NAMES] * 3
    assert folder.outcomes == ALL_FINE


@pytest.mark.parametrize("answer", NOT_RUN)
def test_that_a_batch_did_not_run_again_says_nothing_about_the_first_time(folder: Folder, answer: Answer) -> None:
    folder.write(MIXED)
    with scripted(Answer(breaks=0), answer, Answer(401)) as server:
        assert folder.send(server.url, "--idempotent") == 3
        assert folder.outcomes == {}
        assert folder.send(server.url, "--resume") == 4  # without `--idempotent`: nobody says that the key is known
    assert folder.outcomes == {1: 200, 2: "unknown", 3: 200, 4: "unknown"}


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 415, 422])
def test_a_server_that_refuses_batches_is_asked_once(folder: Folder, status: int) -> None:
    folder.write([write(f"/w{number}") for number in range(1, 31)])
    with scripted(Answer(status, errors("No."))) as server:
        assert folder.send(server.url) == 3
        assert len(server.posted) == 1
        assert folder.send(server.url, "--resume") == 0
    assert [name for batch in server.batches[1:] for name in batch] == [f"/w{number}" for number in range(1, 31)]


@pytest.mark.parametrize("answer", [Answer(413, b"<html>"), Answer(429, errors("can never fit"))])
def test_what_is_too_much_is_sent_in_halves_down_to_one_line(folder: Folder, answer: Answer) -> None:
    def too_much(posted: Posted) -> Answer | None:
        return answer if "/w4" in posted.names else None

    folder.write(MIXED)
    with scripted(*[too_much] * 5) as server:
        assert folder.send(server.url) == 1
    assert server.batches == [NAMES, ["/r1", "/w2"], ["/r3", "/w4"], ["/r3"], ["/w4"]]
    assert folder.outcomes == {1: 200, 2: 200, 3: 200, 4: "error"}


def test_a_server_that_takes_fewer_actions_is_believed(folder: Folder) -> None:
    def three_at_most(posted: Posted) -> Answer | None:
        count = len(posted.actions)
        message = f"A batch holds 1 to 3 actions; this one has {count}."
        return Answer(400, errors(message)) if count > 3 else None

    folder.write([write(f"/w{number}") for number in range(1, 31)])
    with scripted(*[three_at_most] * 30) as server:
        assert folder.send(server.url) == 0
    assert len([batch for batch in server.batches if len(batch) > 3]) <= 3
    assert set(folder.outcomes.values()) == {200}


def test_a_line_that_the_server_can_not_read_costs_its_neighbours_nothing(folder: Folder) -> None:
    def can_not(posted: Posted) -> Answer | None:
        return Answer(400, errors("The body is not JSON.")) if "/r3" in posted.names else None

    folder.write([write("/w0"), *MIXED])
    with scripted(*[can_not] * 30) as server:
        assert folder.send(server.url, "--max-actions", "1") == 1
        folder.out.unlink()
        folder.journal.unlink()
        folder.write([write(f"/w{number}") for number in range(10)] + MIXED)
        assert folder.send(server.url) == 1
    assert [line for line, outcome in folder.outcomes.items() if outcome == "error"] == [13]


def statuses(*each: int) -> Any:
    """An answer with these statuses; 409, 429 and 503 say that they want to be asked again."""

    def answer(posted: Posted) -> Answer:
        results = fine(posted).body["data"]
        for result, status in zip(results, each, strict=True):
            result |= {"status_code": status, "headers": AT_ONCE if status in (409, 429, 503) else {}}
        return Answer(body={"data": results})

    return answer


def test_an_action_that_a_limit_of_its_own_put_off_goes_in_another_batch(folder: Folder) -> None:
    folder.write(MIXED)
    with scripted(statuses(200, 429, 503, 200), statuses(429, 200)) as server:
        assert folder.send(server.url) == 0
    assert server.batches == [NAMES, ["/w2", "/r3"], ["/w2"]]
    assert folder.outcomes == ALL_FINE
    assert len({posted.key for posted in server.posted}) == 3


def test_an_action_that_is_always_put_off_keeps_its_status(folder: Folder) -> None:
    folder.write([write("/w1")])
    with scripted(*[statuses(429)] * 20) as server:
        assert folder.send(server.url) == 1
    assert folder.outcomes == {1: 429}
    assert len(server.posted) < 12


def test_a_batch_that_the_server_is_still_at_work_on_comes_again_whole(folder: Folder) -> None:
    folder.write(MIXED)
    with scripted(Answer(breaks=0), statuses(200, 409, 200, 201), statuses(200, 201, 200, 201)) as server:
        assert folder.send(server.url, "--idempotent") == 0
    assert len({(posted.key, posted.body) for posted in server.posted}) == 1
    assert folder.outcomes == {1: 200, 2: 201, 3: 200, 4: 201}


def test_a_batch_that_stays_in_work_for_ever_is_unknown(folder: Folder) -> None:
    folder.write([write("/w1")])
    with scripted(Answer(breaks=0), *[statuses(409)] * 20) as server:
        assert folder.send(server.url, "--idempotent") == 4
    assert folder.outcomes == {1: "unknown"}
    assert len(server.posted) < 12


def test_a_conflict_that_stays_and_does_not_say_when_to_come_again_is_a_result(folder: Folder) -> None:
    def conflict(posted: Posted) -> Answer:
        return Answer(body={"data": [{"status_code": 409, "headers": {}, "body": None}]})

    folder.write([write("/w1")])
    with scripted(Answer(breaks=0), *[conflict] * 20) as server:
        assert folder.send(server.url, "--idempotent") == 1
    assert folder.outcomes == {1: 409}
    assert 2 < len(server.posted) < 12


def test_a_conflict_is_a_result_where_nothing_was_in_doubt(folder: Folder) -> None:
    folder.write([write("/w1")])
    with scripted(statuses(409)) as server:
        assert folder.send(server.url, "--idempotent") == 1
    assert folder.outcomes == {1: 409}


def test_a_server_that_loses_every_batch_is_left_alone_soon(folder: Folder) -> None:
    folder.write([write(f"/w{number}") for number in range(1, 1001)])
    with scripted(*[Answer(502, b"")] * 100) as server:
        assert folder.send(server.url) == 3
    assert len(server.posted) < 10
    assert set(folder.outcomes.values()) == {"unknown"}


def test_a_read_that_never_has_an_answer_is_an_error_and_holds_up_nothing(folder: Folder) -> None:
    def crashes(posted: Posted) -> Answer | None:
        return Answer(breaks=0) if "/r3" in posted.names else None

    folder.write([read(f"/r{number}") for number in range(1, 6)])
    with scripted(*[crashes] * 200) as server:
        assert folder.send(server.url, "--max-actions", "1") == 1
    assert folder.outcomes == {1: 200, 2: 200, 3: "error", 4: 200, 5: 200}


def test_a_limit_that_is_used_up_is_asked_by_no_more_batches_than_may_be_under_way(folder: Folder) -> None:
    folder.write([write(f"/w{number}") for number in range(1, 301)])
    with scripted(*[Answer(429, errors("Later."), AT_ONCE)] * 30) as server:
        assert folder.send(server.url, "--parallel", "3") == 0
    assert len({posted.key for posted in server.posted[:30]}) == 3
    assert set(folder.outcomes.values()) == {200}


def test_new_batches_do_not_overtake_one_that_waits_for_a_limit(folder: Folder) -> None:
    folder.write([write(f"/w{number}") for number in range(1, 31)])
    with scripted(Answer(429, errors("Later."), {"retry-after": "1"})) as server:
        assert folder.send(server.url) == 0
    assert server.batches[1] == server.batches[0]


def test_a_server_that_can_not_be_reached_is_given_up_after_the_time_given(folder: Folder) -> None:
    folder.write(MIXED)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/batch"
        assert folder.send(url, "--max-wait", "0.1") == 3
    assert folder.outcomes == {}


def test_a_wait_beyond_the_time_given_ends_the_run_at_once(folder: Folder) -> None:
    folder.write(MIXED)
    with scripted(Answer(429, errors("Tomorrow."), {"retry-after": "86400"})) as server:
        assert folder.send(server.url, "--max-wait", "3600") == 3
        assert folder.send(server.url, "--resume") == 0
    assert folder.outcomes == ALL_FINE
