"""C19, C20, C25: the answer as a whole, what a result is, and that redirects are results."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchware.contract.errors import BatchError
from batchware.contract.flight import Flight, Record
from batchware.contract.model import Action, Outcome, Parent
from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.contract.small_apps import respond
from tests.hosts import Host, probe

FIELDS = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


@every_host
def test_c19_the_answer_has_one_result_an_action_in_their_order(host: Host) -> None:
    answer = post_batch(wrap(host), host, [action(f"/tasks/{index}") for index in range(10)])
    assert answer.status == 200
    assert [result["body"]["id"] for result in answer.results] == [str(index) for index in range(10)]


@every_host
def test_c19_the_answer_is_200_even_if_every_action_failed(host: Host) -> None:
    failures = [action("/nowhere"), action("/raise"), action("no slash"), 1, respond(status=503)]
    answer = post_batch(wrap(host), host, failures)
    assert answer.status == 200
    assert answer.statuses == [404, 500, 400, 400, 503]


@bare_door
@pytest.mark.parametrize(
    "actions",
    [
        pytest.param([action()], id="one action"),
        pytest.param([action(f"/tasks/{index}") for index in range(10)], id="ten actions"),
        pytest.param([None] * 10, id="ten refused actions"),
        pytest.param([respond("é日".encode(), ("content-type", "text/plain"))], id="text of several bytes a character"),
    ],
)
@pytest.mark.parametrize("query", ["", "opt_pretty", "opt_fields=body"])
def test_c19_the_answers_own_headers(host: Host, actions: list[Any], query: str) -> None:
    answer = post_batch(wrap(host), host, actions, query=query)
    assert dict(answer.headers) == FIELDS | {"content-length": str(len(answer.body))}
    assert len(answer.headers) == 4


def test_c19_results_stand_in_the_order_of_the_actions_whatever_lands_first() -> None:
    def failure(error: BatchError) -> Outcome:
        raise AssertionError("nothing fails here") from error

    records = [Record(Action(index, "GET", "/x")) for index in range(4)]
    flight = Flight(
        records,
        Parent("POST", "/batch", "", "http", (), None, {}),
        parallel=None,
        timeout=None,
        max_result_bytes=100,
        max_answer_bytes=1000,
        write=lambda action, outcome: (b"%d:" % action.index, b"%d" % outcome.status),
        failure=failure,
    )
    flight.ready(0.0)
    for index in (2, 0, 3, 1):
        assert not flight.done
        flight.land(records[index], Outcome(200 + index, (), b""))
    assert flight.done
    assert [b"".join(result) for result in flight.results()] == [b"0:200", b"1:201", b"2:202", b"3:203"]
    assert [outcome.status for outcome in flight.outcomes()] == [200, 201, 202, 203]


@every_host
def test_c20_a_result_is_exactly_three_members(host: Host) -> None:
    answered = [action(), action("/nowhere"), respond(b"x", ("X-One", "1"), status=201)]
    answer = post_batch(wrap(host), host, [*answered, action("/raise"), "refused"])
    for result in answer.results:
        assert list(result) == ["status_code", "headers", "body"]
        assert type(result["status_code"]) is int
        assert all(type(value) is str for value in result["headers"].values())


@every_host
@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 400, 401, 404, 409, 418, 429, 500, 503, 599])
def test_c20_the_status_is_the_one_of_the_host(host: Host, status: int) -> None:
    assert post_batch(wrap(host), host, [respond(status=status)]).statuses == [status]


@every_host
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_c25_a_redirect_is_a_result(host: Host, status: int, method: str) -> None:
    target = "http://testserver/tasks/1"
    answer = post_batch(wrap(host), host, [respond(b"", ("Location", target), status=status, method=method)])
    assert answer.result["status_code"] == status
    assert answer.result["headers"]["location"] == target
    assert [template for template, *_ in probe.seen] == ["/respond"]


@bare_door
def test_c25_a_redirect_to_the_batch_route_is_no_second_batch(host: Host) -> None:
    answer = post_batch(wrap(host), host, [respond(b"", ("Location", "/batch"), status=307), action()])
    assert answer.statuses == [307, 200]
    assert json.loads(answer.body)["data"][0]["body"] is None
