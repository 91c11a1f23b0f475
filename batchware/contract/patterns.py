"""Path patterns, and how a path is compared with one (C32): the grammar that rules and limits share.

A pattern is whole segments: a literal, `{anything}` for one segment of any content, and `**` as the last one for
everything below and the path itself. What must not be evaded (a denied endpoint, a limit) is compared in every spelling
that some router takes for the same; what must not be widened (an allowed endpoint) exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

from .errors import quoted

_ESCAPE = re.compile(r"%[0-9a-f]{2}")
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


def leads_elsewhere(path: str) -> bool:
    """Whether a further decoding, folding or cutting off of `;parameters` uncovers in `path` what no wildcard of an
    allowed endpoint may take: a dot segment, or by folding a separator or an escape (C33).
    """
    if path.isascii() and "%" not in path and ";" not in path:
        return False  # a plain dot segment is refused with the path (C11)
    for reading in decodings(path):
        folded = fold(reading)
        if folded.count("/") != reading.count("/") or _ESCAPE.findall(folded) != _ESCAPE.findall(reading.lower()):
            return True
        if any(segment.partition(";")[0] in (".", "..") for text in (reading, folded) for segment in text.split("/")):
            return True
    return False


def spellings(path: str) -> Iterable[str]:
    """Everything that a router may take a decoded `path` for, folded (C32): without a trailing slash, as it is and
    with `;parameters` cut off, after one and two further decodings. Folding may uncover escapes, and both folding and
    decoding may uncover separators and dot segments: those are read as what they are, and as what they become.
    """
    if path.isascii() and "%" not in path and ";" not in path:
        return (path.lower().rstrip("/"),)
    found: dict[str, None] = {}
    for source in dict.fromkeys((path, fold(path))):
        for reading in decodings(source):
            for text in dict.fromkeys((reading, fold(reading))):
                for form in dict.fromkeys((text, re.sub(r";[^/]*", "", text))):
                    found |= dict.fromkeys(_structures(form))
    return found


def _structures(form: str) -> tuple[str, str]:
    """`form` with each segment in its place, even one that folds to nothing, and with dot segments resolved."""
    placed: list[str] = []
    resolved: list[str] = []
    for segment in form.rstrip("/").split("/")[1:]:
        folded = fold(segment)
        # A router sees one segment here, which can be an id.
        placed.append(folded.replace("/", "\ufffd") or "\ufffd")
        if segment == "..":
            del resolved[-1:]
        elif segment not in ("", "."):
            resolved.append(folded)
    return "".join("/" + segment for segment in placed), "".join("/" + segment for segment in resolved)


# Characters that are seen as nothing, beside the categories Cc and Cf: fillers, joiners, variation selectors, and code
# points that Unicode reserves for more of them (Default_Ignorable_Code_Point).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_DOTTED_I = re.compile("[\u0131\u0130]|i\u0307")


def fold(text: str) -> str:
    """`text` with letter case, Unicode compatibility forms, dots of i and invisible characters folded away (C32)."""
    if text.isascii() and text.isprintable():  # a further decoding may have brought a tab, which parsers of URLs drop
        return text.lower()
    seen = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf"))
    seen = _INVISIBLE.sub("", seen)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return _DOTTED_I.sub("i", folded)
