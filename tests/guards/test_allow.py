"""C33: with `allow=[...]` only what it names is reached, letter by letter, however a path is spelled.

The same spellings as for the deny-list (`tests.properties.test_deny_spellings`) and those of `batchware.testing` are
tried against a host, and the rules alone against an oracle that knows nothing of regular expressions.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchware import Action, DenyRule, Parent
from batchware.contract.deny import Gate
from batchware.contract.paths import read_path
from batchware.testing.spellings import respelled
from tests.contract.batching import action, every_host, post_batch, wrap
from tests.hosts import Host, probe
from tests.properties.test_deny_spellings import attempts
from tests.properties.test_deny_spellings import respelled as respelled_at_random

ALLOW = ["GET /users/{id}", "/tasks/{id}", "POST /batches", "/files/**"]
_ALLOWED = {
    ("/users/{id}", "GET"),
    *(("/tasks/{id}", method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
    ("/batches", "POST"),
    *(("/files/{path}", method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
}
_PATHS = st.sampled_from(
    ["/users/1", "/tasks/1", "/batches", "/files/a/b", "/teams/", "/my-attachments-notes", "/tasks"]
)
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
PER_HOST = settings().max_examples // 3


@cache
def _batched(host: Host) -> Any:
    return wrap(host, allow=ALLOW, deny=())


@st.composite
def _tries(draw: st.DrawFn) -> tuple[str, str]:
    if draw(st.booleans()):
        return draw(attempts())
    written = draw(_PATHS)
    return draw(respelled_at_random(written)) if draw(st.booleans()) else written, draw(st.sampled_from(_METHODS))


@every_host
@settings(max_examples=PER_HOST)
@given(tried=st.lists(_tries(), min_size=1, max_size=10))
def test_c33_no_spelling_reaches_what_is_not_allowed(host: Host, tried: list[tuple[str, str]]) -> None:
    probe.seen.clear()
    entries = [{"relative_path": written, "method": method} for written, method in tried]
    answer = post_batch(_batched(host), host, body=json.dumps({"data": {"actions": entries}}).encode())
    assert all(status < 500 for status in answer.statuses)
    for template, method, _ in probe.seen:
        assert (template, method) in _ALLOWED or (template, "GET" if method == "HEAD" else method) in _ALLOWED


@every_host
@pytest.mark.parametrize("path", ["/teams/", "/scim/v2/Users", "/tasks", "/my-attachments-notes", "/batch"])
def test_c33_every_known_spelling_of_what_is_not_allowed_is_refused(host: Host, path: str) -> None:
    written = list(respelled(path).values())
    for at in range(0, len(written), 10):
        answer = post_batch(_batched(host), host, [action(spelling) for spelling in written[at : at + 10]])
        assert set(answer.statuses) == {400}
    assert probe.seen == []


@every_host
def test_c33_what_is_allowed_passes_as_it_is_written(host: Host) -> None:
    passes = [("/users/1", "get"), ("/tasks/1", "delete"), ("/tasks/%C3%A9", "get"), ("/files/a/b", "get")]
    answer = post_batch(_batched(host), host, [action(path, method) for path, method in passes])
    assert answer.statuses == [200] * len(passes)


# --- the rules alone

_PARENT = Parent("POST", "/batch", "", "http", [], None, {})
_GATE = Gate([], [DenyRule.parse(text) for text in ALLOW], "/batch")


def _readings(path: str) -> list[str]:
    """The path, and what one and two further decodings make of it."""
    found, octets = [path], path.encode()
    for _ in range(2):
        octets = unquote_to_bytes(octets)
        found.append(octets.decode("utf-8", "replace"))
    return found


def _named(path: str, method: str) -> bool:
    """Whether a rule names the path, segment by segment."""
    match path.split("/")[1:]:
        case ["users", id]:
            return method == "GET" and bool(id)
        case ["tasks", id]:
            return bool(id)
        case ["batches"]:
            return method == "POST"
        case ["files", *_]:
            return True
    return False


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/files/%2e%2e/scim", id="a dot segment after a further decoding"),
        pytest.param("/files/%252e%252e/scim", id="after two"),
        pytest.param("/files/a%2F..%2F..%2Fscim", id="separators and dot segments after a further decoding"),
        pytest.param("/tasks/%2e%2e", id="in the place of an id"),
        pytest.param("/tasks/..;a=b", id="with parameters"),
        pytest.param("/files/..;/scim", id="with empty parameters"),
        pytest.param("/files/%2e%2e;/scim", id="with parameters after a further decoding"),
        pytest.param("/files/\uff0e\uff0e/scim", id="full width"),
        pytest.param("/files/.\u200b./scim", id="with an invisible character within"),
        pytest.param("/tasks/a\uff0fb", id="a separator in full width"),
        pytest.param("/tasks/\uff052e\uff052e", id="an escape in full width"),
        pytest.param("/files/%\uff12e%2e/scim", id="an escape with a digit in full width"),
    ],
)
def test_c33_no_wildcard_takes_what_leads_elsewhere(path: str) -> None:
    assert _GATE.refusal(Action(0, "GET", path, path), _PARENT)


@pytest.mark.parametrize(
    "path", ["/files/...", "/files/a..b/.c", "/files/a%2Fb", "/files/50%25", "/tasks/1;a=b", "/tasks/\u00e9"]
)
def test_c33_wildcards_take_all_else(path: str) -> None:
    assert _GATE.refusal(Action(0, "GET", path, path), _PARENT) is None


@given(path=_PATHS.flatmap(respelled_at_random) | _PATHS, method=st.sampled_from(_METHODS))
@example(path="/tasks/1%252F2", method="GET")
@example(path="/tasks/1/", method="GET")
@example(path="/TASKS/1", method="GET")
@example(path="/tasks;a=b/1", method="GET")
@example(path="/tasks/1;a=b", method="GET")
@example(path="/tasks/%0A", method="GET")
@example(path="/files", method="DELETE")
@settings(max_examples=settings().max_examples * 5)
def test_c33_allowed_is_what_a_rule_names_in_every_reading(path: str, method: str) -> None:
    try:
        read, quoted = read_path(path)
    except ValueError:
        return
    refused = _GATE.refusal(Action(0, method, read, quoted), _PARENT) is not None
    assert refused == (not all(_named(reading, method) for reading in _readings(read))), ascii(read)


@given(path=st.sampled_from(["/users/x", "/tasks/x", "/batches"]).flatmap(respelled_at_random))
def test_c33_no_other_spelling_of_a_literal_is_allowed(path: str) -> None:
    """What a deny rule would still match (case, compatibility forms, parameters) an allow rule does not."""
    try:
        read, quoted = read_path(path)
    except ValueError:
        return
    first = read.split("/")[1]
    if first not in ("users", "tasks", "batches"):
        assert _GATE.refusal(Action(0, "POST", read, quoted), _PARENT)
