"""C0 on what belongs to a thread: a batch is what direct requests on one server are, no more and no less.

A `threading.local` is shared by all that runs on its thread. A server that answers one request after the other on one
thread shows the second what the first left, unless the host cleared it. Here actions are those requests, and the
threads are the calling one and the helpers, which serve all batches.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest

from batchware import wsgi
from tests.contract.batching import action, post_batch
from tests.contract.small_apps import Closing, started
from tests.hosts import Host
from tests.hosts.clients import send
from tests.hosts.gates import Gates

HELPERS = [
    pytest.param({"threads": 0}, id="the calling thread"),
    pytest.param({"action_timeout": 60.0, "parallel": 1}, id="helpers"),
]


class _Local:
    """A host that leaves its path in a `threading.local`, and clears it in time, in `close()`, or never."""

    def __init__(self, clears: str, meet: int = 1) -> None:
        self.local = threading.local()
        self.found: dict[str, tuple[int, str | None]] = {}
        self._clears = clears
        self._meet = meet
        self._gates = Gates()
        self.host = Host("local", "wsgi", lambda: self.app)

    def app(self, environ: Any, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        self.found[path] = threading.get_ident(), getattr(self.local, "left", None)
        self.local.left = path
        self._gates.arrive("met", self._meet)
        assert self.local.left == path, "another request runs on this thread, at the same time"
        if self._clears == "in time":
            self._clear()
        body = started(start_response)
        return Closing(body, self._clear) if self._clears == "in close()" else body

    def _clear(self) -> None:
        self.local.__dict__.clear()

    def left(self) -> list[str | None]:
        return [left for _, (_, left) in sorted(self.found.items())]


def test_c0_actions_that_run_at_once_have_a_thread_each() -> None:
    local = _Local("never", meet=6)
    post_batch(wsgi.BatchMiddleware(local.app), local.host, [action(f"/{index}") for index in range(6)])
    assert local.left() == [None] * 6
    assert len({thread for thread, _ in local.found.values()}) == 6


@pytest.mark.parametrize("options", HELPERS)
def test_c0_what_the_host_clears_in_time_reaches_no_other_action(options: Any) -> None:
    local = _Local("in time")
    app = wsgi.BatchMiddleware(local.app, **options)
    for batch in range(2):
        post_batch(app, local.host, [action(f"/{batch}{index}") for index in range(4)])
        assert send(app, "wsgi", "GET", f"/{batch}4").status == 200
    assert local.left() == [None] * 10


@pytest.mark.parametrize("clears", ["never", "in close()"])
def test_c0_what_the_host_never_clears_is_seen_as_by_direct_requests_on_one_thread(clears: str) -> None:
    direct, batched = _Local(clears), _Local(clears)
    for index in range(3):
        send(direct.app, "wsgi", "GET", f"/{index}")
    assert direct.left() == ([None, "/0", "/1"] if clears == "never" else [None] * 3)
    # A helper closes an action before it takes the next.
    app = wsgi.BatchMiddleware(batched.app, action_timeout=60.0)
    for index in range(3):
        post_batch(app, batched.host, [action(f"/{index}")])
    threads = [thread for thread, _ in batched.found.values()]
    if len(set(threads)) == 1:
        assert batched.left() == direct.left()
    else:  # a helper that had no work for half a second has ended, and its locals with it
        assert set(batched.left()) <= {None, "/0", "/1"}


def test_c0_the_calling_thread_closes_its_actions_with_the_answer_and_so_shows_each_what_the_last_left() -> None:
    # C27: `close()` of what the calling thread ran comes after the answer. Here a batch is less than direct requests,
    # which would each be closed before the next; a host that clears by thread in `close()` alone sets `action_timeout`,
    # and then the calling thread runs no action.
    local = _Local("in close()")
    app = wsgi.BatchMiddleware(local.app, threads=0)
    post_batch(app, local.host, [action(f"/{index}") for index in range(3)])
    assert local.left() == [None, "/0", "/1"]
    post_batch(app, local.host, [action("/3")])
    assert local.left()[3] is None, "never from one batch to the next"
    local.found.clear()
    app = wsgi.BatchMiddleware(local.app, action_timeout=60.0, parallel=1)
    post_batch(app, local.host, [action(f"/{index}") for index in range(3)])
    assert local.left() == [None] * 3


def test_c0_the_thread_that_called_has_its_context_back() -> None:
    from contextvars import ContextVar

    variable: ContextVar[str] = ContextVar("variable")
    seen: list[str | None] = []

    def app(environ: Any, start_response: Any) -> Any:
        seen.append(variable.get(None))
        variable.set(environ["PATH_INFO"])
        return Closing(started(start_response), lambda: seen.append(variable.get()))

    variable.set("the caller's")
    middleware = wsgi.BatchMiddleware(app, threads=0)
    post_batch(middleware, Host("small", "wsgi", lambda: app), [action("/1"), action("/2")])
    assert seen == ["the caller's"] * 2 + ["/1", "/2"]
    assert variable.get() == "the caller's"
