"""Batches before Django REST framework: its throttles are asked for all actions, all or nothing, and count once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from django.core.cache import cache
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from batchware import Quota, asgi, wsgi
from tests.contract.batching import BatchAnswer, action, host_named, post_batch
from tests.hosts.clients import Response, send
from tests.limits import drf_views
from tests.limits.drf_views import (
    Odd,
    PerUser,
    SpecialCase,
    Things,
    View,
    asked_in_batch,
    clock,
    drf_limits,
    loops,
    ran,
    throttling,
)

Door = Literal["asgi", "wsgi"]
doors = pytest.mark.parametrize("door", ["asgi", "wsgi"])


@pytest.fixture(autouse=True)
def project() -> Iterator[None]:
    rest = {"UNAUTHENTICATED_USER": None, "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]}
    with override_settings(
        ROOT_URLCONF=drf_views.__name__, REST_FRAMEWORK=rest, MIDDLEWARE=[f"{drf_views.__name__}.tagged"]
    ):
        cache.clear()
        ran.clear()
        Odd.seen.clear()
        asked_in_batch.clear()
        loops.clear()
        clock[0] = 1_700_000_000.0
        yield


class Service:
    def __init__(self, door: Door, **options: Any) -> None:
        self.door: Door = door
        ours = {name: options.pop(name) for name in ("middleware", "throttles", "limits", "limiter") if name in options}
        given = drf_limits(door, **ours)
        if door == "asgi":
            self.app: Any = asgi.BatchMiddleware(ASGIHandler(), **given, **options)
        else:
            self.app = wsgi.BatchMiddleware(WSGIHandler(), **given, **options)

    def batch(self, *paths: str, user: str | None = "a", **headers: str) -> BatchAnswer:
        return self.post([action(each) for each in paths], user, **headers)

    def post(self, actions: Any, user: str | None = "a", **headers: str) -> BatchAnswer:
        if user is not None:
            headers["X-User"] = user
        return post_batch(self.app, host_named(self.door), actions, headers=headers)

    def direct(self, path: str = "/tasks", user: str | None = "a") -> Response:
        return send(self.app, self.door, "GET", path, headers={} if user is None else {"X-User": user})

    def left(self, path: str = "/tasks", user: str | None = "a") -> int:
        """How many direct requests still pass: asked by sending them."""
        count = 0
        while self.direct(path, user).status == 200:
            count += 1
        return count


@doors
def test_c36_a_batch_that_would_exceed_is_refused_nothing_runs_and_nothing_is_spent(door: Door) -> None:
    service = Service(door)
    for _ in range(17):
        assert service.direct().status == 200
    ran.clear()
    answer = service.batch(*["/tasks"] * 5)
    assert answer.status == 429
    assert answer.header("retry-after") == "86400"
    assert "user (20 in 86400 s)" in answer.message
    assert not ran
    assert service.left() == 3


@doors
def test_c35_a_batch_of_three_spends_three(door: Door) -> None:
    service = Service(door)
    assert service.batch(*["/tasks"] * 3).statuses == [200] * 3
    assert ran == {"tasks": 3}
    assert service.left() == 17
    assert service.batch("/tasks").status == 429


@doors
def test_c35_a_batch_may_take_all_that_is_left(door: Door) -> None:
    service = Service(door)
    assert service.batch(*["/things"] * 4).statuses == [200] * 4
    assert service.left("/things") == 0


@doors
def test_c36_scopes_and_users_have_limits_of_their_own(door: Door) -> None:
    service = Service(door)
    assert service.batch(*["/uploads"] * 6, *["/contacts/1"] * 3).statuses == [200] * 9
    assert service.batch("/uploads").status == 429
    assert service.batch(*["/uploads"] * 4, "/contacts/2", user="b").statuses == [200] * 5
    assert (service.left("/uploads", "b"), service.left("/contacts/3", "b")) == (2, 2)


@doors
def test_c36_a_refusal_names_all_throttles_that_would_be_exceeded(door: Door) -> None:
    service = Service(door)
    answer = service.batch(*["/both"] * 5)
    assert answer.status == 429
    assert answer.header("retry-after") is None, "it can never fit"
    assert "burst (4 in 60 s)" in answer.message
    assert "contacts (3 in 86400 s)" in answer.message
    assert service.left("/both") == 3
    assert service.left("/guarded") == 0, "a throttle counts though another one refuses, in DRF"


@doors
def test_c40_after_the_time_that_is_named_the_same_batch_passes(door: Door) -> None:
    service = Service(door)
    for _ in range(3):
        assert service.direct("/things").status == 200
        clock[0] += 10
    answer = service.batch(*["/things"] * 3)
    assert answer.header("retry-after") == "40", "when the first two are over"
    clock[0] += 39
    assert service.batch(*["/things"] * 3).status == 429
    clock[0] += 1
    assert service.batch(*["/things"] * 3).statuses == [200] * 3


@doors
def test_c38_a_refused_action_is_counted_where_its_route_has_throttles(door: Door) -> None:
    service = Service(door)
    actions = [action("/things"), action("/things", data="no object"), action("/nowhere"), action("no path")]
    assert service.post(actions).statuses == [200, 400, 404, 400]
    assert service.left("/things") == 2


@doors
def test_c35_what_a_direct_request_is_not_counted_for_is_not_counted(door: Door) -> None:
    service = Service(door)
    assert service.batch(*["/guarded"] * 5, user="guest").statuses == [403] * 5
    assert service.batch(*["/guarded"] * 5, user="wrong").statuses == [403] * 5
    assert service.batch(*["/plain"] * 9).statuses == [200] * 9
    not_allowed = action("/guarded", "post")
    assert service.post([not_allowed] * 5).status == 429, "DRF counts what it then does not allow"
    assert service.post([not_allowed] * 3).statuses == [405] * 3
    assert service.left("/guarded") == 1


@doors
def test_c36_anonymous_clients_are_counted_by_address_and_users_are_not(door: Door) -> None:
    service = Service(door)
    assert service.batch(*["/public"] * 3, user=None).status == 429
    assert service.batch(*["/public"] * 3, user="a").status == 200
    assert service.left("/public", None) == 2


@doors
def test_c36_a_throttle_that_is_not_understood_is_asked_when_the_action_runs(door: Door) -> None:
    service = Service(door)
    assert sorted(service.batch(*["/oddly"] * 3).statuses) == [200, 200, 429]
    assert sorted(service.batch(*["/special"] * 3).statuses) == [200, 200, 429]
    assert service.batch(*["/special"] * 3, user="staff").statuses == [200] * 3


@doors
def test_c36_a_throttle_that_the_host_vouches_for_is_asked_before(door: Door) -> None:
    service = Service(door, throttles=[SpecialCase])
    assert service.batch(*["/special"] * 3).status == 429
    assert service.batch(*["/special"] * 3, user="staff").statuses == [200] * 3
    assert service.batch("/special").statuses == [200]
    assert service.left("/special") == 1


@doors
def test_c36_middleware_that_names_the_user_can_run_before(door: Door) -> None:
    service = Service(door, middleware=[f"{drf_views.__name__}.tagged"])
    assert service.batch(*["/things"] * 5, user=None, Cookie="user=c").status == 429
    assert service.batch(*["/things"] * 3, user=None, Cookie="user=c").statuses == [200] * 3
    assert service.left("/things", "c") == 1


@doors
def test_c34_authentication_knows_that_it_is_in_a_batch(door: Door) -> None:
    service = Service(door)
    service.batch("/tasks", "/tasks")
    assert asked_in_batch == [True] * 4, "for the throttles, and for itself"
    service.direct()
    assert asked_in_batch[4:] == [False]


def test_c18_on_asgi_the_event_loop_does_not_wait_for_it() -> None:
    service = Service("asgi")
    assert service.batch("/tasks").status == 200
    assert threading.main_thread() not in loops


@doors
def test_c36_beside_limits_of_our_own_all_or_nothing_over_both(door: Door) -> None:
    service = Service(door, limits=[Quota("ours", 6, per=86_400)])
    answer = service.batch(*["/tasks"] * 7)
    assert (answer.status, "ours" in answer.message) == (429, True)
    assert service.batch(*["/things"] * 5).status == 429
    assert service.batch(*["/things"] * 4, "/tasks").status == 200, "the refusals have not spent ours"
    assert service.direct("/plain").status == 200, "the sixth of ours"
    assert service.direct("/plain").status == 429
    cache.clear()
    assert service.batch("/tasks").status == 429


@doors
def test_c41_a_cache_that_is_away_refuses_a_batch_with_503(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def get(self, *_: Any) -> Any:
            raise ConnectionError("the cache is away")

    monkeypatch.setattr(PerUser, "cache", Away())
    service = Service(door)
    assert service.batch("/tasks").status == 503
    assert not ran


def test_wrong_options_are_refused_at_start_up() -> None:
    with pytest.raises(ValueError, match="'asgi' or 'wsgi'"):
        drf_limits("both")
    with pytest.raises(TypeError, match="Odd is no SimpleRateThrottle"):
        drf_limits("wsgi", throttles=[Odd])


@pytest.mark.parametrize("name", ["allow_request", "throttle_success", "throttle_failure", "get_cache_key"])
def test_drf_still_counts_with_these_methods(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(throttling.SimpleRateThrottle, name)
    with pytest.raises(RuntimeError, match=f"no SimpleRateThrottle.{name}"):
        drf_limits("wsgi")


def test_drf_still_keeps_the_times_of_requests_the_newest_first() -> None:
    service = Service("wsgi")
    service.direct("/things")
    clock[0] += 5
    service.batch("/things", "/things")
    assert cache.get("throttle_burst_a") == [clock[0], clock[0], clock[0] - 5]
    clock[0] += 5
    service.direct("/things")
    assert cache.get("throttle_burst_a") == [clock[0], clock[0] - 5, clock[0] - 5, clock[0] - 10]


def test_drf_views_still_say_how_they_are_made() -> None:
    view: Any = Things.as_view({"get": "list"})
    assert (view.cls, view.actions["get"]) == (Things, "list")
    assert View.as_view(name="other").initkwargs == {"name": "other"}
