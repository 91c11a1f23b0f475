"""Path patterns, and how a path is compared with one (C32): the grammar that rules and limits share.

A pattern is whole segments: a literal, `{anything}` for one segment of any content, and `**` as the last one for
everything below and the path itself. What must not be evaded (a denied endpoint, a limit) is compared in every spelling
that some router takes for the same; what must not be widened (an allowed endpoint) exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from .errors import quoted

_WILDCARD = re.compile(r"\{[^{}]*\}")


def check_pattern(pattern: str) -> None:
    """Raise `ValueError` for what is no pattern."""
    segments = pattern.split("/")
    if segments[0] or len(segments) < 2 or "" in segments[1:-1]:
        raise ValueError(f"{quoted(pattern)} is no path pattern: it starts with '/' and has no empty segment")
    for segment in segments[1:]:
        if segment == "**" and segment is segments[-1]:
            continue
        if "*" in segment or (("{" in segment or "}" in segment) and not _WILDCARD.fullmatch(segment)):
            raise ValueError(
                f"{quoted(pattern)} is no path pattern: a segment is a literal, '{{name}}', or '**' at the end"
            )


def folded(pattern: str) -> str:
    """A regular expression that fully matches those `spellings` which the pattern means."""
    segments = [segment for segment in pattern.split("/") if segment]  # spellings have no trailing slash
    parts = [_special(segment) or "/" + re.escape(fold(segment)) for segment in segments]
    return f"(?s:{''.join(parts)})"


def exact(pattern: str) -> str:
    """A regular expression that fully matches the paths which the pattern means, letter by letter."""
    parts = [_special(segment) or "/" + re.escape(segment) for segment in pattern.split("/")[1:]]
    return f"(?s:{''.join(parts)})"


def _special(segment: str) -> str | None:
    if segment == "**":
        return "(?:/.*)?"
    return "/[^/]+" if _WILDCARD.fullmatch(segment) else None


def decodings(path: str) -> Iterator[str]:
    """`path`, and what it becomes after one and two further decodings."""
    yield path
    octets = path.encode("utf-8")  # not as text: the bytes of one character may be escaped to different depths
    for _ in range(2):
        if b"%" not in octets:
            return
        octets = unquote_to_bytes(octets)
        yield octets.decode("utf-8", "replace")


def spellings(path: str) -> Iterator[str]:
    """Everything that a router may take a decoded `path` for, folded (C32): without a trailing slash, as it is and
    with `;parameters` cut off, after one and two further decodings. A further decoding may uncover separators and dot
    segments, so those are resolved too.
    """
    if path.isascii() and "%" not in path and ";" not in path:
        yield path.lower().rstrip("/")
        return
    for reading in decodings(path):
        for form in {reading, re.sub(r";[^/]*", "", reading)}:
            segments: list[str] = []
            for segment in form.split("/"):
                if segment == "..":
                    del segments[-1:]
                elif segment not in ("", "."):
                    segments.append(fold(segment))
            yield "".join("/" + segment for segment in segments)


# Characters that are seen as nothing, beside the categories Cc and Cf: fillers, joiners and variation selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_DOTTED_I = re.compile("[\u0131\u0130]|i\u0307")


def fold(text: str) -> str:
    """`text` with letter case, Unicode compatibility forms, dots of i and invisible characters folded away (C32)."""
    if text.isascii():
        return text.lower()
    seen = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf"))
    seen = _INVISIBLE.sub("", seen)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return _DOTTED_I.sub("i", folded)
