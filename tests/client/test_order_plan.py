"""A plan, whatever its batches meet: no order of execution and no failure creates anything twice or misplaces it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from batchware.client import Action, Result
from batchware.client.actions import Headers
from batchware.client.order import GaveUp, Id, InDoubt, Plan, Where, put_in_order
from batchware.client.outcomes import NoResult
from tests.client.list_server import FATES, Fate, ListServer, in_order, looking_up, planned

LONG = 20  # batches after which nothing fails any more, so that every example ends

Doubts = Literal["looked up", "repeatable", "by hand"]


class Story:
    """One plan on one server, with Hypothesis as the fate of each action, and as whoever cuts the plan off."""

    def __init__(self, data: st.DataObject, count: int, doubts: Doubts, lands: Any, options: dict[str, Any]) -> None:
        self.server = ListServer(lands, keyed=doubts == "repeatable")
        knows = {"looked up": looking_up(), "repeatable": {"repeatable": True}, "by hand": {}}[doubts]
        self.count, self.options = count, {**options, **knows}
        self._data = data
        self.plan = planned(count, **self.options)

    def run(self) -> None:
        for turn in range(10 * LONG):
            try:
                actions = self.plan.next()
                if not actions:
                    return
                came = self._send(actions, calm=turn > LONG)
                if turn < LONG and self._data.draw(st.integers(0, 5), "cut off") == 5:
                    event("cut off")
                    self.options["way"] = self._data.draw(st.sampled_from(["doubling", "published"]), "way")
                    self.plan = planned(self.count, **self.options, state=json.loads(json.dumps(self.plan.state())))
                else:
                    self.plan.take(came)
            except InDoubt as stop:
                event("in doubt")
                for item in stop.items:
                    self.plan.resolve(item, next(iter(self.server.ids_of(f"item {item}")), None))
            except GaveUp:
                event("gave up")
        raise AssertionError("it does not end")

    def _send(self, actions: Sequence[Action], *, calm: bool) -> list[Result | NoResult]:
        order = self._data.draw(st.permutations(range(len(actions))), "order")
        fates: list[Fate] = ["ok"] * len(actions)
        if not calm:
            fate = st.sampled_from(("ok", *FATES))
            fates = self._data.draw(st.lists(fate, min_size=len(actions), max_size=len(actions)), "fates")
        return self.server.run(actions, order, fates)


@settings(max_examples=100)
@given(
    data=st.data(),
    count=st.integers(1, 14),
    size=st.integers(1, 6),
    tries=st.sampled_from([2, 10]),
    way=st.sampled_from(["doubling", "published"]),
    doubts=st.sampled_from(["looked up", "repeatable", "by hand"]),
    start=st.sampled_from([Where.IT_LANDS, None, 1, 2]),
    lands=st.sampled_from(["last", "first", "anywhere"]),
    appends=st.booleans(),
)
def test_the_items_end_in_order_and_none_is_created_twice(
    data: st.DataObject,
    count: int,
    size: int,
    tries: int,
    way: Any,
    doubts: Doubts,
    start: Id | Where | None,
    lands: Any,
    appends: bool,
) -> None:
    appends = appends and lands == "last" and start is Where.IT_LANDS
    options = {"size": size, "tries": tries, "way": way, "after": start, "appends": appends}
    story = Story(data, count, doubts, lands, options)
    story.run()
    assert story.server.created == {f"item {number}": 1 for number in range(count)}
    assert in_order(story.server, count, start)
    assert [story.server.names[ident] for ident in ids_of(story.plan)] == [f"item {n}" for n in range(count)]


def ids_of(plan: Plan[str]) -> list[int]:
    return [ident for ident in plan.ids if isinstance(ident, int)]


def test_an_unknown_creation_stops_a_plan_that_can_not_look_it_up_and_says_exactly_which() -> None:
    server, plan = ListServer(), planned(5, size=3)
    actions = plan.next()
    names = [action.data["name"] for action in actions]
    plan.take(server.run(actions, range(3), ["ok", "lost", "lost, ran"]))
    with pytest.raises(InDoubt, match="unknown whether these were created: items") as stop:
        plan.next()
    assert {f"item {item}" for item in stop.value.items} == set(names[1:])
    assert plan.state()["doubtful"] == list(stop.value.items)
    assert all(f"items[{item}]" in str(stop.value) for item in stop.value.items)
    for item in stop.value.items:
        plan.resolve(item, next(iter(server.ids_of(f"item {item}")), None))
    put_in_order(plan, server.all)
    assert in_order(server, 5, Where.IT_LANDS)
    assert server.created.total() == 5


def test_a_placement_that_failed_is_sent_again_at_once_and_one_that_may_yet_happen_last() -> None:
    for fate in ("503", "500", "not sent", "lost"):
        server, plan = ListServer(), planned(8)
        plan.take(server.all(plan.next()))
        (first,) = plan.next()
        plan.take(server.run([first], [0], [fate]))
        paths = []
        while actions := plan.next():
            paths.append([action.path for action in actions])
            plan.take(server.all(actions))
        assert (first.path in paths[0], [first.path] == paths[-1]) == (
            (False, True) if fate == "lost" else (True, False)
        )


@pytest.mark.parametrize("status", [303, 400, 403, 404, 422])
def test_what_is_refused_is_not_sent_again_and_the_plan_says_what_it_was(status: int) -> None:
    server, plan = ListServer(), planned(3)
    actions = plan.next()
    good = server.all(actions)
    refused = Result(actions[1], status, Headers({}), {"errors": [{"message": "no such project"}]}, b"")
    with pytest.raises(GaveUp, match=f"post /items: {status}: no such project".replace("post", "POST")) as stop:
        plan.take([good[0], refused, good[2]])
    (failure,) = stop.value.failures
    assert (failure.action, failure.came, failure.tries) == (actions[1], refused, 1)
    assert sum(ident is not None for ident in plan.ids) == 2


@pytest.mark.parametrize("status", [408, 409, 423, 425, 429, 503])
def test_a_creation_that_may_pass_later_is_sent_again_and_is_not_in_doubt(status: int) -> None:
    plan = planned(1)
    actions = plan.next()
    plan.take([Result(actions[0], status, Headers({}), None, b"null")])
    assert plan.next() == actions


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_creation_that_may_have_happened_is_in_doubt(status: int) -> None:
    plan = planned(1)
    plan.take([Result(plan.next()[0], status, Headers({}), None, b"null")])
    with pytest.raises(InDoubt):
        plan.next()


def test_a_repeated_creation_stays_in_doubt_until_it_is_answered() -> None:
    plan = planned(1, repeatable=True)
    actions = plan.next()
    plan.take([None])
    assert plan.next() == actions
    plan.take([Result(actions[0], 503, Headers({}), None, b"null")])
    assert plan.state()["doubtful"] == [0]


@pytest.mark.parametrize("ident", [None, 1.5, True, ["7"]])
def test_an_id_that_is_none_leaves_its_creation_in_doubt_and_loses_no_other(ident: Any) -> None:
    plan = planned(3)
    actions = plan.next()
    bodies = [{"id": "a"}, {"id": ident}, {"id": "c"}]
    results = [Result(action, 201, Headers({}), body, b"") for action, body in zip(actions, bodies, strict=True)]
    with pytest.raises(TypeError):
        plan.take(results)
    assert sorted(str(known) for known in plan.ids) == ["None", "a", "c"]
    assert len(plan.state()["doubtful"]) == 1


def test_what_created_raises_goes_up_with_the_action_when_the_other_results_are_in() -> None:
    plan = planned(2)
    actions = plan.next()
    with pytest.raises(KeyError) as stop:
        plan.take([Result(actions[0], 200, Headers({}), {}, b""), Result(actions[1], 200, Headers({}), {"id": 7}, b"")])
    assert stop.value.__notes__ == ["with the result of POST /items for items[0]"]
    assert plan.ids == [None, 7]


def test_create_is_asked_once_for_each_item_so_that_a_key_in_it_stays_the_same() -> None:
    asked: list[str] = []

    def create(name: str) -> Action:
        asked.append(name)
        return Action("post", "/items", {"name": name, "key": len(asked)})

    plan = Plan(["a", "b"], create=create, created=lambda r: r.body["id"], place=lambda i, a: Action("post", "/p"))
    first = plan.next()
    plan.take([Result(action, 503, Headers({}), None, b"") for action in first])
    assert plan.next() == first
    assert asked == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"appends": True, "after": 1}, "appends"),
        ({"appends": True, "after": None}, "appends"),
        ({"find": lambda name: Action("get", "/items")}, "find"),
        ({"found": lambda name, result: None}, "find"),
        ({**looking_up(), "repeatable": True}, "find"),
        ({"way": "fast"}, "way"),
        ({"size": 0}, "size"),
        ({"tries": 0}, "tries"),
    ],
)
def test_options_that_do_not_go_together_are_refused_by_name(options: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        planned(3, **options)


def test_results_are_taken_for_the_batch_that_was_given_out_and_only_then() -> None:
    plan = planned(3)
    plan.next()
    with pytest.raises(RuntimeError, match=r"say lost\(\)"):
        plan.next()
    with pytest.raises(ValueError, match="2 for a batch of 3"):
        plan.take([None, None])
    plan.lost()
    with pytest.raises(ValueError, match="not in doubt"):
        planned(3).resolve(0, 7)


STATE = {"version": 1, "ids": [None, None], "placed": [], "doubtful": [], "postponed": []}


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 2},
        {"mark": "another"},
        {"ids": [1]},
        {"ids": [1, 2.5]},
        {"ids": None},
        {"placed": [0]},
        {"placed": [5], "ids": [1, 2]},
        {"placed": [1], "ids": [None, 2]},
        {"doubtful": [0], "ids": [1, 2]},
        {"doubtful": ["0"]},
        {"doubtful": [0, 0]},
        {"postponed": [0]},
        {"postponed": [1], "placed": [0, 1], "ids": [1, 2]},
    ],
)
def test_a_state_that_is_damaged_or_of_other_items_is_refused(damage: dict[str, Any]) -> None:
    good = {**STATE, "mark": planned(2).state()["mark"]}
    assert planned(2, state=good).state() == good
    with pytest.raises(ValueError, match="state: "):
        planned(2, state={**good, **damage})


def test_a_state_is_of_its_items_in_their_order_behind_what_they_go_behind() -> None:
    marks = {planned(*args, **more).state()["mark"] for args, more in [((2,), {}), ((3,), {}), ((2,), {"after": 1})]}
    marks |= {planned(2, after=None).state()["mark"], planned(2, after="1").state()["mark"]}
    assert len(marks) == 5


def test_no_items_are_in_order_at_once() -> None:
    assert put_in_order(planned(0), ListServer().all) == []


@pytest.mark.parametrize(("first", "then"), [("doubling", "published"), ("published", "doubling")])
def test_a_plan_can_go_on_in_the_other_way_at_any_point(first: Any, then: Any) -> None:
    for cut in range(10):
        server, plan = ListServer(), planned(50, appends=True, way=first)
        for _ in range(cut):
            plan.take(server.all(plan.next()))
        put_in_order(planned(50, appends=True, way=then, state=plan.state()), server.all)
        assert in_order(server, 50, Where.IT_LANDS), cut
        assert server.created.total() == 50
