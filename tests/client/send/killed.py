"""Runs of `batchware send` against a taskboard that are killed in the middle and resumed, and what must hold after."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchware import Action, BatchHooks, Outcome, Parent
from batchware.contract.limits import Limit
from examples.taskboard.api import BATCH
from examples.taskboard.hosts import LOOPBACK, listen, serving
from examples.taskboard.sample import Sample
from examples.taskboard.store import Store
from tests.examples.boards import filled, settings_of

ROOT = Path(__file__).parents[3]
DEADLINE = 120.0  # seconds; a run that takes longer hangs


class Executioner(BatchHooks):
    """Kills the sender when the server has done some more actions: in the middle of a batch, or when all of it is done
    and the answer not yet sent."""

    def __init__(self, moments: Sequence[int], chance: random.Random) -> None:
        self._moments = list(moments)
        self._chance = chance
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self.kills = 0

    def aim(self, process: subprocess.Popen[str]) -> None:
        """The next one to be killed."""
        with self._lock:
            self._process = process if self._moments else None
            self._left = self._moments.pop(0) if self._moments else 0
            self._in_the_middle = self._chance.random() < 0.5

    def around_action(self, action: Action, parent: Parent) -> Any:
        """Counts down, and kills where that is to be in the middle."""
        with self._lock:
            self._left -= 1
            if self._in_the_middle:
                self._kill_if_due()
        return nullcontext()

    def on_batch(self, parent: Parent, actions: Sequence[Action], outcomes: Sequence[Outcome], seconds: float) -> None:
        """Kills once a batch has all its results."""
        with self._lock:
            self._kill_if_due()

    def _kill_if_due(self) -> None:
        if self._process is not None and self._left <= 0:
            os.kill(self._process.pid, signal.SIGKILL)
            self.kills += 1
            self._process = None


@dataclass
class Served:
    """A taskboard on a server of its own thread."""

    url: str
    store: Store
    sample: Sample
    executioner: Executioner

    def tasks(self) -> Counter[str]:
        """How often each name is in the store."""
        with self.store.transaction(write=False) as db:
            return Counter(row["name"] for row in db.execute("SELECT name FROM tasks"))


@contextmanager
def board(face: str, limits: Sequence[Limit], executioner: Executioner, path: str = ":memory:") -> Iterator[Served]:
    with settings_of(face), filled(path) as (made, sample):
        listener = listen(0)
        port = listener.getsockname()[1]
        with serving(face, made, listener, limits=limits, hooks=[executioner]):
            yield Served(f"http://{LOOPBACK}:{port}{BATCH}", made.store, sample, executioner)


def write_actions(path: Path, count: int, sample: Sample, doomed: Sequence[str]) -> list[int]:
    """Reads, creations, changes, deletions, and lines that fail; returns the status that each line must have.

    A deletion that runs twice shows in its own status, a creation in the store.
    """
    statuses = []
    doomed = list(doomed)
    with path.open("w") as file:
        for line in range(1, count + 1):
            match line % 10:
                case 0 if doomed:
                    action, status = {"method": "delete", "relative_path": f"/tasks/{doomed.pop()}"}, 200
                case 1 | 2:
                    action, status = {"method": "get", "relative_path": f"/tasks/{sample.tasks[0]}"}, 200
                case 3:
                    data = {"notes": f"line {line}"}
                    action, status = {"method": "put", "relative_path": f"/tasks/{sample.tasks[1]}", "data": data}, 200
                case 4:
                    action, status = {"method": "get", "relative_path": "/tasks/1", "options": {"fields": "name"}}, 404
                case _:
                    action = {"method": "post", "relative_path": "/tasks", "data": {"name": f"line {line}"}}
                    status = 201
            file.write(json.dumps(action) + "\n")
            statuses.append(status)
    return statuses


def make_doomed(store: Store, count: int) -> list[str]:
    """Tasks to be deleted."""
    with store.transaction(write=True) as db:
        (highest,) = db.execute("SELECT max(gid) FROM tasks").fetchone()
        gids = range(highest + 1_000_000, highest + 1_000_000 + count)
        db.executemany(
            "INSERT INTO tasks (gid, name, notes, workspace, created_at, modified_at) "
            "SELECT ?, 'doomed', '', min(gid), '', '' FROM workspaces",
            [(gid,) for gid in gids],
        )
    return [str(gid) for gid in gids]


@dataclass
class Runs:
    """What several runs with one `--out` came to."""

    statuses: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """What each wrote to standard error."""
    peaks: list[int] = field(default_factory=list)
    """The peak resident size of each in KiB, as long as it was looked at."""


def send_until_done(served: Served, actions: Path, out: Path, *options: str, deadline: float = DEADLINE) -> Runs:
    """Runs the command, and again with the same options for as long as it is killed."""
    command = [sys.executable, "-m", "batchware", "send", str(actions), "--url", served.url, "--out", str(out)]
    command += ["--header", f"Authorization: Bearer {served.sample.token}", "--resume", "--quiet", *options]
    runs = Runs()
    while not runs.statuses or runs.statuses[-1] == -signal.SIGKILL:
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
            served.executioner.aim(process)
            with peak_of(process.pid) as peak:
                try:
                    _, complaints = process.communicate(timeout=deadline)
                finally:
                    process.kill()
        assert "Traceback" not in complaints, complaints
        runs.statuses.append(process.returncode)
        runs.said.append(complaints)
        runs.peaks.append(max(peak, default=0))
    return runs


@contextmanager
def peak_of(pid: int) -> Iterator[list[int]]:
    """Looks at a process again and again. What `wait4` says would hold the size of the process that started it."""
    found: list[int] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            with suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()
                found.extend(map(int, re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def read_results(out: Path) -> list[Any]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def check_once(served: Served, out: Path, expected: Sequence[int]) -> None:
    """Every line has one result, the right one, and everything was done exactly once."""
    results = read_results(out)
    assert sorted(result["line"] for result in results) == list(range(1, len(expected) + 1))
    found = {result["line"]: result.get("status_code") for result in results}
    wrong = {line: (found[line], status) for line, status in enumerate(expected, 1) if found[line] != status}
    assert not wrong, dict(list(wrong.items())[:10])
    tasks = served.tasks()
    created = {f"line {line}" for line, status in enumerate(expected, 1) if status == 201}
    assert {name: count for name, count in tasks.items() if name.startswith("line ")} == dict.fromkeys(created, 1)
    assert tasks["doomed"] == 0
