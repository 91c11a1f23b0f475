"""An action, how it is written into a batch, and its result: the values that users of the client have in their hands.

Decides what is a mistake of the caller, a `ValueError` before anything is sent: what can't be JSON, or would cost its
neighbours the whole batch. Bodies that are JSON keep their bytes in both directions. `answers` makes the results.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NoReturn, TypeAlias, cast

Style: TypeAlias = Literal["asana", "plain"]
"""How the server writes batches: `{"data": {"actions": [...]}}` and `{"data": [...]}`, or without the envelope."""

MAX_DEPTH = 64
"""Levels of nesting that a batch may have; a server refuses the whole batch for one action that is deeper."""

_OUTER_LEVELS = 4  # of the envelope with its two members, the list, and the action
_READS = frozenset({"GET", "HEAD"})
_LONGEST_QUOTE = 200


class ClientError(Exception):
    """Whatever batching can fail with; the errors of the HTTP client in use are its own."""


class BadAnswer(ClientError):
    """The answer to a batch is not one result for each action, so what became of the actions is unknown."""


class ActionFailed(ClientError):
    """An action has a result, and its status is an error. `result` is that result, `message` the server's message."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.message = "" if result._in_base64 else said(result.body)
        super().__init__(f"{result.action}: {result.status}" + (f": {self.message}" if self.message else ""))


class Raw(bytes):
    """JSON in UTF-8 that goes into a batch as it stands, for `Action.data`.

    Raises `ValueError` where it isn't JSON, or JSON that a server would refuse: NaN, Infinity, lone surrogates.
    """

    __slots__ = ()

    def __new__(cls, text: bytes | str) -> Raw:
        raw = text.encode() if isinstance(text, str) else bytes(text)
        try:
            value = json.loads(raw.decode(), parse_constant=no_constant, parse_int=whole_number)
        except RecursionError:
            raise ValueError(f"nested more than {MAX_DEPTH} levels deep") from None
        if b"\\u" in raw:
            json.dumps(value, ensure_ascii=False, default=str).encode()  # escaped lone surrogates show here
        return super().__new__(cls, raw)


@dataclass(frozen=True, slots=True)
class Action:
    """One request that a batch carries.

    `path` is relative to the API base and has no `?`. `data` is any JSON value: for get, head and delete an object of
    query parameters, for the others the body; `Raw` goes in byte for byte, None is left out. `options` are those of
    the asana style: fields, expand, limit, offset.
    """

    method: str
    path: str
    data: Any = None
    options: Mapping[str, Any] | None = None

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, so that it may be sent again at any time: GET and HEAD."""
        return self.method.upper() in _READS

    def write(self) -> bytes:
        """The action as it stands in a batch, JSON in UTF-8. Raises `ValueError` for what can't stand there."""
        members: dict[str, Any] = {"method": self.method, "relative_path": self.path}
        if self.options is not None:
            members["options"] = dict(self.options)
        if self.data is not None and not isinstance(self.data, Raw):
            members["data"] = self.data
        try:
            text = json.dumps(members, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{self}: not JSON: {error}") from error
        if isinstance(self.data, Raw):
            text = b"".join((text[:-1], b',"data":', self.data, b"}"))
        if _deeper_than(text, MAX_DEPTH + 1 - _OUTER_LEVELS):
            raise ValueError(f"{self}: nested more than {MAX_DEPTH} levels deep with the batch around it")
        return text

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


class Headers(Mapping[str, str]):
    """The headers of a result: names in any case, as they came when iterated; several of one name are joined."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {name.lower(): value for name, value in fields.items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({self._fields!r})"


@dataclass(frozen=True, slots=True)
class Result:
    """The response to one action.

    `body` is the JSON value that stood in the answer: the body itself where that is JSON, text as a string, all else
    in base64, None for no body. `raw` are the bytes of that value as they came, blanks around it included.
    """

    action: Action
    status: int
    headers: Headers
    body: Any
    raw: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status < 400

    def raise_for_status(self) -> Result:
        """The result itself; raises `ActionFailed` where its status is 400 or above."""
        if not self.ok:
            raise ActionFailed(self)
        return self

    @property
    def content(self) -> bytes:
        """The body of the response in bytes, as a direct request would have got it.

        What a batch can't tell apart is taken for the likelier: null is no body (it may have been the JSON null), and
        a string without a text's content type is JSON (it may have been a body that only claimed to be).
        """
        if self.body is None:
            return b""
        if self._in_base64:
            return base64.b64decode(self.body)
        return _encoded(self.body, self.headers["content-type"]) if self._is_text else self.raw

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 in a body that isn't text has U+FFFD in it."""
        return str(self.body) if self._is_text else self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as a value; None where there is none. Raises `ValueError` where it isn't JSON."""
        return json.loads(self.content) if self._is_text or self._in_base64 else self.body

    @property
    def _in_base64(self) -> bool:
        return isinstance(self.body, str) and self.headers.get("content-transfer-encoding") == "base64"

    @property
    def _is_text(self) -> bool:
        """Whether `body` is text that was made a JSON string for the batch."""
        content_type = self.headers.get("content-type")
        return isinstance(self.body, str) and content_type is not None and not _is_json(content_type)


def write_batch(actions: Sequence[bytes], style: Style = "asana") -> bytes:
    """The body of a batch out of actions as `Action.write` wrote them."""
    listed = b'{"actions":[' + b",".join(actions) + b"]}"
    return listed if style == "plain" else b'{"data":' + listed + b"}"


def no_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)


def whole_number(digits: str) -> int | Decimal:
    """An integer of any length, exactly."""
    try:
        return int(digits)
    except ValueError:
        return Decimal(digits)


_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s";]+)"?', re.IGNORECASE)


def _is_json(content_type: str) -> bool:
    essence = content_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")


def _encoded(text: str, content_type: str) -> bytes:
    charset = _CHARSET.search(content_type)
    try:
        return text.encode(charset.group(1) if charset else "utf-8")
    except (LookupError, ValueError):
        return text.encode()


_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STEPS: Callable[[bytes], Iterator[re.Match[bytes]]] = re.compile(rb"[\[\]{}]").finditer


def _deeper_than(text: bytes, most: int) -> bool:
    """Whether valid JSON is nested more than `most` levels deep."""
    if text.count(b"[") + text.count(b"{") <= most:
        return False
    level = deepest = 0
    for step in _STEPS(_STRINGS.sub(b"", text)):
        level += 1 if step.group() in b"[{" else -1
        deepest = max(deepest, level)
    return deepest > most


_MESSAGES = ("message", "detail", "title", "error_description", "error")


def said(body: Any) -> str:
    """What the body of an error says went wrong, in one line of at most 200 characters; empty where it says nothing."""
    text = _sentence(body) or (json.dumps(body, ensure_ascii=False, default=str) if body else "")
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 3] + "..."


def _sentence(body: Any) -> str | None:
    """`{"errors": [{"message": "..."}]}`, and the other shapes that are common."""
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return None
    members = cast("dict[str, Any]", body)
    listed: Any = members.get("errors")
    if isinstance(listed, list) and listed:
        return _sentence(cast(Any, listed)[0])
    found = (members.get(name) for name in _MESSAGES)
    return next((text for text in found if isinstance(text, str) and text), None)
