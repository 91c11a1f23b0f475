"""What the client writes is what the server reads, and the other way round: the same bytes on both ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchware import BatchConfig
from batchware.client import Action, ActionFailed, BadAnswer, Headers, Raw, Result
from batchware.client.actions import write_batch
from batchware.client.answers import read_answer
from batchware.contract import model
from batchware.contract.model import Layout, Outcome
from tests.properties.json_texts import padded

STYLES = ("asana", "plain")
METHODS = ("get", "HEAD", "Post", "put", "patch", "delete")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


def dialect(style: Any) -> Any:
    return BatchConfig.from_mapping({"style": style}).dialect


@given(
    style=st.sampled_from(STYLES),
    sent=st.lists(st.tuples(st.sampled_from(METHODS), st.dictionaries(texts, values, max_size=3)), min_size=1),
)
def test_the_server_reads_the_actions_that_were_written(style: Any, sent: list[tuple[str, Any]]) -> None:
    actions = [Action(method, f"/tasks/{number}", data) for number, (method, data) in enumerate(sent)]
    written = write_batch([action.write() for action in actions], style)
    batch = json.loads(written)
    assert (batch["data"] if style == "asana" else batch) == {
        "actions": [{"method": action.method, "relative_path": action.path, "data": action.data} for action in actions]
    }
    assert len(dialect(style).open(written)) == len(actions)


@given(raw=padded().map(str.encode))
def test_json_that_is_written_already_reaches_the_server_byte_for_byte(raw: bytes) -> None:
    server = dialect("plain")
    (entry,) = server.open(write_batch([Action("post", "/x", Raw(raw)).write()], "plain"))
    action, error = server.read(0, entry)
    assert error is None
    assert action.body.strip() == raw.strip()


contents = st.one_of(
    values.map(lambda value: ("application/json", json.dumps(value, ensure_ascii=False).encode())),
    padded().map(lambda text: ("application/problem+json", text.encode())),
    texts.map(lambda text: ("text/plain; charset=utf-8", text.encode())),
    st.binary().map(lambda content: ("text/html", content)),
    st.binary().map(lambda content: ("application/octet-stream", content)),
    st.binary().map(lambda content: ("", content)),
)


@given(
    style=st.sampled_from(STYLES),
    responses=st.lists(st.tuples(st.integers(200, 599), contents), min_size=1, max_size=10),
    pretty=st.booleans(),
)
def test_a_body_comes_back_byte_for_byte(
    style: Any, responses: list[tuple[int, tuple[str, bytes]]], pretty: bool
) -> None:
    server, layout = dialect(style), Layout(pretty=pretty)
    written = []
    for number, (status, (content_type, body)) in enumerate(responses):
        headers = [("content-type", content_type)] if content_type else []
        outcome = Outcome(status, [*headers, ("x-number", str(number))], body)
        written.append(server.result(model.Action(number, "GET", "/x"), outcome, layout))
    actions = [Action("get", f"/{number}") for number in range(len(responses))]
    results = read_answer(actions, server.write(written, layout), style)
    for number, ((status, (_, body)), result) in enumerate(zip(responses, results, strict=True)):
        assert (result.status, result.headers["X-Number"], result.action) == (status, str(number), actions[number])
        # A batch can't tell null from no body, and a pretty one not its own blanks from those of a body.
        empty = status in (204, 304) or body.strip() == b"null"
        pair = (result.content, b"" if empty else body)
        assert pair[0] == pair[1] or (pretty and pair[0].strip() == pair[1].strip())


@given(text=st.text(st.sampled_from('{}[]",:0123 \n"abdest_codyhr'), max_size=60), count=st.integers(0, 2))
def test_what_is_no_answer_is_never_taken_for_one(text: str, count: int) -> None:
    with pytest.raises(BadAnswer):
        read_answer([Action("get", "/")] * (count + 1), text.encode())


RESULT = '{"status_code":200,"headers":{},"body":null}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"data":null}',
        '{"data":[]}',
        f'{{"data":[{RESULT},{RESULT}]}}',
        f'{{"data":[{RESULT}]',
        f'{{"data":[{RESULT}]}}}}',
        f'{{"data":[{RESULT},]}}',
        f'{{"results":[{RESULT}]}}',
        f"{{data:[{RESULT}]}}",
        '{"data":[null]}',
        '{"data":[{"status_code":200,"headers":{}}]}',
        '{"data":[{"status_code":"200","headers":{},"body":null}]}',
        '{"data":[{"status_code":true,"headers":{},"body":null}]}',
        '{"data":[{"status_code":20,"headers":{},"body":null}]}',
        '{"data":[{"status_code":200,"headers":[],"body":null}]}',
        '{"data":[{"status_code":200,"headers":{"a":1},"body":null}]}',
        '{"data":[{"status_code":200,"headers":{},"body":NaN}]}',
        '{"data":[{"status_code":200,"headers":{},"body":' + "[" * 100_000 + "]" * 100_000 + "}]}",
        '{"data":[{"status_code":200,"headers":{},"body":"\t"}]}',
    ],
)
def test_an_answer_has_one_result_for_each_action_and_each_of_them_all_of_its_parts(text: str) -> None:
    with pytest.raises(BadAnswer, match="the answer to a batch of 1 is not as it should be: "):
        read_answer([Action("get", "/")], text.encode())


def test_numbers_of_any_length_keep_their_digits() -> None:
    digits = "9" * 10_000
    answer = f'{{"more": 1, "data": [{{"body": [1, {digits}], "headers": {{}}, "status_code": 200}}]}}'
    (result,) = read_answer([Action("get", "/")], answer.encode())
    assert (str(result.body[1]), result.content.strip()) == (digits, f"[1, {digits}]".encode())


@pytest.mark.parametrize(
    "data", [float("nan"), "\ud800", {"a": {1, 2}}, b"bytes", [[]] * 3 + [eval("[" * 62 + "]" * 62)]], ids=repr
)
def test_what_would_cost_a_whole_batch_is_no_action(data: Any) -> None:
    with pytest.raises(ValueError, match=r"^POST /x: "):
        Action("post", "/x", data).write()


@pytest.mark.parametrize("levels", [59, 60])
def test_an_action_is_as_deep_as_a_server_takes_it(levels: int) -> None:
    data = json.loads("[" * levels + '"["' + "]" * levels)
    written = write_batch([Action("post", "/x", data).write()])
    assert len(dialect("asana").open(written)) == 1


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b"[1e]", b'"\xff"', b'"\\ud800"', "[" * 100_000, b"\xef\xbb\xbf1"])
def test_what_is_no_json_is_not_taken_for_it(text: bytes | str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Raw(text)


def result(status: int, body: Any, **headers: str) -> Result:
    named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Result(Action("get", "/tasks/1"), status, named, body, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        ({"errors": [{"message": "Not\n Found"}]}, {}, "Not Found"),
        ({"errors": ["Not Found"]}, {}, "Not Found"),
        ({"detail": "Not Found"}, {}, "Not Found"),
        ({"title": "Not Found", "status": 404}, {}, "Not Found"),
        ({"code": 7}, {}, '{"code": 7}'),
        ({"errors": []}, {}, '{"errors": []}'),
        ("Not Found", {"content_type": "text/plain"}, "Not Found"),
        ("x" * 300, {"content_type": "text/plain"}, "x" * 197 + "..."),
        ("AAAA", {"content_transfer_encoding": "base64"}, ""),
        (None, {}, ""),
    ],
)
def test_an_error_says_what_the_server_said(body: Any, headers: dict[str, str], message: str) -> None:
    with pytest.raises(ActionFailed) as caught:
        result(404, body, **headers).raise_for_status()
    assert caught.value.message == message
    assert str(caught.value) == ("GET /tasks/1: 404: " + message).removesuffix(": ")


def test_a_result_that_is_no_error_is_given_back() -> None:
    found = result(302, None)
    assert found.raise_for_status() is found
    assert found.ok


@pytest.mark.parametrize(
    ("found", "text", "value"),
    [
        (result(200, {"a": "é"}), '{"a": "\\u00e9"}', {"a": "é"}),
        (result(200, "é", content_type="text/plain; charset=latin-1"), "é", ValueError),
        (result(200, "[1]", content_type="text/plain"), "[1]", [1]),
        (result(200, "WzFd", content_transfer_encoding="base64", content_type="application/json"), "[1]", [1]),
        (result(200, "/w==", content_transfer_encoding="base64"), "\ufffd", ValueError),
        (result(200, None), "", None),
    ],
)
def test_a_body_is_there_as_text_and_as_a_value(found: Result, text: str, value: Any) -> None:
    assert found.text == text
    if value is ValueError:
        with pytest.raises(ValueError, match=r"."):
            found.json()
    else:
        assert found.json() == value
