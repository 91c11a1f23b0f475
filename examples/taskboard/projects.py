"""Operations on projects. Their tasks come in the project's own order, which `addProject` decides."""

from __future__ import annotations

from .call import Call, item
from .exchange import Answer
from .shapes import PROJECT, TASK, TEAM, Item
from .store import new_gid
from .tasks import workspace_of


def list_projects(call: Call) -> Answer:
    return call.page(PROJECT, "SELECT * FROM projects WHERE 1")


def create_project(call: Call) -> Answer:
    call.only("name", "notes", "team", "workspace")
    team = call.data.get("team")
    gid = new_gid(call.db)
    call.db.execute(
        "INSERT INTO projects VALUES (?, ?, ?, ?, ?, ?)",
        (
            gid,
            call.text("name"),
            call.text_or_empty("notes"),
            None if team is None else call.reference("team", TEAM, team),
            workspace_of(call),
            call.now,
        ),
    )
    return call.created(item(call, PROJECT, gid))


def get_project(call: Call) -> Answer:
    return call.one(Item(PROJECT, call.subject(PROJECT)))


def list_project_tasks(call: Call) -> Answer:
    project = call.subject(PROJECT)["gid"]
    return call.page(
        TASK,
        "SELECT tasks.*, position FROM tasks JOIN placements ON task = gid WHERE project = ?",
        (project,),
        key="position",
    )
