"""C37: the slot of a direct request, and when it is free; all else of the request is as it was."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from batchware import Concurrency, Parent, Quota, asgi, wsgi
from batchware.limiters.memory import MemoryLimiter
from tests.contract.batching import BARE, bare_door
from tests.contract.limited import Awaited, Limited
from tests.contract.small_apps import asgi_app, reply, started
from tests.hosts import Host
from tests.hosts.clients import asend
from tests.hosts.response import prepare
from tests.hosts.wsgi_client import build_environ

ASGI, WSGI = BARE


def _environ(**extra: Any) -> dict[str, Any]:
    return {**build_environ(prepare("GET", "/x", (), b"", ("testserver", 80), "http")), **extra}


def _start(status: str, headers: Any, exc_info: Any = None) -> Any:
    return None


def test_c37_a_direct_wsgi_request_frees_its_slot_in_close() -> None:
    closed: list[str] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x"])

        def close(self) -> None:
            closed.append("host")

    def host(environ: Any, start_response: Any) -> Any:
        started(start_response)
        return Body()

    app = wsgi.BatchMiddleware(host, limits=[Concurrency("slots", 1)], max_actions=1)
    body = app(_environ(), _start)
    assert list(body) == [b"x"]
    assert b"one too many" in b"".join(app(_environ(), _start))
    body.close()
    assert closed == ["host"]
    body.close()
    first = app(_environ(), _start)
    assert b"one too many" in b"".join(app(_environ(), _start)), "closing twice frees nobody else's"
    first.close()


def _serve(app: Any) -> None:
    body = app(_environ(), _start)
    try:
        list(body)
    finally:
        body.close()


@pytest.mark.parametrize("within", ["the call", "the body", "close()"])
def test_c37_a_direct_wsgi_request_that_fails_frees_its_slot(within: str) -> None:
    class Body:
        def __iter__(self) -> Iterator[bytes]:
            if within == "the body":
                raise KeyError("body")
            return iter([b"x"])

        def close(self) -> None:
            if within == "close()":
                raise KeyError("close")

    def host(environ: Any, start_response: Any) -> Any:
        if within == "the call":
            raise KeyError("call")
        started(start_response)
        return Body()

    app = wsgi.BatchMiddleware(host, limits=[Concurrency("slots", 1)], max_actions=1)
    for _ in range(3):
        with pytest.raises(KeyError):
            _serve(app)


def test_c37_a_file_wrapper_reaches_the_server_as_the_same_object() -> None:
    made: list[FileWrapper] = []

    def host(environ: Any, start_response: Any) -> Any:
        started(start_response)
        made.append(environ["wsgi.file_wrapper"](io.BytesIO(b"x")))
        return made[-1]

    app = wsgi.BatchMiddleware(host, limits=[Concurrency("slots", 1)], max_actions=1)
    for _ in range(2):  # free when the application returns
        assert app(_environ(), _start) is made[-1]


def test_c37_servers_still_see_the_length_of_a_direct_response() -> None:
    app = wsgi.BatchMiddleware(lambda environ, start: started(start), limits=[Concurrency("slots", 1)], max_actions=1)
    body = app(_environ(), _start)
    assert len(body) == 1  # from a single piece servers tell the Content-Length
    body.close()

    def generator(environ: Any, start_response: Any) -> Iterator[bytes]:
        started(start_response)
        yield b"x"

    body = wsgi.BatchMiddleware(generator, limits=[Concurrency("slots", 1)], max_actions=1)(_environ(), _start)
    assert not hasattr(body, "__len__")
    body.close()


def test_c37_a_direct_asgi_request_frees_its_slot_with_its_last_message() -> None:
    async def run() -> None:
        released = asyncio.Event()

        async def late(scope: Any, receive: Any, send: Any) -> None:
            await reply(send, more=True)
            assert (await asend(app, "GET", "/quick")).status == 429
            await send({"type": "http.response.body", "body": b""})
            released.set()
            assert (await asend(app, "GET", "/quick")).status == 200

        async def quick(scope: Any, receive: Any, send: Any) -> None:
            await reply(send)

        limiter = Awaited(MemoryLimiter())
        app = asgi.BatchMiddleware(
            asgi_app({"/late": late, "/quick": quick}),
            limits=[Concurrency("slots", 1)],
            limiter=limiter,
            max_actions=1,
        )
        response = await asend(app, "GET", "/late")
        assert (response.status, response.raised) == (200, None)
        assert released.is_set()

    asyncio.run(run())


def test_c37_a_direct_asgi_request_that_fails_frees_its_slot() -> None:
    limited = Limited(ASGI, [Concurrency("slots", 1)], max_actions=1)
    for path in ("/raise", "/half", "/nothing") * 2:
        limited.direct(target=path)
    assert limited.direct().status == 200


@bare_door
def test_c37_a_direct_request_is_not_charged_to_limits_that_the_host_keeps(host: Host) -> None:
    class Kept:
        name = "kept"

        def charges(self, *asked: Any) -> list[Any]:
            raise AssertionError("the host counts direct requests itself")

    limited = Limited(host, [Kept(), Quota("few", 2)], authorize=lambda parent: "ann")
    assert [limited.direct().status for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("written", "path"), [(None, ""), ("/caf\xc3\xa9", "/caf\xe9"), ("/\xff", "/\ufffd")], ids=ascii
)
def test_c37_any_path_of_a_direct_wsgi_request_is_charged_and_passed_on(written: str | None, path: str) -> None:
    paths: list[str] = []
    seen: list[Any] = []

    def host(environ: Any, start_response: Any) -> Any:
        seen.append(environ.get("PATH_INFO"))
        return started(start_response)

    def authorize(parent: Parent) -> str:
        paths.append(parent.path)
        return "me"

    app = wsgi.BatchMiddleware(host, limits=[Quota("one", 1)], authorize=authorize, max_actions=1)
    for _ in range(2):
        environ = _environ(PATH_INFO=written)
        if written is None:  # which a server may leave out where it is empty
            del environ["PATH_INFO"]
        body = b"".join(app(environ, _start))
    assert (seen, paths) == ([written], [path] * 2)
    assert b"one too many" in body
