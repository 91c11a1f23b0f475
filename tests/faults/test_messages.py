"""C26 on ASGI: messages in the wrong order, of the wrong shape, or of extensions that a batch does not offer."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any

import pytest

from tests.contract.small_apps import reply
from tests.faults.play import FAILED, play, text

PLAIN = [(b"content-type", b"text/plain")]
START = {"type": "http.response.start", "status": 200, "headers": PLAIN}
A = {"type": "http.response.body", "body": b"a", "more_body": True}
B = {"type": "http.response.body", "body": b"b"}
END = {"type": "http.response.body"}
NO_BODY = {"status_code": 200, "headers": {"content-type": "text/plain"}, "body": None}


def _sends(*messages: Any) -> Any:
    async def handler(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return handler


@pytest.mark.parametrize(
    ("messages", "result"),
    [
        # The order.
        pytest.param([START], FAILED, id="a start alone"),
        pytest.param([B], FAILED, id="a body alone"),
        pytest.param([END], FAILED, id="an empty body alone"),
        pytest.param([B, START], FAILED, id="the body before the start"),
        pytest.param([START, START, B], FAILED, id="two starts"),
        pytest.param([START, A, START, B], FAILED, id="a start within the body"),
        pytest.param([START, A], FAILED, id="no end"),
        pytest.param([START, A, A, A], FAILED, id="pieces without an end"),
        pytest.param([START, A, B], text("ab"), id="two pieces"),
        pytest.param([START, A, END], text("a"), id="a piece and an end"),
        pytest.param([START, END], NO_BODY, id="no body"),
        # Two responses: the first one counts.
        pytest.param([START, B, START, B], text("b"), id="two responses"),
        pytest.param([START, B, {**START, "status": 500}], text("b"), id="a start after the end"),
        pytest.param([START, B, B], text("b"), id="a body after the end"),
        pytest.param([START, END, A], NO_BODY, id="a piece after the end"),
        # Members that are missing, or of another type.
        pytest.param([{"type": "http.response.start", "headers": []}, B], FAILED, id="no status"),
        pytest.param(
            [{"type": "http.response.start", "status": 204}, END],
            {"status_code": 204, "headers": {}, "body": None},
            id="no headers",
        ),
        pytest.param([{**START, "headers": None}, B], FAILED, id="headers that are None"),
        pytest.param([{"status": 200, "headers": []}, B], FAILED, id="no type"),
        pytest.param([START, {"body": b"b"}], FAILED, id="a body without a type"),
        pytest.param([None], FAILED, id="None as a message"),
        pytest.param([b"x"], FAILED, id="bytes as a message"),
        pytest.param([{"type": b"http.response.start"}], FAILED, id="a type in bytes"),
        pytest.param([START, {**B, "more_body": None}], text("b"), id="more_body None"),
        pytest.param([START, {**B, "more_body": 0}], text("b"), id="more_body 0"),
        pytest.param([START, {**A, "more_body": 1}, B], text("ab"), id="more_body 1"),
        pytest.param([START, {**A, "more_body": "false"}], FAILED, id="more_body a string, and no end"),
        # Bodies that are not bytes.
        pytest.param([START, {**B, "body": bytearray(b"b")}], text("b"), id="a bytearray"),
        pytest.param([START, {**B, "body": memoryview(b"b")}], text("b"), id="a memoryview"),
        pytest.param([START, {**A, "body": memoryview(b"axa")[::2]}, B], text("aab"), id="a memoryview with gaps"),
        pytest.param(
            [START, {**B, "body": memoryview(b"abcd").cast("I")}], text("abcd"), id="a memoryview of integers"
        ),
        pytest.param([START, {**B, "body": "b"}], FAILED, id="text"),
        pytest.param([START, {**A, "body": "a"}, B], FAILED, id="a piece of text"),
        pytest.param([START, {**B, "body": [98]}], FAILED, id="a list"),
        pytest.param([START, {**B, "body": 1 << 40}], FAILED, id="a number"),
        pytest.param([START, {**B, "body": None}], NO_BODY, id="None for no body"),
        # Extensions. None is offered in a child's scope, so none may be used.
        pytest.param([{**START, "trailers": True}, B], text("b"), id="trailers promised"),
        pytest.param(
            [{**START, "trailers": True}, B, {"type": "http.response.trailers", "headers": [(b"x", b"1")]}],
            text("b"),
            id="trailers",
        ),
        pytest.param([START, {"type": "http.response.pathsend", "path": "/etc/hosts"}], FAILED, id="pathsend"),
        pytest.param([START, {"type": "http.response.zerocopysend", "file": 0}], FAILED, id="zerocopysend"),
        pytest.param([{"type": "http.response.push", "path": "/x", "headers": []}, START, B], FAILED, id="push"),
        pytest.param([{"type": "http.response.early_hint", "links": []}, START, B], FAILED, id="early hints"),
        pytest.param([{"type": "http.response.debug", "info": {}}, START, B], FAILED, id="debug"),
        pytest.param([{"type": "websocket.accept"}], FAILED, id="a message of a websocket"),
        pytest.param([{"type": "lifespan.startup.complete"}], FAILED, id="a message of the lifespan"),
    ],
)
def test_c26_messages(messages: list[Any], result: dict[str, Any]) -> None:
    assert play("asgi", _sends(*messages)) == result


def test_c26_a_buffer_that_is_used_again_is_not_the_body() -> None:
    async def fills(scope: Any, receive: Any, send: Any) -> None:
        buffer = bytearray(b"one ")
        await send(START)
        await send({**A, "body": buffer})
        buffer[:] = b"two "
        await send({**A, "body": memoryview(buffer)})
        buffer[:] = b"bad!"
        await send(END)
        buffer[:] = b"bad!"

    assert play("asgi", fills) == text("one two ")


def test_c26_a_message_that_is_used_again_is_not_the_response() -> None:
    async def reuses(scope: Any, receive: Any, send: Any) -> None:
        headers = [[b"content-type", b"text/plain"], [b"x-a", b"1"]]
        message: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": headers}
        await send(message)
        message["status"] = 500
        headers[1][1] = b"2"
        headers.append([b"x-b", b"3"])
        await send(B)

    assert play("asgi", reuses) == text("b", **{"x-a": "1"})


def test_c26_what_is_sent_after_the_end_is_an_error_of_the_handler(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[str] = []

    async def goes_on(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"1")
        for _ in range(3):
            try:
                await send(B)
            except RuntimeError as error:
                errors.append(str(error))
        raise RuntimeError

    assert play("asgi", goes_on) == {"status_code": 200, "headers": {}, "body": 1}
    assert errors == ["'http.response.body' was sent after the response was complete"] * 6
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert logged == ["actions[1] GET /fault raised after its response"] * 2


def test_c26_a_handler_that_goes_on_after_a_refused_message_may_still_answer() -> None:
    async def tries(scope: Any, receive: Any, send: Any) -> None:
        for message in ({"type": "http.response.push", "path": "/x"}, B, {**START, "status": 99}):
            try:
                await send(message)
            except Exception:  # noqa: BLE001  # whatever it raises
                continue
        await send(START)
        await send(B)

    assert play("asgi", tries) == text("b")


def test_c26_receive_may_be_called_at_any_time_and_from_many_tasks() -> None:
    seen: list[Any] = []

    async def listens(scope: Any, receive: Any, send: Any) -> None:
        first, *others = [asyncio.create_task(receive()) for _ in range(20)]
        seen.append(await first)
        await asyncio.sleep(0)
        assert not any(task.done() for task in others), "the client is there, and the response is open"
        await reply(send, b"1")
        seen.extend(await asyncio.gather(*others))
        seen.extend([await receive() for _ in range(3)])

    assert play("asgi", listens, method="post") == {"status_code": 200, "headers": {}, "body": 1}
    assert seen == [{"type": "http.request", "body": b"", "more_body": False}, *[{"type": "http.disconnect"}] * 22] * 2


# --- the status


@pytest.mark.parametrize(
    "status",
    [99, 0, -200, 1000, 20000, 100, 101, 103, 199, True, False, None, "200", b"200", 200.0, float("nan"), [200]],
    ids=repr,
)
def test_c26_no_final_status_on_asgi(status: Any) -> None:
    assert play("asgi", _sends({**START, "status": status}, B)) == FAILED


@pytest.mark.parametrize("status", [200, 299, 418, 599, 600, 999, HTTPStatus.CREATED], ids=repr)
def test_c26_any_final_status_on_asgi(status: int) -> None:
    assert play("asgi", _sends({**START, "status": status}, B)) == text("b", int(status))


def test_c26_informational_responses_are_none_that_asgi_has() -> None:
    informational = {"type": "http.response.start", "status": 103, "headers": [(b"link", b"</a.css>")]}
    assert play("asgi", _sends(informational, START, B)) == FAILED


@pytest.mark.parametrize("status", [204, 304])
def test_c26_a_body_where_there_is_none_is_dropped_on_asgi(status: int) -> None:
    result = {"status_code": status, "headers": {"content-type": "text/plain"}, "body": None}
    assert play("asgi", _sends({**START, "status": status}, A, B)) == result
    assert play("asgi", _sends(START, A, B), method="head") == NO_BODY


# --- header fields

GOOD_FIELDS = [
    pytest.param((b"X-Up", b"1"), {"x-up": "1"}, id="capitals"),
    pytest.param([b"x-a", b"1"], {"x-a": "1"}, id="a list for a pair"),
    pytest.param((b"x-a", b""), {"x-a": ""}, id="an empty value"),
    pytest.param((b"x-a", b"  1\t "), {"x-a": "1"}, id="space around the value"),
    pytest.param((b"x-a", b"a\tb"), {"x-a": "a\tb"}, id="a tab in the value"),
    pytest.param((b"x-a", b"\x80\x9f\xa0\xad\xff"), {"x-a": "\x80\x9f\xa0\xad\xff"}, id="any latin-1"),
    pytest.param((b"x_a.b!", b"1"), {"x_a.b!": "1"}, id="all of a token"),
    pytest.param((b"x-long", b"x" * 70_000), {"x-long": "x" * 70_000}, id="a long value"),
]
BAD_NAMES = [b"", b" ", b"x a", b"x:", b"x\r\na: b", b"x\0", b"\xe9", b"x\t", b"(x)", b'"x"', b"x,y", b"x/y", b"{x}"]
BAD_VALUES = [
    b"1\r\nset-cookie: a=1",
    b"1\n",
    b"\r1",
    b"\0",
    b"1\x00",
    b"\x01",
    b"\x0b",
    b"\x0c",
    b"\x1f",
    b"\x7f",
    b"\x08",
]
WRONG_FIELDS = [
    ("x-a", b"1"), (b"x-a", "1"), ("x-a", "1"), (b"x-a",), (b"x-a", b"1", b"2"), (b"x-a", None), (None, b"1"), None, 5,
    (b"x-a", 1), (b"x-a", [b"1"]), b"x-a: 1", (bytearray(b"x-a"), b"1"), (b"x-a", memoryview(b"1")),
]  # fmt: skip


@pytest.mark.parametrize(("field", "headers"), GOOD_FIELDS)
def test_c26_header_fields_that_are_odd_and_good_on_asgi(field: Any, headers: dict[str, str]) -> None:
    result = play("asgi", _sends({**START, "headers": [*PLAIN, field]}, B))
    assert result == text("b", **headers)


@pytest.mark.parametrize(
    "field",
    [*[(name, b"1") for name in BAD_NAMES], *[(b"x-a", value) for value in BAD_VALUES], *WRONG_FIELDS],
    ids=repr,
)
def test_c26_header_fields_that_no_server_sends_on_asgi(field: Any) -> None:
    assert play("asgi", _sends({**START, "headers": [*PLAIN, field]}, B)) == FAILED


@pytest.mark.parametrize("headers", [5, {"x-a": "1"}, "xa", b"xa", [b"xa"]], ids=repr)
def test_c26_headers_that_are_no_list_of_pairs_on_asgi(headers: Any) -> None:
    assert play("asgi", _sends({**START, "headers": headers}, B)) == FAILED


def test_c26_headers_may_come_from_an_iterator_on_asgi() -> None:
    async def answers(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": iter([*PLAIN, (b"x-a", b"1")])})
        await send(B)

    assert play("asgi", answers) == text("b", **{"x-a": "1"})
