"""What goes into the next batch: two ways to bring items into order by actions that run in no order.

Both keep one law, and that is all that the order of the items rests on. Within a batch

- an item is placed directly behind the last item before it that is in place already,
- no two items are placed behind the same one, and none that moves is one that another is placed behind,
- an item that counts as in place without a placement, because the server puts a new item behind all others, comes
  behind all that are in place and all that are placed in the same batch.

So every placement ends in a gap of its own, whatever ran before it, and whatever did not run at all. An item that
belongs elsewhere does no harm wherever it stands, as long as nothing is placed behind it.

`Doubling` fills each batch to the brim: placements while each doubles the number of items that others can stand
behind, creations in the room that is left, in the order in which the halves of the halves will need them. Where new
items come last in the list, the end of the row is created one a batch, in its order, and needs no placement.

`Published` is the way that Asana gave in its forum: every n-th item by single requests, and then the gaps, one item of
each in a round of two batches, one that creates and one that places.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from heapq import heappop, heappush
from typing import Protocol

from .line import HEAD, Line, Stage

_UNFINISHED = (Stage.MISSING, Stage.DOUBTFUL, Stage.LOOSE)


class Kind(Enum):
    """What a step does."""

    CREATE = "create"
    REPEAT = "create again"
    FIND = "look up"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a batch, in terms of the row: items by their number."""

    kind: Kind
    item: int
    anchor: int = HEAD
    """Of a placement: what the item goes behind."""
    settles: bool = False
    """Of a creation: whether the item is in its place with it."""


class Way(Protocol):
    """Decides what goes into each batch."""

    def line(self) -> Line:
        """A row of which nothing exists yet, in the order in which this way creates and places."""
        ...

    def steps(self, line: Line, room: int) -> list[Step]:
        """The next steps, at most `room` of them; none only where all that is left is in doubt or postponed."""
        ...


class Doubling:
    """Every batch full, in as few batches as there can be. See the module."""

    def __init__(self, count: int, size: int, *, led: bool, appends: bool) -> None:
        self._led = led
        self._tail = count - (_tail(count, size) if appends else 0)
        first = HEAD if led else 0
        body = [*([] if led else [0]), *_halves(first, self._tail)][:count]
        self._create_in = [*body, *range(self._tail, count)]
        self._place_in = [*body, *_halves(self._tail - 1, count)]

    def line(self) -> Line:
        return Line(self._create_in, self._place_in, led=self._led)

    def steps(self, line: Line, room: int) -> list[Step]:
        cut = bisect_left(line.missing, True, key=lambda item: item >= self._tail)
        body, tail = line.missing[:cut], line.missing[cut:]
        if not line.placed:
            return [Step(Kind.CREATE, item) for item in body[:room]]
        settling = next((item for item in tail if item > line.last), None)
        rest = room - (settling is not None)
        others = [*body[:rest], *(item for item in tail if item < line.last)]
        places = list(_placements(line, rest, below=settling))
        # With enough to stand behind, placements can wait and creations can't; until then it is the other way round.
        creates = others[: rest if len(line.placed) >= rest else rest - len(places)]
        places = places[: rest - len(creates)]
        steps = [Step(Kind.CREATE, item) for item in creates] + places
        if settling is not None:
            # Where failures have left too much of it for one a batch, doubling is the faster way for the end as well.
            most = 1 if body or len(places) < len(line.loose) else room - len(steps)
            more = [item for item in tail if item >= settling][:most]
            steps += [Step(Kind.CREATE, item, settles=item == more[-1]) for item in more]
        return steps


class Published:
    """Every n-th item first, then the gaps, round by round. See the module."""

    def __init__(self, count: int, size: int, *, led: bool, appends: bool) -> None:
        self._count = count
        self._led = led
        self._appends = appends
        self._every = max(1, -(-count // size))

    def line(self) -> Line:
        return Line(range(self._count), range(self._count), led=self._led)

    def steps(self, line: Line, room: int) -> list[Step]:
        anchors = range(0, self._count, self._every)
        for item in anchors:
            if line.stages[item] in _UNFINISHED:
                return list(self._step(line, item, settles=self._appends and item > line.last))
        gaps = (range(anchor + 1, min(anchor + self._every, self._count)) for anchor in anchors)
        heads = (next((item for item in gap if line.stages[item] in _UNFINISHED), None) for gap in gaps)
        steps: list[Step] = []
        taken: set[int] = set()
        for step in (step for item in heads if item is not None for step in self._step(line, item)):
            # Where a gap's own anchor is postponed, the gap waits for the one before it.
            if step.kind is Kind.CREATE or step.anchor not in taken:
                steps.append(step)
                taken.add(step.anchor)
        return steps[:room]

    def _step(self, line: Line, item: int, *, settles: bool = False) -> Iterator[Step]:
        if line.stages[item] is Stage.MISSING:
            yield Step(Kind.CREATE, item, settles=settles)
        elif line.stages[item] is Stage.LOOSE:
            anchor = line.anchor(item)
            if anchor is not None:
                yield Step(Kind.PLACE, item, anchor)


def _placements(line: Line, most: int, *, below: int | None) -> Iterator[Step]:
    """At most one for each gap between items in place, and only of items before `below`."""
    taken: set[int] = set()
    for item in line.loose:
        if len(taken) == most:
            return
        anchor = line.anchor(item)
        if anchor is not None and anchor not in taken and (below is None or item < below):
            taken.add(anchor)
            yield Step(Kind.PLACE, item, anchor)


def _tail(count: int, size: int) -> int:
    """How many items at the end need no placement: as many as there will be batches, but for the first.

    b batches have room for `b * size` actions, which are `count` creations, and placements of all but b items; and as
    long as there is little to stand behind, b batches put no more than `2 ** b - 1` items in place.
    """
    return max(-(-2 * count // (size + 1)), count.bit_length(), 1) - 1


def _halves(low: int, high: int) -> list[int]:
    """The numbers between two others, which are left out: the one in the middle, and then always that of the longest
    span that is left."""
    found: list[int] = []
    spans = [(low - high, low, high)]
    while spans:
        _, start, end = heappop(spans)
        if end - start > 1:
            middle = (start + end) // 2
            found.append(middle)
            for span in ((start, middle), (middle, end)):
                heappush(spans, (span[0] - span[1], *span))
    return found
