"""C41, C42: what comes of a store that is away, or of too much at once; and limits that are wrong from the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchware import Concurrency, Quota
from batchware.limiters.memory import MemoryLimiter
from tests.contract.batching import BARE, bare_door, wrap
from tests.contract.limited import GATED, Awaited, Down, Limited, held
from tests.contract.spies import Spy
from tests.hosts import Host

ASGI, WSGI = BARE


@bare_door
@pytest.mark.parametrize("batch", ["refuse", "pass"])
@pytest.mark.parametrize("direct", ["refuse", "pass"])
def test_c41_a_store_that_is_away_is_answered_for(
    host: Host, batch: Any, direct: Any, caplog: pytest.LogCaptureFixture
) -> None:
    spy = Spy(host.door)
    options = {"limiter_down_batch": batch, "limiter_down_direct": direct, "ratelimit_headers": True}
    limited = Limited(spy, [Quota("q", 10), Concurrency("slots", 10)], limiter=Down(host.door), **options)
    answer = limited.batch(2)
    assert answer.status == (200 if batch == "pass" else 503)
    assert limited.direct().status == (200 if direct == "pass" else 503)
    assert len(spy.seen) == 2 * (batch == "pass") + (direct == "pass")
    assert answer.header("ratelimit") is None
    if batch == "refuse":
        assert answer.header("retry-after") == "1"
        assert "can't be checked" in answer.message
    assert caplog.text.count("it is away") == 2


@bare_door
def test_c41_by_default_a_batch_is_refused_and_a_direct_request_passes(host: Host) -> None:
    limited = Limited(host, [Quota("q", 10)], limiter=Down(host.door))
    assert limited.batch(1).status == 503
    assert limited.direct().status == 200


@bare_door
def test_c41_a_batch_that_is_refused_takes_no_place(host: Host) -> None:
    limited = Limited(host, [Quota("q", 10)], limiter=Down(host.door), max_pending=10)
    assert [limited.batch(10).message for _ in range(3)] == [limited.batch(10).message] * 3


@bare_door
def test_c42_overload_is_told_before_limits_are_charged(host: Host) -> None:
    limited = Limited(host, [Quota("one", 20)], max_pending=10)
    with held(limited, [GATED]):
        for _ in range(3):
            answer = limited.batch(10)
            assert (answer.status, answer.header("retry-after")) == (503, "1")
        assert limited.batch(9).status == 200
    assert limited.passing() == 10


@bare_door
def test_c42_a_batch_that_limits_refuse_takes_no_place(host: Host) -> None:
    limited = Limited(host, [Quota("one", 10)], max_pending=10)
    assert limited.batch(6).status == 200
    for _ in range(3):
        assert limited.batch(5).status == 429
    limited.time += 120
    assert limited.batch(10).status == 200


# --- start-up


@pytest.mark.parametrize(
    ("host", "limiter", "names"),
    [
        pytest.param(
            WSGI, Awaited(MemoryLimiter()), ["Awaited", "RedisLimiter", "MemoryLimiter"], id="awaited on wsgi"
        ),
        pytest.param(ASGI, Down("wsgi"), ["Down", "AsyncRedisLimiter", "MemoryLimiter"], id="blocking on asgi"),
        pytest.param(ASGI, object(), ["acquire, release, renew"], id="no limiter on asgi"),
        pytest.param(WSGI, object(), ["acquire, release, renew"], id="no limiter on wsgi"),
    ],
)
def test_a_limiter_of_the_wrong_kind_is_refused_at_start_up(host: Host, limiter: Any, names: list[str]) -> None:
    with pytest.raises(TypeError, match="limiter") as caught:
        wrap(host, limits=[Quota("q", 10)], limiter=limiter)
    for name in names:
        assert name in str(caught.value)


@bare_door
@pytest.mark.parametrize(
    ("options", "error"),
    [
        pytest.param({"limiter": MemoryLimiter()}, ValueError, id="a limiter without limits"),
        pytest.param({"limits": [Quota("a", 10), Concurrency("a", 10)]}, ValueError, id="two of one name"),
        pytest.param({"limits": "20/minute"}, TypeError, id="a string"),
        pytest.param({"limits": [20]}, TypeError, id="a number"),
    ],
)
def test_limits_that_mean_nothing_are_refused_at_start_up(host: Host, options: Any, error: Any) -> None:
    with pytest.raises(error, match="limit"):
        wrap(host, **options)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Quota("a b", 1), id="a space in the name"),
        pytest.param(lambda: Quota("", 1), id="no name"),
        pytest.param(lambda: Quota("a", 0), id="a limit of 0"),
        pytest.param(lambda: Quota("a", 1.5), id="half a request"),
        pytest.param(lambda: Quota("a", True), id="a limit that is true"),
        pytest.param(lambda: Quota("a", 1, per=0), id="no time"),
        pytest.param(lambda: Quota("a", 1, per=float("nan")), id="not a number"),
        pytest.param(lambda: Concurrency("a", 1, lease=-1), id="a lease in the past"),
        pytest.param(lambda: Quota("a", 1, methods="GET"), id="methods as a string"),
        pytest.param(lambda: Quota("a", 1, paths=["tasks"]), id="a path without a slash"),
        pytest.param(lambda: Concurrency("a", 1, paths=["/a*"]), id="half a wildcard"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        make()


@bare_door
def test_a_limit_that_no_full_batch_passes_is_told_at_start_up(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    wrap(host, limits=[Quota("few", 9), Quota("enough", 10)])
    assert "the limit few (9) can never admit a batch of 10" in caplog.text
    assert "enough" not in caplog.text
