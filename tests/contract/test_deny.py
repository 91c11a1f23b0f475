"""C31 to C33: which endpoints cannot be batched, how a path is compared with a rule, and the host's own rules."""

from __future__ import annotations

from typing import Any

import pytest

from batchware import DEFAULT_DENY, NESTED, Action, BatchConfig, DenyRule, Parent
from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.hosts import Host, probe

DENIED = [
    ("post", "/attachments"),
    ("post", "/tasks/1/attachments"),
    ("post", "/organization_exports"),
    ("get", "/organization_exports/1"),
    ("delete", "/organization_exports/1"),
    ("get", "/scim/v2/Users"),
    ("patch", "/scim/v2/Users/1"),
    ("post", "/batch"),
    ("get", "/batch"),
]
FREE = [
    ("get", "/attachments/1"),
    ("delete", "/attachments/1"),
    ("get", "/attachments"),
    ("get", "/tasks/1/attachments"),
    ("post", "/batches"),
    ("post", "/batches/batch"),
    ("get", "/tasks/batch"),
    ("get", "/my-attachments-notes"),
    ("get", "/users/scim"),
    ("get", "/"),
]


@every_host
@pytest.mark.parametrize("path", ["/batch", "/api/1.0/batch"], ids=["at the top", "below the API base"])
def test_c31_what_cannot_be_batched_never_reaches_the_host(host: Host, path: str) -> None:
    app = wrap(host, path=path)
    answer = post_batch(app, host, [action(target, method) for method, target in DENIED], path=path)
    assert answer.statuses == [400] * len(DENIED)
    assert probe.seen == []
    assert "a batch cannot hold a batch" in answer.refusal(7)
    answer = post_batch(app, host, [action(target, method) for method, target in FREE], path=path)
    assert answer.statuses == [200] * len(FREE)
    assert len(probe.seen) == len(FREE)


@bare_door
def test_c31_a_host_may_replace_the_default(host: Host) -> None:
    app = wrap(host, deny=["GET /tasks/{id}"])
    targets = [("post", "/attachments"), ("get", "/scim/v2/Users"), ("get", "/tasks/1"), ("put", "/tasks/1")]
    answer = post_batch(app, host, [action(target, method) for method, target in targets])
    assert answer.statuses == [200, 200, 400, 200]


@bare_door
def test_c31_the_batch_route_itself_is_always_refused(host: Host) -> None:
    app = wrap(host, deny=(), allow=["/batch", "/tasks/{id}"])
    answer = post_batch(app, host, [action("/batch", "post"), action("/BATCH/", "post"), action()])
    assert answer.statuses == [400, 400, 200]


# --- how a path is compared; the rules are asked alone from here on


def _refusal(path: str, *rules: Any, method: str = "GET", **options: Any) -> str | None:
    config = BatchConfig(deny=rules, **options)
    return config.gate.refusal(Action(0, method, path), Parent("POST", "/batch", "", "http", (), None, {}))


@pytest.mark.parametrize(
    ("rule", "path", "matches"),
    [
        ("/scim/**", "/scim", True),
        ("/scim/**", "/scim/", True),
        ("/scim/**", "/scim/v2/Users/1", True),
        ("/scim/**", "/scimitar", False),
        ("/scim/**", "/x/scim", False),
        ("/scim/**", "/users/scim/v2", False),
        ("/attachments", "/attachments", True),
        ("/attachments", "/attachments/1", False),
        ("/attachments", "/my-attachments", False),
        ("/attachments", "/attachments2", False),
        ("/tasks/{id}/attachments", "/tasks/1/attachments", True),
        ("/tasks/{id}/attachments", "/tasks/a b:c/attachments", True),
        ("/tasks/{id}/attachments", "/tasks/attachments", False),
        ("/tasks/{id}/attachments", "/tasks/1/2/attachments", False),
        ("/tasks/{id}/attachments", "/tasks/1/attachments/2", False),
        ("/{any}", "/tasks", True),
        ("/{any}", "/", False),
        ("/", "/", True),
        ("/", "/tasks", False),
        ("/**", "/", True),
        ("/**", "/a/b", True),
        ("/a.c", "/abc", False),
        ("/a+", "/aa", False),
        ("/tasks/", "/tasks", True),
    ],
)
def test_c32_a_rule_matches_whole_segments(rule: str, path: str, matches: bool) -> None:
    assert bool(_refusal(path, rule)) == matches


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/SCIM/v2", id="capital letters"),
        pytest.param("/scim/v2/", id="a trailing slash"),
        pytest.param("/scim;v=1/v2", id="parameters"),
        pytest.param("/scim;/v2;x", id="empty parameters"),
        pytest.param("/sc%69m/v2", id="a further decoding"),
        pytest.param("/sc%2569m/v2", id="two further decodings"),
        pytest.param("/scim%2Fv2", id="a separator after a further decoding"),
        pytest.param("/scim%252Fv2", id="a separator after two"),
        pytest.param("/x/%2E%2E/scim/v2", id="a dot segment after a further decoding"),
        pytest.param("/%2E/scim/v2", id="a single dot after a further decoding"),
        pytest.param("/scim%3Bx/v2", id="parameters after a further decoding"),
        pytest.param("/\uff53\uff43\uff49\uff4d/v2", id="full width"),
        pytest.param("/\u017fcim/v2", id="a long s"),
        pytest.param("/sc\u0131m/v2", id="an i without a dot"),
        pytest.param("/sc\u0130m/v2", id="a capital I with a dot"),
        pytest.param("/sci\u0307m/v2", id="an i with a second dot"),
        pytest.param("/ⓢⓒⓘⓜ/v2", id="letters in circles"),
        pytest.param("/\U0001d4c8cim/v2", id="a letter of mathematics"),
        pytest.param("/s\u200bcim/v2", id="a space of no width"),
        pytest.param("/s\u00adcim/v2", id="a soft hyphen"),
        pytest.param("/scim\u2060/v2", id="a word joiner"),
        pytest.param("/sc\ufe0fim/v2", id="a variation selector"),
        pytest.param("/sc\u034fim/v2", id="a grapheme joiner"),
        pytest.param("/\u202escim/v2", id="a change of direction"),
        pytest.param("/sc%09im/v2", id="a tab after a further decoding"),
        pytest.param("/sc%250Aim/v2", id="a line break after two"),
        pytest.param("/x/.%0D./scim/v2", id="a dot segment around a control character"),
        pytest.param("/sc%C2%85im/v2", id="a control character after a further decoding"),
        pytest.param("/scim/v2/;a", id="a trailing slash before parameters"),
        pytest.param("/SC%C4%B1M;a/v2/", id="several at once"),
    ],
)
def test_c32_every_spelling_of_a_denied_path_is_denied(path: str) -> None:
    assert _refusal(path, "/scim/v2") is not None


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/scim/v2X;a", id="a longer name"),
        pytest.param("/%252573cim/v2", id="three further decodings"),
        pytest.param("/scim/v2%ff", id="no UTF-8 after a further decoding"),
    ],
)
def test_c32_what_no_router_takes_for_a_denied_path_is_free(path: str) -> None:
    assert _refusal(path, "/scim/v2") is None


@pytest.mark.parametrize("path", ["/ÉCOLES/x", "/e\u0301coles/x", "/%C3%A9coles/x"])
def test_c32_rules_are_folded_like_paths(path: str) -> None:
    assert _refusal(path, "/Écoles/x") is not None


@pytest.mark.parametrize("path", ["/Batch", "/\uff42atch", "/batch/", "/batch;x", "/b%61tch", "/%2E/batch"])
def test_c32_every_spelling_of_the_batch_route_is_denied(path: str) -> None:
    assert _refusal(path) is not None


@pytest.mark.parametrize(
    ("rule", "denied"),
    [
        pytest.param("/x", {"GET", "POST", "DELETE"}, id="no method named"),
        pytest.param("POST /x", {"POST"}, id="one"),
        pytest.param("get,delete /x", {"GET", "DELETE"}, id="several in small letters"),
        pytest.param(DenyRule("/x", ["post"]), {"POST"}, id="as an object"),
    ],
)
def test_c32_rules_may_name_methods(rule: Any, denied: set[str]) -> None:
    assert {method for method in ("GET", "POST", "DELETE") if _refusal("/x", rule, method=method)} == denied


def test_c32_a_rule_may_bring_its_message() -> None:
    assert _refusal("/x", DenyRule("/x", message="use /y")) == "use /y"
    assert _refusal("/x", DenyRule("/x")) == "GET /x cannot be batched"
    assert _refusal("/x", "/a", DenyRule("/x", message="use /y"), "/b") == "use /y"


@pytest.mark.parametrize(
    "rule",
    [
        "scim", "", "//a", "/a//b", "/**/a", "/a*", "/{a}b", "/{a", "/a}", "BREW /x", " /x", "GET,  /x",
    ],
)  # fmt: skip
def test_c32_a_rule_that_could_never_match_fails_at_start_up(rule: str) -> None:
    with pytest.raises(ValueError, match="deny: "):
        BatchConfig(deny=[rule])


def test_c32_what_is_wrong_with_a_rule_is_said() -> None:
    with pytest.raises(ValueError, match=r"^'/x': methods are some of DELETE, GET, HEAD, PATCH, POST, PUT$"):
        DenyRule("/x", ["brew"])
    with pytest.raises(
        ValueError, match=r"^'/a\*' is no path pattern: a segment is a literal, '{name}', or '\*\*' at the"
    ):
        DenyRule("/a*")
    with pytest.raises(ValueError, match=r"^'a' is no path pattern: it starts with '/' and has no empty segment$"):
        DenyRule("a")


def test_c32_the_default_is_what_asana_refuses() -> None:
    shown = sorted((rule.path, sorted(rule.methods or ())) for rule in DEFAULT_DENY if isinstance(rule, DenyRule))
    assert shown == [
        ("/attachments", ["POST"]),
        ("/organization_exports/**", []),
        ("/scim/**", []),
        ("/{anything}/{id}/attachments", ["POST"]),
    ]


# --- C33


@bare_door
def test_c33_a_rule_may_be_a_function_of_action_and_parent(host: Host) -> None:
    asked: list[tuple[int, str, str, str, str | None]] = []

    def rule(action: Action, parent: Parent) -> str | None:
        asked.append((action.index, action.method, action.path, parent.path, parent.header("x-tenant")))
        return "not for tenants" if action.method == "DELETE" else None

    actions = [action("/tasks/a%20b"), action("/tasks/1", "delete"), action("x")]
    answer = post_batch(wrap(host, deny=[rule]), host, actions, headers={"X-Tenant": "7"})
    assert answer.statuses == [200, 400, 400]
    assert answer.refusal(1) == "actions[1].relative_path: not for tenants"
    assert asked == [(0, "GET", "/tasks/a b", "/batch", "7"), (1, "DELETE", "/tasks/1", "/batch", "7")]


@bare_door
def test_c33_a_function_that_fails_refuses_its_action_and_no_other(host: Host) -> None:
    def rule(action: Action, parent: Parent) -> str | None:
        if action.index == 1:
            raise LookupError(probe.SECRET)
        return None

    answer = post_batch(wrap(host, deny=[rule]), host, [action("/tasks/0"), action("/tasks/1"), action("/tasks/2")])
    assert answer.statuses == [200, 500, 200]
    assert sorted(param or "" for _, _, param in probe.seen) == ["0", "2"]
    assert probe.SECRET.encode() not in answer.body


@bare_door
def test_c33_allow_turns_the_list_round(host: Host) -> None:
    app = wrap(host, allow=["/tasks/{id}", "POST /tasks", DenyRule("/files/**")])
    targets = [("get", "/tasks/1"), ("post", "/tasks"), ("get", "/files/a/b"), ("get", "/tasks"), ("get", "/users/1")]
    answer = post_batch(app, host, [action(target, method) for method, target in targets])
    assert answer.statuses == [200, 200, 200, 400, 400]
    assert "GET /users/1" in answer.refusal(4)
    assert [template for template, *_ in probe.seen].count("/users/{id}") == 0


@pytest.mark.parametrize(
    "path",
    ["/TASKS/1", "/tasks/1/", "/tasks/1%2F2", "/tasks/1%252F2", "/tasks//1", "/tasks", "/tasks/1/2", "/\uff54asks/1"],
)
def test_c33_only_the_very_path_is_allowed(path: str) -> None:
    assert _refusal(path, allow=["/tasks/{id}"]) is not None


@pytest.mark.parametrize("path", ["/files/%2e", "/files/.;a", "/files/%252e/x", "/files/..;a"])
def test_c33_no_wildcard_takes_a_dot_segment(path: str) -> None:
    assert _refusal(path, allow=["/files/**"]) is not None


def test_c33_what_is_denied_is_not_allowed_by_being_named() -> None:
    assert _refusal("/tasks/1", "/tasks/{id}", allow=["/tasks/{id}"]) is not None
    assert _refusal("/batch", allow=[NESTED]) is not None


def test_c33_an_empty_allow_allows_nothing() -> None:
    assert _refusal("/tasks/1", allow=[]) is not None


def test_c33_a_function_is_asked_with_the_action_and_the_parent() -> None:
    asked: list[Any] = []
    gate = BatchConfig(deny=[lambda *given: asked.append(given)]).gate
    given = Action(0, "GET", "/x"), Parent("POST", "/batch", "", "http", (), None, {})
    assert gate.refusal(*given) is None
    assert asked == [given]
