"""A taskboard that runs the actions of a batch one by one, in an order drawn by lot, and lets some of them fail.

It stands below the batch endpoint and below the framework: all actions of a batch have to have arrived at the board
before the first one runs, so the order is that of the lot and not that of the batch.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from batchware.client import Action, Answer, Result, Sender
from examples.taskboard.api import BATCH, Board, Resource
from examples.taskboard.exchange import Answer as BoardAnswer
from examples.taskboard.exchange import Refusal, Request, refused
from examples.taskboard.hosts import LOOPBACK, listen, serving
from examples.taskboard.sample import Sample
from examples.taskboard.store import Store
from tests.examples.boards import filled, settings_of

PATIENCE = 60.0  # seconds; no board waits so long for an action that is on its way


class Lot:
    """The actions of one batch: each waits for all, and then for its turn."""

    def __init__(self, count: int, chance: random.Random) -> None:
        self._count, self._chance = count, chance
        self._arrived: list[tuple[str, bytes]] = []
        self._turns: list[tuple[str, bytes]] = []
        self._changed = threading.Condition()

    def run(self, request: Request, path: str, work: Callable[[], BoardAnswer]) -> BoardAnswer:
        mine = (path, request.body)
        with self._changed:
            self._arrived.append(mine)
            if len(self._arrived) == self._count:
                self._turns = sorted(self._arrived)  # the order of arrival is no lot that can be drawn again
                self._chance.shuffle(self._turns)
                self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._turns[:1] == [mine], PATIENCE):
                raise TimeoutError("an action of the batch has not come")
            try:
                return work()
            finally:
                self._turns.pop(0)
                self._changed.notify_all()


class ShuffledBoard(Board):
    """`failing`: the part of the actions of each resource that fail, half of them after they have run."""

    def __init__(self, store: Store, failing: dict[str, float], seed: int) -> None:
        super().__init__(store)
        self._failing, self._chance = failing, random.Random(seed)
        self._lot: Lot | None = None
        self.failed = 0
        self.ran: list[str] = []
        """What ran, in that order."""

    def expect(self, count: int) -> None:
        """So many actions come next, at once."""
        self._lot = Lot(count, self._chance) if count else None

    def answer(self, request: Request, resource: Resource) -> BoardAnswer:
        path = resource.path.format(**request.params)
        if self._lot is None:
            return super().answer(request, resource)
        return self._lot.run(request, path, lambda: self._fated(request, resource, path))

    def _fated(self, request: Request, resource: Resource, path: str) -> BoardAnswer:
        lot = self._chance.random() if request.method == "POST" else 1.0
        share = self._failing.get(resource.path, 0.0)
        if lot >= share:
            self.ran.append(path)
            return super().answer(request, resource)
        self.failed += 1
        if lot < share / 2:
            return refused(Refusal(503, "Not now"))
        super().answer(request, resource)
        return refused(Refusal(500, "The answer is lost"))


@dataclass
class Shuffled:
    """A client of such a board on a real server; it counts the HTTP requests that it makes."""

    board: ShuffledBoard
    sample: Sample
    url: str
    post: Callable[..., Answer]
    requests: int = 0

    def send(self, actions: list[Action]) -> list[Result]:
        """A sender for one batch at a time."""
        headers = {"authorization": f"Bearer {self.sample.token}"}
        return Sender(self._counted, self.url, headers=headers, parallel=1).send(actions)

    def _counted(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        self.requests += 1
        self.board.expect(len(json.loads(body)["data"]["actions"]))
        try:
            return self.post(url, headers, body)
        finally:
            self.board.expect(0)

    def names(self, project: str) -> list[str]:
        """The names of a project's tasks, in its order."""
        with self.board.store.transaction(write=False) as db:
            select = "SELECT name FROM tasks JOIN placements ON task = gid WHERE project = ? ORDER BY position"
            return [row["name"] for row in db.execute(select, (int(project),))]

    def count_of(self, prefix: str) -> int:
        """How many tasks have a name that begins so, in any project or in none."""
        with self.board.store.transaction(write=False) as db:
            (count,) = db.execute("SELECT count(*) FROM tasks WHERE name LIKE ?", (f"{prefix}%",)).fetchone()
            return int(count)


@contextmanager
def shuffled(face: str, post: Callable[..., Answer], failing: dict[str, float], seed: int = 1) -> Iterator[Shuffled]:
    """A board with the sample in it, behind one of the faces, on a real server."""
    with settings_of(face), filled() as (board, sample), listen(0) as listener:
        shuffling = ShuffledBoard(board.store, failing, seed)
        port = listener.getsockname()[1]
        with serving(face, shuffling, listener):
            yield Shuffled(shuffling, sample, f"http://{LOOPBACK}:{port}{BATCH}", post)
