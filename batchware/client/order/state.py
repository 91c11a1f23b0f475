"""How far a plan is, as JSON: written so that a process that died at any moment leaves a state that is right.

Decides what a state has to hold, and that one of other items is refused: going on with it would mix up two rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeGuard

from .line import Line, Stage

Id: TypeAlias = str | int
"""What the server calls an item."""

_VERSION = 1
_LISTED = (Stage.DOUBTFUL, Stage.POSTPONED, Stage.PLACED)  # of the others, those that have an id are loose


def is_id(value: object) -> TypeGuard[Id]:
    """Whether a value can be an id."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def saved(mark: str, line: Line, ids: list[Id | None]) -> dict[str, Any]:
    """A state, which `restore` reads."""
    return {
        "version": _VERSION,
        "mark": mark,
        "ids": list(ids),
        **{stage.value: [item for item, its in enumerate(line.stages) if its is stage] for stage in _LISTED},
    }


def restore(state: Mapping[str, Any], mark: str, line: Line, ids: list[Id | None]) -> None:
    """Takes a state over into a row of which nothing exists yet. Raises `ValueError` if it is none, or of others."""
    if state.get("version") != _VERSION:
        raise ValueError("state: not one of a plan of this version")
    if state.get("mark") != mark:
        raise ValueError("state: of other items; `create` has to give the same action for the same item each time")
    known = _list_in(state, "ids")
    listed = {stage: _list_in(state, stage.value) for stage in _LISTED}
    numbers = [item for items in listed.values() for item in items]
    placed = listed[Stage.PLACED]
    if not (
        len(known) == len(ids)
        and all(ident is None or is_id(ident) for ident in known)
        and all(type(item) is int and 0 <= item < len(ids) for item in numbers)
        and len(set(numbers)) == len(numbers)
        and all((known[item] is None) is (stage is Stage.DOUBTFUL) for stage in _LISTED for item in listed[stage])
        and (line.led or not placed or 0 in placed)
    ):
        raise ValueError("state: damaged")
    ids[:] = known
    for item, ident in enumerate(known):
        if ident is not None:
            line.move(item, Stage.LOOSE)
    for stage, items in listed.items():
        for item in items:
            line.move(item, stage)


def _list_in(state: Mapping[str, Any], name: str) -> list[Any]:
    value: list[Any] | None = state.get(name)
    if not isinstance(value, list):
        raise ValueError("state: damaged")
    return value
