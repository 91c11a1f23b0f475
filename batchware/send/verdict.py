"""What an answer, or none, says about the actions of a batch.

Decides it without looking at anything but the answer:

    Answered  one result for each action
    NotRun    none has run, and the same batch may be sent again later: 429 and 503 with `Retry-After`, 408, a 429 of
              something in front (which need not say when), a server that can't be reached
    TooMuch   none has run, nor will it: 413, and a 429 of the batch route that says that it never fits (C40)
    Refused   none has run, nor will any other batch: not authorized, no such route, not the batch route's own answer
    Doubt     no one knows: a connection that broke, a status that a proxy gives for a server it has lost, no results
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct

from ..client.actions import Style
from .connection import Broken, NotSent, Reply

_LONGEST = 200  # characters of the server's words that are repeated


class One(Struct):
    """The result of one action."""

    status: int
    raw: Raw
    retry_after: float | None
    """Seconds, where the status asks to come again."""


class Answered(Struct):
    results: list[One]


class NotRun(Struct):
    why: str
    seconds: float | None
    """What the server asks to wait, if it says so."""
    reached: bool


class TooMuch(Struct):
    why: str


class Refused(Struct):
    why: str


class Doubt(Struct):
    why: str


Verdict: TypeAlias = Answered | NotRun | TooMuch | Refused | Doubt


class _Result(Struct):
    status_code: int
    headers: dict[str, str] = {}


class _Data(Struct):
    data: list[Raw]


class _Results(Struct):
    results: list[Raw]


class _Message(Struct):
    message: str


class _Errors(Struct):
    errors: list[_Message]


def judge(outcome: Reply | NotSent | Broken, count: int, style: Style) -> Verdict:
    """What is known of the `count` actions of a batch."""
    if isinstance(outcome, NotSent):
        return NotRun(f"the server can't be reached: {outcome}", None, reached=False)
    if isinstance(outcome, Broken):
        return Doubt(f"no answer: {outcome}")
    if outcome.status == 200:
        return _answered(outcome.body, count, style)
    return _without_results(outcome)


def _without_results(reply: Reply) -> Verdict:
    status, words, wait = reply.status, _words(reply), seconds(reply.retry_after)
    if (status in (429, 503) and wait is not None) or status == 408 or (status == 429 and _errors(reply.body) is None):
        return NotRun(words, wait, reached=True)
    if status in (413, 429):
        return TooMuch(words)
    return Doubt(words) if status >= 500 else Refused(words)


def seconds(retry_after: str | None) -> float | None:
    """What `Retry-After` comes to, from now: a number of seconds or a date; None where it is neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _answered(body: bytes, count: int, style: Style) -> Verdict:
    try:
        body.decode("utf-8")
        if style == "plain":
            raws = msgspec.json.decode(body, type=_Results).results
        else:
            raws = msgspec.json.decode(body, type=_Data).data
        if len(raws) != count:
            return Doubt(f"the answer has {len(raws)} results for {count} actions")
        return Answered([_one(raw) for raw in raws])
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        return Doubt(f"the answer is not one of the batch route: {error}")


def _one(raw: Raw) -> One:
    result = msgspec.json.decode(raw, type=_Result)
    wait = None
    if result.status_code in (409, 429, 503):
        wait = seconds(next((value for name, value in result.headers.items() if name.lower() == "retry-after"), None))
    return One(result.status_code, raw, wait)


def _errors(body: bytes) -> list[_Message] | None:
    """The errors that an answer of the batch route names; None where it is somebody else's."""
    try:
        return msgspec.json.decode(body, type=_Errors).errors
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _words(reply: Reply) -> str:
    errors = _errors(reply.body)
    said = errors[0].message if errors else f"to {reply.location}" if reply.location else ""
    text = " ".join(f"{reply.status} {reply.reason}{': ' if said else ''}{said}".split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
