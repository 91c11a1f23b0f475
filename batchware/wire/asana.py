"""The wire format that Asana documents for its batch API, and its plain variant (C5 to C7, C9 to C15, C20, C30).

{"data": {"actions": [{"method": "get", "relative_path": "/tasks/1", "data": {...}, "options": {...}}]}}
{"data": [{"status_code": 200, "headers": {...}, "body": {...}}]}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import Raw, Struct

from ..contract.deny import METHODS
from ..contract.errors import BatchError, Refused, asana_errors, quoted
from ..contract.logger import log
from ..contract.model import Action, Layout, Outcome, Pieces
from ..contract.paths import read_path
from . import json, results
from . import query as queries

_encode = msgspec.json.Encoder().encode
_OPTIONS = {"fields": "opt_fields", "expand": "opt_expand", "limit": "limit", "offset": "offset"}
_TRUE = frozenset({"true", "True", "1", ""})
_ALL = Layout().fields
_PLAIN = Layout()
_ABSENT = Raw()


class _Entry(Struct, forbid_unknown_fields=True, gc=False):
    """An action as it stands in the batch; `data` and `options` are unread, and empty where they are absent."""

    method: str
    relative_path: str
    data: Raw = _ABSENT
    options: Raw = _ABSENT


ENTRY_MEMBERS = _Entry.__struct_fields__
"""The members that an action may have."""
_MEMBERS = frozenset(ENTRY_MEMBERS)
_METHODS = {written: method for method in METHODS for written in (method, method.lower(), method.capitalize())}


class AsanaDialect:
    """Reads batches and writes answers; the options are those of `BatchConfig`."""

    def __init__(
        self,
        *,
        envelope: str | None,
        body_envelope: str | None,
        action_options: Literal["asana"] | None,
        query_lists: queries.Lists,
        delete_data: Literal["query", "body"],
        result_headers: frozenset[str] | None,
        error_body: Callable[[BatchError], Any],
    ) -> None:
        self._envelope = envelope
        self._body_prefix = None if body_envelope is None else b"{" + _encode(body_envelope) + b":"
        self._takes_options = action_options is not None
        self._lists: queries.Lists = query_lists
        self._query_methods = {"GET", "HEAD"} if delete_data == "body" else {"GET", "HEAD", "DELETE"}
        self._result_headers = result_headers
        self._error_body = error_body
        self._results_name = _encode("results" if envelope is None else envelope)
        batch: type[Struct] = msgspec.defstruct("Batch", [("actions", list[_Entry])])
        if envelope is not None:
            batch = msgspec.defstruct("Envelope", [("inner", batch)], rename={"inner": envelope})
        self._batch = msgspec.json.Decoder(batch)

    # --- reading

    def layout(self, query: str) -> Layout:
        """`opt_pretty` and `opt_fields` of the parent (C7)."""
        if "opt_" not in query:
            return _PLAIN
        asked = dict(parse_qsl(query, keep_blank_values=True))
        fields = tuple(name for name in _ALL if name in asked.get("opt_fields", "").split(","))
        return Layout(pretty=asked.get("opt_pretty") in _TRUE, fields=fields or _ALL)

    def open(self, body: bytes) -> Sequence[_Entry | Raw]:
        """The actions, none of them looked at; raises `BatchError` (C4, C5)."""
        try:
            if not body.isascii():
                body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BatchError(f"The body is not JSON: not UTF-8 at byte {error.start}.") from None
        if json.too_deep(body):
            raise BatchError(f"The body is nested more than {json.MAX_DEPTH} levels deep.")
        # A batch whose every action has the right members is taken apart in one go: 0.2 us an action, where one member
        # after the other takes 4. What is wrong with any other is found out below, and by `read`.
        try:
            read: Any = self._batch.decode(body)
        except msgspec.DecodeError:
            return self._unread(body)
        actions: list[_Entry] = (read if self._envelope is None else read.inner).actions
        return actions

    def _unread(self, body: bytes) -> list[Raw]:
        try:
            value: Raw = msgspec.json.decode(body, type=Raw)
        except msgspec.DecodeError as error:
            raise BatchError(f"The body is not JSON: {error}.") from None
        place = "body"
        for name in ("actions",) if self._envelope is None else (self._envelope, "actions"):
            found = json.members(value) if json.kind(value) == "object" else {}
            if name not in found:
                raise BatchError(f"The {place} must be an object with the member {quoted(name)}; {self._form()}")
            value, place = found[name], f"member {quoted(name)}"
        if json.kind(value) != "array":
            raise BatchError(f"The {place} must be an array of actions; {self._form()}")
        return json.items(value)

    def read(self, index: int, raw: _Entry | Raw) -> tuple[Action, BatchError | None]:
        """One action, and what is wrong with it (C9 to C15)."""
        method = path = target = query_string = place = ""
        body: bytes | None = None
        try:
            if isinstance(raw, _Entry):
                data, options = raw.data, raw.options
                method = _METHODS.get(raw.method) or _method(raw.method)
                written = raw.relative_path
            else:
                found = _found(raw)
                data, options = found.get("data", _ABSENT), found.get("options", _ABSENT)
                method = _method(_string(found, "method"))
                written = _string(found, "relative_path")
            place = "relative_path: "
            path, target = read_path(written)
            place = ""
            if data is not _ABSENT or options is not _ABSENT:
                query_string, body = self._content(method, data, options)
        except ValueError as error:
            member, _, why = f"{place}{error}".partition(": ")
            return Action(index, method, path, target), Refused.at(index, member, why)
        return Action(index, method, path, target, query_string, body), None

    def _content(self, method: str, found: Raw, options: Raw) -> tuple[str, bytes | None]:
        """The query string and the body; `found` is the member `data`."""
        data: Raw | None = None if found is _ABSENT else found
        body: bytes | None = None
        kind = "null" if data is None else json.kind(data)
        in_query = method in self._query_methods
        pairs: list[tuple[str, str]] = []
        if data is not None and (in_query or self._body_prefix is not None):
            if kind not in ("object", "null"):
                raise ValueError(f"data: must be an object, not {_a(kind)}")
            if kind == "null":
                data = None
        if data is not None and in_query:
            pairs = _located("data", lambda: queries.parameters(data, self._lists))
        elif data is not None:
            prefix = self._body_prefix
            body = bytes(data) if prefix is None else b"".join((prefix, data, b"}"))
        if options is not _ABSENT:
            pairs = self._with_options(pairs, options)
        return queries.encode(pairs) if pairs else "", body

    def _with_options(self, pairs: list[tuple[str, str]], raw: Raw) -> list[tuple[str, str]]:
        """`pairs` and the query parameters that `options` stands for (C15)."""
        if not self._takes_options:
            raise ValueError("options: is not taken here; query parameters go into data")
        kind = json.kind(raw)
        if kind == "null":
            return pairs
        if kind != "object":
            raise ValueError(f"options: must be an object, not {_a(kind)}")
        taken = {name for name, _ in pairs}
        more: list[tuple[str, str]] = []
        for name, value in json.members(raw).items():
            if name not in _OPTIONS:
                raise ValueError(f"options: has {quoted(name)}; it may have fields, expand, limit and offset")
            kind = json.kind(value)
            if kind == "null":
                continue
            if name in ("fields", "expand"):
                text = self._names(name, value, kind)
            elif kind in ("string", "number"):
                text = queries.scalar(value)
            else:
                raise ValueError(f"options.{name}: must be a string or a number, not {_a(kind)}")
            if _OPTIONS[name] in taken:
                raise ValueError(f"options.{name}: data has {_OPTIONS[name]} already")
            more.append((_OPTIONS[name], text))
        return pairs + more

    def _names(self, name: str, raw: Raw, kind: str) -> str:
        if kind == "string":
            return json.string(raw)
        if kind == "array" and all(json.kind(item) == "string" for item in json.items(raw)):
            return str(_located("options", lambda: queries.joined(name, raw)))
        raise ValueError(f"options.{name}: must be a list of strings, or one string joined by commas")

    def _form(self) -> str:
        form = '{"actions": [...]}' if self._envelope is None else f'{{"{self._envelope}": {{"actions": [...]}}}}'
        return f"a batch is {form}."

    # --- writing

    def result(self, action: Action, outcome: Outcome, layout: Layout) -> Pieces:
        """`{"status_code": ..., "headers": {...}, "body": ...}` (C20)."""
        headers, body = results.parts(outcome, head=action.method == "HEAD", only=self._result_headers)
        if layout is _PLAIN or layout == _PLAIN:
            if not headers:
                return _opening(outcome.status), body, b"}"
            return b'{"status_code":%d,"headers":%b,"body":' % (outcome.status, _encode(headers)), body, b"}"
        written = _encode(headers)
        if layout.pretty:
            written = msgspec.json.format(written, indent=2).replace(b"\n", b"\n      ")
        values = {"status_code": b"%d" % outcome.status, "headers": written, "body": body}
        colon, comma = (b'": ', b",\n      ") if layout.pretty else (b'":', b",")
        members = comma.join([b'"' + name.encode() + colon + values[name] for name in layout.fields])
        return (b"{\n      ", members, b"\n    }") if layout.pretty else (b"{", members, b"}")

    def write(self, results: Sequence[Pieces], layout: Layout) -> bytes:
        """The answer (C5)."""
        name, comma = self._results_name, b",\n    " if layout.pretty else b","
        pieces = [b"{\n  ", name, b": [\n    "] if layout.pretty else [b"{", name, b":["]
        for result in results:  # joined once: each copy of a large answer is a millisecond for a megabyte
            pieces += result
            pieces.append(comma)
        if results:
            pieces.pop()
        pieces.append(b"\n  ]\n}\n" if layout.pretty else b"]}")
        return b"".join(pieces)

    def error(self, error: BatchError, layout: Layout) -> bytes:
        """The host's shape for an error, and the default one where the host's own fails (C30)."""
        try:
            body = _encode(self._error_body(error))
        except Exception:
            log.exception("error_body failed; the client gets the default shape")
            body = _encode(asana_errors(error))
        return msgspec.json.format(body, indent=2) + b"\n" if layout.pretty else body


@lru_cache(maxsize=1024)
def _opening(status: int) -> bytes:
    """An entry without headers, up to its body."""
    return b'{"status_code":%d,"headers":{},"body":' % status


def _found(raw: Raw) -> dict[str, Raw]:
    """The members of an action, none but those that it may have."""
    if json.kind(raw) != "object":
        raise ValueError(f": must be an object, not {_a(json.kind(raw))}")
    found = json.members(raw)
    if not found.keys() <= _MEMBERS:
        unknown = next(name for name in found if name not in _MEMBERS)
        raise ValueError(
            f": has the unknown member {quoted(unknown)}; an action has method, relative_path, data, options"
        )
    return found


def _method(written: str) -> str:
    method = written.upper() if written.isascii() else ""
    if method not in METHODS:
        raise ValueError(f"method: must be get, head, post, put, patch or delete, in any case, not {quoted(written)}")
    return method


def _string(found: dict[str, Raw], member: str) -> str:
    if member not in found:
        raise ValueError(f"{member}: is missing")
    if (kind := json.kind(found[member])) != "string":
        raise ValueError(f"{member}: must be a string, not {_a(kind)}")
    return json.string(found[member])


def _located(member: str, read: Callable[[], Any]) -> Any:
    """What `read` returns; a `ValueError` of its gets `member` in front of its place."""
    try:
        return read()
    except ValueError as error:
        raise ValueError(f"{member}.{error}") from None


def _a(kind: str) -> str:
    return kind if kind == "null" else f"{'an' if kind[0] in 'ao' else 'a'} {kind}"
