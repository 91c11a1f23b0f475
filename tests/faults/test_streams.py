"""C26 and C27: streams without an end, of any size, that fail, that can't be closed, or that nobody closes."""

from __future__ import annotations

import asyncio
import itertools
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.contract.batching import action, bare_door, host_named, post_batch, wrap
from tests.contract.small_apps import Closing, eventually, reply, started
from tests.faults.play import FAILED, Door, both_doors, error, play
from tests.hosts import Host

MOST = 1 << 20
TOO_LARGE = error(502, f"A response in a batch is at most {MOST} bytes; this response would exceed it.")
PIECE = b"x" * 64  # each piece has 33 bytes of its own beside, so the smaller they are the more memory they take
PLAIN = [("content-type", "text/plain")]
GB = 1 << 30


async def _stream(send: Any, pieces: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


def _streaming(kind: Door, pieces: Any) -> Any:
    """A handler that streams what `pieces()` gives."""

    async def by_messages(scope: Any, receive: Any, send: Any) -> None:
        await _stream(send, pieces())

    def by_call(environ: Any, start_response: Any) -> Any:
        started(start_response, headers=[])
        return pieces()

    return by_messages if kind == "asgi" else by_call


@both_doors
def test_c26_a_gigabyte_in_small_pieces_is_cut_in_time_and_takes_no_memory(kind: Door) -> None:
    taken = [0]

    def pieces() -> Iterator[bytes]:
        for _ in range(GB // len(PIECE)):
            taken[0] += 1
            yield bytes(bytearray(PIECE))  # an object of its own, as from a socket

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        result = play(kind, _streaming(kind, pieces), max_result_bytes=MOST)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert result == TOO_LARGE
    assert taken[0] == 2 * (MOST // len(PIECE) + 1), "one piece more than fits, in each of two batches"
    assert peak < 4 * MOST


@both_doors
def test_c26_one_piece_that_is_too_large_is_all_that_is_taken(kind: Door) -> None:
    taken: list[int] = []

    def pieces() -> Iterator[bytes]:
        for index in itertools.count():
            taken.append(index)
            yield bytes(MOST + 1)

    assert play(kind, _streaming(kind, pieces), max_result_bytes=MOST) == TOO_LARGE
    assert taken == [0, 0]


@both_doors
def test_c26_empty_pieces_without_end_are_stopped_by_the_clock(kind: Door) -> None:
    result = play(kind, _streaming(kind, lambda: itertools.repeat(b"")), action_timeout=0.05)
    assert result == error(504, "This action did not complete within 0.05 seconds.")


@both_doors
def test_c26_many_streams_together_are_cut_at_the_size_of_the_answer(kind: Door) -> None:
    app = _streaming(kind, lambda: itertools.repeat(PIECE))
    host = Host("small", kind, lambda: app)
    answer = post_batch(wrap(host, app, max_answer_bytes=MOST), host, [action(f"/{index}") for index in range(10)])
    message = f"The answer of a batch is at most {MOST} bytes; this response would exceed it."
    assert answer.results == [error(502, message)] * 10


@both_doors
@pytest.mark.parametrize("at", [0, 1, 2])
def test_c26_a_generator_that_fails_half_way(kind: Door, at: int) -> None:
    closed: list[int] = []

    def pieces() -> Iterator[bytes]:
        try:
            for index in range(3):
                if index == at:
                    raise RuntimeError
                yield b"x"
        finally:
            closed.append(at)

    assert play(kind, _streaming(kind, pieces)) == FAILED
    assert closed == [at] * 2


@pytest.mark.parametrize(
    ("body", "failure"), [([b"{}"], None), ([b"x" * 100], 502), ([1], 500)], ids=["complete", "too large", "wrong"]
)
@pytest.mark.parametrize("raised", [RuntimeError, SystemExit, GeneratorExit, BaseException])
@pytest.mark.parametrize("options", [{"threads": 0}, {"action_timeout": 60.0}], ids=["the caller", "a helper"])
def test_c27_a_close_that_raises_changes_nothing(body: Any, failure: int | None, raised: Any, options: Any) -> None:
    called: list[str] = []

    def close() -> None:
        called.append("close")
        raise raised

    def handler(environ: Any, start_response: Any) -> Any:
        started(start_response)
        return Closing(body, close)

    too_large = error(502, "A response in a batch is at most 50 bytes; this response would exceed it.")
    expected = {None: {"status_code": 200, "headers": {}, "body": {}}, 500: FAILED, 502: too_large}[failure]
    assert play("wsgi", handler, max_result_bytes=50, **options) == expected
    assert eventually(lambda: called == ["close"] * 2)


@pytest.mark.parametrize("end", ["exhausted", "cut", "failed"])
def test_c27_a_generator_is_closed_in_the_thread_that_ran_it(end: str) -> None:
    ran, closed = [], []

    def pieces(environ: Any, start_response: Any) -> Iterator[bytes]:
        started(start_response, headers=[])
        ran.append(threading.get_ident())
        try:
            yield b"x"
            if end == "failed":
                yield "y"  # the batch takes no text, and so asks for nothing more
            yield b"x" * (100 if end == "cut" else 1)
            yield b"x"
        finally:
            closed.append(threading.get_ident())

    status = {"exhausted": 200, "cut": 502, "failed": 500}[end]
    assert play("wsgi", pieces, max_result_bytes=50)["status_code"] == status
    assert eventually(lambda: closed == ran)


def test_c26_an_asynchronous_generator_that_is_left_open_is_closed_with_its_loop() -> None:
    ended: list[str] = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"1"
            yield b"2"
        finally:
            ended.append("ended")

    kept: list[Any] = []

    async def leaves_open(scope: Any, receive: Any, send: Any) -> None:
        kept.append(pieces())
        async for piece in kept[-1]:
            await reply(send, piece)
            return

    assert play("asgi", leaves_open) == {"status_code": 200, "headers": {}, "body": 1}
    assert ended == ["ended"] * 2


def test_c26_an_asynchronous_generator_is_closed_when_its_action_is_cut_off() -> None:
    ended: list[BaseException] = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 60
                await asyncio.sleep(0)
        except BaseException as error:
            ended.append(error)
            raise

    async def streams(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        source = pieces()
        try:
            async for piece in source:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            await source.aclose()

    too_large = error(502, "A response in a batch is at most 100 bytes; this response would exceed it.")
    assert play("asgi", streams, max_result_bytes=100) == too_large
    assert len(ended) == 2


@bare_door
def test_c26_a_slow_stream_holds_up_no_other(host: Host) -> None:
    # Five streams that wait for each other between two pieces: were one read to its end first, none would end.
    barrier = threading.Barrier(5)

    async def by_messages(scope: Any, receive: Any, send: Any) -> None:
        async def pieces() -> None:
            await asyncio.to_thread(barrier.wait, 10)

        await reply(send, b"[", more=True)
        await pieces()
        await send({"type": "http.response.body", "body": b"]"})

    def by_call(environ: Any, start_response: Any) -> Any:
        yield from started(start_response, b"[")
        barrier.wait(10)
        yield b"]"

    app = by_messages if host.door == "asgi" else by_call
    answer = post_batch(wrap(host_named(host.id), app), host, [action(f"/{index}") for index in range(5)])
    assert answer.results == [{"status_code": 200, "headers": {}, "body": []}] * 5
