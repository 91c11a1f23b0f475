"""C26 on size: a response past `max_result_bytes`, or past `max_answer_bytes` of the whole answer, is 502."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from batchware.contract.errors import BatchError, ResultTooLarge
from batchware.contract.flight import Flight, Record
from batchware.contract.model import Action, Outcome, Parent
from tests.contract.batching import action, apost_batch, bare_door, every_host, post_batch, wrap
from tests.contract.small_apps import Closing, asgi_app, door, others_have_ended, reply, respond, started, wsgi_app
from tests.hosts import Host

TEXT = ("Content-Type", "text/plain")


def _too_large(what: str, most: int) -> dict[str, Any]:
    message = f"{what} is at most {most} bytes; this response would exceed it."
    return {"status_code": 502, "headers": {}, "body": {"errors": [{"message": message}]}}


@every_host
def test_c26_an_endless_stream_is_502_and_stopped(host: Host) -> None:
    app = wrap(host, max_result_bytes=200_000)
    actions = [action(), action("/forever"), action()]

    async def in_a_loop() -> Any:
        answer = await apost_batch(app, actions)
        assert await others_have_ended()
        return answer

    answer = asyncio.run(in_a_loop()) if host.door == "asgi" else post_batch(app, host, actions)
    assert answer.results[1] == _too_large("A response in a batch", 200_000)
    assert answer.statuses == [200, 502, 200]


@bare_door
@pytest.mark.parametrize("chunks", [None, 7], ids=["whole", "in pieces"])
@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 502)], ids=["as large as may be", "one byte more"])
def test_c26_max_result_bytes_is_exact(host: Host, size: int, status: int, chunks: int | None) -> None:
    answer = post_batch(wrap(host, max_result_bytes=1000), host, [respond(b"x" * size, TEXT, chunks=chunks), action()])
    assert answer.statuses == [status, 200]
    assert answer.results[0] == (
        {"status_code": 200, "headers": {"content-type": "text/plain"}, "body": "x" * size}
        if status == 200
        else _too_large("A response in a batch", 1000)
    )


def test_c26_the_rest_of_a_response_that_is_too_large_is_not_asked_for_on_asgi() -> None:
    sent: list[str] = []

    async def goes_on(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"x" * 60, more=True)
        for _ in range(3):
            try:
                await send({"type": "http.response.body", "body": b"x" * 60, "more_body": True})
            except OSError:
                sent.append("refused")
            else:
                sent.append("taken")

    host = door("asgi", asgi_app({"/x": goes_on}))
    answer = post_batch(wrap(host, max_result_bytes=100), host, [action("/x")])
    assert answer.results == [_too_large("A response in a batch", 100)]
    assert sent == ["refused"] * 3


def test_c26_the_rest_of_a_response_that_is_too_large_is_not_asked_for_on_wsgi() -> None:
    given: list[int] = []
    closed = threading.Event()

    def goes_on(environ: Any, start_response: Any) -> Any:
        started(start_response)
        return Closing((given.append(index) or b"x" * 60 for index in range(9)), closed.set)

    def writes(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [])
        for index in range(9):
            write(b"x" * 60)
            given.append(index)
        return []

    host = door("wsgi", wsgi_app({"/x": goes_on, "/write": writes}))
    app = wrap(host, max_result_bytes=100)
    assert post_batch(app, host, [action("/x")]).results == [_too_large("A response in a batch", 100)]
    assert (given, closed.is_set()) == ([0, 1], True)
    given.clear()
    assert post_batch(app, host, [action("/write")]).results == [_too_large("A response in a batch", 100)]
    assert given == [0]


@bare_door
def test_c26_what_is_past_the_whole_answer_is_502(host: Host) -> None:
    most = 5000
    actions = [respond(bytes([97 + index]) * 900, TEXT) for index in range(10)]
    answer = post_batch(wrap(host, max_answer_bytes=most), host, actions)
    kept = [index for index, result in enumerate(answer.results) if result["status_code"] == 200]
    assert 3 <= len(kept) <= 5
    for index, result in enumerate(answer.results):
        if index in kept:
            assert result["body"] == chr(97 + index) * 900
        else:
            assert result == _too_large("The answer of a batch", most)
    assert sum(len(answer.results[index]["body"]) for index in kept) < most


@bare_door
@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(respond(bytes(900), ("Content-Type", "image/png")), id="as base64"),
        pytest.param(respond(b"\x00" * 300, TEXT), id="as escapes"),
        pytest.param(respond(b"", ("X-Long", "x" * 1100)), id="with its headers"),
    ],
)
def test_c26_a_result_counts_as_it_stands_in_the_answer(host: Host, wanted: dict[str, Any]) -> None:
    answer = post_batch(wrap(host, max_answer_bytes=1000), host, [wanted])
    assert answer.results == [_too_large("The answer of a batch", 1000)]
    assert post_batch(wrap(host, max_answer_bytes=3000), host, [wanted]).statuses == [200]


# --- the flight alone


def _flight(count: int, most: int) -> tuple[Flight, list[Record]]:
    def failure(error: BatchError) -> Outcome:
        return Outcome(error.status, (), b"", error)

    flight = Flight(
        [Record(Action(index, "GET", "/x")) for index in range(count)],
        Parent("POST", "/batch", "", "http", (), None, {}),
        parallel=None,
        timeout=None,
        max_result_bytes=most,
        max_answer_bytes=most,
        write=lambda action, outcome: (outcome.body,),
        failure=failure,
    )
    return flight, flight.ready(0.0)


def test_c26_responses_under_way_count_and_are_forgotten_when_they_fail() -> None:
    flight, (first, second) = _flight(2, 100)
    assert flight.grow(first, 60) is None
    error = flight.grow(second, 60)
    assert isinstance(error, ResultTooLarge)
    flight.fail(second, error, 0.0)
    assert flight.grow(first, 40) is None
    flight.land(first, Outcome(200, (), b"x" * 100))
    assert [outcome.status for outcome in flight.outcomes()] == [200, 502]


def test_c26_what_lands_after_it_has_failed_changes_nothing() -> None:
    flight, (first, second) = _flight(2, 100)
    flight.fail(first, ResultTooLarge("x", 1), 0.0)
    assert flight.land(first, Outcome(200, (), b"x")) is False
    assert not flight.done
    assert flight.fail(second, ResultTooLarge("x", 1), 0.0) is True
    assert flight.fail(second, ResultTooLarge("x", 1), 0.0) is False
    assert flight.done
    assert [outcome.status for outcome in flight.outcomes()] == [502, 502]
