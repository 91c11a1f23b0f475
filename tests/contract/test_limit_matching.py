"""C35, C37, C40: which limits a request falls under, and what each is told of it."""

from __future__ import annotations

import pytest

from batchware import Action, Concurrency, Parent, Quota, by_client, by_header
from batchware.contract.limiter import Charge, Decision, Level
from batchware.contract.standing import exceeded, ratelimit_fields
from tests.contract.batching import action, bare_door
from tests.contract.limited import Limited
from tests.hosts import Host


@bare_door
def test_c35_a_limit_that_an_action_does_not_match_hides_none_of_the_others(host: Host) -> None:
    limited = Limited(host, [Quota("posts", 9, methods=["POST"]), Quota("all", 9)], ratelimit_headers=True)
    assert str(limited.batch(2).header("ratelimit")).startswith('"all";r=7')
    assert str(limited.direct().header("ratelimit")).startswith('"all";r=6')


@bare_door
def test_c37_a_direct_request_falls_under_the_limits_of_its_method(host: Host) -> None:
    limited = Limited(host, [Quota("posts", 2, methods=["POST"])])
    assert limited.passing(5) == 5
    assert limited.passing(5, method="POST", target="/tasks") == 2
    assert limited.batch([action("/tasks", "post")]).status == 429


@bare_door
def test_c37_what_is_outside_of_the_api_base_falls_under_limits_of_everything_alone(host: Host) -> None:
    limits = [Quota("paths", 3, paths=["/**"]), Quota("inside", 2, paths=["/1"]), Quota("all", 9)]
    limited = Limited(host, limits, path="/api/batch", ratelimit_headers=True)
    for target in ("/xxxx/1", "/apix/1", "/tasks/1"):  # as long as the API base
        assert limited.direct(target=target).header("ratelimit") is not None
    assert str(limited.direct(target="/tasks/1").header("ratelimit")).startswith('"all";r=5')
    assert str(limited.direct(target="/api/1").header("ratelimit-policy")).count("q=") == 3


@bare_door
def test_c37_the_cost_of_a_direct_request_is_asked_with_what_is_known_of_it(host: Host) -> None:
    asked: list[tuple[int, str, str, str]] = []

    def cost(action: Action) -> int:
        asked.append((action.index, action.method, action.path, action.query))
        return 1

    limited = Limited(host, [Quota("cost", 9, cost=cost)], path="/api/batch")
    limited.direct("POST", "/api/tasks?a=1")
    limited.direct("GET", "/elsewhere/1")
    assert asked == [(0, "POST", "/tasks", "a=1"), (0, "GET", "", "")]


@bare_door
def test_c8_nobody_is_asked_who_sends_a_direct_request_where_no_limit_is_kept_by_it(host: Host) -> None:
    asked: list[str] = []

    def authorize(parent: Parent) -> str:
        asked.append(parent.path)
        return "ann"

    limited = Limited(host, [Quota("each", 5, key=by_client)], authorize=authorize)
    assert limited.direct().status == 200
    assert asked == []
    assert limited.batch(1).status == 200
    assert asked == ["/batch"]


@bare_door
def test_c8_without_authorize_the_address_of_the_client_counts(host: Host) -> None:
    limited = Limited(host, [Quota("each", 3)])
    ann, bob = ({"client": (address, 1)} for address in ("192.0.2.1", "192.0.2.2"))
    assert limited.batch(2, **ann).status == 200
    assert limited.passing(**ann) == 1
    assert limited.passing(**bob) == 3


def _parent(*headers: tuple[str, str]) -> Parent:
    return Parent("GET", "/x", "", "http", list(headers), None, {})


def test_c36_who_has_no_address_and_who_has_no_header_is_nobody() -> None:
    assert by_client(_parent()) is None
    assert by_header("X-Tenant")(_parent()) is None


def test_c36_any_header_is_a_key() -> None:
    key = by_header("X-Tenant")
    keys = [str(key(_parent(("x-tenant", value)))) for value in ("a", "b", "\udcff")]  # servers let any byte through
    assert all(one.startswith("x-tenant:") for one in keys)
    assert len(set(keys)) == 3


@bare_door
def test_c40_a_batch_that_can_never_fit_is_told_what_it_does_not_fit_into(host: Host) -> None:
    limits = [Quota("full", 5), Quota("few", 4), Concurrency("slots", 3), Quota("many", 50)]
    limited = Limited(host, limits, ratelimit_headers=True)
    assert limited.batch(3).status == 200
    answer = limited.batch(5)  # it would fit into `full` at another time, where 2 are left now
    assert (answer.status, answer.header("retry-after")) == (429, None)
    assert answer.message == (
        "Rate limit enforced: this batch counts as 5 requests and can never fit into full (5 in 60 s), "
        "few (4 in 60 s), slots (3 in flight); few would be charged 5, slots would be charged 5. Send it in parts."
    )
    assert str(answer.header("ratelimit")).startswith('"full";r=2;')
    assert str(answer.header("ratelimit-policy")).startswith('"full";q=5;w=60, "few";q=4;')


@bare_door
def test_c40_what_is_said_of_a_limit(host: Host) -> None:
    limited = Limited(host, [Quota("few", 2), Quota("slow", 2, per=600)])
    assert limited.batch(2).status == 200
    batched, direct = limited.batch(2), limited.direct()
    would = "would exceed few (2 in 60 s), slow (2 in 600 s). Nothing was run; try again in"
    assert batched.message.startswith(f"Rate limit enforced: this batch counts as 2 requests and {would} ")
    (error,) = direct.json()["errors"]
    assert error["message"].startswith(f"Rate limit enforced: this request is one too many and {would} ")


def test_c40_a_limiter_that_says_no_and_not_why_is_believed() -> None:
    rule = Quota("few", 4)
    decision = Decision(False, 1.5, (Level(rule, 3, 1.0),))
    error = exceeded([Charge(rule, "who", 1)], decision, 1, [])
    assert error.message == (
        "Rate limit enforced: this batch counts as 1 request and would exceed one of the limits. "
        "Nothing was run; try again in 2 s."
    )
    assert error.headers == {"Retry-After": "2"}


def test_c40_a_limit_that_would_just_be_full_is_not_blamed() -> None:
    full, few = Quota("full", 2), Quota("few", 1)
    levels = (Level(full, 2, 1.0), Level(few, 1, 1.0))
    error = exceeded([Charge(full, "who", 2), Charge(few, "who", 2)], Decision(False, 1.0, levels), 2, [])
    assert "would exceed few (1 in 60 s)." in error.message


def test_c40_charges_that_admission_has_found_out_are_the_ones_that_are_named() -> None:
    host, theirs = Quota("host", 1), Quota("theirs", 2)
    decision = Decision(False, 1.0, (Level(theirs, 0, 1.0),), (Charge(theirs, "who", 1),))
    error = exceeded([Charge(host, "who", 1), Charge(host, "all", 1)], decision, 2, [])
    assert "would exceed theirs (2 in 60 s)." in error.message


def test_c40_a_limiter_that_leaves_a_level_out_is_not_believed() -> None:
    rule = Quota("few", 4)
    with pytest.raises(ValueError, match="zip"):
        exceeded([Charge(rule, "who", 1)] * 2, Decision(False, 1.5, (Level(rule, 0, 1.0),)), 1, [])


def test_c40_the_names_of_the_fields_are_in_lower_case() -> None:
    fields = ratelimit_fields([Level(Quota("few", 4), 3, 11.5)])  # as ASGI asks of a header
    assert fields == [("ratelimit-policy", '"few";q=4;w=60'), ("ratelimit", '"few";r=3;t=12')]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a b", "Quota: a name is letters, digits, '-', '_' and '.', not 'a b'"),
        ("Tasks_2.x-y", None),
    ],
)
def test_a_limit_has_a_name_that_stands_in_a_header(text: str, error: str | None) -> None:
    if error is None:
        assert Quota(text, 1).name == text
        return
    with pytest.raises(ValueError, match="name") as caught:
        Quota(text, 1)
    assert str(caught.value) == error


def test_what_is_wrong_with_a_limit_is_said() -> None:
    with pytest.raises(ValueError, match=r"^Concurrency few: limit must be a whole number from 1, not 0$"):
        Concurrency("few", 0)
    with pytest.raises(ValueError, match=r"^Quota few: 0 is no number of seconds above 0$"):
        Quota("few", 1, per=0)
    with pytest.raises(TypeError, match=r"^Concurrency few: methods and paths are lists of strings, or ANY$"):
        Concurrency("few", 1, methods="GET")
    with pytest.raises(ValueError, match=r"^Quota few: 'x' is no path pattern: it starts with '/'"):
        Quota("few", 1, paths=["x"])
