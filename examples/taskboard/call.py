"""What one operation sees of a request, and the checks that all operations share.

Decides how input is read: a member of `data` that is missing or of the wrong type is 400 with its name in front
(`name: Missing input`), a record that the path names and that does not exist is 404, one that `data` or the query
names is 400. `me` stands for the user who calls, and users may also be named by their e-mail address.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from .exchange import BASE, Answer, Form, Refusal, Request, answer, wants_pretty
from .shapes import TASK, USER, Item, Json, Row, Shape, Wanted, show

# Asana's bounds for the size of a page, and what a request without `limit` gets.
MAX_PAGE = 100

# More digits than this can't be a gid, and would not fit into SQLite's integers.
MAX_GID_DIGITS = 18

# How much of a caller's own words an error message repeats.
MAX_QUOTED = 60


@dataclass(frozen=True, slots=True)
class Call:
    """One operation's view: an open transaction, the user who calls, and the decoded request."""

    db: sqlite3.Connection
    user: int
    now: str
    request: Request
    path: str
    query: Mapping[str, str]
    data: Mapping[str, Any]

    @property
    def form(self) -> Form | None:
        return self.request.form

    def subject(self, shape: Shape) -> Row:
        """The record that the path names, or 404."""
        text = self.request.params["gid"]
        row = self._find(shape, text)
        if row is None:
            raise Refusal(404, f"{shape.kind}: Unknown object: {shortened(text)}")
        return row

    def reference(self, name: str, shape: Shape, value: object) -> int:
        """The gid of a record that a field or a query parameter names, or 400."""
        row = self._find(shape, value) if isinstance(value, str) else None
        if row is None:
            raise Refusal(400, f"{name}: Not a recognized ID: {shortened(value)}")
        return int(row["gid"])

    def references(self, name: str, shape: Shape, *, required: bool = True) -> list[int]:
        """The gids in a list, or in one string with commas between them, without repetitions."""
        values = self.data.get(name)
        if values is None:
            if required:
                raise Refusal(400, f"{name}: Missing input")
            return []
        if isinstance(values, str):
            values = values.split(",")
        if not isinstance(values, list):
            raise Refusal(400, f"{name}: Not a list: {shortened(values)}")
        return list(dict.fromkeys(self.reference(name, shape, value) for value in values))

    def _find(self, shape: Shape, text: str) -> Row | None:
        if shape is USER and "@" in text and encodable(text):
            return _row(self.db.execute("SELECT * FROM users WHERE email = ?", (text,)))
        gid = self.user if shape is USER and text == "me" else number(text)
        return None if gid is None else _row(self.db.execute(f"SELECT * FROM {shape.table} WHERE gid = ?", (gid,)))

    def only(self, *names: str) -> None:
        """Refuses members of `data` that this operation would not heed: a typing error must not pass in silence."""
        for name in self.data:
            if name not in names:
                raise Refusal(400, f"{shortened(name)}: Not a field that can be written here")

    def text(self, name: str) -> str:
        """A string that has to be there and not to be empty."""
        value = self.data.get(name)
        if value is None or value == "":
            raise Refusal(400, f"{name}: Missing input")
        return self.text_or_empty(name)

    def text_or_empty(self, name: str) -> str:
        value = self.data.get(name, "")
        if not isinstance(value, str) or not encodable(value):
            raise Refusal(400, f"{name}: Not a string: {shortened(value)}")
        return value

    def flag(self, name: str) -> bool:
        value = self.data.get(name)
        if not isinstance(value, bool):
            raise Refusal(400, f"{name}: Not a boolean: {shortened(value)}")
        return value

    def date(self, name: str) -> str | None:
        value = self.data.get(name)
        if value is None:
            return None
        try:
            return datetime.date.fromisoformat(value).isoformat()
        except (TypeError, ValueError):
            raise Refusal(400, f"{name}: Not a date like 2030-01-31: {shortened(value)}") from None

    def shown(self, item: Item) -> Json:
        """A single record: full, or what `opt_fields` asks for."""
        return show(self.db, item, self._wanted(), full=True)

    def one(self, item: Item) -> Answer:
        return self.reply(200, {"data": self.shown(item)})

    def created(self, item: Item) -> Answer:
        location = f"{self.request.mount}{BASE}{self._collection()}/{item.row['gid']}"
        return self.reply(201, {"data": self.shown(item)}, {"Location": location})

    def _collection(self) -> str:
        # What was created below another record (`/tasks/1/attachments`) lives in its own collection.
        return "/" + self.path.rpartition("/")[2]

    def done(self) -> Answer:
        """Asana's answer where there is nothing to show."""
        return self.reply(200, {"data": {}})

    def page(self, shape: Shape, select: str, values: Sequence[object] = (), *, key: str = "gid") -> Answer:
        """One page of a list in the order of `key`, a column that is unique in it, with the way to the next page.

        `select` is a query that ends in a WHERE clause. The offset names the last row shown, not a count of rows, so
        that nothing is shown twice or left out when rows come and go between two pages.
        """
        limit = self._limit()
        after = self._offset()
        rows = self.db.execute(
            f"SELECT * FROM ({select}) WHERE {key} > ? ORDER BY {key} LIMIT ?", (*values, after, limit + 1)
        ).fetchall()
        wanted = self._wanted()
        data = [show(self.db, Item(shape, row), wanted) for row in rows[:limit]]
        return self.reply(200, {"data": data, "next_page": self._next(rows[limit - 1][key]) if rows[limit:] else None})

    def _limit(self) -> int:
        limit = number(self.query.get("limit", str(MAX_PAGE)))
        if limit is None or not 1 <= limit <= MAX_PAGE:
            raise Refusal(400, f"limit: Must be between 1 and {MAX_PAGE}")
        return limit

    def _offset(self) -> int:
        token = self.query.get("offset")
        if token is None:
            return -1
        try:
            after = number(base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True).decode("ascii"))
        except (binascii.Error, UnicodeError):
            after = None
        if after is None:
            raise Refusal(400, "offset: Not an offset that an earlier page returned")
        return after

    def _next(self, last: int) -> Json:
        offset = base64.urlsafe_b64encode(str(last).encode()).decode()
        path = f"{quote(self.path)}?{urlencode({**self.query, 'offset': offset})}"
        return {"offset": offset, "path": path, "uri": f"{self.request.origin}{self.request.mount}{BASE}{path}"}

    def _wanted(self) -> Wanted | None:
        fields = self.query.get("opt_fields")
        return Wanted.parse(fields) if fields else None

    def reply(self, status: int, payload: object, headers: Mapping[str, str] | None = None) -> Answer:
        return answer(status, payload, headers, pretty=wants_pretty(self.query))


def item(call: Call, shape: Shape, gid: int) -> Item:
    """The record with this gid, as it is now."""
    return Item(shape, call.db.execute(f"SELECT * FROM {shape.table} WHERE gid = ?", (gid,)).fetchone())


def touch(call: Call, tasks: Iterable[int]) -> None:
    """Notes that these tasks have changed."""
    call.db.executemany(f"UPDATE {TASK.table} SET modified_at = ? WHERE gid = ?", [(call.now, gid) for gid in tasks])


def number(text: str) -> int | None:
    """The number that a string of ASCII digits stands for."""
    plain = text.isascii() and text.isdigit() and len(text) <= MAX_GID_DIGITS
    return int(text) if plain else None


def encodable(text: str) -> bool:
    """Whether a string is free of lone surrogates, which JSON can spell and no database can keep."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shortened(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= MAX_QUOTED else text[: MAX_QUOTED - 1] + "…"


def _row(cursor: sqlite3.Cursor) -> Row | None:
    found: Row | None = cursor.fetchone()
    return found
