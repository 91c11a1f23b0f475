"""`--dry-run` says what the server would say, in the same words, and sends nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchware.__main__ import main
from batchware.asgi import BatchMiddleware
from tests.contract.batching import batch_body, host_named
from tests.hosts.clients import send

WRONG: list[Any] = [
    {},
    {"method": "get"},
    {"method": "trace", "relative_path": "/x"},
    {"method": 1, "relative_path": "/x"},
    {"method": "get", "relative_path": 1},
    {"method": "get", "relative_path": "x"},
    {"method": "get", "relative_path": "//x"},
    {"method": "get", "relative_path": "/a/../b"},
    {"method": "get", "relative_path": "/x?y=1"},
    {"method": "get", "relative_path": "/x%2Fy"},
    {"method": "get", "relative_path": "/" + "x" * 3000},
    {"method": "get", "relative_path": "/x", "other": 1},
    {"method": "get", "relative_path": "/x", "data": {"a": {"b": 1}}},
    {"method": "get", "relative_path": "/x", "data": [1]},
    {"method": "get", "relative_path": "/x", "data": {"opt_fields": "a"}, "options": {"fields": "b"}},
    {"method": "get", "relative_path": "/x", "options": {"page": 1}},
    {"method": "post", "relative_path": "/x", "data": "text"},
    {"method": "post", "relative_path": "/attachments"},
    {"method": "get", "relative_path": "/SCIM/v2/Users"},
    {"method": "post", "relative_path": "/batch"},
]


def dry_run(path: Path, *options: str) -> int:
    return main(["send", str(path), "--dry-run", *options])


@pytest.mark.parametrize("style", ["asana", "plain"])
def test_every_message_is_the_servers_own(tmp_path: Path, capsys: pytest.CaptureFixture[str], style: Any) -> None:
    path = tmp_path / "actions.jsonl"
    path.write_text("".join(json.dumps(action) + "\n" for action in WRONG))
    app = BatchMiddleware(host_named("asgi").make(), style=style, max_actions=len(WRONG))
    body = batch_body(WRONG) if style == "asana" else json.dumps({"actions": WRONG}).encode()
    answer = send(app, "asgi", "POST", "/batch", headers={"content-type": "application/json"}, body=body).json()
    expected = []
    for line, result in enumerate(answer["data" if style == "asana" else "results"], 1):
        if result["status_code"] == 400:
            said = result["body"]["errors"][0]["message"].removeprefix(f"actions[{line - 1}]").lstrip(".: ")
            expected.append(f"{path}:{line}: {said}")
    assert len(expected) >= 13
    assert dry_run(path, "--style", style) == 1
    assert capsys.readouterr().out.splitlines() == expected


def test_lines_that_are_no_json_are_wrong_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "actions.jsonl"
    path.write_text('{"method": "get", "relative_path": "/x"}\n\nnonsense\n[]\n')
    assert dry_run(path) == 1
    said = capsys.readouterr()
    assert [line.split(": ")[0] for line in said.out.splitlines()] == [f"{path}:3", f"{path}:4"]
    assert said.err == "3 lines, 2 of them wrong; nothing was sent\n"


def test_lines_that_are_fine_are_0_and_the_route_is_the_urls_own(tmp_path: Path) -> None:
    path = tmp_path / "actions.jsonl"
    path.write_text('{"method": "get", "relative_path": "/bulk"}')
    assert dry_run(path) == 0
    assert dry_run(path, "--url", "https://unreachable.invalid/api/batch") == 0
    assert dry_run(path, "--url", "https://unreachable.invalid/api/bulk") == 1
