"""The judge of `relative_path`: its grammar (C11), its dispatched forms (C12), and what is not batched (C31 to C33).

Between what C32 says must be refused and what no reading of it could mean lies what only a guess could decide: there
the judge answers `None`, and either is right.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from tests.fuzz.settings import Setting

_WRITTEN = re.compile(r"/(?!/)(?:[!$&-.0-9:;<=>@A-Z\[\]^_`a-z{|}~\"'()*+,/]|%(?!2[fF]|5[cC])[0-9a-fA-F]{2})*\Z")
_UNQUOTED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/:@!$&'()*+,;=~-._")
_LONGEST = 2048


def decode_path(written: str) -> str | None:
    """The path that `written` stands for, or None where C11 refuses it."""
    if not written.isascii() or len(written) > _LONGEST or not _WRITTEN.match(written):
        return None
    try:
        path = _octets(written.encode()).decode("utf-8")
    except UnicodeDecodeError:
        return None
    if any(unicodedata.category(character) == "Cc" for character in path):
        return None
    first, *segments = path.split("/")
    inner = segments[:-1]
    if first or "" in inner or "." in segments or ".." in segments:
        return None
    return path


def _octets(text: bytes) -> bytes:
    """One decoding of escapes; what is no escape stays."""
    return re.sub(rb"%([0-9a-fA-F]{2})", lambda match: bytes.fromhex(match[1].decode()), text)


def quote(path: str) -> str:
    """C12: `path` with an escape for each byte that is not in its safe set."""
    return "".join(chr(byte) if byte in _UNQUOTED else f"%{byte:02X}" for byte in path.encode("utf-8"))


# --- endpoints that cannot be batched

# Default_Ignorable_Code_Point, as the Unicode Character Database lists it.
_IGNORABLE = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
_INVISIBLE = frozenset(itertools.chain.from_iterable(range(first, last + 1) for first, last in _IGNORABLE))


def fold(text: str) -> str:
    """What C32 compares: `text` without the differences that it names."""
    while True:
        visible = "".join(character for character in text if ord(character) not in _INVISIBLE)
        plain = visible.replace("\u0130", "i").replace("\u0131", "i")
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold())
        folded = folded.replace("i\u0307", "i").replace("\u0131", "i")
        if folded == text:
            return folded
        text = folded


def _loosely(text: str) -> str:
    """More than C32 asks for: what even a careless reader could not tell apart from a folded text.

    The blank of Braille can be seen as little as what Unicode calls ignorable.
    """
    decomposed = unicodedata.normalize("NFKD", fold(text)).replace("\u2800", "")
    return "".join(
        character for character in decomposed if unicodedata.category(character) not in ("Cc", "Cf", "Mn", "Me", "Zs")
    )


def _cut(path: str) -> Iterator[str]:
    """`path` as it is, and with a trailing slash and with `;parameters` cut off, in every order."""
    without = re.sub(r";[^/]*", "", path)
    for text in (path, without):
        yield text
        if len(text) > 1 and text.endswith("/"):
            yield text[:-1]


def _decodings(path: str, times: int) -> Iterator[str]:
    """`path`, and what further decodings make of it: of its bytes, for one character may be escaped to two depths."""
    yield path
    octets = path.encode("utf-8")
    for _ in range(times):
        decoded = _octets(octets)
        if decoded == octets:
            return
        octets = decoded
        yield octets.decode("utf-8", "replace")


def _resolved(path: str) -> str:
    """`path` as a careless server reads it: no dot segments, no empty ones, a backslash for a slash."""
    kept: list[str] = []
    for segment in re.split(r"[/\\]", re.sub(r"[?#].*", "", path, flags=re.DOTALL)):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept)


def _strict_forms(path: str) -> set[str]:
    """The forms that C32 names. Folding comes before and after cutting: a `;` or a slash may come out of it."""
    forms = set()
    for decoded in _decodings(path, 2):
        for text in (decoded, fold(decoded)):
            for cut in _cut(text):
                forms |= {cut, fold(cut), _by_segment(cut)}
    return forms


def _by_segment(path: str) -> str:
    """`path` with each segment folded and still one segment, whatever it folds to: so a router has split it."""
    return "/".join(segment and (fold(segment).replace("/", "\ufffd") or "\ufffd") for segment in path.split("/"))


def _loose_forms(path: str) -> set[str]:
    forms: set[str] = set()
    start = {path, fold(path), _loosely(path)}
    for text in start:
        for decoded in _decodings(text, 4):
            for form in (decoded, fold(decoded), _loosely(decoded)):
                for cut in _cut(form):
                    forms |= {cut, _resolved(cut), fold(cut), _resolved(fold(cut)), *_cut(_resolved(cut))}
                    forms |= {_resolved(again) for again in _decodings(_loosely(cut), 3)}
                    # Some routers take an empty segment, which only a further decoding can bring about, for an id.
                    forms.add(re.sub("(?<=/)(?=/)", "\ufffd", _by_segment(cut)))
    return forms


@lru_cache
def _pattern(rule: str) -> tuple[frozenset[str] | None, re.Pattern[str]]:
    methods, _, template = rule.rpartition(" ")
    segments = []
    for segment in template.split("/")[1:]:
        if segment == "**":
            segments.append("(?:/.*)?")
        elif segment.startswith("{"):
            segments.append("/[^/]+")
        else:
            segments.append("/" + re.escape(segment))
    return frozenset(methods.split()) or None, re.compile("".join(segments), re.DOTALL)


def _matches(rule: str, method: str, forms: set[str]) -> bool:
    methods, pattern = _pattern(rule)
    return (methods is None or method in methods) and any(pattern.fullmatch(form) for form in forms)


def is_denied(setting: Setting, method: str, path: str) -> bool | None:
    """Whether an action on `path`, decoded and below the API base, must be refused; None where it may be."""
    return _is_denied(setting.deny, setting.allow, method, path)


@lru_cache(4096)
def _is_denied(deny: tuple[str, ...], allow: tuple[str, ...] | None, method: str, path: str) -> bool | None:
    strict, loose = _strict_forms(path), _loose_forms(path)
    listed = ("/batch",) if allow is not None else ("/batch", *deny)
    if any(_matches(rule, method, strict) for rule in listed):
        return True
    unsure = any(_matches(rule, method, loose) for rule in listed)
    if allow is not None:
        if not any(_matches(rule, method, strict | loose) for rule in allow):
            return True
        # What a further decoding, or folding, would take elsewhere is not named for certain.
        named = [any(_matches(rule, method, {text}) for rule in allow) for text in (path, fold(path))]
        unsure = unsure or "%" in path + fold(path) or not all(named)
    return None if unsure else False
