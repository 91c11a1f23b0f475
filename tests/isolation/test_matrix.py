"""C0 and C17: every channel of every host, between actions that meet, that follow each other, and across batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from batchware import asgi, wsgi
from tests.contract.batching import action, apost_batch, post_batch
from tests.hosts import Host
from tests.hosts.clients import asend, send
from tests.isolation import leaky_asgi, leaky_wsgi
from tests.isolation.channels import gates

ACTIONS = 6

_MAKERS: dict[str, tuple[Any, Callable[[], Any], str]] = {
    "asgi": ("asgi", leaky_asgi.bare, "/leak"),
    "starlette": ("asgi", leaky_asgi.starlette, "/leak"),
    "fastapi": ("asgi", leaky_asgi.fastapi, "/leak"),
    "litestar": ("asgi", leaky_asgi.litestar, "/leak"),
    "quart": ("asgi", leaky_asgi.quart, "/leak"),
    "falcon-asgi": ("asgi", leaky_asgi.falcon, "/leak"),
    "django-asgi": ("asgi", leaky_asgi.django, "/leak"),
    "django-asgi, plain views": ("asgi", leaky_asgi.django, "/leak-sync"),
    "wsgi": ("wsgi", leaky_wsgi.bare, "/leak"),
    "flask": ("wsgi", leaky_wsgi.flask, "/leak"),
    "falcon-wsgi": ("wsgi", leaky_wsgi.falcon, "/leak"),
    "django-wsgi": ("wsgi", leaky_wsgi.django, "/leak"),
    "bottle": ("wsgi", leaky_wsgi.bottle, "/leak"),
    "pyramid": ("wsgi", leaky_wsgi.pyramid, "/leak"),
}


@cache
def _app(id: str) -> Any:
    return _MAKERS[id][1]()


class _Case:
    def __init__(self, id: str) -> None:
        self.app = _app(id)
        door, _, self.path = _MAKERS[id]
        self.host = Host(id, door, lambda: self.app)

    def wrapped(self, **options: Any) -> Any:
        door = (
            asgi if self.host.door == "asgi" else wsgi
        )  # no referee between: it would hold the input in its own hands
        return door.BatchMiddleware(self.app, **options)

    def get(self, app: Any, index: int) -> Any:
        return send(app, "wsgi", "GET", self.target(index), lint=False).json()

    def actions(self, meet: int, count: int = ACTIONS) -> list[dict[str, Any]]:
        return [action(self.path, data={"me": f"left-{index}", "n": meet}) for index in range(count)]

    def target(self, index: int) -> str:
        return f"{self.path}?me=left-{index}&n=1"


@pytest.fixture(params=_MAKERS)
def case(request: pytest.FixtureRequest) -> Iterator[_Case]:
    gates.clear()
    yield _Case(request.param)
    gates.clear()


def _is_clean(shown: Any, index: int) -> None:
    assert shown["me"] == f"left-{index}"
    assert shown["before"] == {}
    assert shown["mixed"] == {}
    assert shown["channels"] >= 6


def _are_clean(answer: Any, count: int = ACTIONS) -> None:
    assert answer.statuses == [200] * count, answer.body
    for index, result in enumerate(answer.results):
        _is_clean(result["body"], index)


@pytest.mark.parametrize("timeout", [None, 60.0], ids=["no time-out", "a time-out"])
def test_c0_nothing_passes_between_actions_that_run_at_once(case: _Case, timeout: float | None) -> None:
    app = case.wrapped(action_timeout=timeout)
    for _ in range(2):
        _are_clean(post_batch(app, case.host, case.actions(ACTIONS)))


def test_c0_nothing_passes_between_actions_that_follow_each_other(case: _Case) -> None:
    for options in [{"parallel": 1}, {}] + [{"threads": 0}] * (case.host.door == "wsgi"):
        app = case.wrapped(**options)
        for _ in range(2):
            _are_clean(post_batch(app, case.host, case.actions(1)))


def test_c0_nothing_passes_between_batches_and_direct_requests(case: _Case) -> None:
    app = case.wrapped()

    async def in_a_loop() -> None:
        for index in (1, 2):
            _is_clean((await asend(app, "GET", case.target(index))).json(), index)
            _are_clean(await apost_batch(app, case.actions(1)))
            _are_clean(await apost_batch(app, case.actions(ACTIONS)))

    if case.host.door == "asgi":
        asyncio.run(in_a_loop())
        return
    for index in (1, 2):
        _is_clean(case.get(app, index), index)
        _are_clean(post_batch(app, case.host, case.actions(1)))
        _are_clean(post_batch(app, case.host, case.actions(ACTIONS)))


def test_c0_nothing_passes_between_batches_that_run_at_once(case: _Case) -> None:
    if case.host.door == "wsgi":
        pytest.skip("threads that call are in test_threads")
    app = case.wrapped()

    async def in_a_loop() -> None:
        answers = await asyncio.gather(*[apost_batch(app, case.actions(3 * ACTIONS)) for _ in range(3)])
        for answer in answers:
            _are_clean(answer)

    asyncio.run(in_a_loop())


def test_c17_nothing_passes_from_the_batch_to_its_actions(case: _Case) -> None:
    # What stands outside leaves what it can in the request of the batch: the names are those of the channels.
    if case.host.door == "asgi":
        session, extensions = {"left": "outside"}, {"left": "outside"}
        extra = {"scope_extra": {"left": "outside", "session": session, "extensions": extensions, "path_params": {}}}
    else:
        extra = {"environ_extra": {"LEFT": "outside", "left.behind": "outside", "bottle.request.json": "outside"}}
    _are_clean(post_batch(case.wrapped(), case.host, case.actions(ACTIONS), query="x=1&left=outside", **extra))
