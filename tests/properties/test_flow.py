"""C2, C18, C19, C26 and C42 in every interleaving: a whole batch, steered by the driver without a clock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchware import BatchConfig, BatchError, NotAuthorized, Parent
from batchware.contract.errors import HandlerFailed
from batchware.contract.flow import batch
from batchware.contract.model import Outcome, Reply
from batchware.contract.nesting import Mark
from tests.properties.driver import Driver, Plan

_JSON = (("content-type", "application/json"),)
_TEXT = (("content-type", "text/plain"), ("set-cookie", "a=1; Path=/"))
PLANS = st.one_of(
    st.builds(Plan, st.lists(st.sampled_from([b"1", b"23", b"456"]), max_size=3).map(tuple), headers=st.just(_JSON)),
    st.builds(
        Plan,
        st.lists(st.binary(max_size=40).map(lambda octets: octets.hex().encode()), max_size=3).map(tuple),
        st.sampled_from(["complete", "complete", "raise"]),
        st.sampled_from([200, 201, 404, 500]),
        st.sampled_from([_TEXT, ()]),
    ),
)
ENDLESS = st.builds(Plan, st.sampled_from([(), (b"x",)]), st.just("never"))


def parent(**changes: Any) -> Parent:
    headers = [("content-type", "application/json"), ("host", "testserver")]
    return Parent(**{"method": "POST", "path": "/batch", "query": "", "scheme": "http", "headers": headers,
                     "client": None, "request": {}} | changes)  # fmt: skip


def body_of(kinds: list[Plan | None]) -> bytes:
    """A batch with one action for each plan, on a path of its own; None is an action that is refused."""
    entries = [
        {"method": "get", "relative_path": f"/{index}" if plan is not None else "/batch"}
        for index, plan in enumerate(kinds)
    ]
    return json.dumps({"data": {"actions": entries}}).encode()


def drive(data: st.DataObject, kinds: list[Plan | None], config: BatchConfig) -> tuple[Driver, list[dict[str, Any]]]:
    plans = {f"/{index}": plan for index, plan in enumerate(kinds) if plan is not None}

    def choose(choices: Sequence[str]) -> str:
        return data.draw(st.sampled_from(list(choices)))

    driver = Driver(body_of(kinds), plans, choose, parallel=config.parallel)
    reply = driver.run(batch(config, parent(), ""))
    assert reply.status == 200
    return driver, json.loads(reply.body)["data"]


def check_places(driver: Driver, kinds: list[Plan | None]) -> None:
    """Every place that was taken is free again, and none twice (C42)."""
    driver.land_the_rest()
    assert driver.places == 256
    flown = {index for index, plan in enumerate(kinds) if plan is not None}
    assert driver.freed == dict.fromkeys(flown, 1)


@given(data=st.data(), kinds=st.lists(st.one_of(PLANS, st.none()), min_size=1, max_size=6), parallel=st.integers(1, 6))
def test_c18_c19_no_order_of_events_changes_the_answer(
    data: st.DataObject, kinds: list[Plan | None], parallel: int
) -> None:
    driver, results = drive(data, kinds, BatchConfig(parallel=parallel))
    assert len(results) == len(kinds)
    for index, (plan, result) in enumerate(zip(kinds, results, strict=True)):
        if plan is None:
            assert result["status_code"] == 400
            assert result["body"]["errors"][0]["message"].startswith(f"actions[{index}]")
        elif plan.ending == "raise":
            assert (result["status_code"], result["body"]) == (500, {"errors": [{"message": HandlerFailed().message}]})
        else:
            assert result["status_code"] == plan.status
            whole = b"".join(plan.chunks)
            if plan.headers:
                written = json.dumps(result["body"]) if plan.headers is _JSON else result["body"]
                assert written == (whole.decode() if whole else ("null" if plan.headers is _JSON else None))
    assert driver.effects == ["ReadBody", "Admit", "Replay"] if any(kinds) else ["ReadBody", "Replay"]
    check_places(driver, kinds)


@given(
    data=st.data(),
    kinds=st.lists(st.one_of(PLANS, ENDLESS, st.none()), min_size=1, max_size=6),
    parallel=st.none() | st.integers(1, 3),
    most=st.integers(1, 60),
    whole=st.integers(1, 400),
)
def test_c26_limits_and_time_settle_each_action_once(
    data: st.DataObject, kinds: list[Plan | None], parallel: int | None, most: int, whole: int
) -> None:
    config = BatchConfig(parallel=parallel, action_timeout=3, max_result_bytes=most, max_answer_bytes=whole)
    driver, results = drive(data, kinds, config)
    assert len(results) == len(kinds)
    assert sorted(driver.order) == list(range(len(kinds)))
    kept = 0
    for plan, result in zip(kinds, results, strict=True):
        failed = isinstance(result["body"], dict) and "errors" in result["body"]
        assert result["status_code"] in ({400} if plan is None else {plan.status, 500, 502, 504})
        if plan is not None and not failed:
            assert plan.ending == "complete"
            assert sum(map(len, plan.chunks)) <= most
            kept += len(json.dumps(result, separators=(",", ":"), ensure_ascii=False).encode())
        elif failed:
            assert result["status_code"] in (400, 500, 502, 504)
    assert kept <= whole
    check_places(driver, kinds)


_BODIES = [
    b"", b"[", b'{"data":1}', b"x" * ((1 << 20) + 1), body_of([None]), body_of([Plan()] * 11), body_of([Plan()] * 2),
]  # fmt: skip


@given(
    refusal=st.none() | st.sampled_from([NotAuthorized(), NotAuthorized("Not you.", status=403), HandlerFailed()]),
    media_type=st.sampled_from(["application/json", "text/plain"]),
    method=st.sampled_from(["POST", "PUT", "GET"]),
    size=st.sampled_from(["", "10", "1048577"]),
    body=st.sampled_from(_BODIES),
    places=st.sampled_from([1, 256]),
)
def test_c2_the_first_check_that_fails_answers(
    refusal: BatchError | None, media_type: str, method: str, size: str, body: bytes, places: int
) -> None:
    headers = [("content-type", media_type), ("content-length", size)]
    config = BatchConfig(authorize=lambda parent: "")
    driver = Driver(body, {"/0": Plan(), "/1": Plan()}, lambda choices: choices[0], places=places)
    driver.refusal = refusal
    reply = driver.run(batch(config, parent(method=method, headers=headers), ""))
    checks = [
        (method != "POST", 405, []),
        (media_type != "application/json", 415, []),
        (size == "1048577", 413, []),
        (refusal is not None, getattr(refusal, "status", 0), ["Authorize"]),
        (len(body) > 1 << 20, 413, ["Authorize", "ReadBody"]),
        (not body.endswith(b"]}}") or body == body_of([Plan()] * 11), 400, ["Authorize", "ReadBody"]),
        (places == 1 and body == body_of([Plan()] * 2), 503, ["Authorize", "ReadBody", "Admit"]),
    ]
    failed = next(((status, effects) for fails, status, effects in checks if fails), None)
    if failed is None:
        assert reply.status == 200
        assert driver.effects[-1] == "Replay"
    else:
        assert (reply.status, driver.effects) == failed
        assert set(json.loads(reply.body)) == {"errors"}


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
@pytest.mark.parametrize("key", ["batchware", "batchware.action"])
def test_c34_the_mark_of_a_request_is_enough_to_refuse_a_batch_in_a_batch(key: str, method: str) -> None:
    """Where no context came along with it. Nor is the host asked for its policy, which may be what sent it (C24)."""
    driver = Driver(body_of([Plan()]), {}, lambda choices: choices[0])
    headers = [("content-type", "application/json"), ("host", "testserver"), ("origin", "https://a.example")]
    nested = parent(method=method, headers=headers, request={key: Mark()})
    reply = driver.run(batch(BatchConfig(), nested, ""))
    assert (reply.status, driver.effects) == (400, [])


@pytest.mark.parametrize("status", [404, 405])
def test_c1_a_preflight_that_the_host_does_not_know_is_answered_without_a_body(status: int) -> None:
    driver = Driver(b"", {}, lambda choices: choices[0])
    policy = ("access-control-allow-origin", "*")
    driver.host = Outcome(status, [("content-type", "text/plain"), policy], b"none")
    reply = driver.run(batch(BatchConfig(), parent(method="OPTIONS"), ""))
    assert reply == Reply(204, [("allow", "POST, OPTIONS"), policy], b"")
