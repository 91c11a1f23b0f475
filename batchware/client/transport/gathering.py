"""`BatchTransport`: which requests go together, and when their batch goes out.

A request waits for its company until the event loop has come round once, or for `window` seconds; one that finds none
goes out as it is. Each batch is a task of its own, so no caller that gives up takes others along. `verdicts` says what
the answer means for whom.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..actions import Style, write_batch
from .library import Request, Response, library_of
from .places import Batch, Place
from .requests import Carrier
from .verdicts import Verdicts

_COMPANY = 2  # requests that are a batch; one alone is none

if TYPE_CHECKING:
    _Transport: Any = object  # to a type checker it is a transport of both libraries
else:
    _Transport = object


class BatchTransport(_Transport):  # type: ignore[misc]  # Any, to a type checker
    """Sends the requests that a program makes concurrently as batches, through `transport`; for `AsyncClient`.

    client = httpx2.AsyncClient(transport=BatchTransport(httpx2.AsyncHTTPTransport(), "https://host/api/1.0/batch"))

    Works the same with httpx. What a batch can't carry goes out on its own, through `transport`: other hosts and paths,
    uploads and streams, bodies, queries and headers that the server would not rebuild to the byte, requests with
    extensions, an `Idempotency-Key`, `Range`, `If-*` or `Accept: text/event-stream`, and what finds no company: only
    requests with the same headers and time-outs share a batch. Under trio everything goes out on its own.

    Responses equal direct ones in status, body and headers, but for the headers that a batch leaves out: `Vary`,
    `Access-Control-*` and hop-by-hop fields; `Date`, `Server`, `Set-Cookie` and `Cache-Control` are those of the whole
    batch. They are never compressed, and are there as a whole, for `stream` too. `response.extensions["batch"]` is the
    place of a batched response and the size of its batch.

    A request is sent again, directly, where the batch is certain not to have done it (no batch route, the batch or the
    endpoint refused), and where that changes nothing: a GET or HEAD whose result leaves open what the response was
    (null or a string where JSON is said to be, text in some character sets), may be the server's own (400, 500, 502,
    504), or was lost with its batch. Endpoints where that helped go directly from then on. A batch that exceeds a limit
    is a 429 with its `Retry-After` for each of its requests. A POST, PUT, PATCH or DELETE keeps the likelier reading
    (null is JSON where the status is 2xx), and gets the error where its batch was lost.

    `transport` is what really sends; settings such as `verify`, `http2`, `limits` and proxies are its own, not the
    client's. `url` is that of the batch route. `style` is the server's, `max_actions` and `max_bytes` are at most its
    `max_actions` and `max_body_bytes`. `window` is in seconds; 0 is one turn of the event loop. `parallel` batches are
    under way at once, further ones wait. `direct` names endpoints that always go on their own, such as slow ones (an
    answer comes when the slowest is ready) and those that the server does not batch: `"GET /events/**"`,
    `"/reports/{id}"`, relative to the API base; None for the server's usual ones. Raises `ValueError` for options that
    can't work.
    """

    def __init__(
        self,
        transport: Any,
        url: object,
        *,
        style: Style = "asana",
        max_actions: int = 10,
        max_bytes: int = 1 << 20,
        window: float = 0.0,
        parallel: int = 10,
        direct: Iterable[str] | None = None,
    ) -> None:
        for name, value in (("max_actions", max_actions), ("max_bytes", max_bytes), ("parallel", parallel)):
            if value < 1:
                raise ValueError(f"{name}: must be at least 1, not {value!r}")
        if not 0 <= window < float("inf"):
            raise ValueError(f"window: must be seconds, 0 or more, not {window!r}")
        self._transport = transport
        self._url = str(url)
        self._style: Style = style
        self._carrier = Carrier(self._url, style=style, max_bytes=max_bytes, direct=direct)
        self._max_actions = max_actions
        self._window = window
        self._parallel = parallel
        self._verdicts = Verdicts(style)
        self._gathering: dict[Any, Batch] = {}
        self._queue: deque[Batch] = deque()
        self._under_way: set[Batch] = set()

    async def handle_async_request(self, request: Request) -> Response:
        """The response to `request`, of a batch or direct. Raises what the wrapped transport raises."""
        place = self._place(request)
        if place is None:
            return await self._directly(request)
        self._gather(place)
        try:
            response = await place.answer
        except asyncio.CancelledError:
            self._leave(place)
            raise
        if response is None:
            response = await self._directly(request)
            self._verdicts.compare(place, response)
        return response

    async def _directly(self, request: Request) -> Response:
        response: Response = await self._transport.handle_async_request(request)
        return response

    async def aclose(self) -> None:
        """Ends the batches under way, whose callers get a `ReadError`, and closes the wrapped transport."""
        await self._end()
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self._end()
        await self._transport.__aexit__(kind, error, trace)

    # --- gathering

    def _place(self, request: Request) -> Place | None:
        if not self._verdicts.has_route:
            return None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # another kind of event loop
            return None
        carried = self._carrier.carry(request)
        if carried is None or self._verdicts.goes_directly(carried.action):
            return None
        return Place(request, carried, loop)

    def _gather(self, place: Place) -> None:
        loop = place.answer.get_loop()
        key = loop, place.carried.company
        batch = self._gathering.get(key)
        if batch is not None and not batch.has_room(place, self._carrier.most_bytes):
            self._close(key, batch)
            batch = None
        if batch is None:
            batch = self._gathering[key] = Batch()
            if self._window > 0:
                batch.timer = loop.call_later(self._window, self._close, key, batch)
            else:
                batch.timer = loop.call_soon(self._close, key, batch)
        batch.add(place)
        if len(batch.places) == self._max_actions:
            self._close(key, batch)

    def _close(self, key: Any, batch: Batch) -> None:
        """Nothing more goes into `batch`: it is sent, or waits its turn."""
        assert batch.timer is not None, "it has one from the moment that it is gathered"
        batch.timer.cancel()
        del self._gathering[key]
        if len(batch.wanted) < _COMPANY:
            batch.ask_directly()
            return
        self._queue.append(batch)
        self._send_next()

    def _send_next(self) -> None:
        while self._queue and len(self._under_way) < self._parallel:
            batch = self._queue.popleft()
            if len(batch.wanted) < _COMPANY or not self._verdicts.has_route:
                batch.ask_directly()
                continue
            self._under_way.add(batch)
            batch.task = batch.places[0].answer.get_loop().create_task(self._send(batch))
            batch.task.add_done_callback(partial(self._sent, batch))

    def _leave(self, place: Place) -> None:
        """A caller has given up; the last one of a batch ends it, as it would end a request of its own."""
        batch = place.batch
        if batch is not None and batch.task is not None and not batch.wanted:
            batch.task.cancel()

    # --- sending

    async def _send(self, batch: Batch) -> None:
        places = batch.places = batch.wanted
        if len(places) < _COMPANY:
            batch.ask_directly()
            return
        first = places[0].request
        library = library_of(first)
        headers = [
            *places[0].carried.headers,
            (b"accept-encoding", b"gzip, deflate"),  # what every installation of either library can decode
            (b"content-type", b"application/json"),
        ]
        content = write_batch([place.carried.entry for place in places], self._style)
        timeout = {name: first.extensions[name] for name in ("timeout",) if name in first.extensions}
        try:
            request = library.Request("POST", self._url, headers=headers, content=content, extensions=timeout)
            answer: Response = await self._transport.handle_async_request(request)
            try:
                body = await answer.aread()
            finally:
                await answer.aclose()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is each caller's
            self._verdicts.lost(places, error)
        else:
            self._verdicts.settle(places, answer, body)

    def _sent(self, batch: Batch, task: asyncio.Task[None]) -> None:
        """The task of `batch` is over, even if it never began."""
        batch.abandon()
        self._under_way.discard(batch)
        self._send_next()
        if not task.cancelled() and (error := task.exception()):
            raise error

    async def _end(self) -> None:
        for batch in (*self._gathering.values(), *self._queue):
            if batch.timer is not None:
                batch.timer.cancel()
            batch.abandon()
        self._gathering.clear()
        self._queue.clear()
        tasks = [batch.task for batch in self._under_way if batch.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
