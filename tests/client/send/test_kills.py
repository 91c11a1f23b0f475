"""`kill -9` at random moments, and `--resume`: nothing is lost and nothing is done twice."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from batchware import Concurrency, Quota
from tests.client.send.killed import (
    Executioner,
    board,
    check_once,
    make_doomed,
    read_results,
    send_until_done,
    write_actions,
)

ACTIONS = 300
SIGKILLED = -9
LIMITS = [Quota("requests", 250, per=3), Concurrency("writes", 25, methods=["POST", "PUT", "DELETE"])]


@pytest.mark.parametrize("face", ["starlette", "flask", "django"])
def test_three_kills_lose_nothing_and_repeat_nothing(face: str, tmp_path: Path) -> None:
    chance = random.Random()
    executioner = Executioner([chance.randrange(1, 80) for _ in range(3)], chance)
    actions, out = tmp_path / "actions.jsonl", tmp_path / "results.jsonl"
    with board(face, LIMITS, executioner) as served:
        doomed = make_doomed(served.store, ACTIONS // 10)
        expected = write_actions(actions, ACTIONS, served.sample, doomed)
        runs = send_until_done(served, actions, out, "--idempotent")
        assert runs.statuses == [SIGKILLED] * 3 + [1], (
            runs.said
        )  # 1: every tenth line asks for a task that is not there
        assert executioner.kills == 3
        check_once(served, out, expected)


def test_without_kept_keys_no_write_is_repeated_and_those_in_doubt_are_named(tmp_path: Path) -> None:
    chance = random.Random()
    executioner = Executioner([chance.randrange(1, 80) for _ in range(3)], chance)
    actions, out = tmp_path / "actions.jsonl", tmp_path / "results.jsonl"
    with board("starlette", [], executioner) as served:
        lines = [{"method": "post", "relative_path": "/tasks", "data": {"name": f"line {n}"}} for n in range(1, 301)]
        lines[::10] = [{"method": "get", "relative_path": f"/tasks/{served.sample.tasks[0]}"}] * 30
        actions.write_text("\n".join(map(json.dumps, lines)))
        runs = send_until_done(served, actions, out)
        assert runs.statuses == [SIGKILLED] * 3 + [4], runs.said
        results = read_results(out)
        assert sorted(result["line"] for result in results) == list(range(1, 301))
        unknown = {result["line"] for result in results if "unknown" in result}
        tasks = {name: count for name, count in served.tasks().items() if name.startswith("line ")}
        assert set(tasks.values()) == {1}
        assert 0 < len(unknown) <= 3 * 4 * 10  # what was under way at the kills
        assert not unknown & set(range(1, 301, 10))  # reads are simply read again
        for result in results:
            if result["line"] not in unknown and (result["line"] - 1) % 10:
                assert result["status_code"] == 201
                assert tasks[f"line {result['line']}"] == 1
