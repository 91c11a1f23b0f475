"""C26: what the log tells of a response that is none, word by word, so that whoever wrote the handler finds it."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import pytest

from batchware import asgi, wsgi
from batchware.replay.responses import checked_fields, checked_headers
from tests.contract.batching import action, post_batch
from tests.contract.small_apps import asgi_app, door, wsgi_app
from tests.faults.play import FAILED, play

START = {"type": "http.response.start", "status": 200, "headers": []}
BODY = {"type": "http.response.body", "body": b""}


def _said(kind: Any, handler: Any, status: int, caplog: pytest.LogCaptureFixture) -> str:
    caplog.set_level(logging.ERROR, "batchware")
    app = asgi_app({"/x": handler}) if kind == "asgi" else wsgi_app({"/x": handler})
    batched: Any = asgi.BatchMiddleware(app) if kind == "asgi" else wsgi.BatchMiddleware(app)  # nobody else judges
    assert post_batch(batched, door(kind, app), [action("/x")]).statuses == [status]
    (record,) = [record for record in caplog.records if record.name == "batchware"]
    assert record.exc_info
    return str(record.exc_info[1])


@pytest.mark.parametrize(
    ("messages", "status", "told"),
    [
        ([BODY], 500, "the body of a response was sent before its start"),
        ([{**BODY, "body": b"x"}], 500, "the body of a response was sent before its start"),
        ([START, START], 500, "the response was started twice"),
        ([START, {"type": "http.response.x"}], 500, "'http.response.x' can't be sent in a batch"),
        ([START, BODY, BODY], 200, "'http.response.body' was sent after the response was complete"),
        ([{**START, "status": 99}], 500, "99 is no final status"),
        ([{**START, "headers": [(b"a b", b"")]}], 500, "'a b' is no header name"),
        (
            [{**START, "headers": [(b"a", b"\n")]}],
            500,
            "the value of the header 'a' has a control character or one past U+00FF in it",
        ),
    ],
)
def test_c26_what_is_told_of_messages(
    messages: list[Any], status: int, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    assert _said("asgi", handler, status, caplog) == told


@pytest.mark.parametrize(
    ("starts", "body", "told"),
    [
        ([], [b"x"], "the body of a response came before start_response was called"),
        ([], [], "start_response was never called"),
        (["200 OK", "200 OK"], [], "start_response was called twice"),
        (["200OK"], [], "'200OK' is no status line"),
        (["99 Low"], [], "'99 Low' is no status line"),
        (["099 Low"], [], "99 is no final status"),
        (["200 OK"], ["x"], "the body of a response is bytes, not str"),
    ],
)
def test_c26_what_is_told_of_calls(starts: list[str], body: Any, told: str, caplog: pytest.LogCaptureFixture) -> None:
    def handler(environ: Any, start_response: Any) -> Any:
        for status in starts:
            start_response(status, [])
        return body

    assert _said("wsgi", handler, 500, caplog) == told


def test_c26_what_came_too_late_for_another_start_is_raised_as_it_was() -> None:
    """PEP 3333: with a piece of the body sent, `start_response` raises the host's own exception again."""
    raised: list[Any] = []

    def handler(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])(b"a")
        try:
            raise LookupError
        except LookupError:
            exc_info = sys.exc_info()
        try:
            start_response("503 Oh", [], exc_info)
        except Exception as error:
            frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
            raised.append((error is exc_info[1], exc_info[2].tb_frame in frames))
            raise
        return [b"b"]

    assert play("wsgi", handler) == FAILED
    assert raised == [(True, True)] * 2


def test_c22_only_spaces_and_tabs_are_no_part_of_a_value() -> None:
    written, read = "\xa0X\xe9 X \t", "\xa0X\xe9 X"
    assert checked_headers([("X-A", written)]) == [("x-a", read)]
    assert checked_fields([(b"x-a", written.encode("latin-1"))]) == [("x-a", read)]
    assert checked_headers([("X-A", "X\xe9X")]) == [("x-a", "X\xe9X")]
