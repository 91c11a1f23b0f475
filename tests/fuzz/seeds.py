"""Where both searches begin: the corpus of bypasses, and a few batches that use every part of a case."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fuzz.cases import Case, Given
from tests.fuzz.settings import SETTINGS

LONGEST = 4096
"""Bytes of an input; what is longer tests limits, and those have tests of their own."""
_CORPUS = Path(__file__).parents[1] / "data" / "bypass.jsonl"


def seeds() -> Iterator[bytes]:
    """Where the search begins."""
    for line in _CORPUS.read_text(encoding="utf-8").splitlines():
        yield from _of_corpus(json.loads(line))
    actions = [
        {"method": "get", "relative_path": "/echo/%C3%A9", "data": {"a": [1, "x"], "b": True, "c": None, "d": 1.50}},
        {"method": "post", "relative_path": "/echo/b", "data": {"a": [1, {"b": "é"}]}, "options": {"fields": "a,b"}},
        {"method": "delete", "relative_path": "/tasks/1", "options": {"limit": 5, "offset": "x", "expand": ["a"]}},
    ]
    data_body = json.dumps({"data": {"actions": actions}}).encode()
    plain_body = json.dumps(
        {"actions": [{name: action[name] for name in action if name != "options"} for action in actions]}
    )
    given = (
        Given(200, [(b"content-type", b"application/json"), (b"set-cookie", b"a=1")], b' {"a": [1, 2.0]} '),
        Given(404, [(b"content-type", b"text/html; charset=utf-16"), (b"x-a", b"b"), (b"x-a", b"c")], b"\xfe\xff\0a"),
        Given(201, [(b"content-type", b"application/problem+json")], b'{"a":1}]},{"status_code":200'),
        Given(200, [(b"content-type", b"\xa0application/json")], b"{}"),  # no white space in a header
        Given(
            200, [(b"set-cookie", b"\x17a=1")], b"{}"
        ),  # what no server sends, and would be in the batch's own headers
    )
    for depth in (60, 61):  # with the four levels around them 64, and one too many
        data = b"[" * (depth - 1) + b"]" * (depth - 1)
        yield Case(b'{"data":{"actions":[{"method":"post","relative_path":"/echo","data":{"a":%b}}]}}' % data).encode()
    headers = [(b"authorization", b"Bearer x"), (b"idempotency-key", b'"k"'), (b"x-rewrite-url", b"/batch")]
    for setting in SETTINGS:
        body = plain_body.encode() if setting.envelope is None else data_body
        yield Case(body, query=b"opt_pretty", headers=headers, given=given, setting=setting).encode()
        yield Case(body, given=given[:1], setting=setting, pieces=3).encode()


def _of_corpus(line: dict[str, Any]) -> Iterator[bytes]:
    if "action" in line:
        body = json.dumps({"data": {"actions": [line["action"]]}}).encode()
    elif "body_parts" in line:
        body = "".join(text * times for text, times in line["body_parts"]).encode()
    else:
        body = base64.b64decode(line["body_b64"]) if "body_b64" in line else line["body"].encode()
    if len(body) <= LONGEST:
        given = line.get("content_type", "application/json")
        pairs = line.get("headers") or []
        pairs = pairs.items() if isinstance(pairs, dict) else pairs
        yield Case(
            body,
            [] if given is None else [given.encode()],
            headers=[(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
        ).encode()
