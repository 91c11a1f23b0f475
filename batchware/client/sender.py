"""The synchronous sender: a course, the user's HTTP client, and a thread for each batch that is in the air.

Decides what an interruption does: nothing more is sent, what is in the air gets a few seconds to land, and the error
that goes up carries the report (`report_of`). With `parallel=1` all happens in the thread of the caller.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from queue import Empty, SimpleQueue
from typing import Any, Self, TypeAlias, Unpack
from weakref import finalize

from .actions import Action, Result
from .adapters import Post, post_of
from .batch import Batch
from .bounds import Bounds
from .outcomes import Outcome, Report, Unfinished, carry
from .run import Options, Progress, Run, full_report
from .verdicts import Answer
from .waiting import Sending

_Landed: TypeAlias = tuple[Sending, Answer | BaseException]


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
        self.bounds = Bounds(**options)

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
        outcomes: list[Outcome] = []
        stream = self.stream(listed)
        try:
            for outcome in stream:
                outcomes.append(outcome)
                if each is not None:
                    each(outcome)
        except BaseException as error:
            stream.stop(error)
            carry(error, full_report(listed, [*outcomes, *stream], stream.taken, error))
            raise
        return full_report(listed, outcomes, len(listed), None)

    def stream(self, actions: Iterable[Action]) -> Stream:
        """The outcomes of `actions` as they come, which is in no order; `Outcome.index` says of which each one is.

        No more actions are taken than the next batches hold, so the memory that it needs doesn't grow.
        """
        return Stream(self._call, Run(self.bounds, actions, self._progress), self._grace)

    def batch(self) -> Batch:
        """Collects actions, and sends them at the end of a `with` block."""
        return Batch(self)

    def _call(self, sending: Sending) -> Answer:
        return self._post(self._url, {**self._headers, **sending.headers}, sending.body)


class Stream:
    """Outcomes as they come.

    What goes up from it (`KeyboardInterrupt`, an error of the progress callback or of a client that is used wrongly)
    loses none: call `stop`, and iterate on.
    """

    def __init__(self, call: Callable[[Sending], Answer], run: Run, grace: float) -> None:
        self._call, self._run, self._grace = call, run, grace
        self._crew = _Crew(call) if run.course.bounds.parallel > 1 else None
        self._landed: _Landed | None = None
        if self._crew is not None:
            finalize(self, self._crew.go)

    @property
    def taken(self) -> int:
        """How many actions were taken so far."""
        return self._run.course.total

    def __iter__(self) -> Iterator[Outcome]:
        return self

    def __next__(self) -> Outcome:
        while not self._run.outcomes:
            if self._run.over:
                self.close()
                raise StopIteration
            self._step()
        return self._run.outcomes.popleft()

    def stop(self, error: BaseException) -> None:
        """Sends nothing more, and waits some seconds (`grace`) for what is in the air.

        `error` is why; it becomes the cause of each action that has no result. To iterate on then gives what is left.
        Another interruption ends the wait.
        """
        run, until = self._run, time.monotonic() + self._grace
        try:
            run.course.end(error)
            self._take_landed()
            while self._crew is not None and run.course.in_flight and (left := until - time.monotonic()) > 0:
                self._landed = self._crew.landed(left)
                self._take_landed()
        except Exception as another:  # noqa: BLE001  # of the progress callback or the client; `error` is what goes up
            error.add_note(f"While it was stopped: {another!r}")
        except KeyboardInterrupt:
            error.add_note("What was in the air was not waited for.")
        run.stop(error)
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
        self._take_landed()
        now = time.monotonic()
        sending = self._run.next(now)
        self._run.tell(now)
        if sending is None:
            wait = self._run.course.wait(now)
            if self._crew is not None and self._run.course.in_flight:
                self._landed = self._crew.landed(wait)
            elif wait is not None and not self._run.outcomes:
                time.sleep(wait)
        elif self._crew is None:
            self._landed = sending, _came(self._call, sending)
        else:
            self._crew.send(sending)
        self._take_landed()

    def _take_landed(self) -> None:
        """What has landed is kept until here, so that no interruption loses it."""
        if self._landed is not None:
            landed, self._landed = self._landed, None
            self._run.landed(*landed, time.monotonic())


class _Crew:
    """Threads that post batches, started as they are needed. They are daemons: no one that waits keeps a program."""

    def __init__(self, call: Callable[[Sending], Answer]) -> None:
        self._call = call
        self._outbox: SimpleQueue[Sending | None] = SimpleQueue()
        self._inbox: SimpleQueue[_Landed] = SimpleQueue()
        self._threads = self._busy = 0

    def send(self, sending: Sending) -> None:
        self._busy += 1
        if self._busy > self._threads:
            self._threads += 1
            threading.Thread(target=self._work, name=f"batchware-client-{self._threads}", daemon=True).start()
        self._outbox.put(sending)

    def landed(self, seconds: float | None) -> _Landed | None:
        """The next that has landed; None if there is none for so long."""
        try:
            landed = self._inbox.get(timeout=seconds)
        except Empty:
            return None
        self._busy -= 1
        return landed

    def go(self) -> None:
        for _ in range(self._threads):
            self._outbox.put(None)
        self._threads = 0

    def _work(self) -> None:
        while (sending := self._outbox.get()) is not None:
            try:
                came: Answer | BaseException = self._call(sending)
            except BaseException as error:  # noqa: BLE001  # it is raised in the thread that sends
                came = error
            self._inbox.put((sending, came))


def _came(call: Callable[[Sending], Answer], sending: Sending) -> Answer | Exception:
    try:
        return call(sending)
    except Exception as error:  # noqa: BLE001  # it is raised by whoever takes it
        return error
