"""Operations on users and teams."""

from __future__ import annotations

from .call import Call, item
from .exchange import Answer
from .shapes import TEAM, USER, Item


def list_users(call: Call) -> Answer:
    return call.page(USER, "SELECT * FROM users WHERE active")


def get_user(call: Call) -> Answer:
    """Named by gid, by e-mail address, or as `me`."""
    return call.one(Item(USER, call.subject(USER)))


def get_team(call: Call) -> Answer:
    return call.one(Item(TEAM, call.subject(TEAM)))


def add_user(call: Call) -> Answer:
    """Adds one user. Adding somebody twice is no error, so that a client can safely try again."""
    team = call.subject(TEAM)["gid"]
    call.only("user")
    user = call.reference("user", USER, call.text("user"))
    call.db.execute("INSERT OR IGNORE INTO members VALUES (?, ?)", (team, user))
    return call.one(item(call, USER, user))


def list_team_users(call: Call) -> Answer:
    team = call.subject(TEAM)["gid"]
    return call.page(USER, "SELECT users.* FROM users JOIN members ON user = gid WHERE team = ?", (team,))
