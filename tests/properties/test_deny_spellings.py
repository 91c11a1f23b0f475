"""C31 and C32: no spelling of a denied path reaches its handler, and the spellings that C32 names are refused.

The first property tries whatever might make a check and a router disagree, and asks the hosts who ran. The second
stays within the words of C32 (case, compatibility forms, dots of i, invisible characters, a trailing slash,
`;parameters`, one and two further decodings) and wants a refusal for each.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchware import DEFAULT_DENY, Action, DenyRule, Parent
from batchware.contract.deny import Gate
from batchware.contract.paths import read_path
from tests.contract.batching import every_host, post_batch, wrap
from tests.hosts import Host, probe

DENIED = st.sampled_from(
    [
        ("/batch", "GET"), ("/batch", "POST"), ("/organization_exports", "POST"), ("/organization_exports/9", "GET"),
        ("/scim/v2/Users", "POST"), ("/scim/v2/Users/7", "DELETE"), ("/attachments", "POST"),
        ("/tasks/1/attachments", "POST"),
    ]
)  # fmt: skip
_HANDLERS = {"/batch", "/organization_exports", "/organization_exports/{id}", "/scim/v2/Users", "/scim/v2/Users/{id}"}
_UPLOADS = {"/attachments", "/tasks/{id}/attachments"}

# Code points of a first letter, from which a whole alphabet follows: full width, circled, bold, script.
_ALPHABETS = (0xFF41, 0x24D0, 0x1D41A, 0x1D4EA)
_OF_THEIR_OWN = {"s": "\u017f", "k": "\u212a", "i": "\u0131\u0130", "2": "\u00b2\uff12", "_": "\uff3f", "v": "\u2174"}
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\ufe0f\u2063\u115f\u3164\U000e0001\U000e0100"


def forms(character: str) -> list[str]:
    """What folds to the same as `character` (C32)."""
    alike = [character.upper(), character.lower(), *_OF_THEIR_OWN.get(character.lower(), "")]
    if character.isalpha():
        alike += [chr(first + ord(character.lower()) - ord("a")) for first in _ALPHABETS]
    return alike


@st.composite
def encoded(draw: st.DrawFn, text: str) -> str:
    """`text` once percent-encoded: what must be, and here and there what need not."""
    pieces = []
    for character in text:
        if character.isascii() and character.isprintable() and character not in ' ?#\\"' and draw(st.integers(0, 4)):
            pieces.append(character if character != "%" or draw(st.booleans()) else "%25")
        else:
            style = draw(st.sampled_from(["%{:02x}", "%{:02X}"]))
            pieces.append("".join(style.format(byte) for byte in character.encode()))
    return "".join(pieces)


@st.composite
def respelled(draw: st.DrawFn, path: str) -> str:
    """`path` as C32 says that it may be disguised, as written in an action."""
    segments = []
    for segment in path.split("/")[1:]:
        text = ""
        for character in segment:
            text += draw(st.sampled_from(forms(character))) if draw(st.integers(0, 3)) == 0 else character
            text += draw(st.sampled_from(INVISIBLE)) if draw(st.integers(0, 15)) == 0 else ""
        segments.append(text + draw(st.sampled_from(["", "", "", ";", ";a=b", ";jsessionid=1;x"])))
    spelled = "/" + "/".join(segments) + draw(st.sampled_from(["", "", "/"]))
    for _ in range(draw(st.integers(1, 3))):
        spelled = "/" + draw(encoded(spelled[1:]))
    return spelled


_TRICKS: list[Callable[[str], str]] = [
    lambda path: path.replace("/", "//", 1),
    lambda path: path + "//",
    lambda path: "/." + path,
    lambda path: path + "/.",
    lambda path: "/tasks/.." + path,
    lambda path: "/tasks/%2e%2e" + path,
    lambda path: "/tasks/%252e%252e" + path,
    lambda path: "/tasks%2f.." + path,
    lambda path: path.replace("/", "%2f")[:200],
    lambda path: "/" + path[1:].replace("/", "%252F"),
    lambda path: "/" + path[1:].replace("/", "%5c"),
    lambda path: path + "%00",
    lambda path: path + "%0a",
    lambda path: path + "%20",
    lambda path: path + "?a=b",
    lambda path: path + "%3Fa=b",
    lambda path: path + "#x",
    lambda path: path + "%23x",
    lambda path: path + ".json",
    lambda path: path + "%c0%af",
    lambda path: "http://testserver" + path,
    lambda path: path.replace("a", "%u0061", 1),
    lambda path: path.replace("/", "\u2215", 1),
    lambda path: path + "\u2028",
]


@st.composite
def attempts(draw: st.DrawFn) -> tuple[str, str]:
    """A denied path in disguise, and the method; lower or mixed case now and then (C10)."""
    path, method = draw(DENIED)
    written = draw(respelled(path)) if draw(st.booleans()) else path
    for trick in draw(st.lists(st.sampled_from(_TRICKS), max_size=2)):
        written = trick(written)
    return written, draw(st.sampled_from([method, method.lower(), method.title()]))


PER_HOST = settings().max_examples // 3  # there are thirteen, and each example is a batch of up to ten
batched = cache(wrap)


@every_host
@settings(max_examples=PER_HOST)
@given(tried=st.lists(attempts(), min_size=1, max_size=10))
def test_c31_c32_no_spelling_reaches_a_denied_handler(host: Host, tried: list[tuple[str, str]]) -> None:
    probe.seen.clear()
    entries = [{"relative_path": written, "method": method} for written, method in tried]
    answer = post_batch(batched(host), host, body=json.dumps({"data": {"actions": entries}}).encode())
    assert len(answer.results) == len(tried)
    assert all(status < 500 for status in answer.statuses)
    for template, method, _ in probe.seen:
        assert template not in _HANDLERS
        assert template not in _UPLOADS or method != "POST"


_PARENT = Parent("POST", "/batch", "", "http", [], None, {})
_GATE = Gate(DEFAULT_DENY, None, "/batch")


@settings(max_examples=settings().max_examples * 2)
@given(data=st.data())
def test_c32_every_disguise_is_refused(data: st.DataObject) -> None:
    path, method = data.draw(DENIED)
    written = data.draw(respelled(path))
    try:
        read, quoted = read_path(written)
    except ValueError:
        return
    assert _GATE.refusal(Action(0, method, read, quoted), _PARENT), ascii(read)


_HARMLESS = st.sampled_from(
    [
        "/batches", "/tasks/batch", "/my-attachments", "/batch2", "/x/batch", "/batch/1", "/scimitar", "/scim2/v2",
        "/organization_exports_2", "/tasks/attachments", "/attachments/1", "/a/b/c/attachments",
        "/tasks/1/attachments/2",
    ]
)  # fmt: skip


@pytest.mark.parametrize("hidden", INVISIBLE, ids=ascii)
def test_c32_invisible_characters_hide_nothing(hidden: str) -> None:
    for path in (f"/bat{hidden}ch", f"/{hidden}batch", f"/batch{hidden}", f"/bat%{hidden.encode().hex('%')}ch"):
        assert _GATE.refusal(Action(0, "GET", path, path), _PARENT)


@pytest.mark.parametrize(
    "path",
    ["/b%61tch", "/b%2561tch", "/%EF%BD%82atch", "/%EF%BD%2582atch", "/x/%2e%2e/batch", "/x%2F..%2Fbatch", "/%2Fbatch",
     "/batch%3Ba=b", "/batch%253Ba=b", "/batch%2F", "/%E2%80%8Bbatch", "/scim%2Fv2"],
)  # fmt: skip
def test_c32_further_decodings_are_compared_too(path: str) -> None:
    assert _GATE.refusal(Action(0, "GET", path, path), _PARENT)


_OF_ANY_CONTENT = Gate([DenyRule("/files/{id}/notes")], None, "/batch")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/files/1%2F2/notes", id="a separator that a decoding uncovers"),
        pytest.param("/files/1\uff0f2/notes", id="a separator that folding uncovers"),
        pytest.param("/files/1\uff0f2/notes/", id="before a trailing slash"),
        pytest.param("/f\u0131les/1\uff0f2/notes", id="beside a name that is folded once"),
        pytest.param("/files/\u200b/notes", id="nothing that can be seen"),
        pytest.param("/files/x/%2E%2E/1/notes", id="behind one that a dot segment takes away"),
    ],
)
def test_c32_a_segment_of_any_content_stays_one_segment_in_its_place(path: str) -> None:
    """However a router reads it, as an id or as what it folds to, its neighbours are compared in their own places."""
    assert _OF_ANY_CONTENT.refusal(Action(0, "GET", path, path), _PARENT)


@given(path=_HARMLESS, method=st.sampled_from(["GET", "POST", "DELETE"]), slash=st.sampled_from(["", "/"]))
@example(path="/attachments", method="GET", slash="")
@example(path="/tasks/1/attachments", method="GET", slash="")
def test_c32_look_alikes_are_free(path: str, method: str, slash: str) -> None:
    assert _GATE.refusal(Action(0, method, path + slash, path + slash), _PARENT) is None


_SEGMENT = st.text("abcBATCHscimattachments-_.0é\u0131", min_size=1, max_size=12)


@given(segments=st.lists(_SEGMENT, min_size=1, max_size=4), method=st.sampled_from(["GET", "POST"]))
def test_c32_rules_match_whole_segments(segments: list[str], method: str) -> None:
    folded = [segment.replace("\u0131", "i").casefold() for segment in segments]
    denied = folded == ["batch"] or folded[0] in ("scim", "organization_exports")
    if method == "POST":
        denied = denied or folded == ["attachments"] or (len(folded) == 3 and folded[2] == "attachments")
    path = "/" + "/".join(segments)
    assert bool(_GATE.refusal(Action(0, method, path, path), _PARENT)) == denied
