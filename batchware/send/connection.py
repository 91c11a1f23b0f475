"""One batch over one connection, which is kept open from one batch to the next.

Decides what is known when there is no answer: before the connection stands nothing has been sent (`NotSent`); after
that the server may have got all of it (`Broken`). A connection that the server has closed in the meantime is noticed
before anything is sent on it, so that it leaves nothing in doubt.
"""

from __future__ import annotations

import select
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult

from ..client.verdicts import Answer

LONGEST_ANSWER = 64 << 20  # bytes; four times what a server puts into an answer by default

OWN_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "idempotency-key",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that only the connection sets."""


class NotSent(Exception):
    """The server could not be reached, so nothing has been done."""


class Broken(Exception):
    """The request was under way, and there is no answer to it."""


class Connection:
    """A connection to the batch route at `url`, made when it is first needed."""

    def __init__(self, url: SplitResult, headers: Mapping[str, str], timeout: float) -> None:
        make = HTTPSConnection if url.scheme == "https" else HTTPConnection
        assert url.hostname is not None, "checked by whoever has read the URL"
        self._http = make(url.hostname, url.port, timeout=timeout)
        self._path = url.path
        self._headers = {
            "Accept": "application/json",
            "User-Agent": "batchware-send",
            **headers,
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
        }

    def post(self, body: bytes, key: str) -> Answer:
        """Sends a batch and waits for the answer. Raises `NotSent`, `Broken`."""
        try:
            if self._http.sock is not None and _closed(self._http):
                self._http.close()
            if self._http.sock is None:
                self._http.connect()
        except OSError as error:
            self._http.close()
            raise NotSent(_words(error)) from error
        try:
            self._http.request("POST", self._path, body, self._headers | {"Idempotency-Key": f'"{key}"'})
            answer = self._http.getresponse()
            text = answer.read(LONGEST_ANSWER + 1)
            whole = answer.isclosed()
        except (OSError, HTTPException) as error:
            self._http.close()
            raise Broken(_words(error)) from error
        if not whole:
            self._http.close()
            if len(text) > LONGEST_ANSWER:
                raise Broken(f"an answer of more than {LONGEST_ANSWER} bytes")
            raise Broken("an answer that ended before its end")
        return Answer.of(answer.status, dict(answer.getheaders()), text)

    def close(self) -> None:
        """Closes it; a further `post` opens another."""
        with suppress(OSError):
            self._http.close()


def _closed(http: HTTPConnection) -> bool:
    """Whether there is something to be read where nothing was asked: most likely the end."""
    return bool(select.select([http.sock], [], [], 0)[0])


def _words(error: Exception) -> str:
    """An error as it may be shown: never more than one line, and no header of ours is in any of these."""
    text = str(error) or type(error).__name__
    return " ".join(text.split())[:200]
