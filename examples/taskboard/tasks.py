"""Operations on tasks: list, create, read, update, delete, and what ties them to projects and people."""

from __future__ import annotations

from .call import Call, item, touch
from .exchange import Answer, Refusal
from .placements import Side, place, remove
from .shapes import PROJECT, TASK, USER, WORKSPACE, Item
from .store import new_gid

WRITABLE = ("name", "notes", "completed", "due_on", "assignee")


def list_tasks(call: Call) -> Answer:
    """Filters: part of the `name` in any case, `project`, `assignee`, `completed`."""
    where, values = ["1"], list[object]()
    if "name" in call.query:
        where.append("instr(lower(name), lower(?))")
        values.append(call.query["name"])
    if "project" in call.query:
        where.append("gid IN (SELECT task FROM placements WHERE project = ?)")
        values.append(call.reference("project", PROJECT, call.query["project"]))
    if "assignee" in call.query:
        where.append("assignee = ?")
        values.append(call.reference("assignee", USER, call.query["assignee"]))
    if "completed" in call.query:
        if call.query["completed"] not in {"true", "false"}:
            raise Refusal(400, "completed: Must be true or false")
        where.append("completed = ?")
        values.append(call.query["completed"] == "true")
    return call.page(TASK, f"SELECT * FROM tasks WHERE {' AND '.join(where)}", values)


def create_task(call: Call) -> Answer:
    call.only(*WRITABLE, "workspace", "projects", "followers")
    projects = call.references("projects", PROJECT, required=False)
    followers = call.references("followers", USER, required=False)
    gid = new_gid(call.db)
    call.db.execute(
        "INSERT INTO tasks (gid, name, notes, workspace, created_at, modified_at) VALUES (?, ?, '', ?, ?, ?)",
        (gid, call.text("name"), workspace_of(call), call.now, call.now),
    )
    _write(call, gid)
    for project in projects:
        place(call.db, project, gid)
    # As in Asana, whoever creates a task follows it.
    _follow(call, gid, [call.user, *followers])
    return call.created(item(call, TASK, gid))


def get_task(call: Call) -> Answer:
    return call.one(Item(TASK, call.subject(TASK)))


def update_task(call: Call) -> Answer:
    gid = call.subject(TASK)["gid"]
    call.only(*WRITABLE)
    _write(call, gid)
    touch(call, [gid])
    return call.one(item(call, TASK, gid))


def delete_task(call: Call) -> Answer:
    call.db.execute("DELETE FROM tasks WHERE gid = ?", (call.subject(TASK)["gid"],))
    return call.done()


def add_project(call: Call) -> Answer:
    """Puts the task into a project, or moves it there: to the end, or where `insert_before`/`insert_after` say."""
    gid = call.subject(TASK)["gid"]
    call.only("project", "insert_before", "insert_after")
    project = call.reference("project", PROJECT, call.text("project"))
    sides: list[Side] = [side for side in ("insert_before", "insert_after") if side in call.data]
    if len(sides) == 2:
        raise Refusal(400, "insert_before: Only one of insert_before and insert_after may be given")
    side: Side = sides[0] if sides else "insert_before"
    anchor = call.data.get(side)
    place(call.db, project, gid, side, None if anchor is None else call.reference(side, TASK, anchor))
    touch(call, [gid])
    return call.done()


def remove_project(call: Call) -> Answer:
    gid = call.subject(TASK)["gid"]
    call.only("project")
    project = call.reference("project", PROJECT, call.text("project"))
    if not remove(call.db, project, gid):
        raise Refusal(400, f"project: The task is not in this project: {project}")
    touch(call, [gid])
    return call.done()


def add_followers(call: Call) -> Answer:
    gid = call.subject(TASK)["gid"]
    call.only("followers")
    _follow(call, gid, call.references("followers", USER))
    touch(call, [gid])
    return call.one(item(call, TASK, gid))


def workspace_of(call: Call, name: str = "workspace") -> int:
    """The workspace that `data` names, else the first one: a taskboard has one, and naming it is optional."""
    if call.data.get(name) is not None:
        return call.reference(name, WORKSPACE, call.data[name])
    return int(call.db.execute("SELECT min(gid) FROM workspaces").fetchone()[0])


def _write(call: Call, gid: int) -> None:
    changes: dict[str, object] = {}
    if "name" in call.data:
        changes["name"] = call.text("name")
    if "notes" in call.data:
        changes["notes"] = call.text_or_empty("notes")
    if "completed" in call.data:
        changes["completed"] = call.flag("completed")
        changes["completed_at"] = call.now if call.data["completed"] else None
    if "due_on" in call.data:
        changes["due_on"] = call.date("due_on")
    if "assignee" in call.data:
        assignee = call.data["assignee"]
        changes["assignee"] = None if assignee is None else call.reference("assignee", USER, assignee)
    if changes:
        columns = ", ".join(f"{column} = ?" for column in changes)
        call.db.execute(f"UPDATE tasks SET {columns} WHERE gid = ?", (*changes.values(), gid))


def _follow(call: Call, gid: int, users: list[int]) -> None:
    call.db.executemany("INSERT OR IGNORE INTO followers VALUES (?, ?)", [(gid, user) for user in users])
