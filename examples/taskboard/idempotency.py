"""`Idempotency-Key`: a write that is sent twice under one key is done once, and answered twice.

Decides what a key promises. The work and its answer are one transaction, so that none is there without the other. Who
sends the same request again gets the stored answer; another request under the same key is 422, and a key whose request
is still being worked on is 409 with `Retry-After`. A request that was refused has changed nothing: its key stays free.
Keys are each user's own, and forgotten after a day.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from .exchange import Answer, Refusal, Request

SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    user INTEGER NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, status INTEGER NOT NULL, headers TEXT NOT NULL,
    body BLOB NOT NULL, created_at TEXT NOT NULL, PRIMARY KEY (user, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_age ON answers (created_at);
"""

KEPT = timedelta(days=1)
MAX_KEY = 255


class Keys:
    """The keys whose requests are being worked on, by this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_use: set[tuple[int, str]] = set()

    @contextmanager
    def held(self, user: int, key: str | None) -> Iterator[None]:
        """The key is in use until the block ends; 409 if it is already. Without a key there is nothing to hold."""
        if key is None:
            yield
            return
        if not 0 < len(key) <= MAX_KEY:
            raise Refusal(400, f"Idempotency-Key: Must have 1 to {MAX_KEY} characters")
        with self._lock:
            if (user, key) in self._in_use:
                message = "Idempotency-Key: A request with this key is being worked on"
                raise Refusal(409, message, {"Retry-After": "1"})
            self._in_use.add((user, key))
        try:
            yield
        finally:
            with self._lock:
                self._in_use.discard((user, key))


def stored(db: sqlite3.Connection, user: int, key: str, digest: str) -> Answer | None:
    """The answer that the same request got under this key, or None for a new key."""
    query = "SELECT request, status, headers, body FROM answers WHERE user = ? AND key = ?"
    row = db.execute(query, (user, key)).fetchone()
    if row is None:
        return None
    if row["request"] != digest:
        raise Refusal(422, "Idempotency-Key: Was used for another request")
    return Answer(row["status"], json.loads(row["headers"]), row["body"])


def keep(db: sqlite3.Connection, user: int, key: str, digest: str, *, answer: Answer, now: str) -> None:
    """Stores an answer, in the transaction that did the work."""
    forgotten = (datetime.fromisoformat(now) - KEPT).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    db.execute("DELETE FROM answers WHERE created_at < ?", (forgotten,))
    row = (user, key, digest, answer.status, json.dumps(dict(answer.headers)), answer.body, now)
    db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def digest_of(request: Request, path: str) -> str:
    """What tells one request from another: `path` is the one that its resource and parameters come to."""
    same = (request.method, path, request.query_string, request.body, request.form)
    return hashlib.sha256(repr(same).encode(errors="surrogatepass")).hexdigest()
