"""C29, word by word: what a client is told is written down here once, so that no part of a message gets lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchware import BatchError, NotAuthorized
from batchware.contract.errors import (
    HandlerFailed,
    LimitsUnavailable,
    MethodNotAllowed,
    Overloaded,
    ResultTooLarge,
    TooSlow,
)
from tests.contract.batching import action, bare_door, post_batch, wrap
from tests.hosts import Host

_LONG = "q" * 41
_PARAMETER = "a query parameter is a string, a number, a boolean or a list of those"
_ITEM = "an item of a list is a string, a number or a boolean"
_COMMA = "an item of a list must have no comma in it; lists are joined by commas"
_METHOD = "method: must be get, head, post, put, patch or delete, in any case, not"
_STRINGS = "must be a list of strings, or one string joined by commas"
_FORM = 'a batch is {"data": {"actions": [...]}}.'

ACTIONS: list[tuple[Any, str]] = [
    (5, ": must be an object, not a number"),
    ("x", ": must be an object, not a string"),
    (None, ": must be an object, not null"),
    (True, ": must be an object, not a boolean"),
    ([1], ": must be an object, not an array"),
    (action(body={}), ": has the unknown member 'body'; an action has method, relative_path, data, options"),
    (action(**{"a: b": 1}), ": has the unknown member 'a: b'; an action has method, relative_path, data, options"),
    ({}, ".method: is missing"),
    (action(method="brew"), f".{_METHOD} 'brew'"),
    (action(method="gét"), f".{_METHOD} 'g\\xe9t'"),
    (action(method={}), ".method: must be a string, not an object"),
    (action(method=None), ".method: must be a string, not null"),
    ({"method": "get"}, ".relative_path: is missing"),
    (action(3), ".relative_path: must be a string, not a number"),
    (action(""), ".relative_path: must not be empty; it starts with one '/' and is relative to the API base"),
    (action("tasks"), ".relative_path: must start with exactly one '/', not 'tasks'"),
    (action("//a"), ".relative_path: must start with exactly one '/', not '//a'"),
    (action("/" + "a" * 2048), ".relative_path: must be at most 2048 bytes"),
    (action("/a?b=1"), ".relative_path: must have no '?'; query parameters go into 'data'"),
    (action("/a b"), ".relative_path: must have no ' ' (found at character 2)"),
    (action("/é"), ".relative_path: must be ASCII (character 1 is not); percent-encode its UTF-8 bytes"),
    (action("/a%zz"), ".relative_path: has a broken escape at character 2; '%' is followed by two hex digits"),
    (action("/a%2fb"), ".relative_path: must not have %2f (an encoded separator) in it"),
    (action("/%ff"), ".relative_path: is not UTF-8 when its escapes are decoded"),
    (action("/%0a"), ".relative_path: must have no control characters, encoded or not"),
    (action("/a//b"), ".relative_path: must have no empty segment ('//'); one trailing slash is fine"),
    (action("/a/../b"), ".relative_path: must have no segment '.' or '..'"),
    (action("/batch", "post"), ".relative_path: a batch cannot hold a batch"),
    (action("/scim/x"), ".relative_path: GET /scim/x cannot be batched"),
    (action(data=[1]), ".data: must be an object, not an array"),
    (action("/tasks", "post", data=True), ".data: must be an object, not a boolean"),
    (action(data={"a": {}}), f".data.a: {_PARAMETER}"),
    (action(data={"a b": {}}), f".data.one of its members: {_PARAMETER}"),
    (action(data={_LONG[1:]: {}}), f".data.{_LONG[1:]}: {_PARAMETER}"),
    (action(data={_LONG: {}}), f".data.one of its members: {_PARAMETER}"),
    (action(data={"a": ["x,y"]}), f".data.a: {_COMMA}"),
    (action(data={"a b": ["x,y"]}), f".data.one of its members: {_COMMA}"),
    (action(data={"a": [None]}), f".data.a: {_ITEM}"),
    (action(data={"a b": [[]]}), f".data.one of its members: {_ITEM}"),
    (action(options=3), ".options: must be an object, not a number"),
    (action(options={"x": 1}), ".options: has 'x'; it may have fields, expand, limit and offset"),
    (action(options={"limit": True}), ".options.limit: must be a string or a number, not a boolean"),
    (action(options={"offset": {}}), ".options.offset: must be a string or a number, not an object"),
    (action(data={"limit": 1}, options={"limit": 1}), ".options.limit: data has limit already"),
    (action(data={"opt_fields": "a"}, options={"fields": "a"}), ".options.fields: data has opt_fields already"),
    (action(options={"fields": [1]}), f".options.fields: {_STRINGS}"),
    (action(options={"expand": {}}), f".options.expand: {_STRINGS}"),
    (action(options={"fields": ["a,b"]}), f".options.fields: {_COMMA}"),
    (action(options={"expand": ["a,b"]}), f".options.expand: {_COMMA}"),
]


@bare_door
def test_c29_what_is_said_of_an_action(host: Host) -> None:
    answer = post_batch(wrap(host, max_actions=len(ACTIONS)), host, [wrong for wrong, _ in ACTIONS])
    said = [answer.refusal(index) for index in range(len(ACTIONS))]
    assert said == [f"actions[{index}]{message}" for index, (_, message) in enumerate(ACTIONS)]


@bare_door
@pytest.mark.parametrize(
    ("sent", "message"),
    [
        pytest.param({"body": b"{"}, "The body is not JSON: Input data was truncated.", id="cut off"),
        pytest.param({"body": b'["\xff'}, "The body is not JSON: not UTF-8 at byte 2.", id="no UTF-8"),
        pytest.param({"body": b"[" * 65}, "The body is nested more than 64 levels deep.", id="too deep"),
        pytest.param({"body": b"[]"}, f"The body must be an object with the member 'data'; {_FORM}", id="an array"),
        pytest.param({"body": b"{}"}, f"The body must be an object with the member 'data'; {_FORM}", id="no data"),
        pytest.param(
            {"body": b'{"data":3}'},
            f"The member 'data' must be an object with the member 'actions'; {_FORM}",
            id="a number as data",
        ),
        pytest.param(
            {"body": b'{"data":{"actions":3}}'},
            f"The member 'actions' must be an array of actions; {_FORM}",
            id="a number as actions",
        ),
        pytest.param({"actions": []}, "A batch holds 1 to 10 actions; this one has 0.", id="none"),
        pytest.param({"body": b" " * 2000}, "The body of a batch is at most 1000 bytes.", id="too large"),
        pytest.param(
            {"content_type": "text/plain"},
            "The Content-Type of a batch is application/json, with no charset but utf-8.",
            id="media type",
        ),
        pytest.param(
            {"headers": {"Content-Encoding": "gzip"}},
            "A batch is sent as it is, without a Content-Encoding.",
            id="encoded",
        ),
    ],
)
def test_c29_what_is_said_of_a_batch(host: Host, sent: dict[str, Any], message: str) -> None:
    assert post_batch(wrap(host, max_body_bytes=1000), host, **sent).message == message


@bare_door
@pytest.mark.parametrize(
    ("body", "what"),
    [
        pytest.param(b"[]", "body must be an object with the member 'actions'", id="an array"),
        pytest.param(b'{"actions":3}', "member 'actions' must be an array of actions", id="no array"),
    ],
)
def test_c29_what_is_said_of_a_plain_batch(host: Host, body: bytes, what: str) -> None:
    answer = post_batch(wrap(host, style="plain"), host, body=body)
    assert answer.message == f'The {what}; a batch is {{"actions": [...]}}.'


@bare_door
def test_c29_what_is_said_of_options_that_are_not_taken(host: Host) -> None:
    answer = post_batch(wrap(host, action_options=None), host, [action(options={})])
    assert answer.refusal() == "actions[0].options: is not taken here; query parameters go into data"


@pytest.mark.parametrize(
    ("make", "status", "message"),
    [
        pytest.param(NotAuthorized, 401, "Not Authorized", id="NotAuthorized"),
        pytest.param(Overloaded, 503, "Too many actions are in flight; send the batch again later.", id="Overloaded"),
        pytest.param(
            LimitsUnavailable,
            503,
            "The limits can't be checked at the moment; try again later.",
            id="LimitsUnavailable",
        ),
        pytest.param(lambda: MethodNotAllowed("POST"), 405, "This route takes POST only.", id="MethodNotAllowed"),
        pytest.param(HandlerFailed, 500, "The server failed to handle this action.", id="HandlerFailed"),
        pytest.param(lambda: TooSlow(30.0), 504, "This action did not complete within 30 seconds.", id="TooSlow"),
        pytest.param(
            lambda: TooSlow(0.25), 504, "This action did not complete within 0.25 seconds.", id="TooSlow-fraction"
        ),
        pytest.param(
            lambda: ResultTooLarge("A response in a batch", 9),
            502,
            "A response in a batch is at most 9 bytes; this response would exceed it.",
            id="ResultTooLarge",
        ),
    ],
)
def test_c29_what_is_said_where_there_is_one_thing_to_say(
    make: Callable[[], BatchError], status: int, message: str
) -> None:
    error = make()
    assert (error.status, error.message, str(error)) == (status, message, message)
