"""What slowapi does when its store is away or waits, and the private names of it that are relied on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import slowapi.middleware as slow
from limits.strategies import FixedWindowRateLimiter
from slowapi import Limiter
from starlette.applications import Starlette

from batchware.integrations.slowapi import slowapi_limits
from batchware.integrations.strategies import Gate
from tests.limits.slow_service import Service, by_user, starlette

# slowapi asks asyncio whether a function is a coroutine function, which Python deprecates from 3.14 on.
pytestmark = pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning")


class Down(FixedWindowRateLimiter):
    """A strategy whose store is away."""

    def hit(self, *args: Any, **options: Any) -> bool:
        raise ConnectionError("the store is away")

    test = hit


def down(service: Service) -> None:
    gate = service.limiter.limiter
    assert isinstance(gate, Gate)
    gate.strategy = Down(gate.strategy.storage)


def test_c41_a_store_that_is_away_refuses_a_batch_with_503() -> None:
    service = Service(starlette, default_limits=["5/day"])
    down(service)
    assert service.batch("/tasks").status == 503
    assert not service.ran


def test_c41_the_fallback_of_the_host_takes_over() -> None:
    service = Service(starlette, default_limits=["20/day"], in_memory_fallback=["3/day"])
    down(service)
    assert service.batch(*["/tasks"] * 4).status == 429
    assert service.batch(*["/tasks"] * 2).statuses == [200] * 2
    assert service.left() == 1


def test_a_store_that_waits_is_asked_in_a_thread() -> None:
    service = Service(starlette, default_limits=["5/day"])
    gate = service.limiter.limiter
    assert isinstance(gate, Gate)
    loops: list[bool] = []

    class Waits(FixedWindowRateLimiter):
        def test(self, *args: Any, **options: Any) -> bool:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                loops.append(False)
            else:
                loops.append(True)
            return super().test(*args, **options)

    gate.strategy = Waits(gate.strategy.storage)
    assert service.batch("/tasks").status == 200
    gate.storage = type("Far", (), {})()
    assert service.batch("/tasks").status == 200
    assert loops == [True, False]


@pytest.mark.parametrize("name", ["_limiter", "_fallback_limiter"])
def test_slowapi_still_keeps_its_strategy_in__limiter(name: str) -> None:
    limiter = Limiter(by_user, in_memory_fallback=["1/day"])
    strategy = getattr(limiter, name)
    assert isinstance(strategy, FixedWindowRateLimiter)
    limiter._storage_dead = name == "_fallback_limiter"
    assert limiter.limiter is strategy
    delattr(limiter, name)
    with pytest.raises(RuntimeError, match=f"does not keep its strategy in Limiter.{name}"):
        slowapi_limits(limiter, Starlette())


@pytest.mark.parametrize("name", ["_check_request_limit", "_route_limits", "_dynamic_route_limits", "_auto_check"])
def test_slowapi_still_has_what_its_limits_are_asked_with(name: str) -> None:
    assert hasattr(Limiter(by_user), name)


@pytest.mark.parametrize("name", ["_find_route_handler", "_should_exempt"])
def test_the_middleware_of_slowapi_still_finds_endpoints_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hasattr(slow, name)
    monkeypatch.delattr(slow, name)
    with pytest.raises(RuntimeError, match=f"no {name}"):
        slowapi_limits(Limiter(by_user), Starlette())
