"""C26: what fails becomes a result, and harms no other action, not the batch, and not the server.

Time-outs are in `test_too_slow`, sizes in `test_too_large`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from batchware import wsgi
from tests.contract.batching import action, apost_batch, bare_door, every_host, post_batch, wrap
from tests.contract.small_apps import asgi_app, door, eventually, others_have_ended, reply, started, wsgi_app
from tests.hosts import HOSTS, Host, deviations, params, probe
from tests.hosts.clients import send

FAILED = {
    "status_code": 500,
    "headers": {},
    "body": {"errors": [{"message": "The server failed to handle this action."}]},
}


def _harmless(host: Host, route: str) -> bool:
    """Where a host lets `SystemExit` out of a task of its own, a direct request would end the server too."""
    return not (route == "/exit" and host.id in deviations.EXIT_LEAVES_LOOP)


_FAULTS = [
    pytest.param(host, route, id=f"{route} of {host.id}")
    for host in HOSTS
    for route in ("/raise", "/nothing", "/half", "/exit")
    if _harmless(host, route)
]


@pytest.mark.parametrize(("host", "route"), _FAULTS)
def test_c26_a_failure_is_the_result_of_its_action_alone(host: Host, route: str) -> None:
    answer = post_batch(wrap(host), host, [action("/tasks/0"), action(route), action("/tasks/2")])
    before, failed, after = answer.results
    assert (before["body"]["id"], after["body"]["id"]) == ("0", "2")
    if deviations.FAULTS[host.id][route].complete:
        direct = send(host.shared(), host.door, "GET", route)
        assert failed["status_code"] == direct.status
        is_json = (direct.header("content-type") or "").startswith("application/json")
        assert failed["body"] == ((direct.json() if is_json else direct.body.decode()) if direct.body else None)
    else:
        assert failed == FAILED
    assert probe.SECRET.encode() not in answer.body


def _logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "batchware"]


@bare_door
@pytest.mark.parametrize("route", ["/raise", "/half", "/exit"])
def test_c26_the_traceback_is_logged(host: Host, route: str, caplog: pytest.LogCaptureFixture) -> None:
    assert post_batch(wrap(host), host, [action(), action(route, "delete")]).results[1] == FAILED
    (record,) = _logged(caplog)
    assert record.levelno == logging.ERROR
    assert f"actions[1] DELETE {route}" in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], SystemExit if route == "/exit" else RuntimeError)


@bare_door
def test_c26_what_is_raised_after_a_complete_response_is_logged(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    assert post_batch(wrap(host), host, [action(), action("/late")]).statuses == [200, 200]
    assert eventually(lambda: bool(_logged(caplog))), "a helper's close() comes after the result (C27)"
    (record,) = _logged(caplog)
    late, closing = "actions[1] GET /late raised after its response", "close() of a response in a batch raised"
    assert (record.levelno, record.getMessage()) == (logging.ERROR, late if host.door == "asgi" else closing)
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)


@bare_door
def test_c26_what_is_cut_off_is_logged(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    actions = [action(), action("/forever")]
    assert post_batch(wrap(host, max_result_bytes=1000), host, actions).statuses == [200, 502]
    said = "A response in a batch is at most 1000 bytes; this response would exceed it."
    line = f"actions[1] GET /forever was cut off: {said}"
    assert eventually(lambda: line in caplog.messages), "the answer need not wait for it"
    assert caplog.messages == [line]


@pytest.mark.parametrize("host", params(*(host for host in HOSTS if host.id in {"asgi", "starlette", "wsgi"})))
def test_c26_a_response_that_was_complete_is_kept(host: Host) -> None:
    answer = post_batch(wrap(host), host, [action("/late"), action()])
    assert answer.results[0] == {"status_code": 200, "headers": {}, "body": {"late": True}}
    assert answer.statuses == [200, 200]


@every_host
def test_c26_failures_leave_nothing_behind(host: Host) -> None:
    routes = [route for route in ("/raise", "/nothing", "/half", "/exit", "/forever") if _harmless(host, route)]
    actions = [action(route) for route in routes]
    app = wrap(host, max_actions=len(routes), max_pending=len(routes), max_result_bytes=100_000)
    full = [action()] * len(routes)

    async def in_a_loop() -> None:
        for _ in range(2):
            assert (await apost_batch(app, actions)).status == 200
            assert await others_have_ended()
        assert (await apost_batch(app, full)).statuses == [200] * len(routes)

    if host.door == "asgi":
        asyncio.run(in_a_loop())
        return
    for _ in range(2):
        assert eventually(lambda: post_batch(app, host, actions).status == 200)
    assert eventually(lambda: post_batch(app, host, full).status == 200)
    assert eventually(lambda: not any(thread.name == "batchware-helper" for thread in threading.enumerate()))


# --- what an application may do wrong on each door


async def _start(send: Any, **members: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []} | members)


async def _only_a_start(scope: Any, receive: Any, send: Any) -> None:
    await _start(send)


async def _no_start(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.body", "body": b"x"})


async def _two_starts(scope: Any, receive: Any, send: Any) -> None:
    await _start(send)
    await _start(send)


async def _no_end(scope: Any, receive: Any, send: Any) -> None:
    await reply(send, more=True)


async def _unknown_message(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.unheard", "body": b"x"})


async def _line_break(scope: Any, receive: Any, send: Any) -> None:
    await reply(send, headers=[("x-a", "1\r\nset-cookie: a=1")])


async def _informational(scope: Any, receive: Any, send: Any) -> None:
    await reply(send, status=103)


async def _cancelled(scope: Any, receive: Any, send: Any) -> None:
    raise asyncio.CancelledError


async def _cancels_itself(scope: Any, receive: Any, send: Any) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


WRONG_ASGI = [_only_a_start, _no_start, _two_starts, _no_end, _unknown_message, _line_break, _informational]
WRONG_ASGI += [_cancelled, _cancels_itself]


@pytest.mark.parametrize("handler", WRONG_ASGI, ids=lambda handler: handler.__name__.strip("_").replace("_", " "))
def test_c26_what_an_asgi_application_may_do_wrong(handler: Any) -> None:
    async def right(scope: Any, receive: Any, send: Any) -> None:
        await reply(send)

    host = door("asgi", asgi_app({"/wrong": handler, "/right": right}))
    answer = post_batch(wrap(host), host, [action("/right"), action("/wrong"), action("/right")])
    assert answer.results[1] == FAILED
    assert answer.statuses == [200, 500, 200]


def test_c26_messages_after_a_complete_response_change_nothing() -> None:
    async def goes_on(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"1")
        await reply(send, b"2")

    host = door("asgi", asgi_app({"/x": goes_on}))
    assert post_batch(wrap(host), host, [action("/x")]).result == {"status_code": 200, "headers": {}, "body": 1}


def _nothing(environ: Any, start_response: Any) -> Any:
    return []


def _not_iterable(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])


def _text_chunk(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    return ["x"]


def _chunk_first(environ: Any, start_response: Any) -> Any:
    yield b"x"
    start_response("200 OK", [])


def _started_twice(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    return started(start_response)


def _late_exc_info(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    yield b"x"
    try:
        raise RuntimeError(probe.SECRET)
    except RuntimeError as error:
        start_response("500 Oh", [], (type(error), error, error.__traceback__))


def _no_status(environ: Any, start_response: Any) -> Any:
    start_response("fine", [])
    return [b""]


def _header_with_a_line_break(environ: Any, start_response: Any) -> Any:
    return started(start_response, b"", [("X-A", "1\nSet-Cookie: a=1")])


WRONG_WSGI = [_nothing, _not_iterable, _text_chunk, _chunk_first, _started_twice, _late_exc_info, _no_status]
WRONG_WSGI += [_header_with_a_line_break]


@pytest.mark.parametrize("handler", WRONG_WSGI, ids=lambda handler: handler.__name__.strip("_").replace("_", " "))
def test_c26_what_a_wsgi_application_may_do_wrong(handler: Any) -> None:
    def right(environ: Any, start_response: Any) -> Any:
        return started(start_response)

    app = wsgi_app({"/wrong": handler, "/right": right})
    host = door("wsgi", app)
    answer = post_batch(wsgi.BatchMiddleware(app), host, [action("/right"), action("/wrong"), action("/right")])
    assert answer.results[1] == FAILED
    assert answer.statuses == [200, 500, 200]


def test_c26_what_pep_3333_allows_is_no_failure() -> None:
    def writes(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"a")
        return [b"b"]

    def starts_late(environ: Any, start_response: Any) -> Any:
        yield from started(start_response, b"ab", [("Content-Type", "text/plain")])

    def starts_anew(environ: Any, start_response: Any) -> Any:
        start_response("500 Oh", [])
        try:
            raise RuntimeError
        except RuntimeError as error:
            start_response("200 OK", [("Content-Type", "text/plain")], (type(error), error, error.__traceback__))
        return [b"ab"]

    small = door("wsgi", wsgi_app({"/1": writes, "/2": starts_late, "/3": starts_anew}))
    answer = post_batch(wrap(small), small, [action("/1"), action("/2"), action("/3")])
    assert answer.results == [{"status_code": 200, "headers": {"content-type": "text/plain"}, "body": "ab"}] * 3
