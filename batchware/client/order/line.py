"""How far the items have come: which exist, which stand in their place, and behind which one an item belongs.

Decides nothing but keeps the books, in the order in which a way wants to create and to place. An item's place is where
no later item stands before it and no earlier one behind it, as far as these are in place themselves; the others may
stand anywhere, since each of them is still going to be moved.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from enum import Enum

HEAD = -1
"""What the first item stands behind, in the place of an item's number: the neighbour, or the head of the list."""


class Stage(Enum):
    """How far one item has come."""

    MISSING = "missing"
    DOUBTFUL = "doubtful"
    """Its creation was sent, and nobody knows whether it happened."""
    LOOSE = "loose"
    """It exists, and stands where the server has put it."""
    POSTPONED = "postponed"
    """It exists, and a placement of it was sent of which nobody knows whether it happened, or still will."""
    PLACED = "placed"


class Line:
    """The items by stage. `led` says that the first one has something to stand behind; else it stands where it is."""

    def __init__(self, create_in: Sequence[int], place_in: Sequence[int], *, led: bool) -> None:
        self.stages = [Stage.MISSING] * len(create_in)
        self.led = led
        self.placed = [HEAD] if led else []
        self.doubtful: list[int] = []
        self.missing = list(create_in)
        self.loose: list[int] = []
        self.postponed: list[int] = []
        self._create_rank = _ranks(create_in)
        self._place_rank = _ranks(place_in)

    def move(self, item: int, stage: Stage) -> None:
        """Takes note of an item's new stage."""
        if self.stages[item] is stage:
            return
        ordered, rank = self._books(self.stages[item])
        del ordered[bisect_left(ordered, rank(item), key=rank)]
        if stage is Stage.LOOSE and item == 0 and not self.led:
            stage = Stage.PLACED  # the others go behind it, wherever that is
        ordered, rank = self._books(stage)
        insort(ordered, item, key=rank)
        self.stages[item] = stage

    def anchor(self, item: int) -> int | None:
        """The last item in place before this one; None if there is none yet."""
        at = bisect_left(self.placed, item)
        return self.placed[at - 1] if at else None

    def release(self) -> None:
        """Turns to what was postponed, if nothing else is left."""
        if not (self.missing or self.doubtful or self.loose):
            for item in list(self.postponed):
                self.move(item, Stage.LOOSE)

    @property
    def last(self) -> int:
        """The last item in place; `HEAD` if there is none."""
        return self.placed[-1] if self.placed else HEAD

    @property
    def done(self) -> bool:
        """Whether every item is in place."""
        return len(self.placed) == len(self.stages) + self.led

    def _books(self, stage: Stage) -> tuple[list[int], Callable[[int], int]]:
        """The list of a stage, and what it is sorted by."""
        if stage is Stage.MISSING:
            return self.missing, self._create_rank.__getitem__
        if stage is Stage.LOOSE:
            return self.loose, self._place_rank.__getitem__
        return {Stage.DOUBTFUL: self.doubtful, Stage.POSTPONED: self.postponed, Stage.PLACED: self.placed}[stage], int


def _ranks(order: Sequence[int]) -> list[int]:
    ranks = [0] * len(order)
    for rank, item in enumerate(order):
        ranks[item] = rank
    return ranks
