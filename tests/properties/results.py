"""The result that a direct response stands for: the oracle of C0 for the way up, from the words of C20 to C26."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any

from tests.hosts.clients import Response
from tests.properties.json_texts import NotJson, read_strictly

_HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade",
}  # fmt: skip
_LEFT_OUT = _HOP_BY_HOP | {
    "date", "server", "alt-svc", "strict-transport-security", "vary", "cache-control", "set-cookie",
}  # fmt: skip
_TEXT = {"application/xml", "application/javascript", "application/x-www-form-urlencoded"}


def expected_headers(direct: Response, method: str) -> dict[str, str]:
    """C22 and C23."""
    kept: dict[str, list[str]] = {}
    for name, value in direct.headers:
        left_out = name in _LEFT_OUT or name.startswith("access-control-")
        if not left_out and (name != "content-length" or method == "HEAD"):
            kept.setdefault(name, []).append(value.strip())
    headers = {name: ", ".join(values) for name, values in kept.items()}
    if headers.get("content-type", "").lower() == "application/json":
        del headers["content-type"]
    return headers


def expected_body(direct: Response, method: str) -> tuple[str, bytes | str | None]:
    """C21: what kind of body it is, and what it holds. `json` is to be embedded byte for byte."""
    if not direct.body or method == "HEAD" or direct.status in (204, 304):
        return "null", None
    media_type = direct.header("content-type") or ""
    essence = media_type.split(";")[0].strip().lower()
    if direct.header("content-encoding") is None:
        if essence == "application/json" or essence.endswith("+json"):
            try:
                read_strictly(direct.body)
            except NotJson:
                pass
            else:
                return "json", direct.body
        is_json = essence == "application/json" or essence.endswith("+json")
        if is_json or essence.startswith("text/") or essence in _TEXT or essence.endswith("+xml"):
            charset = re.search(r"charset=\"?([\w-]+)", media_type, re.IGNORECASE)
            try:
                return "text", direct.body.decode(charset[1] if charset else "utf-8")
            except (UnicodeDecodeError, LookupError):
                pass
    return "base64", base64.b64encode(direct.body).decode()


def check_result(result: dict[str, Any], raw: bytes, direct: Response, method: str) -> None:
    """That `result`, which stood in the answer as `raw`, is what the direct response becomes."""
    assert set(result) == {"status_code", "headers", "body"}
    if not direct.complete:
        # Only a complete response counts; in place of half of one, or of none, stands the error (C26, C30).
        assert result["status_code"] == 500
        (error,) = result["body"]["errors"]
        assert set(error) == {"message"}
        assert "secret" not in error["message"]
        return
    kind, body = expected_body(direct, method)
    headers = expected_headers(direct, method)
    if kind == "base64":
        headers["content-transfer-encoding"] = "base64"
    assert result["status_code"] == direct.status
    assert result["headers"] == headers
    if kind == "json":
        assert isinstance(body, bytes)
        assert raw.endswith(b'"body":' + body + b"}")
    else:
        assert result["body"] == body


def split_answer(body: bytes) -> tuple[list[dict[str, Any]], list[bytes]]:
    """The results of an answer, read strictly, and the bytes of each (C5, C19)."""
    answer = json.loads(body.decode("utf-8"))
    assert set(answer) == {"data"}
    text, decoder, raw = body.decode("utf-8"), json.JSONDecoder(), []
    at = text.index("[") + 1
    for _ in answer["data"]:
        _, end = decoder.raw_decode(text, at)
        raw.append(text[at:end].encode("utf-8"))
        at = end + 1
    return answer["data"], raw


def expected_cookies(responses: Iterable[tuple[str, Response]]) -> list[str]:
    """The cookies of the batch answer, from `(path, direct response)` (C24)."""
    cookies: list[str] = []
    for path, direct in responses:
        for value in direct.all("set-cookie") if direct.complete else ():
            attributes = [part.strip().lower() for part in value.split(";")[1:]]
            folder = path.rpartition("/")[0] or "/"
            cookie = value.strip()
            if not any(part.startswith("path=/") for part in attributes):
                cookie += f"; Path={folder}"
            if cookie not in cookies:
                cookies.append(cookie)
    return cookies
