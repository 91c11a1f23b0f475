"""C26: whatever a handler raises, and whenever: before, between and after the messages of its response."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.contract.small_apps import JSON, Closing, reply, started
from tests.faults.play import FAILED, Door, both_doors, play
from tests.hosts.probe import SECRET


class _Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError(SECRET)

    __repr__ = __str__


def _deeper(level: int = 0) -> int:
    return _deeper(level + 1) + 1


def _raise(kind: str) -> None:
    if kind == "RecursionError":
        _deeper()
    raise EXCEPTIONS[kind]


EXCEPTIONS: dict[str, BaseException] = {
    "RuntimeError": RuntimeError(SECRET),
    "an error without words": _Unspeakable(),
    "BaseException": BaseException(SECRET),
    "SystemExit": SystemExit(3),
    "GeneratorExit": GeneratorExit(),
    "CancelledError": asyncio.CancelledError(SECRET),
    "StopIteration": StopIteration(SECRET),
    "StopAsyncIteration": StopAsyncIteration(SECRET),
    "RecursionError": RecursionError(SECRET),
    "MemoryError": MemoryError(SECRET),
    "TimeoutError": TimeoutError(SECRET),
    "ExceptionGroup": ExceptionGroup(SECRET, [RuntimeError(SECRET), ValueError(SECRET)]),
    "BaseExceptionGroup": BaseExceptionGroup(SECRET, [SystemExit(3), asyncio.CancelledError()]),
}
every_exception = pytest.mark.parametrize("kind", EXCEPTIONS)

PLAIN = [("content-type", "text/plain")]
GIVEN = {"status_code": 200, "headers": {"content-type": "text/plain"}, "body": "whole"}


@every_exception
@pytest.mark.parametrize("when", ["before", "after the start", "between two pieces", "after the end"])
def test_c26_what_an_asgi_handler_raises(kind: str, when: str) -> None:
    async def raises(scope: Any, receive: Any, send: Any) -> None:
        if when == "after the start":
            await send({"type": "http.response.start", "status": 200, "headers": []})
        elif when != "before":
            await reply(send, b"whole", PLAIN, more=when == "between two pieces")
        _raise(kind)

    assert play("asgi", raises) == (GIVEN if when == "after the end" else FAILED)


@every_exception
@pytest.mark.parametrize(
    "when",
    ["before", "after the start", "as the first piece", "between two pieces", "after the last piece", "in close()"],
)
@pytest.mark.parametrize(
    "options", [{"threads": 0}, {}, {"action_timeout": 60.0}], ids=["one thread", "all", "helpers"]
)
def test_c26_what_a_wsgi_handler_raises(kind: str, when: str, options: dict[str, Any]) -> None:
    def pieces() -> Any:
        if when != "as the first piece":
            yield b"who"
        if when == "after the last piece":
            yield b"le"
        _raise(kind)
        yield b"le"

    def raises(environ: Any, start_response: Any) -> Any:
        if when == "before":
            _raise(kind)
        start_response("200 OK", PLAIN)
        if when == "after the start":
            _raise(kind)
        if when == "in close()":
            return Closing([b"who", b"le"], lambda: _raise(kind))
        return pieces()

    # A body is complete when it is exhausted (C27): a generator that raises after its last piece is not.
    assert play("wsgi", raises, **options) == (GIVEN if when == "in close()" else FAILED)


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_c26_a_keyboard_interrupt_leaves_the_batch_after_its_answer(when: str) -> None:
    async def interrupts(scope: Any, receive: Any, send: Any) -> None:
        if when != "before":
            await reply(send, b"whole", PLAIN, more=when == "between")
        raise KeyboardInterrupt

    assert play("asgi", interrupts, raises=KeyboardInterrupt) == (GIVEN if when == "after" else FAILED)


def test_c26_a_keyboard_interrupt_in_close_leaves_the_batch_after_its_answer() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    def interrupts(environ: Any, start_response: Any) -> Any:
        return Closing(started(start_response, b"whole", PLAIN), interrupt)

    assert play("wsgi", interrupts, raises=KeyboardInterrupt, threads=0) == GIVEN
    assert play("wsgi", interrupts, action_timeout=60.0) == GIVEN, "in a helper's thread it is a failure like others"


@both_doors
def test_c26_nothing_at_all_is_a_failure(kind: Door) -> None:
    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        return None

    assert play(kind, nothing if kind == "asgi" else lambda environ, start_response: []) == FAILED


def test_c26_an_application_that_is_no_coroutine_function() -> None:
    def plain(scope: Any, receive: Any, send: Any) -> Any:
        return 1 // 0 if scope["path"] == "/fault" else None

    assert play("asgi", plain) == FAILED


class _Stops:
    """An awaitable, and an iterable, whose end is `StopIteration` at once."""

    def __await__(self) -> Any:
        return iter(())

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> bytes:
        raise StopIteration


@both_doors
def test_c26_an_end_before_the_beginning(kind: Door) -> None:
    assert play(kind, lambda *_: _Stops()) == FAILED


def test_c26_an_empty_body_is_complete() -> None:
    def empty(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", list(JSON))
        return _Stops()

    assert play("wsgi", empty) == {"status_code": 200, "headers": {}, "body": None}
