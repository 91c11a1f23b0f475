"""What a client of the soak does, and the exact answer to each.

A play is made anew for each turn out of a seeded random, so that no two batches are the same and every run can be
repeated. `Wrong` says what came back in the place of what.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.soak.actions import (
    Expected,
    Raw,
    Wrong,
    background,
    bodies,
    echo,
    failing,
    getting,
    hostile,
    record,
    refused,
    same,
    sleeping,
)

JSON = {"Content-Type": "application/json"}
FEW = 5
"""Actions below `/sleep` in `PERIOD` seconds."""
PERIOD = 2.0
MAX_RESULT = 1 << 16
OPTIONS: Mapping[str, Any] = {
    "max_result_bytes": MAX_RESULT,
    "limits": [
        ("quota", "all", 10**9, {}),
        ("quota", "few", FEW, {"per": PERIOD, "paths": ["/sleep/{ms}"]}),
        ("concurrency", "air", 10**6, {}),
    ],
}


Check = Callable[[int, Mapping[str, str], bytes], None]


@dataclass
class Play:
    """One request, and what is to come back; `gone` is how much of it is sent before the client goes away."""

    check: Check
    body: bytes = b""
    method: str = "POST"
    path: str = "/batch"
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    actions: int = 0
    gone: float | None = None
    pieces: int = 0
    """How many chunks the body is sent in, or 0 for a body of a declared length."""
    pause: float = 0.0
    """Seconds that a slow client takes before each chunk."""
    unread: bool = False
    """Whether the answer comes before the body is read; some servers then hang up on what is still on its way."""


def _batch(chance: random.Random, *kinds: Callable[[random.Random], Expected], fewest: int = 1) -> Play:
    expected = [chance.choice(kinds)(chance) for _ in range(chance.randint(fewest, 10))]

    def check(status: int, headers: Mapping[str, str], body: bytes) -> None:
        same("the status of a batch", status, 200)
        results = json.loads(body)["data"]
        same("the number of results", len(results), len(expected))
        for result, (_, look) in zip(results, expected, strict=True):
            look(result)

    written = [_written(action) for action, _ in expected]
    return Play(check, ('{"data":{"actions":[' + ",".join(written) + "]}}").encode(), actions=len(expected))


def _written(action: Any) -> str:
    if not isinstance(action, dict):
        return json.dumps(action)
    members = [f"{json.dumps(k)}:{v if isinstance(v, Raw) else json.dumps(v)}" for k, v in action.items()]
    return "{" + ",".join(members) + "}"


def _whole(chance: random.Random) -> Play:
    """A batch that is no batch."""
    many = json.dumps({"data": {"actions": [{"method": "get", "relative_path": "/tasks/1"}] * 11}}).encode()
    status, body, kind = chance.choice(
        (
            (400, b'{"data":{"actions":[]}}', "application/json"),
            (400, b'{"data":', "application/json"),
            (400, b"\xff\xfe", "application/json"),
            (400, many, "application/json"),
            (400, b"[" * 5000, "application/json"),
            (415, many, "text/plain"),
            (415, many, "multipart/form-data; boundary=x"),
            (413, b" " * ((1 << 20) + 1), "application/json"),
        )
    )

    def check(found: int, headers: Mapping[str, str], answer: bytes) -> None:
        same("the status of what is no batch", found, status)
        if not json.loads(answer)["errors"][0]["message"]:
            raise Wrong("an error without a message")

    return Play(check, body, headers={**JSON, "Content-Type": kind}, unread=status == 413)


def _limited(chance: random.Random) -> Play:
    """All or nothing, whichever of the two it is at this moment."""
    expected = [chance.randrange(5) for _ in range(chance.randint(1, FEW + 1))]
    actions = [{"method": "get", "relative_path": f"/sleep/{ms}"} for ms in expected]

    def check(status: int, headers: Mapping[str, str], body: bytes) -> None:
        if status == 429:
            if len(expected) > FEW:
                same("Retry-After of what can never fit", headers.get("retry-after"), None)
            elif not 1 <= int(headers["retry-after"]) <= 2 * PERIOD:
                raise Wrong(f"Retry-After: {headers['retry-after']}")
            return
        same("the status of a limited batch", (status, len(expected) <= FEW), (200, True))
        found = [(result["status_code"], result["body"]["slept"]) for result in json.loads(body)["data"]]
        same("the results of a limited batch", found, [(200, ms) for ms in expected])

    body = json.dumps({"data": {"actions": actions}}).encode()
    return Play(check, body, actions=len(actions))


def _direct(chance: random.Random) -> Play:
    number = chance.randrange(10**6)

    def check(status: int, headers: Mapping[str, str], body: bytes) -> None:
        same("a direct request", (status, json.loads(body)["id"]), (200, str(number)))

    return Play(check, method="GET", path=f"/tasks/{number}", headers={})


def crowd(chance: random.Random) -> Play:
    """As many actions at once as a batch may have, each in a thread of its own where handlers are synchronous."""
    return _batch(chance, sleeping, fewest=10)


def _chunked(chance: random.Random) -> Play:
    play = _batch(chance, getting, echo, bodies)
    play.pieces = chance.randint(1, 9)
    play.pause = chance.choice((0.0, 0.01))
    return play


def _alone(chance: random.Random) -> Play:
    """One of the actions of a batch, sent directly."""
    action, look = chance.choice((getting, echo, bodies, record, background, sleeping))(chance)
    method, path, data = action["method"].upper(), action["relative_path"], action.get("data")
    if method == "GET" and data:
        path += "?" + urlencode(data)
    body = f'{{"data":{data}}}'.encode() if method == "POST" and data else b""

    def check(status: int, headers: Mapping[str, str], answer: bytes) -> None:
        if path.startswith("/respond"):
            same("the status of a direct request", status, 200)
        else:
            look({"status_code": status, "body": json.loads(answer)})

    return Play(check, body, method, path, JSON if body else {})


def _leaving(chance: random.Random) -> Play:
    play = _batch(chance, getting, echo, record, bodies)
    play.gone = chance.choice((0.5, 1.0))
    return play


_DECK: tuple[tuple[int, Callable[[random.Random], Play]], ...] = (
    (40, lambda chance: _batch(chance, getting, echo, bodies)),
    (12, lambda chance: _batch(chance, record, background, getting)),
    (12, lambda chance: _batch(chance, getting, failing, refused)),
    (12, lambda chance: _batch(chance, hostile, getting)),
    (6, _whole),
    (6, _limited),
    (6, _leaving),
    (6, _chunked),
    (2, crowd),
    (20, _direct),
)


def play(chance: random.Random, *, only_direct: bool = False) -> Play:
    """The next turn of a client."""
    if only_direct:
        return _alone(chance)
    weights, makers = zip(*_DECK, strict=True)
    return chance.choices(makers, weights)[0](chance)
