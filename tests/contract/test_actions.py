"""C9, C10: what an action is, and that one that is none is its own result and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from batchware import Action, BatchHooks
from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.contract.children import child, refusal
from tests.contract.spies import Spy
from tests.hosts import Host, deviations
from tests.hosts.clients import send

GOOD = action("/good")

WRONG = [
    pytest.param(None, "", id="null"),
    pytest.param(1, "", id="a number"),
    pytest.param("/tasks", "", id="a string"),
    pytest.param(True, "", id="a boolean"),
    pytest.param([GOOD], "", id="a list"),
    pytest.param({}, "method", id="an empty object"),
    pytest.param({"relative_path": "/x"}, "method", id="no method"),
    pytest.param({"method": "get"}, "relative_path", id="no relative_path"),
    pytest.param({**GOOD, "name": "x"}, "", id="an unknown member"),
    pytest.param({**GOOD, "Data": {}}, "", id="a member in another case"),
    pytest.param({**GOOD, "body": {}, "headers": {}}, "", id="members of other batch APIs"),
    pytest.param(action("/x", None), "method", id="method is null"),
    pytest.param(action("/x", 1), "method", id="method is a number"),
    pytest.param(action("/x", ["get"]), "method", id="method is a list"),
    pytest.param(action("/x", "bogus"), "method", id="method is bad"),
    pytest.param({**GOOD, "relative_path": None}, "relative_path", id="relative_path is null"),
    pytest.param({**GOOD, "relative_path": 1}, "relative_path", id="relative_path is a number"),
    pytest.param({**GOOD, "relative_path": ["/x"]}, "relative_path", id="relative_path is a list"),
    pytest.param(action("x"), "relative_path", id="relative_path is bad"),
    pytest.param(action("/batch", "post"), "relative_path", id="the endpoint is refused"),
    pytest.param(action("/scim/v2/Users"), "relative_path", id="an endpoint of the default list is refused"),
    pytest.param({**GOOD, "data": []}, "data", id="data of a get is a list"),
    pytest.param({**GOOD, "data": "a=1"}, "data", id="data of a get is a string"),
    pytest.param({**GOOD, "data": 1}, "data", id="data of a get is a number"),
    pytest.param({**GOOD, "data": {"a": {}}}, "data", id="data of a get is nested"),
    pytest.param(action("/x", "post", data=[]), "data", id="data of a post is a list"),
    pytest.param({**GOOD, "options": []}, "options", id="options is a list"),
    pytest.param({**GOOD, "options": "fields"}, "options", id="options is a string"),
    pytest.param({**GOOD, "options": {"field": "x"}}, "options", id="options has an unknown member"),
]


@bare_door
@pytest.mark.parametrize(("entry", "member"), WRONG)
def test_c9_what_is_wrong_with_one_action_is_its_own_400(host: Host, entry: Any, member: str) -> None:
    spy = Spy(host.door)
    answer = post_batch(wrap(spy), spy, [action("/a"), entry, action("/b")])
    assert answer.statuses == [200, 400, 200]
    place = f"actions[1].{member}" if member else "actions[1]:"
    assert answer.refusal(1).startswith(place)
    assert sorted(seen.path for seen in spy.seen) == ["/a", "/b"]


@every_host
def test_c9_the_other_actions_run(host: Host) -> None:
    wrong = [entry.values[0] for entry in WRONG]
    mixed = [action("/tasks/first"), *wrong, action("/tasks", "post", data={}), action("/nowhere")]
    answer = post_batch(wrap(host, max_actions=50), host, mixed)
    assert answer.statuses == [200, *[400] * len(wrong), 200, 404]
    assert answer.results[0]["body"]["id"] == "first"
    assert answer.results[-2]["body"]["method"] == "POST"


@bare_door
def test_c9_a_batch_of_refused_actions_is_answered(host: Host) -> None:
    spy = Spy(host.door)
    assert post_batch(wrap(spy), spy, [1, {}, action("/batch")]).statuses == [400] * 3
    assert not spy.seen


@bare_door
@pytest.mark.parametrize(
    "members", [{}, {"data": {}}, {"options": {}}, {"data": {}, "options": {}}, {"data": None}], ids=str
)
def test_c9_data_and_options_may_be_left_out(host: Host, members: dict[str, Any]) -> None:
    assert child(host, action("/x", **members)).method == "GET"


@bare_door
@pytest.mark.parametrize(
    ("entry", "read"),
    [
        pytest.param(action("/a%20b", "put", data=[]), ("PUT", "/a b", "/a%20b"), id="all but the data"),
        pytest.param(action("/a%20b", "put", options=1), ("PUT", "/a b", "/a%20b"), id="all but the options"),
        pytest.param(action("/batch", "put"), ("PUT", "/batch", "/batch"), id="all, and the endpoint is refused"),
        pytest.param(action("a", "put"), ("PUT", "", ""), id="the method"),
        pytest.param(action("/a", "brew"), ("", "", ""), id="nothing behind a method that is bad"),
        pytest.param([], ("", "", ""), id="nothing of a list"),
    ],
)
def test_c9_what_could_be_read_of_a_refused_action_is_told_to_hooks(
    host: Host, entry: Any, read: tuple[str, str, str]
) -> None:
    told: list[Any] = []

    class Hooks(BatchHooks):
        def on_batch(self, parent: Any, actions: Any, outcomes: Any, seconds: float) -> None:
            told.extend(actions)

    spy = Spy(host.door)
    assert post_batch(wrap(spy, hooks=[Hooks()]), spy, [5, entry]).statuses == [400, 400]
    assert told == [Action(0), Action(1, *read)]


# --- C10


@bare_door
@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete"])
def test_c10_a_method_is_taken_in_any_case(host: Host, method: str) -> None:
    for written in (method, method.upper(), method.capitalize(), method[:-1] + method[-1].upper()):
        assert child(host, action("/x", written)).method == method.upper()


@every_host
@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete"])
def test_c10_each_method_reaches_its_handler(host: Host, method: str) -> None:
    result = post_batch(wrap(host), host, [action("/tasks/1", method)]).result
    direct = send(host.shared(), host.door, method.upper(), "/tasks/1")
    assert result["status_code"] == direct.status
    if method == "head":
        assert result["status_code"] == (405 if host.id in deviations.NO_HEAD else 200)
        assert result["body"] is None
    else:
        assert result["body"] == {"handler": "/tasks/{id}", "method": method.upper(), "id": "1"}


@bare_door
@pytest.mark.parametrize(
    "method",
    [
        pytest.param("", id="empty"),
        pytest.param("options", id="options"),
        pytest.param("trace", id="trace"),
        pytest.param("connect", id="connect"),
        pytest.param("query", id="query"),
        pytest.param("propfind", id="propfind"),
        pytest.param(" get", id="a space before"),
        pytest.param("get ", id="a space behind"),
        pytest.param("get\n", id="a line break behind"),
        pytest.param("get\r\nx: y", id="a header behind"),
        pytest.param("get\x00", id="NUL behind"),
        pytest.param("get,post", id="two"),
        pytest.param("gets", id="a longer word"),
        pytest.param("po\u017ft", id="a long s, whose upper case is S"),
        pytest.param("\uff47\uff45\uff54", id="full-width letters"),
        pytest.param("delete\u0301", id="an accent behind"),
    ],
)
def test_c10_any_other_method_is_400(host: Host, method: str) -> None:
    assert refusal(host, action("/x", method)).startswith("actions[0].method: must be get, head, post, put, patch")
