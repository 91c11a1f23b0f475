"""What a program gets where a batch is refused, lost or too narrow, and how often it is asked for anything."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest

from batchware import NotAuthorized, Quota, not_batchable
from batchware.asgi import BatchMiddleware
from tests.client.in_process import (
    BASE,
    BATCH,
    ROUTE,
    STARLETTE,
    batched,
    every_library,
    run,
)
from tests.hosts import probe
from tests.hosts.probe import encode_spec

JSON = [("content-type", "application/json")]
READ, WRITE = ("GET", f"{BASE}/tasks/1"), ("DELETE", f"{BASE}/tasks/2")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    probe.reset()
    yield
    probe.reset()


async def read_and_write(client: Any) -> list[Any]:
    """A GET and a DELETE at once, and what became of each: a status, or the name of an error."""
    pair = await asyncio.gather(client.get("/tasks/1"), client.delete("/tasks/2"), return_exceptions=True)
    return [type(one).__name__ if isinstance(one, Exception) else one.status_code for one in pair]


LATER = [*JSON, ("retry-after", "7")]


@every_library
@pytest.mark.parametrize(
    ("answer", "outcome", "direct"),
    [
        # Refused before anything ran: both go directly.
        ((400, JSON, b"{}"), [200, 200], [READ, WRITE]),
        ((401, [("www-authenticate", "Bearer")], b""), [200, 200], [READ, WRITE]),
        ((403, JSON, b"{}"), [200, 200], [READ, WRITE]),
        ((404, JSON, b"{}"), [200, 200], [READ, WRITE]),
        ((405, JSON, b"{}"), [200, 200], [READ, WRITE]),
        ((413, JSON, b"{}"), [200, 200], [READ, WRITE]),
        ((415, JSON, b"{}"), [200, 200], [READ, WRITE]),
        ((307, [("location", "https://elsewhere/")], b""), [200, 200], [READ, WRITE]),
        ((429, JSON, b"{}"), [200, 200], [READ, WRITE]),  # it could never fit
        ((503, LATER, b"{}"), [200, 200], [READ, WRITE]),
        # A limit that has no room now: ten direct requests would not help.
        ((429, LATER, b"{}"), [429, 429], []),
        # Nobody knows what has run.
        ((503, [("retry-after", "7"), ("content-type", "text/html")], b"-"), [200, 503], [READ]),
        ((503, JSON, b"{}"), [200, 503], [READ]),
        ((500, JSON, b"{}"), [200, 500], [READ]),
        ((504, [], b""), [200, 504], [READ]),
        ((200, [("content-type", "text/html")], b"<html>"), [200, "RemoteProtocolError"], [READ]),
        ((200, JSON, b'{"data":[]}'), [200, "RemoteProtocolError"], [READ]),
        ((204, [], b""), [200, "RemoteProtocolError"], [READ]),
        ("ReadTimeout", [200, "ReadTimeout"], [READ]),
        ("RemoteProtocolError", [200, "RemoteProtocolError"], [READ]),
        ("WriteError", [200, "WriteError"], [READ]),
        # Nothing was sent, and what is sent directly would fare no better.
        ("ConnectError", ["ConnectError", "ConnectError"], []),
        ("PoolTimeout", ["PoolTimeout", "PoolTimeout"], []),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_certain_not_to_be_done_or_changes_nothing_goes_out_directly(
    library: str, answer: Any, outcome: list[Any], direct: list[tuple[str, str]]
) -> None:
    became, sent = run(read_and_write, library=library, answer=answer)
    assert became == outcome
    assert sent == [BATCH, *direct]


@pytest.mark.parametrize(("status", "batches"), [(404, 1), (405, 1), (403, 2), (307, 2)])
def test_a_route_that_is_not_there_is_not_asked_again(
    status: int, batches: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(client: Any) -> Any:
        return [await read_and_write(client), await read_and_write(client)]

    became, sent = run(play, answer=(status, JSON, b'{"why": "it says"}'))
    assert became == [[200, 200]] * 2
    assert sent.count(BATCH) == batches
    (record,) = [record for record in caplog.records if record.name.startswith("batchware")]
    assert str(status) in record.getMessage()
    assert "it says" in record.getMessage()


def test_each_caller_has_an_error_of_its_own_with_its_own_request() -> None:
    async def play(client: Any) -> Any:
        return await asyncio.gather(client.delete("/tasks/1"), client.delete("/tasks/2"), return_exceptions=True)

    (first, second), _ = run(play, answer="ReadTimeout")
    assert (str(first), str(second)) == ("lost on the way",) * 2
    assert [error.request.url.path for error in (first, second)] == [f"{BASE}/tasks/1", f"{BASE}/tasks/2"]
    assert first is not second


@every_library
def test_a_limit_is_told_to_each_with_its_retry_after(library: str) -> None:
    app = batched(STARLETTE, limits=[Quota("few", 3, per=60)])

    async def play(client: Any) -> Any:
        first = await asyncio.gather(*(client.get("/tasks/1") for _ in range(3)))
        return first, await asyncio.gather(*(client.get("/tasks/1") for _ in range(2)), client.head("/tasks/1"))

    (first, second), sent = run(play, app, library=library)
    assert [answer.status_code for answer in (*first, *second)] == [200] * 3 + [429] * 3
    assert {int(answer.headers["retry-after"]) > 0 for answer in second} == {True}
    assert [bool(answer.content) for answer in second] == [True, True, False]
    assert second[0].json() == second[1].json()
    assert sent == [BATCH] * 2


def test_a_batch_that_can_never_fit_goes_out_as_requests_that_do() -> None:
    app = batched(STARLETTE, limits=[Quota("few", 3, per=60)])

    async def play(client: Any) -> Any:
        return await asyncio.gather(*(client.get("/tasks/1") for _ in range(4)))

    answers, sent = run(play, app)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429]
    assert sent == [BATCH] + [READ] * 4


def test_a_server_that_is_full_of_batches_is_asked_directly() -> None:
    async def play(client: Any) -> Any:
        # Each of them waits for all, so the second batch finds the places of the first one taken.
        return await asyncio.gather(*(client.get("/gate/full?n=20") for _ in range(20)))

    answers, sent = run(play, batched(STARLETTE, max_pending=10))
    assert {answer.status_code for answer in answers} == {200}
    assert sent == [BATCH] * 2 + [("GET", f"{BASE}/gate/full?n=20")] * 10


def test_whoever_has_no_credentials_for_a_batch_gets_what_the_host_says_directly() -> None:
    async def refuse(parent: Any) -> str:
        raise NotAuthorized(headers={"WWW-Authenticate": "Bearer"})

    became, sent = run(read_and_write, batched(STARLETTE, authorize=refuse))
    assert became == [200, 200]
    assert sent == [BATCH, READ, WRITE]


@every_library
def test_endpoints_that_the_server_does_not_batch_go_directly_and_are_kept_in_mind(library: str) -> None:
    app = batched(STARLETTE, deny=["/tasks/**"])

    async def play(client: Any) -> Any:
        def asked() -> list[Any]:
            return [client.get("/tasks/1"), client.post("/tasks", json={"data": {}}), client.get("/users/1"),
                    client.get("/users/2")]  # fmt: skip

        return [await asyncio.gather(*asked()), await asyncio.gather(*asked())]

    (first, second), sent = run(play, app, library=library)
    assert [answer.json()["handler"] for answer in first] == [answer.json()["handler"] for answer in second]
    denied = [READ, ("POST", f"{BASE}/tasks")]
    assert sent == [BATCH, *denied, *denied, BATCH]


def test_a_write_that_a_guard_refused_is_run_once() -> None:
    ran: list[str] = []

    @not_batchable
    async def endpoint(request: Any) -> Any:
        from starlette.responses import JSONResponse

        ran.append(request.method)
        return JSONResponse({"ran": len(ran)}, 201)

    from starlette.applications import Starlette
    from starlette.routing import Route

    app = BatchMiddleware(Starlette(routes=[Route(f"{BASE}/make", endpoint, methods=["POST"])]), path=ROUTE)

    async def play(client: Any) -> Any:
        return await asyncio.gather(*(client.post("/make", json={"data": {"n": n}}) for n in range(2)))

    answers, _ = run(play, app)
    assert sorted(answer.json()["ran"] for answer in answers) == [1, 2]
    assert ran == ["POST", "POST"]


def test_a_handlers_own_400_of_a_write_stands_and_that_of_a_read_is_asked_for_again() -> None:
    spec = {"status": 400, "headers": JSON, "body": base64.b64encode(b'{"errors":[{"message":"no"}]}').decode()}

    async def play(client: Any) -> Any:
        written = {"data": spec}
        asked = [client.post("/respond", json=written), client.get(f"/respond?spec={encode_spec(spec)}")]
        return [await asyncio.gather(*asked), await asyncio.gather(client.get("/tasks/1"), client.get("/tasks/2"))]

    (answers, _), sent = run(play)
    assert [(answer.status_code, answer.json()) for answer in answers] == [(400, {"errors": [{"message": "no"}]})] * 2
    assert sent == [BATCH, ("GET", f"{BASE}/respond?spec={encode_spec(spec)}"), BATCH]


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/respond?spec=" + encode_spec({"headers": JSON, "body": base64.b64encode(b'["0123456789"]').decode()}),
         {"max_result_bytes": 10}, 200),
        ("/sleep/300", {"action_timeout": 0.05}, 200),
        ("/raise", {}, 500),
    ],
)  # fmt: skip
def test_a_read_for_which_a_batch_is_too_narrow_is_asked_directly(path: str, options: Any, status: int) -> None:
    async def play(client: Any) -> Any:
        return [await asyncio.gather(*(client.get(path) for _ in range(2))) for _ in range(2)]

    (first, second), sent = run(play, batched(STARLETTE, **options))
    assert {answer.status_code for answer in (*first, *second)} == {status}
    assert not any("batch" in answer.extensions for answer in (*first, *second))
    # An endpoint that a batch serves worse is kept in mind; one that fails either way may recover.
    assert sent.count(BATCH) == (1 if status == 200 else 2)
