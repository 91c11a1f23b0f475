"""What the demo prints: tables that fit into 96 columns, and a command line that can be pasted into a shell."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Sequence
from typing import Any

from .api import BATCH
from .client import Reply
from .hosts import LOOPBACK
from .race import Result
from .sample import Sample
from .showcase import Shown

WIDTH = 96
ACTION_WIDTH = 41
RESULT_WIDTH = 30

DISTANCE = (
    "   Here a round trip costs next to nothing. Over a network ten requests one after the other wait\n"
    "   for ten of them, and a batch waits for one."
)


def table(number: int, shown: Shown) -> str:
    """A batch as a table of action, status, time and result, under a line with the time of the whole."""
    reply, actions = shown.reply, shown.show.actions
    results = reply.body.get("data", [])
    lines = [
        f"{number}. {shown.show.title}",
        f"   {len(actions)} actions in one POST {BATCH}: {reply.status} in {_milliseconds(reply.seconds)}",
    ]
    if not results:
        return "\n".join([*lines, *_message(_excerpt(reply.body))])
    lines.append(f"   {'':2} {'action':{ACTION_WIDTH}} {'status':>6} {'time':>9}  result")
    for index, (action, result) in enumerate(zip(actions, results, strict=True)):
        path = _cut(f"{action['method'].upper()} {action['relative_path']}", ACTION_WIDTH)
        status, excerpt = result["status_code"], _excerpt(result["body"])
        seconds = shown.seconds[index]
        time = "not run" if seconds is None else _milliseconds(seconds)
        long = status >= 400 and len(excerpt) > RESULT_WIDTH
        cell = "see below" if long else _cut(excerpt, RESULT_WIDTH)
        lines.append(f"   {index:2} {path:{ACTION_WIDTH}} {status:>6} {time:>9}  {cell}")
        if long:
            lines.extend(_message(excerpt))
        if status != shown.show.expected[index]:
            lines.extend(_message(f"expected {shown.show.expected[index]}"))
    return "\n".join(lines)


def attempt(what: str, reply: Reply) -> str:
    """One try of a batch that a limit may refuse, on one line, and what a refusal says below it."""
    lines = [f"   {what:41} {reply.status:>6} {_milliseconds(reply.seconds):>9}"]
    if reply.status != 200:
        lines.extend(_message(_excerpt(reply.body)))
    return "\n".join(lines)


def podium(results: Sequence[Result]) -> str:
    """The ways side by side, each with its time and how that compares with the first one's."""
    first = results[0].seconds
    return "\n".join(
        f"   {way.title:35} {_milliseconds(way.seconds):>9}  {way.seconds / first:4.1f} x" for way in results
    )


def curl(port: int, sample: Sample) -> str:
    """A batch to send by hand."""
    actions = [
        {"method": "get", "relative_path": "/users/me"},
        {"method": "get", "relative_path": f"/tasks/{sample.tasks[1]}", "options": {"fields": ["name"]}},
        {"method": "put", "relative_path": f"/tasks/{sample.tasks[1]}", "data": {"completed": True}},
    ]
    body = '{"data": {"actions": [\n' + ",\n".join(f"    {json.dumps(action)}" for action in actions) + "]}}"
    return (
        f"curl -s {shlex.quote(f'http://{LOOPBACK}:{port}{BATCH}?opt_pretty=true')} \\\n"
        f"  -H 'Authorization: Bearer {sample.token}' -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}"
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _excerpt(body: Any) -> str:
    """What a reader wants to know of a body: the error, or the names in it."""
    if isinstance(body, dict) and "errors" in body:
        return str(body["errors"][0]["message"])
    data = body.get("data") if isinstance(body, dict) else body
    if isinstance(data, list):
        return f"{len(data)} records: " + ", ".join(str(entry.get("name")) for entry in data)
    if isinstance(data, dict) and "name" in data:
        return str(data["name"])
    return json.dumps(data)


def _message(text: str) -> list[str]:
    """Something that matters too much to be cut, on lines of its own."""
    return textwrap.wrap(text, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
