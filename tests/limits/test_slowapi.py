"""Batches before Starlette and FastAPI applications whose limits slowapi keeps: all or nothing, and counted once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from batchware import Quota
from tests.contract.batching import action, post_batch
from tests.limits.slow_service import ASGI, MAKES, STRATEGIES, Service, fastapi, starlette

# slowapi asks asyncio whether a function is a coroutine function, which Python deprecates from 3.14 on.
pytestmark = pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning")


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("make", MAKES)
def test_c36_a_batch_that_would_exceed_is_refused_nothing_runs_and_nothing_is_spent(make: Any, strategy: str) -> None:
    service = Service(make, default_limits=["20/day"], strategy=strategy)
    for _ in range(17):
        assert service.direct().status == 200
    service.ran.clear()
    answer = service.batch(*["/tasks"] * 5)
    assert answer.status == 429
    assert int(answer.header("retry-after") or 0) >= 1
    assert "20-per-1-day" in answer.message
    assert not service.ran
    assert service.left() == 3


@pytest.mark.parametrize("make", MAKES)
def test_c35_a_batch_of_three_spends_three(make: Any) -> None:
    service = Service(make, default_limits=["20/day"])
    assert service.batch(*["/tasks"] * 3).statuses == [200] * 3
    assert service.left() == 17


@pytest.mark.parametrize("make", MAKES)
def test_c36_decorated_limits_are_asked_before_anything_runs(make: Any) -> None:
    service = Service(make, default_limits=["20/day"])
    assert service.batch(*["/limited"] * 5).status == 429
    assert not service.ran
    assert service.batch("/limited", "/tasks", "/limited").statuses == [200] * 3
    assert service.left("/limited") == 2
    assert service.batch(*["/limited"] * 4, user="b").statuses == [200] * 4


def test_c36_a_refusal_names_all_limits_that_would_be_exceeded() -> None:
    service = Service(starlette, application_limits=["4/day"], default_limits=["3/hour"])
    answer = service.batch(*["/tasks"] * 5)
    assert answer.status == 429
    assert "global-4-per-1-day" in answer.message
    assert "tasks-3-per-1-hour" in answer.message
    assert service.left() == 3


def test_c36_costs_and_several_keys_below_a_mount() -> None:
    service = Service(starlette)
    costly = [action("/below/costly", data={"cost": 4}), action("/below/costly", data={"cost": 4})]
    assert post_batch(service.app, ASGI, costly, headers={"X-User": "a"}).status == 429
    assert post_batch(service.app, ASGI, costly[:1], headers={"X-User": "a"}).statuses == [200]
    assert service.left("/below/costly") == 2
    assert service.batch(*["/below/costly"] * 6, user="b").status == 429


def test_c36_included_routers_and_conditions() -> None:
    service = Service(fastapi)
    assert service.batch(*["/below/costly/1"] * 7).status == 429
    free = [action("/below/costly/1", data={"free": 1})] * 8
    assert post_batch(service.app, ASGI, free, headers={"X-User": "a"}).statuses == [200] * 8
    assert service.batch(*["/below/costly/1"] * 5).statuses == [200] * 5
    assert service.left("/below/costly/1") == 1


@pytest.mark.parametrize("make", MAKES)
def test_c38_a_refused_action_is_counted_where_its_route_has_limits(make: Any) -> None:
    service = Service(make)
    actions = [action("/limited"), action("/limited", data="no object"), action("/nowhere"), action("no path")]
    answer = post_batch(service.app, ASGI, actions, headers={"X-User": "a"})
    assert answer.statuses == [200, 400, 404, 400]
    assert service.left("/limited") == 2


def test_c37_direct_requests_count_as_ever_and_carry_the_headers_of_the_host() -> None:
    service = Service(starlette, default_limits=["5/day"], headers_enabled=True)
    assert service.batch("/tasks", "/tasks").results[0]["headers"]["x-ratelimit-remaining"] == "3"
    response = service.direct()
    assert (response.header("x-ratelimit-limit"), response.header("x-ratelimit-remaining")) == ("5", "2")
    assert service.left() == 2
    assert service.direct().status == 429


@pytest.mark.parametrize("awaited", [False, True])
def test_c36_a_key_that_needs_what_the_host_prepares(awaited: bool) -> None:
    def load(request: Request) -> None:
        request.state.user = request.headers["X-User"]

    async def load_later(request: Request) -> None:
        await asyncio.sleep(0)
        load(request)

    class Users:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                load(Request(scope))
            await self.app(scope, receive, send)

    def make(service: Service) -> Starlette:
        app = starlette(service)
        app.add_middleware(Users)
        return app

    options: dict[str, Any] = {"key_func": lambda request: request.state.user, "default_limits": ["3/day"]}
    prepared = Service(make, prepare=load_later if awaited else load, **options)
    assert prepared.batch(*["/tasks"] * 4).status == 429
    assert prepared.batch(*["/tasks"] * 2).status == 200
    assert prepared.left() == 1
    unprepared = Service(make, **options)
    assert sorted(unprepared.batch(*["/tasks"] * 4).statuses) == [200, 200, 200, 429]


def test_c36_beside_limits_of_our_own_all_or_nothing_over_both() -> None:
    service = Service(starlette, default_limits=["6/day"], limits=[Quota("ours", 4, per=86_400)])
    answer = service.batch(*["/tasks"] * 5)
    assert (answer.status, "ours" in answer.message) == (429, True)
    assert service.batch(*["/tasks"] * 3).status == 200
    assert service.direct("/limited").status == 200, "the fourth of ours"
    assert service.direct("/limited").status == 429
    service = Service(starlette, default_limits=["2/day"], limits=[Quota("ours", 4, per=86_400)])
    assert service.batch(*["/tasks"] * 3).status == 429
    assert service.batch("/tasks", "/limited", "/tasks", "/limited").status == 200, "ours were not spent"
