"""The list that items are put in order in, as a server has it: what a placement does, and where new items land."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from batchware.client.order.line import HEAD
from batchware.client.order.ways import Kind, Step

Landing = Literal["last", "first", "nowhere"]

BEFORE, BEHIND = "before", "behind"
"""What the list holds already; led items go behind `BEFORE`."""

Row = tuple[str | int, ...]

START: Row = (BEFORE, BEHIND)


def landed(row: Row, item: int, landing: Landing) -> Row:
    """The list with a new item in it."""
    return {"last": (*row, item), "first": (item, *row), "nowhere": row}[landing]


def moved(row: Row, item: int, anchor: str | int) -> Row:
    """The list with an item right behind another one, wherever it was before."""
    rest = [other for other in row if other != item]
    at = rest.index(anchor) + 1
    return (*rest[:at], item, *rest[at:])


def run(row: Row, step: Step, landing: Landing) -> Row:
    """What a step does to the list."""
    if step.kind is Kind.PLACE:
        return moved(row, step.item, BEFORE if step.anchor == HEAD else step.anchor)
    return landed(row, step.item, landing)


def ours(row: Row) -> list[int]:
    """The items in the list, without what was there before."""
    return [item for item in row if isinstance(item, int)]


def together(row: Row, count: int, *, led: bool) -> bool:
    """Whether the items stand in their order and with nothing between them, behind what they should stand behind."""
    start = row.index(0)
    in_order = row[start : start + count] == tuple(range(count))
    return in_order and len(row) == count + len(START) and (not led or (start > 0 and row[start - 1] == BEFORE))


Shuffle = Callable[[Sequence[Step]], Sequence[Step]]
