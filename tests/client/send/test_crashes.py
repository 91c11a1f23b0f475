"""A run that is cut off at any byte that it writes, and resumed; the server loses answers and refuses batches, too.

The crash is an exception out of a write to the results or to the journal, after a part of it has reached the file; the
server goes on with what it was sent. So every moment of a run is tried, which no real kill can be aimed at.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchware.client.verdicts import Answer
from batchware.send import results as results_module
from batchware.send.actions import Contract
from batchware.send.bulk import Bulk
from batchware.send.connection import Broken
from batchware.send.journal import Journal
from batchware.send.landing import Settings, Stopped
from batchware.send.lines import lines
from batchware.send.progress import Quiet
from batchware.send.results import Results

LINES = 60


class Cut(BaseException):
    """The process is gone."""


def torn(budget: int) -> Callable[[int, Any], int]:
    """A write that takes so many bytes from all files together, and then no more."""
    left = budget

    def write(file: int, data: Any) -> int:
        nonlocal left
        left -= len(data)
        if left < 0:
            os.write(file, data[:left])
            raise Cut
        return os.write(file, data)

    return write


class Server:
    """Does what it is sent, once for each key if it keeps them, and loses answers as chance has it."""

    def __init__(self, chance: random.Random, keeps: bool) -> None:
        self._chance, self._keeps = chance, keeps
        self._lock = threading.Lock()
        self._stored: dict[str, Any] = {}
        self.done: Counter[int] = Counter()

    def post(self, body: bytes, key: str) -> Answer:
        with self._lock:
            fate = self._chance.random()
            if fate < 0.1:
                raise Broken("before anything was done")
            if fate < 0.2:
                return Answer.of(429, {"Retry-After": "0"}, b"")
            results = [
                self._one(action, f"{key}:{index}") for index, action in enumerate(json.loads(body)["data"]["actions"])
            ]
            if fate < 0.3:
                raise Broken("after it was done")
            return Answer.of(200, {}, json.dumps({"data": results}).encode())

    def _one(self, action: Any, key: str) -> Any:
        if self._keeps and key in self._stored:
            return self._stored[key]
        if self._chance.random() < 0.05:  # a limit of its own, which stores nothing
            return {"status_code": 429, "headers": {"Retry-After": "0"}, "body": None}
        self.done[int(action["relative_path"][1:])] += 1
        self._stored[key] = {"status_code": 200, "headers": {}, "body": action["relative_path"]}
        return self._stored[key]

    def close(self) -> None:
        """Connections are no matter here."""


def run(folder: Path, server: Any, budget: int, *, idempotent: bool) -> Stopped | None:
    """One run; raises `Cut` where the budget is spent."""
    contract = Contract("asana", "/batch", 1 << 20)
    settings = Settings(parallel=3, max_actions=5, idempotent=idempotent, pause=0.0)
    with (
        open(folder / "out", "a+b") as out,
        Journal.at(folder / "journal") as journal,
        open(folder / "actions", "rb") as actions,
        mock.patch.object(results_module, "_write", torn(budget)),
    ):
        results = Results(out, lasting=False)
        results.recall()
        journal.begin("http://localhost/batch", "asana")
        bulk = Bulk(settings, contract, results=results, journal=journal, connect=lambda: server, progress=Quiet())
        before = set(threading.enumerate())
        try:
            return bulk.run(lines(actions.read, contract.longest))
        finally:
            for thread in set(threading.enumerate()) - before:
                if not thread.name.endswith("input"):
                    thread.join()  # the server goes on with what it has


@pytest.mark.parametrize("idempotent", [True, False])
@given(seed=st.integers(0, 1 << 32), cuts=st.lists(st.integers(0, 3000), max_size=6))
def test_whatever_the_moment_of_a_crash_every_line_is_done_once(idempotent: bool, seed: int, cuts: list[int]) -> None:
    server = Server(random.Random(seed), keeps=idempotent)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        actions = [
            {"method": "get" if line % 4 == 0 else "post", "relative_path": f"/{line}"} for line in range(1, LINES + 1)
        ]
        (folder / "actions").write_text("\n".join(map(json.dumps, actions)))
        for cut in [*cuts, 1 << 30]:
            try:
                stopped = run(folder, server, cut, idempotent=idempotent)
            except Cut:
                continue
            while stopped is not None:  # batches lost in a row
                stopped = run(folder, server, 1 << 30, idempotent=idempotent)
        results = {}
        for text in (folder / "out").read_text().splitlines():
            result = json.loads(text)
            assert results.setdefault(result["line"], result) is result, "a line has two results"
        assert results.keys() == set(range(1, LINES + 1))
        for line, result in results.items():
            if result.get("status_code") == 200:
                assert server.done[line] == 1 or line % 4 == 0
            elif "unknown" in result:
                assert not idempotent
                assert line % 4, "reads are never unknown"
                assert server.done[line] <= 1
            else:
                assert server.done[line] == 0 or line % 4 == 0
