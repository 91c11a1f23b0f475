"""C14: the `data` of a post, put or patch, byte for byte, as the body of its child."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.contract.children import child, refusal
from tests.hosts import Host

METHODS = pytest.mark.parametrize("method", ["post", "put", "patch"])

OBJECTS = [
    pytest.param("{}", id="empty"),
    pytest.param('{"name": "x"}', id="a member"),
    pytest.param('{"z": 1, "a": 2, "m": 3}', id="in its order"),
    pytest.param('{ "a" :\t1 ,\r\n "b":[ ] }', id="with its white space"),
    pytest.param('{"a": 123456789012345678901234567890, "b": -0}', id="big integers"),
    pytest.param('{"a": 1.0, "b": 0.10, "c": 1e400, "d": 1E-400, "e": 0.1000000000000000055511}', id="floats"),
    pytest.param('{"a": "\\u0041\\/\\u00e9\\ud83d\\ude00\\n"}', id="escapes"),
    pytest.param('{"é": "日\U0001f600\u2028"}', id="Unicode"),
    pytest.param('{"a": 1, "a": {"b": 2}, "\\u0061": 3}', id="a name twice"),
    pytest.param('{"data": {"data": null}, "actions": [{"method": "get"}]}', id="names of the batch"),
    pytest.param('{"a": "}]}", "b": "\\"}"}', id="brackets in strings"),
    pytest.param('{"a": null, "b": true, "c": false, "d": [1, [2, {"e": []}]]}', id="every type"),
]
OTHERS = [
    pytest.param("[ 1,2 ]", id="a list"),
    pytest.param('"te\\u0078t"', id="a string"),
    pytest.param("1.50", id="a number"),
    pytest.param("true", id="true"),
    pytest.param("false", id="false"),
]


def _batch(method: str, data: str) -> bytes:
    head = f'{{"data": {{"actions": [{{"method": "{method}", "data": '
    return f'{head}{data}, "relative_path": "/echo/x"}}]}}}}'.encode()


@bare_door
@METHODS
@pytest.mark.parametrize("data", OBJECTS)
def test_c14_data_passes_byte_for_byte_in_its_envelope(host: Host, method: str, data: str) -> None:
    seen = child(host, body=_batch(method, data))
    assert seen.body == b'{"data":' + data.encode() + b"}"
    assert seen.query == ""


@bare_door
@METHODS
@pytest.mark.parametrize("data", [*OBJECTS, *OTHERS, pytest.param("null", id="null")])
def test_c14_without_an_envelope_the_body_is_data_itself(host: Host, method: str, data: str) -> None:
    seen = child(host, body=_batch(method, data), options={"body_envelope": None})
    assert seen.body == data.encode()
    assert seen.all("content-type") == ["application/json"]
    assert seen.all("content-length") == [str(len(seen.body))]


@bare_door
@METHODS
@pytest.mark.parametrize("data", OTHERS)
def test_c14_in_an_envelope_data_must_be_an_object(host: Host, method: str, data: str) -> None:
    assert refusal(host, body=_batch(method, data)).startswith("actions[0].data: must be an object")


@bare_door
def test_c14_the_envelope_can_have_another_name(host: Host) -> None:
    seen = child(host, body=_batch("post", '{"a": 1}'), options={"body_envelope": 'pay"load'})
    assert seen.body == b'{"pay\\"load":{"a": 1}}'


@bare_door
@METHODS
@pytest.mark.parametrize("data", ['{"a": "x"}', '{"a": "日本"}'], ids=["ASCII", "more bytes than characters"])
def test_c14_a_body_has_its_type_and_its_exact_length(host: Host, method: str, data: str) -> None:
    seen = child(host, body=_batch(method, data))
    assert seen.all("content-type") == ["application/json"]
    assert seen.all("content-length") == [str(len(data.encode()) + len('{"data":}'))]


@bare_door
@METHODS
@pytest.mark.parametrize("members", [{}, {"data": None}], ids=["absent", "null"])
def test_c14_without_data_there_is_no_body_and_no_type(host: Host, method: str, members: dict[str, Any]) -> None:
    seen = child(host, action("/x", method, **members))
    assert seen.body == b""
    assert seen.all("content-type") == []
    assert seen.all("content-length") == ["0"], "as every client says it"


@bare_door
@METHODS
def test_c14_absent_data_is_no_body_without_an_envelope_too(host: Host, method: str) -> None:
    seen = child(host, action("/x", method), options={"body_envelope": None})
    assert (seen.body, seen.all("content-type")) == (b"", [])


@every_host
@METHODS
def test_c14_a_handler_reads_the_body(host: Host, method: str) -> None:
    data = '{"big": 123456789012345678901234567890, "z": 1.0,  "a": "\\u00e9日"}'
    shown = post_batch(wrap(host), host, body=_batch(method, data)).result["body"]
    body = b'{"data":' + data.encode() + b"}"
    assert base64.b64decode(shown["body"]) == body
    assert shown["headers"]["content-type"] == "application/json"
    assert shown["headers"]["content-length"] == str(len(body))


@every_host
@METHODS
def test_c14_a_handler_reads_no_body_where_there_is_none(host: Host, method: str) -> None:
    shown = post_batch(wrap(host), host, [action("/echo/x", method)]).result["body"]
    assert shown["body"] == ""
    # Some frameworks name every header that CGI knows.
    assert not shown["headers"].get("content-type")
    assert shown["headers"].get("content-length", "0") in {"0", ""}


@every_host
def test_c14_each_action_reads_its_own_body(host: Host) -> None:
    actions = [action(f"/echo/{index}", "post", data={"n": "x" * index}) for index in range(10)]
    results = post_batch(wrap(host), host, actions).results
    bodies = [base64.b64decode(result["body"]["body"]) for result in results]
    assert bodies == [b'{"data":{"n": "%b"}}' % (b"x" * index) for index in range(10)]
