"""A server with one list, in memory, that a plan can be carried out on: it answers as it is told, and keeps count.

It knows nothing of plans. A creation is `post /items`, a placement `post /items/{id}/place`, a look-up `get /items`.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from batchware.client import Action, Result
from batchware.client.actions import Headers
from batchware.client.order import Id, Plan, Where
from batchware.client.outcomes import NoResult, NotDone, Unknown

Fate = Literal["ok", "503", "not sent", "500, ran", "500", "lost, ran", "lost", "lost, late"]

RUNS: tuple[Fate, ...] = ("ok", "500, ran", "lost, ran")
"""The fates of actions that ran, whatever the client gets to know."""

FATES: tuple[Fate, ...] = (*RUNS, "503", "not sent", "500", "lost", "lost, late")
"""`lost, late`: a placement whose answer got lost runs at some later time, or never, but not when it is repeated."""


class ListServer:
    """`lands` is where a new item is put: last, first, or anywhere; `keyed`: it creates no name twice."""

    def __init__(self, lands: Literal["last", "first", "anywhere"] = "last", *, keyed: bool = False) -> None:
        self.row: list[int] = [1, 2]
        """The ids in their order; the first two are there already."""
        self.names: dict[int, str] = {1: "before", 2: "behind"}
        self.created: Counter[str] = Counter()
        self.batches = 0
        self._lands, self._keyed = lands, keyed
        self._late: list[Action] = []
        self._chance = random.Random(1)

    def run(self, actions: Sequence[Action], order: Sequence[int], fates: Sequence[Fate]) -> list[Result | NoResult]:
        """Runs the actions of a batch in `order`, each with its fate, and gives what comes of it, in their order."""
        self.batches += 1
        repeated = {action.path for action in actions}
        self._late = [action for action in self._late if action.path not in repeated]
        bodies = {}
        for at in order:
            if fates[at] in RUNS:
                bodies[at] = self._perform(actions[at])
            elif fates[at] == "lost, late" and actions[at].path != "/items":
                self._late.append(actions[at])
            self._run_late()
        return [_came(action, fates[at], bodies.get(at)) for at, action in enumerate(actions)]

    def all(self, actions: Sequence[Action]) -> list[Result]:
        """Runs all of a batch, the last first, and nothing fails: a sender."""
        came = self.run(actions, range(len(actions))[::-1], ["ok"] * len(actions))
        return [result for result in came if isinstance(result, Result)]

    def ids_of(self, name: str) -> list[int]:
        return [ident for ident, known in self.names.items() if known == name]

    @property
    def listed(self) -> list[str]:
        """The names in the order of the list."""
        return [self.names[ident] for ident in self.row]

    def _perform(self, action: Action) -> Any:
        if action.method == "get":
            return {"ids": self.ids_of(action.data["name"])}
        if action.path == "/items":
            return {"id": self._create(action.data["name"])}
        item = int(action.path.split("/")[2])
        behind = action.data["behind"]
        self.row.remove(item)
        self.row.insert(0 if behind is None else self.row.index(behind) + 1, item)
        return {}

    def _run_late(self) -> None:
        if self._late and self._chance.random() < 0.3:
            self._perform(self._late.pop(self._chance.randrange(len(self._late))))

    def _create(self, name: str) -> int:
        known = self.ids_of(name)
        if known and self._keyed:
            return known[0]
        self.created[name] += 1
        ident = 100 + len(self.names)
        self.names[ident] = name
        anywhere = self._chance.randint(0, len(self.row))
        self.row.insert({"last": len(self.row), "first": 0, "anywhere": anywhere}[self._lands], ident)
        return ident


def _came(action: Action, fate: Fate, body: Any) -> Result | NoResult:
    if fate == "not sent":
        return NotDone(action, "not sent", None)
    if fate.startswith("lost"):
        return Unknown(action, "the connection broke", None)
    status = {"ok": 200, "503": 503}.get(fate, 500)
    shown = body if status == 200 else {"errors": [{"message": "no"}]}
    return Result(action, status, Headers({}), shown, json.dumps(shown).encode())


def planned(count: int, **options: Any) -> Plan[str]:
    """A plan for so many items, `item 0` and on."""
    return Plan(
        [f"item {number}" for number in range(count)],
        create=lambda name: Action("post", "/items", {"name": name}),
        created=lambda result: result.body["id"],
        place=lambda ident, anchor: Action("post", f"/items/{ident}/place", {"behind": anchor}),
        **options,
    )


def looking_up() -> dict[str, Any]:
    """The options that let a plan look its items up."""

    def found(name: str, result: Result) -> Id | None:
        ids: list[int] = result.body["ids"]
        assert len(ids) <= 1, name
        return ids[0] if ids else None

    return {"find": lambda name: Action("get", "/items", {"name": name}), "found": found}


def in_order(server: ListServer, count: int, after: Id | Where | None) -> bool:
    """Whether the list holds each item once, together, in their order, and where they should be."""
    names = [f"item {number}" for number in range(count)]
    rest = [name for name in server.listed if name not in names]
    start = server.listed.index(names[0]) if names else 0
    front = {None: [], 1: ["before"], 2: ["before", "behind"]}
    return (
        rest == ["before", "behind"]
        and server.listed[start : start + count] == names
        and (isinstance(after, Where) or server.listed[:start] == front[after])
    )
