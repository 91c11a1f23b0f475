"""Operations on organization exports. A taskboard only keeps the order for one; batchware refuses them in a batch."""

from __future__ import annotations

from .call import Call, item
from .exchange import Answer
from .shapes import EXPORT, Item
from .store import new_gid
from .tasks import workspace_of


def list_exports(call: Call) -> Answer:
    return call.page(EXPORT, "SELECT * FROM exports WHERE 1")


def create_export(call: Call) -> Answer:
    call.only("organization")
    call.text("organization")
    gid = new_gid(call.db)
    call.db.execute(
        "INSERT INTO exports VALUES (?, ?, 'queued', ?)", (gid, workspace_of(call, "organization"), call.now)
    )
    return call.created(item(call, EXPORT, gid))


def get_export(call: Call) -> Answer:
    return call.one(Item(EXPORT, call.subject(EXPORT)))


def delete_export(call: Call) -> Answer:
    call.db.execute("DELETE FROM exports WHERE gid = ?", (call.subject(EXPORT)["gid"],))
    return call.done()
