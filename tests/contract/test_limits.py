"""C35 to C37, C40: what a batch and a direct request are charged, and what they are told."""

from __future__ import annotations

import math
from typing import Any

import pytest

from batchware import Action, Concurrency, NotAuthorized, Parent, Quota, by_client, by_header
from tests.contract.batching import action, bare_door
from tests.contract.limited import REFUSED, Limited, limited_host
from tests.contract.spies import Spy
from tests.hosts import Host

MINUTE = Quota("minute", 20)


@limited_host
@pytest.mark.parametrize("count", [1, 4, 10])
def test_c35_a_batch_of_n_counts_as_n_requests(host: Host, count: int) -> None:
    limited = Limited(host, [MINUTE])
    assert limited.batch(count).statuses == [200] * count
    assert limited.passing() == 20 - count


@bare_door
def test_c35_the_batch_request_itself_costs_nothing(host: Host) -> None:
    limited = Limited(host, [MINUTE])
    assert limited.batch(0).status == 400
    assert limited.batch([action()] * 11).status == 400
    assert limited.batch(1, content_type="text/plain").status == 415
    assert limited.batch(1, body=b"{").status == 400
    assert limited.direct(target="/batch").status == 405
    assert limited.passing() == 20


@bare_door
def test_c35_every_limit_that_an_action_matches_is_charged(host: Host) -> None:
    limits = [
        Quota("reads", 9, methods=["GET", "head"]),
        Quota("tasks", 9, paths=["/tasks/{id}", "/tasks"]),
        Quota("creation", 9, methods=["POST"], paths=["/tasks"]),
        Quota("all", 9),
    ]
    limited = Limited(host, limits, ratelimit_headers=True)
    actions = [action(), action("/echo"), action("/TASKS/2/"), action("/tasks", "post"), action("/users/1", "head")]
    answer = limited.batch(actions)
    assert answer.header("ratelimit") is not None
    left = [field.split(";")[:2] for field in str(answer.header("ratelimit")).split(", ")]
    assert left == [['"reads"', "r=5"], ['"tasks"', "r=6"], ['"creation"', "r=8"], ['"all"', "r=4"]]


@bare_door
def test_c35_an_action_costs_what_the_limit_says(host: Host) -> None:
    def cost(action: Action) -> int:
        if action.path == "/echo":
            raise RuntimeError("no idea")
        return 5 if action.method == "POST" else 0

    limited = Limited(host, [Quota("cost", 13, cost=cost)])
    assert limited.batch([action(), action("/tasks", "post"), action("/echo")]).statuses == [200] * 3
    assert limited.batch([action("/tasks", "post")] * 2).status == 429
    assert limited.batch([action()] * 10).status == 200
    assert limited.passing(target="/echo") == 7


# --- C36


@limited_host
def test_c36_a_batch_that_does_not_fit_is_refused_as_a_whole(host: Host) -> None:
    limited = Limited(host, [MINUTE])
    for count in (10, 7):
        assert limited.batch(count).status == 200
    answer = limited.batch(5)
    assert answer.status == 429
    assert "minute (20 in 60 s)" in answer.message
    assert [limited.direct().status for _ in range(4)] == [200, 200, 200, 429]


@bare_door
def test_c36_no_handler_runs_where_one_limit_refuses(host: Host) -> None:
    spy = Spy(host.door)
    limited = Limited(spy, [MINUTE, Quota("creation", 2, methods=["POST"])])
    assert limited.batch([action(), *[action("/tasks", "post")] * 3]).status == 429
    assert not spy.seen
    assert limited.passing() == 20
    assert limited.passing(method="POST", target="/tasks") == 0


@bare_door
def test_c36_a_limit_may_charge_refusals(host: Host) -> None:
    limited = Limited(host, [Quota("strict", 20, charge_refused=True), Quota("mild", 4)])
    assert limited.batch(5).status == 429
    assert limited.batch(4).status == 200
    assert limited.batch(4).status == 429
    limited.time += 120
    assert limited.passing() == 4


@bare_door
def test_c36_clients_do_not_share_a_limit(host: Host) -> None:
    limited = Limited(host, [Quota("each", 3)])
    ann, bob = ({"client": (address, 1)} for address in ("192.0.2.1", "192.0.2.2"))
    assert limited.batch(3, **ann).status == 200
    assert limited.batch(1, **ann).status == 429
    assert limited.passing(**bob) == 3


@bare_door
def test_c36_a_limit_is_kept_by_what_its_key_says(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    limits = [Quota("tenants", 3, key=by_header("X-Tenant")), Quota("addresses", 7, key=by_client)]
    limited = Limited(host, limits, authorize=lambda parent: "anyone")
    assert limited.passing(headers={"X-Tenant": "a"}) == 3
    assert limited.passing(headers={"X-Tenant": "b"}) == 3
    assert "share one bucket" not in caplog.text
    assert limited.passing() == 1
    assert "tenants knows neither principal nor client" in caplog.text


# --- C37


@limited_host
def test_c37_direct_requests_and_actions_share_their_counters(host: Host) -> None:
    limited = Limited(host, [MINUTE])
    for _ in range(11):
        assert limited.direct().status == 200
    assert limited.batch(10).status == 429
    assert limited.batch(9).status == 200
    refused = limited.direct()
    assert refused.status == 429
    assert refused.header("retry-after") == "63"
    (error,) = refused.json()["errors"]
    assert "this request is one too many" in error["message"]


@bare_door
def test_c37_a_refused_direct_request_does_not_reach_the_host(host: Host) -> None:
    spy = Spy(host.door)
    limited = Limited(spy, [Quota("one", 1)])
    assert [limited.direct().status for _ in range(3)] == [200, 429, 429]
    assert limited.direct("HEAD").body == b""
    assert len(spy.seen) == 1


@limited_host
def test_c37_direct_requests_can_be_left_uncounted(host: Host) -> None:
    limited = Limited(host, [Quota("ten", 10)], count_direct=False)
    assert limited.passing(20) == 20
    assert limited.batch(10).status == 200
    assert limited.batch(1).status == 429


@limited_host
def test_c37_options_is_never_charged(host: Host) -> None:
    limited = Limited(host, [Quota("two", 2)])
    for target in ("/tasks", "/batch") * 3:
        assert limited.direct("OPTIONS", target).status != 429
    assert limited.passing() == 2


@bare_door
def test_c37_actions_are_not_charged_a_second_time_as_requests(host: Host) -> None:
    limited = Limited(host, [MINUTE], ratelimit_headers=True)
    answer = limited.batch(5)
    assert str(answer.header("ratelimit")).startswith('"minute";r=15')
    assert all("ratelimit" not in result["headers"] for result in answer.results)


@bare_door
def test_c37_below_the_api_base_both_see_the_same_path(host: Host) -> None:
    limited = Limited(host, [Quota("tasks", 5, paths=["/tasks/{id}"])], path="/api/1.0/batch")
    assert limited.batch(3, path="/api/1.0/batch").status == 200
    assert limited.passing(target="/tasks/1", most=6) == 6
    assert limited.passing(target="/api/1.0/tasks/1") == 2


def _refusing(parent: Parent) -> str:
    name = parent.header("authorization")
    if name is None:
        raise NotAuthorized
    return name


async def _refusing_later(parent: Parent) -> str:
    return _refusing(parent)


@bare_door
@pytest.mark.parametrize("authorize", [_refusing, _refusing_later])
def test_c8_who_sends_a_direct_request_is_asked_and_never_refused(host: Host, authorize: Any) -> None:
    limited = Limited(host, [Quota("each", 4)], authorize=authorize)
    for name in ("ann", "bob"):
        assert limited.batch(3, headers={"Authorization": name}).status == 200
        assert limited.passing(headers={"Authorization": name}) == 1
    assert limited.batch(1).status == 401
    assert limited.passing() == 4


@bare_door
def test_c8_a_hook_that_fails_for_a_direct_request_refuses_nothing(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    def authorize(parent: Parent) -> str:
        raise RuntimeError("no idea")

    limited = Limited(host, [Quota("each", 4)], authorize=authorize)
    assert limited.passing() == 4
    assert "authorize failed" in caplog.text


# --- C40


@bare_door
@pytest.mark.parametrize("spent", [16, 17, 19, 20])
@pytest.mark.parametrize("elapsed", [0, 1, 29.5, 59])
def test_c40_retry_after_is_enough_and_no_second_more(host: Host, spent: int, elapsed: float) -> None:
    limited = Limited(host, [MINUTE])
    limited.time += elapsed
    for _ in range(spent):
        assert limited.direct().status == 200
    answer = limited.batch(5)
    assert answer.status == 429
    seconds = int(str(answer.header("retry-after")))
    assert f"try again in {seconds} s" in answer.message
    limited.time += seconds - 1
    assert limited.batch(5).status == 429
    limited.time += 1
    assert limited.batch(5).status == 200


@bare_door
def test_c40_the_longest_wait_counts(host: Host) -> None:
    limited = Limited(host, [Quota("slow", 3, per=3600), Quota("fast", 3, per=1), Concurrency("slots", 9)])
    assert limited.batch(3).status == 200
    answer = limited.batch(1)
    assert "slow (3 in 3600 s)" in answer.message
    assert "fast (3 in 1 s)" in answer.message
    assert "slots" not in answer.message
    rest = 3600 - limited.time % 3600
    assert answer.header("retry-after") == str(math.ceil(rest + 1200))


@bare_door
@pytest.mark.parametrize("rule", [Quota("few", 4), Concurrency("few", 4)], ids=["a quota", "a concurrency limit"])
def test_c40_a_batch_that_can_never_fit_is_told_so(host: Host, rule: Any) -> None:
    limited = Limited(host, [rule])
    answer = limited.batch(5)
    assert (answer.status, answer.header("retry-after")) == (429, None)
    assert "can never fit into few" in answer.message
    assert "would be charged 5" in answer.message
    assert limited.batch(4).status == 200


@bare_door
def test_c40_every_counted_answer_tells_how_the_limits_stand(host: Host) -> None:
    limits = [MINUTE, Concurrency("slots", 12), Quota("posts", 5, methods=["POST"])]
    limited = Limited(host, limits, ratelimit_headers=True)
    limited.time += 12
    answers = [limited.batch(2), limited.direct(), limited.batch([REFUSED, *[action()] * 9])]
    left = [(18, 10), (17, 11), (7, 3)]
    for answer, (quota, slots) in zip(answers, left, strict=True):
        assert answer.header("ratelimit-policy") == '"minute";q=20;w=60, "slots";q=12;qu="concurrent-requests"'
        assert answer.header("ratelimit") == f'"minute";r={quota};t=48, "slots";r={slots}'
    refused = limited.batch(8)
    assert refused.status == 429
    assert refused.header("ratelimit") == '"minute";r=7;t=48, "slots";r=12'
    assert limited.direct("OPTIONS").header("ratelimit") is None


@bare_door
def test_c40_the_fields_are_off_by_default(host: Host) -> None:
    limited = Limited(host, [Quota("one", 1)])
    for answer in (limited.batch(1), limited.batch(1), limited.direct()):
        assert answer.header("ratelimit") is None
        assert answer.header("ratelimit-policy") is None
