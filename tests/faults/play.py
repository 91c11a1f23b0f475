"""How a fault is judged: it becomes the result of its action alone, its neighbours have theirs, and nothing is left.

`play` posts a batch of three actions, the fault between two good ones, to a middleware that has room for three. It
gives the result of the fault, and fails where a neighbour has another result than it should, where a task or a place
stays behind, or where the same batch has another answer the second time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import pytest
from werkzeug.middleware.lint import LintMiddleware

from batchware import asgi, wsgi
from tests.contract.batching import BatchAnswer, action, batch_body
from tests.contract.small_apps import asgi_app, eventually, others_have_ended, reply, started, wsgi_app
from tests.hosts.clients import Response, asend, send
from tests.hosts.probe import SECRET

Door = Literal["asgi", "wsgi"]
Handler = Callable[..., Any]

both_doors = pytest.mark.parametrize("kind", ["asgi", "wsgi"])

OK = {"status_code": 200, "headers": {}, "body": {"ok": True}}
FULL = [action("/ok")] * 3
HEADERS = {"Content-Type": "application/json"}


def error(status: int, message: str) -> dict[str, Any]:
    """The result that stands in the place of a response (C26, C30)."""
    return {"status_code": status, "headers": {}, "body": {"errors": [{"message": message}]}}


FAILED = error(500, "The server failed to handle this action.")


def text(body: str, status: int = 200, **headers: str) -> dict[str, Any]:
    """The result of a response of plain text."""
    return {"status_code": status, "headers": {"content-type": "text/plain", **headers}, "body": body}


async def _asgi_ok(scope: Any, receive: Any, send: Any) -> None:
    await reply(send, b'{"ok":true}')


def _wsgi_ok(environ: Any, start_response: Any) -> Any:
    return started(start_response, b'{"ok":true}')


def small_app(kind: Door, fault: Handler) -> Handler:
    """`fault` as `/fault`, beside a good `/ok`; judged by nobody, so that batchware alone is."""
    if kind == "asgi":
        return asgi_app({"/fault": fault, "/ok": _asgi_ok})
    return wsgi_app({"/fault": fault, "/ok": _wsgi_ok})


def play(
    kind: Door, fault: Handler, *, raises: type[BaseException] | None = None, method: str = "get", **options: Any
) -> dict[str, Any]:
    """The result of `fault`; `options` are the middleware's. `raises` is what leaves the batch after its answer."""
    return play_app(kind, small_app(kind, fault), raises=raises, method=method, **options)


def play_app(
    kind: Door,
    app: Any,
    *,
    raises: type[BaseException] | None = None,
    method: str = "get",
    ok: dict[str, Any] = OK,
    times: int = 2,
    **options: Any,
) -> dict[str, Any]:
    """`play` with an application that has `/fault` and `/ok` of its own."""
    body = batch_body([action("/ok"), action("/fault", method), action("/ok")])
    options = {"max_actions": 3, "max_pending": 3, **options}
    results: list[dict[str, Any]] = []

    def judge(response: Response) -> None:
        assert type(response.raised) is (raises or type(None)), response.raised
        assert response.complete
        assert SECRET.encode() not in response.body
        before, result, after = BatchAnswer(response).results
        assert (before, after) == (ok, ok)
        results.append(result)

    async def in_a_loop() -> None:
        middleware = asgi.BatchMiddleware(app, **options)
        for _ in range(times):
            judge(await asend(middleware, "POST", "/batch", headers=HEADERS, body=body))
            assert await others_have_ended(), asyncio.all_tasks()
        answer = BatchAnswer(await asend(middleware, "POST", "/batch", headers=HEADERS, body=batch_body(FULL)))
        assert answer.results == [ok] * 3, "the places are free again"

    if kind == "asgi":
        asyncio.run(in_a_loop())
    else:
        middleware = LintMiddleware(wsgi.BatchMiddleware(app, **options))

        def post(body: bytes) -> Response:
            return send(middleware, "wsgi", "POST", "/batch", headers=HEADERS, body=body)

        def posted(body: bytes) -> Response:
            responses: list[Response] = []
            # A helper may still be about to give the place of the batch before back.
            assert eventually(lambda: responses.append(post(body)) or responses[-1].status != 503)
            return responses[-1]

        for _ in range(times):
            judge(posted(body))
        assert BatchAnswer(posted(batch_body(FULL))).results == [ok] * 3, "the places are free again"
    assert all(result == results[0] for result in results), results
    return results[0]
