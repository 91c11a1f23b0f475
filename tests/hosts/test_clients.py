"""The clients themselves: they build what servers build, and they see what an application must not do."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts.clients import asend, send

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
END = {"type": "http.response.body", "body": b"x"}


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([END], id="body before start"),
        pytest.param([START, START, END], id="start twice"),
        pytest.param([START, END, END], id="body after the end"),
        pytest.param([START | {"status": "200"}, END], id="status is text"),
        pytest.param([START | {"headers": [("a", b"b")]}, END], id="header is text"),
        pytest.param([START | {"headers": [(b"a", b"b\r\nc: d")]}, END], id="line break in a header"),
        pytest.param([START, END | {"body": "x"}], id="body is text"),
        pytest.param([{"type": "http.response.finish"}], id="unknown message"),
    ],
)
def test_asgi_violations_are_seen(messages: list[dict[str, Any]]) -> None:
    async def app(scope: Any, receive: Any, emit: Any) -> None:
        for message in messages:
            await emit(message)

    with pytest.raises(AssertionError):
        send(app, "asgi", "GET", "/")


def test_asgi_scope_is_the_one_of_uvicorn() -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, emit: Any) -> None:
        seen.update(scope, body=[await receive(), await receive(), await receive()])
        await emit(START)
        await emit(END)
        seen["last"] = await receive()

    options: dict[str, Any] = {"headers": {"X-A": "é"}, "body": [b"ab", b"", b"c"], "root_path": "/m"}
    send(app, "asgi", "POST", "/a%20%C3%A9?x=%20", server=("h", 81), scope_extra={"extra": 1}, **options)
    assert (seen["path"], seen["raw_path"], seen["query_string"]) == ("/m/a é", b"/m/a%20%C3%A9", b"x=%20")
    assert seen["headers"] == [(b"host", b"h:81"), (b"x-a", b"\xe9"), (b"content-length", b"3")]
    assert [message["more_body"] for message in seen["body"]] == [True, True, False]
    assert (seen["last"], seen["extra"]) == ({"type": "http.disconnect"}, 1)


def test_asgi_client_that_goes_away() -> None:
    async def exchange() -> tuple[Any, list[Any]]:
        leave, seen = asyncio.Event(), []

        async def app(scope: Any, receive: Any, emit: Any) -> None:
            await receive()
            await emit(START)
            leave.set()
            seen.append(await receive())
            await emit(END)

        response = await asend(app, "GET", "/", disconnect=leave)
        return response, seen

    response, seen = asyncio.run(exchange())
    assert seen == [{"type": "http.disconnect"}]
    assert isinstance(response.raised, OSError)
    assert not response.complete


def test_asgi_cancelling_the_client_cancels_the_application() -> None:
    ended = []

    async def exchange() -> None:
        entered = asyncio.Event()

        async def app(scope: Any, receive: Any, emit: Any) -> None:
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        task = asyncio.create_task(asend(app, "GET", "/"))
        await entered.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(exchange())
    assert ended == [True]


@pytest.mark.parametrize(
    ("status", "headers", "chunks"),
    [
        pytest.param("200", [], [b"x"], id="no reason"),
        pytest.param("200 OK", [("a", b"b")], [b"x"], id="header is bytes"),
        pytest.param("200 OK", [("a", "b\n")], [b"x"], id="line break in a header"),
        pytest.param("200 OK", (), [b"x"], id="headers are no list"),
        pytest.param("200 OK", [], ["x"], id="chunk is text"),
        pytest.param(None, [], [b"x"], id="chunk without a start"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_wsgi_violations_are_seen(status: Any, headers: Any, chunks: Any) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        if status:
            start_response(status, headers)
        return chunks

    seen: BaseException | None
    try:
        seen = send(app, "wsgi", "GET", "/").raised
    except AssertionError as error:
        seen = error
    assert isinstance(seen, AssertionError | Warning)


def test_wsgi_environ_is_the_one_of_a_server() -> None:
    seen: dict[str, Any] = {}

    def app(environ: Any, start_response: Any) -> list[bytes]:
        seen.update(environ, body=environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [b""]

    headers = [("X-A", "1"), ("x-a", "2"), ("X_B", "3"), ("Content-Type", "text/plain")]
    options: dict[str, Any] = {"headers": headers, "body": [b"ab", b"c"], "root_path": "/m"}
    send(app, "wsgi", "POST", "/a%20%C3%A9?x=%20", server=("h", 81), environ_extra={"x.y": 1}, **options)
    assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("/m", "/a \xc3\xa9")
    assert (seen["QUERY_STRING"], seen["REQUEST_URI"]) == ("x=%20", "/m/a%20%C3%A9?x=%20")
    assert (seen["HTTP_HOST"], seen["HTTP_X_A"], seen["CONTENT_TYPE"]) == ("h:81", "1, 2", "text/plain")
    assert (seen["CONTENT_LENGTH"], seen["body"], seen["x.y"]) == ("3", b"abc", 1)
    assert "HTTP_X_B" not in seen


def test_wsgi_write_and_late_start() -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        write = start_response("201 Created", [])
        write(b"a")
        yield b"b"

    response = send(app, "wsgi", "GET", "/")
    assert (response.status, response.chunks, response.complete) == (201, [b"a", b"b"], True)


@pytest.mark.parametrize("after", [None, 1], ids=["to the end", "left early"])
def test_wsgi_close_is_called_after_the_last_chunk(after: int | None) -> None:
    order = []

    class Chunks(io.BytesIO):
        def close(self) -> None:
            order.append("close")
            super().close()

    def app(environ: Any, start_response: Any) -> Chunks:
        start_response("200 OK", [])
        return Chunks(b"a\nb\n")

    response = send(app, "wsgi", "GET", "/", disconnect_after=after, on_complete=lambda: order.append("end"))
    assert (response.chunks, order) == (
        ([b"a\n", b"b\n"], ["end", "close"]) if after is None else ([b"a\n"], ["close"])
    )
