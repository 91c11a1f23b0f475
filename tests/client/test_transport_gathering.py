"""When a batch goes out, who is in it, and that nobody's giving up or closing does anything to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from tests.client.in_process import BASE, ROUTE, InProcess, batched, client_of, every_library, library_named
from tests.contract.batching import host_named
from tests.hosts import probe

BARE = host_named("asgi")
BATCH = ("POST", ROUTE)


class Held(InProcess):
    """Its batches wait, after they have been sent, until `release` is set."""

    def __init__(self, library: Any, app: Any) -> None:
        super().__init__(library, app)
        self.release, self.under_way, self.most = asyncio.Event(), 0, 0
        self.arrived = asyncio.Event()

    async def handle_async_request(self, request: Any) -> Any:
        if request.url.path != ROUTE:
            return await super().handle_async_request(request)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.arrived.set()
        try:
            await self.release.wait()
            return await super().handle_async_request(request)
        finally:
            self.under_way -= 1


def run(
    library: str, play: Callable[[Any, Any], Awaitable[None]], kind: type[InProcess] = InProcess, **options: Any
) -> Any:
    """`play(client, inner)` with a client that batches; returns `inner`."""

    async def main() -> InProcess:
        module = library_named(library)
        inner = kind(module, batched(BARE))
        async with client_of(module, inner, **options) as client:
            await play(client, inner)
        assert inner.closed
        return inner

    return asyncio.run(main())


def numbers(answers: list[Any]) -> list[str]:
    return [answer.json()["id"] for answer in answers]


async def users(client: Any, count: int, **options: Any) -> list[Any]:
    """As many users, asked for at once."""
    answers = await asyncio.gather(*(client.get(f"/users/{number}", **options) for number in range(count)))
    assert numbers(answers) == [str(number) for number in range(count)]
    return answers


@every_library
@pytest.mark.parametrize(
    ("count", "most", "batches", "alone"),
    [(100, 10, 10, []), (1, 10, 0, ["0"]), (12, 10, 2, []), (21, 10, 2, ["20"]), (7, 3, 2, ["6"])],
)
def test_concurrent_requests_are_batches_and_the_one_left_over_goes_out_as_it_is(
    library: str, count: int, most: int, batches: int, alone: list[str]
) -> None:
    async def play(client: Any, inner: Any) -> None:
        await users(client, count)

    inner = run(library, play, max_actions=most)
    assert sorted(inner.sent) == [("GET", f"{BASE}/users/{number}") for number in alone] + [BATCH] * batches


def test_requests_that_come_one_after_the_other_go_out_as_they_are() -> None:
    async def play(client: Any, inner: Any) -> None:
        for _ in range(3):
            await client.get("/users/1")

    assert run("httpx2", play).sent == [("GET", f"{BASE}/users/1")] * 3


def test_only_requests_with_the_same_headers_and_time_outs_share_a_batch() -> None:
    async def play(client: Any, inner: Any) -> None:
        kinds: list[dict[str, Any]] = [
            {}, {"headers": {"authorization": "Bearer a"}}, {"headers": {"authorization": "Bearer b"}}, {"timeout": 7},
            {"headers": {"cookie": "c=1"}},
        ]  # fmt: skip
        await asyncio.gather(*(client.get(f"/echo/{n}", **kind) for n in range(3) for kind in kinds))

    inner = run("httpx2", play)
    assert inner.sent == [BATCH] * 5
    assert sorted(str(headers.get("authorization")) for headers in inner.headers) == [
        "Bearer a",
        "Bearer b",
        *["None"] * 3,
    ]
    assert sorted(str(headers.get("cookie")) for headers in inner.headers) == [*["None"] * 4, "c=1"]
    assert sorted(extensions["timeout"]["read"] for extensions in inner.extensions) == [5, 5, 5, 5, 7]


def test_a_batch_is_json_that_can_be_answered_compressed() -> None:
    async def play(client: Any, inner: Any) -> None:
        await users(client, 2)

    (headers,) = run("httpx2", play).headers
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "gzip, deflate"


def test_a_window_gathers_what_comes_in_several_turns_of_the_event_loop() -> None:
    async def play(client: Any, inner: Any) -> None:
        async def later(turns: int) -> Any:
            for _ in range(turns):
                await asyncio.sleep(0)
            return await client.get(f"/users/{turns}")

        await asyncio.gather(*map(later, range(8)))

    assert len(run("httpx2", play).sent) > 1
    assert run("httpx2", play, window=5.0, max_actions=8).sent == [BATCH]
    assert run("httpx2", play, window=5.0, max_actions=4).sent == [BATCH] * 2


def test_a_window_ends_even_if_nobody_comes() -> None:
    async def play(client: Any, inner: Any) -> None:
        await users(client, 1)
        await users(client, 2)

    assert run("httpx2", play, window=0.01).sent == [("GET", f"{BASE}/users/0"), BATCH]


def test_a_batch_is_never_larger_than_max_bytes() -> None:
    async def play(client: Any, inner: Any) -> None:
        data = [{"data": {"a": "x" * size}} for size in (200, 200, 200, 200, 700, 200)]
        answers = await asyncio.gather(*(client.post("/echo", json=body) for body in data))
        assert [answer.status_code for answer in answers] == [200] * 6

    inner = run("httpx2", play, max_bytes=700)
    assert max(len(body) for (_, target), body in zip(inner.sent, inner.bodies, strict=True) if target == ROUTE) <= 700
    assert inner.sent.count(BATCH) == 2
    assert (
        sum(target.endswith("/echo") for _, target in inner.sent) == 2
    )  # too large for any batch, and without company


def test_at_most_parallel_batches_are_under_way() -> None:
    async def play(client: Any, inner: Any) -> None:
        asked = asyncio.ensure_future(users(client, 100))
        await inner.arrived.wait()
        inner.release.set()
        await asked

    inner = run("httpx2", play, Held, parallel=3)
    assert inner.most == 3
    assert inner.sent == [BATCH] * 10


@every_library
def test_a_cancelled_caller_harms_no_other(library: str) -> None:
    async def play(client: Any, inner: Any) -> None:
        asked = [asyncio.ensure_future(client.get(f"/users/{number}")) for number in range(4)]
        await inner.arrived.wait()
        asked[0].cancel()
        asked[2].cancel()
        inner.release.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer) for answer in answers[::2]] == [asyncio.CancelledError] * 2
        assert numbers(answers[1::2]) == ["1", "3"]

    assert run(library, play, Held).sent == [BATCH]


def test_a_caller_that_gives_up_before_the_batch_goes_out_is_not_in_it() -> None:
    async def play(client: Any, inner: Any) -> None:
        asked = [asyncio.ensure_future(client.get(f"/users/{number}")) for number in range(3)]
        await asyncio.sleep(0)
        asked[1].cancel()
        answers = [await asked[0], await asked[2]]
        assert numbers(answers) == ["0", "2"]
        assert [answer.extensions["batch"] for answer in answers] == [(0, 2), (1, 2)]
        asked = [asyncio.ensure_future(client.get(f"/users/{number}")) for number in range(2)]
        await asyncio.sleep(0)
        asked[0].cancel()
        assert numbers([await asked[1]]) == ["1"]

    inner = run("httpx2", play)
    assert inner.sent == [BATCH, ("GET", f"{BASE}/users/1")]
    assert b"/users/1" not in inner.bodies[0]


def test_the_last_caller_to_give_up_ends_the_batch() -> None:
    async def play(client: Any, inner: Any) -> None:
        asked = [asyncio.ensure_future(client.get(f"/users/{number}")) for number in range(2)]
        await inner.arrived.wait()
        for task in asked:
            task.cancel()
        await asyncio.wait(asked)
        while inner.under_way:
            await asyncio.sleep(0)
        inner.release.set()
        await users(client, 2)

    assert run("httpx2", play, Held, parallel=1).sent == [BATCH]


@every_library
def test_closing_the_client_tells_whoever_still_waits(library: str) -> None:
    async def play(client: Any, inner: Any) -> None:
        # Two batches are under way, one waits its turn, and one is being gathered.
        asked = [asyncio.ensure_future(client.get(f"/users/{number}")) for number in range(31)]
        await inner.arrived.wait()
        await client.aclose()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} == {library_named(library).ReadError}
        assert [answer.request.url.path for answer in answers] == [f"{BASE}/users/{number}" for number in range(31)]

    assert run(library, play, Held, parallel=2, window=60.0).sent == []


def test_one_transport_serves_one_event_loop_after_the_other() -> None:
    module = library_named("httpx2")
    inner = InProcess(module, batched(BARE))
    client = client_of(module, inner)

    async def cut_off() -> None:
        task = asyncio.ensure_future(client.get("/users/0"))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(cut_off())
    for _ in range(2):
        asyncio.run(users(client, 3))
    assert inner.sent == [BATCH] * 2
    asyncio.run(client.aclose())


def test_under_trio_everything_goes_on_its_own() -> None:
    module = library_named("httpx2")
    asked: list[str] = []

    class Inner:
        async def handle_async_request(self, request: Any) -> Any:
            asked.append(request.url.path)
            return module.Response(200, stream=module.ByteStream(b"[]"))

        async def aclose(self) -> None:
            asked.append("closed")

    async def main() -> None:
        client = client_of(module, Inner())
        async with trio.open_nursery() as nursery:
            for number in range(3):
                nursery.start_soon(client.get, f"/users/{number}")
        await client.aclose()

    trio.run(main)
    assert sorted(asked) == [*(f"{BASE}/users/{number}" for number in range(3)), "closed"]


@pytest.fixture(autouse=True)
def _clean() -> None:
    probe.reset()
