"""C1, C24, C34, C35: what the request is made of by which batchware asks the host for its headers."""

from __future__ import annotations

from typing import Any

import pytest

from batchware.contract.nesting import mark_of
from tests.contract.batching import bare_door, post_batch, wrap
from tests.contract.small_apps import door, reply, started
from tests.contract.spies import Spy
from tests.hosts import Host
from tests.hosts.clients import send

_STRANGER = {"Origin": "https://evil.example"}


class _Marked:
    """A host that keeps of each request what its mark says while it runs."""

    def __init__(self, kind: Any) -> None:
        self.seen: list[tuple[str, bool, Any]] = []
        self.host = door(kind, self._asgi if kind == "asgi" else self._wsgi)

    def _look(self, method: str, request: Any) -> None:
        mark = mark_of(request)
        self.seen.append((method, mark is not None, mark and mark.paid))

    async def _asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self._look(scope["method"], scope)
        await reply(send)

    def _wsgi(self, environ: Any, start_response: Any) -> Any:
        self._look(environ["REQUEST_METHOD"], environ)
        return started(start_response)


@bare_door
def test_c34_c35_the_request_for_the_policy_is_marked_and_costs_nothing(host: Host) -> None:
    marked = _Marked(host.door)
    assert post_batch(wrap(marked.host), marked.host, [], headers=_STRANGER).status == 400
    assert marked.seen == [("GET", True, {})]  # {}: the host's own limits let it pass


@bare_door
def test_c34_a_preflight_is_the_clients_own_request_and_no_child(host: Host) -> None:
    marked = _Marked(host.door)
    assert send(wrap(marked.host), host.door, "OPTIONS", "/batch").status == 200
    assert marked.seen == [("OPTIONS", False, None)]


@bare_door
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
@pytest.mark.parametrize("route", ["/batch", "/a pi/bätch"])
def test_c1_c24_the_host_is_asked_on_the_batch_route_however_it_is_spelt(host: Host, method: str, route: str) -> None:
    spy = Spy(host.door)
    target = route.replace(" ", "%20").replace("ä", "%C3%A4")
    send(wrap(spy, path=route), host.door, method, target, headers=_STRANGER)
    (seen,) = spy.seen
    assert (seen.method, seen.path) == ("GET" if method == "POST" else method, route)
    assert seen.raw_path in (None, target.encode())


@bare_door
def test_c1_where_the_host_knows_no_preflight_the_answer_has_no_body_and_says_what_is_allowed(host: Host) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"none", status=405)

    def wsgi(environ: Any, start_response: Any) -> Any:
        start_response("405 No", [("Content-Type", "text/plain")])
        return [b"none"]

    small = door(host.door, asgi if host.door == "asgi" else wsgi)
    answer = send(wrap(small), host.door, "OPTIONS", "/batch")
    assert (answer.status, answer.body, answer.header("allow")) == (204, b"", "POST, OPTIONS")
