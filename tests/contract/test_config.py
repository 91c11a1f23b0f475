"""BatchConfig: a wrong option fails at start-up and names itself; styles; `config=` with options over it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from batchware import DEFAULT_DENY, BatchConfig, BatchHooks, asgi, wsgi
from tests.contract.batching import action, bare_door, post_batch, wrap
from tests.hosts import Host, probe

DOORS = [pytest.param(asgi.BatchMiddleware, id="asgi"), pytest.param(wsgi.BatchMiddleware, id="wsgi")]
every_door = pytest.mark.parametrize("middleware", DOORS)


def _app(*asked: Any) -> Any:
    raise AssertionError("nothing is asked at start-up")


WRONG: list[tuple[str, list[Any]]] = [
    (
        "path",
        [None, 5, "", "batch", "/", "/batch/", "/a//b", "/a/../b", "/./b", "/a?b", "/a#b", "/a%20b", "/a;b", "/a\n"],
    ),
    ("style", [None, "Asana", "jsonapi", 1]),
    ("envelope", [5, "", ["data"], True]),
    ("body_envelope", [5, "", ["data"]]),
    ("action_options", [True, "plain", ""]),
    ("query_lists", [None, "brackets", ","]),
    ("delete_data", [None, "both"]),
    ("max_actions", [None, 0, -1, 1.5, "10", True]),
    ("max_body_bytes", [None, 0, "1MB", 1.5]),
    ("max_result_bytes", [None, 0, "1MB"]),
    ("max_answer_bytes", [None, 0, -1]),
    ("max_pending", [None, 0, 9, "many"]),
    ("parallel", [0, -1, 2.0, "all", True]),
    ("action_timeout", [0, -1, "30", [], True, math.nan, math.inf]),
    ("authorize", ["token", 5]),
    ("deny", [None, "/scim/**", 5, [5], ["scim"], ["/a//b"], ["BREW /x"], [None]]),
    ("allow", ["/tasks", 5, [5], ["tasks"], [lambda action, parent: None]]),
    ("result_headers", ["etag", 5, [5], [b"etag"]]),
    ("set_cookie", [None, True, "keep"]),
    ("cors", [None, True, "*"]),
    ("keep_keys", [None, "user", 5, [5]]),
    ("hooks", [None, 5, BatchHooks, BatchHooks(), [BatchHooks], [5]]),
    ("count_direct", [None, "no", "false"]),
    ("ratelimit_headers", [None, "off"]),
    ("server_timing", [None, "on", 2]),
    ("error_body", [None, "x", {}]),
]


@every_door
@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param(name, value, id=f"{name}={value!r}"[:60]) for name, values in WRONG for value in values],
)
def test_a_wrong_option_fails_at_start_up_and_names_itself(middleware: Any, name: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
        middleware(_app, **{name: value})


def test_every_option_has_a_test_of_what_is_wrong() -> None:
    names = {field.name for field in dataclasses.fields(BatchConfig) if field.init}
    assert names <= {name for name, _ in WRONG} | {"threads"} | LIMITS


LIMITS = {"limits", "limiter", "limiter_down_batch", "limiter_down_direct"}


@pytest.mark.parametrize("threads", [-1, 1.5, "all", True])
def test_a_wrong_number_of_threads_fails_at_start_up(threads: Any) -> None:
    with pytest.raises(ValueError, match="threads"):
        wsgi.BatchMiddleware(_app, threads=threads)


def test_threads_are_an_option_of_wsgi_only() -> None:
    with pytest.raises(TypeError, match="threads"):
        asgi.BatchMiddleware(_app, threads=4)


def test_a_time_out_needs_threads() -> None:
    with pytest.raises(ValueError, match="action_timeout"):
        wsgi.BatchMiddleware(_app, threads=0, action_timeout=5.0)


@every_door
@pytest.mark.parametrize(
    ("name", "nearest"),
    [("max_action", "max_actions"), ("paralell", "parallel"), ("denied", "deny"), ("timeout", "action_timeout")],
)
def test_an_unknown_option_fails_and_says_which_is_nearest(middleware: Any, name: str, nearest: str) -> None:
    with pytest.raises(TypeError, match=rf"'{name}'.*did you mean '{nearest}'"):
        middleware(_app, **{name: 1})


@every_door
@pytest.mark.parametrize("config", [{}, "asana", BatchConfig], ids=repr)
def test_config_is_a_batch_config(middleware: Any, config: Any) -> None:
    with pytest.raises(TypeError, match="config"):
        middleware(_app, config=config)


# --- what is right


@every_door
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"path": "/api/1.0/batch"}, id="a path below a base"),
        pytest.param({"path": "/écoles/a b"}, id="a decoded path"),
        pytest.param({"envelope": None, "body_envelope": "attributes"}, id="envelopes"),
        pytest.param({"parallel": None, "action_timeout": None}, id="no caps"),
        pytest.param({"action_timeout": 1}, id="a whole number of seconds"),
        pytest.param({"max_actions": 256}, id="as many as may be pending"),
        pytest.param({"deny": (), "allow": ()}, id="empty lists"),
        pytest.param({"deny": {"/a"}, "allow": frozenset({"/b"})}, id="sets"),
        pytest.param({"keep_keys": {"user"}, "result_headers": ("etag",)}, id="names"),
        pytest.param({"hooks": (BatchHooks(),)}, id="hooks"),
    ],
)
def test_right_options(middleware: Any, options: dict[str, Any]) -> None:
    middleware(_app, **options)


def test_the_defaults() -> None:
    config = BatchConfig()
    shown = {field.name: getattr(config, field.name) for field in dataclasses.fields(config) if field.init}
    expected = {
        "path": "/batch", "style": "asana", "envelope": "data", "body_envelope": "data", "action_options": "asana",
        "query_lists": "comma", "delete_data": "query", "max_actions": 10, "max_body_bytes": 1 << 20,
        "max_result_bytes": 4 << 20, "max_answer_bytes": 16 << 20, "max_pending": 256, "parallel": None,
        "authorize": None, "deny": DEFAULT_DENY, "allow": None, "result_headers": None, "set_cookie": "forward",
        "cors": "host", "keep_keys": frozenset(), "server_timing": False, "hooks": (),
    }  # fmt: skip
    assert shown | expected == shown


def test_a_config_can_not_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BatchConfig().path = "/x"


# --- styles

PLAIN = {"envelope": None, "body_envelope": None, "action_options": None, "deny": (), "query_lists": "repeat"}


def _of_style(config: BatchConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in PLAIN}


def test_the_plain_style_sets_five_options() -> None:
    assert _of_style(BatchConfig(style="plain")) == PLAIN


@pytest.mark.parametrize(
    ("name", "value"),
    [("envelope", "batch"), ("body_envelope", "data"), ("action_options", "asana"), ("query_lists", "comma")],
)
def test_single_options_override_the_style(name: str, value: str) -> None:
    assert _of_style(BatchConfig(style="plain", **{name: value})) == PLAIN | {name: value}


def test_deny_overrides_the_style() -> None:
    assert BatchConfig(style="plain", deny=DEFAULT_DENY).deny == DEFAULT_DENY


@bare_door
def test_the_plain_style_from_outside(host: Host) -> None:
    actions = [action("/scim/v2/Users"), action("/echo", data={"a": [1, 2]}), action("/echo", "post", data=[1])]
    app = wrap(host, style="plain")
    answer = post_batch(app, host, [*actions, action(options={"limit": 1})], envelope=None)
    assert list(answer.json) == ["results"]
    assert answer.statuses == [200, 200, 200, 400]
    assert answer.results[1]["body"]["query"] == [["a", "1"], ["a", "2"]]
    assert answer.results[2]["body"]["body"] == "WzFd", "the body is `data` itself"


# --- a configuration that is ready made


@every_door
def test_options_override_a_config(middleware: Any) -> None:
    shared = BatchConfig(path="/v1/batch", max_actions=5)
    config = middleware(_app, config=shared, max_actions=7, deny=["/x"]).config
    assert (config.path, config.max_actions, len(config.deny)) == ("/v1/batch", 7, 1)
    assert (shared.max_actions, shared.deny) == (5, DEFAULT_DENY)


@every_door
def test_a_style_over_a_config_sets_what_the_config_left_to_its_style(middleware: Any) -> None:
    shared = BatchConfig(path="/v1/batch", query_lists="comma")
    config = middleware(_app, config=shared, style="plain").config
    assert _of_style(config) == PLAIN | {"query_lists": "comma"}
    back = middleware(_app, config=BatchConfig(style="plain", envelope="batch"), style="asana").config
    assert (back.envelope, back.body_envelope, back.deny) == ("batch", "data", DEFAULT_DENY)


@every_door
def test_an_option_over_a_config_fails_like_any_other(middleware: Any) -> None:
    with pytest.raises(ValueError, match="max_pending"):
        middleware(_app, config=BatchConfig(max_pending=20), max_actions=21)
    with pytest.raises(TypeError, match="'max_action'"):
        middleware(_app, config=BatchConfig(), max_action=1)


def test_from_mapping_takes_names_in_any_case() -> None:
    config = BatchConfig.from_mapping({"PATH": "/v1/batch", "max_actions": 3, "Style": "plain"})
    assert (config.path, config.max_actions) == ("/v1/batch", 3)
    assert _of_style(config) == PLAIN


def test_from_mapping_refuses_what_is_no_option() -> None:
    with pytest.raises(TypeError, match=r"'MAX_ACTION'.*did you mean 'max_actions'"):
        BatchConfig.from_mapping({"MAX_ACTION": 3})
    with pytest.raises(ValueError, match="max_actions"):
        BatchConfig.from_mapping({"MAX_ACTIONS": 0})


@bare_door
def test_a_config_is_used(host: Host) -> None:
    app = wrap(host, config=BatchConfig(path="/v1/batch", max_actions=1))
    assert post_batch(app, host, [action()], path="/v1/batch").statuses == [404]
    assert probe.seen == [], "the API base is /v1 now"
    assert post_batch(app, host, [action()] * 2, path="/v1/batch").status == 400
