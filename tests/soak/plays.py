"""What a client of the soak does, and the exact answer to each.

A play is made anew for each turn out of a seeded random, so that no two batches are the same and every run can be
repeated. `Wrong` says what came back in the place of what.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hosts.probe import encode_spec

JSON = {"Content-Type": "application/json"}
CORPUS = [
    case
    for line in (Path(__file__).parents[1] / "data" / "bypass.jsonl").read_text("utf-8").splitlines()
    if "action" in (case := json.loads(line))
]
DENIED = ("/batch", "/organization_exports", "/organization_exports/{id}", "/scim/v2/Users", "/scim/v2/Users/{id}")
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


class Wrong(Exception):
    """An answer that is not the one which was to come."""


def same(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise Wrong(f"{what}: {found!r:.300}, not {expected!r:.300}")


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


Expected = tuple[dict[str, Any], Callable[[dict[str, Any]], None]]


def _get(chance: random.Random) -> Expected:
    number = chance.randrange(10**6)
    wanted = {"handler": "/tasks/{id}", "method": "GET", "id": str(number)}
    return {"method": "get", "relative_path": f"/tasks/{number}"}, lambda r: _plain(r, 200, wanted)


def _plain(result: dict[str, Any], status: int, body: Any) -> None:
    same("a result", (result["status_code"], result["body"]), (status, body))


def _echo(chance: random.Random) -> Expected:
    data = {"n": chance.random(), "big": chance.randrange(10**30), "text": "é\u2028" * chance.randrange(400)}
    sent = json.dumps(data, ensure_ascii=chance.random() < 0.5)

    def check(result: dict[str, Any]) -> None:
        same("an echo's status", result["status_code"], 200)
        same("an echo's body", base64.b64decode(result["body"]["body"]), b'{"data":' + sent.encode() + b"}")

    return {"method": "post", "relative_path": "/echo", "data": _Raw(sent)}, check


class _Raw(str):
    """JSON that goes into a batch as it is."""


def _respond(chance: random.Random, kind: str | None, body: bytes, shown: Any) -> Expected:
    headers = [["content-type", kind]] if kind else []
    spec = encode_spec({"body": base64.b64encode(body).decode(), "headers": headers, "chunks": chance.choice((0, 3))})
    return {"method": "get", "relative_path": "/respond", "data": {"spec": spec}}, lambda r: _plain(r, 200, shown)


def _bodies(chance: random.Random) -> Expected:
    octets = chance.randbytes(chance.randrange(1, 600))
    return chance.choice(
        (
            lambda: _respond(chance, "text/plain; charset=utf-8", "größer".encode(), "größer"),
            lambda: _respond(chance, "image/png", octets, base64.b64encode(octets).decode()),
            lambda: _respond(chance, "application/json", b'{"open": [', '{"open": ['),
            lambda: _respond(chance, "application/json", b"}{" * 9, "}{" * 9),
        )
    )()


def _failing(chance: random.Random) -> Expected:
    path, status = chance.choice((("/raise", 500), ("/nothing", 500), ("/half", 500), ("/forever", 502)))

    def check(result: dict[str, Any]) -> None:
        same(f"the status of {path}", result["status_code"], status)

    return {"method": "get", "relative_path": path}, check


def _refused(chance: random.Random) -> Expected:
    action = chance.choice(
        (
            {"method": "get", "relative_path": "/scim/v2/Users"},
            {"method": "get", "relative_path": "/tasks/%2e%2e/batch"},
            {"method": "brew", "relative_path": "/tasks/1"},
            {"method": "get"},
            {"method": "post", "relative_path": "/tasks/1/attachments"},
            {"method": "get", "relative_path": "/BATCH;x"},
        )
    )

    def check(result: dict[str, Any]) -> None:
        same(f"the status of {action}", result["status_code"], 400)

    return action, check


def _hostile(chance: random.Random) -> Expected:
    case = chance.choice(CORPUS)

    def check(result: dict[str, Any]) -> None:
        if case["expect"] == "result_400":
            same(case["id"], result["status_code"], 400)
        body = result["body"]
        if isinstance(body, dict) and body.get("handler") in DENIED:
            raise Wrong(f"{case['id']} reached {body['handler']}")

    return case["action"], check


def _record(chance: random.Random) -> Expected:
    return {"method": "post", "relative_path": "/record"}, lambda r: _plain(r, 200, {"record": True})


def _batch(chance: random.Random, *kinds: Callable[[random.Random], Expected]) -> Play:
    expected = [chance.choice(kinds)(chance) for _ in range(chance.randint(1, 10))]

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
    members = [f"{json.dumps(k)}:{v if isinstance(v, _Raw) else json.dumps(v)}" for k, v in action.items()]
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

    return Play(check, body, headers={**JSON, "Content-Type": kind})


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


def _leaving(chance: random.Random) -> Play:
    play = _batch(chance, _get, _echo, _record, _bodies)
    play.gone = chance.choice((0.5, 1.0))
    return play


_DECK: tuple[tuple[int, Callable[[random.Random], Play]], ...] = (
    (40, lambda chance: _batch(chance, _get, _echo, _bodies)),
    (12, lambda chance: _batch(chance, _record, _get)),
    (12, lambda chance: _batch(chance, _get, _failing, _refused)),
    (12, lambda chance: _batch(chance, _hostile, _get)),
    (6, _whole),
    (6, _limited),
    (6, _leaving),
    (20, _direct),
)


def play(chance: random.Random, *, only_direct: bool = False) -> Play:
    """The next turn of a client."""
    if only_direct:
        return _direct(chance)
    weights, makers = zip(*_DECK, strict=True)
    return chance.choices(makers, weights)[0](chance)


def sent(connection: http.client.HTTPConnection, turn: Play) -> tuple[int, dict[str, str], bytes]:
    connection.request(turn.method, turn.path, turn.body or None, dict(turn.headers))
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
