"""Many tasks in order over HTTP on the three faces: the order drawn by lot, placements failing, answers lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from batchware.client import Answer, Broken
from batchware.client.adapters import post_of
from batchware.client.order import put_in_order
from tests.client.shuffled_board import shuffled
from tests.client.task_plans import tasks
from tests.examples.boards import FACES

ONE_IN_TWENTY = {"/tasks/{gid}/addProject": 0.05}

Post = Callable[[str, dict[str, str], bytes], Answer]


@pytest.fixture
def post() -> Iterator[Post]:
    with httpx2.Client() as client:
        yield post_of(client, 60.0)


def numbered(count: int) -> list[str]:
    return [f"line {number:04}" for number in range(count)]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("seed", range(5))
def test_fifty_tasks_take_thirteen_requests_at_most_with_one_placement_in_twenty_failing(
    face: str, seed: int, post: Post
) -> None:
    with shuffled(face, post, ONE_IN_TWENTY, seed) as host:
        before = host.names(host.sample.project)
        put_in_order(tasks(numbered(50), host.sample.project, appends=True), host.send)
        assert host.names(host.sample.project) == [*before, *numbered(50)]
        assert host.count_of("line") == 50
        assert host.requests <= 13


@pytest.mark.parametrize("face", FACES)
def test_a_thousand_tasks_take_fewer_than_230_requests_with_one_placement_in_twenty_failing(
    face: str, post: Post
) -> None:
    with shuffled(face, post, ONE_IN_TWENTY) as host:
        before = host.names(host.sample.project)
        put_in_order(tasks(numbered(1000), host.sample.project, appends=True), host.send)
        assert host.names(host.sample.project) == [*before, *numbered(1000)]
        assert host.count_of("line") == 1000
        assert host.board.failed > 20
        assert host.requests < 230


@pytest.mark.parametrize("face", FACES)
def test_where_nothing_fails_fifty_take_ten_requests_and_the_published_way_eighteen(face: str, post: Post) -> None:
    for way, requests in (("doubling", 10), ("published", 18)):
        with shuffled(face, post, {}) as host:
            put_in_order(tasks(numbered(50), host.sample.project, appends=True, way=way), host.send)
            assert host.names(host.sample.project)[-50:] == numbered(50)
            assert host.requests == requests
            assert host.board.ran != sorted(host.board.ran)


@pytest.mark.parametrize("way", ["doubling", "published"])
@pytest.mark.parametrize("at", [None, 0, 4])
def test_tasks_go_behind_a_task_that_is_there_or_to_the_head(way: str, at: int | None, post: Post) -> None:
    with shuffled("starlette", post, ONE_IN_TWENTY) as host:
        before = host.names(host.sample.project)
        anchor = None if at is None else host.sample.tasks[at]
        put_in_order(tasks(numbered(12), host.sample.project, after=anchor, way=way), host.send)
        split = 0 if at is None else at + 1
        assert host.names(host.sample.project) == [*before[:split], *numbered(12), *before[split:]]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("way", ["doubling", "published"])
def test_nothing_is_created_twice_where_creations_fail_and_answers_get_lost(face: str, way: str, post: Post) -> None:
    calls = 0

    def losing(url: str, headers: dict[str, str], body: bytes) -> Answer:
        nonlocal calls
        calls += 1
        answer = post(url, headers, body)
        if calls % 3 == 2:
            raise Broken("the connection broke")
        return answer

    failing = {"/tasks": 0.2, "/tasks/{gid}/addProject": 0.2}
    with shuffled(face, losing, failing) as host:
        put_in_order(tasks(numbered(40), host.sample.project, appends=True, way=way), host.send)
        assert host.names(host.sample.project)[-40:] == numbered(40)
        assert host.count_of("line") == 40
        assert host.board.failed


PROGRAM = """
import json, os, signal, sys
from pathlib import Path
import httpx2
from batchware.client import Answer, Sender
from batchware.client.adapters import post_of
from batchware.client.order import put_in_order
from tests.client.task_plans import tasks

url, token, project, names, kept, dies, when = json.loads(sys.argv[1])
state = Path(kept)
calls = 0

def save(now):
    fresh = state.with_suffix(".new")
    fresh.write_text(json.dumps(now))
    fresh.replace(state)

def post(url, headers, body):
    global calls
    calls += 1
    if calls == dies and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = sent(url, headers, body)
    if calls == dies:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

with httpx2.Client() as client:
    sent = post_of(client, 60.0)
    known = json.loads(state.read_text()) if state.exists() else None
    plan = tasks(names, project, appends=True, state=known)
    put_in_order(plan, Sender(post, url, headers={"authorization": "Bearer " + token}).send, save=save)
print(json.dumps(plan.ids))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes can't be killed like that here")
def test_a_plan_that_is_killed_again_and_again_goes_on_in_another_process(tmp_path: Path, post: Post) -> None:
    with shuffled("starlette", post, {}) as host:
        ends: list[int] = []
        for turn in range(60):
            # Each process gets two or three batches further, and dies before or after its last one has run.
            ask: list[Any] = [host.url, host.sample.token, host.sample.project, numbered(30), str(tmp_path / "state")]
            ask += [2 + turn % 2, ("before", "after")[turn // 2 % 2]]
            command = [sys.executable, "-c", PROGRAM, json.dumps(ask)]
            root = str(Path(__file__).parents[2])
            ran = subprocess.run(
                command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": root}, check=False
            )
            ends.append(ran.returncode)
            if ran.returncode == 0:
                break
            assert ran.returncode == -signal.SIGKILL, ran.stderr
        assert ends[-1] == 0
        assert ends.count(-signal.SIGKILL) > 3
        assert host.names(host.sample.project)[-30:] == numbered(30)
        assert host.count_of("line") == 30
        assert len(set(json.loads(ran.stdout))) == 30
