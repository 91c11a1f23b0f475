"""C24, its first half: cookies that actions set are set by the batch answer, and never come into JSON."""

from __future__ import annotations

from typing import Any

import pytest

from batchware.contract.headers import forwarded_cookies, sets_cookies
from tests.contract.batching import action, bare_door, every_host, post_batch, wrap
from tests.contract.small_apps import door, reply, respond, started
from tests.hosts import Host


def _setting(*cookies: str, **options: Any) -> dict[str, Any]:
    return respond(b"{}", ("Content-Type", "application/json"), *(("Set-Cookie", one) for one in cookies), **options)


def _parts(cookie: str) -> set[str]:
    """Django writes attributes in an order of its own."""
    return {part.strip() for part in cookie.split(";")}


@every_host
def test_c24_cookies_of_actions_are_set_by_the_batch_answer(host: Host) -> None:
    actions = [_setting("b=2; Path=/; HttpOnly"), action(), _setting("a=1; Path=/x; Secure", "c=3; Path=/")]
    answer = post_batch(wrap(host), host, actions)
    assert [_parts(cookie) for cookie in answer.all("set-cookie")] == [
        {"b=2", "Path=/", "HttpOnly"},
        {"a=1", "Path=/x", "Secure"},
        {"c=3", "Path=/"},
    ]


@bare_door
def test_c24_the_cookie_of_a_response_that_says_nothing_else_is_set(host: Host) -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"", [("set-cookie", "a=1; Path=/")])

    def wsgi(environ: Any, start_response: Any) -> Any:
        return started(start_response, b"", [("set-cookie", "a=1; Path=/")])

    small = door(host.door, asgi if host.door == "asgi" else wsgi)
    assert post_batch(wrap(small), small, [action()]).all("set-cookie") == ["a=1; Path=/"]


@every_host
def test_c24_cookies_never_come_into_json(host: Host) -> None:
    answer = post_batch(wrap(host, result_headers=None), host, [_setting("secret=hush; Path=/; HttpOnly")])
    assert answer.result["headers"] == {}
    assert b"hush" not in answer.body
    assert b"cookie" not in answer.body.lower()


@every_host
def test_c24_identical_cookies_are_set_once(host: Host) -> None:
    actions = [_setting("a=1; Path=/"), _setting("a=2; Path=/"), _setting("a=1; Path=/"), _setting("a=1; Path=/x")]
    answer = post_batch(wrap(host), host, actions)
    assert [_parts(cookie) for cookie in answer.all("set-cookie")] == [
        {"a=1", "Path=/"},
        {"a=2", "Path=/"},
        {"a=1", "Path=/x"},
    ]


@every_host
def test_c24_a_cookie_without_a_path_gets_the_one_of_its_child(host: Host) -> None:
    # What a browser would have made of it had the request been sent directly.
    answer = post_batch(wrap(host, path="/api/1.0/batch"), host, [_setting("a=1")], path="/api/1.0/batch")
    assert [_parts(cookie) for cookie in answer.all("set-cookie")] == [{"a=1", "Path=/api/1.0"}]


@bare_door
@pytest.mark.parametrize(
    ("cookie", "path"),
    [
        pytest.param("a=1", "; Path=/", id="none"),
        pytest.param("a=1; HttpOnly; Secure", "; Path=/", id="none among attributes"),
        pytest.param("a=1; Path=", "; Path=/", id="an empty one"),
        pytest.param("a=1; Path=x", "; Path=/", id="one that is not absolute"),
        pytest.param("a=path=/", "; Path=/", id="a value that looks like one"),
        pytest.param("a=1; PATH=/x", "", id="one in capital letters"),
        pytest.param("a=1;path=/", "", id="one without a space"),
        pytest.param("a=1;  Path = /x ; Secure", "", id="one with spaces"),
    ],
)
def test_c24_what_counts_as_a_path(host: Host, cookie: str, path: str) -> None:
    assert post_batch(wrap(host), host, [_setting(cookie)]).all("set-cookie") == [cookie + path]


@bare_door
@pytest.mark.parametrize(
    ("route", "root", "path"),
    [
        pytest.param("/batch", "", "/", id="at the top"),
        pytest.param("/api/1.0/batch", "", "/api/1.0", id="below the API base"),
        pytest.param("/batch", "/mnt", "/mnt", id="below a mount point"),
        pytest.param("/api/1.0/batch", "/mnt", "/mnt/api/1.0", id="below both"),
    ],
)
def test_c24_the_default_path_is_the_folder_of_the_child(host: Host, route: str, root: str, path: str) -> None:
    answer = post_batch(wrap(host, path=route), host, [_setting("a=1")], path=route, root_path=root)
    assert answer.all("set-cookie") == [f"a=1; Path={path}"]


def test_c24_no_path_ends_the_attribute_that_it_stands_in() -> None:
    responses = [("/a;b/c d/1", [("set-cookie", "a=1")])]
    assert list(forwarded_cookies(responses)) == ["a=1; Path=/a%3Bb/c%20d"]


@bare_door
def test_c24_the_same_cookie_with_and_without_its_path_is_one(host: Host) -> None:
    answer = post_batch(wrap(host), host, [_setting("a=1"), _setting("a=1; Path=/")])
    assert answer.all("set-cookie") == ["a=1; Path=/"]


@every_host
def test_c24_set_cookie_drop_turns_it_off(host: Host) -> None:
    answer = post_batch(wrap(host, set_cookie="drop"), host, [_setting("a=hush; Path=/")])
    assert answer.all("set-cookie") == []
    assert answer.result["headers"] == {}
    assert b"hush" not in answer.body


@bare_door
def test_c24_cookies_of_a_response_that_is_no_result_are_not_set(host: Host) -> None:
    actions = [respond(b"x" * 200, ("Set-Cookie", "a=1; Path=/")), _setting("b=2; Path=/", status=403)]
    answer = post_batch(wrap(host, max_result_bytes=100), host, actions)
    assert answer.statuses == [502, 403]
    assert answer.all("set-cookie") == ["b=2; Path=/"]


@pytest.mark.parametrize("beside", [[], [("x-one", "1")], [("content-type", "text/plain"), ("x-one", "1")]], ids=str)
def test_c24_a_cookie_is_seen_in_any_place_among_the_headers(beside: list[tuple[str, str]]) -> None:
    for at in range(len(beside) + 1):
        assert sets_cookies([*beside[:at], ("set-cookie", "a=1"), *beside[at:]])
