"""C2 to C9: whatever bytes are posted, the batch answers as the contract says, and only actions of a valid batch run.

The judge reads the body on its own (`read_strictly`, `depth`) and says which status and how many results are due.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tests.contract.batching import BatchAnswer, bare_door, post_batch, wrap
from tests.hosts import Host, probe
from tests.properties.actions import batch_of, echoed, plain, query_data
from tests.properties.json_texts import VALUES, NotJson, Spelled, depth, padded, read_strictly
from tests.properties.json_texts import plain as values_of
from tests.properties.test_json_bytes import NEARLY_JSON, mutated

batched = cache(wrap)
_LIMIT = 10


def due(body: bytes) -> list[Any] | None:
    """The actions of a valid batch; None for what must be a 400 as a whole (C4 to C6)."""
    if depth(body) > 64:
        return None
    try:
        batch: Any = values_of(read_strictly(body))
    except NotJson:
        return None
    if not isinstance(batch, dict) or not isinstance(batch.get("data"), dict):
        return None
    entries = batch["data"].get("actions")
    return entries if isinstance(entries, list) and 1 <= len(entries) <= _LIMIT else None


def refusable(entry: Any) -> bool:
    """Whether an action breaks a rule that can be told without reading its path (C9, C10, C14, C15)."""
    if not isinstance(entry, dict) or not set(entry) <= {"method", "relative_path", "data", "options"}:
        return True
    method, path, data = entry.get("method"), entry.get("relative_path"), entry.get("data")
    if not isinstance(method, str) or isinstance(method, Spelled):
        return True
    if not isinstance(path, str) or isinstance(path, Spelled):
        return True
    if method.lower() not in ("get", "head", "post", "put", "patch", "delete") or not method.isascii():
        return True
    return not isinstance(data, dict | None) or not isinstance(entry.get("options"), dict | None)


def check(answer: BatchAnswer, body: bytes) -> None:
    entries = due(body)
    if entries is None:
        assert answer.status == 400
        assert answer.message
        assert probe.seen == []
        return
    assert answer.status == 200
    assert len(answer.results) == len(entries)
    assert answer.header("content-length") == str(len(answer.body))
    for entry, result in zip(entries, answer.results, strict=True):
        assert result["status_code"] < 500
        if refusable(entry):
            assert result["status_code"] == 400
    assert len(probe.seen) <= sum(not refusable(entry) for entry in entries)


_ANY_VALUES = st.one_of(VALUES, st.sampled_from(['"/tasks/1"', '"get"', '"POST"', '"/echo"', '"/batch"', '"geт"']))


@st.composite
def loose_action(draw: st.DrawFn) -> str:
    """An action whose members may be missing, doubled, unknown or of another type."""
    usual = {
        "method": st.sampled_from(['"get"', '"POST"', '"Delete"', '"\\u0067et"', '"po\\u017ft"', '"options"', '""']),
        "relative_path": st.sampled_from(['"/tasks/1"', '"/echo"', '"\\/users\\/2"', '"/a/../b"', '"tasks"']),
        "data": query_data().map(lambda both: both[0]),
        "options": st.sampled_from(['{"limit": 1}', '{"fields": ["a"]}', '{"fields": 1}', "[]", "null", '{"x": 1}']),
    }
    names = draw(st.lists(st.sampled_from(list(usual)), max_size=3))
    members = [f'"{name}": {draw(st.one_of(usual[name], usual[name], _ANY_VALUES))}' for name in names]
    if draw(st.booleans()):
        members = ['"method": "get"', '"relative_path": "/tasks/1"', *members]
    if draw(st.integers(0, 5)) == 0:
        members.append(f'"extra": {draw(VALUES)}')
    return draw(st.one_of(st.just("{" + ", ".join(members) + "}"), VALUES))


@st.composite
def loose_batch(draw: st.DrawFn) -> bytes:
    """Something like a batch: often valid, with a stranger here and there."""
    entries = draw(st.lists(st.one_of(loose_action(), echoed().map(lambda action: action.text)), max_size=12))
    actions = "[" + ",".join(entries) + "]" if draw(st.integers(0, 9)) else draw(VALUES)
    inner = [f'"actions":{actions}']
    if draw(st.booleans()):
        inner.append(f'"other":{draw(VALUES)}')
    envelope = "{" + ",".join(draw(st.permutations(inner))) + "}" if draw(st.integers(0, 9)) else draw(VALUES)
    return ("{" + f'"x":{draw(VALUES)},"data":{envelope}' + "}").encode()


VALID = st.lists(echoed(), min_size=1, max_size=3).map(batch_of)
_DEEP = b'{"data":{"actions":[{"method":"post","relative_path":"/echo","data":{"a":%b}}]}}'


@bare_door
@given(body=st.one_of(loose_batch(), mutated(VALID), mutated(loose_batch()), NEARLY_JSON, st.binary(max_size=40)))
@example(body=b"")
@example(body=batch_of([plain("GET", "/tasks/1")]) + b"\n ")
@example(body=b"\xef\xbb\xbf" + batch_of([plain("GET", "/tasks/1")]))
@example(body=batch_of([plain("GET", "/tasks/1")]).decode().encode("utf-16"))
@example(body=batch_of([plain("GET", "/tasks/1")] * 10))
@example(body=batch_of([plain("GET", "/tasks/1")] * 11))
@example(body=b'{"data":{"actions":[1]},"data":{"actions":[{"method":"get","relative_path":"/tasks/1"}]}}')
@example(body=b'{"data":{"actions":[{"method":"get","relative_path":"/tasks/1"}]},"data":{"actions":[]}}')
@example(body=b'{"data":{"actions":[{"method":"get","method":"x","relative_path":"/tasks/1"}]}}')
@example(body=b'{"data":{"actions":[{"method":"post","relative_path":"/echo","data":{"a":"\\ud800 and more text"}}]}}')
@example(body=b'{"data":{"actions":[{"method":"get","relative_path":"/tasks/1","headers":{}}]}}')
@example(body=_DEEP % (b"[" * 59 + b"]" * 59))
@example(body=_DEEP % (b"[" * 60 + b"]" * 60))
def test_c4_c5_c6_c9_any_bytes(host: Host, body: bytes) -> None:
    probe.reset()
    check(post_batch(batched(host), host, body=body), body)


@bare_door
@given(pieces=st.lists(st.binary(max_size=8) | st.sampled_from([b'{"data":', b"[", b"}"]), min_size=1, max_size=5))
def test_c4_any_bytes_in_pieces(host: Host, pieces: list[bytes]) -> None:
    probe.reset()
    check(post_batch(batched(host), host, body=pieces), b"".join(pieces))


_TYPES = ["application/json", "APPLICATION/Json", "application/json; charset=utf-8", "application/json ;charset=UTF-8"]
_NEARLY = [
    "text/plain", "application/jsonp", "application/json; charset=latin-1", "application/json; a=b", "", "json",
    "application/json, application/json", "application/json;charset=utf-8;charset=utf-8", "application/*",
]  # fmt: skip
_OTHERS = st.one_of(st.none(), st.sampled_from(_NEARLY), st.text("aplictonj/; =", max_size=20))


@bare_door
@given(content_type=st.sampled_from(_TYPES) | _OTHERS, body=st.one_of(VALID, NEARLY_JSON))
def test_c3_any_media_type(host: Host, content_type: str | None, body: bytes) -> None:
    probe.reset()
    answer = post_batch(batched(host), host, body=body, content_type=content_type)
    if content_type in _TYPES:
        check(answer, body)
    else:
        assert answer.status == 415
        assert probe.seen == []


@bare_door
@given(query=st.text("opt_pretyfields=&,%20hdbouc1T", max_size=40), text=padded())
def test_c7_any_query_keeps_the_answer_json(host: Host, query: str, text: str) -> None:
    entry = f'{{"method":"post","relative_path":"/echo","data":{{"a":{text}}}}}'
    answer = post_batch(batched(host), host, body=f'{{"data":{{"actions":[{entry}]}}}}'.encode(), query=query)
    (result,) = json.loads(answer.body)["data"]
    assert set(result) <= {"status_code", "headers", "body"}
    assert answer.status == 200
