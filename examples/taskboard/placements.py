"""The order of the tasks in a project.

Positions are whole numbers, unique in a project (the schema says so as well). Every change runs in the transaction of
its operation, which writes alone, so two insertions after one task end up behind each other and never in one place.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

from .exchange import Refusal

Side = Literal["insert_before", "insert_after"]


def place(
    db: sqlite3.Connection, project: int, task: int, side: Side = "insert_before", anchor: int | None = None
) -> None:
    """Puts a task before or after another one; without one, `insert_before` is the end, `insert_after` the head.

    A task that is in the project already moves. The anchor has to be in the project, and can't be the task itself.
    """
    db.execute("DELETE FROM placements WHERE project = ? AND task = ?", (project, task))
    if anchor is None:
        position = 0 if side == "insert_after" else _end(db, project)
    else:
        found = db.execute(
            "SELECT position FROM placements WHERE project = ? AND task = ?", (project, anchor)
        ).fetchone()
        if found is None:
            raise Refusal(400, f"{side}: Not another task of this project: {anchor}")
        position = found["position"] + (side == "insert_after")
    # Make room. A plain `position + 1` would meet the next row's position half-way, so the rows go round by the
    # negative numbers, which nothing else uses.
    db.execute(
        "UPDATE placements SET position = -position - 1 WHERE project = ? AND position >= ?", (project, position)
    )
    db.execute("INSERT INTO placements (project, task, position) VALUES (?, ?, ?)", (project, task, position))
    db.execute("UPDATE placements SET position = -position WHERE project = ? AND position < 0", (project,))


def remove(db: sqlite3.Connection, project: int, task: int) -> bool:
    """Takes a task out of a project; says whether it was there."""
    return bool(db.execute("DELETE FROM placements WHERE project = ? AND task = ?", (project, task)).rowcount)


def _end(db: sqlite3.Connection, project: int) -> int:
    last = db.execute("SELECT max(position) FROM placements WHERE project = ?", (project,)).fetchone()[0]
    return 0 if last is None else int(last) + 1
