"""The judge of the fuzzers is judged: by cases whose answers are written down, and by the standard library."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.cases import Case, Given, decode
from tests.fuzz.grammar import cases
from tests.fuzz.judged_answers import cookies, due, inherited
from tests.fuzz.judged_batches import judge
from tests.fuzz.judged_paths import decode_path, is_denied, quote
from tests.fuzz.settings import SETTINGS, Setting
from tests.fuzz.strict_json import Node, NotJson, read
from tests.properties import json_texts
from tests.properties.test_json_bytes import NEARLY_JSON

_NAMED = {setting.name: setting for setting in SETTINGS}


def _plain(text: str, node: Node) -> object:
    if node.kind == "object":
        return {name: _plain(text, value) for name, value in node.value.items()}
    if node.kind == "array":
        return [_plain(text, value) for value in node.value]
    return text[node.start : node.end] if node.kind == "number" else node.value


@given(body=NEARLY_JSON)
def test_c4_judge_reads_what_the_standard_library_reads_strictly(body: bytes) -> None:
    try:
        expected = json_texts.plain(json_texts.read_strictly(body))
        assert json_texts.depth(body) <= 64
    except (json_texts.NotJson, AssertionError):
        with pytest.raises(NotJson):
            read(body)
    else:
        assert _plain(*read(body)) == expected


@given(case=cases())
def test_a_case_is_what_it_is_written_as(case: Case) -> None:
    assert decode(case.encode()) == case


@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_case(data: bytes) -> None:
    assert decode(decode(data).encode()) == decode(data)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/", "/"), ("/a/", "/a/"), ("/%41", "/A"), ("/%C3%A9", "/é"), ("/a%252F", "/a%2F"), ("/...", "/..."),
        ("/\"<>^`|[]{}", "/\"<>^`|[]{}"), ("/" + "a" * 2047, "/" + "a" * 2047),
        ("", None), ("a", None), ("//", None), ("/a//", None), ("/a/./b", None), ("/..", None), ("/%2e%2E/b", None),
        ("/a%2fb", None), ("/a%5Cb", None), ("/%", None), ("/%4", None), ("/%zz", None), ("/a?b", None),
        ("/a#b", None), ("/a\\b", None), ("/a b", None), ("/a\n", None), ("/é", None), ("/%e9", None), ("/%00", None),
        ("/%C2%85", None), ("/%ed%a0%80", None), ("/" + "a" * 2048, None),
    ],
)  # fmt: skip
def test_c11_judge_of_paths(written: str, path: str | None) -> None:
    assert decode_path(written) == path


def test_c12_judge_quotes_all_but_the_safe_characters() -> None:
    assert quote("/é%\"/:@!$&'()*+,;=~-._") == "/%C3%A9%25%22/:@!$&'()*+,;=~-._"


@pytest.mark.parametrize(
    ("setting", "method", "path", "denied"),
    [
        ("default", "GET", "/batch", True),
        ("default", "GET", "/BATCH/", True),
        ("default", "GET", "/bat\u200bch;a=b", True),
        ("default", "GET", "/%62atch", True),
        ("default", "GET", "/%2562atch", True),
        ("default", "GET", "/\uff42atch", True),
        ("default", "GET", "/%EF%BD%2582atch", True),  # one character escaped to two depths
        ("default", "GET", "/\u017fc\u0131m/x", True),
        ("default", "POST", "/tasks/\u200b/attachments", True),
        ("default", "POST", "/tasks/\u2100/attachments", True),
        ("default", "POST", "/TASKS/\u2100\u200b/att\uff41chments", True),
        ("default", "GET", "/tasks/1/attachments", False),
        ("default", "POST", "/tasks/1/attachments/2", False),
        ("default", "GET", "/batches", False),
        ("default", "GET", "/x/batch", False),
        ("default", "GET", "/%252562atch", None),  # three further decodings
        ("default", "GET", "/x/../batch", None),
        ("default", "GET", "/ba\u0308tch", None),
        ("plain", "GET", "/scim", False),
        ("plain", "GET", "/batch", True),
        ("allow", "GET", "/tasks/1", False),
        ("allow", "POST", "/tasks/1", True),
        ("allow", "GET", "/tasks/1/2", True),
        ("allow", "GET", "/TASKS/1", None),
        ("allow", "POST", "/batch", True),
        ("allow", "POST", "/scim", False),
        ("own deny", "DELETE", "/secret", True),
        ("own deny", "PUT", "/things/1/lock", True),
        ("own deny", "GET", "/things/1/lock", False),
    ],
)
def test_c31_c32_c33_judge_of_endpoints(setting: str, method: str, path: str, denied: bool | None) -> None:
    assert is_denied(_NAMED[setting], method, path) is denied


def _judged(action: str, setting: Setting = SETTINGS[0]) -> tuple[str | None, bytes | None] | None:
    """The query and the body of an action; None where it is refused."""
    actions = f'{{"actions":[{{"relative_path":"/a",{action}}}]}}'
    body = actions if setting.envelope is None else f'{{"data":{actions}}}'
    verdict = judge(Case(body.encode(), setting=setting))
    assert verdict.errors == ()
    (one,) = verdict.expected
    return None if one.asked is None else (one.asked.query, one.asked.body)


@pytest.mark.parametrize(
    ("setting", "action", "asked"),
    [
        ("default", '"method":"GeT"', ("", None)),
        ("default", '"method":"ge\\u0074"', ("", None)),
        ("default", '"method":"trace"', None),
        ("default", '"method":"po\\ufb06"', None),
        ("default", '"method":"get","x":1', None),
        ("default", '"method":"get","data":{"a b":[1.50,"é",true]}', ("a%20b=1.50%2C%C3%A9%2Ctrue", None)),
        ("default", '"method":"get","data":{"n":null,"e":[]}', ("e=", None)),
        ("default", '"method":"get","data":{"a":["b,c"]}', None),
        ("default", '"method":"get","data":{"a":{}}', None),
        ("default", '"method":"get","data":[]', None),
        ("default", '"method":"post","data": {"a" : 1e5 } ', ("", b'{"data":{"a" : 1e5 }}')),
        ("default", '"method":"post","data":[]', None),
        ("default", '"method":"post","data":null', ("", None)),
        ("default", '"method":"put","options":{"fields":["a","b"],"limit":5}', ("opt_fields=a%2Cb&limit=5", None)),
        ("default", '"method":"get","data":{"limit":1},"options":{"limit":2}', None),
        ("default", '"method":"get","options":{"x":2}', None),
        ("plain", '"method":"get","data":{"a":[1,2]}', ("a=1&a=2", None)),
        ("plain", '"method":"post","data":[1]', ("", b"[1]")),
        ("plain", '"method":"get","options":{}', None),
        ("bodies", '"method":"delete","data":{"a":1}', ("", b'{"a":1}')),
    ],
)  # fmt: skip
def test_c10_c13_c14_c15_judge_of_actions(setting: str, action: str, asked: object) -> None:
    assert _judged(action, _NAMED[setting]) == asked


@pytest.mark.parametrize(
    ("case", "errors"),
    [
        (Case(b""), (400,)),
        (Case(b'{"data":{"actions":[]}}'), (400,)),
        (Case(b'{"data":{"actions":[1]}}'), ()),
        (Case(b'{"data":{"actions":[1]}}' + b" " * 200, setting=_NAMED["small"]), (413,)),
        (Case(b'{"data":{"actions":[1,2,3]}}', setting=_NAMED["small"]), (400,)),
        (Case(b"", declared_too_large=True), (413,)),
        (Case(b"", [], declared_too_large=True), (415,)),
        (Case(b"", [b"text/plain"]), (415,)),
        (Case(b"", [b"application/json"] * 2), (415,)),
        (Case(b"", [b"APPLICATION/JSON; Charset=UTF-8"]), (400,)),
        (Case(b"", headers=[(b"content-encoding", b"gzip")]), (415,)),
    ],
)
def test_c2_to_c6_judge_of_batches(case: Case, errors: tuple[int, ...]) -> None:
    assert judge(case).errors == errors


def test_c16_judge_of_headers() -> None:
    parent = [(b"cookie", b"a"), (b"if-match", b"b"), (b"x-rewrite-url", b"/c"), (b"idempotency-key", b'"k"')]
    own = (b"accept-encoding", b"identity")
    assert inherited(parent, "GET", 3, None) == {own: 1, (b"cookie", b"a"): 1}
    key = (b"idempotency-key", b'"k:3"')
    assert inherited(parent, "PUT", 3, b"") == {
        own: 1, (b"cookie", b"a"): 1, key: 1, (b"content-type", b"application/json"): 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "body", "text", "value"),
    [
        (b"application/json", b' {"a": 1.0} ', b' {"a": 1.0} ', None),
        (b"application/problem+json", b"{}", b"{}", None),
        (b"application/json", b"NaN", None, "NaN"),
        (b"application/json", b"\xff", None, "/w=="),
        (b"text/plain; charset=utf-16", b"\xff\xfea\0", None, "a"),
        (b"image/png", b"a", None, "YQ=="),
        (b"text/plain", b"", b"null", None),
    ],
)
def test_c21_judge_of_bodies(kind: bytes, body: bytes, text: bytes | None, value: str | None) -> None:
    judged = due(Given(200, [(b"content-type", kind), (b"date", b"x"), (b"x-a", b"b")], body), "GET", 7)
    assert (judged.text, judged.value) == (text, value)
    assert judged.headers is not None
    assert judged.headers["x-a"] == "b"
    assert judged.headers["x-ran"] == "7"
    assert "date" not in judged.headers
    assert json.loads(json.dumps(judged.headers)) == judged.headers


def test_c24_judge_of_cookies() -> None:
    given = Given(200, [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2; Path=/")])
    assert cookies([("/x/y", given), ("/x/z", given)]) == ["a=1; Path=/x", "b=2; Path=/"]
