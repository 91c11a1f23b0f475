"""A program that asks for a hundred things at once, on the three faces of the taskboard: ten requests instead of a
hundred, by one line that is changed. Counted where they arrive, behind a real server.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pytest

from examples.taskboard.hosts import LOOPBACK, listen, serving
from examples.taskboard.sample import Sample
from tests.client.test_transport_equals_direct import headers_of
from tests.examples.boards import BASE, FACES, filled, settings_of

BEFORE = """\
import asyncio
import httpx2

async def fetch(api: str, headers: dict[str, str], paths: list[str]) -> list[httpx2.Response]:
    async with httpx2.AsyncClient(base_url=api, headers=headers) as client:
        return await asyncio.gather(*(client.get(path) for path in paths))
"""

LINE = "httpx2.AsyncClient(base_url=api, headers=headers)"
BATCHING = 'BatchTransport(httpx2.AsyncHTTPTransport(), f"{api}/batch")'
OTHER = f"httpx2.AsyncClient(base_url=api, headers=headers, transport={BATCHING})"
AFTER = "from batchware.client.transport import BatchTransport\n" + BEFORE.replace(LINE, OTHER)

SHOWN = """\
import asyncio
import httpx2
from batchware.client.transport import BatchTransport

async def fetch(api: str, headers: dict[str, str], paths: list[str]) -> list[httpx2.Response]:
    batching = BatchTransport(httpx2.AsyncHTTPTransport(), f"{api}/batch")
    async with httpx2.AsyncClient(base_url=api, headers=headers, transport=batching) as client:
        return await asyncio.gather(*(client.get(path) for path in paths))
"""
"""The same in the lines that people are shown."""


class CountedWsgi:
    """A WSGI application that counts what arrives."""

    def __init__(self, app: Any, arrived: Counter[tuple[str, str]]) -> None:
        self._app, self._arrived, self._lock = app, arrived, threading.Lock()
        self.close = app.close

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        with self._lock:
            self._arrived[environ["REQUEST_METHOD"], environ["PATH_INFO"]] += 1
        return self._app(environ, start_response)


def counted_asgi(app: Any, arrived: Counter[tuple[str, str]]) -> Any:
    """The same for ASGI."""

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            arrived[scope["method"], scope["path"]] += 1
        await app(scope, receive, send)

    return counted


@dataclass
class Served:
    api: str
    sample: Sample
    arrived: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.sample.token}"}


@pytest.fixture(params=FACES)
def served(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A face behind its own server, with a counter in front of batchware."""
    face = import_module(f"examples.taskboard.{request.param}_app")
    arrived: Counter[tuple[str, str]] = Counter()
    create: Callable[..., Any] = face.create_app

    def counting(*args: Any, **options: Any) -> Any:
        app = create(*args, **options)
        if not hasattr(app, "wsgi_app"):
            return counted_asgi(app, arrived)
        app.wsgi_app = CountedWsgi(app.wsgi_app, arrived)
        return app

    monkeypatch.setattr(face, "create_app", counting)
    with settings_of(request.param), filled() as (board, sample), listen(0) as listener:
        port = listener.getsockname()[1]
        with serving(request.param, board, listener):
            yield Served(f"http://{LOOPBACK}:{port}{BASE}", sample, arrived)


def fetch(program: str, served: Served, paths: list[str]) -> list[Any]:
    names: dict[str, Any] = {}
    exec(program, names)
    served.arrived.clear()
    answers: list[Any] = asyncio.run(names["fetch"](served.api, served.headers, paths))
    return answers


@pytest.mark.parametrize("program", [AFTER, SHOWN], ids=["one line changed", "as shown"])
def test_a_hundred_requests_at_once_are_ten_with_one_line_changed(served: Served, program: str) -> None:
    kinds = ["/tasks/{}", "/tasks/{}?opt_fields=name%2Cassignee.name", "/tasks/{}?opt_pretty=true", "/tasks/{}0"]
    gids = served.sample.tasks * 9
    paths = [kinds[number % 4].format(gids[number]) for number in range(100)]
    direct = fetch(BEFORE, served, paths)
    assert served.arrived.total() == 100
    assert BEFORE.count(LINE) == 1
    answers = fetch(program, served, paths)
    assert served.arrived == {("POST", f"{BASE}/batch"): 10}
    assert {answer.status_code for answer in answers} == {200, 404}
    for answer, expected in zip(answers, direct, strict=True):
        assert answer.status_code == expected.status_code
        assert answer.content == expected.content
        assert headers_of(answer) == headers_of(expected)
        assert {"date", "server"} & set(expected.headers) <= set(answer.headers)


def test_writes_and_reads_at_once_are_all_done_once(served: Served) -> None:
    async def play() -> list[Any]:
        import httpx2

        from batchware.client.transport import BatchTransport

        transport = BatchTransport(httpx2.AsyncHTTPTransport(), f"{served.api}/batch")
        async with httpx2.AsyncClient(base_url=served.api, headers=served.headers, transport=transport) as client:
            made = await asyncio.gather(
                *(client.post("/tasks", json={"data": {"name": f"made {number}"}}) for number in range(20))
            )
            gids = [answer.json()["data"]["gid"] for answer in made]
            assert [answer.json()["data"]["name"] for answer in made] == [f"made {number}" for number in range(20)]
            assert len(set(gids)) == 20
            await asyncio.gather(*(client.put(f"/tasks/{gid}", json={"data": {"completed": True}}) for gid in gids))
            upload = client.post("/attachments", files={"file": b"x"}, data={"parent": gids[0]})
            mixed = [*(client.delete(f"/tasks/{gid}") for gid in gids[:5]), client.get(f"/tasks/{gids[5]}"), upload]
            return await asyncio.gather(*mixed)

    *deleted, shown, upload = asyncio.run(play())
    assert {answer.status_code for answer in deleted} == {200}
    assert shown.json()["data"]["completed"] is True
    assert upload.status_code < 500
    assert served.arrived == {("POST", f"{BASE}/batch"): 5, ("POST", f"{BASE}/attachments"): 1}
