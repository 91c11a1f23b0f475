"""What the demo fills an empty store with: a workspace, six people, a team, two projects and a dozen tasks.

Filling is repeatable: what is there already is found again by its name, so that a file serves from one run to the next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from .placements import place
from .store import Store, new_gid

PEOPLE = ("Ada Okafor", "Ben Lindqvist", "Chandra Rao", "Dina Haddad", "Emil Novak", "Fay Morgan")

TASKS = (
    "Write the announcement",
    "Book the venue",
    "Order the badges",
    "Invite the speakers",
    "Print the programme",
    "Test the live stream",
    "Brief the volunteers",
    "Set up registration",
    "Confirm the catering",
    "Draw the floor plan",
    "Collect the slides",
    "Plan the after-party",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """The gids that the demo speaks of, and a token of the first person."""

    token: str
    people: tuple[str, ...]
    team: str
    project: str
    backlog: str
    tasks: tuple[str, ...]


def fill(store: Store) -> Sample:
    """Makes sure that the sample is in the store, and issues a token to look at it with."""
    with store.transaction(write=True) as db:
        workspace = _ensure(db, "workspaces", {"name": "Example Works"})
        people = [_ensure(db, "users", {"email": _email(name)}, {"name": name}) for name in PEOPLE]
        team = _ensure(db, "teams", {"name": "Conference team", "workspace": workspace})
        db.execute("INSERT OR IGNORE INTO members VALUES (?, ?)", (team, people[0]))
        made = {"notes": "", "created_at": store.clock()}
        projects = [
            _ensure(db, "projects", {"name": name, "workspace": workspace}, {**made, "team": team})
            for name in ("Conference", "Backlog")
        ]
        tasks = []
        for index, name in enumerate(TASKS):
            others = {**made, "modified_at": made["created_at"], "assignee": people[index % len(people)]}
            tasks.append(_ensure(db, "tasks", {"name": name, "workspace": workspace}, others))
            if not db.execute("SELECT 1 FROM placements WHERE task = ?", (tasks[-1],)).fetchone():
                place(db, projects[0], tasks[-1])
    return Sample(
        token=store.issue_token(people[0]),
        people=tuple(map(str, people)),
        team=str(team),
        project=str(projects[0]),
        backlog=str(projects[1]),
        tasks=tuple(map(str, tasks)),
    )


def _ensure(
    db: sqlite3.Connection, table: str, key: Mapping[str, object], others: Mapping[str, object] | None = None
) -> int:
    """The gid of the record that has these values, made with further ones if there is none."""
    found = db.execute(
        f"SELECT gid FROM {table} WHERE {' AND '.join(f'{column} = ?' for column in key)}", (*key.values(),)
    ).fetchone()
    if found is not None:
        return int(found["gid"])
    gid = new_gid(db)
    record = {"gid": gid, **key, **(others or {})}
    columns, marks = ", ".join(record), ", ".join("?" for _ in record)
    db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", (*record.values(),))
    return gid


def _email(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@example.org"
