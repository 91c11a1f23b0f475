"""Plans for tasks of the example, which tests and the processes that they start have in common."""

from __future__ import annotations

from typing import Any

from batchware.client import Action, Result
from batchware.client.order import Id, Plan


def tasks(names: list[str], project: str, **options: Any) -> Plan[str]:
    """A plan that makes tasks of these names in a project."""

    def found(name: str, result: Result) -> Id | None:
        gids = [task["gid"] for task in result.json()["data"] if task["name"] == name]
        return gids[0] if gids else None

    return Plan(
        names,
        create=lambda name: Action("post", "/tasks", {"name": name, "projects": [project]}),
        created=lambda result: result.json()["data"]["gid"],
        place=lambda gid, anchor: Action(
            "post", f"/tasks/{gid}/addProject", {"project": project, "insert_after": anchor}
        ),
        find=lambda name: Action("get", "/tasks", {"name": name, "project": project}),
        found=found,
        **options,
    )
