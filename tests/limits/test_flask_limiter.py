"""Batches before an application whose limits Flask-Limiter keeps: counted by it, all or nothing, and once."""

from __future__ import annotations

import threading
from typing import Any

import flask
import pytest

from batchware import Concurrency, Quota, in_batch
from batchware.integrations.strategies import Gate
from tests.contract.batching import action, post_batch
from tests.limits.flask_service import STRATEGIES, WSGI, Service


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_c36_a_batch_that_would_exceed_is_refused_nothing_runs_and_nothing_is_spent(strategy: str) -> None:
    service = Service(default_limits=["20 per day"], strategy=strategy)
    for _ in range(17):
        assert service.direct().status == 200
    service.ran.clear()
    answer = service.batch(*["/tasks/1"] * 5)
    assert answer.status == 429
    assert int(answer.header("retry-after") or 0) >= 1
    assert "tasks-20-per-1-day" in answer.message
    assert not service.ran
    assert service.left() == 3


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_c35_a_batch_of_three_spends_three(strategy: str) -> None:
    service = Service(default_limits=["20 per day"], strategy=strategy)
    assert service.batch(*["/tasks/1"] * 3).statuses == [200] * 3
    assert service.left() == 17


def test_c35_a_batch_may_take_all_that_is_left() -> None:
    service = Service(default_limits=["5 per day"])
    assert service.batch(*["/tasks/1"] * 5).statuses == [200] * 5
    assert service.left() == 0


def test_c36_limits_of_each_endpoint_are_summed_apart() -> None:
    service = Service(default_limits=["3 per day"])
    assert service.batch("/tasks/1", "/users/1", "/tasks/2", "/users/2").statuses == [200] * 4
    assert service.batch("/tasks/1", "/users/1", "/users/2").status == 429
    assert (service.left("/tasks/1"), service.left("/users/1")) == (1, 1)


def test_c36_each_user_has_limits_of_its_own() -> None:
    service = Service(default_limits=["3 per day"])
    assert service.batch(*["/tasks/1"] * 3, user="a").status == 200
    assert service.batch("/tasks/1", user="a").status == 429
    assert service.batch(*["/tasks/1"] * 3, user="b").status == 200


def test_c36_a_refusal_names_all_limits_that_would_be_exceeded() -> None:
    service = Service(application_limits=["4 per day"], default_limits=["3 per hour"])
    answer = service.batch(*["/tasks/1"] * 5)
    assert answer.status == 429
    assert answer.header("retry-after") is None, "it can never fit"
    assert "global-4-per-1-day" in answer.message
    assert "tasks-3-per-1-hour" in answer.message
    assert service.left() == 3


def test_c40_after_the_time_that_is_named_the_same_batch_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    for strategy in STRATEGIES:
        clock = [1_700_000_000.0 + 0.25]
        monkeypatch.setattr("time.time", lambda clock=clock: clock[0])
        service = Service(default_limits=["10 per minute"], strategy=strategy)
        for _ in range(9):
            assert service.direct().status == 200
            clock[0] += 0.5
        answer = service.batch(*["/tasks/1"] * 4)
        assert answer.status == 429
        clock[0] += int(answer.header("retry-after") or 0)
        assert service.batch(*["/tasks/1"] * 4).statuses == [200] * 4, strategy


def test_c38_a_refused_action_is_counted_where_its_route_has_limits() -> None:
    service = Service(default_limits=["20 per day"])
    actions = [action("/tasks/1"), action("/tasks/1", data="no object"), action("/nowhere"), action("no path")]
    answer = post_batch(service.app, WSGI, actions, headers={"X-User": "a"})
    assert answer.statuses == [200, 400, 404, 400]
    assert service.left() == 18


def test_c37_direct_requests_count_as_ever_and_carry_the_headers_of_the_host() -> None:
    service = Service(default_limits=["5 per day"], headers_enabled=True)
    assert service.batch("/tasks/1", "/tasks/2").results[0]["headers"]["x-ratelimit-remaining"] == "3"
    response = service.direct()
    assert (response.header("x-ratelimit-limit"), response.header("x-ratelimit-remaining")) == ("5", "2")
    assert service.left() == 2
    assert service.direct().status == 429


def test_c34_host_code_that_is_asked_for_limits_knows_that_it_is_in_a_batch() -> None:
    asked: list[bool] = []

    def key() -> str:
        asked.append(in_batch(flask.request.environ))
        return "all"

    service = Service(key_func=key, default_limits=["20 per day"])
    assert service.batch("/tasks/1").status == 200
    assert all(asked)
    assert asked


def test_c36_beside_limits_of_our_own_all_or_nothing_over_both() -> None:
    ours = Quota("ours", 4, per=86_400)
    service = Service(default_limits=["6 per day"], limits=[ours])
    answer = service.batch(*["/tasks/1"] * 5)
    assert (answer.status, "ours" in answer.message) == (429, True)
    assert service.batch(*["/tasks/1"] * 3).status == 200
    assert service.direct("/users/1").status == 200, "the fourth of ours"
    answer = service.direct("/users/1")
    assert (answer.status, "ours" in answer.json()["errors"][0]["message"]) == (429, True)
    service = Service(default_limits=["2 per day"], limits=[ours])
    assert service.batch(*["/tasks/1"] * 3).status == 429
    assert service.batch(*["/users/1", "/tasks/1"] * 2).status == 200, "the host's refusal has not spent ours"


def test_c39_slots_of_our_own_are_freed() -> None:
    service = Service(default_limits=["20 per day"], limits=[Concurrency("flight", 3)])
    for _ in range(3):
        assert service.batch(*["/tasks/1"] * 3).statuses == [200] * 3
    assert service.batch(*["/tasks/1"] * 4).status == 429
    assert service.left() == 11


def test_c36_the_loser_of_a_race_is_refused_and_gives_its_slots_back(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(default_limits=["5 per day"], strategy="moving-window", limits=[Concurrency("flight", 6)])
    gate = service.limiter.limiter
    assert isinstance(gate, Gate)
    both, hit = threading.Barrier(2), gate.strategy.hit

    def late(*args: Any, **options: Any) -> bool:
        both.wait(20)
        return hit(*args, **options)

    monkeypatch.setattr(gate.strategy, "hit", late)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(service.batch(*["/tasks/1"] * 3).status)) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    monkeypatch.undo()
    assert sorted(statuses) == [200, 429]
    assert service.ran["tasks"] == 3
    assert service.batch(*["/users/1"] * 5).status == 200, "no slot is left behind"
    assert service.left() == 2
