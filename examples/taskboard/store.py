"""The store: SQLite in a file or in memory, its schema, and its transactions.

One connection, guarded by one lock, serves all threads. Ten threads that read get 11,000 to 12,000 transactions a
second through it, on a file as in memory, against 6,000 with a connection each: they wait for the interpreter lock
either way, and a second connection only adds waiting for the file. It also leaves nothing behind in threads that come
and go, and makes every transaction atomic towards all others of this process. Other processes on the same file are
kept apart by SQLite itself (`BEGIN IMMEDIATE`, write-ahead log, a patient busy timeout).
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from . import idempotency

MEMORY = ":memory:"

# Marks a file as ours, so that another program's database is refused instead of being written to.
APPLICATION_ID = 0x7A5C_B0AD

# Where gids start: 16 digits, as Asana's have, so that nobody mistakes them for row numbers.
FIRST_GID = 1_200_000_000_000_000

SCHEMA = f"""
CREATE TABLE counter (value INTEGER NOT NULL);
INSERT INTO counter VALUES ({FIRST_GID});
CREATE TABLE workspaces (gid INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE users (
    gid INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, active INTEGER NOT NULL DEFAULT 1);
CREATE TABLE tokens (digest TEXT PRIMARY KEY, user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE);
CREATE TABLE teams (gid INTEGER PRIMARY KEY, name TEXT NOT NULL, workspace INTEGER NOT NULL REFERENCES workspaces);
CREATE TABLE members (
    team INTEGER NOT NULL REFERENCES teams, user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (team, user)) WITHOUT ROWID;
CREATE TABLE projects (
    gid INTEGER PRIMARY KEY, name TEXT NOT NULL, notes TEXT NOT NULL, team INTEGER REFERENCES teams,
    workspace INTEGER NOT NULL REFERENCES workspaces, created_at TEXT NOT NULL);
CREATE TABLE tasks (
    gid INTEGER PRIMARY KEY, name TEXT NOT NULL, notes TEXT NOT NULL, completed INTEGER NOT NULL DEFAULT 0,
    completed_at TEXT, due_on TEXT, assignee INTEGER REFERENCES users ON DELETE SET NULL,
    workspace INTEGER NOT NULL REFERENCES workspaces, created_at TEXT NOT NULL, modified_at TEXT NOT NULL);
CREATE TABLE placements (
    project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    task INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE, position INTEGER NOT NULL,
    PRIMARY KEY (project, task), UNIQUE (project, position)) WITHOUT ROWID;
CREATE INDEX placements_by_task ON placements (task);
CREATE TABLE followers (
    task INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE, user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (task, user)) WITHOUT ROWID;
CREATE TABLE attachments (
    gid INTEGER PRIMARY KEY, task INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE, name TEXT NOT NULL,
    content_type TEXT NOT NULL, size INTEGER NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX attachments_by_task ON attachments (task);
CREATE TABLE contents (attachment INTEGER PRIMARY KEY REFERENCES attachments ON DELETE CASCADE, content BLOB NOT NULL);
CREATE TABLE exports (
    gid INTEGER PRIMARY KEY, organization INTEGER NOT NULL REFERENCES workspaces, state TEXT NOT NULL,
    created_at TEXT NOT NULL);
PRAGMA application_id = {APPLICATION_ID};
"""


class NotATaskboard(Exception):
    """The file is a database of another program, or no database at all, or not to be opened."""


def system_clock() -> str:
    """The time as Asana writes it: UTC, milliseconds, `Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """Holds the data of one taskboard. Safe to share between threads; close it when done."""

    def __init__(self, path: str = MEMORY, *, clock: Callable[[], str] = system_clock) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        try:
            # Ten seconds: longer than any transaction of another process on the same file can reasonably take.
            self._connection = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise NotATaskboard(f"{path} can't be opened ({error})") from error
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare(path)
        except BaseException as error:
            self._connection.close()
            if isinstance(error, sqlite3.DatabaseError):
                raise NotATaskboard(f"{path} can't be used ({error})") from error
            raise

    def _prepare(self, path: str) -> None:
        with self.transaction(write=True) as db:
            tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if tables and db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise NotATaskboard(f"{path} is a database of another program")
            if not tables:
                for statement in SCHEMA.split(";"):
                    db.execute(statement)
            for statement in idempotency.SCHEMA.split(";"):  # files of before have no such table
                db.execute(statement)
        if path != MEMORY:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        """All of it or nothing: commits at the end, rolls back whatever exception leaves the block."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield self._connection
                self._connection.commit()
            except BaseException:
                self._connection.rollback()
                raise

    def issue_token(self, user: int) -> str:
        """A new bearer token for a user. Only its digest is kept, so it can be shown once."""
        token = f"demo-{secrets.token_hex(12)}"
        with self.transaction(write=True) as db:
            db.execute("INSERT INTO tokens VALUES (?, ?)", (_digest(token), user))
        return token

    def user_of(self, token: str) -> int | None:
        """The gid of the active user who holds this token."""
        with self._lock:
            row = self._connection.execute(
                "SELECT gid FROM tokens JOIN users ON gid = user WHERE digest = ? AND active", (_digest(token),)
            ).fetchone()
        return None if row is None else int(row["gid"])

    def close(self) -> None:
        """Waits for the transaction under way, then closes the database."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def new_gid(db: sqlite3.Connection) -> int:
    """The next gid, unique over all kinds of records. Only inside a transaction that writes."""
    return int(db.execute("UPDATE counter SET value = value + 1 RETURNING value").fetchone()[0])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
