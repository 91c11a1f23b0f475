"""What a line of the input must be to be sent at all, and batches of such lines.

Decides what would cost its neighbours the whole batch, and so stays here: what is no JSON, or too deep, or too long.
All else that the contract asks of an action is the server's to say, in that action's own result; `judge` says the same
in the same words without a server. A line goes into its batch byte for byte.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ..client.actions import Style, write_batch
from ..config import BatchConfig
from ..contract.errors import BatchError
from ..contract.model import Parent
from ..wire import json
from .lines import Line

READS = frozenset({"GET", "HEAD"})
AROUND = len(write_batch([]))  # bytes of a batch beside its actions


class NotAnAction(Exception):
    """A line that can't stand in a batch; the message says why."""


class Entry(Struct, gc=False):
    """One line that can."""

    line: int
    text: bytes
    writes: bool
    """Whether it may change something, so that it must not run twice."""
    tries: int = 0
    """How often it has been put off: by a limit of its own, or by an answer that did not come."""


class Batch(Struct):
    """Lines that are sent together, always in this order: an action's key is the batch's and its place in it."""

    number: int
    key: str
    entries: list[Entry]
    missing: set[int]
    """The lines that have no result yet."""
    at: float = 0.0
    """When it was first sent, in seconds since 1970; 0.0 before. A server keeps keys for a time."""
    doubts: int = 0
    """How often it was sent without an answer, so that what became of it is unknown."""
    busy: int = 0
    """How often the server was still at work on it when it came again."""

    def body(self, style: Style) -> bytes:
        """The body of the request."""
        return write_batch([entry.text for entry in self.entries], style)


class Contract:
    """The contract by its defaults, as the server may have set it: its style, its route, the size of a batch."""

    def __init__(self, style: Style, path: str, max_body_bytes: int) -> None:
        self.style: Style = style
        self.longest = max_body_bytes - AROUND
        self._config = BatchConfig(style=style, path=path)
        self._parent = Parent("POST", path, "", "http", (), None, {})

    def entry(self, line: Line) -> Entry:
        """The line as it goes into a batch. Raises `NotAnAction`."""
        raw = self._open(line)
        method = getattr(raw, "method", None)
        return Entry(line.number, line.text, not isinstance(method, str) or method.upper() not in READS)

    def judge(self, line: Line) -> str | None:
        """What a server that has the defaults would refuse about the line, or None."""
        try:
            action, refusal = self._config.dialect.read(0, self._open(line))
        except NotAnAction as error:
            return str(error)
        if refusal is not None:
            return refusal.message.removeprefix("actions[0]").lstrip(".: ")
        denied = self._config.gate.refusal(action, self._parent)
        return None if denied is None else f"relative_path: {denied}"

    def _open(self, line: Line) -> Any:
        if line.too_long:
            raise NotAnAction(f"longer than the {self.longest} bytes that fit into a batch")
        try:
            line.text.decode("utf-8")
            value = msgspec.json.decode(line.text, type=msgspec.Raw)
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
            raise NotAnAction(f"not JSON: {error}") from None
        if json.kind(value) != "object":
            raise NotAnAction(f"must be an object, not of the kind {json.kind(value)}")
        try:
            return self._config.dialect.open(write_batch([line.text], self.style))[0]
        except BatchError as error:
            raise NotAnAction(error.message) from None
