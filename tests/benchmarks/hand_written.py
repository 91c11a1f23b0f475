"""Batch endpoints as people write them by hand: the actions through an in-process HTTP client, all at once.

Each is the core of such an endpoint, from the bytes of the batch to those of the answer. The way to it (routing,
reading the body) is left out in the peer's favour, and clients are kept where they can be.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tests.benchmarks.calls import Asgi, Handler, batch_body
from tests.benchmarks.rounds import Timed, now

Enter = Callable[[Any, Any, Handler, int], AbstractContextManager[Timed]]
"""From the door, the application, the handler and the number of actions to the side that makes the batch."""


@dataclass(frozen=True)
class Peer:
    label: str
    entered: Enter
    needs: tuple[str, ...]

    @property
    def missing(self) -> str:
        absent = [name for name in self.needs if find_spec(name.partition(".")[0]) is None]
        return f"{', '.join(absent)} not installed" if absent else ""


def _actions(body: bytes) -> list[dict[str, Any]]:
    actions: list[dict[str, Any]] = json.loads(body)["data"]["actions"]
    return actions


def _result(status: int, headers: Any, body: bytes) -> dict[str, Any]:
    return {"status_code": status, "headers": dict(headers), "body": json.loads(body)}


def _content(action: Mapping[str, Any]) -> dict[str, Any] | None:
    return {"data": action["data"]} if "data" in action else None


def checked(answer: bytes, count: int) -> None:
    results = json.loads(answer)["data"]
    assert [result["status_code"] for result in results] == [200] * count, answer[:500]


def _gathered(module: str) -> Enter:
    """`httpx` or `httpx2`: one client on an `ASGITransport`, and `asyncio.gather`."""

    @contextmanager
    def entered(door: Asgi, app: Any, handler: Handler, count: int) -> Iterator[Timed]:
        library = import_module(module)
        body = batch_body(handler, count)
        client = library.AsyncClient(transport=library.ASGITransport(app), base_url="http://testserver")

        async def one(action: Mapping[str, Any]) -> dict[str, Any]:
            response = await client.request(action["method"].upper(), action["relative_path"], json=_content(action))
            return _result(response.status_code, response.headers, response.content)

        async def endpoint() -> bytes:
            results = await asyncio.gather(*map(one, _actions(body)))
            return json.dumps({"data": results}).encode()

        async def timed() -> float:
            start = now()
            await endpoint()
            return now() - start

        checked(door.loop.run_until_complete(endpoint()), count)
        yield lambda: door.loop.run_until_complete(timed())
        door.loop.run_until_complete(client.aclose())

    return entered


One = Callable[[Mapping[str, Any]], dict[str, Any]]


def _pooled(make: Callable[[Any], One], workers: int) -> Enter:
    """Each action by `make(app)`, in a pool of threads, or one by one where `workers` is 0."""

    @contextmanager
    def entered(door: Any, app: Any, handler: Handler, count: int) -> Iterator[Timed]:
        body, one = batch_body(handler, count), make(app)
        with ThreadPoolExecutor(workers or 1) as pool:
            each = pool.map if workers else map

            def endpoint() -> bytes:
                return json.dumps({"data": list(each(one, _actions(body)))}).encode()

            def timed() -> float:
                start = now()
                endpoint()
                return now() - start

            checked(endpoint(), count)
            yield timed

    return entered


def _by_werkzeug(app: Any) -> One:
    from werkzeug.test import Client

    def one(action: Mapping[str, Any]) -> dict[str, Any]:
        response = Client(app).open(action["relative_path"], method=action["method"].upper(), json=_content(action))
        return _result(response.status_code, response.headers, response.data)

    return one


def _by_flask(app: Any) -> One:
    def one(action: Mapping[str, Any]) -> dict[str, Any]:
        response = app.test_client().open(
            action["relative_path"], method=action["method"].upper(), json=_content(action)
        )
        return _result(response.status_code, response.headers, response.data)

    return one


def _by_django(app: Any) -> One:
    from django.test import Client

    client = Client()  # one by one: it notes the signals of a request in the process

    def one(action: Mapping[str, Any]) -> dict[str, Any]:
        content = _content(action)
        body = json.dumps(content) if content else ""
        response = client.generic(action["method"].upper(), action["relative_path"], body, "application/json")
        return _result(response.status_code, response.headers, response.content)

    return one


ASYNCHRONOUS = (
    Peer("httpx, gather", _gathered("httpx"), ("httpx",)),
    Peer("httpx2, gather", _gathered("httpx2"), ("httpx2",)),
)
WERKZEUG = Peer("werkzeug Client, pool", _pooled(_by_werkzeug, 10), ("werkzeug",))
FLASK = Peer("test_client, pool", _pooled(_by_flask, 10), ("flask",))
DJANGO = Peer("test Client, serial", _pooled(_by_django, 0), ("django",))
