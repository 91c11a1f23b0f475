"""A client for the demo: one kept-alive connection, JSON in and out, on the standard library alone."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from .api import BATCH
from .exchange import BASE
from .hosts import LOOPBACK

# Nothing in the demo takes longer; a server that is silent for so long is broken.
TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and decoded body of an answer, and how long it took, in seconds."""

    status: int
    body: Any
    seconds: float
    retry_after: int | None = None
    """Of a 429: the seconds after which the same request passes."""


class Client:
    """Speaks to the taskboard as one user. Not to be shared between threads."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def get(self, path: str) -> Reply:
        return self._send("GET", BASE + path, None)

    def batch(self, actions: Sequence[dict[str, Any]]) -> Reply:
        return self._send("POST", BATCH, json.dumps({"data": {"actions": actions}}).encode())

    def _send(self, method: str, path: str, body: bytes | None) -> Reply:
        started = perf_counter()
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        payload = response.read()
        seconds = perf_counter() - started
        wait = response.getheader("Retry-After")
        return Reply(response.status, json.loads(payload), seconds, int(wait) if wait else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
