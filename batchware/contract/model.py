"""The values that the contract speaks of: the parent, an action, its outcome, the reply.

They are `msgspec.Struct`s, since some are made for every action: 0.15 µs each, where a frozen dataclass takes 0.7 to
1.4. None of them is validated here; `wire` and the doors make them from checked input only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from .fields import Fields, joined

if TYPE_CHECKING:
    from .errors import BatchError

Headers = Sequence[tuple[str, str]]
"""Header fields in order: lower-case names, values as latin-1 text."""

Pieces = tuple[bytes, ...]
"""Bytes that are not joined yet: a body goes from the host into the answer in one copy."""


class Parent(Struct, frozen=True):
    """The batch request, as hooks and rules see it."""

    method: str
    """Upper case, as the server gave it."""
    path: str
    """Decoded, below the mount point."""
    query: str
    """The query string as it was sent, without `?`."""
    scheme: str
    headers: Headers
    """All header fields of the request."""
    client: str | None
    """The address of the peer, or None (a UNIX socket)."""
    request: Mapping[str, Any]
    """The ASGI scope or the WSGI environ itself. Read it; changes to it reach no action (C17)."""
    principal: str | None = None
    """What `authorize` returned; None before, and where there is no hook (C8)."""

    def header(self, name: str) -> str | None:
        """The value of the header `name` (lower case), or None; several fields are joined with `, `."""
        headers = self.headers
        return headers.get(name) if isinstance(headers, Fields) else joined(headers).get(name)


class Action(Struct, frozen=True, gc=False):
    """One entry of a batch, checked and ready to be replayed.

    For an entry that was refused, `method` and `path` are what could be read of it, else empty.
    """

    index: int
    """Its place in the batch, from 0."""
    method: str = ""
    """Upper case: GET, HEAD, POST, PUT, PATCH or DELETE (C10)."""
    path: str = ""
    """Decoded once, relative to the API base: the value that rules, limits, logs and the router see (C12)."""
    quoted: str = ""
    """`path`, percent-encoded again (C12)."""
    query: str = ""
    """The query string, encoded, without `?` (C13, C15)."""
    body: bytes | None = None
    """The child's body, or None for none (C14)."""


class Outcome(Struct, frozen=True):
    """What became of one action: a response of the host, or the error that stands in its place."""

    status: int
    headers: Headers
    body: bytes
    error: BatchError | None = None
    """Why there is no response of the host (refused, failed, too slow, too large), or None."""
    seconds: float = 0.0
    """From the start of the action to its complete response; 0.0 for a refused one."""


class Reply(Struct, frozen=True):
    """The answer to the batch request: the one response that a door sends."""

    status: int
    headers: Headers
    body: bytes
    error: BatchError | None = None
    """Why the batch was refused as a whole, or None."""


class Layout(Struct, frozen=True):
    """How the client wants the answer written (C7)."""

    pretty: bool = False
    fields: tuple[str, ...] = ("status_code", "headers", "body")


class Dialect(Protocol):
    """A wire format: bytes to actions, outcomes to bytes. `wire` holds one module for each."""

    def layout(self, query: str) -> Layout:
        """What the parent's query string asks of the answer (C7)."""
        ...

    def open(self, body: bytes) -> Sequence[Any]:
        """The unread actions of a batch; raises `BatchError` where the body is not one (C4, C5)."""
        ...

    def read(self, index: int, raw: Any) -> tuple[Action, BatchError | None]:
        """One of them as an action, and what is wrong with it, if anything (C9 to C15)."""
        ...

    def result(self, action: Action, outcome: Outcome, layout: Layout) -> Pieces:
        """One entry of the answer (C20 to C23)."""
        ...

    def write(self, results: Sequence[Pieces], layout: Layout) -> bytes:
        """The whole answer (C5, C19)."""
        ...

    def error(self, error: BatchError, layout: Layout) -> bytes:
        """The body of an error, of the whole batch or of one action (C30)."""
        ...
