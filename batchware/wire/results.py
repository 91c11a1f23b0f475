"""A response as one entry of the answer (C20, C21): how its body becomes JSON that cannot break the envelope."""

from __future__ import annotations

import base64
import re
from functools import lru_cache

import msgspec

from ..contract.headers import result_headers
from ..contract.model import Outcome
from . import json

_encode = msgspec.json.Encoder().encode

_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s";]+)"?', re.IGNORECASE)
_TEXT_TYPES = frozenset({"application/xml", "application/javascript", "application/x-www-form-urlencoded"})


@lru_cache(maxsize=512)
def _read_media_type(content_type: str) -> tuple[bool, bool, str]:
    """Whether it is JSON, whether it is text, and its charset."""
    essence = content_type.partition(";")[0].strip(" \t").lower()
    found = _CHARSET.search(content_type)
    is_json = essence == "application/json" or essence.endswith("+json")
    is_text = essence.startswith("text/") or essence in _TEXT_TYPES or essence.endswith("+xml")
    return is_json, is_text, found.group(1) if found else "utf-8"


def parts(outcome: Outcome, *, head: bool, only: frozenset[str] | None) -> tuple[dict[str, str], bytes]:
    """The result's headers, and its body as one JSON value in bytes.

    `head` says that the action's method was HEAD; `only` is the host's `result_headers`.
    """
    body = outcome.body
    headers = result_headers(outcome.headers, head=head, only=only)
    if not body or outcome.status in (204, 304) or (head and outcome.error is None):  # an error is shown to HEAD too
        return headers, b"null"
    content_type, encoded = "", False
    for name, value in outcome.headers:
        if name == "content-type":
            content_type = value
        elif name == "content-encoding" and value.strip().lower() not in ("", "identity"):
            encoded = True
    is_json, is_text, charset = _read_media_type(content_type)
    if not encoded:
        if is_json and json.valid(body):
            return headers, body
        if is_json or is_text:
            try:
                return headers, _encode(body.decode(charset))
            except (ValueError, LookupError, Warning):  # some codecs warn, and warnings may be errors
                pass  # not what it says it is: its bytes then, as they are
    headers["content-transfer-encoding"] = "base64"
    return headers, b'"' + base64.b64encode(body) + b'"'
