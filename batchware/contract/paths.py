"""The grammar of `relative_path`, and the one value that is checked and dispatched (C11, C12).

A server's HTTP parser never sees this string, so everything that it would have refused has to be refused here.
Ambiguity is refused, never repaired: no framework agrees with another about doubled slashes, dot segments, encoded
slashes or control characters, and each disagreement has been a way around somebody's deny-list.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from .errors import quoted as _quoted

MAX_BYTES = 2048  # of relative_path as written; servers refuse request lines from 4 KiB on (gunicorn: 4,094)
SAFE = "/:@!$&'()*+,;=~-._"
"""What stays as it is when a path is quoted (C12): RFC 3986's pchar, without the percent sign."""

# A path that needs no decoding and no second look: its quoted form is itself.
_PLAIN = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9:@!$&'()*+,;=~\-._]+)+/?|/")
_FORBIDDEN = re.compile(r"[?#\\ \x00-\x1f\x7f-\U0010ffff]")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_SEPARATOR = re.compile(r"%(?:2[Ff]|5[Cc])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def quote_path(path: str) -> str:
    """`path`, percent-encoded as C12 says."""
    return quote(path, safe=SAFE)


def read_path(written: str) -> tuple[str, str]:
    """`written` as `(path, quoted)`: decoded once, and that value percent-encoded again.

    Raises `ValueError` with a message that says what is wrong and what is allowed (C29).
    """
    if _PLAIN.fullmatch(written) and len(written) <= MAX_BYTES:
        return written, written
    if not written:
        raise ValueError("must not be empty; it starts with one '/' and is relative to the API base")
    if len(written.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ValueError(f"must be at most {MAX_BYTES} bytes")
    if written[0] != "/" or written[1:2] == "/":
        raise ValueError(f"must start with exactly one '/', not {_quoted(written)}")
    if found := _FORBIDDEN.search(written):
        raise ValueError(_why_forbidden(found.group(), found.start()))
    if found := _BROKEN_ESCAPE.search(written):
        raise ValueError(f"has a broken escape at character {found.start()}; '%' is followed by two hex digits")
    if found := _ENCODED_SEPARATOR.search(written):
        raise ValueError(f"must not have {found.group()} (an encoded separator) in it")
    try:
        path = unquote_to_bytes(written).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 when its escapes are decoded") from None
    if _CONTROL.search(path):
        raise ValueError("must have no control characters, encoded or not")
    segments = path.split("/")[1:]
    if "" in segments[:-1]:
        raise ValueError("must have no empty segment ('//'); one trailing slash is fine")
    if "." in segments or ".." in segments:
        raise ValueError("must have no segment '.' or '..'")
    return path, quote_path(path)


def _why_forbidden(character: str, at: int) -> str:
    if character == "?":
        return "must have no '?'; query parameters go into 'data'"
    if character.isascii():
        return f"must have no {_quoted(character)} (found at character {at})"
    return f"must be ASCII (character {at} is not); percent-encode its UTF-8 bytes"
