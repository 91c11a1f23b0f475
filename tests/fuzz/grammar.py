"""Cases as an attacker with a grammar would write them: almost valid, with one thing or another askew.

Most parts are the strategies of the property tests; here they meet in one input.
"""

from __future__ import annotations

import base64
import json
from typing import TypeVar

from hypothesis import strategies as st

from tests.fuzz.cases import FAULTS, Case, Fields, Given, decode
from tests.fuzz.settings import SETTINGS
from tests.properties.actions import INHERITED, NOT_INHERITED, PARENT_HEADERS, batch_of, echoed
from tests.properties.json_texts import NUMBERS, OBJECTS, VALUES, strings
from tests.properties.responses import specs
from tests.properties.test_any_bytes import loose_action, loose_batch
from tests.properties.test_deny_spellings import attempts
from tests.properties.test_json_bytes import NEARLY_JSON, mutated
from tests.properties.test_paths import WRITTEN

T = TypeVar("T")

_METHODS = st.sampled_from(
    ["get", "GET", "Head", "post", "PUT", "pAtCh", "delete"] * 3 + ["options", "GET ", "po\u017ft"]
)
_OWN_DENIED = st.sampled_from(
    ["/secret", "/secret/x", "/SECRET", "/things/1/lock", "/things/%31/loc%6B", "/sec%72et/", "/things/%E2%80%8B/lock"]
)
_GOOD = st.sampled_from(
    ["/tasks/1", "/echo/a", "/%74asks/%31", "/echo/%C3%A9/", "/files/a;b=c", "/", "/batches", "/a%25%32%35b", "/~a'(b)"]
)
_PATHS = st.one_of(_GOOD, _GOOD, _GOOD, WRITTEN, _OWN_DENIED)


_ASKED = st.tuples(_PATHS, _METHODS)


def _mostly(usual: st.SearchStrategy[T], odd: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """`odd` in one of eight."""
    return st.integers(0, 7).flatmap(lambda number: odd if number == 7 else usual)


def _literal(text: str) -> str:
    return json.dumps(text)


_QUERY_VALUES = st.one_of(
    NUMBERS,
    strings(),
    st.lists(
        st.one_of(NUMBERS, strings(), _mostly(st.just("true"), st.sampled_from(["null", "[]", '"a,b"']))), max_size=3
    ).map(lambda items: "[" + ",".join(items) + "]"),
    _mostly(st.sampled_from(["true", "null", "[]", '""']), st.just("{}")),
)
_QUERY_NAMES = st.one_of(st.sampled_from(['"a"', '"limit"', '"opt_fields"', '"a&b=c"', '"\\u0061"', '""']), strings())
_QUERIES = st.lists(st.tuples(_QUERY_NAMES, _QUERY_VALUES), max_size=3).map(
    lambda pairs: "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
)
_OPTIONS = st.lists(
    st.tuples(
        st.sampled_from(["fields", "expand", "limit", "offset", "fields", "pretty"]),
        st.one_of(st.sampled_from(['["a","b"]', '"a,b"', "1", '"x"', "null", "[]", "[1]", "true", '["a,b"]']), VALUES),
    ),
    max_size=2,
).map(lambda pairs: "{" + ",".join(f'"{name}":{value}' for name, value in pairs) + "}")


@st.composite
def _action(draw: st.DrawFn) -> str:
    path, method = draw(_mostly(_ASKED, attempts()))
    members = [f'"relative_path":{_literal(path)}', f'"method":{_literal(method)}']
    if draw(st.booleans()):
        usual = OBJECTS if method.upper() in ("POST", "PUT", "PATCH") else _QUERIES
        members.append('"data":' + draw(_mostly(usual, VALUES)))
    if draw(st.integers(0, 3)) == 0:
        members.append('"options":' + draw(_mostly(_OPTIONS, VALUES)))
    if draw(st.integers(0, 9)) == 0:  # of two members with one name the last counts
        members.append(draw(st.sampled_from(members)))
        members.append(f'"{draw(st.sampled_from(["relative_path", "method", "data"]))}":{draw(VALUES)}')
    return "{" + ",".join(draw(st.permutations(members))) + "}"


@st.composite
def _batch(draw: st.DrawFn, plain: bool) -> bytes:
    entries = draw(st.lists(_mostly(_action(), loose_action()), min_size=1, max_size=4))
    actions = '{"actions":[' + ",".join(entries) + "]}"
    return (actions if plain else '{"data":' + actions + "}").encode("utf-8", "surrogatepass")


_DEPTHS = st.integers(58, 66).map(
    lambda depth: (
        b'{"data":{"actions":[{"method":"post","relative_path":"/echo","data":{"a":%b}}]}}'
        % (b"[" * depth + b"]" * depth)
    )
)


def _bodies(plain: bool) -> st.SearchStrategy[bytes]:
    batches = _batch(plain)
    valid = st.lists(echoed(), min_size=1, max_size=2).map(batch_of)
    odd = st.one_of(mutated(batches), valid, loose_batch(), mutated(valid), NEARLY_JSON, _DEPTHS)
    return _mostly(batches, odd)


_TYPES = _mostly(
    st.just([b"application/json"]),
    st.sampled_from(
        [
            [], [b"application/json; charset=utf-8"], [b"APPLICATION/JSON;charset=UTF-8"], [b"text/plain"],
            [b"application/json"] * 2, [b"application/json; charset=latin-1"], [b"application/jsonx"],
            [b"application/json;"], [b'application/json; charset="utf-8"'], [b"application/x-www-form-urlencoded"],
        ]
    ),
)  # fmt: skip
_VALUES = st.binary(max_size=8).map(lambda value: bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F))
_ANY_HEADERS = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from([name.encode() for name in (*INHERITED, *NOT_INHERITED)]),
            st.sampled_from([b"remote_user", b"remote-user", b"x-forwarded-for", b"proxy", b"x_y"]),
            st.text("abcx-_.", min_size=1, max_size=6).map(str.encode),
        ),
        st.one_of(st.sampled_from([b"identity", b"gzip", b"close, x-forwarded-for"]), _VALUES.map(bytes.strip)),
    ),
    max_size=3,
)
_HEADERS: st.SearchStrategy[Fields] = st.one_of(
    st.just([]),
    PARENT_HEADERS.map(lambda pairs: [(name.encode(), value.encode()) for name, value in pairs]),
    _ANY_HEADERS,
)
_CONTENT_TYPES = st.sampled_from(
    [b"application/json", b"application/problem+json", b"text/plain", b"text/html; charset=utf-16", b"image/png",
     b"application/json; charset=utf-16", b"text/plain; charset=utf-7", b"text/plain; charset=unicode_escape",
     b"text/x; charset=", b"text/x; charset=rot13", b"text/x; charset=undefined", b"text/x; charset=idna", b"a", b"",
     b"application/json, text/plain", b"application/javascript", b"application/atom+xml; charset=iso-8859-1"]
)  # fmt: skip
_FORGERIES = st.sampled_from(
    [b'"}]},{"status_code":200', b'1}]}{"data":[', b"]", b"{}},{}", b"{}\n,{}", b'"\\ud800"', b"NaN", b"[1,]", b" {} ",
     b"[" * 200 + b"]" * 200, b'{"a":1}\x00', b"\xef\xbb\xbf{}"]
)  # fmt: skip


def _from_spec(spec: dict[str, object]) -> Given:
    headers: list[tuple[str, str]] = spec["headers"]
    body = base64.b64decode(str(spec["body"]))
    return Given(int(str(spec["status"])), [(name.encode(), value.encode()) for name, value in headers], body)


_GIVEN = st.one_of(
    specs().map(_from_spec),
    st.builds(
        lambda status, kind, body: Given(status, [(b"content-type", kind)], body),
        st.sampled_from([200, 201, 204, 304, 400, 404, 500, 599]),
        _CONTENT_TYPES,
        st.one_of(NEARLY_JSON, _FORGERIES, mutated(OBJECTS.map(str.encode)), st.binary(max_size=20)),
    ),
)
_ODD_GIVEN = st.builds(
    lambda status, headers: Given(status, headers, b'{"a": 1}'),
    st.sampled_from([200, 200, 200, 0, 99, 100, 101, 199, 600, 999, 1000, 9999]),
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"set-cookie", b"set-cookie", b"x-a", b"content-type", b"location", b"x a", b"", b"x\xe9"]
            ),
            st.sampled_from(
                [b"a=1\r\nx: y", b"a=1\nset-cookie: b=2", b"a\0b", b"a=\x7f", b"a=1", b"\xe2\x82\xac", b"\r"]
            ),
        ),
        max_size=3,
    ),
)
_PARAMETERS = st.one_of(
    st.just(b""),
    st.sampled_from(
        [b"opt_pretty", b"opt_pretty=1", b"opt_fields=body", b"opt_fields=status_code,headers", b"opt_fields=nothing",
         b"limit=100", b"opt_fields=", b"opt_pretty=false&opt_fields=body,headers,status_code"]
    ),
    st.text("opt_pretyfields=&,%20hdbouc1T", max_size=30).map(str.encode),
)  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any case that can be written, as it is after it has been written."""
    setting = draw(st.sampled_from((SETTINGS[0], SETTINGS[0], *SETTINGS)))
    case = Case(
        body=draw(_bodies(setting.envelope is None)),
        content_types=draw(_TYPES),
        query=draw(_PARAMETERS),
        headers=draw(_HEADERS),
        given=tuple(draw(st.lists(_mostly(_GIVEN, _ODD_GIVEN), max_size=2))),
        setting=setting,
        fault=draw(st.sampled_from((*FAULTS, "none", "none", "none"))),
        pieces=draw(st.integers(1, 4)),
        declared_too_large=draw(st.integers(0, 39)) == 39,
    )
    return decode(case.encode())
