"""How each kind of record looks in JSON: compact, full, or the fields that `opt_fields` names.

As in Asana's API: a single record is full, a record in a list or inside another one is compact, and with `opt_fields`
it is the gid and the named fields, dotted for fields of nested records (`assignee.name`). Names that a record does not
have are ignored. Fields are worked out one by one, so one that is not shown costs no query.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from .exchange import BASE

Row = sqlite3.Row
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Item:
    """A record together with the shape that it is shown in."""

    shape: Shape
    row: Row


Field = Callable[[sqlite3.Connection, Row], "object | Item | list[Item] | None"]


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of record: its `resource_type`, its table, and its fields in the order in which they are shown."""

    kind: str
    table: str
    compact: frozenset[str]
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The tree of names in `opt_fields`."""

    names: dict[str, Wanted]

    @classmethod
    def parse(cls, text: str) -> Wanted:
        root = cls({})
        for dotted in text.split(","):
            node = root
            for name in dotted.strip().split("."):
                node = node.names.setdefault(name, cls({}))
        return root


def show(db: sqlite3.Connection, item: Item, wanted: Wanted | None = None, *, full: bool = False) -> Json:
    """The JSON object for a record."""
    shape = item.shape
    shown: Json = {"gid": str(item.row["gid"])}
    names: Collection[str]
    if wanted is None and full:
        names = shape.fields
    elif wanted is None or not wanted.names:
        names = shape.compact
    else:
        names = wanted.names
    for name, read in shape.fields.items():
        if name in names:
            below = None if wanted is None else wanted.names.get(name)
            shown[name] = _nested(db, read(db, item.row), below)
    return shown


def _nested(db: sqlite3.Connection, value: object, wanted: Wanted | None) -> object:
    if isinstance(value, Item):
        return show(db, value, wanted)
    if isinstance(value, list):
        return [_nested(db, entry, wanted) for entry in value]
    return value


def _column(name: str) -> Field:
    return lambda db, row: row[name]


def _flag(name: str) -> Field:
    return lambda db, row: bool(row[name])


def _constant(value: str) -> Field:
    return lambda db, row: value


def _one(shape: Shape, column: str) -> Field:
    query = f"SELECT * FROM {shape.table} WHERE gid = ?"

    def read(db: sqlite3.Connection, row: Row) -> Item | None:
        found = None if row[column] is None else db.execute(query, (row[column],)).fetchone()
        return None if found is None else Item(shape, found)

    return read


def _many(shape: Shape, query: str) -> Field:
    return lambda db, row: [Item(shape, found) for found in db.execute(query, (row["gid"],))]


def _shape(kind: str, table: str, compact: tuple[str, ...], **fields: Field) -> Shape:
    return Shape(kind, table, frozenset(compact), {"resource_type": _constant(kind), **fields})


NAMED = ("resource_type", "name")

WORKSPACE = _shape("workspace", "workspaces", NAMED, name=_column("name"))

USER = _shape(
    "user",
    "users",
    NAMED,
    name=_column("name"),
    email=_column("email"),
    # Everyone belongs to every workspace: a taskboard has one.
    workspaces=lambda db, row: [Item(WORKSPACE, found) for found in db.execute("SELECT * FROM workspaces")],
)

TEAM = _shape("team", "teams", NAMED, name=_column("name"), organization=_one(WORKSPACE, "workspace"))

PROJECT = _shape(
    "project",
    "projects",
    NAMED,
    name=_column("name"),
    notes=_column("notes"),
    team=_one(TEAM, "team"),
    workspace=_one(WORKSPACE, "workspace"),
    created_at=_column("created_at"),
)

TASK = _shape(
    "task",
    "tasks",
    (*NAMED, "resource_subtype"),
    resource_subtype=_constant("default_task"),
    name=_column("name"),
    notes=_column("notes"),
    completed=_flag("completed"),
    completed_at=_column("completed_at"),
    due_on=_column("due_on"),
    assignee=_one(USER, "assignee"),
    followers=_many(USER, "SELECT users.* FROM users JOIN followers ON user = gid WHERE task = ? ORDER BY gid"),
    projects=_many(
        PROJECT, "SELECT projects.* FROM projects JOIN placements ON project = gid WHERE task = ? ORDER BY gid"
    ),
    workspace=_one(WORKSPACE, "workspace"),
    created_at=_column("created_at"),
    modified_at=_column("modified_at"),
)

ATTACHMENT = _shape(
    "attachment",
    "attachments",
    (*NAMED, "resource_subtype"),
    resource_subtype=_constant("asana"),
    name=_column("name"),
    size=_column("size"),
    download_url=lambda db, row: f"{BASE}/attachments/{row['gid']}/content",
    parent=_one(TASK, "task"),
    created_at=_column("created_at"),
)

EXPORT = _shape(
    "organization_export",
    "exports",
    ("resource_type", "state", "created_at", "organization"),
    state=_column("state"),
    organization=_one(WORKSPACE, "organization"),
    created_at=_column("created_at"),
)
