"""Which requests a batch can carry: those, and no others, that the server rebuilds just as they are.

A batch spells an action in JSON, and the server makes a request of it again: paths and queries are decoded and
encoded, a body is wrapped, headers are taken from the batch. Where the outcome would differ from the request in a
single byte that the application can see, the request goes out on its own. What it can't see and a batch changes all
the same: `Connection`, `Accept-Encoding` (an action's answer is never compressed; the batch's may be), and a
`Content-Type: application/json` that speaks of no body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote, unquote_to_bytes, urlsplit

from ..actions import Action, Raw, Style
from .library import RawHeaders, Request, library_of
from .patterns import DIRECT, Pattern

_READS = frozenset({"GET", "HEAD"})
_WRITES = frozenset({"POST", "PUT", "PATCH"})
_METHODS = _READS | _WRITES | {"DELETE"}

_LONGEST_PATH = 2048  # bytes of an action's path, as it is written
_PATH_SAFE = "/:@!$&'()*+,;=~-._"  # how the server spells a path again
_NOT_IN_A_PATH = re.compile(r"[\\\x00-\x1f\x7f-\x9f]|//|/\.{1,2}(?=/|\Z)")

_OPTIONS = {"opt_fields": "fields", "opt_expand": "expand", "limit": "limit", "offset": "offset"}

# What an action does not inherit from its batch: a request that has it goes on its own.
_NOT_INHERITED = frozenset(
    {
        b"transfer-encoding", b"te", b"trailer", b"expect", b"range", b"keep-alive", b"upgrade", b"http2-settings",
        b"digest", b"x-method-override", b"x-original-url", b"x-original-uri", b"x-original-method",
        b"x-original-path", b"x-rewrite-url", b"x-forwarded-path", b"x-forwarded-uri", b"x-script-name",
        b"x-envoy-original-path", b"connection", b"accept-encoding",
        b"idempotency-key",  # inherited, but with the action's place in the batch added to it
    }
)  # fmt: skip
_NOT_INHERITED_PREFIXES = (b"content-", b"if-", b"proxy-", b"sec-websocket-", b"signature", b"x-http-method")

Company: TypeAlias = tuple[Any, ...]
"""What requests must have in common to go in one batch: inherited headers, and time-outs."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A request that a batch can carry; `entry` is the action as it stands in the batch."""

    action: Action
    entry: bytes
    headers: RawHeaders
    company: Company


class Carrier:
    """Reads requests to the API that the batch route at `url` belongs to. Options are those of `BatchTransport`."""

    def __init__(self, url: str, *, style: Style, max_bytes: int, direct: Iterable[str] | None) -> None:
        if style not in ("asana", "plain"):
            raise ValueError(f"style: must be 'asana' or 'plain', not {style!r}")
        parts = urlsplit(url)
        base, _, route = parts.path.rpartition("/")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"url: must be the http or https URL of the batch route, not {url!r}")
        if not route or _path(parts.path) is None:
            raise ValueError(f"url: its path must be that of the batch route, percent-encoded, not {parts.path!r}")
        self._url = url
        self._origin: tuple[bytes, bytes, int | None] | None = None
        self._base, self._route = base, f"/{route}"
        self._style: Style = style
        # The envelope is at most 24 bytes, and there is a comma between two actions.
        self.most_bytes = max_bytes - 24
        default = DIRECT if style == "asana" else ()
        self._direct = [Pattern.read(text) for text in (default if direct is None else direct)]

    def carry(self, request: Request) -> Carried | None:
        """The request as an action; None where it has to go on its own."""
        if request.method not in _METHODS or request.extensions.keys() - {"timeout"}:
            return None
        target, asks, query = request.url.raw_path.decode("ascii").partition("?")
        path = self._relative(request, target)
        content = None if path is None else _content(request)
        if path is None or content is None or (asks and not query):
            return None
        headers = _inherited(request, content)
        action = None if headers is None else self._action(request.method, path, query, content)
        if headers is None or action is None:
            return None
        try:
            entry = action.write()
        except ValueError:  # deeper than a batch may be
            return None
        if len(entry) > self.most_bytes:
            return None
        timeout: Mapping[str, Any] = request.extensions.get("timeout") or {}
        return Carried(action, entry, headers, (headers, tuple(sorted(timeout.items()))))

    def _relative(self, request: Request, target: str) -> str | None:
        """The path below the API base, if it is one that an action can have and that may be batched."""
        if self._origin is None:
            self._origin = _origin(library_of(request).URL(self._url))
        if _origin(request.url) != self._origin or not target.startswith(self._base + "/"):
            return None
        path = target[len(self._base) :]
        decoded = _path(path)
        if decoded is None or path.rstrip("/") == self._route:
            return None
        return None if any(pattern.matches(request.method, decoded) for pattern in self._direct) else path

    def _action(self, method: str, path: str, query: str, content: bytes) -> Action | None:
        parameters = _parameters(query) if query else {}
        if parameters is None:
            return None
        if method not in _WRITES:
            # What becomes of the data of a delete, the server's configuration says.
            return None if content or (parameters and method == "DELETE") else Action(method, path, parameters or None)
        if parameters and (self._style != "asana" or not parameters.keys() <= _OPTIONS.keys()):
            return None
        options = {_OPTIONS[name]: value for name, value in parameters.items()} or None
        if not content:
            return Action(method, path, None, options)
        data = self._data(content)
        return None if data is None else Action(method, path, data, options)

    def _data(self, content: bytes) -> Raw | None:
        """What the server makes exactly this body of."""
        if self._style == "asana":
            # No space where others would write one: `{"data":` is how the server spells it.
            if not (content.startswith(b'{"data":{') and content.endswith(b"}}")):
                return None
            content = content[8:-1]
        elif content != content.strip(b" \t\n\r"):
            return None
        try:
            return Raw(content)
        except ValueError:
            return None


def _origin(url: Any) -> tuple[bytes, bytes, int | None]:
    return url.raw_scheme, url.raw_host, url.port


def _path(path: str) -> str | None:
    """`path` decoded, if the server spells it the same and takes it for an action's."""
    try:
        decoded = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return None
    if quote(decoded, safe=_PATH_SAFE) != path or len(path) > _LONGEST_PATH or _NOT_IN_A_PATH.search(decoded):
        return None
    return decoded


def _parameters(query: str) -> dict[str, str] | None:
    """A query string as the members of an object, if the server makes the same one of them again."""
    parameters: dict[str, str] = {}
    try:
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            parameters[unquote_to_bytes(name).decode()] = unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        return None
    spelled = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items())
    return parameters if spelled == query else None


def _content(request: Request) -> bytes | None:
    """The body; None for one that is not in memory."""
    return request.read() if isinstance(request.stream, library_of(request).ByteStream) else None


def _inherited(request: Request, content: bytes) -> RawHeaders | None:
    """The headers that the batch has to have, by name; None if there are others, or the body's are not the server's."""
    kept: list[tuple[bytes, bytes]] = []
    about_body = {b"content-type": b"", b"content-length": b"0"}
    for field, value in request.headers.raw:
        name = field.lower()
        if name in about_body:
            about_body[name] = value
        elif name == b"connection" and value.lower() == b"keep-alive":
            continue
        elif name == b"accept-encoding":
            if not _takes_identity(value.decode("latin-1")):
                return None
        elif _stays(name) or (name == b"accept" and b"event-stream" in value.lower()):
            return None
        else:
            kept.append((name, value))
    media_type, length = about_body.values()
    expected = b"application/json" if content else b""
    if media_type != expected and (request.method in _WRITES or media_type != b"application/json"):
        return None
    return tuple(sorted(kept, key=lambda field: field[0])) if length == b"%d" % len(content) else None


def _stays(name: bytes) -> bool:
    name = name.replace(b"_", b"-")
    return name in _NOT_INHERITED or name.startswith(_NOT_INHERITED_PREFIXES)


def _takes_identity(accepted: str) -> bool:
    """Whether an answer that is not compressed will do (RFC 9110, section 12.5.3)."""
    refused = {
        coding.strip().lower()
        for coding, _, weight in (item.partition(";") for item in accepted.split(","))
        if re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    }
    named = {item.partition(";")[0].strip().lower() for item in accepted.split(",")}
    return "identity" not in refused and ("*" not in refused or "identity" in named)
