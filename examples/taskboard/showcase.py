"""The batches that the demo sends: what people use a batch for, and one in which not everything goes well.

Each entry knows the status that every action must end with, so the demo can tell whether it went as expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from batchware import Action, BatchHooks, Outcome, Parent

from .client import Client, Reply
from .sample import Sample

# What one reads of a task in a list on a screen.
FIELDS = {"fields": ["name", "completed", "assignee.name"]}


@dataclass(frozen=True, slots=True)
class Show:
    """A batch to send, and the statuses to expect."""

    title: str
    actions: Sequence[dict[str, Any]]
    expected: Sequence[int]


@dataclass(frozen=True, slots=True)
class Shown:
    """What came back: the answer, and the seconds of each action as the server has measured them (None: not run)."""

    show: Show
    reply: Reply
    seconds: Sequence[float | None]

    @property
    def as_expected(self) -> bool:
        results = self.reply.body.get("data", [])
        return self.reply.status == 200 and [result["status_code"] for result in results] == list(self.show.expected)


class Stopwatch(BatchHooks):
    """Keeps the times of the last batch: batchware hands them over before it sends the answer."""

    def __init__(self) -> None:
        self.seconds: Sequence[float | None] = ()

    def on_batch(self, parent: Parent, actions: Sequence[Action], outcomes: Sequence[Outcome], seconds: float) -> None:
        self.seconds = [None if outcome.error and not outcome.seconds else outcome.seconds for outcome in outcomes]


def shows(sample: Sample) -> list[Show]:
    """The four batches, in the order in which they are shown."""
    task, second, third, fourth = sample.tasks[:4]
    return [
        Show(
            "Fetch several tasks",
            [_action("get", f"/tasks/{gid}", options=FIELDS) for gid in (task, second, third, fourth)],
            [200] * 4,
        ),
        Show(
            "Update a task, add it to a project and add followers",
            [
                _action("put", f"/tasks/{task}", {"completed": True, "notes": "Sent on Monday."}),
                _action("post", f"/tasks/{task}/addProject", {"project": sample.backlog, "insert_after": None}),
                _action("post", f"/tasks/{task}/addFollowers", {"followers": list(sample.people[1:3])}),
            ],
            [200] * 3,
        ),
        Show(
            "Add several users to a team",
            [_action("post", f"/teams/{sample.team}/addUser", {"user": user}) for user in sample.people[1:5]],
            [200] * 4,
        ),
        Show(
            "A failing and a refused action among good ones",
            [
                _action("get", "/users/me"),
                _action("put", f"/tasks/{second}", {"name": ""}),
                _action("get", "/tasks/1"),
                _action("post", "/organization_exports", {"organization": "1"}),
                _action("get", f"/projects/{sample.project}/tasks", {"limit": 2}),
            ],
            [200, 400, 404, 400, 200],
        ),
    ]


def member_lists(sample: Sample, count: int) -> list[dict[str, Any]]:
    """Actions under the one limit that the demo runs into."""
    return [_action("get", f"/teams/{sample.team}/users", options={"fields": ["name"]})] * count


def warm_up(client: Client) -> None:
    """Waits until the server is there, and sends what nobody times: threads and caches are made by the first batch."""
    client.batch([_action("get", "/users/me")] * 4)


def play(client: Client, show: Show, stopwatch: Stopwatch) -> Shown:
    """Sends one of them."""
    stopwatch.seconds = ()
    reply = client.batch(show.actions)
    return Shown(show, reply, stopwatch.seconds)


def _action(method: str, path: str, data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    action: dict[str, Any] = {"method": method, "relative_path": path, **more}
    return action if data is None else {**action, "data": data}
