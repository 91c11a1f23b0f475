"""What a result was before it was put into a batch: the response that a direct request would have got.

Most results say it to the byte. Some could stand for two responses: null for an empty body and for the JSON null, a
string for JSON and for a body that only claimed to be, text in a character set that spells one text in two ways. Those
are told as the likelier, and as uncertain, so that a request that changes nothing can be sent again, directly.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

from ..actions import Raw, Result
from .library import RawHeaders, Response

_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s";]+)"?', re.IGNORECASE)
_TEXT_TYPES = frozenset({"application/xml", "application/javascript", "application/x-www-form-urlencoded"})

# Character sets in which each text has one spelling, by the names that Python has for them.
_ONE_SPELLING = re.compile(r"utf-8|ascii|iso8859-\d+|cp125\d|koi8-[rtu]")

_OF_THE_ANSWER = frozenset(
    {b"date", b"server", b"cache-control", b"strict-transport-security", b"alt-svc", b"set-cookie"}
)
"""What the answer to a batch says that is true of each response in it: left out of results, and said once. No cache
may keep a response that a batch brought, since its own `Cache-Control` stayed behind."""

_OF_THE_TRANSFER = frozenset({b"content-length", b"content-encoding", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A response as a direct request would have got it; `certain` is whether it can't have been another."""

    status: int
    headers: RawHeaders
    body: bytes
    certain: bool = True


def common(answer: Response) -> RawHeaders:
    """What each response takes over from the answer to the batch.

    Cookies among it: nobody can tell whose they are, and whoever goes on first must find them in its jar.
    """
    return [(name, value) for name, value in answer.headers.raw if name.lower() in _OF_THE_ANSWER]


def whole(answer: Response, body: bytes, *, head: bool) -> Rebuilt:
    """The answer to the batch, as the response to one of its requests."""
    kept = [(name, value) for name, value in answer.headers.raw if name.lower() not in _OF_THE_TRANSFER]
    length = (b"content-length", b"%d" % len(body))
    return Rebuilt(answer.status_code, [*kept, length], b"" if head else body)


def rebuilt(result: Result, shared: RawHeaders) -> Rebuilt:
    """The response that `result` stands for; `shared` is `common` of the answer that it came in."""
    headers = [
        (name.encode("ascii", "replace"), _field(value))
        for name, value in result.headers.items()
        if name != "content-transfer-encoding"
    ]
    if result.action.method == "HEAD" or result.status in (204, 304):
        return Rebuilt(result.status, [*headers, *shared], b"")
    body, certain, is_json = _Body(result).read()
    if is_json and body and "content-type" not in result.headers:
        headers.append((b"content-type", b"application/json"))
    headers.append((b"content-length", b"%d" % len(body)))
    return Rebuilt(result.status, [*headers, *shared], body, certain)


def _field(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


class _Body:
    """The body of a result, which is none of HEAD, 204 or 304."""

    def __init__(self, result: Result) -> None:
        self._result = result
        self._type = result.headers.get("content-type")
        essence = (self._type or "application/json").partition(";")[0].strip(" \t").lower()
        self._claims_json = essence == "application/json" or essence.endswith("+json")
        self._is_text = essence.startswith("text/") or essence in _TEXT_TYPES or essence.endswith("+xml")

    def read(self) -> tuple[bytes, bool, bool]:
        """The bytes, whether they can't have been others, and whether they were embedded as JSON."""
        value, raw = self._result.body, self._result.raw
        if value is None and raw == b"null":
            # An empty body has no type, or that of a page; only JSON leaves it open.
            is_json = self._claims_json and (self._type is not None or self._result.status < 300)
            return raw if is_json else b"", not self._claims_json, is_json
        if isinstance(value, str) and self._result.headers.get("content-transfer-encoding") == "base64":
            return self._base64(value)
        if not isinstance(value, str):
            return raw, True, True
        if self._claims_json:
            return self._json_string(value)
        body, one_spelling = _spelled(value, self._type)
        return body, one_spelling and self._is_text, False

    def _base64(self, value: str) -> tuple[bytes, bool, bool]:
        may_be_text = self._type is not None and (self._claims_json or self._is_text)
        try:
            # Text whose own response had this header looks the same as text that could not be decoded.
            return base64.b64decode(value, validate=True), not may_be_text or self._encoded, False
        except (binascii.Error, ValueError):
            body, one_spelling = _spelled(value, self._type)
            return body, one_spelling, False

    @property
    def _encoded(self) -> bool:
        return self._result.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")

    def _json_string(self, value: str) -> tuple[bytes, bool, bool]:
        """JSON that is a string, or the text of a body that claimed to be JSON and was not."""
        try:
            Raw(value)
        except ValueError:
            broken, _ = _spelled(value, self._type)
            looks_like_json = value.lstrip()[:1] in ("{", "[")  # with NaN in it, or cut off
            return broken if looks_like_json else self._result.raw, False, True
        return self._result.raw, True, True  # valid JSON would have been embedded as it is, so this was


def _spelled(text: str, content_type: str | None) -> tuple[bytes, bool]:
    """`text` in the character set of its type, and whether no other bytes have the same text."""
    found = _CHARSET.search(content_type or "")
    charset = found.group(1) if found else "utf-8"
    try:
        return text.encode(charset), _has_one_spelling(charset)
    except (LookupError, ValueError):
        return text.encode(), False


@lru_cache(maxsize=64)
def _has_one_spelling(charset: str) -> bool:
    return _ONE_SPELLING.fullmatch(codecs.lookup(charset).name) is not None


def refuses(result: Result, index: int) -> bool:
    """Whether a result is the server's refusal to batch this action, which then has not run.

    Its message starts with the action's place in the batch, in whatever shape the server puts its errors. A handler's
    own 400 can't be meant: it does not know the place.
    """
    return result.status == 400 and b'"actions[%d]' % index in result.raw


def may_be_the_servers(result: Result) -> bool:
    """Whether the status is one that a batch gives to an action in place of the application: refused, failed, too
    large or too slow.
    """
    return result.status in (400, 500, 502, 504)
