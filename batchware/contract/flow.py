"""The whole life of a batch, on one page, as a generator of effects (C1, C2).

`batch` decides everything and does nothing: where something has to be awaited or called it yields an effect, and the
driver of the door answers it by awaiting (`asgi`) or by calling (`wsgi`). An error that a driver meets is thrown into
the generator. So the order of the contract is written once, for both doors, and can be tested without either.

    Authorize   ask the host's hook who sends this; answered with the principal
    ReadBody    read at most so many bytes; answered with the body
    Admit       take places for so many actions, or throw `Overloaded`
    Replay      steer a `Flight` until every action has its result
    Call        steer a `Flight` of one request that is no action: it counts nowhere, and no hook hears of it
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Generator
from typing import Any, Literal, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from .deny import Gate
from .errors import (
    BatchError,
    BodyTooLarge,
    HandlerFailed,
    MethodNotAllowed,
    Refused,
    UnsupportedMediaType,
)
from .flight import Flight, Record
from .headers import access_control, cross_origin, forwarded_cookies
from .model import Action, Dialect, Headers, Layout, Outcome, Parent, Reply
from .nesting import mark_of
from .paths import quote_path

log = logging.getLogger("batchware")

ALLOW = "POST, OPTIONS"


class Authorize(Struct, frozen=True):
    """Ask `authorize`; the answer is the principal, a refusal is thrown."""

    parent: Parent


class ReadBody(Struct, frozen=True):
    """Read the body; the answer is its bytes, `BodyTooLarge` is thrown past `most`."""

    most: int


class Admit(Struct, frozen=True):
    """Take a place in flight for each of `count` actions; `Overloaded` is thrown if there are not enough (C42)."""

    count: int


class Replay(Struct, frozen=True):
    """Steer `flight` until it is done."""

    flight: Flight


class Call(Struct, frozen=True):
    """Steer `flight`, one request for the batch route: a synthetic `GET`, or where `as_sent`, the parent itself."""

    flight: Flight
    as_sent: bool


Effect: TypeAlias = Authorize | ReadBody | Admit | Replay | Call


class Settings(Protocol):
    """What the flow reads of the configuration; `BatchConfig` documents each."""

    @property
    def dialect(self) -> Dialect: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def path(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def authorize(self) -> Callable[[Parent], Any] | None: ...
    @property
    def max_actions(self) -> int: ...
    @property
    def max_body_bytes(self) -> int: ...
    @property
    def max_result_bytes(self) -> int: ...
    @property
    def max_answer_bytes(self) -> int: ...
    @property
    def parallel(self) -> int | None: ...
    @property
    def timeout(self) -> float | None: ...
    @property
    def set_cookie(self) -> Literal["forward", "drop"]: ...
    @property
    def cors(self) -> Literal["host", "off"]: ...


def batch(settings: Settings, parent: Parent, mount: str) -> Generator[Effect, Any, Reply]:
    """The reply to `parent`, a request for the batch route. `mount` is the prefix that the host is mounted below."""
    layout = settings.dialect.layout(parent.query)
    try:
        if mark_of(parent.request) is not None:
            raise Refused("A batch cannot hold a batch, however it is reached.")
        if parent.method == "OPTIONS":
            return _preflight((yield from _call(settings, parent, "OPTIONS")))
        reply = yield from _answer(settings, parent, mount, layout)
    except BatchError as error:
        body = settings.dialect.error(error, layout)
        headers = ((name.lower(), value) for name, value in error.headers.items())
        reply = _reply(error.status, body, headers)
    if settings.cors == "host" and cross_origin(parent) and mark_of(parent.request) is None:
        policy = yield from _call(settings, parent, "GET")
        reply = msgspec.structs.replace(reply, headers=[*reply.headers, *access_control(policy.headers)])
    return reply if parent.method != "HEAD" else msgspec.structs.replace(reply, body=b"")


def _answer(settings: Settings, parent: Parent, mount: str, layout: Layout) -> Generator[Effect, Any, Reply]:
    """The checks in their order (C2), the flight, and the answer."""
    if parent.method != "POST":
        raise MethodNotAllowed(ALLOW)
    _check_media_type(parent)
    declared = parent.header("content-length") or ""
    if declared.isdecimal() and int(declared[:20]) > settings.max_body_bytes:
        raise BodyTooLarge(settings.max_body_bytes)
    if settings.authorize is not None:
        parent = msgspec.structs.replace(parent, principal=(yield Authorize(parent)))
    body = yield ReadBody(settings.max_body_bytes)
    raws = settings.dialect.open(body)
    if not 1 <= len(raws) <= settings.max_actions:
        raise BatchError(f"A batch holds 1 to {settings.max_actions} actions; this one has {len(raws)}.")
    records = [_record(settings, parent, index, raw) for index, raw in enumerate(raws)]

    flight = _flight(settings, parent, records, layout)
    if not flight.done:
        yield Admit(sum(record.refusal is None for record in records))
    yield Replay(flight)
    reply = _reply(200, settings.dialect.write(flight.results(), layout))
    if settings.set_cookie == "forward":
        prefix = mount + settings.base
        responses = [(prefix + r.action.path, r.outcome.headers) for r in records if r.outcome is not None]
        cookies = [("set-cookie", cookie) for cookie in forwarded_cookies(responses)]
        if cookies:
            reply = msgspec.structs.replace(reply, headers=[*reply.headers, *cookies])
    return reply


def _record(settings: Settings, parent: Parent, index: int, raw: Any) -> Record:
    """One action, read and asked for at the gate; whatever is wrong with it is its own result (C9, C31)."""
    action, refusal = settings.dialect.read(index, raw)
    if refusal is None:
        try:
            why = settings.gate.refusal(action, parent)
        except Exception:  # a rule of the host's own; it can't be told whether the action is fine
            log.exception("a deny rule failed for actions[%d]", index)
            refusal = HandlerFailed()
        else:
            refusal = Refused.at(index, "relative_path", why) if why else None
    return Record(action, refusal)


def _flight(settings: Settings, parent: Parent, records: list[Record], layout: Layout) -> Flight:
    dialect = settings.dialect

    def write(action: Action, outcome: Outcome) -> bytes:
        return dialect.result(action, outcome, layout)

    def failure(error: BatchError) -> Outcome:
        headers = [("content-type", "application/json")]
        headers += [(name.lower(), value) for name, value in error.headers.items()]
        return Outcome(error.status, headers, dialect.error(error, Layout()), error)

    return Flight(
        records,
        parent,
        parallel=settings.parallel,
        timeout=settings.timeout,
        max_result_bytes=settings.max_result_bytes,
        max_answer_bytes=settings.max_answer_bytes,
        write=write,
        failure=failure,
    )


def _call(settings: Settings, parent: Parent, method: Literal["GET", "OPTIONS"]) -> Generator[Effect, Any, Outcome]:
    """The host's own answer on the batch route, to a synthetic `GET` (C24) or to the parent's `OPTIONS` (C1)."""
    route = settings.path[len(settings.base) :]
    record = Record(Action(-1, method, route, quote_path(route)))
    record.mark.live = method == "GET"  # the client's own request is no child
    yield Call(_flight(settings, parent, [record], Layout()), method == "OPTIONS")
    assert record.outcome is not None, "a flight that is done has an outcome for each record"
    return record.outcome


# RFC 9110, section 8.3.1: a token or a quoted string; any spelling of it but another charset.
_JSON = re.compile(r'application/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?[ \t]*', re.IGNORECASE)


def _check_media_type(parent: Parent) -> None:
    """C3: plain JSON only. A page of another origin can post a form or text without a preflight, and no encoding
    means that the size which was counted is the size which is parsed."""
    if not _JSON.fullmatch(parent.header("content-type") or ""):
        raise UnsupportedMediaType("The Content-Type of a batch is application/json, with no charset but utf-8.")
    if (parent.header("content-encoding") or "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("A batch is sent as it is, without a Content-Encoding.")


def _preflight(outcome: Outcome) -> Reply:
    """The host's answer to `OPTIONS`; where it knows no such route, its CORS headers with a 204 (C1)."""
    if outcome.status not in (404, 405):
        return Reply(outcome.status, outcome.headers, outcome.body)
    return Reply(204, [("allow", ALLOW), *access_control(outcome.headers)], b"")


def _reply(status: int, body: bytes, headers: Any = ()) -> Reply:
    fields: Headers = [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-length", str(len(body))),
        *headers,
    ]
    return Reply(status, fields, body)
