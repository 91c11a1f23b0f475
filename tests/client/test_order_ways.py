"""The two ways, on a model of the server: every order of execution, every failure, and how few batches it takes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from functools import cache

import pytest

from batchware.client.order.line import HEAD, Line, Stage
from batchware.client.order.ways import Doubling, Kind, Published, Step, Way
from tests.client.ordered_list import START, Landing, Row, ours, run, together

WAYS = {"doubling": Doubling, "published": Published}

Stages = tuple[Stage, ...]

Late = frozenset[Step]
"""Placements whose answers got lost and that have not run yet: each may at any time, or never."""

# What a client may learn of an action. A creation whose answer got lost did happen, and is looked up: its item is
# found, and counts as standing anywhere.
FATES = ("done", "failed", "lost")


def line_at(way: Way, stages: Stages) -> Line:
    line = way.line()
    for item, stage in enumerate(stages):
        line.move(item, stage)
    line.release()
    return line


def learned(step: Step, fate: str, before: Stage, *, origin: bool) -> Stage:
    """The stage of an item after a step, as the client knows it."""
    if step.kind is Kind.PLACE:
        return {"done": Stage.PLACED, "failed": Stage.LOOSE, "lost": Stage.POSTPONED}[fate]
    if fate == "failed":
        return before
    return Stage.PLACED if (fate == "done" and step.settles) or origin else Stage.LOOSE


State = tuple[Stages, Row, Late]


def afterwards(steps: list[Step], state: State, landing: Landing, *, led: bool, late: int) -> set[State]:
    """Whatever can come of a batch: its actions run in any order, any of them fails, gets lost, or runs later, `late`
    of them at once."""
    stages, row, waiting = state
    placed = {step.item for step in steps if step.kind is Kind.PLACE}
    pending = {step for step in waiting if step.item not in placed}  # what it repeats has come to its end
    found = set()
    for fates in itertools.product(FATES, repeat=len(steps)):
        lost = {step for step, fate in zip(steps, fates, strict=True) if step.item in placed and fate == "lost"}
        may_run = [*pending, *lost]
        if len(may_run) > late:
            continue
        after = list(stages)
        for step, fate in zip(steps, fates, strict=True):
            after[step.item] = learned(step, fate, stages[step.item], origin=step.item == 0 and not led)
        ran = [step for step, fate in zip(steps, fates, strict=True) if fate != "failed" and step not in lost]
        for count in range(len(may_run) + 1):
            for also in itertools.combinations(may_run, count):
                for order in itertools.permutations([*ran, *also]):
                    end = row
                    for step in order:
                        end = run(end, step, landing)
                    found.add((tuple(after), end, frozenset(may_run) - set(also)))
    return found


SETTINGS = [
    pytest.param(way, led, appends, landing, id=f"{way}-{'led' if led else 'where it lands'}-{landing}-{appends=}")
    for way, led, appends, landing in itertools.product(
        WAYS, (False, True), (False, True), ("last", "first", "nowhere")
    )
    if not (appends and (led or landing != "last")) and not (landing == "nowhere" and not led)
]


@pytest.mark.parametrize(("count", "size", "late"), [(3, 3, 2), (4, 2, 2), (4, 3, 2), (5, 3, 0)])
@pytest.mark.parametrize(("way", "led", "appends", "landing"), SETTINGS)
def test_every_order_of_execution_and_every_failure_lead_to_the_right_order(
    way: str, led: bool, appends: bool, landing: Landing, count: int, size: int, late: int
) -> None:
    made = WAYS[way](count, size, led=led, appends=appends)
    start: State = ((Stage.MISSING,) * count, START, frozenset())
    seen, left, ends = {start}, [start], 0
    while left:
        state = left.pop()
        stages, row, _ = state
        line = line_at(made, stages)
        in_place = [item for item in ours(row) if stages[item] is Stage.PLACED]
        assert in_place == sorted(in_place), row
        if line.done:
            assert together(row, count, led=led), row
            ends += 1
            continue
        steps = made.steps(line, size)
        assert 1 <= len(steps) <= size
        new = afterwards(steps, (tuple(line.stages), *state[1:]), landing, led=led, late=late) - seen
        seen |= new
        left.extend(new)
    assert ends


def batches(way: Way, count: int, size: int, failing: float = 0.0, seed: int = 0) -> int:
    """How many batches it takes, with this part of the placements failing."""
    line, chance, taken = way.line(), random.Random(seed), 0
    while not line.done:
        steps = way.steps(line, size)
        assert 1 <= len(steps) <= size
        taken += 1
        for step in steps:
            if step.kind is Kind.CREATE:
                line.move(step.item, Stage.PLACED if step.settles else Stage.LOOSE)
            elif chance.random() >= failing:
                line.move(step.item, Stage.PLACED)
    return taken


def fewest(count: int, size: int, *, led: bool) -> int:
    """The fewest batches in which anybody could do it with placements behind one item, found by trying everything."""
    start = (0, 0 if led else 1)  # as bits: which exist, which are in place; the first counts as in place
    wave, taken, full = {start}, 0, (1 << count) - 1
    while (full, full) not in wave:
        wave = set(itertools.chain.from_iterable(_next(made, placed, count, size) for made, placed in wave))
        taken += 1
    return taken


@cache
def _next(made: int, placed: int, count: int, size: int) -> frozenset[tuple[int, int]]:
    missing = [item for item in range(count) if not made >> item & 1]
    gaps: dict[int, list[int]] = {}
    # Behind the first item nothing goes that was made in the same batch, and nothing behind what does not exist.
    for item in range(count):
        if made >> item & 1 and not placed >> item & 1:
            anchor = max((other for other in range(item) if placed >> other & 1), default=HEAD)
            if anchor == HEAD or made >> anchor & 1:
                gaps.setdefault(anchor, []).append(item)
    found = set()
    for choice in itertools.product(*([None, *gap] for gap in gaps.values())):
        places = [item for item in choice if item is not None]
        room = size - len(places)
        if room >= 0:
            for new in itertools.combinations(missing, min(room, len(missing))):
                found.add((made | sum(1 << i for i in new), placed | sum(1 << i for i in places)))
    return frozenset(found)


@pytest.mark.parametrize("led", [False, True])
@pytest.mark.parametrize(("count", "size"), [(1, 3), (2, 2), (3, 2), (5, 2), (6, 3), (7, 3), (8, 3), (7, 5), (9, 9)])
def test_doubling_takes_the_fewest_batches_that_there_can_be(count: int, size: int, led: bool) -> None:
    assert batches(Doubling(count, size, led=led, appends=False), count, size) == fewest(count, size, led=led)


@pytest.mark.parametrize("count", [50, 100, 500, 1000])
def test_large_rows_leave_no_room_in_a_batch_unused(count: int) -> None:
    assert batches(Doubling(count, 10, led=False, appends=False), count, 10) == -(-(2 * count - 1) // 10)
    assert batches(Doubling(count, 10, led=False, appends=True), count, 10) == -(-2 * count // 11)


@pytest.mark.parametrize("count", range(1, 80))
def test_that_new_items_come_last_never_costs_a_batch(count: int) -> None:
    plain, appending = (
        batches(Doubling(count, 10, led=False, appends=appends), count, 10) for appends in (False, True)
    )
    assert appending <= plain


def test_fifty_take_ten_batches_and_the_published_way_eighteen() -> None:
    assert batches(Doubling(50, 10, led=False, appends=True), 50, 10) == 10
    assert batches(Published(50, 10, led=False, appends=True), 50, 10) == 18


@pytest.mark.parametrize("appends", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_a_thousand_with_one_placement_in_twenty_failing_take_fewer_than_230(seed: int, appends: bool) -> None:
    assert batches(Doubling(1000, 10, led=False, appends=appends), 1000, 10, failing=0.05, seed=seed) < 230


def stepped() -> Iterator[tuple[Line, list[Step]]]:
    for count, appends in itertools.product((17, 50), (False, True)):
        way = Doubling(count, 10, led=False, appends=appends)
        line, chance = way.line(), random.Random(count)
        while not line.done:
            steps = way.steps(line, 10)
            yield line, steps
            for step in steps:
                if chance.random() < 0.8:
                    line.move(step.item, Stage.PLACED if step.settles or step.kind is Kind.PLACE else Stage.LOOSE)


def test_no_two_actions_of_a_batch_touch_one_another() -> None:
    for line, steps in stepped():
        places = [step for step in steps if step.kind is Kind.PLACE]
        anchors = [step.anchor for step in places]
        assert len(set(anchors)) == len(anchors)
        assert not {step.item for step in steps} & set(anchors)
        assert all(line.stages[anchor] is Stage.PLACED for anchor in anchors)
        assert all(line.anchor(step.item) == step.anchor for step in places)
        settled = [step.item for step in steps if step.settles]
        assert len(settled) <= 1
        assert all(item > max([line.last, *(step.item for step in places)]) for item in settled)


def test_an_end_that_failures_have_held_up_is_doubled_too() -> None:
    way = Doubling(50, 10, led=False, appends=True)
    line, held_up = way.line(), 0
    while line.loose or not line.placed or line.missing[0] < 41:
        for step in way.steps(line, 10):
            if step.item < 41:
                line.move(step.item, Stage.PLACED if step.kind is Kind.PLACE else Stage.LOOSE)
    assert line.missing == list(range(41, 50))
    while not line.done:
        held_up += 1
        for step in way.steps(line, 10):
            line.move(step.item, Stage.PLACED if step.settles or step.kind is Kind.PLACE else Stage.LOOSE)
    assert held_up == 5
