"""The log at DEBUG says of every refusal which rule refused what, and nothing of what a log must not hold (C29)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from batchware import DenyRule, NotAuthorized, Parent, Quota, not_batchable
from tests.contract.batching import action, bare_door, post_batch, wrap
from tests.contract.small_apps import asgi_app, door, wsgi_app
from tests.hosts import Host
from tests.hosts.clients import send


def _unknown(parent: Parent) -> str:
    raise NotAuthorized(f"{parent.header('authorization')} is unknown")


def no_secrets(asked: Any, parent: Parent) -> str | None:
    return f"{parent.header('authorization')} may not" if asked.path == "/secret" else None


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "batchware"]


WHOLE: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("media type", {}, {"content_type": "text/plain"}, "refused a batch with 415, UnsupportedMediaType: "),
    ("size", {"max_body_bytes": 5}, {}, "refused a batch with 413, BodyTooLarge: "),
    ("authorize", {"authorize": _unknown}, {}, "refused a batch with 401, NotAuthorized: by authorize"),
    ("JSON", {}, {"body": b"{"}, "refused a batch with 400, BatchError: "),
    ("number", {"max_actions": 1}, {}, "refused a batch with 400, BatchError: A batch holds 1 to 1 actions"),
    ("limit", {"limits": [Quota("all", 1)], "max_actions": 2}, {}, "refused a batch with 429, LimitExceeded: "),
]


@bare_door
@pytest.mark.parametrize(("options", "sent", "expected"), [pytest.param(*rest, id=id) for id, *rest in WHOLE])
def test_a_batch_that_is_refused_is_explained(
    host: Host, options: dict[str, Any], sent: dict[str, Any], expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "batchware")
    app = wrap(host, **options)
    caplog.clear()
    post_batch(app, host, [action()] * 2, headers={"Authorization": "hush"}, **sent)
    assert [line for line in told(caplog) if line.startswith(expected)]
    assert "hush" not in caplog.text


@bare_door
def test_an_action_that_is_refused_is_explained_with_its_place_and_rule(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "batchware")
    options: dict[str, Any] = {
        "deny": ["GET,POST /uploads/**", DenyRule("/told", message="hush"), no_secrets],
        "allow": ["/tasks/{id}", "/uploads", "/told", "/secret", "/batch"],
    }
    sent = [
        action("/tasks/1"), action("/uploads", "post"), action("/told"), action("/secret"), action("/other"),
        action("/BATCH"), action("/tasks?x=1"), action("/tasks/1", "brew"), 5,
    ]  # fmt: skip
    post_batch(wrap(host, **options), host, sent, headers={"Authorization": "hush"})
    assert told(caplog)[:5] == [
        "refused actions[1] POST /uploads: the deny rule 'GET,POST /uploads/**'",
        "refused actions[2] GET /told: the deny rule '/told'",
        "refused actions[3] GET /secret: the deny function no_secrets",
        "refused actions[4] GET /other: no rule of allow names it",
        "refused actions[5] GET /BATCH: the deny rule '{batch route}'",
    ]
    where = ["actions[6].relative_path: ", "actions[7].method: ", "actions[8]: "]
    assert [line.startswith(f"refused {place}") for line, place in zip(told(caplog)[5:], where, strict=True)] == [
        True, True, True,
    ]  # fmt: skip
    assert "hush" not in caplog.text


@bare_door
def test_a_rule_that_is_an_object_is_named_by_its_class(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    class Nobody:
        def __call__(self, asked: Any, parent: Parent) -> str:
            return "hush"

    caplog.set_level(logging.DEBUG, "batchware")
    post_batch(wrap(host, deny=[Nobody()]), host, [action()])
    assert told(caplog)[0] == f"refused actions[0] GET /tasks/1: the deny function {Nobody.__qualname__}"


@bare_door
def test_c29_no_line_repeats_more_than_100_characters_of_input(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "batchware")
    long = "/" + "z" * 500
    sent = [
        action(long),
        action("x" + long),
        action("/tasks", "z" * 500),
        {"z" * 500: 1},
        action("/tasks", data="z" * 500),
    ]
    post_batch(wrap(host, deny=["/**"]), host, sent)
    assert len(told(caplog)) == 5
    assert all(line.count("z") <= 100 for line in told(caplog)), told(caplog)


@bare_door
def test_a_direct_request_that_is_refused_is_explained(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    app = wrap(host, limits=[Quota("all", 1)], max_actions=1)
    send(app, host.door, "GET", "/tasks/1")
    caplog.set_level(logging.DEBUG, "batchware")
    caplog.clear()
    send(app, host.door, "GET", "/tasks/1")
    assert any(line.startswith("refused a direct request with 429, LimitExceeded: ") for line in told(caplog))


@bare_door
def test_above_debug_nothing_is_said_or_made(
    host: Host, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "batchware")

    def never(*_: object) -> str:
        raise AssertionError("made for a log that is off")

    monkeypatch.setattr("batchware.contract.flow.name_of", never)
    assert post_batch(wrap(host), host, [action("/scim"), 5]).statuses == [400, 400]
    assert told(caplog) == []


@bare_door
def test_c34_an_endpoint_that_refuses_itself_is_explained(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    @not_batchable
    def guarded(*_: Any) -> Any:
        raise AssertionError("never run")

    small = door(host.door, asgi_app({"/x": guarded}) if host.door == "asgi" else wsgi_app({"/x": guarded}))
    caplog.set_level(logging.DEBUG, "batchware")
    assert post_batch(wrap(small), small, [action("/nowhere"), action("/x")]).statuses == [404, 400]
    assert told(caplog) == ["refused actions[1]: its endpoint is not_batchable"]
