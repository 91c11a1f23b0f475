"""A request that waits for a batch, and a batch that is gathered, waits its turn, and is sent."""

from __future__ import annotations

import asyncio

from .library import Request, Response, library_of
from .requests import Carried


class Place:
    """One request in a batch. Its caller waits for `answer`: a response, or None for "ask directly"."""

    def __init__(self, request: Request, carried: Carried, loop: asyncio.AbstractEventLoop) -> None:
        self.request = request
        self.carried = carried
        self.answer: asyncio.Future[Response | None] = loop.create_future()
        self.batch: Batch | None = None
        self.doubted: int | None = None
        """The status of a result that may be the server's own, while the application is asked."""

    def give(self, response: Response | None) -> None:
        """Ends the waiting, unless the caller has ended it."""
        if not self.answer.done():
            self.answer.set_result(response)

    def fail(self, error: BaseException) -> None:
        """The same with an error."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Batch:
    """The places of one batch, and the task that sends it."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.timer: asyncio.Handle | None = None
        self.task: asyncio.Task[None] | None = None
        self._bytes = 0

    @property
    def wanted(self) -> list[Place]:
        """Those whose callers are still there."""
        return [place for place in self.places if not place.answer.done()]

    def has_room(self, place: Place, most_bytes: int) -> bool:
        """Whether it is at most `most_bytes` of actions with `place` too."""
        return self._bytes + len(place.carried.entry) <= most_bytes

    def add(self, place: Place) -> None:
        """Takes one more."""
        self.places.append(place)
        self._bytes += len(place.carried.entry) + 1  # and a comma
        place.batch = self

    def ask_directly(self) -> None:
        """It is no batch: each of its requests goes out on its own."""
        for place in self.places:
            place.give(None)

    def abandon(self) -> None:
        """There will be no answer any more for whoever still waits."""
        for place in self.wanted:
            place.fail(
                library_of(place.request).ReadError("The transport was closed while this request was under way.")
            )
