"""C8: the host's hook that says who sends a batch, before anything of it is read."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from batchware import Action, NotAuthorized, Parent, require_header
from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.contract.spies import Spy
from tests.hosts import Host
from tests.hosts.clients import send


def _plain(parent: Parent) -> str:
    return f"user-{parent.header('authorization')}"


async def _async(parent: Parent) -> str:
    return _plain(parent)


def _returning(parent: Parent) -> Awaitable[str]:
    return _async(parent)


class _Callable:
    def __call__(self, parent: Parent) -> str:
        return _plain(parent)


class _AsyncCallable:
    async def __call__(self, parent: Parent) -> str:
        return _plain(parent)


@bare_door
@pytest.mark.parametrize(
    "authorize",
    [
        pytest.param(_plain, id="a function"),
        pytest.param(_async, id="a coroutine function"),
        pytest.param(functools.partial(_async), id="a partial coroutine function"),
        pytest.param(_returning, id="a function that returns a coroutine"),
        pytest.param(_Callable(), id="an object"),
        pytest.param(_AsyncCallable(), id="an object that is called with await"),
    ],
)
def test_c8_the_hook_returns_the_principal(host: Host, authorize: Callable[[Parent], Any]) -> None:
    principals: list[str | None] = []

    def rule(action: Action, parent: Parent) -> None:
        principals.append(parent.principal)

    app = wrap(host, authorize=authorize, deny=[rule])
    assert post_batch(app, host, [action()], headers={"Authorization": "me"}).statuses == [200]
    assert principals == ["user-me"]


def _refusing(status: int, headers: dict[str, str], *, later: bool) -> Callable[[Parent], Any]:
    def refuse(parent: Parent) -> str:
        raise NotAuthorized("Who are you?", status=status, headers=headers)

    async def refuse_later(parent: Parent) -> str:
        return refuse(parent)

    return refuse_later if later else refuse


@every_host
@pytest.mark.parametrize("later", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("status", [401, 403])
def test_c8_not_authorized_answers_the_whole_batch(host: Host, status: int, later: bool) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="api"', "X-Why": "because"}
    app = wrap(host, authorize=_refusing(status, challenge, later=later))
    answer = post_batch(app, host, [action()] * 2)
    assert (answer.status, answer.message) == (status, "Who are you?")
    assert answer.all("www-authenticate") == ['Bearer realm="api"']
    assert answer.all("x-why") == ["because"]


@bare_door
def test_c8_not_authorized_replays_nothing(host: Host) -> None:
    spy = Spy(host.door)
    post_batch(wrap(spy, authorize=_refusing(401, {}, later=False)), spy, [action()])
    assert not spy.seen


@pytest.mark.parametrize("status", [200, 400, 402, 404, 500])
def test_c8_not_authorized_is_401_or_403(status: int) -> None:
    with pytest.raises(ValueError, match="401 or 403"):
        NotAuthorized("No.", status=status)


@bare_door
def test_c8_the_hook_runs_before_the_body_is_read(host: Host) -> None:
    class Unread:
        def read(self, size: int) -> bytes:
            raise AssertionError("the body was read")

        readline = readlines = __iter__ = read

    def refuse(parent: Parent) -> str:
        raise NotAuthorized

    extra = {"environ_extra": {"wsgi.input": Unread()}} if host.door == "wsgi" else {}
    # What can't be JSON is never found out, nor what is too large and does not say so.
    app = wrap(host, authorize=refuse, max_body_bytes=10)
    assert post_batch(app, host, body=b"{", **extra).status == 401
    assert post_batch(app, host, body=b" " * 20, headers={"Transfer-Encoding": "chunked"}, **extra).status == 401


@bare_door
def test_c8_the_hook_sees_the_parent(host: Host) -> None:
    parents: list[Parent] = []

    def look(parent: Parent) -> str:
        parents.append(parent)
        return "someone"

    app = wrap(host, authorize=look, path="/api/batch")
    headers = [("X-One", "1"), ("Cookie", "a=b")]
    sent: dict[str, Any] = {"root_path": "/mnt", "scheme": "https", "client": ("192.0.2.7", 4711)}
    post_batch(app, host, [action()], path="/api/batch", query="opt_pretty=1&x=%20", headers=headers, **sent)
    (parent,) = parents
    assert (parent.method, parent.path, parent.query) == ("POST", "/api/batch", "opt_pretty=1&x=%20")
    assert (parent.scheme, parent.client, parent.principal) == ("https", "192.0.2.7", None)
    assert (parent.header("x-one"), parent.header("cookie")) == ("1", "a=b")
    assert parent.header("content-type") == "application/json"
    assert parent.request["type" if host.door == "asgi" else "REQUEST_METHOD"] in {"http", "POST"}


@bare_door
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(None, id="None"),
        pytest.param(True, id="True"),
        pytest.param(b"someone", id="bytes"),
        pytest.param(RuntimeError("a secret"), id="an error"),
    ],
)
def test_c8_a_hook_that_fails_lets_nothing_through(host: Host, wrong: Any) -> None:
    def authorize(parent: Parent) -> Any:
        if isinstance(wrong, Exception):
            raise wrong
        return wrong

    spy = Spy(host.door)
    answer = post_batch(wrap(spy, authorize=authorize), spy, [action()])
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert not spy.seen


@every_host
def test_c8_without_a_hook_each_child_answers_for_itself(host: Host) -> None:
    answer = post_batch(wrap(host), host, [action(), action("/nowhere")])
    assert answer.statuses == [200, 404]


@bare_door
@pytest.mark.parametrize(
    ("method", "target"), [("OPTIONS", "/batch"), ("GET", "/tasks/1"), ("POST", "/tasks")], ids=str
)
def test_c8_the_hook_is_not_asked_about_what_is_no_batch(host: Host, method: str, target: str) -> None:
    def authorize(parent: Parent) -> str:
        raise AssertionError("asked")

    app = wrap(host, authorize=authorize)
    direct = send(host.shared(), host.door, method, target)
    assert send(app, host.door, method, target).status in {direct.status, 204}


# --- require_header


@bare_door
def test_c8_require_header_asks_for_the_header(host: Host) -> None:
    app = wrap(host, authorize=require_header("authorization"))
    refused = post_batch(app, host, [action()])
    assert refused.status == 401
    assert refused.all("www-authenticate") == ["Bearer"]
    assert "authorization" in refused.message
    assert post_batch(app, host, [action()], headers={"Authorization": ""}).status == 401
    assert post_batch(app, host, [action()], headers={"AUTHORIZATION": "Bearer x"}).statuses == [200]


@bare_door
def test_c8_the_principal_of_require_header_is_a_digest(host: Host) -> None:
    principals: list[str] = []

    def rule(action: Action, parent: Parent) -> None:
        assert parent.principal is not None
        principals.append(parent.principal)

    app = wrap(host, authorize=require_header("Authorization"), deny=[rule])
    for token in ("Bearer one", "Bearer one", "Bearer two"):
        post_batch(app, host, [action()], headers={"Authorization": token})
    first, again, other = principals
    assert first == again != other
    assert "one" not in first
    assert set(first) <= set("0123456789abcdef")
    assert len(first) >= 32
