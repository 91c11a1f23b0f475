"""The actions of the soak, each with the exact result that must come back.

`Wrong` says what came back in the place of what.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hosts.probe import encode_spec

CORPUS = [
    case
    for line in (Path(__file__).parents[1] / "data" / "bypass.jsonl").read_text("utf-8").splitlines()
    if "action" in (case := json.loads(line)) and case["expect"] in ("result_400", "allowed")
]
DENIED = ("/batch", "/organization_exports", "/organization_exports/{id}", "/scim/v2/Users", "/scim/v2/Users/{id}")

Expected = tuple[dict[str, Any], Callable[[dict[str, Any]], None]]


class Wrong(Exception):
    """An answer that is not the one which was to come."""


def same(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise Wrong(f"{what}: {found!r:.300}, not {expected!r:.300}")


def plain(result: dict[str, Any], status: int, body: Any) -> None:
    same("a result", (result["status_code"], result["body"]), (status, body))


def getting(chance: random.Random) -> Expected:
    number = chance.randrange(10**6)
    wanted = {"handler": "/tasks/{id}", "method": "GET", "id": str(number)}
    return {"method": "get", "relative_path": f"/tasks/{number}"}, lambda r: plain(r, 200, wanted)


class Raw(str):
    """JSON that goes into a batch as it is."""


def echo(chance: random.Random) -> Expected:
    data = {"n": chance.random(), "big": chance.randrange(10**30), "text": "é\u2028" * chance.randrange(400)}
    sent = json.dumps(data, ensure_ascii=chance.random() < 0.5)

    def check(result: dict[str, Any]) -> None:
        same("an echo's status", result["status_code"], 200)
        same("an echo's body", base64.b64decode(result["body"]["body"]), b'{"data":' + sent.encode() + b"}")

    return {"method": "post", "relative_path": "/echo", "data": Raw(sent)}, check


def respond(chance: random.Random, kind: str | None, body: bytes, shown: Any) -> Expected:
    headers = [["content-type", kind]] if kind else []
    spec = encode_spec({"body": base64.b64encode(body).decode(), "headers": headers, "chunks": chance.choice((0, 3))})
    return {"method": "get", "relative_path": "/respond", "data": {"spec": spec}}, lambda r: plain(r, 200, shown)


def bodies(chance: random.Random) -> Expected:
    octets = chance.randbytes(chance.randrange(1, 600))
    return chance.choice(
        (
            lambda: respond(chance, "text/plain; charset=utf-8", "größer".encode(), "größer"),
            lambda: respond(chance, "image/png", octets, base64.b64encode(octets).decode()),
            lambda: respond(chance, "application/json", b'{"open": [', '{"open": ['),
            lambda: respond(chance, "application/json", b"}{" * 9, "}{" * 9),
        )
    )()


def failing(chance: random.Random) -> Expected:
    paths = (("/raise", 500), ("/nothing", 500), ("/exit", 500), ("/half", 500), ("/forever", 502))
    path, status = chance.choice(paths)

    def check(result: dict[str, Any]) -> None:
        same(f"the status of {path}", result["status_code"], status)

    return {"method": "get", "relative_path": path}, check


def refused(chance: random.Random) -> Expected:
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


def hostile(chance: random.Random) -> Expected:
    case = chance.choice(CORPUS)

    def check(result: dict[str, Any]) -> None:
        same(case["id"], result["status_code"], 400 if case["expect"] == "result_400" else 200)
        body = result["body"]
        if isinstance(body, dict) and body.get("handler") in DENIED:
            raise Wrong(f"{case['id']} reached {body['handler']}")

    return case["action"], check


def record(chance: random.Random) -> Expected:
    return {"method": "post", "relative_path": "/record"}, lambda r: plain(r, 200, {"record": True})


def background(chance: random.Random) -> Expected:
    """With work that the host does after the response."""
    return {"method": "get", "relative_path": "/background"}, lambda r: plain(r, 200, {"background": True})


def sleeping(chance: random.Random) -> Expected:
    ms = chance.randrange(20, 80)
    return {"method": "get", "relative_path": f"/sleep-sync/{ms}"}, lambda r: plain(r, 200, {"slept": ms})
