"""The WSGI door: `BatchMiddleware`, and the driver that answers the flow's effects by calling."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypeVar, Unpack, cast

from asgiref.sync import async_to_sync

from .config import BatchConfig, BatchOptions, configured
from .contract.effects import Admit, Authorize, Call, Effect, ReadBody, Replay
from .contract.errors import BatchError, BodyTooLarge, HandlerFailed
from .contract.flow import Passage, batch, direct
from .contract.limiter import Decision, Limiter
from .contract.logger import log
from .contract.model import Action, Reply
from .contract.nesting import Mark, mark_of
from .limiters.memory import MemoryLimiter
from .replay.around import Watched, overriding, tell_batch
from .replay.calls import App, BuildEnviron, CallReplay, Environ
from .replay.environ import EnvironBuilder, native, parent_of, text
from .replay.ledger import CallingLedger
from .replay.places import Places
from .replay.threads import Helpers

__all__ = ["BatchMiddleware"]

T = TypeVar("T")

THREADS = 32  # three full batches whose actions all wait, and the threads that called


class BatchMiddleware:
    """Gives a WSGI application a batch route: `app.wsgi_app = BatchMiddleware(app.wsgi_app)`.

    The options are those of `BatchConfig`, as keyword arguments or ready made as `config`. Wrap the whole application,
    from outside: what stands outside of this middleware sees one request, the batch; what stands inside sees the
    actions, each in a thread of its own. Raises `TypeError` or `ValueError` for a wrong option.
    """

    def __init__(self, app: Any, *, config: BatchConfig | None = None, **options: Unpack[BatchOptions]) -> None:
        self.app: App = app
        self.config = configured(config, options, action_timeout=None)
        threads = self.config.threads if isinstance(self.config.threads, int) else THREADS
        if threads == 0 and self.config.timeout is not None:
            raise ValueError("action_timeout needs threads: the calling thread can't time itself out")
        self._path = native(self.config.path)
        self._ledger = CallingLedger(Places(self.config.max_pending), self.config.limits, _limiter(self.config))
        self._charges_direct = bool(self.config.limits) and self.config.count_direct
        self._around = overriding(self.config.hooks, "around_action")
        self._around_batch = overriding(self.config.hooks, "around_batch")
        self._on_batch = overriding(self.config.hooks, "on_batch")
        self._helpers = Helpers(threads)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == self._path:
            return _Request(self, environ, start_response).serve_batch()
        if self._charges_direct and mark_of(environ) is None:
            return _Request(self, environ, start_response).serve_direct()
        return self.app(environ, start_response)

    def close(self) -> None:
        """Let the helper threads end. Batches that come later run on their calling thread alone."""
        self._helpers.close()


class _Request:
    """One request that is not only passed on: drives its flow, and carries out what comes of it."""

    def __init__(self, middleware: BatchMiddleware, environ: Environ, start_response: Callable[..., Any]) -> None:
        self._middleware = middleware
        self._config = middleware.config
        self._environ = environ
        self._start_response = start_response
        self._started = time.monotonic()
        self._replays: list[CallReplay] = []

    def serve_batch(self) -> Iterable[bytes]:
        mount, parent = text(self._environ.get("SCRIPT_NAME", "")), parent_of(self._environ)
        flow, hooks = batch(self._config, parent, mount), self._middleware._around_batch
        try:
            reply = Watched(hooks, parent).call(lambda: self._drive(flow)) if hooks else self._drive(flow)
            for replay in self._replays:
                if replay.interrupt is not None:
                    raise replay.interrupt
            return self._answer(reply)
        except BaseException:  # there is no answer then whose close() the server would call
            self._close()
            raise

    def serve_direct(self) -> Iterable[bytes]:
        """A request that is no batch: charged like an action, and passed on (C37)."""
        passage = self._drive(direct(self._config, parent_of(self._environ)))
        if passage.refusal is not None:
            return self._answer(passage.refusal)
        if passage.slots or passage.headers:
            return self._pass_on(passage)
        return self._middleware.app(self._environ, self._start_response)

    def _pass_on(self, passage: Passage) -> Iterable[bytes]:
        ledger, fields = self._middleware._ledger, [(_canonical(name), value) for name, value in passage.headers]

        def start_response(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            return self._start_response(status, [*headers, *fields], *exc_info)

        def free() -> None:
            ledger.free(0, passage.slots)

        try:
            iterable = self._middleware.app(self._environ, start_response if fields else self._start_response)
        except BaseException:
            free()
            raise
        wrapper = self._environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(iterable, wrapper):
            free()  # the server may hand the file to the kernel, so this very object has to reach it
            return iterable
        if not passage.slots:
            return iterable
        return (_Sized if hasattr(iterable, "__len__") else _Guarded)(iterable, free)

    def _answer(self, reply: Reply) -> Iterable[bytes]:
        headers = [(_canonical(name), value) for name, value in reply.headers]
        self._start_response(_status_line(reply.status), headers)
        return _Answer(reply.body, self._close)

    def _drive(self, flow: Generator[Effect, Any, T]) -> T:
        try:
            effect = next(flow)
            while True:
                try:
                    answer = _PERFORM[type(effect)](self, effect)
                except BatchError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _close(self) -> None:
        for replay in self._replays:
            replay.close()
        for replay in self._replays:
            if replay.interrupt is not None:
                raise replay.interrupt

    def _authorize(self, effect: Authorize) -> str:
        try:
            principal = self._config.authorize(effect.parent)  # type: ignore[misc]  # the flow asks only where there is one
            if not isinstance(principal, str) and inspect.isawaitable(principal):
                principal = async_to_sync(_awaited)(principal)
            if not isinstance(principal, str):
                raise TypeError(f"authorize must return a string or raise NotAuthorized, not {principal!r}")
        except BatchError:
            raise
        except Exception:
            log.exception("authorize failed")
            raise HandlerFailed from None
        return principal

    def _read(self, effect: ReadBody) -> bytes:
        most = effect.most
        stream, declared = self._environ["wsgi.input"], self._environ.get("CONTENT_LENGTH") or ""
        if declared.isdecimal():
            left = int(declared)
        elif self._environ.get("wsgi.input_terminated"):
            left = most + 1
        else:
            return b""  # PEP 3333: without a length there is no body that could be read safely
        chunks: list[bytes] = []
        size = 0
        while left and (chunk := stream.read(min(left, 1 << 16))):
            size += len(chunk)
            left -= len(chunk)
            if size > most:
                raise BodyTooLarge(most)
            chunks.append(chunk)
        if declared.isdecimal() and left:
            raise BatchError(f"The body ended after {size} of {declared} bytes.")
        return b"".join(chunks)

    def _admit(self, effect: Admit) -> Decision | None:
        return self._middleware._ledger.admit(effect)

    def _replay(self, effect: Replay) -> None:
        middleware, flight = self._middleware, effect.flight
        self._fly(
            CallReplay(
                middleware.app,
                flight,
                self._builder(),
                middleware._helpers,
                free=middleware._ledger.free,
                hooks=middleware._around,
            )
        )
        if middleware._on_batch:
            tell_batch(middleware._on_batch, flight, time.monotonic() - self._started)

    def _call(self, effect: Call) -> None:
        build = self._as_sent if effect.as_sent else self._builder()
        self._fly(CallReplay(self._middleware.app, effect.flight, build, self._middleware._helpers))

    def _fly(self, replay: CallReplay) -> None:
        self._replays.append(replay)
        replay.fly()

    def _as_sent(self, action: Action, mark: Mark) -> Environ:
        return self._environ

    def _builder(self) -> BuildEnviron:
        return EnvironBuilder(self._environ, base=self._config.base, keep=self._config.keep_keys).build


_PERFORM: Mapping[type[Effect], Callable[[_Request, Any], Any]] = {
    Authorize: _Request._authorize,
    ReadBody: _Request._read,
    Admit: _Request._admit,
    Replay: _Request._replay,
    Call: _Request._call,
}


class _Answer:
    """The body of the batch answer; its `close()` is where the calling thread's actions are closed (C27)."""

    __slots__ = ("_body", "close")

    def __init__(self, body: bytes, close: Callable[[], None]) -> None:
        self._body = body
        self.close = close

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    def __len__(self) -> int:
        return 1


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


class _Guarded:
    """The host's answer to a direct request; its `close()` frees the request's slots (C37)."""

    __slots__ = ("_free", "_iterable")

    def __init__(self, iterable: Iterable[bytes], free: Callable[[], None]) -> None:
        self._iterable = iterable
        self._free = free

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._iterable)

    def close(self) -> None:
        try:
            if close := getattr(self._iterable, "close", None):
                close()
        finally:
            self._free()


class _Sized(_Guarded):
    """Of an iterable that knows its length: from a single piece servers tell the length of the body."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(cast("list[bytes]", self._iterable))


def _limiter(config: BatchConfig) -> Limiter | None:
    if not config.limits:
        return None
    limiter = config.limiter or MemoryLimiter()
    if inspect.iscoroutinefunction(limiter.acquire):
        raise TypeError(
            f"limiter: {type(limiter).__name__} has to be awaited; on WSGI use RedisLimiter, MemoryLimiter, or any "
            "Limiter"
        )
    return cast("Limiter", limiter)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Status"


def _canonical(name: str) -> str:
    """A header name in the spelling that people expect to see on the wire."""
    return "-".join(part.capitalize() for part in name.split("-"))
