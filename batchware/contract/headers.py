"""Which headers go down to a child request (C16), and which come up from its response (C21 to C24).

Down, everything is inherited but what speaks of the parent's own body, connection or cache, and what makes a host
rewrite a request after it has been checked. A signature of the parent is none of a child, whose request line and body
are others, so it stays behind; such credentials are for `authorize`. Names of headers only become `HTTP_*` keys, so no
client makes a server variable of one. Up, everything is kept but what belongs to the connection or to the batch
answer as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from .model import Headers, Parent
from .paths import quote_path

_OWN_TO_PARENT = frozenset(
    {
        "transfer-encoding", "te", "trailer", "expect", "range", "connection", "keep-alive", "upgrade",
        "http2-settings", "accept-encoding", "digest",
        # Headers by which some hosts change the method or the path of a request that was checked already.
        "x-method-override", "x-original-url", "x-original-uri", "x-original-method", "x-original-path",
        "x-rewrite-url", "x-forwarded-path", "x-forwarded-uri", "x-script-name", "x-envoy-original-path",
    }
)  # fmt: skip
_OWN_TO_PARENT_PREFIXES = ("content-", "if-", "proxy-", "sec-websocket-", "signature", "x-http-method")

_LEFT_OUT = frozenset(
    {
        # Hop-by-hop (RFC 9110, section 7.6.1).
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "trailers", "transfer-encoding", "upgrade",
        # Facts about the answer as a whole, which the batch has of its own.
        "content-length", "date", "server", "alt-svc", "strict-transport-security", "vary", "cache-control",
        # Goes to the batch answer's own headers, or nowhere (C24): scripts must not read an HttpOnly cookie.
        "set-cookie",
    }
)  # fmt: skip

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""The methods that may change something (RFC 9110, section 9.2.1): the ones that get an `Idempotency-Key`."""


@lru_cache(maxsize=2048)
def inherited(name: str) -> bool:
    """Whether a child request inherits the parent's header `name` (lower case) (C16).

    Underscores count as hyphens: in an environ, and in some frameworks, the two are the same name.
    """
    name = name.replace("_", "-")
    return name not in _OWN_TO_PARENT and not name.startswith(_OWN_TO_PARENT_PREFIXES)


def idempotency_key(value: str, index: int) -> str:
    """The parent's `Idempotency-Key` made one action's own: `:index` inside its quotes (C16)."""
    stripped = value.rstrip()
    if stripped.endswith('"') and len(stripped) > 1:
        return f'{stripped[:-1]}:{index}"'
    return f"{value}:{index}"


def result_headers(headers: Headers, *, head: bool, only: frozenset[str] | None) -> dict[str, str]:
    """A response's headers as they stand in its result (C22, C23).

    `head` keeps `content-length`, `only` is the host's `result_headers`.
    """
    result: dict[str, str] = {}
    for name, value in headers:
        if name in _LEFT_OUT and not (head and name == "content-length"):
            continue
        if name.startswith("access-control-") or (only is not None and name not in only):
            continue
        result[name] = f"{result[name]}, {value}" if name in result else value
    if "content-type" in result and result["content-type"].lower() == "application/json":
        del result["content-type"]
    return result


# A cookie's Path attribute that a browser obeys (RFC 6265, section 5.2.4): anything else means the default path.
_COOKIE_PATH = re.compile(r";\s*path\s*=\s*/", re.IGNORECASE)


def sets_cookies(headers: Headers) -> bool:
    """Whether a response has a `set-cookie`."""
    for name, _ in headers:  # noqa: SIM110  # a generator for each response costs three times the loop
        if name == "set-cookie":
            return True
    return False


def forwarded_cookies(responses: Iterable[tuple[str, Headers]]) -> Iterator[str]:
    """The `set-cookie` values of `(request path, response headers)`, as the batch answer carries them (C24).

    In order, identical ones once. One without a path gets its child's default path (RFC 6265, section 5.1.4); the
    browser would give it the batch's own.
    """
    seen: set[str] = set()
    for path, headers in responses:
        for name, value in headers:
            if name != "set-cookie":
                continue
            cookie = value if _COOKIE_PATH.search(value) else f"{value}; Path={_default_path(path)}"
            if cookie not in seen:
                seen.add(cookie)
                yield cookie


def _default_path(path: str) -> str:
    """The folder of a request path; a semicolon would end the attribute."""
    return quote_path(path).rpartition("/")[0].replace(";", "%3B") or "/"


def cross_origin(parent: Parent) -> bool:
    """Whether the parent has an `Origin` that is not its own host (C24)."""
    origin = parent.header("origin")
    if origin is None:
        return False
    scheme, _, authority = origin.lower().partition("://")
    return _with_port(authority, scheme) != _with_port((parent.header("host") or "").lower(), scheme)


def _with_port(authority: str, scheme: str) -> str:
    if re.search(r":\d+\Z", authority):
        return authority
    return f"{authority}:{443 if scheme == 'https' else 80}"


def access_control(headers: Headers) -> list[tuple[str, str]]:
    """The `access-control-*` fields of a response (C1, C24)."""
    return [(name, value) for name, value in headers if name.startswith("access-control-")]
