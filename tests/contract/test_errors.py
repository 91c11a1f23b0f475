"""C29, C30: what an error says, what it never says, and its shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from batchware import BatchError, NotAuthorized, Parent
from batchware.contract.errors import quoted
from tests.contract.batching import BatchAnswer, action, bare_door, batch_body, every_host, post_batch, wrap
from tests.hosts import Host

LONG = "q" * 300


@bare_door
@pytest.mark.parametrize(
    ("wrong", "parts"),
    [
        pytest.param(5, ["actions[1]: ", "object", "number"], id="not an object"),
        pytest.param({}, ["actions[1].method: ", "missing"], id="no method"),
        pytest.param(action(method="brew"), ["actions[1].method: ", "get, head, post", "'brew'"], id="a bad method"),
        pytest.param(action(method=7), ["actions[1].method: ", "string", "number"], id="a method of another type"),
        pytest.param({"method": "get"}, ["actions[1].relative_path: ", "missing"], id="no path"),
        pytest.param(
            action("tasks"), ["actions[1].relative_path: ", "start with exactly one '/'", "'tasks'"], id="a path"
        ),
        pytest.param(action("/a?b=1"), ["actions[1].relative_path: ", "'?'", "'data'"], id="a query in a path"),
        pytest.param(action("/a/../b"), ["actions[1].relative_path: ", "'..'"], id="a dot segment"),
        pytest.param(action(data=[1]), ["actions[1].data: ", "object", "array"], id="data of another type"),
        pytest.param(action(data={"a": {}}), ["actions[1].data.a: ", "string, a number"], id="an object in the query"),
        pytest.param(action(options=3), ["actions[1].options: ", "object", "number"], id="options of another type"),
        pytest.param(action(options={"x": 1}), ["actions[1].options: ", "'x'", "fields, expand"], id="an option"),
        pytest.param(
            action(body={}), ["actions[1]: ", "'body'", "method, relative_path, data, options"], id="a member"
        ),
        pytest.param(action("/batch", "post"), ["actions[1].relative_path: ", "batch"], id="the batch route"),
        pytest.param(
            action("/scim/x"), ["actions[1].relative_path: ", "GET /scim/x", "cannot"], id="a denied endpoint"
        ),
    ],
)
def test_c29_a_message_says_what_where_and_what_is_allowed(host: Host, wrong: Any, parts: list[str]) -> None:
    message = post_batch(wrap(host), host, [action(), wrong]).refusal(1)
    for part in parts:
        assert part in message


WHOLE_BATCH: list[Any] = [
    pytest.param({"body": b"{"}, ["JSON"], id="no JSON"),
    pytest.param({"body": b"\xff"}, ["UTF-8", "byte 0"], id="no UTF-8"),
    pytest.param({"body": b"[" * 100}, ["64 levels"], id="too deep"),
    pytest.param({"body": b"[]"}, ["'data'", '{"data": {"actions": [...]}}'], id="no object"),
    pytest.param({"body": b'{"data":{}}'}, ["'actions'", '{"data": {"actions": [...]}}'], id="no actions"),
    pytest.param({"actions": []}, ["1 to 10", "0"], id="too few"),
    pytest.param({"actions": [1] * 11}, ["1 to 10", "11"], id="too many"),
    pytest.param({"content_type": "text/plain"}, ["application/json"], id="media type"),
    pytest.param({"body": b" " * 2000}, ["1000 bytes"], id="too large"),
]


@bare_door
@pytest.mark.parametrize(("sent", "parts"), WHOLE_BATCH)
def test_c29_a_message_about_the_whole_batch_says_what_is_allowed(
    host: Host, sent: dict[str, Any], parts: list[str]
) -> None:
    answer = post_batch(wrap(host, max_body_bytes=1000), host, **sent)
    for part in parts:
        assert part in answer.message


@bare_door
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(action(method=LONG), id="method"),
        pytest.param(action(LONG), id="path"),
        pytest.param(action("/" + LONG + "?"), id="path with something forbidden"),
        pytest.param(action("/scim/" + LONG), id="denied path"),
        pytest.param(action(**{LONG: 1}), id="unknown member"),
        pytest.param(action(data={LONG: {}}), id="name of a parameter"),
        pytest.param(action(data={LONG: [","]}), id="name of a list"),
        pytest.param(action(data={"a": [LONG + ","]}), id="item of a list"),
        pytest.param(action(options={LONG: 1}), id="unknown option"),
        pytest.param(action(options={"fields": [LONG + ","]}), id="fields"),
    ],
)
def test_c29_no_message_has_more_than_100_characters_of_input(host: Host, wrong: Any) -> None:
    assert "q" * 101 not in post_batch(wrap(host), host, [wrong]).refusal()


@bare_door
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'"' + LONG.encode(), id="no JSON"),
        pytest.param(json.dumps({LONG: {}}).encode(), id="another member"),
        pytest.param(json.dumps({"data": LONG}).encode(), id="data of another type"),
        pytest.param(json.dumps({"data": {"actions": LONG}}).encode(), id="actions of another type"),
    ],
)
def test_c29_no_whole_batch_message_has_more_than_100_characters_of_input(host: Host, body: bytes) -> None:
    assert "q" * 101 not in post_batch(wrap(host), host, body=body).message


@bare_door
@pytest.mark.parametrize("name", ["Content-Type", "Content-Encoding", "Authorization", "Origin", "Cookie"])
def test_c29_no_message_has_the_value_of_a_header(host: Host, name: str) -> None:
    headers, content_type = {name: "hush-hush"}, "application/json"
    if name == "Content-Type":
        headers, content_type = {}, "hush/hush-hush"
    for actions in ([], [action("x"), action("/raise")]):
        answer = post_batch(wrap(host), host, actions, headers=headers, content_type=content_type)
        assert b"hush" not in answer.body


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("brew", "'brew'", id="as it is"),
        pytest.param("a\nb\x00", r"'a\nb\x00'", id="control characters as escapes"),
        pytest.param("é日\ud800", r"'\xe9\u65e5\ud800'", id="no character beyond ASCII"),
        pytest.param("x" * 100, "'" + "x" * 100 + "'", id="a hundred characters"),
        pytest.param("x" * 101, "'" + "x" * 97 + "...'", id="one more"),
    ],
)
def test_c29_how_input_is_quoted(text: str, shown: str) -> None:
    assert quoted(text) == shown


# --- the shape


def _is_shaped(body: Any) -> bool:
    (error,) = body["errors"]
    return list(body) == ["errors"] and list(error) == ["message"] and isinstance(error["message"], str)


@bare_door
@pytest.mark.parametrize(("sent", "parts"), WHOLE_BATCH)
def test_c30_the_shape_of_whole_batch_errors(host: Host, sent: dict[str, Any], parts: list[str]) -> None:
    answer = post_batch(wrap(host, max_body_bytes=1000), host, **sent)
    assert _is_shaped(answer.json)
    assert answer.header("content-type") == "application/json"


@every_host
def test_c30_the_shape_of_refused_and_failed_actions(host: Host) -> None:
    app = wrap(host, max_result_bytes=1000)
    answer = post_batch(app, host, [None, action("x"), action("/scim"), action("/half"), action("/forever")])
    assert answer.statuses == [400, 400, 400, 500, 502]
    assert all(_is_shaped(result["body"]) for result in answer.results)
    assert all(result["headers"] == {} for result in answer.results)


def _problem(error: BatchError) -> Mapping[str, Any]:
    return {"title": error.message, "status": error.status}


def _refusing(parent: Parent) -> str:
    raise NotAuthorized("No.", status=403)


def _both(host: Host, **options: Any) -> tuple[BatchAnswer, BatchAnswer]:
    """A whole-batch error, and results that failed in three ways."""
    whole = post_batch(wrap(host, authorize=_refusing, **options), host, [action()])
    failed = post_batch(wrap(host, max_result_bytes=1000, **options), host, [1, action("/half"), action("/forever")])
    return whole, failed


@bare_door
def test_c30_error_body_lets_a_host_put_in_its_own_shape(host: Host) -> None:
    whole, failed = _both(host, error_body=_problem)
    assert (whole.status, whole.json) == (403, {"title": "No.", "status": 403})
    assert [result["body"]["status"] for result in failed.results] == failed.statuses == [400, 500, 502]
    assert all(list(result["body"]) == ["title", "status"] for result in failed.results)


def _raises(error: BatchError) -> Any:
    raise LookupError(error)


def _no_json(error: BatchError) -> Any:
    return object()


@bare_door
@pytest.mark.parametrize("error_body", [_raises, _no_json], ids=["raises", "gives what is no JSON"])
def test_c30_where_a_hosts_shape_fails_it_is_the_default_one(host: Host, error_body: Any) -> None:
    whole, failed = _both(host, error_body=error_body)
    assert whole.status == 403
    assert _is_shaped(whole.json)
    assert failed.statuses == [400, 500, 502]
    assert all(_is_shaped(result["body"]) for result in failed.results)


@bare_door
def test_c30_errors_are_indented_like_the_envelope(host: Host) -> None:
    answer = post_batch(wrap(host), host, body=batch_body([]), query="opt_pretty")
    assert answer.body.startswith(b'{\n  "errors": [')
    assert _is_shaped(answer.json)
    assert answer.header("content-length") == str(len(answer.body))
