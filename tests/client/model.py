"""A server to send batches to, as a value: it reads what is sent, runs actions, and remembers which, and how often.

It honours `Idempotency-Key` as a host may: each action has a key made of the batch's and its place (C16), and what has
run under a key runs no second time. A batch that has an action with `bad` in its path is refused as a whole.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchware.client import Answer, Sending

PAUSE = 2
READS = ("get", "head")


@dataclass
class Server:
    style: str = "asana"
    max_actions: int = 10
    max_bytes: int = 1 << 20
    ran: Counter[str] = field(default_factory=Counter)
    """How often each action has run, by its path."""
    keys: dict[str, set[str]] = field(default_factory=dict)
    """The keys with which each action came."""

    def actions(self, sending: Sending) -> list[dict[str, Any]]:
        batch = json.loads(sending.body)
        actions: list[dict[str, Any]] = (batch if self.style == "plain" else batch["data"])["actions"]
        assert [action["relative_path"] for action in actions] == [action.path for action in sending.actions]
        return actions

    def run(self, sending: Sending, but: Collection[int] = ()) -> list[dict[str, Any]]:
        """Runs the actions, `but` those at these places, and gives the results of all."""
        key = sending.headers.get("Idempotency-Key")
        results = []
        for place, action in enumerate(self.actions(sending)):
            path = action["relative_path"]
            if place not in but:
                known = key is not None and f"{key}:{place}" in self.keys.setdefault(path, set())
                if key is None or action["method"] in READS or not known:
                    self.ran[path] += 1
                if key is not None:
                    self.keys[path].add(f"{key}:{place}")
            results.append({"status_code": 200, "headers": {}, "body": {"data": path}})
        return results

    def refusal(self, sending: Sending) -> Answer | None:
        """Why it would run none of them, if it wouldn't."""
        actions = self.actions(sending)
        if len(sending.body) > self.max_bytes:
            return error(413, f"The body of a batch is at most {self.max_bytes} bytes.")
        if len(actions) > self.max_actions:
            return error(400, f"A batch holds 1 to {self.max_actions} actions; this one has {len(actions)}.")
        if any("bad" in action["relative_path"] for action in actions):
            return error(400, "One of these can't be.")
        return None

    def answer(self, results: list[dict[str, Any]]) -> Answer:
        return answer(200, {"results" if self.style == "plain" else "data": results})


def answer(status: int, body: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer.of(status, {"content-type": "application/json", **named}, json.dumps(body).encode())


def error(status: int, message: str, **headers: str) -> Answer:
    return answer(status, {"errors": [{"message": message}]}, **headers)


def later(results: list[dict[str, Any]], places: Mapping[int, int], **headers: str) -> list[dict[str, Any]]:
    """`results`, at `places` with this status instead."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [
        {"status_code": places[place], "headers": named, "body": None} if place in places else result
        for place, result in enumerate(results)
    ]
