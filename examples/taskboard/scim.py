"""User provisioning in the shape of SCIM 2.0 (RFC 7643 and 7644), as far as a taskboard needs it.

Resources travel bare, without the `data` envelope, as `application/scim+json`. Errors keep the shape of the rest of
the API. Batchware refuses all of it in a batch by default.
"""

from __future__ import annotations

import sqlite3

from .call import Call, item, number
from .exchange import BASE, Answer, Refusal, answer, wants_pretty
from .shapes import USER, Json, Row
from .store import new_gid

SCIM_JSON = "application/scim+json"
USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def list_scim_users(call: Call) -> Answer:
    """Pages by `startIndex` (from 1) and `count`, as RFC 7644 has it."""
    start, count = number(call.query.get("startIndex", "1")), number(call.query.get("count", "100"))
    if not start or count is None:
        raise Refusal(400, "startIndex and count: Must be whole numbers, startIndex 1 or more")
    total = call.db.execute("SELECT count(*) FROM users").fetchone()[0]
    rows = call.db.execute("SELECT * FROM users ORDER BY gid LIMIT ? OFFSET ?", (min(count, 100), start - 1)).fetchall()
    return _reply(
        call,
        200,
        {
            "schemas": [LIST_SCHEMA],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": len(rows),
            "Resources": [_resource(row) for row in rows],
        },
    )


def create_scim_user(call: Call) -> Answer:
    gid = new_gid(call.db)
    name, email, active = _fields(call)
    try:
        call.db.execute("INSERT INTO users VALUES (?, ?, ?, ?)", (gid, name, email, active))
    except sqlite3.IntegrityError:
        raise Refusal(409, "userName: Taken by another user") from None
    location = f"{call.request.mount}{BASE}{call.path}/{gid}"
    return _reply(call, 201, _resource(item(call, USER, gid).row), {"Location": location})


def get_scim_user(call: Call) -> Answer:
    return _reply(call, 200, _resource(call.subject(USER)))


def replace_scim_user(call: Call) -> Answer:
    gid = call.subject(USER)["gid"]
    try:
        call.db.execute("UPDATE users SET name = ?, email = ?, active = ? WHERE gid = ?", (*_fields(call), gid))
    except sqlite3.IntegrityError:
        raise Refusal(409, "userName: Taken by another user") from None
    return _reply(call, 200, _resource(item(call, USER, gid).row))


def delete_scim_user(call: Call) -> Answer:
    call.db.execute("DELETE FROM users WHERE gid = ?", (call.subject(USER)["gid"],))
    return answer(204, None)


def _fields(call: Call) -> tuple[str, str, bool]:
    email = call.text("userName")
    if "@" not in email:
        raise Refusal(400, "userName: Must be an e-mail address")
    name = call.text("displayName") if "displayName" in call.data else email
    return name, email, call.flag("active") if "active" in call.data else True


def _resource(row: Row) -> Json:
    return {
        "schemas": [USER_SCHEMA],
        "id": str(row["gid"]),
        "userName": row["email"],
        "displayName": row["name"],
        "active": bool(row["active"]),
        "meta": {"resourceType": "User"},
    }


def _reply(call: Call, status: int, payload: Json, headers: dict[str, str] | None = None) -> Answer:
    return answer(status, payload, headers, pretty=wants_pretty(call.query), media_type=SCIM_JSON)
