"""The synchronous sender: a course, the user's HTTP client, and a thread for each batch that is in the air.

Decides what an interruption does: nothing more is sent, what is in the air gets a few seconds to land, and the error
that goes up carries the report (`report_of`). With `parallel=1` all happens in the thread of the caller, and what an
interruption cuts off there is unknown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, Self, Unpack
from weakref import finalize

from .actions import Action, Result
from .adapters import Post, post_of
from .batch import Batch
from .bounds import Bounds
from .crew import HEARS_CTRL_C, Crew, deliver
from .outcomes import Outcome, Report, Unfinished, carry
from .run import Options, Progress, Run, full_report
from .verdicts import Answer
from .waiting import Sending


class Sender:
    """Sends any number of actions to the batch endpoint at `url`, in batches.

    `client` is a `Client` of httpx2 or httpx, a `Session` of requests or niquests (each with the user's own
    authentication, proxies and so on), or a function `post(url, headers, body)` that returns an `Answer` and raises
    `NotSent` or `Broken`. With `parallel` above 1, which is the default, it is used from several threads at once.

    `headers` go with every batch. `timeout` is in seconds; a batch takes as long as its slowest action; None leaves it
    to the client. `grace`: how many seconds after an interruption the batches that are in the air have to land.
    `progress` is called with a `Progress`. Further options are those of `Bounds`.
    """

    def __init__(
        self,
        client: Any,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 60.0,
        grace: float = 5.0,
        progress: Callable[[Progress], Any] | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._post: Post = post_of(client, timeout)
        self._url, self._headers, self._grace, self._progress = url, dict(headers or {}), grace, progress
        self.bounds, self._serials = Bounds(**options), count(1)

    def send(self, actions: Iterable[Action]) -> list[Result]:
        """The results of `actions`, in their order. Raises `Unfinished` where one has none, with the report.

        Raises `ValueError`, before anything is sent, for an action that can't stand in a batch.
        """
        report = self.report(actions)
        if not report.complete:
            raise Unfinished(report)
        return report.results

    def report(self, actions: Iterable[Action], each: Callable[[Outcome], Any] | None = None) -> Report:
        """What became of each of `actions`; `each` is called with the outcome of each as soon as it is known.

        An error on the way, `KeyboardInterrupt` too, carries the report of all (`report_of`).
        """
        listed = list(actions)
        for action in listed:
            action.write()
        known: list[Outcome] = []
        stream = Stream(self._call, Run(self.bounds, self._serials, listed, self._progress, known), self._grace)
        try:
            for outcome in stream:
                if each is not None:
                    each(outcome)
        except BaseException as error:
            stream.stop(error)
            carry(error, full_report(listed, known, stream.taken, error))
            raise
        return full_report(listed, known, len(listed), None)

    def stream(self, actions: Iterable[Action]) -> Stream:
        """The outcomes of `actions` as they come, which is in no order; `Outcome.index` says of which each one is.

        No more actions are taken than the next batches hold, so the memory that it needs doesn't grow.
        """
        return Stream(self._call, Run(self.bounds, self._serials, actions, self._progress), self._grace)

    def batch(self) -> Batch:
        """Collects actions, and sends them at the end of a `with` block."""
        return Batch(self)

    def _call(self, sending: Sending) -> Answer:
        return self._post(self._url, {**self._headers, **sending.headers}, sending.body)


class Stream:
    """Outcomes as they come.

    What goes up from it (`KeyboardInterrupt`, an error of the progress callback or of a client) ends the sending; to
    iterate on gives what is known then. `stop` ends it too.
    """

    def __init__(self, call: Callable[[Sending], Answer], run: Run, grace: float) -> None:
        self._call, self._run, self._grace = call, run, grace
        self._crew: Crew | None = None
        self._raised: BaseException | None = None
        if run.bounds.parallel > 1:
            self._crew = Crew(call, run)
            finalize(self, self._crew.go)

    @property
    def taken(self) -> int:
        """How many actions were taken so far."""
        return self._run.taken

    def __iter__(self) -> Iterator[Outcome]:
        return self

    def __next__(self) -> Outcome:
        if self._raised is not None:
            self.stop(self._raised)
        try:
            while not self._run.outcomes and not self._run.over:
                self._step()
        except BaseException as error:
            self._raised = error
            raise
        if self._run.outcomes:  # the last ones came before it was over
            return self._run.outcomes.popleft()
        self.close()
        raise StopIteration

    def stop(self, error: BaseException) -> None:
        """Sends nothing more, and waits some seconds (`grace`) for what is in the air; another interruption ends that.

        `error` is why; it becomes the cause of each action that has no result. To iterate on gives what is left.
        """
        self._raised, until = None, time.monotonic() + self._grace
        try:
            self._run.end(error)
            while self._crew is not None and self._crew.busy and (left := until - time.monotonic()) > 0:
                self._crew.wait(left)
        except KeyboardInterrupt:
            error.add_note("What was in the air was not waited for.")
        self._run.stop(error)
        self.close()

    def close(self) -> None:
        """Lets the threads go; what they have in the air is lost."""
        if self._crew is not None:
            self._crew.go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _step(self) -> None:
        """Sends one batch, or waits for something."""
        now = time.monotonic()
        sending = self._run.next(now)
        self._run.check(now)
        if sending is not None and self._crew is not None:
            self._crew.send(sending)
        elif sending is not None:
            deliver(self._call, sending, self._run)
        elif self._crew is not None and self._crew.busy:
            self._crew.wait(self._run.wait(now))
        elif not self._run.outcomes:
            time.sleep(min(self._run.wait(now) or 0.0, HEARS_CTRL_C))
        self._run.check(time.monotonic())
