"""The asynchronous sender: a course, the user's HTTP client, and a task for each batch that is in the air.

Decides what a cancellation does: it is prompt. Nothing more is sent, the batches in the air are cancelled with it, and
the error that goes up carries the report (`report_of`). It runs on asyncio.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from itertools import count
from typing import Any, Self, Unpack

from .actions import Action, Result
from .adapters import AsyncPost, async_post_of
from .batch import AsyncBatch
from .bounds import Bounds
from .outcomes import Outcome, Report, Unfinished, carry
from .run import Options, Progress, Run, full_report
from .verdicts import Answer
from .waiting import Sending


class AsyncSender:
    """Sends any number of actions to the batch endpoint at `url`, in batches.

    `client` is an `AsyncClient` of httpx2 or httpx, a `ClientSession` of aiohttp, an `AsyncSession` of niquests (each
    with the user's own authentication, proxies and so on), or a coroutine function `post(url, headers, body)` that
    returns an `Answer` and raises `NotSent` or `Broken`.

    `headers` go with every batch. `timeout` is in seconds; a batch takes as long as its slowest action; None leaves it
    to the client. `progress` is called with a `Progress`. Further options are those of `Bounds`.
    """

    def __init__(
        self,
        client: Any,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 60.0,
        progress: Callable[[Progress], Any] | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._post: AsyncPost = async_post_of(client, timeout)
        self._url, self._headers, self._progress = url, dict(headers or {}), progress
        self.bounds, self._serials = Bounds(**options), count(1)

    async def send(self, actions: Iterable[Action]) -> list[Result]:
        """The results of `actions`, in their order. Raises `Unfinished` where one has none, with the report.

        Raises `ValueError`, before anything is sent, for an action that can't stand in a batch.
        """
        report = await self.report(actions)
        if not report.complete:
            raise Unfinished(report)
        return report.results

    async def report(self, actions: Iterable[Action], each: Callable[[Outcome], Any] | None = None) -> Report:
        """What became of each of `actions`; `each` is called with the outcome of each as soon as it is known.

        An error on the way, a cancellation too, carries the report of all (`report_of`).
        """
        listed = list(actions)
        for action in listed:
            action.write()
        known: list[Outcome] = []
        stream = AsyncStream(self._call, Run(self.bounds, self._serials, listed, self._progress, known))
        try:
            async for outcome in stream:
                if each is not None:
                    each(outcome)
        except BaseException as error:
            try:
                await stream.stop(error)
            finally:
                carry(error, full_report(listed, known, stream.taken, error))
            raise
        return full_report(listed, known, len(listed), None)

    def stream(self, actions: Iterable[Action]) -> AsyncStream:
        """The outcomes of `actions` as they come, which is in no order; `Outcome.index` says of which each one is.

        No more actions are taken than the next batches hold, so the memory that it needs doesn't grow.
        """
        return AsyncStream(self._call, Run(self.bounds, self._serials, actions, self._progress))

    def batch(self) -> AsyncBatch:
        """Collects actions, and sends them at the end of an `async with` block."""
        return AsyncBatch(self)

    async def _call(self, sending: Sending) -> Answer:
        return await self._post(self._url, {**self._headers, **sending.headers}, sending.body)


class AsyncStream:
    """Outcomes as they come.

    What goes up from it (a cancellation, an error of the progress callback or of a client) ends the sending; to iterate
    on gives what is known then. `stop` ends it too.
    """

    def __init__(self, call: Callable[[Sending], Coroutine[Any, Any, Answer]], run: Run) -> None:
        self._call, self._run = call, run
        self._tasks: dict[asyncio.Task[Answer], Sending] = {}
        self._raised: BaseException | None = None

    @property
    def taken(self) -> int:
        """How many actions were taken so far."""
        return self._run.taken

    def __aiter__(self) -> AsyncIterator[Outcome]:
        return self

    async def __anext__(self) -> Outcome:
        if self._raised is not None:
            await self.stop(self._raised)
        try:
            while not self._run.outcomes and not self._run.over:
                await self._step()
        except BaseException as error:
            self._raised = error
            raise
        if self._run.outcomes:
            return self._run.outcomes.popleft()
        raise StopAsyncIteration

    async def stop(self, error: BaseException) -> None:
        """Sends nothing more, and cancels what is in the air.

        `error` is why; it becomes the cause of each action that has no result. To iterate on gives what is left.
        """
        self._raised = None
        self._run.end(error)
        self._take_landed()
        self._run.stop(error)
        await self.close()

    async def close(self) -> None:
        """Cancels what is in the air; it is lost."""
        tasks, self._tasks = self._tasks, {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _step(self) -> None:
        """Sends one batch, or waits for something."""
        now = time.monotonic()
        sending = self._run.next(now)
        self._run.check(now)
        if sending is not None:
            self._tasks[asyncio.create_task(self._call(sending))] = sending
            return
        wait = self._run.wait(now)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            self._take_landed()
        elif not self._run.outcomes:
            await asyncio.sleep(wait or 0.0)
        self._run.check(time.monotonic())

    def _take_landed(self) -> None:
        """What has landed; it stays with its task until here, so that no cancellation loses it."""
        for task in [task for task in self._tasks if task.done()]:
            sending = self._tasks.pop(task)
            came = asyncio.CancelledError() if task.cancelled() else task.exception() or task.result()
            self._run.landed(sending, came, time.monotonic())
