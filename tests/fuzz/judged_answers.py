"""The judge of what reaches a child beside its target (C14, C16), and of what a response becomes (C20 to C24)."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.fuzz.cases import RAN, Case, Fields, Given
from tests.fuzz.strict_json import NotJson, read

_OWN = {
    b"transfer-encoding", b"te", b"trailer", b"expect", b"range", b"connection", b"keep-alive", b"upgrade",
    b"http2-settings", b"accept-encoding", b"digest", b"x-method-override", b"x-original-url", b"x-original-uri",
    b"x-original-method", b"x-original-path", b"x-rewrite-url", b"x-forwarded-path", b"x-forwarded-uri",
    b"x-script-name", b"x-envoy-original-path",
}  # fmt: skip
_OWN_KINDS = (b"content-", b"if-", b"proxy-", b"sec-websocket-", b"signature", b"x-http-method")
_KEY = b"idempotency-key"
_SIMPLE_KEY = re.compile(rb'"[^"\\]*"\Z')


def inherited(parent: Fields, method: str, index: int, body: bytes | None) -> Counter[tuple[bytes, bytes]] | None:
    """C16: the child's headers, less its `content-length`; None where a malformed key leaves them open."""
    headers = [(b"accept-encoding", b"identity")]
    keys = [value for name, value in parent if name == _KEY]
    if keys and method not in ("GET", "HEAD"):
        if len(keys) > 1 or not _SIMPLE_KEY.match(keys[0]):
            return None
        headers.append((_KEY, b'%s:%d"' % (keys[0][:-1], index)))
    for name, value in parent:
        alike = name.replace(b"_", b"-")  # in an environ the two are one
        if alike not in _OWN and name != _KEY and not alike.startswith(_OWN_KINDS):
            headers.append((name, value))
    if body is not None:
        headers.append((b"content-type", b"application/json"))
    return Counter(headers)


# --- the way up

_LEFT_OUT = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"date", b"server", b"alt-svc", b"strict-transport-security", b"vary",
    b"cache-control", b"set-cookie",
}  # fmt: skip
_OPEN = {b"proxy-connection", b"trailers"}  # hop-by-hop by habit, not by name
_TEXT = {"application/xml", "application/javascript", "application/x-www-form-urlencoded"}
_CHARSETS = {
    "utf-8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "utf-16", "koi8-r", "shift_jis", "utf-32",
}  # fmt: skip
_CONTENT_TYPE = re.compile(r'([^;"]*)(?:;[ \t]*(?:charset="?([\w-]+)"?)?)?[ \t]*\Z', re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Due:
    """What a result must hold; `text` is the exact JSON of the body, `value` the string that it is; neither: open."""

    status: int | None
    headers: dict[str, str] | None
    text: bytes | None = None
    value: str | None = None


def due(given: Given, method: str, serial: int) -> Due:
    """C20 to C23: the result of the response that the handler of request `serial` gave."""
    if given.is_odd:
        return Due(None, None)
    text, value, is_base64 = _body(given, method)
    headers = _headers(given, method)
    if headers is not None:
        headers[RAN.decode()] = str(serial)
        if is_base64:
            headers["content-transfer-encoding"] = "base64"
    if text is None and value is None:
        headers = None
    return Due(given.status, headers, text, value)


def _headers(given: Given, method: str) -> dict[str, str] | None:
    kept: dict[str, list[str]] = {}
    for name, value in given.headers:
        if name in _OPEN or (name == b"connection" and value.lower() not in (b"close", b"keep-alive")):
            return None
        left_out = name in _LEFT_OUT or name.startswith(b"access-control-")
        if not left_out and (name != b"content-length" or method == "HEAD"):
            kept.setdefault(name.decode(), []).append(value.decode("latin-1"))
    headers = {name: ", ".join(values) for name, values in kept.items()}
    if headers.get("content-type", "").lower() == "application/json":
        del headers["content-type"]
    return headers


def _body(given: Given, method: str) -> tuple[bytes | None, str | None, bool]:
    """C21: exact JSON, or a string and whether it is base64, or neither where the contract leaves it open."""
    if not given.body or method == "HEAD" or given.status in (204, 304):
        return b"null", None, False
    encoded = None, base64.b64encode(given.body).decode(), True
    codings = {value.lower() for name, value in given.headers if name == b"content-encoding"}
    if codings:
        # "Every response with a Content-Encoding" might mean those with the one that encodes nothing, or not.
        return (None, None, False) if codings & {b"", b"identity"} else encoded
    types = [value.decode("latin-1") for name, value in given.headers if name == b"content-type"]
    told = _CONTENT_TYPE.match(types[0] if types else "")
    if len(types) > 1 or not told:
        return None, None, False
    essence, charset = told[1].strip(" \t").lower(), (told[2] or "utf-8").lower()
    is_json = essence == "application/json" or essence.endswith("+json")
    if is_json:
        try:
            read(given.body)
        except NotJson:
            if given.body.count(b"[") + given.body.count(b"{") > 64:
                return None, None, False  # how deep a response may be nested is not said
        else:
            return given.body, None, False
    if is_json or essence.startswith("text/") or essence in _TEXT or essence.endswith("+xml"):
        if charset not in _CHARSETS:
            return None, None, False
        try:
            return None, given.body.decode(charset), False
        except UnicodeDecodeError:
            return encoded
    return encoded


_COOKIE = re.compile(rb"[a-z0-9]+=[a-z0-9]*(?:; (?:HttpOnly|Secure|Path=/[a-z0-9/]*|Max-Age=[0-9]+))*\Z")
_PLAIN_PATH = re.compile(r"[a-z0-9/_-]+\Z")


def cookies(answered: Iterable[tuple[str, Given]]) -> list[str] | None:
    """C24: the cookies of the batch, from the whole path and the response of each action; None: open."""
    collected: list[str] = []
    for path, given in answered:
        if given.is_odd:
            return None
        for value in (value for name, value in given.headers if name == b"set-cookie"):
            if not _COOKIE.match(value) or not _PLAIN_PATH.match(path):
                return None
            cookie = value.decode()
            if "; Path=" not in cookie:
                cookie += f"; Path={path.rpartition('/')[0] or '/'}"
            if cookie not in collected:
                collected.append(cookie)
    return collected


# What may stand in a child's scope or environ (C17).
SCOPE_KEYS = {
    "type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path", "headers",
    "client", "server", "batchware", "state", "extensions",
}  # fmt: skip
_ENVIRON_KEYS = {
    "REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "SERVER_NAME",
    "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT", "REMOTE_HOST", "wsgi.version", "wsgi.url_scheme",
    "wsgi.input", "wsgi.errors", "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once", "batchware.action",
}  # fmt: skip


def strangers(frame: Mapping[str, object]) -> set[str]:
    """The keys of a child's scope or environ that have no business there."""
    if "wsgi.version" in frame:
        return {key for key in frame if key not in _ENVIRON_KEYS and not key.startswith("HTTP_")}
    return set(frame) - SCOPE_KEYS


def field_filter(case: Case) -> set[str] | None:
    """C7: the members that each result must have; None where the query may be read in two ways."""
    members = {"status_code", "headers", "body"}
    fields = [part.partition(b"=") for part in case.query.split(b"&") if part.startswith(b"opt_fields")]
    if not fields and b"opt_fields" not in case.query and b"%" not in case.query and b"+" not in case.query:
        return members
    if len(fields) == 1 and re.fullmatch(rb"[a-z_,]+", fields[0][2]) and fields[0][0] == b"opt_fields":
        return members & set(fields[0][2].decode().split(",")) or None  # what nothing but unknown names keep is open
    return None
