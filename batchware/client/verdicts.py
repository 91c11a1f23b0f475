"""What an answer to a batch says of its actions: pure, from a status, headers and a body.

Decides what is known. A server refuses a batch before it runs any of it (rule C2 of the contract), so every 4xx means
that nothing ran, and so does a 503 that says when to come back. Any other 5xx may come from a proxy that had passed
the batch on, and an answer that isn't readable from anywhere: then it is unknown what ran.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .actions import Action, BadAnswer, ClientError, Headers, Result, Style, said
from .answers import read_answer


@dataclass(frozen=True, slots=True)
class Answer:
    """A response to a batch request, by whatever HTTP client it came."""

    status: int
    headers: Headers
    content: bytes

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], content: bytes) -> Answer:
        """The same out of the headers that a client has."""
        return cls(status, Headers(headers), content)

    @property
    def retry_after(self) -> float | None:
        """The seconds of `Retry-After`, also where it is a date, against the answer's own `Date`; else None."""
        return seconds_of(self.headers)


class BatchRefused(ClientError):
    """The server answered a batch as a whole, without results: `answer`, and the server's `message`."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.message = _message(answer)
        super().__init__(f"the batch got {answer.status}" + (f": {self.message}" if self.message else ""))


@dataclass(frozen=True, slots=True)
class Results:
    """Each action has its result."""

    results: Sequence[Result]


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing ran; the same batch may pass after `seconds`. None: the server doesn't say when, or it is too much."""

    seconds: float | None
    error: BatchRefused
    never: bool = False
    """Whether the server says that the batch can never pass as it is."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Nothing ran; smaller batches may pass: of `actions` actions or `size` bytes, where the server says how many."""

    error: BatchRefused
    actions: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing ran, and it would be no use to send it again; `everything`: nor any other batch."""

    error: BatchRefused
    everything: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """It is unknown what ran; `everything`: whoever answers is no batch endpoint, so nothing more should be sent."""

    error: ClientError
    everything: bool = False


Verdict: TypeAlias = Results | Later | TooLarge | Refused | Lost

_MOST_ACTIONS = re.compile(r"batch holds 1 to (\d{1,9}) actions")
_MOST_BYTES = re.compile(r"body of a batch is at most (\d{1,18}) bytes")


def judge(answer: Answer, actions: Sequence[Action], style: Style) -> Verdict:
    """What `answer`, the answer to a batch of `actions`, says of them."""
    if answer.status == 200:
        try:
            return Results(read_answer(actions, answer.content, style))
        except BadAnswer as error:
            return Lost(error, everything=True)
    refused = BatchRefused(answer)
    wait = answer.retry_after
    verdict: Verdict
    match answer.status:
        case 429:
            verdict = Later(wait, refused, never=wait is None and "can never fit" in refused.message)
        case 503 if wait is not None:
            verdict = Later(wait, refused)
        case 408:
            verdict = Later(wait, refused)
        case 413:
            verdict = TooLarge(refused, size=_number(_MOST_BYTES, refused.message))
        case 400 if (most := _number(_MOST_ACTIONS, refused.message)) is not None:
            verdict = TooLarge(refused, actions=most)
        case 400:
            verdict = Refused(refused, everything=False)
        case status if 300 <= status < 500:
            verdict = Refused(refused, everything=True)
        case status:
            verdict = Lost(refused, everything=status < 500)
    return verdict


def seconds_of(headers: Headers) -> float | None:
    """What `Retry-After` asks for, in seconds; None where there is none, or none that is understood."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    if not text or "date" not in headers:
        return None
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # it takes longer to load than all of this

    try:
        return max(0.0, (parsedate_to_datetime(text) - parsedate_to_datetime(headers["date"])).total_seconds())
    except (ValueError, TypeError):  # no date, or of two dates only one with a time zone
        return None


def _number(pattern: re.Pattern[str], message: str) -> int | None:
    found = pattern.search(message)
    return max(1, int(found.group(1))) if found else None


def _message(answer: Answer) -> str:
    if 300 <= answer.status < 400 and "location" in answer.headers:
        return f"a redirect to {answer.headers['location']}"
    body: Any
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        text = "" if "html" in answer.headers.get("content-type", "") else answer.content.decode("utf-8", "replace")
        return said(text)
    return said(body)
