"""Actions as a client may write them, each with the request that the client would have sent instead.

The second half is the oracle of C0 for the way down: it is written from the words of C11 to C16 and uses nothing of
batchware.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from hypothesis import strategies as st

from tests.properties.json_texts import NUMBERS, OBJECTS, TEXT, strings

SAFE = "/:@!$&'()*+,;=~-._"  # C12
_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
# ASCII that may stand in a path as written (C11): all but controls, the space and the four that it names.
_MAY_BE_RAW = frozenset(map(chr, range(0x21, 0x7F))) - set("?#\\/%")

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Written:
    """One action as JSON text, and as a request of its own: `target` is relative to the API base."""

    text: str
    method: str
    target: str
    body: bytes | None = None


@st.composite
def paths_as_written(draw: st.DrawFn, start: str) -> tuple[str, str]:
    """`start` and one to three segments, decoded and in one of its spellings."""
    characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\")
    segment = st.text(characters, min_size=1, max_size=6).filter(lambda text: text not in (".", ".."))
    path = "".join("/" + text for text in draw(st.lists(segment, min_size=1, max_size=3)))
    written = []
    for character in path:
        style = draw(st.integers(0, 3))
        if character == "/" or (character in _MAY_BE_RAW and style > 1):
            written.append(character)
        else:
            escapes = "".join(f"%{byte:02X}" for byte in character.encode())
            written.append(escapes.lower() if style == 1 else escapes)
    return start + path, start + "".join(written)


def encoded(pairs: Sequence[tuple[str, str]]) -> str:
    """The query string of C13: everything but unreserved characters as escapes of UTF-8."""
    return "&".join("=".join(map(_encoded, pair)) for pair in pairs)


def _encoded(text: str) -> str:
    return "".join(chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


@st.composite
def _parameter(draw: st.DrawFn, separator: str | None) -> tuple[str, list[str]]:
    """A member of `data` as JSON text, and the values that its query parameter has; none where it is left out."""
    kind = draw(st.sampled_from(["string", "number", "boolean", "null", "list"]))
    if kind == "null":
        return "null", []
    if kind != "list":
        text, value = draw(_scalar(kind))
        return text, [value]
    items = draw(st.lists(st.sampled_from(["string", "number", "boolean"]).flatmap(_scalar), max_size=3))
    if separator is not None:
        items = [(text, value) for text, value in items if separator not in value]
        values = [separator.join(value for _, value in items)]
    else:
        values = [value for _, value in items]
    return "[" + ", ".join(text for text, _ in items) + "]", values


def _scalar(kind: str) -> st.SearchStrategy[tuple[str, str]]:
    if kind == "string":
        return strings().map(lambda text: (text, json.loads(text)))
    return (NUMBERS if kind == "number" else st.sampled_from(["true", "false"])).map(lambda text: (text, text))


@st.composite
def query_data(draw: st.DrawFn, separator: str | None = ",") -> tuple[str, Pairs]:
    """`data` of a get, head or delete, and its query parameters (C13); lists joined, or repeated without separator."""
    names = TEXT.filter(lambda name: not name.startswith("opt_") and name not in ("limit", "offset"))
    members, pairs = [], []
    for name in draw(st.lists(names, max_size=3, unique=True)):
        text, values = draw(_parameter(separator))
        members.append(f"{json.dumps(name)}: {text}")
        pairs += [(name, value) for value in values]
    return "{" + ",".join(members) + "}", pairs


@st.composite
def _options(draw: st.DrawFn) -> tuple[str, Pairs]:
    """`options`, and the query parameters that they become (C15)."""
    pairs: Pairs = []
    options: dict[str, object] = {}
    for name in draw(st.lists(st.sampled_from(["fields", "expand", "limit", "offset"]), unique=True)):
        if name in ("limit", "offset"):
            options[name] = draw(st.one_of(st.integers(1, 10**20), st.text("eyJ0.", max_size=4)))
            pairs.append((name, str(options[name])))
        else:
            fields = draw(st.lists(st.sampled_from(["name", "assignee.name", "due on", "é"]), min_size=1, max_size=3))
            options[name] = draw(st.sampled_from([fields, ",".join(fields)]))
            pairs.append(("opt_" + name, ",".join(fields)))
    return json.dumps(options), pairs


@st.composite
def echoed(draw: st.DrawFn) -> Written:
    """An action that asks a host to show what it got."""
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]))
    path, written = draw(paths_as_written("/echo"))
    options, pairs = draw(_options())
    members = [f'"relative_path": {json.dumps(written)}', f'"method": "{draw(_cases(method))}"']
    if bool(pairs) or draw(st.booleans()):
        members.append(f'"options": {options}')
    body = None
    if method in ("POST", "PUT", "PATCH"):
        data = draw(st.one_of(st.just("null"), OBJECTS))
        if data != "null":
            body = b'{"data":' + data.encode() + b"}"
    else:
        data, parameters = draw(query_data())
        pairs = parameters + pairs
    if data != "null" or draw(st.booleans()):
        members.append(f'"data": {data}')
    text = "{" + ", ".join(draw(st.permutations(members))) + "}"
    target = quote(path, safe=SAFE) + ("?" + encoded(pairs) if pairs else "")
    return Written(text, method, target, body)


def _cases(method: str) -> st.SearchStrategy[str]:
    return st.sampled_from([method, method.lower(), method.title(), method.swapcase()])


def plain(method: str, path: str, spec: object = None) -> Written:
    """An action on a plain path; `spec` is its `data` in a body (C14)."""
    body = None if spec is None else b'{"data":' + json.dumps(spec).encode() + b"}"
    data = "" if spec is None else f', "data": {json.dumps(spec)}'
    return Written(f'{{"method": "{method}", "relative_path": "{path}"{data}}}', method, path, body)


def asked(method: str, path: str, name: str, value: str) -> Written:
    """An action with one query parameter that needs no escape (C13)."""
    data = json.dumps({name: value})
    text = f'{{"method": "{method}", "relative_path": "{path}", "data": {data}}}'
    return Written(text, method, f"{path}?{name}={value}")


def batch_of(actions: Sequence[Written]) -> bytes:
    """The body of a batch (C5)."""
    return ('{"data": {"actions": [' + ", ".join(action.text for action in actions) + "]}}").encode()


_OWN = {
    "transfer-encoding", "te", "trailer", "expect", "range", "connection", "keep-alive", "upgrade", "http2-settings",
    "accept-encoding", "digest", "x-method-override", "x-original-url", "x-original-uri", "x-original-method",
    "x-original-path", "x-rewrite-url", "x-forwarded-path", "x-forwarded-uri", "x-script-name",
    "x-envoy-original-path",
}  # fmt: skip
_OWN_KINDS = ("content-", "if-", "proxy-", "sec-websocket-", "signature", "x-http-method")

INHERITED = (
    "authorization", "cookie", "referer", "user-agent", "accept", "accept-language", "x-csrf-token", "x-forwarded-for",
    "x-forwarded-proto", "forwarded", "traceparent", "x-request-id", "prefer", "x-thing", "x-contented", "ifs",
)  # fmt: skip
NOT_INHERITED = (
    *sorted(_OWN - {"transfer-encoding", "expect"}), "content-language", "content-md5", "if-none-match", "if-match",
    "if-modified-since", "proxy-authorization", "sec-websocket-key", "signature-input", "signature",
    "x-http-method-override", "x-http-method",
)  # fmt: skip
_VALUES = st.text("abcXYZ019 ,;=\"'*/-:", min_size=1, max_size=10).map(str.strip).filter(bool)


def _fields(names: Sequence[str]) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.sampled_from(names), _VALUES)


PARENT_HEADERS: st.SearchStrategy[Pairs] = st.builds(
    lambda kept, dropped, key: kept + dropped + key,
    st.lists(_fields(INHERITED), max_size=5),
    st.lists(_fields(NOT_INHERITED), max_size=4, unique_by=lambda field: field[0]),
    st.one_of(st.just([]), st.sampled_from([[("idempotency-key", '"k-1"')], [("idempotency-key", '"a b"')]])),
)


def sent_directly(parent: Pairs, action: Written, index: int, door: str) -> Pairs:
    """The headers of the direct request that an action stands for (C14, C16).

    A body of no bytes has its length said by whoever may send one, and an environ says it always.
    """
    headers = []
    for name, value in parent:
        if name == "idempotency-key":
            if action.method not in ("GET", "HEAD"):
                headers.append((name, f'{value[:-1]}:{index}"'))
        elif name not in _OWN and not name.startswith(_OWN_KINDS):
            headers.append((name, value))
    headers.append(("accept-encoding", "identity"))
    if action.body is not None:
        headers.append(("content-type", "application/json"))
    elif door == "wsgi" or action.method in ("POST", "PUT", "PATCH"):
        headers.append(("content-length", "0"))
    return headers
