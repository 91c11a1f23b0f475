"""What the answer to a batch means for each request in it, and what the transport keeps in mind of it.

One rule: a request goes out again, directly, as soon as it is certain that the batch has not done it, or that doing it
twice changes nothing. A server replays nothing before all checks of a batch have passed, so a batch that it refuses as
a whole has done nothing. The exception are limits: ten direct requests would not help somebody who has spent his.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from typing import Any

from ..actions import Action, BadAnswer, Result, Style
from ..answers import read_answer
from . import responses
from .library import RawHeaders, Response, library_of
from .places import Place
from .responses import Rebuilt

log = logging.getLogger("batchware.client")

_MOST_KNOWN = 1024  # endpoints that are kept in mind; further ones cost a second request each time

_NOTHING_WAS_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol")


class Verdicts:
    """The judge of one transport."""

    def __init__(self, style: Style) -> None:
        self._style: Style = style
        self.has_route = True
        self._direct: set[tuple[str, str]] = set()
        self._told: set[int] = set()

    def goes_directly(self, action: Action) -> bool:
        """Whether it is known that this endpoint goes better directly."""
        return (action.method, action.path) in self._direct

    def settle(self, places: Sequence[Place], answer: Response, body: bytes) -> None:
        """Gives each place its response, or None for what has to be asked directly, by the answer to their batch."""
        status = answer.status_code
        if 200 <= status < 300:
            self._results(places, answer, body)
            return
        if status in (404, 405):
            self.has_route = False
        exceeds_limit = status == 429 and answer.headers.get("retry-after") is not None
        undone = not exceeds_limit and (status < 500 or _is_admission(answer))
        if undone and status not in self._told:
            self._told.add(status)
            rest = "" if self.has_route else ", and so do all others from now on"
            log.warning("a batch was refused with %d; its requests go out directly%s: %.200r", status, rest, body)
        for place in places:
            if undone or (place.carried.action.reads and not exceeds_limit):
                place.give(None)
            else:
                head = place.carried.action.method == "HEAD"
                place.give(_response(place, responses.whole(answer, body, head=head), answer))

    def lost(self, places: Sequence[Place], error: Exception) -> None:
        """The batch has no answer: what it may have done is told as the error that it got."""
        library = library_of(places[0].request)
        nothing_sent = isinstance(error, tuple(getattr(library, name) for name in _NOTHING_WAS_SENT))
        for place in places:
            if place.carried.action.reads and not nothing_sent:
                place.give(None)
            else:
                place.fail(_another(error))

    def compare(self, place: Place, direct: Response) -> None:
        """Keeps in mind an endpoint whose direct response shows that its result was the server's own."""
        if place.doubted not in (None, direct.status_code):
            self._learn(place)

    def _results(self, places: Sequence[Place], answer: Response, body: bytes) -> None:
        try:
            results = read_answer([place.carried.action for place in places], body, self._style)
        except BadAnswer as bad:
            log.warning("what came for a batch is none of batchware's answers: %s", bad)
            self.lost(places, library_of(places[0].request).RemoteProtocolError(str(bad)))
            return
        shared = responses.common(answer)
        for index, (place, result) in enumerate(zip(places, results, strict=True)):
            place.give(self._result(place, index, result, shared, answer))

    def _result(
        self, place: Place, index: int, result: Result, shared: RawHeaders, answer: Response
    ) -> Response | None:
        if responses.refuses(result, index):
            self._learn(place)
            return None
        if result.action.reads and responses.may_be_the_servers(result):
            place.doubted = result.status
            return None
        rebuilt = responses.rebuilt(result, shared)
        if result.action.reads and not rebuilt.certain:
            self._learn(place)
            return None
        return _response(place, rebuilt, answer)

    def _learn(self, place: Place) -> None:
        if len(self._direct) < _MOST_KNOWN:
            self._direct.add((place.carried.action.method, place.carried.action.path))


def _is_admission(answer: Response) -> bool:
    """Whether a 503 is that of a server which takes no batch at the moment: before it would run anything."""
    media_type = answer.headers.get("content-type") or ""
    return (
        answer.status_code == 503
        and answer.headers.get("retry-after") is not None
        and media_type.startswith("application/json")
    )


def _response(place: Place, rebuilt: Rebuilt, answer: Response) -> Response:
    library = library_of(place.request)
    assert place.batch is not None, "it has come with one"
    extensions: dict[str, Any] = {"batch": (place.batch.places.index(place), len(place.batch.places))}
    if "http_version" in answer.extensions:
        extensions["http_version"] = answer.extensions["http_version"]
    # As a stream, which the client reads or the caller iterates over, like that of any transport.
    stream = library.ByteStream(rebuilt.body)
    response: Response = library.Response(rebuilt.status, headers=rebuilt.headers, stream=stream, extensions=extensions)
    return response


def _another(error: Exception) -> Exception:
    """The same error for one more caller: each is raised in a task of its own, and gets a request of its own."""
    try:
        twin = copy.copy(error)
    except TypeError:  # it can't be made out of its arguments
        return error
    twin.__cause__ = error
    return twin
