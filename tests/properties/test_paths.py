"""C11 and C12, the grammar of `relative_path`, against a reader written from its words alone."""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchware.contract.paths import quote_path, read_path
from tests.properties.actions import SAFE, paths_as_written

_HEX = set("0123456789abcdefABCDEF")
_ALPHANUMERIC = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")


def refused_as_written(written: str) -> bool:
    """The first half of C11: what may not stand in the string that the client wrote."""
    size = sum(len(character.encode("utf-8", "surrogatepass")) for character in written)
    if not 1 <= size <= 2048 or not written.startswith("/") or written.startswith("//"):
        return True
    for at, character in enumerate(written):
        if character in "?#\\ " or unicodedata.category(character) in ("Cc", "Cs") or ord(character) > 0x7F:
            return True
        if character == "%":
            digits = written[at + 1 : at + 3]
            if len(digits) < 2 or not set(digits) <= _HEX or digits.upper() in ("2F", "5C"):
                return True
    return False


def decoded(written: str) -> str | None:
    """The second half of C11: the path, or None where it is refused once it is decoded."""
    octets, at = bytearray(), 0
    while at < len(written):
        if written[at] == "%":
            octets.append(int(written[at + 1 : at + 3], 16))
            at += 3
        else:
            octets.append(ord(written[at]))
            at += 1
    try:
        path = octets.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if any(unicodedata.category(character) == "Cc" for character in path):
        return None
    segments = path[1:].split("/")
    empty = any(segment == "" for segment in segments[:-1])
    return None if empty or "." in segments or ".." in segments else path


def quoted(path: str) -> str:
    """C12: the path, with an escape for each byte that is neither alphanumeric nor safe."""
    kept = _ALPHANUMERIC | set(SAFE)
    return "".join(chr(byte) if chr(byte) in kept else f"%{byte:02X}" for byte in path.encode())


_ODD = [
    "/", "/", "//", ".", "..", "/.", "/..", "%2e", "%2E%2e", "%2f", "%2F", "%5c", "%5C", "%25", "%252e", "%00",
    "%0a", "%7f", "%c2%85", "%C3%A9", "%e9", "%c0%af", "%ed%a0%80", "%F0%9F%98%80", "%e2%80%a8", "%ef%bb%bf", "%",
    "%4", "%zz", "%u0041", "?", "#", "\\", " ", "\t", "\x7f", "\x85", "é", "\u2028", "\ufeff", "\ud800", ";a=b",
    "{id}", "\"<>^`|[]", "a", "batch", "~",
]  # fmt: skip
_PIECES = st.one_of(
    st.sampled_from(_ODD),
    st.text(max_size=3),
    st.binary(min_size=1, max_size=2).map(lambda octets: "".join(f"%{byte:02x}" for byte in octets)),
)
WRITTEN = st.one_of(
    st.lists(_PIECES, max_size=6).map("".join),
    st.lists(_PIECES, max_size=6).map(lambda pieces: "/a" + "".join(pieces)),
    paths_as_written("/echo").map(lambda both: both[1]),
    st.integers(2030, 2060).map(lambda size: "/" + "a" * size),
    st.integers(675, 690).map(lambda count: "/" + "%41" * count),
)


@settings(max_examples=settings().max_examples * 5)
@given(written=WRITTEN)
@example(written="")
@example(written="/")
@example(written="/a/")
@example(written="/a//")
@example(written="/" + "a" * 2047)
@example(written="/" + "a" * 2048)
@example(written="/." + "a")
@example(written="/a/.")
@example(written="/a/..")
@example(written="/a/./b")
@example(written="/a/%2e")
@example(written="/a/%2e%2e")
@example(written="/a/...")
@example(written="/a%2fb")
@example(written="/a%5cb")
@example(written="/a%c2%85")
@example(written="/a%7f")
@example(written="/a%00")
@example(written="/a%2541")
@example(written="/a%25%34%31")
@example(written="/%E2%80%A8")
def test_c11_c12_paths_are_read_as_the_contract_says(written: str) -> None:
    expected = None if refused_as_written(written) else decoded(written)
    if expected is not None:
        assert read_path(written) == (expected, quoted(expected))
        return
    with pytest.raises(ValueError, match=r"\A.+\Z") as refusal:
        read_path(written)
    assert len(str(refusal.value)) < 300  # C29: at most 100 characters of input, escaped
    assert str(refusal.value).isascii()


@given(written=WRITTEN)
def test_c12_what_was_accepted_is_what_is_dispatched(written: str) -> None:
    try:
        path, again = read_path(written)
    except ValueError:
        return
    assert unquote_to_bytes(again).decode("utf-8") == path
    assert again.isascii()
    assert read_path(again) == (path, again)


@given(both=paths_as_written("/echo"))
def test_c11_every_spelling_of_a_good_path_is_accepted(both: tuple[str, str]) -> None:
    path, written = both
    assert read_path(written) == (path, quoted(path))


@given(path=st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
@example(path="/100%")
@example(path="/%41")
def test_c12_quoting_keeps_to_its_safe_characters(path: str) -> None:
    assert quote_path(path) == quoted(path)
