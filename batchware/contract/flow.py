"""The whole life of a batch, on one page, as a generator of effects (C1, C2).

`batch` decides everything and does nothing: where something has to be awaited or called it yields an effect, and the
driver of the door answers it by awaiting (`asgi`) or by calling (`wsgi`). An error that a driver meets is thrown into
the generator. So the order of the contract is written once, for both doors, and can be tested without either.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import Struct

from .charges import charges_for, new_permit, slots_of
from .deny import name_of, named
from .effects import Admit, Authorize, Call, Effect, ReadBody, Replay, Settings
from .errors import (
    BatchError,
    BodyTooLarge,
    HandlerFailed,
    MethodNotAllowed,
    NotAuthorized,
    Refused,
    UnsupportedMediaType,
)
from .flight import Flight, Record
from .headers import access_control, cross_origin, forwarded_cookies, sets_cookies
from .limiter import Slot
from .limits import OWN, by_principal
from .logger import log
from .model import Action, Headers, Layout, Outcome, Parent, Reply
from .nesting import FREE, Mark, mark_of
from .paths import quote_path
from .standing import exceeded, ratelimit_fields
from .timing import timing_fields

ALLOW = "POST, OPTIONS"


class Passage(Struct, frozen=True):
    """How a direct request goes on: to the host, holding `slots`, or nowhere, with a `refusal` as its answer."""

    refusal: Reply | None
    slots: Sequence[Slot] = ()
    headers: Headers = ()
    """`RateLimit` fields for the host's answer."""


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
        _explain("a batch", error)
        reply = _error_reply(settings, error, layout)
    return (yield from _with_policy(settings, parent, reply))


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
    counted = yield from _admit(settings, parent, records)
    yield Replay(flight)
    fields = counted if not settings.server_timing else [*counted, *timing_fields(records)]
    reply = _reply(200, settings.dialect.write(flight.results(), layout), fields)
    if settings.set_cookie == "forward":
        prefix = mount + settings.base
        responses = [
            (prefix + record.action.path, outcome.headers)
            for record in records
            if (outcome := record.outcome) is not None and sets_cookies(outcome.headers)
        ]
        if responses:
            cookies = [("set-cookie", cookie) for cookie in forwarded_cookies(responses)]
            reply = msgspec.structs.replace(reply, headers=[*reply.headers, *cookies])
    return reply


def _admit(settings: Settings, parent: Parent, records: list[Record]) -> Generator[Effect, Any, Headers]:
    """Overload first (C42), then all limits in one step, all or nothing (C36). The `RateLimit` fields of the answer."""
    permit, charges = "", []
    if settings.limits:
        permit = new_permit()
        counted = [(record.action, record.mark if record.refusal is None else None) for record in records]
        charges = charges_for(settings.limits, parent, counted, permit)
    places = len([record for record in records if record.refusal is None])
    if not places and not charges:
        return ()
    decision = yield Admit(places, charges, permit, settings.limiter_down_batch == "pass")
    if decision is None:
        return ()
    fields = ratelimit_fields(decision.levels) if settings.ratelimit_headers else ()
    if not decision.admitted:
        raise exceeded(charges, decision, len(records), fields)
    for index, slots in slots_of(charges, permit).items():
        records[index].slots = slots
    return fields


def direct(settings: Settings, parent: Parent) -> Generator[Effect, Any, Passage]:
    """What a direct request owes to the limits, and whether it may go on (C37). It takes no place (C42)."""
    if parent.method == "OPTIONS":
        return Passage(None)
    if settings.authorize is not None and any(getattr(rule, "key", None) is by_principal for rule in settings.limits):
        with suppress(BatchError):  # the host answers for itself; here it is only asked who this is (C8)
            parent = msgspec.structs.replace(parent, principal=(yield Authorize(parent)))
    below = parent.path.startswith(settings.base + "/")
    action = Action(0, parent.method, parent.path[len(settings.base) :] if below else "", query=parent.query)
    permit = new_permit()
    limits = [rule for rule in settings.limits if isinstance(rule, OWN)]
    charges = charges_for(limits, parent, [(action, Mark())], permit)
    if not charges:
        return Passage(None)
    try:
        decision = yield Admit(0, charges, permit, settings.limiter_down_direct == "pass")
        if decision is None:
            return Passage(None)
        fields = ratelimit_fields(decision.levels) if settings.ratelimit_headers else ()
        if not decision.admitted:
            raise exceeded(charges, decision, 0, fields)
    except BatchError as error:
        _explain("a direct request", error)
        reply = yield from _with_policy(settings, parent, _error_reply(settings, error, Layout()))
        return Passage(reply)
    return Passage(None, slots_of(charges, permit).get(0, ()), fields)


def _record(settings: Settings, parent: Parent, index: int, raw: Any) -> Record:
    """One action, read and asked for at the gate; whatever is wrong with it is its own result (C9, C31)."""
    action, refusal = settings.dialect.read(index, raw)
    if refusal is None:
        try:
            ruling = settings.gate.ruling(action, parent)
        except Exception:  # a rule of the host's own; it can't be told whether the action is fine
            log.exception("a deny rule failed for actions[%d]", index)
            refusal = HandlerFailed()
        else:
            if ruling is not None:
                why, ruler = ruling
                refusal = Refused.at(index, "relative_path", why)
                if log.isEnabledFor(logging.DEBUG):  # not what a function says, which may hold anything (C29)
                    log.debug("refused actions[%d] %s: %s", index, named(action), name_of(ruler))
    elif log.isEnabledFor(logging.DEBUG):
        log.debug("refused %s", refusal.message)  # says where, and no more of the input than the client is told
    return Record(action, refusal)


def _explain(what: str, error: BatchError) -> None:
    """One line for whoever asks why something was refused; what a host's own function says is not in it (C29)."""
    if log.isEnabledFor(logging.DEBUG):
        why = "by authorize" if isinstance(error, NotAuthorized) else error.message
        log.debug("refused %s with %d, %s: %s", what, error.status, type(error).__name__, why)


def _error_reply(settings: Settings, error: BatchError, layout: Layout) -> Reply:
    headers = [(name.lower(), value) for name, value in error.headers.items()]
    return _reply(error.status, settings.dialect.error(error, layout), headers, error)


def _with_policy(settings: Settings, parent: Parent, reply: Reply) -> Generator[Effect, Any, Reply]:
    """`reply` with the host's `access-control-*` headers, where a page of another origin is to read it (C24)."""
    if settings.cors == "host" and cross_origin(parent) and mark_of(parent.request) is None:
        policy = yield from _call(settings, parent, "GET")
        reply = msgspec.structs.replace(reply, headers=[*reply.headers, *access_control(policy.headers)])
    return reply if parent.method != "HEAD" else msgspec.structs.replace(reply, body=b"")


def _flight(settings: Settings, parent: Parent, records: list[Record], layout: Layout) -> Flight:
    dialect = settings.dialect

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
        write=partial(dialect.result, layout=layout),
        failure=failure,
    )


def _call(settings: Settings, parent: Parent, method: Literal["GET", "OPTIONS"]) -> Generator[Effect, Any, Outcome]:
    """The host's own answer on the batch route, to a synthetic `GET` (C24) or to the parent's `OPTIONS` (C1)."""
    route = settings.path[len(settings.base) :]
    record = Record(Action(-1, method, route, quote_path(route)))
    record.mark.live = method == "GET"  # the client's own request is no child
    record.mark.paid = FREE  # the batch request itself costs nothing (C35)
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
    if (parent.header("content-encoding") or "identity").strip(" \t").lower() != "identity":
        raise UnsupportedMediaType("A batch is sent as it is, without a Content-Encoding.")


def _preflight(outcome: Outcome) -> Reply:
    """The host's answer to `OPTIONS`; where it knows no such route, its CORS headers with a 204 (C1)."""
    if outcome.status not in (404, 405):
        return Reply(outcome.status, outcome.headers, outcome.body)
    return Reply(204, [("allow", ALLOW), *access_control(outcome.headers)], b"")


def _reply(status: int, body: bytes, headers: Any = (), error: BatchError | None = None) -> Reply:
    fields: Headers = [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-length", str(len(body))),
        *headers,
    ]
    return Reply(status, fields, body, error)
